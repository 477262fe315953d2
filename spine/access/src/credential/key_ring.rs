//! All API keys in memory, so that a request costs one hash and no SQL.

use core::sync::atomic::{AtomicI32, Ordering};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    authorized::Authenticated,
    credential::{ApiKeyText, PublicId},
    policy::NeedSet,
    refusal::{KEY_EXPIRED, KEY_MALFORMED, KEY_REVOKED, KEY_UNKNOWN, RefusalKind},
    secret::SecretHash,
    store::statement,
};
use ledger::ActorNumber;
use store::{Database, Fault, Reader, Row};
use vocabulary::{Day, Id, Timestamp, Zone, kind};

/// Why a presented key is not taken, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// It does not have the form of a key.
    #[error("this is no API key")]
    Malformed,
    /// No key has this public part and this secret.
    #[error("there is no such API key")]
    Unknown,
    /// It was taken back.
    #[error("this API key was revoked")]
    Revoked,
    /// It, or this secret of it, has ended.
    #[error("this API key has expired")]
    Expired,
}

impl KeyRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Malformed => &KEY_MALFORMED,
            Self::Unknown => &KEY_UNKNOWN,
            Self::Revoked => &KEY_REVOKED,
            Self::Expired => &KEY_EXPIRED,
        }
    }
}

/// A key that was used on a day that its row does not know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyUse {
    pub(crate) day: Day,
    pub(crate) key: Id<kind::ApiKey>,
}

/// Every secret of every key, by its public part. Shared by all threads that serve.
///
/// It knows what it read last: [`KeyRing::refresh`] it after each change of a key on this node, and
/// every few seconds for the changes of others.
#[derive(Debug, Default)]
pub struct KeyRing {
    entries: RwLock<Arc<BTreeMap<PublicId, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    hash: SecretHash,
    key: Id<kind::ApiKey>,
    authenticated: Authenticated,
    ends_at: Option<Timestamp>,
    revoked: bool,
    /// The days since 1970 on which it was last used, as far as seen here and as far as the row
    /// knows.
    used_on: AtomicI32,
    noted_on: AtomicI32,
}

impl Entry {
    fn from_row(row: &Row<'_>) -> Result<(PublicId, Self), Fault> {
        let key = row.id(3)?;
        let actor = ActorNumber::from_number(row.unsigned(5)?);
        let needs = row.parsed(6, NeedSet::parse)?;
        let ends = [row.optional_timestamp(2)?, row.optional_timestamp(7)?];
        let used_on = row.optional_day(9)?.map_or(i32::MIN, Day::number);
        let entry = Self {
            hash: SecretHash::from_bytes(row.digest(1)?),
            key,
            authenticated: Authenticated::key(actor, row.company(4)?, key, needs),
            ends_at: ends.into_iter().flatten().min(),
            revoked: row.optional_timestamp(8)?.is_some(),
            used_on: AtomicI32::new(used_on),
            noted_on: AtomicI32::new(used_on),
        };
        Ok((row.parsed(0, PublicId::parse)?, entry))
    }
}

impl KeyRing {
    /// Reads all keys.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails or a row does not decode.
    pub fn load(database: &Database) -> Result<Self, Fault> {
        let ring = Self::default();
        ring.refresh(database)?;
        Ok(ring)
    }

    /// Reads all keys anew; those who ask meanwhile are answered from before.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the keys stay as they were.
    pub fn refresh(&self, database: &Database) -> Result<(), Fault> {
        let fresh = database.read(read_all)?;
        let old = self.entries();
        for (id, entry) in old.iter() {
            if let Some(fresh) = fresh.get(id) {
                fresh.used_on.fetch_max(entry.used_on.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// Tells who presents `text`. One SHA-256 and one look into a map; nothing is read or written
    /// outside of memory.
    ///
    /// # Errors
    ///
    /// The first [`KeyRefusal`] that applies; that a key was revoked or expired is told only to
    /// whoever has its secret.
    pub fn find(&self, text: &str, now: Timestamp) -> Result<Authenticated, KeyRefusal> {
        let (public_id, secret) = ApiKeyText::split(text).ok_or(KeyRefusal::Malformed)?;
        // Hashed before the look-up, so that both answers take as long.
        let presented = SecretHash::of(secret);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&public_id).ok_or(KeyRefusal::Unknown)?;
        if !entry.hash.matches(&presented) {
            return Err(KeyRefusal::Unknown);
        }
        if entry.revoked {
            return Err(KeyRefusal::Revoked);
        }
        if entry.ends_at.is_some_and(|end| end <= now) {
            return Err(KeyRefusal::Expired);
        }
        let today = Zone::UTC.day_of(now).number();
        if entry.used_on.load(Ordering::Relaxed) < today {
            entry.used_on.store(today, Ordering::Relaxed);
        }
        Ok(entry.authenticated)
    }

    /// Counts the secrets, also those that have ended.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Takes what [`NoteUse`](crate::NoteUse) is to write: each key once a day.
    pub(crate) fn take_used(&self) -> Vec<KeyUse> {
        let entries = self.entries();
        let mut used: Vec<KeyUse> = entries
            .values()
            .filter_map(|entry| {
                let day = entry.used_on.load(Ordering::Relaxed);
                let noted = entry.noted_on.fetch_max(day, Ordering::Relaxed);
                (day > noted).then_some(KeyUse { day: Day::from_number(day), key: entry.key })
            })
            .collect();
        used.sort_unstable();
        used
    }

    fn entries(&self) -> Arc<BTreeMap<PublicId, Entry>> {
        Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read_all(reader: &mut Reader<'_>) -> Result<BTreeMap<PublicId, Entry>, Fault> {
    let mut entries = BTreeMap::new();
    reader.for_each(&statement::SCAN_API_KEY_SECRETS, &[], |row| {
        let (id, entry) = Entry::from_row(row)?;
        entries.insert(id, entry);
        Ok(())
    })?;
    Ok(entries)
}
