use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connection::{Connection, Durability, Role};
use crate::fault::{Fault, FaultKind};
use crate::statement::Dialect;
use crate::tx::Reader;
use crate::url::DatabaseUrl;

/// How many read connections there may be, and how long one is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// The most read connections open at once.
    pub readers_max: usize,
    /// How long a reader waits for one before it gives up.
    pub wait: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { readers_max: 16, wait: Duration::from_secs(2) }
    }
}

/// The one database: a file or a server. Clones share the pool of read connections.
#[derive(Clone, Debug)]
pub struct Database {
    url: Arc<DatabaseUrl>,
    pool: Arc<Pool>,
    #[cfg(any(test, feature = "testing"))]
    saboteur: Option<Arc<dyn crate::sabotage::Saboteur>>,
}

#[derive(Debug)]
struct Pool {
    options: PoolOptions,
    state: Mutex<PoolState>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Connection>,
    open: usize,
}

impl Database {
    /// Opens the file or connects to the server once, to learn that it is there and ours.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Unavailable`] when it cannot be reached, [`FaultKind::Configuration`] when it
    /// refuses us or the file is another program's, [`FaultKind::Corrupt`] when the file is no
    /// database.
    pub fn open(url: &DatabaseUrl, options: PoolOptions) -> Result<Self, Fault> {
        let url = Arc::new(url.clone());
        let pool = Pool { options, state: Mutex::default(), returned: Condvar::new() };
        let database = Self {
            url,
            pool: Arc::new(pool),
            #[cfg(any(test, feature = "testing"))]
            saboteur: None,
        };
        drop(database.connect()?);
        Ok(database)
    }

    /// Lets a saboteur at all connections made by [`Database::connect`] from now on.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn with_saboteur(mut self, saboteur: Arc<dyn crate::sabotage::Saboteur>) -> Self {
        self.saboteur = Some(saboteur);
        self
    }

    /// Tells which SQL is spoken there.
    pub fn dialect(&self) -> Dialect {
        self.url.dialect()
    }

    /// Gives the address, which shows itself without its password.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Gives a connection of the caller's own, for the writer, a job or the migrator.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub fn connect(&self) -> Result<Connection, Fault> {
        #[cfg_attr(not(any(test, feature = "testing")), expect(unused_mut, reason = "no saboteur"))]
        let mut connection = Connection::open(Arc::clone(&self.url), Role::Dedicated)?;
        #[cfg(any(test, feature = "testing"))]
        connection.saboteur.clone_from(&self.saboteur);
        Ok(connection)
    }

    /// Reads on a pooled connection; each statement sees what is committed when it starts.
    ///
    /// `work` only reads; it is done a second time when the pooled connection turns out to have
    /// been lost.
    ///
    /// # Errors
    ///
    /// What `work` gives; [`FaultKind::Unavailable`] when no connection was free in time.
    pub fn read<T>(
        &self,
        mut work: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with_connection(|connection| work(&mut Reader::new(connection)))
    }

    /// Reads on a pooled connection; all statements see the same moment. Keep it short: the
    /// embedded database cannot shorten its log meanwhile.
    ///
    /// `work` only reads; it is done a second time when the pooled connection turns out to have
    /// been lost.
    ///
    /// # Errors
    ///
    /// As [`Database::read`].
    pub fn read_snapshot<T>(
        &self,
        mut work: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with_connection(|connection| {
            match connection.dialect() {
                Dialect::Sqlite => connection.run("begin snapshot", "BEGIN")?,
                Dialect::MySql => {
                    let level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
                    connection.run("begin snapshot", level)?;
                    let start = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
                    connection.run("begin snapshot", start)?;
                }
            }
            let result = work(&mut Reader::new(connection));
            if connection.usable() && connection.run("end snapshot", "ROLLBACK").is_err() {
                connection.close();
            }
            result
        })
    }

    /// Asks the database whether its commits are safe.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when it cannot be asked.
    pub fn durability(&self) -> Result<Durability, Fault> {
        self.connect()?.durability()
    }

    fn with_connection<T>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let place = Place::take(&self.pool)?;
        let (result, pooled) = place.work(&self.url, &mut work)?;
        match result {
            Err(fault) if pooled && fault.breaks_connection() => {
                // The others are likely to be lost as well, or lead to a server that was replaced.
                let stale = core::mem::take(&mut self.pool.lock().idle);
                drop(stale);
                let (result, _pooled) = Place::take(&self.pool)?.work(&self.url, &mut work)?;
                result
            }
            result => result,
        }
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        // Nothing is changed halfway while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use one of the pool's connections. Dropping it, also in a panic, gives the place
/// back; the connection itself is only kept after work that left it usable.
struct Place<'p> {
    pool: &'p Pool,
    idle: Option<Connection>,
}

impl<'p> Place<'p> {
    fn take(pool: &'p Pool) -> Result<Self, Fault> {
        let full = |state: &mut PoolState| state.open >= pool.options.readers_max;
        let waited = pool.returned.wait_timeout_while(pool.lock(), pool.options.wait, full);
        let (mut state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        if outcome.timed_out() {
            let tried = "read (all read connections are in use)";
            return Err(Fault::new(FaultKind::Unavailable, tried));
        }
        state.open = state.open.saturating_add(1);
        Ok(Self { pool, idle: state.idle.pop() })
    }

    /// Does the work; tells as well whether the connection had been used before.
    fn work<T>(
        mut self,
        url: &Arc<DatabaseUrl>,
        work: &mut dyn FnMut(&mut Connection) -> Result<T, Fault>,
    ) -> Result<(Result<T, Fault>, bool), Fault> {
        let (mut connection, pooled) = match self.idle.take() {
            Some(connection) => (connection, true),
            None => (Connection::open(Arc::clone(url), Role::Pooled)?, false),
        };
        let result = work(&mut connection);
        if connection.usable() {
            self.idle = Some(connection);
        }
        Ok((result, pooled))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.open = state.open.saturating_sub(1);
        state.idle.extend(self.idle.take());
        drop(state);
        self.pool.returned.notify_one();
    }
}
