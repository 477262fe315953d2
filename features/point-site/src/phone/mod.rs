//! The telephone number of a member, shown to be theirs by a code in a short message. One number is
//! one member's. A change of it is followed by some days of care.
//!
//! The number is sealed, and what is shown is masked. Whether a number is another member's is told
//! only to who holds it.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{
    AskPhoneCode, EnterPhoneCode, NoteSms, PhoneEntered, PhoneFacts, PhoneRefusal, RemovePhone,
    SmsFacts,
};
pub use job::send_messages;
pub(crate) use page::routes;
pub use state::{
    KeptNumber, Phone, PhoneError, PhoneNumber, PhoneProof, SENDS_A_DAY, Sms, SmsResult, SmsState,
    code_hash,
};
pub use store::find_phones;
