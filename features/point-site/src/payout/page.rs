use askama::Template;
use serde::Deserialize;

use crate::destination::DestinationKind;
use crate::exchange::store::{Due, list_due, list_of_payout};
use crate::exchange::{Exchange, day_text, state_badge, value_text};
use crate::payout::job::{Checked, compare};
use crate::payout::store::{find_payouts, list_payouts, list_results};
use crate::payout::{
    ApprovePayout, CheckError, DiscardPayout, LINES_MAX, MakePayout, Match, PayoutRefusal,
    PayoutRun, PayoutState, ResultState, ResultUpload, UploadedResult, apply_result, check_result,
    file_name, file_of,
};
use crate::person::person_at;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Amount, BankCalendar, Day, Id, UnitCode, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, FieldKind, LinkButton, Notice, Table,
    TextField, Tone, Weight,
};
use web::{
    Body, Caller, Form, HeaderValue, IntoResponse as _, Path, Problem, Query, Redirect, Response,
    Routes, State, StatusCode, Upload, View, Words, get, header, post, problems,
};

/// Who sees payouts; making and approving ask for more.
const READ: Need = Need::ExchangeRead;
/// A file of a thousand records has 122 kB.
const FILE_BYTES_MAX: u64 = 900 * 1024;
/// How many payouts the list shows.
const HISTORY: u32 = 50;

/// The staff's pages of payouts.
pub(crate) fn routes() -> Routes<Site> {
    let (manage, approve) = (Need::PayoutManage.code(), Need::PayoutApprove.code());
    let upload = post("/staff/payouts/{id}/results", manage).body_max(FILE_BYTES_MAX).idempotent();
    Routes::of("point-site")
        .on(get("/staff/payouts", READ.code()), list)
        .on(post("/staff/payouts", manage).idempotent(), make)
        .on(get("/staff/payouts/{id}", READ.code()), show)
        .on(post("/staff/payouts/{id}/approve", approve).idempotent(), approve_run)
        .on(post("/staff/payouts/{id}/discard", manage).idempotent(), discard)
        .on(post("/staff/payouts/{id}/file", manage).idempotent(), download)
        .on(upload, receive)
        .on(get("/staff/payout-results/{id}", READ.code()), show_result)
        .on(post("/staff/payout-results/{id}/apply", manage).idempotent(), apply)
}

/// Checks that somebody of the staff may do this at the site's company.
pub(crate) fn permit(site: &Site, who: &Authenticated, need: Need) -> Result<(), Problem> {
    let company = Resource::Company(site.config().company);
    authorize(who, need, company, ()).or_problem().map(drop)
}

fn yen(words: Words<'_>, amount: Amount) -> String {
    UnitCode::parse("JPY")
        .map_or_else(|_never| String::new(), |unit| value_text(words, amount, unit))
}

fn total_of(exchanges: &[Exchange]) -> Amount {
    let values = exchanges.iter().map(|exchange| exchange.quote.value);
    values.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap_or(Amount::MAX))
}

fn refusal_notice(words: Words<'_>, refusal: PayoutRefusal) -> Notice {
    let key = format!("payout-refused-{}", refusal.code());
    let text = match refusal {
        PayoutRefusal::Unwritable { line } => {
            words.with(&format!("{key}-next"), &[("line", line.to_string().into())])
        }
        PayoutRefusal::NotFound
        | PayoutRefusal::NoBusinessDay
        | PayoutRefusal::NothingDue
        | PayoutRefusal::Decided
        | PayoutRefusal::SamePerson
        | PayoutRefusal::Changed => words.get(&format!("{key}-next")).into_owned(),
    };
    Notice::new(Tone::Bad, words.get(&key), text)
}

#[derive(Template)]
#[template(path = "payout/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    due: DataList,
    make: Option<(TextField, Button)>,
    none: EmptyState,
    history: Option<Table>,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    list_page(&site, &view, &who, None).await
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    refused: Option<(PayoutRefusal, String)>,
) -> Result<Response, Problem> {
    let (company, now) = (site.config().company, site.now());
    let (due, runs) = site
        .read(move |reader| {
            let due = Due { company, state: "held", kind: DestinationKind::Bank, now };
            Ok((list_due(reader, due, LINES_MAX)?, list_payouts(reader, company, HISTORY)?))
        })
        .await?;
    let words = view.words();
    let next = BankCalendar::JAPAN.next_business_day(Zone::JAPAN.day_of(now));
    let next = next.map(|day| day.to_string()).unwrap_or_default();
    let (notice, typed) = match refused {
        None => (None, next),
        Some((refusal, typed)) => (Some(refusal_notice(words, refusal)), typed),
    };
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may = who.needs().contains(Need::PayoutManage);
    let main = ListMain {
        words,
        notice,
        due: DataList::new()
            .pair(words.get("payout-due-count"), due.len().to_string())
            .pair(words.get("payout-due-total"), yen(words, total_of(&due))),
        make: (may && !due.is_empty()).then(|| {
            let field = TextField::new(words, "pay_on", words.get("payout-pay-on"))
                .kind(FieldKind::Day)
                .hint(words.get("payout-pay-on-hint"))
                .value(typed);
            (field, Button::new(words.get("payout-make")))
        }),
        none: EmptyState::new(words.get("payout-none-due"), words.get("payout-none-due-text")),
        history: (!runs.is_empty()).then(|| history(words, &runs)),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("payouts-title")).nav(nav).status(status).show(&main))
}

fn state_of(words: Words<'_>, state: PayoutState) -> Badge {
    let tone = match state {
        PayoutState::Draft => Tone::Wait,
        PayoutState::Approved { .. } => Tone::Good,
        PayoutState::Discarded { .. } => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("payout-state-{}", state.code())))
}

fn history(words: Words<'_>, runs: &[PayoutRun]) -> Table {
    let columns = vec![
        Column::text(words.get("payout-number")),
        Column::times(words.get("payout-pay-on")),
        Column::figures(words.get("payout-lines")),
        Column::figures(words.get("payout-total")),
        Column::text(words.get("payout-state")),
    ];
    let rows = runs.iter().map(|run| {
        vec![
            Cell::link(format!("#{}", run.number), format!("/staff/payouts/{}", run.id)),
            run.pay_on.to_string().into(),
            run.lines.to_string().into(),
            yen(words, run.total).into(),
            state_of(words, run.state).into(),
        ]
    });
    Table::new(words.get("payouts-history"), columns).rows(rows)
}

#[derive(Debug, Deserialize)]
struct Making {
    #[serde(default)]
    pay_on: String,
}

async fn make(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(making): Form<Making>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let Ok(pay_on) = Day::parse(&making.pay_on) else {
        let refused = Some((PayoutRefusal::NoBusinessDay, making.pay_on));
        return list_page(&site, &view, &who, refused).await;
    };
    let config = site.shared_config();
    let command = MakePayout { config, pay_on, asked_at: site.now(), by: who.actor() };
    match site.run(command).await.or_problem()? {
        Ok(run) => Ok(Redirect::to(&format!("/staff/payouts/{}", run.id)).into_response()),
        Err(refusal) => list_page(&site, &view, &who, Some((refusal, making.pay_on))).await,
    }
}

#[derive(Template)]
#[template(path = "payout/page_run.html")]
struct RunMain<'a> {
    words: Words<'a>,
    number: u32,
    state: Badge,
    notice: Option<Notice>,
    facts: DataList,
    address: String,
    approve: Option<(Button, u32, i64)>,
    discard: Option<Button>,
    file: Option<Button>,
    upload: Option<Button>,
    results: Option<Table>,
    lines: Table,
    back: LinkButton,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Payout>>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    run_page(&site, &view, &who, id, None).await
}

async fn run_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Payout>,
    notice: Option<Notice>,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(run) = find_payouts(reader, &[id])?.remove(&id) else { return Ok(None) };
            Ok(Some((run, list_of_payout(reader, id)?, list_results(reader, id)?)))
        })
        .await?;
    let found = found.filter(|(run, ..)| run.company == company);
    let (run, exchanges, results) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (draft, manage) =
        (run.state == PayoutState::Draft, who.needs().contains(Need::PayoutManage));
    let approves = draft && who.needs().contains(Need::PayoutApprove);
    let other = run.made_by != who.actor();
    let wait = (approves && !other).then(|| {
        Notice::new(Tone::Wait, words.get("payout-other"), words.get("payout-other-text"))
    });
    let main = RunMain {
        words,
        number: run.number,
        state: state_of(words, run.state),
        notice: notice.or(wait),
        facts: facts(words, &run),
        address: format!("/staff/payouts/{id}"),
        approve: (approves && other).then(|| {
            (Button::new(words.get("payout-approve")), run.lines, run.total.minor_units())
        }),
        discard: (draft && manage)
            .then(|| Button::new(words.get("payout-discard")).weight(Weight::Danger)),
        file: (run.file.is_some() && manage).then(|| Button::new(words.get("payout-file"))),
        upload: (run.file.is_some() && manage)
            .then(|| Button::new(words.get("payout-result-check")).weight(Weight::Quiet)),
        results: (!results.is_empty()).then(|| results_table(words, &results)),
        lines: lines_table(site, words, &exchanges),
        back: LinkButton::new(words.get("payouts-title"), "/staff/payouts").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("payouts-title")).nav(nav).status(status).show(&main))
}

fn facts(words: Words<'_>, run: &PayoutRun) -> DataList {
    let by = |actor, at| person_at(words, (actor, at));
    let mut list = DataList::new()
        .pair(words.get("payout-pay-on"), day_text(words, run.pay_on))
        .pair(words.get("payout-lines"), run.lines.to_string())
        .pair(words.get("payout-total"), yen(words, run.total))
        .pair(words.get("payout-made"), by(run.made_by, run.made_at));
    if let Some((actor, at)) = run.state.decided() {
        let key = format!("payout-decided-{}", run.state.code());
        list = list.pair(words.get(&key), by(actor, at));
    }
    if let Some((digest, _)) = &run.file {
        let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
        let start = digest.iter().take(8).fold(String::new(), hex);
        list = list
            .pair(words.get("payout-file-name"), file_name(run))
            .pair(words.get("payout-digest"), format!("{start}…"));
    }
    list
}

fn lines_table(site: &Site, words: Words<'_>, exchanges: &[Exchange]) -> Table {
    let columns = vec![
        Column::figures(words.get("payout-line")),
        Column::text(words.get("held-exchange")),
        Column::figures(words.get("payout-amount")),
        Column::text(words.get("payout-state")),
    ];
    let now = site.now();
    // A page that people look over; the rest is in the file.
    let rows = (1_u32..).zip(exchanges).take(200).map(|(line, exchange)| {
        vec![
            line.to_string().into(),
            Cell::link(exchange.id.to_string(), format!("/staff/exchanges/{}", exchange.id)),
            yen(words, exchange.quote.value).into(),
            state_badge(words, exchange, now).into(),
        ]
    });
    Table::new(words.get("payout-lines-title"), columns).rows(rows)
}

fn results_table(words: Words<'_>, results: &[ResultUpload]) -> Table {
    let columns = vec![
        Column::text(words.get("report-file")),
        Column::times(words.get("report-uploaded")),
        Column::text(words.get("payout-state")),
    ];
    let rows = results.iter().map(|result| {
        vec![
            Cell::link(result.file_name.as_str(), format!("/staff/payout-results/{}", result.id)),
            Zone::JAPAN.format_minute(result.uploaded_at).into(),
            result_badge(words, result.state).into(),
        ]
    });
    Table::new(words.get("payout-results-title"), columns).rows(rows)
}

fn result_badge(words: Words<'_>, state: ResultState) -> Badge {
    let tone = match state {
        ResultState::Checked => Tone::Wait,
        ResultState::Applied { .. } => Tone::Good,
    };
    Badge::new(tone, words.get(&format!("payout-result-{}", state.code())))
}

/// What the one who approves saw.
#[derive(Debug, Deserialize)]
struct Seen {
    lines: u32,
    total: i64,
}

async fn approve_run(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Payout>>,
    Form(seen): Form<Seen>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutApprove)?;
    let seen = (seen.lines, Amount::try_new(seen.total).unwrap_or(Amount::ZERO));
    let command = ApprovePayout { config: site.shared_config(), payout: id, seen, by: who.actor() };
    let decided = site.run(command).await.or_problem()?.map(drop);
    answer(&site, &view, &who, id, decided).await
}

async fn discard(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Payout>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let command = DiscardPayout { config: site.shared_config(), payout: id, by: who.actor() };
    let decided = site.run(command).await.or_problem()?;
    answer(&site, &view, &who, id, decided).await
}

async fn answer(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Payout>,
    decided: Result<(), PayoutRefusal>,
) -> Result<Response, Problem> {
    match decided {
        Ok(()) => Ok(Redirect::to(&format!("/staff/payouts/{id}")).into_response()),
        Err(PayoutRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let notice = refusal_notice(view.words(), refusal);
            run_page(site, view, who, id, Some(notice)).await
        }
    }
}

async fn download(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Payout>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let (shared, by) = (site.clone(), who.actor());
    let file = off_thread(move || file_of(&shared, id, by)).await.or_problem()?;
    let file = file.or_problem()?;
    let (run, bytes) = file.map_err(|_refusal| Problem::new(&problems::NOT_FOUND))?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/plain; charset=shift_jis");
    headers.insert(header::CONTENT_TYPE, kind);
    let name = format!("attachment; filename=\"{}\"", file_name(&run));
    let name = HeaderValue::from_str(&name);
    headers.insert(
        header::CONTENT_DISPOSITION,
        name.unwrap_or(HeaderValue::from_static("attachment")),
    );
    Ok(response)
}

async fn receive(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Payout>>,
    upload: Upload,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let words = view.words();
    let refuse = |text: String| Notice::new(Tone::Bad, words.get("payout-result-unreadable"), text);
    let Some(file) = upload.file else {
        let notice = refuse(words.get("payout-result-missing").into_owned());
        return run_page(&site, &view, &who, id, Some(notice)).await;
    };
    let (file_name, bytes) = (file.name, file.bytes.to_vec());
    let uploaded = UploadedResult { payout: id, file_name, bytes, by: who.actor() };
    let shared = site.clone();
    let checked = off_thread(move || check_result(&shared, &uploaded)).await.or_problem()?;
    match checked {
        Ok((result, again)) => {
            let again = if again { "?again=1" } else { "" };
            Ok(Redirect::to(&format!("/staff/payout-results/{result}{again}")).into_response())
        }
        Err(CheckError::Database(fault)) => Err(faulted(&fault)),
        Err(CheckError::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(CheckError::File(error)) => {
            let args = [
                ("record", error.record.to_string().into()),
                ("position", error.position.to_string().into()),
            ];
            let notice = refuse(words.with("payout-result-unreadable-text", &args));
            run_page(&site, &view, &who, id, Some(notice)).await
        }
    }
}

#[derive(Template)]
#[template(path = "payout/page_result.html")]
struct ResultMain<'a> {
    words: Words<'a>,
    name: &'a str,
    state: Badge,
    notice: Option<Notice>,
    counts: DataList,
    trouble: Option<Table>,
    address: String,
    apply: Option<Button>,
    back: LinkButton,
}

#[derive(Debug, Default, Deserialize)]
struct Again {
    #[serde(default)]
    again: Option<u8>,
}

async fn show_result(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
    Query(again): Query<Again>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let shared = site.clone();
    let checked = off_thread(move || compare(&shared, id)).await.or_problem()?.or_problem()?;
    let checked = checked.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let (paid, back, trouble) = checked.check.counts();
    let waits = checked.upload.state == ResultState::Checked;
    let may = waits && who.needs().contains(Need::PayoutManage);
    let main = ResultMain {
        words,
        name: checked.upload.file_name.as_str(),
        state: result_badge(words, checked.upload.state),
        notice: again.again.map(|_| {
            Notice::new(
                Tone::Wait,
                words.get("payout-result-again"),
                words.get("payout-result-again-text"),
            )
        }),
        counts: DataList::new()
            .pair(words.get("payout-result-paid"), paid.to_string())
            .pair(words.get("payout-result-back"), back.to_string())
            .pair(words.get("payout-result-trouble"), trouble.to_string())
            .pair(words.get("payout-result-lacking"), checked.check.missing.len().to_string()),
        trouble: trouble_table(words, &checked),
        address: format!("/staff/payout-results/{id}"),
        apply: may.then(|| Button::new(words.get("payout-result-apply"))),
        back: LinkButton::new(
            words.with("payout-back", &[("number", checked.run.number.to_string().into())]),
            format!("/staff/payouts/{}", checked.run.id),
        )
        .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("payout-results-title")).nav(nav).show(&main))
}

fn trouble_table(words: Words<'_>, checked: &Checked) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("payout-trouble-where")),
        Column::text(words.get("payout-trouble-what")),
    ];
    let row = |place: String, text: String| Some(vec![place.into(), text.into()]);
    let line = |line: u32| words.with("payout-at-line", &[("line", line.to_string().into())]);
    let rows = checked.check.matches.iter().filter_map(|found| match found {
        Match::Line { .. } => None,
        Match::Differs { line: number, amount } => row(
            line(*number),
            words.with("payout-trouble-differs", &[("amount", yen(words, *amount).into())]),
        ),
        Match::Unknown { record } => row(
            words.with("payout-at-record", &[("record", record.to_string().into())]),
            words.get("payout-trouble-unknown").into_owned(),
        ),
        Match::Again { line: number } => {
            row(line(*number), words.get("payout-trouble-again").into_owned())
        }
    });
    let lacking = checked.check.missing.iter().filter_map(|exchange| {
        row(exchange.to_string(), words.get("payout-trouble-lacking").into_owned())
    });
    let rows: Vec<_> = rows.chain(lacking).take(200).collect();
    (!rows.is_empty()).then(|| Table::new(words.get("payout-trouble"), columns).rows(rows))
}

async fn apply(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let (shared, by) = (site.clone(), who.actor());
    let applied = off_thread(move || apply_result(&shared, id, by)).await.or_problem()?;
    applied.or_problem()?.ok_or(Problem::new(&problems::NOT_FOUND))?;
    Ok(Redirect::to(&format!("/staff/payout-results/{id}")).into_response())
}
