//! Exchanges that a rule holds back until persons have looked: one proposes to release or deny,
//! another one decides. Also the staff's search for exchanges.

mod command;
mod page;
mod state;

pub use command::{DecideExchange, DecideRefusal, ProposeVerdict};
pub(crate) use page::{DECIDE, PROPOSE, propose_form, routes, weight_of};
pub use state::{Proposal, Verdict};
