use askama::Template;
use serde::Deserialize;

use crate::exchange::store::{find_challenges, find_exchanges};
use crate::exchange::{AcceptRefusal, Exchange, own_member, refusal_notice, take_up};
use crate::payee::Payee;
use crate::payee::store::find_active;
use crate::proof::{SendCode, TryCode, code_hash};
use crate::site::Site;
use crate::step_up::{CODE_MINUTES, Tried};
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted};
use mail::{Body, Category, Letter, Recipient};
use store::{Fault, FaultKind, natural_id};
use vocabulary::{Id, Label, Zone, kind};
use web::components::{Button, LinkButton, Notice, TextField, Weight};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, StatusCode,
    View, get, post, problems,
};

const NEED: Need = Need::MemberSelf;

/// Where a member enters the code.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/exchange/{id}/code", NEED.code()), show)
        .on(post("/exchange/{id}/code", NEED.code()).idempotent(), enter)
        .on(post("/exchange/{id}/code/send", NEED.code()).idempotent(), send)
}

/// Draws a code of six digits.
pub(crate) fn draw_code(site: &Site) -> String {
    let chance = site.next_id::<kind::Exchange>(site.now()).bits() & ((1 << 64) - 1);
    format!("{:06}", chance % 1_000_000)
}

/// Makes a code and sends it, unless one has only just been sent.
pub(crate) async fn begin(
    site: &Site,
    view: &View,
    exchange: Id<kind::Exchange>,
    member: Id<kind::Member>,
) -> Result<(), Problem> {
    let words = view.words();
    let code = draw_code(site);
    let hash = code_hash(&site.config().exchange.vault, exchange, &code);
    let minutes = CODE_MINUTES.to_string();
    let args = [("code", code.into()), ("minutes", minutes.into())];
    let unwritable = |error| {
        faulted(&Fault::new(FaultKind::Other, "write a letter with a code").caused_by(error))
    };
    let letter = Letter {
        id: natural_id("site.step_up.letter", &[&exchange.to_bytes(), &hash]),
        company: site.config().company,
        category: Category::Service,
        to: Recipient::Member(member),
        subject: Label::parse(&words.get("proof-letter-subject")).map_err(unwritable)?,
        body: Body::parse(&words.with("proof-letter-body", &args)).map_err(unwritable)?,
    };
    let Ok(_sent) = site.run(SendCode { exchange, code_hash: hash, letter }).await.or_problem()?;
    Ok(())
}

#[derive(Template)]
#[template(path = "proof/page.html")]
struct Main<'a> {
    words: web::Words<'a>,
    notice: Option<Notice>,
    sent: String,
    action: String,
    field: TextField,
    send: Button,
    again: Button,
    back: LinkButton,
}

/// An exchange that waits for a proof.
struct Asked {
    exchange: Exchange,
    payee: Option<Payee>,
    sent_at: Option<vocabulary::Timestamp>,
}

async fn find(site: &Site, who: &Authenticated, id: Id<kind::Exchange>) -> Result<Asked, Problem> {
    let member = own_member(site, who)?;
    let found = site
        .read(move |reader| {
            let exchange = find_exchanges(reader, &[id])?.remove(&id);
            let challenge = find_challenges(reader, &[id])?.remove(&id);
            let payee = find_active(reader, member)?;
            let sent_at = challenge.map(|challenge| challenge.sent_at);
            Ok(exchange.map(|exchange| Asked { exchange, payee, sent_at }))
        })
        .await?;
    let own = found.filter(|asked| asked.exchange.member == member);
    own.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let asked = find(&site, &who, id).await?;
    if asked.exchange.state.code() != "quoted" || asked.sent_at.is_none() {
        return Ok(Redirect::to(&format!("/exchange/{id}")).into_response());
    }
    Ok(page(&site, &view, &asked, None, String::new()))
}

fn page(
    site: &Site,
    view: &View,
    asked: &Asked,
    notice: Option<Notice>,
    error: String,
) -> Response {
    let words = view.words();
    let bad = notice.is_some() || !error.is_empty();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let sent_at = asked.sent_at.map(|at| Zone::JAPAN.format_minute(at)).unwrap_or_default();
    let main = Main {
        words,
        notice,
        sent: words.with("proof-sent", &[("time", sent_at.into())]),
        action: format!("/exchange/{}/code", asked.exchange.id),
        field: TextField::new(words, "code", words.get("proof-code"))
            .kind(web::components::FieldKind::Figure)
            .hint(words.get("proof-code-hint"))
            .autocomplete("one-time-code")
            .characters_max(20)
            .error(error)
            .focused(),
        send: Button::new(words.get("proof-enter")),
        again: Button::new(words.get("proof-again")).weight(Weight::Quiet),
        back: LinkButton::new(words.get("proof-back"), format!("/exchange/{}", asked.exchange.id))
            .weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    view.page(words.get("proof-title")).nav(nav).status(status).show(&main)
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    code: String,
}

async fn enter(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let asked = find(&site, &who, id).await?;
    let words = view.words();
    let hash = code_hash(&site.config().exchange.vault, id, &half_width(&typed.code));
    let Ok(tried) = site.run(TryCode { exchange: id, code_hash: hash }).await.or_problem()?;
    match tried {
        Tried::Passed => {}
        Tried::Wrong { left } => {
            let left = left.to_string();
            let error = words.with("proof-wrong", &[("left", left.into())]);
            return Ok(page(&site, &view, &asked, None, error));
        }
        Tried::Ended => {
            let error = words.get("proof-ended").into_owned();
            return Ok(page(&site, &view, &asked, None, error));
        }
    }
    match take_up(&site, &who, &asked.exchange, asked.payee.as_ref()).await.or_problem()? {
        Ok(_) | Err(AcceptRefusal::QuoteOver) => {
            Ok(Redirect::to(&format!("/exchange/{id}")).into_response())
        }
        Err(refusal) => {
            let notice = refusal_notice(&site, words, refusal);
            Ok(page(&site, &view, &asked, Some(notice), String::new()))
        }
    }
}

/// Full-width digits are digits.
pub(crate) fn half_width(text: &str) -> String {
    let digit = |character: char| match character {
        '０'..='９' => u32::from(character)
            .checked_sub(u32::from('０'))
            .and_then(|digit| char::from_digit(digit, 10))
            .unwrap_or(character),
        other => other,
    };
    text.chars().map(digit).collect()
}

async fn send(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Exchange>>,
) -> Result<Response, Problem> {
    let asked = find(&site, &who, id).await?;
    if asked.exchange.state.code() == "quoted" {
        begin(&site, &view, id, asked.exchange.member).await?;
    }
    Ok(Redirect::to(&format!("/exchange/{id}/code")).into_response())
}
