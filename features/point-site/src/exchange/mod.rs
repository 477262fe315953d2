//! A member turns points into something else. The points are held while it is on its way and
//! captured when it has arrived; what is not known is neither paid again nor given back.

mod state;
#[cfg(test)]
mod tests;

pub use state::{Clearance, Effect, ExchangeEvent, ExchangeState, Outcome, Plan, plan};
