//! Webhooks.
pub(crate) mod api;
mod state;
pub use state::*;
