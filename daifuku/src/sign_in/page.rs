use askama::Template;
use axum::Extension;
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Deserialize;

use super::{
    flow::{Flow, Opened, Visitor},
    marks::leave_mark,
    return_path::{ReturnPath, home, sign_in_address, sign_in_path},
};
use crate::{
    guard::{FormProof, Unbidden},
    house::House,
    reactions::{STAYING, signed_in},
};
use access::{Realm, Secret, SignInRefusal, SignedIn, Stage, TotpSalt, TotpSecret, find_login_of};
use answers::{OrProblem as _, read};
use web::{
    Caller, Form, HeaderMap, HeaderValue, IntoResponse as _, Lifetime, Problem, Query,
    RequestContext, Response, Routes, State, StatusCode, View, Words,
    components::{Button, FieldKind, FormToken, LinkButton, Notice, TextField, Tone, Weight},
    csrf, find_cookie, get, header, host_cookie, post, problems,
};

/// The addresses of one realm.
struct Paths {
    sign_in: &'static str,
    code: &'static str,
    enrolment: &'static str,
    sign_out: &'static str,
    pending: &'static str,
}

const MEMBER: Paths = Paths {
    sign_in: "/sign-in",
    code: "/sign-in/code",
    enrolment: "/sign-in/enrolment",
    sign_out: "/sign-out",
    pending: "pending.member",
};

const STAFF: Paths = Paths {
    sign_in: "/staff/sign-in",
    code: "/staff/sign-in/code",
    enrolment: "/staff/sign-in/enrolment",
    sign_out: "/staff/sign-out",
    pending: "pending.staff",
};

impl Paths {
    const fn of(realm: Realm) -> &'static Self {
        match realm {
            Realm::Member => &MEMBER,
            Realm::Staff => &STAFF,
        }
    }
}

/// The doors to sign in and out by.
pub(crate) fn routes(house: &House) -> Routes {
    [Realm::Member, Realm::Staff].into_iter().fold(Routes::of("daifuku"), |routes, realm| {
        let paths = Paths::of(realm);
        let flow = Flow { house: house.clone(), realm };
        let own = Routes::of("daifuku")
            .on(get(paths.sign_in, "public"), show_sign_in)
            .on(post(paths.sign_in, "public"), sign_in)
            .on(get(paths.code, paths.pending), show_code)
            .on(post(paths.code, paths.pending), confirm)
            .on(get(paths.enrolment, paths.pending), show_enrolment)
            .on(post(paths.enrolment, paths.pending), enrol)
            .on(get(paths.sign_out, paths.pending), show_sign_out)
            .on(post(paths.sign_out, paths.pending), sign_out);
        routes.and(own.with_state(&flow))
    })
}

#[derive(Deserialize)]
struct Coming {
    #[serde(rename = "return", default)]
    back: String,
}

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInMain<'a> {
    title: &'a str,
    action: &'static str,
    notice: Option<Notice>,
    mail: TextField,
    password: TextField,
    back: &'a str,
    send: Button,
    other: String,
    other_path: &'static str,
    words: Words<'a>,
    /// The script that offers passkeys, for members.
    passkeys: Option<String>,
}

/// What the form to sign in is shown with.
#[derive(Default)]
struct Shown<'a> {
    mail: &'a str,
    refusal: Option<SignInRefusal>,
    unbidden: bool,
}

async fn show_sign_in(
    State(flow): State<Flow>,
    view: View,
    Query(coming): Query<Coming>,
    unbidden: Option<Extension<Unbidden>>,
) -> Response {
    let back = ReturnPath::of(&coming.back, flow.realm);
    let shown = Shown { unbidden: unbidden.is_some(), ..Shown::default() };
    sign_in_form(&view, flow.realm, &back, &shown)
}

fn sign_in_form(view: &View, realm: Realm, back: &ReturnPath, shown: &Shown<'_>) -> Response {
    let words = view.words();
    let (title, other) = match realm {
        Realm::Member => ("sign-in-title", "sign-in-as-staff"),
        Realm::Staff => ("sign-in-staff-title", "sign-in-as-member"),
    };
    let other_realm = match realm {
        Realm::Member => Realm::Staff,
        Realm::Staff => Realm::Member,
    };
    let title = words.get(title);
    let asked = || shown.unbidden.then(|| Notice::new(Tone::Plain, words.get("sign-in-first"), ""));
    let mail = TextField::new(words, "mail", words.get("sign-in-mail"))
        .kind(FieldKind::Email)
        .autocomplete("username")
        .value(shown.mail);
    let password = TextField::new(words, "password", words.get("sign-in-password"))
        .kind(FieldKind::Password)
        .autocomplete("current-password");
    let main = SignInMain {
        title: &title,
        action: sign_in_path(realm),
        notice: shown.refusal.map(|refusal| complain(words, refusal)).or_else(asked),
        mail,
        // What has to be typed again in any case.
        password: if shown.refusal.is_some() { password.focused() } else { password },
        back: back.as_str(),
        send: Button::new(words.get("sign-in-send")),
        other: words.get(other).into_owned(),
        other_path: sign_in_path(other_realm),
        words,
        passkeys: match realm {
            Realm::Member => Some(view.asset("passkey.js")),
            Realm::Staff => None,
        },
    };
    // Whoever is not signed in would be sent back here from home.
    let page = view.page(title.as_ref()).home(sign_in_path(realm)).status(status(shown));
    with_retry_after(page.show(&main), shown.refusal)
}

fn status(shown: &Shown<'_>) -> StatusCode {
    match (shown.refusal, shown.unbidden) {
        (Some(refusal), _) => status_of(refusal),
        (None, true) => StatusCode::UNAUTHORIZED,
        (None, false) => StatusCode::OK,
    }
}

pub(crate) fn status_of(refusal: SignInRefusal) -> StatusCode {
    StatusCode::from_u16(refusal.kind().status).unwrap_or(StatusCode::UNAUTHORIZED)
}

/// Says what went wrong and what to do, and blames no field: which one was wrong nobody is told.
pub(crate) fn complain(words: Words<'_>, refusal: SignInRefusal) -> Notice {
    let code = refusal.kind().code;
    let (what, next) = (format!("problem-{code}"), format!("problem-{code}-next"));
    Notice::new(Tone::Bad, words.get(&what), words.get(&next))
}

pub(crate) fn with_retry_after(mut response: Response, refusal: Option<SignInRefusal>) -> Response {
    if let Some(SignInRefusal::Throttled { retry_after_seconds }) = refusal {
        let seconds = HeaderValue::from(retry_after_seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

#[derive(Deserialize)]
struct SignInForm {
    mail: String,
    password: String,
    #[serde(rename = "return", default)]
    back: String,
}

async fn sign_in(
    State(flow): State<Flow>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let back = ReturnPath::of(&form.back, flow.realm);
    let visitor = Visitor::of(&context, find_cookie(&headers, flow.realm.cookie()));
    match flow.sign_in(visitor, form.mail.trim(), &form.password).await? {
        Ok(opened) => go_on(&flow, &headers, &opened, &back).await,
        Err(refusal) => {
            let shown = Shown { mail: &form.mail, refusal: Some(refusal), unbidden: false };
            Ok(sign_in_form(&view, flow.realm, &back, &shown))
        }
    }
}

/// Gives the browser its session and sends it to the next step, or back.
async fn go_on(
    flow: &Flow,
    headers: &HeaderMap,
    opened: &Opened,
    back: &ReturnPath,
) -> Result<Response, Problem> {
    let target = match (opened.stage, flow.realm) {
        (Stage::Full, Realm::Member) if signed_in(&flow.house, opened.subject).await? => {
            STAYING.to_owned()
        }
        (Stage::Full, Realm::Member | Realm::Staff) => back.as_str().to_owned(),
        (Stage::Code | Stage::Enrolment, _) => {
            sign_in_address(flow.realm, opened.stage, back.as_str())
        }
    };
    let mut response = see_other(&target)?;
    response.headers_mut().append(header::SET_COOKIE, cookie(flow, opened)?);
    if opened.stage == Stage::Full {
        leave_mark(&flow.house, headers, opened.subject, &mut response)?;
    }
    Ok(response)
}

pub(crate) fn see_other(target: &str) -> Result<Response, Problem> {
    let fault = |_| Problem::new(&problems::INTERNAL_FAULT);
    let mut response = StatusCode::SEE_OTHER.into_response();
    let value = HeaderValue::from_str(target).map_err(fault)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

/// A member's browser keeps the session when it is closed, a staff's does not.
fn cookie(flow: &Flow, opened: &Opened) -> Result<HeaderValue, Problem> {
    session_cookie(&flow.house, flow.realm, &opened.secret, opened.stage)
}

/// Gives a browser its session, as [`cookie`] does.
pub(crate) fn session_cookie(
    house: &House,
    realm: Realm,
    secret: &Secret,
    stage: Stage,
) -> Result<HeaderValue, Problem> {
    let lifetime = match (realm, stage) {
        (Realm::Member, Stage::Full) => {
            Lifetime::Seconds(house.sessions.limits(realm).absolute_seconds)
        }
        (Realm::Member, Stage::Code | Stage::Enrolment) | (Realm::Staff, _) => Lifetime::Session,
    };
    build_cookie(realm, secret.expose(), lifetime)
}

pub(crate) fn build_cookie(
    realm: Realm,
    value: &str,
    lifetime: Lifetime,
) -> Result<HeaderValue, Problem> {
    let name = realm.cookie();
    let name = name.strip_prefix("__Host-").unwrap_or(name);
    host_cookie(name, value, lifetime).map_err(|_never| Problem::new(&problems::INTERNAL_FAULT))
}

#[derive(Template)]
#[template(path = "sign_in/page_code.html")]
struct CodeMain<'a> {
    words: Words<'a>,
    title: &'a str,
    action: &'static str,
    notice: Option<Notice>,
    code: TextField,
    token: FormToken,
    back: &'a str,
    send: Button,
}

async fn show_code(
    State(flow): State<Flow>,
    view: View,
    Caller(proof): Caller<FormProof>,
    Query(coming): Query<Coming>,
) -> Response {
    code_form(&view, &flow, &proof, &ReturnPath::of(&coming.back, flow.realm), None)
}

fn code_form(
    view: &View,
    flow: &Flow,
    proof: &FormProof,
    back: &ReturnPath,
    refusal: Option<SignInRefusal>,
) -> Response {
    let words = view.words();
    let title = words.get("sign-in-code-title");
    let main = CodeMain {
        words,
        title: &title,
        action: Paths::of(flow.realm).code,
        notice: refusal.map(|refusal| complain(words, refusal)),
        code: code_field(words).focused().hint(words.get("sign-in-code-hint")),
        token: proof.field(),
        back: back.as_str(),
        send: Button::new(words.get("sign-in-send")),
    };
    let status = refusal.map_or(StatusCode::OK, status_of);
    with_retry_after(
        view.page(title.as_ref()).home(home(flow.realm)).status(status).show(&main),
        refusal,
    )
}

fn code_field(words: Words<'_>) -> TextField {
    TextField::new(words, "code", words.get("sign-in-code"))
        .autocomplete("one-time-code")
        .characters_max(24)
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
    #[serde(default)]
    salt: String,
    #[serde(rename = "return", default)]
    back: String,
    #[serde(default)]
    csrf: String,
}

async fn confirm(
    State(flow): State<Flow>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let back = ReturnPath::of(&form.back, flow.realm);
    let visitor = Visitor::of(&context, None);
    match flow.confirm(visitor, &signed_in, &form.code).await? {
        Ok(opened) => go_on(&flow, &headers, &opened, &back).await,
        Err(SignInRefusal::SessionEnded) => see_other(sign_in_path(flow.realm)),
        Err(refusal) => Ok(code_form(&view, &flow, &proof, &back, Some(refusal))),
    }
}

#[derive(Template)]
#[template(path = "sign_in/page_enrolment.html")]
struct EnrolmentMain<'a> {
    words: Words<'a>,
    title: &'a str,
    action: &'static str,
    notice: Option<Notice>,
    picture: String,
    secret: String,
    address: String,
    salt: String,
    code: TextField,
    token: FormToken,
    back: &'a str,
    send: Button,
}

async fn show_enrolment(
    State(flow): State<Flow>,
    view: View,
    Caller(signed_in): Caller<SignedIn>,
    Caller(proof): Caller<FormProof>,
    Query(coming): Query<Coming>,
) -> Result<Response, Problem> {
    if signed_in.totp().is_some() {
        return see_other(home(flow.realm));
    }
    let salt = TotpSalt::draw(&mut flow.house.world.chance.clone());
    let back = ReturnPath::of(&coming.back, flow.realm);
    let person = Enrolling { signed_in, proof, salt };
    enrolment_form(&view, &flow, &person, &back, None).await
}

/// Who sets up an authenticator, and with which salt.
struct Enrolling {
    signed_in: SignedIn,
    proof: FormProof,
    salt: TotpSalt,
}

async fn enrolment_form(
    view: &View,
    flow: &Flow,
    person: &Enrolling,
    back: &ReturnPath,
    refusal: Option<SignInRefusal>,
) -> Result<Response, Problem> {
    let words = view.words();
    let subject = person.signed_in.subject();
    let login = read(flow.house.store.database(), move |reader| find_login_of(reader, subject))
        .await
        .or_problem()?;
    let login = login.ok_or_else(|| Problem::new(&problems::NOT_FOUND))?;
    let secret = TotpSecret::derive(&flow.house.totp_key(), subject, person.salt);
    let address = secret.url(flow.house.config.operator_name.as_str(), login.mail());
    let title = words.get("sign-in-enrolment-title");
    let main = EnrolmentMain {
        words,
        title: &title,
        action: Paths::of(flow.realm).enrolment,
        notice: refusal.map(|refusal| complain(words, refusal)),
        picture: picture(&address),
        secret: in_fours(&secret.to_base32()),
        address,
        salt: person.salt.to_text(),
        code: match refusal {
            Some(_) => code_field(words).focused(),
            None => code_field(words),
        }
        .hint(words.get("sign-in-enrolment-hint")),
        token: person.proof.field(),
        back: back.as_str(),
        send: Button::new(words.get("sign-in-enrolment-send")),
    };
    let status = refusal.map_or(StatusCode::OK, status_of);
    Ok(view.page(title.as_ref()).home(home(flow.realm)).status(status).show(&main))
}

/// Draws an address as a QR code, black on white whatever the page's colours; empty when it does
/// not fit.
fn picture(address: &str) -> String {
    let code = QrCode::with_error_correction_level(address, EcLevel::M);
    let drawn = code.map(|code| {
        let mut renderer = code.render::<svg::Color<'_>>();
        renderer.min_dimensions(220, 220).quiet_zone(true).build()
    });
    drawn.unwrap_or_default()
}

/// Writes a secret so that it can be typed.
fn in_fours(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len().saturating_mul(2));
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            spaced.push(' ');
        }
        spaced.push(character);
    }
    spaced
}

#[derive(Template)]
#[template(path = "sign_in/page_recovery.html")]
struct RecoveryMain<'a> {
    words: Words<'a>,
    title: &'a str,
    notice: Notice,
    codes: Vec<String>,
    on: LinkButton,
}

async fn enrol(
    State(flow): State<Flow>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let back = ReturnPath::of(&form.back, flow.realm);
    let Some(salt) = TotpSalt::parse(&form.salt) else {
        return see_other(Paths::of(flow.realm).enrolment);
    };
    let visitor = Visitor::of(&context, None);
    match flow.enrol(visitor, &signed_in, salt, &form.code).await? {
        Ok((opened, codes)) => {
            let words = view.words();
            let title = words.get("sign-in-recovery-title");
            let main = RecoveryMain {
                words,
                title: &title,
                notice: Notice::new(Tone::Wait, words.get("sign-in-recovery-once"), ""),
                codes: codes.iter().map(access::RecoveryCode::expose).collect(),
                on: LinkButton::new(words.get("sign-in-recovery-on"), back.as_str()),
            };
            let mut response = view.page(title.as_ref()).home(home(flow.realm)).show(&main);
            response.headers_mut().append(header::SET_COOKIE, cookie(&flow, &opened)?);
            Ok(response)
        }
        Err(SignInRefusal::SessionEnded) => see_other(sign_in_path(flow.realm)),
        Err(SignInRefusal::SecondFactorSet) => see_other(home(flow.realm)),
        Err(refusal) => {
            let person = Enrolling { signed_in, proof, salt };
            enrolment_form(&view, &flow, &person, &back, Some(refusal)).await
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in/page_out.html")]
struct SignOutMain<'a> {
    title: &'a str,
    action: &'static str,
    token: FormToken,
    send: Button,
    back: LinkButton,
}

async fn show_sign_out(
    State(flow): State<Flow>,
    view: View,
    Caller(proof): Caller<FormProof>,
) -> Response {
    let words = view.words();
    let title = words.get("sign-out-title");
    let main = SignOutMain {
        title: &title,
        action: Paths::of(flow.realm).sign_out,
        token: proof.field(),
        send: Button::new(words.get("sign-out-send")),
        back: LinkButton::new(words.get("sign-out-back"), home(flow.realm)).weight(Weight::Quiet),
    };
    view.page(title.as_ref()).home(home(flow.realm)).show(&main)
}

#[derive(Deserialize)]
struct SignOutForm {
    #[serde(default)]
    csrf: String,
}

async fn sign_out(
    State(flow): State<Flow>,
    context: RequestContext,
    headers: HeaderMap,
    Caller(signed_in): Caller<SignedIn>,
    Caller(proof): Caller<FormProof>,
    Form(form): Form<SignOutForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    flow.sign_out(Visitor::of(&context, None), &signed_in).await?;
    let mut response = see_other(sign_in_path(flow.realm))?;
    let gone = build_cookie(flow.realm, "", Lifetime::Removed)?;
    response.headers_mut().append(header::SET_COOKIE, gone);
    Ok(response)
}
