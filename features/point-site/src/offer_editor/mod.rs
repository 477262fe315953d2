//! The staff's pages of an offer: its versions, what is in force and what is to come, and the form
//! of a new version. Nothing is changed that a click was made under.

mod page;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use page::routes;
