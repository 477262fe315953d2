//! A member says that points are missing (お買い物あんしん保証): the purchase was not recorded, was
//! recorded and not decided in time, or was rejected. Staff ask the shop; what a claim grants is
//! held until goods can no longer be returned, needs a second person, and makes way for the
//! network's own report whenever that comes: exactly one of the two is paid.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::ClaimFacts;
pub use command::{ChangeClaim, ChangeFacts, FileClaim, FileFacts, GuaranteeFacts, SaveGuarantee};
pub(crate) use page::routes;
pub use state::{
    Claim, ClaimAction, ClaimChange, ClaimEvent, ClaimKind, ClaimRefusal, ClaimState, Guarantee,
    Word,
};
pub(crate) use state::{Evidence, Purchase, Recorded, follow, word_of};
