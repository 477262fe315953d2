use core::fmt::Write as _;

use expect_test::{Expect, expect};

use super::state::{Balance, Ending, Line, endings, story_of, walk};
use super::store::Mark;
use super::*;
use ledger::testing::Ledger;
use ledger::{Few, Seq};
use vocabulary::{Amount, Day};

const ACCOUNTS: &str = "
    account issuer unlimited
    account wallet lots negative capture reversal
    account shop   unlimited
    2026-11-01
";

fn run(table: &str) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.run(ACCOUNTS);
    ledger.run(table);
    ledger
}

fn lines_of(ledger: &Ledger, name: &str) -> Vec<Line> {
    let account = ledger.number(name).unwrap();
    let chain: Vec<_> = ledger
        .journal
        .iter()
        .rev()
        .filter(|movement| [movement.debit, movement.credit].contains(&account))
        .copied()
        .collect();
    let balance = ledger.book.account(account).unwrap().balance();
    let found = walk(account, Some(balance), &chain);
    assert_eq!(found.carried, Some(0), "the lines add up to the balance");
    found.lines
}

fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let kind = format!("{:?}", line.kind);
        write!(text, "{kind:11} {:+6} balance {}", line.change, line.balance.unwrap()).unwrap();
        for (name, figure) in [("reserved", line.reserved), ("expected", line.expected)] {
            if figure != 0 {
                write!(text, " {name} {figure:+}").unwrap();
            }
        }
        for part in &line.lots {
            write!(text, " [{} {}]", part.lot, part.amount).unwrap();
        }
        text.push('\n');
    }
    text
}

fn check(table: &str, expected: &Expect) {
    expected.assert_eq(&write(&lines_of(&run(table), "wallet")));
}

#[test]
fn grants_spending_and_lots() {
    check(
        "
        transfer issuer -> wallet 300 kind grant lot free:2026-11-30   ok
        transfer issuer -> wallet 500 kind top_up lot paid:never       ok
        transfer wallet -> shop 450 kind redemption                    ok
        freeze wallet                                                  ok
        thaw wallet                                                    ok
        2026-11-02
        touch wallet                                                   ok
        ",
        &expect![[r"
            Used          -450 balance 350 [paid:1:never 150] [free:1:2026-11-30 300]
            ToppedUp      +500 balance 800 [paid:1:never 500]
            Earned        +300 balance 300 [free:1:2026-11-30 300]
        "]],
    );
}

#[test]
fn what_is_announced_changes_no_balance_until_it_is_granted() {
    check(
        "
        announce e1 issuer -> wallet 320 until 2026-12-20    ok
        announce e2 issuer -> wallet 480 until 2026-12-05    ok
        change e1 400                                        ok
        change e2 0                                          ok
        grant e1 350 lot free:2027-05-31 final               ok
        ",
        &expect![[r"
            Earned        +350 balance 350 expected -400 [free:1:2027-05-31 350]
            Lowered         +0 balance 0 expected -480
            Expected        +0 balance 0 expected +80
            Expected        +0 balance 0 expected +480
            Expected        +0 balance 0 expected +320
        "]],
    );
}

#[test]
fn a_batch_that_grants_for_two_shops_gives_two_lines() {
    check(
        "
        announce e1 issuer -> wallet 320    ok
        announce e2 issuer -> wallet 480    ok
        batch { grant e1 lot free:2027-05-31 final ; grant e2 lot free:2027-05-31 final }    ok
        ",
        &expect![[r"
            Earned        +480 balance 800 expected -480 [free:1:2027-05-31 480]
            Earned        +320 balance 320 expected -320 [free:1:2027-05-31 320]
            Expected        +0 balance 0 expected +480
            Expected        +0 balance 0 expected +320
        "]],
    );
}

#[test]
fn holds_are_pencil_until_they_are_captured() {
    check(
        "
        transfer issuer -> wallet 1000 kind grant lot free:2027-01-31    ok
        hold h1 wallet -> shop 650          ok
        hold h2 wallet -> shop 100          ok
        hold h3 wallet -> shop 50           ok
        capture h1 600 final                ok
        void h2                             ok
        2026-11-20
        expire_hold h3                      ok
        ",
        &expect![[r"
            Released        +0 balance 400 reserved -50
            Released        +0 balance 400 reserved -100
            Paid          -600 balance 400 reserved -650 [free:1:2027-01-31 600]
            Reserved        +0 balance 1000 reserved +50 [free:1:2027-01-31 50]
            Reserved        +0 balance 1000 reserved +100 [free:1:2027-01-31 100]
            Reserved        +0 balance 1000 reserved +650 [free:1:2027-01-31 650]
            Earned       +1000 balance 1000 [free:1:2027-01-31 1000]
        "]],
    );
}

#[test]
fn an_expiry_on_the_way_of_a_payment_is_a_line_of_its_own() {
    check(
        "
        transfer issuer -> wallet 40 kind grant lot free:2026-11-15     ok
        transfer issuer -> wallet 500 kind grant lot free:2027-01-31    ok
        2026-11-20
        transfer wallet -> shop 100 kind redemption                     ok
        ",
        &expect![[r"
            Used          -100 balance 400 [free:1:2027-01-31 100]
            Expired        -40 balance 500 [free:1:2026-11-15 40]
            Earned        +500 balance 540 [free:1:2027-01-31 500]
            Earned         +40 balance 40 [free:1:2026-11-15 40]
        "]],
    );
}

#[test]
fn a_reversal_may_leave_a_debt_that_the_next_grant_makes_good() {
    check(
        "
        transfer issuer -> wallet 300 kind grant lot free:2027-01-31 as g1    ok
        transfer wallet -> shop 200 kind redemption                          ok
        reverse g1                                                           ok
        transfer issuer -> wallet 500 kind grant lot free:2027-02-28         ok
        ",
        &expect![[r"
            Earned        +500 balance 300 [free:1:2027-02-28 300] [none 200]
            Reversed      -300 balance -200 [none 200] [free:1:2027-01-31 100]
            Used          -200 balance 100 [free:1:2027-01-31 200]
            Earned        +300 balance 300 [free:1:2027-01-31 300]
        "]],
    );
}

#[test]
fn what_another_reserves_for_the_account_is_no_line_until_it_is_captured() {
    let ledger = run("
        account friend lots
        policy transferable
        transfer issuer -> friend 300 kind grant lot free:2027-01-31    ok
        hold h1 friend -> wallet 100                                    ok
        capture h1 60 final                                             ok
        transfer wallet -> friend 10                                    ok
    ");
    expect![[r"
        Transferred    -10 balance 50 [free:1:2027-01-31 10]
        Paid           +60 balance 60 [free:1:2027-01-31 60]
    "]]
    .assert_eq(&write(&lines_of(&ledger, "wallet")));
}

#[test]
fn the_lines_are_the_same_wherever_a_walk_is_cut() {
    let ledger = run("
        transfer issuer -> wallet 300 kind grant lot free:2026-11-15    ok
        transfer issuer -> wallet 500 kind grant lot free:2027-01-31    ok
        hold h1 wallet -> shop 600                                      ok
        capture h1 550 final                                            ok
        announce e1 issuer -> wallet 80                                 ok
        grant e1 lot free:2027-05-31 final                              ok
    ");
    let account = ledger.number("wallet").unwrap();
    let whole = lines_of(&ledger, "wallet");
    for cut in &whole {
        let below = ledger.journal.iter().rev().filter(|movement| movement.seq < cut.first);
        let rest: Vec<_> = below.copied().collect();
        let carried = cut.balance.unwrap() - cut.change;
        let below: Vec<Line> = whole.iter().filter(|line| line.seq < cut.first).cloned().collect();
        assert_eq!(walk(account, Some(carried), &rest).lines, below);
    }
}

#[test]
fn a_story_is_a_whole_life_and_its_undoing() {
    let ledger = run("
        announce e1 issuer -> wallet 320                          ok
        announce e2 issuer -> wallet 480                          ok
        change e1 300                                             ok
        batch as b1 { grant e1 lot free:2027-05-31 final }        ok
        hold h1 wallet -> shop 100                                ok
        reverse b1                                                ok
    ");
    let lines = lines_of(&ledger, "wallet");
    let kinds = |line: &Line| -> Vec<LineKind> {
        story_of(line, &lines).iter().map(|line| line.kind).collect()
    };
    let of = |kind: LineKind| lines.iter().rev().find(|line| line.kind == kind).unwrap();
    let (expected, lowered, earned) = (LineKind::Expected, LineKind::Lowered, LineKind::Earned);
    assert_eq!(kinds(of(expected)), [expected, lowered, earned]);
    assert_eq!(kinds(of(earned)), [expected, lowered, earned, LineKind::Reversed]);
    assert_eq!(kinds(of(LineKind::Reversed)), [earned, LineKind::Reversed]);
    assert_eq!(kinds(of(LineKind::Reserved)), [LineKind::Reserved]);
}

#[test]
fn a_balance_tells_what_can_be_used_today() {
    let ledger = run("
        transfer issuer -> wallet 40 lot free:2026-11-15      ok
        transfer issuer -> wallet 300 lot free:2026-11-30     ok
        transfer issuer -> wallet 200 lot paid:2026-11-30     ok
        transfer issuer -> wallet 100 lot paid:never          ok
        hold h1 wallet -> shop 60 until 2027-01-01            ok
        announce e1 issuer -> wallet 80                       ok
    ");
    let account = ledger.book.account(ledger.number("wallet").unwrap()).unwrap();
    let day = |text: &str| Day::parse(text).unwrap();
    let ending = |on: Option<&str>, free: u32, held: u32| Ending {
        on: on.map(day),
        free: Amount::from(free),
        held: Amount::from(held),
        idle: false,
    };
    let all = vec![
        ending(Some("2026-11-15"), 0, 40),
        ending(Some("2026-11-30"), 480, 20),
        ending(None, 100, 0),
    ];
    assert_eq!(endings(account.state().cells(), None), all);
    let idle = vec![
        all[0],
        Ending { idle: true, ..ending(Some("2026-11-20"), 280, 20) },
        ending(Some("2026-11-30"), 200, 0),
        ending(None, 100, 0),
    ];
    assert_eq!(endings(account.state().cells(), Some(day("2026-11-20"))), idle);
    let table = [
        ("2026-11-15", 580, 0, Some(all[1])),
        ("2026-11-30", 580, 0, Some(all[1])),
        // Over, and not yet written off: not to be used any more.
        ("2026-12-01", 100, 480, None),
    ];
    for (today, usable, overdue, next) in table {
        let balance = Balance::of(account, Few::NONE, day(today));
        assert_eq!(balance.usable, usable, "{today}");
        assert_eq!(balance.overdue, Amount::from(overdue), "{today}");
        assert_eq!((balance.next, balance.posted), (next, 640), "{today}");
        assert_eq!((balance.reserved, balance.expected), (Amount::from(60), Amount::from(80)));
    }
    let soon = |today| Balance::of(account, Few::NONE, day(today)).soon(day(today), 30);
    assert_eq!(soon("2026-10-30"), None, "31 days before");
    assert_eq!(soon("2026-10-31"), Some(all[1]), "30 days before");
}

#[test]
fn a_mark_opens_only_the_account_it_was_made_for() {
    let (ours, theirs) = (vocabulary::Id::from_bits(7), vocabulary::Id::from_bits(8));
    let mark = Mark { before: Seq::new(42), carried: -5 };
    let cursor = mark.to_cursor(ours);
    assert_eq!(Mark::of_cursor(&cursor, ours), Some(mark));
    assert_eq!(Mark::of_cursor(&cursor, theirs), None);
    let mut forged = cursor.key().to_vec();
    forged[15] ^= 1;
    assert_eq!(Mark::of_cursor(&web::Cursor::new(forged), ours), None);
    assert_eq!(Mark::of_cursor(&web::Cursor::from_number(42), ours), None);
}
