use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::offer::store::{load_offers, load_shops, save_offers, save_shops};
use crate::offer::{Offer, OfferTerms, OfferVersion, Shop, TermsError};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// Adds a shop, or changes all but its slug. Saving the same again changes nothing.
#[derive(Clone, Debug)]
pub struct SaveShop {
    /// The shop as it is to be.
    pub shop: Shop,
}

/// The shops that a slice saves.
#[derive(Debug, Default)]
pub struct ShopFacts {
    /// Those that are there, as they are to be.
    pub(crate) known: BTreeMap<Id<kind::Shop>, Shop>,
    /// Those that change.
    saved: BTreeMap<Id<kind::Shop>, (Shop, Timestamp)>,
}

impl ShopFacts {
    /// Reads the shops that a slice names, with one statement.
    pub(crate) fn load<'a>(
        slice: impl Iterator<Item = &'a SaveShop>,
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        let known = load_shops(tx, slice.map(|command| command.shop.id()))?;
        Ok(Self { known, ..Self::default() })
    }
}

impl Command for SaveShop {
    type Facts = ShopFacts;
    type Receipt = Id<kind::Shop>;
    type Refusal = Infallible;

    const NAME: &'static str = "save shop";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        ShopFacts::load(slice.iter(), tx)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Id<kind::Shop>, Infallible> {
        let id = self.shop.id();
        if facts.known.get(&id) != Some(&self.shop) {
            facts.known.insert(id, self.shop.clone());
            facts.saved.insert(id, (self.shop.clone(), posting.now()));
        }
        Ok(id)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_shops(tx, facts.saved.values())
    }
}

/// Adds a version to an offer, or a new offer with its first. Versions are never changed: to end
/// one early, save one with other terms for the rest of its time.
#[derive(Clone, Debug)]
pub struct SaveOffer {
    /// Which offer; chosen by the caller.
    pub id: Id<kind::Offer>,
    /// The company it belongs to.
    pub company: CompanyNumber,
    /// The shop it leads to, which is there already.
    pub shop: Id<kind::Shop>,
    /// What it promises.
    pub terms: OfferTerms,
    /// From when on it is in force.
    pub starts_at: Timestamp,
    /// When it ends; `None` for no end.
    pub ends_at: Option<Timestamp>,
}

/// Why an offer is not saved, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefusal {
    /// The terms do not fit together.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// It would end before it begins.
    #[error("the offer ends before it begins")]
    PeriodEmpty,
    /// There is no such shop at this company.
    #[error("there is no such shop")]
    ShopNotFound,
    /// The offer is another company's, or leads to another shop.
    #[error("the offer belongs to another shop")]
    ShopDiffers,
}

impl OfferRefusal {
    /// Gives the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Terms(TermsError::PartExceedsReward) => "member_part_exceeds_reward",
            Self::Terms(TermsError::TierExceedsReward) => "tier_exceeds_reward",
            Self::Terms(TermsError::TierTwice) => "tier_twice",
            Self::Terms(TermsError::TiersTooMany) => "tiers_too_many",
            Self::Terms(TermsError::CapEmpty) => "cap_empty",
            Self::Terms(TermsError::DecidedBeforeRecorded) => "decided_before_recorded",
            Self::Terms(TermsError::TrackingUrl) => "tracking_url_unusable",
            Self::Terms(TermsError::TooLong) => "offer_text_too_long",
            Self::PeriodEmpty => "offer_period_empty",
            Self::ShopNotFound => "shop_not_found",
            Self::ShopDiffers => "offer_shop_differs",
        }
    }
}

/// What the versions of a slice are added to.
#[derive(Debug, Default)]
pub struct OfferFacts {
    pub(crate) shops: BTreeSet<(CompanyNumber, Id<kind::Shop>)>,
    pub(crate) offers: BTreeMap<Id<kind::Offer>, Offer>,
    pub(crate) added: Vec<(Id<kind::Offer>, u32, Timestamp)>,
}

impl OfferFacts {
    /// Reads what a slice needs, with a fixed number of statements.
    pub(crate) fn load<'a>(
        slice: impl Iterator<Item = &'a SaveOffer> + Clone,
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        load_offers(tx, slice)
    }
}

impl Command for SaveOffer {
    type Facts = OfferFacts;
    type Receipt = u32;
    type Refusal = OfferRefusal;

    const NAME: &'static str = "save offer";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        OfferFacts::load(slice.iter(), tx)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, OfferRefusal> {
        self.terms.check()?;
        if self.ends_at.is_some_and(|end| end <= self.starts_at) {
            return Err(OfferRefusal::PeriodEmpty);
        }
        if !facts.shops.contains(&(self.company, self.shop)) {
            return Err(OfferRefusal::ShopNotFound);
        }
        let known = facts.offers.get(&self.id);
        if known.is_some_and(|offer| offer.company != self.company || offer.shop != self.shop) {
            return Err(OfferRefusal::ShopDiffers);
        }
        let same = |version: &&OfferVersion| {
            version.terms == self.terms
                && version.starts_at == self.starts_at
                && version.ends_at == self.ends_at
        };
        let last = known.and_then(|offer| offer.versions.last());
        if let Some(repeated) = last.filter(same) {
            return Ok(repeated.version);
        }
        let version = last.map_or(1, |last| last.version.saturating_add(1));
        let offer = facts.offers.entry(self.id).or_insert_with(|| Offer {
            id: self.id,
            company: self.company,
            shop: self.shop,
            versions: Vec::new(),
        });
        offer.versions.push(OfferVersion {
            version,
            terms: self.terms.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
        });
        facts.added.push((self.id, version, posting.now()));
        Ok(version)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_offers(tx, &facts)
    }
}
