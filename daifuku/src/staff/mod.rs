//! The staff's home, and the API keys of a company.

mod home;
mod keys;

pub(crate) use self::home::routes;
