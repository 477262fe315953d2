use serde::Serialize;

use super::state::{OneOrMany, Prepared, TRANSFERS_MAX, TransferForm, with_ids};
use crate::{
    bank::Bank,
    form::{Chosen, ReceiptView, ResultView},
    problems::{BEARER_FOREIGN, LEDGER, refused},
};
use access::{Authenticated, Need};
use answers::{OrProblem as _, off_thread};
use web::{
    Bytes, Caller, Class, IdempotencyKey, IntoResponse as _, Json, Operation, Problem, RawJson,
    Response, Routes, State, ToSchema, parse_json, post, problems, utoipa,
};

/// From this many bytes on, a body is read off the threads that answer requests: a megabyte takes
/// milliseconds.
const LARGE_BODY: usize = 32 * 1024;

/// 10,000 transfers with every field take about 4 MB.
const BODY_MAX: u64 = 8 << 20;

/// Many transfers, each on its own.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the document reads it; the body is read by `OneOrMany`")]
struct TransfersForm {
    /// Each succeeds or is refused alone; each has an `id`.
    #[schema(max_items = 10000)]
    transfers: Vec<TransferForm>,
}

/// One transfer or many.
#[derive(Debug, ToSchema)]
#[schema(title = "TransferRequest")]
#[serde(untagged)]
#[expect(dead_code, reason = "only the document reads it; the body is read by `OneOrMany`")]
enum TransferRequest {
    /// One.
    One(TransferForm),
    /// Many.
    Many(TransfersForm),
}

/// What became of many transfers.
#[derive(Debug, Serialize, ToSchema)]
struct TransferResults {
    /// One for each, in the order they were asked for.
    results: Vec<ResultView>,
}

/// What became of one transfer or of many.
#[derive(Debug, ToSchema)]
#[schema(title = "TransferAnswer")]
#[serde(untagged)]
#[expect(dead_code, reason = "only the document reads it")]
enum TransferAnswer {
    /// One, that was posted before.
    One(ReceiptView),
    /// Many.
    Many(TransferResults),
}

/// The routes of transfers.
pub(crate) fn routes() -> Routes<Bank> {
    let operation = Operation::new("Posts one transfer, or many that are independent of one another")
        .description(
            "One transfer: 201 when it is posted, 200 with `repeated` when the same was posted before. \
             `{\"transfers\": […]}`: up to 10,000, each with its own `id`; the answer is 200 and says of each \
             in order whether it is `posted` or `refused`. A refused transfer does not use up its id. Both \
             accounts are of your company.",
        )
        .header("idempotency-key", "The id of the one transfer, when the body has none.")
        .takes::<TransferRequest>()
        .gives::<ReceiptView>(201)
        .gives::<TransferAnswer>(200)
        .refuses(LEDGER)
        .refuses(&[&BEARER_FOREIGN]);
    let one_or_many = post("/api/v1/transfers", Need::TransferWrite.code())
        .idempotent()
        .class(Class::Critical)
        .body_max(BODY_MAX)
        .deadline_ms(30_000)
        .describe(operation);
    Routes::of("bank").on(one_or_many, transfer)
}

async fn transfer(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let large = body.len() >= LARGE_BODY;
    let found = if large {
        let bank = bank.clone();
        off_thread(move || read(&bank, &who, &body, key.0.as_deref())).await.or_problem()??
    } else {
        read(&bank, &who, &body, key.0.as_deref())?
    };
    match found {
        Read::One(prepared) => {
            let outcomes = bank.submit(prepared.batches).wait().await?;
            let answer = prepared.slots.answers(outcomes).next();
            let (id, result) = answer.ok_or(Problem::new(&problems::INTERNAL_FAULT))?;
            let view = ReceiptView::of(id, &result.map_err(|refusal| refused(refusal, ""))?);
            Ok((view.status(), Json(view)).into_response())
        }
        Read::Many(prepared) => {
            let outcomes = bank.submit(prepared.batches).wait().await?;
            let slots = prepared.slots;
            let show = move || {
                let results = slots.answers(outcomes);
                let results = results.map(|(id, result)| ResultView::of(id, result)).collect();
                Ok(Json(TransferResults { results }).into_response())
            };
            if large { off_thread(show).await.or_problem()? } else { show() }
        }
    }
}

/// A body that was read and looked up.
enum Read {
    One(Prepared),
    Many(Prepared),
}

fn read(
    bank: &Bank,
    who: &Authenticated,
    body: &Bytes,
    key: Option<&str>,
) -> Result<Read, Problem> {
    match parse_json(body)? {
        OneOrMany::One(form) => {
            let asked = [(Chosen::choose(form.id, key)?, form.asked())];
            let prepared = bank.store().look(|book| Prepared::of(&asked, book, who));
            prepared.map(Read::One).map_err(|(_, fault)| fault.problem(0, ""))
        }
        OneOrMany::Many(forms) => {
            if forms.len() > TRANSFERS_MAX {
                let detail = format!("must have at most {TRANSFERS_MAX} transfers");
                return Err(Problem::new(&problems::INVALID_FIELD).field("/transfers", detail));
            }
            let asked = with_ids(&forms)?;
            let prepared = bank.store().look(|book| Prepared::of(&asked, book, who));
            prepared
                .map(Read::Many)
                .map_err(|(place, fault)| fault.problem(0, &format!("/transfers/{place}")))
        }
    }
}
