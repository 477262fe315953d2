use askama::Template;
use serde::Deserialize;

use crate::offer::{Look, Offer, SaveShop, Shelf, Shop, VersionStanding, reward_text};
use crate::search;
use crate::shelf::{CATEGORIES, category_name};
use crate::shop_editor::state::{Errors, Saved, ShopForm, ShopState, moment, parse_moment};
use crate::shop_editor::{EditShop, Editor, Intent};
use crate::site::Site;
use access::{Authenticated, Authorized, Need, Resource, authorize};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Id, Scale, Timestamp, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Html, LinkButton,
    Notice, Pager, Select, Table, Tabs, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, NavItem, Path, Problem, Query, Redirect, RequestContext,
    Response, Routes, State, StatusCode, View, Words, get, post, problems,
};

/// What is needed to look at shops and offers.
pub(crate) const READ: Need = Need::OfferRead;
/// What is needed to save them.
pub(crate) const MANAGE: Need = Need::OfferManage;

/// How many shops a page lists.
const SHOPS_SHOWN: usize = 60;

/// The staff's pages of shops.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/shops", READ.code()), list)
        .on(post("/staff/shops", MANAGE.code()).idempotent(), add_shop)
        .on(get("/staff/shops/new", MANAGE.code()), new_shop)
        .on(get("/staff/shops/{slug}", READ.code()), show_shop)
        .on(post("/staff/shops/{slug}", MANAGE.code()).idempotent(), change_shop)
        .on(get("/staff/shops/{slug}/preview", READ.code()), preview)
}

/// What all these pages need: the site, the view, who looks.
pub(crate) struct Desk<'a> {
    pub(crate) site: &'a Site,
    view: &'a View,
    who: Authenticated,
}

impl<'a> Desk<'a> {
    /// Lets somebody of this company in who may do what is needed.
    pub(crate) fn open(
        site: &'a Site,
        view: &'a View,
        who: Authenticated,
        need: Need,
    ) -> Result<Self, Problem> {
        let resource = Resource::Company(site.config().company);
        authorize(&who, need, resource, ()).map(Authorized::into_command).or_problem()?;
        Ok(Self { site, view, who })
    }

    pub(crate) fn words(&self) -> Words<'a> {
        self.view.words()
    }

    pub(crate) fn may_manage(&self) -> bool {
        self.who.needs().contains(MANAGE)
    }

    pub(crate) fn show(&self, title: &str, status: StatusCode, main: &impl Template) -> Response {
        let nav = (self.site.config().staff_nav)(self.view, self.who.needs());
        self.view.page(title).nav(nav).status(status).show(main)
    }

    pub(crate) fn editor(&self, context: &RequestContext) -> Editor {
        Editor { by: self.who, request: Id::parse(context.request_id.as_str()).ok() }
    }
}

pub(crate) const fn status_of(errors: &Errors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

pub(crate) fn find_shop<'a>(shelf: &'a Shelf, slug: &str) -> Result<&'a Shop, Problem> {
    let found = shelf.shops.values().find(|shop| shop.slug.as_str() == slug);
    found.ok_or_else(|| Problem::new(&problems::NOT_FOUND))
}

/// The error of a field, in words.
pub(crate) fn error_text(words: Words<'_>, errors: &Errors, field: &str) -> String {
    let error = errors.iter().find(|(known, _)| *known == field);
    error.map_or_else(String::new, |(_, code)| {
        words.get(&format!("edit-error-{}", code.replace('_', "-"))).into_owned()
    })
}

pub(crate) fn summary(words: Words<'_>, errors: &Errors) -> ErrorSummary {
    let told =
        errors.iter().map(|(field, _)| ((*field).to_owned(), error_text(words, errors, field)));
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
#[template(path = "shop_editor/page.html")]
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
    let rows =
        shops.iter().map(|(state, shop)| shop_row(words, scale, &shelf, (*state, shop), now));
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
    let reward: Cell = found.map_or_else(
        || "–".into(),
        |(_, version)| reward_text(words, scale, &version.terms).into(),
    );
    let changes =
        shelf.offers_of(shop.id()).filter_map(|offer| offer.timeline(now).into_iter().nth(1));
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
#[template(path = "shop_editor/page_shop.html")]
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
pub(crate) async fn refresh(site: &Site) -> Result<(), Problem> {
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
        let href = format!("{}/new", offer_address(slug, id));
        actions.push(LinkButton::new(words.get("staff-offer-new"), href));
    }
    let preview = format!("/staff/shops/{slug}/preview");
    actions.push(LinkButton::new(words.get("staff-preview"), preview).weight(Weight::Quiet));
    let main = ShopMain {
        words,
        name: shop.name.as_str(),
        notice: saved.then(|| Notice::new(Tone::Good, words.get("staff-saved"), "")),
        errors: summary(words, errors),
        offers: (!offers.is_empty()).then(|| offer_table(desk, &shelf, (slug, &offers))),
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

fn offer_table(desk: &Desk<'_>, shelf: &Shelf, (slug, offers): (&str, &[&Offer])) -> Table {
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
            Cell::link(short(offer.id), offer_address(slug, offer.id)),
            badge.into(),
            terms.map_or_else(Cell::default, |terms| reward_text(words, scale, terms).into()),
            network.unwrap_or_default().into(),
            Scale::default().format(clicks).into(),
        ]
    });
    Table::new(words.get("staff-offers"), columns).rows(rows)
}

pub(crate) fn offer_address(slug: &str, id: Id<kind::Offer>) -> String {
    format!("/staff/shops/{slug}/offers/{id}")
}

/// The end of an id, which tells the offers of a shop apart.
fn short(id: Id<kind::Offer>) -> String {
    let text = id.to_string();
    text.chars().skip(text.chars().count().saturating_sub(8)).collect()
}

pub(crate) fn standing_badge(words: Words<'_>, standing: VersionStanding) -> Badge {
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
#[template(path = "shop_editor/page_preview.html")]
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
