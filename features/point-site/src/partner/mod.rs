//! Partners that make gift codes and take points, reached over HTTP. Each exchange is asked about
//! with one id, which follows from the exchange: asking again is the same request. It is stored as
//! sent before it leaves, and what is not answered is unknown until it is.

mod job;
mod state;

pub use job::{ask_partners, due_requests, settle};
pub use state::{PartnerAnswer, PartnerRequest};
