//! The table `site_click`.

use std::collections::{BTreeMap, BTreeSet};

use crate::click::{Click, ClickMark};
use crate::conversion::Route;
use crate::offer::Repeat;
use crate::offer::store::{Tiers, days, find_tiers, reward_of};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Token, kind};

pub(crate) const STATEMENTS: &[Listed] =
    &[SAVE_CLICKS.listed(), FIND_ROUTES.listed(), LIST_CLICKS.listed()];

static SAVE_CLICKS: Upsert = Upsert {
    name: "save clicks",
    table: "site_click",
    columns: &["id", "company", "member", "shop", "offer", "offer_version", "clicked_at", "mark"],
    keys: &["id"],
    updates: &[],
};

static FIND_ROUTES: Statement = Statement::new(
    "find clicks with their terms",
    "SELECT c.id, c.member, c.shop, c.offer, c.offer_version, c.clicked_at, o.network, o.account,
            o.reward_kind, o.reward, o.member_part, o.decide_by_days, o.cookie_days,
            o.repeat_kind, o.conversions_max, o.commission_max, o.tier_count
     FROM site_click AS c
     JOIN site_offer AS o ON o.id = c.offer AND o.version = c.offer_version
     WHERE c.company = ? AND c.id IN (?*)",
);

// Index site_click_member.
static LIST_CLICKS: Statement = Statement::new(
    "list clicks of a member",
    "SELECT id, company, member, shop, offer, offer_version, clicked_at, mark
     FROM site_click
     WHERE member = ? AND id < ?
     ORDER BY id DESC
     LIMIT ?",
);

pub(crate) fn save_clicks(tx: &mut Tx<'_>, clicks: &[Click]) -> Result<(), Fault> {
    let rows: Vec<[Value; 8]> = clicks
        .iter()
        .map(|click| {
            [
                click.id.into(),
                click.company.into(),
                click.member.into(),
                click.shop.into(),
                click.offer.into(),
                click.offer_version.into(),
                click.clicked_at.into(),
                click.mark.map(ClickMark::code).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_CLICKS, &rows)
}

/// Finds clicks with the terms of the versions they were made under.
pub(crate) fn find_routes(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    clicks: &[Id<kind::Click>],
) -> Result<BTreeMap<Id<kind::Click>, Route>, Fault> {
    let list: Vec<Value> = clicks.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_ROUTES, &[company.into()], &list)?;
    let mut tiered: BTreeSet<Id<kind::Offer>> = BTreeSet::new();
    for row in &rows {
        if row.small(16)? > 0 {
            tiered.insert(row.id(3)?);
        }
    }
    let tiered: Vec<Value> = tiered.into_iter().map(Value::from).collect();
    let tiers = find_tiers(reader, &tiered)?;
    rows.iter().map(|row| route_of(row, &tiers).map(|route| (route.click, route))).collect()
}

fn route_of(row: &Row<'_>, tiers: &Tiers) -> Result<Route, Fault> {
    let (offer, offer_version) = (row.id(3)?, row.small(4)?);
    Ok(Route {
        click: row.id(0)?,
        member: row.id(1)?,
        shop: row.id(2)?,
        offer,
        offer_version,
        clicked_at: row.timestamp(5)?,
        network: row.parsed(6, |text| Token::parse(text).ok())?,
        account: row.parsed(7, |text| Token::parse(text).ok())?,
        reward: reward_of(row, 8)?,
        tiers: tiers.get(&(offer, offer_version)).cloned().unwrap_or_default(),
        repeat: row.parsed(13, Repeat::parse)?,
        capped: row.optional_small(14)?.is_some() || row.optional_amount(15)?.is_some(),
        decide_by_days: days(row, 11)?,
        cookie_days: days(row, 12)?,
    })
}

/// Lists a member's clicks before `before`, the newest first.
pub(crate) fn list_clicks(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    before: Option<Id<kind::Click>>,
    limit: u32,
) -> Result<Vec<Click>, Fault> {
    let before = before.unwrap_or(Id::from_bits(u128::MAX));
    let values = [member.into(), before.into(), limit.into()];
    let rows = reader.query(&LIST_CLICKS, &values)?;
    rows.iter()
        .map(|row| {
            Ok(Click {
                id: row.id(0)?,
                company: row.company(1)?,
                member: row.id(2)?,
                shop: row.id(3)?,
                offer: row.id(4)?,
                offer_version: row.small(5)?,
                clicked_at: row.timestamp(6)?,
                mark: row.optional_text(7)?.and_then(ClickMark::parse),
            })
        })
        .collect()
}
