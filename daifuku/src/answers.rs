//! What handlers need of the store and of `access`, as answers of the web.

use std::sync::LazyLock;

use tokio::{sync::oneshot, task::spawn_blocking};

use access::RefusalKind;
use store::{Command, Database, Decision, Fault, Reader, Store};
use web::{ErrorStatus, Problem, ProblemKind, problems};

/// The refusals of `access` as kinds of problems.
pub(crate) static ACCESS_PROBLEMS: LazyLock<Vec<&'static ProblemKind>> = LazyLock::new(|| {
    let kind = |refusal: &&RefusalKind| {
        let RefusalKind { code, status, title, meaning } = **refusal;
        let status = ErrorStatus::try_new(status).unwrap_or(ErrorStatus::INTERNAL);
        // Made once and kept as long as the process: problems are static everywhere else.
        let kind: &'static ProblemKind =
            Box::leak(Box::new(ProblemKind { code, status, title, meaning }));
        kind
    };
    access::REFUSALS.iter().map(kind).collect()
});

/// Gives the problem of a refusal of `access`.
pub(crate) fn refused(refusal: &RefusalKind) -> Problem {
    let kind = ACCESS_PROBLEMS.iter().find(|kind| kind.code == refusal.code);
    Problem::new(kind.copied().unwrap_or(&problems::INTERNAL_FAULT))
}

/// Logs a fault and gives its problem: nobody else sees its cause.
pub(crate) fn faulted(fault: &Fault) -> Problem {
    Problem::of_failure(fault, fault.passes())
}

/// Hands a command to the writer and waits for the decision without holding a thread.
pub(crate) async fn run<C: Command>(store: &Store, command: C) -> Result<Decision<C>, Problem> {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits any more when the receiver is gone.
    store.submit_command(command, Box::new(move |answer| drop(sender.send(answer))));
    match receiver.await {
        Ok(decision) => decision.map_err(|fault| faulted(&fault)),
        Err(_gone) => Err(Problem::new(&problems::STORE_UNAVAILABLE).retry_after_s(1)),
    }
}

/// Reads on a thread that may wait.
pub(crate) async fn read<T: Send + 'static>(
    database: &Database,
    work: impl FnMut(&mut Reader<'_>) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Problem> {
    let database = database.clone();
    blocking(move || database.read(work)).await?.map_err(|fault| faulted(&fault))
}

/// Does work on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    spawn_blocking(work).await.map_err(|_panicked| Problem::new(&problems::INTERNAL_FAULT))
}
