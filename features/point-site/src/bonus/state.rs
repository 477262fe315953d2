use store::natural_id;
use vocabulary::{Amount, Id, Label, Timestamp, kind};

/// Why points are granted beside a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The site stands in for a shop that did not report (お買い物あんしん保証).
    Claim(Id<kind::Claim>),
    /// A campaign, out of its own budget.
    Campaign(Id<kind::Campaign>),
    /// The member's rank.
    Rank,
    /// The other person of a referral.
    Referral(Id<kind::Member>),
}

impl Cause {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Claim(_) => "claim",
            Self::Campaign(_) => "campaign",
            Self::Rank => "rank",
            Self::Referral(_) => "referral",
        }
    }

    /// Gives the bits of what it is about; zero for a rank.
    pub const fn subject(self) -> u128 {
        match self {
            Self::Claim(id) => id.bits(),
            Self::Campaign(id) => id.bits(),
            Self::Rank => 0,
            Self::Referral(id) => id.bits(),
        }
    }

    /// Reads a cause from its word and the bits of its subject.
    pub fn parse(code: &str, subject: u128) -> Option<Self> {
        Some(match code {
            "claim" => Self::Claim(Id::from_bits(subject)),
            "campaign" => Self::Campaign(Id::from_bits(subject)),
            "rank" => Self::Rank,
            "referral" => Self::Referral(Id::from_bits(subject)),
            _ => return None,
        })
    }

    /// Names the bonus of this cause about something (a conversion, a member): the same two, the
    /// same bonus, for ever.
    pub fn bonus<K>(self, about: Id<K>) -> Id<kind::Bonus> {
        let subject = self.subject().to_be_bytes();
        let parts = [self.code().as_bytes(), &subject, &about.to_bytes()];
        let hash: Id<kind::Bonus> = natural_id("site.bonus", &parts);
        Id::from_bits(hash.bits() & !ROOM)
    }

    /// What its movements are for, in the company's numbering.
    pub(crate) const fn movement_code(self) -> u16 {
        match self {
            Self::Claim(_) => 301,
            Self::Campaign(_) => 302,
            Self::Rank => 303,
            Self::Referral(_) => 304,
        }
    }
}

/// The lowest bits of a bonus's id, which are zero: room for a version and a role.
const VERSION_BITS: u32 = 23;
const ROOM: u128 = (1 << (VERSION_BITS + 1)) - 1;
/// How far the ids of postings are turned, so that they meet no id made elsewhere.
const TURN: u32 = 71;

fn posting_id<K>(bonus: Id<kind::Bonus>, version: u32, role: u128) -> Id<K> {
    let version = u128::from(version) & ((1 << VERSION_BITS) - 1);
    Id::from_bits((bonus.bits() | (role << VERSION_BITS) | version).rotate_left(TURN))
}

/// Names the batch that a version of a bonus posts.
pub(crate) fn batch_id(bonus: Id<kind::Bonus>, version: u32) -> Id<kind::Batch> {
    posting_id(bonus, version, 0)
}

/// Names the expectation that a version of a bonus announces.
pub(crate) fn expectation_id(bonus: Id<kind::Bonus>, version: u32) -> Id<kind::Expectation> {
    posting_id(bonus, version, 1)
}

/// Gives the bonus whose posting would have this id; whether there is one, its row tells.
pub(crate) fn bonus_of_posting(bits: u128) -> Id<kind::Bonus> {
    Id::from_bits(bits.rotate_right(TURN) & !ROOM)
}

/// Where a bonus stands. Amounts are never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is nothing, or nothing any more.
    Nothing,
    /// The clock grants it then; the ledger knows nothing of it yet.
    Promised {
        /// How much.
        amount: Amount,
        /// When.
        grant_at: Timestamp,
    },
    /// Announced (判定中).
    Announced {
        /// How much.
        amount: Amount,
        /// The version that announced it, which names the expectation.
        version: u32,
        /// When the clock grants it; `None` while that depends on something else.
        grant_at: Option<Timestamp>,
    },
    /// Granted.
    Granted {
        /// How much.
        amount: Amount,
        /// The version that granted it, which names the batch to undo.
        version: u32,
        /// It was announced before, so that its part of a budget was set aside first.
        reserved: bool,
    },
}

impl Standing {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Promised { .. } => "promised",
            Self::Announced { .. } => "announced",
            Self::Granted { .. } => "granted",
        }
    }

    /// Gives how much it is.
    pub const fn amount(self) -> Amount {
        match self {
            Self::Nothing => Amount::ZERO,
            Self::Promised { amount, .. }
            | Self::Announced { amount, .. }
            | Self::Granted { amount, .. } => amount,
        }
    }

    /// Tells when the clock grants it.
    pub const fn grant_at(self) -> Option<Timestamp> {
        match self {
            Self::Promised { grant_at, .. } => Some(grant_at),
            Self::Announced { grant_at, .. } => grant_at,
            Self::Nothing | Self::Granted { .. } => None,
        }
    }

    /// Tells whether it is the member's.
    pub const fn granted(self) -> bool {
        match self {
            Self::Granted { .. } => true,
            Self::Nothing | Self::Promised { .. } | Self::Announced { .. } => false,
        }
    }
}

/// What a bonus is to be. An amount of zero is [`Target::Nothing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing.
    Nothing,
    /// Granted by the clock, and not announced: something else announces it.
    Promised {
        /// How much.
        amount: Amount,
        /// When.
        grant_at: Timestamp,
    },
    /// Announced.
    Announced {
        /// How much.
        amount: Amount,
        /// When it is to be expected; kept from the first announcement.
        due_at: Option<Timestamp>,
        /// When the clock grants it.
        grant_at: Option<Timestamp>,
    },
    /// Granted.
    Granted {
        /// How much.
        amount: Amount,
    },
}

impl Target {
    /// Gives the same with another amount.
    pub(crate) const fn of(self, amount: Amount) -> Self {
        if amount.is_zero() {
            return Self::Nothing;
        }
        match self {
            Self::Nothing => Self::Nothing,
            Self::Promised { grant_at, .. } => Self::Promised { amount, grant_at },
            Self::Announced { due_at, grant_at, .. } => {
                Self::Announced { amount, due_at, grant_at }
            }
            Self::Granted { .. } => Self::Granted { amount },
        }
    }

    /// Gives how much it is.
    pub const fn amount(self) -> Amount {
        match self {
            Self::Nothing => Amount::ZERO,
            Self::Promised { amount, .. }
            | Self::Announced { amount, .. }
            | Self::Granted { amount } => amount,
        }
    }
}

/// One step on the way to a target; each is one batch, or only a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Nothing moves; it stands otherwise.
    Note(Standing),
    /// Announces.
    Announce { amount: Amount, due_at: Option<Timestamp>, grant_at: Option<Timestamp> },
    /// Announces another amount.
    Change { version: u32, from: Amount, to: Amount, grant_at: Option<Timestamp> },
    /// Drops what was announced.
    Drop { version: u32, from: Amount },
    /// Turns what was announced into a lot.
    Fulfil { version: u32, amount: Amount },
    /// Grants what was not announced.
    Grant { amount: Amount },
    /// Takes back what was granted.
    TakeBack { version: u32, amount: Amount, reserved: bool },
}

/// Gives the next step from where a bonus stands to what it is to be; `None` when it is there.
pub(crate) fn next_move(standing: Standing, target: Target) -> Option<Move> {
    let target = target.of(target.amount());
    match (standing, target) {
        (Standing::Nothing, Target::Nothing) => None,
        (Standing::Promised { .. }, Target::Nothing) => Some(Move::Note(Standing::Nothing)),
        (Standing::Nothing | Standing::Promised { .. }, Target::Promised { amount, grant_at }) => {
            let next = Standing::Promised { amount, grant_at };
            (next != standing).then_some(Move::Note(next))
        }
        (
            Standing::Nothing | Standing::Promised { .. },
            Target::Announced { amount, due_at, grant_at },
        ) => Some(Move::Announce { amount, due_at, grant_at }),
        (Standing::Nothing | Standing::Promised { .. }, Target::Granted { amount }) => {
            Some(Move::Grant { amount })
        }
        (
            Standing::Announced { amount: from, version, .. },
            Target::Nothing | Target::Promised { .. },
        ) => Some(Move::Drop { version, from }),
        (
            Standing::Announced { amount: from, version, grant_at: until },
            Target::Announced { amount: to, grant_at, .. },
        ) => {
            if from != to {
                return Some(Move::Change { version, from, to, grant_at });
            }
            let next = Standing::Announced { amount: to, version, grant_at };
            (until != grant_at).then_some(Move::Note(next))
        }
        (
            Standing::Announced { amount: from, version, grant_at },
            Target::Granted { amount: to },
        ) => Some(if from == to {
            Move::Fulfil { version, amount: to }
        } else {
            Move::Change { version, from, to, grant_at }
        }),
        (Standing::Granted { amount: from, .. }, Target::Granted { amount: to }) if from == to => {
            None
        }
        (
            Standing::Granted { amount, version, reserved },
            Target::Nothing
            | Target::Promised { .. }
            | Target::Announced { .. }
            | Target::Granted { .. },
        ) => Some(Move::TakeBack { version, amount, reserved }),
    }
}

/// Points beside a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bonus {
    /// Which; follows from what it is for.
    pub id: Id<kind::Bonus>,
    /// Why.
    pub cause: Cause,
    /// For whom.
    pub member: Id<kind::Member>,
    /// The conversion it goes with; `None` when there is none.
    pub conversion: Option<Id<kind::Conversion>>,
    /// What its lines in the passbook are called.
    pub title: Label,
    /// Grows with every change.
    pub version: u32,
    /// Where it stands.
    pub standing: Standing,
}
