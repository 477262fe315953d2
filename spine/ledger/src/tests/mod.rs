//! The ledger's rules, as tables and as properties.

#![expect(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "figures of tests are small"
)]

mod peers;
mod properties;
mod refusals;
mod scenarios;
