use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use serde::Deserialize;

use crate::exchange::store::find_exchanges;
use crate::exchange::{Exchange, state_badge, value_text};
use crate::fraud_case::{Names, note_of, owner_text, read_names, short};
use crate::payout::permit;
use crate::reconciliation::job::{known_days, missing_days};
use crate::reconciliation::store::{
    count_overdue, find_differences, find_statements, list_ended, list_of_statement, list_open,
    list_since,
};
use crate::reconciliation::{
    ChangeDifference, Difference, DifferenceChange, DifferenceRefusal, DifferenceState,
    PartnerStatement, ReceiveError, StatementError, StatementState, Told, UploadedStatement,
    receive_statement,
};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted, off_thread};
use ledger::ActorNumber;
use vocabulary::{Day, Id, Timestamp, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, LinkButton, Notice,
    Pager, Select, Table, Tabs, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, NavItem, Path, Problem, Query, Redirect, Response, Routes,
    State, StatusCode, Upload, View, Words, get, post, problems,
};

const READ: Need = Need::ExchangeRead;
const MANAGE: Need = Need::PayoutManage;
/// Sixty thousand lines have about 6 MB.
const FILE_BYTES_MAX: u64 = 8_000_000;
/// How many differences a page shows.
const SHOWN: u32 = 50;
/// How far back the list shows days and what is closed.
const PAST_DAYS: i32 = 31;
/// The longest note.
const NOTE_MAX: u32 = 500;

/// The staff's pages of statements and differences.
pub(crate) fn routes() -> Routes<Site> {
    let upload = post("/staff/reconciliation", MANAGE.code())
        .body_max(FILE_BYTES_MAX)
        .deadline_ms(60_000)
        .class(web::Class::Bulk)
        .idempotent();
    let change = post("/staff/reconciliation/differences/{id}", MANAGE.code()).idempotent();
    Routes::of("point-site")
        .on(get("/staff/reconciliation", READ.code()), list)
        .on(upload, receive)
        .on(get("/staff/reconciliation/statements/{id}", READ.code()), show_statement)
        .on(get("/staff/reconciliation/differences/{id}", READ.code()), show)
        .on(change, act)
}

#[derive(Template)]
#[template(path = "reconciliation/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    tabs: Tabs,
    list: Option<Table>,
    empty: EmptyState,
    pager: Pager,
    days: Option<Table>,
    no_days: EmptyState,
    form: Option<(Select, TextField, Button)>,
}

#[derive(Template)]
#[template(path = "reconciliation/page_statement.html")]
struct StatementMain<'a> {
    words: Words<'a>,
    title: String,
    state: Badge,
    notice: Option<Notice>,
    facts: DataList,
    list: Option<Table>,
    empty: EmptyState,
    back: LinkButton,
}

#[derive(Template)]
#[template(path = "reconciliation/page_difference.html")]
struct DifferenceMain<'a> {
    words: Words<'a>,
    id: String,
    title: String,
    state: Badge,
    errors: ErrorSummary,
    notice: Option<Notice>,
    advice: String,
    theirs: DataList,
    ours: Option<DataList>,
    facts: DataList,
    address: String,
    take: Option<Button>,
    close: Option<(TextField, Button)>,
    back: LinkButton,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    show: String,
    #[serde(default)]
    after: String,
}

/// Where the list goes on: microseconds, a stroke, the difference.
fn place(text: &str) -> Option<(Timestamp, Id<kind::Difference>)> {
    let (at, id) = text.split_once('~')?;
    Some((Timestamp::from_microseconds(at.parse().ok()?), Id::parse(id).ok()?))
}

/// What became of an upload, to be told above the list.
#[derive(Default)]
struct Uploaded {
    notice: Option<Notice>,
    partner: String,
    day: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    list_page(&site, &view, &who, &asked, Uploaded::default()).await
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    asked: &Asked,
    uploaded: Uploaded,
) -> Result<Response, Problem> {
    let (company, now) = (site.config().company, site.now());
    let (ended, after) = (asked.show == "ended", place(&asked.after));
    let today = Zone::JAPAN.day_of(now);
    let days = (today.plus_days(PAST_DAYS.saturating_neg()), today);
    let (differences, names, statements, overdue, known) = site
        .read(move |reader| {
            let differences = if ended {
                list_ended(reader, company, Zone::JAPAN.start_of(days.0), SHOWN)?
            } else {
                let first = (Timestamp::default(), Id::from_bits(0));
                list_open(reader, company, after.unwrap_or(first), SHOWN)?
            };
            let owners: Vec<ActorNumber> = differences.iter().filter_map(|one| one.owner).collect();
            let names = read_names(reader, &owners)?;
            let overdue = count_overdue(reader, company, now)?;
            let known = known_days(reader, company, now)?;
            Ok((differences, names, list_since(reader, company, days)?, overdue, known))
        })
        .await?;
    let words = view.words();
    let full = differences.len() >= usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let next = differences.last().filter(|_| full && !ended).map(|last| {
        let at = last.due_at.as_microseconds();
        format!("/staff/reconciliation?after={at}~{}", last.id)
    });
    let first = after.is_some().then(|| "/staff/reconciliation".to_owned());
    let wrong = uploaded.notice.is_some();
    let missing = missing_of(site, &known, now);
    let main = ListMain {
        words,
        notice: uploaded.notice.or_else(|| overdue_notice(words, overdue, missing.len())),
        tabs: tabs(words, ended),
        list: (!differences.is_empty())
            .then(|| differences_table(words, (&differences, now), &names, who)),
        empty: EmptyState::new(words.get("recon-empty"), words.get("recon-empty-text")),
        pager: Pager::new(words, first, next),
        days: days_table(words, &statements, &missing),
        no_days: EmptyState::new(words.get("recon-no-days"), words.get("recon-no-days-text")),
        form: upload_form(site, words, who, (uploaded.partner, uploaded.day)),
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("recon-title")).nav(nav).status(status).show(&main))
}

/// The statements that should be there by now, of partners that give them by themselves.
fn missing_of(site: &Site, known: &BTreeSet<(Token, Day)>, now: Timestamp) -> Vec<(Token, Day)> {
    let partners = site.config().exchange.partners.iter().filter(|one| one.statements.is_some());
    partners
        .flat_map(|one| {
            let days = missing_days(&one.code, known, now);
            days.into_iter().map(|day| (one.code.clone(), day))
        })
        .collect()
}

fn overdue_notice(words: Words<'_>, overdue: u32, missing: usize) -> Option<Notice> {
    let mut texts = Vec::new();
    if overdue > 0 {
        texts.push(words.with("recon-overdue-text", &[("count", overdue.into())]));
    }
    if missing > 0 {
        let count = missing.to_string();
        texts.push(words.with("recon-missing-text", &[("count", count.into())]));
    }
    let title = || words.get("recon-overdue");
    (!texts.is_empty()).then(|| Notice::new(Tone::Bad, title(), texts.join(" ")))
}

fn tabs(words: Words<'_>, ended: bool) -> Tabs {
    let items = [("open", !ended), ("ended", ended)].map(|(code, current)| NavItem {
        label: words.get(&format!("recon-tab-{code}")).into_owned(),
        href: format!("/staff/reconciliation?show={code}"),
        current,
        apart: false,
    });
    Tabs::new(words.get("recon-tabs"), items.to_vec())
}

fn upload_form(
    site: &Site,
    words: Words<'_>,
    who: &Authenticated,
    (partner, day): (String, String),
) -> Option<(Select, TextField, Button)> {
    let partners = &site.config().exchange.partners;
    let may = who.needs().contains(MANAGE) && !partners.is_empty();
    may.then(|| {
        let yesterday = Zone::JAPAN.day_of(site.now()).plus_days(-1);
        let day = if day.is_empty() { yesterday.to_string() } else { day };
        let named = partners.iter().map(|one| one.code.as_str().to_owned());
        let select = named.map(|code| (code.clone(), code)).collect();
        (
            Select::new("partner", words.get("recon-partner"), select).chosen(&partner),
            TextField::new(words, "day", words.get("recon-day"))
                .kind(FieldKind::Day)
                .hint(words.get("recon-day-hint"))
                .value(day),
            Button::new(words.get("recon-send")),
        )
    })
}

fn class_text(words: Words<'_>, difference: &Difference) -> String {
    words.get(&format!("recon-class-{}", difference.class.code())).into_owned()
}

fn difference_badge(words: Words<'_>, state: DifferenceState) -> Badge {
    let tone = match state {
        DifferenceState::Open => Tone::Wait,
        DifferenceState::Settled { .. } => Tone::Good,
        DifferenceState::Closed { .. } => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("recon-state-{}", state.code())))
}

fn due_cell(words: Words<'_>, difference: &Difference, now: Timestamp) -> Cell {
    // It is due at the end of a day, which is the beginning of the next one.
    let day = Zone::JAPAN.day_of(difference.due_at.plus_microseconds(-1)).to_string();
    if difference.overdue(now) {
        Badge::new(Tone::Bad, words.with("fraud-late", &[("day", day.into())])).into()
    } else {
        day.into()
    }
}

fn differences_table(
    words: Words<'_>,
    (differences, now): (&[Difference], Timestamp),
    names: &Names,
    who: &Authenticated,
) -> Table {
    let columns = vec![
        Column::text(words.get("recon-difference")),
        Column::text(words.get("recon-class")),
        Column::text(words.get("recon-partner")),
        Column::times(words.get("fraud-due")),
        Column::text(words.get("claim-owner")),
        Column::text(words.get("exchange-state")),
    ];
    let rows = differences.iter().map(|one| {
        vec![
            Cell::link(short(one.id), format!("/staff/reconciliation/differences/{}", one.id)),
            class_text(words, one).into(),
            one.partner.as_str().into(),
            due_cell(words, one, now),
            owner_text(words, names, one.owner, who).into(),
            difference_badge(words, one.state).into(),
        ]
    });
    Table::new(words.get("recon-differences"), columns).rows(rows)
}

fn statement_badge(words: Words<'_>, statement: &PartnerStatement) -> Badge {
    match statement.state {
        StatementState::Reading { .. } | StatementState::Searching => {
            Badge::new(Tone::Wait, words.get("recon-comparing"))
        }
        StatementState::Done if statement.counts.different > 0 => {
            Badge::new(Tone::Bad, words.get("recon-differs"))
        }
        StatementState::Done => Badge::new(Tone::Good, words.get("recon-agrees")),
    }
}

fn days_table(
    words: Words<'_>,
    statements: &[PartnerStatement],
    missing: &[(Token, Day)],
) -> Option<Table> {
    let columns = vec![
        Column::times(words.get("recon-day")),
        Column::text(words.get("recon-partner")),
        Column::text(words.get("exchange-state")),
        Column::figures(words.get("recon-lines")),
        Column::figures(words.get("recon-agreed")),
        Column::figures(words.get("recon-settled")),
        Column::figures(words.get("recon-different")),
    ];
    let mut rows: BTreeMap<(Day, Token, usize), Vec<Cell>> = BTreeMap::new();
    for (place, (partner, day)) in missing.iter().enumerate() {
        let badge = Badge::new(Tone::Bad, words.get("recon-not-there"));
        let mut cells = vec![day.to_string().into(), partner.as_str().into(), badge.into()];
        cells.extend(["–", "–", "–", "–"].map(Cell::from));
        rows.insert((*day, partner.clone(), place), cells);
    }
    for (place, one) in statements.iter().enumerate() {
        let address = format!("/staff/reconciliation/statements/{}", one.id);
        let agreed = one.counts.agreed.saturating_add(one.counts.known);
        let cells = vec![
            Cell::link(one.day.to_string(), address),
            one.partner.as_str().into(),
            statement_badge(words, one).into(),
            one.lines.to_string().into(),
            agreed.to_string().into(),
            one.counts.settled.to_string().into(),
            one.counts.different.to_string().into(),
        ];
        rows.insert((one.day, one.partner.clone(), place), cells);
    }
    let title = words.with("recon-days", &[("count", PAST_DAYS.to_string().into())]);
    let newest = rows.into_values().rev();
    let mut newest = newest.peekable();
    newest.peek().is_some().then(|| Table::new(title, columns).rows(newest))
}

fn refused(words: Words<'_>, error: &ReceiveError) -> Notice {
    let (code, args) = match error {
        ReceiveError::PartnerUnknown => ("partner_unknown", vec![]),
        ReceiveError::DayAhead => ("day_ahead", vec![]),
        ReceiveError::File(file) => {
            let args = match file {
                StatementError::TotalDiffers { count, sum } => {
                    vec![("count", count.to_string().into()), ("sum", sum.to_string().into())]
                }
                StatementError::Headings
                | StatementError::TotalMissing
                | StatementError::Unreadable
                | StatementError::Long => vec![],
            };
            (file.code(), args)
        }
        ReceiveError::Database(_) => ("database", vec![]),
    };
    let text = words.with(&format!("recon-refused-{code}"), &args);
    Notice::new(Tone::Bad, words.get("recon-refused"), text)
}

async fn receive(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    upload: Upload,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let typed = |name: &str| upload.field(name).unwrap_or_default().trim().to_owned();
    let (partner, day) = (typed("partner"), typed("day"));
    let wrong = |text: String| {
        let notice = Notice::new(Tone::Bad, words.get("recon-refused"), text);
        Uploaded { notice: Some(notice), partner: partner.clone(), day: day.clone() }
    };
    let parsed = (Token::parse(&partner), Day::parse(&day), &upload.file);
    let (Ok(partner_code), Ok(of_day), Some(file)) = parsed else {
        let text = words.get("recon-refused-form").into_owned();
        return list_page(&site, &view, &who, &Asked::default(), wrong(text)).await;
    };
    let uploaded = UploadedStatement {
        partner: partner_code,
        day: of_day,
        file_name: file.name.clone(),
        bytes: file.bytes.to_vec(),
        by: Some(who.clone()),
    };
    let shared = site.clone();
    let received = off_thread(move || receive_statement(&shared, &uploaded)).await.or_problem()?;
    match received {
        Ok((id, new)) => {
            let again = if new { "" } else { "?again=1" };
            let address = format!("/staff/reconciliation/statements/{id}{again}");
            Ok(Redirect::to(&address).into_response())
        }
        Err(ReceiveError::Database(fault)) => Err(faulted(&fault)),
        Err(error) => {
            let notice = Some(refused(words, &error));
            let told = Uploaded { notice, partner: partner.clone(), day: day.clone() };
            list_page(&site, &view, &who, &Asked::default(), told).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Again {
    #[serde(default)]
    again: Option<u8>,
}

async fn show_statement(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
    Query(again): Query<Again>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let found = find_statements(reader, &[id])?.remove(&id);
            let Some(found) = found.filter(|one| one.company == company) else { return Ok(None) };
            let differences = list_of_statement(reader, id, SHOWN)?;
            let owners: Vec<ActorNumber> = differences.iter().filter_map(|one| one.owner).collect();
            let people: Vec<ActorNumber> = owners.into_iter().chain([found.received_by]).collect();
            Ok(Some((found, differences, read_names(reader, &people)?)))
        })
        .await?;
    let (statement, differences, names) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let title =
        [("partner", statement.partner.as_str().into()), ("day", statement.day.to_string().into())];
    let main = StatementMain {
        words,
        title: words.with("recon-statement-title", &title),
        state: statement_badge(words, &statement),
        notice: again.again.map(|_| {
            Notice::new(Tone::Wait, words.get("recon-again"), words.get("recon-again-text"))
        }),
        facts: statement_facts(words, &statement),
        list: (!differences.is_empty())
            .then(|| differences_table(words, (&differences, site.now()), &names, &who)),
        empty: match statement.state {
            StatementState::Done => {
                EmptyState::new(words.get("recon-clean"), words.get("recon-clean-text"))
            }
            StatementState::Reading { .. } | StatementState::Searching => {
                EmptyState::new(words.get("recon-comparing"), words.get("recon-comparing-text"))
            }
        },
        back: LinkButton::new(words.get("recon-title"), "/staff/reconciliation")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("recon-statement")).nav(nav).show(&main))
}

fn statement_facts(words: Words<'_>, statement: &PartnerStatement) -> DataList {
    let counts = statement.counts;
    let received = Zone::JAPAN.format_minute(statement.received_at);
    DataList::new()
        .pair(words.get("report-file"), statement.file_name.as_str())
        .pair(words.get("report-uploaded"), received)
        .pair(words.get("recon-lines"), statement.lines.to_string())
        .pair(words.get("recon-sum"), statement.sum.to_string())
        .pair(words.get("recon-agreed"), counts.agreed.to_string())
        .pair(words.get("recon-late"), counts.late.to_string())
        .pair(words.get("recon-known"), counts.known.to_string())
        .pair(words.get("recon-settled"), counts.settled.to_string())
        .pair(words.get("recon-different"), counts.different.to_string())
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Difference>>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    difference_page(&site, &view, &who, id, FormTold::default()).await
}

/// What became of a form, to be told on the page.
#[derive(Default)]
struct FormTold {
    error: Option<String>,
    notice: Option<Notice>,
    text: String,
}

async fn difference_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Difference>,
    told: FormTold,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let found = find_differences(reader, &[id].into())?.remove(&id);
            let Some(found) = found.filter(|one| one.company == company) else { return Ok(None) };
            let statement = find_statements(reader, &[found.statement])?.remove(&found.statement);
            let exchanges: Vec<_> = found.exchange.into_iter().collect();
            let exchange = find_exchanges(reader, &exchanges)?.into_values().next();
            let closed = match found.state {
                DifferenceState::Closed { by, .. } => Some(by),
                DifferenceState::Open | DifferenceState::Settled { .. } => None,
            };
            let people: Vec<ActorNumber> = found.owner.into_iter().chain(closed).collect();
            Ok(Some((found, statement, exchange, read_names(reader, &people)?)))
        })
        .await?;
    let (difference, statement, exchange, names) =
        found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let (words, now) = (view.words(), site.now());
    let works = difference.state == DifferenceState::Open && who.needs().contains(MANAGE);
    let wrong = told.error.is_some() || told.notice.is_some();
    let listed = told.error.iter().map(|text| ("text".to_owned(), text.clone())).collect();
    let class = difference.class.code();
    let main = DifferenceMain {
        words,
        id: short(id),
        title: class_text(words, &difference),
        state: difference_badge(words, difference.state),
        errors: ErrorSummary::new(words, listed),
        notice: told.notice,
        advice: words.get(&format!("recon-advice-{class}")).into_owned(),
        theirs: theirs(words, &difference, statement.as_ref()),
        ours: exchange.as_ref().map(|exchange| ours(words, exchange, now)),
        facts: work_facts(words, (&difference, now), &names, who),
        address: format!("/staff/reconciliation/differences/{id}"),
        take: (works && difference.owner != Some(who.actor()))
            .then(|| Button::new(words.get("fraud-take")).weight(Weight::Quiet)),
        close: works.then(|| {
            let field = TextField::new(words, "text", words.get("recon-found-out"))
                .kind(FieldKind::Lines)
                .hint(words.get("recon-found-out-hint"))
                .characters_max(NOTE_MAX)
                .value(told.text);
            let field = match told.error {
                Some(error) => field.error(error),
                None => field,
            };
            (field, Button::new(words.get("recon-close")))
        }),
        back: LinkButton::new(words.get("recon-title"), "/staff/reconciliation")
            .weight(Weight::Quiet),
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("recon-difference")).nav(nav).status(status).show(&main))
}

fn theirs(
    words: Words<'_>,
    difference: &Difference,
    statement: Option<&PartnerStatement>,
) -> DataList {
    let mut list = DataList::new().pair(words.get("recon-partner"), difference.partner.as_str());
    if let Some(statement) = statement {
        let address = format!("/staff/reconciliation/statements/{}", statement.id);
        list =
            list.pair(words.get("recon-statement"), Cell::link(statement.day.to_string(), address));
    }
    if difference.line > 0 {
        list = list.pair(words.get("recon-line"), difference.line.to_string());
    }
    if let Some(told) = difference.told {
        let key = match told {
            Told::Done => "recon-told-done",
            Told::Refused => "recon-told-refused",
        };
        list = list.pair(words.get("recon-told"), words.get(key).into_owned());
    }
    let text = if difference.line > 0 { "recon-says" } else { "recon-expected" };
    list.pair(words.get(text), difference.text.as_str())
}

fn ours(words: Words<'_>, exchange: &Exchange, now: Timestamp) -> DataList {
    let address = format!("/staff/exchanges/{}", exchange.id);
    let value = value_text(words, exchange.quote.value, exchange.quote.unit);
    DataList::new()
        .pair(words.get("held-exchange"), Cell::link(short(exchange.id), address))
        .pair(words.get("exchange-destination"), exchange.quote.destination.as_str())
        .pair(words.get("payout-amount"), value)
        .pair(words.get("exchange-state"), state_badge(words, exchange, now))
        .pair(words.get("recon-since"), Zone::JAPAN.format_minute(exchange.state.at()))
}

fn work_facts(
    words: Words<'_>,
    (difference, now): (&Difference, Timestamp),
    names: &Names,
    who: &Authenticated,
) -> DataList {
    let minute = |at| Zone::JAPAN.format_minute(at);
    let mut list = DataList::new()
        .pair(words.get("recon-found-at"), minute(difference.opened_at))
        .pair(words.get("fraud-due"), due_text(words, difference, now))
        .pair(words.get("claim-owner"), owner_text(words, names, difference.owner, who));
    match difference.state {
        DifferenceState::Open => {}
        DifferenceState::Settled { at } => {
            list = list.pair(words.get("recon-state-settled"), minute(at));
        }
        DifferenceState::Closed { by, at } => {
            let by = owner_text(words, names, Some(by), who);
            list = list
                .pair(words.get("recon-state-closed"), format!("{} {by}", minute(at)))
                .pair(words.get("recon-found-out"), difference.note.as_str());
        }
    }
    list
}

fn due_text(words: Words<'_>, difference: &Difference, now: Timestamp) -> String {
    let day = Zone::JAPAN.day_of(difference.due_at.plus_microseconds(-1)).to_string();
    if difference.overdue(now) { words.with("fraud-late", &[("day", day.into())]) } else { day }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Act {
    what: String,
    text: String,
}

async fn act(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Difference>>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let change = match (act.what.as_str(), note_of(&act.text)) {
        ("take", _) => DifferenceChange::Take,
        (_, Some(note)) => DifferenceChange::Close(note),
        (_, None) => {
            let error = Some(words.get("recon-wrong-text").into_owned());
            let told = FormTold { error, text: act.text, notice: None };
            return difference_page(&site, &view, &who, id, told).await;
        }
    };
    let company = site.config().company;
    let command = ChangeDifference { company, difference: id, change, by: who.clone() };
    match site.run(command).await.or_problem()? {
        Ok(()) => {
            let address = format!("/staff/reconciliation/differences/{id}");
            Ok(Redirect::to(&address).into_response())
        }
        Err(DifferenceRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(DifferenceRefusal::Ended) => {
            let notice =
                Notice::new(Tone::Bad, words.get("recon-ended"), words.get("recon-ended-text"));
            let told = FormTold { notice: Some(notice), ..FormTold::default() };
            difference_page(&site, &view, &who, id, told).await
        }
    }
}
