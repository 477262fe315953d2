use crate::{AccountNumber, ActorNumber, Lot, MovementKind};
use vocabulary::{Amount, Id, Timestamp, kind};

/// How much is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// This, or a refusal.
    Exactly(Amount),
    /// As much as the balance rules let through, at most this; nothing at all is a refusal.
    UpTo(Amount),
}

impl Wanted {
    pub(crate) const fn most(self) -> Amount {
        match self {
            Self::Exactly(amount) | Self::UpTo(amount) => amount,
        }
    }
}

/// The kinds of transfer that can be asked for; expiry, capture and reversal have steps of their
/// own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Value from one account to another.
    Transfer,
    /// Points credited for an event.
    Grant,
    /// Points spent on something.
    Redemption,
    /// One leg of an exchange between units.
    Exchange,
    /// Value that leaves the books; takes free lots only, unless the unit lets paid value out.
    Payout,
    /// Value bought from outside.
    TopUp,
    /// A correction.
    Adjustment,
}

impl TransferKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Transfer,
        Self::Grant,
        Self::Redemption,
        Self::Exchange,
        Self::Payout,
        Self::TopUp,
        Self::Adjustment,
    ];

    /// Gives the kind of its movements.
    pub const fn movement(self) -> MovementKind {
        match self {
            Self::Transfer => MovementKind::Transfer,
            Self::Grant => MovementKind::Grant,
            Self::Redemption => MovementKind::Redemption,
            Self::Exchange => MovementKind::Exchange,
            Self::Payout => MovementKind::Payout,
            Self::TopUp => MovementKind::TopUp,
            Self::Adjustment => MovementKind::Adjustment,
        }
    }
}

/// A debit of one account and a credit of another by one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// The account debited.
    pub debit: AccountNumber,
    /// The account credited.
    pub credit: AccountNumber,
    /// How much.
    pub amount: Wanted,
    /// Why.
    pub kind: TransferKind,
    /// What for, in the company's own numbering.
    pub code: u16,
    /// The terms of new value: needed when value from an account without lots enters one with lots.
    pub lot: Option<Lot>,
}

/// How far a capture may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaptureRule {
    /// At most what the hold still reserves, and before it expires.
    WithinHold,
    /// Also beyond the hold and after its expiry (a card network's clearing always posts); what the
    /// hold does not cover comes from the balance, and goes below zero where the rule of the
    /// account allows.
    Forced,
}

/// What becomes of the rest of a hold or an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remaining {
    /// It stays.
    Keep,
    /// It is released.
    Release,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Moves value.
    Transfer(Transfer),
    /// Reserves value of `debit` for `credit`.
    Hold {
        /// The id the caller chose.
        id: Id<kind::Hold>,
        /// The account that will pay.
        debit: AccountNumber,
        /// The account that will receive.
        credit: AccountNumber,
        /// How much; `UpTo` is a partial approval.
        amount: Wanted,
        /// When the clock releases it.
        expires_at: Timestamp,
        /// What for.
        code: u16,
    },
    /// Reserves more under an open hold.
    IncreaseHold {
        /// Which.
        hold: Id<kind::Hold>,
        /// How much more.
        amount: Amount,
    },
    /// Posts a hold, in part or in full.
    Capture {
        /// Which.
        hold: Id<kind::Hold>,
        /// How much; `None` for all it still reserves.
        amount: Option<Amount>,
        /// How far it may go.
        rule: CaptureRule,
        /// What becomes of the rest.
        remaining: Remaining,
        /// What for.
        code: u16,
    },
    /// Releases a hold on request, for good.
    Void {
        /// Which.
        hold: Id<kind::Hold>,
        /// How much; `None` for all.
        amount: Option<Amount>,
    },
    /// Releases a hold whose time is over.
    ExpireHold {
        /// Which.
        hold: Id<kind::Hold>,
    },
    /// Announces value that is not owed yet.
    Announce {
        /// The id the caller chose.
        id: Id<kind::Expectation>,
        /// The account that will pay.
        debit: AccountNumber,
        /// The account that will receive.
        credit: AccountNumber,
        /// How much.
        amount: Amount,
        /// When it is to be decided.
        due_at: Option<Timestamp>,
        /// What for.
        code: u16,
    },
    /// Changes what is still announced to a new amount.
    ChangeExpectation {
        /// Which.
        expectation: Id<kind::Expectation>,
        /// The new amount; zero drops it.
        amount: Amount,
    },
    /// Turns announced value into a grant.
    GrantExpectation {
        /// Which.
        expectation: Id<kind::Expectation>,
        /// How much; `None` for all that is announced.
        amount: Option<Amount>,
        /// The lot it becomes, for an account with lots.
        lot: Option<Lot>,
        /// What becomes of the rest.
        remaining: Remaining,
        /// What for.
        code: u16,
    },
    /// Moves all value whose last day is over to the unit's breakage account.
    ExpireLots {
        /// Of which account.
        account: AccountNumber,
    },
    /// Moves all free value of an inactive account to the unit's breakage account.
    ExpireInactive {
        /// Of which account.
        account: AccountNumber,
    },
    /// Undoes the value an earlier batch moved, back into its original lots; never twice.
    Reverse {
        /// The batch to undo.
        original: Id<kind::Batch>,
        /// Who owes what an account can no longer give and may not owe itself.
        shortfall: Option<AccountNumber>,
        /// What for.
        code: u16,
    },
    /// Refuses new postings from now on.
    Freeze {
        /// Of which account.
        account: AccountNumber,
    },
    /// Takes postings again.
    Thaw {
        /// Of which account.
        account: AccountNumber,
    },
    /// Ends an empty account.
    Close {
        /// Which.
        account: AccountNumber,
    },
    /// Notes that the owner was active (a login), for the inactivity rule.
    Touch {
        /// Of which account.
        account: AccountNumber,
    },
}

/// The steps of a batch: at least one. One step needs no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// A single step.
    One(Step),
    /// Several, in order; each sees what the ones before it did.
    Many(Vec<Step>),
}

impl Steps {
    /// Gives the steps in order.
    pub fn as_slice(&self) -> &[Step] {
        match self {
            Self::One(step) => core::slice::from_ref(step),
            Self::Many(steps) => steps,
        }
    }
}

/// Steps that succeed or fail together, under one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The id the caller chose; unique within the caller's company.
    pub id: Id<kind::Batch>,
    /// Who asks.
    pub actor: ActorNumber,
    /// What to do.
    pub steps: Steps,
}

/// Steps that make no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No step.
    #[error("a batch needs at least one step")]
    Empty,
    /// Too many steps.
    #[error("a batch has at most {max} steps", max = Batch::STEPS_MAX)]
    TooLong,
}

impl Batch {
    /// The most steps that succeed or fail together.
    pub const STEPS_MAX: usize = 1_000;

    /// Makes a batch of one step.
    pub const fn single(id: Id<kind::Batch>, actor: ActorNumber, step: Step) -> Self {
        Self { id, actor, steps: Steps::One(step) }
    }

    /// Makes a batch of several steps.
    ///
    /// # Errors
    ///
    /// [`BatchError`] without a step, or with more than [`Batch::STEPS_MAX`].
    pub fn try_new(
        id: Id<kind::Batch>,
        actor: ActorNumber,
        steps: Vec<Step>,
    ) -> Result<Self, BatchError> {
        match steps.as_slice() {
            [] => Err(BatchError::Empty),
            [one] => Ok(Self::single(id, actor, *one)),
            many if many.len() > Self::STEPS_MAX => Err(BatchError::TooLong),
            _several => Ok(Self { id, actor, steps: Steps::Many(steps) }),
        }
    }
}

/// Digests what a batch asks for, so that a repeat of its id can be told from a reuse.
///
/// Stored with the batch for ever: the encoding below never changes, new steps take new tags.
pub fn digest(steps: &[Step]) -> u64 {
    let mut mixer = Mixer(0x243F_6A88_85A3_08D3);
    for step in steps {
        step.encode(&mut mixer);
    }
    mixer.finish()
}

/// Mixes words by folded multiplication. Not a secret: whoever forges a collision answers only
/// himself.
struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) -> &mut Self {
        let product =
            u128::from(self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let high = u64::try_from(product >> 64).unwrap_or(0);
        let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
        self.0 = high ^ low;
        self.0 = self.0.rotate_left(23).wrapping_add(word);
        self
    }

    fn id<K>(&mut self, id: Id<K>) -> &mut Self {
        let high = u64::try_from(id.bits() >> 64).unwrap_or(0);
        let low = u64::try_from(id.bits() & u128::from(u64::MAX)).unwrap_or(0);
        self.word(high).word(low)
    }

    fn account(&mut self, account: AccountNumber) -> &mut Self {
        self.word(u64::from(account.get()))
    }

    fn amount(&mut self, amount: Amount) -> &mut Self {
        self.word(amount.minor_units().unsigned_abs())
    }

    fn optional(&mut self, word: Option<u64>) -> &mut Self {
        match word {
            None => self.word(0),
            Some(word) => self.word(1).word(word),
        }
    }

    fn wanted(&mut self, wanted: Wanted) -> &mut Self {
        match wanted {
            Wanted::Exactly(amount) => self.word(0).amount(amount),
            Wanted::UpTo(amount) => self.word(1).amount(amount),
        }
    }

    fn remaining(&mut self, remaining: Remaining) -> &mut Self {
        self.word(match remaining {
            Remaining::Keep => 0,
            Remaining::Release => 1,
        })
    }

    const fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 31)
    }
}

const fn moment(at: Timestamp) -> u64 {
    at.as_microseconds().cast_unsigned()
}

fn units(amount: Option<Amount>) -> Option<u64> {
    amount.map(|amount| amount.minor_units().unsigned_abs())
}

fn terms(lot: Option<Lot>) -> Option<u64> {
    lot.map(|lot| u64::from(lot.bits()))
}

impl Step {
    fn encode(&self, mixer: &mut Mixer) {
        match *self {
            Self::Transfer(Transfer { debit, credit, amount, kind, code, lot }) => mixer
                .word(1)
                .account(debit)
                .account(credit)
                .wanted(amount)
                .word(u64::from(kind.movement().code()))
                .word(u64::from(code))
                .optional(terms(lot)),
            Self::Hold { id, debit, credit, amount, expires_at, code } => mixer
                .word(2)
                .id(id)
                .account(debit)
                .account(credit)
                .wanted(amount)
                .word(moment(expires_at))
                .word(u64::from(code)),
            Self::IncreaseHold { hold, amount } => mixer.word(3).id(hold).amount(amount),
            Self::Capture { hold, amount, rule, remaining, code } => mixer
                .word(4)
                .id(hold)
                .optional(units(amount))
                .word(match rule {
                    CaptureRule::WithinHold => 0,
                    CaptureRule::Forced => 1,
                })
                .remaining(remaining)
                .word(u64::from(code)),
            Self::Void { hold, amount } => mixer.word(5).id(hold).optional(units(amount)),
            Self::ExpireHold { hold } => mixer.word(6).id(hold),
            Self::Announce { id, debit, credit, amount, due_at, code } => mixer
                .word(7)
                .id(id)
                .account(debit)
                .account(credit)
                .amount(amount)
                .optional(due_at.map(moment))
                .word(u64::from(code)),
            Self::ChangeExpectation { expectation, amount } => {
                mixer.word(8).id(expectation).amount(amount)
            }
            Self::GrantExpectation { expectation, amount, lot, remaining, code } => mixer
                .word(9)
                .id(expectation)
                .optional(units(amount))
                .optional(terms(lot))
                .remaining(remaining)
                .word(u64::from(code)),
            Self::ExpireLots { account } => mixer.word(10).account(account),
            Self::ExpireInactive { account } => mixer.word(11).account(account),
            Self::Reverse { original, shortfall, code } => mixer
                .word(12)
                .id(original)
                .optional(shortfall.map(|account| u64::from(account.get())))
                .word(u64::from(code)),
            Self::Freeze { account } => mixer.word(13).account(account),
            Self::Thaw { account } => mixer.word(14).account(account),
            Self::Close { account } => mixer.word(15).account(account),
            Self::Touch { account } => mixer.word(16).account(account),
        };
    }
}
