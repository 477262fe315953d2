//! Letters to people: written down with what causes them, sent afterwards.
//!
//! A command that has something to tell puts a [`Letter`] into the tray by [`enqueue`], in its own
//! transaction: there is a letter exactly when the command did something. What sends them finds
//! what is due in the table `mail_letter`.
//!
//! Start with `letter.rs`.
//!
//! Deliberately absent: what letters say (features have their texts), to whom notices may go.

mod letter;
mod store;
#[cfg(test)]
mod tests;

pub use letter::{Body, Category, Letter, Recipient};
pub use store::{MIGRATIONS, STATEMENTS, enqueue};
