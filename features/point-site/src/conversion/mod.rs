//! What a network says that a member did, and what it is worth to the member. A conversion is
//! announced (判定中), then approved or rejected, and may be taken back or opened again; every change
//! posts what it means to the ledger. What cannot be decided by rule waits for a person.

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::{ConversionFacts, paid_by, taken_by};
pub use state::{
    Authority, Conversion, ConversionKey, ConversionState, Hand, Outcome, Review, Route, Source,
    Status, Told,
};
pub(crate) use state::{
    Effect, Entries, NO_ENTRIES, Plan, Sight, VERSION_ROOM, announce, batch_id, changed,
    conversion_of_posting, expectation_id, plan,
};
pub use store::{ConversionStory, stories};
