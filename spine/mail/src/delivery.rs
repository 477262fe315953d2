use core::convert::Infallible;
use std::collections::BTreeMap;

use crate::{
    letter::{Category, Recipient},
    store::{LetterState, Stored, find_due, find_gone, remove_letters, save_letters},
};
use store::{Command, Fault, Posting, Store, Tx};
use vocabulary::{Email, Id, Timestamp, kind};

/// Letters of one run: one connection carries them in a few seconds.
const AT_ONCE: u32 = 100;

/// How often a letter is tried; with the waits between, for about a day and a half.
pub const ATTEMPTS_MAX: u32 = 10;

/// How long a letter waits after each answer "not now", in seconds; the last for all later ones.
const WAITS_SECONDS: [i64; 6] = [60, 300, 900, 3_600, 4 * 3_600, 8 * 3_600];

/// How long it stays known that a letter went, for whoever asks where it is.
const KEPT_DAYS: i64 = 30;

/// A letter as a carrier takes it.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// The letter, named in its `Message-ID`, so that whoever gets it twice can tell.
    pub id: Id<kind::Letter>,
    /// The address.
    pub to: &'a Email,
    /// The subject.
    pub subject: &'a str,
    /// The text.
    pub body: &'a str,
    /// Where the person says that they want no more notices; only for notices.
    pub unsubscribe: Option<&'a str>,
    /// When it was written.
    pub made_at: Timestamp,
}

/// What a carrier says of one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It is on its way.
    Taken,
    /// Not now, with the server's code.
    Later(u16),
    /// Never, with the server's code.
    Never(u16),
    /// Nobody answers: nothing is known of this letter, and the others of the run wait as well.
    Away,
}

/// Takes letters to people.
pub trait Carrier: Send {
    /// Carries one letter.
    fn carry(&mut self, parcel: &Parcel<'_>) -> Carried;

    /// Ends a run.
    fn rest(&mut self);
}

/// Where a member is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// The address of today.
    pub address: Email,
    /// Whether the member wants notices.
    pub notices: bool,
    /// Where the member says that they want no more notices.
    pub unsubscribe: String,
}

/// Knows where members are reached.
pub trait Recipients: Send + Sync {
    /// Finds them, in their order; `None` for who has no address any more. Called once a run, with
    /// [`deliver_due`]'s number of letters at most: answer with a fixed number of queries.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the job tries again then.
    fn find(&self, members: &[Id<kind::Member>]) -> Result<Vec<Option<Reachable>>, Fault>;
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Letters on their way.
    pub sent: usize,
    /// Letters that wait for another try.
    pub later: usize,
    /// Letters that nobody gets.
    pub failed: usize,
    /// Whether there may be more to do at once.
    pub more: bool,
    /// Whether the server did not answer.
    pub away: bool,
}

/// Sends what is due, at most a hundred letters, and forgets what went long ago. Safe to be cut
/// off: what was sent and not noted goes again under the same `Message-ID`.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn deliver_due(
    store: &Store,
    recipients: &dyn Recipients,
    carrier: &mut dyn Carrier,
    now: Timestamp,
) -> Result<Delivered, Fault> {
    let due = store.database().read(|reader| find_due(reader, now, AT_ONCE))?;
    let full = u32::try_from(due.len()).is_ok_and(|count| count >= AT_ONCE);
    let members: Vec<_> = due.iter().filter_map(Stored::member).collect();
    let found = if members.is_empty() { Vec::new() } else { recipients.find(&members)? };
    let reachable: BTreeMap<_, _> = members.into_iter().zip(found).collect();
    let mut delivered = Delivered { more: full, ..Delivered::default() };
    let mut tried = Vec::with_capacity(due.len());
    for stored in due {
        let answer = carry(&stored, &reachable, carrier);
        if answer == Answer::Carried(Carried::Away) {
            (delivered.away, delivered.more) = (true, false);
            break;
        }
        let after = stored.after(answer, now);
        match after.state {
            LetterState::Sent => delivered.sent = delivered.sent.saturating_add(1),
            LetterState::Waiting => delivered.later = delivered.later.saturating_add(1),
            LetterState::Failed => delivered.failed = delivered.failed.saturating_add(1),
        }
        tried.push(after);
    }
    carrier.rest();
    let gone = store.database().read(|reader| find_gone(reader, now.plus_days(-KEPT_DAYS)))?;
    if !tried.is_empty() || !gone.is_empty() {
        let Ok(()) = store.run(NoteTries { tried, gone })?;
    }
    Ok(delivered)
}

/// What is known of a letter after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What the carrier said.
    Carried(Carried),
    /// The member has no address any more.
    NoAddress,
    /// The member wants no notices.
    Unwanted,
}

fn carry(
    stored: &Stored,
    reachable: &BTreeMap<Id<kind::Member>, Option<Reachable>>,
    carrier: &mut dyn Carrier,
) -> Answer {
    let letter = &stored.letter;
    let (to, unsubscribe) = match &letter.to {
        Recipient::Address(address) => (address, None),
        Recipient::Member(member) => {
            let Some(Some(found)) = reachable.get(member) else { return Answer::NoAddress };
            match letter.category {
                Category::Service => (&found.address, None),
                Category::Notice if found.notices => {
                    (&found.address, Some(found.unsubscribe.as_str()))
                }
                Category::Notice => return Answer::Unwanted,
            }
        }
    };
    Answer::Carried(carrier.carry(&Parcel {
        id: letter.id,
        to,
        subject: letter.subject.as_str(),
        body: letter.body.as_str(),
        unsubscribe,
        made_at: stored.made_at,
    }))
}

impl Stored {
    /// Tells what becomes of a letter after a try: pure, so that it is a table in a test.
    pub(crate) fn after(self, answer: Answer, now: Timestamp) -> Self {
        let attempts = self.attempts.saturating_add(1);
        let (state, code) = match answer {
            Answer::Carried(Carried::Taken) => (LetterState::Sent, "250".to_owned()),
            Answer::Carried(Carried::Later(code)) if attempts < ATTEMPTS_MAX => {
                (LetterState::Waiting, code.to_string())
            }
            Answer::Carried(Carried::Later(code) | Carried::Never(code)) => {
                (LetterState::Failed, code.to_string())
            }
            Answer::Carried(Carried::Away) => return self,
            Answer::NoAddress => (LetterState::Failed, "no_address".to_owned()),
            Answer::Unwanted => (LetterState::Failed, "unwanted".to_owned()),
        };
        let done = state != LetterState::Waiting;
        let place = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        let last = WAITS_SECONDS.last().copied().unwrap_or(0);
        let wait = WAITS_SECONDS.get(place).copied().unwrap_or(last);
        Self {
            attempts,
            state,
            answer: Some(code),
            next_at: if done { now } else { now.plus_seconds(wait) },
            done_at: done.then_some(now),
            wiped: self.wiped || done,
            ..self
        }
    }
}

/// Notes what became of letters, and forgets those of long ago.
#[derive(Clone, Debug)]
struct NoteTries {
    tried: Vec<Stored>,
    gone: Vec<Id<kind::Letter>>,
}

/// The letters of a slice.
#[derive(Debug, Default)]
struct TriedFacts {
    tried: Vec<Stored>,
    gone: Vec<Id<kind::Letter>>,
}

impl Command for NoteTries {
    type Facts = TriedFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note letters";

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<TriedFacts, Fault> {
        Ok(TriedFacts::default())
    }

    fn decide(&self, facts: &mut TriedFacts, _: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.tried.extend_from_slice(&self.tried);
        facts.gone.extend_from_slice(&self.gone);
        Ok(())
    }

    fn save(facts: TriedFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_letters(tx, &facts.tried)?;
        remove_letters(tx, &facts.gone)
    }
}
