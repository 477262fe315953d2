//! Keyset paging: a page begins after the last key of the page before.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{IntoParams, ToSchema};

/// Leads every cursor, so that a later form can be told apart.
const VERSION: u8 = 1;

/// The key after which the next page begins; opaque to callers, at most 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(Vec<u8>);

/// A text that is no cursor of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor; take `next` of the page before as it is")]
pub struct CursorError;

impl Cursor {
    /// The most bytes of a key.
    pub const MAX: usize = 256;

    /// Takes a row's key: bytes that its query can read back.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(key.into())
    }

    /// Takes a sequence number.
    pub fn from_number(number: i64) -> Self {
        Self(number.to_be_bytes().to_vec())
    }

    /// Gives the key.
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// Gives the sequence number; `None` when the key is none.
    pub fn number(&self) -> Option<i64> {
        self.0.as_slice().try_into().ok().map(i64::from_be_bytes)
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`CursorError`] when it is no base 64, of another version or too long.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_ignored| CursorError)?;
        match bytes.split_first() {
            Some((&VERSION, key)) if key.len() <= Self::MAX => Ok(Self(key.to_vec())),
            Some(_) | None => Err(CursorError),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(self.0.len().saturating_add(1));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.0);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// How many items of a page: 1 to 1,000, 50 unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PageLimit(u32);

impl PageLimit {
    /// The most items.
    pub const MAX: u32 = 1_000;

    /// Takes 1 to 1,000; `None` beyond.
    pub const fn try_new(items: u32) -> Option<Self> {
        if items >= 1 && items <= Self::MAX { Some(Self(items)) } else { None }
    }

    /// Gives the number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Gives the number, and one more to learn whether there is a next page.
    pub const fn and_one(self) -> u32 {
        self.0.saturating_add(1)
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = &'static str;
    fn try_from(items: u32) -> Result<Self, &'static str> {
        Self::try_new(items).ok_or("must be from 1 to 1000")
    }
}

impl From<PageLimit> for u32 {
    fn from(limit: PageLimit) -> Self {
        limit.0
    }
}

/// The query of a list: `?limit=50&after=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// How many items, 1 to 1,000; 50 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: PageLimit,
    /// `next` of the page before; nothing for the first page.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub after: Option<Cursor>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Paged<T> {
    /// The items, in the list's order.
    #[schema(inline)]
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

impl<T> Paged<T> {
    /// Makes a page of up to [`PageLimit::and_one`] rows: what is over the limit only says that
    /// there is a next page, which begins after the last item kept.
    pub fn new(mut rows: Vec<T>, limit: PageLimit, key: impl FnOnce(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(key) } else { None };
        Self { items: rows, next }
    }

    /// Turns every item into another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(form).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_foreign_text_does_not() {
        let cursor = Cursor::from_number(-42);
        assert_eq!(Cursor::parse(&cursor.to_string()).unwrap().number(), Some(-42));
        assert_eq!(Cursor::new("ab").number(), None);
        let long = Cursor::new(vec![0; 257]).to_string();
        for text in ["", "AA", "not a cursor", "Ag", long.as_str()] {
            assert_eq!(Cursor::parse(text), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn the_row_over_the_limit_says_that_there_is_more() {
        let limit = PageLimit::try_new(2).unwrap();
        let page = Paged::new(vec![1, 2, 3], limit, |&item| Cursor::from_number(item));
        assert_eq!(page, Paged { items: vec![1, 2], next: Some(Cursor::from_number(2)) });
        let last = Paged::new(vec![3, 4], limit, |&item| Cursor::from_number(item));
        assert_eq!(last.next, None);
    }

    #[test]
    fn a_limit_has_bounds() {
        assert_eq!(PageLimit::default().get(), 50);
        for (items, allowed) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
            assert_eq!(PageLimit::try_new(items).is_some(), allowed, "{items}");
        }
    }
}
