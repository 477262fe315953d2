//! Events: what happened to a company's accounts, told from the journal.

pub(crate) mod api;
mod state;

pub use state::{EventKind, Happened, Occurrence, Particulars, happened, occurrences};
