//! The API over HTTP, on both databases: what a company's developer does, and what goes wrong.
#![cfg(test)]

mod accounts;
mod stage;
mod transfers;
mod webhooks;
