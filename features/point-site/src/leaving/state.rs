use ledger::{Account, LotKind};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, kind};

/// How long somebody who asked to leave can take it back.
pub const GRACE_DAYS: i64 = 14;

/// How far a leaving has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeavingState {
    /// The member asked; signing in takes it back.
    Asked,
    /// The member took it back.
    TakenBack,
    /// The points are written off; the login is still to be erased.
    Ending,
    /// The membership ended.
    Ended,
}

impl LeavingState {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::TakenBack => "taken_back",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        [Self::Asked, Self::TakenBack, Self::Ending, Self::Ended]
            .into_iter()
            .find(|one| one.code() == code)
    }
}

/// A member who asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The member.
    pub member: Id<kind::Member>,
    /// The company of whose site it is a member.
    pub company: CompanyNumber,
    /// How far it has come.
    pub state: LeavingState,
    /// When the member asked.
    pub asked_at: Timestamp,
    /// Until when it can be taken back.
    pub ends_at: Timestamp,
    /// When it was taken back or ended.
    pub done_at: Option<Timestamp>,
}

/// What a member loses by leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeavingLoss {
    /// Free points that can be spent.
    pub free: Amount,
    /// Points that networks have yet to decide about.
    pub announced: Amount,
    /// Value that was paid for, which nobody may write off.
    pub paid: Amount,
    /// Points reserved for payments or exchanges under way.
    pub held: Amount,
}

/// Adds up what an account has to lose.
pub fn loss_of(account: &Account) -> LeavingLoss {
    let mut loss = LeavingLoss {
        announced: Amount::try_new(account.expected()).unwrap_or_default(),
        held: account.pending(),
        ..LeavingLoss::default()
    };
    for cell in account.state().cells().iter().filter(|cell| cell.lot.is_some()) {
        let add = |sum: Amount, value: i64| {
            let value = Amount::try_new(value).unwrap_or_default();
            sum.checked_add(value).unwrap_or(sum)
        };
        match cell.lot.kind() {
            LotKind::Free => loss.free = add(loss.free, cell.posted.saturating_sub(cell.held)),
            LotKind::Paid => loss.paid = add(loss.paid, cell.posted),
        }
    }
    loss
}

/// Why somebody cannot leave now, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeavingRefusal {
    /// The membership ended already.
    #[error("the membership has ended")]
    Ended,
    /// A payment or an exchange is under way.
    #[error("points are reserved for something that is under way")]
    Held,
    /// There is value that was paid for: it must be used or paid back first.
    #[error("there is value that was paid for")]
    Paid,
}

impl LeavingRefusal {
    /// Gives the stable word, for texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Held => "held",
            Self::Paid => "paid",
        }
    }
}
