//! The shelf of shops as members look through it: searched, by category, in an order of their own.

mod page;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use page::{CATEGORIES, category_name, routes};
pub use state::Order;
