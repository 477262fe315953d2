use std::collections::BTreeMap;

use serde::Serialize;

use crate::personal_data::{Chapter, Part, Place};
use crate::rank::Month;
use store::{Fault, FaultKind, Listed, Reader, Row, Statement, Value};
use vocabulary::{Amount, Day, Id, Timestamp, kind};

/// Entries that are read at once.
const SLICE: u32 = 500;

pub(crate) const STATEMENTS: &[Listed] = &[
    LIST_CLICKS.listed(),
    FIND_CONVERSIONS.listed(),
    LIST_CLAIMS.listed(),
    LIST_EXCHANGES.listed(),
    LIST_PAYEES.listed(),
    LIST_PHONE.listed(),
    LIST_FAVOURITES.listed(),
    LIST_CAMPAIGNS.listed(),
    LIST_RANKS.listed(),
    LIST_INVITATION.listed(),
    LIST_FRIENDS.listed(),
];

// Index site_click_member.
static LIST_CLICKS: Statement = Statement::new(
    "list clicks of a member with shops",
    "SELECT k.clicked_at, k.id, s.name
     FROM site_click AS k
     JOIN site_shop AS s ON s.id = k.shop
     WHERE k.member = ? AND k.id < ?
     ORDER BY k.id DESC
     LIMIT ?",
);

// Index site_conversion_click.
static FIND_CONVERSIONS: Statement = Statement::new(
    "find what a member bought",
    "SELECT click, id, order_ref, item, occurred_at, tracked_at, decided_at, sale, points, state, reason
     FROM site_conversion
     WHERE click IN (?*)",
);

// Index site_claim_member.
static LIST_CLAIMS: Statement = Statement::new(
    "list claims of a member with shops",
    "SELECT c.filed_at, c.id, s.name, c.kind, c.order_ref, c.purchased_on, c.sale, c.details, c.state, c.points
     FROM site_claim AS c
     JOIN site_shop AS s ON s.id = c.shop
     WHERE c.member = ? AND (c.filed_at < ? OR (c.filed_at = ? AND c.id < ?))
     ORDER BY c.filed_at DESC, c.id DESC
     LIMIT ?",
);

// Index site_exchange_member.
static LIST_EXCHANGES: Statement = Statement::new(
    "list what a member exchanged",
    "SELECT quoted_at, id, destination, points, fee, value, unit, state, state_at
     FROM site_exchange
     WHERE member = ? AND id < ?
     ORDER BY id DESC
     LIMIT ?",
);

// Index site_payee_member.
static LIST_PAYEES: Statement = Statement::new(
    "list payees of a member",
    "SELECT registered_at, id, kind, shown, state
     FROM site_payee
     WHERE member = ? AND (registered_at < ? OR (registered_at = ? AND id < ?))
     ORDER BY registered_at DESC, id DESC
     LIMIT ?",
);

// By the primary key.
static LIST_PHONE: Statement = Statement::new(
    "list the telephone number of a member",
    "SELECT proved_at, member, shown
     FROM site_phone
     WHERE member = ? AND (proved_at < ? OR (proved_at = ? AND member < ?))
     ORDER BY proved_at DESC
     LIMIT ?",
);

// By the primary key.
static LIST_FAVOURITES: Statement = Statement::new(
    "list shops that a member keeps",
    "SELECT f.added_at, f.shop, s.name
     FROM site_favourite AS f
     JOIN site_shop AS s ON s.id = f.shop
     WHERE f.member = ? AND f.shop < ? AND f.kept = 1
     ORDER BY f.shop DESC
     LIMIT ?",
);

// Index site_campaign_member_of.
static LIST_CAMPAIGNS: Statement = Statement::new(
    "list campaigns of a member",
    "SELECT COALESCE(m.entered_at, c.starts_at), m.campaign, c.name, m.entered_at, m.awards, m.points
     FROM site_campaign_member AS m
     JOIN site_campaign AS c ON c.id = m.campaign
     WHERE m.member = ? AND m.campaign < ?
     ORDER BY m.campaign DESC
     LIMIT ?",
);

// By the primary key. Ranks have no ids; fewer months than a part holds are ever kept.
static LIST_RANKS: Statement = Statement::new(
    "list ranks of a member by month",
    "SELECT m.written_at, m.member, m.month, r.name, m.purchases, m.points
     FROM site_member_rank AS m
     JOIN site_rank AS r
       ON r.company = m.company AND r.version = m.version AND r.place = m.place
     WHERE m.member = ? AND m.member < ?
     ORDER BY m.month DESC
     LIMIT ?",
);

// By the primary key: a member is invited once.
static LIST_INVITATION: Statement = Statement::new(
    "find how a member was invited",
    "SELECT joined_at, invited, state, invited_points, earned
     FROM site_referral
     WHERE invited = ? AND invited < ?
     ORDER BY invited DESC
     LIMIT ?",
);

// Index site_referral_inviter.
static LIST_FRIENDS: Statement = Statement::new(
    "list friends of a member",
    "SELECT joined_at, invited, state, inviter_points
     FROM site_referral
     WHERE inviter = ? AND (joined_at < ? OR (joined_at = ? AND invited < ?))
     ORDER BY joined_at DESC, invited DESC
     LIMIT ?",
);

/// Reads some entries of a chapter about one member; with a fixed number of statements.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn read_part(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    chapter: Chapter,
    after: Option<Place>,
) -> Result<Part, Fault> {
    let (statement, by_time) = match chapter {
        Chapter::Clicks => (&LIST_CLICKS, false),
        Chapter::Claims => (&LIST_CLAIMS, true),
        Chapter::Exchanges => (&LIST_EXCHANGES, false),
        Chapter::Payees => (&LIST_PAYEES, true),
        Chapter::Phone => (&LIST_PHONE, true),
        Chapter::Favourites => (&LIST_FAVOURITES, false),
        Chapter::Campaigns => (&LIST_CAMPAIGNS, false),
        Chapter::Ranks => (&LIST_RANKS, false),
        Chapter::Invitation => (&LIST_INVITATION, false),
        Chapter::Friends => (&LIST_FRIENDS, true),
    };
    let Place { at, id } =
        after.unwrap_or(Place { at: Timestamp::from_microseconds(i64::MAX), id: [u8::MAX; 16] });
    let id: Value = Id::<kind::Click>::from_bytes(id).into();
    let values = if by_time {
        vec![member.into(), at.into(), at.into(), id, SLICE.into()]
    } else {
        vec![member.into(), id, SLICE.into()]
    };
    let rows = reader.query(statement, &values)?;
    let bought = match chapter {
        Chapter::Clicks => find_bought(reader, &rows)?,
        Chapter::Claims
        | Chapter::Exchanges
        | Chapter::Payees
        | Chapter::Phone
        | Chapter::Favourites
        | Chapter::Campaigns
        | Chapter::Ranks
        | Chapter::Invitation
        | Chapter::Friends => BTreeMap::new(),
    };
    let entries: Result<_, Fault> = rows.iter().map(|row| entry(row, chapter, &bought)).collect();
    let full = u32::try_from(rows.len()).is_ok_and(|count| count == SLICE);
    let next = match rows.last().filter(|_| full) {
        Some(row) => {
            Some(Place { at: row.timestamp(0)?, id: row.id::<kind::Click>(1)?.to_bytes() })
        }
        None => None,
    };
    Ok(Part { entries: entries?, next })
}

type Bought = BTreeMap<Id<kind::Click>, Vec<Purchase>>;

fn find_bought(reader: &mut Reader<'_>, clicks: &[Row<'_>]) -> Result<Bought, Fault> {
    let ids: Result<Vec<Value>, Fault> =
        clicks.iter().map(|row| Ok(row.id::<kind::Click>(1)?.into())).collect();
    let mut bought = Bought::new();
    for row in &reader.query_list(&FIND_CONVERSIONS, &[], &ids?)? {
        let text = |column| Ok::<_, Fault>(row.optional_text(column)?.map(str::to_owned));
        bought.entry(row.id(0)?).or_default().push(Purchase {
            id: row.id(1)?,
            order: text(2)?,
            item: text(3)?,
            bought_at: row.timestamp(4)?,
            recorded_at: row.timestamp(5)?,
            decided_at: row.optional_timestamp(6)?,
            price: row.amount(7)?,
            points: row.amount(8)?,
            state: row.text(9)?.to_owned(),
            reason: text(10)?,
        });
    }
    Ok(bought)
}

#[derive(Serialize)]
struct Purchase {
    id: Id<kind::Conversion>,
    order: Option<String>,
    item: Option<String>,
    bought_at: Timestamp,
    recorded_at: Timestamp,
    decided_at: Option<Timestamp>,
    price: Amount,
    points: Amount,
    state: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Click<'a> {
    id: Id<kind::Click>,
    at: Timestamp,
    shop: &'a str,
    purchases: &'a [Purchase],
}

#[derive(Serialize)]
struct Claim<'a> {
    id: Id<kind::Claim>,
    filed_at: Timestamp,
    shop: &'a str,
    kind: &'a str,
    order: &'a str,
    bought_on: Day,
    price: Amount,
    details: &'a str,
    state: &'a str,
    points: Option<Amount>,
}

#[derive(Serialize)]
struct Exchange<'a> {
    id: Id<kind::Exchange>,
    at: Timestamp,
    destination: &'a str,
    points: Amount,
    fee: Amount,
    value: Amount,
    unit: &'a str,
    state: &'a str,
    state_at: Timestamp,
}

#[derive(Serialize)]
struct Payee<'a> {
    registered_at: Timestamp,
    kind: &'a str,
    account: &'a str,
    state: &'a str,
}

#[derive(Serialize)]
struct Phone<'a> {
    registered_at: Timestamp,
    number: &'a str,
}

#[derive(Serialize)]
struct MonthRank<'a> {
    month: String,
    rank: &'a str,
    purchases: u32,
    points: Amount,
}

#[derive(Serialize)]
struct Invitation<'a> {
    joined_at: Timestamp,
    state: &'a str,
    promised: Amount,
    earned: Amount,
}

#[derive(Serialize)]
struct Friend<'a> {
    joined_at: Timestamp,
    state: &'a str,
    promised: Amount,
}

#[derive(Serialize)]
struct Favourite<'a> {
    since: Timestamp,
    shop: &'a str,
}

#[derive(Serialize)]
struct Campaign<'a> {
    name: &'a str,
    entered_at: Option<Timestamp>,
    awards: u32,
    points: Amount,
}

fn entry(row: &Row<'_>, chapter: Chapter, bought: &Bought) -> Result<String, Fault> {
    match chapter {
        Chapter::Clicks => {
            let id = row.id(1)?;
            let purchases = bought.get(&id).map_or(&[][..], Vec::as_slice);
            json(&Click { id, at: row.timestamp(0)?, shop: row.text(2)?, purchases })
        }
        Chapter::Claims => json(&Claim {
            filed_at: row.timestamp(0)?,
            id: row.id(1)?,
            shop: row.text(2)?,
            kind: row.text(3)?,
            order: row.text(4)?,
            bought_on: row.day(5)?,
            price: row.amount(6)?,
            details: row.text(7)?,
            state: row.text(8)?,
            points: row.optional_amount(9)?,
        }),
        Chapter::Exchanges => json(&Exchange {
            at: row.timestamp(0)?,
            id: row.id(1)?,
            destination: row.text(2)?,
            points: row.amount(3)?,
            fee: row.amount(4)?,
            value: row.amount(5)?,
            unit: row.text(6)?,
            state: row.text(7)?,
            state_at: row.timestamp(8)?,
        }),
        Chapter::Payees => json(&Payee {
            registered_at: row.timestamp(0)?,
            kind: row.text(2)?,
            account: row.text(3)?,
            state: row.text(4)?,
        }),
        Chapter::Phone => json(&Phone { registered_at: row.timestamp(0)?, number: row.text(2)? }),
        Chapter::Favourites => json(&Favourite { since: row.timestamp(0)?, shop: row.text(2)? }),
        Chapter::Campaigns => json(&Campaign {
            name: row.text(2)?,
            entered_at: row.optional_timestamp(3)?,
            awards: row.small(4)?,
            points: row.amount(5)?,
        }),
        Chapter::Ranks => {
            let month = Month::starting(row.day(2)?).ok_or_else(|| row.corrupt("month"))?;
            json(&MonthRank {
                month: month.to_string(),
                rank: row.text(3)?,
                purchases: row.small(4)?,
                points: row.amount(5)?,
            })
        }
        Chapter::Invitation => json(&Invitation {
            joined_at: row.timestamp(0)?,
            state: row.text(2)?,
            promised: row.amount(3)?,
            earned: row.amount(4)?,
        }),
        Chapter::Friends => json(&Friend {
            joined_at: row.timestamp(0)?,
            state: row.text(2)?,
            promised: row.amount(3)?,
        }),
    }
}

fn json(entry: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(entry).map_err(|error| {
        Fault::new(FaultKind::Other, "write what a member takes along").caused_by(error)
    })
}
