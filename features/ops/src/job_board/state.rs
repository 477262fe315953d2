use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use vocabulary::Timestamp;

/// How one job fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobState {
    /// How often it ran.
    pub runs: u64,
    /// How often it failed.
    pub failures: u64,
    /// How often it failed since it last succeeded.
    pub failures_in_a_row: u32,
    /// When it last succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// Why it failed last; empty since it succeeded.
    pub complaint: String,
    /// How much it found that persons should have done by now; `None` for a job that does not look.
    pub overdue: Option<u32>,
}

/// Where the supervisor writes how its jobs fare. Shared by all who ask.
#[derive(Debug, Default)]
pub struct JobBoard(Mutex<BTreeMap<&'static str, JobState>>);

impl JobBoard {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a job on the board before its first run.
    pub fn add(&self, job: &'static str) {
        self.lock().entry(job).or_default();
    }

    /// Notes that a run succeeded; gives how often it had failed in a row before.
    pub fn succeed(&self, job: &'static str, now: Timestamp) -> u32 {
        let mut board = self.lock();
        let state = board.entry(job).or_default();
        state.runs = state.runs.saturating_add(1);
        state.succeeded_at = Some(now);
        state.complaint.clear();
        core::mem::take(&mut state.failures_in_a_row)
    }

    /// Notes that a run failed; gives how often it has failed in a row by now.
    pub fn fail(&self, job: &'static str, complaint: &str) -> u32 {
        let mut board = self.lock();
        let state = board.entry(job).or_default();
        state.runs = state.runs.saturating_add(1);
        state.failures = state.failures.saturating_add(1);
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        complaint.clone_into(&mut state.complaint);
        state.failures_in_a_row
    }

    /// Notes how much a job found that persons should have done by now.
    pub fn note_overdue(&self, job: &'static str, overdue: u32) {
        self.lock().entry(job).or_default().overdue = Some(overdue);
    }

    /// Lists the jobs by name.
    pub fn list(&self) -> Vec<(&'static str, JobState)> {
        self.lock().iter().map(|(name, state)| (*name, state.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, JobState>> {
        // Nothing is changed halfway while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_end_with_a_success() {
        let board = JobBoard::new();
        board.add("expire");
        assert_eq!((board.fail("expire", "away"), board.fail("expire", "away still")), (1, 2));
        assert_eq!(board.succeed("expire", Timestamp::default()), 2);
        assert_eq!(board.succeed("expire", Timestamp::default()), 0);
        let expected = JobState {
            runs: 4,
            failures: 2,
            failures_in_a_row: 0,
            succeeded_at: Some(Timestamp::default()),
            complaint: String::new(),
            overdue: Some(3),
        };
        board.note_overdue("expire", 3);
        assert_eq!(board.list(), [("expire", expected)]);
    }
}
