//! The doors that `passkey.js` speaks to. Bytes travel as base64url.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    desk::{Desk, visitor_of},
    letters::{About, Writing},
    settings::parse_hex,
};
use crate::{
    guard::FormProof,
    reactions,
    sign_in::{ReturnPath, leave_mark, see_other, session_cookie},
};
use access::{
    AddPasskey, LoginKey, NewPasskey, OfferChallenge, PasskeyRefusal, Realm, RelyingParty,
    RemovePasskey, Secret, SecretHash, SignInByPasskey, SignedIn, Subject, find_login_of,
    find_passkey, list_passkeys,
};
use answers::{OrProblem as _, read, refused};
use mail::Recipient;
use vocabulary::{Email, Label};
use web::{
    Caller, Form, HeaderMap, IntoResponse as _, Json, Problem, RequestContext, Response, Routes,
    State, View, csrf, header, post,
};

const NEED: &str = "session.member";

pub(super) fn routes() -> Routes<Desk> {
    Routes::of("daifuku")
        .on(post("/sign-in/passkey/challenge", "public"), offer_sign_in)
        .on(post("/sign-in/passkey", "public").idempotent(), sign_in)
        .on(post("/settings/passkeys/challenge", NEED), offer_adding)
        .on(post("/settings/passkeys", NEED).idempotent(), add)
        .on(post("/settings/passkeys/remove", NEED).idempotent(), remove)
}

/// What a script needs to ask the browser for a key.
#[derive(Serialize)]
struct Offered {
    challenge: String,
    party: String,
    party_name: String,
    /// Who adds a key: the member's id, and the address that the device shows beside it.
    user: Option<String>,
    user_name: Option<String>,
    /// Keys that the device may have already.
    known: Vec<String>,
}

/// Where the script goes on.
#[derive(Serialize)]
struct GoOn {
    location: String,
}

impl Desk {
    fn party(&self) -> RelyingParty {
        RelyingParty::of(&self.address())
    }

    async fn offer(&self, subject: Option<Subject>) -> Result<Secret, Problem> {
        let challenge = Secret::draw(&mut self.house.world.chance.clone());
        let command = OfferChallenge { challenge: challenge.hash(), subject };
        let Ok(()) = self.ask(command).await?;
        Ok(challenge)
    }
}

fn wrong() -> Problem {
    refused(PasskeyRefusal::Wrong.kind())
}

fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_ignored| wrong())
}

async fn offer_sign_in(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    // Nobody is named: all visitors of one address share what it may ask for.
    let visitor = visitor_of(&context, &headers);
    admit_address(&desk, &visitor)?;
    let challenge = desk.offer(None).await?;
    let offered = Offered {
        challenge: challenge.expose().to_owned(),
        party: desk.party().id,
        party_name: desk.house.config.operator_name.as_str().to_owned(),
        user: None,
        user_name: None,
        known: Vec::new(),
    };
    Ok(Json(offered).into_response())
}

fn admit_address(desk: &Desk, visitor: &crate::sign_in::Visitor) -> Result<(), Problem> {
    let nobody = Email::parse(&format!("passkey@{}.invalid", visitor.address.to_canonical()));
    let Ok(nobody) = nobody else { return Ok(()) };
    let key = LoginKey::member(desk.house.config.site_company, &nobody);
    desk.admit(key, visitor).map_err(|refusal| refused(refusal.kind()))
}

#[derive(Deserialize)]
struct SignInBody {
    challenge: String,
    credential: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(rename = "return", default)]
    back: String,
}

async fn sign_in(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    Json(body): Json<SignInBody>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let visitor = visitor_of(&context, &headers);
    let credential = bytes(&body.credential)?;
    let found = read(desk.house.store.database(), move |reader| {
        let Some(passkey) = find_passkey(reader, &credential)? else { return Ok(None) };
        let login = find_login_of(reader, passkey.subject())?;
        Ok(login.map(|login| (passkey, login)))
    });
    let (passkey, login) = found.await.or_problem()?.ok_or_else(wrong)?;
    let counter = passkey.verify(
        &desk.party(),
        &body.challenge,
        &bytes(&body.client_data)?,
        &bytes(&body.authenticator_data)?,
        &bytes(&body.signature)?,
    );
    let (secret, session) = desk.draw_session();
    let command = SignInByPasskey {
        challenge: SecretHash::of(&body.challenge),
        passkey: passkey.hash(),
        counter: counter.ok(),
        login: login.key(),
        session,
        previous: visitor.previous,
        request: visitor.request,
    };
    let Ok(signed_in) = desk.ask(command).await?;
    let opened = signed_in.map_err(|refusal| refused(refusal.kind()))?;
    if let Some(previous) = visitor.previous {
        desk.house.sessions.forget(previous);
    }
    let back = ReturnPath::of(&body.back, Realm::Member);
    let staying = reactions::signed_in(&desk.house, opened.subject).await?;
    let location = if staying { reactions::STAYING } else { back.as_str() }.to_owned();
    let mut response = Json(GoOn { location }).into_response();
    let cookie = session_cookie(&desk.house, Realm::Member, &secret, opened.stage)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    leave_mark(&desk.house, &headers, opened.subject, &mut response)?;
    Ok(response)
}

async fn offer_adding(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Caller(signed_in): Caller<SignedIn>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let subject = signed_in.subject();
    let login = desk.login(&signed_in).await?;
    let known = read(desk.house.store.database(), move |reader| list_passkeys(reader, subject));
    let known = known.await.or_problem()?;
    let challenge = desk.offer(Some(subject)).await?;
    let offered = Offered {
        challenge: challenge.expose().to_owned(),
        party: desk.party().id,
        party_name: desk.house.config.operator_name.as_str().to_owned(),
        user: Some(URL_SAFE_NO_PAD.encode(subject.to_bytes())),
        user_name: Some(login.mail().as_str().to_owned()),
        known: known.iter().map(|key| URL_SAFE_NO_PAD.encode(key.credential())).collect(),
    };
    Ok(Json(offered).into_response())
}

#[derive(Deserialize)]
struct AddBody {
    challenge: String,
    client_data: String,
    attestation: String,
}

async fn add(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Caller(signed_in): Caller<SignedIn>,
    Json(body): Json<AddBody>,
) -> Result<Response, Problem> {
    csrf::check_origin(&headers)?;
    let passkey = NewPasskey::verify(
        &desk.party(),
        &body.challenge,
        &bytes(&body.client_data)?,
        &bytes(&body.attestation)?,
    );
    let passkey = passkey.map_err(|refusal| refused(refusal.kind()))?;
    let words = view.words();
    let label = match device(&headers) {
        Some(device) => words.with("passkey-label", &[("device", device.into())]),
        None => words.get("passkey-label-plain").into_owned(),
    };
    let label = Label::parse(&label).map_err(|_ignored| wrong())?;
    let login = desk.login(&signed_in).await?;
    let writing = Writing { desk: &desk, words: view.words() };
    let to = Recipient::Address(login.mail().clone());
    let extra = [("passkey", label.as_str())];
    let command = AddPasskey {
        challenge: SecretHash::of(&body.challenge),
        login: signed_in.login(),
        session: signed_in.session(),
        passkey,
        notice: writing.write(desk.next_id(), About::PasskeyAdded, to, &extra)?,
        label: label.clone(),
        request: visitor_of(&context, &headers).request,
    };
    let Ok(added) = desk.ask(command).await?;
    added.map_err(|refusal| refused(refusal.kind()))?;
    Ok(Json(GoOn { location: "/settings?done=passkey".to_owned() }).into_response())
}

/// Names a device by what its browser says of itself, to tell one's own keys apart.
fn device(headers: &HeaderMap) -> Option<&'static str> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let agent = agent.unwrap_or_default();
    // In this order: an iPad says Mac as well, Android says Linux as well.
    let known = ["iPhone", "iPad", "Android", "Windows", "Mac", "Linux"];
    known.into_iter().find(|name| agent.contains(name))
}

#[derive(Deserialize)]
struct RemoveForm {
    #[serde(default)]
    passkey: String,
    #[serde(default)]
    csrf: String,
}

async fn remove(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(form): Form<RemoveForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &form.csrf)?;
    let command = RemovePasskey {
        passkey: parse_hex(&form.passkey).ok_or_else(wrong)?,
        login: signed_in.login(),
        session: signed_in.session(),
        request: visitor_of(&context, &headers).request,
    };
    desk.ask(command).await?.map_err(|refusal| refused(refusal.kind()))?;
    see_other("/settings?done=passkey-removed")
}
