use serde::{Deserialize, Serialize};

use super::{Happened, Occurrence, happened, occurrences};
use crate::{bank::Bank, form::Whole};
use access::{Authenticated, Need};
use ledger::Seq;
use store::{Fault, Store};
use web::{
    Caller, IntoParams, Json, Operation, PageLimit, Problem, Query, Routes, State, ToSchema, get,
    utoipa,
};

/// How many rows of the journal are read at once.
const ROWS: u32 = 5_000;

/// How many such parts one page looks at.
const PARTS_MAX: usize = 10;

/// After which event, and how many.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// `next` of the page before; 0 for the first page.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Whole,
    /// How many items, 1 to 1,000; 50 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: PageLimit,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
struct EventList {
    /// In the order they happened.
    items: Vec<Happened>,
    /// The `after` of the next page; also when there is nothing more yet.
    next: u64,
}

/// The route of events.
pub(crate) fn routes() -> Routes<Bank> {
    let listing = Operation::new("Lists what happened to your accounts, in order")
        .description(
            "Told from the journal, for ever and always alike; webhooks carry the same. Keep `next` and ask \
             again.",
        )
        .query::<EventQuery>()
        .gives::<EventList>(200);
    Routes::of("bank").on(get("/api/v1/events", Need::JournalRead.code()).describe(listing), list)
}

/// Reads the occurrences after a place: whole ones, and where to go on. Nothing when the journal
/// ends there.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub(crate) fn read_after(store: &Store, after: Seq) -> Result<Vec<Occurrence>, Fault> {
    let mut rows = ROWS;
    loop {
        let movements = store.movements(after.next(), rows)?;
        // Fewer rows than asked for end where the journal does: after a whole batch.
        let complete = movements.len() < usize::try_from(rows).unwrap_or(usize::MAX);
        let found = occurrences(&movements, complete);
        if !found.is_empty() || complete {
            return Ok(found);
        }
        // One occurrence fills the part: take a longer one.
        rows = rows.saturating_mul(4);
    }
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventList>, Problem> {
    let limit = usize::try_from(query.limit.get()).unwrap_or(usize::MAX);
    let read = move |store: &Store| {
        let mut list = EventList { items: Vec::new(), next: query.after.0 };
        for _part in 0..PARTS_MAX {
            let found = read_after(store, Seq::new(list.next))?;
            if found.is_empty() {
                break;
            }
            store.look(|book| {
                for occurrence in &found {
                    if list.items.len() == limit {
                        break;
                    }
                    list.items.extend(happened(book, who.company(), occurrence));
                    list.next = occurrence.last.get();
                }
            });
            if list.items.len() == limit {
                break;
            }
        }
        Ok(list)
    };
    bank.blocking(read).await.map(Json)
}
