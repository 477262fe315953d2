use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::health::store::{find_unreadable, wait_again};
use access::{Authenticated, audit_trail, audit_trail::AuditEntry};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, kind};

/// Has a message that could not be read wait for the job again, after its network's settings were
/// mended. One that waits or was read is left alone.
#[derive(Clone, Copy, Debug)]
pub struct ReadAgain {
    /// Which message.
    pub message: Id<kind::Message>,
    /// The company whose site it came to.
    pub company: CompanyNumber,
    /// Who asks.
    pub who: Authenticated,
}

/// The messages of a slice that cannot be read, and what is written.
#[derive(Debug, Default)]
pub struct ReadAgainFacts {
    unreadable: BTreeSet<Id<kind::Message>>,
    again: BTreeSet<Id<kind::Message>>,
    trail: Vec<AuditEntry>,
}

impl Command for ReadAgain {
    type Facts = ReadAgainFacts;
    /// Whether it could not be read before.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "read message again";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.message).collect();
        let company = slice.first().map_or(CompanyNumber::OPERATOR, |first| first.company);
        let unreadable = find_unreadable(tx, company, &ids)?;
        Ok(ReadAgainFacts { unreadable, ..ReadAgainFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        if !facts.unreadable.remove(&self.message) {
            return Ok(false);
        }
        facts.again.insert(self.message);
        let entry = AuditEntry::done(posting.now(), &self.who, "message.read_again");
        facts.trail.push(entry.of(self.company).about(self.message));
        Ok(true)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        wait_again(tx, &facts.again)?;
        if !facts.trail.is_empty() {
            audit_trail::append(tx, facts.trail)?;
        }
        Ok(())
    }
}
