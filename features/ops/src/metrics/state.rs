use core::fmt::{self, Write as _};

/// What a metric is: how its figures may be added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl MetricKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric; its name ends in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// How its figures may be added up.
    pub kind: MetricKind,
    /// Its labels, with blanks between them. None of them holds an id.
    pub labels: &'static str,
    /// What it tells.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $name:literal $kind:ident $labels:literal $help:literal;)*) => {
        $(pub(super) const $constant: Metric =
            Metric { name: $name, kind: MetricKind::$kind, labels: $labels, help: $help };)*

        /// Every metric there is, those of the door included.
        pub const METRICS: &[Metric] = &[
            $($constant,)*
            Metric {
                name: "daifuku_http_request_duration_seconds",
                kind: MetricKind::Histogram,
                labels: "method route status",
                help: "Time from the request's head to the answer's head.",
            },
            Metric {
                name: "daifuku_http_requests_in_flight",
                kind: MetricKind::Gauge,
                labels: "",
                help: "Requests in work.",
            },
            Metric {
                name: "daifuku_http_requests_shed_total",
                kind: MetricKind::Counter,
                labels: "",
                help: "Requests refused because too many were in work.",
            },
            Metric {
                name: "daifuku_http_panics_total",
                kind: MetricKind::Counter,
                labels: "",
                help: "Handlers that panicked.",
            },
        ];
    };
}

metrics! {
    BUILD "daifuku_build_info" Gauge "version"
        "Always 1; the label tells which program this is.";
    STARTED "daifuku_start_time_seconds" Gauge ""
        "When this process started, in seconds since 1970.";
    READY "daifuku_ready" Gauge ""
        "1 when every required check of /readyz holds, else 0.";
    CHECK "daifuku_check_ok" Gauge "check"
        "1 when this check of /readyz holds, else 0.";
    MOVEMENTS "daifuku_journal_movements_total" Counter ""
        "Movements that are durable, as the seq of the last one.";
    WAITING "daifuku_writer_waiting" Gauge ""
        "Decisions that wait for the writer.";
    ACCOUNTS "daifuku_accounts" Gauge ""
        "Accounts on the books.";
    DISK_FREE "daifuku_disk_free_bytes" Gauge ""
        "Room left on the disk of the data folder.";
    DISK_SIZE "daifuku_disk_size_bytes" Gauge ""
        "Size of the disk of the data folder.";
    JOB_RUNS "daifuku_job_runs_total" Counter "job"
        "Runs of a job.";
    JOB_FAILURES "daifuku_job_failures_total" Counter "job"
        "Runs of a job that failed.";
    JOB_SUCCEEDED "daifuku_job_success_time_seconds" Gauge "job"
        "When a job last succeeded, in seconds since 1970.";
    JOB_OVERDUE "daifuku_job_overdue_items" Gauge "job"
        "What a job found that persons should have done by now; fraud cases, of watch-cases.";
}

/// Text in the making.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    pub(super) text: String,
}

impl Exposition {
    /// Writes a metric with its figures; one without figures is left out.
    pub(super) fn write<V: fmt::Display>(
        &mut self,
        metric: &Metric,
        figures: impl IntoIterator<Item = (String, V)>,
    ) {
        let mut figures = figures.into_iter().peekable();
        if figures.peek().is_none() {
            return;
        }
        let Metric { name, help, .. } = metric;
        let kind = metric.kind.word();
        let _infallible = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (label, value) in figures {
            let _infallible = if label.is_empty() {
                writeln!(self.text, "{name} {value}")
            } else {
                writeln!(self.text, "{name}{{{}=\"{label}\"}} {value}", metric.labels)
            };
        }
    }

    /// Writes a metric of one figure.
    pub(super) fn figure(&mut self, metric: &Metric, value: impl fmt::Display) {
        self.write(metric, [(String::new(), value)]);
    }
}

/// Writes every metric as a table in Markdown: `docs/generated/metrics.md`.
pub fn metric_list() -> String {
    let mut sorted = METRICS.to_vec();
    sorted.sort_by_key(|metric| metric.name);
    let mut text = String::from("| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    for Metric { name, kind, labels, help } in sorted {
        let _infallible = writeln!(text, "| `{name}` | {} | {labels} | {help} |", kind.word());
    }
    text
}
