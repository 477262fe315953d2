//! Reads a passbook: one walk along the account's chain of movements for each page.

use std::collections::BTreeMap;

use super::state::{Balance, Fate, Line, LineKind, story_of, walk};
use crate::payment::find_shops;
use crate::{Explained, Wallet};
use ledger::{Account, AccountNumber, Book, Seq, Unit, UnitNumber};
use store::{Fault, Store, natural_id};
use vocabulary::{AccountRole, Amount, CompanyNumber, Id, Timestamp, kind};
use web::{Cursor, Language};

/// Lines of a page.
pub(crate) const LINES_MAX: usize = 30;
/// Movements walked at first for a page: most lines are one movement or two.
const WALK_AT_FIRST: u32 = 120;
/// Movements walked at most for a page, when one line has that many or logins fill the chain.
const WALK_MAX: u32 = 16_000;
/// Movements walked for what is announced, and for what a story may be spread over.
const WALK_WIDE: u32 = 1_000;

/// A member's account in one unit, as it stood when it was looked up.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// Its number.
    pub(crate) number: AccountNumber,
    /// How it stands.
    pub(crate) account: Account,
    /// What it counts.
    pub(crate) unit: Unit,
}

impl Opened {
    /// What the owner can do with it at `now`.
    pub(crate) fn balance(&self, now: Timestamp) -> Balance {
        let policy = &self.unit.policy;
        Balance::of(&self.account, policy.idle_rules, policy.zone.day_of(now))
    }

    fn head(&self) -> Seq {
        self.account.state().head()
    }
}

/// Finds a member's accounts in the units of their company, in the order of the units.
pub(crate) fn accounts(
    store: &Store,
    company: CompanyNumber,
    member: Id<kind::Member>,
) -> Vec<Opened> {
    let found = store.look(|book| {
        let units = units(book).filter(|unit| unit.issuer == company);
        let opened = units.filter_map(|unit| {
            let id = Id::of(member, unit.number.get(), AccountRole::Member);
            Some((book.find_settled_account(id)?, *unit))
        });
        opened.collect::<Vec<_>>()
    });
    let opened = found.into_iter().filter_map(|(number, unit)| {
        let account = store.account(number).filter(|found| found.spec().company == company)?;
        Some(Opened { number, account, unit })
    });
    opened.collect()
}

/// Lists the units of a book: their numbers begin at 1 and have no gap.
pub(crate) fn units(book: &Book) -> impl Iterator<Item = &Unit> {
    (1..=u16::MAX).map_while(|number| book.find_unit(UnitNumber::new(number)))
}

/// The place in a passbook at which the next page begins.
///
/// It carries the balance, so that no page has to be walked from the newest movement. Its text form
/// is sealed with the account's id, which follows from the member's: a mark that somebody else made
/// up does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The lines before this one follow.
    pub(crate) before: Seq,
    /// The balance before it.
    pub(crate) carried: i64,
}

impl Mark {
    /// Writes it for the address of the next page.
    pub(crate) fn to_cursor(self, account: Id<kind::Account>) -> Cursor {
        let mut key = self.before.get().to_be_bytes().to_vec();
        key.extend_from_slice(&self.carried.to_be_bytes());
        key.extend_from_slice(&self.seal(account));
        Cursor::new(key)
    }

    /// Reads it; `None` when it is of another account or made up.
    pub(crate) fn of_cursor(cursor: &Cursor, account: Id<kind::Account>) -> Option<Self> {
        let (before, rest) = cursor.key().split_first_chunk::<8>()?;
        let (carried, seal) = rest.split_first_chunk::<8>()?;
        let mark = Self {
            before: Seq::new(u64::from_be_bytes(*before)),
            carried: i64::from_be_bytes(*carried),
        };
        (mark.seal(account) == *seal).then_some(mark)
    }

    fn seal(self, account: Id<kind::Account>) -> [u8; 16] {
        let (before, carried) = (self.before.get().to_be_bytes(), self.carried.to_be_bytes());
        natural_id::<kind::Batch>("wallet.passbook.mark", &[&account.to_bytes(), &before, &carried])
            .to_bytes()
    }
}

/// One page of a passbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// The lines, the newest first.
    pub(crate) lines: Vec<Line>,
    /// The balance before the oldest of them.
    pub(crate) carried: i64,
    /// Where the page before in time begins; `None` at the beginning of the passbook.
    pub(crate) next: Option<Mark>,
}

/// Reads the lines before a mark, or the newest: one walk, unless a line is longer than it.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub(crate) fn sheet(
    store: &Store,
    opened: &Opened,
    after: Option<Mark>,
    lines_max: usize,
) -> Result<Sheet, Fault> {
    let mut limit = WALK_AT_FIRST;
    loop {
        let walked = walk_from(store, opened, after, limit)?;
        let enough = walked.whole || walked.lines.len() > 1 || limit >= WALK_MAX;
        if enough {
            return Ok(cut(walked, lines_max));
        }
        limit = limit.saturating_mul(8).min(WALK_MAX);
    }
}

struct Walked {
    lines: Vec<Line>,
    carried: i64,
    oldest: Seq,
    /// The walk came to the beginning of the passbook.
    whole: bool,
}

fn walk_from(
    store: &Store,
    opened: &Opened,
    after: Option<Mark>,
    limit: u32,
) -> Result<Walked, Fault> {
    let balance = after.map_or(opened.account.state().posted(), |mark| mark.carried);
    let mut rows = store.history(opened.number, after.map(|mark| mark.before), limit)?;
    let whole = u32::try_from(rows.len()).is_ok_and(|count| count < limit);
    // What came in since the account was looked up belongs to the next look.
    rows.retain(|movement| movement.seq <= opened.head());
    let found = walk(opened.number, Some(balance), &rows);
    let oldest = rows.last().map_or(Seq::NONE, |movement| movement.seq);
    let carried = found.carried.unwrap_or_default();
    Ok(Walked { lines: found.lines, carried, oldest, whole })
}

/// Keeps whole lines, at most `lines_max` of them.
fn cut(walked: Walked, lines_max: usize) -> Sheet {
    let Walked { mut lines, carried, oldest, whole } = walked;
    let end = Mark { before: oldest, carried };
    // The walk may have stopped in the middle of the last line.
    if !whole && lines.len() > 1 {
        lines.pop();
    } else if lines.len() <= lines_max {
        return Sheet { lines, carried, next: (!whole).then_some(end) };
    }
    lines.truncate(lines_max);
    let next = lines.last().map_or(end, |line| Mark {
        before: line.first,
        carried: line.balance.unwrap_or_default().saturating_sub(line.change),
    });
    Sheet { lines, carried: next.carried, next: Some(next) }
}

/// What is still announced of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// How much.
    pub(crate) amount: Amount,
    /// When it is to be decided.
    pub(crate) due_at: Option<Timestamp>,
}

/// What is announced, the newest first, and where to look on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingSheet {
    /// The lines that announced it, each expectation once.
    pub(crate) lines: Vec<Line>,
    /// What is left of each.
    pub(crate) rest: Vec<Rest>,
    /// Where the next page begins; `None` when all was found.
    pub(crate) next: Option<Mark>,
}

/// Reads what is announced, out of one wide walk.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub(crate) fn pending(
    store: &Store,
    opened: &Opened,
    after: Option<Mark>,
) -> Result<PendingSheet, Fault> {
    let walked = walk_from(store, opened, after, WALK_WIDE)?;
    let end = Mark { before: walked.oldest, carried: walked.carried };
    let mut sheet = PendingSheet::default();
    let mut left = opened.account.expected();
    // From the oldest, so that an expectation stands where it was announced first.
    let announced = walked.lines.into_iter().rev().filter(|line| line.kind == LineKind::Expected);
    for line in announced {
        let Fate::Waiting { amount, due_at } = fate(store, &line) else { continue };
        if sheet.lines.iter().any(|known| known.subject == line.subject) {
            continue;
        }
        left = left.saturating_sub(amount.minor_units());
        sheet.lines.push(line);
        sheet.rest.push(Rest { amount, due_at });
    }
    sheet.lines.reverse();
    sheet.rest.reverse();
    let all = walked.whole || (after.is_none() && left <= 0);
    sheet.next = (!all).then_some(end);
    Ok(sheet)
}

/// What is known of a line beside its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The shop of a payment.
    pub(crate) shop: Option<String>,
    /// What who knows shops says.
    pub(crate) explained: Option<Explained>,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// Learns what lines are about, with one query of our own and one call to who knows shops.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub(crate) fn tell(
    wallet: &Wallet,
    lines: &[Line],
    language: Language,
) -> Result<Vec<Told>, Fault> {
    let holds: Vec<Id<kind::Hold>> = lines.iter().filter_map(Line::hold).collect();
    let shops = if holds.is_empty() {
        BTreeMap::new()
    } else {
        wallet.store.database().read(|reader| find_shops(reader, &holds))?
    };
    // A passbook without the names of shops is better than none.
    let mut explained = wallet.explains.explain(lines, language).unwrap_or_else(|fault| {
        let error: &(dyn core::error::Error + 'static) = &fault;
        tracing::warn!(error, "lines of a passbook could not be explained");
        Vec::new()
    });
    explained.resize(lines.len(), None);
    let told = lines.iter().zip(explained).map(|(line, explained)| Told {
        shop: line.hold().and_then(|hold| shops.get(&hold)).map(ToString::to_string),
        explained,
        fate: fate(&wallet.store, line),
    });
    Ok(told.collect())
}

/// Tells what became of a line's hold or expectation; from memory.
pub(crate) fn fate(store: &Store, line: &Line) -> Fate {
    if let Some(id) = line.expectation() {
        return Fate::of_expectation(store.expectation(id).as_ref());
    }
    match line.hold() {
        Some(id) => Fate::of_hold(store.hold(id).as_ref()),
        None => Fate::None,
    }
}

/// A line and what else tells its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// The line.
    pub(crate) line: Line,
    /// The story's lines, the oldest first, this one among them. What lies more than a thousand
    /// movements away is not looked for.
    pub(crate) lines: Vec<Line>,
}

/// Finds the line at `seq` on one of the accounts, which are the member's own; `None` for a
/// movement that touches none of them, whoever's it is.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub(crate) fn story(
    store: &Store,
    accounts: Vec<Opened>,
    seq: Seq,
) -> Result<Option<(Opened, Story)>, Fault> {
    let Some(movement) = store.movements(seq, 1)?.pop() else { return Ok(None) };
    let touched = [movement.debit, movement.credit];
    let owner = accounts.into_iter().find(|opened| touched.contains(&opened.number));
    let Some(opened) = owner else { return Ok(None) };
    let mut lines = walk_from(store, &opened, None, WALK_WIDE)?.lines;
    if !lines.iter().any(|line| line.holds(seq)) {
        // Long ago: walk on from there. The balance after it is not known then.
        let mut rows = vec![movement];
        rows.extend(store.history(opened.number, Some(seq), WALK_WIDE)?);
        lines.extend(walk(opened.number, None, &rows).lines);
    }
    let Some(line) = lines.iter().find(|line| line.holds(seq)).cloned() else { return Ok(None) };
    Ok(Some((opened, Story { lines: story_of(&line, &lines), line })))
}
