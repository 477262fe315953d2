use super::{expectation, hold};
use crate::{
    Account, AccountNumber, Batch, Book, FoldError, Lot, Movement, MovementKind, Refusal, Refused,
    Seq, Standing, Step, digest,
};
use vocabulary::{Amount, Id, Timestamp, kind};

/// What the journal knows beyond the book: ids used long ago, and batches to reverse.
pub trait Memory {
    /// Whether a hold of this id was ever placed.
    fn hold_was_used(&self, id: Id<kind::Hold>) -> bool;
    /// Whether an expectation of this id was ever announced.
    fn expectation_was_used(&self, id: Id<kind::Expectation>) -> bool;
    /// The batch of this id, of the company that asks.
    fn original(&self, id: Id<kind::Batch>) -> Option<Original>;
}

/// A batch that is to be reversed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its movements, in order.
    pub movements: Vec<Movement>,
    /// Whether it is reversed already.
    pub reversed: bool,
}

/// A memory of nothing: a book without history.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Memory for Nothing {
    fn hold_was_used(&self, _: Id<kind::Hold>) -> bool {
        false
    }

    fn expectation_was_used(&self, _: Id<kind::Expectation>) -> bool {
        false
    }

    fn original(&self, _: Id<kind::Batch>) -> Option<Original> {
        None
    }
}

/// Where the movements of a batch stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The first of them.
    pub first: Seq,
    /// How many.
    pub count: u32,
    /// When.
    pub at: Timestamp,
}

impl Book {
    /// Does all steps of a batch, or none: appends its movements to `journal` and changes the book.
    ///
    /// Time never runs back: a batch is stamped with the later of `now` and the last movement's
    /// time. What was done can be undone with [`Book::undo_to`] until it is settled. Whether the id
    /// of the batch was used before is the caller's to check; the ids of holds and expectations are
    /// checked here.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the first refusal that applies to the first step that cannot be done; book
    /// and journal are then as they were.
    pub fn post(
        &mut self,
        batch: &Batch,
        now: Timestamp,
        memory: &impl Memory,
        journal: &mut Vec<Movement>,
    ) -> Result<Posted, Refused> {
        let mark = self.mark();
        let start = journal.len();
        let at = now.max(self.last_at());
        let first = self.next_seq();
        let mut writing = Writing { book: self, batch, at, memory, journal, start };
        for (step, asked) in batch.steps.as_slice().iter().enumerate() {
            if let Err(refusal) = writing.step(asked) {
                journal.truncate(start);
                self.undo_to(mark);
                return Err(Refused { step, refusal });
            }
        }
        let written = journal.len().saturating_sub(start);
        Ok(Posted { first, count: u32::try_from(written).unwrap_or(u32::MAX), at })
    }
}

/// A batch on its way into the book.
pub(super) struct Writing<'a, M> {
    pub(super) book: &'a mut Book,
    pub(super) batch: &'a Batch,
    pub(super) at: Timestamp,
    pub(super) memory: &'a M,
    pub(super) journal: &'a mut Vec<Movement>,
    pub(super) start: usize,
}

/// A movement to be, without what every movement of the batch shares.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub(super) kind: MovementKind,
    pub(super) code: u16,
    pub(super) debit: AccountNumber,
    pub(super) credit: AccountNumber,
    pub(super) debit_lot: Lot,
    pub(super) credit_lot: Lot,
    pub(super) amount: Amount,
    pub(super) subject: Option<u128>,
    pub(super) due_at: Option<Timestamp>,
}

impl Draft {
    pub(super) const fn new(
        kind: MovementKind,
        debit: AccountNumber,
        credit: AccountNumber,
    ) -> Self {
        Self {
            kind,
            code: 0,
            debit,
            credit,
            debit_lot: Lot::NONE,
            credit_lot: Lot::NONE,
            amount: Amount::ZERO,
            subject: None,
            due_at: None,
        }
    }
}

impl<M: Memory> Writing<'_, M> {
    fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        match *step {
            Step::Transfer(transfer) => self.transfer(&transfer),
            Step::Hold { id, debit, credit, amount, expires_at, code } => {
                self.hold(id, hold::Terms { debit, credit, amount, expires_at, code })
            }
            Step::IncreaseHold { hold, amount } => self.increase_hold(hold, amount),
            Step::Capture { hold, amount, rule, remaining, code } => {
                self.capture(hold, hold::Capturing { amount, rule, remaining, code })
            }
            Step::Void { hold, amount } => self.void(hold, amount),
            Step::ExpireHold { hold } => self.expire_hold(hold),
            Step::Announce { id, debit, credit, amount, due_at, code } => {
                self.announce(id, expectation::Terms { debit, credit, amount, due_at, code })
            }
            Step::ChangeExpectation { expectation, amount } => {
                self.change_expectation(expectation, amount)
            }
            Step::GrantExpectation { expectation, amount, lot, remaining, code } => self
                .grant_expectation(
                    expectation,
                    expectation::Granting { amount, lot, remaining, code },
                ),
            Step::ExpireLots { account } => self.expire_lots(account),
            Step::ExpireInactive { account } => self.expire_inactive(account),
            Step::Reverse { original, shortfall, code } => self.reverse(original, shortfall, code),
            Step::Freeze { account } => self.freeze(account),
            Step::Thaw { account } => self.thaw(account),
            Step::Close { account } => self.close(account),
            Step::Touch { account } => self.touch(account),
        }
    }

    /// Writes one movement and folds it into the book.
    pub(super) fn emit(&mut self, draft: Draft) -> Result<(), Refusal> {
        let debit_prev = self.debit_account(draft.debit)?.state.head;
        let credit_prev = self.credit_account(draft.credit)?.state.head;
        let is_first = self.journal.len() == self.start;
        let movement = Movement {
            seq: self.book.next_seq(),
            batch: self.batch.id,
            actor: self.batch.actor,
            kind: draft.kind,
            code: draft.code,
            debit: draft.debit,
            credit: draft.credit,
            debit_lot: draft.debit_lot,
            credit_lot: draft.credit_lot,
            amount: draft.amount,
            at: self.at,
            debit_prev,
            credit_prev,
            subject: draft.subject,
            due_at: draft.due_at,
            digest: is_first.then(|| digest(self.batch.steps.as_slice())),
        };
        match self.book.fold_undoably(&movement) {
            Ok(()) => {
                self.journal.push(movement);
                Ok(())
            }
            Err(FoldError::Overflow) => Err(Refusal::Overflow),
            Err(error) => {
                debug_assert!(false, "a decided movement does not fit: {error}: {movement:?}");
                Err(Refusal::Overflow)
            }
        }
    }

    pub(super) fn debit_account(&self, number: AccountNumber) -> Result<&Account, Refusal> {
        self.book.account(number).ok_or(Refusal::DebitAccountNotFound)
    }

    pub(super) fn credit_account(&self, number: AccountNumber) -> Result<&Account, Refusal> {
        self.book.account(number).ok_or(Refusal::CreditAccountNotFound)
    }

    /// Checks that two accounts can face each other, and that neither is closed.
    pub(super) fn check_pair(
        &self,
        debit: AccountNumber,
        credit: AccountNumber,
    ) -> Result<(), Refusal> {
        let payer = self.debit_account(debit)?;
        let payee = self.credit_account(credit)?;
        if debit == credit {
            return Err(Refusal::AccountsSame);
        }
        if payer.spec.unit != payee.spec.unit {
            return Err(Refusal::UnitsDiffer);
        }
        let closed = Standing::Closed;
        if payer.state.standing == closed || payee.state.standing == closed {
            return Err(Refusal::AccountClosed);
        }
        Ok(())
    }

    /// Checks that neither account is frozen: for what was not promised before.
    pub(super) fn check_thawed(
        &self,
        debit: AccountNumber,
        credit: AccountNumber,
    ) -> Result<(), Refusal> {
        let frozen = Standing::Frozen;
        if self.debit_account(debit)?.state.standing == frozen
            || self.credit_account(credit)?.state.standing == frozen
        {
            return Err(Refusal::AccountFrozen);
        }
        Ok(())
    }
}
