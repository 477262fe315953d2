//! The audit trail: what was done, by whom, and what was refused; append-only, chained by hashes.
//!
//! Each entry is written in the transaction of what it records. Its hash covers the hash before it
//! and the entry itself, so that a row that somebody changes, removes or slips in does not fit any
//! more, and [`verify`] names it. What is cut off the end is found by comparing with a [`Head`]
//! kept elsewhere.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::{authorized::Authenticated, store::statement};
use ledger::ActorNumber;
use store::{Fault, Reader, Row, Tx, Value};
use vocabulary::{CompanyNumber, Id, Kind, Reference, Timestamp, kind};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        [Self::Done, Self::Refused].into_iter().find(|outcome| outcome.code() == code)
    }
}

/// One thing that somebody did or was refused. It holds ids and codes, never personal particulars:
/// it cannot be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: ActorNumber,
    /// The company whose matter it is.
    pub company: CompanyNumber,
    /// What, as `noun.verb` of at most 64 characters.
    pub action: String,
    /// What it was done to: an id or another reference, at most 120 characters.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl AuditEntry {
    /// Records that `by` did `action`, in their own company, to nothing in particular.
    pub fn done(at: Timestamp, by: &Authenticated, action: &'static str) -> Self {
        Self {
            at,
            actor: by.actor(),
            company: by.company(),
            action: action.to_owned(),
            subject: String::new(),
            outcome: Outcome::Done,
            request: None,
        }
    }

    /// Says that it was refused.
    pub const fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }

    /// Says whose matter it is.
    pub const fn of(mut self, company: CompanyNumber) -> Self {
        self.company = company;
        self
    }

    /// Says what it was done to.
    pub fn about<K: Kind>(mut self, id: Id<K>) -> Self {
        self.subject = id.to_string();
        self
    }

    /// Says what it was done to, where that has no id of ours.
    pub fn about_reference(mut self, reference: &Reference) -> Self {
        reference.as_str().clone_into(&mut self.subject);
        self
    }

    /// Says which request it came with.
    pub const fn with(mut self, request: Option<Id<kind::Request>>) -> Self {
        self.request = request;
        self
    }

    /// Hashes the hash before and all the cells; texts with their length, so that no two entries
    /// look alike.
    fn hash(&self, seq: u64, before: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"daifuku audit entry 1\0");
        hash.update(before);
        hash.update(seq.to_be_bytes());
        hash.update(self.at.as_microseconds().to_be_bytes());
        hash.update(self.actor.get().to_be_bytes());
        hash.update(self.company.get().to_be_bytes());
        for text in [self.action.as_str(), self.subject.as_str(), self.outcome.code()] {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        hash.update([u8::from(self.request.is_some())]);
        hash.update(self.request.map_or([0; 16], Id::to_bytes));
        hash.finalize().into()
    }
}

/// The end of the trail: keep one elsewhere (a log, another company's safe) to notice a cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place of the last entry, 0 for an empty trail.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Head {
    /// The end of an empty trail.
    pub const EMPTY: Self = Self { seq: 0, hash: [0; 32] };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An entry with its place and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEntry {
    /// Its place and hash.
    pub head: Head,
    /// What it says.
    pub entry: AuditEntry,
}

impl RecordedEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let entry = AuditEntry {
            at: row.timestamp(1)?,
            actor: ActorNumber::from_number(row.unsigned(2)?),
            company: row.company(3)?,
            action: row.text(4)?.to_owned(),
            subject: row.text(5)?.to_owned(),
            outcome: row.parsed(6, Outcome::parse)?,
            request: row.optional_id(7)?,
        };
        Ok(Self { head: Head { seq: row.unsigned(0)?, hash: row.digest(8)? }, entry })
    }

    fn to_row(&self) -> [Value; 9] {
        let entry = &self.entry;
        [
            i64::try_from(self.head.seq).unwrap_or(i64::MAX).into(),
            entry.at.into(),
            entry.actor.get().into(),
            entry.company.into(),
            entry.action.as_str().into(),
            entry.subject.as_str().into(),
            entry.outcome.code().into(),
            entry.request.into(),
            self.head.hash.into(),
        ]
    }
}

/// Appends entries in the transaction of what they record, and gives the new end. Call it once for
/// a slice, from [`save`](store::Command::save): the old end is read once.
///
/// # Errors
///
/// A [`Fault`]; a conflict when another node appended meanwhile, and then everything is to be
/// decided again.
pub fn append(tx: &mut Tx<'_>, entries: Vec<AuditEntry>) -> Result<Head, Fault> {
    let mut head = find_head(tx)?;
    if entries.is_empty() {
        return Ok(head);
    }
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let seq = head.seq.saturating_add(1);
        head = Head { seq, hash: entry.hash(seq, &head.hash) };
        rows.push(RecordedEntry { head, entry }.to_row());
    }
    tx.insert(&statement::ADD_AUDIT_ENTRIES, &rows)?;
    Ok(head)
}

/// Reads the end of the trail.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_head(reader: &mut Reader<'_>) -> Result<Head, Fault> {
    match reader.query_one(&statement::LAST_AUDIT_ENTRY, &[])? {
        Some(row) => Ok(Head { seq: row.unsigned(0)?, hash: row.digest(1)? }),
        None => Ok(Head::EMPTY),
    }
}

/// What [`list`] looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Everything.
    All,
    /// What is the matter of a company.
    Company(CompanyNumber),
    /// What was done to one thing, by its id's text.
    Subject(String),
}

/// Lists entries, newest first, from before a place on; at most 500.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list(
    reader: &mut Reader<'_>,
    search: &Search,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<RecordedEntry>, Fault> {
    let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let limit = limit.min(500);
    let rows = match search {
        Search::All => reader.query(&statement::LIST_AUDIT_ENTRIES, &[before.into(), limit.into()]),
        Search::Company(company) => {
            let values = [(*company).into(), before.into(), limit.into()];
            reader.query(&statement::LIST_AUDIT_ENTRIES_OF_COMPANY, &values)
        }
        Search::Subject(subject) => {
            let values = [subject.as_str().into(), before.into(), limit.into()];
            reader.query(&statement::LIST_AUDIT_ENTRIES_OF_SUBJECT, &values)
        }
    };
    rows?.iter().map(RecordedEntry::from_row).collect()
}

/// What [`verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry follows from the one before.
    Intact(Head),
    /// The first entry that does not.
    Broken {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not there.
    Missing,
    /// It, or the one before it, is not what was written; or it was slipped in.
    Changed,
}

/// Reads the whole trail and checks the chain. `known`, an end that was kept elsewhere, must be
/// part of it.
///
/// # Errors
///
/// A [`Fault`] when the database fails or a row does not decode.
pub fn verify(reader: &mut Reader<'_>, known: Option<Head>) -> Result<Verdict, Fault> {
    let mut head = Head::EMPTY;
    let mut broken = None;
    reader.for_each(&statement::SCAN_AUDIT_ENTRIES, &[], |row| {
        if broken.is_some() {
            return Ok(());
        }
        let recorded = RecordedEntry::from_row(row)?;
        let seq = head.seq.saturating_add(1);
        let forged =
            known.is_some_and(|known| known.seq == seq && known.hash != recorded.head.hash);
        if recorded.head.seq != seq {
            broken = Some(Verdict::Broken { seq, flaw: Flaw::Missing });
        } else if forged || recorded.head.hash != recorded.entry.hash(seq, &head.hash) {
            broken = Some(Verdict::Broken { seq, flaw: Flaw::Changed });
        }
        head = recorded.head;
        Ok(())
    })?;
    if let Some(broken) = broken {
        return Ok(broken);
    }
    match known {
        Some(known) if known.seq > head.seq => {
            Ok(Verdict::Broken { seq: head.seq.saturating_add(1), flaw: Flaw::Missing })
        }
        Some(_) | None => Ok(Verdict::Intact(head)),
    }
}
