use core::convert::Infallible;
use std::collections::BTreeMap;

use super::store::{Job, JobRow, save};
use store::{Command, Fault, Posting, Tx};

/// Notes how far a job has come; the last note of a job stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteProgress(pub JobRow);

impl Command for NoteProgress {
    type Facts = BTreeMap<Job, JobRow>;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note progress";

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(BTreeMap::new())
    }

    fn decide(&self, facts: &mut Self::Facts, _: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.insert(self.0.job, self.0);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save(&facts, tx)
    }
}
