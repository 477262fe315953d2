use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::Exchange;
use crate::exchange::store::{TakenLines, read_custom};
use crate::finding::state::LOOK_BACK_DAYS;
use crate::finding::store::{add_findings, read_shared};
use crate::finding::{Experience, Finding, FindingFacts, PayeeUse};
use crate::fraud_rule::store::read_current;
use crate::fraud_rule::{
    DecisionPoint, Evaluation, FraudRule, RuleVersion, evaluate, rules_in_force,
};
use crate::payee::store::{Changes, read_changes};
use crate::step_up::{Custom, Proof};
use access::{Subject, find_logins_of};
use store::{Fault, Tx};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, Token, kind};

/// Whom and what a slice asks rules about.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) company: CompanyNumber,
    pub(crate) members: &'a [Id<kind::Member>],
    pub(crate) payees: &'a [Id<kind::Payee>],
    /// The earliest moment that somebody asked.
    pub(crate) at: Timestamp,
}

/// The first moment whose exchanges rules look at.
pub(crate) fn looked_back_to(at: Timestamp) -> Timestamp {
    at.plus_days(i64::from(LOOK_BACK_DAYS).saturating_neg())
}

/// What a member exchanged, each once: when and how much.
type Lines = BTreeMap<Id<kind::Exchange>, (Timestamp, Amount)>;

/// The rules and what they are asked with, for a slice of commands; and what they said.
///
/// Rules are read in the transaction that they decide in, not kept in memory: what was approved on
/// another node holds from the next command on, and it is one statement more for a slice.
#[derive(Debug)]
pub(crate) struct Judge {
    versions: Vec<RuleVersion>,
    since: BTreeMap<Id<kind::Member>, Timestamp>,
    shared: BTreeSet<Id<kind::Payee>>,
    custom: BTreeSet<(Id<kind::Member>, Token)>,
    seasoned: BTreeSet<Id<kind::Member>>,
    changes: Changes,
    taken: BTreeMap<Id<kind::Member>, Lines>,
    said: BTreeMap<Id<kind::Finding>, Finding>,
}

impl Judge {
    /// Reads rules and facts; of what members exchanged, what was read for their limits.
    pub(crate) fn load(
        asked: &Asked<'_>,
        taken: &TakenLines,
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        let subjects: Vec<Subject> = asked.members.iter().copied().map(Subject::Member).collect();
        let mut since = BTreeMap::new();
        for login in find_logins_of(tx, &subjects)? {
            if let Subject::Member(member) = login.subject() {
                since.insert(member, login.created_at());
            }
        }
        let custom = read_custom(tx, asked.members)?;
        let mut of_members: BTreeMap<Id<kind::Member>, Lines> = BTreeMap::new();
        for ((member, _group), lines) in taken {
            of_members.entry(*member).or_default().extend(lines.clone());
        }
        Ok(Self {
            versions: read_current(tx, asked.company, asked.at)?,
            since,
            shared: read_shared(tx, asked.payees)?,
            seasoned: custom.iter().map(|(member, _)| *member).collect(),
            custom,
            changes: read_changes(tx, asked.members)?,
            taken: of_members,
            said: BTreeMap::new(),
        })
    }

    /// Says what becomes of an exchange that is taken up to a payee.
    pub(crate) fn ask(
        &self,
        given: &[FraudRule],
        exchange: &Exchange,
        payee: Option<Id<kind::Payee>>,
        (proof, now): (Proof, Timestamp),
    ) -> (Evaluation, Finding) {
        let facts = self.facts(exchange, payee, now);
        let rules = rules_in_force(given, &self.versions, now);
        let point = DecisionPoint::ExchangeAccept;
        let evaluation = evaluate(rules, point, &facts, proof);
        let subject = exchange.id.to_bytes();
        let finding = Finding {
            id: Finding::id_of(point, subject, evaluation.outcome, &evaluation.hits),
            company: exchange.company,
            point,
            subject,
            member: exchange.member,
            outcome: evaluation.outcome,
            hits: evaluation.hits.clone(),
            facts,
        };
        (evaluation, finding)
    }

    fn facts(
        &self,
        exchange: &Exchange,
        payee: Option<Id<kind::Payee>>,
        now: Timestamp,
    ) -> FindingFacts {
        let member = exchange.member;
        let known = self.custom.contains(&(member, exchange.quote.destination.clone()));
        let seasoned = self.seasoned.contains(&member);
        let shared = payee.is_some_and(|payee| self.shared.contains(&payee));
        let others = self.taken.get(&member).into_iter().flatten();
        let others =
            others.filter(|(id, (at, _))| **id != exchange.id && looked_back_to(now) < *at);
        let mut taken: Vec<(Timestamp, Amount)> = others.map(|(_, line)| *line).collect();
        taken.sort_by(|one, other| other.cmp(one));
        FindingFacts {
            at: now,
            points: exchange.quote.taken(),
            custom: if known { Custom::Known } else { Custom::New },
            experience: if seasoned { Experience::Seasoned } else { Experience::First },
            payee: if shared { PayeeUse::Shared } else { PayeeUse::Own },
            member_since: self.since.get(&member).copied(),
            changes: self.changes.get(&member).cloned().unwrap_or_default(),
            taken,
        }
    }

    /// Writes down what the rules said. No decision reads it, so that a refusal may leave it.
    pub(crate) fn keep(&mut self, finding: Finding) {
        self.said.entry(finding.id).or_insert(finding);
    }

    /// Takes in that an exchange was accepted, for the next one of the slice.
    pub(crate) fn note_taken(&mut self, exchange: &Exchange, now: Timestamp) {
        let lines = self.taken.entry(exchange.member).or_default();
        lines.insert(exchange.id, (now, exchange.quote.taken()));
    }

    pub(crate) fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        add_findings(tx, &self.said.into_values().collect::<Vec<_>>())
    }
}
