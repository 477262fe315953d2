use ledger::ActorNumber;
use vocabulary::{Id, Label, Timestamp, kind};

/// What is to become of an exchange that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes.
    Release,
    /// It does not go, and its points are free again.
    Deny,
}

impl Verdict {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Deny => "deny",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Release, Self::Deny].into_iter().find(|verdict| verdict.code() == code)
    }
}

/// What somebody proposed about an exchange, and who decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// About which.
    pub exchange: Id<kind::Exchange>,
    /// What.
    pub verdict: Verdict,
    /// Why, in words for colleagues.
    pub reason: Label,
    /// By whom.
    pub proposed_by: ActorNumber,
    /// When.
    pub proposed_at: Timestamp,
    /// Who decided, and when.
    pub decided: Option<(ActorNumber, Timestamp)>,
}
