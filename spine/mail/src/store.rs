use crate::{Letter, Recipient};
use store::{Fault, Listed, Tx, Upsert, Value, migrate::Migration};
use vocabulary::Timestamp;

/// The steps of this crate's tables, 190 to 199.
pub const MIGRATIONS: &[Migration] =
    &[store::migration!(190, "mail", Expand, "../migrations/0190_mail")];

/// All statements, for the test that prepares them on both databases.
pub const STATEMENTS: &[Listed] = &[ADD_LETTERS.listed()];

static ADD_LETTERS: Upsert = Upsert {
    name: "add letters",
    table: "mail_letter",
    columns: &[
        "id", "company", "category", "member", "address", "subject", "body", "state", "attempts",
        "made_at", "next_at",
    ],
    keys: &["id"],
    updates: &[],
};

/// Puts letters into the tray, to go when the transaction is committed. A letter whose id is there
/// already stays as it is, whatever became of it.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn enqueue(tx: &mut Tx<'_>, letters: &[Letter], now: Timestamp) -> Result<(), Fault> {
    let rows: Vec<[Value; 11]> = letters.iter().map(|letter| row_of(letter, now)).collect();
    tx.upsert(&ADD_LETTERS, &rows)
}

fn row_of(letter: &Letter, now: Timestamp) -> [Value; 11] {
    let (member, address) = match &letter.to {
        Recipient::Member(member) => (Some(*member), None),
        Recipient::Address(address) => (None, Some(address.as_str())),
    };
    [
        letter.id.into(),
        letter.company.into(),
        letter.category.code().into(),
        member.into(),
        address.into(),
        letter.subject.as_str().into(),
        letter.body.as_str().into(),
        "waiting".into(),
        0_u32.into(),
        now.into(),
        now.into(),
    ]
}
