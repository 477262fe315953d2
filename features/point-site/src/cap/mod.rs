//! How far an offer goes: by count, by what the network pays. A version that reached its cap is
//! shown as ended; conversions of clicks that were made before are honoured.
//!
//! The tally of a version is a row that changes in the transaction of the conversion, so it is
//! exact. The catalogue reads it with the offers, so that a click-out asks no database: between two
//! readings clicks go out that a reader of the row would not let out. A cap is therefore exceeded
//! by the clicks of that time, and by those that were out before and lead to a conversion later.

mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use state::Tallies;
pub use state::{Caps, Tally};
#[cfg(test)]
pub(crate) use tests::told;
