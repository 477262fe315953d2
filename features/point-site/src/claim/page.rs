use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::bonus::store::find_bonuses;
use crate::bonus::{Bonus, Cause};
use crate::claim::command::ClaimedClick;
use crate::claim::state::TEXT_MAX;
use crate::claim::store::{
    count_states, find_claims, find_evidence, find_purchases, list_events, list_of_member,
    list_of_state,
};
use crate::claim::{
    ChangeClaim, Claim, ClaimAction, ClaimChange, ClaimEvent, ClaimRefusal, ClaimState, Evidence,
    FileClaim,
};
use crate::click::reference;
use crate::conversion::ConversionState;
use crate::figure::amount;
use crate::person::person;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::{OrProblem as _, faulted};
use ledger::ActorNumber;
use vocabulary::{Amount, Day, Id, Reference, Timestamp, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Figure, LinkButton,
    Notice, StepState, Story, Table, Tabs, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, NavItem, Path, Problem, Query, Redirect, Response, Routes,
    State, StatusCode, View, Words, get, post, problems,
};

/// How many claims a list shows.
const LIST: u32 = 100;
/// The states that staff have to do something about, in the order of the tabs.
const PENDING: [&str; 4] = ["open", "asked", "sent", "proposed"];

const DECIDE: Need = Need::ClaimDecide;
const APPROVE: Need = Need::ConversionApprove;

/// The member's own claims, and the staff's inbox.
pub(crate) fn routes() -> Routes<Site> {
    let own = Need::MemberSelf.code();
    Routes::of("point-site")
        .on(get("/claims", own), list)
        .on(get("/claims/new", own), new)
        .on(post("/claims", own).idempotent(), file)
        .on(get("/claims/{id}", own), show)
        .on(post("/claims/{id}", own).idempotent(), change)
        .on(get("/staff/claims", DECIDE.code()), inbox)
        .on(get("/staff/claims/{id}", DECIDE.code()), desk)
        .on(post("/staff/claims/{id}", DECIDE.code()).idempotent(), handle)
        .on(post("/staff/claims/{id}/approve", APPROVE.code()).idempotent(), approve)
}

#[derive(Template)]
#[template(path = "claim/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    list: Option<Table>,
    clicks: LinkButton,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "claim/page_new.html")]
struct NewMain<'a> {
    words: Words<'a>,
    title: String,
    lead: String,
    errors: ErrorSummary,
    notice: Option<Notice>,
    form: Option<NewForm>,
    back: LinkButton,
}

struct NewForm {
    facts: DataList,
    click: String,
    conversion: String,
    order: TextField,
    purchased_on: TextField,
    sale: TextField,
    details: TextField,
    send: Button,
}

#[derive(Template)]
#[template(path = "claim/page_claim.html")]
struct ClaimMain<'a> {
    words: Words<'a>,
    shop: &'a str,
    state: Badge,
    notice: Notice,
    errors: ErrorSummary,
    story: Story,
    facts: DataList,
    action: String,
    answer: Option<(TextField, Button)>,
    withdraw: Option<Button>,
    back: LinkButton,
}

#[derive(Template)]
#[template(path = "claim/page_inbox.html")]
struct InboxMain<'a> {
    words: Words<'a>,
    tabs: Tabs,
    list: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "claim/page_desk.html")]
struct DeskMain<'a> {
    words: Words<'a>,
    number: String,
    shop: &'a str,
    state: Badge,
    errors: ErrorSummary,
    facts: DataList,
    story: Story,
    details: &'a str,
    evidence: Option<Table>,
    others: Option<Table>,
    action: String,
    forms: Option<Handling>,
    check: Option<Checking>,
    back: LinkButton,
}

struct Handling {
    take: Button,
    send: Button,
    text: TextField,
    ask: Button,
    refuse: Button,
    points: TextField,
    reason: TextField,
    propose: Button,
}

struct Checking {
    note: Notice,
    approve: Button,
    reason: TextField,
    send_back: Button,
}

/// Names of fields with what is wrong there.
type Errors = Vec<(&'static str, String)>;

fn error<'e>(errors: &'e Errors, name: &str) -> &'e str {
    errors.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text.as_str())
}

fn summary(words: Words<'_>, errors: &Errors) -> ErrorSummary {
    let errors = errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    ErrorSummary::new(words, errors.collect())
}

fn status(errors: &Errors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// Says what was refused and what to do next.
fn refused(words: Words<'_>, refusal: ClaimRefusal) -> String {
    words.get(&format!("claim-refused-{}", refusal.code())).into_owned()
}

fn own(site: &Site, who: &Authenticated) -> Result<Id<kind::Member>, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(Need::MemberSelf).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let member = authorize(who, Need::MemberSelf, own, member).map_err(|_denied| not_found())?;
    Ok(member.into_command())
}

fn state_badge(words: Words<'_>, state: ClaimState, paid: bool) -> Badge {
    let (tone, key) = match state {
        ClaimState::Open => (Tone::Wait, "open"),
        ClaimState::Asked => (Tone::Wait, "asked"),
        ClaimState::Sent => (Tone::Wait, "sent"),
        ClaimState::Proposed { .. } => (Tone::Wait, "proposed"),
        ClaimState::Granted { .. } if paid => (Tone::Good, "paid"),
        ClaimState::Granted { .. } => (Tone::Good, "granted"),
        ClaimState::Waiting { .. } => (Tone::Wait, "waiting"),
        ClaimState::Refused => (Tone::Bad, "refused"),
        ClaimState::Withdrawn => (Tone::Plain, "withdrawn"),
        ClaimState::Merged => (Tone::Plain, "merged"),
    };
    Badge::new(tone, words.get(&format!("claim-state-{key}")))
}

fn day(at: Timestamp) -> String {
    Zone::JAPAN.day_of(at).to_string()
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    let company = site.config().company;
    let (claims, bonuses) = site
        .read(move |reader| {
            let claims = list_of_member(reader, member, LIST)?;
            let ids: Vec<_> = claims.iter().map(bonus_id).collect();
            let bonuses = find_bonuses(reader, company, &ids)?;
            Ok((claims, bonuses))
        })
        .await?;
    let words = view.words();
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::text(words.get("click-state")),
        Column::text(words.get("claim-order")),
        Column::times(words.get("claim-filed")),
    ];
    let rows = claims.iter().map(|claim| {
        let paid = bonuses.get(&bonus_id(claim)).is_some_and(|bonus| bonus.standing.granted());
        vec![
            Cell::link(claim.shop_name.as_str(), format!("/claims/{}", claim.id)),
            state_badge(words, member_state(claim.state), paid).into(),
            claim.order.as_str().into(),
            day(claim.filed_at).into(),
        ]
    });
    let table = Table::new(words.get("claims-title"), columns).untitled().rows(rows);
    let main = ListMain {
        words,
        list: (!claims.is_empty()).then_some(table),
        clicks: LinkButton::new(words.get("claims-from-clicks"), "/clicks").weight(Weight::Quiet),
        empty: EmptyState::new(words.get("claims-empty"), words.get("claims-empty-text"))
            .action(LinkButton::new(words.get("clicks-title"), "/clicks")),
    };
    let nav = (site.config().member_nav)(&view);
    Ok(view.page(words.get("claims-title")).nav(nav).show(&main))
}

fn bonus_id(claim: &Claim) -> Id<kind::Bonus> {
    Cause::Claim(claim.id).bonus(claim.id)
}

/// What the form of a new claim holds, as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
struct Filled {
    #[serde(default)]
    click: String,
    #[serde(default)]
    conversion: String,
    #[serde(default)]
    order: String,
    #[serde(default)]
    purchased_on: String,
    #[serde(default)]
    sale: String,
    #[serde(default)]
    details: String,
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(filled): Query<Filled>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    new_page(&site, &view, member, filled, Errors::new()).await
}

/// Shows the form about a click of the member's own; or, where nothing can be claimed, says why.
async fn new_page(
    site: &Site,
    view: &View,
    member: Id<kind::Member>,
    filled: Filled,
    errors: Errors,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let click: Id<kind::Click> = Id::parse(&filled.click).map_err(|_none| not_found())?;
    let conversion = conversion_of(&filled).map_err(|()| not_found())?;
    let company = site.config().company;
    let found = site.read(move |reader| find_purchases(reader, company, &[click])).await?;
    let found = found.get(&click).filter(|found| found.member == member).ok_or_else(not_found)?;
    let words = view.words();
    let possible = found.purchase.claimable(conversion, None, site.now());
    let kind = possible.map_or("unrecorded", crate::claim::ClaimKind::code);
    let notice = possible.err().map(|refusal| {
        let title = words.get("claim-not-now");
        Notice::new(Tone::Wait, title, refused(words, refusal))
    });
    let status = status(&errors);
    let main = NewMain {
        words,
        title: words.get(&format!("claim-kind-{kind}")).into_owned(),
        lead: words.get(&format!("claim-kind-{kind}-lead")).into_owned(),
        errors: summary(words, &errors),
        form: possible.is_ok().then(|| new_form(words, click, found, &filled, &errors)),
        notice,
        back: LinkButton::new(words.get("clicks-title"), "/clicks").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    Ok(view.page(words.get("claim-new")).nav(nav).status(status).show(&main))
}

fn new_form(
    words: Words<'_>,
    click: Id<kind::Click>,
    found: &ClaimedClick,
    filled: &Filled,
    errors: &Errors,
) -> NewForm {
    let field = |name: &'static str, key: &str, value: &str| {
        TextField::new(words, name, words.get(key)).value(value).error(error(errors, name))
    };
    let clicked_on = day(found.purchase.clicked_at);
    let purchased_on =
        if filled.purchased_on.is_empty() { &clicked_on } else { &filled.purchased_on };
    NewForm {
        facts: DataList::new()
            .pair(words.get("click-shop"), found.shop_name.as_str())
            .pair(words.get("click-at"), Zone::JAPAN.format_minute(found.purchase.clicked_at))
            .pair(words.get("click-number"), reference(click)),
        click: filled.click.clone(),
        conversion: filled.conversion.clone(),
        order: field("order", "claim-order", &filled.order)
            .hint(words.get("claim-order-hint"))
            .characters_max(120),
        purchased_on: field("purchased_on", "claim-purchased", purchased_on).kind(FieldKind::Day),
        sale: field("sale", "claim-sale", &filled.sale)
            .kind(FieldKind::Figure)
            .hint(words.get("claim-sale-hint"))
            .suffix(words.get("claim-yen"))
            .characters_max(12),
        details: field("details", "claim-details", &filled.details)
            .kind(FieldKind::Lines)
            .optional(words)
            .hint(words.get("claim-details-hint"))
            .characters_max(2_000),
        send: Button::new(words.get("claim-send")),
    }
}

fn conversion_of(filled: &Filled) -> Result<Option<Id<kind::Conversion>>, ()> {
    if filled.conversion.is_empty() {
        return Ok(None);
    }
    Id::parse(&filled.conversion).map(Some).map_err(|_none| ())
}

/// Reads a text of several lines; `None` when it is too long or has control characters.
fn lines(text: &str) -> Option<String> {
    let text = text.trim().replace("\r\n", "\n");
    let fits = text.chars().count() <= TEXT_MAX;
    let plain = text.chars().all(|character| !character.is_control() || character == '\n');
    (fits && plain).then_some(text)
}

async fn file(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    let words = view.words();
    let command = match read_claim(&site, who, member, &filled, words) {
        Ok(command) => command,
        Err(errors) => return new_page(&site, &view, member, filled, errors).await,
    };
    match site.run(command).await {
        Ok(Ok(id)) => Ok(Redirect::to(&format!("/claims/{id}")).into_response()),
        Ok(Err(ClaimRefusal::NotFound)) => Err(Problem::new(&problems::NOT_FOUND)),
        Ok(Err(refusal)) => {
            let field = match refusal {
                ClaimRefusal::DayUnfit => "purchased_on",
                ClaimRefusal::NotFound
                | ClaimRefusal::NotGuaranteed
                | ClaimRefusal::TooEarly
                | ClaimRefusal::TooLate
                | ClaimRefusal::Recorded
                | ClaimRefusal::UnderReview
                | ClaimRefusal::AlreadyGranted
                | ClaimRefusal::OrderClaimed
                | ClaimRefusal::StateUnfit
                | ClaimRefusal::SamePerson
                | ClaimRefusal::PointsUnfit
                | ClaimRefusal::Overtaken
                | ClaimRefusal::Unpayable => "order",
            };
            let errors = vec![(field, refused(words, refusal))];
            new_page(&site, &view, member, filled, errors).await
        }
        Err(fault) => Err(faulted(&fault)),
    }
}

fn read_claim(
    site: &Site,
    by: Authenticated,
    member: Id<kind::Member>,
    filled: &Filled,
    words: Words<'_>,
) -> Result<FileClaim, Errors> {
    let mut errors = Errors::new();
    let mut wrong = |name, key: &str| errors.push((name, words.get(key).into_owned()));
    let click = Id::parse(&filled.click);
    let conversion = conversion_of(filled);
    let order = Reference::parse(&filled.order);
    if order.is_err() || click.is_err() || conversion.is_err() {
        wrong("order", "claim-order-wrong");
    }
    let purchased_on = Day::parse(&filled.purchased_on);
    if purchased_on.is_err() {
        wrong("purchased_on", "claim-purchased-wrong");
    }
    let sale = amount(&filled.sale).filter(|sale| !sale.is_zero());
    if sale.is_none() {
        wrong("sale", "claim-sale-wrong");
    }
    let details = lines(&filled.details);
    if details.is_none() {
        wrong("details", "claim-text-wrong");
    }
    let parsed = (click, conversion, order, purchased_on);
    if let ((Ok(click), Ok(conversion), Ok(order), Ok(purchased_on)), Some(sale), Some(details)) =
        (parsed, sale, details)
    {
        let company = site.config().company;
        return Ok(FileClaim {
            company,
            by,
            member,
            click,
            conversion,
            order,
            purchased_on,
            sale,
            details,
        });
    }
    Err(errors)
}

/// A claim with all that pages show of it.
struct Whole {
    claim: Claim,
    events: Vec<ClaimEvent>,
    evidence: Vec<Evidence>,
    others: Vec<Claim>,
    bonus: Option<Bonus>,
}

impl Whole {
    fn paid(&self) -> bool {
        self.bonus.as_ref().is_some_and(|bonus| bonus.standing.granted())
    }
}

async fn whole_of(site: &Site, id: Id<kind::Claim>) -> Result<Whole, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(claim) = find_claims(reader, company, &[id])?.remove(&id) else {
                return Ok(None);
            };
            let events = list_events(reader, id)?;
            let evidence = find_evidence(reader, company, core::iter::once(&claim))?;
            let mut others = list_of_member(reader, claim.member, LIST)?;
            others.retain(|other| other.id != id);
            let bonus = bonus_id(&claim);
            let bonus = find_bonuses(reader, company, &[bonus])?.remove(&bonus);
            Ok(Some(Whole { claim, events, evidence, others, bonus }))
        })
        .await?;
    found.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Claim>>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    claim_page(&site, &view, member, id, Errors::new()).await
}

async fn claim_page(
    site: &Site,
    view: &View,
    member: Id<kind::Member>,
    id: Id<kind::Claim>,
    errors: Errors,
) -> Result<Response, Problem> {
    let found = whole_of(site, id).await?;
    if found.claim.member != member {
        return Err(Problem::new(&problems::NOT_FOUND));
    }
    let (words, claim) = (view.words(), &found.claim);
    let handled = matches!(claim.state, ClaimState::Open | ClaimState::Asked | ClaimState::Sent);
    let answer = (claim.state == ClaimState::Asked).then(|| {
        let field = TextField::new(words, "text", words.get("claim-answer"))
            .kind(FieldKind::Lines)
            .characters_max(2_000)
            .error(error(&errors, "text"));
        (field, Button::new(words.get("claim-answer-send")).choice("act", "answer"))
    });
    let withdraw = Button::new(words.get("claim-withdraw")).weight(Weight::Danger);
    let status = status(&errors);
    let main = ClaimMain {
        words,
        shop: claim.shop_name.as_str(),
        state: state_badge(words, member_state(claim.state), found.paid()),
        notice: standing_notice(site, words, &found),
        errors: summary(words, &errors),
        story: story(words, &found, Reader::Member),
        facts: facts(site, words, claim),
        action: format!("/claims/{id}"),
        answer,
        withdraw: handled.then(|| withdraw.choice("act", "withdraw")),
        back: LinkButton::new(words.get("claims-title"), "/claims").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    Ok(view.page(words.get("claim-title")).nav(nav).status(status).show(&main))
}

/// What a member reads: that somebody proposed something is the staff's own matter.
const fn member_state(state: ClaimState) -> ClaimState {
    match state {
        ClaimState::Proposed { .. } => ClaimState::Sent,
        ClaimState::Open
        | ClaimState::Asked
        | ClaimState::Sent
        | ClaimState::Granted { .. }
        | ClaimState::Waiting { .. }
        | ClaimState::Refused
        | ClaimState::Withdrawn
        | ClaimState::Merged => state,
    }
}

/// Says what happens next.
fn standing_notice(site: &Site, words: Words<'_>, found: &Whole) -> Notice {
    let claim = &found.claim;
    let (tone, key) = match claim.state {
        ClaimState::Open => (Tone::Wait, "open"),
        ClaimState::Asked => (Tone::Wait, "asked"),
        ClaimState::Sent | ClaimState::Proposed { .. } => (Tone::Wait, "sent"),
        ClaimState::Granted { .. } if found.paid() => (Tone::Good, "paid"),
        ClaimState::Granted { .. } => (Tone::Good, "granted"),
        ClaimState::Waiting { .. } => (Tone::Wait, "waiting"),
        ClaimState::Refused => (Tone::Plain, "refused"),
        ClaimState::Withdrawn => (Tone::Plain, "withdrawn"),
        ClaimState::Merged => (Tone::Good, "merged"),
    };
    let (points, pay_at) = match claim.state {
        ClaimState::Granted { points, pay_at, .. } => (points, pay_at),
        ClaimState::Waiting { points, .. } => (points, claim.due_at),
        ClaimState::Open
        | ClaimState::Asked
        | ClaimState::Sent
        | ClaimState::Proposed { .. }
        | ClaimState::Refused
        | ClaimState::Withdrawn
        | ClaimState::Merged => (Amount::ZERO, claim.due_at),
    };
    let points = site.config().scale.format(points.minor_units());
    let title = words.get(&format!("claim-now-{key}"));
    let args = [("day", day(pay_at).into()), ("points", points.into())];
    Notice::new(tone, title, words.with(&format!("claim-now-{key}-text"), &args))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Member,
    Staff,
}

fn story(words: Words<'_>, found: &Whole, reader: Reader) -> Story {
    let shown = |event: &&ClaimEvent| reader == Reader::Staff || event.action.shown_to_member();
    let events: Vec<_> = found.events.iter().filter(shown).collect();
    let last = events.len().saturating_sub(1);
    let steps = events.iter().enumerate();
    let told = steps.fold(Story::new(), |story, (place, event)| {
        let state = if place == last { StepState::Current } else { StepState::Done };
        let title = words.get(&format!("claim-event-{}", event.action.code()));
        let when = Zone::JAPAN.format_minute(event.at);
        // What the member wrote at first stands elsewhere on the page.
        let text = match event.action {
            ClaimAction::Filed => String::new(),
            ClaimAction::Answered
            | ClaimAction::Withdrew
            | ClaimAction::Took
            | ClaimAction::Asked
            | ClaimAction::Sent
            | ClaimAction::Proposed
            | ClaimAction::SentBack
            | ClaimAction::Granted
            | ClaimAction::Refused
            | ClaimAction::Waited
            | ClaimAction::Reopened
            | ClaimAction::Merged => event.text.clone(),
        };
        story.step(words, state, title, when, text)
    });
    match found.claim.state {
        ClaimState::Granted { pay_at, .. } if !found.paid() => {
            told.step(words, StepState::Next, words.get("claim-event-paid"), day(pay_at), "")
        }
        ClaimState::Granted { .. }
        | ClaimState::Open
        | ClaimState::Asked
        | ClaimState::Sent
        | ClaimState::Proposed { .. }
        | ClaimState::Waiting { .. }
        | ClaimState::Refused
        | ClaimState::Withdrawn
        | ClaimState::Merged => told,
    }
}

fn facts(site: &Site, words: Words<'_>, claim: &Claim) -> DataList {
    let scale = site.config().scale;
    let points = Figure::amount(claim.estimate, scale, words.get("points-unit"));
    let sale = Figure::amount(claim.sale, vocabulary::Scale::default(), words.get("claim-yen"));
    DataList::new()
        .pair(
            words.get("claim-kind"),
            words.get(&format!("claim-kind-{}", claim.kind.code())).as_ref(),
        )
        .pair(words.get("claim-order"), claim.order.as_str())
        .pair(words.get("claim-purchased"), claim.purchased_on.to_string())
        .pair(words.get("claim-sale"), Cell::from(sale))
        .pair(words.get("claim-estimate"), Cell::from(points))
        .pair(words.get("claim-due"), day(claim.due_at))
        .pair(words.get("click-number"), reference(claim.click))
}

/// What somebody does about a claim, as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
struct Act {
    #[serde(default, rename = "act")]
    what: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    points: String,
    #[serde(default)]
    reason: String,
}

async fn change(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Claim>>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    let member = own(&site, &who)?;
    let words = view.words();
    let change = match act.what.as_str() {
        "withdraw" => Some(ClaimChange::Withdraw),
        _ => lines(&act.text).filter(|text| !text.is_empty()).map(ClaimChange::Answer),
    };
    let Some(change) = change else {
        let errors = vec![("text", words.get("claim-text-wrong").into_owned())];
        return claim_page(&site, &view, member, id, errors).await;
    };
    let command = ChangeClaim { config: site.shared_config(), claim: id, by: who, change };
    match site.run(command).await {
        Ok(Ok(())) => Ok(Redirect::to(&format!("/claims/{id}")).into_response()),
        Ok(Err(ClaimRefusal::NotFound)) => Err(Problem::new(&problems::NOT_FOUND)),
        Ok(Err(refusal)) => {
            let errors = vec![("text", refused(words, refusal))];
            claim_page(&site, &view, member, id, errors).await
        }
        Err(fault) => Err(faulted(&fault)),
    }
}

fn permit(site: &Site, who: &Authenticated, need: Need) -> Result<(), Problem> {
    let resource = Resource::Company(site.config().company);
    authorize(who, need, resource, ()).map(access::Authorized::into_command).or_problem()
}

/// Which tab is looked at.
#[derive(Debug, Default, Deserialize)]
struct Tab {
    #[serde(default)]
    state: String,
}

async fn inbox(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(tab): Query<Tab>,
) -> Result<Response, Problem> {
    permit(&site, &who, DECIDE)?;
    let known = ClaimState::CODES.iter().find(|code| **code == tab.state);
    let state = *known.unwrap_or(&"open");
    let company = site.config().company;
    let (claims, counts) = site
        .read(move |reader| {
            Ok((list_of_state(reader, company, state, LIST)?, count_states(reader, company)?))
        })
        .await?;
    let words = view.words();
    let now = site.now();
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::text(words.get("claim-kind")),
        Column::figures(words.get("claim-estimate")),
        Column::times(words.get("claim-due")),
        Column::text(words.get("claim-owner")),
    ];
    let rows = claims.iter().map(|claim| {
        let late = claim.due_at < now && claim.state.pending();
        let due = if late {
            Badge::new(Tone::Bad, words.with("claim-late", &[("day", day(claim.due_at).into())]))
                .into()
        } else {
            Cell::from(day(claim.due_at))
        };
        let estimate =
            Figure::amount(claim.estimate, site.config().scale, words.get("points-unit"));
        vec![
            Cell::link(claim.shop_name.as_str(), format!("/staff/claims/{}", claim.id)),
            words.get(&format!("claim-kind-{}", claim.kind.code())).as_ref().into(),
            estimate.into(),
            due,
            owner(words, claim.owner, &who).into(),
        ]
    });
    let table = Table::new(words.get("staff-page-claims"), columns).untitled().rows(rows);
    let main = InboxMain {
        words,
        tabs: tabs(words, state, &counts),
        list: (!claims.is_empty()).then_some(table),
        empty: EmptyState::new(
            words.get("claims-inbox-empty"),
            words.get("claims-inbox-empty-text"),
        ),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("staff-page-claims")).nav(nav).show(&main))
}

fn tabs(words: Words<'_>, current: &str, counts: &BTreeMap<String, u32>) -> Tabs {
    let rest = ["granted", "refused", "merged"];
    let items = PENDING.into_iter().chain(rest).map(|state| {
        let name = words.get(&format!("claim-state-{state}"));
        let count = counts.get(state).map_or_else(String::new, |count| format!(" ({count})"));
        NavItem {
            label: format!("{name}{count}"),
            href: format!("/staff/claims?state={state}"),
            current: state == current,
            apart: false,
        }
    });
    Tabs::new(words.get("claim-tabs"), items.collect())
}

fn owner(words: Words<'_>, owner: Option<ActorNumber>, who: &Authenticated) -> String {
    match owner {
        None => words.get("claim-owner-none").into_owned(),
        Some(owner) if owner == who.actor() => words.get("claim-owner-me").into_owned(),
        Some(owner) => person(words, owner),
    }
}

async fn desk(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Claim>>,
) -> Result<Response, Problem> {
    permit(&site, &who, DECIDE)?;
    desk_page(&site, &view, &who, id, (Act::default(), Errors::new())).await
}

async fn desk_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Claim>,
    (act, errors): (Act, Errors),
) -> Result<Response, Problem> {
    let found = whole_of(site, id).await?;
    let (words, claim) = (view.words(), &found.claim);
    let handled = matches!(claim.state, ClaimState::Open | ClaimState::Asked | ClaimState::Sent);
    let facts = facts(site, words, claim)
        .pair(words.get("claim-member"), claim.member.to_string())
        .pair(words.get("claim-owner"), owner(words, claim.owner, who));
    let check = match claim.state {
        ClaimState::Proposed { points, by } => {
            Some(checking(site, words, points, by == who.actor(), who))
        }
        ClaimState::Open
        | ClaimState::Asked
        | ClaimState::Sent
        | ClaimState::Granted { .. }
        | ClaimState::Waiting { .. }
        | ClaimState::Refused
        | ClaimState::Withdrawn
        | ClaimState::Merged => None,
    };
    let text = id.to_string();
    let main = DeskMain {
        words,
        number: text.get(text.len().saturating_sub(8)..).unwrap_or_default().to_owned(),
        shop: claim.shop_name.as_str(),
        state: state_badge(words, claim.state, found.paid()),
        errors: summary(words, &errors),
        facts,
        story: story(words, &found, Reader::Staff),
        details: &claim.details,
        evidence: evidence_table(words, claim, &found.evidence),
        others: others_table(words, &found.others),
        action: format!("/staff/claims/{id}"),
        forms: handled.then(|| handling(site, words, claim, &act, &errors)),
        check,
        back: LinkButton::new(words.get("claims-back"), "/staff/claims").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    let page = view.page(words.get("claim-title")).nav(nav).status(status(&errors));
    Ok(page.show(&main))
}

fn evidence_table(words: Words<'_>, claim: &Claim, evidence: &[Evidence]) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("claim-order")),
        Column::text(words.get("click-state")),
        Column::text(words.get("claim-fits")),
    ];
    let rows = evidence.iter().map(|one| {
        let (tone, key) = match one.state {
            ConversionState::NeedsReview => (Tone::Wait, "state-needs-review"),
            ConversionState::Tracked { .. } => (Tone::Wait, "state-tracked"),
            ConversionState::Approved { .. } => (Tone::Good, "state-approved"),
            ConversionState::Rejected { .. } => (Tone::Bad, "state-rejected"),
            ConversionState::Reversed { .. } => (Tone::Bad, "state-reversed"),
        };
        let fits = if one.fits(claim) { "claim-fits-yes" } else { "claim-fits-no" };
        vec![
            one.order.as_ref().map_or("–", |order| order.as_str()).into(),
            Badge::new(tone, words.get(key)).into(),
            words.get(fits).as_ref().into(),
        ]
    });
    let table = Table::new(words.get("claim-evidence"), columns).rows(rows);
    (!evidence.is_empty()).then_some(table)
}

fn others_table(words: Words<'_>, others: &[Claim]) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("click-shop")),
        Column::text(words.get("click-state")),
        Column::times(words.get("claim-filed")),
    ];
    let rows = others.iter().take(10).map(|claim| {
        vec![
            Cell::link(claim.shop_name.as_str(), format!("/staff/claims/{}", claim.id)),
            state_badge(words, claim.state, false).into(),
            day(claim.filed_at).into(),
        ]
    });
    let table = Table::new(words.get("claim-others"), columns).rows(rows);
    (!others.is_empty()).then_some(table)
}

fn handling(site: &Site, words: Words<'_>, claim: &Claim, act: &Act, errors: &Errors) -> Handling {
    let text = |name: &'static str, key: &str| {
        TextField::new(words, name, words.get(key)).kind(FieldKind::Lines).characters_max(2_000)
    };
    let quiet =
        |key: &str, act: &str| Button::new(words.get(key)).weight(Weight::Quiet).choice("act", act);
    let estimate = site.config().scale.format(claim.estimate.minor_units());
    let points = if act.points.is_empty() { &estimate } else { &act.points };
    let error_of = |name: &str, acts: &[&str]| {
        if acts.contains(&act.what.as_str()) { error(errors, name) } else { "" }
    };
    Handling {
        take: quiet("claim-take", "take"),
        send: quiet("claim-send-shop", "send"),
        text: text("text", "claim-text")
            .hint(words.get("claim-text-hint"))
            .error(error_of("text", &["ask", "refuse"])),
        ask: quiet("claim-ask", "ask"),
        refuse: Button::new(words.get("claim-refuse"))
            .weight(Weight::Danger)
            .choice("act", "refuse"),
        points: TextField::new(words, "points", words.get("claim-points"))
            .kind(FieldKind::Figure)
            .hint(words.with("claim-points-hint", &[("points", estimate.clone().into())]))
            .suffix(words.get("points-unit"))
            .value(points)
            .error(error_of("points", &["propose"])),
        reason: TextField::new(words, "reason", words.get("claim-reason"))
            .value(&*act.reason)
            .error(error_of("reason", &["propose"]))
            .characters_max(500),
        propose: Button::new(words.get("claim-propose")).choice("act", "propose"),
    }
}

fn checking(
    site: &Site,
    words: Words<'_>,
    points: Amount,
    own: bool,
    who: &Authenticated,
) -> Checking {
    let points = site.config().scale.format(points.minor_units());
    let (tone, key) = match (own, who.needs().contains(APPROVE)) {
        (true, _) => (Tone::Wait, "claim-approve-own"),
        (false, true) => (Tone::Plain, "claim-approve-text"),
        (false, false) => (Tone::Wait, "claim-approve-other"),
    };
    Checking {
        note: Notice::new(
            tone,
            words.with("claim-approve-points", &[("points", points.into())]),
            words.get(key),
        ),
        approve: Button::new(words.get("claim-approve")),
        reason: TextField::new(words, "text", words.get("claim-reason")).characters_max(500),
        send_back: Button::new(words.get("claim-send-back"))
            .weight(Weight::Quiet)
            .choice("act", "send_back"),
    }
}

/// Reads what somebody of the staff does, or what is wrong with it.
fn read_act(act: &Act, words: Words<'_>) -> Result<ClaimChange, Errors> {
    let wrong = |name, key: &str| vec![(name, words.get(key).into_owned())];
    let text = lines(&act.text).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| wrong("text", "claim-text-wrong"));
    match act.what.as_str() {
        "take" => Ok(ClaimChange::Take),
        "send" => Ok(ClaimChange::Send),
        "ask" => text.map(ClaimChange::Ask),
        "refuse" => text.map(ClaimChange::Refuse),
        "send_back" => text.map(ClaimChange::SendBack),
        _ => {
            let points = amount(&act.points).filter(|points| !points.is_zero());
            let points = points.ok_or_else(|| wrong("points", "claim-points-wrong"))?;
            let reason = lines(&act.reason).filter(|text| !text.is_empty());
            let reason = reason.ok_or_else(|| wrong("reason", "claim-text-wrong"))?;
            Ok(ClaimChange::Propose(points, reason))
        }
    }
}

async fn handle(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Claim>>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    permit(&site, &who, DECIDE)?;
    match read_act(&act, view.words()) {
        Ok(change) => decide(&site, &view, who, id, (act, change)).await,
        Err(errors) => desk_page(&site, &view, &who, id, (act, errors)).await,
    }
}

async fn approve(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Claim>>,
) -> Result<Response, Problem> {
    permit(&site, &who, APPROVE)?;
    decide(&site, &view, who, id, (Act::default(), ClaimChange::Approve)).await
}

async fn decide(
    site: &Site,
    view: &View,
    who: Authenticated,
    id: Id<kind::Claim>,
    (act, change): (Act, ClaimChange),
) -> Result<Response, Problem> {
    let command = ChangeClaim { config: site.shared_config(), claim: id, by: who, change };
    match site.run(command).await {
        Ok(Ok(())) => Ok(Redirect::to(&format!("/staff/claims/{id}")).into_response()),
        Ok(Err(ClaimRefusal::NotFound)) => Err(Problem::new(&problems::NOT_FOUND)),
        Ok(Err(refusal)) => {
            let errors = vec![("text", refused(view.words(), refusal))];
            desk_page(site, view, &who, id, (act, errors)).await
        }
        Err(fault) => Err(faulted(&fault)),
    }
}
