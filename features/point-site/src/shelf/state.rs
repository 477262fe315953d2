use core::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use crate::offer::{Offer, OfferVersion, Shelf, Shop};
use crate::search::{Match, Query};
use vocabulary::Timestamp;

/// In which order shops are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What gives most for a purchase of 10,000 first.
    #[default]
    Reward,
    /// What was followed most in 30 days first.
    Popular,
    /// What is decided soonest first.
    Fast,
    /// What is listed since the latest day first.
    New,
}

impl Order {
    /// All, as they are offered.
    pub const ALL: [Self; 4] = [Self::Reward, Self::Popular, Self::Fast, Self::New];

    /// Gives the word, as in addresses and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Popular => "popular",
            Self::Fast => "fast",
            Self::New => "new",
        }
    }

    /// Finds an order by its word; what is none is the usual one.
    pub fn parse(code: &str) -> Self {
        Self::ALL.into_iter().find(|order| order.code() == code).unwrap_or_default()
    }
}

/// What is asked of the shelf.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) query: Query,
    /// A category, or nothing for all.
    pub(crate) category: &'a str,
    pub(crate) order: Order,
}

/// A shop that was found, with its offer in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    fit: Match,
    pub(crate) shop: &'a Shop,
    pub(crate) offer: &'a Offer,
    pub(crate) version: &'a OfferVersion,
    /// The cap is reached.
    pub(crate) full: bool,
    clicks: u64,
    listed_at: Timestamp,
}

/// What a look at the shelf shows.
#[derive(Debug)]
pub(crate) struct Browsed<'a> {
    pub(crate) found: Vec<Found<'a>>,
    /// How many shops fit the words in each category that has an offer, whichever was asked for.
    pub(crate) categories: BTreeMap<&'a str, usize>,
}

impl Browsed<'_> {
    /// Gives how many shops fit the words in all categories.
    pub(crate) fn total(&self) -> usize {
        self.categories.values().sum()
    }
}

/// Looks through the shelf. What fits the words better comes first, then what is open, then the
/// order that was asked for, then the name.
pub(crate) fn browse<'a>(shelf: &'a Shelf, asked: &Asked<'_>, now: Timestamp) -> Browsed<'a> {
    let mut browsed = Browsed { found: Vec::new(), categories: BTreeMap::new() };
    for (id, shop) in shelf.shops.iter().filter(|(_, shop)| shop.listed) {
        let Some((offer, version)) = shelf.offer_of(*id, now) else { continue };
        let category = browsed.categories.entry(shop.category.as_str()).or_default();
        let Some(fit) = shelf.find(*id, &asked.query) else { continue };
        *category = category.saturating_add(1);
        if asked.category.is_empty() || shop.category.as_str() == asked.category {
            let begun = shelf.offers_of(*id).filter_map(|offer| offer.versions.first());
            browsed.found.push(Found {
                fit,
                shop,
                offer,
                version,
                full: shelf.is_full(offer, version),
                clicks: shelf.popularity(*id),
                listed_at: begun.map(|first| first.starts_at).min().unwrap_or(version.starts_at),
            });
        }
    }
    browsed.found.sort_by(|one, other| compare(asked.order, one, other));
    browsed
}

fn compare(order: Order, one: &Found<'_>, other: &Found<'_>) -> Ordering {
    let worth = |found: &Found<'_>| Reverse(found.version.terms.worth());
    let by_order = match order {
        Order::Reward => worth(one).cmp(&worth(other)),
        Order::Popular => other.clicks.cmp(&one.clicks),
        Order::Fast => one.version.terms.decide_by_days.cmp(&other.version.terms.decide_by_days),
        Order::New => other.listed_at.cmp(&one.listed_at),
    };
    let by_fit = other.fit.cmp(&one.fit).then(one.full.cmp(&other.full));
    // A slug is one shop's alone, so that the order is always the same.
    let last = || one.shop.name.cmp(&other.shop.name).then(one.shop.slug.cmp(&other.shop.slug));
    by_fit.then(by_order).then_with(|| worth(one).cmp(&worth(other))).then_with(last)
}
