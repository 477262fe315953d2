use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cap::{Caps, Tally};
use crate::search::{Match, Query, SearchWords};
use store::natural_id;
use vocabulary::{
    Amount, CompanyNumber, Id, Label, Rate, Reference, Rounding, Timestamp, Token, kind,
};

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
    /// Tells whether the member's part is more than the whole.
    const fn exceeded(self) -> bool {
        match self {
            Self::Fixed { network, member } => member.minor_units() > network.minor_units(),
            Self::Rate { network, member } => member > network,
        }
    }

    /// Gives the member's part for a sale, rounded down; `None` when it does not fit.
    pub fn points(self, sale: Amount) -> Option<Amount> {
        match self {
            Self::Fixed { member, .. } => Some(member),
            Self::Rate { member, .. } => Rate::basis_points(member).apply(sale, Rounding::Down),
        }
    }
}

/// What one item of a shop pays, where that is not what the others pay. Which item was bought is
/// known only when the network reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The network's code of the item.
    pub item: Reference,
    /// What members read for it.
    pub name: Label,
    /// What is paid for it.
    pub reward: Reward,
}

/// Finds what is paid for an item: its own reward, or the one for all others.
pub(crate) fn reward_of_item(standard: Reward, tiers: &[Tier], item: Option<&Reference>) -> Reward {
    let own = |item: &Reference| tiers.iter().find(|tier| tier.item == *item);
    item.and_then(own).map_or(standard, |tier| tier.reward)
}

/// How often a member is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// For every purchase (くり返しOK).
    #[default]
    Always,
    /// Once for ever, whatever the version (1回限り). What is reported again waits for a person.
    Once,
}

impl Repeat {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Once => "once",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Always, Self::Once].into_iter().find(|repeat| repeat.code() == code)
    }
}

/// What an offer promises and asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferTerms {
    /// The network that tracks it.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// What is paid for all items but those of the tiers.
    pub reward: Reward,
    /// What items pay by themselves, at most [`TIERS_MAX`].
    pub tiers: Arc<[Tier]>,
    /// How often a member is paid.
    pub repeat: Repeat,
    /// Whether recording and decision are promised by their days (お買い物あんしん保証).
    pub guaranteed: bool,
    /// How far this version goes.
    pub caps: Caps,
    /// Days after the click by which it is recorded (通帳記載の目安).
    pub record_by_days: u16,
    /// Days after the click by which it is decided (判定までの目安).
    pub decide_by_days: u16,
    /// Days after the click within which a purchase still counts.
    pub cookie_days: u16,
    /// What is needed for points, one a line.
    pub conditions: String,
    /// What leads to rejection, one a line.
    pub rejections: String,
    /// Where a click leads, with [`REFERENCE_MARK`] in it.
    pub tracking_url: String,
}

/// Terms that make no offer, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The member would get more than the site.
    #[error("the member's part is more than the reward")]
    PartExceedsReward,
    /// The same for an item.
    #[error("the member's part for an item is more than the reward")]
    TierExceedsReward,
    /// An item is there twice.
    #[error("an item has two rewards")]
    TierTwice,
    /// More than [`TIERS_MAX`] items.
    #[error("at most {TIERS_MAX} items have rewards of their own")]
    TiersTooMany,
    /// A cap of nothing.
    #[error("a cap is at least one")]
    CapEmpty,
    /// A conversion cannot be decided before it is recorded.
    #[error("it is to be decided before it is to be recorded")]
    DecidedBeforeRecorded,
    /// Not an address over HTTP with the mark for the reference.
    #[error("the tracking address begins with http and contains {REFERENCE_MARK}")]
    TrackingUrl,
    /// More than 1,000 characters of address or 4,000 of conditions or reasons for rejection.
    #[error("the address has at most 1,000 characters, the conditions 4,000")]
    TooLong,
}

/// The most items with rewards of their own.
pub const TIERS_MAX: usize = 50;

impl OfferTerms {
    /// Checks that the terms fit together.
    ///
    /// # Errors
    ///
    /// The first [`TermsError`] that applies.
    pub fn check(&self) -> Result<(), TermsError> {
        if self.reward.exceeded() {
            return Err(TermsError::PartExceedsReward);
        }
        if self.tiers.iter().any(|tier| tier.reward.exceeded()) {
            return Err(TermsError::TierExceedsReward);
        }
        let items: BTreeSet<&Reference> = self.tiers.iter().map(|tier| &tier.item).collect();
        if items.len() < self.tiers.len() {
            return Err(TermsError::TierTwice);
        }
        if self.tiers.len() > TIERS_MAX {
            return Err(TermsError::TiersTooMany);
        }
        if self.caps.empty() {
            return Err(TermsError::CapEmpty);
        }
        if self.decide_by_days < self.record_by_days {
            return Err(TermsError::DecidedBeforeRecorded);
        }
        let web = ["https://", "http://"].iter().any(|start| self.tracking_url.starts_with(start));
        let plain = self.tracking_url.bytes().all(|byte| byte.is_ascii_graphic());
        if !web || !plain || !self.tracking_url.contains(REFERENCE_MARK) {
            return Err(TermsError::TrackingUrl);
        }
        let long = |text: &str| text.chars().count() > 4_000;
        let texts_long = long(&self.conditions) || long(&self.rejections);
        if self.tracking_url.len() > 1_000 || texts_long {
            return Err(TermsError::TooLong);
        }
        Ok(())
    }

    /// Lists what is paid for items, and first what is paid for all others.
    pub fn rewards(&self) -> impl Iterator<Item = Reward> {
        core::iter::once(self.reward).chain(self.tiers.iter().map(|tier| tier.reward))
    }

    /// Gives the member's part of a purchase of 10,000, by which offers are compared; of the items
    /// the one for most counts, so that no rare item lifts a shop above the others.
    pub fn worth(&self) -> Amount {
        self.reward.points(Amount::from(10_000)).unwrap_or(Amount::MAX)
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

impl OfferVersion {
    pub(crate) fn covers(&self, at: Timestamp) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

/// Where a version stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionStanding {
    /// Clicks are made under it.
    InForce,
    /// Its time is to come.
    Scheduled,
    /// It is its time, but a version that was saved later goes before it.
    Covered,
    /// Its time is over.
    Ended,
}

impl VersionStanding {
    /// Gives the word, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Scheduled => "scheduled",
            Self::Covered => "covered",
            Self::Ended => "ended",
        }
    }
}

/// A stretch of time in which one version is in force, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// Its beginning.
    pub starts_at: Timestamp,
    /// Its end; `None` for no end.
    pub ends_at: Option<Timestamp>,
    /// What is in force.
    pub version: Option<&'a OfferVersion>,
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
        self.versions.iter().rev().find(|version| version.covers(at))
    }

    /// Finds a version by its number.
    pub fn version(&self, number: u32) -> Option<&OfferVersion> {
        self.versions.iter().find(|version| version.version == number)
    }

    /// Tells where one of its versions stands.
    pub fn standing(&self, version: &OfferVersion, at: Timestamp) -> VersionStanding {
        if version.ends_at.is_some_and(|end| end <= at) {
            return VersionStanding::Ended;
        }
        if at < version.starts_at {
            return VersionStanding::Scheduled;
        }
        let first = self.in_force(at).is_some_and(|found| found.version == version.version);
        if first { VersionStanding::InForce } else { VersionStanding::Covered }
    }

    /// Tells what is in force from a moment on, however versions overlap: the rule of
    /// [`in_force`](Self::in_force), spread over time.
    pub fn timeline(&self, from: Timestamp) -> Vec<Span<'_>> {
        let changes = self.versions.iter().flat_map(|v| [Some(v.starts_at), v.ends_at]);
        let mut moments: BTreeSet<Timestamp> = changes.flatten().filter(|at| *at > from).collect();
        moments.insert(from);
        let mut spans: Vec<Span<'_>> = Vec::new();
        for at in moments {
            let version = self.in_force(at);
            match spans.last_mut() {
                Some(last) if last.version == version => {}
                Some(last) => {
                    last.ends_at = Some(at);
                    spans.push(Span { starts_at: at, ends_at: None, version });
                }
                None => spans.push(Span { starts_at: at, ends_at: None, version }),
            }
        }
        spans
    }

    /// Finds what a version raised: what was in force a moment before it began, when that gave the
    /// member less. The first version raises nothing.
    pub fn raised_from(&self, version: &OfferVersion) -> Option<&OfferVersion> {
        let before = self.in_force(version.starts_at.plus_microseconds(-1))?;
        (before.terms.worth() < version.terms.worth()).then_some(before)
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
    /// How much of each capped version is used, as the rows were when the shelf was read.
    tallies: BTreeMap<(Id<kind::Offer>, u32), Tally>,
    /// How often each offer was followed of late.
    clicks: BTreeMap<Id<kind::Offer>, u64>,
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
        Self { shops, offers, words, ..Self::default() }
    }

    /// Adds how much of each capped version is used.
    pub(crate) fn with_tallies(mut self, tallies: BTreeMap<(Id<kind::Offer>, u32), Tally>) -> Self {
        self.tallies = tallies;
        self
    }

    /// Adds how often each offer was followed of late.
    pub(crate) fn with_clicks(mut self, clicks: BTreeMap<Id<kind::Offer>, u64>) -> Self {
        self.clicks = clicks;
        self
    }

    /// Gives how much of a version is used; nothing is known of versions without a cap.
    pub(crate) fn tally(&self, offer: Id<kind::Offer>, version: u32) -> Tally {
        self.tallies.get(&(offer, version)).copied().unwrap_or_default()
    }

    /// Tells whether a version has reached its cap.
    pub(crate) fn is_full(&self, offer: &Offer, version: &OfferVersion) -> bool {
        version.terms.caps.reached(self.tally(offer.id, version.version))
    }

    /// Gives how often an offer was followed of late.
    pub(crate) fn clicks_of(&self, offer: Id<kind::Offer>) -> u64 {
        self.clicks.get(&offer).copied().unwrap_or(0)
    }

    /// Gives how often a shop's offers were followed of late.
    pub(crate) fn popularity(&self, shop: Id<kind::Shop>) -> u64 {
        self.offers_of(shop).map(|offer| self.clicks_of(offer.id)).sum()
    }

    /// Lists a shop's offers.
    pub(crate) fn offers_of(&self, shop: Id<kind::Shop>) -> impl Iterator<Item = &Offer> {
        self.offers.values().filter(move |offer| offer.shop == shop)
    }

    /// Tells how well a shop fits a query.
    pub(crate) fn find(&self, shop: Id<kind::Shop>, query: &Query) -> Option<Match> {
        self.words.get(&shop)?.find(query)
    }

    /// Finds a listed shop by its slug.
    pub(crate) fn shop(&self, slug: &str) -> Option<&Shop> {
        self.shops.values().find(|shop| shop.listed && shop.slug.as_str() == slug)
    }

    /// Finds a shop's offer in force: the one that gives the member most for a purchase of 10,000;
    /// one that reached its cap only when there is no other.
    pub(crate) fn offer_of(
        &self,
        shop: Id<kind::Shop>,
        at: Timestamp,
    ) -> Option<(&Offer, &OfferVersion)> {
        self.offers_of(shop)
            .filter_map(|offer| offer.in_force(at).map(|version| (offer, version)))
            .max_by_key(|(offer, version)| (!self.is_full(offer, version), version.terms.worth()))
    }
}
