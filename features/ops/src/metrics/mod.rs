//! Figures for a monitoring system, in Prometheus text form.

mod api;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use self::api::show;
pub use self::state::{METRICS, Metric, MetricKind, metric_list};
