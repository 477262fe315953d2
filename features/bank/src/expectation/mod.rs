//! Expectations: value announced but not owed yet.

pub(crate) mod api;
