use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::Unreadable;
use crate::network::Page;
use crate::network::form::origin::{Finer, Origin, Row, Text, document, read_rows};
use vocabulary::Currency;

/// What A8 answers when all is well.
const WELL: &str = "10000";

#[derive(Debug, Deserialize)]
struct Answer {
    status_code: Text,
    #[serde(default)]
    results: Vec<Box<RawValue>>,
}

/// An order in a list of those that wait (`unsealed`) or are decided (`sealed`). The fields of our
/// sample are partly a guess, and `reason_code` in a list is one: it is a field of cancelling.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    order_id: Text,
    order_no: Text,
    order_money: Text,
    pay_money: Text,
    decide_flg: Text,
    reason_code: Text,
}

/// Reads a list of orders. No row names a click or a time, so each waits for a person unless it is
/// known already.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let answer: Answer = document(bytes)?;
    if answer.status_code.as_str() != WELL {
        return Err(Unreadable::Form);
    }
    Ok(read_rows(&answer.results, |record: &Record| read_row(record, origin)))
}

fn read_row(record: &Record, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    let currency = Some(Currency::JPY);
    let amount = |text: &Text| origin.amount(text, currency, Finer::Refuse);
    let reason = record.reason_code.as_str();
    origin.told(&Row {
        external: record.order_id.as_str(),
        order: record.order_no.as_str(),
        sale: amount(&record.order_money)?,
        commission: amount(&record.pay_money)?,
        currency,
        // Which number means decided (確定) is in no document that we have; cancelled orders have a
        // reason from 1 to 6. An order revived the same day is 0 again.
        status: match (record.decide_flg.as_str(), reason) {
            ("0", "") => Some(Status::Occurred),
            (_, "1" | "2" | "3" | "4" | "5" | "6") => Some(Status::Rejected),
            _ => None,
        },
        reason,
        ..Row::default()
    })
}
