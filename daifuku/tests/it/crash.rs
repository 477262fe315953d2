//! Nothing acknowledged is lost, nothing is applied twice: the program is killed while sixteen
//! clients post over HTTP, and so is its database; two programs share one database.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::served::{Bank, Connection, Served};
use store::testing::{MortalServer, TestDatabase};
use vocabulary::SeededIds;

const CLIENTS: u64 = 16;

/// An installation with a company, whose clients write down what was acknowledged.
struct Trial {
    bank: Bank,
    book: Mutex<ClientsBook>,
    ended: AtomicBool,
}

/// What the clients know.
#[derive(Default)]
struct ClientsBook {
    /// The receipt of every key that was answered.
    receipts: BTreeMap<String, Value>,
    /// Every key that was sent at all.
    sent: BTreeSet<String>,
    /// Answers that are neither a receipt nor a reason to ask again.
    odd: Vec<(u16, Value)>,
}

/// Waits, as clients do.
fn pause(milliseconds: u64) {
    thread::park_timeout(Duration::from_millis(milliseconds));
}

impl Trial {
    fn set_up(database: &str) -> Self {
        Self { bank: Bank::set_up(database), book: Mutex::default(), ended: AtomicBool::new(false) }
    }

    /// Posts until the end of the trial, each key until it is answered.
    fn client(&self, client: u64, address: &Mutex<std::net::SocketAddr>) {
        let mut connection = None;
        for number in 0_u64.. {
            let key = format!("c{client}-{number}");
            self.book.lock().unwrap().sent.insert(key.clone());
            while !self.ended.load(Ordering::SeqCst) {
                let asked = self.post(&mut connection, *address.lock().unwrap(), &key);
                if asked {
                    break;
                }
            }
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Posts a key; tells whether it was answered.
    fn post(
        &self,
        connection: &mut Option<Connection>,
        address: std::net::SocketAddr,
        key: &str,
    ) -> bool {
        let opened = match connection.take() {
            Some(opened) => Ok(opened),
            None => Connection::open(address, &self.bank.key),
        };
        let answer = opened.and_then(|mut opened| {
            let answer = opened.ask("POST", "/api/v1/transfers", Some(&self.bank.grant(key)))?;
            Ok((opened, answer))
        });
        match answer {
            Ok((opened, (status, answer))) => {
                *connection = Some(opened);
                self.take(key, status, answer)
            }
            Err(_gone) => {
                pause(20);
                false
            }
        }
    }

    /// Takes in an answer; tells whether it was one.
    fn take(&self, key: &str, status: u16, mut answer: Value) -> bool {
        match status {
            200 | 201 => {
                answer.as_object_mut().unwrap().remove("repeated");
                let mut book = self.book.lock().unwrap();
                let before = book.receipts.insert(key.to_owned(), answer.clone());
                assert!(before.is_none_or(|before| before == answer), "{key} was answered twice");
                true
            }
            503 | 429 => {
                pause(50);
                false
            }
            _ => {
                self.book.lock().unwrap().odd.push((status, answer));
                true
            }
        }
    }

    fn acknowledged(&self) -> usize {
        self.book.lock().unwrap().receipts.len()
    }

    /// Lets the clients post while `story` kills.
    fn with_clients<R>(
        &self,
        served: Vec<Served>,
        story: impl FnOnce(Vec<Served>, &[Mutex<std::net::SocketAddr>]) -> R,
    ) -> R {
        let addresses: Vec<_> = served.iter().map(|served| Mutex::new(served.address)).collect();
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let node = usize::try_from(client).unwrap() % addresses.len();
                let address = &addresses[node];
                scope.spawn(move || self.client(client, address));
            }
            let told = story(served, &addresses);
            self.ended.store(true, Ordering::SeqCst);
            told
        })
    }

    /// Asks again for everything that was never answered and a part of what was, and compares all
    /// of it with the books.
    fn compare(&self, served: Served, least: usize) {
        let keys: Vec<String> = self.book.lock().unwrap().sent.iter().cloned().collect();
        let answered = self.acknowledged();
        assert!(answered >= least, "only {answered} acknowledgements");
        // The same keys again: the receipts that their clients have, if they have them.
        let asked_again = |(place, key): &(usize, &String)| {
            place % 8 == 0 || !self.book.lock().unwrap().receipts.contains_key(*key)
        };
        let again: Vec<&String> =
            keys.iter().enumerate().filter(asked_again).map(|(_, key)| key).collect();
        let (trial, address) = (self, served.address);
        thread::scope(|scope| {
            for part in again.chunks(again.len().div_ceil(16)) {
                scope.spawn(move || {
                    let mut connection = None;
                    for key in part {
                        while !trial.post(&mut connection, address, key) {}
                    }
                });
            }
        });
        {
            let book = self.book.lock().unwrap();
            assert_eq!(book.odd, Vec::<(u16, Value)>::new());
            let places: BTreeSet<u64> = book
                .receipts
                .values()
                .map(|receipt| receipt["first_seq"].as_u64().unwrap())
                .collect();
            assert_eq!(places.len(), keys.len(), "each has a place of its own in the journal");
        }
        let mut connection = Connection::open(served.address, &self.bank.key).unwrap();
        let mut posted = self.bank.posted(&mut connection);
        // What another program appended at the very end is followed within `database.tail_ms`.
        for _ in 0..100 {
            if posted == u64::try_from(keys.len()).unwrap() {
                break;
            }
            pause(100);
            posted = self.bank.posted(&mut connection);
        }
        assert_eq!(posted, u64::try_from(keys.len()).unwrap(), "every key counts once");
        drop(connection);
        assert!(served.stop().success(), "it ends well");
        self.bank.installation.must(&["verify"]);
    }
}

/// Kills the program while it works, again and again.
fn kill_the_program(database: &str, kills: u64, seed: u64) {
    let trial = Trial::set_up(database);
    let mut chance = SeededIds::new(seed);
    let first = trial.bank.installation.serve(&[]);
    let last = trial.with_clients(vec![first], |mut served, addresses| {
        for _ in 0..kills {
            let enough =
                trial.acknowledged() + 1 + usize::try_from(chance.next_u64() % 150).unwrap();
            while trial.acknowledged() < enough {
                pause(1);
            }
            served.pop().unwrap().kill();
            let again = trial.bank.installation.serve(&[]);
            *addresses[0].lock().unwrap() = again.address;
            served.push(again);
        }
        served.pop().unwrap()
    });
    trial.compare(last, usize::try_from(kills).unwrap());
}

#[test]
fn fifty_kills_of_the_program_lose_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    kill_the_program(&format!("sqlite:{}", folder.path().join("book.db").display()), 50, 1);
}

#[test]
fn twenty_kills_of_the_program_lose_nothing_on_a_server() {
    let Some(database) = TestDatabase::mysql() else { return };
    kill_the_program(&database.address(), 20, 2);
}

#[test]
fn twenty_kills_of_the_database_lose_nothing() {
    let Some(mut server) = MortalServer::start() else { return };
    let trial = Trial::set_up(server.url());
    let mut chance = SeededIds::new(3);
    let first = trial.bank.installation.serve(&["database.patience_ms=1000"]);
    let last = trial.with_clients(vec![first], |mut served, _addresses| {
        for _ in 0..20 {
            let enough =
                trial.acknowledged() + 1 + usize::try_from(chance.next_u64() % 150).unwrap();
            while trial.acknowledged() < enough {
                pause(1);
            }
            server.kill();
            // Longer than the program waits for it, now and then.
            pause(chance.next_u64() % 1_500);
            server.restart();
        }
        served.pop().unwrap()
    });
    trial.compare(last, 20);
}

#[test]
fn two_programs_share_one_book_for_a_minute() {
    let Some(database) = TestDatabase::mysql() else { return };
    let trial = Trial::set_up(&database.address());
    let nodes = vec![trial.bank.installation.serve(&[]), trial.bank.installation.serve(&[])];
    let mut nodes = trial.with_clients(nodes, |nodes, _addresses| {
        (0..600).for_each(|_tenth| pause(100));
        nodes
    });
    let (here, there) = (nodes.pop().unwrap(), nodes.pop().unwrap());
    // What one of them posted is repeated by the other, by the comparison.
    assert!(there.stop().success(), "it ends well");
    trial.compare(here, 1_000);
}
