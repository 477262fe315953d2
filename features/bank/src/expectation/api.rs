use serde::{Deserialize, Serialize};

use crate::{
    bank::{Bank, reaches},
    batch::{Asked, AskedAnnouncement, AskedChange, AskedGrant, api::post_step},
    form::{Chosen, LotForm, ReceiptView},
    problems::{BEARER_FOREIGN, LEDGER},
};
use access::{Authenticated, Need};
use ledger::ExpectationState;
use store::{FindExpectation, natural_id};
use vocabulary::{Amount, Id, Timestamp, kind};
use web::{
    Caller, IdempotencyKey, Json, Operation, Path, Problem, Response, Route, Routes, State,
    ToSchema, delete, get, patch, post, problems, utoipa,
};

const KEY: &str = "idempotency-key";

/// A new amount.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    /// The id you choose for this command, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// The new amount, in minor units; zero drops it.
    #[schema(value_type = i64, minimum = 0)]
    amount: Amount,
}

/// How an expectation comes true.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantForm {
    /// The id you choose for this command, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// How much, in minor units; all that is announced unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Amount>,
    /// The lot it becomes, for an account with lots.
    lot: Option<LotForm>,
    /// Whether the rest stays announced.
    #[serde(default)]
    keep_rest: bool,
    /// What for, in your own numbering.
    #[serde(default)]
    code: u16,
}

/// An expectation as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ExpectationView {
    #[schema(value_type = String)]
    id: Id<kind::Expectation>,
    /// Whether value is still announced.
    open: bool,
    /// The account that pays.
    #[schema(value_type = String)]
    debit: Option<Id<kind::Account>>,
    /// The account that receives.
    #[schema(value_type = String)]
    credit: Option<Id<kind::Account>>,
    /// What is still announced, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// What was granted of it, in minor units.
    #[schema(value_type = i64)]
    granted: Amount,
    /// When it is to be decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// When its last movement was.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

/// The routes of expectations.
pub(crate) fn routes() -> Routes<Bank> {
    let posting = |route: Route, operation: Operation| {
        let operation = operation
            .header(KEY, "The id of this command, when the body has none.")
            .gives::<ReceiptView>(201)
            .gives::<ReceiptView>(200)
            .refuses(LEDGER);
        route.idempotent().describe(operation)
    };
    let write = Need::ExpectationWrite.code();
    let announcing = Operation::new("Announces value that is not owed yet")
        .description("`id` is the expectation's own; without one it follows from the header.")
        .takes::<AskedAnnouncement>();
    let changing = Operation::new("Changes what is still announced").takes::<ChangeForm>();
    let granting = Operation::new("Turns announced value into a grant")
        .description("The rest is dropped unless `keep_rest` says otherwise.")
        .takes::<GrantForm>()
        .refuses(&[&BEARER_FOREIGN]);
    let dropping = Operation::new("Drops what is still announced").description(
        "The first drop of an expectation is posted; a repeat gives its answer again.",
    );
    let seeing = Operation::new("Shows an expectation as it stands")
        .description("Also when it ended long ago.")
        .gives::<ExpectationView>(200);
    let one = "/api/v1/expectations/{id}";
    Routes::of("bank")
        .on(posting(post("/api/v1/expectations", write), announcing), announce)
        .on(posting(patch(one, write), changing), change)
        .on(posting(post("/api/v1/expectations/{id}/grant", write), granting), grant)
        .on(posting(delete(one, write), dropping), drop_rest)
        .on(get(one, Need::AccountRead.code()).describe(seeing), show)
}

async fn announce(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    Json(form): Json<AskedAnnouncement>,
) -> Result<Response, Problem> {
    let expected = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let batch = natural_id("api.expectation.announce", &[&expected.to_bytes()]);
    let asked = AskedAnnouncement { id: Some(Chosen::from_id(expected)), ..form };
    post_step(&bank, who, batch, Asked::Announce(asked)).await
}

async fn change(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(expectation): Path<Chosen<kind::Expectation>>,
    key: IdempotencyKey,
    Json(form): Json<ChangeForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let expectation = expectation.of(who.company());
    let asked = AskedChange { expectation, amount: form.amount };
    post_step(&bank, who, id, Asked::ChangeExpectation(asked)).await
}

async fn grant(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(expectation): Path<Chosen<kind::Expectation>>,
    key: IdempotencyKey,
    Json(form): Json<GrantForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let expectation = expectation.of(who.company());
    let GrantForm { id: _, amount, lot, keep_rest, code } = form;
    let asked = AskedGrant { expectation, amount, lot, keep_rest, code };
    post_step(&bank, who, id, Asked::GrantExpectation(asked)).await
}

async fn drop_rest(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(expectation): Path<Chosen<kind::Expectation>>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let expectation = expectation.of(who.company());
    let id = match key.0 {
        Some(text) => Chosen::choose(None, Some(&text))?.of(who.company()),
        None => natural_id("api.expectation.drop", &[&expectation.to_bytes()]),
    };
    let asked = AskedChange { expectation, amount: Amount::ZERO };
    post_step(&bank, who, id, Asked::ChangeExpectation(asked)).await
}

async fn show(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Chosen<kind::Expectation>>,
) -> Result<Json<ExpectationView>, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let id = id.of(who.company());
    let in_memory = bank.blocking(move |store| Ok(store.expectation(id))).await?;
    let expected = if let Some(expected) = in_memory {
        expected
    } else {
        let Ok(ended) = bank.run(FindExpectation(id)).await?;
        ended.ok_or_else(not_found)?
    };
    let [debit, credit] = bank.store().look(|book| {
        [expected.debit, expected.credit]
            .map(|number| book.account(number).map(|account| *account.spec()))
    });
    let company = credit.ok_or_else(not_found)?.company;
    if !reaches(&who, Need::AccountRead, company) {
        return Err(not_found());
    }
    Ok(Json(ExpectationView {
        id,
        open: expected.state == ExpectationState::Open,
        debit: debit.map(|spec| spec.id),
        credit: credit.map(|spec| spec.id),
        amount: expected.amount,
        granted: expected.granted,
        due_at: expected.due_at,
        changed_at: expected.changed_at,
    }))
}
