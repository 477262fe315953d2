//! Every page as a member sees it, written to the folder of the build, to be looked at in a
//! browser.

use std::{fs, path::PathBuf};

use crate::stage::{HANA, OURS, Stage};
use ledger::TransferKind;
use store::testing::TestDatabase;
use vocabulary::{Id, kind};
use web::{Assets, Language, testing::Client};

/// Five months of a member.
pub(crate) fn live(stage: &Stage) {
    stage.at("2026-07-02").grant("welcome", 1_200, "2026-12-10");
    stage.at("2026-09-03").announce("travel", 12_800, "2026-11-15");
    stage.at("2026-09-20").grant("friend", 300, "2027-03-31");
    stage.at("2026-10-05").announce("shoes", 480, "2026-12-05");
    stage.at("2026-10-12").spend("used", 500, TransferKind::Redemption);
    stage.at("2026-11-02").reject("shoes");
    let till = stage.till(OURS);
    stage.at("2026-11-05");
    place(stage, &till, 1, 650, "ふくろう書店 渋谷店");
    stage.at("2026-11-06");
    let body = serde_json::json!({ "amount": 600 });
    let path = format!("/api/v1/wallet/holds/{}/capture", hold(1));
    assert_eq!(stage.wait(till.post_json(&path, &body)).status, 200);
    stage.at("2026-11-10").grant("lottery", 40, "2026-11-15");
    stage.at("2026-11-15").approve("travel", "2027-05-31");
    stage.at("2026-11-16");
    wallet::expiry::expire_due(&stage.store, stage_now(stage), 100).unwrap();
    stage.at("2026-11-18").spend("gift", 5_000, TransferKind::Payout);
    stage.at("2026-11-19").grant("campaign", 540, "2026-12-10");
    stage.at("2026-11-20").announce("books", 320, "2026-12-20");
    stage.at("2026-11-21");
    place(stage, &till, 2, 300, "喫茶ひなた");
    stage.at("2026-11-22");
}

fn stage_now(stage: &Stage) -> vocabulary::Timestamp {
    vocabulary::Clock::now(&*stage.clock)
}

pub(crate) fn hold(number: u128) -> Id<kind::Hold> {
    Id::from_bits(0x0192_F000_0000_0000_0000_0000_0000_0000 + number)
}

pub(crate) fn place(stage: &Stage, till: &Client, number: u128, amount: u32, shop: &str) {
    let body = serde_json::json!({
        "id": hold(number), "member": HANA, "unit": "HPT", "amount": amount, "shop": shop,
    });
    let answer = stage.wait(till.post_json("/api/v1/wallet/holds", &body));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn every_page_is_complete_and_small() {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wallet-pages");
    fs::create_dir_all(&folder).unwrap();
    let taro = stage.taro();
    write(
        &stage,
        &taro,
        &folder,
        &[("empty", "/passbook"), ("empty-expiry", "/passbook?show=expiry")],
    );
    live(&stage);
    let hana = stage.hana();
    let pages = [
        ("home", "/"),
        ("all", "/passbook"),
        ("pending", "/passbook?show=pending"),
        ("expiry", "/passbook?show=expiry"),
    ];
    write(&stage, &hana, &folder, &pages);
    let book = stage.page(&hana, "/passbook?lang=ja");
    let lines: Vec<&str> = book.split("href=\"/passbook/").skip(1).collect();
    for (place, line) in lines.iter().enumerate() {
        let seq = line.split('"').next().unwrap();
        let (name, path) = (format!("story-{place:02}"), format!("/passbook/{seq}"));
        write(&stage, &hana, &folder, &[(&name, &path)]);
    }
}

fn write(stage: &Stage, client: &Client, folder: &std::path::Path, pages: &[(&str, &str)]) {
    let (name, kind, contents) = wallet::STYLE;
    let assets = Assets::new().with(name, kind, contents);
    let styles = ["app.css", name].map(|file| {
        let css = stage.page(client, &assets.address(file));
        fs::write(folder.join(file), &css).unwrap();
        css.len()
    });
    for language in [Language::Japanese, Language::English] {
        let code = language.code();
        for (page, path) in pages {
            let mark = if path.contains('?') { '&' } else { '?' };
            let mut text = stage.page(client, &format!("{path}{mark}lang={code}"));
            assert!(text.len() + styles.iter().sum::<usize>() < 60_000, "{path} is too large");
            for file in ["app.css", name] {
                text = text.replace(&assets.address(file), file);
            }
            fs::write(folder.join(format!("{page}-{code}.html")), text).unwrap();
        }
    }
}
