use crate::fraud_rule::DecisionPoint;
use crate::held::Verdict;
use ledger::ActorNumber;
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, Token, kind};

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseState {
    /// Somebody has to look.
    Open,
    /// Somebody proposed what is to become of it; somebody else decides.
    Proposed,
    /// It went.
    Released {
        /// When.
        at: Timestamp,
    },
    /// It did not go.
    Denied {
        /// When.
        at: Timestamp,
    },
    /// It ended by itself: the member called it off.
    Ended {
        /// When.
        at: Timestamp,
    },
}

impl CaseState {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Released { .. } => "released",
            Self::Denied { .. } => "denied",
            Self::Ended { .. } => "ended",
        }
    }

    /// Puts a state together from its parts; `None` when they do not fit.
    pub fn from_parts(code: &str, closed_at: Option<Timestamp>) -> Option<Self> {
        match (code, closed_at) {
            ("open", None) => Some(Self::Open),
            ("proposed", None) => Some(Self::Proposed),
            ("released", Some(at)) => Some(Self::Released { at }),
            ("denied", Some(at)) => Some(Self::Denied { at }),
            ("ended", Some(at)) => Some(Self::Ended { at }),
            _ => None,
        }
    }

    /// Tells when it was closed; `None` while it waits.
    pub const fn closed_at(self) -> Option<Timestamp> {
        match self {
            Self::Open | Self::Proposed => None,
            Self::Released { at } | Self::Denied { at } | Self::Ended { at } => Some(at),
        }
    }

    /// Tells whether somebody has to do something.
    pub const fn waits(self) -> bool {
        self.closed_at().is_none()
    }
}

/// What was done about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseAction {
    /// A rule held it.
    Opened,
    /// Somebody made it theirs.
    Took,
    /// Somebody made it a colleague's.
    HandedOver,
    /// Somebody wrote something down.
    Noted,
    /// Somebody proposed to release it.
    ProposedRelease,
    /// Somebody proposed to deny it.
    ProposedDenial,
    /// Somebody else released it.
    Released,
    /// Somebody else denied it.
    Denied,
    /// What it is about ended by itself.
    Ended,
}

impl CaseAction {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::Opened,
        Self::Took,
        Self::HandedOver,
        Self::Noted,
        Self::ProposedRelease,
        Self::ProposedDenial,
        Self::Released,
        Self::Denied,
        Self::Ended,
    ];

    /// Gives the stable code, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Took => "took",
            Self::HandedOver => "handed_over",
            Self::Noted => "noted",
            Self::ProposedRelease => "proposed_release",
            Self::ProposedDenial => "proposed_denial",
            Self::Released => "released",
            Self::Denied => "denied",
            Self::Ended => "ended",
        }
    }

    /// Finds an action by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.code() == code)
    }

    /// Gives the action of proposing a verdict.
    pub const fn of_proposal(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Release => Self::ProposedRelease,
            Verdict::Deny => Self::ProposedDenial,
        }
    }
}

/// A line of a case's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEvent {
    /// About what, as the case is named.
    pub subject: Id<kind::Exchange>,
    /// Its place, from 1.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: ActorNumber,
    /// What.
    pub action: CaseAction,
    /// What was written; may be empty.
    pub text: String,
    /// To whom it was handed over.
    pub other: Option<ActorNumber>,
}

/// What a rule holds until persons have looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudCase {
    /// What is held; a case is named by it.
    pub subject: Id<kind::Exchange>,
    /// The company whose matter it is.
    pub company: CompanyNumber,
    /// Where the rules were asked.
    pub point: DecisionPoint,
    /// Whose it is.
    pub member: Id<kind::Member>,
    /// The points at stake.
    pub amount: Amount,
    /// The rules that counted.
    pub rules: Vec<Token>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Until when it is to be decided.
    pub due_at: Timestamp,
    /// Who looks after it.
    pub owner: Option<ActorNumber>,
    /// How far it is.
    pub state: CaseState,
    /// Grows with each line of its story.
    pub version: u32,
}

impl FraudCase {
    /// Tells whether it should have been decided.
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.state.waits() && self.due_at <= now
    }
}

/// Why nothing is done about a case, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseRefusal {
    /// There is no such case here.
    #[error("there is no such case")]
    NotFound,
    /// It is closed, and nobody's any more.
    #[error("this case is closed")]
    Closed,
    /// There is no such colleague who may look after cases.
    #[error("this colleague cannot look after cases")]
    ColleagueUnfit,
}

impl CaseRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Closed => "closed",
            Self::ColleagueUnfit => "colleague_unfit",
        }
    }
}
