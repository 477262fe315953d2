//! Holds: an amount reserved until it is captured, voided or expires.

pub(crate) mod api;
