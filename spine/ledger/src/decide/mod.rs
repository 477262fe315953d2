//! What a batch does to a book: one function a step, each reading what the steps before it left.

mod account;
mod expectation;
mod expiry;
mod hold;
mod lots;
mod reversal;
mod transfer;
mod writing;

pub use writing::{Memory, Nothing, Original, Posted};
