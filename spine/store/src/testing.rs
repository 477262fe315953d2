//! Databases for tests: a fresh file, and a fresh schema on a `MariaDB` server that this process
//! starts for itself. Compiled for our own tests and with the feature `testing`, never into the
//! product.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot get its database fails, loudly"
)]

use core::fmt::Write as _;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::database::{Database, PoolOptions};
use crate::fault::Fault;
use crate::migrate::{self, Migration};
use crate::statement::{Listed, Statement};
use crate::url::{DatabaseUrl, ServerUrl, Tls};
use crate::value::Row;
use vocabulary::{ManualClock, SeededIds};

/// A database of its own for one test. Its file goes when this is dropped, its server with the
/// process.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    folder: Option<PathBuf>,
}

impl TestDatabase {
    /// Makes an empty file in a folder of its own.
    ///
    /// # Panics
    ///
    /// When the temporary folder cannot be written to.
    pub fn sqlite() -> Self {
        let folder = fresh_folder("daifuku-test");
        let url = DatabaseUrl::Sqlite(folder.join("test.db"));
        let database = Database::open(&url, PoolOptions::default()).expect("a new file opens");
        Self { database, folder: Some(folder) }
    }

    /// Makes an empty schema on this process's `MariaDB`, whose default character set is not ours,
    /// so that a table that does not name its own is found. Gives `None`, and says so, when
    /// `mariadbd` is not installed.
    ///
    /// # Panics
    ///
    /// When it is not installed and `DAIFUKU_TEST_MARIADB` is `required`, or the server does not
    /// start.
    pub fn mysql() -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let server = server()?;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let root = patiently(|| Database::open(&server.url("mysql"), PoolOptions::default()));
        let create = format!("CREATE DATABASE {name} CHARACTER SET latin1");
        let created = root.and_then(|root| root.connect()?.run("create test database", &create));
        created.expect("the test server makes a database");
        let database = Database::open(&server.url(&name), PoolOptions::default());
        Some(Self { database: database.expect("a new database opens"), folder: None })
    }

    /// Gives the database.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Brings the schema up to date.
    ///
    /// # Panics
    ///
    /// When a migration fails.
    pub fn migrate(&self, migrations: &[Migration]) {
        let outcome = migrate::run(
            &self.database,
            migrations,
            &ManualClock::default(),
            &mut SeededIds::new(1),
        );
        if let Err(fault) = outcome {
            panic!("{}: {}", self.database.url(), chain(&fault));
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// Runs a test's body on an empty database of each kind that there is here.
pub fn for_each_database(body: impl Fn(&TestDatabase)) {
    body(&TestDatabase::sqlite());
    if let Some(database) = TestDatabase::mysql() {
        body(&database);
    }
}

/// Prepares every statement of the list on a database that has been migrated.
///
/// # Panics
///
/// When a statement does not fit the schema, with all that do not, or when two have one name.
pub fn prepare_all(database: &Database, statements: &[Listed]) {
    let mut connection = database.connect().expect("the database opens");
    let mut names = BTreeSet::new();
    let mut failures = String::new();
    for listed in statements {
        assert!(names.insert(listed.name()), "two statements are named {:?}", listed.name());
        let text = listed.text(database.dialect());
        let failure = if let Some(connection) = connection.mysql() {
            crate::mysql::refusal_of(connection, &text)
        } else {
            connection.sqlite().and_then(|connection| crate::sqlite::refusal_of(connection, &text))
        };
        if let Some(failure) = failure {
            writeln!(failures, "{}: {failure}\n  {text}", listed.name()).expect("a string grows");
        }
    }
    assert!(failures.is_empty(), "on {} these do not fit:\n{failures}", database.dialect());
}

/// Tells how SQLite carries each statement out, with the longest lists: its name and a step a line.
/// The planner knows nothing of the rows, as in an installation that was never analysed.
///
/// # Panics
///
/// When the database is no SQLite file that has been migrated.
pub fn plans(database: &Database, statements: &[Listed]) -> String {
    let mut connection = database.connect().expect("the database opens");
    let connection = connection.sqlite().expect("a SQLite file");
    let mut text = String::new();
    for listed in statements {
        let Some(sql) = listed.longest_text(database.dialect()) else { continue };
        let steps = crate::sqlite::plan_of(connection, &sql).expect("the statement fits");
        let list = if listed.takes_list() { ", with a list" } else { "" };
        writeln!(text, "{}{list}", listed.name()).expect("a string grows");
        for step in steps {
            writeln!(text, "  {step}").expect("a string grows");
        }
    }
    text
}

/// Migrates a fresh database of each kind and compares the tables: columns with their order, type
/// and nullability, and primary keys.
///
/// # Panics
///
/// When they differ, or a migration fails.
pub fn assert_same_schema(migrations: &[Migration]) {
    let file = TestDatabase::sqlite();
    file.migrate(migrations);
    let here = describe(file.database());
    let Some(server) = TestDatabase::mysql() else { return };
    server.migrate(migrations);
    let there = describe(server.database());
    let only = |some: &BTreeSet<String>, other: &BTreeSet<String>| {
        some.difference(other).map(String::as_str).collect::<Vec<_>>().join("\n")
    };
    assert!(
        here == there,
        "only in SQLite:\n{}\nonly in MySQL:\n{}",
        only(&here, &there),
        only(&there, &here)
    );
}

/// Writes an error with all its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        write!(text, ": {cause}").expect("a string grows");
        next = cause.source();
    }
    text
}

static DESCRIBE: Statement = Statement::pair(
    "describe schema",
    "SELECT t.name, c.cid + 1, c.name, lower(c.type), c.\"notnull\" = 0 AND c.pk = 0, c.pk
     FROM sqlite_schema AS t
     JOIN pragma_table_info(t.name) AS c
     WHERE t.type = 'table'
     ORDER BY t.name, c.cid",
    "SELECT c.table_name, c.ordinal_position, c.column_name,
       CASE
         WHEN c.data_type IN ('tinyint', 'smallint', 'int', 'bigint') THEN 'integer'
         WHEN c.data_type IN ('binary', 'varbinary', 'blob', 'mediumblob', 'longblob') THEN 'blob'
         WHEN c.collation_name = 'utf8mb4_bin' THEN 'text'
         ELSE concat(c.data_type, ' ', coalesce(c.collation_name, ''))
       END,
       c.is_nullable = 'YES', coalesce(k.ordinal_position, 0)
     FROM information_schema.columns AS c
     LEFT JOIN information_schema.key_column_usage AS k
       ON k.table_schema = c.table_schema AND k.table_name = c.table_name
       AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
     WHERE c.table_schema = database()
     ORDER BY c.table_name, c.ordinal_position",
);

fn describe(database: &Database) -> BTreeSet<String> {
    let line = |row: &Row<'_>| -> Result<String, Fault> {
        let null = if row.boolean(4)? { "null" } else { "not null" };
        let (table, place, column, kind) =
            (row.text(0)?, row.integer(1)?, row.text(2)?, row.text(3)?);
        Ok(format!("{table} {place} {column}: {kind}, {null}, key {}", row.integer(5)?))
    };
    let rows = database.read(|reader| reader.query(&DESCRIBE, &[])?.iter().map(line).collect());
    rows.expect("the schema can be read")
}

fn fresh_folder(purpose: &str) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{purpose}-{}-{count}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // A process of the same number may have left one behind.
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("the temporary folder takes a new one");
    folder
}

/// The `MariaDB` of this process.
#[derive(Debug)]
struct Server {
    socket: PathBuf,
    /// Holds the pipe whose end tells the guard to stop the server, however this process ends.
    _guard: Child,
}

impl TestDatabase {
    /// Gives the address as text, for another process.
    pub fn address(&self) -> String {
        match self.database.url() {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::MySql(server) => format!(
                "mysql://{}@{}/{}?socket={}",
                server.user,
                server.host,
                server.name,
                server.socket.as_deref().unwrap_or_default()
            ),
        }
    }
}

impl Server {
    fn url(&self, name: &str) -> DatabaseUrl {
        DatabaseUrl::MySql(ServerUrl {
            user: "root".to_owned(),
            password: String::new(),
            host: "localhost".to_owned(),
            port: 3306,
            name: name.to_owned(),
            socket: Some(self.socket.display().to_string()),
            tls: Tls::Off,
        })
    }
}

/// Makes a data folder, starts a server that syncs every commit as in production, says `ready`, and
/// stops it when its own input ends. Folders of guards that were killed themselves are cleared an
/// hour later.
const GUARD: &str = r#"
trap '' INT TERM HUP
PATH="$PATH:/usr/sbin:/usr/local/sbin"
folder=$1
for old in $(find "$(dirname "$folder")" -maxdepth 1 -name 'daifuku-mariadb-*' -mmin +60); do
  kill -0 "$(cat "$old/pid" 2>/dev/null)" 2>/dev/null || rm -rf "$old"
done
# A temporary folder of its own: a server that starts clears the temporary tables of all others in it.
mkdir "$folder/tmp"
options="--no-defaults --user=$(id -un) --datadir=$folder/data --tmpdir=$folder/tmp"
options="$options --innodb-log-file-size=16M"
mariadb-install-db $options --auth-root-authentication-method=normal --skip-test-db \
  </dev/null >"$folder/install.log" 2>&1 || { echo "mariadb-install-db failed"; exit 1; }
mariadbd $options --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking \
  --innodb-flush-log-at-trx-commit=1 --innodb-buffer-pool-size=64M --max-connections=300 \
  </dev/null >"$folder/server.log" 2>&1 &
server=$!
until [ -S "$folder/socket" ]; do
  kill -0 $server 2>/dev/null || { echo "mariadbd stopped, see $folder/server.log"; exit 1; }
  sleep 0.05
done
echo ready
cat >/dev/null
kill -9 $server
wait $server 2>/dev/null
rm -rf "$folder"
"#;

/// A `MariaDB` of one test, to be killed. It goes, with its folder, when this is dropped.
#[derive(Debug)]
pub struct MortalServer {
    folder: PathBuf,
    url: String,
    process: Child,
}

impl MortalServer {
    /// Starts a server with an empty database. Gives `None` as [`TestDatabase::mysql`] does.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start() -> Option<Self> {
        if !installed() {
            // Says so, or fails where it is required.
            missing();
            return None;
        }
        let folder = fresh_folder("daifuku-mortal");
        let installed = Self::command("mariadb-install-db", &folder)
            .args(["--skip-test-db", "--auth-root-authentication-method=normal"])
            .status();
        assert!(installed.is_ok_and(|status| status.success()), "mariadb-install-db works");
        let process = Self::run(&folder);
        let socket = folder.join("socket");
        let url = |name: &str| format!("mysql://root@localhost/{name}?socket={}", socket.display());
        let server = Self { url: url("book"), process, folder };
        let root = Self::reach(&url("mysql"));
        let made = root.connect().and_then(|mut root| root.run("create", "CREATE DATABASE book"));
        made.expect("the server makes a database");
        Some(server)
    }

    /// Gives the address of its database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Panics
    ///
    /// When it is dead already.
    pub fn kill(&mut self) {
        self.process.kill().expect("it lives");
        self.process.wait().expect("it is this process's child");
    }

    /// Starts it again after a kill. It takes requests some moments later.
    ///
    /// # Panics
    ///
    /// When there is no process for it.
    pub fn restart(&mut self) {
        self.process = Self::run(&self.folder);
    }

    fn run(folder: &Path) -> Child {
        let place =
            |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
        Self::command("mariadbd", folder)
            .args(["--skip-networking", "--max-connections=300"])
            .args(["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M"])
            .args([place("socket", "socket"), place("pid-file", "pid")])
            .spawn()
            .expect("mariadbd starts")
    }

    /// A program of the server, which Debian has where only root looks.
    fn command(program: &str, folder: &Path) -> Command {
        const SCRIPT: &str = r#"PATH="$PATH:/usr/sbin:/usr/local/sbin"; program=$1; data=$2
            shift 2; exec "$program" --no-defaults --user="$(id -un)" --datadir="$data" "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh", program]).arg(folder.join("data"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn reach(url: &str) -> Database {
        let url = DatabaseUrl::parse(url).expect("the address is ours");
        patiently(|| Database::open(&url, PoolOptions::default())).expect("the server comes up")
    }
}

impl Drop for MortalServer {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| if installed() { Some(start()) } else { missing() }).as_ref()
}

fn start() -> Server {
    let folder = fresh_folder("daifuku-mariadb");
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "guard"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    let mut line = String::new();
    let output = guard.stdout.take().expect("the guard's output is a pipe");
    BufReader::new(output).read_line(&mut line).expect("the guard's output can be read");
    assert_eq!(line.trim(), "ready", "the test server starts");
    Server { socket: folder.join("socket"), _guard: guard }
}

fn installed() -> bool {
    ["/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd", "/usr/bin/mariadbd"]
        .iter()
        .any(|path| Path::new(path).exists())
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration; this is the one place")]
#[expect(
    clippy::print_stderr,
    reason = "a suite that was left out must be seen in the test's output"
)]
fn missing() -> Option<Server> {
    let required = std::env::var("DAIFUKU_TEST_MARIADB").is_ok_and(|value| value == "required");
    assert!(!required, "mariadbd is required and not installed: apt-get install mariadb-server");
    eprintln!("mariadbd is not installed: tests run on SQLite only");
    None
}

/// Tries to reach a server that said it was ready but is still busy starting, on a machine that
/// many tests share.
fn patiently(open: impl Fn() -> Result<Database, Fault>) -> Result<Database, Fault> {
    let (_nobody, nothing) = std::sync::mpsc::channel::<()>();
    for _ in 0..100 {
        if let Ok(database) = open() {
            return Ok(database);
        }
        let waited = nothing.recv_timeout(std::time::Duration::from_millis(100));
        assert!(waited.is_err(), "nobody sends");
    }
    open()
}

/// A command that makes units known and opens accounts, for tests.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Units to make known.
    pub units: Vec<ledger::Unit>,
    /// Accounts to open.
    pub accounts: Vec<ledger::AccountSpec>,
}

impl crate::Command for Setup {
    type Facts = Vec<ledger::Unit>;
    type Receipt = Vec<ledger::AccountNumber>;
    type Refusal = crate::AccountDiffers;

    const NAME: &'static str = "set up a test";

    fn load(_: &[Self], _: &mut crate::Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(Vec::new())
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut crate::Posting<'_>,
    ) -> Result<Self::Receipt, Self::Refusal> {
        let opened: Result<Vec<_>, _> =
            self.accounts.iter().map(|&spec| posting.open_account(spec)).collect();
        let opened = opened?;
        for &unit in &self.units {
            posting.set_unit(unit);
            facts.push(unit);
        }
        Ok(opened)
    }

    fn save(facts: Self::Facts, tx: &mut crate::Tx<'_>) -> Result<(), Fault> {
        crate::registry::save_units(tx, &facts)
    }
}
