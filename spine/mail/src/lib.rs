//! Letters to people: written down with what causes them, sent afterwards.
//!
//! A command that has something to tell puts a [`Letter`] into the tray by [`enqueue`], in its own
//! transaction: there is a letter exactly when the command did something. A job calls
//! [`deliver_due`], which finds what is due and hands it to a [`Carrier`]: over SMTP, [`Smtp`].
//!
//! | answer of the server | what becomes of the letter |
//! |---|---|
//! | taken | sent; its text is wiped, since it may hold a code |
//! | not now (4xx) | waits longer each time, and has failed after [`ATTEMPTS_MAX`] |
//! | never (5xx) | failed; its text is wiped |
//! | none: the server is away | waits, and nothing is counted |
//!
//! Start with `letter.rs`, then `delivery.rs`.
//!
//! Deliberately absent: what letters say (features have their texts), who has which address and who
//! wants notices ([`Recipients`] tells), HTML, attachments, letters that come in.

mod delivery;
mod letter;
mod smtp;
mod store;
#[cfg(test)]
mod tests;

pub use delivery::{
    ATTEMPTS_MAX, Carried, Carrier, Delivered, Parcel, Reachable, Recipients, deliver_due,
};
pub use letter::{Body, Category, Letter, Recipient, subject};
pub use smtp::{Security, Smtp, SmtpError, SmtpOptions};
pub use store::{MIGRATIONS, STATEMENTS, count_letters, enqueue};
