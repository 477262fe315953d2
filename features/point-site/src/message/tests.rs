use core::fmt::Write as _;

use expect_test::expect;
use sha2::{Digest as _, Sha256};

use crate::click::reference;
use crate::message::{Content, Media, Request, process_messages};
use crate::tests::{SECRET, Stage, at, play, play_trusting, tell, wait};
use crate::{Network, PathSecret, Trust};
use store::{Reader, Row, Statement};
use web::Method;

static ALL: Statement = Statement::new(
    "list all messages",
    "SELECT m.request, m.digest, w.state, w.outcome
     FROM site_message AS m
     JOIN site_message_work AS w ON w.message = m.id
     ORDER BY m.id",
);

fn rows(stage: &Stage) -> Vec<Row<'static>> {
    let list = |reader: &mut Reader<'_>| reader.query(&ALL, &[]);
    stage.site.store().database().read(list).unwrap()
}

fn path(query: &str) -> String {
    format!("/in/v1/accesstrade/{SECRET}main/cv?{query}")
}

/// The query of a postback as the network sends it.
fn postback(stage: &Stage, status: u8, rest: &str) -> String {
    let click = reference(stage.click(1, stage.books));
    path(&format!(
        "pbid={click}&conversion_id=88120457&order_id=R-553021&item=2&price=3980&reward=119\
         &status={status}&occurred_at=2026-11-01%2012:04:31{rest}"
    ))
}

#[test]
fn a_postback_is_stored_as_it_came_then_read() {
    let expected = expect![[r"
        : unreadable conversion_id_unreadable
        occurred_at=2026-11-01%2012:04:31: done tracked
        occurred_at=2026-11-01%2012:04:31: done duplicate
        note=%E3%81%82: done needs_review
        conversion_id=1: unreadable occurred_at_unreadable
        price=abc: unreadable amount_unreadable
        occurred_at=2026-11-01%2012:04:31: done claimed
        has 0 expects 59 owes 0
    "]];
    tell(&expected, |stage| {
        let client = stage.client(None);
        let mut text = String::new();
        for (status, query) in [
            (200, postback(stage, 0, "")),
            (200, postback(stage, 0, "")),
            (200, postback(stage, 1, "")),
            (200, postback(stage, 7, "&note=%E3%81%82")),
            (200, path("conversion_id=1")),
            (200, path("conversion_id=2&occurred_at=2026-11-01+12:00:00&price=abc")),
            (200, path("")),
        ] {
            let answer = wait(client.get(&query));
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, "OK"), "{query}");
        }
        stage.clock.advance_seconds(600);
        assert_eq!(process_messages(&stage.site).unwrap(), 7);
        assert_eq!(process_messages(&stage.site).unwrap(), 0, "nothing waits any more");
        for row in rows(stage) {
            let request = row.text(0).unwrap();
            assert_eq!(row.digest(1).unwrap(), <[u8; 32]>::from(Sha256::digest(request)));
            let shown = request.split('&').next_back().unwrap();
            writeln!(text, "{shown}: {} {}", row.text(2).unwrap(), row.text(3).unwrap()).unwrap();
        }
        writeln!(text, "{}", stage.purse()).unwrap();
        text
    });
}

#[test]
fn a_wrong_secret_finds_nothing_and_stores_nothing() {
    play(|stage| {
        let client = stage.client(None);
        for secret in ["guess", SECRET, &format!("{SECRET}main2"), "%00"] {
            let answer = wait(client.get(&format!("/in/v1/accesstrade/{secret}/cv?status=0")));
            assert_eq!(answer.status.as_u16(), 404, "{secret}");
        }
        let other = wait(client.get(&format!("/in/v1/awin/{SECRET}main/cv?status=0")));
        assert_eq!(other.status.as_u16(), 404);
        assert!(rows(stage).is_empty(), "nothing is stored");
    });
}

#[test]
fn a_secret_is_changed_with_an_overlap() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let mut config = stage.site.config().clone();
    let until = at("2026-11-02 12:00");
    let secrets = vec![PathSecret::new("new", None), PathSecret::new("former", Some(until))];
    let network = Network { secrets, ..Network::clone(&config.networks.list()[0]) };
    config.networks = vec![network].into();
    let found = |secret: &str, now| config.network_of("accesstrade", secret, now).is_some();
    assert!(found("new", until) && found("former", until.plus_microseconds(-1)), "both are taken");
    assert!(!found("former", until), "the old one has ended");
    assert!(!format!("{config:?}").contains("former"), "no secret is shown");
}

#[test]
fn what_cannot_be_stored_is_not_acknowledged() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let client = stage.client(None);
    stage.site.store().close();
    let answer = wait(client.get(&path("conversion_id=1")));
    assert_eq!(answer.problem_code(), "store_unavailable", "{}", answer.text);
}

#[test]
fn a_trusted_network_decides_by_postback() {
    play_trusting(|stage| {
        let client = stage.client(None);
        for status in [0, 1] {
            wait(client.get(&postback(stage, status, "")));
            stage.clock.advance_seconds(600);
            process_messages(&stage.site).unwrap();
        }
        assert_eq!(stage.purse(), "has 59 expects 0 owes 0");
    });
}

#[test]
fn a_resend_of_thirty_days_changes_nothing() {
    play(|stage| {
        let client = stage.client(None);
        let query = postback(stage, 0, "");
        wait(client.get(&query));
        stage.clock.advance_seconds(600);
        process_messages(&stage.site).unwrap();
        stage.clock.advance_seconds(30 * 86_400);
        for _ in 0..60 {
            wait(client.get(&query));
        }
        assert_eq!(process_messages(&stage.site).unwrap(), 60);
        assert_eq!(stage.purse(), "has 0 expects 59 owes 0");
    });
}

#[test]
fn a_push_is_stored_as_it_came_answered_as_expected_and_read() {
    let expected = expect![[r#"
        awin application/x-www-form-urlencoded: 200 OK
        impact Application/JSON; charset=utf-8: 200 OK
        impact text/plain: 200 OK
        impact application/json: 200 OK
        impact application/json: 200 OK
        tune application/x-www-form-urlencoded: 200 success=true;
        tune: success=true;
        long: payload_too_large
        "POST form\nAwinTransactionPush=%7B%22tran": done needs_review
        "POST json\n{\"action_id\":\"9\",\"status\":\"PEN": done unmatched
        "POST other\n{\"action_id\":\"9\",\"status\":\"PE": unreadable form_unreadable
        "POST json hex\nfffe7b7d": unreadable form_unreadable
        "POST json\n": unreadable form_unreadable
        "POST form\ntransaction_id=1&payout=2.50&s": done unmatched
        "transaction_id=2&payout=2.5": done needs_review
        has 0 expects 0 owes 0
    "#]];
    tell(&expected, |stage| {
        let client = stage.client(None);
        let click = reference(stage.click(1, stage.books));
        let awin = format!(
            r#"{{"transactionId":"1","transactionDate":"2026-11-01 03:04:31","commission":"119",
            "transactionCurrency":"JPY","transactionAmount":"3980","clickRef":"{click}"}}"#
        );
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("AwinTransactionPush", &awin)
            .finish();
        let impact = r#"{"action_id":"9","status":"PENDING","payout":"119","amount":"3980"}"#;
        let (urlencoded, json) = ("application/x-www-form-urlencoded", "application/json");
        let mut text = String::new();
        for (network, media, body) in [
            ("awin", urlencoded, form.as_bytes()),
            ("impact", "Application/JSON; charset=utf-8", impact.as_bytes()),
            ("impact", "text/plain", impact.as_bytes()),
            ("impact", json, b"\xFF\xFE{}"),
            ("impact", json, b""),
            ("tune", urlencoded, b"transaction_id=1&payout=2.50&status=pending&amount=40"),
        ] {
            let path = format!("/in/v1/{network}/{SECRET}{network}/cv");
            let answer = wait(client.send(Method::POST, &path, media, body.to_vec()));
            stage.clock.advance_seconds(1);
            let answer = (answer.status.as_u16(), answer.text.as_str());
            writeln!(text, "{network} {media}: {} {}", answer.0, answer.1).unwrap();
        }
        let query = format!("/in/v1/tune/{SECRET}tune/cv?transaction_id=2&payout=2.5");
        writeln!(text, "tune: {}", wait(client.get(&query)).text).unwrap();
        let long = format!("/in/v1/awin/{SECRET}awin/cv");
        let body = vec![b'a'; 300_000];
        let answer = wait(client.send(Method::POST, &long, json, body));
        writeln!(text, "long: {}", answer.problem_code()).unwrap();
        stage.clock.advance_seconds(600);
        assert_eq!(process_messages(&stage.site).unwrap(), 7);
        for row in rows(stage) {
            let request = row.text(0).unwrap();
            assert_eq!(row.digest(1).unwrap(), <[u8; 32]>::from(Sha256::digest(request)));
            let shown: String = request.chars().take(40).collect();
            writeln!(text, "{shown:?}: {} {}", row.text(2).unwrap(), row.text(3).unwrap()).unwrap();
        }
        writeln!(text, "{}", stage.purse()).unwrap();
        text
    });
}

#[test]
fn a_query_and_a_body_are_never_mistaken_for_one_another() {
    let body = |media, query: &str, body: &[u8]| Request::of_body(media, query, body);
    let table = [
        (Request::of_query("a=b"), "a=b", Content::Query("a=b")),
        (Request::of_query("POST%20json"), "POST%20json", Content::Query("POST%20json")),
        (Request::of_query(""), "", Content::Query("")),
        (body(Media::Form, "", b"a=b"), "POST form\na=b", Content::Form("a=b")),
        (body(Media::Json, "", b"{\n}"), "POST json\n{\n}", Content::Json("{\n}")),
        (body(Media::Json, "", b""), "POST json\n", Content::Json("")),
        (body(Media::Form, "hex", b"c"), "POST form ?hex\nc", Content::Form("c")),
        (body(Media::Json, "a=b", b"\xFF"), "POST json ?a=b hex\nff", Content::Other),
        (body(Media::Other, "", b"<x/>"), "POST other\n<x/>", Content::Other),
    ];
    for (request, stored, content) in table {
        assert_eq!((request.as_str(), request.content()), (stored, content));
        assert_eq!(Request::from_stored(stored.to_owned()), request);
    }
}
