use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::exchange::store::{find_challenges, save_challenges};
use crate::step_up::{Challenge, Tried};
use crate::vault::Vault;
use mail::{Letter, enqueue};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{Id, Timestamp, kind};

/// Gives the keyed hash of a code for an exchange; blanks between digits do not matter.
pub fn code_hash(vault: &Vault, exchange: Id<kind::Exchange>, typed: &str) -> [u8; 32] {
    let digits: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
    vault.fingerprint("step_up", &[&exchange.to_bytes(), digits.as_bytes()])
}

/// Sends a member a code, by a letter in the same transaction. While one has only just been sent,
/// it stays good and nothing is sent.
#[derive(Clone, Debug)]
pub struct SendCode {
    /// For which exchange.
    pub exchange: Id<kind::Exchange>,
    /// The keyed hash of the code.
    pub code_hash: [u8; 32],
    /// What the member is sent.
    pub letter: Letter,
}

/// The codes that a slice concerns.
#[derive(Debug, Default)]
pub struct ProofFacts {
    known: BTreeMap<Id<kind::Exchange>, Challenge>,
    changed: BTreeMap<Id<kind::Exchange>, Challenge>,
    letters: Vec<Letter>,
    now: Timestamp,
}

impl ProofFacts {
    fn load(tx: &mut Tx<'_>, ids: &[Id<kind::Exchange>]) -> Result<Self, Fault> {
        Ok(Self { known: find_challenges(tx, ids)?, ..Self::default() })
    }

    fn note(&mut self, id: Id<kind::Exchange>, challenge: Challenge) {
        self.known.insert(id, challenge.clone());
        self.changed.insert(id, challenge);
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_challenges(tx, &self.changed)?;
        enqueue(tx, &self.letters, self.now)
    }
}

impl Command for SendCode {
    type Facts = ProofFacts;
    /// Whether one was sent.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "send one-time code";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        ProofFacts::load(tx, &slice.iter().map(|command| command.exchange).collect::<Vec<_>>())
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        facts.now = posting.now();
        let before = facts.known.get(&self.exchange);
        let Some(next) = Challenge::sent(before, self.code_hash, facts.now) else {
            return Ok(false);
        };
        facts.note(self.exchange, next);
        facts.letters.push(self.letter.clone());
        Ok(true)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Tries a code. Each try counts, and what it leads to is an answer and no refusal, so that it is
/// written down.
#[derive(Clone, Copy, Debug)]
pub struct TryCode {
    /// For which exchange.
    pub exchange: Id<kind::Exchange>,
    /// The keyed hash of what was typed.
    pub code_hash: [u8; 32],
}

impl Command for TryCode {
    type Facts = ProofFacts;
    type Receipt = Tried;
    type Refusal = Infallible;

    const NAME: &'static str = "try one-time code";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        ProofFacts::load(tx, &slice.iter().map(|command| command.exchange).collect::<Vec<_>>())
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Tried, Infallible> {
        let Some(challenge) = facts.known.get(&self.exchange) else { return Ok(Tried::Ended) };
        let (next, tried) = challenge.tried(&self.code_hash, posting.now());
        facts.note(self.exchange, next);
        Ok(tried)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
