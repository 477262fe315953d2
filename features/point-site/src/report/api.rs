use core::fmt::Write as _;
use std::collections::BTreeMap;

use encoding_rs::SHIFT_JIS;
use serde::Deserialize;

use crate::report::store::{find_reports, read_outcomes};
use crate::report::{RowOutcome, sheet_of};
use crate::review::permit;
use crate::sheet::{RowError, Sheet};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::{OrProblem as _, off_thread};
use store::Fault;
use vocabulary::{Id, kind};
use web::{
    Body, Caller, Class, HeaderValue, Path, Problem, Query, Response, Routes, State, View, Words,
    get, header, problems,
};

/// How long putting half a million rows together may take.
const FILE_MS: u32 = 60_000;

/// The file of what became of each row.
pub(crate) fn file_routes() -> Routes<Site> {
    let file = get("/staff/reports/{id}/rows.csv", Need::ReportImport.code());
    Routes::of("point-site").on(file.class(Class::Bulk).deadline_ms(FILE_MS), rows)
}

/// How the file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    /// UTF-8 with a mark at the start, which Excel reads as such.
    #[default]
    Utf8,
    /// What older programs on Windows expect.
    Cp932,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    encoding: Encoding,
}

async fn rows(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Report>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ReportImport)?;
    let company = site.config().company;
    let shared = site.clone();
    let work = move || -> Result<Option<Vec<u8>>, Fault> {
        let database = shared.store().database();
        let found = database.read(|reader| find_reports(reader, &[id]))?.remove(&id);
        let Some(report) = found.filter(|report| report.company == company) else {
            return Ok(None);
        };
        let outcomes = database.read(|reader| read_outcomes(reader, id))?;
        let text = file_of(view.words(), &sheet_of(&shared, &report)?, &outcomes);
        Ok(Some(match asked.encoding {
            Encoding::Utf8 => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Encoding::Cp932 => SHIFT_JIS.encode(&text).0.into_owned(),
        }))
    };
    let bytes = off_thread(work).await.or_problem()?.or_problem()?;
    let bytes = bytes.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    let media = match asked.encoding {
        Encoding::Utf8 => "text/csv; charset=utf-8",
        Encoding::Cp932 => "text/csv; charset=shift_jis",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let name = format!("attachment; filename=\"{id}-rows.csv\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Writes a line for each row and each error, in the order of the file. A row that is not applied
/// yet has no outcome.
pub(crate) fn file_of(words: Words<'_>, sheet: &Sheet, outcomes: &[RowOutcome]) -> String {
    let names: BTreeMap<&str, String> = crate::conversion::Outcome::ALL
        .iter()
        .map(|one| (one.code(), words.get(&format!("outcome-{}", one.code())).into_owned()))
        .collect();
    let mut text = words.get("rows-heading").into_owned();
    text.push_str("\r\n");
    let mut errors = sheet.errors.iter().peekable();
    for (place, row) in sheet.rows.iter().enumerate() {
        while let Some(error) = errors.next_if(|error| error.line < row.line) {
            write_error(words, &mut text, *error);
        }
        let external = row.external.as_str();
        let _infallible = match outcomes.get(place) {
            Some(one) => {
                let code = one.outcome.code();
                let name = names.get(code).map_or("", String::as_str);
                write!(text, "{},{external},{code},{name},{},,\r\n", row.line, one.points)
            }
            None => write!(text, "{},{external},,,,,\r\n", row.line),
        };
    }
    for error in errors {
        write_error(words, &mut text, *error);
    }
    text
}

fn write_error(words: Words<'_>, text: &mut String, error: RowError) {
    let (column, problem) = (error.column.code(), error.problem.code());
    let name = words.get(&format!("column-{column}"));
    let what = words.get(&format!("row-problem-{problem}"));
    let what = what.replace('"', "\"\"");
    let _infallible = write!(text, "{},,error,{problem},,{name},\"{what}\"\r\n", error.line);
}
