use std::collections::BTreeMap;

use crate::offer::{Offer, OfferVersion, Reward, Shelf, Shop};
use crate::search::Query;
use crate::shelf::Order;
use crate::shelf::state::{Asked, browse};
use crate::tests::{OURS, Stage, at, play, token, wait};
use vocabulary::{Id, Label};

/// Shops with a rate, days until the decision, and since when.
fn shelf() -> Shelf {
    let (mut shops, mut offers, mut clicks) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let list = [
        ("alpha", "books", 100, 60, "2026-10-03", 5),
        ("beta", "food", 300, 90, "2026-10-02", 5),
        ("gamma", "books", 200, 30, "2026-10-01", 9),
    ];
    for (number, (slug, category, member, days, from, clicked)) in (1_u128..).zip(list) {
        let name = Label::parse(slug).unwrap();
        let (reading, slug, category) = (name.clone(), token(slug), token(category));
        let shop = Shop { company: OURS, slug, name, reading, category, listed: true };
        let mut terms = Stage::terms("main", Reward::Rate { network: 900, member });
        terms.decide_by_days = days;
        let starts_at = at(&format!("{from} 00:00"));
        let version = OfferVersion { version: 1, terms, starts_at, ends_at: None };
        let id = Id::from_bits(number);
        let (company, versions) = (OURS, vec![version]);
        offers.insert(id, Offer { id, company, shop: shop.id(), versions });
        clicks.insert(id, clicked);
        shops.insert(shop.id(), shop);
    }
    Shelf::new(shops, offers).with_clicks(clicks)
}

#[test]
fn each_order_has_its_first() {
    let shelf = shelf();
    let list = |category: &str, words: &str, order| {
        let asked = Asked { query: Query::new(words), category, order };
        let browsed = browse(&shelf, &asked, at("2026-11-01 00:00"));
        let names = browsed.found.iter().map(|found| found.shop.slug.as_str());
        (names.collect::<Vec<_>>().join(" "), browsed.categories, browsed.found.len())
    };
    let table = [
        (Order::Reward, "beta gamma alpha"),
        (Order::Popular, "gamma beta alpha"),
        (Order::Fast, "gamma alpha beta"),
        (Order::New, "alpha beta gamma"),
    ];
    for (order, expected) in table {
        assert_eq!(list("", "", order).0, expected, "{order:?}");
        assert_eq!(Order::parse(order.code()), order);
    }
    assert_eq!(Order::parse("price"), Order::Reward);
    let (names, categories, _) = list("books", "", Order::Reward);
    assert_eq!(names, "gamma alpha");
    assert_eq!(categories, BTreeMap::from([("books", 2), ("food", 1)]), "all are counted");
    let (names, categories, _) = list("", "beta", Order::New);
    assert_eq!(names, "beta");
    assert_eq!(categories, BTreeMap::from([("books", 0), ("food", 1)]), "by the words");
}

#[test]
fn a_shop_that_reached_its_cap_is_shown_as_ended_and_leads_nowhere() {
    play(|stage| {
        let member = access::testing::member(7, OURS, crate::tests::HANA);
        let client = stage.client(Some(member)).browser();
        stage.change(stage.card, |terms| terms.caps.conversions_max = Some(1));
        let go = format!("/go/{}", stage.card);
        let before = wait(client.get(&go));
        assert_eq!(before.status.as_u16(), 302);
        let click = before.header("location").split_once("pbid=").unwrap().1.to_owned();
        let click = crate::click::parse_reference(&click).unwrap();
        let told = |external: &str| crate::cap::told(stage, external, click);
        stage.say(vec![told("1")]);
        assert_eq!(wait(client.get(&go)).status.as_u16(), 302, "until the shelf is read anew");
        stage.site.refresh().unwrap();
        let ended = wait(client.get(&go));
        assert_eq!(ended.status.as_u16(), 410);
        assert!(ended.text.contains("受付を終了しました"), "{}", ended.text);
        let page = wait(client.get("/shops")).text;
        assert!(page.contains("受付終了"), "{page}");
        assert!(page.find("ほんだな書店") < page.find("つばめカード"), "what is open comes first");
        let page = wait(client.get("/shops/card")).text;
        assert!(page.contains("受付は終了しました") && !page.contains("/go/"), "{page}");
        let honoured = stage.say(vec![told("2")]);
        assert_eq!(honoured[0].0.code(), "tracked", "the click was made before");
    });
}
