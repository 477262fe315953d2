//! The table `site_offer_tally`.

use std::collections::BTreeMap;

use crate::cap::{Tallies, Tally};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[READ_TALLIES.listed(), FIND_TALLIES.listed(), SAVE_TALLIES.listed()];

// Index site_offer_tally_company. As many as there are capped versions.
static READ_TALLIES: Statement = Statement::new(
    "read tallies of offers",
    "SELECT offer, version, conversions, commission
     FROM site_offer_tally
     WHERE company = ?
     ORDER BY offer, version
     LIMIT 1000000",
);

// By the primary key.
static FIND_TALLIES: Statement = Statement::new(
    "find tallies of offers",
    "SELECT offer, version, conversions, commission
     FROM site_offer_tally
     WHERE offer IN (?*)",
);

static SAVE_TALLIES: Upsert = Upsert {
    name: "save tallies of offers",
    table: "site_offer_tally",
    columns: &["offer", "version", "company", "conversions", "commission"],
    keys: &["offer", "version"],
    updates: &["conversions", "commission"],
};

type Found = BTreeMap<(Id<kind::Offer>, u32), Tally>;

/// Reads how much of every capped version is used.
pub(crate) fn read_tallies(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Found, Fault> {
    reader.query(&READ_TALLIES, &[company.into()])?.iter().map(tally_of).collect()
}

/// Finds how much of all versions of some offers is used.
pub(crate) fn find_tallies(
    reader: &mut Reader<'_>,
    offers: impl Iterator<Item = Id<kind::Offer>>,
) -> Result<Tallies, Fault> {
    let list: Vec<Value> = offers.map(Value::from).collect();
    let rows = reader.query_list(&FIND_TALLIES, &[], &list)?;
    let known = rows.iter().map(tally_of).collect::<Result<Found, Fault>>()?;
    Ok(Tallies { known, ..Tallies::default() })
}

fn tally_of(row: &Row<'_>) -> Result<((Id<kind::Offer>, u32), Tally), Fault> {
    let tally = Tally { conversions: row.small(2)?, commission: row.amount(3)? };
    Ok(((row.id(0)?, row.small(1)?), tally))
}

/// Saves the tallies that changed.
pub(crate) fn save_tallies(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    tallies: &Tallies,
) -> Result<(), Fault> {
    let changed = tallies.changed.iter().filter_map(|key| Some((*key, *tallies.known.get(key)?)));
    let rows: Vec<[Value; 5]> = changed
        .map(|((offer, version), tally)| {
            let (conversions, commission) = (tally.conversions, tally.commission);
            [offer.into(), version.into(), company.into(), conversions.into(), commission.into()]
        })
        .collect();
    tx.upsert(&SAVE_TALLIES, &rows)
}
