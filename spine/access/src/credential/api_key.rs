//! API keys: `dfk_`, 8 characters that may be shown, `_`, 43 characters that are shown once.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    actor::{Actors, Subject},
    audit_trail::{self, AuditEntry},
    authorized::Authenticated,
    policy::NeedSet,
    refusal::{API_KEY_NOT_FOUND, KEY_ID_TAKEN, KEY_NEEDS_UNFIT, RefusalKind},
    secret::{Secret, SecretHash, draw_bytes},
    store::statement,
};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Reader, Row, Tx, Value};
use vocabulary::{CompanyNumber, Day, Id, IdSource, Label, Timestamp, kind};

const PREFIX: &str = "dfk_";

/// The part of a key that may be shown: 8 of `0-9a-z`, to find the key by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicId([u8; 8]);

impl PublicId {
    /// Reads 8 characters of `0-9a-z`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 8] = text.as_bytes().try_into().ok()?;
        let known = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        bytes.iter().all(known).then_some(Self(bytes))
    }

    fn draw(chance: &mut dyn IdSource) -> Self {
        let alphabet = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut id = [b'0'; 8];
        for (to, from) in id.iter_mut().zip(draw_bytes(chance)) {
            *to = alphabet.get(usize::from(from & 31)).copied().unwrap_or(b'0');
        }
        Self(id)
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A whole key as its owner gets it, once. `Debug` shows the public part.
#[derive(Clone)]
pub struct ApiKeyText {
    public_id: PublicId,
    secret: Secret,
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.public_id)
    }
}

impl ApiKeyText {
    /// Draws a new one.
    pub fn draw(chance: &mut dyn IdSource) -> Self {
        Self { public_id: PublicId::draw(chance), secret: Secret::draw(chance) }
    }

    /// Writes it whole, to be shown to its owner and then forgotten.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}_{}", self.public_id, self.secret.expose())
    }

    /// Gives the part that may be shown.
    pub const fn public_id(&self) -> PublicId {
        self.public_id
    }

    /// Gives what may be kept of the rest.
    pub fn hash(&self) -> SecretHash {
        self.secret.hash()
    }

    /// Takes a presented text apart: the public part, and the secret that is still to be hashed.
    pub(crate) fn split(text: &str) -> Option<(PublicId, &str)> {
        let rest = text.strip_prefix(PREFIX)?;
        let (public_id, rest) = rest.split_at_checked(8)?;
        let secret = rest.strip_prefix('_')?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let whole = secret.len() == 43 && secret.bytes().all(known);
        whole.then_some((PublicId::parse(public_id)?, secret))
    }
}

/// An API key of a company. Its secrets are kept apart, because a rotation gives it a second one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The id, which stays through rotations.
    pub id: Id<kind::ApiKey>,
    /// The one company it reaches.
    pub company: CompanyNumber,
    /// What the journal names it by.
    pub actor: ActorNumber,
    /// What people read.
    pub label: Label,
    /// All that it may do.
    pub needs: NeedSet,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// The last day, in UTC, on which it was used.
    pub last_used_on: Option<Day>,
}

impl ApiKey {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id(0)?,
            company: row.company(1)?,
            actor: ActorNumber::from_number(row.unsigned(2)?),
            label: row.parsed(3, |text| Label::parse(text).ok())?,
            needs: row.parsed(4, NeedSet::parse)?,
            created_at: row.timestamp(5)?,
            expires_at: row.optional_timestamp(6)?,
            revoked_at: row.optional_timestamp(7)?,
            last_used_on: row.optional_day(8)?,
        })
    }

    fn to_row(&self) -> [Value; 8] {
        [
            self.id.into(),
            self.company.into(),
            self.actor.get().into(),
            (&self.label).into(),
            self.needs.to_string().into(),
            self.created_at.into(),
            self.expires_at.into(),
            self.revoked_at.into(),
        ]
    }
}

/// A secret of an API key, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeySecret {
    /// The part that may be shown.
    pub public_id: PublicId,
    /// The key it is of.
    pub api_key: Id<kind::ApiKey>,
    /// What is kept of the rest.
    pub hash: SecretHash,
    /// When it was drawn.
    pub created_at: Timestamp,
    /// When it ends, since a rotation.
    pub valid_until: Option<Timestamp>,
}

impl ApiKeySecret {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            public_id: row.parsed(0, PublicId::parse)?,
            api_key: row.id(1)?,
            hash: SecretHash::from_bytes(row.digest(2)?),
            created_at: row.timestamp(3)?,
            valid_until: row.optional_timestamp(4)?,
        })
    }

    fn to_row(self) -> [Value; 5] {
        [
            self.public_id.to_string().into(),
            self.api_key.into(),
            self.hash.to_bytes().into(),
            self.created_at.into(),
            self.valid_until.into(),
        ]
    }
}

/// Lists a company's keys, newest first, also the revoked; at most 1,000.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_api_keys(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<ApiKey>, Fault> {
    let rows = reader.query(&statement::LIST_API_KEYS, &[company.into()])?;
    rows.iter().map(ApiKey::from_row).collect()
}

/// Creates, rotates or revokes an API key. Each can be repeated with the same ids.
#[derive(Clone, Debug)]
pub struct ChangeApiKey {
    /// Who asks.
    pub by: Authenticated,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
    /// The company that the key is of; another company's key is not found.
    pub company: CompanyNumber,
    /// The key.
    pub key: Id<kind::ApiKey>,
    /// What is to be done.
    pub change: KeyChange,
}

/// What is to be done with a key.
#[derive(Clone, Debug)]
pub enum KeyChange {
    /// A new key.
    Create {
        /// What people read.
        label: Label,
        /// All that it may do.
        needs: NeedSet,
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
        /// What is kept of its text: [`ApiKeyText::public_id`].
        public_id: PublicId,
        /// What is kept of its text: [`ApiKeyText::hash`].
        hash: SecretHash,
    },
    /// A new secret for a key; the ones before end after a while.
    Rotate {
        /// What is kept of the new text.
        public_id: PublicId,
        /// What is kept of the new text.
        hash: SecretHash,
        /// For how long the old secrets go on, in seconds from now.
        overlap_seconds: u32,
    },
    /// The end of a key, at once and for good.
    Revoke,
}

/// What became of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChanged {
    /// The key as it is now.
    pub key: ApiKey,
    /// When the old secrets end, after a rotation.
    pub old_valid_until: Option<Timestamp>,
}

/// Why a key is not changed, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeApiKeyRefusal {
    /// No need at all, or one that asks for a person.
    #[error("a key has needs, and none that asks for a person")]
    NeedsUnfit,
    /// Another key has this id, or another secret this public part.
    #[error("the id of the key or of its secret is taken")]
    IdTaken,
    /// No such key in this company, or it was revoked.
    #[error("there is no such key in this company")]
    NotFound,
}

impl ChangeApiKeyRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::NeedsUnfit => &KEY_NEEDS_UNFIT,
            Self::IdTaken => &KEY_ID_TAKEN,
            Self::NotFound => &API_KEY_NOT_FOUND,
        }
    }
}

/// What [`ChangeApiKey`] decides on.
#[derive(Debug)]
pub struct ChangeApiKeyFacts {
    keys: BTreeMap<Id<kind::ApiKey>, ApiKey>,
    secrets: BTreeMap<PublicId, ApiKeySecret>,
    actors: Actors,
    changed_keys: BTreeSet<Id<kind::ApiKey>>,
    changed_secrets: BTreeSet<PublicId>,
    trail: Vec<AuditEntry>,
}

impl ChangeApiKeyFacts {
    fn put_secret(&mut self, secret: ApiKeySecret) {
        self.changed_secrets.insert(secret.public_id);
        self.secrets.insert(secret.public_id, secret);
    }

    fn put_key(&mut self, key: ApiKey) {
        self.changed_keys.insert(key.id);
        self.keys.insert(key.id, key);
    }
}

impl ChangeApiKey {
    fn create(
        &self,
        facts: &mut ChangeApiKeyFacts,
        new: ApiKey,
        secret: ApiKeySecret,
    ) -> Result<KeyChanged, ChangeApiKeyRefusal> {
        if new.needs.is_empty() || !new.needs.iter().all(crate::Need::grantable) {
            return Err(ChangeApiKeyRefusal::NeedsUnfit);
        }
        match (facts.keys.get(&new.id), facts.secrets.get(&secret.public_id)) {
            (None, None) => {}
            (Some(key), Some(old)) if self.repeats(&new, key) && old.hash == secret.hash => {
                return Ok(KeyChanged { key: key.clone(), old_valid_until: None });
            }
            (Some(_), _) | (None, Some(_)) => return Err(ChangeApiKeyRefusal::IdTaken),
        }
        let actor = facts.actors.register(self.company, Subject::ApiKey(new.id), &new.label);
        let key = ApiKey { actor, ..new };
        facts.put_key(key.clone());
        facts.put_secret(secret);
        self.record(facts, "api_key.create", secret.created_at);
        Ok(KeyChanged { key, old_valid_until: None })
    }

    fn repeats(&self, new: &ApiKey, old: &ApiKey) -> bool {
        old.company == self.company
            && (old.needs, &old.label, old.expires_at) == (new.needs, &new.label, new.expires_at)
    }

    fn rotate(
        &self,
        facts: &mut ChangeApiKeyFacts,
        secret: ApiKeySecret,
        overlap_seconds: u32,
    ) -> Result<KeyChanged, ChangeApiKeyRefusal> {
        let key = self.find(facts)?;
        let end = secret.created_at.plus_seconds(i64::from(overlap_seconds));
        match facts.secrets.get(&secret.public_id) {
            Some(old) if old.api_key == key.id && old.hash == secret.hash => {
                return Ok(KeyChanged { key, old_valid_until: None });
            }
            Some(_) => return Err(ChangeApiKeyRefusal::IdTaken),
            None => {}
        }
        let old: Vec<ApiKeySecret> =
            facts.secrets.values().filter(|old| old.api_key == key.id).copied().collect();
        for old in old {
            // An end that was set before is never put off.
            let end = old.valid_until.map_or(end, |before| before.min(end));
            facts.put_secret(ApiKeySecret { valid_until: Some(end), ..old });
        }
        facts.put_secret(secret);
        self.record(facts, "api_key.rotate", secret.created_at);
        Ok(KeyChanged { key, old_valid_until: Some(end) })
    }

    fn revoke(
        &self,
        facts: &mut ChangeApiKeyFacts,
        now: Timestamp,
    ) -> Result<KeyChanged, ChangeApiKeyRefusal> {
        let known = facts.keys.get(&self.key).filter(|key| key.company == self.company);
        let key = known.cloned().ok_or(ChangeApiKeyRefusal::NotFound)?;
        if key.revoked_at.is_some() {
            return Ok(KeyChanged { key, old_valid_until: None });
        }
        let key = ApiKey { revoked_at: Some(now), ..key };
        facts.put_key(key.clone());
        self.record(facts, "api_key.revoke", now);
        Ok(KeyChanged { key, old_valid_until: None })
    }

    fn find(&self, facts: &ChangeApiKeyFacts) -> Result<ApiKey, ChangeApiKeyRefusal> {
        let key = facts.keys.get(&self.key);
        let key = key.filter(|key| key.company == self.company && key.revoked_at.is_none());
        key.cloned().ok_or(ChangeApiKeyRefusal::NotFound)
    }

    fn record(&self, facts: &mut ChangeApiKeyFacts, action: &'static str, now: Timestamp) {
        let entry = AuditEntry::done(now, &self.by, action).of(self.company).about(self.key);
        facts.trail.push(entry.with(self.request));
    }

    fn new_secret(&self, public_id: PublicId, hash: SecretHash, now: Timestamp) -> ApiKeySecret {
        ApiKeySecret { public_id, api_key: self.key, hash, created_at: now, valid_until: None }
    }
}

impl Command for ChangeApiKey {
    type Facts = ChangeApiKeyFacts;
    type Receipt = KeyChanged;
    type Refusal = ChangeApiKeyRefusal;

    const NAME: &'static str = "change API key";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<Value> = slice.iter().map(|command| command.key.into()).collect();
        let mut keys = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_API_KEYS, &[], &ids)? {
            let key = ApiKey::from_row(&row)?;
            keys.insert(key.id, key);
        }
        let new_secrets: Vec<Value> = slice
            .iter()
            .filter_map(|command| match &command.change {
                KeyChange::Create { public_id, .. } | KeyChange::Rotate { public_id, .. } => {
                    Some(public_id.to_string().into())
                }
                KeyChange::Revoke => None,
            })
            .collect();
        let mut secrets = BTreeMap::new();
        let found = tx.query_list(&statement::FIND_API_KEY_SECRETS, &[], &new_secrets)?;
        let of_keys = tx.query_list(&statement::FIND_SECRETS_OF_API_KEYS, &[], &ids)?;
        for row in found.iter().chain(&of_keys) {
            let secret = ApiKeySecret::from_row(row)?;
            secrets.insert(secret.public_id, secret);
        }
        let subjects: Vec<Subject> =
            slice.iter().map(|command| Subject::ApiKey(command.key)).collect();
        Ok(ChangeApiKeyFacts {
            keys,
            secrets,
            actors: Actors::load(tx, &subjects)?,
            changed_keys: BTreeSet::new(),
            changed_secrets: BTreeSet::new(),
            trail: Vec::new(),
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<KeyChanged, ChangeApiKeyRefusal> {
        let now = posting.now();
        match &self.change {
            KeyChange::Create { label, needs, expires_at, public_id, hash } => {
                let new = ApiKey {
                    id: self.key,
                    company: self.company,
                    actor: ActorNumber::SYSTEM, // Until it is registered.
                    label: label.clone(),
                    needs: *needs,
                    created_at: now,
                    expires_at: *expires_at,
                    revoked_at: None,
                    last_used_on: None,
                };
                self.create(facts, new, self.new_secret(*public_id, *hash, now))
            }
            KeyChange::Rotate { public_id, hash, overlap_seconds } => {
                let secret = self.new_secret(*public_id, *hash, now);
                self.rotate(facts, secret, *overlap_seconds)
            }
            KeyChange::Revoke => self.revoke(facts, now),
        }
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let keys: Vec<_> = facts
            .changed_keys
            .iter()
            .filter_map(|id| facts.keys.get(id))
            .map(ApiKey::to_row)
            .collect();
        let secrets: Vec<_> = facts
            .changed_secrets
            .iter()
            .filter_map(|id| facts.secrets.get(id))
            .map(|secret| secret.to_row())
            .collect();
        facts.actors.save(tx)?;
        tx.upsert(&statement::SAVE_API_KEYS, &keys)?;
        tx.upsert(&statement::SAVE_API_KEY_SECRETS, &secrets)?;
        audit_trail::append(tx, facts.trail).map(drop)
    }
}
