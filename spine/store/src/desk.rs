//! The writer's thread: takes what waits, decides it, sends it to be committed.
//!
//! | step | what | where |
//! |---|---|---|
//! | 1 | take what waits; while one group commits, the next gathers | [`Desk::run`] |
//! | 2 | look up used ids and long-ended holds, for the whole group | `recall` |
//! | 3 | decide against the book, which runs ahead of the journal | [`Work::post`] |
//! | 4 | seal and commit, on another thread when there is more to decide meanwhile | `committer` |
//! | 5 | publish what is durable, answer, let go of what could undo it | [`Desk::settled`] |
//!
//! When a commit fails, everything ahead of the journal is undone, the journal is read on from the
//! last group known, and what was asked is decided again. Ids make that safe: a batch that did get
//! in answers as posted before. That one way serves a lost race, a lost connection and a lost reply
//! alike.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::checkpoint::Position;
use crate::command::{AccountDiffers, Deciding, Posting, Recall, open_account};
use crate::committer::{Committer, Flight, Line};
use crate::cycle::{self, Cycle, Dirty};
use crate::ids::{Ids, Key};
use crate::journal::{self, Group};
use crate::recall::{Recalled, Revival, Sight, recall, revive, runs_are_stale};
use crate::shared::{Report, Shared};
use crate::submission::{Ask, Outcome, Receipt, Slice, Submission, moved};
use crate::{Connection, Database, Fault, FaultKind, Tx, checkpoint, registry};
use ledger::{
    AccountNumber, AccountSpec, Batch, Book, Mark, Movement, Refusal, Refused, Unit, digest,
};
use vocabulary::{Clock, Timestamp};

/// Decisions a group takes at most.
const GROUP_MAX: usize = 8_190;
/// Groups on their way at once: one is written while the next is decided.
const FLIGHTS_MAX: usize = 2;
/// Up to this many decisions a group is committed right here: handing it to another thread costs
/// more.
const INLINE_MAX: usize = 256;
/// Decisions made under one lock of the book, so that a reader waits a fraction of a millisecond.
const LOCK_MAX: usize = 256;

/// How the writer works.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// Movements after which balances are written down, or as many as there are accounts if that is
    /// more.
    pub checkpoint_every: u64,
    /// How often an idle store looks for groups that another process appended; `None` when there is
    /// none. A busy one looks with every group: who appends meets them, and before a group that
    /// appends nothing (refusals and repeats) is answered, it is asked for them.
    pub tail_every: Option<Duration>,
    /// How long a group is tried while the database is away before those who wait are told.
    pub patience: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { checkpoint_every: 1_000_000, tail_every: None, patience: Duration::from_secs(5) }
    }
}

struct Flying {
    flight: Arc<Flight>,
    before: Mark,
    after: Mark,
    previous: Group,
}

pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Box<dyn FnMut() -> u128 + Send>,
    pub(crate) ids: Ids,
    pub(crate) secret: [u64; 2],
    pub(crate) last: Group,
    pub(crate) reader: Connection,
    pub(crate) committer: Committer,
    pub(crate) options: StoreOptions,
    pub(crate) dirty: Dirty,
    pub(crate) wal: crate::wal::Wal,
    flights: VecDeque<Flying>,
    cycle: Option<(Cycle, Option<u64>)>,
    redo: VecDeque<Ask>,
    /// Whether the last group was work in the background; then the next one is not, while others
    /// wait.
    in_background: bool,
    stopping: bool,
    /// Whether it ends without writing balances down.
    dying: bool,
}

/// The parts of a desk that opening the store makes.
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Box<dyn FnMut() -> u128 + Send>,
    pub(crate) ids: Ids,
    pub(crate) secret: [u64; 2],
    pub(crate) last: Group,
    pub(crate) reader: Connection,
    pub(crate) committer: Committer,
    pub(crate) options: StoreOptions,
    pub(crate) dirty: Dirty,
    pub(crate) wal: crate::wal::Wal,
}

/// A group while it is decided.
struct Work<'a> {
    book: &'a mut Book,
    ids: &'a mut Ids,
    recalled: &'a Recalled,
    flights: &'a [&'a [Movement]],
    movements: &'a mut Vec<Movement>,
    accounts: &'a mut Vec<AccountSpec>,
    now: Timestamp,
}

impl Work<'_> {
    fn sight(&self) -> Sight<'_> {
        Sight {
            ids: self.ids,
            recalled: self.recalled,
            flights: self.flights,
            current: self.movements,
        }
    }

    fn undo_to(&mut self, mark: Mark, movements: usize, accounts: usize) {
        for movement in self.movements.get(movements..).unwrap_or_default() {
            self.ids.remove(movement);
        }
        self.movements.truncate(movements);
        self.accounts.truncate(accounts);
        self.book.undo_to(mark);
    }
}

impl Deciding for Work<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn book(&self) -> &Book {
        self.book
    }

    fn post(&mut self, batch: &Batch) -> Result<Receipt, Refused> {
        let company = batch.actor.company();
        let sight = self.sight();
        if let Some(first) = sight.find(Key::Batch(company, batch.id)) {
            if first.digest != Some(digest(batch.steps.as_slice())) {
                return Err(Refused { step: 0, refusal: Refusal::IdReused });
            }
            let rows = sight.batch_of(first);
            let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let posted = ledger::Posted { first: first.seq, count, at: first.at };
            return Ok(Receipt { posted, moved: moved(&rows), repeated: true });
        }
        let known = sight.known(batch, company);
        let start = self.movements.len();
        let posted = self.book.post(batch, self.now, &known, self.movements)?;
        let written = self.movements.get(start..).unwrap_or_default();
        for movement in written {
            self.ids.insert(movement);
        }
        Ok(Receipt { posted, moved: moved(written), repeated: false })
    }

    fn open_account(&mut self, spec: AccountSpec) -> Result<AccountNumber, AccountDiffers> {
        let (number, is_new) = open_account(self.book, spec)?;
        if is_new {
            self.accounts.push(spec);
        }
        Ok(number)
    }

    fn set_unit(&mut self, unit: Unit) {
        self.book.set_unit(unit);
    }
}

impl Desk {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { shared, database, clock, chance, ids, secret, last, reader, committer, .. } =
            parts;
        Self {
            shared,
            database,
            clock,
            chance,
            ids,
            secret,
            last,
            reader,
            committer,
            options: parts.options,
            dirty: parts.dirty,
            wal: parts.wal,
            flights: VecDeque::new(),
            cycle: None,
            redo: VecDeque::new(),
            in_background: false,
            stopping: false,
            dying: false,
        }
    }

    /// Works until it is told to stop, then ends what was begun.
    pub(crate) fn run(mut self) {
        loop {
            self.handle_reports();
            let taken = self.take();
            if taken.is_empty() && self.redo.is_empty() {
                if self.stopping && self.flights.is_empty() && self.cycle.is_none() {
                    break;
                }
                self.idle();
                continue;
            }
            self.work(taken);
            if self.wal.wants_the_rest() {
                self.move_log();
            }
        }
        self.committer.stop();
    }

    /// Waits for work, a report or the time to do something by itself, and takes what fits in a
    /// group.
    fn take(&mut self) -> Vec<Submission> {
        let full = self.flights.len() >= FLIGHTS_MAX;
        let has_chores = self.cycle.as_ref().is_some_and(|(cycle, _)| cycle.has_pieces());
        let nothing_flies = self.flights.is_empty();
        let ends = self.stopping && self.cycle.is_none();
        let patience = if !self.redo.is_empty() || (nothing_flies && (has_chores || ends)) {
            Some(Duration::ZERO)
        } else {
            self.options.tail_every
        };
        let mut arrived = self
            .shared
            .inbox
            .wait(patience, |arrived| !arrived.reports.is_empty() || (!full && arrived.has_work()));
        if full || !arrived.has_work() {
            return Vec::new();
        }
        let nobody_waits = arrived.submissions.is_empty();
        self.in_background =
            !arrived.background.is_empty() && (nobody_waits || !self.in_background);
        if self.in_background { arrived.take_background() } else { arrived.take(GROUP_MAX) }
    }

    fn handle_reports(&mut self) {
        let reports = {
            let mut arrived = self.shared.inbox.wait(Some(Duration::ZERO), |_| true);
            core::mem::take(&mut arrived.reports)
        };
        for report in reports {
            match report {
                Report::Commit(Ok(())) => self.settled(),
                Report::Commit(Err(fault)) => self.recover(&fault),
                Report::Run(Ok(built)) => {
                    if let Some((cycle, _)) = &mut self.cycle {
                        cycle.take_run(built);
                    }
                }
                Report::Run(Err(fault)) => self.give_up_cycle(&fault),
            }
        }
    }

    /// The oldest group on its way is durable.
    fn settled(&mut self) {
        let Some(done) = self.flights.pop_front() else { return };
        self.shared.book_mut().settle(done.after);
        for flying in &mut self.flights {
            flying.before = flying.before.after_settling(done.after);
            flying.after = flying.after.after_settling(done.after);
        }
        self.note_durable(&done.flight);
    }

    fn note_durable(&mut self, flight: &Flight) {
        // Commands that changed nothing commit also where nothing can be written.
        if flight.writes() {
            self.shared.note_commit(None);
        }
        self.dirty.note(&flight.movements);
        self.dirty.note_accounts(flight.group.first_account, flight.group.accounts);
        self.wal.note(self.shared.log_pages());
        let ends_cycle = self.cycle.as_ref().is_some_and(|(cycle, done_in)| {
            cycle.handed_out_all() && *done_in == Some(flight.group.number)
        });
        if ends_cycle && let Some((cycle, _)) = self.cycle.take() {
            let (run, reached) = cycle.finish();
            if let Some((run, merged)) = run {
                self.ids.adopt(run, &merged);
            }
            if self.flights.is_empty() {
                self.shared.book_mut().forget_ended(reached);
            }
        }
    }

    fn work(&mut self, taken: Vec<Submission>) {
        let mut asks: Vec<Ask> = self.redo.drain(..).collect();
        let mut slices: Vec<Box<dyn Slice>> = Vec::new();
        let mut checkpoints = Vec::new();
        for submission in taken {
            match submission {
                Submission::Batches(ask) => asks.push(ask),
                Submission::Command(waiting) => {
                    let kind = waiting.kind();
                    match slices.iter_mut().find(|slice| slice.kind() == kind) {
                        Some(slice) => waiting.join(&mut **slice),
                        None => slices.push(waiting.into_slice()),
                    }
                }
                Submission::Checkpoint(reply) => checkpoints.push(reply),
                Submission::Stop => self.stopping = true,
                #[cfg(any(test, feature = "testing"))]
                Submission::Die => self.die(),
            }
        }
        if !asks.is_empty() {
            self.decide(asks);
        }
        if !slices.is_empty() {
            self.drain();
            self.work_slices(slices);
        }
        for reply in checkpoints {
            self.start_cycle();
            match &mut self.cycle {
                Some((cycle, _)) => cycle.when_done(reply),
                None => reply(Ok(())),
            }
        }
        if self.stopping && !self.dying && self.cycle.is_none() && self.dirty.movements > 0 {
            self.start_cycle();
        }
    }

    /// Ends without another write.
    #[cfg(any(test, feature = "testing"))]
    fn die(&mut self) {
        self.stopping = true;
        self.dying = true;
        self.give_up_cycle(&Fault::new(FaultKind::Unavailable, "the writer died"));
    }

    /// Nothing waits: goes on with a checkpoint, or looks for what others appended.
    fn idle(&mut self) {
        if !self.flights.is_empty() {
            return;
        }
        if self.cycle.as_ref().is_some_and(|(cycle, _)| cycle.has_pieces()) {
            const IDLE_BUDGET: usize = 1 << 20;
            self.dispatch(Vec::new(), Vec::new(), Vec::new(), IDLE_BUDGET);
        } else if self.stopping && !self.dying && self.cycle.is_none() && self.dirty.movements > 0 {
            self.start_cycle();
        } else if !self.stopping {
            // A fault shows with the next group.
            drop(self.follow());
        }
    }

    /// Waits until nothing is on its way.
    fn drain(&mut self) {
        while !self.flights.is_empty() {
            drop(self.shared.inbox.wait(None, |arrived| !arrived.reports.is_empty()));
            self.handle_reports();
        }
        // What failed on the way waits to be decided again, before anything newer.
        let redo: Vec<Ask> = self.redo.drain(..).collect();
        if !redo.is_empty() {
            self.decide(redo);
            self.drain();
        }
    }

    /// Decides batches and sends them to be committed.
    fn decide(&mut self, mut asks: Vec<Ask>) {
        let mut wanted = Recall::default();
        for batch in asks.iter().flat_map(|ask| &ask.batches) {
            wanted.note(batch);
        }
        let recalled = match self.recall(&wanted) {
            Ok(recalled) => recalled,
            Err(fault) => {
                for ask in asks {
                    ask.fail(fault.again());
                }
                return;
            }
        };
        let weight: usize = asks.iter().map(|ask| ask.batches.len()).sum();
        let mut movements = Vec::with_capacity(weight);
        let mut accounts = Vec::new();
        let now = self.clock.now();
        let flights: Vec<Arc<Flight>> =
            self.flights.iter().map(|flying| Arc::clone(&flying.flight)).collect();
        let flights: Vec<&[Movement]> =
            flights.iter().map(|flight| flight.movements.as_slice()).collect();
        let before = self.shared.book().mark();
        for ask in &mut asks {
            ask.outcomes.clear();
            for batches in ask.batches.chunks(LOCK_MAX) {
                let mut book = self.shared.book_mut();
                let mut work = Work {
                    book: &mut book,
                    ids: &mut self.ids,
                    recalled: &recalled,
                    flights: &flights,
                    movements: &mut movements,
                    accounts: &mut accounts,
                    now,
                };
                ask.outcomes.extend(batches.iter().map(|batch| match work.post(batch) {
                    Ok(receipt) => Outcome::Posted(receipt),
                    Err(refused) => Outcome::Refused(refused),
                }));
            }
        }
        // Nobody would notice that such answers were decided on an older state.
        if movements.is_empty() && accounts.is_empty() && self.flights.is_empty() {
            match self.follow() {
                Ok(false) => {}
                Ok(true) => return self.redo.extend(asks),
                Err(fault) => return asks.into_iter().for_each(|ask| ask.fail(fault.again())),
            }
        }
        // A few pages of a checkpoint ride along: some 64 bytes a movement.
        let budget = movements.len().saturating_mul(64);
        let flying = self.prepare(asks, (movements, accounts), budget, before, false);
        self.launch(flying, weight);
    }

    fn dispatch(
        &mut self,
        asks: Vec<Ask>,
        movements: Vec<Movement>,
        accounts: Vec<AccountSpec>,
        budget: usize,
    ) {
        let before = self.shared.book().mark();
        let flying = self.prepare(asks, (movements, accounts), budget, before, false);
        self.launch(flying, 0);
    }

    /// Makes a group of what was decided and adds pieces of a checkpoint to it.
    fn prepare(
        &mut self,
        asks: Vec<Ask>,
        (movements, accounts): (Vec<Movement>, Vec<AccountSpec>),
        budget: usize,
        before: Mark,
        fences: bool,
    ) -> Flying {
        let previous = self.last;
        let (pieces, after) = {
            let book = self.shared.book();
            let pieces = match &mut self.cycle {
                Some((cycle, _)) if budget > 0 => cycle.next_pieces(&book, budget),
                Some(_) | None => Vec::new(),
            };
            (pieces, book.mark())
        };
        let empty = movements.is_empty() && accounts.is_empty() && pieces.is_empty();
        let group =
            if empty && !fences { previous } else { self.next_group(&accounts, &movements) };
        if !empty || fences {
            self.last = group;
            if let Some((cycle, done_in)) = &mut self.cycle
                && cycle.handed_out_all()
                && done_in.is_none()
            {
                *done_in = Some(group.number);
            }
        }
        let asks = Mutex::new(asks);
        let flight = Flight { group, accounts, movements, pieces, fences, asks };
        Flying { flight: Arc::new(flight), before, after, previous }
    }

    /// Gives the group after the last, not sealed yet.
    fn next_group(&mut self, accounts: &[AccountSpec], movements: &[Movement]) -> Group {
        Group {
            number: self.last.number.saturating_add(1),
            first_seq: self.last.last_seq().next(),
            movements: u32::try_from(movements.len()).unwrap_or(u32::MAX),
            first_account: self.last.accounts_after(),
            accounts: u32::try_from(accounts.len()).unwrap_or(u32::MAX),
            // A group without movements is no earlier than the one before, whatever the clock says.
            at: movements
                .last()
                .map_or_else(|| self.clock.now().max(self.last.at), |movement| movement.at),
            writer: (self.chance)(),
            hash: [0; 32],
        }
    }

    /// Commits a group here when it is small and nothing else is on its way, else on the other
    /// thread.
    fn launch(&mut self, flying: Flying, weight: usize) {
        if !self.flights.is_empty() || weight > INLINE_MAX {
            self.committer.send(Arc::clone(&flying.flight));
            self.flights.push_back(flying);
            return;
        }
        let flight = Arc::clone(&flying.flight);
        self.flights.push_back(flying);
        match self.committer.commit(&flight, &self.shared) {
            Ok(()) => self.settled(),
            Err(fault) => self.recover_inline(&fault),
        }
        self.maybe_start_cycle();
    }

    /// Decides commands of features, with their own rows in the same transaction.
    fn work_slices(&mut self, mut slices: Vec<Box<dyn Slice>>) {
        const TRIES: u32 = 16;
        for turn in 1..=TRIES {
            match self.try_slices(&mut slices) {
                Ok(()) => {
                    for mut slice in slices {
                        slice.answer(Ok(()));
                    }
                    self.maybe_start_cycle();
                    return;
                }
                Err(fault) => {
                    let worth_it = can_be_tried_again(&fault) && turn < TRIES;
                    if worth_it && self.catch_up_patiently().is_ok() {
                        continue;
                    }
                    self.shared.note_commit(Some(fault.to_string().into()));
                    for mut slice in slices {
                        slice.answer(Err(fault.again()));
                    }
                    return;
                }
            }
        }
    }

    fn try_slices(&mut self, slices: &mut [Box<dyn Slice>]) -> Result<(), Fault> {
        let line = Arc::clone(self.committer.shared_line());
        let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Line { connection, tip } = &mut *line;
        let mut tx = connection.begin()?;
        if self.options.tail_every.is_some() {
            // Whoever decided first and then lost the race would lose it again and again.
            journal::take_turn(&mut tx)?;
            self.read_on(tip)?;
        }
        let before = self.shared.book().mark();
        let previous = self.last;
        let mut movements = Vec::new();
        let mut accounts = Vec::new();
        let result = self.run_slices(slices, tx, tip, (&mut movements, &mut accounts), before);
        match result {
            Ok(flight) => {
                let after = self.shared.book().mark();
                flight.publish(&self.shared);
                self.shared.note_log(connection.log_pages());
                self.shared.book_mut().settle(after);
                self.note_durable(&flight);
                Ok(())
            }
            Err(fault) => {
                for movement in &movements {
                    self.ids.remove(movement);
                }
                self.last = previous;
                self.shared.book_mut().undo_to(before);
                self.shared.undo();
                self.reload_units();
                if self.cycle.is_some() {
                    self.give_up_cycle(&fault);
                }
                Err(fault)
            }
        }
    }

    fn run_slices(
        &mut self,
        slices: &mut [Box<dyn Slice>],
        mut tx: Tx<'_>,
        tip: &mut [u8; 32],
        (movements, accounts): (&mut Vec<Movement>, &mut Vec<AccountSpec>),
        before: Mark,
    ) -> Result<Flight, Fault> {
        for slice in &mut *slices {
            slice.load(&mut tx)?;
            let mut wanted = Recall::default();
            slice.recall(&mut wanted);
            let recalled = self.recall(&wanted)?;
            let now = self.clock.now();
            for place in 0..slice.len() {
                let mut book = self.shared.book_mut();
                let mark = book.mark();
                let start = (movements.len(), accounts.len());
                let mut work = Work {
                    book: &mut book,
                    ids: &mut self.ids,
                    recalled: &recalled,
                    flights: &[],
                    movements,
                    accounts,
                    now,
                };
                if !slice.decide(place, &mut Posting::new(&mut work)) {
                    work.undo_to(mark, start.0, start.1);
                }
            }
            slice.save(&mut tx)?;
        }
        let budget = movements.len().saturating_mul(64);
        let fences =
            self.options.tail_every.is_some() && slices.iter().any(|slice| slice.depends());
        let ready = (core::mem::take(movements), core::mem::take(accounts));
        let flying = self.prepare(Vec::new(), ready, budget, before, fences);
        let Ok(flight) = Arc::try_unwrap(flying.flight) else {
            return Err(Fault::bug("a group of commands has two owners"));
        };
        let sealed = if flight.writes() { flight.append(&mut tx, tip) } else { Ok(*tip) };
        match sealed.and_then(|sealed| tx.commit().map(|()| sealed)) {
            Ok(sealed) => {
                *tip = sealed;
                Ok(flight)
            }
            Err(fault) => {
                movements.clone_from(&flight.movements);
                Err(fault)
            }
        }
    }

    fn recall(&mut self, wanted: &Recall) -> Result<Recalled, Fault> {
        let durable = self.shared.durable();
        let mut tried = false;
        let (recalled, revivals): (Recalled, Vec<Revival>) = loop {
            let found = {
                let book = self.shared.book();
                let mut reader = self.reader.reader()?;
                recall(&mut reader, &self.ids, &book, wanted, durable)
            };
            match found {
                Err(fault) if runs_are_stale(&fault) && !tried => {
                    tried = true;
                    let runs = self.database.read_snapshot(checkpoint::load_runs)?;
                    self.ids.replace_runs(runs);
                }
                found => break found?,
            }
        };
        for revival in &revivals {
            let mut book = self.shared.book_mut();
            revive(&mut self.reader.reader()?, &mut book, revival, durable)?;
        }
        Ok(recalled)
    }

    /// A group committed here failed.
    fn recover_inline(&mut self, fault: &Fault) {
        self.undo_flights(fault);
    }

    /// A group committed on the other thread failed: those behind it fail as well; wait for them
    /// first.
    fn recover(&mut self, fault: &Fault) {
        let mut behind = self.flights.len().saturating_sub(1);
        while behind > 0 {
            let mut arrived = self.shared.inbox.wait(None, |arrived| {
                arrived.reports.iter().any(|report| matches!(report, Report::Commit(_)))
            });
            let before = arrived.reports.len();
            arrived.reports.retain(|report| !matches!(report, Report::Commit(_)));
            behind = behind.saturating_sub(before.saturating_sub(arrived.reports.len()));
        }
        self.committer.resume();
        self.undo_flights(fault);
    }

    /// Takes back everything ahead of the journal, reads on what the journal has, and queues what
    /// was asked to be decided again; or tells those who wait.
    fn undo_flights(&mut self, fault: &Fault) {
        tracing::warn!(error = %fault, groups = self.flights.len(), "groups are undone");
        let mut asks = Vec::new();
        if let Some(first) = self.flights.front() {
            self.last = first.previous;
            self.shared.book_mut().undo_to(first.before);
        }
        for flying in self.flights.drain(..) {
            for movement in &flying.flight.movements {
                self.ids.remove(movement);
            }
            asks.extend(flying.flight.take_asks());
        }
        self.shared.undo();
        self.give_up_cycle(fault);
        let again = can_be_tried_again(fault)
            && match self.catch_up_patiently() {
                Ok(()) => true,
                Err(fault) => {
                    tracing::error!(error = %fault, "the database is away");
                    false
                }
            };
        if again {
            self.redo.extend(asks);
        } else {
            self.shared.note_commit(Some(fault.to_string().into()));
            for ask in asks {
                ask.fail(fault.again());
            }
        }
    }

    fn give_up_cycle(&mut self, fault: &Fault) {
        if let Some((cycle, _)) = self.cycle.take() {
            cycle.give_up(&mut self.dirty, fault);
        }
    }

    /// Reads on from the last group known, for as long as patience lasts.
    fn catch_up_patiently(&mut self) -> Result<(), Fault> {
        const STEP: Duration = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        loop {
            match self.catch_up() {
                Ok(()) => return Ok(()),
                Err(fault) if fault.retryable() && waited < self.options.patience => {
                    drop(self.shared.inbox.wait(Some(STEP), |_| false));
                    waited = waited.saturating_add(STEP);
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Folds in what other processes appended, where there are others; tells whether there was any.
    /// Nothing may be on its way.
    fn follow(&mut self) -> Result<bool, Fault> {
        let before = self.last.number;
        if self.options.tail_every.is_some() {
            self.catch_up()?;
        }
        Ok(self.last.number != before)
    }

    /// Folds in the groups that others appended, and our own whose reply was lost. Nothing may be
    /// on its way.
    pub(crate) fn catch_up(&mut self) -> Result<(), Fault> {
        let line = Arc::clone(self.committer.shared_line());
        let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.read_on(&mut line.tip)
    }

    /// Folds in the groups after the last one known, whose hash is the new tip.
    fn read_on(&mut self, tip: &mut [u8; 32]) -> Result<(), Fault> {
        const AT_ONCE: u32 = 1_000;
        loop {
            let mut reader = self.reader.reader()?;
            let groups = journal::groups_after(&mut reader, self.last.number, AT_ONCE)?;
            let Some(newest) = groups.last().copied() else { return Ok(()) };
            let mut book = self.shared.book_mut();
            let first_account = self.last.accounts_after();
            let mut opened = Vec::new();
            journal::scan_accounts(
                &mut reader,
                first_account,
                newest.accounts_after(),
                |_, spec| {
                    opened.push(spec);
                    Ok(())
                },
            )?;
            for spec in opened {
                book.open_account(spec);
            }
            let mut movements = Vec::new();
            let from = self.last.last_seq().next();
            journal::scan_movements(&mut reader, from, newest.last_seq().next(), |movement| {
                movements.push(*movement);
                Ok(())
            })?;
            for movement in &movements {
                book.fold(movement).map_err(|error| misfit(movement, error))?;
                self.ids.insert(movement);
            }
            let now = book.mark();
            book.settle(now);
            drop(book);
            self.dirty.note(&movements);
            let accounts = newest.accounts_after().saturating_sub(first_account);
            self.dirty.note_accounts(first_account, accounts);
            self.last = newest;
            *tip = newest.hash;
            self.shared.settle(newest.last_seq());
            self.reload_units();
            // Whoever appended these may have merged runs of ids as well.
            let runs = self.database.read_snapshot(checkpoint::load_runs)?;
            self.ids.replace_runs(runs);
        }
    }

    fn reload_units(&mut self) {
        let Ok(mut reader) = self.reader.reader() else { return };
        if let Ok(units) = registry::units(&mut reader) {
            let mut book = self.shared.book_mut();
            for unit in units {
                book.set_unit(unit);
            }
        }
    }

    /// Moves the rest of the log while nothing is committed, so that it starts from its beginning.
    fn move_log(&mut self) {
        self.drain();
        if let Err(fault) = self.reader.checkpoint_wal() {
            tracing::warn!(error = %fault, "the write-ahead log was not moved");
        }
    }

    fn maybe_start_cycle(&mut self) {
        let accounts = u64::try_from(self.shared.book().accounts().len()).unwrap_or(u64::MAX);
        if self.cycle.is_none()
            && self.dirty.movements >= self.options.checkpoint_every.max(accounts)
        {
            self.start_cycle();
        }
    }

    /// Starts a checkpoint as of now; what is on its way is waited for, since it starts at what is
    /// durable.
    fn start_cycle(&mut self) {
        if self.cycle.is_some() || self.dying {
            return;
        }
        self.drain();
        if self.cycle.is_some() {
            // What was waited for started one itself.
            return;
        }
        let position =
            Position { seq: self.last.last_seq(), group: self.last.number, secret: self.secret };
        let builds_run = self.ids.recent_count() > 0;
        let dirty = core::mem::take(&mut self.dirty);
        self.cycle = Some((Cycle::start(position, dirty, builds_run), None));
        if !builds_run {
            return;
        }
        let merged = self.ids.to_merge(self.ids.recent_count());
        let frozen = self.ids.freeze();
        let shared = Arc::clone(&self.shared);
        let database = self.database.clone();
        // The number of the group is nobody else's, so that two processes never write one run.
        let number = self.last.number;
        let thread = std::thread::Builder::new().name("id run".to_owned()).spawn(move || {
            let built = database.connect().and_then(|mut connection| {
                cycle::build_run(&frozen, number, &merged, &mut connection)
            });
            shared.inbox.report(Report::Run(built));
        });
        if let Err(error) = thread {
            let fault = Fault::new(FaultKind::Other, "start id run").caused_by(error);
            self.give_up_cycle(&fault);
        }
    }
}

/// Whether to read the journal on and decide again, rather than to tell who asked.
fn can_be_tried_again(fault: &Fault) -> bool {
    match fault.kind() {
        FaultKind::Conflict | FaultKind::Serialization | FaultKind::Unavailable => true,
        FaultKind::ReadOnly
        | FaultKind::Full
        | FaultKind::Corrupt
        | FaultKind::Schema
        | FaultKind::Check
        | FaultKind::Configuration
        | FaultKind::Other => false,
    }
}

/// A movement of the journal that does not fit what is before it.
pub(crate) fn misfit(movement: &Movement, error: ledger::FoldError) -> Fault {
    let tried = format!("movement {} does not fit the journal before it", movement.seq);
    Fault::new(FaultKind::Corrupt, tried).caused_by(error)
}
