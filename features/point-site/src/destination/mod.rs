//! What members can turn points into: bank transfers, gift codes, points of partners. A destination
//! is data with a day from which it holds; a quote says exactly what so many points give. Changes
//! are proposed by one person and approved by another.

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{
    DecideDestination, DestinationRefusal, ProposalRefusal, ProposalVerdict, ProposeDestination,
    SaveDestination, SaveLimitGroup, Standing,
};
pub use state::{
    Destination, DestinationChange, DestinationEntry, DestinationKind, DestinationProposal,
    LimitGroup, LimitPeriod, LimitRefusal, Opening, ProposalState, Quote, QuoteRefusal, Taken,
    TermsError, entries_in_force, in_force, preview, quote,
};
