use serde_json::{Value, json};

use crate::testing::House;
use store::testing::{TestDatabase, for_each_database};
use vocabulary::Clock as _;
use web::StatusCode;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap()
}

/// Gives the status of `/readyz` and the checks that do not hold.
fn readiness(house: &House) -> (StatusCode, Vec<String>) {
    let answer = runtime().block_on(house.client().get("/readyz"));
    let json: Value = answer.json();
    let failing = json["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
    let failing: Vec<_> = failing.map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(json["ready"], json!(failing.is_empty()), "{json}");
    (answer.status, failing)
}

#[test]
fn it_is_ready_while_the_probe_is_fresh_and_nothing_fails() {
    for_each_database(|database| {
        let house = House::over(database);
        let not_ready = |failing: &[&str]| {
            let failing: Vec<String> = failing.iter().map(|&name| name.to_owned()).collect();
            (StatusCode::SERVICE_UNAVAILABLE, failing)
        };
        assert_eq!(readiness(&house), not_ready(&["probe"]), "before the first look");
        house.probe.look();
        assert_eq!(readiness(&house), (StatusCode::OK, vec![]));
        house.clock.advance_seconds(13);
        assert_eq!(readiness(&house), not_ready(&["probe"]), "the look grew old");
        house.probe.look();
        house.ops.health.drain();
        assert_eq!(readiness(&house), not_ready(&["drain"]));
        house.ops.store.close();
        house.probe.look();
        assert_eq!(readiness(&house), not_ready(&["drain", "writer"]));
    });
}

#[test]
fn a_process_that_is_not_ready_is_alive() {
    let database = TestDatabase::sqlite();
    let house = House::over(&database);
    let answer = runtime().block_on(house.client().get("/healthz"));
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "alive\n"));
}

#[test]
fn a_schema_that_lacks_a_step_is_not_ready() {
    let database = TestDatabase::sqlite();
    let mut house = House::over(&database);
    let more = store::migrate::Migration { version: 599, ..store::MIGRATIONS[0] };
    let migrations = [crate::testing::migrations(), vec![more]].concat();
    house.probe.migrations = migrations.into();
    house.probe.look();
    let readiness = house.ops.health.readiness(house.clock.as_ref());
    let schema = readiness.checks.iter().find(|check| check.name == "schema").unwrap();
    assert!(schema.detail.contains("migration 599"), "{}", schema.detail);
    assert_eq!(readiness.checked_at, house.clock.now());
}

#[test]
fn the_page_shows_checks_and_jobs_in_both_languages() {
    let database = TestDatabase::sqlite();
    let house = House::over(&database);
    house.ops.board.fail("expire", "the database is away");
    house.probe.look();
    for (language, title) in [("ja", "稼働状況"), ("en", "Status")] {
        let path = format!("/staff/ops?lang={language}");
        let answer = runtime().block_on(house.client().browser().get(&path));
        assert_eq!(answer.status, StatusCode::OK);
        for part in [title, "expire", "the database is away"] {
            assert!(answer.text.contains(part), "{part} in {}", answer.text);
        }
        assert!(!answer.text.contains('⟦'), "a text is missing: {}", answer.text);
    }
}
