//! The rules of double entry as pure functions: a batch in, movements or a refusal out.
//!
//! # The model
//!
//! A [`Book`] holds accounts by dense number, open holds and expectations. [`Book::post`] takes a
//! [`Batch`] of [`Step`]s, decides each against the book as the steps before it left it, and gives
//! the [`Movement`]s that carry it out, or the first [`Refusal`] that applies; then nothing has
//! changed. A movement is complete in itself. [`Book::fold`] applies one without deciding anything,
//! so a replay of yesterday's journal gives yesterday's balances whatever today's code thinks, and
//! `post` itself changes the book only through `fold`.
//!
//! Every movement has a debit and a credit account and one amount, and belongs to one of three
//! layers: posted value, held value, expected value. In each layer and unit the accounts add up to
//! zero after every movement.
//!
//! Start reading at [`Step`], then `decide/mod.rs`, then `book.rs`.
//!
//! # A worked example
//!
//! ```
//! use ledger::{testing::Ledger, Refusal};
//!
//! let mut ledger = Ledger::new();
//! ledger.run("
//!     account issuer unlimited
//!     account wallet lots
//!     account shop   unlimited
//!     2026-11-01
//!     transfer issuer -> wallet 300 lot free:2027-01-31   ok
//!     hold h1 wallet -> shop 250                          ok
//!     transfer wallet -> shop 51                          balance_insufficient
//!     capture h1 200 final                                ok
//!     balance wallet 100 held 0
//! ");
//! ```
//!
//! # Deliberately absent
//!
//! I/O, a clock, chance, SQL, floating point, iteration over a hash table, and any knowledge of
//! members, shops or campaigns.

#![warn(clippy::arithmetic_side_effects)]

mod account;
mod audit;
mod batch;
mod book;
mod decide;
mod expectation;
mod hold;
mod life;
mod lot;
mod movement;
mod refusal;
pub mod testing;
mod unit;

pub use account::{
    Account, AccountNumber, AccountSpec, AccountState, BalanceRule, Cell, NegativeBy, NormalSide,
    Standing,
};
pub use audit::{Finding, audit};
pub use batch::{
    Batch, BatchError, CaptureRule, Remaining, Step, Steps, Transfer, TransferKind, Wanted, digest,
};
pub use book::{AccountIndex, Book, FoldError, Mark};
pub use decide::{Memory, Nothing, Original, Posted};
pub use expectation::{Expectation, ExpectationState};
pub use hold::{Hold, HoldPart, HoldState};
pub use life::{Activity, ActivityKind, ActivityKinds, Few, IdleRule, LotLife, Span, TooManyRules};
pub use lot::{Lot, LotError, LotKind};
pub use movement::{ActorNumber, Layer, Movement, MovementKind, Seq};
pub use refusal::{Refusal, Refused};
pub use unit::{SpendOrder, Unit, UnitNumber, UnitPolicy};

#[cfg(test)]
mod tests;
