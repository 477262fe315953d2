use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::Unreadable;
use crate::network::form::origin::{
    Finer, Origin, Row, Text, document, read_rows, taking_back_last,
};
use crate::network::{Cursor, Page};
use vocabulary::Currency;

#[derive(Debug, Deserialize)]
struct Answer {
    data: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    #[serde(rename = "publisherCommissions")]
    commissions: Commissions,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commissions {
    payload_complete: bool,
    #[serde(default)]
    max_commission_id: Text,
    records: Vec<Box<RawValue>>,
}

/// A commission: the first of an action, or one that corrects it. `eventDate` is not in our sample
/// but in CJ's schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    commission_id: Text,
    original_action_id: Text,
    action_status: Text,
    validation_status: Text,
    correction_reason: Text,
    event_date: Text,
    order_id: Text,
    pub_commission_amount_usd: Text,
    sale_amount_usd: Text,
    shopper_id: Text,
    sid: Text,
}

/// Reads a page of `publisherCommissions`.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let Answer { data: Body { commissions } } = document(bytes)?;
    let mut page = read_rows(&commissions.records, |record: &Record| read_row(record, origin));
    taking_back_last(&mut page);
    let more = !commissions.payload_complete && !commissions.max_commission_id.is_empty();
    page.next = more.then(|| Cursor::new(commissions.max_commission_id.as_str().to_owned()));
    Ok(page)
}

fn read_row(record: &Record, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    // The fields say the currency; CJ writes thousandths of a dollar now and then.
    let currency = Some(Currency::USD);
    let amount = |text: &Text| origin.amount(text, currency, Finer::Round);
    origin.told(&Row {
        external: record.original_action_id.as_str(),
        entry: Some(record.commission_id.as_str()),
        click: record.shopper_id.or(&record.sid).as_str(),
        order: record.order_id.as_str(),
        occurred_at: origin.moment(record.event_date.as_str())?,
        sale: amount(&record.sale_amount_usd)?,
        commission: amount(&record.pub_commission_amount_usd)?,
        currency,
        status: status(record),
        reason: record.correction_reason.as_str(),
        ..Row::default()
    })
}

/// A commission is decided when it is locked: until then the advertiser may correct it. One that
/// is locked and still waits for the advertiser contradicts itself.
fn status(record: &Record) -> Option<Status> {
    let (action, validation) = (record.action_status.as_str(), record.validation_status.as_str());
    match (action.to_ascii_lowercase().as_str(), validation) {
        ("new" | "extended" | "locked" | "closed", "DECLINED") => Some(Status::Rejected),
        ("new" | "extended", "" | "PENDING" | "ACCEPTED" | "AUTOMATED") => Some(Status::Occurred),
        ("locked" | "closed", "" | "ACCEPTED" | "AUTOMATED") => Some(Status::Approved),
        _ => None,
    }
}
