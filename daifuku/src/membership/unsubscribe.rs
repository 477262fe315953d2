//! The link under every notice: no more notices, without signing in (RFC 8058).

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::desk::{Desk, FormMain};
use crate::{house::House, reactions};
use access::Subject;
use vocabulary::{Id, kind};
use web::{
    Form, Problem, Query, Response, Routes, State, StatusCode, View, components::Button, get, post,
    problems,
};

pub(super) fn routes() -> Routes<Desk> {
    Routes::of("daifuku")
        .on(get("/unsubscribe", "public"), show)
        .on(post("/unsubscribe", "public").idempotent(), unsubscribe)
}

/// Gives the address at which a member says that they want no more notices. It cannot be guessed
/// for another member, and says nothing else but this.
pub(super) fn address(house: &House, member: Id<kind::Member>) -> String {
    let site = house.config.site_address.or_of(house.config.server_listen);
    format!("{site}/unsubscribe?k={member}-{}", seal(house, member))
}

fn seal(house: &House, member: Id<kind::Member>) -> String {
    let key = house.secrets.key("unsubscribe");
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(&member.to_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn member_of(house: &House, text: &str) -> Option<Id<kind::Member>> {
    let (member, shown) = text.split_once('-')?;
    let member = Id::parse(member).ok()?;
    let hash = |text: &str| access::SecretHash::of(text);
    hash(&seal(house, member)).matches(&hash(shown)).then_some(member)
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "k", default)]
    who: String,
}

async fn show(
    State(desk): State<Desk>,
    view: View,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    member_of(&desk.house, &link.who).ok_or_else(|| Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let main = FormMain {
        title: words.get("unsubscribe-title").into_owned(),
        lead: vec![words.get("unsubscribe-lead").into_owned()],
        action: "/unsubscribe",
        hidden: vec![("k", link.who)],
        send: Some(Button::new(words.get("unsubscribe-send"))),
        ..FormMain::default()
    };
    Ok(main.show(&view, StatusCode::OK))
}

/// Takes the word of whoever has the link: programs of mail providers send it without a page, and
/// without saying from where.
async fn unsubscribe(
    State(desk): State<Desk>,
    view: View,
    Query(link): Query<LinkMaybe>,
    Form(form): Form<LinkMaybe>,
) -> Result<Response, Problem> {
    let who = form.who.or(link.who).unwrap_or_default();
    let member = member_of(&desk.house, &who).ok_or_else(|| Problem::new(&problems::NOT_FOUND))?;
    let subject = Subject::Member(member);
    reactions::save_preferences(&desk.house, subject, None, Some(false)).await?;
    let words = view.words();
    let main = FormMain {
        title: words.get("unsubscribed-title").into_owned(),
        lead: vec![words.get("unsubscribed-lead").into_owned()],
        foot: vec![(words.get("settings-title").into_owned(), "/settings".to_owned())],
        ..FormMain::default()
    };
    Ok(main.show(&view, StatusCode::OK))
}

#[derive(Deserialize)]
struct LinkMaybe {
    #[serde(rename = "k")]
    who: Option<String>,
}
