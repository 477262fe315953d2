use core::convert::Infallible;

use crate::rate_up::RateUp;
use crate::rate_up::store::save_rate_ups;
use mail::Letter;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Timestamp};

/// Puts letters into the tray and notes how far they have come, together. A repeat writes no letter
/// again.
#[derive(Clone, Debug)]
pub struct SendRateUps {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// How far the letters have come with these.
    pub progress: RateUp,
    /// The letters.
    pub letters: Vec<Letter>,
}

/// The letters of a slice.
#[derive(Debug, Default)]
pub struct RateUpFacts {
    rows: Vec<(CompanyNumber, RateUp)>,
    letters: Vec<Letter>,
    now: Timestamp,
}

impl Command for SendRateUps {
    type Facts = RateUpFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "send rate-ups";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<RateUpFacts, Fault> {
        Ok(RateUpFacts::default())
    }

    fn decide(&self, facts: &mut RateUpFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.now = posting.now();
        facts.rows.push((self.company, self.progress));
        facts.letters.extend_from_slice(&self.letters);
        Ok(())
    }

    fn save(facts: RateUpFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        mail::enqueue(tx, &facts.letters, facts.now)?;
        save_rate_ups(tx, &facts.rows)
    }
}
