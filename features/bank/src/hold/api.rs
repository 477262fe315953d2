use serde::{Deserialize, Serialize};

use crate::{
    bank::{Bank, reaches},
    batch::{Asked, AskedCapture, AskedHold, AskedIncrease, AskedVoid, api::post_step},
    form::{Chosen, LotView, ReceiptView},
    problems::LEDGER,
};
use access::{Authenticated, Need};
use ledger::{Hold, HoldState};
use store::{FindHold, natural_id};
use vocabulary::{Amount, Id, Timestamp, kind};
use web::{
    Caller, Class, IdempotencyKey, Json, Operation, Path, Problem, Response, Routes, State,
    ToSchema, get, post, problems, utoipa,
};

const KEY: &str = "idempotency-key";
const KEY_MEANING: &str = "The id of this command, when the body has none.";

/// More for a hold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IncreaseForm {
    /// The id you choose for this command, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// How much more, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
}

/// How to post a hold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CaptureForm {
    /// The id you choose for this command, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// How much, in minor units; all it still reserves unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Amount>,
    /// Whether to post also beyond the hold and after its expiry, as a card network's clearing
    /// does.
    #[serde(default)]
    forced: bool,
    /// Whether the rest stays reserved for a later capture.
    #[serde(default)]
    keep_rest: bool,
    /// What for, in your own numbering.
    #[serde(default)]
    code: u16,
}

/// How much of a hold to release.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VoidForm {
    /// The id you choose for this command, or the header `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Batch>>,
    /// How much, in minor units; all of it unless told otherwise.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Amount>,
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HoldWord {
    /// The rest is reserved.
    Open,
    /// Its last capture is posted, the rest released.
    Captured,
    /// Released on request.
    Voided,
    /// Released by the clock.
    Expired,
}

impl From<HoldState> for HoldWord {
    fn from(state: HoldState) -> Self {
        match state {
            HoldState::Open => Self::Open,
            HoldState::Captured => Self::Captured,
            HoldState::Voided => Self::Voided,
            HoldState::Expired => Self::Expired,
        }
    }
}

/// What a hold still reserves of one lot.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PartView {
    /// Which lot; `null` for an account without lots.
    lot: Option<LotView>,
    /// How much, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
}

/// A hold as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct HoldView {
    #[schema(value_type = String)]
    id: Id<kind::Hold>,
    state: HoldWord,
    /// The account that pays.
    #[schema(value_type = String)]
    debit: Option<Id<kind::Account>>,
    /// The account that receives.
    #[schema(value_type = String)]
    credit: Option<Id<kind::Account>>,
    /// What was reserved in all, increases included.
    #[schema(value_type = i64)]
    placed: Amount,
    /// What was captured in all.
    #[schema(value_type = i64)]
    captured: Amount,
    /// What is still reserved.
    #[schema(value_type = i64)]
    remaining: Amount,
    /// What is still reserved, by lot.
    parts: Vec<PartView>,
    /// When the clock releases it.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When its last movement was.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Which its last movement was.
    head_seq: u64,
}

/// The routes of holds.
pub(crate) fn routes() -> Routes<Bank> {
    let write = Need::HoldWrite.code();
    let posting = |path, operation: Operation| {
        let operation = operation
            .header(KEY, KEY_MEANING)
            .gives::<ReceiptView>(201)
            .gives::<ReceiptView>(200)
            .refuses(LEDGER);
        post(path, write).idempotent().class(Class::Critical).describe(operation)
    };
    let placing = Operation::new("Reserves an amount until it is captured, voided or expires")
        .description(
            "`id` is the hold's own; without one it follows from the header. The same id with the same \
             contents gives the first answer again. With `partial` less will do.",
        )
        .takes::<AskedHold>();
    let increasing = Operation::new("Reserves more under an open hold").takes::<IncreaseForm>();
    let capturing = Operation::new("Posts a hold, in part or in full")
        .description("The rest is released unless `keep_rest` says otherwise.")
        .takes::<CaptureForm>();
    let voiding = Operation::new("Releases a hold, for good").takes::<VoidForm>();
    let seeing = Operation::new("Shows a hold as it stands")
        .description("Also when it ended long ago.")
        .gives::<HoldView>(200);
    Routes::of("bank")
        .on(posting("/api/v1/holds", placing), place)
        .on(posting("/api/v1/holds/{id}/increase", increasing), increase)
        .on(posting("/api/v1/holds/{id}/capture", capturing), capture)
        .on(posting("/api/v1/holds/{id}/void", voiding), void)
        .on(get("/api/v1/holds/{id}", Need::AccountRead.code()).describe(seeing), show)
}

async fn place(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    Json(form): Json<AskedHold>,
) -> Result<Response, Problem> {
    let hold = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    // One hold is placed by one batch; its id follows, so that a repeat needs no other.
    let batch = natural_id("api.hold.place", &[&hold.to_bytes()]);
    let asked = AskedHold { id: Some(Chosen::from_id(hold)), ..form };
    post_step(&bank, who, batch, Asked::Hold(asked)).await
}

async fn increase(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(hold): Path<Chosen<kind::Hold>>,
    key: IdempotencyKey,
    Json(form): Json<IncreaseForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let asked = AskedIncrease { hold: hold.of(who.company()), amount: form.amount };
    post_step(&bank, who, id, Asked::IncreaseHold(asked)).await
}

async fn capture(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(hold): Path<Chosen<kind::Hold>>,
    key: IdempotencyKey,
    Json(form): Json<CaptureForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let CaptureForm { id: _, amount, forced, keep_rest, code } = form;
    let asked = AskedCapture { hold: hold.of(who.company()), amount, forced, keep_rest, code };
    post_step(&bank, who, id, Asked::Capture(asked)).await
}

async fn void(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(hold): Path<Chosen<kind::Hold>>,
    key: IdempotencyKey,
    Json(form): Json<VoidForm>,
) -> Result<Response, Problem> {
    let id = Chosen::choose(form.id, key.0.as_deref())?.of(who.company());
    let asked = AskedVoid { hold: hold.of(who.company()), amount: form.amount };
    post_step(&bank, who, id, Asked::Void(asked)).await
}

async fn show(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Chosen<kind::Hold>>,
) -> Result<Json<HoldView>, Problem> {
    let id = id.of(who.company());
    let in_memory = bank.blocking(move |store| Ok(store.hold(id))).await?;
    let hold = if let Some(hold) = in_memory {
        hold
    } else {
        let Ok(ended) = bank.run(FindHold(id)).await?;
        ended.ok_or(Problem::new(&problems::NOT_FOUND))?
    };
    let specs = bank.store().look(|book| {
        [hold.debit, hold.credit].map(|number| book.account(number).map(|account| *account.spec()))
    });
    let [debit, credit] = specs;
    let company = debit.ok_or(Problem::new(&problems::NOT_FOUND))?.company;
    if !reaches(&who, Need::AccountRead, company) {
        return Err(Problem::new(&problems::NOT_FOUND));
    }
    Ok(Json(view(id, &hold, [debit, credit].map(|spec| spec.map(|spec| spec.id)))))
}

fn view(
    id: Id<kind::Hold>,
    hold: &Hold,
    [debit, credit]: [Option<Id<kind::Account>>; 2],
) -> HoldView {
    let part =
        |part: &ledger::HoldPart| PartView { lot: LotView::of(part.lot), amount: part.amount };
    HoldView {
        id,
        state: hold.state.into(),
        debit,
        credit,
        placed: hold.placed,
        captured: hold.captured,
        remaining: hold.remaining(),
        parts: hold.parts.iter().map(part).collect(),
        expires_at: hold.expires_at,
        changed_at: hold.changed_at,
        head_seq: hold.head.get(),
    }
}
