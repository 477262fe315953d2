//! What the journal is asked about ids, for a whole group at once.

use std::collections::HashMap;

use crate::command::Recall;
use crate::ids::{Ids, Key};
use crate::{Fault, FaultKind, Reader, checkpoint, journal};
use ledger::{Batch, Book, Memory, Movement, Original, Seq, Step};
use vocabulary::{CompanyNumber, Id, kind};

/// Rows of the database that the decisions of a group may need.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    rows: HashMap<Seq, Movement>,
    on_disk: HashMap<u64, Vec<Seq>>,
}

impl Recalled {
    pub(crate) fn row(&self, seq: Seq) -> Option<&Movement> {
        self.rows.get(&seq)
    }

    pub(crate) fn on_disk(&self, fingerprint: u64) -> &[Seq] {
        self.on_disk.get(&fingerprint).map_or(&[], Vec::as_slice)
    }
}

impl Recall {
    /// Notes what deciding a batch will ask.
    pub(crate) fn note(&mut self, batch: &Batch) {
        let company = batch.actor.company();
        self.batch(company, batch.id);
        for step in batch.steps.as_slice() {
            match *step {
                Step::Transfer(_)
                | Step::ExpireLots { .. }
                | Step::ExpireInactive { .. }
                | Step::Freeze { .. }
                | Step::Thaw { .. }
                | Step::Close { .. }
                | Step::Touch { .. } => {}
                Step::Hold { id, .. } => self.hold(id),
                Step::IncreaseHold { hold, .. }
                | Step::Capture { hold, .. }
                | Step::Void { hold, .. }
                | Step::ExpireHold { hold } => self.hold(hold),
                Step::Announce { id, .. } => self.expectation(id),
                Step::ChangeExpectation { expectation, .. }
                | Step::GrantExpectation { expectation, .. } => self.expectation(expectation),
                Step::Reverse { original, .. } => self.original(company, original),
            }
        }
    }

    fn keys(&self, book: &Book) -> Vec<Key> {
        let mut keys = Vec::with_capacity(self.batches.len());
        keys.extend(self.batches.iter().map(|&(company, id)| Key::Batch(company, id)));
        for &(company, id) in &self.originals {
            keys.extend([Key::Batch(company, id), Key::Reversed(company, id)]);
        }
        // What the book remembers needs no journal.
        let holds = self.holds.iter().filter(|id| book.hold(**id).is_none());
        keys.extend(holds.map(|&id| Key::Hold(id)));
        let expectations = self.expectations.iter().filter(|id| book.expectation(**id).is_none());
        keys.extend(expectations.map(|&id| Key::Expectation(id)));
        keys
    }
}

/// Candidates for the keys of a group: where memory and the filters of the runs point.
struct Candidates {
    keys: Vec<(Key, u64)>,
    pages: Vec<u64>,
    seqs: Vec<Seq>,
}

/// Looks for keys in memory; gives those that memory or a filter may know. Nearly always none.
fn candidates(ids: &Ids, keys: Vec<Key>, durable: Seq) -> Candidates {
    let mut found = Candidates { keys: Vec::new(), pages: Vec::new(), seqs: Vec::new() };
    for key in keys {
        let fingerprint = ids.fingerprint(key);
        let before = (found.pages.len(), found.seqs.len());
        found.seqs.extend(ids.in_memory(fingerprint).filter(|&seq| seq <= durable));
        found
            .pages
            .extend(ids.on_disk(fingerprint).map(|(run, page)| checkpoint::page_key(run, page)));
        if before != (found.pages.len(), found.seqs.len()) {
            found.keys.push((key, fingerprint));
        }
    }
    found.pages.sort_unstable();
    found.pages.dedup();
    found
}

/// Reads, with a fixed number of statements, the rows that a group's decisions may ask for: used
/// ids, the rows of batches that come again or are reversed, and holds and expectations that ended
/// long ago, which the book takes in again.
///
/// # Errors
///
/// [`FaultKind::Corrupt`] with the name `page of ids is missing` when another process merged its
/// run; the runs are then to be loaded anew. Or another [`Fault`].
pub(crate) fn recall(
    reader: &mut Reader<'_>,
    ids: &Ids,
    book: &Book,
    wanted: &Recall,
    durable: Seq,
) -> Result<(Recalled, Vec<Revival>), Fault> {
    let mut recalled = Recalled::default();
    let found = candidates(ids, wanted.keys(book), durable);
    if found.keys.is_empty() {
        return Ok((recalled, Vec::new()));
    }
    let mut seqs = found.seqs;
    if !found.pages.is_empty() {
        let entries = checkpoint::read_id_pages(reader, &found.pages)?;
        let wanted: std::collections::HashSet<u64> =
            found.keys.iter().map(|&(_, fingerprint)| fingerprint).collect();
        for entry in entries.into_iter().filter(|entry| wanted.contains(&entry.fingerprint)) {
            recalled.on_disk.entry(entry.fingerprint).or_default().push(entry.seq);
            seqs.push(entry.seq);
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    add_rows(reader, &mut recalled, &seqs, durable)?;
    let mut revivals = Vec::new();
    for (key, fingerprint) in found.keys {
        let seqs = ids.in_memory(fingerprint).chain(recalled.on_disk(fingerprint).iter().copied());
        let first = seqs
            .filter_map(|seq| recalled.row(seq))
            .filter(|movement| key.is(movement))
            .min_by_key(|movement| movement.seq);
        match (key, first) {
            (Key::Hold(_) | Key::Expectation(_), Some(first)) => {
                revivals.push(Revival { key, first: *first });
            }
            (Key::Batch(..), Some(_)) | (Key::Reversed(..), _) | (_, None) => {}
        }
    }
    Ok((recalled, revivals))
}

/// Reads the candidates' rows, and behind each that starts a batch the rest of that batch: rows of
/// a batch are neighbours, so four more rows are read, then sixteen, and so on until the next batch
/// starts.
fn add_rows(
    reader: &mut Reader<'_>,
    recalled: &mut Recalled,
    seqs: &[Seq],
    durable: Seq,
) -> Result<(), Fault> {
    let mut missing: Vec<Seq> = seqs.to_vec();
    let mut more = 4_u64;
    while !missing.is_empty() {
        let rows = journal::read_movements(reader, &missing)?;
        recalled.rows.extend(rows.into_iter().map(|movement| (movement.seq, movement)));
        missing.clear();
        for &seq in seqs {
            if recalled.row(seq).is_some_and(|first| first.digest.is_some()) {
                missing.extend(recalled.rest_of_batch(seq, more, durable));
            }
        }
        missing.sort_unstable();
        missing.dedup();
        more = more.saturating_mul(4);
    }
    Ok(())
}

impl Recalled {
    /// Gives the next seqs to read of a batch whose end is not known yet.
    fn rest_of_batch(
        &self,
        first: Seq,
        more: u64,
        durable: Seq,
    ) -> impl Iterator<Item = Seq> + use<> {
        let mut next = first.next();
        let mut ended = false;
        while next <= durable
            && let Some(row) = self.row(next)
        {
            if row.digest.is_some() {
                ended = true;
                break;
            }
            next = next.next();
        }
        let count = if ended { 0 } else { more };
        (0..count)
            .map(move |step| Seq::new(next.get().saturating_add(step)))
            .take_while(move |&seq| seq <= durable)
    }
}

/// A hold or expectation that ended long ago and is asked about.
pub(crate) struct Revival {
    key: Key,
    first: Movement,
}

/// Takes a hold or expectation that ended long ago into the book again, from the chain of its
/// account.
pub(crate) fn revive(
    reader: &mut Reader<'_>,
    book: &mut Book,
    revival: &Revival,
    durable: Seq,
) -> Result<(), Fault> {
    let (account, subject) = match revival.key {
        Key::Hold(id) => (revival.first.debit, id.bits()),
        Key::Expectation(id) => (revival.first.credit, id.bits()),
        Key::Batch(..) | Key::Reversed(..) => return Ok(()),
    };
    let Some(head) = book.account(account).map(|account| account.state().head()) else {
        return Ok(());
    };
    let mut movements = Vec::new();
    let mut next = head;
    while next >= revival.first.seq && next <= durable {
        let rows = journal::walk(reader, account, next, 1_000)?;
        let Some(last) = rows.last() else { break };
        next = journal::previous(last, account);
        movements.extend(rows.into_iter().filter(|movement| movement.subject == Some(subject)));
    }
    movements.reverse();
    match revival.key {
        Key::Hold(id) => {
            movements.retain(|movement| movement.kind.concerns_hold());
            if let Some(hold) = Book::rebuild_hold(id, &movements) {
                book.restore_hold(id, hold);
            }
        }
        Key::Expectation(id) => {
            if let Some(expected) = Book::rebuild_expectation(id, &movements) {
                book.restore_expectation(id, expected);
            }
        }
        Key::Batch(..) | Key::Reversed(..) => {}
    }
    Ok(())
}

/// What the ledger asks while it decides one batch, looked up before.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) holds: Vec<Id<kind::Hold>>,
    pub(crate) expectations: Vec<Id<kind::Expectation>>,
    pub(crate) originals: Vec<(Id<kind::Batch>, Original)>,
}

impl Memory for Known {
    fn hold_was_used(&self, id: Id<kind::Hold>) -> bool {
        self.holds.contains(&id)
    }

    fn expectation_was_used(&self, id: Id<kind::Expectation>) -> bool {
        self.expectations.contains(&id)
    }

    fn original(&self, id: Id<kind::Batch>) -> Option<Original> {
        self.originals.iter().find(|(other, _)| *other == id).map(|(_, original)| original.clone())
    }
}

/// The movements that a decision can see: in the journal, on the way there, and decided just now.
pub(crate) struct Sight<'a> {
    pub(crate) ids: &'a Ids,
    pub(crate) recalled: &'a Recalled,
    /// Groups that are on their way into the journal, in order.
    pub(crate) flights: &'a [&'a [Movement]],
    /// What is decided just now.
    pub(crate) current: &'a [Movement],
}

impl Sight<'_> {
    fn row(&self, seq: Seq) -> Option<&Movement> {
        for rows in self.flights.iter().copied().chain([self.current]) {
            if let Some(first) = rows.first()
                && seq >= first.seq
            {
                let place = usize::try_from(seq.get().saturating_sub(first.seq.get())).ok()?;
                if let Some(row) = rows.get(place) {
                    return Some(row);
                }
            }
        }
        self.recalled.row(seq)
    }

    /// Finds the first movement that used up a key.
    pub(crate) fn find(&self, key: Key) -> Option<&Movement> {
        let fingerprint = self.ids.fingerprint(key);
        let on_disk = self.recalled.on_disk(fingerprint).iter().copied();
        self.ids
            .in_memory(fingerprint)
            .chain(on_disk)
            .filter_map(|seq| self.row(seq))
            .filter(|movement| key.is(movement))
            .min_by_key(|movement| movement.seq)
    }

    /// Gives the movements of the batch that starts at a movement.
    pub(crate) fn batch_of(&self, first: &Movement) -> Vec<Movement> {
        let mut rows = vec![*first];
        let mut next = first.seq.next();
        while let Some(row) = self.row(next)
            && row.digest.is_none()
        {
            rows.push(*row);
            next = next.next();
        }
        rows
    }

    /// Looks up what the ledger will ask about one batch.
    pub(crate) fn known(&self, batch: &Batch, company: CompanyNumber) -> Known {
        let mut known = Known::default();
        for step in batch.steps.as_slice() {
            match *step {
                Step::Hold { id, .. } => {
                    if self.find(Key::Hold(id)).is_some() {
                        known.holds.push(id);
                    }
                }
                Step::Announce { id, .. } => {
                    if self.find(Key::Expectation(id)).is_some() {
                        known.expectations.push(id);
                    }
                }
                Step::Reverse { original, .. } => {
                    if let Some(first) = self.find(Key::Batch(company, original)) {
                        let movements = self.batch_of(first);
                        let reversed = self.find(Key::Reversed(company, original)).is_some();
                        known.originals.push((original, Original { movements, reversed }));
                    }
                }
                Step::Transfer(_)
                | Step::IncreaseHold { .. }
                | Step::Capture { .. }
                | Step::Void { .. }
                | Step::ExpireHold { .. }
                | Step::ChangeExpectation { .. }
                | Step::GrantExpectation { .. }
                | Step::ExpireLots { .. }
                | Step::ExpireInactive { .. }
                | Step::Freeze { .. }
                | Step::Thaw { .. }
                | Step::Close { .. }
                | Step::Touch { .. } => {}
            }
        }
        known
    }
}

/// Whether a fault says that the runs of ids in memory are out of date.
pub(crate) fn runs_are_stale(fault: &Fault) -> bool {
    fault.kind() == FaultKind::Corrupt
}
