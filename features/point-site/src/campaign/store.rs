//! The tables `site_campaign`, `site_campaign_member` and `site_first_purchase`.

use std::collections::{BTreeMap, BTreeSet};

use crate::campaign::{Campaign, CampaignReward, CampaignState, Participation, Rules};
use crate::follow_up::Seen;
use crate::follow_up::store::seen_of;
use crate::offer::store::days;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    FIND_CAMPAIGNS.listed(),
    FIND_IN_FORCE.listed(),
    LIST_CAMPAIGNS.listed(),
    SAVE_CAMPAIGNS.listed(),
    SAVE_WINNERS.listed(),
    FIND_PARTS.listed(),
    SAVE_PARTS.listed(),
    FIND_FIRSTS.listed(),
    ADD_FIRSTS.listed(),
    READ_PAST.listed(),
];

macro_rules! campaigns_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, company, name, about, starts_at, ends_at, entry, first_purchase, sale_min,
            shops, categories, reward_kind, reward, member_max, winners_max, delay_days, budget,
            version, state, made_by, proposed_by, approved_by, winners
     FROM site_campaign
     ",
            $condition
        )
    };
}

static FIND_CAMPAIGNS: Statement =
    Statement::new("find campaigns", campaigns_where!("WHERE +company = ? AND id IN (?*)"));

// Index site_campaign_ends. Those that ended before the oldest click are not looked at.
static FIND_IN_FORCE: Statement = Statement::new(
    "find campaigns in force",
    campaigns_where!(
        "WHERE company = ? AND ends_at > ? AND starts_at <= ?
       AND state IN ('approved', 'stopped', 'closed')
     ORDER BY ends_at, id
     LIMIT 1000"
    ),
);

// Index site_campaign_ends.
static LIST_CAMPAIGNS: Statement = Statement::new(
    "list campaigns",
    campaigns_where!(
        "WHERE company = ?
     ORDER BY ends_at DESC, id DESC
     LIMIT ?"
    ),
);

const COLUMNS: &[&str] = &[
    "id",
    "company",
    "name",
    "about",
    "starts_at",
    "ends_at",
    "entry",
    "first_purchase",
    "sale_min",
    "shops",
    "categories",
    "reward_kind",
    "reward",
    "member_max",
    "winners_max",
    "delay_days",
    "budget",
    "state",
    "version",
    "made_by",
    "proposed_by",
    "approved_by",
    "winners",
    "saved_at",
];

// Winners are counted by what follows from conversions alone.
static SAVE_CAMPAIGNS: Upsert = Upsert {
    name: "save campaigns",
    table: "site_campaign",
    columns: COLUMNS,
    keys: &["id"],
    updates: &[
        "name",
        "about",
        "starts_at",
        "ends_at",
        "entry",
        "first_purchase",
        "sale_min",
        "shops",
        "categories",
        "reward_kind",
        "reward",
        "member_max",
        "winners_max",
        "delay_days",
        "budget",
        "state",
        "version",
        "made_by",
        "proposed_by",
        "approved_by",
        "saved_at",
    ],
};

// Nothing but the count: another node may stop the campaign meanwhile.
static SAVE_WINNERS: Upsert = Upsert {
    name: "save winners of campaigns",
    table: "site_campaign",
    columns: COLUMNS,
    keys: &["id"],
    updates: &["winners"],
};

// Index site_campaign_member_of.
static FIND_PARTS: Statement = Statement::new(
    "find how members take part",
    "SELECT campaign, member, entered_at, awards, points
     FROM site_campaign_member
     WHERE member IN (?*)",
);

static SAVE_PARTS: Upsert = Upsert {
    name: "save how members take part",
    table: "site_campaign_member",
    columns: &["campaign", "member", "entered_at", "awards", "points"],
    keys: &["campaign", "member"],
    updates: &["entered_at", "awards", "points"],
};

static FIND_FIRSTS: Statement = Statement::new(
    "find first purchases",
    "SELECT member, conversion
     FROM site_first_purchase
     WHERE company = ? AND member IN (?*)",
);

static ADD_FIRSTS: Upsert = Upsert {
    name: "add first purchases",
    table: "site_first_purchase",
    columns: &["company", "member", "conversion"],
    keys: &["company", "member"],
    updates: &[],
};

// By the primary key: ids sort by the moment of the purchase.
static READ_PAST: Statement = Statement::new(
    "read past conversions",
    "SELECT c.id, c.member, c.shop, s.category, c.click, c.clicked_at, c.order_ref, c.sale,
            c.points, c.state, c.decided_at, c.expectation, c.due_at
     FROM site_conversion AS c
     JOIN site_shop AS s ON s.id = c.shop
     WHERE +c.company = ? AND c.id > ?
     ORDER BY c.id
     LIMIT ?",
);

/// How members take part in campaigns.
pub(crate) type Parts = BTreeMap<(Id<kind::Campaign>, Id<kind::Member>), Participation>;

pub(crate) fn find_campaigns(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &[Id<kind::Campaign>],
) -> Result<BTreeMap<Id<kind::Campaign>, Campaign>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_CAMPAIGNS, &[company.into()], &list)?;
    rows.iter().map(|row| campaign_of(row).map(|found| (found.id, found))).collect()
}

/// Finds the campaigns whose period has a click between two moments, in the order of their ends.
pub(crate) fn find_in_force(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (first, last): (Timestamp, Timestamp),
) -> Result<Vec<Campaign>, Fault> {
    let rows = reader.query(&FIND_IN_FORCE, &[company.into(), first.into(), last.into()])?;
    rows.iter().map(campaign_of).collect()
}

/// Lists campaigns, those that end last first.
pub(crate) fn list_campaigns(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Campaign>, Fault> {
    let rows = reader.query(&LIST_CAMPAIGNS, &[company.into(), limit.into()])?;
    rows.iter().map(campaign_of).collect()
}

pub(crate) fn save_campaigns(
    tx: &mut Tx<'_>,
    campaigns: &[&Campaign],
    now: Timestamp,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 24]> = campaigns.iter().map(|one| row_of(one, now)).collect();
    tx.upsert(&SAVE_CAMPAIGNS, &rows)
}

pub(crate) fn save_winners(
    tx: &mut Tx<'_>,
    campaigns: &[&Campaign],
    now: Timestamp,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 24]> = campaigns.iter().map(|one| row_of(one, now)).collect();
    tx.upsert(&SAVE_WINNERS, &rows)
}

/// Finds how members take part in all campaigns.
pub(crate) fn find_parts(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<Parts, Fault> {
    let list: Vec<Value> = members.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_PARTS, &[], &list)?;
    rows.iter()
        .map(|row| {
            let part = Participation {
                entered_at: row.optional_timestamp(2)?,
                awards: row.small(3)?,
                points: row.amount(4)?,
            };
            Ok(((row.id(0)?, row.id(1)?), part))
        })
        .collect()
}

pub(crate) fn save_parts(
    tx: &mut Tx<'_>,
    parts: &Parts,
    changed: &BTreeSet<(Id<kind::Campaign>, Id<kind::Member>)>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = changed
        .iter()
        .filter_map(|key| {
            let part = parts.get(key)?;
            let (campaign, member) = *key;
            Some([
                campaign.into(),
                member.into(),
                part.entered_at.into(),
                part.awards.into(),
                part.points.into(),
            ])
        })
        .collect();
    tx.upsert(&SAVE_PARTS, &rows)
}

/// Finds the first conversions of members.
pub(crate) fn find_firsts(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, Id<kind::Conversion>>, Fault> {
    let list: Vec<Value> = members.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_FIRSTS, &[company.into()], &list)?;
    rows.iter().map(|row| Ok((row.id(0)?, row.id(1)?))).collect()
}

pub(crate) fn add_firsts(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    firsts: &[(Id<kind::Member>, Id<kind::Conversion>)],
) -> Result<(), Fault> {
    let row = |&(member, conversion): &(Id<kind::Member>, Id<kind::Conversion>)| {
        [company.into(), member.into(), conversion.into()]
    };
    tx.upsert(&ADD_FIRSTS, &firsts.iter().map(row).collect::<Vec<[Value; 3]>>())
}

/// Reads conversions after an id, in order.
pub(crate) fn read_past(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    after: Id<kind::Conversion>,
    limit: u32,
) -> Result<Vec<Seen>, Fault> {
    let rows = reader.query(&READ_PAST, &[company.into(), after.into(), limit.into()])?;
    rows.iter().map(seen_of).collect()
}

fn row_of(campaign: &Campaign, now: Timestamp) -> [Value; 24] {
    let rules = &campaign.rules;
    let reward: Value = match rules.reward {
        CampaignReward::Fixed(amount) => amount.into(),
        CampaignReward::OfSale(rate) | CampaignReward::OfPoints(rate) => rate.into(),
    };
    let proposed_by = match campaign.state {
        CampaignState::Proposed { by } => Some(by.get()),
        CampaignState::Draft
        | CampaignState::Approved
        | CampaignState::Stopped
        | CampaignState::Closed => None,
    };
    let shops: Vec<String> = rules.shops.iter().map(ToString::to_string).collect();
    let categories: Vec<&str> = rules.categories.iter().map(Token::as_str).collect();
    [
        campaign.id.into(),
        campaign.company.into(),
        (&campaign.name).into(),
        campaign.about.as_str().into(),
        rules.starts_at.into(),
        rules.ends_at.into(),
        rules.entry.into(),
        rules.first_purchase.into(),
        rules.sale_min.into(),
        shops.join(" ").into(),
        categories.join(" ").into(),
        rules.reward.code().into(),
        reward,
        rules.member_max.unwrap_or(Amount::ZERO).into(),
        rules.winners_max.unwrap_or(0).into(),
        rules.delay_days.into(),
        rules.budget.into(),
        campaign.state.code().into(),
        campaign.version.into(),
        campaign.made_by.get().into(),
        proposed_by.into(),
        campaign.approved_by.map(ActorNumber::get).into(),
        campaign.winners.into(),
        now.into(),
    ]
}

fn rules_of(row: &Row<'_>) -> Result<Rules, Fault> {
    let reward = match row.text(11)? {
        "fixed" => CampaignReward::Fixed(row.amount(12)?),
        "sale" => CampaignReward::OfSale(row.small(12)?),
        "points" => CampaignReward::OfPoints(row.small(12)?),
        _ => return Err(row.corrupt("reward of a campaign")),
    };
    let (member_max, winners_max) = (row.amount(13)?, row.small(14)?);
    Ok(Rules {
        starts_at: row.timestamp(4)?,
        ends_at: row.timestamp(5)?,
        entry: row.boolean(6)?,
        first_purchase: row.boolean(7)?,
        sale_min: row.amount(8)?,
        shops: row
            .parsed(9, |text| text.split_whitespace().map(|id| Id::parse(id).ok()).collect())?,
        categories: row.parsed(10, |text| {
            text.split_whitespace().map(|one| Token::parse(one).ok()).collect()
        })?,
        reward,
        member_max: (!member_max.is_zero()).then_some(member_max),
        winners_max: (winners_max > 0).then_some(winners_max),
        delay_days: days(row, 15)?,
        budget: row.amount(16)?,
    })
}

fn campaign_of(row: &Row<'_>) -> Result<Campaign, Fault> {
    let state = match row.text(18)? {
        "draft" => CampaignState::Draft,
        "proposed" => CampaignState::Proposed { by: ActorNumber::from_number(row.unsigned(20)?) },
        "approved" => CampaignState::Approved,
        "stopped" => CampaignState::Stopped,
        "closed" => CampaignState::Closed,
        _ => return Err(row.corrupt("state of a campaign")),
    };
    Ok(Campaign {
        id: row.id(0)?,
        company: row.company(1)?,
        name: row.parsed(2, |text| Label::parse(text).ok())?,
        about: row.text(3)?.to_owned(),
        rules: rules_of(row)?,
        version: row.small(17)?,
        state,
        made_by: ActorNumber::from_number(row.unsigned(19)?),
        approved_by: row.optional_unsigned(21)?.map(ActorNumber::from_number),
        winners: row.small(22)?,
    })
}
