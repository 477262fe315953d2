//! Paying at a shop with points: reserved at the till, captured or given back.

mod api;
mod command;
mod state;
mod store;

pub(crate) use api::routes;
pub use api::{CaptureHoldRequest, HoldAnswer, PROBLEMS, PlaceHoldRequest};
pub use command::{CaptureHold, PaymentFacts, PaymentRefusal, PlaceHold, VoidHold};
pub use state::{Payment, PaymentReceipt, PaymentState};
pub(crate) use store::{STATEMENTS, find_shops};
