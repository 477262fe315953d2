//! The tables `site_fraud_case` and `site_fraud_case_event`.

use std::collections::BTreeMap;

use crate::fraud_case::{CaseAction, CaseEvent, CaseState, FraudCase};
use crate::fraud_rule::DecisionPoint;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_CASES.listed(),
    FIND_CASES.listed(),
    LIST_WAITING.listed(),
    LIST_OWNED.listed(),
    LIST_CLOSED.listed(),
    LIST_OF_MEMBER.listed(),
    COUNT_OVERDUE.listed(),
    ADD_EVENTS.listed(),
    LIST_EVENTS.listed(),
];

/// How many overdue cases are counted at most; beyond it there is one answer anyway.
pub(crate) const OVERDUE_MAX: u32 = 1_000;

macro_rules! cases_where {
    ($condition:literal) => {
        concat!(
            "SELECT subject, company, point, member, amount, rules, opened_at, due_at, owner, state,
            version, closed_at
     FROM site_fraud_case
     ",
            $condition
        )
    };
}

static SAVE_CASES: Upsert = Upsert {
    name: "save cases",
    table: "site_fraud_case",
    columns: &[
        "subject",
        "company",
        "point",
        "member",
        "amount",
        "rules",
        "opened_at",
        "due_at",
        "owner",
        "waits",
        "state",
        "version",
        "closed_at",
    ],
    keys: &["subject"],
    updates: &["owner", "waits", "state", "version", "closed_at"],
};

static FIND_CASES: Statement = Statement::new("find cases", cases_where!("WHERE subject IN (?*)"));

// Index site_fraud_case_waits. A rule is looked for among what waits, which is never much.
static LIST_WAITING: Statement = Statement::new(
    "list waiting cases",
    cases_where!(
        "WHERE company = ? AND waits = 1 AND INSTR(rules, ?) > 0
       AND (due_at > ? OR (due_at = ? AND subject > ?))
     ORDER BY due_at, subject
     LIMIT ?"
    ),
);

// Index site_fraud_case_owner.
static LIST_OWNED: Statement = Statement::new(
    "list waiting cases of an owner",
    cases_where!(
        "WHERE company = ? AND waits = 1 AND owner = ? AND INSTR(rules, ?) > 0
       AND (due_at > ? OR (due_at = ? AND subject > ?))
     ORDER BY due_at, subject
     LIMIT ?"
    ),
);

// Index site_fraud_case_closed; only those of the last days, because a rule is looked for in each.
static LIST_CLOSED: Statement = Statement::new(
    "list closed cases",
    cases_where!(
        "WHERE company = ? AND waits = 0 AND closed_at >= ? AND INSTR(rules, ?) > 0
       AND (closed_at < ? OR (closed_at = ? AND subject < ?))
     ORDER BY closed_at DESC, subject DESC
     LIMIT ?"
    ),
);

// Index site_fraud_case_member.
static LIST_OF_MEMBER: Statement = Statement::new(
    "list cases of a member",
    cases_where!(
        "WHERE member = ?
     ORDER BY opened_at DESC, subject DESC
     LIMIT ?"
    ),
);

// Index site_fraud_case_waits.
static COUNT_OVERDUE: Statement = Statement::new(
    "count overdue cases",
    "SELECT COUNT(*)
     FROM (SELECT subject
           FROM site_fraud_case
           WHERE company = ? AND waits = 1 AND due_at <= ?
           ORDER BY due_at, subject
           LIMIT ?) AS overdue",
);

static ADD_EVENTS: Upsert = Upsert {
    name: "add events of cases",
    table: "site_fraud_case_event",
    columns: &["subject", "version", "at", "actor", "action", "text", "other"],
    keys: &["subject", "version"],
    updates: &[],
};

static LIST_EVENTS: Statement = Statement::new(
    "list events of a case",
    "SELECT subject, version, at, actor, action, text, other
     FROM site_fraud_case_event
     WHERE subject = ?
     ORDER BY version
     LIMIT 500",
);

/// Puts blanks around each name, so that a whole name is found in the text.
fn rules_text(rules: &[Token]) -> String {
    let mut text = " ".to_owned();
    for rule in rules {
        // Ten names of 24 characters fit; what held it most often is told by the findings.
        if text.len().saturating_add(rule.as_str().len()) < 299 {
            text.push_str(rule.as_str());
            text.push(' ');
        }
    }
    text
}

pub(crate) fn save_cases(tx: &mut Tx<'_>, cases: &[&FraudCase]) -> Result<(), Fault> {
    let rows: Vec<[Value; 13]> = cases
        .iter()
        .map(|case| {
            [
                case.subject.into(),
                case.company.into(),
                case.point.code().into(),
                case.member.into(),
                case.amount.into(),
                rules_text(&case.rules).into(),
                case.opened_at.into(),
                case.due_at.into(),
                owner_number(case.owner).into(),
                u32::from(case.state.waits()).into(),
                case.state.code().into(),
                case.version.into(),
                case.state.closed_at().into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_CASES, &rows)
}

/// Nobody is 0, so that what is nobody's has an index as well; the system owns no case.
fn owner_number(owner: Option<ActorNumber>) -> u64 {
    owner.map_or(0, ActorNumber::get)
}

fn case_of(row: &Row<'_>) -> Result<FraudCase, Fault> {
    let closed_at = row.optional_timestamp(11)?;
    let rules = |text: &str| text.split_whitespace().map(|id| Token::parse(id).ok()).collect();
    Ok(FraudCase {
        subject: row.id(0)?,
        company: row.company(1)?,
        point: row.parsed(2, DecisionPoint::parse)?,
        member: row.id(3)?,
        amount: row.amount(4)?,
        rules: row.parsed(5, rules)?,
        opened_at: row.timestamp(6)?,
        due_at: row.timestamp(7)?,
        owner: Some(row.unsigned(8)?).filter(|n| *n != 0).map(ActorNumber::from_number),
        state: row.parsed(9, |code| CaseState::from_parts(code, closed_at))?,
        version: row.small(10)?,
    })
}

pub(crate) fn find_cases(
    reader: &mut Reader<'_>,
    subjects: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, FraudCase>, Fault> {
    let list: Vec<Value> = subjects.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_CASES, &[], &list)?;
    rows.iter().map(|row| case_of(row).map(|case| (case.subject, case))).collect()
}

/// Which cases are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All that wait.
    Waiting,
    /// Those of somebody, or nobody's.
    Of(Option<ActorNumber>),
    /// Those closed since a moment.
    ClosedSince(Timestamp),
}

/// A place in a list: the moment it is ordered by, and the case.
pub(crate) type Place = (Timestamp, Id<kind::Exchange>);

/// Lists cases after a place: of those that wait what is due first, of the closed ones the newest
/// first; all, or those of a rule.
pub(crate) fn list_cases(
    reader: &mut Reader<'_>,
    (company, shown): (CompanyNumber, Shown),
    rule: Option<&Token>,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<FraudCase>, Fault> {
    let company = Value::from(company);
    let rule = Value::from(rule.map_or_else(String::new, |rule| format!(" {rule} ")));
    let rows = match shown {
        Shown::Waiting => {
            let (at, id) = after.unwrap_or((Timestamp::default(), Id::from_bits(0)));
            let values = [company, rule, at.into(), at.into(), id.into(), limit.into()];
            reader.query(&LIST_WAITING, &values)?
        }
        Shown::Of(owner) => {
            let (at, id) = after.unwrap_or((Timestamp::default(), Id::from_bits(0)));
            let owner = owner_number(owner).into();
            let values = [company, owner, rule, at.into(), at.into(), id.into(), limit.into()];
            reader.query(&LIST_OWNED, &values)?
        }
        Shown::ClosedSince(since) => {
            let last = Timestamp::from_microseconds(i64::MAX);
            let (at, id) = after.unwrap_or((last, Id::from_bits(u128::MAX)));
            let since = since.into();
            let values = [company, since, rule, at.into(), at.into(), id.into(), limit.into()];
            reader.query(&LIST_CLOSED, &values)?
        }
    };
    rows.iter().map(case_of).collect()
}

/// Lists a member's cases, the newest first.
pub(crate) fn list_of_member(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<FraudCase>, Fault> {
    let rows = reader.query(&LIST_OF_MEMBER, &[member.into(), limit.into()])?;
    rows.iter().map(case_of).collect()
}

/// Counts a company's cases that should have been decided, up to a thousand.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn count_overdue(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
) -> Result<u32, Fault> {
    let row =
        reader.query_one(&COUNT_OVERDUE, &[company.into(), now.into(), OVERDUE_MAX.into()])?;
    row.map_or(Ok(0), |row| row.small(0))
}

pub(crate) fn add_events(tx: &mut Tx<'_>, events: &[CaseEvent]) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = events
        .iter()
        .map(|event| {
            [
                event.subject.into(),
                event.version.into(),
                event.at.into(),
                event.actor.get().into(),
                event.action.code().into(),
                event.text.as_str().into(),
                event.other.map(ActorNumber::get).into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_EVENTS, &rows)
}

/// Lists what was done about a case, in its order.
pub(crate) fn list_events(
    reader: &mut Reader<'_>,
    subject: Id<kind::Exchange>,
) -> Result<Vec<CaseEvent>, Fault> {
    let rows = reader.query(&LIST_EVENTS, &[subject.into()])?;
    rows.iter()
        .map(|row| {
            Ok(CaseEvent {
                subject: row.id(0)?,
                version: row.small(1)?,
                at: row.timestamp(2)?,
                actor: ActorNumber::from_number(row.unsigned(3)?),
                action: row.parsed(4, CaseAction::parse)?,
                text: row.text(5)?.to_owned(),
                other: row.optional_unsigned(6)?.map(ActorNumber::from_number),
            })
        })
        .collect()
}
