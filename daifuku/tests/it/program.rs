//! The program as it is started at a shell.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use expect_test::{Expect, expect};

fn daifuku(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daifuku"));
    command.env_clear().current_dir(folder).arg("--set").arg("folder=files").args(arguments);
    command
}

/// Runs to the end; gives the exit code, and what was said with the folder and figures that differ
/// from run to run taken out.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = daifuku(folder, arguments).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code(), text)
}

fn check(folder: &Path, arguments: &[&str], expected: &Expect) {
    let (code, text) = run(folder, arguments);
    expected.assert_eq(&format!("{text}exit {code:?}\n"));
}

#[test]
fn settings_are_checked_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(
        folder,
        &["config", "check"],
        &expect![[r"
        all settings are valid
        exit Some(0)
    "]],
    );
    fs::write(folder.join("bad.toml"), "[server]\nlistne = \"127.0.0.1:1\"\n").unwrap();
    check(
        folder,
        &["--config", "bad.toml", "config", "check"],
        &expect![[r"
        server.listne in bad.toml: there is no such setting; there is server.listen
        exit Some(2)
    "]],
    );
    check(
        folder,
        &["--set", "log.level=loud", "verify"],
        &expect![[r"
        log.level in --set: give one of error, warn, info, debug, trace
        exit Some(2)
    "]],
    );
    let (_, shown) = run(folder, &["config", "show"]);
    assert!(shown.contains("sqlite:files/daifuku.db"), "{shown}");
    let (_, listed) = run(folder, &["config", "list"]);
    assert!(listed.contains("DAIFUKU_SERVER_LISTEN"), "{listed}");
    fs::write(folder.join("all.toml"), run(folder, &["config", "default"]).1).unwrap();
    check(
        folder,
        &["--config", "all.toml", "config", "check"],
        &expect![[r"
        all settings are valid
        exit Some(0)
    "]],
    );
    assert_eq!(run(folder, &["frobnicate"]).0, Some(2));
}

#[test]
fn an_installation_is_made_examined_copied_and_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (code, text) = run(folder, &["doctor"]);
    assert!(code == Some(1) && text.contains("run `daifuku migrate`"), "{code:?} {text}");
    let (code, text) = run(folder, &["serve", "--no-migrate"]);
    assert!(code == Some(3) && text.contains("run `daifuku migrate`"), "{code:?} {text}");
    let (code, text) = run(folder, &["migrate"]);
    assert!(code == Some(0) && text.contains("migration 1 was applied"), "{code:?} {text}");
    check(
        folder,
        &["verify"],
        &expect![[r"
        head: group 0, last seq 0, hash 0000000000000000000000000000000000000000000000000000000000000000
        audit trail: 0:0000000000000000000000000000000000000000000000000000000000000000
        everything adds up
        exit Some(0)
    "]],
    );
    let (code, text) = run(folder, &["doctor"]);
    assert_eq!(code, Some(0), "{text}");
    check(
        folder,
        &["backup", "copy.db"],
        &expect![[r"
        copy.db is a whole database
        keep files/secrets as well, in another place
        exit Some(0)
    "]],
    );
    let (code, text) = run(folder, &["backup", "copy.db"]);
    assert!(code == Some(3) && text.contains("copy.db is in the way"), "{text}");
    let (code, text) = run(folder, &["restore", "copy.db"]);
    assert!(code == Some(3) && text.contains("is in the way"), "{text}");
    fs::remove_dir_all(folder.join("files")).unwrap();
    check(
        folder,
        &["restore", "copy.db"],
        &expect![[r"
        files/daifuku.db is restored
        head: group 0, last seq 0, hash 0000000000000000000000000000000000000000000000000000000000000000
        audit trail: 0:0000000000000000000000000000000000000000000000000000000000000000
        everything adds up
        exit Some(0)
    "]],
    );
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--set", "server.listen=127.0.0.1:0", "--set", "server.stop_notice_ms=0", "serve"];
    let mut command = daifuku(folder.path(), &arguments);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut wait_for = |what: &str| {
        let found = log.find(|line| line.as_ref().unwrap().contains(what));
        assert!(found.is_some(), "{what} is in the log");
    };
    wait_for("serving on 127.0.0.1:");
    let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success(), "the signal was sent");
    wait_for("every request in work was answered");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!folder.path().join("files/daifuku.db-wal").exists(), "the database is closed");
}

#[test]
fn the_demo_says_who_can_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_daifuku"));
    command.env_clear().current_dir(folder.path());
    command.args(["--set", "passwords.memory_kib=8", "--set", "server.listen=127.0.0.1:0", "demo"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.contains("Ctrl-C") {
            break;
        }
    }
    let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success(), "the signal was sent");
    for part in ["hana@example.jp", "sre@daifuku.example", "password of everybody", "dfk_"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    child.wait().unwrap();
}
