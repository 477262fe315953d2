//! An affiliate network and its shops to try the site with: orders become postbacks over real HTTP
//! and rows of a real monthly file in CP932. It knows the site only by its addresses, as a real
//! network does, and nothing of the site knows it.

mod api;
mod job;
mod page;
mod state;
#[cfg(test)]
mod tests;

pub use job::SendError;
pub use page::routes;
pub use state::{Order, Pays, Sandbox, SandboxConfig, SandboxShop};
