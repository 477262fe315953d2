//! How the installation does: what a load balancer, a monitoring system and an engineer ask of it.
//!
//! | who asks | where | what |
//! |---|---|---|
//! | a load balancer | `/healthz`, `/readyz` | may this process get requests |
//! | a monitoring system | `/metrics` | figures, each listed in [`METRICS`] |
//! | an engineer at a desk | `/staff/ops` | the same, to read |
//! | an engineer at a shell | [`examine`] | what is wrong, and what to do about it |
//!
//! A **probe** looks at the writer and the database now and then and leaves what it saw in
//! [`Health`]; doors only show that, so that a database that hangs makes no door hang. The **job
//! board** is where a supervisor writes how its jobs fare. A **diagnosis** is one line of the
//! doctor.
//!
//! Start with `health/job.rs`, then `doctor/command.rs`.
//!
//! Deliberately absent: alerts (the monitoring system's), threads, and anything that changes value.

mod doctor;
mod health;
mod job_board;
mod metrics;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use access::{Need, NeedSet};
use store::{Listed, Store};
use vocabulary::{Clock, Timestamp};
use web::{Class, Meter, NavItem, ProblemKind, Routes, TextSource, View, get};

pub use crate::{
    doctor::{
        Diagnosis, Ledger, Outside, Severity, SystemFacts, UnknownStep, examine,
        find_unknown_steps, load_facts,
    },
    health::{Check, Disk, Health, Probe, Readiness},
    job_board::{JobBoard, JobState},
    metrics::{METRICS, Metric, MetricKind, metric_list},
};

/// The need of a door that is open to the addresses of the monitoring system, and to nobody else.
pub const NETWORK: &str = "ops.network";

/// What people read on the pages of this feature.
pub const TEXTS: TextSource = TextSource {
    name: "ops",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

/// The kinds of problems of this feature: none of its own.
pub const PROBLEMS: &[&ProblemKind] = &[];

/// Every statement of this feature, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [health::STATEMENTS, doctor::STATEMENTS].concat()
}

/// Which program this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The version of the product.
    pub version: &'static str,
    /// When this process started.
    pub started_at: Timestamp,
}

/// What the doors of this feature show; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ops {
    /// The books.
    pub store: Store,
    /// Tells how old what the probe saw is.
    pub clock: Arc<dyn Clock>,
    /// What the probe saw last.
    pub health: Arc<Health>,
    /// How the jobs fare.
    pub board: Arc<JobBoard>,
    /// The door's own counts.
    pub meter: Arc<Meter>,
    /// Which program this is.
    pub build: Build,
    /// The navigation above the page, for somebody who may do this.
    pub nav: fn(&View, NeedSet) -> Vec<NavItem>,
}

/// The routes of this feature.
pub fn routes(ops: &Ops) -> Routes {
    Routes::of("ops")
        .on(get("/healthz", "public").class(Class::Critical), health::alive)
        .on(get("/readyz", "public").class(Class::Critical), health::ready)
        .on(get("/metrics", NETWORK).class(Class::Critical), metrics::show)
        .on(get("/staff/ops", Need::OpsRead.code()), health::page)
        .with_state(ops)
}

#[cfg(test)]
mod tests {
    use store::testing::{for_each_database, prepare_all};

    use super::*;
    use crate::testing::migrations;

    #[test]
    fn both_languages_have_the_same_texts() {
        assert_eq!(web::differences(&TEXTS), Vec::<String>::new());
    }

    #[test]
    fn every_statement_fits_both_databases() {
        for_each_database(|database| {
            database.migrate(&migrations());
            prepare_all(database.database(), &statements());
        });
    }
}
