use std::collections::BTreeSet;

use crate::conversion::{ConversionFacts, Outcome, Told, paid_by};
use crate::report::store::{find_reports, next_report, read_file, read_outcomes};
use crate::report::{
    ApplyRows, OpenReport, Report, ReportState, RowResult, StoreReportPart, Tally,
};
use crate::sheet::{RowError, Sheet, SheetError, read_sheet};
use crate::site::Site;
use ledger::ActorNumber;
use store::{Fault, FaultKind};
use vocabulary::{Amount, Id, Label, Token, kind};

/// Rows applied in one transaction: large enough that a commit is cheap, small enough that live
/// traffic waits some hundred milliseconds; docs/bench.md has the figures.
const SLICE: usize = 250;
/// Bytes of a file in one row of the database; a statement carries about a mebibyte.
const PART_BYTES: usize = 256 * 1024;
/// Errors that are kept; whoever has more has sent the wrong file.
const ERRORS_KEPT: usize = 1_000;

/// A file to take in.
#[derive(Clone, Debug)]
pub struct UploadedReport {
    /// The network it comes from.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// Its name, as it was sent.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub by: ActorNumber,
}

/// A file that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its report.
    pub report: Id<kind::Report>,
    /// Whether the same file was known before.
    pub repeated: bool,
}

/// Why a file is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is no report.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// There is no such account with a network.
    #[error("there is no such account with a network")]
    AccountUnknown,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Fault),
}

/// Takes a file in: reads it, tries out what it would do, and keeps all of that. Nothing is
/// applied. The same file again gives the same report. Blocks while it works.
///
/// # Errors
///
/// [`ReceiveError`] when the file is no report or the database fails.
pub fn receive_report(site: &Site, upload: &UploadedReport) -> Result<Received, ReceiveError> {
    let digest = Report::digest_of(&upload.bytes);
    let id = Report::id_of(&upload.network, &upload.account, &digest);
    let known = site.store().database().read(|reader| find_reports(reader, &[id]))?;
    if known.contains_key(&id) {
        return Ok(Received { report: id, repeated: true });
    }
    let network = site.config().network(&upload.network, &upload.account);
    let zone = network.ok_or(ReceiveError::AccountUnknown)?.zone;
    let sheet = read_sheet(&upload.bytes, zone)?;
    let tally = try_out(site, &statements(&sheet, upload, id))?;
    let parts = store_parts(site, id, &upload.bytes)?;
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let report = Report {
        id,
        company: site.config().company,
        network: upload.network.clone(),
        account: upload.account.clone(),
        digest,
        file_name: file_name(&upload.file_name)?,
        bytes: count(upload.bytes.len()),
        parts,
        rows: count(sheet.rows.len()),
        errors: count(sheet.wrong_rows()),
        rows_done: 0,
        state: ReportState::Checked,
        uploaded_at: site.now(),
        uploaded_by: upload.by,
        applied_by: None,
    };
    let errors = sheet.errors.iter().copied().take(ERRORS_KEPT).collect();
    let Ok(opened) = site.store().run(OpenReport { report, errors, tally })?;
    Ok(Received { report: id, repeated: !opened })
}

/// Keeps the end of a name, where it differs from others; a name that is none becomes `report.csv`.
fn file_name(text: &str) -> Result<Label, Fault> {
    let shown: String = text.chars().filter(|character| !character.is_control()).collect();
    let skip = shown.chars().count().saturating_sub(Label::MAX);
    let end: String = shown.chars().skip(skip).collect();
    Label::parse(&end)
        .or_else(|_empty| Label::parse("report.csv"))
        .map_err(|error| Fault::new(FaultKind::Other, "name a report").caused_by(error))
}

fn statements(sheet: &Sheet, upload: &UploadedReport, id: Id<kind::Report>) -> Vec<Told> {
    sheet.rows.iter().map(|row| row.told(&upload.network, &upload.account, id)).collect()
}

/// Counts what the rows would do, from what is known now.
fn try_out(site: &Site, told: &[Told]) -> Result<Tally, Fault> {
    let (config, now) = (site.shared_config(), site.now());
    let mut tally = Tally::default();
    let mut seen = BTreeSet::new();
    for slice in told.chunks(SLICE) {
        let load =
            |reader: &mut store::Reader<'_>| ConversionFacts::load(&config, slice.iter(), reader);
        let facts = site.store().database().read(load)?;
        for one in slice {
            if !seen.insert(&one.key.external) {
                tally.add(Outcome::Duplicate, Amount::ZERO);
                continue;
            }
            let plan = facts.preview(one, now);
            let paid = if plan.outcome.pays() { paid_by(plan.effect) } else { None };
            tally.add(plan.outcome, paid.unwrap_or(Amount::ZERO));
        }
    }
    Ok(tally)
}

fn store_parts(site: &Site, report: Id<kind::Report>, bytes: &[u8]) -> Result<u32, Fault> {
    let mut count = 0_u32;
    for (part, piece) in (0_u32..).zip(bytes.chunks(PART_BYTES)) {
        // One after the other: live traffic goes in between.
        let command = StoreReportPart { report, part, bytes: piece.to_vec() };
        let Ok(()) = site.store().run(command)?;
        count = part.saturating_add(1);
    }
    Ok(count)
}

/// Goes on with the oldest report that is being applied, slice by slice, until none is left. How
/// far it came is written with each slice: after a crash it goes on from there, and two that do
/// this at once do each row once.
///
/// Gives how many rows were applied.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn apply_reports(site: &Site) -> Result<u32, Fault> {
    apply_slices(site, u32::MAX)
}

/// As [`apply_reports`], and stops after some slices, as a crash does.
pub(crate) fn apply_slices(site: &Site, slices_max: u32) -> Result<u32, Fault> {
    let company = site.config().company;
    let (mut applied, mut slices) = (0_u32, 0_u32);
    while let Some(report) = site.store().database().read(|reader| next_report(reader, company))? {
        let rows = rows_of(site, &report)?;
        let mut first = report.rows_done;
        let done = usize::try_from(first).unwrap_or(usize::MAX);
        for slice in rows.get(done..).unwrap_or_default().chunks(SLICE) {
            if slices == slices_max {
                return Ok(applied);
            }
            slices = slices.saturating_add(1);
            let (config, rows) = (site.shared_config(), slice.to_vec());
            let command = ApplyRows { config, report: report.id, first, rows };
            match site.store().run(command)? {
                Ok(now_done) => {
                    applied = applied.saturating_add(now_done.saturating_sub(first));
                    first = now_done;
                }
                // Another process goes on with it.
                Err(_elsewhere) => return Ok(applied),
            }
        }
        if first < report.rows {
            let what = "apply report: its file has fewer rows than were counted";
            return Err(Fault::new(FaultKind::Corrupt, what));
        }
    }
    Ok(applied)
}

/// Lists what became of every row of a report, with the line of the file at which it begins, in the
/// order of the file. Nothing for a report that is not there.
///
/// # Errors
///
/// A [`Fault`] when the database fails or the file is damaged.
pub fn list_rows(site: &Site, id: Id<kind::Report>) -> Result<Vec<(u32, RowResult)>, Fault> {
    let database = site.store().database();
    let found = database.read(|reader| find_reports(reader, &[id]))?.remove(&id);
    let Some(report) = found.filter(|report| report.company == site.config().company) else {
        return Ok(Vec::new());
    };
    let outcomes = database.read(|reader| read_outcomes(reader, id))?;
    let sheet = sheet_of(site, &report)?;
    let mut errors = sheet.errors.iter().peekable();
    let mut list = Vec::with_capacity(sheet.rows.len().saturating_add(sheet.errors.len()));
    let wrong = |error: &RowError| (error.line, RowResult::Wrong(error.column, error.problem));
    for (place, row) in sheet.rows.iter().enumerate() {
        while let Some(error) = errors.next_if(|error| error.line < row.line) {
            list.push(wrong(error));
        }
        let result = outcomes.get(place).map_or(RowResult::Pending, |one| RowResult::Applied(*one));
        list.push((row.line, result));
    }
    list.extend(errors.map(wrong));
    Ok(list)
}

/// Reads the rows of a report again from its file, which must be the one that was sent.
pub(crate) fn rows_of(site: &Site, report: &Report) -> Result<Vec<Told>, Fault> {
    let sheet = sheet_of(site, report)?;
    Ok(sheet.rows.iter().map(|row| row.told(&report.network, &report.account, report.id)).collect())
}

/// Reads the file of a report again, which must be the one that was sent.
pub(crate) fn sheet_of(site: &Site, report: &Report) -> Result<Sheet, Fault> {
    let damaged = |what: &'static str| Fault::new(FaultKind::Corrupt, what);
    let bytes = site.store().database().read(|reader| read_file(reader, report.id))?;
    if Report::digest_of(&bytes) != report.digest {
        return Err(damaged("read report again: its file is not the one that was sent"));
    }
    let network = site.config().network(&report.network, &report.account);
    let network = network.ok_or_else(|| {
        let what = "read report again: its account is not set up any more";
        Fault::new(FaultKind::Configuration, what)
    })?;
    read_sheet(&bytes, network.zone)
        .map_err(|error| damaged("read report again: it cannot be read").caused_by(error))
}
