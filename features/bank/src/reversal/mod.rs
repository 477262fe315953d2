//! Reversals: a new batch that undoes an old one.

pub(crate) mod api;
