//! What the writer and everybody who reads share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use crate::Fault;
use crate::submission::Submission;
use ledger::{Book, Seq};

/// The book, and how much of it is durable.
///
/// The book runs ahead of the journal while a group is being committed. Who reads an account waits
/// until the account's last movement is durable, so that nobody ever sees what could still be
/// undone.
#[derive(Debug)]
pub(crate) struct Shared {
    book: RwLock<Book>,
    durable: AtomicU64,
    /// Grows whenever something that was ahead was undone.
    undone: AtomicU64,
    /// Pages in the embedded database's write-ahead log.
    log_pages: AtomicU64,
    settled: Condvar,
    settling: Mutex<()>,
    /// Why the last group was not committed; nothing when it was.
    failing: Mutex<Option<Arc<str>>>,
    pub(crate) inbox: Inbox,
}

/// Where submissions and the committer's reports arrive; the writer waits here.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<Arrived>,
    arrived: Condvar,
}

/// What arrived and waits.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) submissions: VecDeque<Submission>,
    /// Work of jobs, which takes turns with the submissions.
    pub(crate) background: VecDeque<Submission>,
    pub(crate) weight: usize,
    pub(crate) reports: Vec<Report>,
    pub(crate) closed: bool,
}

/// What another thread of the writer's tells it.
pub(crate) enum Report {
    /// A group was committed, or was not.
    Commit(Result<(), Fault>),
    /// A run of ids was sorted and merged, or was not.
    Run(Result<crate::cycle::BuiltRun, Fault>),
}

impl core::fmt::Debug for Report {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Commit(_) => "Commit",
            Self::Run(_) => "Run",
        })
    }
}

/// The most decisions that wait in the queue; what comes on top is turned away at once.
pub(crate) const WAITING_MAX: usize = 200_000;

impl Arrived {
    pub(crate) fn has_work(&self) -> bool {
        !self.submissions.is_empty() || !self.background.is_empty()
    }

    /// Takes what one group decides: up to `max` decisions, whatever they are.
    pub(crate) fn take(&mut self, max: usize) -> Vec<Submission> {
        let taken = take(&mut self.submissions, max, |_, _| true);
        self.note_taken(taken)
    }

    /// Takes what one group decides of what can wait: the oldest command and those like it, as many
    /// as they bear.
    pub(crate) fn take_background(&mut self) -> Vec<Submission> {
        let max = self.background.front().and_then(Submission::background).unwrap_or(1);
        let taken = take(&mut self.background, max.max(1), Submission::is_like);
        self.note_taken(taken)
    }

    fn note_taken(&mut self, taken: Vec<Submission>) -> Vec<Submission> {
        let weight = taken.iter().map(Submission::weight).sum();
        self.weight = self.weight.saturating_sub(weight);
        taken
    }
}

/// Takes from the front of a queue what weighs up to `max` and joins the first, and at least one.
fn take(
    queue: &mut VecDeque<Submission>,
    max: usize,
    joins: impl Fn(&Submission, &Submission) -> bool,
) -> Vec<Submission> {
    let mut taken: Vec<Submission> = Vec::new();
    let mut weight = 0_usize;
    while weight < max {
        let Some(next) = queue.front() else { break };
        let more = next.weight();
        if let Some(first) = taken.first()
            && (weight.saturating_add(more) > max || !joins(first, next))
        {
            break;
        }
        weight = weight.saturating_add(more);
        taken.extend(queue.pop_front());
    }
    taken
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a submission in the queue; gives it back when the queue is full or closed.
    pub(crate) fn submit(&self, submission: Submission) -> Result<(), Submission> {
        let mut state = self.lock();
        if state.closed || state.weight >= WAITING_MAX {
            return Err(submission);
        }
        state.weight = state.weight.saturating_add(submission.weight());
        match submission.background() {
            Some(_) => state.background.push_back(submission),
            None => state.submissions.push_back(submission),
        }
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    pub(crate) fn report(&self, report: Report) {
        self.lock().reports.push(report);
        self.arrived.notify_one();
    }

    /// Takes no more submissions.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// How many decisions wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().weight
    }

    /// Waits until something arrived, or for `patience`, and lends it.
    pub(crate) fn wait(
        &self,
        patience: Option<Duration>,
        ready: impl Fn(&Arrived) -> bool,
    ) -> MutexGuard<'_, Arrived> {
        let mut state = self.lock();
        loop {
            if ready(&state) {
                return state;
            }
            match patience {
                None => {
                    state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Some(patience) => {
                    let waited = self.arrived.wait_timeout(state, patience);
                    return waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl Shared {
    pub(crate) fn new(book: Book, durable: Seq) -> Self {
        Self {
            book: RwLock::new(book),
            durable: AtomicU64::new(durable.get()),
            undone: AtomicU64::new(0),
            log_pages: AtomicU64::new(0),
            settled: Condvar::new(),
            settling: Mutex::new(()),
            failing: Mutex::new(None),
            inbox: Inbox::default(),
        }
    }

    pub(crate) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn book_mut(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> Seq {
        Seq::new(self.durable.load(Ordering::Acquire))
    }

    /// Notes how many pages the write-ahead log has.
    pub(crate) fn note_log(&self, pages: u64) {
        self.log_pages.store(pages, Ordering::Relaxed);
    }

    pub(crate) fn log_pages(&self) -> u64 {
        self.log_pages.load(Ordering::Relaxed)
    }

    /// Notes why a group was not committed, or that one was.
    pub(crate) fn note_commit(&self, failure: Option<Arc<str>>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Gives why the last group was not committed; nothing when it was.
    pub(crate) fn failing(&self) -> Option<Arc<str>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything up to `seq` is in the journal.
    pub(crate) fn settle(&self, seq: Seq) {
        let guard = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        self.durable.store(seq.get(), Ordering::Release);
        drop(guard);
        self.settled.notify_all();
    }

    /// Something that was ahead of the journal is undone; who waits for it must look again.
    pub(crate) fn undo(&self) {
        let guard = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        self.undone.fetch_add(1, Ordering::AcqRel);
        drop(guard);
        self.settled.notify_all();
    }

    /// Reads something of the book that is durable as soon as `head` of it is; waits until then.
    pub(crate) fn read<T>(&self, look: impl Fn(&Book) -> T, head: impl Fn(&T) -> Seq) -> T {
        loop {
            let undone = self.undone.load(Ordering::Acquire);
            let seen = look(&self.book());
            if self.wait_for(head(&seen), undone) {
                return seen;
            }
        }
    }

    /// Reads without waiting; `None` while what is read is on its way to the journal.
    pub(crate) fn try_read<T>(
        &self,
        look: impl Fn(&Book) -> T,
        head: impl Fn(&T) -> Seq,
    ) -> Option<T> {
        let seen = look(&self.book());
        (head(&seen) <= self.durable()).then_some(seen)
    }

    /// Waits until `head` is durable; false when something was undone meanwhile.
    fn wait_for(&self, head: Seq, undone: u64) -> bool {
        if head <= self.durable() {
            return self.undone.load(Ordering::Acquire) == undone;
        }
        let mut guard = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.undone.load(Ordering::Acquire) != undone {
                return false;
            }
            if head <= self.durable() {
                return true;
            }
            guard = self.settled.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
