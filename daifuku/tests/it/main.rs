//! The whole installation inside one process: its surface as golden files, who comes in, signing
//! in, and what an engineer asks of it.
#![cfg(test)]

mod crash;
mod doors;
mod failures;
mod keys;
mod membership;
mod ops;
mod passkeys;
mod program;
mod referral;
mod served;
mod sign_in;
mod site;
mod surface;
