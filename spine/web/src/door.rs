//! Every request's way in and out, in one pass.
//!
//! Request id and trace, route, limits, room, deadline, handler, headers, metrics, log: one
//! function instead of a stack of layers, because each layer would add a boxed future to every
//! request.

use core::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
    time::Duration,
};
use std::{
    panic::catch_unwind,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header},
    response::{IntoResponse as _, Response},
};
use tower_service::Service as _;
use tracing::Instrument as _;

use crate::{
    context::{RequestContext, RequestId},
    extract::too_large,
    guard::{Admission, Guard},
    meter::Meter,
    page::{Frame, View},
    problem::{
        DEADLINE_EXCEEDED, HOST_UNCLEAR, INTERNAL_FAULT, METHOD_NOT_ALLOWED, NOT_FOUND, OVERLOADED,
        Problem,
    },
    route::{Class, Found, Route, RouteError, Routes, Table},
    security::{self, Transport},
    server::ServerOptions,
    trace::TraceContext,
};
use vocabulary::{Clock, Id, IdSource as _, SharedIds, Timestamp, kind};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What the door needs from the world; only `daifuku` makes the real ones.
pub struct DoorTools {
    /// Tells the time of requests and of the log.
    pub clock: Arc<dyn Clock>,
    /// Makes request and trace ids.
    pub ids: SharedIds,
    /// Counts requests; `/metrics` writes it.
    pub meter: Arc<Meter>,
    /// The page frame, for pages and for problems shown to people.
    pub frame: Arc<Frame>,
    /// Tells who is asking and whether they may.
    pub guard: Arc<dyn Guard>,
}

impl fmt::Debug for DoorTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoorTools").finish_non_exhaustive()
    }
}

/// The way in and out of the house; shared by all connections.
pub struct Door {
    table: Table,
    options: ServerOptions,
    clock: Arc<dyn Clock>,
    ids: SharedIds,
    meter: Arc<Meter>,
    frame: Arc<Frame>,
    guard: Arc<dyn Guard>,
    in_work: [AtomicU32; 3],
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("routes", &self.table.routes.len()).finish_non_exhaustive()
    }
}

/// What is remembered of a request while its handler has it.
struct Visit {
    context: RequestContext,
    /// The route's place in the table; one past the last when there is none.
    place: usize,
    method: Method,
    uri: Uri,
    /// The headers that choose a page's form, only when the client wants a page.
    page_headers: Option<HeaderMap>,
}

/// One request's room in its class, given back when dropped.
struct Room<'a>(&'a AtomicU32);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Door {
    /// Builds the door for a route table.
    ///
    /// # Errors
    ///
    /// [`RouteError`] when the table contradicts itself.
    pub fn try_new(
        routes: Routes,
        options: ServerOptions,
        tools: DoorTools,
    ) -> Result<Self, RouteError> {
        let table = Table::try_new(routes)?;
        let names = table.routes.iter().map(|r| (r.method.to_string(), r.path.to_owned()));
        let none = ("OTHER".to_owned(), NO_ROUTE.to_owned());
        tools.meter.name_routes(names.chain([none]));
        Ok(Self {
            table,
            options,
            clock: tools.clock,
            ids: tools.ids,
            meter: tools.meter,
            frame: tools.frame,
            guard: tools.guard,
            in_work: [const { AtomicU32::new(0) }; 3],
        })
    }

    /// Gives the limits it was built with.
    pub const fn options(&self) -> &ServerOptions {
        &self.options
    }

    /// Gives the meter it was built with.
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Answers one request of a peer. Never fails: what goes wrong is a problem response.
    pub async fn answer(&self, mut request: Request, peer: IpAddr) -> Response {
        self.meter.begin();
        let found = self.table.find(request.method(), request.uri().path());
        let place = match found {
            Found::Route(place) => place,
            Found::Methods(_) | Found::Nothing => self.table.routes.len(),
        };
        let visit = self.visit(&request, peer, place);
        let response = match found {
            _ if !names_one_host(&request) => Problem::new(&HOST_UNCLEAR).into_response(),
            Found::Nothing => Problem::new(&NOT_FOUND).into_response(),
            Found::Methods(allow) => not_this_method(request.method(), &allow),
            Found::Route(place) => match self.table.routes.get(place) {
                Some(route) => {
                    request.extensions_mut().insert(visit.context.clone());
                    self.admit(route, &visit, request).await
                }
                None => Problem::new(&NOT_FOUND).into_response(),
            },
        };
        self.finish(&visit, response)
    }

    fn visit(&self, request: &Request, peer: IpAddr, place: usize) -> Visit {
        let headers = request.headers();
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let received_at = self.clock.now();
        let (request_id, trace) = self.name(received_at, text(&REQUEST_ID), text(&TRACEPARENT));
        let route = self.table.routes.get(place);
        let deadline_ms =
            route.and_then(|route| route.deadline_ms).unwrap_or(self.options.deadline_ms);
        let context = RequestContext {
            request_id,
            trace,
            received_at,
            deadline_at: received_at
                .plus_microseconds(i64::from(deadline_ms).saturating_mul(1_000)),
            client: client_address(headers, peer, self.options.trusted_proxies),
            body_max: route.and_then(|route| route.body_max).unwrap_or(self.options.body_max),
            frame: Some(Arc::clone(&self.frame)),
        };
        // Programs that say nothing of what they accept, or everything, are told in JSON.
        let for_programs = request.uri().path().starts_with("/api/v1/");
        let wants_page = !for_programs && text(&header::ACCEPT).is_some_and(prefers_page);
        Visit {
            context,
            place,
            method: request.method().clone(),
            uri: request.uri().clone(),
            page_headers: wants_page.then(|| headers.clone()),
        }
    }

    fn name(
        &self,
        now: Timestamp,
        request_id: Option<&str>,
        traceparent: Option<&str>,
    ) -> (RequestId, TraceContext) {
        let mut ids = self.ids.clone();
        let low = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        let trace = TraceContext::continue_or_start(traceparent, || low(ids.chance()));
        let request_id = request_id.and_then(RequestId::parse).unwrap_or_else(|| {
            let id: Id<kind::Request> = ids.next_id(now);
            RequestId::made(&id.to_string())
        });
        (request_id, trace)
    }

    /// Lets the request in when its body fits and its class has room.
    async fn admit(&self, route: &Route, visit: &Visit, request: Request) -> Response {
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<u64>().ok());
        if announced.is_some_and(|bytes| bytes > visit.context.body_max) {
            return too_large(visit.context.body_max).into_response();
        }
        let Some(_room) = self.room(route.class) else {
            self.meter.count_shed();
            return Problem::new(&OVERLOADED).retry_after_s(1).into_response();
        };
        let span = tracing::info_span!(
            "request",
            request.id = %visit.context.request_id,
            trace_id = format_args!("{:032x}", visit.context.trace.trace_id),
        );
        let milliseconds = route.deadline_ms.unwrap_or(self.options.deadline_ms);
        let handler = unwind(self.guarded(route, request));
        let deadline = Duration::from_millis(u64::from(milliseconds));
        match tokio::time::timeout(deadline, handler.instrument(span)).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => self.panicked(route, visit, panic.as_ref()),
            Err(_elapsed) => Problem::new(&DEADLINE_EXCEEDED).into_response(),
        }
    }

    /// Asks the guard, then the handler.
    async fn guarded(&self, route: &Route, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let admission = match self.guard.admit(route, &mut parts) {
            Admission::AskAgain(lookup) => {
                lookup.await;
                self.guard.admit(route, &mut parts)
            }
            admission @ (Admission::Granted | Admission::Denied(_)) => admission,
        };
        match admission {
            Admission::Granted => {
                let request = Request::from_parts(parts, body);
                let answer = self.table.handlers.clone().call(request).await;
                answer.unwrap_or_else(|never| match never {})
            }
            Admission::Denied(problem) => problem.into_response(),
            Admission::AskAgain(_) => Problem::new(&INTERNAL_FAULT).into_response(),
        }
    }

    fn room(&self, class: Class) -> Option<Room<'_>> {
        let [critical, member, bulk] = &self.in_work;
        let (counter, max) = match class {
            Class::Critical => (critical, self.options.in_work_max.critical),
            Class::Member => (member, self.options.in_work_max.member),
            Class::Bulk => (bulk, self.options.in_work_max.bulk),
        };
        let before = counter.fetch_add(1, Ordering::AcqRel);
        let room = Room(counter);
        (before < max).then_some(room)
    }

    fn panicked(&self, route: &Route, visit: &Visit, panic: &(dyn Any + Send)) -> Response {
        self.meter.count_panic();
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let request_id = visit.context.request_id.as_str();
        tracing::error!(
            request.id = request_id,
            http.route = route.path,
            exception.message = message,
            "handler of {} panicked in request {request_id}",
            route.path,
        );
        Problem::new(&INTERNAL_FAULT).into_response()
    }

    fn finish(&self, visit: &Visit, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            self.show(visit, &problem, &mut response);
        }
        let headers = response.headers_mut();
        security::secure(headers, self.options.transport);
        if let Ok(value) = HeaderValue::from_str(visit.context.request_id.as_str()) {
            headers.insert(REQUEST_ID, value);
        }
        if let Ok(value) = HeaderValue::try_from(visit.context.trace.to_string()) {
            headers.insert(TRACEPARENT, value);
        }
        let duration = self.clock.now().microseconds_since(visit.context.received_at);
        // A wall clock that is set back makes a request short, never endless.
        let duration_us = u64::try_from(duration).unwrap_or(0);
        self.meter.end(visit.place, response.status().as_u16(), duration_us);
        self.log(visit, response.status(), duration_us);
        response
    }

    /// Writes the problem with its request id, as a page for people and as JSON for programs.
    fn show(&self, visit: &Visit, problem: &Problem, response: &mut Response) {
        let request_id = visit.context.request_id.as_str();
        let (kind, body) = match &visit.page_headers {
            Some(headers) => {
                let view = View::of(&self.frame, &visit.uri, headers);
                let nav = self.guard.navigation(&view, headers);
                let html = view.problem_page(problem, request_id, nav);
                ("text/html; charset=utf-8", Body::from(html))
            }
            None => (crate::problem::PROBLEM_JSON, Body::from(problem.to_json(Some(request_id)))),
        };
        *response.body_mut() = body;
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }

    fn log(&self, visit: &Visit, status: StatusCode, duration_us: u64) {
        let worth_a_look = status.is_server_error()
            || duration_us >= u64::from(self.options.slow_ms).saturating_mul(1_000);
        let route = self.table.routes.get(visit.place).map_or(NO_ROUTE, |route| route.path);
        // An address that carries a secret is told by its route only.
        let path = if route.contains("{secret}") { route } else { visit.uri.path() };
        macro_rules! access {
            ($level:expr) => {
                tracing::event!(
                    target: "web::access",
                    $level,
                    http.request.method = visit.method.as_str(),
                    http.route = route,
                    http.response.status_code = status.as_u16(),
                    url.path = path,
                    server.address = %self.options.listen,
                    client.address = %visit.context.client,
                    duration_ms = duration_us.div_euclid(1_000),
                    request.id = visit.context.request_id.as_str(),
                    trace_id = format_args!("{:032x}", visit.context.trace.trace_id),
                    span_id = format_args!("{:016x}", visit.context.trace.span_id),
                    "{} {route} {}",
                    visit.method,
                    status.as_u16(),
                )
            };
        }
        if worth_a_look || self.options.access_log == AccessLog::Every {
            access!(tracing::Level::INFO);
        } else {
            access!(tracing::Level::DEBUG);
        }
    }
}

/// How the log and the metrics name requests that lead nowhere; never the path, which anyone
/// chooses.
const NO_ROUTE: &str = "(none)";

/// Which requests the access log shows at `info`; the others are at `debug`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// Those that failed on our side or were slow.
    #[default]
    Notable,
    /// All.
    Every,
}

/// Whether the host is told once, as RFC 9112, section 3.2 asks of HTTP/1.1.
fn names_one_host(request: &Request) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().take(2).count();
    hosts == 1 || (hosts == 0 && request.version() == Version::HTTP_10)
}

fn not_this_method(method: &Method, allow: &str) -> Response {
    let mut response = if *method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Problem::new(&METHOD_NOT_ALLOWED).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// Tells whether a person's browser asks: it names HTML before any JSON.
fn prefers_page(accept: &str) -> bool {
    match (accept.find("text/html"), accept.find("json")) {
        (Some(html), Some(json)) => html < json,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Takes the address that the outermost trusted proxy saw; each proxy appends one to the header.
fn client_address(headers: &HeaderMap, peer: IpAddr, trusted_proxies: u8) -> IpAddr {
    let Some(back) = usize::from(trusted_proxies).checked_sub(1) else { return peer };
    headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .nth(back)
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(peer)
}

/// Polls a handler so that its panic is a value and the connection lives on.
///
/// Unwind safety: the handler's future is dropped after a panic and never polled again; what it
/// shares with others guards itself.
async fn unwind<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// How many requests of each class may be in work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InWorkMax {
    /// For [`Class::Critical`].
    pub critical: u32,
    /// For [`Class::Member`].
    pub member: u32,
    /// For [`Class::Bulk`].
    pub bulk: u32,
}

impl Default for InWorkMax {
    /// Room for the connections of a busy day; bulk work must not crowd people out.
    fn default() -> Self {
        Self { critical: 1_024, member: 1_024, bulk: 16 }
    }
}

impl ServerOptions {
    /// Tells browsers to insist on TLS, which ends in front.
    pub const fn behind_tls(mut self) -> Self {
        self.transport = Transport::TlsInFront;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_those_who_name_it_first() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let table = [
            (browser, true),
            ("*/*", false),
            ("application/json", false),
            ("application/problem+json, text/html;q=0.5", false),
            ("text/html, application/json;q=0.5", true),
        ];
        for (accept, page) in table {
            assert_eq!(prefers_page(accept), page, "{accept}");
        }
    }

    #[test]
    fn a_forged_address_is_not_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 203.0.113.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2"));
        let peer = IpAddr::from([10, 0, 0, 1]);
        for (trusted, expected) in
            [(0, "10.0.0.1"), (1, "10.0.0.2"), (2, "203.0.113.7"), (9, "10.0.0.1")]
        {
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(client_address(&headers, peer, trusted), expected, "{trusted}");
        }
    }
}
