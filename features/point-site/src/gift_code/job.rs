use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::gift_code::command::Import;
use crate::gift_code::store::{find_imports, find_known};
use crate::gift_code::{GiftCode, ImportCodes, PoolCode, PoolState, StockedCode};
use crate::site::Site;
use crate::vault::Vault;
use ledger::ActorNumber;
use store::{Fault, FaultKind, natural_id};
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Token, kind};

/// The most codes of one list; all of them go in one transaction.
const CODES_MAX: usize = 20_000;
/// Lines that are named as wrong; whoever has more has sent the wrong file.
const WRONG_MAX: usize = 50;

/// A list of codes to take in.
#[derive(Clone, Debug)]
pub struct UploadedCodes {
    /// The pool it is for.
    pub pool: Token,
    /// Its name, as it was sent.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub by: ActorNumber,
}

/// What a list says, before anything is taken in.
#[derive(Clone, Debug)]
pub struct CodeList {
    /// Its codes, each once, in their order.
    pub codes: Vec<(GiftCode, Amount, Option<Day>)>,
    /// Lines that repeat a code of the list.
    pub repeated: u32,
    /// Lines that cannot be read, the first of them.
    pub wrong: Vec<u32>,
}

/// Why a list is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum CodeListError {
    /// It has no column `code` or no column `value`.
    #[error("a column is missing")]
    HeadingMissing,
    /// It has no codes.
    #[error("the list is empty")]
    Empty,
    /// It has more codes than go in at once.
    #[error("a list has at most {CODES_MAX} codes")]
    TooLong,
    /// Lines cannot be read: nothing of the list is taken, so that it can be sent again whole.
    #[error("some lines cannot be read")]
    Lines(Vec<u32>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Fault),
}

/// What a list did, or in a dry run would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportReceipt {
    /// The list.
    pub import: Id<kind::Report>,
    /// Codes that are new.
    pub added: u32,
    /// Codes that were known before.
    pub known: u32,
    /// Lines that repeat a code of the list.
    pub repeated: u32,
    /// Whether the same list was taken in before.
    pub again: bool,
}

/// Reads a list: CSV with the columns `code`, `value` and, where codes end, `usable_until`.
///
/// # Errors
///
/// [`CodeListError`] when it is no such list.
pub fn read_codes(bytes: &[u8]) -> Result<CodeList, CodeListError> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let headings = reader.byte_headers().map_err(|_csv| CodeListError::HeadingMissing)?.clone();
    let place = |name: &[u8]| {
        headings
            .iter()
            .position(|found| found.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(found) == name)
    };
    let (code, value) = (place(b"code"), place(b"value"));
    let (Some(code), Some(value)) = (code, value) else {
        return Err(CodeListError::HeadingMissing);
    };
    let until = place(b"usable_until");
    let mut list = CodeList { codes: Vec::new(), repeated: 0, wrong: Vec::new() };
    let mut seen = BTreeSet::new();
    for (line, record) in (2_u32..).zip(reader.byte_records()) {
        let read = record.ok().and_then(|record| {
            let text = |place: usize| core::str::from_utf8(record.get(place)?).ok();
            let value: u32 = text(value)?.parse().ok().filter(|value| *value > 0)?;
            let until = match until.and_then(text).filter(|text| !text.is_empty()) {
                Some(day) => Some(Day::parse(&day.replace('/', "-")).ok()?),
                None => None,
            };
            Some((GiftCode::parse(text(code)?).ok()?, Amount::from(value), until))
        });
        match read {
            Some(read) if seen.insert(read.0.reveal().to_owned()) => list.codes.push(read),
            Some(_again) => list.repeated = list.repeated.saturating_add(1),
            None if list.wrong.len() < WRONG_MAX => list.wrong.push(line),
            None => {}
        }
    }
    match list.codes.len() {
        _ if !list.wrong.is_empty() => Err(CodeListError::Lines(list.wrong)),
        0 => Err(CodeListError::Empty),
        count if count > CODES_MAX => Err(CodeListError::TooLong),
        _fits => Ok(list),
    }
}

/// Takes a list in, or tries it out. All of it goes in one transaction; the same list again changes
/// nothing. Blocks while it works.
///
/// # Errors
///
/// [`CodeListError`] when it is no list or the database fails; nothing is taken in then.
pub fn import_codes(
    site: &Site,
    upload: &UploadedCodes,
    dry_run: DryRun,
) -> Result<ImportReceipt, CodeListError> {
    let list = read_codes(&upload.bytes)?;
    let id = import_id(site.config().company, &upload.pool, &upload.bytes);
    let codes = stocked(site.config().company, upload, id, &list, &site.config().exchange.vault);
    let ids: Vec<[u8; 16]> = codes.iter().map(|code| code.id).collect();
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let (imports, known) = site
        .store()
        .database()
        .read(|reader| Ok((find_imports(reader, &[id])?, find_known(reader, &ids)?)))?;
    let again = imports.contains_key(&id);
    let known = count(known.len());
    let added = count(codes.len()).saturating_sub(known);
    let tried = ImportReceipt { import: id, added, known, repeated: list.repeated, again };
    if dry_run == DryRun::Only || again {
        return Ok(tried);
    }
    let import = Import {
        id,
        company: site.config().company,
        pool: upload.pool.clone(),
        file_name: file_name(&upload.file_name)?,
        added,
        known,
        by: upload.by,
        at: site.now(),
    };
    let Ok(done) = site.store().run(ImportCodes { import, codes })?;
    Ok(ImportReceipt { added: done.added, known: done.known, ..tried })
}

/// Whether something is only tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// Nothing is changed.
    Only,
    /// It is done.
    No,
}

fn import_id(company: CompanyNumber, pool: &Token, bytes: &[u8]) -> Id<kind::Report> {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let parts = [&company.get().to_be_bytes()[..], pool.as_str().as_bytes(), &digest];
    natural_id("site.gift_import", &parts)
}

fn stocked(
    company: CompanyNumber,
    upload: &UploadedCodes,
    import: Id<kind::Report>,
    list: &CodeList,
    vault: &Vault,
) -> Vec<StockedCode> {
    let numbered = (1_u32..).zip(&list.codes);
    numbered
        .map(|(number, (code, value, usable_until))| {
            let id = StockedCode::id_of(code, vault);
            StockedCode {
                id,
                company,
                pool: upload.pool.clone(),
                import,
                sealed: StockedCode::seal(id, code, vault),
                code: PoolCode {
                    number,
                    value: *value,
                    usable_until: *usable_until,
                    last_four: code.last_four(),
                    state: PoolState::Free,
                },
            }
        })
        .collect()
}

/// Keeps the end of a name, where it differs from others; a name that is none becomes `file`.
pub(crate) fn file_name(text: &str) -> Result<Label, Fault> {
    let shown: String = text.chars().filter(|character| !character.is_control()).collect();
    let skip = shown.chars().count().saturating_sub(Label::MAX);
    let end: String = shown.chars().skip(skip).collect();
    Label::parse(&end)
        .or_else(|_empty| Label::parse("file"))
        .map_err(|error| Fault::new(FaultKind::Other, "name a file").caused_by(error))
}
