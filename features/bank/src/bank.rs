use core::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use crate::webhook::WebhookKey;
use access::{Authenticated, Need, authorize};
use answers::{OrProblem as _, ask, off_thread, received};
use ledger::Batch;
use store::{Command, Decision, Fault, Outcome, Store};
use vocabulary::{Clock, CompanyNumber, Id, SharedIds, Timestamp};
use web::{Problem, Reach};

/// How many NDJSON bodies are read at once; each holds a few thousand lines at most.
const STREAMS_MAX: usize = 32;

/// What the handlers of this crate share; clone it freely.
#[derive(Clone, Debug)]
pub struct Bank {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: SharedIds,
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
    pub ids: SharedIds,
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

impl Bank {
    /// Puts the tools together.
    pub fn new(tools: BankTools) -> Self {
        Self {
            store: tools.store,
            clock: tools.clock,
            ids: tools.ids,
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
        self.ids.next(self.clock.now())
    }

    /// Does what blocks, such as a query, off the threads that answer requests.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        self.off_thread(work).await.or_problem()
    }

    /// The same for jobs, which tell faults to their runner.
    pub(crate) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let store = self.store.clone();
        off_thread(move || work(&store)).await?
    }

    /// Hands a command to the writer and waits for its decision.
    pub(crate) async fn run<C: Command>(&self, command: C) -> Result<Decision<C>, Problem> {
        ask(&self.store, command).await.or_problem()
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
        received(self.0).await.or_problem()
    }
}

/// Whether something of a company is within the caller's reach; what is not is "not found".
pub(crate) fn reaches(who: &Authenticated, need: Need, company: CompanyNumber) -> bool {
    authorize(who, need, company, ()).is_ok()
}

/// Checks a need alone; the resource is checked where it is known.
pub(crate) fn require(who: &Authenticated, need: Need) -> Result<(), Problem> {
    who.require(need).or_problem()
}
