use core::convert::Infallible;
use std::sync::Arc;

use http_body_util::channel::{Channel, Sender};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    bank::{Bank, reaches},
    form::{LotView, Whole},
    stream::api::send,
};
use access::{Authenticated, Need};
use ledger::{Book, Movement, Seq};
use vocabulary::{Amount, Id, Timestamp, UnitCode, kind};
use web::{
    Body, Bytes, Caller, Class, HeaderValue, IntoParams, Json, Operation, PageLimit, Problem,
    Query, Response, Routes, State, ToSchema, get, header, problems, utoipa,
};

/// How many rows of the journal are read at once.
const ROWS: u32 = 5_000;

/// How many rows one page looks at: a company that moves seldom gets a short page and goes on from
/// `next`.
const ROWS_MAX: u64 = 50_000;

/// How many lines an export has unless told otherwise.
const LINES_DEFAULT: u64 = 100_000;

/// Where to begin and how much.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MovementQuery {
    /// The first place of the journal to look at; 1 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 0)]
    from: Whole,
    /// How many items, 1 to 1,000; 50 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: PageLimit,
}

/// Where to begin and how much.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct JournalQuery {
    /// The first place of the journal to look at; 1 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 0)]
    from_seq: Whole,
    /// How many lines at most; 100,000 unless told otherwise.
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<Whole>,
}

/// One row of the journal: the part of a transfer that one lot carries.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct MovementView {
    /// Its place in the journal.
    seq: u64,
    /// The batch it belongs to.
    #[schema(value_type = String)]
    batch: Id<kind::Batch>,
    /// Why.
    kind: &'static str,
    /// The code of the unit.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitCode>,
    /// The account debited.
    #[schema(value_type = Option<String>)]
    debit: Option<Id<kind::Account>>,
    /// The account credited.
    #[schema(value_type = Option<String>)]
    credit: Option<Id<kind::Account>>,
    /// The lot it leaves.
    debit_lot: Option<LotView>,
    /// The lot it enters.
    credit_lot: Option<LotView>,
    /// How much, in minor units; zero when only the account's standing changes.
    #[schema(value_type = i64)]
    amount: Amount,
    /// What for, in the company's own numbering.
    code: u16,
    /// Who asked: the number of the actor.
    actor: u64,
    /// The hold it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    hold: Option<Id<kind::Hold>>,
    /// The expectation it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    expectation: Option<Id<kind::Expectation>>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A page of movements.
#[derive(Debug, Serialize, ToSchema)]
struct MovementList {
    /// In order of their places.
    items: Vec<MovementView>,
    /// The `from` of the next page; also when the journal ends here, so that what comes can be
    /// waited for.
    next: u64,
}

/// The routes of movements.
pub(crate) fn routes() -> Routes<Bank> {
    let listing = Operation::new("Lists movements of your accounts, in order")
        .description("The operator sees those of all companies.")
        .query::<MovementQuery>()
        .gives::<MovementList>(200);
    let exporting = Operation::new("Gives the movements of your accounts as a file, one a line")
        .description(
            "NDJSON, the lines as the items of `/api/v1/movements`. Ends at the end of the journal or after \
             `limit` lines; go on with the last `seq` and one.",
        )
        .query::<JournalQuery>()
        .gives_raw(200, "application/x-ndjson")
        .refuses(&[&problems::OVERLOADED]);
    let export = get("/api/v1/journal", Need::JournalExport.code()).class(Class::Bulk);
    Routes::of("bank")
        .on(get("/api/v1/movements", Need::JournalRead.code()).describe(listing), list)
        .on(export.describe(exporting), journal)
}

/// Whether a caller may see a movement: one of its accounts is in reach.
fn sees(book: &Book, who: &Authenticated, need: Need, movement: &Movement) -> bool {
    let own = |number| {
        let company = book.account(number).map(|account| account.spec().company);
        company.is_some_and(|company| reaches(who, need, company))
    };
    own(movement.debit) || own(movement.credit)
}

fn view(book: &Book, movement: &Movement) -> MovementView {
    let spec = |number| book.account(number).map(ledger::Account::spec);
    let unit = spec(movement.debit).and_then(|spec| book.find_unit(spec.unit));
    let subject = |concerns: bool| movement.subject.filter(|_| concerns);
    MovementView {
        seq: movement.seq.get(),
        batch: movement.batch,
        kind: movement.kind.name(),
        unit: unit.map(|unit| unit.code),
        debit: spec(movement.debit).map(|spec| spec.id),
        credit: spec(movement.credit).map(|spec| spec.id),
        debit_lot: LotView::of(movement.debit_lot),
        credit_lot: LotView::of(movement.credit_lot),
        amount: movement.amount,
        code: movement.code,
        actor: movement.actor.get(),
        hold: subject(movement.kind.concerns_hold()).map(Id::from_bits),
        expectation: subject(movement.kind.concerns_expectation()).map(Id::from_bits),
        at: movement.at,
    }
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Query(query): Query<MovementQuery>,
) -> Result<Json<MovementList>, Problem> {
    let limit = usize::try_from(query.limit.get()).unwrap_or(usize::MAX);
    let read = move |store: &store::Store| {
        let mut next = query.from.0.max(1);
        let end = next.saturating_add(ROWS_MAX);
        let mut items = Vec::new();
        while items.len() < limit && next < end {
            let rows = store.movements(Seq::new(next), ROWS)?;
            let read_all = rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
            store.look(|book| {
                for movement in &rows {
                    if items.len() == limit {
                        break;
                    }
                    next = movement.seq.get().saturating_add(1);
                    if sees(book, &who, Need::JournalRead, movement) {
                        items.push(view(book, movement));
                    }
                }
            });
            if read_all {
                break;
            }
        }
        Ok(MovementList { items, next })
    };
    bank.blocking(read).await.map(Json)
}

async fn journal(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Query(query): Query<JournalQuery>,
) -> Result<Response, Problem> {
    let room = Arc::clone(bank.streams()).try_acquire_owned();
    let room = room.map_err(|_full| Problem::new(&problems::OVERLOADED).retry_after_s(1))?;
    let (sender, body) = Channel::<Bytes, Infallible>::new(2);
    let export = Export {
        bank,
        who,
        next: query.from_seq.0.max(1),
        left: query.limit.map_or(LINES_DEFAULT, |limit| limit.0),
    };
    tokio::spawn(export.write(sender, room));
    let mut response = Response::new(Body::new(body));
    let media_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// The journal on its way out, some thousand rows at a time.
struct Export {
    bank: Bank,
    who: Authenticated,
    next: u64,
    left: u64,
}

impl Export {
    async fn write(mut self, mut sender: Sender<Bytes, Infallible>, _room: OwnedSemaphorePermit) {
        while self.left > 0 {
            let (next, left, who) = (self.next, self.left, self.who);
            let read = move |store: &store::Store| part(store, who, next, left);
            // What failed is logged; the file ends early, and its reader goes on from its last
            // line.
            let Ok(Some(part)) = self.bank.blocking(read).await else { return };
            self.next = part.next;
            self.left = part.left;
            if !part.text.is_empty() && !send(&mut sender, part.text).await {
                return;
            }
        }
    }
}

struct Part {
    text: Vec<u8>,
    next: u64,
    left: u64,
}

/// Writes the next rows as lines; `None` at the end of the journal.
fn part(
    store: &store::Store,
    who: Authenticated,
    next: u64,
    left: u64,
) -> Result<Option<Part>, store::Fault> {
    let rows = store.movements(Seq::new(next), ROWS)?;
    let mut part = Part { text: Vec::new(), next, left };
    if rows.is_empty() {
        return Ok(None);
    }
    store.look(|book| {
        for movement in &rows {
            if part.left == 0 {
                break;
            }
            part.next = movement.seq.get().saturating_add(1);
            if sees(book, &who, Need::JournalExport, movement)
                && let Ok(json) = serde_json::to_vec(&view(book, movement))
            {
                part.text.extend_from_slice(&json);
                part.text.push(b'\n');
                part.left = part.left.saturating_sub(1);
            }
        }
    });
    Ok(Some(part))
}
