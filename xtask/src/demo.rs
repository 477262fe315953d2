//! Checks against the program as it is served: made-up requests, and a real browser.

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context as _, ensure};

use crate::process::{self, Process};

/// The demo, served until this is dropped.
struct Demo {
    child: Child,
    url: String,
    key: String,
}

impl Demo {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = program.with_file_name("demo-of-checks");
        let mut child = Command::new(program)
            .args(["--set", "passwords.memory_kib=8", "demo", "--port", &port.to_string()])
            .arg("--folder")
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("start the demo")?;
        let output = child.stdout.take().context("the demo has an output")?;
        let mut demo = Self { child, url: format!("http://127.0.0.1:{port}"), key: String::new() };
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(key) = line.split(' ').find(|word| word.starts_with("dfk_")) {
                key.clone_into(&mut demo.key);
            }
            if line.contains("Ctrl-C") {
                break;
            }
        }
        ensure!(!demo.key.is_empty(), "the demo did not start");
        // A pipe that nobody reads would stop it.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(demo)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Builds the program beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let built = Process::cargo(["build", "--package", "daifuku", "--locked", "--quiet"]).run()?;
    ensure!(built, "the program does not build");
    let program = env::current_exe()?.with_file_name("daifuku");
    ensure!(program.exists(), "{} was built elsewhere", program.display());
    Ok(program)
}

/// Tells whether requests can be made up here.
pub(crate) fn can_make_up_requests() -> bool {
    Process::new("schemathesis", ["--version"]).answers()
}

/// Sends requests made up from the OpenAPI document, then what no client should send; `false` when
/// an answer was wrong.
///
/// # Errors
///
/// When the demo does not start.
pub(crate) fn try_requests() -> anyhow::Result<bool> {
    let demo = Demo::start(&program()?)?;
    let document = format!("{}/api/openapi.json", demo.url);
    let described = Process::new("schemathesis", ["--config-file", "tests/api/schemathesis.toml"])
        .arguments(["run".to_owned(), document])
        .environment("DAIFUKU_URL", &demo.url)
        .environment("DAIFUKU_API_KEY", &demo.key)
        .environment("HYPOTHESIS_STORAGE_DIRECTORY", "target/hypothesis")
        .run()?;
    let hostile = Process::new("python3", ["tests/api/hostile.py", &demo.url, &demo.key]);
    Ok(hostile.run()? && described)
}

/// Tells whether there is a browser here, with what drives it.
pub(crate) fn can_browse() -> bool {
    let driver = process::root().join("tests/browser/node_modules/playwright-core");
    driver.exists() && Process::new("chromium", ["--version"]).answers()
}

/// Walks the pages in a browser; `false` when something is wrong with one.
///
/// # Errors
///
/// When the program does not build.
pub(crate) fn browse() -> anyhow::Result<bool> {
    let program = program()?.display().to_string();
    Process::new("npm", ["test", "--prefix", "tests/browser"])
        .environment("DAIFUKU_PROGRAM", &program)
        .run()
}
