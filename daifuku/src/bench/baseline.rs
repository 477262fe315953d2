//! What is done by hand today: a transaction a transfer, rows locked in order, balances in a table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::load::Timing;
use super::report::{Line, Report};
use super::run::BenchOptions;
use store::{Database, DatabaseUrl, Dialect, Fault, Insert, PoolOptions, Statement, Value};
use vocabulary::{IdSource as _, SeededIds};

const ACCOUNTS: i64 = 10_000;

static CREATE: [Statement; 3] = [
    Statement::new(
        "create baseline accounts",
        "CREATE TABLE IF NOT EXISTS bench_account (
           id BIGINT NOT NULL PRIMARY KEY, balance BIGINT NOT NULL
         )",
    ),
    Statement::new(
        "create baseline transfers",
        "CREATE TABLE IF NOT EXISTS bench_transfer (
           id BINARY(16) NOT NULL PRIMARY KEY, debit BIGINT NOT NULL, credit BIGINT NOT NULL,
           amount BIGINT NOT NULL
         )",
    ),
    Statement::new(
        "create baseline entries",
        "CREATE TABLE IF NOT EXISTS bench_entry (
           id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, account BIGINT NOT NULL,
           amount BIGINT NOT NULL, transfer BINARY(16) NOT NULL, KEY (account, id)
         )",
    ),
];

static ADD_ACCOUNTS: Insert =
    Insert { name: "add baseline accounts", table: "bench_account", columns: &["id", "balance"] };
static ADD_TRANSFER: Insert = Insert {
    name: "add baseline transfer",
    table: "bench_transfer",
    columns: &["id", "debit", "credit", "amount"],
};
static ADD_ENTRIES: Insert = Insert {
    name: "add baseline entries",
    table: "bench_entry",
    columns: &["account", "amount", "transfer"],
};
static COUNT_ACCOUNTS: Statement =
    Statement::new("count baseline accounts", "SELECT COUNT(*) FROM bench_account");
static LOCK_ACCOUNTS: Statement = Statement::new(
    "lock baseline accounts",
    "SELECT id, balance FROM bench_account WHERE id IN (?, ?) ORDER BY id FOR UPDATE",
);
static MOVE_BALANCE: Statement = Statement::new(
    "move baseline balance",
    "UPDATE bench_account SET balance = balance + ? WHERE id = ?",
);

pub(super) fn run(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let Some(url) = &options.database else {
        report.text("baseline: left out, it needs a server (--database mysql://…)");
        return Ok(());
    };
    let database = Database::open(&DatabaseUrl::parse(url)?, PoolOptions::default())?;
    if database.dialect() != Dialect::MySql {
        report.text("baseline: left out, it needs a server (--database mysql://…)");
        return Ok(());
    }
    prepare(&database)?;
    for hot in [false, true] {
        for clients in [1, 16, 64] {
            let timing = clients_at_once(&database, clients, hot)?;
            let spread = if hot { "one hot account" } else { "uniform" };
            let name = format!("by hand, a transaction a transfer, {spread}, {clients} clients");
            report.line(&Line::single(name, &timing));
        }
    }
    Ok(())
}

fn prepare(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.connect()?;
    let mut tx = connection.begin()?;
    for statement in &CREATE {
        tx.execute(statement, &[])?;
    }
    let there = tx.query_one(&COUNT_ACCOUNTS, &[])?.map_or(Ok(0), |row| row.integer(0))?;
    if there == 0 {
        let rows: Vec<[Value; 2]> =
            (0..ACCOUNTS).map(|id| [Value::from(id), Value::from(1_000_000_000_i64)]).collect();
        tx.insert(&ADD_ACCOUNTS, &rows)?;
    }
    tx.commit()?;
    Ok(())
}

fn clients_at_once(database: &Database, clients: u64, hot: bool) -> anyhow::Result<Timing> {
    const LASTS: Duration = Duration::from_secs(8);
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|client| {
            let database = database.clone();
            let done = Arc::clone(&done);
            std::thread::spawn(move || -> Result<Vec<Duration>, Fault> {
                let mut connection = database.connect()?;
                let turn = clients * 2 + u64::from(hot);
                let mut chance = SeededIds::new(turn * 1_000 + client);
                let mut latencies = Vec::new();
                while started.elapsed() < LASTS {
                    let begun = Instant::now();
                    transfer(&mut connection, &mut chance, hot)?;
                    latencies.push(begun.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(latencies)
            })
        })
        .collect();
    let mut timing = Timing::default();
    for thread in threads {
        match thread.join() {
            Ok(latencies) => timing.latencies.extend(latencies?),
            Err(_panic) => bail!("a client panicked"),
        }
    }
    timing.elapsed = started.elapsed();
    timing.done = done.load(Ordering::Relaxed);
    Ok(timing)
}

/// One transfer, tried again when another transaction was in the way.
fn transfer(
    connection: &mut store::Connection,
    chance: &mut SeededIds,
    hot: bool,
) -> Result<(), Fault> {
    let pick = |chance: &mut SeededIds| {
        i64::try_from(chance.next_u64() % u64::try_from(ACCOUNTS).unwrap_or(1)).unwrap_or(0)
    };
    let debit = if hot { 0 } else { pick(chance) };
    let credit = (debit + 1 + pick(chance) % (ACCOUNTS - 1)) % ACCOUNTS;
    let id = chance.chance().to_be_bytes();
    loop {
        match try_transfer(connection, debit, credit, id) {
            Err(fault) if fault.retryable() => {}
            result => return result,
        }
    }
}

fn try_transfer(
    connection: &mut store::Connection,
    debit: i64,
    credit: i64,
    id: [u8; 16],
) -> Result<(), Fault> {
    const AMOUNT: i64 = 7;
    let mut tx = connection.begin()?;
    let balances = tx.query(&LOCK_ACCOUNTS, &[Value::from(debit), Value::from(credit)])?;
    for row in &balances {
        if row.integer(0)? == debit && row.integer(1)? < AMOUNT {
            return Ok(());
        }
    }
    tx.execute(&MOVE_BALANCE, &[Value::from(-AMOUNT), Value::from(debit)])?;
    tx.execute(&MOVE_BALANCE, &[Value::from(AMOUNT), Value::from(credit)])?;
    let id = Value::from(id);
    tx.insert(
        &ADD_TRANSFER,
        &[[id.clone(), Value::from(debit), Value::from(credit), Value::from(AMOUNT)]],
    )?;
    tx.insert(
        &ADD_ENTRIES,
        &[
            [Value::from(debit), Value::from(-AMOUNT), id.clone()],
            [Value::from(credit), Value::from(AMOUNT), id],
        ],
    )?;
    tx.commit()
}
