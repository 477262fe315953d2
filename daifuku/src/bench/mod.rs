//! `daifuku bench`: what this machine does with the ledger, so that anyone can repeat a figure.
//!
//! Every workload runs in a book of its own, durable as in production. The load comes from the same
//! process and is part of what is measured.

#![expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::integer_division,
    reason = "a benchmark reads the clock and computes rates; no value depends on it"
)]

mod baseline;
mod book;
mod http;
mod load;
mod machine;
mod report;
mod run;
mod sale;
mod work;

pub use run::{BenchOptions, WORKLOADS, run};
