use askama::Template;
use serde::Deserialize;

use crate::conversion::Status;
use crate::sandbox_network::{Action, SandboxNetwork, SandboxNetworks};
use vocabulary::Zone;
use web::components::{
    Badge, Button, EmptyState, FieldKind, LinkButton, Notice, TextField, Tone, Weight,
};
use web::{
    Form, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State, View, Words,
    get, post, problems,
};

/// The most acts that the list shows.
const SHOWN: usize = 50;
/// The largest price that is taken, minor units.
const PRICE_MAX: u32 = 10_000_000;

/// The pages of the pretend networks: a shop at each, and a list of what happened.
pub(crate) fn routes() -> Routes<SandboxNetworks> {
    Routes::of("sandbox")
        .on(get("/sandbox/market", "public"), list)
        .on(get("/sandbox/market/{network}", "public"), shop)
        .on(post("/sandbox/market/{network}", "public"), buy)
        .on(post("/sandbox/market/{network}/decide", "public"), decide)
}

#[derive(Template)]
#[template(path = "sandbox_network/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    rows: Vec<ActionRow>,
    empty: EmptyState,
}

struct ActionRow {
    code: &'static str,
    network: String,
    number: u32,
    order: String,
    occurred_at: String,
    sale: String,
    status: Badge,
    buttons: Vec<Button>,
}

#[derive(Template)]
#[template(path = "sandbox_network/page_shop.html")]
struct ShopMain<'a> {
    words: Words<'a>,
    name: String,
    action: String,
    reference: &'a str,
    price: TextField,
    buy: Button,
    thanks: Option<Notice>,
    market: LinkButton,
}

/// What the click brought along, and the order that was just made.
#[derive(Debug, Deserialize)]
struct Arrival {
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    order: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Purchase {
    #[serde(default, rename = "ref")]
    reference: String,
    price: u32,
}

#[derive(Debug, Deserialize)]
struct Decision {
    number: u32,
    decision: String,
}

async fn list(State(networks): State<SandboxNetworks>, view: View) -> Response {
    let words = view.words();
    let mut all: Vec<(&SandboxNetwork, Action)> = networks
        .iter()
        .flat_map(|network| network.actions().into_iter().map(move |action| (network, action)))
        .collect();
    all.sort_by_key(|(_, action)| core::cmp::Reverse(action.occurred_at));
    let main = ListMain {
        words,
        rows: all.iter().take(SHOWN).map(|(network, action)| row(words, network, action)).collect(),
        empty: EmptyState::new(words.get("sandbox-none"), words.get("sandbox-none-text")),
    };
    view.page(words.get("sandbox-market-title")).show(&main)
}

fn row(words: Words<'_>, network: &SandboxNetwork, action: &Action) -> ActionRow {
    let tone = match action.status {
        Status::Occurred => Tone::Wait,
        Status::Approved => Tone::Good,
        Status::Rejected => Tone::Bad,
    };
    let choices = [
        (Status::Approved.code(), "sandbox-approve"),
        (Status::Rejected.code(), "sandbox-reject"),
        ("halve", "sandbox-halve"),
    ];
    let button = |(value, key): (&str, &str)| {
        Button::new(words.get(key)).weight(Weight::Quiet).choice("decision", value)
    };
    let code = network.config().adapter.code();
    ActionRow {
        code,
        network: words.get(&format!("network-adapter-{code}")).into_owned(),
        number: action.number,
        order: action.order.clone(),
        occurred_at: Zone::JAPAN.format_minute(action.occurred_at),
        sale: format!("{} {}", network.decimal(action.sale), network.config().currency),
        status: Badge::new(tone, words.get(&format!("sandbox-status-{}", action.status.code()))),
        buttons: choices.into_iter().map(button).collect(),
    }
}

fn named<'a>(networks: &'a SandboxNetworks, code: &str) -> Result<&'a SandboxNetwork, Problem> {
    networks.named(code).ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn shop(
    State(networks): State<SandboxNetworks>,
    view: View,
    Path(code): Path<String>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let network = named(&networks, &code)?;
    let words = view.words();
    let name = words.with(
        "sandbox-market-shop",
        &[("network", words.get(&format!("network-adapter-{code}")).into_owned().into())],
    );
    let known = |number: u32| network.actions().into_iter().find(|one| one.number == number);
    let main = ShopMain {
        words,
        name: name.clone(),
        action: format!("/sandbox/market/{code}"),
        reference: &arrival.reference,
        price: TextField::new(words, "price", words.get("sandbox-market-price"))
            .kind(FieldKind::Figure)
            .value("3980")
            .suffix(network.config().currency.to_string()),
        buy: Button::new(words.get("sandbox-buy")),
        thanks: arrival.order.and_then(known).map(|action| {
            let text = words.with("sandbox-market-thanks", &[("order", action.order.into())]);
            Notice::new(Tone::Good, words.get("sandbox-thanks"), text)
        }),
        market: LinkButton::new(words.get("sandbox-market-title"), "/sandbox/market")
            .weight(Weight::Quiet),
    };
    Ok(view.page(name).show(&main))
}

async fn buy(
    State(networks): State<SandboxNetworks>,
    Path(code): Path<String>,
    Form(purchase): Form<Purchase>,
) -> Result<Response, Problem> {
    let network = named(&networks, &code)?;
    let price = i64::from(purchase.price.min(PRICE_MAX));
    let number = network.occur(&purchase.reference, price, price.saturating_mul(6).div_euclid(100));
    send(network, number).await;
    Ok(Redirect::to(&format!("/sandbox/market/{code}?order={number}")).into_response())
}

async fn decide(
    State(networks): State<SandboxNetworks>,
    Path(code): Path<String>,
    Form(decision): Form<Decision>,
) -> Result<Response, Problem> {
    let network = named(&networks, &code)?;
    let number = decision.number;
    let known = network.actions().into_iter().find(|action| action.number == number);
    let action = known.ok_or(Problem::new(&problems::NOT_FOUND))?;
    match Status::parse(&decision.decision) {
        Some(status) => network.decide(number, status),
        None => {
            network.restate(number, action.sale.div_euclid(2), action.commission.div_euclid(2));
        }
    }
    send(network, number).await;
    Ok(Redirect::to("/sandbox/market").into_response())
}

/// Sends what there is to send without holding up others; what does not arrive is asked for.
async fn send(network: &SandboxNetwork, number: u32) {
    let network = network.clone();
    let work = move || {
        if let Err(error) = network.send(number) {
            tracing::warn!(error = %error, "a pretend push did not arrive");
        }
    };
    drop(tokio::task::spawn_blocking(work).await);
}
