//! What the rules of a decision point said of something, and what they said it on. Only ever added
//! to: a decision is explained by what was known then.

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::{Asked, Judge, looked_back_to};
pub use state::{Experience, Finding, FindingFacts, LOOK_BACK_DAYS, PayeeUse, RuleHit};
