//! Rules that say what is done at a decision point: it goes through, asks for one more proof, waits
//! for a person, or is denied. They are data: each change is a version, proposed by one person and
//! approved by another, in force from its day.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{DecideRule, ProposeRule, RuleFacts, RuleRefusal, RuleVerdict};
pub use job::try_rule;
pub(crate) use page::routes;
pub use state::{
    Condition, Conditions, DecisionPoint, Evaluation, FraudRule, RuleMode, RuleTerms, RuleVersion,
    TermsError, Trial, VersionState, evaluate, rules_in_force,
};
