//! The table `site_rate_up`.

use crate::rate_up::RateUp;
use store::{Fault, Listed, Reader, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Timestamp};

pub(crate) const STATEMENTS: &[Listed] = &[LIST_RATE_UPS.listed(), SAVE_RATE_UPS.listed()];

// Index site_rate_up_company. A row for each raise of some days.
static LIST_RATE_UPS: Statement = Statement::new(
    "list rate-ups",
    "SELECT offer, version, shop, position, letters, began_at, finished_at
     FROM site_rate_up
     WHERE company = ? AND began_at >= ?
     ORDER BY began_at, offer, version
     LIMIT 100000",
);

static SAVE_RATE_UPS: Upsert = Upsert {
    name: "save rate-ups",
    table: "site_rate_up",
    columns: &[
        "offer",
        "version",
        "company",
        "shop",
        "position",
        "letters",
        "began_at",
        "finished_at",
    ],
    keys: &["offer", "version"],
    updates: &["position", "letters", "finished_at"],
};

/// Lists the raises that were written about since a moment.
pub(crate) fn list_rate_ups(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
) -> Result<Vec<RateUp>, Fault> {
    let rows = reader.query(&LIST_RATE_UPS, &[company.into(), since.into()])?;
    rows.iter()
        .map(|row| {
            Ok(RateUp {
                offer: row.id(0)?,
                version: row.small(1)?,
                shop: row.id(2)?,
                position: row.optional_id(3)?,
                letters: row.small(4)?,
                began_at: row.timestamp(5)?,
                finished_at: row.optional_timestamp(6)?,
            })
        })
        .collect()
}

pub(crate) fn save_rate_ups(
    tx: &mut Tx<'_>,
    list: &[(CompanyNumber, RateUp)],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 8]> = list
        .iter()
        .map(|(company, one)| {
            [
                one.offer.into(),
                one.version.into(),
                (*company).into(),
                one.shop.into(),
                one.position.into(),
                one.letters.into(),
                one.began_at.into(),
                one.finished_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_RATE_UPS, &rows)
}
