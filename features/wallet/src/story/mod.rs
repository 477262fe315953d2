//! The story of a line: what happened when, where it stands, what comes.

mod page;

pub(crate) use page::routes;
