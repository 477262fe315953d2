//! The tables `site_pull` and `site_pull_place`.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::network::Cursor;
use crate::network_account::NetworkAccountKey;
use crate::pull::command::Place;
use crate::pull::{Feed, Pull, PullError, Sweep, Work};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Token};

pub(crate) const STATEMENTS: &[Listed] =
    &[SAVE_PULLS.listed(), LIST_PULLS.listed(), SAVE_PLACES.listed(), FIND_PLACES.listed()];

static SAVE_PULLS: Upsert = Upsert {
    name: "save pulls",
    table: "site_pull",
    columns: &[
        "company",
        "network",
        "account",
        "sweep",
        "begun_at",
        "feed",
        "from_on",
        "until_on",
        "window_on",
        "page_cursor",
        "fresh_at",
        "look_back_at",
        "not_before",
        "calls",
        "calls_since",
        "failures",
        "last_success_at",
        "last_error",
        "last_error_at",
        "pages",
        "rows_unread",
        "version",
    ],
    keys: &["company", "network", "account"],
    updates: &[
        "sweep",
        "begun_at",
        "feed",
        "from_on",
        "until_on",
        "window_on",
        "page_cursor",
        "fresh_at",
        "look_back_at",
        "not_before",
        "calls",
        "calls_since",
        "failures",
        "last_success_at",
        "last_error",
        "last_error_at",
        "pages",
        "rows_unread",
        "version",
    ],
};

// The primary key.
static LIST_PULLS: Statement = Statement::new(
    "list pulls",
    "SELECT company, network, account, sweep, begun_at, feed, from_on, until_on, window_on,
            page_cursor, fresh_at, look_back_at, not_before, calls, calls_since, failures,
            last_success_at, last_error, last_error_at, pages, rows_unread, version
     FROM site_pull
     WHERE company IN (?*)
     ORDER BY company, network, account
     LIMIT 50000",
);

static SAVE_PLACES: Upsert = Upsert {
    name: "save places of pages",
    table: "site_pull_place",
    columns: &["id", "company", "network", "account", "place", "digest"],
    keys: &["id"],
    updates: &["digest"],
};

static FIND_PLACES: Statement = Statement::new(
    "find places of pages",
    "SELECT id, digest
     FROM site_pull_place
     WHERE id IN (?*)",
);

impl Place {
    /// Follows from what it names: a cursor may be long, and a key of four texts longer than some
    /// databases take.
    fn id(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.company.get().to_be_bytes());
        for part in [self.account.network.as_str(), self.account.account.as_str(), &self.text] {
            hash.update(part);
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

/// Finds what was found at some places the last time.
pub(crate) fn load_digests(
    tx: &mut Tx<'_>,
    places: &[Place],
) -> Result<BTreeMap<Place, [u8; 32]>, Fault> {
    let by_id: BTreeMap<[u8; 32], &Place> =
        places.iter().map(|place| (place.id(), place)).collect();
    let list: Vec<Value> = by_id.keys().map(|id| id.as_slice().into()).collect();
    let rows = tx.query_list(&FIND_PLACES, &[], &list)?;
    let mut found = BTreeMap::new();
    for row in &rows {
        if let Some(place) = by_id.get(&row.digest(0)?) {
            found.insert((*place).clone(), row.digest(1)?);
        }
    }
    Ok(found)
}

pub(crate) fn save_places(
    tx: &mut Tx<'_>,
    places: &BTreeMap<Place, [u8; 32]>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 6]> = places
        .iter()
        .map(|(place, digest)| {
            [
                place.id().as_slice().into(),
                place.company.into(),
                place.account.network.as_str().into(),
                place.account.account.as_str().into(),
                shortened(&place.text).into(),
                digest.as_slice().into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_PLACES, &rows)
}

/// The text beside the id is for people; of a long cursor the beginning tells enough.
fn shortened(place: &str) -> String {
    place.chars().take(200).collect()
}

/// Tells the versions of the rows of some companies.
pub(crate) fn load_versions(
    tx: &mut Tx<'_>,
    companies: &BTreeSet<CompanyNumber>,
) -> Result<BTreeMap<(CompanyNumber, NetworkAccountKey), u32>, Fault> {
    let pulls = list_pulls(tx, companies)?;
    Ok(pulls.into_iter().map(|(key, pull)| (key, pull.version)).collect())
}

/// Lists how far the asking has come with the accounts of some companies.
pub(crate) fn list_pulls(
    reader: &mut Reader<'_>,
    companies: &BTreeSet<CompanyNumber>,
) -> Result<BTreeMap<(CompanyNumber, NetworkAccountKey), Pull>, Fault> {
    let list: Vec<Value> = companies.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&LIST_PULLS, &[], &list)?;
    rows.iter().map(|row| Ok((key_of(row)?, pull_of(row)?))).collect()
}

fn key_of(row: &Row<'_>) -> Result<(CompanyNumber, NetworkAccountKey), Fault> {
    let network = row.parsed(1, |text| Token::parse(text).ok())?;
    let account = row.parsed(2, |text| Token::parse(text).ok())?;
    Ok((row.company(0)?, NetworkAccountKey { network, account }))
}

fn pull_of(row: &Row<'_>) -> Result<Pull, Fault> {
    let work = match row.optional_text(3)? {
        None => None,
        Some(_) => Some(Work {
            sweep: row.parsed(3, Sweep::parse)?,
            begun_at: row.timestamp(4)?,
            feed: row.parsed(5, Feed::parse)?,
            from: row.day(6)?,
            until: row.day(7)?,
            window: row.day(8)?,
            cursor: row.optional_text(9)?.map(|text| Cursor::new(text.to_owned())),
        }),
    };
    let last_error = match row.optional_text(17)? {
        None => None,
        Some(_) => Some((row.parsed(17, PullError::parse)?, row.timestamp(18)?)),
    };
    Ok(Pull {
        work,
        fresh_at: row.optional_timestamp(10)?,
        look_back_at: row.optional_timestamp(11)?,
        not_before: row.optional_timestamp(12)?,
        calls: row.small(13)?,
        calls_since: row.timestamp(14)?,
        failures: row.small(15)?,
        last_success_at: row.optional_timestamp(16)?,
        last_error,
        pages: row.unsigned(19)?,
        rows_unread: row.unsigned(20)?,
        version: row.small(21)?,
    })
}

pub(crate) fn save_pulls(
    tx: &mut Tx<'_>,
    pulls: &BTreeMap<(CompanyNumber, NetworkAccountKey), Pull>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 22]> = pulls
        .iter()
        .map(|((company, key), pull)| {
            let work = pull.work.as_ref();
            [
                (*company).into(),
                key.network.as_str().into(),
                key.account.as_str().into(),
                work.map(|work| work.sweep.code()).into(),
                work.map(|work| work.begun_at).into(),
                work.map(|work| work.feed.code()).into(),
                work.map(|work| work.from).into(),
                work.map(|work| work.until).into(),
                work.map(|work| work.window).into(),
                work.and_then(|work| work.cursor.as_ref()).map(Cursor::as_str).into(),
                pull.fresh_at.into(),
                pull.look_back_at.into(),
                pull.not_before.into(),
                pull.calls.into(),
                pull.calls_since.into(),
                pull.failures.into(),
                pull.last_success_at.into(),
                pull.last_error.map(|(error, _)| error.code()).into(),
                pull.last_error.map(|(_, at)| at).into(),
                pull.pages.into(),
                pull.rows_unread.into(),
                pull.version.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_PULLS, &rows)
}
