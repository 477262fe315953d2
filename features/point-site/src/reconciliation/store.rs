//! The tables `site_partner_statement`, `site_partner_mention` and `site_partner_difference`.

use std::collections::{BTreeMap, BTreeSet};

use crate::reconciliation::{
    Counts, Difference, DifferenceClass, DifferenceState, Mention, PartnerStatement,
    StatementState, Told,
};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Day, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    ADD_STATEMENTS.listed(),
    ADVANCE_STATEMENTS.listed(),
    FIND_STATEMENTS.listed(),
    READ_BYTES.listed(),
    LIST_UNDONE.listed(),
    LIST_SINCE.listed(),
    ADD_MENTIONS.listed(),
    FIND_MENTIONS.listed(),
    LIST_UNNAMED.listed(),
    SAVE_DIFFERENCES.listed(),
    FIND_DIFFERENCES.listed(),
    LIST_DIFFERENCES.listed(),
    LIST_ENDED.listed(),
    LIST_OF_STATEMENT.listed(),
    COUNT_OVERDUE.listed(),
];

/// How many overdue differences are counted at most; beyond it there is one answer anyway.
const OVERDUE_MAX: u32 = 1_000;

static ADD_STATEMENTS: Upsert = Upsert {
    name: "add statements of partners",
    table: "site_partner_statement",
    columns: &[
        "id",
        "company",
        "partner",
        "day",
        "file_name",
        "bytes",
        "line_count",
        "total",
        "state",
        "done",
        "agreed",
        "late",
        "known",
        "settled",
        "different",
        "received_by",
        "received_at",
    ],
    keys: &["id"],
    updates: &[],
};

// Without the bytes, which stay: only what changes, of rows that are there.
static ADVANCE_STATEMENTS: Statement = Statement::new(
    "advance a statement of a partner",
    "UPDATE site_partner_statement
     SET state = ?, done = ?, agreed = ?, late = ?, known = ?, settled = ?, different = ?
     WHERE id = ?",
);

macro_rules! statements_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, company, partner, day, file_name, line_count, total, state, done, agreed, late,
            known, settled, different, received_by, received_at
     FROM site_partner_statement
     ",
            $condition
        )
    };
}

static FIND_STATEMENTS: Statement =
    Statement::new("find statements of partners", statements_where!("WHERE id IN (?*)"));

static READ_BYTES: Statement = Statement::new(
    "read a statement of a partner",
    "SELECT bytes
     FROM site_partner_statement
     WHERE id = ?",
);

// Index site_partner_statement_state.
static LIST_UNDONE: Statement = Statement::new(
    "list statements to compare",
    statements_where!(
        "WHERE company = ? AND state = ?
     ORDER BY received_at, id
     LIMIT ?"
    ),
);

// Index site_partner_statement_day.
static LIST_SINCE: Statement = Statement::new(
    "list statements since a day",
    statements_where!(
        "WHERE company = ? AND day >= ? AND day <= ?
     ORDER BY day DESC, partner, received_at, id
     LIMIT 2000"
    ),
);

// Where it was named first stays.
static ADD_MENTIONS: Upsert = Upsert {
    name: "add mentions",
    table: "site_partner_mention",
    columns: &["exchange", "statement", "line", "processed_on", "told"],
    keys: &["exchange"],
    updates: &[],
};

static FIND_MENTIONS: Statement = Statement::new(
    "find mentions",
    "SELECT exchange, statement, line, processed_on, told
     FROM site_partner_mention
     WHERE exchange IN (?*)",
);

// Index site_exchange_product.
static LIST_UNNAMED: Statement = Statement::new(
    "list exchanges that no statement names",
    "SELECT e.id, e.state_at
     FROM site_exchange AS e
     LEFT JOIN site_partner_mention AS m ON m.exchange = e.id
     WHERE e.company = ? AND e.product = ? AND e.state = 'completed' AND e.state_at < ?
       AND (e.state_at > ? OR (e.state_at = ? AND e.id > ?))
       AND m.exchange IS NULL
     ORDER BY e.state_at, e.id
     LIMIT ?",
);

static SAVE_DIFFERENCES: Upsert = Upsert {
    name: "save differences",
    table: "site_partner_difference",
    columns: &[
        "id",
        "company",
        "partner",
        "statement",
        "line",
        "class",
        "exchange",
        "text",
        "told",
        "opened_at",
        "due_at",
        "owner",
        "state",
        "state_by",
        "state_at",
        "note",
        "version",
    ],
    keys: &["id"],
    updates: &["owner", "state", "state_by", "state_at", "note", "version"],
};

macro_rules! differences_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, company, partner, statement, line, class, exchange, text, told, opened_at, due_at,
            owner, state, state_by, state_at, note, version
     FROM site_partner_difference
     ",
            $condition
        )
    };
}

static FIND_DIFFERENCES: Statement =
    Statement::new("find differences", differences_where!("WHERE id IN (?*)"));

// Index site_partner_difference_state.
static LIST_DIFFERENCES: Statement = Statement::new(
    "list differences of a state",
    differences_where!(
        "WHERE company = ? AND state = ? AND (due_at > ? OR (due_at = ? AND id > ?))
     ORDER BY due_at, id
     LIMIT ?"
    ),
);

// Index site_partner_difference_state, from its end.
static LIST_ENDED: Statement = Statement::new(
    "list differences that ended",
    differences_where!(
        "WHERE company = ? AND state = ? AND due_at >= ?
     ORDER BY due_at DESC, id DESC
     LIMIT ?"
    ),
);

// Index site_partner_difference_statement.
static LIST_OF_STATEMENT: Statement = Statement::new(
    "list differences of a statement",
    differences_where!(
        "WHERE statement = ?
     ORDER BY line, id
     LIMIT ?"
    ),
);

// Index site_partner_difference_state.
static COUNT_OVERDUE: Statement = Statement::new(
    "count overdue differences",
    "SELECT COUNT(*)
     FROM (SELECT id
           FROM site_partner_difference
           WHERE company = ? AND state = 'open' AND due_at <= ?
           ORDER BY due_at, id
           LIMIT ?) AS overdue",
);

/// Adds statements with their bytes; one that is there stays as it is.
pub(crate) fn add_statements(
    tx: &mut Tx<'_>,
    statements: &[(PartnerStatement, Vec<u8>)],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 17]> = statements
        .iter()
        .map(|(statement, bytes)| {
            let [state, done, agreed, late, known, settled, different] = progress_of(statement);
            [
                statement.id.into(),
                statement.company.into(),
                statement.partner.as_str().into(),
                statement.day.into(),
                statement.file_name.as_str().into(),
                bytes.as_slice().into(),
                statement.lines.into(),
                statement.sum.into(),
                state,
                done,
                agreed,
                late,
                known,
                settled,
                different,
                statement.received_by.get().into(),
                statement.received_at.into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_STATEMENTS, &rows)
}

fn progress_of(statement: &PartnerStatement) -> [Value; 7] {
    let Counts { agreed, late, known, settled, different } = statement.counts;
    let done = match statement.state {
        StatementState::Reading { done } => done,
        StatementState::Searching | StatementState::Done => statement.lines,
    };
    [
        statement.state.code().into(),
        done.into(),
        agreed.into(),
        late.into(),
        known.into(),
        settled.into(),
        different.into(),
    ]
}

/// Writes how far a statement is.
pub(crate) fn advance_statement(
    tx: &mut Tx<'_>,
    statement: &PartnerStatement,
) -> Result<(), Fault> {
    let mut values = progress_of(statement).to_vec();
    values.push(statement.id.into());
    tx.execute(&ADVANCE_STATEMENTS, &values).map(drop)
}

fn statement_of(row: &Row<'_>) -> Result<PartnerStatement, Fault> {
    let done = row.small(8)?;
    Ok(PartnerStatement {
        id: row.id(0)?,
        company: row.company(1)?,
        partner: row.parsed(2, |text| Token::parse(text).ok())?,
        day: row.day(3)?,
        file_name: row.parsed(4, |text| Label::parse(text).ok())?,
        lines: row.small(5)?,
        sum: row.integer(6)?,
        state: match row.text(7)? {
            "reading" => StatementState::Reading { done },
            "searching" => StatementState::Searching,
            "done" => StatementState::Done,
            _ => return Err(row.corrupt("state of a statement")),
        },
        counts: Counts {
            agreed: row.small(9)?,
            late: row.small(10)?,
            known: row.small(11)?,
            settled: row.small(12)?,
            different: row.small(13)?,
        },
        received_by: ActorNumber::from_number(row.unsigned(14)?),
        received_at: row.timestamp(15)?,
    })
}

/// Finds statements by id.
pub(crate) fn find_statements(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Report>],
) -> Result<BTreeMap<Id<kind::Report>, PartnerStatement>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_STATEMENTS, &[], &list)?;
    rows.iter().map(|row| statement_of(row).map(|found| (found.id, found))).collect()
}

/// Reads the bytes of a statement.
pub(crate) fn read_bytes(
    reader: &mut Reader<'_>,
    id: Id<kind::Report>,
) -> Result<Option<Vec<u8>>, Fault> {
    let row = reader.query_one(&READ_BYTES, &[id.into()])?;
    row.map(|row| row.bytes(0).map(<[u8]>::to_vec)).transpose()
}

/// Lists statements that are not done, in the order in which they came: those whose lines are read
/// first.
pub(crate) fn list_undone(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<PartnerStatement>, Fault> {
    let mut found = Vec::new();
    for state in ["reading", "searching"] {
        let rows = reader.query(&LIST_UNDONE, &[company.into(), state.into(), limit.into()])?;
        for row in &rows {
            found.push(statement_of(row)?);
        }
    }
    Ok(found)
}

/// Lists the statements of some days, the newest day first; two thousand at most.
pub(crate) fn list_since(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (first, last): (Day, Day),
) -> Result<Vec<PartnerStatement>, Fault> {
    let rows = reader.query(&LIST_SINCE, &[company.into(), first.into(), last.into()])?;
    rows.iter().map(statement_of).collect()
}

/// Notes where exchanges are named; those that were named already keep their place.
pub(crate) fn add_mentions(tx: &mut Tx<'_>, mentions: &[Mention]) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = mentions
        .iter()
        .map(|mention| {
            [
                mention.exchange.into(),
                mention.statement.into(),
                mention.line.into(),
                mention.processed_on.into(),
                mention.told.code().into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_MENTIONS, &rows)
}

/// Finds where exchanges were named.
pub(crate) fn find_mentions(
    reader: &mut Reader<'_>,
    exchanges: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, Mention>, Fault> {
    let list: Vec<Value> = exchanges.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_MENTIONS, &[], &list)?;
    rows.iter()
        .map(|row| {
            let mention = Mention {
                exchange: row.id(0)?,
                statement: row.id(1)?,
                line: row.small(2)?,
                processed_on: row.day(3)?,
                told: row.parsed(4, Told::parse)?,
            };
            Ok((mention.exchange, mention))
        })
        .collect()
}

/// Where a list of exchanges goes on.
pub(crate) type Place = (Timestamp, Id<kind::Exchange>);

/// Lists what was done with a partner after a place and before a moment, and what no statement
/// names, with the place of each.
pub(crate) fn list_unnamed(
    reader: &mut Reader<'_>,
    (company, partner): (CompanyNumber, &Token),
    ((at, id), until): (Place, Timestamp),
    limit: u32,
) -> Result<Vec<Place>, Fault> {
    let values = [
        company.into(),
        partner.as_str().into(),
        until.into(),
        at.into(),
        at.into(),
        id.into(),
        limit.into(),
    ];
    let rows = reader.query(&LIST_UNNAMED, &values)?;
    rows.iter().map(|row| Ok((row.timestamp(1)?, row.id(0)?))).collect()
}

/// Writes differences.
pub(crate) fn save_differences(tx: &mut Tx<'_>, differences: &[&Difference]) -> Result<(), Fault> {
    let rows: Vec<[Value; 17]> = differences
        .iter()
        .map(|difference| {
            let (by, at) = match difference.state {
                DifferenceState::Open => (None, None),
                DifferenceState::Settled { at } => (None, Some(at)),
                DifferenceState::Closed { by, at } => (Some(by.get()), Some(at)),
            };
            [
                difference.id.into(),
                difference.company.into(),
                difference.partner.as_str().into(),
                difference.statement.into(),
                difference.line.into(),
                difference.class.code().into(),
                difference.exchange.into(),
                difference.text.as_str().into(),
                difference.told.map(Told::code).into(),
                difference.opened_at.into(),
                difference.due_at.into(),
                difference.owner.map(ActorNumber::get).into(),
                difference.state.code().into(),
                by.into(),
                at.into(),
                difference.note.as_str().into(),
                difference.version.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_DIFFERENCES, &rows)
}

fn difference_of(row: &Row<'_>) -> Result<Difference, Fault> {
    let by = row.optional_unsigned(13)?.map(ActorNumber::from_number);
    Ok(Difference {
        id: row.id(0)?,
        company: row.company(1)?,
        partner: row.parsed(2, |text| Token::parse(text).ok())?,
        statement: row.id(3)?,
        line: row.small(4)?,
        class: row.parsed(5, DifferenceClass::parse)?,
        exchange: row.optional_id(6)?,
        text: row.text(7)?.to_owned(),
        told: match row.optional_text(8)? {
            None => None,
            Some(_) => Some(row.parsed(8, Told::parse)?),
        },
        opened_at: row.timestamp(9)?,
        due_at: row.timestamp(10)?,
        owner: row.optional_unsigned(11)?.map(ActorNumber::from_number),
        state: match (row.text(12)?, by, row.optional_timestamp(14)?) {
            ("open", None, None) => DifferenceState::Open,
            ("settled", None, Some(at)) => DifferenceState::Settled { at },
            ("closed", Some(by), Some(at)) => DifferenceState::Closed { by, at },
            _ => return Err(row.corrupt("state of a difference")),
        },
        note: row.text(15)?.to_owned(),
        version: row.small(16)?,
    })
}

/// Finds differences by id.
pub(crate) fn find_differences(
    reader: &mut Reader<'_>,
    ids: &BTreeSet<Id<kind::Difference>>,
) -> Result<BTreeMap<Id<kind::Difference>, Difference>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_DIFFERENCES, &[], &list)?;
    rows.iter().map(|row| difference_of(row).map(|found| (found.id, found))).collect()
}

/// Lists open differences after a place, what is due first.
pub(crate) fn list_open(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (due_at, id): (Timestamp, Id<kind::Difference>),
    limit: u32,
) -> Result<Vec<Difference>, Fault> {
    let values =
        [company.into(), "open".into(), due_at.into(), due_at.into(), id.into(), limit.into()];
    reader.query(&LIST_DIFFERENCES, &values)?.iter().map(difference_of).collect()
}

/// Lists differences that persons closed or that went away by themselves, of those that were due
/// since a moment.
pub(crate) fn list_ended(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Difference>, Fault> {
    let mut found = Vec::new();
    for state in ["closed", "settled"] {
        let values = [company.into(), state.into(), since.into(), limit.into()];
        for row in &reader.query(&LIST_ENDED, &values)? {
            found.push(difference_of(row)?);
        }
    }
    found.sort_by_key(|difference| core::cmp::Reverse((difference.due_at, difference.id)));
    Ok(found)
}

/// Lists the differences of a statement in the order of its lines.
pub(crate) fn list_of_statement(
    reader: &mut Reader<'_>,
    statement: Id<kind::Report>,
    limit: u32,
) -> Result<Vec<Difference>, Fault> {
    let rows = reader.query(&LIST_OF_STATEMENT, &[statement.into(), limit.into()])?;
    rows.iter().map(difference_of).collect()
}

/// Counts open differences that should have been closed by now, up to a thousand.
pub(crate) fn count_overdue(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
) -> Result<u32, Fault> {
    let values = [company.into(), now.into(), OVERDUE_MAX.into()];
    let row = reader.query_one(&COUNT_OVERDUE, &values)?;
    row.map_or(Ok(0), |row| row.small(0))
}
