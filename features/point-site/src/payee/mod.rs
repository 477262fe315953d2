//! Where a member has exchanges go: their bank account. What names a person is sealed, what is
//! shown is masked; a change of it is followed by some days of care.

mod command;
mod page;
mod state;
pub(crate) mod store;

pub use command::{NoteChange, PayeeRefusal, RegisterPayee};
pub(crate) use page::routes;
pub use state::{BankPayee, Payee, PayeeKind, PayeeState};
