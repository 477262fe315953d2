use core::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use vocabulary::{Amount, Id, kind};
use web::{
    Bearer, Form, IdempotencyKey, Json, Language, Lines, Method, Path, Problem, Query, RawBody,
    RequestContext, Response, Routes, ServerOptions, View, get, parse_json, post,
    testing::{self, Answer, Client, door_with, frame},
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    amount: Amount,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Search {
    limit: u32,
}

#[derive(askama::Template)]
#[template(source = "<p>{{ name }}</p>", ext = "html")]
struct Hello {
    name: String,
}

async fn order(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

async fn lines(mut lines: Lines) -> Result<String, Problem> {
    let mut found = String::new();
    while let Some(line) = lines.next().await? {
        let item: Item = parse_json(&line.bytes)?;
        write!(found, "{}:{} ", line.number, item.amount).unwrap();
    }
    Ok(found)
}

async fn hello(view: View, Path(name): Path<String>) -> Response {
    view.page(view.words().get("problem-home")).show(&Hello { name })
}

async fn buggy() -> String {
    panic!("a bug")
}

fn client() -> Client {
    let frame = frame(&[]);
    let routes = Routes::of("test")
        .on(post("/order", "public"), order)
        .on(post("/small", "public").body_max(10), |RawBody(bytes): RawBody| async move { bytes })
        .on(post("/lines", "public").body_max(100), lines)
        .on(get("/search", "public"), |Query(s): Query<Search>| async move { s.limit.to_string() })
        .on(post("/form", "public"), |Form(s): Form<Search>| async move { s.limit.to_string() })
        .on(get("/member/{member}", "public"), |Path(id): Path<Id<kind::Member>>| async move {
            id.to_string()
        })
        .on(get("/hello/{name}", "public"), hello)
        .on(get("/key", "public"), |key: IdempotencyKey| async move { key.0.unwrap_or_default() })
        .on(get("/bearer", "public"), |token: Bearer| async move { format!("{token:?}") })
        .on(get("/context", "public"), |context: RequestContext| async move {
            context.request_id.to_string()
        })
        .on(get("/panic", "public"), buggy)
        .and(frame.routes());
    let door =
        door_with(routes, ServerOptions::default(), frame, Arc::new(web::OpenToAll)).unwrap();
    Client::new(Arc::new(door))
}

async fn send(path: &str, media_type: &str, body: &[u8]) -> Answer {
    client().send(Method::POST, path, media_type, body.to_vec()).await
}

/// Gives code, then each wrong field's pointer and detail.
fn told(answer: &Answer) -> String {
    let json: serde_json::Value = answer.json();
    let errors = json["errors"].as_array().cloned().unwrap_or_default();
    let errors: Vec<_> =
        errors.iter().map(|e| format!(" {} {}", e["pointer"], e["detail"])).collect();
    format!("{}{}", answer.problem_code(), errors.concat()).replace('"', "")
}

#[tokio::test]
async fn a_json_body_is_refused_with_the_field_that_is_wrong() {
    let json = "application/json";
    let table: [(&str, &[u8], &str); 12] = [
        (
            json,
            br#"{"items":[{"amount":1},{"amount":-1}]}"#,
            "invalid_field /items/1/amount an amount is a whole number from 0 to 9223372036854775807, not -1",
        ),
        (json, br#"{"items":[{}]}"#, "invalid_field /items/0/amount is missing"),
        (
            json,
            br#"{"items":[{"amount":"1"}]}"#,
            "invalid_field /items/0/amount invalid type: string \\1\\, expected a whole number from 0 to 9223372036854775807",
        ),
        (
            json,
            br#"{"items":[{"amount":9223372036854775808}]}"#,
            "invalid_field /items/0/amount invalid value: integer `9223372036854775808`, expected a whole number from 0 to 9223372036854775807",
        ),
        (
            json,
            br#"{"items":[{"amount":1,"x":2}]}"#,
            "invalid_field /items/0/x unknown field `x`, expected `amount` or `tags`",
        ),
        (
            json,
            br#"{"items":[{"amount":1,"amount":2}]}"#,
            "invalid_field /items/0/amount is there twice",
        ),
        (json, b"[[]]", "invalid_field  invalid type: sequence, expected an object"),
        (
            json,
            br#"{"items":[{"amount":1},[2]]}"#,
            "invalid_field /items/1 invalid type: sequence, expected an object",
        ),
        (json, br#"{"items":["#, "malformed_json"),
        (json, b"{\"items\":[{\"amount\":1,\"tags\":[\"\xff\"]}]}", "not_utf8"),
        ("text/plain", b"{}", "unsupported_media_type"),
        ("", b"{}", "unsupported_media_type"),
    ];
    for (media_type, body, expected) in table {
        let answer = send("/order", media_type, body).await;
        assert_eq!(told(&answer), expected, "{}", String::from_utf8_lossy(body));
    }
    let deep = "[".repeat(200);
    let refused = parse_json::<serde_json::Value>(deep.as_bytes()).unwrap_err();
    assert_eq!(refused.kind().code, "malformed_json");
    let good = send("/order", "Application/vnd.daifuku+JSON; charset=utf-8", br#"{"items":[]}"#);
    assert_eq!(good.await.text, r#"{"items":[]}"#);
    let answer = send("/order", json, b"{\n  \"items\": x").await;
    let problem: serde_json::Value = answer.json();
    assert_eq!(problem["detail"], "expected value at line 2 column 12");
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    assert_eq!(send("/small", "", b"0123456789").await.text, "0123456789");
    let answer = send("/small", "", b"0123456789x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem_code().as_str()),
        (413, "payload_too_large")
    );
}

#[tokio::test]
async fn lines_are_given_one_by_one_within_the_limit() {
    let body = b"{\"amount\":1}\r\n\n{\"amount\":2}\n{\"amount\":3}";
    let lines = "application/x-ndjson";
    assert_eq!(send("/lines", lines, body).await.text, "1:1 3:2 4:3 ");
    assert_eq!(send("/lines", lines, b"").await.text, "");
    assert_eq!(told(&send("/lines", lines, b"{}").await), "invalid_field /amount is missing");
    assert_eq!(told(&send("/lines", lines, &[b' '; 101]).await), "payload_too_large");
    assert_eq!(told(&send("/lines", "", body).await), "unsupported_media_type");
}

#[tokio::test]
async fn queries_forms_paths_and_headers_name_what_is_wrong() {
    let client = client();
    assert_eq!(
        told(&client.get("/search?limit=x").await),
        "invalid_field query:limit invalid digit found in string"
    );
    assert_eq!(told(&client.get("/search").await), "invalid_field query:limit is missing");
    assert_eq!(client.get("/search?limit=7").await.text, "7");
    assert_eq!(
        told(&client.post_form("/form", &[("limit", "-1")]).await),
        "invalid_field /limit invalid digit found in string"
    );
    assert_eq!(client.post_form("/form", &[("limit", "7")]).await.text, "7");
    assert_eq!(client.post_json("/form", &1).await.problem_code(), "unsupported_media_type");
    let wrong = client.get("/member/acc_01JD3T6Z8M3V5K1W9QXY2ABCDE").await;
    assert!(told(&wrong).starts_with("not_found path:member"), "{}", wrong.text);
    assert_eq!(client.get("/bearer").await.header("www-authenticate"), "Bearer");
    let client = client.header("authorization", "Bearer secret").header("idempotency-key", "k 1");
    assert_eq!(client.get("/bearer").await.text, "Bearer(…)");
    assert_eq!(client.get("/key").await.text, "k 1");
    let client = client.header("idempotency-key", "");
    assert!(told(&client.get("/key").await).contains("header:idempotency-key"), "empty key");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let client = client();
    let answer = client.get("/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.problem_code().as_str()), (404, "not_found"));
    let answer = client.send(Method::DELETE, "/order", "", Vec::new()).await;
    assert_eq!(answer.problem_code(), "method_not_allowed");
    assert_eq!(answer.header("allow"), "OPTIONS, POST");
    let answer = client.send(Method::OPTIONS, "/search", "", Vec::new()).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, "GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn a_panic_is_a_fault_with_its_request_id() {
    let answer = client().header("x-request-id", "mine-1").get("/panic").await;
    let problem: serde_json::Value = answer.json();
    assert_eq!(problem["code"], "internal_fault");
    assert_eq!(problem["instance"], "mine-1");
}

#[tokio::test]
async fn every_answer_carries_id_trace_and_security_headers() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let client = client().header("x-request-id", "mine_1").header("traceparent", trace);
    let answer = client.get("/context").await;
    assert_eq!((answer.text.as_str(), answer.header("x-request-id")), ("mine_1", "mine_1"));
    let parent = answer.header("traceparent");
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{parent}");
    assert_ne!(parent, trace);
    let answer = client.header("x-request-id", "not one!").get("/context").await;
    assert!(answer.text.starts_with("req_"), "{}", answer.text);
    assert!(answer.header("content-security-policy").contains("default-src 'none'"), "no policy");
}

#[tokio::test]
async fn a_person_sees_a_page_in_their_language() {
    let client = client().browser();
    let page = client.get("/hello/%3Cb%3E").await;
    assert!(page.text.contains("<p>&#60;b&#62;</p>"), "{}", page.text);
    assert!(page.text.contains("<html lang=\"ja\">"), "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
    let page = client.get("/hello/a?x=1&lang=en").await;
    assert!(page.text.contains("<html lang=\"en\">"), "{}", page.text);
    assert!(page.text.contains("/hello/a?x=1&#38;lang=ja"), "{}", page.text);
    let missing = client.get("/nowhere").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("There is no such page"), "the cookie keeps English");
    assert!(missing.text.contains(missing.header("x-request-id")), "{}", missing.text);
    assert!(!page.text.contains('⟦') && !missing.text.contains('⟦'), "a text is missing");
    let style = page.text.split("href=\"").find(|part| part.starts_with("/static/app.")).unwrap();
    let style = client.get(style.split('"').next().unwrap()).await;
    assert_eq!(style.status, 200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(Language::Japanese.other(), Language::English);
}

#[tokio::test]
async fn every_kind_of_problem_has_its_page() {
    let client = client();
    let page = client.get("/problems/overloaded").await;
    assert!(page.text.contains("Too busy right now"), "{}", page.text);
    assert_eq!(client.get("/problems/unheard_of").await.status, 404);
    let all = client.get("/problems").await;
    for kind in web::PROBLEMS {
        assert!(all.text.contains(&format!("id=\"{}\"", kind.code)), "{}", kind.code);
    }
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let routes = Routes::of("test").on(get("/search", "public"), |_: Query<Search>| async {});
    let door = Arc::new(testing::door(routes, ServerOptions::default()).unwrap());
    let client = Client::new(Arc::clone(&door));
    for path in ["/search?limit=1", "/search", "/secret/1", "/secret/2"] {
        client.get(path).await;
    }
    let mut text = String::new();
    door.meter().render(&mut text);
    for (method, route, status, count) in
        [("GET", "/search", "2xx", 1), ("GET", "/search", "4xx", 1), ("OTHER", "(none)", "4xx", 2)]
    {
        let line = format!(
            "daifuku_http_request_duration_seconds_count{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
        );
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"), "{text}");
}
