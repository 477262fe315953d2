use core::fmt;
use std::sync::Arc;

use crate::offer::{Offer, OfferVersion, Shelf, Shop, ends_on, reward_plain};
use crate::site::Site;
use mail::{Body, Category, Letter, Recipient, subject};
use store::{Fault, natural_id};
use vocabulary::{Id, Timestamp, kind};
use web::{Frame, Language, Words};

/// How many days after its beginning a raise is still written about, when the job could not run.
const LATE_DAYS: i64 = 2;

/// Tells the language of each member, in their order; `None` for who wants no such letters. Called
/// once for some thousands, on a thread that may wait.
pub type Languages =
    dyn Fn(&[Id<kind::Member>]) -> Result<Vec<Option<Language>>, Fault> + Send + Sync;

/// What the job works with.
#[derive(Clone)]
pub struct RateUps {
    /// The site.
    pub site: Site,
    /// What letters say.
    pub frame: Arc<Frame>,
    /// Who reads which language.
    pub languages: Arc<Languages>,
    /// Where members find the site: `https://points.example.jp`.
    pub address: String,
}

impl fmt::Debug for RateUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateUps").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A version that raised a reward, and how far its letters have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateUp {
    /// The offer.
    pub offer: Id<kind::Offer>,
    /// The version that gives more than what was in force before it.
    pub version: u32,
    /// The shop.
    pub shop: Id<kind::Shop>,
    /// The last member who was written to.
    pub position: Option<Id<kind::Member>>,
    /// Letters written.
    pub letters: u32,
    /// When the first was written.
    pub began_at: Timestamp,
    /// When all were.
    pub finished_at: Option<Timestamp>,
}

/// A raise that is worth a letter now, with what it needs to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raise<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) offer: &'a Offer,
    pub(crate) version: &'a OfferVersion,
    before: &'a OfferVersion,
}

/// Finds the raises that are in force: of listed shops, by the offer that their page shows, begun
/// not long ago, with room under the cap.
pub(crate) fn raises(shelf: &Shelf, now: Timestamp) -> Vec<Raise<'_>> {
    let listed = shelf.shops.iter().filter(|(_, shop)| shop.listed);
    listed
        .filter_map(|(id, shop)| {
            let (offer, version) = shelf.offer_of(*id, now)?;
            let before = offer.raised_from(version)?;
            let late = version.starts_at.plus_days(LATE_DAYS) < now;
            let open = !late && !shelf.is_full(offer, version);
            open.then_some(Raise { shop, offer, version, before })
        })
        .collect()
}

impl Raise<'_> {
    /// Writes the letter; its id follows from the version and the member, so that it goes once.
    pub(crate) fn letter(
        &self,
        tools: &RateUps,
        words: Words<'_>,
        member: Id<kind::Member>,
    ) -> Option<Letter> {
        let scale = tools.site.config().scale;
        let id = natural_id(
            "site.rate_up",
            &[&self.offer.id.to_bytes(), &self.version.version.to_be_bytes(), &member.to_bytes()],
        );
        let reward = |version: &OfferVersion| reward_plain(words, scale, &version.terms);
        let until = match ends_on(self.version) {
            Some(day) => words.with("rate-up-until", &[("day", day.into())]),
            None => words.get("rate-up-open").into_owned(),
        };
        let shop = self.shop.name.as_str();
        let page = format!("{}/shops/{}", tools.address, self.shop.slug.as_str());
        let values = [
            ("shop", shop.into()),
            ("before", reward(self.before).into()),
            ("now", reward(self.version).into()),
            ("until", until.into()),
            ("page", page.into()),
            ("favourites", format!("{}/favourites", tools.address).into()),
        ];
        Some(Letter {
            id,
            company: self.offer.company,
            category: Category::Notice,
            to: Recipient::Member(member),
            subject: subject(&words.with("rate-up-subject", &values)).ok()?,
            body: Body::parse(&words.with("rate-up-body", &values)).ok()?,
        })
    }
}
