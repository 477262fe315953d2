use super::writing::{Draft, Memory, Writing};
use crate::{AccountNumber, ActivityKind, ActivityKinds, MovementKind, Refusal, Standing};

impl<M: Memory> Writing<'_, M> {
    pub(super) fn freeze(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        match self.debit_account(account)?.state.standing {
            Standing::Closed => Err(Refusal::AccountClosed),
            Standing::Frozen => Err(Refusal::AccountFrozen),
            Standing::Open => self.note(account, MovementKind::Freeze),
        }
    }

    pub(super) fn thaw(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        match self.debit_account(account)?.state.standing {
            Standing::Closed => Err(Refusal::AccountClosed),
            Standing::Open => Err(Refusal::AccountNotFrozen),
            Standing::Frozen => self.note(account, MovementKind::Thaw),
        }
    }

    pub(super) fn close(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        self.refuse_closed(account)?;
        let state = &self.debit_account(account)?.state;
        if state.figures() != [0; 4] || !state.cells().is_empty() {
            return Err(Refusal::AccountNotEmpty);
        }
        self.note(account, MovementKind::Close)
    }

    pub(super) fn touch(&mut self, account: AccountNumber) -> Result<(), Refusal> {
        self.refuse_closed(account)?;
        let today = self.today(account)?;
        let visits = ActivityKinds::from_iter([ActivityKind::Visit]);
        if self.debit_account(account)?.state.activity.last(visits) >= today {
            return Err(Refusal::NothingToMove);
        }
        self.note(account, MovementKind::Touch)
    }

    fn note(&mut self, account: AccountNumber, kind: MovementKind) -> Result<(), Refusal> {
        self.emit(Draft::new(kind, account, account))
    }
}
