use super::writing::{Memory, Writing};
use crate::{AccountNumber, Cell, LotKind, Refusal, Standing};

impl<M: Memory> Writing<'_, M> {
    pub(super) fn expire_lots(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        let today = self.today(account)?;
        self.refuse_closed(account)?;
        match self.expire_cells(account, |cell: &Cell| {
            cell.lot.is_due(today) && cell.posted > cell.held
        })? {
            0 => Err(Refusal::NothingToMove),
            _some => Ok(()),
        }
    }

    pub(super) fn expire_inactive(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        let today = self.today(account)?;
        self.refuse_closed(account)?;
        let owner = self.debit_account(account)?;
        let unit = self.book.find_unit(owner.spec.unit);
        let last = unit.and_then(|unit| unit.policy.idle_rules.last_day(owner.state.activity));
        if last.is_none_or(|last| last >= today) {
            return Err(Refusal::NotInactive);
        }
        let free = |cell: &Cell| {
            cell.lot.is_some() && cell.lot.kind() == LotKind::Free && cell.posted > cell.held
        };
        match self.expire_cells(account, free)? {
            0 => Err(Refusal::NothingToMove),
            _some => Ok(()),
        }
    }

    pub(super) fn refuse_closed(&self, account: AccountNumber) -> Result<(), Refusal> {
        match self.debit_account(account)?.state.standing {
            Standing::Closed => Err(Refusal::AccountClosed),
            Standing::Open | Standing::Frozen => Ok(()),
        }
    }
}
