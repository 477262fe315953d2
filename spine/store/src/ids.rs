//! Which ids were used, for ever, without an index on random values.
//!
//! An id becomes a fingerprint of 64 bits that leads to a seq; the row at that seq decides whether
//! it is the same id. New fingerprints live in a hash table; at a checkpoint they are sorted into a
//! run, which the database keeps in pages. A filter in memory tells, for one id in a hundred
//! wrongly, whether a run has a fingerprint at all. So a new id costs a few lookups in memory,
//! whatever its value, and an old one a page and a row.

use std::sync::Arc;

use hashbrown::HashTable;

use ledger::{Movement, MovementKind, Seq};
use vocabulary::{CompanyNumber, Id, kind};

/// What an id is of; ids of two kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// A batch, by the company that chose the id.
    Batch(CompanyNumber, Id<kind::Batch>),
    /// A batch that was reversed.
    Reversed(CompanyNumber, Id<kind::Batch>),
    /// A hold.
    Hold(Id<kind::Hold>),
    /// An expectation.
    Expectation(Id<kind::Expectation>),
}

impl Key {
    /// Whether this row is what the key looks for.
    pub(crate) fn is(self, movement: &Movement) -> bool {
        match self {
            Self::Batch(company, id) => {
                movement.digest.is_some()
                    && movement.batch == id
                    && movement.actor.company() == company
            }
            Self::Reversed(company, id) => {
                movement.kind == MovementKind::Reversal
                    && movement.subject == Some(id.bits())
                    && movement.actor.company() == company
            }
            Self::Hold(id) => {
                movement.kind == MovementKind::Hold && movement.subject == Some(id.bits())
            }
            Self::Expectation(id) => {
                movement.kind == MovementKind::Announcement && movement.subject == Some(id.bits())
            }
        }
    }

    /// The keys that a movement uses up.
    pub(crate) fn of(movement: &Movement) -> [Option<Self>; 2] {
        let company = movement.actor.company();
        let batch = movement.digest.map(|_| Self::Batch(company, movement.batch));
        let subject = movement.subject.unwrap_or(0);
        let other = match movement.kind {
            MovementKind::Hold => Some(Self::Hold(Id::from_bits(subject))),
            MovementKind::Announcement => Some(Self::Expectation(Id::from_bits(subject))),
            MovementKind::Reversal => Some(Self::Reversed(company, Id::from_bits(subject))),
            MovementKind::Transfer
            | MovementKind::Grant
            | MovementKind::Redemption
            | MovementKind::Exchange
            | MovementKind::Payout
            | MovementKind::TopUp
            | MovementKind::Adjustment
            | MovementKind::Expiry
            | MovementKind::Shortfall
            | MovementKind::Capture
            | MovementKind::CaptureBeyond
            | MovementKind::Release
            | MovementKind::Void
            | MovementKind::HoldExpiry
            | MovementKind::Retraction
            | MovementKind::Fulfilment
            | MovementKind::Freeze
            | MovementKind::Thaw
            | MovementKind::Close
            | MovementKind::Touch => None,
        };
        [batch, other]
    }
}

/// A fingerprint and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) fingerprint: u64,
    pub(crate) seq: Seq,
}

/// Fingerprints a page holds: 8 KiB.
pub(crate) const PAGE_ENTRIES: usize = 512;
/// Ids a run may reach by merging: 256 MiB of entries while it is merged.
const RUN_MAX: usize = 16_000_000;

/// Recent ids that are being made a run of.
pub(crate) type Frozen = HashTable<Entry>;

/// The fingerprints known, newest first in memory.
#[derive(Debug)]
pub(crate) struct Ids {
    secret: [u64; 2],
    recent: HashTable<Entry>,
    /// The recent ones as of a checkpoint under way.
    frozen: Arc<Frozen>,
    runs: Vec<Run>,
}

/// A sorted run in the database, and what memory keeps of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) ids: usize,
    /// The first fingerprint of each page.
    pub(crate) pages: Vec<u64>,
    pub(crate) filter: Filter,
}

impl Ids {
    /// Starts with what the database keeps. The secret keeps callers from choosing ids that
    /// collide.
    pub(crate) fn new(secret: [u64; 2], runs: Vec<Run>) -> Self {
        Self { secret, recent: HashTable::new(), frozen: Arc::default(), runs }
    }

    pub(crate) fn fingerprint(&self, key: Key) -> u64 {
        let (tag, company, bits) = match key {
            Key::Batch(company, id) => (1, company.get(), id.bits()),
            Key::Reversed(company, id) => (2, company.get(), id.bits()),
            Key::Hold(id) => (3, 0, id.bits()),
            Key::Expectation(id) => (4, 0, id.bits()),
        };
        let [first, second] = self.secret;
        let high = u64::try_from(bits >> 64).unwrap_or(0);
        let low = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        let salt = (u64::from(company) << 8) | tag;
        let mixed = fold(high ^ first, low ^ second);
        fold(mixed ^ salt, second.rotate_left(17) ^ first)
    }

    /// Remembers where the keys of a movement lead.
    pub(crate) fn insert(&mut self, movement: &Movement) {
        for key in Key::of(movement).into_iter().flatten() {
            let entry = Entry { fingerprint: self.fingerprint(key), seq: movement.seq };
            self.recent.insert_unique(entry.fingerprint, entry, |entry| entry.fingerprint);
        }
    }

    /// Forgets a movement that did not come to be.
    pub(crate) fn remove(&mut self, movement: &Movement) {
        for key in Key::of(movement).into_iter().flatten() {
            let fingerprint = self.fingerprint(key);
            let found = self.recent.find_entry(fingerprint, |entry| {
                entry.fingerprint == fingerprint && entry.seq == movement.seq
            });
            if let Ok(found) = found {
                found.remove();
            }
        }
    }

    /// Gives the seqs that memory knows for a fingerprint.
    pub(crate) fn in_memory(&self, fingerprint: u64) -> impl Iterator<Item = Seq> {
        self.recent
            .iter_hash(fingerprint)
            .chain(self.frozen.iter_hash(fingerprint))
            .filter(move |entry| entry.fingerprint == fingerprint)
            .map(|entry| entry.seq)
    }

    /// Gives the pages (run, page) that may have a fingerprint; nearly always none for a new id.
    pub(crate) fn on_disk(&self, fingerprint: u64) -> impl Iterator<Item = (u64, u64)> {
        self.runs.iter().filter(move |run| run.filter.may_have(fingerprint)).flat_map(move |run| {
            // Equal fingerprints may lie on both sides of a page's end.
            let end = run.pages.partition_point(|&first| first <= fingerprint);
            let start = run.pages.partition_point(|&first| first < fingerprint).saturating_sub(1);
            let number = run.number;
            (start..end).map(move |page| (number, u64::try_from(page).unwrap_or(u64::MAX)))
        })
    }

    /// How many ids only memory knows.
    pub(crate) fn recent_count(&self) -> usize {
        self.recent.len().saturating_add(self.frozen.len())
    }

    /// Sets the recent ids apart to become a run; all of them must be durable.
    pub(crate) fn freeze(&mut self) -> Arc<Frozen> {
        let mut table = core::mem::take(&mut self.recent);
        for &entry in self.frozen.iter() {
            table.insert_unique(entry.fingerprint, entry, |entry| entry.fingerprint);
        }
        self.frozen = Arc::new(table);
        Arc::clone(&self.frozen)
    }

    /// Takes in the runs as the database has them now; another process may have merged some.
    pub(crate) fn replace_runs(&mut self, runs: Vec<Run>) {
        self.runs = runs;
    }

    /// The newest runs that a run of `count` ids should take in, so that sizes stay apart by
    /// factors.
    pub(crate) fn to_merge(&self, count: usize) -> Vec<(u64, usize)> {
        let mut sum = count;
        let mut merged = Vec::new();
        for run in self.runs.iter().rev() {
            if run.ids > sum.saturating_mul(2) || sum.saturating_add(run.ids) > RUN_MAX {
                break;
            }
            sum = sum.saturating_add(run.ids);
            merged.push((run.number, run.ids));
        }
        merged
    }

    /// Takes in a run that the database has now; what was frozen and what it merged is in it.
    pub(crate) fn adopt(&mut self, run: Run, merged: &[u64]) {
        self.runs.retain(|old| !merged.contains(&old.number));
        self.runs.push(run);
        self.frozen = Arc::default();
    }
}

/// Multiplies 64 by 64 bits and folds the halves.
fn fold(one: u64, two: u64) -> u64 {
    let product = u128::from(one).wrapping_mul(u128::from(two | 1));
    let high = u64::try_from(product >> 64).unwrap_or(0);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
    high ^ low ^ one.rotate_left(32)
}

/// A Bloom filter in blocks of one cache line: 12 bits an id, 6 of them set, about one wrong in a
/// hundred.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    words: Vec<u64>,
}

const WORDS_A_BLOCK: usize = 8;

impl Filter {
    pub(crate) fn new(ids: usize) -> Self {
        let blocks = ids.saturating_mul(12).div_ceil(512).max(1);
        Self { words: vec![0; blocks.saturating_mul(WORDS_A_BLOCK)] }
    }

    pub(crate) fn insert(&mut self, fingerprint: u64) {
        let start = self.block(fingerprint);
        for (word, bit) in bits(fingerprint) {
            if let Some(word) = self.words.get_mut(start.saturating_add(word)) {
                *word |= bit;
            }
        }
    }

    pub(crate) fn may_have(&self, fingerprint: u64) -> bool {
        let start = self.block(fingerprint);
        bits(fingerprint).all(|(word, bit)| {
            self.words.get(start.saturating_add(word)).is_some_and(|word| word & bit != 0)
        })
    }

    /// The fingerprint's place among the blocks, by its upper bits.
    fn block(&self, fingerprint: u64) -> usize {
        let blocks = self.words.len().checked_div(WORDS_A_BLOCK).unwrap_or(1);
        let place = u128::from(fingerprint)
            .wrapping_mul(u128::try_from(blocks).unwrap_or(1))
            .wrapping_shr(64);
        usize::try_from(place).unwrap_or(0).saturating_mul(WORDS_A_BLOCK)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let whole =
            rest.is_empty() && !words.is_empty() && words.len().is_multiple_of(WORDS_A_BLOCK);
        whole.then(|| Self { words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }
}

/// Six bits of a block, nine bits of a remixed fingerprint each.
fn bits(fingerprint: u64) -> impl Iterator<Item = (usize, u64)> {
    let mixed = fingerprint.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0_u32..6).map(move |turn| {
        let nine = mixed.wrapping_shr(turn.wrapping_mul(9)) & 511;
        (usize::try_from(nine >> 6).unwrap_or(0), 1_u64 << (nine & 63))
    })
}

/// Cuts sorted entries into the pages of a run.
pub(crate) fn pages_of(entries: &[Entry]) -> Vec<(u64, Vec<u8>)> {
    entries
        .chunks(PAGE_ENTRIES)
        .map(|page| {
            let first = page.first().map_or(0, |entry| entry.fingerprint);
            let content = page
                .iter()
                .flat_map(|entry| [entry.fingerprint, entry.seq.get()])
                .flat_map(u64::to_le_bytes)
                .collect();
            (first, content)
        })
        .collect()
}

/// Reads a page of a run; `None` when it is damaged.
pub(crate) fn entries_of(content: &[u8]) -> Option<Vec<Entry>> {
    let (words, rest) = content.as_chunks::<8>();
    let (pairs, odd) = words.as_chunks::<2>();
    let whole = rest.is_empty() && odd.is_empty();
    whole.then(|| {
        pairs
            .iter()
            .map(|[fingerprint, seq]| Entry {
                fingerprint: u64::from_le_bytes(*fingerprint),
                seq: Seq::new(u64::from_le_bytes(*seq)),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use vocabulary::SeededIds;

    use super::*;

    #[test]
    fn a_filter_knows_what_it_has_and_little_else() {
        let mut chance = SeededIds::new(3);
        let known: Vec<u64> = (0..10_000).map(|_| chance.next_u64()).collect();
        let mut filter = Filter::new(known.len());
        for &fingerprint in &known {
            filter.insert(fingerprint);
        }
        let filter = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert!(known.iter().all(|&fingerprint| filter.may_have(fingerprint)));
        let wrong = (0..100_000).filter(|_| filter.may_have(chance.next_u64())).count();
        assert!(wrong < 2_000, "{wrong} of 100,000 found wrongly");
    }

    #[test]
    fn a_page_comes_back() {
        let entries: Vec<Entry> =
            (0..1_000).map(|n| Entry { fingerprint: n * 7, seq: Seq::new(n) }).collect();
        let pages = pages_of(&entries);
        assert_eq!(pages.len(), 2);
        assert_eq!(pages[1].0, 512 * 7);
        let back: Vec<Entry> =
            pages.iter().flat_map(|(_, content)| entries_of(content).unwrap()).collect();
        assert_eq!(back, entries);
        assert_eq!(entries_of(&pages[0].1[1..]), None);
    }

    #[test]
    fn ids_of_two_companies_do_not_meet() {
        let ids = Ids::new([1, 2], Vec::new());
        let id = Id::from_bits(9);
        let one = ids.fingerprint(Key::Batch(CompanyNumber::new(1), id));
        let two = ids.fingerprint(Key::Batch(CompanyNumber::new(2), id));
        assert_ne!(one, two);
    }
}
