//! A member follows an offer. The click has an id that nobody can guess, which the network gives
//! back with the conversion; it freezes the version of the offer, and is kept even while the
//! database is away.

mod api;
mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use api::routes as go_routes;
pub use command::{ClickFacts, RecordClick};
pub use job::feed_spool;
pub(crate) use page::{ended, routes as page_routes};
pub use state::{Click, ClickMark};
pub(crate) use state::{RecentClicks, is_bot, parse_reference, reference};
pub(crate) use store::find_routes;
