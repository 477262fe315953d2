//! The tables `site_shop`, `site_offer` and `site_offer_tier`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cap::Caps;
use crate::offer::state::Shelf;
use crate::offer::{
    Offer, OfferFacts, OfferTerms, OfferVersion, Repeat, Reward, SaveOffer, Shop, Tier,
};
use store::{Fault, Insert, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, Reference, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_SHOPS.listed(),
    READ_SHOPS.listed(),
    FIND_SHOPS.listed(),
    ADD_OFFERS.listed(),
    READ_OFFERS.listed(),
    FIND_OFFERS.listed(),
    ADD_TIERS.listed(),
    READ_TIERS.listed(),
    FIND_TIERS.listed(),
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
    "SELECT id, company, slug, name, reading, category, listed
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
    "rejections",
    "repeat_kind",
    "guaranteed",
    "conversions_max",
    "commission_max",
    "tier_count",
];

static READ_OFFERS: Statement = Statement::new(
    "read offers",
    "SELECT id, version, company, shop, network, account, reward_kind, reward, member_part,
            record_by_days, decide_by_days, cookie_days, conditions, tracking_url, starts_at, ends_at,
            rejections, repeat_kind, guaranteed, conversions_max, commission_max
     FROM site_offer
     WHERE company = ?
     ORDER BY id, version
     LIMIT 1000000",
);

static FIND_OFFERS: Statement = Statement::new(
    "find offers",
    "SELECT id, version, company, shop, network, account, reward_kind, reward, member_part,
            record_by_days, decide_by_days, cookie_days, conditions, tracking_url, starts_at, ends_at,
            rejections, repeat_kind, guaranteed, conversions_max, commission_max
     FROM site_offer
     WHERE id IN (?*)
     ORDER BY id, version",
);

static ADD_TIERS: Insert =
    Insert { name: "add tiers of offers", table: "site_offer_tier", columns: TIER_COLUMNS };

const TIER_COLUMNS: &[&str] = &[
    "offer",
    "version",
    "place",
    "company",
    "item",
    "name",
    "reward_kind",
    "reward",
    "member_part",
];

// The whole table, as the offers.
static READ_TIERS: Statement = Statement::new(
    "read tiers of offers",
    "SELECT offer, version, place, item, name, reward_kind, reward, member_part
     FROM site_offer_tier
     WHERE company = ?
     ORDER BY offer, version, place
     LIMIT 1000000",
);

// By the primary key.
static FIND_TIERS: Statement = Statement::new(
    "find tiers of offers",
    "SELECT offer, version, place, item, name, reward_kind, reward, member_part
     FROM site_offer_tier
     WHERE offer IN (?*)
     ORDER BY offer, version, place",
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
    let tiers = tiers_of(&reader.query(&READ_TIERS, &[company.into()])?)?;
    collect_offers(&reader.query(&READ_OFFERS, &[company.into()])?, &tiers, &mut offers)?;
    Ok(Shelf::new(shops, offers))
}

/// Finds shops by their ids.
pub(crate) fn load_shops(
    tx: &mut Tx<'_>,
    shops: impl Iterator<Item = Id<kind::Shop>>,
) -> Result<BTreeMap<Id<kind::Shop>, Shop>, Fault> {
    let ids: Vec<Value> = shops.map(Value::from).collect();
    let rows = tx.query_list(&FIND_SHOPS, &[], &ids)?;
    rows.iter().map(|row| Ok((row.id(0)?, shop_of(row)?))).collect()
}

pub(crate) fn load_offers<'a>(
    tx: &mut Tx<'_>,
    slice: impl Iterator<Item = &'a SaveOffer> + Clone,
) -> Result<OfferFacts, Fault> {
    let shops: Vec<Value> = slice.clone().map(|command| command.shop.into()).collect();
    let mut facts = OfferFacts::default();
    for row in tx.query_list(&FIND_SHOPS, &[], &shops)? {
        facts.shops.insert((row.company(1)?, row.id(0)?));
    }
    let ids: BTreeSet<Id<kind::Offer>> = slice.map(|command| command.id).collect();
    let ids: Vec<Value> = ids.into_iter().map(Value::from).collect();
    let tiers = find_tiers(tx, &ids)?;
    collect_offers(&tx.query_list(&FIND_OFFERS, &[], &ids)?, &tiers, &mut facts.offers)?;
    Ok(facts)
}

pub(crate) fn save_offers(tx: &mut Tx<'_>, facts: &OfferFacts) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(facts.added.len());
    let mut tiers = Vec::new();
    for (id, number, saved_at) in &facts.added {
        let offer = facts.offers.get(id);
        let version = offer.and_then(|o| o.versions.iter().find(|v| v.version == *number));
        if let (Some(offer), Some(version)) = (offer, version) {
            rows.push(offer_row(offer, version, *saved_at));
            let places = (0_u32..).zip(version.terms.tiers.iter());
            tiers.extend(places.map(|(place, tier)| tier_row(offer, version, place, tier)));
        }
    }
    tx.insert(&ADD_OFFERS, &rows)?;
    tx.insert(&ADD_TIERS, &tiers)
}

/// Gives a reward's three columns: its kind, the network's and the member's part.
fn reward_values(reward: Reward) -> [Value; 3] {
    match reward {
        Reward::Fixed { network, member } => ["fixed".into(), network.into(), member.into()],
        Reward::Rate { network, member } => ["rate".into(), network.into(), member.into()],
    }
}

fn tier_row(offer: &Offer, version: &OfferVersion, place: u32, tier: &Tier) -> [Value; 9] {
    let [kind, reward, member] = reward_values(tier.reward);
    [
        offer.id.into(),
        version.version.into(),
        place.into(),
        offer.company.into(),
        (&tier.item).into(),
        (&tier.name).into(),
        kind,
        reward,
        member,
    ]
}

fn offer_row(offer: &Offer, version: &OfferVersion, saved_at: Timestamp) -> [Value; 23] {
    let terms = &version.terms;
    let [kind, reward, member] = reward_values(terms.reward);
    [
        offer.id.into(),
        version.version.into(),
        offer.company.into(),
        offer.shop.into(),
        terms.network.as_str().into(),
        terms.account.as_str().into(),
        kind,
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
        terms.rejections.as_str().into(),
        terms.repeat.code().into(),
        terms.guaranteed.into(),
        terms.caps.conversions_max.into(),
        terms.caps.commission_max.into(),
        u32::try_from(terms.tiers.len()).unwrap_or(u32::MAX).into(),
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

/// The tiers of each version.
pub(crate) type Tiers = BTreeMap<(Id<kind::Offer>, u32), Arc<[Tier]>>;

/// Finds the tiers of all versions of some offers.
pub(crate) fn find_tiers(reader: &mut Reader<'_>, offers: &[Value]) -> Result<Tiers, Fault> {
    tiers_of(&reader.query_list(&FIND_TIERS, &[], offers)?)
}

fn tiers_of(rows: &[Row<'_>]) -> Result<Tiers, Fault> {
    let mut found: BTreeMap<(Id<kind::Offer>, u32), BTreeMap<u32, Tier>> = BTreeMap::new();
    for row in rows {
        let tier = Tier {
            item: row.parsed(3, |text| Reference::parse(text).ok())?,
            name: row.parsed(4, |text| Label::parse(text).ok())?,
            reward: reward_of(row, 5)?,
        };
        // A list is asked for in parts, and a part may be filled up with its last id.
        found.entry((row.id(0)?, row.small(1)?)).or_default().insert(row.small(2)?, tier);
    }
    Ok(found.into_iter().map(|(key, tiers)| (key, tiers.into_values().collect())).collect())
}

fn collect_offers(
    rows: &[Row<'_>],
    tiers: &Tiers,
    offers: &mut BTreeMap<Id<kind::Offer>, Offer>,
) -> Result<(), Fault> {
    for row in rows {
        let (id, number) = (row.id(0)?, row.small(1)?);
        let version = version_of(row, tiers.get(&(id, number)).cloned().unwrap_or_default())?;
        let offer = Offer { id, company: row.company(2)?, shop: row.id(3)?, versions: Vec::new() };
        let offer = offers.entry(offer.id).or_insert(offer);
        // A list is asked for in parts, and a part may be filled up with its last id.
        if offer.versions.iter().all(|known| known.version != version.version) {
            offer.versions.push(version);
        }
    }
    Ok(())
}

fn version_of(row: &Row<'_>, tiers: Arc<[Tier]>) -> Result<OfferVersion, Fault> {
    Ok(OfferVersion {
        version: row.small(1)?,
        terms: OfferTerms {
            network: row.parsed(4, |text| Token::parse(text).ok())?,
            account: row.parsed(5, |text| Token::parse(text).ok())?,
            reward: reward_of(row, 6)?,
            tiers,
            repeat: row.parsed(17, Repeat::parse)?,
            guaranteed: row.boolean(18)?,
            caps: Caps {
                conversions_max: row.optional_small(19)?,
                commission_max: row.optional_amount(20)?,
            },
            record_by_days: days(row, 9)?,
            decide_by_days: days(row, 10)?,
            cookie_days: days(row, 11)?,
            conditions: row.text(12)?.to_owned(),
            rejections: row.text(16)?.to_owned(),
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
