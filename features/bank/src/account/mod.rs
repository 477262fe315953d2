//! Accounts: opened, seen as they stand and as they stood, frozen, closed, and told line by line.

pub(crate) mod api;
mod command;
mod state;

pub use command::{AskedOpening, OpenAccounts, OpenAccountsFacts, OpeningRefusal};
pub use state::Past;
