use core::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::book::{BenchBook, NOW};
use ledger::{
    AccountNumber, ActorNumber, Batch, CaptureRule, Lot, LotKind, Remaining, Step, Transfer,
    TransferKind, Wanted,
};
use store::Outcome;
use vocabulary::{Amount, CompanyNumber, Day, Id, IdSource as _, SeededIds, Timestamp};

/// How accounts are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    Uniform,
    /// Zipf with exponent 0.99, the first account the most wanted.
    Zipf,
    /// Every transfer debits one account.
    OneHot,
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Zipf => "Zipf 0.99",
            Self::OneHot => "one hot",
        })
    }
}

/// Makes batches; every id is chance.
pub(super) struct Workload {
    kind: Kind,
    accounts: u32,
    chance: SeededIds,
    zipf: Option<Zipf>,
    turn: u64,
    last: (u128, AccountNumber, AccountNumber),
}

enum Kind {
    Transfers(Spread),
    Lots,
    Holds,
    Grants,
}

const ACTOR_COMPANY: CompanyNumber = CompanyNumber::new(1);

impl Workload {
    fn new(kind: Kind, accounts: u32) -> Self {
        let zipf = match kind {
            Kind::Transfers(Spread::Zipf) => Some(Zipf::new(accounts)),
            Kind::Transfers(_) | Kind::Lots | Kind::Holds | Kind::Grants => None,
        };
        let last = (0, AccountNumber::new(0), AccountNumber::new(0));
        Self { kind, accounts, chance: SeededIds::new(42), zipf, turn: 0, last }
    }

    pub(super) fn transfers(accounts: u32, spread: Spread) -> Self {
        Self::new(Kind::Transfers(spread), accounts)
    }

    pub(super) fn lots(accounts: u32) -> Self {
        Self::new(Kind::Lots, accounts)
    }

    pub(super) fn holds(accounts: u32) -> Self {
        Self::new(Kind::Holds, accounts)
    }

    pub(super) fn grants(accounts: u32) -> Self {
        Self::new(Kind::Grants, accounts)
    }

    fn pick(&mut self) -> AccountNumber {
        let chance = self.chance.next_u64();
        let place = match &self.zipf {
            Some(zipf) => zipf.pick(chance),
            None => u32::try_from(chance % u64::from(self.accounts)).unwrap_or(0),
        };
        // Account 0 takes breakage.
        AccountNumber::new(place + 1)
    }

    fn pair(&mut self, spread: Option<Spread>) -> (AccountNumber, AccountNumber) {
        let debit = match spread {
            Some(Spread::OneHot) => AccountNumber::new(1),
            Some(Spread::Uniform | Spread::Zipf) | None => self.pick(),
        };
        loop {
            let credit = self.pick();
            if credit != debit {
                return (debit, credit);
            }
        }
    }

    pub(super) fn next(&mut self) -> Batch {
        self.turn += 1;
        let id = self.chance.chance();
        let amount = Amount::from(u32::try_from(self.chance.next_u64() % 10_000 + 1).unwrap_or(1));
        let step = match self.kind {
            Kind::Transfers(spread) => {
                let (debit, credit) = self.pair(Some(spread));
                transfer(debit, credit, amount, None)
            }
            Kind::Grants => {
                let account = u32::try_from(self.turn % u64::from(self.accounts)).unwrap_or(0);
                transfer(
                    AccountNumber::new(0),
                    AccountNumber::new(account + 1),
                    amount,
                    Some(lot()),
                )
            }
            Kind::Lots if self.turn % 2 == 1 => {
                let wallet = self.pick();
                self.last.1 = wallet;
                transfer(AccountNumber::new(0), wallet, amount, Some(lot()))
            }
            Kind::Lots => transfer(self.last.1, AccountNumber::new(0), Amount::from(1), None),
            Kind::Holds if self.turn % 2 == 1 => {
                let (debit, credit) = self.pair(None);
                self.last = (id, debit, credit);
                Step::Hold {
                    id: Id::from_bits(id),
                    debit,
                    credit,
                    amount: Wanted::Exactly(amount),
                    expires_at: Timestamp::from_microseconds(NOW).plus_days(7),
                    code: 0,
                }
            }
            Kind::Holds => Step::Capture {
                hold: Id::from_bits(self.last.0),
                amount: None,
                rule: CaptureRule::WithinHold,
                remaining: Remaining::Release,
                code: 0,
            },
        };
        Batch::single(Id::from_bits(id), ActorNumber::new(ACTOR_COMPANY, 1), step)
    }
}

fn transfer(debit: AccountNumber, credit: AccountNumber, amount: Amount, lot: Option<Lot>) -> Step {
    let amount = Wanted::Exactly(amount);
    Step::Transfer(Transfer { debit, credit, amount, kind: TransferKind::Transfer, code: 1, lot })
}

fn lot() -> Lot {
    Lot::try_new(ACTOR_COMPANY, LotKind::Free, Day::try_new(2027, 12, 31)).unwrap_or(Lot::NONE)
}

/// Zipf by inverting the sum of 1/rank^0.99, with the sums in a table.
struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    fn new(accounts: u32) -> Self {
        let mut sum = 0.0;
        let sums = (1..=accounts)
            .map(|rank| {
                sum += f64::from(rank).powf(-0.99);
                sum
            })
            .collect();
        Self { sums }
    }

    fn pick(&self, chance: u64) -> u32 {
        let top = self.sums.last().copied().unwrap_or(1.0);
        let wanted = (chance >> 11) as f64 / (1_u64 << 53) as f64 * top;
        u32::try_from(self.sums.partition_point(|&sum| sum < wanted)).unwrap_or(0)
    }
}

/// What a workload took.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    pub(super) done: u64,
    pub(super) elapsed: Duration,
    pub(super) latencies: Vec<Duration>,
}

/// Sends groups, three on their way at a time, and waits until all are durable.
pub(super) fn bulk(
    book: &BenchBook,
    mut workload: Workload,
    transfers: u64,
    group: u32,
) -> anyhow::Result<Timing> {
    const ON_THE_WAY: usize = 3;
    let (sender, receiver) = mpsc::channel();
    let mut timing = Timing::default();
    let started = Instant::now();
    let mut left = transfers;
    let mut flying = 0;
    while left > 0 || flying > 0 {
        while left > 0 && flying < ON_THE_WAY {
            let count = left.min(u64::from(group));
            let batches: Vec<Batch> = (0..count).map(|_| workload.next()).collect();
            left -= count;
            flying += 1;
            let sender = sender.clone();
            let begun = Instant::now();
            // The receiver lives until the last answer.
            let reply = move |answer| drop(sender.send((begun.elapsed(), answer)));
            book.store.submit(batches, Box::new(reply));
        }
        let (latency, answer) = receiver.recv()?;
        flying -= 1;
        let outcomes: Vec<Outcome> = answer?;
        check(&outcomes)?;
        timing.latencies.push(latency);
        timing.done += outcomes.len() as u64;
    }
    timing.elapsed = started.elapsed();
    Ok(timing)
}

fn check(outcomes: &[Outcome]) -> anyhow::Result<()> {
    match outcomes.iter().find(|outcome| matches!(outcome, Outcome::Refused(_))) {
        None => Ok(()),
        Some(refused) => bail!("a transfer was refused: {refused:?}"),
    }
}

/// Callers that each send one transfer and wait for its answer before the next.
pub(super) fn single(
    book: &BenchBook,
    mut workload: Workload,
    calls: u64,
    callers: usize,
) -> anyhow::Result<Timing> {
    let (sender, receiver) = mpsc::channel();
    let mut timing = Timing::default();
    let started = Instant::now();
    let mut left = calls;
    let call = |workload: &mut Workload| {
        let sender = sender.clone();
        let begun = Instant::now();
        // The receiver lives until the last answer.
        let reply = move |answer| drop(sender.send((begun.elapsed(), answer)));
        book.store.submit(vec![workload.next()], Box::new(reply));
    };
    let first = calls.min(callers as u64);
    for _ in 0..first {
        call(&mut workload);
    }
    left -= first;
    let mut waiting = first;
    while waiting > 0 {
        let (latency, answer) = receiver.recv()?;
        waiting -= 1;
        check(&answer?)?;
        timing.latencies.push(latency);
        timing.done += 1;
        if left > 0 {
            left -= 1;
            waiting += 1;
            call(&mut workload);
        }
    }
    timing.elapsed = started.elapsed();
    Ok(timing)
}
