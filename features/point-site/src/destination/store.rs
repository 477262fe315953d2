//! The tables `site_destination`, `site_limit_group` and `site_destination_proposal`.

use std::collections::BTreeMap;

use crate::destination::command::LimitGroupFacts;
use crate::destination::{
    Destination, DestinationChange, DestinationEntry, DestinationKind, DestinationProposal,
    LimitGroup, Opening, ProposalState, SaveDestination,
};
use crate::offer::store::days;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Label, Rate, Rounding, Timestamp, Token, UnitCode};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_DESTINATIONS.listed(),
    READ_DESTINATIONS.listed(),
    SAVE_LIMIT_GROUPS.listed(),
    READ_LIMIT_GROUPS.listed(),
    SAVE_PROPOSALS.listed(),
    LAST_PROPOSAL.listed(),
    FIND_PROPOSALS.listed(),
    LIST_PROPOSED.listed(),
    LIST_OF_CODE.listed(),
];

/// A version to be saved, and when that was asked for.
pub(crate) type SavedDestination = (SaveDestination, Timestamp);

static SAVE_DESTINATIONS: Upsert = Upsert {
    name: "save destinations",
    table: "site_destination",
    columns: &[
        "company",
        "code",
        "effective_from",
        "kind",
        "name",
        "name_english",
        "product",
        "unit",
        "minimum",
        "step",
        "rate_numerator",
        "rate_denominator",
        "rounding",
        "fee",
        "lead_days",
        "quote_minutes",
        "limit_group",
        "opening",
        "saved_at",
        "saved_by",
    ],
    keys: &["company", "code", "effective_from"],
    updates: &[
        "kind",
        "name",
        "name_english",
        "product",
        "unit",
        "minimum",
        "step",
        "rate_numerator",
        "rate_denominator",
        "rounding",
        "fee",
        "lead_days",
        "quote_minutes",
        "limit_group",
        "opening",
        "saved_at",
        "saved_by",
    ],
};

// A site has some dozen destinations; all their versions are a few hundred rows.
static READ_DESTINATIONS: Statement = Statement::new(
    "read destinations",
    "SELECT company, code, effective_from, kind, name, name_english, product, unit, minimum, step,
            rate_numerator, rate_denominator, rounding, fee, lead_days, quote_minutes, limit_group,
            opening
     FROM site_destination
     WHERE company IN (?*)
     ORDER BY company, code, effective_from",
);

static SAVE_LIMIT_GROUPS: Upsert = Upsert {
    name: "save limit groups",
    table: "site_limit_group",
    columns: &["company", "code", "daily", "monthly", "saved_at"],
    keys: &["company", "code"],
    updates: &["daily", "monthly", "saved_at"],
};

static READ_LIMIT_GROUPS: Statement = Statement::new(
    "read limit groups",
    "SELECT company, code, daily, monthly
     FROM site_limit_group
     WHERE company IN (?*)
     ORDER BY company, code",
);

static SAVE_PROPOSALS: Upsert = Upsert {
    name: "save proposals about destinations",
    table: "site_destination_proposal",
    columns: &[
        "company",
        "number",
        "subject",
        "code",
        "effective_from",
        "kind",
        "name",
        "name_english",
        "product",
        "unit",
        "minimum",
        "step",
        "rate_numerator",
        "rate_denominator",
        "rounding",
        "fee",
        "lead_days",
        "quote_minutes",
        "limit_group",
        "opening",
        "daily",
        "monthly",
        "proposed_by",
        "proposed_at",
        "state",
        "decided_by",
        "decided_at",
    ],
    keys: &["company", "number"],
    updates: &["state", "decided_by", "decided_at"],
};

// By the primary key.
static LAST_PROPOSAL: Statement = Statement::new(
    "find the last proposal about destinations",
    "SELECT number
     FROM site_destination_proposal
     WHERE company = ?
     ORDER BY number DESC
     LIMIT 1",
);

macro_rules! proposals_where {
    ($condition:literal) => {
        concat!(
            "SELECT company, code, effective_from, kind, name, name_english, product, unit, minimum,
            step, rate_numerator, rate_denominator, rounding, fee, lead_days, quote_minutes,
            limit_group, opening, number, subject, daily, monthly, proposed_by, proposed_at, state,
            decided_by, decided_at
     FROM site_destination_proposal
     ",
            $condition
        )
    };
}

// By the primary key.
static FIND_PROPOSALS: Statement = Statement::new(
    "find proposals about destinations",
    proposals_where!(
        "WHERE company = ? AND number IN (?*)
     ORDER BY number"
    ),
);

// Index site_destination_proposal_state; a destination or group has one at most.
static LIST_PROPOSED: Statement = Statement::new(
    "list proposals about destinations to be approved",
    proposals_where!(
        "WHERE company = ? AND state = 'proposed'
     ORDER BY number
     LIMIT 400"
    ),
);

// Index site_destination_proposal_code.
static LIST_OF_CODE: Statement = Statement::new(
    "list proposals about a destination",
    proposals_where!(
        "WHERE company = ? AND subject = ? AND code = ?
     ORDER BY number DESC
     LIMIT 50"
    ),
);

pub(crate) fn save_destinations(tx: &mut Tx<'_>, saved: &[SavedDestination]) -> Result<(), Fault> {
    let rows: Vec<[Value; 20]> = saved
        .iter()
        .map(|(command, saved_at)| {
            let entry = &command.entry;
            let terms = &entry.terms;
            [
                command.company.into(),
                terms.code.as_str().into(),
                terms.effective_from.into(),
                terms.kind.code().into(),
                (&entry.name).into(),
                (&entry.name_english).into(),
                entry.product.as_str().into(),
                (&terms.unit).into(),
                terms.minimum.into(),
                terms.step.into(),
                terms.rate.numerator().into(),
                terms.rate.denominator().into(),
                rounding_code(terms.rounding).into(),
                terms.fee.into(),
                terms.lead_days.into(),
                terms.quote_minutes.into(),
                terms.limit_group.as_str().into(),
                terms.opening.code().into(),
                (*saved_at).into(),
                command.by.get().into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_DESTINATIONS, &rows)
}

/// Reads all versions of the destinations of some companies.
pub(crate) fn read_destinations(
    reader: &mut Reader<'_>,
    companies: &[CompanyNumber],
) -> Result<BTreeMap<CompanyNumber, Vec<DestinationEntry>>, Fault> {
    let list: Vec<Value> = companies.iter().copied().map(Value::from).collect();
    let mut found: BTreeMap<CompanyNumber, Vec<DestinationEntry>> = BTreeMap::new();
    for row in reader.query_list(&READ_DESTINATIONS, &[], &list)? {
        let entry = entry_of(&row)?;
        let entries = found.entry(row.company(0)?).or_default();
        // A list may be filled up with its last value.
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    Ok(found)
}

fn entry_of(row: &Row<'_>) -> Result<DestinationEntry, Fault> {
    Ok(DestinationEntry {
        terms: Destination {
            code: row.parsed(1, |text| Token::parse(text).ok())?,
            effective_from: row.day(2)?,
            kind: row.parsed(3, DestinationKind::parse)?,
            unit: row.parsed(7, |text| UnitCode::parse(text).ok())?,
            minimum: row.amount(8)?,
            step: row.amount(9)?,
            rate: rate_of(row, 10)?,
            rounding: row.parsed(12, parse_rounding)?,
            fee: row.amount(13)?,
            lead_days: days(row, 14)?,
            quote_minutes: days(row, 15)?,
            limit_group: row.parsed(16, |text| Token::parse(text).ok())?,
            opening: row.parsed(17, Opening::parse)?,
        },
        name: row.parsed(4, |text| Label::parse(text).ok())?,
        name_english: row.parsed(5, |text| Label::parse(text).ok())?,
        product: row.parsed(6, |text| Token::parse(text).ok())?,
    })
}

/// Reads a rate from two columns.
pub(crate) fn rate_of(row: &Row<'_>, first: usize) -> Result<Rate, Fault> {
    let (numerator, denominator) = (row.integer(first)?, row.integer(first.saturating_add(1))?);
    Rate::try_new(numerator, denominator).map_err(|error| row.corrupt("rate").caused_by(error))
}

pub(crate) const fn rounding_code(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Down => "down",
        Rounding::Up => "up",
        Rounding::HalfUp => "half_up",
        Rounding::HalfEven => "half_even",
    }
}

pub(crate) fn parse_rounding(code: &str) -> Option<Rounding> {
    [Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::HalfEven]
        .into_iter()
        .find(|rounding| rounding_code(*rounding) == code)
}

pub(crate) fn save_limit_groups(tx: &mut Tx<'_>, facts: &LimitGroupFacts) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = facts
        .iter()
        .map(|((company, code), (group, saved_at))| {
            [
                (*company).into(),
                code.as_str().into(),
                group.daily.into(),
                group.monthly.into(),
                (*saved_at).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_LIMIT_GROUPS, &rows)
}

/// Reads the limits of some companies.
pub(crate) fn read_limit_groups(
    reader: &mut Reader<'_>,
    companies: &[CompanyNumber],
) -> Result<BTreeMap<(CompanyNumber, Token), LimitGroup>, Fault> {
    let list: Vec<Value> = companies.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&READ_LIMIT_GROUPS, &[], &list)?;
    rows.iter()
        .map(|row| {
            let code = row.parsed(1, |text| Token::parse(text).ok())?;
            let group = LimitGroup {
                code: code.clone(),
                daily: row.optional_amount(2)?,
                monthly: row.optional_amount(3)?,
            };
            Ok(((row.company(0)?, code), group))
        })
        .collect()
}

pub(crate) fn save_proposals(
    tx: &mut Tx<'_>,
    proposals: &[&DestinationProposal],
) -> Result<(), Fault> {
    let rows: Vec<[Value; 27]> = proposals.iter().copied().map(row_of).collect();
    tx.upsert(&SAVE_PROPOSALS, &rows)
}

fn row_of(proposal: &DestinationProposal) -> [Value; 27] {
    let (entry, group) = match &proposal.change {
        DestinationChange::Version(entry) => (Some(entry), None),
        DestinationChange::Limits(group) => (None, Some(group)),
    };
    let terms = entry.map(|entry| &entry.terms);
    let decided = match proposal.state {
        ProposalState::Proposed => None,
        ProposalState::Approved { by, at } | ProposalState::Declined { by, at } => Some((by, at)),
    };
    [
        proposal.company.into(),
        proposal.number.into(),
        proposal.change.subject().into(),
        proposal.change.code().as_str().into(),
        terms.map(|terms| terms.effective_from).into(),
        terms.map(|terms| terms.kind.code()).into(),
        entry.map(|entry| entry.name.as_str()).into(),
        entry.map(|entry| entry.name_english.as_str()).into(),
        entry.map(|entry| entry.product.as_str()).into(),
        terms.map(|terms| terms.unit.as_str()).into(),
        terms.map(|terms| terms.minimum).into(),
        terms.map(|terms| terms.step).into(),
        terms.map(|terms| terms.rate.numerator()).into(),
        terms.map(|terms| terms.rate.denominator()).into(),
        terms.map(|terms| rounding_code(terms.rounding)).into(),
        terms.map(|terms| terms.fee).into(),
        terms.map(|terms| terms.lead_days).into(),
        terms.map(|terms| terms.quote_minutes).into(),
        terms.map(|terms| terms.limit_group.as_str()).into(),
        terms.map(|terms| terms.opening.code()).into(),
        group.and_then(|group| group.daily).into(),
        group.and_then(|group| group.monthly).into(),
        proposal.proposed_by.get().into(),
        proposal.proposed_at.into(),
        proposal.state.code().into(),
        decided.map(|(by, _)| by.get()).into(),
        decided.map(|(_, at)| at).into(),
    ]
}

fn proposal_of(row: &Row<'_>) -> Result<DestinationProposal, Fault> {
    let change = match row.text(19)? {
        "destination" => DestinationChange::Version(entry_of(row)?),
        "limit_group" => DestinationChange::Limits(LimitGroup {
            code: row.parsed(1, |text| Token::parse(text).ok())?,
            daily: row.optional_amount(20)?,
            monthly: row.optional_amount(21)?,
        }),
        _ => return Err(row.corrupt("proposal about a destination")),
    };
    let decided = || -> Result<(ActorNumber, Timestamp), Fault> {
        Ok((ActorNumber::from_number(row.unsigned(25)?), row.timestamp(26)?))
    };
    let state = match row.text(24)? {
        "proposed" => ProposalState::Proposed,
        "approved" => decided().map(|(by, at)| ProposalState::Approved { by, at })?,
        "declined" => decided().map(|(by, at)| ProposalState::Declined { by, at })?,
        _ => return Err(row.corrupt("state of a proposal")),
    };
    Ok(DestinationProposal {
        company: row.company(0)?,
        number: row.small(18)?,
        change,
        proposed_by: ActorNumber::from_number(row.unsigned(22)?),
        proposed_at: row.timestamp(23)?,
        state,
    })
}

/// Gives the number of a company's last proposal; 0 before the first.
pub(crate) fn last_proposal(reader: &mut Reader<'_>, company: CompanyNumber) -> Result<u32, Fault> {
    let row = reader.query_one(&LAST_PROPOSAL, &[company.into()])?;
    row.map_or(Ok(0), |row| row.small(0))
}

/// Finds proposals by their numbers; numbers of nobody are left out.
pub(crate) fn find_proposals(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    numbers: &[u32],
) -> Result<BTreeMap<u32, DestinationProposal>, Fault> {
    let list: Vec<Value> = numbers.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_PROPOSALS, &[company.into()], &list)?;
    rows.iter().map(|row| proposal_of(row).map(|proposal| (proposal.number, proposal))).collect()
}

/// Lists what waits for its approval.
pub(crate) fn list_proposed(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<DestinationProposal>, Fault> {
    reader.query(&LIST_PROPOSED, &[company.into()])?.iter().map(proposal_of).collect()
}

/// Lists what was proposed about a destination or a group, the newest first.
pub(crate) fn list_of_code(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (subject, code): (&str, &Token),
) -> Result<Vec<DestinationProposal>, Fault> {
    let values = [company.into(), subject.into(), code.as_str().into()];
    reader.query(&LIST_OF_CODE, &values)?.iter().map(proposal_of).collect()
}
