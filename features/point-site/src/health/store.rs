//! Counts over clicks, messages and conversions of late; each reads a bounded number of rows by a
//! key that sorts by time.

use std::collections::{BTreeMap, BTreeSet};

use crate::message::Request;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Value};
use vocabulary::{CompanyNumber, Id, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    COUNT_CLICKS.listed(),
    COUNT_MESSAGES.listed(),
    COUNT_CONVERSIONS.listed(),
    COUNT_WAITING.listed(),
    LIST_UNREADABLE.listed(),
    FIND_UNREADABLE.listed(),
    READ_MESSAGE.listed(),
    WAIT_AGAIN.listed(),
];

// By the primary key, which sorts by time; at most a million of the newest. What is marked is no
// person.
static COUNT_CLICKS: Statement = Statement::new(
    "count clicks of late",
    "SELECT offer, offer_version, shop, COUNT(*)
     FROM (SELECT offer, offer_version, shop
           FROM site_click
           WHERE id >= ? AND company = ? AND mark IS NULL
           ORDER BY id DESC
           LIMIT 1000000) AS recent
     GROUP BY offer, offer_version, shop
     ORDER BY offer, offer_version, shop
     LIMIT 10000",
);

// By the primary key, which sorts by time; at most a million of the newest.
static COUNT_MESSAGES: Statement = Statement::new(
    "count messages of late",
    "SELECT network, account, COUNT(*), MAX(received_at)
     FROM (SELECT network, account, received_at
           FROM site_message
           WHERE id >= ? AND company = ?
           ORDER BY id DESC
           LIMIT 1000000) AS recent
     GROUP BY network, account
     ORDER BY network, account
     LIMIT 1000",
);

// By the primary key, which sorts by when they occurred; at most a million of the newest.
static COUNT_CONVERSIONS: Statement = Statement::new(
    "count conversions of late",
    "SELECT network, account, shop, COUNT(*), MAX(tracked_at)
     FROM (SELECT network, account, shop, tracked_at
           FROM site_conversion
           WHERE id >= ? AND +company = ?
           ORDER BY id DESC
           LIMIT 1000000) AS recent
     WHERE shop IS NOT NULL
     GROUP BY network, account, shop
     ORDER BY network, account, shop
     LIMIT 10000",
);

// Index site_message_work_state; counts as far as people count.
static COUNT_WAITING: Statement = Statement::new(
    "count waiting messages",
    "SELECT COUNT(*)
     FROM (SELECT message
           FROM site_message_work
           WHERE state = 'waiting'
           ORDER BY message
           LIMIT 10000) AS waiting",
);

// Index site_message_work_state.
static LIST_UNREADABLE: Statement = Statement::new(
    "list unreadable messages",
    "SELECT m.id, m.network, m.account, m.received_at, w.outcome
     FROM site_message_work AS w
     JOIN site_message AS m ON m.id = w.message
     WHERE w.state = 'unreadable' AND m.company = ?
     ORDER BY w.message DESC
     LIMIT ?",
);

static FIND_UNREADABLE: Statement = Statement::new(
    "find unreadable messages",
    "SELECT w.message
     FROM site_message_work AS w
     JOIN site_message AS m ON m.id = w.message
     WHERE m.company = ? AND w.state = 'unreadable' AND w.message IN (?*)",
);

static READ_MESSAGE: Statement = Statement::new(
    "read message",
    "SELECT m.id, m.network, m.account, m.received_at, w.outcome, w.state, m.request
     FROM site_message AS m
     JOIN site_message_work AS w ON w.message = m.id
     WHERE m.company = ? AND m.id = ?",
);

static WAIT_AGAIN: Statement = Statement::new(
    "let messages wait again",
    "UPDATE site_message_work
     SET state = 'waiting', outcome = '', done_at = NULL
     WHERE message IN (?*)",
);

/// The least id of a thing that was made at a moment or later.
fn first_id<K>(since: Timestamp) -> Id<K> {
    let milliseconds = since.as_milliseconds().clamp(0, (1 << 48) - 1);
    Id::from_bits(u128::from(milliseconds.unsigned_abs()) << 80)
}

/// Clicks by offer, version and shop.
pub(crate) type Clicks = BTreeMap<(Id<kind::Offer>, u32, Id<kind::Shop>), u32>;

pub(crate) fn count_clicks(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
) -> Result<Clicks, Fault> {
    let first: Id<kind::Click> = first_id(since);
    let rows = reader.query(&COUNT_CLICKS, &[first.into(), company.into()])?;
    let count = |row: &Row<'_>| Ok(((row.id(0)?, row.small(1)?, row.id(2)?), row.small(3)?));
    rows.iter().map(count).collect()
}

/// Counts and the time of the last, by network and account.
pub(crate) type Messages = BTreeMap<(Token, Token), (u32, Timestamp)>;

pub(crate) fn count_messages(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
) -> Result<Messages, Fault> {
    let first: Id<kind::Message> = first_id(since);
    let rows = reader.query(&COUNT_MESSAGES, &[first.into(), company.into()])?;
    rows.iter().map(|row| Ok((account_of(row, 0)?, (row.small(2)?, row.timestamp(3)?)))).collect()
}

/// Counts and the time of the last that was told, by network, account and shop.
pub(crate) type Conversions = BTreeMap<((Token, Token), Id<kind::Shop>), (u32, Timestamp)>;

pub(crate) fn count_conversions(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
) -> Result<Conversions, Fault> {
    let first: Id<kind::Conversion> = first_id(since);
    let rows = reader.query(&COUNT_CONVERSIONS, &[first.into(), company.into()])?;
    rows.iter()
        .map(|row| Ok(((account_of(row, 0)?, row.id(2)?), (row.small(3)?, row.timestamp(4)?))))
        .collect()
}

fn account_of(row: &Row<'_>, column: usize) -> Result<(Token, Token), Fault> {
    Ok((
        row.parsed(column, |text| Token::parse(text).ok())?,
        row.parsed(column.saturating_add(1), |text| Token::parse(text).ok())?,
    ))
}

pub(crate) fn count_messages_waiting(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    reader.query_one(&COUNT_WAITING, &[])?.map_or(Ok(0), |row| row.small(0))
}

/// A message and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) id: Id<kind::Message>,
    pub(crate) account: (Token, Token),
    pub(crate) received_at: Timestamp,
    /// Why it cannot be read, as a code.
    pub(crate) why: String,
}

fn letter_of(row: &Row<'_>) -> Result<Letter, Fault> {
    Ok(Letter {
        id: row.id(0)?,
        account: account_of(row, 1)?,
        received_at: row.timestamp(3)?,
        why: row.text(4)?.to_owned(),
    })
}

/// Lists messages that cannot be read, the newest first.
pub(crate) fn list_unreadable(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Letter>, Fault> {
    let rows = reader.query(&LIST_UNREADABLE, &[company.into(), limit.into()])?;
    rows.iter().map(letter_of).collect()
}

/// Finds a message as it came, and whether it cannot be read.
pub(crate) fn read_message(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    id: Id<kind::Message>,
) -> Result<Option<(Letter, bool, Request)>, Fault> {
    let row = reader.query_one(&READ_MESSAGE, &[company.into(), id.into()])?;
    row.map(|row| {
        let request = Request::from_stored(row.text(6)?.to_owned());
        Ok((letter_of(&row)?, row.text(5)? == "unreadable", request))
    })
    .transpose()
}

pub(crate) fn find_unreadable(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    ids: &[Id<kind::Message>],
) -> Result<BTreeSet<Id<kind::Message>>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = tx.query_list(&FIND_UNREADABLE, &[company.into()], &list)?;
    rows.iter().map(|row| row.id(0)).collect()
}

pub(crate) fn wait_again(
    tx: &mut Tx<'_>,
    messages: &BTreeSet<Id<kind::Message>>,
) -> Result<(), Fault> {
    let list: Vec<Value> = messages.iter().copied().map(Value::from).collect();
    tx.execute_list(&WAIT_AGAIN, &[], &list)?;
    Ok(())
}
