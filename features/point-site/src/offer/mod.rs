//! Shops, and what members get for buying there. An offer has versions, each with its own period;
//! the version in force at a click decides what that click is worth, for ever.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{OfferFacts, OfferRefusal, SaveOffer, SaveShop, ShopFacts};
pub(crate) use page::{Look, ends_on, reward_plain, reward_text, routes, usual_of};
pub use state::{
    Catalogue, Offer, OfferTerms, OfferVersion, REFERENCE_MARK, Repeat, Reward, Shop, Span,
    TIERS_MAX, TermsError, Tier, VersionStanding,
};
pub(crate) use state::{Shelf, reward_of_item};
