//! Each job finds its work in memory, under locks of a millisecond or less, and posts it in slices
//! of thousands; nothing is asked of the database per item. A batch's id follows from the account
//! and its last movement (or from the hold), so that a slice whose answer was lost, or that a
//! second node posts as well, is posted once.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, channel};

use super::command::NoteProgress;
use super::store::{Job, JobRow, find_jobs};
use ledger::{
    Account, AccountNumber, ActorNumber, Batch, Book, Cell, Few, IdleRule, LotKind, Refusal, Seq,
    Step,
};
use store::{Fault, FaultKind, Outcome, Store, natural_id};
use vocabulary::{Day, Id, Timestamp, Zone, kind};

/// Batches of a slice: as many as the writer commits at once.
const SLICE: usize = 8_000;
/// Slices under way: while one is committed the next is decided.
const FLIGHTS_MAX: usize = 2;
/// Accounts looked at under one lock of the book: a millisecond or less.
const SCAN: usize = 65_536;

/// What one call of a job did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Accounts or holds that were brought to an end.
    pub posted: u64,
    /// Those that the ledger refused, because they changed meanwhile.
    pub refused: u64,
    /// Whether nothing is left; otherwise call again.
    pub finished: bool,
}

/// Moves value whose last day is over at `now` to breakage, for at most `limit` accounts. The next
/// call goes on where this one stopped, also after a restart.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what was posted stays, and a repeat is safe.
pub fn expire_due(store: &Store, now: Timestamp, limit: usize) -> Result<Progress, Fault> {
    let sweep = Sweep {
        job: Job::Lots,
        due: |account, today, _| {
            let due = |cell: &Cell| cell.lot.is_due(today) && cell.posted > cell.held;
            account.state().cells().iter().any(due)
        },
        step: |account| Step::ExpireLots { account },
    };
    sweep.go_on(store, now, limit)
}

/// Moves the free value of members who have been inactive for longer than their unit allows to
/// breakage, for at most `limit` accounts; units without such a rule are passed over. Goes on as
/// [`expire_due`].
///
/// # Errors
///
/// As [`expire_due`].
pub fn expire_inactive(store: &Store, now: Timestamp, limit: usize) -> Result<Progress, Fault> {
    let sweep = Sweep {
        job: Job::Inactive,
        due: |account, today, idle_rules| {
            let free = |cell: &Cell| {
                cell.lot.is_some() && cell.lot.kind() == LotKind::Free && cell.posted > cell.held
            };
            let last = idle_rules.last_day(account.state().activity());
            last.is_some_and(|last| last < today) && account.state().cells().iter().any(free)
        },
        step: |account| Step::ExpireInactive { account },
    };
    sweep.go_on(store, now, limit)
}

/// Releases at most `limit` holds whose time is over at `now`, the earliest first.
///
/// # Errors
///
/// As [`expire_due`].
pub fn expire_holds(store: &Store, now: Timestamp, limit: usize) -> Result<Progress, Fault> {
    let mut progress = Progress::default();
    let mut left = limit;
    while left > 0 {
        let holds = store.look(|book| book.due_holds(now, left.min(SLICE)));
        if holds.is_empty() {
            progress.finished = true;
            break;
        }
        left = left.saturating_sub(holds.len());
        let batches = holds.into_iter().map(|hold| {
            let id = natural_id("wallet.expiry.hold", &[&hold.to_bytes()]);
            Batch::single(id, ActorNumber::SYSTEM, Step::ExpireHold { hold })
        });
        let before = progress.posted;
        progress.count(Job::Holds, &store.post(batches.collect())?);
        // What the writer's clock does not call due yet would be found again and again.
        if progress.posted == before {
            break;
        }
    }
    note(
        store,
        JobRow {
            posted: progress.posted,
            refused: progress.refused,
            finished_at: progress.finished.then_some(now),
            ..JobRow::begin(Job::Holds, now)
        },
    )?;
    Ok(progress)
}

impl Progress {
    fn count(&mut self, job: Job, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match outcome {
                Outcome::Posted(_) => self.posted = self.posted.saturating_add(1),
                Outcome::Refused(refused) => {
                    self.refused = self.refused.saturating_add(1);
                    report(job, refused.refusal);
                }
            }
        }
    }
}

/// Somebody was faster: nothing to tell. Anything else is a rule that the books do not fit.
fn report(job: Job, refusal: Refusal) {
    let overtaken = [
        Refusal::NothingToMove,
        Refusal::NotInactive,
        Refusal::HoldCaptured,
        Refusal::HoldVoided,
        Refusal::HoldExpired,
        Refusal::HoldNotDue,
        Refusal::AccountClosed,
    ];
    if !overtaken.contains(&refusal) {
        tracing::warn!(job = job.name(), refusal = refusal.code(), "{} was refused", job.name());
    }
}

/// A way through all accounts, from number to number.
struct Sweep {
    job: Job,
    /// Whether an account has something to be ended: the account, its today, its unit's inactivity
    /// rule.
    due: fn(&Account, Day, Few<IdleRule>) -> bool,
    step: fn(AccountNumber) -> Step,
}

/// Found under one lock: the accounts, each with its id and last movement.
struct Found {
    accounts: Vec<(AccountNumber, Id<kind::Account>, Seq)>,
    /// The account number to go on from, `None` at the end.
    next: Option<u32>,
}

impl Sweep {
    fn go_on(&self, store: &Store, now: Timestamp, limit: usize) -> Result<Progress, Fault> {
        let known = store.database().read(find_jobs)?.into_iter().find(|row| row.job == self.job);
        let under_way = known.filter(|row| row.finished_at.is_none());
        let mut row = under_way.unwrap_or(JobRow::begin(self.job, now));
        let mut progress = Progress::default();
        let mut slices =
            Slices { store, job: self.job, flights: VecDeque::new(), waiting: Vec::new() };
        let mut next = Some(row.position);
        let mut left = limit;
        while let Some(from) = next.filter(|_| left > 0) {
            let found = store.look(|book| self.find(book, from, now, left));
            left = left.saturating_sub(found.accounts.len());
            // Ids are hashes: made here, where nobody waits for the book.
            let batches = found.accounts.iter().map(|&(number, id, head)| {
                let parts: [&[u8]; 3] =
                    [self.job.name().as_bytes(), &id.to_bytes(), &head.get().to_be_bytes()];
                let batch = natural_id("wallet.expiry", &parts);
                Batch::single(batch, ActorNumber::SYSTEM, (self.step)(number))
            });
            slices.add(batches, &mut progress)?;
            next = found.next;
        }
        slices.finish(&mut progress)?;
        progress.finished = next.is_none();
        row.position = next.unwrap_or(0);
        row.posted = row.posted.saturating_add(progress.posted);
        row.refused = row.refused.saturating_add(progress.refused);
        row.noted_at = now;
        row.finished_at = progress.finished.then_some(now);
        note(store, row)?;
        Ok(progress)
    }

    /// Looks at one stretch of accounts.
    fn find(&self, book: &Book, from: u32, now: Timestamp, limit: usize) -> Found {
        let start = AccountNumber::new(from).index();
        let mut found = Found { accounts: Vec::new(), next: None };
        for (place, account) in book.accounts().iter().enumerate().skip(start).take(SCAN) {
            let number = u32::try_from(place).unwrap_or(u32::MAX);
            if found.accounts.len() == limit {
                found.next = Some(number);
                return found;
            }
            if account.state().cells().is_empty() {
                continue;
            }
            let policy = book.find_unit(account.spec().unit).map(|unit| unit.policy);
            let today = policy.map_or(Zone::JAPAN, |policy| policy.zone).day_of(now);
            let idle_rules = policy.map(|policy| policy.idle_rules).unwrap_or_default();
            if (self.due)(account, today, idle_rules) {
                let (id, head) = (account.spec().id, account.state().head());
                found.accounts.push((AccountNumber::new(number), id, head));
            }
        }
        let end = start.saturating_add(SCAN);
        if end < book.accounts().len() {
            found.next = u32::try_from(end).ok();
        }
        found
    }
}

fn note(store: &Store, row: JobRow) -> Result<(), Fault> {
    match store.run(NoteProgress(row))? {
        Ok(()) => Ok(()),
        Err(never) => match never {},
    }
}

/// Hands batches to the writer in slices, and waits only when enough are under way.
struct Slices<'a> {
    store: &'a Store,
    job: Job,
    flights: VecDeque<Receiver<Result<Vec<Outcome>, Fault>>>,
    waiting: Vec<Batch>,
}

impl Slices<'_> {
    fn add(
        &mut self,
        batches: impl Iterator<Item = Batch>,
        progress: &mut Progress,
    ) -> Result<(), Fault> {
        self.waiting.extend(batches);
        while self.waiting.len() >= SLICE {
            let rest = self.waiting.split_off(SLICE);
            let slice = core::mem::replace(&mut self.waiting, rest);
            self.send(slice, progress)?;
        }
        Ok(())
    }

    fn finish(mut self, progress: &mut Progress) -> Result<(), Fault> {
        let rest = core::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            self.send(rest, progress)?;
        }
        while !self.flights.is_empty() {
            self.settle(progress)?;
        }
        Ok(())
    }

    fn send(&mut self, slice: Vec<Batch>, progress: &mut Progress) -> Result<(), Fault> {
        if self.flights.len() == FLIGHTS_MAX {
            self.settle(progress)?;
        }
        let (sender, receiver) = channel();
        self.store.submit(slice, Box::new(move |answer| drop(sender.send(answer))));
        self.flights.push_back(receiver);
        Ok(())
    }

    fn settle(&mut self, progress: &mut Progress) -> Result<(), Fault> {
        let Some(flight) = self.flights.pop_front() else { return Ok(()) };
        let gone = |_| Fault::new(FaultKind::Unavailable, "the writer has stopped");
        let outcomes = flight.recv().map_err(gone)??;
        progress.count(self.job, &outcomes);
        Ok(())
    }
}
