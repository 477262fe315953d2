//! The tables `site_message` and `site_message_work`.

use std::collections::{BTreeMap, BTreeSet};

use crate::message::command::{Work, digest};
use crate::message::{Message, Request, StoreMessage};
use store::{Fault, Listed, Reader, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_MESSAGES.listed(),
    SAVE_WORK.listed(),
    FIND_WAITING.listed(),
    LIST_WAITING.listed(),
    MEASURE_WAITING.listed(),
    FINISH_WORK.listed(),
];

static SAVE_MESSAGES: Upsert = Upsert {
    name: "save messages",
    table: "site_message",
    columns: &["id", "company", "network", "account", "received_at", "request", "digest"],
    keys: &["id"],
    updates: &[],
};

static SAVE_WORK: Upsert = Upsert {
    name: "queue messages",
    table: "site_message_work",
    columns: &["message", "state", "conversion", "outcome", "done_at"],
    keys: &["message"],
    updates: &[],
};

static FINISH_WORK: Upsert = Upsert {
    name: "finish messages",
    table: "site_message_work",
    columns: &["message", "state", "conversion", "outcome", "done_at"],
    keys: &["message"],
    updates: &["state", "conversion", "outcome", "done_at"],
};

static FIND_WAITING: Statement = Statement::new(
    "find waiting messages",
    "SELECT message
     FROM site_message_work
     WHERE state = 'waiting' AND message IN (?*)",
);

// Index site_message_work_state.
static LIST_WAITING: Statement = Statement::new(
    "list waiting messages",
    "SELECT m.id, m.network, m.account, m.received_at, m.request
     FROM site_message_work AS w
     JOIN site_message AS m ON m.id = w.message
     WHERE w.state = 'waiting' AND m.company = ?
     ORDER BY w.message
     LIMIT ?",
);

// Index site_message_work_state.
static MEASURE_WAITING: Statement = Statement::new(
    "measure waiting messages",
    "SELECT LENGTH(m.request)
     FROM site_message_work AS w
     JOIN site_message AS m ON m.id = w.message
     WHERE w.state = 'waiting' AND m.company = ?
     ORDER BY w.message
     LIMIT ?",
);

pub(crate) fn save_messages(tx: &mut Tx<'_>, commands: &[StoreMessage]) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = commands
        .iter()
        .map(|StoreMessage { company, message }| {
            [
                message.id.into(),
                (*company).into(),
                message.network.as_str().into(),
                message.account.as_str().into(),
                message.received_at.into(),
                message.request.as_str().into(),
                digest(message.request.as_str()).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_MESSAGES, &rows)?;
    let rows: Vec<[Value; 5]> = commands
        .iter()
        .map(|command| {
            [command.message.id.into(), "waiting".into(), Value::Null, "".into(), Value::Null]
        })
        .collect();
    tx.upsert(&SAVE_WORK, &rows)
}

pub(crate) fn find_waiting(
    tx: &mut Tx<'_>,
    ids: &[Id<kind::Message>],
) -> Result<BTreeSet<Id<kind::Message>>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    tx.query_list(&FIND_WAITING, &[], &list)?.iter().map(|row| row.id(0)).collect()
}

/// Tells how many of the oldest messages that wait have together about `length_max` characters: all
/// of a thousand postbacks, one of the largest pages. At least one is, if any waits.
pub(crate) fn count_waiting(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
    length_max: u64,
) -> Result<u32, Fault> {
    let (mut count, mut length) = (0_u32, 0_u64);
    for row in &reader.query(&MEASURE_WAITING, &[company.into(), limit.into()])? {
        length = length.saturating_add(row.unsigned(0)?);
        if count > 0 && length > length_max {
            break;
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Lists what waits, the oldest first.
pub(crate) fn list_waiting(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Message>, Fault> {
    let rows = reader.query(&LIST_WAITING, &[company.into(), limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(Message {
                id: row.id(0)?,
                network: row.parsed(1, |text| Token::parse(text).ok())?,
                account: row.parsed(2, |text| Token::parse(text).ok())?,
                received_at: row.timestamp(3)?,
                request: Request::from_stored(row.text(4)?.to_owned()),
            })
        })
        .collect()
}

pub(crate) fn save_work(
    tx: &mut Tx<'_>,
    work: &BTreeMap<Id<kind::Message>, Work>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = work
        .iter()
        .map(|(message, work)| {
            let (state, conversion, outcome): (&str, Value, &str) = match work.result {
                Ok((conversion, outcome)) => ("done", conversion.into(), outcome.code()),
                Err(unreadable) => ("unreadable", Value::Null, unreadable.code()),
            };
            [(*message).into(), state.into(), conversion, outcome.into(), work.done_at.into()]
        })
        .collect();
    tx.upsert(&FINISH_WORK, &rows)
}
