//! Units of value, with their policies and the issuer's own accounts.

pub(crate) mod api;
mod command;

pub use command::{ChangePolicy, OpenUnit, PolicyChange, UnitFacts, UnitRefusal, system_accounts};
