use serde::Deserialize;

use crate::offer::{Shelf, Shop};
use vocabulary::{CompanyNumber, Label, Timestamp, Token, Zone};

/// What is wrong with a field: its name, and the code of what to say.
pub(crate) type Errors = Vec<(&'static str, &'static str)>;

/// The form of a shop, as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ShopForm {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) reading: String,
    pub(crate) category: String,
    pub(crate) listed: String,
}

impl ShopForm {
    pub(crate) fn of(shop: &Shop) -> Self {
        Self {
            slug: shop.slug.as_str().to_owned(),
            name: shop.name.as_str().to_owned(),
            reading: shop.reading.as_str().to_owned(),
            category: shop.category.as_str().to_owned(),
            listed: if shop.listed { "yes" } else { "no" }.to_owned(),
        }
    }

    /// Reads the form, or says what is wrong with which field.
    pub(crate) fn parse(&self, company: CompanyNumber) -> Result<Shop, Errors> {
        let mut errors = Errors::new();
        let slug = kept(&mut errors, "slug", "slug", Token::parse(self.slug.trim()).ok());
        let name = kept(&mut errors, "name", "name", Label::parse(&self.name).ok());
        // Whoever knows no other spelling may leave the field as it is.
        let reading = if self.reading.trim().is_empty() { &self.name } else { &self.reading };
        let reading = kept(&mut errors, "reading", "reading", Label::parse(reading).ok());
        let category = Token::parse(&self.category).ok();
        let category = kept(&mut errors, "category", "choice", category);
        let listed = kept(&mut errors, "listed", "choice", yes(&self.listed));
        match (slug, name, reading, category, listed) {
            (Some(slug), Some(name), Some(reading), Some(category), Some(listed)) => {
                Ok(Shop { company, slug, name, reading, category, listed })
            }
            _ => Err(errors),
        }
    }
}

/// Notes an error where there is nothing.
pub(crate) fn kept<T>(
    errors: &mut Errors,
    field: &'static str,
    code: &'static str,
    found: Option<T>,
) -> Option<T> {
    if found.is_none() {
        errors.push((field, code));
    }
    found
}

/// Reads a choice between two.
pub(crate) fn yes(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// What a page is asked to say: that something was saved.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Saved {
    /// The version, where it is one.
    pub(crate) saved: Option<u32>,
}

/// Writes a moment as a field of a form has it, in the time of Japan.
pub(crate) fn moment(at: Timestamp) -> String {
    Zone::JAPAN.format_minute(at).replace(' ', "T")
}

/// Reads such a field.
pub(crate) fn parse_moment(text: &str) -> Option<Timestamp> {
    Zone::JAPAN.parse_local(text).ok()
}

/// Where a shop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ShopState {
    /// Members can go out to it.
    Open,
    /// Its cap is reached.
    Full,
    /// Nothing is in force, but something is to come.
    Scheduled,
    /// Nothing is in force or to come.
    Closed,
    /// Members do not find it.
    Hidden,
}

impl ShopState {
    pub(crate) const ALL: [Self; 5] =
        [Self::Open, Self::Full, Self::Scheduled, Self::Closed, Self::Hidden];

    /// Gives the word, as in addresses and as key of the texts.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Full => "full",
            Self::Scheduled => "scheduled",
            Self::Closed => "closed",
            Self::Hidden => "hidden",
        }
    }

    /// Tells where a shop stands.
    pub(crate) fn of(shelf: &Shelf, shop: &Shop, now: Timestamp) -> Self {
        if !shop.listed {
            return Self::Hidden;
        }
        match shelf.offer_of(shop.id(), now) {
            Some((offer, version)) if shelf.is_full(offer, version) => Self::Full,
            Some(_) => Self::Open,
            None => {
                let mut versions = shelf.offers_of(shop.id()).flat_map(|offer| &offer.versions);
                let coming = versions.any(|version| version.starts_at > now);
                if coming { Self::Scheduled } else { Self::Closed }
            }
        }
    }
}
