//! Members who leave: what is lost, days in which it can be taken back, the end.
//!
//! | state | how it ends |
//! |---|---|
//! | asked | signing in takes it back; [`GRACE_DAYS`] later the job ends the membership |
//! | taken back | for good; asking again begins anew |
//! | ended | for good: free points are written off, what was chosen is forgotten |
//!
//! What the end means elsewhere (the login) the caller of [`due_leavings`] sees to, before it says
//! [`EndMembership`].

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{AskToLeave, EndMembership, LeavingFacts, TakeLeavingBack};
pub use state::{GRACE_DAYS, Leaving, LeavingLoss, LeavingRefusal, LeavingState, loss_of};
pub use store::{due_leavings, find_leaving};
