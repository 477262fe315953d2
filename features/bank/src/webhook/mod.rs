//! Webhooks: where a company wants to hear of events, and the job that tells it, as Standard
//! Webhooks has it.
//!
//! Events come from the journal, so that nothing is written when they happen. The job walks the
//! journal for each endpoint and notes what is to be sent; sends what is due, signed; and notes how
//! it went. A delivery can come twice, never not at all: receivers go by its id.

pub(crate) mod api;
mod command;
mod job;
mod state;
mod store;

pub use command::{
    AddEndpoint, ChangeEndpoint, EndpointChange, EndpointFacts, EndpointRefusal, RecordAttempt,
    RecordAttemptFacts, TellEvents, TellEventsFacts,
};
pub use job::{DeliveryRun, deliver_due};
pub use state::{
    Attempt, AttemptResult, Delivery, DeliveryState, Endpoint, EndpointState, EventKinds,
    WebhookKey, WebhookSecret,
};
pub use store::{MIGRATIONS, STATEMENTS};
