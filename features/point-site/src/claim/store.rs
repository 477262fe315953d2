//! The tables `site_guarantee`, `site_claim` and `site_claim_event`.

use std::collections::{BTreeMap, BTreeSet};

use crate::claim::command::{ClaimedClick, SaveGuarantee};
use crate::claim::{
    Claim, ClaimAction, ClaimEvent, ClaimKind, ClaimState, Evidence, Guarantee, Purchase, Recorded,
};
use crate::conversion::store::state_of;
use crate::offer::store::{days, reward_of};
use ledger::ActorNumber;
use store::{Fault, Insert, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Reference, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_GUARANTEES.listed(),
    FIND_PURCHASES.listed(),
    FIND_GUARANTEES.listed(),
    FIND_RECORDED.listed(),
    FIND_CLAIMS.listed(),
    FIND_CLAIMS_OF_CLICKS.listed(),
    FIND_CLAIMS_OF_ORDERS.listed(),
    LIST_OF_MEMBER.listed(),
    LIST_OF_STATE.listed(),
    COUNT_STATES.listed(),
    SAVE_CLAIMS.listed(),
    ADD_EVENTS.listed(),
    LIST_EVENTS.listed(),
    FIND_EVIDENCE_OF_CLICKS.listed(),
    FIND_EVIDENCE_OF_ORDERS.listed(),
];

static SAVE_GUARANTEES: Upsert = Upsert {
    name: "save guarantees",
    table: "site_guarantee",
    columns: &[
        "offer",
        "starts_at",
        "company",
        "offered",
        "file_after_days",
        "file_within_days",
        "late_within_days",
        "return_days",
        "answer_days",
    ],
    keys: &["offer", "starts_at"],
    updates: &[
        "offered",
        "file_after_days",
        "file_within_days",
        "late_within_days",
        "return_days",
        "answer_days",
    ],
};

static FIND_PURCHASES: Statement = Statement::new(
    "find clicks to claim about",
    "SELECT c.id, c.member, c.shop, s.name, c.clicked_at, c.offer, o.reward_kind, o.reward,
            o.member_part
     FROM site_click AS c
     JOIN site_offer AS o ON o.id = c.offer AND o.version = c.offer_version
     JOIN site_shop AS s ON s.id = c.shop
     WHERE c.company = ? AND c.id IN (?*)",
);

// By the primary key; an offer has few promises.
static FIND_GUARANTEES: Statement = Statement::new(
    "find guarantees of offers",
    "SELECT offer, starts_at, offered, file_after_days, file_within_days, late_within_days,
            return_days, answer_days
     FROM site_guarantee
     WHERE offer IN (?*)",
);

// Index site_conversion_click.
static FIND_RECORDED: Statement = Statement::new(
    "find what was recorded of clicks",
    "SELECT click, id, state, decided_at, expectation, order_ref, due_at
     FROM site_conversion
     WHERE click IN (?*)",
);

macro_rules! claims_where {
    ($condition:literal) => {
        concat!(
            "SELECT c.id, c.company, c.member, c.click, c.shop, s.name, c.kind, c.conversion,
            c.order_ref, c.purchased_on, c.sale, c.estimate, c.details, c.return_days, c.filed_at,
            c.due_at, c.owner, c.version, c.state, c.points, c.proposed_by, c.granted_at, c.pay_at
     FROM site_claim AS c
     JOIN site_shop AS s ON s.id = c.shop
     ",
            $condition
        )
    };
}

static FIND_CLAIMS: Statement =
    Statement::new("find claims", claims_where!("WHERE +c.company = ? AND c.id IN (?*)"));

// Index site_claim_click.
static FIND_CLAIMS_OF_CLICKS: Statement = Statement::new(
    "find claims of clicks",
    claims_where!("WHERE +c.company = ? AND c.click IN (?*)"),
);

// Index site_claim_order.
static FIND_CLAIMS_OF_ORDERS: Statement = Statement::new(
    "find claims of orders",
    claims_where!("WHERE c.company = ? AND c.order_ref IN (?*)"),
);

// Index site_claim_member.
static LIST_OF_MEMBER: Statement = Statement::new(
    "list claims of a member",
    claims_where!(
        "WHERE c.member = ?
     ORDER BY c.filed_at DESC, c.id DESC
     LIMIT ?"
    ),
);

// Index site_claim_state.
static LIST_OF_STATE: Statement = Statement::new(
    "list claims of a state",
    claims_where!(
        "WHERE c.company = ? AND c.state = ?
     ORDER BY c.due_at, c.id
     LIMIT ?"
    ),
);

// Index site_claim_state.
static COUNT_STATES: Statement = Statement::new(
    "count claims by state",
    "SELECT state, COUNT(*)
     FROM site_claim
     WHERE company = ? AND state IN ('open', 'asked', 'sent', 'proposed')
     GROUP BY state",
);

static SAVE_CLAIMS: Upsert = Upsert {
    name: "save claims",
    table: "site_claim",
    columns: &[
        "id",
        "company",
        "member",
        "click",
        "shop",
        "kind",
        "conversion",
        "order_ref",
        "purchased_on",
        "sale",
        "estimate",
        "details",
        "return_days",
        "filed_at",
        "due_at",
        "owner",
        "version",
        "state",
        "points",
        "proposed_by",
        "granted_at",
        "pay_at",
    ],
    keys: &["id"],
    updates: &["owner", "version", "state", "points", "proposed_by", "granted_at", "pay_at"],
};

static ADD_EVENTS: Insert = Insert {
    name: "add claim events",
    table: "site_claim_event",
    columns: &["claim", "version", "at", "actor", "action", "text"],
};

// By the primary key.
static LIST_EVENTS: Statement = Statement::new(
    "list claim events",
    "SELECT claim, version, at, actor, action, text
     FROM site_claim_event
     WHERE claim = ?
     ORDER BY version
     LIMIT 200",
);

// Index site_conversion_click.
static FIND_EVIDENCE_OF_CLICKS: Statement = Statement::new(
    "find conversions of claimed clicks",
    "SELECT id, click, member, shop, order_ref, state, decided_at, expectation
     FROM site_conversion
     WHERE +company = ? AND click IN (?*)",
);

// Index site_conversion_order.
static FIND_EVIDENCE_OF_ORDERS: Statement = Statement::new(
    "find conversions of claimed orders",
    "SELECT id, click, member, shop, order_ref, state, decided_at, expectation
     FROM site_conversion
     WHERE company = ? AND order_ref IN (?*)",
);

pub(crate) fn save_guarantees(tx: &mut Tx<'_>, guarantees: &[SaveGuarantee]) -> Result<(), Fault> {
    let rows: Vec<[Value; 9]> = guarantees
        .iter()
        .map(|SaveGuarantee { company, guarantee }| {
            [
                guarantee.offer.into(),
                guarantee.starts_at.into(),
                (*company).into(),
                guarantee.offered.into(),
                guarantee.file_after_days.into(),
                guarantee.file_within_days.into(),
                guarantee.late_within_days.into(),
                guarantee.return_days.into(),
                guarantee.answer_days.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_GUARANTEES, &rows)
}

/// Finds clicks with the terms they were made under, what was promised then, and what was recorded.
pub(crate) fn find_purchases(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    clicks: &[Id<kind::Click>],
) -> Result<BTreeMap<Id<kind::Click>, ClaimedClick>, Fault> {
    let list: Vec<Value> = clicks.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_PURCHASES, &[company.into()], &list)?;
    let offers: BTreeSet<Id<kind::Offer>> =
        rows.iter().map(|row| row.id(5)).collect::<Result<_, _>>()?;
    let guarantees = find_guarantees(reader, &offers)?;
    let mut found = BTreeMap::new();
    for row in &rows {
        let (clicked_at, offer) = (row.timestamp(4)?, row.id::<kind::Offer>(5)?);
        let promised = guarantees.iter().filter(|one| one.offer == offer);
        let promised = promised.filter(|one| one.starts_at <= clicked_at);
        let click = ClaimedClick {
            member: row.id(1)?,
            shop: row.id(2)?,
            shop_name: row.parsed(3, |text| Label::parse(text).ok())?,
            reward: reward_of(row, 6)?,
            purchase: Purchase {
                clicked_at,
                guarantee: promised.max_by_key(|one| one.starts_at).copied(),
                recorded: Vec::new(),
            },
        };
        found.insert(row.id(0)?, click);
    }
    for row in reader.query_list(&FIND_RECORDED, &[], &list)? {
        let recorded = Recorded {
            id: row.id(1)?,
            state: state_of(&row, 2, 3, 4)?,
            order: reference(&row, 5)?,
            due_at: row.optional_timestamp(6)?,
        };
        if let Some(click) = found.get_mut(&row.id(0)?)
            && !click.purchase.recorded.contains(&recorded)
        {
            click.purchase.recorded.push(recorded);
        }
    }
    Ok(found)
}

fn find_guarantees(
    reader: &mut Reader<'_>,
    offers: &BTreeSet<Id<kind::Offer>>,
) -> Result<Vec<Guarantee>, Fault> {
    let list: Vec<Value> = offers.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_GUARANTEES, &[], &list)?;
    rows.iter()
        .map(|row| {
            Ok(Guarantee {
                offer: row.id(0)?,
                starts_at: row.timestamp(1)?,
                offered: row.boolean(2)?,
                file_after_days: days(row, 3)?,
                file_within_days: days(row, 4)?,
                late_within_days: days(row, 5)?,
                return_days: days(row, 6)?,
                answer_days: days(row, 7)?,
            })
        })
        .collect()
}

type Claims = BTreeMap<Id<kind::Claim>, Claim>;

fn keyed(rows: &[Row<'_>]) -> Result<Claims, Fault> {
    rows.iter().map(|row| claim_of(row).map(|claim| (claim.id, claim))).collect()
}

pub(crate) fn find_claims(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &[Id<kind::Claim>],
) -> Result<Claims, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    keyed(&reader.query_list(&FIND_CLAIMS, &[company.into()], &list)?)
}

/// Finds the claims about some orders.
pub(crate) fn find_order_claims(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    orders: &[Reference],
) -> Result<Claims, Fault> {
    let orders: BTreeSet<&str> = orders.iter().map(Reference::as_str).collect();
    let list: Vec<Value> = orders.into_iter().map(Value::from).collect();
    keyed(&reader.query_list(&FIND_CLAIMS_OF_ORDERS, &[company.into()], &list)?)
}

/// Finds the claims that conversions of some clicks and orders may be about.
pub(crate) fn find_concerned(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    clicks: &[Id<kind::Click>],
    orders: &[Reference],
) -> Result<Claims, Fault> {
    let list: Vec<Value> = clicks.iter().copied().map(Value::from).collect();
    let mut found = keyed(&reader.query_list(&FIND_CLAIMS_OF_CLICKS, &[company.into()], &list)?)?;
    found.append(&mut find_order_claims(reader, company, orders)?);
    Ok(found)
}

/// Lists a member's claims, the newest first.
pub(crate) fn list_of_member(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<Claim>, Fault> {
    let rows = reader.query(&LIST_OF_MEMBER, &[member.into(), limit.into()])?;
    rows.iter().map(claim_of).collect()
}

/// Lists claims of a state, what is due first at the top.
pub(crate) fn list_of_state(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    state: &str,
    limit: u32,
) -> Result<Vec<Claim>, Fault> {
    let rows = reader.query(&LIST_OF_STATE, &[company.into(), state.into(), limit.into()])?;
    rows.iter().map(claim_of).collect()
}

/// Counts what staff have to do something about, by state.
pub(crate) fn count_states(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<BTreeMap<String, u32>, Fault> {
    let rows = reader.query(&COUNT_STATES, &[company.into()])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.small(1)?))).collect()
}

pub(crate) fn save_claims(
    tx: &mut Tx<'_>,
    claims: &[&Claim],
    events: &[ClaimEvent],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 22]> = claims.iter().map(|claim| row_of(claim)).collect();
    tx.upsert(&SAVE_CLAIMS, &rows)?;
    let rows: Vec<[Value; 6]> = events
        .iter()
        .map(|event| {
            [
                event.claim.into(),
                event.version.into(),
                event.at.into(),
                event.actor.get().into(),
                event.action.code().into(),
                event.text.as_str().into(),
            ]
        })
        .collect();
    tx.insert(&ADD_EVENTS, &rows)
}

/// Lists what was done about a claim, in order.
pub(crate) fn list_events(
    reader: &mut Reader<'_>,
    claim: Id<kind::Claim>,
) -> Result<Vec<ClaimEvent>, Fault> {
    let rows = reader.query(&LIST_EVENTS, &[claim.into()])?;
    rows.iter()
        .map(|row| {
            Ok(ClaimEvent {
                claim: row.id(0)?,
                version: row.small(1)?,
                at: row.timestamp(2)?,
                actor: ActorNumber::from_number(row.unsigned(3)?),
                action: row.parsed(4, ClaimAction::parse)?,
                text: row.text(5)?.to_owned(),
            })
        })
        .collect()
}

/// Finds the conversions that may be what claims are about, each once.
pub(crate) fn find_evidence<'a>(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<Vec<Evidence>, Fault> {
    let clicks: Vec<Value> = claims.clone().map(|claim| claim.click.into()).collect();
    let orders: Vec<Value> = claims.map(|claim| (&claim.order).into()).collect();
    let company = [company.into()];
    let mut rows = reader.query_list(&FIND_EVIDENCE_OF_CLICKS, &company, &clicks)?;
    rows.extend(reader.query_list(&FIND_EVIDENCE_OF_ORDERS, &company, &orders)?);
    let mut found: BTreeMap<Id<kind::Conversion>, Evidence> = BTreeMap::new();
    for row in &rows {
        let evidence = Evidence {
            click: row.optional_id(1)?,
            member: row.optional_id(2)?,
            shop: row.optional_id(3)?,
            order: reference(row, 4)?,
            state: state_of(row, 5, 6, 7)?,
        };
        found.insert(row.id(0)?, evidence);
    }
    Ok(found.into_values().collect())
}

fn reference(row: &Row<'_>, column: usize) -> Result<Option<Reference>, Fault> {
    match row.optional_text(column)? {
        None => Ok(None),
        Some(_) => row.parsed(column, |text| Reference::parse(text).ok()).map(Some),
    }
}

/// What only some states have.
#[derive(Default)]
struct Parts {
    points: Option<Amount>,
    proposed_by: Option<ActorNumber>,
    granted_at: Option<Timestamp>,
    pay_at: Option<Timestamp>,
}

fn parts_of(state: ClaimState) -> Parts {
    match state {
        ClaimState::Open
        | ClaimState::Asked
        | ClaimState::Sent
        | ClaimState::Refused
        | ClaimState::Withdrawn
        | ClaimState::Merged => Parts::default(),
        ClaimState::Proposed { points, by } => {
            Parts { points: Some(points), proposed_by: Some(by), ..Parts::default() }
        }
        ClaimState::Granted { points, granted_at, pay_at } => Parts {
            points: Some(points),
            granted_at: Some(granted_at),
            pay_at: Some(pay_at),
            ..Parts::default()
        },
        ClaimState::Waiting { points, granted_at } => {
            Parts { points: Some(points), granted_at: Some(granted_at), ..Parts::default() }
        }
    }
}

fn row_of(claim: &Claim) -> [Value; 22] {
    let parts = parts_of(claim.state);
    [
        claim.id.into(),
        claim.company.into(),
        claim.member.into(),
        claim.click.into(),
        claim.shop.into(),
        claim.kind.code().into(),
        claim.conversion.into(),
        (&claim.order).into(),
        claim.purchased_on.into(),
        claim.sale.into(),
        claim.estimate.into(),
        claim.details.as_str().into(),
        claim.return_days.into(),
        claim.filed_at.into(),
        claim.due_at.into(),
        claim.owner.map(ActorNumber::get).into(),
        claim.version.into(),
        claim.state.code().into(),
        parts.points.into(),
        parts.proposed_by.map(ActorNumber::get).into(),
        parts.granted_at.into(),
        parts.pay_at.into(),
    ]
}

fn claim_of(row: &Row<'_>) -> Result<Claim, Fault> {
    let state = match row.text(18)? {
        "open" => ClaimState::Open,
        "asked" => ClaimState::Asked,
        "sent" => ClaimState::Sent,
        "proposed" => ClaimState::Proposed {
            points: row.amount(19)?,
            by: ActorNumber::from_number(row.unsigned(20)?),
        },
        "granted" => ClaimState::Granted {
            points: row.amount(19)?,
            granted_at: row.timestamp(21)?,
            pay_at: row.timestamp(22)?,
        },
        "waiting" => {
            ClaimState::Waiting { points: row.amount(19)?, granted_at: row.timestamp(21)? }
        }
        "refused" => ClaimState::Refused,
        "withdrawn" => ClaimState::Withdrawn,
        "merged" => ClaimState::Merged,
        _ => return Err(row.corrupt("state of a claim")),
    };
    Ok(Claim {
        id: row.id(0)?,
        company: row.company(1)?,
        member: row.id(2)?,
        click: row.id(3)?,
        shop: row.id(4)?,
        shop_name: row.parsed(5, |text| Label::parse(text).ok())?,
        kind: row.parsed(6, ClaimKind::parse)?,
        conversion: row.optional_id(7)?,
        order: row.parsed(8, |text| Reference::parse(text).ok())?,
        purchased_on: day(row, 9)?,
        sale: row.amount(10)?,
        estimate: row.amount(11)?,
        details: row.text(12)?.to_owned(),
        return_days: days(row, 13)?,
        filed_at: row.timestamp(14)?,
        due_at: row.timestamp(15)?,
        owner: row.optional_unsigned(16)?.map(ActorNumber::from_number),
        version: row.small(17)?,
        state,
    })
}

fn day(row: &Row<'_>, column: usize) -> Result<Day, Fault> {
    let number = row.integer(column)?;
    i32::try_from(number).map(Day::from_number).map_err(|_range| row.corrupt("day"))
}
