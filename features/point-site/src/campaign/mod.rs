//! Campaigns: points by a rule, for a time, out of a budget. The rule is data. The budget is an
//! account of the ledger that cannot go below zero: it is funded when a second person approves,
//! and what is announced is set aside from it, so that it is never exceeded, whoever asks at once.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::CampaignFacts;
pub use command::{
    ChangeCampaign, ChangeFacts, EnterCampaign, EntryFacts, SaveCampaign, SaveFacts,
};
pub use job::{SimulateError, simulate_past};
pub(crate) use page::routes;
pub use state::{
    Campaign, CampaignChange, CampaignRefusal, CampaignReward, CampaignState, DayCount,
    Participation, Rules, Simulation,
};
pub(crate) use state::{Case, award, target};
