use super::writing::{Draft, Memory, Writing};
use crate::{
    AccountNumber, CaptureRule, Hold, HoldState, Lot, MovementKind, Refusal, Remaining, Wanted,
};
use vocabulary::{Amount, Id, Timestamp, kind};

/// What a hold reserves, for whom, until when.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) debit: AccountNumber,
    pub(super) credit: AccountNumber,
    pub(super) amount: Wanted,
    pub(super) expires_at: Timestamp,
    pub(super) code: u16,
}

/// How a hold is captured.
#[derive(Clone, Copy)]
pub(super) struct Capturing {
    pub(super) amount: Option<Amount>,
    pub(super) rule: CaptureRule,
    pub(super) remaining: Remaining,
    pub(super) code: u16,
}

impl<M: Memory> Writing<'_, M> {
    pub(super) fn hold(&mut self, id: Id<kind::Hold>, terms: Terms) -> Result<(), Refusal> {
        if terms.amount.most().is_zero() {
            return Err(Refusal::AmountZero);
        }
        self.check_pair(terms.debit, terms.credit)?;
        self.check_thawed(terms.debit, terms.credit)?;
        self.check_lots_of_hold(terms.debit, terms.credit)?;
        if self.book.hold(id).is_some() || self.memory.hold_was_used(id) {
            return Err(Refusal::HoldIdReused);
        }
        if terms.expires_at <= self.at {
            return Err(Refusal::HoldExpiryPast);
        }
        self.expire_before_debit(terms.debit)?;
        let room = self.room_between(terms.debit, terms.credit, MovementKind::Hold)?;
        let amount = match terms.amount {
            Wanted::Exactly(amount) if room.allows(amount) => amount,
            Wanted::Exactly(_) => {
                return Err(Refusal::BalanceInsufficient { available: room.most() });
            }
            Wanted::UpTo(most) => room.clamp(most),
        };
        if amount.is_zero() {
            return Err(Refusal::NothingToMove);
        }
        self.reserve(id, terms, amount)
    }

    pub(super) fn increase_hold(
        &mut self,
        id: Id<kind::Hold>,
        amount: Amount,
    ) -> Result<(), Refusal> {
        if amount.is_zero() {
            return Err(Refusal::AmountZero);
        }
        let hold = self.open_hold(id)?;
        let (debit, credit, expires_at) = (hold.debit, hold.credit, hold.expires_at);
        self.check_thawed(debit, credit)?;
        self.expire_before_debit(debit)?;
        let room = self.room_between(debit, credit, MovementKind::Hold)?;
        if !room.allows(amount) {
            return Err(Refusal::BalanceInsufficient { available: room.most() });
        }
        let terms = Terms { debit, credit, amount: Wanted::Exactly(amount), expires_at, code: 0 };
        self.reserve(id, terms, amount)
    }

    fn reserve(&mut self, id: Id<kind::Hold>, terms: Terms, amount: Amount) -> Result<(), Refusal> {
        for (lot, part) in self.parts_of_debit(terms.debit, |_| true, amount)? {
            self.emit(Draft {
                code: terms.code,
                debit_lot: lot,
                amount: part,
                subject: Some(id.bits()),
                due_at: Some(terms.expires_at),
                ..Draft::new(MovementKind::Hold, terms.debit, terms.credit)
            })?;
        }
        Ok(())
    }

    pub(super) fn capture(&mut self, id: Id<kind::Hold>, how: Capturing) -> Result<(), Refusal> {
        if how.amount.is_some_and(Amount::is_zero) {
            return Err(Refusal::AmountZero);
        }
        let hold = self.book.hold(id).ok_or(Refusal::HoldNotFound)?.clone();
        self.check_pair(hold.debit, hold.credit)?;
        self.check_capturable(&hold, how.rule)?;
        let reserved = hold.remaining();
        let amount = how.amount.unwrap_or(reserved);
        if amount.is_zero() {
            return Err(Refusal::NothingToMove);
        }
        let beyond = amount.saturating_sub(reserved);
        if !beyond.is_zero() && how.rule == CaptureRule::WithinHold {
            return Err(Refusal::HoldExceeded { remaining: reserved });
        }
        let draft = Draft {
            code: how.code,
            subject: Some(id.bits()),
            ..Draft::new(MovementKind::Capture, hold.debit, hold.credit)
        };
        let mut rest = amount.saturating_sub(beyond);
        for part in &hold.parts {
            let taken = rest.min(part.amount);
            if taken.is_zero() {
                break;
            }
            rest = rest.saturating_sub(taken);
            self.emit_capture(Draft { debit_lot: part.lot, amount: taken, ..draft })?;
        }
        if !beyond.is_zero() {
            self.capture_beyond(Draft { kind: MovementKind::CaptureBeyond, ..draft }, beyond)?;
        }
        match how.remaining {
            Remaining::Keep => Ok(()),
            Remaining::Release => self.release(id, MovementKind::Release, None),
        }
    }

    /// Posts held value; the payee's lot is the payer's.
    fn emit_capture(&mut self, draft: Draft) -> Result<(), Refusal> {
        self.emit_credit(Draft { credit_lot: draft.debit_lot, ..draft })
    }

    fn capture_beyond(&mut self, draft: Draft, beyond: Amount) -> Result<(), Refusal> {
        self.expire_before_debit(draft.debit)?;
        let room = self.room_between(draft.debit, draft.credit, draft.kind)?;
        if !room.allows(beyond) {
            return Err(Refusal::BalanceInsufficient { available: room.most() });
        }
        for (lot, part) in self.parts_of_debit(draft.debit, |_| true, beyond)? {
            self.emit_credit(Draft { debit_lot: lot, credit_lot: lot, amount: part, ..draft })?;
        }
        Ok(())
    }

    fn check_capturable(&self, hold: &Hold, rule: CaptureRule) -> Result<(), Refusal> {
        match (hold.state, rule) {
            (HoldState::Voided, _) => Err(Refusal::HoldVoided),
            (HoldState::Captured, CaptureRule::WithinHold) => Err(Refusal::HoldCaptured),
            (HoldState::Expired, CaptureRule::WithinHold) => Err(Refusal::HoldExpired),
            (HoldState::Open, CaptureRule::WithinHold) if hold.expires_at <= self.at => {
                Err(Refusal::HoldExpired)
            }
            (HoldState::Open, CaptureRule::WithinHold)
            | (HoldState::Open | HoldState::Captured | HoldState::Expired, CaptureRule::Forced) => {
                Ok(())
            }
        }
    }

    pub(super) fn void(
        &mut self,
        id: Id<kind::Hold>,
        amount: Option<Amount>,
    ) -> Result<(), Refusal> {
        if amount.is_some_and(Amount::is_zero) {
            return Err(Refusal::AmountZero);
        }
        let remaining = self.unended_hold(id)?.remaining();
        if amount.is_some_and(|amount| amount > remaining) {
            return Err(Refusal::HoldExceeded { remaining });
        }
        self.release(id, MovementKind::Void, amount)
    }

    pub(super) fn expire_hold(&mut self, id: Id<kind::Hold>) -> Result<(), Refusal> {
        let hold = self.unended_hold(id)?;
        if hold.expires_at > self.at {
            return Err(Refusal::HoldNotDue);
        }
        self.release(id, MovementKind::HoldExpiry, None)
    }

    /// A hold that still reserves something and whose time is not over.
    fn open_hold(&self, id: Id<kind::Hold>) -> Result<&Hold, Refusal> {
        let hold = self.unended_hold(id)?;
        if hold.expires_at <= self.at { Err(Refusal::HoldExpired) } else { Ok(hold) }
    }

    fn unended_hold(&self, id: Id<kind::Hold>) -> Result<&Hold, Refusal> {
        let hold = self.book.hold(id).ok_or(Refusal::HoldNotFound)?;
        match hold.state {
            HoldState::Open => Ok(hold),
            HoldState::Captured => Err(Refusal::HoldCaptured),
            HoldState::Voided => Err(Refusal::HoldVoided),
            HoldState::Expired => Err(Refusal::HoldExpired),
        }
    }

    /// Sets reserved value free, all of it or `amount`, the lots reserved last first.
    fn release(
        &mut self,
        id: Id<kind::Hold>,
        why: MovementKind,
        amount: Option<Amount>,
    ) -> Result<(), Refusal> {
        let Some(hold) = self.book.hold(id).cloned() else { return Err(Refusal::HoldNotFound) };
        let mut rest = amount.unwrap_or_else(|| hold.remaining());
        for part in hold.parts.iter().rev() {
            let freed = rest.min(part.amount);
            if freed.is_zero() {
                break;
            }
            rest = rest.saturating_sub(freed);
            self.emit(Draft {
                debit_lot: part.lot,
                credit_lot: Lot::NONE,
                amount: freed,
                subject: Some(id.bits()),
                ..Draft::new(why, hold.debit, hold.credit)
            })?;
        }
        Ok(())
    }
}
