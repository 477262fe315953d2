//! `/settings`: all that members set themselves, and the pages behind it.

use core::fmt::Write as _;

use askama::Template;
use serde::Deserialize;

use super::{
    desk::{CheckBox, Desk, FormMain, go_signed_in, visitor_of},
    letters::{About, Writing},
    proof::{new_password_field, password_field},
};
use crate::{
    guard::FormProof,
    reactions,
    sign_in::{complain, see_other, status_of, with_retry_after},
};
use access::{
    BrowserSession, ChangePassword, Login, Passkey, Password, PasswordRefusal, Realm, SecretHash,
    SignInOutcome, SignInRefusal, SignOut, SignOutScope, SignedIn, list_passkeys, list_sessions,
};
use answers::{OrProblem as _, off_thread, read};
use mail::Recipient;
use point_site::preferences::Preferences;
use vocabulary::{Timestamp, Zone};
use wallet::notice::SendLetters;
use web::{
    Caller, Form, HeaderMap, Language, Problem, Query, RequestContext, Response, Routes, State,
    StatusCode, View, Words,
    components::{
        Button, Cell, Column, DataList, FormToken, Html, LinkButton, Notice, Select, Table, Tone,
        Weight,
    },
    get, post,
};

const NEED: &str = "session.member";

pub(super) fn routes() -> Routes<Desk> {
    Routes::of("daifuku")
        .on(get("/settings", NEED), show)
        .on(post("/settings/preferences", NEED).idempotent(), save_preferences)
        .on(get("/settings/password", NEED), show_password)
        .on(post("/settings/password", NEED).idempotent(), change_password)
        .on(post("/settings/sessions/end", NEED).idempotent(), end_sessions)
}

#[derive(Template)]
#[template(path = "membership/settings.html")]
struct SettingsMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    login: DataList,
    change_mail: LinkButton,
    change_password: LinkButton,
    phone: Option<LinkButton>,
    passkeys: Option<Table>,
    removals: Vec<(String, Button, String)>,
    sessions: Table,
    end_others: Button,
    language: Select,
    notices: Html,
    save: Button,
    ranks: LinkButton,
    invite: LinkButton,
    data: LinkButton,
    leave: LinkButton,
    token: FormToken,
    script: String,
}

#[derive(Default, Deserialize)]
struct Asked {
    /// What was just done, to be said above.
    #[serde(default)]
    done: String,
}

/// What the page says above after each thing that can be done.
const DONE: [&str; 7] =
    ["mail", "password", "preferences", "sessions", "passkey", "passkey-removed", "staying"];

async fn show(
    State(desk): State<Desk>,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let login = desk.login(&signed_in).await?;
    let (subject, now) = (signed_in.subject(), desk.now());
    let (sessions, passkeys) = read(desk.house.store.database(), move |reader| {
        Ok((list_sessions(reader, subject, now)?, list_passkeys(reader, subject)?))
    })
    .await
    .or_problem()?;
    let chosen = reactions::preferences_of(&desk.house, subject).await?;
    let done = DONE.into_iter().find(|known| *known == asked.done);
    let sms = desk.house.config.sms_address.href().is_some();
    let shown = Shown { login, sessions, passkeys, chosen, signed_in, sms };
    let main = settings(&view, &shown, &proof, done);
    let title = view.words().get("settings-title");
    Ok(view.page(title).nav(crate::navigation::of_member(&view)).show(&main))
}

/// What the page shows.
struct Shown {
    login: Login,
    sessions: Vec<BrowserSession>,
    passkeys: Vec<Passkey>,
    chosen: Preferences,
    signed_in: SignedIn,
    /// Whether telephone numbers are taken.
    sms: bool,
}

fn settings<'a>(
    view: &'a View,
    shown: &Shown,
    proof: &FormProof,
    done: Option<&str>,
) -> SettingsMain<'a> {
    let words = view.words();
    let link = |key: &str, href| LinkButton::new(words.get(key), href).weight(Weight::Quiet);
    let removals = shown.passkeys.iter().map(|passkey| {
        let button = Button::new(words.get("passkey-remove")).weight(Weight::Quiet);
        (passkey.label().as_str().to_owned(), button, hex(passkey.hash()))
    });
    let languages = [Language::Japanese, Language::English]
        .map(|language| (language.code().to_owned(), language.own_name().to_owned()));
    SettingsMain {
        words,
        notice: done.map(|done| {
            let text = words.find(&format!("settings-done-{done}-text")).unwrap_or_default();
            Notice::new(Tone::Good, words.get(&format!("settings-done-{done}")), text)
        }),
        login: DataList::new()
            .pair(words.get("sign-in-mail"), shown.login.mail().as_str())
            .pair(words.get("sign-in-password"), words.get("settings-password-set").as_ref()),
        change_mail: link("change-mail-title", "/settings/mail"),
        change_password: link("change-password-title", "/settings/password"),
        phone: shown.sms.then(|| link("settings-phone", "/settings/phone")),
        passkeys: (!shown.passkeys.is_empty()).then(|| passkey_table(words, &shown.passkeys)),
        removals: removals.collect(),
        sessions: session_table(words, &shown.sessions, shown.signed_in.session()),
        end_others: Button::new(words.get("sessions-end")).weight(Weight::Quiet),
        language: Select::new("language", words.get("preferences-language"), languages.into())
            .chosen(shown.chosen.language.code()),
        notices: Html::of(&CheckBox {
            name: "notices",
            legend: words.get("preferences-notices").into_owned(),
            label: words.get("preferences-notices-yes").into_owned(),
            read: Vec::new(),
            error: String::new(),
            checked: shown.chosen.notices,
        }),
        save: Button::new(words.get("preferences-save")),
        ranks: link("settings-ranks", "/rank"),
        invite: link("settings-invite", "/invite"),
        data: link("data-go", "/settings/data"),
        leave: link("leave-go", "/settings/leave"),
        token: proof.field(),
        script: view.asset("passkey.js"),
    }
}

fn passkey_table(words: Words<'_>, passkeys: &[Passkey]) -> Table {
    let columns = vec![
        Column::text(words.get("passkey-name")),
        Column::times(words.get("passkey-since")),
        Column::times(words.get("passkey-used")),
    ];
    let rows = passkeys.iter().map(|passkey| {
        let used = passkey.used_at().map(minute);
        vec![
            passkey.label().as_str().into(),
            minute(passkey.created_at()).into(),
            used.unwrap_or_else(|| words.get("passkey-unused").into_owned()).into(),
        ]
    });
    Table::new(words.get("passkeys-title"), columns).untitled().rows(rows)
}

fn session_table(words: Words<'_>, sessions: &[BrowserSession], own: SecretHash) -> Table {
    let columns = vec![
        Column::text(words.get("session-where")),
        Column::times(words.get("session-since")),
        Column::times(words.get("session-seen")),
    ];
    let rows = sessions.iter().map(|session| {
        let here = if session.session == own { "session-here" } else { "session-other" };
        let cells: Vec<Cell> = vec![
            words.get(here).as_ref().into(),
            minute(session.created_at).into(),
            minute(session.seen_at).into(),
        ];
        cells
    });
    Table::new(words.get("sessions-title"), columns).untitled().rows(rows)
}

fn minute(moment: Timestamp) -> String {
    Zone::JAPAN.format_minute(moment)
}

pub(super) fn hex(hash: SecretHash) -> String {
    hash.to_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Reads what [`hex`] wrote; `None` for anything else.
pub(super) fn parse_hex(text: &str) -> Option<SecretHash> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
        .collect();
    Some(SecretHash::from_bytes(bytes.try_into().ok().filter(|_| text.len() == 64)?))
}

#[derive(Deserialize)]
struct PreferencesForm {
    #[serde(default)]
    language: String,
    #[serde(default)]
    notices: String,
    #[serde(default)]
    csrf: String,
}

async fn save_preferences(
    State(desk): State<Desk>,
    headers: HeaderMap,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<PreferencesForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let language = Language::parse(&form.language);
    let notices = Some(form.notices == "yes");
    reactions::save_preferences(&desk.house, signed_in.subject(), language, notices).await?;
    see_other("/settings?done=preferences")
}

/// Says that the password of somebody who is signed in is another one, or that it was tried too
/// often.
pub(super) fn password_notice(words: Words<'_>, refusal: SignInRefusal) -> Notice {
    match refusal {
        SignInRefusal::Wrong => Notice::new(
            Tone::Bad,
            words.get("password-now-wrong"),
            words.get("password-now-wrong-next"),
        ),
        SignInRefusal::Throttled { .. }
        | SignInRefusal::Locked { .. }
        | SignInRefusal::SessionEnded
        | SignInRefusal::Stale
        | SignInRefusal::SecondFactorSet => complain(words, refusal),
    }
}

/// A wrong password in a form is a wrong field: whoever sent it is signed in.
pub(super) fn password_status(refusal: SignInRefusal) -> StatusCode {
    match refusal {
        SignInRefusal::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
        SignInRefusal::Throttled { .. }
        | SignInRefusal::Locked { .. }
        | SignInRefusal::SessionEnded
        | SignInRefusal::Stale
        | SignInRefusal::SecondFactorSet => status_of(refusal),
    }
}

async fn show_password(view: View, Caller(proof): Caller<FormProof>) -> Response {
    password_form(&view, &proof, None, None)
}

fn password_form(
    view: &View,
    proof: &FormProof,
    new: Option<PasswordRefusal>,
    refusal: Option<SignInRefusal>,
) -> Response {
    let words = view.words();
    let main = FormMain {
        title: words.get("change-password-title").into_owned(),
        notice: refusal.map(|refusal| password_notice(words, refusal)),
        lead: vec![words.get("change-password-lead").into_owned()],
        action: "/settings/password",
        token: Some(proof.field()),
        fields: vec![Html::of(&password_field(words)), Html::of(&new_password_field(words, new))],
        send: Some(Button::new(words.get("change-password-send"))),
        foot: vec![(words.get("settings-back").into_owned(), "/settings".to_owned())],
        ..FormMain::default()
    };
    let wrong = if new.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = main.show(view, refusal.map_or(wrong, password_status));
    with_retry_after(shown, refusal)
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    csrf: String,
}

async fn change_password(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let visitor = visitor_of(&context, &headers);
    let login = desk.login(&signed_in).await?;
    let password = match Password::choose(&form.new, Realm::Member, login.mail()) {
        Ok(password) => password,
        Err(refusal) => return Ok(password_form(&view, &proof, Some(refusal), None)),
    };
    if let Err(refusal) = desk.admit(signed_in.login(), &visitor) {
        return Ok(password_form(&view, &proof, None, Some(refusal)));
    }
    let to = Recipient::Address(login.mail().clone());
    let (secret, session) = desk.draw_session();
    let command = ChangePassword {
        verdict: desk.verdict(login, &form.password).await?,
        previous: signed_in.session(),
        password: desk.hash(password).await?,
        session,
        request: visitor.request,
    };
    let Ok(outcome) = desk.ask(command).await?;
    match outcome {
        SignInOutcome::Opened(opened) => {
            desk.house.sessions.forget_subject(opened.subject);
            let writing = Writing { desk: &desk, words: view.words() };
            let notice = writing.write(desk.next_id(), About::PasswordChanged, to, &[])?;
            let Ok(()) = desk.ask(SendLetters(vec![notice])).await?;
            go_signed_in(&desk, "/settings?done=password", &secret, opened.stage)
        }
        SignInOutcome::Refused(refusal) => Ok(password_form(&view, &proof, None, Some(refusal))),
    }
}

#[derive(Deserialize)]
struct TokenForm {
    #[serde(default)]
    csrf: String,
}

/// Ends all sessions of the member but this one.
async fn end_sessions(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<TokenForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let request = visitor_of(&context, &headers).request;
    let (subject, now) = (signed_in.subject(), desk.now());
    let sessions =
        read(desk.house.store.database(), move |reader| list_sessions(reader, subject, now));
    let others = sessions.await.or_problem()?.into_iter().map(|session| session.session);
    let (login, scope) = (signed_in.login(), SignOutScope::Here);
    let commands: Vec<SignOut> = others
        .filter(|session| *session != signed_in.session())
        .map(|session| SignOut { login, session, scope, request })
        .collect();
    let store = desk.house.store.clone();
    off_thread(move || store.run_all(commands)).await.flatten().or_problem()?;
    desk.house.sessions.forget_subject(subject);
    see_other("/settings?done=sessions")
}
