use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::event::EventKind;
use ledger::Seq;
use store::natural_id;
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// How long after each failed try the next one comes, in seconds: the schedule that Standard
/// Webhooks recommends, three days in all.
const DELAYS_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How long an endpoint is left alone at most while nothing gets through, so that it is found soon
/// when it is back.
const PAUSE_MAX_S: i64 = 3_600;

/// The most a receiver can ask us to wait.
const RETRY_AFTER_MAX_S: i64 = 86_400;

/// How long both secrets sign after a rotation.
pub(crate) const OVERLAP_S: i64 = 86_400;

/// The installation's key for the secrets of webhooks; all nodes have the same one. Never shown by
/// `Debug`.
#[derive(Clone)]
pub struct WebhookKey([u8; 32]);

impl WebhookKey {
    /// Takes 32 bytes nobody can guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives an endpoint's secret of some generation: always the same, and stored nowhere.
    pub fn secret(&self, endpoint: Id<kind::Endpoint>, generation: u32) -> WebhookSecret {
        let mut mac = keyed(&self.0);
        mac.update(b"daifuku webhook\0");
        mac.update(&endpoint.to_bytes());
        mac.update(&generation.to_be_bytes());
        WebhookSecret(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

/// What proves that a delivery is ours. Never shown by `Debug`.
pub struct WebhookSecret([u8; 32]);

impl WebhookSecret {
    /// Gives the text that the receiver keeps: `whsec_` and base 64.
    pub fn text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    /// Signs a delivery: `v1,` and the base 64 of HMAC-SHA256 over id, time in seconds and body,
    /// with dots between.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut mac = keyed(&self.0);
        mac.update(format!("{id}.{}.", at.as_seconds()).as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// Which events an endpoint wants; none named means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// Takes kinds, in any order.
    pub fn new(mut kinds: Vec<EventKind>) -> Self {
        kinds.sort_unstable();
        kinds.dedup();
        Self(kinds)
    }

    /// Whether a kind is wanted.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.0.is_empty() || self.0.contains(&kind)
    }

    /// Gives the words.
    pub fn codes(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.code()).collect()
    }

    /// Reads words with blanks between them; `None` when one is not known.
    pub fn parse(codes: &str) -> Option<Self> {
        codes.split_ascii_whitespace().map(EventKind::parse).collect::<Option<_>>().map(Self::new)
    }
}

/// Whether an endpoint is sent anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// Events are sent.
    Enabled,
    /// Nothing is sent: its company wants a pause, it answered 410, or nothing got through for
    /// days. What happens meanwhile is sent once it is enabled.
    Disabled,
}

/// Where a company wants to hear of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: Id<kind::Endpoint>,
    /// The company.
    pub company: CompanyNumber,
    /// The URL, as it was checked.
    pub url: String,
    /// What it wants to hear.
    pub kinds: EventKinds,
    /// Whether anything is sent.
    pub state: EndpointState,
    /// Which of its secrets is the newest, from 1.
    pub generation: u32,
    /// Until when the secret before it signs too.
    pub previous_until: Option<Timestamp>,
    /// How far the journal was turned into deliveries.
    pub told: Seq,
    /// How many tries failed since one got through.
    pub failures: u32,
    /// Before this nothing is sent.
    pub resume_at: Timestamp,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When its settings changed last.
    pub changed_at: Timestamp,
}

impl Endpoint {
    /// Signs a delivery with every secret that is good at `at`.
    pub fn signatures(&self, key: &WebhookKey, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut text = key.secret(self.id, self.generation).sign(id, at, body);
        if self.previous_until.is_some_and(|until| at < until) {
            let previous = key.secret(self.id, self.generation.saturating_sub(1));
            text.push(' ');
            text.push_str(&previous.sign(id, at, body));
        }
        text
    }

    /// Takes note of a try: pauses while nothing gets through, ends at 410 and when days of it were
    /// in vain.
    pub(crate) fn after(&mut self, attempt: &Attempt, delivery: &Delivery) {
        if attempt.result.accepted() {
            self.failures = 0;
            self.resume_at = attempt.at;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = delay(self.failures).unwrap_or(PAUSE_MAX_S).min(PAUSE_MAX_S);
        self.resume_at = attempt.at.plus_seconds(pause);
        let given_up = matches!(delivery.state, DeliveryState::Failed);
        let long = usize::try_from(self.failures).is_ok_and(|failures| failures > DELAYS_S.len());
        let gone = matches!(attempt.result, AttemptResult::Status { status: 410, .. });
        if gone || (given_up && long) {
            self.state = EndpointState::Disabled;
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent.
    Pending {
        /// How many tries failed since it was asked for.
        tries: u32,
        /// When the next one is due.
        next_at: Timestamp,
    },
    /// It got through.
    Delivered,
    /// Every try failed; it can be asked for again.
    Failed,
}

/// One event for one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which follows from endpoint and event.
    pub id: Id<kind::Message>,
    /// The endpoint.
    pub endpoint: Id<kind::Endpoint>,
    /// The event's id, which receivers go by.
    pub event: Id<kind::Event>,
    /// What happened.
    pub kind: EventKind,
    /// The event's first movement.
    pub first: Seq,
    /// The event's last movement.
    pub last: Seq,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent in all.
    pub attempts: u32,
    /// When it was noted.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
}

/// One try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// How it went.
    pub result: AttemptResult,
}

/// How a try went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver answered.
    Status {
        /// With this status; 200 to 299 accepts the delivery.
        status: u16,
        /// And asked for so many seconds of patience.
        retry_after_s: Option<u32>,
    },
    /// There was no answer; the word says why.
    NoAnswer(&'static str),
}

impl AttemptResult {
    /// Whether the receiver has taken the delivery.
    pub const fn accepted(self) -> bool {
        matches!(self, Self::Status { status: 200..=299, .. })
    }
}

impl Delivery {
    /// Notes an event for an endpoint, due at once.
    pub fn new(
        endpoint: Id<kind::Endpoint>,
        (event, kind): (Id<kind::Event>, EventKind),
        (first, last): (Seq, Seq),
        now: Timestamp,
    ) -> Self {
        Self {
            id: natural_id("bank.delivery", &[&endpoint.to_bytes(), &event.to_bytes()]),
            endpoint,
            event,
            kind,
            first,
            last,
            state: DeliveryState::Pending { tries: 0, next_at: now },
            attempts: 0,
            created_at: now,
            changed_at: now,
        }
    }

    /// Tells where it stands after a try.
    #[must_use]
    pub fn after(self, attempt: &Attempt) -> Self {
        let tries = match self.state {
            DeliveryState::Pending { tries, .. } => tries.saturating_add(1),
            // It was asked for again meanwhile, or got through on another node.
            DeliveryState::Delivered | DeliveryState::Failed => 1,
        };
        let state = match attempt.result {
            result if result.accepted() => DeliveryState::Delivered,
            AttemptResult::Status { status: 410, .. } => DeliveryState::Failed,
            AttemptResult::Status { retry_after_s, .. } => {
                self.next_try(tries, attempt.at, retry_after_s)
            }
            AttemptResult::NoAnswer(_) => self.next_try(tries, attempt.at, None),
        };
        let attempts = self.attempts.saturating_add(1);
        Self { state, attempts, changed_at: attempt.at, ..self }
    }

    fn next_try(self, tries: u32, at: Timestamp, retry_after_s: Option<u32>) -> DeliveryState {
        let Some(delay_s) = delay(tries) else { return DeliveryState::Failed };
        let asked = retry_after_s.map_or(0, i64::from).min(RETRY_AFTER_MAX_S);
        let delay_us = delay_s.max(asked).saturating_mul(1_000_000);
        // Up to a tenth on top, another for each delivery, so that they do not all come back at
        // once.
        let most = u128::from(delay_us.unsigned_abs()).wrapping_div(10).max(1);
        let chance = (self.id.bits() >> 64) ^ (u128::from(tries) << 40);
        let jitter = i64::try_from(chance.wrapping_rem(most)).unwrap_or(0);
        let next_at = at.plus_microseconds(delay_us.saturating_add(jitter));
        DeliveryState::Pending { tries, next_at }
    }
}

/// How long to wait after so many failed tries, in seconds; `None` when there is no more.
fn delay(tries: u32) -> Option<i64> {
    let place = usize::try_from(tries).ok()?.checked_sub(1)?;
    DELAYS_S.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(1_790_000_000_000_000).plus_seconds(seconds)
    }

    fn status(status: u16) -> AttemptResult {
        AttemptResult::Status { status, retry_after_s: None }
    }

    fn delivery() -> Delivery {
        let event = (Id::from_bits(1 << 90), EventKind::HoldPlaced);
        Delivery::new(Id::from_bits(7), event, (Seq::new(3), Seq::new(4)), at(0))
    }

    #[test]
    fn a_delivery_is_signed_as_the_standard_says() {
        // The example of the specification's own libraries.
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = keyed(&bytes);
        mac.update(br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_follow_from_key_endpoint_and_generation() {
        let key = WebhookKey::new([1; 32]);
        let text = |endpoint, generation| key.secret(Id::from_bits(endpoint), generation).text();
        assert_eq!(text(1, 1), text(1, 1));
        assert_ne!(text(1, 1), text(1, 2));
        assert_ne!(text(1, 1), text(2, 1));
        assert!(text(1, 1).starts_with("whsec_") && text(1, 1).len() == 50, "{}", text(1, 1).len());
        assert_eq!(
            format!("{key:?} {:?}", key.secret(Id::from_bits(1), 1)),
            "WebhookKey(…) WebhookSecret(…)"
        );
    }

    #[test]
    fn tries_come_ever_later_and_end_after_days() {
        let mut delivery = delivery();
        let mut now = at(0);
        let mut waits = Vec::new();
        while let DeliveryState::Pending { next_at, .. } = delivery.state {
            now = now.max(next_at);
            let result = AttemptResult::NoAnswer("connect");
            delivery = delivery.after(&Attempt { at: now, took_ms: 1, result });
            if let DeliveryState::Pending { next_at, .. } = delivery.state {
                waits.push(next_at.microseconds_since(now).div_euclid(1_000_000));
            }
        }
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 10));
        for (wait, least) in waits.iter().zip(DELAYS_S) {
            assert!(
                (least..=least + least.div_euclid(10) + 1).contains(wait),
                "{wait} after {least}"
            );
        }
    }

    #[test]
    fn an_answer_ends_a_delivery_or_asks_for_patience() {
        let after = |result| delivery().after(&Attempt { at: at(0), took_ms: 1, result }).state;
        assert_eq!(after(status(204)), DeliveryState::Delivered);
        assert_eq!(after(status(410)), DeliveryState::Failed);
        for code in [302, 400, 404, 500] {
            let DeliveryState::Pending { tries: 1, .. } = after(status(code)) else {
                panic!("{code} is tried again");
            };
        }
        let busy = AttemptResult::Status { status: 503, retry_after_s: Some(600) };
        let DeliveryState::Pending { next_at, .. } = after(busy) else { panic!("tried again") };
        assert!(next_at >= at(600) && next_at < at(661), "{next_at}");
    }

    #[test]
    fn an_endpoint_pauses_and_is_disabled_when_days_were_in_vain() {
        let mut endpoint = Endpoint {
            id: Id::from_bits(7),
            company: CompanyNumber::new(1),
            url: "https://example.jp/".to_owned(),
            kinds: EventKinds::default(),
            state: EndpointState::Enabled,
            generation: 1,
            previous_until: None,
            told: Seq::NONE,
            failures: 0,
            resume_at: at(0),
            created_at: at(0),
            changed_at: at(0),
        };
        let try_at = |seconds, result| Attempt { at: at(seconds), took_ms: 1, result };
        endpoint.after(&try_at(0, status(500)), &delivery());
        assert_eq!((endpoint.failures, endpoint.resume_at), (1, at(5)));
        endpoint.after(&try_at(10, status(200)), &delivery());
        assert_eq!((endpoint.failures, endpoint.resume_at), (0, at(10)));
        for _try in 0..9 {
            endpoint.after(&try_at(20, status(500)), &delivery());
        }
        assert_eq!(endpoint.resume_at, at(20 + PAUSE_MAX_S));
        assert_eq!(endpoint.state, EndpointState::Enabled);
        let failed = Delivery { state: DeliveryState::Failed, ..delivery() };
        endpoint.after(&try_at(30, status(500)), &failed);
        assert_eq!(endpoint.state, EndpointState::Disabled);
        endpoint.state = EndpointState::Enabled;
        endpoint.after(&try_at(40, status(410)), &failed);
        assert_eq!(endpoint.state, EndpointState::Disabled);
    }

    #[test]
    fn both_secrets_sign_while_they_overlap() {
        let key = WebhookKey::new([1; 32]);
        let id = Id::from_bits(7);
        let endpoint = |previous_until| Endpoint {
            id,
            company: CompanyNumber::new(1),
            url: String::new(),
            kinds: EventKinds::default(),
            state: EndpointState::Enabled,
            generation: 2,
            previous_until,
            told: Seq::NONE,
            failures: 0,
            resume_at: at(0),
            created_at: at(0),
            changed_at: at(0),
        };
        let new = key.secret(id, 2).sign("evt_1", at(0), b"{}");
        let old = key.secret(id, 1).sign("evt_1", at(0), b"{}");
        let signed = |until| endpoint(until).signatures(&key, "evt_1", at(0), b"{}");
        assert_eq!(signed(None), new);
        assert_eq!(signed(Some(at(1))), format!("{new} {old}"));
        assert_eq!(signed(Some(at(0))), new);
    }
}
