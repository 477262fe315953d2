//! Signing in and out, in two halves: what costs time is checked at the edge and handed on as a
//! verdict; the writer compares the verdict with the rows as they are then, and counts, locks and
//! opens.
//!
//! | step | where | what |
//! |---|---|---|
//! | 1 | edge | [`SignInThrottle::admit`](crate::SignInThrottle::admit) |
//! | 2 | edge, reading | [`find_login`](crate::find_login), which may find nothing |
//! | 3 | edge, slow | [`check_password`]: one Argon2id, also for nothing |
//! | 4 | writer | [`SignIn`]: a session, in full or for the second step |
//! | 5 | edge | [`check_code`] |
//! | 6 | writer | [`ConfirmCode`]: a full session in place of the one before |
//!
//! Whether a mail address has a login shows nowhere: the answers, the locks and the work are the
//! same.

use core::{convert::Infallible, hint::black_box};

use crate::{
    actor::Subject,
    credential::{
        Password, PasswordHash, PasswordParameters, TotpKey, TotpSalt, TotpSecret, TypedCode,
    },
    login::{Login, LoginFacts, LoginKey, LoginStanding, Wanted, own_entry},
    refusal::{
        RefusalKind, SECOND_FACTOR_SET, SESSION_ENDED, SIGN_IN_LOCKED, SIGN_IN_STALE,
        SIGN_IN_THROTTLED, SIGN_IN_WRONG,
    },
    secret::SecretHash,
    session::{NewSession, Session, SignedIn, Stage},
};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, IdSource, Timestamp, kind};

/// Why somebody is not signed in, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// Too many attempts for the account or from the address.
    #[error("too many attempts; wait {retry_after_seconds} seconds")]
    Throttled {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// Too many failures in a row.
    #[error("signing in is locked until {until}")]
    Locked {
        /// When the lock ends.
        until: Timestamp,
    },
    /// The session for the second step, or the one in which something is changed, has ended.
    #[error("there is no session, or it ended")]
    SessionEnded,
    /// The mail address, the password or the code is not right, or the login is closed; no more is
    /// told.
    #[error("the mail address, the password or the code is not right")]
    Wrong,
    /// The login was changed between the check and the decision.
    #[error("the login has just changed")]
    Stale,
    /// A second step is set up already.
    #[error("a second step is set up already")]
    SecondFactorSet,
}

impl SignInRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Throttled { .. } => &SIGN_IN_THROTTLED,
            Self::Locked { .. } => &SIGN_IN_LOCKED,
            Self::SessionEnded => &SESSION_ENDED,
            Self::Wrong => &SIGN_IN_WRONG,
            Self::Stale => &SIGN_IN_STALE,
            Self::SecondFactorSet => &SECOND_FACTOR_SET,
        }
    }
}

/// What came of an attempt. A failed one is no refusal of the command, because it is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// A session is open: send its secret to the browser.
    Opened(OpenedSession),
    /// Nothing is open.
    Refused(SignInRefusal),
}

/// A session that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedSession {
    /// How far it goes.
    pub stage: Stage,
    /// Whose it is.
    pub subject: Subject,
    /// The person's number.
    pub actor: ActorNumber,
    /// The person's company.
    pub company: CompanyNumber,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

impl OpenedSession {
    pub(crate) const fn new(login: &Login, session: &Session) -> Self {
        Self {
            stage: session.stage,
            subject: login.subject,
            actor: login.actor,
            company: login.company,
            ends_at: session.ends_at,
        }
    }
}

/// What [`check_password`] found, for the login as it was then.
#[derive(Clone, Debug)]
pub struct PasswordVerdict {
    login: LoginKey,
    revision: u32,
    matched: bool,
    renewed: Option<PasswordHash>,
}

/// Compares a typed password. It does the work of one Argon2id whether there is a login or not, and
/// of a second one when a right password is to be kept with new parameters: not on a thread that
/// serves, and few at a time.
pub fn check_password(
    key: LoginKey,
    login: Option<&Login>,
    password: &Password,
    parameters: PasswordParameters,
    chance: &mut dyn IdSource,
) -> PasswordVerdict {
    let Some(login) = login.filter(|login| login.key == key) else {
        // The optimizer must not see that nobody looks at the answer.
        black_box(PasswordHash::decoy(parameters).matches(password));
        return PasswordVerdict { login: key, revision: 0, matched: false, renewed: None };
    };
    let matched = login.password.matches(password);
    let renew = matched && login.password.parameters() != parameters;
    let renewed = renew.then(|| PasswordHash::make(password, parameters, chance));
    PasswordVerdict { login: key, revision: login.revision, matched, renewed }
}

/// What [`check_code`] and [`check_enrolment`] found.
#[derive(Clone, Copy, Debug)]
pub struct CodeVerdict(CodeFound);

#[derive(Clone, Copy, Debug)]
enum CodeFound {
    /// A code of the app, of this step.
    Step { salt: TotpSalt, step: u64 },
    /// A recovery code, which the rows must know.
    Recovery(SecretHash),
    /// Nothing that could be right.
    Nothing,
}

/// Compares the code of the second step with the authenticator that is set up.
pub fn check_code(
    key: &TotpKey,
    signed_in: &SignedIn,
    typed: Option<&TypedCode>,
    now: Timestamp,
) -> CodeVerdict {
    match (typed, signed_in.totp()) {
        (Some(TypedCode::Totp(code)), Some(salt)) => {
            check_step(key, signed_in.subject(), salt, *code, now)
        }
        (Some(TypedCode::Recovery(hash)), _) => CodeVerdict(CodeFound::Recovery(*hash)),
        (Some(TypedCode::Totp(_)), None) | (None, _) => CodeVerdict(CodeFound::Nothing),
    }
}

/// Compares the first code of an authenticator that is being set up with the salt of the page that
/// showed it.
pub fn check_enrolment(
    key: &TotpKey,
    signed_in: &SignedIn,
    salt: TotpSalt,
    typed: Option<&TypedCode>,
    now: Timestamp,
) -> CodeVerdict {
    match typed {
        Some(TypedCode::Totp(code)) => check_step(key, signed_in.subject(), salt, *code, now),
        Some(TypedCode::Recovery(_)) | None => CodeVerdict(CodeFound::Nothing),
    }
}

fn check_step(
    key: &TotpKey,
    subject: Subject,
    salt: TotpSalt,
    code: u32,
    now: Timestamp,
) -> CodeVerdict {
    let step = TotpSecret::derive(key, subject, salt).find_step(code, now);
    CodeVerdict(step.map_or(CodeFound::Nothing, |step| CodeFound::Step { salt, step }))
}

/// The first step: opens a session, in full or for the second step. A repeat with the same session
/// gives the same answer.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// What [`check_password`] found.
    pub verdict: PasswordVerdict,
    /// The session to open.
    pub session: NewSession,
    /// The session that the browser had before, which ends: a session never outlives a sign-in.
    pub previous: Option<SecretHash>,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl SignIn {
    fn attempt(
        &self,
        facts: &mut LoginFacts,
        now: Timestamp,
    ) -> Result<OpenedSession, SignInRefusal> {
        let key = self.verdict.login;
        if let Some(opened) = repeated(facts, key, self.session) {
            return Ok(opened);
        }
        let login = check_verdict(facts, &self.verdict, self.request, now)?;
        if let Some(previous) = self.previous {
            facts.end_session(previous);
        }
        let stage = match (login.totp, login.role.second_factor_required()) {
            (Some(_), _) => Stage::Code,
            (None, true) => Stage::Enrolment,
            (None, false) => Stage::Full,
        };
        if stage == Stage::Full {
            // Before the second step, a right password must not make room for more guesses at it.
            facts.clear_failures(key);
            facts.record(own_entry(&login, "sign_in.complete", self.request, now));
        }
        let session = facts.open_session(&login, self.session, stage, now);
        if let Some(password) = &self.verdict.renewed {
            facts.put_login(Login { password: password.clone(), ..login.clone() });
        }
        Ok(OpenedSession::new(&login, &session))
    }
}

/// The second step: a full session in place of the one that waited for it.
#[derive(Clone, Debug)]
pub struct ConfirmCode {
    /// The login, of [`SignedIn::login`].
    pub login: LoginKey,
    /// The session that waits, of [`SignedIn::session`].
    pub previous: SecretHash,
    /// What [`check_code`] found.
    pub verdict: CodeVerdict,
    /// The session to open.
    pub session: NewSession,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl ConfirmCode {
    fn attempt(
        &self,
        facts: &mut LoginFacts,
        now: Timestamp,
    ) -> Result<OpenedSession, SignInRefusal> {
        if let Some(opened) = repeated(facts, self.login, self.session) {
            return Ok(opened);
        }
        let locked = facts.locked_until(self.login, now);
        locked.map_or(Ok(()), |until| Err(SignInRefusal::Locked { until }))?;
        let login = find_session_login(facts, self.login, self.previous, now, &[Stage::Code])?;
        let (right, login) = match self.verdict.0 {
            // A step is used once: whoever looks over a shoulder comes too late.
            CodeFound::Step { salt, step }
                if login.totp == Some(salt) && step > login.totp_step =>
            {
                let login = Login { totp_step: step, ..login };
                facts.put_login(login.clone());
                (true, login)
            }
            CodeFound::Recovery(hash) => (facts.use_code(login.subject, hash), login),
            CodeFound::Step { .. } | CodeFound::Nothing => (false, login),
        };
        if !right {
            return Err(fail(facts, &login, self.request, now));
        }
        facts.end_session(self.previous);
        facts.clear_failures(self.login);
        facts.record(own_entry(&login, "sign_in.complete", self.request, now));
        let session = facts.open_session(&login, self.session, Stage::Full, now);
        Ok(OpenedSession::new(&login, &session))
    }
}

/// Sets up the second step with a first code. All other sessions of the person end.
#[derive(Clone, Debug)]
pub struct EnrolSecondFactor {
    /// The login, of [`SignedIn::login`].
    pub login: LoginKey,
    /// The session it is done in, full or waiting for just this.
    pub previous: SecretHash,
    /// What [`check_enrolment`] found.
    pub verdict: CodeVerdict,
    /// The recovery codes, of [`RecoveryCode::hash`](crate::RecoveryCode::hash).
    pub codes: Vec<SecretHash>,
    /// The session to open in place of all.
    pub session: NewSession,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl EnrolSecondFactor {
    fn attempt(
        &self,
        facts: &mut LoginFacts,
        now: Timestamp,
    ) -> Result<OpenedSession, SignInRefusal> {
        if let Some(opened) = repeated(facts, self.login, self.session) {
            return Ok(opened);
        }
        let stages = [Stage::Enrolment, Stage::Full];
        let login = find_session_login(facts, self.login, self.previous, now, &stages)?;
        let (salt, step) = match self.verdict.0 {
            CodeFound::Step { salt, step } => (salt, step),
            // No guess: whoever sets it up has the secret before their eyes.
            CodeFound::Recovery(_) | CodeFound::Nothing => return Err(SignInRefusal::Wrong),
        };
        if login.totp.is_some() {
            return Err(SignInRefusal::SecondFactorSet);
        }
        let revision = login.revision.saturating_add(1);
        let login = Login { totp: Some(salt), totp_step: step, revision, ..login };
        facts.put_login(login.clone());
        facts.replace_codes(login.subject, &self.codes);
        facts.end_all_sessions(login.subject);
        facts.clear_failures(self.login);
        facts.record(own_entry(&login, "login.set_second_factor", self.request, now));
        let session = facts.open_session(&login, self.session, Stage::Full, now);
        Ok(OpenedSession::new(&login, &session))
    }
}

/// Takes a new password, with the old one. All other sessions of the person end.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// What [`check_password`] found for the old password.
    pub verdict: PasswordVerdict,
    /// The full session it is done in.
    pub previous: SecretHash,
    /// The new password.
    pub password: PasswordHash,
    /// The session to open in place of all.
    pub session: NewSession,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl ChangePassword {
    fn attempt(
        &self,
        facts: &mut LoginFacts,
        now: Timestamp,
    ) -> Result<OpenedSession, SignInRefusal> {
        let key = self.verdict.login;
        if let Some(opened) = repeated(facts, key, self.session) {
            return Ok(opened);
        }
        find_session_login(facts, key, self.previous, now, &[Stage::Full])?;
        let login = check_verdict(facts, &self.verdict, self.request, now)?;
        let revision = login.revision.saturating_add(1);
        let login = Login { password: self.password.clone(), revision, ..login };
        facts.put_login(login.clone());
        facts.end_all_sessions(login.subject);
        facts.clear_failures(key);
        facts.record(own_entry(&login, "login.change_password", self.request, now));
        let session = facts.open_session(&login, self.session, Stage::Full, now);
        Ok(OpenedSession::new(&login, &session))
    }
}

/// Has somebody who is signed in show once more that they know the password, before something dear.
/// Failures count as those of signing in do.
#[derive(Clone, Debug)]
pub struct ConfirmPassword {
    /// What [`check_password`] found.
    pub verdict: PasswordVerdict,
    /// The full session it is done in.
    pub previous: SecretHash,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl Command for ConfirmPassword {
    type Facts = LoginFacts;
    /// Whether it was right. A wrong one is no refusal of the command, because it is to be counted.
    type Receipt = Result<(), SignInRefusal>;
    type Refusal = Infallible;

    const NAME: &'static str = "confirm password";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LoginFacts, Fault> {
        let logins = slice.iter().map(|command| command.verdict.login).collect();
        let sessions = slice.iter().map(|command| command.previous).collect();
        LoginFacts::load(&Wanted { logins, sessions, ..Wanted::default() }, tx)
    }

    fn decide(
        &self,
        facts: &mut LoginFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Result<(), SignInRefusal>, Infallible> {
        let (key, now) = (self.verdict.login, posting.now());
        Ok(find_session_login(facts, key, self.previous, now, &[Stage::Full])
            .and_then(|_login| check_verdict(facts, &self.verdict, self.request, now))
            .map(|_login| facts.clear_failures(key)))
    }

    fn save(facts: LoginFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// How much is signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutScope {
    /// This browser.
    Here,
    /// All browsers of the person.
    Everywhere,
}

/// Ends a session, or all of the person. Doing it again changes nothing.
#[derive(Clone, Debug)]
pub struct SignOut {
    /// The login, of [`SignedIn::login`].
    pub login: LoginKey,
    /// The session, of [`SignedIn::session`].
    pub session: SecretHash,
    /// How much.
    pub scope: SignOutScope,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

/// Finds the session that a command opened when it was decided before.
fn repeated(facts: &LoginFacts, key: LoginKey, new: NewSession) -> Option<OpenedSession> {
    let session = facts.sessions.get(&new.hash).filter(|session| session.login == key)?;
    let login = facts.logins.get(&key)?;
    Some(OpenedSession::new(login, session))
}

/// Checks a verdict against the login as it is now; counts a wrong one.
fn check_verdict(
    facts: &mut LoginFacts,
    verdict: &PasswordVerdict,
    request: Option<Id<kind::Request>>,
    now: Timestamp,
) -> Result<Login, SignInRefusal> {
    if let Some(until) = facts.locked_until(verdict.login, now) {
        return Err(SignInRefusal::Locked { until });
    }
    let Some(login) = facts.logins.get(&verdict.login).cloned() else {
        facts.count_failure(verdict.login, now);
        return Err(SignInRefusal::Wrong);
    };
    if !verdict.matched || login.standing == LoginStanding::Closed {
        return Err(fail(facts, &login, request, now));
    }
    if login.revision != verdict.revision {
        return Err(SignInRefusal::Stale);
    }
    Ok(login)
}

fn fail(
    facts: &mut LoginFacts,
    login: &Login,
    request: Option<Id<kind::Request>>,
    now: Timestamp,
) -> SignInRefusal {
    facts.count_failure(login.key, now);
    facts.record(own_entry(login, "sign_in.complete", request, now).refused());
    SignInRefusal::Wrong
}

/// Finds the login of a session that goes on and is at one of some stages.
fn find_session_login(
    facts: &LoginFacts,
    key: LoginKey,
    session: SecretHash,
    now: Timestamp,
    stages: &[Stage],
) -> Result<Login, SignInRefusal> {
    let session = facts.sessions.get(&session);
    let fits = |session: &&Session| {
        session.login == key && session.ends_at > now && stages.contains(&session.stage)
    };
    session.filter(fits).ok_or(SignInRefusal::SessionEnded)?;
    let login = facts.logins.get(&key).filter(|login| login.standing == LoginStanding::Open);
    login.cloned().ok_or(SignInRefusal::SessionEnded)
}

macro_rules! attempts {
    ($($command:ident $name:literal $wanted:expr;)*) => {$(
        impl Command for $command {
            type Facts = LoginFacts;
            type Receipt = SignInOutcome;
            type Refusal = Infallible;

            const NAME: &'static str = $name;

            fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LoginFacts, Fault> {
                let mut wanted = Wanted::default();
                let add: fn(&Self, &mut Wanted) = $wanted;
                for command in slice {
                    add(command, &mut wanted);
                }
                LoginFacts::load(&wanted, tx)
            }

            fn decide(
                &self,
                facts: &mut LoginFacts,
                posting: &mut Posting<'_>,
            ) -> Result<SignInOutcome, Infallible> {
                Ok(match self.attempt(facts, posting.now()) {
                    Ok(opened) => SignInOutcome::Opened(opened),
                    Err(refusal) => SignInOutcome::Refused(refusal),
                })
            }

            fn save(facts: LoginFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
                facts.save(tx)
            }
        }
    )*};
}

attempts! {
    SignIn "sign in" |command, wanted| {
        wanted.logins.push(command.verdict.login);
        wanted.sessions.push(command.session.hash);
    };
    ConfirmCode "confirm code" |command, wanted| {
        wanted.logins.push(command.login);
        wanted.sessions.extend([command.session.hash, command.previous]);
        if let CodeFound::Recovery(code) = command.verdict.0 {
            wanted.codes.push(code);
        }
    };
    EnrolSecondFactor "enrol second factor" |command, wanted| {
        wanted.logins.push(command.login);
        wanted.sessions.extend([command.session.hash, command.previous]);
    };
    ChangePassword "change password" |command, wanted| {
        wanted.logins.push(command.verdict.login);
        wanted.sessions.extend([command.session.hash, command.previous]);
    };
}

impl Command for SignOut {
    type Facts = LoginFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "sign out";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LoginFacts, Fault> {
        let logins = slice.iter().map(|command| command.login).collect();
        let sessions = slice.iter().map(|command| command.session).collect();
        LoginFacts::load(&Wanted { logins, sessions, ..Wanted::default() }, tx)
    }

    fn decide(&self, facts: &mut LoginFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        let session = facts.sessions.get(&self.session);
        let known = session.is_some_and(|session| session.login == self.login);
        let Some(login) = facts.logins.get(&self.login).filter(|_login| known).cloned() else {
            return Ok(());
        };
        let action = match self.scope {
            SignOutScope::Here => {
                facts.end_session(self.session);
                "sign_in.end"
            }
            SignOutScope::Everywhere => {
                facts.end_all_sessions(login.subject);
                "sign_in.end_everywhere"
            }
        };
        facts.record(own_entry(&login, action, self.request, posting.now()));
        Ok(())
    }

    fn save(facts: LoginFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
