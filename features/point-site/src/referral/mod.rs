//! A member invites a friend (友達紹介): a link that is theirs, terms that change with their day, and
//! points for both when the friend has earned enough in time.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{
    ApproveReferralTerms, DecideReferral, DecisionFacts, DecisionStep, ExpireFacts,
    ExpireReferrals, JoinFacts, JoinMails, JoinReferral, LinkFacts, MakeReferralLink,
    ProposeReferralTerms, TermsFacts,
};
pub(crate) use command::{ReferralFacts, in_force};
pub use job::expire_referrals;
pub(crate) use page::routes;
pub use state::{
    JoinSignals, PlannedTerms, Proposal, Proposed, Referral, ReferralLink, ReferralRefusal,
    ReferralRule, ReferralState, ReferralTerms, Verdict, judge, mail_name,
};
pub use store::{find_link_of, find_links, find_referrals, list_decided, list_held, list_invited};
