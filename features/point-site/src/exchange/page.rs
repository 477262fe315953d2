use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::destination::store::{read_destinations, read_limit_groups};
use crate::destination::{
    DestinationEntry, DestinationKind, LimitGroup, Opening, QuoteRefusal, Taken, entries_in_force,
    quote,
};
use crate::exchange::command::{due_on, month_start, taken_of};
use crate::exchange::store::{find_exchanges, list_of_member, list_versions, read_taken};
use crate::exchange::{
    AcceptExchange, AcceptRefusal, Cause, ChangeExchange, ChangeRefusal, Clearance, Exchange,
    ExchangeEvent, ExchangeState, QuoteExchange, QuotingRefusal, VersionLine,
};
use crate::figure::amount;
use crate::gift_code::RevealCode;
use crate::gift_code::store::{Stock, find_issues, read_stock};
use crate::payee::Payee;
use crate::payee::store::{find_active, find_payees};
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, faulted};
use store::Fault;
use vocabulary::{Amount, Day, Id, Scale, Timestamp, Token, UnitCode, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, FieldKind, Figure, LinkButton, Notice,
    Pager, StepState, Story, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Cursor, Form, IntoResponse as _, Language, PageRequest, Paged, Path, Problem, Query,
    Redirect, Response, Routes, State, StatusCode, View, Words, get, post, problems,
};

const NEED: Need = Need::MemberSelf;

/// Where members exchange.
pub(crate) fn routes() -> Routes<Site> {
    let to = |method: fn(&'static str, &'static str) -> web::Route, path| method(path, NEED.code());
    Routes::of("point-site")
        .on(to(get, "/exchange"), list)
        .on(to(get, "/exchange/history"), history)
        .on(to(get, "/exchange/to/{code}"), offer)
        .on(to(post, "/exchange/to/{code}").idempotent(), ask_quote)
        .on(to(get, "/exchange/{id}"), show)
        .on(to(post, "/exchange/{id}/accept").idempotent(), accept)
        .on(to(post, "/exchange/{id}/cancel").idempotent(), cancel)
        .on(to(post, "/exchange/{id}/reveal").idempotent(), reveal)
}

/// Gives the member who asks.
pub(crate) fn own_member(site: &Site, who: &Authenticated) -> Result<Id<kind::Member>, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(NEED).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let member = authorize(who, NEED, own, member).map_err(|_denied| not_found())?;
    Ok(member.into_command())
}

/// What the pages of destinations show.
struct Counter {
    entries: Vec<DestinationEntry>,
    stock: Stock,
    groups: BTreeMap<Token, LimitGroup>,
    taken: BTreeMap<Token, Taken>,
    available: Amount,
    now: Timestamp,
}

impl Counter {
    async fn read(site: &Site, member: Id<kind::Member>) -> Result<Self, Problem> {
        let (company, now) = (site.config().company, site.now());
        let rows = site
            .read(move |reader| {
                let entries = read_destinations(reader, &[company])?;
                let groups = read_limit_groups(reader, &[company])?;
                let taken = read_taken(reader, &[member], month_start(now))?;
                let stock = read_stock(reader, company)?;
                Ok((entries, groups, taken, stock))
            })
            .await?;
        let (entries, groups, taken, stock) = rows;
        let account = site.store().find_account(Id::of(
            member,
            site.config().unit.get(),
            vocabulary::AccountRole::Member,
        ));
        let account = account.and_then(|number| site.store().account(number));
        let today = Zone::JAPAN.day_of(now);
        let entries: Vec<_> = entries.into_values().flatten().collect();
        Ok(Self {
            entries: entries_in_force(&entries, today).into_iter().cloned().collect(),
            stock,
            groups: groups.into_iter().map(|((_, code), group)| (code, group)).collect(),
            taken: taken
                .into_iter()
                .map(|((_, group), lines)| (group, taken_of(lines.values(), now)))
                .collect(),
            available: account.as_ref().map_or(Amount::ZERO, ledger::Account::available),
            now,
        })
    }

    fn find(&self, code: &str) -> Option<&DestinationEntry> {
        self.entries.iter().find(|entry| entry.terms.code.as_str() == code)
    }

    /// The values of which a pool has codes.
    fn values(&self, entry: &DestinationEntry) -> Vec<Amount> {
        let shelves = self.stock.values().filter(|shelf| shelf.pool == entry.product);
        shelves.filter(|shelf| shelf.free > 0).map(|shelf| shelf.value).collect()
    }

    fn left(&self, entry: &DestinationEntry) -> Option<Amount> {
        let limit = self.groups.get(&entry.terms.limit_group)?;
        let taken = self.taken.get(&entry.terms.limit_group).copied().unwrap_or_default();
        let left = |limit: Option<Amount>, used| limit.map(|limit| limit.saturating_sub(used));
        [left(limit.daily, taken.today), left(limit.monthly, taken.month)]
            .into_iter()
            .flatten()
            .min()
    }
}

/// Names a destination in the reader's language.
pub(crate) fn name_of(entry: &DestinationEntry, words: Words<'_>) -> String {
    let name = match words.language() {
        Language::Japanese => &entry.name,
        Language::English => &entry.name_english,
    };
    name.as_str().to_owned()
}

/// Names the destination of an exchange, by the version that it was quoted under.
pub(crate) fn name_of_exchange(
    entries: &[DestinationEntry],
    exchange: &Exchange,
    words: Words<'_>,
) -> String {
    let quote = &exchange.quote;
    let of_code = entries.iter().filter(|entry| entry.terms.code == quote.destination);
    let known = of_code.clone().find(|entry| entry.terms.effective_from == quote.effective_from);
    let known = known.or_else(|| of_code.clone().next());
    known.map_or_else(|| quote.destination.as_str().to_owned(), |entry| name_of(entry, words))
}

/// Writes a value with its unit: yen before all as people write it.
pub(crate) fn value_text(words: Words<'_>, value: Amount, unit: UnitCode) -> String {
    let figure = Scale::default().format(value.minor_units());
    match unit.as_str() {
        "JPY" => words.with("exchange-yen", &[("figure", figure.into())]),
        other => format!("{figure} {other}"),
    }
}

pub(crate) fn points_text(words: Words<'_>, site: &Site, points: Amount) -> String {
    let figure = site.config().scale.format(points.minor_units());
    words.with("exchange-points", &[("figure", figure.into())])
}

/// Writes a day with its day of the week.
pub(crate) fn day_text(words: Words<'_>, day: Day) -> String {
    let (_, month, date) = day.civil();
    let weekday = words.get(weekday_key(day));
    let args = [
        ("month", month.to_string().into()),
        ("day", date.to_string().into()),
        ("weekday", weekday.into_owned().into()),
    ];
    words.with("exchange-day", &args)
}

const fn weekday_key(day: Day) -> &'static str {
    use vocabulary::Weekday;
    match Weekday::of(day) {
        Weekday::Monday => "weekday-mon",
        Weekday::Tuesday => "weekday-tue",
        Weekday::Wednesday => "weekday-wed",
        Weekday::Thursday => "weekday-thu",
        Weekday::Friday => "weekday-fri",
        Weekday::Saturday => "weekday-sat",
        Weekday::Sunday => "weekday-sun",
    }
}

fn arrival(words: Words<'_>, kind: DestinationKind, due: Option<Day>, today: Day) -> String {
    match due {
        None => words.get("exchange-due-unknown").into_owned(),
        Some(due) if due == today && kind.gives_code() => {
            words.get("exchange-due-now").into_owned()
        }
        Some(due) => words.with("exchange-due-by", &[("day", day_text(words, due).into())]),
    }
}

#[derive(Template)]
#[template(path = "exchange/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    wanted: Option<String>,
    available: Figure,
    destinations: Vec<Tile>,
    empty: EmptyState,
    links: [LinkButton; 2],
}

struct Tile {
    name: String,
    href: Option<String>,
    rate: String,
    minimum: String,
    fee: String,
    due: String,
    /// What as many points as were asked about give, to be quoted at once.
    take: Option<Take>,
}

struct Take {
    action: String,
    choice: Choice,
}

/// What the list is asked about: points that somebody wants to use, as in letters about expiry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    points: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let counter = Counter::read(&site, member).await?;
    let words = view.words();
    // What is no number is asked about by nobody.
    let wanted = wanted.points.parse::<i64>().ok().and_then(|points| Amount::try_new(points).ok());
    let wanted = wanted.filter(|points| !points.is_zero());
    let quiet = |key: &str, href: &str| {
        LinkButton::new(words.get(key), href.to_owned()).weight(Weight::Quiet)
    };
    let main = ListMain {
        words,
        wanted: wanted.map(|wanted| {
            words.with("exchange-use", &[("points", points_text(words, &site, wanted).into())])
        }),
        available: Figure::amount(counter.available, site.config().scale, words.get("points-unit"))
            .total(),
        destinations: counter
            .entries
            .iter()
            .map(|entry| {
                let take = wanted.and_then(|wanted| take_of(&site, words, &counter, entry, wanted));
                Tile { take, ..tile(&site, words, entry, counter.now) }
            })
            .collect(),
        empty: EmptyState::new(words.get("exchange-empty"), words.get("exchange-empty-text")),
        links: [
            quiet("exchange-history-link", "/exchange/history"),
            quiet("payee-link", "/exchange/account"),
        ],
    };
    Ok(page(&site, &view, "exchange-title").show(&main))
}

fn page<'v>(site: &Site, view: &'v View, title: &str) -> web::Page<'v> {
    view.page(view.words().get(title)).nav((site.config().member_nav)(view))
}

fn tile(site: &Site, words: Words<'_>, entry: &DestinationEntry, now: Timestamp) -> Tile {
    let terms = &entry.terms;
    let today = Zone::JAPAN.day_of(now);
    let least = least_of(entry);
    let sample = quote(terms, least, today);
    let rate = match &sample {
        Ok(sample) => {
            let points = points_text(words, site, sample.turned);
            format!("{points} → {}", value_text(words, sample.value, sample.unit))
        }
        Err(_refusal) => words.get("exchange-paused").into_owned(),
    };
    let due = sample.as_ref().ok().and_then(|sample| due_on(site.config(), sample, now));
    let fee = if terms.fee.is_zero() {
        words.get("exchange-free").into_owned()
    } else {
        words.with("exchange-fee-of", &[("points", points_text(words, site, terms.fee).into())])
    };
    Tile {
        name: name_of(entry, words),
        href: (terms.opening == Opening::Open)
            .then(|| format!("/exchange/to/{}", terms.code.as_str())),
        rate,
        minimum: words.with("exchange-from", &[("points", points_text(words, site, least).into())]),
        fee,
        due: arrival(words, terms.kind, due, today),
        take: None,
    }
}

/// Gives the most of the points wanted that an open destination takes.
fn take_of(
    site: &Site,
    words: Words<'_>,
    counter: &Counter,
    entry: &DestinationEntry,
    wanted: Amount,
) -> Option<Take> {
    if entry.terms.opening != Opening::Open {
        return None;
    }
    let choices = choices(site, words, counter, entry, Some(wanted));
    let fits = |choice: &Choice| choice.points <= wanted.minor_units();
    let choice = choices.into_iter().rfind(fits)?;
    Some(Take { action: format!("/exchange/to/{}", entry.terms.code.as_str()), choice })
}

/// The fewest points that a destination takes, with the fee.
fn least_of(entry: &DestinationEntry) -> Amount {
    match quote(&entry.terms, Amount::ZERO, entry.terms.effective_from) {
        Err(QuoteRefusal::BelowMinimum { minimum }) => minimum,
        Ok(_)
        | Err(
            QuoteRefusal::NotYet { .. }
            | QuoteRefusal::Paused
            | QuoteRefusal::Worthless
            | QuoteRefusal::OutOfRange,
        ) => entry.terms.minimum,
    }
}

#[derive(Template)]
#[template(path = "exchange/page_offer.html")]
struct OfferMain<'a> {
    words: Words<'a>,
    name: String,
    notice: Option<Notice>,
    terms: DataList,
    action: String,
    choices: Vec<Choice>,
    field: Option<TextField>,
    send: Button,
    back: LinkButton,
}

struct Choice {
    points: i64,
    label: String,
    gives: String,
}

async fn offer(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let counter = Counter::read(&site, member).await?;
    let entry = counter.find(&code).ok_or(Problem::new(&problems::NOT_FOUND))?;
    Ok(offer_page(&site, &view, &counter, entry, None))
}

/// What was typed, and what is wrong with it.
struct Wrong {
    typed: String,
    text: String,
}

fn offer_page(
    site: &Site,
    view: &View,
    counter: &Counter,
    entry: &DestinationEntry,
    wrong: Option<Wrong>,
) -> Response {
    let words = view.words();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let least = least_of(entry);
    let (typed, text) = wrong.map(|wrong| (wrong.typed, wrong.text)).unwrap_or_default();
    let pooled = entry.terms.kind == DestinationKind::PooledCode;
    let notice = notice_of(words, site, counter, entry).or_else(|| {
        let bad = pooled && !text.is_empty();
        bad.then(|| Notice::new(Tone::Bad, text.clone(), String::new()))
    });
    let field = TextField::new(words, "points", words.get("exchange-points-field"))
        .kind(FieldKind::Figure)
        .suffix(words.get("points-unit"))
        .hint(words.with(
            "exchange-points-hint",
            &[
                ("least", points_text(words, site, least).into()),
                ("available", points_text(words, site, counter.available).into()),
            ],
        ))
        .value(typed)
        .error(text);
    let main = OfferMain {
        words,
        name: name_of(entry, words),
        notice,
        terms: terms_of(site, words, counter, entry),
        action: format!("/exchange/to/{}", entry.terms.code.as_str()),
        choices: choices(site, words, counter, entry, None),
        field: (!pooled).then_some(field),
        send: Button::new(words.get("exchange-quote-button")),
        back: LinkButton::new(words.get("exchange-back"), "/exchange").weight(Weight::Quiet),
    };
    page(site, view, "exchange-title").status(status).show(&main)
}

fn notice_of(
    words: Words<'_>,
    site: &Site,
    counter: &Counter,
    entry: &DestinationEntry,
) -> Option<Notice> {
    let least = least_of(entry);
    if counter.available < least {
        let missing = least.saturating_sub(counter.available);
        let text = words
            .with("exchange-short-text", &[("points", points_text(words, site, missing).into())]);
        return Some(Notice::new(Tone::Wait, words.get("exchange-short"), text));
    }
    let pooled = entry.terms.kind == DestinationKind::PooledCode;
    if pooled && counter.values(entry).is_empty() {
        let text = words.get("exchange-sold-out-text");
        return Some(Notice::new(Tone::Wait, words.get("exchange-sold-out"), text));
    }
    None
}

fn terms_of(
    site: &Site,
    words: Words<'_>,
    counter: &Counter,
    entry: &DestinationEntry,
) -> DataList {
    let tile = tile(site, words, entry, counter.now);
    let step = points_text(words, site, entry.terms.step.max(Amount::from(1)));
    let mut list = DataList::new()
        .pair(words.get("exchange-available"), points_text(words, site, counter.available))
        .pair(words.get("exchange-rate"), tile.rate)
        .pair(words.get("exchange-minimum"), tile.minimum)
        .pair(words.get("exchange-step"), step)
        .pair(words.get("exchange-fee"), tile.fee)
        .pair(words.get("exchange-due"), tile.due);
    if let Some(left) = counter.left(entry) {
        list = list.pair(words.get("exchange-left"), points_text(words, site, left));
    }
    list
}

/// Some amounts to choose from: the least, round ones, all that can be turned, and what is wanted.
fn choices(
    site: &Site,
    words: Words<'_>,
    counter: &Counter,
    entry: &DestinationEntry,
    wanted: Option<Amount>,
) -> Vec<Choice> {
    let today = Zone::JAPAN.day_of(counter.now);
    let most = counter.left(entry).map_or(counter.available, |left| left.min(counter.available));
    let stocked = counter.values(entry);
    let pooled = entry.terms.kind == DestinationKind::PooledCode;
    let least = least_of(entry);
    let times = |count: i64| {
        Amount::try_new(least.minor_units().saturating_mul(count)).unwrap_or(Amount::MAX)
    };
    let amounts = [
        least,
        Amount::from(500_u32),
        times(2),
        Amount::from(1_000_u32),
        Amount::from(3_000_u32),
        most,
    ]
    .into_iter()
    .chain(wanted);
    let mut found: BTreeMap<i64, Choice> = BTreeMap::new();
    for points in amounts.filter(|points| *points <= most) {
        let Ok(quote) = quote(&entry.terms, points, today) else { continue };
        if pooled && !stocked.contains(&quote.value) {
            continue;
        }
        let taken = quote.taken();
        found.insert(
            taken.minor_units(),
            Choice {
                points: taken.minor_units(),
                label: points_text(words, site, taken),
                gives: value_text(words, quote.value, quote.unit),
            },
        );
    }
    found.into_values().collect()
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    points: String,
}

async fn ask_quote(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let counter = Counter::read(&site, member).await?;
    let entry = counter.find(&code).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let wrong = |text: String| {
        let wrong = Wrong { typed: asked.points.clone(), text };
        Ok(offer_page(&site, &view, &counter, entry, Some(wrong)))
    };
    let Some(points) = amount(&asked.points) else {
        return wrong(words.get("exchange-wrong-figure").into_owned());
    };
    if points > counter.available {
        let available = points_text(words, &site, counter.available);
        return wrong(words.with("exchange-wrong-short", &[("points", available.into())]));
    }
    let command = QuoteExchange {
        config: site.shared_config(),
        id: site.next_id(counter.now),
        member,
        destination: entry.terms.code.clone(),
        points,
        by: who.actor(),
    };
    match site.run(command).await.or_problem()? {
        Ok(exchange) => Ok(Redirect::to(&format!("/exchange/{}", exchange.id)).into_response()),
        Err(QuotingRefusal::Quote(QuoteRefusal::BelowMinimum { minimum })) => {
            let least = points_text(words, &site, minimum);
            wrong(words.with("exchange-wrong-minimum", &[("points", least.into())]))
        }
        Err(refusal) => wrong(refusal_text(words, refusal.code())),
    }
}

fn refusal_text(words: Words<'_>, code: &str) -> String {
    let known = words.find(&format!("exchange-refused-{code}"));
    known.unwrap_or_else(|| words.get("exchange-refused-other")).into_owned()
}

/// An exchange with all that its page shows.
struct Shown {
    exchange: Exchange,
    entries: Vec<DestinationEntry>,
    versions: Vec<VersionLine>,
    payee: Option<Payee>,
    active: Option<Payee>,
}

async fn find_own(
    site: &Site,
    who: &Authenticated,
    id: Id<kind::Exchange>,
) -> Result<Shown, Problem> {
    let member = own_member(site, who)?;
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(exchange) = find_exchanges(reader, &[id])?.remove(&id) else {
                return Ok(None);
            };
            let entries = read_destinations(reader, &[company])?;
            let versions = list_versions(reader, id)?;
            let payee = exchange.payee.map(|payee| find_payees(reader, &[payee])).transpose()?;
            let payee = payee.and_then(|found| found.into_values().next());
            let active = find_active(reader, exchange.member)?;
            let entries = entries.into_values().flatten().collect();
            Ok(Some(Shown { exchange, entries, versions, payee, active }))
        })
        .await?;
    let own = |shown: &Shown| shown.exchange.member == member && shown.exchange.company == company;
    found.filter(own).ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let shown = find_own(&site, &who, id).await?;
    if shown.exchange.kind.gives_code() && shown.exchange.state.code() == "completed" {
        let issues = site.read(move |reader| find_issues(reader, &[id])).await?;
        let last_four = issues.get(&id).map(|issue| issue.last_four.to_string());
        return Ok(exchange_page(&site, &view, &shown, None, last_four.as_deref()));
    }
    Ok(exchange_page(&site, &view, &shown, None, None))
}

#[derive(Template)]
#[template(path = "exchange/page_exchange.html")]
struct ExchangeMain<'a> {
    words: Words<'a>,
    name: String,
    state: Option<Badge>,
    notice: Option<Notice>,
    gets: String,
    facts: DataList,
    story: Option<Story>,
    confirm: Option<Confirm>,
    title: String,
    cancel: Option<Button>,
    reveal: Option<Button>,
    address: String,
    account: Option<LinkButton>,
    links: Vec<LinkButton>,
}

struct Confirm {
    until: String,
    accept: Button,
}

fn exchange_page(
    site: &Site,
    view: &View,
    shown: &Shown,
    refused: Option<Notice>,
    last_four: Option<&str>,
) -> Response {
    let words = view.words();
    let (exchange, now) = (&shown.exchange, site.now());
    let open = matches!(exchange.state, ExchangeState::Quoted { expires_at } if now < expires_at);
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let quiet =
        |key: &str, href: String| LinkButton::new(words.get(key), href).weight(Weight::Quiet);
    let back = format!("/exchange/to/{}", exchange.quote.destination.as_str());
    let missing = open && exchange.kind.needs_target() && shown.active.is_none();
    let cancellable =
        matches!(exchange.state, ExchangeState::Held { .. }) && exchange.payout.is_none();
    let main = ExchangeMain {
        words,
        name: name_of_exchange(&shown.entries, exchange, words),
        state: (!open).then(|| state_badge(words, exchange, now)),
        notice: refused.or_else(|| state_notice(words, exchange, missing, now)),
        gets: value_text(words, exchange.quote.value, exchange.quote.unit),
        facts: facts(site, words, shown, last_four),
        story: (!open).then(|| story(words, shown)),
        confirm: (open && !missing).then(|| Confirm {
            until: words.with(
                "exchange-until",
                &[("time", Zone::JAPAN.format_minute(exchange.expires_at()).into())],
            ),
            accept: Button::new(words.get("exchange-accept")),
        }),
        title: words
            .get(if open { "exchange-confirm-title" } else { "exchange-facts" })
            .into_owned(),
        cancel: cancellable
            .then(|| Button::new(words.get("exchange-cancel")).weight(Weight::Quiet)),
        reveal: last_four.map(|_| Button::new(words.get("exchange-reveal"))),
        address: format!("/exchange/{}", exchange.id),
        account: missing.then(|| LinkButton::new(words.get("payee-link"), "/exchange/account")),
        links: if open {
            vec![quiet("exchange-change", back)]
        } else {
            vec![
                quiet("exchange-history-link", "/exchange/history".to_owned()),
                quiet("exchange-again", "/exchange".to_owned()),
            ]
        },
    };
    let title = if open { "exchange-confirm-title" } else { "exchange-one-title" };
    page(site, view, title).status(status).show(&main)
}

fn state_notice(
    words: Words<'_>,
    exchange: &Exchange,
    missing: bool,
    now: Timestamp,
) -> Option<Notice> {
    let notice = |tone, key: &str| {
        let text = words.get(&format!("{key}-text"));
        Some(Notice::new(tone, words.get(key), text))
    };
    if missing {
        return notice(Tone::Wait, "exchange-payee-missing");
    }
    match exchange.state {
        ExchangeState::Quoted { expires_at } if now < expires_at => None,
        ExchangeState::Quoted { .. } | ExchangeState::Expired { .. } => {
            notice(Tone::Wait, "exchange-over")
        }
        ExchangeState::Held { clearance: Clearance::Review, .. } => {
            notice(Tone::Wait, "exchange-in-review")
        }
        ExchangeState::Accepted { .. }
        | ExchangeState::Held { clearance: Clearance::Free, .. }
        | ExchangeState::Sent { .. } => notice(Tone::Good, "exchange-done"),
        ExchangeState::Unknown { .. } => notice(Tone::Wait, "exchange-unknown"),
        ExchangeState::Completed { .. } => notice(Tone::Good, "exchange-arrived"),
        ExchangeState::Failed { .. }
        | ExchangeState::Returned { .. }
        | ExchangeState::Cancelled { .. } => {
            let reason = exchange.reason.as_ref().map(Token::as_str);
            let text = reason.and_then(|code| words.find(&format!("exchange-reason-{code}")));
            let text = text.unwrap_or_else(|| words.get("exchange-points-free"));
            let key = format!("exchange-ended-{}", exchange.state.code());
            Some(Notice::new(Tone::Wait, words.get(&key), text))
        }
    }
}

pub(crate) fn state_badge(words: Words<'_>, exchange: &Exchange, now: Timestamp) -> Badge {
    let (tone, key) = match exchange.state {
        ExchangeState::Quoted { expires_at } if now < expires_at => {
            (Tone::Plain, "exchange-state-quoted")
        }
        ExchangeState::Quoted { .. } | ExchangeState::Expired { .. } => {
            (Tone::Plain, "exchange-state-expired")
        }
        ExchangeState::Held { clearance: Clearance::Review, .. } => {
            (Tone::Wait, "exchange-state-review")
        }
        ExchangeState::Accepted { .. } | ExchangeState::Held { .. } => {
            (Tone::Wait, "exchange-state-held")
        }
        ExchangeState::Sent { .. } => (Tone::Wait, "exchange-state-sent"),
        ExchangeState::Unknown { .. } => (Tone::Wait, "exchange-state-unknown"),
        ExchangeState::Completed { .. } => (Tone::Good, "exchange-state-completed"),
        ExchangeState::Failed { .. } => (Tone::Bad, "exchange-state-failed"),
        ExchangeState::Returned { .. } => (Tone::Bad, "exchange-state-returned"),
        ExchangeState::Cancelled { .. } => (Tone::Plain, "exchange-state-cancelled"),
    };
    Badge::new(tone, words.get(key))
}

fn facts(site: &Site, words: Words<'_>, shown: &Shown, last_four: Option<&str>) -> DataList {
    let (exchange, now) = (&shown.exchange, site.now());
    let quote = &exchange.quote;
    let points = |amount| points_text(words, site, amount);
    let mut list = DataList::new()
        .pair(words.get("exchange-taken"), points(quote.taken()))
        .pair(words.get("exchange-fee"), points(quote.fee));
    if !quote.remainder.is_zero() {
        list = list.pair(words.get("exchange-remainder"), points(quote.remainder));
    }
    let payee = shown.payee.as_ref().or(shown.active.as_ref());
    if let Some(payee) = payee.filter(|_| exchange.kind.needs_target()) {
        list = list.pair(words.get("exchange-payee"), payee.shown.as_str().to_owned());
    }
    let due = match exchange.accepted_at {
        Some(_) => exchange.due_on,
        None => due_on(site.config(), quote, now),
    };
    let waits = match exchange.state {
        ExchangeState::Quoted { .. }
        | ExchangeState::Accepted { .. }
        | ExchangeState::Held { clearance: Clearance::Free, .. }
        | ExchangeState::Sent { .. } => true,
        ExchangeState::Held { clearance: Clearance::Review, .. }
        | ExchangeState::Unknown { .. }
        | ExchangeState::Expired { .. }
        | ExchangeState::Completed { .. }
        | ExchangeState::Failed { .. }
        | ExchangeState::Returned { .. }
        | ExchangeState::Cancelled { .. } => false,
    };
    if waits {
        let today = Zone::JAPAN.day_of(now);
        list = list.pair(words.get("exchange-due"), arrival(words, exchange.kind, due, today));
    }
    if let Some(last_four) = last_four {
        list = list.pair(words.get("exchange-code"), last_four.to_owned());
    }
    list
}

fn story(words: Words<'_>, shown: &Shown) -> Story {
    let exchange = &shown.exchange;
    let count = shown.versions.len();
    let mut story = Story::new();
    for (place, line) in (1_usize..).zip(&shown.versions) {
        // Between the two stands only what the ledger says.
        if line.event == "accept" || line.event == "accept_for_review" {
            continue;
        }
        let state =
            if place == count && open_end(exchange) { StepState::Current } else { StepState::Done };
        let key = format!("exchange-event-{}", line.event);
        let text = line.reason.as_ref().map(Token::as_str);
        let text = text.and_then(|code| words.find(&format!("exchange-reason-{code}")));
        let when = Zone::JAPAN.format_minute(line.at);
        story = story.step(words, state, words.get(&key), when, text.unwrap_or_default());
    }
    if open_end(exchange) {
        let accepted_on = Zone::JAPAN.day_of(exchange.accepted_at.unwrap_or(exchange.quoted_at));
        let when = arrival(words, exchange.kind, exchange.due_on, accepted_on);
        story = story.step(words, StepState::Next, words.get("exchange-next"), when, "");
    }
    story
}

/// Tells whether something is still to come.
const fn open_end(exchange: &Exchange) -> bool {
    match exchange.state {
        ExchangeState::Accepted { .. }
        | ExchangeState::Held { .. }
        | ExchangeState::Sent { .. }
        | ExchangeState::Unknown { .. } => true,
        ExchangeState::Quoted { .. }
        | ExchangeState::Expired { .. }
        | ExchangeState::Completed { .. }
        | ExchangeState::Failed { .. }
        | ExchangeState::Returned { .. }
        | ExchangeState::Cancelled { .. } => false,
    }
}

async fn accept(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let shown = find_own(&site, &who, id).await?;
    let address = format!("/exchange/{id}");
    match take_up(&site, &who, &shown.exchange, shown.active.as_ref()).await.or_problem()? {
        Ok(_exchange) => Ok(Redirect::to(&address).into_response()),
        Err(AcceptRefusal::ProofNeeded) => {
            crate::proof::begin(&site, &view, id, shown.exchange.member).await?;
            Ok(Redirect::to(&format!("{address}/code")).into_response())
        }
        Err(refusal) => {
            let notice = refusal_notice(&site, view.words(), refusal);
            Ok(exchange_page(&site, &view, &shown, Some(notice), None))
        }
    }
}

/// Takes a quote up, in the name of whoever asks.
pub(crate) async fn take_up(
    site: &Site,
    who: &Authenticated,
    exchange: &Exchange,
    payee: Option<&Payee>,
) -> Result<Result<Exchange, AcceptRefusal>, Fault> {
    let command = AcceptExchange {
        config: site.shared_config(),
        exchange: exchange.id,
        member: exchange.member,
        payee: payee.map(|payee| payee.id),
        asked_at: site.now(),
        by: who.actor(),
    };
    site.run(command).await
}

pub(crate) fn refusal_notice(site: &Site, words: Words<'_>, refusal: AcceptRefusal) -> Notice {
    let text = match refusal {
        AcceptRefusal::Limit(limit) => {
            let left = points_text(words, site, limit.left);
            words.with("exchange-refused-limit", &[("points", left.into())])
        }
        AcceptRefusal::NotFound
        | AcceptRefusal::QuoteOver
        | AcceptRefusal::Paused
        | AcceptRefusal::PayeeMissing
        | AcceptRefusal::PayeeBlocked
        | AcceptRefusal::SoldOut
        | AcceptRefusal::Denied
        | AcceptRefusal::ProofNeeded
        | AcceptRefusal::PointsBought
        | AcceptRefusal::Ledger(_) => refusal_text(words, refusal.code()),
    };
    Notice::new(Tone::Bad, words.get("exchange-refused"), text)
}

async fn cancel(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let shown = find_own(&site, &who, id).await?;
    let command = ChangeExchange {
        config: site.shared_config(),
        exchange: id,
        member: Some(shown.exchange.member),
        event: ExchangeEvent::Cancel,
        issue: None,
        cause: Cause { by: who.actor(), reason: Token::parse("by_member").ok() },
    };
    match site.run(command).await.or_problem()? {
        Ok(_) => Ok(Redirect::to(&format!("/exchange/{id}")).into_response()),
        Err(ChangeRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(ChangeRefusal::TooLate | ChangeRefusal::Contradicted | ChangeRefusal::Ledger(_)) => {
            let words = view.words();
            let text = words.get("exchange-cancel-late-text");
            let notice = Notice::new(Tone::Bad, words.get("exchange-cancel-late"), text);
            Ok(exchange_page(&site, &view, &shown, Some(notice), None))
        }
    }
}

#[derive(Template)]
#[template(path = "exchange/page_code.html")]
struct CodeMain<'a> {
    words: Words<'a>,
    name: String,
    gets: String,
    code: &'a str,
    until: String,
    back: LinkButton,
}

async fn reveal(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let shown = find_own(&site, &who, id).await?;
    let issue = site.read(move |reader| find_issues(reader, &[id])).await?.remove(&id);
    let issue = issue.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let company = site.config().company;
    // First written down, then shown.
    let Ok(()) =
        site.run(RevealCode { exchange: id, company, by: who.actor() }).await.or_problem()?;
    let code = issue.open(&site.config().exchange.vault).ok_or_else(|| {
        faulted(&Fault::new(store::FaultKind::Corrupt, "open the code of an exchange"))
    })?;
    let words = view.words();
    let main = CodeMain {
        words,
        name: name_of_exchange(&shown.entries, &shown.exchange, words),
        gets: value_text(words, shown.exchange.quote.value, shown.exchange.quote.unit),
        code: code.reveal(),
        until: issue.usable_until.map_or_else(
            || words.get("exchange-code-no-end").into_owned(),
            |day| words.with("exchange-code-until", &[("day", day.to_string().into())]),
        ),
        back: LinkButton::new(words.get("exchange-code-back"), format!("/exchange/{id}"))
            .weight(Weight::Quiet),
    };
    Ok(page(&site, &view, "exchange-code-title").show(&main))
}

#[derive(Template)]
#[template(path = "exchange/page_history.html")]
struct HistoryMain<'a> {
    words: Words<'a>,
    list: Option<(Table, Pager)>,
    empty: EmptyState,
    back: LinkButton,
}

async fn history(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<PageRequest>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let (company, limit) = (site.config().company, asked.limit);
    let before = asked.after.as_ref().and_then(|after| after.key().try_into().ok());
    let before = before.map(Id::<kind::Exchange>::from_bytes);
    let (entries, found) = site
        .read(move |reader| {
            let entries = read_destinations(reader, &[company])?;
            Ok((entries, list_of_member(reader, member, before, limit.and_one())?))
        })
        .await?;
    let entries: Vec<DestinationEntry> = entries.into_values().flatten().collect();
    let paged = Paged::new(found, limit, |exchange| Cursor::new(exchange.id.to_bytes()));
    let (words, now) = (view.words(), site.now());
    let columns = vec![
        Column::text(words.get("exchange-to")),
        Column::times(words.get("exchange-at")),
        Column::figures(words.get("exchange-taken")),
        Column::text(words.get("exchange-gets")),
        Column::text(words.get("exchange-state")),
    ];
    let rows = paged.items.iter().map(|exchange| {
        let points = exchange.quote.taken();
        vec![
            Cell::link(
                name_of_exchange(&entries, exchange, words),
                format!("/exchange/{}", exchange.id),
            ),
            Zone::JAPAN.format_minute(exchange.quoted_at).into(),
            Figure::amount(points, site.config().scale, words.get("points-unit")).into(),
            value_text(words, exchange.quote.value, exchange.quote.unit).into(),
            state_badge(words, exchange, now).into(),
        ]
    });
    let table = Table::new(words.get("exchange-history-title"), columns).untitled().rows(rows);
    let next = paged.next.map(|next| format!("?after={next}"));
    let first = asked.after.map(|_| "/exchange/history".to_owned());
    let empty = paged.items.is_empty();
    let main = HistoryMain {
        words,
        list: (!empty).then(|| (table, Pager::new(words, first, next))),
        empty: EmptyState::new(
            words.get("exchange-history-empty"),
            words.get("exchange-history-empty-text"),
        )
        .action(LinkButton::new(words.get("exchange-title"), "/exchange")),
        back: LinkButton::new(words.get("exchange-back"), "/exchange").weight(Weight::Quiet),
    };
    Ok(page(&site, &view, "exchange-history-title").show(&main))
}

/// What the passbook says of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeStory {
    /// The destination's name in Japanese.
    pub name: String,
    /// The same in English.
    pub name_english: String,
    /// What the member gets.
    pub value: Amount,
    /// In which unit.
    pub unit: UnitCode,
}

/// Finds exchanges by the ids that lines of a passbook carry: holds and captures have the
/// exchange's own. Others are left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn stories(
    reader: &mut store::Reader<'_>,
    company: vocabulary::CompanyNumber,
    ids: &[u128],
) -> Result<BTreeMap<u128, ExchangeStory>, Fault> {
    let ids: Vec<Id<kind::Exchange>> = ids.iter().copied().map(Id::from_bits).collect();
    let found = find_exchanges(reader, &ids)?;
    if found.is_empty() {
        return Ok(BTreeMap::new());
    }
    let entries = read_destinations(reader, &[company])?;
    let entries: Vec<DestinationEntry> = entries.into_values().flatten().collect();
    let own = found.into_values().filter(|exchange| exchange.company == company);
    Ok(own
        .filter_map(|exchange| {
            let code = &exchange.quote.destination;
            let entry = entries.iter().rev().find(|entry| entry.terms.code == *code)?;
            let story = ExchangeStory {
                name: entry.name.as_str().to_owned(),
                name_english: entry.name_english.as_str().to_owned(),
                value: exchange.quote.value,
                unit: exchange.quote.unit,
            };
            Some((exchange.id.bits(), story))
        })
        .collect())
}
