//! Which lots a debit takes and a credit fills.

use super::writing::{Draft, Memory, Writing};
use crate::{
    Account, AccountNumber, BalanceRule, Cell, Lot, LotKind, MovementKind, NormalSide, Refusal,
    SpendOrder,
};
use vocabulary::{Amount, Day};

/// A part of an amount that one lot carries.
pub(super) type Part = (Lot, Amount);

/// What a movement may take from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Unlimited,
    Limited(Amount),
}

impl Room {
    pub(super) fn min(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unlimited, room) | (room, Self::Unlimited) => room,
            (Self::Limited(one), Self::Limited(two)) => Self::Limited(one.min(two)),
        }
    }

    pub(super) fn allows(self, amount: Amount) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Limited(most) => amount <= most,
        }
    }

    pub(super) fn clamp(self, amount: Amount) -> Amount {
        match self {
            Self::Unlimited => amount,
            Self::Limited(most) => amount.min(most),
        }
    }

    pub(super) const fn most(self) -> Amount {
        match self {
            Self::Unlimited => Amount::MAX,
            Self::Limited(most) => most,
        }
    }
}

/// How much a movement of this kind may take on one side of an account.
fn room(account: &Account, side: NormalSide, kind: MovementKind) -> Room {
    if account.spec.side == side {
        return Room::Unlimited;
    }
    match account.spec.rule {
        BalanceRule::Unlimited => Room::Unlimited,
        BalanceRule::NonNegative => Room::Limited(account.available()),
        BalanceRule::Negative(by) => {
            let captures = kind == MovementKind::Capture || kind == MovementKind::CaptureBeyond;
            let named = (captures && by.capture) || (kind == MovementKind::Reversal && by.reversal);
            if named { Room::Unlimited } else { Room::Limited(account.available()) }
        }
    }
}

/// Cuts `amount` into lots in the order the unit says; what no lot covers goes below zero, under no
/// lot.
pub(super) fn pick(
    cells: &[Cell],
    order: SpendOrder,
    takes: impl Fn(Lot) -> bool,
    amount: Amount,
) -> Vec<Part> {
    let mut free: Vec<Cell> = cells
        .iter()
        .copied()
        .filter(|cell| cell.lot.is_some() && cell.posted > cell.held && takes(cell.lot))
        .collect();
    free.sort_unstable_by_key(|cell| sort_key(cell.lot, order));
    let mut parts = Vec::with_capacity(1);
    let mut rest = amount;
    for cell in free {
        if rest.is_zero() {
            break;
        }
        let part = rest.min(Amount::magnitude(cell.posted.saturating_sub(cell.held)));
        parts.push((cell.lot, part));
        rest = rest.saturating_sub(part);
    }
    if !rest.is_zero() {
        parts.push((Lot::NONE, rest));
    }
    parts
}

fn sort_key(lot: Lot, order: SpendOrder) -> (u8, u32, u8, u32) {
    let free_first = match lot.kind() {
        LotKind::Free => 0,
        LotKind::Paid => 1,
    };
    let (first, tie) = match order {
        SpendOrder::FreeBeforePaid => (free_first, 0),
        SpendOrder::PaidBeforeFree => (1_u8.saturating_sub(free_first), 0),
        SpendOrder::Earliest => (0, free_first),
    };
    (first, lot.expiry_key(), tie, lot.bits())
}

impl<M: Memory> Writing<'_, M> {
    /// How much may move from one account to another by the rules of both.
    pub(super) fn room_between(
        &self,
        debit: AccountNumber,
        credit: AccountNumber,
        kind: MovementKind,
    ) -> Result<Room, Refusal> {
        let payer = room(self.debit_account(debit)?, NormalSide::Debit, kind);
        let payee = room(self.credit_account(credit)?, NormalSide::Credit, kind);
        Ok(payer.min(payee))
    }

    pub(super) fn today(&self, account: AccountNumber) -> Result<Day, Refusal> {
        let unit = self.debit_account(account)?.spec.unit;
        Ok(self.book.zone(unit).day_of(self.at))
    }

    /// Cuts a debit of `account` into the lots it takes; an account without lots gives one part.
    pub(super) fn parts_of_debit(
        &self,
        account: AccountNumber,
        takes: impl Fn(Lot) -> bool,
        amount: Amount,
    ) -> Result<Vec<Part>, Refusal> {
        let payer = self.debit_account(account)?;
        if !payer.spec.lots {
            return Ok(vec![(Lot::NONE, amount)]);
        }
        let order = self.book.find_unit(payer.spec.unit).map(|unit| unit.policy.spend_order);
        Ok(pick(payer.state.cells(), order.unwrap_or_default(), takes, amount))
    }

    /// Writes a credit of `lot`, after what the account is below zero is made good.
    pub(super) fn emit_credit(&mut self, draft: Draft) -> Result<(), Refusal> {
        let payee = self.credit_account(draft.credit)?;
        if !payee.spec.lots {
            return self.emit(Draft { credit_lot: Lot::NONE, ..draft });
        }
        let below = payee.state.cells().first().filter(|cell| !cell.lot.is_some());
        let owed = below.map_or(Amount::ZERO, |cell| Amount::magnitude(cell.posted));
        let repaid = draft.amount.min(owed);
        let rest = draft.amount.saturating_sub(repaid);
        if !repaid.is_zero() {
            self.emit(Draft { credit_lot: Lot::NONE, amount: repaid, ..draft })?;
        }
        if rest.is_zero() {
            return Ok(());
        }
        if !draft.credit_lot.is_some() {
            return Err(Refusal::LotMissing);
        }
        self.emit(Draft { amount: rest, ..draft })
    }

    /// Checks that reserved or announced value will have a lot when it arrives: an account with
    /// lots takes it only from another one, and only where the unit passes from member to member.
    pub(super) fn check_lots_of_hold(
        &self,
        debit: AccountNumber,
        credit: AccountNumber,
    ) -> Result<(), Refusal> {
        let payer = self.debit_account(debit)?;
        let payee = self.credit_account(credit)?;
        let unit = self.book.find_unit(payee.spec.unit);
        match (payer.spec.lots, payee.spec.lots) {
            (_, false) => Ok(()),
            (false, true) => Err(Refusal::LotMissing),
            (true, true) if unit.is_some_and(|unit| unit.policy.transferable) => Ok(()),
            (true, true) => Err(Refusal::NotTransferable),
        }
    }

    /// Checks that value of these terms may enter an account with lots today.
    pub(super) fn check_lot(
        &self,
        credit: AccountNumber,
        lot: Option<Lot>,
    ) -> Result<Lot, Refusal> {
        let payee = self.credit_account(credit)?;
        let lot = match (payee.spec.lots, lot) {
            (true, None) => return Err(Refusal::LotMissing),
            (false, Some(_)) => return Err(Refusal::LotNotAllowed),
            (false, None) => return Ok(Lot::NONE),
            (true, Some(lot)) if !lot.is_some() => return Err(Refusal::LotMissing),
            (true, Some(lot)) => lot,
        };
        if lot.is_due(self.today(credit)?) {
            return Err(Refusal::LotExpired);
        }
        let unit = self.book.find_unit(payee.spec.unit);
        let expires = lot.expires_on().is_some();
        if expires && unit.is_none_or(|unit| unit.policy.breakage.is_none()) {
            return Err(Refusal::BreakageMissing);
        }
        Ok(lot)
    }

    /// Moves what is past its last day out of the way, by a movement, before lots are chosen.
    pub(super) fn expire_before_debit(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        let payer = self.debit_account(account)?;
        if !payer.spec.lots {
            return Ok(());
        }
        let today = self.today(account)?;
        let due = |cell: &Cell| cell.lot.is_due(today) && cell.posted > cell.held;
        if !payer.state.cells().iter().any(due) {
            return Ok(());
        }
        self.expire_cells(account, due).map(drop)
    }

    /// Moves the unreserved value of the chosen cells to breakage; tells how many cells that were.
    pub(super) fn expire_cells(
        &mut self,
        account: AccountNumber,
        chosen: impl Fn(&Cell) -> bool,
    ) -> Result<usize, Refusal> {
        let owner = self.debit_account(account)?;
        let cells: Vec<Cell> = owner.state.cells().iter().copied().filter(chosen).collect();
        let unit = self.book.find_unit(owner.spec.unit);
        let breakage =
            unit.and_then(|unit| unit.policy.breakage).ok_or(Refusal::BreakageMissing)?;
        for cell in &cells {
            let amount = Amount::magnitude(cell.posted.saturating_sub(cell.held));
            let draft = Draft::new(MovementKind::Expiry, account, breakage);
            self.emit(Draft { debit_lot: cell.lot, amount, ..draft })?;
        }
        Ok(cells.len())
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::CompanyNumber;

    use super::*;

    fn lot(kind: LotKind, day: Option<&str>) -> Lot {
        let day = day.map(|text| Day::parse(text).unwrap());
        Lot::try_new(CompanyNumber::new(1), kind, day).unwrap()
    }

    #[test]
    fn lots_are_taken_in_the_order_of_the_unit() {
        let lots = [
            lot(LotKind::Free, None),
            lot(LotKind::Free, Some("2027-03-31")),
            lot(LotKind::Free, Some("2027-01-31")),
            lot(LotKind::Paid, Some("2026-12-31")),
            lot(LotKind::Paid, Some("2027-03-31")),
        ];
        let cells = lots.map(|lot| Cell { lot, posted: 10, held: 0 });
        let table = [
            (SpendOrder::FreeBeforePaid, [2, 1, 0, 3, 4]),
            (SpendOrder::PaidBeforeFree, [3, 4, 2, 1, 0]),
            (SpendOrder::Earliest, [3, 2, 1, 4, 0]),
        ];
        for (order, expected) in table {
            let parts = pick(&cells, order, |_| true, Amount::from(55));
            let taken: Vec<Lot> = parts.iter().map(|part| part.0).collect();
            let mut wanted: Vec<Lot> = expected.iter().map(|&place| lots[place]).collect();
            wanted.push(Lot::NONE);
            assert_eq!(taken, wanted, "{order:?}");
            assert_eq!(parts.last(), Some(&(Lot::NONE, Amount::from(5))));
        }
    }
}
