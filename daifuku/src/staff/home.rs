use askama::Template;

use super::keys;
use crate::{house::House, navigation, parts::STAFF_PAGES};
use access::{Authenticated, Need, Role};
use answers::{OrProblem as _, read};
use point_site::fraud_case::count_overdue;
use store::registry;
use web::{
    Caller, Problem, Response, Routes, State, View, Words,
    components::{Cell, Column, DataList, Notice, Table, Tone},
    get,
};

/// The doors of the staff console that belong to no feature.
pub(crate) fn routes(house: &House) -> Routes {
    Routes::of("daifuku")
        .on(get("/staff", "session.staff"), show)
        .with_state(house)
        .and(keys::routes(house))
}

#[derive(Template)]
#[template(path = "staff/home.html")]
struct HomeMain<'a> {
    words: Words<'a>,
    overdue: Option<Notice>,
    person: DataList,
    pages: Table,
    rights: Vec<String>,
}

async fn show(
    State(house): State<House>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let words = view.words();
    let companies = read(house.store.database(), registry::companies).await.or_problem()?;
    let company = companies.into_iter().find(|company| company.number == who.company());
    let company = match company {
        Some(company) => company.name.as_str().to_owned(),
        None => who.company().to_string(),
    };
    let columns =
        vec![Column::text(words.get("staff-page")), Column::text(words.get("staff-page-about"))];
    let pages = STAFF_PAGES.iter().filter(|page| who.needs().contains(page.need)).map(|page| {
        let about = words.get(&format!("{}-about", page.text));
        vec![Cell::link(words.get(page.text), page.href), about.into_owned().into()]
    });
    let overdue = if who.needs().contains(Need::FraudRead) { overdue(&house).await? } else { 0 };
    let main = HomeMain {
        words,
        overdue: (overdue > 0).then(|| {
            let title = words.with("staff-home-overdue", &[("count", overdue.into())]);
            Notice::new(Tone::Bad, title, words.get("staff-home-overdue-text"))
        }),
        person: DataList::new()
            .pair(words.get("staff-role"), role_name(words, who.role()))
            .pair(words.get("staff-company"), company),
        pages: Table::new(words.get("staff-pages"), columns).rows(pages).compact(),
        rights: who.needs().iter().map(|need| need_name(words, need.code())).collect(),
    };
    Ok(view
        .page(words.get("staff-title"))
        .nav(navigation::of_staff(&view, who.needs()))
        .show(&main))
}

/// Counts the cases that should have been decided.
async fn overdue(house: &House) -> Result<u32, Problem> {
    let features = house.features().map_err(|error| Problem::of_failure(error.as_ref(), false))?;
    let Some(site) = &features.site else { return Ok(0) };
    let (company, now) = (site.config().company, site.now());
    read(house.store.database(), move |reader| count_overdue(reader, company, now))
        .await
        .or_problem()
}

fn role_name(words: Words<'_>, role: Option<Role>) -> String {
    role.map_or_else(String::new, |role| words.get(&format!("role-{}", role.code())).into_owned())
}

/// Says in words what somebody may do.
pub(super) fn need_name(words: Words<'_>, code: &str) -> String {
    words.get(&format!("need-{}", code.replace('.', "-"))).into_owned()
}
