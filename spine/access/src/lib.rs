//! Who acts, what they may do, and the audit trail.
mod actor;
pub mod audit_trail;
mod authorized;
mod policy;
pub mod refusal;
mod secret;
mod store;

pub use crate::store::{MIGRATIONS, STATEMENTS};
pub use actor::{Actor, ActorKind, RegisterActor, RegisterActorFacts, Subject, find_actors};
pub use authorized::{Authenticated, Authorized, Denied, Resource, authorize};
pub use policy::{Need, NeedSet, Role, table as policy_table};
pub use secret::{Secret, SecretHash};
