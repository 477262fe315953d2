//! Stories of the wallet, as a member, a till and the clock tell them.
#![cfg(test)]

mod expiry;
mod notices;
mod pages;
mod passbook;
mod payments;
mod stage;
