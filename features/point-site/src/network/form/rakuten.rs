use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::Unreadable;
use crate::network::Page;
use crate::network::form::origin::{
    Finer, Origin, Row, Text, document, join_key, read_rows, taking_back_last,
};
use vocabulary::Timestamp;

/// A row: an event, which is preliminary, or a transaction of the same order and article.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    etransaction_id: Text,
    order_id: Text,
    sku_number: Text,
    sale_amount: Text,
    commissions: Text,
    currency: Text,
    transaction_date: Text,
    u1: Text,
    is_event: Text,
}

/// Reads a page of events or transactions. Pages are counted by whoever asks.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let rows: Vec<Box<RawValue>> = document(bytes)?;
    let mut page = read_rows(&rows, |record: &Record| read_row(record, origin));
    taking_back_last(&mut page);
    Ok(page)
}

/// An event speaks of the whole and is forgotten when transactions come; those are added up.
///
/// Nothing in a row says that the advertiser pays: an article is announced until its rows come to
/// nothing, and approved by the report of payments.
fn read_row(record: &Record, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    let currency = Origin::currency(&record.currency)?;
    let amount = |text: &Text| origin.amount(text, currency, Finer::Round);
    if record.order_id.is_empty() {
        return Err(Unreadable::ConversionId);
    }
    let (entry, status) = match record.is_event.as_str() {
        "Y" => (None, Some(Status::Occurred)),
        "N" => (Some(record.etransaction_id.as_str()), Some(Status::Occurred)),
        _ => (Some(record.etransaction_id.as_str()), None),
    };
    let date = record.transaction_date.as_str();
    origin.told(&Row {
        external: &join_key(&[record.order_id.as_str(), record.sku_number.as_str()]),
        entry,
        click: record.u1.as_str(),
        order: record.order_id.as_str(),
        item: record.sku_number.as_str(),
        occurred_at: match parse_long(date) {
            Some(moment) => Some(moment),
            None => origin.moment(date)?,
        },
        sale: amount(&record.sale_amount)?,
        commission: amount(&record.commissions)?,
        currency,
        status,
        ..Row::default()
    })
}

/// Reads `Fri Nov 20 2026 12:04:31 GMT+0900 (JST)`, the form in which JavaScript writes times. Our
/// samples of the network have none of it; to be compared with its own.
fn parse_long(text: &str) -> Option<Timestamp> {
    let mut words = text.split_whitespace().skip(1);
    let (month, day, year) = (words.next()?, words.next()?, words.next()?);
    let (time, offset) = (words.next()?, words.next()?.strip_prefix("GMT")?);
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = (1_u8..).zip(months).find(|(_, name)| *name == month)?.0;
    let (hours, minutes) = offset.split_at_checked(3)?;
    Timestamp::parse(&format!("{year}-{number:02}-{day}T{time}{hours}:{minutes}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_read() {
        let read = |text| parse_long(text).map(|moment| moment.to_string());
        let expected = Some("2026-11-20T03:04:31Z".to_owned());
        assert_eq!(read("Fri Nov 20 2026 12:04:31 GMT+0900 (JST)"), expected);
        assert_eq!(read("Fri Nov 20 2026 03:04:31 GMT+0000 (UTC)"), expected);
        for bad in ["", "Fri", "Fri Nov 20 2026 12:04:31", "Fri Foo 20 2026 12:04:31 GMT+0000"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
