//! Whether this process may get requests.

mod api;
mod job;
mod page;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    api::{alive, ready},
    page::page,
    store::STATEMENTS,
};
pub use self::{
    job::Probe,
    state::{Check, Disk, Health, Readiness},
};
