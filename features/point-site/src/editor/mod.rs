//! The staff's pages of shops and offers: what is in force, what is to come, and how a new version
//! is written down. Nothing is changed that a click was made under; every save leaves an entry in
//! the audit trail.

mod command;
mod page;
mod state;
#[cfg(test)]
mod tests;

pub use command::{EditFacts, EditOffer, EditRefusal, EditShop, Editor, Intent};
pub(crate) use page::routes;
