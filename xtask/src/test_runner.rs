//! Running tests: with cargo-nextest where it is installed, with `cargo test` where it is not.

use std::io::IsTerminal;

use crate::{
    arguments::{TestDatabase, TestRequest},
    process::{Process, Stream},
};

/// Whether tests start MariaDB: `off`, `required`, or unset for "where it is installed".
const MARIADB: &str = "DAIFUKU_TEST_MARIADB";

/// How a run of tests ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) passed: bool,
    /// The runner's own last words: how many tests ran, passed and were skipped.
    pub(crate) closing: Vec<String>,
}

/// Runs the tests of the whole workspace, doctests apart.
pub(crate) fn run_workspace() -> anyhow::Result<Report> {
    if !has_nextest() {
        let process = Process::cargo(["test", "--workspace", "--locked", "--all-targets"])
            .arguments(["--no-fail-fast".to_owned()]);
        let (passed, closing) =
            process.run_keeping(Stream::Output, |line| line.starts_with("test result:"))?;
        return Ok(Report { passed, closing });
    }
    let color = if std::io::stdout().is_terminal() { "always" } else { "never" };
    let process = Process::cargo(["nextest", "run", "--workspace", "--locked"])
        .arguments(["--profile", "ci", "--color", color].map(str::to_owned));
    let mut closing = false;
    let (passed, closing) = process.run_keeping(Stream::Error, |line| {
        closing |= line.contains("Summary") && line.contains("run:");
        closing
    })?;
    Ok(Report { passed, closing })
}

/// Runs the tests of one package.
pub(crate) fn run_package(request: &TestRequest) -> anyhow::Result<bool> {
    let runner: &[&str] = if has_nextest() { &["nextest", "run"] } else { &["test"] };
    Process::cargo(runner.iter().copied().chain(["--package", &request.package]))
        .arguments(request.filters.iter().cloned())
        .environment(MARIADB, mariadb(request.database))
        .run()
}

/// Runs every test with expectations rewritten to what the code gives now.
///
/// Whether all passed is not told: a test that is not an expectation may fail for its own reasons,
/// and `ci` says so.
pub(crate) fn rewrite_expectations() -> anyhow::Result<()> {
    let runner: &[&str] = if has_nextest() { &["nextest", "run"] } else { &["test"] };
    Process::cargo(runner.iter().copied().chain(["--workspace", "--no-fail-fast"]))
        .environment("UPDATE_EXPECT", "1")
        .environment(MARIADB, mariadb(TestDatabase::SqliteOnly))
        .run()?;
    Ok(())
}

fn has_nextest() -> bool {
    Process::cargo(["nextest", "--version"]).answers()
}

fn mariadb(database: TestDatabase) -> &'static str {
    match database {
        TestDatabase::SqliteOnly => "off",
        TestDatabase::MariaDbToo => "required",
    }
}
