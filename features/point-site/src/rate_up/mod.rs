//! Letters to members when a shop that they keep gives more: once for each version and member.

mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::SendRateUps;
pub use job::{Written, write_rate_ups};
pub use state::{Languages, RateUp, RateUps};
