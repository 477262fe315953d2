use core::fmt;
use std::sync::Arc;

use crate::destination::DestinationEntry;
use crate::exchange::{Exchange, name_of_exchange, points_text, value_text};
use crate::rate_up::Languages;
use crate::site::Site;
use mail::{Body, Category, Letter, Recipient, subject};
use store::natural_id;
use vocabulary::{Id, kind};
use web::{Frame, Words};

/// An end of an exchange that its member is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It arrived.
    Completed,
    /// It did not arrive, and the points are the member's again.
    Failed,
    /// It came back, and so did the points.
    Returned,
}

impl End {
    const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Returned];

    /// Gives the word of the exchange's state, as stored and as part of the keys of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }

    /// Finds it by the word of a state; `None` for a state that nobody is written about.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.code() == code)
    }
}

/// Names an end: the exchange, and which of its states it is.
pub type EndKey = (Id<kind::Exchange>, u32);

/// Names the letter about an end; the same one for ever, so that it goes once.
pub(crate) fn letter_id((exchange, version): EndKey) -> Id<kind::Letter> {
    natural_id("site.exchange_letter", &[&exchange.to_bytes(), &version.to_be_bytes()])
}

/// What the job works with.
#[derive(Clone)]
pub struct ExchangeLetters {
    /// The site.
    pub site: Site,
    /// What letters say.
    pub frame: Arc<Frame>,
    /// Who reads which language. These letters go to everybody: they are about the member's own
    /// points.
    pub languages: Arc<Languages>,
    /// Where members find the site: `https://points.example.jp`.
    pub address: String,
}

impl fmt::Debug for ExchangeLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeLetters").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ExchangeLetters {
    /// Writes a letter; its id follows from the end, so that it goes once. It says nothing about
    /// where the member is paid.
    pub(crate) fn letter(
        &self,
        words: Words<'_>,
        entries: &[DestinationEntry],
        exchange: &Exchange,
        (version, end): (u32, End),
    ) -> Option<Letter> {
        let quote = &exchange.quote;
        let key = format!("exchange-letter-{}", end.code());
        let values = [
            ("destination", name_of_exchange(entries, exchange, words).into()),
            ("points", points_text(words, &self.site, quote.taken()).into()),
            ("value", value_text(words, quote.value, quote.unit).into()),
            ("page", format!("{}/exchange/{}", self.address, exchange.id).into()),
        ];
        Some(Letter {
            id: letter_id((exchange.id, version)),
            company: exchange.company,
            category: Category::Service,
            to: Recipient::Member(exchange.member),
            subject: subject(&words.with(&format!("{key}-subject"), &values)).ok()?,
            body: Body::parse(&words.with(&format!("{key}-body"), &values)).ok()?,
        })
    }
}
