use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::exchange::store::find_exchanges;
use crate::exchange::{Cause, Exchange, ExchangeEvent, ExchangeFacts, Outcome};
use crate::gift_code::RequestId;
use crate::reconciliation::state::{agrees_now, due_at, expected_text, line_text};
use crate::reconciliation::store::{
    add_mentions, add_statements, advance_statement, find_differences, find_mentions,
    find_statements, save_differences,
};
use crate::reconciliation::{
    BadLine, Difference, DifferenceClass, DifferenceState, Mention, PartnerStatement,
    StatementLine, StatementState, Verdict, compare,
};
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use store::{Command, Fault, Posting, Recall, Tx, natural_id};
use vocabulary::{CompanyNumber, Id, Timestamp, Token, kind};

/// The differences that a slice of commands concerns, and those that it finds.
#[derive(Debug, Default)]
struct DifferenceBook {
    known: BTreeMap<Id<kind::Difference>, Difference>,
    changed: BTreeSet<Id<kind::Difference>>,
}

impl DifferenceBook {
    fn load(tx: &mut Tx<'_>, ids: &BTreeSet<Id<kind::Difference>>) -> Result<Self, Fault> {
        Ok(Self { known: find_differences(tx, ids)?, changed: BTreeSet::new() })
    }

    /// Takes one in; what was found before stays as it is.
    fn open(&mut self, difference: Difference) {
        if !self.known.contains_key(&difference.id) {
            self.changed.insert(difference.id);
            self.known.insert(difference.id, difference);
        }
    }

    /// Lets an open one go away by itself.
    fn settle(&mut self, id: Id<kind::Difference>, now: Timestamp) {
        let open = self.known.get_mut(&id).filter(|found| found.state == DifferenceState::Open);
        if let Some(difference) = open {
            difference.state = DifferenceState::Settled { at: now };
            difference.version = difference.version.saturating_add(1);
            self.changed.insert(id);
        }
    }

    fn save(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.known.get(id));
        save_differences(tx, &changed.collect::<Vec<_>>())
    }
}

/// Names the difference of a line.
fn of_line(statement: Id<kind::Report>, line: u32) -> Id<kind::Difference> {
    natural_id("site.difference.line", &[&statement.to_bytes(), &line.to_be_bytes()])
}

/// Names the difference of an exchange that no statement names.
fn of_missing(exchange: Id<kind::Exchange>) -> Id<kind::Difference> {
    natural_id("site.difference.ours_only", &[&exchange.to_bytes()])
}

/// A difference as it is found in a statement.
fn found(
    statement: &PartnerStatement,
    (id, line): (Id<kind::Difference>, u32),
    class: DifferenceClass,
    text: String,
    now: Timestamp,
) -> Difference {
    Difference {
        id,
        company: statement.company,
        partner: statement.partner.clone(),
        statement: statement.id,
        line,
        class,
        exchange: None,
        text,
        told: None,
        opened_at: now,
        due_at: due_at(now),
        owner: None,
        state: DifferenceState::Open,
        note: String::new(),
        version: 1,
    }
}

/// Keeps a statement as it came, with the lines that cannot be read as differences. The same file
/// again changes nothing.
#[derive(Clone, Debug)]
pub struct KeepStatement {
    /// The statement, of which no line is compared yet.
    pub statement: PartnerStatement,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What cannot be read.
    pub bad: Vec<BadLine>,
    /// Who brought it, for the audit trail; `None` when a job asked for it.
    pub by: Option<Authenticated>,
}

/// What statements are kept on.
#[derive(Debug, Default)]
pub struct KeepFacts {
    known: BTreeSet<Id<kind::Report>>,
    added: Vec<(PartnerStatement, Vec<u8>)>,
    differences: DifferenceBook,
    entries: Vec<AuditEntry>,
}

impl Command for KeepStatement {
    type Facts = KeepFacts;
    /// Whether it is new.
    type Receipt = bool;
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "keep statement";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.statement.id).collect();
        let known = find_statements(tx, &ids)?.into_keys().collect();
        Ok(KeepFacts { known, ..KeepFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Self::Refusal> {
        if !facts.known.insert(self.statement.id) {
            return Ok(false);
        }
        let now = posting.now();
        let mut statement = self.statement.clone();
        for bad in &self.bad {
            let id = of_line(statement.id, bad.line);
            let text = format!("{}: {}", bad.problem.code(), bad.text);
            let place = (id, bad.line);
            let class = DifferenceClass::Unreadable;
            facts.differences.open(found(&statement, place, class, text, now));
            statement.counts.count(Verdict::Differs(class));
        }
        if let Some(by) = &self.by {
            let entry = AuditEntry::done(now, by, "partner_statement.receive");
            facts.entries.push(entry.of(statement.company).about(statement.id));
        }
        facts.added.push((statement, self.bytes.clone()));
        Ok(true)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        add_statements(tx, &facts.added)?;
        facts.differences.save(tx)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

/// Compares the next lines of a statement. Lines that were compared are not compared again: a
/// repeat gives how far the statement is, and changes nothing.
#[derive(Clone, Debug)]
pub struct ReconcileLines {
    /// The settings, with the partners.
    pub config: Arc<SiteConfig>,
    /// Of which statement.
    pub statement: Id<kind::Report>,
    /// The prefix of our request ids at the partner.
    pub prefix: String,
    /// How many lines were compared before.
    pub from: u32,
    /// The next ones.
    pub lines: Vec<StatementLine>,
    /// Whether these are the last.
    pub last: bool,
}

/// What lines are compared with.
#[derive(Debug)]
pub struct ReconcileFacts {
    statements: BTreeMap<Id<kind::Report>, PartnerStatement>,
    advanced: BTreeSet<Id<kind::Report>>,
    exchanges: ExchangeFacts,
    mentions: BTreeMap<Id<kind::Exchange>, Mention>,
    added: Vec<Mention>,
    differences: DifferenceBook,
}

impl ReconcileLines {
    fn exchanges(&self) -> impl Iterator<Item = Id<kind::Exchange>> {
        self.lines.iter().filter_map(|line| RequestId::exchange(&line.reference, &self.prefix))
    }
}

impl Command for ReconcileLines {
    type Facts = ReconcileFacts;
    /// How far the statement is; `None` when there is no such statement.
    type Receipt = Option<PartnerStatement>;
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "reconcile lines";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let statements: Vec<_> = slice.iter().map(|command| command.statement).collect();
        let exchanges: BTreeSet<_> = slice.iter().flat_map(Self::exchanges).collect();
        let missing = exchanges.iter().map(|exchange| of_missing(*exchange)).collect();
        let exchanges: Vec<_> = exchanges.into_iter().collect();
        Ok(ReconcileFacts {
            statements: find_statements(tx, &statements)?,
            advanced: BTreeSet::new(),
            mentions: find_mentions(tx, &exchanges)?,
            added: Vec::new(),
            differences: DifferenceBook::load(tx, &missing)?,
            exchanges: ExchangeFacts::load(slice.first().map(|one| &one.config), &exchanges, tx)?,
        })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        for exchange in self.exchanges() {
            facts.exchanges.recall(exchange, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, Self::Refusal> {
        let Some(mut statement) = facts.statements.get(&self.statement).cloned() else {
            return Ok(None);
        };
        if statement.state != (StatementState::Reading { done: self.from }) {
            return Ok(Some(statement));
        }
        for line in &self.lines {
            let verdict = self.take(&statement, line, facts, posting);
            statement.counts.count(verdict);
        }
        let count = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        statement.state = if self.last {
            StatementState::Searching
        } else {
            StatementState::Reading { done: self.from.saturating_add(count) }
        };
        facts.advanced.insert(statement.id);
        facts.statements.insert(statement.id, statement.clone());
        Ok(Some(statement))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        for statement in facts.advanced.iter().filter_map(|id| facts.statements.get(id)) {
            advance_statement(tx, statement)?;
        }
        add_mentions(tx, &facts.added)?;
        facts.differences.save(tx)?;
        facts.exchanges.save(tx)
    }
}

impl ReconcileLines {
    fn take(
        &self,
        statement: &PartnerStatement,
        line: &StatementLine,
        facts: &mut ReconcileFacts,
        posting: &mut Posting<'_>,
    ) -> Verdict {
        let id = RequestId::exchange(&line.reference, &self.prefix);
        let exchange = id.and_then(|id| facts.exchanges.known.get(&id));
        let exchange = exchange.filter(|exchange| exchange.company == statement.company);
        let before = id.and_then(|id| facts.mentions.get(&id));
        let verdict = compare(line, &statement.partner, exchange, before, statement.id);
        let verdict = match (verdict, exchange.map(|exchange| exchange.id)) {
            (Verdict::Settles(event), Some(id)) => self.settle(id, event, facts, posting),
            (verdict, _) => verdict,
        };
        let now = posting.now();
        let ours = verdict != Verdict::Differs(DifferenceClass::TheirsOnly);
        if let (Some(exchange), true) = (id, ours) {
            let (statement, processed_on, told) = (statement.id, line.processed_on, line.told);
            let mention = Mention { exchange, statement, line: line.line, processed_on, told };
            if facts.mentions.insert(exchange, mention).is_none() {
                facts.added.push(mention);
            }
            facts.differences.settle(of_missing(exchange), now);
        }
        if let Verdict::Differs(class) = verdict {
            let place = (of_line(statement.id, line.line), line.line);
            let difference = Difference {
                exchange: id.filter(|_| ours),
                told: Some(line.told),
                ..found(statement, place, class, line_text(line), now)
            };
            facts.differences.open(difference);
        }
        verdict
    }

    /// Ends an exchange that waited for the partner, by the word of the statement.
    fn settle(
        &self,
        id: Id<kind::Exchange>,
        event: ExchangeEvent,
        facts: &mut ReconcileFacts,
        posting: &mut Posting<'_>,
    ) -> Verdict {
        let refused = event == ExchangeEvent::Fail;
        let reason = Token::parse("partner_refused").ok().filter(|_| refused);
        let cause = Cause { by: self.config.actor, reason };
        match facts.exchanges.apply(id, event, &cause, posting) {
            Ok(Outcome::Changed) => Verdict::Settles(event),
            Ok(_) | Err(_) => Verdict::Differs(DifferenceClass::StatusDiffers),
        }
    }
}

/// Notes exchanges that are done for us and that no statement names, of those that were found so;
/// and says that a statement is done. Those that were noted before stay as they are.
#[derive(Clone, Debug)]
pub struct FindMissing {
    /// The statement after which they were missed.
    pub statement: Id<kind::Report>,
    /// Those that seem to be missing.
    pub exchanges: Vec<Id<kind::Exchange>>,
    /// Whether nothing else is to be looked for.
    pub last: bool,
}

/// What is known of what seems to be missing.
#[derive(Debug, Default)]
pub struct MissingFacts {
    statements: BTreeMap<Id<kind::Report>, PartnerStatement>,
    advanced: BTreeSet<Id<kind::Report>>,
    exchanges: BTreeMap<Id<kind::Exchange>, Exchange>,
    mentions: BTreeMap<Id<kind::Exchange>, Mention>,
    differences: DifferenceBook,
}

impl Command for FindMissing {
    type Facts = MissingFacts;
    type Receipt = ();
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "find missing";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let statements: Vec<_> = slice.iter().map(|command| command.statement).collect();
        let exchanges: Vec<_> =
            slice.iter().flat_map(|command| command.exchanges.iter().copied()).collect();
        let ids = exchanges.iter().map(|exchange| of_missing(*exchange)).collect();
        Ok(MissingFacts {
            statements: find_statements(tx, &statements)?,
            advanced: BTreeSet::new(),
            mentions: find_mentions(tx, &exchanges)?,
            differences: DifferenceBook::load(tx, &ids)?,
            exchanges: find_exchanges(tx, &exchanges)?,
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), Self::Refusal> {
        let Some(mut statement) = facts.statements.get(&self.statement).cloned() else {
            return Ok(());
        };
        let now = posting.now();
        for id in self.exchanges.iter().filter(|id| !facts.mentions.contains_key(*id)) {
            let Some(exchange) = facts.exchanges.get(id) else { continue };
            let text = expected_text(exchange);
            let class = DifferenceClass::OursOnly;
            let difference = found(&statement, (of_missing(*id), 0), class, text, now);
            facts.differences.open(Difference { exchange: Some(*id), ..difference });
        }
        if self.last && statement.state == StatementState::Searching {
            statement.state = StatementState::Done;
            facts.advanced.insert(statement.id);
            facts.statements.insert(statement.id, statement);
        }
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        for statement in facts.advanced.iter().filter_map(|id| facts.statements.get(id)) {
            advance_statement(tx, statement)?;
        }
        facts.differences.save(tx)
    }
}

/// Lets open differences go away whose exchange agrees by now with what the partner said of it.
#[derive(Clone, Debug)]
pub struct CloseAgreed {
    /// Which, at most 500; those that still differ stay.
    pub differences: Vec<(Id<kind::Difference>, Id<kind::Exchange>)>,
}

/// What is known of differences and their exchanges.
#[derive(Debug, Default)]
pub struct AgreedFacts {
    exchanges: BTreeMap<Id<kind::Exchange>, Exchange>,
    differences: DifferenceBook,
}

impl Command for CloseAgreed {
    type Facts = AgreedFacts;
    type Receipt = ();
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "close agreed differences";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let pairs = || slice.iter().flat_map(|command| command.differences.iter());
        let exchanges: Vec<_> = pairs().map(|(_, exchange)| *exchange).collect();
        Ok(AgreedFacts {
            exchanges: find_exchanges(tx, &exchanges)?,
            differences: DifferenceBook::load(tx, &pairs().map(|(id, _)| *id).collect())?,
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), Self::Refusal> {
        for (id, exchange) in &self.differences {
            let known = facts.differences.known.get(id);
            let known = known.filter(|known| known.class == DifferenceClass::StatusDiffers);
            let told = known.and_then(|known| known.told);
            let exchange = facts.exchanges.get(exchange);
            if told.zip(exchange).is_some_and(|(told, exchange)| agrees_now(exchange, told)) {
                facts.differences.settle(*id, posting.now());
            }
        }
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.differences.save(tx)
    }
}

/// What somebody does about a difference.
#[derive(Clone, Debug)]
pub enum DifferenceChange {
    /// Makes it theirs, also when it was a colleague's.
    Take,
    /// Closes it, with what they found out: 1 to 500 characters. No value moves: what is to be
    /// paid or asked back is between us and the partner, and an exchange is never rewritten.
    Close(String),
}

/// Does something about a difference. What is so already changes nothing.
#[derive(Clone, Debug)]
pub struct ChangeDifference {
    /// The company whose partner it is.
    pub company: CompanyNumber,
    /// Which.
    pub difference: Id<kind::Difference>,
    /// What.
    pub change: DifferenceChange,
    /// Who.
    pub by: Authenticated,
}

/// Why a difference is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceRefusal {
    /// There is no such difference.
    #[error("there is no such difference")]
    NotFound,
    /// It is closed, or went away by itself.
    #[error("this difference is closed")]
    Ended,
}

/// What changes are decided on.
#[derive(Debug, Default)]
pub struct DifferenceFacts {
    differences: DifferenceBook,
    entries: Vec<AuditEntry>,
}

impl Command for ChangeDifference {
    type Facts = DifferenceFacts;
    type Receipt = ();
    type Refusal = DifferenceRefusal;

    const NAME: &'static str = "change difference";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids = slice.iter().map(|command| command.difference).collect();
        Ok(DifferenceFacts { differences: DifferenceBook::load(tx, &ids)?, entries: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), DifferenceRefusal> {
        let (now, actor) = (posting.now(), self.by.actor());
        let known = facts.differences.known.get_mut(&self.difference);
        let known = known.filter(|known| known.company == self.company);
        let difference = known.ok_or(DifferenceRefusal::NotFound)?;
        let action = match (&self.change, difference.state) {
            (DifferenceChange::Close(note), DifferenceState::Closed { by, .. })
                if by == actor && *note == difference.note =>
            {
                return Ok(());
            }
            (_, DifferenceState::Closed { .. } | DifferenceState::Settled { .. }) => {
                return Err(DifferenceRefusal::Ended);
            }
            (DifferenceChange::Take, DifferenceState::Open) => {
                if difference.owner == Some(actor) {
                    return Ok(());
                }
                difference.owner = Some(actor);
                "partner_difference.take"
            }
            (DifferenceChange::Close(note), DifferenceState::Open) => {
                difference.note.clone_from(note);
                difference.state = DifferenceState::Closed { by: actor, at: now };
                "partner_difference.close"
            }
        };
        difference.version = difference.version.saturating_add(1);
        facts.differences.changed.insert(self.difference);
        let entry = AuditEntry::done(now, &self.by, action);
        facts.entries.push(entry.of(self.company).about(self.difference));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.differences.save(tx)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}
