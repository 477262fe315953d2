//! The tables `site_phone`, `site_phone_proof` and `site_sms`.

use std::collections::BTreeMap;

use crate::payee::store::sealed_of;
use crate::phone::{KeptNumber, Phone, PhoneProof, Sms, SmsState};
use crate::step_up::Challenge;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_PHONES.listed(),
    FIND_PHONES.listed(),
    FIND_OWNERS.listed(),
    REMOVE_PHONES.listed(),
    SAVE_PROOFS.listed(),
    FIND_PROOFS.listed(),
    REMOVE_PROOFS.listed(),
    FORGET_PROOFS.listed(),
    SAVE_MESSAGES.listed(),
    FIND_MESSAGES.listed(),
    LIST_DUE.listed(),
    COUNT_OF_MEMBERS.listed(),
    COUNT_TO_NUMBERS.listed(),
    REMOVE_MESSAGES.listed(),
    FORGET_MESSAGES.listed(),
];

static SAVE_PHONES: Upsert = Upsert {
    name: "save telephone numbers",
    table: "site_phone",
    columns: &["member", "company", "sealed", "sealed_by", "shown", "fingerprint", "proved_at"],
    keys: &["member"],
    updates: &["sealed", "sealed_by", "shown", "fingerprint", "proved_at"],
};

static FIND_PHONES: Statement = Statement::new(
    "find telephone numbers",
    "SELECT member, company, sealed, sealed_by, shown, fingerprint, proved_at
     FROM site_phone
     WHERE member IN (?*)",
);

// Index site_phone_fingerprint.
static FIND_OWNERS: Statement = Statement::new(
    "find whose telephone numbers are",
    "SELECT fingerprint, member
     FROM site_phone
     WHERE company = ? AND fingerprint IN (?*)",
);

static REMOVE_PHONES: Statement =
    Statement::new("remove telephone numbers", "DELETE FROM site_phone WHERE member IN (?*)");

static SAVE_PROOFS: Upsert = Upsert {
    name: "save proofs of telephone numbers",
    table: "site_phone_proof",
    columns: &[
        "member",
        "company",
        "sealed",
        "sealed_by",
        "shown",
        "fingerprint",
        "code_hash",
        "sends",
        "tries",
        "sent_at",
        "passed_at",
    ],
    keys: &["member"],
    updates: &[
        "sealed",
        "sealed_by",
        "shown",
        "fingerprint",
        "code_hash",
        "sends",
        "tries",
        "sent_at",
        "passed_at",
    ],
};

static FIND_PROOFS: Statement = Statement::new(
    "find proofs of telephone numbers",
    "SELECT member, company, sealed, sealed_by, shown, fingerprint, code_hash, sends, tries, sent_at, passed_at
     FROM site_phone_proof
     WHERE member IN (?*)",
);

static REMOVE_PROOFS: Statement = Statement::new(
    "remove proofs of telephone numbers",
    "DELETE FROM site_phone_proof WHERE member IN (?*)",
);

// Index site_phone_proof_sent.
static FORGET_PROOFS: Statement = Statement::new(
    "forget proofs of telephone numbers",
    "DELETE FROM site_phone_proof WHERE sent_at < ?",
);

static SAVE_MESSAGES: Upsert = Upsert {
    name: "save short messages",
    table: "site_sms",
    columns: &[
        "id",
        "company",
        "member",
        "fingerprint",
        "sealed",
        "sealed_by",
        "state",
        "tries",
        "created_at",
        "due_at",
        "ends_at",
        "note",
    ],
    keys: &["id"],
    updates: &["sealed", "state", "tries", "due_at", "note"],
};

static FIND_MESSAGES: Statement = Statement::new(
    "find short messages",
    "SELECT id, company, member, fingerprint, sealed, sealed_by, state, tries, created_at, due_at, ends_at, note
     FROM site_sms
     WHERE id IN (?*)",
);

// Index site_sms_due.
static LIST_DUE: Statement = Statement::new(
    "list short messages to send",
    "SELECT id, company, member, fingerprint, sealed, sealed_by, state, tries, created_at, due_at, ends_at, note
     FROM site_sms
     WHERE state = 'waiting' AND due_at <= ?
     ORDER BY due_at
     LIMIT ?",
);

// Index site_sms_member.
static COUNT_OF_MEMBERS: Statement = Statement::new(
    "count short messages of members",
    "SELECT member, COUNT(*)
     FROM site_sms
     WHERE created_at > ? AND member IN (?*)
     GROUP BY member",
);

// Index site_sms_fingerprint.
static COUNT_TO_NUMBERS: Statement = Statement::new(
    "count short messages to numbers",
    "SELECT fingerprint, COUNT(*)
     FROM site_sms
     WHERE created_at > ? AND fingerprint IN (?*)
     GROUP BY fingerprint",
);

// Index site_sms_member.
static REMOVE_MESSAGES: Statement =
    Statement::new("remove short messages", "DELETE FROM site_sms WHERE member IN (?*)");

// Index site_sms_created.
static FORGET_MESSAGES: Statement =
    Statement::new("forget short messages", "DELETE FROM site_sms WHERE created_at < ?");

fn members_of(members: &[Id<kind::Member>]) -> Vec<Value> {
    members.iter().copied().map(Value::from).collect()
}

fn number_of(row: &Row<'_>, first: usize) -> Result<KeptNumber, Fault> {
    Ok(KeptNumber {
        sealed: sealed_of(row, first)?,
        shown: row.parsed(first.saturating_add(2), |text| Label::parse(text).ok())?,
        fingerprint: row.digest(first.saturating_add(3))?,
    })
}

pub(crate) fn save_phones<'a>(
    tx: &mut Tx<'_>,
    phones: impl Iterator<Item = &'a Phone>,
) -> Result<(), Fault> {
    let rows = phones.map(|phone| {
        [
            phone.member.into(),
            phone.company.into(),
            phone.number.sealed.bytes.as_slice().into(),
            phone.number.sealed.key.into(),
            (&phone.number.shown).into(),
            phone.number.fingerprint.into(),
            phone.proved_at.into(),
        ]
    });
    tx.upsert(&SAVE_PHONES, &rows.collect::<Vec<[Value; 7]>>())
}

/// Finds the telephone numbers of members; who has none is left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_phones(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, Phone>, Fault> {
    let rows = reader.query_list(&FIND_PHONES, &[], &members_of(members))?;
    let phone = |row: &Row<'_>| {
        let (member, company) = (row.id(0)?, row.company(1)?);
        let (number, proved_at) = (number_of(row, 2)?, row.timestamp(6)?);
        Ok((member, Phone { company, member, number, proved_at }))
    };
    rows.iter().map(phone).collect()
}

/// Finds whose numbers are; those of nobody are left out.
pub(crate) fn find_owners(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    fingerprints: &[[u8; 32]],
) -> Result<BTreeMap<[u8; 32], Id<kind::Member>>, Fault> {
    let list: Vec<Value> = fingerprints.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_OWNERS, &[company.into()], &list)?;
    rows.iter().map(|row| Ok((row.digest(0)?, row.id(1)?))).collect()
}

pub(crate) fn remove_phones(tx: &mut Tx<'_>, members: &[Id<kind::Member>]) -> Result<(), Fault> {
    tx.execute_list(&REMOVE_PHONES, &[], &members_of(members)).map(drop)
}

/// Forgets the numbers of members who left, and what was sent there.
pub(crate) fn forget_phones(tx: &mut Tx<'_>, members: &[Id<kind::Member>]) -> Result<(), Fault> {
    remove_phones(tx, members)?;
    tx.execute_list(&REMOVE_PROOFS, &[], &members_of(members))?;
    tx.execute_list(&REMOVE_MESSAGES, &[], &members_of(members)).map(drop)
}

pub(crate) fn save_proofs<'a>(
    tx: &mut Tx<'_>,
    proofs: impl Iterator<Item = &'a PhoneProof>,
) -> Result<(), Fault> {
    let rows = proofs.map(|proof| {
        let PhoneProof { company, member, number, challenge } = proof;
        [
            (*member).into(),
            (*company).into(),
            number.sealed.bytes.as_slice().into(),
            number.sealed.key.into(),
            (&number.shown).into(),
            number.fingerprint.into(),
            challenge.code_hash.into(),
            challenge.sends.into(),
            challenge.tries.into(),
            challenge.sent_at.into(),
            challenge.passed_at.into(),
        ]
    });
    tx.upsert(&SAVE_PROOFS, &rows.collect::<Vec<[Value; 11]>>())
}

pub(crate) fn find_proofs(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeMap<Id<kind::Member>, PhoneProof>, Fault> {
    let rows = reader.query_list(&FIND_PROOFS, &[], &members_of(members))?;
    let proof = |row: &Row<'_>| {
        let challenge = Challenge {
            code_hash: row.digest(6)?,
            sends: row.small(7)?,
            tries: row.small(8)?,
            sent_at: row.timestamp(9)?,
            passed_at: row.optional_timestamp(10)?,
        };
        let (member, company, number) = (row.id(0)?, row.company(1)?, number_of(row, 2)?);
        Ok((member, PhoneProof { company, member, number, challenge }))
    };
    rows.iter().map(proof).collect()
}

pub(crate) fn save_messages<'a>(
    tx: &mut Tx<'_>,
    messages: impl Iterator<Item = &'a Sms>,
) -> Result<(), Fault> {
    let rows = messages.map(|sms| {
        [
            sms.id.into(),
            sms.company.into(),
            sms.member.into(),
            sms.fingerprint.into(),
            sms.sealed.bytes.as_slice().into(),
            sms.sealed.key.into(),
            sms.state.code().into(),
            sms.tries.into(),
            sms.created_at.into(),
            sms.due_at.into(),
            sms.ends_at.into(),
            sms.note.as_deref().into(),
        ]
    });
    tx.upsert(&SAVE_MESSAGES, &rows.collect::<Vec<[Value; 12]>>())
}

fn message_of(row: &Row<'_>) -> Result<Sms, Fault> {
    Ok(Sms {
        id: row.id(0)?,
        company: row.company(1)?,
        member: row.id(2)?,
        fingerprint: row.digest(3)?,
        sealed: sealed_of(row, 4)?,
        state: row.parsed(6, SmsState::parse)?,
        tries: row.small(7)?,
        created_at: row.timestamp(8)?,
        due_at: row.timestamp(9)?,
        ends_at: row.timestamp(10)?,
        note: row.optional_text(11)?.map(str::to_owned),
    })
}

pub(crate) fn find_messages(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Sms>],
) -> Result<BTreeMap<Id<kind::Sms>, Sms>, Fault> {
    let list: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&FIND_MESSAGES, &[], &list)?;
    rows.iter().map(|row| message_of(row).map(|sms| (sms.id, sms))).collect()
}

/// Lists what is to be sent now, what waits longest first.
pub(crate) fn list_due(
    reader: &mut Reader<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Sms>, Fault> {
    let rows = reader.query(&LIST_DUE, &[now.into(), limit.into()])?;
    rows.iter().map(message_of).collect()
}

/// How many messages were written: for members, and to numbers.
type Counts = (BTreeMap<Id<kind::Member>, u32>, BTreeMap<[u8; 32], u32>);

/// Counts what was written since a moment: for members, and to numbers.
pub(crate) fn count_messages(
    reader: &mut Reader<'_>,
    since: Timestamp,
    (members, fingerprints): (&[Id<kind::Member>], &[[u8; 32]]),
) -> Result<Counts, Fault> {
    let rows = reader.query_list(&COUNT_OF_MEMBERS, &[since.into()], &members_of(members))?;
    let of_members: Result<_, Fault> =
        rows.iter().map(|row| Ok((row.id(0)?, row.small(1)?))).collect();
    let list: Vec<Value> = fingerprints.iter().copied().map(Value::from).collect();
    let rows = reader.query_list(&COUNT_TO_NUMBERS, &[since.into()], &list)?;
    let to_numbers: Result<_, Fault> =
        rows.iter().map(|row| Ok((row.digest(0)?, row.small(1)?))).collect();
    Ok((of_members?, to_numbers?))
}

/// Forgets messages and proofs from before a moment.
pub(crate) fn forget_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Fault> {
    tx.execute(&FORGET_PROOFS, &[before.into()])?;
    tx.execute(&FORGET_MESSAGES, &[before.into()]).map(drop)
}
