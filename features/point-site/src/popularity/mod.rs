//! How often offers are followed: counted by day from the clicks, by a job, and read with the
//! catalogue, so that a list in the order of popularity asks no database.

mod command;
mod job;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{ClickDay, NoteClickDays};
pub use job::count_clicks;
