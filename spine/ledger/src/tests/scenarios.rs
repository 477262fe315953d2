//! The field's stories: lots, holds, expectations, reversals.

use crate::testing::Ledger;
use crate::{AccountSpec, BalanceRule, Book, NormalSide, UnitNumber};
use vocabulary::{CompanyNumber, Id};

fn run(table: &str) {
    let mut ledger = Ledger::new();
    ledger.run(
        "
        account issuer unlimited
        account shop
        account wallet lots
        account bank   unlimited
        2026-11-01
    ",
    );
    ledger.run(table);
}

#[test]
fn an_expired_lot_takes_only_what_was_left_of_it() {
    run("
        transfer issuer -> wallet 300 kind grant lot free:2027-01-31    ok
        transfer issuer -> wallet 200 kind grant lot free:2027-03-31    ok
        transfer wallet -> shop 250 kind redemption                     ok
        lots wallet free:2027-01-31=50 free:2027-03-31=200
        2027-01-31 23:59:59
        expire_lots wallet                                              nothing_to_move
        2027-02-01 00:00:00
        expire_lots wallet                                              ok
        balance wallet 200
        balance breakage 50
    ");
}

#[test]
fn a_spend_after_midnight_cannot_take_an_expired_lot() {
    run("
        transfer issuer -> wallet 300 lot free:2027-01-31    ok
        transfer issuer -> wallet 200 lot free:2027-03-31    ok
        2027-02-01 00:00:00
        transfer wallet -> shop 201                          balance_insufficient=200
        balance wallet 500
        transfer wallet -> shop 200                          ok=200
        balance wallet 0
        balance breakage 300
    ");
}

#[test]
fn a_lot_under_hold_outlives_its_day_until_the_hold_ends() {
    run("
        transfer issuer -> wallet 300 lot free:2027-01-31    ok
        2027-01-30
        hold h1 wallet -> shop 200                           ok
        2027-02-01
        expire_lots wallet                                   ok
        balance breakage 100
        balance wallet 200 held 200
        capture h1 150 final                                 ok
        lots wallet free:2027-01-31=50
        expire_lots wallet                                   ok
        balance wallet 0
        balance shop 150
    ");
}

#[test]
fn a_hold_is_captured_in_parts_increased_and_lowered() {
    // Scenario 7: 5,000, + 1,000, − 2,000, captures of 1,500 and 2,700.
    run("
        account card lots negative capture
        transfer issuer -> card 10000 kind top_up lot paid:never  ok
        hold a card -> shop 5000                             ok
        increase a 1000                                      ok
        void a 2000                                          ok
        state a open 4000 0
        capture a 1500                                       ok
        state a open 2500 1500
        capture a 2700                                       hold_exceeded=2500
        capture a 2700 forced                                ok
        state a captured 0 4200
        balance card 5800 held 0 available 5800
        balance shop 4200
    ");
}

#[test]
fn a_late_capture_by_force_goes_below_zero_and_the_next_charge_nets() {
    // Scenario 8.
    run("
        account card lots negative capture
        transfer issuer -> card 3000 lot paid:never          ok
        hold a card -> shop 3000 until 2026-11-08            ok
        2026-11-08
        expire_hold a                                        ok
        transfer card -> bank 2500                           ok
        2026-11-20
        capture a 3000                                       hold_expired
        capture a 3000 forced                                ok
        balance card -2500 available 0
        lots card none=-2500
        transfer card -> bank 1                              balance_insufficient=0
        transfer issuer -> card 4000 lot paid:never          ok
        balance card 1500 available 1500
        lots card paid:never=1500
    ");
}

#[test]
fn a_capture_by_force_posts_on_a_frozen_account() {
    run("
        transfer issuer -> wallet 100 lot paid:never         ok
        hold a wallet -> shop 60                             ok
        freeze wallet                                        ok
        capture a 60                                         ok
        balance wallet 40 held 0
        hold b wallet -> shop 1                              account_frozen
    ");
}

#[test]
fn released_value_goes_back_to_its_lots() {
    run("
        transfer issuer -> wallet 30 lot free:2027-01-31     ok
        transfer issuer -> wallet 30 lot free:2027-03-31     ok
        hold a wallet -> shop 50                             ok
        transfer wallet -> shop 11                           balance_insufficient=10
        capture a 20                                         ok
        void a                                               ok
        lots wallet free:2027-01-31=10 free:2027-03-31=30
        state a voided 0 20
    ");
}

#[test]
fn expected_value_is_announced_changed_granted_in_part_and_dropped() {
    run("
        announce e issuer -> wallet 119                      ok
        balance wallet 0 expected 119 available 0
        change e 155                                         ok
        change e 119                                         ok
        grant e 83 lot free:2027-11-30                       ok
        balance wallet 83 expected 36
        change e 0                                           ok
        balance wallet 83 expected 0
        balance issuer -83 expected 0
        announce f issuer -> wallet 10                       ok
        freeze wallet                                        ok
        grant f 4 lot free:2027-11-30 final                  ok
        balance wallet 87 expected 0
    ");
}

#[test]
fn a_clawback_goes_below_zero_by_rule_or_becomes_a_receivable() {
    // Scenario 2.
    run("
        account loose lots negative reversal
        account owed  debit
        transfer issuer -> loose 100 kind grant lot free:never as g1    ok
        transfer loose -> bank 100 kind payout                          ok
        reverse g1                                                      ok
        balance loose -100
        transfer issuer -> loose 300 kind grant lot free:never          ok
        balance loose 200 available 200
        lots loose free:never=200

        transfer issuer -> wallet 100 kind grant lot free:never as g2   ok
        transfer wallet -> bank 60 kind payout                          ok
        reverse g2                                                      balance_insufficient=40
        reverse g2 shortfall owed                                       ok
        balance wallet 0
        balance owed 60
        reverse g2 shortfall owed                                       already_reversed
    ");
}

#[test]
fn a_refund_returns_to_the_lots_the_purchase_took() {
    run("
        transfer issuer -> wallet 30 lot free:2027-01-31     ok
        transfer issuer -> wallet 30 lot paid:never          ok
        transfer wallet -> shop 50 kind redemption as buy    ok
        lots wallet paid:never=10
        2027-02-01
        reverse buy                                          ok
        lots wallet free:2027-01-31=30 paid:never=30
        balance shop 0
        expire_lots wallet                                   ok
        lots wallet paid:never=30
    ");
}

#[test]
fn expiring_voiding_and_refunding_in_any_order_neither_makes_nor_loses_value() {
    let events = ["expire_lots wallet", "void a", "reverse buy"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut ledger = Ledger::new();
        ledger.run(
            "
            account issuer unlimited
            account shop
            account wallet lots
            2026-11-01
            transfer issuer -> wallet 100 lot free:2027-01-31   ok
            hold a wallet -> shop 30 until 2027-03-01           ok
            transfer wallet -> shop 50 as buy                   ok
            2027-02-01
        ",
        );
        for event in order {
            ledger.run(&format!("{}   ok", events[event]));
        }
        // Whatever came back after the expiry run expires in the next one.
        let rest = if order[2] == 0 { "nothing_to_move" } else { "ok" };
        ledger.run(&format!(
            "expire_lots wallet  {rest}\n balance wallet 0\n balance breakage 100\n balance issuer -100"
        ));
    }
}

#[test]
fn an_exchange_between_units_is_one_batch() {
    run("
        account points_desk unlimited
        account yen_desk    unlimited unit 2
        account purse       unit 2
        transfer issuer -> wallet 300 lot free:never         ok
        batch { transfer wallet -> points_desk 300 kind exchange ; transfer yen_desk -> purse 310 kind exchange }   ok
        balance wallet 0
        balance purse 310
        batch { transfer wallet -> points_desk 1 kind exchange ; transfer yen_desk -> purse 1 kind exchange }   balance_insufficient=0@0
        balance purse 310
    ");
}

#[test]
fn a_payout_takes_free_lots_only() {
    run("
        transfer issuer -> wallet 50 lot paid:never          ok
        transfer issuer -> wallet 20 lot free:never          ok
        transfer wallet -> bank 21 kind payout               balance_insufficient=20
        transfer wallet -> bank upto 70 kind payout          ok=20
        lots wallet paid:never=50
        policy payout_paid
        transfer wallet -> bank 50 kind payout               ok
    ");
}

#[test]
fn value_passes_between_members_with_its_lots_where_the_unit_allows() {
    run("
        policy transferable
        account friend lots
        transfer issuer -> wallet 20 lot free:2027-01-31     ok
        transfer issuer -> wallet 20 lot free:2027-03-31     ok
        transfer wallet -> friend 30                         ok
        lots friend free:2027-01-31=20 free:2027-03-31=10
    ");
}

#[test]
fn points_of_an_inactive_member_expire_but_bought_value_does_not() {
    run("
        policy idle earn,use,visit 180 days from 2026-01-01
        transfer issuer -> wallet 20 lot free:never          ok
        transfer issuer -> wallet 30 lot paid:never          ok
        2027-03-01
        touch wallet                                         ok
        2027-08-28
        expire_inactive wallet                               not_inactive
        2027-08-29
        expire_inactive wallet                               ok
        lots wallet paid:never=30
        balance breakage 20
        expire_inactive wallet                               nothing_to_move
    ");
}

#[test]
fn time_never_runs_back() {
    let mut ledger = Ledger::new();
    ledger.run(
        "
        account a unlimited
        account b unlimited
        2026-11-02
        transfer a -> b 1   ok
        2026-11-01
        transfer a -> b 1   ok
    ",
    );
    assert_eq!(ledger.journal[0].at, ledger.journal[1].at);
}

#[test]
fn an_account_is_settled_when_its_opening_can_no_longer_be_undone() {
    let mut book = Book::new();
    let spec = |id: u128| AccountSpec {
        id: Id::from_bits(id),
        unit: UnitNumber::new(1),
        company: CompanyNumber::new(1),
        side: NormalSide::Credit,
        rule: BalanceRule::NonNegative,
        lots: false,
    };
    let before = book.mark();
    let number = book.open_account(spec(7));
    assert_eq!(book.find_account(Id::from_bits(7)), Some(number));
    assert_eq!(book.find_settled_account(Id::from_bits(7)), None);
    book.undo_to(before);
    // Another account takes the number.
    assert_eq!(book.open_account(spec(8)), number);
    let durable = book.mark();
    book.settle(durable);
    assert_eq!(book.find_settled_account(Id::from_bits(7)), None);
    assert_eq!(book.find_settled_account(Id::from_bits(8)), Some(number));
}

#[test]
fn no_way_in_leaves_an_account_below_zero() {
    run("
        account safe debit
        account owed

        # What is owed to us falls when it is credited, and not below zero.
        announce e1 issuer -> safe 5                         ok
        grant e1                                             balance_insufficient=0
        transfer safe -> shop 3                              ok
        grant e1                                             balance_insufficient=3
        grant e1 3                                           ok
        balance safe 0

        # Neither does what is to pay for value that is gone.
        transfer issuer -> wallet 10 lot free:never as g1    ok
        transfer wallet -> shop 10 kind redemption           ok
        reverse g1 shortfall owed                            balance_insufficient=0
        balance owed 0
    ");
}
