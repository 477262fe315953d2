//! The staff's pages about friends who were invited: what a rule holds until two persons have
//! looked.

mod page;

pub(crate) use page::routes;
