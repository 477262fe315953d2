//! Keeps the embedded database's write-ahead log short, from a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::{Connection, Database, Dialect, Fault, FaultKind};

/// Pages after which the log is moved into the file, beside the commits: 32 MiB.
const PAGES_BESIDE: u64 = 8_192;
/// Pages after which the writer is asked to stop for the rest: 256 MiB. While it goes on committing
/// the log is never all in the file, and only then does it start from its beginning.
const PAGES_MAX: u64 = 65_536;
/// So few pages are a rest that the writer moves in milliseconds.
const PAGES_REST: u64 = 1_024;
/// How often the log is gone through for a small rest.
const PASSES: u32 = 8;

/// Has the log moved when it is long.
#[derive(Debug)]
pub(crate) struct Wal {
    wake_at: u64,
    mover: Option<Mover>,
}

#[derive(Debug)]
struct Mover {
    wake: Option<Sender<()>>,
    /// All but a small rest of a very long log is in the file.
    leaves_a_rest: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wal {
    /// Starts the thread, for the embedded database only.
    pub(crate) fn start(database: &Database) -> Result<Self, Fault> {
        if database.dialect() == Dialect::MySql {
            return Ok(Self { wake_at: PAGES_BESIDE, mover: None });
        }
        let connection = database.connect()?;
        let (wake, woken) = channel();
        let leaves_a_rest = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leaves_a_rest);
        let thread = std::thread::Builder::new()
            .name("log mover".to_owned())
            .spawn(move || run(connection, &woken, &told))
            .map_err(|error| Fault::new(FaultKind::Other, "start log mover").caused_by(error))?;
        let mover = Mover { wake: Some(wake), leaves_a_rest, thread: Some(thread) };
        Ok(Self { wake_at: PAGES_BESIDE, mover: Some(mover) })
    }

    /// Notes how many pages the log has after a commit.
    pub(crate) fn note(&mut self, pages: u64) {
        let Some(mover) = &self.mover else { return };
        if pages < PAGES_BESIDE {
            // It started from its beginning.
            self.wake_at = PAGES_BESIDE;
        }
        if pages >= self.wake_at {
            self.wake_at = pages.saturating_add(PAGES_BESIDE);
            if let Some(wake) = &mover.wake {
                let sent = wake.send(());
                debug_assert!(sent.is_ok(), "the thread ends only after its queue is dropped");
            }
        }
    }

    /// Tells, once, that the writer should move the rest.
    pub(crate) fn wants_the_rest(&self) -> bool {
        let rest = self.mover.as_ref().map(|mover| &mover.leaves_a_rest);
        rest.is_some_and(|rest| rest.load(Ordering::Relaxed) && rest.swap(false, Ordering::Relaxed))
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

fn run(mut connection: Connection, woken: &Receiver<()>, leaves_a_rest: &AtomicBool) {
    while woken.recv().is_ok() {
        while woken.try_recv().is_ok() {}
        for _pass in 0..PASSES {
            match connection.checkpoint_wal() {
                Ok(log) if log.pages < PAGES_MAX => break,
                Ok(log) if log.pages.saturating_sub(log.moved) <= PAGES_REST => {
                    leaves_a_rest.store(true, Ordering::Relaxed);
                    break;
                }
                Ok(_long) => {}
                Err(fault) => {
                    tracing::warn!(error = %fault, "the write-ahead log was not moved");
                    break;
                }
            }
        }
    }
    // The last one out leaves a short log behind; the file is whole without it.
    drop(connection.checkpoint_wal());
}
