//! The queue of conversions that wait for a person: looked through by reason, network, shop and
//! age, and decided one by one or many of one reason together.

mod page;
pub(crate) mod store;

pub(crate) use page::{action_key, decision_id, permit, routes, state_badge};
