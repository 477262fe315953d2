//! The only crate with a database: `SQLite` in a file, or a server that speaks the MySQL protocol.
//!
//! | layer | modules | what it gives |
//! |---|---|---|
//! | database | `database` `connection` `tx` `statement` `value` `fault` | [`Database`], [`Tx`], [`Row`] |
//! | drivers | `sqlite` `mysql` | all that names a driver |
//! | upkeep | [`migrate`] [`backup`] `testing` | the schema, copies, databases for tests |
//!
//! Start with [`Database::open`], then [`Connection::begin`] and [`Tx`].
//!
//! Deliberately absent: an ORM, SQL built from input, floating point, `async`, a connection that changes
//! under a transaction.

pub mod backup;
mod checkpoint;
mod command;
#[cfg(test)]
mod conformance;
mod connection;
mod database;
mod fault;
mod ids;
mod journal;
pub mod migrate;
mod mysql;
mod splitter;
mod sqlite;
mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tx;
mod url;
mod value;

pub use command::{Command, Posting, Recall};
pub use connection::{Connection, Durability, WalCheckpoint};
pub use database::{Database, PoolOptions};
pub use fault::{DatabaseError, Fault, FaultKind};
pub use statement::{Dialect, Insert, Listed, Statement, Upsert};
pub use tx::{Reader, Tx};
pub use url::{DatabaseUrl, ServerUrl};
pub use value::{Row, Value};
