//! The journal's rows: what is written, read back and checked.

use sha2::{Digest, Sha256};

use crate::connection::Connection;
use crate::{Fault, FaultKind, Insert, Listed, Reader, Row, Statement, Tx, Value};
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Lot, Movement, MovementKind, NegativeBy,
    NormalSide, Seq, UnitNumber,
};
use vocabulary::Timestamp;

/// Rows of a prepared insert on the hot path: 32 rows of 17 columns cost `SQLite` two thirds of 32
/// single inserts.
const ROWS_A_STATEMENT: usize = 32;
const COLUMNS: usize = 17;

static INSERT_MOVEMENT: Insert = Insert {
    name: "append movements",
    table: "movement",
    columns: &[
        "seq",
        "batch",
        "actor",
        "kind",
        "code",
        "debit",
        "credit",
        "debit_lot",
        "credit_lot",
        "amount",
        "at",
        "debit_prev",
        "credit_prev",
        "subject",
        "due_at",
        "digest",
        "row_check",
    ],
};

static INSERT_ACCOUNT: Insert = Insert {
    name: "append accounts",
    table: "account",
    columns: &["number", "id", "unit", "company", "side", "rule", "lots"],
};

static INSERT_GROUP: Insert = Insert {
    name: "append group",
    table: "journal_group",
    columns: &[
        "number",
        "first_seq",
        "movements",
        "first_account",
        "accounts",
        "at",
        "writer",
        "hash",
    ],
};

macro_rules! movement_columns {
    ($tail:literal) => {
        concat!(
            "SELECT seq, batch, actor, kind, code, debit, credit, debit_lot, credit_lot,\n",
            "       amount, at, debit_prev, credit_prev, subject, due_at, digest, row_check\n",
            $tail
        )
    };
}

static SELECT_FROM: Statement = Statement::new(
    "scan movements",
    movement_columns!("FROM movement\nWHERE seq >= ? AND seq < ?\nORDER BY seq"),
);

static SELECT_ONE: Statement =
    Statement::new("read movement", movement_columns!("FROM movement\nWHERE seq = ?"));

static SELECT_LIST: Statement = Statement::new(
    "read movements",
    movement_columns!("FROM movement\nWHERE seq IN (?*)\nORDER BY seq"),
);

// Walks an account's chain from its newest movement. The recursion carries seqs only; each row is
// then read once by its key.
static SELECT_CHAIN: Statement = Statement::new(
    "walk account chain",
    "WITH RECURSIVE chain (seq, depth) AS (
       SELECT ?, 1
       UNION ALL
       SELECT CASE WHEN m.debit = ? THEN m.debit_prev ELSE m.credit_prev END, c.depth + 1
       FROM chain c
       JOIN movement m ON m.seq = c.seq
       WHERE c.depth < ?
     )
     SELECT m.seq, m.batch, m.actor, m.kind, m.code, m.debit, m.credit, m.debit_lot, m.credit_lot,
            m.amount, m.at, m.debit_prev, m.credit_prev, m.subject, m.due_at, m.digest, m.row_check
     FROM chain c
     JOIN movement m ON m.seq = c.seq",
);

static SELECT_ACCOUNTS: Statement = Statement::new(
    "scan accounts",
    "SELECT number, id, unit, company, side, rule, lots
     FROM account
     WHERE number >= ? AND number < ?
     ORDER BY number",
);

static SELECT_GROUPS: Statement = Statement::new(
    "scan groups",
    "SELECT number, first_seq, movements, first_account, accounts, at, writer, hash
     FROM journal_group
     WHERE number > ?
     ORDER BY number
     LIMIT ?",
);

static SELECT_LAST_GROUP: Statement = Statement::new(
    "find last group",
    "SELECT number, first_seq, movements, first_account, accounts, at, writer, hash
     FROM journal_group
     ORDER BY number DESC
     LIMIT 1",
);

// The first group's row is the turnstile. `SQLite` has let one writer in with `BEGIN`.
static TAKE_TURN: Statement = Statement::pair(
    "take turn",
    "SELECT number FROM journal_group WHERE number = 1",
    "SELECT number FROM journal_group WHERE number = 1 FOR UPDATE",
);

static COUNT_BEYOND: Statement =
    Statement::new("count rows behind", "SELECT COUNT(*)\nFROM movement\nWHERE seq > ?");

/// Every statement of the journal, for the test that prepares them.
pub(crate) const STATEMENTS: &[Listed] = &[
    INSERT_MOVEMENT.listed(),
    INSERT_ACCOUNT.listed(),
    INSERT_GROUP.listed(),
    SELECT_FROM.listed(),
    TAKE_TURN.listed(),
    SELECT_ONE.listed(),
    SELECT_LIST.listed(),
    SELECT_CHAIN.listed(),
    SELECT_ACCOUNTS.listed(),
    SELECT_GROUPS.listed(),
    SELECT_LAST_GROUP.listed(),
    COUNT_BEYOND.listed(),
];

/// What one commit appended, and the chain that seals it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// The seq of its first movement, or the next free one when it has none.
    pub first_seq: Seq,
    /// How many movements.
    pub movements: u32,
    /// The number of its first account, or the next free one when it opens none.
    pub first_account: u32,
    /// How many accounts it opens.
    pub accounts: u32,
    /// When.
    pub at: Timestamp,
    /// Who appended it: chance that one writer makes for each group, so that it knows its own.
    pub writer: u128,
    /// SHA-256 over the hash of the group before and everything in this one; zeros until it is
    /// sealed.
    pub hash: [u8; 32],
}

impl Group {
    /// Before the first.
    pub const NONE: Self = Self {
        number: 0,
        first_seq: Seq::new(1),
        movements: 0,
        first_account: 0,
        accounts: 0,
        at: Timestamp::from_microseconds(0),
        writer: 0,
        hash: [0; 32],
    };

    /// The seq of its last movement.
    pub fn last_seq(&self) -> Seq {
        Seq::new(self.first_seq.get().saturating_add(u64::from(self.movements)).saturating_sub(1))
    }

    /// The number of accounts once it is there.
    pub fn accounts_after(&self) -> u32 {
        self.first_account.saturating_add(self.accounts)
    }
}

/// Hashes a group's contents while they come by.
pub(crate) struct GroupHash(Sha256);

impl GroupHash {
    pub(crate) fn new(previous: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(previous);
        Self(hash)
    }

    pub(crate) fn account(&mut self, spec: &AccountSpec) {
        self.0.update(account_bytes(spec));
    }

    pub(crate) fn movement(&mut self, bytes: &[u8; MOVEMENT_BYTES]) {
        self.0.update(bytes);
    }

    /// Seals the group; its own hash is not read.
    pub(crate) fn seal(mut self, group: &Group) -> [u8; 32] {
        self.0.update(group.number.to_be_bytes());
        self.0.update(group.first_seq.get().to_be_bytes());
        self.0.update(group.movements.to_be_bytes());
        self.0.update(group.first_account.to_be_bytes());
        self.0.update(group.accounts.to_be_bytes());
        self.0.update(group.at.as_microseconds().to_be_bytes());
        self.0.update(group.writer.to_be_bytes());
        self.0.finalize().into()
    }
}

pub(crate) const MOVEMENT_BYTES: usize = 125;

/// A movement as bytes, for checks and hashes: every field at its place, big-endian.
pub(crate) fn movement_bytes(movement: &Movement) -> [u8; MOVEMENT_BYTES] {
    let mut bytes = [0; MOVEMENT_BYTES];
    let mut record = Record(&mut bytes);
    record.put(&movement.seq.get().to_be_bytes());
    record.put(&movement.batch.to_bytes());
    record.put(&movement.actor.get().to_be_bytes());
    record.put(&[movement.kind.code()]);
    record.put(&movement.code.to_be_bytes());
    record.put(&movement.debit.get().to_be_bytes());
    record.put(&movement.credit.get().to_be_bytes());
    record.put(&movement.debit_lot.bits().to_be_bytes());
    record.put(&movement.credit_lot.bits().to_be_bytes());
    record.put(&movement.amount.minor_units().to_be_bytes());
    record.put(&movement.at.as_microseconds().to_be_bytes());
    record.put(&movement.debit_prev.get().to_be_bytes());
    record.put(&movement.credit_prev.get().to_be_bytes());
    record.put(&[u8::from(movement.subject.is_some())]);
    record.put(&movement.subject.unwrap_or(0).to_be_bytes());
    record.put(&[u8::from(movement.due_at.is_some())]);
    record.put(&movement.due_at.unwrap_or_default().as_microseconds().to_be_bytes());
    record.put(&[u8::from(movement.digest.is_some())]);
    record.put(&movement.digest.unwrap_or(0).to_be_bytes());
    bytes
}

/// Fills a record of fixed size, field by field.
struct Record<'a>(&'a mut [u8]);

impl Record<'_> {
    fn put(&mut self, field: &[u8]) {
        if let Some((place, after)) = core::mem::take(&mut self.0).split_at_mut_checked(field.len())
        {
            place.copy_from_slice(field);
            self.0 = after;
        }
    }
}

fn account_bytes(spec: &AccountSpec) -> [u8; 23] {
    let mut bytes = [0; 23];
    let mut record = Record(&mut bytes);
    record.put(&spec.id.to_bytes());
    record.put(&spec.unit.get().to_be_bytes());
    record.put(&spec.company.get().to_be_bytes());
    record.put(&[side_code(spec.side), rule_code(spec.rule), u8::from(spec.lots)]);
    bytes
}

pub(crate) fn row_check(bytes: &[u8; MOVEMENT_BYTES]) -> u32 {
    crc32fast::hash(bytes)
}

pub(crate) const fn side_code(side: NormalSide) -> u8 {
    match side {
        NormalSide::Debit => 0,
        NormalSide::Credit => 1,
    }
}

pub(crate) const fn side_of(code: u8) -> Option<NormalSide> {
    match code {
        0 => Some(NormalSide::Debit),
        1 => Some(NormalSide::Credit),
        _ => None,
    }
}

pub(crate) const fn rule_code(rule: BalanceRule) -> u8 {
    match rule {
        BalanceRule::NonNegative
        | BalanceRule::Negative(NegativeBy { capture: false, reversal: false }) => 0,
        BalanceRule::Unlimited => 1,
        BalanceRule::Negative(NegativeBy { capture: true, reversal: false }) => 2,
        BalanceRule::Negative(NegativeBy { capture: false, reversal: true }) => 3,
        BalanceRule::Negative(NegativeBy { capture: true, reversal: true }) => 4,
    }
}

pub(crate) const fn rule_of(code: u8) -> Option<BalanceRule> {
    match code {
        0 => Some(BalanceRule::NonNegative),
        1 => Some(BalanceRule::Unlimited),
        2 => Some(BalanceRule::Negative(NegativeBy { capture: true, reversal: false })),
        3 => Some(BalanceRule::Negative(NegativeBy { capture: false, reversal: true })),
        4 => Some(BalanceRule::Negative(NegativeBy { capture: true, reversal: true })),
        _ => None,
    }
}

/// Appends a group: its row, its accounts, its movements.
///
/// # Errors
///
/// [`FaultKind::Conflict`] when somebody else appended a group of this number, or another
/// [`Fault`].
pub(crate) fn append(
    tx: &mut Tx<'_>,
    group: &Group,
    accounts: &[AccountSpec],
    movements: &[Movement],
    checks: &[u32],
) -> Result<(), Fault> {
    tx.insert(
        &INSERT_GROUP,
        &[[
            Value::from(group.number),
            Value::from(group.first_seq.get()),
            Value::from(group.movements),
            Value::from(group.first_account),
            Value::from(group.accounts),
            Value::from(group.at),
            Value::from(group.writer.to_be_bytes()),
            Value::from(group.hash.as_slice()),
        ]],
    )?;
    if !accounts.is_empty() {
        let rows: Vec<[Value; 7]> = (group.first_account..)
            .zip(accounts)
            .map(|(number, spec)| account_row(number, spec))
            .collect();
        tx.insert(&INSERT_ACCOUNT, &rows)?;
    }
    if tx.connection().sqlite().is_some() {
        let connection = tx.connection();
        let written = append_to_sqlite(connection, movements, checks);
        return connection.judge(written);
    }
    let rows: Vec<[Value; COLUMNS]> =
        movements.iter().zip(checks).map(|(movement, check)| row(movement, *check)).collect();
    tx.insert(&INSERT_MOVEMENT, &rows)
}

fn account_row(number: u32, spec: &AccountSpec) -> [Value; 7] {
    [
        Value::from(number),
        Value::from(spec.id),
        Value::from(spec.unit.get()),
        Value::from(spec.company),
        Value::from(u32::from(side_code(spec.side))),
        Value::from(u32::from(rule_code(spec.rule))),
        Value::from(u32::from(spec.lots)),
    ]
}

fn append_to_sqlite(
    connection: &mut Connection,
    movements: &[Movement],
    checks: &[u32],
) -> Result<(), Fault> {
    let name = INSERT_MOVEMENT.name;
    let failed = |error| crate::sqlite::fault(name, error);
    #[cfg(any(test, feature = "testing"))]
    connection.sabotage(name)?;
    let Some(sqlite) = connection.sqlite() else {
        return Err(Fault::new(FaultKind::Unavailable, name));
    };
    let mut rest = movements.iter().zip(checks);
    let mut left = movements.len();
    while left > 0 {
        let count = if left >= ROWS_A_STATEMENT { ROWS_A_STATEMENT } else { 1 };
        let mut statement = sqlite.prepare_cached(&INSERT_MOVEMENT.text(count)).map_err(failed)?;
        while left >= count {
            for (first, (movement, check)) in (1..).step_by(COLUMNS).zip(rest.by_ref().take(count))
            {
                bind(&mut statement, first, movement, *check).map_err(failed)?;
            }
            statement.raw_execute().map_err(failed)?;
            left = left.saturating_sub(count);
        }
    }
    Ok(())
}

/// Binds a row without building values of it.
fn bind(
    statement: &mut rusqlite::Statement<'_>,
    first: usize,
    movement: &Movement,
    check: u32,
) -> rusqlite::Result<()> {
    let batch = movement.batch.to_bytes();
    let subject = movement.subject.map(u128::to_be_bytes);
    let mut place = first;
    let mut next = || {
        let this = place;
        place = place.saturating_add(1);
        this
    };
    statement.raw_bind_parameter(next(), signed(movement.seq.get()))?;
    statement.raw_bind_parameter(next(), batch.as_slice())?;
    statement.raw_bind_parameter(next(), signed(movement.actor.get()))?;
    statement.raw_bind_parameter(next(), movement.kind.code())?;
    statement.raw_bind_parameter(next(), movement.code)?;
    statement.raw_bind_parameter(next(), movement.debit.get())?;
    statement.raw_bind_parameter(next(), movement.credit.get())?;
    statement.raw_bind_parameter(next(), movement.debit_lot.bits())?;
    statement.raw_bind_parameter(next(), movement.credit_lot.bits())?;
    statement.raw_bind_parameter(next(), movement.amount.minor_units())?;
    statement.raw_bind_parameter(next(), movement.at.as_microseconds())?;
    statement.raw_bind_parameter(next(), signed(movement.debit_prev.get()))?;
    statement.raw_bind_parameter(next(), signed(movement.credit_prev.get()))?;
    statement.raw_bind_parameter(next(), subject.as_ref().map(<[u8; 16]>::as_slice))?;
    statement.raw_bind_parameter(next(), movement.due_at.map(Timestamp::as_microseconds))?;
    statement.raw_bind_parameter(next(), movement.digest.map(u64::cast_signed))?;
    statement.raw_bind_parameter(next(), check)
}

fn row(movement: &Movement, check: u32) -> [Value; COLUMNS] {
    [
        Value::from(movement.seq.get()),
        Value::from(movement.batch),
        Value::from(movement.actor.get()),
        Value::from(u32::from(movement.kind.code())),
        Value::from(movement.code),
        Value::from(movement.debit.get()),
        Value::from(movement.credit.get()),
        Value::from(movement.debit_lot.bits()),
        Value::from(movement.credit_lot.bits()),
        Value::from(movement.amount),
        Value::from(movement.at),
        Value::from(movement.debit_prev.get()),
        Value::from(movement.credit_prev.get()),
        Value::from(movement.subject.map(u128::to_be_bytes)),
        Value::from(movement.due_at),
        Value::from(movement.digest),
        Value::from(check),
    ]
}

/// Seqs and the like stay below 2⁶³ for ever.
const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// Reads a movement and checks that it is as it was written.
pub(crate) fn movement_of(row: &Row<'_>) -> Result<Movement, Fault> {
    let short = |column, what| -> Result<u16, Fault> {
        u16::try_from(row.small(column)?).map_err(|_range| row.corrupt(what))
    };
    let kind = u8::try_from(row.small(3)?).ok().and_then(MovementKind::from_code);
    let movement = Movement {
        seq: Seq::new(row.unsigned(0)?),
        batch: row.id(1)?,
        actor: ActorNumber::from_number(row.unsigned(2)?),
        kind: kind.ok_or_else(|| row.corrupt("kind of movement"))?,
        code: short(4, "code of 16 bits")?,
        debit: AccountNumber::new(row.small(5)?),
        credit: AccountNumber::new(row.small(6)?),
        debit_lot: Lot::from_bits(row.small(7)?),
        credit_lot: Lot::from_bits(row.small(8)?),
        amount: row.amount(9)?,
        at: row.timestamp(10)?,
        debit_prev: Seq::new(row.unsigned(11)?),
        credit_prev: Seq::new(row.unsigned(12)?),
        subject: row.optional_sixteen(13)?.map(u128::from_be_bytes),
        due_at: row.optional_timestamp(14)?,
        digest: row.optional_integer(15)?.map(i64::cast_unsigned),
    };
    if row_check(&movement_bytes(&movement)) != row.small(16)? {
        let tried = format!("movement {} is not as it was written", movement.seq);
        return Err(Fault::new(FaultKind::Corrupt, tried));
    }
    Ok(movement)
}

fn account_of(row: &Row<'_>) -> Result<(u32, AccountSpec), Fault> {
    let byte = |column| Ok::<u8, Fault>(u8::try_from(row.small(column)?).unwrap_or(u8::MAX));
    let unit = u16::try_from(row.small(2)?).map_err(|_range| row.corrupt("unit number"))?;
    let spec = AccountSpec {
        id: row.id(1)?,
        unit: UnitNumber::new(unit),
        company: row.company(3)?,
        side: side_of(byte(4)?).ok_or_else(|| row.corrupt("normal side"))?,
        rule: rule_of(byte(5)?).ok_or_else(|| row.corrupt("balance rule"))?,
        lots: row.boolean(6)?,
    };
    Ok((row.small(0)?, spec))
}

fn group_of(row: &Row<'_>) -> Result<Group, Fault> {
    Ok(Group {
        number: row.unsigned(0)?,
        first_seq: Seq::new(row.unsigned(1)?),
        movements: row.small(2)?,
        first_account: row.small(3)?,
        accounts: row.small(4)?,
        at: row.timestamp(5)?,
        writer: u128::from_be_bytes(row.sixteen(6)?),
        hash: row.digest(7)?,
    })
}

/// Lends the movements from `first` up to but without `end`, in order.
///
/// # Errors
///
/// What `take` gives, or a [`Fault`]; a damaged row is [`FaultKind::Corrupt`] and named.
pub(crate) fn scan_movements(
    reader: &mut Reader<'_>,
    first: Seq,
    end: Seq,
    mut take: impl FnMut(&Movement) -> Result<(), Fault>,
) -> Result<(), Fault> {
    // A server's driver reads an answer to its end even when the reader has seen enough.
    const AT_ONCE: u64 = 100_000;
    let mut from = first.get();
    while from < end.get() {
        let to = from.saturating_add(AT_ONCE).min(end.get());
        let bounds = [Value::from(from), Value::from(to)];
        reader.for_each(&SELECT_FROM, &bounds, |row| take(&movement_of(row)?))?;
        from = to;
    }
    Ok(())
}

/// Reads the movements of these seqs, in order of seq.
pub(crate) fn read_movements(
    reader: &mut Reader<'_>,
    seqs: &[Seq],
) -> Result<Vec<Movement>, Fault> {
    let list: Vec<Value> = seqs.iter().map(|seq| Value::from(seq.get())).collect();
    let rows = reader.query_list(&SELECT_LIST, &[], &list)?;
    rows.iter().map(movement_of).collect()
}

/// Walks an account's movements back from `head`, the newest first, at most `limit` of them.
pub(crate) fn walk(
    reader: &mut Reader<'_>,
    account: AccountNumber,
    head: Seq,
    limit: u32,
) -> Result<Vec<Movement>, Fault> {
    if head == Seq::NONE || limit == 0 {
        return Ok(Vec::new());
    }
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let connection = reader.connection();
    let dialect = connection.dialect();
    if let Some(sqlite) = connection.sqlite() {
        let mut found = Vec::new();
        let (name, sql) = (SELECT_ONE.name(), SELECT_ONE.text(dialect));
        let walked = crate::sqlite::follow(sqlite, name, sql, head.get(), |row| {
            let movement = movement_of(row)?;
            let next = previous(&movement, account);
            found.push(movement);
            let goes_on = next != Seq::NONE && found.len() < most;
            Ok(goes_on.then_some(next.get()))
        });
        connection.judge(walked)?;
        return Ok(found);
    }
    walk_on_server(reader, account, head, limit)
}

fn walk_on_server(
    reader: &mut Reader<'_>,
    account: AccountNumber,
    head: Seq,
    limit: u32,
) -> Result<Vec<Movement>, Fault> {
    // Servers end a recursion after 1,000 turns unless told otherwise.
    const AT_ONCE: u32 = 1_000;
    let mut found: Vec<Movement> = Vec::new();
    let mut next = head;
    let mut left = limit;
    while left > 0 && next != Seq::NONE {
        let turns = left.min(AT_ONCE);
        let values = [Value::from(next.get()), Value::from(account.get()), Value::from(turns)];
        let before = found.len();
        reader.for_each(&SELECT_CHAIN, &values, |row| {
            found.push(movement_of(row)?);
            Ok(())
        })?;
        if found.len() == before {
            break;
        }
        // A join gives its rows in no order of its own; a chain leads ever further back.
        found.sort_unstable_by_key(|movement| core::cmp::Reverse(movement.seq));
        next = found.last().map_or(Seq::NONE, |movement| previous(movement, account));
        left = left.saturating_sub(turns);
    }
    Ok(found)
}

/// The movement before this one on the chain of an account.
pub(crate) fn previous(movement: &Movement, account: AccountNumber) -> Seq {
    if movement.debit == account { movement.debit_prev } else { movement.credit_prev }
}

/// Lends the accounts from number `first` up to but without `end`.
pub(crate) fn scan_accounts(
    reader: &mut Reader<'_>,
    first: u32,
    end: u32,
    mut take: impl FnMut(u32, AccountSpec) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let bounds = [Value::from(first), Value::from(end)];
    reader.for_each(&SELECT_ACCOUNTS, &bounds, |row| {
        let (number, spec) = account_of(row)?;
        take(number, spec)
    })
}

/// Waits until no other process decides commands, until the transaction ends. An empty journal lets
/// everybody pass.
pub(crate) fn take_turn(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.query_one(&TAKE_TURN, &[]).map(drop)
}

/// Reads up to `limit` groups after `number`, in order.
pub(crate) fn groups_after(
    reader: &mut Reader<'_>,
    number: u64,
    limit: u32,
) -> Result<Vec<Group>, Fault> {
    let rows = reader.query(&SELECT_GROUPS, &[Value::from(number), Value::from(limit)])?;
    rows.iter().map(group_of).collect()
}

/// Reads the newest group; [`Group::NONE`] of an empty journal.
pub(crate) fn last_group(reader: &mut Reader<'_>) -> Result<Group, Fault> {
    let row = reader.query_one(&SELECT_LAST_GROUP, &[])?;
    row.as_ref().map_or(Ok(Group::NONE), group_of)
}

/// Counts the movements behind a group.
pub(crate) fn count_beyond(reader: &mut Reader<'_>, group: &Group) -> Result<u64, Fault> {
    let row = reader.query_one(&COUNT_BEYOND, &[Value::from(group.last_seq().get())])?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}
