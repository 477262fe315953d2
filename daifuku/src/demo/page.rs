use std::sync::Arc;

use askama::Template;
use serde::Deserialize;

use super::seed::{PASSWORD, PEOPLE};
use crate::{clock::ShiftedClock, house::House};
use vocabulary::{Clock as _, Zone};
use web::{
    Form, HeaderMap, IntoResponse as _, Problem, Response, Routes, State, StatusCode, View, Words,
    components::{Button, Column, DataList, LinkButton, Table, Weight},
    csrf, get, header, post,
};

/// What the pages of the demo show and move.
#[derive(Clone, Debug)]
struct Demo {
    house: House,
    clock: Arc<ShiftedClock>,
}

/// The demo's own doors: who can sign in, and the clock. No other installation has them.
pub(super) fn routes(house: &House, clock: &Arc<ShiftedClock>) -> Routes {
    Routes::of("demo")
        .on(get("/demo", "public"), show)
        .on(get("/demo/terms", "public"), show_terms)
        .on(get("/demo/privacy", "public"), show_privacy)
        .on(post("/demo/clock", "public"), put_forward)
        .with_state(&Demo { house: house.clone(), clock: Arc::clone(clock) })
}

#[derive(Template)]
#[template(path = "demo/page.html")]
struct DemoMain<'a> {
    words: Words<'a>,
    clock: DataList,
    day: Button,
    month: Button,
    password: &'static str,
    people: Table,
    member: LinkButton,
    staff: LinkButton,
    network: LinkButton,
    sms: LinkButton,
}

async fn show(State(demo): State<Demo>, view: View) -> Response {
    let words = view.words();
    let now = demo.clock.now();
    let hours = demo.clock.hours_ahead();
    let columns = ["demo-person", "demo-mail", "staff-role", "demo-code"];
    let people = PEOPLE.iter().map(|person| {
        let role = words.get(&format!("role-{}", person.role.code())).into_owned();
        let code = person.code(&demo.house, now).unwrap_or_default();
        vec![person.name.into(), person.mail.into(), role.into(), code.into()]
    });
    let choice = |key: &str, hours: &str| {
        Button::new(words.get(key)).weight(Weight::Quiet).choice("hours", hours)
    };
    let link = |key: &str, href| LinkButton::new(words.get(key), href).weight(Weight::Quiet);
    let main = DemoMain {
        words,
        clock: DataList::new()
            .pair(words.get("demo-clock"), Zone::JAPAN.format_second(now))
            .pair(words.get("demo-ahead"), words.with("demo-hours", &[("hours", hours.into())])),
        day: choice("demo-forward-day", "24"),
        month: choice("demo-forward-month", "720"),
        password: PASSWORD,
        people: Table::new(
            words.get("demo-logins"),
            columns.map(|key| Column::text(words.get(key))).into(),
        )
        .rows(people),
        member: link("sign-in-title", "/sign-in"),
        staff: link("sign-in-staff-title", "/staff/sign-in"),
        network: link("sandbox-network-title", "/sandbox/network"),
        sms: link("sms-title", "/sandbox/sms"),
    };
    view.page(words.get("demo-title")).show(&main)
}

/// A text of the site that a company writes itself; here is a sample.
#[derive(Template)]
#[template(path = "demo/sample.html")]
struct SampleMain<'a> {
    title: &'a str,
    text: &'a str,
}

async fn show_terms(view: View) -> Response {
    show_sample(&view, ("footer-terms", "demo-terms-text"))
}

async fn show_privacy(view: View) -> Response {
    show_sample(&view, ("footer-privacy", "demo-privacy-text"))
}

fn show_sample(view: &View, (title, text): (&str, &str)) -> Response {
    let words = view.words();
    let (title, text) = (words.get(title), words.get(text));
    let nav = crate::navigation::of_member(view);
    view.page(title.as_ref()).nav(nav).show(&SampleMain { title: &title, text: &text })
}

#[derive(Deserialize)]
struct Forward {
    hours: u16,
}

async fn put_forward(
    State(demo): State<Demo>,
    headers: HeaderMap,
    Form(forward): Form<Forward>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    demo.clock.put_forward(u32::from(forward.hours));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/demo")]).into_response())
}
