//! Everything that names the `SQLite` driver.

use std::path::Path;
use std::time::Duration;

use rusqlite::ffi;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use crate::connection::Role;
use crate::fault::{DatabaseError, Fault, FaultKind};
use crate::value::{Cell, Cells, Row, Value};

/// "Daif" in the header of the file; the operating system's `file` shows it.
pub(crate) const APPLICATION_ID: i64 = 0x4461_6966;

/// How long a statement waits for another process's write lock. Inside one process only the writer
/// writes, so that this is for a migrator or a second process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than the statements of all features, so that each is compiled once a connection.
const STATEMENTS_CACHED: usize = 512;

/// Opens the file and sets what holds for this connection.
pub(crate) fn open(path: &Path, role: Role) -> Result<Connection, Fault> {
    const TRIED: &str = "open database file";
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let tried = format!("{TRIED} (its folder {} is missing)", path.display());
        return Err(Fault::new(FaultKind::Configuration, tried));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| fault(TRIED, error);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    claim(&connection)?;
    connection.execute_batch(settings(role)).map_err(failed)?;
    // After the settings, of which one takes the hook for itself.
    connection.wal_hook(Some(|_log, pages| {
        LOG_PAGES.set(u64::try_from(pages).unwrap_or(0));
        Ok(())
    }));
    Ok(connection)
}

thread_local! {
    /// Pages in the log after the last commit of this thread: `SQLite` tells a function without a
    /// place of its own.
    static LOG_PAGES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Pages of 4 KiB in the write-ahead log after the last commit of this thread.
pub(crate) fn log_pages() -> u64 {
    LOG_PAGES.get()
}

/// Makes a new file ours; refuses a file that is another program's.
fn claim(connection: &Connection) -> Result<(), Fault> {
    let failed = |error| fault("open database file", error);
    let known = pragma(connection, "application_id").map_err(|refused| match refused.code() {
        Some(ffi::SQLITE_CANTOPEN) => {
            let tried = "open database file (may this user write it, and into its folder?)";
            Fault::new(FaultKind::Unavailable, tried).caused_by(refused.to_string())
        }
        Some(_) | None => refused,
    })?;
    if known == APPLICATION_ID {
        return Ok(());
    }
    if pragma(connection, "page_count")? != 0 {
        let tried = "open database file (it belongs to another program)";
        return Err(Fault::new(FaultKind::Configuration, tried));
    }
    // With 8192, groups of 1 and 100 rows took a tenth longer, groups of 8,000 and scans as long.
    connection.execute_batch("PRAGMA page_size = 4096").map_err(failed)?;
    connection.execute_batch("PRAGMA journal_mode = WAL").map_err(failed)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)
}

const fn settings(role: Role) -> &'static str {
    match role {
        // Every commit is on the disk before it is answered. The log is moved into the file by
        // `Connection::checkpoint_wal`, never in the middle of a commit, and then written over from
        // its beginning. It is cut to 512 MiB only, which it reaches beside a very long reader:
        // cutting it each time it starts anew made that commit wait 70 to 380 ms.
        Role::Dedicated => {
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA cache_size = -65536;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 536870912;"
        }
        Role::Pooled => {
            "PRAGMA query_only = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA cache_size = -8192;
             PRAGMA wal_autocheckpoint = 0;"
        }
    }
}

/// Reads a number that `SQLite` keeps about the file or the connection.
pub(crate) fn pragma(connection: &Connection, name: &'static str) -> Result<i64, Fault> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| fault(name, error))
}

/// Runs a text without values and without an answer.
pub(crate) fn run(connection: &Connection, name: &str, sql: &str) -> Result<(), Fault> {
    connection.execute_batch(sql).map_err(|error| fault(name, error))
}

/// Runs a statement; gives the number of rows it wrote.
pub(crate) fn execute<'v>(
    connection: &Connection,
    name: &'static str,
    sql: &str,
    values: impl Iterator<Item = &'v Value>,
) -> Result<u64, Fault> {
    let mut statement = bound(connection, name, sql, values)?;
    let rows = statement.raw_execute().map_err(|error| fault(name, error))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// Runs a query and lends each row to `take`, with the number of its columns.
pub(crate) fn for_each<'v>(
    connection: &Connection,
    name: &'static str,
    sql: &str,
    values: impl Iterator<Item = &'v Value>,
    take: &mut dyn FnMut(&Row<'_>, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut statement = bound(connection, name, sql, values)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| fault(name, error))? {
        take(&Row { statement: name, cells: Cells::Sqlite(row) }, columns)?;
    }
    Ok(())
}

/// Follows a chain of rows: runs a query of one placeholder and one row for `first`, and again for
/// what `take` gives, until it gives nothing. There is no server to travel to, so that a row costs
/// a look-up.
pub(crate) fn follow(
    connection: &Connection,
    name: &'static str,
    sql: &str,
    first: u64,
    take: impl FnMut(&Row<'_>) -> Result<Option<u64>, Fault>,
) -> Result<(), Fault> {
    // Outside a transaction every lookup locks and unlocks the file, which takes a third of it.
    if connection.is_autocommit() {
        run(connection, "begin to follow", "BEGIN")?;
        let followed = follow_on(connection, name, sql, first, take);
        let ended = run(connection, "end following", "ROLLBACK");
        return followed.and(ended);
    }
    follow_on(connection, name, sql, first, take)
}

fn follow_on(
    connection: &Connection,
    name: &'static str,
    sql: &str,
    first: u64,
    mut take: impl FnMut(&Row<'_>) -> Result<Option<u64>, Fault>,
) -> Result<(), Fault> {
    let failed = |error| fault(name, error);
    let mut statement = connection.prepare_cached(sql).map_err(|error| unfit(name, error))?;
    let mut next = Some(first);
    while let Some(key) = next {
        statement.raw_bind_parameter(1, key.cast_signed()).map_err(failed)?;
        let mut rows = statement.raw_query();
        next = match rows.next().map_err(failed)? {
            Some(row) => take(&Row { statement: name, cells: Cells::Sqlite(row) })?,
            None => None,
        };
    }
    Ok(())
}

fn bound<'c, 'v>(
    connection: &'c Connection,
    name: &'static str,
    sql: &str,
    values: impl Iterator<Item = &'v Value>,
) -> Result<CachedStatement<'c>, Fault> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| unfit(name, error))?;
    let mut count = 0_usize;
    for (place, value) in (1_usize..).zip(values) {
        statement.raw_bind_parameter(place, value).map_err(|error| fault(name, error))?;
        count = place;
    }
    // A placeholder that was left out would be null.
    assert_eq!(count, statement.parameter_count(), "{name} has a value for each placeholder");
    Ok(statement)
}

/// Prepares a text and gives what the database says against it, for a test's eyes only.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn refusal_of(connection: &Connection, sql: &str) -> Option<String> {
    connection.prepare(sql).err().map(|error| error.to_string())
}

/// Tells how a text would be carried out, a step a line, for a test's eyes only.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn plan_of(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    // What is not bound is NULL, which the planner does not look at.
    statement.raw_query().mapped(|row| row.get(3)).collect()
}

/// Reads a cell; `None` when it is missing or of a type we never store.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Option<Cell<'r>> {
    match row.get_ref(column).ok()? {
        ValueRef::Null => Some(Cell::Null),
        ValueRef::Integer(integer) => Some(Cell::Integer(integer)),
        ValueRef::Text(text) => Some(Cell::Text(text)),
        ValueRef::Blob(bytes) => Some(Cell::Bytes(bytes)),
        ValueRef::Real(_) => None,
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// Sorts an error of the driver into our kinds; the SQL text it may carry is left behind.
pub(crate) fn fault(tried: &str, error: rusqlite::Error) -> Fault {
    if let rusqlite::Error::SqliteFailure(error, text) = error {
        let text = text.map_or_else(String::new, |text| format!(": {text}"));
        let cause = DatabaseError { code: error.extended_code, text };
        return Fault::new(kind_of(error), tried).caused_by(cause);
    }
    if let rusqlite::Error::SqlInputError { error, msg, .. } = error {
        let cause = DatabaseError { code: error.extended_code, text: format!(": {msg}") };
        return Fault::new(kind_of(error), tried).caused_by(cause);
    }
    Fault::new(FaultKind::Other, tried).caused_by(error)
}

/// Sorts an error of compiling a statement: what has no code of its own means that a table or a
/// column is not there.
fn unfit(tried: &str, error: rusqlite::Error) -> Fault {
    let fault = fault(tried, error);
    let plain = fault.code() == Some(ffi::SQLITE_ERROR);
    if plain { fault.with_kind(FaultKind::Schema) } else { fault }
}

fn kind_of(error: ffi::Error) -> FaultKind {
    match error.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => return FaultKind::Conflict,
        _ => {}
    }
    match error.extended_code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => FaultKind::Serialization,
        ffi::SQLITE_READONLY => FaultKind::ReadOnly,
        ffi::SQLITE_FULL => FaultKind::Full,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => FaultKind::Corrupt,
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_TOOBIG | ffi::SQLITE_MISMATCH => FaultKind::Check,
        ffi::SQLITE_SCHEMA => FaultKind::Schema,
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => FaultKind::Configuration,
        // After an I/O error the state of the connection is unknown: open the file anew and let the
        // log tell what was committed.
        ffi::SQLITE_IOERR
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_NOMEM
        | ffi::SQLITE_PROTOCOL
        | ffi::SQLITE_INTERRUPT => FaultKind::Unavailable,
        _ => FaultKind::Other,
    }
}
