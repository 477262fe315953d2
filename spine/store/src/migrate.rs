//! Brings a database's schema up to what this program knows: numbered steps, each a pair of SQL
//! texts.
//!
//! A step is applied once, in order, under a lock row with a lease and a fencing token (named locks
//! are no locks on a Galera cluster: two nodes were seen to hold the same one). How far a step came
//! is kept statement by statement, because a server ends its transaction at every `CREATE` and
//! `ALTER`: a step that was cut off goes on where it was.
//!
//! A `backfill` statement is repeated until it changes no row, each time in a transaction of its
//! own; it must bound itself and make progress (`UPDATE … WHERE new IS NULL AND id IN (SELECT …
//! LIMIT 1000)`).
//!
//! Triggers and procedures are not for us, so that a `;` outside of quotes and comments ends a
//! statement.

use sha2::{Digest, Sha256};

use crate::connection::Connection;
use crate::database::Database;
use crate::fault::{Fault, FaultKind};
use crate::splitter::{is_definition, split};
use crate::statement::{Dialect, Listed, Statement, Upsert};
use crate::tx::{Reader, Tx};
use crate::value::{Row, Value};
use vocabulary::{Clock, IdSource, Timestamp};

/// What a step does to programs that run meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Adds what an older program does not notice.
    Expand,
    /// Fills what was added, in small transactions.
    Backfill,
    /// Takes away what no running program uses any more.
    Contract,
}

impl Phase {
    /// Gives the word in files and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Contract => "contract",
        }
    }
}

/// One step. Both texts start with the line `-- phase: expand` (or `backfill`, `contract`) and are
/// never edited once released. See [`migration!`](crate::migration).
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The number, ascending over all crates.
    pub version: u32,
    /// The name, as in the file's.
    pub name: &'static str,
    /// The phase, which both texts repeat.
    pub phase: Phase,
    /// The text for `SQLite`.
    pub sqlite: &'static str,
    /// The text for MySQL servers.
    pub mysql: &'static str,
}

/// Makes a [`Migration`] of the files `PATH.sqlite.sql` and `PATH.mysql.sql`, the
/// path being relative to the file it is written in.
///
/// ```text
/// const FIRST: Migration =
///     store::migration!(7, "wallet_hold", Expand, "../migrations/0007_wallet_hold");
/// ```
#[macro_export]
macro_rules! migration {
    ($version:literal, $name:literal, $phase:ident, $path:literal) => {
        $crate::migrate::Migration {
            version: $version,
            name: $name,
            phase: $crate::migrate::Phase::$phase,
            sqlite: include_str!(concat!($path, ".sqlite.sql")),
            mysql: include_str!(concat!($path, ".mysql.sql")),
        }
    };
}

impl Migration {
    const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::MySql => self.mysql,
        }
    }

    fn checksum(&self, dialect: Dialect) -> [u8; 32] {
        Sha256::digest(self.text(dialect)).into()
    }
}

/// What [`run`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The schema is up to date; these versions were applied just now.
    Done {
        /// In the order they were applied.
        applied: Vec<u32>,
    },
    /// Another migrator is at work; ask again.
    Busy {
        /// When it counts as dead unless it shows itself before.
        until: Timestamp,
    },
}

/// How far one step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not begun.
    Pending,
    /// Cut off after so many of its statements.
    Partial {
        /// The statements that are done.
        done: usize,
    },
    /// Applied.
    Applied {
        /// When it ended.
        at: Timestamp,
    },
    /// Applied with another text than this program's.
    Changed,
}

/// A line of [`status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The step's number.
    pub version: u32,
    /// The step's name.
    pub name: &'static str,
    /// The step's phase.
    pub phase: Phase,
    /// How far it came.
    pub progress: Progress,
}

/// How long a migrator that shows no sign of life keeps the lock. It is renewed before each
/// statement; a longer `ALTER` on a server can be overtaken, which fails at its next record and
/// harms nothing: the other waits for the table and finds the column there.
const LEASE_SECONDS: i64 = 300;

/// The error numbers of MySQL for "it is there already" and "it is gone already".
const DONE_BEFORE: [i32; 6] = [1050, 1051, 1060, 1061, 1091, 1826];

/// The migrator's own tables, which are made before the first step.
const BOOTSTRAP_SQLITE: &str = include_str!("../migrations/0000_schema_migration.sqlite.sql");
const BOOTSTRAP_MYSQL: &str = include_str!("../migrations/0000_schema_migration.mysql.sql");

static FIND_STEPS: Statement = Statement::new(
    "find migrations",
    "SELECT version, checksum, statements_done, statements_begun, applied_at
     FROM schema_migration
     ORDER BY version",
);

static START_STEP: Upsert = Upsert {
    name: "start migration",
    table: "schema_migration",
    columns: &["version", "name", "phase", "checksum", "statements_done", "statements_begun"],
    keys: &["version"],
    updates: &["name", "phase", "checksum"],
};

static BEGIN_STATEMENT: Statement = Statement::new(
    "begin statement of migration",
    "UPDATE schema_migration SET statements_begun = ? WHERE version = ?",
);

static END_STATEMENT: Statement = Statement::new(
    "end statement of migration",
    "UPDATE schema_migration SET statements_done = ?, statements_begun = ? WHERE version = ?",
);

static END_STEP: Statement =
    Statement::new("end migration", "UPDATE schema_migration SET applied_at = ? WHERE version = ?");

static ADD_LOCK: Upsert = Upsert {
    name: "add migration lock",
    table: "schema_migration_lock",
    columns: &["id", "owner", "token", "lease_ends_at"],
    keys: &["id"],
    updates: &[],
};

static TAKE_LOCK: Statement = Statement::new(
    "take migration lock",
    "UPDATE schema_migration_lock
     SET owner = ?, token = token + 1, lease_ends_at = ?
     WHERE id = 1 AND lease_ends_at <= ?",
);

static FIND_LOCK: Statement = Statement::new(
    "find migration lock",
    "SELECT token, lease_ends_at FROM schema_migration_lock WHERE id = 1",
);

/// Also frees the lock, with an end in the past.
static RENEW_LOCK: Statement = Statement::new(
    "renew migration lock",
    "UPDATE schema_migration_lock SET lease_ends_at = ? WHERE id = 1 AND owner = ? AND token = ?",
);

/// Every statement of the migrator, for the test that prepares them.
pub const STATEMENTS: &[Listed] = &[
    FIND_STEPS.listed(),
    START_STEP.listed(),
    BEGIN_STATEMENT.listed(),
    END_STATEMENT.listed(),
    END_STEP.listed(),
    ADD_LOCK.listed(),
    TAKE_LOCK.listed(),
    FIND_LOCK.listed(),
    RENEW_LOCK.listed(),
];

/// Applies what is pending, in order of version. Doing it again is harmless; of two at once one
/// works and the other is told that it is [`Outcome::Busy`]. Versions that this program does not
/// know are left alone: a newer one has been here.
///
/// # Errors
///
/// [`FaultKind::Configuration`] when the list itself is wrong; [`FaultKind::Schema`] when a step
/// that was applied has another text here, or a statement does not fit;
/// [`FaultKind::Serialization`] when the lock was lost to another migrator. What was done before
/// the failure stays done, and the next run goes on there.
pub fn run(
    database: &Database,
    migrations: &[Migration],
    clock: &dyn Clock,
    ids: &mut impl IdSource,
) -> Result<Outcome, Fault> {
    validate(migrations)?;
    let mut connection = database.connect()?;
    bootstrap(&mut connection)?;
    if pending(&mut connection, migrations)?.is_empty() {
        return Ok(Outcome::Done { applied: Vec::new() });
    }
    let owner = ids.chance().to_be_bytes();
    let mut migrator = Migrator { connection, clock, owner, token: 0 };
    if let Some(until) = migrator.lock()? {
        return Ok(Outcome::Busy { until });
    }
    let result = migrator.apply_all(migrations);
    // Whoever took the lock meanwhile keeps it; a lease that cannot be given back ends by itself.
    let freed = migrator.renew(Timestamp::default());
    let applied = result?;
    freed?;
    Ok(Outcome::Done { applied })
}

/// Tells how far each step came. Changes nothing; on an empty database all are pending.
///
/// # Errors
///
/// [`FaultKind::Configuration`] when the list itself is wrong, or a [`Fault`] when the database
/// fails.
pub fn status(database: &Database, migrations: &[Migration]) -> Result<Vec<Status>, Fault> {
    validate(migrations)?;
    let steps = match database.read(steps_of) {
        // There is no table of steps yet.
        Err(fault) if fault.kind() == FaultKind::Schema => Vec::new(),
        result => result?,
    };
    let line = |migration: &Migration| Status {
        version: migration.version,
        name: migration.name,
        phase: migration.phase,
        progress: progress_of(migration, &steps, database.dialect()),
    };
    Ok(migrations.iter().map(line).collect())
}

/// Makes sure that every step of the list is applied, before a program serves.
///
/// # Errors
///
/// [`FaultKind::Schema`] naming the first step that is missing or different.
pub fn check(database: &Database, migrations: &[Migration]) -> Result<(), Fault> {
    for line in status(database, migrations)? {
        let how = match line.progress {
            Progress::Applied { .. } => continue,
            Progress::Pending => "is not applied",
            Progress::Partial { .. } => "is applied in part",
            Progress::Changed => "was applied with another text",
        };
        let tried = format!("check schema: migration {} ({}) {how}", line.version, line.name);
        return Err(Fault::new(FaultKind::Schema, tried));
    }
    Ok(())
}

/// A row of `schema_migration`.
struct Step {
    version: i64,
    checksum: [u8; 32],
    done: usize,
    begun: usize,
    applied_at: Option<Timestamp>,
}

fn steps_of(reader: &mut Reader<'_>) -> Result<Vec<Step>, Fault> {
    let count = |row: &Row<'_>, column| {
        usize::try_from(row.integer(column)?).map_err(|_negative| row.corrupt("migration"))
    };
    let step = |row: &Row<'_>| {
        Ok(Step {
            version: row.integer(0)?,
            checksum: row.digest(1)?,
            done: count(row, 2)?,
            begun: count(row, 3)?,
            applied_at: row.optional_timestamp(4)?,
        })
    };
    reader.query(&FIND_STEPS, &[])?.iter().map(step).collect()
}

fn progress_of(migration: &Migration, steps: &[Step], dialect: Dialect) -> Progress {
    let Some(step) = steps.iter().find(|step| step.version == i64::from(migration.version)) else {
        return Progress::Pending;
    };
    // A step whose first statement failed may be mended.
    let untouched = step.done == 0 && step.begun == 0;
    if step.checksum != migration.checksum(dialect) && !untouched {
        return Progress::Changed;
    }
    match step.applied_at {
        Some(at) => Progress::Applied { at },
        None if untouched => Progress::Pending,
        None => Progress::Partial { done: step.done },
    }
}

/// Gives the steps to apply, with the number of statements done and begun before.
fn pending<'m>(
    connection: &mut Connection,
    migrations: &'m [Migration],
) -> Result<Vec<(&'m Migration, usize, usize)>, Fault> {
    let dialect = connection.dialect();
    let steps = steps_of(&mut connection.reader()?)?;
    let mut pending = Vec::new();
    for migration in migrations {
        let found = steps.iter().find(|step| step.version == i64::from(migration.version));
        let (done, begun) = found.map_or((0, 0), |step| (step.done, step.begun));
        match progress_of(migration, &steps, dialect) {
            Progress::Applied { .. } => {}
            Progress::Pending | Progress::Partial { .. } => pending.push((migration, done, begun)),
            Progress::Changed => {
                let (version, name) = (migration.version, migration.name);
                let tried = format!("migrate: {version} ({name}) was changed after it was applied");
                return Err(Fault::new(FaultKind::Schema, tried));
            }
        }
    }
    Ok(pending)
}

fn validate(migrations: &[Migration]) -> Result<(), Fault> {
    let mut last = 0;
    for migration in migrations {
        let wrong = |how: &str| {
            let tried = format!("read migration {} ({}): {how}", migration.version, migration.name);
            Err(Fault::new(FaultKind::Configuration, tried))
        };
        if migration.version <= last {
            return wrong("versions do not ascend from 1");
        }
        last = migration.version;
        let header = format!("-- phase: {}", migration.phase.as_str());
        if [migration.sqlite, migration.mysql].iter().any(|text| !has_line(text, &header)) {
            return wrong("the first line of both files names the phase");
        }
    }
    Ok(())
}

fn has_line(text: &str, header: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == header)
}

fn bootstrap(connection: &mut Connection) -> Result<(), Fault> {
    let text = match connection.dialect() {
        Dialect::Sqlite => BOOTSTRAP_SQLITE,
        Dialect::MySql => BOOTSTRAP_MYSQL,
    };
    for statement in split(text, connection.dialect()) {
        connection.run("make tables of migrations", statement)?;
    }
    let mut tx = connection.begin()?;
    tx.upsert(&ADD_LOCK, &[[1.into(), [0; 16].into(), 0.into(), 0.into()]])?;
    tx.commit()
}

struct Migrator<'a> {
    connection: Connection,
    clock: &'a dyn Clock,
    owner: [u8; 16],
    token: i64,
}

impl Migrator<'_> {
    /// Takes the lock; tells until when another has it instead.
    fn lock(&mut self) -> Result<Option<Timestamp>, Fault> {
        let now = self.clock.now();
        let mut tx = self.connection.begin()?;
        let values = [self.owner.into(), now.plus_seconds(LEASE_SECONDS).into(), now.into()];
        let taken = tx.execute(&TAKE_LOCK, &values)? == 1;
        let row = tx.query_one(&FIND_LOCK, &[])?;
        let row = row.ok_or_else(|| Fault::new(FaultKind::Schema, "find migration lock"))?;
        self.token = row.integer(0)?;
        let until = row.timestamp(1)?;
        tx.commit()?;
        Ok(if taken { None } else { Some(until) })
    }

    /// Moves the end of the lease.
    fn renew(&mut self, until: Timestamp) -> Result<(), Fault> {
        let (owner, token) = (self.owner, self.token);
        let mut tx = self.connection.begin()?;
        renew(&mut tx, owner, token, until)?;
        tx.commit()
    }

    fn apply_all(&mut self, migrations: &[Migration]) -> Result<Vec<u32>, Fault> {
        let mut applied = Vec::new();
        // Asked again under the lock: another may have done it just before.
        for (migration, done, begun) in pending(&mut self.connection, migrations)? {
            self.apply(migration, done, begun)?;
            applied.push(migration.version);
        }
        Ok(applied)
    }

    fn apply(&mut self, migration: &Migration, done: usize, begun: usize) -> Result<(), Fault> {
        let dialect = self.connection.dialect();
        let version = Value::from(migration.version);
        let start = [
            version.clone(),
            migration.name.into(),
            migration.phase.as_str().into(),
            migration.checksum(dialect).into(),
            0.into(),
            0.into(),
        ];
        self.fenced(|tx| tx.upsert(&START_STEP, &[start.as_slice()]))?;
        let statements = split(migration.text(dialect), dialect);
        for (before, statement) in statements.into_iter().enumerate().skip(done) {
            let place = Place { version: migration.version, number: before.saturating_add(1) };
            let fault = match (dialect, is_definition(statement), migration.phase) {
                (Dialect::MySql, true, _) => self.define(place, statement, begun),
                (_, false, Phase::Backfill) => self.backfill(place, statement),
                (Dialect::Sqlite | Dialect::MySql, _, _) => self.change(place, statement),
            };
            fault.map_err(|fault| {
                let (version, name, number) = (place.version, migration.name, place.number);
                let tried = format!("apply migration {version} ({name}), statement {number}");
                Fault::new(fault.kind(), tried).caused_by(fault)
            })?;
        }
        let now = self.clock.now();
        self.fenced(|tx| tx.execute(&END_STEP, &[now.into(), version]).map(drop))
    }

    /// Changes rows, or a schema that is transactional: the statement and its record are one.
    fn change(&mut self, place: Place, statement: &str) -> Result<(), Fault> {
        self.fenced(|tx| {
            tx.connection().execute("change", statement, core::iter::empty())?;
            place.end(tx)
        })
    }

    fn backfill(&mut self, place: Place, statement: &str) -> Result<(), Fault> {
        let mut rows = u64::MAX;
        while rows > 0 {
            self.fenced(|tx| {
                rows = tx.connection().execute("fill", statement, core::iter::empty())?;
                Ok(())
            })?;
        }
        self.fenced(|tx| place.end(tx))
    }

    /// Changes a schema that is not transactional: it is recorded before and after, so that a
    /// statement which was cut off between the two may find its work done.
    fn define(&mut self, place: Place, statement: &str, begun: usize) -> Result<(), Fault> {
        self.fenced(|tx| place.begin(tx))?;
        match self.connection.run("define", statement) {
            Err(fault) if begun >= place.number && is_done_before(&fault) => {}
            result => result?,
        }
        self.fenced(|tx| place.end(tx))
    }

    /// Does a piece of work in a transaction that only the lock's owner can commit.
    fn fenced(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let (owner, token) = (self.owner, self.token);
        let until = self.clock.now().plus_seconds(LEASE_SECONDS);
        let mut tx = self.connection.begin()?;
        renew(&mut tx, owner, token, until)?;
        work(&mut tx)?;
        tx.commit()
    }
}

fn renew(tx: &mut Tx<'_>, owner: [u8; 16], token: i64, until: Timestamp) -> Result<(), Fault> {
    if tx.execute(&RENEW_LOCK, &[until.into(), owner.into(), token.into()])? == 1 {
        return Ok(());
    }
    let tried = "renew migration lock (another migrator took it)";
    Err(Fault::new(FaultKind::Serialization, tried))
}

/// A statement of a step, numbered from 1.
#[derive(Clone, Copy)]
struct Place {
    version: u32,
    number: usize,
}

impl Place {
    fn begin(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.execute(&BEGIN_STATEMENT, &[self.count(), self.version.into()]).map(drop)
    }

    fn end(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.execute(&END_STATEMENT, &[self.count(), self.count(), self.version.into()]).map(drop)
    }

    fn count(self) -> Value {
        Value::Integer(i64::try_from(self.number).unwrap_or(i64::MAX))
    }
}

fn is_done_before(fault: &Fault) -> bool {
    fault.code().is_some_and(|code| DONE_BEFORE.contains(&code))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use vocabulary::{ManualClock, SeededIds};

    use super::*;
    use crate::testing::{TestDatabase, assert_same_schema, chain, for_each_database, prepare_all};

    static COUNT: Statement =
        Statement::new("count notes", "SELECT count(*), sum(filled) FROM note");

    const FIRST: Migration = both(
        1,
        "note",
        "-- phase: expand
         CREATE TABLE note (id INTEGER NOT NULL PRIMARY KEY, kind INTEGER NOT NULL);
         INSERT INTO note (id, kind) VALUES (1, 7), (2, 7), (3, 7);",
    );
    const SECOND: Migration =
        both(2, "note_filled", "-- phase: expand\nALTER TABLE note ADD COLUMN filled INTEGER;");
    const THIRD: Migration = Migration {
        phase: Phase::Backfill,
        ..both(
            3,
            "note_fill",
            "-- phase: backfill
             UPDATE note SET filled = kind WHERE id IN (
               SELECT id FROM (SELECT id FROM note WHERE filled IS NULL ORDER BY id LIMIT 1) AS some
             );",
        )
    };
    const ALL: &[Migration] = &[FIRST, SECOND, THIRD];

    const fn both(version: u32, name: &'static str, sql: &'static str) -> Migration {
        Migration { version, name, phase: Phase::Expand, sqlite: sql, mysql: sql }
    }

    fn try_run(test: &TestDatabase, migrations: &[Migration]) -> Result<Outcome, Fault> {
        let clock = ManualClock::new(Timestamp::from_microseconds(5));
        run(test.database(), migrations, &clock, &mut SeededIds::new(1))
    }

    fn done(applied: &[u32]) -> Outcome {
        Outcome::Done { applied: applied.to_vec() }
    }

    /// Changes the migrator's own tables, as a crash would leave them.
    fn tamper(test: &TestDatabase, sql: &str) {
        test.database().connect().unwrap().run("tamper", sql).unwrap();
    }

    #[test]
    fn steps_are_applied_once_in_order() {
        for_each_database(|test| {
            let database = test.database();
            let progress = || -> Vec<Progress> {
                let lines = status(database, ALL).unwrap();
                lines.into_iter().map(|line| line.progress).collect()
            };
            assert_eq!(progress(), [Progress::Pending; 3]);
            assert_eq!(check(database, ALL).unwrap_err().kind(), FaultKind::Schema);
            assert_eq!(try_run(test, &[FIRST]).unwrap(), done(&[1]));
            assert_eq!(try_run(test, ALL).unwrap(), done(&[2, 3]));
            assert_eq!(try_run(test, ALL).unwrap(), done(&[]));
            assert_eq!(try_run(test, &[FIRST]).unwrap(), done(&[]), "a newer one has been here");
            let at = Timestamp::from_microseconds(5);
            assert_eq!(progress(), [Progress::Applied { at }; 3]);
            check(database, ALL).unwrap();
            let row = database.read(|reader| reader.query_one(&COUNT, &[])).unwrap().unwrap();
            assert_eq!((row.integer(0).unwrap(), row.integer(1).unwrap()), (3, 21));
            prepare_all(database, STATEMENTS);
        });
        assert_same_schema(&[]);
    }

    #[test]
    fn a_changed_step_is_refused() {
        let changed = both(1, "note", "-- phase: expand\nCREATE TABLE note (id INTEGER);");
        for_each_database(|test| {
            try_run(test, &[FIRST]).unwrap();
            let fault = try_run(test, &[changed, SECOND]).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Schema);
            assert!(fault.to_string().contains("1 (note) was changed"), "{fault}");
            let lines = status(test.database(), &[changed, SECOND]).unwrap();
            assert_eq!(lines[0].progress, Progress::Changed);
            assert_eq!(lines[1].progress, Progress::Pending);
        });
    }

    #[test]
    fn a_step_that_failed_goes_on_where_it_was() {
        let step = both(
            1,
            "two_tables",
            "-- phase: expand
             CREATE TABLE one (id INTEGER NOT NULL PRIMARY KEY);
             INSERT INTO one (id) VALUES (1);
             INSERT INTO missing (id) VALUES (2);
             CREATE TABLE two (id INTEGER NOT NULL PRIMARY KEY);",
        );
        for_each_database(|test| {
            let fault = try_run(test, &[step]).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Schema);
            assert!(fault.to_string().contains("1 (two_tables), statement 3"), "{fault}");
            let lines = status(test.database(), &[step]).unwrap();
            assert_eq!(lines[0].progress, Progress::Partial { done: 2 });
            tamper(test, "CREATE TABLE missing (id INTEGER NOT NULL PRIMARY KEY)");
            assert_eq!(try_run(test, &[step]).unwrap(), done(&[1]));
            tamper(test, "INSERT INTO two (id) SELECT id FROM one");
        });
    }

    #[test]
    fn a_step_whose_first_statement_failed_may_be_mended() {
        let wrong = both(1, "one", "-- phase: expand\nINSERT INTO missing (id) VALUES (2);");
        let right = both(1, "one", "-- phase: expand\nCREATE TABLE one (id INTEGER NOT NULL);");
        for_each_database(|test| {
            try_run(test, &[wrong]).unwrap_err();
            assert_eq!(try_run(test, &[right]).unwrap(), done(&[1]));
            assert_eq!(try_run(test, &[right]).unwrap(), done(&[]));
        });
    }

    #[test]
    fn a_definition_that_was_cut_off_before_its_record_is_found_done() {
        let Some(test) = TestDatabase::mysql() else { return };
        try_run(&test, ALL).unwrap();
        tamper(
            &test,
            "UPDATE schema_migration SET statements_done = 0, applied_at = NULL WHERE version = 2",
        );
        assert_eq!(try_run(&test, ALL).unwrap(), done(&[2]));
        // Without the mark that it had begun, it is a clash with somebody else's column.
        tamper(
            &test,
            "UPDATE schema_migration
             SET statements_done = 0, statements_begun = 0, applied_at = NULL
             WHERE version = 2",
        );
        let fault = try_run(&test, ALL).unwrap_err();
        assert!(chain(&fault).ends_with("database error 1060"), "{}", chain(&fault));
    }

    #[test]
    fn another_migrator_is_waited_for_until_its_lease_ends() {
        for_each_database(|test| {
            try_run(test, &[FIRST]).unwrap();
            let until = Timestamp::from_microseconds(1_000);
            tamper(test, "UPDATE schema_migration_lock SET lease_ends_at = 1000");
            assert_eq!(try_run(test, ALL).unwrap(), Outcome::Busy { until });
            assert_eq!(try_run(test, &[FIRST]).unwrap(), done(&[]), "nothing to do needs no lock");
            tamper(test, "UPDATE schema_migration_lock SET lease_ends_at = 5");
            assert_eq!(try_run(test, ALL).unwrap(), done(&[2, 3]));
        });
    }

    #[test]
    fn a_migrator_that_lost_its_lock_can_record_nothing() {
        for_each_database(|test| {
            try_run(test, &[FIRST]).unwrap();
            let clock = ManualClock::default();
            let connection = test.database().connect().unwrap();
            let mut slow = Migrator { connection, clock: &clock, owner: [1; 16], token: 0 };
            assert_eq!(slow.lock().unwrap(), None);
            tamper(test, "UPDATE schema_migration_lock SET lease_ends_at = 0");
            assert_eq!(try_run(test, &[FIRST, SECOND]).unwrap(), done(&[2]));
            let fault = slow.apply_all(ALL).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Serialization);
            assert_eq!(try_run(test, ALL).unwrap(), done(&[3]));
        });
    }

    #[test]
    fn of_many_at_once_one_works() {
        for_each_database(|test| {
            let barrier = Barrier::new(4);
            let migrate = |seed: u64| {
                let clock = ManualClock::new(Timestamp::from_microseconds(5));
                let mut ids = SeededIds::new(seed);
                let mut applied = Vec::new();
                barrier.wait();
                while check(test.database(), ALL).is_err() {
                    match run(test.database(), ALL, &clock, &mut ids) {
                        Ok(Outcome::Done { applied: mine }) => applied.extend(mine),
                        Ok(Outcome::Busy { .. }) => {}
                        // Two that make the migrator's own tables at once may wait for each other.
                        Err(fault) => assert!(fault.retryable(), "{}", chain(&fault)),
                    }
                }
                applied
            };
            let mut applied: Vec<u32> = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..4).map(|seed| scope.spawn(move || migrate(seed))).collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            applied.sort_unstable();
            assert_eq!(applied, [1, 2, 3]);
        });
    }

    #[test]
    fn files_are_embedded_in_pairs() {
        let pair = migration!(1, "migrator", Expand, "../migrations/0000_schema_migration");
        assert_eq!((pair.sqlite, pair.mysql), (BOOTSTRAP_SQLITE, BOOTSTRAP_MYSQL));
        validate(&[pair]).unwrap();
        // It is made before every run: once more does nothing.
        for_each_database(|test| assert_eq!(try_run(test, &[pair]).unwrap(), done(&[1])));
    }

    #[test]
    fn a_wrong_list_is_refused() {
        let test = TestDatabase::sqlite();
        let table = [
            &[SECOND, FIRST][..],
            &[both(0, "zero", "-- phase: expand\n")],
            &[both(1, "no_phase", "CREATE TABLE a (b INTEGER);")],
            &[both(1, "other_phase", "-- phase: contract\n")],
        ];
        for migrations in table {
            let fault = try_run(&test, migrations).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Configuration, "{fault}");
        }
    }
}
