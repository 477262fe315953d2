use std::collections::BTreeSet;

use expect_test::expect_file;

use super::state::{METRICS, MetricKind, metric_list};
use crate::testing::House;
use store::testing::TestDatabase;
use vocabulary::Timestamp;
use web::StatusCode;

#[test]
fn the_list_of_metrics_is_fresh() {
    expect_file!["../../../../docs/generated/metrics.md"].assert_eq(&metric_list());
}

#[test]
fn every_metric_is_listed_and_every_listed_one_is_there() {
    let database = TestDatabase::sqlite();
    let house = House::over(&database);
    house.probe.look();
    house.ops.board.fail("expire", "away");
    house.ops.board.succeed("expire", Timestamp::default());
    house.ops.board.note_overdue("expire", 2);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let client = house.client();
    let answer = runtime.block_on(async {
        client.get("/healthz").await;
        client.get("/metrics").await
    });
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let shown: BTreeSet<_> =
        answer.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let kind = |kind| match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
    };
    let listed: Vec<_> =
        METRICS.iter().map(|metric| format!("{} {}", metric.name, kind(metric.kind))).collect();
    assert_eq!(shown, listed.iter().map(String::as_str).collect());
    for line in [
        "daifuku_build_info{version=\"0.1.0\"} 1",
        "daifuku_ready 1",
        "daifuku_check_ok{check=\"writer\"} 1",
        "daifuku_journal_movements_total 0",
        "daifuku_job_failures_total{job=\"expire\"} 1",
        "daifuku_job_overdue_items{job=\"expire\"} 2",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}\n{}", answer.text);
    }
}

#[test]
fn names_say_their_unit_and_counters_that_they_count() {
    for metric in METRICS {
        let total = metric.name.ends_with("_total");
        assert_eq!(total, metric.kind == MetricKind::Counter, "{}", metric.name);
        assert!(metric.name.starts_with("daifuku_") && metric.help.ends_with('.'), "{metric:?}");
    }
}
