use askama::Template;
use serde::Deserialize;

use crate::exchange::own_member;
use crate::phone::store::{find_phones, find_proofs};
use crate::phone::{
    AskPhoneCode, EnterPhoneCode, KeptNumber, Phone, PhoneEntered, PhoneError, PhoneNumber,
    PhoneProof, PhoneRefusal, RemovePhone, Sms, code_hash,
};
use crate::proof::{draw_code, half_width};
use crate::site::Site;
use crate::step_up::CODE_MINUTES;
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted};
use mail::{Body, Category, Letter, Recipient};
use store::{Fault, FaultKind, natural_id};
use vocabulary::{Id, Label, Zone, kind};
use web::components::{Button, DataList, FieldKind, LinkButton, Notice, TextField, Tone, Weight};
use web::{
    Caller, Form, IntoResponse as _, Problem, Query, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const NEED: Need = Need::MemberSelf;

/// Where a member names their telephone.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/settings/phone", NEED.code()), show)
        .on(post("/settings/phone", NEED.code()).idempotent(), ask)
        .on(get("/settings/phone/code", NEED.code()), show_code)
        .on(post("/settings/phone/code", NEED.code()).idempotent(), enter)
        .on(post("/settings/phone/code/send", NEED.code()).idempotent(), send_again)
        .on(post("/settings/phone/remove", NEED.code()).idempotent(), remove)
}

#[derive(Template)]
#[template(path = "phone/page.html")]
struct Main<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    current: Option<DataList>,
    form: Option<(TextField, Button)>,
    remove: Button,
    back: LinkButton,
}

/// What the page is to say above.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let phone = find(&site, own_member(&site, &who)?).await?;
    let words = view.words();
    let done = ["proved", "removed"].into_iter().find(|done| *done == asked.done);
    let notice = done.map(|done| {
        let text = words.get(&format!("phone-{done}-text"));
        Notice::new(Tone::Good, words.get(&format!("phone-{done}")), text)
    });
    Ok(page(&site, &view, phone.as_ref(), ("", String::new()), notice))
}

async fn find(site: &Site, member: Id<kind::Member>) -> Result<Option<Phone>, Problem> {
    let found = site.read(move |reader| find_phones(reader, &[member])).await?;
    Ok(found.into_values().next())
}

fn page(
    site: &Site,
    view: &View,
    phone: Option<&Phone>,
    (typed, error): (&str, String),
    notice: Option<Notice>,
) -> Response {
    let words = view.words();
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let away = || Notice::new(Tone::Wait, words.get("phone-away"), words.get("phone-away-text"));
    let door = site.config().sms.is_some();
    let field = TextField::new(words, "phone", words.get("phone-number"))
        .kind(FieldKind::Telephone)
        .hint(words.get("phone-number-hint"))
        .autocomplete("tel-national")
        .characters_max(30)
        .value(typed)
        .error(error);
    let main = Main {
        words,
        notice: notice.or_else(|| (!door).then(away)),
        current: phone.map(|phone| {
            DataList::new()
                .pair(words.get("phone-number"), phone.number.shown.as_str().to_owned())
                .pair(words.get("phone-since"), Zone::JAPAN.format_minute(phone.proved_at))
        }),
        form: door.then(|| (field, Button::new(words.get("phone-send")))),
        remove: Button::new(words.get("phone-remove")).weight(Weight::Quiet),
        back: LinkButton::new(words.get("phone-back"), "/settings").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    view.page(words.get("phone-title")).nav(nav).status(status).show(&main)
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    phone: String,
}

async fn ask(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let error = match PhoneNumber::parse(&typed.phone) {
        Ok(number) => match begin(&site, &view, member, &number).await? {
            Ok(()) => return Ok(Redirect::to("/settings/phone/code").into_response()),
            Err(refusal) => refusal_text(view.words(), refusal),
        },
        Err(PhoneError::Shape) => view.words().get("phone-wrong-shape").into_owned(),
        Err(PhoneError::NotMobile) => view.words().get("phone-wrong-mobile").into_owned(),
        Err(PhoneError::Foreign) => view.words().get("phone-wrong-foreign").into_owned(),
    };
    let phone = find(&site, member).await?;
    Ok(page(&site, &view, phone.as_ref(), (&typed.phone, error), None))
}

fn refusal_text(words: Words<'_>, refusal: PhoneRefusal) -> String {
    let key = match refusal {
        PhoneRefusal::Same => "phone-refused-same",
        PhoneRefusal::TooSoon => "phone-refused-soon",
        PhoneRefusal::TooMany => "phone-refused-many",
    };
    words.get(key).into_owned()
}

/// Has a code sent to a number.
async fn begin(
    site: &Site,
    view: &View,
    member: Id<kind::Member>,
    number: &PhoneNumber,
) -> Result<Result<(), PhoneRefusal>, Problem> {
    if site.config().sms.is_none() {
        return Err(Problem::new(&problems::NOT_FOUND));
    }
    let (company, vault) = (site.config().company, &site.config().exchange.vault);
    let code = draw_code(site);
    let minutes = CODE_MINUTES.to_string();
    let args = [("code", code.as_str().into()), ("minutes", minutes.into())];
    let text = view.words().with("phone-message", &args);
    let kept = KeptNumber::seal(number, member, vault);
    let command = AskPhoneCode {
        company,
        member,
        number: kept.ok_or(Problem::new(&problems::INTERNAL_FAULT))?,
        code_hash: code_hash(vault, member, &code),
        message: Sms::write((company, member), number, &text, vault, site.now()),
    };
    Ok(site.run(command).await.or_problem()?.map(drop))
}

#[derive(Template)]
#[template(path = "phone/page_code.html")]
struct CodeMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    sent: String,
    field: TextField,
    send: Button,
    again: Button,
    back: LinkButton,
}

/// Finds the number whose code is to be entered.
async fn open_proof(site: &Site, member: Id<kind::Member>) -> Result<Option<PhoneProof>, Problem> {
    let found = site.read(move |reader| find_proofs(reader, &[member])).await?;
    Ok(found.into_values().next().filter(|proof| proof.challenge.passed_at.is_none()))
}

fn to_number() -> Response {
    Redirect::to("/settings/phone").into_response()
}

async fn show_code(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let proof = open_proof(&site, own_member(&site, &who)?).await?;
    Ok(proof.map_or_else(to_number, |proof| code_page(&site, &view, &proof, String::new(), None)))
}

fn code_page(
    site: &Site,
    view: &View,
    proof: &PhoneProof,
    error: String,
    notice: Option<Notice>,
) -> Response {
    let words = view.words();
    let bad = notice.is_some() || !error.is_empty();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let time = Zone::JAPAN.format_minute(proof.challenge.sent_at);
    let args = [("time", time.into()), ("number", proof.number.shown.as_str().into())];
    let main = CodeMain {
        words,
        notice,
        sent: words.with("phone-sent", &args),
        field: TextField::new(words, "code", words.get("proof-code"))
            .kind(FieldKind::Figure)
            .hint(words.get("phone-code-hint"))
            .autocomplete("one-time-code")
            .characters_max(20)
            .error(error)
            .focused(),
        send: Button::new(words.get("phone-enter")),
        again: Button::new(words.get("proof-again")).weight(Weight::Quiet),
        back: LinkButton::new(words.get("phone-other"), "/settings/phone").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    view.page(words.get("phone-code-title")).nav(nav).status(status).show(&main)
}

#[derive(Debug, Deserialize)]
struct TypedCode {
    #[serde(default)]
    code: String,
}

async fn enter(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(typed): Form<TypedCode>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let found = site.read(move |reader| find_proofs(reader, &[member])).await?;
    let Some(proof) = found.into_values().next() else { return Ok(to_number()) };
    let (words, config) = (view.words(), site.config());
    let command = EnterPhoneCode {
        company: config.company,
        member,
        code_hash: code_hash(&config.exchange.vault, member, &half_width(&typed.code)),
        letter: letter(&site, words, "phone-letter", (member, &proof.number))?,
        by: who.actor(),
    };
    let Ok(entered) = site.run(command).await.or_problem()?;
    let error = match entered {
        PhoneEntered::Proved => {
            return Ok(Redirect::to("/settings/phone?done=proved").into_response());
        }
        PhoneEntered::Taken => {
            let text = words.get("phone-taken-text");
            let notice = Notice::new(Tone::Bad, words.get("phone-taken"), text);
            return Ok(code_page(&site, &view, &proof, String::new(), Some(notice)));
        }
        PhoneEntered::Wrong { left } => {
            let left = left.to_string();
            words.with("proof-wrong", &[("left", left.into())])
        }
        PhoneEntered::Ended => words.get("proof-ended").into_owned(),
    };
    Ok(code_page(&site, &view, &proof, error, None))
}

async fn send_again(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let Some(proof) = open_proof(&site, member).await? else { return Ok(to_number()) };
    let number = proof.number.open(member, &site.config().exchange.vault);
    let number = number.ok_or(Problem::new(&problems::INTERNAL_FAULT))?;
    match begin(&site, &view, member, &number).await? {
        Ok(()) => Ok(Redirect::to("/settings/phone/code").into_response()),
        Err(refusal) => {
            let error = refusal_text(view.words(), refusal);
            Ok(code_page(&site, &view, &proof, error, None))
        }
    }
}

async fn remove(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let Some(phone) = find(&site, member).await? else { return Ok(to_number()) };
    let letter = letter(&site, view.words(), "phone-removed-letter", (member, &phone.number))?;
    let command = RemovePhone { member, letter, by: who.actor() };
    let Ok(_removed) = site.run(command).await.or_problem()?;
    Ok(Redirect::to("/settings/phone?done=removed").into_response())
}

/// Writes to a member that their number is another one.
fn letter(
    site: &Site,
    words: Words<'_>,
    key: &str,
    (member, number): (Id<kind::Member>, &KeptNumber),
) -> Result<Letter, Problem> {
    let unwritable = |error| {
        faulted(&Fault::new(FaultKind::Other, "write a letter about a telephone").caused_by(error))
    };
    let now = site.now();
    let (time, moment) = (Zone::JAPAN.format_minute(now), now.as_microseconds().to_be_bytes());
    let args = [("number", number.shown.as_str().into()), ("time", time.into())];
    Ok(Letter {
        id: natural_id("site.phone.letter", &[&member.to_bytes(), key.as_bytes(), &moment]),
        company: site.config().company,
        category: Category::Service,
        to: Recipient::Member(member),
        subject: Label::parse(&words.get(&format!("{key}-subject"))).map_err(unwritable)?,
        body: Body::parse(&words.with(&format!("{key}-body"), &args)).map_err(unwritable)?,
    })
}
