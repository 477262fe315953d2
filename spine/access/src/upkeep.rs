//! What is written behind, and what is forgotten.

use core::convert::Infallible;
use std::collections::BTreeSet;

use crate::{
    credential::{KeyRing, KeyUse},
    passkey::{find_old_challenges, remove_challenges},
    secret::SecretHash,
    session::Sessions,
    store::statement,
};
use store::{Command, Fault, Posting, Row, Tx, Value};
use vocabulary::Timestamp;

/// Notes which sessions were seen and which keys were used. Send one each minute; a lost one costs
/// a session a minute of its idle time.
#[derive(Clone, Debug)]
pub struct NoteUse {
    sessions: Vec<SecretHash>,
    keys: Vec<KeyUse>,
}

impl NoteUse {
    /// Takes what memory has to tell; `None` when that is nothing.
    pub fn take(sessions: &Sessions, keys: &KeyRing, now: Timestamp) -> Option<Self> {
        let note = Self { sessions: sessions.take_seen(now), keys: keys.take_used() };
        (!note.sessions.is_empty() || !note.keys.is_empty()).then_some(note)
    }
}

/// What [`NoteUse`] gathers.
#[derive(Debug, Default)]
pub struct NoteUseFacts {
    seen_at: Timestamp,
    sessions: BTreeSet<SecretHash>,
    keys: BTreeSet<KeyUse>,
}

impl Command for NoteUse {
    type Facts = NoteUseFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note use";
    const DEPENDS: bool = false;

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<NoteUseFacts, Fault> {
        Ok(NoteUseFacts::default())
    }

    fn decide(
        &self,
        facts: &mut NoteUseFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        facts.seen_at = posting.now();
        facts.sessions.extend(&self.sessions);
        facts.keys.extend(&self.keys);
        Ok(())
    }

    fn save(facts: NoteUseFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let hashes: Vec<Value> = facts.sessions.iter().map(|hash| hash.to_bytes().into()).collect();
        let seen_at = [facts.seen_at.into(), facts.seen_at.into()];
        tx.execute_list(&statement::NOTE_SESSIONS_SEEN, &seen_at, &hashes)?;
        // One statement a day; there are two of them around midnight.
        let days: BTreeSet<_> = facts.keys.iter().map(|used| used.day).collect();
        for day in days {
            let keys = facts.keys.iter().filter(|used| used.day == day);
            let keys: Vec<Value> = keys.map(|used| used.key.into()).collect();
            let day = [day.into(), day.into()];
            tx.execute_list(&statement::NOTE_API_KEY_USE, &day, &keys)?;
        }
        Ok(())
    }
}

/// Failures count for a day and lock for minutes; two days are more than both.
const FAILURES_KEPT_DAYS: i64 = 2;

/// Forgets sessions that have ended, failures and proofs of long ago and challenges that nobody
/// answered, at most 1,000 of each. Send another
/// while the receipt says that there may be more.
#[derive(Clone, Copy, Debug)]
pub struct ForgetEnded {
    /// The moment it is now.
    pub now: Timestamp,
}

/// What [`ForgetEnded`] forgets.
#[derive(Debug)]
pub struct ForgetEndedFacts {
    sessions: Vec<Value>,
    failures: Vec<Value>,
    proofs: Vec<Value>,
    challenges: Vec<Value>,
}

/// What became of [`ForgetEnded`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// How many rows.
    pub rows: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Command for ForgetEnded {
    type Facts = ForgetEndedFacts;
    type Receipt = Forgotten;
    type Refusal = Infallible;

    const NAME: &'static str = "forget ended sessions";
    const DEPENDS: bool = false;
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ForgetEndedFacts, Fault> {
        let now = slice.iter().map(|command| command.now).min().unwrap_or_default();
        let digest = |row: &Row<'_>| row.digest(0).map(Value::from);
        let sessions = tx.query(&statement::OLD_SESSIONS, &[now.into()])?;
        let long_ago = now.plus_days(-FAILURES_KEPT_DAYS);
        let failures = tx.query(&statement::OLD_FAILURES, &[long_ago.into()])?;
        let proofs = tx.query(&statement::OLD_MAIL_PROOFS, &[long_ago.into()])?;
        Ok(ForgetEndedFacts {
            sessions: sessions.iter().map(digest).collect::<Result<_, _>>()?,
            failures: failures.iter().map(digest).collect::<Result<_, _>>()?,
            proofs: proofs
                .iter()
                .map(|row| row.sixteen(0).map(Value::from))
                .collect::<Result<_, _>>()?,
            challenges: find_old_challenges(tx, now)?,
        })
    }

    fn decide(
        &self,
        facts: &mut ForgetEndedFacts,
        _posting: &mut Posting<'_>,
    ) -> Result<Forgotten, Infallible> {
        let lists = [&facts.sessions, &facts.failures, &facts.proofs, &facts.challenges];
        let rows = lists.iter().map(|list| list.len()).sum();
        let more = lists.iter().any(|list| list.len() >= 1_000);
        Ok(Forgotten { rows, more })
    }

    fn save(facts: ForgetEndedFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.execute_list(&statement::REMOVE_SESSIONS, &[], &facts.sessions)?;
        tx.execute_list(&statement::REMOVE_FAILURES, &[], &facts.failures)?;
        tx.execute_list(&statement::REMOVE_MAIL_PROOFS, &[], &facts.proofs)?;
        remove_challenges(tx, &facts.challenges)?;
        Ok(())
    }
}
