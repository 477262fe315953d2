use askama::Template;

use crate::favourite::store::keeps;
use crate::figure::per_cent;
use crate::offer::{Offer, OfferTerms, OfferVersion, Repeat, Reward, Shelf, Shop};
use crate::shelf::category_name;
use crate::site::Site;
use access::{Authenticated, Need};
use vocabulary::{Amount, Scale, Timestamp, Zone};
use web::components::{
    Badge, Button, Column, DataList, Html, LinkButton, Notice, Table, Tone, Weight,
};
use web::{Caller, Path, Problem, Response, Routes, State, View, Words, get, problems};

/// A shop's own page, where anyone may look; a member sees whether they keep it.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/shops/{slug}", "visitor.member"), show)
}

#[derive(Template)]
#[template(path = "offer/page.html")]
struct ShopMain<'a> {
    words: Words<'a>,
    name: &'a str,
    category: String,
    notices: Vec<Notice>,
    offer: Option<OfferParts>,
    favourite: Option<Html>,
    back: Option<LinkButton>,
}

struct OfferParts {
    reward: Html,
    usual: Option<Html>,
    badges: Vec<Badge>,
    example: String,
    tiers: Option<Table>,
    terms: DataList,
    terms_note: String,
    conditions: Vec<String>,
    rejections: Vec<String>,
    go: Option<LinkButton>,
}

/// The form that keeps a shop or lets it go.
#[derive(Template)]
#[template(path = "offer/page_favourite.html")]
struct FavouriteForm<'a> {
    slug: &'a str,
    button: Button,
}

/// A reward as members read it: points, or a part of the price.
#[derive(Template)]
#[template(path = "offer/page_reward.html")]
struct RewardText {
    figure: String,
    unit: String,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Path(slug): Path<String>,
    who: Option<Caller<Authenticated>>,
) -> Result<Response, Problem> {
    let words = view.words();
    let shelf = site.catalogue().shelf();
    let shop = shelf.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let company = site.config().company;
    let who = who.map(|Caller(who)| who).filter(|who| who.company() == company);
    let member = who.filter(|who| who.require(Need::MemberSelf).is_ok()).and_then(|w| w.member());
    let favourite = match member {
        Some(member) => {
            let id = shop.id();
            let kept = site.read(move |reader| keeps(reader, member, id)).await?;
            Some(favourite_form(words, shop.slug.as_str(), kept))
        }
        None => None,
    };
    let look = Look { shelf: &shelf, shop, scale: site.config().scale, at: site.now() };
    let main = look.main(words, favourite);
    Ok(view.page(shop.name.as_str()).nav((site.config().member_nav)(&view)).show(&main))
}

fn favourite_form(words: Words<'_>, slug: &str, kept: bool) -> Html {
    let (text, choice) = if kept { ("favourite-drop", "drop") } else { ("favourite-keep", "keep") };
    let button = Button::new(words.get(text)).weight(Weight::Quiet).choice("want", choice);
    Html::of(&FavouriteForm { slug, button })
}

/// A shop as it is seen at a moment.
pub(crate) struct Look<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) shop: &'a Shop,
    pub(crate) scale: Scale,
    pub(crate) at: Timestamp,
}

impl<'a> Look<'a> {
    /// Gives the page's main part, for a preview inside of another page: nothing leads away from
    /// it.
    pub(crate) fn html(&self, words: Words<'_>) -> Html {
        let mut main = self.main(words, None);
        main.back = None;
        if let Some(offer) = &mut main.offer {
            offer.go = None;
        }
        Html::of(&main)
    }

    fn main<'b>(&self, words: Words<'b>, favourite: Option<Html>) -> ShopMain<'b>
    where
        'a: 'b,
    {
        let found = self.shelf.offer_of(self.shop.id(), self.at);
        let mut notices = Vec::new();
        let mut notice = |tone, title: String, text: &str| {
            notices.push(Notice::new(tone, title, words.get(text)));
        };
        match found {
            None => {
                notice(Tone::Wait, words.get("shop-closed").into_owned(), "shop-closed-text");
            }
            Some((offer, version)) if self.shelf.is_full(offer, version) => {
                notice(Tone::Wait, words.get("offer-full").into_owned(), "offer-full-text");
            }
            Some((offer, version)) if usual_of(offer, version, self.at).is_some() => {
                let day = ends_on(version).unwrap_or_default();
                let title = words.with("reward-until", &[("day", day.into())]);
                notice(Tone::Good, title, "reward-until-text");
            }
            Some((_, version)) => {
                if let Some(day) = ends_on(version) {
                    let title = words.with("offer-until", &[("day", day.into())]);
                    notice(Tone::Plain, title, "offer-until-text");
                }
            }
        }
        ShopMain {
            words,
            name: self.shop.name.as_str(),
            category: category_name(words, self.shop.category.as_str()),
            notices,
            offer: found.map(|(offer, version)| self.parts(words, offer, version)),
            favourite,
            back: Some(LinkButton::new(words.get("shops-all"), "/shops").weight(Weight::Quiet)),
        }
    }

    fn parts(&self, words: Words<'_>, offer: &Offer, version: &OfferVersion) -> OfferParts {
        let (terms, scale) = (&version.terms, self.scale);
        let open = !self.shelf.is_full(offer, version);
        let usual = usual_of(offer, version, self.at);
        let note = if terms.guaranteed { "offer-guarantee-text" } else { "offer-terms-note" };
        let days = [
            ("record", terms.record_by_days.to_string().into()),
            ("decide", terms.decide_by_days.to_string().into()),
        ];
        OfferParts {
            reward: reward_text(words, scale, terms),
            usual: usual.map(|usual| reward_text(words, scale, usual)),
            badges: badges(words, terms),
            example: example(words, scale, terms),
            tiers: (!terms.tiers.is_empty()).then(|| tier_table(words, scale, terms)),
            terms: terms_list(words, terms),
            terms_note: words.with(note, &days),
            conditions: lines(&terms.conditions),
            rejections: lines(&terms.rejections),
            go: open.then(|| LinkButton::new(words.get("offer-go"), format!("/go/{}", offer.id))),
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn badges(words: Words<'_>, terms: &OfferTerms) -> Vec<Badge> {
    let mark = Badge::new(Tone::Good, words.get("offer-guarantee-badge"));
    let repeat = match terms.repeat {
        Repeat::Always => "offer-repeat",
        Repeat::Once => "offer-once",
    };
    let repeat = Badge::new(Tone::Plain, words.get(repeat));
    terms.guaranteed.then_some(mark).into_iter().chain([repeat]).collect()
}

fn example(words: Words<'_>, scale: Scale, terms: &OfferTerms) -> String {
    match terms.reward {
        Reward::Fixed { .. } => words.get("offer-example-fixed").into_owned(),
        Reward::Rate { .. } => {
            let points = terms.reward.points(Amount::from(10_000)).unwrap_or(Amount::ZERO);
            let points = scale.format(points.minor_units());
            let key = if terms.tiers.is_empty() { "rate" } else { "others" };
            words.with(&format!("offer-example-{key}"), &[("points", points.into())])
        }
    }
}

fn terms_list(words: Words<'_>, terms: &OfferTerms) -> DataList {
    let days = |key: &str, days: u16| words.with(key, &[("days", days.to_string().into())]);
    let about = if terms.guaranteed { "days-within" } else { "days-about" };
    DataList::new()
        .pair(words.get("offer-record-by"), days("days-within", terms.record_by_days))
        .pair(words.get("offer-decide-by"), days(about, terms.decide_by_days))
        .pair(words.get("offer-cookie"), days("days-within", terms.cookie_days))
}

fn tier_table(words: Words<'_>, scale: Scale, terms: &OfferTerms) -> Table {
    let columns =
        vec![Column::text(words.get("tier-item")), Column::figures(words.get("offer-reward"))];
    let rows = terms
        .tiers
        .iter()
        .map(|tier| vec![tier.name.as_str().into(), one_reward(words, scale, tier.reward).into()]);
    let others: Vec<web::components::Cell> = vec![
        words.get("tier-others").as_ref().into(),
        one_reward(words, scale, terms.reward).into(),
    ];
    Table::new(words.get("offer-tiers"), columns).rows(rows).row(others).compact()
}

/// Gives what is in force when this version is not: only where it is less, the difference says
/// something.
pub(crate) fn usual_of<'a>(
    offer: &'a Offer,
    version: &OfferVersion,
    now: Timestamp,
) -> Option<&'a OfferTerms> {
    version.ends_at?;
    let others = offer.versions.iter().rev().filter(|other| other.version != version.version);
    let usual = others.into_iter().find(|other| other.covers(now))?;
    (usual.terms.worth() < version.terms.worth()).then_some(&usual.terms)
}

/// Gives the last day on which a version is in force.
pub(crate) fn ends_on(version: &OfferVersion) -> Option<String> {
    let last = version.ends_at?.plus_microseconds(-1);
    let (_, month, day) = Zone::JAPAN.day_of(last).civil();
    Some(format!("{month}/{day}"))
}

/// Writes what an offer gives: one reward, or from the least to the most of its items. Points and
/// parts of a price have no order, so that of both together the one for most items is shown.
pub(crate) fn reward_text(words: Words<'_>, scale: Scale, terms: &OfferTerms) -> Html {
    let (figure, unit) = reward_span(words, scale, terms);
    Html::of(&RewardText { figure, unit })
}

/// Writes what an offer gives as plain text.
pub(crate) fn reward_plain(words: Words<'_>, scale: Scale, terms: &OfferTerms) -> String {
    let (figure, unit) = reward_span(words, scale, terms);
    format!("{figure}{unit}")
}

fn reward_span(words: Words<'_>, scale: Scale, terms: &OfferTerms) -> (String, String) {
    let same = terms.rewards().all(|reward| {
        matches!(
            (reward, terms.reward),
            (Reward::Fixed { .. }, Reward::Fixed { .. })
                | (Reward::Rate { .. }, Reward::Rate { .. })
        )
    });
    let size = |reward: &Reward| match reward {
        Reward::Fixed { member, .. } => member.minor_units(),
        Reward::Rate { member, .. } => i64::from(*member),
    };
    let ends = terms.rewards().min_by_key(size).zip(terms.rewards().max_by_key(size));
    match ends.filter(|(least, most)| same && size(least) != size(most)) {
        None => reward_words(words, scale, terms.reward),
        Some((least, most)) => {
            let (from, _) = reward_words(words, scale, least);
            let (to, unit) = reward_words(words, scale, most);
            let figure = words.with("reward-range", &[("from", from.into()), ("to", to.into())]);
            (figure, unit)
        }
    }
}

/// Writes one reward.
pub(crate) fn one_reward(words: Words<'_>, scale: Scale, reward: Reward) -> Html {
    let (figure, unit) = reward_words(words, scale, reward);
    Html::of(&RewardText { figure, unit })
}

fn reward_words(words: Words<'_>, scale: Scale, reward: Reward) -> (String, String) {
    match reward {
        Reward::Fixed { member, .. } => {
            (scale.format(member.minor_units()), words.get("points-unit").into_owned())
        }
        Reward::Rate { member, .. } => (format!("{}%", per_cent(member)), String::new()),
    }
}
