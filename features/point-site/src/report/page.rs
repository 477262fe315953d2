use core::fmt::Write as _;

use askama::Template;
use serde::Deserialize;

use crate::conversion::Outcome;
use crate::report::store::{Phase, find_reports, list_reports, read_errors, read_tally};
use crate::report::{
    ReceiveError, Report, ReportRefusal, ReportState, StartReport, Tally, UploadedReport,
    receive_report,
};
use crate::sheet::RowError;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Id, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, EmptyState, Figure, LinkButton, Notice, Progress, Select, Table,
    Tone, Weight,
};
use web::{
    Caller, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State, StatusCode,
    Upload, View, Words, get, post, problems,
};

/// Half a million rows have about 50 MB.
const FILE_BYTES_MAX: u64 = 96 * 1024 * 1024;
/// How long reading such a file and trying it out may take.
const UPLOAD_MS: u32 = 120_000;
/// How many reports the history shows.
const HISTORY: u32 = 50;
/// How many errors a page shows.
const ERRORS_SHOWN: u32 = 200;

const NEED: Need = Need::ReportImport;

/// The staff's pages of reports.
pub(crate) fn routes() -> Routes<Site> {
    let upload = post("/staff/reports", NEED.code())
        .body_max(FILE_BYTES_MAX)
        .deadline_ms(UPLOAD_MS)
        .class(web::Class::Bulk)
        .idempotent();
    Routes::of("point-site")
        .on(get("/staff/reports", NEED.code()), list)
        .on(upload, receive)
        .on(get("/staff/reports/{id}", NEED.code()), show)
        .on(post("/staff/reports/{id}/apply", NEED.code()).idempotent(), apply)
}

#[derive(Template)]
#[template(path = "report/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    network: Select,
    send: Button,
    history: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "report/page_report.html")]
struct ReportMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    file_name: &'a str,
    state: Badge,
    progress: Option<Progress>,
    facts: web::components::DataList,
    checked: Option<Table>,
    applied: Option<Table>,
    errors: Option<Table>,
    errors_note: Option<Notice>,
    action: String,
    apply: Option<Button>,
    reload: Option<LinkButton>,
    undo: Option<LinkButton>,
    files: [LinkButton; 2],
    back: LinkButton,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    list_page(&site, &view, &who, None).await
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    refusal: Option<&'static str>,
) -> Result<Response, Problem> {
    let words = view.words();
    let company = site.config().company;
    let reports = site.read(move |reader| list_reports(reader, company, HISTORY)).await?;
    let notice = refusal.map(|code| {
        let next = words.get(&format!("report-refused-{code}-next"));
        Notice::new(Tone::Bad, words.get(&format!("report-refused-{code}")), next)
    });
    let accounts = site.config().networks.list();
    let accounts = accounts.iter().map(|network| {
        let value = format!("{}/{}", network.code.as_str(), network.account.as_str());
        (value.clone(), value)
    });
    let main = ListMain {
        words,
        notice,
        network: Select::new("network", words.get("report-network"), accounts.collect()),
        send: Button::new(words.get("report-check")),
        history: (!reports.is_empty()).then(|| history(words, &reports)),
        empty: EmptyState::new(words.get("reports-empty"), words.get("reports-empty-text")),
    };
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = words.get("reports-title");
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(title).nav(nav).status(status).show(&main))
}

fn history(words: Words<'_>, reports: &[Report]) -> Table {
    let columns = vec![
        Column::text(words.get("report-file")),
        Column::text(words.get("report-network")),
        Column::times(words.get("report-uploaded")),
        Column::figures(words.get("report-rows")),
        Column::text(words.get("report-state")),
    ];
    let rows = reports.iter().map(|report| {
        vec![
            Cell::link(report.file_name.as_str(), format!("/staff/reports/{}", report.id)),
            format!("{}/{}", report.network.as_str(), report.account.as_str()).into(),
            Zone::JAPAN.format_minute(report.uploaded_at).into(),
            count(report.rows),
            state_badge(words, report.state).into(),
        ]
    });
    Table::new(words.get("reports-history"), columns).rows(rows)
}

fn state_badge(words: Words<'_>, state: ReportState) -> Badge {
    let tone = match state {
        ReportState::Checked => Tone::Plain,
        ReportState::Applying => Tone::Wait,
        ReportState::Done { .. } => Tone::Good,
    };
    Badge::new(tone, words.get(&format!("report-state-{}", state.code())))
}

async fn receive(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    upload: Upload,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let account = upload.field("network").and_then(|text| text.split_once('/'));
    let account = account.and_then(|(network, account)| {
        Some((Token::parse(network).ok()?, Token::parse(account).ok()?))
    });
    let Some((network, account)) = account else {
        return list_page(&site, &view, &who, Some("account")).await;
    };
    let Some(file) = upload.file else {
        return list_page(&site, &view, &who, Some("file")).await;
    };
    let (file_name, bytes) = (file.name, file.bytes.to_vec());
    let uploaded = UploadedReport { network, account, file_name, bytes, by: who.actor() };
    let shared = site.clone();
    // Reading and trying out takes a while: not on a thread that others wait for.
    let received = off_thread(move || receive_report(&shared, &uploaded)).await.or_problem()?;
    let refused = match received {
        Ok(received) => {
            let again = if received.repeated { "?again=1" } else { "" };
            let address = format!("/staff/reports/{}{again}", received.report);
            return Ok(Redirect::to(&address).into_response());
        }
        Err(ReceiveError::Database(fault)) => return Err(faulted(&fault)),
        Err(ReceiveError::AccountUnknown) => "account",
        Err(ReceiveError::Sheet(crate::sheet::SheetError::Empty)) => "empty",
        Err(ReceiveError::Sheet(crate::sheet::SheetError::HeadingMissing)) => "heading",
    };
    list_page(&site, &view, &who, Some(refused)).await
}

/// What the page is to say above.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    again: Option<u8>,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(report) = find_reports(reader, &[id])?.remove(&id) else { return Ok(None) };
            let checked = read_tally(reader, id, Phase::Checked)?;
            let applied = read_tally(reader, id, Phase::Applied)?;
            Ok(Some((report, checked, applied, read_errors(reader, id, ERRORS_SHOWN)?)))
        })
        .await?;
    let found = found.filter(|(report, ..)| report.company == company);
    let (report, checked, applied, errors) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let again = Notice::new(Tone::Wait, words.get("report-again"), words.get("report-again-text"));
    let started = report.state != ReportState::Checked;
    let main = ReportMain {
        words,
        notice: asked.again.map(|_| again),
        file_name: report.file_name.as_str(),
        state: state_badge(words, report.state),
        progress: (report.state == ReportState::Applying).then(|| progress(words, &report)),
        facts: facts(words, &report),
        checked: (!started).then(|| tally_table(&site, words, "report-checked", &checked)),
        applied: started.then(|| tally_table(&site, words, "report-applied", &applied)),
        errors: (!errors.is_empty()).then(|| error_table(words, &errors)),
        errors_note: errors_note(words, &report),
        action: format!("/staff/reports/{id}/apply"),
        apply: (report.state == ReportState::Checked && report.rows > 0)
            .then(|| apply_button(words, &report)),
        reload: (report.state == ReportState::Applying).then(|| {
            LinkButton::new(words.get("report-reload"), format!("/staff/reports/{id}"))
                .weight(Weight::Quiet)
        }),
        undo: matches!(report.state, ReportState::Done { .. }).then(|| {
            let address = format!("/staff/reports/{id}/undo");
            LinkButton::new(words.get("undo-title"), address).weight(Weight::Quiet)
        }),
        files: [("rows-utf8", "utf8"), ("rows-cp932", "cp932")].map(|(key, encoding)| {
            let address = format!("/staff/reports/{id}/rows.csv?encoding={encoding}");
            LinkButton::new(words.get(key), address).weight(Weight::Quiet)
        }),
        back: LinkButton::new(words.get("report-back"), "/staff/reports").weight(Weight::Quiet),
    };
    let title = words.get("report-title");
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(title).nav(nav).show(&main))
}

async fn apply(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let command = StartReport { report: id, company, by: who.actor() };
    let command = authorize(&who, NEED, Resource::Company(company), command).or_problem()?;
    match site.run(command.into_command()).await {
        Ok(Ok(())) => Ok(Redirect::to(&format!("/staff/reports/{id}")).into_response()),
        Ok(Err(ReportRefusal::NotFound | ReportRefusal::Elsewhere)) => {
            Err(Problem::new(&problems::NOT_FOUND))
        }
        Err(fault) => Err(faulted(&fault)),
    }
}

fn permit(site: &Site, who: &Authenticated) -> Result<(), Problem> {
    let resource = Resource::Company(site.config().company);
    authorize(who, NEED, resource, ()).map(access::Authorized::into_command).or_problem()
}

fn count(rows: u32) -> Cell {
    Figure::amount(vocabulary::Amount::from(rows), vocabulary::Scale::default(), "").into()
}

fn progress(words: Words<'_>, report: &Report) -> Progress {
    let (done, rows) = (report.rows_done, report.rows);
    let figures = vocabulary::Scale::default();
    let text = words.with(
        "report-progress-text",
        &[
            ("done", figures.format(i64::from(done)).into()),
            ("rows", figures.format(i64::from(rows)).into()),
        ],
    );
    Progress::new(words.get("report-progress"), text, u64::from(done), u64::from(rows.max(1)))
}

fn facts(words: Words<'_>, report: &Report) -> web::components::DataList {
    let mut digest = String::new();
    for byte in report.digest.iter().take(6) {
        let _infallible = write!(digest, "{byte:02x}");
    }
    let account = format!("{}/{}", report.network.as_str(), report.account.as_str());
    web::components::DataList::new()
        .pair(words.get("report-network"), account)
        .pair(words.get("report-uploaded"), Zone::JAPAN.format_minute(report.uploaded_at))
        .pair(words.get("report-rows"), count(report.rows))
        .pair(words.get("report-error-rows"), count(report.errors))
        .pair(words.get("report-digest"), digest)
}

fn tally_table(site: &Site, words: Words<'_>, caption: &str, tally: &Tally) -> Table {
    let unit = words.get("points-unit");
    let columns = vec![
        Column::text(words.get("report-outcome")),
        Column::figures(words.get("report-outcome-rows")),
        Column::figures(words.get("report-outcome-points")),
    ];
    let points = |amount| Figure::amount(amount, site.config().scale, unit.clone());
    let counted = Outcome::ALL.iter().filter_map(|o| Some((o, tally.0.get(o)?)));
    let rows = counted.map(|(outcome, found)| {
        vec![
            words.get(&format!("outcome-{}", outcome.code())).as_ref().into(),
            count(found.rows),
            points(found.points).into(),
        ]
    });
    let total = vec![
        words.get("report-total").as_ref().into(),
        count(tally.rows(Outcome::ALL)),
        points(tally.points()).into(),
    ];
    Table::new(words.get(caption), columns).rows(rows).row(total).compact()
}

fn error_table(words: Words<'_>, errors: &[RowError]) -> Table {
    let columns = vec![
        Column::text(words.get("error-line")),
        Column::text(words.get("error-column")),
        Column::text(words.get("error-problem")),
    ];
    let rows = errors.iter().map(|error| {
        vec![
            words.with("error-line-at", &[("line", error.line.to_string().into())]).into(),
            words.get(&format!("column-{}", error.column.code())).as_ref().into(),
            words.get(&format!("row-problem-{}", error.problem.code())).as_ref().into(),
        ]
    });
    Table::new(words.get("report-errors"), columns).rows(rows).compact()
}

fn errors_note(words: Words<'_>, report: &Report) -> Option<Notice> {
    let count = vocabulary::Scale::default().format(i64::from(report.errors));
    (report.errors > 0).then(|| {
        let title = words.with("report-errors-title", &[("count", count.into())]);
        Notice::new(Tone::Wait, title, words.get("report-errors-text"))
    })
}

fn apply_button(words: Words<'_>, report: &Report) -> Button {
    let rows = vocabulary::Scale::default().format(i64::from(report.rows));
    let key = if report.errors > 0 { "report-apply-rest" } else { "report-apply" };
    Button::new(words.with(key, &[("rows", rows.into())]))
}
