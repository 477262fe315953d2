//! What handlers need of the store and of `access`, as answers of the web.
//!
//! A handler must not hold a thread while the writer or the database works: [`ask`] and [`read`]
//! wait without one. What they, or [`access::authorize`], refuse becomes a [`Problem`] by
//! [`OrProblem`].
//!
//! Deliberately absent: routes, pages, and any rule of a feature.

use std::sync::LazyLock;

use http_body_util::channel::{Channel, Sender};
use tokio::{sync::oneshot, task::spawn_blocking};

use access::{Denied, RefusalKind};
use store::{Command, Database, Decision, Fault, FaultKind, Reader, Store};
use web::{
    Body, Bytes, ErrorStatus, HeaderValue, Problem, ProblemKind, Response, header, problems,
};

/// The refusals of `access` as kinds of problems.
pub static ACCESS_PROBLEMS: LazyLock<Vec<&'static ProblemKind>> = LazyLock::new(|| {
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
pub fn refused(refusal: &RefusalKind) -> Problem {
    let kind = ACCESS_PROBLEMS.iter().find(|kind| kind.code == refusal.code);
    Problem::new(kind.copied().unwrap_or(&problems::INTERNAL_FAULT))
}

/// Logs a fault and gives its problem: nobody else sees its cause.
pub fn faulted(fault: &Fault) -> Problem {
    Problem::of_failure(fault, fault.passes())
}

/// Turns what went wrong below into what the web answers.
pub trait OrProblem<T> {
    /// Gives the value, or the problem; a fault is logged with its causes.
    ///
    /// # Errors
    ///
    /// The [`Problem`] of a fault or a denial.
    fn or_problem(self) -> Result<T, Problem>;
}

impl<T> OrProblem<T> for Result<T, Fault> {
    fn or_problem(self) -> Result<T, Problem> {
        self.map_err(|fault| faulted(&fault))
    }
}

impl<T> OrProblem<T> for Result<T, Denied> {
    fn or_problem(self) -> Result<T, Problem> {
        self.map_err(|denied| match denied {
            Denied::Forbidden { .. } => {
                Problem::new(&problems::FORBIDDEN).detail(denied.to_string())
            }
            Denied::NotFound => Problem::new(&problems::NOT_FOUND),
        })
    }
}

/// Hands a command to the writer and waits for its decision. When the caller goes away meanwhile,
/// the command is done all the same.
///
/// # Errors
///
/// A [`Fault`] when the database fails or the writer has stopped; after one that
/// [passes](Fault::passes) nobody knows whether the command was done.
pub async fn ask<C: Command>(store: &Store, command: C) -> Result<Decision<C>, Fault> {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits any more when the receiver is gone.
    store.submit_command(command, Box::new(move |answer| drop(sender.send(answer))));
    received(receiver).await
}

/// Waits for a reply of the writer.
///
/// # Errors
///
/// The [`Fault`] that was replied, or one that passes when the writer stopped before it replied.
pub async fn received<T>(receiver: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
    receiver.await.unwrap_or_else(|stopped| {
        Err(Fault::new(FaultKind::Unavailable, "the writer has stopped").caused_by(stopped))
    })
}

/// Reads rows on a thread that may wait.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub async fn read<T: Send + 'static>(
    database: &Database,
    work: impl FnMut(&mut Reader<'_>) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let database = database.clone();
    off_thread(move || database.read(work)).await?
}

/// Does what blocks or takes long on a thread that may wait.
///
/// # Errors
///
/// A [`Fault`] that does not pass when the work panicked; the panic was logged by its hook.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let done = spawn_blocking(work).await;
    done.map_err(|panic| {
        Fault::new(FaultKind::Other, "work off the answering threads").caused_by(panic)
    })
}

/// Pieces of a file on their way to a caller; more are not made before these are taken.
const PIECES_WAITING: usize = 2;

/// Answers with a file to be saved, made piece by piece while it is sent: `next` gives each piece
/// on a thread that may wait, and `None` at the end. A slow reader holds up no thread. `name` is
/// ASCII without quotes.
///
/// When a piece fails, the fault is logged and the connection breaks off, so that nobody takes a
/// part for the whole.
pub fn file(
    name: &str,
    media_type: &'static str,
    next: impl FnMut() -> Result<Option<Vec<u8>>, Fault> + Send + 'static,
) -> Response {
    let (sender, body) = Channel::<Bytes, Fault>::new(PIECES_WAITING);
    tokio::spawn(send_pieces(sender, next));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

async fn send_pieces(
    mut sender: Sender<Bytes, Fault>,
    mut next: impl FnMut() -> Result<Option<Vec<u8>>, Fault> + Send + 'static,
) {
    loop {
        let made = off_thread(move || (next(), next)).await;
        let piece = match made {
            Ok((Ok(Some(piece)), again)) => {
                next = again;
                piece
            }
            Ok((Ok(None), _)) => return,
            Ok((Err(fault), _)) | Err(fault) => {
                let error: &(dyn core::error::Error + 'static) = &fault;
                tracing::error!(error, "a file broke off");
                sender.abort(fault);
                return;
            }
        };
        if sender.send_data(Bytes::from(piece)).await.is_err() {
            return;
        }
    }
}
