use core::fmt;
use std::sync::Arc;

use crate::passbook::{Ending, endings};
use crate::wording::Wording;
use ledger::{Account, Unit};
use mail::{Body, Category, Letter, Recipient};
use store::{Fault, Store, natural_id};
use vocabulary::{AccountRole, Amount, Day, Id, Label, kind};
use web::{Frame, Language, Words};

/// How many days ahead a letter goes.
pub(super) const AHEAD_DAYS: [i32; 2] = [30, 7];
/// How many days late it may go, when the job could not run.
pub(super) const LATE_DAYS: i32 = 2;

/// Knows how members want to be written to.
pub trait Readers: Send + Sync {
    /// Tells the language of each, in their order; `None` for who gets no notices. Called once for
    /// some thousands, on a thread that may wait: answer with a fixed number of queries.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the job tries again then.
    fn languages(&self, members: &[Id<kind::Member>]) -> Result<Vec<Option<Language>>, Fault>;
}

/// Everybody reads Japanese and wants notices.
impl Readers for () {
    fn languages(&self, members: &[Id<kind::Member>]) -> Result<Vec<Option<Language>>, Fault> {
        Ok(vec![Some(Language::Japanese); members.len()])
    }
}

/// What the job of notices works with.
#[derive(Clone)]
pub struct Notices {
    /// The books.
    pub store: Store,
    /// What letters say.
    pub frame: Arc<Frame>,
    /// Who reads which language; `Arc::new(())` for Japanese alone.
    pub readers: Arc<dyn Readers>,
    /// Where members find the site: `https://points.example.jp`.
    pub address: String,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Points of a member that expire soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) member: Id<kind::Member>,
    account: Id<kind::Account>,
    unit: Unit,
    amount: Amount,
    on: Day,
    idle: bool,
    ahead_days: i32,
}

/// Finds what a letter is due about, today; most often nothing.
pub(super) fn due(account: &Account, unit: &Unit, today: Day) -> Vec<Due> {
    if account.state().cells().is_empty() || !account.spec().lots {
        return Vec::new();
    }
    let idle_on = unit.policy.idle_rules.last_day(account.state().activity());
    let id = account.spec().id;
    let found = endings(account.state().cells(), idle_on);
    let found = found.into_iter().filter(|ending| !ending.free.is_zero());
    found
        .filter_map(|Ending { on, free, idle, .. }| {
            let on = on?;
            let left = on.number().saturating_sub(today.number());
            let window = |ahead: &i32| (ahead.saturating_sub(LATE_DAYS)..=*ahead).contains(&left);
            Some(Due {
                member: id.owner(unit.number.get(), AccountRole::Member),
                account: id,
                unit: *unit,
                amount: free,
                on,
                idle,
                ahead_days: AHEAD_DAYS.into_iter().find(window)?,
            })
        })
        .collect()
}

impl Due {
    /// Writes the letter; its id follows from what it is about, so that it goes once.
    pub(super) fn letter(&self, words: Words<'_>, address: &str) -> Option<Letter> {
        let wording = Wording { words, unit: &self.unit };
        let (amount, day) = (wording.amount(self.amount), wording.day(self.on));
        let args = [("amount", amount.as_str()), ("day", day.as_str()), ("address", address)];
        let body = if self.idle { "wallet-notice-idle" } else { "wallet-notice-body" };
        let id = natural_id(
            "wallet.notice",
            &[
                &self.account.to_bytes(),
                &self.on.number().to_be_bytes(),
                &self.ahead_days.to_be_bytes(),
            ],
        );
        Some(Letter {
            id,
            company: self.unit.issuer,
            category: Category::Notice,
            to: Recipient::Member(self.member),
            subject: Label::parse(&wording.with("wallet-notice-subject", &args)).ok()?,
            body: Body::parse(&wording.with(body, &args)).ok()?,
        })
    }
}
