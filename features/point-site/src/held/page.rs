use askama::Template;
use serde::Deserialize;

use crate::exchange::store::{
    find_exchanges, find_proposals, list_by_state, list_of_member, list_versions,
};
use crate::exchange::{Exchange, points_text, state_badge, value_text};
use crate::held::{DecideExchange, DecideRefusal, ProposeVerdict, Verdict};
use crate::payout::permit;
use crate::person::{person, person_at};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::OrProblem as _;
use vocabulary::{Id, Label, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, LinkButton, Notice, Select, Table,
    TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State,
    StatusCode, View, Words, get, post, problems,
};

const READ: Need = Need::ExchangeRead;
/// Who proposes what is to become of a held exchange.
pub(crate) const PROPOSE: Need = Need::FraudManage;
/// Who decides it: somebody else.
pub(crate) const DECIDE: Need = Need::PayoutApprove;
/// How many exchanges a list shows.
const SHOWN: u32 = 50;

/// The staff's search for exchanges, and the cases that wait for persons.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/exchanges", READ.code()), list)
        .on(get("/staff/exchanges/{id}", READ.code()), show)
        .on(post("/staff/exchanges/{id}/propose", PROPOSE.code()).idempotent(), propose)
        .on(post("/staff/exchanges/{id}/decide", DECIDE.code()).idempotent(), decide)
}

#[derive(Template)]
#[template(path = "held/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    query: TextField,
    find: Button,
    waiting: Option<Table>,
    found: Option<Table>,
    none: Option<EmptyState>,
}

#[derive(Debug, Default, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let words = view.words();
    let asked = search.q.trim().to_owned();
    let (company, text) = (site.config().company, asked.clone());
    let (held, found) = site
        .read(move |reader| {
            let held = list_by_state(reader, company, "held", None, SHOWN)?;
            let found = if let Ok(id) = Id::<kind::Exchange>::parse(&text) {
                find_exchanges(reader, &[id])?.into_values().collect()
            } else if let Ok(member) = Id::<kind::Member>::parse(&text) {
                list_of_member(reader, member, None, SHOWN)?
            } else {
                Vec::new()
            };
            Ok((held, found))
        })
        .await?;
    let own = |exchange: &Exchange| exchange.company == company;
    let found: Vec<Exchange> = found.into_iter().filter(own).collect();
    let held: Vec<Exchange> =
        held.into_iter().filter(|e| e.next_at.is_none() && e.payout.is_none()).collect();
    let none = if asked.is_empty() {
        held.is_empty()
            .then(|| EmptyState::new(words.get("held-none"), words.get("held-none-text")))
    } else {
        found
            .is_empty()
            .then(|| EmptyState::new(words.get("held-not-found"), words.get("held-not-found-text")))
    };
    let main = ListMain {
        words,
        query: TextField::new(words, "q", words.get("held-search"))
            .hint(words.get("held-search-hint"))
            .optional(words)
            .value(asked),
        find: Button::new(words.get("held-find")).weight(Weight::Quiet),
        waiting: (!held.is_empty()).then(|| table(&site, words, "held-waiting", &held)),
        found: (!found.is_empty()).then(|| table(&site, words, "held-found", &found)),
        none,
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("held-title")).nav(nav).show(&main))
}

fn table(site: &Site, words: Words<'_>, caption: &str, exchanges: &[Exchange]) -> Table {
    let columns = vec![
        Column::text(words.get("held-exchange")),
        Column::times(words.get("exchange-at")),
        Column::text(words.get("exchange-to")),
        Column::figures(words.get("exchange-taken")),
        Column::text(words.get("exchange-gets")),
        Column::text(words.get("exchange-state")),
    ];
    let now = site.now();
    let rows = exchanges.iter().map(|exchange| {
        let quote = &exchange.quote;
        vec![
            Cell::link(exchange.id.to_string(), format!("/staff/exchanges/{}", exchange.id)),
            Zone::JAPAN.format_minute(exchange.quoted_at).into(),
            quote.destination.as_str().into(),
            points_text(words, site, quote.taken()).into(),
            value_text(words, quote.value, quote.unit).into(),
            state_badge(words, exchange, now).into(),
        ]
    });
    Table::new(words.get(caption), columns).rows(rows)
}

#[derive(Template)]
#[template(path = "held/page_exchange.html")]
struct ExchangeMain<'a> {
    words: Words<'a>,
    id: String,
    state: Badge,
    notice: Option<Notice>,
    facts: DataList,
    versions: Table,
    address: String,
    proposal: Option<DataList>,
    decide: Option<(Button, &'static str)>,
    propose: Option<(Select, TextField, Button)>,
    back: LinkButton,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    page(&site, &view, &who, id, None).await
}

async fn page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    id: Id<kind::Exchange>,
    refused: Option<Notice>,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let Some(exchange) = find_exchanges(reader, &[id])?.remove(&id) else {
                return Ok(None);
            };
            let proposal = find_proposals(reader, &[id])?.remove(&id);
            Ok(Some((exchange, proposal, list_versions(reader, id)?)))
        })
        .await?;
    let found = found.filter(|(exchange, ..)| exchange.company == company);
    let (exchange, proposal, versions) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let waits = exchange.state.clearance() == Some(crate::exchange::Clearance::Review);
    let open = proposal.as_ref().filter(|proposal| waits && proposal.decided.is_none());
    let decides =
        open.filter(|proposal| who.needs().contains(DECIDE) && proposal.proposed_by != who.actor());
    let columns = vec![
        Column::times(words.get("held-at")),
        Column::text(words.get("held-event")),
        Column::text(words.get("held-actor")),
        Column::text(words.get("held-reason")),
    ];
    let rows = versions.iter().map(|line| {
        let reason = line.reason.as_ref().map_or("–", Token::as_str);
        vec![
            Zone::JAPAN.format_minute(line.at).into(),
            words.get(&format!("exchange-event-{}", line.event)).as_ref().into(),
            person(words, line.actor).into(),
            reason.into(),
        ]
    });
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = ExchangeMain {
        words,
        id: id.to_string(),
        state: state_badge(words, &exchange, site.now()),
        notice: refused,
        facts: facts(site, words, &exchange),
        versions: Table::new(words.get("exchange-story"), columns).rows(rows),
        address: format!("/staff/exchanges/{id}"),
        proposal: proposal.as_ref().map(|proposal| {
            let verdict = words.get(&format!("held-verdict-{}", proposal.verdict.code()));
            let by = person_at(words, (proposal.proposed_by, proposal.proposed_at));
            let mut list = DataList::new()
                .pair(words.get("held-proposal"), verdict.as_ref())
                .pair(words.get("held-reason"), proposal.reason.as_str().to_owned())
                .pair(words.get("held-proposed"), by);
            if let Some((actor, at)) = proposal.decided {
                list = list.pair(words.get("held-decided"), person_at(words, (actor, at)));
            }
            list
        }),
        decide: decides.map(|proposal| {
            let verdict = proposal.verdict.code();
            let button = Button::new(words.get(&format!("held-decide-{verdict}")));
            (button.weight(weight_of(proposal.verdict)), verdict)
        }),
        propose: (waits && who.needs().contains(PROPOSE)).then(|| propose_form(words)),
        back: LinkButton::new(words.get("held-title"), "/staff/exchanges").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("held-title")).nav(nav).status(status).show(&main))
}

pub(crate) const fn weight_of(verdict: Verdict) -> Weight {
    match verdict {
        Verdict::Release => Weight::Primary,
        Verdict::Deny => Weight::Danger,
    }
}

pub(crate) fn propose_form(words: Words<'_>) -> (Select, TextField, Button) {
    let choices = [Verdict::Release, Verdict::Deny].map(|verdict| {
        let key = format!("held-verdict-{}", verdict.code());
        (verdict.code().to_owned(), words.get(&key).into_owned())
    });
    (
        Select::new("verdict", words.get("held-verdict"), choices.to_vec()),
        TextField::new(words, "reason", words.get("held-reason"))
            .hint(words.get("held-reason-hint"))
            .characters_max(120),
        Button::new(words.get("held-propose")).weight(Weight::Quiet),
    )
}

fn facts(site: &Site, words: Words<'_>, exchange: &Exchange) -> DataList {
    let quote = &exchange.quote;
    let dash = || "–".to_owned();
    let rules = if exchange.rules.is_empty() { dash() } else { exchange.rules.clone() };
    let due = exchange.due_on.map_or_else(dash, |day| day.to_string());
    let reason = exchange.reason.as_ref().map_or_else(dash, |code| code.as_str().to_owned());
    let rate = format!("{}/{}", quote.rate.numerator(), quote.rate.denominator());
    let mut list = DataList::new()
        .pair(words.get("held-member"), exchange.member.to_string())
        .pair(words.get("exchange-to"), quote.destination.as_str().to_owned())
        .pair(words.get("exchange-taken"), points_text(words, site, quote.taken()))
        .pair(words.get("exchange-fee"), points_text(words, site, quote.fee))
        .pair(words.get("exchange-gets"), value_text(words, quote.value, quote.unit))
        .pair(words.get("exchange-rate"), format!("{rate} ({})", quote.effective_from))
        .pair(words.get("exchange-due"), due)
        .pair(words.get("held-rules"), rules)
        .pair(words.get("held-reason"), reason);
    if let Some(payout) = exchange.payout {
        let link = Cell::link(words.get("payouts-title"), format!("/staff/payouts/{payout}"));
        list = list.pair(words.get("payouts-title"), link);
    }
    list
}

#[derive(Debug, Deserialize)]
struct Proposed {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
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
        return page(&site, &view, &who, id, Some(notice)).await;
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
        Ok(()) => Ok(Redirect::to(&format!("/staff/exchanges/{id}")).into_response()),
        Err(DecideRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let words = view.words();
            let key = format!("held-refused-{}", refusal.code());
            let text = words.get(&format!("{key}-next"));
            let notice = Notice::new(Tone::Bad, words.get(&key), text);
            page(site, view, who, id, Some(notice)).await
        }
    }
}
