//! A checkpoint under way: what is left to write, handed out in pieces that ride along with groups.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashSet;

use crate::checkpoint::{self, PAGE_ACCOUNTS, Piece, Position};
use crate::ids::{Entry, Filter, Frozen, Run, pages_of};
use crate::submission::Reply;
use crate::{Connection, Fault, Value};
use ledger::{Book, ExpectationState, HoldState, Movement, Seq};
use vocabulary::Id;

/// What changed since the last checkpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty {
    pages: Pages,
    holds: HashSet<u128>,
    expectations: HashSet<u128>,
    pub(crate) movements: u64,
}

/// A set of page numbers, one bit each.
#[derive(Clone, Debug, Default)]
struct Pages(Vec<u64>);

impl Pages {
    fn insert(&mut self, page: u32) {
        let word = usize::try_from(page >> 6).unwrap_or(usize::MAX);
        if self.0.len() <= word {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (page & 63);
        }
    }

    fn pages(&self) -> VecDeque<u32> {
        let mut pages = VecDeque::new();
        for (first, &word) in (0_u32..).step_by(64).zip(&self.0) {
            pages.extend(
                (0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| first.saturating_add(bit)),
            );
        }
        pages
    }
}

impl Dirty {
    pub(crate) fn note(&mut self, movements: &[Movement]) {
        for movement in movements {
            self.pages.insert(page_of(movement.debit.get()));
            self.pages.insert(page_of(movement.credit.get()));
            if let Some(subject) = movement.subject {
                if movement.kind.concerns_hold() {
                    self.holds.insert(subject);
                } else if movement.kind.concerns_expectation() {
                    self.expectations.insert(subject);
                }
            }
        }
        self.movements = self.movements.saturating_add(u64::try_from(movements.len()).unwrap_or(0));
    }

    pub(crate) fn note_accounts(&mut self, first: u32, count: u32) {
        if count > 0 {
            let last = first.saturating_add(count).saturating_sub(1);
            for page in page_of(first)..=page_of(last) {
                self.pages.insert(page);
            }
        }
    }

    fn absorb(&mut self, other: Self) {
        for page in other.pages.pages() {
            self.pages.insert(page);
        }
        self.holds.extend(other.holds);
        self.expectations.extend(other.expectations);
        self.movements = self.movements.saturating_add(other.movements);
    }
}

const fn page_of(account: u32) -> u32 {
    account >> PAGE_ACCOUNTS.trailing_zeros()
}

/// A run of ids as a thread of its own has built it.
pub(crate) struct BuiltRun {
    pub(crate) run: Run,
    pub(crate) merged: Vec<u64>,
    pub(crate) pieces: Vec<Piece>,
}

/// A checkpoint under way.
pub(crate) struct Cycle {
    position: Position,
    dirty: Dirty,
    pages: VecDeque<u32>,
    holds: Vec<u128>,
    expectations: Vec<u128>,
    pieces: VecDeque<Piece>,
    run: Building,
    handed_out_all: bool,
    replies: Vec<Reply<()>>,
}

enum Building {
    Nothing,
    UnderWay,
    Built(Run, Vec<u64>),
}

impl core::fmt::Debug for Cycle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cycle").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Cycle {
    /// Starts one as of `position`, which must be durable, with all that is dirty by then.
    pub(crate) fn start(position: Position, dirty: Dirty, builds_run: bool) -> Self {
        let pages = dirty.pages.pages();
        let holds = dirty.holds.iter().copied().collect();
        let expectations = dirty.expectations.iter().copied().collect();
        let run = if builds_run { Building::UnderWay } else { Building::Nothing };
        Self {
            position,
            dirty,
            pages,
            holds,
            expectations,
            pieces: VecDeque::new(),
            run,
            handed_out_all: false,
            replies: Vec::new(),
        }
    }

    pub(crate) fn when_done(&mut self, reply: Reply<()>) {
        self.replies.push(reply);
    }

    pub(crate) fn take_run(&mut self, built: BuiltRun) {
        self.pieces.extend(built.pieces);
        self.run = Building::Built(built.run, built.merged);
    }

    /// Gives pieces of about `budget` bytes, as the book stands. They must be committed with, or
    /// after, everything the book has by now.
    pub(crate) fn next_pieces(&mut self, book: &Book, budget: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut size = 0_usize;
        while size < budget && !self.handed_out_all {
            let Some(piece) = self.next_piece(book) else { break };
            size = size.saturating_add(piece.size());
            pieces.push(piece);
        }
        pieces
    }

    fn next_piece(&mut self, book: &Book) -> Option<Piece> {
        if let Some(page) = self.pages.pop_front() {
            return Some(Piece::Page { page, content: page_content(book, page) });
        }
        if !self.holds.is_empty() || !self.expectations.is_empty() {
            return Some(self.subjects(book));
        }
        if let Some(piece) = self.pieces.pop_front() {
            return Some(piece);
        }
        match self.run {
            Building::UnderWay => None,
            Building::Nothing | Building::Built(..) => {
                self.handed_out_all = true;
                Some(Piece::Done(self.position))
            }
        }
    }

    fn subjects(&mut self, book: &Book) -> Piece {
        const AT_ONCE: usize = 2_000;
        let mut open = Vec::new();
        let mut ended_holds = Vec::new();
        let mut ended_expectations = Vec::new();
        for _ in 0..AT_ONCE {
            let Some(id) = self.holds.pop() else { break };
            match book.hold(Id::from_bits(id)) {
                Some(hold) if hold.state == HoldState::Open => {
                    open.push(checkpoint::hold_row(id, hold));
                }
                Some(_) | None => ended_holds.push(Value::from(id.to_be_bytes())),
            }
        }
        for _ in 0..AT_ONCE {
            let Some(id) = self.expectations.pop() else { break };
            match book.expectation(Id::from_bits(id)) {
                Some(expected) if expected.state == ExpectationState::Open => {
                    open.push(checkpoint::expectation_row(id, expected));
                }
                Some(_) | None => ended_expectations.push(Value::from(id.to_be_bytes())),
            }
        }
        Piece::Subjects { open, ended_holds, ended_expectations }
    }

    /// Whether the last piece was handed out; the cycle is done once that is durable.
    pub(crate) const fn handed_out_all(&self) -> bool {
        self.handed_out_all
    }

    /// Whether there is something to hand out now.
    pub(crate) fn has_pieces(&self) -> bool {
        !self.handed_out_all
            && (!matches!(self.run, Building::UnderWay)
                || !self.pages.is_empty()
                || !self.holds.is_empty()
                || !self.expectations.is_empty()
                || !self.pieces.is_empty())
    }

    /// Ends a cycle whose last piece is durable; gives its run of ids and up to where it reaches.
    pub(crate) fn finish(self) -> (Option<(Run, Vec<u64>)>, Seq) {
        for reply in self.replies {
            reply(Ok(()));
        }
        let run = match self.run {
            Building::Built(run, merged) => Some((run, merged)),
            Building::Nothing | Building::UnderWay => None,
        };
        (run, self.position.seq)
    }

    /// Gives a cycle up: all it took is dirty again.
    pub(crate) fn give_up(self, dirty: &mut Dirty, fault: &Fault) {
        dirty.absorb(self.dirty);
        for reply in self.replies {
            reply(Err(fault.again()));
        }
    }
}

fn page_content(book: &Book, page: u32) -> Vec<u8> {
    let first = usize::try_from(page.saturating_mul(PAGE_ACCOUNTS)).unwrap_or(usize::MAX);
    let many = usize::try_from(PAGE_ACCOUNTS).unwrap_or(usize::MAX);
    let accounts = book.accounts().get(first..).unwrap_or_default();
    let (page, _rest) = accounts.split_at(many.min(accounts.len()));
    checkpoint::encode_page(page)
}

/// Sorts the frozen ids, merges the runs named, and cuts the result into pieces. Runs on a thread
/// of its own.
///
/// # Errors
///
/// A [`Fault`] when a run to merge cannot be read.
pub(crate) fn build_run(
    frozen: &Arc<Frozen>,
    number: u64,
    merged: &[(u64, usize)],
    connection: &mut Connection,
) -> Result<BuiltRun, Fault> {
    let mut entries: Vec<Entry> = frozen.iter().copied().collect();
    for &(run, ids) in merged {
        entries.extend(checkpoint::read_run(&mut connection.reader()?, run, ids)?);
    }
    let merged: Vec<u64> = merged.iter().map(|(run, _)| *run).collect();
    entries.sort_unstable();
    entries.dedup();
    let mut filter = Filter::new(entries.len());
    for entry in &entries {
        filter.insert(entry.fingerprint);
    }
    let pages = pages_of(&entries);
    let heads: Vec<u64> = pages.iter().map(|(first, _)| *first).collect();
    let rows: Vec<[Value; 3]> = (0_u64..)
        .zip(pages)
        .map(|(page, (first, content))| {
            [
                Value::from(checkpoint::page_key(number, page)),
                Value::from(first),
                Value::from(content),
            ]
        })
        .collect();
    let mut pieces: Vec<Piece> =
        rows.chunks(16).map(|chunk| Piece::IdPages(chunk.to_vec())).collect();
    let row = [
        Value::from(number),
        Value::from(u64::try_from(entries.len()).unwrap_or(0)),
        Value::from(u64::try_from(heads.len()).unwrap_or(0)),
        Value::from(filter.to_bytes()),
    ];
    pieces.push(Piece::Run { row, merged: merged.clone() });
    let run = Run { number, ids: entries.len(), pages: heads, filter };
    Ok(BuiltRun { run, merged, pieces })
}
