use core::time::Duration;
use std::{path::PathBuf, sync::Arc, sync::mpsc};

use super::{
    state::{Check, Disk, Health},
    store::ping,
};
use store::{
    FaultKind, Store,
    migrate::{self, Migration},
};
use vocabulary::Clock;

/// How long the writer may take to answer: longer than it tries a group while the database is away.
const WRITER_WAIT: Duration = Duration::from_secs(8);

/// Looks at the writer, the database and the disk, and leaves what it saw in [`Health`].
///
/// It waits for what it looks at, so it has a thread of its own; when that hangs, what it saw grows
/// old, and old is not ready.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The books.
    pub store: Store,
    /// What the schema must have.
    pub migrations: Arc<[Migration]>,
    /// The folder whose disk fills.
    pub folder: PathBuf,
    /// Tells when it looked.
    pub clock: Arc<dyn Clock>,
    /// Where it writes down what it saw.
    pub health: Arc<Health>,
}

impl Probe {
    /// Looks once.
    pub fn look(&self) {
        let database = self.store.database();
        let reached = ping(database).map_err(|fault| fault.to_string());
        let schema = match &reached {
            Ok(()) => migrate::check(database, &self.migrations).map_err(|fault| fault.to_string()),
            Err(_) => Err("the database cannot be asked".to_owned()),
        };
        let checks = vec![
            Check::new("writer", self.ask_writer()),
            Check::new("database", reached),
            Check::new("schema", schema),
            Check::new("commits", self.store.failing().map_or(Ok(()), |why| Err(why.to_string())))
                .advisory(),
        ];
        self.health.note(self.clock.now(), checks, Disk::of(&self.folder));
    }

    /// Sends nothing through the writer's queue and waits for it to come back.
    ///
    /// It may share a group with what there is no room for: that is no complaint about the writer,
    /// which goes on answering. The check "commits" tells of it.
    fn ask_writer(&self) -> Result<(), String> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // Nobody waits any more when the receiver is gone.
        self.store.submit(Vec::new(), Box::new(move |answer| drop(sender.send(answer))));
        match receiver.recv_timeout(WRITER_WAIT) {
            Ok(Err(fault)) if matches!(fault.kind(), FaultKind::Full | FaultKind::ReadOnly) => {
                Ok(())
            }
            Ok(answer) => answer.map(drop).map_err(|fault| fault.to_string()),
            Err(_late) => Err(format!("no answer for {} s", WRITER_WAIT.as_secs())),
        }
    }
}

impl Disk {
    /// Tells how much room there is where `folder` is; `None` when the system does not tell.
    pub fn of(folder: &std::path::Path) -> Option<Self> {
        let figures = rustix::fs::statvfs(folder).ok()?;
        Some(Self {
            free_bytes: figures.f_bavail.saturating_mul(figures.f_frsize),
            size_bytes: figures.f_blocks.saturating_mul(figures.f_frsize),
        })
    }
}
