use std::collections::BTreeMap;

use crate::conversion::{Status, Told};
use crate::message::{Content, Unreadable};
use crate::network::form::origin::{Finer, Origin, Row, Text, join_key};

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Needed,
    Optional,
}

/// A postback that is a query string, or a form of the same fields, as a table. A name that is
/// empty stands for a field that the network does not have.
///
/// Amounts have the decimal places of the currency. Times are `2026-11-20 12:04:31` in the
/// network's zone, or with an offset of their own.
#[derive(Debug)]
pub(in crate::network) struct QueryForm {
    /// The fields that together name the conversion.
    key: &'static [&'static str],
    click: &'static str,
    order: &'static str,
    item: &'static str,
    occurred_at: (&'static str, Presence),
    sale: (&'static str, Presence),
    commission: &'static str,
    /// The fields that name a currency; all must be the network's.
    currencies: &'static [&'static str],
    status: &'static str,
    statuses: &'static [(&'static str, Status)],
    reason: &'static str,
    /// A field and the words in it that mark a test.
    test: (&'static str, &'static [&'static str]),
}

/// AccessTrade: one call for each item, each with a conversion id of its own.
pub(in crate::network) static ACCESSTRADE: QueryForm = QueryForm {
    key: &["conversion_id"],
    click: "pbid",
    order: "order_id",
    item: "item",
    occurred_at: ("occurred_at", Presence::Needed),
    sale: ("price", Presence::Needed),
    commission: "reward",
    currencies: &[],
    status: "status",
    statuses: &[("0", Status::Occurred), ("1", Status::Approved), ("2", Status::Rejected)],
    reason: "reason",
    test: ("test", &["1"]),
};

/// TUNE: the names are those of its own address for postbacks, which our template repeats; a
/// transaction may reach several goals. 21 to 23 are its reasons for tests.
pub(in crate::network) static TUNE: QueryForm = QueryForm {
    key: &["transaction_id", "goal_id"],
    click: "aff_sub",
    order: "adv_sub",
    item: "",
    occurred_at: ("datetime", Presence::Optional),
    sale: ("amount", Presence::Optional),
    commission: "payout",
    currencies: &["currency"],
    status: "status",
    statuses: &[
        ("pending", Status::Occurred),
        ("approved", Status::Approved),
        ("rejected", Status::Rejected),
    ],
    reason: "status_code",
    test: ("status_code", &["21", "22", "23"]),
};

/// Packages like affilicode: `pbid` and `state` are theirs, the other names are of our template. An
/// order has one id for all its items, so the item is part of the key.
pub(in crate::network) static AFFILICODE: QueryForm = QueryForm {
    key: &["order_id", "item"],
    click: "pbid",
    order: "order_id",
    item: "item",
    occurred_at: ("occurred_at", Presence::Optional),
    sale: ("price", Presence::Optional),
    commission: "reward",
    currencies: &[],
    status: "state",
    // What is sent when it happens, if anything, is in no document that we have.
    statuses: &[("1", Status::Approved), ("2", Status::Rejected)],
    reason: "",
    test: ("test", &["1"]),
};

/// Affise: our template gives its macros their own names. It has no id for the click but what we
/// put into `sub1`; 5 is on hold, which decides nothing.
pub(in crate::network) static AFFISE: QueryForm = QueryForm {
    key: &["transactionid"],
    click: "sub1",
    order: "",
    item: "",
    occurred_at: ("date", Presence::Optional),
    sale: ("order_sum", Presence::Optional),
    commission: "sum",
    currencies: &["currency", "order_currency"],
    status: "status",
    statuses: &[
        ("1", Status::Approved),
        ("2", Status::Occurred),
        ("3", Status::Rejected),
        ("5", Status::Occurred),
    ],
    reason: "comment",
    test: ("test", &["1"]),
};

/// The fields of a query or a form. Of a field that is there twice the last one counts.
pub(super) fn fields(content: Content<'_>) -> Result<BTreeMap<String, String>, Unreadable> {
    match content {
        Content::Query(text) | Content::Form(text) => {
            Ok(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
        }
        Content::Json(_) | Content::Page(_) | Content::Other => Err(Unreadable::Form),
    }
}

impl QueryForm {
    /// Reads a postback.
    pub(in crate::network) fn read(
        &self,
        content: Content<'_>,
        origin: &Origin<'_>,
    ) -> Result<Told, Unreadable> {
        let fields = fields(content)?;
        let text = |name: &str| fields.get(name).map_or("", |text| text.trim());
        let parts: Vec<&str> = self.key.iter().map(|name| text(name)).collect();
        if parts.first().is_none_or(|first| first.is_empty()) {
            return Err(Unreadable::ConversionId);
        }
        let external = join_key(&parts);
        let occurred_at = origin.moment(text(self.occurred_at.0))?;
        if occurred_at.is_none() && self.occurred_at.1 == Presence::Needed {
            return Err(Unreadable::OccurredAt);
        }
        let mut currency = None;
        for name in self.currencies {
            let told = Origin::currency(&Text::new(text(name)))?;
            // One that is not the network's is what a person has to see.
            if currency.is_none_or(|known| known == origin.network.currency) {
                currency = told.or(currency);
            }
        }
        let sale = Text::new(text(self.sale.0));
        let sale = match self.sale.1 {
            Presence::Optional if sale.is_empty() => 0,
            Presence::Optional | Presence::Needed => {
                origin.amount(&sale, currency, Finer::Refuse)?
            }
        };
        let commission =
            origin.amount(&Text::new(text(self.commission)), currency, Finer::Refuse)?;
        let status = self.statuses.iter().find(|(word, _)| *word == text(self.status));
        origin.told(&Row {
            external: &external,
            entry: None,
            click: text(self.click),
            order: text(self.order),
            item: text(self.item),
            occurred_at,
            sale,
            commission,
            currency,
            status: status.map(|(_, status)| *status),
            reason: text(self.reason),
            test: self.test.1.contains(&text(self.test.0)),
        })
    }
}
