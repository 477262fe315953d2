use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::Unreadable;
use crate::network::form::origin::{Finer, Origin, Row, Text, document, read_rows};
use crate::network::{Cursor, Page};
use vocabulary::Currency;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    result_set: ResultSet,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultSet {
    response_info: ResponseInfo,
    row_data: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseInfo {
    #[serde(default)]
    next_offset: Text,
}

/// A row of the report by order. `orderId` and `itemPriceTotal` are not in our sample but in the
/// advertisers' form of the report; without the latter the sale is told as nothing, and then only
/// an offer of a fixed reward has anything to announce.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    transaction_oid: Text,
    order_date: Text,
    approval_status: Text,
    affil_payment: Text,
    vcptn: Text,
    order_id: Text,
    item_price_total: Text,
}

/// Reads a page of the report by order. The offset of the next page is absent, or zero, at the end.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let Answer { result_set } = document(bytes)?;
    let mut page = read_rows(&result_set.row_data, |record: &Record| read_row(record, origin));
    let next = result_set.response_info.next_offset;
    let more = !next.is_empty() && next.as_str() != "0";
    page.next = more.then(|| Cursor::new(next.as_str().to_owned()));
    Ok(page)
}

fn read_row(record: &Record, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    let currency = Some(Currency::JPY);
    let amount = |text: &Text| origin.amount(text, currency, Finer::Refuse);
    origin.told(&Row {
        external: record.transaction_oid.as_str(),
        click: record.vcptn.as_str(),
        order: record.order_id.as_str(),
        occurred_at: origin.moment(record.order_date.as_str())?,
        sale: if record.item_price_total.is_empty() {
            0
        } else {
            amount(&record.item_price_total)?
        },
        commission: amount(&record.affil_payment)?,
        currency,
        // What is invoiced was approved before.
        status: match record.approval_status.as_str() {
            "p" | "P" => Some(Status::Occurred),
            "a" | "A" | "i" | "I" => Some(Status::Approved),
            "c" | "C" => Some(Status::Rejected),
            _ => None,
        },
        ..Row::default()
    })
}
