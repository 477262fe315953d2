use std::collections::BTreeMap;

use ledger::{Account, AccountNumber, AccountSpec, Cell, Layer, Lot, Movement, NormalSide, Seq};
use vocabulary::Amount;

/// The figures of an account at some moment: those of now, with the newest movements undone one by
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    spec: AccountSpec,
    posted: i64,
    held_debits: i64,
    held_credits: i64,
    expected: i64,
    cells: BTreeMap<Lot, (i64, i64)>,
    head: Seq,
}

/// What a movement of some layer does to posted, held and expected value.
const fn effect(movement: &Movement) -> (i64, i64, i64) {
    let amount = movement.amount.minor_units();
    let less = amount.saturating_neg();
    match movement.kind.layer() {
        Layer::Posted => (amount, 0, 0),
        Layer::Reserve => (0, amount, 0),
        Layer::Release => (0, less, 0),
        Layer::CaptureHeld => (amount, less, 0),
        Layer::Announce => (0, 0, amount),
        Layer::Retract => (0, 0, less),
        Layer::Memo => (0, 0, 0),
    }
}

impl Past {
    /// Begins with an account as it stands.
    pub fn of(account: &Account) -> Self {
        let [posted, held_debits, held_credits, expected] = account.state().figures();
        let cells = account.state().cells().iter();
        Self {
            spec: *account.spec(),
            posted,
            held_debits,
            held_credits,
            expected,
            cells: cells.map(|cell| (cell.lot, (cell.posted, cell.held))).collect(),
            head: account.state().head(),
        }
    }

    /// The newest movement that is still in it.
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// Takes its newest movement back; `number` is the account's own.
    pub fn undo(&mut self, number: AccountNumber, movement: &Movement) {
        let (posted, held, expected) = effect(movement);
        // Figures that were once on the books fit when they come back.
        if movement.debit == number {
            self.posted = self.posted.saturating_add(posted);
            self.held_debits = self.held_debits.saturating_sub(held);
            self.expected = self.expected.saturating_add(expected);
            self.undo_cell(movement.debit_lot, posted, held.saturating_neg());
            self.head = movement.debit_prev;
        } else if movement.credit == number {
            self.posted = self.posted.saturating_sub(posted);
            self.held_credits = self.held_credits.saturating_sub(held);
            self.expected = self.expected.saturating_sub(expected);
            self.undo_cell(movement.credit_lot, posted.saturating_neg(), 0);
            self.head = movement.credit_prev;
        }
    }

    fn undo_cell(&mut self, lot: Lot, posted: i64, held: i64) {
        if !self.spec.lots || (posted == 0 && held == 0) {
            return;
        }
        let cell = self.cells.entry(lot).or_default();
        cell.0 = cell.0.saturating_add(posted);
        cell.1 = cell.1.saturating_add(held);
        if *cell == (0, 0) {
            self.cells.remove(&lot);
        }
    }

    /// The posted balance on the normal side.
    pub const fn balance(&self) -> i64 {
        signed(self.spec.side, self.posted)
    }

    /// What open holds would take from it.
    pub fn pending(&self) -> Amount {
        Amount::magnitude(match self.spec.side {
            NormalSide::Credit => self.held_debits,
            NormalSide::Debit => self.held_credits,
        })
    }

    /// What open holds would bring.
    pub fn incoming(&self) -> Amount {
        Amount::magnitude(match self.spec.side {
            NormalSide::Credit => self.held_credits,
            NormalSide::Debit => self.held_debits,
        })
    }

    /// What is announced, on the normal side.
    pub const fn expected(&self) -> i64 {
        signed(self.spec.side, self.expected)
    }

    /// What could be taken: the balance less open holds; never below zero.
    pub fn available(&self) -> Amount {
        let free = self.balance().saturating_sub(self.pending().minor_units());
        Amount::try_new(free).unwrap_or(Amount::ZERO)
    }

    /// The lots, in their order.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.cells.iter().map(|(&lot, &(posted, held))| Cell { lot, posted, held })
    }
}

/// Gives credits less debits as the normal side counts them.
pub(crate) const fn signed(side: NormalSide, credits_less_debits: i64) -> i64 {
    match side {
        NormalSide::Credit => credits_less_debits,
        NormalSide::Debit => credits_less_debits.saturating_neg(),
    }
}

/// Gives what a movement did to the posted balance of an account, on its normal side.
pub(crate) fn posted_change(side: NormalSide, number: AccountNumber, movement: &Movement) -> i64 {
    let (posted, _, _) = effect(movement);
    signed(side, if movement.debit == number { posted.saturating_neg() } else { posted })
}

/// Gives the amount of a movement from the view of an account: what it brings is positive.
pub(crate) fn seen_amount(side: NormalSide, number: AccountNumber, movement: &Movement) -> i64 {
    let amount = movement.amount.minor_units();
    let less = match movement.kind.layer() {
        Layer::Release | Layer::Retract => true,
        Layer::Posted | Layer::Reserve | Layer::CaptureHeld | Layer::Announce | Layer::Memo => {
            false
        }
    };
    let amount = if less { amount.saturating_neg() } else { amount };
    signed(side, if movement.debit == number { amount.saturating_neg() } else { amount })
}

#[cfg(test)]
mod tests {
    use core::fmt::Write as _;

    use ledger::testing::Ledger;

    use super::*;

    const TABLE: &str = "
        account issuer unlimited debit
        account wallet lots
        account shop unlimited
        2026-11-01
        transfer issuer -> wallet 300 lot free:2027-01-31   ok
        transfer issuer -> wallet 50 lot free:2026-11-05    ok
        announce e1 issuer -> wallet 70                     ok
        hold h1 wallet -> shop 320                          ok
        capture h1 200 final                                ok
        hold h2 wallet -> shop 40                           ok
        void h2                                             ok
        grant e1 30 lot free:never                          ok
        freeze wallet                                       ok
        2026-12-01
        expire_lots wallet                                  nothing_to_move
    ";

    #[test]
    fn undoing_gives_every_earlier_state() {
        let mut ledger = Ledger::new();
        let mut seen: Vec<(AccountNumber, Past)> = Vec::new();
        for line in TABLE.lines() {
            ledger.run(line);
            for (number, account) in (0..).zip(ledger.book.accounts()) {
                seen.push((AccountNumber::new(number), Past::of(account)));
            }
        }
        let mut compared = 0;
        for (number, account) in (0..).zip(ledger.book.accounts()) {
            let number = AccountNumber::new(number);
            let mut past = Past::of(account);
            for movement in ledger.journal.iter().rev() {
                if movement.debit != number && movement.credit != number {
                    continue;
                }
                assert_eq!(past.head(), movement.seq, "the chain leads back");
                past.undo(number, movement);
                let known = seen.iter().find(|(n, p)| *n == number && p.head() == past.head());
                if let Some((_, known)) = known {
                    assert_eq!(past, *known, "before {}", movement.seq);
                    compared += 1;
                }
            }
            assert_eq!(past.head(), Seq::NONE);
            assert_eq!((past.balance(), past.pending().minor_units(), past.expected()), (0, 0, 0));
        }
        assert!(compared > 12, "{compared} states were compared");
    }

    #[test]
    fn a_statement_is_seen_from_the_account() {
        let mut ledger = Ledger::new();
        ledger.run(TABLE);
        let number = AccountNumber::new(2);
        let mut lines = String::new();
        let mut balance = 0;
        for movement in ledger.journal.iter().filter(|m| m.debit == number || m.credit == number) {
            balance += posted_change(NormalSide::Credit, number, movement);
            let amount = seen_amount(NormalSide::Credit, number, movement);
            writeln!(lines, "{} {amount:+} {balance}", movement.kind.name()).unwrap();
        }
        expect_test::expect![[r"
            transfer +300 300
            transfer +50 350
            announcement +70 350
            hold -50 350
            hold -270 350
            capture -50 300
            capture -150 150
            release +120 150
            hold -40 150
            void +40 150
            fulfilment -30 150
            grant +30 180
            freeze +0 180
        "]]
        .assert_eq(&lines);
    }
}
