use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::conversion::{ConversionFacts, Source};
use crate::decision::store::{find_decisions, find_open, save_decisions};
use crate::decision::{Choice, Decision, DecisionRefusal, DecisionState, Eyes, settle};
use access::{Authenticated, audit_trail, audit_trail::AuditEntry};
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{Id, kind};

/// Decides about a conversion where one person is enough, and otherwise proposes it to another one.
/// The same again gives the first answer.
#[derive(Clone, Debug)]
pub struct ProposeDecision {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// The decision's id, which the form chose.
    pub id: Id<kind::Decision>,
    /// About which conversion.
    pub conversion: Id<kind::Conversion>,
    /// In which version the person saw it.
    pub version: u32,
    /// What is to be done.
    pub choice: Choice,
    /// Who asks.
    pub who: Authenticated,
}

/// What the decisions of a slice stand on.
#[derive(Debug)]
pub struct DecisionFacts {
    conversions: Option<ConversionFacts>,
    decisions: BTreeMap<Id<kind::Decision>, Decision>,
    /// The conversions that a proposal waits for.
    open: BTreeSet<Id<kind::Conversion>>,
    changed: BTreeSet<Id<kind::Decision>>,
    trail: Vec<AuditEntry>,
}

impl DecisionFacts {
    fn note(&mut self, decision: Decision, who: &Authenticated, action: &'static str) {
        let entry = AuditEntry::done(decision.at(), who, action).of(decision.company);
        self.trail.push(entry.about(decision.conversion));
        match decision.state {
            DecisionState::Proposed => self.open.insert(decision.conversion),
            DecisionState::Done { .. }
            | DecisionState::Declined { .. }
            | DecisionState::Overtaken { .. } => self.open.remove(&decision.conversion),
        };
        self.changed.insert(decision.id);
        self.decisions.insert(decision.id, decision);
    }

    /// Posts what a decision means.
    fn carry_out(
        &mut self,
        decision: &Decision,
        posting: &mut Posting<'_>,
    ) -> Result<(), DecisionRefusal> {
        let conversions = self.conversions.as_mut().ok_or(DecisionRefusal::NotFound)?;
        let current = conversions.known.get(&decision.conversion);
        let current = current.ok_or(DecisionRefusal::NotFound)?;
        let click = decision.choice.click.and_then(|click| conversions.routes.get(&click));
        let plan = settle(current, &decision.choice, click, posting.now())?;
        let Some(next) = plan.next else { return Ok(()) };
        let cause = (plan.outcome, Source::Decision(decision.id));
        conversions.change(&next, plan.effect, cause, posting).map_err(DecisionRefusal::Ledger)
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.decisions.get(id));
        save_decisions(tx, &changed.collect::<Vec<_>>())?;
        if !self.trail.is_empty() {
            audit_trail::append(tx, self.trail)?;
        }
        match self.conversions {
            Some(conversions) => conversions.save(tx),
            None => Ok(()),
        }
    }
}

impl Decision {
    const fn at(&self) -> vocabulary::Timestamp {
        match self.state.ended() {
            Some((_, at)) => at,
            None => self.proposed_at,
        }
    }

    /// Tells whether it is what this command asks for.
    fn asked_by(&self, command: &ProposeDecision) -> bool {
        self.company == command.config.company
            && self.conversion == command.conversion
            && self.version == command.version
            && self.choice == command.choice
            && self.proposed_by == command.who.actor()
    }
}

impl Command for ProposeDecision {
    type Facts = DecisionFacts;
    /// How far it is.
    type Receipt = DecisionState;
    type Refusal = DecisionRefusal;

    const NAME: &'static str = "propose decision";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        let named: BTreeSet<_> = slice.iter().map(|command| command.conversion).collect();
        let clicks = slice.iter().filter_map(|command| command.choice.click);
        let conversions = match slice.first() {
            Some(first) => Some(ConversionFacts::load_by_id(&first.config, &named, clicks, tx)?),
            None => None,
        };
        Ok(DecisionFacts {
            conversions,
            decisions: find_decisions(tx, &ids)?,
            open: find_open(tx, &named)?,
            changed: BTreeSet::new(),
            trail: Vec::new(),
        })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let Some(conversions) = &facts.conversions {
            conversions.recall_id(self.conversion, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<DecisionState, DecisionRefusal> {
        if let Some(known) = facts.decisions.get(&self.id) {
            let same = known.asked_by(self);
            return if same { Ok(known.state) } else { Err(DecisionRefusal::IdTaken) };
        }
        let conversions = facts.conversions.as_ref().ok_or(DecisionRefusal::NotFound)?;
        let current = conversions.known.get(&self.conversion).ok_or(DecisionRefusal::NotFound)?;
        if current.version != self.version {
            return Err(DecisionRefusal::Changed);
        }
        if facts.open.contains(&self.conversion) {
            return Err(DecisionRefusal::AlreadyProposed);
        }
        let click = self.choice.click.and_then(|click| conversions.routes.get(&click));
        settle(current, &self.choice, click, posting.now())?;
        let mut decision = Decision {
            id: self.id,
            company: self.config.company,
            conversion: self.conversion,
            version: self.version,
            review: current.review,
            choice: self.choice.clone(),
            state: DecisionState::Proposed,
            proposed_by: self.who.actor(),
            proposed_at: posting.now(),
        };
        match self.choice.action.eyes() {
            Eyes::Four => facts.note(decision.clone(), &self.who, "conversion.propose"),
            Eyes::Two => {
                facts.carry_out(&decision, posting)?;
                let (by, at) = (self.who.actor(), posting.now());
                decision.state = DecisionState::Done { by, at };
                facts.note(decision.clone(), &self.who, "conversion.decide");
            }
        }
        Ok(decision.state)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// What another person says about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is carried out. Never by the one who proposed it.
    Approve,
    /// It is not; the one who proposed it may withdraw it so.
    Decline,
}

/// Ends a proposal. The same again gives the first answer.
#[derive(Clone, Debug)]
pub struct EndDecision {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub id: Id<kind::Decision>,
    /// What is said about it.
    pub verdict: Verdict,
    /// Who says so.
    pub who: Authenticated,
}

impl EndDecision {
    /// Gives what was answered before to the same question.
    fn repeated(&self, state: DecisionState) -> Result<DecisionState, DecisionRefusal> {
        let same = match (state, self.verdict) {
            (
                DecisionState::Done { by, .. } | DecisionState::Overtaken { by, .. },
                Verdict::Approve,
            )
            | (DecisionState::Declined { by, .. }, Verdict::Decline) => by == self.who.actor(),
            (
                DecisionState::Proposed
                | DecisionState::Done { .. }
                | DecisionState::Declined { .. }
                | DecisionState::Overtaken { .. },
                Verdict::Approve | Verdict::Decline,
            ) => false,
        };
        if same { Ok(state) } else { Err(DecisionRefusal::Ended) }
    }
}

impl Command for EndDecision {
    type Facts = DecisionFacts;
    /// How far it is.
    type Receipt = DecisionState;
    type Refusal = DecisionRefusal;

    const NAME: &'static str = "end decision";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        let decisions = find_decisions(tx, &ids)?;
        let named: BTreeSet<_> = decisions.values().map(|decision| decision.conversion).collect();
        let clicks = decisions.values().filter_map(|decision| decision.choice.click);
        let conversions = match slice.first() {
            Some(first) => Some(ConversionFacts::load_by_id(&first.config, &named, clicks, tx)?),
            None => None,
        };
        let (open, changed) = (BTreeSet::new(), BTreeSet::new());
        Ok(DecisionFacts { conversions, decisions, open, changed, trail: Vec::new() })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        let decision = facts.decisions.get(&self.id);
        if let (Some(conversions), Some(decision)) = (&facts.conversions, decision) {
            conversions.recall_id(decision.conversion, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<DecisionState, DecisionRefusal> {
        let known = facts.decisions.get(&self.id);
        let known = known.filter(|decision| decision.company == self.config.company);
        let mut decision = known.cloned().ok_or(DecisionRefusal::NotFound)?;
        if decision.state != DecisionState::Proposed {
            return self.repeated(decision.state);
        }
        let (by, at) = (self.who.actor(), posting.now());
        let action = match self.verdict {
            Verdict::Decline => {
                decision.state = DecisionState::Declined { by, at };
                "conversion.decline"
            }
            Verdict::Approve if decision.proposed_by == by => {
                return Err(DecisionRefusal::SamePerson);
            }
            Verdict::Approve => {
                let conversions = facts.conversions.as_ref();
                let current = conversions.and_then(|all| all.known.get(&decision.conversion));
                if current.is_some_and(|current| current.version == decision.version) {
                    facts.carry_out(&decision, posting)?;
                    decision.state = DecisionState::Done { by, at };
                    "conversion.approve"
                } else {
                    decision.state = DecisionState::Overtaken { by, at };
                    "conversion.overtaken"
                }
            }
        };
        facts.note(decision.clone(), &self.who, action);
        Ok(decision.state)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
