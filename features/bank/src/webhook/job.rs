use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::{
    Attempt, AttemptResult, Delivery, Endpoint, RecordAttempt, TellEvents,
    store::{due_deliveries, enabled_endpoints, find_endpoints},
};
use crate::{
    bank::Bank,
    event::{Occurrence, api::read_after, happened, occurrences},
};
use ledger::Seq;
use store::{Fault, FaultKind, Store};
use vocabulary::{Id, Timestamp, kind};
use web::{
    Bytes, HeaderMap, HeaderValue, Method, Outgoing, OutgoingAnswer, OutgoingError,
    OutgoingRequest, OutgoingUrl, header,
};

/// How many parts of the journal one run tells an endpoint.
const PARTS_MAX: usize = 20;

/// How long one run sends to one endpoint before the others' turn comes.
const TURN_S: i64 = 10;

/// How many endpoints are sent to at once.
const ENDPOINTS_AT_ONCE: usize = 16;

/// What a run did, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryRun {
    /// Deliveries noted.
    pub noted: usize,
    /// Tries that got through.
    pub delivered: usize,
    /// Tries that did not.
    pub failed: usize,
}

impl DeliveryRun {
    /// Whether there was nothing to do: the next run may wait for the clock or the journal.
    pub const fn idle(self) -> bool {
        self.noted == 0 && self.delivered == 0 && self.failed == 0
    }
}

/// Notes what the journal says to each endpoint and sends what is due, within half a minute at
/// most. What is sent twice, after a crash or by two processes, carries the same id.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what was sent and not noted is sent again.
pub async fn deliver_due(bank: &Bank, outgoing: &Outgoing) -> Result<DeliveryRun, Fault> {
    let now = bank.now();
    let noted = bank.off_thread(move |store| tell(store, now)).await?;
    let due = bank.off_thread(move |store| due(store, now)).await?;
    let mut sending = JoinSet::new();
    let mut tried = Vec::new();
    for (endpoint, messages) in due {
        if sending.len() >= ENDPOINTS_AT_ONCE {
            tried.extend(finished(&mut sending).await);
        }
        let (bank, outgoing) = (bank.clone(), outgoing.clone());
        sending.spawn(async move { send_all(&bank, &outgoing, &endpoint, messages).await });
    }
    while !sending.is_empty() {
        tried.extend(finished(&mut sending).await);
    }
    let delivered = tried.iter().filter(|tried| tried.attempt.result.accepted()).count();
    let failed = tried.len().saturating_sub(delivered);
    bank.off_thread(move |store| store.run_all(tried).map(drop)).await?;
    Ok(DeliveryRun { noted, delivered, failed })
}

/// Waits for one endpoint's turn to end. A task that panicked has noted nothing: its messages are
/// sent again.
async fn finished(sending: &mut JoinSet<Vec<RecordAttempt>>) -> Vec<RecordAttempt> {
    sending.join_next().await.and_then(Result::ok).unwrap_or_default()
}

/// Turns the journal into deliveries, for each endpoint from where it had come.
fn tell(store: &Store, now: Timestamp) -> Result<usize, Fault> {
    let endpoints = store.database().read(enabled_endpoints)?;
    // Endpoints that have come equally far, nearly all, read the journal once.
    let mut parts: BTreeMap<Seq, Vec<Occurrence>> = BTreeMap::new();
    let mut told = Vec::new();
    for endpoint in endpoints {
        let mut command = TellEvents {
            endpoint: endpoint.id,
            from: endpoint.told,
            to: endpoint.told,
            deliveries: Vec::new(),
        };
        for _part in 0..PARTS_MAX {
            if command.to >= store.durable() {
                break;
            }
            let found = match parts.get(&command.to) {
                Some(found) => found,
                None => parts.entry(command.to).or_insert(read_after(store, command.to)?),
            };
            let Some(last) = found.last() else { break };
            store.look(|book| {
                let wanted =
                    found.iter().filter(|o| o.kind.is_some_and(|k| endpoint.kinds.wants(k)));
                for occurrence in wanted {
                    let event = happened(book, endpoint.company, occurrence);
                    let Some((event, kind)) = event.zip(occurrence.kind) else { continue };
                    let places = (occurrence.first.seq, occurrence.last);
                    let delivery = Delivery::new(endpoint.id, (event.id, kind), places, now);
                    command.deliveries.push(delivery);
                }
            });
            command.to = last.last;
        }
        if command.to != command.from {
            told.push(command);
        }
    }
    let counts = store.run_all(told)?;
    Ok(counts.into_iter().map(|Ok(count)| count).sum())
}

/// A delivery with its body.
struct Message {
    delivery: Delivery,
    body: Vec<u8>,
}

/// Finds what is due, by endpoint, with the bodies told from the journal.
fn due(store: &Store, now: Timestamp) -> Result<Vec<(Endpoint, Vec<Message>)>, Fault> {
    let deliveries = store.database().read(|reader| due_deliveries(reader, now))?;
    let mut by_endpoint: BTreeMap<Id<kind::Endpoint>, Vec<Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        by_endpoint.entry(delivery.endpoint).or_default().push(delivery);
    }
    let ids: Vec<_> = by_endpoint.keys().copied().collect();
    let endpoints = store.database().read(|reader| find_endpoints(reader, &ids))?;
    let mut due = Vec::new();
    for endpoint in endpoints {
        let mut messages = Vec::new();
        for delivery in by_endpoint.remove(&endpoint.id).unwrap_or_default() {
            messages.push(message(store, &endpoint, delivery)?);
        }
        due.push((endpoint, messages));
    }
    Ok(due)
}

fn message(store: &Store, endpoint: &Endpoint, delivery: Delivery) -> Result<Message, Fault> {
    let count = delivery.last.get().saturating_sub(delivery.first.get()).saturating_add(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let movements = store.movements(delivery.first, count)?;
    let found = occurrences(&movements, true);
    let event = found
        .first()
        .and_then(|occurrence| store.look(|book| happened(book, endpoint.company, occurrence)));
    let event = event.and_then(|event| serde_json::to_vec(&event).ok());
    let lost = || Fault::new(FaultKind::Corrupt, "tell a delivery's event from the journal");
    Ok(Message { delivery, body: event.ok_or_else(lost)? })
}

/// Sends an endpoint its messages, the longest waiting first, until one does not get through or its
/// turn is over.
async fn send_all(
    bank: &Bank,
    outgoing: &Outgoing,
    endpoint: &Endpoint,
    messages: Vec<Message>,
) -> Vec<RecordAttempt> {
    let began = bank.now();
    let mut tried = Vec::new();
    for message in messages {
        let at = bank.now();
        if at >= began.plus_seconds(TURN_S) {
            break;
        }
        let result = match request(bank, endpoint, &message, at) {
            Ok(request) => result_of(outgoing.send(request).await),
            Err(word) => AttemptResult::NoAnswer(word),
        };
        let took = bank.now().microseconds_since(at).div_euclid(1_000);
        let took_ms = u32::try_from(took).unwrap_or(0);
        let attempt = Attempt { at, took_ms, result };
        let delivery = message.delivery.id;
        tried.push(RecordAttempt { delivery, endpoint: endpoint.id, attempt });
        if !result.accepted() {
            break;
        }
    }
    tried
}

/// Signs a message as Standard Webhooks has it.
fn request(
    bank: &Bank,
    endpoint: &Endpoint,
    message: &Message,
    at: Timestamp,
) -> Result<OutgoingRequest, &'static str> {
    let url = OutgoingUrl::parse(&endpoint.url, bank.reach()).map_err(|_changed| "refused")?;
    let id = message.delivery.event.to_string();
    let signatures = endpoint.signatures(bank.webhooks(), &id, at, &message.body);
    let mut headers = HeaderMap::new();
    let texts = [
        ("webhook-id", id),
        ("webhook-timestamp", at.as_seconds().to_string()),
        ("webhook-signature", signatures),
    ];
    for (name, text) in texts {
        headers.insert(name, HeaderValue::try_from(text).map_err(|_invalid| "header")?);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("daifuku-webhooks/1"));
    let body = Bytes::from(message.body.clone());
    Ok(OutgoingRequest { method: Method::POST, url, headers, body })
}

fn result_of(sent: Result<OutgoingAnswer, OutgoingError>) -> AttemptResult {
    match sent {
        Ok(answer) => {
            let seconds = answer.headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
            AttemptResult::Status {
                status: answer.status.as_u16(),
                retry_after_s: seconds.and_then(|seconds| seconds.trim().parse().ok()),
            }
        }
        Err(error) => AttemptResult::NoAnswer(error.code()),
    }
}
