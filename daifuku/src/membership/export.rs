//! Taking along what is kept about oneself: all of it as one JSON file, after the password.

use core::fmt::Write as _;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    desk::{Desk, FormMain, visitor_of},
    proof::password_field,
    settings::{password_notice, password_status},
};
use crate::{guard::FormProof, reactions, sign_in::with_retry_after};
use access::{
    BrowserSession, Login, Passkey, SignInRefusal, SignedIn, Subject, list_passkeys, list_sessions,
};
use answers::{OrProblem as _, file, read};
use point_site::{
    personal_data::{Chapter, Place, read_part},
    preferences::Preferences,
};
use store::{Database, Fault, FaultKind};
use vocabulary::{Id, Timestamp, Zone, kind};
use wallet::passbook::LineReader;
use web::{
    Caller, Class, Form, HeaderMap, Problem, RequestContext, Response, Routes, State, StatusCode,
    View,
    components::{Button, Html},
    get, post, problems,
};

const NEED: &str = "session.member";

pub(super) fn routes() -> Routes<Desk> {
    Routes::of("daifuku")
        .on(get("/settings/data", NEED), show)
        .on(post("/settings/data", NEED).class(Class::Bulk), send)
}

async fn show(view: View, Caller(proof): Caller<FormProof>) -> Response {
    form(&view, &proof, None)
}

fn form(view: &View, proof: &FormProof, refusal: Option<SignInRefusal>) -> Response {
    let words = view.words();
    let text = |key: &str| words.get(key).into_owned();
    let main = FormMain {
        title: text("data-title"),
        notice: refusal.map(|refusal| password_notice(words, refusal)),
        lead: vec![text("data-lead"), text("data-form")],
        action: "/settings/data",
        token: Some(proof.field()),
        fields: vec![Html::of(&password_field(words))],
        send: Some(Button::new(words.get("data-send"))),
        foot: vec![
            (text("data-passbook"), "/passbook.csv".to_owned()),
            (text("settings-back"), "/settings".to_owned()),
        ],
        ..FormMain::default()
    };
    let shown = main.show(view, refusal.map_or(StatusCode::OK, password_status));
    with_retry_after(shown, refusal)
}

#[derive(Deserialize)]
struct DataForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    csrf: String,
}

async fn send(
    State(desk): State<Desk>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    (Caller(signed_in), Caller(proof)): (Caller<SignedIn>, Caller<FormProof>),
    Form(sent): Form<DataForm>,
) -> Result<Response, Problem> {
    proof.check(&headers, &sent.csrf)?;
    let visitor = visitor_of(&context, &headers);
    let login = match desk.confirm(&visitor, &signed_in, &sent.password).await? {
        Ok(login) => login,
        Err(refusal) => return Ok(form(&view, &proof, Some(refusal))),
    };
    let Subject::Member(member) = signed_in.subject() else {
        return Err(Problem::new(&problems::FORBIDDEN));
    };
    let (subject, now) = (signed_in.subject(), desk.now());
    let chosen = reactions::preferences_of(&desk.house, subject).await?;
    let (sessions, passkeys) = read(desk.house.store.database(), move |reader| {
        Ok((list_sessions(reader, subject, now)?, list_passkeys(reader, subject)?))
    })
    .await
    .or_problem()?;
    let head = head_of(now, member, &login, &chosen, (&sessions, &passkeys)).or_problem()?;
    let wallet = desk.house.features().map_err(|error| Problem::of_failure(&*error, true))?;
    let company = desk.house.config.site_company;
    let mut document = Document {
        database: desk.house.store.database().clone(),
        member,
        head: Some(head),
        lines: Some(LineReader::of(&wallet.wallet, company, member, view)),
        chapters: Chapter::ALL.into(),
        after: None,
        begun: false,
    };
    let name = format!("my-data-{}.json", Zone::JAPAN.day_of(now));
    Ok(file(&name, "application/json", move || document.next_piece()))
}

#[derive(Serialize)]
struct Head<'a> {
    made_at: Timestamp,
    member: Id<kind::Member>,
    account: Account<'a>,
    passkeys: Vec<KnownPasskey<'a>>,
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct Account<'a> {
    mail: &'a str,
    joined_at: Timestamp,
    language: &'static str,
    notices: bool,
    invited_by: Option<&'a str>,
}

#[derive(Serialize)]
struct KnownPasskey<'a> {
    name: &'a str,
    since: Timestamp,
    used_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Session {
    since: Timestamp,
    seen_at: Timestamp,
}

/// Writes the beginning of the file, without the brace at its end.
fn head_of(
    now: Timestamp,
    member: Id<kind::Member>,
    login: &Login,
    chosen: &Preferences,
    (sessions, passkeys): (&[BrowserSession], &[Passkey]),
) -> Result<String, Fault> {
    let passkeys = passkeys.iter().map(|passkey| KnownPasskey {
        name: passkey.label().as_str(),
        since: passkey.created_at(),
        used_at: passkey.used_at(),
    });
    let sessions = sessions
        .iter()
        .map(|session| Session { since: session.created_at, seen_at: session.seen_at });
    let head = Head {
        made_at: now,
        member,
        account: Account {
            mail: login.mail().as_str(),
            joined_at: login.created_at(),
            language: chosen.language.code(),
            notices: chosen.notices,
            invited_by: chosen.invited_by.as_ref().map(vocabulary::Token::as_str),
        },
        passkeys: passkeys.collect(),
        sessions: sessions.collect(),
    };
    let mut text = json(&head)?;
    text.pop();
    Ok(text)
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|error| Fault::new(FaultKind::Other, "write a member's file").caused_by(error))
}

/// The file on its way out: the head, the passbook, then chapter after chapter, some hundred
/// entries at a time.
struct Document {
    database: Database,
    member: Id<kind::Member>,
    head: Option<String>,
    lines: Option<LineReader>,
    chapters: VecDeque<Chapter>,
    after: Option<Place>,
    /// The list that is being written has entries.
    begun: bool,
}

impl Document {
    fn next_piece(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let mut text = String::new();
        if let Some(head) = self.head.take() {
            text = format!("{head},\n\"passbook\":[");
        } else if let Some(mut lines) = self.lines.take() {
            let Some(read) = lines.next_lines()? else {
                self.open_list(&mut text);
                return Ok(Some(text.into_bytes()));
            };
            let entries: Result<Vec<String>, Fault> = read.iter().map(json).collect();
            self.write_entries(&mut text, &entries?);
            self.lines = Some(lines);
        } else {
            let Some(chapter) = self.chapters.front().copied() else { return Ok(None) };
            let (member, after) = (self.member, self.after);
            let part = self.database.read(|reader| read_part(reader, member, chapter, after))?;
            self.write_entries(&mut text, &part.entries);
            self.after = part.next;
            if part.next.is_none() {
                self.chapters.pop_front();
                self.open_list(&mut text);
            }
        }
        Ok(Some(text.into_bytes()))
    }

    fn write_entries(&mut self, text: &mut String, entries: &[String]) {
        for entry in entries {
            text.push_str(if self.begun { ",\n" } else { "\n" });
            text.push_str(entry);
            self.begun = true;
        }
    }

    /// Ends a list and begins the next one, or ends the file.
    fn open_list(&mut self, text: &mut String) {
        self.begun = false;
        let _infallible = match self.chapters.front() {
            Some(chapter) => write!(text, "],\n\"{}\":[", chapter.code()),
            None => text.write_str("]}\n"),
        };
    }
}
