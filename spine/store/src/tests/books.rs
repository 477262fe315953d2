//! The writer and the journal, through the doors of [`Store`].

use core::convert::Infallible;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::testing::{Setup, TestDatabase, assert_same_schema, for_each_database, prepare_all};
use crate::{
    Command, Database, Fault, MIGRATIONS, Outcome, Posting, Receipt, Store, StoreOptions, Tx,
    registry, statements,
};
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, CaptureRule, Lot, LotKind,
    NormalSide, Refusal, Remaining, Seq, Step, Transfer, TransferKind, Unit, UnitNumber,
    UnitPolicy, Wanted, audit,
};
use vocabulary::{
    Amount, CompanyNumber, Id, Label, ManualClock, Scale, SeededIds, Timestamp, Token, UnitCode,
};

const ISSUER: AccountNumber = AccountNumber::new(1);
const SHOP: AccountNumber = AccountNumber::new(2);
const WALLET: AccountNumber = AccountNumber::new(3);
const START: i64 = 1_780_000_000_000_000;

fn actor() -> ActorNumber {
    ActorNumber::new(CompanyNumber::new(1), 1)
}

fn open_with(database: &Database, options: StoreOptions, seed: u64) -> Result<Store, Fault> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_microseconds(START)));
    Store::open(database, options, clock, SeededIds::new(seed), |_| ())
}

fn open(database: &Database) -> Store {
    open_with(database, StoreOptions::default(), 1).unwrap()
}

fn spec(id: u128, lots: bool) -> AccountSpec {
    AccountSpec {
        id: Id::from_bits(id),
        unit: UnitNumber::new(1),
        company: CompanyNumber::new(1),
        side: NormalSide::Credit,
        rule: if lots { BalanceRule::NonNegative } else { BalanceRule::Unlimited },
        lots,
    }
}

fn set_up(store: &Store, wallets: u128) {
    let unit = Unit {
        number: UnitNumber::new(1),
        code: UnitCode::parse("PT").unwrap(),
        scale: Scale::default(),
        issuer: CompanyNumber::new(1),
        policy: UnitPolicy { breakage: Some(AccountNumber::new(0)), ..UnitPolicy::default() },
    };
    let mut accounts = vec![spec(100, false), spec(101, false), spec(102, false)];
    accounts.extend((0..wallets).map(|wallet| spec(200 + wallet, true)));
    store.run(Setup { units: vec![unit], accounts }).unwrap().unwrap();
}

fn prepared(test: &TestDatabase) -> Store {
    test.migrate(MIGRATIONS);
    let store = open(test.database());
    set_up(&store, 10);
    store
}

fn lot() -> Lot {
    Lot::try_new(CompanyNumber::new(1), LotKind::Free, None).unwrap()
}

fn transfer(debit: AccountNumber, credit: AccountNumber, amount: u32, lot: Option<Lot>) -> Step {
    Step::Transfer(Transfer {
        debit,
        credit,
        amount: Wanted::Exactly(Amount::from(amount)),
        kind: TransferKind::Transfer,
        code: 0,
        lot,
    })
}

fn grant(id: u128, amount: u32) -> Batch {
    Batch::single(Id::from_bits(id), actor(), transfer(ISSUER, WALLET, amount, Some(lot())))
}

fn spend(id: u128, amount: u32) -> Batch {
    Batch::single(Id::from_bits(id), actor(), transfer(WALLET, SHOP, amount, None))
}

fn hold(id: u128, hold: u128, amount: u32) -> Batch {
    let step = Step::Hold {
        id: Id::from_bits(hold),
        debit: WALLET,
        credit: SHOP,
        amount: Wanted::Exactly(Amount::from(amount)),
        expires_at: Timestamp::from_microseconds(START).plus_days(7),
        code: 0,
    };
    Batch::single(Id::from_bits(id), actor(), step)
}

fn capture(id: u128, hold: u128, amount: u32) -> Batch {
    let step = Step::Capture {
        hold: Id::from_bits(hold),
        amount: Some(Amount::from(amount)),
        rule: CaptureRule::WithinHold,
        remaining: Remaining::Release,
        code: 0,
    };
    Batch::single(Id::from_bits(id), actor(), step)
}

fn one(store: &Store, batch: Batch) -> Outcome {
    store.post(vec![batch]).unwrap()[0]
}

fn posted(store: &Store, batch: Batch) -> Receipt {
    match one(store, batch) {
        Outcome::Posted(receipt) => receipt,
        Outcome::Refused(refused) => panic!("{refused:?}"),
    }
}

fn refused(store: &Store, batch: Batch) -> Refusal {
    match one(store, batch) {
        Outcome::Refused(refused) => refused.refusal,
        Outcome::Posted(receipt) => panic!("{receipt:?}"),
    }
}

fn balance(store: &Store) -> i64 {
    store.account(WALLET).unwrap().balance()
}

/// Folds the journal anew and compares it with the book in memory.
fn check(store: &Store) {
    assert_eq!(store.look(audit), vec![]);
    let report = crate::verify::verify(store.database(), |_| ()).unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.last_seq, store.durable());
    store.look(|book| {
        assert_eq!(report.book.accounts(), book.accounts());
    });
}

#[test]
fn statements_are_prepared_and_schemas_agree() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        prepare_all(test.database(), &statements());
    });
    assert_same_schema(MIGRATIONS);
}

#[test]
fn a_repeat_answers_as_the_first_time() {
    for_each_database(|test| {
        let store = prepared(test);
        let first = posted(&store, grant(1, 300));
        assert_eq!((first.posted.first, first.moved), (Seq::new(1), Amount::from(300)));
        let again = posted(&store, grant(1, 300));
        assert_eq!(again, Receipt { repeated: true, ..first });
        assert_eq!(refused(&store, grant(1, 301)), Refusal::IdReused);
        let twice = store.post(vec![spend(2, 100), spend(2, 100), spend(2, 99)]).unwrap();
        assert!(matches!(twice[0], Outcome::Posted(receipt) if !receipt.repeated));
        assert!(matches!(twice[1], Outcome::Posted(receipt) if receipt.repeated));
        assert!(matches!(twice[2], Outcome::Refused(r) if r.refusal == Refusal::IdReused));
        assert_eq!(balance(&store), 200);
        assert_eq!(
            refused(&store, spend(3, 201)),
            Refusal::BalanceInsufficient { available: Amount::from(200) }
        );
        posted(&store, spend(3, 200));
        check(&store);
    });
}

#[test]
fn an_id_of_another_company_is_another_id() {
    for_each_database(|test| {
        let store = prepared(test);
        posted(&store, grant(1, 300));
        let mut other = grant(1, 5);
        other.actor = ActorNumber::new(CompanyNumber::new(2), 1);
        assert!(!posted(&store, other).repeated);
        assert_eq!(balance(&store), 305);
    });
}

#[test]
fn ids_are_remembered_across_restarts_and_checkpoints() {
    for_each_database(|test| {
        let store = prepared(test);
        let first = posted(&store, grant(1, 300));
        let held = posted(&store, hold(2, 77, 50));
        store.close();

        // With a checkpoint written at the end: the id is on disk now.
        let store = open(test.database());
        assert_eq!(balance(&store), 300);
        assert_eq!(posted(&store, grant(1, 300)), Receipt { repeated: true, ..first });
        assert_eq!(refused(&store, grant(1, 1)), Refusal::IdReused);
        assert_eq!(posted(&store, hold(2, 77, 50)), Receipt { repeated: true, ..held });
        assert_eq!(refused(&store, hold(3, 77, 10)), Refusal::HoldIdReused);
        posted(&store, capture(4, 77, 20));
        store.checkpoint().unwrap();
        store.checkpoint().unwrap();
        posted(&store, grant(5, 10));
        check(&store);
        store.close();

        let store = open(test.database());
        assert_eq!(balance(&store), 290);
        for id in [1, 5] {
            assert!(posted(&store, grant(id, if id == 1 { 300 } else { 10 })).repeated);
        }
        // The hold ended before the checkpoint: only the journal knows it.
        assert_eq!(store.hold(Id::from_bits(77)), None);
        let found = store.run(crate::FindHold(Id::from_bits(77))).unwrap().unwrap();
        assert_eq!(found.map(|hold| hold.state), Some(ledger::HoldState::Captured));
        assert_eq!(store.run(crate::FindHold(Id::from_bits(78))).unwrap().unwrap(), None);
        assert_eq!(refused(&store, capture(6, 77, 1)), Refusal::HoldCaptured);
        assert_eq!(refused(&store, hold(7, 77, 10)), Refusal::HoldIdReused);
        check(&store);
    });
}

#[test]
fn a_batch_of_long_ago_is_reversed_once() {
    for_each_database(|test| {
        let store = prepared(test);
        posted(&store, grant(1, 300));
        posted(&store, spend(2, 120));
        store.close();
        let store = open(test.database());
        let reverse = |id| {
            let step = Step::Reverse { original: Id::from_bits(2), shortfall: None, code: 0 };
            Batch::single(Id::from_bits(id), actor(), step)
        };
        posted(&store, reverse(3));
        assert_eq!(balance(&store), 300);
        assert_eq!(refused(&store, reverse(4)), Refusal::AlreadyReversed);
        store.close();
        let store = open(test.database());
        assert_eq!(refused(&store, reverse(4)), Refusal::AlreadyReversed);
        check(&store);
    });
}

#[test]
fn large_groups_are_pipelined_and_checkpointed() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        let options = StoreOptions { checkpoint_every: 5_000, ..StoreOptions::default() };
        let store = open_with(test.database(), options, 1).unwrap();
        set_up(&store, 3_000);
        let (sender, receiver) = channel();
        for call in 0..40_u128 {
            let batches: Vec<Batch> = (0..1_000_u32)
                .map(|n| {
                    let wallet =
                        AccountNumber::new(3 + (n * 7 + u32::try_from(call).unwrap()) % 3_000);
                    let id = Id::from_bits(1_000_000 * (call + 1) + u128::from(n));
                    Batch::single(id, actor(), transfer(ISSUER, wallet, 5, Some(lot())))
                })
                .collect();
            let sender = sender.clone();
            store.submit(batches, Box::new(move |answer| sender.send(answer.unwrap()).unwrap()));
        }
        drop(sender);
        let outcomes: Vec<Outcome> = receiver.into_iter().flatten().collect();
        assert_eq!(outcomes.len(), 40_000);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Posted(_))));
        assert_eq!(store.account(ISSUER).unwrap().balance(), -200_000);
        check(&store);
        store.close();
        let store = open(test.database());
        assert_eq!(store.account(ISSUER).unwrap().balance(), -200_000);
        assert_eq!(store.durable(), Seq::new(40_000));
        let again = Batch::single(
            Id::from_bits(1_000_000 * 3 + 17),
            actor(),
            transfer(ISSUER, AccountNumber::new(3 + 17 * 7 + 2), 5, Some(lot())),
        );
        assert!(posted(&store, again).repeated);
        check(&store);
    });
}

#[test]
fn two_writers_of_one_book_decide_again_when_they_lose_the_race() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        let options =
            StoreOptions { tail_every: Some(Duration::from_millis(20)), ..StoreOptions::default() };
        let one_store = open_with(test.database(), options, 1).unwrap();
        set_up(&one_store, 10);
        posted(&one_store, grant(1, 1_000));
        let two_store = open_with(test.database(), options, 2).unwrap();
        let stores = [one_store, two_store];
        let threads: Vec<_> = (0..4_u128)
            .map(|client| {
                let store = stores[usize::try_from(client % 2).unwrap()].clone();
                std::thread::spawn(move || {
                    (0..100_u128)
                        .filter(|n| {
                            let id = 10 + client * 1_000 + n;
                            matches!(one(&store, spend(id, 3)), Outcome::Posted(_))
                        })
                        .count()
                })
            })
            .collect();
        let spent: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        // 1,000 points are 333 spends of 3, whoever came first.
        assert_eq!(spent, 333);
        // A repeat at the other one is a repeat.
        let [one_store, two_store] = stores;
        for n in 0..10 {
            let first = one(&one_store, spend(10 + n, 3));
            let second = one(&two_store, spend(10 + n, 3));
            if let (Outcome::Posted(first), Outcome::Posted(second)) = (first, second) {
                assert_eq!(first.posted, second.posted);
            }
        }
        let report = crate::verify::verify(test.database(), |_| ()).unwrap();
        assert_eq!(report.findings, Vec::<String>::new());
        assert_eq!(report.last_seq, Seq::new(334));
    });
}

#[test]
fn a_busy_writer_refuses_and_repeats_by_what_another_appended() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        // So long that nothing is followed by itself in this test.
        let options =
            StoreOptions { tail_every: Some(Duration::from_hours(1)), ..StoreOptions::default() };
        let here = open_with(test.database(), options, 1).unwrap();
        set_up(&here, 10);
        let there = open_with(test.database(), options, 2).unwrap();
        assert!(matches!(one(&there, spend(10, 3)), Outcome::Refused(_)));
        posted(&here, grant(1, 1_000));
        // It has the points by now, wherever they were granted.
        posted(&there, spend(11, 3));
        posted(&here, spend(12, 300));
        // A repeat brings what was appended before it.
        assert!(posted(&there, grant(1, 1_000)).repeated);
        assert_eq!(there.account(ISSUER).unwrap().balance(), -1_000);
        assert_eq!(there.durable(), here.durable());
    });
}

/// Counts in the name of a company: a command that posts nothing.
struct CountUp;

impl Command for CountUp {
    type Facts = Vec<registry::Company>;
    type Receipt = u32;
    type Refusal = Infallible;

    const NAME: &'static str = "count up";

    fn load(_: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        registry::companies(tx)
    }

    fn decide(&self, facts: &mut Self::Facts, _: &mut Posting<'_>) -> Result<u32, Infallible> {
        let count = facts[0].name.as_str().parse::<u32>().unwrap() + 1;
        facts[0].name = Label::parse(&count.to_string()).unwrap();
        Ok(count)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        registry::save_companies(tx, &facts)
    }
}

#[test]
fn two_writers_of_one_book_lose_no_row_that_depends_on_another() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        let options =
            StoreOptions { tail_every: Some(Duration::from_millis(20)), ..StoreOptions::default() };
        let here = open_with(test.database(), options, 1).unwrap();
        set_up(&here, 1);
        let company = registry::Company {
            number: CompanyNumber::new(1),
            id: Id::from_bits(1),
            code: Token::parse("counter").unwrap(),
            name: Label::parse("0").unwrap(),
            opened_at: Timestamp::from_microseconds(START),
        };
        let mut connection = test.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        registry::save_companies(&mut tx, &[company]).unwrap();
        tx.commit().unwrap();
        let stores = [here, open_with(test.database(), options, 2).unwrap()];
        let threads = stores.clone().map(|store| {
            std::thread::spawn(move || {
                let count = |_| store.run(CountUp).unwrap().unwrap();
                (0..100).map(count).collect::<Vec<u32>>()
            })
        });
        let mut counts: Vec<u32> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=200).collect::<Vec<_>>(), "each counts once");
        check(&stores[0]);
    });
}

/// Notes which slices are loaded; the first waits until it is let go.
struct Stand<const IN_BACKGROUND: bool> {
    loaded: Arc<Mutex<Vec<(bool, usize)>>>,
    let_go: Option<Mutex<Receiver<()>>>,
}

impl<const IN_BACKGROUND: bool> Command for Stand<IN_BACKGROUND> {
    type Facts = ();
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "stand";
    const BACKGROUND: Option<usize> = if IN_BACKGROUND { Some(2) } else { None };

    fn load(slice: &[Self], _: &mut Tx<'_>) -> Result<(), Fault> {
        slice[0].loaded.lock().unwrap().push((IN_BACKGROUND, slice.len()));
        if let Some(let_go) = &slice[0].let_go {
            let_go.lock().unwrap().recv().unwrap();
        }
        Ok(())
    }

    fn decide(&self, (): &mut (), _: &mut Posting<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn save((): (), _: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn work_in_the_background_takes_turns() {
    for_each_database(|test| {
        let store = prepared(test);
        let loaded: Arc<Mutex<Vec<(bool, usize)>>> = Arc::default();
        let (let_go, waits) = channel();
        let (answer, answers) = channel();
        let reply = || {
            let answer = answer.clone();
            Box::new(move |decision: Result<_, Fault>| answer.send(decision.unwrap()).unwrap())
        };
        let first = Stand::<true> { loaded: Arc::clone(&loaded), let_go: Some(Mutex::new(waits)) };
        store.submit_command(first, reply());
        while loaded.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        for _ in 0..5 {
            let job = Stand::<true> { loaded: Arc::clone(&loaded), let_go: None };
            store.submit_command(job, reply());
        }
        for _ in 0..3 {
            let person = Stand::<false> { loaded: Arc::clone(&loaded), let_go: None };
            store.submit_command(person, reply());
        }
        assert_eq!(store.waiting(), 8);
        let_go.send(()).unwrap();
        for _ in 0..9 {
            assert_eq!(answers.recv().unwrap(), Ok(()));
        }
        let loaded = loaded.lock().unwrap();
        assert_eq!(*loaded, [(true, 1), (false, 3), (true, 2), (true, 2), (true, 1)]);
        assert_eq!(store.waiting(), 0);
    });
}

#[test]
fn a_statement_walks_the_chain() {
    for_each_database(|test| {
        let store = prepared(test);
        for n in 0..1_500_u32 {
            posted(&store, grant(u128::from(n) + 1, n + 1));
        }
        let newest = store.history(WALLET, None, 10).unwrap();
        let amounts: Vec<i64> =
            newest.iter().map(|movement| movement.amount.minor_units()).collect();
        assert_eq!(amounts, (1_491..=1_500).rev().collect::<Vec<_>>());
        let before = newest.last().map(|movement| movement.seq);
        let more = store.history(WALLET, before, 5).unwrap();
        assert_eq!(more[0].amount, Amount::from(1_490));
        assert_eq!(store.history(WALLET, None, 5_000).unwrap().len(), 1_500);
        assert_eq!(store.history(SHOP, None, 10).unwrap(), vec![]);
    });
}

static DAMAGE: crate::Statement = crate::Statement::new(
    "damage a page",
    "UPDATE checkpoint_page SET page_check = page_check + 1 WHERE page = 0",
);

#[test]
fn a_damaged_checkpoint_is_void_and_the_journal_folded_again() {
    for_each_database(|test| {
        let store = prepared(test);
        posted(&store, grant(1, 300));
        posted(&store, hold(2, 5, 10));
        store.close();
        let mut connection = test.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        assert_eq!(tx.execute(&DAMAGE, &[]).unwrap(), 1);
        tx.commit().unwrap();
        let store = open(test.database());
        assert_eq!(store.account(WALLET).unwrap().available(), Amount::from(290));
        assert!(posted(&store, grant(1, 300)).repeated);
        check(&store);
    });
}
