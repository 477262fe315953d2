use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::click::parse_reference;
use crate::config::Network;
use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::message::Unreadable;
use crate::network::{Page, Unread};
use vocabulary::{Currency, Label, Reference, Timestamp};

/// Whose statements are read, and what they may do.
#[derive(Debug)]
pub(in crate::network) struct Origin<'a> {
    pub(in crate::network) network: &'a Network,
    pub(in crate::network) authority: Authority,
    pub(in crate::network) source: Source,
    pub(in crate::network) at: Timestamp,
}

/// A scalar as a network writes it: a text, a number, a word or nothing. A number keeps its digits,
/// so that no amount passes through floating point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives this, or `other` when it is empty.
    pub(super) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_empty() { other } else { self }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "null" => Ok(Self::default()),
            text if text.starts_with('"') => {
                serde_json::from_str::<String>(text).map(|text| Self::new(&text))
            }
            text if text.starts_with(['{', '[']) => {
                Err(serde_json::Error::custom("a text or a number is wanted here"))
            }
            text => Ok(Self::new(text)),
        }
        .map_err(D::Error::custom)
    }
}

/// What becomes of digits beyond the currency's minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finer {
    /// They are refused, unless they are zeros.
    Refuse,
    /// They are rounded to the nearest, a half away from zero, so that a row and the row that takes
    /// it back cancel out. For networks that are known to write them.
    Round,
}

/// What a statement says, before it is one of ours.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    pub(super) external: &'a str,
    pub(super) entry: Option<&'a str>,
    pub(super) click: &'a str,
    pub(super) order: &'a str,
    pub(super) item: &'a str,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) sale: i64,
    pub(super) commission: i64,
    pub(super) currency: Option<Currency>,
    pub(super) status: Option<Status>,
    pub(super) reason: &'a str,
    pub(super) test: bool,
}

impl Origin<'_> {
    /// Makes a statement of a row. A row without a time happened when it came.
    pub(super) fn told(&self, row: &Row<'_>) -> Result<Told, Unreadable> {
        let reference = |text| Reference::parse(text).map_err(|_text| Unreadable::ConversionId);
        Ok(Told {
            key: ConversionKey {
                network: self.network.code.clone(),
                account: self.network.account.clone(),
                external: reference(row.external)?,
            },
            entry: row.entry.map(reference).transpose()?,
            click: parse_reference(row.click),
            order: Reference::parse(row.order).ok(),
            item: Reference::parse(row.item).ok(),
            occurred_at: row.occurred_at.unwrap_or(self.at),
            sale: row.sale,
            commission: row.commission,
            currency: row.currency,
            status: row.status,
            reason: Label::parse(row.reason).ok(),
            test: row.test,
            authority: self.authority,
            source: self.source,
        })
    }

    /// Reads a time; one that names its offset has it, another is local in the network's zone.
    /// `None` when there is none.
    pub(super) fn moment(&self, text: &str) -> Result<Option<Timestamp>, Unreadable> {
        if text.is_empty() {
            return Ok(None);
        }
        Timestamp::parse(text)
            .or_else(|_no_offset| self.network.zone.parse_local(text))
            .map(Some)
            .map_err(|_no_time| Unreadable::OccurredAt)
    }

    /// Reads a currency; `None` when there is none. What is no currency is not ours either.
    pub(super) fn currency(text: &Text) -> Result<Option<Currency>, Unreadable> {
        if text.is_empty() {
            return Ok(None);
        }
        Currency::parse(text.as_str()).map(Some).map_err(|_no_currency| Unreadable::Amount)
    }

    /// Reads an amount in minor units of `currency`, or of the network's when none is told. One in
    /// another currency than the network's is never used, and must only not hide that.
    pub(super) fn amount(
        &self,
        text: &Text,
        currency: Option<Currency>,
        finer: Finer,
    ) -> Result<i64, Unreadable> {
        let ours = self.network.currency;
        let finer = if currency.is_some_and(|code| code != ours) { Finer::Round } else { finer };
        let places = currency.unwrap_or(ours).scale().places();
        parse_amount(text.as_str(), usize::from(places), finer).ok_or(Unreadable::Amount)
    }
}

/// Reads a plain decimal number as minor units: a sign, digits, a point and digits.
pub(super) fn parse_amount(text: &str, places: usize, finer: Finer) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let kept = fraction.get(..places).unwrap_or(fraction);
    let rest = fraction.get(places..).unwrap_or("");
    let missing = "0".repeat(places.saturating_sub(kept.len()));
    let minor: i64 = format!("{whole}{kept}{missing}").parse().ok()?;
    let up = match finer {
        Finer::Refuse if rest.bytes().any(|byte| byte != b'0') => return None,
        Finer::Refuse => false,
        Finer::Round => rest.bytes().next().is_some_and(|byte| byte >= b'5'),
    };
    let minor = minor.checked_add(i64::from(up))?;
    Some(if negative { minor.saturating_neg() } else { minor })
}

/// Makes one external id of several parts. A colon inside of a part is escaped, so that two ids are
/// the same only when all parts are; empty parts at the end are left out.
pub(super) fn join_key(parts: &[&str]) -> String {
    match parts {
        [only] => (*only).to_owned(),
        parts => {
            let escaped: Vec<String> =
                parts.iter().map(|part| part.replace('%', "%25").replace(':', "%3A")).collect();
            escaped.join(":").trim_end_matches(':').to_owned()
        }
    }
}

/// Reads a document; fields that are not asked for are left alone, since networks add some.
pub(super) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|_other_form| Unreadable::Form)
}

/// Reads the rows of a page, each for itself.
pub(super) fn read_rows<T: DeserializeOwned>(
    rows: &[Box<RawValue>],
    read: impl Fn(&T) -> Result<Told, Unreadable>,
) -> Page {
    let mut page = Page::default();
    for (row, raw) in (1_usize..).zip(rows) {
        let told = document(raw.get().as_bytes()).and_then(|typed: T| read(&typed));
        match told {
            Ok(told) => page.told.push(told),
            Err(reason) => page.unread.push(Unread { row, reason }),
        }
    }
    page
}

/// Puts rows that take something back behind the others. A restatement is one row that takes all
/// back and one with the new figure: in the network's order the conversion would come to nothing
/// in between, which means a cancellation; the sum is the same.
pub(super) fn taking_back_last(page: &mut Page) {
    page.told.sort_by_key(|told| told.commission < 0 || told.sale < 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        let table = [
            ("119", 0, Some(119)),
            ("119.00", 0, Some(119)),
            ("119.5", 0, None),
            ("-7.78", 2, Some(-778)),
            ("7.7", 2, Some(770)),
            ("50.0", 2, Some(5_000)),
            ("0.1", 2, Some(10)),
            ("92233720368547758.07", 2, Some(i64::MAX)),
            ("92233720368547758.08", 2, None),
            ("1e3", 2, None),
            ("1,000", 0, None),
            ("", 0, None),
            ("-", 0, None),
            (".5", 2, None),
            ("1.", 2, None),
            ("１", 0, None),
        ];
        for (text, places, expected) in table {
            assert_eq!(parse_amount(text, places, Finer::Refuse), expected, "{text}");
        }
        let rounded = [("-51.826", -5_183), ("51.825", 5_183), ("-51.825", -5_183), ("0.004", 0)];
        for (text, expected) in rounded {
            assert_eq!(parse_amount(text, 2, Finer::Round), Some(expected), "{text}");
        }
    }

    #[test]
    fn keys_of_several_parts_differ_when_a_part_does() {
        let table: [(&[&str], &str); 6] = [
            (&["a:b"], "a:b"),
            (&["a", "b"], "a:b"),
            (&["a:b", "c"], "a%3Ab:c"),
            (&["a", "b:c"], "a:b%3Ac"),
            (&["a", ""], "a"),
            (&["a", "", "c"], "a::c"),
        ];
        for (parts, expected) in table {
            assert_eq!(join_key(parts), expected, "{parts:?}");
        }
    }
}
