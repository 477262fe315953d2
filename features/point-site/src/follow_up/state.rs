use crate::conversion::{ConversionState, VERSION_ROOM};
use vocabulary::{Amount, Id, Reference, Timestamp, Token, kind};

/// Names a version of a conversion, from which something is to follow; sorts as conversions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionKey(pub(crate) [u8; 16]);

impl VersionKey {
    /// Makes the key: the lowest bits of a conversion's id are zero and have room for a version.
    pub(crate) fn of(conversion: Id<kind::Conversion>, version: u32) -> Self {
        Self((conversion.bits() | (u128::from(version) & VERSION_ROOM)).to_be_bytes())
    }

    /// Gives the conversion.
    pub(crate) const fn conversion(self) -> Id<kind::Conversion> {
        Id::from_bits(u128::from_be_bytes(self.0) & !VERSION_ROOM)
    }
}

/// A conversion as it stands when something is to follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub id: Id<kind::Conversion>,
    /// Whose.
    pub member: Id<kind::Member>,
    /// Where.
    pub shop: Id<kind::Shop>,
    /// What the shop sells.
    pub category: Token,
    /// The click it came from.
    pub click: Id<kind::Click>,
    /// When the member went out.
    pub clicked_at: Timestamp,
    /// The shop's order number.
    pub order: Option<Reference>,
    /// What was sold.
    pub sale: Amount,
    /// The member's own points for it.
    pub points: Amount,
    /// Where it stands.
    pub state: ConversionState,
    /// When the decision is to be expected.
    pub due_at: Option<Timestamp>,
}
