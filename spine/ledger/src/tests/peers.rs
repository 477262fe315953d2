//! Cases that any ledger must get right, as run against `TigerBeetle` 0.17.8; numbers are those of
//! that list.
//!
//! Where we differ on purpose the line says so. In short: a refusal never burns an id, zero is no
//! amount, a repeated batch answers as a whole, and ids of holds are apart from ids of batches.

use crate::testing::Ledger;

/// `I` issuer, `W` a wallet that must not go below zero, `R` where points are redeemed, `X` other.
fn run(table: &str) {
    let mut ledger = Ledger::new();
    ledger.run(
        "
        account I unlimited
        account W
        account R unlimited
        account X unlimited
        2026-11-01
    ",
    );
    ledger.run(table);
}

#[test]
fn case_1_identical_retry() {
    run("
        transfer I -> W 100 as t    ok
        transfer I -> W 100 as t    repeat
        balance W 100
    ");
}

#[test]
fn case_2_same_id_other_fields() {
    run("
        transfer I -> W 100 as t              ok
        transfer I -> W 101 as t              id_reused
        transfer I -> W 100 code 2 as t       id_reused
        transfer I -> W 100 kind grant as t   id_reused
        transfer R -> W 100 as t              id_reused
        transfer I -> R 100 as t              id_reused
        hold t I -> W 100 as t                id_reused
        balance W 100
    ");
}

#[test]
fn case_3_and_18_a_repeated_batch_answers_as_a_whole() {
    // The peer answers `exists` for the first member and `linked_event_failed` for the others.
    run("
        transfer I -> W 100    ok
        batch as b { transfer W -> R 10 ; transfer W -> R 20 ; transfer W -> R 30 }    ok
        batch as b { transfer W -> R 10 ; transfer W -> R 20 ; transfer W -> R 30 }    repeat
        batch as b { transfer W -> R 10 ; transfer W -> R 20 }                         id_reused
        balance W 40
    ");
}

#[test]
fn case_4_identity_before_balance() {
    run("
        transfer I -> W 100         ok
        transfer W -> R 100 as t    ok
        transfer W -> R 100 as t    repeat
    ");
}

#[test]
fn case_5_and_6_a_refusal_does_not_burn_the_id() {
    // The peer answers `id_already_failed`; a caller of ours may simply try again.
    run("
        transfer W -> R 50 as t     balance_insufficient=0
        transfer I -> W 100         ok
        transfer W -> R 50 as t     ok
        balance W 50
    ");
}

#[test]
fn case_8_zero_is_no_amount() {
    // The peer stores transfers of zero.
    run("
        transfer I -> W 0    amount_zero
        transfer W -> R 0    amount_zero
    ");
}

#[test]
fn case_9_accounts_must_differ() {
    // Reserved ids (all zeros, all ones) are refused where texts become ids.
    run("transfer W -> W 1    accounts_same");
}

#[test]
fn case_10_holds_count_against_the_limit() {
    run("
        transfer I -> W 100    ok
        hold h W -> R 60       ok
        transfer W -> R 40     ok
        transfer W -> R 1      balance_insufficient=0
        balance W 60 held 60 available 0
    ");
}

#[test]
fn case_11_an_incoming_hold_is_not_spendable() {
    run("
        hold h I -> W 50      ok
        transfer W -> R 1     balance_insufficient=0
        balance W 0 incoming 50 available 0
    ");
}

#[test]
fn case_13_a_failed_batch_leaves_nothing() {
    run("
        batch as a { transfer I -> W 100 ; transfer W -> R 150 ; transfer W -> R 1 }    balance_insufficient=100@1
        balance W 0
        balance I 0
        batch as a { transfer I -> W 100 ; transfer W -> R 50 ; transfer W -> R 1 }     ok
        balance W 49
    ");
}

#[test]
fn case_14_a_batch_sees_its_own_effects() {
    run("
        batch { transfer I -> W 100 ; transfer W -> R 100 }    ok
        balance W 0
        balance R 100
    ");
}

#[test]
fn case_15_and_17_order_matters_and_batches_are_independent() {
    run("
        transfer W -> R 5                                      balance_insufficient=0
        transfer I -> W 10                                     ok
        batch { transfer I -> W 5 ; transfer W -> R 99 }       balance_insufficient=15@1
        transfer W -> R 10                                     ok
        transfer W -> R 1                                      balance_insufficient=0
        batch { transfer I -> W 1 ; transfer W -> R 1 }        ok
        balance W 0
        balance R 11
    ");
}

#[test]
fn case_19_hold_and_full_capture() {
    run("
        transfer I -> W 100       ok
        hold p W -> R 70          ok
        capture p as c            ok=70
        balance W 30 held 0
        capture p                 hold_captured
        void p                    hold_captured
        capture p as c            repeat
        capture p 69 as c         id_reused
    ");
}

#[test]
fn case_20_partial_capture_releases_the_rest_when_it_is_final() {
    run("
        transfer I -> W 100       ok
        hold p W -> R 100         ok
        capture p 60 final as q   ok
        transfer W -> R 40        ok
        capture p 40              hold_captured
        capture p as q            id_reused
        state p captured 0 60
    ");
}

#[test]
fn case_21_a_capture_over_the_hold() {
    run("
        transfer I -> W 100       ok
        hold p W -> R 50          ok
        capture p 51 as q         hold_exceeded=50
        capture p 50 as q         ok
    ");
}

#[test]
fn case_23_void() {
    // The peer voids all or nothing; ours also lowers a hold (a partial reversal of an
    // authorization).
    run("
        transfer I -> W 100       ok
        hold p W -> R 50          ok
        void p 51                 hold_exceeded=50
        void p 49                 ok
        balance W 100 held 1
        void p as v               ok
        void p as v               repeat
        void p                    hold_voided
        capture p                 hold_voided
        balance W 100 held 0
    ");
}

#[test]
fn case_24_hold_expiry() {
    run("
        transfer I -> W 100               ok
        hold p W -> R 100 until 2026-11-02    ok
        transfer W -> R 1                 balance_insufficient=0
        2026-11-02 00:00:00
        capture p                         hold_expired
        expire_hold p                     ok
        balance W 100 held 0
        void p                            hold_expired
        transfer W -> R 100               ok
    ");
}

#[test]
fn case_25_wrong_phase() {
    run("
        transfer I -> W 100 as t    ok
        capture t                   hold_not_found
        void unknown                hold_not_found
    ");
}

#[test]
fn case_28_up_to_the_balance_and_never_silently_nothing() {
    // The peer records a transfer of zero from an empty account.
    run("
        transfer I -> W 30               ok
        transfer W -> R upto 100 as t    ok=30
        transfer W -> R upto 100         nothing_to_move
        transfer W -> R upto 100 as t    repeat
        transfer W -> R upto 30 as t     id_reused
    ");
}

#[test]
fn case_30_an_ordered_draw_from_three_sources_is_one_debit_of_three_lots() {
    run("
        account M lots
        transfer I -> M 40 lot free:2026-12-31    ok
        transfer I -> M 40 lot free:2027-01-31    ok
        transfer I -> M 21 lot free:2027-02-28    ok
        transfer M -> R 100                       ok
        lots M free:2027-02-28=1
        transfer M -> R 2                         balance_insufficient=1
        lots M free:2027-02-28=1
    ");
}

#[test]
fn case_32_figures_do_not_overflow() {
    run("
        transfer I -> X 9223372036854775807    ok
        transfer I -> X 1                      overflow
        transfer I -> R 1                      overflow
        hold h R -> W 9223372036854775807      ok
        hold k R -> W 1                        overflow
    ");
}
