//! The table `site_exchange_letter`.

use crate::exchange_letter::{End, EndKey, letter_id};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::CompanyNumber;

pub(crate) const STATEMENTS: &[Listed] =
    &[ADD_ENDS.listed(), NEXT_ENDS.listed(), REMOVE_ENDS.listed()];

static ADD_ENDS: Upsert = Upsert {
    name: "add ends of exchanges",
    table: "site_exchange_letter",
    columns: &["company", "letter", "exchange", "version", "state"],
    keys: &["company", "letter"],
    updates: &[],
};

// By the primary key.
static NEXT_ENDS: Statement = Statement::new(
    "find next ends of exchanges",
    "SELECT exchange, version, state
     FROM site_exchange_letter
     WHERE company = ?
     ORDER BY letter
     LIMIT ?",
);

// By the primary key. Each end has a key of its own: what is added meanwhile stays.
static REMOVE_ENDS: Statement = Statement::new(
    "remove ends of exchanges",
    "DELETE FROM site_exchange_letter
     WHERE company = ? AND letter IN (?*)",
);

/// Notes that members are to be written to; a repeat changes nothing.
pub(crate) fn add_ends(
    tx: &mut Tx<'_>,
    ends: &[(CompanyNumber, EndKey, End)],
) -> Result<(), Fault> {
    let row = |(company, key, end): &(CompanyNumber, EndKey, End)| {
        let (exchange, version) = *key;
        let letter = letter_id(*key);
        [(*company).into(), letter.into(), exchange.into(), version.into(), end.code().into()]
    };
    tx.upsert(&ADD_ENDS, &ends.iter().map(row).collect::<Vec<[Value; 5]>>())
}

pub(crate) fn next_ends(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<(EndKey, End)>, Fault> {
    let end = |row: &Row<'_>| Ok(((row.id(0)?, row.small(1)?), row.parsed(2, End::parse)?));
    reader.query(&NEXT_ENDS, &[company.into(), limit.into()])?.iter().map(end).collect()
}

/// Removes ends whose letters are written.
pub(crate) fn remove_ends(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    done: &[EndKey],
) -> Result<(), Fault> {
    let list: Vec<Value> = done.iter().map(|key| letter_id(*key).into()).collect();
    tx.execute_list(&REMOVE_ENDS, &[company.into()], &list).map(drop)
}
