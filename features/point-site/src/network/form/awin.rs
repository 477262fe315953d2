use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::{Content, Unreadable};
use crate::network::Page;
use crate::network::form::origin::{Finer, Origin, Row, Text, document, read_rows};
use crate::network::form::query::fields;

/// What Awin posts, once for each transaction, when it is made: a form of one field with this in
/// it. It has no status, and whether anything is sent later is in no document that we have.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Push {
    transaction_id: Text,
    transaction_date: Text,
    transaction_currency: Text,
    transaction_amount: Text,
    commission: Text,
    click_ref: Text,
    order_ref: Text,
}

/// An amount of a transaction with its currency.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Money {
    amount: Text,
    currency: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Clicks {
    click_ref: Text,
}

/// A row of `/publishers/{id}/transactions/`. The names of the nested amounts and references are
/// those of Awin's public reference; our samples have only the push.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Transaction {
    id: Text,
    #[serde(rename = "transactionDate")]
    made_at: Text,
    sale_amount: Option<Money>,
    commission_amount: Option<Money>,
    click_refs: Option<Clicks>,
    order_ref: Text,
    commission_status: Text,
    decline_reason: Text,
}

/// Reads what was pushed. The amounts are in the programme's currency; what the member saw
/// (`trackedAmount`) has no commission beside it and is left alone.
pub(in crate::network) fn read(
    content: Content<'_>,
    origin: &Origin<'_>,
) -> Result<Told, Unreadable> {
    let Content::Form(_) = content else { return Err(Unreadable::Form) };
    let fields = fields(content)?;
    let push = fields.get("AwinTransactionPush").ok_or(Unreadable::Form)?;
    let push: Push = document(push.as_bytes())?;
    let currency = Origin::currency(&push.transaction_currency)?;
    origin.told(&Row {
        external: push.transaction_id.as_str(),
        click: push.click_ref.as_str(),
        order: push.order_ref.as_str(),
        occurred_at: origin.moment(push.transaction_date.as_str())?,
        sale: origin.amount(&push.transaction_amount, currency, Finer::Refuse)?,
        commission: origin.amount(&push.commission, currency, Finer::Refuse)?,
        currency,
        status: Some(Status::Occurred),
        ..Row::default()
    })
}

/// Reads a page of transactions; a window of days is one page.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let rows: Vec<Box<RawValue>> = document(bytes)?;
    Ok(read_rows(&rows, |row: &Transaction| read_row(row, origin)))
}

fn read_row(row: &Transaction, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    let sale = row.sale_amount.as_ref().ok_or(Unreadable::Amount)?;
    let commission = row.commission_amount.as_ref().ok_or(Unreadable::Amount)?;
    let currency = Origin::currency(&commission.currency)?;
    let of_sale = Origin::currency(&sale.currency)?;
    let empty = Text::default();
    origin.told(&Row {
        external: row.id.as_str(),
        click: row.click_refs.as_ref().map_or(&empty, |clicks| &clicks.click_ref).as_str(),
        order: row.order_ref.as_str(),
        occurred_at: origin.moment(row.made_at.as_str())?,
        sale: origin.amount(&sale.amount, of_sale.or(currency), Finer::Refuse)?,
        commission: origin.amount(&commission.amount, currency, Finer::Refuse)?,
        // One that is not the network's is what a person has to see.
        currency: of_sale.filter(|code| *code != origin.network.currency).or(currency),
        status: match row.commission_status.as_str() {
            "pending" => Some(Status::Occurred),
            "approved" => Some(Status::Approved),
            "declined" | "deleted" => Some(Status::Rejected),
            _ => None,
        },
        reason: row.decline_reason.as_str(),
        ..Row::default()
    })
}
