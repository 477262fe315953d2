//! A member's account: where what they have is counted.

mod command;
#[cfg(test)]
mod tests;

pub use command::{OpenWallet, OpenWalletRefusal, member_account};
