use askama::Template;
use serde::Deserialize;

use crate::config::Trust;
use crate::figure::whole;
use crate::network::Adapter;
use crate::network_account::state::{ZONES, parse_zone, zone_code};
use crate::network_account::store::load_accounts;
use crate::network_account::{
    ChangeNetworkAccount, Credentials, NetworkAccount, NetworkAccountChange, NetworkAccountKey,
    NetworkAccountRefusal, NetworkTerms,
};
use crate::pull::Pull;
use crate::pull::store::list_pulls;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, off_thread};
use vocabulary::{Currency, Id, Timestamp, Token, Zone};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, LinkButton, Notice,
    Select, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, HeaderMap, IntoResponse as _, Path, Problem, Query, Redirect, RequestContext,
    Response, Routes, State, StatusCode, View, Words, get, header, post, problems,
};

const NEED: Need = Need::OfferManage;
const HOME: &str = "/staff/networks/accounts";

/// How long the former secret of an address is taken, in seconds: a month, since networks change an
/// address by hand and advertisers send late.
const OVERLAP_SECONDS: u32 = 30 * 86_400;
/// The most characters of a credential.
const CREDENTIAL_MAX: usize = 800;

/// The staff's pages of accounts with networks.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/networks/accounts", NEED.code()), list)
        .on(post("/staff/networks/accounts", NEED.code()).idempotent(), add)
        .on(get("/staff/networks/accounts/{network}/{account}", NEED.code()), show)
        .on(post("/staff/networks/accounts/{network}/{account}", NEED.code()).idempotent(), edit)
        .on(
            post("/staff/networks/accounts/{network}/{account}/rotate", NEED.code()).idempotent(),
            rotate,
        )
}

/// A refusal and what was entered, to be shown again.
struct Refused<F> {
    field: &'static str,
    code: &'static str,
    filled: F,
}

impl<F> Refused<F> {
    fn text(&self, words: Words<'_>) -> String {
        words.get(&format!("network-account-refused-{}", self.code)).into_owned()
    }

    fn at(&self, field: &str, words: Words<'_>) -> String {
        if self.field == field { self.text(words) } else { String::new() }
    }
}

/// The field beside which a refusal is shown.
const fn field_of(refusal: NetworkAccountRefusal) -> &'static str {
    use NetworkAccountRefusal as Refusal;
    match refusal {
        Refusal::NotFound | Refusal::Stale => "version",
        Refusal::Taken | Refusal::TooMany => "account",
        Refusal::LookBack => "look_back_days",
        Refusal::NoPages => "pulling",
        Refusal::Base => "base",
        Refusal::Identifier => "identifier",
        Refusal::CredentialsMissing => "secret",
    }
}

fn summary<F>(words: Words<'_>, refused: Option<&Refused<F>>) -> ErrorSummary {
    let errors = refused.map(|refused| (refused.field.to_owned(), refused.text(words)));
    ErrorSummary::new(words, errors.into_iter().collect())
}

const fn status_of<F>(refused: Option<&Refused<F>>) -> StatusCode {
    if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

#[derive(Template)]
#[template(path = "network_account/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    list: Option<Table>,
    empty: EmptyState,
    errors: ErrorSummary,
    adapter: Select,
    network: TextField,
    account: TextField,
    add: Button,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct AddForm {
    #[serde(default)]
    adapter: String,
    #[serde(default)]
    network: String,
    #[serde(default)]
    account: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    list_page(&site, &view, &who, None).await
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    refused: Option<Refused<AddForm>>,
) -> Result<Response, Problem> {
    let words = view.words();
    let companies = [site.config().company].into();
    let (accounts, pulls) = site
        .read(move |reader| {
            Ok((load_accounts(reader, &companies)?, list_pulls(reader, &companies)?))
        })
        .await?;
    let rows: Vec<Vec<Cell>> = accounts
        .iter()
        .map(|account| {
            let pull = pulls.get(&(account.company, account.key.clone()));
            row(words, account, pull)
        })
        .collect();
    let columns = vec![
        Column::text(words.get("network-account-name")),
        Column::text(words.get("network-account-adapter")),
        Column::text(words.get("network-account-trust")),
        Column::text(words.get("network-account-pull")),
        Column::times(words.get("network-pull-last-success")),
    ];
    let filled = refused.as_ref().map(|refused| refused.filled.clone()).unwrap_or_default();
    let error = |field: &str| refused.as_ref().map_or_else(String::new, |r| r.at(field, words));
    let adapters = Adapter::ALL
        .iter()
        .map(|adapter| (adapter.code().to_owned(), adapter_name(words, *adapter)));
    let main = ListMain {
        words,
        list: (!rows.is_empty())
            .then(|| Table::new(words.get("network-accounts-list"), columns).rows(rows)),
        empty: EmptyState::new(
            words.get("network-accounts-none"),
            words.get("network-accounts-none-text"),
        ),
        errors: summary(words, refused.as_ref()),
        adapter: Select::new("adapter", words.get("network-account-adapter"), adapters.collect())
            .chosen(filled.adapter)
            .error(error("adapter")),
        network: TextField::new(words, "network", words.get("network-account-code"))
            .optional(words)
            .hint(words.get("network-account-code-hint"))
            .value(filled.network)
            .error(error("network")),
        account: TextField::new(words, "account", words.get("network-account-account"))
            .hint(words.get("network-account-account-hint"))
            .value(if refused.is_none() { "main".to_owned() } else { filled.account })
            .error(error("account")),
        add: Button::new(words.get("network-account-add")),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    let title = words.get("network-accounts-title");
    Ok(view.page(title).nav(nav).status(status_of(refused.as_ref())).show(&main))
}

fn row(words: Words<'_>, account: &NetworkAccount, pull: Option<&Pull>) -> Vec<Cell> {
    let success = pull.and_then(|pull| pull.last_success_at);
    vec![
        Cell::link(account.key.to_string(), address_of(&account.key)),
        adapter_name(words, account.adapter).into(),
        words.get(&format!("network-trust-{}", account.terms.trust.code())).as_ref().into(),
        standing(words, account, pull).into(),
        success.map_or_else(String::new, |at| Zone::JAPAN.format_minute(at)).into(),
    ]
}

fn adapter_name(words: Words<'_>, adapter: Adapter) -> String {
    words.get(&format!("network-adapter-{}", adapter.code())).into_owned()
}

fn address_of(key: &NetworkAccountKey) -> String {
    format!("{HOME}/{}/{}", key.network.as_str(), key.account.as_str())
}

/// Tells how the asking fares, in one word.
fn standing(words: Words<'_>, account: &NetworkAccount, pull: Option<&Pull>) -> Badge {
    let failing = pull.filter(|pull| pull.failures > 0);
    let (tone, key) = match (account.adapter.feeds(), account.terms.pulling) {
        ([], _) => (Tone::Plain, "network-pull-none"),
        (_, false) => (Tone::Plain, "network-pull-off"),
        (_, true) => match (failing, pull.and_then(|pull| pull.last_success_at)) {
            (Some(pull), _) if pull.stuck() => (Tone::Bad, "network-pull-stuck"),
            (Some(_), _) => (Tone::Wait, "network-pull-failing"),
            (None, Some(_)) => (Tone::Good, "network-pull-well"),
            (None, None) => (Tone::Wait, "network-pull-new"),
        },
    };
    Badge::new(tone, words.get(key))
}

async fn add(
    State(site): State<Site>,
    view: View,
    context: RequestContext,
    Caller(who): Caller<Authenticated>,
    Form(form): Form<AddForm>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let adapter = Adapter::parse(&form.adapter);
    let code = match (form.network.trim(), adapter) {
        ("", Some(adapter)) => adapter.code(),
        (code, _) => code,
    };
    let (network, account) = (Token::parse(code), Token::parse(form.account.trim()));
    let refused = |field, code, filled| Some(Refused { field, code, filled });
    let Some(adapter) = adapter else {
        return list_page(&site, &view, &who, refused("adapter", "adapter", form)).await;
    };
    let Ok(network) = network else {
        return list_page(&site, &view, &who, refused("network", "token", form)).await;
    };
    let Ok(account) = account else {
        return list_page(&site, &view, &who, refused("account", "token", form)).await;
    };
    let key = NetworkAccountKey { network, account };
    let change = NetworkAccountChange::Add { adapter, terms: NetworkTerms::usual(adapter) };
    match decide(&site, &context, &who, key.clone(), change).await? {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=added", address_of(&key))).into_response()),
        Err(refusal) => {
            let refused = refused(field_of(refusal), refusal.code(), form);
            list_page(&site, &view, &who, refused).await
        }
    }
}

#[derive(Template)]
#[template(path = "network_account/page_account.html")]
struct AccountMain<'a> {
    words: Words<'a>,
    title: String,
    notice: Option<Notice>,
    address: Option<String>,
    former: Option<String>,
    action: String,
    generation: u32,
    rotate: Button,
    standing: Badge,
    pull: Option<DataList>,
    errors: ErrorSummary,
    version: u32,
    trust: Select,
    zone: Select,
    currency: TextField,
    pullable: bool,
    pulling: Select,
    base: TextField,
    identifier: TextField,
    look_back_days: TextField,
    key: TextField,
    secret: TextField,
    save: Button,
    back: LinkButton,
}

/// What the page is to say above.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

/// The form of an account; a secret is never filled in again.
#[derive(Clone, Debug, Default, Deserialize)]
struct EditForm {
    version: u32,
    trust: String,
    zone: String,
    currency: String,
    #[serde(default)]
    pulling: String,
    #[serde(default)]
    base: String,
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    look_back_days: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    secret: String,
}

impl EditForm {
    fn of(account: &NetworkAccount) -> Self {
        let terms = &account.terms;
        Self {
            version: account.version,
            trust: terms.trust.code().to_owned(),
            zone: zone_code(terms.zone).to_owned(),
            currency: terms.currency.to_string(),
            pulling: if terms.pulling { "on" } else { "off" }.to_owned(),
            base: terms.base.clone(),
            identifier: terms.identifier.clone(),
            look_back_days: terms.look_back_days.to_string(),
            key: String::new(),
            secret: String::new(),
        }
    }

    /// Reads the terms, or names the field that is wrong.
    fn terms(
        &self,
        account: &NetworkAccount,
    ) -> Result<NetworkTerms, (&'static str, &'static str)> {
        let trust = Trust::parse(&self.trust).ok_or(("trust", "choice"))?;
        let zone = parse_zone(&self.zone).ok_or(("zone", "choice"))?;
        let currency =
            Currency::parse(&self.currency).map_err(|_other| ("currency", "currency"))?;
        let before = &account.terms;
        if account.adapter.feeds().is_empty() {
            return Ok(NetworkTerms { trust, zone, currency, ..before.clone() });
        }
        let days = whole(&self.look_back_days);
        if self.key.len() > CREDENTIAL_MAX || self.secret.len() > CREDENTIAL_MAX {
            return Err(("secret", "credential_long"));
        }
        Ok(NetworkTerms {
            trust,
            zone,
            currency,
            pulling: self.pulling == "on",
            base: self.base.trim().to_owned(),
            identifier: self.identifier.trim().to_owned(),
            look_back_days: days.ok_or(("look_back_days", "look_back"))?,
        })
    }
}

async fn show(
    State(site): State<Site>,
    view: View,
    headers: HeaderMap,
    Caller(who): Caller<Authenticated>,
    Path((network, account)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let account = find(&site, &network, &account).await?;
    let notice = match asked.done.as_str() {
        done @ ("added" | "saved" | "rotated") => {
            let words = view.words();
            let title = words.get(&format!("network-account-{done}"));
            Some(Notice::new(Tone::Good, title, words.get(&format!("network-account-{done}-text"))))
        }
        _ => None,
    };
    let looking = Looking { site: &site, view: &view, who: &who, headers: &headers };
    account_page(&looking, &account, notice, None).await
}

/// Who looks at what.
struct Looking<'a> {
    site: &'a Site,
    view: &'a View,
    who: &'a Authenticated,
    headers: &'a HeaderMap,
}

async fn account_page(
    looking: &Looking<'_>,
    account: &NetworkAccount,
    notice: Option<Notice>,
    refused: Option<Refused<EditForm>>,
) -> Result<Response, Problem> {
    let Looking { site, view, who, headers } = looking;
    let words = view.words();
    let companies = [account.company].into();
    let mut pulls = site.read(move |reader| list_pulls(reader, &companies)).await?;
    let pull = pulls.remove(&(account.company, account.key.clone()));
    let main = main_of(site, words, account, pull.as_ref(), headers, refused.as_ref());
    let main = AccountMain { notice, ..main };
    let nav = (site.config().staff_nav)(view, who.needs());
    let title = account.key.to_string();
    Ok(view.page(title).nav(nav).status(status_of(refused.as_ref())).show(&main))
}

fn main_of<'a>(
    site: &Site,
    words: Words<'a>,
    account: &NetworkAccount,
    pull: Option<&Pull>,
    headers: &HeaderMap,
    refused: Option<&Refused<EditForm>>,
) -> AccountMain<'a> {
    let filled = refused.map_or_else(|| EditForm::of(account), |refused| refused.filled.clone());
    let error = |field: &str| refused.map_or_else(String::new, |refused| refused.at(field, words));
    let text = |name: &'static str| {
        let label = words.get(&format!("network-account-{}", name.replace('_', "-")));
        TextField::new(words, name, label).error(error(name))
    };
    let hint = |name: &str| words.get(&format!("network-account-{name}-hint"));
    let options = |kind: &str, codes: &[&str]| -> Vec<(String, String)> {
        let name = |code: &&str| words.get(&format!("network-{kind}-{code}")).into_owned();
        codes.iter().map(|code| ((*code).to_owned(), name(code))).collect()
    };
    let select = |name: &'static str, options: Vec<(String, String)>, chosen: &str| {
        let label = words.get(&format!("network-account-{name}"));
        Select::new(name, label, options).chosen(chosen).error(error(name))
    };
    let until = account.former_until.filter(|until| site.now() < *until);
    AccountMain {
        words,
        title: format!("{} {}", adapter_name(words, account.adapter), account.key),
        notice: None,
        address: account.adapter.pushes().then(|| {
            let path = account.path(&site.config().network_key);
            format!("{}{path}{}", origin_of(headers), account.adapter.template())
        }),
        former: until.map(|until| {
            let until = Zone::JAPAN.format_minute(until);
            words.with("network-account-former", &[("until", until.into())])
        }),
        action: address_of(&account.key),
        generation: account.generation,
        rotate: Button::new(words.get("network-account-rotate")).weight(Weight::Quiet),
        standing: standing(words, account, pull),
        pull: (account.terms.pulling).then(|| facts(words, pull)),
        errors: summary(words, refused),
        version: account.version,
        trust: select("trust", options("trust", &Trust::ALL.map(Trust::code)), &filled.trust)
            .hint(hint("trust")),
        zone: select("zone", options("zone", &ZONES.map(|(code, _)| code)), &filled.zone)
            .hint(hint("zone")),
        currency: text("currency").value(filled.currency).hint(hint("currency")),
        pullable: !account.adapter.feeds().is_empty(),
        pulling: select("pulling", options("pulling", &["off", "on"]), &filled.pulling),
        base: text("base").value(filled.base).optional(words).hint(hint("base")),
        identifier: text("identifier")
            .value(filled.identifier)
            .optional(words)
            .hint(hint(&format!("identifier-{}", account.adapter.code()))),
        look_back_days: text("look_back_days")
            .kind(FieldKind::Figure)
            .value(filled.look_back_days)
            .suffix(words.get("network-account-days"))
            .hint(hint("look-back-days")),
        key: text("key").optional(words).value(filled.key).hint(hint("key")),
        secret: text("secret")
            .kind(FieldKind::Password)
            .optional(words)
            .autocomplete("new-password")
            .hint(hint(if account.credentials.is_some() { "secret-kept" } else { "secret" })),
        save: Button::new(words.get("network-account-save")),
        back: LinkButton::new(words.get("network-accounts-title"), HOME).weight(Weight::Quiet),
    }
}

/// Tells how far the asking has come.
fn facts(words: Words<'_>, pull: Option<&Pull>) -> DataList {
    let none = words.get("network-pull-never").into_owned();
    let time =
        |at: Option<Timestamp>| at.map_or_else(|| none.clone(), |at| Zone::JAPAN.format_minute(at));
    let error = pull.and_then(|pull| pull.last_error).map(|(error, at)| {
        let what = words.get(&format!("network-pull-error-{}", error.code()));
        format!("{what} ({})", Zone::JAPAN.format_minute(at))
    });
    let now = pull.and_then(|pull| pull.work.as_ref()).map(|work| {
        let feed = words.get(&format!("network-feed-{}", work.feed.code()));
        format!("{feed} {}", work.window)
    });
    let count = |number: u64| number.to_string();
    DataList::new()
        .pair(words.get("network-pull-last-success"), time(pull.and_then(|p| p.last_success_at)))
        .pair(words.get("network-pull-last-error"), error.unwrap_or_else(|| none.clone()))
        .pair(words.get("network-pull-now"), now.unwrap_or_else(|| none.clone()))
        .pair(words.get("network-pull-look-back"), time(pull.and_then(|p| p.look_back_at)))
        .pair(words.get("network-pull-not-before"), time(pull.and_then(|p| p.not_before)))
        .pair(words.get("network-pull-pages"), count(pull.map_or(0, |pull| pull.pages)))
        .pair(words.get("network-pull-unread"), count(pull.map_or(0, |pull| pull.rows_unread)))
}

/// The site's address as the browser asked for it.
fn origin_of(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let local = ["localhost", "127.", "[::1]"].iter().any(|name| host.starts_with(name));
    format!("{}://{host}", if local { "http" } else { "https" })
}

async fn edit(
    State(site): State<Site>,
    (view, context): (View, RequestContext),
    headers: HeaderMap,
    Caller(who): Caller<Authenticated>,
    Path((network, account)): Path<(String, String)>,
    Form(form): Form<EditForm>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let account = find(&site, &network, &account).await?;
    let looking = Looking { site: &site, view: &view, who: &who, headers: &headers };
    let terms = match form.terms(&account) {
        Ok(terms) => terms,
        Err((field, code)) => {
            let refused = Some(Refused { field, code, filled: form });
            return account_page(&looking, &account, None, refused).await;
        }
    };
    let given = !form.secret.trim().is_empty();
    let credentials = given.then(|| {
        let (key, secret) = (form.key.trim().to_owned(), form.secret.trim().to_owned());
        let credentials = Credentials { key, secret };
        site.config().network_key.seal(account.company, &account.key, &credentials)
    });
    let change = NetworkAccountChange::Edit { version: form.version, terms, credentials };
    match decide(&site, &context, &who, account.key.clone(), change).await? {
        Ok(_) => {
            let address = format!("{}?done=saved", address_of(&account.key));
            Ok(Redirect::to(&address).into_response())
        }
        Err(refusal) => {
            let (field, code) = (field_of(refusal), refusal.code());
            let filled = EditForm { secret: String::new(), ..form };
            account_page(&looking, &account, None, Some(Refused { field, code, filled })).await
        }
    }
}

#[derive(Debug, Deserialize)]
struct RotateForm {
    generation: u32,
}

async fn rotate(
    State(site): State<Site>,
    (view, context): (View, RequestContext),
    headers: HeaderMap,
    Caller(who): Caller<Authenticated>,
    Path((network, account)): Path<(String, String)>,
    Form(form): Form<RotateForm>,
) -> Result<Response, Problem> {
    permit(&site, &who)?;
    let account = find(&site, &network, &account).await?;
    let change = NetworkAccountChange::Rotate {
        generation: form.generation,
        overlap_seconds: OVERLAP_SECONDS,
    };
    match decide(&site, &context, &who, account.key.clone(), change).await? {
        Ok(_) => {
            let address = format!("{}?done=rotated", address_of(&account.key));
            Ok(Redirect::to(&address).into_response())
        }
        Err(refusal) => {
            let looking = Looking { site: &site, view: &view, who: &who, headers: &headers };
            let (field, code) = (field_of(refusal), refusal.code());
            let filled = EditForm::of(&account);
            account_page(&looking, &account, None, Some(Refused { field, code, filled })).await
        }
    }
}

async fn find(site: &Site, network: &str, account: &str) -> Result<NetworkAccount, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let key = NetworkAccountKey {
        network: Token::parse(network).map_err(|_other| not_found())?,
        account: Token::parse(account).map_err(|_other| not_found())?,
    };
    let companies = [site.config().company].into();
    let accounts = site.read(move |reader| load_accounts(reader, &companies)).await?;
    accounts.into_iter().find(|account| account.key == key).ok_or_else(not_found)
}

async fn decide(
    site: &Site,
    context: &RequestContext,
    who: &Authenticated,
    key: NetworkAccountKey,
    change: NetworkAccountChange,
) -> Result<Result<NetworkAccount, NetworkAccountRefusal>, Problem> {
    let command = ChangeNetworkAccount {
        by: who.actor(),
        request: Id::parse(context.request_id.as_str()).ok(),
        company: site.config().company,
        key,
        change,
    };
    let site = site.clone();
    off_thread(move || site.change_network_account(command)).await.flatten().or_problem()
}

fn permit(site: &Site, who: &Authenticated) -> Result<(), Problem> {
    let resource = Resource::Company(site.config().company);
    authorize(who, NEED, resource, ()).map(access::Authorized::into_command).or_problem()
}
