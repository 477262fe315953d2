//! The table `site_click_day`.

use std::collections::BTreeMap;

use crate::popularity::ClickDay;
use store::{Fault, Listed, Reader, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Day, Id, Timestamp, Zone, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[COUNT_CLICKS.listed(), READ_POPULARITY.listed(), SAVE_DAYS.listed()];

/// How many days of clicks make an offer popular.
const WINDOW_DAYS: i32 = 30;

// By the primary key, which begins with the time: the clicks of one day. Those that
// no person made anew are left out.
static COUNT_CLICKS: Statement = Statement::new(
    "count clicks of a day",
    "SELECT offer, COUNT(*)
     FROM site_click
     WHERE id >= ? AND id < ? AND company = ? AND mark IS NULL
     GROUP BY offer
     ORDER BY offer
     LIMIT 100000",
);

// By the primary key: a row for each offer and day.
static READ_POPULARITY: Statement = Statement::new(
    "read popularity of offers",
    "SELECT offer, SUM(clicks)
     FROM site_click_day
     WHERE company = ? AND clicked_on >= ?
     GROUP BY offer
     ORDER BY offer
     LIMIT 100000",
);

static SAVE_DAYS: Upsert = Upsert {
    name: "save click days",
    table: "site_click_day",
    columns: &["company", "clicked_on", "offer", "clicks"],
    keys: &["company", "clicked_on", "offer"],
    updates: &["clicks"],
};

/// Gives the least id that something made at this moment may have.
fn first_id(at: Timestamp) -> Id<kind::Click> {
    let milliseconds = at.as_milliseconds().clamp(0, (1 << 48) - 1);
    Id::from_bits(u128::from(milliseconds.unsigned_abs()) << 80)
}

/// Counts the clicks of a day in Japan.
pub(crate) fn count_day(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    on: Day,
) -> Result<Vec<ClickDay>, Fault> {
    let [from, to] = [on, on.plus_days(1)].map(|day| first_id(Zone::JAPAN.start_of(day)));
    let rows = reader.query(&COUNT_CLICKS, &[from.into(), to.into(), company.into()])?;
    rows.iter()
        .map(|row| Ok(ClickDay { company, on, offer: row.id(0)?, clicks: row.unsigned(1)? }))
        .collect()
}

/// Reads how often each offer was followed in the last 30 days.
pub(crate) fn read_popularity(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
) -> Result<BTreeMap<Id<kind::Offer>, u64>, Fault> {
    let since = Zone::JAPAN.day_of(now).plus_days(1_i32.saturating_sub(WINDOW_DAYS));
    let rows = reader.query(&READ_POPULARITY, &[company.into(), since.into()])?;
    rows.iter().map(|row| Ok((row.id(0)?, row.unsigned(1)?))).collect()
}

pub(crate) fn save_days(tx: &mut Tx<'_>, days: &[ClickDay]) -> Result<(), Fault> {
    let rows: Vec<[Value; 4]> = days
        .iter()
        .map(|day| {
            let clicks = i64::try_from(day.clicks).unwrap_or(i64::MAX);
            [day.company.into(), day.on.into(), day.offer.into(), clicks.into()]
        })
        .collect();
    tx.upsert(&SAVE_DAYS, &rows)
}
