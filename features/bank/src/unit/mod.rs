//! Units of value, with their policies and the issuer's own accounts.

pub(crate) mod api;
mod command;
mod state;

pub use command::{ChangePolicy, OpenUnit, PolicyChange, UnitFacts, UnitRefusal, system_accounts};
pub(crate) use state::{IdleRules, LotLives};
