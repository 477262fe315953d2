//! A member's account: where what they have is counted.

mod command;
mod job;
#[cfg(test)]
mod tests;

pub use command::{OpenWallet, OpenWalletRefusal, member_account};
pub use job::note_visits;
