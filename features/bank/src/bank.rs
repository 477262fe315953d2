use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use crate::webhook::WebhookKey;
use access::{Authenticated, Need, authorize};
use ledger::Batch;
use store::{Command, Decision, Fault, FaultKind, Outcome, Store};
use vocabulary::{Clock, CompanyNumber, Id, IdSource, Timestamp};
use web::{Problem, Reach, problems};

/// How many NDJSON bodies are read at once; each holds a few thousand lines at most.
const STREAMS_MAX: usize = 32;

/// What the handlers of this crate share; clone it freely.
#[derive(Clone, Debug)]
pub struct Bank {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Ids,
    streams: Arc<Semaphore>,
    webhooks: WebhookKey,
    reach: Reach,
}

/// What a [`Bank`] is made of.
pub struct BankTools {
    /// The books.
    pub store: Store,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids where the caller chose none.
    pub ids: Box<dyn IdSource>,
    /// The installation's key for the secrets of webhooks.
    pub webhooks: WebhookKey,
    /// Which addresses webhooks may have.
    pub reach: Reach,
}

impl fmt::Debug for BankTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BankTools").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Ids(Arc<Mutex<Box<dyn IdSource>>>);

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

/// An [`IdSource`] behind a pointer, so that ids of a kind can be made of it.
struct Borrowed<'a>(&'a mut dyn IdSource);

impl IdSource for Borrowed<'_> {
    fn chance(&mut self) -> u128 {
        self.0.chance()
    }
}

impl Bank {
    /// Puts the tools together.
    pub fn new(tools: BankTools) -> Self {
        Self {
            store: tools.store,
            clock: tools.clock,
            ids: Ids(Arc::new(Mutex::new(tools.ids))),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            webhooks: tools.webhooks,
            reach: tools.reach,
        }
    }

    /// The books.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) const fn webhooks(&self) -> &WebhookKey {
        &self.webhooks
    }

    pub(crate) const fn reach(&self) -> Reach {
        self.reach
    }

    /// The room for long bodies.
    pub(crate) const fn streams(&self) -> &Arc<Semaphore> {
        &self.streams
    }

    pub(crate) fn next_id<K>(&self) -> Id<K> {
        // A panic elsewhere cannot have left the source half changed in a way that matters.
        let mut ids = self.ids.0.lock().unwrap_or_else(PoisonError::into_inner);
        Borrowed(ids.as_mut()).next_id(self.clock.now())
    }

    /// Does what blocks, such as a query, off the threads that answer requests.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        self.off_thread(work).await.map_err(|fault| fault_problem(&fault))
    }

    /// The same for jobs, which tell faults to their runner.
    pub(crate) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let store = self.store.clone();
        let done = spawn_blocking(move || work(&store)).await;
        // A panic there was reported by the panic hook.
        done.unwrap_or_else(|panic| {
            Err(Fault::new(FaultKind::Other, "work off the answering threads").caused_by(panic))
        })
    }

    /// Hands a command to the writer and waits for its decision.
    pub(crate) async fn run<C: Command>(&self, command: C) -> Result<Decision<C>, Problem>
    where
        Decision<C>: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // Nobody waits any more when the receiver is gone.
        let reply = Box::new(move |answer| drop(sender.send(answer)));
        self.store.submit_command(command, reply);
        answer(receiver.await)
    }

    /// Hands batches to the writer; the outcomes come in their order.
    pub(crate) fn submit(&self, batches: Vec<Batch>) -> Outcomes {
        let (sender, receiver) = oneshot::channel();
        if batches.is_empty() {
            drop(sender.send(Ok(Vec::new())));
        } else {
            self.store.submit(batches, Box::new(move |outcomes| drop(sender.send(outcomes))));
        }
        Outcomes(receiver)
    }
}

/// Outcomes on their way.
#[derive(Debug)]
pub(crate) struct Outcomes(oneshot::Receiver<Result<Vec<Outcome>, Fault>>);

impl Outcomes {
    pub(crate) async fn wait(self) -> Result<Vec<Outcome>, Problem> {
        answer(self.0.await)
    }
}

fn answer<T>(received: Result<Result<T, Fault>, oneshot::error::RecvError>) -> Result<T, Problem> {
    match received {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(fault)) => Err(fault_problem(&fault)),
        Err(_stopped) => Err(Problem::new(&problems::STORE_UNAVAILABLE).retry_after_s(1)),
    }
}

/// Logs a fault and answers what the caller can do about it.
fn fault_problem(fault: &Fault) -> Problem {
    Problem::of_failure(fault, fault.passes())
}

/// Whether something of a company is within the caller's reach; what is not is "not found".
pub(crate) fn reaches(who: &Authenticated, need: Need, company: CompanyNumber) -> bool {
    authorize(who, need, company, ()).is_ok()
}

/// Checks a need alone; the resource is checked where it is known.
pub(crate) fn require(who: &Authenticated, need: Need) -> Result<(), Problem> {
    who.require(need)
        .map_err(|denied| Problem::new(&problems::FORBIDDEN).detail(denied.to_string()))
}
