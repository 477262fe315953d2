use std::collections::BTreeSet;

use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::follow_up::follow_conversions;
use crate::referral::{
    ApproveReferralTerms, DecideReferral, DecisionStep, JoinMails, JoinReferral, JoinSignals,
    MakeReferralLink, Proposal, ProposeReferralTerms, Referral, ReferralRefusal, ReferralRule, ReferralState, ReferralTerms,
    Verdict, expire_referrals, find_referrals, judge,
};
use crate::tests::{HANA, OURS, Stage, UNIT, at, play, token, wait};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use vocabulary::{AccountRole, Amount, Id, Label, Reference, kind};

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
    let store = stage.site.store();
    let (company, starts_at) = (OURS, stage.site.now());
    let propose = |terms| {
        let by = maker();
        store.run(ProposeReferralTerms { company, by, starts_at, terms }).unwrap()
    };
    let nothing = ReferralTerms { inviter: Amount::ZERO, invited: Amount::ZERO, ..terms() };
    assert_eq!(propose(nothing), Err(ReferralRefusal::TermsUnfit));
    propose(terms()).unwrap();
    let approve = |by| store.run(ApproveReferralTerms { company, by, starts_at }).unwrap();
    assert_eq!(approve(maker()), Err(ReferralRefusal::SamePerson));
    approve(checker()).unwrap();
    assert_eq!(propose(terms()), Err(ReferralRefusal::TermsInForce));
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
    };
    let joined = store.run(command.clone()).unwrap().unwrap();
    assert_eq!(store.run(command).unwrap().unwrap(), joined, "a repeat changes nothing");
    joined
}

fn say(stage: &Stage, click: Id<kind::Click>, status: Status) {
    stage.say(vec![Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse("900").unwrap(),
        },
        entry: None,
        click: Some(click),
        order: Reference::parse("R-900").ok(),
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
        assert!(guest.contains("300ポイント"), "{guest}");
        assert_eq!(wait(stage.client(None).get("/invite/nobody")).status.as_u16(), 404);
    });
}
