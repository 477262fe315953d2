//! What the world does to a program that serves: the disk is full or takes no writes, the database
//! is away, a checkpoint is damaged. It says so, answers nothing wrong, and goes on by itself.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::served::{Bank, Connection};
use store::{
    Database, DatabaseUrl, PoolOptions, Statement,
    testing::{MortalServer, TestDatabase},
};

fn pause(milliseconds: u64) {
    thread::park_timeout(Duration::from_millis(milliseconds));
}

/// Asks until the answer is as wanted; gives it.
fn await_answer(
    connection: &mut Connection,
    path: &str,
    mut wanted: impl FnMut(u16, &Value) -> bool,
) -> Value {
    let mut seen = Value::Null;
    for _ in 0..600 {
        let (status, answer) = connection.ask("GET", path, None).unwrap();
        if wanted(status, &answer) {
            return answer;
        }
        seen = answer;
        pause(50);
    }
    panic!("{path} stays {seen}");
}

/// Finds a check of `/readyz`.
fn check<'a>(readiness: &'a Value, name: &str) -> &'a Value {
    let checks = readiness["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// A small disk of its own, which only root can make.
struct SmallDisk(PathBuf);

impl SmallDisk {
    #[expect(clippy::print_stderr, reason = "what was left out must be seen in the test's output")]
    fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        let place = folder.join("disk");
        fs::create_dir(&place).unwrap();
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(place));
        }
        eprintln!("a disk cannot be mounted here: left out");
        None
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        let mounted = Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap();
        assert!(mounted.success(), "the disk is mounted {option}");
    }

    /// Takes all room but `spare` bytes, until the file is removed.
    fn fill(&self, spare: usize) -> PathBuf {
        const PIECE: [u8; 4096] = [b'x'; 4096];
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        let mut written: u64 = 0;
        while file.write_all(&PIECE).is_ok() {
            written += 4096;
        }
        file.set_len(written.saturating_sub(u64::try_from(spare).unwrap())).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while a program that failed to end still has files open on it.
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_refuses_what_it_has_no_room_for_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 16) else { return };
    let bank = Bank::set_up(&format!("sqlite:{}", disk.0.join("book.db").display()));
    let served = bank.installation.serve(&[]);
    let mut client = Connection::open(served.address, &bank.key).unwrap();
    let filler = disk.fill(400_000);
    let mut writer = Connection::open(served.address, &bank.key).unwrap();
    let mut posted = 0;
    let mut refused = 0;
    // Room may come back by itself when the log is moved into the file: so on until it does not.
    let readiness = await_answer(&mut client, "/readyz", |_, answer| {
        let (status, answered) = bank.grant_many(&mut writer, posted..posted + 500);
        if status == 200 {
            posted += 500;
        } else {
            assert_eq!((status, &answered["code"]), (503, &json!("store_unavailable")), "{answer}");
            refused += 1;
        }
        refused > 0 && check(answer, "commits")["ok"] == false
    });
    assert_eq!(bank.posted(&mut client), posted, "reading goes on, and nothing is half done");
    let complaint = check(&readiness, "commits")["detail"].as_str().unwrap();
    assert!(complaint.contains("the database is full"), "{complaint}");
    assert_eq!(readiness["ready"], true, "it reads as well as any: {readiness}");
    fs::remove_file(filler).unwrap();
    let (status, answer) = bank.grant_many(&mut writer, posted..posted + 500);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(bank.posted(&mut client), posted + 500, "the same request, once");
    await_answer(&mut client, "/readyz", |_, answer| check(answer, "commits")["ok"] == true);
    drop((client, writer));
    assert!(served.stop().success(), "it ends well");
    bank.installation.must(&["verify"]);
}

#[test]
fn a_disk_that_takes_no_writes_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 16) else { return };
    let bank = Bank::set_up(&format!("sqlite:{}", disk.0.join("book.db").display()));
    disk.remount("ro");
    let refused = bank.installation.run(&["serve"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("may this user write it, and into its folder?"), "{said}");
    disk.remount("rw");
    assert!(bank.installation.serve(&[]).stop().success(), "it serves again");
}

#[test]
fn a_database_that_is_away_is_waited_for() {
    let Some(mut server) = MortalServer::start() else { return };
    let bank = Bank::set_up(server.url());
    let served = bank.installation.serve(&["database.patience_ms=500"]);
    let mut client = Connection::open(served.address, &bank.key).unwrap();
    let (status, _) = client.ask("POST", "/api/v1/transfers", Some(&bank.grant("a"))).unwrap();
    assert_eq!(status, 201);
    server.kill();
    let (status, answer) = client.ask("POST", "/api/v1/transfers", Some(&bank.grant("b"))).unwrap();
    assert_eq!((status, &answer["code"]), (503, &json!("store_unavailable")), "{answer}");
    assert_eq!(bank.posted(&mut client), 1, "balances are answered from memory");
    // Each check has its own moment: the writer may have seen it before the database's check does.
    await_answer(&mut client, "/readyz", |status, answer| {
        status == 503 && check(answer, "database")["ok"] == false
    });
    let path = format!("/api/v1/accounts/{}/statement", bank.wallets[0]);
    let (status, answer) = client.ask("GET", &path, None).unwrap();
    assert_eq!((status, &answer["code"]), (503, &json!("store_unavailable")), "{answer}");
    server.restart();
    await_answer(&mut client, "/readyz", |status, _| status == 200);
    let (status, answer) = client.ask("POST", "/api/v1/transfers", Some(&bank.grant("b"))).unwrap();
    assert!(matches!(status, 200 | 201), "{answer}");
    assert_eq!(bank.posted(&mut client), 2, "once, whatever became of the first request");
    drop(client);
    assert!(served.stop().success(), "it ends well");
    // And at the start: it says what is wrong.
    server.kill();
    let refused = bank.installation.run(&["serve"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("the database is unavailable"), "{said}");
}

static DAMAGE: Statement = Statement::new(
    "damage the checkpoint",
    "UPDATE checkpoint_page SET page_check = page_check + 1 WHERE page >= 0",
);

#[test]
fn a_damaged_checkpoint_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut urls = vec![format!("sqlite:{}", folder.path().join("book.db").display())];
    let server = TestDatabase::mysql();
    urls.extend(server.iter().map(TestDatabase::address));
    for url in urls {
        let bank = Bank::set_up(&url);
        let served = bank.installation.serve(&[]);
        let mut client = Connection::open(served.address, &bank.key).unwrap();
        for key in ["a", "b", "c"] {
            client.ask("POST", "/api/v1/transfers", Some(&bank.grant(key))).unwrap();
        }
        drop(client);
        assert!(served.stop().success(), "it ends well, with a checkpoint");
        let opened = Database::open(&DatabaseUrl::parse(&url).unwrap(), PoolOptions::default());
        let mut connection = opened.unwrap().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        assert!(tx.execute(&DAMAGE, &[]).unwrap() > 0, "there is a checkpoint");
        tx.commit().unwrap();
        let served = bank.installation.serve(&[]);
        let mut client = Connection::open(served.address, &bank.key).unwrap();
        assert_eq!(bank.posted(&mut client), 3, "the journal was folded again");
        let (status, answer) =
            client.ask("POST", "/api/v1/transfers", Some(&bank.grant("a"))).unwrap();
        assert_eq!((status, &answer["repeated"]), (200, &json!(true)), "{answer}");
        drop(client);
        assert!(served.stop().success(), "it ends well");
        bank.installation.must(&["verify"]);
    }
}
