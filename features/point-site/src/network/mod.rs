//! How affiliate networks speak: from what came, by push or by pull, to statements in our words.
//! Reading is a pure function; what a statement then means is decided in `conversion`.
//!
//! A network whose postback is a query string is a table of names and words (`form/query.rs`);
//! one that sends JSON has a small reader in `form/`. `docs/guides/networks.md` has all of them
//! side by side.

mod form;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use form::{Asked, Question};
pub use state::{Adapter, Cursor, Page, Pulled, Unread};
