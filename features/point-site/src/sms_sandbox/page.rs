use askama::Template;
use serde::Deserialize;

use crate::sms_sandbox::SmsSandbox;
use vocabulary::Zone;
use web::components::{Column, EmptyState, Table};
use web::{
    Body, Form, HeaderMap, HeaderValue, Problem, Response, Routes, State, StatusCode, View, Words,
    get, header, post, problems,
};

/// The pretend provider's own doors: where messages go, and where they are read.
pub fn routes(sandbox: &SmsSandbox) -> Routes {
    Routes::of("sandbox")
        .on(post("/sandbox/sms/messages", "public").idempotent(), take)
        .on(get("/sandbox/sms", "public"), show)
        .with_state(sandbox)
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "To", default)]
    to: String,
    #[serde(rename = "From", default)]
    from: String,
    #[serde(rename = "Body", default)]
    body: String,
}

async fn take(
    State(sandbox): State<SmsSandbox>,
    headers: HeaderMap,
    Form(message): Form<Message>,
) -> Result<Response, Problem> {
    let who = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !who.is_some_and(|who| sandbox.knows(who)) {
        return Err(Problem::new(&problems::UNAUTHENTICATED));
    }
    let (status, body) = if sandbox.take(message.to, message.from, message.body) {
        (StatusCode::CREATED, r#"{"status":"queued"}"#)
    } else {
        (StatusCode::BAD_REQUEST, r#"{"code":21211,"message":"Invalid 'To' Phone Number"}"#)
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

#[derive(Template)]
#[template(path = "sms_sandbox/page.html")]
struct Main<'a> {
    words: Words<'a>,
    taken: Option<Table>,
    none: EmptyState,
}

async fn show(State(sandbox): State<SmsSandbox>, view: View) -> Response {
    let words = view.words();
    let columns = vec![
        Column::times(words.get("sms-at")),
        Column::text(words.get("sms-to")),
        Column::text(words.get("sms-body")),
    ];
    let taken = sandbox.taken();
    let rows = taken.iter().map(|sms| {
        let at = Zone::JAPAN.format_second(sms.at);
        vec![at.into(), sms.to.as_str().into(), sms.body.as_str().into()]
    });
    let main = Main {
        words,
        taken: (!taken.is_empty()).then(|| Table::new(words.get("sms-taken"), columns).rows(rows)),
        none: EmptyState::new(words.get("sms-none"), words.get("sms-none-text")),
    };
    view.page(words.get("sms-title")).show(&main)
}
