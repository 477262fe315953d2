//! What people decide about conversions that rules cannot decide: what can be done about each
//! reason, and the second person that whatever pays or takes back needs.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{DecisionFacts, EndDecision, ProposeDecision, Verdict};
pub(crate) use page::routes;
pub(crate) use state::settle;
pub use state::{
    Action, Choice, Decision, DecisionRefusal, DecisionState, Eyes, Figures, allowed,
    figures_needed,
};
