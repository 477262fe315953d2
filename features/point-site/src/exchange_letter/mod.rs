//! Letters about exchanges that came to an end: it arrived, it failed, or it came back. A row says
//! that a letter is to be written; it comes with the change of the exchange and goes with the
//! letter, so that one is written for each end and none is forgotten.

mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{SendExchangeLetters, SentFacts};
pub use job::write_exchange_letters;
pub(crate) use state::letter_id;
pub use state::{End, EndKey, ExchangeLetters};
