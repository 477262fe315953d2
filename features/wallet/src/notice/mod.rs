//! Letters before points expire: 30 days and 7 days ahead.

mod command;
mod job;
mod state;

pub use command::SendLetters;
pub use job::{Noticed, send_notices};
pub use state::{Notices, Readers};
