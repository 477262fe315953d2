use core::{convert::Infallible, time::Duration};
use std::sync::Arc;

use http_body_util::channel::{Channel, Sender};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    bank::{Bank, Outcomes},
    batch::AskedTransfer,
    form::{Chosen, ResultView},
    transfer::state::{Prepared, Slots, TransferForm},
};
use access::{Authenticated, Need};
use vocabulary::kind;
use web::{
    Body, Bytes, Caller, Class, HeaderValue, Line, Lines, Operation, Problem, Response, Routes,
    State, header, parse_json, post, problems,
};

/// The most lines that are handed to the writer at once.
const LINES_MAX: usize = 1_000;

/// How long an answer may wait for its reader.
const UNREAD_MAX: Duration = Duration::from_secs(30);

/// How many such parts may wait for the writer while the next is read.
const PARTS_MAX: usize = 4;

/// The most bytes of a body.
const BODY_MAX: u64 = 4 << 30;

/// The route of the stream.
pub(crate) fn routes() -> Routes<Bank> {
    let operation = Operation::new("Posts transfers that arrive one a line")
        .description(
            "NDJSON in and out: one transfer a line, each with its `id`; one result a line, in order, with \
             the number of its `line`. A line that cannot be read is told as `invalid`, and the others go on. \
             Results are written while the body is still being sent. When the connection breaks, send the \
             lines without a result again.",
        )
        .takes_raw("application/x-ndjson")
        .gives_raw(200, "application/x-ndjson")
        .refuses(&[&problems::OVERLOADED]);
    let route = post("/api/v1/transfers/stream", Need::TransferWrite.code())
        .idempotent()
        .class(Class::Bulk)
        .body_max(BODY_MAX)
        .describe(operation);
    Routes::of("bank").on(route, stream)
}

/// What became of a line.
#[derive(Serialize)]
struct LineResult {
    line: u64,
    #[serde(flatten)]
    result: LineOutcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineOutcome {
    Known(ResultView),
    Told(LineProblem),
}

/// A line that was not posted and not refused by the ledger either.
#[derive(Serialize)]
struct LineProblem {
    /// `invalid`: the line cannot be read. `failed`: whether it was posted is not known, send it
    /// again. `aborted`: nothing is read from here on.
    status: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<web::FieldError>,
}

impl LineProblem {
    fn of(status: &'static str, problem: &Problem) -> Self {
        Self {
            status,
            code: problem.kind().code,
            detail: problem.detail_text().map(str::to_owned),
            errors: problem.errors().to_vec(),
        }
    }
}

/// A part of the stream whose transfers are with the writer.
struct Part {
    /// Each line's number, with what is wrong with it.
    lines: Vec<(u64, Option<LineProblem>)>,
    slots: Slots,
    outcomes: Outcomes,
    /// Why the body ends after this part, and at which line.
    end: Option<(u64, Problem)>,
}

/// Answers each line while the next ones are read. Holds at most [`PARTS_MAX`] parts of
/// [`LINES_MAX`] lines.
async fn stream(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    lines: Lines,
) -> Result<Response, Problem> {
    let room = Arc::clone(bank.streams()).try_acquire_owned();
    let room = room.map_err(|_full| Problem::new(&problems::OVERLOADED).retry_after_s(1))?;
    let (parts, waiting) = mpsc::channel(PARTS_MAX);
    let (sender, body) = Channel::<Bytes, Infallible>::new(PARTS_MAX);
    tokio::spawn(read(bank, who, lines, parts));
    tokio::spawn(write(waiting, sender, room));
    let mut response = Response::new(Body::new(body));
    let media_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// Takes lines as they come: while one part waits for the writer, the next gathers.
async fn read(bank: Bank, who: Authenticated, mut lines: Lines, parts: mpsc::Sender<Part>) {
    let mut last = 0;
    loop {
        let (found, end) = gather(&mut lines).await;
        last = found.last().map_or(last, |line| line.number);
        let ended = found.is_empty() || end.is_some();
        if found.is_empty() && end.is_none() {
            return;
        }
        let end = end.map(|problem| (last.saturating_add(1), problem));
        // Nobody reads the answers any more when the channel is closed.
        if parts.send(part(&bank, &who, &found, end)).await.is_err() || ended {
            return;
        }
    }
}

/// Waits for a line, then takes what is there already.
async fn gather(lines: &mut Lines) -> (Vec<Line>, Option<Problem>) {
    let mut found = Vec::new();
    while found.len() < LINES_MAX {
        let next = if found.is_empty() {
            Some(lines.next().await)
        } else {
            tokio::select! {
                biased;
                next = lines.next() => Some(next),
                () = core::future::ready(()) => None,
            }
        };
        match next {
            Some(Ok(Some(line))) => found.push(line),
            Some(Ok(None)) | None => break,
            Some(Err(problem)) => return (found, Some(problem)),
        }
    }
    (found, None)
}

fn part(bank: &Bank, who: &Authenticated, found: &[Line], end: Option<(u64, Problem)>) -> Part {
    let mut lines = Vec::with_capacity(found.len());
    let mut asked = Vec::with_capacity(found.len());
    for line in found {
        match parse(line, who) {
            Ok(transfer) => {
                asked.push(transfer);
                lines.push((line.number, None));
            }
            Err(problem) => {
                lines.push((line.number, Some(LineProblem::of("invalid", &problem))));
            }
        }
    }
    let prepared = bank.store().look(|book| Prepared::of(&asked, book, who));
    // Lots were checked line by line above, and nothing else makes the look-up fail as a whole.
    let Prepared { batches, slots } = prepared.unwrap_or_default();
    Part { lines, slots, outcomes: bank.submit(batches), end }
}

fn parse(
    line: &Line,
    who: &Authenticated,
) -> Result<(Chosen<kind::Batch>, AskedTransfer), Problem> {
    let form: TransferForm = parse_json(&line.bytes)?;
    let asked = form.asked();
    asked.check_lot(who.company()).map_err(|fault| fault.problem(0, ""))?;
    let id =
        form.id.ok_or_else(|| Problem::new(&problems::INVALID_FIELD).field("/id", "is missing"))?;
    Ok((id, asked))
}

async fn write(
    mut waiting: mpsc::Receiver<Part>,
    mut sender: Sender<Bytes, Infallible>,
    _room: OwnedSemaphorePermit,
) {
    while let Some(part) = waiting.recv().await {
        let Part { lines, slots, outcomes, end } = part;
        let (outcomes, fault) = match outcomes.wait().await {
            Ok(outcomes) => (outcomes, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let mut answers = slots.answers(outcomes);
        let mut text = Vec::with_capacity(lines.len().saturating_mul(160));
        for (line, wrong) in lines {
            let result = match (wrong, &fault) {
                (Some(problem), _) => LineOutcome::Told(problem),
                (None, Some(fault)) => LineOutcome::Told(LineProblem::of("failed", fault)),
                (None, None) => match answers.next() {
                    Some((id, result)) => LineOutcome::Known(ResultView::of(id, result)),
                    None => break,
                },
            };
            push(&mut text, &LineResult { line, result });
        }
        if let Some((line, problem)) = end {
            let result = LineOutcome::Told(LineProblem::of("aborted", &problem));
            push(&mut text, &LineResult { line, result });
        }
        if !send(&mut sender, text).await {
            return;
        }
    }
}

/// Sends a part of an answer; `false` when its reader went away or takes nothing for
/// [`UNREAD_MAX`], so that who does not read keeps nobody else out.
pub(crate) async fn send(sender: &mut Sender<Bytes, Infallible>, text: Vec<u8>) -> bool {
    let sent = tokio::time::timeout(UNREAD_MAX, sender.send_data(text.into())).await;
    matches!(sent, Ok(Ok(())))
}

fn push(text: &mut Vec<u8>, result: &LineResult) {
    if let Ok(json) = serde_json::to_vec(result) {
        text.extend_from_slice(&json);
        text.push(b'\n');
    }
}
