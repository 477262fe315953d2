//! The table `site_bonus`.

use std::collections::{BTreeMap, BTreeSet};

use crate::bonus::{Bonus, Cause, Standing, batch_id, bonus_of_posting, expectation_id};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[FIND_BONUSES.listed(), SAVE_BONUSES.listed(), FIND_DUE.listed()];

static FIND_BONUSES: Statement = Statement::new(
    "find bonuses",
    "SELECT id, cause, subject, member, conversion, title, version, standing, amount,
            standing_version, reserved, grant_at
     FROM site_bonus
     WHERE +company = ? AND id IN (?*)",
);

static SAVE_BONUSES: Upsert = Upsert {
    name: "save bonuses",
    table: "site_bonus",
    columns: &[
        "id",
        "company",
        "cause",
        "subject",
        "member",
        "conversion",
        "title",
        "version",
        "standing",
        "amount",
        "standing_version",
        "reserved",
        "grant_at",
        "changed_at",
    ],
    keys: &["id"],
    updates: &[
        "title",
        "version",
        "standing",
        "amount",
        "standing_version",
        "reserved",
        "grant_at",
        "changed_at",
    ],
};

// Index site_bonus_due.
static FIND_DUE: Statement = Statement::new(
    "find due bonuses",
    "SELECT id
     FROM site_bonus
     WHERE company = ? AND grant_at <= ?
     ORDER BY grant_at, id
     LIMIT ?",
);

pub(crate) fn find_bonuses(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &[Id<kind::Bonus>],
) -> Result<BTreeMap<Id<kind::Bonus>, Bonus>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_BONUSES, &[company.into()], &list)?;
    rows.iter().map(|row| bonus_of(row).map(|bonus| (bonus.id, bonus))).collect()
}

/// Finds the bonuses that the clock is to grant by now, the longest due first.
pub(crate) fn find_due(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Id<kind::Bonus>>, Fault> {
    let rows = reader.query(&FIND_DUE, &[company.into(), now.into(), limit.into()])?;
    rows.iter().map(|row| row.id(0)).collect()
}

pub(crate) fn save_bonuses(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    bonuses: &[&Bonus],
    now: Timestamp,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 14]> = bonuses
        .iter()
        .map(|bonus| {
            let (version, reserved) = match bonus.standing {
                Standing::Nothing | Standing::Promised { .. } => (0, false),
                Standing::Announced { version, .. } => (version, false),
                Standing::Granted { version, reserved, .. } => (version, reserved),
            };
            [
                bonus.id.into(),
                company.into(),
                bonus.cause.code().into(),
                bonus.cause.subject().to_be_bytes().into(),
                bonus.member.into(),
                bonus.conversion.into(),
                (&bonus.title).into(),
                bonus.version.into(),
                bonus.standing.code().into(),
                bonus.standing.amount().into(),
                version.into(),
                reserved.into(),
                bonus.standing.grant_at().into(),
                now.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_BONUSES, &rows)
}

fn bonus_of(row: &Row<'_>) -> Result<Bonus, Fault> {
    let subject: Id<kind::Bonus> = row.id(2)?;
    let (amount, version) = (row.amount(8)?, row.small(9)?);
    let standing = match row.text(7)? {
        "nothing" => Standing::Nothing,
        "promised" => Standing::Promised { amount, grant_at: row.timestamp(11)? },
        "announced" => {
            Standing::Announced { amount, version, grant_at: row.optional_timestamp(11)? }
        }
        "granted" => Standing::Granted { amount, version, reserved: row.boolean(10)? },
        _ => return Err(row.corrupt("standing of a bonus")),
    };
    Ok(Bonus {
        id: row.id(0)?,
        cause: row.parsed(1, |code| Cause::parse(code, subject.bits()))?,
        member: row.id(3)?,
        conversion: row.optional_id(4)?,
        title: row.parsed(5, |text| Label::parse(text).ok())?,
        version: row.small(6)?,
        standing,
    })
}

/// What a member can read about a movement of a bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusStory {
    /// Why.
    pub cause: Cause,
    /// What it is called.
    pub title: Label,
}

/// Finds the bonuses behind movements: give the subjects (expectations, reversed batches) and the
/// ids of batches as bits; what is no posting of a bonus of this company is left out. One query
/// for a list.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn bonus_stories(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &[u128],
) -> Result<BTreeMap<u128, BonusStory>, Fault> {
    let bonuses: BTreeSet<_> = ids.iter().copied().map(bonus_of_posting).collect();
    let bonuses: Vec<_> = bonuses.into_iter().collect();
    let found = find_bonuses(reader, company, &bonuses)?;
    let story = |id: &u128| {
        let bonus = found.get(&bonus_of_posting(*id))?;
        // Only what was posted: ids of batches are chosen by others as well.
        let posted = (1..=bonus.version).any(|version| {
            *id == batch_id(bonus.id, version).bits()
                || *id == expectation_id(bonus.id, version).bits()
        });
        posted.then(|| (*id, BonusStory { cause: bonus.cause, title: bonus.title.clone() }))
    };
    Ok(ids.iter().filter_map(story).collect())
}
