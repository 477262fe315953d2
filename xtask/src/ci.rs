//! Everything a change must pass: what fails in a second before what takes minutes.

use std::{env, time::Duration};

use anyhow::ensure;

use crate::{
    demo,
    process::Process,
    simulator,
    test_runner::{self, Report},
    tidy,
};

/// One check of a change.
struct Step {
    name: &'static str,
    /// The command that repairs a failure, or starts the search for its cause.
    repair: &'static str,
    check: fn() -> anyhow::Result<Verdict>,
}

/// How a step ended.
enum Verdict {
    Passed,
    Failed,
    /// Not run, and why.
    Skipped(&'static str),
    /// The tests, with the closing lines of their runner.
    Tested(Report),
}

/// The steps by cost. Tests come last, so that a run ends with how many there were.
const STEPS: &[Step] = &[
    Step { name: "fmt", repair: "cargo xtask fix", check: fmt },
    Step { name: "tidy", repair: "what its lines say, then cargo xtask tidy", check: house },
    Step { name: "typos", repair: "typos --write-changes, or typos.toml", check: typos },
    Step { name: "taplo", repair: "taplo fmt", check: taplo },
    Step { name: "shellcheck", repair: "shellcheck .ci/run", check: shellcheck },
    Step { name: "clippy", repair: "cargo xtask fix, then cargo clippy", check: clippy },
    Step { name: "doc", repair: "cargo doc --no-deps --document-private-items", check: doc },
    Step { name: "doctests", repair: "cargo test --doc --workspace", check: doctests },
    Step { name: "simulator", repair: "cargo xtask sim --seed 1 --steps 2000", check: simulate },
    Step { name: "api", repair: "what its lines say", check: api },
    Step { name: "browser", repair: "npm test --prefix tests/browser", check: browser },
    Step { name: "tests", repair: "cargo xtask test PACKAGE", check: tests },
];

/// Runs the steps named, or all; `false` when one failed. Later steps run even then.
pub(crate) fn run(names: &[String]) -> anyhow::Result<bool> {
    for name in names {
        ensure!(STEPS.iter().any(|step| step.name == name), "ci has no step {name}");
    }
    let chosen =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|n| n == step.name));
    let mut summary = Vec::new();
    let mut closing = Vec::new();
    let mut passed = true;
    for step in chosen {
        println!("\n== {} ==", step.name);
        let (verdict, duration) = timed(step.check);
        let (mark, remark) = match verdict {
            Ok(Verdict::Passed) => ("ok", String::new()),
            Ok(Verdict::Skipped(why)) if is_build_machine() => ("FAILED", why.to_owned()),
            Ok(Verdict::Skipped(why)) => ("skipped", why.to_owned()),
            Ok(Verdict::Failed) => ("FAILED", format!("repair with: {}", step.repair)),
            Ok(Verdict::Tested(report)) => {
                closing = report.closing;
                let remark = format!("repair with: {}", step.repair);
                if report.passed { ("ok", String::new()) } else { ("FAILED", remark) }
            }
            Err(fault) => ("FAILED", format!("{fault:#}")),
        };
        passed &= mark != "FAILED";
        println!("{}: {mark}{}{remark}", step.name, if remark.is_empty() { "" } else { ", " });
        let seconds = duration.as_secs_f32();
        let line = format!("{:<10} {mark:<7} {seconds:>6.1} s  {remark}", step.name);
        summary.push(line.trim_end().to_owned());
    }
    println!("\n== summary ==\n{}", summary.join("\n"));
    for line in closing {
        println!("{line}");
    }
    Ok(passed)
}

fn fmt() -> anyhow::Result<Verdict> {
    verdict(&Process::cargo(["fmt", "--all", "--check"]))
}

fn house() -> anyhow::Result<Verdict> {
    Ok(if tidy::run()? { Verdict::Passed } else { Verdict::Failed })
}

fn typos() -> anyhow::Result<Verdict> {
    if !Process::new("typos", ["--version"]).answers() {
        return Ok(Verdict::Skipped("not installed; pip install -r .ci/requirements.txt"));
    }
    verdict(&Process::new("typos", []))
}

fn taplo() -> anyhow::Result<Verdict> {
    if !Process::new("taplo", ["--version"]).answers() {
        return Ok(Verdict::Skipped("not installed; pip install -r .ci/requirements.txt"));
    }
    verdict(&Process::new("taplo", ["fmt", "--check", "--diff"]))
}

fn shellcheck() -> anyhow::Result<Verdict> {
    if !Process::new("shellcheck", ["--version"]).answers() {
        return Ok(Verdict::Skipped("not installed; apt-get install shellcheck"));
    }
    verdict(&Process::new("shellcheck", [".ci/run"]))
}

fn clippy() -> anyhow::Result<Verdict> {
    let scope = ["clippy", "--workspace", "--all-targets", "--locked"];
    verdict(&Process::cargo(scope.into_iter().chain(["--", "-D", "warnings"])))
}

fn doc() -> anyhow::Result<Verdict> {
    let scope = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    verdict(&Process::cargo(scope).environment("RUSTDOCFLAGS", "-D warnings"))
}

fn doctests() -> anyhow::Result<Verdict> {
    verdict(&Process::cargo(["test", "--doc", "--workspace", "--locked", "--quiet"]))
}

fn simulate() -> anyhow::Result<Verdict> {
    if !simulator::exists() {
        // Not a missing tool: a checkout without a simulator has nothing to run, anywhere.
        println!("there is no simulator in this checkout");
        return Ok(Verdict::Passed);
    }
    Ok(if simulator::run_for_ci()? { Verdict::Passed } else { Verdict::Failed })
}

fn api() -> anyhow::Result<Verdict> {
    if !demo::can_make_up_requests() {
        return Ok(Verdict::Skipped("not installed; pip install -r .ci/requirements.txt"));
    }
    Ok(if demo::try_requests()? { Verdict::Passed } else { Verdict::Failed })
}

fn browser() -> anyhow::Result<Verdict> {
    if !demo::can_browse() {
        return Ok(Verdict::Skipped("apt-get install chromium; npm ci --prefix tests/browser"));
    }
    Ok(if demo::browse()? { Verdict::Passed } else { Verdict::Failed })
}

fn tests() -> anyhow::Result<Verdict> {
    test_runner::run_workspace().map(Verdict::Tested)
}

fn verdict(process: &Process) -> anyhow::Result<Verdict> {
    Ok(if process.run()? { Verdict::Passed } else { Verdict::Failed })
}

fn is_build_machine() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

#[expect(clippy::disallowed_methods, reason = "durations for a person; no decision rests on them")]
fn timed<T>(action: impl FnOnce() -> T) -> (T, Duration) {
    let started = std::time::Instant::now();
    let result = action();
    (result, started.elapsed())
}
