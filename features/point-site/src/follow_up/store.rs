//! The table `site_follow_up`.

use std::collections::{BTreeMap, BTreeSet};

use crate::conversion::store::state_of;
use crate::follow_up::{Seen, VersionKey};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Reference, Token, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[ADD_ROWS.listed(), NEXT_ROWS.listed(), REMOVE_ROWS.listed(), FIND_SEEN.listed()];

static ADD_ROWS: Upsert = Upsert {
    name: "add follow-ups",
    table: "site_follow_up",
    columns: &["company", "version_key"],
    keys: &["company", "version_key"],
    updates: &[],
};

// By the primary key: in the order in which the conversions stand themselves.
static NEXT_ROWS: Statement = Statement::new(
    "find next follow-ups",
    "SELECT version_key
     FROM site_follow_up
     WHERE company = ?
     ORDER BY version_key
     LIMIT ?",
);

// By the primary key. Each version has a row of its own: what another node adds meanwhile stays.
static REMOVE_ROWS: Statement = Statement::new(
    "remove follow-ups",
    "DELETE FROM site_follow_up
     WHERE company = ? AND version_key IN (?*)",
);

static FIND_SEEN: Statement = Statement::new(
    "find conversions to follow",
    "SELECT c.id, c.member, c.shop, s.category, c.click, c.clicked_at, c.order_ref, c.sale,
            c.points, c.state, c.decided_at, c.expectation, c.due_at
     FROM site_conversion AS c
     JOIN site_shop AS s ON s.id = c.shop
     WHERE +c.company = ? AND c.id IN (?*)",
);

/// Notes that conversions changed; a repeat changes nothing.
pub(crate) fn add_rows(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    changed: &[(Id<kind::Conversion>, u32)],
) -> Result<(), Fault> {
    let row = |&(id, version): &(Id<kind::Conversion>, u32)| {
        [company.into(), VersionKey::of(id, version).0.into()]
    };
    tx.upsert(&ADD_ROWS, &changed.iter().map(row).collect::<Vec<[Value; 2]>>())
}

pub(crate) fn next_rows(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<VersionKey>, Fault> {
    let rows = reader.query(&NEXT_ROWS, &[company.into(), limit.into()])?;
    rows.iter().map(|row| row.sixteen(0).map(VersionKey)).collect()
}

pub(crate) fn remove_rows(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    rows: &[VersionKey],
) -> Result<(), Fault> {
    let list: Vec<Value> = rows.iter().map(|key| key.0.into()).collect();
    tx.execute_list(&REMOVE_ROWS, &[company.into()], &list).map(drop)
}

pub(crate) fn find_seen(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &BTreeSet<Id<kind::Conversion>>,
) -> Result<BTreeMap<Id<kind::Conversion>, Seen>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_SEEN, &[company.into()], &list)?;
    rows.iter().map(|row| seen_of(row).map(|seen| (seen.id, seen))).collect()
}

/// Reads a conversion from thirteen columns.
pub(crate) fn seen_of(row: &Row<'_>) -> Result<Seen, Fault> {
    Ok(Seen {
        id: row.id(0)?,
        member: row.id(1)?,
        shop: row.id(2)?,
        category: row.parsed(3, |text| Token::parse(text).ok())?,
        click: row.id(4)?,
        clicked_at: row.timestamp(5)?,
        order: match row.optional_text(6)? {
            None => None,
            Some(_) => Some(row.parsed(6, |text| Reference::parse(text).ok())?),
        },
        sale: row.amount(7)?,
        points: row.amount(8)?,
        state: state_of(row, 9, 10, 11)?,
        due_at: row.optional_timestamp(12)?,
    })
}
