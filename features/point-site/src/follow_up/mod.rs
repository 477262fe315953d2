//! What follows from a conversion beside its own points: claims give way to it, campaigns pay for
//! it. A row says that a conversion changed; it is written with the change and goes with what
//! follows from it, so that nothing follows twice and nothing is forgotten.

mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{FollowConversions, FollowFacts};
pub use job::{FOLLOWED_AT_ONCE, follow_conversions};
pub use state::{Seen, VersionKey};
