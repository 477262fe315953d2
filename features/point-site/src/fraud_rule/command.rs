use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::fraud_rule::state::ID_MAX;
use crate::fraud_rule::store::{find_versions, read_current, save_versions};
use crate::fraud_rule::{FraudRule, RuleTerms, RuleVersion, TermsError, VersionState};
use access::audit_trail::{self, AuditEntry, Outcome};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Day, Timestamp, Token, Zone};

/// The most rules of a company: all of them are asked at every decision.
const RULES_MAX: usize = 200;

/// Proposes a version of a rule, a new one or another of one that is there. The same again changes
/// nothing.
#[derive(Clone, Debug)]
pub struct ProposeRule {
    /// The settings, with the rules that the installation begins with.
    pub config: Arc<SiteConfig>,
    /// The rule.
    pub rule: Token,
    /// What it is to say.
    pub terms: RuleTerms,
    /// From which day on, at the earliest; `None` as soon as it is approved.
    pub starts_on: Option<Day>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Who proposes.
    pub by: ActorNumber,
}

/// Why no version is proposed or decided, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    /// The name is longer than names of rules are.
    #[error("a rule's name has at most 24 characters")]
    NameLong,
    /// The terms are none.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// It would begin on a day that has passed.
    #[error("this day has passed")]
    DayPassed,
    /// A version waits for its approval.
    #[error("another version waits to be approved")]
    Pending,
    /// There are as many rules as there may be.
    #[error("there are too many rules")]
    TooMany,
    /// There is no such version.
    #[error("there is no such version")]
    NotFound,
    /// It was decided.
    #[error("this was decided")]
    Decided,
    /// Whoever proposed cannot approve.
    #[error("somebody else has to approve")]
    SamePerson,
}

impl RuleRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NameLong => "name_long",
            Self::Terms(TermsError::AnswerDays) => "answer_days",
            Self::Terms(TermsError::AllowsOnly) => "allows_only",
            Self::DayPassed => "day_passed",
            Self::Pending => "pending",
            Self::TooMany => "too_many",
            Self::NotFound => "not_found",
            Self::Decided => "decided",
            Self::SamePerson => "same_person",
        }
    }
}

type VersionKey = (Token, u32);

/// The versions that a slice concerns.
#[derive(Debug, Default)]
pub struct RuleFacts {
    known: BTreeMap<VersionKey, RuleVersion>,
    /// All rules that are asked, by name.
    names: BTreeSet<Token>,
    changed: BTreeSet<VersionKey>,
    entries: Vec<AuditEntry>,
}

impl RuleFacts {
    fn load(tx: &mut Tx<'_>, company: CompanyNumber, rules: &[Token]) -> Result<Self, Fault> {
        let versions = find_versions(tx, company, rules)?;
        let key = |version: &RuleVersion| (version.rule.id.clone(), version.rule.version);
        let known = versions.into_iter().map(|version| (key(&version), version)).collect();
        Ok(Self { known, ..Self::default() })
    }

    fn of_rule(&self, rule: &Token) -> impl Iterator<Item = &RuleVersion> {
        self.known.range((rule.clone(), 0)..=(rule.clone(), u32::MAX)).map(|(_, version)| version)
    }

    fn note(&mut self, version: RuleVersion) {
        let key = (version.rule.id.clone(), version.rule.version);
        self.changed.insert(key.clone());
        self.known.insert(key, version);
    }

    fn record(
        &mut self,
        (company, by): (CompanyNumber, ActorNumber),
        what: (&str, &VersionKey),
        at: Timestamp,
    ) {
        let (action, (rule, version)) = what;
        self.entries.push(AuditEntry {
            at,
            actor: by,
            company,
            action: format!("fraud_rule.{action}"),
            subject: format!("{rule} {version}"),
            outcome: Outcome::Done,
            request: None,
        });
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|key| self.known.get(key));
        save_versions(tx, &changed.collect::<Vec<_>>())?;
        audit_trail::append(tx, self.entries).map(drop)
    }
}

impl Command for ProposeRule {
    type Facts = RuleFacts;
    /// The number of the version.
    type Receipt = u32;
    type Refusal = RuleRefusal;

    const NAME: &'static str = "propose rule";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let Some(first) = slice.first() else { return Ok(RuleFacts::default()) };
        let rules: Vec<Token> = slice.iter().map(|command| command.rule.clone()).collect();
        let asked_at = slice.iter().map(|command| command.asked_at).min().unwrap_or_default();
        let mut facts = RuleFacts::load(tx, first.config.company, &rules)?;
        let current = read_current(tx, first.config.company, asked_at)?;
        let given = first.config.exchange.rules.iter().map(|rule| rule.id.clone());
        facts.names = given.chain(current.into_iter().map(|version| version.rule.id)).collect();
        Ok(facts)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, RuleRefusal> {
        let now = posting.now();
        if self.rule.as_str().len() > ID_MAX {
            return Err(RuleRefusal::NameLong);
        }
        self.terms.check()?;
        if self.starts_on.is_some_and(|day| day < Zone::JAPAN.day_of(now)) {
            return Err(RuleRefusal::DayPassed);
        }
        let pending = facts.of_rule(&self.rule).find(|v| v.state == VersionState::Proposed);
        if let Some(pending) = pending {
            let same = pending.rule.terms == self.terms
                && pending.starts_on == self.starts_on
                && pending.proposed_by == self.by;
            return if same { Ok(pending.rule.version) } else { Err(RuleRefusal::Pending) };
        }
        if !facts.names.contains(&self.rule) && facts.names.len() >= RULES_MAX {
            return Err(RuleRefusal::TooMany);
        }
        let last = facts.of_rule(&self.rule).map(|known| known.rule.version).max();
        let version = last.unwrap_or_default().saturating_add(1);
        facts.names.insert(self.rule.clone());
        facts.note(RuleVersion {
            company: self.config.company,
            rule: FraudRule { id: self.rule.clone(), version, terms: self.terms.clone() },
            starts_on: self.starts_on,
            proposed_by: self.by,
            proposed_at: now,
            state: VersionState::Proposed,
        });
        let key = (self.rule.clone(), version);
        facts.record((self.config.company, self.by), ("propose", &key), now);
        Ok(version)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// What becomes of a proposed version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleVerdict {
    /// It is asked from its day on, in place of the version before.
    Approve,
    /// It is not asked; its maker may say so as well.
    Decline,
}

/// Decides a version that somebody proposed. The same decision of the same person again changes
/// nothing.
#[derive(Clone, Debug)]
pub struct DecideRule {
    /// The company whose rule it is.
    pub company: CompanyNumber,
    /// The rule.
    pub rule: Token,
    /// The version that was read.
    pub version: u32,
    /// What becomes of it.
    pub verdict: RuleVerdict,
    /// Who decides.
    pub by: ActorNumber,
}

impl Command for DecideRule {
    type Facts = RuleFacts;
    type Receipt = ();
    type Refusal = RuleRefusal;

    const NAME: &'static str = "decide rule";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let Some(first) = slice.first() else { return Ok(RuleFacts::default()) };
        let rules: Vec<Token> = slice.iter().map(|command| command.rule.clone()).collect();
        RuleFacts::load(tx, first.company, &rules)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), RuleRefusal> {
        let now = posting.now();
        let key = (self.rule.clone(), self.version);
        let mut version = facts.known.get(&key).ok_or(RuleRefusal::NotFound)?.clone();
        match (version.state, self.verdict) {
            (VersionState::Proposed, _) => {}
            (VersionState::Approved { by, .. }, RuleVerdict::Approve)
            | (VersionState::Declined { by, .. }, RuleVerdict::Decline)
                if by == self.by =>
            {
                return Ok(());
            }
            (VersionState::Approved { .. } | VersionState::Declined { .. }, _) => {
                return Err(RuleRefusal::Decided);
            }
        }
        let action = match self.verdict {
            RuleVerdict::Decline => {
                version.state = VersionState::Declined { by: self.by, at: now };
                "decline"
            }
            RuleVerdict::Approve if version.proposed_by == self.by => {
                return Err(RuleRefusal::SamePerson);
            }
            RuleVerdict::Approve => {
                let starts_at = version.start(now);
                let state =
                    VersionState::Approved { by: self.by, at: now, starts_at, ends_at: None };
                version.state = state;
                for older in ended_by(facts.of_rule(&self.rule), starts_at) {
                    facts.note(older);
                }
                "approve"
            }
        };
        facts.note(version);
        facts.record((self.company, self.by), (action, &key), now);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Gives the approved versions that end because another one starts; one that has not begun by then
/// never does.
fn ended_by<'a>(
    versions: impl Iterator<Item = &'a RuleVersion>,
    moment: Timestamp,
) -> Vec<RuleVersion> {
    let ended = versions.filter_map(|version| match version.state {
        VersionState::Approved { by, at, starts_at, ends_at }
            if ends_at.is_none_or(|end| moment < end) =>
        {
            let ends_at = Some(moment.max(starts_at));
            let state = VersionState::Approved { by, at, starts_at, ends_at };
            Some(RuleVersion { state, ..version.clone() })
        }
        VersionState::Approved { .. } | VersionState::Proposed | VersionState::Declined { .. } => {
            None
        }
    });
    ended.collect()
}
