//! The tables `site_report_undo` and `site_report_left`.

use std::collections::{BTreeMap, BTreeSet};

use crate::undo::{Before, Expected, LeftRow, LeftWhy, Stood, Undo, UndoState};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Reference, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_UNDOS.listed(),
    FIND_UNDOS.listed(),
    LIST_UNDOS.listed(),
    SAVE_LEFT.listed(),
    LIST_LEFT.listed(),
    FIND_BEFORE.listed(),
];

static SAVE_UNDOS: Upsert = Upsert {
    name: "save undos",
    table: "site_report_undo",
    columns: &[
        "report",
        "company",
        "state",
        "row_count",
        "rows_done",
        "expected_undone",
        "expected_left",
        "expected_taken",
        "expected_granted",
        "expected_owed",
        "undone",
        "left_alone",
        "taken",
        "granted",
        "tried_at",
        "proposed_by",
        "ended_by",
        "done_at",
    ],
    keys: &["report"],
    updates: &[
        "state",
        "row_count",
        "rows_done",
        "expected_undone",
        "expected_left",
        "expected_taken",
        "expected_granted",
        "expected_owed",
        "undone",
        "left_alone",
        "taken",
        "granted",
        "tried_at",
        "proposed_by",
        "ended_by",
        "done_at",
    ],
};

static FIND_UNDOS: Statement = Statement::new(
    "find undos",
    "SELECT report, company, state, row_count, rows_done, expected_undone, expected_left,
            expected_taken, expected_granted, expected_owed, undone, left_alone, taken, granted,
            tried_at, proposed_by, ended_by, done_at
     FROM site_report_undo
     WHERE report IN (?*)",
);

// Index site_report_undo_state.
static LIST_UNDOS: Statement = Statement::new(
    "list undos in a state",
    "SELECT report, company, state, row_count, rows_done, expected_undone, expected_left,
            expected_taken, expected_granted, expected_owed, undone, left_alone, taken, granted,
            tried_at, proposed_by, ended_by, done_at
     FROM site_report_undo
     WHERE company = ? AND state = ?
     ORDER BY tried_at, report
     LIMIT 20",
);

static SAVE_LEFT: Upsert = Upsert {
    name: "save rows left alone",
    table: "site_report_left",
    columns: &["report", "place", "conversion", "external_id", "why"],
    keys: &["report", "place"],
    updates: &["why"],
};

static LIST_LEFT: Statement = Statement::new(
    "list rows left alone",
    "SELECT place, conversion, external_id, why
     FROM site_report_left
     WHERE report = ?
     ORDER BY place
     LIMIT ?",
);

// By the primary key.
static FIND_BEFORE: Statement = Statement::new(
    "find versions of conversions",
    "SELECT conversion, version, state, sale, commission, points
     FROM site_conversion_version
     WHERE conversion IN (?*)",
);

pub(crate) fn save_undos(tx: &mut Tx<'_>, undos: &[&Undo]) -> Result<(), Fault> {
    let rows: Vec<[Value; 18]> = undos
        .iter()
        .map(|undo| {
            let Expected { undone, left, taken, granted, owed } = undo.expected;
            [
                undo.report.into(),
                undo.company.into(),
                undo.state.code().into(),
                undo.rows.into(),
                undo.rows_done.into(),
                undone.into(),
                left.into(),
                taken.into(),
                granted.into(),
                owed.into(),
                undo.actual.undone.into(),
                undo.actual.left.into(),
                undo.actual.taken.into(),
                undo.actual.granted.into(),
                undo.tried_at.into(),
                undo.proposed_by.map(ActorNumber::get).into(),
                undo.ended_by.map(ActorNumber::get).into(),
                undo.done_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_UNDOS, &rows)
}

fn undo_of(row: &Row<'_>) -> Result<Undo, Fault> {
    Ok(Undo {
        report: row.id(0)?,
        company: row.company(1)?,
        state: row.parsed(2, UndoState::parse)?,
        rows: row.small(3)?,
        rows_done: row.small(4)?,
        expected: Expected {
            undone: row.small(5)?,
            left: row.small(6)?,
            taken: row.amount(7)?,
            granted: row.amount(8)?,
            owed: row.amount(9)?,
        },
        actual: Expected {
            undone: row.small(10)?,
            left: row.small(11)?,
            taken: row.amount(12)?,
            granted: row.amount(13)?,
            ..Expected::default()
        },
        tried_at: row.timestamp(14)?,
        proposed_by: row.optional_unsigned(15)?.map(ActorNumber::from_number),
        ended_by: row.optional_unsigned(16)?.map(ActorNumber::from_number),
        done_at: row.optional_timestamp(17)?,
    })
}

pub(crate) fn find_undos(
    reader: &mut Reader<'_>,
    reports: &[Id<kind::Report>],
) -> Result<BTreeMap<Id<kind::Report>, Undo>, Fault> {
    let list: Vec<Value> = reports.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_UNDOS, &[], &list)?;
    rows.iter().map(|row| undo_of(row).map(|undo| (undo.report, undo))).collect()
}

/// Lists the oldest that are so far.
pub(crate) fn list_undos(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    state: UndoState,
) -> Result<Vec<Undo>, Fault> {
    let rows = reader.query(&LIST_UNDOS, &[company.into(), state.code().into()])?;
    rows.iter().map(undo_of).collect()
}

pub(crate) fn save_left(
    tx: &mut Tx<'_>,
    left: &[(Id<kind::Report>, LeftRow)],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = left
        .iter()
        .map(|(report, row)| {
            [
                (*report).into(),
                row.place.into(),
                row.conversion.into(),
                (&row.external).into(),
                row.why.code().into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_LEFT, &rows)
}

/// Lists rows that were left alone, in the order of the report.
pub(crate) fn list_left(
    reader: &mut Reader<'_>,
    report: Id<kind::Report>,
    limit: u32,
) -> Result<Vec<LeftRow>, Fault> {
    let rows = reader.query(&LIST_LEFT, &[report.into(), limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(LeftRow {
                place: row.small(0)?,
                conversion: row.id(1)?,
                external: row.parsed(2, |text| Reference::parse(text).ok())?,
                why: row.parsed(3, LeftWhy::parse)?,
            })
        })
        .collect()
}

/// Finds how conversions stood in each of their versions.
pub(crate) fn find_before(
    reader: &mut Reader<'_>,
    conversions: &BTreeSet<Id<kind::Conversion>>,
) -> Result<BTreeMap<(Id<kind::Conversion>, u32), Before>, Fault> {
    let list: Vec<Value> = conversions.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_BEFORE, &[], &list)?;
    rows.iter()
        .map(|row| {
            let before = Before {
                stood: row.parsed(2, Stood::parse)?,
                sale: row.amount(3)?,
                commission: row.amount(4)?,
                points: row.amount(5)?,
            };
            Ok(((row.id(0)?, row.small(1)?), before))
        })
        .collect()
}
