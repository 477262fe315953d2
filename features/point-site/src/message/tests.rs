use core::fmt::Write as _;

use expect_test::expect;
use sha2::{Digest as _, Sha256};

use crate::click::reference;
use crate::message::process_messages;
use crate::tests::{SECRET, Stage, at, play, play_trusting, tell, wait};
use crate::{PathSecret, Trust};
use store::{Reader, Row, Statement};
use vocabulary::Zone;

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
    config.networks[0].secrets = secrets;
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
fn local_times_follow_the_networks_zone() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let mut network = stage.site.config().networks[0].clone();
    let message = crate::message::Message {
        id: vocabulary::Id::from_bits(1),
        network: network.code.clone(),
        account: network.account.clone(),
        received_at: stage.site.now(),
        request: String::new(),
    };
    let fields = [("conversion_id", "1"), ("price", "1"), ("reward", "1")]
        .into_iter()
        .chain([("occurred_at", "2026-11-20 12:04:31")])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let read = |network: &crate::Network| {
        crate::message::read_postback(&message, network, &fields).unwrap().occurred_at.to_string()
    };
    assert_eq!(read(&network), "2026-11-20T03:04:31Z");
    network.zone = Zone::UTC;
    assert_eq!(read(&network), "2026-11-20T12:04:31Z");
}
