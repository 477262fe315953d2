use askama::Template;

use crate::Ops;
use access::Authenticated;
use vocabulary::{Timestamp, Zone};
use web::{
    Caller, Response, State, View, Words,
    components::{Badge, Cell, Column, DataList, Table, Tone},
};

#[derive(Template)]
#[template(path = "health/page.html")]
struct Main<'a> {
    words: Words<'a>,
    ready: Badge,
    figures: DataList,
    checks: Table,
    jobs: Table,
}

/// Shows people what the other doors show to machines.
pub(crate) async fn page(
    State(ops): State<Ops>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Response {
    let words = view.words();
    let readiness = ops.health.readiness(ops.clock.as_ref());
    let main = Main {
        words,
        ready: standing(words, readiness.ready),
        figures: figures(&ops, words),
        checks: Table::new(
            words.get("ops-checks"),
            ["ops-check", "ops-standing", "ops-detail"]
                .map(|key| Column::text(words.get(key)))
                .into(),
        )
        .rows(readiness.checks.iter().map(|check| {
            let name = words.get(&format!("ops-check-{}", check.name));
            vec![
                name.into_owned().into(),
                standing(words, check.ok).into(),
                check.detail.as_str().into(),
            ]
        }))
        .compact(),
        jobs: jobs(&ops, words),
    };
    view.page(words.get("ops-title")).nav((ops.nav)(&view, who.needs())).show(&main)
}

fn standing(words: Words<'_>, ok: bool) -> Badge {
    let (tone, key) = if ok { (Tone::Good, "ops-good") } else { (Tone::Bad, "ops-bad") };
    Badge::new(tone, words.get(key))
}

fn figures(ops: &Ops, words: Words<'_>) -> DataList {
    let accounts = ops.store.look(|book| book.accounts().len());
    let list = DataList::new()
        .pair(words.get("ops-version"), ops.build.version)
        .pair(words.get("ops-started"), moment(ops.build.started_at))
        .pair(words.get("ops-movements"), ops.store.durable().get().to_string())
        .pair(words.get("ops-waiting"), ops.store.waiting().to_string())
        .pair(words.get("ops-accounts"), accounts.to_string());
    match ops.health.disk() {
        Some(disk) => {
            let gibibytes = |bytes: u64| (bytes >> 30).to_string();
            let text =
                format!("{} / {} GiB", gibibytes(disk.free_bytes), gibibytes(disk.size_bytes));
            list.pair(words.get("ops-disk"), text)
        }
        None => list,
    }
}

fn jobs(ops: &Ops, words: Words<'_>) -> Table {
    let columns = vec![
        Column::text(words.get("ops-job")),
        Column::text(words.get("ops-standing")),
        Column::times(words.get("ops-last-good")),
        Column::figures(words.get("ops-runs")),
        Column::figures(words.get("ops-failures")),
        Column::text(words.get("ops-detail")),
    ];
    Table::new(words.get("ops-jobs"), columns).rows(ops.board.list().into_iter().map(
        |(name, job)| -> Vec<Cell> {
            vec![
                name.into(),
                standing(words, job.failures_in_a_row == 0).into(),
                job.succeeded_at.map_or_else(String::new, moment).into(),
                job.runs.to_string().into(),
                job.failures.to_string().into(),
                job.complaint.into(),
            ]
        },
    ))
}

fn moment(at: Timestamp) -> String {
    Zone::JAPAN.format_second(at)
}
