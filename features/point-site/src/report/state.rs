use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::conversion::Outcome;
use crate::sheet::{RowProblem, SheetColumn};
use ledger::ActorNumber;
use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, kind};

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportState {
    /// Read and tried out; nothing is changed yet.
    Checked,
    /// Being applied; a job goes on with it.
    Applying,
    /// Applied.
    Done {
        /// When.
        done_at: Timestamp,
    },
}

impl ReportState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Applying => "applying",
            Self::Done { .. } => "done",
        }
    }
}

/// A file of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which.
    pub id: Id<kind::Report>,
    /// The company whose site it is for.
    pub company: CompanyNumber,
    /// The network it comes from.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// The file's name, as it was sent.
    pub file_name: Label,
    /// How many bytes it has.
    pub bytes: u32,
    /// In how many pieces it is kept.
    pub parts: u32,
    /// How many rows can be applied.
    pub rows: u32,
    /// How many rows cannot.
    pub errors: u32,
    /// How many rows are applied.
    pub rows_done: u32,
    /// How far it is.
    pub state: ReportState,
    /// When it was sent.
    pub uploaded_at: Timestamp,
    /// Who sent it.
    pub uploaded_by: ActorNumber,
    /// Who had it applied.
    pub applied_by: Option<ActorNumber>,
}

impl Report {
    /// Names a file of an account; the same bytes are the same report, for ever.
    pub fn id_of(network: &Token, account: &Token, digest: &[u8; 32]) -> Id<kind::Report> {
        let parts = [network.as_str().as_bytes(), account.as_str().as_bytes(), digest.as_slice()];
        natural_id("site.report", &parts)
    }

    /// Gives the SHA-256 of a file.
    pub fn digest_of(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }
}

/// How many rows had an outcome, and what they credit in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Rows.
    pub rows: u32,
    /// What is credited to members.
    pub points: Amount,
}

/// What became of one row when it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowOutcome {
    /// What became of it.
    pub outcome: Outcome,
    /// What it credited to the member.
    pub points: Amount,
    /// The version that its conversion came to; 0 when it did not change.
    pub version: u32,
}

/// What became of a row, or what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowResult {
    /// It was applied.
    Applied(RowOutcome),
    /// It can be applied, and is not yet.
    Pending,
    /// It cannot be taken; a row is there once for each thing that is wrong with it.
    Wrong(SheetColumn, RowProblem),
}

impl RowOutcome {
    /// Writes it as a line, as it is stored.
    pub(crate) fn to_line(self) -> String {
        format!("{} {} {}", self.outcome.code(), self.points.minor_units(), self.version)
    }

    /// Reads a stored line.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        Some(Self {
            outcome: Outcome::parse(parts.next()?)?,
            points: Amount::magnitude(parts.next()?.parse().ok().filter(|points| *points >= 0)?),
            version: parts.next()?.parse().ok()?,
        })
    }
}

/// Rows by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub BTreeMap<Outcome, Count>);

impl Tally {
    /// Counts a row.
    pub fn add(&mut self, outcome: Outcome, points: Amount) {
        let count = self.0.entry(outcome).or_default();
        count.rows = count.rows.saturating_add(1);
        count.points = count.points.checked_add(points).unwrap_or(Amount::MAX);
    }

    /// Gives the rows of some outcomes.
    pub fn rows(&self, outcomes: &[Outcome]) -> u32 {
        let counts = outcomes.iter().filter_map(|outcome| self.0.get(outcome));
        counts.fold(0, |sum, count| sum.saturating_add(count.rows))
    }

    /// Gives what is credited in all.
    pub fn points(&self) -> Amount {
        let points = self.0.values().map(|count| count.points);
        points.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap_or(Amount::MAX))
    }
}
