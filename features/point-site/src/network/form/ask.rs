//! How networks are asked: pure, from what is wanted to a request.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::network::form::origin::{Text, document};
use crate::network::{Adapter, Cursor};
use crate::network_account::Credentials;
use crate::pull::Feed;
use vocabulary::{Day, Timestamp, Zone};
use web::Method;

/// A request to a network, before it is one of HTTP. Never shown by `Debug`: it holds credentials.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// What a network is asked for.
pub(crate) struct Question<'a> {
    pub(crate) base: &'a str,
    pub(crate) identifier: &'a str,
    pub(crate) credentials: &'a Credentials,
    pub(crate) token: Option<&'a str>,
    pub(crate) feed: Feed,
    /// Where the days begin.
    pub(crate) zone: Zone,
    pub(crate) from: Day,
    /// The day after the last one.
    pub(crate) until: Day,
    pub(crate) cursor: Option<&'a Cursor>,
    pub(crate) rows: u32,
}

impl Adapter {
    /// Asks for a page; `None` when the network has no such list.
    pub(crate) fn question(self, question: &Question<'_>) -> Option<Asked> {
        match (self, question.feed) {
            (Self::Awin, Feed::Transactions) => Some(question.awin("transaction")),
            (Self::Awin, Feed::Validations) => Some(question.awin("validation")),
            (Self::Cj, Feed::Commissions) => Some(question.cj("PostingDate")),
            (Self::Cj, Feed::Lockings) => Some(question.cj("LockingDate")),
            (Self::Rakuten, Feed::Events) => Some(question.rakuten("realtime")),
            (Self::Rakuten, Feed::Corrections) => Some(question.rakuten("batch")),
            (Self::ValueCommerce, Feed::Orders) => Some(question.valuecommerce()),
            (Self::A8, Feed::Unsealed) => Some(question.a8("unsealed")),
            (Self::A8, Feed::Sealed) => Some(question.a8("sealed")),
            (Self::Impact, Feed::Actions) => Some(question.impact("ActionDate")),
            (Self::Impact, Feed::Lockings) => Some(question.impact("LockingDate")),
            _ => None,
        }
    }

    /// Asks for the token that pages are asked with; `None` where the credentials themselves are
    /// taken.
    pub(crate) fn token_question(
        self,
        base: &str,
        identifier: &str,
        credentials: &Credentials,
    ) -> Option<Asked> {
        let base = base.trim_end_matches('/');
        let pair = |between: char| {
            STANDARD.encode(format!("{}{between}{}", credentials.key, credentials.secret))
        };
        match self {
            Self::Rakuten => Some(Asked {
                method: Method::POST,
                url: format!("{base}/token"),
                headers: vec![
                    ("authorization", format!("Bearer {}", pair(':'))),
                    ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ],
                body: format!("scope={identifier}"),
            }),
            Self::ValueCommerce => Some(get(
                format!("{base}/auth/v1/affiliate/token/?grant_type=client_credentials"),
                format!("Bearer {}", pair('|')),
            )),
            Self::AccessTrade
            | Self::Tune
            | Self::Affilicode
            | Self::Affise
            | Self::Awin
            | Self::Impact
            | Self::Cj
            | Self::A8 => None,
        }
    }

    /// Reads a token and for how many seconds it is good.
    pub(crate) fn read_token(self, bytes: &[u8]) -> Option<(String, i64)> {
        let (token, seconds) = match self {
            Self::Rakuten => {
                let given: Given = document(bytes).ok()?;
                (given.access_token, given.expires_in.as_str().parse().unwrap_or(3_600))
            }
            Self::ValueCommerce => {
                let given: Wrapped = document(bytes).ok()?;
                // Half an hour, by its document.
                (given.result_set.row_data.bearer_token, 1_800)
            }
            Self::AccessTrade
            | Self::Tune
            | Self::Affilicode
            | Self::Affise
            | Self::Awin
            | Self::Impact
            | Self::Cj
            | Self::A8 => return None,
        };
        (!token.is_empty()).then(|| (token.as_str().to_owned(), seconds))
    }
}

#[derive(Debug, Deserialize)]
struct Given {
    access_token: Text,
    #[serde(default)]
    expires_in: Text,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped {
    result_set: RowsOfToken,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowsOfToken {
    row_data: BearerToken,
}

#[derive(Debug, Deserialize)]
struct BearerToken {
    #[serde(alias = "bearerToken")]
    bearer_token: Text,
}

fn get(url: String, authorization: String) -> Asked {
    let headers = vec![("authorization", authorization)];
    Asked { method: Method::GET, url, headers, body: String::new() }
}

impl Question<'_> {
    fn base(&self) -> &str {
        self.base.trim_end_matches('/')
    }

    fn begins(&self) -> Timestamp {
        self.zone.start_of(self.from)
    }

    fn ends(&self) -> Timestamp {
        self.zone.start_of(self.until)
    }

    fn token(&self) -> &str {
        self.token.unwrap_or("")
    }

    fn cursor_or<'a>(&'a self, first: &'a str) -> &'a str {
        self.cursor.map_or(first, Cursor::as_str)
    }

    /// `GET /publishers/{id}/transactions/`: local times in a zone that is named, the last second
    /// included; a window is one page.
    fn awin(&self, date_type: &str) -> Asked {
        let local = |at| Zone::UTC.format_second(at).replace(' ', "T");
        let url = query(
            &format!("{}/publishers/{}/transactions/", self.base(), self.identifier),
            &[
                ("startDate", &local(self.begins())),
                ("endDate", &local(self.ends().plus_seconds(-1))),
                ("timezone", "UTC"),
                ("dateType", date_type),
            ],
        );
        get(url, format!("Bearer {}", self.credentials.secret))
    }

    /// A GraphQL query by POST; the end is not included.
    fn cj(&self, date: &str) -> Asked {
        let mut wanted = format!(
            "forPublishers: [\"{}\"], since{date}: \"{}\", before{date}: \"{}\"",
            self.identifier,
            self.begins(),
            self.ends(),
        );
        if let Some(cursor) = self.cursor {
            // A cursor is the network's own text: nothing in it may end the string.
            let safe: String =
                cursor.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
            let _infallible = write!(wanted, ", sinceCommissionId: \"{safe}\"");
        }
        Asked {
            method: Method::POST,
            url: format!("{}/query", self.base()),
            headers: vec![
                ("authorization", format!("Bearer {}", self.credentials.secret)),
                ("content-type", "text/plain; charset=utf-8".to_owned()),
            ],
            body: format!(
                "{{ publisherCommissions({wanted}) {{ count payloadComplete maxCommissionId records \
                 {{ commissionId original originalActionId actionStatus validationStatus \
                 correctionReason eventDate postingDate orderId pubCommissionAmountUsd \
                 saleAmountUsd shopperId }} }} }}"
            ),
        }
    }

    /// `GET /events/1.0/transactions`: pages are counted from 1.
    fn rakuten(&self, kind: &str) -> Asked {
        let url = query(
            &format!("{}/events/1.0/transactions", self.base()),
            &[
                ("process_date_start", &Zone::UTC.format_second(self.begins())),
                ("process_date_end", &Zone::UTC.format_second(self.ends().plus_seconds(-1))),
                ("type", kind),
                ("limit", &self.rows.to_string()),
                ("page", self.cursor_or("1")),
            ],
        );
        get(url, format!("Bearer {}", self.token()))
    }

    /// The report by order: days, both included.
    fn valuecommerce(&self) -> Asked {
        let url = query(
            &format!("{}/report/affiliate/v3/transaction/", self.base()),
            &[
                ("from_date", &self.from.to_string()),
                ("to_date", &self.until.plus_days(-1).to_string()),
                ("criteria", "o"),
                ("approval_status", "p,a,c,i"),
                ("limit", &self.rows.to_string()),
                ("offset", self.cursor_or("0")),
            ],
        );
        get(url, format!("Bearer {}", self.token()))
    }

    /// `GET /ins/{program}/unsealed` and `/sealed`: days as eight digits, both included.
    fn a8(&self, list: &str) -> Asked {
        let digits = |day: Day| day.to_string().replace('-', "");
        let url = query(
            &format!("{}/ins/{}/{list}", self.base(), self.identifier),
            &[
                ("from", &digits(self.from)),
                ("to", &digits(self.until.plus_days(-1))),
                ("limit", &self.rows.to_string()),
            ],
        );
        let headers = vec![("x-api-key", self.credentials.secret.clone())];
        Asked { method: Method::GET, url, headers, body: String::new() }
    }

    /// `GET /Mediapartners/{sid}/Actions`: pages are counted from 1.
    fn impact(&self, date: &str) -> Asked {
        let url = query(
            &format!("{}/Mediapartners/{}/Actions", self.base(), self.identifier),
            &[
                (&format!("{date}Start"), &self.begins().to_string()),
                (&format!("{date}End"), &self.ends().plus_seconds(-1).to_string()),
                ("PageSize", &self.rows.to_string()),
                ("Page", self.cursor_or("1")),
            ],
        );
        let pair = STANDARD.encode(format!("{}:{}", self.identifier, self.credentials.secret));
        get(url, format!("Basic {pair}"))
    }
}

fn query(address: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{address}?{pairs}")
}
