use std::collections::BTreeMap;

use crate::click::parse_reference;
use crate::config::{Network, Trust};
use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use vocabulary::{Id, Label, Reference, Timestamp, Token, kind};

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: Id<kind::Message>,
    /// The network whose address it came to.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// When it came.
    pub received_at: Timestamp,
    /// Its query, byte for byte.
    pub request: String,
}

/// A message that says nothing we can use; it stays stored, for a person to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The conversion's id is missing or no id.
    ConversionId,
    /// An amount is missing or no whole number.
    Amount,
    /// The time is missing or no time.
    OccurredAt,
    /// The address's account is not set up any more.
    Account,
}

impl Unreadable {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConversionId => "conversion_id_unreadable",
            Self::Amount => "amount_unreadable",
            Self::OccurredAt => "occurred_at_unreadable",
            Self::Account => "account_unknown",
        }
    }
}

/// Reads a postback in AccessTrade's form: `pbid` is the click's reference, `status` 0 occurred, 1
/// approved, 2 rejected; times are local in the network's zone. There is one message for each item.
///
/// # Errors
///
/// The first [`Unreadable`] that applies.
pub fn read_postback(
    message: &Message,
    network: &Network,
    fields: &BTreeMap<String, String>,
) -> Result<Told, Unreadable> {
    let text = |name: &str| fields.get(name).map_or("", |text| text.trim());
    let external =
        Reference::parse(text("conversion_id")).map_err(|_text| Unreadable::ConversionId)?;
    let occurred_at =
        network.zone.parse_local(text("occurred_at")).map_err(|_text| Unreadable::OccurredAt)?;
    Ok(Told {
        key: ConversionKey {
            network: message.network.clone(),
            account: message.account.clone(),
            external,
        },
        click: parse_reference(text("pbid")),
        order: Reference::parse(text("order_id")).ok(),
        item: Reference::parse(text("item")).ok(),
        occurred_at,
        sale: whole(text("price"))?,
        commission: whole(text("reward"))?,
        status: match text("status") {
            "0" => Some(Status::Occurred),
            "1" => Some(Status::Approved),
            "2" => Some(Status::Rejected),
            _ => None,
        },
        reason: Label::parse(text("reason")).ok(),
        test: text("test") == "1",
        authority: match network.trust {
            Trust::Reports => Authority::Tells,
            Trust::Postbacks => Authority::Decides,
        },
        source: Source::Postback(message.id),
    })
}

/// Reads a whole number of minor units; two zeros after a point are harmless.
fn whole(text: &str) -> Result<i64, Unreadable> {
    let text = text.strip_suffix(".00").unwrap_or(text);
    text.parse().map_err(|_text| Unreadable::Amount)
}
