use super::lots;
use super::writing::{Draft, Memory, Writing};
use crate::{Lot, LotKind, MovementKind, Refusal, Transfer, TransferKind, Wanted};
use vocabulary::Amount;

impl<M: Memory> Writing<'_, M> {
    pub(super) fn transfer(&mut self, asked: &Transfer) -> Result<(), Refusal> {
        if asked.amount.most().is_zero() {
            return Err(Refusal::AmountZero);
        }
        self.check_pair(asked.debit, asked.credit)?;
        self.check_thawed(asked.debit, asked.credit)?;
        let payer_keeps_lots = self.debit_account(asked.debit)?.spec.lots;
        let new_lot = if payer_keeps_lots {
            self.check_passing_on(asked)?;
            Lot::NONE
        } else {
            self.check_lot(asked.credit, asked.lot)?
        };
        self.expire_before_debit(asked.debit)?;
        let amount = self.settle_amount(asked)?;
        let draft = Draft {
            code: asked.code,
            ..Draft::new(asked.kind.movement(), asked.debit, asked.credit)
        };
        if !payer_keeps_lots {
            return self.emit_credit(Draft { credit_lot: new_lot, amount, ..draft });
        }
        let takes = self.payable_lots(asked)?;
        for (lot, part) in self.parts_of_debit(asked.debit, takes, amount)? {
            self.emit_credit(Draft { debit_lot: lot, credit_lot: lot, amount: part, ..draft })?;
        }
        Ok(())
    }

    /// Value with lots brings its own; from member to member only where the unit allows it.
    fn check_passing_on(&self, asked: &Transfer) -> Result<(), Refusal> {
        if asked.lot.is_some() {
            return Err(Refusal::LotNotAllowed);
        }
        let payee = self.credit_account(asked.credit)?;
        let unit = self.book.find_unit(payee.spec.unit);
        let transferable = unit.is_some_and(|unit| unit.policy.transferable);
        if payee.spec.lots && !transferable && asked.kind != TransferKind::Adjustment {
            return Err(Refusal::NotTransferable);
        }
        Ok(())
    }

    fn payable_lots(&self, asked: &Transfer) -> Result<impl Fn(Lot) -> bool + use<M>, Refusal> {
        let unit = self.debit_account(asked.debit)?.spec.unit;
        let free_only = asked.kind == TransferKind::Payout
            && self.book.find_unit(unit).is_none_or(|unit| !unit.policy.paid_may_be_paid_out);
        Ok(move |lot: Lot| !free_only || lot.kind() == LotKind::Free)
    }

    /// Tells how much moves: what is asked for, or what the balance rules let through.
    fn settle_amount(&self, asked: &Transfer) -> Result<Amount, Refusal> {
        let kind = asked.kind.movement();
        let payer = self.debit_account(asked.debit)?;
        let mut room = self.room_between(asked.debit, asked.credit, kind)?;
        if payer.spec.lots && kind == MovementKind::Payout {
            let takes = self.payable_lots(asked)?;
            let free = payer.state.cells().iter().filter(|cell| takes(cell.lot));
            let sum = free.fold(0_i64, |sum, cell| {
                sum.saturating_add(cell.posted.saturating_sub(cell.held).max(0))
            });
            room = room.min(lots::Room::Limited(Amount::magnitude(sum)));
        }
        match asked.amount {
            Wanted::Exactly(amount) if room.allows(amount) => Ok(amount),
            Wanted::Exactly(_) => Err(Refusal::BalanceInsufficient { available: room.most() }),
            Wanted::UpTo(most) => match room.clamp(most) {
                Amount::ZERO => Err(Refusal::NothingToMove),
                amount => Ok(amount),
            },
        }
    }
}
