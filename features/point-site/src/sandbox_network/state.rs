use core::fmt;
use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::conversion::Status;
use crate::network::Adapter;
use vocabulary::{Clock, Currency, Timestamp, Zone};

/// How long a network that locks whoever asks too much stays locked, in seconds.
const LOCK_SECONDS: i64 = 1_800;
/// When a row of Rakuten's is there that counts, in seconds after the act.
const POSTED_SECONDS: i64 = 86_400;

/// Where a pretend network finds the site, and what it expects of it.
#[derive(Clone)]
pub struct SandboxNetworkConfig {
    /// Its form.
    pub adapter: Adapter,
    /// The site's address on loopback.
    pub site: SocketAddr,
    /// The path of our address, `/in/v1/awin/SECRET/cv`.
    pub path: String,
    /// Our number there.
    pub identifier: String,
    /// What names the key that it is asked with.
    pub key: String,
    /// What proves that it is we.
    pub secret: String,
    /// The currency of its programmes.
    pub currency: Currency,
}

impl fmt::Debug for SandboxNetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxNetworkConfig")
            .field("adapter", &self.adapter)
            .finish_non_exhaustive()
    }
}

/// What a network does wrong in an answer, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// It says that there were too many questions, and perhaps for how many seconds it is closed.
    Lock {
        /// What is in `Retry-After`.
        retry_after_seconds: Option<u32>,
    },
    /// It is away.
    Unavailable,
    /// It does not know the token it gave.
    TokenWithdrawn,
    /// The page ends in the middle.
    Broken,
    /// Every row is there twice.
    Twice,
    /// The rows are in the other order.
    Reversed,
    /// The words for what became of an act are none that anybody knows.
    StrangeWords,
    /// Times are those of another zone: nine hours late.
    ZoneWrong,
}

/// A row of an act, at networks that correct by further rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The network's number of the row.
    pub number: u32,
    /// With its sign, minor units.
    pub sale: i64,
    /// With its sign, minor units.
    pub commission: i64,
    /// When the network made it.
    pub made_at: Timestamp,
}

/// What a member did at an advertiser of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The network's number.
    pub number: u32,
    /// What came back of the click.
    pub reference: String,
    /// The shop's order number.
    pub order: String,
    /// When.
    pub occurred_at: Timestamp,
    /// What was sold, minor units.
    pub sale: i64,
    /// What the site is paid, minor units.
    pub commission: i64,
    /// What the advertiser decided.
    pub status: Status,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// The rows that it is made of.
    pub entries: Vec<Entry>,
}

/// What a network sends to the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The path and query.
    pub target: String,
    /// The media type and the body of a POST; `None` for a GET.
    pub body: Option<(&'static str, String)>,
}

/// A pretend network. Clones share what happened there, which lives as long as the process.
#[derive(Clone, Debug)]
pub struct SandboxNetwork {
    config: Arc<SandboxNetworkConfig>,
    clock: Arc<dyn Clock>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    next: u32,
    actions: Vec<Action>,
    mischief: VecDeque<Mischief>,
    calls: VecDeque<Timestamp>,
    locked_until: Option<Timestamp>,
    token: u32,
    asked: u32,
    rows_max: usize,
}

impl SandboxNetwork {
    /// Opens a network where nothing happened. Its numbers begin with the clock's seconds.
    pub fn new(config: SandboxNetworkConfig, clock: Arc<dyn Clock>) -> Self {
        let next = u32::try_from(clock.now().as_seconds()).unwrap_or(1);
        let inner = Inner {
            next,
            actions: Vec::new(),
            mischief: VecDeque::new(),
            calls: VecDeque::new(),
            locked_until: None,
            token: 1,
            asked: 0,
            rows_max: 10_000,
        };
        Self { config: Arc::new(config), clock, inner: Arc::new(Mutex::new(inner)) }
    }

    /// Gives where it finds the site.
    pub fn config(&self) -> &SandboxNetworkConfig {
        &self.config
    }

    /// Notes that somebody who came by a click bought something; gives its number.
    pub fn occur(&self, reference: &str, sale: i64, commission: i64) -> u32 {
        let now = self.clock.now();
        let mut inner = self.lock();
        let number = inner.next;
        // Room for the rows of the act.
        inner.next = number.saturating_add(10);
        let entry = Entry { number, sale, commission, made_at: self.first_row_at(now) };
        inner.actions.push(Action {
            number,
            reference: reference.to_owned(),
            order: format!("O-{number}"),
            occurred_at: now,
            sale,
            commission,
            status: Status::Occurred,
            decided_at: None,
            entries: vec![entry],
        });
        number
    }

    /// Decides as the advertiser would, at any time and also against what was decided before. Where
    /// rows correct, a rejection is a row that takes all back.
    pub fn decide(&self, number: u32, status: Status) {
        let now = self.clock.now();
        let by_rows = self.corrects_by_rows();
        self.change(number, |action| {
            action.status = status;
            action.decided_at = (status != Status::Occurred).then_some(now);
            if by_rows && status == Status::Rejected {
                action.take_back(now);
            }
        });
    }

    /// Changes the figures; where rows correct, by one that takes all back and one with the new
    /// figures.
    pub fn restate(&self, number: u32, sale: i64, commission: i64) {
        let now = self.clock.now();
        let by_rows = self.corrects_by_rows();
        self.change(number, |action| {
            if by_rows {
                action.take_back(now);
                action.add_entry(sale, commission, now);
            }
            (action.sale, action.commission) = (sale, commission);
        });
    }

    /// Does something wrong in the next answer; several are done one after the other.
    pub fn misbehave(&self, mischief: Mischief) {
        self.lock().mischief.push_back(mischief);
    }

    /// Gives no more rows in a page from now on, whatever is asked for.
    pub fn limit_rows(&self, rows_max: usize) {
        self.lock().rows_max = rows_max;
    }

    pub(super) fn rows_max(&self) -> usize {
        self.lock().rows_max
    }

    /// Lists what happened, the oldest first.
    pub fn actions(&self) -> Vec<Action> {
        self.lock().actions.clone()
    }

    /// Tells how often it was asked, tokens left out.
    pub fn times_asked(&self) -> u32 {
        self.lock().asked
    }

    /// Gives the token that it takes at present.
    pub(super) fn token(&self) -> String {
        format!("token-{}", self.lock().token)
    }

    /// Takes note of a question; gives what it does wrong, or for how many seconds it is locked.
    pub(super) fn note_call(&self) -> Result<Option<Mischief>, Option<u32>> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.asked = inner.asked.saturating_add(1);
        let (calls_max, seconds, locks) = self.limit();
        if inner.locked_until.is_some_and(|until| now < until) {
            // Who asks a locked network prolongs the lock.
            inner.locked_until = Some(now.plus_seconds(LOCK_SECONDS));
            return Err(None);
        }
        let since = now.plus_seconds(-seconds);
        inner.calls.retain(|at| *at > since);
        inner.calls.push_back(now);
        if inner.calls.len() > calls_max {
            inner.locked_until = locks.then(|| now.plus_seconds(LOCK_SECONDS));
            return Err(None);
        }
        match inner.mischief.pop_front() {
            Some(Mischief::Lock { retry_after_seconds }) => {
                inner.locked_until = locks.then(|| now.plus_seconds(LOCK_SECONDS));
                Err(retry_after_seconds)
            }
            Some(Mischief::TokenWithdrawn) => {
                inner.token = inner.token.saturating_add(1);
                Ok(Some(Mischief::TokenWithdrawn))
            }
            other => Ok(other),
        }
    }

    /// The limit that its documents name: questions, seconds, and whether it locks.
    fn limit(&self) -> (usize, i64, bool) {
        match self.config.adapter {
            Adapter::Awin => (20, 60, false),
            Adapter::Cj => (25, 60, false),
            Adapter::ValueCommerce => (900, 1_800, true),
            Adapter::AccessTrade
            | Adapter::Tune
            | Adapter::Affilicode
            | Adapter::Affise
            | Adapter::Impact
            | Adapter::Rakuten
            | Adapter::A8 => (1_000, 60, false),
        }
    }

    fn corrects_by_rows(&self) -> bool {
        match self.config.adapter {
            Adapter::Cj | Adapter::Rakuten => true,
            Adapter::AccessTrade
            | Adapter::Tune
            | Adapter::Affilicode
            | Adapter::Affise
            | Adapter::Awin
            | Adapter::Impact
            | Adapter::ValueCommerce
            | Adapter::A8 => false,
        }
    }

    fn first_row_at(&self, now: Timestamp) -> Timestamp {
        if self.config.adapter == Adapter::Rakuten { now.plus_seconds(POSTED_SECONDS) } else { now }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn change(&self, number: u32, change: impl FnOnce(&mut Action)) {
        let mut inner = self.lock();
        if let Some(action) = inner.actions.iter_mut().find(|action| action.number == number) {
            change(action);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is changed halfway while the lock is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what it sends about an act; `None` at networks that send nothing, or nothing more.
    pub fn push(&self, number: u32) -> Option<Push> {
        let action = self.actions().into_iter().find(|action| action.number == number)?;
        let happened = action.status == Status::Occurred;
        match self.config.adapter {
            // It tells nothing before the decision.
            Adapter::Affilicode if happened => None,
            Adapter::AccessTrade | Adapter::Tune | Adapter::Affilicode | Adapter::Affise => {
                self.push_query(&action)
            }
            Adapter::Impact => Some(self.push_notice(&action)),
            // Only what happens is sent, once.
            Adapter::Awin if happened => Some(self.push_transaction(&action)),
            Adapter::Awin
            | Adapter::Cj
            | Adapter::Rakuten
            | Adapter::ValueCommerce
            | Adapter::A8 => None,
        }
    }

    /// A GET of a template.
    fn push_query(&self, action: &Action) -> Option<Push> {
        let (local, tokyo) = (Zone::UTC, Zone::JAPAN);
        let at = |zone: Zone| zone.format_second(action.occurred_at);
        let (id, currency) = (action.number.to_string(), self.config.currency.to_string());
        let (sale, pays) = (self.decimal(action.sale), self.decimal(action.commission));
        let status = |words: [&str; 3]| action.word(words).to_owned();
        let (click, order) = (action.reference.clone(), action.order.clone());
        let pairs = match self.config.adapter {
            Adapter::AccessTrade => vec![
                ("pbid", click),
                ("conversion_id", id),
                ("order_id", order),
                ("item", "1".to_owned()),
                ("price", sale),
                ("reward", pays),
                ("status", status(["0", "1", "2"])),
                ("occurred_at", at(tokyo)),
            ],
            Adapter::Tune => vec![
                ("aff_sub", click),
                ("transaction_id", id),
                ("adv_sub", order),
                ("amount", sale),
                ("payout", pays),
                ("currency", currency),
                ("status", status(["pending", "approved", "rejected"])),
                ("datetime", at(local)),
            ],
            Adapter::Affilicode => vec![
                ("pbid", click),
                ("order_id", order),
                ("item", "1".to_owned()),
                ("price", sale),
                ("reward", pays),
                ("state", status(["0", "1", "2"])),
                ("occurred_at", at(tokyo)),
            ],
            Adapter::Affise => vec![
                ("sub1", click),
                ("transactionid", id),
                ("sum", pays),
                ("currency", currency.clone()),
                ("order_sum", sale),
                ("order_currency", currency),
                ("status", status(["2", "1", "3"])),
                ("date", at(local)),
            ],
            Adapter::Awin
            | Adapter::Impact
            | Adapter::Cj
            | Adapter::Rakuten
            | Adapter::ValueCommerce
            | Adapter::A8 => return None,
        };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Some(Push { target: format!("{}?{query}", self.config.path), body: None })
    }

    /// Impact's notification, as JSON.
    fn push_notice(&self, action: &Action) -> Push {
        let body = serde_json::json!({
            "campaign_id": "10306", "action_id": action.number.to_string(),
            "status": action.word(["PENDING", "APPROVED", "REVERSED"]),
            "payout": self.decimal(action.commission), "amount": self.decimal(action.sale),
            "currency": self.config.currency.to_string(), "order_id": action.order,
            "sub_id1": action.reference, "event_date": action.occurred_at.to_string(),
        });
        let body = Some(("application/json", body.to_string()));
        Push { target: self.config.path.clone(), body }
    }

    /// Awin's push: JSON in a form.
    fn push_transaction(&self, action: &Action) -> Push {
        let json = serde_json::json!({
            "transactionId": action.number.to_string(), "orderRef": action.order,
            "transactionDate": Zone::UTC.format_second(action.occurred_at),
            "transactionCurrency": self.config.currency.to_string(),
            "transactionAmount": self.decimal(action.sale),
            "commission": self.decimal(action.commission), "clickRef": action.reference,
            "affiliateId": self.config.identifier, "merchantId": "3661",
        });
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("AwinTransactionPush", &json.to_string())
            .finish();
        let body = Some(("application/x-www-form-urlencoded", body));
        Push { target: self.config.path.clone(), body }
    }

    /// Writes minor units as the currency is written: `64.50`.
    pub(super) fn decimal(&self, minor: i64) -> String {
        let places = usize::from(self.config.currency.scale().places());
        let sign = if minor < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", minor.unsigned_abs(), width = places.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl Action {
    /// Picks the network's word for what was decided: happened, approved, rejected.
    pub(super) const fn word<'a>(&self, words: [&'a str; 3]) -> &'a str {
        match self.status {
            Status::Occurred => words[0],
            Status::Approved => words[1],
            Status::Rejected => words[2],
        }
    }

    fn take_back(&mut self, now: Timestamp) {
        let (sale, commission) = self.entries.iter().fold((0_i64, 0_i64), |(sale, pays), entry| {
            (sale.saturating_add(entry.sale), pays.saturating_add(entry.commission))
        });
        self.add_entry(sale.saturating_neg(), commission.saturating_neg(), now);
    }

    fn add_entry(&mut self, sale: i64, commission: i64, made_at: Timestamp) {
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let number = self.number.saturating_add(place);
        self.entries.push(Entry { number, sale, commission, made_at });
    }
}

/// The pretend networks of an installation, by the name in their addresses.
#[derive(Clone, Debug, Default)]
pub struct SandboxNetworks(Arc<BTreeMap<&'static str, SandboxNetwork>>);

impl SandboxNetworks {
    /// Takes networks, of each form one.
    pub fn new(networks: Vec<SandboxNetwork>) -> Self {
        let named = networks.into_iter().map(|network| (network.config.adapter.code(), network));
        Self(Arc::new(named.collect()))
    }

    /// Finds the network of a form.
    pub fn of(&self, adapter: Adapter) -> Option<&SandboxNetwork> {
        self.named(adapter.code())
    }

    /// Finds the network of a name.
    pub(super) fn named(&self, code: &str) -> Option<&SandboxNetwork> {
        self.0.get(code)
    }

    /// Lists them.
    pub fn iter(&self) -> impl Iterator<Item = &SandboxNetwork> {
        self.0.values()
    }
}
