//! 通帳, the passbook: what a member has, line by line.

mod api;
mod page;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use api::file_routes;
pub use api::{LineReader, PrintedLine};
pub(crate) use page::{home_routes, routes};
pub(crate) use state::endings;
pub use state::{Balance, Ending, Fate, Line, LineKind, LotPart, Walk, walk};
pub(crate) use store::{Story, Told, accounts, story, tell, units};
