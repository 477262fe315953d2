//! Shops that a member keeps (お気に入り): a list of their own, and who is written to when one gives
//! more.

mod command;
mod page;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{FAVOURITES_MAX, FavouriteFacts, FavouriteRefusal, SetFavourite, Wish};
pub(crate) use page::routes;
