use crate::offer::{Offer, OfferVersion, Reward, Tier};
use crate::offer_editor::state::{Draft, OfferForm, Units};
use crate::shop_editor::Errors;
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, wait};
use access::audit_trail::{Search, list};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use store::testing::TestDatabase;
use vocabulary::{Amount, Id, Label, Reference, Scale};

const UNITS: Units = Units { points: WHOLE, commission: WHOLE };

const WHOLE: Scale = match Scale::try_new(0) {
    Some(scale) => scale,
    None => panic!("no decimals"),
};

fn sales() -> Authenticated {
    staff(8, OURS, Role::Sales)
}

/// A form that is good, as pairs.
fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("network", "accesstrade/main"),
        ("kind", "rate"),
        ("reward", "6"),
        ("member", "3"),
        ("tiers", "A01 | 定期購入 | 10% | 5%\r\nA02 | 申込 | 1,000 | 500"),
        ("repeat", "always"),
        ("guaranteed", "yes"),
        ("conversions_max", "1,000"),
        ("commission_max", ""),
        ("record_by_days", "3"),
        ("decide_by_days", "45"),
        ("cookie_days", "30"),
        ("conditions", "はじめてのご利用\r\n5,000円以上のご注文"),
        ("rejections", "キャンセル・返品"),
        ("tracking_url", "https://click.example/go?pbid={ref}"),
        ("starts_at", "2026-11-27T00:00"),
        ("ends_at", "2026-12-01T00:00"),
    ]
}

/// The form with one field otherwise.
fn with(field: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut pairs = good();
    for pair in pairs.iter_mut().filter(|(name, _)| *name == field) {
        pair.1 = value;
    }
    pairs
}

fn form(pairs: &[(&str, &str)]) -> OfferForm {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    serde_json::from_value(serde_json::Value::Object(pairs.collect())).unwrap()
}

fn parse(pairs: &[(&str, &str)]) -> Result<Draft, Errors> {
    form(pairs).parse(UNITS)
}

#[test]
fn a_form_is_read_exactly_and_comes_back() {
    let draft = parse(&good()).unwrap();
    let terms = &draft.terms;
    assert_eq!(terms.reward, Reward::Rate { network: 600, member: 300 });
    let tier = |item, name, reward| Tier {
        item: Reference::parse(item).unwrap(),
        name: Label::parse(name).unwrap(),
        reward,
    };
    let fixed = Reward::Fixed { network: Amount::from(1_000), member: Amount::from(500) };
    let rate = Reward::Rate { network: 1_000, member: 500 };
    let expected = [tier("A01", "定期購入", rate), tier("A02", "申込", fixed)];
    assert_eq!(*terms.tiers, expected);
    assert_eq!(terms.caps.conversions_max, Some(1_000));
    assert_eq!(terms.conditions, "はじめてのご利用\n5,000円以上のご注文");
    assert_eq!(
        (draft.starts_at, draft.ends_at),
        (at("2026-11-27 00:00"), Some(at("2026-12-01 00:00")))
    );
    let version = OfferVersion {
        version: 1,
        terms: terms.clone(),
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
    };
    let again = OfferForm::of(&version, UNITS, draft.starts_at).parse(UNITS).unwrap();
    assert_eq!(again, Draft { ends_at: None, ..draft }, "it is filled in with what it said");
}

#[test]
fn each_field_says_what_is_wrong_with_it() {
    let table = [
        ("network", "accesstrade", "choice"),
        ("kind", "both", "choice"),
        ("reward", "6.123", "rate"),
        ("reward", "100.01", "rate"),
        ("reward", "", "rate"),
        ("member", "-1", "rate"),
        ("member", "3%", "rate"),
        ("tiers", "A01 | 定期購入 | 10%", "tiers"),
        ("tiers", "A01 | 定期購入 | 10% | 5", "tiers"),
        ("tiers", "あ | 定期購入 | 10% | 5%", "tiers"),
        ("repeat", "", "choice"),
        ("guaranteed", "", "choice"),
        ("conversions_max", "1.5", "count"),
        ("conversions_max", "99999999999", "count"),
        ("commission_max", "たくさん", "amount"),
        ("record_by_days", "3651", "days"),
        ("decide_by_days", "", "days"),
        ("cookie_days", "-3", "days"),
        ("starts_at", "", "moment"),
        ("ends_at", "2026-02-30T00:00", "moment"),
    ];
    for (field, value, code) in table {
        assert_eq!(parse(&with(field, value)), Err(vec![(field, code)]), "{field} {value}");
    }
    let wide = parse(&with("reward", "６．５")).unwrap();
    assert_eq!(wide.terms.reward, Reward::Rate { network: 650, member: 300 });
    let all: Errors = parse(&[]).unwrap_err();
    assert!(all.len() == 8, "all that is wrong is told at once: {all:?}");
}

#[test]
fn a_version_is_saved_shown_and_audited_once() {
    play(|stage| {
        let client = stage.client(Some(sales())).browser();
        let path = format!("/staff/shops/books/offers/{}", stage.books);
        let saved = wait(client.post_form(&path, &good()));
        assert_eq!(saved.status.as_u16(), 303, "{}", saved.text);
        assert_eq!(saved.header("location"), format!("{path}?saved=2"));
        let again = wait(client.post_form(&path, &good()));
        assert_eq!(again.header("location"), format!("{path}?saved=2"), "a repeat");
        let page = wait(client.get(&path)).text;
        for text in
            ["第2版", "予定", "第1版", "有効", "あとから保存した版が優先", "2026-11-27 00:00"]
        {
            assert!(page.contains(text), "{text} in {page}");
        }
        let read = |reader: &mut store::Reader<'_>| list(reader, &Search::Company(OURS), None, 10);
        let trail = stage.site.store().database().read(read).unwrap();
        let told: Vec<_> = trail.iter().map(|e| (&*e.entry.action, &*e.entry.subject)).collect();
        assert_eq!(told, [("offer.save", stage.books.to_string().as_str())]);
        stage.clock.set(at("2026-11-28 12:00"));
        let member = stage.client(None).browser();
        let page = wait(member.get("/shops/books")).text;
        for text in
            ["5%", "定期購入", "500", "あんしん保証", "ポイント対象外になる場合", "5,000円以上"]
        {
            assert!(page.contains(text), "{text} in {page}");
        }
    });
}

#[test]
fn a_refusal_stands_beside_its_field_and_keeps_what_was_typed() {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test, crate::Trust::Reports);
    let client = stage.client(Some(sales())).browser();
    let path = format!("/staff/shops/books/offers/{}", stage.books);
    let table = [
        ("member", "7", "会員の分が報酬を超えています"),
        ("tiers", "A | a | 1% | 2%", "超えている商品"),
        ("tiers", "A | a | 1% | 1%\nA | b | 2% | 1%", "同じ商品コード"),
        ("conversions_max", "0", "上限は1以上"),
        ("decide_by_days", "2", "通帳記載の目安より前"),
        ("tracking_url", "https://click.example/", "を含むURL"),
        ("ends_at", "2026-11-27T00:00", "開始より後"),
        ("network", "accesstrade/other", "一覧から"),
        ("reward", "ろく", "0〜100の数字"),
    ];
    for (field, value, text) in table {
        let answer = wait(client.post_form(&path, &with(field, value)));
        assert_eq!(answer.status.as_u16(), 422, "{field}");
        let error = format!("id=\"field-{field}-error\"");
        assert!(answer.text.contains(&error) && answer.text.contains(text), "{}", answer.text);
        assert!(answer.text.contains("5,000円以上のご注文"), "the rest is still there");
    }
    assert_eq!(stage.site.offer(stage.books).unwrap().versions.len(), 1, "nothing was saved");
    let long: &'static str = Box::leak("あ".repeat(4_001).into_boxed_str());
    assert_eq!(wait(client.post_form(&path, &with("conditions", long))).status.as_u16(), 422);
    let path = format!("/staff/shops/card/offers/{}", stage.books);
    let other = wait(client.post_form(&path, &good()));
    assert_eq!(other.status.as_u16(), 404, "the offer is another shop's");
}

#[test]
fn only_who_may_sees_and_saves() {
    play(|stage| {
        let path = format!("/staff/shops/books/offers/{}", stage.books);
        let new = format!("{path}/new");
        let table = [
            (None, 401, 401, 401),
            (Some(member(7, OURS, HANA)), 403, 403, 403),
            (Some(staff(1, OURS, Role::Sre)), 403, 403, 403),
            (Some(staff(2, OURS, Role::Support)), 200, 403, 403),
            (Some(staff(3, THEIRS, Role::Sales)), 404, 404, 404),
            (Some(sales()), 200, 200, 303),
        ];
        for (who, read, form, save) in table {
            let client = stage.client(who).browser();
            for page in [&path, "/staff/shops", "/staff/shops/books", "/staff/shops/books/preview"]
            {
                assert_eq!(wait(client.get(page)).status.as_u16(), read, "{page} {who:?}");
            }
            for page in [&new, "/staff/shops/new"] {
                assert_eq!(wait(client.get(page)).status.as_u16(), form, "{page} {who:?}");
            }
            let saved = wait(client.post_form(&path, &good()));
            assert_eq!(saved.status.as_u16(), save, "{who:?}");
        }
        let reader = stage.client(Some(staff(2, OURS, Role::Support))).browser();
        let page = wait(reader.get("/staff/shops/books")).text;
        assert!(!page.contains("<form method=\"post\""), "who may only read has no form");
    });
}

#[test]
fn a_preview_shows_the_page_of_that_moment() {
    play(|stage| {
        let client = stage.client(Some(sales())).browser();
        wait(client.post_form(&format!("/staff/shops/books/offers/{}", stage.books), &good()));
        let page = |at: &str| wait(client.get(&format!("/staff/shops/books/preview?at={at}")));
        let before = page("2026-11-26T23:59").text;
        assert!(before.contains("1.5%") && !before.contains("定期購入"), "{before}");
        let within = page("2026-11-27T00:00").text;
        assert!(within.contains("11/30まで増量中") && within.contains("定期購入"), "{within}");
        assert!(!within.contains("/go/"), "nothing leads to the shop from here");
        let after = page("2026-12-01T00:00").text;
        assert!(after.contains("1.5%") && !after.contains("定期購入"), "{after}");
        assert_eq!(page("someday").status.as_u16(), 422);
    });
}

/// Where versions overlap, the one saved last goes before, and after it the one before is back.
#[test]
fn what_is_to_come_follows_from_the_rule() {
    let version = |number: u32, from: &str, to: Option<&str>| OfferVersion {
        version: number,
        terms: Stage::terms("main", Reward::Rate { network: 300, member: number }),
        starts_at: at(&format!("2026-11-{from} 00:00")),
        ends_at: to.map(|to| at(&format!("2026-11-{to} 00:00"))),
    };
    let timeline = |versions: &[OfferVersion], from: &str| {
        let (company, shop) = (OURS, Id::from_bits(2));
        let offer = Offer { id: Id::from_bits(1), company, shop, versions: versions.to_vec() };
        let spans = offer.timeline(at(&format!("2026-11-{from} 12:00")));
        let day = |at: vocabulary::Timestamp| vocabulary::Zone::JAPAN.day_of(at).civil().2;
        let span = |span: &crate::offer::Span<'_>| {
            let number = span.version.map_or(0, |version| version.version);
            (day(span.starts_at), span.ends_at.map(day), number)
        };
        spans.iter().map(span).collect::<Vec<_>>()
    };
    let base = version(1, "01", None);
    let weekend = version(2, "20", Some("23"));
    let longer = version(3, "18", Some("21"));
    let table = [
        (vec![], vec![(10, None, 0)]),
        (vec![base.clone()], vec![(10, None, 1)]),
        (vec![weekend.clone()], vec![(10, Some(20), 0), (20, Some(23), 2), (23, None, 0)]),
        (
            vec![base.clone(), weekend.clone()],
            vec![(10, Some(20), 1), (20, Some(23), 2), (23, None, 1)],
        ),
        (
            vec![base.clone(), weekend.clone(), longer],
            vec![(10, Some(18), 1), (18, Some(21), 3), (21, Some(23), 2), (23, None, 1)],
        ),
        (vec![weekend, version(4, "01", None)], vec![(10, None, 4)]),
    ];
    for (versions, expected) in table {
        assert_eq!(timeline(&versions, "10"), expected);
    }
}
