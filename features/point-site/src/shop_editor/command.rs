use crate::offer::{OfferFacts, OfferRefusal, SaveOffer, SaveShop, ShopFacts};
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{Id, kind};

/// Who of the staff saves, and by which request.
#[derive(Clone, Copy, Debug)]
pub struct Editor {
    /// Who.
    pub by: Authenticated,
    /// The request.
    pub request: Option<Id<kind::Request>>,
}

impl Editor {
    fn entry(&self, posting: &Posting<'_>, action: &'static str) -> AuditEntry {
        AuditEntry::done(posting.now(), &self.by, action).with(self.request)
    }
}

/// Saves a version of an offer by a person of the staff, with an entry in the audit trail. A repeat
/// gives the first answer and leaves no second entry.
#[derive(Clone, Debug)]
pub struct EditOffer {
    /// Who saves.
    pub editor: Editor,
    /// What is saved.
    pub offer: SaveOffer,
}

/// What a slice is decided on, and what it leaves in the audit trail.
#[derive(Debug)]
pub struct EditFacts<F> {
    facts: F,
    trail: Vec<AuditEntry>,
}

impl<F> EditFacts<F> {
    const fn of(facts: F) -> Self {
        Self { facts, trail: Vec::new() }
    }
}

impl Command for EditOffer {
    type Facts = EditFacts<OfferFacts>;
    type Receipt = u32;
    type Refusal = OfferRefusal;

    const NAME: &'static str = "edit offer";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        OfferFacts::load(slice.iter().map(|command| &command.offer), tx).map(EditFacts::of)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, OfferRefusal> {
        let before = facts.facts.added.len();
        let version = self.offer.decide(&mut facts.facts, posting)?;
        if facts.facts.added.len() > before {
            let entry = self.editor.entry(posting, "offer.save").about(self.offer.id);
            facts.trail.push(entry);
        }
        Ok(version)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        SaveOffer::save(facts.facts, tx)?;
        audit_trail::append(tx, facts.trail).map(drop)
    }
}

/// Whether a shop is to be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It is new; the same again is a repeat.
    Add,
    /// It is there.
    Change,
}

/// Saves a shop by a person of the staff, with an entry in the audit trail. A repeat changes
/// nothing and leaves no second entry.
#[derive(Clone, Debug)]
pub struct EditShop {
    /// Who saves.
    pub editor: Editor,
    /// Whether it is to be there already.
    pub intent: Intent,
    /// What is saved.
    pub shop: SaveShop,
}

/// Why a shop is not saved, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// Another shop has this slug, which is for ever.
    #[error("another shop has this slug")]
    SlugTaken,
    /// There is no shop with this slug.
    #[error("there is no such shop")]
    NotFound,
}

impl EditRefusal {
    /// Gives the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SlugTaken => "slug_taken",
            Self::NotFound => "shop_not_found",
        }
    }
}

impl Command for EditShop {
    type Facts = EditFacts<ShopFacts>;
    type Receipt = Id<kind::Shop>;
    type Refusal = EditRefusal;

    const NAME: &'static str = "edit shop";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        ShopFacts::load(slice.iter().map(|command| &command.shop), tx).map(EditFacts::of)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Id<kind::Shop>, EditRefusal> {
        let id = self.shop.shop.id();
        match (facts.facts.known.get(&id), self.intent) {
            (Some(known), _) if *known == self.shop.shop => return Ok(id),
            (Some(_), Intent::Add) => return Err(EditRefusal::SlugTaken),
            (None, Intent::Change) => return Err(EditRefusal::NotFound),
            (Some(_), Intent::Change) | (None, Intent::Add) => {}
        }
        let Ok(id) = self.shop.decide(&mut facts.facts, posting);
        facts.trail.push(self.editor.entry(posting, "shop.save").about(id));
        Ok(id)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        SaveShop::save(facts.facts, tx)?;
        audit_trail::append(tx, facts.trail).map(drop)
    }
}
