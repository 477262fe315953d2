//! Ranks of members: rules that change from a month on, decided by what was approved for a member
//! in the months before, and points beside each purchase for those who have one. A member's rank in
//! a month is written down once and stays, whatever the rules become or is taken back later.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use command::RankFacts;
pub use command::{
    DecideRankSet, MonthFacts, ProposeRankSet, RankSetFacts, SetDecision, WriteRanks,
};
pub use job::{PreviewError, preview_ranks, write_ranks};
pub(crate) use page::{marks_text, month_text, routes};
pub use state::{
    Approved, Marks, MemberRank, Month, Rank, RankRefusal, RankSet, RankSetState, RankTerms, set_of,
};
pub(crate) use state::{MONTHS_MAX, NAME_MAX, RANKS_MAX};
