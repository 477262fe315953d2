//! The tables `site_gift_code`, `site_gift_import` and `site_gift_issue`.

use std::collections::{BTreeMap, BTreeSet};

use crate::gift_code::command::Import;
use crate::gift_code::{Issue, LastFour, PoolCode, PoolState, StockedCode};
use crate::payee::store::sealed_of;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value, natural_id};
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_CODES.listed(),
    FIND_KNOWN.listed(),
    LIST_FREE.listed(),
    READ_STOCK.listed(),
    ADD_IMPORTS.listed(),
    FIND_IMPORTS.listed(),
    LIST_IMPORTS.listed(),
    SAVE_ISSUES.listed(),
    FIND_ISSUES.listed(),
];

/// The day that stands for no end: the last of the year 9999.
const NO_END: i32 = 2_932_896;
/// How many free codes a slice can give.
const FREE_MAX: u32 = 1_000;

macro_rules! columns {
    () => {
        "id, company, pool, value, number, import, sealed, sealed_by, last_four, usable_until, state,
            exchange"
    };
}

static SAVE_CODES: Upsert = Upsert {
    name: "save gift codes",
    table: "site_gift_code",
    columns: &[
        "id",
        "company",
        "pool",
        "value",
        "shelf",
        "number",
        "import",
        "sealed",
        "sealed_by",
        "last_four",
        "usable_until",
        "state",
        "exchange",
        "changed_at",
    ],
    keys: &["id"],
    updates: &["state", "exchange", "changed_at"],
};

static FIND_KNOWN: Statement = Statement::new(
    "find known gift codes",
    "SELECT id
     FROM site_gift_code
     WHERE id IN (?*)",
);

// Index site_gift_code_shelf.
static LIST_FREE: Statement = Statement::new(
    "list free gift codes",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM site_gift_code
     WHERE shelf = ? AND state = 'free' AND usable_until >= ?
     ORDER BY usable_until, number, id
     LIMIT ?"
    ),
);

// Index site_gift_code_stock; one row for each pool, value and state.
static READ_STOCK: Statement = Statement::new(
    "read stock of gift codes",
    "SELECT pool, value, state, COUNT(*)
     FROM site_gift_code
     WHERE company = ?
     GROUP BY pool, value, state
     ORDER BY pool, value, state
     LIMIT 10000",
);

static ADD_IMPORTS: Upsert = Upsert {
    name: "add imports of gift codes",
    table: "site_gift_import",
    columns: &[
        "id",
        "company",
        "pool",
        "file_name",
        "added",
        "known",
        "imported_by",
        "imported_at",
    ],
    keys: &["id"],
    updates: &[],
};

static FIND_IMPORTS: Statement = Statement::new(
    "find imports of gift codes",
    "SELECT id, company, pool, file_name, added, known, imported_by, imported_at
     FROM site_gift_import
     WHERE id IN (?*)",
);

// Index site_gift_import_company.
static LIST_IMPORTS: Statement = Statement::new(
    "list imports of gift codes",
    "SELECT id, company, pool, file_name, added, known, imported_by, imported_at
     FROM site_gift_import
     WHERE company = ?
     ORDER BY imported_at DESC, id DESC
     LIMIT ?",
);

static SAVE_ISSUES: Upsert = Upsert {
    name: "save codes of exchanges",
    table: "site_gift_issue",
    columns: &[
        "exchange",
        "company",
        "sealed",
        "sealed_by",
        "last_four",
        "usable_until",
        "issued_at",
    ],
    keys: &["exchange"],
    updates: &[],
};

static FIND_ISSUES: Statement = Statement::new(
    "find codes of exchanges",
    "SELECT exchange, company, sealed, sealed_by, last_four, usable_until, issued_at
     FROM site_gift_issue
     WHERE exchange IN (?*)",
);

/// Names the codes of one pool and value.
pub(crate) fn shelf_of(company: CompanyNumber, pool: &Token, value: Amount) -> [u8; 16] {
    let (company, value) = (company.get().to_be_bytes(), value.minor_units().to_be_bytes());
    let id: Id<kind::Report> =
        natural_id("site.gift_shelf", &[&company, pool.as_str().as_bytes(), &value]);
    id.to_bytes()
}

/// How many codes of a pool and value there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShelfCount {
    pub(crate) pool: Token,
    pub(crate) value: Amount,
    pub(crate) free: u32,
    pub(crate) given: u32,
    pub(crate) void: u32,
}

/// Codes by shelf.
pub(crate) type Stock = BTreeMap<[u8; 16], ShelfCount>;

pub(crate) fn read_stock(reader: &mut Reader<'_>, company: CompanyNumber) -> Result<Stock, Fault> {
    let mut stock = Stock::new();
    for row in reader.query(&READ_STOCK, &[company.into()])? {
        let pool = row.parsed(0, |text| Token::parse(text).ok())?;
        let (value, count) = (row.amount(1)?, row.small(3)?);
        let shelf = shelf_of(company, &pool, value);
        let empty = ShelfCount { pool, value, free: 0, given: 0, void: 0 };
        let counted = stock.entry(shelf).or_insert(empty);
        match row.text(2)? {
            "free" => counted.free = count,
            "reserved" | "given" => counted.given = counted.given.saturating_add(count),
            "void" => counted.void = count,
            _ => return Err(row.corrupt("state of a gift code")),
        }
    }
    Ok(stock)
}

fn end_of(day: Option<Day>) -> Value {
    day.unwrap_or(Day::from_number(NO_END)).into()
}

fn read_end(row: &Row<'_>, column: usize) -> Result<Option<Day>, Fault> {
    Ok(Some(row.day(column)?).filter(|day| day.number() < NO_END))
}

pub(crate) fn save_codes(
    tx: &mut Tx<'_>,
    codes: &[StockedCode],
    now: Timestamp,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 14]> = codes
        .iter()
        .map(|stocked| {
            let code = &stocked.code;
            [
                stocked.id.into(),
                stocked.company.into(),
                stocked.pool.as_str().into(),
                code.value.into(),
                shelf_of(stocked.company, &stocked.pool, code.value).into(),
                code.number.into(),
                stocked.import.into(),
                stocked.sealed.bytes.as_slice().into(),
                stocked.sealed.key.into(),
                code.last_four.as_str().into(),
                end_of(code.usable_until),
                code.state.code().into(),
                code.state.exchange().into(),
                now.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_CODES, &rows)
}

/// Finds which of some codes are known already.
pub(crate) fn find_known(
    reader: &mut Reader<'_>,
    ids: &[[u8; 16]],
) -> Result<BTreeSet<[u8; 16]>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    reader.query_list(&FIND_KNOWN, &[], &list)?.iter().map(|row| row.sixteen(0)).collect()
}

fn stocked_of(row: &Row<'_>) -> Result<StockedCode, Fault> {
    let exchange = row.optional_id(11)?;
    let state = match (row.text(10)?, exchange) {
        ("free", None) => PoolState::Free,
        ("reserved", Some(exchange)) => PoolState::Reserved { exchange },
        ("given", Some(exchange)) => PoolState::Given { exchange },
        ("void", _) => PoolState::Void,
        _ => return Err(row.corrupt("state of a gift code")),
    };
    Ok(StockedCode {
        id: row.sixteen(0)?,
        company: row.company(1)?,
        pool: row.parsed(2, |text| Token::parse(text).ok())?,
        import: row.id(5)?,
        sealed: sealed_of(row, 6)?,
        code: PoolCode {
            number: row.small(4)?,
            value: row.amount(3)?,
            usable_until: read_end(row, 9)?,
            last_four: row.parsed(8, |text| LastFour::parse(text).ok())?,
            state,
        },
    })
}

/// Lists the free codes of a shelf that can be used on a day, those that end first first.
pub(crate) fn list_free(
    reader: &mut Reader<'_>,
    shelf: [u8; 16],
    usable_on: Day,
) -> Result<Vec<StockedCode>, Fault> {
    let values = [shelf.into(), usable_on.into(), FREE_MAX.into()];
    reader.query(&LIST_FREE, &values)?.iter().map(stocked_of).collect()
}

pub(crate) fn add_imports(tx: &mut Tx<'_>, imports: &[Import]) -> Result<(), Fault> {
    let rows: Vec<[Value; 8]> = imports
        .iter()
        .map(|import| {
            [
                import.id.into(),
                import.company.into(),
                import.pool.as_str().into(),
                (&import.file_name).into(),
                import.added.into(),
                import.known.into(),
                import.by.get().into(),
                import.at.into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_IMPORTS, &rows)
}

fn import_of(row: &Row<'_>) -> Result<Import, Fault> {
    Ok(Import {
        id: row.id(0)?,
        company: row.company(1)?,
        pool: row.parsed(2, |text| Token::parse(text).ok())?,
        file_name: row.parsed(3, |text| Label::parse(text).ok())?,
        added: row.small(4)?,
        known: row.small(5)?,
        by: ActorNumber::from_number(row.unsigned(6)?),
        at: row.timestamp(7)?,
    })
}

pub(crate) fn find_imports(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Report>],
) -> Result<BTreeMap<Id<kind::Report>, Import>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_IMPORTS, &[], &list)?;
    rows.iter().map(|row| import_of(row).map(|import| (import.id, import))).collect()
}

pub(crate) fn list_imports(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Import>, Fault> {
    reader.query(&LIST_IMPORTS, &[company.into(), limit.into()])?.iter().map(import_of).collect()
}

pub(crate) fn save_issues<'a>(
    tx: &mut Tx<'_>,
    issues: impl Iterator<Item = &'a Issue>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = issues
        .map(|issue| {
            [
                issue.exchange.into(),
                issue.company.into(),
                issue.sealed.bytes.as_slice().into(),
                issue.sealed.key.into(),
                issue.last_four.as_str().into(),
                end_of(issue.usable_until),
                issue.issued_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_ISSUES, &rows)
}

pub(crate) fn find_issues(
    reader: &mut Reader<'_>,
    exchanges: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, Issue>, Fault> {
    let list: Vec<Value> = exchanges.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_ISSUES, &[], &list)?;
    rows.iter()
        .map(|row| {
            let issue = Issue {
                exchange: row.id(0)?,
                company: row.company(1)?,
                sealed: sealed_of(row, 2)?,
                last_four: row.parsed(4, |text| LastFour::parse(text).ok())?,
                usable_until: read_end(row, 5)?,
                issued_at: row.timestamp(6)?,
            };
            Ok((issue.exchange, issue))
        })
        .collect()
}
