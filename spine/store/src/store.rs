use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::checkpoint::{self, Position};
use crate::committer::Committer;
use crate::cycle::Dirty;
use crate::desk::{Desk, Parts, StoreOptions, misfit};
use crate::ids::Ids;
use crate::journal::{self, Group};
use crate::shared::Shared;
use crate::submission::{Ask, Decision, Outcome, Reply, Submission, Waiter};
use crate::wal::Wal;
use crate::{Command, Connection, Database, Fault, FaultKind, registry};
use ledger::{Account, AccountNumber, Batch, Book, Expectation, Hold, Movement, Seq};
use vocabulary::{Clock, Id, IdSource, Timestamp, kind};

/// The books: one writer, and everybody who reads.
///
/// Clone it freely; the last one to go stops the writer after it has done what it was given.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn stop(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            drop(self.shared.inbox.submit(Submission::Stop));
            self.shared.inbox.close();
            // A panic there was reported by the panic hook.
            drop(writer.join());
        }
    }
}

/// What is read is being changed by a commit under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderWay;

/// How far opening has come, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenProgress {
    /// Movements folded so far.
    pub done: u64,
    /// Movements to fold in all.
    pub of: u64,
}

impl Store {
    /// Opens the books: the last checkpoint and the journal after it, or the whole journal when
    /// there is no checkpoint or it is damaged. Starts the writer.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when a row of the journal is not as it was written, or does not fit
    /// what is before it; [`FaultKind::Schema`] when the tables are not there; or another
    /// [`Fault`].
    pub fn open(
        database: &Database,
        options: StoreOptions,
        clock: Arc<dyn Clock>,
        ids: impl IdSource + 'static,
        mut progress: impl FnMut(OpenProgress),
    ) -> Result<Self, Fault> {
        let mut chance = ids;
        let mut reader = database.connect()?;
        let secret = secret(&mut reader, &mut chance)?;
        let opened = match open_checkpoint(database, &mut reader, &mut progress) {
            Err(fault) if fault.kind() == FaultKind::Corrupt => {
                tracing::warn!(error = %fault, "the checkpoint is void, the whole journal is folded");
                open_journal(&mut reader, secret, &mut progress)?
            }
            Ok(Some(opened)) => opened,
            Ok(None) => open_journal(&mut reader, secret, &mut progress)?,
            Err(fault) => return Err(fault),
        };
        let mut book = opened.book;
        let now = book.mark();
        book.settle(now);
        let shared = Arc::new(Shared::new(book, opened.last.last_seq()));
        let committer = Committer::start(database.connect()?, opened.last.hash, &shared)?;
        let desk = Desk::new(Parts {
            shared: Arc::clone(&shared),
            database: database.clone(),
            clock,
            chance: Box::new(move || chance.chance()),
            ids: opened.ids,
            secret,
            last: opened.last,
            reader,
            committer,
            options,
            dirty: opened.dirty,
            wal: Wal::start(database)?,
        });
        let writer = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || desk.run())
            .map_err(|error| Fault::new(FaultKind::Other, "start writer").caused_by(error))?;
        let writer = Mutex::new(Some(writer));
        Ok(Self { inner: Arc::new(Inner { database: database.clone(), shared, writer }) })
    }

    /// The database behind, for the queries of features.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Asks for batches; each succeeds or is refused alone, all are answered together once they are
    /// durable. A batch whose id was posted before answers as it did then.
    ///
    /// The reply is called on a thread of the writer's: hand the answer over, do no work there. It
    /// is a fault when the queue is full, or when the database was away for longer than
    /// [`StoreOptions::patience`]; the batches may be posted then, and are safe to send again.
    pub fn submit(&self, batches: Vec<Batch>, reply: Reply<Vec<Outcome>>) {
        let outcomes = Vec::with_capacity(batches.len());
        self.enqueue(Submission::Batches(Ask { batches, outcomes, reply }));
    }

    /// Asks for batches and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`].
    pub fn post(&self, batches: Vec<Batch>) -> Result<Vec<Outcome>, Fault> {
        wait(|reply| self.submit(batches, reply))
    }

    /// Asks for a command; it is decided with the others of its kind that wait.
    pub fn submit_command<C: Command>(&self, command: C, reply: Reply<Decision<C>>) {
        self.enqueue(Submission::Command(Box::new(Waiter { command, reply })));
    }

    /// Asks for a command and waits for the decision.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`].
    pub fn run<C: Command>(&self, command: C) -> Result<Decision<C>, Fault> {
        wait(|reply| self.submit_command(command, reply))
    }

    /// Asks for commands of one kind, all at once, and waits for all decisions, in order.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`]; the first fault there is.
    pub fn run_all<C: Command>(&self, commands: Vec<C>) -> Result<Vec<Decision<C>>, Fault> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let count = commands.len();
        for (place, command) in commands.into_iter().enumerate() {
            let sender = sender.clone();
            // Nobody waits any more when the receiver is gone.
            let reply = move |decision| drop(sender.send((place, decision)));
            self.submit_command(command, Box::new(reply));
        }
        drop(sender);
        let mut decisions: Vec<Option<Decision<C>>> = Vec::new();
        decisions.resize_with(count, || None);
        for (place, decision) in receiver {
            if let Some(slot) = decisions.get_mut(place) {
                *slot = Some(decision?);
            }
        }
        let stopped = || Fault::new(FaultKind::Unavailable, "the writer has stopped");
        decisions.into_iter().map(|decision| decision.ok_or_else(stopped)).collect()
    }

    /// Writes balances, holds and ids down now, and waits until that is done.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn checkpoint(&self) -> Result<(), Fault> {
        wait(|reply| self.enqueue(Submission::Checkpoint(reply)))
    }

    fn enqueue(&self, submission: Submission) {
        if let Err(turned_away) = self.inner.shared.inbox.submit(submission) {
            turned_away.fail(Fault::new(FaultKind::Unavailable, "the queue of the writer is full"));
        }
    }

    /// How many decisions wait for the writer.
    pub fn waiting(&self) -> usize {
        self.inner.shared.inbox.waiting()
    }

    /// Gives why the last group of this process was not committed; nothing when it was. A full disk
    /// or one without writing shows here, while everything can still be read.
    pub fn failing(&self) -> Option<Arc<str>> {
        self.inner.shared.failing()
    }

    /// The last durable movement.
    pub fn durable(&self) -> Seq {
        self.inner.shared.durable()
    }

    /// Finds an account's number.
    pub fn find_account(&self, id: Id<kind::Account>) -> Option<AccountNumber> {
        self.inner.shared.book().find_settled_account(id)
    }

    /// Finds numbers of accounts under one lock.
    pub fn find_accounts(&self, ids: &[Id<kind::Account>]) -> Vec<Option<AccountNumber>> {
        let book = self.inner.shared.book();
        ids.iter().map(|&id| book.find_settled_account(id)).collect()
    }

    /// Gives an account as it durably stands; waits for a commit under way that changes it.
    pub fn account(&self, number: AccountNumber) -> Option<Account> {
        self.inner.shared.read(
            |book| book.account(number).cloned(),
            |account| account.as_ref().map_or(Seq::NONE, |account| account.state().head()),
        )
    }

    /// Gives an account without waiting.
    ///
    /// # Errors
    ///
    /// [`UnderWay`] while a commit changes it; [`Store::account`] waits.
    pub fn try_account(&self, number: AccountNumber) -> Result<Option<Account>, UnderWay> {
        let seen = self.inner.shared.try_read(
            |book| book.account(number).cloned(),
            |account| account.as_ref().map_or(Seq::NONE, |account| account.state().head()),
        );
        seen.ok_or(UnderWay)
    }

    /// Gives a hold as it durably stands; one that ended long ago only [`FindHold`] finds.
    ///
    /// [`FindHold`]: crate::FindHold
    pub fn hold(&self, id: Id<kind::Hold>) -> Option<Hold> {
        self.inner.shared.read(
            |book| book.hold(id).cloned(),
            |hold| hold.as_ref().map_or(Seq::NONE, |hold| hold.head),
        )
    }

    /// Gives an expectation as it durably stands; one that ended long ago only [`FindExpectation`]
    /// finds.
    ///
    /// [`FindExpectation`]: crate::FindExpectation
    pub fn expectation(&self, id: Id<kind::Expectation>) -> Option<Expectation> {
        self.inner.shared.read(
            |book| book.expectation(id).copied(),
            |expected| expected.as_ref().map_or(Seq::NONE, |expected| expected.head),
        )
    }

    /// Reads the book as it is decided, a commit under way included: for jobs that look for work
    /// (due holds, due lots) and for counts, never for an answer about a balance.
    pub fn look<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.inner.shared.book())
    }

    /// Gives an account's movements before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails or a row is damaged.
    pub fn history(
        &self,
        account: AccountNumber,
        before: Option<Seq>,
        limit: u32,
    ) -> Result<Vec<Movement>, Fault> {
        let Some(head) = self.account(account).map(|account| account.state().head()) else {
            return Ok(Vec::new());
        };
        let Some(before) = before.filter(|&before| before <= head) else {
            return self.inner.database.read(|reader| journal::walk(reader, account, head, limit));
        };
        // `before` is on this account's chain: start at it and leave it out.
        let rows = self
            .inner
            .database
            .read(|reader| journal::walk(reader, account, before, limit.saturating_add(1)))?;
        Ok(rows.into_iter().filter(|movement| movement.seq < before).collect())
    }

    /// Gives the movements from `first` on, at most `limit`, all of them durable.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails or a row is damaged.
    pub fn movements(&self, first: Seq, limit: u32) -> Result<Vec<Movement>, Fault> {
        let end = Seq::new(first.get().saturating_add(u64::from(limit))).min(self.durable().next());
        self.inner.database.read(|reader| {
            let mut rows = Vec::new();
            journal::scan_movements(reader, first, end, |movement| {
                rows.push(*movement);
                Ok(())
            })?;
            Ok(rows)
        })
    }

    /// Asks for batches and dies: the writer stops as soon as it can, answers nobody and writes no
    /// balances down, as a process does that is killed.
    #[cfg(any(test, feature = "testing"))]
    pub fn abandon(&self, batches: Vec<Batch>) {
        self.submit(batches, Box::new(|_nobody| ()));
        drop(self.inner.shared.inbox.submit(Submission::Die));
        self.inner.stop();
    }

    /// Stops the writer after it has done what it was given and has written balances down.
    pub fn close(&self) {
        self.inner.stop();
    }
}

/// Waits for the one call of a reply.
fn wait<T: Send + 'static>(ask: impl FnOnce(Reply<T>)) -> Result<T, Fault> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    // Nobody waits any more when the receiver is gone.
    ask(Box::new(move |answer| drop(sender.send(answer))));
    match receiver.recv() {
        Ok(answer) => answer,
        Err(_gone) => Err(Fault::new(FaultKind::Unavailable, "the writer has stopped")),
    }
}

struct Opened {
    book: Book,
    ids: Ids,
    last: Group,
    dirty: Dirty,
}

/// Finds the secret of the id fingerprints, or makes it, once for all.
fn secret(connection: &mut Connection, chance: &mut impl IdSource) -> Result<[u64; 2], Fault> {
    if let Some(position) = checkpoint::find_position(&mut connection.reader()?)? {
        return Ok(position.secret);
    }
    let bits = |chance: u128| u64::try_from((chance >> 8) & u128::from(u64::MAX)).unwrap_or(1);
    let secret = [bits(chance.chance()), bits(chance.chance())];
    let mut tx = connection.begin()?;
    checkpoint::save_position(&mut tx, Position { seq: Seq::NONE, group: 0, secret })?;
    tx.commit()?;
    // Another process may have been first.
    let position = checkpoint::find_position(&mut connection.reader()?)?;
    Ok(position.map_or(secret, |position| position.secret))
}

fn open_checkpoint(
    database: &Database,
    connection: &mut Connection,
    progress: &mut impl FnMut(OpenProgress),
) -> Result<Option<Opened>, Fault> {
    let mut reader = connection.reader()?;
    let Some(position) = checkpoint::find_position(&mut reader)? else { return Ok(None) };
    if position.group == 0 {
        return Ok(None);
    }
    let last = journal::last_group(&mut reader)?;
    if last.number < position.group {
        return Err(Fault::new(FaultKind::Corrupt, "checkpoint is newer than the journal"));
    }
    let runs = database.read_snapshot(checkpoint::load_runs)?;
    let mut book = checkpoint::restore(&mut reader, last.accounts_after(), |first, end| {
        database.read(|reader| {
            let mut specs = Vec::new();
            journal::scan_accounts(reader, first, end, |_, spec| {
                specs.push(spec);
                Ok(())
            })?;
            Ok(specs)
        })
    })?;
    for unit in registry::units(&mut reader)? {
        book.set_unit(unit);
    }
    book.restore_position(position.seq, Timestamp::from_microseconds(0));
    let mut ids = Ids::new(position.secret, runs);
    let mut dirty = Dirty::default();
    let of = last.last_seq().get().saturating_sub(position.seq.get());
    let mut done = 0_u64;
    journal::scan_movements(
        &mut reader,
        position.seq.next(),
        last.last_seq().next(),
        |movement| {
            book.catch_up(movement).map_err(|error| misfit(movement, error))?;
            ids.insert(movement);
            dirty.note(core::slice::from_ref(movement));
            done = done.saturating_add(1);
            if done.is_multiple_of(100_000) {
                progress(OpenProgress { done, of });
            }
            Ok(())
        },
    )?;
    if of == 0 {
        book.restore_position(position.seq, last.at);
    }
    Ok(Some(Opened { book, ids, last, dirty }))
}

fn open_journal(
    connection: &mut Connection,
    secret: [u64; 2],
    progress: &mut impl FnMut(OpenProgress),
) -> Result<Opened, Fault> {
    let mut reader = connection.reader()?;
    let last = journal::last_group(&mut reader)?;
    let mut book = Book::new();
    book.reserve_accounts(usize::try_from(last.accounts_after()).unwrap_or(0));
    for unit in registry::units(&mut reader)? {
        book.set_unit(unit);
    }
    journal::scan_accounts(&mut reader, 0, last.accounts_after(), |_, spec| {
        book.open_account(spec);
        Ok(())
    })?;
    let mut ids = Ids::new(secret, Vec::new());
    let mut dirty = Dirty::default();
    dirty.note_accounts(0, last.accounts_after());
    let of = last.last_seq().get();
    let mut done = 0_u64;
    journal::scan_movements(&mut reader, Seq::new(1), last.last_seq().next(), |movement| {
        book.fold(movement).map_err(|error| misfit(movement, error))?;
        ids.insert(movement);
        dirty.note(core::slice::from_ref(movement));
        done = done.saturating_add(1);
        if done.is_multiple_of(100_000) {
            progress(OpenProgress { done, of });
        }
        Ok(())
    })?;
    Ok(Opened { book, ids, last, dirty })
}
