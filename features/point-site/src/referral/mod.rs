//! A member invites a friend (友達紹介): a link that is theirs, terms that change with their day, and
//! points for both when the friend has earned enough in time.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::ReferralFacts;
pub use command::{
    ApproveReferralTerms, DecideReferral, DecisionFacts, ExpireFacts, ExpireReferrals, JoinFacts,
    JoinReferral, LinkFacts, MakeReferralLink, ProposeReferralTerms, TermsFacts,
};
pub use job::expire_referrals;
pub(crate) use page::routes;
pub use state::{
    JoinSignals, PlannedTerms, Proposal, Referral, ReferralLink, ReferralRefusal, ReferralRule,
    ReferralState, ReferralTerms, Verdict, judge,
};
pub use store::{find_link_of, find_links, find_referrals, list_held, list_invited};
