use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::destination::store::{
    SavedDestination, read_destinations, save_destinations, save_limit_groups,
};
use crate::destination::{DestinationEntry, LimitGroup};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Timestamp, Token, Zone};

/// Adds a version of a destination, or changes one that has not begun. Saving the same again
/// changes nothing.
#[derive(Clone, Debug)]
pub struct SaveDestination {
    /// The company whose destination it is.
    pub company: CompanyNumber,
    /// The version as it is to be.
    pub entry: DestinationEntry,
    /// Who asks.
    pub by: ActorNumber,
}

/// Why a destination is not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationRefusal {
    /// The version has begun, or would begin in the past of a destination that is in use: what was
    /// quoted under it must stay explained.
    #[error("a version that has begun stays as it is: add one from a later day")]
    Begun,
}

/// The versions that a slice is added to.
#[derive(Debug, Default)]
pub struct DestinationFacts {
    known: BTreeMap<CompanyNumber, Vec<DestinationEntry>>,
    saved: Vec<SavedDestination>,
}

impl Command for SaveDestination {
    type Facts = DestinationFacts;
    type Receipt = ();
    type Refusal = DestinationRefusal;

    const NAME: &'static str = "save destination";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let companies: Vec<CompanyNumber> = slice.iter().map(|command| command.company).collect();
        Ok(DestinationFacts { known: read_destinations(tx, &companies)?, saved: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), DestinationRefusal> {
        let (terms, known) = (&self.entry.terms, facts.known.entry(self.company).or_default());
        let today = Zone::JAPAN.day_of(posting.now());
        let of_code = known.iter().filter(|entry| entry.terms.code == terms.code);
        let same_day = of_code.clone().find(|e| e.terms.effective_from == terms.effective_from);
        if same_day == Some(&self.entry) {
            return Ok(());
        }
        if of_code.count() > 0 && terms.effective_from <= today {
            return Err(DestinationRefusal::Begun);
        }
        let key = (terms.code.clone(), terms.effective_from);
        known.retain(|entry| (&entry.terms.code, entry.terms.effective_from) != (&key.0, key.1));
        known.push(self.entry.clone());
        facts.saved.retain(|(command, _)| {
            let other = &command.entry.terms;
            (command.company, &other.code, other.effective_from) != (self.company, &key.0, key.1)
        });
        facts.saved.push((self.clone(), posting.now()));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_destinations(tx, &facts.saved)
    }
}

/// Sets the limits of a group of destinations; they hold from now on.
#[derive(Clone, Debug)]
pub struct SaveLimitGroup {
    /// The company whose group it is.
    pub company: CompanyNumber,
    /// The limits as they are to be.
    pub group: LimitGroup,
}

/// The groups that a slice saves.
pub(super) type LimitGroupFacts = BTreeMap<(CompanyNumber, Token), (LimitGroup, Timestamp)>;

impl Command for SaveLimitGroup {
    type Facts = LimitGroupFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "save limit group";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(BTreeMap::new())
    }

    fn decide(&self, facts: &mut Self::Facts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        let key = (self.company, self.group.code.clone());
        facts.insert(key, (self.group.clone(), posting.now()));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_limit_groups(tx, &facts)
    }
}
