//! What the site keeps about one member, for that member to take along: as a copy to be read by
//! programs, and as the disclosure that the law on personal information asks for (個人情報の保護に関する法律
//! 第33条, also in electronic form).
//!
//! Deliberately absent: what the house concludes about people (rules that held an exchange, what
//! colleagues wrote), which the law leaves out where telling would help fraud; the passbook's lines
//! (the wallet has them); the login (`access`).

mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use state::{Chapter, Part, Place};
pub use store::read_part;
