use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::conversion::Status;
use crate::network::Adapter;
use crate::sandbox_network::{Action, Mischief, SandboxNetwork, SandboxNetworks, page};
use vocabulary::{Timestamp, Zone};
use web::{
    Body, HeaderMap, HeaderValue, Path, RawBody, Response, Routes, State, StatusCode, Uri, get,
    header, post,
};

/// The doors of the pretend networks; only where people try things out. Each answers below its own
/// name, by the paths of the real one.
pub fn routes(networks: &SandboxNetworks) -> Routes {
    let path = "/sandbox/networks/{network}/{*rest}";
    Routes::of("sandbox")
        .on(get(path, "public"), answer_get)
        .on(post(path, "public").idempotent(), answer_post)
        .and(page::routes())
        .with_state(networks)
}

async fn answer_get(
    State(networks): State<SandboxNetworks>,
    Path((network, rest)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked { path: &rest, query: fields(uri.query().unwrap_or("")), headers, body: "" };
    respond(networks.named(&network).map(|network| network.answer(&asked)))
}

async fn answer_post(
    State(networks): State<SandboxNetworks>,
    Path((network, rest)): Path<(String, String)>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let body = String::from_utf8_lossy(&body);
    let asked = Asked { path: &rest, query: BTreeMap::new(), headers, body: &body };
    respond(networks.named(&network).map(|network| network.answer(&asked)))
}

fn respond(answer: Option<Result<String, Refusal>>) -> Response {
    let (status, body, retry_after) = match answer {
        Some(Ok(body)) => (StatusCode::OK, body, None),
        Some(Err(Refusal { status, retry_after_seconds })) => {
            (status, json!({ "error": status.as_u16() }).to_string(), retry_after_seconds)
        }
        None => (StatusCode::NOT_FOUND, String::new(), None),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What a network was asked.
struct Asked<'a> {
    path: &'a str,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    body: &'a str,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    fn number(&self, name: &str, otherwise: usize) -> usize {
        self.text(name).parse().unwrap_or(otherwise)
    }

    /// The text between `name: "` and the next quote, in a query of GraphQL.
    fn argument(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("{name}: \""))?;
        rest.split_once('"').map(|(text, _)| text)
    }
}

/// No page.
struct Refusal {
    status: StatusCode,
    retry_after_seconds: Option<u32>,
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self { status, retry_after_seconds: None }
    }
}

fn fields(query: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A span of time: the end is not included.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    fn holds(self, moment: Timestamp) -> bool {
        (self.from..self.until).contains(&moment)
    }

    /// Between two local times of which the last second is included.
    fn local(zone: Zone, from: &str, last: &str) -> Option<Self> {
        let from = zone.parse_local(from).ok()?;
        Some(Self { from, until: zone.parse_local(last).ok()?.plus_seconds(1) })
    }

    /// The days between two, both included.
    fn days(zone: Zone, from: &str, last: &str) -> Option<Self> {
        let day = |text: &str| vocabulary::Day::parse(text).ok();
        let until = zone.start_of(day(last)?.plus_days(1));
        Some(Self { from: zone.start_of(day(from)?), until })
    }
}

impl SandboxNetwork {
    fn answer(&self, asked: &Asked<'_>) -> Result<String, Refusal> {
        if let Some(token) = self.give_token(asked) {
            return token.map_err(Refusal::from);
        }
        let mischief = self.note_call().map_err(|retry_after_seconds| Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after_seconds,
        })?;
        if mischief == Some(Mischief::Unavailable) {
            return Err(StatusCode::SERVICE_UNAVAILABLE.into());
        }
        if !self.knows(asked) {
            return Err(StatusCode::UNAUTHORIZED.into());
        }
        let page = self.page(asked, mischief).ok_or(StatusCode::BAD_REQUEST)?;
        Ok(if mischief == Some(Mischief::Broken) {
            page.chars().take(page.len().div_euclid(2)).collect()
        } else {
            page
        })
    }

    /// Gives a token, where one is asked for.
    fn give_token(&self, asked: &Asked<'_>) -> Option<Result<String, StatusCode>> {
        let config = self.config();
        let pair = |between: char| {
            let pair = STANDARD.encode(format!("{}{between}{}", config.key, config.secret));
            asked.header("authorization") == format!("Bearer {pair}")
        };
        let (known, given) = match (config.adapter, asked.path) {
            (Adapter::Rakuten, "token") => (
                pair(':') && asked.body == format!("scope={}", config.identifier),
                json!({ "access_token": self.token(), "expires_in": 14_400 }),
            ),
            (Adapter::ValueCommerce, "auth/v1/affiliate/token/") => {
                let rows = json!({ "rowData": { "bearer_token": self.token() } });
                (pair('|'), json!({ "resultSet": rows }))
            }
            _ => return None,
        };
        Some(if known { Ok(given.to_string()) } else { Err(StatusCode::UNAUTHORIZED) })
    }

    /// Tells whether it knows who asks.
    fn knows(&self, asked: &Asked<'_>) -> bool {
        let config = self.config();
        let authorization = asked.header("authorization");
        match config.adapter {
            Adapter::Awin | Adapter::Cj => authorization == format!("Bearer {}", config.secret),
            Adapter::Rakuten | Adapter::ValueCommerce => {
                authorization == format!("Bearer {}", self.token())
            }
            Adapter::A8 => asked.header("x-api-key") == config.secret,
            Adapter::Impact => {
                let pair = STANDARD.encode(format!("{}:{}", config.identifier, config.secret));
                authorization == format!("Basic {pair}")
            }
            Adapter::AccessTrade | Adapter::Tune | Adapter::Affilicode | Adapter::Affise => false,
        }
    }

    /// Writes a page; `None` for a question that the network does not understand.
    fn page(&self, asked: &Asked<'_>, mischief: Option<Mischief>) -> Option<String> {
        let identifier = &self.config().identifier;
        let sheet = Sheet { network: self, mischief };
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        let page = match (self.config().adapter, parts.as_slice()) {
            (Adapter::Awin, ["publishers", id, "transactions"]) if id == identifier => {
                sheet.awin(asked)?
            }
            (Adapter::Cj, ["query"]) => sheet.cj(asked)?,
            (Adapter::Rakuten, ["events", "1.0", "transactions"]) => sheet.rakuten(asked)?,
            (Adapter::ValueCommerce, ["report", "affiliate", "v3", "transaction"]) => {
                sheet.valuecommerce(asked)?
            }
            (Adapter::A8, ["ins", program, list @ ("unsealed" | "sealed")])
                if program == identifier =>
            {
                sheet.a8(asked, *list == "sealed")?
            }
            (Adapter::Impact, ["Mediapartners", id, "Actions"]) if id == identifier => {
                sheet.impact(asked)?
            }
            _ => return None,
        };
        Some(page.to_string())
    }
}

/// An answer that is being written.
struct Sheet<'a> {
    network: &'a SandboxNetwork,
    mischief: Option<Mischief>,
}

impl Sheet<'_> {
    /// What happened by now.
    fn actions(&self) -> Vec<Action> {
        self.network.actions()
    }

    fn word(&self, status: Status, words: [&'static str; 3]) -> &'static str {
        if self.mischief == Some(Mischief::StrangeWords) {
            return "mystery";
        }
        match status {
            Status::Occurred => words[0],
            Status::Approved => words[1],
            Status::Rejected => words[2],
        }
    }

    fn local(&self, zone: Zone, moment: Timestamp) -> String {
        let wrong = self.mischief == Some(Mischief::ZoneWrong);
        zone.format_second(if wrong { moment.plus_seconds(32_400) } else { moment })
    }

    /// The rows as they are to be sent.
    fn rows(&self, mut rows: Vec<Json>) -> Vec<Json> {
        if self.mischief == Some(Mischief::Twice) {
            rows = rows.into_iter().flat_map(|row| [row.clone(), row]).collect();
        }
        if self.mischief == Some(Mischief::Reversed) {
            rows.reverse();
        }
        rows
    }

    fn rows_max(&self, asked: usize) -> usize {
        asked.clamp(1, self.network.rows_max())
    }

    fn awin(&self, asked: &Asked<'_>) -> Option<Json> {
        let span = Span::local(Zone::UTC, asked.text("startDate"), asked.text("endDate"))?;
        // A month at most.
        if span.until > span.from.plus_days(31) || asked.text("timezone") != "UTC" {
            return None;
        }
        let decided = asked.text("dateType") == "validation";
        let chosen = self.actions().into_iter().filter(|action| {
            let at = if decided { action.decided_at } else { Some(action.occurred_at) };
            at.is_some_and(|at| span.holds(at))
        });
        let currency = self.network.config().currency.to_string();
        let money = |minor| {
            json!({ "amount": number(&self.network.decimal(minor)),
            "currency": currency })
        };
        let rows = chosen.map(|action| {
            let local = self.local(Zone::UTC, action.occurred_at).replace(' ', "T");
            json!({
                "id": action.number, "advertiserId": 3661, "transactionDate": local,
                "commissionStatus": self.word(action.status, ["pending", "approved", "declined"]),
                "saleAmount": money(action.sale), "commissionAmount": money(action.commission),
                "clickRefs": { "clickRef": action.reference }, "orderRef": action.order,
                "declineReason": (action.status == Status::Rejected).then_some("Returned goods"),
            })
        });
        Some(Json::Array(self.rows(rows.collect())))
    }

    fn cj(&self, asked: &Asked<'_>) -> Option<Json> {
        let time = |name: &str| Timestamp::parse(asked.argument(name)?).ok();
        let locked = asked.argument("sinceLockingDate").is_some();
        let (since, before) = if locked {
            (time("sinceLockingDate")?, time("beforeLockingDate")?)
        } else {
            (time("sincePostingDate")?, time("beforePostingDate")?)
        };
        let span = Span { from: since, until: before };
        let after = asked.argument("sinceCommissionId").and_then(|text| text.parse::<u32>().ok());
        let mut found = Vec::new();
        for action in self.actions() {
            for entry in &action.entries {
                let at = if locked { action.decided_at } else { Some(entry.made_at) };
                let wanted = at.is_some_and(|at| span.holds(at));
                if wanted && after.is_none_or(|after| entry.number > after) {
                    found.push((entry.number, self.cj_row(&action, *entry)));
                }
            }
        }
        found.sort_by_key(|(number, _)| *number);
        let most = self.rows_max(usize::MAX);
        let complete = found.len() <= most;
        found.truncate(most);
        let last = found.last().map_or_else(String::new, |(number, _)| number.to_string());
        let rows = self.rows(found.into_iter().map(|(_, row)| row).collect());
        Some(json!({ "data": { "publisherCommissions": {
            "count": rows.len(), "payloadComplete": complete, "maxCommissionId": last,
            "records": rows,
        } } }))
    }

    fn cj_row(&self, action: &Action, entry: super::state::Entry) -> Json {
        let original = entry.number == action.number;
        let locked = action.status == Status::Approved;
        json!({
            "commissionId": entry.number.to_string(), "original": original,
            "originalActionId": action.number.to_string(),
            "actionStatus": self.word(if locked { Status::Approved } else { Status::Occurred },
                ["new", "locked", "new"]),
            "validationStatus": if locked { "ACCEPTED" } else { "PENDING" },
            "correctionReason": (!original).then_some("RETURNED_MERCHANDISE"),
            "eventDate": action.occurred_at.to_string(), "orderId": action.order,
            "pubCommissionAmountUsd": self.network.decimal(entry.commission),
            "saleAmountUsd": self.network.decimal(entry.sale), "shopperId": action.reference,
        })
    }

    fn rakuten(&self, asked: &Asked<'_>) -> Option<Json> {
        let (from, last) = (asked.text("process_date_start"), asked.text("process_date_end"));
        let span = Span::local(Zone::UTC, from, last)?;
        let preliminary = asked.text("type") == "realtime";
        let now = self.network.now();
        let mut rows = Vec::new();
        for action in self.actions() {
            if preliminary && span.holds(action.occurred_at) {
                rows.push(self.rakuten_row(&action, action.entries.first().copied()?, "Y"));
            }
            let posted = |made_at: Timestamp| span.holds(made_at) && made_at <= now;
            for entry in action.entries.iter().filter(|entry| posted(entry.made_at)) {
                if !preliminary {
                    rows.push(self.rakuten_row(&action, *entry, "N"));
                }
            }
        }
        let (most, page) = (self.rows_max(asked.number("limit", 100)), asked.number("page", 1));
        let skipped = page.saturating_sub(1).saturating_mul(most);
        Some(Json::Array(self.rows(rows.into_iter().skip(skipped).take(most).collect())))
    }

    fn rakuten_row(&self, action: &Action, entry: super::state::Entry, is_event: &str) -> Json {
        let kind = if is_event == "Y" { "realtime" } else { "batch" };
        json!({
            "etransaction_id": format!("{}{}", is_event.to_lowercase(), entry.number),
            "order_id": action.order, "sku_number": "S1", "u1": action.reference,
            "sale_amount": number(&self.network.decimal(entry.sale)),
            "commissions": number(&self.network.decimal(entry.commission)),
            "is_event": is_event, "currency": self.network.config().currency.to_string(),
            "transaction_date": self.local(Zone::UTC, action.occurred_at),
            "transaction_type": kind,
        })
    }

    fn valuecommerce(&self, asked: &Asked<'_>) -> Option<Json> {
        let span = Span::days(Zone::JAPAN, asked.text("from_date"), asked.text("to_date"))?;
        let chosen = self.actions().into_iter().filter(|action| span.holds(action.occurred_at));
        let rows: Vec<Json> = chosen
            .map(|action| {
                json!({
                    "transactionOid": action.number.to_string(), "programOid": "2110",
                    "orderDate": self.local(Zone::JAPAN, action.occurred_at),
                    "approvalStatus": self.word(action.status, ["p", "a", "c"]),
                    "affilPayment": self.network.decimal(action.commission),
                    "itemPriceTotal": self.network.decimal(action.sale),
                    "orderId": action.order, "vcptn": action.reference,
                })
            })
            .collect();
        let (most, offset) = (self.rows_max(asked.number("limit", 100)), asked.number("offset", 0));
        let next = offset.saturating_add(most);
        let next = if next < rows.len() { next } else { 0 };
        let rows = self.rows(rows.into_iter().skip(offset).take(most).collect());
        Some(json!({ "resultSet": { "responseInfo": { "nextOffset": next }, "rowData": rows } }))
    }

    fn a8(&self, asked: &Asked<'_>, sealed: bool) -> Option<Json> {
        let day = |name: &str| {
            let digits = asked.text(name);
            Some(format!("{}-{}-{}", digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?))
        };
        let span = Span::days(Zone::JAPAN, &day("from")?, &day("to")?)?;
        let chosen = self.actions().into_iter().filter(|action| {
            span.holds(action.occurred_at) && sealed == (action.status != Status::Occurred)
        });
        let rows = chosen.map(|action| {
            let rejected = action.status == Status::Rejected;
            json!({
                "order_id": format!("k{:011}", action.number), "order_no": action.order,
                "order_count": 1, "order_money": action.sale, "pay_money": action.commission,
                "decide_flg": i32::from(sealed), "reason_code": rejected.then_some("1"),
            })
        });
        let rows = self.rows(rows.collect());
        Some(json!({ "status_code": 10_000, "message": "", "results": rows }))
    }

    fn impact(&self, asked: &Asked<'_>) -> Option<Json> {
        let locked = !asked.text("LockingDateStart").is_empty();
        let date = if locked { "LockingDate" } else { "ActionDate" };
        let time = |end: &str| Timestamp::parse(asked.text(&format!("{date}{end}"))).ok();
        let span = Span { from: time("Start")?, until: time("End")?.plus_seconds(1) };
        if span.until > span.from.plus_days(45) {
            return None;
        }
        let chosen = self.actions().into_iter().filter(|action| {
            let at = if locked { action.decided_at } else { Some(action.occurred_at) };
            at.is_some_and(|at| span.holds(at))
        });
        let rows: Vec<Json> = chosen
            .map(|action| {
                json!({
                    "Id": action.number.to_string(), "Oid": action.order,
                    "State": self.word(action.status, ["PENDING", "APPROVED", "REVERSED"]),
                    "Payout": self.network.decimal(action.commission),
                    "Amount": self.network.decimal(action.sale),
                    "Currency": self.network.config().currency.to_string(),
                    "EventDate": action.occurred_at.to_string(), "SubId1": action.reference,
                })
            })
            .collect();
        let most = self.rows_max(asked.number("PageSize", 2_000));
        let (page, pages) = (asked.number("Page", 1), rows.len().div_ceil(most).max(1));
        let skipped = page.saturating_sub(1).saturating_mul(most);
        let rows = self.rows(rows.into_iter().skip(skipped).take(most).collect());
        Some(json!({ "@page": page.to_string(), "@numpages": pages.to_string(), "Actions": rows }))
    }
}

/// Writes digits as a number of JSON, none of them lost.
fn number(digits: &str) -> Json {
    serde_json::from_str(digits).unwrap_or(Json::Null)
}
