//! The forms in which networks write. `origin.rs` is what they share.

pub(super) mod a8;
pub(super) mod awin;
pub(super) mod cj;
pub(super) mod impact;
mod origin;
pub(super) mod query;
pub(super) mod rakuten;
pub(super) mod valuecommerce;

pub(super) use origin::Origin;
