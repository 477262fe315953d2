use serde::Deserialize;

use crate::destination::DestinationKind;
use crate::exchange::{Exchange, ExchangeEvent};
use crate::gift_code::{GiftAnswer, GiftCode, GiftRequest, RequestId};
use vocabulary::{Day, Id, kind};

/// A request to a partner, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRequest {
    /// Of which exchange.
    pub exchange: Id<kind::Exchange>,
    /// Which partner.
    pub partner: vocabulary::Token,
    /// Whether a code is asked for, or points are given.
    pub kind: DestinationKind,
    /// What is asked for, under the one id of the exchange.
    pub gift: GiftRequest,
}

impl PartnerRequest {
    /// Makes the request of an exchange; `None` when the prefix makes no id.
    pub fn of(exchange: &Exchange, prefix: &str) -> Option<Self> {
        Some(Self {
            exchange: exchange.id,
            partner: exchange.product.clone(),
            kind: exchange.kind,
            gift: GiftRequest {
                id: RequestId::of(prefix, exchange.id)?,
                product: exchange.quote.destination.clone(),
                value: exchange.quote.value,
                unit: exchange.quote.unit,
            },
        })
    }

    /// Writes its body. The same request is the same bytes.
    pub fn to_json(&self) -> String {
        let GiftRequest { id, product, value, unit } = &self.gift;
        let (value, unit) = (value.minor_units(), unit.as_str());
        let wants = if self.kind.gives_code() { "code" } else { "points" };
        // No text here needs escaping: ids, codes and units are letters, digits and hyphens.
        format!(
            r#"{{"request_id":"{}","wants":"{wants}","product":"{}","amount":{value},"unit":"{unit}"}}"#,
            id.as_str(),
            product.as_str(),
        )
    }
}

/// What a partner answers, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartnerAnswer {
    /// It is done, with a code when one was asked for.
    Done(Option<(GiftCode, Option<Day>)>),
    /// It was not done, and will not be under this id.
    Refused,
    /// Nobody knows: to be asked again, with the same id.
    Again,
}

#[derive(Deserialize)]
struct Body {
    status: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    usable_until: Option<String>,
}

impl PartnerAnswer {
    /// Reads an answer. Only what says so in so many words is done or refused; everything else, an
    /// error of the partner's among it, says nothing.
    pub fn read(request: &PartnerRequest, status: u16, body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Body>(body) else { return Self::Again };
        match (status, body.status.as_str()) {
            (200, "success") => {}
            (200, "failure") => return Self::Refused,
            _other => return Self::Again,
        }
        if !request.kind.gives_code() {
            return Self::Done(None);
        }
        let code = body.code.as_deref().map(GiftCode::parse);
        let until = body.usable_until.as_deref().map(Day::parse).transpose();
        match (code, until) {
            (Some(Ok(code)), Ok(until)) => Self::Done(Some((code, until))),
            // Said to be done, and not to be used: a person looks at what stays unknown.
            (None | Some(Err(_)), _) | (_, Err(_)) => Self::Again,
        }
    }

    /// Says what it means for the exchange.
    pub fn event(&self) -> ExchangeEvent {
        match self {
            Self::Done(Some((code, _))) => GiftAnswer::Issued(code.clone()).event(),
            Self::Done(None) => ExchangeEvent::Arrive,
            Self::Refused => GiftAnswer::Refused.event(),
            Self::Again => GiftAnswer::Again.event(),
        }
    }
}
