//! The table `site_favourite`.

use std::collections::BTreeSet;

use crate::favourite::FavouriteFacts;
use store::{Fault, Listed, Reader, Statement, Tx, Upsert, Value};
use vocabulary::{Id, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    FIND_KEPT.listed(),
    FIND_FAVOURITE.listed(),
    LIST_FAVOURITES.listed(),
    LIST_KEEPERS.listed(),
    SAVE_FAVOURITES.listed(),
];

// By the primary key; at most some hundred rows a member.
static FIND_KEPT: Statement = Statement::new(
    "find favourites of members",
    "SELECT member, shop, added_at
     FROM site_favourite
     WHERE kept = 1 AND member IN (?*)",
);

// By the primary key.
static FIND_FAVOURITE: Statement = Statement::new(
    "find a favourite",
    "SELECT kept
     FROM site_favourite
     WHERE member = ? AND shop = ?",
);

// By the primary key.
static LIST_FAVOURITES: Statement = Statement::new(
    "list favourites of a member",
    "SELECT shop
     FROM site_favourite
     WHERE member = ? AND kept = 1
     ORDER BY added_at DESC, shop
     LIMIT ?",
);

// Index site_favourite_shop.
static LIST_KEEPERS: Statement = Statement::new(
    "list members who keep a shop",
    "SELECT member
     FROM site_favourite
     WHERE shop = ? AND member > ? AND kept = 1
     ORDER BY member
     LIMIT ?",
);

static SAVE_FAVOURITES: Upsert = Upsert {
    name: "save favourites",
    table: "site_favourite",
    columns: &["member", "shop", "company", "kept", "added_at"],
    keys: &["member", "shop"],
    updates: &["kept", "added_at"],
};

/// Loads the lists of the members that a slice names.
pub(crate) fn load_counts(
    tx: &mut Tx<'_>,
    members: impl Iterator<Item = Id<kind::Member>>,
) -> Result<FavouriteFacts, Fault> {
    let members: BTreeSet<Id<kind::Member>> = members.collect();
    let list: Vec<Value> = members.into_iter().map(Value::from).collect();
    let mut facts = FavouriteFacts::default();
    for row in tx.query_list(&FIND_KEPT, &[], &list)? {
        let list = facts.kept.entry(row.id(0)?).or_default();
        list.insert(row.id(1)?, row.timestamp(2)?);
    }
    Ok(facts)
}

pub(crate) fn save_favourites(tx: &mut Tx<'_>, facts: &FavouriteFacts) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = facts
        .changed
        .iter()
        .map(|((member, shop), changed)| {
            let at = changed.at.into();
            [(*member).into(), (*shop).into(), changed.company.into(), changed.kept.into(), at]
        })
        .collect();
    tx.upsert(&SAVE_FAVOURITES, &rows)
}

/// Tells whether a member keeps a shop.
pub(crate) fn keeps(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    shop: Id<kind::Shop>,
) -> Result<bool, Fault> {
    let row = reader.query_one(&FIND_FAVOURITE, &[member.into(), shop.into()])?;
    row.map_or(Ok(false), |row| row.boolean(0))
}

/// Lists the shops that a member keeps, the latest first.
pub(crate) fn list_favourites(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<Id<kind::Shop>>, Fault> {
    let rows = reader.query(&LIST_FAVOURITES, &[member.into(), limit.into()])?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// Lists who keeps a shop, in the order of their ids, after one of them.
pub(crate) fn list_keepers(
    reader: &mut Reader<'_>,
    shop: Id<kind::Shop>,
    after: Option<Id<kind::Member>>,
    limit: u32,
) -> Result<Vec<Id<kind::Member>>, Fault> {
    let after = after.unwrap_or(Id::from_bits(0));
    let rows = reader.query(&LIST_KEEPERS, &[shop.into(), after.into(), limit.into()])?;
    rows.iter().map(|row| row.id(0)).collect()
}
