use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::config::SiteConfig;
use crate::conversion::{ConversionFacts, Outcome, Told};
use crate::message::store::{find_waiting, save_messages, save_work};
use crate::message::{MESSAGES_AT_ONCE, Message, Unreadable};
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// Keeps a message as it came, to be read later. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct StoreMessage {
    /// The company whose site it came to.
    pub company: CompanyNumber,
    /// The message.
    pub message: Message,
}

/// The messages of a slice.
#[derive(Debug, Default)]
pub struct MessageFacts(Vec<StoreMessage>);

impl Command for StoreMessage {
    type Facts = MessageFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "store message";
    const DEPENDS: bool = false;

    fn load(slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(MessageFacts(Vec::with_capacity(slice.len())))
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        _posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        facts.0.push(self.clone());
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_messages(tx, &facts.0)
    }
}

/// Gives the SHA-256 of a request, kept beside it.
pub(crate) fn digest(request: &str) -> [u8; 32] {
    Sha256::digest(request).into()
}

/// Does what a stored message means. A message that is done already is left alone.
#[derive(Clone, Debug)]
pub struct ProcessMessage {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which message.
    pub message: Id<kind::Message>,
    /// What it says, in the order in which it is to be decided.
    pub told: Result<Vec<Told>, Unreadable>,
}

/// What the messages of a slice are decided on.
#[derive(Debug)]
pub struct ProcessFacts {
    conversions: Option<ConversionFacts>,
    waiting: BTreeSet<Id<kind::Message>>,
    work: BTreeMap<Id<kind::Message>, Work>,
}

/// What became of a message: of its first statement that a person has to look at, or else of its
/// first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) result: Result<(Id<kind::Conversion>, Outcome), Unreadable>,
    pub(crate) done_at: Timestamp,
}

impl Command for ProcessMessage {
    type Facts = ProcessFacts;
    /// What became of it; `None` when it was done before.
    type Receipt = Option<Result<Outcome, Unreadable>>;
    type Refusal = Infallible;

    const NAME: &'static str = "process message";
    const BACKGROUND: Option<usize> = Some(MESSAGES_AT_ONCE);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<Id<kind::Message>> = slice.iter().map(|command| command.message).collect();
        let waiting = find_waiting(tx, &ids)?;
        let told = slice.iter().filter_map(|command| command.told.as_ref().ok()).flatten();
        let conversions = match slice.first() {
            Some(first) => Some(ConversionFacts::load(&first.config, told, tx)?),
            None => None,
        };
        Ok(ProcessFacts { conversions, waiting, work: BTreeMap::new() })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let (Some(conversions), Ok(told)) = (&facts.conversions, &self.told) {
            for told in told {
                conversions.recall(told, recall);
            }
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, Infallible> {
        if !facts.waiting.remove(&self.message) {
            return Ok(None);
        }
        let result = match (&self.told, &mut facts.conversions) {
            (Ok(told), Some(conversions)) => {
                let decided = told.iter().map(|told| {
                    let (outcome, _paid) = conversions.apply(told, posting);
                    (conversions.id_of(told), outcome)
                });
                // A statement that says nothing is no statement of the network's.
                most_pressing(decided).ok_or(Unreadable::Form)
            }
            (Ok(_), None) => return Ok(None),
            (Err(unreadable), _) => Err(*unreadable),
        };
        facts.work.insert(self.message, Work { result, done_at: posting.now() });
        Ok(Some(result.map(|(_, outcome)| outcome)))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_work(tx, &facts.work)?;
        match facts.conversions {
            Some(conversions) => conversions.save(tx),
            None => Ok(()),
        }
    }
}

/// Picks what is kept beside the message.
fn most_pressing(
    decided: impl Iterator<Item = (Id<kind::Conversion>, Outcome)>,
) -> Option<(Id<kind::Conversion>, Outcome)> {
    let pressing = |outcome| matches!(outcome, Outcome::NeedsReview | Outcome::Unmatched);
    decided.reduce(|kept, next| if pressing(next.1) && !pressing(kept.1) { next } else { kept })
}
