use core::convert::Infallible;
use std::collections::BTreeMap;

use crate::preferences::Preferences;
use crate::preferences::store::{find_preferences, save_preferences};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, Token, kind};
use web::Language;

/// Notes what a member chose; what is `None` stays as it is. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct SavePreferences {
    /// The member.
    pub member: Id<kind::Member>,
    /// The company of whose site it is a member.
    pub company: CompanyNumber,
    /// The language of letters.
    pub language: Option<Language>,
    /// Whether the member wants notices.
    pub notices: Option<bool>,
    /// The code that the member came with; the first one stays.
    pub invited_by: Option<Token>,
}

/// The preferences that a slice concerns.
#[derive(Debug)]
pub struct PreferenceFacts {
    known: BTreeMap<Id<kind::Member>, Preferences>,
    now: Timestamp,
}

impl Command for SavePreferences {
    type Facts = PreferenceFacts;
    type Receipt = Preferences;
    type Refusal = Infallible;

    const NAME: &'static str = "save preferences";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PreferenceFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        let known = find_preferences(tx, &members)?;
        Ok(PreferenceFacts { known, now: Timestamp::default() })
    }

    fn decide(
        &self,
        facts: &mut PreferenceFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Preferences, Infallible> {
        facts.now = posting.now();
        let known = facts.known.entry(self.member);
        let chosen = known.or_insert_with(|| Preferences::of_nobody(self.member, self.company));
        chosen.language = self.language.unwrap_or(chosen.language);
        chosen.notices = self.notices.unwrap_or(chosen.notices);
        if chosen.invited_by.is_none() {
            chosen.invited_by.clone_from(&self.invited_by);
        }
        Ok(chosen.clone())
    }

    fn save(facts: PreferenceFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_preferences(tx, facts.known.values(), facts.now)
    }
}
