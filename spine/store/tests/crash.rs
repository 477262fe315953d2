//! Nothing acknowledged is lost, nothing is applied twice: a process is killed in the middle of its
//! work, again and again, and so is the database server.
//!
//! The test starts itself as the process to be killed. That one posts from 16 threads and writes a
//! line for each acknowledgement; this one reads the lines, kills after a random number of them,
//! and in the end compares what was acknowledged with what the journal has.

#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, NormalSide, Seq, Step, Transfer,
    TransferKind, Unit, UnitNumber, UnitPolicy, Wanted,
};
use store::testing::{MortalServer, Setup, TestDatabase};
use store::{
    Database, DatabaseUrl, Fault, MIGRATIONS, Outcome, PoolOptions, Store, StoreOptions, verify,
};
use vocabulary::{Amount, CompanyNumber, Id, ManualClock, Scale, SeededIds, Timestamp, UnitCode};

const URL: &str = "DAIFUKU_CRASH_URL";
const ROUND: &str = "DAIFUKU_CRASH_ROUND";
const CLIENTS: u64 = 16;
const ACCOUNTS: u32 = 50;

fn open(url: &str, seed: u64) -> Result<Store, Fault> {
    let database = Database::open(&DatabaseUrl::parse(url)?, PoolOptions::default())?;
    let clock = Arc::new(ManualClock::new(Timestamp::from_microseconds(1_780_000_000_000_000)));
    let options = StoreOptions {
        checkpoint_every: 2_000,
        patience: Duration::from_mins(1),
        ..StoreOptions::default()
    };
    Store::open(&database, options, clock, SeededIds::new(seed), |_| ())
}

fn set_up(url: &str) {
    let database =
        Database::open(&DatabaseUrl::parse(url).unwrap(), PoolOptions::default()).unwrap();
    let clock = ManualClock::new(Timestamp::from_microseconds(1_780_000_000_000_000));
    store::migrate::run(&database, MIGRATIONS, &clock, &mut SeededIds::new(1)).unwrap();
    let store = open(url, 1).unwrap();
    let unit = Unit {
        number: UnitNumber::new(1),
        code: UnitCode::parse("PT").unwrap(),
        scale: Scale::default(),
        issuer: CompanyNumber::new(1),
        policy: UnitPolicy::default(),
    };
    let accounts = (0..ACCOUNTS)
        .map(|number| AccountSpec {
            id: Id::from_bits(u128::from(number) + 1),
            unit: UnitNumber::new(1),
            company: CompanyNumber::new(1),
            side: NormalSide::Credit,
            rule: BalanceRule::Unlimited,
            lots: false,
        })
        .collect();
    store.run(Setup { units: vec![unit], accounts }).unwrap().unwrap();
    store.close();
}

fn batch(id: u128) -> Batch {
    let place = u32::try_from(id % u128::from(ACCOUNTS - 1)).unwrap();
    let step = Step::Transfer(Transfer {
        debit: AccountNumber::new(place),
        credit: AccountNumber::new(place + 1),
        amount: Wanted::Exactly(Amount::from(1)),
        kind: TransferKind::Transfer,
        code: 0,
        lot: None,
    });
    Batch::single(Id::from_bits(id), ActorNumber::new(CompanyNumber::new(1), 1), step)
}

/// What the killed process does; a plain test run passes it by.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the process that is killed is told by its environment"
)]
fn victim() {
    let (Ok(url), Ok(round)) = (std::env::var(URL), std::env::var(ROUND)) else { return };
    let round: u64 = round.parse().unwrap();
    let store = open(&url, round).unwrap();
    let threads: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let store = store.clone();
            std::thread::spawn(move || {
                // Every second id was sent in the round before as well: its answer may have been
                // lost.
                for n in 0..1_000_000_u128 {
                    let of_round = u128::from(round - u64::from(n % 2 == 0 && round > 1));
                    let id = (of_round << 64) | (u128::from(client) << 32) | (n + 1);
                    let posted = loop {
                        match store.post(vec![batch(id)]) {
                            Ok(outcomes) => break outcomes,
                            Err(fault) => assert!(fault.retryable(), "{fault}"),
                        }
                    };
                    let Some(Outcome::Posted(receipt)) = posted.first() else {
                        panic!("{id:x} was refused: {posted:?}");
                    };
                    let line = format!("ack {id:x} {}\n", receipt.posted.first);
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn start(url: &str, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
        .env(URL, url)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs rounds that each end by a kill of the process, and gives what was acknowledged.
fn kill_again_and_again(url: &str, kills: u64, seed: u64) -> BTreeMap<u128, Seq> {
    let mut chance = SeededIds::new(seed);
    let mut known: BTreeMap<u128, Seq> = BTreeMap::new();
    for round in 1..=kills {
        let mut victim = start(url, round);
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let enough = 1 + chance.next_u64() % 300;
        for _ in 0..enough {
            let line = lines.next().expect("the victim goes on until it is killed").unwrap();
            acknowledge(&mut known, &line);
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        // What it wrote before it died was acknowledged as well; the last line may be cut.
        for line in lines.map_while(Result::ok) {
            acknowledge(&mut known, &line);
        }
    }
    known
}

/// Takes in a line; the same id must be answered alike, whenever.
fn acknowledge(known: &mut BTreeMap<u128, Seq>, line: &str) {
    // The test runner's own lines stand in front of the first.
    let Some((_, ack)) = line.split_once("ack ") else { return };
    let Some((id, seq)) = ack.split_once(' ') else { return };
    let (Ok(id), Ok(seq)) = (u128::from_str_radix(id, 16), seq.parse::<u64>()) else { return };
    let before = known.insert(id, Seq::new(seq));
    assert!(before.is_none_or(|before| before == Seq::new(seq)), "{id:x} was answered twice");
}

fn compare(url: &str, known: &BTreeMap<u128, Seq>) {
    let store = open(url, 9_999).unwrap();
    let report = verify::verify(store.database(), |_| ()).unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.last_seq, store.durable());
    store.look(|book| assert!(book.accounts() == report.book.accounts(), "memory is the journal"));
    let mut found: BTreeMap<u128, Seq> = BTreeMap::new();
    let mut next = Seq::new(1);
    loop {
        let rows = store.movements(next, 10_000).unwrap();
        let Some(last) = rows.last() else { break };
        next = last.seq.next();
        for row in &rows {
            let twice = found.insert(row.batch.bits(), row.seq);
            assert_eq!(twice, None, "{:x} is in the journal twice", row.batch.bits());
        }
    }
    for (id, seq) in known {
        assert_eq!(found.get(id), Some(seq), "{id:x} was acknowledged");
    }
    assert!(known.len() > 100, "only {} acknowledgements", known.len());
    store.close();
}

#[test]
fn fifty_kills_lose_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("crash.db").display());
    set_up(&url);
    let known = kill_again_and_again(&url, 50, 1);
    compare(&url, &known);
}

#[test]
fn twenty_kills_lose_nothing_on_a_server() {
    let Some(test) = TestDatabase::mysql() else { return };
    let url = test.address();
    set_up(&url);
    let known = kill_again_and_again(&url, 20, 2);
    compare(&url, &known);
}

#[test]
fn twenty_kills_of_the_server_lose_nothing() {
    const KILLS: u64 = 20;
    let Some(mut server) = MortalServer::start() else { return };
    let url = server.url().to_owned();
    set_up(&url);
    let mut chance = SeededIds::new(3);
    let mut known = BTreeMap::new();
    let mut victim = start(&url, 1);
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    for _ in 0..KILLS {
        for _ in 0..=chance.next_u64() % 300 {
            let line = lines.next().expect("the store outlives its server").unwrap();
            acknowledge(&mut known, &line);
        }
        server.kill();
        server.restart();
    }
    for _ in 0..200 {
        let line = lines.next().expect("the store outlives its server").unwrap();
        acknowledge(&mut known, &line);
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        acknowledge(&mut known, &line);
    }
    compare(&url, &known);
}
