use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

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
    inner: Arc<Mutex<Inner>>,
}

impl fmt::Debug for PartnerSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartnerSandbox").finish_non_exhaustive()
    }
}

impl PartnerSandbox {
    /// Opens a partner that takes requests with this key.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self { key: key.into(), inner: Arc::default() }
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
        let fresh = || Kept { asked: asked.clone(), body: body_of(asked, manner), times: 0 };
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
