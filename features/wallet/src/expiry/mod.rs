//! What the clock ends: value past its last day, holds past their time, points of who stays away.

mod command;
mod job;
mod store;

pub use command::NoteProgress;
pub use job::{Progress, expire_due, expire_holds, expire_inactive};
pub(crate) use store::STATEMENTS;
pub use store::{Job, JobRow, find_jobs};
