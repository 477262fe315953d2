use crate::Trust;
use crate::offer::{OfferRefusal, OfferTerms, Reward, SaveOffer, SaveShop, Shop, TermsError};
use crate::search::Query;
use crate::tests::{OURS, Stage, THEIRS, at, play, token, wait};
use vocabulary::{Amount, Id, Label};

fn command(stage: &Stage) -> SaveOffer {
    SaveOffer {
        id: stage.books,
        company: OURS,
        shop: stage.shop("books"),
        terms: Stage::terms("main", Reward::Rate { network: 600, member: 300 }),
        starts_at: at("2026-11-20 00:00"),
        ends_at: Some(at("2026-11-23 00:00")),
    }
}

#[test]
fn a_weekend_at_a_higher_rate_is_a_version_of_its_own() {
    play(|stage| {
        assert_eq!(stage.site.save_offer(command(stage)).unwrap(), Ok(2));
        assert_eq!(stage.site.save_offer(command(stage)).unwrap(), Ok(2), "a repeat");
        let shelf = stage.site.catalogue().shelf();
        let version = |text: &str| shelf.offers[&stage.books].in_force(at(text)).map(|v| v.version);
        let table = [
            ("2026-09-30 23:59", None),
            ("2026-10-01 00:00", Some(1)),
            ("2026-11-19 23:59", Some(1)),
            ("2026-11-20 00:00", Some(2)),
            ("2026-11-22 23:59", Some(2)),
            ("2026-11-23 00:00", Some(1)),
        ];
        for (moment, expected) in table {
            assert_eq!(version(moment), expected, "{moment}");
        }
    });
}

#[test]
fn each_refusal_has_its_reason() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let good = command(&stage);
    let terms = |change: fn(&mut OfferTerms)| {
        let mut command = good.clone();
        change(&mut command.terms);
        command
    };
    let table = [
        (
            terms(|terms| terms.reward = Reward::Rate { network: 100, member: 101 }),
            "member_part_exceeds_reward",
        ),
        (terms(|terms| terms.decide_by_days = 6), "decided_before_recorded"),
        (
            terms(|terms| terms.tracking_url = "https://example.jp/".to_owned()),
            "tracking_url_unusable",
        ),
        (
            terms(|terms| terms.tracking_url = "javascript:{ref}".to_owned()),
            "tracking_url_unusable",
        ),
        (terms(|terms| terms.conditions = "あ".repeat(4_001)), "offer_text_too_long"),
        (SaveOffer { ends_at: Some(good.starts_at), ..good.clone() }, "offer_period_empty"),
        (SaveOffer { shop: Id::from_bits(9), ..good.clone() }, "shop_not_found"),
        (SaveOffer { company: THEIRS, ..good.clone() }, "shop_not_found"),
        (SaveOffer { shop: stage.shop("card"), ..good.clone() }, "offer_shop_differs"),
    ];
    for (command, code) in table {
        let refusal: OfferRefusal = stage.site.save_offer(command).unwrap().unwrap_err();
        assert_eq!(refusal.code(), code);
    }
    assert_eq!(
        TermsError::TooLong.to_string(),
        "the address has at most 1,000 characters, the conditions 4,000"
    );
}

#[test]
fn the_members_part_is_rounded_down() {
    let rate = Reward::Rate { network: 300, member: 150 };
    let fixed = Reward::Fixed { network: Amount::from(1_000), member: Amount::from(500) };
    for (reward, sale, points) in [(rate, 3_980, 59), (rate, 66, 0), (rate, 67, 1), (fixed, 0, 500)]
    {
        assert_eq!(reward.points(Amount::from(sale)), Some(Amount::from(points)), "{sale}");
    }
    let whole = Reward::Rate { network: 20_000, member: 20_000 };
    assert_eq!(whole.points(Amount::MAX), None, "it does not fit");
}

#[test]
fn a_shop_is_found_however_it_is_spelt() {
    let shop = Shop {
        company: OURS,
        slug: token("hondana"),
        name: Label::parse("ほんだな書店").unwrap(),
        reading: Label::parse("ほんだなしょてん 本棚 books").unwrap(),
        category: token("books"),
        listed: true,
    };
    for words in ["", "ほんだな", "ホンダナ", "ＨＯＮＤＡＮＡ", "本棚 書店", "Books"]
    {
        assert!(shop.search_words().find(&Query::new(words)).is_some(), "{words}");
    }
    for words in ["たな書屋", "本棚 靴"] {
        assert!(shop.search_words().find(&Query::new(words)).is_none(), "{words}");
    }
}

#[test]
fn the_list_shows_searches_and_sorts() {
    play(|stage| {
        let client = stage.client(None).browser();
        let page = wait(client.get("/shops")).text;
        let (card, books) = (page.find("つばめカード"), page.find("ほんだな書店"));
        assert!(card < books, "500 points come before 1.5 % of 10,000");
        let page = wait(client.get("/shops?q=%E3%83%84%E3%83%90%E3%83%A1")).text;
        assert!(page.contains("つばめカード") && !page.contains("ほんだな書店"), "{page}");
        let page = wait(client.get("/shops?category=books")).text;
        assert!(!page.contains("つばめカード") && page.contains("ほんだな書店"), "{page}");
        let page = wait(client.get("/shops?q=nothing-like-this")).text;
        assert!(page.contains("見つかりませんでした"), "{page}");
        let page = wait(client.get("/shops?q=%3Cscript%3E")).text;
        assert!(!page.contains("<script>"), "{page}");
    });
}

#[test]
fn a_shops_page_says_what_when_and_how() {
    play(|stage| {
        stage.site.save_offer(command(stage)).unwrap().unwrap();
        let client = stage.client(None).browser();
        let page = wait(client.get("/shops/books")).text;
        let go = format!("/go/{}", stage.books);
        for text in ["1.5", "通帳記載の目安", "7日以内", "60日ほど", "送料・税", go.as_str()]
        {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(!page.contains("増量"), "the higher rate has not begun");
        stage.clock.set(at("2026-11-21 12:00"));
        let page = wait(client.get("/shops/books")).text;
        assert!(page.contains("11/22まで増量中") && page.contains("通常"), "{page}");
        assert_eq!(wait(client.get("/shops/nothing")).status.as_u16(), 404);
        stage.clock.set(at("2026-09-01 12:00"));
        let page = wait(client.get("/shops/books")).text;
        assert!(page.contains("いまはご利用いただけません"), "{page}");
    });
}

#[test]
fn an_unlisted_shop_is_not_shown() {
    play(|stage| {
        let shelf = stage.site.catalogue().shelf();
        let shop = Shop { listed: false, ..shelf.shop("card").unwrap().clone() };
        stage.site.save_shop(SaveShop { shop }).unwrap();
        let client = stage.client(None).browser();
        assert!(!wait(client.get("/shops")).text.contains("つばめカード"), "not in the list");
        assert_eq!(wait(client.get("/shops/card")).status.as_u16(), 404);
    });
}
