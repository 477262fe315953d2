//! What networks send to our address. A message is stored as it came before anything else is done
//! and answered; a job reads it afterwards and says what it means for a conversion.

mod api;
pub(crate) mod command;
mod job;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use api::routes;
pub use command::{MessageFacts, ProcessFacts, ProcessMessage, StoreMessage};
pub use job::{MESSAGES_AT_ONCE, process_messages};
pub use state::{Content, Media, Message, Request, Unreadable};
