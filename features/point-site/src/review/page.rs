use std::collections::BTreeSet;

use askama::Template;
use serde::Deserialize;

use crate::conversion::{ConversionState, Review};
use crate::decision::store::{count_proposed, find_open};
use crate::decision::{
    Action, Choice, DecisionRefusal, DecisionState, Eyes, ProposeDecision, allowed, figures_needed,
};
use crate::review::store::{
    After, FIRST, Filter, QueueCounts, Waiting, count_waiting, list_waiting,
};
use crate::site::Site;
use access::{Authenticated, Authorized, Need, Resource, authorize};
use answers::{OrProblem as _, off_thread};
use store::natural_id;
use vocabulary::{Id, Label, Scale, Timestamp, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, EmptyState, Figure, Html, LinkButton, Notice, Pager, Select,
    Table, TextField, Tone, Weight,
};
use web::{
    Caller, Cursor, Form, IntoResponse as _, PageLimit, Paged, Problem, Query, Redirect, Response,
    Routes, State, StatusCode, View, Words, get, post,
};

/// The ages to look for, in days.
const AGES: [u16; 4] = [1, 3, 7, 30];

/// The staff's queue.
pub(crate) fn routes() -> Routes<Site> {
    let need = Need::ConversionDecide.code();
    Routes::of("point-site")
        .on(get("/staff/conversions", Need::ConversionRead.code()), list)
        .on(post("/staff/conversions", need).idempotent(), decide)
}

/// What is looked for, as the address says it.
#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    network: String,
    #[serde(default)]
    shop: String,
    #[serde(default)]
    days: Option<u16>,
    #[serde(default)]
    after: Option<Cursor>,
    #[serde(default)]
    done: Option<u32>,
    #[serde(default)]
    proposed: Option<u32>,
    #[serde(default)]
    refused: Option<u32>,
    #[serde(default)]
    why: String,
}

impl Asked {
    /// Reads the filter; what means nothing is left out, as an old bookmark may say it.
    fn filter(&self, now: Timestamp) -> Filter {
        let account = self.network.split_once('/').and_then(|(network, account)| {
            Some((Token::parse(network).ok()?, Token::parse(account).ok()?))
        });
        Filter {
            review: Review::parse(&self.reason),
            account,
            shop: Id::parse(&self.shop).ok(),
            until: self.days.map(|days| now.plus_days(i64::from(days).saturating_neg())),
        }
    }

    /// Writes the address of this list, without a place in it.
    fn address(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let days = self.days.map(|days| days.to_string()).unwrap_or_default();
        let names = ["reason", "network", "shop", "days"];
        for (name, value) in names.iter().zip([&self.reason, &self.network, &self.shop, &days]) {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        let query = pairs.finish();
        if query.is_empty() { ADDRESS.to_owned() } else { format!("{ADDRESS}?{query}") }
    }

    /// Adds to the address.
    fn address_with(&self, more: &str) -> String {
        let address = self.address();
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}{more}")
    }
}

const ADDRESS: &str = "/staff/conversions";

fn after_of(cursor: &Cursor) -> Option<After> {
    let (at, id) = cursor.key().split_at_checked(8)?;
    let at = i64::from_be_bytes(at.try_into().ok()?);
    Some((Timestamp::from_microseconds(at), u128::from_be_bytes(id.try_into().ok()?)))
}

fn cursor_of(waiting: &Waiting) -> Cursor {
    let at = waiting.since.as_microseconds().to_be_bytes();
    Cursor::new([at.as_slice(), &waiting.conversion.to_bytes()].concat())
}

#[derive(Template)]
#[template(path = "review/page.html")]
struct Main<'a> {
    words: Words<'a>,
    notices: Vec<Notice>,
    proposals: Option<LinkButton>,
    reason: Select,
    network: Select,
    shop: Select,
    age: Select,
    filter: Button,
    list: Option<(Table, Pager)>,
    bulk: Option<Bulk>,
    bulk_hint: bool,
    empty: EmptyState,
}

/// The form below the list, for many of one reason.
struct Bulk {
    form: String,
    back: String,
    action: Select,
    reason: TextField,
    send: Button,
}

#[derive(Template)]
#[template(
    source = r#"<input type="checkbox" name="cv" value="{{ value }}" aria-label="{{ label }}">"#,
    ext = "html"
)]
struct Tick {
    value: String,
    label: String,
}

/// What a page of the queue shows.
struct Found {
    waiting: Vec<Waiting>,
    open: BTreeSet<Id<kind::Conversion>>,
    counts: QueueCounts,
    proposed: u32,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let words = view.words();
    let mut notices = Vec::new();
    let counted = |key, count: u32| words.with(key, &[("count", count.to_string().into())]);
    if let Some(count) = asked.done.filter(|count| *count > 0) {
        notices.push(Notice::new(Tone::Good, counted("review-done", count), ""));
    }
    if let Some(count) = asked.proposed.filter(|count| *count > 0) {
        let text = words.get("review-proposed-text");
        notices.push(Notice::new(Tone::Wait, counted("review-proposed", count), text));
    }
    if let Some(count) = asked.refused.filter(|count| *count > 0) {
        let code = DecisionRefusal::CODES.iter().find(|code| **code == asked.why);
        let text = code.map(|code| words.get(&format!("decision-refused-{code}-next")));
        let text = text.unwrap_or_default();
        notices.push(Notice::new(Tone::Bad, counted("review-refused", count), text));
    }
    show(&site, &view, &who, asked, notices, StatusCode::OK).await
}

async fn show(
    site: &Site,
    view: &View,
    who: &Authenticated,
    asked: Asked,
    notices: Vec<Notice>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let (words, company) = (view.words(), site.config().company);
    let (filter, limit) = (asked.filter(site.now()), PageLimit::default());
    let after = asked.after.as_ref().and_then(after_of).unwrap_or(FIRST);
    let sought = filter.clone();
    let found = site
        .read(move |reader| {
            let waiting = list_waiting(reader, company, &sought, after, limit.and_one())?;
            let ids = waiting.iter().map(|waiting| waiting.conversion).collect();
            Ok(Found {
                open: find_open(reader, &ids)?,
                counts: count_waiting(reader, company)?,
                proposed: count_proposed(reader, company)?,
                waiting,
            })
        })
        .await?;
    let may_decide = who.require(Need::ConversionDecide).is_ok();
    let Found { waiting, open, counts, proposed } = found;
    let paged = Paged::new(waiting, limit, cursor_of);
    let bulk = filter.review.filter(|_| may_decide && !paged.items.is_empty());
    let bulk = bulk.and_then(|review| bulk_of(site, words, &asked, review, &paged.items));
    let next = paged.next.map(|next| asked.address_with(&format!("after={next}")));
    let first = asked.after.as_ref().map(|_| asked.address());
    let table = table(site, words, &paged.items, &open, bulk.is_some());
    let count = proposed.to_string();
    let main = Main {
        words,
        notices,
        proposals: (proposed > 0).then(|| {
            let label = words.with("review-to-proposals", &[("count", count.into())]);
            LinkButton::new(label, "/staff/decisions").weight(Weight::Quiet)
        }),
        reason: reasons(words, &counts, &asked),
        network: networks(site, words, &asked),
        shop: shops(site, words, &counts, &asked),
        age: ages(words, &asked),
        filter: Button::new(words.get("review-filter")).weight(Weight::Quiet),
        bulk_hint: bulk.is_none() && may_decide && filter.review.is_none(),
        bulk,
        list: (!paged.items.is_empty()).then(|| (table, Pager::new(words, first, next))),
        empty: empty(words, &asked),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("review-title")).nav(nav).status(status).show(&main))
}

fn empty(words: Words<'_>, asked: &Asked) -> EmptyState {
    if asked.address() == ADDRESS {
        return EmptyState::new(words.get("review-empty"), words.get("review-empty-text"));
    }
    let all = LinkButton::new(words.get("review-all"), ADDRESS).weight(Weight::Quiet);
    EmptyState::new(words.get("review-none"), words.get("review-none-text")).action(all)
}

fn reasons(words: Words<'_>, counts: &QueueCounts, asked: &Asked) -> Select {
    let all = (String::new(), words.get("review-any").into_owned());
    let counted = counts.reasons.iter().map(|(review, count)| {
        let name = words.get(&format!("review-{}", review.code()));
        (review.code().to_owned(), format!("{name} ({count})"))
    });
    let choices = core::iter::once(all).chain(counted).collect();
    Select::new("reason", words.get("review-reason"), choices).chosen(asked.reason.as_str())
}

fn networks(site: &Site, words: Words<'_>, asked: &Asked) -> Select {
    let all = (String::new(), words.get("review-any").into_owned());
    let known = site.config().networks.list();
    let accounts = known.iter().map(|network| {
        let value = format!("{}/{}", network.code.as_str(), network.account.as_str());
        (value.clone(), value)
    });
    let choices = core::iter::once(all).chain(accounts).collect();
    Select::new("network", words.get("report-network"), choices).chosen(asked.network.as_str())
}

fn shops(site: &Site, words: Words<'_>, counts: &QueueCounts, asked: &Asked) -> Select {
    let shelf = site.catalogue().shelf();
    let all = (String::new(), words.get("review-any").into_owned());
    let counted = counts.shops.iter().map(|(shop, count)| {
        let name = shelf.shops.get(shop).map_or("–", |shop| shop.name.as_str());
        (shop.to_string(), format!("{name} ({count})"))
    });
    let choices = core::iter::once(all).chain(counted).collect();
    Select::new("shop", words.get("click-shop"), choices).chosen(asked.shop.as_str())
}

fn ages(words: Words<'_>, asked: &Asked) -> Select {
    let all = (String::new(), words.get("review-any").into_owned());
    let days = AGES.iter().map(|days| {
        let text = words.with("review-days", &[("days", days.to_string().into())]);
        (days.to_string(), text)
    });
    let choices = core::iter::once(all).chain(days).collect();
    let chosen = asked.days.map(|days| days.to_string()).unwrap_or_default();
    Select::new("days", words.get("review-age"), choices).chosen(chosen)
}

/// Gives what can be done about every one of a list without more than a reason.
fn bulk_of(
    site: &Site,
    words: Words<'_>,
    asked: &Asked,
    review: Review,
    waiting: &[Waiting],
) -> Option<Bulk> {
    let can = |one: &Waiting, action: Action| {
        let click = one.shop.is_some() || action.eyes() == Eyes::Two;
        allowed(one.state, review).contains(&action)
            && click
            && !figures_needed(action, one.state, review)
    };
    let actions = Action::ALL.iter().filter(|action| waiting.iter().any(|one| can(one, **action)));
    let choices: Vec<_> = actions
        .map(|action| (action.code().to_owned(), words.get(&action_key(*action)).into_owned()))
        .collect();
    let hint = words.get("decision-reason-hint");
    (!choices.is_empty()).then(|| Bulk {
        form: site.next_id::<kind::Decision>(site.now()).to_string(),
        back: asked.address(),
        action: Select::new("action", words.get("decision-action"), choices),
        reason: TextField::new(words, "note", words.get("decision-reason"))
            .optional(words)
            .hint(hint)
            .characters_max(120),
        send: Button::new(words.get("review-bulk-send")),
    })
}

/// The key of an action's name; where another person has to approve, the name says so.
pub(crate) fn action_key(action: Action) -> String {
    format!("action-{}", action.code())
}

fn table(
    site: &Site,
    words: Words<'_>,
    waiting: &[Waiting],
    open: &BTreeSet<Id<kind::Conversion>>,
    ticks: bool,
) -> Table {
    let mut columns = vec![
        Column::text(words.get("review-conversion")),
        Column::text(words.get("review-reason")),
        Column::text(words.get("report-network")),
        Column::text(words.get("click-shop")),
        Column::figures(words.get("column-sale")),
        Column::figures(words.get("click-points")),
        Column::times(words.get("review-since")),
        Column::text(words.get("report-state")),
    ];
    if ticks {
        columns.push(Column::text(words.get("review-tick")));
    }
    let rows = waiting.iter().map(|one| row(site, words, one, open, ticks));
    Table::new(words.get("review-caption"), columns).rows(rows)
}

fn row(
    site: &Site,
    words: Words<'_>,
    one: &Waiting,
    open: &BTreeSet<Id<kind::Conversion>>,
    ticks: bool,
) -> Vec<Cell> {
    let shelf = site.catalogue().shelf();
    let shop = one.shop.and_then(|shop| shelf.shops.get(&shop));
    let proposed = open.contains(&one.conversion);
    let state = if proposed {
        Badge::new(Tone::Wait, words.get("decision-state-proposed"))
    } else {
        state_badge(words, one.state)
    };
    let scale = site.config().scale;
    let mut cells: Vec<Cell> = vec![
        Cell::link(one.external.as_str(), format!("{ADDRESS}/{}", one.conversion)),
        words.get(&format!("review-{}", one.review.code())).as_ref().into(),
        format!("{}/{}", one.network.as_str(), one.account.as_str()).into(),
        shop.map_or("–", |shop| shop.name.as_str()).into(),
        Figure::amount(one.sale, Scale::default(), "").into(),
        Figure::amount(one.points, scale, words.get("points-unit")).into(),
        Zone::JAPAN.format_minute(one.since).into(),
        state.into(),
    ];
    if ticks {
        let label = words.with("review-tick-one", &[("id", one.external.as_str().into())]);
        let tick = Tick { value: format!("{}:{}", one.conversion, one.version), label };
        cells.push(if proposed { "–".into() } else { Html::of(&tick).into() });
    }
    cells
}

/// Shows where a conversion stands.
pub(crate) fn state_badge(words: Words<'_>, state: ConversionState) -> Badge {
    let (tone, key) = match state {
        ConversionState::NeedsReview => (Tone::Plain, "state-needs-review"),
        ConversionState::Tracked { .. } => (Tone::Wait, "state-tracked"),
        ConversionState::Approved { .. } => (Tone::Good, "state-approved"),
        ConversionState::Rejected { .. } => (Tone::Bad, "state-rejected"),
        ConversionState::Reversed { .. } => (Tone::Bad, "state-reversed"),
    };
    Badge::new(tone, words.get(key))
}

/// Proves that somebody may do this at the site's company.
pub(crate) fn permit(site: &Site, who: &Authenticated, need: Need) -> Result<(), Problem> {
    let resource = Resource::Company(site.config().company);
    authorize(who, need, resource, ()).map(Authorized::into_command).or_problem()
}

/// What the form below the list sends.
struct Chosen {
    form: Id<kind::Decision>,
    choice: Choice,
    conversions: BTreeSet<(Id<kind::Conversion>, u32)>,
}

impl Chosen {
    fn read(pairs: &[(String, String)]) -> Result<Self, &'static str> {
        let field = |name: &str| {
            pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
        };
        let action = Action::parse(field("action")).ok_or("action")?;
        let form = Id::parse(field("form")).map_err(|_text| "action")?;
        let conversions: BTreeSet<_> = pairs
            .iter()
            .filter(|(key, _)| key == "cv")
            .filter_map(|(_, value)| {
                let (id, version) = value.split_once(':')?;
                Some((Id::parse(id).ok()?, version.parse().ok()?))
            })
            .collect();
        let reason = Label::parse(field("note")).ok();
        if conversions.is_empty() {
            return Err("none");
        }
        if reason.is_none() && matches!(action, Action::Reject | Action::TakeBack) {
            return Err("reason");
        }
        let choice = Choice { action, click: None, figures: None, reason };
        Ok(Self { form, choice, conversions })
    }
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionDecide)?;
    let back = pairs.iter().find(|(key, _)| key == "back").map_or("", |(_, value)| value);
    let query = back.strip_prefix(ADDRESS).unwrap_or("").trim_start_matches('?');
    let asked = asked_of(query);
    let chosen = match Chosen::read(&pairs) {
        Ok(chosen) => chosen,
        Err(code) => {
            let words = view.words();
            let next = words.get(&format!("review-bulk-{code}-next"));
            let title = words.get(&format!("review-bulk-{code}"));
            let notices = vec![Notice::new(Tone::Bad, title, next)];
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return show(&site, &view, &who, asked, notices, status).await;
        }
    };
    let commands: Vec<ProposeDecision> = chosen
        .conversions
        .iter()
        .map(|(conversion, version)| ProposeDecision {
            config: site.shared_config(),
            id: decision_id(chosen.form, *conversion),
            conversion: *conversion,
            version: *version,
            choice: chosen.choice.clone(),
            who,
        })
        .collect();
    let store = site.store().clone();
    let decisions = off_thread(move || store.run_all(commands)).await.or_problem()?.or_problem()?;
    let (mut done, mut proposed, mut refused, mut why) = (0_u32, 0_u32, 0_u32, "");
    for decision in decisions {
        match decision {
            Ok(DecisionState::Proposed) => proposed = proposed.saturating_add(1),
            Ok(_ended) => done = done.saturating_add(1),
            Err(refusal) => (refused, why) = (refused.saturating_add(1), refusal.code()),
        }
    }
    let told = format!("done={done}&proposed={proposed}&refused={refused}&why={why}");
    Ok(Redirect::to(&asked.address_with(&told)).into_response())
}

/// Names the decision of a form about one of its conversions: the same form again is the same.
pub(crate) fn decision_id(
    form: Id<kind::Decision>,
    conversion: Id<kind::Conversion>,
) -> Id<kind::Decision> {
    natural_id("site.decision", &[&form.to_bytes(), &conversion.to_bytes()])
}

fn asked_of(query: &str) -> Asked {
    let mut asked = Asked::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "reason" => asked.reason = value.into_owned(),
            "network" => asked.network = value.into_owned(),
            "shop" => asked.shop = value.into_owned(),
            "days" => asked.days = value.parse().ok(),
            _other => {}
        }
    }
    asked
}
