//! Copies of the embedded database, taken while it is written to.
//!
//! A server's database is copied by the server's own tools (`mariadb-backup`, snapshots of the
//! volume or of the managed service): they know its redo log, which no client can read.

use core::ops::ControlFlow;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::database::Database;
use crate::fault::{Fault, FaultKind};
use crate::sqlite::{APPLICATION_ID, fault, pragma};
use crate::url::DatabaseUrl;

/// How far a backup came, in pages of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupProgress {
    /// Pages copied.
    pub done: u64,
    /// Pages of the whole file.
    pub of: u64,
}

/// 4 MiB between two calls of the callback.
const PAGES_A_STEP: i32 = 1_024;

/// Copies the database as it is at this moment to the new file `target`; commits go on meanwhile.
/// `progress` may stop it. The target appears only when it is whole and on the disk.
///
/// # Errors
///
/// [`FaultKind::Configuration`] when the database is a server's or the target exists;
/// [`FaultKind::Other`] when `progress` stopped it; [`FaultKind::Full`] or another [`Fault`] of the
/// disk.
pub fn backup(
    database: &Database,
    target: &Path,
    progress: &mut dyn FnMut(BackupProgress) -> ControlFlow<()>,
) -> Result<(), Fault> {
    if matches!(database.url(), DatabaseUrl::MySql(_)) {
        let tried = "back up (a server's database is copied by mariadb-backup or by a snapshot)";
        return Err(Fault::new(FaultKind::Configuration, tried));
    }
    must_be_new(target, "back up")?;
    let partial = beside(target, "partial");
    let copied = copy_pages(database, &partial, progress)
        .and_then(|()| check(&partial))
        .and_then(|()| put_in_place(&partial, target, "back up"));
    if copied.is_err() {
        // What is left is of no use; that it cannot be removed is not the fault to tell.
        drop(fs::remove_file(&partial));
    }
    copied
}

/// Makes sure that a file is a whole database of ours.
///
/// # Errors
///
/// [`FaultKind::Corrupt`] when it is damaged, [`FaultKind::Configuration`] when it is another
/// program's, or another [`Fault`] when it cannot be read.
pub fn check(file: &Path) -> Result<(), Fault> {
    const TRIED: &str = "check backup";
    let failed = |error| fault(TRIED, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    if pragma(&connection, "application_id")? != APPLICATION_ID {
        let tried = format!("{TRIED} ({} belongs to another program)", file.display());
        return Err(Fault::new(FaultKind::Configuration, tried));
    }
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict == "ok" { Ok(()) } else { Err(Fault::new(FaultKind::Corrupt, TRIED)) }
}

/// Checks a backup and puts a copy of it at `target`, at once and whole. The target must not exist,
/// nor the log of an old database beside it, which would be taken for the new one's: move both away
/// first.
///
/// # Errors
///
/// As [`check`]; [`FaultKind::Configuration`] when something is in the way.
pub fn restore(backup: &Path, target: &Path) -> Result<(), Fault> {
    const TRIED: &str = "restore";
    check(backup)?;
    must_be_new(target, TRIED)?;
    let partial = beside(target, "partial");
    let copied = fs::copy(backup, &partial)
        .map_err(|error| on_disk(TRIED, error))
        .and_then(|_bytes| put_in_place(&partial, target, TRIED));
    if copied.is_err() {
        drop(fs::remove_file(&partial));
    }
    copied
}

fn copy_pages(
    database: &Database,
    partial: &Path,
    progress: &mut dyn FnMut(BackupProgress) -> ControlFlow<()>,
) -> Result<(), Fault> {
    const TRIED: &str = "back up";
    let failed = |error| fault(TRIED, error);
    drop(fs::remove_file(partial));
    let mut source = database.connect()?;
    // An open read transaction holds the moment; without one, every commit would start the copy
    // anew.
    source.run(TRIED, "BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    let Some(source) = source.sqlite() else {
        return Err(Fault::new(FaultKind::Unavailable, TRIED));
    };
    let mut copy = Connection::open(partial).map_err(failed)?;
    {
        let backup = Backup::new(source, &mut copy).map_err(failed)?;
        loop {
            let step = backup.step(PAGES_A_STEP).map_err(failed)?;
            if step == StepResult::Done {
                break;
            }
            if step != StepResult::More {
                return Err(Fault::new(FaultKind::Serialization, TRIED));
            }
            let pages = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            let of = count(pages.pagecount);
            let done = of.saturating_sub(count(pages.remaining));
            if progress(BackupProgress { done, of }).is_break() {
                return Err(Fault::new(FaultKind::Other, "back up (stopped as asked)"));
            }
        }
    }
    // One file, without a log beside it.
    copy.execute_batch("PRAGMA journal_mode = DELETE").map_err(failed)?;
    copy.close().map_err(|(_connection, error)| failed(error))
}

fn must_be_new(target: &Path, tried: &str) -> Result<(), Fault> {
    for path in [target.to_owned(), beside(target, "wal"), beside(target, "journal")] {
        if path.exists() {
            let tried = format!("{tried} ({} is in the way)", path.display());
            return Err(Fault::new(FaultKind::Configuration, tried));
        }
    }
    Ok(())
}

/// Syncs a file, gives it its name, and syncs the folder that holds the name.
fn put_in_place(partial: &Path, target: &Path, tried: &str) -> Result<(), Fault> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(partial, target))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| on_disk(tried, error))
}

/// Gives `path-suffix`, as `SQLite` names what stands beside its file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(suffix);
    PathBuf::from(name)
}

fn on_disk(tried: &str, error: std::io::Error) -> Fault {
    let full =
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let kind = if full { FaultKind::Full } else { FaultKind::Unavailable };
    Fault::new(kind, tried).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::PoolOptions;
    use crate::testing::TestDatabase;

    /// A database with 10,000 numbers in it.
    fn filled() -> (TestDatabase, PathBuf) {
        let test = TestDatabase::sqlite();
        let DatabaseUrl::Sqlite(path) = test.database().url().clone() else { panic!("a file") };
        more(&test, "CREATE TABLE number (n INTEGER NOT NULL, filler BLOB) STRICT");
        more(
            &test,
            "INSERT INTO number
             WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10000)
             SELECT n, zeroblob(1000) FROM r",
        );
        (test, path)
    }

    fn more(test: &TestDatabase, sql: &str) {
        test.database().connect().unwrap().run("fill", sql).unwrap();
    }

    fn count(path: &Path) -> i64 {
        let database =
            Database::open(&DatabaseUrl::Sqlite(path.to_owned()), PoolOptions::default()).unwrap();
        let mut connection = database.connect().unwrap();
        let connection = connection.sqlite().unwrap();
        connection.query_row("SELECT count(*) FROM number", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_copy_holds_the_moment_it_was_begun_and_can_be_restored() {
        let (test, path) = filled();
        let copy = path.with_file_name("copy.db");
        let mut calls = Vec::new();
        backup(test.database(), &copy, &mut |progress| {
            more(&test, "DELETE FROM number WHERE n < 10");
            calls.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(calls.len() >= 2, "{calls:?}");
        assert!(calls.iter().all(|progress| progress.done < progress.of), "{calls:?}");
        check(&copy).unwrap();
        assert!(!beside(&copy, "wal").exists(), "it is one file");
        assert_eq!(count(&path), 9_991);
        let target = path.with_file_name("restored.db");
        restore(&copy, &target).unwrap();
        assert_eq!(count(&target), 10_000);
        let fault = restore(&copy, &target).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Configuration, "it overwrites nothing");
    }

    #[test]
    fn a_backup_that_is_stopped_leaves_nothing() {
        let (test, path) = filled();
        let copy = path.with_file_name("copy.db");
        let fault = backup(test.database(), &copy, &mut |_progress| ControlFlow::Break(()));
        assert_eq!(fault.unwrap_err().kind(), FaultKind::Other);
        assert!(!copy.exists() && !beside(&copy, "partial").exists(), "nothing is left");
    }

    #[test]
    fn a_damaged_backup_is_not_restored() {
        let (test, path) = filled();
        let copy = path.with_file_name("copy.db");
        backup(test.database(), &copy, &mut |_progress| ControlFlow::Continue(())).unwrap();
        let mut bytes = fs::read(&copy).unwrap();
        let middle = bytes.len().div_euclid(2);
        bytes[middle..middle + 20_000].fill(0xab);
        fs::write(&copy, &bytes).unwrap();
        let target = path.with_file_name("restored.db");
        assert_eq!(restore(&copy, &target).unwrap_err().kind(), FaultKind::Corrupt);
        assert!(!target.exists(), "nothing is put in place");
        let other = path.with_file_name("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
        assert_eq!(restore(&other, &target).unwrap_err().kind(), FaultKind::Configuration);
    }

    #[test]
    fn a_server_is_copied_by_its_own_tools() {
        let Some(test) = TestDatabase::mysql() else { return };
        let target = std::env::temp_dir().join("never.db");
        let fault = backup(test.database(), &target, &mut |_progress| ControlFlow::Continue(()))
            .unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Configuration);
        assert!(fault.to_string().contains("mariadb-backup"), "{fault}");
    }
}
