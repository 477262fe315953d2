use std::convert::Infallible;

use crate::exchange_letter::EndKey;
use crate::exchange_letter::store::remove_ends;
use mail::Letter;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Timestamp};

/// Puts letters into the tray and forgets the ends they are about, together. A repeat writes no
/// letter again.
#[derive(Clone, Debug)]
pub struct SendExchangeLetters {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// The ends.
    pub done: Vec<EndKey>,
    /// The letters.
    pub letters: Vec<Letter>,
}

/// The letters of a slice.
#[derive(Debug, Default)]
pub struct SentFacts {
    done: Vec<(CompanyNumber, Vec<EndKey>)>,
    letters: Vec<Letter>,
    now: Timestamp,
}

impl Command for SendExchangeLetters {
    type Facts = SentFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "send letters about exchanges";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<SentFacts, Fault> {
        Ok(SentFacts::default())
    }

    fn decide(&self, facts: &mut SentFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.now = posting.now();
        facts.done.push((self.company, self.done.clone()));
        facts.letters.extend_from_slice(&self.letters);
        Ok(())
    }

    fn save(facts: SentFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        mail::enqueue(tx, &facts.letters, facts.now)?;
        for (company, done) in &facts.done {
            remove_ends(tx, *company, done)?;
        }
        Ok(())
    }
}
