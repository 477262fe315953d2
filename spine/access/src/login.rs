//! Logins: a person's mail address and password, and what is done with them beside signing in.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    actor::{Actors, Subject},
    audit_trail::{self, AuditEntry, Outcome},
    authorized::Authenticated,
    credential::{PasswordHash, TotpSalt},
    policy::Role,
    refusal::{LOGIN_UNKNOWN, MAIL_TAKEN, PERSON_TAKEN, ROLE_MISFIT, RefusalKind},
    secret::SecretHash,
    session::{NewSession, Session, Stage},
    store::statement,
};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Reader, Row, Tx, Value};
use vocabulary::{CompanyNumber, Email, Id, Label, Timestamp, kind};

/// The two kinds of people, who never share a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Realm {
    /// Members of a company's site.
    Member,
    /// Staff of the operator and of the companies.
    Staff,
}

impl Realm {
    /// Gives the name of the cookie, whose prefix binds it to this host and to HTTPS.
    pub const fn cookie(self) -> &'static str {
        match self {
            Self::Member => "__Host-daifuku-member",
            Self::Staff => "__Host-daifuku-staff",
        }
    }

    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Staff => "staff",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        [Self::Member, Self::Staff].into_iter().find(|realm| realm.code() == code)
    }

    pub(crate) const fn subject(self, bytes: [u8; 16]) -> Subject {
        match self {
            Self::Member => Subject::Member(Id::from_bytes(bytes)),
            Self::Staff => Subject::Staff(Id::from_bytes(bytes)),
        }
    }

    const fn of(subject: Subject) -> Option<Self> {
        match subject {
            Subject::Member(_) => Some(Self::Member),
            Subject::Staff(_) => Some(Self::Staff),
            Subject::System | Subject::Job(_) | Subject::ApiKey(_) => None,
        }
    }

    fn fits(self, role: Role) -> bool {
        (self == Self::Member) == (role == Role::Member)
    }
}

/// What somebody types to say who they are, as a hash of fixed length; there is one whether a login
/// exists or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginKey([u8; 32]);

impl LoginKey {
    /// Names a member by mail address at a company's site.
    pub fn member(company: CompanyNumber, mail: &Email) -> Self {
        Self::hash(Realm::Member, company, mail)
    }

    /// Names a person of the staff by mail address; the console is one for all companies.
    pub fn staff(mail: &Email) -> Self {
        Self::hash(Realm::Staff, CompanyNumber::OPERATOR, mail)
    }

    fn hash(realm: Realm, company: CompanyNumber, mail: &Email) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"daifuku login\0");
        hash.update(realm.code());
        hash.update(company.get().to_be_bytes());
        hash.update(mail.as_str());
        Self(hash.finalize().into())
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// Shows nothing: whoever has a list of mail addresses could tell whose it is.
impl fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginKey(…)")
    }
}

/// Whether a login can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginStanding {
    /// It can.
    Open,
    /// It was closed; it can be opened again.
    Closed,
}

impl LoginStanding {
    const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        [Self::Open, Self::Closed].into_iter().find(|standing| standing.code() == code)
    }
}

/// A person's login.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub(crate) key: LoginKey,
    pub(crate) subject: Subject,
    pub(crate) actor: ActorNumber,
    pub(crate) company: CompanyNumber,
    pub(crate) role: Role,
    pub(crate) mail: Email,
    pub(crate) password: PasswordHash,
    pub(crate) totp: Option<TotpSalt>,
    /// The last step of a one-time code that was used; later ones only are taken.
    pub(crate) totp_step: u64,
    pub(crate) standing: LoginStanding,
    /// Grows when the password, the role, the second step or the standing changes.
    pub(crate) revision: u32,
    pub(crate) created_at: Timestamp,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, role, standing, .. } = self;
        write!(f, "Login({subject} {} {})", role.code(), standing.code())
    }
}

impl Login {
    /// Gives the key.
    pub const fn key(&self) -> LoginKey {
        self.key
    }

    /// Gives the person.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// Gives the number that the journal names the person by.
    pub const fn actor(&self) -> ActorNumber {
        self.actor
    }

    /// Gives the company.
    pub const fn company(&self) -> CompanyNumber {
        self.company
    }

    /// Gives the role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Gives when the login was opened.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Gives the mail address.
    pub const fn mail(&self) -> &Email {
        &self.mail
    }

    /// Tells whether it can be used.
    pub const fn standing(&self) -> LoginStanding {
        self.standing
    }

    /// Tells whether a second step is set up.
    pub const fn second_factor_set(&self) -> bool {
        self.totp.is_some()
    }

    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let realm = row.parsed(1, Realm::parse)?;
        Ok(Self {
            key: LoginKey(row.digest(0)?),
            subject: realm.subject(row.sixteen(2)?),
            actor: ActorNumber::from_number(row.unsigned(3)?),
            company: row.company(4)?,
            role: row.parsed(5, Role::parse)?,
            mail: row.parsed(6, |text| Email::parse(text).ok())?,
            password: row.parsed(7, PasswordHash::parse)?,
            totp: row.optional_sixteen(8)?.map(TotpSalt::from_bytes),
            totp_step: row.unsigned(9)?,
            standing: row.parsed(10, LoginStanding::parse)?,
            revision: row.small(11)?,
            created_at: row.timestamp(12)?,
        })
    }

    fn to_row(&self) -> [Value; 13] {
        [
            self.key.0.into(),
            Realm::of(self.subject).map_or("", Realm::code).into(),
            self.subject.to_bytes().into(),
            self.actor.get().into(),
            self.company.into(),
            self.role.code().into(),
            self.mail.as_str().into(),
            self.password.to_text().into(),
            self.totp.map(TotpSalt::to_bytes).into(),
            i64::try_from(self.totp_step).unwrap_or(i64::MAX).into(),
            self.standing.code().into(),
            self.revision.into(),
            self.created_at.into(),
        ]
    }
}

/// Finds a login by what somebody typed.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_login(reader: &mut Reader<'_>, key: LoginKey) -> Result<Option<Login>, Fault> {
    let rows = reader.query_list(&statement::FIND_LOGINS, &[], &[key.0.into()])?;
    rows.first().map(Login::from_row).transpose()
}

/// Finds the login of a person.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_login_of(reader: &mut Reader<'_>, subject: Subject) -> Result<Option<Login>, Fault> {
    let list = [subject.to_bytes().into()];
    let rows = reader.query_list(&statement::FIND_LOGINS_OF_SUBJECTS, &[], &list)?;
    rows.first().map(Login::from_row).transpose()
}

/// Finds the logins of some people, one query for all. Who has none is left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_logins_of(reader: &mut Reader<'_>, subjects: &[Subject]) -> Result<Vec<Login>, Fault> {
    let list: Vec<Value> = subjects.iter().map(|subject| subject.to_bytes().into()).collect();
    let rows = reader.query_list(&statement::FIND_LOGINS_OF_SUBJECTS, &[], &list)?;
    rows.iter().map(Login::from_row).collect()
}

/// Failed attempts in a row, for a mail address with a login or without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) count: u32,
    pub(crate) failed_at: Timestamp,
    pub(crate) locked_until: Timestamp,
}

impl Failures {
    /// The failures that lock nothing.
    const FREE: u32 = 5;
    const FIRST_LOCK_SECONDS: i64 = 30;
    /// So that nobody can lock another out for long.
    const LOCK_SECONDS_MAX: i64 = 900;

    /// Counts one more: each beyond the free ones locks for twice as long as the one before.
    fn after_another(self, now: Timestamp) -> Self {
        let old = now.microseconds_since(self.failed_at) > 86_400 * 1_000_000;
        let count = if old { 1 } else { self.count.saturating_add(1) };
        let locked_until = match count.checked_sub(Self::FREE) {
            None => Timestamp::default(),
            Some(beyond) => {
                let doubled = Self::FIRST_LOCK_SECONDS.saturating_mul(1 << beyond.min(20));
                now.plus_seconds(doubled.min(Self::LOCK_SECONDS_MAX))
            }
        };
        Self { count, failed_at: now, locked_until }
    }
}

/// What the commands about logins decide on.
#[derive(Debug)]
pub struct LoginFacts {
    pub(crate) logins: BTreeMap<LoginKey, Login>,
    pub(crate) sessions: BTreeMap<SecretHash, Session>,
    failures: BTreeMap<LoginKey, Failures>,
    codes: BTreeMap<SecretHash, [u8; 16]>,
    /// The logins that people have whom commands want to give one.
    owners: BTreeMap<[u8; 16], LoginKey>,
    actors: Actors,
    changed_logins: BTreeSet<LoginKey>,
    removed_logins: BTreeSet<LoginKey>,
    changed_failures: BTreeSet<LoginKey>,
    added_sessions: BTreeSet<SecretHash>,
    removed_sessions: BTreeSet<SecretHash>,
    cleared_sessions: BTreeSet<[u8; 16]>,
    added_codes: Vec<(SecretHash, [u8; 16])>,
    removed_codes: BTreeSet<SecretHash>,
    cleared_codes: BTreeSet<[u8; 16]>,
    trail: Vec<AuditEntry>,
}

/// A login to be.
pub(crate) struct NewLogin {
    pub(crate) key: LoginKey,
    pub(crate) subject: Subject,
    pub(crate) company: CompanyNumber,
    pub(crate) role: Role,
    pub(crate) mail: Email,
    pub(crate) password: PasswordHash,
}

/// What a slice of commands wants to be loaded.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) logins: Vec<LoginKey>,
    pub(crate) sessions: Vec<SecretHash>,
    pub(crate) codes: Vec<SecretHash>,
    pub(crate) subjects: Vec<Subject>,
}

impl LoginFacts {
    pub(crate) fn load(wanted: &Wanted, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let keys: Vec<Value> = wanted.logins.iter().map(|key| key.0.into()).collect();
        let bytes = |hash: &SecretHash| Value::from(hash.to_bytes());
        let session_hashes: Vec<Value> = wanted.sessions.iter().map(bytes).collect();
        let code_hashes: Vec<Value> = wanted.codes.iter().map(bytes).collect();
        let mut logins = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_LOGINS, &[], &keys)? {
            let login = Login::from_row(&row)?;
            logins.insert(login.key, login);
        }
        let mut failures = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_FAILURES, &[], &keys)? {
            let (count, failed_at) = (row.small(1)?, row.timestamp(2)?);
            let found = Failures { count, failed_at, locked_until: row.timestamp(3)? };
            failures.insert(LoginKey(row.digest(0)?), found);
        }
        let mut sessions = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_SESSIONS, &[], &session_hashes)? {
            let session = Session::from_row(&row)?;
            sessions.insert(session.hash, session);
        }
        let mut codes = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_RECOVERY_CODES, &[], &code_hashes)? {
            codes.insert(SecretHash::from_bytes(row.digest(0)?), row.sixteen(1)?);
        }
        let subjects: Vec<Value> =
            wanted.subjects.iter().map(|subject| subject.to_bytes().into()).collect();
        let mut owners = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_LOGINS_OF_SUBJECTS, &[], &subjects)? {
            owners.insert(row.sixteen(2)?, LoginKey(row.digest(0)?));
        }
        let actors = Actors::load(tx, &wanted.subjects)?;
        Ok(Self {
            owners,
            logins,
            sessions,
            failures,
            codes,
            actors,
            changed_logins: BTreeSet::new(),
            removed_logins: BTreeSet::new(),
            changed_failures: BTreeSet::new(),
            added_sessions: BTreeSet::new(),
            removed_sessions: BTreeSet::new(),
            cleared_sessions: BTreeSet::new(),
            added_codes: Vec::new(),
            removed_codes: BTreeSet::new(),
            cleared_codes: BTreeSet::new(),
            trail: Vec::new(),
        })
    }

    /// Writes all changes. What is cleared goes first: what came after it in the slice stays.
    pub(crate) fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let subjects =
            |set: &BTreeSet<[u8; 16]>| set.iter().map(|s| (*s).into()).collect::<Vec<Value>>();
        let hashes = |set: &BTreeSet<SecretHash>| {
            set.iter().map(|h| h.to_bytes().into()).collect::<Vec<Value>>()
        };
        self.actors.save(tx)?;
        let removed: Vec<Value> = self.removed_logins.iter().map(|key| key.0.into()).collect();
        tx.execute_list(&statement::REMOVE_LOGINS, &[], &removed)?;
        let logins = self.changed_logins.iter().filter_map(|key| self.logins.get(key));
        tx.upsert(&statement::SAVE_LOGINS, &logins.map(Login::to_row).collect::<Vec<_>>())?;
        let failures = self.changed_failures.iter().map(|key| {
            let Failures { count, failed_at, locked_until } =
                self.failures.get(key).copied().unwrap_or_default();
            [key.0.into(), count.into(), failed_at.into(), locked_until.into()]
        });
        tx.upsert(&statement::SAVE_FAILURES, &failures.collect::<Vec<[Value; 4]>>())?;
        let cleared = subjects(&self.cleared_sessions);
        tx.execute_list(&statement::REMOVE_SESSIONS_OF_SUBJECTS, &[], &cleared)?;
        tx.execute_list(&statement::REMOVE_SESSIONS, &[], &hashes(&self.removed_sessions))?;
        let sessions = self.added_sessions.iter().filter_map(|hash| self.sessions.get(hash));
        let sessions: Vec<_> = sessions.map(|session| session.to_row()).collect();
        tx.upsert(&statement::SAVE_SESSIONS, &sessions)?;
        let cleared = subjects(&self.cleared_codes);
        tx.execute_list(&statement::REMOVE_RECOVERY_CODES_OF_SUBJECTS, &[], &cleared)?;
        tx.execute_list(&statement::REMOVE_RECOVERY_CODES, &[], &hashes(&self.removed_codes))?;
        let codes = self.added_codes.iter();
        let codes = codes.map(|(hash, subject)| [hash.to_bytes().into(), (*subject).into()]);
        tx.insert(&statement::ADD_RECOVERY_CODES, &codes.collect::<Vec<[Value; 2]>>())?;
        audit_trail::append(tx, self.trail).map(drop)
    }

    pub(crate) fn put_login(&mut self, login: Login) {
        self.removed_logins.remove(&login.key);
        self.changed_logins.insert(login.key);
        self.logins.insert(login.key, login);
    }

    /// Takes a login away: the person has another address now, or none.
    pub(crate) fn remove_login(&mut self, key: LoginKey) {
        self.logins.remove(&key);
        self.changed_logins.remove(&key);
        self.removed_logins.insert(key);
    }

    /// Gives a person the first login.
    pub(crate) fn add_login(&mut self, new: NewLogin, now: Timestamp) -> Login {
        #[expect(clippy::expect_used, reason = "an id is 30 visible characters")]
        let label = Label::parse(&new.subject.to_string()).expect("an id is a label");
        let actor = self.actors.register(new.company, new.subject, &label);
        self.owners.insert(new.subject.to_bytes(), new.key);
        let login = Login {
            key: new.key,
            subject: new.subject,
            actor,
            company: new.company,
            role: new.role,
            mail: new.mail,
            password: new.password,
            totp: None,
            totp_step: 0,
            standing: LoginStanding::Open,
            revision: 1,
            created_at: now,
        };
        self.put_login(login.clone());
        login
    }

    pub(crate) fn locked_until(&self, key: LoginKey, now: Timestamp) -> Option<Timestamp> {
        let until = self.failures.get(&key)?.locked_until;
        (until > now).then_some(until)
    }

    pub(crate) fn count_failure(&mut self, key: LoginKey, now: Timestamp) {
        let failures = self.failures.entry(key).or_default();
        *failures = failures.after_another(now);
        self.changed_failures.insert(key);
    }

    pub(crate) fn clear_failures(&mut self, key: LoginKey) {
        if self.failures.remove(&key).is_some() {
            self.changed_failures.insert(key);
        }
    }

    /// Opens a session of a login.
    pub(crate) fn open_session(
        &mut self,
        login: &Login,
        new: NewSession,
        stage: Stage,
        now: Timestamp,
    ) -> Session {
        let session = Session {
            hash: new.hash,
            login: login.key,
            subject: login.subject.to_bytes(),
            stage,
            created_at: now,
            seen_at: now,
            ends_at: new.ends_at(stage, now),
        };
        self.added_sessions.insert(session.hash);
        self.sessions.insert(session.hash, session);
        session
    }

    pub(crate) fn end_session(&mut self, hash: SecretHash) {
        self.added_sessions.remove(&hash);
        self.sessions.remove(&hash);
        self.removed_sessions.insert(hash);
    }

    pub(crate) fn end_all_sessions(&mut self, subject: Subject) {
        let subject = subject.to_bytes();
        self.sessions.retain(|_hash, session| session.subject != subject);
        let sessions = &self.sessions;
        self.added_sessions.retain(|hash| sessions.contains_key(hash));
        self.cleared_sessions.insert(subject);
    }

    /// Uses up a recovery code; tells whether it was one of this person's.
    pub(crate) fn use_code(&mut self, subject: Subject, code: SecretHash) -> bool {
        let found = self.codes.get(&code) == Some(&subject.to_bytes());
        if found {
            self.codes.remove(&code);
            self.removed_codes.insert(code);
        }
        found
    }

    /// Replaces all recovery codes of a person.
    pub(crate) fn replace_codes(&mut self, subject: Subject, codes: &[SecretHash]) {
        let subject = subject.to_bytes();
        self.codes.retain(|_code, owner| *owner != subject);
        self.added_codes.retain(|(_code, owner)| *owner != subject);
        self.cleared_codes.insert(subject);
        self.added_codes.extend(codes.iter().map(|code| (*code, subject)));
    }

    pub(crate) fn record(&mut self, entry: AuditEntry) {
        self.trail.push(entry);
    }
}

/// Records what a person did with their own login.
pub(crate) fn own_entry(
    login: &Login,
    action: &'static str,
    request: Option<Id<kind::Request>>,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        at: now,
        actor: login.actor,
        company: login.company,
        action: action.to_owned(),
        subject: login.subject.to_string(),
        outcome: Outcome::Done,
        request,
    }
}

/// Gives a person a login. The same person with the same mail address is a repeat, which changes
/// nothing.
#[derive(Clone, Debug)]
pub struct AddLogin {
    /// Who asks: a member who signs up is added by the system.
    pub by: Authenticated,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
    /// The company: of whose site it is a member, or for whom it works.
    pub company: CompanyNumber,
    /// The person, a member or of the staff.
    pub subject: Subject,
    /// [`Role::Member`] for a member, another for staff.
    pub role: Role,
    /// The mail address.
    pub mail: Email,
    /// The password.
    pub password: PasswordHash,
}

/// What became of an added login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAdded {
    /// The number that the journal names the person by.
    pub actor: ActorNumber,
    /// The login's key.
    pub login: LoginKey,
}

/// Why a login is not added or changed, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// There is no such login.
    #[error("there is no login of this person")]
    Unknown,
    /// A member has the role of a member and nobody else has.
    #[error("the role does not fit the person")]
    RoleMisfit,
    /// Another person signs in with this mail address. Answer a sign-up as if it had been taken,
    /// and tell the address itself by mail.
    #[error("there is a login with this mail address")]
    MailTaken,
    /// The person has a login with another mail address.
    #[error("this person has a login")]
    PersonTaken,
}

impl LoginRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Unknown => &LOGIN_UNKNOWN,
            Self::RoleMisfit => &ROLE_MISFIT,
            Self::MailTaken => &MAIL_TAKEN,
            Self::PersonTaken => &PERSON_TAKEN,
        }
    }
}

impl AddLogin {
    fn key(&self) -> LoginKey {
        match Realm::of(self.subject) {
            Some(Realm::Member) => LoginKey::member(self.company, &self.mail),
            Some(Realm::Staff) | None => LoginKey::staff(&self.mail),
        }
    }
}

impl Command for AddLogin {
    type Facts = LoginFacts;
    type Receipt = LoginAdded;
    type Refusal = LoginRefusal;

    const NAME: &'static str = "add login";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LoginFacts, Fault> {
        let logins = slice.iter().map(Self::key).collect();
        let subjects = slice.iter().map(|command| command.subject).collect();
        LoginFacts::load(&Wanted { logins, subjects, ..Wanted::default() }, tx)
    }

    fn decide(
        &self,
        facts: &mut LoginFacts,
        posting: &mut Posting<'_>,
    ) -> Result<LoginAdded, LoginRefusal> {
        let now = posting.now();
        let key = self.key();
        if !Realm::of(self.subject).is_some_and(|realm| realm.fits(self.role)) {
            return Err(LoginRefusal::RoleMisfit);
        }
        match facts.logins.get(&key) {
            Some(login) if login.subject == self.subject => {
                return Ok(LoginAdded { actor: login.actor, login: key });
            }
            Some(_) => return Err(LoginRefusal::MailTaken),
            None => {}
        }
        if facts.owners.contains_key(&self.subject.to_bytes()) {
            return Err(LoginRefusal::PersonTaken);
        }
        let actor = facts
            .add_login(
                NewLogin {
                    key,
                    subject: self.subject,
                    company: self.company,
                    role: self.role,
                    mail: self.mail.clone(),
                    password: self.password.clone(),
                },
                now,
            )
            .actor;
        let mut entry = AuditEntry::done(now, &self.by, "login.add").of(self.company);
        entry.subject = self.subject.to_string();
        facts.record(entry.with(self.request));
        Ok(LoginAdded { actor, login: key })
    }

    fn save(facts: LoginFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Changes a login from outside. All sessions of the person end with it; a repeat ends them again.
#[derive(Clone, Debug)]
pub struct ChangeLogin {
    /// Who asks.
    pub by: Authenticated,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
    /// The login, of [`Login::key`].
    pub login: LoginKey,
    /// What is to be done.
    pub change: LoginChange,
}

/// What is to be done with a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginChange {
    /// Another role.
    Role(Role),
    /// No more signing in.
    Close,
    /// Signing in again.
    Reopen,
    /// No second step any more, for who lost the phone and the codes.
    ResetSecondFactor,
}

impl LoginChange {
    const fn action(self) -> &'static str {
        match self {
            Self::Role(_) => "login.change_role",
            Self::Close => "login.close",
            Self::Reopen => "login.reopen",
            Self::ResetSecondFactor => "login.reset_second_factor",
        }
    }
}

impl Command for ChangeLogin {
    type Facts = LoginFacts;
    /// Whose sessions ended: [`Sessions::forget_subject`](crate::Sessions::forget_subject).
    type Receipt = Subject;
    type Refusal = LoginRefusal;

    const NAME: &'static str = "change login";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LoginFacts, Fault> {
        let logins = slice.iter().map(|command| command.login).collect();
        LoginFacts::load(&Wanted { logins, ..Wanted::default() }, tx)
    }

    fn decide(
        &self,
        facts: &mut LoginFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Subject, LoginRefusal> {
        let old = facts.logins.get(&self.login).cloned().ok_or(LoginRefusal::Unknown)?;
        let subject = old.subject;
        let login = Login { revision: old.revision.saturating_add(1), ..old };
        let login = match self.change {
            LoginChange::Role(role) => {
                if !Realm::of(subject).is_some_and(|realm| realm.fits(role)) {
                    return Err(LoginRefusal::RoleMisfit);
                }
                Login { role, ..login }
            }
            LoginChange::Close => Login { standing: LoginStanding::Closed, ..login },
            LoginChange::Reopen => Login { standing: LoginStanding::Open, ..login },
            LoginChange::ResetSecondFactor => {
                facts.replace_codes(subject, &[]);
                Login { totp: None, ..login }
            }
        };
        let entry = AuditEntry::done(posting.now(), &self.by, self.change.action());
        let mut entry = entry.of(login.company).with(self.request);
        entry.subject = subject.to_string();
        facts.record(entry);
        facts.put_login(login);
        facts.end_all_sessions(subject);
        Ok(subject)
    }

    fn save(facts: LoginFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
