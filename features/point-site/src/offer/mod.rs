//! Shops, and what members get for buying there. An offer has versions, each with its own period;
//! the version in force at a click decides what that click is worth, for ever.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{OfferFacts, OfferRefusal, SaveOffer, SaveShop, ShopFacts};
pub(crate) use page::{category_name, routes};
pub use state::{
    Catalogue, Offer, OfferTerms, OfferVersion, REFERENCE_MARK, Reward, Shop, TermsError,
};
