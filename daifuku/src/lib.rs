//! The program itself: configuration, command line, wiring. It holds no rule and no query.
//!
//! | to see | read |
//! |---|---|
//! | what there is to set | `config.rs` |
//! | how everything is put together | `house.rs`, `features.rs`, `parts.rs`, `routes.rs` |
//! | who comes in | `guard.rs`, `sign_in/`, `membership/` |
//! | what runs by itself | `jobs.rs` |
//!
//! A **house** is everything that serves, put together; a **world** is time and chance, the
//! machine's or a test's.
//!
//! Deliberately absent: rules about value, and SQL.

mod admission;
pub mod bench;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
mod exchange;
pub mod features;
pub mod guard;
pub mod house;
pub mod jobs;
pub mod membership;
mod navigation;
pub mod notify;
pub mod parts;
mod reactions;
pub mod routes;
pub mod secrets;
pub mod serve;
mod sign_in;
mod staff;
pub mod terminal;
pub mod upkeep;
