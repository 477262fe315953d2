use std::collections::BTreeSet;

use askama::Template;
use serde::Deserialize;

use crate::campaign::state::{ABOUT_MAX, SHOPS_MAX};
use crate::campaign::store::{find_campaigns, find_in_force, find_parts, list_campaigns};
use crate::campaign::{
    Campaign, CampaignChange, CampaignRefusal, CampaignReward, CampaignState, ChangeCampaign,
    EnterCampaign, Participation, Rules, SaveCampaign, SimulateError, Simulation, simulate_past,
};
use crate::figure::{amount, amount_or_zero, basis_points, per_cent};
use crate::offer::Shop;
use crate::shelf::category_name;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{AccountRole, Amount, Day, Id, Label, Scale, Timestamp, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Figure, LinkButton,
    Notice, Progress, Select, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State,
    StatusCode, View, Words, get, post, problems,
};

/// How many campaigns a list shows.
const LIST: u32 = 100;

const READ: Need = Need::OfferRead;
const MANAGE: Need = Need::CampaignManage;
const APPROVE: Need = Need::ConversionApprove;

/// What members see of campaigns, and the staff's editor.
pub(crate) fn routes() -> Routes<Site> {
    let own = Need::MemberSelf.code();
    Routes::of("point-site")
        .on(get("/campaigns", own), list)
        .on(get("/campaigns/{id}", own), show)
        .on(post("/campaigns/{id}", own).idempotent(), enter)
        .on(get("/staff/campaigns", READ.code()), staff_list)
        .on(get("/staff/campaigns/new", MANAGE.code()), new)
        .on(post("/staff/campaigns", MANAGE.code()).idempotent(), save)
        .on(get("/staff/campaigns/{id}", READ.code()), desk)
        .on(get("/staff/campaigns/{id}/edit", MANAGE.code()), edit)
        .on(post("/staff/campaigns/{id}", MANAGE.code()).idempotent(), handle)
        .on(post("/staff/campaigns/{id}/approve", APPROVE.code()).idempotent(), approve)
}

#[derive(Template)]
#[template(path = "campaign/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    cards: Vec<Card>,
    empty: EmptyState,
}

struct Card {
    name: String,
    href: String,
    reward: String,
    badge: Badge,
    until: String,
}

#[derive(Template)]
#[template(path = "campaign/page_campaign.html")]
struct CampaignMain<'a> {
    words: Words<'a>,
    name: &'a str,
    notice: Option<Notice>,
    reward: String,
    about: Vec<String>,
    facts: DataList,
    progress: DataList,
    action: String,
    enter: Option<Button>,
    shops: LinkButton,
    back: LinkButton,
}

#[derive(Template)]
#[template(path = "campaign/page_list.html")]
struct StaffListMain<'a> {
    words: Words<'a>,
    new: Option<LinkButton>,
    list: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "campaign/page_edit.html")]
struct EditMain<'a> {
    words: Words<'a>,
    errors: ErrorSummary,
    id: String,
    texts: Vec<TextField>,
    reward_kind: Select,
    figures: Vec<TextField>,
    entry: bool,
    first_purchase: bool,
    save: Button,
    back: LinkButton,
}

#[derive(Template)]
#[template(path = "campaign/page_desk.html")]
struct DeskMain<'a> {
    words: Words<'a>,
    name: &'a str,
    state: Badge,
    errors: ErrorSummary,
    progress: Progress,
    facts: DataList,
    simulated: Option<(DataList, Option<Table>)>,
    simulate: LinkButton,
    actions: Vec<Action>,
    edit: Option<LinkButton>,
    back: LinkButton,
}

struct Action {
    note: String,
    href: String,
    button: Button,
}

fn not_found() -> Problem {
    Problem::new(&problems::NOT_FOUND)
}

fn own(site: &Site, who: &Authenticated) -> Result<Id<kind::Member>, Problem> {
    who.require(Need::MemberSelf).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let member = authorize(who, Need::MemberSelf, own, member).map_err(|_denied| not_found())?;
    Ok(member.into_command())
}

fn permit(site: &Site, who: &Authenticated, need: Need) -> Result<(), Problem> {
    let resource = Resource::Company(site.config().company);
    authorize(who, need, resource, ()).map(access::Authorized::into_command).or_problem()
}

async fn find(site: &Site, id: Id<kind::Campaign>) -> Result<Campaign, Problem> {
    let company = site.config().company;
    let found = site.read(move |reader| find_campaigns(reader, company, &[id])).await?;
    found.into_values().next().ok_or_else(not_found)
}

/// What a campaign gives, as people read it.
fn reward_text(site: &Site, words: Words<'_>, reward: CampaignReward) -> String {
    let (key, figure) = match reward {
        CampaignReward::Fixed(amount) => {
            ("campaign-gives-fixed", site.config().scale.format(amount.minor_units()))
        }
        CampaignReward::OfSale(rate) => ("campaign-gives-sale", per_cent(rate)),
        CampaignReward::OfPoints(rate) => ("campaign-gives-points", per_cent(rate)),
    };
    words.with(key, &[("figure", figure.into())])
}

/// The last day on which something is in force.
fn last_day(ends_at: Timestamp) -> Day {
    Zone::JAPAN.day_of(ends_at.plus_microseconds(-1))
}

fn entry_badge(words: Words<'_>, campaign: &Campaign, part: Participation) -> Badge {
    match (campaign.rules.entry, part.entered_at) {
        (false, _) => Badge::new(Tone::Plain, words.get("campaign-no-entry")),
        (true, Some(_)) => Badge::new(Tone::Good, words.get("campaign-entered")),
        (true, None) => Badge::new(Tone::Wait, words.get("campaign-entry-needed")),
    }
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    let (company, now) = (site.config().company, site.now());
    let (campaigns, parts) = site
        .read(move |reader| {
            let found = find_in_force(reader, company, (now, now))?;
            Ok((found, find_parts(reader, &[member])?))
        })
        .await?;
    let words = view.words();
    let cards = campaigns.iter().filter(|campaign| campaign.runs(now)).map(|campaign| {
        let part = parts.get(&(campaign.id, member)).copied().unwrap_or_default();
        let until = last_day(campaign.rules.ends_at).to_string();
        Card {
            name: campaign.name.as_str().to_owned(),
            href: format!("/campaigns/{}", campaign.id),
            reward: reward_text(&site, words, campaign.rules.reward),
            badge: entry_badge(words, campaign, part),
            until: words.with("campaign-until", &[("day", until.into())]),
        }
    });
    let main = ListMain {
        words,
        cards: cards.collect(),
        empty: EmptyState::new(words.get("campaigns-empty"), words.get("campaigns-empty-text"))
            .action(LinkButton::new(words.get("shops-title"), "/shops")),
    };
    let nav = (site.config().member_nav)(&view);
    Ok(view.page(words.get("campaigns-title")).nav(nav).show(&main))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    campaign_page(&site, &view, member, id, None).await
}

async fn campaign_page(
    site: &Site,
    view: &View,
    member: Id<kind::Member>,
    id: Id<kind::Campaign>,
    refusal: Option<CampaignRefusal>,
) -> Result<Response, Problem> {
    let campaign = find(site, id).await?;
    match campaign.state {
        // What is not approved is nobody's business yet.
        CampaignState::Draft | CampaignState::Proposed { .. } => return Err(not_found()),
        CampaignState::Approved | CampaignState::Stopped | CampaignState::Closed => {}
    }
    let parts = site.read(move |reader| find_parts(reader, &[member])).await?;
    let part = parts.get(&(id, member)).copied().unwrap_or_default();
    let (words, now, rules) = (view.words(), site.now(), &campaign.rules);
    let runs = campaign.runs(now);
    let over = (!runs).then(|| {
        Notice::new(Tone::Plain, words.get("campaign-over"), words.get("campaign-over-text"))
    });
    let refused = refusal.map(|refusal| {
        let text = words.get(&format!("campaign-refused-{}", refusal.code()));
        Notice::new(Tone::Bad, words.get("campaign-not-entered"), text)
    });
    let points = Figure::amount(part.points, site.config().scale, words.get("points-unit"));
    let mut progress = DataList::new()
        .pair(words.get("campaign-entry"), entry_badge(words, &campaign, part))
        .pair(words.get("campaign-awards"), part.awards.to_string())
        .pair(words.get("campaign-points"), points);
    if let Some(max) = rules.member_max {
        let left = Figure::amount(
            max.saturating_sub(part.points),
            site.config().scale,
            words.get("points-unit"),
        );
        progress = progress.pair(words.get("campaign-left"), left);
    }
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = CampaignMain {
        words,
        name: campaign.name.as_str(),
        notice: refused.or(over),
        reward: reward_text(site, words, rules.reward),
        about: campaign.about.lines().map(str::to_owned).collect(),
        facts: conditions(site, words, rules),
        progress,
        action: format!("/campaigns/{id}"),
        enter: (runs && rules.entry && part.entered_at.is_none())
            .then(|| Button::new(words.get("campaign-enter"))),
        shops: LinkButton::new(words.get("shops-title"), "/shops").weight(Weight::Quiet),
        back: LinkButton::new(words.get("campaigns-title"), "/campaigns").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    Ok(view.page(campaign.name.as_str()).nav(nav).status(status).show(&main))
}

/// The conditions that members read; the budget is not theirs.
fn conditions(site: &Site, words: Words<'_>, rules: &Rules) -> DataList {
    let scale = site.config().scale;
    let figure = |amount: Amount| Figure::amount(amount, scale, words.get("points-unit"));
    let period = format!("{} – {}", Zone::JAPAN.day_of(rules.starts_at), last_day(rules.ends_at));
    let mut list = DataList::new()
        .pair(words.get("campaign-period"), period)
        .pair(words.get("campaign-where"), places(site, words, rules));
    if rules.first_purchase {
        list = list.pair(words.get("campaign-who"), words.get("campaign-first").as_ref());
    }
    if !rules.sale_min.is_zero() {
        let least = Figure::amount(rules.sale_min, Scale::default(), words.get("claim-yen"));
        list = list.pair(words.get("campaign-sale-min"), least);
    }
    if let Some(max) = rules.member_max {
        list = list.pair(words.get("campaign-member-max"), figure(max));
    }
    if let Some(max) = rules.winners_max {
        list = list.pair(words.get("campaign-winners-max"), max.to_string());
    }
    let days = rules.delay_days.to_string();
    list.pair(
        words.get("campaign-granted"),
        words.with("campaign-granted-after", &[("days", days.into())]),
    )
}

fn places(site: &Site, words: Words<'_>, rules: &Rules) -> String {
    let shelf = site.catalogue().shelf();
    let shops = rules.shops.iter().filter_map(|id| shelf.shops.get(id));
    let shops = shops.map(|shop| shop.name.as_str().to_owned());
    let categories = rules.categories.iter().map(|one| category_name(words, one.as_str()));
    let all: Vec<String> = shops.chain(categories).collect();
    if all.is_empty() { words.get("campaign-everywhere").into_owned() } else { all.join("、") }
}

async fn enter(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    let company = site.config().company;
    match site.run(EnterCampaign { company, campaign: id, member }).await {
        Ok(Ok(_entered_at)) => Ok(Redirect::to(&format!("/campaigns/{id}")).into_response()),
        Ok(Err(CampaignRefusal::NotFound)) => Err(not_found()),
        Ok(Err(refusal)) => campaign_page(&site, &view, member, id, Some(refusal)).await,
        Err(fault) => Err(faulted(&fault)),
    }
}

fn state_badge(words: Words<'_>, campaign: &Campaign, now: Timestamp) -> Badge {
    let (tone, key) = match campaign.state {
        CampaignState::Draft => (Tone::Plain, "draft"),
        CampaignState::Proposed { .. } => (Tone::Wait, "proposed"),
        CampaignState::Approved if now < campaign.rules.starts_at => (Tone::Good, "coming"),
        CampaignState::Approved if campaign.runs(now) => (Tone::Good, "running"),
        CampaignState::Approved => (Tone::Plain, "ended"),
        CampaignState::Stopped => (Tone::Bad, "stopped"),
        CampaignState::Closed => (Tone::Plain, "closed"),
    };
    Badge::new(tone, words.get(&format!("campaign-state-{key}")))
}

async fn staff_list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let (company, now) = (site.config().company, site.now());
    let campaigns = site.read(move |reader| list_campaigns(reader, company, LIST)).await?;
    let words = view.words();
    let columns = vec![
        Column::text(words.get("campaign-name")),
        Column::text(words.get("click-state")),
        Column::times(words.get("campaign-ends")),
        Column::figures(words.get("campaign-winners")),
        Column::figures(words.get("campaign-budget")),
    ];
    let scale = site.config().scale;
    let rows = campaigns.iter().map(|campaign| {
        vec![
            Cell::link(campaign.name.as_str(), format!("/staff/campaigns/{}", campaign.id)),
            state_badge(words, campaign, now).into(),
            last_day(campaign.rules.ends_at).to_string().into(),
            Figure::amount(Amount::from(campaign.winners), Scale::default(), "").into(),
            Figure::amount(campaign.rules.budget, scale, words.get("points-unit")).into(),
        ]
    });
    let table = Table::new(words.get("staff-page-campaigns"), columns).untitled().rows(rows);
    let may = who.needs().contains(MANAGE);
    let main = StaffListMain {
        words,
        new: may.then(|| LinkButton::new(words.get("campaign-new"), "/staff/campaigns/new")),
        list: (!campaigns.is_empty()).then_some(table),
        empty: EmptyState::new(
            words.get("campaigns-staff-empty"),
            words.get("campaigns-staff-empty-text"),
        ),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("staff-page-campaigns")).nav(nav).show(&main))
}

/// A campaign as a form holds it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Filled {
    id: String,
    name: String,
    about: String,
    starts_on: String,
    ends_on: String,
    shops: String,
    categories: String,
    reward_kind: String,
    reward: String,
    sale_min: String,
    member_max: String,
    winners_max: String,
    delay_days: String,
    budget: String,
    entry: String,
    first_purchase: String,
}

type Errors = Vec<(&'static str, String)>;

impl Filled {
    /// Fills the form with a campaign as it is.
    fn of(campaign: &Campaign, site: &Site) -> Self {
        let rules = &campaign.rules;
        let shelf = site.catalogue().shelf();
        let slugs = rules.shops.iter().filter_map(|id| shelf.shops.get(id));
        let slugs: Vec<_> = slugs.map(|shop| shop.slug.as_str()).collect();
        let categories: Vec<_> = rules.categories.iter().map(Token::as_str).collect();
        let optional = |amount: Option<Amount>| amount.map_or_else(String::new, plain);
        Self {
            id: campaign.id.to_string(),
            name: campaign.name.as_str().to_owned(),
            about: campaign.about.clone(),
            starts_on: Zone::JAPAN.day_of(rules.starts_at).to_string(),
            ends_on: last_day(rules.ends_at).to_string(),
            shops: slugs.join(" "),
            categories: categories.join(" "),
            reward_kind: rules.reward.code().to_owned(),
            reward: match rules.reward {
                CampaignReward::Fixed(amount) => plain(amount),
                CampaignReward::OfSale(rate) | CampaignReward::OfPoints(rate) => per_cent(rate),
            },
            sale_min: plain(rules.sale_min),
            member_max: optional(rules.member_max),
            winners_max: rules.winners_max.map_or_else(String::new, |max| max.to_string()),
            delay_days: rules.delay_days.to_string(),
            budget: plain(rules.budget),
            entry: if rules.entry { "1".to_owned() } else { String::new() },
            first_purchase: if rules.first_purchase { "1".to_owned() } else { String::new() },
        }
    }

    /// Reads the form, or says what is wrong with which field.
    fn read(&self, site: &Site, words: Words<'_>) -> Result<(Label, String, Rules), Errors> {
        let mut errors = Errors::new();
        let mut need = |name: &'static str, fits: bool, key: &str| {
            if !fits {
                errors.push((name, words.get(key).into_owned()));
            }
        };
        let name = Label::parse(&self.name);
        need("name", name.is_ok(), "campaign-name-wrong");
        let about = self.about.trim().replace("\r\n", "\n");
        need("about", about.chars().count() <= ABOUT_MAX, "claim-text-wrong");
        let (starts_on, ends_on) = (Day::parse(&self.starts_on), Day::parse(&self.ends_on));
        need("starts_on", starts_on.is_ok(), "campaign-day-wrong");
        need("ends_on", ends_on.is_ok(), "campaign-day-wrong");
        let shops = self.shops(site);
        need("shops", shops.is_some(), "campaign-shops-wrong");
        let categories: Option<BTreeSet<Token>> =
            self.categories.split_whitespace().map(|one| Token::parse(one).ok()).collect();
        need("categories", categories.is_some(), "campaign-categories-wrong");
        let reward = self.reward();
        need("reward", reward.is_some(), "campaign-reward-wrong");
        let amounts = [&self.sale_min, &self.member_max, &self.winners_max, &self.delay_days]
            .map(|text| amount_or_zero(text));
        let names = ["sale_min", "member_max", "winners_max", "delay_days"];
        for (name, amount) in names.into_iter().zip(amounts) {
            need(name, amount.is_some(), "campaign-figure-wrong");
        }
        let budget = amount(&self.budget);
        need("budget", budget.is_some(), "campaign-figure-wrong");
        let [sale_min, member_max, winners_max, delay_days] =
            amounts.map(|amount| amount.unwrap_or(Amount::ZERO));
        let parsed = (name, starts_on, ends_on);
        let ((Ok(name), Ok(starts_on), Ok(ends_on)), Some(shops), Some(categories)) =
            (parsed, shops, categories)
        else {
            return Err(errors);
        };
        let (Some(reward), Some(budget), true) = (reward, budget, errors.is_empty()) else {
            return Err(errors);
        };
        let winners = u32::try_from(winners_max.minor_units()).unwrap_or(u32::MAX);
        let rules = Rules {
            starts_at: Zone::JAPAN.start_of(starts_on),
            ends_at: Zone::JAPAN.start_of(ends_on.plus_days(1)),
            entry: !self.entry.is_empty(),
            first_purchase: !self.first_purchase.is_empty(),
            sale_min,
            shops,
            categories,
            reward,
            member_max: (!member_max.is_zero()).then_some(member_max),
            winners_max: (winners > 0).then_some(winners),
            delay_days: u16::try_from(delay_days.minor_units()).unwrap_or(u16::MAX),
            budget,
        };
        Ok((name, about, rules))
    }

    fn shops(&self, site: &Site) -> Option<BTreeSet<Id<kind::Shop>>> {
        let shelf = site.catalogue().shelf();
        let found: Option<BTreeSet<_>> =
            self.shops.split_whitespace().map(|slug| shelf.shop(slug).map(Shop::id)).collect();
        found.filter(|shops| shops.len() <= SHOPS_MAX)
    }

    fn reward(&self) -> Option<CampaignReward> {
        match self.reward_kind.as_str() {
            "fixed" => amount(&self.reward).map(CampaignReward::Fixed),
            "sale" => basis_points(&self.reward).map(CampaignReward::OfSale),
            "points" => basis_points(&self.reward).map(CampaignReward::OfPoints),
            _ => None,
        }
    }
}

fn plain(amount: Amount) -> String {
    amount.minor_units().to_string()
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let now = site.now();
    let id: Id<kind::Campaign> = site.next_id(now);
    let tomorrow = Zone::JAPAN.day_of(now).plus_days(1);
    let filled = Filled {
        id: id.to_string(),
        starts_on: tomorrow.to_string(),
        ends_on: tomorrow.month_end().to_string(),
        reward_kind: "points".to_owned(),
        ..Filled::default()
    };
    Ok(edit_page(&site, &view, &who, &filled, &Errors::new()))
}

async fn edit(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let campaign = find(&site, id).await?;
    Ok(edit_page(&site, &view, &who, &Filled::of(&campaign, &site), &Errors::new()))
}

fn edit_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    filled: &Filled,
    errors: &Errors,
) -> Response {
    let words = view.words();
    let error = |name: &str| {
        let found = errors.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let field = |name: &'static str, value: &str, kind: FieldKind| {
        let key = format!("campaign-field-{}", name.replace('_', "-"));
        let hint = words.find(&format!("{key}-hint")).unwrap_or_default();
        let field = TextField::new(words, name, words.get(&key)).kind(kind).value(value);
        field.hint(hint).error(error(name))
    };
    let optional = |name, value, kind| field(name, value, kind).optional(words);
    let (text, day, figure) = (FieldKind::Text, FieldKind::Day, FieldKind::Figure);
    let points = words.get("points-unit");
    let kinds = ["points", "sale", "fixed"]
        .map(|kind| (kind.to_owned(), words.get(&format!("campaign-kind-{kind}")).into_owned()));
    let listed = errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    let main = EditMain {
        words,
        errors: ErrorSummary::new(words, listed),
        id: filled.id.clone(),
        texts: vec![
            field("name", &filled.name, text).characters_max(120),
            optional("about", &filled.about, FieldKind::Lines).characters_max(2_000),
            field("starts_on", &filled.starts_on, day),
            field("ends_on", &filled.ends_on, day),
            optional("shops", &filled.shops, text),
            optional("categories", &filled.categories, text),
        ],
        reward_kind: Select::new("reward_kind", words.get("campaign-reward-kind"), kinds.into())
            .chosen(&filled.reward_kind),
        figures: vec![
            field("reward", &filled.reward, figure),
            optional("sale_min", &filled.sale_min, figure).suffix(words.get("claim-yen")),
            optional("member_max", &filled.member_max, figure).suffix(points.clone()),
            optional("winners_max", &filled.winners_max, figure),
            optional("delay_days", &filled.delay_days, figure),
            field("budget", &filled.budget, figure).suffix(points),
        ],
        entry: !filled.entry.is_empty(),
        first_purchase: !filled.first_purchase.is_empty(),
        save: Button::new(words.get("campaign-save")),
        back: LinkButton::new(words.get("campaigns-back"), "/staff/campaigns")
            .weight(Weight::Quiet),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(words.get("campaign-edit")).nav(nav).status(status).show(&main)
}

async fn save(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let id = Id::parse(&filled.id).map_err(|_none| not_found())?;
    let (name, about, rules) = match filled.read(&site, words) {
        Ok(parsed) => parsed,
        Err(errors) => return Ok(edit_page(&site, &view, &who, &filled, &errors)),
    };
    let company = site.config().company;
    match site.run(SaveCampaign { company, by: who, id, name, about, rules }).await {
        Ok(Ok(())) => Ok(Redirect::to(&format!("/staff/campaigns/{id}")).into_response()),
        Ok(Err(refusal)) => {
            let field = match refusal {
                CampaignRefusal::PeriodUnfit => "ends_on",
                CampaignRefusal::RewardUnfit => "reward",
                CampaignRefusal::BudgetUnfit => "budget",
                CampaignRefusal::NotFound
                | CampaignRefusal::StateUnfit
                | CampaignRefusal::SamePerson
                | CampaignRefusal::NotRunning
                | CampaignRefusal::NoEntry
                | CampaignRefusal::Unpayable => "name",
            };
            let text = words.get(&format!("campaign-refused-{}", refusal.code())).into_owned();
            Ok(edit_page(&site, &view, &who, &filled, &vec![(field, text)]))
        }
        Err(fault) => Err(faulted(&fault)),
    }
}

/// What the page is to work out.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    simulate: Option<u8>,
}

async fn desk(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let mut simulated = None;
    if asked.simulate.is_some() {
        let (shared, rules) = (site.clone(), find(&site, id).await?.rules);
        simulated = Some(match off_thread(move || simulate_past(&shared, &rules)).await {
            Ok(Ok(simulation)) => Some(simulation),
            Ok(Err(SimulateError::TooMany)) => None,
            Ok(Err(SimulateError::Database(fault))) | Err(fault) => return Err(faulted(&fault)),
        });
    }
    desk_page(&site, &view, &who, id, (simulated, None)).await
}

/// What a simulation gave; nothing when there was too much to look at.
type Simulated = Option<Option<Simulation>>;

async fn desk_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Campaign>,
    (simulated, refusal): (Simulated, Option<CampaignRefusal>),
) -> Result<Response, Problem> {
    let campaign = find(site, id).await?;
    let (words, now, rules) = (view.words(), site.now(), &campaign.rules);
    let errors = refusal.map(|refusal| {
        let text = words.get(&format!("campaign-refused-{}", refusal.code())).into_owned();
        ("state".to_owned(), text)
    });
    let status = if errors.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let scale = site.config().scale;
    let budget = Figure::amount(rules.budget, scale, words.get("points-unit"));
    let facts = DataList::new()
        .pair(words.get("campaign-reward"), reward_text(site, words, rules.reward))
        .pair(words.get("campaign-budget"), Cell::from(budget))
        .pair(words.get("campaign-winners"), campaign.winners.to_string())
        .pair(words.get("campaign-entry"), entry_badge(words, &campaign, Participation::default()));
    let main = DeskMain {
        words,
        name: campaign.name.as_str(),
        state: state_badge(words, &campaign, now),
        errors: ErrorSummary::new(words, errors.into_iter().collect()),
        progress: spent(site, words, &campaign),
        facts: conditions_after(facts, site, words, rules),
        simulated: simulated.map(|found| simulation(site, words, found.as_ref())),
        simulate: LinkButton::new(
            words.get("campaign-simulate"),
            format!("/staff/campaigns/{id}?simulate=1"),
        )
        .weight(Weight::Quiet),
        actions: actions(words, who, &campaign, now),
        edit: (campaign.state == CampaignState::Draft && who.needs().contains(MANAGE)).then(|| {
            LinkButton::new(words.get("campaign-edit"), format!("/staff/campaigns/{id}/edit"))
                .weight(Weight::Quiet)
        }),
        back: LinkButton::new(words.get("campaigns-back"), "/staff/campaigns")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(campaign.name.as_str()).nav(nav).status(status).show(&main))
}

fn conditions_after(facts: DataList, site: &Site, words: Words<'_>, rules: &Rules) -> DataList {
    let period = format!("{} – {}", Zone::JAPAN.day_of(rules.starts_at), last_day(rules.ends_at));
    let days = rules.delay_days.to_string();
    facts
        .pair(words.get("campaign-period"), period)
        .pair(words.get("campaign-where"), places(site, words, rules))
        .pair(
            words.get("campaign-granted"),
            words.with("campaign-granted-after", &[("days", days.into())]),
        )
}

/// How much of the budget is promised or granted, from the ledger.
fn spent(site: &Site, words: Words<'_>, campaign: &Campaign) -> Progress {
    let unit = site.config().unit.get();
    let id = Id::of(campaign.id, unit, AccountRole::Budget);
    let number = site.store().find_account(id);
    let account = number.and_then(|number| site.store().account(number));
    let budget = campaign.rules.budget;
    let left = account.map_or(budget, |account| account.available());
    let used = match campaign.state {
        CampaignState::Draft | CampaignState::Proposed { .. } => Amount::ZERO,
        CampaignState::Approved | CampaignState::Stopped | CampaignState::Closed => {
            budget.saturating_sub(left)
        }
    };
    let scale = site.config().scale;
    let text = words.with(
        "campaign-spent-text",
        &[
            ("used", scale.format(used.minor_units()).into()),
            ("budget", scale.format(budget.minor_units()).into()),
        ],
    );
    let units = |amount: Amount| amount.minor_units().unsigned_abs();
    Progress::new(words.get("campaign-spent"), text, units(used), units(budget))
}

fn simulation(
    site: &Site,
    words: Words<'_>,
    found: Option<&Simulation>,
) -> (DataList, Option<Table>) {
    let Some(found) = found else {
        let list = DataList::new();
        let text = words.get("campaign-simulation-too-many");
        return (list.pair(words.get("campaign-simulation"), text.as_ref()), None);
    };
    let scale = site.config().scale;
    let points = |amount| Figure::amount(amount, scale, words.get("points-unit"));
    let total = found.total();
    let short = found.short_on.map_or_else(
        || words.get("campaign-enough").into_owned(),
        |day| words.with("campaign-short", &[("day", day.to_string().into())]),
    );
    let list = DataList::new()
        .pair(words.get("campaign-simulation-seen"), found.seen.to_string())
        .pair(words.get("campaign-winners"), total.winners.to_string())
        .pair(words.get("campaign-members"), found.members().to_string())
        .pair(words.get("campaign-cost"), Cell::from(points(total.points)))
        .pair(words.get("campaign-budget"), short);
    let columns = vec![
        Column::times(words.get("campaign-day")),
        Column::figures(words.get("campaign-winners")),
        Column::figures(words.get("campaign-cost")),
    ];
    let rows = found.days.iter().map(|(day, count)| {
        let winners = Figure::amount(Amount::from(count.winners), Scale::default(), "");
        vec![day.to_string().into(), winners.into(), points(count.points).into()]
    });
    let table = Table::new(words.get("campaign-by-day"), columns).rows(rows);
    (list, (!found.days.is_empty()).then_some(table))
}

/// What can be done about a campaign, by who looks at it.
fn actions(
    words: Words<'_>,
    who: &Authenticated,
    campaign: &Campaign,
    now: Timestamp,
) -> Vec<Action> {
    let href = format!("/staff/campaigns/{}", campaign.id);
    let action = |act: &str, weight: Weight| Action {
        note: words.get(&format!("campaign-{act}-note")).into_owned(),
        href: if act == "approve" { format!("{href}/approve") } else { href.clone() },
        button: Button::new(words.get(&format!("campaign-{act}")))
            .weight(weight)
            .choice("act", act),
    };
    let (may, checks) = (who.needs().contains(MANAGE), who.needs().contains(APPROVE));
    match campaign.state {
        CampaignState::Draft if may => vec![action("propose", Weight::Primary)],
        CampaignState::Proposed { by } => {
            let approve = (checks && by != who.actor()).then(|| action("approve", Weight::Primary));
            approve.into_iter().chain(may.then(|| action("send_back", Weight::Quiet))).collect()
        }
        CampaignState::Approved if may && campaign.rules.ends_at <= now => {
            vec![action("close", Weight::Primary)]
        }
        CampaignState::Approved if may => vec![action("stop", Weight::Danger)],
        CampaignState::Stopped if may => vec![action("close", Weight::Primary)],
        CampaignState::Draft
        | CampaignState::Approved
        | CampaignState::Stopped
        | CampaignState::Closed => Vec::new(),
    }
}

/// What somebody of the staff does, as it was sent.
#[derive(Debug, Default, Deserialize)]
struct Act {
    #[serde(default, rename = "act")]
    what: String,
}

async fn handle(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let change = match act.what.as_str() {
        "propose" => CampaignChange::Propose,
        "send_back" => CampaignChange::SendBack,
        "stop" => CampaignChange::Stop,
        "close" => CampaignChange::Close,
        _ => return Err(not_found()),
    };
    decide(&site, &view, who, id, change).await
}

async fn approve(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Campaign>>,
) -> Result<Response, Problem> {
    permit(&site, &who, APPROVE)?;
    decide(&site, &view, who, id, CampaignChange::Approve).await
}

async fn decide(
    site: &Site,
    view: &View,
    who: Authenticated,
    id: Id<kind::Campaign>,
    change: CampaignChange,
) -> Result<Response, Problem> {
    let command = ChangeCampaign { config: site.shared_config(), campaign: id, by: who, change };
    match site.run(command).await {
        Ok(Ok(())) => Ok(Redirect::to(&format!("/staff/campaigns/{id}")).into_response()),
        Ok(Err(CampaignRefusal::NotFound)) => Err(not_found()),
        Ok(Err(refusal)) => desk_page(site, view, &who, id, (None, Some(refusal))).await,
        Err(fault) => Err(faulted(&fault)),
    }
}
