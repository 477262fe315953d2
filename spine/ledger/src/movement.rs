use core::fmt;

use crate::{AccountNumber, Lot};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, kind};

/// A place in the journal of a book, from 1, without gaps; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first movement.
    pub const NONE: Self = Self(0);

    /// Takes a place.
    pub const fn new(seq: u64) -> Self {
        Self(seq)
    }

    /// Gives the place.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who acts: an API key, a member, a staff person or a job, by company and a dense number within
/// it.
///
/// One number says both, the company in the upper 32 bits, so that a journal row alone tells which
/// company asked. It is below 2⁴⁸ and fits every signed integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorNumber(u64);

impl ActorNumber {
    /// The system itself: migrations, expiry by the clock.
    pub const SYSTEM: Self = Self(0);

    /// Takes a company and the number of one of its actors.
    pub fn new(company: CompanyNumber, ordinal: u32) -> Self {
        Self((u64::from(company.get()) << 32) | u64::from(ordinal))
    }

    /// Takes the number of a stored row.
    pub const fn from_number(number: u64) -> Self {
        Self(number & 0xFFFF_FFFF_FFFF)
    }

    /// Gives the number as it is stored.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Gives the company.
    pub fn company(self) -> CompanyNumber {
        CompanyNumber::new(u16::try_from(self.0 >> 32).unwrap_or(u16::MAX))
    }

    /// Gives the number within the company.
    pub fn ordinal(self) -> u32 {
        u32::try_from(self.0 & 0xFFFF_FFFF).unwrap_or(u32::MAX)
    }
}

/// Which figures of the two accounts a movement changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Posted value moves.
    Posted,
    /// Value is reserved.
    Reserve,
    /// Reserved value is set free.
    Release,
    /// Reserved value is set free and moves at once.
    CaptureHeld,
    /// Value is announced.
    Announce,
    /// Announced value is taken back or fulfilled.
    Retract,
    /// Nothing but the account's standing or activity changes.
    Memo,
}

macro_rules! movement_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal $layer:ident;)*) => {
        /// Why value moves. Codes are stored and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum MovementKind {
            $($(#[$doc])* $name = $code,)*
        }

        impl MovementKind {
            /// Every kind, in order of code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the code as it is stored.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// Reads a stored code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// Gives the name in APIs, pages and exports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Tells which figures change.
            pub const fn layer(self) -> Layer {
                match self { $(Self::$name => Layer::$layer,)* }
            }
        }
    };
}

movement_kinds! {
    /// Value from one account to another.
    Transfer = 1 "transfer" Posted;
    /// Points credited for an event.
    Grant = 2 "grant" Posted;
    /// Points spent on something.
    Redemption = 3 "redemption" Posted;
    /// One leg of an exchange between units, through an exchange account.
    Exchange = 4 "exchange" Posted;
    /// Value that leaves the books for the outside (bank, gift code).
    Payout = 5 "payout" Posted;
    /// Value bought from outside.
    TopUp = 6 "top_up" Posted;
    /// A correction by two people.
    Adjustment = 7 "adjustment" Posted;
    /// A lot at its end.
    Expiry = 8 "expiry" Posted;
    /// The undoing of an earlier movement.
    Reversal = 9 "reversal" Posted;
    /// The part of a reversal that its account could not give: now a receivable.
    Shortfall = 10 "shortfall" Posted;
    /// An amount is reserved.
    Hold = 11 "hold" Reserve;
    /// Reserved value is posted.
    Capture = 12 "capture" CaptureHeld;
    /// Value captured beyond the hold, or after it expired.
    CaptureBeyond = 13 "capture_beyond" Posted;
    /// The rest of a hold is set free after its last capture.
    Release = 14 "release" Release;
    /// A hold is set free on request.
    Void = 15 "void" Release;
    /// A hold is set free by the clock.
    HoldExpiry = 16 "hold_expiry" Release;
    /// Value is announced (判定中).
    Announcement = 17 "announcement" Announce;
    /// Announced value is lowered or dropped.
    Retraction = 18 "retraction" Retract;
    /// Announced value becomes a grant.
    Fulfilment = 19 "fulfilment" Retract;
    /// The account refuses postings from now on.
    Freeze = 20 "freeze" Memo;
    /// The account takes postings again.
    Thaw = 21 "thaw" Memo;
    /// The account is closed for good.
    Close = 22 "close" Memo;
    /// The account's owner was active.
    Touch = 23 "touch" Memo;
}

impl MovementKind {
    /// Whether it changes the hold that is its subject.
    pub const fn concerns_hold(self) -> bool {
        matches!(
            self,
            Self::Hold
                | Self::Capture
                | Self::CaptureBeyond
                | Self::Release
                | Self::Void
                | Self::HoldExpiry
        )
    }

    /// Whether it changes the expectation that is its subject.
    pub const fn concerns_expectation(self) -> bool {
        matches!(self, Self::Announcement | Self::Retraction | Self::Fulfilment)
    }
}

/// One row of the journal: the part of a transfer that one lot carries, complete in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Its place.
    pub seq: Seq,
    /// The batch it belongs to; the rows of a batch are neighbours.
    pub batch: Id<kind::Batch>,
    /// Who asked for it.
    pub actor: ActorNumber,
    /// Why.
    pub kind: MovementKind,
    /// What for, in the company's own numbering.
    pub code: u16,
    /// The account debited.
    pub debit: AccountNumber,
    /// The account credited.
    pub credit: AccountNumber,
    /// The lot it leaves.
    pub debit_lot: Lot,
    /// The lot it enters.
    pub credit_lot: Lot,
    /// How much; zero only for memos.
    pub amount: Amount,
    /// When; never before the movement before it.
    pub at: Timestamp,
    /// The newest movement of the debited account before this one.
    pub debit_prev: Seq,
    /// The newest movement of the credited account before this one.
    pub credit_prev: Seq,
    /// The hold, expectation or reversed batch it concerns.
    pub subject: Option<u128>,
    /// When a hold expires or an expectation is to be decided.
    pub due_at: Option<Timestamp>,
    /// On the first row of a batch, the digest of what was asked; a repeat must match it.
    pub digest: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_names_differ() {
        for (place, &kind) in MovementKind::ALL.iter().enumerate() {
            assert_eq!(MovementKind::from_code(kind.code()), Some(kind));
            assert_eq!(usize::from(kind.code()), place + 1);
        }
        assert_eq!(MovementKind::from_code(0), None);
        assert_eq!(MovementKind::from_code(24), None);
    }
}
