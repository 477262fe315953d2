//! Lets people and programs in, at a shell: the first administrator and the first API key of an
//! installation come from here. Whoever may run this could write to the database anyway.

use anyhow::{Context as _, bail};

use crate::{
    config::Config,
    house::{Apply, World, open_database, open_store, password_parameters, prepare_schema},
    terminal::say,
    upkeep::Ended,
};
use access::{
    AddLogin, ApiKeyText, Authenticated, ChangeApiKey, KeyChange, NeedSet, Password, PasswordHash,
    Role, Subject,
};
use store::{Store, registry};
use vocabulary::{CompanyNumber, Email, IdSource as _, Label, Token};

/// Somebody of the staff who is to sign in.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) mail: Email,
    pub(crate) role: Role,
    pub(crate) company: Option<Token>,
}

/// Gives somebody of the staff a login, and says the password that was drawn.
///
/// # Errors
///
/// When the mail address has a login, the company is not on the books, or the database fails.
pub(crate) fn add_staff(config: &Config, newcomer: &Newcomer) -> anyhow::Result<Ended> {
    let world = World::of_machine();
    let store = open(config, &world)?;
    let company = find_company(&store, newcomer.company.as_ref())?;
    let mut chance = world.chance.clone();
    let (password, text) = Password::draw(&mut chance);
    let parameters = password_parameters(config);
    let command = AddLogin {
        by: Authenticated::SYSTEM,
        request: None,
        company,
        subject: Subject::Staff(chance.next_id(world.clock.now())),
        role: newcomer.role,
        mail: newcomer.mail.clone(),
        password: PasswordHash::make(&password, parameters, &mut chance),
    };
    store.run(command)?.with_context(|| format!("add {}", newcomer.mail.as_str()))?;
    store.close();
    say(format!("{} signs in at /staff/sign-in with the password {text}", newcomer.mail.as_str()));
    say("it is told this once; the first sign-in asks to set up an authenticator");
    Ok(Ended::Well)
}

/// A program that is to call the API.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) label: Label,
    pub(crate) needs: NeedSet,
    pub(crate) company: Option<Token>,
}

/// Creates an API key, and says its text and nothing else. A node that serves learns of it within
/// seconds.
///
/// # Errors
///
/// When a need is not for keys, the company is not on the books, or the database fails.
pub(crate) fn create_key(config: &Config, new: NewKey) -> anyhow::Result<Ended> {
    let world = World::of_machine();
    let store = open(config, &world)?;
    let company = find_company(&store, new.company.as_ref())?;
    let mut chance = world.chance.clone();
    let text = ApiKeyText::draw(&mut chance);
    let command = ChangeApiKey {
        by: Authenticated::SYSTEM,
        request: None,
        company,
        key: chance.next_id(world.clock.now()),
        change: KeyChange::Create {
            label: new.label,
            needs: new.needs,
            expires_at: None,
            public_id: text.public_id(),
            hash: text.hash(),
        },
    };
    store.run(command)?.context("create the key")?;
    store.close();
    say(text.expose());
    Ok(Ended::Well)
}

fn open(config: &Config, world: &World) -> anyhow::Result<Store> {
    let database = open_database(config)?;
    prepare_schema(&database, world, Apply::Additions)?;
    open_store(config, world, &database, |_so_far| ())
}

/// Finds a company by its code; without one it is the operator.
fn find_company(store: &Store, code: Option<&Token>) -> anyhow::Result<CompanyNumber> {
    let Some(code) = code else { return Ok(CompanyNumber::OPERATOR) };
    let companies = store.database().read(registry::companies)?;
    if let Some(company) = companies.iter().find(|company| company.code == *code) {
        return Ok(company.number);
    }
    let codes: Vec<&str> = companies.iter().map(|company| company.code.as_str()).collect();
    match codes.as_slice() {
        [] => bail!("company {}: there is no company on the books yet", code.as_str()),
        codes => bail!("company {}: there are {}", code.as_str(), codes.join(", ")),
    }
}
