//! Who acts, for the tests of other crates. Compiled for our own tests and with the feature
//! `testing`, never into the product.

use crate::{
    actor::Subject,
    authorized::Authenticated,
    policy::{Need, Role},
};
use ledger::ActorNumber;
use vocabulary::{CompanyNumber, Id, kind};

/// A person of a company's staff.
pub fn staff(number: u32, company: CompanyNumber, role: Role) -> Authenticated {
    let subject = Subject::Staff(Id::from_bits(u128::from(number)));
    Authenticated::person(ActorNumber::new(company, number), company, subject, role)
}

/// A member of a company.
pub fn member(number: u32, company: CompanyNumber, id: Id<kind::Member>) -> Authenticated {
    Authenticated::person(
        ActorNumber::new(company, number),
        company,
        Subject::Member(id),
        Role::Member,
    )
}

/// A company's API key.
pub fn api_key(number: u32, company: CompanyNumber, needs: &[Need]) -> Authenticated {
    let needs = needs.iter().copied().collect();
    let id = Id::from_bits(u128::from(number));
    Authenticated::key(ActorNumber::new(company, number), company, id, needs)
}
