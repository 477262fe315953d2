use askama::Template;

use crate::claim::Purchase;
use crate::claim::store::{find_concerned, find_purchases};
use crate::click::{Click, reference, store::list_clicks};
use crate::conversion::ConversionState;
use crate::conversion::store::{ClickOutcome, find_of_clicks};
use crate::offer::Shop;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use vocabulary::{Id, Timestamp, Zone, kind};
use web::components::{
    Badge, Cell, Column, EmptyState, Figure, LinkButton, Notice, Pager, Table, Tone, Weight,
};
use web::{
    Caller, Cursor, PageRequest, Paged, Problem, Query, Response, Routes, State, StatusCode, View,
    Words, get, problems,
};

/// The member's own list of clicks.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/clicks", Need::MemberSelf.code()), list)
}

#[derive(Template)]
#[template(path = "click/page.html")]
struct Main<'a> {
    words: Words<'a>,
    list: Option<(Table, Pager)>,
    empty: EmptyState,
}

/// What became of a click, as a member reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not recorded, and not to be expected yet.
    Waiting,
    /// Not recorded though it should be by now, if something was bought.
    Unrecorded,
    /// A conversion stands so.
    Conversion(ConversionState),
}

impl Standing {
    /// Tells whether there is, or may be, something to get.
    const fn has_points(self) -> bool {
        match self {
            Self::Conversion(
                ConversionState::Tracked { .. } | ConversionState::Approved { .. },
            ) => true,
            Self::Waiting
            | Self::Unrecorded
            | Self::Conversion(
                ConversionState::NeedsReview
                | ConversionState::Rejected { .. }
                | ConversionState::Reversed { .. },
            ) => false,
        }
    }

    const fn badge(self) -> (Tone, &'static str) {
        match self {
            Self::Waiting => (Tone::Plain, "click-waiting"),
            Self::Unrecorded => (Tone::Plain, "click-unrecorded"),
            Self::Conversion(ConversionState::NeedsReview) => (Tone::Wait, "state-needs-review"),
            Self::Conversion(ConversionState::Tracked { .. }) => (Tone::Wait, "state-tracked"),
            Self::Conversion(ConversionState::Approved { .. }) => (Tone::Good, "state-approved"),
            Self::Conversion(ConversionState::Rejected { .. }) => (Tone::Bad, "state-rejected"),
            Self::Conversion(ConversionState::Reversed { .. }) => (Tone::Bad, "state-reversed"),
        }
    }
}

#[derive(Template)]
#[template(path = "click/page_ended.html")]
struct EndedMain<'a> {
    words: Words<'a>,
    shop: &'a str,
    notice: Notice,
    other: LinkButton,
    back: LinkButton,
}

/// Says that an offer has ended, in place of the way to the shop; no click is kept.
pub(crate) fn ended(site: &Site, view: &View, shop: &Shop) -> Response {
    let words = view.words();
    let address = format!("/shops/{}", shop.slug.as_str());
    let main = EndedMain {
        words,
        shop: shop.name.as_str(),
        notice: Notice::new(Tone::Wait, words.get("go-ended"), words.get("go-ended-kept")),
        other: LinkButton::new(words.get("shops-all"), "/shops"),
        back: LinkButton::new(words.get("go-ended-shop"), address).weight(Weight::Quiet),
    };
    let page = view.page(words.get("go-ended-title")).nav((site.config().member_nav)(view));
    page.status(StatusCode::GONE).show(&main)
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(page): Query<PageRequest>,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(Need::MemberSelf).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let member = authorize(&who, Need::MemberSelf, own, member).map_err(|_denied| not_found())?;
    let (member, limit) = (member.into_command(), page.limit);
    let before = page.after.as_ref().and_then(|after| after.key().try_into().ok());
    let before = before.map(Id::<kind::Click>::from_bytes);
    let company = site.config().company;
    let (clicks, outcomes, purchases, claims) = site
        .read(move |reader| {
            let clicks = list_clicks(reader, member, before, limit.and_one())?;
            let ids: Vec<Id<kind::Click>> = clicks.iter().map(|click| click.id).collect();
            let outcomes = find_of_clicks(reader, &ids)?;
            let purchases = find_purchases(reader, company, &ids)?;
            let claims = find_concerned(reader, company, &ids, &[])?;
            Ok((clicks, outcomes, purchases, claims))
        })
        .await?;
    let paged = Paged::new(clicks, limit, |click| Cursor::new(click.id.to_bytes()));
    let (words, now) = (view.words(), site.now());
    let mut table = empty_table(words);
    for click in &paged.items {
        let outcomes = outcomes.get(&click.id).map_or(&[][..], Vec::as_slice);
        let purchase = purchases.get(&click.id).map(|found| &found.purchase);
        let filed = claims.values().filter(|claim| claim.click == click.id);
        let claim = |outcome: Option<&ClickOutcome>| {
            let conversion = outcome.map(|outcome| outcome.conversion);
            let filed = filed.clone().find(|claim| claim.conversion == conversion);
            match filed {
                Some(claim) => {
                    Cell::link(words.get("click-claim-filed"), format!("/claims/{}", claim.id))
                }
                None => claim_link(words, click, purchase, conversion, now),
            }
        };
        if outcomes.is_empty() {
            let standing = standing(&site, click);
            let mut cells = row(&site, words, click, standing, None);
            cells.push(claim(None));
            table = table.row(cells);
        }
        for outcome in outcomes {
            let standing = Standing::Conversion(outcome.state);
            let mut cells = row(&site, words, click, standing, Some(outcome));
            cells.push(claim(Some(outcome)));
            table = table.row(cells);
        }
    }
    let next = paged.next.map(|next| format!("?after={next}"));
    let first = page.after.map(|_| "/clicks".to_owned());
    let empty = paged.items.is_empty();
    let main = Main {
        words,
        list: (!empty).then(|| (table, Pager::new(words, first, next))),
        empty: EmptyState::new(words.get("clicks-empty"), words.get("clicks-empty-text"))
            .action(LinkButton::new(words.get("shops-title"), "/shops")),
    };
    Ok(view.page(words.get("clicks-title")).nav((site.config().member_nav)(&view)).show(&main))
}

fn empty_table(words: Words<'_>) -> Table {
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::times(words.get("click-at")),
        Column::text(words.get("click-state")),
        Column::figures(words.get("click-points")),
        Column::text(words.get("click-number")),
        Column::text(words.get("click-claim")),
    ];
    Table::new(words.get("clicks-caption"), columns).untitled()
}

fn standing(site: &Site, click: &Click) -> Standing {
    let shelf = site.catalogue().shelf();
    let offer = shelf.offers.get(&click.offer);
    let version = offer.and_then(|offer| offer.version(click.offer_version));
    let record_by: Timestamp = version.map_or(click.clicked_at, |version| {
        click.clicked_at.plus_days(i64::from(version.terms.record_by_days))
    });
    if site.now() <= record_by { Standing::Waiting } else { Standing::Unrecorded }
}

fn row(
    site: &Site,
    words: Words<'_>,
    click: &Click,
    standing: Standing,
    outcome: Option<&ClickOutcome>,
) -> Vec<Cell> {
    let shelf = site.catalogue().shelf();
    let shop: Cell = match shelf.shops.get(&click.shop) {
        Some(shop) if shop.listed => {
            Cell::link(shop.name.as_str(), format!("/shops/{}", shop.slug.as_str()))
        }
        Some(shop) => shop.name.as_str().into(),
        None => words.get("shop-gone").as_ref().into(),
    };
    let (tone, text) = standing.badge();
    let points: Cell = match outcome {
        Some(outcome) if standing.has_points() => {
            Figure::amount(outcome.points, site.config().scale, words.get("points-unit")).into()
        }
        Some(_) | None => "–".into(),
    };
    vec![
        shop,
        Zone::JAPAN.format_minute(click.clicked_at).into(),
        Badge::new(tone, words.get(text)).into(),
        points,
        // The end of the reference is enough for support to find the click by.
        short(&reference(click.id)).into(),
    ]
}

/// Leads to the form where something about a click, or about what became of it, can be claimed now.
fn claim_link(
    words: Words<'_>,
    click: &Click,
    purchase: Option<&Purchase>,
    conversion: Option<Id<kind::Conversion>>,
    now: Timestamp,
) -> Cell {
    let claimable = purchase.is_some_and(|found| found.claimable(conversion, None, now).is_ok());
    if !claimable {
        return "–".into();
    }
    let about = conversion.map_or_else(String::new, |id| format!("&conversion={id}"));
    Cell::link(words.get("click-claim-link"), format!("/claims/new?click={}{about}", click.id))
}

fn short(reference: &str) -> String {
    let skip = reference.chars().count().saturating_sub(8);
    reference.chars().skip(skip).collect()
}
