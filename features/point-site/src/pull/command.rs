use std::collections::BTreeMap;

use crate::message::command::digest;
use crate::message::store::save_messages;
use crate::message::{Message, StoreMessage};
use crate::network_account::NetworkAccountKey;
use crate::pull::store::{load_digests, load_versions, save_places, save_pulls};
use crate::pull::{Pull, Work};
use store::{Command, Fault, Posting, Tx};
use vocabulary::CompanyNumber;

/// Moves the row of an account on, and keeps the page that came. Only from the version that was
/// looked at: of two who ask for the same page, one is refused and has done nothing.
#[derive(Clone, Debug)]
pub struct AdvancePull {
    /// The company whose account it is.
    pub company: CompanyNumber,
    /// Which account.
    pub account: NetworkAccountKey,
    /// The version that was looked at; zero for an account that was never asked.
    pub expected: u32,
    /// The row as it is to be.
    pub pull: Pull,
    /// The page that came; kept unless it is what it was the last time.
    pub page: Option<KeptPage>,
}

/// A page that came, and from where.
#[derive(Clone, Debug)]
pub struct KeptPage {
    /// What was asked for.
    pub work: Work,
    /// The page, as it came.
    pub message: Message,
}

/// Where a page of an account is found: the list, the window's first day, the cursor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) company: CompanyNumber,
    pub(crate) account: NetworkAccountKey,
    pub(crate) text: String,
}

/// Somebody else moved the row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("somebody else asked this network meanwhile")]
pub struct Stale;

/// The rows and pages of a slice.
#[derive(Debug, Default)]
pub struct PlaceFacts {
    versions: BTreeMap<(CompanyNumber, NetworkAccountKey), u32>,
    digests: BTreeMap<Place, [u8; 32]>,
    pub(crate) pulls: BTreeMap<(CompanyNumber, NetworkAccountKey), Pull>,
    pub(crate) places: BTreeMap<Place, [u8; 32]>,
    messages: Vec<StoreMessage>,
}

impl AdvancePull {
    fn place(&self) -> Option<Place> {
        let work = &self.page.as_ref()?.work;
        let cursor = work.cursor.as_ref().map_or("", crate::network::Cursor::as_str);
        Some(Place {
            company: self.company,
            account: self.account.clone(),
            text: format!("{} {} {cursor}", work.feed.code(), work.window),
        })
    }
}

impl Command for AdvancePull {
    type Facts = PlaceFacts;
    /// Whether the page was stored.
    type Receipt = bool;
    type Refusal = Stale;

    const NAME: &'static str = "advance pull";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let companies = slice.iter().map(|command| command.company).collect();
        let places: Vec<Place> = slice.iter().filter_map(Self::place).collect();
        Ok(PlaceFacts {
            versions: load_versions(tx, &companies)?,
            digests: load_digests(tx, &places)?,
            ..PlaceFacts::default()
        })
    }

    fn decide(&self, facts: &mut Self::Facts, _posting: &mut Posting<'_>) -> Result<bool, Stale> {
        let row = (self.company, self.account.clone());
        if facts.versions.get(&row).copied().unwrap_or(0) != self.expected {
            return Err(Stale);
        }
        let mut pull = self.pull.clone();
        let mut stored = false;
        if let Some((place, page)) = self.place().zip(self.page.as_ref()) {
            let hash = digest(page.message.request.as_str());
            if facts.digests.get(&place) != Some(&hash) {
                stored = true;
                pull.pages = pull.pages.saturating_add(1);
                let message = page.message.clone();
                facts.messages.push(StoreMessage { company: self.company, message });
                facts.digests.insert(place.clone(), hash);
                facts.places.insert(place, hash);
            }
        }
        facts.versions.insert(row.clone(), pull.version);
        facts.pulls.insert(row, pull);
        Ok(stored)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_pulls(tx, &facts.pulls)?;
        save_places(tx, &facts.places)?;
        save_messages(tx, &facts.messages)
    }
}
