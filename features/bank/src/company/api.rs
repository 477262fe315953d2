use serde::{Deserialize, Serialize};

use super::{CompanyRefusal, OpenCompany};
use crate::{
    bank::{Bank, reaches},
    form::Chosen,
    problems::{COMPANIES_FULL, COMPANY_CODE_TAKEN, COMPANY_ID_TAKEN},
};
use access::{Authenticated, Need, Resource, authorize};
use store::{registry, registry::Company};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, Token, kind};
use web::{
    Caller, IntoResponse as _, Json, Operation, Problem, Response, Routes, State, ToSchema, get,
    post, problems, utoipa,
};

/// A company to put on the books.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CompanyForm {
    /// The id you choose; without one a new one is made, and a repeat is refused because of its
    /// code.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Company>>,
    /// A short name for machines, 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`; unique.
    #[schema(value_type = String)]
    code: Token,
    /// Its name, 1 to 120 characters.
    #[schema(value_type = String)]
    name: Label,
}

/// A company of the group.
#[derive(Debug, Serialize, ToSchema)]
struct CompanyView {
    #[schema(value_type = String)]
    id: Id<kind::Company>,
    /// Its number on the books, as lots name their bearer.
    #[schema(value_type = u16)]
    number: CompanyNumber,
    #[schema(value_type = String)]
    code: Token,
    #[schema(value_type = String)]
    name: Label,
    /// Since when it is on the books.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
}

/// All companies the caller sees.
#[derive(Debug, Serialize, ToSchema)]
struct CompanyList {
    /// By number.
    items: Vec<CompanyView>,
}

impl From<Company> for CompanyView {
    fn from(company: Company) -> Self {
        let Company { number, id, code, name, opened_at } = company;
        Self { id, number, code, name, opened_at }
    }
}

/// The routes of companies.
pub(crate) fn routes() -> Routes<Bank> {
    let listing = Operation::new("Lists companies")
        .description("Your own; the operator sees all.")
        .gives::<CompanyList>(200);
    let opening = Operation::new("Puts a company on the books")
        .description("The operator's. The same id, code and name again give the first answer.")
        .takes::<CompanyForm>()
        .gives::<CompanyView>(201)
        .gives::<CompanyView>(200)
        .refuses(&[&COMPANY_ID_TAKEN, &COMPANY_CODE_TAKEN, &COMPANIES_FULL]);
    Routes::of("bank")
        .on(get("/api/v1/companies", Need::CompanyRead.code()).describe(listing), list)
        .on(
            post("/api/v1/companies", Need::CompanyManage.code()).idempotent().describe(opening),
            open,
        )
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
) -> Result<Json<CompanyList>, Problem> {
    let companies = bank.blocking(|store| store.database().read(registry::companies)).await?;
    let sees = |company: &Company| {
        let sees_all = who.company() == CompanyNumber::OPERATOR;
        sees_all || reaches(&who, Need::CompanyRead, company.number)
    };
    let items = companies.into_iter().filter(sees).map(CompanyView::from).collect();
    Ok(Json(CompanyList { items }))
}

async fn open(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Json(form): Json<CompanyForm>,
) -> Result<Response, Problem> {
    let id = form.id.map_or_else(|| bank.next_id(), |chosen| chosen.of(who.company()));
    let command = OpenCompany { id, code: form.code, name: form.name };
    // Companies are the installation's: a company's own administrator may not open others.
    let command = authorize(&who, Need::CompanyManage, Resource::INSTALLATION, command)
        .map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let (company, repeated) = bank.run(command.into_command()).await?.map_err(refused)?;
    Ok((repeated.status(), Json(CompanyView::from(company))).into_response())
}

fn refused(refusal: CompanyRefusal) -> Problem {
    Problem::new(match refusal {
        CompanyRefusal::IdTaken => &COMPANY_ID_TAKEN,
        CompanyRefusal::CodeTaken => &COMPANY_CODE_TAKEN,
        CompanyRefusal::Full => &COMPANIES_FULL,
    })
}
