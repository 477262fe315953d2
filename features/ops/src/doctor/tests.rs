use expect_test::{Expect, expect};

use super::{
    command::examine,
    state::{Diagnosis, Ledger, Outside, Severity, SystemFacts, UnknownStep},
    store::load_facts,
};
use crate::{
    Disk,
    testing::{NOON, migrations},
};
use store::{
    Durability,
    migrate::{Phase, Progress, Status},
    testing::for_each_database,
};
use vocabulary::Timestamp;

fn listed(diagnoses: &[Diagnosis]) -> String {
    let line = |found: &Diagnosis| {
        let Diagnosis { check, severity, found, advice } = found;
        format!("{check} {}: {found} | {advice}", severity.word()).trim_end().to_owned() + "\n"
    };
    diagnoses.iter().map(line).collect()
}

struct Case {
    facts: SystemFacts,
    outside: Outside,
    ledger: Option<Ledger>,
}

/// An installation in which all is well, changed as a test wants it.
fn check(change: impl FnOnce(&mut Case), expected: &Expect) {
    let applied = Progress::Applied { at: NOON };
    let step = Status { version: 1, name: "journal", phase: Phase::Expand, progress: applied };
    let settings = vec![("synchronous".to_owned(), "2".to_owned())];
    let mut case = Case {
        facts: SystemFacts {
            schema: vec![step],
            unknown: Vec::new(),
            durability: Durability { settings, warnings: Vec::new() },
            clock: NOON,
        },
        outside: Outside {
            clock: NOON,
            disk: Some(Disk { free_bytes: 50 << 30, size_bytes: 100 << 30 }),
        },
        ledger: Some(Ledger { findings: Vec::new(), movements: 7, head_at: NOON }),
    };
    change(&mut case);
    let diagnoses = examine(&case.facts, &case.outside, case.ledger.as_ref());
    let worth_telling: Vec<_> =
        diagnoses.into_iter().filter(|diagnosis| diagnosis.severity != Severity::Good).collect();
    expected.assert_eq(&listed(&worth_telling));
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    check(|_case| {}, &expect![""]);
    check(
        |case| case.facts.schema[0].progress = Progress::Pending,
        &expect![["
        schema BAD: migration 1 (journal) is not applied | run `daifuku migrate`
    "]],
    );
    check(|case| case.facts.schema[0].progress = Progress::Changed, &expect![["
        schema BAD: migration 1 (journal) was applied with another text | this program and the database come from different histories: run the version that wrote the database, and ask its developers
    "]]);
    let newer =
        |phase: &str| UnknownStep { version: 9, name: "newer".to_owned(), phase: phase.to_owned() };
    check(|case| case.facts.unknown.push(newer("expand")), &expect![["
        schema care: migration 9 (newer) is of a newer version | it only adds, so both versions can run; finish the upgrade
    "]]);
    check(|case| case.facts.unknown.push(newer("contract")), &expect![["
        schema BAD: migration 9 (newer) is of a newer version | it took away what this version uses: run the newer version
    "]]);
    check(|case| case.outside.clock = Timestamp::default(), &expect![["
        clock BAD: it is 1970-01-01T00:00:00Z | set the clock, and see that chrony or systemd-timesyncd runs
    "]]);
    check(|case| case.outside.clock = NOON.plus_seconds(-2), &expect![["
        clock BAD: it is 2026-11-20T02:59:58Z, and the journal is at 2026-11-20T03:00:00Z already | until the clock is there, everything is posted at the journal's last moment; see whether this clock or the one that wrote it is wrong
    "]]);
    check(|case| case.facts.clock = NOON.plus_seconds(60), &expect![["
        clock care: ours and the database's are 60 s apart | set the clock, and see that chrony or systemd-timesyncd runs
    "]]);
    check(|case| case.outside.disk = None, &expect![["
        disk care: the system does not tell how full it is | look with `df`, and see that the data folder exists
    "]]);
    let disk = |free_bytes| Some(Disk { free_bytes, size_bytes: 100 << 30 });
    check(
        |case| case.outside.disk = disk(1 << 30),
        &expect![["
        disk care: 1024 MiB free of 102400 MiB | see docs/runbooks/disk-full.md
    "]],
    );
    check(
        |case| case.outside.disk = disk(1 << 20),
        &expect![["
        disk BAD: 1 MiB free of 102400 MiB | see docs/runbooks/disk-full.md
    "]],
    );
    let warning = "synchronous is below FULL: a power cut loses commits";
    check(|case| case.facts.durability.warnings.push(warning.to_owned()), &expect![["
        durability BAD: synchronous is below FULL: a power cut loses commits | change it at the database server, and restart that
    "]]);
    check(
        |case| case.ledger = None,
        &expect![["
        ledger care: the journal was not folded | run `daifuku verify` when there is time
    "]],
    );
    let finding = "movement 3 is missing".to_owned();
    check(|case| case.ledger.as_mut().unwrap().findings.push(finding), &expect![["
        ledger BAD: movement 3 is missing | stop serving and see docs/runbooks/verify-finds-damage.md
    "]]);
}

#[test]
fn a_database_tells_about_itself() {
    for_each_database(|database| {
        let known = migrations();
        let empty = load_facts(database.database(), &known).unwrap();
        assert!(empty.schema.iter().all(|step| step.progress == Progress::Pending), "{empty:?}");
        assert_eq!(empty.unknown, []);
        database.migrate(&known);
        let (last, older) = known.split_last().unwrap();
        let facts = load_facts(database.database(), older).unwrap();
        let unknown = UnknownStep {
            version: last.version,
            name: last.name.to_owned(),
            phase: "expand".to_owned(),
        };
        assert_eq!(facts.unknown, [unknown]);
        assert!(!facts.durability.settings.is_empty(), "{facts:?}");
        assert!(facts.clock > NOON.plus_days(-3_650), "the database's clock goes: {}", facts.clock);
    });
}
