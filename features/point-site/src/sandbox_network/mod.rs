//! Networks of every form to try the site with: they push over HTTP as the real ones do and answer
//! questions under `/sandbox/networks/…`, and can be told to misbehave. They know the site only by
//! its addresses, and nothing of the site knows them: who asks them goes the way of the real ones.
//!
//! All of it is decided by the clock and by what they are told; there is no chance in it.

mod api;
mod job;
mod page;
mod state;

pub use api::routes;
pub use job::SendError;
pub use state::{Action, Mischief, Push, SandboxNetwork, SandboxNetworkConfig, SandboxNetworks};
