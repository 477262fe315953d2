use std::collections::BTreeMap;

use crate::leaving::{Leaving, LeavingState};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Id, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[SAVE.listed(), FIND.listed(), LIST_DUE.listed(), LIST_ENDING.listed()];

static SAVE: Upsert = Upsert {
    name: "save leavings",
    table: "site_leaving",
    columns: &["member", "company", "state", "asked_at", "ends_at", "done_at"],
    keys: &["member"],
    updates: &["state", "asked_at", "ends_at", "done_at"],
};

static FIND: Statement = Statement::new(
    "find leavings",
    "SELECT member, company, state, asked_at, ends_at, done_at
     FROM site_leaving
     WHERE member IN (?*)",
);

// Index site_leaving_due.
static LIST_DUE: Statement = Statement::new(
    "list due leavings",
    "SELECT member, company, state, asked_at, ends_at, done_at
     FROM site_leaving
     WHERE state = 'asked' AND ends_at <= ?
     ORDER BY ends_at, member
     LIMIT ?",
);

// Index site_leaving_due.
static LIST_ENDING: Statement = Statement::new(
    "list ending leavings",
    "SELECT member, company, state, asked_at, ends_at, done_at
     FROM site_leaving
     WHERE state = 'ending'
     ORDER BY ends_at, member
     LIMIT ?",
);

fn read(row: &Row<'_>) -> Result<Leaving, Fault> {
    Ok(Leaving {
        member: row.id(0)?,
        company: row.company(1)?,
        state: row.parsed(2, LeavingState::parse)?,
        asked_at: row.timestamp(3)?,
        ends_at: row.timestamp(4)?,
        done_at: row.optional_timestamp(5)?,
    })
}

/// Finds whether a member leaves.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_leaving(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
) -> Result<Option<Leaving>, Fault> {
    Ok(find_leavings(reader, &[member])?.remove(&member))
}

/// Lists what the job has to go on with: those whose days are over, and those that are ending.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn due_leavings(
    reader: &mut Reader<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Leaving>, Fault> {
    let mut rows = reader.query(&LIST_ENDING, &[limit.into()])?;
    rows.extend(reader.query(&LIST_DUE, &[now.into(), limit.into()])?);
    rows.iter().map(read).collect()
}

pub(crate) fn find_leavings(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, Leaving>, Fault> {
    let list: Vec<Value> = members.iter().map(|member| (*member).into()).collect();
    let rows = reader.query_list(&FIND, &[], &list)?;
    rows.iter().map(|row| read(row).map(|leaving| (leaving.member, leaving))).collect()
}

pub(crate) fn save_leavings<'a>(
    tx: &mut Tx<'_>,
    all: impl Iterator<Item = &'a Leaving>,
) -> Result<(), Fault> {
    let rows = all.map(|leaving| {
        [
            leaving.member.into(),
            leaving.company.into(),
            leaving.state.code().into(),
            leaving.asked_at.into(),
            leaving.ends_at.into(),
            leaving.done_at.into(),
        ]
    });
    tx.upsert(&SAVE, &rows.collect::<Vec<[Value; 6]>>())
}
