use askama::Template;
use serde::Deserialize;

use crate::offer::{Repeat, ends_on, reward_text, usual_of};
use crate::search;
use crate::shelf::state::{Asked, Browsed, Found, Order, browse};
use crate::site::Site;
use vocabulary::{Scale, Timestamp};
use web::components::{Badge, EmptyState, Html, LinkButton, Tabs, Tone};
use web::{NavItem, Problem, Query, Response, Routes, State, View, Words, get};

/// The list of shops; the same for everybody, so that anyone may look.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/shops", "public"), list)
}

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    sort: String,
}

#[derive(Template)]
#[template(path = "shelf/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    query: &'a str,
    category: &'a str,
    order: &'a str,
    categories: Tabs,
    orders: Tabs,
    count: String,
    shops: Vec<ShopCard>,
    empty: EmptyState,
}

struct ShopCard {
    name: String,
    href: String,
    category: String,
    reward: Html,
    usual: Option<Html>,
    badges: Vec<Badge>,
    once: Option<String>,
    decided: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let (words, now) = (view.words(), site.now());
    let shelf = site.catalogue().shelf();
    let order = Order::parse(&search.sort);
    let asked = Asked { query: search::Query::new(&search.q), category: &search.category, order };
    let browsed = browse(&shelf, &asked, now);
    let scale = site.config().scale;
    let main = ListMain {
        words,
        query: &search.q,
        category: &search.category,
        order: if order == Order::default() { "" } else { order.code() },
        categories: category_tabs(words, &search, &browsed),
        orders: order_tabs(words, &search, order),
        count: words.with("shops-count", &[("count", browsed.found.len().into())]),
        shops: browsed.found.iter().map(|found| card(words, scale, found, now)).collect(),
        empty: EmptyState::new(words.get("shops-empty"), words.get("shops-empty-text"))
            .action(LinkButton::new(words.get("shops-all"), "/shops")),
    };
    let title = words.get("shops-title");
    Ok(view.page(title).nav((site.config().member_nav)(&view)).show(&main))
}

/// Gives the address of the list with these words, category and order.
fn address(q: &str, category: &str, order: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", q), ("category", category), ("sort", order)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/shops{mark}{query}")
}

fn category_tabs(words: Words<'_>, search: &Search, browsed: &Browsed<'_>) -> Tabs {
    let tab = |category: &str, name: String, count: usize| NavItem {
        label: words.with("shops-tab", &[("name", name.into()), ("count", count.into())]),
        href: address(&search.q, category, &search.sort),
        current: category == search.category,
        apart: false,
    };
    let all = tab("", words.get("shops-category-all").into_owned(), browsed.total());
    let named = browsed.categories.iter();
    let named = named.map(|(code, count)| tab(code, category_name(words, code), *count));
    Tabs::new(words.get("shops-categories"), core::iter::once(all).chain(named).collect())
}

fn order_tabs(words: Words<'_>, search: &Search, order: Order) -> Tabs {
    let tab = |other: Order| NavItem {
        label: words.get(&format!("shops-order-{}", other.code())).into_owned(),
        href: address(
            &search.q,
            &search.category,
            if other == Order::default() { "" } else { other.code() },
        ),
        current: other == order,
        apart: false,
    };
    Tabs::new(words.get("shops-orders"), Order::ALL.map(tab).to_vec())
}

fn card(words: Words<'_>, scale: Scale, found: &Found<'_>, now: Timestamp) -> ShopCard {
    let Found { shop, offer, version, .. } = found;
    let terms = &version.terms;
    let mut badges = Vec::new();
    if found.full {
        badges.push(Badge::new(Tone::Wait, words.get("offer-full-badge")));
    } else if let Some(day) = ends_on(version) {
        let (tone, key) = match usual_of(offer, version, now) {
            Some(_usual) => (Tone::Good, "reward-until"),
            None => (Tone::Plain, "offer-until"),
        };
        badges.push(Badge::new(tone, words.with(key, &[("day", day.into())])));
    }
    if terms.guaranteed {
        badges.push(Badge::new(Tone::Plain, words.get("offer-guarantee-badge")));
    }
    ShopCard {
        name: shop.name.as_str().to_owned(),
        href: format!("/shops/{}", shop.slug.as_str()),
        category: category_name(words, shop.category.as_str()),
        reward: reward_text(words, scale, terms),
        usual: usual_of(offer, version, now).map(|usual| reward_text(words, scale, usual)),
        badges,
        once: (terms.repeat == Repeat::Once).then(|| words.get("offer-once").into_owned()),
        decided: words.with("shop-decided", &[("days", terms.decide_by_days.to_string().into())]),
    }
}

/// The categories that a new shop may have; each has a name in the texts.
pub(crate) const CATEGORIES: [&str; 7] =
    ["books", "department", "electronics", "fashion", "finance", "food", "travel"];

/// Gives what people read for a category; its code where the texts have no name for it.
pub(crate) fn category_name(words: Words<'_>, category: &str) -> String {
    let known = words.find(&format!("category-{category}"));
    known.map_or_else(|| category.to_owned(), std::borrow::Cow::into_owned)
}
