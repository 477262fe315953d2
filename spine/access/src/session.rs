//! Signed-in sessions: kept in the database by the hash of the browser's secret, known in memory.

use core::fmt;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    actor::Subject,
    authorized::Authenticated,
    credential::TotpSalt,
    login::{LoginKey, Realm},
    policy::Role,
    refusal::{RefusalKind, SECOND_FACTOR_PENDING, SESSION_ENDED},
    secret::{Secret, SecretHash},
    store::statement,
};
use ledger::ActorNumber;
use store::{Database, Fault, Reader, Row, Value};
use vocabulary::{CompanyNumber, Id, IdSource, Timestamp, kind};

/// How far somebody has come in signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The password was right; the role asks for a second step that is not set up yet.
    Enrolment,
    /// The password was right; the code is still to come.
    Code,
    /// Signed in.
    Full,
}

impl Stage {
    /// How long the first step waits for the second.
    const HALF_WAY_SECONDS: i64 = 600;

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Enrolment => "enrolment",
            Self::Code => "code",
            Self::Full => "full",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        [Self::Enrolment, Self::Code, Self::Full].into_iter().find(|stage| stage.code() == code)
    }
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle_seconds: u32,
    /// In all.
    pub absolute_seconds: u32,
}

impl SessionLimits {
    /// A member stays signed in for a week without a visit, for thirty days in all.
    pub const MEMBER: Self = Self { idle_seconds: 7 * 86_400, absolute_seconds: 30 * 86_400 };
    /// A person of the staff: half an hour, and a working day.
    pub const STAFF: Self = Self { idle_seconds: 1_800, absolute_seconds: 12 * 3_600 };
}

/// A session to be opened: the secret goes to the browser, the rest into the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub(crate) hash: SecretHash,
    pub(crate) absolute_seconds: u32,
}

impl NewSession {
    /// Draws the secret of a new session; set it as the cookie [`Realm::cookie`] once the command
    /// says that the session is open.
    pub fn draw(limits: SessionLimits, chance: &mut dyn IdSource) -> (Secret, Self) {
        let secret = Secret::draw(chance);
        let hash = secret.hash();
        (secret, Self { hash, absolute_seconds: limits.absolute_seconds })
    }

    pub(crate) fn ends_at(self, stage: Stage, now: Timestamp) -> Timestamp {
        let absolute = i64::from(self.absolute_seconds);
        now.plus_seconds(match stage {
            Stage::Enrolment | Stage::Code => absolute.min(Stage::HALF_WAY_SECONDS),
            Stage::Full => absolute,
        })
    }
}

/// A session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) hash: SecretHash,
    pub(crate) login: LoginKey,
    pub(crate) subject: [u8; 16],
    pub(crate) stage: Stage,
    pub(crate) created_at: Timestamp,
    pub(crate) seen_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

impl Session {
    pub(crate) fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            hash: SecretHash::from_bytes(row.digest(0)?),
            login: LoginKey::from_bytes(row.digest(1)?),
            subject: row.sixteen(2)?,
            stage: row.parsed(3, Stage::parse)?,
            created_at: row.timestamp(4)?,
            seen_at: row.timestamp(5)?,
            ends_at: row.timestamp(6)?,
        })
    }

    pub(crate) fn to_row(self) -> [Value; 7] {
        [
            self.hash.to_bytes().into(),
            self.login.to_bytes().into(),
            self.subject.into(),
            self.stage.code().into(),
            self.created_at.into(),
            self.seen_at.into(),
            self.ends_at.into(),
        ]
    }
}

/// Why a request is not signed in, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// No session, one of the other realm, or one that ended.
    #[error("there is no session, or it ended")]
    Ended,
    /// The second step is still to be done.
    #[error("the second step of signing in is still to be done")]
    Pending(Stage),
}

impl SessionRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Ended => &SESSION_ENDED,
            Self::Pending(_) => &SECOND_FACTOR_PENDING,
        }
    }
}

/// Whose session a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    session: SecretHash,
    login: LoginKey,
    realm: Realm,
    stage: Stage,
    ends_at: Timestamp,
    authenticated: Authenticated,
    totp: Option<TotpSalt>,
}

impl SignedIn {
    /// Gives who acts.
    ///
    /// # Errors
    ///
    /// [`SessionRefusal::Pending`] before the second step.
    pub const fn authenticated(&self) -> Result<&Authenticated, SessionRefusal> {
        match self.stage {
            Stage::Full => Ok(&self.authenticated),
            Stage::Enrolment | Stage::Code => Err(SessionRefusal::Pending(self.stage)),
        }
    }

    /// Gives the hash that names the session in commands.
    pub const fn session(&self) -> SecretHash {
        self.session
    }

    /// Gives the login's key.
    pub const fn login(&self) -> LoginKey {
        self.login
    }

    /// Gives the person, also before the second step.
    pub const fn subject(&self) -> Subject {
        self.authenticated.subject()
    }

    /// Tells how far signing in has come.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Tells when the session ends at the latest.
    pub const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Gives the salt of the authenticator that is set up.
    pub const fn totp(&self) -> Option<TotpSalt> {
        self.totp
    }
}

/// For how long a session is answered from memory before its row is read again: so long may another
/// node's sign-out take to be noticed here.
const FRESH_SECONDS: i64 = 30;

/// The least time between two notes that one session was seen.
const NOTE_SECONDS: i64 = 60;

/// The most sessions in memory, at about 300 bytes each.
const SESSIONS_MAX: usize = 200_000;

/// The sessions that this node has seen lately. Shared by all threads that serve.
#[derive(Debug)]
pub struct Sessions {
    member: SessionLimits,
    staff: SessionLimits,
    cached: Mutex<BTreeMap<SecretHash, Cached>>,
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    signed_in: SignedIn,
    read_at: Timestamp,
    seen_at: Timestamp,
    noted_at: Timestamp,
}

impl Sessions {
    /// Starts empty.
    pub const fn new(member: SessionLimits, staff: SessionLimits) -> Self {
        Self { member, staff, cached: Mutex::new(BTreeMap::new()) }
    }

    /// Gives the limits of a realm, for [`NewSession::draw`].
    pub const fn limits(&self, realm: Realm) -> SessionLimits {
        match realm {
            Realm::Member => self.member,
            Realm::Staff => self.staff,
        }
    }

    /// Tells whose session a cookie is of, from memory alone; `None` when the database must be
    /// asked with [`Sessions::find`].
    pub fn find_cached(
        &self,
        realm: Realm,
        cookie: &str,
        now: Timestamp,
    ) -> Option<Result<SignedIn, SessionRefusal>> {
        if cookie.len() != 43 {
            return Some(Err(SessionRefusal::Ended));
        }
        let hash = SecretHash::of(cookie);
        let mut cached = self.lock();
        let known = cached.get_mut(&hash)?;
        if now.microseconds_since(known.read_at) >= FRESH_SECONDS * 1_000_000 {
            return None;
        }
        Some(self.admit(realm, known, now))
    }

    /// Tells whose session a cookie is of. It may read one row, so not on a thread that serves
    /// many.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails; within, the refusal.
    pub fn find(
        &self,
        database: &Database,
        realm: Realm,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Result<SignedIn, SessionRefusal>, Fault> {
        if let Some(answer) = self.find_cached(realm, cookie, now) {
            return Ok(answer);
        }
        let hash = SecretHash::of(cookie);
        let found = database.read(|reader| find_signed_in(reader, hash))?;
        let mut cached = self.lock();
        let Some((signed_in, row_seen_at)) = found else {
            cached.remove(&hash);
            return Ok(Err(SessionRefusal::Ended));
        };
        let (seen_at, noted_at) = match cached.get(&hash) {
            Some(known) => (known.seen_at.max(row_seen_at), known.noted_at.max(row_seen_at)),
            None => (row_seen_at, row_seen_at),
        };
        let mut fresh = Cached { signed_in, read_at: now, seen_at, noted_at };
        let answer = self.admit(realm, &mut fresh, now);
        if cached.len() >= SESSIONS_MAX {
            cached.clear();
        }
        cached.insert(hash, fresh);
        Ok(answer)
    }

    /// Forgets one session, after the command that ended or replaced it.
    pub fn forget(&self, session: SecretHash) {
        self.lock().remove(&session);
    }

    /// Forgets all sessions of a person, after a command that ended them.
    pub fn forget_subject(&self, subject: Subject) {
        self.lock().retain(|_hash, known| known.signed_in.subject() != subject);
    }

    /// Takes what [`NoteUse`](crate::NoteUse) is to write, and forgets who has not come for an
    /// hour.
    pub(crate) fn take_seen(&self, now: Timestamp) -> Vec<SecretHash> {
        let mut cached = self.lock();
        let mut seen = Vec::new();
        cached.retain(|hash, known| {
            if known.seen_at.microseconds_since(known.noted_at) >= NOTE_SECONDS * 1_000_000 {
                known.noted_at = now;
                seen.push(*hash);
            }
            now.microseconds_since(known.seen_at) < 3_600 * 1_000_000
        });
        seen
    }

    /// Lists the members who came within the last `seconds`, an hour at most, each once.
    pub fn members_seen(&self, now: Timestamp, seconds: u32) -> Vec<Id<kind::Member>> {
        let since = now.plus_seconds(i64::from(seconds).saturating_neg());
        let cached = self.lock();
        let seen = cached
            .values()
            .filter(|known| known.seen_at >= since && known.signed_in.stage() == Stage::Full);
        let members = seen.filter_map(|known| known.signed_in.authenticated.member());
        members.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn admit(
        &self,
        realm: Realm,
        known: &mut Cached,
        now: Timestamp,
    ) -> Result<SignedIn, SessionRefusal> {
        let idle_seconds = self.limits(known.signed_in.realm).idle_seconds;
        let idle_end = known.seen_at.plus_seconds(i64::from(idle_seconds));
        if known.signed_in.realm != realm || known.signed_in.ends_at <= now || idle_end <= now {
            return Err(SessionRefusal::Ended);
        }
        known.seen_at = known.seen_at.max(now);
        Ok(known.signed_in)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SecretHash, Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session as its owner reads of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// What names it in [`SignOut`](crate::SignOut).
    pub session: SecretHash,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was seen last, to the minute or so.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

/// Lists the sessions of a person that go on, the one seen last first; at most a hundred.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_sessions(
    reader: &mut Reader<'_>,
    subject: Subject,
    now: Timestamp,
) -> Result<Vec<BrowserSession>, Fault> {
    let values = [subject.to_bytes().into(), now.into()];
    let rows = reader.query(&statement::LIST_SESSIONS_OF_SUBJECT, &values)?;
    let all = rows.iter().map(Session::from_row).collect::<Result<Vec<_>, _>>()?;
    let full = all.into_iter().filter(|session| session.stage == Stage::Full);
    let shown = full.map(|session| BrowserSession {
        session: session.hash,
        created_at: session.created_at,
        seen_at: session.seen_at,
        ends_at: session.ends_at,
    });
    Ok(shown.collect())
}

fn find_signed_in(
    reader: &mut Reader<'_>,
    hash: SecretHash,
) -> Result<Option<(SignedIn, Timestamp)>, Fault> {
    let Some(row) = reader.query_one(&statement::FIND_SIGNED_IN, &[hash.to_bytes().into()])? else {
        return Ok(None);
    };
    let realm = row.parsed(4, Realm::parse)?;
    let actor = ActorNumber::from_number(row.unsigned(6)?);
    let company: CompanyNumber = row.company(7)?;
    let subject = realm.subject(row.sixteen(5)?);
    let role = row.parsed(8, Role::parse)?;
    let signed_in = SignedIn {
        session: hash,
        login: LoginKey::from_bytes(row.digest(3)?),
        realm,
        stage: row.parsed(0, Stage::parse)?,
        ends_at: row.timestamp(2)?,
        authenticated: Authenticated::person(actor, company, subject, role),
        totp: row.optional_sixteen(9)?.map(TotpSalt::from_bytes),
    };
    Ok(Some((signed_in, row.timestamp(1)?)))
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
