//! Asking networks what became of our clicks. An account has one row that says how far the asking
//! has come; a page is stored as a message, as it came, in the same transaction that moves the row
//! on, and read afterwards by the job that reads messages.
//!
//! The same days are asked for again and again: often those just past, every day those of the look
//! back, so that late changes are seen. A page that is what it was the last time is not stored
//! again.

mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{AdvancePull, KeptPage, PlaceFacts, Stale};
pub use job::{PullRun, Puller, pull_due};
pub use state::{Feed, Manners, Pull, PullError, Sweep, Turn, Work};
