use std::collections::BTreeSet;

use crate::click::{Click, RecordClick};
use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::follow_up::follow_conversions;
use crate::leaving::{AskToLeave, EndMembership};
use crate::personal_data::{Chapter, read_part};
use crate::referral::{
    ApproveReferralTerms, DecideReferral, DecisionStep, JoinMails, JoinReferral, JoinSignals,
    MakeReferralLink, Proposal, ProposeReferralTerms, Referral, ReferralRefusal, ReferralRule,
    ReferralState, ReferralTerms, Verdict, expire_referrals, find_link_of, find_referrals, judge,
    mail_name,
};
use crate::tests::{HANA, OURS, Stage, UNIT, at, play, token, wait};
use access::audit_trail::{Search, list};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use mail::{Body, Category, Letter, Recipient};
use vocabulary::{AccountRole, Amount, Email, Id, Label, Reference, kind};

/// Who invites Hana.
const TARO: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0002);

fn maker() -> Authenticated {
    staff(5, OURS, Role::Sales)
}

fn checker() -> Authenticated {
    staff(6, OURS, Role::Accounting)
}

fn terms() -> ReferralTerms {
    ReferralTerms {
        inviter: Amount::from(500),
        invited: Amount::from(300),
        mark: Amount::from(150),
        within_days: 30,
        month_max: 5,
        recall_days: 60,
    }
}

fn referral(state: ReferralState, verdict: Verdict, earned: u32) -> Referral {
    let joined_at = at("2026-11-01 12:00");
    Referral {
        company: OURS,
        invited: HANA,
        inviter: TARO,
        joined_at,
        ends_at: joined_at.plus_days(30),
        terms: terms(),
        rules: BTreeSet::new(),
        verdict,
        state,
        earned: Amount::from(earned),
        rewarded_month: None,
        proposed: None,
        decided_by: None,
        mail: None,
    }
}

#[test]
fn what_is_known_about_a_joining_leads_to_rules() {
    let quiet =
        JoinSignals { seconds_after_link: 300, joined_in_hour: 9, ..JoinSignals::default() };
    let table = [
        (quiet, "", Verdict::Allow),
        (JoinSignals { own_link: true, ..quiet }, "own_link", Verdict::Deny),
        (JoinSignals { circle: true, ..quiet }, "circle", Verdict::Deny),
        (JoinSignals { seconds_after_link: -1, ..quiet }, "circle", Verdict::Deny),
        (JoinSignals { same_account: true, ..quiet }, "same_account", Verdict::Hold),
        (JoinSignals { same_mail: true, ..quiet }, "same_mail", Verdict::Hold),
        (JoinSignals { same_device: true, ..quiet }, "same_device", Verdict::Hold),
        (JoinSignals { seconds_after_link: 299, ..quiet }, "soon", Verdict::Hold),
        (JoinSignals { joined_in_hour: 10, ..quiet }, "crowd", Verdict::Hold),
    ];
    for (signals, expected, verdict) in table {
        let rules = judge(signals);
        let codes: Vec<_> = rules.iter().map(|rule| rule.code()).collect();
        assert_eq!((codes.join(" ").as_str(), Verdict::of(&rules)), (expected, verdict));
    }
    let worst = BTreeSet::from([ReferralRule::Soon, ReferralRule::OwnLink]);
    assert_eq!(Verdict::of(&worst), Verdict::Deny);
}

#[test]
fn a_referral_follows_what_was_earned() {
    use ReferralState::{Expired, Granted, Held, Refused, Waiting};
    let now = at("2026-11-20 12:00");
    let granted = Granted { at: now.plus_days(-59) };
    let long_ago = Granted { at: now.plus_days(-60) };
    let table = [
        (Waiting, Verdict::Allow, 149, Waiting),
        (Waiting, Verdict::Allow, 150, Granted { at: now }),
        (Waiting, Verdict::Hold, 150, Held),
        (Waiting, Verdict::Deny, 150, Refused),
        (Held, Verdict::Hold, 149, Waiting),
        (Held, Verdict::Allow, 150, Granted { at: now }),
        (granted, Verdict::Allow, 150, granted),
        (granted, Verdict::Allow, 149, Waiting),
        (long_ago, Verdict::Allow, 149, long_ago),
        (Refused, Verdict::Allow, 150, Refused),
        (Expired, Verdict::Allow, 150, Expired),
    ];
    for (state, verdict, earned, expected) in table {
        let after = referral(state, verdict, earned).after(1, now);
        assert_eq!(after, expected, "{state:?} {verdict:?} {earned}");
    }
    let first = Referral {
        terms: ReferralTerms { mark: Amount::ZERO, ..terms() },
        ..referral(Waiting, Verdict::Allow, 0)
    };
    assert_eq!(first.after(0, now), Waiting, "the first purchase is waited for");
    assert_eq!(first.after(1, now), Granted { at: now });
}

fn promise(stage: &Stage) {
    promise_terms(stage, terms());
}

fn promise_terms(stage: &Stage, terms: ReferralTerms) {
    let store = stage.site.store();
    let (company, starts_at) = (OURS, stage.site.now());
    let propose = |terms| {
        let by = maker();
        store.run(ProposeReferralTerms { company, by, starts_at, terms }).unwrap()
    };
    let nothing = ReferralTerms { inviter: Amount::ZERO, invited: Amount::ZERO, ..terms };
    assert_eq!(propose(nothing), Err(ReferralRefusal::TermsUnfit));
    propose(terms).unwrap();
    let approve = |by| store.run(ApproveReferralTerms { company, by, starts_at }).unwrap();
    assert_eq!(approve(maker()), Err(ReferralRefusal::SamePerson));
    approve(checker()).unwrap();
    assert_eq!(propose(terms), Err(ReferralRefusal::TermsInForce));
}

/// Lets Hana join by Taro's link so many seconds after it was made.
fn join(stage: &Stage, seconds: i64) -> Option<Referral> {
    let store = stage.site.store();
    let make = |code| {
        let command = MakeReferralLink { company: OURS, member: TARO, code: token(code) };
        store.run(command).unwrap().unwrap()
    };
    let link = make("first");
    assert_eq!(make("second"), link, "a link is made once");
    stage.clock.advance_seconds(seconds);
    let (code, joined_at) = (link.code, stage.site.now());
    let command = JoinReferral {
        company: OURS,
        member: HANA,
        code,
        joined_at,
        mails: JoinMails::default(),
        same_device: false,
    };
    let joined = store.run(command.clone()).unwrap().unwrap();
    assert_eq!(store.run(command).unwrap().unwrap(), joined, "a repeat changes nothing");
    joined
}

fn say(stage: &Stage, click: Id<kind::Click>, status: Status) {
    tell(stage, click, "900", status);
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
    while follow_conversions(&stage.site).unwrap() > 0 {}
}

fn read(stage: &Stage) -> Referral {
    let hana = BTreeSet::from([HANA]);
    let find = |reader: &mut store::Reader<'_>| find_referrals(reader, OURS, &hana);
    stage.site.store().database().read(find).unwrap().remove(&HANA).unwrap()
}

fn has(stage: &Stage, member: Id<kind::Member>) -> i128 {
    let store = stage.site.store();
    let number = store.find_account(Id::of(member, UNIT.get(), AccountRole::Member));
    number.and_then(|number| store.account(number)).map_or(0, |one| one.balance().into())
}

#[test]
fn both_are_rewarded_once_and_lose_it_with_the_purchase() {
    play(|stage| {
        promise(stage);
        assert_eq!(join(stage, 3_600).unwrap().verdict, Verdict::Allow);
        let click = stage.click(1, stage.books);
        say(stage, click, Status::Occurred);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (0, 0));
        for _ in 0..2 {
            say(stage, click, Status::Approved);
            assert_eq!(read(stage).state.code(), "granted");
            assert_eq!((has(stage, HANA), has(stage, TARO)), (450, 500));
        }
        say(stage, click, Status::Rejected);
        assert_eq!(read(stage).state, ReferralState::Waiting);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (0, 0));
        stage.clock.advance_seconds(34 * 86_400);
        assert_eq!(expire_referrals(&stage.site).unwrap(), 1);
        assert_eq!(expire_referrals(&stage.site).unwrap(), 0);
        assert_eq!(read(stage).state, ReferralState::Expired);
    });
}

#[test]
fn a_held_referral_is_released_by_two_persons() {
    play(|stage| {
        promise(stage);
        assert_eq!(join(stage, 60).unwrap().verdict, Verdict::Hold);
        let click = stage.click(1, stage.books);
        say(stage, click, Status::Approved);
        assert_eq!(read(stage).state, ReferralState::Held);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (150, 0));
        let decide = |by, proposal, step| {
            let (config, invited) = (stage.site.shared_config(), HANA);
            let command = DecideReferral { config, by, invited, proposal, step };
            stage.site.store().run(command).unwrap()
        };
        let propose = |by, proposal| {
            let reason = Label::parse("called them").unwrap();
            decide(by, proposal, DecisionStep::Propose { reason })
        };
        let confirm = |by, proposal| decide(by, proposal, DecisionStep::Confirm);
        let (release, deny) = (Proposal::Release, Proposal::Deny);
        assert_eq!(confirm(checker(), release), Err(ReferralRefusal::StateUnfit));
        for _ in 0..2 {
            assert_eq!(propose(maker(), release), Ok(ReferralState::Held));
        }
        assert_eq!(confirm(maker(), release), Err(ReferralRefusal::SamePerson));
        assert_eq!(confirm(checker(), deny), Err(ReferralRefusal::StateUnfit));
        for _ in 0..2 {
            assert_eq!(confirm(checker(), release).map(ReferralState::code), Ok("granted"));
        }
        assert_eq!(confirm(checker(), deny), Err(ReferralRefusal::StateUnfit));
        assert_eq!(confirm(maker(), release), Err(ReferralRefusal::StateUnfit));
        assert_eq!(propose(maker(), deny), Err(ReferralRefusal::StateUnfit));
        assert_eq!((has(stage, HANA), has(stage, TARO)), (450, 500));
    });
}

#[test]
fn a_member_makes_a_link_that_anybody_can_open() {
    play(|stage| {
        promise(stage);
        let taro = stage.client(Some(member(7, OURS, TARO)));
        assert!(wait(taro.get("/invite")).text.contains("紹介リンクを作る"));
        assert_eq!(wait(taro.post_form("/invite", &[])).status.as_u16(), 303);
        let page = wait(taro.get("/invite")).text;
        let (_, rest) = page.split_once("http://localhost/invite/").unwrap();
        let (code, _) = rest.split_once('"').unwrap();
        let guest = wait(stage.client(None).get(&format!("/invite/{code}"))).text;
        assert!(guest.contains(&format!("/sign-up?i={code}")), "{guest}");
        assert!(guest.contains("300") && guest.contains("150ポイント獲得"), "{guest}");
        assert_eq!(wait(stage.client(None).get("/invite/nobody")).status.as_u16(), 404);
    });
}

#[test]
fn addresses_of_one_box_have_one_name() {
    let table = [
        ("Hana@example.jp", "hana@example.jp"),
        ("hana+shop@example.jp", "hana@example.jp"),
        ("ha.na@example.jp", "ha.na@example.jp"),
        ("h.a.n.a+x+y@gmail.com", "hana@gmail.com"),
        ("hana@googlemail.com", "hana@gmail.com"),
    ];
    for (mail, expected) in table {
        assert_eq!(mail_name(&Email::parse(mail).unwrap()), expected);
    }
}

const JIRO: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0003);

/// Lets somebody join by the link of somebody, a quiet hour after it was made.
fn join_by(
    stage: &Stage,
    (inviter, code): (Id<kind::Member>, &str),
    (invited, mails): (Id<kind::Member>, JoinMails),
) -> Referral {
    let make = MakeReferralLink { company: OURS, member: inviter, code: token(code) };
    let code = stage.site.store().run(make).unwrap().unwrap().code;
    stage.clock.advance_seconds(3_600);
    let joined_at = stage.site.now();
    let command =
        JoinReferral { company: OURS, member: invited, code, joined_at, mails, same_device: false };
    stage.site.store().run(command).unwrap().unwrap().unwrap()
}

fn rules(referral: &Referral) -> Vec<&'static str> {
    referral.rules.iter().map(|rule| rule.code()).collect()
}

#[test]
fn who_joins_with_a_known_address_is_held() {
    play(|stage| {
        promise(stage);
        let vault = &stage.site.config().exchange.vault;
        let name = |mail| Some(JoinReferral::name_mail(vault, &Email::parse(mail).unwrap()));
        let inviter = name("taro@gmail.com");
        let mails = |mail| JoinMails { invited: name(mail), inviter };
        let first = join_by(stage, (TARO, "t"), (HANA, mails("hana@example.jp")));
        assert_eq!(rules(&first), [""; 0]);
        let again = join_by(stage, (TARO, "t"), (JIRO, mails("hana+2@example.jp")));
        assert_eq!((rules(&again), again.verdict), (vec!["same_mail"], Verdict::Hold));
        let own = join_by(stage, (TARO, "t"), (Id::from_bits(4), mails("t.aro+x@gmail.com")));
        assert_eq!((rules(&own), own.verdict), (vec!["same_mail"], Verdict::Hold));
        let row = read(stage);
        assert_eq!(row.mail, name("hana@example.jp"), "the name is kept, not the address");
    });
}

#[test]
fn a_circle_over_several_members_is_refused() {
    play(|stage| {
        promise(stage);
        let unknown = JoinMails::default();
        assert_eq!(rules(&join_by(stage, (HANA, "h"), (TARO, unknown))), [""; 0]);
        assert_eq!(rules(&join_by(stage, (TARO, "t"), (JIRO, unknown))), [""; 0]);
        let circle = join_by(stage, (JIRO, "j"), (HANA, unknown));
        assert_eq!((rules(&circle), circle.state), (vec!["circle"], ReferralState::Refused));
    });
}

#[test]
fn a_code_of_somebody_else_is_not_given_again() {
    play(|stage| {
        let make = |member| {
            let command = MakeReferralLink { company: OURS, member, code: token("same") };
            stage.site.store().run(command).unwrap().map(|link| link.member)
        };
        assert_eq!(make(TARO), Ok(TARO));
        assert_eq!(make(JIRO), Err(ReferralRefusal::CodeTaken));
        assert_eq!(make(TARO), Ok(TARO), "a repeat");
        let both = [HANA, JIRO].map(|member| MakeReferralLink {
            company: OURS,
            member,
            code: token("new"),
        });
        let made = stage.site.store().run_all(both.to_vec()).unwrap();
        assert!(made[0].is_ok() && made[1] == Err(ReferralRefusal::CodeTaken), "{made:?}");
    });
}

/// Approves a purchase of somebody that gives 150 points.
fn buy(stage: &Stage, member: Id<kind::Member>, number: u128) {
    let id = Id::from_bits((3 << 80) | number);
    let click = Click {
        id,
        company: OURS,
        member,
        shop: stage.shop("books"),
        offer: stage.books,
        offer_version: 1,
        clicked_at: stage.site.now(),
        mark: None,
    };
    let Ok(()) = stage.site.store().run(RecordClick(click)).unwrap();
    tell(stage, id, &format!("{number}"), Status::Approved);
}

#[test]
fn beyond_the_months_cap_only_the_friend_is_rewarded() {
    play(|stage| {
        promise_terms(stage, ReferralTerms { month_max: 1, ..terms() });
        let unknown = JoinMails::default();
        for (invited, number) in [(HANA, 1), (JIRO, 2)] {
            join_by(stage, (TARO, "t"), (invited, unknown));
            buy(stage, invited, number);
        }
        assert_eq!((has(stage, HANA), has(stage, JIRO)), (450, 450));
        assert_eq!(has(stage, TARO), 500, "for one of two");
        // The place of a reward that is taken back is free again, for whoever comes next.
        tell(stage, Id::from_bits((3 << 80) | 1), "1", Status::Rejected);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (0, 0));
        let later = Id::from_bits(5);
        join_by(stage, (TARO, "t"), (later, unknown));
        buy(stage, later, 3);
        assert_eq!((has(stage, later), has(stage, TARO)), (450, 500));
        stage.clock.set(at("2026-12-01 00:00"));
        let next = Id::from_bits(6);
        join_by(stage, (TARO, "t"), (next, unknown));
        buy(stage, next, 4);
        assert_eq!((has(stage, next), has(stage, TARO)), (450, 1_000), "a new month");
    });
}

/// Ends a membership.
fn leave(stage: &Stage, member: Id<kind::Member>) {
    let letter = Letter {
        id: Id::from_bits(9),
        company: OURS,
        category: Category::Service,
        to: Recipient::Member(member),
        subject: Label::parse("退会").unwrap(),
        body: Body::parse("14日以内は取り消せます。").unwrap(),
    };
    let store = stage.site.store();
    let unit = UNIT;
    store.run(AskToLeave { member, company: OURS, unit, letter }).unwrap().unwrap();
    stage.clock.advance_seconds(15 * 86_400);
    let by = stage.site.config().actor;
    let Ok(_left) = store.run(EndMembership { member, unit, by, erased: false }).unwrap();
}

#[test]
fn who_leaves_is_forgotten_and_not_rewarded() {
    play(|stage| {
        promise(stage);
        let vault = &stage.site.config().exchange.vault;
        let mail = JoinReferral::name_mail(vault, &Email::parse("hana@example.jp").unwrap());
        let mails = JoinMails { invited: Some(mail), inviter: None };
        join_by(stage, (TARO, "t"), (HANA, mails));
        leave(stage, TARO);
        let find = |reader: &mut store::Reader<'_>| find_link_of(reader, TARO);
        assert_eq!(stage.site.store().database().read(find).unwrap(), None);
        buy(stage, HANA, 1);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (450, 0), "the friend is rewarded");
        join_by(stage, (HANA, "h"), (JIRO, JoinMails::default()));
        leave(stage, HANA);
        assert_eq!(read(stage).mail, None);
        assert_eq!(read(stage).state.code(), "granted", "the books keep what was granted");
        leave(stage, JIRO);
        let jiro = BTreeSet::from([JIRO]);
        let find = |reader: &mut store::Reader<'_>| find_referrals(reader, OURS, &jiro);
        let found = stage.site.store().database().read(find).unwrap();
        assert_eq!(found[&JIRO].state, ReferralState::Expired);
    });
}

/// What the audit trail tells about referrals.
fn trail(stage: &Stage) -> Vec<String> {
    let read = |reader: &mut store::Reader<'_>| list(reader, &Search::All, None, 100);
    let all = stage.site.store().database().read(read).unwrap();
    let mut told: Vec<_> = all.iter().map(|one| one.entry.action.clone()).collect();
    told.retain(|action| action.starts_with("referral"));
    told
}

#[test]
fn staff_plan_terms_and_decide_what_is_held() {
    play(|stage| {
        let sales = stage.client(Some(maker()));
        let accounting = stage.client(Some(checker()));
        let supervisor = stage.client(Some(staff(7, OURS, Role::Supervisor)));
        let path = "/staff/referrals/terms";
        let form = |day: &'static str, inviter: &'static str| {
            [
                ("starts_on", day),
                ("inviter", inviter),
                ("invited", "300"),
                ("mark", "150"),
                ("within_days", "30"),
                ("month_max", "5"),
                ("recall_days", "60"),
            ]
        };
        let propose = |day, inviter| wait(sales.post_form(path, &form(day, inviter)));
        assert_eq!(wait(sales.get("/staff/referrals/terms/new")).status.as_u16(), 200);
        assert_eq!(propose("2026-11-02", "many").status.as_u16(), 422);
        let past = propose("2026-10-31", "500");
        assert_eq!((past.status.as_u16(), past.text.contains("明日以降")), (422, true));
        assert_eq!(propose("2026-11-02", "1,500").status.as_u16(), 303);
        let page = wait(accounting.get(path)).text;
        assert!(page.contains("1,500"), "{page}");
        let (_, rest) = page.split_once("name=\"starts_at\" value=\"").unwrap();
        let (starts_at, _) = rest.split_once('"').unwrap();
        let approve = format!("{path}/approve");
        let fields = [("starts_at", starts_at)];
        assert_eq!(wait(sales.post_form(&approve, &fields)).status.as_u16(), 403);
        for _ in 0..2 {
            assert_eq!(wait(accounting.post_form(&approve, &fields)).status.as_u16(), 303);
        }
        assert_eq!(propose("2026-11-02", "500").status.as_u16(), 422, "approved already");

        stage.clock.set(at("2026-11-02 00:00"));
        assert_eq!(join(stage, 60).unwrap().verdict, Verdict::Hold);
        buy(stage, HANA, 1);
        let list = wait(supervisor.get("/staff/referrals")).text;
        assert!(list.contains("リンク作成の直後"), "{list}");
        assert_eq!(wait(sales.get("/staff/referrals")).status.as_u16(), 403);
        let case = format!("/staff/referrals/of/{HANA}");
        let post = |client: &web::testing::Client, step: &str, reason: &str| {
            let fields = [("verdict", "release"), ("reason", reason)];
            wait(client.post_form(&format!("{case}/{step}"), &fields)).status.as_u16()
        };
        assert_eq!(post(&accounting, "confirm", ""), 422, "nothing is proposed");
        assert_eq!(post(&supervisor, "propose", ""), 422, "without a reason");
        assert_eq!(post(&supervisor, "propose", "電話で確認"), 303);
        assert_eq!(post(&supervisor, "confirm", ""), 422, "by the same person");
        assert!(wait(accounting.get(&case)).text.contains("電話で確認"));
        assert_eq!(post(&accounting, "propose", "x"), 403);
        assert_eq!(post(&accounting, "confirm", ""), 303);
        assert_eq!((has(stage, HANA), has(stage, TARO)), (450, 1_500));
        assert!(wait(accounting.get("/staff/referrals")).text.contains("最近決めた紹介"));
        let nobody = format!("/staff/referrals/of/{JIRO}");
        assert_eq!(wait(accounting.get(&nobody)).status.as_u16(), 404);
        let mut told = trail(stage);
        told.sort();
        let expected = [
            "referral.propose",
            "referral.release",
            "referral_terms.approve",
            "referral_terms.propose",
        ];
        assert_eq!(told, expected);
        let invite = wait(stage.client(Some(member(8, OURS, TARO))).get("/invite")).text;
        assert!(invite.contains("1,500"), "{invite}");
    });
}

#[test]
fn both_take_along_that_a_friend_joined_and_not_who() {
    play(|stage| {
        promise(stage);
        join_by(stage, (TARO, "t"), (HANA, JoinMails::default()));
        let told = |member, chapter| {
            let read = |reader: &mut store::Reader<'_>| read_part(reader, member, chapter, None);
            stage.site.store().database().read(read).unwrap().entries
        };
        let (own, friends) = (told(HANA, Chapter::Invitation), told(TARO, Chapter::Friends));
        assert_eq!((own.len(), friends.len()), (1, 1));
        assert!(!format!("{own:?}{friends:?}").contains("mem_"), "nobody's number: {own:?}");
    });
}
