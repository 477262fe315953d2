use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use vocabulary::{Clock, Day, Zone};

/// How the partner behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Does what it is asked, at once.
    #[default]
    Well,
    /// Does it, and takes seconds to say so.
    Slow,
    /// Refuses.
    Refuse,
    /// Does it, and the answer is lost.
    LoseReply,
    /// Does nothing, and answers with an error of its own.
    Away,
}

impl Manner {
    /// Every manner.
    pub const ALL: &'static [Self] =
        &[Self::Well, Self::Slow, Self::Refuse, Self::LoseReply, Self::Away];

    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Slow => "slow",
            Self::Refuse => "refuse",
            Self::LoseReply => "lose_reply",
            Self::Away => "away",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|manner| manner.code() == code)
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// The id that the site chose.
    pub request_id: String,
    /// `code` or `points`.
    pub wants: String,
    /// Of what.
    pub product: String,
    /// How much.
    pub amount: i64,
    /// In which unit.
    pub unit: String,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: String,
    /// Whether it comes late.
    pub late: bool,
}

/// A request that was done or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The request.
    pub asked: Asked,
    /// What is said of it, each time.
    pub body: String,
    /// How often it came.
    pub times: u32,
    /// The day on which it came first, in Japan.
    pub processed_on: Day,
}

#[derive(Default)]
struct Inner {
    manner: Manner,
    kept: BTreeMap<String, Kept>,
}

/// The pretend partner. Clones share everything.
#[derive(Clone)]
pub struct PartnerSandbox {
    key: Arc<str>,
    clock: Arc<dyn Clock>,
    since: Day,
    inner: Arc<Mutex<Inner>>,
}

impl fmt::Debug for PartnerSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartnerSandbox").finish_non_exhaustive()
    }
}

impl PartnerSandbox {
    /// Opens a partner that takes requests with this key, and remembers them as long as the process
    /// lives.
    pub fn new(key: impl Into<Arc<str>>, clock: Arc<dyn Clock>) -> Self {
        let since = Zone::JAPAN.day_of(clock.now());
        Self { key: key.into(), clock, since, inner: Arc::default() }
    }

    /// Tells whether a request carries the key.
    pub(crate) fn knows(&self, key: &str) -> bool {
        *self.key == *key
    }

    /// Behaves so from now on.
    pub fn behave(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    /// Tells how it behaves.
    pub fn manner(&self) -> Manner {
        self.lock().manner
    }

    /// Lists what was done or refused.
    pub fn kept(&self) -> Vec<Kept> {
        self.lock().kept.values().cloned().collect()
    }

    /// Takes a request. The same id is done once; asked again, it is answered as the first time.
    pub fn take(&self, asked: &Asked) -> Reply {
        let mut inner = self.lock();
        let manner = inner.manner;
        if manner == Manner::Away {
            return Reply { status: 503, body: r#"{"status":"error"}"#.to_owned(), late: false };
        }
        let fresh = || Kept {
            asked: asked.clone(),
            body: body_of(asked, manner),
            times: 0,
            processed_on: Zone::JAPAN.day_of(self.clock.now()),
        };
        let kept = inner.kept.entry(asked.request_id.clone()).or_insert_with(fresh);
        kept.times = kept.times.saturating_add(1);
        if kept.asked != *asked {
            return Reply { status: 409, body: r#"{"status":"error"}"#.to_owned(), late: false };
        }
        if manner == Manner::LoseReply {
            return Reply { status: 504, body: String::new(), late: false };
        }
        Reply { status: 200, body: kept.body.clone(), late: manner == Manner::Slow }
    }

    /// Gives the statement of a day, as CSV with a total. There is none of a day that is not over,
    /// nor of one that the sandbox has not seen from its beginning.
    pub fn statement(&self, day: Day) -> Option<String> {
        let today = Zone::JAPAN.day_of(self.clock.now());
        if day <= self.since || day >= today {
            return None;
        }
        let mut text = "request_id,processed_on,product,amount,unit,status\r\n".to_owned();
        let (mut count, mut sum) = (0_u32, 0_i64);
        for kept in self.lock().kept.values().filter(|kept| kept.processed_on == day) {
            let Asked { request_id, product, amount, unit, .. } = &kept.asked;
            let done = kept.body.contains("success");
            let status = if done { "success" } else { "failure" };
            text.push_str(&format!("{request_id},{day},{product},{amount},{unit},{status}\r\n"));
            (count, sum) = (count.saturating_add(1), sum.saturating_add(*amount));
        }
        text.push_str(&format!("total,,,{sum},,{count}\r\n"));
        Some(text)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body_of(asked: &Asked, manner: Manner) -> String {
    if manner == Manner::Refuse {
        return r#"{"status":"failure"}"#.to_owned();
    }
    if asked.wants != "code" {
        return r#"{"status":"success"}"#.to_owned();
    }
    let digest: [u8; 32] = Sha256::digest(&asked.request_id).into();
    let hex = |text: String, byte: &u8| format!("{text}{byte:02X}");
    let digits = digest.iter().take(6).fold(String::new(), hex);
    let (one, rest) = digits.split_at(4);
    let (two, three) = rest.split_at(4);
    format!(
        r#"{{"status":"success","code":"DFK-{one}-{two}-{three}","usable_until":"2027-12-31"}}"#
    )
}
