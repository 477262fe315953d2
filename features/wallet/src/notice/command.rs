use core::convert::Infallible;

use mail::Letter;
use store::{Command, Fault, Posting, Tx};
use vocabulary::Timestamp;

/// Puts letters into the tray. Those that are there already stay as they are.
#[derive(Clone, Debug)]
pub struct SendLetters(pub Vec<Letter>);

/// The letters of a slice.
#[derive(Debug, Default)]
pub struct LetterFacts {
    letters: Vec<Letter>,
    now: Timestamp,
}

impl Command for SendLetters {
    type Facts = LetterFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "send letters";
    const DEPENDS: bool = false;
    const BACKGROUND: Option<usize> = Some(1);

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<LetterFacts, Fault> {
        Ok(LetterFacts::default())
    }

    fn decide(&self, facts: &mut LetterFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.now = posting.now();
        facts.letters.extend_from_slice(&self.0);
        Ok(())
    }

    fn save(facts: LetterFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        mail::enqueue(tx, &facts.letters, facts.now)
    }
}
