use crate::{
    actor::Subject,
    login::Realm,
    refusal::{PASSKEY_TAKEN, PASSKEY_WRONG, PASSKEYS_MANY, RefusalKind, SESSION_ENDED},
    secret::SecretHash,
    store::statement,
};
use store::{Fault, Reader, Row, Tx, Value};
use vocabulary::{Label, Timestamp};

use super::ceremony::NewPasskey;

/// A key that somebody signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub(super) hash: SecretHash,
    pub(super) subject: [u8; 16],
    pub(super) credential: Vec<u8>,
    pub(super) algorithm: i64,
    pub(super) public_key: Vec<u8>,
    pub(super) counter: u32,
    pub(super) label: Label,
    pub(super) created_at: Timestamp,
    pub(super) used_at: Option<Timestamp>,
}

impl Passkey {
    pub(super) fn new(new: &NewPasskey, subject: Subject, label: Label, now: Timestamp) -> Self {
        Self {
            hash: hash_of(&new.credential),
            subject: subject.to_bytes(),
            credential: new.credential.clone(),
            algorithm: new.algorithm,
            public_key: new.public_key.clone(),
            counter: new.counter,
            label,
            created_at: now,
            used_at: None,
        }
    }

    /// Gives what names it in commands.
    pub const fn hash(&self) -> SecretHash {
        self.hash
    }

    /// Gives the member whose it is.
    pub const fn subject(&self) -> Subject {
        Realm::Member.subject(self.subject)
    }

    /// Gives the credential's id, which the device knows it by.
    pub fn credential(&self) -> &[u8] {
        &self.credential
    }

    /// Gives what its owner reads.
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// Tells when it was added.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Tells when it was used last.
    pub const fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }

    pub(super) fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            hash: SecretHash::from_bytes(row.digest(0)?),
            subject: row.sixteen(1)?,
            credential: row.bytes(2)?.to_vec(),
            algorithm: row.integer(3)?,
            public_key: row.bytes(4)?.to_vec(),
            counter: row.small(5)?,
            label: row.parsed(6, |text| Label::parse(text).ok())?,
            created_at: row.timestamp(7)?,
            used_at: row.optional_timestamp(8)?,
        })
    }

    pub(super) fn to_row(&self) -> [Value; 9] {
        [
            self.hash.to_bytes().into(),
            self.subject.into(),
            Value::Bytes(self.credential.clone()),
            self.algorithm.into(),
            Value::Bytes(self.public_key.clone()),
            self.counter.into(),
            self.label.as_str().into(),
            self.created_at.into(),
            self.used_at.into(),
        ]
    }
}

pub(super) fn hash_of(credential: &[u8]) -> SecretHash {
    use sha2::Digest as _;
    SecretHash::from_bytes(sha2::Sha256::digest(credential).into())
}

/// Why a passkey is not added or does not sign in, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefusal {
    /// The session in which it is added has ended.
    #[error("there is no session, or it ended")]
    SessionEnded,
    /// What the device sent does not fit, the challenge is over or used, the key is not known, or
    /// its login is closed; no more is told.
    #[error("what the device sent does not fit")]
    Wrong,
    /// The key is known already.
    #[error("the passkey is known already")]
    Taken,
    /// There are as many as one person can have.
    #[error("there are twenty passkeys already")]
    Many,
}

impl PasskeyRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::SessionEnded => &SESSION_ENDED,
            Self::Wrong => &PASSKEY_WRONG,
            Self::Taken => &PASSKEY_TAKEN,
            Self::Many => &PASSKEYS_MANY,
        }
    }
}

/// Finds the key of a credential's id.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_passkey(reader: &mut Reader<'_>, credential: &[u8]) -> Result<Option<Passkey>, Fault> {
    let hash = [hash_of(credential).to_bytes().into()];
    let rows = reader.query_list(&statement::FIND_PASSKEYS, &[], &hash)?;
    rows.first().map(Passkey::from_row).transpose()
}

/// Lists the keys of a person, the oldest first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_passkeys(reader: &mut Reader<'_>, subject: Subject) -> Result<Vec<Passkey>, Fault> {
    let list = [subject.to_bytes().into()];
    let rows = reader.query_list(&statement::FIND_PASSKEYS_OF_SUBJECTS, &[], &list)?;
    rows.iter().map(Passkey::from_row).collect()
}

/// Finds challenges that nobody answered in time.
pub(crate) fn find_old_challenges(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Value>, Fault> {
    let rows = tx.query(&statement::OLD_CHALLENGES, &[now.into()])?;
    rows.iter().map(|row| row.digest(0).map(Value::from)).collect()
}

pub(crate) fn remove_challenges(tx: &mut Tx<'_>, hashes: &[Value]) -> Result<(), Fault> {
    tx.execute_list(&statement::REMOVE_CHALLENGES, &[], hashes).map(drop)
}

/// A challenge as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenge {
    pub(super) subject: Option<[u8; 16]>,
    pub(super) ends_at: Timestamp,
}
