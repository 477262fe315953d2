//! The tables and all SQL of webhooks.

use super::{Attempt, AttemptResult, Delivery, DeliveryState, Endpoint, EndpointState, EventKinds};
use crate::event::EventKind;
use ledger::Seq;
use store::{Fault, Insert, Listed, Reader, Row, Statement, Tx, Upsert, Value, migrate::Migration};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// The steps of this crate's tables, 200 to 299.
pub const MIGRATIONS: &[Migration] =
    &[store::migration!(200, "bank_webhook", Expand, "../../migrations/0200_bank_webhook")];

/// All statements, for the test that prepares them on both databases.
pub const STATEMENTS: &[Listed] = &[
    SAVE_ENDPOINTS.listed(),
    FIND_ENDPOINTS.listed(),
    LIST_ENDPOINTS.listed(),
    ENABLED_ENDPOINTS.listed(),
    REMOVE_ENDPOINTS.listed(),
    REMOVE_ATTEMPTS.listed(),
    REMOVE_DELIVERIES.listed(),
    NOTE_DELIVERIES.listed(),
    SAVE_DELIVERIES.listed(),
    FIND_DELIVERIES.listed(),
    DUE_DELIVERIES.listed(),
    LIST_DELIVERIES.listed(),
    LIST_DELIVERIES_IN.listed(),
    FIND_DELIVERY_OF.listed(),
    SEND_AGAIN.listed(),
    ADD_ATTEMPTS.listed(),
    LIST_ATTEMPTS.listed(),
];

static SAVE_ENDPOINTS: Upsert = Upsert {
    name: "save webhook endpoints",
    table: "bank_endpoint",
    columns: &[
        "id",
        "company",
        "url",
        "kinds",
        "state",
        "generation",
        "previous_until",
        "told_seq",
        "failures",
        "resume_at",
        "created_at",
        "changed_at",
    ],
    keys: &["id"],
    updates: &[
        "url",
        "kinds",
        "state",
        "generation",
        "previous_until",
        "told_seq",
        "failures",
        "resume_at",
        "changed_at",
    ],
};

static FIND_ENDPOINTS: Statement = Statement::new(
    "find webhook endpoints",
    "SELECT id, company, url, kinds, state, generation, previous_until, told_seq, failures, resume_at,
            created_at, changed_at
     FROM bank_endpoint
     WHERE id IN (?*)",
);

// Index bank_endpoint_company.
static LIST_ENDPOINTS: Statement = Statement::new(
    "list webhook endpoints",
    "SELECT id, company, url, kinds, state, generation, previous_until, told_seq, failures, resume_at,
            created_at, changed_at
     FROM bank_endpoint
     WHERE company = ?
     ORDER BY id
     LIMIT 100",
);

static ENABLED_ENDPOINTS: Statement = Statement::new(
    "list enabled webhook endpoints",
    "SELECT id, company, url, kinds, state, generation, previous_until, told_seq, failures, resume_at,
            created_at, changed_at
     FROM bank_endpoint
     WHERE state = 'enabled'
     ORDER BY id
     LIMIT 10000",
);

static REMOVE_ENDPOINTS: Statement = Statement::new(
    "remove webhook endpoints",
    "DELETE FROM bank_endpoint
     WHERE id IN (?*)",
);

static REMOVE_ATTEMPTS: Statement = Statement::new(
    "remove attempts of webhook endpoints",
    "DELETE FROM bank_attempt
     WHERE delivery IN (SELECT id FROM bank_delivery WHERE endpoint IN (?*))",
);

static REMOVE_DELIVERIES: Statement = Statement::new(
    "remove deliveries of webhook endpoints",
    "DELETE FROM bank_delivery
     WHERE endpoint IN (?*)",
);

const DELIVERY_COLUMNS: &[&str] = &[
    "id",
    "endpoint",
    "first_seq",
    "last_seq",
    "event",
    "kind",
    "state",
    "tries",
    "attempts",
    "next_at",
    "created_at",
    "changed_at",
];

/// A delivery that is there already stays as it is: the same part of the journal was told before.
static NOTE_DELIVERIES: Upsert = Upsert {
    name: "note deliveries",
    table: "bank_delivery",
    columns: DELIVERY_COLUMNS,
    keys: &["id"],
    updates: &[],
};

static SAVE_DELIVERIES: Upsert = Upsert {
    name: "save deliveries",
    table: "bank_delivery",
    columns: DELIVERY_COLUMNS,
    keys: &["id"],
    updates: &["state", "tries", "attempts", "next_at", "changed_at"],
};

static FIND_DELIVERIES: Statement = Statement::new(
    "find deliveries",
    "SELECT id, endpoint, first_seq, last_seq, event, kind, state, tries, attempts, next_at, created_at,
            changed_at
     FROM bank_delivery
     WHERE id IN (?*)",
);

// Index bank_delivery_due.
static DUE_DELIVERIES: Statement = Statement::new(
    "list due deliveries",
    "SELECT d.id, d.endpoint, d.first_seq, d.last_seq, d.event, d.kind, d.state, d.tries, d.attempts,
            d.next_at, d.created_at, d.changed_at
     FROM bank_delivery AS d
     JOIN bank_endpoint AS e ON e.id = d.endpoint
     WHERE d.state = 'pending' AND d.next_at <= ? AND e.state = 'enabled' AND e.resume_at <= ?
     ORDER BY d.next_at, d.id
     LIMIT 500",
);

// Index bank_delivery_endpoint. An event has one last movement, so that the order is unique.
static LIST_DELIVERIES: Statement = Statement::new(
    "list deliveries",
    "SELECT id, endpoint, first_seq, last_seq, event, kind, state, tries, attempts, next_at, created_at,
            changed_at
     FROM bank_delivery
     WHERE endpoint = ? AND last_seq < ?
     ORDER BY last_seq DESC
     LIMIT ?",
);

// Index bank_delivery_endpoint.
static LIST_DELIVERIES_IN: Statement = Statement::new(
    "list deliveries in a state",
    "SELECT id, endpoint, first_seq, last_seq, event, kind, state, tries, attempts, next_at, created_at,
            changed_at
     FROM bank_delivery
     WHERE endpoint = ? AND last_seq < ? AND state = ?
     ORDER BY last_seq DESC
     LIMIT ?",
);

static FIND_DELIVERY_OF: Statement = Statement::new(
    "find delivery of endpoint",
    "SELECT id, endpoint, first_seq, last_seq, event, kind, state, tries, attempts, next_at, created_at,
            changed_at
     FROM bank_delivery
     WHERE endpoint = ? AND last_seq = ?
     ORDER BY id
     LIMIT 1",
);

static SEND_AGAIN: Statement = Statement::new(
    "send deliveries again",
    "UPDATE bank_delivery
     SET state = 'pending', tries = 0, next_at = ?, changed_at = ?
     WHERE endpoint = ? AND last_seq BETWEEN ? AND ?",
);

static ADD_ATTEMPTS: Insert = Insert {
    name: "add attempts",
    table: "bank_attempt",
    columns: &["delivery", "number", "at", "took_ms", "status", "error"],
};

static LIST_ATTEMPTS: Statement = Statement::new(
    "list attempts",
    "SELECT number, at, took_ms, status, error
     FROM bank_attempt
     WHERE delivery = ?
     ORDER BY number DESC
     LIMIT 100",
);

fn endpoint_of(row: &Row<'_>) -> Result<Endpoint, Fault> {
    Ok(Endpoint {
        id: row.id(0)?,
        company: row.company(1)?,
        url: row.text(2)?.to_owned(),
        kinds: row.parsed(3, EventKinds::parse)?,
        state: row.parsed(4, |code| match code {
            "enabled" => Some(EndpointState::Enabled),
            "disabled" => Some(EndpointState::Disabled),
            _ => None,
        })?,
        generation: row.small(5)?,
        previous_until: row.optional_timestamp(6)?,
        told: Seq::new(row.unsigned(7)?),
        failures: row.small(8)?,
        resume_at: row.timestamp(9)?,
        created_at: row.timestamp(10)?,
        changed_at: row.timestamp(11)?,
    })
}

pub(super) const fn state_code(state: EndpointState) -> &'static str {
    match state {
        EndpointState::Enabled => "enabled",
        EndpointState::Disabled => "disabled",
    }
}

pub(super) fn find_endpoints(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Endpoint>],
) -> Result<Vec<Endpoint>, Fault> {
    let list: Vec<Value> = ids.iter().map(|&id| id.into()).collect();
    reader.query_list(&FIND_ENDPOINTS, &[], &list)?.iter().map(endpoint_of).collect()
}

pub(super) fn list_endpoints(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<Endpoint>, Fault> {
    reader.query(&LIST_ENDPOINTS, &[company.into()])?.iter().map(endpoint_of).collect()
}

pub(super) fn enabled_endpoints(reader: &mut Reader<'_>) -> Result<Vec<Endpoint>, Fault> {
    reader.query(&ENABLED_ENDPOINTS, &[])?.iter().map(endpoint_of).collect()
}

pub(super) fn save_endpoints(tx: &mut Tx<'_>, endpoints: &[&Endpoint]) -> Result<(), Fault> {
    let rows: Vec<[Value; 12]> = endpoints
        .iter()
        .map(|endpoint| {
            [
                endpoint.id.into(),
                endpoint.company.into(),
                endpoint.url.as_str().into(),
                endpoint.kinds.codes().join(" ").into(),
                state_code(endpoint.state).into(),
                endpoint.generation.into(),
                endpoint.previous_until.into(),
                endpoint.told.get().into(),
                endpoint.failures.into(),
                endpoint.resume_at.into(),
                endpoint.created_at.into(),
                endpoint.changed_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_ENDPOINTS, &rows)
}

pub(super) fn remove_endpoints(tx: &mut Tx<'_>, ids: &[Id<kind::Endpoint>]) -> Result<(), Fault> {
    let list: Vec<Value> = ids.iter().map(|&id| id.into()).collect();
    for statement in [&REMOVE_ATTEMPTS, &REMOVE_DELIVERIES, &REMOVE_ENDPOINTS] {
        tx.execute_list(statement, &[], &list)?;
    }
    Ok(())
}

fn delivery_of(row: &Row<'_>) -> Result<Delivery, Fault> {
    let (tries, next_at) = (row.small(7)?, row.timestamp(9)?);
    Ok(Delivery {
        id: row.id(0)?,
        endpoint: row.id(1)?,
        first: Seq::new(row.unsigned(2)?),
        last: Seq::new(row.unsigned(3)?),
        event: row.id(4)?,
        kind: row.parsed(5, EventKind::parse)?,
        state: row.parsed(6, |code| match code {
            "pending" => Some(DeliveryState::Pending { tries, next_at }),
            "delivered" => Some(DeliveryState::Delivered),
            "failed" => Some(DeliveryState::Failed),
            _ => None,
        })?,
        attempts: row.small(8)?,
        created_at: row.timestamp(10)?,
        changed_at: row.timestamp(11)?,
    })
}

pub(super) const fn delivery_code(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending { .. } => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    }
}

fn delivery_row(delivery: &Delivery) -> [Value; 12] {
    let (tries, next_at) = match delivery.state {
        DeliveryState::Pending { tries, next_at } => (tries, next_at),
        DeliveryState::Delivered | DeliveryState::Failed => (0, delivery.changed_at),
    };
    [
        delivery.id.into(),
        delivery.endpoint.into(),
        delivery.first.get().into(),
        delivery.last.get().into(),
        delivery.event.into(),
        delivery.kind.code().into(),
        delivery_code(delivery.state).into(),
        tries.into(),
        delivery.attempts.into(),
        next_at.into(),
        delivery.created_at.into(),
        delivery.changed_at.into(),
    ]
}

pub(super) fn note_deliveries(tx: &mut Tx<'_>, deliveries: &[Delivery]) -> Result<(), Fault> {
    let rows: Vec<_> = deliveries.iter().map(delivery_row).collect();
    tx.upsert(&NOTE_DELIVERIES, &rows)
}

pub(super) fn save_deliveries(tx: &mut Tx<'_>, deliveries: &[Delivery]) -> Result<(), Fault> {
    let rows: Vec<_> = deliveries.iter().map(delivery_row).collect();
    tx.upsert(&SAVE_DELIVERIES, &rows)
}

pub(super) fn find_deliveries(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Message>],
) -> Result<Vec<Delivery>, Fault> {
    let list: Vec<Value> = ids.iter().map(|&id| id.into()).collect();
    reader.query_list(&FIND_DELIVERIES, &[], &list)?.iter().map(delivery_of).collect()
}

pub(super) fn due_deliveries(
    reader: &mut Reader<'_>,
    now: Timestamp,
) -> Result<Vec<Delivery>, Fault> {
    reader.query(&DUE_DELIVERIES, &[now.into(), now.into()])?.iter().map(delivery_of).collect()
}

/// Gives an endpoint's deliveries before `before`, the newest first, in a state or in all.
pub(super) fn list_deliveries(
    reader: &mut Reader<'_>,
    (endpoint, state): (Id<kind::Endpoint>, Option<&str>),
    before: Seq,
    limit: u32,
) -> Result<Vec<Delivery>, Fault> {
    let before = i64::try_from(before.get()).unwrap_or(i64::MAX);
    let before = Value::Integer(before);
    let rows = match state {
        None => reader.query(&LIST_DELIVERIES, &[endpoint.into(), before, limit.into()])?,
        Some(state) => {
            let values = [endpoint.into(), before, state.into(), limit.into()];
            reader.query(&LIST_DELIVERIES_IN, &values)?
        }
    };
    rows.iter().map(delivery_of).collect()
}

pub(super) fn find_delivery_of(
    reader: &mut Reader<'_>,
    endpoint: Id<kind::Endpoint>,
    last: Seq,
) -> Result<Option<Delivery>, Fault> {
    let values = [endpoint.into(), last.get().into()];
    reader.query_one(&FIND_DELIVERY_OF, &values)?.as_ref().map(delivery_of).transpose()
}

/// Makes deliveries from `first` to `last` due at `now`, whatever became of them.
pub(super) fn send_again(
    tx: &mut Tx<'_>,
    endpoint: Id<kind::Endpoint>,
    (first, last): (Seq, Seq),
    now: Timestamp,
) -> Result<(), Fault> {
    let last = i64::try_from(last.get()).unwrap_or(i64::MAX);
    let values =
        [now.into(), now.into(), endpoint.into(), first.get().into(), Value::Integer(last)];
    tx.execute(&SEND_AGAIN, &values).map(drop)
}

pub(super) fn add_attempts(
    tx: &mut Tx<'_>,
    attempts: &[(Id<kind::Message>, u32, Attempt)],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 6]> = attempts
        .iter()
        .map(|&(delivery, number, attempt)| {
            let (status, error) = match attempt.result {
                AttemptResult::Status { status, .. } => (Some(status), None),
                AttemptResult::NoAnswer(word) => (None, Some(word)),
            };
            [
                delivery.into(),
                number.into(),
                attempt.at.into(),
                attempt.took_ms.into(),
                status.into(),
                error.into(),
            ]
        })
        .collect();
    tx.insert(&ADD_ATTEMPTS, &rows)
}

/// A row of the log of tries.
pub(super) struct AttemptRow {
    pub(super) number: u32,
    pub(super) at: Timestamp,
    pub(super) took_ms: u32,
    pub(super) status: Option<u32>,
    pub(super) error: Option<String>,
}

pub(super) fn list_attempts(
    reader: &mut Reader<'_>,
    delivery: Id<kind::Message>,
) -> Result<Vec<AttemptRow>, Fault> {
    let attempt = |row: &Row<'_>| {
        Ok(AttemptRow {
            number: row.small(0)?,
            at: row.timestamp(1)?,
            took_ms: row.small(2)?,
            status: row.optional_small(3)?,
            error: row.optional_text(4)?.map(str::to_owned),
        })
    };
    reader.query(&LIST_ATTEMPTS, &[delivery.into()])?.iter().map(attempt).collect()
}

#[cfg(test)]
mod tests {
    use store::testing::{assert_same_schema, for_each_database, prepare_all};

    use super::*;

    fn migrations() -> Vec<Migration> {
        [store::MIGRATIONS, MIGRATIONS].concat()
    }

    #[test]
    fn every_statement_fits_both_databases() {
        for_each_database(|test| {
            test.migrate(&migrations());
            prepare_all(test.database(), STATEMENTS);
        });
    }

    #[test]
    fn both_databases_have_the_same_tables() {
        assert_same_schema(&migrations());
    }
}
