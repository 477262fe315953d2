//! Every refusal has a line.

use std::collections::BTreeSet;

use crate::{Refusal, testing::Ledger};

const ACCOUNTS: &str = "
    account issuer unlimited
    account other  unlimited
    account wallet lots
    account member lots
    account shop
    account cash   debit
    account yen    unlimited unit 2
    2026-11-01
";

const TABLE: &str = "
    transfer issuer -> wallet 100 lot free:2027-01-31 as t1      ok
    transfer issuer -> wallet 100 lot free:2027-01-31 as t1      repeat
    transfer issuer -> wallet 101 lot free:2027-01-31 as t1      id_reused
    transfer issuer -> wallet 100 lot free:2027-02-28 as t1      id_reused
    transfer other  -> wallet 100 lot free:2027-01-31 as t1      id_reused
    transfer wallet -> shop 0                                    amount_zero
    hold h0 wallet -> shop 0                                     amount_zero
    announce e0 issuer -> wallet 0                               amount_zero
    transfer nobody -> shop 1                                    debit_account_not_found
    transfer issuer -> nobody 1                                  credit_account_not_found
    transfer wallet -> wallet 1                                  accounts_same
    transfer issuer -> yen 1                                     units_differ
    hold h0 issuer -> yen 1                                      units_differ
    announce e0 issuer -> yen 1                                  units_differ

    account gone
    close gone                                                   ok
    transfer issuer -> gone 1                                    account_closed
    hold h0 issuer -> gone 1                                     account_closed
    freeze gone                                                  account_closed
    thaw gone                                                    account_closed
    close gone                                                   account_closed
    touch gone                                                   account_closed
    expire_lots gone                                             account_closed
    expire_inactive gone                                         account_closed
    close wallet                                                 account_not_empty
    thaw wallet                                                  account_not_frozen
    freeze wallet                                                ok
    freeze wallet                                                account_frozen
    transfer wallet -> shop 1                                    account_frozen
    transfer issuer -> wallet 1 lot free:never                   account_frozen
    hold h0 wallet -> shop 1                                     account_frozen
    announce e0 issuer -> wallet 1                               account_frozen
    thaw wallet                                                  ok

    transfer issuer -> wallet 1                                  lot_missing
    transfer issuer -> shop 1 lot free:never                     lot_not_allowed
    transfer wallet -> shop 1 lot free:never                     lot_not_allowed
    transfer issuer -> wallet 1 lot free:2026-10-31              lot_expired
    transfer issuer -> wallet 1 lot free:2026-11-01              ok
    transfer wallet -> member 1                                  not_transferable

    hold h1 wallet -> shop 10 until 2026-11-05                   ok
    hold h1 wallet -> shop 10                                    hold_id_reused
    hold h2 wallet -> shop 10 until 2026-11-01                   hold_expiry_past
    capture h9                                                   hold_not_found
    void h9                                                      hold_not_found
    increase h9 1                                                hold_not_found
    expire_hold h9                                               hold_not_found
    expire_hold h1                                               hold_not_due
    capture h1 0                                                 amount_zero
    void h1 0                                                    amount_zero
    increase h1 0                                                amount_zero
    capture h1 11                                                hold_exceeded=10
    void h1 11                                                   hold_exceeded=10
    increase h1 1000                                             balance_insufficient=91
    capture h1 10                                                ok
    capture h1 1                                                 hold_captured
    void h1                                                      hold_captured
    capture h1 forced                                            nothing_to_move
    hold h3 wallet -> shop 10 until 2026-11-05                   ok
    void h3                                                      ok
    capture h3                                                   hold_voided
    capture h3 5 forced                                          hold_voided
    void h3                                                      hold_voided
    hold h4 wallet -> shop 10 until 2026-11-05                   ok
    2026-11-05
    capture h4 10                                                hold_expired
    increase h4 1                                                hold_expired
    expire_hold h4                                               ok
    expire_hold h4                                               hold_expired
    void h4                                                      hold_expired

    announce e1 issuer -> wallet 50                              ok
    announce e1 issuer -> wallet 50                              expectation_id_reused
    change e9 1                                                  expectation_not_found
    grant e9 lot free:never                                      expectation_not_found
    change e1 50                                                 expectation_unchanged
    grant e1 lot free:2026-11-04                                 lot_expired
    grant e1                                                     lot_missing
    grant e1 0 lot free:never                                    amount_zero
    grant e1 51 lot free:never                                   expectation_exceeded=50
    change e1 0                                                  ok
    change e1 1                                                  expectation_ended
    grant e1 lot free:never                                      expectation_ended
    announce e2 shop -> issuer 500                                 ok
    grant e2                                                     balance_insufficient=10
    announce e3 wallet -> shop 5                                 not_transferable
    hold h7 shop -> wallet 5                                     lot_missing
    hold h7 wallet -> member 5                                   not_transferable

    reverse t9                                                   original_not_found
    hold h5 wallet -> shop 1 as placed                           ok
    reverse placed                                               not_reversible
    transfer issuer -> shop 5 as paid                            ok
    reverse paid as back                                         ok
    reverse paid                                                 already_reversed
    reverse back                                                 not_reversible
    reverse t1                                                   balance_insufficient=90
    transfer issuer -> shop 7 as twice                           ok
    batch { reverse twice ; reverse twice }                      already_reversed@1
    reverse twice                                                ok

    expire_lots wallet                                           nothing_to_move
    expire_inactive wallet                                       not_inactive
    policy idle earn,use,visit 180 days from 2026-01-01
    expire_inactive wallet                                       not_inactive
    touch wallet                                                 ok
    touch wallet                                                 nothing_to_move
    transfer shop -> issuer 1000                                 balance_insufficient=10
    transfer shop -> issuer upto 1000                            ok=10
    transfer shop -> issuer upto 1000                            nothing_to_move
    hold h6 shop -> issuer upto 5                                nothing_to_move
    transfer issuer -> cash 9                                    balance_insufficient=0
    transfer issuer -> shop 9223372036854775807                  overflow
    policy no_breakage
    transfer issuer -> wallet 1 lot free:2027-01-31              breakage_missing
";

#[test]
fn every_refusal_has_a_line() {
    let mut ledger = Ledger::new();
    ledger.run(ACCOUNTS);
    ledger.run(TABLE);
}

#[test]
fn no_code_is_without_a_line() {
    let words: BTreeSet<&str> = TABLE
        .split_whitespace()
        .map(|word| word.split(['=', '@']).next().unwrap_or_default())
        .collect();
    for code in Refusal::CODES {
        assert!(words.contains(code), "{code} has no line in the table");
    }
}
