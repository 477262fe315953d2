use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::{Clearance, Exchange};
use crate::fraud_case::store::{add_events, find_cases, save_cases};
use crate::fraud_case::{CaseAction, CaseEvent, CaseRefusal, CaseState, FraudCase};
use crate::fraud_rule::{DecisionPoint, Evaluation};
use crate::held::Verdict;
use access::audit_trail::{self, AuditEntry};
use access::{Authenticated, LoginStanding, Need, Subject, find_logins_of};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Reader, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// The cases that a slice of commands concerns. They follow what they are about in the same
/// transaction: nothing waits for a person without a case, and no case outlives what it holds.
#[derive(Debug, Default)]
pub(crate) struct CaseBook {
    known: BTreeMap<Id<kind::Exchange>, FraudCase>,
    changed: BTreeSet<Id<kind::Exchange>>,
    events: Vec<CaseEvent>,
}

impl CaseBook {
    pub(crate) fn load(
        reader: &mut Reader<'_>,
        subjects: &[Id<kind::Exchange>],
    ) -> Result<Self, Fault> {
        Ok(Self { known: find_cases(reader, subjects)?, ..Self::default() })
    }

    /// Opens the case of an exchange that rules hold; one that is there stays.
    pub(crate) fn open(
        &mut self,
        exchange: &Exchange,
        evaluation: &Evaluation,
        (by, now): (ActorNumber, Timestamp),
    ) {
        if self.known.contains_key(&exchange.id) {
            return;
        }
        let case = FraudCase {
            subject: exchange.id,
            company: exchange.company,
            point: DecisionPoint::ExchangeAccept,
            member: exchange.member,
            amount: exchange.quote.taken(),
            rules: evaluation.enforced().cloned().collect(),
            opened_at: now,
            due_at: evaluation.due_at(now),
            owner: None,
            state: CaseState::Open,
            version: 0,
        };
        self.note(case, CaseAction::Opened, (by, now), Said::default());
    }

    /// Lets the case of an exchange follow it: it ends when the exchange waits for nobody.
    pub(crate) fn follow(&mut self, exchange: &Exchange, (by, now): (ActorNumber, Timestamp)) {
        let waits = exchange.state.clearance() == Some(Clearance::Review);
        let case = self.known.get(&exchange.id).filter(|case| case.state.waits() && !waits);
        let Some(case) = case.cloned() else { return };
        let denied = exchange.reason.as_ref().is_some_and(|r| r.as_str() == DENIED_BY_REVIEW);
        // What is cleared goes; what is not is over, by a person's verdict or by itself.
        let (state, action) = if exchange.state.clearance() == Some(Clearance::Free) {
            (CaseState::Released { at: now }, CaseAction::Released)
        } else if denied {
            (CaseState::Denied { at: now }, CaseAction::Denied)
        } else {
            (CaseState::Ended { at: now }, CaseAction::Ended)
        };
        self.note(FraudCase { state, ..case }, action, (by, now), Said::default());
    }

    /// Notes what somebody proposed about an exchange.
    pub(crate) fn propose(
        &mut self,
        subject: Id<kind::Exchange>,
        (verdict, reason): (Verdict, &str),
        whose: (ActorNumber, Timestamp),
    ) {
        let Some(case) = self.known.get(&subject).filter(|case| case.state.waits()).cloned() else {
            return;
        };
        let said = Said { text: reason.to_owned(), other: None };
        let case = FraudCase { state: CaseState::Proposed, ..case };
        self.note(case, CaseAction::of_proposal(verdict), whose, said);
    }

    /// Gives what [`Self::undo`] takes back.
    pub(crate) fn mark(&self, subject: Id<kind::Exchange>) -> (Option<FraudCase>, usize) {
        (self.known.get(&subject).cloned(), self.events.len())
    }

    /// Takes back what happened to a case since a mark.
    pub(crate) fn undo(
        &mut self,
        subject: Id<kind::Exchange>,
        (before, events): (Option<FraudCase>, usize),
    ) {
        match before {
            Some(case) => drop(self.known.insert(subject, case)),
            None => drop(self.known.remove(&subject)),
        }
        self.events.truncate(events);
    }

    fn note(
        &mut self,
        case: FraudCase,
        action: CaseAction,
        (actor, at): (ActorNumber, Timestamp),
        said: Said,
    ) {
        let (subject, version) = (case.subject, case.version.saturating_add(1));
        let Said { text, other } = said;
        self.events.push(CaseEvent { subject, version, at, actor, action, text, other });
        self.changed.insert(subject);
        self.known.insert(subject, FraudCase { version, ..case });
    }

    /// Writes what changed; two statements.
    pub(crate) fn save(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|subject| self.known.get(subject));
        save_cases(tx, &changed.collect::<Vec<_>>())?;
        add_events(tx, &self.events)
    }
}

/// The reason that an exchange carries when persons denied it.
pub(crate) const DENIED_BY_REVIEW: &str = "denied_by_review";

/// What a line of a story tells beside what was done.
#[derive(Debug, Default)]
struct Said {
    text: String,
    other: Option<ActorNumber>,
}

/// What somebody does about a case, beside deciding it.
#[derive(Clone, Debug)]
pub enum CaseChange {
    /// Makes it theirs, also when it was a colleague's.
    Take,
    /// Makes it a colleague's, who must be allowed to look after cases.
    HandOver(Id<kind::Staff>),
    /// Writes something down, also when it is closed; at most 500 characters.
    Note(String),
}

/// Does something about a case. What is so already changes nothing; a note is written each time.
#[derive(Clone, Debug)]
pub struct ChangeCase {
    /// The company whose case it is.
    pub company: CompanyNumber,
    /// Which.
    pub subject: Id<kind::Exchange>,
    /// What.
    pub change: CaseChange,
    /// Who.
    pub by: Authenticated,
}

/// What changes are decided on.
#[derive(Debug, Default)]
pub struct CaseFacts {
    book: CaseBook,
    /// Who may look after cases, of those that cases are handed over to.
    colleagues: BTreeMap<Id<kind::Staff>, (CompanyNumber, ActorNumber)>,
    entries: Vec<AuditEntry>,
}

impl Command for ChangeCase {
    type Facts = CaseFacts;
    type Receipt = ();
    type Refusal = CaseRefusal;

    const NAME: &'static str = "change case";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let subjects: Vec<_> = slice.iter().map(|command| command.subject).collect();
        let named = slice.iter().filter_map(|command| match command.change {
            CaseChange::HandOver(staff) => Some(Subject::Staff(staff)),
            CaseChange::Take | CaseChange::Note(_) => None,
        });
        let mut colleagues = BTreeMap::new();
        for login in find_logins_of(tx, &named.collect::<Vec<_>>())? {
            let able = login.role().needs().contains(Need::FraudManage)
                && login.standing() == LoginStanding::Open;
            if let (Subject::Staff(staff), true) = (login.subject(), able) {
                colleagues.insert(staff, (login.company(), login.actor()));
            }
        }
        Ok(CaseFacts { book: CaseBook::load(tx, &subjects)?, colleagues, entries: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), CaseRefusal> {
        let (now, actor) = (posting.now(), self.by.actor());
        let case = facts.book.known.get(&self.subject);
        let case = case.filter(|case| case.company == self.company);
        let mut case = case.ok_or(CaseRefusal::NotFound)?.clone();
        let mut said = Said::default();
        let (action, audited) = match &self.change {
            CaseChange::Note(text) => {
                said.text.clone_from(text);
                (CaseAction::Noted, "fraud_case.note")
            }
            CaseChange::Take | CaseChange::HandOver(_) if !case.state.waits() => {
                return Err(CaseRefusal::Closed);
            }
            CaseChange::Take if case.owner == Some(actor) => return Ok(()),
            CaseChange::Take => {
                case.owner = Some(actor);
                (CaseAction::Took, "fraud_case.take")
            }
            CaseChange::HandOver(staff) => {
                let colleague = facts.colleagues.get(staff);
                // The operator's staff serve all companies.
                let serves = |company| [self.company, CompanyNumber::OPERATOR].contains(&company);
                let colleague = colleague.filter(|(company, _)| serves(*company));
                let (_, colleague) = *colleague.ok_or(CaseRefusal::ColleagueUnfit)?;
                if case.owner == Some(colleague) {
                    return Ok(());
                }
                case.owner = Some(colleague);
                said.other = Some(colleague);
                (CaseAction::HandedOver, "fraud_case.hand_over")
            }
        };
        facts.book.note(case, action, (actor, now), said);
        let entry = AuditEntry::done(now, &self.by, audited);
        facts.entries.push(entry.of(self.company).about(self.subject));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.book.save(tx)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}
