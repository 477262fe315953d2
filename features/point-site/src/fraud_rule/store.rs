//! The table `site_fraud_rule`.

use crate::fraud_rule::{
    Conditions, DecisionPoint, FraudRule, RuleMode, RuleTerms, RuleVersion, VersionState,
};
use crate::offer::store::days;
use crate::step_up::Decision;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Label, Timestamp, Token};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_VERSIONS.listed(),
    FIND_VERSIONS.listed(),
    READ_CURRENT.listed(),
    LIST_PROPOSED.listed(),
];

/// When a version without an end ends: what does not end is found as what ends later.
const NEVER: Timestamp = Timestamp::from_microseconds(i64::MAX);

macro_rules! versions_where {
    ($condition:literal) => {
        concat!(
            "SELECT company, rule, version, point, conditions, decision, mode, answer_days, note,
            starts_on, proposed_by, proposed_at, state, decided_by, decided_at, starts_at, ends_at
     FROM site_fraud_rule
     ",
            $condition
        )
    };
}

static SAVE_VERSIONS: Upsert = Upsert {
    name: "save versions of rules",
    table: "site_fraud_rule",
    columns: &[
        "company",
        "rule",
        "version",
        "point",
        "conditions",
        "decision",
        "mode",
        "answer_days",
        "note",
        "starts_on",
        "proposed_by",
        "proposed_at",
        "state",
        "decided_by",
        "decided_at",
        "starts_at",
        "ends_at",
    ],
    keys: &["company", "rule", "version"],
    updates: &["state", "decided_by", "decided_at", "starts_at", "ends_at"],
};

// By the primary key; a rule has few versions.
static FIND_VERSIONS: Statement = Statement::new(
    "find versions of rules",
    versions_where!(
        "WHERE company = ? AND rule IN (?*)
     ORDER BY rule, version"
    ),
);

// Index site_fraud_rule_state; there are at most 200 rules, of which few have a version to come.
static READ_CURRENT: Statement = Statement::new(
    "read rules in force or to come",
    versions_where!(
        "WHERE company = ? AND state = 'approved' AND ends_at > ?
     ORDER BY rule, version
     LIMIT 2000"
    ),
);

// Index site_fraud_rule_state; a rule has one at most.
static LIST_PROPOSED: Statement = Statement::new(
    "list proposed versions of rules",
    versions_where!(
        "WHERE company = ? AND state = 'proposed'
     ORDER BY rule, version
     LIMIT 200"
    ),
);

pub(crate) fn save_versions(tx: &mut Tx<'_>, versions: &[&RuleVersion]) -> Result<(), Fault> {
    let rows: Vec<[Value; 17]> = versions.iter().copied().map(row_of).collect();
    tx.upsert(&SAVE_VERSIONS, &rows)
}

fn row_of(version: &RuleVersion) -> [Value; 17] {
    let (rule, terms) = (&version.rule, &version.rule.terms);
    let (decided, period) = match version.state {
        VersionState::Proposed => (None, None),
        VersionState::Approved { by, at, starts_at, ends_at } => {
            (Some((by, at)), Some((starts_at, ends_at.unwrap_or(NEVER))))
        }
        VersionState::Declined { by, at } => (Some((by, at)), None),
    };
    [
        version.company.into(),
        rule.id.as_str().into(),
        rule.version.into(),
        terms.point.code().into(),
        terms.conditions.to_string().into(),
        terms.decision.code().into(),
        terms.mode.code().into(),
        terms.answer_days.into(),
        (&terms.note).into(),
        version.starts_on.into(),
        version.proposed_by.get().into(),
        version.proposed_at.into(),
        version.state.code().into(),
        decided.map(|(by, _)| by.get()).into(),
        decided.map(|(_, at)| at).into(),
        period.map(|(starts_at, _)| starts_at).into(),
        period.map(|(_, ends_at)| ends_at).into(),
    ]
}

fn version_of(row: &Row<'_>) -> Result<RuleVersion, Fault> {
    let terms = RuleTerms {
        point: row.parsed(3, DecisionPoint::parse)?,
        conditions: row.parsed(4, Conditions::parse)?,
        decision: row.parsed(5, Decision::parse)?,
        mode: row.parsed(6, RuleMode::parse)?,
        answer_days: days(row, 7)?,
        note: row.parsed(8, |text| Label::parse(text).ok())?,
    };
    Ok(RuleVersion {
        company: row.company(0)?,
        rule: FraudRule {
            id: row.parsed(1, |text| Token::parse(text).ok())?,
            version: row.small(2)?,
            terms,
        },
        starts_on: row.optional_day(9)?,
        proposed_by: ActorNumber::from_number(row.unsigned(10)?),
        proposed_at: row.timestamp(11)?,
        state: state_of(row)?,
    })
}

fn state_of(row: &Row<'_>) -> Result<VersionState, Fault> {
    let decided = || -> Result<(ActorNumber, Timestamp), Fault> {
        Ok((ActorNumber::from_number(row.unsigned(13)?), row.timestamp(14)?))
    };
    match row.text(12)? {
        "proposed" => Ok(VersionState::Proposed),
        "approved" => {
            let ((by, at), starts_at) = (decided()?, row.timestamp(15)?);
            let ends_at = Some(row.timestamp(16)?).filter(|end| *end != NEVER);
            Ok(VersionState::Approved { by, at, starts_at, ends_at })
        }
        "declined" => decided().map(|(by, at)| VersionState::Declined { by, at }),
        _ => Err(row.corrupt("version of a rule")),
    }
}

/// Finds all versions of some rules, each rule's first one first.
pub(crate) fn find_versions(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    rules: &[Token],
) -> Result<Vec<RuleVersion>, Fault> {
    let list: Vec<Value> = rules.iter().map(|rule| rule.as_str().into()).collect();
    let rows = reader.query_list(&FIND_VERSIONS, &[company.into()], &list)?;
    rows.iter().map(version_of).collect()
}

/// Reads the approved versions that are in force after a moment, or will be.
pub(crate) fn read_current(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    after: Timestamp,
) -> Result<Vec<RuleVersion>, Fault> {
    let rows = reader.query(&READ_CURRENT, &[company.into(), after.into()])?;
    rows.iter().map(version_of).collect()
}

/// Lists the versions that wait for their approval.
pub(crate) fn list_proposed(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<RuleVersion>, Fault> {
    reader.query(&LIST_PROPOSED, &[company.into()])?.iter().map(version_of).collect()
}
