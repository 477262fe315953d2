use serde::Deserialize;

use crate::conversion::{Status, Told};
use crate::message::{Content, Unreadable};
use crate::network::form::origin::{Finer, Origin, Row, Text, document};
use crate::network::form::query::fields;

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
        Content::Query(_) | Content::Form(_) | Content::Other => Notice::from_fields(content)?,
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
        // `DEFAULT`, an older word, is in no document that says what it means.
        status: match notice.status.as_str() {
            "PENDING" => Some(Status::Occurred),
            "APPROVED" => Some(Status::Approved),
            "REVERSED" | "REJECTED" => Some(Status::Rejected),
            _ => None,
        },
        reason: notice.status_detail.as_str(),
        test: notice.status_detail.as_str() == "TEST_ACTION",
        ..Row::default()
    })
}
