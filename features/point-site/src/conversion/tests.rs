use core::fmt::Write as _;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use crate::conversion::{Authority, ConversionFacts, ConversionKey, Source, Status, Told, stories};
use crate::offer::{Repeat, Reward, Tier};
use crate::tests::{OURS, Stage, at, play, tell, token};
use vocabulary::{Amount, Currency, Id, Label, Reference, Zone, kind};

/// Plays lines of a story and compares what became of each:
///
/// ```text
/// click c1 books                          Hana clicks, now
/// day 2026-11-02                          it is noon of that day
/// post 100 occurred 3980/119 c1 R-1       a postback: id status sale/commission click order
/// report 100 approved 3980/119 c1 R-1     a row of a report
/// spend 20                                Hana spends
/// ```
///
/// After the order may stand `item=2`, `net=second`, `in=USD`, `at=2026-11-02 12:00` (with `_` for
/// the blank), `test`.
fn check(story: &str, expected: &Expect) {
    check_on(|_stage| {}, story, expected);
}

/// As [`check`], on a stage that was changed before.
fn check_on(before: impl Fn(&Stage), story: &str, expected: &Expect) {
    tell(expected, |stage| {
        before(stage);
        let mut clicks: BTreeMap<String, Id<kind::Click>> = BTreeMap::new();
        let mut text = String::new();
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["click", name, offer] => {
                    let offer = match *offer {
                        "books" => stage.books,
                        "card" => stage.card,
                        _ => stage.second,
                    };
                    let number = u128::try_from(clicks.len()).unwrap();
                    clicks.insert((*name).to_owned(), stage.click(number + 1, offer));
                }
                ["day", day] => stage.clock.set(at(&format!("{day} 12:00"))),
                ["spend", amount] => stage.spend(amount.parse().unwrap()),
                [authority, rest @ ..] => {
                    let told = told(stage, &clicks, authority, rest);
                    let (outcome, paid) = stage.say(vec![told.clone()])[0];
                    let paid = if paid.is_zero() { String::new() } else { format!(" pays {paid}") };
                    let why = why(stage, &told);
                    let outcome = outcome.code();
                    writeln!(text, "{line}: {outcome}{why}{paid} → {}", stage.purse()).unwrap();
                }
                [] => {}
            }
        }
        text
    });
}

/// Tells why a person has to look, from the rows.
fn why(stage: &Stage, told: &Told) -> String {
    let config = stage.site.shared_config();
    let load = |reader: &mut store::Reader<'_>| {
        ConversionFacts::load(&config, core::iter::once(told), reader)
    };
    let facts = stage.site.store().database().read(load).unwrap();
    let review = facts.known.get(&facts.id_of(told)).unwrap().review;
    review.map_or_else(String::new, |review| format!(" ({})", review.code()))
}

fn told(
    stage: &Stage,
    clicks: &BTreeMap<String, Id<kind::Click>>,
    authority: &str,
    words: &[&str],
) -> Told {
    let [external, status, amounts, click, order, rest @ ..] = words else { panic!("{words:?}") };
    let (sale, commission) = amounts.split_once('/').unwrap();
    let option = |name: &str| rest.iter().find_map(|word| word.strip_prefix(&format!("{name}=")));
    let (authority, source) = match authority {
        "post" => (Authority::Tells, Source::Postback(Id::from_bits(1))),
        "trusted" => (Authority::Decides, Source::Postback(Id::from_bits(1))),
        _ => (Authority::Decides, Source::Report(Id::from_bits(2))),
    };
    Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token(option("net").unwrap_or("main")),
            external: Reference::parse(external).unwrap(),
        },
        entry: option("entry").map(|entry| Reference::parse(entry).unwrap()),
        click: clicks.get(*click).copied(),
        order: Reference::parse(order).ok(),
        item: option("item").map(|item| Reference::parse(item).unwrap()),
        occurred_at: option("at").map_or(stage.site.now(), |text| at(&text.replace('_', " "))),
        sale: sale.parse().unwrap(),
        commission: commission.parse().unwrap(),
        currency: option("in").map(|code| Currency::parse(code).unwrap()),
        status: Status::parse(status),
        reason: Label::parse("キャンセル").ok().filter(|_| *status == "rejected"),
        test: rest.contains(&"test"),
        authority,
        source,
    }
}

#[test]
fn a_conversion_is_announced_and_the_report_decides() {
    check(
        "click c1 books
         day 2026-11-02
         post 100 occurred 3980/119 c1 R-1
         post 100 approved 3980/119 c1 R-1
         day 2026-12-15
         report 100 approved 3980/119 c1 R-1
         report 100 approved 3980/119 c1 R-1
         post 100 approved 3980/119 c1 R-1",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            post 100 approved 3980/119 c1 R-1: claimed → has 0 expects 59 owes 0
            report 100 approved 3980/119 c1 R-1: approved pays 59 → has 59 expects 0 owes 0
            report 100 approved 3980/119 c1 R-1: duplicate → has 59 expects 0 owes 0
            post 100 approved 3980/119 c1 R-1: duplicate → has 59 expects 0 owes 0
        "]],
    );
}

/// Of `books`, item 2 gives 5 % to the member and item 3 pays 200.
fn with_tiers(stage: &Stage) {
    let tier = |item, name, reward| Tier {
        item: Reference::parse(item).unwrap(),
        name: Label::parse(name).unwrap(),
        reward,
    };
    let fixed = Reward::Fixed { network: Amount::from(400), member: Amount::from(200) };
    let rate = Reward::Rate { network: 1_000, member: 500 };
    let tiers = [tier("2", "雑貨", rate), tier("3", "定期購読", fixed)];
    stage.change(stage.books, |terms| terms.tiers = tiers.into());
}

#[test]
fn an_item_pays_its_own_reward_once_it_is_known() {
    check_on(
        with_tiers,
        "click c1 books
         post 100 occurred 10000/300 c1 R-1 item=1
         post 101 occurred 10000/1000 c1 R-1 item=2
         post 102 occurred 10000/400 c1 R-1 item=3
         post 103 occurred 10000/300 c1 R-2
         post 103 occurred 10000/300 c1 R-2 item=1
         post 103 occurred 10000/300 c1 R-2 item=2
         post 104 occurred 10000/300 c1 R-3
         post 104 occurred 10000/300 c1 R-3 item=2
         post 104 occurred 10000/300 c1 R-3 item=2
         report 104 approved 10000/300 c1 R-3
         report 101 approved 20000/1000 c1 R-1 item=2",
        &expect![[r#"
            post 100 occurred 10000/300 c1 R-1 item=1: tracked → has 0 expects 150 owes 0
            post 101 occurred 10000/1000 c1 R-1 item=2: tracked → has 0 expects 650 owes 0
            post 102 occurred 10000/400 c1 R-1 item=3: tracked → has 0 expects 850 owes 0
            post 103 occurred 10000/300 c1 R-2: tracked → has 0 expects 1000 owes 0
            post 103 occurred 10000/300 c1 R-2 item=1: duplicate → has 0 expects 1000 owes 0
            post 103 occurred 10000/300 c1 R-2 item=2: changed → has 0 expects 1350 owes 0
            post 104 occurred 10000/300 c1 R-3: tracked → has 0 expects 1500 owes 0
            post 104 occurred 10000/300 c1 R-3 item=2: changed → has 0 expects 1850 owes 0
            post 104 occurred 10000/300 c1 R-3 item=2: duplicate → has 0 expects 1850 owes 0
            report 104 approved 10000/300 c1 R-3: approved pays 500 → has 500 expects 1350 owes 0
            report 101 approved 20000/1000 c1 R-1 item=2: approved_changed pays 1000 → has 1500 expects 850 owes 0
        "#]],
    );
}

#[test]
fn the_tiers_of_the_click_stay() {
    tell(&expect![[r#"(Tracked, Amount(150)) (Tracked, Amount(500))"#]], |stage| {
        let before = stage.click(50, stage.books);
        with_tiers(stage);
        let after = stage.click(51, stage.books);
        let clicks = BTreeMap::from([("a".to_owned(), before), ("b".to_owned(), after)]);
        let points = ["a", "b"].map(|click| {
            let words = [click, "occurred", "10000/300", click, "R-1", "item=2"];
            let told = told(stage, &clicks, "post", &words);
            let outcome = stage.say(vec![told.clone()])[0].0;
            let config = stage.site.shared_config();
            let load = |reader: &mut store::Reader<'_>| {
                ConversionFacts::load(&config, core::iter::once(&told), reader)
            };
            let facts = stage.site.store().database().read(load).unwrap();
            (outcome, facts.known[&facts.id_of(&told)].points)
        });
        format!("{:?} {:?}", points[0], points[1])
    });
}

#[test]
fn an_offer_that_pays_once_pays_once() {
    let once = |stage: &Stage| {
        for offer in [stage.card, stage.books] {
            stage.change(offer, |terms| terms.repeat = Repeat::Once);
        }
    };
    check_on(
        once,
        "click c1 card
         post 1 occurred 0/1000 c1 R-1 item=1
         post 2 occurred 0/1000 c1 R-1 item=2
         post 3 occurred 0/1000 c1 R-2
         report 3 approved 0/1000 c1 R-2
         report 1 approved 0/1000 c1 R-1 item=1
         click c2 card
         report 4 approved 0/1000 c2 R-3
         report 1 rejected 0/1000 c1 R-1 item=1
         report 2 rejected 0/1000 c1 R-1 item=2
         report 3 rejected 0/1000 c1 R-2
         report 5 approved 0/1000 c2 R-4
         click c3 books
         post 6 occurred 10000/300 c3 R-5
         post 8 occurred 10000/300 c3 R-5 item=2
         post 7 occurred 10000/300 c3 R-6",
        &expect![[r#"
            post 1 occurred 0/1000 c1 R-1 item=1: tracked → has 0 expects 500 owes 0
            post 2 occurred 0/1000 c1 R-1 item=2: needs_review (member_again) → has 0 expects 500 owes 0
            post 3 occurred 0/1000 c1 R-2: needs_review (member_again) → has 0 expects 500 owes 0
            report 3 approved 0/1000 c1 R-2: needs_review (member_again) → has 0 expects 500 owes 0
            report 1 approved 0/1000 c1 R-1 item=1: approved pays 500 → has 500 expects 0 owes 0
            report 4 approved 0/1000 c2 R-3: needs_review (member_again) → has 500 expects 0 owes 0
            report 1 rejected 0/1000 c1 R-1 item=1: reversed → has 0 expects 0 owes 0
            report 2 rejected 0/1000 c1 R-1 item=2: needs_review (member_again) → has 0 expects 0 owes 0
            report 3 rejected 0/1000 c1 R-2: needs_review (member_again) → has 0 expects 0 owes 0
            report 5 approved 0/1000 c2 R-4: needs_review (member_again) → has 0 expects 0 owes 0
            post 6 occurred 10000/300 c3 R-5: tracked → has 0 expects 150 owes 0
            post 8 occurred 10000/300 c3 R-5 item=2: tracked → has 0 expects 300 owes 0
            post 7 occurred 10000/300 c3 R-6: needs_review (member_again) → has 0 expects 300 owes 0
        "#]],
    );
}

/// A conversion that is in the same slice, and one under an earlier version that paid every time.
#[test]
fn once_is_once_in_one_slice_and_over_versions() {
    play(|stage| {
        let first = stage.click(1, stage.card);
        stage.change(stage.card, |terms| terms.repeat = Repeat::Once);
        let second = stage.click(2, stage.card);
        let clicks = BTreeMap::from([("a".to_owned(), first), ("b".to_owned(), second)]);
        let say = |external, click, order| {
            told(stage, &clicks, "post", &[external, "occurred", "0/1000", click, order])
        };
        let slice = vec![say("1", "b", "R-1"), say("2", "b", "R-2")];
        let outcomes: Vec<&str> = stage.say(slice).iter().map(|(o, _)| o.code()).collect();
        assert_eq!(outcomes, ["tracked", "needs_review"]);
        let outcomes = stage.say(vec![say("3", "a", "R-3")]);
        assert_eq!(outcomes[0].0.code(), "tracked", "it was made under a version that pays always");
        stage.change(stage.books, |terms| terms.repeat = Repeat::Once);
        let later = stage.click(3, stage.books);
        let clicks = BTreeMap::from([("c".to_owned(), later)]);
        let say = |external, order| {
            told(stage, &clicks, "post", &[external, "occurred", "1000/30", "c", order])
        };
        assert_eq!(stage.say(vec![say("4", "R-4")])[0].0.code(), "tracked", "another offer");
        assert_eq!(stage.say(vec![say("5", "R-5")])[0].0.code(), "needs_review");
    });
}

#[test]
fn rows_of_a_network_add_up() {
    check(
        "click c1 books
         report 7 occurred 10000/300 c1 R-1 entry=1
         report 7 occurred 10000/300 c1 R-1 entry=1
         report 7 occurred -10000/-300 c1 R-1 entry=2
         report 8 occurred 10000/300 c1 R-2 entry=3
         report 8 occurred -4000/-120 c1 R-2 entry=4
         report 8 occurred -4000/-121 c1 R-2 entry=4
         report 8 approved -4000/-120 c1 R-2 entry=4",
        &expect![[r#"
            report 7 occurred 10000/300 c1 R-1 entry=1: tracked → has 0 expects 150 owes 0
            report 7 occurred 10000/300 c1 R-1 entry=1: duplicate → has 0 expects 150 owes 0
            report 7 occurred -10000/-300 c1 R-1 entry=2: rejected → has 0 expects 0 owes 0
            report 8 occurred 10000/300 c1 R-2 entry=3: tracked → has 0 expects 150 owes 0
            report 8 occurred -4000/-120 c1 R-2 entry=4: changed → has 0 expects 90 owes 0
            report 8 occurred -4000/-121 c1 R-2 entry=4: needs_review (entries_differ) → has 0 expects 90 owes 0
            report 8 approved -4000/-120 c1 R-2 entry=4: approved (entries_differ) pays 90 → has 90 expects 0 owes 0
        "#]],
    );
}

#[test]
fn a_trusted_postback_decides() {
    check(
        "click c1 books
         trusted 100 occurred 3980/119 c1 R-1
         trusted 100 approved 3980/119 c1 R-1",
        &expect![[r"
            trusted 100 occurred 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            trusted 100 approved 3980/119 c1 R-1: approved pays 59 → has 59 expects 0 owes 0
        "]],
    );
}

#[test]
fn a_duplicate_changes_nothing() {
    check(
        "click c1 books
         post 100 occurred 3980/119 c1 R-1
         post 100 occurred 3980/119 c1 R-1",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            post 100 occurred 3980/119 c1 R-1: duplicate → has 0 expects 59 owes 0
        "]],
    );
}

#[test]
fn a_changed_amount_changes_what_is_announced_and_later_what_was_granted() {
    check(
        "click c1 books
         post 100 occurred 3980/119 c1 R-1
         post 100 occurred 10000/300 c1 R-1
         post 100 occurred 0/1 c1 R-1
         post 100 occurred 10000/300 c1 R-1
         report 100 approved 8000/240 c1 R-1
         report 100 approved 9000/270 c1 R-1
         spend 100
         report 100 approved 4000/120 c1 R-1
         report 100 rejected 4000/120 c1 R-1",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            post 100 occurred 10000/300 c1 R-1: changed → has 0 expects 150 owes 0
            post 100 occurred 0/1 c1 R-1: changed → has 0 expects 0 owes 0
            post 100 occurred 10000/300 c1 R-1: changed → has 0 expects 150 owes 0
            report 100 approved 8000/240 c1 R-1: approved_changed pays 120 → has 120 expects 0 owes 0
            report 100 approved 9000/270 c1 R-1: corrected pays 15 → has 135 expects 0 owes 0
            report 100 approved 4000/120 c1 R-1: corrected → has 0 expects 0 owes 40
            report 100 rejected 4000/120 c1 R-1: reversed → has 0 expects 0 owes 100
        "]],
    );
}

#[test]
fn approved_before_it_occurred_waits_for_the_report() {
    check(
        "click c1 books
         post 100 approved 3980/119 c1 R-1
         post 100 occurred 3980/119 c1 R-1
         post 100 occurred 9999/299 c1 R-1
         report 100 approved 3980/119 c1 R-1",
        &expect![[r"
            post 100 approved 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            post 100 occurred 3980/119 c1 R-1: stale → has 0 expects 59 owes 0
            post 100 occurred 9999/299 c1 R-1: stale → has 0 expects 59 owes 0
            report 100 approved 3980/119 c1 R-1: approved pays 59 → has 59 expects 0 owes 0
        "]],
    );
}

#[test]
fn cancelled_after_approval_is_taken_back_and_what_is_missing_is_owed() {
    check(
        "click c1 books
         post 100 occurred 10000/300 c1 R-1
         report 100 approved 10000/300 c1 R-1
         spend 100
         report 100 rejected 10000/300 c1 R-1
         report 100 rejected 10000/300 c1 R-1
         report 100 approved 10000/300 c1 R-1",
        &expect![[r"
            post 100 occurred 10000/300 c1 R-1: tracked → has 0 expects 150 owes 0
            report 100 approved 10000/300 c1 R-1: approved pays 150 → has 150 expects 0 owes 0
            report 100 rejected 10000/300 c1 R-1: reversed → has 0 expects 0 owes 100
            report 100 rejected 10000/300 c1 R-1: duplicate → has 0 expects 0 owes 100
            report 100 approved 10000/300 c1 R-1: needs_review (approved_after_reversal) → has 0 expects 0 owes 100
        "]],
    );
}

#[test]
fn approved_after_rejection_is_granted_and_can_be_taken_back() {
    check(
        "click c1 books
         post 100 occurred 10000/300 c1 R-1
         report 100 rejected 10000/300 c1 R-1
         post 100 occurred 10000/300 c1 R-1
         report 100 approved 10000/300 c1 R-1
         report 100 rejected 10000/300 c1 R-1",
        &expect![[r"
            post 100 occurred 10000/300 c1 R-1: tracked → has 0 expects 150 owes 0
            report 100 rejected 10000/300 c1 R-1: rejected → has 0 expects 0 owes 0
            post 100 occurred 10000/300 c1 R-1: stale → has 0 expects 0 owes 0
            report 100 approved 10000/300 c1 R-1: reopened pays 150 → has 150 expects 0 owes 0
            report 100 rejected 10000/300 c1 R-1: reversed → has 0 expects 0 owes 0
        "]],
    );
}

#[test]
fn a_decision_that_a_postback_contradicts_waits_for_a_person() {
    check(
        "click c1 books
         post 100 occurred 10000/300 c1 R-1
         report 100 approved 10000/300 c1 R-1
         post 100 rejected 10000/300 c1 R-1
         post 100 rejected 10000/300 c1 R-1
         post 100 strange 10000/300 c1 R-1",
        &expect![[r"
            post 100 occurred 10000/300 c1 R-1: tracked → has 0 expects 150 owes 0
            report 100 approved 10000/300 c1 R-1: approved pays 150 → has 150 expects 0 owes 0
            post 100 rejected 10000/300 c1 R-1: needs_review (claim_differs) → has 150 expects 0 owes 0
            post 100 rejected 10000/300 c1 R-1: duplicate (claim_differs) → has 150 expects 0 owes 0
            post 100 strange 10000/300 c1 R-1: needs_review (status_unknown) → has 150 expects 0 owes 0
        "]],
    );
}

#[test]
fn an_unknown_click_waits_for_a_person() {
    check(
        "post 100 occurred 3980/119 unknown R-1
         post 100 occurred 3980/119 unknown R-1
         report 100 approved 3980/119 unknown R-1",
        &expect![[r"
            post 100 occurred 3980/119 unknown R-1: unmatched (click_unknown) → has 0 expects 0 owes 0
            post 100 occurred 3980/119 unknown R-1: duplicate (click_unknown) → has 0 expects 0 owes 0
            report 100 approved 3980/119 unknown R-1: unmatched (click_unknown) → has 0 expects 0 owes 0
        "]],
    );
}

#[test]
fn a_click_that_comes_after_its_conversion_heals_it() {
    check(
        "post 100 occurred 10000/300 c1 R-1
         click c1 books
         post 100 occurred 10000/300 c1 R-1
         report 100 approved 10000/300 c1 R-1",
        &expect![[r"
            post 100 occurred 10000/300 c1 R-1: unmatched (click_unknown) → has 0 expects 0 owes 0
            post 100 occurred 10000/300 c1 R-1: tracked → has 0 expects 150 owes 0
            report 100 approved 10000/300 c1 R-1: approved pays 150 → has 150 expects 0 owes 0
        "]],
    );
}

#[test]
fn a_click_that_is_too_old_too_new_or_elsewhere_waits_for_a_person() {
    check(
        "click c1 books
         day 2026-12-20
         post 100 occurred 3980/119 c1 R-1
         post 101 occurred 3980/119 c1 R-2 at=2026-11-01_11:00
         post 102 occurred 3980/119 c1 R-3 at=2026-12-20_21:00
         post 103 occurred 3980/119 c1 R-4 at=2026-11-20_12:00 net=second
         post 104 occurred 3980/119 c1 R-5 at=2026-11-01_11:50",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1: needs_review (click_too_old) → has 0 expects 0 owes 0
            post 101 occurred 3980/119 c1 R-2 at=2026-11-01_11:00: needs_review (event_before_click) → has 0 expects 0 owes 0
            post 102 occurred 3980/119 c1 R-3 at=2026-12-20_21:00: needs_review (event_in_future) → has 0 expects 0 owes 0
            post 103 occurred 3980/119 c1 R-4 at=2026-11-20_12:00 net=second: needs_review (route_differs) → has 0 expects 0 owes 0
            post 104 occurred 3980/119 c1 R-5 at=2026-11-01_11:50: tracked → has 0 expects 59 owes 0
        "]],
    );
}

#[test]
fn negative_and_zero_amounts_wait_for_a_person() {
    check(
        "click c1 books
         post 100 occurred -3980/-119 c1 R-1
         post 101 occurred 3980/0 c1 R-2
         post 102 occurred 3980/119 c1 R-3
         post 102 occurred -3980/-119 c1 R-3
         report 102 approved 3980/0 c1 R-3
         report 102 approved 3980/119 c1 R-3",
        &expect![[r"
            post 100 occurred -3980/-119 c1 R-1: needs_review (amount_negative) → has 0 expects 0 owes 0
            post 101 occurred 3980/0 c1 R-2: needs_review (commission_zero) → has 0 expects 0 owes 0
            post 102 occurred 3980/119 c1 R-3: tracked → has 0 expects 59 owes 0
            post 102 occurred -3980/-119 c1 R-3: needs_review (amount_negative) → has 0 expects 59 owes 0
            report 102 approved 3980/0 c1 R-3: needs_review (commission_zero) → has 0 expects 59 owes 0
            report 102 approved 3980/119 c1 R-3: approved (commission_zero) pays 59 → has 59 expects 0 owes 0
        "]],
    );
}

#[test]
fn three_items_of_an_order_are_three_conversions() {
    check(
        "click c1 books
         post 100 occurred 1000/30 c1 R-1 item=1
         post 101 occurred 2000/60 c1 R-1 item=2
         post 102 occurred 3000/90 c1 R-1 item=3
         post 102 occurred 3000/90 c1 R-1 item=4
         post 101 occurred 2000/60 c1 R-1 item=2
         report 100 approved 1000/30 c1 R-1
         report 101 approved 2000/60 c1 R-1
         report 102 rejected 3000/90 c1 R-1",
        &expect![[r"
            post 100 occurred 1000/30 c1 R-1 item=1: tracked → has 0 expects 15 owes 0
            post 101 occurred 2000/60 c1 R-1 item=2: tracked → has 0 expects 45 owes 0
            post 102 occurred 3000/90 c1 R-1 item=3: tracked → has 0 expects 90 owes 0
            post 102 occurred 3000/90 c1 R-1 item=4: needs_review (item_differs) → has 0 expects 90 owes 0
            post 101 occurred 2000/60 c1 R-1 item=2: duplicate → has 0 expects 90 owes 0
            report 100 approved 1000/30 c1 R-1: approved pays 15 → has 15 expects 75 owes 0
            report 101 approved 2000/60 c1 R-1: approved pays 30 → has 45 expects 45 owes 0
            report 102 rejected 3000/90 c1 R-1: rejected (item_differs) → has 45 expects 0 owes 0
        "]],
    );
}

#[test]
fn the_same_order_over_two_networks_waits_for_a_person() {
    check(
        "click c1 books
         click c2 second
         click c3 card
         post 100 occurred 10000/300 c1 R-1
         post 200 occurred 10000/200 c2 R-1 net=second
         report 200 approved 10000/200 c2 R-1 net=second
         post 101 occurred 10000/1000 c3 R-1",
        &expect![[r"
            post 100 occurred 10000/300 c1 R-1: tracked → has 0 expects 150 owes 0
            post 200 occurred 10000/200 c2 R-1 net=second: needs_review (double_route) → has 0 expects 150 owes 0
            report 200 approved 10000/200 c2 R-1 net=second: needs_review (double_route) → has 0 expects 150 owes 0
            post 101 occurred 10000/1000 c3 R-1: tracked → has 0 expects 650 owes 0
        "]],
    );
}

#[test]
fn another_currency_waits_for_a_person_and_its_figures_are_not_used() {
    check(
        "click c1 books
         post 100 occurred 3980/119 c1 R-1 in=USD
         report 100 approved 3980/119 c1 R-1
         post 101 occurred 3980/119 c1 R-2 in=JPY
         post 101 occurred 1000/30 c1 R-2 in=USD
         report 101 rejected 1000/30 c1 R-2 in=USD
         report 101 approved 3980/119 c1 R-2",
        &expect![[r#"
            post 100 occurred 3980/119 c1 R-1 in=USD: needs_review (currency_differs) → has 0 expects 0 owes 0
            report 100 approved 3980/119 c1 R-1: needs_review (currency_differs) → has 0 expects 0 owes 0
            post 101 occurred 3980/119 c1 R-2 in=JPY: tracked → has 0 expects 59 owes 0
            post 101 occurred 1000/30 c1 R-2 in=USD: needs_review (currency_differs) → has 0 expects 59 owes 0
            report 101 rejected 1000/30 c1 R-2 in=USD: duplicate (currency_differs) → has 0 expects 59 owes 0
            report 101 approved 3980/119 c1 R-2: approved (currency_differs) pays 59 → has 59 expects 0 owes 0
        "#]],
    );
}

#[test]
fn a_test_of_the_networks_moves_nothing() {
    check(
        "click c1 books
         post 100 occurred 3980/119 c1 R-1 test
         post 100 approved 3980/119 c1 R-1 test",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1 test: test → has 0 expects 0 owes 0
            post 100 approved 3980/119 c1 R-1 test: test → has 0 expects 0 owes 0
        "]],
    );
}

#[test]
fn a_postback_that_never_came_is_made_good_by_the_report() {
    check(
        "click c1 books
         click c2 card
         day 2026-11-20
         report 100 approved 3980/119 c1 R-1
         report 101 rejected 9999/1000 c2 R-2
         report 102 occurred 9999/1000 c2 R-3",
        &expect![[r"
            report 100 approved 3980/119 c1 R-1: approved_unannounced pays 59 → has 59 expects 0 owes 0
            report 101 rejected 9999/1000 c2 R-2: rejected → has 59 expects 0 owes 0
            report 102 occurred 9999/1000 c2 R-3: tracked → has 59 expects 500 owes 0
        "]],
    );
}

#[test]
fn another_click_under_the_same_id_waits_for_a_person() {
    check(
        "click c1 books
         click c2 books
         post 100 occurred 3980/119 c1 R-1
         post 100 occurred 3980/119 c2 R-1",
        &expect![[r"
            post 100 occurred 3980/119 c1 R-1: tracked → has 0 expects 59 owes 0
            post 100 occurred 3980/119 c2 R-1: needs_review (click_differs) → has 0 expects 59 owes 0
        "]],
    );
}

#[test]
fn a_slice_is_decided_as_if_each_came_alone() {
    play(|stage| {
        let clicks = BTreeMap::from([("c1".to_owned(), stage.click(1, stage.books))]);
        let line = |authority: &str, words: &str| {
            told(stage, &clicks, authority, &words.split_whitespace().collect::<Vec<_>>())
        };
        let outcomes = stage.say(vec![
            line("post", "100 occurred 10000/300 c1 R-1"),
            line("report", "100 approved 8000/240 c1 R-1"),
            line("report", "100 approved 9000/270 c1 R-1"),
            line("report", "100 rejected 9000/270 c1 R-1"),
        ]);
        let codes: Vec<&str> = outcomes.iter().map(|(outcome, _)| outcome.code()).collect();
        assert_eq!(codes, ["tracked", "approved_changed", "corrected", "reversed"]);
        assert_eq!(stage.purse(), "has 0 expects 0 owes 0");
    });
}

#[test]
fn a_frozen_account_keeps_the_conversion_as_it_was() {
    play(|stage| {
        let clicks = BTreeMap::from([("c1".to_owned(), stage.click(1, stage.books))]);
        let line = |authority: &str, words: &str| {
            told(stage, &clicks, authority, &words.split_whitespace().collect::<Vec<_>>())
        };
        stage.say(vec![line("post", "100 occurred 10000/300 c1 R-1")]);
        let member = Id::of(crate::tests::HANA, 1, vocabulary::AccountRole::Member);
        let account = stage.site.store().find_account(member).unwrap();
        let freeze = ledger::Batch::single(
            Id::from_bits(5),
            stage.site.config().actor,
            ledger::Step::Freeze { account },
        );
        stage.site.store().post(vec![freeze]).unwrap();
        let (outcome, paid) = stage.say(vec![line("post", "101 occurred 10000/300 c1 R-2")])[0];
        assert_eq!((outcome.code(), paid.minor_units()), ("needs_review", 0));
        let (outcome, paid) = stage.say(vec![line("report", "100 approved 10000/300 c1 R-1")])[0];
        assert_eq!((outcome.code(), paid.minor_units()), ("approved", 150), "it was promised");
    });
}

#[test]
fn movements_lead_to_their_stories() {
    let expected = expect![[r"
        announcement: ほんだな書店, clicked 2026-11-01 12:00, recorded 2026-11-03 09:30, due 2026-12-31 12:00, reversed
        fulfilment: ほんだな書店, clicked 2026-11-01 12:00, recorded 2026-11-03 09:30, due 2026-12-31 12:00, reversed
        grant: ほんだな書店, clicked 2026-11-01 12:00, recorded 2026-11-03 09:30, due 2026-12-31 12:00, reversed
        reversal: ほんだな書店, clicked 2026-11-01 12:00, recorded 2026-11-03 09:30, due 2026-12-31 12:00, reversed
    "]];
    tell(&expected, |stage| {
        let clicks = BTreeMap::from([("c1".to_owned(), stage.click(1, stage.books))]);
        let line = |authority: &str, words: &str| {
            told(stage, &clicks, authority, &words.split_whitespace().collect::<Vec<_>>())
        };
        stage.clock.set(at("2026-11-03 09:30"));
        stage.say(vec![line("post", "100 occurred 10000/300 c1 R-1")]);
        stage.say(vec![line("report", "100 approved 10000/300 c1 R-1")]);
        stage.say(vec![line("report", "100 rejected 10000/300 c1 R-1")]);
        let movements = stage.site.store().movements(ledger::Seq::new(1), 100).unwrap();
        let database = stage.site.store().database();
        let mut text = String::new();
        for movement in movements {
            let ids = [movement.subject.unwrap_or(0), movement.batch.bits()];
            let found = database.read(|reader| stories(reader, OURS, &ids)).unwrap();
            let story = ids.iter().find_map(|id| found.get(id)).unwrap();
            let shop = story.shop.as_ref().map_or("", |(name, _)| name.as_str());
            let minute = |at| Zone::JAPAN.format_minute(at);
            writeln!(
                text,
                "{}: {shop}, clicked {}, recorded {}, due {}, {}",
                movement.kind.name(),
                story.clicked_at.map(minute).unwrap(),
                minute(story.tracked_at),
                story.due_at.map(minute).unwrap(),
                story.state.code(),
            )
            .unwrap();
            assert_eq!(story.reason.as_ref().map(Label::as_str), Some("キャンセル"));
        }
        let movements = stage.site.store().movements(ledger::Seq::new(1), 1).unwrap();
        let first = movements[0].batch.bits().rotate_right(43);
        let ids: Vec<u128> = (4..9).map(|version| (first - 1 + version).rotate_left(43)).collect();
        let found = database.read(|reader| stories(reader, OURS, &ids)).unwrap();
        assert!(found.is_empty(), "an id that anybody could choose tells nothing");
        let ids: Vec<u128> = (1..5).collect();
        assert!(database.read(|reader| stories(reader, OURS, &ids)).unwrap().is_empty());
        text
    });
}
