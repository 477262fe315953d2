//! What members can turn points into: bank transfers, gift codes, points of partners. A destination
//! is data with a day from which it holds; a quote says exactly what so many points give.

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{DestinationRefusal, SaveDestination, SaveLimitGroup};
pub use state::{
    Destination, DestinationEntry, DestinationKind, LimitGroup, LimitPeriod, LimitRefusal, Opening,
    Quote, QuoteRefusal, Taken, entries_in_force, in_force, quote,
};
