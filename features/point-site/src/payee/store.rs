//! The tables `site_payee` and `site_particular`.

use std::collections::BTreeMap;

use crate::payee::{Payee, PayeeKind, PayeeState};
use crate::step_up::Particular;
use crate::vault::{KeyNumber, Sealed};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Id, Label, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_PAYEES.listed(),
    FIND_PAYEES.listed(),
    FIND_OF_MEMBERS.listed(),
    BLOCK_PAYEES.listed(),
    REMOVE_OF_MEMBERS.listed(),
    NOTE_CHANGES.listed(),
    READ_CHANGES.listed(),
];

static SAVE_PAYEES: Upsert = Upsert {
    name: "save payees",
    table: "site_payee",
    columns: &[
        "id",
        "company",
        "member",
        "kind",
        "sealed",
        "sealed_by",
        "shown",
        "fingerprint",
        "state",
        "registered_at",
        "changed_at",
    ],
    keys: &["id"],
    updates: &["state", "changed_at"],
};

static FIND_PAYEES: Statement = Statement::new(
    "find payees",
    "SELECT id, company, member, kind, sealed, sealed_by, shown, fingerprint, state, registered_at
     FROM site_payee
     WHERE id IN (?*)",
);

// Index site_payee_member.
static FIND_OF_MEMBERS: Statement = Statement::new(
    "find payees of members",
    "SELECT id, company, member, kind, sealed, sealed_by, shown, fingerprint, state, registered_at
     FROM site_payee
     WHERE member IN (?*)
     ORDER BY member, registered_at, id",
);

static BLOCK_PAYEES: Statement = Statement::new(
    "block payees",
    "UPDATE site_payee
     SET state = 'blocked', changed_at = ?
     WHERE id IN (?*)",
);

// Index site_payee_member.
static REMOVE_OF_MEMBERS: Statement =
    Statement::new("remove payees of members", "DELETE FROM site_payee WHERE member IN (?*)");

static NOTE_CHANGES: Upsert = Upsert {
    name: "note changes of particulars",
    table: "site_particular",
    columns: &["member", "particular", "changed_at"],
    keys: &["member", "particular"],
    updates: &["changed_at"],
};

static READ_CHANGES: Statement = Statement::new(
    "read changes of particulars",
    "SELECT member, particular, changed_at
     FROM site_particular
     WHERE member IN (?*)",
);

/// Forgets where members who left were paid.
pub(crate) fn remove_payees(tx: &mut Tx<'_>, members: &[Id<kind::Member>]) -> Result<(), Fault> {
    let list: Vec<Value> = members.iter().map(|member| (*member).into()).collect();
    tx.execute_list(&REMOVE_OF_MEMBERS, &[], &list).map(drop)
}

pub(crate) fn save_payees(tx: &mut Tx<'_>, payees: &[(Payee, Timestamp)]) -> Result<(), Fault> {
    let rows: Vec<[Value; 11]> = payees
        .iter()
        .map(|(payee, changed_at)| {
            [
                payee.id.into(),
                payee.company.into(),
                payee.member.into(),
                payee.kind.code().into(),
                payee.sealed.bytes.as_slice().into(),
                payee.sealed.key.into(),
                (&payee.shown).into(),
                payee.fingerprint.into(),
                payee.state.code().into(),
                payee.registered_at.into(),
                (*changed_at).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_PAYEES, &rows)
}

fn payee_of(row: &Row<'_>) -> Result<Payee, Fault> {
    Ok(Payee {
        id: row.id(0)?,
        company: row.company(1)?,
        member: row.id(2)?,
        kind: row.parsed(3, PayeeKind::parse)?,
        sealed: sealed_of(row, 4)?,
        shown: row.parsed(6, |text| Label::parse(text).ok())?,
        fingerprint: row.digest(7)?,
        state: row.parsed(8, PayeeState::parse)?,
        registered_at: row.timestamp(9)?,
    })
}

/// Reads something sealed from two columns.
pub(crate) fn sealed_of(row: &Row<'_>, first: usize) -> Result<Sealed, Fault> {
    let key = row.small(first.saturating_add(1))?;
    let key = KeyNumber::try_from(key).map_err(|_large| row.corrupt("number of a key"))?;
    Ok(Sealed { key, bytes: row.bytes(first)?.to_vec() })
}

pub(crate) fn find_payees(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Payee>],
) -> Result<BTreeMap<Id<kind::Payee>, Payee>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_PAYEES, &[], &list)?;
    rows.iter().map(|row| payee_of(row).map(|payee| (payee.id, payee))).collect()
}

/// Finds all that some members ever named, the newest last.
pub(crate) fn load_of_members(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, Vec<Payee>>, Fault> {
    let list: Vec<Value> = members.iter().copied().map(Value::from).collect();
    let mut found: BTreeMap<Id<kind::Member>, Vec<Payee>> = BTreeMap::new();
    for row in reader.query_list(&FIND_OF_MEMBERS, &[], &list)? {
        let payee = payee_of(&row)?;
        let payees = found.entry(payee.member).or_default();
        if payees.iter().all(|known| known.id != payee.id) {
            payees.push(payee);
        }
    }
    Ok(found)
}

/// Finds where a member's exchanges go now.
pub(crate) fn find_active(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
) -> Result<Option<Payee>, Fault> {
    let mut payees = load_of_members(reader, &[member])?.remove(&member).unwrap_or_default();
    Ok(payees.pop().filter(|payee| payee.state != PayeeState::Replaced))
}

pub(crate) fn block_payees(
    tx: &mut Tx<'_>,
    ids: &[Id<kind::Payee>],
    now: Timestamp,
) -> Result<(), Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    tx.execute_list(&BLOCK_PAYEES, &[now.into()], &list).map(drop)
}

pub(crate) fn note_changes(
    tx: &mut Tx<'_>,
    changes: &BTreeMap<(Id<kind::Member>, Particular), Timestamp>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 3]> = changes
        .iter()
        .map(|((member, particular), at)| {
            [(*member).into(), particular.code().into(), (*at).into()]
        })
        .collect();
    tx.upsert(&NOTE_CHANGES, &rows)
}

/// When particulars of members last changed.
pub(crate) type Changes = BTreeMap<Id<kind::Member>, Vec<(Particular, Timestamp)>>;

/// Reads when the particulars of some members last changed.
pub(crate) fn read_changes(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<Changes, Fault> {
    let list: Vec<Value> = members.iter().copied().map(Value::from).collect();
    let mut found = Changes::new();
    for row in reader.query_list(&READ_CHANGES, &[], &list)? {
        let change = (row.parsed(1, Particular::parse)?, row.timestamp(2)?);
        let changes = found.entry(row.id(0)?).or_default();
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    Ok(found)
}
