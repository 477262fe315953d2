//! The staff's editor of what inviting friends gives: terms from a day on, which one person plans
//! and another one approves.

mod page;

pub(crate) use page::routes;
