use serde_json::{Value, json};

use crate::stage::{OPERATOR, OURS, THEIRS, play, problem, told};
use access::Need;
use web::Method;

#[test]
fn companies_and_units_are_seen_by_their_own() {
    play(|stage| {
        let (ours, operator) = (stage.client(OURS), stage.client(OPERATOR));
        let mine: Value = stage.get(&ours, "/api/v1/companies").json();
        assert_eq!(mine["items"].as_array().unwrap().len(), 1);
        assert_eq!(mine["items"][0]["code"], "ours");
        let all: Value = stage.get(&operator, "/api/v1/companies").json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let form = json!({"code": "ours", "name": "Another"});
        let answer = stage.post(&operator, "/api/v1/companies", &form);
        assert_eq!(told(&answer), problem(409, "company_code_taken"));
        let third = json!({"id": "third", "code": "third", "name": "Third"});
        assert_eq!(stage.post(&operator, "/api/v1/companies", &third).status, 201);
        assert_eq!(stage.post(&operator, "/api/v1/companies", &third).status, 200, "a repeat");
        let other = json!({"id": "third", "code": "fourth", "name": "Third"});
        let answer = stage.post(&operator, "/api/v1/companies", &other);
        assert_eq!(told(&answer), problem(409, "company_id_taken"));
        let answer = stage.post(&operator, "/api/v1/units", &json!({"code": "OP"}));
        assert_eq!(told(&answer), problem(409, "issuer_unknown"), "the operator is no company");
        let answer = stage.post(&ours, "/api/v1/companies", &json!({"code": "x", "name": "X"}));
        assert_eq!(told(&answer), problem(403, "forbidden"));
        assert_eq!(told(&stage.get(&ours, "/api/v1/units/XP")), problem(404, "unit_not_found"));
        let answer = stage.post(&ours, "/api/v1/units", &json!({"code": "PT"}));
        assert_eq!(answer.status, 200, "a repeat: {}", answer.text);
        let answer = stage.post(&ours, "/api/v1/units", &json!({"code": "XP"}));
        assert_eq!(told(&answer), problem(409, "unit_code_taken"));
        let change = json!({
            "transferable": true,
            "lot_lives": [{"from": "2024-10-01", "span": {"months": 12}, "month_end": true}],
            "idle_rules": [{"by": ["earn", "visit"], "span": {"days": 180}, "from": "2024-10-01"}],
        });
        let unit = stage.send(&ours, (Method::PATCH, "/api/v1/units/PT"), &change);
        let unit: Value = unit.json();
        assert_eq!(unit["policy"]["transferable"], true);
        assert_eq!(unit["policy"]["lot_lives"], change["lot_lives"]);
        let idle = &unit["policy"]["idle_rules"][0];
        assert_eq!((&idle["by"], &idle["until"]), (&json!(["earn", "visit"]), &Value::Null));
        for (wrong, pointer) in [
            (
                json!({"lot_lives": [{"from": "2024-10-01", "span": {"days": 0}}]}),
                "/lot_lives/0/span/days",
            ),
            (
                json!({"lot_lives": [{"from": "1 October", "span": {"days": 1}}]}),
                "/lot_lives/0/from",
            ),
            (
                json!({"idle_rules": [{"by": [], "span": {"days": 9}, "from": "2024-10-01"}]}),
                "/idle_rules",
            ),
            (json!({"idle_rules": vec![idle; 5]}), "/idle_rules"),
        ] {
            let answer = stage.send(&ours, (Method::PATCH, "/api/v1/units/PT"), &wrong);
            let problem: Value = answer.json();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let answer = stage.send(&ours, (Method::PATCH, "/api/v1/units/XP"), &change);
        assert_eq!(told(&answer), problem(404, "unit_not_found"));
    });
}

#[test]
fn an_account_is_opened_once_and_only_in_an_own_unit() {
    play(|stage| {
        let ours = stage.client(OURS);
        let form = json!({"id": "member 1", "unit": "PT", "side": "credit", "lots": true});
        let first = stage.post(&ours, "/api/v1/accounts", &form);
        assert_eq!(first.status, 201, "{}", first.text);
        let again = stage.post(&ours, "/api/v1/accounts", &form);
        assert_eq!((again.status.as_u16(), &again.text), (200, &first.text));
        let other = json!({"id": "member 1", "unit": "PT", "side": "credit"});
        let answer = stage.post(&ours, "/api/v1/accounts", &other);
        assert_eq!(told(&answer), problem(409, "account_differs"));
        let foreign = json!({"unit": "XP", "side": "debit", "rule": "unlimited"});
        let answer = stage.post(&ours, "/api/v1/accounts", &foreign);
        assert_eq!(told(&answer), problem(404, "unit_not_found"));
        let wrong = json!({"unit": "PT", "side": "debit", "lots": true});
        let answer = stage.post(&ours, "/api/v1/accounts", &wrong);
        assert_eq!(told(&answer), problem(422, "invalid_field"));
        let many = json!({"accounts": [form, other, foreign_with_id()]});
        let results: Value = stage.post(&ours, "/api/v1/accounts/bulk", &many).json();
        let told: Vec<(&str, Option<&str>)> = results["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| (result["status"].as_str().unwrap(), result["code"].as_str()))
            .collect();
        let expected = [
            ("repeated", None),
            ("refused", Some("account_differs")),
            ("refused", Some("unit_not_found")),
        ];
        assert_eq!(told, expected);
    });
}

fn foreign_with_id() -> Value {
    json!({"id": "x", "unit": "XP", "side": "credit"})
}

#[test]
fn ten_thousand_accounts_are_opened_at_once() {
    play(|stage| {
        let ours = stage.client(OURS);
        let account =
            |n: u32| json!({"id": format!("m{n}"), "unit": "PT", "side": "credit", "lots": true});
        let many: Vec<Value> = (0..10_000).map(account).collect();
        let results: Value =
            stage.post(&ours, "/api/v1/accounts/bulk", &json!({"accounts": many})).json();
        let results = results["results"].as_array().unwrap();
        assert_eq!(results.len(), 10_000);
        assert!(results.iter().all(|result| result["status"] == "opened"), "{}", results[0]);
    });
}

#[test]
fn an_account_shows_its_figures_now_and_then() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 300);
        let takings = stage.own(&ours, "PT", "takings");
        stage.clock.advance_seconds(3_600);
        let hold = json!({
            "id": "order 1", "debit": wallet, "credit": takings, "amount": 120,
            "expires_at": "2026-11-27T00:00:00Z",
        });
        assert_eq!(stage.post(&ours, "/api/v1/holds", &hold).status, 201);
        let account: Value = stage.get(&ours, &format!("/api/v1/accounts/{wallet}")).json();
        let figures = ["posted", "pending", "available", "incoming", "expected"]
            .map(|name| account[name].as_i64().unwrap());
        assert_eq!(figures, [300, 120, 180, 0, 0]);
        assert_eq!(
            account["lots"],
            json!([{"bearer": 1, "kind": "free", "expires_on": "2027-03-31", "posted": 300, "held": 120}])
        );
        assert_eq!((&account["standing"], &account["unit"]), (&json!("open"), &json!("PT")));
        let then = |at: &str| -> Value {
            stage.get(&ours, &format!("/api/v1/accounts/{wallet}/balance?at={at}")).json()
        };
        let past = then("2026-11-20T03:30:00Z");
        assert_eq!((&past["posted"], &past["pending"]), (&json!(300), &json!(0)));
        let past = then("2026-11-20T02:59:59Z");
        assert_eq!((&past["posted"], &past["lots"]), (&json!(0), &json!([])));
        let path = format!("/api/v1/accounts/{wallet}/balance");
        assert_eq!(told(&stage.get(&ours, &path)), problem(422, "invalid_field"));
    });
}

#[test]
fn a_statement_goes_back_page_by_page_with_its_balance() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 100);
        let takings = stage.own(&ours, "PT", "takings");
        for n in 1..=4 {
            let form = json!({
                "id": format!("spend {n}"), "debit": wallet, "credit": takings, "amount": n,
                "kind": "redemption", "code": n,
            });
            assert_eq!(stage.post(&ours, "/api/v1/transfers", &form).status, 201);
        }
        let mut lines = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/api/v1/accounts/{wallet}/statement?limit=2{next}");
            let page: Value = stage.get(&ours, &path).json();
            for line in page["items"].as_array().unwrap() {
                assert!(line["counter_account"].is_string(), "{line}");
                let kind = line["kind"].as_str().unwrap().to_owned();
                lines.push((
                    kind,
                    line["amount"].as_i64().unwrap(),
                    line["balance"].as_i64().unwrap(),
                ));
            }
            match page["next"].as_str() {
                Some(cursor) => next = format!("&after={cursor}"),
                None => break,
            }
        }
        let line = |kind: &str, amount, balance| (kind.to_owned(), amount, balance);
        let expected = [
            line("redemption", -4, 90),
            line("redemption", -3, 94),
            line("redemption", -2, 97),
            line("redemption", -1, 99),
            line("grant", 100, 100),
        ];
        assert_eq!(lines, expected);
        // A cursor of another account's statement leads nowhere.
        let theirs = stage.client(THEIRS);
        let other = stage.wallet(&theirs, "XP", 5);
        let path = format!("/api/v1/accounts/{other}/statement?{}", next.trim_start_matches('&'));
        let page: Value = stage.get(&theirs, &path).json();
        assert_eq!(page["items"], json!([]));
    });
}

#[test]
fn an_account_is_frozen_thawed_and_closed() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 10);
        let takings = stage.own(&ours, "PT", "takings");
        let post = |path: &str| {
            stage.post(&ours, &format!("/api/v1/accounts/{wallet}/{path}"), &json!({}))
        };
        let spend = |id: &str| {
            let form = json!({"id": id, "debit": wallet, "credit": takings, "amount": 10});
            stage.post(&ours, "/api/v1/transfers", &form)
        };
        assert_eq!(post("freeze").status, 201);
        assert_eq!(told(&post("freeze")), problem(409, "account_frozen"));
        assert_eq!(told(&spend("a")), problem(409, "account_frozen"));
        assert_eq!(post("thaw").status, 201);
        assert_eq!(told(&post("close")), problem(409, "account_not_empty"));
        assert_eq!(spend("a").status, 201, "the refused id is free");
        assert_eq!(post("close").status, 201);
        assert_eq!(post("close").status, 200, "a repeat");
        assert_eq!(told(&spend("b")), problem(409, "account_closed"));
        let account: Value = stage.get(&ours, &format!("/api/v1/accounts/{wallet}")).json();
        assert_eq!(account["standing"], "closed");
    });
}

#[test]
fn what_is_another_companys_is_not_found() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let wallet = stage.wallet(&ours, "PT", 10);
        for path in ["", "/balance?at=2026-11-20T03:30:00Z", "/statement"] {
            let path = format!("/api/v1/accounts/{wallet}{path}");
            assert_eq!(told(&stage.get(&theirs, &path)), problem(404, "not_found"), "{path}");
        }
        for path in ["freeze", "thaw", "close"] {
            let path = format!("/api/v1/accounts/{wallet}/{path}");
            let answer = stage.post(&theirs, &path, &json!({}));
            assert_eq!(told(&answer), problem(404, "debit_account_not_found"), "{path}");
        }
        let own = stage.wallet(&theirs, "XP", 10);
        let form = json!({"id": "x", "debit": wallet, "credit": own, "amount": 1});
        let answer = stage.post(&theirs, "/api/v1/transfers", &form);
        assert_eq!(told(&answer), problem(404, "debit_account_not_found"));
        let form = json!({"id": "x", "debit": own, "credit": wallet, "amount": 1});
        let answer = stage.post(&theirs, "/api/v1/transfers", &form);
        assert_eq!(told(&answer), problem(404, "credit_account_not_found"));
    });
}

#[test]
fn every_route_asks_for_its_need() {
    play(|stage| {
        // Somebody who may do nothing that this API is for.
        let nobody = stage.client_with(OURS, &[Need::OfferRead]);
        for route in bank::routes(&stage.bank).list() {
            let path =
                route.path().replace("{id}", "x").replace("{code}", "PT").replace("{seq}", "1");
            let answer = stage.send(&nobody, (route.method().clone(), &path), &json!({}));
            assert_eq!(told(&answer), problem(403, "forbidden"), "{} {path}", route.method());
        }
    });
}
