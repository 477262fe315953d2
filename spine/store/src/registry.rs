//! Companies and units: a few rows that everything else refers to by number.

use crate::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use ledger::{AccountNumber, Few, IdleRule, LotLife, SpendOrder, Unit, UnitNumber, UnitPolicy};
use vocabulary::{CompanyNumber, Id, Label, Scale, Timestamp, Token, UnitCode, Zone, kind};

static UPSERT_COMPANY: Upsert = Upsert {
    name: "save companies",
    table: "company",
    columns: &["number", "id", "code", "name", "opened_at"],
    keys: &["number"],
    updates: &["name"],
};

static UPSERT_UNIT: Upsert = Upsert {
    name: "save units",
    table: "unit",
    columns: &[
        "number",
        "code",
        "scale",
        "issuer",
        "spend_order",
        "transferable",
        "paid_may_be_paid_out",
        "lot_lives",
        "idle_rules",
        "breakage",
    ],
    keys: &["number"],
    updates: &[
        "spend_order",
        "transferable",
        "paid_may_be_paid_out",
        "lot_lives",
        "idle_rules",
        "breakage",
    ],
};

static SELECT_COMPANIES: Statement = Statement::new(
    "read companies",
    "SELECT number, id, code, name, opened_at
     FROM company
     ORDER BY number
     LIMIT 65536",
);

static SELECT_UNITS: Statement = Statement::new(
    "read units",
    "SELECT number, code, scale, issuer, spend_order, transferable, paid_may_be_paid_out,
            lot_lives, idle_rules, breakage
     FROM unit
     ORDER BY number
     LIMIT 65536",
);

/// Every statement of the registry, for the test that prepares them.
pub(crate) const STATEMENTS: &[Listed] = &[
    UPSERT_COMPANY.listed(),
    UPSERT_UNIT.listed(),
    SELECT_COMPANIES.listed(),
    SELECT_UNITS.listed(),
];

/// A company of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its dense number.
    pub number: CompanyNumber,
    /// Its id outside.
    pub id: Id<kind::Company>,
    /// A short name for machines; unique.
    pub code: Token,
    /// Its name.
    pub name: Label,
    /// Since when it is on the books.
    pub opened_at: Timestamp,
}

/// Reads all companies, by number.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn companies(reader: &mut Reader<'_>) -> Result<Vec<Company>, Fault> {
    reader.query(&SELECT_COMPANIES, &[])?.iter().map(company_of).collect()
}

fn company_of(row: &Row<'_>) -> Result<Company, Fault> {
    Ok(Company {
        number: row.company(0)?,
        id: row.id(1)?,
        code: row.parsed(2, |text| Token::parse(text).ok())?,
        name: row.parsed(3, |text| Label::parse(text).ok())?,
        opened_at: row.timestamp(4)?,
    })
}

/// Reads all units, by number.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn units(reader: &mut Reader<'_>) -> Result<Vec<Unit>, Fault> {
    reader.query(&SELECT_UNITS, &[])?.iter().map(unit_of).collect()
}

fn unit_of(row: &Row<'_>) -> Result<Unit, Fault> {
    let number = u16::try_from(row.small(0)?).map_err(|_range| row.corrupt("unit number"))?;
    let places = u8::try_from(row.small(2)?).unwrap_or(u8::MAX);
    Ok(Unit {
        number: UnitNumber::new(number),
        code: row.parsed(1, |text| UnitCode::parse(text).ok())?,
        scale: Scale::try_new(places).ok_or_else(|| row.corrupt("scale"))?,
        issuer: row.company(3)?,
        policy: UnitPolicy {
            spend_order: match row.text(4)? {
                "free_before_paid" => SpendOrder::FreeBeforePaid,
                "paid_before_free" => SpendOrder::PaidBeforeFree,
                "earliest" => SpendOrder::Earliest,
                _ => return Err(row.corrupt("spend order")),
            },
            transferable: row.boolean(5)?,
            paid_may_be_paid_out: row.boolean(6)?,
            lot_lives: row.parsed(7, Few::<LotLife>::parse)?,
            idle_rules: row.parsed(8, Few::<IdleRule>::parse)?,
            breakage: row.optional_small(9)?.map(AccountNumber::new),
            zone: Zone::JAPAN,
        },
    })
}

/// Saves companies; the name of one that is there may change, nothing else.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn save_companies(tx: &mut Tx<'_>, companies: &[Company]) -> Result<(), Fault> {
    let rows: Vec<[Value; 5]> = companies
        .iter()
        .map(|company| {
            [
                Value::from(company.number),
                Value::from(company.id),
                Value::from(company.code.as_str()),
                Value::from(company.name.as_str()),
                Value::from(company.opened_at),
            ]
        })
        .collect();
    tx.upsert(&UPSERT_COMPANY, &rows)
}

/// Saves units; the policy of one that is there may change, nothing else.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn save_units(tx: &mut Tx<'_>, units: &[Unit]) -> Result<(), Fault> {
    let rows: Vec<[Value; 10]> = units
        .iter()
        .map(|unit| {
            let order = match unit.policy.spend_order {
                SpendOrder::FreeBeforePaid => "free_before_paid",
                SpendOrder::PaidBeforeFree => "paid_before_free",
                SpendOrder::Earliest => "earliest",
            };
            [
                Value::from(unit.number.get()),
                Value::from(unit.code.as_str()),
                Value::from(unit.scale.places()),
                Value::from(unit.issuer),
                Value::from(order),
                Value::from(unit.policy.transferable),
                Value::from(unit.policy.paid_may_be_paid_out),
                Value::from(unit.policy.lot_lives.to_text()),
                Value::from(unit.policy.idle_rules.to_text()),
                Value::from(unit.policy.breakage.map(AccountNumber::get)),
            ]
        })
        .collect();
    tx.upsert(&UPSERT_UNIT, &rows)
}
