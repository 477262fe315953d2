use std::sync::Arc;

use crate::pages::{hold, live, place};
use crate::stage::{HANA, OURS, STRANGER, Stage, THEIRS, play};
use access::{
    Need,
    testing::{api_key, member},
};
use ledger::{Step, TransferKind};
use store::{Fault, FaultKind};
use wallet::{Explained, Explains, passbook::Line};
use web::Language;

/// The numbers of the lines on a page, in its order.
fn seqs(page: &str) -> Vec<u64> {
    let links = page.split("href=\"/passbook/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// The texts of all elements of a class, without markup.
fn texts(page: &str, class: &str) -> Vec<String> {
    let mark = format!("class=\"{class}\">");
    let rest = page.split(&mark).skip(1);
    let plain = |html: &str| {
        let mut text = String::new();
        let mut inside = false;
        for character in html.chars() {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                other if !inside => text.push(other),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    rest.map(|html| plain(html.split("</a>").next().unwrap().split("</p>").next().unwrap()))
        .collect()
}

#[test]
fn a_member_reads_what_happened_and_why() {
    play(|stage| {
        live(stage);
        let hana = stage.hana();
        let page = stage.page(&hana, "/passbook?lang=ja");
        for text in ["使えるポイント", "8,440", "まもなく失効", "うすい色の数字", "通帳のはじまり"]
        {
            assert!(page.contains(text), "{text} is not on {page}");
        }
        let titles = texts(&page, "book-title");
        assert!(titles[0].starts_with("喫茶ひなた 予約中"), "{titles:?}");
        assert!(titles[1].starts_with("ふくろう書店 判定中 6,400 円の 5%"), "{titles:?}");
        let pending = stage.page(&hana, "/passbook?show=pending");
        assert_eq!(seqs(&pending).len(), 1, "only what is not decided");
        assert!(pending.contains("2026年12月20日ごろ判定"), "{pending}");
        let expiry = stage.page(&hana, "/passbook?show=expiry");
        assert!(expiry.contains("うち300ポイントは予約中"), "{expiry}");
        assert!(expiry.contains("href=\"/exchange?points="), "one tap leads on: {expiry}");
        let home = stage.page(&hana, "/?lang=en");
        assert_eq!(seqs(&home).len(), 5);
        assert!(home.contains("Find a shop"), "{home}");
    });
}

#[test]
fn every_line_tells_its_story() {
    play(|stage| {
        live(stage);
        let hana = stage.hana();
        let all = seqs(&stage.page(&hana, "/passbook?lang=ja"));
        let stories: Vec<String> =
            all.iter().map(|seq| stage.page(&hana, &format!("/passbook/{seq}"))).collect();
        let tells = |parts: &[&str]| {
            let told = stories.iter().any(|story| parts.iter().all(|part| story.contains(part)));
            assert!(told, "no story tells {parts:?}");
        };
        tells(&["喫茶ひなた", "お店の確定待ち", "2026年11月28日ごろまで", "お支払いの確定"]);
        tells(&[
            "ふくろう書店",
            "ショップを利用",
            "2026年12月20日ごろまで",
            "有効なポイントになる",
        ]);
        tells(&["くつ工房あゆみ", "無効と判定", "商品が返品されたため"]);
        tells(&["旅のしおりトラベル", "+12,800", "12,800ポイント（2027年5月31日まで）", "13,240"]);
        tells(&["お支払いが確定", "残りの50ポイント"]);
        tells(&["有効期限により失効", "40ポイント（2026年11月15日まで）"]);
        // A movement in the middle of a line leads to its line.
        assert!(stage.page(&hana, "/passbook/1?lang=en").contains("Points earned"));
    });
}

#[test]
fn nobody_sees_the_lines_of_another() {
    play(|stage| {
        live(stage);
        let foreign = stage.client(Some(member(3, THEIRS, STRANGER))).browser();
        // The same id at another company is another member.
        let same_id = stage.client(Some(member(4, THEIRS, HANA))).browser();
        let hana = stage.hana();
        for seq in seqs(&stage.page(&hana, "/passbook")) {
            for other in [&stage.taro(), &foreign, &same_id] {
                let answer = stage.wait(other.get(&format!("/passbook/{seq}")));
                assert_eq!(answer.status, 404, "line {seq}");
                assert!(!answer.text.contains("ふくろう"), "{}", answer.text);
            }
        }
        for path in ["/passbook/0", "/passbook/999999", "/passbook/x", "/passbook/-1"] {
            assert_eq!(stage.wait(hana.get(path)).status, 404, "{path}");
        }
        assert!(seqs(&stage.page(&stage.taro(), "/passbook")).is_empty());
        assert!(stage.page(&same_id, "/passbook").contains("通帳はまだありません"));
        assert!(stage.page(&hana, "/passbook?unit=XPT").contains("通帳はまだありません"));
    });
}

#[test]
fn pages_are_for_members_alone() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test);
    let key = api_key(9, OURS, &[Need::AccountRead, Need::HoldWrite]);
    let (nobody, till, desk) = (stage.client(None), stage.client(Some(key)), stage.desk());
    for path in ["/", "/passbook", "/passbook?show=pending", "/passbook/1"] {
        assert_eq!(stage.wait(nobody.get(path)).status, 401, "{path}");
        assert_eq!(stage.wait(till.get(path)).status, 403, "{path}");
        assert_eq!(stage.wait(desk.get(path)).status, 403, "{path}");
    }
}

#[test]
fn pages_follow_one_another_to_the_beginning() {
    play(|stage| {
        stage.at("2026-08-01");
        for place in 0..70 {
            stage.grant(&format!("grant {place}"), 10, "2027-01-31");
            // Other lines between, and logins that are none.
            stage.grant_to(crate::stage::TARO, &format!("taro {place}"), 7, "2027-01-31");
            let account = stage.account_of(HANA);
            stage.clock.advance_seconds(86_400);
            stage.post(&format!("login {place}"), vec![Step::Touch { account }]);
        }
        let hana = stage.hana();
        let mut path = "/passbook?lang=en".to_owned();
        let (mut found, mut carried) = (Vec::new(), Vec::new());
        loop {
            let page = stage.page(&hana, &path);
            found.extend(seqs(&page));
            carried.extend(texts(&page, "book-carried"));
            let pager = page.split("class=\"pager\"").nth(1).unwrap();
            let pager = pager.split("</nav>").next().unwrap();
            let next = pager.split("href=\"").find(|rest| rest.starts_with("/passbook?after="));
            let Some(next) = next else { break };
            path = next.split('"').next().unwrap().to_owned();
        }
        assert_eq!(found.len(), 70);
        assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "{found:?}");
        let expected = [
            "Balance carried forward400",
            "Balance carried forward100",
            "Beginning of the passbook0",
        ];
        assert_eq!(carried, expected);
        // The mark of one member's page is none for another's.
        let answer = stage.wait(stage.taro().get(&path));
        assert_eq!(answer.status, 404);
        assert_eq!(stage.wait(hana.get("/passbook?after=AQAB")).status, 404);
        assert_eq!(stage.wait(hana.get("/passbook?after=nonsense")).status, 422);
    });
}

struct Broken;

impl Explains for Broken {
    fn explain(&self, _: &[Line], _: Language) -> Result<Vec<Option<Explained>>, Fault> {
        Err(Fault::new(FaultKind::Unavailable, "find shops"))
    }
}

#[test]
fn without_the_names_of_shops_the_figures_stay() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test);
    live(&stage);
    let explains: [Arc<dyn Explains>; 2] = [Arc::new(Broken), Arc::new(())];
    for explains in explains {
        let hana = stage.client_with(Some(member(7, OURS, HANA)), explains).browser();
        let page = stage.page(&hana, "/passbook?lang=ja");
        assert!(page.contains("獲得予定") && !page.contains("旅のしおり"), "{page}");
        assert!(page.contains("+12,800") && page.contains("喫茶ひなた"), "{page}");
    }
}

#[test]
fn a_member_is_told_of_a_freeze_and_of_a_debt() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test);
    let granted = stage.grant("g", 300, "2027-01-31");
    stage.spend("s", 200, TransferKind::Redemption);
    let account = stage.account_of(HANA);
    stage.post("r", vec![Step::Reverse { original: granted, shortfall: None, code: 0 }]);
    stage.post("f", vec![Step::Freeze { account }]);
    let page = stage.page(&stage.hana(), "/passbook?lang=ja");
    for text in ["一時停止中", "200ポイントの不足", "−200", "取り消し"] {
        assert!(page.contains(text), "{text} is not on {page}");
    }
}

#[test]
fn a_payment_of_the_till_is_named_in_the_passbook() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test);
    stage.grant("g", 300, "2027-01-31");
    place(&stage, &stage.till(OURS), 1, 100, "<b>喫茶</b> & ひなた");
    let page = stage.page(&stage.hana(), "/passbook?lang=ja");
    assert!(page.contains("&#60;b&#62;喫茶&#60;/b&#62; &#38; ひなた"), "{page}");
    assert_eq!(hold(1).to_string().len(), 31);
}
