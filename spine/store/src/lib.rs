//! The only crate with a database: `SQLite` in a file, or a server that speaks the MySQL protocol.
//!
//! | layer | modules | what it gives |
//! |---|---|---|
//! | books | `store` `desk` `committer` `recall` `cycle` `verify` | [`Store`] |
//! | journal | `journal` `ids` `checkpoint` `registry` | rows, ids, balances to start from |
//! | commands | [`Command`] | what a feature teaches the writer |
//! | database | `database` `connection` `tx` `statement` `value` | [`Database`], [`Tx`] |
//! | drivers | `sqlite` `mysql` | all that names a driver |
//! | upkeep | [`migrate`] [`backup`] `testing` | the schema, copies, databases for tests |
//!
//! Start with [`Store`], then `desk.rs`, whose table tells the way of a commit; below it,
//! [`Database::open`] and [`Tx`].
//!
//! Deliberately absent: an ORM, SQL built from input, floating point, `async`, a connection that
//! changes under a transaction.

pub mod backup;
mod checkpoint;
mod command;
mod committer;
#[cfg(test)]
mod conformance;
mod connection;
mod cycle;
mod database;
mod desk;
mod fault;
mod find_ended;
mod ids;
mod journal;
pub mod migrate;
mod mysql;
mod natural_id;
mod recall;
pub mod registry;
#[cfg(any(test, feature = "testing"))]
pub mod sabotage;
mod shared;
mod splitter;
mod sqlite;
mod statement;
mod store;
mod submission;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tx;
mod url;
mod value;
pub mod verify;
mod wal;

pub use command::{AccountDiffers, Command, Posting, Recall, Scratch};
pub use connection::{Connection, Durability, WalCheckpoint};
pub use database::{Database, PoolOptions};
pub use desk::StoreOptions;
pub use fault::{DatabaseError, Fault, FaultKind};
pub use find_ended::{FindExpectation, FindHold};
pub use journal::Group;
pub use natural_id::natural_id;
pub use statement::{Dialect, Insert, Listed, Statement, Upsert};
pub use store::{OpenProgress, Store, UnderWay};
pub use submission::{Decision, Outcome, Receipt, Reply};
pub use tx::{Reader, Tx};
pub use url::{DatabaseUrl, ServerUrl};
pub use value::{Row, Value};

/// The tables of the ledger, first of all migrations.
pub const MIGRATIONS: &[migrate::Migration] =
    &[migration!(1, "journal", Expand, "../migrations/0001_journal")];

/// Every statement of this crate, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [journal::STATEMENTS, checkpoint::STATEMENTS, registry::STATEMENTS, migrate::STATEMENTS]
        .concat()
}

#[cfg(test)]
mod tests;
