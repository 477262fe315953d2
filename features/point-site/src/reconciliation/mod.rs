//! What partners say at the end of a day, compared with what we sent them. Each line of a partner's
//! statement is matched with an exchange by its request id; what a partner has decided and we have
//! not is settled by itself, and what does not agree is a difference that a person closes. No
//! exchange changes that a partner and we both call done.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{
    ChangeDifference, CloseAgreed, DifferenceChange, DifferenceRefusal, FindMissing, KeepStatement,
    ReconcileLines,
};
pub use job::{
    ReceiveError, UploadedStatement, fetch_statements, overdue, receive_statement,
    reconcile_statements,
};
pub(crate) use page::routes;
pub use state::{
    BadLine, Counts, Difference, DifferenceClass, DifferenceState, LineProblem, Mention,
    PartnerStatement, Reading, StatementError, StatementLine, StatementState, Told, Verdict,
    compare, read_statement,
};
