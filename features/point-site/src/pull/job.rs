use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::message::{Message, Request};
use crate::network::{Adapter, Asked, Cursor, Pulled, Question};
use crate::network_account::store::load_accounts;
use crate::network_account::{Credentials, NetworkAccount, NetworkAccountKey};
use crate::pull::store::list_pulls;
use crate::pull::{AdvancePull, KeptPage, Pull, PullError, Turn, Work};
use crate::site::Site;
use answers::{ask, read};
use store::Fault;
use vocabulary::Timestamp;
use web::{
    Bytes, HeaderMap, HeaderValue, Outgoing, OutgoingAnswer, OutgoingRequest, OutgoingUrl, Reach,
    StatusCode, header,
};

/// How many pages of one account a run asks for, before messages are read and others have a turn.
const PAGES_MAX: usize = 20;
/// The longest cursor of a network, in bytes.
const CURSOR_MAX: usize = 1_000;
/// How long before its end a token is not used any more, in seconds.
const TOKEN_MARGIN_SECONDS: i64 = 60;

/// What asks networks. Clones share the tokens that networks gave, which live as long as the
/// process.
#[derive(Clone)]
pub struct Puller {
    site: Site,
    outgoing: Outgoing,
    tokens: Arc<Mutex<BTreeMap<NetworkAccountKey, (String, Timestamp)>>>,
}

impl fmt::Debug for Puller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Puller").field("site", &self.site).finish_non_exhaustive()
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PullRun {
    /// Pages that came.
    pub pages: usize,
    /// Of them, those that were stored, because they were not what they had been.
    pub stored: usize,
    /// Questions that brought none.
    pub failed: usize,
}

impl PullRun {
    /// Tells whether there was nothing to ask.
    pub const fn idle(self) -> bool {
        self.pages == 0 && self.failed == 0
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            pages: self.pages.saturating_add(other.pages),
            stored: self.stored.saturating_add(other.stored),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

/// Why there is no page.
struct Failure {
    error: PullError,
    retry_after_seconds: Option<u32>,
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        Self { error, retry_after_seconds: None }
    }
}

impl Puller {
    /// Asks in the name of a site. `outgoing` says which addresses may be reached and how long a
    /// page may be; a message holds 16 MB.
    pub fn new(site: &Site, outgoing: Outgoing) -> Self {
        Self { site: site.clone(), outgoing, tokens: Arc::default() }
    }
}

/// Asks every account that is due, some pages each, and all networks at the same time. How far it
/// came is in the rows: after a crash it goes on from there, and what was asked for and not stored
/// is asked for again. Call again while it is not idle.
///
/// # Errors
///
/// A [`Fault`] when the database fails. What a network does wrong is no fault: it is in the row.
pub async fn pull_due(puller: &Puller) -> Result<PullRun, Fault> {
    let companies = [puller.site.config().company].into();
    let known = read(puller.site.store().database(), move |reader| {
        Ok((load_accounts(reader, &companies)?, list_pulls(reader, &companies)?))
    });
    let (accounts, mut pulls) = known.await?;
    let mut asking = JoinSet::new();
    for account in accounts.into_iter().filter(|account| account.terms.pulling) {
        let pull = pulls.remove(&(account.company, account.key.clone())).unwrap_or_default();
        let puller = puller.clone();
        asking.spawn(async move { pull_account(&puller, &account, pull).await });
    }
    let mut run = PullRun::default();
    while let Some(ended) = asking.join_next().await {
        // A task that panicked has stored nothing that it did not note.
        if let Ok(done) = ended {
            run = run.plus(done?);
        }
    }
    Ok(run)
}

async fn pull_account(
    puller: &Puller,
    account: &NetworkAccount,
    mut pull: Pull,
) -> Result<PullRun, Fault> {
    let mut run = PullRun::default();
    for _page in 0..PAGES_MAX {
        let (claimed, work) = match pull.turn(account, puller.site.now()) {
            Turn::Rest(_until) => break,
            Turn::Ask(claimed, work) => (*claimed, work),
        };
        if advance(puller, account, pull.version, claimed.clone(), None).await?.is_none() {
            break;
        }
        let answer = puller.fetch(account, &work).await;
        let now = puller.site.now();
        let (next, page) = digest(puller, account, &claimed, &work, answer, now);
        let failed = next.failures > 0;
        let Some(stored) = advance(puller, account, claimed.version, next.clone(), page).await?
        else {
            break;
        };
        // The count is made where it is known whether the page was stored.
        pull = Pull { pages: next.pages.saturating_add(u64::from(stored)), ..next };
        run = run.plus(PullRun {
            pages: usize::from(!failed),
            stored: usize::from(stored),
            failed: usize::from(failed),
        });
    }
    Ok(run)
}

/// Moves the row on; `None` when somebody else did.
async fn advance(
    puller: &Puller,
    account: &NetworkAccount,
    expected: u32,
    pull: Pull,
    page: Option<KeptPage>,
) -> Result<Option<bool>, Fault> {
    let (company, account) = (account.company, account.key.clone());
    let command = AdvancePull { company, account, expected, pull, page };
    Ok(ask(puller.site.store(), command).await?.ok())
}

/// Makes of an answer how the row is to be, and the page to keep.
fn digest(
    puller: &Puller,
    account: &NetworkAccount,
    claimed: &Pull,
    work: &Work,
    answer: Result<Bytes, Failure>,
    now: Timestamp,
) -> (Pull, Option<KeptPage>) {
    let manners = account.adapter.manners();
    let key = &account.key;
    let failed = |failure: &Failure| {
        let code = failure.error.code();
        tracing::warn!(error = code, "network {key} gave no page: {code}");
        claimed.after_failure(&manners, failure.error, failure.retry_after_seconds, now)
    };
    let bytes = match answer {
        Ok(bytes) => bytes,
        Err(failure) => return (failed(&failure), None),
    };
    let message = Message {
        id: puller.site.next_id(now),
        network: key.network.clone(),
        account: key.account.clone(),
        received_at: now,
        request: Request::of_page(work.feed.code(), &bytes),
    };
    let source = crate::conversion::Source::Postback(message.id);
    let network = account.network(&puller.site.config().network_key);
    let page = account.adapter.read_page(&bytes, &network, Pulled { source, at: now });
    let kept = || Some(KeptPage { work: work.clone(), message: message.clone() });
    match page {
        // It is kept all the same: a person may want to see what came.
        Err(_form) => (failed(&PullError::Unreadable.into()), kept()),
        // It would not fit its row, and to go on without it would leave pages out.
        Ok(page) if page.next.as_ref().is_some_and(|next| next.as_str().len() > CURSOR_MAX) => {
            (failed(&PullError::Unreadable.into()), kept())
        }
        Ok(page) => {
            let rows = page.told.len().saturating_add(page.unread.len());
            let next = next_page(account.adapter, work, rows, page.next);
            let pull = claimed.after_page(&manners, next, page.unread.len(), now);
            (pull, if rows == 0 { None } else { kept() })
        }
    }
}

/// Where the next page begins: the network says so, or pages are counted.
fn next_page(adapter: Adapter, work: &Work, rows: usize, told: Option<Cursor>) -> Option<Cursor> {
    match adapter {
        Adapter::Rakuten => {
            let full = u32::try_from(rows).unwrap_or(u32::MAX) >= adapter.manners().page_rows;
            let page =
                work.cursor.as_ref().map_or(Some(1), |at| at.as_str().parse::<u32>().ok())?;
            full.then(|| Cursor::new(page.saturating_add(1).to_string()))
        }
        Adapter::AccessTrade
        | Adapter::Tune
        | Adapter::Affilicode
        | Adapter::Affise
        | Adapter::Awin
        | Adapter::Impact
        | Adapter::Cj
        | Adapter::ValueCommerce
        | Adapter::A8 => told,
    }
}

impl Puller {
    async fn fetch(&self, account: &NetworkAccount, work: &Work) -> Result<Bytes, Failure> {
        let config = self.site.config();
        let sealed = account.credentials.as_ref().ok_or(PullError::Credentials)?;
        let opened = config.network_key.open(account.company, &account.key, sealed);
        let credentials = opened.ok_or(PullError::Credentials)?;
        let token = self.token(account, &credentials).await?;
        let manners = account.adapter.manners();
        let zone = account.terms.zone;
        let question = Question {
            base: &account.terms.base,
            identifier: &account.terms.identifier,
            credentials: &credentials,
            token: token.as_deref(),
            feed: work.feed,
            zone,
            from: work.window,
            until: work.window_until(&manners),
            cursor: work.cursor.as_ref(),
            rows: manners.page_rows,
        };
        let asked = account.adapter.question(&question).ok_or(PullError::Refused)?;
        let answer = self.send(asked).await;
        if matches!(&answer, Err(failure) if failure.error == PullError::Unauthorized) {
            // A token may have been withdrawn before its end.
            self.lock().remove(&account.key);
        }
        answer
    }

    /// Gives the token that a network wants, the one it gave before while that is good.
    async fn token(
        &self,
        account: &NetworkAccount,
        credentials: &Credentials,
    ) -> Result<Option<String>, Failure> {
        let (base, identifier) = (&account.terms.base, &account.terms.identifier);
        let Some(asked) = account.adapter.token_question(base, identifier, credentials) else {
            return Ok(None);
        };
        let now = self.site.now();
        let known = self.lock().get(&account.key).cloned();
        if let Some((token, _)) = known.filter(|(_, until)| now < *until) {
            return Ok(Some(token));
        }
        let bytes = self.send(asked).await?;
        let (token, seconds) = account.adapter.read_token(&bytes).ok_or(PullError::Unreadable)?;
        let until = now.plus_seconds(seconds.saturating_sub(TOKEN_MARGIN_SECONDS));
        self.lock().insert(account.key.clone(), (token.clone(), until));
        Ok(Some(token))
    }

    async fn send(&self, asked: Asked) -> Result<Bytes, Failure> {
        let reach = self.outgoing.options().reach;
        let request = request_of(asked, reach).ok_or(PullError::Address)?;
        let answer = self.outgoing.send(request).await;
        let answer = answer.map_err(|_no_answer| PullError::Unreachable)?;
        judge(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<NetworkAccountKey, (String, Timestamp)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request_of(asked: Asked, reach: Reach) -> Option<OutgoingRequest> {
    let url = OutgoingUrl::parse(&asked.url, reach).ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("daifuku-networks/1"));
    for (name, text) in asked.headers {
        headers.insert(name, HeaderValue::try_from(text).ok()?);
    }
    Some(OutgoingRequest { method: asked.method, url, headers, body: Bytes::from(asked.body) })
}

fn judge(answer: OutgoingAnswer) -> Result<Bytes, Failure> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer.body);
    }
    let retry_after = answer.headers.get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS => PullError::Locked,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PullError::Unauthorized,
        other if other.is_server_error() => PullError::Unavailable,
        _ => PullError::Refused,
    };
    Err(Failure { error, retry_after_seconds: retry_after })
}
