use serde::Deserialize;

use crate::{
    bank::Bank,
    batch::{Asked, AskedReversal, api::post_step},
    form::{Chosen, ReceiptView},
    problems::LEDGER,
};
use access::{Authenticated, Need};
use store::natural_id;
use vocabulary::{Id, kind};
use web::{
    Caller, IdempotencyKey, Json, Operation, Problem, Response, Routes, State, ToSchema, post,
    utoipa,
};

/// What to undo.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReversalForm {
    /// The id you choose, or the header `Idempotency-Key`; without both it follows from `original`,
    /// since a batch is reversed once at most.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// The batch of your company to undo.
    #[schema(value_type = String)]
    original: Chosen<kind::Batch>,
    /// The account that owes what another can no longer give and may not owe itself.
    #[schema(value_type = Option<String>)]
    shortfall: Option<Id<kind::Account>>,
    /// What for, in your own numbering.
    #[serde(default)]
    code: u16,
}

/// The route of reversals.
pub(crate) fn routes() -> Routes<Bank> {
    let operation = Operation::new("Undoes what a batch moved, back into its original lots")
        .description(
            "A batch is reversed once at most. What an account has spent meanwhile is owed by the account \
             itself where its rule allows, else by `shortfall`; without one the reversal is refused.",
        )
        .header("idempotency-key", "The id of the reversal, when the body has none.")
        .takes::<ReversalForm>()
        .gives::<ReceiptView>(201)
        .gives::<ReceiptView>(200)
        .refuses(LEDGER);
    let route = post("/api/v1/reversals", Need::TransferWrite.code()).idempotent();
    Routes::of("bank").on(route.describe(operation), reverse)
}

async fn reverse(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    Json(form): Json<ReversalForm>,
) -> Result<Response, Problem> {
    let ReversalForm { id, original, shortfall, code } = form;
    let id = match (id, key.0.as_deref()) {
        (None, None) => natural_id("api.reversal", &[&original.of(who.company()).to_bytes()]),
        (id, key) => Chosen::choose(id, key)?.of(who.company()),
    };
    let asked = AskedReversal { original, shortfall, code };
    post_step(&bank, who, id, Asked::Reverse(asked)).await
}
