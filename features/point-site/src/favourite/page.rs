use askama::Template;
use serde::Deserialize;

use crate::favourite::store::list_favourites;
use crate::favourite::{FAVOURITES_MAX, FavouriteRefusal, SetFavourite, Wish};
use crate::offer::{Shelf, Shop, ends_on, reward_text, usual_of};
use crate::site::Site;
use access::{Authenticated, Authorized, Need, Resource, authorize};
use answers::faulted;
use vocabulary::{Id, kind};
use web::components::{
    Badge, Button, Cell, Column, EmptyState, Html, LinkButton, Notice, Table, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const NEED: Need = Need::MemberSelf;

/// The member's own list, and the way into it and out of it.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/favourites", NEED.code()), list)
        .on(post("/favourites/{slug}", NEED.code()).idempotent(), set)
}

#[derive(Template)]
#[template(path = "favourite/page.html")]
struct Main<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    table: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "favourite/page_drop.html")]
struct DropForm<'a> {
    slug: &'a str,
    button: Button,
}

/// What a form asks for.
#[derive(Debug, Deserialize)]
struct Asked {
    want: String,
    #[serde(default)]
    back: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let member = own(&site, &who, ())?.0;
    list_page(&site, &view, member, None).await
}

/// Finds the member who asks, and lets a command about their own list through.
fn own<C>(site: &Site, who: &Authenticated, command: C) -> Result<(Id<kind::Member>, C), Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(NEED).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let allowed = authorize(who, NEED, own, command).map_err(|_denied| not_found())?;
    Ok((member, Authorized::into_command(allowed)))
}

async fn list_page(
    site: &Site,
    view: &View,
    member: Id<kind::Member>,
    refusal: Option<FavouriteRefusal>,
) -> Result<Response, Problem> {
    let words = view.words();
    let limit = u32::try_from(FAVOURITES_MAX).unwrap_or(u32::MAX);
    let kept = site.read(move |reader| list_favourites(reader, member, limit)).await?;
    let shelf = site.catalogue().shelf();
    let shops = kept.iter().filter_map(|id| shelf.shops.get(id)).filter(|shop| shop.listed);
    let rows: Vec<Vec<Cell>> = shops.map(|shop| row(site, words, &shelf, shop)).collect();
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::figures(words.get("offer-reward")),
        Column::text(words.get("favourite-now")),
        Column::text(words.get("favourite-change")),
    ];
    let main = Main {
        words,
        notice: refusal.map(|refusal| match refusal {
            FavouriteRefusal::Full => Notice::new(
                Tone::Bad,
                words.get("favourites-full"),
                words.get("favourites-full-text"),
            ),
        }),
        table: (!rows.is_empty())
            .then(|| Table::new(words.get("favourites-title"), columns).rows(rows).untitled()),
        empty: EmptyState::new(words.get("favourites-empty"), words.get("favourites-empty-text"))
            .action(LinkButton::new(words.get("shops-title"), "/shops")),
    };
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let nav = (site.config().member_nav)(view);
    Ok(view.page(words.get("favourites-title")).nav(nav).status(status).show(&main))
}

fn row(site: &Site, words: Words<'_>, shelf: &Shelf, shop: &Shop) -> Vec<Cell> {
    let (now, scale) = (site.now(), site.config().scale);
    let found = shelf.offer_of(shop.id(), now);
    let (reward, standing): (Cell, Cell) = match found {
        None => ("–".into(), Badge::new(Tone::Plain, words.get("favourite-closed")).into()),
        Some((offer, version)) => {
            let raised = usual_of(offer, version, now).and_then(|_usual| ends_on(version));
            let badge = match raised {
                _ if shelf.is_full(offer, version) => {
                    Badge::new(Tone::Wait, words.get("offer-full-badge"))
                }
                Some(day) => {
                    let text = words.with("reward-until", &[("day", day.into())]);
                    Badge::new(Tone::Good, text)
                }
                None => Badge::new(Tone::Plain, words.get("favourite-usual")),
            };
            (reward_text(words, scale, &version.terms).into(), badge.into())
        }
    };
    let slug = shop.slug.as_str();
    let button = Button::new(words.get("favourite-drop-short"));
    let button = button.weight(Weight::Quiet).choice("want", "drop");
    vec![
        Cell::link(shop.name.as_str(), format!("/shops/{slug}")),
        reward,
        standing,
        Html::of(&DropForm { slug, button }).into(),
    ]
}

async fn set(
    State(site): State<Site>,
    view: View,
    Path(slug): Path<String>,
    Caller(who): Caller<Authenticated>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let wish = match asked.want.as_str() {
        "keep" => Wish::Keep,
        "drop" => Wish::Drop,
        _ => return Err(Problem::new(&problems::INVALID_FIELD).field("/want", "keep or drop")),
    };
    let shelf = site.catalogue().shelf();
    let shop = shelf.shop(&slug).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let (member, ()) = own(&site, &who, ())?;
    let company = site.config().company;
    let command = SetFavourite { member, company, shop: shop.id(), wish };
    let (member, command) = own(&site, &who, command)?;
    match site.run(command).await {
        Ok(Ok(())) if asked.back == "list" => Ok(Redirect::to("/favourites").into_response()),
        Ok(Ok(())) => Ok(Redirect::to(&format!("/shops/{slug}")).into_response()),
        Ok(Err(refusal)) => list_page(&site, &view, member, Some(refusal)).await,
        Err(fault) => Err(faulted(&fault)),
    }
}
