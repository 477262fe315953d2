use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use serde::Deserialize;

use crate::click::{parse_reference, reference};
use crate::conversion::{
    Conversion, ConversionFacts, ConversionState, Outcome, Route, batch_id, paid_by, taken_by,
};
use crate::decision::store::{
    Candidate, Cause, VersionStory, find_decisions, find_messages, list_candidates, list_decisions,
    list_proposed, list_versions,
};
use crate::decision::{
    Action, Choice, Decision, DecisionRefusal, DecisionState, EndDecision, Eyes, Figures,
    ProposeDecision, Verdict, allowed, figures_needed, settle,
};
use crate::figure;
use crate::message::Request;
use crate::report::find_row;
use crate::report::store::find_reports;
use crate::review::store::{After, FIRST};
use crate::review::{action_key, decision_id, permit, state_badge};
use crate::site::Site;
use crate::undo::UndoState;
use crate::undo::store::list_undos;
use access::{Actor, Authenticated, Need, find_actors};
use answers::{OrProblem as _, faulted, off_thread};
use ledger::{ActorNumber, Movement};
use store::{Fault, Reader};
use vocabulary::{AccountRole, Amount, Id, Label, Scale, Timestamp, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Figure, Html,
    LinkButton, Notice, Pager, Select, StepState, Story, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Cursor, Form, IntoResponse as _, PageLimit, Paged, Path, Problem, Query, Redirect,
    Response, Routes, State, StatusCode, View, Words, get, post, problems,
};

/// How far the clocks of a network may be ahead of a click, as the rules have it.
const CLOCKS_APART_SECONDS: i64 = 900;
/// How many movements of the member are looked through for those of one conversion.
const MOVEMENTS: u32 = 500;

const CONVERSIONS: &str = "/staff/conversions";
const PROPOSALS: &str = "/staff/decisions";

/// A conversion with its story and what can be done, and the proposals of all.
pub(crate) fn routes() -> Routes<Site> {
    let (read, decide_need) = (Need::ConversionRead.code(), Need::ConversionDecide.code());
    let approve = Need::ConversionApprove.code();
    Routes::of("point-site")
        .on(get("/staff/conversions/{id}", read), show)
        .on(post("/staff/conversions/{id}", decide_need).idempotent(), decide)
        .on(post("/staff/conversions/{id}/withdraw", decide_need).idempotent(), withdraw)
        .on(get(PROPOSALS, read), proposals)
        .on(post(PROPOSALS, approve).idempotent(), end)
}

#[derive(Template)]
#[template(path = "decision/page.html")]
struct Main<'a> {
    words: Words<'a>,
    external: &'a str,
    state: Badge,
    notices: Vec<Notice>,
    facts: DataList,
    story: Story,
    raw: Vec<(String, String)>,
    postings: Option<Table>,
    decisions: Option<Table>,
    pending: Option<Pending>,
    form: Option<DecideForm>,
    find_member: Option<TextField>,
    find: Button,
    address: String,
    back: LinkButton,
}

/// A proposal that waits, and who may end it.
struct Pending {
    id: String,
    what: String,
    back: String,
    approve: Option<(Button, Button)>,
    withdraw: Option<Button>,
    note: String,
}

struct DecideForm {
    id: String,
    version: u32,
    errors: ErrorSummary,
    action: Select,
    click: Option<Select>,
    sale: TextField,
    commission: TextField,
    reason: TextField,
    /// Whether the figures are to be seen at once.
    open: bool,
    send: Button,
}

/// All that is known of a conversion.
struct Whole {
    conversion: Conversion,
    versions: Vec<VersionStory>,
    decisions: Vec<Decision>,
    messages: BTreeMap<(Timestamp, Id<kind::Message>), Request>,
    rows: BTreeMap<Id<kind::Report>, String>,
    candidates: Vec<Candidate>,
    movements: Vec<Movement>,
    actors: Vec<Actor>,
}

/// What the address asks for beside the conversion.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// A member whose clicks are to be chosen from, while none is known.
    #[serde(default)]
    member: String,
    #[serde(default)]
    told: String,
}

async fn load(
    site: &Site,
    id: Id<kind::Conversion>,
    member: Option<Id<kind::Member>>,
) -> Result<Whole, Problem> {
    let shared = site.clone();
    let found = site.read(move |reader| read_whole(&shared, reader, id, member)).await?;
    let mut whole = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    if let Some(route) = &whole.conversion.route {
        let account = Id::of(route.member, site.config().unit.get(), AccountRole::Member);
        let store = site.store().clone();
        let history = move || match store.find_account(account) {
            Some(number) => store.history(number, None, MOVEMENTS),
            None => Ok(Vec::new()),
        };
        let movements = off_thread(history).await.or_problem()?.or_problem()?;
        let versions = whole.versions.iter().filter(|version| version.posted);
        let batches: BTreeSet<_> = versions.map(|version| batch_id(id, version.version)).collect();
        let own = movements.into_iter().filter(|movement| batches.contains(&movement.batch));
        whole.movements = own.collect();
        whole.movements.reverse();
    }
    Ok(whole)
}

fn read_whole(
    site: &Site,
    reader: &mut Reader<'_>,
    id: Id<kind::Conversion>,
    member: Option<Id<kind::Member>>,
) -> Result<Option<Whole>, Fault> {
    let company = site.config().company;
    let named = BTreeSet::from([id]);
    let none = core::iter::empty();
    let facts = ConversionFacts::load_by_id(&site.shared_config(), &named, none, reader)?;
    let Some(conversion) = facts.known.get(&id).cloned() else { return Ok(None) };
    let versions = list_versions(reader, id)?;
    let (mut messages, mut reports) = (BTreeSet::new(), BTreeSet::new());
    for version in &versions {
        match version.cause {
            Cause::Message(message) => messages.insert(message),
            Cause::Report(report) => reports.insert(report),
            Cause::Undo(_) | Cause::Person => false,
        };
    }
    let mut rows = BTreeMap::new();
    // A conversion is in one or two files; a file is read piece by piece.
    for report in reports.iter().rev().take(3) {
        if let Some(row) = find_row(reader, *report, &conversion.key.external)? {
            rows.insert(*report, row);
        }
    }
    let route = conversion.route.as_ref();
    let until = conversion.occurred_at.plus_seconds(CLOCKS_APART_SECONDS);
    let candidates = match route.map(|route| route.member).or(member) {
        Some(member) if matches!(conversion.state, ConversionState::NeedsReview) => {
            let shop = route.map(|route| route.shop);
            list_candidates(reader, company, member, shop, until)?
        }
        Some(_) | None => Vec::new(),
    };
    let decisions = list_decisions(reader, id)?;
    let actors = find_actors(reader, &actors_of(&decisions))?;
    Ok(Some(Whole {
        messages: find_messages(reader, company, &messages)?,
        movements: Vec::new(),
        conversion,
        versions,
        decisions,
        rows,
        candidates,
        actors,
    }))
}

fn actors_of(decisions: &[Decision]) -> Vec<ActorNumber> {
    let ended = decisions.iter().filter_map(|decision| decision.state.ended()).map(|(by, _)| by);
    decisions.iter().map(|decision| decision.proposed_by).chain(ended).collect()
}

fn name_of(actors: &[Actor], number: ActorNumber) -> String {
    let known = actors.iter().find(|actor| actor.number == number);
    known.map_or_else(|| format!("#{}", number.ordinal()), |actor| actor.label.as_str().to_owned())
}

/// What somebody sent, to be shown again beside what is wrong with it.
#[derive(Default)]
struct Sent {
    fields: BTreeMap<String, String>,
    refusal: Option<DecisionRefusal>,
    /// A field that could not be read.
    wrong: Option<&'static str>,
}

impl Sent {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Conversion>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let member = Id::parse(asked.member.trim()).ok();
    let whole = load(&site, id, member).await?;
    let words = view.words();
    let mut notices = Vec::new();
    if ["proposed", "done", "declined", "overtaken"].contains(&asked.told.as_str()) {
        let tone = if asked.told == "done" { Tone::Good } else { Tone::Wait };
        let (key, text) =
            (format!("decided-{}", asked.told), format!("decided-{}-text", asked.told));
        notices.push(Notice::new(tone, words.get(&key), words.get(&text)));
    }
    if member.is_some() && whole.candidates.is_empty() {
        let next = words.get("decision-no-clicks-next");
        notices.push(Notice::new(Tone::Wait, words.get("decision-no-clicks"), next));
    }
    Ok(render(&site, &view, &who, &whole, (notices, Sent::default())))
}

fn render(
    site: &Site,
    view: &View,
    who: &Authenticated,
    whole: &Whole,
    (mut notices, sent): (Vec<Notice>, Sent),
) -> Response {
    let words = view.words();
    let conversion = &whole.conversion;
    if let Some(review) = conversion.review {
        let (title, next) =
            (format!("review-{}", review.code()), format!("review-{}-next", review.code()));
        notices.push(Notice::new(Tone::Wait, words.get(&title), words.get(&next)));
    }
    let open = whole.decisions.iter().find(|one| one.state == DecisionState::Proposed);
    let may_decide = who.require(Need::ConversionDecide).is_ok() && open.is_none();
    let unmatched = may_decide
        && matches!(conversion.state, ConversionState::NeedsReview)
        && conversion.route.is_none();
    let failed = sent.refusal.is_some() || sent.wrong.is_some();
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let member = TextField::new(words, "member", words.get("decision-member"));
    let main = Main {
        words,
        external: conversion.key.external.as_str(),
        state: state_badge(words, conversion.state),
        notices,
        facts: facts(site, words, conversion),
        story: story(words, whole),
        raw: raw(words, whole),
        postings: postings(site, words, whole),
        decisions: (!whole.decisions.is_empty()).then(|| decisions(words, whole)),
        pending: open.map(|open| pending(words, who, open)),
        form: may_decide.then(|| form(site, words, whole, &sent)).flatten(),
        find_member: unmatched.then(|| member.hint(words.get("decision-member-hint"))),
        find: Button::new(words.get("decision-find")).weight(Weight::Quiet),
        address: format!("{CONVERSIONS}/{}", conversion.id),
        back: LinkButton::new(words.get("decision-back"), CONVERSIONS).weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(words.get("decision-title")).nav(nav).status(status).show(&main)
}

fn facts(site: &Site, words: Words<'_>, conversion: &Conversion) -> DataList {
    let shelf = site.catalogue().shelf();
    let minute = |at| Zone::JAPAN.format_minute(at);
    let (scale, unit) = (site.config().scale, words.get("points-unit"));
    let account =
        format!("{}/{}", conversion.key.network.as_str(), conversion.key.account.as_str());
    let mut list = DataList::new()
        .pair(words.get("report-network"), account)
        .pair(words.get("column-occurred_at"), minute(conversion.occurred_at))
        .pair(words.get("fact-tracked"), minute(conversion.tracked_at))
        .pair(words.get("column-sale"), Figure::amount(conversion.sale, Scale::default(), ""))
        .pair(
            words.get("column-commission"),
            Figure::amount(conversion.commission, Scale::default(), ""),
        )
        .pair(words.get("click-points"), Figure::amount(conversion.points, scale, unit));
    if let Some(order) = &conversion.order {
        list = list.pair(words.get("column-order"), order.as_str());
    }
    if let Some(claimed) = conversion.claimed {
        let key = format!("claimed-{}", claimed.code());
        list = list.pair(words.get("fact-claimed"), words.get(&key).as_ref());
    }
    if let Some(reason) = &conversion.reason {
        list = list.pair(words.get("column-reason"), reason.as_str());
    }
    let Some(route) = &conversion.route else {
        return list.pair(words.get("click-shop"), words.get("fact-no-click").as_ref());
    };
    let shop = shelf.shops.get(&route.shop).map_or("–", |shop| shop.name.as_str());
    let version =
        words.with("fact-offer-version", &[("version", route.offer_version.to_string().into())]);
    list.pair(words.get("click-shop"), shop)
        .pair(words.get("fact-member"), route.member.to_string())
        .pair(words.get("click-at"), minute(route.clicked_at))
        .pair(words.get("click-number"), reference(route.click))
        .pair(words.get("fact-offer"), version)
        .pair(
            words.get("fact-click-network"),
            format!("{}/{}", route.network.as_str(), route.account.as_str()),
        )
        .pair(words.get("fact-due"), minute(route.due_at()))
}

/// Tells what came when, from the click to now.
fn story(words: Words<'_>, whole: &Whole) -> Story {
    let mut story = Story::new();
    if let Some(route) = &whole.conversion.route {
        let when = Zone::JAPAN.format_minute(route.clicked_at);
        story = story.step(words, StepState::Done, words.get("story-clicked"), when, "");
    }
    for version in &whole.versions {
        let cause = match version.cause {
            Cause::Message(_) => "story-by-message",
            Cause::Report(_) => "story-by-report",
            Cause::Undo(_) => "story-by-undo",
            Cause::Person => "story-by-person",
        };
        let text = words.with(
            "story-text",
            &[
                ("cause", words.get(cause).into_owned().into()),
                ("sale", Scale::default().format(version.sale.minor_units()).into()),
                ("points", Scale::default().format(version.points.minor_units()).into()),
            ],
        );
        let title = words.get(&outcome_key(version.outcome));
        let when = Zone::JAPAN.format_minute(version.at);
        story = story.step(words, StepState::Done, title, when, text);
    }
    story
}

fn outcome_key(outcome: Outcome) -> String {
    format!("outcome-{}", outcome.code())
}

/// What networks said, word for word.
fn raw(words: Words<'_>, whole: &Whole) -> Vec<(String, String)> {
    let messages = whole.messages.iter().map(|((at, _), request)| {
        let at = Zone::JAPAN.format_minute(*at);
        let title = words.with("raw-message", &[("at", at.into())]);
        (title, request.as_str().chars().take(2_000).collect())
    });
    let rows = whole.rows.values().map(|row| (words.get("raw-row").into_owned(), row.clone()));
    messages.chain(rows).collect()
}

fn postings(site: &Site, words: Words<'_>, whole: &Whole) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("posting-kind")),
        Column::times(words.get("posting-at")),
        Column::figures(words.get("posting-amount")),
        Column::figures(words.get("posting-seq")),
    ];
    let unit = words.get("points-unit");
    let rows = whole.movements.iter().map(|movement| {
        vec![
            words.get(&format!("posting-{}", movement.kind.name())).as_ref().into(),
            Zone::JAPAN.format_minute(movement.at).into(),
            Figure::amount(movement.amount, site.config().scale, unit.clone()).into(),
            movement.seq.to_string().into(),
        ]
    });
    let table = Table::new(words.get("postings-title"), columns).rows(rows);
    (!whole.movements.is_empty()).then_some(table)
}

/// Says what a choice is, in words.
fn choice_text(words: Words<'_>, choice: &Choice) -> String {
    let mut text = words.get(&action_key(choice.action)).into_owned();
    if let Some(Figures { sale, commission }) = choice.figures {
        let plain = |amount: Amount| Scale::default().format(amount.minor_units());
        let figures = [("sale", plain(sale).into()), ("commission", plain(commission).into())];
        text = format!("{text} · {}", words.with("choice-figures", &figures));
    }
    if let Some(click) = choice.click {
        let click = words.with("choice-click", &[("click", reference(click).into())]);
        text = format!("{text} · {click}");
    }
    match &choice.reason {
        Some(reason) => format!("{text} · {}", reason.as_str()),
        None => text,
    }
}

fn decisions(words: Words<'_>, whole: &Whole) -> Table {
    let columns = vec![
        Column::text(words.get("decision-what")),
        Column::text(words.get("report-state")),
        Column::text(words.get("decision-by")),
        Column::times(words.get("decision-at")),
        Column::text(words.get("decision-ended-by")),
    ];
    let rows = whole.decisions.iter().map(|decision| {
        let ended = decision.state.ended().map(|(by, at)| {
            format!("{} · {}", name_of(&whole.actors, by), Zone::JAPAN.format_minute(at))
        });
        vec![
            choice_text(words, &decision.choice).into(),
            decision_badge(words, decision.state).into(),
            name_of(&whole.actors, decision.proposed_by).into(),
            Zone::JAPAN.format_minute(decision.proposed_at).into(),
            ended.unwrap_or_else(|| "–".to_owned()).into(),
        ]
    });
    Table::new(words.get("decisions-title"), columns).rows(rows)
}

fn decision_badge(words: Words<'_>, state: DecisionState) -> Badge {
    let tone = match state {
        DecisionState::Proposed => Tone::Wait,
        DecisionState::Done { .. } => Tone::Good,
        DecisionState::Declined { .. } | DecisionState::Overtaken { .. } => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("decision-state-{}", state.code())))
}

fn pending(words: Words<'_>, who: &Authenticated, open: &Decision) -> Pending {
    let own = open.proposed_by == who.actor();
    let may = who.require(Need::ConversionApprove).is_ok() && !own;
    let note = if own {
        "pending-own"
    } else if may {
        "pending-check"
    } else {
        "pending-other"
    };
    Pending {
        id: open.id.to_string(),
        what: choice_text(words, &open.choice),
        back: format!("{CONVERSIONS}/{}", open.conversion),
        approve: may.then(|| {
            let approve = Button::new(words.get("decision-approve")).choice("verdict", "approve");
            let decline = Button::new(words.get("decision-decline")).choice("verdict", "decline");
            (approve, decline.weight(Weight::Danger))
        }),
        withdraw: own.then(|| Button::new(words.get("decision-withdraw")).weight(Weight::Quiet)),
        note: words.get(note).into_owned(),
    }
}

fn form(site: &Site, words: Words<'_>, whole: &Whole, sent: &Sent) -> Option<DecideForm> {
    let conversion = &whole.conversion;
    let review = conversion.review?;
    let actions = allowed(conversion.state, review);
    let choices = actions.iter().map(|action| {
        let name = words.get(&action_key(*action));
        let name = match action.eyes() {
            Eyes::Two => name.into_owned(),
            Eyes::Four => words.with("action-proposed", &[("action", name.as_ref().into())]),
        };
        (action.code().to_owned(), name)
    });
    let wrong = sent.wrong.or_else(|| sent.refusal.map(field_of));
    let message = match (sent.wrong, sent.refusal) {
        (Some(field), _) => words.get(&format!("decision-wrong-{field}")).into_owned(),
        (None, Some(refusal)) => {
            let key = format!("decision-refused-{}", refusal.code());
            format!("{} {}", words.get(&key), words.get(&format!("{key}-next")))
        }
        (None, None) => String::new(),
    };
    let error = |name: &str| if wrong == Some(name) { message.clone() } else { String::new() };
    let amount = |name: &'static str, label: &str, known: Amount| {
        let known = Scale::default().format(known.minor_units());
        let hint = words.with("decision-figure-hint", &[("known", known.into())]);
        let field = TextField::new(words, name, words.get(label)).optional(words);
        field.kind(FieldKind::Figure).hint(hint).value(sent.text(name)).error(error(name))
    };
    let reason = TextField::new(words, "note", words.get("decision-reason")).optional(words);
    let errors = wrong.map(|field| (field.to_owned(), message.clone()));
    let needed = actions.iter().any(|one| figures_needed(*one, conversion.state, review));
    let form = sent.text("form");
    let fresh = || site.next_id::<kind::Decision>(site.now()).to_string();
    Some(DecideForm {
        id: if form.is_empty() { fresh() } else { form.to_owned() },
        version: conversion.version,
        errors: ErrorSummary::new(words, errors.into_iter().collect()),
        action: Select::new("action", words.get("decision-action"), choices.collect())
            .chosen(sent.text("action"))
            .error(error("action")),
        click: click_select(site, words, whole, sent).map(|select| select.error(error("click"))),
        sale: amount("sale", "column-sale", conversion.sale),
        commission: amount("commission", "column-commission", conversion.commission),
        reason: reason
            .hint(words.get("decision-reason-hint"))
            .characters_max(120)
            .value(sent.text("note"))
            .error(error("note")),
        open: needed || matches!(wrong, Some("sale" | "commission")),
        send: Button::new(words.get("decision-send")),
    })
}

fn click_select(site: &Site, words: Words<'_>, whole: &Whole, sent: &Sent) -> Option<Select> {
    let shelf = site.catalogue().shelf();
    let key = &whole.conversion.key;
    let stay = (String::new(), words.get("decision-click-stays").into_owned());
    let clicks = whole.candidates.iter().map(|click| {
        let shop = shelf.shops.get(&click.shop).map_or("–", |shop| shop.name.as_str());
        let at = Zone::JAPAN.format_minute(click.clicked_at);
        let account = format!("{}/{}", click.network.as_str(), click.account.as_str());
        let elsewhere = (&click.network, &click.account) != (&key.network, &key.account);
        let mark = if elsewhere { words.get("decision-click-elsewhere") } else { "".into() };
        (reference(click.click), format!("{at} · {shop} · {account} {mark}"))
    });
    let choices: Vec<_> = core::iter::once(stay).chain(clicks).collect();
    let select = Select::new("click", words.get("decision-click"), choices);
    let hint = words.get("decision-click-hint");
    (!whole.candidates.is_empty()).then(|| select.hint(hint).chosen(sent.text("click")))
}

/// The field beside which a refusal is shown.
const fn field_of(refusal: DecisionRefusal) -> &'static str {
    match refusal {
        DecisionRefusal::ClickUnknown
        | DecisionRefusal::OtherMember
        | DecisionRefusal::ClickNeeded => "click",
        DecisionRefusal::FiguresNeeded | DecisionRefusal::OutOfRange => "sale",
        DecisionRefusal::ReasonNeeded => "note",
        DecisionRefusal::NotFound
        | DecisionRefusal::IdTaken
        | DecisionRefusal::Ended
        | DecisionRefusal::Changed
        | DecisionRefusal::AlreadyProposed
        | DecisionRefusal::SamePerson
        | DecisionRefusal::NotAllowed
        | DecisionRefusal::Ledger(_) => "action",
    }
}

/// Reads what a form says; the field that cannot be read otherwise.
fn read_choice(sent: &Sent) -> Result<(Id<kind::Decision>, u32, Choice), &'static str> {
    let form = Id::parse(sent.text("form")).map_err(|_text| "action")?;
    let version = sent.text("version").parse().map_err(|_text| "action")?;
    let action = Action::parse(sent.text("action")).ok_or("action")?;
    let click = match sent.text("click") {
        "" => None,
        text => Some(parse_reference(text).ok_or("click")?),
    };
    let amount = |name: &'static str| match sent.text(name).trim() {
        "" => Ok(None),
        text => figure::amount(text)
            .filter(|figure| *figure <= Amount::from(u32::MAX))
            .map(Some)
            .ok_or(name),
    };
    let figures = match (amount("sale")?, amount("commission")?) {
        (None, None) => None,
        (Some(sale), Some(commission)) => Some(Figures { sale, commission }),
        (Some(_), None) => return Err("commission"),
        (None, Some(_)) => return Err("sale"),
    };
    let reason = match sent.text("note") {
        "" => None,
        text => Some(Label::parse(text).map_err(|_text| "note")?),
    };
    Ok((form, version, Choice { action, click, figures, reason }))
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Conversion>>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionDecide)?;
    let mut sent = Sent { fields, ..Sent::default() };
    match read_choice(&sent) {
        Ok((form, version, choice)) => {
            let config = site.shared_config();
            let decision = decision_id(form, id);
            let command =
                ProposeDecision { config, id: decision, conversion: id, version, choice, who };
            match site.run(command).await.or_problem()? {
                Ok(state) => {
                    let address = format!("{CONVERSIONS}/{id}?told={}", state.code());
                    return Ok(Redirect::to(&address).into_response());
                }
                Err(DecisionRefusal::NotFound) => {
                    return Err(Problem::new(&problems::NOT_FOUND));
                }
                Err(refusal) => sent.refusal = Some(refusal),
            }
        }
        Err(field) => sent.wrong = Some(field),
    }
    let click = parse_reference(sent.text("click"));
    let member = match click {
        Some(click) => member_of(&site, click).await?,
        None => Id::parse(sent.text("member")).ok(),
    };
    let whole = load(&site, id, member).await?;
    Ok(render(&site, &view, &who, &whole, (Vec::new(), sent)))
}

/// Finds whose click it is, so that the same clicks can be chosen from again.
async fn member_of(
    site: &Site,
    click: Id<kind::Click>,
) -> Result<Option<Id<kind::Member>>, Problem> {
    let company = site.config().company;
    let find = move |reader: &mut Reader<'_>| crate::click::find_routes(reader, company, &[click]);
    let routes = site.read(find).await?;
    Ok(routes.values().next().map(|route| route.member))
}

async fn withdraw(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Conversion>>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionDecide)?;
    let decision = fields.get("id").and_then(|text| Id::<kind::Decision>::parse(text).ok());
    let decision = decision.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let find = move |reader: &mut Reader<'_>| find_decisions(reader, &[decision]);
    let own = site.read(find).await?.remove(&decision);
    let own = own.filter(|one| one.conversion == id && one.proposed_by == who.actor());
    own.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let (config, verdict) = (site.shared_config(), Verdict::Decline);
    let ended = site.run(EndDecision { config, id: decision, verdict, who }).await;
    match ended.map_err(|fault| faulted(&fault))? {
        Ok(state) => {
            let address = format!("{CONVERSIONS}/{id}?told={}", state.code());
            Ok(Redirect::to(&address).into_response())
        }
        Err(_ended) => Ok(Redirect::to(&format!("{CONVERSIONS}/{id}")).into_response()),
    }
}

#[derive(Template)]
#[template(path = "decision/page_proposals.html")]
struct ProposalsMain<'a> {
    words: Words<'a>,
    notices: Vec<Notice>,
    list: Option<(Table, Pager)>,
    approve: Option<(Button, Button)>,
    /// Reports that somebody proposed to undo.
    undos: Vec<LinkButton>,
    empty: EmptyState,
    back: LinkButton,
}

#[derive(Template)]
#[template(
    source = r#"<input type="checkbox" name="id" value="{{ value }}" aria-label="{{ label }}">"#,
    ext = "html"
)]
struct Tick {
    value: String,
    label: String,
}

#[derive(Debug, Default, Deserialize)]
struct ProposalsAsked {
    #[serde(default)]
    after: Option<Cursor>,
    #[serde(default)]
    done: Option<u32>,
    #[serde(default)]
    declined: Option<u32>,
    #[serde(default)]
    overtaken: Option<u32>,
    #[serde(default)]
    refused: Option<u32>,
    #[serde(default)]
    why: String,
}

fn after_of(cursor: &Cursor) -> Option<After> {
    let (at, id) = cursor.key().split_at_checked(8)?;
    let at = i64::from_be_bytes(at.try_into().ok()?);
    Some((Timestamp::from_microseconds(at), u128::from_be_bytes(id.try_into().ok()?)))
}

fn cursor_of(decision: &Decision) -> Cursor {
    let at = decision.proposed_at.as_microseconds().to_be_bytes();
    Cursor::new([at.as_slice(), &decision.id.to_bytes()].concat())
}

async fn proposals(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<ProposalsAsked>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionRead)?;
    let (words, company) = (view.words(), site.config().company);
    let limit = PageLimit::default();
    let after = asked.after.as_ref().and_then(after_of).unwrap_or(FIRST);
    let config = site.shared_config();
    let (found, facts, actors, undone) = site
        .read(move |reader| {
            let found = list_proposed(reader, company, after, limit.and_one())?;
            let named = found.iter().map(|decision| decision.conversion).collect();
            let clicks = found.iter().filter_map(|decision| decision.choice.click);
            let facts = ConversionFacts::load_by_id(&config, &named, clicks, reader)?;
            let actors = find_actors(reader, &actors_of(&found))?;
            let undos = list_undos(reader, company, UndoState::Proposed)?;
            let reports: Vec<_> = undos.iter().map(|undo| undo.report).collect();
            Ok((found, facts, actors, find_reports(reader, &reports)?))
        })
        .await?;
    let paged = Paged::new(found, limit, cursor_of);
    let may = who.require(Need::ConversionApprove).is_ok();
    let mut table =
        Table::new(words.get("proposals-title"), proposal_columns(words, may)).untitled();
    for decision in &paged.items {
        let effect = effect_of(site.now(), decision, &facts);
        let name = name_of(&actors, decision.proposed_by);
        let ticks = may.then_some(decision.proposed_by != who.actor());
        table = table.row(proposal_row(&site, words, (decision, &facts, effect), &name, ticks));
    }
    let next = paged.next.map(|next| format!("?after={next}"));
    let first = asked.after.as_ref().map(|_| PROPOSALS.to_owned());
    let others = paged.items.iter().any(|decision| decision.proposed_by != who.actor());
    let button = |key: &str, verdict: &str| Button::new(words.get(key)).choice("verdict", verdict);
    let main = ProposalsMain {
        words,
        notices: proposal_notices(words, &asked),
        list: (!paged.items.is_empty()).then(|| (table, Pager::new(words, first, next))),
        approve: (may && others).then(|| {
            let decline = button("decision-decline", "decline").weight(Weight::Danger);
            (button("decision-approve", "approve"), decline)
        }),
        undos: undone
            .values()
            .map(|report| {
                let name = [("file", report.file_name.as_str().into())];
                let address = format!("/staff/reports/{}/undo", report.id);
                let label = words.with("proposal-undo", &name);
                LinkButton::new(label, address).weight(Weight::Quiet)
            })
            .collect(),
        empty: EmptyState::new(words.get("proposals-empty"), words.get("proposals-empty-text")),
        back: LinkButton::new(words.get("decision-back"), CONVERSIONS).weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("proposals-title")).nav(nav).show(&main))
}

fn proposal_notices(words: Words<'_>, asked: &ProposalsAsked) -> Vec<Notice> {
    let counts = [
        (asked.done, Tone::Good, "review-done"),
        (asked.declined, Tone::Plain, "review-declined"),
        (asked.overtaken, Tone::Wait, "review-overtaken"),
        (asked.refused, Tone::Bad, "review-refused"),
    ];
    let mut notices = Vec::new();
    for (count, tone, key) in counts {
        let Some(count) = count.filter(|count| *count > 0) else { continue };
        let why = DecisionRefusal::CODES.iter().find(|code| **code == asked.why);
        let next = why.filter(|_| tone == Tone::Bad);
        let next = next.map(|code| words.get(&format!("decision-refused-{code}-next")));
        let title = words.with(key, &[("count", count.to_string().into())]);
        notices.push(Notice::new(tone, title, next.unwrap_or_default()));
    }
    notices
}

fn proposal_columns(words: Words<'_>, may: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::text(words.get("review-conversion")),
        Column::text(words.get("decision-what")),
        Column::figures(words.get("proposal-effect")),
        Column::text(words.get("review-reason")),
        Column::text(words.get("decision-by")),
        Column::times(words.get("decision-at")),
    ];
    if may {
        columns.push(Column::text(words.get("review-tick")));
    }
    columns
}

/// What carrying a proposal out changes for the member; `None` when the conversion changed since.
fn effect_of(now: Timestamp, decision: &Decision, facts: &ConversionFacts) -> Option<i64> {
    let current = facts.known.get(&decision.conversion)?;
    if current.version != decision.version {
        return None;
    }
    let click: Option<&Route> = decision.choice.click.and_then(|click| facts.routes.get(&click));
    let plan = settle(current, &decision.choice, click, now).ok()?;
    let granted = paid_by(plan.effect).unwrap_or(Amount::ZERO).minor_units();
    Some(granted.saturating_sub(taken_by(plan.effect, current.points).minor_units()))
}

fn proposal_row(
    site: &Site,
    words: Words<'_>,
    (decision, facts, effect): (&Decision, &ConversionFacts, Option<i64>),
    name: &str,
    ticks: Option<bool>,
) -> Vec<Cell> {
    let known = facts.known.get(&decision.conversion);
    let external = known.map_or("–", |known| known.key.external.as_str());
    let review = decision.review.map(|review| words.get(&format!("review-{}", review.code())));
    let effect: Cell = match effect {
        Some(change) => {
            Figure::change(change, site.config().scale, words.get("points-unit")).into()
        }
        None => Badge::new(Tone::Wait, words.get("decision-state-overtaken")).into(),
    };
    let mut cells: Vec<Cell> = vec![
        Cell::link(external, format!("{CONVERSIONS}/{}", decision.conversion)),
        choice_text(words, &decision.choice).into(),
        effect,
        review.as_deref().unwrap_or("–").into(),
        name.into(),
        Zone::JAPAN.format_minute(decision.proposed_at).into(),
    ];
    if let Some(others) = ticks {
        let label = words.with("review-tick-one", &[("id", external.into())]);
        let tick = Tick { value: decision.id.to_string(), label };
        let own = || words.get("proposal-own").as_ref().into();
        cells.push(if others { Html::of(&tick).into() } else { own() });
    }
    cells
}

async fn end(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::ConversionApprove)?;
    let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let verdict = match field("verdict").map(String::as_str) {
        Some("approve") => Verdict::Approve,
        Some("decline") => Verdict::Decline,
        Some(_) | None => return Err(Problem::new(&problems::NOT_FOUND)),
    };
    let ids: BTreeSet<Id<kind::Decision>> = pairs
        .iter()
        .filter(|(key, _)| key == "id")
        .filter_map(|(_, value)| Id::parse(value).ok())
        .collect();
    let config = site.shared_config();
    let commands: Vec<EndDecision> = ids
        .into_iter()
        .map(|id| EndDecision { config: config.clone(), id, verdict, who })
        .collect();
    let store = site.store().clone();
    let ended = off_thread(move || store.run_all(commands)).await.or_problem()?.or_problem()?;
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut why = "";
    for decision in &ended {
        let code = match decision {
            Ok(state) => state.code(),
            Err(refusal) => {
                why = refusal.code();
                "refused"
            }
        };
        let count = counts.entry(code).or_default();
        *count = count.saturating_add(1);
    }
    let told: Vec<String> = counts.iter().map(|(code, count)| format!("{code}={count}")).collect();
    Ok(Redirect::to(&format!("{PROPOSALS}?{}&why={why}", told.join("&"))).into_response())
}
