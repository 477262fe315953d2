//! What happens at each step, told without pages.

use core::net::IpAddr;

use crate::house::House;
use access::{
    ConfirmCode, EnrolSecondFactor, LoginKey, NewSession, Password, Realm, RecoveryCode, Secret,
    SecretHash, SignIn, SignInOutcome, SignInRefusal, SignOut, SignOutScope, SignedIn, Stage,
    Subject, TotpSalt, TypedCode, check_code, check_enrolment, check_password, find_login,
};
use answers::{OrProblem as _, ask, off_thread, read};
use vocabulary::{Email, Id, kind};
use web::{Problem, RequestContext, problems};

/// A session that is open now.
pub(super) struct Opened {
    pub(super) secret: Secret,
    pub(super) stage: Stage,
    pub(super) subject: Subject,
}

/// What a step comes to, or why it is refused.
pub(super) type Step = Result<Result<Opened, SignInRefusal>, Problem>;

/// Signing in to one of the two realms; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) house: House,
    pub(super) realm: Realm,
}

/// What a browser sends along with a step.
pub(crate) struct Visitor {
    pub(crate) address: IpAddr,
    pub(crate) request: Option<Id<kind::Request>>,
    /// The session that it has already.
    pub(crate) previous: Option<SecretHash>,
}

impl Visitor {
    pub(crate) fn of(context: &RequestContext, cookie: Option<&str>) -> Self {
        Self {
            address: context.client,
            request: Id::parse(context.request_id.as_str()).ok(),
            previous: cookie.map(SecretHash::of),
        }
    }
}

impl Flow {
    /// The first step. It takes as long, and says the same, whether there is such a login or not.
    pub(super) async fn sign_in(&self, visitor: Visitor, mail: &str, password: &str) -> Step {
        let Ok(mail) = Email::parse(mail) else { return Ok(Err(SignInRefusal::Wrong)) };
        let key = match self.realm {
            Realm::Member => LoginKey::member(self.house.config.site_company, &mail),
            Realm::Staff => LoginKey::staff(&mail),
        };
        let now = self.house.world.clock.now();
        if let Err(refusal) = self.house.throttle.admit(key, visitor.address, now) {
            return Ok(Err(refusal));
        }
        let verdict = self.check_password(key, Password::typed(password)).await?;
        let (secret, session) = self.draw_session();
        let previous = visitor.previous;
        let command = SignIn { verdict, session, previous, request: visitor.request };
        let outcome = ask(&self.house.store, command).await.or_problem()?;
        Ok(self.opened(outcome, secret, previous))
    }

    /// One Argon2id, away from the threads that serve and few at a time.
    async fn check_password(
        &self,
        key: LoginKey,
        password: Password,
    ) -> Result<access::PasswordVerdict, Problem> {
        let login = read(self.house.store.database(), move |reader| find_login(reader, key))
            .await
            .or_problem()?;
        let overloaded = |_closed| Problem::new(&problems::OVERLOADED).retry_after_s(1);
        let turn = self.house.hashing.acquire().await.map_err(overloaded)?;
        let parameters = self.house.password_parameters();
        let mut chance = self.house.world.chance.clone();
        let verdict = off_thread(move || {
            check_password(key, login.as_ref(), &password, parameters, &mut chance)
        });
        let verdict = verdict.await;
        drop(turn);
        verdict.or_problem()
    }

    /// The second step.
    pub(super) async fn confirm(
        &self,
        visitor: Visitor,
        signed_in: &SignedIn,
        typed: &str,
    ) -> Step {
        let now = self.house.world.clock.now();
        if let Err(refusal) = self.house.throttle.admit(signed_in.login(), visitor.address, now) {
            return Ok(Err(refusal));
        }
        let typed = TypedCode::parse(typed);
        let verdict = check_code(&self.house.totp_key(), signed_in, typed.as_ref(), now);
        let (secret, session) = self.draw_session();
        let previous = signed_in.session();
        let login = signed_in.login();
        let command = ConfirmCode { login, previous, verdict, session, request: visitor.request };
        let outcome = ask(&self.house.store, command).await.or_problem()?;
        Ok(self.opened(outcome, secret, Some(previous)))
    }

    /// The second step of somebody who has no authenticator yet; gives the recovery codes as well.
    pub(super) async fn enrol(
        &self,
        visitor: Visitor,
        signed_in: &SignedIn,
        salt: TotpSalt,
        typed: &str,
    ) -> Result<Result<(Opened, Vec<RecoveryCode>), SignInRefusal>, Problem> {
        let now = self.house.world.clock.now();
        let typed = TypedCode::parse(typed);
        let key = self.house.totp_key();
        let verdict = check_enrolment(&key, signed_in, salt, typed.as_ref(), now);
        let mut chance = self.house.world.chance.clone();
        let codes = RecoveryCode::draw_all(&mut chance);
        let (secret, session) = self.draw_session();
        let command = EnrolSecondFactor {
            login: signed_in.login(),
            previous: signed_in.session(),
            verdict,
            codes: codes.iter().map(RecoveryCode::hash).collect(),
            session,
            request: visitor.request,
        };
        let outcome = ask(&self.house.store, command).await.or_problem()?;
        self.house.sessions.forget_subject(signed_in.subject());
        Ok(self.opened(outcome, secret, None).map(|opened| (opened, codes)))
    }

    /// Ends the session of this browser.
    pub(super) async fn sign_out(
        &self,
        visitor: Visitor,
        signed_in: &SignedIn,
    ) -> Result<(), Problem> {
        let command = SignOut {
            login: signed_in.login(),
            session: signed_in.session(),
            scope: SignOutScope::Here,
            request: visitor.request,
        };
        match ask(&self.house.store, command).await.or_problem()? {
            Ok(()) => {}
            Err(never) => match never {},
        }
        self.house.sessions.forget(signed_in.session());
        Ok(())
    }

    fn draw_session(&self) -> (Secret, NewSession) {
        let limits = self.house.sessions.limits(self.realm);
        NewSession::draw(limits, &mut self.house.world.chance.clone())
    }

    fn opened(
        &self,
        outcome: Result<SignInOutcome, core::convert::Infallible>,
        secret: Secret,
        previous: Option<SecretHash>,
    ) -> Result<Opened, SignInRefusal> {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(never) => match never {},
        };
        match outcome {
            SignInOutcome::Opened(opened) => {
                if let Some(previous) = previous {
                    self.house.sessions.forget(previous);
                }
                Ok(Opened { secret, stage: opened.stage, subject: opened.subject })
            }
            SignInOutcome::Refused(refusal) => Err(refusal),
        }
    }
}
