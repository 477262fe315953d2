use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversion::{Status, Told};
use crate::message::{Content, Unreadable};
use crate::network::form::origin::{Finer, Origin, Row, Text, document, read_rows};
use crate::network::form::query::fields;
use crate::network::{Cursor, Page};

/// A notification. Impact fills in a template of ours; these are the names that ours has to have,
/// in a query or in JSON. Beyond the sample they are `amount`, `currency`, `event_date`,
/// `order_id` and `status_detail`, each of which may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Notice {
    action_id: Text,
    status: Text,
    status_detail: Text,
    payout: Text,
    amount: Text,
    currency: Text,
    event_date: Text,
    order_id: Text,
    sub_id1: Text,
    items: Vec<Item>,
}

/// An item of the order; `amt` is what was paid for all of it, not for one piece.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    amt: Text,
}

impl Notice {
    fn from_fields(content: Content<'_>) -> Result<Self, Unreadable> {
        let fields = fields(content)?;
        let text = |name: &str| Text::new(fields.get(name).map_or("", String::as_str));
        Ok(Self {
            action_id: text("action_id"),
            status: text("status"),
            status_detail: text("status_detail"),
            payout: text("payout"),
            amount: text("amount"),
            currency: text("currency"),
            event_date: text("event_date"),
            order_id: text("order_id"),
            sub_id1: text("sub_id1"),
            items: Vec::new(),
        })
    }
}

/// Reads a notification.
pub(in crate::network) fn read(
    content: Content<'_>,
    origin: &Origin<'_>,
) -> Result<Told, Unreadable> {
    let notice: Notice = match content {
        Content::Json(text) => document(text.as_bytes())?,
        Content::Query(_) | Content::Form(_) | Content::Page(_) | Content::Other => {
            Notice::from_fields(content)?
        }
    };
    let currency = Origin::currency(&notice.currency)?;
    let amount = |text: &Text| origin.amount(text, currency, Finer::Refuse);
    let sale = if notice.amount.is_empty() {
        notice.items.iter().try_fold(0_i64, |sum, item| {
            sum.checked_add(amount(&item.amt)?).ok_or(Unreadable::Amount)
        })?
    } else {
        amount(&notice.amount)?
    };
    origin.told(&Row {
        external: notice.action_id.as_str(),
        click: notice.sub_id1.as_str(),
        order: notice.order_id.as_str(),
        occurred_at: origin.moment(notice.event_date.as_str())?,
        sale,
        commission: amount(&notice.payout)?,
        currency,
        status: status(&notice.status),
        reason: notice.status_detail.as_str(),
        test: notice.status_detail.as_str() == "TEST_ACTION",
        ..Row::default()
    })
}

/// A page of actions: what is asked for by hand has names that begin with a capital.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default, rename = "@page")]
    page: Text,
    #[serde(default, rename = "@numpages")]
    pages: Text,
    #[serde(default)]
    actions: Vec<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Action {
    id: Text,
    state: Text,
    payout: Text,
    amount: Text,
    currency: Text,
    event_date: Text,
    oid: Text,
    sub_id1: Text,
    state_detail: Text,
}

/// Reads a page of actions; pages are counted from 1.
pub(in crate::network) fn read_page(bytes: &[u8], origin: &Origin<'_>) -> Result<Page, Unreadable> {
    let answer: Answer = document(bytes)?;
    let mut page = read_rows(&answer.actions, |action: &Action| read_action(action, origin));
    let number = |text: &Text| text.as_str().parse::<u32>().ok();
    let (at, all) = (number(&answer.page).unwrap_or(1), number(&answer.pages).unwrap_or(1));
    page.next = (at < all).then(|| Cursor::new(at.saturating_add(1).to_string()));
    Ok(page)
}

fn read_action(action: &Action, origin: &Origin<'_>) -> Result<Told, Unreadable> {
    let currency = Origin::currency(&action.currency)?;
    let amount = |text: &Text| origin.amount(text, currency, Finer::Refuse);
    origin.told(&Row {
        external: action.id.as_str(),
        click: action.sub_id1.as_str(),
        order: action.oid.as_str(),
        occurred_at: origin.moment(action.event_date.as_str())?,
        sale: amount(&action.amount)?,
        commission: amount(&action.payout)?,
        currency,
        status: status(&action.state),
        reason: action.state_detail.as_str(),
        test: action.state_detail.as_str() == "TEST_ACTION",
        ..Row::default()
    })
}

/// Reads the word for what became of an action. `DEFAULT`, an older one, is in no document that
/// says what it means.
fn status(word: &Text) -> Option<Status> {
    match word.as_str() {
        "PENDING" => Some(Status::Occurred),
        "APPROVED" => Some(Status::Approved),
        "REVERSED" | "REJECTED" => Some(Status::Rejected),
        _ => None,
    }
}
