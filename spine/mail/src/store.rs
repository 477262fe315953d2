use crate::{Body, Letter, Recipient, letter::Category};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value, migrate::Migration};
use vocabulary::{Email, Id, Label, Timestamp, kind};

/// The steps of this crate's tables, 190 to 199.
pub const MIGRATIONS: &[Migration] = &[
    store::migration!(190, "mail", Expand, "../migrations/0190_mail"),
    store::migration!(191, "mail_answer", Expand, "../migrations/0191_mail_answer"),
];

/// All statements, for the test that prepares them on both databases.
pub const STATEMENTS: &[Listed] = &[
    ADD_LETTERS.listed(),
    SAVE_LETTERS.listed(),
    LIST_DUE.listed(),
    LIST_GONE.listed(),
    REMOVE.listed(),
    COUNT.listed(),
];

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

static SAVE_LETTERS: Upsert = Upsert {
    name: "save letters",
    table: "mail_letter",
    columns: &[
        "id", "company", "category", "member", "address", "subject", "body", "state", "attempts",
        "made_at", "next_at", "done_at", "answer",
    ],
    keys: &["id"],
    updates: &["body", "state", "attempts", "next_at", "done_at", "answer"],
};

// Index mail_letter_due.
static LIST_DUE: Statement = Statement::new(
    "list due letters",
    "SELECT id, company, category, member, address, subject, body, attempts, made_at
     FROM mail_letter
     WHERE state = 'waiting' AND next_at <= ?
     ORDER BY next_at, id
     LIMIT ?",
);

// Index mail_letter_due; a letter that is done keeps the moment of it in `next_at`.
static LIST_GONE: Statement = Statement::new(
    "list letters of long ago",
    "SELECT id
     FROM mail_letter
     WHERE state IN ('sent', 'failed') AND next_at < ?
     ORDER BY next_at, id
     LIMIT 1000",
);

static REMOVE: Statement =
    Statement::new("remove letters", "DELETE FROM mail_letter WHERE id IN (?*)");

// Index mail_letter_due: what waits is little, what is done is forgotten after a month.
static COUNT: Statement = Statement::new(
    "count letters",
    "SELECT state, COUNT(*)
     FROM mail_letter
     GROUP BY state
     ORDER BY state
     LIMIT 10",
);

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LetterState {
    Waiting,
    Sent,
    Failed,
}

impl LetterState {
    const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// A letter's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) letter: Letter,
    pub(crate) state: LetterState,
    pub(crate) attempts: u32,
    pub(crate) made_at: Timestamp,
    pub(crate) next_at: Timestamp,
    pub(crate) done_at: Option<Timestamp>,
    pub(crate) answer: Option<String>,
    /// Whether the row forgets the text.
    pub(crate) wiped: bool,
}

impl Stored {
    pub(crate) const fn member(&self) -> Option<Id<kind::Member>> {
        match &self.letter.to {
            Recipient::Member(member) => Some(*member),
            Recipient::Address(_) => None,
        }
    }

    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let member = row.optional_id(3)?;
        let to = match member {
            Some(member) => Recipient::Member(member),
            None => Recipient::Address(row.parsed(4, |text| Email::parse(text).ok())?),
        };
        Ok(Self {
            letter: Letter {
                id: row.id(0)?,
                company: row.company(1)?,
                category: row.parsed(2, Category::parse)?,
                to,
                subject: row.parsed(5, |text| Label::parse(text).ok())?,
                body: row.parsed(6, |text| Body::parse(text).ok())?,
            },
            state: LetterState::Waiting,
            attempts: row.small(7)?,
            made_at: row.timestamp(8)?,
            next_at: Timestamp::default(),
            done_at: None,
            answer: None,
            wiped: false,
        })
    }

    fn to_row(&self) -> [Value; 13] {
        let [id, company, category, member, address, subject, body, ..] =
            row_of(&self.letter, self.made_at);
        let body = if self.wiped { "".into() } else { body };
        [
            id,
            company,
            category,
            member,
            address,
            subject,
            body,
            self.state.code().into(),
            self.attempts.into(),
            self.made_at.into(),
            self.next_at.into(),
            self.done_at.into(),
            self.answer.as_deref().into(),
        ]
    }
}

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

/// Counts letters by what became of them: `waiting`, `sent` within a month, `failed` likewise.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn count_letters(reader: &mut Reader<'_>) -> Result<Vec<(String, u64)>, Fault> {
    let rows = reader.query(&COUNT, &[])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.unsigned(1)?))).collect()
}

pub(crate) fn find_due(
    reader: &mut Reader<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Stored>, Fault> {
    let rows = reader.query(&LIST_DUE, &[now.into(), limit.into()])?;
    rows.iter().map(Stored::from_row).collect()
}

pub(crate) fn find_gone(
    reader: &mut Reader<'_>,
    before: Timestamp,
) -> Result<Vec<Id<kind::Letter>>, Fault> {
    let rows = reader.query(&LIST_GONE, &[before.into()])?;
    rows.iter().map(|row| row.id(0)).collect()
}

pub(crate) fn save_letters(tx: &mut Tx<'_>, letters: &[Stored]) -> Result<(), Fault> {
    let rows: Vec<[Value; 13]> = letters.iter().map(Stored::to_row).collect();
    tx.upsert(&SAVE_LETTERS, &rows)
}

pub(crate) fn remove_letters(tx: &mut Tx<'_>, ids: &[Id<kind::Letter>]) -> Result<(), Fault> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_list(&REMOVE, &[], &ids).map(drop)
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
