//! What members can turn points into: bank transfers, gift codes, points of partners. A destination
//! is data with a day from which it holds; a quote says exactly what so many points give.

mod state;
#[cfg(test)]
mod tests;

pub use state::{
    Destination, DestinationKind, LimitGroup, LimitPeriod, LimitRefusal, Opening, Quote,
    QuoteRefusal, Taken, in_force, quote,
};
