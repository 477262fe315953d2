use std::collections::BTreeMap;

use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::Timestamp;

/// All statements of the jobs.
pub(crate) const STATEMENTS: &[Listed] = &[FIND_JOBS.listed(), SAVE_JOBS.listed()];

static FIND_JOBS: Statement = Statement::new(
    "find wallet jobs",
    "SELECT name, position, posted, refused, began_at, noted_at, finished_at
     FROM wallet_job
     ORDER BY name
     LIMIT 100",
);

static SAVE_JOBS: Upsert = Upsert {
    name: "save wallet jobs",
    table: "wallet_job",
    columns: &["name", "position", "posted", "refused", "began_at", "noted_at", "finished_at"],
    keys: &["name"],
    updates: &["position", "posted", "refused", "began_at", "noted_at", "finished_at"],
};

/// The jobs of this feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Writes off lots past their last day.
    Lots,
    /// Releases holds past their time.
    Holds,
    /// Writes off the free points of members who stay away.
    Inactive,
    /// Writes to members whose points expire soon.
    Notices,
}

impl Job {
    /// Gives the stable name, as stored and shown on the job board.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lots => "expire lots",
            Self::Holds => "expire holds",
            Self::Inactive => "expire inactive",
            Self::Notices => "send notices",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Lots, Self::Holds, Self::Inactive, Self::Notices]
            .into_iter()
            .find(|job| job.name() == name)
    }
}

/// How far a job has come in its round through the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Which.
    pub job: Job,
    /// The account number to go on from; 0 between rounds, and for jobs that go through no
    /// accounts.
    pub position: u32,
    /// Batches posted in this round.
    pub posted: u64,
    /// Batches refused in this round.
    pub refused: u64,
    /// When the round began.
    pub began_at: Timestamp,
    /// When this was noted.
    pub noted_at: Timestamp,
    /// When the round was finished; `None` while it is under way.
    pub finished_at: Option<Timestamp>,
}

impl JobRow {
    /// Begins a round.
    pub(crate) const fn begin(job: Job, now: Timestamp) -> Self {
        Self {
            job,
            position: 0,
            posted: 0,
            refused: 0,
            began_at: now,
            noted_at: now,
            finished_at: None,
        }
    }
}

/// Reads how far the jobs have come, by name; one that never ran is not there.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_jobs(reader: &mut Reader<'_>) -> Result<Vec<JobRow>, Fault> {
    reader.query(&FIND_JOBS, &[])?.iter().map(job_of).collect()
}

fn job_of(row: &Row<'_>) -> Result<JobRow, Fault> {
    Ok(JobRow {
        job: row.parsed(0, Job::parse)?,
        position: row.small(1)?,
        posted: row.unsigned(2)?,
        refused: row.unsigned(3)?,
        began_at: row.timestamp(4)?,
        noted_at: row.timestamp(5)?,
        finished_at: row.optional_timestamp(6)?,
    })
}

/// Saves rows of jobs.
pub(super) fn save(rows: &BTreeMap<Job, JobRow>, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = rows
        .values()
        .map(|row| {
            [
                row.job.name().into(),
                row.position.into(),
                row.posted.into(),
                row.refused.into(),
                row.began_at.into(),
                row.noted_at.into(),
                row.finished_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_JOBS, &rows)
}
