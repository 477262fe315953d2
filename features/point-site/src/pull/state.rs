use crate::network::{Adapter, Cursor};
use crate::network_account::NetworkAccount;
use vocabulary::{Day, Timestamp, Zone};

macro_rules! words {
    ($(#[$of:meta])* $type:ident { $($(#[$doc:meta])* $name:ident = $code:literal;)* }) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$doc])* $name,)*
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Finds one by its code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

words! {
    /// A list that a network keeps.
    Feed {
        /// Awin: by the day of the act.
        Transactions = "transactions";
        /// Awin: by the day of the decision, which may be months after the act.
        Validations = "validations";
        /// CJ: by the day a row was made; a correction is a row of its own.
        Commissions = "commissions";
        /// CJ and Impact: by the day of locking, since a decision makes no row and moves no date.
        Lockings = "lockings";
        /// Rakuten: what is preliminary, by the day of processing.
        Events = "events";
        /// Rakuten: what counts, by the day of processing.
        Corrections = "corrections";
        /// ValueCommerce: by the day of the order.
        Orders = "orders";
        /// A8: what is not decided.
        Unsealed = "unsealed";
        /// A8: what is decided.
        Sealed = "sealed";
        /// Impact: by the day of the act.
        Actions = "actions";
    }
}

words! {
    /// Why days are asked for.
    Sweep {
        /// They are the last ones: for what is new.
        Fresh = "fresh";
        /// They are long past: for what changed late.
        LookBack = "look_back";
    }
}

words! {
    /// Why the last question brought nothing.
    PullError {
        /// There was no answer: no connection, or none in time.
        Unreachable = "unreachable";
        /// The network answered with 5xx.
        Unavailable = "unavailable";
        /// The network answered that there were too many questions, or that it is locked.
        Locked = "locked";
        /// The network does not know our credentials.
        Unauthorized = "unauthorized";
        /// The network refuses the question.
        Refused = "refused";
        /// What came is no page of this network.
        Unreadable = "unreadable";
        /// The credentials cannot be opened: they were sealed with another key.
        Credentials = "credentials";
        /// The address is none that may be asked.
        Address = "address";
    }
}

/// How a network wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Its lists, in the order in which they are asked for.
    pub feeds: &'static [Feed],
    /// How often it is asked what is new, in seconds.
    pub every_seconds: u32,
    /// How many days one question spans. Days are cut at the same places every time, so that a page
    /// is known again.
    pub window_days: u16,
    /// How many days before today a question for what is new begins.
    pub fresh_days: u16,
    /// The most questions…
    pub calls_max: u32,
    /// … within so many seconds.
    pub calls_seconds: u32,
    /// How long it is left alone when it says that there were too many and does not say for how
    /// long, in seconds.
    pub lock_seconds: u32,
    /// From which to which minute of its day it is closed.
    pub closed: Option<(u16, u16)>,
    /// The most rows of a page that it is asked for.
    pub page_rows: u32,
}

/// What most networks have in common. A question spans a week everywhere, far less than any network
/// allows (31 days at Awin): a page stays small, and of a look back only the weeks that changed are
/// stored again.
const USUAL: Manners = Manners {
    feeds: &[],
    every_seconds: 600,
    window_days: 7,
    fresh_days: 2,
    calls_max: 20,
    calls_seconds: 60,
    lock_seconds: 300,
    closed: None,
    page_rows: 1_000,
};

impl Adapter {
    /// Tells how a network wants to be asked, from its documents; `feeds` is empty where it is not.
    pub const fn manners(self) -> Manners {
        match self {
            Self::AccessTrade | Self::Tune | Self::Affilicode | Self::Affise => USUAL,
            // 20 calls a minute and user; no Retry-After.
            Self::Awin => Manners {
                feeds: &[Feed::Transactions, Feed::Validations],
                lock_seconds: 60,
                ..USUAL
            },
            // 25 calls a minute.
            Self::Cj => Manners {
                feeds: &[Feed::Commissions, Feed::Lockings],
                calls_max: 25,
                lock_seconds: 60,
                ..USUAL
            },
            // No limit is in a document that we have; it keeps events one to two weeks.
            Self::Rakuten => {
                Manners { feeds: &[Feed::Events, Feed::Corrections], calls_max: 5, ..USUAL }
            }
            // 900 calls in half an hour, then locked for half an hour; asking on prolongs it.
            Self::ValueCommerce => Manners {
                feeds: &[Feed::Orders],
                calls_max: 800,
                calls_seconds: 1_800,
                lock_seconds: 1_860,
                ..USUAL
            },
            // Closed every night from 23:30 to 1:00; at most 10,000 rows.
            Self::A8 => Manners {
                feeds: &[Feed::Unsealed, Feed::Sealed],
                calls_max: 10,
                closed: Some((1_410, 60)),
                page_rows: 10_000,
                ..USUAL
            },
            // Ranges of at most 45 days; pages of at most 20,000.
            Self::Impact => {
                Manners { feeds: &[Feed::Actions, Feed::Lockings], page_rows: 2_000, ..USUAL }
            }
        }
    }

    /// Lists what a network can be asked for.
    pub const fn feeds(self) -> &'static [Feed] {
        self.manners().feeds
    }
}

/// The days that are being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Why.
    pub sweep: Sweep,
    /// When the asking for them began; what happened later is for the next time.
    pub begun_at: Timestamp,
    /// Which list.
    pub feed: Feed,
    /// The first day of all.
    pub from: Day,
    /// The day after the last one of all.
    pub until: Day,
    /// The first day of this question.
    pub window: Day,
    /// Where its next page begins, in the network's words; `None` for the first.
    pub cursor: Option<Cursor>,
}

impl Work {
    /// Gives the day after the last one of this question.
    pub fn window_until(&self, manners: &Manners) -> Day {
        let next = self.window.plus_days(i32::from(manners.window_days.max(1)));
        // The last days of all are asked for only as far as they are there.
        if next < self.until { next } else { self.until }
    }

    /// Gives the work after a page whose `next` is this; `None` when all was asked for.
    fn after(&self, next: Option<Cursor>, manners: &Manners) -> Option<Self> {
        if next.is_some() && next != self.cursor {
            return Some(Self { cursor: next, ..self.clone() });
        }
        let window = self.window_until(manners);
        if window < self.until {
            return Some(Self { window, cursor: None, ..self.clone() });
        }
        let place = manners.feeds.iter().position(|feed| *feed == self.feed)?;
        let feed = *manners.feeds.get(place.saturating_add(1))?;
        Some(Self { feed, window: aligned(self.from, manners), cursor: None, ..self.clone() })
    }
}

/// Gives the place at or before a day where days are cut.
fn aligned(day: Day, manners: &Manners) -> Day {
    let width = i32::from(manners.window_days.max(1));
    Day::from_number(day.number().saturating_sub(day.number().rem_euclid(width)))
}

/// How far the asking has come with an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pull {
    /// What is being asked for; `None` between two times.
    pub work: Option<Work>,
    /// When the asking for what is new began that was brought to its end last.
    pub fresh_at: Option<Timestamp>,
    /// The same of the look back.
    pub look_back_at: Option<Timestamp>,
    /// Not to be asked before: it refused, or somebody else is asking.
    pub not_before: Option<Timestamp>,
    /// Questions since `calls_since`.
    pub calls: u32,
    /// Since when they are counted.
    pub calls_since: Timestamp,
    /// Failures since the last answer.
    pub failures: u32,
    /// When a page last came.
    pub last_success_at: Option<Timestamp>,
    /// What was wrong last, also when all is well by now.
    pub last_error: Option<(PullError, Timestamp)>,
    /// Pages that were stored.
    pub pages: u64,
    /// Rows among them that could not be read.
    pub rows_unread: u64,
    /// Grows with every change.
    pub version: u32,
}

/// What is to be done with an account now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing before a moment.
    Rest(Timestamp),
    /// Ask, once the row says that we do.
    Ask(Box<Pull>, Work),
}

/// How long whoever asks may take before another one does, in seconds; longer than a request may.
const CLAIM_SECONDS: i64 = 60;
/// How often the days of the look back are asked for.
const LOOK_BACK_SECONDS: i64 = 86_400;
/// How long is waited after a first failure, and at most.
const BACKOFF_SECONDS: i64 = 30;
const BACKOFF_SECONDS_MAX: i64 = 3_600;
/// The longest that a network may send us away for.
const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;

impl Pull {
    /// Decides what is to be done now: same row, same time, same answer.
    pub fn turn(&self, account: &NetworkAccount, now: Timestamp) -> Turn {
        let manners = account.adapter.manners();
        if let Some(until) = self.not_before.filter(|until| now < *until) {
            return Turn::Rest(until);
        }
        if let Some(until) = closed_until(&manners, account.terms.zone, now) {
            return Turn::Rest(until);
        }
        let counted_until = self.calls_since.plus_seconds(i64::from(manners.calls_seconds));
        let counting = now < counted_until;
        if counting && self.calls >= manners.calls_max {
            return Turn::Rest(counted_until);
        }
        let work = match self.work.clone() {
            Some(work) => work,
            None => match self.begin(account, &manners, now) {
                Ok(work) => work,
                Err(until) => return Turn::Rest(until),
            },
        };
        let claimed = Self {
            work: Some(work.clone()),
            not_before: Some(now.plus_seconds(CLAIM_SECONDS)),
            calls: if counting { self.calls.saturating_add(1) } else { 1 },
            calls_since: if counting { self.calls_since } else { now },
            version: self.version.saturating_add(1),
            ..self.clone()
        };
        Turn::Ask(Box::new(claimed), work)
    }

    /// Begins what is due, or tells when something will be.
    fn begin(
        &self,
        account: &NetworkAccount,
        manners: &Manners,
        now: Timestamp,
    ) -> Result<Work, Timestamp> {
        let Some(&feed) = manners.feeds.first() else { return Err(now.plus_days(1)) };
        let zone = account.terms.zone;
        let today = zone.day_of(now);
        let back_due = self.look_back_at.map_or(now, |at| at.plus_seconds(LOOK_BACK_SECONDS));
        let every = i64::from(manners.every_seconds);
        let fresh_due = self.fresh_at.map_or(now, |at| at.plus_seconds(every));
        let (sweep, days) = if back_due <= now {
            (Sweep::LookBack, account.terms.look_back_days.max(manners.fresh_days))
        } else if fresh_due <= now {
            (Sweep::Fresh, manners.fresh_days)
        } else {
            return Err(fresh_due.min(back_due));
        };
        let usual = today.plus_days(-i32::from(days));
        // After days of silence it begins where it had come to, with a day that overlaps.
        let seen = self.fresh_at.map(|at| zone.day_of(at).plus_days(-1));
        let from = seen.map_or(usual, |seen| usual.min(seen));
        Ok(Work {
            sweep,
            begun_at: now,
            feed,
            from,
            until: today.plus_days(1),
            window: aligned(from, manners),
            cursor: None,
        })
    }

    /// Takes note of a page; `next` is where the one after it begins.
    #[must_use]
    pub fn after_page(
        &self,
        manners: &Manners,
        next: Option<Cursor>,
        rows_unread: usize,
        now: Timestamp,
    ) -> Self {
        let Some(done) = &self.work else { return self.clone() };
        let work = done.after(next, manners);
        let ended = work.is_none().then_some(done.begun_at);
        let back_ended = ended.filter(|_| done.sweep == Sweep::LookBack);
        Self {
            work,
            fresh_at: ended.or(self.fresh_at),
            look_back_at: back_ended.or(self.look_back_at),
            not_before: None,
            failures: 0,
            last_success_at: Some(now),
            rows_unread: self.rows_unread.saturating_add(u64::try_from(rows_unread).unwrap_or(0)),
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }

    /// Takes note of a failure; the same page is asked for again, later each time.
    #[must_use]
    pub fn after_failure(
        &self,
        manners: &Manners,
        error: PullError,
        retry_after_seconds: Option<u32>,
        now: Timestamp,
    ) -> Self {
        let failures = self.failures.saturating_add(1);
        let doubled = BACKOFF_SECONDS.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let backoff = doubled.min(BACKOFF_SECONDS_MAX);
        let told = retry_after_seconds.map(|told| i64::from(told.min(RETRY_AFTER_SECONDS_MAX)));
        let locked = (error == PullError::Locked).then_some(i64::from(manners.lock_seconds));
        let wait = backoff.max(told.or(locked).unwrap_or(0));
        Self {
            not_before: Some(now.plus_seconds(wait)),
            failures,
            last_error: Some((error, now)),
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }

    /// Tells whether somebody has to look: nothing has come for several tries.
    pub const fn stuck(&self) -> bool {
        self.failures >= 3
    }
}

/// When a network opens that is closed now.
fn closed_until(manners: &Manners, zone: Zone, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = manners.closed?;
    let today = zone.start_of(zone.day_of(now));
    let minute = now.microseconds_since(today).div_euclid(60_000_000);
    let (from, until) = (i64::from(from), i64::from(until));
    let at = |minutes: i64| today.plus_seconds(minutes.saturating_mul(60));
    match from <= until {
        true if (from..until).contains(&minute) => Some(at(until)),
        false if minute >= from => Some(at(until.saturating_add(1_440))),
        false if minute < until => Some(at(until)),
        true | false => None,
    }
}
