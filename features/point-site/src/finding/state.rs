use core::fmt::Write as _;

use crate::fraud_rule::{DecisionPoint, RuleMode};
use crate::step_up::{Custom, Decision, Particular};
use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, Token, kind};

/// Days of exchanges that are known when a rule is asked: no rule looks further back.
pub const LOOK_BACK_DAYS: u16 = 31;
/// How many of them a finding keeps, the newest; about 1,300 characters.
const KEPT_MAX: usize = 60;

/// Whether the member has completed an exchange before, wherever to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Experience {
    /// They have not.
    First,
    /// They have.
    Seasoned,
}

/// Whether other members named the same account to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayeeUse {
    /// Nobody else did, or no account is paid.
    Own,
    /// Somebody did.
    Shared,
}

/// What rules are asked with, as known at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingFacts {
    /// The moment.
    pub at: Timestamp,
    /// What is taken from the member.
    pub points: Amount,
    /// Whether the destination is new to them.
    pub custom: Custom,
    /// Whether any exchange is.
    pub experience: Experience,
    /// Whether others are paid there.
    pub payee: PayeeUse,
    /// Since when they are a member; `None` when nobody noted it.
    pub member_since: Option<Timestamp>,
    /// When particulars last changed; one that never changed is not here.
    pub changes: Vec<(Particular, Timestamp)>,
    /// What they exchanged in the last [`LOOK_BACK_DAYS`], this one not among it, the newest first.
    pub taken: Vec<(Timestamp, Amount)>,
}

impl FindingFacts {
    /// Writes the facts in one line of at most 2,000 characters; of what was exchanged, the newest
    /// sixty.
    pub fn to_text(&self) -> String {
        let custom = match self.custom {
            Custom::New => "new",
            Custom::Known => "known",
        };
        let experience = match self.experience {
            Experience::First => "first",
            Experience::Seasoned => "seasoned",
        };
        let payee = match self.payee {
            PayeeUse::Own => "own",
            PayeeUse::Shared => "shared",
        };
        let points = self.points.minor_units();
        let mut text = format!(
            "at={} points={points} custom={custom} experience={experience} payee={payee}",
            self.at.as_microseconds()
        );
        if let Some(since) = self.member_since {
            let _infallible = write!(text, " since={}", since.as_microseconds());
        }
        for (particular, at) in &self.changes {
            let _infallible = write!(text, " {}={}", particular.code(), at.as_microseconds());
        }
        for (at, points) in self.taken.iter().take(KEPT_MAX) {
            // Whole seconds are enough for windows of hours and days.
            let _infallible = write!(text, " taken={}:{}", at.as_seconds(), points.minor_units());
        }
        text
    }

    /// Reads what [`Self::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut facts = Self {
            at: Timestamp::default(),
            points: Amount::ZERO,
            custom: Custom::New,
            experience: Experience::First,
            payee: PayeeUse::Own,
            member_since: None,
            changes: Vec::new(),
            taken: Vec::new(),
        };
        for pair in text.split(' ') {
            let (key, value) = pair.split_once('=')?;
            match key {
                "at" => facts.at = moment(value)?,
                "points" => facts.points = Amount::try_new(value.parse().ok()?).ok()?,
                "custom" => {
                    let words = [("new", Custom::New), ("known", Custom::Known)];
                    facts.custom = one_of(value, words)?;
                }
                "experience" => {
                    let words = [("first", Experience::First), ("seasoned", Experience::Seasoned)];
                    facts.experience = one_of(value, words)?;
                }
                "payee" => {
                    let words = [("own", PayeeUse::Own), ("shared", PayeeUse::Shared)];
                    facts.payee = one_of(value, words)?;
                }
                "since" => facts.member_since = Some(moment(value)?),
                "taken" => {
                    let (at, points) = value.split_once(':')?;
                    let at = Timestamp::default().plus_seconds(at.parse().ok()?);
                    facts.taken.push((at, Amount::try_new(points.parse().ok()?).ok()?));
                }
                other => facts.changes.push((Particular::parse(other)?, moment(value)?)),
            }
        }
        Some(facts)
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_microseconds)
}

fn one_of<T>(word: &str, words: [(&str, T); 2]) -> Option<T> {
    words.into_iter().find_map(|(known, value)| (known == word).then_some(value))
}

/// A rule whose conditions held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// Which.
    pub rule: Token,
    /// In which version; 0 is how an installation begins.
    pub version: u32,
    /// Whether it counted or was only noted.
    pub mode: RuleMode,
    /// What it says.
    pub decision: Decision,
}

impl RuleHit {
    /// Writes hits in one line: `rule:version:mode:decision`, with blanks between them.
    pub fn list_text(hits: &[Self]) -> String {
        let words: Vec<String> = hits
            .iter()
            .map(|hit| {
                let (mode, decision) = (hit.mode.code(), hit.decision.code());
                format!("{}:{}:{mode}:{decision}", hit.rule, hit.version)
            })
            .collect();
        words.join(" ")
    }

    /// Reads what [`Self::list_text`] wrote.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        text.split_whitespace().map(Self::parse).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let hit = Self {
            rule: Token::parse(parts.next()?).ok()?,
            version: parts.next()?.parse().ok()?,
            mode: RuleMode::parse(parts.next()?)?,
            decision: Decision::parse(parts.next()?)?,
        };
        parts.next().is_none().then_some(hit)
    }
}

/// What the rules said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Follows from subject, outcome and hits: the same answer to a repeat is one finding.
    pub id: Id<kind::Finding>,
    /// Whose rules.
    pub company: CompanyNumber,
    /// Where they were asked.
    pub point: DecisionPoint,
    /// About what, as the bits of its id.
    pub subject: [u8; 16],
    /// About whom.
    pub member: Id<kind::Member>,
    /// What was done.
    pub outcome: Decision,
    /// The rules whose conditions held, those that are only noted among them.
    pub hits: Vec<RuleHit>,
    /// What was known.
    pub facts: FindingFacts,
}

impl Finding {
    /// Gives the id of what the rules say of a subject.
    pub fn id_of(
        point: DecisionPoint,
        subject: [u8; 16],
        outcome: Decision,
        hits: &[RuleHit],
    ) -> Id<kind::Finding> {
        let (point, outcome) = (point.code().as_bytes(), outcome.code().as_bytes());
        let hits = RuleHit::list_text(hits);
        natural_id("site.finding", &[point, &subject, outcome, hits.as_bytes()])
    }
}
