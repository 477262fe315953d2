//! Everything that names the MySQL driver.

use std::time::Duration;

use mysql::consts::{CapabilityFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Conn, DriverError, OptsBuilder, Params, SslOpts};

use crate::connection::{Durability, Role};
use crate::fault::{DatabaseError, Fault, FaultKind};
use crate::url::{ServerUrl, Tls};
use crate::value::{Cell, Cells, Row, Value};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how many milliseconds of an unanswered packet, or of unanswered probes, a connection
/// counts as lost. Statements themselves may take longer.
const SILENCE_MAX_MS: u32 = 20_000;

/// More than the statements of all features, so that each is compiled once a connection.
const STATEMENTS_CACHED: usize = 512;

/// The collation number of raw bytes.
const BINARY: u16 = 63;

/// What must not depend on how a server is set up. A lock is waited for briefly, since the writer
/// repeats the whole transaction; a table that is being altered likewise.
const SESSION: &str = "SET
    SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY',
    SESSION time_zone = '+00:00',
    SESSION innodb_lock_wait_timeout = 5,
    SESSION lock_wait_timeout = 10,
    SESSION autocommit = 1";

/// How many rows one bulk packet takes. `MariaDB` 10.11, twelve columns, one connection, 8,000 rows
/// a transaction, fsync at each commit: bulk packets of 1,000 rows 250,000 rows a second,
/// statements of 512 rows 200,000, of 5,000 rows 140,000, literals in the text 140,000.
pub(crate) const BULK_ROWS_MAX: usize = 1_000;

/// Connects and sets what holds for this session.
pub(crate) fn open(url: &ServerUrl, role: Role) -> Result<Conn, Fault> {
    const TRIED: &str = "connect to database server";
    let tls = match &url.tls {
        Tls::Off => None,
        Tls::Required { ca } => Some(SslOpts::default().with_root_cert_path(ca.clone())),
    };
    let options = OptsBuilder::new()
        .user(Some(&url.user))
        .pass(Some(&url.password))
        .ip_or_hostname(Some(&url.host))
        .tcp_port(url.port)
        .socket(url.socket.clone())
        .prefer_socket(false)
        .db_name(Some(&url.name))
        .ssl_opts(tls)
        .tcp_connect_timeout(Some(CONNECT_TIMEOUT))
        .tcp_keepalive_time_ms(Some(SILENCE_MAX_MS))
        .stmt_cache_size(STATEMENTS_CACHED)
        // An UPDATE counts the rows it found, as SQLite does, not those whose values differ now.
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
        .init(vec![
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            SESSION,
        ]);
    #[cfg(target_os = "linux")]
    let options = options.tcp_user_timeout_ms(Some(SILENCE_MAX_MS));
    let mut connection = Conn::new(options).map_err(|error| fault(TRIED, error))?;
    match role {
        Role::Dedicated => {}
        Role::Pooled => run(&mut connection, TRIED, "SET SESSION TRANSACTION READ ONLY")?,
    }
    Ok(connection)
}

/// Tells whether the server takes many rows of values for one statement in one packet, which only
/// `MariaDB` does; the driver would send them one by one elsewhere.
pub(crate) fn takes_bulk(connection: &mut Conn) -> Result<bool, Fault> {
    let version: Option<String> =
        connection.query_first("SELECT version()").map_err(|error| fault("read version", error))?;
    Ok(version.is_some_and(|version| version.contains("MariaDB")))
}

/// Tells whether the rows can go in one packet: it has one type a column, and the driver would send
/// values of another as if they were of that one.
pub(crate) fn is_uniform<R: AsRef<[Value]>>(rows: &[R]) -> bool {
    let mut known: Vec<Option<bool>> = Vec::new();
    rows.iter().all(|row| {
        known.resize(known.len().max(row.as_ref().len()), None);
        known.iter_mut().zip(row.as_ref()).all(|(known, value)| match value {
            Value::Null => true,
            Value::Integer(_) => *known.get_or_insert(true),
            Value::Bytes(_) | Value::Text(_) => !*known.get_or_insert(false),
        })
    })
}

/// Runs a statement of one row for many rows at once.
pub(crate) fn execute_bulk<R: AsRef<[Value]>>(
    connection: &mut Conn,
    name: &str,
    sql: &str,
    rows: &[R],
) -> Result<(), Fault> {
    let failed = |error| fault(name, error);
    let statement = connection.prep(sql).map_err(failed)?;
    let rows = rows.iter().map(|row| bound(row.as_ref().iter()));
    connection.exec_batch(&statement, rows).map_err(failed)
}

/// Reads the settings that decide whether a commit survives a power cut; a server that does not
/// know one (TiDB and others replicate instead) leaves it out.
pub(crate) fn durability(connection: &mut Conn) -> Result<Durability, Fault> {
    let settings: Vec<(String, String)> = connection
        .query(
            "SHOW VARIABLES WHERE Variable_name IN
             ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'innodb_doublewrite')",
        )
        .map_err(|error| fault("read durability", error))?;
    let is = |name: &str, expected: &str| {
        settings.iter().find(|(known, _)| known == name).map(|(_, value)| value == expected)
    };
    let mut warnings = Vec::new();
    if is("innodb_flush_log_at_trx_commit", "1") == Some(false) {
        let text = "innodb_flush_log_at_trx_commit is not 1: a power cut loses commits";
        warnings.push(text.to_owned());
    }
    if is("log_bin", "ON") == Some(true) && is("sync_binlog", "1") == Some(false) {
        let text = "sync_binlog is not 1: after a power cut replicas may lack commits";
        warnings.push(text.to_owned());
    }
    if is("innodb_doublewrite", "OFF") == Some(true) {
        let text = "innodb_doublewrite is off: a power cut may damage pages";
        warnings.push(text.to_owned());
    }
    Ok(Durability { settings, warnings })
}

/// Runs a text without values and without an answer.
pub(crate) fn run(connection: &mut Conn, name: &str, sql: &str) -> Result<(), Fault> {
    connection.query_drop(sql).map_err(|error| fault(name, error))
}

/// Runs a statement; gives the number of rows it found to write.
pub(crate) fn execute<'v>(
    connection: &mut Conn,
    name: &'static str,
    sql: &str,
    values: impl Iterator<Item = &'v Value>,
) -> Result<u64, Fault> {
    let failed = |error| fault(name, error);
    let statement = connection.prep(sql).map_err(failed)?;
    connection.exec_drop(&statement, bound(values)).map_err(failed)?;
    Ok(connection.affected_rows())
}

/// Runs a query and lends each row to `take`, with the number of its columns, as they arrive.
pub(crate) fn for_each<'v>(
    connection: &mut Conn,
    name: &'static str,
    sql: &str,
    values: impl Iterator<Item = &'v Value>,
    take: &mut dyn FnMut(&Row<'_>, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let failed = |error| fault(name, error);
    let statement = connection.prep(sql).map_err(failed)?;
    let answer = connection.exec_iter(&statement, bound(values)).map_err(failed)?;
    for row in answer {
        let row = row.map_err(failed)?;
        take(&Row { statement: name, cells: Cells::MySql(&row) }, row.len())?;
    }
    Ok(())
}

fn bound<'v>(values: impl Iterator<Item = &'v Value>) -> Params {
    let values: Vec<_> = values.map(mysql::Value::from).collect();
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

impl From<&Value> for mysql::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Integer(integer) => Self::Int(*integer),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::Text(text) => Self::Bytes(text.clone().into_bytes()),
        }
    }
}

/// Prepares a text and gives what the database says against it, for a test's eyes only.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn refusal_of(connection: &mut Conn, sql: &str) -> Option<String> {
    connection.prep(sql).err().map(|error| error.to_string())
}

/// Reads a cell; `None` when it is missing or of a type we never store.
pub(crate) fn cell(row: &mysql::Row, column: usize) -> Option<Cell<'_>> {
    let value = row.as_ref(column)?;
    if matches!(value, mysql::Value::NULL) {
        return Some(Cell::Null);
    }
    if let mysql::Value::Int(integer) = value {
        return Some(Cell::Integer(*integer));
    }
    if let mysql::Value::UInt(integer) = value {
        return i64::try_from(*integer).ok().map(Cell::Integer);
    }
    let mysql::Value::Bytes(bytes) = value else {
        return None;
    };
    let kind = row.columns_ref().get(column)?;
    if kind.column_type() == ColumnType::MYSQL_TYPE_NEWDECIMAL {
        // SUM() of integers is a decimal here.
        return core::str::from_utf8(bytes).ok()?.parse().ok().map(Cell::Integer);
    }
    Some(if kind.character_set() == BINARY { Cell::Bytes(bytes) } else { Cell::Text(bytes) })
}

/// Sorts an error of the driver into our kinds; texts that may carry values are left behind.
pub(crate) fn fault(tried: &str, error: mysql::Error) -> Fault {
    if let mysql::Error::MySqlError(error) = error {
        let text = harmless(error.code, &error.message);
        let cause = DatabaseError { code: i32::from(error.code), text };
        return Fault::new(kind_of(error.code), tried).caused_by(cause);
    }
    if let mysql::Error::DriverError(error) = error {
        return Fault::new(kind_of_driver(&error), tried).caused_by(error);
    }
    if let mysql::Error::IoError(error) = error {
        return Fault::new(FaultKind::Unavailable, tried).caused_by(error);
    }
    if let mysql::Error::TlsError(error) = error {
        return Fault::new(FaultKind::Unavailable, tried).caused_by(error);
    }
    let kind =
        if error.is_connectivity_error() { FaultKind::Unavailable } else { FaultKind::Other };
    // What is left may show a row: only its name is kept.
    Fault::new(kind, tried)
}

fn kind_of(code: u16) -> FaultKind {
    match code {
        1022 | 1062 | 1586 => FaultKind::Conflict,
        // Lock wait, deadlock (on Galera also at COMMIT), NOWAIT; TiDB: write conflicts, schema
        // changed.
        1205 | 1213 | 3572 | 8002 | 8022 | 8028 | 9007 => FaultKind::Serialization,
        1290 | 1792 | 1836 => FaultKind::ReadOnly,
        1021 | 1114 | 3 | 28 => FaultKind::Full,
        // NOT NULL, foreign keys, ranges, lengths, CHECK of MariaDB (4025) and MySQL (3819).
        1048 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1451 | 1452 | 3819 | 4025 => {
            FaultKind::Check
        }
        1054 | 1146 => FaultKind::Schema,
        1044 | 1045 | 1049 | 1142 | 1193 | 1227 | 1698 => FaultKind::Configuration,
        // Too many connections, Galera not ready, shutdown, killed, out of time.
        1040 | 1047 | 1053 | 1129 | 1203 | 1226 | 1317 | 1927 | 1969 | 2006 | 2013 | 3024 => {
            FaultKind::Unavailable
        }
        1034 | 1035 | 1194 | 1195 => FaultKind::Corrupt,
        _ => FaultKind::Other,
    }
}

fn kind_of_driver(error: &DriverError) -> FaultKind {
    if matches!(
        error,
        DriverError::TlsNotSupported
            | DriverError::UnknownAuthPlugin(_)
            | DriverError::OldMysqlPasswordDisabled
            | DriverError::CleartextPluginDisabled
    ) {
        return FaultKind::Configuration;
    }
    if matches!(
        error,
        DriverError::MismatchedStmtParams(..)
            | DriverError::Params(_)
            | DriverError::MixedParams
            | DriverError::BulkExecute(_)
    ) {
        return FaultKind::Other;
    }
    FaultKind::Unavailable
}

/// Gives the part of a server's text that names our tables and keys but never a value.
fn harmless(code: u16, message: &str) -> String {
    match code {
        // "Duplicate entry '<values>' for key '<key>'": the values stay behind.
        1062 | 1586 => message
            .trim_end_matches('\'')
            .rsplit_once('\'')
            .map_or_else(String::new, |(_values, key)| format!(": key {key}")),
        1021
        | 1040
        | 1044..=1049
        | 1054
        | 1114
        | 1146
        | 1205
        | 1213
        | 1290
        | 1364
        | 1451
        | 1452
        | 3819
        | 4025 => format!(": {message}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_out_of_a_fault() {
        let message = "Duplicate entry 'a'b@example.com' for key 'member_mail'";
        assert_eq!(harmless(1062, message), ": key member_mail");
        assert_eq!(harmless(1366, "Incorrect integer value: 'secret' for column"), "");
    }

    #[test]
    fn codes_are_sorted() {
        let table = [
            (1062, FaultKind::Conflict),
            (1205, FaultKind::Serialization),
            (1213, FaultKind::Serialization),
            (3572, FaultKind::Serialization),
            (1290, FaultKind::ReadOnly),
            (1114, FaultKind::Full),
            (4025, FaultKind::Check),
            (3819, FaultKind::Check),
            (1146, FaultKind::Schema),
            (1045, FaultKind::Configuration),
            (2013, FaultKind::Unavailable),
            (1064, FaultKind::Other),
        ];
        for (code, kind) in table {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }
}
