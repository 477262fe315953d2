//! A report that was applied and was wrong is undone: tried out first, then proposed, then approved
//! by another person, then undone by a job in slices, each in one transaction with how far it came.
//! Nothing is deleted: what was granted is taken back by reversals, what was dropped is announced
//! again. A conversion that something changed since is left alone and listed.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{ChangeUndo, ChangeUndoFacts, UndoChange, UndoFacts, UndoRefusal, UndoRows};
pub use job::{try_undo, undo_reports};
pub(crate) use page::routes;
pub(crate) use state::{Before, Stood, plan_undo};
pub use state::{Expected, LeftRow, LeftWhy, Undo, UndoState, UndoneRow};
