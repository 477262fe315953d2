//! Cases: what a rule holds until persons have looked. Each has a day it is due, somebody who owns
//! it or nobody yet, and its story; it ends with what it is about.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::{CaseBook, DENIED_BY_REVIEW};
pub use command::{CaseChange, CaseFacts, ChangeCase};
pub(crate) use page::{Names, note_of, owner_text, read_names, routes, short};
pub use state::{CaseAction, CaseEvent, CaseRefusal, CaseState, FraudCase};
pub use store::count_overdue;
