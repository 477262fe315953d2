use askama::Template;
use serde::Deserialize;

use crate::cap::Tally;
use crate::editor::state::{
    Errors, OfferForm, ShopForm, ShopState, Units, field_of, moment, parse_moment,
};
use crate::editor::{EditOffer, EditShop, Editor, Intent};
use crate::offer::{
    Look, Offer, OfferRefusal, OfferVersion, Repeat, Reward, SaveOffer, SaveShop, Shelf, Shop,
    VersionStanding, per_cent, reward_text,
};
use crate::search;
use crate::shelf::{CATEGORIES, category_name};
use crate::site::Site;
use access::{Authenticated, Authorized, Need, Resource, authorize};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Amount, Id, Scale, Timestamp, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Html, LinkButton,
    Notice, Pager, Progress, Select, Table, Tabs, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, NavItem, Path, Problem, Query, Redirect, RequestContext,
    Response, Routes, State, StatusCode, View, Words, get, post, problems,
};

const READ: Need = Need::OfferRead;
const MANAGE: Need = Need::OfferManage;

/// How many shops a page lists.
const SHOPS_SHOWN: usize = 60;

/// The staff's pages of shops and offers.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/shops", READ.code()), list)
        .on(post("/staff/shops", MANAGE.code()).idempotent(), add_shop)
        .on(get("/staff/shops/new", MANAGE.code()), new_shop)
        .on(get("/staff/shops/{slug}", READ.code()), show_shop)
        .on(post("/staff/shops/{slug}", MANAGE.code()).idempotent(), change_shop)
        .on(get("/staff/shops/{slug}/preview", READ.code()), preview)
        .on(get("/staff/offers/{id}", READ.code()), show_offer)
        .on(get("/staff/offers/{id}/new", MANAGE.code()), new_version)
        .on(post("/staff/offers/{id}", MANAGE.code()).idempotent(), save_version)
}

/// What all these pages need: the site, the view, who looks.
struct Desk<'a> {
    site: &'a Site,
    view: &'a View,
    who: Authenticated,
}

impl<'a> Desk<'a> {
    /// Lets somebody of this company in who may do what is needed.
    fn open(
        site: &'a Site,
        view: &'a View,
        who: Authenticated,
        need: Need,
    ) -> Result<Self, Problem> {
        let resource = Resource::Company(site.config().company);
        authorize(&who, need, resource, ()).map(Authorized::into_command).or_problem()?;
        Ok(Self { site, view, who })
    }

    fn words(&self) -> Words<'a> {
        self.view.words()
    }

    fn may_manage(&self) -> bool {
        self.who.needs().contains(MANAGE)
    }

    fn show(&self, title: &str, status: StatusCode, main: &impl Template) -> Response {
        let nav = (self.site.config().staff_nav)(self.view, self.who.needs());
        self.view.page(title).nav(nav).status(status).show(main)
    }

    fn units(&self) -> Units {
        Units { points: self.site.config().scale, commission: Scale::default() }
    }

    fn editor(&self, context: &RequestContext) -> Editor {
        Editor { by: self.who, request: Id::parse(context.request_id.as_str()).ok() }
    }
}

const fn status_of(errors: &Errors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

fn find_shop<'a>(shelf: &'a Shelf, slug: &str) -> Result<&'a Shop, Problem> {
    let found = shelf.shops.values().find(|shop| shop.slug.as_str() == slug);
    found.ok_or_else(|| Problem::new(&problems::NOT_FOUND))
}

/// The error of a field, in words.
fn error_text(words: Words<'_>, errors: &Errors, field: &str) -> String {
    let error = errors.iter().find(|(known, _)| *known == field);
    error.map_or_else(String::new, |(_, code)| {
        words.get(&format!("edit-error-{}", code.replace('_', "-"))).into_owned()
    })
}

fn summary(words: Words<'_>, errors: &Errors) -> ErrorSummary {
    let told = errors.iter().map(|(field, _)| {
        ((*field).to_owned(), error_text(words, errors, field))
    });
    ErrorSummary::new(words, told.collect())
}

// The list of shops.

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListAsked {
    q: String,
    state: String,
    after: String,
}

#[derive(Template)]
#[template(path = "editor/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    query: &'a str,
    state: &'a str,
    add: Option<LinkButton>,
    states: Tabs,
    list: Option<(Table, Pager)>,
    empty: EmptyState,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<ListAsked>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, READ)?;
    let (words, now) = (desk.words(), site.now());
    let shelf = site.catalogue().shelf();
    let query = search::Query::new(&asked.q);
    let fits = |(id, _): &(&Id<kind::Shop>, &Shop)| shelf.find(**id, &query).is_some();
    let mut shops: Vec<(ShopState, &Shop)> = shelf
        .shops
        .iter()
        .filter(fits)
        .map(|(_, shop)| (ShopState::of(&shelf, shop, now), shop))
        .collect();
    shops.sort_by(|(_, one), (_, other)| one.slug.cmp(&other.slug));
    let states = state_tabs(words, &asked, &shops);
    shops.retain(|(state, _)| asked.state.is_empty() || state.code() == asked.state);
    shops.retain(|(_, shop)| shop.slug.as_str() > asked.after.as_str());
    let more = shops.len() > SHOPS_SHOWN;
    shops.truncate(SHOPS_SHOWN);
    let last = shops.last().filter(|_| more).map(|(_, shop)| shop.slug.as_str());
    let next = last.map(|slug| list_address(&asked.q, &asked.state, slug));
    let first = (!asked.after.is_empty()).then(|| list_address(&asked.q, &asked.state, ""));
    let scale = site.config().scale;
    let rows = shops.iter().map(|(state, shop)| shop_row(words, scale, &shelf, (*state, shop), now));
    let table = Table::new(words.get("staff-shops-title"), shop_columns(words)).untitled();
    let main = ListMain {
        words,
        query: &asked.q,
        state: &asked.state,
        add: desk
            .may_manage()
            .then(|| LinkButton::new(words.get("staff-shop-new"), "/staff/shops/new")),
        states,
        list: (!shops.is_empty()).then(|| (table.rows(rows), Pager::new(words, first, next))),
        empty: EmptyState::new(words.get("staff-shops-empty"), words.get("staff-shops-empty-text")),
    };
    Ok(desk.show(&words.get("staff-shops-title"), StatusCode::OK, &main))
}

fn list_address(q: &str, state: &str, after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", q), ("state", state), ("after", after)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/staff/shops{mark}{query}")
}

fn state_tabs(words: Words<'_>, asked: &ListAsked, shops: &[(ShopState, &Shop)]) -> Tabs {
    let tab = |code: &str, name: String, count: usize| NavItem {
        label: words.with("shops-tab", &[("name", name.into()), ("count", count.into())]),
        href: list_address(&asked.q, code, ""),
        current: asked.state == code,
        apart: false,
    };
    let all = tab("", words.get("shops-category-all").into_owned(), shops.len());
    let named = ShopState::ALL.map(|state| {
        let count = shops.iter().filter(|(other, _)| *other == state).count();
        tab(state.code(), words.get(&format!("shop-state-{}", state.code())).into_owned(), count)
    });
    Tabs::new(words.get("staff-shops-states"), core::iter::once(all).chain(named).collect())
}

fn shop_columns(words: Words<'_>) -> Vec<Column> {
    vec![
        Column::text(words.get("click-shop")),
        Column::text(words.get("report-state")),
        Column::figures(words.get("offer-reward")),
        Column::times(words.get("staff-shop-change")),
        Column::text(words.get("staff-shop-category")),
    ]
}

fn shop_row(
    words: Words<'_>,
    scale: Scale,
    shelf: &Shelf,
    (state, shop): (ShopState, &Shop),
    now: Timestamp,
) -> Vec<Cell> {
    let found = shelf.offer_of(shop.id(), now);
    let reward: Cell = found
        .map_or_else(|| "–".into(), |(_, version)| reward_text(words, scale, &version.terms).into());
    let changes = shelf.offers_of(shop.id()).filter_map(|offer| offer.timeline(now).into_iter().nth(1));
    let next = changes.map(|span| span.starts_at).min();
    let tone = match state {
        ShopState::Open => Tone::Good,
        ShopState::Full | ShopState::Scheduled => Tone::Wait,
        ShopState::Closed | ShopState::Hidden => Tone::Plain,
    };
    vec![
        Cell::link(shop.name.as_str(), format!("/staff/shops/{}", shop.slug.as_str())),
        Badge::new(tone, words.get(&format!("shop-state-{}", state.code()))).into(),
        reward,
        next.map_or_else(|| "–".to_owned(), |at| Zone::JAPAN.format_minute(at)).into(),
        category_name(words, shop.category.as_str()).into(),
    ]
}

// A shop.

#[derive(Template)]
#[template(path = "editor/page_shop.html")]
struct ShopMain<'a> {
    words: Words<'a>,
    name: &'a str,
    notice: Option<Notice>,
    errors: ErrorSummary,
    offers: Option<Table>,
    empty: Option<EmptyState>,
    actions: Vec<LinkButton>,
    form: Option<ShopFields>,
    action: String,
    facts: Option<DataList>,
    back: LinkButton,
}

struct ShopFields {
    slug: Option<TextField>,
    name: TextField,
    reading: TextField,
    category: Select,
    listed: Select,
    send: Button,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Saved {
    saved: Option<u32>,
}

fn shop_fields(words: Words<'_>, form: &ShopForm, errors: &Errors, intent: Intent) -> ShopFields {
    let field = |name: &'static str| {
        TextField::new(words, name, words.get(&format!("staff-shop-{name}")))
            .hint(words.get(&format!("staff-shop-{name}-hint")))
            .error(error_text(words, errors, name))
    };
    let slug = field("slug").value(&form.slug).characters_max(64);
    let codes = CATEGORIES.iter().copied();
    let own = Some(form.category.as_str()).filter(|code| !CATEGORIES.contains(code));
    let codes = codes.chain(own.filter(|code| !code.is_empty()));
    let categories = codes.map(|code| (code.to_owned(), category_name(words, code)));
    let listed = [("yes", "staff-shop-listed-yes"), ("no", "staff-shop-listed-no")];
    let listed = listed.map(|(value, key)| (value.to_owned(), words.get(key).into_owned()));
    ShopFields {
        slug: (intent == Intent::Add).then_some(slug),
        name: field("name").value(&form.name).characters_max(120),
        reading: field("reading").value(&form.reading).characters_max(120).optional(words),
        category: Select::new("category", words.get("staff-shop-category"), categories.collect())
            .chosen(&form.category)
            .error(error_text(words, errors, "category")),
        listed: Select::new("listed", words.get("staff-shop-listed"), listed.to_vec())
            .chosen(&form.listed)
            .error(error_text(words, errors, "listed")),
        send: Button::new(words.get("staff-save")),
    }
}

fn back_to_list(words: Words<'_>) -> LinkButton {
    LinkButton::new(words.get("staff-shops-back"), "/staff/shops").weight(Weight::Quiet)
}

async fn new_shop(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    let form = ShopForm { listed: "yes".to_owned(), ..ShopForm::default() };
    Ok(new_shop_page(&desk, &form, &Errors::new()))
}

fn new_shop_page(desk: &Desk<'_>, form: &ShopForm, errors: &Errors) -> Response {
    let words = desk.words();
    let title = words.get("staff-shop-new");
    let main = ShopMain {
        words,
        name: &title,
        notice: None,
        errors: summary(words, errors),
        offers: None,
        empty: None,
        actions: Vec::new(),
        form: Some(shop_fields(words, form, errors, Intent::Add)),
        action: "/staff/shops".to_owned(),
        facts: None,
        back: back_to_list(words),
    };
    desk.show(&title, status_of(errors), &main)
}

async fn add_shop(
    State(site): State<Site>,
    view: View,
    context: RequestContext,
    Caller(who): Caller<Authenticated>,
    Form(form): Form<ShopForm>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    match save_shop(&desk, &context, &form, Intent::Add).await? {
        Ok(slug) => Ok(Redirect::to(&format!("/staff/shops/{slug}?saved=1")).into_response()),
        Err(errors) => Ok(new_shop_page(&desk, &form, &errors)),
    }
}

async fn save_shop(
    desk: &Desk<'_>,
    context: &RequestContext,
    form: &ShopForm,
    intent: Intent,
) -> Result<Result<String, Errors>, Problem> {
    let shop = match form.parse(desk.site.config().company) {
        Ok(shop) => shop,
        Err(errors) => return Ok(Err(errors)),
    };
    let slug = shop.slug.as_str().to_owned();
    let command = EditShop { editor: desk.editor(context), intent, shop: SaveShop { shop } };
    match desk.site.run(command).await {
        Ok(Ok(_id)) => {}
        Ok(Err(refusal)) => return Ok(Err(vec![("slug", refusal.code())])),
        Err(fault) => return Err(faulted(&fault)),
    }
    refresh(desk.site).await?;
    Ok(Ok(slug))
}

/// Shows what was saved to whoever reads next.
async fn refresh(site: &Site) -> Result<(), Problem> {
    let site = site.clone();
    off_thread(move || site.refresh()).await.flatten().or_problem()
}

async fn show_shop(
    State(site): State<Site>,
    view: View,
    Path(slug): Path<String>,
    Caller(who): Caller<Authenticated>,
    Query(saved): Query<Saved>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, READ)?;
    let shelf = site.catalogue().shelf();
    let form = ShopForm::of(find_shop(&shelf, &slug)?);
    shop_page(&desk, &slug, &form, (&Errors::new(), saved.saved.is_some()))
}

fn shop_page(
    desk: &Desk<'_>,
    slug: &str,
    form: &ShopForm,
    (errors, saved): (&Errors, bool),
) -> Result<Response, Problem> {
    let (words, site) = (desk.words(), desk.site);
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, slug)?;
    let offers: Vec<&Offer> = shelf.offers_of(shop.id()).collect();
    let mut actions = Vec::new();
    if desk.may_manage() {
        // The id is chosen here, so that a form that is sent twice makes one offer.
        let id: Id<kind::Offer> = site.next_id(site.now());
        let href = format!("/staff/offers/{id}/new?shop={slug}");
        actions.push(LinkButton::new(words.get("staff-offer-new"), href));
    }
    let preview = format!("/staff/shops/{slug}/preview");
    actions.push(LinkButton::new(words.get("staff-preview"), preview).weight(Weight::Quiet));
    let main = ShopMain {
        words,
        name: shop.name.as_str(),
        notice: saved.then(|| Notice::new(Tone::Good, words.get("staff-saved"), "")),
        errors: summary(words, errors),
        offers: (!offers.is_empty()).then(|| offer_table(desk, &shelf, &offers)),
        empty: offers.is_empty().then(|| {
            EmptyState::new(words.get("staff-offers-empty"), words.get("staff-offers-empty-text"))
        }),
        actions,
        form: desk.may_manage().then(|| shop_fields(words, form, errors, Intent::Change)),
        action: format!("/staff/shops/{slug}"),
        facts: (!desk.may_manage()).then(|| {
            DataList::new()
                .pair(words.get("staff-shop-reading"), shop.reading.as_str())
                .pair(
                    words.get("staff-shop-category"),
                    category_name(words, shop.category.as_str()),
                )
                .pair(words.get("staff-shop-slug"), slug)
        }),
        back: back_to_list(words),
    };
    Ok(desk.show(shop.name.as_str(), status_of(errors), &main))
}

fn offer_table(desk: &Desk<'_>, shelf: &Shelf, offers: &[&Offer]) -> Table {
    let (words, now, scale) = (desk.words(), desk.site.now(), desk.site.config().scale);
    let columns = vec![
        Column::text(words.get("staff-offer")),
        Column::text(words.get("report-state")),
        Column::figures(words.get("offer-reward")),
        Column::text(words.get("report-network")),
        Column::figures(words.get("staff-offer-clicks")),
    ];
    let rows = offers.iter().map(|offer| {
        let current = offer.in_force(now).or_else(|| offer.versions.last());
        let full = current.is_some_and(|version| shelf.is_full(offer, version));
        let badge = match current.map(|version| offer.standing(version, now)) {
            Some(_) if full => Badge::new(Tone::Wait, words.get("offer-full-badge")),
            Some(standing) => standing_badge(words, standing),
            None => standing_badge(words, VersionStanding::Ended),
        };
        let terms = current.map(|version| &version.terms);
        let network = terms.map(|t| format!("{}/{}", t.network.as_str(), t.account.as_str()));
        let clicks = i64::try_from(shelf.clicks_of(offer.id)).unwrap_or(i64::MAX);
        vec![
            Cell::link(short(offer.id), format!("/staff/offers/{}", offer.id)),
            badge.into(),
            terms.map_or_else(Cell::default, |terms| reward_text(words, scale, terms).into()),
            network.unwrap_or_default().into(),
            Scale::default().format(clicks).into(),
        ]
    });
    Table::new(words.get("staff-offers"), columns).rows(rows)
}

/// The end of an id, which tells the offers of a shop apart.
fn short(id: Id<kind::Offer>) -> String {
    let text = id.to_string();
    text.chars().skip(text.chars().count().saturating_sub(8)).collect()
}

fn standing_badge(words: Words<'_>, standing: VersionStanding) -> Badge {
    let tone = match standing {
        VersionStanding::InForce => Tone::Good,
        VersionStanding::Scheduled => Tone::Wait,
        VersionStanding::Covered | VersionStanding::Ended => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("version-{}", standing.code())))
}

async fn change_shop(
    State(site): State<Site>,
    view: View,
    context: RequestContext,
    Path(slug): Path<String>,
    Caller(who): Caller<Authenticated>,
    Form(form): Form<ShopForm>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    // The slug is for ever: it is the address's, whatever the form says.
    let form = ShopForm { slug: slug.clone(), ..form };
    match save_shop(&desk, &context, &form, Intent::Change).await? {
        Ok(slug) => Ok(Redirect::to(&format!("/staff/shops/{slug}?saved=1")).into_response()),
        Err(errors) => shop_page(&desk, &slug, &form, (&errors, false)),
    }
}

// A preview.

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PreviewAsked {
    at: String,
}

#[derive(Template)]
#[template(path = "editor/page_preview.html")]
struct PreviewMain<'a> {
    words: Words<'a>,
    action: String,
    at: TextField,
    send: Button,
    back: LinkButton,
    notice: Notice,
    page: Html,
}

async fn preview(
    State(site): State<Site>,
    view: View,
    Path(slug): Path<String>,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<PreviewAsked>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, READ)?;
    let words = desk.words();
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &slug)?;
    let chosen = parse_moment(&asked.at);
    let wrong = chosen.is_none() && !asked.at.is_empty();
    let at = chosen.unwrap_or_else(|| site.now());
    let errors = if wrong { vec![("at", "moment")] } else { Errors::new() };
    let when = Zone::JAPAN.format_minute(at);
    let look = Look { shelf: &shelf, shop, scale: site.config().scale, at };
    let main = PreviewMain {
        words,
        action: format!("/staff/shops/{slug}/preview"),
        at: TextField::new(words, "at", words.get("staff-preview-at"))
            .kind(FieldKind::Moment)
            .hint(words.get("staff-moment-hint"))
            .value(if wrong { asked.at.clone() } else { moment(at) })
            .error(error_text(words, &errors, "at")),
        send: Button::new(words.get("staff-preview-show")),
        back: LinkButton::new(words.get("staff-shop-back"), format!("/staff/shops/{slug}"))
            .weight(Weight::Quiet),
        notice: Notice::new(
            Tone::Plain,
            words.with("staff-preview-notice", &[("when", when.into())]),
            words.get("staff-preview-text"),
        ),
        page: look.html(words),
    };
    Ok(desk.show(&words.get("staff-preview"), status_of(&errors), &main))
}

// An offer.

#[derive(Template)]
#[template(path = "editor/page_offer.html")]
struct OfferMain<'a> {
    words: Words<'a>,
    name: &'a str,
    notice: Option<Notice>,
    progress: Option<Vec<Progress>>,
    timeline: Table,
    versions: Table,
    actions: Vec<LinkButton>,
}

async fn show_offer(
    State(site): State<Site>,
    view: View,
    Path(id): Path<Id<kind::Offer>>,
    Caller(who): Caller<Authenticated>,
    Query(saved): Query<Saved>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, READ)?;
    let (words, now) = (desk.words(), site.now());
    let shelf = site.catalogue().shelf();
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let offer = shelf.offers.get(&id).ok_or_else(not_found)?;
    let shop = shelf.shops.get(&offer.shop).ok_or_else(not_found)?;
    let slug = shop.slug.as_str();
    let link = |key: &str, href: String| LinkButton::new(words.get(key), href);
    let mut actions = Vec::new();
    if desk.may_manage() {
        actions.push(link("staff-version-new", format!("/staff/offers/{id}/new?shop={slug}")));
    }
    actions.extend([
        link("staff-preview", format!("/staff/shops/{slug}/preview")).weight(Weight::Quiet),
        link("staff-shop-back", format!("/staff/shops/{slug}")).weight(Weight::Quiet),
    ]);
    let notice = saved.saved.map(|version| {
        let title = words.with("staff-version-saved", &[("version", version.to_string().into())]);
        Notice::new(Tone::Good, title, words.get("staff-version-saved-text"))
    });
    let capped = offer.in_force(now).filter(|version| version.terms.caps.is_some());
    let main = OfferMain {
        words,
        name: shop.name.as_str(),
        notice,
        progress: capped.map(|v| cap_progress(words, v, shelf.tally(id, v.version))),
        timeline: timeline_table(&desk, offer),
        versions: version_table(&desk, offer),
        actions,
    };
    Ok(desk.show(shop.name.as_str(), StatusCode::OK, &main))
}

fn cap_progress(words: Words<'_>, version: &OfferVersion, tally: Tally) -> Vec<Progress> {
    let part = |key: &str, used: i64, max: i64| {
        let figure = |number: i64| Scale::default().format(number);
        let values = [("used", figure(used).into()), ("max", figure(max).into())];
        let size = |number: i64| u64::try_from(number).unwrap_or(0);
        let text = words.with("staff-cap-used", &values);
        Progress::new(words.get(key), text, size(used), size(max))
    };
    let caps = version.terms.caps;
    let count = caps.conversions_max.map(|max| {
        part("staff-field-conversions-max", i64::from(tally.conversions), i64::from(max))
    });
    let sum = caps.commission_max.map(|max| {
        let used = tally.commission.minor_units();
        part("staff-field-commission-max", used, max.minor_units())
    });
    count.into_iter().chain(sum).collect()
}

fn period(words: Words<'_>, from: Timestamp, to: Option<Timestamp>) -> String {
    let from = Zone::JAPAN.format_minute(from);
    let to = to.map_or_else(|| words.get("staff-no-end").into_owned(), |to| Zone::JAPAN.format_minute(to));
    words.with("staff-period", &[("from", from.into()), ("to", to.into())])
}

fn timeline_table(desk: &Desk<'_>, offer: &Offer) -> Table {
    let (words, scale) = (desk.words(), desk.site.config().scale);
    let columns = vec![
        Column::text(words.get("staff-timeline-period")),
        Column::text(words.get("staff-version")),
        Column::figures(words.get("offer-reward")),
    ];
    let spans = offer.timeline(desk.site.now());
    let rows = spans.iter().map(|span| {
        let version: Cell = match span.version {
            Some(version) => number(words, version.version).into(),
            None => words.get("staff-timeline-none").as_ref().into(),
        };
        let reward = span.version.map(|version| reward_text(words, scale, &version.terms));
        vec![
            period(words, span.starts_at, span.ends_at).into(),
            version,
            reward.map_or_else(|| "–".into(), Cell::from),
        ]
    });
    Table::new(words.get("staff-timeline"), columns).rows(rows)
}

fn number(words: Words<'_>, version: u32) -> String {
    words.with("staff-version-number", &[("version", version.to_string().into())])
}

/// What the network pays and what the member gets, in words.
fn parts(words: Words<'_>, scale: Scale, reward: Reward) -> String {
    let (network, member) = match reward {
        Reward::Fixed { network, member } => {
            let figure = |amount: Amount| scale.format(amount.minor_units());
            (figure(network), figure(member))
        }
        Reward::Rate { network, member } => {
            (format!("{}%", per_cent(network)), format!("{}%", per_cent(member)))
        }
    };
    words.with("staff-parts", &[("network", network.into()), ("member", member.into())])
}

fn version_table(desk: &Desk<'_>, offer: &Offer) -> Table {
    let (words, scale, now) = (desk.words(), desk.site.config().scale, desk.site.now());
    let columns = vec![
        Column::text(words.get("staff-version")),
        Column::text(words.get("report-state")),
        Column::text(words.get("staff-timeline-period")),
        Column::text(words.get("staff-parts-title")),
        Column::text(words.get("staff-terms")),
    ];
    let rows = offer.versions.iter().rev().map(|version| {
        let terms = &version.terms;
        let repeat = match terms.repeat {
            Repeat::Always => "offer-repeat",
            Repeat::Once => "offer-once",
        };
        let mut more = vec![words.get(repeat).into_owned()];
        if terms.guaranteed {
            more.push(words.get("offer-guarantee-badge").into_owned());
        }
        if !terms.tiers.is_empty() {
            more.push(words.with("staff-tiers-count", &[("count", terms.tiers.len().into())]));
        }
        if terms.caps.is_some() {
            more.push(words.get("staff-capped").into_owned());
        }
        vec![
            number(words, version.version).into(),
            standing_badge(words, offer.standing(version, now)).into(),
            period(words, version.starts_at, version.ends_at).into(),
            parts(words, scale, terms.reward).into(),
            more.join(" / ").into(),
        ]
    });
    Table::new(words.get("staff-versions"), columns).rows(rows)
}

// A new version.

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewAsked {
    shop: String,
}

#[derive(Template)]
#[template(path = "editor/page_form.html")]
struct FormMain<'a> {
    words: Words<'a>,
    name: &'a str,
    errors: ErrorSummary,
    action: String,
    shop: &'a str,
    sections: Vec<Section>,
    send: Button,
    back: LinkButton,
}

/// Fields that belong together.
struct Section {
    title: String,
    note: Option<String>,
    fields: Vec<Html>,
}

async fn new_version(
    State(site): State<Site>,
    view: View,
    Path(id): Path<Id<kind::Offer>>,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<NewAsked>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &asked.shop)?;
    let now = site.now();
    let known = shelf.offers.get(&id);
    let last = known.and_then(|offer| offer.in_force(now).or_else(|| offer.versions.last()));
    let form = match last {
        Some(version) => OfferForm::of(version, shop, desk.units(), now),
        None => OfferForm::first(shop, accounts(&site).into_iter().next().unwrap_or_default(), now),
    };
    Ok(version_page(&desk, id, shop, &form, &Errors::new()))
}

fn accounts(site: &Site) -> Vec<String> {
    let networks = site.config().networks.iter();
    networks.map(|n| format!("{}/{}", n.code.as_str(), n.account.as_str())).collect()
}

async fn save_version(
    State(site): State<Site>,
    view: View,
    context: RequestContext,
    Path(id): Path<Id<kind::Offer>>,
    Caller(who): Caller<Authenticated>,
    Form(form): Form<OfferForm>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &form.shop)?;
    let draft = form.parse(desk.units()).and_then(|draft| {
        let terms = &draft.terms;
        let known = site.config().network(&terms.network, &terms.account).is_some();
        if known { Ok(draft) } else { Err(vec![("network", "choice")]) }
    });
    let draft = match draft {
        Ok(draft) => draft,
        Err(errors) => return Ok(version_page(&desk, id, shop, &form, &errors)),
    };
    let offer = SaveOffer {
        id,
        company: site.config().company,
        shop: shop.id(),
        terms: draft.terms,
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
    };
    let refusal: OfferRefusal =
        match site.run(EditOffer { editor: desk.editor(&context), offer }).await {
            Ok(Ok(version)) => {
                refresh(&site).await?;
                let address = format!("/staff/offers/{id}?saved={version}");
                return Ok(Redirect::to(&address).into_response());
            }
            Ok(Err(refusal)) => refusal,
            Err(fault) => return Err(faulted(&fault)),
        };
    match field_of(refusal) {
        Some(field) => {
            Ok(version_page(&desk, id, shop, &form, &vec![(field, refusal.code())]))
        }
        None => Err(Problem::new(&problems::NOT_FOUND)),
    }
}

fn version_page(
    desk: &Desk<'_>,
    id: Id<kind::Offer>,
    shop: &Shop,
    form: &OfferForm,
    errors: &Errors,
) -> Response {
    let words = desk.words();
    let fields = Fields { words, errors };
    let slug = shop.slug.as_str();
    let main = FormMain {
        words,
        name: shop.name.as_str(),
        errors: summary(words, errors),
        action: format!("/staff/offers/{id}"),
        shop: slug,
        sections: fields.sections(form, &accounts(desk.site)),
        send: Button::new(words.get("staff-version-send")),
        back: LinkButton::new(words.get("staff-shop-back"), format!("/staff/shops/{slug}"))
            .weight(Weight::Quiet),
    };
    desk.show(&words.get("staff-version-title"), status_of(errors), &main)
}

/// Makes the fields of a version.
struct Fields<'a> {
    words: Words<'a>,
    errors: &'a Errors,
}

impl Fields<'_> {
    fn sections(&self, form: &OfferForm, accounts: &[String]) -> Vec<Section> {
        let section = |key: &str, fields: Vec<Html>| Section {
            title: self.words.get(&format!("staff-section-{key}")).into_owned(),
            note: self.words.find(&format!("staff-section-{key}-note")).map(|n| n.into_owned()),
            fields,
        };
        let account = |text: &String| (text.clone(), text.clone());
        let accounts: Vec<(String, String)> = accounts.iter().map(account).collect();
        let (moment, figure) = (FieldKind::Moment, FieldKind::Figure);
        vec![
            section(
                "period",
                vec![
                    self.text("starts_at", &form.starts_at, moment),
                    self.optional("ends_at", &form.ends_at, moment),
                ],
            ),
            section(
                "reward",
                vec![
                    self.choice("kind", &form.kind, &["rate", "fixed"]),
                    self.text("reward", &form.reward, figure),
                    self.text("member", &form.member, figure),
                    self.optional("tiers", &form.tiers, FieldKind::Lines),
                    self.choice("repeat", &form.repeat, &["always", "once"]),
                ],
            ),
            section(
                "caps",
                vec![
                    self.optional("conversions_max", &form.conversions_max, figure),
                    self.optional("commission_max", &form.commission_max, figure),
                ],
            ),
            section(
                "days",
                vec![
                    self.text("record_by_days", &form.record_by_days, figure),
                    self.text("decide_by_days", &form.decide_by_days, figure),
                    self.text("cookie_days", &form.cookie_days, figure),
                    self.choice("guaranteed", &form.guaranteed, &["no", "yes"]),
                ],
            ),
            section(
                "terms",
                vec![
                    self.optional("conditions", &form.conditions, FieldKind::Lines),
                    self.optional("rejections", &form.rejections, FieldKind::Lines),
                ],
            ),
            section(
                "network",
                vec![
                    Html::of(&self.select("network", &form.network, accounts)),
                    self.text("tracking_url", &form.tracking_url, FieldKind::Text),
                ],
            ),
        ]
    }

    fn key(name: &str) -> String {
        format!("staff-field-{}", name.replace('_', "-"))
    }

    fn field(&self, name: &str, value: &str, kind: FieldKind) -> TextField {
        let key = Self::key(name);
        let hint = self.words.find(&format!("{key}-hint")).unwrap_or_default();
        TextField::new(self.words, name, self.words.get(&key))
            .kind(kind)
            .hint(hint)
            .value(value)
            .error(error_text(self.words, self.errors, name))
    }

    fn text(&self, name: &str, value: &str, kind: FieldKind) -> Html {
        Html::of(&self.field(name, value, kind))
    }

    fn optional(&self, name: &str, value: &str, kind: FieldKind) -> Html {
        Html::of(&self.field(name, value, kind).optional(self.words))
    }

    fn choice(&self, name: &str, chosen: &str, codes: &[&str]) -> Html {
        let key = Self::key(name);
        let label = |code: &&str| {
            let text = self.words.get(&format!("{key}-{code}")).into_owned();
            ((*code).to_owned(), text)
        };
        Html::of(&self.select(name, chosen, codes.iter().map(label).collect()))
    }

    fn select(&self, name: &str, chosen: &str, choices: Vec<(String, String)>) -> Select {
        let key = Self::key(name);
        let hint = self.words.find(&format!("{key}-hint")).unwrap_or_default();
        Select::new(name, self.words.get(&key), choices)
            .chosen(chosen)
            .hint(hint)
            .error(error_text(self.words, self.errors, name))
    }
}
