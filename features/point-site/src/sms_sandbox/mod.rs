//! A pretend provider of short messages, over the same HTTP as a real one: what it took can be read
//! on its page. It takes messages to every number but those that end in 0000, which it says do not
//! exist.

mod page;
mod state;

pub use page::routes;
pub use state::{SmsSandbox, TakenSms};
