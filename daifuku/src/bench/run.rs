use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::book::BenchBook;
use super::load::{self, Spread, Workload};
use super::report::{Line, Report};
use super::{baseline, http, machine, sale, work};

/// What to measure.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// The database to use; a folder of its own with the embedded one when there is none. A
    /// server's database must be empty.
    pub database: Option<String>,
    /// Transfers of each bulk workload.
    pub transfers: u64,
    /// The workloads to run, by name; all when empty.
    pub only: Vec<String>,
    /// Where the embedded database goes; it must be on the disk that is to be measured.
    pub folder: PathBuf,
}

/// The names of all workloads, with what they measure.
pub const WORKLOADS: &[(&str, &str)] = &[
    (
        "bulk",
        "bulk transfers in groups of 8,190: 10 k and 1 M accounts, uniform, Zipf, one hot account",
    ),
    ("groups", "bulk transfers in groups of 1, 10, 100, 1,000 and 8,190"),
    ("lots", "bulk grants and spends on accounts with lots"),
    ("holds", "bulk hold and capture"),
    ("single", "one transfer a call: 1, 64 and 512 callers in one process"),
    ("api", "the API over loopback: 10,000 transfers a request, and one, 1, 32 and 64 clients"),
    ("site", "the members' site over loopback: click-outs and pages"),
    ("import", "500,000 postbacks, and a report that approves them beside live traffic"),
    ("defects", "a report of 500,000 rows in CP932 with every defect, each outcome compared"),
    ("expiry", "1,000,000 lots that expire on one date, spent until the last moment"),
    ("sale", "all doors at the rates of a sale day, alone and while a report is applied"),
    ("statement", "a statement of 2,000 rows"),
    ("start", "memory an account and start with 10 M accounts and 10 M transfers"),
    ("baseline", "a hand-written transaction a transfer on the same server, 1, 16 and 64 clients"),
];

/// Runs the workloads and prints the figures as they come.
///
/// # Errors
///
/// When the database fails or a workload's name is unknown.
pub fn run(options: &BenchOptions, print: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    for name in &options.only {
        if !WORKLOADS.iter().any(|(known, _)| known == name) {
            bail!("no such workload: {name}; there are {}", names().join(", "));
        }
    }
    let mut report = Report::new(print);
    report.machine(&machine::describe(options));
    for (name, _) in WORKLOADS {
        if options.only.is_empty() || options.only.iter().any(|asked| asked == name) {
            run_one(name, options, &mut report).with_context(|| format!("workload {name}"))?;
        }
    }
    Ok(())
}

fn names() -> Vec<&'static str> {
    WORKLOADS.iter().map(|(name, _)| *name).collect()
}

fn run_one(name: &str, options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    match name {
        "bulk" => bulk(options, report),
        "groups" => groups(options, report),
        "lots" => lots(options, report),
        "holds" => holds(options, report),
        "single" => single(options, report),
        "api" => http::api(options, report),
        "import" => work::import(options, report),
        "defects" => work::defects(options, report),
        "expiry" => work::expiry(options, report),
        "site" => http::site(options, report),
        "sale" => sale::sale(options, report),
        "statement" => statement(options, report),
        "start" => start(options, report),
        _baseline => baseline::run(options, report),
    }
}

fn bulk(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let spreads = [
        (10_000, Spread::Uniform),
        (1_000_000, Spread::Uniform),
        (1_000_000, Spread::Zipf),
        (10_000, Spread::OneHot),
    ];
    for (accounts, spread) in spreads {
        let book = BenchBook::open(options, accounts, false)?;
        let workload = Workload::transfers(accounts, spread);
        let before = book.disk();
        let timing = load::bulk(&book, workload, options.transfers, 8_190)?;
        report.line(&Line::bulk(
            format!("bulk, {accounts} accounts, {spread}, random ids"),
            &timing,
            book.disk().saturating_sub(before),
        ));
        book.close();
    }
    Ok(())
}

fn groups(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    for group in [1, 10, 100, 1_000, 8_190] {
        let book = BenchBook::open(options, 10_000, false)?;
        let transfers = options.transfers.min(u64::from(group) * 20_000);
        let workload = Workload::transfers(10_000, Spread::Uniform);
        let before = book.disk();
        let timing = load::bulk(&book, workload, transfers, group)?;
        let disk = book.disk().saturating_sub(before);
        report.line(&Line::bulk(format!("groups of {group}, 10000 accounts"), &timing, disk));
        book.close();
    }
    Ok(())
}

fn lots(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let book = BenchBook::open(options, 100_000, true)?;
    let before = book.disk();
    let timing = load::bulk(&book, Workload::lots(100_000), options.transfers, 8_190)?;
    let disk = book.disk().saturating_sub(before);
    report.line(&Line::bulk(
        "grants and spends of lots, 100000 accounts".to_owned(),
        &timing,
        disk,
    ));
    book.close();
    Ok(())
}

fn holds(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let book = BenchBook::open(options, 10_000, false)?;
    let before = book.disk();
    let timing = load::bulk(&book, Workload::holds(10_000), options.transfers, 8_190)?;
    let disk = book.disk().saturating_sub(before);
    report.line(&Line::bulk("hold and capture, 10000 accounts".to_owned(), &timing, disk));
    book.close();
    Ok(())
}

fn single(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    for callers in [1_usize, 64, 512] {
        let book = BenchBook::open(options, 10_000, false)?;
        let calls = options.transfers.min(callers as u64 * 20_000).min(2_000_000);
        let workload = Workload::transfers(10_000, Spread::Uniform);
        let timing = load::single(&book, workload, calls, callers)?;
        report.line(&Line::single(format!("one transfer a call, {callers} callers"), &timing));
        book.close();
    }
    Ok(())
}

fn statement(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let book = BenchBook::open(options, 1_000, false)?;
    let workload = Workload::transfers(1_000, Spread::Uniform);
    load::bulk(&book, workload, 1_000_000.min(options.transfers), 8_190)?;
    let mut timing = load::Timing::default();
    let started = Instant::now();
    for account in 0..200_u32 {
        let begun = Instant::now();
        let rows = book.statement(account + 1, 2_000)?;
        timing.latencies.push(begun.elapsed());
        timing.done += rows as u64;
    }
    timing.elapsed = started.elapsed();
    report.line(&Line::single("statement of 2000 rows (rows/s)".to_owned(), &timing));
    book.close();
    Ok(())
}

fn start(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    const MILLIONS: u32 = 10_000_000;
    let idle = machine::resident_bytes();
    let book = BenchBook::open(options, MILLIONS, true)?;
    let workload = Workload::grants(MILLIONS);
    load::bulk(&book, workload, u64::from(MILLIONS), 8_190)?;
    book.store.checkpoint()?;
    let full = machine::resident_bytes();
    report.text(&format!(
        "memory: {} MB with no accounts, {} bytes an account with one lot (10 M accounts)",
        idle >> 20,
        full.saturating_sub(idle) / u64::from(MILLIONS)
    ));
    let reopened = book.reopen(options)?;
    report.text(&format!(
        "start with 10 M accounts and 10 M transfers to the first answer: {:.2} s",
        reopened.as_secs_f64()
    ));
    Ok(())
}
