use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use vocabulary::{Clock, Timestamp};

/// How old what the probe saw may be: six times its usual interval.
const FRESH_SECONDS: i64 = 12;

/// One thing that must be so for this process to serve well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `probe`, `drain`, `writer`, `database`, `schema` or `commits`.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// Whether requests are kept away while it is not.
    pub required: bool,
    /// What is wrong, empty when nothing is.
    pub detail: String,
}

impl Check {
    /// Makes a check that holds when there is nothing to complain about.
    pub fn new(name: &'static str, complaint: Result<(), String>) -> Self {
        match complaint {
            Ok(()) => Self { name, ok: true, required: true, detail: String::new() },
            Err(detail) => Self { name, ok: false, required: true, detail },
        }
    }

    /// Makes it one that people are told of while requests still come: a node that cannot write
    /// reads as well as any.
    #[must_use]
    pub fn advisory(self) -> Self {
        Self { required: false, ..self }
    }
}

/// Room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub size_bytes: u64,
}

/// Whether this process may get requests, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether every required check holds.
    pub ready: bool,
    /// When the probe looked.
    pub checked_at: Timestamp,
    /// Every check, in the order they are made.
    pub checks: Vec<Check>,
}

/// What the probe saw last, and whether the process is being stopped. Shared by all who ask.
#[derive(Debug, Default)]
pub struct Health(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    at: Option<Timestamp>,
    checks: Vec<Check>,
    disk: Option<Disk>,
    draining: bool,
}

impl Health {
    /// Starts with nothing seen: not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns new requests away from now on, so that a load balancer sends them elsewhere.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Gives the room on the disk as it was seen last; `None` when it could not be told.
    pub fn disk(&self) -> Option<Disk> {
        self.lock().disk
    }

    /// Tells whether this process may get requests.
    pub fn readiness(&self, clock: &dyn Clock) -> Readiness {
        let seen = self.lock();
        let now = clock.now();
        let probed = match seen.at {
            None => Err("nothing was looked at yet".to_owned()),
            Some(at) if now.microseconds_since(at) > FRESH_SECONDS * 1_000_000 => {
                Err(format!("the last look was at {at}"))
            }
            Some(_) => Ok(()),
        };
        let stopping =
            if seen.draining { Err("the process is stopping".to_owned()) } else { Ok(()) };
        let mut checks = vec![Check::new("probe", probed), Check::new("drain", stopping)];
        checks.extend(seen.checks.iter().cloned());
        Readiness {
            ready: checks.iter().all(|check| check.ok || !check.required),
            checked_at: seen.at.unwrap_or_default(),
            checks,
        }
    }

    pub(super) fn note(&self, at: Timestamp, checks: Vec<Check>, disk: Option<Disk>) {
        let mut seen = self.lock();
        seen.at = Some(at);
        seen.checks = checks;
        seen.disk = disk;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Nothing is changed halfway while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
