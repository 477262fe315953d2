use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use vocabulary::{Clock, Timestamp};

/// How many messages it remembers.
const KEPT_MAX: usize = 100;

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSms {
    /// The number, as `+819012345678`.
    pub to: String,
    /// Whom it is from.
    pub from: String,
    /// The text.
    pub body: String,
    /// When it came.
    pub at: Timestamp,
}

/// The pretend provider. Clones share everything.
#[derive(Clone)]
pub struct SmsSandbox {
    /// What `Authorization` must say.
    who: Arc<str>,
    clock: Arc<dyn Clock>,
    taken: Arc<Mutex<VecDeque<TakenSms>>>,
}

impl fmt::Debug for SmsSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsSandbox").finish_non_exhaustive()
    }
}

impl SmsSandbox {
    /// Opens a provider with one account. It remembers messages as long as the process lives.
    pub fn new((user, password): (&str, &str), clock: Arc<dyn Clock>) -> Self {
        let who = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        Self { who: who.into(), clock, taken: Arc::default() }
    }

    /// Tells whether a request comes from the account.
    pub(crate) fn knows(&self, who: &str) -> bool {
        *self.who == *who
    }

    /// Takes a message; tells whether there is such a number.
    pub(crate) fn take(&self, to: String, from: String, body: String) -> bool {
        let exists = to.starts_with("+81") && !to.ends_with("0000");
        if exists {
            let at = self.clock.now();
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.push_front(TakenSms { to, from, body, at });
            taken.truncate(KEPT_MAX);
        }
        exists
    }

    /// Lists what was taken, the newest first.
    pub fn taken(&self) -> Vec<TakenSms> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
