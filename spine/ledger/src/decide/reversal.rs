use super::lots;
use super::writing::{Draft, Memory, Writing};
use crate::{AccountNumber, Layer, Lot, LotKind, Movement, MovementKind, Refusal};
use vocabulary::{Amount, Id, kind};

impl<M: Memory> Writing<'_, M> {
    pub(super) fn reverse(
        &mut self,
        id: Id<kind::Batch>,
        shortfall: Option<AccountNumber>,
        code: u16,
    ) -> Result<(), Refusal> {
        let original = self.memory.original(id).ok_or(Refusal::OriginalNotFound)?;
        let again = self.journal.get(self.start..).unwrap_or_default().iter().any(|movement| {
            movement.kind == MovementKind::Reversal && movement.subject == Some(id.bits())
        });
        if original.reversed || again {
            return Err(Refusal::AlreadyReversed);
        }
        let moved: Vec<&Movement> =
            original.movements.iter().filter(|movement| is_reversible(movement.kind)).collect();
        if moved.is_empty() {
            return Err(Refusal::NotReversible);
        }
        for movement in moved.into_iter().rev() {
            let draft = Draft {
                code,
                subject: Some(id.bits()),
                credit_lot: movement.debit_lot,
                amount: movement.amount,
                ..Draft::new(MovementKind::Reversal, movement.credit, movement.debit)
            };
            self.take_back(draft, movement.credit_lot, shortfall)?;
        }
        Ok(())
    }

    /// Takes one movement's value back: first from the lot it went to, then in the unit's order;
    /// what is missing goes below zero where the rule allows, or becomes a receivable.
    fn take_back(
        &mut self,
        draft: Draft,
        lot: Lot,
        shortfall: Option<AccountNumber>,
    ) -> Result<(), Refusal> {
        self.check_pair(draft.debit, draft.credit)?;
        let room = self.room_between(draft.debit, draft.credit, draft.kind)?;
        let taken = room.clamp(draft.amount);
        let missing = draft.amount.saturating_sub(taken);
        if !missing.is_zero() && shortfall.is_none() {
            return Err(Refusal::BalanceInsufficient { available: room.most() });
        }
        for (from, part) in self.parts_to_take_back(draft.debit, lot, taken)? {
            self.emit_return(Draft { debit_lot: from, amount: part, ..draft })?;
        }
        if let Some(owing) = shortfall
            && !missing.is_zero()
        {
            self.check_pair(owing, draft.credit)?;
            if self.debit_account(owing)?.spec.lots {
                return Err(Refusal::LotNotAllowed);
            }
            let due =
                Draft { kind: MovementKind::Shortfall, debit: owing, amount: missing, ..draft };
            let room = self.room_between(due.debit, due.credit, due.kind)?;
            if !room.allows(missing) {
                return Err(Refusal::BalanceInsufficient { available: room.most() });
            }
            self.emit_return(due)?;
        }
        Ok(())
    }

    /// Gives value back to the lot it came from. Value that came from below zero makes that good;
    /// if that is done already, it returns as the strictest promise there is: bought value that
    /// never expires.
    fn emit_return(&mut self, draft: Draft) -> Result<(), Refusal> {
        let payee = self.credit_account(draft.credit)?;
        if !payee.spec.lots || draft.credit_lot.is_some() {
            return self.emit_credit(draft);
        }
        let issuer = self.book.find_unit(payee.spec.unit).map(|unit| unit.issuer);
        let lot = Lot::try_new(issuer.unwrap_or_default(), LotKind::Paid, None);
        self.emit_credit(Draft { credit_lot: lot.unwrap_or(Lot::NONE), ..draft })
    }

    fn parts_to_take_back(
        &self,
        debit: AccountNumber,
        lot: Lot,
        amount: Amount,
    ) -> Result<Vec<lots::Part>, Refusal> {
        if amount.is_zero() {
            return Ok(Vec::new());
        }
        let payer = self.debit_account(debit)?;
        if !payer.spec.lots {
            return Ok(vec![(Lot::NONE, amount)]);
        }
        let own = payer.state.cells().iter().find(|cell| cell.lot == lot && lot.is_some());
        let free = own.map_or(0, |cell| cell.posted.saturating_sub(cell.held).max(0));
        let first = amount.min(Amount::magnitude(free));
        let rest = amount.saturating_sub(first);
        let mut parts = Vec::new();
        if !first.is_zero() {
            parts.push((lot, first));
        }
        if !rest.is_zero() {
            parts.extend(self.parts_of_debit(debit, |other| other != lot, rest)?);
        }
        Ok(parts)
    }
}

/// Value that moved can move back; an expiry or an earlier reversal stays, and what was only
/// reserved or announced never moved.
fn is_reversible(kind: MovementKind) -> bool {
    match kind.layer() {
        Layer::Posted | Layer::CaptureHeld => {
            kind != MovementKind::Expiry
                && kind != MovementKind::Reversal
                && kind != MovementKind::Shortfall
        }
        Layer::Reserve | Layer::Release | Layer::Announce | Layer::Retract | Layer::Memo => false,
    }
}
