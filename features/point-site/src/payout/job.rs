use sha2::{Digest as _, Sha256};

use crate::exchange::store::list_of_payout;
use crate::gift_code::file_name as label_of;
use crate::payee::store::find_payees;
use crate::payout::command::PURPOSE;
use crate::payout::store::{find_payouts, find_results};
use crate::payout::{
    ApplyResults, NoteDownload, OpenResult, PayoutRefusal, PayoutRun, ResultCheck, ResultState,
    ResultUpload, RunLine, compare_results,
};
use crate::site::Site;
use crate::vault::Place;
use crate::zengin::{ReadError, ResultFile, read_results};
use ledger::ActorNumber;
use store::{Fault, FaultKind, natural_id};
use vocabulary::{Id, kind};

/// Rows applied in one transaction.
const SLICE: usize = 200;

/// A bank's file to take in.
#[derive(Clone, Debug)]
pub struct UploadedResult {
    /// Of which payout.
    pub payout: Id<kind::Payout>,
    /// Its name, as it was sent.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub by: ActorNumber,
}

/// Why a bank's file is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such payout, or it was not approved.
    #[error("there is no such payout")]
    NotFound,
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Fault),
}

fn damaged(what: &'static str) -> Fault {
    Fault::new(FaultKind::Corrupt, what)
}

/// Gives the file of an approved payout, and notes who took it. It is the same, to the byte,
/// whenever it is taken. Blocks while it works.
///
/// # Errors
///
/// A [`Fault`] when the database fails or the file is not what it was.
pub fn file_of(
    site: &Site,
    payout: Id<kind::Payout>,
    by: ActorNumber,
) -> Result<Result<(PayoutRun, Vec<u8>), PayoutRefusal>, Fault> {
    let note = NoteDownload { config: site.shared_config(), payout, by };
    let (run, sealed) = match site.store().run(note)? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let place = Place { purpose: PURPOSE, row: &payout.to_bytes() };
    let bytes = site.config().exchange.vault.open(place, &sealed);
    let bytes = bytes.map_err(|error| damaged("open file of payout").caused_by(error))?;
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    if run.file.as_ref().map(|(known, _)| *known) != Some(digest) {
        return Err(damaged("open file of payout: it is not the one that was made"));
    }
    Ok(Ok((run, bytes)))
}

/// Takes a bank's file in: reads it and keeps it. Nothing is applied. The same file again gives the
/// same result. Blocks while it works.
///
/// # Errors
///
/// [`CheckError`] when it is no such file or the database fails.
pub fn check_result(
    site: &Site,
    upload: &UploadedResult,
) -> Result<(Id<kind::Report>, bool), CheckError> {
    let payout = upload.payout;
    let run = site.store().database().read(|reader| find_payouts(reader, &[payout]))?;
    let run = run.into_values().next().filter(|run| run.company == site.config().company);
    run.filter(|run| run.file.is_some()).ok_or(CheckError::NotFound)?;
    read_results(&upload.bytes)?;
    let digest: [u8; 32] = Sha256::digest(&upload.bytes).into();
    let id = natural_id("site.payout_result", &[&payout.to_bytes(), &digest]);
    let place = Place { purpose: PURPOSE, row: &Id::<kind::Report>::to_bytes(id) };
    let result = ResultUpload {
        id,
        payout,
        file_name: label_of(&upload.file_name)?,
        sealed: site.config().exchange.vault.seal(place, &upload.bytes),
        state: ResultState::Checked,
        uploaded_by: upload.by,
        uploaded_at: site.now(),
    };
    let company = site.config().company;
    let Ok(opened) = site.store().run(OpenResult { company, result })?;
    Ok((id, !opened))
}

/// A bank's file with what it would do.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The payout it is of.
    pub(super) run: PayoutRun,
    /// The file.
    pub(super) upload: ResultUpload,
    /// What its records are to us.
    pub(super) check: ResultCheck,
}

/// Compares a bank's file with its payout, as both are now. `None` when there is no such file.
///
/// # Errors
///
/// A [`Fault`] when the database fails, or something that is sealed does not open.
pub(super) fn compare(site: &Site, id: Id<kind::Report>) -> Result<Option<Checked>, Fault> {
    let found = site.store().database().read(|reader| {
        let Some(upload) = find_results(reader, &[id])?.remove(&id) else { return Ok(None) };
        let Some(run) = find_payouts(reader, &[upload.payout])?.remove(&upload.payout) else {
            return Ok(None);
        };
        let exchanges = list_of_payout(reader, run.id)?;
        let payees: Vec<_> = exchanges.iter().filter_map(|exchange| exchange.payee).collect();
        Ok(Some((upload, run, exchanges, find_payees(reader, &payees)?)))
    })?;
    let own = found.filter(|(_, run, ..)| run.company == site.config().company);
    let Some((upload, run, exchanges, payees)) = own else { return Ok(None) };
    let vault = &site.config().exchange.vault;
    let mut lines = Vec::with_capacity(exchanges.len());
    for exchange in &exchanges {
        let payee = exchange.payee.and_then(|id| payees.get(&id));
        let bank = payee.and_then(|payee| payee.open_bank(vault));
        let bank = bank.ok_or_else(|| damaged("open account of an exchange"))?;
        lines.push(RunLine {
            exchange: exchange.id,
            account: bank.account,
            amount: exchange.quote.value,
            state: exchange.state,
        });
    }
    let file = opened(site, &upload)?;
    let check = compare_results(run.number, &lines, &file);
    Ok(Some(Checked { run, upload, check }))
}

fn opened(site: &Site, upload: &ResultUpload) -> Result<ResultFile, Fault> {
    let place = Place { purpose: PURPOSE, row: &upload.id.to_bytes() };
    let bytes = site.config().exchange.vault.open(place, &upload.sealed);
    let bytes = bytes.map_err(|error| damaged("open result of payout").caused_by(error))?;
    read_results(&bytes).map_err(|error| damaged("read result of payout").caused_by(error))
}

/// Applies a bank's file, slice by slice; what can not be applied is left out. Applying it again
/// changes nothing. Gives how many exchanges changed, and `None` when there is no such file.
/// Blocks while it works.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn apply_result(
    site: &Site,
    id: Id<kind::Report>,
    by: ActorNumber,
) -> Result<Option<u32>, Fault> {
    let Some(checked) = compare(site, id)? else { return Ok(None) };
    let rows = checked.check.applicable();
    let mut slices: Vec<Vec<_>> = rows.chunks(SLICE).map(<[_]>::to_vec).collect();
    if slices.is_empty() {
        slices.push(Vec::new());
    }
    let last = slices.len().saturating_sub(1);
    let mut changed = 0_u32;
    for (place, rows) in slices.into_iter().enumerate() {
        let last_of = (place == last).then_some(id);
        let command = ApplyResults { config: site.shared_config(), rows, last_of, by };
        let Ok(some) = site.store().run(command)?;
        changed = changed.saturating_add(some);
    }
    Ok(Some(changed))
}
