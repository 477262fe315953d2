//! Proofs that somebody reads the mail of an address: a letter with a code and a link, for signing
//! up, for a lost password, for another address.
//!
//! | step | command | what |
//! |---|---|---|
//! | 1 | [`AskProof`] | a letter goes; which one, the writer chooses |
//! | 2 | [`ProveMail`] | the code, in the browser that asked, or the link, in any |
//! | 3 | [`OpenMember`], [`ResetPassword`], [`ChangeMail`] | uses the proof up, once |
//!
//! Whether an address has a login shows nowhere but in the letter that it gets: a letter goes
//! either way, the same page comes next, and wrong codes are counted alike.
//!
//! A new member chooses the password after the proof and not before: otherwise somebody could begin
//! with another's address and a password of their own, and the other would open it for them.

use core::convert::Infallible;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    actor::Subject,
    audit_trail::AuditEntry,
    credential::PasswordHash,
    login::{Login, LoginFacts, LoginKey, LoginStanding, NewLogin, Wanted, own_entry},
    policy::Role,
    refusal::{CODE_WRONG, MAIL_TAKEN, PROOF_ENDED, PROOF_THROTTLED, RefusalKind, SESSION_ENDED},
    secret::{Secret, SecretHash, draw_bytes},
    session::{NewSession, Session, Stage},
    sign_in::OpenedSession,
    store::statement,
};
use ledger::AccountSpec;
use mail::Letter;
use store::{Command, Fault, Posting, Reader, Row, Tx, Value};
use vocabulary::{CompanyNumber, Email, Id, IdSource, Timestamp, Token, kind};

/// How long a code or link is good.
pub const PROOF_SECONDS: i64 = 1_800;

/// How long there is for what a proof is for, once it is given.
const USE_SECONDS: i64 = 1_800;

/// How many wrong codes end a proof: one in 200,000 guesses right.
const FAILURES_MAX: u32 = 5;

/// How many letters one address is sent within [`WINDOW_SECONDS`], whoever asks.
const LETTERS_MAX: u32 = 5;

const WINDOW_SECONDS: i64 = 3_600;

/// What a proof is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofPurpose {
    /// Becoming a member.
    SignUp,
    /// A new password for one that is lost.
    Reset,
    /// Another address for a member.
    ChangeMail,
}

impl ProofPurpose {
    const fn code(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Reset => "reset",
            Self::ChangeMail => "change_mail",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        [Self::SignUp, Self::Reset, Self::ChangeMail].into_iter().find(|one| one.code() == code)
    }
}

/// Six digits that a letter carries. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct MailCode(String);

impl core::fmt::Debug for MailCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MailCode(…)")
    }
}

impl MailCode {
    /// Draws one.
    pub fn draw(chance: &mut dyn IdSource) -> Self {
        let [a, b, c, d, ..] = draw_bytes(chance);
        // Of 2³² numbers, 704 in four thousand million come up once more than others.
        Self(format!("{:06}", u32::from_be_bytes([a, b, c, d]).checked_rem(1_000_000).unwrap_or(0)))
    }

    /// Takes what was typed: blanks and hyphens go, digits of a Japanese keyboard are digits.
    pub fn typed(text: &str) -> Self {
        let wide = |c: char| u32::from(c).checked_sub(0xFF10).filter(|digit| *digit < 10);
        let digit = |c: char| wide(c).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c);
        let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        Self(kept.map(digit).take(12).collect())
    }

    /// Gives the digits, for the letter.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hashes it together with the secret of the browser that asked.
    pub fn hash(&self, browser: &str) -> SecretHash {
        let mut hash = Sha256::new();
        hash.update(b"daifuku mail code\0");
        hash.update(browser);
        hash.update(b"\0");
        hash.update(&self.0);
        SecretHash::from_bytes(hash.finalize().into())
    }
}

/// A proof as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailProof {
    id: Id<kind::Letter>,
    purpose: ProofPurpose,
    login: LoginKey,
    company: CompanyNumber,
    mail: Email,
    subject: Option<[u8; 16]>,
    browser: SecretHash,
    link: Option<SecretHash>,
    code: Option<SecretHash>,
    carried: Option<Token>,
    failures: u32,
    made_at: Timestamp,
    ends_at: Timestamp,
    proven_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}

impl MailProof {
    /// Tells what it is for.
    pub const fn purpose(&self) -> ProofPurpose {
        self.purpose
    }

    /// Gives the address.
    pub const fn mail(&self) -> &Email {
        &self.mail
    }

    /// Gives what names a login with that address.
    pub const fn login(&self) -> LoginKey {
        self.login
    }

    /// Gives what the person came with.
    pub const fn carried(&self) -> Option<&Token> {
        self.carried.as_ref()
    }

    /// Tells whether it can still be given or used.
    pub fn open(&self, now: Timestamp) -> bool {
        let until = self.proven_at.map_or(self.ends_at, |at| at.plus_seconds(USE_SECONDS));
        self.used_at.is_none() && self.failures < FAILURES_MAX && now < until
    }

    /// Tells whether it was given and can be used.
    pub fn proven(&self, now: Timestamp) -> bool {
        self.proven_at.is_some() && self.open(now)
    }

    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let hash = |column| -> Result<Option<SecretHash>, Fault> {
            let found = row.optional_bytes(column)?.map(<[u8; 32]>::try_from).transpose();
            Ok(found.map_err(|_ignored| row.corrupt("32 bytes"))?.map(SecretHash::from_bytes))
        };
        let carried = row.optional_text(9)?.map(Token::parse).transpose();
        Ok(Self {
            id: row.id(0)?,
            purpose: row.parsed(1, ProofPurpose::parse)?,
            login: LoginKey::from_bytes(row.digest(2)?),
            company: row.company(3)?,
            mail: row.parsed(4, |text| Email::parse(text).ok())?,
            subject: row.optional_sixteen(5)?,
            browser: SecretHash::from_bytes(row.digest(6)?),
            link: hash(7)?,
            code: hash(8)?,
            carried: carried.map_err(|_ignored| row.corrupt("a token"))?,
            failures: row.small(10)?,
            made_at: row.timestamp(11)?,
            ends_at: row.timestamp(12)?,
            proven_at: row.optional_timestamp(13)?,
            used_at: row.optional_timestamp(14)?,
        })
    }

    fn to_row(&self) -> [Value; 15] {
        let hash = |hash: Option<SecretHash>| hash.map(|hash| hash.to_bytes().to_vec());
        [
            self.id.into(),
            self.purpose.code().into(),
            self.login.to_bytes().into(),
            self.company.into(),
            self.mail.as_str().into(),
            self.subject.into(),
            self.browser.to_bytes().into(),
            hash(self.link).map_or(Value::Null, Value::Bytes),
            hash(self.code).map_or(Value::Null, Value::Bytes),
            self.carried.as_ref().map(Token::as_str).into(),
            self.failures.into(),
            self.made_at.into(),
            self.ends_at.into(),
            self.proven_at.into(),
            self.used_at.into(),
        ]
    }
}

/// Finds the proof that a browser's secret belongs to.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_proof(reader: &mut Reader<'_>, secret: &str) -> Result<Option<MailProof>, Fault> {
    let hash = [SecretHash::of(secret).to_bytes().into()];
    let rows = reader.query_list(&statement::FIND_MAIL_PROOFS_OF_BROWSERS, &[], &hash)?;
    rows.first().map(MailProof::from_row).transpose()
}

/// Finds the proof that a link belongs to.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_proof_of_link(
    reader: &mut Reader<'_>,
    secret: &str,
) -> Result<Option<MailProof>, Fault> {
    let hash = [SecretHash::of(secret).to_bytes().into()];
    let rows = reader.query_list(&statement::FIND_MAIL_PROOFS_OF_LINKS, &[], &hash)?;
    rows.first().map(MailProof::from_row).transpose()
}

/// What a new member came with, as long as the proof is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Who became a member.
    pub member: Id<kind::Member>,
    /// What they came with.
    pub token: Token,
    /// When they became one.
    pub opened_at: Timestamp,
}

/// Lists what those came with who became members by proofs that ended after a moment: for what is
/// to follow from it and was cut off. At most ten thousand, the oldest first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_carried(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
) -> Result<Vec<Carried>, Fault> {
    let rows = reader.query(&statement::LIST_CARRIED, &[since.into(), company.into()])?;
    let carried = |row: &Row<'_>| {
        Ok(Carried {
            member: row.id(0)?,
            token: row.parsed(1, |text| Token::parse(text).ok())?,
            opened_at: row.timestamp(2)?,
        })
    };
    rows.iter().map(carried).collect()
}

/// Why a proof is not asked for, given or used, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// The address got several letters within the hour.
    #[error("the address was sent several letters; wait {retry_after_seconds} seconds")]
    Throttled {
        /// When to ask again.
        retry_after_seconds: u32,
    },
    /// There is no such proof, it is past its time, used, or was tried too often.
    #[error("the code or link is past its time or was used")]
    Ended,
    /// The session that asked has ended.
    #[error("there is no session, or it ended")]
    SessionEnded,
    /// The code is another one.
    #[error("the code is not the one of the letter")]
    CodeWrong,
    /// Another person has a login with the address meanwhile.
    #[error("there is a login with this mail address")]
    MailTaken,
}

impl ProofRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Throttled { .. } => &PROOF_THROTTLED,
            Self::Ended => &PROOF_ENDED,
            Self::SessionEnded => &SESSION_ENDED,
            Self::CodeWrong => &CODE_WRONG,
            Self::MailTaken => &MAIL_TAKEN,
        }
    }
}

/// What these commands decide on.
#[derive(Debug)]
pub struct ProofFacts {
    logins: LoginFacts,
    proofs: BTreeMap<Id<kind::Letter>, MailProof>,
    /// Letters of the last hour by address: how many, the first of them.
    recent: BTreeMap<LoginKey, (u32, Timestamp)>,
    changed: BTreeSet<Id<kind::Letter>>,
    letters: Vec<Letter>,
    now: Timestamp,
}

#[derive(Default)]
struct ProofWanted {
    logins: Wanted,
    ids: Vec<Value>,
    browsers: Vec<Value>,
    links: Vec<Value>,
    since: Option<Timestamp>,
}

impl ProofFacts {
    fn load(wanted: &ProofWanted, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let mut proofs = BTreeMap::new();
        let lists = [
            (&statement::FIND_MAIL_PROOFS, &wanted.ids),
            (&statement::FIND_MAIL_PROOFS_OF_BROWSERS, &wanted.browsers),
            (&statement::FIND_MAIL_PROOFS_OF_LINKS, &wanted.links),
        ];
        for (statement, list) in lists {
            for row in tx.query_list(statement, &[], list)? {
                let proof = MailProof::from_row(&row)?;
                proofs.insert(proof.id, proof);
            }
        }
        let mut recent = BTreeMap::new();
        if let Some(since) = wanted.since {
            let keys: Vec<Value> =
                wanted.logins.logins.iter().map(|key| key.to_bytes().into()).collect();
            for row in tx.query_list(&statement::COUNT_MAIL_PROOFS, &[since.into()], &keys)? {
                let found = (row.small(1)?, row.timestamp(2)?);
                recent.insert(LoginKey::from_bytes(row.digest(0)?), found);
            }
        }
        Ok(Self {
            logins: LoginFacts::load(&wanted.logins, tx)?,
            proofs,
            recent,
            changed: BTreeSet::new(),
            letters: Vec::new(),
            now: Timestamp::default(),
        })
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.proofs.get(id));
        tx.upsert(
            &statement::SAVE_MAIL_PROOFS,
            &changed.map(MailProof::to_row).collect::<Vec<_>>(),
        )?;
        self.logins.save(tx)?;
        mail::enqueue(tx, &self.letters, self.now)
    }

    fn put(&mut self, proof: MailProof) {
        self.changed.insert(proof.id);
        self.proofs.insert(proof.id, proof);
    }

    fn of_browser(&self, browser: SecretHash) -> Option<MailProof> {
        self.proofs.values().find(|proof| proof.browser.matches(&browser)).cloned()
    }

    /// Finds the proof that a command uses up.
    fn usable(
        &self,
        browser: SecretHash,
        purpose: ProofPurpose,
        login: LoginKey,
        now: Timestamp,
    ) -> Result<MailProof, ProofRefusal> {
        let fits = |proof: &MailProof| {
            proof.purpose == purpose && proof.login == login && proof.proven(now)
        };
        self.of_browser(browser).filter(fits).ok_or(ProofRefusal::Ended)
    }

    fn use_up(&mut self, proof: MailProof, now: Timestamp) {
        self.put(MailProof { used_at: Some(now), ..proof });
    }

    fn send(&mut self, letter: &Letter, now: Timestamp) {
        self.letters.push(letter.clone());
        self.now = now;
    }

    /// Finds the session that a command opened when it was decided before.
    fn repeated(&self, new: NewSession) -> Option<OpenedSession> {
        let session = self.logins.sessions.get(&new.hash)?;
        let login = self.logins.logins.get(&session.login)?;
        Some(OpenedSession::new(login, session))
    }
}

/// Asks for a proof. A repeat with the same id changes nothing.
#[derive(Clone, Debug)]
pub struct AskProof {
    /// What for.
    pub purpose: ProofPurpose,
    /// The company of whose site the person is or becomes a member.
    pub company: CompanyNumber,
    /// The address.
    pub mail: Email,
    /// The session in which a member asks for another address.
    pub asked_in: Option<SecretHash>,
    /// That member's login.
    pub asked_by: Option<LoginKey>,
    /// The secret that the browser keeps, hashed.
    pub browser: SecretHash,
    /// The link's secret, hashed.
    pub link: SecretHash,
    /// The code, of [`MailCode::hash`].
    pub code: SecretHash,
    /// What the person came with, given back when they have signed up.
    pub carried: Option<Token>,
    /// The letter with the code and the link; its id names the proof.
    pub letter: Letter,
    /// The letter that goes instead, under the same id: who signs up has a login, who lost the
    /// password has none.
    pub other: Letter,
    /// The moment it is, to count letters from.
    pub now: Timestamp,
}

impl Command for AskProof {
    type Facts = ProofFacts;
    type Receipt = ();
    type Refusal = ProofRefusal;

    const NAME: &'static str = "ask for mail proof";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProofFacts, Fault> {
        let mut wanted = ProofWanted::default();
        for command in slice {
            wanted.ids.push(command.letter.id.into());
            wanted.logins.logins.push(LoginKey::member(command.company, &command.mail));
            wanted.logins.logins.extend(command.asked_by);
            wanted.logins.sessions.extend(command.asked_in);
        }
        let since = slice.iter().map(|command| command.now).min();
        wanted.since = since.map(|now| now.plus_seconds(-WINDOW_SECONDS));
        ProofFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut ProofFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ProofRefusal> {
        let now = posting.now();
        if facts.proofs.contains_key(&self.letter.id) {
            return Ok(());
        }
        let key = LoginKey::member(self.company, &self.mail);
        let (count, first) = facts.recent.get(&key).copied().unwrap_or((0, now));
        if count >= LETTERS_MAX {
            let wait = first.plus_seconds(WINDOW_SECONDS).microseconds_since(now);
            let seconds = wait.checked_div(1_000_000).unwrap_or(0).clamp(1, WINDOW_SECONDS);
            let retry_after_seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            return Err(ProofRefusal::Throttled { retry_after_seconds });
        }
        let known = facts.logins.logins.get(&key);
        let (carries, subject) = match self.purpose {
            ProofPurpose::SignUp => (known.is_none(), None),
            ProofPurpose::Reset => {
                let open = known.filter(|login| login.standing == LoginStanding::Open);
                (open.is_some(), open.map(|login| login.subject.to_bytes()))
            }
            ProofPurpose::ChangeMail => {
                let login = find_session_login(&facts.logins, self.asked_by, self.asked_in, now);
                let login = login.ok_or(ProofRefusal::SessionEnded)?;
                (known.is_none(), Some(login.subject.to_bytes()))
            }
        };
        facts.recent.insert(key, (count.saturating_add(1), first));
        facts.put(MailProof {
            id: self.letter.id,
            purpose: self.purpose,
            login: key,
            company: self.company,
            mail: self.mail.clone(),
            subject,
            browser: self.browser,
            link: carries.then_some(self.link),
            code: carries.then_some(self.code),
            carried: self.carried.clone(),
            failures: 0,
            made_at: now,
            ends_at: now.plus_seconds(PROOF_SECONDS),
            proven_at: None,
            used_at: None,
        });
        facts.send(if carries { &self.letter } else { &self.other }, now);
        Ok(())
    }

    fn save(facts: ProofFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

fn find_session_login(
    facts: &LoginFacts,
    login: Option<LoginKey>,
    session: Option<SecretHash>,
    now: Timestamp,
) -> Option<Login> {
    let fits = |session: &&Session| {
        Some(session.login) == login && session.ends_at > now && session.stage == Stage::Full
    };
    let session = facts.sessions.get(&session?).filter(fits)?;
    let open = |login: &&Login| login.standing == LoginStanding::Open;
    facts.logins.get(&session.login).filter(open).cloned()
}

/// How somebody shows that they read the mail.
#[derive(Clone, Copy, Debug)]
pub enum ProofBy {
    /// With the code, in the browser that asked.
    Code {
        /// The browser's secret, hashed.
        browser: SecretHash,
        /// What was typed, of [`MailCode::hash`].
        code: SecretHash,
    },
    /// With the link, in any browser, which goes on with a secret of its own.
    Link {
        /// The link's secret, hashed.
        link: SecretHash,
        /// The new secret, hashed.
        browser: SecretHash,
    },
}

/// Gives a proof. A repeat with the code gives the same answer; a link that is opened again hands
/// the proof on to the browser that opened it last.
#[derive(Clone, Copy, Debug)]
pub struct ProveMail {
    /// What for.
    pub purpose: ProofPurpose,
    /// How.
    pub by: ProofBy,
}

/// What came of it. A wrong code is no refusal of the command, because it is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofOutcome {
    /// The proof is given: on to what it is for.
    Proven,
    /// It is not.
    Refused(ProofRefusal),
}

impl Command for ProveMail {
    type Facts = ProofFacts;
    type Receipt = ProofOutcome;
    type Refusal = Infallible;

    const NAME: &'static str = "prove mail";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProofFacts, Fault> {
        let mut wanted = ProofWanted::default();
        for command in slice {
            match command.by {
                ProofBy::Code { browser, .. } => wanted.browsers.push(browser.to_bytes().into()),
                ProofBy::Link { link, .. } => wanted.links.push(link.to_bytes().into()),
            }
        }
        ProofFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut ProofFacts,
        posting: &mut Posting<'_>,
    ) -> Result<ProofOutcome, Infallible> {
        let now = posting.now();
        let found = match self.by {
            ProofBy::Code { browser, .. } => facts.of_browser(browser),
            ProofBy::Link { link, .. } => {
                facts.proofs.values().find(|proof| proof.link == Some(link)).cloned()
            }
        };
        let open = |proof: &MailProof| proof.purpose == self.purpose && proof.open(now);
        let Some(proof) = found.filter(open) else {
            return Ok(ProofOutcome::Refused(ProofRefusal::Ended));
        };
        let proven_at = Some(proof.proven_at.unwrap_or(now));
        let (proof, outcome) = match self.by {
            ProofBy::Link { browser, .. } => {
                (MailProof { browser, proven_at, ..proof }, ProofOutcome::Proven)
            }
            ProofBy::Code { code, .. } if proof.code.is_some_and(|own| own.matches(&code)) => {
                (MailProof { proven_at, ..proof }, ProofOutcome::Proven)
            }
            ProofBy::Code { .. } => {
                let failures = proof.failures.saturating_add(1);
                let refusal = if failures < FAILURES_MAX {
                    ProofRefusal::CodeWrong
                } else {
                    ProofRefusal::Ended
                };
                (MailProof { failures, ..proof }, ProofOutcome::Refused(refusal))
            }
        };
        facts.put(proof);
        Ok(outcome)
    }

    fn save(facts: ProofFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Makes whoever gave a proof a member, and signs them in. A repeat with the same session gives the
/// same answer.
#[derive(Clone, Debug)]
pub struct OpenMember {
    /// The browser's secret, hashed.
    pub browser: SecretHash,
    /// The login of the proof, of [`MailProof::login`].
    pub login: LoginKey,
    /// The member to be, drawn anew.
    pub member: Id<kind::Member>,
    /// The password.
    pub password: PasswordHash,
    /// The session to open.
    pub session: NewSession,
    /// What the member's points are counted in; opened along with the login.
    pub account: Option<AccountSpec>,
    /// The letter of welcome.
    pub welcome: Letter,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

/// A member who was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberOpened {
    /// The session.
    pub opened: OpenedSession,
    /// What the person came with.
    pub carried: Option<Token>,
}

impl Command for OpenMember {
    type Facts = ProofFacts;
    type Receipt = MemberOpened;
    type Refusal = ProofRefusal;

    const NAME: &'static str = "open member";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProofFacts, Fault> {
        let mut wanted = ProofWanted::default();
        for command in slice {
            wanted.browsers.push(command.browser.to_bytes().into());
            wanted.logins.logins.push(command.login);
            wanted.logins.sessions.push(command.session.hash);
            wanted.logins.subjects.push(Subject::Member(command.member));
        }
        ProofFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut ProofFacts,
        posting: &mut Posting<'_>,
    ) -> Result<MemberOpened, ProofRefusal> {
        let now = posting.now();
        if let Some(opened) = facts.repeated(self.session) {
            let carried = facts.of_browser(self.browser).and_then(|proof| proof.carried);
            return Ok(MemberOpened { opened, carried });
        }
        let proof = facts.usable(self.browser, ProofPurpose::SignUp, self.login, now)?;
        if facts.logins.logins.contains_key(&self.login) {
            return Err(ProofRefusal::MailTaken);
        }
        if let Some(spec) = self.account {
            // The id is drawn anew: an account of this id by other rules would be a bug.
            posting.open_account(spec).map_err(|_differs| ProofRefusal::Ended)?;
        }
        let new = NewLogin {
            key: self.login,
            subject: Subject::Member(self.member),
            company: proof.company,
            role: Role::Member,
            mail: proof.mail.clone(),
            password: self.password.clone(),
        };
        let login = facts.logins.add_login(new, now);
        facts.logins.clear_failures(self.login);
        facts.logins.record(own_entry(&login, "login.add", self.request, now));
        let session = facts.logins.open_session(&login, self.session, Stage::Full, now);
        let carried = proof.carried.clone();
        facts.use_up(proof, now);
        facts.send(&self.welcome, now);
        Ok(MemberOpened { opened: OpenedSession::new(&login, &session), carried })
    }

    fn save(facts: ProofFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Sets a new password for whoever gave a proof. All sessions of the person end, and a second step
/// is still asked for. A repeat with the same session gives the same answer.
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// The browser's secret, hashed.
    pub browser: SecretHash,
    /// The login of the proof, of [`MailProof::login`].
    pub login: LoginKey,
    /// The new password.
    pub password: PasswordHash,
    /// The session to open.
    pub session: NewSession,
    /// The letter that tells the person of it.
    pub notice: Letter,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl Command for ResetPassword {
    type Facts = ProofFacts;
    type Receipt = OpenedSession;
    type Refusal = ProofRefusal;

    const NAME: &'static str = "reset password";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProofFacts, Fault> {
        let mut wanted = ProofWanted::default();
        for command in slice {
            wanted.browsers.push(command.browser.to_bytes().into());
            wanted.logins.logins.push(command.login);
            wanted.logins.sessions.push(command.session.hash);
        }
        ProofFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut ProofFacts,
        posting: &mut Posting<'_>,
    ) -> Result<OpenedSession, ProofRefusal> {
        let now = posting.now();
        if let Some(opened) = facts.repeated(self.session) {
            return Ok(opened);
        }
        let proof = facts.usable(self.browser, ProofPurpose::Reset, self.login, now)?;
        let login = facts.logins.logins.get(&self.login).filter(|login| {
            login.standing == LoginStanding::Open && Some(login.subject.to_bytes()) == proof.subject
        });
        let old = login.cloned().ok_or(ProofRefusal::Ended)?;
        let revision = old.revision.saturating_add(1);
        let login = Login { password: self.password.clone(), revision, ..old };
        facts.logins.put_login(login.clone());
        facts.logins.end_all_sessions(login.subject);
        facts.logins.clear_failures(self.login);
        facts.logins.record(own_entry(&login, "login.reset_password", self.request, now));
        let stage = if login.totp.is_some() { Stage::Code } else { Stage::Full };
        let session = facts.logins.open_session(&login, self.session, stage, now);
        facts.use_up(proof, now);
        facts.send(&self.notice, now);
        Ok(OpenedSession::new(&login, &session))
    }

    fn save(facts: ProofFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Gives a member the address that they proved, in place of the one before. All sessions of the
/// person end but the one that is opened. A repeat with the same session gives the same answer.
#[derive(Clone, Debug)]
pub struct ChangeMail {
    /// The browser's secret, hashed.
    pub browser: SecretHash,
    /// The login of the proof, of [`MailProof::login`].
    pub login: LoginKey,
    /// The login as it is, of [`SignedIn::login`](crate::SignedIn::login).
    pub old: LoginKey,
    /// The session in which it is done.
    pub previous: SecretHash,
    /// The session to open.
    pub session: NewSession,
    /// The letter that tells the old address.
    pub notice: Letter,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl Command for ChangeMail {
    type Facts = ProofFacts;
    type Receipt = OpenedSession;
    type Refusal = ProofRefusal;

    const NAME: &'static str = "change mail";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProofFacts, Fault> {
        let mut wanted = ProofWanted::default();
        for command in slice {
            wanted.browsers.push(command.browser.to_bytes().into());
            wanted.logins.logins.extend([command.login, command.old]);
            wanted.logins.sessions.extend([command.session.hash, command.previous]);
        }
        ProofFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut ProofFacts,
        posting: &mut Posting<'_>,
    ) -> Result<OpenedSession, ProofRefusal> {
        let now = posting.now();
        if let Some(opened) = facts.repeated(self.session) {
            return Ok(opened);
        }
        let proof = facts.usable(self.browser, ProofPurpose::ChangeMail, self.login, now)?;
        let old = find_session_login(&facts.logins, Some(self.old), Some(self.previous), now);
        let old = old.ok_or(ProofRefusal::SessionEnded)?;
        // A proof that another member asked for is none of this one's.
        if proof.subject != Some(old.subject.to_bytes()) {
            return Err(ProofRefusal::Ended);
        }
        if facts.logins.logins.contains_key(&self.login) {
            return Err(ProofRefusal::MailTaken);
        }
        let revision = old.revision.saturating_add(1);
        let login = Login { key: self.login, mail: proof.mail.clone(), revision, ..old };
        facts.logins.remove_login(self.old);
        facts.logins.put_login(login.clone());
        facts.logins.end_all_sessions(login.subject);
        facts.logins.record(own_entry(&login, "login.change_mail", self.request, now));
        let session = facts.logins.open_session(&login, self.session, Stage::Full, now);
        facts.use_up(proof, now);
        facts.send(&self.notice, now);
        Ok(OpenedSession::new(&login, &session))
    }

    fn save(facts: ProofFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Forgets who a person is: the login, its sessions and passkeys, and the proofs of its address.
/// The number that the journal names the person by stays. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct EraseLogin {
    /// The login, of [`Login::key`].
    pub login: LoginKey,
    /// Who asks; most often the job that ends a membership.
    pub by: crate::Authenticated,
}

/// What [`EraseLogin`] decides on.
#[derive(Debug)]
pub struct EraseFacts {
    logins: LoginFacts,
    erased: Vec<Login>,
}

impl Command for EraseLogin {
    type Facts = EraseFacts;
    /// Whose sessions ended, if there was a login.
    type Receipt = Option<Subject>;
    type Refusal = Infallible;

    const NAME: &'static str = "erase login";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<EraseFacts, Fault> {
        let logins = slice.iter().map(|command| command.login).collect();
        let wanted = Wanted { logins, ..Wanted::default() };
        Ok(EraseFacts { logins: LoginFacts::load(&wanted, tx)?, erased: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut EraseFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Option<Subject>, Infallible> {
        let Some(login) = facts.logins.logins.get(&self.login).cloned() else { return Ok(None) };
        let entry = AuditEntry::done(posting.now(), &self.by, "login.erase").of(login.company);
        facts.logins.record(AuditEntry { subject: login.subject.to_string(), ..entry });
        facts.logins.remove_login(self.login);
        facts.logins.end_all_sessions(login.subject);
        facts.logins.replace_codes(login.subject, &[]);
        facts.logins.clear_failures(self.login);
        let subject = login.subject;
        facts.erased.push(login);
        Ok(Some(subject))
    }

    fn save(facts: EraseFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let keys: Vec<Value> = facts.erased.iter().map(|one| one.key.to_bytes().into()).collect();
        let subjects: Vec<Value> =
            facts.erased.iter().map(|one| one.subject.to_bytes().into()).collect();
        tx.execute_list(&statement::REMOVE_MAIL_PROOFS_OF_LOGINS, &[], &keys)?;
        tx.execute_list(&statement::REMOVE_PASSKEYS_OF_SUBJECTS, &[], &subjects)?;
        facts.logins.save(tx)
    }
}

/// What a browser and a letter are given for one proof, drawn together.
#[derive(Clone, Debug)]
pub struct ProofSecrets {
    /// The browser's secret.
    pub browser: Secret,
    /// The link's secret.
    pub link: Secret,
    /// The code.
    pub code: MailCode,
}

impl ProofSecrets {
    /// Draws all three.
    pub fn draw(chance: &mut dyn IdSource) -> Self {
        Self {
            browser: Secret::draw(chance),
            link: Secret::draw(chance),
            code: MailCode::draw(chance),
        }
    }
}
