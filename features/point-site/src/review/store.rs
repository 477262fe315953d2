//! The table `site_review`, which saving conversions writes.

use std::collections::BTreeMap;

use crate::conversion::store::state_of;
use crate::conversion::{ConversionState, Review};
use store::{Fault, Listed, Reader, Row, Statement, Value};
use vocabulary::{Amount, CompanyNumber, Id, Reference, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    LIST_WAITING.listed(),
    LIST_WAITING_REASON.listed(),
    LIST_WAITING_SHOP.listed(),
    COUNT_REASONS.listed(),
    COUNT_SHOPS.listed(),
];

// Index site_review_since.
static LIST_WAITING: Statement = Statement::new(
    "list what waits",
    "SELECT r.conversion, r.review, r.since, c.network, c.account, c.external_id, c.shop, c.state,
            c.decided_at, c.expectation, c.sale, c.points, c.version
     FROM site_review AS r
     JOIN site_conversion AS c ON c.id = r.conversion
     WHERE r.company = ? AND r.since <= ? AND (? = '' OR (r.network = ? AND r.account = ?))
           AND r.since >= ? AND (r.since > ? OR r.conversion > ?)
     ORDER BY r.since, r.conversion
     LIMIT ?",
);

// Index site_review_reason.
static LIST_WAITING_REASON: Statement = Statement::new(
    "list what waits for a reason",
    "SELECT r.conversion, r.review, r.since, c.network, c.account, c.external_id, c.shop, c.state,
            c.decided_at, c.expectation, c.sale, c.points, c.version
     FROM site_review AS r
     JOIN site_conversion AS c ON c.id = r.conversion
     WHERE r.company = ? AND r.review = ? AND (? IS NULL OR r.shop = ?)
           AND r.since <= ? AND (? = '' OR (r.network = ? AND r.account = ?))
           AND r.since >= ? AND (r.since > ? OR r.conversion > ?)
     ORDER BY r.since, r.conversion
     LIMIT ?",
);

// Index site_review_shop.
static LIST_WAITING_SHOP: Statement = Statement::new(
    "list what waits at a shop",
    "SELECT r.conversion, r.review, r.since, c.network, c.account, c.external_id, c.shop, c.state,
            c.decided_at, c.expectation, c.sale, c.points, c.version
     FROM site_review AS r
     JOIN site_conversion AS c ON c.id = r.conversion
     WHERE r.company = ? AND r.shop = ?
           AND r.since <= ? AND (? = '' OR (r.network = ? AND r.account = ?))
           AND r.since >= ? AND (r.since > ? OR r.conversion > ?)
     ORDER BY r.since, r.conversion
     LIMIT ?",
);

// Index site_review_reason, without touching a row of the table.
static COUNT_REASONS: Statement = Statement::new(
    "count what waits by reason",
    "SELECT review, COUNT(*)
     FROM site_review
     WHERE company = ?
     GROUP BY review
     ORDER BY review
     LIMIT 100",
);

// Index site_review_shop, without touching a row of the table.
static COUNT_SHOPS: Statement = Statement::new(
    "count what waits by shop",
    "SELECT shop, COUNT(*)
     FROM site_review
     WHERE company = ? AND shop IS NOT NULL
     GROUP BY shop
     ORDER BY shop
     LIMIT 500",
);

/// Where a page of a list begins: after this time and id.
pub(crate) type After = (Timestamp, u128);

/// The beginning of a list.
pub(crate) const FIRST: After = (Timestamp::from_microseconds(i64::MIN), 0);

/// What is looked for in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) review: Option<Review>,
    pub(crate) account: Option<(Token, Token)>,
    pub(crate) shop: Option<Id<kind::Shop>>,
    /// Only what waits since then or longer.
    pub(crate) until: Option<Timestamp>,
}

/// A conversion that waits for a person.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) conversion: Id<kind::Conversion>,
    pub(crate) review: Review,
    pub(crate) since: Timestamp,
    pub(crate) network: Token,
    pub(crate) account: Token,
    pub(crate) external: Reference,
    pub(crate) shop: Option<Id<kind::Shop>>,
    pub(crate) state: ConversionState,
    pub(crate) sale: Amount,
    pub(crate) points: Amount,
    pub(crate) version: u32,
}

/// Lists what waits for a person, the longest waiting first.
pub(crate) fn list_waiting(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    filter: &Filter,
    (since, id): After,
    limit: u32,
) -> Result<Vec<Waiting>, Fault> {
    let (network, account) = match &filter.account {
        Some((network, account)) => (network.as_str(), account.as_str()),
        None => ("", ""),
    };
    let until = filter.until.unwrap_or(Timestamp::from_microseconds(i64::MAX));
    let id: Id<kind::Conversion> = Id::from_bits(id);
    let rest: [Value; 8] = [
        until.into(),
        network.into(),
        network.into(),
        account.into(),
        since.into(),
        since.into(),
        id.into(),
        limit.into(),
    ];
    let (statement, mut values): (&Statement, Vec<Value>) = match (filter.review, filter.shop) {
        (Some(review), shop) => {
            let first = [company.into(), review.code().into(), shop.into(), shop.into()];
            (&LIST_WAITING_REASON, first.to_vec())
        }
        (None, Some(shop)) => (&LIST_WAITING_SHOP, vec![company.into(), shop.into()]),
        (None, None) => (&LIST_WAITING, vec![company.into()]),
    };
    values.extend(rest);
    reader.query(statement, &values)?.iter().map(waiting_of).collect()
}

fn waiting_of(row: &Row<'_>) -> Result<Waiting, Fault> {
    Ok(Waiting {
        conversion: row.id(0)?,
        review: row.parsed(1, Review::parse)?,
        since: row.timestamp(2)?,
        network: row.parsed(3, |text| Token::parse(text).ok())?,
        account: row.parsed(4, |text| Token::parse(text).ok())?,
        external: row.parsed(5, |text| Reference::parse(text).ok())?,
        shop: row.optional_id(6)?,
        state: state_of(row, 7, 8, 9)?,
        sale: row.amount(10)?,
        points: row.amount(11)?,
        version: row.small(12)?,
    })
}

/// How many wait, by reason and by shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueCounts {
    pub(crate) reasons: BTreeMap<Review, u32>,
    pub(crate) shops: BTreeMap<Id<kind::Shop>, u32>,
}

pub(crate) fn count_waiting(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<QueueCounts, Fault> {
    let reasons = reader.query(&COUNT_REASONS, &[company.into()])?;
    let shops = reader.query(&COUNT_SHOPS, &[company.into()])?;
    let reason = |row: &Row<'_>| Ok((row.parsed(0, Review::parse)?, row.small(1)?));
    let shop = |row: &Row<'_>| Ok((row.id(0)?, row.small(1)?));
    Ok(QueueCounts {
        reasons: reasons.iter().map(reason).collect::<Result<_, Fault>>()?,
        shops: shops.iter().map(shop).collect::<Result<_, Fault>>()?,
    })
}
