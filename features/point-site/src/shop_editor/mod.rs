//! The staff's pages of shops: the list, what members see of a shop and when, and the commands by
//! which the staff saves shops and offers. Every save leaves an entry in the audit trail.

mod command;
mod page;
mod state;
#[cfg(test)]
mod tests;

pub use command::{EditFacts, EditOffer, EditRefusal, EditShop, Editor, Intent};
pub(crate) use page::{
    Desk, MANAGE, READ, error_text, find_shop, offer_address, refresh, routes, standing_badge,
    status_of, summary,
};
pub(crate) use state::{Errors, Saved, kept, moment, parse_moment, yes};
