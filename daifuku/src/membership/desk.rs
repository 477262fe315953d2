//! What the pages of membership share: the house, and how a form is shown.

use askama::Template;

use crate::{
    house::House,
    sign_in::{Visitor, build_cookie, see_other, session_cookie},
};
use access::{
    ConfirmPassword, Login, LoginKey, NewSession, Password, PasswordHash, PasswordVerdict, Realm,
    Secret, SignInRefusal, SignedIn, Stage, check_password, find_login_of,
};
use answers::{OrProblem as _, ask, off_thread, read};
use store::{Command, Decision};
use vocabulary::{Id, Timestamp};
use web::{
    HeaderMap, HeaderValue, Lifetime, Problem, RequestContext, Response, StatusCode, View,
    components::{Button, DataList, FormToken, Html, Notice},
    find_cookie, header, host_cookie, problems,
};

/// The cookie of who is giving a proof, without its prefix.
const PROOF_COOKIE: &str = "daifuku-proof";

/// How long it is kept: as long as a proof can be given and used.
const PROOF_COOKIE_SECONDS: u32 = 3_600;

/// The house, as the pages of membership use it; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) house: House,
}

impl Desk {
    pub(super) fn of(house: &House) -> Self {
        Self { house: house.clone() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.house.world.clock.now()
    }

    /// Where members find the site.
    pub(super) fn address(&self) -> String {
        self.house.config.site_address.or_of(self.house.config.server_listen)
    }

    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<Decision<C>, Problem> {
        ask(&self.house.store, command).await.or_problem()
    }

    /// Hashes a new password, away from the threads that serve and few at a time.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Problem> {
        let parameters = self.house.password_parameters();
        let mut chance = self.house.world.chance.clone();
        let turn = self.house.hashing.acquire().await.map_err(overloaded)?;
        let hash = off_thread(move || PasswordHash::make(&password, parameters, &mut chance)).await;
        drop(turn);
        hash.or_problem()
    }

    /// Finds the login of who is signed in.
    pub(super) async fn login(&self, signed_in: &SignedIn) -> Result<Login, Problem> {
        let subject = signed_in.subject();
        let login =
            read(self.house.store.database(), move |reader| find_login_of(reader, subject)).await;
        login.or_problem()?.ok_or_else(|| Problem::new(&problems::NOT_FOUND))
    }

    /// Compares the password that somebody who is signed in typed.
    pub(super) async fn verdict(
        &self,
        login: Login,
        typed: &str,
    ) -> Result<PasswordVerdict, Problem> {
        let password = Password::typed(typed);
        let parameters = self.house.password_parameters();
        let mut chance = self.house.world.chance.clone();
        let turn = self.house.hashing.acquire().await.map_err(overloaded)?;
        let verdict = off_thread(move || {
            check_password(login.key(), Some(&login), &password, parameters, &mut chance)
        });
        let verdict = verdict.await;
        drop(turn);
        verdict.or_problem()
    }

    /// Has somebody who is signed in show that they know the password, before something dear.
    pub(super) async fn confirm(
        &self,
        visitor: &Visitor,
        signed_in: &SignedIn,
        typed: &str,
    ) -> Result<Result<Login, SignInRefusal>, Problem> {
        if let Err(refusal) = self.admit(signed_in.login(), visitor) {
            return Ok(Err(refusal));
        }
        let login = self.login(signed_in).await?;
        let verdict = self.verdict(login.clone(), typed).await?;
        let previous = signed_in.session();
        let command = ConfirmPassword { verdict, previous, request: visitor.request };
        let Ok(confirmed) = self.ask(command).await?;
        Ok(confirmed.map(|()| login))
    }

    /// Counts an attempt for an address, known or not.
    pub(super) fn admit(&self, login: LoginKey, visitor: &Visitor) -> Result<(), SignInRefusal> {
        self.house.throttle.admit(login, visitor.address, self.now())
    }

    pub(super) fn draw_session(&self) -> (Secret, NewSession) {
        let limits = self.house.sessions.limits(Realm::Member);
        NewSession::draw(limits, &mut self.house.world.chance.clone())
    }

    pub(super) fn next_id<K>(&self) -> Id<K> {
        self.house.world.chance.next(self.now())
    }
}

fn overloaded(_closed: tokio::sync::AcquireError) -> Problem {
    Problem::new(&problems::OVERLOADED).retry_after_s(1)
}

/// Gives what a browser sends along with a step.
pub(super) fn visitor_of(context: &RequestContext, headers: &HeaderMap) -> Visitor {
    Visitor::of(context, find_cookie(headers, Realm::Member.cookie()))
}

/// Finds the secret of who is giving a proof.
pub(super) fn proof_secret(headers: &HeaderMap) -> Option<String> {
    find_cookie(headers, &format!("__Host-{PROOF_COOKIE}")).map(str::to_owned)
}

/// Sends a browser on, with the secret of its proof.
pub(super) fn go_with_proof(target: &str, secret: &Secret) -> Result<Response, Problem> {
    let lifetime = Lifetime::Seconds(PROOF_COOKIE_SECONDS);
    let mut response = see_other(target)?;
    let cookie = host_cookie(PROOF_COOKIE, secret.expose(), lifetime);
    append(&mut response, cookie.map_err(|_never| Problem::new(&problems::INTERNAL_FAULT))?);
    Ok(response)
}

/// Sends a browser on with a new session, its proof used up.
pub(super) fn go_signed_in(
    desk: &Desk,
    target: &str,
    secret: &Secret,
    stage: Stage,
) -> Result<Response, Problem> {
    let mut response = see_other(target)?;
    append(&mut response, session_cookie(&desk.house, Realm::Member, secret, stage)?);
    let gone = host_cookie(PROOF_COOKIE, "", Lifetime::Removed);
    append(&mut response, gone.map_err(|_never| Problem::new(&problems::INTERNAL_FAULT))?);
    Ok(response)
}

/// Sends a browser on without its session.
pub(super) fn go_signed_out(target: &str) -> Result<Response, Problem> {
    let mut response = see_other(target)?;
    append(&mut response, build_cookie(Realm::Member, "", Lifetime::Removed)?);
    Ok(response)
}

fn append(response: &mut Response, cookie: HeaderValue) {
    response.headers_mut().append(header::SET_COOKIE, cookie);
}

/// A page with one form, or with none: all pages of membership but the list of settings.
#[derive(Default, Template)]
#[template(path = "membership/form.html")]
pub(super) struct FormMain {
    pub(super) title: String,
    pub(super) notice: Option<Notice>,
    pub(super) lead: Vec<String>,
    pub(super) facts: Option<DataList>,
    pub(super) action: &'static str,
    pub(super) token: Option<FormToken>,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) fields: Vec<Html>,
    pub(super) send: Option<Button>,
    pub(super) foot: Vec<(String, String)>,
}

impl FormMain {
    pub(super) fn show(self, view: &View, status: StatusCode) -> Response {
        view.page(self.title.as_str())
            .nav(crate::navigation::of_member(view))
            .status(status)
            .show(&self)
    }
}

/// A box to tick.
#[derive(Template)]
#[template(path = "membership/check.html")]
pub(super) struct CheckBox {
    pub(super) name: &'static str,
    pub(super) legend: String,
    pub(super) label: String,
    /// What to read before it is ticked, each with its address.
    pub(super) read: Vec<(String, String)>,
    pub(super) error: String,
    pub(super) checked: bool,
}
