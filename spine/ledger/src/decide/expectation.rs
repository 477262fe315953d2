use super::writing::{Draft, Memory, Writing};
use crate::{AccountNumber, Expectation, ExpectationState, Lot, MovementKind, Refusal, Remaining};
use vocabulary::{Amount, Id, Timestamp, kind};

/// What is announced, from whom, to whom.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) debit: AccountNumber,
    pub(super) credit: AccountNumber,
    pub(super) amount: Amount,
    pub(super) due_at: Option<Timestamp>,
    pub(super) code: u16,
}

/// How announced value becomes a grant.
#[derive(Clone, Copy)]
pub(super) struct Granting {
    pub(super) amount: Option<Amount>,
    pub(super) lot: Option<Lot>,
    pub(super) remaining: Remaining,
    pub(super) code: u16,
}

impl<M: Memory> Writing<'_, M> {
    pub(super) fn announce(
        &mut self,
        id: Id<kind::Expectation>,
        terms: Terms,
    ) -> Result<(), Refusal> {
        if terms.amount.is_zero() {
            return Err(Refusal::AmountZero);
        }
        self.check_pair(terms.debit, terms.credit)?;
        self.check_thawed(terms.debit, terms.credit)?;
        if self.debit_account(terms.debit)?.spec.lots {
            return Err(Refusal::NotTransferable);
        }
        if self.book.expectation(id).is_some() || self.memory.expectation_was_used(id) {
            return Err(Refusal::ExpectationIdReused);
        }
        self.emit(Draft {
            code: terms.code,
            amount: terms.amount,
            subject: Some(id.bits()),
            due_at: terms.due_at,
            ..Draft::new(MovementKind::Announcement, terms.debit, terms.credit)
        })
    }

    pub(super) fn change_expectation(
        &mut self,
        id: Id<kind::Expectation>,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let expected = self.open_expectation(id)?;
        let (kind, change) = match amount.cmp(&expected.amount) {
            core::cmp::Ordering::Equal => return Err(Refusal::ExpectationUnchanged),
            core::cmp::Ordering::Greater => {
                (MovementKind::Announcement, amount.saturating_sub(expected.amount))
            }
            core::cmp::Ordering::Less => {
                (MovementKind::Retraction, expected.amount.saturating_sub(amount))
            }
        };
        self.emit_expected(id, &expected, kind, change)
    }

    pub(super) fn grant_expectation(
        &mut self,
        id: Id<kind::Expectation>,
        how: Granting,
    ) -> Result<(), Refusal> {
        if how.amount.is_some_and(Amount::is_zero) {
            return Err(Refusal::AmountZero);
        }
        let expected = self.open_expectation(id)?;
        self.check_pair(expected.debit, expected.credit)?;
        let amount = how.amount.unwrap_or(expected.amount);
        let lot = self.check_lot(expected.credit, how.lot)?;
        if amount > expected.amount {
            return Err(Refusal::ExpectationExceeded { remaining: expected.amount });
        }
        let room = self.room_between(expected.debit, expected.credit, MovementKind::Grant)?;
        if !room.allows(amount) {
            return Err(Refusal::BalanceInsufficient { available: room.most() });
        }
        self.emit_expected(id, &expected, MovementKind::Fulfilment, amount)?;
        self.emit_credit(Draft {
            code: how.code,
            credit_lot: lot,
            amount,
            subject: Some(id.bits()),
            ..Draft::new(MovementKind::Grant, expected.debit, expected.credit)
        })?;
        let rest = expected.amount.saturating_sub(amount);
        match how.remaining {
            Remaining::Release if !rest.is_zero() => {
                self.emit_expected(id, &expected, MovementKind::Retraction, rest)
            }
            Remaining::Release | Remaining::Keep => Ok(()),
        }
    }

    fn open_expectation(&self, id: Id<kind::Expectation>) -> Result<Expectation, Refusal> {
        let expected = self.book.expectation(id).ok_or(Refusal::ExpectationNotFound)?;
        match expected.state {
            ExpectationState::Open => Ok(*expected),
            ExpectationState::Ended => Err(Refusal::ExpectationEnded),
        }
    }

    fn emit_expected(
        &mut self,
        id: Id<kind::Expectation>,
        expected: &Expectation,
        kind: MovementKind,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let (debit, credit): (AccountNumber, AccountNumber) = (expected.debit, expected.credit);
        self.emit(Draft { amount, subject: Some(id.bits()), ..Draft::new(kind, debit, credit) })
    }
}
