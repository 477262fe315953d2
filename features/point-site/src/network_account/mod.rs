//! Our accounts with networks: how each is read, the secret in its address, what it is asked with.
//!
//! They are rows that the staff edits, and no section of the settings: an account is opened,
//! rotated and paused on an ordinary day by whoever speaks with the network, on all nodes at once,
//! with a name beside it in the audit trail. No secret is in a row: the secret of an address
//! follows from the installation's key and a generation, and the credentials are sealed with it.

mod command;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use command::{
    ChangeNetworkAccount, NetworkAccountChange, NetworkAccountFacts, NetworkAccountRefusal,
};
pub(crate) use page::routes;
pub use state::{Credentials, NetworkAccount, NetworkAccountKey, NetworkKey, NetworkTerms, Sealed};
