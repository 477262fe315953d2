use std::collections::BTreeMap;

use crate::favourite::store::{load_counts, save_favourites};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// The most shops that a member keeps: a list that one can still look through.
pub const FAVOURITES_MAX: usize = 100;

/// What a member wants with a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Keep it in the list.
    Keep,
    /// Take it out of the list.
    Drop,
}

/// Keeps a shop in a member's list, or takes it out. A repeat changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct SetFavourite {
    /// Whose list.
    pub member: Id<kind::Member>,
    /// The company whose shop it is.
    pub company: CompanyNumber,
    /// Which shop.
    pub shop: Id<kind::Shop>,
    /// What is wanted.
    pub wish: Wish,
}

/// Why a shop is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FavouriteRefusal {
    /// The list has [`FAVOURITES_MAX`] shops.
    #[error("at most {FAVOURITES_MAX} shops are kept")]
    Full,
}

impl FavouriteRefusal {
    /// Gives the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "favourites_full",
        }
    }
}

/// The lists that a slice changes.
#[derive(Debug, Default)]
pub struct FavouriteFacts {
    /// Who keeps what, of those that are named: whether it is kept, and since when.
    pub(crate) kept: BTreeMap<Id<kind::Member>, BTreeMap<Id<kind::Shop>, Timestamp>>,
    pub(crate) changed: BTreeMap<(Id<kind::Member>, Id<kind::Shop>), Changed>,
}

/// A row that is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) company: CompanyNumber,
    pub(crate) kept: bool,
    pub(crate) at: Timestamp,
}

impl Command for SetFavourite {
    type Facts = FavouriteFacts;
    type Receipt = ();
    type Refusal = FavouriteRefusal;

    const NAME: &'static str = "set favourite";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<FavouriteFacts, Fault> {
        load_counts(tx, slice.iter().map(|command| command.member))
    }

    fn decide(
        &self,
        facts: &mut FavouriteFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), FavouriteRefusal> {
        let list = facts.kept.entry(self.member).or_default();
        let kept = match self.wish {
            Wish::Keep if list.contains_key(&self.shop) => return Ok(()),
            Wish::Keep if list.len() >= FAVOURITES_MAX => return Err(FavouriteRefusal::Full),
            Wish::Keep => {
                list.insert(self.shop, posting.now());
                true
            }
            Wish::Drop if list.remove(&self.shop).is_none() => return Ok(()),
            Wish::Drop => false,
        };
        let changed = Changed { company: self.company, kept, at: posting.now() };
        facts.changed.insert((self.member, self.shop), changed);
        Ok(())
    }

    fn save(facts: FavouriteFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_favourites(tx, &facts)
    }
}
