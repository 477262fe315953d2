//! The story of a friend: from a member's link over the letter of signing up to points for both.

use std::sync::Arc;

use crate::{
    membership::{GOOD, each_database, newest, status, went},
    site::{SHOPPING, Site, block_on},
};
use access::{Authenticated, LoginKey, Role, Subject, find_login, testing::staff};
use daifuku::membership::finish_joining;
use ledger::ActorNumber;
use point_site::{
    cap::Caps,
    click::{Click, RecordClick},
    follow_up::follow_conversions,
    network::Adapter,
    network_account::{
        ChangeNetworkAccount, NetworkAccountChange, NetworkAccountKey, NetworkTerms,
    },
    offer::{OfferTerms, Repeat, Reward, SaveOffer, SaveShop, Shop},
    preferences::find_preferences,
    referral::{
        ApproveReferralTerms, ProposeReferralTerms, Referral, ReferralState, ReferralTerms,
        find_referrals,
    },
    report::{StartReport, UploadedReport, apply_reports, receive_report},
};
use store::{Statement, natural_id};
use vocabulary::{AccountRole, Amount, Clock as _, Email, Id, Label, Token, kind};
use web::{StatusCode, testing::Client};

fn support() -> ActorNumber {
    ActorNumber::new(SHOPPING, 9)
}

fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

/// Opens a shop that gives 5 per cent, and terms that give 500 and 300 for 100 earned.
fn furnish(site: &Site) {
    let shop = Shop {
        company: SHOPPING,
        slug: token("books"),
        name: Label::parse("ほんだな書店").unwrap(),
        reading: Label::parse("hondana").unwrap(),
        category: token("books"),
        listed: true,
    };
    let sold = OfferTerms {
        network: token("accesstrade"),
        account: token("main"),
        reward: Reward::Rate { network: 1_000, member: 500 },
        tiers: Arc::default(),
        repeat: Repeat::Always,
        guaranteed: false,
        caps: Caps::default(),
        rejections: String::new(),
        record_by_days: 7,
        decide_by_days: 60,
        cookie_days: 30,
        conditions: String::new(),
        tracking_url: "https://click.accesstrade.example/go?pbid={ref}".to_owned(),
    };
    let points = &site.house.features().unwrap().site;
    let points = points.as_ref().unwrap();
    let adapter = Adapter::AccessTrade;
    let account = ChangeNetworkAccount {
        by: support(),
        request: None,
        company: SHOPPING,
        key: NetworkAccountKey { network: token("accesstrade"), account: token("main") },
        change: NetworkAccountChange::Add { adapter, terms: NetworkTerms::usual(adapter) },
    };
    points.change_network_account(account).unwrap().unwrap();
    points.save_shop(SaveShop { shop: shop.clone() }).unwrap();
    let offer = SaveOffer {
        id: Id::from_bits(1 << 80 | 1),
        company: SHOPPING,
        shop: shop.id(),
        terms: sold,
        starts_at: site.clock.now(),
        ends_at: None,
    };
    points.save_offer(offer).unwrap().unwrap();
    let (company, starts_at) = (SHOPPING, site.clock.now());
    let terms = ReferralTerms {
        inviter: Amount::from(500_u32),
        invited: Amount::from(300_u32),
        mark: Amount::from(100_u32),
        within_days: 30,
        month_max: 5,
        recall_days: 30,
    };
    let by = |number, role| -> Authenticated { staff(number, SHOPPING, role) };
    let propose = ProposeReferralTerms { company, by: by(31, Role::Sales), starts_at, terms };
    site.house.store.run(propose).unwrap().unwrap();
    let approve = ApproveReferralTerms { company, by: by(32, Role::Accounting), starts_at };
    site.house.store.run(approve).unwrap().unwrap();
}

fn member_of(site: &Site, mail: &str) -> Id<kind::Member> {
    let key = LoginKey::member(SHOPPING, &Email::parse(mail).unwrap());
    let login = site.house.store.database().read(|reader| find_login(reader, key)).unwrap();
    let Subject::Member(member) = login.unwrap().subject() else { panic!("no member") };
    member
}

fn referral_of(site: &Site, member: Id<kind::Member>) -> Option<Referral> {
    let find = |reader: &mut store::Reader<'_>| find_referrals(reader, SHOPPING, &[member].into());
    site.house.store.database().read(find).unwrap().remove(&member)
}

fn has(site: &Site, member: Id<kind::Member>) -> i64 {
    let store = &site.house.store;
    let number = store.find_account(Id::of(member, 1, AccountRole::Member));
    number.and_then(|number| store.account(number)).map_or(0, |account| account.balance())
}

/// Makes Hana's link and gives its path.
async fn link_of(site: &Site, mail: &str) -> String {
    let hana = site.client().browser();
    site.send_password(&hana, "/sign-in", mail).await;
    assert!(hana.get("/settings").await.text.contains("href=\"/invite\""));
    went(&hana.post_form("/invite", &[]).await, "/invite");
    let page = hana.get("/invite").await.text;
    let (_, rest) = page.split_once("/invite/").unwrap_or_else(|| panic!("no link in {page}"));
    let (code, _) = rest.split_once('"').unwrap();
    format!("/invite/{code}")
}

/// Signs somebody up by what a page of a link leads to.
async fn sign_up(site: &Site, path: &str, mail: &str) {
    sign_up_in(&site.client().browser(), site, path, mail).await;
}

async fn sign_up_in(browser: &Client, site: &Site, path: &str, mail: &str) {
    site.clock.advance_seconds(3_600);
    let page = browser.get(path).await;
    status(&page, StatusCode::OK);
    let (_, rest) = page.text.split_once("/sign-up?i=").unwrap();
    let (code, _) = rest.split_once('"').unwrap();
    status(&browser.get(&format!("/sign-up?i={code}")).await, StatusCode::OK);
    let fields = [("mail", mail), ("terms", "yes"), ("i", code)];
    went(&browser.post_form("/sign-up", &fields).await, "/sign-up/code");
    let (typed, _link) = newest(site);
    went(&browser.post_form("/sign-up/code", &[("code", &typed)]).await, "/sign-up/password");
    went(&browser.post_form("/sign-up/password", &[("new", GOOD)]).await, "/");
}

/// Lets a member buy for 4,000 yen, which the shop approves by its monthly file.
fn buy(site: &Site, member: Id<kind::Member>) {
    let points = &site.house.features().unwrap().site;
    let points = points.as_ref().unwrap();
    let click = Click {
        id: natural_id("test.click", &[&member.to_bytes()]),
        company: SHOPPING,
        member,
        shop: natural_id("site.shop", &[&SHOPPING.get().to_be_bytes(), b"books"]),
        offer: Id::from_bits(1 << 80 | 1),
        offer_version: 1,
        clicked_at: site.clock.now(),
        mark: None,
    };
    let Ok(()) = site.house.store.run(RecordClick(click)).unwrap();
    site.clock.advance_seconds(3_600);
    let reference = click.id.to_string().trim_start_matches("clk_").to_owned();
    let lines = [
        "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由".to_owned(),
        format!("1,2026/11/20 13:30:00,R-1,{reference},4000,400,承認,"),
    ];
    let upload = UploadedReport {
        network: token("accesstrade"),
        account: token("main"),
        file_name: "accesstrade.csv".to_owned(),
        bytes: lines.join("\r\n").into_bytes(),
        by: support(),
    };
    let received = receive_report(points, &upload).unwrap();
    let start = StartReport { report: received.report, company: SHOPPING, by: support() };
    site.house.store.run(start).unwrap().unwrap();
    while apply_reports(points).unwrap() > 0 {}
    while follow_conversions(points).unwrap() > 0 {}
}

#[test]
fn a_friend_joins_by_a_letter_and_both_are_rewarded() {
    each_database(|site| {
        let hana = site.add("hana", SHOPPING, Role::Member);
        furnish(site);
        block_on(async {
            let path = link_of(site, &hana).await;
            sign_up(site, &path, "taro@example.jp").await;
            let taro = member_of(site, "taro@example.jp");
            let referral = referral_of(site, taro).unwrap();
            assert_eq!(referral.state, ReferralState::Waiting);
            assert!(referral.rules.is_empty(), "{:?}", referral.rules);
            buy(site, taro);
            let hanas = member_of(site, &hana);
            assert_eq!((has(site, taro), has(site, hanas)), (500, 500));
            let browser = site.client().browser();
            site.send_password(&browser, "/sign-in", &hana).await;
            let page = browser.get("/passbook").await.text;
            assert!(page.contains("友達紹介"), "{page}");
            // Somebody who takes a tag for another address is looked at.
            sign_up(site, &path, "hana+2@example.jp").await;
            let second = referral_of(site, member_of(site, "hana+2@example.jp")).unwrap();
            let rules: Vec<_> = second.rules.iter().map(|rule| rule.code()).collect();
            assert_eq!(rules, ["same_mail"]);
            // And so is who signs up where the one who invites signed in before.
            let shared = site.client().browser();
            site.send_password(&shared, "/sign-in", &hana).await;
            sign_up_in(&shared, site, &path, "saburo@example.jp").await;
            let third = referral_of(site, member_of(site, "saburo@example.jp")).unwrap();
            let rules: Vec<_> = third.rules.iter().map(|rule| rule.code()).collect();
            assert_eq!(rules, ["same_device"]);
        });
    });
}

static FORGET_REFERRALS: Statement =
    Statement::new("forget referrals", "DELETE FROM site_referral");
static FORGET_PREFERENCES: Statement =
    Statement::new("forget preferences", "DELETE FROM site_member_preference");

#[test]
fn a_joining_that_was_cut_off_is_finished() {
    each_database(|site| {
        let hana = site.add("hana", SHOPPING, Role::Member);
        furnish(site);
        block_on(async {
            let path = link_of(site, &hana).await;
            sign_up(site, &path, "taro@example.jp").await;
        });
        let taro = member_of(site, "taro@example.jp");
        let joined = referral_of(site, taro).unwrap();
        assert_eq!(finish_joining(&site.house).unwrap(), 0, "nothing was cut off");
        // As if the process had ended when the login was there and nothing else.
        let mut connection = site.house.store.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        tx.execute(&FORGET_REFERRALS, &[]).unwrap();
        tx.execute(&FORGET_PREFERENCES, &[]).unwrap();
        tx.commit().unwrap();
        site.clock.advance_seconds(7_200);
        assert_eq!(finish_joining(&site.house).unwrap(), 1);
        assert_eq!(finish_joining(&site.house).unwrap(), 0);
        assert_eq!(referral_of(site, taro), Some(joined), "at the time of then");
        let find = |reader: &mut store::Reader<'_>| find_preferences(reader, &[taro]);
        let chosen = site.house.store.database().read(find).unwrap();
        assert!(chosen[&taro].invited_by.is_some());
    });
}
