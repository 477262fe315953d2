//! Points that the site grants beside a conversion: because a claim was granted, by a campaign, for
//! a rank, for a referral. Whoever decides says what a bonus is to be; what it takes to get there
//! from where it stands is worked out here, and posted. So a repeat changes nothing, and it does
//! not matter in which order things become known.

mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::{BonusFacts, Unpaid};
pub use command::{GrantDue, GrantFacts};
pub use job::grant_due;
pub use state::{Bonus, Cause, Standing, Target};
pub(crate) use state::{Move, batch_id, bonus_of_posting, expectation_id, next_move};
pub use store::{BonusStory, bonus_stories};
