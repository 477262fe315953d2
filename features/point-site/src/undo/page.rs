use askama::Template;
use serde::Deserialize;

use crate::report::ReportState;
use crate::report::store::find_reports;
use crate::review::permit;
use crate::site::Site;
use crate::undo::store::{find_undos, list_left};
use crate::undo::{
    ChangeUndo, Expected, LeftRow, Undo, UndoChange, UndoRefusal, UndoState, try_undo,
};
use access::{Authenticated, Need};
use answers::{OrProblem as _, off_thread};
use vocabulary::{Amount, Id, Scale, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, Figure, LinkButton, Notice, Progress, Table, Tone,
    Weight,
};
use web::{
    Caller, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

/// How many rows that were left alone a page shows.
const LEFT_SHOWN: u32 = 200;
/// How long trying out half a million rows may take.
const TRY_MS: u32 = 120_000;

/// The page on which a report is undone, and its steps.
pub(crate) fn routes() -> Routes<Site> {
    let (import, approve) = (Need::ReportImport.code(), Need::ConversionApprove.code());
    let step = |path, need| post(path, need).idempotent();
    let try_out = step("/staff/reports/{id}/undo/try", import);
    Routes::of("point-site")
        .on(get("/staff/reports/{id}/undo", Need::ConversionRead.code()), show)
        .on(try_out.deadline_ms(TRY_MS).class(web::Class::Bulk), try_out_undo)
        .on(step("/staff/reports/{id}/undo/propose", import), propose)
        .on(step("/staff/reports/{id}/undo/approve", approve), approve_undo)
        .on(step("/staff/reports/{id}/undo/decline", approve), decline)
}

#[derive(Template)]
#[template(path = "undo/page.html")]
struct Main<'a> {
    words: Words<'a>,
    file_name: &'a str,
    state: Option<Badge>,
    notices: Vec<Notice>,
    progress: Option<Progress>,
    expected: Option<DataList>,
    actual: Option<DataList>,
    left: Option<Table>,
    address: String,
    try_out: Option<Button>,
    propose: Option<Button>,
    approve: Option<(Button, Button)>,
    back: LinkButton,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    why: String,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let refusal = UndoRefusal::ALL.into_iter().find(|refusal| refusal.code() == asked.why);
    page(&site, &view, &who, id, refusal).await
}

async fn page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Report>,
    refusal: Option<UndoRefusal>,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(report) = find_reports(reader, &[id])?.remove(&id) else { return Ok(None) };
            let undo = find_undos(reader, &[id])?.remove(&id);
            Ok(Some((report, undo, list_left(reader, id, LEFT_SHOWN)?)))
        })
        .await?;
    let found = found.filter(|(report, ..)| report.company == company);
    let (report, undo, left) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let state = undo.as_ref().map(|undo| undo.state);
    let applied = matches!(report.state, ReportState::Done { .. });
    let may_import = who.require(Need::ReportImport).is_ok();
    let own = undo.as_ref().is_some_and(|undo| undo.proposed_by == Some(who.actor()));
    let may_approve = who.require(Need::ConversionApprove).is_ok() && !own;
    let fresh = matches!(state, None | Some(UndoState::Tried | UndoState::Declined));
    let quiet = |key: &str| Button::new(words.get(key)).weight(Weight::Quiet);
    let expected = undo.as_ref().filter(|undo| undo.state != UndoState::Declined);
    let main = Main {
        words,
        file_name: report.file_name.as_str(),
        state: state.map(|state| badge(words, state)),
        notices: notices(words, undo.as_ref(), refusal, own),
        progress: undo.as_ref().and_then(|undo| progress(words, undo)),
        expected: expected.map(|undo| figures(site, words, undo.expected, true)),
        actual: undo
            .as_ref()
            .filter(|undo| matches!(undo.state, UndoState::Undoing | UndoState::Done))
            .map(|undo| figures(site, words, undo.actual, false)),
        left: (!left.is_empty()).then(|| left_table(words, &left)),
        address: format!("/staff/reports/{id}/undo"),
        try_out: (fresh && applied && may_import).then(|| quiet("undo-try")),
        propose: (state == Some(UndoState::Tried) && may_import)
            .then(|| Button::new(words.get("undo-propose")).weight(Weight::Danger)),
        approve: (state == Some(UndoState::Proposed) && may_approve).then(|| {
            let approve = Button::new(words.get("undo-approve")).weight(Weight::Danger);
            (approve, quiet("undo-decline"))
        }),
        back: LinkButton::new(words.get("undo-back"), format!("/staff/reports/{id}"))
            .weight(Weight::Quiet),
    };
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("undo-title")).nav(nav).status(status).show(&main))
}

fn badge(words: Words<'_>, state: UndoState) -> Badge {
    let tone = match state {
        UndoState::Tried | UndoState::Declined => Tone::Plain,
        UndoState::Proposed | UndoState::Undoing => Tone::Wait,
        UndoState::Done => Tone::Good,
    };
    Badge::new(tone, words.get(&format!("undo-state-{}", state.code())))
}

fn notices(
    words: Words<'_>,
    undo: Option<&Undo>,
    refusal: Option<UndoRefusal>,
    own: bool,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(refusal) = refusal {
        let key = format!("undo-refused-{}", refusal.code());
        let next = words.get(&format!("{key}-next"));
        notices.push(Notice::new(Tone::Bad, words.get(&key), next));
    }
    let proposed = undo.is_some_and(|undo| undo.state == UndoState::Proposed);
    if proposed && own {
        let text = words.get("pending-own");
        notices.push(Notice::new(Tone::Wait, words.get("decided-proposed"), text));
    }
    notices
}

fn progress(words: Words<'_>, undo: &Undo) -> Option<Progress> {
    if undo.state != UndoState::Undoing {
        return None;
    }
    let figure = |rows: u32| Scale::default().format(i64::from(rows));
    let told = [("done", figure(undo.rows_done).into()), ("rows", figure(undo.rows).into())];
    let text = words.with("report-progress-text", &told);
    let (done, rows) = (u64::from(undo.rows_done), u64::from(undo.rows));
    Some(Progress::new(words.get("undo-progress"), text, done, rows))
}

fn figures(site: &Site, words: Words<'_>, what: Expected, tried: bool) -> DataList {
    let unit = words.get("points-unit");
    let points = |amount| Figure::amount(amount, site.config().scale, unit.clone());
    let rows = |rows: u32| Figure::amount(Amount::from(rows), Scale::default(), "");
    let list = DataList::new()
        .pair(words.get("undo-rows"), rows(what.undone))
        .pair(words.get("undo-taken"), points(what.taken))
        .pair(words.get("undo-granted"), points(what.granted))
        .pair(words.get("undo-left"), rows(what.left));
    if tried { list.pair(words.get("undo-owed"), points(what.owed)) } else { list }
}

fn left_table(words: Words<'_>, left: &[LeftRow]) -> Table {
    let columns =
        vec![Column::text(words.get("review-conversion")), Column::text(words.get("undo-why"))];
    let rows = left.iter().map(|row| {
        let address = format!("/staff/conversions/{}", row.conversion);
        vec![
            Cell::link(row.external.as_str(), address),
            words.get(&format!("undo-why-{}", row.why.code())).as_ref().into(),
        ]
    });
    Table::new(words.get("undo-left-title"), columns).rows(rows).compact()
}

async fn try_out_undo(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ReportImport)?;
    let shared = site.clone();
    let expected = off_thread(move || try_undo(&shared, id)).await.or_problem()?.or_problem()?;
    let expected = expected.ok_or(Problem::new(&problems::NOT_FOUND))?;
    change(&site, who, id, UndoChange::Try(expected)).await
}

async fn propose(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ReportImport)?;
    change(&site, who, id, UndoChange::Propose).await
}

async fn approve_undo(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionApprove)?;
    change(&site, who, id, UndoChange::Approve).await
}

async fn decline(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionApprove)?;
    change(&site, who, id, UndoChange::Decline).await
}

async fn change(
    site: &Site,
    who: Authenticated,
    report: Id<kind::Report>,
    change: UndoChange,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let command = ChangeUndo { report, company, change, who };
    let address = format!("/staff/reports/{report}/undo");
    match site.run(command).await.or_problem()? {
        Ok(_state) => Ok(Redirect::to(&address).into_response()),
        Err(UndoRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            Ok(Redirect::to(&format!("{address}?why={}", refusal.code())).into_response())
        }
    }
}
