//! The forms in which networks write. `origin.rs` is what they share.

pub(super) mod a8;
mod ask;
pub(super) mod awin;
pub(super) mod cj;
pub(super) mod impact;
mod origin;
pub(super) mod query;
pub(super) mod rakuten;
pub(super) mod valuecommerce;

pub(crate) use ask::{Asked, Question};
pub(super) use origin::Origin;
