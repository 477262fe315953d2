use std::collections::BTreeMap;

use askama::Template;

use crate::decision::store::count_proposed;
use crate::health::store::{
    Clicks, Conversions, Letter, Messages, count_clicks, count_conversions, count_messages,
    count_messages_waiting, list_unreadable, read_message,
};
use crate::health::{Pulse, ReadAgain, Standing, standing};
use crate::review::permit;
use crate::review::store::count_waiting;
use crate::site::Site;
use access::{Authenticated, Need};
use answers::OrProblem as _;
use store::{Fault, Reader};
use vocabulary::{Amount, Id, Scale, Timestamp, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, Figure, LinkButton, Table, Tone, Weight,
};
use web::{
    Caller, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, View, Words, get,
    post, problems,
};

/// How many unreadable messages the page lists.
const UNREADABLE: u32 = 20;

/// How networks do, and a message as it came.
pub(crate) fn routes() -> Routes<Site> {
    let read = Need::ConversionRead.code();
    let again = post("/staff/networks/messages/{id}/again", Need::ConversionDecide.code());
    Routes::of("point-site")
        .on(get("/staff/networks", read), show)
        .on(get("/staff/networks/messages/{id}", read), message)
        .on(again.idempotent(), read_again)
}

#[derive(Template)]
#[template(path = "health/page.html")]
struct Main<'a> {
    words: Words<'a>,
    queues: DataList,
    networks: Table,
    shops: Option<Table>,
    unreadable: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "health/page_message.html")]
struct MessageMain<'a> {
    words: Words<'a>,
    facts: DataList,
    request: &'a str,
    action: String,
    again: Option<Button>,
    back: LinkButton,
}

/// What was counted.
struct Counts {
    clicks: [Clicks; 2],
    messages: [Messages; 2],
    conversions: [Conversions; 3],
    waiting: u32,
    reviews: u32,
    proposed: u32,
    unreadable: Vec<Letter>,
}

fn count(site: &Site, reader: &mut Reader<'_>) -> Result<Counts, Fault> {
    let (company, now) = (site.config().company, site.now());
    let (day, week, month) = (now.plus_days(-1), now.plus_days(-7), now.plus_days(-28));
    let reasons = count_waiting(reader, company)?.reasons;
    Ok(Counts {
        clicks: [count_clicks(reader, company, day)?, count_clicks(reader, company, week)?],
        messages: [count_messages(reader, company, day)?, count_messages(reader, company, week)?],
        conversions: [
            count_conversions(reader, company, day)?,
            count_conversions(reader, company, week)?,
            count_conversions(reader, company, month)?,
        ],
        waiting: count_messages_waiting(reader)?,
        reviews: reasons.values().fold(0, |sum: u32, count| sum.saturating_add(*count)),
        proposed: count_proposed(reader, company)?,
        unreadable: list_unreadable(reader, company, UNREADABLE)?,
    })
}

type Account = (Token, Token);

/// Joins what was counted, by network's account and shop.
fn pulses(site: &Site, counts: &Counts) -> BTreeMap<(Account, Id<kind::Shop>), Pulse> {
    let shelf = site.catalogue().shelf();
    let mut pulses: BTreeMap<(Account, Id<kind::Shop>), Pulse> = BTreeMap::new();
    let [day, week] = &counts.clicks;
    for (clicks, recent) in [(day, true), (week, false)] {
        for ((offer, number, shop), count) in clicks {
            let versions = shelf.offers.get(offer).map(|offer| &offer.versions);
            let version = versions.and_then(|all| all.iter().find(|one| one.version == *number));
            let Some(version) = version else { continue };
            let account = (version.terms.network.clone(), version.terms.account.clone());
            let pulse = pulses.entry((account, *shop)).or_default();
            let sum = if recent { &mut pulse.clicks_day } else { &mut pulse.clicks_week };
            *sum = sum.saturating_add(*count);
        }
    }
    let [day, week, month] = &counts.conversions;
    for (key, (count, _)) in day {
        pulses.entry(key.clone()).or_default().conversions_day = *count;
    }
    for (key, (count, _)) in week {
        pulses.entry(key.clone()).or_default().conversions_week = *count;
    }
    for (key, (count, told_at)) in month {
        let pulse = pulses.entry(key.clone()).or_default();
        (pulse.conversions_month, pulse.told_at) = (*count, Some(*told_at));
    }
    pulses
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let shared = site.clone();
    let counts = site.read(move |reader| count(&shared, reader)).await?;
    let (words, now) = (view.words(), site.now());
    let pulses = pulses(&site, &counts);
    let unreadable = &counts.unreadable;
    let main = Main {
        words,
        queues: queues(words, &counts),
        networks: networks(&site, words, &counts),
        shops: (!pulses.is_empty()).then(|| shops(&site, words, &pulses, now)),
        unreadable: (!unreadable.is_empty()).then(|| unreadable_table(words, unreadable)),
        empty: EmptyState::new(words.get("health-empty"), words.get("health-empty-text")),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("health-title")).nav(nav).show(&main))
}

fn figure(count: u32) -> Figure {
    Figure::amount(Amount::from(count), Scale::default(), "")
}

fn queues(words: Words<'_>, counts: &Counts) -> DataList {
    let linked = |count: u32, href: &str| Cell::link(count.to_string(), href);
    DataList::new()
        .pair(words.get("health-waiting"), figure(counts.waiting))
        .pair(words.get("health-reviews"), linked(counts.reviews, "/staff/conversions"))
        .pair(words.get("health-proposed"), linked(counts.proposed, "/staff/decisions"))
}

fn networks(site: &Site, words: Words<'_>, counts: &Counts) -> Table {
    let columns = vec![
        Column::text(words.get("report-network")),
        Column::figures(words.get("health-messages-day")),
        Column::figures(words.get("health-messages-week")),
        Column::times(words.get("health-last")),
    ];
    let [day, week] = &counts.messages;
    let networks = site.config().networks.list();
    let rows = networks.iter().map(|network| {
        let key = (network.code.clone(), network.account.clone());
        let (of_week, last) = week.get(&key).map_or((0, None), |(count, at)| (*count, Some(*at)));
        let last = last.map_or_else(|| "–".to_owned(), |at| Zone::JAPAN.format_minute(at));
        vec![
            format!("{}/{}", network.code.as_str(), network.account.as_str()).into(),
            figure(day.get(&key).map_or(0, |(count, _)| *count)).into(),
            figure(of_week).into(),
            last.into(),
        ]
    });
    Table::new(words.get("health-networks"), columns).rows(rows)
}

/// Lists shops, the silent ones first.
fn shops(
    site: &Site,
    words: Words<'_>,
    pulses: &BTreeMap<(Account, Id<kind::Shop>), Pulse>,
    now: Timestamp,
) -> Table {
    let shelf = site.catalogue().shelf();
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::text(words.get("report-network")),
        Column::text(words.get("report-state")),
        Column::figures(words.get("health-clicks")),
        Column::figures(words.get("health-conversions")),
        Column::times(words.get("health-last")),
    ];
    let mut all: Vec<_> = pulses.iter().map(|(key, p)| (standing(p, now), key, p)).collect();
    all.sort_by_key(|(standing, key, pulse)| {
        let silent = matches!(standing, Standing::Silent { .. });
        (!silent, core::cmp::Reverse(pulse.clicks_week), (*key).clone())
    });
    let rows = all.into_iter().take(200).map(|(standing, ((network, account), shop), pulse)| {
        let name = shelf.shops.get(shop).map_or("–", |shop| shop.name.as_str());
        let last = pulse.told_at.map_or_else(|| "–".to_owned(), |at| Zone::JAPAN.format_minute(at));
        vec![
            name.into(),
            format!("{}/{}", network.as_str(), account.as_str()).into(),
            badge(words, standing).into(),
            format!("{} / {}", pulse.clicks_day, pulse.clicks_week).into(),
            format!("{} / {}", pulse.conversions_day, pulse.conversions_week).into(),
            last.into(),
        ]
    });
    Table::new(words.get("health-shops"), columns).rows(rows)
}

fn badge(words: Words<'_>, standing: Standing) -> Badge {
    match standing {
        Standing::Idle => Badge::new(Tone::Plain, words.get("health-idle")),
        Standing::Alive => Badge::new(Tone::Good, words.get("health-alive")),
        Standing::Silent { hours: None } => Badge::new(Tone::Bad, words.get("health-silent")),
        Standing::Silent { hours: Some(hours) } => {
            let told = [("hours", hours.to_string().into())];
            Badge::new(Tone::Bad, words.with("health-silent-for", &told))
        }
    }
}

fn unreadable_table(words: Words<'_>, letters: &[Letter]) -> Table {
    let columns = vec![
        Column::times(words.get("health-received")),
        Column::text(words.get("report-network")),
        Column::text(words.get("health-why")),
    ];
    let rows = letters.iter().map(|letter| {
        let at = Zone::JAPAN.format_minute(letter.received_at);
        let (network, account) = &letter.account;
        vec![
            Cell::link(at, format!("/staff/networks/messages/{}", letter.id)),
            format!("{}/{}", network.as_str(), account.as_str()).into(),
            words.get(&format!("unreadable-{}", letter.why)).as_ref().into(),
        ]
    });
    Table::new(words.get("health-unreadable"), columns).rows(rows)
}

async fn message(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Message>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let company = site.config().company;
    let found = site.read(move |reader| read_message(reader, company, id)).await?;
    let (letter, unreadable, request) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let (network, account) = &letter.account;
    let mut facts = DataList::new()
        .pair(words.get("health-received"), Zone::JAPAN.format_second(letter.received_at))
        .pair(words.get("report-network"), format!("{}/{}", network.as_str(), account.as_str()));
    if unreadable {
        let why = words.get(&format!("unreadable-{}", letter.why));
        facts = facts.pair(words.get("health-why"), why.as_ref());
    }
    let may = unreadable && who.require(Need::ConversionDecide).is_ok();
    let main = MessageMain {
        words,
        facts,
        request: request.as_str(),
        action: format!("/staff/networks/messages/{id}/again"),
        again: may.then(|| Button::new(words.get("health-again"))),
        back: LinkButton::new(words.get("health-back"), "/staff/networks").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("health-message")).nav(nav).show(&main))
}

async fn read_again(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Message>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionDecide)?;
    let company = site.config().company;
    let found = site.read(move |reader| read_message(reader, company, id)).await?;
    found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let Ok(_again) = site.run(ReadAgain { message: id, company, who }).await.or_problem()?;
    Ok(Redirect::to(&format!("/staff/networks/messages/{id}")).into_response())
}
