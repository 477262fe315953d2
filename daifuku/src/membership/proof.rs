//! The pages of a proof: an address, the letter's code or link, and what it is for.

use serde::Deserialize;

use super::{
    desk::{CheckBox, Desk, FormMain, go_signed_in, go_with_proof, proof_secret, visitor_of},
    letters::{About, Writing},
};
use crate::{
    guard::FormProof,
    parts, reactions,
    sign_in::{
        BrowserMarks, Visitor, complain, leave_mark, see_other, sign_in_address, status_of,
        with_retry_after,
    },
};
use access::{
    AskProof, ChangeMail, LoginKey, MailCode, MailProof, OpenMember, Password, PasswordRefusal,
    ProofBy, ProofOutcome, ProofPurpose, ProofRefusal, ProofSecrets, ProveMail, Realm,
    ResetPassword, Secret, SecretHash, SignInRefusal, SignedIn, Stage, find_proof,
    find_proof_of_link,
};
use answers::{OrProblem as _, read};
use mail::Recipient;
use vocabulary::{Email, Token};
use wallet::member::member_account;
use web::{
    Caller, Form, HeaderMap, HeaderValue, Problem, Query, RequestContext, Response, Routes, State,
    StatusCode, View, Words,
    components::{Button, FieldKind, Html, Notice, TextField, Tone},
    csrf, get, header, post,
};

const NEED: &str = "session.member";

/// One of the three ways that begin with a proof.
#[derive(Clone, Debug)]
struct Way {
    desk: Desk,
    purpose: ProofPurpose,
}

impl Way {
    /// Tells whether there are terms to agree to on this way.
    fn asks_terms(&self) -> bool {
        self.purpose == ProofPurpose::SignUp && self.desk.house.config.site_terms.href().is_some()
    }
}

/// The addresses of one way, and the beginning of its texts.
struct Paths {
    text: &'static str,
    begin: &'static str,
    code: &'static str,
    link: &'static str,
    password: &'static str,
}

const fn paths(purpose: ProofPurpose) -> Paths {
    match purpose {
        ProofPurpose::SignUp => Paths {
            text: "sign-up",
            begin: "/sign-up",
            code: "/sign-up/code",
            link: "/sign-up/link",
            password: "/sign-up/password",
        },
        ProofPurpose::Reset => Paths {
            text: "reset",
            begin: "/password",
            code: "/password/code",
            link: "/password/link",
            password: "/password/new",
        },
        ProofPurpose::ChangeMail => Paths {
            text: "change-mail",
            begin: "/settings/mail",
            code: "/settings/mail/code",
            link: "/settings/mail/link",
            password: "/settings/mail",
        },
    }
}

/// Where a letter's link leads.
pub(super) const fn link_path(purpose: ProofPurpose) -> &'static str {
    paths(purpose).link
}

pub(super) fn routes(desk: &Desk) -> Routes {
    let way = |purpose| Way { desk: desk.clone(), purpose };
    let open = |purpose| {
        let paths = paths(purpose);
        Routes::of("daifuku")
            .on(get(paths.begin, "public"), show_begin)
            .on(post(paths.begin, "public").idempotent(), begin)
            .on(get(paths.code, "public"), show_code)
            .on(post(paths.code, "public").idempotent(), give_code)
            .on(get(paths.link, "public"), show_link)
            .on(post(paths.link, "public").idempotent(), open_link)
            .on(get(paths.password, "public"), show_password)
            .on(post(paths.password, "public").idempotent(), set_password)
            .with_state(&way(purpose))
    };
    let paths = paths(ProofPurpose::ChangeMail);
    let change = Routes::of("daifuku")
        .on(get(paths.begin, NEED), show_mail)
        .on(post(paths.begin, NEED).idempotent(), ask_mail)
        .on(get(paths.code, NEED), show_mail_code)
        .on(post(paths.code, NEED).idempotent(), give_mail_code)
        .on(get(paths.link, NEED), show_mail_link)
        .on(post(paths.link, NEED).idempotent(), open_mail_link)
        .with_state(&way(ProofPurpose::ChangeMail));
    open(ProofPurpose::SignUp).and(open(ProofPurpose::Reset)).and(change)
}

#[derive(Default, Deserialize)]
struct Coming {
    /// Who invited the visitor.
    #[serde(rename = "i", default)]
    invited_by: String,
}

#[derive(Default, Deserialize)]
struct BeginForm {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    terms: String,
    #[serde(rename = "i", default)]
    invited_by: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    csrf: String,
}

/// What is wrong with what was sent.
#[derive(Default)]
struct Complaint {
    mail: bool,
    terms: bool,
    notice: Option<Notice>,
    status: Option<StatusCode>,
}

impl Complaint {
    fn of(words: Words<'_>, refusal: ProofRefusal) -> Self {
        let code = refusal.kind().code;
        let (what, next) = (format!("problem-{code}"), format!("problem-{code}-next"));
        Self {
            notice: Some(Notice::new(Tone::Bad, words.get(&what), words.get(&next))),
            status: StatusCode::from_u16(refusal.kind().status).ok(),
            ..Self::default()
        }
    }
}

async fn show_begin(State(way): State<Way>, view: View, Query(coming): Query<Coming>) -> Response {
    let form = BeginForm { invited_by: coming.invited_by, ..BeginForm::default() };
    begin_form(&way, &view, &form, Complaint::default())
}

fn begin_form(way: &Way, view: &View, form: &BeginForm, complaint: Complaint) -> Response {
    let words = view.words();
    let paths = paths(way.purpose);
    let text = |part: &str| words.get(&format!("{}-{part}", paths.text)).into_owned();
    let mut fields =
        vec![Html::of(&mail_field(words, ("sign-in-mail", &form.mail), complaint.mail))];
    if way.asks_terms() {
        let error = if complaint.terms { text("terms-missing") } else { String::new() };
        let links = parts::footer(&way.desk.house.config);
        let label = if links.len() > 1 { "terms" } else { "terms-alone" };
        let read = links.into_iter().map(|link| (words.get(link.text).into_owned(), link.href));
        fields.push(Html::of(&CheckBox {
            name: "terms",
            legend: text("terms-title"),
            label: text(label),
            read: read.collect(),
            error,
            checked: form.terms == "yes",
        }));
    }
    let invited = !form.invited_by.is_empty();
    let main = FormMain {
        title: text("title"),
        lead: vec![text("lead")],
        action: paths.begin,
        hidden: if invited { vec![("i", form.invited_by.clone())] } else { Vec::new() },
        fields,
        send: Some(Button::new(text("send"))),
        foot: vec![(words.get("sign-up-back").into_owned(), "/sign-in".to_owned())],
        notice: complaint.notice,
        ..FormMain::default()
    };
    let wrong = complaint.mail || complaint.terms;
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    main.show(view, complaint.status.unwrap_or(status))
}

fn mail_field(words: Words<'_>, (label, value): (&str, &str), wrong: bool) -> TextField {
    let field = TextField::new(words, "mail", words.get(label))
        .kind(FieldKind::Email)
        .autocomplete("email")
        .characters_max(254)
        .value(value);
    if wrong { field.error(words.get("mail-wrong")).focused() } else { field }
}

async fn begin(
    State(way): State<Way>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Form(form): Form<BeginForm>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let terms = way.asks_terms() && form.terms != "yes";
    let mail = match Email::parse(&form.mail) {
        Ok(mail) if !terms => mail,
        parsed => {
            let complaint = Complaint { mail: parsed.is_err(), terms, ..Complaint::default() };
            return Ok(begin_form(&way, &view, &form, complaint));
        }
    };
    let visitor = visitor_of(&context, &headers);
    match ask_proof(&way, &visitor, view.words(), &mail, &form.invited_by).await? {
        Ok(secret) => go_with_proof(paths(way.purpose).code, &secret),
        Err(Refused::SignIn(refusal)) => {
            let notice = Some(complain(view.words(), refusal));
            let complaint =
                Complaint { notice, status: Some(status_of(refusal)), ..Complaint::default() };
            Ok(with_retry_after(begin_form(&way, &view, &form, complaint), Some(refusal)))
        }
        Err(Refused::Proof(refusal)) => {
            let complaint = Complaint::of(view.words(), refusal);
            let mut response = begin_form(&way, &view, &form, complaint);
            if let ProofRefusal::Throttled { retry_after_seconds } = refusal {
                let seconds = HeaderValue::from(retry_after_seconds);
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            Ok(response)
        }
    }
}

/// Why no proof was asked for.
enum Refused {
    SignIn(SignInRefusal),
    Proof(ProofRefusal),
}

/// Asks for a proof; it takes as long, and says the same, whether the address is known or not.
async fn ask_proof(
    way: &Way,
    visitor: &Visitor,
    words: Words<'_>,
    mail: &Email,
    invited_by: &str,
) -> Result<Result<Secret, Refused>, Problem> {
    ask_proof_in(way, visitor, words, mail, (invited_by, None)).await
}

async fn ask_proof_in(
    way: &Way,
    visitor: &Visitor,
    words: Words<'_>,
    mail: &Email,
    (invited_by, signed_in): (&str, Option<&SignedIn>),
) -> Result<Result<Secret, Refused>, Problem> {
    let desk = &way.desk;
    let company = desk.house.config.site_company;
    if let Err(refusal) = desk.admit(LoginKey::member(company, mail), visitor) {
        return Ok(Err(Refused::SignIn(refusal)));
    }
    let secrets = ProofSecrets::draw(&mut desk.house.world.chance.clone());
    let writing = Writing { desk, words };
    let (letter, other) = writing.of_proof(way.purpose, mail, &secrets)?;
    let command = AskProof {
        purpose: way.purpose,
        company,
        mail: mail.clone(),
        asked_in: signed_in.map(SignedIn::session),
        asked_by: signed_in.map(SignedIn::login),
        browser: secrets.browser.hash(),
        link: secrets.link.hash(),
        code: secrets.code.hash(secrets.browser.expose()),
        carried: Token::parse(&invited_by.to_ascii_lowercase()).ok(),
        letter,
        other,
        now: desk.now(),
    };
    Ok(desk.ask(command).await?.map(|()| secrets.browser).map_err(Refused::Proof))
}

/// Finds the proof that this browser gives, when it still can.
async fn open_proof(
    way: &Way,
    headers: &HeaderMap,
) -> Result<Option<(String, MailProof)>, Problem> {
    let Some(secret) = proof_secret(headers) else { return Ok(None) };
    let sought = secret.clone();
    let found = read(way.desk.house.store.database(), move |reader| find_proof(reader, &sought));
    let now = way.desk.now();
    let fits = |proof: &MailProof| proof.purpose() == way.purpose && proof.open(now);
    Ok(found.await.or_problem()?.filter(fits).map(|proof| (secret, proof)))
}

async fn show_code(
    State(way): State<Way>,
    headers: HeaderMap,
    view: View,
) -> Result<Response, Problem> {
    match open_proof(&way, &headers).await? {
        Some((_, proof)) => Ok(code_form(&way, &view, Some(&proof), None)),
        None => see_other(paths(way.purpose).begin),
    }
}

/// Shows the form for the code; without a proof, says that it is over.
fn code_form(
    way: &Way,
    view: &View,
    proof: Option<&MailProof>,
    refusal: Option<ProofRefusal>,
) -> Response {
    let words = view.words();
    let paths = paths(way.purpose);
    let Some(proof) = proof else { return over(way, view) };
    let mail = [("mail", proof.mail().as_str().into())];
    let field = TextField::new(words, "code", words.get("mail-proof-code"))
        .kind(FieldKind::Figure)
        .autocomplete("one-time-code")
        .characters_max(12)
        .hint(words.get("mail-proof-code-hint"))
        .focused();
    let main = FormMain {
        title: words.get("mail-proof-code-title").into_owned(),
        lead: vec![
            words.with("mail-proof-sent", &mail),
            words.get("mail-proof-sent-next").into_owned(),
        ],
        action: paths.code,
        fields: vec![Html::of(&match refusal {
            Some(_) => field.error(words.get("problem-code_wrong-next")),
            None => field,
        })],
        send: Some(Button::new(words.get("mail-proof-code-send"))),
        foot: vec![(words.get("mail-proof-again").into_owned(), paths.begin.to_owned())],
        ..FormMain::default()
    };
    let status = refusal.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    main.show(view, status)
}

/// Says that a code or link is over, and what to do.
fn over(way: &Way, view: &View) -> Response {
    let words = view.words();
    let complaint = Complaint::of(words, ProofRefusal::Ended);
    let main = FormMain {
        title: words.get("mail-proof-code-title").into_owned(),
        notice: complaint.notice,
        foot: vec![(
            words.get("mail-proof-restart").into_owned(),
            paths(way.purpose).begin.to_owned(),
        )],
        ..FormMain::default()
    };
    main.show(view, StatusCode::GONE)
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

async fn give_code(
    State(way): State<Way>,
    headers: HeaderMap,
    view: View,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    match prove_by_code(&way, &headers, &view, &form.code).await? {
        Ok(_proof) => see_other(paths(way.purpose).password),
        Err(response) => Ok(response),
    }
}

async fn prove_by_code(
    way: &Way,
    headers: &HeaderMap,
    view: &View,
    typed: &str,
) -> Result<Result<(String, MailProof), Response>, Problem> {
    let Some((secret, proof)) = open_proof(way, headers).await? else {
        return Ok(Err(over(way, view)));
    };
    let by = ProofBy::Code {
        browser: SecretHash::of(&secret),
        code: MailCode::typed(typed).hash(&secret),
    };
    let Ok(outcome) = way.desk.ask(ProveMail { purpose: way.purpose, by }).await?;
    Ok(match outcome {
        ProofOutcome::Proven => Ok((secret, proof)),
        ProofOutcome::Refused(ProofRefusal::CodeWrong) => {
            Err(code_form(way, view, Some(&proof), Some(ProofRefusal::CodeWrong)))
        }
        ProofOutcome::Refused(
            ProofRefusal::Throttled { .. }
            | ProofRefusal::Ended
            | ProofRefusal::SessionEnded
            | ProofRefusal::MailTaken,
        ) => Err(over(way, view)),
    })
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "k", default)]
    secret: String,
}

/// Shows a button and does nothing yet: programs that look through mail open links as well.
async fn show_link(
    State(way): State<Way>,
    view: View,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    link_form(&way, &view, link).await
}

async fn link_form(way: &Way, view: &View, link: Link) -> Result<Response, Problem> {
    let words = view.words();
    let sought = link.secret.clone();
    let found =
        read(way.desk.house.store.database(), move |reader| find_proof_of_link(reader, &sought));
    let now = way.desk.now();
    let fits = |proof: &MailProof| proof.purpose() == way.purpose && proof.open(now);
    let Some(proof) = found.await.or_problem()?.filter(fits) else { return Ok(over(way, view)) };
    let paths = paths(way.purpose);
    let mail = [("mail", proof.mail().as_str().into())];
    let main = FormMain {
        title: words.get(&format!("{}-title", paths.text)).into_owned(),
        lead: vec![words.with("mail-proof-link-lead", &mail)],
        action: paths.link,
        hidden: vec![("k", link.secret)],
        send: Some(Button::new(words.get("mail-proof-link-send"))),
        ..FormMain::default()
    };
    Ok(main.show(view, StatusCode::OK))
}

async fn open_link(
    State(way): State<Way>,
    headers: HeaderMap,
    view: View,
    Form(link): Form<Link>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    match prove_by_link(&way, &link).await? {
        Some(secret) => go_with_proof(paths(way.purpose).password, &secret),
        None => Ok(over(&way, &view)),
    }
}

async fn prove_by_link(way: &Way, link: &Link) -> Result<Option<Secret>, Problem> {
    let secret = Secret::draw(&mut way.desk.house.world.chance.clone());
    let by = ProofBy::Link { link: SecretHash::of(&link.secret), browser: secret.hash() };
    let Ok(outcome) = way.desk.ask(ProveMail { purpose: way.purpose, by }).await?;
    Ok(match outcome {
        ProofOutcome::Proven => Some(secret),
        ProofOutcome::Refused(_) => None,
    })
}

async fn show_password(
    State(way): State<Way>,
    headers: HeaderMap,
    view: View,
) -> Result<Response, Problem> {
    match open_proof(&way, &headers).await? {
        Some((_, proof)) if proof.proven(way.desk.now()) => {
            Ok(password_form(&way, &view, &proof, None))
        }
        Some(_) => see_other(paths(way.purpose).code),
        None => see_other(paths(way.purpose).begin),
    }
}

fn password_form(
    way: &Way,
    view: &View,
    proof: &MailProof,
    refusal: Option<PasswordRefusal>,
) -> Response {
    let words = view.words();
    let paths = paths(way.purpose);
    let text = |part: &str| words.get(&format!("{}-{part}", paths.text)).into_owned();
    let mail = [("mail", proof.mail().as_str().into())];
    let main = FormMain {
        title: text("password-title"),
        lead: vec![words.with("mail-proof-done", &mail)],
        action: paths.password,
        fields: vec![Html::of(&new_password_field(words, refusal))],
        send: Some(Button::new(text("password-send"))),
        ..FormMain::default()
    };
    let status = refusal.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    main.show(view, status)
}

/// The field for a new password; says beforehand what makes a strong one.
pub(super) fn new_password_field(words: Words<'_>, refusal: Option<PasswordRefusal>) -> TextField {
    let field = TextField::new(words, "new", words.get("new-password"))
        .kind(FieldKind::Password)
        .autocomplete("new-password")
        .hint(words.get("new-password-hint"));
    match refusal {
        Some(refusal) => {
            let code = refusal.kind().code;
            let what = words.get(&format!("problem-{code}"));
            let next = words.get(&format!("problem-{code}-next"));
            let stop = words.get("sentence-stop");
            field.error(format!("{what}{stop}{next}")).focused()
        }
        None => field.focused(),
    }
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    new: String,
}

async fn set_password(
    State(way): State<Way>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let proven = open_proof(&way, &headers).await?;
    let Some((secret, proof)) = proven.filter(|(_, proof)| proof.proven(way.desk.now())) else {
        return Ok(over(&way, &view));
    };
    let password = match Password::choose(&form.new, Realm::Member, proof.mail()) {
        Ok(password) => password,
        Err(refusal) => return Ok(password_form(&way, &view, &proof, Some(refusal))),
    };
    let visitor = visitor_of(&context, &headers);
    let done = match way.purpose {
        ProofPurpose::SignUp => {
            open_member(&way, &view, (&visitor, &headers), (&secret, &proof, password)).await?
        }
        ProofPurpose::Reset => reset(&way, &view, &visitor, (&secret, &proof, password)).await?,
        ProofPurpose::ChangeMail => Err(ProofRefusal::Ended),
    };
    match done {
        Ok(response) => Ok(response),
        Err(ProofRefusal::MailTaken) => see_other("/sign-in"),
        Err(
            ProofRefusal::Throttled { .. }
            | ProofRefusal::Ended
            | ProofRefusal::SessionEnded
            | ProofRefusal::CodeWrong,
        ) => Ok(over(&way, &view)),
    }
}

type Given<'a> = (&'a str, &'a MailProof, Password);

async fn open_member(
    way: &Way,
    view: &View,
    (visitor, headers): (&Visitor, &HeaderMap),
    (secret, proof, password): Given<'_>,
) -> Result<Result<Response, ProofRefusal>, Problem> {
    let desk = &way.desk;
    let config = &desk.house.config;
    let member = desk.next_id();
    let (cookie, session) = desk.draw_session();
    let writing = Writing { desk, words: view.words() };
    let known = desk.house.store.look(|book| book.find_unit(config.site_unit).is_some());
    let command = OpenMember {
        browser: SecretHash::of(secret),
        login: proof.login(),
        member,
        password: desk.hash(password).await?,
        session,
        account: known.then(|| member_account(member, config.site_company, config.site_unit)),
        welcome: writing.write(desk.next_id(), About::Welcome, Recipient::Member(member), &[])?,
        request: visitor.request,
    };
    let opened = match desk.ask(command).await? {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let marks = BrowserMarks::of(headers);
    reactions::member_opened(&desk.house, &opened, view.language(), marks).await?;
    let mut response = go_signed_in(desk, "/", &cookie, opened.opened.stage)?;
    leave_mark(&desk.house, headers, opened.opened.subject, &mut response)?;
    Ok(Ok(response))
}

async fn reset(
    way: &Way,
    view: &View,
    visitor: &Visitor,
    (secret, proof, password): Given<'_>,
) -> Result<Result<Response, ProofRefusal>, Problem> {
    let desk = &way.desk;
    let (cookie, session) = desk.draw_session();
    let writing = Writing { desk, words: view.words() };
    let to = Recipient::Address(proof.mail().clone());
    let command = ResetPassword {
        browser: SecretHash::of(secret),
        login: proof.login(),
        password: desk.hash(password).await?,
        session,
        notice: writing.write(desk.next_id(), About::PasswordChanged, to, &[])?,
        request: visitor.request,
    };
    let opened = match desk.ask(command).await? {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    desk.house.sessions.forget_subject(opened.subject);
    let target = match opened.stage {
        Stage::Full => {
            let staying = reactions::signed_in(&desk.house, opened.subject).await?;
            if staying { reactions::STAYING } else { "/" }.to_owned()
        }
        Stage::Code | Stage::Enrolment => sign_in_address(Realm::Member, opened.stage, "/"),
    };
    go_signed_in(desk, &target, &cookie, opened.stage).map(Ok)
}

async fn show_mail(
    State(way): State<Way>,
    view: View,
    Caller(signed_in): Caller<SignedIn>,
    Caller(proof): Caller<FormProof>,
) -> Result<Response, Problem> {
    let form = BeginForm::default();
    mail_form(&way, &view, (&signed_in, &proof), &form, Complaint::default()).await
}

async fn mail_form(
    way: &Way,
    view: &View,
    (signed_in, proof): (&SignedIn, &FormProof),
    form: &BeginForm,
    complaint: Complaint,
) -> Result<Response, Problem> {
    let words = view.words();
    let login = way.desk.login(signed_in).await?;
    let mail = [("mail", login.mail().as_str().into())];
    let main = FormMain {
        title: words.get("change-mail-title").into_owned(),
        lead: vec![words.with("change-mail-lead", &mail)],
        action: "/settings/mail",
        token: Some(proof.field()),
        fields: vec![
            Html::of(&mail_field(words, ("new-mail", &form.mail), complaint.mail)),
            Html::of(&password_field(words)),
        ],
        send: Some(Button::new(words.get("change-mail-send"))),
        foot: vec![(words.get("settings-back").into_owned(), "/settings".to_owned())],
        notice: complaint.notice,
        ..FormMain::default()
    };
    let wrong = if complaint.mail { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(main.show(view, complaint.status.unwrap_or(wrong)))
}

/// The field for the password of somebody who is signed in.
pub(super) fn password_field(words: Words<'_>) -> TextField {
    TextField::new(words, "password", words.get("password-now"))
        .kind(FieldKind::Password)
        .autocomplete("current-password")
        .hint(words.get("password-now-hint"))
}

async fn ask_mail(
    State(way): State<Way>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<BeginForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let who = (&signed_in, &proof);
    let Ok(mail) = Email::parse(&form.mail) else {
        let complaint = Complaint { mail: true, ..Complaint::default() };
        return mail_form(&way, &view, who, &form, complaint).await;
    };
    let visitor = visitor_of(&context, &headers);
    let words = view.words();
    let refusal = match way.desk.confirm(&visitor, &signed_in, &form.password).await? {
        Err(refusal) => Refused::SignIn(refusal),
        Ok(_login) => {
            let asked = ask_proof_in(&way, &visitor, words, &mail, ("", Some(&signed_in))).await?;
            match asked {
                Ok(secret) => return go_with_proof("/settings/mail/code", &secret),
                Err(refused) => refused,
            }
        }
    };
    let complaint = match refusal {
        Refused::SignIn(refusal) => Complaint {
            notice: Some(super::settings::password_notice(words, refusal)),
            status: Some(super::settings::password_status(refusal)),
            ..Complaint::default()
        },
        Refused::Proof(refusal) => Complaint::of(words, refusal),
    };
    mail_form(&way, &view, who, &form, complaint).await
}

async fn show_mail_code(
    State(way): State<Way>,
    headers: HeaderMap,
    view: View,
) -> Result<Response, Problem> {
    show_code(State(way), headers, view).await
}

async fn give_mail_code(
    State(way): State<Way>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Caller(signed_in): Caller<SignedIn>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    match prove_by_code(&way, &headers, &view, &form.code).await? {
        Ok((secret, proof)) => {
            let visitor = visitor_of(&context, &headers);
            change_mail(&way, &view, &visitor, &signed_in, (&secret, &proof)).await
        }
        Err(response) => Ok(response),
    }
}

async fn show_mail_link(
    State(way): State<Way>,
    view: View,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    link_form(&way, &view, link).await
}

async fn open_mail_link(
    State(way): State<Way>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Caller(signed_in): Caller<SignedIn>,
    Form(link): Form<Link>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let Some(secret) = prove_by_link(&way, &link).await? else { return Ok(over(&way, &view)) };
    let sought = secret.expose().to_owned();
    let found = read(way.desk.house.store.database(), move |reader| find_proof(reader, &sought));
    let Some(proof) = found.await.or_problem()? else { return Ok(over(&way, &view)) };
    let visitor = visitor_of(&context, &headers);
    change_mail(&way, &view, &visitor, &signed_in, (secret.expose(), &proof)).await
}

async fn change_mail(
    way: &Way,
    view: &View,
    visitor: &Visitor,
    signed_in: &SignedIn,
    (secret, proof): (&str, &MailProof),
) -> Result<Response, Problem> {
    let desk = &way.desk;
    let old = desk.login(signed_in).await?;
    let (cookie, session) = desk.draw_session();
    let writing = Writing { desk, words: view.words() };
    let to = Recipient::Address(old.mail().clone());
    let command = ChangeMail {
        browser: SecretHash::of(secret),
        login: proof.login(),
        old: signed_in.login(),
        previous: signed_in.session(),
        session,
        notice: writing.write(desk.next_id(), About::MailChanged, to, &[])?,
        request: visitor.request,
    };
    match desk.ask(command).await? {
        Ok(opened) => {
            desk.house.sessions.forget_subject(opened.subject);
            reactions::mail_changed(&desk.house, opened.subject).await?;
            go_signed_in(desk, "/settings?done=mail", &cookie, opened.stage)
        }
        Err(_refusal) => Ok(over(way, view)),
    }
}
