//! Failures on purpose, for tests and the simulator: at any step of a commit, before or after it
//! took effect.

use core::fmt;

use crate::{Fault, FaultKind};

/// What happens to one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// It fails before it takes effect; a lost connection ends its transaction.
    Before(FaultKind),
    /// It takes effect, and then the connection is lost with the answer.
    AnswerLost,
    /// A commit is rolled back and reported as done: a broken store, which a good simulator finds
    /// out.
    Lie,
}

/// Decides what happens to each step of writing connections, by its name: `begin`, `append group`,
/// `append movements`, `commit` and the names of statements.
pub trait Saboteur: Send + Sync + fmt::Debug {
    /// Called before each step.
    fn next(&self, step: &str) -> Sabotage;
}

/// The fault of a step that was sabotaged.
pub(crate) fn fault(kind: FaultKind, step: &str) -> Fault {
    Fault::new(kind, format!("{step} (on purpose)"))
}
