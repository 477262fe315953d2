use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Experience, Finding, FindingFacts, PayeeUse, RuleHit};
use crate::step_up::{Custom, Decision, Particular, Proof};
use ledger::ActorNumber;
use vocabulary::{
    Amount, BankCalendar, CompanyNumber, Day, Id, Label, Timestamp, Token, Zone, kind,
};

/// The most conditions of a rule: one of each kind, and a change of each particular.
const CONDITIONS_MAX: usize = 10;
/// The most days or hours' worth of days that a window has; what is further back is not known.
const WINDOW_DAYS_MAX: u16 = crate::finding::LOOK_BACK_DAYS;
/// The most days of care after a change, and of a young membership.
const CARE_DAYS_MAX: u16 = 365;
/// The most business days that a case may take.
const ANSWER_DAYS_MAX: u16 = 20;
/// The longest name of a rule: so many names fit beside what they held.
pub(super) const ID_MAX: usize = 24;

/// Where rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionPoint {
    /// A member takes the quote of an exchange up.
    ExchangeAccept,
}

impl DecisionPoint {
    /// Every point.
    pub const ALL: &'static [Self] = &[Self::ExchangeAccept];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ExchangeAccept => "exchange.accept",
        }
    }

    /// Finds a point by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|point| point.code() == code)
    }
}

/// Whether a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleMode {
    /// It is not asked.
    Off,
    /// That it applies is noted, and changes nothing.
    Observe,
    /// It is done as it says.
    Enforce,
}

impl RuleMode {
    /// Every mode.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Observe, Self::Enforce];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }

    /// Finds a mode by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.code() == code)
    }
}

/// A part of when a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// More points than this are taken.
    AmountOver(Amount),
    /// More points than this are taken in so many days of 24 hours, with this one.
    SumOver(Amount, u16),
    /// More exchanges than this in so many hours, with this one.
    CountOver(u32, u16),
    /// A particular changed less than so many days of 24 hours ago.
    ChangedWithin(Particular, u16),
    /// A member since less than so many days. Of whom nobody noted it, it is not said.
    MemberYounger(u16),
    /// Another member named the same account to be paid.
    SharedPayee,
    /// The member has not completed an exchange yet.
    FirstExchange,
    /// The member has not completed an exchange with this destination yet.
    FirstUse,
}

impl Condition {
    /// Tells whether it holds.
    pub fn holds(self, facts: &FindingFacts) -> bool {
        let since = |days: u16| facts.at.plus_days(i64::from(days).saturating_neg());
        let within = |days, at: Timestamp| since(days) < at;
        match self {
            Self::AmountOver(amount) => facts.points > amount,
            Self::SumOver(amount, days) => {
                let taken = facts.taken.iter().filter(|(at, _)| within(days, *at));
                let sum = taken.fold(facts.points, |sum, (_, points)| {
                    sum.checked_add(*points).unwrap_or(Amount::MAX)
                });
                sum > amount
            }
            Self::CountOver(count, hours) => {
                let seconds = i64::from(hours).saturating_mul(3_600);
                let since = facts.at.plus_seconds(seconds.saturating_neg());
                let others = facts.taken.iter().filter(|(at, _)| since < *at).count();
                // This one is one of them.
                u32::try_from(others).unwrap_or(u32::MAX) >= count
            }
            Self::ChangedWithin(particular, days) => facts
                .changes
                .iter()
                .any(|(changed, at)| *changed == particular && within(days, *at)),
            Self::MemberYounger(days) => facts.member_since.is_some_and(|at| within(days, at)),
            Self::SharedPayee => facts.payee == PayeeUse::Shared,
            Self::FirstExchange => facts.experience == Experience::First,
            Self::FirstUse => facts.custom == Custom::New,
        }
    }

    /// Gives the stable word of its kind, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AmountOver(_) => "amount_over",
            Self::SumOver(..) => "sum_over",
            Self::CountOver(..) => "count_over",
            Self::ChangedWithin(..) => "changed_within",
            Self::MemberYounger(_) => "member_younger",
            Self::SharedPayee => "shared_payee",
            Self::FirstExchange => "first_exchange",
            Self::FirstUse => "first_use",
        }
    }

    /// Reads what is written by `Display`; what is beyond the bounds is none.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let amount = |text: &str| Amount::try_new(text.parse().ok()?).ok();
        let bounded = |text: &str, max: u16| {
            text.parse::<u16>().ok().filter(|number| (1..=max).contains(number))
        };
        let hours = WINDOW_DAYS_MAX.saturating_mul(24);
        match words.as_slice() {
            ["amount_over", points] => amount(points).map(Self::AmountOver),
            ["sum_over", points, days] => {
                Some(Self::SumOver(amount(points)?, bounded(days, WINDOW_DAYS_MAX)?))
            }
            ["count_over", count, within] => {
                Some(Self::CountOver(u32::from(bounded(count, 1_000)?), bounded(within, hours)?))
            }
            ["changed_within", particular, days] => {
                let particular = Particular::parse(particular)?;
                Some(Self::ChangedWithin(particular, bounded(days, CARE_DAYS_MAX)?))
            }
            ["member_younger", days] => bounded(days, CARE_DAYS_MAX).map(Self::MemberYounger),
            ["shared_payee"] => Some(Self::SharedPayee),
            ["first_exchange"] => Some(Self::FirstExchange),
            ["first_use"] => Some(Self::FirstUse),
            _ => None,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self {
            Self::AmountOver(amount) => write!(f, "{code} {}", amount.minor_units()),
            Self::SumOver(amount, days) => write!(f, "{code} {} {days}", amount.minor_units()),
            Self::CountOver(count, hours) => write!(f, "{code} {count} {hours}"),
            Self::ChangedWithin(particular, days) => {
                write!(f, "{code} {} {days}", particular.code())
            }
            Self::MemberYounger(days) => write!(f, "{code} {days}"),
            Self::SharedPayee | Self::FirstExchange | Self::FirstUse => f.write_str(code),
        }
    }
}

/// When a rule applies: when all of these hold. One at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// Takes conditions; `None` without any, with too many, or with the same twice.
    pub fn try_new(conditions: Vec<Condition>) -> Option<Self> {
        let distinct: BTreeSet<Condition> = conditions.iter().copied().collect();
        let fits = (1..=CONDITIONS_MAX).contains(&conditions.len());
        (fits && distinct.len() == conditions.len()).then_some(Self(conditions))
    }

    /// Gives them in their order.
    pub fn as_slice(&self) -> &[Condition] {
        &self.0
    }

    /// Reads what is written by `Display`: conditions with `; ` between them.
    pub fn parse(text: &str) -> Option<Self> {
        let conditions: Option<Vec<Condition>> = text.split("; ").map(Condition::parse).collect();
        Self::try_new(conditions?)
    }
}

impl From<Condition> for Conditions {
    fn from(condition: Condition) -> Self {
        Self(vec![condition])
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{condition}")?;
        }
        Ok(())
    }
}

/// What a version of a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTerms {
    /// Where it is asked.
    pub point: DecisionPoint,
    /// When it applies.
    pub conditions: Conditions,
    /// What is decided then.
    pub decision: Decision,
    /// Whether it counts.
    pub mode: RuleMode,
    /// Within how many business days somebody answers a case of it; 0 is the same day.
    pub answer_days: u16,
    /// Why there is such a rule, in words for colleagues.
    pub note: Label,
}

/// What makes terms no terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// More business days than a case may take.
    #[error("a case must be answered sooner")]
    AnswerDays,
    /// A rule that lets something through decides nothing.
    #[error("a rule must ask for something")]
    AllowsOnly,
}

impl RuleTerms {
    /// Tells what is wrong with them.
    ///
    /// # Errors
    ///
    /// [`TermsError`], the first that applies.
    pub fn check(&self) -> Result<(), TermsError> {
        if self.answer_days > ANSWER_DAYS_MAX {
            return Err(TermsError::AnswerDays);
        }
        if self.decision == Decision::Allow {
            return Err(TermsError::AllowsOnly);
        }
        Ok(())
    }
}

/// A rule as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudRule {
    /// Names it for ever, for the record of decisions.
    pub id: Token,
    /// Which version; 0 is how an installation begins.
    pub version: u32,
    /// What it says.
    pub terms: RuleTerms,
}

impl FraudRule {
    /// A rule about exchanges that an installation begins with: in force, with a business day to
    /// answer its cases.
    pub fn given(id: Token, condition: Condition, decision: Decision, note: Label) -> Self {
        let terms = RuleTerms {
            point: DecisionPoint::ExchangeAccept,
            conditions: condition.into(),
            decision,
            mode: RuleMode::Enforce,
            answer_days: 1,
            note,
        };
        Self { id, version: 0, terms }
    }
}

/// How far a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Somebody else has to approve it.
    Proposed,
    /// It was approved, and is in force for this time.
    Approved {
        /// By whom.
        by: ActorNumber,
        /// When.
        at: Timestamp,
        /// From when on it is asked.
        starts_at: Timestamp,
        /// Until when; the last version has no end.
        ends_at: Option<Timestamp>,
    },
    /// It was declined, by its maker or by somebody else.
    Declined {
        /// By whom.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl VersionState {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Declined { .. } => "declined",
        }
    }

    /// Tells whether it is in force at a moment.
    pub fn in_force(self, now: Timestamp) -> bool {
        match self {
            Self::Approved { starts_at, ends_at, .. } => {
                starts_at <= now && ends_at.is_none_or(|end| now < end)
            }
            Self::Proposed | Self::Declined { .. } => false,
        }
    }
}

/// A version of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    /// Whose rule.
    pub company: CompanyNumber,
    /// The rule.
    pub rule: FraudRule,
    /// From which day on, at the earliest; `None` as soon as it is approved.
    pub starts_on: Option<Day>,
    /// Who proposed it.
    pub proposed_by: ActorNumber,
    /// When.
    pub proposed_at: Timestamp,
    /// How far it is.
    pub state: VersionState,
}

impl RuleVersion {
    /// Gives the moment it starts when it is approved now.
    pub fn start(&self, now: Timestamp) -> Timestamp {
        self.starts_on.map_or(now, |day| Zone::JAPAN.start_of(day).max(now))
    }
}

/// Gives the rules that are asked: of each the version in force, and those an installation begins
/// with as long as none of their versions is.
pub fn rules_in_force<'a>(
    given: &'a [FraudRule],
    versions: impl IntoIterator<Item = &'a RuleVersion>,
    now: Timestamp,
) -> Vec<&'a FraudRule> {
    let mut found: BTreeMap<&Token, &FraudRule> =
        given.iter().map(|rule| (&rule.id, rule)).collect();
    for version in versions.into_iter().filter(|version| version.state.in_force(now)) {
        let rule = found.entry(&version.rule.id).or_insert(&version.rule);
        if rule.version < version.rule.version {
            *rule = &version.rule;
        }
    }
    found.into_values().collect()
}

/// What rules say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What is done. A case for a person still asks for the proof that its milder rules want.
    pub outcome: Decision,
    /// Every rule that applies, by name; those that are only noted among them.
    pub hits: Vec<RuleHit>,
    /// Within how many business days a case is answered: the soonest of the rules that hold it.
    pub answer_days: u16,
}

impl Evaluation {
    /// Lists the names of the rules that counted.
    pub fn enforced(&self) -> impl Iterator<Item = &Token> {
        let counted = self.hits.iter().filter(|hit| hit.mode == RuleMode::Enforce);
        counted.map(|hit| &hit.rule)
    }

    /// Says until when a case that is opened now is to be answered: the end of its business day.
    /// Beyond the holidays that are known, days are counted as they are.
    pub fn due_at(&self, now: Timestamp) -> Timestamp {
        let today = Zone::JAPAN.day_of(now);
        let due_on = BankCalendar::JAPAN.add_business_days(today, self.answer_days);
        let due_on = due_on.unwrap_or_else(|_unknown| today.plus_days(i32::from(self.answer_days)));
        Zone::JAPAN.start_of(due_on.plus_days(1))
    }
}

/// Decides by the strictest rule that applies. A proof that was given satisfies those that ask for
/// one, and no others.
pub fn evaluate<'a>(
    rules: impl IntoIterator<Item = &'a FraudRule>,
    point: DecisionPoint,
    facts: &FindingFacts,
    proof: Proof,
) -> Evaluation {
    let asked = |rule: &&FraudRule| {
        let terms = &rule.terms;
        let all_hold = || terms.conditions.as_slice().iter().all(|one| one.holds(facts));
        terms.point == point && terms.mode != RuleMode::Off && all_hold()
    };
    let mut applying: Vec<&FraudRule> = rules.into_iter().filter(asked).collect();
    applying.sort_by(|one, other| one.id.cmp(&other.id));
    let counted = || applying.iter().filter(|rule| rule.terms.mode == RuleMode::Enforce);
    let says = |decision| counted().any(|rule| rule.terms.decision == decision);
    let outcome = if says(Decision::Deny) {
        Decision::Deny
    } else if says(Decision::StepUp) && proof == Proof::None {
        Decision::StepUp
    } else if says(Decision::Hold) {
        Decision::Hold
    } else {
        Decision::Allow
    };
    let holding = counted().filter(|rule| rule.terms.decision == Decision::Hold);
    let answer_days = holding.map(|rule| rule.terms.answer_days).min().unwrap_or_default();
    let hit = |rule: &&FraudRule| RuleHit {
        rule: rule.id.clone(),
        version: rule.version,
        mode: rule.terms.mode,
        decision: rule.terms.decision,
    };
    Evaluation { outcome, hits: applying.iter().map(hit).collect(), answer_days }
}

/// How often a version would have applied to what was found before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Subjects that were looked at.
    pub looked_at: u32,
    /// How many of them it applies to.
    pub matched: u32,
    /// How many members they are of.
    pub members: u32,
    /// How many of them went through then.
    pub allowed: u32,
    /// Whether there was more than is looked at.
    pub cut: bool,
    seen: BTreeSet<[u8; 16]>,
    of: BTreeSet<Id<kind::Member>>,
}

impl Trial {
    /// Notes that there was more.
    pub const fn cut(&mut self) {
        self.cut = true;
    }

    /// Looks at findings, the newest first: of a subject with several, at the newest.
    pub fn look(&mut self, terms: &RuleTerms, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| finding.point == terms.point) {
            if !self.seen.insert(finding.subject) {
                continue;
            }
            self.looked_at = self.looked_at.saturating_add(1);
            let conditions = terms.conditions.as_slice();
            if !conditions.iter().all(|condition| condition.holds(&finding.facts)) {
                continue;
            }
            self.matched = self.matched.saturating_add(1);
            if finding.outcome == Decision::Allow {
                self.allowed = self.allowed.saturating_add(1);
            }
            if self.of.insert(finding.member) {
                self.members = self.members.saturating_add(1);
            }
        }
    }
}
