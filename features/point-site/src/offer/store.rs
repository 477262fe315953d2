//! The tables `site_shop` and `site_offer`.

use std::collections::{BTreeMap, BTreeSet};

use crate::offer::state::Shelf;
use crate::offer::{Offer, OfferFacts, OfferTerms, OfferVersion, Reward, SaveOffer, Shop};
use store::{Fault, Insert, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_SHOPS.listed(),
    READ_SHOPS.listed(),
    FIND_SHOPS.listed(),
    ADD_OFFERS.listed(),
    READ_OFFERS.listed(),
    FIND_OFFERS.listed(),
];

static SAVE_SHOPS: Upsert = Upsert {
    name: "save shops",
    table: "site_shop",
    columns: &["id", "company", "slug", "name", "reading", "category", "listed", "saved_at"],
    keys: &["id"],
    updates: &["name", "reading", "category", "listed", "saved_at"],
};

// The whole table: a site has thousands of shops, and the catalogue holds them all.
static READ_SHOPS: Statement = Statement::new(
    "read shops",
    "SELECT id, company, slug, name, reading, category, listed
     FROM site_shop
     WHERE company = ?
     ORDER BY id
     LIMIT 100000",
);

static FIND_SHOPS: Statement = Statement::new(
    "find shops",
    "SELECT id, company
     FROM site_shop
     WHERE id IN (?*)",
);

static ADD_OFFERS: Insert =
    Insert { name: "add offer versions", table: "site_offer", columns: OFFER_COLUMNS };

const OFFER_COLUMNS: &[&str] = &[
    "id",
    "version",
    "company",
    "shop",
    "network",
    "account",
    "reward_kind",
    "reward",
    "member_part",
    "record_by_days",
    "decide_by_days",
    "cookie_days",
    "conditions",
    "tracking_url",
    "starts_at",
    "ends_at",
    "saved_at",
];

static READ_OFFERS: Statement = Statement::new(
    "read offers",
    "SELECT id, version, company, shop, network, account, reward_kind, reward, member_part,
            record_by_days, decide_by_days, cookie_days, conditions, tracking_url, starts_at, ends_at
     FROM site_offer
     WHERE company = ?
     ORDER BY id, version
     LIMIT 1000000",
);

static FIND_OFFERS: Statement = Statement::new(
    "find offers",
    "SELECT id, version, company, shop, network, account, reward_kind, reward, member_part,
            record_by_days, decide_by_days, cookie_days, conditions, tracking_url, starts_at, ends_at
     FROM site_offer
     WHERE id IN (?*)
     ORDER BY id, version",
);

pub(crate) fn save_shops<'a>(
    tx: &mut Tx<'_>,
    shops: impl Iterator<Item = &'a (Shop, Timestamp)>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 8]> = shops
        .map(|(shop, saved_at)| {
            [
                shop.id().into(),
                shop.company.into(),
                shop.slug.as_str().into(),
                (&shop.name).into(),
                (&shop.reading).into(),
                shop.category.as_str().into(),
                shop.listed.into(),
                (*saved_at).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_SHOPS, &rows)
}

/// Reads all shops and offers of a company.
pub(crate) fn read_shelf(reader: &mut Reader<'_>, company: CompanyNumber) -> Result<Shelf, Fault> {
    let mut shops = BTreeMap::new();
    for row in reader.query(&READ_SHOPS, &[company.into()])? {
        shops.insert(row.id(0)?, shop_of(&row)?);
    }
    let mut offers = BTreeMap::new();
    collect_offers(&reader.query(&READ_OFFERS, &[company.into()])?, &mut offers)?;
    Ok(Shelf::new(shops, offers))
}

pub(crate) fn load_offers(tx: &mut Tx<'_>, slice: &[SaveOffer]) -> Result<OfferFacts, Fault> {
    let shops: Vec<Value> = slice.iter().map(|command| command.shop.into()).collect();
    let mut facts = OfferFacts::default();
    for row in tx.query_list(&FIND_SHOPS, &[], &shops)? {
        facts.shops.insert((row.company(1)?, row.id(0)?));
    }
    let ids: BTreeSet<Id<kind::Offer>> = slice.iter().map(|command| command.id).collect();
    let ids: Vec<Value> = ids.into_iter().map(Value::from).collect();
    collect_offers(&tx.query_list(&FIND_OFFERS, &[], &ids)?, &mut facts.offers)?;
    Ok(facts)
}

pub(crate) fn save_offers(tx: &mut Tx<'_>, facts: &OfferFacts) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(facts.added.len());
    for (id, number, saved_at) in &facts.added {
        let offer = facts.offers.get(id);
        let version = offer.and_then(|o| o.versions.iter().find(|v| v.version == *number));
        if let (Some(offer), Some(version)) = (offer, version) {
            rows.push(offer_row(offer, version, *saved_at));
        }
    }
    tx.insert(&ADD_OFFERS, &rows)
}

fn offer_row(offer: &Offer, version: &OfferVersion, saved_at: Timestamp) -> [Value; 17] {
    let terms = &version.terms;
    let (kind, reward, member): (&str, Value, Value) = match terms.reward {
        Reward::Fixed { network, member } => ("fixed", network.into(), member.into()),
        Reward::Rate { network, member } => ("rate", network.into(), member.into()),
    };
    [
        offer.id.into(),
        version.version.into(),
        offer.company.into(),
        offer.shop.into(),
        terms.network.as_str().into(),
        terms.account.as_str().into(),
        kind.into(),
        reward,
        member,
        terms.record_by_days.into(),
        terms.decide_by_days.into(),
        terms.cookie_days.into(),
        terms.conditions.as_str().into(),
        terms.tracking_url.as_str().into(),
        version.starts_at.into(),
        version.ends_at.into(),
        saved_at.into(),
    ]
}

fn shop_of(row: &Row<'_>) -> Result<Shop, Fault> {
    Ok(Shop {
        company: row.company(1)?,
        slug: row.parsed(2, |text| Token::parse(text).ok())?,
        name: row.parsed(3, |text| Label::parse(text).ok())?,
        reading: row.parsed(4, |text| Label::parse(text).ok())?,
        category: row.parsed(5, |text| Token::parse(text).ok())?,
        listed: row.boolean(6)?,
    })
}

fn collect_offers(
    rows: &[Row<'_>],
    offers: &mut BTreeMap<Id<kind::Offer>, Offer>,
) -> Result<(), Fault> {
    for row in rows {
        let version = version_of(row)?;
        let offer = Offer {
            id: row.id(0)?,
            company: row.company(2)?,
            shop: row.id(3)?,
            versions: Vec::new(),
        };
        let offer = offers.entry(offer.id).or_insert(offer);
        // A list is asked for in parts, and a part may be filled up with its last id.
        if offer.versions.iter().all(|known| known.version != version.version) {
            offer.versions.push(version);
        }
    }
    Ok(())
}

fn version_of(row: &Row<'_>) -> Result<OfferVersion, Fault> {
    Ok(OfferVersion {
        version: row.small(1)?,
        terms: OfferTerms {
            network: row.parsed(4, |text| Token::parse(text).ok())?,
            account: row.parsed(5, |text| Token::parse(text).ok())?,
            reward: reward_of(row, 6)?,
            record_by_days: days(row, 9)?,
            decide_by_days: days(row, 10)?,
            cookie_days: days(row, 11)?,
            conditions: row.text(12)?.to_owned(),
            tracking_url: row.text(13)?.to_owned(),
        },
        starts_at: row.timestamp(14)?,
        ends_at: row.optional_timestamp(15)?,
    })
}

/// Reads a reward from three columns: its kind, the network's and the member's part.
pub(crate) fn reward_of(row: &Row<'_>, first: usize) -> Result<Reward, Fault> {
    let (network, member) = (first.saturating_add(1), first.saturating_add(2));
    match row.text(first)? {
        "fixed" => Ok(Reward::Fixed { network: row.amount(network)?, member: row.amount(member)? }),
        "rate" => Ok(Reward::Rate { network: row.small(network)?, member: row.small(member)? }),
        _ => Err(row.corrupt("reward")),
    }
}

/// Reads a number of days.
pub(crate) fn days(row: &Row<'_>, column: usize) -> Result<u16, Fault> {
    u16::try_from(row.small(column)?).map_err(|_range| row.corrupt("number of days"))
}
