use std::collections::BTreeMap;

use crate::{AccountNumber, BalanceRule, Book, ExpectationState, HoldState, UnitNumber};

/// A figure of the book that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The accounts of a unit do not add up to zero in a layer (posted, held, expected).
    Unbalanced(UnitNumber, &'static str),
    /// The lots of an account do not add up to its balance.
    Lots(AccountNumber),
    /// The lots, or the holds, do not add up to what the account says is held.
    Held(AccountNumber),
    /// The expectations do not add up to what the account says is expected.
    Expected(AccountNumber),
    /// An account or a lot is below zero and no rule allows it.
    Negative(AccountNumber),
}

/// Checks the whole book: debits equal credits in every layer and unit, lots add up to balances,
/// reserved lots to open holds, and nothing is below zero without a rule for it.
///
/// Walks all accounts, holds and expectations once.
pub fn audit(book: &Book) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut layers: BTreeMap<UnitNumber, [i128; 3]> = BTreeMap::new();
    let mut held: BTreeMap<AccountNumber, [i128; 3]> = BTreeMap::new();
    for (_, hold) in book.holds() {
        if hold.state == HoldState::Open {
            let amount = i128::from(hold.remaining().minor_units());
            add(&mut held, hold.debit, [amount, 0, 0]);
            add(&mut held, hold.credit, [0, amount, 0]);
        }
    }
    for (_, expected) in book.expectations() {
        if expected.state == ExpectationState::Open {
            let amount = i128::from(expected.amount.minor_units());
            add(&mut held, expected.debit, [0, 0, amount.saturating_neg()]);
            add(&mut held, expected.credit, [0, 0, amount]);
        }
    }
    for (place, account) in book.accounts().iter().enumerate() {
        let number = AccountNumber::new(u32::try_from(place).unwrap_or(u32::MAX));
        let [posted, held_debits, held_credits, expected] =
            account.state().figures().map(i128::from);
        let sums = layers.entry(account.spec().unit).or_default();
        for (sum, figure) in
            sums.iter_mut().zip([posted, held_debits.saturating_sub(held_credits), expected])
        {
            *sum = sum.saturating_add(figure);
        }
        let known = held.get(&number).copied().unwrap_or_default();
        if known != [held_debits, held_credits, expected] {
            let off_by_expected = known.last() != Some(&expected);
            findings.push(if off_by_expected {
                Finding::Expected(number)
            } else {
                Finding::Held(number)
            });
        }
        findings.extend(audit_cells(number, book).into_iter().flatten());
    }
    for (unit, sums) in layers {
        for (sum, layer) in sums.into_iter().zip(["posted", "held", "expected"]) {
            if sum != 0 {
                findings.push(Finding::Unbalanced(unit, layer));
            }
        }
    }
    findings
}

fn add(sums: &mut BTreeMap<AccountNumber, [i128; 3]>, number: AccountNumber, change: [i128; 3]) {
    let entry = sums.entry(number).or_default();
    for (sum, figure) in entry.iter_mut().zip(change) {
        *sum = sum.saturating_add(figure);
    }
}

fn audit_cells(number: AccountNumber, book: &Book) -> [Option<Finding>; 3] {
    let Some(account) = book.account(number) else { return [None; 3] };
    let state = account.state();
    let negative = account.balance() < 0 && account.spec().rule == BalanceRule::NonNegative;
    if !account.spec().lots {
        return [None, None, negative.then_some(Finding::Negative(number))];
    }
    let sum = |figure: fn(&crate::Cell) -> i64| -> i128 {
        state.cells().iter().map(|cell| i128::from(figure(cell))).sum()
    };
    let below = state.cells().iter().any(|cell| cell.lot.is_some() && cell.posted < cell.held);
    [
        (sum(|cell| cell.posted) != i128::from(state.posted())).then_some(Finding::Lots(number)),
        (sum(|cell| cell.held) != i128::from(account.pending().minor_units()))
            .then_some(Finding::Held(number)),
        (negative || below).then_some(Finding::Negative(number)),
    ]
}
