//! The tables `site_payout` and `site_payout_result`.

use std::collections::BTreeMap;

use crate::payee::store::sealed_of;
use crate::payout::{PayoutRun, PayoutState, ResultState, ResultUpload};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_PAYOUTS.listed(),
    FIND_PAYOUTS.listed(),
    LIST_PAYOUTS.listed(),
    LAST_NUMBER.listed(),
    SAVE_RESULTS.listed(),
    FIND_RESULTS.listed(),
    LIST_RESULTS.listed(),
];

static SAVE_PAYOUTS: Upsert = Upsert {
    name: "save payouts",
    table: "site_payout",
    columns: &[
        "id",
        "company",
        "number",
        "state",
        "pay_on",
        "line_count",
        "total",
        "made_by",
        "made_at",
        "decided_by",
        "decided_at",
        "digest",
        "sealed",
        "sealed_by",
    ],
    keys: &["id"],
    updates: &["state", "decided_by", "decided_at", "digest", "sealed", "sealed_by"],
};

static FIND_PAYOUTS: Statement = Statement::new(
    "find payouts",
    "SELECT id, company, number, state, pay_on, line_count, total, made_by, made_at, decided_by,
            decided_at, digest, sealed, sealed_by
     FROM site_payout
     WHERE id IN (?*)",
);

// Index site_payout_company; the files are left out, which a list does not show.
static LIST_PAYOUTS: Statement = Statement::new(
    "list payouts",
    "SELECT id, company, number, state, pay_on, line_count, total, made_by, made_at, decided_by,
            decided_at
     FROM site_payout
     WHERE company = ?
     ORDER BY number DESC
     LIMIT ?",
);

// Index site_payout_company.
static LAST_NUMBER: Statement = Statement::new(
    "find last number of payouts",
    "SELECT number
     FROM site_payout
     WHERE company = ?
     ORDER BY number DESC
     LIMIT 1",
);

static SAVE_RESULTS: Upsert = Upsert {
    name: "save payout results",
    table: "site_payout_result",
    columns: &[
        "id",
        "payout",
        "file_name",
        "sealed",
        "sealed_by",
        "state",
        "uploaded_by",
        "uploaded_at",
        "applied_by",
        "applied_at",
    ],
    keys: &["id"],
    updates: &["state", "applied_by", "applied_at"],
};

static FIND_RESULTS: Statement = Statement::new(
    "find payout results",
    "SELECT id, payout, file_name, sealed, sealed_by, state, uploaded_by, uploaded_at, applied_by,
            applied_at
     FROM site_payout_result
     WHERE id IN (?*)",
);

// Index site_payout_result_payout.
static LIST_RESULTS: Statement = Statement::new(
    "list payout results",
    "SELECT id, payout, file_name, sealed, sealed_by, state, uploaded_by, uploaded_at, applied_by,
            applied_at
     FROM site_payout_result
     WHERE payout = ?
     ORDER BY uploaded_at, id
     LIMIT 50",
);

pub(crate) fn save_payouts<'a>(
    tx: &mut Tx<'_>,
    runs: impl Iterator<Item = &'a PayoutRun>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 14]> = runs
        .map(|run| {
            let decided = run.state.decided();
            [
                run.id.into(),
                run.company.into(),
                run.number.into(),
                run.state.code().into(),
                run.pay_on.into(),
                run.lines.into(),
                run.total.into(),
                run.made_by.get().into(),
                run.made_at.into(),
                decided.map(|(by, _)| by.get()).into(),
                decided.map(|(_, at)| at).into(),
                run.file.as_ref().map(|(digest, _)| *digest).into(),
                run.file.as_ref().map(|(_, sealed)| sealed.bytes.as_slice()).into(),
                run.file.as_ref().map(|(_, sealed)| sealed.key).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_PAYOUTS, &rows)
}

fn run_of(row: &Row<'_>) -> Result<PayoutRun, Fault> {
    let decided_by = row.optional_unsigned(9)?.map(ActorNumber::from_number);
    let decided = decided_by.zip(row.optional_timestamp(10)?);
    Ok(PayoutRun {
        id: row.id(0)?,
        company: row.company(1)?,
        number: row.small(2)?,
        state: match (row.text(3)?, decided) {
            ("draft", None) => PayoutState::Draft,
            ("approved", Some((by, at))) => PayoutState::Approved { by, at },
            ("discarded", Some((by, at))) => PayoutState::Discarded { by, at },
            _ => return Err(row.corrupt("state of a payout")),
        },
        pay_on: row.day(4)?,
        lines: row.small(5)?,
        total: row.amount(6)?,
        made_by: ActorNumber::from_number(row.unsigned(7)?),
        made_at: row.timestamp(8)?,
        file: None,
    })
}

pub(crate) fn find_payouts(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Payout>],
) -> Result<BTreeMap<Id<kind::Payout>, PayoutRun>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_PAYOUTS, &[], &list)?;
    rows.iter()
        .map(|row| {
            let mut run = run_of(row)?;
            if let Some(digest) = row.optional_digest(11)? {
                run.file = Some((digest, sealed_of(row, 12)?));
            }
            Ok((run.id, run))
        })
        .collect()
}

pub(crate) fn list_payouts(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<PayoutRun>, Fault> {
    reader.query(&LIST_PAYOUTS, &[company.into(), limit.into()])?.iter().map(run_of).collect()
}

pub(crate) fn last_number(reader: &mut Reader<'_>, company: CompanyNumber) -> Result<u32, Fault> {
    let row = reader.query_one(&LAST_NUMBER, &[company.into()])?;
    row.map_or(Ok(0), |row| row.small(0))
}

pub(crate) fn save_results<'a>(
    tx: &mut Tx<'_>,
    results: impl Iterator<Item = &'a ResultUpload>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 10]> = results
        .map(|result| {
            let applied = match result.state {
                ResultState::Checked => None,
                ResultState::Applied { by, at } => Some((by, at)),
            };
            [
                result.id.into(),
                result.payout.into(),
                (&result.file_name).into(),
                result.sealed.bytes.as_slice().into(),
                result.sealed.key.into(),
                result.state.code().into(),
                result.uploaded_by.get().into(),
                result.uploaded_at.into(),
                applied.map(|(by, _)| by.get()).into(),
                applied.map(|(_, at)| at).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_RESULTS, &rows)
}

fn result_of(row: &Row<'_>) -> Result<ResultUpload, Fault> {
    let by = row.optional_unsigned(8)?.map(ActorNumber::from_number);
    Ok(ResultUpload {
        id: row.id(0)?,
        payout: row.id(1)?,
        file_name: row.parsed(2, |text| Label::parse(text).ok())?,
        sealed: sealed_of(row, 3)?,
        state: match by.zip(row.optional_timestamp(9)?) {
            None => ResultState::Checked,
            Some((by, at)) => ResultState::Applied { by, at },
        },
        uploaded_by: ActorNumber::from_number(row.unsigned(6)?),
        uploaded_at: row.timestamp(7)?,
    })
}

pub(crate) fn find_results(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Report>],
) -> Result<BTreeMap<Id<kind::Report>, ResultUpload>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_RESULTS, &[], &list)?;
    rows.iter().map(|row| result_of(row).map(|result| (result.id, result))).collect()
}

pub(crate) fn list_results(
    reader: &mut Reader<'_>,
    payout: Id<kind::Payout>,
) -> Result<Vec<ResultUpload>, Fault> {
    reader.query(&LIST_RESULTS, &[payout.into()])?.iter().map(result_of).collect()
}
