use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::exchange::store::{find_exchanges, find_proposals, list_of_member as exchanges_of};
use crate::exchange::{Exchange, points_text, state_badge};
use crate::finding::Finding;
use crate::finding::store::{list_of_member as findings_of, list_of_subject};
use crate::fraud_case::store::{Place, Shown, find_cases, list_cases, list_events, list_of_member};
use crate::fraud_case::{
    CaseAction, CaseChange, CaseEvent, CaseRefusal, CaseState, ChangeCase, FraudCase, count_overdue,
};
use crate::fraud_rule::store::read_current;
use crate::fraud_rule::{RuleMode, rules_in_force};
use crate::held::{
    DECIDE, DecideExchange, DecideRefusal, PROPOSE, Proposal, ProposeVerdict, Verdict,
    propose_form, weight_of,
};
use crate::payee::store::read_changes;
use crate::payout::permit;
use crate::person::{person, person_at};
use crate::site::Site;
use crate::step_up::{Decision, Particular};
use access::{Authenticated, LoginKey, Need, Subject, find_actors, find_login, find_logins_of};
use answers::OrProblem as _;
use ledger::ActorNumber;
use store::{Fault, Reader};
use vocabulary::{Email, Id, Label, Timestamp, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, LinkButton, Notice,
    Pager, Select, StepState, Story, Table, Tabs, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, NavItem, Path, Problem, Query, Redirect, Response, Routes,
    State, StatusCode, View, Words, get, post, problems,
};

const READ: Need = Need::FraudRead;
const MANAGE: Need = Need::FraudManage;
/// How many cases a page of the board shows.
const SHOWN: u32 = 50;
/// How much of what else is known of the member a case shows.
const RECENT: u32 = 10;
/// How far back the board shows closed cases.
const CLOSED_DAYS: i64 = 90;
/// The longest note.
const NOTE_MAX: usize = 500;

/// The board of cases, and a case.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/fraud", READ.code()), board)
        .on(get("/staff/fraud/cases/{id}", READ.code()), show)
        .on(post("/staff/fraud/cases/{id}", MANAGE.code()).idempotent(), change)
        .on(post("/staff/fraud/cases/{id}/propose", PROPOSE.code()).idempotent(), propose)
        .on(post("/staff/fraud/cases/{id}/decide", DECIDE.code()).idempotent(), decide)
}

#[derive(Template)]
#[template(path = "fraud_case/page.html")]
struct BoardMain<'a> {
    words: Words<'a>,
    overdue: Option<Notice>,
    tabs: Tabs,
    show: &'static str,
    rule: Select,
    filter: Button,
    list: Option<Table>,
    empty: EmptyState,
    pager: Pager,
    rules: LinkButton,
}

#[derive(Template)]
#[template(path = "fraud_case/page_case.html")]
struct CaseMain<'a> {
    words: Words<'a>,
    id: String,
    title: String,
    state: Badge,
    errors: ErrorSummary,
    notice: Option<Notice>,
    facts: DataList,
    story: Story,
    seen: Option<DataList>,
    findings: Option<Table>,
    exchanges: Option<Table>,
    others: Option<Table>,
    address: String,
    proposal: Option<DataList>,
    decide: Option<(Button, &'static str)>,
    propose: Option<(Select, TextField, Button)>,
    forms: Option<Forms>,
    back: LinkButton,
}

struct Forms {
    take: Option<Button>,
    colleague: Option<(TextField, Button)>,
    note: TextField,
    write: Button,
}

type Errors = Vec<(&'static str, String)>;

/// What the board shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Waiting,
    Mine,
    Nobodys,
    Closed,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Waiting, Self::Mine, Self::Nobodys, Self::Closed];

    const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Mine => "mine",
            Self::Nobodys => "nobodys",
            Self::Closed => "closed",
        }
    }

    fn shown(self, me: ActorNumber, now: Timestamp) -> Shown {
        match self {
            Self::Waiting => Shown::Waiting,
            Self::Mine => Shown::Of(Some(me)),
            Self::Nobodys => Shown::Of(None),
            Self::Closed => Shown::ClosedSince(now.plus_days(CLOSED_DAYS.saturating_neg())),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    show: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    after: String,
}

/// Reads a place in a list: microseconds, a stroke, the case.
fn place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('~')?;
    Some((Timestamp::from_microseconds(at.parse().ok()?), Id::parse(id).ok()?))
}

fn place_text(case: &FraudCase) -> String {
    let at = case.state.closed_at().unwrap_or(case.due_at);
    format!("{}~{}", at.as_microseconds(), case.subject)
}

/// Whose names a page tells.
pub(crate) type Names = BTreeMap<ActorNumber, String>;

/// Reads how those who acted are called: persons of the staff by the mail address they sign in
/// with, what is no person by its label. A member has no name here.
pub(crate) fn read_names(reader: &mut Reader<'_>, numbers: &[ActorNumber]) -> Result<Names, Fault> {
    let actors = find_actors(reader, numbers)?;
    let subjects: Vec<Subject> = actors.iter().map(|actor| actor.subject).collect();
    let staff = subjects.iter().filter(|subject| matches!(subject, Subject::Staff(_)));
    let logins = find_logins_of(reader, &staff.copied().collect::<Vec<_>>())?;
    let labels = actors.iter().filter_map(|actor| match actor.subject {
        Subject::System | Subject::Job(_) | Subject::ApiKey(_) => {
            Some((actor.number, actor.label.as_str().to_owned()))
        }
        Subject::Member(_) | Subject::Staff(_) => None,
    });
    let people = logins.iter().map(|login| (login.actor(), login.mail().as_str().to_owned()));
    Ok(labels.chain(people).collect())
}

fn name(words: Words<'_>, names: &Names, number: ActorNumber) -> String {
    names.get(&number).cloned().unwrap_or_else(|| person(words, number))
}

/// Tells whose something is to look after.
pub(crate) fn owner_text(
    words: Words<'_>,
    names: &Names,
    owner: Option<ActorNumber>,
    who: &Authenticated,
) -> String {
    match owner {
        None => words.get("fraud-owner-none").into_owned(),
        Some(owner) if owner == who.actor() => words.get("fraud-owner-me").into_owned(),
        Some(owner) => name(words, names, owner),
    }
}

async fn board(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let tab = Tab::ALL.into_iter().find(|tab| tab.code() == asked.show).unwrap_or(Tab::Waiting);
    let (company, now, me) = (site.config().company, site.now(), who.actor());
    let (rule, after) = (Token::parse(&asked.rule).ok(), place(&asked.after));
    let filter = rule.clone();
    let (cases, names, overdue, current) = site
        .read(move |reader| {
            let shown = (company, tab.shown(me, now));
            let cases = list_cases(reader, shown, filter.as_ref(), after, SHOWN)?;
            let owners: Vec<ActorNumber> = cases.iter().filter_map(|case| case.owner).collect();
            let names = read_names(reader, &owners)?;
            let overdue = count_overdue(reader, company, now)?;
            Ok((cases, names, overdue, read_current(reader, company, now)?))
        })
        .await?;
    let words = view.words();
    let address = |after: Option<String>| {
        let rule = rule.as_ref().map_or_else(String::new, |rule| format!("&rule={rule}"));
        let after = after.map_or_else(String::new, |after| format!("&after={after}"));
        format!("/staff/fraud?show={}{rule}{after}", tab.code())
    };
    let full = cases.len() >= usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let next = cases.last().filter(|_| full).map(|last| address(Some(place_text(last))));
    let first = after.is_some().then(|| address(None));
    let given = &site.config().exchange.rules;
    let mut rules = vec![(String::new(), words.get("fraud-all-rules").into_owned())];
    rules.extend(
        rules_in_force(given, &current, now)
            .into_iter()
            .map(|known| (known.id.as_str().to_owned(), known.terms.note.as_str().to_owned())),
    );
    let main = BoardMain {
        words,
        overdue: (overdue > 0).then(|| overdue_notice(words, overdue)),
        tabs: tabs(words, tab),
        show: tab.code(),
        rule: Select::new("rule", words.get("fraud-rule"), rules)
            .chosen(rule.as_ref().map_or("", Token::as_str)),
        filter: Button::new(words.get("fraud-filter")).weight(Weight::Quiet),
        list: (!cases.is_empty()).then(|| board_table(&site, words, &cases, &names, &who)),
        empty: EmptyState::new(words.get("fraud-empty"), words.get("fraud-empty-text")),
        pager: Pager::new(words, first, next),
        rules: LinkButton::new(words.get("fraud-rules-title"), "/staff/fraud/rules")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("fraud-title")).nav(nav).show(&main))
}

fn overdue_notice(words: Words<'_>, count: u32) -> Notice {
    let title = words.with("fraud-overdue", &[("count", count.into())]);
    Notice::new(Tone::Bad, title, words.get("fraud-overdue-text"))
}

fn tabs(words: Words<'_>, current: Tab) -> Tabs {
    let items = Tab::ALL.map(|tab| NavItem {
        label: words.get(&format!("fraud-tab-{}", tab.code())).into_owned(),
        href: format!("/staff/fraud?show={}", tab.code()),
        current: tab == current,
        apart: false,
    });
    Tabs::new(words.get("fraud-tabs"), items.to_vec())
}

fn board_table(
    site: &Site,
    words: Words<'_>,
    cases: &[FraudCase],
    names: &Names,
    who: &Authenticated,
) -> Table {
    let columns = vec![
        Column::text(words.get("fraud-case")),
        Column::times(words.get("fraud-due")),
        Column::figures(words.get("exchange-taken")),
        Column::text(words.get("held-rules")),
        Column::text(words.get("exchange-state")),
        Column::text(words.get("claim-owner")),
    ];
    let now = site.now();
    let rows = cases.iter().map(|case| {
        let rules: Vec<&str> = case.rules.iter().map(Token::as_str).collect();
        vec![
            Cell::link(short(case.subject), format!("/staff/fraud/cases/{}", case.subject)),
            due(words, case, now),
            points_text(words, site, case.amount).into(),
            rules.join(" ").into(),
            case_badge(words, case.state).into(),
            owner_text(words, names, case.owner, who).into(),
        ]
    });
    Table::new(words.get("fraud-title"), columns).untitled().rows(rows)
}

/// The end of an id, which tells it from others on a page.
pub(crate) fn short<K: vocabulary::Kind>(id: Id<K>) -> String {
    let text = id.to_string();
    text.get(text.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

fn due(words: Words<'_>, case: &FraudCase, now: Timestamp) -> Cell {
    // A case is due at the end of a day, which is the beginning of the next one.
    let day = Zone::JAPAN.day_of(case.due_at.plus_microseconds(-1)).to_string();
    if case.overdue(now) {
        Badge::new(Tone::Bad, words.with("fraud-late", &[("day", day.into())])).into()
    } else {
        day.into()
    }
}

fn case_badge(words: Words<'_>, state: CaseState) -> Badge {
    let tone = match state {
        CaseState::Open | CaseState::Proposed => Tone::Wait,
        CaseState::Released { .. } => Tone::Good,
        CaseState::Denied { .. } => Tone::Bad,
        CaseState::Ended { .. } => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("fraud-state-{}", state.code())))
}

/// A case with all that its page shows.
struct Whole {
    case: FraudCase,
    events: Vec<CaseEvent>,
    findings: Vec<Finding>,
    exchange: Option<Exchange>,
    proposal: Option<Proposal>,
    changes: Vec<(Particular, Timestamp)>,
    exchanges: Vec<Exchange>,
    others: Vec<FraudCase>,
    earlier: Vec<Finding>,
    names: Names,
}

async fn whole_of(site: &Site, id: Id<kind::Exchange>) -> Result<Whole, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let case = find_cases(reader, &[id])?.remove(&id);
            let Some(case) = case.filter(|case| case.company == company) else { return Ok(None) };
            let member = case.member;
            let events = list_events(reader, id)?;
            let mut people: Vec<ActorNumber> = events.iter().map(|event| event.actor).collect();
            people.extend(events.iter().filter_map(|event| event.other));
            people.extend(case.owner);
            let mut exchanges = exchanges_of(reader, member, None, RECENT)?;
            exchanges.retain(|exchange| exchange.id != id);
            let mut others = list_of_member(reader, member, RECENT)?;
            others.retain(|other| other.subject != id);
            let mut earlier = findings_of(reader, member, RECENT)?;
            earlier.retain(|finding| finding.subject != id.to_bytes());
            Ok(Some(Whole {
                events,
                findings: list_of_subject(reader, id.to_bytes(), RECENT)?,
                exchange: find_exchanges(reader, &[id])?.remove(&id),
                proposal: find_proposals(reader, &[id])?.remove(&id),
                changes: read_changes(reader, &[member])?.remove(&member).unwrap_or_default(),
                exchanges,
                others,
                earlier,
                names: read_names(reader, &people)?,
                case,
            }))
        })
        .await?;
    found.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    case_page(&site, &view, &who, id, Told::default()).await
}

/// What became of a form, to be told on the page.
#[derive(Default)]
struct Told {
    errors: Errors,
    notice: Option<Notice>,
    mail: String,
    text: String,
}

async fn case_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Exchange>,
    told: Told,
) -> Result<Response, Problem> {
    let found = whole_of(site, id).await?;
    let (words, now, case) = (view.words(), site.now(), &found.case);
    let waits = case.state.waits();
    let open = found.proposal.as_ref().filter(|proposal| waits && proposal.decided.is_none());
    let decides =
        open.filter(|proposal| who.needs().contains(DECIDE) && proposal.proposed_by != who.actor());
    let listed = told.errors.iter().map(|(n, text)| ((*n).to_owned(), text.clone())).collect();
    let wrong = !told.errors.is_empty() || told.notice.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = CaseMain {
        words,
        id: short(id),
        title: words
            .with("fraud-case-title", &[("points", points_text(words, site, case.amount).into())]),
        state: case_badge(words, case.state),
        errors: ErrorSummary::new(words, listed),
        notice: told.notice.clone().or_else(|| {
            case.overdue(now).then(|| {
                Notice::new(Tone::Bad, words.get("fraud-late-title"), words.get("fraud-late-text"))
            })
        }),
        facts: facts(site, words, &found, who),
        story: story(words, &found),
        seen: found.findings.first().map(|finding| seen(site, words, finding, &found.changes)),
        findings: findings_table(words, &found.findings, &found.earlier),
        exchanges: exchanges_table(site, words, &found.exchanges, now),
        others: others_table(site, words, &found.others),
        address: format!("/staff/fraud/cases/{id}"),
        proposal: found.proposal.as_ref().map(|proposal| proposal_list(words, proposal)),
        decide: decides.map(|proposal| {
            let verdict = proposal.verdict.code();
            let button = Button::new(words.get(&format!("held-decide-{verdict}")));
            (button.weight(weight_of(proposal.verdict)), verdict)
        }),
        propose: (waits && who.needs().contains(PROPOSE)).then(|| propose_form(words)),
        forms: who.needs().contains(MANAGE).then(|| forms(words, case, who, &told)),
        back: LinkButton::new(words.get("fraud-title"), "/staff/fraud").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("fraud-title")).nav(nav).status(status).show(&main))
}

fn proposal_list(words: Words<'_>, proposal: &Proposal) -> DataList {
    let verdict = words.get(&format!("held-verdict-{}", proposal.verdict.code()));
    let by = person_at(words, (proposal.proposed_by, proposal.proposed_at));
    let list = DataList::new()
        .pair(words.get("held-proposal"), verdict.as_ref())
        .pair(words.get("held-reason"), proposal.reason.as_str())
        .pair(words.get("held-proposed"), by);
    match proposal.decided {
        Some((actor, at)) => list.pair(words.get("held-decided"), person_at(words, (actor, at))),
        None => list,
    }
}

fn facts(site: &Site, words: Words<'_>, found: &Whole, who: &Authenticated) -> DataList {
    let case = &found.case;
    let subject = case.subject;
    let list = DataList::new()
        .pair(words.get("fraud-due"), due(words, case, site.now()))
        .pair(words.get("claim-owner"), owner_text(words, &found.names, case.owner, who))
        .pair(words.get("fraud-opened"), Zone::JAPAN.format_minute(case.opened_at))
        .pair(
            words.get("held-exchange"),
            Cell::link(subject.to_string(), format!("/staff/exchanges/{subject}")),
        )
        .pair(words.get("held-member"), case.member.to_string());
    match &found.exchange {
        None => list,
        Some(exchange) => list
            .pair(words.get("exchange-to"), exchange.quote.destination.as_str())
            .pair(words.get("fraud-exchange"), state_badge(words, exchange, site.now())),
    }
}

fn story(words: Words<'_>, found: &Whole) -> Story {
    let last = found.events.len().saturating_sub(1);
    found.events.iter().enumerate().fold(Story::new(), |story, (place, event)| {
        let state = if place == last { StepState::Current } else { StepState::Done };
        let by = match event.action {
            // A rule opened it, in the name of the member who asked.
            CaseAction::Opened => words.get("fraud-by-rules").into_owned(),
            CaseAction::Took
            | CaseAction::HandedOver
            | CaseAction::Noted
            | CaseAction::ProposedRelease
            | CaseAction::ProposedDenial
            | CaseAction::Released
            | CaseAction::Denied
            | CaseAction::Ended => name(words, &found.names, event.actor),
        };
        let to = event.other.map_or_else(String::new, |other| {
            let other = name(words, &found.names, other);
            words.with("fraud-handed-to", &[("name", other.into())])
        });
        let title = words.get(&format!("fraud-event-{}", event.action.code().replace('_', "-")));
        let when = format!("{} {by}", Zone::JAPAN.format_minute(event.at));
        story.step(words, state, title, when, format!("{to}{}", event.text))
    })
}

/// Tells what the rules were asked with, and what is known of the member's particulars.
fn seen(
    site: &Site,
    words: Words<'_>,
    finding: &Finding,
    changes: &[(Particular, Timestamp)],
) -> DataList {
    let facts = &finding.facts;
    let yes_no = |yes: bool| words.get(if yes { "fraud-yes" } else { "fraud-no" }).into_owned();
    let since = facts.member_since.map_or_else(
        || words.get("fraud-unknown").into_owned(),
        |at| Zone::JAPAN.day_of(at).to_string(),
    );
    let first = facts.experience == crate::finding::Experience::First;
    let new = facts.custom == crate::step_up::Custom::New;
    let shared = facts.payee == crate::finding::PayeeUse::Shared;
    let day = facts.at.plus_days(-1);
    let today = facts.taken.iter().filter(|(at, _)| day < *at).count();
    let taken = words.with(
        "fraud-taken",
        &[("day", today.to_string().into()), ("all", facts.taken.len().to_string().into())],
    );
    let list = DataList::new()
        .pair(words.get("exchange-taken"), points_text(words, site, facts.points))
        .pair(words.get("fraud-seen-first"), yes_no(first))
        .pair(words.get("fraud-seen-new"), yes_no(new))
        .pair(words.get("fraud-seen-shared"), yes_no(shared))
        .pair(words.get("fraud-seen-since"), since)
        .pair(words.get("fraud-seen-taken"), taken);
    changes.iter().fold(list, |list, (particular, at)| {
        let key = format!("fraud-changed-{}", particular.code().replace('_', "-"));
        list.pair(words.get(&key), Zone::JAPAN.format_minute(*at))
    })
}

fn findings_table(words: Words<'_>, of_case: &[Finding], earlier: &[Finding]) -> Option<Table> {
    let columns = vec![
        Column::times(words.get("held-at")),
        Column::text(words.get("fraud-finding")),
        Column::text(words.get("fraud-outcome")),
        Column::text(words.get("held-rules")),
    ];
    let all = of_case.iter().map(|one| (one, "fraud-finding-this"));
    let all = all.chain(earlier.iter().map(|one| (one, "fraud-finding-other")));
    let rows = all.map(|(finding, key)| {
        let tone = match finding.outcome {
            Decision::Allow => Tone::Good,
            Decision::StepUp => Tone::Plain,
            Decision::Hold => Tone::Wait,
            Decision::Deny => Tone::Bad,
        };
        let outcome = format!("fraud-decision-{}", finding.outcome.code().replace('_', "-"));
        let hits: Vec<String> = finding
            .hits
            .iter()
            .map(|hit| {
                let (rule, version) = (hit.rule.as_str(), hit.version.to_string());
                let key = match hit.mode {
                    RuleMode::Enforce => "fraud-hit",
                    RuleMode::Observe | RuleMode::Off => "fraud-hit-noted",
                };
                words.with(key, &[("rule", rule.into()), ("version", version.into())])
            })
            .collect();
        vec![
            Zone::JAPAN.format_minute(finding.facts.at).into(),
            words.get(key).as_ref().into(),
            Badge::new(tone, words.get(&outcome)).into(),
            if hits.is_empty() { "–".into() } else { hits.join(" ").into() },
        ]
    });
    let table = Table::new(words.get("fraud-findings"), columns).rows(rows);
    (!of_case.is_empty() || !earlier.is_empty()).then_some(table)
}

fn exchanges_table(
    site: &Site,
    words: Words<'_>,
    exchanges: &[Exchange],
    now: Timestamp,
) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("held-exchange")),
        Column::times(words.get("exchange-at")),
        Column::text(words.get("exchange-to")),
        Column::figures(words.get("exchange-taken")),
        Column::text(words.get("exchange-state")),
    ];
    let rows = exchanges.iter().map(|exchange| {
        vec![
            Cell::link(short(exchange.id), format!("/staff/exchanges/{}", exchange.id)),
            Zone::JAPAN.format_minute(exchange.quoted_at).into(),
            exchange.quote.destination.as_str().into(),
            points_text(words, site, exchange.quote.taken()).into(),
            state_badge(words, exchange, now).into(),
        ]
    });
    let table = Table::new(words.get("fraud-exchanges"), columns).rows(rows);
    (!exchanges.is_empty()).then_some(table)
}

fn others_table(site: &Site, words: Words<'_>, others: &[FraudCase]) -> Option<Table> {
    let columns = vec![
        Column::text(words.get("fraud-case")),
        Column::times(words.get("fraud-opened")),
        Column::figures(words.get("exchange-taken")),
        Column::text(words.get("exchange-state")),
    ];
    let rows = others.iter().map(|case| {
        vec![
            Cell::link(short(case.subject), format!("/staff/fraud/cases/{}", case.subject)),
            Zone::JAPAN.format_minute(case.opened_at).into(),
            points_text(words, site, case.amount).into(),
            case_badge(words, case.state).into(),
        ]
    });
    let table = Table::new(words.get("fraud-others"), columns).rows(rows);
    (!others.is_empty()).then_some(table)
}

fn forms(words: Words<'_>, case: &FraudCase, who: &Authenticated, told: &Told) -> Forms {
    let error = |name: &str| {
        let found = told.errors.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let waits = case.state.waits();
    let take = if case.owner.is_some() { "fraud-take-over" } else { "fraud-take" };
    Forms {
        take: (waits && case.owner != Some(who.actor()))
            .then(|| Button::new(words.get(take)).weight(Weight::Quiet).choice("act", "take")),
        colleague: waits.then(|| {
            let field = TextField::new(words, "mail", words.get("fraud-colleague"))
                .kind(FieldKind::Email)
                .hint(words.get("fraud-colleague-hint"))
                .value(told.mail.as_str())
                .error(error("mail"));
            let button = Button::new(words.get("fraud-hand-over")).weight(Weight::Quiet);
            (field, button.choice("act", "hand_over"))
        }),
        note: TextField::new(words, "text", words.get("fraud-write-note"))
            .kind(FieldKind::Lines)
            .hint(words.get("fraud-write-note-hint"))
            .characters_max(500)
            .value(told.text.as_str())
            .error(error("text")),
        write: Button::new(words.get("fraud-write")).weight(Weight::Quiet).choice("act", "note"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Act {
    #[serde(rename = "act")]
    what: String,
    mail: String,
    text: String,
}

/// Reads a note: something, of lines without other control characters.
pub(crate) fn note_of(text: &str) -> Option<String> {
    let text = text.trim().replace("\r\n", "\n");
    let fits = (1..=NOTE_MAX).contains(&text.chars().count());
    let plain = text.chars().all(|character| !character.is_control() || character == '\n');
    (fits && plain).then_some(text)
}

/// Finds the colleague with a mail address.
async fn colleague(site: &Site, mail: &str) -> Result<Option<Id<kind::Staff>>, Problem> {
    let Ok(mail) = Email::parse(mail) else { return Ok(None) };
    let login = site.read(move |reader| find_login(reader, LoginKey::staff(&mail))).await?;
    Ok(login.and_then(|login| match login.subject() {
        Subject::Staff(staff) => Some(staff),
        Subject::System | Subject::Job(_) | Subject::ApiKey(_) | Subject::Member(_) => None,
    }))
}

async fn change(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let wrong = |field, key: &str| Told {
        errors: vec![(field, words.get(key).into_owned())],
        mail: act.mail.clone(),
        text: act.text.clone(),
        ..Told::default()
    };
    let change = match act.what.as_str() {
        "take" => CaseChange::Take,
        "hand_over" => {
            if let Some(staff) = colleague(&site, &act.mail).await? {
                CaseChange::HandOver(staff)
            } else {
                let told = wrong("mail", "fraud-refused-colleague_unfit");
                return case_page(&site, &view, &who, id, told).await;
            }
        }
        _ => {
            if let Some(text) = note_of(&act.text) {
                CaseChange::Note(text)
            } else {
                let told = wrong("text", "fraud-wrong-text");
                return case_page(&site, &view, &who, id, told).await;
            }
        }
    };
    let company = site.config().company;
    let command = ChangeCase { company, subject: id, change, by: who };
    match site.run(command).await.or_problem()? {
        Ok(()) => Ok(Redirect::to(&format!("/staff/fraud/cases/{id}")).into_response()),
        Err(CaseRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(CaseRefusal::ColleagueUnfit) => {
            let told = wrong("mail", "fraud-refused-colleague_unfit");
            case_page(&site, &view, &who, id, told).await
        }
        Err(CaseRefusal::Closed) => {
            let (title, text) = ("fraud-refused-closed", "fraud-refused-closed-next");
            let notice = Notice::new(Tone::Bad, words.get(title), words.get(text));
            let told = Told { notice: Some(notice), ..Told::default() };
            case_page(&site, &view, &who, id, told).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Proposed {
    verdict: String,
    reason: String,
}

async fn propose(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
    Form(proposed): Form<Proposed>,
) -> Result<Response, Problem> {
    permit(&site, &who, PROPOSE)?;
    let words = view.words();
    let parsed = (Verdict::parse(&proposed.verdict), Label::parse(&proposed.reason));
    let (Some(verdict), Ok(reason)) = parsed else {
        let text = words.get("held-reason-hint");
        let notice = Notice::new(Tone::Bad, words.get("held-reason-missing"), text);
        let told = Told { notice: Some(notice), ..Told::default() };
        return case_page(&site, &view, &who, id, told).await;
    };
    let company = site.config().company;
    let command = ProposeVerdict { company, exchange: id, verdict, reason, by: who.actor() };
    let done = site.run(command).await.or_problem()?;
    answer(&site, &view, &who, id, done).await
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
    Form(proposed): Form<Proposed>,
) -> Result<Response, Problem> {
    permit(&site, &who, DECIDE)?;
    permit(&site, &who, READ)?;
    let verdict = Verdict::parse(&proposed.verdict).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let config = site.shared_config();
    let command = DecideExchange { config, exchange: id, verdict, by: who.actor() };
    let done = site.run(command).await.or_problem()?;
    answer(&site, &view, &who, id, done).await
}

async fn answer(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Exchange>,
    done: Result<(), DecideRefusal>,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/staff/fraud/cases/{id}")).into_response()),
        Err(DecideRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let words = view.words();
            let key = format!("held-refused-{}", refusal.code());
            let text = words.get(&format!("{key}-next"));
            let notice = Notice::new(Tone::Bad, words.get(&key), text);
            let told = Told { notice: Some(notice), ..Told::default() };
            case_page(site, view, who, id, told).await
        }
    }
}
