use askama::Template;
use serde::Deserialize;

use crate::offer::{Offer, OfferVersion, Reward, Shop};
use crate::search::{self, Match};
use crate::site::Site;
use vocabulary::{Amount, Scale, Timestamp, Zone};
use web::components::{DataList, EmptyState, Html, LinkButton, Notice, Tone, Weight};
use web::{Path, Problem, Query, Response, Routes, State, View, Words, get, problems};

/// The list of shops and a shop's own page; the same for everybody, so that anyone may look.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/shops", "public"), list)
        .on(get("/shops/{slug}", "public"), show)
}

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    category: String,
}

#[derive(Template)]
#[template(path = "offer/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    query: &'a str,
    category: &'a str,
    categories: Vec<CategoryChip>,
    count: String,
    shops: Vec<ShopCard>,
    empty: EmptyState,
}

struct CategoryChip {
    label: String,
    href: String,
    current: bool,
}

struct ShopCard {
    name: String,
    href: String,
    category: String,
    reward: Html,
    usual: Option<Html>,
    ends: Option<String>,
    decided: String,
}

#[derive(Template)]
#[template(path = "offer/page_shop.html")]
struct ShopMain<'a> {
    words: Words<'a>,
    name: &'a str,
    category: String,
    offer: Option<OfferParts>,
    closed: Notice,
    back: LinkButton,
}

struct OfferParts {
    reward: Html,
    usual: Option<Html>,
    ends: Option<Notice>,
    terms: DataList,
    conditions: Vec<String>,
    example: String,
    go: LinkButton,
}

/// A reward as members read it: points, or a part of the price.
#[derive(Template)]
#[template(path = "offer/page_reward.html")]
struct RewardText {
    figure: String,
    unit: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let words = view.words();
    let now = site.now();
    let shelf = site.catalogue().shelf();
    let query = search::Query::new(&search.q);
    let mut found: Vec<(Match, (&Shop, &Offer, &OfferVersion))> = Vec::new();
    let mut categories: Vec<&str> = Vec::new();
    for (id, shop) in shelf.shops.iter().filter(|(_, shop)| shop.listed) {
        let Some((offer, version)) = shelf.offer_of(*id, now) else { continue };
        if !categories.contains(&shop.category.as_str()) {
            categories.push(shop.category.as_str());
        }
        let in_category = search.category.is_empty() || shop.category.as_str() == search.category;
        if let Some(fit) = shelf.find(*id, &query).filter(|_| in_category) {
            found.push((fit, (shop, offer, version)));
        }
    }
    categories.sort_unstable();
    // What fits better comes first, then what gives more for a purchase of 10,000, then the name.
    let worth = |version: &OfferVersion| version.terms.reward.points(Amount::from(10_000));
    found.sort_by(|(fit, (shop, _, one)), (other_fit, (other, _, two))| {
        let by_worth = || worth(two).cmp(&worth(one)).then_with(|| shop.name.cmp(&other.name));
        other_fit.cmp(fit).then_with(by_worth)
    });
    let scale = site.config().scale;
    let main = ListMain {
        words,
        query: &search.q,
        category: &search.category,
        categories: chips(words, &search, &categories),
        count: words.with("shops-count", &[("count", found.len().into())]),
        shops: found
            .iter()
            .map(|(_, (shop, offer, version))| card(words, scale, shop, offer, version, now))
            .collect(),
        empty: EmptyState::new(words.get("shops-empty"), words.get("shops-empty-text"))
            .action(LinkButton::new(words.get("shops-all"), "/shops")),
    };
    let title = words.get("shops-title");
    Ok(view.page(title).nav((site.config().member_nav)(&view)).show(&main))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    let words = view.words();
    let now = site.now();
    let shelf = site.catalogue().shelf();
    let shop = shelf.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let scale = site.config().scale;
    let offer = shelf.offer_of(shop.id(), now);
    let main = ShopMain {
        words,
        name: shop.name.as_str(),
        category: category_name(words, shop.category.as_str()),
        offer: offer.map(|(offer, version)| parts(words, scale, offer, version, now)),
        closed: Notice::new(Tone::Wait, words.get("shop-closed"), words.get("shop-closed-text")),
        back: LinkButton::new(words.get("shops-all"), "/shops").weight(Weight::Quiet),
    };
    Ok(view.page(shop.name.as_str()).nav((site.config().member_nav)(&view)).show(&main))
}

fn chips(words: Words<'_>, search: &Search, categories: &[&str]) -> Vec<CategoryChip> {
    let chip = |category: &str, label: String| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !search.q.is_empty() {
            query.append_pair("q", &search.q);
        }
        if !category.is_empty() {
            query.append_pair("category", category);
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        CategoryChip {
            label,
            href: format!("/shops{mark}{query}"),
            current: category == search.category,
        }
    };
    let all = chip("", words.get("shops-category-all").into_owned());
    let named = categories.iter().map(|category| chip(category, category_name(words, category)));
    core::iter::once(all).chain(named).collect()
}

fn card(
    words: Words<'_>,
    scale: Scale,
    shop: &Shop,
    offer: &Offer,
    version: &OfferVersion,
    now: Timestamp,
) -> ShopCard {
    ShopCard {
        name: shop.name.as_str().to_owned(),
        href: format!("/shops/{}", shop.slug.as_str()),
        category: category_name(words, shop.category.as_str()),
        reward: reward_text(words, scale, version.terms.reward),
        usual: usual(offer, version, now).map(|reward| reward_text(words, scale, reward)),
        ends: ends(version).map(|day| words.with("reward-until", &[("day", day.into())])),
        decided: days_text(words, "shop-decided", version.terms.decide_by_days),
    }
}

fn parts(
    words: Words<'_>,
    scale: Scale,
    offer: &Offer,
    version: &OfferVersion,
    now: Timestamp,
) -> OfferParts {
    let terms = &version.terms;
    let example = terms.reward.points(Amount::from(10_000)).unwrap_or(Amount::ZERO);
    let example = scale.format(example.minor_units());
    let ends = ends(version).map(|day| {
        let title = words.with("reward-until", &[("day", day.into())]);
        Notice::new(Tone::Good, title, words.get("reward-until-text"))
    });
    OfferParts {
        reward: reward_text(words, scale, terms.reward),
        usual: usual(offer, version, now).map(|reward| reward_text(words, scale, reward)),
        ends,
        terms: DataList::new()
            .pair(
                words.get("offer-record-by"),
                days_text(words, "days-within", terms.record_by_days),
            )
            .pair(
                words.get("offer-decide-by"),
                days_text(words, "days-about", terms.decide_by_days),
            )
            .pair(words.get("offer-cookie"), days_text(words, "days-within", terms.cookie_days)),
        conditions: terms
            .conditions
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        example: match terms.reward {
            Reward::Fixed { .. } => words.get("offer-example-fixed").into_owned(),
            Reward::Rate { .. } => words.with("offer-example-rate", &[("points", example.into())]),
        },
        go: LinkButton::new(words.get("offer-go"), format!("/go/{}", offer.id)),
    }
}

/// Gives what is in force when this version is not: only where it is less, the difference says
/// something.
fn usual(offer: &Offer, version: &OfferVersion, now: Timestamp) -> Option<Reward> {
    version.ends_at?;
    let others = Offer {
        versions: offer.versions.iter().filter(|other| *other != version).cloned().collect(),
        ..offer.clone()
    };
    let reward = others.in_force(now)?.terms.reward;
    let purchase = Amount::from(10_000);
    (reward.points(purchase) < version.terms.reward.points(purchase)).then_some(reward)
}

/// Gives the last day on which a version is in force.
fn ends(version: &OfferVersion) -> Option<String> {
    let last = version.ends_at?.plus_microseconds(-1);
    let (_, month, day) = Zone::JAPAN.day_of(last).civil();
    Some(format!("{month}/{day}"))
}

fn days_text(words: Words<'_>, key: &str, days: u16) -> String {
    words.with(key, &[("days", days.to_string().into())])
}

fn reward_text(words: Words<'_>, scale: Scale, reward: Reward) -> Html {
    let (figure, unit) = match reward {
        Reward::Fixed { member, .. } => {
            (scale.format(member.minor_units()), words.get("points-unit").into_owned())
        }
        Reward::Rate { member, .. } => (format!("{}%", per_cent(member)), String::new()),
    };
    Html::of(&RewardText { figure, unit })
}

/// Writes hundredths of a per cent: 150 is `1.5`, 100 is `1`.
fn per_cent(basis_points: u32) -> String {
    let places = Scale::try_new(2).unwrap_or_default();
    let text = places.format(i64::from(basis_points));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(crate) fn category_name(words: Words<'_>, category: &str) -> String {
    let known = words.find(&format!("category-{category}"));
    known.map_or_else(|| category.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_per_cent() {
        for (rate, text) in [(150, "1.5"), (100, "1"), (1_000, "10"), (5, "0.05"), (0, "0")] {
            assert_eq!(per_cent(rate), text);
        }
    }
}
