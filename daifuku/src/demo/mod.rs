//! A whole installation on one machine, with a sample group of companies and a clock that can be
//! put forward.

mod authenticator;
mod earning;
mod exchange;
mod fraud;
mod history;
mod letter;
mod mailbox;
mod networks;
mod offers;
mod page;
mod ranks;
mod reconciliation;
mod referral;
mod reviews;
mod seed;
mod shops;
mod smtp;
mod start;

pub use self::{
    authenticator::code as code_of_authenticator,
    letter::ReadLetter,
    smtp::Mailbox,
    start::{Options, run},
};
pub(crate) use self::{
    networks::account_of,
    seed::{PASSWORD, SHOPPING as COMPANY, api_key_text},
    shops::{offers, rate_shop},
    start::{open, plant_all},
};
