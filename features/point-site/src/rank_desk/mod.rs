//! The staff's pages of ranks: what is in force, what is planned, and a set that one person
//! proposes and another one approves.

mod page;

pub(crate) use page::routes;
