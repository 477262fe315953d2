use ledger::{Hold, HoldState, UnitNumber};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, kind};

/// Where and by whom points were reserved. The figures that change are the hold's, in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The hold.
    pub hold: Id<kind::Hold>,
    /// The company whose till asked; its takings are credited.
    pub company: CompanyNumber,
    /// Who pays.
    pub member: Id<kind::Member>,
    /// In which unit.
    pub unit: UnitNumber,
    /// How much was asked for.
    pub amount: Amount,
    /// The shop as the member's passbook names it.
    pub shop: Label,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When the clock releases it.
    pub expires_at: Timestamp,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The points are reserved.
    Reserved,
    /// The points are paid, the rest is free again.
    Captured,
    /// Given back by the till.
    Voided,
    /// Given back by the clock.
    Expired,
}

impl PaymentState {
    /// Gives the stable word of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

/// What a till is told; the same again for a repeat, with the state of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentReceipt {
    /// The hold.
    pub hold: Id<kind::Hold>,
    /// Where it stands.
    pub state: PaymentState,
    /// What is still reserved.
    pub reserved: Amount,
    /// What was captured.
    pub captured: Amount,
    /// When the clock releases what is reserved.
    pub expires_at: Timestamp,
    /// Whether this was asked for before.
    pub repeated: bool,
}

impl PaymentReceipt {
    /// Reads it off the hold.
    pub fn of(id: Id<kind::Hold>, hold: &Hold, repeated: bool) -> Self {
        let state = match hold.state {
            HoldState::Open => PaymentState::Reserved,
            HoldState::Captured => PaymentState::Captured,
            HoldState::Voided => PaymentState::Voided,
            HoldState::Expired => PaymentState::Expired,
        };
        Self {
            hold: id,
            state,
            reserved: hold.remaining(),
            captured: hold.captured,
            expires_at: hold.expires_at,
            repeated,
        }
    }
}
