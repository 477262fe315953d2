use askama::Template;
use serde::Deserialize;

use crate::conversion::Status;
use crate::sandbox::{Order, Sandbox, SandboxShop, api};
use vocabulary::{Amount, Scale, Zone};
use web::components::{
    Badge, Button, EmptyState, FieldKind, Figure, LinkButton, Notice, TextField, Tone, Weight,
};
use web::{
    Form, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State, View, Words,
    get, post, problems,
};

/// The doors of the sandbox; only where people try things out.
pub fn routes(sandbox: &Sandbox) -> Routes {
    Routes::of("sandbox")
        .on(get("/sandbox/shop/{slug}", "public"), shop)
        .on(post("/sandbox/shop/{slug}/buy", "public"), buy)
        .on(get("/sandbox/shop/{slug}/orders/{number}", "public"), thank)
        .on(get("/sandbox/network", "public"), network)
        .on(post("/sandbox/network/{conversion}/decide", "public"), decide)
        .and(api::routes())
        .with_state(sandbox)
}

/// What the click brought along.
#[derive(Debug, Deserialize)]
struct Arrival {
    #[serde(default, rename = "ref")]
    reference: String,
}

/// A pretend order.
#[derive(Debug, Deserialize)]
struct Purchase {
    #[serde(default, rename = "ref")]
    reference: String,
    price: u32,
    #[serde(default = "one")]
    items: u32,
}

const fn one() -> u32 {
    1
}

/// What the pretend advertiser does with an order.
#[derive(Debug, Deserialize)]
struct Decision {
    decision: String,
}

#[derive(Template)]
#[template(path = "sandbox/page.html")]
struct ShopMain<'a> {
    words: Words<'a>,
    name: &'a str,
    action: String,
    reference: &'a str,
    price: TextField,
    items: TextField,
    buy: Button,
    thanks: Option<Notice>,
    network: LinkButton,
}

#[derive(Template)]
#[template(path = "sandbox/page_network.html")]
struct NetworkMain<'a> {
    words: Words<'a>,
    rows: Vec<OrderRow>,
    empty: EmptyState,
    file: LinkButton,
}

struct OrderRow {
    conversion: u32,
    order: String,
    occurred_at: String,
    sale: Figure,
    status: Badge,
    buttons: Vec<Button>,
}

async fn shop(
    State(sandbox): State<Sandbox>,
    view: View,
    Path(slug): Path<String>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let shop = sandbox.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    Ok(shop_page(&view, shop, &arrival.reference, None))
}

async fn buy(
    State(sandbox): State<Sandbox>,
    Path(slug): Path<String>,
    Form(purchase): Form<Purchase>,
) -> Result<Response, Problem> {
    let shop = sandbox.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let (price, items) = (purchase.price.min(10_000_000), purchase.items.clamp(1, 10));
    let orders = sandbox.order(shop, &purchase.reference, price, items);
    let number = orders.first().map_or_else(String::new, |order| order.number.clone());
    send_all(&sandbox, orders).await;
    let thanks = format!("/sandbox/shop/{}/orders/{number}", shop.slug);
    Ok(Redirect::to(&thanks).into_response())
}

/// Thanks for an order, at an address that can be loaded again without ordering twice.
async fn thank(
    State(sandbox): State<Sandbox>,
    view: View,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let shop = sandbox.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let items = sandbox.items(&number);
    let first = items.first().ok_or(Problem::new(&problems::NOT_FOUND))?;
    let arrived = items.iter().all(|item| item.arrived);
    let words = view.words();
    let sent = words.get(if arrived { "sandbox-sent" } else { "sandbox-not-sent" });
    let text = words.with(
        "sandbox-thanks-text",
        &[("order", number.into()), ("sent", sent.into_owned().into())],
    );
    let tone = if arrived { Tone::Good } else { Tone::Wait };
    let thanks = Notice::new(tone, words.get("sandbox-thanks"), text);
    Ok(shop_page(&view, shop, &first.reference, Some(thanks)))
}

fn shop_page(view: &View, shop: &SandboxShop, reference: &str, thanks: Option<Notice>) -> Response {
    let words = view.words();
    let figure = |name: &str, key: &str, value: &str| {
        TextField::new(words, name, words.get(key)).kind(FieldKind::Figure).value(value)
    };
    let main = ShopMain {
        words,
        name: &shop.name,
        action: format!("/sandbox/shop/{}/buy", shop.slug),
        reference,
        price: figure("price", "sandbox-price", "3980").suffix(words.get("sandbox-yen")),
        items: figure("items", "sandbox-items", "1"),
        buy: Button::new(words.get("sandbox-buy")),
        thanks,
        network: LinkButton::new(words.get("sandbox-network-title"), "/sandbox/network")
            .weight(Weight::Quiet),
    };
    view.page(&shop.name).show(&main)
}

async fn network(State(sandbox): State<Sandbox>, view: View) -> Response {
    let words = view.words();
    let rows = sandbox.orders().iter().take(200).map(|order| row(words, order)).collect();
    let main = NetworkMain {
        words,
        rows,
        empty: EmptyState::new(words.get("sandbox-none"), words.get("sandbox-none-text")),
        file: LinkButton::new(words.get("sandbox-csv"), "/sandbox/network/report.csv"),
    };
    view.page(words.get("sandbox-network-title")).show(&main)
}

fn row(words: Words<'_>, order: &Order) -> OrderRow {
    let tone = match order.status {
        Status::Occurred => Tone::Wait,
        Status::Approved => Tone::Good,
        Status::Rejected => Tone::Bad,
    };
    let status = words.get(&format!("sandbox-status-{}", order.status.code()));
    let choices = [
        (Status::Approved.code(), "sandbox-approve"),
        (Status::Rejected.code(), "sandbox-reject"),
        ("resend", "sandbox-resend"),
    ];
    let button = |(value, key): (&str, &str)| {
        Button::new(words.get(key)).weight(Weight::Quiet).choice("decision", value)
    };
    OrderRow {
        conversion: order.conversion,
        order: format!("{} / {}", order.number, order.item),
        occurred_at: Zone::JAPAN.format_minute(order.occurred_at),
        sale: Figure::amount(Amount::from(order.price), Scale::default(), words.get("sandbox-yen")),
        status: Badge::new(tone, status),
        buttons: choices.into_iter().map(button).collect(),
    }
}

async fn decide(
    State(sandbox): State<Sandbox>,
    Path(conversion): Path<u32>,
    Form(decision): Form<Decision>,
) -> Result<Response, Problem> {
    let order = match Status::parse(&decision.decision) {
        Some(status) => sandbox.decide(conversion, status),
        None => sandbox.find(conversion),
    };
    let order = order.ok_or(Problem::new(&problems::NOT_FOUND))?;
    send_all(&sandbox, vec![order]).await;
    Ok(Redirect::to("/sandbox/network").into_response())
}

/// Sends postbacks without holding up others.
async fn send_all(sandbox: &Sandbox, orders: Vec<Order>) {
    let sandbox = sandbox.clone();
    let work = move || {
        for order in &orders {
            if let Err(error) = sandbox.send(order) {
                tracing::warn!(error = %error, "a pretend postback did not arrive");
            }
        }
    };
    // What did not arrive is seen on the page of the order.
    drop(tokio::task::spawn_blocking(work).await);
}
