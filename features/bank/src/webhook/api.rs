use serde::{Deserialize, Serialize};

use super::{
    AddEndpoint, ChangeEndpoint, Delivery, DeliveryState, Endpoint, EndpointChange,
    EndpointRefusal, EndpointState, EventKinds,
    store::{
        AttemptRow, delivery_code, find_delivery_of, find_endpoints, list_attempts,
        list_deliveries, list_endpoints, state_code,
    },
};
use crate::{
    bank::{Bank, reaches},
    event::EventKind,
    form::Chosen,
    problems::{WEBHOOK_GENERATION, WEBHOOK_ID_TAKEN, WEBHOOK_LIMIT},
};
use access::{Authenticated, Need};
use ledger::Seq;
use store::Store;
use vocabulary::{Id, Timestamp, kind};
use web::{
    Caller, Cursor, IntoParams, IntoResponse as _, Json, Operation, OutgoingUrl, PageLimit, Paged,
    Path, Problem, Query, Response, Routes, State, StatusCode, ToSchema, delete, get, patch, post,
    problems, utoipa,
};

/// An endpoint to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndpointForm {
    /// The id you choose; without one a new one is made.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Endpoint>>,
    /// Where to send: `https`, at an address that is public.
    url: String,
    /// Which events: `hold.placed`, `points.granted`, …; all when none is named.
    #[serde(default)]
    types: Vec<String>,
}

/// What is to change of an endpoint; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndpointChangeForm {
    /// Where to send.
    url: Option<String>,
    /// Which events; an empty list for all.
    types: Option<Vec<String>>,
    /// Whether anything is sent; what happens meanwhile is sent later.
    enabled: Option<bool>,
}

/// Which secret is to be replaced.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateForm {
    /// The `generation` that the endpoint shows; the same again gives the same new secret.
    generation: u32,
}

/// What is to be sent again: one of the two.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayForm {
    /// Everything from this place of the journal on, also what was never sent.
    from_seq: Option<u64>,
    /// The delivery of this `seq` alone.
    seq: Option<u64>,
}

/// Where a company wants to hear of events.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointView {
    #[schema(value_type = String)]
    id: Id<kind::Endpoint>,
    url: String,
    /// Which events; all when the list is empty.
    types: Vec<&'static str>,
    /// `enabled`, or `disabled` on request, after a 410, or when nothing got through for days.
    state: &'static str,
    /// Which of its secrets is the newest, from 1.
    generation: u32,
    /// Until when the secret before it signs too.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_until: Option<Timestamp>,
    /// How far the journal was turned into deliveries.
    told_seq: u64,
    /// How many tries failed since one got through.
    failures: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// The secret, `whsec_…`: shown when it is new, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl EndpointView {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url.clone(),
            types: endpoint.kinds.codes(),
            state: state_code(endpoint.state),
            generation: endpoint.generation,
            previous_until: endpoint.previous_until,
            told_seq: endpoint.told.get(),
            failures: endpoint.failures,
            created_at: endpoint.created_at,
            changed_at: endpoint.changed_at,
            secret: None,
        }
    }

    fn with_secret(bank: &Bank, endpoint: &Endpoint) -> Self {
        let secret = bank.webhooks().secret(endpoint.id, endpoint.generation).text();
        Self { secret: Some(secret), ..Self::of(endpoint) }
    }
}

/// All endpoints of a company.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointList {
    /// By id.
    items: Vec<EndpointView>,
}

/// Which deliveries, and how many.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// `pending`, `delivered` or `failed`; all when left out.
    #[param(inline)]
    state: Option<StateWord>,
    /// How many items, 1 to 1,000; 50 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: PageLimit,
    /// `next` of the page before; nothing for the first page.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateWord {
    /// It is to be sent.
    Pending,
    /// It got through.
    Delivered,
    /// Every try failed.
    Failed,
}

impl StateWord {
    const fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One event for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryView {
    /// The event's last movement; names the delivery within its endpoint.
    seq: u64,
    /// The event's id, the header `webhook-id`.
    #[schema(value_type = String)]
    event: Id<kind::Event>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `pending`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was sent.
    attempts: u32,
    /// When it is sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl DeliveryView {
    const fn of(delivery: &Delivery) -> Self {
        let next_at = match delivery.state {
            DeliveryState::Pending { next_at, .. } => Some(next_at),
            DeliveryState::Delivered | DeliveryState::Failed => None,
        };
        Self {
            seq: delivery.last.get(),
            event: delivery.event,
            kind: delivery.kind.code(),
            state: delivery_code(delivery.state),
            attempts: delivery.attempts,
            next_at,
            created_at: delivery.created_at,
            changed_at: delivery.changed_at,
        }
    }
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptView {
    /// From 1.
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How long it took, in milliseconds.
    took_ms: u32,
    /// What the receiver answered.
    status: Option<u32>,
    /// Why there was no answer.
    error: Option<String>,
}

/// A delivery with its tries.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryLog {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The newest first, 100 at most.
    log: Vec<AttemptView>,
}

/// The routes of webhooks.
pub(crate) fn routes() -> Routes<Bank> {
    let (read, manage) = (Need::WebhookRead.code(), Need::WebhookManage.code());
    let adding = Operation::new("Adds an endpoint, which hears of what happens from now on")
        .description(
            "Deliveries are signed as Standard Webhooks has it and tried ten times over three days. A receiver \
             answers 2xx; 410 disables the endpoint. The same again gives the first answer.",
        )
        .takes::<EndpointForm>()
        .gives::<EndpointView>(201)
        .gives::<EndpointView>(200)
        .refuses(&[&WEBHOOK_ID_TAKEN, &WEBHOOK_LIMIT]);
    let listing = Operation::new("Lists your endpoints").gives::<EndpointList>(200);
    let seeing = Operation::new("Shows an endpoint").gives::<EndpointView>(200);
    let changing = Operation::new("Changes an endpoint")
        .takes::<EndpointChangeForm>()
        .gives::<EndpointView>(200);
    let removing = Operation::new("Removes an endpoint with its deliveries").gives_raw(204, "");
    let rotating = Operation::new("Gives an endpoint a new secret")
        .description("For a day deliveries carry the signatures of both, the new one first.")
        .takes::<RotateForm>()
        .gives::<EndpointView>(200)
        .refuses(&[&WEBHOOK_GENERATION]);
    let replaying =
        Operation::new("Sends deliveries again").takes::<ReplayForm>().gives::<EndpointView>(202);
    let log = Operation::new("Lists an endpoint's deliveries, the newest first")
        .query::<DeliveryQuery>()
        .gives::<Paged<DeliveryView>>(200);
    let one = Operation::new("Shows a delivery with its tries").gives::<DeliveryLog>(200);
    Routes::of("bank")
        .on(post("/api/v1/webhooks", manage).idempotent().describe(adding), add)
        .on(get("/api/v1/webhooks", read).describe(listing), list)
        .on(get("/api/v1/webhooks/{id}", read).describe(seeing), show)
        .on(patch("/api/v1/webhooks/{id}", manage).idempotent().describe(changing), change)
        .on(delete("/api/v1/webhooks/{id}", manage).describe(removing), remove)
        .on(post("/api/v1/webhooks/{id}/rotate", manage).idempotent().describe(rotating), rotate)
        .on(post("/api/v1/webhooks/{id}/replay", manage).describe(replaying), replay)
        .on(get("/api/v1/webhooks/{id}/deliveries", read).describe(log), deliveries)
        .on(get("/api/v1/webhooks/{id}/deliveries/{seq}", read).describe(one), show_delivery)
}

fn checked_url(bank: &Bank, url: &str) -> Result<String, Problem> {
    let parsed = OutgoingUrl::parse(url, bank.reach());
    parsed
        .map(|url| url.text())
        .map_err(|error| Problem::new(&problems::INVALID_FIELD).field("/url", error.to_string()))
}

fn checked_kinds(types: &[String]) -> Result<EventKinds, Problem> {
    let mut kinds = Vec::with_capacity(types.len());
    for (place, code) in types.iter().enumerate() {
        let unknown = || {
            Problem::new(&problems::INVALID_FIELD)
                .field(format!("/types/{place}"), "is no type of event")
        };
        kinds.push(EventKind::parse(code).ok_or_else(unknown)?);
    }
    Ok(EventKinds::new(kinds))
}

fn refused(refusal: EndpointRefusal) -> Problem {
    Problem::new(match refusal {
        EndpointRefusal::NotFound => &problems::NOT_FOUND,
        EndpointRefusal::IdTaken => &WEBHOOK_ID_TAKEN,
        EndpointRefusal::Limit => &WEBHOOK_LIMIT,
        EndpointRefusal::Generation => &WEBHOOK_GENERATION,
    })
}

async fn add(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Json(form): Json<EndpointForm>,
) -> Result<Response, Problem> {
    let command = AddEndpoint {
        id: form.id.map_or_else(|| bank.next_id(), |chosen| chosen.of(who.company())),
        company: who.company(),
        url: checked_url(&bank, &form.url)?,
        kinds: checked_kinds(&form.types)?,
        told: bank.store().durable(),
    };
    let (endpoint, repeated) = bank.run(command).await?.map_err(refused)?;
    // Also a repeat shows the secret: else a lost reply would leave an endpoint whose secret nobody
    // has.
    Ok((repeated.status(), Json(EndpointView::with_secret(&bank, &endpoint))).into_response())
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
) -> Result<Json<EndpointList>, Problem> {
    let company = who.company();
    let read = move |store: &Store| store.database().read(|reader| list_endpoints(reader, company));
    let found = bank.blocking(read).await?;
    Ok(Json(EndpointList { items: found.iter().map(EndpointView::of).collect() }))
}

async fn find(
    bank: &Bank,
    who: &Authenticated,
    id: Id<kind::Endpoint>,
) -> Result<Endpoint, Problem> {
    let read = move |store: &Store| store.database().read(|reader| find_endpoints(reader, &[id]));
    let found = bank.blocking(read).await?.into_iter().next();
    let own = found.filter(|endpoint| reaches(who, Need::WebhookRead, endpoint.company));
    own.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
) -> Result<Json<EndpointView>, Problem> {
    Ok(Json(EndpointView::of(&find(&bank, &who, id).await?)))
}

async fn run_change(
    bank: &Bank,
    who: Authenticated,
    id: Id<kind::Endpoint>,
    change: EndpointChange,
) -> Result<Endpoint, Problem> {
    bank.run(ChangeEndpoint { id, company: who.company(), change }).await?.map_err(refused)
}

async fn change(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
    Json(form): Json<EndpointChangeForm>,
) -> Result<Json<EndpointView>, Problem> {
    let state = form
        .enabled
        .map(|enabled| if enabled { EndpointState::Enabled } else { EndpointState::Disabled });
    let change = EndpointChange::Settings {
        url: form.url.map(|url| checked_url(&bank, &url)).transpose()?,
        kinds: form.types.map(|types| checked_kinds(&types)).transpose()?,
        state,
    };
    Ok(Json(EndpointView::of(&run_change(&bank, who, id, change).await?)))
}

async fn remove(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
) -> Result<StatusCode, Problem> {
    run_change(&bank, who, id, EndpointChange::Remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
    Json(form): Json<RotateForm>,
) -> Result<Json<EndpointView>, Problem> {
    let change = EndpointChange::Rotate { generation: form.generation };
    let endpoint = run_change(&bank, who, id, change).await?;
    Ok(Json(EndpointView::with_secret(&bank, &endpoint)))
}

async fn replay(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
    Json(form): Json<ReplayForm>,
) -> Result<Response, Problem> {
    let change = match form {
        ReplayForm { from_seq: Some(first), seq: None } => {
            EndpointChange::Replay { first: Seq::new(first.max(1)) }
        }
        ReplayForm { from_seq: None, seq: Some(seq) } => {
            find_delivery(&bank, &who, id, Seq::new(seq)).await?;
            EndpointChange::ReplayOne { last: Seq::new(seq) }
        }
        ReplayForm { .. } => {
            return Err(Problem::new(&problems::INVALID_FIELD)
                .field("/from_seq", "send either `from_seq` or `seq`"));
        }
    };
    let endpoint = run_change(&bank, who, id, change).await?;
    Ok((StatusCode::ACCEPTED, Json(EndpointView::of(&endpoint))).into_response())
}

async fn deliveries(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Endpoint>>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<Paged<DeliveryView>>, Problem> {
    find(&bank, &who, id).await?;
    let number = query.after.as_ref().map_or(Some(i64::MAX), Cursor::number);
    let before = number.and_then(|number| u64::try_from(number).ok()).ok_or_else(|| {
        Problem::new(&problems::INVALID_FIELD).field("query:after", "is no cursor of this list")
    })?;
    let wanted = (id, query.state.map(StateWord::code));
    let limit = query.limit;
    let read = move |store: &Store| {
        let before = Seq::new(before);
        store.database().read(|reader| list_deliveries(reader, wanted, before, limit.and_one()))
    };
    let found = bank.blocking(read).await?;
    let size = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let items: Vec<DeliveryView> = found.iter().take(size).map(DeliveryView::of).collect();
    let last = items.last().filter(|_| found.len() > size);
    let next = last.map(|item| Cursor::from_number(i64::try_from(item.seq).unwrap_or(i64::MAX)));
    Ok(Json(Paged { items, next }))
}

async fn find_delivery(
    bank: &Bank,
    who: &Authenticated,
    id: Id<kind::Endpoint>,
    last: Seq,
) -> Result<Delivery, Problem> {
    find(bank, who, id).await?;
    let read =
        move |store: &Store| store.database().read(|reader| find_delivery_of(reader, id, last));
    bank.blocking(read).await?.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show_delivery(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path((id, seq)): Path<(Id<kind::Endpoint>, u64)>,
) -> Result<Json<DeliveryLog>, Problem> {
    let delivery = find_delivery(&bank, &who, id, Seq::new(seq)).await?;
    let read =
        move |store: &Store| store.database().read(|reader| list_attempts(reader, delivery.id));
    let view = |attempt: AttemptRow| AttemptView {
        number: attempt.number,
        at: attempt.at,
        took_ms: attempt.took_ms,
        status: attempt.status,
        error: attempt.error,
    };
    let log = bank.blocking(read).await?.into_iter().map(view).collect();
    Ok(Json(DeliveryLog { delivery: DeliveryView::of(&delivery), log }))
}
