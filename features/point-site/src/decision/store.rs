//! The table `site_decision`, and what is shown around a conversion.

use std::collections::{BTreeMap, BTreeSet};

use crate::conversion::{Outcome, Review};
use crate::decision::{Action, Choice, Decision, DecisionState, Figures};
use crate::message::Request;
use crate::review::store::After;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_DECISIONS.listed(),
    FIND_DECISIONS.listed(),
    FIND_OPEN.listed(),
    LIST_DECISIONS.listed(),
    LIST_PROPOSED.listed(),
    COUNT_PROPOSED.listed(),
    LIST_VERSIONS.listed(),
    FIND_MESSAGES.listed(),
    LIST_CLICKS.listed(),
];

static SAVE_DECISIONS: Upsert = Upsert {
    name: "save decisions",
    table: "site_decision",
    columns: &[
        "id",
        "company",
        "conversion",
        "version",
        "review",
        "action",
        "click",
        "sale",
        "commission",
        "reason",
        "state",
        "proposed_by",
        "proposed_at",
        "ended_by",
        "ended_at",
    ],
    keys: &["id"],
    updates: &["state", "ended_by", "ended_at"],
};

static FIND_DECISIONS: Statement = Statement::new(
    "find decisions",
    "SELECT id, company, conversion, version, review, action, click, sale, commission, reason,
            state, proposed_by, proposed_at, ended_by, ended_at
     FROM site_decision
     WHERE id IN (?*)",
);

// Index site_decision_conversion.
static FIND_OPEN: Statement = Statement::new(
    "find conversions with a proposal",
    "SELECT conversion
     FROM site_decision
     WHERE state = 'proposed' AND conversion IN (?*)",
);

// Index site_decision_conversion.
static LIST_DECISIONS: Statement = Statement::new(
    "list decisions of a conversion",
    "SELECT id, company, conversion, version, review, action, click, sale, commission, reason,
            state, proposed_by, proposed_at, ended_by, ended_at
     FROM site_decision
     WHERE conversion = ?
     ORDER BY proposed_at, id
     LIMIT 100",
);

// Index site_decision_state.
static LIST_PROPOSED: Statement = Statement::new(
    "list proposals",
    "SELECT id, company, conversion, version, review, action, click, sale, commission, reason,
            state, proposed_by, proposed_at, ended_by, ended_at
     FROM site_decision
     WHERE company = ? AND state = 'proposed' AND proposed_at >= ?
           AND (proposed_at > ? OR id > ?)
     ORDER BY proposed_at, id
     LIMIT ?",
);

// Index site_decision_state; counts as far as people count.
static COUNT_PROPOSED: Statement = Statement::new(
    "count proposals",
    "SELECT COUNT(*)
     FROM (SELECT id FROM site_decision
           WHERE company = ? AND state = 'proposed'
           ORDER BY proposed_at, id
           LIMIT 10000) AS proposed",
);

static LIST_VERSIONS: Statement = Statement::new(
    "list versions of a conversion",
    "SELECT version, at, state, sale, points, outcome, source, source_id, posting
     FROM site_conversion_version
     WHERE conversion = ?
     ORDER BY version
     LIMIT 200",
);

static FIND_MESSAGES: Statement = Statement::new(
    "find messages",
    "SELECT id, received_at, request
     FROM site_message
     WHERE company = ? AND id IN (?*)",
);

// Index site_click_member.
static LIST_CLICKS: Statement = Statement::new(
    "list clicks of a member before an event",
    "SELECT c.id, c.shop, c.clicked_at, o.network, o.account
     FROM site_click AS c
     JOIN site_offer AS o ON o.id = c.offer AND o.version = c.offer_version
     WHERE c.member = ? AND c.company = ? AND (? IS NULL OR c.shop = ?) AND c.clicked_at <= ?
     ORDER BY c.id DESC
     LIMIT ?",
);

pub(crate) fn save_decisions(tx: &mut Tx<'_>, decisions: &[&Decision]) -> Result<(), Fault> {
    let rows: Vec<[Value; 15]> = decisions.iter().map(|decision| row_of(decision)).collect();
    tx.upsert(&SAVE_DECISIONS, &rows)
}

fn row_of(decision: &Decision) -> [Value; 15] {
    let Choice { action, click, figures, reason } = &decision.choice;
    let ended = decision.state.ended();
    [
        decision.id.into(),
        decision.company.into(),
        decision.conversion.into(),
        decision.version.into(),
        decision.review.map(Review::code).into(),
        action.code().into(),
        (*click).into(),
        figures.map(|figures| figures.sale).into(),
        figures.map(|figures| figures.commission).into(),
        reason.as_ref().into(),
        decision.state.code().into(),
        decision.proposed_by.get().into(),
        decision.proposed_at.into(),
        ended.map(|(by, _)| by.get()).into(),
        ended.map(|(_, at)| at).into(),
    ]
}

fn decision_of(row: &Row<'_>) -> Result<Decision, Fault> {
    let figures = match row.optional_integer(7)? {
        None => None,
        Some(_) => Some(Figures { sale: row.amount(7)?, commission: row.amount(8)? }),
    };
    let ended = || -> Result<(ActorNumber, Timestamp), Fault> {
        Ok((ActorNumber::from_number(row.unsigned(13)?), row.timestamp(14)?))
    };
    let state = match row.text(10)? {
        "proposed" => DecisionState::Proposed,
        "done" => ended().map(|(by, at)| DecisionState::Done { by, at })?,
        "declined" => ended().map(|(by, at)| DecisionState::Declined { by, at })?,
        "overtaken" => ended().map(|(by, at)| DecisionState::Overtaken { by, at })?,
        _ => return Err(row.corrupt("state of a decision")),
    };
    Ok(Decision {
        id: row.id(0)?,
        company: row.company(1)?,
        conversion: row.id(2)?,
        version: row.small(3)?,
        review: optional(row, 4, Review::parse)?,
        choice: Choice {
            action: row.parsed(5, Action::parse)?,
            click: row.optional_id(6)?,
            figures,
            reason: optional(row, 9, |text| Label::parse(text).ok())?,
        },
        state,
        proposed_by: ActorNumber::from_number(row.unsigned(11)?),
        proposed_at: row.timestamp(12)?,
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

pub(crate) fn find_decisions(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Decision>],
) -> Result<BTreeMap<Id<kind::Decision>, Decision>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_DECISIONS, &[], &list)?;
    rows.iter().map(|row| decision_of(row).map(|decision| (decision.id, decision))).collect()
}

/// Finds those of some conversions that a proposal waits for.
pub(crate) fn find_open(
    reader: &mut Reader<'_>,
    conversions: &BTreeSet<Id<kind::Conversion>>,
) -> Result<BTreeSet<Id<kind::Conversion>>, Fault> {
    let list: Vec<Value> = conversions.iter().copied().map(Value::from).collect();
    reader.query_list(&FIND_OPEN, &[], &list)?.iter().map(|row| row.id(0)).collect()
}

/// Lists what was decided about a conversion, in the order of time.
pub(crate) fn list_decisions(
    reader: &mut Reader<'_>,
    conversion: Id<kind::Conversion>,
) -> Result<Vec<Decision>, Fault> {
    reader.query(&LIST_DECISIONS, &[conversion.into()])?.iter().map(decision_of).collect()
}

/// Lists what waits for a second person, the oldest first.
pub(crate) fn list_proposed(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (at, id): After,
    limit: u32,
) -> Result<Vec<Decision>, Fault> {
    let id: Id<kind::Decision> = Id::from_bits(id);
    let values = [company.into(), at.into(), at.into(), id.into(), limit.into()];
    reader.query(&LIST_PROPOSED, &values)?.iter().map(decision_of).collect()
}

pub(crate) fn count_proposed(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<u32, Fault> {
    let row = reader.query_one(&COUNT_PROPOSED, &[company.into()])?;
    row.map_or(Ok(0), |row| row.small(0))
}

/// What brought a conversion to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VersionStory {
    pub(crate) version: u32,
    pub(crate) at: Timestamp,
    pub(crate) sale: Amount,
    pub(crate) points: Amount,
    pub(crate) outcome: Outcome,
    pub(crate) cause: Cause,
    pub(crate) posted: bool,
}

/// What a version has its cause in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Message(Id<kind::Message>),
    Report(Id<kind::Report>),
    Undo(Id<kind::Report>),
    Person,
}

pub(crate) fn list_versions(
    reader: &mut Reader<'_>,
    conversion: Id<kind::Conversion>,
) -> Result<Vec<VersionStory>, Fault> {
    let rows = reader.query(&LIST_VERSIONS, &[conversion.into()])?;
    rows.iter()
        .map(|row| {
            Ok(VersionStory {
                version: row.small(0)?,
                at: row.timestamp(1)?,
                sale: row.amount(3)?,
                points: row.amount(4)?,
                outcome: row.parsed(5, Outcome::parse)?,
                cause: match row.text(6)? {
                    "postback" => Cause::Message(row.id(7)?),
                    "report" => Cause::Report(row.id(7)?),
                    "undo" => Cause::Undo(row.id(7)?),
                    "decision" => Cause::Person,
                    _ => return Err(row.corrupt("source of a version")),
                },
                posted: row.optional_text(8)?.is_some(),
            })
        })
        .collect()
}

/// Gives what messages said, as they came, in the order of time.
pub(crate) fn find_messages(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    ids: &BTreeSet<Id<kind::Message>>,
) -> Result<BTreeMap<(Timestamp, Id<kind::Message>), Request>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_MESSAGES, &[company.into()], &list)?;
    rows.iter()
        .map(|row| {
            let request = Request::from_stored(row.text(2)?.to_owned());
            Ok(((row.timestamp(1)?, row.id(0)?), request))
        })
        .collect()
}

/// A click that a conversion may belong to.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) click: Id<kind::Click>,
    pub(crate) shop: Id<kind::Shop>,
    pub(crate) clicked_at: Timestamp,
    pub(crate) network: Token,
    pub(crate) account: Token,
}

/// Lists a member's clicks up to a moment, the newest first; at one shop or at all.
pub(crate) fn list_candidates(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    member: Id<kind::Member>,
    shop: Option<Id<kind::Shop>>,
    until: Timestamp,
) -> Result<Vec<Candidate>, Fault> {
    const CANDIDATES: u32 = 20;
    let values =
        [member.into(), company.into(), shop.into(), shop.into(), until.into(), CANDIDATES.into()];
    let rows = reader.query(&LIST_CLICKS, &values)?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                click: row.id(0)?,
                shop: row.id(1)?,
                clicked_at: row.timestamp(2)?,
                network: row.parsed(3, |text| Token::parse(text).ok())?,
                account: row.parsed(4, |text| Token::parse(text).ok())?,
            })
        })
        .collect()
}
