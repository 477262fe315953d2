use std::collections::BTreeSet;

use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::follow_up::follow_conversions;
use crate::leaving::EndMembership;
use crate::personal_data::{Chapter, read_part};
use crate::rank::store::{find_member_ranks, list_all_sets, list_sets, remove_ranks};
use crate::rank::{
    Approved, DecideRankSet, Marks, MemberRank, Month, ProposeRankSet, Rank, RankRefusal, RankSet,
    RankSetState, RankTerms, SetDecision, preview_ranks, set_of, write_ranks,
};
use crate::tests::{HANA, OURS, Stage, THEIRS, UNIT, ask_to_leave, at, play, token, wait};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use ledger::ActorNumber;
use vocabulary::{AccountRole, Amount, Day, Id, Label, Reference, kind};

fn maker() -> Authenticated {
    staff(5, OURS, Role::Sales)
}

fn checker() -> Authenticated {
    staff(6, OURS, Role::Accounting)
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn rank(name: &str, (purchases, points): (u32, u32), marks: Marks, bonus: u32) -> Rank {
    let label = Label::parse(name).unwrap();
    Rank {
        name: label.clone(),
        name_english: label,
        purchases,
        points: Amount::from(points),
        marks,
        bonus,
        month_max: None,
    }
}

/// Gold for two purchases and 250 points within three months: ten per cent more.
fn terms() -> RankTerms {
    RankTerms {
        months: 3,
        ranks: vec![
            rank("一般", (0, 0), Marks::All, 0),
            rank("ゴールド", (2, 250), Marks::All, 1_000),
        ],
    }
}

#[test]
fn a_month_begins_and_ends_in_japan() {
    assert_eq!(Month::of(at("2026-11-01 00:00")), month("2026-11"));
    assert_eq!(Month::of(at("2026-10-31 23:59")), month("2026-10"));
    assert_eq!(month("2026-12").plus(1).to_string(), "2027-01");
    assert_eq!(month("2027-01").plus(-13).to_string(), "2025-12");
    assert_eq!(month("2026-11").starts_at(), at("2026-11-01 00:00"));
    assert_eq!(Month::starting(Day::parse("2026-11-02").unwrap()), None);
    for wrong in ["", "2026-13", "2026-1", "2026-11-01", "x"] {
        assert!(Month::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn marks_are_reached_together_or_one_by_one() {
    let table = [
        ((12, 5_000), Marks::All, (12, 5_000_u32), true),
        ((12, 5_000), Marks::All, (12, 4_999), false),
        ((12, 5_000), Marks::All, (11, 9_999), false),
        ((12, 5_000), Marks::Any, (12, 0), true),
        ((12, 5_000), Marks::Any, (0, 5_000), true),
        ((12, 5_000), Marks::Any, (11, 4_999), false),
        ((12, 0), Marks::Any, (11, 9_999), false),
        ((0, 5_000), Marks::Any, (99, 4_999), false),
        ((0, 5_000), Marks::All, (0, 5_000), true),
        ((0, 0), Marks::Any, (0, 0), true),
    ];
    for (takes, marks, (purchases, points), reached) in table {
        let approved = Approved { purchases, points: Amount::from(points) };
        assert_eq!(rank("a", takes, marks, 0).reached(approved), reached, "{takes:?} {marks:?}");
    }
}

#[test]
fn a_bonus_is_rounded_down_and_bounded() {
    let gold = Rank { month_max: Some(Amount::from(100)), ..rank("a", (1, 0), Marks::All, 333) };
    let table =
        [(1_000_u32, 0_u32, 33_u32), (3, 0, 0), (10_000, 0, 100), (1_000, 80, 20), (1_000, 100, 0)];
    for (points, others, bonus) in table {
        let given = gold.bonus_of(Amount::from(points), Amount::from(others));
        assert_eq!(given, Amount::from(bonus), "{points} {others}");
    }
    assert_eq!(gold.bonus_of(Amount::MAX, Amount::ZERO), Amount::from(100));
}

#[test]
fn ranks_that_make_no_sense_are_refused() {
    let low = || rank("a", (0, 0), Marks::All, 0);
    let set = |months, ranks| RankTerms { months, ranks }.check();
    let table = [
        (set(0, vec![low()]), RankRefusal::MonthsUnfit),
        (set(25, terms().ranks), RankRefusal::MonthsUnfit),
        (set(6, Vec::new()), RankRefusal::RanksUnfit),
        (set(6, vec![low()]), RankRefusal::RanksUnfit),
        (set(6, vec![terms().ranks[1].clone(), terms().ranks[1].clone()]), RankRefusal::RanksUnfit),
        (set(6, vec![low(); 7]), RankRefusal::RanksUnfit),
        (set(6, vec![low(), rank(&"a".repeat(41), (1, 0), Marks::All, 0)]), RankRefusal::NameLong),
        (set(6, vec![low(), rank("b", (1, 0), Marks::All, 100_001)]), RankRefusal::BonusUnfit),
        (set(6, vec![low(), low()]), RankRefusal::MarksUnfit),
        (
            set(
                6,
                vec![low(), rank("b", (2, 100), Marks::All, 0), rank("c", (3, 99), Marks::All, 0)],
            ),
            RankRefusal::MarksUnfit,
        ),
    ];
    for (found, refusal) in table {
        assert_eq!(found, Err(refusal));
    }
    assert_eq!(terms().check(), Ok(()));
}

#[test]
fn the_set_that_began_last_is_in_force() {
    let by = ActorNumber::new(OURS, 1);
    let set = |version, starts, state| RankSet {
        company: OURS,
        version,
        starts: month(starts),
        terms: terms(),
        state,
        made_by: by,
    };
    let approved = RankSetState::Approved { by };
    let sets = [
        set(1, "2026-01", approved),
        set(2, "2026-06", approved),
        set(3, "2026-06", approved),
        set(4, "2026-03", RankSetState::Declined { by }),
        set(5, "2026-02", RankSetState::Proposed),
    ];
    let table =
        [("2025-12", None), ("2026-01", Some(1)), ("2026-05", Some(1)), ("2026-07", Some(3))];
    for (text, version) in table {
        assert_eq!(set_of(&sets, month(text)).map(|set| set.version), version, "{text}");
    }
}

fn propose(stage: &Stage, starts: &str, terms: RankTerms) -> Result<u32, RankRefusal> {
    let command = ProposeRankSet { company: OURS, by: maker(), starts: month(starts), terms };
    stage.site.store().run(command).unwrap()
}

fn decide(
    stage: &Stage,
    by: Authenticated,
    version: u32,
    decision: SetDecision,
) -> Result<(), RankRefusal> {
    stage.site.store().run(DecideRankSet { company: OURS, by, version, decision }).unwrap()
}

fn approve(stage: &Stage, starts: &str, terms: RankTerms) -> u32 {
    let version = propose(stage, starts, terms).unwrap();
    decide(stage, checker(), version, SetDecision::Approve).unwrap();
    version
}

#[test]
fn a_set_is_proposed_and_decided_by_two() {
    play(|stage| {
        let begun = RankRefusal::MonthBegun;
        assert_eq!(propose(stage, "2026-11", terms()), Err(begun), "this month has begun");
        assert_eq!(propose(stage, "2028-12", terms()), Err(begun), "too far away");
        let nothing = RankTerms { months: 3, ranks: Vec::new() };
        assert_eq!(propose(stage, "2026-12", nothing), Err(RankRefusal::RanksUnfit));
        for _ in 0..2 {
            assert_eq!(propose(stage, "2026-12", terms()), Ok(1), "a repeat is the same");
        }
        assert_eq!(propose(stage, "2027-01", terms()), Err(RankRefusal::Pending));
        let (approve, decline) = (SetDecision::Approve, SetDecision::Decline);
        assert_eq!(decide(stage, checker(), 9, approve), Err(RankRefusal::NotFound));
        assert_eq!(decide(stage, maker(), 1, approve), Err(RankRefusal::SamePerson));
        for _ in 0..2 {
            assert_eq!(decide(stage, maker(), 1, decline), Ok(()), "its maker takes it back");
        }
        assert_eq!(decide(stage, checker(), 1, approve), Err(RankRefusal::Decided));
        assert_eq!(propose(stage, "2026-12", terms()), Ok(2));
        for _ in 0..2 {
            assert_eq!(decide(stage, checker(), 2, approve), Ok(()));
        }
        assert_eq!(decide(stage, checker(), 2, decline), Err(RankRefusal::Decided));
        assert_eq!(propose(stage, "2026-12", terms()), Ok(3));
        stage.clock.set(at("2026-12-01 00:00"));
        assert_eq!(decide(stage, checker(), 3, approve), Err(begun), "too late");
        assert_eq!(decide(stage, checker(), 3, decline), Ok(()));
        let database = stage.site.store().database();
        let holding = database.read(|reader| list_sets(reader, OURS)).unwrap();
        assert_eq!(holding.iter().map(|set| set.version).collect::<Vec<_>>(), [2]);
        let sets = database.read(|reader| list_all_sets(reader, OURS)).unwrap();
        let states: Vec<_> = sets.iter().map(|set| (set.version, set.state.code())).collect();
        assert_eq!(states, [(3, "declined"), (2, "approved"), (1, "declined")]);
        assert_eq!(sets[1].terms, terms(), "what was proposed is what is kept");
        let theirs = stage.site.store().database().read(|reader| list_sets(reader, THEIRS));
        assert!(theirs.unwrap().is_empty());
    });
}

/// A purchase of 10,000 yen at `books`: 150 points.
fn buy(stage: &Stage, number: u128, status: Status) {
    // A click is recorded once.
    let click = stage.click(number, stage.books);
    tell(stage, click, &number.to_string(), status);
    follow(stage);
}

fn tell(stage: &Stage, click: Id<kind::Click>, number: &str, status: Status) {
    stage.say(vec![Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse(number).unwrap(),
        },
        entry: None,
        click: Some(click),
        order: Reference::parse(&format!("R-{number}")).ok(),
        item: None,
        occurred_at: stage.site.now(),
        sale: 10_000,
        commission: 300,
        currency: None,
        status: Some(status),
        reason: None,
        test: false,
        authority: Authority::Decides,
        source: Source::Report(Id::from_bits(2)),
    }]);
}

fn follow(stage: &Stage) {
    while follow_conversions(&stage.site).unwrap() > 0 {}
}

fn has(stage: &Stage) -> i128 {
    let store = stage.site.store();
    let number = store.find_account(Id::of(HANA, UNIT.get(), AccountRole::Member));
    number.and_then(|number| store.account(number)).map_or(0, |one| one.balance().into())
}

fn written(stage: &Stage, text: &str) -> Option<MemberRank> {
    let (month, hana) = (month(text), BTreeSet::from([HANA]));
    let found = stage.site.store().database();
    let found = found.read(|reader| find_member_ranks(reader, (month, month), &hana)).unwrap();
    found.get(&(HANA, month)).copied()
}

/// Puts the clock to a moment and writes what ranks are to be written.
fn until(stage: &Stage, text: &str) {
    stage.clock.set(at(text));
    while write_ranks(&stage.site).unwrap() {}
}

#[test]
fn a_rank_is_earned_kept_and_lost() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        assert_eq!(has(stage), 300, "no rank gives anything in November");
        until(stage, "2026-12-01 00:30");
        assert_eq!(written(stage, "2026-12"), None, "what was approved may still come in");
        until(stage, "2026-12-01 01:00");
        let approved = Approved { purchases: 2, points: Amount::from(300) };
        let gold = MemberRank { version: 1, place: 1, approved };
        assert_eq!(written(stage, "2026-12"), Some(gold));
        buy(stage, 3, Status::Occurred);
        assert_eq!(has(stage), 300, "a bonus is announced first");
        for _ in 0..2 {
            buy(stage, 3, Status::Approved);
            assert_eq!(has(stage), 465, "and granted with the purchase, once");
        }
        // What is taken back later changes the rank of months to come alone.
        buy(stage, 1, Status::Rejected);
        assert_eq!((has(stage), written(stage, "2026-12")), (315, Some(gold)));
        buy(stage, 4, Status::Approved);
        assert_eq!(has(stage), 480);
        buy(stage, 4, Status::Rejected);
        assert_eq!(has(stage), 315, "the bonus goes with its purchase");
        // January is decided by purchases 2 and 3, March by 3 alone, April by none.
        until(stage, "2027-01-01 01:00");
        assert_eq!(written(stage, "2027-01").map(|rank| rank.place), Some(1));
        until(stage, "2027-03-01 01:00");
        assert_eq!(written(stage, "2027-03"), None);
        buy(stage, 5, Status::Approved);
        assert_eq!(has(stage), 465, "the lowest rank gives nothing");
    });
}

#[test]
fn other_rules_begin_with_their_month_and_change_nothing_before() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        until(stage, "2026-12-01 01:00");
        let mut harder = terms();
        harder.ranks[1].purchases = 9;
        harder.ranks[1].bonus = 5_000;
        approve(stage, "2027-01", harder);
        // A click of December that is approved in January keeps the rule of December.
        buy(stage, 3, Status::Occurred);
        until(stage, "2027-01-01 01:00");
        assert_eq!(written(stage, "2026-12").map(|rank| (rank.version, rank.place)), Some((1, 1)));
        assert_eq!(written(stage, "2027-01"), None, "nine purchases are not there");
        buy(stage, 3, Status::Approved);
        assert_eq!(has(stage), 300 + 165);
        buy(stage, 4, Status::Approved);
        assert_eq!(has(stage), 465 + 150, "January gives nothing more");
    });
}

#[test]
fn the_first_grant_fixes_a_rank_before_the_month_is_written() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        stage.clock.set(at("2026-12-01 00:10"));
        buy(stage, 3, Status::Approved);
        assert_eq!(has(stage), 465);
        assert_eq!(written(stage, "2026-12").map(|rank| rank.place), Some(1));
        // A purchase of November is taken back before the ranks are written: what was given by the
        // rank stays a rank's gift, and the other purchase of the hour has it as well.
        buy(stage, 1, Status::Rejected);
        until(stage, "2026-12-01 02:00");
        buy(stage, 4, Status::Approved);
        assert_eq!(has(stage), 465 - 150 + 165);
    });
}

#[test]
fn what_was_announced_comes_to_a_member_who_left() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        until(stage, "2026-12-01 01:00");
        buy(stage, 3, Status::Occurred);
        let asked = stage.site.store().run(ask_to_leave()).unwrap().unwrap();
        stage.clock.set(asked.ends_at);
        let by = stage.site.config().actor;
        let end = EndMembership { member: HANA, unit: UNIT, by, erased: false };
        let Ok(_ending) = stage.site.store().run(end).unwrap();
        assert_eq!((has(stage), written(stage, "2026-12")), (0, None));
        buy(stage, 3, Status::Approved);
        assert_eq!(stage.purse(), "has 165 expects 0 owes 0", "with its bonus");
        buy(stage, 4, Status::Approved);
        buy(stage, 3, Status::Rejected);
        assert_eq!(stage.purse(), "has 150 expects 0 owes 0", "a new one has none");
        until(stage, "2027-01-01 01:00");
        assert_eq!(written(stage, "2027-01"), None, "and nothing is counted");
    });
}

#[test]
fn a_bonus_has_a_limit_for_the_month() {
    play(|stage| {
        let mut bounded = terms();
        bounded.ranks[1].month_max = Some(Amount::from(20));
        approve(stage, "2026-12", bounded);
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        until(stage, "2026-12-01 01:00");
        buy(stage, 3, Status::Approved);
        assert_eq!(has(stage), 465);
        buy(stage, 4, Status::Occurred);
        buy(stage, 5, Status::Occurred);
        buy(stage, 5, Status::Approved);
        assert_eq!(has(stage), 465 + 150, "what is announced is taken out of the limit");
        buy(stage, 4, Status::Approved);
        assert_eq!(has(stage), 615 + 155);
        buy(stage, 3, Status::Rejected);
        assert_eq!(has(stage), 770 - 165, "what is taken back makes room");
        buy(stage, 6, Status::Approved);
        assert_eq!(has(stage), 605 + 165);
    });
}

#[test]
fn ranks_wait_for_what_was_approved_before() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        let click = stage.click(2, stage.books);
        stage.clock.set(at("2026-11-30 23:59"));
        tell(stage, click, "2", Status::Approved);
        until(stage, "2026-12-01 03:00");
        assert_eq!(written(stage, "2026-12"), None, "one is not counted yet");
        follow(stage);
        until(stage, "2026-12-01 03:10");
        assert_eq!(written(stage, "2026-12").map(|rank| rank.place), Some(1));
        let counts = preview_ranks(&stage.site, &terms()).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(1, 1)]);
        let part = |reader: &mut store::Reader<'_>| read_part(reader, HANA, Chapter::Ranks, None);
        let part = stage.site.store().database().read(part).unwrap();
        let entry = r#"{"month":"2026-12","rank":"ゴールド","purchases":2,"points":300}"#;
        assert_eq!((part.entries, part.next), (vec![entry.to_owned()], None));
        stage.site.store().run(Forget).unwrap().unwrap();
        assert_eq!(written(stage, "2026-12"), None, "who leaves is forgotten");
        assert!(preview_ranks(&stage.site, &terms()).unwrap().is_empty());
    });
}

/// Forgets Hana.
struct Forget;

impl store::Command for Forget {
    type Facts = ();
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    const NAME: &'static str = "forget";

    fn load(_slice: &[Self], _tx: &mut store::Tx<'_>) -> Result<(), store::Fault> {
        Ok(())
    }

    fn decide(
        &self,
        _facts: &mut (),
        _posting: &mut store::Posting<'_>,
    ) -> Result<(), std::convert::Infallible> {
        Ok(())
    }

    fn save(_facts: (), tx: &mut store::Tx<'_>) -> Result<(), store::Fault> {
        remove_ranks(tx, OURS, &[HANA])
    }
}

#[test]
fn a_member_sees_a_rank_and_the_way_to_the_next() {
    play(|stage| {
        let hana = stage.client(Some(member(7, OURS, HANA)));
        assert!(wait(hana.get("/rank")).text.contains("いまはランク制度がありません"));
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        let page = wait(hana.get("/rank")).text;
        assert!(page.contains("1件 / 2件") && page.contains("150 pt / 250 pt"), "{page}");
        assert!(page.contains("現在の実績では一般になります。"), "{page}");
        buy(stage, 2, Status::Approved);
        until(stage, "2026-12-01 01:00");
        let page = wait(hana.get("/rank")).text;
        assert!(
            page.contains("2026年12月のランク") && page.contains("獲得ポイントの+10%"),
            "{page}"
        );
        let english = wait(hana.get("/rank?lang=en")).text;
        assert!(english.contains("December 2026"), "{english}");
        let theirs = stage.client(Some(member(8, THEIRS, HANA)));
        assert_eq!(wait(theirs.get("/rank")).status.as_u16(), 404);
        assert_eq!(wait(stage.client(Some(maker())).get("/rank")).status.as_u16(), 403);
    });
}

const FORM: [(&str, &str); 10] = [
    ("starts", "2026-12"),
    ("months", "3"),
    ("name_0", "一般"),
    ("english_0", "Regular"),
    ("name_1", "ゴールド"),
    ("english_1", "Gold"),
    ("purchases_1", "2"),
    ("points_1", "1,250"),
    ("marks_1", "any"),
    ("bonus_1", "2.5"),
];

#[test]
fn the_staff_proposes_and_approves_by_pages() {
    play(|stage| {
        let sales = stage.client(Some(maker()));
        let accounting = stage.client(Some(checker()));
        let form = wait(sales.get("/staff/ranks/new"));
        assert!(form.text.contains("name_1") && form.text.contains("2026-12"), "{}", form.text);
        let mut wrong = FORM;
        wrong[5].1 = "";
        wrong[9].1 = "lots";
        let refused = wait(sales.post_form("/staff/ranks", &wrong));
        assert_eq!(refused.status.as_u16(), 422);
        for expected in ["href=\"#field-english_1\"", "href=\"#field-bonus_1\"", "1,250"] {
            assert!(refused.text.contains(expected), "{expected} {}", refused.text);
        }
        let mut begun = FORM;
        begun[0].1 = "2026-11";
        let refused = wait(sales.post_form("/staff/ranks", &begun));
        assert!(refused.text.contains("これから始まる月を選んでください"), "{}", refused.text);
        assert_eq!(wait(sales.post_form("/staff/ranks", &FORM)).status.as_u16(), 303);
        let counted = wait(accounting.get("/staff/ranks?preview=1")).text;
        assert!(counted.contains("今月に当てはめた場合の人数"), "{counted}");
        let list = wait(sales.get("/staff/ranks")).text;
        assert!(list.contains("2026年12月から") && list.contains("承認待ち"), "{list}");
        assert!(list.contains("2件 または 1,250 pt") && list.contains("2.5%"), "{list}");
        let decision = |client: &web::testing::Client, path: &str, decision: &str| {
            wait(client.post_form(path, &[("decision", decision)])).status.as_u16()
        };
        assert_eq!(decision(&sales, "/staff/ranks/1", "approve"), 403, "sales cannot approve");
        assert_eq!(decision(&accounting, "/staff/ranks/9", "approve"), 404);
        assert_eq!(decision(&accounting, "/staff/ranks/1", "perhaps"), 404);
        assert_eq!(decision(&accounting, "/staff/ranks/1", "approve"), 303);
        assert_eq!(decision(&accounting, "/staff/ranks/1", "decline"), 422);
        assert_eq!(wait(sales.post_form("/staff/ranks", &FORM)).status.as_u16(), 303);
        assert_eq!(decision(&sales, "/staff/ranks/2", "decline"), 303, "its maker takes it back");
        let theirs = stage.client(Some(staff(9, THEIRS, Role::Sales)));
        assert_eq!(wait(theirs.get("/staff/ranks")).status.as_u16(), 404);
        let hana = stage.client(Some(member(7, OURS, HANA)));
        assert_eq!(wait(hana.get("/staff/ranks")).status.as_u16(), 403);
    });
}

#[test]
fn every_refusal_has_its_texts() {
    let texts = crate::TEXTS;
    for refusal in RankRefusal::ALL {
        for text in [texts.japanese, texts.english] {
            for key in ["", "-next"] {
                let line = format!("\nranks-refused-{}{key} = ", refusal.code());
                assert!(text.contains(&line), "{line}");
            }
        }
    }
}

#[test]
fn a_month_that_nobody_wrote_is_written_in_the_next() {
    play(|stage| {
        approve(stage, "2026-12", terms());
        buy(stage, 1, Status::Approved);
        buy(stage, 2, Status::Approved);
        until(stage, "2027-01-01 00:30");
        assert_eq!(written(stage, "2026-12").map(|rank| rank.place), Some(1));
        assert_eq!(written(stage, "2027-01"), None, "this month waits for an hour");
        until(stage, "2027-01-01 01:00");
        assert_eq!(written(stage, "2027-01").map(|rank| rank.place), Some(1));
    });
}
