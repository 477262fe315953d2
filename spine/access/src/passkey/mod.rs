//! Passkeys: signing in with a key pair that a device keeps (Web Authentication, level 2).
//!
//! | step | where | what |
//! |---|---|---|
//! | 1 | writer | [`OfferChallenge`]: a challenge, good for one answer within five minutes |
//! | 2 | browser | the device signs it, after it knows its owner |
//! | 3 | edge | [`NewPasskey::verify`] or [`Passkey::verify`]: pure, over bytes |
//! | 4 | writer | [`AddPasskey`] or [`SignInByPasskey`]: uses the challenge up |
//!
//! Keys are discoverable: the device names the account, so that no mail address is typed and none
//! can be asked about. The device must have made sure who holds it (a finger, a face, a number), so
//! that a passkey is both steps of signing in. Makers of devices are not checked (attestation
//! `none`): we would turn nobody away by what the check says. Why this is our own code is told in
//! ADR 0016.

mod cbor;
mod ceremony;
mod command;
mod state;

pub use ceremony::{NewPasskey, RelyingParty};
pub use command::{
    AddPasskey, OfferChallenge, PasskeyFacts, PasskeySignedIn, RemovePasskey, SignInByPasskey,
};
pub use state::{Passkey, PasskeyRefusal, find_passkey, list_passkeys};
pub(crate) use state::{find_old_challenges, remove_challenges};
