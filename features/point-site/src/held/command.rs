use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::exchange::store::{find_exchanges, find_proposals, save_proposals};
use crate::exchange::{
    Cause, Clearance, Exchange, ExchangeEvent, ExchangeFacts, ExchangeState, Outcome,
};
use crate::fraud_case::{CaseBook, DENIED_BY_REVIEW};
use crate::held::{Proposal, Verdict};
use access::audit_trail::{self, AuditEntry, Outcome as Audited};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, Token, kind};

/// Proposes what is to become of an exchange that waits. A new proposal takes the place of one that
/// nobody decided.
#[derive(Clone, Debug)]
pub struct ProposeVerdict {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// About which.
    pub exchange: Id<kind::Exchange>,
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: Label,
    /// Who proposes.
    pub by: ActorNumber,
}

/// Why nothing is proposed or decided, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideRefusal {
    /// There is no such exchange here.
    #[error("there is no such exchange")]
    NotFound,
    /// It does not wait for a person.
    #[error("this exchange does not wait for anybody")]
    NotWaiting,
    /// Nobody proposed anything, or it was decided.
    #[error("there is nothing to decide")]
    NothingProposed,
    /// The proposal changed since it was read.
    #[error("the proposal changed meanwhile")]
    Changed,
    /// Whoever proposed cannot decide.
    #[error("somebody else has to decide")]
    SamePerson,
}

impl DecideRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "exchange_not_found",
            Self::NotWaiting => "not_waiting",
            Self::NothingProposed => "nothing_proposed",
            Self::Changed => "proposal_changed",
            Self::SamePerson => "same_person",
        }
    }
}

/// What proposals are made on.
#[derive(Debug, Default)]
pub struct ProposalFacts {
    exchanges: BTreeMap<Id<kind::Exchange>, Exchange>,
    proposals: BTreeMap<Id<kind::Exchange>, Proposal>,
    changed: BTreeMap<Id<kind::Exchange>, Proposal>,
    cases: CaseBook,
    entries: Vec<AuditEntry>,
}

fn waits(exchange: &Exchange) -> bool {
    matches!(exchange.state, ExchangeState::Held { clearance: Clearance::Review, .. })
}

fn entry(
    (company, by): (CompanyNumber, ActorNumber),
    action: &str,
    exchange: Id<kind::Exchange>,
    at: Timestamp,
) -> AuditEntry {
    AuditEntry {
        at,
        actor: by,
        company,
        action: action.to_owned(),
        subject: exchange.to_string(),
        outcome: Audited::Done,
        request: None,
    }
}

impl Command for ProposeVerdict {
    type Facts = ProposalFacts;
    type Receipt = ();
    type Refusal = DecideRefusal;

    const NAME: &'static str = "propose verdict";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.exchange).collect();
        Ok(ProposalFacts {
            exchanges: find_exchanges(tx, &ids)?,
            proposals: find_proposals(tx, &ids)?,
            cases: CaseBook::load(tx, &ids)?,
            ..ProposalFacts::default()
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), DecideRefusal> {
        let exchange = facts.exchanges.get(&self.exchange);
        let exchange = exchange.filter(|exchange| exchange.company == self.company);
        if !waits(exchange.ok_or(DecideRefusal::NotFound)?) {
            return Err(DecideRefusal::NotWaiting);
        }
        let proposal = Proposal {
            exchange: self.exchange,
            verdict: self.verdict,
            reason: self.reason.clone(),
            proposed_by: self.by,
            proposed_at: posting.now(),
            decided: None,
        };
        let said = (self.verdict, self.reason.as_str());
        facts.cases.propose(self.exchange, said, (self.by, posting.now()));
        let action = format!("exchange.propose_{}", self.verdict.code());
        let whose = (self.company, self.by);
        facts.entries.push(entry(whose, &action, self.exchange, posting.now()));
        facts.proposals.insert(self.exchange, proposal.clone());
        facts.changed.insert(self.exchange, proposal);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_proposals(tx, facts.changed.values())?;
        facts.cases.save(tx)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

/// Decides what somebody else proposed: the exchange goes, or its points are free again.
#[derive(Clone, Debug)]
pub struct DecideExchange {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// About which.
    pub exchange: Id<kind::Exchange>,
    /// What the one who decides has read: another proposal is not decided by it.
    pub verdict: Verdict,
    /// Who decides.
    pub by: ActorNumber,
}

/// What decisions stand on.
#[derive(Debug)]
pub struct DecideFacts {
    exchanges: ExchangeFacts,
    proposals: BTreeMap<Id<kind::Exchange>, Proposal>,
    changed: BTreeMap<Id<kind::Exchange>, Proposal>,
    entries: Vec<AuditEntry>,
}

impl Command for DecideExchange {
    type Facts = DecideFacts;
    type Receipt = ();
    type Refusal = DecideRefusal;

    const NAME: &'static str = "decide held exchange";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.exchange).collect();
        let config = slice.first().map(|first| &first.config);
        Ok(DecideFacts {
            exchanges: ExchangeFacts::load(config, &ids, tx)?,
            proposals: find_proposals(tx, &ids)?,
            changed: BTreeMap::new(),
            entries: Vec::new(),
        })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        facts.exchanges.recall(self.exchange, recall);
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), DecideRefusal> {
        let exchange = facts.exchanges.known.get(&self.exchange);
        let exchange = exchange.filter(|exchange| exchange.company == self.config.company);
        if !waits(exchange.ok_or(DecideRefusal::NotFound)?) {
            return Err(DecideRefusal::NotWaiting);
        }
        let proposal = facts.proposals.get(&self.exchange);
        let proposal = proposal.filter(|proposal| proposal.decided.is_none());
        let mut proposal = proposal.ok_or(DecideRefusal::NothingProposed)?.clone();
        if proposal.verdict != self.verdict {
            return Err(DecideRefusal::Changed);
        }
        if proposal.proposed_by == self.by {
            return Err(DecideRefusal::SamePerson);
        }
        let (event, reason) = match self.verdict {
            Verdict::Release => (ExchangeEvent::Release, None),
            Verdict::Deny => (ExchangeEvent::Cancel, Token::parse(DENIED_BY_REVIEW).ok()),
        };
        let cause = Cause { by: self.by, reason };
        match facts.exchanges.apply(self.exchange, event, &cause, posting) {
            Ok(Outcome::Changed) => {}
            Ok(Outcome::Repeated | Outcome::Refused | Outcome::Contradicted) | Err(_) => {
                return Err(DecideRefusal::NotWaiting);
            }
        }
        let now = posting.now();
        proposal.decided = Some((self.by, now));
        let action = format!("exchange.{}", self.verdict.code());
        let whose = (self.config.company, self.by);
        facts.entries.push(entry(whose, &action, self.exchange, now));
        facts.proposals.insert(self.exchange, proposal.clone());
        facts.changed.insert(self.exchange, proposal);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_proposals(tx, facts.changed.values())?;
        audit_trail::append(tx, facts.entries)?;
        facts.exchanges.save(tx)
    }
}
