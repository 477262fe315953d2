use crate::form::Repeated;
use store::{Command, Fault, Posting, Tx, registry, registry::Company};
use vocabulary::{CompanyNumber, Id, Label, Token, kind};

/// Puts a company on the books under the next number. The same id, code and name again give the
/// first row.
#[derive(Clone, Debug)]
pub struct OpenCompany {
    /// Its id outside.
    pub id: Id<kind::Company>,
    /// A short name for machines; unique.
    pub code: Token,
    /// Its name.
    pub name: Label,
}

/// Why a company is not put on the books, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompanyRefusal {
    /// Another company has the id.
    IdTaken,
    /// Another company has the code.
    CodeTaken,
    /// No number is left.
    Full,
}

/// The companies there are, and those that were opened now.
#[derive(Debug)]
pub struct OpenCompanyFacts {
    known: Vec<Company>,
    opened: Vec<Company>,
}

impl Command for OpenCompany {
    type Facts = OpenCompanyFacts;
    type Receipt = (Company, Repeated);
    type Refusal = CompanyRefusal;

    const NAME: &'static str = "open company";

    fn load(_slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(OpenCompanyFacts { known: registry::companies(tx)?, opened: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, CompanyRefusal> {
        if let Some(company) = facts.known.iter().find(|company| company.id == self.id) {
            let alike = company.code == self.code && company.name == self.name;
            let found = (company.clone(), Repeated::Yes);
            return if alike { Ok(found) } else { Err(CompanyRefusal::IdTaken) };
        }
        if facts.known.iter().any(|company| company.code == self.code) {
            return Err(CompanyRefusal::CodeTaken);
        }
        let last = facts.known.iter().map(|company| company.number).max().unwrap_or_default();
        // The largest number cannot bear a lot.
        let next = last.get().checked_add(1).filter(|&next| next < u16::MAX);
        let number = CompanyNumber::new(next.ok_or(CompanyRefusal::Full)?);
        let company = Company {
            number,
            id: self.id,
            code: self.code.clone(),
            name: self.name.clone(),
            opened_at: posting.now(),
        };
        facts.known.push(company.clone());
        facts.opened.push(company.clone());
        Ok((company, Repeated::No))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        registry::save_companies(tx, &facts.opened)
    }
}
