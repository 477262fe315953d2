//! The table `site_exchange_letter`.

use crate::exchange_letter::{End, EndKey};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::CompanyNumber;

pub(crate) const STATEMENTS: &[Listed] =
    &[ADD_ENDS.listed(), NEXT_ENDS.listed(), REMOVE_ENDS.listed()];

static ADD_ENDS: Upsert = Upsert {
    name: "add ends of exchanges",
    table: "site_exchange_letter",
    columns: &["company", "exchange", "version", "state"],
    keys: &["company", "exchange", "version"],
    updates: &[],
};

// By the primary key.
static NEXT_ENDS: Statement = Statement::new(
    "find next ends of exchanges",
    "SELECT exchange, version, state
     FROM site_exchange_letter
     WHERE company = ?
     ORDER BY exchange, version
     LIMIT ?",
);

// By the primary key. An exchange that came back after it had arrived has both ends here, at most,
// when neither was written about: both letters go together.
static REMOVE_ENDS: Statement = Statement::new(
    "remove ends of exchanges",
    "DELETE FROM site_exchange_letter
     WHERE company = ? AND version = ? AND exchange IN (?*)",
);

/// Notes that members are to be written to; a repeat changes nothing.
pub(crate) fn add_ends(
    tx: &mut Tx<'_>,
    ends: &[(CompanyNumber, EndKey, End)],
) -> Result<(), Fault> {
    let row = |(company, (exchange, version), end): &(CompanyNumber, EndKey, End)| {
        [(*company).into(), (*exchange).into(), (*version).into(), end.code().into()]
    };
    tx.upsert(&ADD_ENDS, &ends.iter().map(row).collect::<Vec<[Value; 4]>>())
}

pub(crate) fn next_ends(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<(EndKey, End)>, Fault> {
    let end = |row: &Row<'_>| Ok(((row.id(0)?, row.small(1)?), row.parsed(2, End::parse)?));
    reader.query(&NEXT_ENDS, &[company.into(), limit.into()])?.iter().map(end).collect()
}

/// Removes ends whose letters are written, with a statement for each version there is: some ten.
pub(crate) fn remove_ends(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    done: &[EndKey],
) -> Result<(), Fault> {
    let mut versions: Vec<u32> = done.iter().map(|(_, version)| *version).collect();
    versions.sort_unstable();
    versions.dedup();
    for version in versions {
        let of = done.iter().filter(|(_, known)| *known == version);
        let list: Vec<Value> = of.map(|(exchange, _)| (*exchange).into()).collect();
        tx.execute_list(&REMOVE_ENDS, &[company.into(), version.into()], &list)?;
    }
    Ok(())
}
