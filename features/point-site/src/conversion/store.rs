//! The tables `site_conversion`, `site_conversion_version` and `site_conversion_entry`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cap::store::save_tallies;
use crate::click::find_routes;
use crate::config::SiteConfig;
use crate::conversion::command::{
    ConversionFacts, MemberUses, OrderUse, PostingKind, PostingLine, VersionLine,
};
use crate::conversion::{
    Conversion, ConversionKey, ConversionState, Entries, Hand, Review, Route, Source, Status, Told,
    batch_id, conversion_of_posting, expectation_id,
};
use crate::follow_up::store::add_rows;
use store::{Fault, Insert, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Reference, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    FIND_CONVERSIONS.listed(),
    FIND_CONVERSIONS_BY_ID.listed(),
    SAVE_REVIEWS.listed(),
    END_REVIEWS.listed(),
    FIND_ORDERS.listed(),
    FIND_POSTINGS.listed(),
    SAVE_CONVERSIONS.listed(),
    SAVE_STANDINGS.listed(),
    ADD_VERSIONS.listed(),
    FIND_ENTRIES.listed(),
    ADD_ENTRIES.listed(),
    FIND_STORIES.listed(),
    FIND_OF_CLICKS.listed(),
    FIND_USES.listed(),
];

// Index site_conversion_key. Other networks' conversions under the same id are sorted out here.
static FIND_CONVERSIONS: Statement = Statement::new(
    "find conversions",
    "SELECT id, network, account, external_id, version, click, order_ref, item, occurred_at,
            tracked_at, decided_at, changed_at, sale, commission, points, state, expectation,
            claimed, review, reason, hand
     FROM site_conversion
     WHERE company = ? AND external_id IN (?*)",
);

// By the primary key.
static FIND_CONVERSIONS_BY_ID: Statement = Statement::new(
    "find conversions by id",
    "SELECT id, network, account, external_id, version, click, order_ref, item, occurred_at,
            tracked_at, decided_at, changed_at, sale, commission, points, state, expectation,
            claimed, review, reason, hand
     FROM site_conversion
     WHERE +company = ? AND id IN (?*)",
);

// What waits for a person; how long it waits counts from the first reason.
static SAVE_REVIEWS: Upsert = Upsert {
    name: "save reviews",
    table: "site_review",
    columns: &["conversion", "company", "review", "network", "account", "shop", "since"],
    keys: &["conversion"],
    updates: &["review", "shop"],
};

static END_REVIEWS: Statement = Statement::new(
    "end reviews",
    "DELETE FROM site_review
     WHERE conversion IN (?*)",
);

// Index site_conversion_order. What was rejected leaves its order free for another network.
// Distinct, because a shop that gives every order one number must not fill the memory.
static FIND_ORDERS: Statement = Statement::new(
    "find conversions of orders",
    "SELECT DISTINCT order_ref, network, account, shop
     FROM site_conversion
     WHERE company = ? AND state <> 'rejected' AND order_ref IN (?*)",
);

// By the primary key.
static FIND_POSTINGS: Statement = Statement::new(
    "find postings of conversions",
    "SELECT conversion, version, posting
     FROM site_conversion_version
     WHERE posting IN ('grant', 'correction', 'reversal') AND conversion IN (?*)",
);

const COLUMNS: &[&str] = &[
    "id",
    "company",
    "network",
    "account",
    "external_id",
    "version",
    "click",
    "member",
    "shop",
    "offer",
    "offer_version",
    "clicked_at",
    "order_ref",
    "item",
    "occurred_at",
    "tracked_at",
    "due_at",
    "decided_at",
    "changed_at",
    "sale",
    "commission",
    "points",
    "state",
    "expectation",
    "claimed",
    "review",
    "reason",
    "hand",
];

// New ones, and those whose click, order or time became known.
static SAVE_CONVERSIONS: Upsert = Upsert {
    name: "save conversions",
    table: "site_conversion",
    columns: COLUMNS,
    keys: &["id"],
    updates: &[
        "version",
        "click",
        "member",
        "shop",
        "offer",
        "offer_version",
        "clicked_at",
        "order_ref",
        "item",
        "occurred_at",
        "due_at",
        "decided_at",
        "changed_at",
        "sale",
        "commission",
        "points",
        "state",
        "expectation",
        "claimed",
        "review",
        "reason",
        "hand",
    ],
};

// Most changes touch no index; SQLite writes to each whose column is named, changed or not.
static SAVE_STANDINGS: Upsert = Upsert {
    name: "save where conversions stand",
    table: "site_conversion",
    columns: COLUMNS,
    keys: &["id"],
    updates: &[
        "version",
        "decided_at",
        "changed_at",
        "sale",
        "commission",
        "points",
        "state",
        "expectation",
        "claimed",
        "review",
        "reason",
        "hand",
    ],
};

static ADD_VERSIONS: Insert = Insert {
    name: "add conversion versions",
    table: "site_conversion_version",
    columns: &[
        "conversion",
        "version",
        "at",
        "state",
        "sale",
        "commission",
        "points",
        "outcome",
        "source",
        "source_id",
        "posting",
    ],
};

static FIND_ENTRIES: Statement = Statement::new(
    "find entries of conversions",
    "SELECT conversion, entry, sale, commission
     FROM site_conversion_entry
     WHERE conversion IN (?*)",
);

static ADD_ENTRIES: Insert = Insert {
    name: "add entries of conversions",
    table: "site_conversion_entry",
    columns: &["conversion", "entry", "sale", "commission"],
};

static FIND_STORIES: Statement = Statement::new(
    "find stories",
    "SELECT c.id, c.state, c.decided_at, c.expectation, c.occurred_at, c.clicked_at, c.tracked_at,
            c.due_at, c.points, c.review, c.reason, s.name, s.slug, v.version, v.posting
     FROM site_conversion_version AS v
     JOIN site_conversion AS c ON c.id = v.conversion
     LEFT JOIN site_shop AS s ON s.id = c.shop
     WHERE +c.company = ? AND v.posting IS NOT NULL AND v.conversion IN (?*)",
);

// Index site_conversion_click.
static FIND_OF_CLICKS: Statement = Statement::new(
    "find conversions of clicks",
    "SELECT click, state, decided_at, expectation, points, id
     FROM site_conversion
     WHERE click IN (?*)",
);

// Index site_click_member, then site_conversion_click: only for members at offers that pay once, so
// that no other conversion pays for an index of its own. A member has some hundred clicks a year.
static FIND_USES: Statement = Statement::new(
    "find conversions of members at offers",
    "SELECT k.member, k.offer, c.id, c.order_ref
     FROM site_click AS k
     JOIN site_conversion AS c ON c.click = k.id
     WHERE k.company = ? AND c.state NOT IN ('rejected', 'reversed') AND k.member IN (?*)",
);

/// What a member can read about one movement: from the click to the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionStory {
    /// The shop's name and slug; nothing while the click is unknown.
    pub shop: Option<(Label, Token)>,
    /// When the member went out.
    pub clicked_at: Option<Timestamp>,
    /// When the member acted, as the network says.
    pub occurred_at: Timestamp,
    /// When it was recorded here.
    pub tracked_at: Timestamp,
    /// When the decision is to be expected.
    pub due_at: Option<Timestamp>,
    /// Where it stands, with the time of the decision.
    pub state: ConversionState,
    /// The member's part.
    pub points: Amount,
    /// Why a person looks at it.
    pub review: Option<Review>,
    /// Why it was rejected, in the network's words.
    pub reason: Option<Label>,
}

/// Finds the stories behind movements: give the subjects (expectations, reversed batches) and the
/// ids of batches as bits; what is no posting of this company's site is left out. One query for a
/// list.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn stories(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &[u128],
) -> Result<BTreeMap<u128, ConversionStory>, Fault> {
    let conversions: BTreeSet<_> = ids.iter().copied().map(conversion_of_posting).collect();
    let list: Vec<Value> = conversions.into_iter().map(Value::from).collect();
    let rows = reader.query_list(&FIND_STORIES, &[company.into()], &list)?;
    let mut found: BTreeMap<u128, ConversionStory> = BTreeMap::new();
    for row in &rows {
        let (conversion, version) = (row.id(0)?, row.small(13)?);
        let story = story_of(row)?;
        // Only what was posted: ids of batches are chosen by others as well.
        if row.parsed(14, PostingKind::parse)? == PostingKind::Note {
            found.insert(expectation_id(conversion, version).bits(), story.clone());
        }
        found.insert(batch_id(conversion, version).bits(), story);
    }
    let story = |id: &u128| Some((*id, found.get(id)?.clone()));
    Ok(ids.iter().filter_map(story).collect())
}

fn story_of(row: &Row<'_>) -> Result<ConversionStory, Fault> {
    let shop = match row.optional_text(11)? {
        None => None,
        Some(_name) => Some((
            row.parsed(11, |text| Label::parse(text).ok())?,
            row.parsed(12, |text| Token::parse(text).ok())?,
        )),
    };
    Ok(ConversionStory {
        shop,
        clicked_at: row.optional_timestamp(5)?,
        occurred_at: row.timestamp(4)?,
        tracked_at: row.timestamp(6)?,
        due_at: row.optional_timestamp(7)?,
        state: state_of(row, 1, 2, 3)?,
        points: row.amount(8)?,
        review: optional(row, 9, Review::parse)?,
        reason: optional(row, 10, |text| Label::parse(text).ok())?,
    })
}

/// What became of one click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClickOutcome {
    pub(crate) conversion: Id<kind::Conversion>,
    pub(crate) state: ConversionState,
    pub(crate) points: Amount,
}

/// Finds what became of clicks; one click may have led to several conversions.
pub(crate) fn find_of_clicks(
    reader: &mut Reader<'_>,
    clicks: &[Id<kind::Click>],
) -> Result<BTreeMap<Id<kind::Click>, Vec<ClickOutcome>>, Fault> {
    let list: Vec<Value> = clicks.iter().copied().map(Value::from).collect();
    let mut found: BTreeMap<_, Vec<ClickOutcome>> = BTreeMap::new();
    for row in reader.query_list(&FIND_OF_CLICKS, &[], &list)? {
        let outcome = ClickOutcome {
            conversion: row.id(5)?,
            state: state_of(&row, 1, 2, 3)?,
            points: row.amount(4)?,
        };
        let outcomes = found.entry(row.id(0)?).or_default();
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
    }
    Ok(found)
}

/// Reads conversions by their ids, with what deciding about them takes; `clicks` are those that
/// they may come to belong to.
pub(crate) fn load_by_id(
    config: &Arc<SiteConfig>,
    conversions: &BTreeSet<Id<kind::Conversion>>,
    clicks: impl Iterator<Item = Id<kind::Click>>,
    reader: &mut Reader<'_>,
) -> Result<ConversionFacts, Fault> {
    let list: Vec<Value> = conversions.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_CONVERSIONS_BY_ID, &[config.company.into()], &list)?;
    let mut clicks: BTreeSet<Id<kind::Click>> = clicks.collect();
    for row in &rows {
        clicks.extend(row.optional_id::<kind::Click>(5)?);
    }
    let clicks: Vec<Id<kind::Click>> = clicks.into_iter().collect();
    let routes = find_routes(reader, config.company, &clicks)?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let conversion = conversion_of(row, &routes)?;
        known.insert(conversion.id, conversion);
    }
    let list: Vec<Value> = known.keys().copied().map(Value::from).collect();
    Ok(ConversionFacts {
        lines: find_postings(reader, &list)?,
        routes,
        ..ConversionFacts::of(Arc::clone(config), known)
    })
}

pub(crate) fn load_facts<'a>(
    config: &Arc<SiteConfig>,
    told: impl Iterator<Item = &'a Told>,
    reader: &mut Reader<'_>,
) -> Result<ConversionFacts, Fault> {
    let told: Vec<&Told> = told.collect();
    let externals: BTreeSet<&str> = told.iter().map(|one| one.key.external.as_str()).collect();
    let list: Vec<Value> = externals.into_iter().map(Value::from).collect();
    let rows = reader.query_list(&FIND_CONVERSIONS, &[config.company.into()], &list)?;
    let mut clicks: BTreeSet<Id<kind::Click>> = told.iter().filter_map(|one| one.click).collect();
    let mut keys: BTreeMap<ConversionKey, Id<kind::Conversion>> = BTreeMap::new();
    for row in &rows {
        clicks.extend(row.optional_id::<kind::Click>(5)?);
        keys.insert(key_of(row)?, row.id(0)?);
    }
    let clicks: Vec<Id<kind::Click>> = clicks.into_iter().collect();
    let routes = find_routes(reader, config.company, &clicks)?;
    let (mut ids, mut asked) = (BTreeMap::new(), BTreeMap::new());
    for one in &told {
        let first =
            || keys.get(&one.key).copied().unwrap_or_else(|| one.key.first_id(one.occurred_at));
        let id = *ids.entry(one.key.clone()).or_insert_with(first);
        let count: &mut u32 = asked.entry(id).or_default();
        *count = count.saturating_add(1);
    }
    let mut known = BTreeMap::new();
    for row in &rows {
        if ids.contains_key(&key_of(row)?) {
            let conversion = conversion_of(row, &routes)?;
            known.insert(conversion.id, conversion);
        }
    }
    let state = |one: &Told| ids.get(&one.key).and_then(|id| known.get(id)).map(|one| one.state);
    let orders: BTreeSet<&str> = told
        .iter()
        .filter(|one| !matches!(state(one), Some(ConversionState::Tracked { .. })))
        .filter_map(|one| one.order.as_ref().map(Reference::as_str))
        .collect();
    let orders: Vec<Value> = orders.into_iter().map(Value::from).collect();
    // Also of a statement about the whole, which is late when rows are there.
    let adds_rows = |one: &&Conversion| {
        let network = config.network(&one.key.network, &one.key.account);
        network.is_some_and(|network| network.adapter.adds_rows())
    };
    let with_entries: Vec<Value> = if told.iter().any(|one| one.entry.is_some()) {
        known.keys().copied().map(Value::from).collect()
    } else {
        known.values().filter(adds_rows).map(|one| Value::from(one.id)).collect()
    };
    let approved = |one: &&Conversion| matches!(one.state, ConversionState::Approved { .. });
    let approved: Vec<Value> =
        known.values().filter(approved).map(|one| Value::from(one.id)).collect();
    Ok(ConversionFacts {
        orders: find_orders(reader, config.company, &orders)?,
        lines: find_postings(reader, &approved)?,
        entries: find_entries(reader, &with_entries)?,
        ids,
        routes,
        asked,
        ..ConversionFacts::of(Arc::clone(config), known)
    })
}

fn find_orders(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    orders: &[Value],
) -> Result<BTreeMap<String, Vec<OrderUse>>, Fault> {
    let mut found: BTreeMap<String, Vec<OrderUse>> = BTreeMap::new();
    for row in reader.query_list(&FIND_ORDERS, &[company.into()], orders)? {
        found.entry(row.text(0)?.to_owned()).or_default().push(OrderUse {
            network: row.parsed(1, |text| Token::parse(text).ok())?,
            account: row.parsed(2, |text| Token::parse(text).ok())?,
            shop: row.optional_id(3)?,
        });
    }
    Ok(found)
}

/// Finds what members have that is not rejected, at whichever offers.
pub(crate) fn find_uses(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    members: impl Iterator<Item = Id<kind::Member>>,
) -> Result<MemberUses, Fault> {
    let list: Vec<Value> = members.map(Value::from).collect();
    let mut found = MemberUses::new();
    for row in reader.query_list(&FIND_USES, &[company.into()], &list)? {
        let order = row.optional_text(3)?.map(str::to_owned);
        found.entry((row.id(0)?, row.id(1)?)).or_default().insert(row.id(2)?, order);
    }
    Ok(found)
}

fn find_postings(
    reader: &mut Reader<'_>,
    conversions: &[Value],
) -> Result<BTreeMap<Id<kind::Conversion>, Vec<PostingLine>>, Fault> {
    let mut found: BTreeMap<_, Vec<PostingLine>> = BTreeMap::new();
    for row in reader.query_list(&FIND_POSTINGS, &[], conversions)? {
        let line = PostingLine { version: row.small(1)?, kind: row.parsed(2, PostingKind::parse)? };
        let lines = found.entry(row.id(0)?).or_default();
        // A list is filled up with its last value, which then answers twice.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(found)
}

fn find_entries(
    reader: &mut Reader<'_>,
    conversions: &[Value],
) -> Result<BTreeMap<Id<kind::Conversion>, Entries>, Fault> {
    let mut found: BTreeMap<_, Entries> = BTreeMap::new();
    for row in reader.query_list(&FIND_ENTRIES, &[], conversions)? {
        let entry = row.parsed(1, |text| Reference::parse(text).ok())?;
        let figures = (row.integer(2)?, row.integer(3)?);
        found.entry(row.id(0)?).or_default().insert(entry, figures);
    }
    Ok(found)
}

pub(crate) fn save_facts(facts: &ConversionFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let company = facts.config.company;
    let rows = |more: bool| -> Vec<[Value; 28]> {
        let changed = facts.changed.iter().filter(|(_, all)| **all == more);
        let changed = changed.filter_map(|(id, _)| facts.known.get(id));
        changed.map(|conversion| row_of(company, conversion)).collect()
    };
    tx.upsert(&SAVE_CONVERSIONS, &rows(true))?;
    tx.upsert(&SAVE_STANDINGS, &rows(false))?;
    let rows: Vec<[Value; 11]> = facts.versions.iter().map(version_row).collect();
    tx.insert(&ADD_VERSIONS, &rows)?;
    let with_member = facts.versions.iter().filter(|line| line.conversion.route.is_some());
    let changed: Vec<_> =
        with_member.map(|line| (line.conversion.id, line.conversion.version)).collect();
    add_rows(tx, company, &changed)?;
    let figures = |id, entry| facts.entries.get(id)?.get(entry);
    let rows: Vec<[Value; 4]> = facts
        .entries_added
        .iter()
        .filter_map(|(id, entry)| {
            let (sale, commission) = *figures(id, entry)?;
            Some([(*id).into(), entry.into(), sale.into(), commission.into()])
        })
        .collect();
    tx.insert(&ADD_ENTRIES, &rows)?;
    save_tallies(tx, company, &facts.tallies)?;
    save_queue(facts, tx)
}

/// Puts what came to wait for a person into the queue, and takes out what waits no more.
fn save_queue(facts: &ConversionFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let changed = || facts.changed.keys().filter_map(|id| facts.known.get(id));
    let rows: Vec<[Value; 7]> = changed()
        .filter_map(|conversion| {
            let review = conversion.review?;
            Some([
                conversion.id.into(),
                facts.config.company.into(),
                review.code().into(),
                conversion.key.network.as_str().into(),
                conversion.key.account.as_str().into(),
                conversion.route.as_ref().map(|route| route.shop).into(),
                conversion.changed_at.into(),
            ])
        })
        .collect();
    tx.upsert(&SAVE_REVIEWS, &rows)?;
    let ended = changed().filter(|conversion| !conversion.waits());
    let ended = ended.filter(|conversion| facts.waiting.contains(&conversion.id));
    let ended: Vec<Value> = ended.map(|conversion| conversion.id.into()).collect();
    tx.execute_list(&END_REVIEWS, &[], &ended)?;
    Ok(())
}

fn row_of(company: CompanyNumber, conversion: &Conversion) -> [Value; 28] {
    let route = conversion.route.as_ref();
    let state = conversion.state;
    [
        conversion.id.into(),
        company.into(),
        conversion.key.network.as_str().into(),
        conversion.key.account.as_str().into(),
        (&conversion.key.external).into(),
        conversion.version.into(),
        route.map(|route| route.click).into(),
        route.map(|route| route.member).into(),
        route.map(|route| route.shop).into(),
        route.map(|route| route.offer).into(),
        route.map(|route| route.offer_version).into(),
        route.map(|route| route.clicked_at).into(),
        conversion.order.as_ref().into(),
        conversion.item.as_ref().into(),
        conversion.occurred_at.into(),
        conversion.tracked_at.into(),
        route.map(Route::due_at).into(),
        state.decided_at().into(),
        conversion.changed_at.into(),
        conversion.sale.into(),
        conversion.commission.into(),
        conversion.points.into(),
        state.code().into(),
        expectation_of(state).into(),
        conversion.claimed.map(Status::code).into(),
        conversion.review.map(Review::code).into(),
        conversion.reason.as_ref().into(),
        conversion.hand.code().into(),
    ]
}

fn version_row(line: &VersionLine) -> [Value; 11] {
    let conversion = &line.conversion;
    let id: Value = match line.source {
        Source::Postback(id) => id.into(),
        Source::Report(id) | Source::Undo(id) => id.into(),
        Source::Decision(id) => id.into(),
    };
    [
        conversion.id.into(),
        conversion.version.into(),
        conversion.changed_at.into(),
        conversion.state.code().into(),
        conversion.sale.into(),
        conversion.commission.into(),
        conversion.points.into(),
        line.outcome.code().into(),
        line.source.code().into(),
        id,
        line.posting.map(PostingKind::code).into(),
    ]
}

const fn expectation_of(state: ConversionState) -> Option<Id<kind::Expectation>> {
    match state {
        ConversionState::Tracked { expectation } => expectation,
        ConversionState::NeedsReview
        | ConversionState::Approved { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => None,
    }
}

/// Reads a state from its word, the time of the decision and the expectation.
pub(crate) fn state_of(
    row: &Row<'_>,
    state: usize,
    decided_at: usize,
    expectation: usize,
) -> Result<ConversionState, Fault> {
    Ok(match row.text(state)? {
        "needs_review" => ConversionState::NeedsReview,
        "tracked" => ConversionState::Tracked { expectation: row.optional_id(expectation)? },
        "approved" => ConversionState::Approved { decided_at: row.timestamp(decided_at)? },
        "rejected" => ConversionState::Rejected { decided_at: row.timestamp(decided_at)? },
        "reversed" => ConversionState::Reversed { decided_at: row.timestamp(decided_at)? },
        _ => return Err(row.corrupt("state of a conversion")),
    })
}

fn optional<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    match row.optional_text(column)? {
        None => Ok(None),
        Some(_text) => row.parsed(column, parse).map(Some),
    }
}

fn key_of(row: &Row<'_>) -> Result<ConversionKey, Fault> {
    Ok(ConversionKey {
        network: row.parsed(1, |text| Token::parse(text).ok())?,
        account: row.parsed(2, |text| Token::parse(text).ok())?,
        external: row.parsed(3, |text| Reference::parse(text).ok())?,
    })
}

fn conversion_of(
    row: &Row<'_>,
    routes: &BTreeMap<Id<kind::Click>, Route>,
) -> Result<Conversion, Fault> {
    let route = match row.optional_id(5)? {
        None => None,
        Some(click) => {
            let route = routes.get(&click).cloned();
            Some(route.ok_or_else(|| row.corrupt("conversion whose click is there"))?)
        }
    };
    Ok(Conversion {
        id: row.id(0)?,
        key: key_of(row)?,
        version: row.small(4)?,
        route,
        order: optional(row, 6, |text| Reference::parse(text).ok())?,
        item: optional(row, 7, |text| Reference::parse(text).ok())?,
        occurred_at: row.timestamp(8)?,
        tracked_at: row.timestamp(9)?,
        changed_at: row.timestamp(11)?,
        sale: row.amount(12)?,
        commission: row.amount(13)?,
        points: row.amount(14)?,
        state: state_of(row, 15, 10, 16)?,
        claimed: optional(row, 17, Status::parse)?,
        review: optional(row, 18, Review::parse)?,
        reason: optional(row, 19, |text| Label::parse(text).ok())?,
        hand: row.parsed(20, Hand::parse)?,
    })
}
