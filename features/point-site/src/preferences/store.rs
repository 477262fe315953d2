use std::collections::BTreeMap;

use crate::preferences::Preferences;
use store::{Fault, Listed, Reader, Statement, Tx, Upsert, Value};
use vocabulary::{Id, Timestamp, Token, kind};
use web::Language;

pub(crate) const STATEMENTS: &[Listed] = &[SAVE.listed(), FIND.listed(), REMOVE.listed()];

static SAVE: Upsert = Upsert {
    name: "save preferences",
    table: "site_member_preference",
    columns: &["member", "company", "language", "notices", "invited_by", "changed_at"],
    keys: &["member"],
    updates: &["language", "notices", "invited_by", "changed_at"],
};

static FIND: Statement = Statement::new(
    "find preferences",
    "SELECT member, company, language, notices, invited_by
     FROM site_member_preference
     WHERE member IN (?*)",
);

static REMOVE: Statement =
    Statement::new("remove preferences", "DELETE FROM site_member_preference WHERE member IN (?*)");

/// Finds what members chose; who chose nothing is left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_preferences(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, Preferences>, Fault> {
    let list: Vec<Value> = members.iter().map(|member| (*member).into()).collect();
    let rows = reader.query_list(&FIND, &[], &list)?;
    let read = |row: &store::Row<'_>| {
        let invited_by = row.optional_text(4)?.map(Token::parse).transpose();
        let found = Preferences {
            member: row.id(0)?,
            company: row.company(1)?,
            language: row.parsed(2, Language::parse)?,
            notices: row.boolean(3)?,
            invited_by: invited_by.map_err(|_ignored| row.corrupt("a token"))?,
        };
        Ok((found.member, found))
    };
    rows.iter().map(read).collect()
}

pub(crate) fn save_preferences<'a>(
    tx: &mut Tx<'_>,
    all: impl Iterator<Item = &'a Preferences>,
    now: Timestamp,
) -> Result<(), Fault> {
    let rows = all.map(|chosen| {
        [
            chosen.member.into(),
            chosen.company.into(),
            chosen.language.code().into(),
            chosen.notices.into(),
            chosen.invited_by.as_ref().map(Token::as_str).into(),
            now.into(),
        ]
    });
    tx.upsert(&SAVE, &rows.collect::<Vec<[Value; 6]>>())
}

pub(crate) fn remove_preferences(
    tx: &mut Tx<'_>,
    members: &[Id<kind::Member>],
) -> Result<(), Fault> {
    let list: Vec<Value> = members.iter().map(|member| (*member).into()).collect();
    tx.execute_list(&REMOVE, &[], &list).map(drop)
}
