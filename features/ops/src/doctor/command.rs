use super::state::{Diagnosis, Ledger, Outside, SystemFacts, UnknownStep};
use crate::Disk;
use store::migrate::{Progress, Status};
use vocabulary::Timestamp;

/// Two clocks further apart than this let sessions and expiry days differ from node to node.
const APART_SECONDS_MAX: i64 = 5;

/// Before this program was written: a clock that was never set.
const NEVER_SET: Timestamp = Timestamp::from_microseconds(1_767_225_600_000_000); // 2026-01-01.

/// Below this there is room for minutes or hours, not for a night.
const FREE_CARE_BYTES: u64 = 2 << 30;

/// Below this the next checkpoint may not fit.
const FREE_BAD_BYTES: u64 = 256 << 20;

/// Judges what was found. Does no I/O. `ledger` is `None` when the journal was not folded.
pub fn examine(facts: &SystemFacts, outside: &Outside, ledger: Option<&Ledger>) -> Vec<Diagnosis> {
    let mut diagnoses = vec![schema(&facts.schema, &facts.unknown)];
    diagnoses.push(clock(outside.clock, facts.clock, ledger.map(|ledger| ledger.head_at)));
    diagnoses.push(disk(outside.disk));
    diagnoses.extend(durability(facts));
    diagnoses.push(ledger.map_or_else(not_folded, books));
    diagnoses
}

fn schema(known: &[Status], unknown: &[UnknownStep]) -> Diagnosis {
    const CHECK: &str = "schema";
    let named = |status: &Status| format!("{} ({})", status.version, status.name);
    if let Some(changed) = known.iter().find(|status| status.progress == Progress::Changed) {
        let found = format!("migration {} was applied with another text", named(changed));
        let advice = "this program and the database come from different histories: run the \
                      version that wrote the database, and ask its developers";
        return Diagnosis::bad(CHECK, found, advice);
    }
    if let Some(step) = unknown.iter().find(|step| step.takes_away()) {
        let found = format!("migration {} ({}) is of a newer version", step.version, step.name);
        let advice = "it took away what this version uses: run the newer version";
        return Diagnosis::bad(CHECK, found, advice);
    }
    let pending = known.iter().find(|status| !matches!(status.progress, Progress::Applied { .. }));
    if let Some(pending) = pending {
        let found = format!("migration {} is not applied", named(pending));
        return Diagnosis::bad(CHECK, found, "run `daifuku migrate`");
    }
    match (known.last(), unknown.first()) {
        (_, Some(step)) => {
            let found = format!("migration {} ({}) is of a newer version", step.version, step.name);
            let advice = "it only adds, so both versions can run; finish the upgrade";
            Diagnosis::care(CHECK, found, advice)
        }
        (Some(last), None) => Diagnosis::good(CHECK, format!("all up to {} is there", named(last))),
        (None, None) => Diagnosis::good(CHECK, "there are no migrations"),
    }
}

fn clock(ours: Timestamp, database: Timestamp, head_at: Option<Timestamp>) -> Diagnosis {
    const CHECK: &str = "clock";
    const ADVICE: &str = "set the clock, and see that chrony or systemd-timesyncd runs";
    if ours < NEVER_SET {
        return Diagnosis::bad(CHECK, format!("it is {ours}"), ADVICE);
    }
    if let Some(head_at) = head_at.filter(|head_at| *head_at > ours.plus_seconds(1)) {
        let found = format!("it is {ours}, and the journal is at {head_at} already");
        let advice = "until the clock is there, everything is posted at the journal's last \
                      moment; see whether this clock or the one that wrote it is wrong";
        return Diagnosis::bad(CHECK, found, advice);
    }
    let apart = ours.microseconds_since(database).saturating_abs().div_euclid(1_000_000);
    if apart > APART_SECONDS_MAX {
        let found = format!("ours and the database's are {apart} s apart");
        return Diagnosis::care(CHECK, found, ADVICE);
    }
    Diagnosis::good(CHECK, "it agrees with the database's and with the journal")
}

fn disk(disk: Option<Disk>) -> Diagnosis {
    const CHECK: &str = "disk";
    let Some(disk) = disk else {
        let advice = "look with `df`, and see that the data folder exists";
        return Diagnosis::care(CHECK, "the system does not tell how full it is", advice);
    };
    let mebibytes = disk.free_bytes >> 20;
    let found = format!("{mebibytes} MiB free of {} MiB", disk.size_bytes >> 20);
    let advice = "see docs/runbooks/disk-full.md";
    match disk.free_bytes {
        ..FREE_BAD_BYTES => Diagnosis::bad(CHECK, found, advice),
        FREE_BAD_BYTES..FREE_CARE_BYTES => Diagnosis::care(CHECK, found, advice),
        FREE_CARE_BYTES.. => Diagnosis::good(CHECK, found),
    }
}

fn durability(facts: &SystemFacts) -> Vec<Diagnosis> {
    const CHECK: &str = "durability";
    let warnings = &facts.durability.warnings;
    if warnings.is_empty() {
        let settings = facts.durability.settings.iter();
        let settings: Vec<String> =
            settings.map(|(name, value)| format!("{name}={value}")).collect();
        return vec![Diagnosis::good(CHECK, settings.join(" "))];
    }
    let advice = "change it at the database server, and restart that";
    warnings.iter().map(|warning| Diagnosis::bad(CHECK, warning.as_str(), advice)).collect()
}

fn not_folded() -> Diagnosis {
    Diagnosis::care(
        "ledger",
        "the journal was not folded",
        "run `daifuku verify` when there is time",
    )
}

fn books(ledger: &Ledger) -> Diagnosis {
    const CHECK: &str = "ledger";
    match ledger.findings.first() {
        None => Diagnosis::good(CHECK, format!("{} movements add up", ledger.movements)),
        Some(finding) => {
            let advice = "stop serving and see docs/runbooks/verify-finds-damage.md";
            Diagnosis::bad(CHECK, finding.as_str(), advice)
        }
    }
}
