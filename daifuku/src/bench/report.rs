use super::load::Timing;

/// One figure.
pub(super) struct Line {
    name: String,
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    bytes: Option<f64>,
}

impl Line {
    pub(super) fn bulk(name: String, timing: &Timing, disk: u64) -> Self {
        let bytes = Some(disk as f64 / timing.done.max(1) as f64);
        Self { bytes, ..Self::single(name, timing) }
    }

    /// Work that was done as a whole.
    pub(super) fn whole(name: &str, done: u64, elapsed: core::time::Duration) -> Self {
        let name = format!("{name}, {done} in {:.1} s", elapsed.as_secs_f64());
        Self::single(name, &Timing { done, elapsed, latencies: Vec::new() })
    }

    pub(super) fn single(name: String, timing: &Timing) -> Self {
        let mut sorted = timing.latencies.clone();
        sorted.sort_unstable();
        let at = |share: f64| {
            let place = (sorted.len() as f64 * share) as usize;
            sorted
                .get(place.min(sorted.len().saturating_sub(1)))
                .map_or(0.0, |d| d.as_secs_f64() * 1e3)
        };
        Self {
            name,
            rate: timing.done as f64 / timing.elapsed.as_secs_f64().max(1e-9),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            bytes: None,
        }
    }
}

/// Writes figures as they come.
pub(super) struct Report<'a> {
    print: &'a mut dyn FnMut(&str),
    headed: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(print: &'a mut dyn FnMut(&str)) -> Self {
        Self { print, headed: false }
    }

    pub(super) fn machine(&mut self, lines: &[String]) {
        for line in lines {
            (self.print)(line);
        }
    }

    pub(super) fn line(&mut self, line: &Line) {
        if !self.headed {
            self.headed = true;
            (self.print)(&format!(
                "{:<58} {:>10} {:>9} {:>9} {:>8}",
                "workload", "per s", "p50 ms", "p99 ms", "B each"
            ));
        }
        let bytes = line.bytes.map_or_else(String::new, |bytes| format!("{bytes:.0}"));
        (self.print)(&format!(
            "{:<58} {:>10.0} {:>9.2} {:>9.2} {:>8}",
            line.name, line.rate, line.p50_ms, line.p99_ms, bytes
        ));
    }

    pub(super) fn text(&mut self, text: &str) {
        (self.print)(text);
    }
}
