//! Leaving: what is lost, the password once more, days in which signing in takes it back.

use serde::Deserialize;

use super::{
    desk::{CheckBox, Desk, FormMain, go_signed_out, visitor_of},
    letters::{About, Writing},
    proof::password_field,
    settings::{password_notice, password_status},
};
use crate::{guard::FormProof, reactions};
use access::{SignInRefusal, SignOut, SignOutScope, SignedIn};
use mail::Recipient;
use point_site::leaving::{AskToLeave, GRACE_DAYS, LeavingLoss, LeavingRefusal};
use vocabulary::{Amount, Zone};
use web::{
    Caller, Form, HeaderMap, Problem, RequestContext, Response, Routes, State, StatusCode, View,
    components::{Button, DataList, Figure, Html, Notice, Tone, Weight},
    get, post, problems,
};

const NEED: &str = "session.member";

pub(super) fn routes() -> Routes<Desk> {
    Routes::of("daifuku")
        .on(get("/settings/leave", NEED), show)
        .on(post("/settings/leave", NEED).idempotent(), leave)
        .on(get("/left", "public"), show_left)
}

/// What is wrong with what was sent.
#[derive(Default)]
struct Complaint {
    sure: bool,
    password: Option<SignInRefusal>,
    leaving: Option<LeavingRefusal>,
}

async fn show(
    State(desk): State<Desk>,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
) -> Result<Response, Problem> {
    form(&desk, &view, (&signed_in, &proof), &Complaint::default())
}

fn form(
    desk: &Desk,
    view: &View,
    (signed_in, proof): (&SignedIn, &FormProof),
    complaint: &Complaint,
) -> Result<Response, Problem> {
    let words = view.words();
    let loss = reactions::loss_of(&desk.house, signed_in.subject())?;
    let text = |key: &str| words.get(key).into_owned();
    let sure = CheckBox {
        name: "sure",
        legend: text("leave-sure-title"),
        label: text("leave-sure"),
        read: Vec::new(),
        error: if complaint.sure { text("leave-sure-missing") } else { String::new() },
        checked: false,
    };
    let refused = complaint.leaving.map(|refusal| {
        let key = format!("leave-refused-{}", refusal.code());
        Notice::new(Tone::Bad, words.get(&key), words.get(&format!("{key}-next")))
    });
    let wrong = complaint.password.map(|refusal| password_notice(words, refusal));
    let days = [("days", GRACE_DAYS.to_string().into())];
    let status = match complaint.password {
        Some(refusal) => password_status(refusal),
        None if complaint.sure => StatusCode::UNPROCESSABLE_ENTITY,
        None if complaint.leaving.is_some() => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    let main = FormMain {
        title: text("leave-title"),
        notice: refused.or(wrong),
        lead: vec![text("leave-lead"), words.with("leave-days", &days), text("leave-erased")],
        facts: Some(facts(desk, view, loss)),
        action: "/settings/leave",
        token: Some(proof.field()),
        fields: vec![Html::of(&sure), Html::of(&password_field(words))],
        send: Some(Button::new(words.get("leave-send")).weight(Weight::Danger)),
        foot: vec![(text("settings-back"), "/settings".to_owned())],
        ..FormMain::default()
    };
    Ok(main.show(view, status))
}

fn facts(desk: &Desk, view: &View, loss: LeavingLoss) -> DataList {
    let words = view.words();
    let unit = desk.house.store.look(|book| book.find_unit(desk.house.config.site_unit).copied());
    let scale = unit.map(|unit| unit.scale).unwrap_or_default();
    let figure = |amount: Amount| Figure::amount(amount, scale, words.get("points-unit"));
    DataList::new()
        .pair(words.get("leave-points"), figure(loss.free))
        .pair(words.get("leave-announced"), figure(loss.announced))
}

#[derive(Deserialize)]
struct LeaveForm {
    #[serde(default)]
    sure: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    csrf: String,
}

async fn leave(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(sent): Form<LeaveForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &sent.csrf)?;
    let who = (&signed_in, &proof);
    if sent.sure != "yes" {
        return form(&desk, &view, who, &Complaint { sure: true, ..Complaint::default() });
    }
    let visitor = visitor_of(&context, &headers);
    let login = match desk.confirm(&visitor, &signed_in, &sent.password).await? {
        Ok(login) => login,
        Err(refusal) => {
            let complaint = Complaint { password: Some(refusal), ..Complaint::default() };
            return form(&desk, &view, who, &complaint);
        }
    };
    let who_acts = signed_in.authenticated().ok().and_then(access::Authenticated::member);
    let member = who_acts.ok_or_else(|| Problem::new(&problems::FORBIDDEN))?;
    let ends_on = Zone::JAPAN.format_minute(desk.now().plus_days(GRACE_DAYS));
    let writing = Writing { desk: &desk, words: view.words() };
    let to = Recipient::Address(login.mail().clone());
    let extra = [("until", ends_on.as_str())];
    let config = &desk.house.config;
    let command = AskToLeave {
        member,
        company: config.site_company,
        unit: config.site_unit,
        letter: writing.write(desk.next_id(), About::Leaving, to, &extra)?,
    };
    if let Err(refusal) = desk.ask(command).await? {
        let complaint = Complaint { leaving: Some(refusal), ..Complaint::default() };
        return form(&desk, &view, who, &complaint);
    }
    let sign_out = SignOut {
        login: signed_in.login(),
        session: signed_in.session(),
        scope: SignOutScope::Everywhere,
        request: visitor.request,
    };
    let Ok(()) = desk.ask(sign_out).await?;
    desk.house.sessions.forget_subject(signed_in.subject());
    go_signed_out("/left")
}

async fn show_left(view: View) -> Response {
    let words = view.words();
    let days = [("days", GRACE_DAYS.to_string().into())];
    let main = FormMain {
        title: words.get("left-title").into_owned(),
        lead: vec![words.with("left-lead", &days)],
        foot: vec![(words.get("left-back").into_owned(), "/sign-in".to_owned())],
        ..FormMain::default()
    };
    main.show(&view, StatusCode::OK)
}
