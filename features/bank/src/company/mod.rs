//! Companies of the group, as the books number them.

pub(crate) mod api;
mod command;

pub use command::{CompanyRefusal, OpenCompany, OpenCompanyFacts};
