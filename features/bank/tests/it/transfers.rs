use serde_json::{Value, json};

use crate::stage::{OURS, THEIRS, play, problem, told};
use access::Need;
use web::Method;

#[test]
fn a_transfer_is_posted_once_and_told_again() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 100);
        let takings = stage.own(&ours, "PT", "takings");
        let form = json!({"id": "order-1", "debit": wallet, "credit": takings, "amount": 30});
        let first = stage.post(&ours, "/api/v1/transfers", &form);
        let receipt: Value = first.json();
        assert_eq!(first.status, 201);
        assert_eq!((&receipt["repeated"], &receipt["moved"]), (&json!(false), &json!(30)));
        assert_eq!((&receipt["first_seq"], &receipt["movements"]), (&json!(2), &json!(1)));
        let again = stage.post(&ours, "/api/v1/transfers", &form);
        let repeat: Value = again.json();
        assert_eq!((again.status.as_u16(), &repeat["repeated"]), (200, &json!(true)));
        assert_eq!(repeat["id"], receipt["id"]);
        let other = json!({"id": "order-1", "debit": wallet, "credit": takings, "amount": 31});
        let answer = stage.post(&ours, "/api/v1/transfers", &other);
        assert_eq!(told(&answer), problem(409, "id_reused"));
        let much = json!({"id": "order-2", "debit": wallet, "credit": takings, "amount": 71});
        let answer = stage.post(&ours, "/api/v1/transfers", &much);
        assert_eq!(told(&answer), problem(409, "balance_insufficient"));
        let refused: Value = answer.json();
        assert_eq!(refused["detail"], "at most 70");
        let none = json!({"debit": wallet, "credit": takings, "amount": 1});
        let answer = stage.post(&ours, "/api/v1/transfers", &none);
        let refused: Value = answer.json();
        assert_eq!(told(&answer), problem(422, "invalid_field"));
        assert_eq!(refused["errors"][0]["pointer"], "/id");
        let keyed = stage.client(OURS).header("idempotency-key", "order-3");
        assert_eq!(stage.post(&keyed, "/api/v1/transfers", &none).status, 201);
        assert_eq!(stage.post(&keyed, "/api/v1/transfers", &none).status, 200);
        let partial = json!({"id": "order-4", "debit": wallet, "credit": takings, "amount": 500, "partial": true});
        let receipt: Value = stage.post(&ours, "/api/v1/transfers", &partial).json();
        assert_eq!(receipt["moved"], 69);
    });
}

#[test]
fn what_a_transfer_gets_wrong_is_told() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 10);
        let cost = stage.own(&ours, "PT", "cost");
        let with = |key: &str, value: Value| {
            let mut form = json!({"id": "x", "debit": cost, "credit": wallet, "amount": 5,
                "lot": {"kind": "free"}});
            form[key] = value;
            form
        };
        let table = [
            (with("amount", json!(0)), problem(422, "amount_zero")),
            (with("amount", json!(-1)), problem(422, "invalid_field")),
            (with("amount", json!(1.5)), problem(422, "invalid_field")),
            (with("debit", json!(wallet)), problem(422, "accounts_same")),
            (with("debit", json!("acc_x")), problem(422, "invalid_field")),
            (with("lot", json!(null)), problem(422, "lot_missing")),
            (with("lot", json!({"kind": "free", "bearer": 2})), problem(422, "bearer_foreign")),
            (
                with("lot", json!({"kind": "free", "expires_on": "2019-01-01"})),
                problem(422, "invalid_field"),
            ),
            (
                with("lot", json!({"kind": "free", "expires_on": "2026-11-19"})),
                problem(422, "lot_expired"),
            ),
            (with("surprise", json!(1)), problem(422, "invalid_field")),
        ];
        for (form, expected) in table {
            let answer = stage.post(&ours, "/api/v1/transfers", &form);
            assert_eq!(told(&answer), expected, "{form}: {}", answer.text);
        }
        let body = b"{}".to_vec();
        let answer =
            stage.block_on(ours.send(Method::POST, "/api/v1/transfers", "text/plain", body));
        assert_eq!(told(&answer), problem(415, "unsupported_media_type"));
    });
}

#[test]
fn ten_thousand_transfers_are_answered_each_in_its_place() {
    play(|stage| {
        let ours = stage.client(OURS);
        let (cost, takings) = (stage.own(&ours, "PT", "cost"), stage.own(&ours, "PT", "takings"));
        let foreign = stage.own(&stage.client(THEIRS), "XP", "takings");
        let transfer = |n: u32| match n % 100 {
            7 => json!({"id": format!("t{n}"), "debit": cost, "credit": foreign, "amount": 1}),
            8 => {
                json!({"id": format!("t{}", n - 2), "debit": cost, "credit": takings, "amount": n})
            }
            9 => {
                json!({"id": format!("t{}", n - 3), "debit": cost, "credit": takings, "amount": n - 3})
            }
            _ => json!({"id": format!("t{n}"), "debit": cost, "credit": takings, "amount": n + 1}),
        };
        let many: Vec<Value> = (0..10_000).map(transfer).collect();
        let answer = stage.post(&ours, "/api/v1/transfers", &json!({"transfers": many}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let results: Value = answer.json();
        let results = results["results"].as_array().unwrap();
        assert_eq!(results.len(), 10_000);
        for (n, result) in results.iter().enumerate() {
            let expected = match n % 100 {
                7 => ("refused", json!("credit_account_not_found"), json!(null)),
                8 | 9 => ("refused", json!("id_reused"), json!(null)),
                _ => ("posted", json!(null), json!(n + 1)),
            };
            let found = (
                result["status"].as_str().unwrap(),
                result["code"].clone(),
                result["moved"].clone(),
            );
            assert_eq!(found, expected, "{n}: {result}");
        }
        let again = stage.post(&ours, "/api/v1/transfers", &json!({"transfers": many}));
        let again: Value = again.json();
        assert_eq!(again["results"][0]["repeated"], true);
        assert_eq!(again["results"][0]["first_seq"], results[0]["first_seq"]);
    });
}

#[test]
fn many_without_ids_or_too_many_are_refused_whole() {
    play(|stage| {
        let ours = stage.client(OURS);
        let (cost, takings) = (stage.own(&ours, "PT", "cost"), stage.own(&ours, "PT", "takings"));
        let good = json!({"id": "a", "debit": cost, "credit": takings, "amount": 1});
        let nameless = json!({"debit": cost, "credit": takings, "amount": 1});
        let answer =
            stage.post(&ours, "/api/v1/transfers", &json!({"transfers": [good, nameless]}));
        let refused: Value = answer.json();
        assert_eq!(refused["errors"][0]["pointer"], "/transfers/1/id", "{refused}");
        let many: Vec<&Value> = std::iter::repeat_n(&good, 10_001).collect();
        let answer = stage.post(&ours, "/api/v1/transfers", &json!({"transfers": many}));
        assert_eq!(told(&answer), problem(422, "invalid_field"));
        let account: Value = stage.get(&ours, &format!("/api/v1/accounts/{takings}")).json();
        assert_eq!(account["posted"], 0, "nothing was posted");
        let none: Value = stage.post(&ours, "/api/v1/transfers", &json!({"transfers": []})).json();
        assert_eq!(none, json!({"results": []}));
    });
}

#[test]
fn lines_are_answered_in_order_and_a_bad_one_stops_nothing() {
    play(|stage| {
        let ours = stage.client(OURS);
        let (cost, takings) = (stage.own(&ours, "PT", "cost"), stage.own(&ours, "PT", "takings"));
        let mut body = String::new();
        for n in 1..=2_500 {
            let line = match n {
                3 => "{ this is no JSON".to_owned(),
                5 => json!({"debit": cost, "credit": takings, "amount": 1}).to_string(),
                7 => String::new(),
                9 => json!({"id": "s9", "debit": cost, "credit": cost, "amount": 1}).to_string(),
                11 => json!({"id": "s11", "debit": cost, "credit": takings, "amount": 1,
                    "lot": {"kind": "free", "bearer": 9}})
                .to_string(),
                n => json!({"id": format!("s{n}"), "debit": cost, "credit": takings, "amount": n})
                    .to_string(),
            };
            body.push_str(&line);
            body.push('\n');
        }
        let path = "/api/v1/transfers/stream";
        let answer = stage.block_on(ours.send(
            Method::POST,
            path,
            "application/x-ndjson",
            body.into_bytes(),
        ));
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let lines: Vec<Value> =
            answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2_499, "an empty line has no answer");
        for line in &lines {
            let number = line["line"].as_u64().unwrap();
            let expected = match number {
                3 => ("invalid", json!("malformed_json")),
                5 => ("invalid", json!("invalid_field")),
                9 => ("refused", json!("accounts_same")),
                11 => ("invalid", json!("bearer_foreign")),
                _ => ("posted", json!(null)),
            };
            assert_eq!(
                (line["status"].as_str().unwrap(), line["code"].clone()),
                expected,
                "{line}"
            );
            if expected.0 == "posted" {
                assert_eq!(line["moved"], json!(number));
            }
        }
        let numbers: Vec<u64> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
        assert!(numbers.is_sorted(), "in order");
        let long = format!("{}\n", "x".repeat(70_000));
        let answer = stage.block_on(ours.send(
            Method::POST,
            path,
            "application/x-ndjson",
            long.into_bytes(),
        ));
        let line: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!((&line["status"], &line["line"]), (&json!("aborted"), &json!(1)));
    });
}

#[test]
fn steps_succeed_or_fail_together_and_each_asks_for_its_right() {
    play(|stage| {
        let ours = stage.client(OURS);
        let wallet = stage.wallet(&ours, "PT", 100);
        let takings = stage.own(&ours, "PT", "takings");
        let hold = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f";
        let steps = json!([
            {"type": "hold", "id": hold, "debit": wallet, "credit": takings, "amount": 60,
             "expires_at": "2026-11-27T00:00:00Z"},
            {"type": "capture", "hold": hold, "amount": 50},
            {"type": "transfer", "debit": wallet, "credit": takings, "amount": 60},
        ]);
        let answer = stage.post(&ours, "/api/v1/batches", &json!({"id": "b1", "steps": steps}));
        assert_eq!(told(&answer), problem(409, "balance_insufficient"));
        let refused: Value = answer.json();
        assert_eq!(refused["detail"], "step 2, counted from 0: at most 50");
        let fewer = json!([steps[0], steps[1]]);
        let answer = stage.post(&ours, "/api/v1/batches", &json!({"id": "b1", "steps": fewer}));
        assert_eq!(answer.status, 201, "{}", answer.text);
        let answer = stage.post(&ours, "/api/v1/batches", &json!({"id": "b1", "steps": fewer}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let shown: Value = stage.get(&ours, &format!("/api/v1/holds/{hold}")).json();
        assert_eq!((&shown["state"], &shown["captured"]), (&json!("captured"), &json!(50)));
        for steps in [json!([]), Value::from(vec![steps[1].clone(); 1_001])] {
            let answer = stage.post(&ours, "/api/v1/batches", &json!({"id": "b2", "steps": steps}));
            assert_eq!(told(&answer), problem(422, "invalid_field"));
        }
        let only_transfers = stage.client_with(OURS, &[Need::TransferWrite]);
        let form = json!({"id": "b3", "steps": [{"type": "freeze", "account": wallet}]});
        let answer = stage.post(&only_transfers, "/api/v1/batches", &form);
        assert_eq!(told(&answer), problem(403, "forbidden"));
    });
}

#[test]
fn a_hold_lives_through_its_doors() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let wallet = stage.wallet(&ours, "PT", 100);
        let takings = stage.own(&ours, "PT", "takings");
        let form = json!({"debit": wallet, "credit": takings, "amount": 40, "code": 3,
            "expires_at": "2026-11-27T00:00:00Z"});
        let keyed = stage.client(OURS).header("idempotency-key", "till 7");
        assert_eq!(stage.post(&keyed, "/api/v1/holds", &form).status, 201);
        let repeat = stage.post(&keyed, "/api/v1/holds", &form);
        assert_eq!(repeat.status, 200, "{}", repeat.text);
        let uuid = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f";
        let mut named = form.clone();
        named["id"] = json!(uuid);
        assert_eq!(stage.post(&ours, "/api/v1/holds", &named).status, 201);
        let path = |verb: &str| format!("/api/v1/holds/{uuid}{verb}");
        let answer = stage.post(&ours, &path("/increase"), &json!({"id": "i", "amount": 21}));
        assert_eq!(told(&answer), problem(409, "balance_insufficient"));
        let answer = stage.post(&ours, &path("/increase"), &json!({"id": "i", "amount": 20}));
        assert_eq!(answer.status, 201, "{}", answer.text);
        let form = json!({"id": "c", "amount": 25, "keep_rest": true});
        assert_eq!(stage.post(&ours, &path("/capture"), &form).status, 201);
        let form = json!({"id": "c2", "amount": 36});
        assert_eq!(
            told(&stage.post(&ours, &path("/capture"), &form)),
            problem(409, "hold_exceeded")
        );
        for (verb, form) in [
            ("/increase", json!({"id": "x", "amount": 1})),
            ("/capture", json!({"id": "x"})),
            ("/void", json!({"id": "x"})),
        ] {
            let answer = stage.post(&theirs, &path(verb), &form);
            assert_eq!(told(&answer), problem(404, "hold_not_found"), "{verb}");
        }
        assert_eq!(told(&stage.get(&theirs, &path(""))), problem(404, "not_found"));
        let answer = stage.post(&ours, &path("/void"), &json!({"id": "v"}));
        assert_eq!(answer.status, 201, "{}", answer.text);
        let answer = stage.post(&ours, &path("/void"), &json!({"id": "v2"}));
        assert_eq!(told(&answer), problem(409, "hold_voided"));
        let shown: Value = stage.get(&ours, &path("")).json();
        assert_eq!(
            (&shown["state"], &shown["placed"], &shown["captured"]),
            (&json!("voided"), &json!(60), &json!(25))
        );
    });
}

#[test]
fn an_expectation_comes_true_or_is_dropped() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let wallet = stage.wallet(&ours, "PT", 0);
        let cost = stage.own(&ours, "PT", "cost");
        let one = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f";
        let form = json!({"id": one, "debit": cost, "credit": wallet, "amount": 500,
            "due_at": "2027-01-31T00:00:00+09:00"});
        assert_eq!(stage.post(&ours, "/api/v1/expectations", &form).status, 201);
        assert_eq!(stage.post(&ours, "/api/v1/expectations", &form).status, 200);
        let path = format!("/api/v1/expectations/{one}");
        let change = json!({"id": "less", "amount": 400});
        let theirs_change = stage.send(&theirs, (Method::PATCH, &path), &change);
        assert_eq!(told(&theirs_change), problem(404, "expectation_not_found"));
        assert_eq!(told(&stage.get(&theirs, &path)), problem(404, "not_found"));
        assert_eq!(stage.send(&ours, (Method::PATCH, &path), &change).status, 201);
        let grant = json!({"id": "g", "amount": 150, "keep_rest": true,
            "lot": {"kind": "free", "expires_on": "2027-12-31"}});
        let answer = stage.post(&ours, &format!("{path}/grant"), &grant);
        assert_eq!(answer.status, 201, "{}", answer.text);
        let shown: Value = stage.get(&ours, &path).json();
        assert_eq!(
            (&shown["amount"], &shown["granted"], &shown["open"]),
            (&json!(250), &json!(150), &json!(true))
        );
        let answer = stage.send(&ours, (Method::DELETE, &path), &json!(null));
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(stage.send(&ours, (Method::DELETE, &path), &json!(null)).status, 200);
        let account: Value = stage.get(&ours, &format!("/api/v1/accounts/{wallet}")).json();
        assert_eq!((&account["posted"], &account["expected"]), (&json!(150), &json!(0)));
    });
}

#[test]
fn a_batch_is_reversed_once_and_only_by_its_company() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let wallet = stage.wallet(&ours, "PT", 100);
        let takings = stage.own(&ours, "PT", "takings");
        let form = json!({"id": "order-1", "debit": wallet, "credit": takings, "amount": 30});
        assert_eq!(stage.post(&ours, "/api/v1/transfers", &form).status, 201);
        let undo = json!({"original": "order-1"});
        let answer = stage.post(&theirs, "/api/v1/reversals", &undo);
        assert_eq!(told(&answer), problem(404, "original_not_found"));
        assert_eq!(stage.post(&ours, "/api/v1/reversals", &undo).status, 201);
        assert_eq!(stage.post(&ours, "/api/v1/reversals", &undo).status, 200);
        let again = json!({"id": "another", "original": "order-1"});
        let answer = stage.post(&ours, "/api/v1/reversals", &again);
        assert_eq!(told(&answer), problem(409, "already_reversed"));
        let account: Value = stage.get(&ours, &format!("/api/v1/accounts/{wallet}")).json();
        assert_eq!(account["posted"], 100);
    });
}

#[test]
fn the_journal_and_its_events_are_seen_by_those_they_concern() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let wallet = stage.wallet(&ours, "PT", 100);
        stage.wallet(&theirs, "XP", 7);
        let takings = stage.own(&ours, "PT", "takings");
        let hold = json!({"id": "order 1", "debit": wallet, "credit": takings, "amount": 60,
            "expires_at": "2026-11-27T00:00:00Z"});
        stage.post(&ours, "/api/v1/holds", &hold);
        let page: Value = stage.get(&ours, "/api/v1/movements?limit=1").json();
        assert_eq!((&page["items"][0]["seq"], &page["next"]), (&json!(1), &json!(2)));
        let page: Value = stage.get(&ours, "/api/v1/movements?from=2").json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!((&page["items"][0]["kind"], &page["next"]), (&json!("hold"), &json!(4)));
        let file = stage.get(&theirs, "/api/v1/journal");
        let lines: Vec<Value> =
            file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["seq"], &lines[0]["unit"]), (&json!(2), &json!("XP")));
        assert_eq!(stage.get(&ours, "/api/v1/journal?limit=1").text.lines().count(), 1);
        assert_eq!(stage.get(&ours, "/api/v1/journal?from_seq=4").text, "");
        let page: Value = stage.get(&ours, "/api/v1/events").json();
        let types: Vec<&str> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(types, ["points.granted", "hold.placed"]);
        assert_eq!(page["next"], 3);
        let rest: Value = stage.get(&ours, "/api/v1/events?after=1&limit=1").json();
        assert_eq!(rest["items"][0], page["items"][1], "events are told alike");
        let none: Value = stage.get(&ours, "/api/v1/events?after=3").json();
        assert_eq!(none, json!({"items": [], "next": 3}));
    });
}
