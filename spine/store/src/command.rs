use core::fmt;

use crate::submission::moved;
use crate::{Fault, Receipt, Tx};
use ledger::{AccountNumber, AccountSpec, Batch, Book, Movement, Nothing, Refused, Unit};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// What a feature teaches the writer: to load facts, to decide, to save, for a slice of commands at
/// once.
///
/// The writer gathers the commands of one kind that wait, loads the facts for all of them, decides
/// one after the other, and saves; all in one database transaction with the movements they post. A
/// single request is the slice of one.
pub trait Command: Send + Sized + 'static {
    /// What the decisions of a slice stand on: read by [`Command::load`], changed by each decision
    /// so that the next one sees it, written by [`Command::save`].
    type Facts: Send;
    /// What the one who asked is told.
    type Receipt: Send + 'static;
    /// Why the business says no.
    type Refusal: Send + 'static;

    /// The name in traces and metrics: a verb and a noun (`record conversion`).
    const NAME: &'static str;

    /// Whether what is saved depends on what was loaded. Where several processes write to one
    /// database, such a slice takes the next group's number even if it posts nothing, so that it
    /// fails, and is decided again, when another process was faster. `false` is for what only adds
    /// rows of its own, and may then be cheaper.
    const DEPENDS: bool = true;

    /// For a job's work that takes long and can wait: how many of it a group takes at most. It is
    /// decided in a group of its own, by turns with the groups of what somebody waits for, who then
    /// waits for one such group and never for several. `None` joins whatever else waits.
    const BACKGROUND: Option<usize> = None;

    /// Reads what the decisions need, with a fixed number of statements however long the slice is.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the whole slice fails with it, or is tried again.
    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault>;

    /// Names what [`Command::decide`] may ask the ledger about, so that rows of long ago are read
    /// in one go: the batches it may post, the batches it may reverse, holds and expectations.
    #[expect(unused_variables, reason = "most commands ask about nothing of long ago")]
    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {}

    /// Decides without I/O: same facts, same answer. A refusal must leave the facts as they were;
    /// what it posted is undone.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, Self::Refusal>;

    /// Writes what the decisions changed, with a fixed number of statements however long the slice
    /// is. A command may be decided and saved again after a crash or a lost race; rows are keyed so
    /// that this changes nothing.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the whole slice fails with it, or is tried again.
    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault>;
}

/// What a decision may ask the ledger about.
#[derive(Debug, Default)]
pub struct Recall {
    pub(crate) batches: Vec<(CompanyNumber, Id<kind::Batch>)>,
    pub(crate) originals: Vec<(CompanyNumber, Id<kind::Batch>)>,
    pub(crate) holds: Vec<Id<kind::Hold>>,
    pub(crate) expectations: Vec<Id<kind::Expectation>>,
}

impl Recall {
    /// A batch that may be posted, by an actor of this company.
    pub fn batch(&mut self, company: CompanyNumber, id: Id<kind::Batch>) {
        self.batches.push((company, id));
    }

    /// A batch that may be reversed.
    pub fn original(&mut self, company: CompanyNumber, id: Id<kind::Batch>) {
        self.originals.push((company, id));
    }

    /// A hold that may be placed or ended.
    pub fn hold(&mut self, id: Id<kind::Hold>) {
        self.holds.push(id);
    }

    /// An expectation that may be announced or ended.
    pub fn expectation(&mut self, id: Id<kind::Expectation>) {
        self.expectations.push(id);
    }
}

/// The ledger as a decision sees it: as everything decided before left it.
pub struct Posting<'a> {
    ledger: &'a mut dyn Deciding,
}

/// What stands behind a [`Posting`].
pub(crate) trait Deciding {
    fn now(&self) -> Timestamp;
    fn book(&self) -> &Book;
    fn post(&mut self, batch: &Batch) -> Result<Receipt, Refused>;
    fn open_account(&mut self, spec: AccountSpec) -> Result<AccountNumber, AccountDiffers>;
    fn set_unit(&mut self, unit: Unit);
}

/// An account of this id is open already, and is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountDiffers;

impl fmt::Debug for Posting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posting").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl<'a> Posting<'a> {
    pub(crate) fn new(ledger: &'a mut dyn Deciding) -> Self {
        Self { ledger }
    }

    /// Lends a book to decisions, for tests of commands.
    pub fn over(scratch: &'a mut Scratch) -> Self {
        Self { ledger: scratch }
    }

    /// The moment of the decision.
    pub fn now(&self) -> Timestamp {
        self.ledger.now()
    }

    /// The book to read.
    pub fn book(&self) -> &Book {
        self.ledger.book()
    }

    /// Posts a batch. The same id with the same contents gives the first answer again.
    ///
    /// # Errors
    ///
    /// [`Refused`]; then nothing of this batch is done, and the decision may go on.
    pub fn post(&mut self, batch: &Batch) -> Result<Receipt, Refused> {
        self.ledger.post(batch)
    }

    /// Opens an account and gives its number; one that is open already and alike gives its number
    /// again.
    ///
    /// # Errors
    ///
    /// [`AccountDiffers`] when the id is taken by another account.
    pub fn open_account(&mut self, spec: AccountSpec) -> Result<AccountNumber, AccountDiffers> {
        self.ledger.open_account(spec)
    }

    /// Makes a unit known to the ledger. The command must not be refused afterwards, and saves the
    /// unit's row with [`crate::registry`].
    pub fn set_unit(&mut self, unit: Unit) {
        self.ledger.set_unit(unit);
    }
}

/// A book of its own, for tests of commands: no ids are remembered.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The book.
    pub book: Book,
    /// What was posted.
    pub journal: Vec<Movement>,
    /// The moment of decisions.
    pub now: Timestamp,
}

impl Deciding for Scratch {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn book(&self) -> &Book {
        &self.book
    }

    fn post(&mut self, batch: &Batch) -> Result<Receipt, Refused> {
        let start = self.journal.len();
        let posted = self.book.post(batch, self.now, &Nothing, &mut self.journal)?;
        let moved = moved(self.journal.get(start..).unwrap_or_default());
        Ok(Receipt { posted, moved, repeated: false })
    }

    fn open_account(&mut self, spec: AccountSpec) -> Result<AccountNumber, AccountDiffers> {
        open_account(&mut self.book, spec).map(|(number, _)| number)
    }

    fn set_unit(&mut self, unit: Unit) {
        self.book.set_unit(unit);
    }
}

/// Opens an account unless it is open; tells whether it was opened now.
pub(crate) fn open_account(
    book: &mut Book,
    spec: AccountSpec,
) -> Result<(AccountNumber, bool), AccountDiffers> {
    let Some(number) = book.find_account(spec.id) else {
        return Ok((book.open_account(spec), true));
    };
    match book.account(number) {
        Some(account) if *account.spec() == spec => Ok((number, false)),
        Some(_) | None => Err(AccountDiffers),
    }
}
