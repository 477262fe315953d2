//! The tables `site_report`, `site_report_part`, `site_report_error` and `site_report_tally`.

use std::collections::BTreeMap;

use crate::conversion::Outcome;
use crate::report::{Count, Report, ReportState, RowOutcome, StoreReportPart, Tally};
use crate::sheet::{RowError, RowProblem, SheetColumn};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, Reference, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_REPORTS.listed(),
    FIND_REPORTS.listed(),
    LIST_REPORTS.listed(),
    NEXT_REPORT.listed(),
    SAVE_PARTS.listed(),
    READ_PARTS.listed(),
    SAVE_ERRORS.listed(),
    READ_ERRORS.listed(),
    SAVE_TALLY.listed(),
    READ_TALLY.listed(),
    SAVE_OUTCOMES.listed(),
    READ_OUTCOMES.listed(),
];

/// Whether rows were tried out or applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Checked,
    Applied,
}

impl Phase {
    const fn code(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Applied => "applied",
        }
    }
}

static SAVE_REPORTS: Upsert = Upsert {
    name: "save reports",
    table: "site_report",
    columns: &[
        "id",
        "company",
        "network",
        "account",
        "digest",
        "file_name",
        "bytes",
        "parts",
        "row_count",
        "error_count",
        "rows_done",
        "state",
        "uploaded_at",
        "uploaded_by",
        "applied_by",
        "done_at",
    ],
    keys: &["id"],
    updates: &["rows_done", "state", "applied_by", "done_at"],
};

static FIND_REPORTS: Statement = Statement::new(
    "find reports",
    "SELECT id, company, network, account, digest, file_name, bytes, parts, row_count, error_count,
            rows_done, state, uploaded_at, uploaded_by, applied_by, done_at
     FROM site_report
     WHERE id IN (?*)",
);

// Index site_report_company.
static LIST_REPORTS: Statement = Statement::new(
    "list reports",
    "SELECT id, company, network, account, digest, file_name, bytes, parts, row_count, error_count,
            rows_done, state, uploaded_at, uploaded_by, applied_by, done_at
     FROM site_report
     WHERE company = ?
     ORDER BY uploaded_at DESC, id DESC
     LIMIT ?",
);

// Index site_report_company.
static NEXT_REPORT: Statement = Statement::new(
    "find next report",
    "SELECT id, company, network, account, digest, file_name, bytes, parts, row_count, error_count,
            rows_done, state, uploaded_at, uploaded_by, applied_by, done_at
     FROM site_report
     WHERE company = ? AND state = 'applying'
     ORDER BY uploaded_at, id
     LIMIT 1",
);

static SAVE_PARTS: Upsert = Upsert {
    name: "save report parts",
    table: "site_report_part",
    columns: &["report", "part", "bytes"],
    keys: &["report", "part"],
    updates: &[],
};

static READ_PARTS: Statement = Statement::new(
    "read report parts",
    "SELECT bytes
     FROM site_report_part
     WHERE report = ?
     ORDER BY part
     LIMIT 100000",
);

static SAVE_ERRORS: Upsert = Upsert {
    name: "save report errors",
    table: "site_report_error",
    columns: &["report", "line", "field", "problem"],
    keys: &["report", "line", "field"],
    updates: &[],
};

static READ_ERRORS: Statement = Statement::new(
    "read report errors",
    "SELECT line, field, problem
     FROM site_report_error
     WHERE report = ?
     ORDER BY line, field
     LIMIT ?",
);

static SAVE_TALLY: Upsert = Upsert {
    name: "save report tally",
    table: "site_report_tally",
    columns: &["report", "phase", "outcome", "row_count", "points"],
    keys: &["report", "phase", "outcome"],
    updates: &["row_count", "points"],
};

static READ_TALLY: Statement = Statement::new(
    "read report tally",
    "SELECT outcome, row_count, points
     FROM site_report_tally
     WHERE report = ? AND phase = ?
     ORDER BY outcome
     LIMIT 100",
);

static SAVE_OUTCOMES: Upsert = Upsert {
    name: "save outcomes of report rows",
    table: "site_report_outcome",
    columns: &["report", "first_row", "outcomes"],
    keys: &["report", "first_row"],
    updates: &["outcomes"],
};

static READ_OUTCOMES: Statement = Statement::new(
    "read outcomes of report rows",
    "SELECT first_row, outcomes
     FROM site_report_outcome
     WHERE report = ?
     ORDER BY first_row
     LIMIT 1000000",
);

/// Keeps what became of the rows of slices.
pub(crate) fn save_outcomes(
    tx: &mut Tx<'_>,
    outcomes: &BTreeMap<(Id<kind::Report>, u32), Vec<RowOutcome>>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 3]> = outcomes
        .iter()
        .map(|((report, first), outcomes)| {
            let lines: Vec<String> = outcomes.iter().map(|one| one.to_line()).collect();
            [(*report).into(), (*first).into(), lines.join("\n").into()]
        })
        .collect();
    tx.upsert(&SAVE_OUTCOMES, &rows)
}

/// Gives what became of the rows of a report so far, in order.
pub(crate) fn read_outcomes(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
) -> Result<Vec<RowOutcome>, Fault> {
    let mut outcomes = Vec::new();
    reader.for_each(&READ_OUTCOMES, &[report.into()], |row| {
        for line in row.text(1)?.lines() {
            let outcome = RowOutcome::from_line(line);
            outcomes.push(outcome.ok_or_else(|| row.corrupt("outcome of a row"))?);
        }
        Ok(())
    })?;
    Ok(outcomes)
}

pub(crate) fn save_reports(tx: &mut Tx<'_>, reports: &[&Report]) -> Result<(), Fault> {
    let rows: Vec<[Value; 16]> = reports.iter().map(|report| row_of(report)).collect();
    tx.upsert(&SAVE_REPORTS, &rows)
}

fn row_of(report: &Report) -> [Value; 16] {
    let done_at: Option<Timestamp> = match report.state {
        ReportState::Checked | ReportState::Applying => None,
        ReportState::Done { done_at } => Some(done_at),
    };
    [
        report.id.into(),
        report.company.into(),
        report.network.as_str().into(),
        report.account.as_str().into(),
        report.digest.into(),
        (&report.file_name).into(),
        report.bytes.into(),
        report.parts.into(),
        report.rows.into(),
        report.errors.into(),
        report.rows_done.into(),
        report.state.code().into(),
        report.uploaded_at.into(),
        report.uploaded_by.get().into(),
        report.applied_by.map(ActorNumber::get).into(),
        done_at.into(),
    ]
}

fn report_of(row: &Row<'_>) -> Result<Report, Fault> {
    Ok(Report {
        id: row.id(0)?,
        company: row.company(1)?,
        network: row.parsed(2, |text| Token::parse(text).ok())?,
        account: row.parsed(3, |text| Token::parse(text).ok())?,
        digest: row.digest(4)?,
        file_name: row.parsed(5, |text| Label::parse(text).ok())?,
        bytes: row.small(6)?,
        parts: row.small(7)?,
        rows: row.small(8)?,
        errors: row.small(9)?,
        rows_done: row.small(10)?,
        state: match row.text(11)? {
            "checked" => ReportState::Checked,
            "applying" => ReportState::Applying,
            "done" => ReportState::Done { done_at: row.timestamp(15)? },
            _ => return Err(row.corrupt("state of a report")),
        },
        uploaded_at: row.timestamp(12)?,
        uploaded_by: ActorNumber::from_number(row.unsigned(13)?),
        applied_by: row.optional_unsigned(14)?.map(ActorNumber::from_number),
    })
}

pub(crate) fn find_reports(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Report>],
) -> Result<BTreeMap<Id<kind::Report>, Report>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_REPORTS, &[], &list)?;
    rows.iter().map(|row| report_of(row).map(|report| (report.id, report))).collect()
}

pub(crate) fn list_reports(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Report>, Fault> {
    let rows = reader.query(&LIST_REPORTS, &[company.into(), limit.into()])?;
    rows.iter().map(report_of).collect()
}

/// Finds the oldest report that is being applied.
pub(crate) fn next_report(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Option<Report>, Fault> {
    reader.query_one(&NEXT_REPORT, &[company.into()])?.as_ref().map(report_of).transpose()
}

pub(crate) fn save_parts(tx: &mut Tx<'_>, parts: &[StoreReportPart]) -> Result<(), Fault> {
    let rows: Vec<[Value; 3]> = parts
        .iter()
        .map(|part| [part.report.into(), part.part.into(), part.bytes.as_slice().into()])
        .collect();
    tx.upsert(&SAVE_PARTS, &rows)
}

/// Puts a file together again.
pub(crate) fn read_file(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    reader.for_each(&READ_PARTS, &[report.into()], |row| {
        bytes.extend_from_slice(row.bytes(0)?);
        Ok(())
    })?;
    Ok(bytes)
}

/// Finds the line of a file that has a text in it, of at most 1,000 bytes, without keeping the file
/// in memory; `None` when there is none, as where the text is written in full width.
pub(crate) fn find_row(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
    text: &Reference,
) -> Result<Option<String>, Fault> {
    const LINE_MAX: usize = 1_000;
    let sought = text.as_str().as_bytes();
    let (mut rest, mut found) = (Vec::new(), None);
    reader.for_each(&READ_PARTS, &[report.into()], |row| {
        if found.is_some() {
            return Ok(());
        }
        rest.extend_from_slice(row.bytes(0)?);
        let end = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let tail = rest.split_off(end);
        let line = rest.split(|byte| *byte == b'\n').find(|line| has_cell(line, sought));
        found = line
            .map(|line| crate::sheet::decode(line.get(..LINE_MAX).unwrap_or(line)).into_owned());
        rest = tail;
        Ok(())
    })?;
    if found.is_none() && has_cell(&rest, sought) {
        found = Some(crate::sheet::decode(&rest).into_owned());
    }
    Ok(found)
}

/// Tells whether a cell of a line is exactly this.
fn has_cell(line: &[u8], sought: &[u8]) -> bool {
    let cells = line.split(|byte| matches!(byte, b',' | b'\r'));
    cells.into_iter().any(|cell| {
        cell.trim_ascii().trim_ascii_start() == sought
            || cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")) == Some(sought)
    })
}

pub(crate) fn save_errors(
    tx: &mut Tx<'_>,
    report: Id<kind::Report>,
    errors: &[RowError],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 4]> = errors
        .iter()
        .map(|error| {
            let (column, problem) = (error.column.code(), error.problem.code());
            [report.into(), error.line.into(), column.into(), problem.into()]
        })
        .collect();
    tx.upsert(&SAVE_ERRORS, &rows)
}

pub(crate) fn read_errors(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
    limit: u32,
) -> Result<Vec<RowError>, Fault> {
    let rows = reader.query(&READ_ERRORS, &[report.into(), limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(RowError {
                line: row.small(0)?,
                column: row.parsed(1, SheetColumn::parse)?,
                problem: row.parsed(2, RowProblem::parse)?,
            })
        })
        .collect()
}

pub(crate) fn save_tally(
    tx: &mut Tx<'_>,
    report: Id<kind::Report>,
    phase: Phase,
    tally: &Tally,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = tally
        .0
        .iter()
        .map(|(outcome, count)| {
            let (phase, outcome) = (phase.code(), outcome.code());
            [report.into(), phase.into(), outcome.into(), count.rows.into(), count.points.into()]
        })
        .collect();
    tx.upsert(&SAVE_TALLY, &rows)
}

pub(crate) fn read_tally(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
    phase: Phase,
) -> Result<Tally, Fault> {
    let rows = reader.query(&READ_TALLY, &[report.into(), phase.code().into()])?;
    let counts = rows.iter().map(|row| {
        let count = Count { rows: row.small(1)?, points: row.amount(2)? };
        Ok((row.parsed(0, Outcome::parse)?, count))
    });
    counts.collect::<Result<_, Fault>>().map(Tally)
}
