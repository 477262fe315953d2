use serde_json::{Value, json};

use crate::pages::hold;
use crate::stage::{HANA, OURS, STRANGER, Stage, THEIRS, play};
use access::{Need, testing::api_key};
use ledger::Step;
use store::testing::TestDatabase;
use vocabulary::Id;
use web::testing::{Answer, Client};

const HOLDS: &str = "/api/v1/wallet/holds";

fn place(number: u128, amount: u32) -> Value {
    let id = hold(number);
    json!({ "id": id, "member": HANA, "unit": "HPT", "amount": amount, "shop": "喫茶ひなた" })
}

fn path(number: u128, what: &str) -> String {
    format!("{HOLDS}/{}/{what}", hold(number))
}

fn ask(stage: &Stage, till: &Client, path: &str, body: &Value) -> Answer {
    stage.wait(till.post_json(path, body))
}

/// Asks and expects `state reserved captured`, and whether it is a repeat.
fn check(stage: &Stage, till: &Client, path: &str, body: &Value, expected: &str) {
    let answer = ask(stage, till, path, body);
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
    let found: Value = answer.json();
    let repeat = if found["repeated"] == true { " again" } else { "" };
    let state = found["state"].as_str().unwrap();
    let found = format!("{state} {} {}{repeat}", found["reserved"], found["captured"]);
    assert_eq!(found, expected, "{path} {body}");
}

fn refuse(stage: &Stage, till: &Client, path: &str, body: &Value, code: &str) {
    let answer = ask(stage, till, path, body);
    assert_eq!(answer.problem_code(), code, "{path} {body}: {}", answer.text);
}

fn balance(stage: &Stage) -> (i64, i64) {
    let account = stage.store.account(stage.account_of(HANA)).unwrap();
    (account.balance(), account.available().minor_units())
}

#[test]
fn a_till_reserves_takes_and_gives_back_however_often_it_asks() {
    play(|stage| {
        stage.grant("g", 1_000, "2027-01-31");
        let till = stage.till(OURS);
        let none = json!({});
        check(stage, &till, HOLDS, &place(1, 600), "reserved 600 0");
        stage.clock.advance_seconds(3_600);
        check(stage, &till, HOLDS, &place(1, 600), "reserved 600 0 again");
        assert_eq!(balance(stage), (1_000, 400));
        check(stage, &till, &path(1, "capture"), &json!({ "amount": 550 }), "captured 0 550");
        check(stage, &till, &path(1, "capture"), &json!({ "amount": 550 }), "captured 0 550 again");
        check(stage, &till, HOLDS, &place(1, 600), "captured 0 550 again");
        assert_eq!(balance(stage), (450, 450));
        check(stage, &till, HOLDS, &place(2, 450), "reserved 450 0");
        check(stage, &till, &path(2, "void"), &none, "voided 0 0");
        check(stage, &till, &path(2, "void"), &none, "voided 0 0 again");
        check(stage, &till, HOLDS, &place(3, 450), "reserved 450 0");
        check(stage, &till, &path(3, "capture"), &none, "captured 0 450");
        assert_eq!(balance(stage), (0, 0));
    });
}

#[test]
fn a_till_is_refused_with_a_reason() {
    play(|stage| {
        stage.grant("g", 1_000, "2027-01-31");
        let till = stage.till(OURS);
        let none = json!({});
        refuse(stage, &till, HOLDS, &place(1, 1_001), "payment_points_short");
        refuse(stage, &till, HOLDS, &place(1, 0), "invalid_field");
        // A refused id is not used up.
        check(stage, &till, HOLDS, &place(1, 300), "reserved 300 0");
        refuse(stage, &till, HOLDS, &place(1, 301), "payment_id_reused");
        let mut elsewhere = place(1, 300);
        elsewhere["shop"] = json!("別の店");
        refuse(stage, &till, HOLDS, &elsewhere, "payment_id_reused");
        refuse(stage, &till, &path(1, "capture"), &json!({ "amount": 301 }), "payment_above_hold");
        refuse(stage, &till, &path(1, "capture"), &json!({ "amount": 0 }), "invalid_field");
        refuse(stage, &till, &path(1, "capture"), &json!({ "amount": -1 }), "invalid_field");
        check(stage, &till, &path(1, "capture"), &none, "captured 0 300");
        refuse(stage, &till, &path(1, "capture"), &json!({ "amount": 200 }), "payment_id_reused");
        refuse(stage, &till, &path(1, "void"), &none, "payment_ended");
        check(stage, &till, HOLDS, &place(2, 100), "reserved 100 0");
        stage.clock.advance_seconds(7 * 86_400);
        refuse(stage, &till, &path(2, "capture"), &none, "payment_ended");
        stage.post("f", vec![Step::Freeze { account: stage.account_of(HANA) }]);
        refuse(stage, &till, HOLDS, &place(3, 100), "payment_account_frozen");
    });
}

#[test]
fn another_companys_members_and_holds_are_not_found() {
    play(|stage| {
        stage.grant("g", 1_000, "2027-01-31");
        let (ours, theirs) = (stage.till(OURS), stage.till(THEIRS));
        check(stage, &ours, HOLDS, &place(1, 300), "reserved 300 0");
        refuse(stage, &theirs, HOLDS, &place(2, 100), "not_found");
        let mut stranger = place(2, 100);
        stranger["member"] = json!(STRANGER);
        stranger["unit"] = json!("XPT");
        refuse(stage, &ours, HOLDS, &stranger, "not_found");
        let mut nobody = place(2, 100);
        nobody["member"] = json!(Id::<vocabulary::kind::Member>::from_bits(99));
        refuse(stage, &ours, HOLDS, &nobody, "not_found");
        let mut no_unit = place(2, 100);
        no_unit["unit"] = json!("ZZZ");
        refuse(stage, &ours, HOLDS, &no_unit, "not_found");
        for what in ["capture", "void"] {
            refuse(stage, &theirs, &path(1, what), &json!({}), "not_found");
            refuse(stage, &ours, &path(9, what), &json!({}), "not_found");
        }
        // An id that another company used is no way to learn of it.
        stranger["id"] = json!(hold(1));
        refuse(stage, &theirs, HOLDS, &stranger, "payment_id_reused");
        assert_eq!(balance(stage), (1_000, 700));
    });
}

#[test]
fn only_a_key_with_the_need_reserves() {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test);
    let reader = stage.client(Some(api_key(9, OURS, &[Need::AccountRead])));
    let member = stage.client(Some(access::testing::member(7, OURS, HANA)));
    for who in [&reader, &member, &stage.desk()] {
        refuse(&stage, who, HOLDS, &place(1, 100), "forbidden");
        for what in ["capture", "void"] {
            refuse(&stage, who, &path(1, what), &json!({}), "forbidden");
        }
    }
    refuse(&stage, &stage.client(None), HOLDS, &place(1, 100), "unauthenticated");
}

#[test]
fn the_api_describes_itself() {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test);
    let wallet = stage.wallet();
    let routes = wallet::routes(&wallet);
    let title = web::ApiTitle { title: "t", version: "1", description: "d" };
    let document = web::ApiDocument::try_new(title, &routes.list()).unwrap();
    let expected = [
        "POST /api/v1/wallet/holds",
        "POST /api/v1/wallet/holds/{id}/capture",
        "POST /api/v1/wallet/holds/{id}/void",
    ];
    assert_eq!(document.operations(), expected);
}

#[test]
fn a_till_is_not_told_that_nothing_was_done_when_nobody_knows() {
    let stage = Stage::open(&TestDatabase::sqlite());
    stage.grant("g", 1_000, "2027-01-31");
    let till = stage.till(OURS);
    stage.store.close();
    let answer = ask(&stage, &till, HOLDS, &place(1, 600));
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.problem_code(), "store_unavailable", "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
}
