use serde::{Deserialize, Deserializer, de};

use crate::{
    bank::reaches,
    form::{Chosen, LotFault, LotForm},
    problems::{BEARER_FOREIGN, refused},
};
use access::{Authenticated, Need};
use ledger::{
    AccountNumber, Book, CaptureRule, Refusal, Remaining, Step, Transfer, TransferKind, Wanted,
};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, kind};
use web::{Problem, Tagged, ToSchema, deserialize_tagged, problems, utoipa};

/// One thing to do, named by ids.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Asked {
    /// Moves value.
    Transfer(AskedTransfer),
    /// Reserves value.
    Hold(AskedHold),
    /// Reserves more under an open hold.
    IncreaseHold(AskedIncrease),
    /// Posts a hold, in part or in full.
    Capture(AskedCapture),
    /// Releases a hold.
    Void(AskedVoid),
    /// Releases a hold whose time is over.
    ExpireHold(AskedExpiry),
    /// Announces value that is not owed yet.
    Announce(AskedAnnouncement),
    /// Changes what is still announced.
    ChangeExpectation(AskedChange),
    /// Turns announced value into a grant.
    GrantExpectation(AskedGrant),
    /// Moves all value whose last day is over to the unit's breakage account.
    ExpireLots(AskedAccount),
    /// Moves all free value of an inactive account to the unit's breakage account.
    ExpireInactive(AskedAccount),
    /// Undoes what an earlier batch moved.
    Reverse(AskedReversal),
    /// Refuses new postings from now on.
    Freeze(AskedAccount),
    /// Takes postings again.
    Thaw(AskedAccount),
    /// Ends an empty account.
    Close(AskedAccount),
    /// Notes that the owner was active.
    Touch(AskedAccount),
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_tagged(deserializer)
    }
}

impl Tagged for Asked {
    const WORDS: &'static [&'static str] = &[
        "transfer",
        "hold",
        "increase_hold",
        "capture",
        "void",
        "expire_hold",
        "announce",
        "change_expectation",
        "grant_expectation",
        "expire_lots",
        "expire_inactive",
        "reverse",
        "freeze",
        "thaw",
        "close",
        "touch",
    ];

    fn read<'de, D: Deserializer<'de>>(word: &str, members: D) -> Result<Self, D::Error> {
        match word {
            "transfer" => Deserialize::deserialize(members).map(Self::Transfer),
            "hold" => Deserialize::deserialize(members).map(Self::Hold),
            "increase_hold" => Deserialize::deserialize(members).map(Self::IncreaseHold),
            "capture" => Deserialize::deserialize(members).map(Self::Capture),
            "void" => Deserialize::deserialize(members).map(Self::Void),
            "expire_hold" => Deserialize::deserialize(members).map(Self::ExpireHold),
            "announce" => Deserialize::deserialize(members).map(Self::Announce),
            "change_expectation" => Deserialize::deserialize(members).map(Self::ChangeExpectation),
            "grant_expectation" => Deserialize::deserialize(members).map(Self::GrantExpectation),
            "expire_lots" => Deserialize::deserialize(members).map(Self::ExpireLots),
            "expire_inactive" => Deserialize::deserialize(members).map(Self::ExpireInactive),
            "reverse" => Deserialize::deserialize(members).map(Self::Reverse),
            "freeze" => Deserialize::deserialize(members).map(Self::Freeze),
            "thaw" => Deserialize::deserialize(members).map(Self::Thaw),
            "close" => Deserialize::deserialize(members).map(Self::Close),
            "touch" => Deserialize::deserialize(members).map(Self::Touch),
            other => Err(de::Error::unknown_variant(other, Self::WORDS)),
        }
    }
}

/// An account.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedAccount {
    /// Which.
    #[schema(value_type = String)]
    pub account: Id<kind::Account>,
}

/// Why value moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindWord {
    /// Value from one account to another.
    #[default]
    Transfer,
    /// Points credited for an event.
    Grant,
    /// Points spent on something.
    Redemption,
    /// One leg of an exchange between units.
    Exchange,
    /// Value that leaves the books.
    Payout,
    /// Value bought from outside.
    TopUp,
    /// A correction.
    Adjustment,
}

impl From<KindWord> for TransferKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Transfer => Self::Transfer,
            KindWord::Grant => Self::Grant,
            KindWord::Redemption => Self::Redemption,
            KindWord::Exchange => Self::Exchange,
            KindWord::Payout => Self::Payout,
            KindWord::TopUp => Self::TopUp,
            KindWord::Adjustment => Self::Adjustment,
        }
    }
}

/// A debit of one account and a credit of another.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedTransfer {
    /// The account debited.
    #[schema(value_type = String)]
    pub debit: Id<kind::Account>,
    /// The account credited.
    #[schema(value_type = String)]
    pub credit: Id<kind::Account>,
    /// How much, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Amount,
    /// Whether less will do: as much as the balance lets through.
    #[serde(default)]
    pub partial: bool,
    /// Why; `transfer` unless told otherwise.
    #[serde(default)]
    pub kind: KindWord,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
    /// The terms of new value, when it enters an account with lots from one without.
    pub lot: Option<LotForm>,
}

/// A hold to place.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedHold {
    /// The id you choose; in `POST /api/v1/holds` the header `Idempotency-Key` will do.
    #[schema(value_type = Option<String>)]
    pub id: Option<Chosen<kind::Hold>>,
    /// The account that will pay.
    #[schema(value_type = String)]
    pub debit: Id<kind::Account>,
    /// The account that will receive.
    #[schema(value_type = String)]
    pub credit: Id<kind::Account>,
    /// How much, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Amount,
    /// Whether less will do: a partial approval.
    #[serde(default)]
    pub partial: bool,
    /// When the clock releases it.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
}

/// More for a hold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedIncrease {
    /// Which.
    #[schema(value_type = String)]
    pub hold: Id<kind::Hold>,
    /// How much more, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Amount,
}

/// A hold to post.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedCapture {
    /// Which.
    #[schema(value_type = String)]
    pub hold: Id<kind::Hold>,
    /// How much, in minor units; all it still reserves unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub amount: Option<Amount>,
    /// Whether to post also beyond the hold and after its expiry, as a card network's clearing
    /// does.
    #[serde(default)]
    pub forced: bool,
    /// Whether the rest stays reserved for a later capture.
    #[serde(default)]
    pub keep_rest: bool,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
}

/// A hold to release.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedVoid {
    /// Which.
    #[schema(value_type = String)]
    pub hold: Id<kind::Hold>,
    /// How much, in minor units; all of it unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub amount: Option<Amount>,
}

/// A hold whose time is over.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedExpiry {
    /// Which.
    #[schema(value_type = String)]
    pub hold: Id<kind::Hold>,
}

/// Value to announce.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedAnnouncement {
    /// The id you choose; in `POST /api/v1/expectations` the header `Idempotency-Key` will do.
    #[schema(value_type = Option<String>)]
    pub id: Option<Chosen<kind::Expectation>>,
    /// The account that will pay.
    #[schema(value_type = String)]
    pub debit: Id<kind::Account>,
    /// The account that will receive.
    #[schema(value_type = String)]
    pub credit: Id<kind::Account>,
    /// How much, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Amount,
    /// When it is to be decided; shown, never enforced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
}

/// A new amount for an expectation.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedChange {
    /// Which.
    #[schema(value_type = String)]
    pub expectation: Id<kind::Expectation>,
    /// The new amount, in minor units; zero drops it.
    #[schema(value_type = i64, minimum = 0)]
    pub amount: Amount,
}

/// An expectation that comes true.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedGrant {
    /// Which.
    #[schema(value_type = String)]
    pub expectation: Id<kind::Expectation>,
    /// How much, in minor units; all that is announced unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub amount: Option<Amount>,
    /// The lot it becomes, for an account with lots.
    pub lot: Option<LotForm>,
    /// Whether the rest stays announced.
    #[serde(default)]
    pub keep_rest: bool,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
}

/// A batch to undo.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedReversal {
    /// The batch of your company to undo.
    #[schema(value_type = String)]
    pub original: Chosen<kind::Batch>,
    /// The account that owes what another can no longer give and may not owe itself.
    #[schema(value_type = Option<String>)]
    pub shortfall: Option<Id<kind::Account>>,
    /// What for, in your own numbering.
    #[serde(default)]
    pub code: u16,
}

/// Why a step cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// As the ledger would refuse it.
    Refused(Refusal),
    /// The terms of its lot.
    Lot(LotFault),
    /// It places something and names no id.
    IdMissing,
}

impl From<Refusal> for StepFault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl StepFault {
    /// Makes the problem; `pointer` leads to the step in the body.
    pub(crate) fn problem(self, step: usize, pointer: &str) -> Problem {
        match self {
            Self::Refused(refusal) => refused(ledger::Refused { step, refusal }, pointer),
            Self::Lot(LotFault::BearerForeign) => {
                Problem::new(&BEARER_FOREIGN).field(format!("{pointer}/lot/bearer"), "is not yours")
            }
            Self::Lot(LotFault::Terms(error)) => Problem::new(&problems::INVALID_FIELD)
                .field(format!("{pointer}/lot/expires_on"), error.to_string()),
            Self::IdMissing => {
                Problem::new(&problems::INVALID_FIELD).field(format!("{pointer}/id"), "is missing")
            }
        }
    }
}

impl Asked {
    /// What the caller must be allowed.
    pub const fn need(&self) -> Need {
        match self {
            Self::Transfer(_)
            | Self::ExpireLots(_)
            | Self::ExpireInactive(_)
            | Self::Reverse(_)
            | Self::Touch(_) => Need::TransferWrite,
            Self::Hold(_)
            | Self::IncreaseHold(_)
            | Self::Capture(_)
            | Self::Void(_)
            | Self::ExpireHold(_) => Need::HoldWrite,
            Self::Announce(_) | Self::ChangeExpectation(_) | Self::GrantExpectation(_) => {
                Need::ExpectationWrite
            }
            Self::Freeze(_) | Self::Thaw(_) => Need::AccountFreeze,
            Self::Close(_) => Need::AccountOpen,
        }
    }

    /// Turns ids into the book's numbers. What belongs to another company is not found.
    ///
    /// # Errors
    ///
    /// The first [`StepFault`] that applies.
    pub fn resolve(&self, book: &Book, who: &Authenticated) -> Result<Step, StepFault> {
        let place = Resolver { book, who, need: self.need() };
        match *self {
            Self::Transfer(asked) => place.transfer(&asked),
            Self::Hold(asked) => place.hold(asked),
            Self::IncreaseHold(AskedIncrease { hold, amount }) => {
                Ok(Step::IncreaseHold { hold: place.own_hold(hold)?, amount })
            }
            Self::Capture(asked) => Ok(Step::Capture {
                hold: place.own_hold(asked.hold)?,
                amount: asked.amount,
                rule: if asked.forced { CaptureRule::Forced } else { CaptureRule::WithinHold },
                remaining: rest(asked.keep_rest),
                code: asked.code,
            }),
            Self::Void(AskedVoid { hold, amount }) => {
                Ok(Step::Void { hold: place.own_hold(hold)?, amount })
            }
            Self::ExpireHold(AskedExpiry { hold }) => {
                Ok(Step::ExpireHold { hold: place.own_hold(hold)? })
            }
            Self::Announce(asked) => place.announce(asked),
            Self::ChangeExpectation(AskedChange { expectation, amount }) => {
                let expectation = place.own_expectation(expectation)?;
                Ok(Step::ChangeExpectation { expectation, amount })
            }
            Self::GrantExpectation(asked) => Ok(Step::GrantExpectation {
                expectation: place.own_expectation(asked.expectation)?,
                amount: asked.amount,
                lot: place.lot(asked.lot)?,
                remaining: rest(asked.keep_rest),
                code: asked.code,
            }),
            Self::ExpireLots(asked) => Ok(Step::ExpireLots { account: place.account(asked)? }),
            Self::ExpireInactive(asked) => {
                Ok(Step::ExpireInactive { account: place.account(asked)? })
            }
            Self::Reverse(asked) => place.reverse(asked),
            Self::Freeze(asked) => Ok(Step::Freeze { account: place.account(asked)? }),
            Self::Thaw(asked) => Ok(Step::Thaw { account: place.account(asked)? }),
            Self::Close(asked) => Ok(Step::Close { account: place.account(asked)? }),
            Self::Touch(asked) => Ok(Step::Touch { account: place.account(asked)? }),
        }
    }
}

const fn rest(keep: bool) -> Remaining {
    if keep { Remaining::Keep } else { Remaining::Release }
}

const fn wanted(amount: Amount, partial: bool) -> Wanted {
    if partial { Wanted::UpTo(amount) } else { Wanted::Exactly(amount) }
}

impl AskedTransfer {
    /// Turns ids into the book's numbers, as [`Asked::resolve`].
    ///
    /// # Errors
    ///
    /// The first [`StepFault`] that applies.
    pub fn resolve(&self, book: &Book, who: &Authenticated) -> Result<Step, StepFault> {
        Resolver { book, who, need: Need::TransferWrite }.transfer(self)
    }

    /// Checks the terms of the lot, which need no book.
    ///
    /// # Errors
    ///
    /// [`StepFault::Lot`].
    pub fn check_lot(&self, company: CompanyNumber) -> Result<(), StepFault> {
        self.lot.map(|form| form.lot(company)).transpose().map(drop).map_err(StepFault::Lot)
    }
}

/// Finds what a step names, for one caller.
struct Resolver<'a> {
    book: &'a Book,
    who: &'a Authenticated,
    need: Need,
}

impl Resolver<'_> {
    fn find(&self, id: Id<kind::Account>) -> Option<AccountNumber> {
        self.book.find_settled_account(id).filter(|&number| self.reaches(number))
    }

    fn reaches(&self, number: AccountNumber) -> bool {
        let company = self.book.account(number).map(|account| account.spec().company);
        company.is_some_and(|company| reaches(self.who, self.need, company))
    }

    fn account(&self, asked: AskedAccount) -> Result<AccountNumber, StepFault> {
        Ok(self.find(asked.account).ok_or(Refusal::DebitAccountNotFound)?)
    }

    fn pair(
        &self,
        debit: Id<kind::Account>,
        credit: Id<kind::Account>,
    ) -> Result<(AccountNumber, AccountNumber), StepFault> {
        let payer = self.find(debit).ok_or(Refusal::DebitAccountNotFound)?;
        let payee = self.find(credit).ok_or(Refusal::CreditAccountNotFound)?;
        Ok((payer, payee))
    }

    fn lot(&self, form: Option<LotForm>) -> Result<Option<ledger::Lot>, StepFault> {
        form.map(|form| form.lot(self.who.company())).transpose().map_err(StepFault::Lot)
    }

    fn transfer(&self, asked: &AskedTransfer) -> Result<Step, StepFault> {
        let (debit, credit) = self.pair(asked.debit, asked.credit)?;
        Ok(Step::Transfer(Transfer {
            debit,
            credit,
            amount: wanted(asked.amount, asked.partial),
            kind: asked.kind.into(),
            code: asked.code,
            lot: self.lot(asked.lot)?,
        }))
    }

    fn hold(&self, asked: AskedHold) -> Result<Step, StepFault> {
        let id = asked.id.ok_or(StepFault::IdMissing)?.of(self.who.company());
        let (debit, credit) = self.pair(asked.debit, asked.credit)?;
        let amount = wanted(asked.amount, asked.partial);
        Ok(Step::Hold { id, debit, credit, amount, expires_at: asked.expires_at, code: asked.code })
    }

    fn announce(&self, asked: AskedAnnouncement) -> Result<Step, StepFault> {
        let id = asked.id.ok_or(StepFault::IdMissing)?.of(self.who.company());
        let (debit, credit) = self.pair(asked.debit, asked.credit)?;
        let AskedAnnouncement { amount, due_at, code, .. } = asked;
        Ok(Step::Announce { id, debit, credit, amount, due_at, code })
    }

    fn reverse(&self, asked: AskedReversal) -> Result<Step, StepFault> {
        let shortfall = match asked.shortfall {
            None => None,
            Some(id) => Some(self.find(id).ok_or(Refusal::DebitAccountNotFound)?),
        };
        let original = asked.original.of(self.who.company());
        Ok(Step::Reverse { original, shortfall, code: asked.code })
    }

    /// A hold that the book does not know is the ledger's to refuse: an earlier step may place it.
    fn own_hold(&self, id: Id<kind::Hold>) -> Result<Id<kind::Hold>, StepFault> {
        match self.book.hold(id) {
            Some(hold) if !self.reaches(hold.debit) => Err(Refusal::HoldNotFound.into()),
            Some(_) | None => Ok(id),
        }
    }

    fn own_expectation(
        &self,
        id: Id<kind::Expectation>,
    ) -> Result<Id<kind::Expectation>, StepFault> {
        match self.book.expectation(id) {
            Some(expected) if !self.reaches(expected.credit) => {
                Err(Refusal::ExpectationNotFound.into())
            }
            Some(_) | None => Ok(id),
        }
    }
}
