//! The tables `site_destination` and `site_limit_group`.

use std::collections::BTreeMap;

use crate::destination::command::LimitGroupFacts;
use crate::destination::{
    Destination, DestinationEntry, DestinationKind, LimitGroup, Opening, SaveDestination,
};
use crate::offer::store::days;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Label, Rate, Rounding, Timestamp, Token, UnitCode};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_DESTINATIONS.listed(),
    READ_DESTINATIONS.listed(),
    SAVE_LIMIT_GROUPS.listed(),
    READ_LIMIT_GROUPS.listed(),
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
