//! Steps that succeed or fail together, named by the ids of accounts.

pub(crate) mod api;
mod command;
mod state;

pub use command::{PostBatch, StepRefused};
pub use state::{
    Asked, AskedAccount, AskedAnnouncement, AskedCapture, AskedChange, AskedExpiry, AskedGrant,
    AskedHold, AskedIncrease, AskedReversal, AskedTransfer, AskedVoid, KindWord, StepFault,
};
