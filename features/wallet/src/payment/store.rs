use std::collections::BTreeMap;

use super::command::PaymentFacts;
use super::state::Payment;
use ledger::UnitNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value, registry};
use vocabulary::{Id, Label, kind};

/// All statements of payments.
pub(crate) const STATEMENTS: &[Listed] =
    &[FIND_PAYMENTS.listed(), FIND_SHOPS.listed(), ADD_PAYMENTS.listed()];

static FIND_PAYMENTS: Statement = Statement::new(
    "find payments",
    "SELECT hold, company, member, unit, amount, shop, placed_at, expires_at
     FROM wallet_payment
     WHERE hold IN (?*)",
);

static FIND_SHOPS: Statement = Statement::new(
    "find shops of payments",
    "SELECT hold, shop
     FROM wallet_payment
     WHERE hold IN (?*)",
);

// A payment decided again after a lost race finds its own row.
static ADD_PAYMENTS: Upsert = Upsert {
    name: "add payments",
    table: "wallet_payment",
    columns: &["hold", "company", "member", "unit", "amount", "shop", "placed_at", "expires_at"],
    keys: &["hold"],
    updates: &[],
};

/// Loads the payments of some holds, and the companies, whose takings are credited.
pub(super) fn load(
    holds: impl Iterator<Item = Id<kind::Hold>>,
    tx: &mut Tx<'_>,
) -> Result<PaymentFacts, Fault> {
    let holds: Vec<Value> = holds.map(Value::from).collect();
    let mut payments = BTreeMap::new();
    for row in tx.query_list(&FIND_PAYMENTS, &[], &holds)? {
        let payment = payment_of(&row)?;
        payments.insert(payment.hold, payment);
    }
    let companies = registry::companies(tx)?;
    let companies = companies.into_iter().map(|company| (company.number, company.id)).collect();
    Ok(PaymentFacts { payments, companies, added: Vec::new() })
}

fn payment_of(row: &Row<'_>) -> Result<Payment, Fault> {
    let unit = u16::try_from(row.small(3)?).map_err(|_large| row.corrupt("payment"))?;
    Ok(Payment {
        hold: row.id(0)?,
        company: row.company(1)?,
        member: row.id(2)?,
        unit: UnitNumber::new(unit),
        amount: row.amount(4)?,
        shop: row.parsed(5, |text| Label::parse(text).ok())?,
        placed_at: row.timestamp(6)?,
        expires_at: row.timestamp(7)?,
    })
}

/// Saves the payments that were placed.
pub(super) fn save(facts: &PaymentFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let rows: Vec<[Value; 8]> = facts
        .added
        .iter()
        .map(|payment| {
            [
                payment.hold.into(),
                payment.company.into(),
                payment.member.into(),
                payment.unit.get().into(),
                payment.amount.into(),
                (&payment.shop).into(),
                payment.placed_at.into(),
                payment.expires_at.into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_PAYMENTS, &rows)
}

/// Finds the shops of some holds; those that are no payments are left out.
pub(crate) fn find_shops(
    reader: &mut Reader<'_>,
    holds: &[Id<kind::Hold>],
) -> Result<BTreeMap<Id<kind::Hold>, Label>, Fault> {
    let holds: Vec<Value> = holds.iter().map(|&hold| Value::from(hold)).collect();
    let rows = reader.query_list(&FIND_SHOPS, &[], &holds)?;
    rows.iter()
        .map(|row| Ok((row.id(0)?, row.parsed(1, |text| Label::parse(text).ok())?)))
        .collect()
}
