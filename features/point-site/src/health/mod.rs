//! How networks do: what went out to shops, what came back, what cannot be read, which shops went
//! silent, and what waits.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::ReadAgain;
pub(crate) use page::routes;
pub use state::{Pulse, Standing, standing};
