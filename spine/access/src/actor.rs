//! Who acts, as the journal and the audit trail name them: by a dense number.

use core::{convert::Infallible, fmt};
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{secret::halves, store::statement};
use ledger::ActorNumber;
use store::{Command, Fault, FaultKind, Posting, Reader, Row, Tx, Value};
use vocabulary::{CompanyNumber, Id, Label, Token, kind};

/// What kind of actor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// The installation itself.
    System,
    /// A piece of work that the clock starts.
    Job,
    /// A company's service.
    ApiKey,
    /// A member.
    Member,
    /// A person of the staff.
    Staff,
}

impl ActorKind {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Job => "job",
            Self::ApiKey => "api_key",
            Self::Member => "member",
            Self::Staff => "staff",
        }
    }
}

/// The one who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The installation itself.
    System,
    /// A job, named by [`Subject::job`].
    Job([u8; 16]),
    /// An API key.
    ApiKey(Id<kind::ApiKey>),
    /// A member.
    Member(Id<kind::Member>),
    /// A person of the staff.
    Staff(Id<kind::Staff>),
}

impl Subject {
    /// Names a job of a company; the same name is the same actor, for ever.
    pub fn job(company: CompanyNumber, name: &Token) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"daifuku job\0");
        hash.update(company.get().to_be_bytes());
        hash.update(name.as_str());
        let [bytes, _rest] = halves(hash.finalize().into());
        Self::Job(bytes)
    }

    /// Gives the kind.
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::System => ActorKind::System,
            Self::Job(_) => ActorKind::Job,
            Self::ApiKey(_) => ActorKind::ApiKey,
            Self::Member(_) => ActorKind::Member,
            Self::Staff(_) => ActorKind::Staff,
        }
    }

    /// Gives the 16 bytes as they are stored.
    pub const fn to_bytes(self) -> [u8; 16] {
        match self {
            Self::System => [0; 16],
            Self::Job(bytes) => bytes,
            Self::ApiKey(id) => id.to_bytes(),
            Self::Member(id) => id.to_bytes(),
            Self::Staff(id) => id.to_bytes(),
        }
    }

    fn from_row(row: &Row<'_>, kind: usize, subject: usize) -> Result<Self, Fault> {
        let bytes = row.sixteen(subject)?;
        row.parsed(kind, |kind| match kind {
            "system" => Some(Self::System),
            "job" => Some(Self::Job(bytes)),
            "api_key" => Some(Self::ApiKey(Id::from_bytes(bytes))),
            "member" => Some(Self::Member(Id::from_bytes(bytes))),
            "staff" => Some(Self::Staff(Id::from_bytes(bytes))),
            _ => None,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Job(bytes) => write!(f, "job_{:032x}", u128::from_be_bytes(*bytes)),
            Self::ApiKey(id) => id.fmt(f),
            Self::Member(id) => id.fmt(f),
            Self::Staff(id) => id.fmt(f),
        }
    }
}

/// One line of the list of actors. It is never changed: what was posted in its name stays in its
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The dense number.
    pub number: ActorNumber,
    /// The company it acts for.
    pub company: CompanyNumber,
    /// The one who acts.
    pub subject: Subject,
    /// What staff read; never a mail address or a person's name, which must be forgettable.
    pub label: Label,
}

impl Actor {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            number: ActorNumber::new(row.company(1)?, row.small(0)?),
            company: row.company(1)?,
            subject: Subject::from_row(row, 2, 3)?,
            label: row.parsed(4, |text| Label::parse(text).ok())?,
        })
    }

    fn to_row(&self) -> [Value; 5] {
        [
            self.number.ordinal().into(),
            self.company.into(),
            self.subject.kind().code().into(),
            self.subject.to_bytes().into(),
            (&self.label).into(),
        ]
    }
}

/// Finds the actors of some numbers, to show a journal with names. Unknown numbers are left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_actors(reader: &mut Reader<'_>, numbers: &[ActorNumber]) -> Result<Vec<Actor>, Fault> {
    let numbers: Vec<Value> = numbers.iter().map(|number| number.ordinal().into()).collect();
    let rows = reader.query_list(&statement::FIND_ACTORS_BY_NUMBER, &[], &numbers)?;
    let mut actors: Vec<Actor> = rows.iter().map(Actor::from_row).collect::<Result<_, _>>()?;
    actors.sort_by_key(|actor| actor.number);
    actors.dedup();
    Ok(actors)
}

/// The actors that a slice of commands may name or add.
#[derive(Debug)]
pub(crate) struct Actors {
    known: BTreeMap<[u8; 16], Actor>,
    next: u32,
    added: Vec<Actor>,
}

impl Actors {
    pub(crate) fn load(tx: &mut Tx<'_>, subjects: &[Subject]) -> Result<Self, Fault> {
        let list: Vec<Value> = subjects.iter().map(|subject| subject.to_bytes().into()).collect();
        let mut known = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_ACTORS_BY_SUBJECT, &[], &list)? {
            let actor = Actor::from_row(&row)?;
            known.insert(actor.subject.to_bytes(), actor);
        }
        let last = tx.query_one(&statement::LAST_ACTOR, &[])?;
        let last = last.map_or(Ok(None), |row| row.optional_small(0))?.unwrap_or(0);
        let full = || Fault::new(FaultKind::Full, "number an actor");
        // Room for the whole slice, so that registering cannot fail.
        let count = u32::try_from(subjects.len()).map_err(|_ignored| full())?;
        last.checked_add(count).and_then(|end| end.checked_add(1)).ok_or_else(full)?;
        Ok(Self { known, next: last.saturating_add(1), added: Vec::new() })
    }

    /// Gives the number of an actor, a new one when it has none.
    pub(crate) fn register(
        &mut self,
        company: CompanyNumber,
        subject: Subject,
        label: &Label,
    ) -> ActorNumber {
        if let Some(actor) = self.known.get(&subject.to_bytes()) {
            return actor.number;
        }
        let number = ActorNumber::new(company, self.next);
        let actor = Actor { number, company, subject, label: label.clone() };
        self.next = self.next.saturating_add(1);
        self.known.insert(subject.to_bytes(), actor.clone());
        self.added.push(actor);
        number
    }

    pub(crate) fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let rows: Vec<_> = self.added.iter().map(Actor::to_row).collect();
        tx.insert(&statement::ADD_ACTORS, &rows)
    }
}

/// Gives a number to who acts without a login or a key: a job. A repeat gives the first number
/// again.
#[derive(Clone, Debug)]
pub struct RegisterActor {
    /// The company it acts for.
    pub company: CompanyNumber,
    /// The one who acts.
    pub subject: Subject,
    /// What staff read.
    pub label: Label,
}

/// What [`RegisterActor`] decides on.
#[derive(Debug)]
pub struct RegisterActorFacts(Actors);

impl Command for RegisterActor {
    type Facts = RegisterActorFacts;
    type Receipt = ActorNumber;
    type Refusal = Infallible;

    const NAME: &'static str = "register actor";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let subjects: Vec<Subject> = slice.iter().map(|command| command.subject).collect();
        Actors::load(tx, &subjects).map(RegisterActorFacts)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        _posting: &mut Posting<'_>,
    ) -> Result<ActorNumber, Infallible> {
        Ok(facts.0.register(self.company, self.subject, &self.label))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.0.save(tx)
    }
}
