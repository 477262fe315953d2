//! Keeps the embedded database's write-ahead log short, from a thread of its own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::committer::Flight;
use crate::{Connection, Database, Dialect, Fault, FaultKind};

/// Pages after which the log is moved into the file, beside the commits: 32 MiB.
const PAGES_BESIDE: u64 = 8_192;
const PAGE_BYTES: u64 = 4_096;
/// Bytes a movement takes in the log, about.
const MOVEMENT_BYTES: u64 = 85;

/// Counts what is in the log and has it moved when it is much.
#[derive(Debug)]
pub(crate) struct Wal {
    pages: u64,
    mover: Option<Mover>,
}

#[derive(Debug)]
struct Mover {
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wal {
    /// Starts the thread, for the embedded database only.
    pub(crate) fn start(database: &Database) -> Result<Self, Fault> {
        if database.dialect() == Dialect::MySql {
            return Ok(Self { pages: 0, mover: None });
        }
        let connection = database.connect()?;
        let (wake, woken) = channel();
        let thread = std::thread::Builder::new()
            .name("log mover".to_owned())
            .spawn(move || run(connection, &woken))
            .map_err(|error| Fault::new(FaultKind::Other, "start log mover").caused_by(error))?;
        Ok(Self { pages: 0, mover: Some(Mover { wake: Some(wake), thread: Some(thread) }) })
    }

    /// Counts a group that was committed.
    pub(crate) fn note(&mut self, flight: &Flight) {
        let Some(mover) = &self.mover else { return };
        let rows =
            u64::try_from(flight.movements.len()).unwrap_or(0).saturating_mul(MOVEMENT_BYTES);
        let pieces: usize = flight.pieces.iter().map(crate::checkpoint::Piece::size).sum();
        let accounts = u64::from(flight.group.accounts).saturating_mul(40);
        let bytes =
            rows.saturating_add(u64::try_from(pieces).unwrap_or(0)).saturating_add(accounts);
        self.pages = self.pages.saturating_add(3).saturating_add(bytes.div_ceil(PAGE_BYTES));
        if self.pages >= PAGES_BESIDE {
            self.pages = 0;
            if let Some(wake) = &mover.wake {
                let sent = wake.send(());
                debug_assert!(sent.is_ok(), "the thread ends only after its queue is dropped");
            }
        }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook.
            drop(thread.join());
        }
    }
}

fn run(mut connection: Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        while woken.try_recv().is_ok() {}
        if let Err(fault) = connection.checkpoint_wal() {
            tracing::warn!(error = %fault, "the write-ahead log was not moved");
        }
    }
    // The last one out leaves a short log behind; the file is whole without it.
    drop(connection.checkpoint_wal());
}
