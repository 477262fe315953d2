//! What an engineer does at a shell: verify, back up, restore, examine, migrate.

use core::{fmt::Write as _, ops::ControlFlow};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::{
    config::Config,
    house::{Apply, World, open_database, prepare_schema},
    parts,
    secrets::Secrets,
    terminal::{Progress, say, table},
};
use access::audit_trail::{self, Flaw, Verdict};
use ops::{Diagnosis, Disk, Ledger, Outside, Severity};
use store::{
    Database, DatabaseUrl, backup,
    migrate::{self, Progress as StepProgress},
    verify::{Verified, verify as verify_journal},
};

/// How a command ended that did what it was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Well,
    /// It found something that somebody must act on.
    WithFindings,
}

/// Folds the whole journal and checks the chain of the audit trail; names the first row that does
/// not fit. Reads only, also beside a process that serves.
///
/// # Errors
///
/// When the database fails; damage is a finding.
pub fn verify(config: &Config) -> anyhow::Result<Ended> {
    let database = open_database(config)?;
    let verified = fold(&database)?;
    let head = &verified.head;
    let mut hash = String::with_capacity(64);
    for byte in head.hash {
        write!(hash, "{byte:02x}")?;
    }
    say(format!("head: group {}, last seq {}, hash {hash}", head.number, verified.last_seq));
    for finding in &verified.findings {
        say(format!("FINDING: {finding}"));
    }
    let trail = database.read(|reader| audit_trail::verify(reader, None))?;
    let trail_is_intact = match trail {
        Verdict::Intact(head) => {
            say(format!("audit trail: {head}"));
            true
        }
        Verdict::Broken { seq, flaw } => {
            let what = match flaw {
                Flaw::Missing => "is missing",
                Flaw::Changed => "is not as it was written",
            };
            say(format!("FINDING: entry {seq} of the audit trail {what}"));
            false
        }
    };
    if verified.findings.is_empty() && trail_is_intact {
        say("everything adds up");
        return Ok(Ended::Well);
    }
    say("see docs/runbooks/verify-finds-damage.md");
    Ok(Ended::WithFindings)
}

fn fold(database: &Database) -> anyhow::Result<Verified> {
    let mut progress = Progress::new("fold the journal");
    let verified = verify_journal(database, |so_far| progress.show(so_far.done, so_far.of));
    progress.end();
    verified.context("fold the journal")
}

/// Copies the embedded database to a new file, also beside a process that serves.
///
/// # Errors
///
/// When the database is a server's, the target is there, or the disk fails.
pub fn back_up(config: &Config, target: &Path) -> anyhow::Result<Ended> {
    let database = open_database(config)?;
    let mut progress = Progress::new("back up");
    let copied = backup::backup(&database, target, &mut |so_far| {
        progress.show(so_far.done, so_far.of);
        ControlFlow::Continue(())
    });
    progress.end();
    copied.with_context(|| format!("back up to {}", target.display()))?;
    say(format!("{} is a whole database", target.display()));
    say(format!("keep {} as well, in another place", config.secrets_file.display()));
    Ok(Ended::Well)
}

/// Puts a backup where the database of the settings is to be, and verifies it.
///
/// # Errors
///
/// When the database is a server's, something is in the way, the backup is none, or the disk fails.
pub fn restore(config: &Config, source: &Path) -> anyhow::Result<Ended> {
    let DatabaseUrl::Sqlite(target) = &config.database_url else {
        bail!("a server's database is restored with the server's own tools");
    };
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    backup::restore(source, target).with_context(|| format!("restore {}", source.display()))?;
    say(format!("{} is restored", target.display()));
    verify(config)
}

/// Applies what is pending of the schema, or only tells.
///
/// # Errors
///
/// When a step fails, or the schema is of a newer version.
pub fn migrate(config: &Config, apply: Apply) -> anyhow::Result<Ended> {
    let database = open_database(config)?;
    if apply != Apply::Nothing {
        for version in prepare_schema(&database, &World::of_machine(), apply)? {
            say(format!("migration {version} was applied"));
        }
    }
    let steps = migrate::status(&database, &parts::migrations())?;
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            let progress = match step.progress {
                StepProgress::Pending => "pending".to_owned(),
                StepProgress::Partial { done } => format!("cut off after statement {done}"),
                StepProgress::Applied { at } => format!("applied {at}"),
                StepProgress::Changed => "APPLIED WITH ANOTHER TEXT".to_owned(),
            };
            let phase = step.phase.as_str().to_owned();
            vec![step.version.to_string(), step.name.to_owned(), phase, progress]
        })
        .collect();
    say(table(&rows).trim_end());
    let done = |progress| matches!(progress, StepProgress::Applied { .. });
    let all = steps.iter().all(|step| done(step.progress));
    Ok(if all { Ended::Well } else { Ended::WithFindings })
}

/// Whether the doctor folds the whole journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// It does, which takes minutes for a large one.
    Whole,
    /// It does not.
    Quick,
}

/// Examines the installation and says what to do about what is wrong. Reads only.
pub fn doctor(config: &Config, depth: Depth) -> Ended {
    let diagnoses = diagnose(config, &World::of_machine(), depth);
    for line in report(&diagnoses) {
        say(line);
    }
    let worst = diagnoses.iter().map(|diagnosis| diagnosis.severity).max();
    if worst >= Some(Severity::Bad) { Ended::WithFindings } else { Ended::Well }
}

/// Writes diagnoses as lines: what was found, and below it what to do.
pub fn report(diagnoses: &[Diagnosis]) -> Vec<String> {
    let mut lines = Vec::new();
    for Diagnosis { check, severity, found, advice } in diagnoses {
        lines.push(format!("{:4}  {check:<10}  {found}", severity.word()));
        if !advice.is_empty() {
            lines.push(format!("{:18}→ {advice}", ""));
        }
    }
    lines
}

/// Examines the installation.
pub fn diagnose(config: &Config, world: &World, depth: Depth) -> Vec<Diagnosis> {
    let mut diagnoses = vec![
        Diagnosis::good("settings", "all of them are valid"),
        examine_secrets(&config.secrets_file),
    ];
    match examine(config, world, depth) {
        Ok(found) => diagnoses.extend(found),
        Err(error) => diagnoses.push(Diagnosis::bad(
            "database",
            format!("{error:#}"),
            "see docs/runbooks/database-away.md",
        )),
    }
    diagnoses
}

fn examine_secrets(path: &Path) -> Diagnosis {
    const CHECK: &str = "secrets";
    match Secrets::read(path) {
        Ok(_) => Diagnosis::good(CHECK, format!("{} is readable by us alone", path.display())),
        Err(error) if !path.exists() => {
            let advice = "the first `daifuku serve` makes it; on a further node, copy it there";
            Diagnosis::care(CHECK, format!("{}: {error:#}", path.display()), advice)
        }
        Err(error) => {
            let advice = "put back the file of the other nodes or of the backup";
            Diagnosis::bad(CHECK, format!("{}: {error:#}", path.display()), advice)
        }
    }
}

fn examine(config: &Config, world: &World, depth: Depth) -> anyhow::Result<Vec<Diagnosis>> {
    let database = open_database(config)?;
    let facts = ops::load_facts(&database, &parts::migrations())?;
    // A database without tables has no journal to fold.
    let empty = facts.schema.iter().any(|step| step.progress == StepProgress::Pending);
    let ledger = if depth == Depth::Whole && !empty { Some(fold(&database)?) } else { None };
    let ledger = ledger.map(|verified| Ledger {
        findings: verified.findings,
        movements: verified.last_seq.get(),
        head_at: verified.head.at,
    });
    let outside = Outside { clock: world.clock.now(), disk: Disk::of(&config.folder) };
    Ok(ops::examine(&facts, &outside, ledger.as_ref()))
}
