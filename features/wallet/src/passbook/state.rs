//! What a passbook says, read out of movements: pure.

use std::collections::BTreeSet;

use ledger::{
    AccountNumber, Cell, Expectation, ExpectationState, Few, Hold, HoldState, IdleRule, Lot,
    LotKind, Movement, MovementKind, Seq,
};
use vocabulary::{Amount, Day, Id, Timestamp, kind};

/// What a line of the passbook tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// Value from or to another account.
    Transferred,
    /// Points credited for an event.
    Earned,
    /// Points spent on something.
    Used,
    /// One leg of an exchange between units.
    Exchanged,
    /// Value that left for the outside.
    PaidOut,
    /// Value bought from outside.
    ToppedUp,
    /// A correction.
    Adjusted,
    /// A lot at its end.
    Expired,
    /// An earlier line was undone.
    Reversed,
    /// What an earlier line could not give back became a debt.
    Owed,
    /// An amount is reserved at a shop.
    Reserved,
    /// A reserved amount was paid.
    Paid,
    /// A reserved amount was set free without being paid.
    Released,
    /// Value was announced (判定中).
    Expected,
    /// Announced value was lowered or dropped.
    Lowered,
}

/// What a line moves of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotPart {
    /// Which lot; [`Lot::NONE`] for what made good, or went, below zero.
    pub lot: Lot,
    /// How much of it.
    pub amount: Amount,
}

/// One line of the passbook: one thing that happened, made of neighbouring movements of one batch.
///
/// A batch that does several things gives several lines, so that an expiry on the way of a payment
/// is seen, and two shops' points are two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The newest movement of the line, which names it.
    pub seq: Seq,
    /// The oldest movement of the line.
    pub first: Seq,
    /// The batch it belongs to.
    pub batch: Id<kind::Batch>,
    /// What it tells about.
    pub kind: LineKind,
    /// What for, in the company's own numbering.
    pub code: u16,
    /// The account on the other side.
    pub other: AccountNumber,
    /// The hold, expectation or reversed batch it concerns.
    pub subject: Option<u128>,
    /// When.
    pub at: Timestamp,
    /// What the balance changed by, minor units.
    pub change: i64,
    /// What the reserved amount changed by.
    pub reserved: i64,
    /// What the announced amount changed by.
    pub expected: i64,
    /// The balance after this line; `None` where the walk did not begin at the newest movement.
    pub balance: Option<i64>,
    /// When a hold expires or an expectation is to be decided.
    pub due_at: Option<Timestamp>,
    /// What it moved or reserved, by lot.
    pub lots: Vec<LotPart>,
    family: Family,
}

impl Line {
    /// The expectation it is about.
    pub fn expectation(&self) -> Option<Id<kind::Expectation>> {
        self.subject.filter(|_| self.family == Family::Expectation).map(Id::from_bits)
    }

    /// The hold it is about.
    pub fn hold(&self) -> Option<Id<kind::Hold>> {
        self.subject.filter(|_| self.family == Family::Hold).map(Id::from_bits)
    }

    /// Whether the movement of this place is one of the line's.
    pub fn holds(&self, seq: Seq) -> bool {
        self.first <= seq && seq <= self.seq
    }
}

/// Movements of one family, batch and subject that stand together are one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Expectation,
    Hold,
    Plain { kind: MovementKind, other: AccountNumber, credit: bool, code: u16 },
}

/// Lines, and what is before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The lines, the newest first.
    pub lines: Vec<Line>,
    /// The balance before the oldest movement.
    pub carried: Option<i64>,
}

/// Makes lines of an account's movements, the newest first. `balance` is the one after the newest
/// of them. Memos (a login, a freeze) and what others reserve *for* the account give no line.
pub fn walk(account: AccountNumber, balance: Option<i64>, movements: &[Movement]) -> Walk {
    let mut found = Walk { lines: Vec::new(), carried: balance };
    for movement in movements {
        let Some(read) = Read::of(account, movement) else { continue };
        let after = found.carried;
        found.carried = after.and_then(|balance| balance.checked_sub(read.change));
        match found.lines.last_mut() {
            Some(line) if read.continues(line, movement) => read.join(line, movement),
            Some(_) | None => found.lines.push(read.begin(movement, after)),
        }
    }
    found
}

/// What one movement means for the account.
struct Read {
    family: Family,
    kind: LineKind,
    other: AccountNumber,
    change: i64,
    reserved: i64,
    expected: i64,
    part: Option<LotPart>,
}

impl Read {
    /// Reads a movement; `None` for a memo, or what is none of the account's.
    fn of(account: AccountNumber, movement: &Movement) -> Option<Self> {
        let credit = movement.credit == account;
        if credit == (movement.debit == account) {
            return None;
        }
        let (lot, other) = if credit {
            (movement.credit_lot, movement.debit)
        } else {
            (movement.debit_lot, movement.credit)
        };
        let granted = movement.kind == MovementKind::Grant && movement.subject.is_some();
        let family = if movement.kind.concerns_hold() {
            Family::Hold
        } else if movement.kind.concerns_expectation() || granted {
            Family::Expectation
        } else {
            Family::Plain { kind: movement.kind, other, credit, code: movement.code }
        };
        let (kind, change, reserved, expected) = meaning(movement, credit)?;
        let part =
            (change != 0 || reserved > 0).then_some(LotPart { lot, amount: movement.amount });
        Some(Self { family, kind, other, change, reserved, expected, part })
    }

    fn continues(&self, line: &Line, movement: &Movement) -> bool {
        line.batch == movement.batch
            && line.family == self.family
            && line.subject == movement.subject
    }

    fn begin(self, movement: &Movement, balance: Option<i64>) -> Line {
        Line {
            seq: movement.seq,
            first: movement.seq,
            batch: movement.batch,
            kind: self.kind,
            code: movement.code,
            other: self.other,
            subject: movement.subject,
            at: movement.at,
            change: self.change,
            reserved: self.reserved,
            expected: self.expected,
            balance,
            due_at: movement.due_at,
            lots: self.part.into_iter().collect(),
            family: self.family,
        }
    }

    fn join(self, line: &mut Line, movement: &Movement) {
        line.first = movement.seq;
        line.kind = telling(line.kind, self.kind);
        line.code = line.code.max(movement.code);
        line.change = line.change.saturating_add(self.change);
        line.reserved = line.reserved.saturating_add(self.reserved);
        line.expected = line.expected.saturating_add(self.expected);
        line.due_at = line.due_at.or(movement.due_at);
        let Some(part) = self.part else { return };
        match line.lots.iter_mut().find(|known| known.lot == part.lot) {
            Some(known) => {
                known.amount = known.amount.checked_add(part.amount).unwrap_or(Amount::MAX);
            }
            None => line.lots.push(part),
        }
    }
}

/// What a movement changes, seen from the side it credits or the other: balance, reserved,
/// announced.
fn meaning(movement: &Movement, credit: bool) -> Option<(LineKind, i64, i64, i64)> {
    let amount = movement.amount.minor_units();
    let less = amount.saturating_neg();
    let signed = if credit { amount } else { less };
    let unsigned = signed.saturating_neg();
    let posted = |kind| Some((kind, signed, 0, 0));
    match movement.kind {
        MovementKind::Transfer => posted(LineKind::Transferred),
        MovementKind::Grant => posted(LineKind::Earned),
        MovementKind::Redemption => posted(LineKind::Used),
        MovementKind::Exchange => posted(LineKind::Exchanged),
        MovementKind::Payout => posted(LineKind::PaidOut),
        MovementKind::TopUp => posted(LineKind::ToppedUp),
        MovementKind::Adjustment => posted(LineKind::Adjusted),
        MovementKind::Expiry => posted(LineKind::Expired),
        MovementKind::Reversal => posted(LineKind::Reversed),
        MovementKind::Shortfall => posted(LineKind::Owed),
        MovementKind::CaptureBeyond => posted(LineKind::Paid),
        MovementKind::Announcement => Some((LineKind::Expected, 0, 0, signed)),
        MovementKind::Fulfilment => Some((LineKind::Earned, 0, 0, unsigned)),
        MovementKind::Retraction => Some((LineKind::Lowered, 0, 0, unsigned)),
        MovementKind::Capture if credit => posted(LineKind::Paid),
        MovementKind::Capture => Some((LineKind::Paid, less, less, 0)),
        // What a hold may bring is its payer's until it is captured.
        MovementKind::Hold
        | MovementKind::Release
        | MovementKind::Void
        | MovementKind::HoldExpiry
            if credit =>
        {
            None
        }
        MovementKind::Hold => Some((LineKind::Reserved, 0, amount, 0)),
        MovementKind::Release | MovementKind::Void | MovementKind::HoldExpiry => {
            Some((LineKind::Released, 0, less, 0))
        }
        MovementKind::Freeze | MovementKind::Thaw | MovementKind::Close | MovementKind::Touch => {
            None
        }
    }
}

/// What a line tells about that is made of two: payment before reservation before release, a grant
/// before an announcement before its lowering.
fn telling(one: LineKind, other: LineKind) -> LineKind {
    const ORDER: [LineKind; 4] =
        [LineKind::Earned, LineKind::Paid, LineKind::Expected, LineKind::Reserved];
    ORDER.into_iter().find(|kind| [one, other].contains(kind)).unwrap_or(one)
}

/// What became of the hold or expectation of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The line is about neither.
    None,
    /// Announced; the rest and the day of the decision.
    Waiting {
        /// What is still announced.
        amount: Amount,
        /// When it is to be decided.
        due_at: Option<Timestamp>,
    },
    /// All of it is decided, and this much was granted.
    Decided {
        /// What was granted in all.
        granted: Amount,
    },
    /// Reserved; the rest and when the clock releases it.
    Reserved {
        /// What is still reserved.
        amount: Amount,
        /// When the clock releases it.
        expires_at: Timestamp,
    },
    /// Paid; the rest was released.
    Captured,
    /// Released on request.
    Voided,
    /// Released by the clock.
    HoldExpired,
    /// It ended so long ago that only the journal knows how.
    Ended,
}

impl Fate {
    /// Reads an expectation as the book knows it.
    pub fn of_expectation(expectation: Option<&Expectation>) -> Self {
        match expectation {
            None => Self::Ended,
            Some(found) => match found.state {
                ExpectationState::Open => {
                    Self::Waiting { amount: found.amount, due_at: found.due_at }
                }
                ExpectationState::Ended => Self::Decided { granted: found.granted },
            },
        }
    }

    /// Reads a hold as the book knows it.
    pub fn of_hold(hold: Option<&Hold>) -> Self {
        match hold {
            None => Self::Ended,
            Some(found) => match found.state {
                HoldState::Open => {
                    Self::Reserved { amount: found.remaining(), expires_at: found.expires_at }
                }
                HoldState::Captured => Self::Captured,
                HoldState::Voided => Self::Voided,
                HoldState::Expired => Self::HoldExpired,
            },
        }
    }
}

/// Picks the lines that tell one story with `line`: its hold's or expectation's whole life, what it
/// reverses, what reversed it. The oldest first; a line is there once.
pub(crate) fn story_of(line: &Line, lines: &[Line]) -> Vec<Line> {
    let life = |other: &Line| {
        line.subject.is_some()
            && other.subject == line.subject
            && (line.expectation().is_some() && other.expectation().is_some()
                || line.hold().is_some() && other.hold().is_some())
    };
    let reversed_by =
        |other: &Line| other.kind == LineKind::Reversed && other.subject == Some(line.batch.bits());
    let reverses =
        |other: &Line| line.kind == LineKind::Reversed && line.subject == Some(other.batch.bits());
    let mut seen = BTreeSet::from([line.seq]);
    let mut story: Vec<Line> = lines
        .iter()
        .filter(|other| life(other) || reversed_by(other) || reverses(other))
        .filter(|other| seen.insert(other.seq))
        .cloned()
        .collect();
    story.push(line.clone());
    story.sort_unstable_by_key(|line| line.seq);
    story
}

/// Value that expires on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The last day it can be used on; `None` for never.
    pub on: Option<Day>,
    /// How much is free to be used.
    pub free: Amount,
    /// How much open holds reserve; it expires only once it is released.
    pub held: Amount,
    /// Whether it expires then because its owner does nothing, and lives on otherwise.
    pub idle: bool,
}

/// Adds up an account's cells by the day they expire on, the earliest first, the never-expiring
/// last. `idle_on` is the last day of what is free when its owner does nothing any more.
pub(crate) fn endings(cells: &[Cell], idle_on: Option<Day>) -> Vec<Ending> {
    let mut found: Vec<Ending> = Vec::new();
    let ends = |cell: &Cell| {
        let own = cell.lot.expires_on();
        let idle = idle_on.filter(|_| cell.lot.kind() == LotKind::Free);
        match (own, idle) {
            (Some(own), Some(idle)) if idle < own => (Some(idle), true),
            (None, Some(idle)) => (Some(idle), true),
            (own, _) => (own, false),
        }
    };
    let mut cells: Vec<(&Cell, (Option<Day>, bool))> = cells
        .iter()
        .filter(|cell| cell.lot.is_some() && cell.posted > 0)
        .map(|cell| (cell, ends(cell)))
        .collect();
    cells.sort_by_key(|(_, (on, idle))| (on.is_none(), *on, *idle));
    for (cell, (on, idle)) in cells {
        let held = Amount::magnitude(cell.held.max(0));
        let free = Amount::magnitude(cell.posted.saturating_sub(cell.held).max(0));
        match found.last_mut().filter(|ending| (ending.on, ending.idle) == (on, idle)) {
            Some(ending) => {
                ending.held = ending.held.checked_add(held).unwrap_or(Amount::MAX);
                ending.free = ending.free.checked_add(free).unwrap_or(Amount::MAX);
            }
            None => found.push(Ending { on, free, held, idle }),
        }
    }
    found
}

/// What an account's owner can do with it, today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What can be used now; below zero when the owner owes.
    pub usable: i64,
    /// What was credited less what was debited.
    pub posted: i64,
    /// What open holds reserve.
    pub reserved: Amount,
    /// What is past its last day, and not yet written off by the nightly job.
    pub overdue: Amount,
    /// What is announced (判定中).
    pub expected: Amount,
    /// What expires next, with free value and a day that is not over.
    pub next: Option<Ending>,
    /// All of it, by the day it expires on.
    pub endings: Vec<Ending>,
}

impl Balance {
    /// Reads an account as it stands today.
    pub fn of(account: &ledger::Account, idle_rules: Few<IdleRule>, today: Day) -> Self {
        // On the day after, the account may still become active again before the job comes.
        let idle_on = idle_rules.last_day(account.state().activity()).filter(|on| *on >= today);
        let endings = endings(account.state().cells(), idle_on);
        let over = |ending: &&Ending| ending.on.is_some_and(|last| last < today);
        let overdue = endings
            .iter()
            .filter(over)
            .fold(Amount::ZERO, |sum, ending| sum.checked_add(ending.free).unwrap_or(Amount::MAX));
        let reserved = account.pending();
        let usable = account
            .balance()
            .saturating_sub(reserved.minor_units())
            .saturating_sub(overdue.minor_units());
        let next = endings
            .iter()
            .find(|ending| ending.on.is_some_and(|last| last >= today) && !ending.free.is_zero())
            .copied();
        Self {
            usable,
            posted: account.balance(),
            reserved,
            overdue,
            expected: Amount::try_new(account.expected()).unwrap_or_default(),
            next,
            endings,
        }
    }

    /// What expires within `days` days from today, for the notice.
    pub(crate) fn soon(&self, today: Day, days: i32) -> Option<Ending> {
        self.next.filter(|ending| ending.on.is_some_and(|last| last <= today.plus_days(days)))
    }
}
