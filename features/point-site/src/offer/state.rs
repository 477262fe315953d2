use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::search::{Match, Query, SearchWords};
use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Id, Label, Rate, Rounding, Timestamp, Token, kind};

/// Stands in a tracking address where the click's reference goes.
pub const REFERENCE_MARK: &str = "{ref}";

/// A shop as members find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// The company whose site lists it.
    pub company: CompanyNumber,
    /// Its name in addresses, for ever.
    pub slug: Token,
    /// Its name.
    pub name: Label,
    /// Other spellings that people search by: kana, Latin letters, abbreviations.
    pub reading: Label,
    /// What it sells, as a short code; the texts have a name for it.
    pub category: Token,
    /// Whether members find it.
    pub listed: bool,
}

impl Shop {
    /// Gives its id, which follows from company and slug.
    pub fn id(&self) -> Id<kind::Shop> {
        natural_id("site.shop", &[&self.company.get().to_be_bytes(), self.slug.as_str().as_bytes()])
    }

    /// Gives the words under which members find it.
    pub fn search_words(&self) -> SearchWords {
        SearchWords::of([self.name.as_str(), self.reading.as_str(), self.slug.as_str()])
    }
}

/// What an advertiser pays for a conversion, and the member's part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reward {
    /// So much for each conversion, in minor units.
    Fixed {
        /// What the network pays the site.
        network: Amount,
        /// What the member gets.
        member: Amount,
    },
    /// A part of the sale, in hundredths of a per cent.
    Rate {
        /// What the network pays the site.
        network: u32,
        /// What the member gets.
        member: u32,
    },
}

impl Reward {
    /// Gives the member's part for a sale, rounded down; `None` when it does not fit.
    pub fn points(self, sale: Amount) -> Option<Amount> {
        match self {
            Self::Fixed { member, .. } => Some(member),
            Self::Rate { member, .. } => Rate::basis_points(member).apply(sale, Rounding::Down),
        }
    }
}

/// What an offer promises and asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferTerms {
    /// The network that tracks it.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// What is paid.
    pub reward: Reward,
    /// Days after the click by which it is recorded (通帳記載の目安).
    pub record_by_days: u16,
    /// Days after the click by which it is decided (判定までの目安).
    pub decide_by_days: u16,
    /// Days after the click within which a purchase still counts.
    pub cookie_days: u16,
    /// The conditions, one a line.
    pub conditions: String,
    /// Where a click leads, with [`REFERENCE_MARK`] in it.
    pub tracking_url: String,
}

/// Terms that make no offer, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The member would get more than the site.
    #[error("the member's part is more than the reward")]
    PartExceedsReward,
    /// A conversion cannot be decided before it is recorded.
    #[error("it is to be decided before it is to be recorded")]
    DecidedBeforeRecorded,
    /// Not an address over HTTP with the mark for the reference.
    #[error("the tracking address begins with http and contains {REFERENCE_MARK}")]
    TrackingUrl,
    /// More than 1,000 characters of address or 4,000 of conditions.
    #[error("the address has at most 1,000 characters, the conditions 4,000")]
    TooLong,
}

impl OfferTerms {
    /// Checks that the terms fit together.
    ///
    /// # Errors
    ///
    /// The first [`TermsError`] that applies.
    pub fn check(&self) -> Result<(), TermsError> {
        let exceeds = match self.reward {
            Reward::Fixed { network, member } => member > network,
            Reward::Rate { network, member } => member > network,
        };
        if exceeds {
            return Err(TermsError::PartExceedsReward);
        }
        if self.decide_by_days < self.record_by_days {
            return Err(TermsError::DecidedBeforeRecorded);
        }
        let web = ["https://", "http://"].iter().any(|start| self.tracking_url.starts_with(start));
        let plain = self.tracking_url.bytes().all(|byte| byte.is_ascii_graphic());
        if !web || !plain || !self.tracking_url.contains(REFERENCE_MARK) {
            return Err(TermsError::TrackingUrl);
        }
        if self.tracking_url.len() > 1_000 || self.conditions.chars().count() > 4_000 {
            return Err(TermsError::TooLong);
        }
        Ok(())
    }

    /// Gives the address that a click leads to.
    pub fn address(&self, reference: &str) -> String {
        self.tracking_url.replace(REFERENCE_MARK, reference)
    }
}

/// One version of an offer, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferVersion {
    /// Counted from 1.
    pub version: u32,
    /// What it promises.
    pub terms: OfferTerms,
    /// From when on it is in force.
    pub starts_at: Timestamp,
    /// When it ends; `None` for no end.
    pub ends_at: Option<Timestamp>,
}

/// An offer with all its versions, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub id: Id<kind::Offer>,
    /// The company it belongs to.
    pub company: CompanyNumber,
    /// The shop it leads to.
    pub shop: Id<kind::Shop>,
    /// The versions; a later one goes before an earlier one where their periods meet.
    pub versions: Vec<OfferVersion>,
}

impl Offer {
    /// Finds the version in force at a moment: of those whose period has it, the one saved last. So
    /// a weekend at a higher rate is a version of its own, and after it the old one is in force
    /// again.
    pub fn in_force(&self, at: Timestamp) -> Option<&OfferVersion> {
        let covers = |version: &&OfferVersion| {
            version.starts_at <= at && version.ends_at.is_none_or(|end| at < end)
        };
        self.versions.iter().rev().find(covers)
    }
}

/// All shops and offers of the site, in memory, so that pages and click-outs need no database.
#[derive(Debug, Default)]
pub struct Catalogue {
    shelf: RwLock<Arc<Shelf>>,
}

/// What a catalogue holds at one moment.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) shops: BTreeMap<Id<kind::Shop>, Shop>,
    pub(crate) offers: BTreeMap<Id<kind::Offer>, Offer>,
    words: BTreeMap<Id<kind::Shop>, SearchWords>,
}

impl Catalogue {
    /// Takes what was read from the rows.
    pub(crate) fn replace(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }

    /// Gives what it holds now; it does not change in the reader's hands.
    pub(crate) fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shelf {
    /// Puts shops and offers on it.
    pub(crate) fn new(
        shops: BTreeMap<Id<kind::Shop>, Shop>,
        offers: BTreeMap<Id<kind::Offer>, Offer>,
    ) -> Self {
        let words = shops.iter().map(|(id, shop)| (*id, shop.search_words())).collect();
        Self { shops, offers, words }
    }

    /// Tells how well a shop fits a query.
    pub(crate) fn find(&self, shop: Id<kind::Shop>, query: &Query) -> Option<Match> {
        self.words.get(&shop)?.find(query)
    }

    /// Finds a listed shop by its slug.
    pub(crate) fn shop(&self, slug: &str) -> Option<&Shop> {
        self.shops.values().find(|shop| shop.listed && shop.slug.as_str() == slug)
    }

    /// Finds a shop's offer in force: the one that gives the member most for a purchase of 10,000.
    pub(crate) fn offer_of(
        &self,
        shop: Id<kind::Shop>,
        at: Timestamp,
    ) -> Option<(&Offer, &OfferVersion)> {
        let of_shop = self.offers.values().filter(|offer| offer.shop == shop);
        of_shop
            .filter_map(|offer| offer.in_force(at).map(|version| (offer, version)))
            .max_by_key(|(_, version)| version.terms.reward.points(Amount::from(10_000)))
    }
}
