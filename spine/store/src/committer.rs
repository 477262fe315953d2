//! Seals decided groups and brings them into the database, one transaction each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::checkpoint::Piece;
use crate::journal::{self, Group, GroupHash, movement_bytes, row_check};
use crate::shared::{Report, Shared};
use crate::submission::Ask;
use crate::{Connection, Fault, FaultKind, Tx};
use ledger::{AccountSpec, Movement};

/// A decided group on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) group: Group,
    pub(crate) accounts: Vec<AccountSpec>,
    pub(crate) movements: Vec<Movement>,
    pub(crate) pieces: Vec<Piece>,
    /// Whether it takes a number though there is nothing in it: what goes with it was decided on
    /// what is before it.
    pub(crate) fences: bool,
    /// Who is to be answered; taken by whoever answers or asks again.
    pub(crate) asks: Mutex<Vec<Ask>>,
}

impl core::fmt::Debug for Ask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ask").field("batches", &self.batches.len()).finish_non_exhaustive()
    }
}

/// Computes what guards a group: the check of each row, and the hash that continues `tip`.
fn seal(
    tip: &[u8; 32],
    mut group: Group,
    accounts: &[AccountSpec],
    movements: &[Movement],
) -> (Group, Vec<u32>) {
    let mut hash = GroupHash::new(tip);
    for spec in accounts {
        hash.account(spec);
    }
    let mut checks = Vec::with_capacity(movements.len());
    for movement in movements {
        let bytes = movement_bytes(movement);
        checks.push(row_check(&bytes));
        hash.movement(&bytes);
    }
    group.hash = hash.seal(&group);
    (group, checks)
}

impl Flight {
    /// Whether there is anything to write.
    pub(crate) fn writes(&self) -> bool {
        let empty = self.movements.is_empty() && self.accounts.is_empty() && self.pieces.is_empty();
        self.fences || !empty
    }

    pub(crate) fn take_asks(&self) -> Vec<Ask> {
        core::mem::take(&mut *self.asks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Seals the group after one of the hash `tip` and appends everything to a transaction; gives
    /// the group's own hash.
    pub(crate) fn append(&self, tx: &mut Tx<'_>, tip: &[u8; 32]) -> Result<[u8; 32], Fault> {
        let (group, checks) = seal(tip, self.group, &self.accounts, &self.movements);
        journal::append(tx, &group, &self.accounts, &self.movements, &checks)?;
        self.pieces.iter().try_for_each(|piece| piece.write(tx))?;
        Ok(group.hash)
    }

    fn commit(&self, line: &mut Line, shared: &Shared) -> Result<(), Fault> {
        if !self.writes() {
            return Ok(());
        }
        let Line { connection, tip } = line;
        let mut tx = connection.begin()?;
        let sealed = self.append(&mut tx, tip)?;
        tx.commit()?;
        *tip = sealed;
        shared.note_log(connection.log_pages());
        Ok(())
    }

    /// Tells everybody that it is durable.
    pub(crate) fn publish(&self, shared: &Shared) {
        if self.writes() {
            shared.settle(self.group.last_seq());
        }
        for ask in self.take_asks() {
            ask.answer();
        }
    }
}

/// The connection that writes.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) connection: Connection,
    /// The hash of the last group that is in the journal.
    pub(crate) tip: [u8; 32],
}

/// The connection that writes, and the thread that commits while the writer decides the next group.
#[derive(Debug)]
pub(crate) struct Committer {
    line: Arc<Mutex<Line>>,
    queue: Option<Sender<Arc<Flight>>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts it for a journal whose last group has the hash `tip`.
    pub(crate) fn start(
        connection: Connection,
        tip: [u8; 32],
        shared: &Arc<Shared>,
    ) -> Result<Self, Fault> {
        let line = Arc::new(Mutex::new(Line { connection, tip }));
        let (queue, flights) = channel();
        let (its_line, its_shared) = (Arc::clone(&line), Arc::clone(shared));
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || run(&its_line, &its_shared, &flights))
            .map_err(|error| Fault::new(FaultKind::Other, "start committer").caused_by(error))?;
        Ok(Self { line, queue: Some(queue), thread: Some(thread) })
    }

    /// Hands a group over; the result arrives as a report.
    pub(crate) fn send(&self, flight: Arc<Flight>) {
        if let Some(queue) = &self.queue {
            // The thread ends only after the queue is dropped.
            drop(queue.send(flight));
        }
    }

    /// Commits a group here and now; no other may be on its way.
    pub(crate) fn commit(&self, flight: &Flight, shared: &Shared) -> Result<(), Fault> {
        flight.commit(&mut self.line(), shared)?;
        flight.publish(shared);
        Ok(())
    }

    /// Borrows the connection; no group may be on its way.
    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection itself, for a transaction that lives longer than a borrow of this.
    pub(crate) const fn shared_line(&self) -> &Arc<Mutex<Line>> {
        &self.line
    }

    /// Lets the thread commit again after a failure; nothing may be on its way.
    pub(crate) fn resume(&self) {
        self.send(Arc::new(Flight {
            group: Group::NONE,
            accounts: Vec::new(),
            movements: Vec::new(),
            pieces: Vec::new(),
            fences: false,
            asks: Mutex::default(),
        }));
    }

    pub(crate) fn stop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook.
            drop(thread.join());
        }
    }
}

fn run(line: &Mutex<Line>, shared: &Shared, flights: &Receiver<Arc<Flight>>) {
    let mut failed = false;
    while let Ok(flight) = flights.recv() {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        // After a failure nothing that was decided on top of it may be committed; the writer
        // collects all that is on its way before it sends anything new, and tells so by an empty
        // group.
        let resumes = !flight.writes() && flight.group.number == 0;
        if resumes {
            failed = false;
            continue;
        }
        let result = if failed {
            Err(Fault::new(FaultKind::Conflict, "a group before this one failed"))
        } else {
            flight.commit(&mut line, shared)
        };
        drop(line);
        match &result {
            Ok(()) => flight.publish(shared),
            Err(_) => failed = true,
        }
        shared.inbox.report(Report::Commit(result));
    }
}
