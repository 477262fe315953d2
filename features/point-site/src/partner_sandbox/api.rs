use std::time::Duration;

use crate::partner_sandbox::{Asked, PartnerSandbox};
use serde::Deserialize;
use vocabulary::Day;
use web::{
    Body, HeaderMap, HeaderValue, Problem, Query, RawBody, Response, Routes, State, StatusCode,
    get, header, post, problems,
};

/// How late a slow answer is: longer than the site waits.
const LATE: Duration = Duration::from_secs(15);

/// Where the site asks.
pub(crate) fn routes() -> Routes<PartnerSandbox> {
    let take = post("/sandbox/partner/requests", "public").idempotent().deadline_ms(30_000);
    Routes::of("sandbox").on(take, answer).on(get("/sandbox/partner/statement", "public"), give)
}

fn check(sandbox: &PartnerSandbox, headers: &HeaderMap) -> Result<(), Problem> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = key.and_then(|value| value.strip_prefix("Bearer "));
    if key.is_some_and(|key| sandbox.knows(key)) {
        Ok(())
    } else {
        Err(Problem::new(&problems::UNAUTHENTICATED))
    }
}

#[derive(Debug, Deserialize)]
struct Asking {
    #[serde(default)]
    day: String,
}

/// What was done and refused on a day.
async fn give(
    State(sandbox): State<PartnerSandbox>,
    headers: HeaderMap,
    Query(asking): Query<Asking>,
) -> Result<Response, Problem> {
    check(&sandbox, &headers)?;
    let day = Day::parse(&asking.day).ok();
    let text = day.and_then(|day| sandbox.statement(day));
    let mut response = Response::new(Body::from(text.ok_or(Problem::new(&problems::NOT_FOUND))?));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

async fn answer(
    State(sandbox): State<PartnerSandbox>,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Response, Problem> {
    check(&sandbox, &headers)?;
    let asked: Asked = web::parse_json(&body.0)?;
    let reply = sandbox.take(&asked);
    if reply.late {
        tokio::time::sleep(LATE).await;
    }
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
