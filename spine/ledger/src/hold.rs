use crate::{AccountNumber, Lot, Seq};
use vocabulary::{Amount, Timestamp};

/// What a hold reserves of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldPart {
    /// Which lot.
    pub lot: Lot,
    /// How much is still reserved of it.
    pub amount: Amount,
}

/// Where a hold stands. Only folding a movement changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// The remaining amount is reserved.
    Open,
    /// Its last capture is posted, the rest released.
    Captured,
    /// Released on request; final.
    Voided,
    /// Released by the clock; unlike a voided hold it can still be captured, late and by force.
    Expired,
}

/// A transfer that reserves an amount (an authorization).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The account that will pay.
    pub debit: AccountNumber,
    /// The account that will receive.
    pub credit: AccountNumber,
    /// What was reserved in all, increases included.
    pub placed: Amount,
    /// What was captured in all.
    pub captured: Amount,
    /// What is still reserved, by lot.
    pub parts: Vec<HoldPart>,
    /// When the clock releases it.
    pub expires_at: Timestamp,
    /// When its last movement was.
    pub changed_at: Timestamp,
    /// Which its last movement was.
    pub head: Seq,
    /// Where it stands.
    pub state: HoldState,
}

impl Hold {
    /// What is still reserved.
    pub fn remaining(&self) -> Amount {
        self.parts
            .iter()
            .fold(Amount::ZERO, |sum, part| sum.checked_add(part.amount).unwrap_or(Amount::MAX))
    }
}
