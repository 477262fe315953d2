use serde::Deserialize;

use super::{Asked, PostBatch};
use crate::{
    bank::{Bank, require},
    form::{Chosen, ReceiptView},
    problems::{BEARER_FOREIGN, LEDGER},
};
use access::{Authenticated, Need};
use ledger::Batch;
use vocabulary::{Id, kind};
use web::{
    Caller, Class, IdempotencyKey, IntoResponse as _, Json, Operation, Problem, Response, Routes,
    State, ToSchema, post, problems, utoipa,
};

/// Steps that succeed or fail together.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchForm {
    /// The id you choose, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// What to do, in order; each step sees what the ones before it did.
    #[schema(min_items = 1, max_items = 1000)]
    steps: Vec<Asked>,
}

/// The routes of batches.
pub(crate) fn routes() -> Routes<Bank> {
    let operation = Operation::new("Posts steps that succeed or fail together")
        .description(
            "At most 1,000 steps of any kind. Each step asks for the right of its own kind. The same id with \
             the same steps gives the first answer again, with `repeated`; with other steps it is refused. A \
             refused batch changes nothing and does not use up its id.",
        )
        .header("idempotency-key", "The id of the batch, when the body has none.")
        .takes::<BatchForm>()
        .gives::<ReceiptView>(201)
        .gives::<ReceiptView>(200)
        .refuses(LEDGER)
        .refuses(&[&BEARER_FOREIGN]);
    let route = post("/api/v1/batches", Need::TransferWrite.code())
        .idempotent()
        .class(Class::Critical)
        .describe(operation);
    Routes::of("bank").on(route, place)
}

async fn place(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    Json(form): Json<BatchForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    if form.steps.is_empty() || form.steps.len() > Batch::STEPS_MAX {
        let detail = format!("must have 1 to {} steps", Batch::STEPS_MAX);
        return Err(Problem::new(&problems::INVALID_FIELD).field("/steps", detail));
    }
    Ok(post_steps(&bank, who, id, form.steps, "/steps").await?.into_response())
}

/// Posts steps and shows the receipt; `pointer` leads to the steps in the body, empty for the body
/// itself.
pub(crate) async fn post_steps(
    bank: &Bank,
    who: Authenticated,
    id: Id<kind::Batch>,
    steps: Vec<Asked>,
    pointer: &str,
) -> Result<(web::StatusCode, Json<ReceiptView>), Problem> {
    for asked in &steps {
        require(&who, asked.need())?;
    }
    let receipt = bank.run(PostBatch { who, id, steps }).await?.map_err(|refused| {
        let step = if pointer.is_empty() { String::new() } else { format!("/{}", refused.step) };
        refused.fault.problem(refused.step, &format!("{pointer}{step}"))
    })?;
    let view = ReceiptView::of(id, &receipt);
    Ok((view.status(), Json(view)))
}

/// Posts the one step of a noun's own door.
pub(crate) async fn post_step(
    bank: &Bank,
    who: Authenticated,
    id: Id<kind::Batch>,
    step: Asked,
) -> Result<Response, Problem> {
    Ok(post_steps(bank, who, id, vec![step], "").await?.into_response())
}
