//! Movements: the journal, row by row, as a company sees it.

pub(crate) mod api;
