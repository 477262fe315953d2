//! Balances to start from: accounts by page, open holds and expectations, runs of ids.
//!
//! A checkpoint is taken piece by piece beside the commits, so that some pieces are newer than
//! others. That is harmless: each account, hold and expectation knows its last movement, and
//! [`ledger::Book::catch_up`] skips what it has. A damaged piece makes the whole checkpoint void;
//! the journal is then folded from its first row.

use std::{
    sync::mpsc::{self, SyncSender},
    thread,
};

use crate::ids::{Entry, Filter, PAGE_ENTRIES, Run, entries_of};
use crate::journal::{rule_code, rule_of, side_code, side_of};
use crate::{Fault, FaultKind, Listed, Reader, Statement, Tx, Upsert, Value};
use ledger::{
    Account, AccountNumber, AccountSpec, AccountState, Activity, Book, Cell, Expectation,
    ExpectationState, Hold, HoldPart, HoldState, Lot, Seq, Standing, UnitNumber,
};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, kind};

/// Accounts a page holds: about 40 kB.
pub(crate) const PAGE_ACCOUNTS: u32 = 1_024;

/// Pages that are read before their accounts are indexed.
const PAGES_AHEAD: usize = 64;

const HOLDS: u32 = 1;
const EXPECTATIONS: u32 = 2;

static UPSERT_PAGE: Upsert = Upsert {
    name: "save checkpoint page",
    table: "checkpoint_page",
    columns: &["kind", "page", "content", "page_check"],
    keys: &["kind", "page"],
    updates: &["content", "page_check"],
};

static UPSERT_SUBJECT: Upsert = Upsert {
    name: "save checkpoint subject",
    table: "checkpoint_subject",
    columns: &["kind", "id", "content"],
    keys: &["kind", "id"],
    updates: &["content"],
};

static UPSERT_POSITION: Upsert = Upsert {
    name: "save checkpoint position",
    table: "checkpoint",
    columns: &["id", "seq", "journal_group", "secret"],
    keys: &["id"],
    updates: &["seq", "journal_group"],
};

static UPSERT_ID_PAGE: Upsert = Upsert {
    name: "save id page",
    table: "id_page",
    columns: &["page_key", "first_fingerprint", "content"],
    keys: &["page_key"],
    updates: &["first_fingerprint", "content"],
};

static UPSERT_RUN: Upsert = Upsert {
    name: "save id run",
    table: "id_run",
    columns: &["run", "ids", "pages", "filter"],
    keys: &["run"],
    updates: &["ids", "pages", "filter"],
};

static DELETE_SUBJECTS: Statement = Statement::new(
    "drop ended subjects",
    "DELETE FROM checkpoint_subject
     WHERE kind = ? AND id IN (?*)",
);

static DELETE_RUNS: Statement =
    Statement::new("drop merged runs", "DELETE FROM id_run\nWHERE run IN (?*)");

static DELETE_ID_PAGES: Statement = Statement::new(
    "drop merged pages",
    "DELETE FROM id_page
     WHERE page_key >= ? AND page_key < ?",
);

static SELECT_POSITION: Statement = Statement::new(
    "find checkpoint",
    "SELECT seq, journal_group, secret
     FROM checkpoint
     WHERE id = 1",
);

static SELECT_PAGES: Statement = Statement::new(
    "read checkpoint pages",
    "SELECT page, content, page_check
     FROM checkpoint_page
     WHERE kind = 0
     ORDER BY page",
);

static SELECT_SUBJECTS: Statement = Statement::new(
    "read checkpoint subjects",
    "SELECT id, content
     FROM checkpoint_subject
     WHERE kind = ?
     ORDER BY id",
);

static SELECT_RUNS: Statement =
    Statement::new("read id runs", "SELECT run, ids, pages, filter\nFROM id_run\nORDER BY run");

static SELECT_ID_HEADS: Statement = Statement::new(
    "read id page heads",
    "SELECT page_key, first_fingerprint
     FROM id_page
     WHERE page_key >= ? AND page_key < ?
     ORDER BY page_key",
);

static SELECT_ID_PAGES: Statement = Statement::new(
    "read id pages",
    "SELECT page_key, content
     FROM id_page
     WHERE page_key IN (?*)",
);

static SELECT_ID_RUN: Statement = Statement::new(
    "read id run",
    "SELECT content
     FROM id_page
     WHERE page_key >= ? AND page_key < ?
     ORDER BY page_key",
);

/// Every statement of the checkpoint, for the test that prepares them.
pub(crate) const STATEMENTS: &[Listed] = &[
    UPSERT_PAGE.listed(),
    UPSERT_SUBJECT.listed(),
    UPSERT_POSITION.listed(),
    UPSERT_ID_PAGE.listed(),
    UPSERT_RUN.listed(),
    DELETE_SUBJECTS.listed(),
    DELETE_RUNS.listed(),
    DELETE_ID_PAGES.listed(),
    SELECT_POSITION.listed(),
    SELECT_PAGES.listed(),
    SELECT_SUBJECTS.listed(),
    SELECT_RUNS.listed(),
    SELECT_ID_HEADS.listed(),
    SELECT_ID_PAGES.listed(),
    SELECT_ID_RUN.listed(),
];

/// Up to where a checkpoint is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) seq: Seq,
    pub(crate) group: u64,
    pub(crate) secret: [u64; 2],
}

/// A piece of a checkpoint on its way to the database, written in the transaction of some group.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Accounts, by page.
    Page { page: u32, content: Vec<u8> },
    /// Open holds and expectations, and the ids of ended ones.
    Subjects { open: Vec<[Value; 3]>, ended_holds: Vec<Value>, ended_expectations: Vec<Value> },
    /// Pages of a new run of ids.
    IdPages(Vec<[Value; 3]>),
    /// The run itself, once its pages are there, and the runs it takes in.
    Run { row: [Value; 4], merged: Vec<u64> },
    /// All of it is there.
    Done(Position),
}

impl Piece {
    /// About how many bytes it writes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Page { content, .. } => content.len(),
            Self::Subjects { open, ended_holds, ended_expectations } => open
                .len()
                .saturating_add(ended_holds.len())
                .saturating_add(ended_expectations.len())
                .saturating_mul(64),
            Self::IdPages(pages) => pages.len().saturating_mul(PAGE_ENTRIES).saturating_mul(16),
            Self::Run { row, .. } => row.iter().map(Value::size).sum(),
            Self::Done(_) => 64,
        }
    }

    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        match self {
            Self::Page { page, content } => {
                let check = crc32fast::hash(content);
                let row = [
                    Value::from(0_u32),
                    Value::from(*page),
                    Value::from(content.as_slice()),
                    Value::from(check),
                ];
                tx.upsert(&UPSERT_PAGE, &[row])
            }
            Self::Subjects { open, ended_holds, ended_expectations } => {
                tx.upsert(&UPSERT_SUBJECT, open)?;
                tx.execute_list(&DELETE_SUBJECTS, &[Value::from(HOLDS)], ended_holds)?;
                let kind = [Value::from(EXPECTATIONS)];
                tx.execute_list(&DELETE_SUBJECTS, &kind, ended_expectations)?;
                Ok(())
            }
            Self::IdPages(pages) => tx.upsert(&UPSERT_ID_PAGE, pages),
            Self::Run { row, merged } => {
                tx.upsert(&UPSERT_RUN, core::slice::from_ref(row))?;
                let list: Vec<Value> = merged.iter().map(|&run| Value::from(run)).collect();
                tx.execute_list(&DELETE_RUNS, &[], &list)?;
                for &run in merged {
                    let bounds = [Value::from(page_key(run, 0)), Value::from(page_key(run + 1, 0))];
                    tx.execute(&DELETE_ID_PAGES, &bounds)?;
                }
                Ok(())
            }
            Self::Done(position) => save_position(tx, *position),
        }
    }
}

/// Writes up to where the checkpoint is complete.
pub(crate) fn save_position(tx: &mut Tx<'_>, position: Position) -> Result<(), Fault> {
    let [first, second] = position.secret.map(u64::to_be_bytes);
    let secret: Vec<u8> = first.into_iter().chain(second).collect();
    let row = [
        Value::from(1_u32),
        Value::from(position.seq.get()),
        Value::from(position.group),
        Value::from(secret),
    ];
    tx.upsert(&UPSERT_POSITION, &[row])
}

/// The key of a page of ids.
pub(crate) const fn page_key(run: u64, page: u64) -> u64 {
    (run << 32) | page
}

/// Finds up to where the checkpoint is complete; `None` before the first one.
pub(crate) fn find_position(reader: &mut Reader<'_>) -> Result<Option<Position>, Fault> {
    let Some(row) = reader.query_one(&SELECT_POSITION, &[])? else { return Ok(None) };
    let bits = u128::from_be_bytes(row.sixteen(2)?);
    let secret = [
        u64::try_from(bits >> 64).unwrap_or(0),
        u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0),
    ];
    Ok(Some(Position { seq: Seq::new(row.unsigned(0)?), group: row.unsigned(1)?, secret }))
}

/// Encodes the accounts of a page, what they are and how they stand.
pub(crate) fn encode_page(accounts: &[Account]) -> Vec<u8> {
    let mut out = Vec::with_capacity(accounts.len().saturating_mul(48));
    for account in accounts {
        let spec = account.spec();
        let state = account.state();
        out.extend(spec.id.to_bytes());
        number(&mut out, u64::from(spec.unit.get()));
        number(&mut out, u64::from(spec.company.get()));
        let standing = match state.standing() {
            Standing::Open => 0,
            Standing::Frozen => 1,
            Standing::Closed => 2,
        };
        out.extend([side_code(spec.side), rule_code(spec.rule), u8::from(spec.lots), standing]);
        for days in state.activity().days() {
            number(&mut out, u64::from(days));
        }
        number(&mut out, state.head().get());
        for figure in state.figures() {
            signed(&mut out, figure);
        }
        number(&mut out, u64::try_from(state.cells().len()).unwrap_or(0));
        for cell in state.cells() {
            number(&mut out, u64::from(cell.lot.bits()));
            signed(&mut out, cell.posted);
            signed(&mut out, cell.held);
        }
    }
    out
}

fn decode_account(from: &mut &[u8]) -> Option<(AccountSpec, AccountState)> {
    let id = Id::from_bytes(take(from, 16)?.try_into().ok()?);
    let unit = UnitNumber::new(u16::try_from(read(from)?).ok()?);
    let company = CompanyNumber::new(u16::try_from(read(from)?).ok()?);
    let [side, rule, lots, standing] = take(from, 4)?.try_into().ok()?;
    let spec = AccountSpec {
        id,
        unit,
        company,
        side: side_of(side)?,
        rule: rule_of(rule)?,
        lots: lots == 1,
    };
    let standing = match standing {
        0 => Standing::Open,
        1 => Standing::Frozen,
        2 => Standing::Closed,
        _ => return None,
    };
    let mut days = [0; 3];
    for day in &mut days {
        *day = u16::try_from(read(from)?).ok()?;
    }
    let activity = Activity::restore(days);
    let head = Seq::new(read(from)?);
    let figures = [read_signed(from)?, read_signed(from)?, read_signed(from)?, read_signed(from)?];
    let count = usize::try_from(read(from)?).ok().filter(|&count| count <= from.len())?;
    let mut cells = Vec::with_capacity(count);
    for _ in 0..count {
        let lot = Lot::from_bits(u32::try_from(read(from)?).ok()?);
        cells.push(Cell { lot, posted: read_signed(from)?, held: read_signed(from)? });
    }
    Some((spec, AccountState::restore(figures, head, &cells, activity, standing)))
}

/// Encodes an open hold as a row.
pub(crate) fn hold_row(id: u128, hold: &Hold) -> [Value; 3] {
    let mut out = Vec::with_capacity(64);
    number(&mut out, u64::from(hold.debit.get()));
    number(&mut out, u64::from(hold.credit.get()));
    signed(&mut out, hold.placed.minor_units());
    signed(&mut out, hold.captured.minor_units());
    signed(&mut out, hold.expires_at.as_microseconds());
    signed(&mut out, hold.changed_at.as_microseconds());
    number(&mut out, hold.head.get());
    number(&mut out, u64::try_from(hold.parts.len()).unwrap_or(0));
    for part in &hold.parts {
        number(&mut out, u64::from(part.lot.bits()));
        signed(&mut out, part.amount.minor_units());
    }
    [Value::from(HOLDS), Value::from(id.to_be_bytes()), Value::from(out)]
}

fn decode_hold(mut from: &[u8]) -> Option<Hold> {
    let from = &mut from;
    let debit = AccountNumber::new(u32::try_from(read(from)?).ok()?);
    let credit = AccountNumber::new(u32::try_from(read(from)?).ok()?);
    let placed = Amount::try_new(read_signed(from)?).ok()?;
    let captured = Amount::try_new(read_signed(from)?).ok()?;
    let expires_at = Timestamp::from_microseconds(read_signed(from)?);
    let changed_at = Timestamp::from_microseconds(read_signed(from)?);
    let head = Seq::new(read(from)?);
    let count = usize::try_from(read(from)?).ok().filter(|&count| count <= from.len())?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let lot = Lot::from_bits(u32::try_from(read(from)?).ok()?);
        parts.push(HoldPart { lot, amount: Amount::try_new(read_signed(from)?).ok()? });
    }
    let state = HoldState::Open;
    from.is_empty().then_some(Hold {
        debit,
        credit,
        placed,
        captured,
        parts,
        expires_at,
        changed_at,
        head,
        state,
    })
}

/// Encodes an open expectation as a row.
pub(crate) fn expectation_row(id: u128, expected: &Expectation) -> [Value; 3] {
    let mut out = Vec::with_capacity(48);
    number(&mut out, u64::from(expected.debit.get()));
    number(&mut out, u64::from(expected.credit.get()));
    signed(&mut out, expected.amount.minor_units());
    signed(&mut out, expected.granted.minor_units());
    signed(&mut out, expected.changed_at.as_microseconds());
    number(&mut out, expected.head.get());
    if let Some(due_at) = expected.due_at {
        signed(&mut out, due_at.as_microseconds());
    }
    [Value::from(EXPECTATIONS), Value::from(id.to_be_bytes()), Value::from(out)]
}

fn decode_expectation(mut from: &[u8]) -> Option<Expectation> {
    let from = &mut from;
    let debit = AccountNumber::new(u32::try_from(read(from)?).ok()?);
    let credit = AccountNumber::new(u32::try_from(read(from)?).ok()?);
    let amount = Amount::try_new(read_signed(from)?).ok()?;
    let granted = Amount::try_new(read_signed(from)?).ok()?;
    let changed_at = Timestamp::from_microseconds(read_signed(from)?);
    let head = Seq::new(read(from)?);
    let due_at =
        if from.is_empty() { None } else { Some(Timestamp::from_microseconds(read_signed(from)?)) };
    let state = ExpectationState::Open;
    from.is_empty().then_some(Expectation {
        debit,
        credit,
        amount,
        granted,
        due_at,
        changed_at,
        head,
        state,
    })
}

/// Puts a checkpoint's pieces into an empty book; `accounts_of` reads accounts that no page has,
/// from one number up to another, from the journal.
///
/// # Errors
///
/// [`FaultKind::Corrupt`] when a piece is damaged, or another [`Fault`].
pub(crate) fn restore(
    reader: &mut Reader<'_>,
    accounts_total: u32,
    accounts_of: impl Fn(u32, u32) -> Result<Vec<AccountSpec>, Fault>,
) -> Result<Book, Fault> {
    let mut book = Book::new();
    let mut index = book.begin_index(usize::try_from(accounts_total).unwrap_or(0));
    let (restored, indexed) = thread::scope(|scope| {
        let (ids, read) = mpsc::sync_channel::<Vec<Id<kind::Account>>>(PAGES_AHEAD);
        let indexing = scope.spawn(move || {
            read.into_iter().flatten().try_for_each(|id| index.push(id)).map(|()| index)
        });
        let restored = restore_accounts(reader, &mut book, accounts_total, accounts_of, &ids);
        drop(ids);
        (restored, indexing.join())
    });
    restored?;
    let index = indexed.ok().flatten().ok_or_else(|| damaged("page"))?;
    book.adopt(index).ok_or_else(|| damaged("page"))?;
    reader.for_each(&SELECT_SUBJECTS, &[Value::from(HOLDS)], |row| {
        let hold = decode_hold(row.bytes(1)?).ok_or_else(|| damaged("hold"))?;
        book.restore_hold(row.id(0)?, hold);
        Ok(())
    })?;
    reader.for_each(&SELECT_SUBJECTS, &[Value::from(EXPECTATIONS)], |row| {
        let expected = decode_expectation(row.bytes(1)?).ok_or_else(|| damaged("expectation"))?;
        book.restore_expectation(row.id(0)?, expected);
        Ok(())
    })?;
    Ok(book)
}

fn restore_accounts(
    reader: &mut Reader<'_>,
    book: &mut Book,
    accounts_total: u32,
    accounts_of: impl Fn(u32, u32) -> Result<Vec<AccountSpec>, Fault>,
    ids: &SyncSender<Vec<Id<kind::Account>>>,
) -> Result<(), Fault> {
    let mut opened: u32 = 0;
    let put = |book: &mut Book, accounts: Vec<(AccountSpec, AccountState)>| {
        let known = accounts.iter().map(|(spec, _)| spec.id).collect();
        for (spec, state) in accounts {
            book.restore_account(spec, state);
        }
        // Nobody takes them when there are too many, which is told at the end.
        drop(ids.send(known));
    };
    let fill = |book: &mut Book, opened: &mut u32, end: u32| {
        if *opened < end {
            let fresh = accounts_of(*opened, end)?;
            *opened = opened.saturating_add(u32::try_from(fresh.len()).unwrap_or(u32::MAX));
            put(book, fresh.into_iter().map(|spec| (spec, AccountState::EMPTY)).collect());
        }
        if *opened == end { Ok(()) } else { Err(damaged("page")) }
    };
    reader.for_each(&SELECT_PAGES, &[], |row| {
        let content = row.bytes(1)?;
        if crc32fast::hash(content) != row.small(2)? {
            return Err(damaged("page"));
        }
        fill(book, &mut opened, row.small(0)?.saturating_mul(PAGE_ACCOUNTS))?;
        let mut rest = content;
        let mut accounts = Vec::new();
        while !rest.is_empty() {
            accounts.push(decode_account(&mut rest).ok_or_else(|| damaged("page"))?);
            opened = opened.saturating_add(1);
        }
        put(book, accounts);
        Ok(())
    })?;
    fill(book, &mut opened, accounts_total)
}

fn damaged(what: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("checkpoint {what} is damaged"))
}

/// Reads the runs of ids: their filters and the first fingerprint of each page. All of it must be
/// of one moment, since another process may be merging runs.
pub(crate) fn load_runs(reader: &mut Reader<'_>) -> Result<Vec<Run>, Fault> {
    let rows = reader.query(&SELECT_RUNS, &[])?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        let number = row.unsigned(0)?;
        let filter = Filter::from_bytes(row.bytes(3)?).ok_or_else(|| damaged("filter"))?;
        let mut pages = Vec::new();
        reader.for_each(&SELECT_ID_HEADS, &run_bounds(number), |row| {
            pages.push(row.integer(1)?.cast_unsigned());
            Ok(())
        })?;
        if u64::try_from(pages.len()) != Ok(row.unsigned(2)?) {
            return Err(damaged("run of ids"));
        }
        let ids = usize::try_from(row.unsigned(1)?).unwrap_or(usize::MAX);
        runs.push(Run { number, ids, pages, filter });
    }
    Ok(runs)
}

fn run_bounds(run: u64) -> [Value; 2] {
    [Value::from(page_key(run, 0)), Value::from(page_key(run.saturating_add(1), 0))]
}

/// Reads pages of ids, in any order.
pub(crate) fn read_id_pages(reader: &mut Reader<'_>, keys: &[u64]) -> Result<Vec<Entry>, Fault> {
    let list: Vec<Value> = keys.iter().map(|&key| Value::from(key)).collect();
    let mut entries = Vec::new();
    let rows = reader.query_list(&SELECT_ID_PAGES, &[], &list)?;
    let found: std::collections::BTreeSet<u64> =
        rows.iter().map(|row| row.unsigned(0)).collect::<Result<_, _>>()?;
    if found.len() != keys.len() {
        // Another process merged the run.
        return Err(damaged("page of ids"));
    }
    for row in rows {
        entries.extend(entries_of(row.bytes(1)?).ok_or_else(|| damaged("page of ids"))?);
    }
    Ok(entries)
}

/// Reads a whole run of so many ids, to merge it.
pub(crate) fn read_run(reader: &mut Reader<'_>, run: u64, ids: usize) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    reader.for_each(&SELECT_ID_RUN, &run_bounds(run), |row| {
        entries.extend(entries_of(row.bytes(0)?).ok_or_else(|| damaged("page of ids"))?);
        Ok(())
    })?;
    if entries.len() != ids {
        return Err(damaged("run of ids"));
    }
    Ok(entries)
}

/// Writes a number in 7 bits a byte, the lowest first.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// Writes a signed number so that small ones of either sign are short.
fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

fn read(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn read_signed(from: &mut &[u8]) -> Option<i64> {
    let value = read(from)?;
    Some((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg())
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use ledger::testing::Ledger;

    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, u64::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(read(&mut out.as_slice()), Some(value));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX, -64, 64] {
            let mut out = Vec::new();
            signed(&mut out, value);
            assert_eq!(read_signed(&mut out.as_slice()), Some(value));
        }
        assert_eq!(read(&mut [0x80].as_slice()), None);
    }

    #[test]
    fn a_page_comes_back() {
        let mut ledger = Ledger::new();
        ledger.run(
            "
            account issuer unlimited
            account wallet lots negative capture
            account shop debit
            account out unlimited
            2026-11-01
            transfer issuer -> wallet 300 lot free:2027-01-31   ok
            transfer issuer -> wallet 200 lot paid:never        ok
            hold h wallet -> out 400                            ok
            announce e issuer -> wallet 12                      ok
            freeze shop                                         ok
        ",
        );
        let content = encode_page(ledger.book.accounts());
        let mut rest = content.as_slice();
        for account in ledger.book.accounts() {
            let (spec, state) = decode_account(&mut rest).unwrap();
            assert_eq!((&spec, &state), (account.spec(), account.state()));
        }
        assert!(rest.is_empty());
        for (id, hold) in ledger.book.holds() {
            let [_, _, content] = hold_row(id.bits(), hold);
            let Value::Bytes(content) = content else { panic!("content is bytes") };
            assert_eq!(decode_hold(&content).as_ref(), Some(hold));
            assert_eq!(decode_hold(&content[1..]), None);
        }
        for (id, expected) in ledger.book.expectations() {
            let [_, _, content] = expectation_row(id.bits(), expected);
            let Value::Bytes(content) = content else { panic!("content is bytes") };
            assert_eq!(decode_expectation(&content).as_ref(), Some(expected));
        }
    }
}
