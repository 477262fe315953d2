//! A pretend partner: makes codes and takes points when asked, over the same HTTP as a real one, and
//! does wrong what it is told to. It does each request id once, whatever becomes of the answer.

mod api;
mod page;
mod state;
#[cfg(test)]
mod tests;

use web::Routes;

pub use state::{Asked, Manner, PartnerSandbox, Reply};

/// The pretend partner's own doors.
pub fn routes(sandbox: &PartnerSandbox) -> Routes {
    Routes::of("sandbox").and(api::routes()).and(page::routes()).with_state(sandbox)
}
