//! The simulator: one client, one store, and a world that fails on purpose.
//!
//! Every step asks the real store for something chosen by a seed, while commits fail before they
//! take effect, after it, or half way; answers are lost, disks are full, the process dies, another
//! one writes the same book, the clock jumps. After every step the invariants of the ledger are
//! checked, and what was acknowledged is compared with a model that knows nothing of the ledger's
//! code: a sum an account.
//!
//! `--canary` lets the database report a commit that it rolled back. A simulator that does not find
//! that out is worth nothing; it then exits with 0.
//!
//! Exit codes: 0 all held, 1 an invariant did not hold, 2 wrong arguments.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for developers, which stops at the first thing that is wrong"
)]

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, CaptureRule, Lot, LotKind,
    NegativeBy, NormalSide, Refusal, Remaining, Step, Transfer, TransferKind, Unit, UnitNumber,
    UnitPolicy, Wanted, audit, digest,
};
use store::sabotage::{Sabotage, Saboteur};
use store::testing::Setup;
use store::{
    Database, DatabaseUrl, Fault, FaultKind, MIGRATIONS, Outcome, PoolOptions, Receipt, Store,
    StoreOptions, verify,
};
use vocabulary::{
    Amount, Clock as _, CompanyNumber, Id, IdSource as _, ManualClock, Scale, SeededIds, Timestamp,
    UnitCode,
};

const START: i64 = 1_780_000_000_000_000;
/// The steps of a commit that can be sabotaged.
const STEPS: [&str; 4] = ["begin", "append group", "append movements", "commit"];

/// Sabotages the n-th step of a commit from now.
#[derive(Debug, Default)]
struct Plan {
    left: AtomicU64,
    what: Mutex<Option<Sabotage>>,
}

impl Plan {
    fn arm(&self, after: u64, what: Sabotage) {
        *self.what.lock().unwrap() = Some(what);
        self.left.store(after, Ordering::SeqCst);
    }

    fn disarm(&self) {
        *self.what.lock().unwrap() = None;
    }
}

impl Saboteur for Plan {
    fn next(&self, step: &str) -> Sabotage {
        if !STEPS.contains(&step) {
            return Sabotage::None;
        }
        let mut what = self.what.lock().unwrap();
        match *what {
            None => Sabotage::None,
            Some(Sabotage::Lie) if step != "commit" => Sabotage::None,
            Some(sabotage) => {
                if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
                    return Sabotage::None;
                }
                *what = None;
                sabotage
            }
        }
    }
}

struct World {
    chance: SeededIds,
    clock: Arc<ManualClock>,
    database: Database,
    plan: Arc<Plan>,
    store: Store,
    opened: u64,
    /// Credits less debits of each account, as acknowledged.
    sums: BTreeMap<u32, i64>,
    /// Every acknowledged batch, with its answer.
    known: Vec<(Batch, Receipt)>,
    holds: VecDeque<(u128, AccountNumber)>,
    expectations: VecDeque<u128>,
    counts: BTreeMap<&'static str, u64>,
    /// What was counted last, to tell what led to a failure.
    last: &'static str,
}

const ISSUER: AccountNumber = AccountNumber::new(1);
const SHOP: AccountNumber = AccountNumber::new(2);
const WALLETS: u32 = 6;

fn wallet(place: u64) -> AccountNumber {
    AccountNumber::new(3 + (place % u64::from(WALLETS)) as u32)
}

fn actor() -> ActorNumber {
    ActorNumber::new(CompanyNumber::new(1), 1)
}

fn lot() -> Lot {
    Lot::try_new(CompanyNumber::new(1), LotKind::Free, None).unwrap()
}

impl World {
    fn new(seed: u64, folder: &Path) -> Result<Self, Fault> {
        let url = DatabaseUrl::parse(&format!("sqlite:{}", folder.join("sim.db").display()))?;
        let plan = Arc::new(Plan::default());
        let database =
            Database::open(&url, PoolOptions::default())?.with_saboteur(Arc::clone(&plan) as _);
        let clock = Arc::new(ManualClock::new(Timestamp::from_microseconds(START)));
        store::migrate::run(&database, MIGRATIONS, &*clock, &mut SeededIds::new(seed))?;
        let store = open(&database, &clock, seed)?;
        let world = Self {
            chance: SeededIds::new(seed),
            clock,
            database,
            plan,
            store,
            opened: seed,
            sums: BTreeMap::new(),
            known: Vec::new(),
            holds: VecDeque::new(),
            expectations: VecDeque::new(),
            counts: BTreeMap::new(),
            last: "",
        };
        world.set_up()?;
        Ok(world)
    }

    fn set_up(&self) -> Result<(), Fault> {
        let policy = UnitPolicy { breakage: Some(AccountNumber::new(0)), ..UnitPolicy::default() };
        let unit = Unit {
            number: UnitNumber::new(1),
            code: UnitCode::parse("PT").unwrap(),
            scale: Scale::default(),
            issuer: CompanyNumber::new(1),
            policy,
        };
        let spec = |id: u32, rule, lots| AccountSpec {
            id: Id::from_bits(u128::from(id) + 1),
            unit: UnitNumber::new(1),
            company: CompanyNumber::new(1),
            side: NormalSide::Credit,
            rule,
            lots,
        };
        let mut accounts: Vec<AccountSpec> =
            (0..3).map(|id| spec(id, BalanceRule::Unlimited, false)).collect();
        for id in 3..3 + WALLETS {
            let by = NegativeBy { capture: true, reversal: id % 2 == 0 };
            let rule =
                if id % 3 == 0 { BalanceRule::NonNegative } else { BalanceRule::Negative(by) };
            accounts.push(spec(id, rule, true));
        }
        self.store.run(Setup { units: vec![unit], accounts })?.unwrap();
        Ok(())
    }

    fn dice(&mut self, sides: u64) -> u64 {
        self.chance.next_u64() % sides
    }

    fn count(&mut self, what: &'static str) {
        self.last = what;
        *self.counts.entry(what).or_default() += 1;
    }

    /// Does one step and gives what does not hold after it.
    fn step(&mut self, canary: bool) -> Result<(), String> {
        match self.dice(100) {
            0..70 => self.post_some()?,
            70..76 => self.post_under_sabotage(canary)?,
            76..82 => self.repeat_one()?,
            82..86 => self.reuse_one()?,
            86..90 => self.jump(),
            90..93 => self.reopen(false)?,
            93..96 => self.reopen(true)?,
            96..98 => self.checkpoint()?,
            _ => self.race()?,
        }
        self.check()
    }

    fn jump(&mut self) {
        self.count("clock jumps");
        let days = i64::try_from(self.dice(5)).unwrap_or(0) - 1;
        self.clock.set(self.clock.now().plus_days(days));
    }

    fn batch(&mut self) -> Batch {
        let id = Id::from_bits(self.chance.chance());
        let amount = Amount::from(self.dice(200) as u32 + 1);
        let account = wallet(self.chance.next_u64());
        let step = match self.dice(12) {
            0..4 => transfer(ISSUER, account, Wanted::Exactly(amount), Some(lot())),
            4..6 => transfer(account, SHOP, Wanted::Exactly(amount), None),
            6 => transfer(account, SHOP, Wanted::UpTo(amount), None),
            7 => {
                let hold = self.chance.chance();
                self.holds.push_back((hold, account));
                Step::Hold {
                    id: Id::from_bits(hold),
                    debit: account,
                    credit: SHOP,
                    amount: Wanted::Exactly(amount),
                    expires_at: self.clock.now().plus_days(3),
                    code: 0,
                }
            }
            8 | 9 => self.end_a_hold(amount),
            10 => {
                let id = self.chance.chance();
                self.expectations.push_back(id);
                let (debit, credit) = (ISSUER, account);
                let id = Id::from_bits(id);
                Step::Announce { id, debit, credit, amount, due_at: None, code: 0 }
            }
            _ => match self.expectations.pop_front() {
                Some(id) => Step::GrantExpectation {
                    expectation: Id::from_bits(id),
                    amount: None,
                    lot: Some(lot()),
                    remaining: Remaining::Release,
                    code: 0,
                },
                None => transfer(SHOP, ISSUER, Wanted::Exactly(amount), None),
            },
        };
        Batch::single(id, actor(), step)
    }

    fn end_a_hold(&mut self, amount: Amount) -> Step {
        let Some((hold, _)) = self.holds.pop_front() else {
            return transfer(SHOP, ISSUER, Wanted::Exactly(amount), None);
        };
        let hold = Id::from_bits(hold);
        match self.dice(3) {
            0 => Step::Void { hold, amount: None },
            1 => Step::Capture {
                hold,
                amount: Some(amount),
                rule: CaptureRule::Forced,
                remaining: Remaining::Release,
                code: 0,
            },
            _ => Step::Capture {
                hold,
                amount: None,
                rule: CaptureRule::WithinHold,
                remaining: Remaining::Release,
                code: 0,
            },
        }
    }

    fn post_some(&mut self) -> Result<(), String> {
        let count = if self.dice(10) == 0 { 400 } else { 1 + self.dice(8) };
        let batches: Vec<Batch> = (0..count).map(|_| self.batch()).collect();
        let outcomes = self.store.post(batches.clone()).map_err(|fault| fault.to_string())?;
        self.acknowledge(batches, &outcomes)
    }

    fn acknowledge(&mut self, batches: Vec<Batch>, outcomes: &[Outcome]) -> Result<(), String> {
        for (batch, outcome) in batches.into_iter().zip(outcomes) {
            match *outcome {
                Outcome::Refused(_) => self.count("refused"),
                Outcome::Posted(receipt) if receipt.repeated => {
                    self.count("repeated");
                    let known = self.known.iter().find(|(other, _)| other.id == batch.id);
                    let first = known.map(|(_, first)| Receipt { repeated: true, ..*first });
                    if first.is_some_and(|first| first != receipt) {
                        return Err(format!(
                            "{:?} answered {receipt:?}, before {first:?}",
                            batch.id
                        ));
                    }
                    if first.is_none() {
                        // It was posted while its answer was lost.
                        self.learn(batch, receipt);
                    }
                }
                Outcome::Posted(receipt) => {
                    self.count("posted");
                    self.learn(batch, receipt);
                }
            }
        }
        Ok(())
    }

    /// Adds an acknowledged batch to the model.
    fn learn(&mut self, batch: Batch, receipt: Receipt) {
        let moved = receipt.moved.minor_units();
        let pair = match batch.steps.as_slice()[0] {
            Step::Transfer(transfer) => Some((transfer.debit, transfer.credit)),
            Step::Capture { hold, .. } => {
                let placed =
                    self.known.iter().find_map(|(other, _)| match other.steps.as_slice()[0] {
                        Step::Hold { id, debit, credit, .. } if id == hold => Some((debit, credit)),
                        _ => None,
                    });
                Some(placed.unwrap_or_else(|| panic!("{hold} was captured but never placed")))
            }
            Step::GrantExpectation { expectation, .. } => {
                self.known.iter().find_map(|(other, _)| match other.steps.as_slice()[0] {
                    Step::Announce { id, debit, credit, .. } if id == expectation => {
                        Some((debit, credit))
                    }
                    _ => None,
                })
            }
            _ => None,
        };
        if let Some((debit, credit)) = pair {
            *self.sums.entry(debit.get()).or_default() -= moved;
            *self.sums.entry(credit.get()).or_default() += moved;
        }
        self.known.push((batch, Receipt { repeated: false, ..receipt }));
    }

    fn post_under_sabotage(&mut self, canary: bool) -> Result<(), String> {
        self.count("sabotaged");
        let after = self.dice(4);
        let what = match self.dice(6) {
            _ if canary => Sabotage::Lie,
            0 | 1 => Sabotage::AnswerLost,
            2 | 3 => Sabotage::Before(FaultKind::Unavailable),
            4 => Sabotage::Before(FaultKind::Serialization),
            _ => Sabotage::Before(FaultKind::Full),
        };
        let batches: Vec<Batch> = (0..=self.dice(5)).map(|_| self.batch()).collect();
        self.plan.arm(if canary { 0 } else { after }, what);
        let answer = self.store.post(batches.clone());
        self.plan.disarm();
        match answer {
            Ok(outcomes) => self.acknowledge(batches, &outcomes),
            Err(_fault) => {
                // The client does as clients do: it sends the same again.
                self.count("faults");
                let outcomes =
                    self.store.post(batches.clone()).map_err(|fault| fault.to_string())?;
                self.acknowledge(batches, &outcomes)
            }
        }
    }

    fn repeat_one(&mut self) -> Result<(), String> {
        if self.known.is_empty() {
            return Ok(());
        }
        let place = self.dice(self.known.len() as u64) as usize;
        let (batch, first) = self.known[place].clone();
        let outcome = self.store.post(vec![batch]).map_err(|fault| fault.to_string())?;
        match outcome[0] {
            Outcome::Posted(again) if again == (Receipt { repeated: true, ..first }) => Ok(()),
            other => Err(format!("a repeat of {first:?} answered {other:?}")),
        }
    }

    fn reuse_one(&mut self) -> Result<(), String> {
        if self.known.is_empty() {
            return Ok(());
        }
        let place = self.dice(self.known.len() as u64) as usize;
        let known = self.known[place].0.clone();
        let other = Batch { id: known.id, ..self.batch() };
        if digest(other.steps.as_slice()) == digest(known.steps.as_slice()) {
            return Ok(());
        }
        let outcome = self.store.post(vec![other]).map_err(|fault| fault.to_string())?;
        match outcome[0] {
            Outcome::Refused(refused) if refused.refusal == Refusal::IdReused => Ok(()),
            other => Err(format!("an id with other contents answered {other:?}")),
        }
    }

    /// Ends the store, gently or as `kill -9` would, in the middle of what it does, and opens it
    /// again.
    fn reopen(&mut self, crash: bool) -> Result<(), String> {
        self.opened += 1;
        if crash {
            self.count("crashes");
            let batches: Vec<Batch> = (0..3).map(|_| self.batch()).collect();
            let after = self.dice(5);
            let what = if self.dice(2) == 0 {
                Sabotage::AnswerLost
            } else {
                Sabotage::Before(FaultKind::Full)
            };
            self.plan.arm(after, what);
            self.store.abandon(batches.clone());
            self.plan.disarm();
            self.store = self.open()?;
            // What was on its way when it died is asked again, as clients do.
            let outcomes = self.store.post(batches.clone()).map_err(|fault| fault.to_string())?;
            return self.acknowledge(batches, &outcomes);
        }
        self.count("restarts");
        self.store.close();
        self.store = self.open()?;
        Ok(())
    }

    fn open(&self) -> Result<Store, String> {
        open(&self.database, &self.clock, self.opened).map_err(|fault| fault.to_string())
    }

    fn checkpoint(&mut self) -> Result<(), String> {
        self.count("checkpoints");
        self.store.checkpoint().map_err(|fault| fault.to_string())
    }

    /// Another process writes the same book, and then this one goes on.
    fn race(&mut self) -> Result<(), String> {
        self.count("races");
        self.opened += 1;
        let other = self.open()?;
        let batches: Vec<Batch> = (0..5).map(|_| self.batch()).collect();
        let outcomes = other.post(batches.clone()).map_err(|fault| fault.to_string())?;
        self.acknowledge(batches, &outcomes)?;
        other.close();
        self.post_some()
    }

    /// Checks the invariants and the model.
    fn check(&mut self) -> Result<(), String> {
        let findings = self.store.look(audit);
        if !findings.is_empty() {
            return Err(format!("the book: {findings:?}"));
        }
        for number in 1..3 + WALLETS {
            let account = self.store.account(AccountNumber::new(number)).unwrap();
            let expected = self.sums.get(&number).copied().unwrap_or(0);
            if account.balance() != expected {
                return Err(format!(
                    "account {number} has {}, acknowledged was {expected}",
                    account.balance()
                ));
            }
        }
        if self.dice(20) == 0 {
            self.verify()?;
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), String> {
        let report = verify::verify(&self.database, |_| ()).map_err(|fault| fault.to_string())?;
        if let Some(finding) = report.findings.first() {
            return Err(format!("verify: {finding}"));
        }
        if report.last_seq != self.store.durable() {
            return Err(format!("the journal ends at {}", report.last_seq));
        }
        if self.store.look(|book| book.accounts() == report.book.accounts()) {
            return Ok(());
        }
        Err("the book in memory is not what the journal adds up to".to_owned())
    }
}

fn transfer(debit: AccountNumber, credit: AccountNumber, amount: Wanted, lot: Option<Lot>) -> Step {
    Step::Transfer(Transfer { debit, credit, amount, kind: TransferKind::Transfer, code: 0, lot })
}

fn open(database: &Database, clock: &Arc<ManualClock>, seed: u64) -> Result<Store, Fault> {
    let options = StoreOptions {
        checkpoint_every: 300,
        patience: Duration::from_millis(500),
        ..StoreOptions::default()
    };
    let clock = Arc::clone(clock) as Arc<dyn vocabulary::Clock>;
    Store::open(database, options, clock, SeededIds::new(seed), |_| ())
}

fn main() -> ExitCode {
    let mut seed = 1_u64;
    let mut steps = 2_000_u64;
    let mut canary = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
        let understood = match argument.as_str() {
            "--seed" => number().map(|number| seed = number),
            "--steps" => number().map(|number| steps = number),
            "--canary" => {
                canary = true;
                Some(())
            }
            _ => None,
        };
        if understood.is_none() {
            eprintln!("usage: sim [--seed N] [--steps N] [--canary]");
            return ExitCode::from(2);
        }
    }
    let folder = std::env::temp_dir().join(format!("daifuku-sim-{}-{seed}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut world = World::new(seed, &folder).unwrap();
    for step in 1..=steps {
        if let Err(wrong) = world.step(canary) {
            println!("seed {seed}, step {step} (after {}): {wrong}", world.last);
            println!("repeat it with: cargo xtask sim --seed {seed} --steps {step}");
            return ExitCode::from(1);
        }
    }
    if let Err(wrong) = world.verify() {
        println!("seed {seed}, at the end: {wrong}");
        return ExitCode::from(1);
    }
    println!("seed {seed}: {steps} steps, all invariants held; {:?}", world.counts);
    world.store.close();
    drop(std::fs::remove_dir_all(&folder));
    ExitCode::SUCCESS
}
