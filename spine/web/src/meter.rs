//! Counts and times requests per route, without a lock, and writes them as Prometheus text.

use core::fmt::Write as _;
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// Upper bounds of the histogram's buckets: microseconds, and the label in seconds.
///
/// Dense around the targets of the plan: a card decision in tens of milliseconds, a p99 of 20 ms.
const BUCKETS: [(u64, &str); 14] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_000, "0.002"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (20_000, "0.02"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (200_000, "0.2"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_000_000, "2"),
    (5_000_000, "5"),
    (10_000_000, "10"),
];

/// The status classes that are told apart; 1xx counts as 2xx.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// Requests by route, method and status class; shared between the door and `/metrics`.
#[derive(Debug, Default)]
pub struct Meter {
    routes: OnceLock<Vec<RouteSeries>>,
    shed: AtomicU64,
    panics: AtomicU64,
    in_flight: AtomicU64,
}

#[derive(Debug)]
struct RouteSeries {
    method: String,
    route: String,
    classes: [Histogram; 4],
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; 14],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Meter {
    /// Makes an empty meter; the door that is given it names the routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the routes once; a second door on the same meter must have the same routes.
    pub(crate) fn name_routes(&self, routes: impl Iterator<Item = (String, String)>) {
        self.routes.get_or_init(|| {
            routes
                .map(|(method, route)| RouteSeries {
                    method,
                    route,
                    classes: core::array::from_fn(|_| Histogram::default()),
                })
                .collect()
        });
    }

    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, route: usize, status: u16, duration_us: u64) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let Some(series) = self.routes.get().and_then(|routes| routes.get(route)) else {
            return;
        };
        let class = match status {
            500.. => 3,
            400..=499 => 2,
            300..=399 => 1,
            0..=299 => 0,
        };
        let Some(histogram) = series.classes.get(class) else { return };
        let place = BUCKETS.partition_point(|&(bound, _)| bound < duration_us);
        if let Some(bucket) = histogram.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        histogram.count.fetch_add(1, Ordering::Relaxed);
        histogram.sum_us.fetch_add(duration_us, Ordering::Relaxed);
    }

    pub(crate) fn count_shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Appends everything in Prometheus text form; routes without a request are left out.
    pub fn render(&self, text: &mut String) {
        let name = "daifuku_http_request_duration_seconds";
        let _infallible =
            writeln!(text, "# HELP {name} Time from the request's head to the answer's head.");
        let _infallible = writeln!(text, "# TYPE {name} histogram");
        for series in self.routes.get().map_or(&[][..], Vec::as_slice) {
            for (class, histogram) in CLASSES.iter().zip(&series.classes) {
                series.render(text, class, histogram);
            }
        }
        gauge(
            text,
            "daifuku_http_requests_in_flight",
            "gauge",
            "Requests in work.",
            &self.in_flight,
        );
        let help = "Requests refused because too many were in work.";
        gauge(text, "daifuku_http_requests_shed_total", "counter", help, &self.shed);
        let help = "Handlers that panicked.";
        gauge(text, "daifuku_http_panics_total", "counter", help, &self.panics);
    }
}

fn gauge(text: &mut String, name: &str, kind: &str, help: &str, value: &AtomicU64) {
    let value = value.load(Ordering::Relaxed);
    let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}

impl RouteSeries {
    fn render(&self, text: &mut String, class: &str, histogram: &Histogram) {
        let count = histogram.count.load(Ordering::Relaxed);
        if count == 0 {
            return;
        }
        let name = "daifuku_http_request_duration_seconds";
        let labels =
            format!("method=\"{}\",route=\"{}\",status=\"{class}\"", self.method, self.route);
        let mut below = 0_u64;
        for ((_, bound), bucket) in BUCKETS.iter().zip(&histogram.buckets) {
            below = below.saturating_add(bucket.load(Ordering::Relaxed));
            let _infallible = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}");
        }
        let sum = histogram.sum_us.load(Ordering::Relaxed);
        let (seconds, rest) = (sum.div_euclid(1_000_000), sum.rem_euclid(1_000_000));
        // Requests may have ended since `count` was read; a cumulative bucket is never above +Inf.
        let count = count.max(below);
        let _infallible = write!(
            text,
            "{name}_bucket{{{labels},le=\"+Inf\"}} {count}\n\
             {name}_sum{{{labels}}} {seconds}.{rest:06}\n{name}_count{{{labels}}} {count}\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_falls_into_its_bucket_and_all_above() {
        let meter = Meter::new();
        meter.name_routes([("GET".to_owned(), "/a".to_owned())].into_iter());
        for (status, duration_us) in [(200, 500), (204, 501), (503, 20_000_000)] {
            meter.begin();
            meter.end(0, status, duration_us);
        }
        meter.begin();
        let mut text = String::new();
        meter.render(&mut text);
        for line in [
            "daifuku_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"2xx\",le=\"0.0005\"} 1",
            "daifuku_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"2xx\",le=\"0.001\"} 2",
            "daifuku_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"5xx\",le=\"10\"} 0",
            "daifuku_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",status=\"5xx\",le=\"+Inf\"} 1",
            "daifuku_http_request_duration_seconds_sum{method=\"GET\",route=\"/a\",status=\"2xx\"} 0.001001",
            "daifuku_http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("4xx"), "series without a request are left out");
    }
}
