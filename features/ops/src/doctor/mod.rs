//! What is wrong with an installation, and what to do about it.

mod command;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::STATEMENTS;
pub use self::{
    command::examine,
    state::{Diagnosis, Ledger, Outside, Severity, SystemFacts, UnknownStep},
    store::{find_unknown_steps, load_facts},
};
