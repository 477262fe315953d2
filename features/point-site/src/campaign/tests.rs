use core::fmt::Write as _;
use std::collections::BTreeSet;

use expect_test::expect;

use crate::bonus::grant_due;
use crate::campaign::store::find_campaigns;
use crate::campaign::{
    Campaign, CampaignChange, CampaignRefusal, CampaignReward, Case, ChangeCampaign, EnterCampaign,
    Participation, Rules, SaveCampaign, award, simulate_past,
};
use crate::click::{Click, RecordClick};
use crate::conversion::{Authority, ConversionKey, ConversionState, Source, Status, Told};
use crate::follow_up::store::next_rows;
use crate::follow_up::{FollowConversions, Seen, follow_conversions};
use crate::tests::{HANA, OURS, Stage, UNIT, at, play, tell, token, wait};
use access::testing::staff;
use access::{Authenticated, Role};
use vocabulary::{AccountRole, Amount, Id, Label, Reference, kind};

const CAMPAIGN: Id<kind::Campaign> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_CAFE);

fn maker() -> Authenticated {
    staff(5, OURS, Role::Sales)
}

fn checker() -> Authenticated {
    staff(6, OURS, Role::Accounting)
}

fn rules() -> Rules {
    Rules {
        starts_at: at("2026-11-01 00:00"),
        ends_at: at("2026-12-01 00:00"),
        entry: false,
        first_purchase: false,
        sale_min: Amount::ZERO,
        shops: BTreeSet::new(),
        categories: BTreeSet::new(),
        reward: CampaignReward::Fixed(Amount::from(100)),
        member_max: None,
        winners_max: None,
        delay_days: 0,
        budget: Amount::from(1_000),
    }
}

fn save(stage: &Stage, rules: Rules) -> Result<(), CampaignRefusal> {
    let command = SaveCampaign {
        company: OURS,
        by: maker(),
        id: CAMPAIGN,
        name: Label::parse("秋の読書").unwrap(),
        about: "期間中のお買い物が対象です。".to_owned(),
        rules,
    };
    stage.site.store().run(command).unwrap()
}

fn change(stage: &Stage, by: Authenticated, change: CampaignChange) -> Result<(), CampaignRefusal> {
    let (config, campaign) = (stage.site.shared_config(), CAMPAIGN);
    stage.site.store().run(ChangeCampaign { config, campaign, by, change }).unwrap()
}

/// Writes a campaign, has it approved and lets it run.
pub(crate) fn launch(stage: &Stage, rules: Rules) {
    save(stage, rules).unwrap();
    change(stage, maker(), CampaignChange::Propose).unwrap();
    change(stage, checker(), CampaignChange::Approve).unwrap();
}

fn read(stage: &Stage) -> Campaign {
    let find = |reader: &mut store::Reader<'_>| find_campaigns(reader, OURS, &[CAMPAIGN]);
    stage.site.store().database().read(find).unwrap().remove(&CAMPAIGN).unwrap()
}

fn told(click: Id<kind::Click>, external: u32, status: Status, sale: i64) -> Told {
    Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse(&external.to_string()).unwrap(),
        },
        entry: None,
        click: Some(click),
        order: Reference::parse(&format!("R-{external}")).ok(),
        item: None,
        occurred_at: at("2026-11-01 12:10"),
        sale,
        commission: sale.saturating_mul(3).div_euclid(100),
        currency: None,
        status: Some(status),
        reason: None,
        test: false,
        authority: Authority::Decides,
        source: Source::Report(Id::from_bits(2)),
    }
}

fn say(stage: &Stage, told: Vec<Told>) {
    stage.say(told);
    while follow_conversions(&stage.site).unwrap() > 0 {}
}

/// What is left of the budget, and what of it is set aside.
fn budget(stage: &Stage) -> String {
    let balance = |role| {
        let number = stage.site.store().find_account(Id::of(CAMPAIGN, UNIT.get(), role));
        number.and_then(|number| stage.site.store().account(number)).map_or(0, |one| one.balance())
    };
    format!("budget {} reserve {}", balance(AccountRole::Budget), balance(AccountRole::Reserve))
}

fn seen() -> Seen {
    Seen {
        id: Id::from_bits(1),
        member: HANA,
        shop: Id::from_bits(2),
        category: token("books"),
        click: Id::from_bits(3),
        clicked_at: at("2026-11-10 12:00"),
        order: None,
        sale: Amount::from(10_000),
        points: Amount::from(150),
        state: ConversionState::Tracked { expectation: None },
        due_at: None,
    }
}

/// A rule and a case in which it is looked at, changed from the simplest ones.
type Change = (fn(&mut Rules), fn(&mut Case<'_>));

fn same(_: &mut Case<'_>) {}

fn case(seen: &Seen) -> Case<'_> {
    Case {
        seen,
        first: true,
        part: Participation::default(),
        winners: 0,
        before: Amount::ZERO,
        stopped: false,
    }
}

fn check(table: Vec<(&str, Change, u32)>) {
    let seen = seen();
    for (name, (edit, arrange), expected) in table {
        let (mut rules, mut case) = (rules(), case(&seen));
        edit(&mut rules);
        arrange(&mut case);
        assert_eq!(award(&rules, case), Amount::from(expected), "{name}");
    }
}

#[test]
fn what_a_conversion_wins() {
    check(vec![
        ("a fixed reward", (|_| {}, same), 100),
        ("of the sale", (|r| r.reward = CampaignReward::OfSale(250), same), 250),
        ("of the points", (|r| r.reward = CampaignReward::OfPoints(10_000), same), 150),
        ("rounded down", (|r| r.reward = CampaignReward::OfPoints(99), same), 1),
        ("before it began", (|r| r.starts_at = at("2026-11-10 12:00").plus_seconds(1), same), 0),
        ("from its first moment", (|r| r.starts_at = at("2026-11-10 12:00"), same), 100),
        ("when it ended", (|r| r.ends_at = at("2026-11-10 12:00"), same), 0),
        ("too small a sale", (|r| r.sale_min = Amount::from(10_001), same), 0),
        ("just large enough", (|r| r.sale_min = Amount::from(10_000), same), 100),
        ("another shop", (|r| r.shops = BTreeSet::from([Id::from_bits(9)]), same), 0),
        ("its shop", (|r| r.shops = BTreeSet::from([Id::from_bits(2)]), same), 100),
        ("not the first", (|r| r.first_purchase = true, |c| c.first = false), 0),
        ("the first", (|r| r.first_purchase = true, same), 100),
        ("not entered", (|r| r.entry = true, same), 0),
        (
            "entered before",
            (|r| r.entry = true, |c| c.part.entered_at = Some(at("2026-11-10 12:00"))),
            100,
        ),
        (
            "entered after",
            (|r| r.entry = true, |c| c.part.entered_at = Some(at("2026-11-10 12:01"))),
            0,
        ),
    ]);
    let seen = seen();
    let of = |category| Rules { categories: BTreeSet::from([token(category)]), ..rules() };
    assert_eq!(award(&of("travel"), case(&seen)), Amount::ZERO, "another category");
    assert_eq!(award(&of("books"), case(&seen)), Amount::from(100), "its category");
}

#[test]
fn limits_and_stops_of_what_is_won() {
    check(vec![
        ("the last winner", (|r| r.winners_max = Some(3), |c| c.winners = 2), 100),
        ("one too late", (|r| r.winners_max = Some(3), |c| c.winners = 3), 0),
        (
            "a winner already",
            (
                |r| r.winners_max = Some(3),
                |c| {
                    c.winners = 3;
                    c.before = Amount::from(100);
                    c.part.points = Amount::from(100);
                },
            ),
            100,
        ),
        ("stopped", (|_| {}, |c| c.stopped = true), 0),
        (
            "stopped, and won before",
            (
                |r| r.reward = CampaignReward::OfSale(250),
                |c| {
                    c.stopped = true;
                    c.before = Amount::from(200);
                    c.part.points = Amount::from(200);
                },
            ),
            200,
        ),
        (
            "the rest of what one may win",
            (|r| r.member_max = Some(Amount::from(150)), |c| c.part.points = Amount::from(120)),
            30,
        ),
        (
            "no more than one may win",
            (|r| r.member_max = Some(Amount::from(120)), |c| c.part.points = Amount::from(120)),
            0,
        ),
    ]);
}

#[test]
fn a_budget_for_ten_pays_exactly_ten_of_fifty_at_once() {
    play(|stage| {
        launch(stage, rules());
        let mut clicks = Vec::new();
        for number in 0_u32..50 {
            let click = Click {
                id: Id::from_bits((2 << 80) | u128::from(number)),
                company: OURS,
                member: Id::from_bits(HANA.bits() + u128::from(number)),
                shop: stage.shop("books"),
                offer: stage.books,
                offer_version: 1,
                clicked_at: stage.site.now(),
                mark: None,
            };
            let Ok(()) = stage.site.store().run(RecordClick(click)).unwrap();
            clicks.push(told(click.id, 1_000 + number, Status::Approved, 10_000));
        }
        stage.clock.advance_seconds(3_600);
        // Eight threads bring conversions while two others let follow what follows from them.
        std::thread::scope(|scope| {
            for part in clicks.chunks(7) {
                let part = part.to_vec();
                scope.spawn(move || {
                    for one in part {
                        stage.say(vec![one]);
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    (0..20).for_each(|_| assert!(follow_conversions(&stage.site).is_ok()));
                });
            }
        });
        while follow_conversions(&stage.site).unwrap() > 0 {}
        let unit = UNIT.get();
        let balance = |number: u32| {
            let member: Id<kind::Member> = Id::from_bits(HANA.bits() + u128::from(number));
            let account =
                stage.site.store().find_account(Id::of(member, unit, AccountRole::Member));
            account.and_then(|number| stage.site.store().account(number)).unwrap().balance()
        };
        let balances: Vec<i64> = (0..50).map(balance).collect();
        let won = balances.iter().filter(|balance| **balance == 250).count();
        let not = balances.iter().filter(|balance| **balance == 150).count();
        assert_eq!((won, not), (10, 40), "{balances:?}");
        assert_eq!(budget(stage), "budget 0 reserve 0");
        assert_eq!(read(stage).winners, 10);
    });
}

#[test]
fn what_is_announced_is_set_aside_and_what_is_rejected_comes_back() {
    let expected = expect![[r"
        funded: has 0 expects 0 owes 0, budget 1000 reserve 0, 0 win
        tracked: has 0 expects 250 owes 0, budget 900 reserve 100, 1 win
        rejected: has 0 expects 0 owes 0, budget 1000 reserve 0, 0 win
        tracked again: has 0 expects 250 owes 0, budget 900 reserve 100, 1 win
        approved: has 150 expects 100 owes 0, budget 900 reserve 100, 1 win
        too early: has 150 expects 100 owes 0, budget 900 reserve 100, 1 win
        granted: has 250 expects 0 owes 0, budget 900 reserve 0, 1 win
        taken back: has 0 expects 0 owes 0, budget 1000 reserve 0, 0 win
    "]];
    tell(&expected, |stage| {
        let mut text = String::new();
        let mut note = |name: &str| {
            let winners = read(stage).winners;
            let (purse, budget) = (stage.purse(), budget(stage));
            writeln!(text, "{name}: {purse}, {budget}, {winners} win").unwrap();
        };
        launch(stage, Rules { delay_days: 10, ..rules() });
        note("funded");
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        say(stage, vec![told(click, 1, Status::Occurred, 10_000)]);
        note("tracked");
        say(stage, vec![told(click, 1, Status::Rejected, 10_000)]);
        note("rejected");
        say(stage, vec![told(click, 2, Status::Occurred, 10_000)]);
        note("tracked again");
        say(stage, vec![told(click, 2, Status::Approved, 10_000)]);
        note("approved");
        stage.clock.advance_seconds(10 * 86_400 - 1);
        grant_due(&stage.site).unwrap();
        note("too early");
        stage.clock.advance_seconds(1);
        grant_due(&stage.site).unwrap();
        note("granted");
        say(stage, vec![told(click, 2, Status::Rejected, 10_000)]);
        note("taken back");
        text
    });
}

#[test]
fn a_row_waits_for_its_turn_and_worked_off_twice_changes_nothing() {
    play(|stage| {
        launch(stage, rules());
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        stage.say(vec![told(click, 1, Status::Approved, 10_000)]);
        assert_eq!(stage.purse(), "has 150 expects 0 owes 0");
        let next = |reader: &mut store::Reader<'_>| next_rows(reader, OURS, 10);
        let rows = stage.site.store().database().read(next).unwrap();
        assert_eq!(rows.len(), 1, "the row was written with the conversion");
        for _ in 0..3 {
            let config = stage.site.shared_config();
            let command = FollowConversions { config, rows: rows.clone() };
            let Ok(()) = stage.site.store().run(command).unwrap();
            assert_eq!(stage.purse(), "has 250 expects 0 owes 0");
        }
        assert_eq!(read(stage).winners, 1);
        assert_eq!(stage.site.store().database().read(next).unwrap(), []);
    });
}

#[test]
fn a_stopped_campaign_keeps_what_it_announced_and_gives_back_the_rest() {
    play(|stage| {
        launch(stage, rules());
        let clicks = [1, 2].map(|number| stage.click(number, stage.books));
        stage.clock.advance_seconds(3_600);
        say(stage, vec![told(clicks[0], 1, Status::Occurred, 10_000)]);
        change(stage, maker(), CampaignChange::Stop).unwrap();
        say(stage, vec![told(clicks[1], 2, Status::Occurred, 10_000)]);
        assert_eq!(budget(stage), "budget 900 reserve 100", "nothing new is won");
        assert_eq!(stage.purse(), "has 0 expects 400 owes 0");
        change(stage, maker(), CampaignChange::Close).unwrap();
        assert_eq!(budget(stage), "budget 0 reserve 100");
        say(stage, vec![told(clicks[0], 1, Status::Approved, 10_000)]);
        assert_eq!(stage.purse(), "has 250 expects 150 owes 0", "a promise is kept");
        assert_eq!(budget(stage), "budget 0 reserve 0");
    });
}

#[test]
fn a_budget_needs_a_second_person() {
    play(|stage| {
        let nothing = Rules { reward: CampaignReward::OfSale(0), ..rules() };
        assert_eq!(save(stage, nothing), Err(CampaignRefusal::RewardUnfit));
        let over = Rules { ends_at: at("2026-11-01 00:00"), ..rules() };
        assert_eq!(save(stage, over), Err(CampaignRefusal::PeriodUnfit));
        let small = Rules { budget: Amount::from(99), ..rules() };
        assert_eq!(save(stage, small), Err(CampaignRefusal::BudgetUnfit));
        save(stage, rules()).unwrap();
        let early = change(stage, checker(), CampaignChange::Approve);
        assert_eq!(early, Err(CampaignRefusal::StateUnfit));
        change(stage, maker(), CampaignChange::Propose).unwrap();
        let alone = change(stage, maker(), CampaignChange::Approve);
        assert_eq!(alone, Err(CampaignRefusal::SamePerson));
        assert_eq!(save(stage, rules()), Err(CampaignRefusal::StateUnfit));
        assert_eq!(budget(stage), "budget 0 reserve 0");
        change(stage, checker(), CampaignChange::Approve).unwrap();
        assert_eq!(budget(stage), "budget 1000 reserve 0");
    });
}

#[test]
fn an_entry_counts_from_its_moment_and_once() {
    play(|stage| {
        launch(stage, Rules { entry: true, ..rules() });
        let enter = || {
            stage.site.store().run(EnterCampaign {
                company: OURS,
                campaign: CAMPAIGN,
                member: HANA,
            })
        };
        let before = stage.click(1, stage.books);
        stage.clock.advance_seconds(60);
        let first = enter().unwrap().unwrap();
        stage.clock.advance_seconds(60);
        assert_eq!(enter().unwrap(), Ok(first), "a repeat keeps the first moment");
        let after = stage.click(2, stage.books);
        stage.clock.advance_seconds(3_600);
        say(stage, vec![told(before, 1, Status::Occurred, 10_000)]);
        assert_eq!(stage.purse(), "has 0 expects 150 owes 0");
        say(stage, vec![told(after, 2, Status::Occurred, 10_000)]);
        assert_eq!(stage.purse(), "has 0 expects 400 owes 0");
        stage.clock.set(at("2026-12-01 00:00"));
        let late = EnterCampaign { company: OURS, campaign: CAMPAIGN, member: Id::from_bits(5) };
        let late = stage.site.store().run(late).unwrap();
        assert_eq!(late, Err(CampaignRefusal::NotRunning));
    });
}

#[test]
fn a_simulation_costs_what_the_campaign_costs() {
    play(|stage| {
        let rules = Rules {
            reward: CampaignReward::OfPoints(5_000),
            budget: Amount::from(400),
            first_purchase: false,
            ..rules()
        };
        let mut all = Vec::new();
        for number in 1_u32..=8 {
            let click = stage.click(u128::from(number), stage.books);
            stage.clock.advance_seconds(3_600);
            let occurred_at = stage.site.now();
            all.push(Told { occurred_at, ..told(click, number, Status::Approved, 10_000) });
        }
        say(stage, all);
        let past = simulate_past(&stage.site, &rules).unwrap();
        assert_eq!((past.total().winners, past.total().points), (5, Amount::from(375)));
        assert_eq!((past.seen, past.members()), (8, 1));
        assert!(past.short_on.is_some(), "the budget was too small");
        assert_eq!(past.days.len(), 1);
    });
}

#[test]
fn sales_write_a_campaign_accounting_funds_it_and_members_enter() {
    play(|stage| {
        let sales = stage.client(Some(maker())).browser();
        let accounting = stage.client(Some(checker())).browser();
        assert!(wait(sales.get("/staff/campaigns")).text.contains("まだありません"), "none yet");
        assert_eq!(wait(sales.get("/staff/campaigns/new")).status.as_u16(), 200);
        let id = CAMPAIGN.to_string();
        let send = |reward: &str, ends_on: &str, shops: &str| {
            let fields = [
                ("id", id.as_str()),
                ("name", "秋の読書"),
                ("about", "期間中のお買い物が対象です。"),
                ("starts_on", "2026-11-01"),
                ("ends_on", ends_on),
                ("shops", shops),
                ("reward_kind", "points"),
                ("reward", reward),
                ("member_max", "1,000"),
                ("budget", "1000"),
                ("entry", "1"),
            ];
            wait(sales.post_form("/staff/campaigns", &fields))
        };
        for (reward, ends_on, shops, message) in [
            ("二倍", "2026-11-30", "", "数字を入力してください"),
            ("100", "2026-10-31", "", "最終日を、初日以降で"),
            ("100", "2026-11-30", "nowhere", "掲載中のショップの名前を"),
            ("0", "2026-11-30", "", "0より大きく"),
        ] {
            let answer = send(reward, ends_on, shops);
            assert_eq!(answer.status.as_u16(), 422, "{message}");
            assert!(answer.text.contains(message), "{message} in {}", answer.text);
        }
        assert_eq!(send("100", "2026-11-30", "books").status.as_u16(), 303);
        let (page, desk) = (format!("/campaigns/{id}"), format!("/staff/campaigns/{id}"));
        let tried = wait(sales.get(&format!("{desk}?simulate=1"))).text;
        assert!(tried.contains("予算に収まります"), "{tried}");
        assert_eq!(wait(sales.get(&format!("{desk}/edit"))).status.as_u16(), 200);
        let hana = stage.client(Some(access::testing::member(7, OURS, HANA))).browser();
        assert_eq!(wait(hana.get(&page)).status.as_u16(), 404, "a draft is nobody's business");
        let act = |act: &str| wait(sales.post_form(&desk, &[("act", act)])).status.as_u16();
        assert_eq!(act("propose"), 303);
        let approve = format!("{desk}/approve");
        assert_eq!(wait(sales.post_form(&approve, &[])).status.as_u16(), 403);
        assert_eq!(wait(accounting.post_form(&approve, &[])).status.as_u16(), 303);
        assert_eq!(budget(stage), "budget 1000 reserve 0");
        assert!(wait(hana.get("/campaigns")).text.contains("秋の読書"), "it runs");
        assert!(wait(hana.get(&page)).text.contains("エントリーする"), "she can enter");
        assert_eq!(wait(hana.post_form(&page, &[])).status.as_u16(), 303);
        assert!(wait(hana.get(&page)).text.contains("エントリー済み"), "she is in");
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        say(stage, vec![told(click, 1, Status::Occurred, 10_000)]);
        assert_eq!(stage.purse(), "has 0 expects 300 owes 0");
        assert!(wait(sales.get(&desk)).text.contains("1,000ptのうち150pt"), "it is in use");
        assert_eq!(act("stop"), 303);
        assert_eq!(act("stop"), 422, "it is stopped");
        assert!(wait(hana.get(&page)).text.contains("終了しました"), "it is over");
        let late = stage.client(Some(access::testing::member(8, OURS, Id::from_bits(5)))).browser();
        assert_eq!(wait(late.post_form(&page, &[])).status.as_u16(), 422);
    });
}
