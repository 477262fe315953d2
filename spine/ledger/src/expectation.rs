use crate::{AccountNumber, Seq};
use vocabulary::{Amount, Timestamp};

/// Where an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpectationState {
    /// Value is announced.
    Open,
    /// All of it was granted or dropped.
    Ended,
}

/// Value that is announced but not owed yet (判定中).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The account that will pay.
    pub debit: AccountNumber,
    /// The account that will receive.
    pub credit: AccountNumber,
    /// What is still announced.
    pub amount: Amount,
    /// What was granted of it.
    pub granted: Amount,
    /// When the decision is to be made; shown, never enforced.
    pub due_at: Option<Timestamp>,
    /// When its last movement was.
    pub changed_at: Timestamp,
    /// Which its last movement was.
    pub head: Seq,
    /// Where it stands.
    pub state: ExpectationState,
}
