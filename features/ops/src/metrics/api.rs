use super::state::{
    ACCOUNTS, BUILD, CHECK, DISK_FREE, DISK_SIZE, Exposition, JOB_FAILURES, JOB_OVERDUE, JOB_RUNS,
    JOB_SUCCEEDED, MOVEMENTS, READY, STARTED, WAITING,
};
use crate::Ops;
use vocabulary::Timestamp;
use web::{IntoResponse, Response, State, header};

/// Answers with every figure as it is now. Reads memory only.
pub(crate) async fn show(State(ops): State<Ops>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], exposition(&ops)).into_response()
}

pub(super) fn exposition(ops: &Ops) -> String {
    let mut out = Exposition::default();
    let seconds = |at: Timestamp| at.as_seconds();
    out.write(&BUILD, [(ops.build.version.to_owned(), 1)]);
    out.figure(&STARTED, seconds(ops.build.started_at));
    let readiness = ops.health.readiness(ops.clock.as_ref());
    out.figure(&READY, u8::from(readiness.ready));
    let checks = readiness.checks.iter();
    out.write(&CHECK, checks.map(|check| (check.name.to_owned(), u8::from(check.ok))));
    out.figure(&MOVEMENTS, ops.store.durable().get());
    out.figure(&WAITING, ops.store.waiting());
    out.figure(&ACCOUNTS, ops.store.look(|book| book.accounts().len()));
    if let Some(disk) = ops.health.disk() {
        out.figure(&DISK_FREE, disk.free_bytes);
        out.figure(&DISK_SIZE, disk.size_bytes);
    }
    let jobs = ops.board.list();
    let label = |name: &str| name.to_owned();
    out.write(&JOB_RUNS, jobs.iter().map(|(name, job)| (label(name), job.runs)));
    out.write(&JOB_FAILURES, jobs.iter().map(|(name, job)| (label(name), job.failures)));
    let succeeded = jobs.iter().filter_map(|(name, job)| Some((name, job.succeeded_at?)));
    out.write(&JOB_SUCCEEDED, succeeded.map(|(name, at)| (label(name), seconds(at))));
    let overdue = jobs.iter().filter_map(|(name, job)| Some((name, job.overdue?)));
    out.write(&JOB_OVERDUE, overdue.map(|(name, overdue)| (label(name), overdue)));
    ops.meter.render(&mut out.text);
    out.text
}
