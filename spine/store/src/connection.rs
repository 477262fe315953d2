use std::sync::Arc;

use crate::fault::{Fault, FaultKind};
#[cfg(any(test, feature = "testing"))]
use crate::sabotage::{self, Sabotage, Saboteur};
use crate::statement::Dialect;
use crate::tx::{Reader, Tx};
use crate::url::DatabaseUrl;
use crate::value::{Row, Value};
use crate::{mysql as mysql_driver, sqlite};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The writer's, a job's, the migrator's: it may write.
    Dedicated,
    /// One of the pool's: it only reads.
    Pooled,
}

/// A connection of one thread's own: the writer's, a job's.
///
/// A lost connection is opened anew by the next [`Connection::begin`]; what was under way failed.
pub struct Connection {
    url: Arc<DatabaseUrl>,
    role: Role,
    driver: Option<Driver>,
    bulk: bool,
    failed: bool,
    log_pages: u64,
    #[cfg(any(test, feature = "testing"))]
    pub(crate) saboteur: Option<Arc<dyn Saboteur>>,
}

enum Driver {
    Sqlite(rusqlite::Connection),
    MySql(mysql::Conn),
}

/// How far the write-ahead log of the embedded database was moved into its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalCheckpoint {
    /// Pages of 4 KiB in the log.
    pub pages: u64,
    /// Of these, pages that are in the file now. When it is all of them, and nobody reads the log,
    /// the next commit starts it from its beginning.
    pub moved: u64,
}

/// Whether a commit survives a power cut, as far as the database tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durability {
    /// The settings that decide it, with their values.
    pub settings: Vec<(String, String)>,
    /// A sentence for each setting that may lose an acknowledged commit.
    pub warnings: Vec<String>,
}

impl Connection {
    pub(crate) fn open(url: Arc<DatabaseUrl>, role: Role) -> Result<Self, Fault> {
        let mut connection = Self {
            url,
            role,
            driver: None,
            bulk: false,
            failed: false,
            log_pages: 0,
            #[cfg(any(test, feature = "testing"))]
            saboteur: None,
        };
        connection.ensure()?;
        Ok(connection)
    }

    /// Pages of 4 KiB in the write-ahead log after this connection's last commit; 0 on a server.
    pub(crate) const fn log_pages(&self) -> u64 {
        self.log_pages
    }

    /// Notes how long the log is, right after a commit and on the thread that made it.
    pub(crate) fn note_log(&mut self) {
        if self.sqlite().is_some() {
            self.log_pages = sqlite::log_pages();
        }
    }

    /// Tells which SQL is spoken here.
    pub fn dialect(&self) -> Dialect {
        self.url.dialect()
    }

    /// Begins a database transaction that may write. `SQLite` waits here for another writer; on a
    /// server it reads what is committed (`READ COMMITTED`).
    ///
    /// Opens a lost connection anew.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Unavailable`] when there is no connection to be had,
    /// [`FaultKind::Serialization`] when another process holds the file's write lock for 5 seconds.
    pub fn begin(&mut self) -> Result<Tx<'_>, Fault> {
        let start = match self.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::MySql => "START TRANSACTION",
        };
        self.start("begin", start)?;
        Ok(Tx::new(self))
    }

    /// Reads outside of a transaction: each statement sees what is committed when it starts.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Unavailable`] when there is no connection to be had.
    pub fn reader(&mut self) -> Result<Reader<'_>, Fault> {
        self.ensure()?;
        Ok(Reader::new(self))
    }

    /// Moves pages from the write-ahead log into the file, as far as readers allow, without making
    /// anyone wait but the caller. Call it from a connection that is not the writer's. Does nothing
    /// on a server.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the disk fails.
    pub fn checkpoint_wal(&mut self) -> Result<WalCheckpoint, Fault> {
        self.ensure()?;
        let Some(connection) = self.sqlite() else {
            return Ok(WalCheckpoint::default());
        };
        let counts = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        let (pages, moved) = counts.map_err(|error| sqlite::fault("move log", error))?;
        // Both are -1 when there is no log.
        let count = |pages: i64| u64::try_from(pages).unwrap_or(0);
        Ok(WalCheckpoint { pages: count(pages), moved: count(moved) })
    }

    /// Asks the database whether its commits are safe.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when it cannot be asked.
    pub fn durability(&mut self) -> Result<Durability, Fault> {
        self.ensure()?;
        if let Some(connection) = self.mysql() {
            return mysql_driver::durability(connection);
        }
        let synchronous = match self.sqlite() {
            Some(connection) => sqlite::pragma(connection, "synchronous")?,
            None => 0,
        };
        let mut report = Durability::default();
        report.settings.push(("synchronous".to_owned(), synchronous.to_string()));
        if synchronous < 2 {
            report.warnings.push("synchronous is below FULL: a power cut loses commits".to_owned());
        }
        Ok(report)
    }

    /// Lends the driver's connection, for the journal's hot path.
    pub(crate) fn sqlite(&mut self) -> Option<&mut rusqlite::Connection> {
        match &mut self.driver {
            Some(Driver::Sqlite(connection)) => Some(connection),
            Some(Driver::MySql(_)) | None => None,
        }
    }

    /// Lends the driver's connection, for the journal's hot path.
    pub(crate) fn mysql(&mut self) -> Option<&mut mysql::Conn> {
        match &mut self.driver {
            Some(Driver::MySql(connection)) => Some(connection),
            Some(Driver::Sqlite(_)) | None => None,
        }
    }

    /// Opens the connection if it was lost.
    pub(crate) fn ensure(&mut self) -> Result<(), Fault> {
        if self.driver.is_none() {
            let mut driver = Driver::open(&self.url, self.role)?;
            // Only writers have many rows to send.
            self.bulk = match (self.role, &mut driver) {
                (Role::Dedicated, Driver::MySql(server)) => mysql_driver::takes_bulk(server)?,
                (Role::Dedicated | Role::Pooled, _) => false,
            };
            self.driver = Some(driver);
        }
        Ok(())
    }

    /// Runs the first statement of a piece of work, on a new connection if this one turns out lost.
    pub(crate) fn start(&mut self, name: &str, sql: &str) -> Result<(), Fault> {
        self.ensure()?;
        let mut result = self.run(name, sql);
        if self.driver.is_none() {
            self.ensure()?;
            result = self.run(name, sql);
        }
        self.failed = result.is_err();
        result
    }

    /// Lets a test's saboteur at a step; tells whether its answer is to be lost.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn sabotage(&mut self, step: &str) -> Result<Sabotage, Fault> {
        let Some(saboteur) = &self.saboteur else { return Ok(Sabotage::None) };
        let sabotage = saboteur.next(step);
        if let Sabotage::Before(kind) = sabotage {
            self.failed = true;
            if kind == FaultKind::Unavailable {
                self.driver = None;
            }
            return Err(sabotage::fault(kind, step));
        }
        Ok(sabotage)
    }

    /// Ends a sabotaged step whose answer is lost.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn lose_answer(&mut self, sabotage: Sabotage, step: &str) -> Result<(), Fault> {
        if sabotage == Sabotage::AnswerLost {
            self.driver = None;
            return Err(sabotage::fault(FaultKind::Unavailable, step));
        }
        Ok(())
    }

    /// Runs a text without values and without an answer.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn run(&mut self, name: &str, sql: &str) -> Result<(), Fault> {
        let sabotage = self.sabotage(name)?;
        let sql = if sabotage == Sabotage::Lie && name == "commit" { "ROLLBACK" } else { sql };
        self.run_driver(name, sql)?;
        self.lose_answer(sabotage, name)
    }

    /// Runs a text without values and without an answer.
    #[cfg(not(any(test, feature = "testing")))]
    pub(crate) fn run(&mut self, name: &str, sql: &str) -> Result<(), Fault> {
        self.run_driver(name, sql)
    }

    fn run_driver(&mut self, name: &str, sql: &str) -> Result<(), Fault> {
        let result = match &mut self.driver {
            None => Err(lost(name)),
            Some(Driver::Sqlite(connection)) => sqlite::run(connection, name, sql),
            Some(Driver::MySql(connection)) => mysql_driver::run(connection, name, sql),
        };
        self.judge(result)
    }

    pub(crate) fn execute<'v>(
        &mut self,
        name: &'static str,
        sql: &str,
        values: impl Iterator<Item = &'v Value>,
    ) -> Result<u64, Fault> {
        #[cfg(any(test, feature = "testing"))]
        self.sabotage(name)?;
        let result = match &mut self.driver {
            None => Err(lost(name)),
            Some(Driver::Sqlite(connection)) => sqlite::execute(connection, name, sql, values),
            Some(Driver::MySql(connection)) => mysql_driver::execute(connection, name, sql, values),
        };
        self.judge(result)
    }

    /// Runs a statement of one row for many rows in one packet, if the server takes that and they
    /// are of one shape; tells whether it was done.
    pub(crate) fn execute_bulk<R: AsRef<[Value]>>(
        &mut self,
        name: &'static str,
        sql: &str,
        rows: &[R],
    ) -> Result<bool, Fault> {
        if !self.bulk || !mysql_driver::is_uniform(rows) {
            return Ok(false);
        }
        #[cfg(any(test, feature = "testing"))]
        self.sabotage(name)?;
        let result = match self.mysql() {
            None => Err(lost(name)),
            Some(connection) => mysql_driver::execute_bulk(connection, name, sql, rows),
        };
        self.judge(result).map(|()| true)
    }

    pub(crate) fn for_each<'v>(
        &mut self,
        name: &'static str,
        sql: &str,
        values: impl Iterator<Item = &'v Value>,
        take: &mut dyn FnMut(&Row<'_>, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let result = match &mut self.driver {
            None => Err(lost(name)),
            Some(Driver::Sqlite(connection)) => {
                sqlite::for_each(connection, name, sql, values, take)
            }
            Some(Driver::MySql(connection)) => {
                mysql_driver::for_each(connection, name, sql, values, take)
            }
        };
        self.judge(result)
    }

    /// Notes that a statement failed, and drops the connection when it is of no further use, which
    /// also ends its transaction. Results of the driver that is lent out go through here as well.
    pub(crate) fn judge<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.failed = true;
            if fault.breaks_connection() {
                self.driver = None;
            }
        }
        result
    }

    /// Makes sure that nothing failed since the transaction began.
    pub(crate) fn must_be_sound(&self, name: &str) -> Result<(), Fault> {
        if self.driver.is_none() {
            return Err(lost(name));
        }
        if self.failed {
            let tried = format!("{name} (a statement before it in the transaction failed)");
            return Err(Fault::new(FaultKind::Other, tried));
        }
        Ok(())
    }

    /// Closes, so that the next use opens anew.
    pub(crate) fn close(&mut self) {
        self.driver = None;
    }

    /// Tells whether the connection was not lost yet, as far as is known.
    pub(crate) const fn usable(&self) -> bool {
        self.driver.is_some()
    }
}

impl Driver {
    fn open(url: &DatabaseUrl, role: Role) -> Result<Self, Fault> {
        match url {
            DatabaseUrl::Sqlite(path) => sqlite::open(path, role).map(Self::Sqlite),
            DatabaseUrl::MySql(server) => mysql_driver::open(server, role).map(Self::MySql),
        }
    }
}

fn lost(name: &str) -> Fault {
    Fault::new(FaultKind::Unavailable, format!("{name} (the connection was lost before)"))
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Connection to {}", self.url)
    }
}
