use core::fmt::Write as _;

use vocabulary::{Id, Timestamp, Token, kind};

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: Id<kind::Message>,
    /// The network whose address it came to.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// When it came.
    pub received_at: Timestamp,
    /// What it said.
    pub request: Request,
}

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
    /// Anything else, or nothing said.
    Other,
}

impl Media {
    const ALL: [Self; 3] = [Self::Form, Self::Json, Self::Other];

    const fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Json => "json",
            Self::Other => "other",
        }
    }
}

/// What a network sent, as one text that is stored as it is:
///
/// ```text
/// pbid=01JD…&status=0           the query of a GET, byte for byte
/// POST json ⏎ {"action_id":…}   a body, byte for byte after the first line end
/// POST form ?a=b ⏎ c=d          a body that came with a query
/// POST json hex ⏎ 7bff…         a body that is no UTF-8, in hexadecimal digits
/// PAGE orders ⏎ {"resultSet":…  a page that we asked for, and of which list
/// ```
///
/// A query has neither a blank nor a line end, so the two cannot be mistaken for one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request(String);

/// What is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// The query of a GET.
    Query(&'a str),
    /// The body of a POST, a form.
    Form(&'a str),
    /// The body of a POST, JSON.
    Json(&'a str),
    /// A page that the network gave when asked.
    Page(&'a str),
    /// A body of another form, or no text at all.
    Other,
}

impl Request {
    /// Keeps the query of a GET.
    pub fn of_query(query: &str) -> Self {
        Self(query.to_owned())
    }

    /// Keeps the body of a POST and the query that came with it.
    pub fn of_body(media: Media, query: &str, body: &[u8]) -> Self {
        let mut head = format!("POST {}", media.code());
        if !query.is_empty() {
            head.push_str(" ?");
            head.push_str(query);
        }
        Self::with_body(head, body)
    }

    /// Keeps a page that the network gave when asked, and of which list it is.
    pub fn of_page(feed: &str, body: &[u8]) -> Self {
        Self::with_body(format!("PAGE {feed}"), body)
    }

    fn with_body(head: String, body: &[u8]) -> Self {
        let mut text = head;
        match core::str::from_utf8(body) {
            Ok(body) => {
                text.push('\n');
                text.push_str(body);
            }
            Err(_bytes) => {
                text.push_str(" hex\n");
                for byte in body {
                    let _infallible = write!(text, "{byte:02x}");
                }
            }
        }
        Self(text)
    }

    /// Takes what was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Gives the text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives what is in it.
    pub fn content(&self) -> Content<'_> {
        let Some((head, body)) = self.0.split_once('\n') else { return Content::Query(&self.0) };
        let words: Vec<&str> = head.split(' ').collect();
        let media = words
            .get(1)
            .and_then(|word| Media::ALL.into_iter().find(|media| media.code() == *word));
        match media {
            _ if words.last() == Some(&"hex") => Content::Other,
            None if words.first() == Some(&"PAGE") => Content::Page(body),
            Some(Media::Form) => Content::Form(body),
            Some(Media::Json) => Content::Json(body),
            Some(Media::Other) | None => Content::Other,
        }
    }
}

/// A message that says nothing we can use; it stays stored, for a person to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The conversion's id is missing or no id.
    ConversionId,
    /// An amount is missing or no whole number of minor units.
    Amount,
    /// The time is missing or no time.
    OccurredAt,
    /// The address's account is not set up any more.
    Account,
    /// It is not of the network's form.
    Form,
}

impl Unreadable {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConversionId => "conversion_id_unreadable",
            Self::Amount => "amount_unreadable",
            Self::OccurredAt => "occurred_at_unreadable",
            Self::Account => "account_unknown",
            Self::Form => "form_unreadable",
        }
    }
}
