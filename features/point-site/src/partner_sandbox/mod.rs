//! A pretend partner: makes codes and takes points when asked, over the same HTTP as a real one,
//! and does wrong what it is told to. It does each request id once, whatever becomes of the answer.

mod api;
mod page;
mod state;

pub use page::routes;
pub use state::{Asked, Manner, PartnerSandbox, Reply};
