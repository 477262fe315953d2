//! The tables `site_finding` and `site_finding_hit`.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, FindingFacts, RuleHit};
use crate::fraud_rule::DecisionPoint;
use crate::step_up::Decision;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    ADD_FINDINGS.listed(),
    ADD_HITS.listed(),
    READ_SHARED.listed(),
    LIST_OF_SUBJECT.listed(),
    LIST_OF_MEMBER.listed(),
    LIST_BEFORE.listed(),
    COUNT_HITS.listed(),
];

/// How many hits are counted at most, the newest: a rule that applies to everything must not make
/// its page slow.
pub(crate) const HITS_MAX: u32 = 20_000;

// A finding that is there stays as it is.
static ADD_FINDINGS: Upsert = Upsert {
    name: "add findings",
    table: "site_finding",
    columns: &["id", "company", "point", "subject", "member", "at", "outcome", "hits", "facts"],
    keys: &["id"],
    updates: &[],
};

static ADD_HITS: Upsert = Upsert {
    name: "add hits of rules",
    table: "site_finding_hit",
    columns: &["finding", "rule", "company", "at"],
    keys: &["finding", "rule"],
    updates: &[],
};

// Index site_payee_fingerprint.
static READ_SHARED: Statement = Statement::new(
    "read payees that several members named",
    "SELECT DISTINCT p.id
     FROM site_payee AS p
     JOIN site_payee AS o
       ON o.fingerprint = p.fingerprint AND o.company = p.company AND o.member <> p.member
     WHERE p.id IN (?*)",
);

macro_rules! findings_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, company, point, subject, member, outcome, hits, facts
     FROM site_finding
     ",
            $condition
        )
    };
}

// Index site_finding_subject.
static LIST_OF_SUBJECT: Statement = Statement::new(
    "list findings of a subject",
    findings_where!(
        "WHERE subject = ?
     ORDER BY at DESC, id DESC
     LIMIT ?"
    ),
);

// Index site_finding_member.
static LIST_OF_MEMBER: Statement = Statement::new(
    "list findings of a member",
    findings_where!(
        "WHERE member = ?
     ORDER BY at DESC, id DESC
     LIMIT ?"
    ),
);

// Index site_finding_point.
static LIST_BEFORE: Statement = Statement::new(
    "list findings before one",
    findings_where!(
        "WHERE company = ? AND point = ? AND at >= ? AND (at < ? OR (at = ? AND id < ?))
     ORDER BY at DESC, id DESC
     LIMIT ?"
    ),
);

// Index site_finding_hit_at.
static COUNT_HITS: Statement = Statement::new(
    "count hits of rules",
    "SELECT rule, COUNT(*), COUNT(CASE WHEN at >= ? THEN 1 END)
     FROM (SELECT rule, at
           FROM site_finding_hit
           WHERE company = ? AND at >= ?
           ORDER BY at DESC, rule, finding
           LIMIT ?) AS newest
     GROUP BY rule",
);

/// Adds findings with their hits; two statements.
pub(crate) fn add_findings(tx: &mut Tx<'_>, findings: &[Finding]) -> Result<(), Fault> {
    let rows: Vec<[Value; 9]> = findings
        .iter()
        .map(|finding| {
            [
                finding.id.into(),
                finding.company.into(),
                finding.point.code().into(),
                finding.subject.into(),
                finding.member.into(),
                finding.facts.at.into(),
                finding.outcome.code().into(),
                RuleHit::list_text(&finding.hits).into(),
                finding.facts.to_text().into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_FINDINGS, &rows)?;
    let hits =
        findings.iter().flat_map(|finding| finding.hits.iter().map(move |hit| (finding, hit)));
    let rows: Vec<[Value; 4]> = hits
        .map(|(finding, hit)| {
            let company = finding.company.into();
            [finding.id.into(), hit.rule.as_str().into(), company, finding.facts.at.into()]
        })
        .collect();
    tx.upsert(&ADD_HITS, &rows)
}

/// Reads which of some payees name an account that another member of the company named as well.
pub(crate) fn read_shared(
    reader: &mut Reader<'_>,
    payees: &[Id<kind::Payee>],
) -> Result<BTreeSet<Id<kind::Payee>>, Fault> {
    let list: Vec<Value> = payees.iter().copied().map(Value::from).collect();
    reader.query_list(&READ_SHARED, &[], &list)?.iter().map(|row| row.id(0)).collect()
}

fn finding_of(row: &Row<'_>) -> Result<Finding, Fault> {
    Ok(Finding {
        id: row.id(0)?,
        company: row.company(1)?,
        point: row.parsed(2, DecisionPoint::parse)?,
        subject: row.sixteen(3)?,
        member: row.id(4)?,
        outcome: row.parsed(5, Decision::parse)?,
        hits: row.parsed(6, RuleHit::parse_list)?,
        facts: row.parsed(7, FindingFacts::parse)?,
    })
}

/// Lists what rules said of something, the newest first.
pub(crate) fn list_of_subject(
    reader: &mut Reader<'_>,
    subject: [u8; 16],
    limit: u32,
) -> Result<Vec<Finding>, Fault> {
    let rows = reader.query(&LIST_OF_SUBJECT, &[subject.into(), limit.into()])?;
    rows.iter().map(finding_of).collect()
}

/// Lists what rules said of a member, the newest first.
pub(crate) fn list_of_member(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<Finding>, Fault> {
    let rows = reader.query(&LIST_OF_MEMBER, &[member.into(), limit.into()])?;
    rows.iter().map(finding_of).collect()
}

/// A part of what was found at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) company: CompanyNumber,
    pub(crate) point: DecisionPoint,
    /// Nothing before this moment.
    pub(crate) since: Timestamp,
    /// What the page before ended with.
    pub(crate) before: (Timestamp, Id<kind::Finding>),
}

/// Lists what was found before something, the newest first.
pub(crate) fn list_before(
    reader: &mut Reader<'_>,
    page: Page,
    limit: u32,
) -> Result<Vec<Finding>, Fault> {
    let (at, id) = page.before;
    let (company, point) = (page.company.into(), page.point.code().into());
    let values = [company, point, page.since.into(), at.into(), at.into(), id.into(), limit.into()];
    reader.query(&LIST_BEFORE, &values)?.iter().map(finding_of).collect()
}

/// How often a rule applied: since the earlier moment, and since the later one.
pub(crate) type Hits = BTreeMap<Token, (u64, u64)>;

/// Counts hits of a company's rules since two moments, of the newest [`HITS_MAX`].
pub(crate) fn count_hits(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (earlier, later): (Timestamp, Timestamp),
) -> Result<Hits, Fault> {
    let values = [later.into(), company.into(), earlier.into(), HITS_MAX.into()];
    let rows = reader.query(&COUNT_HITS, &values)?;
    rows.iter()
        .map(|row| {
            let rule = row.parsed(0, |text| Token::parse(text).ok())?;
            Ok((rule, (row.unsigned(1)?, row.unsigned(2)?)))
        })
        .collect()
}
