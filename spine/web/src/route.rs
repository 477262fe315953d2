//! The route table as data.
//!
//! One list gives the router, every route's limits, `docs/generated/routes.txt` and the OpenAPI
//! document, so that none of them can forget a path.
//!
//! ```
//! use web::{Class, Routes, get, post};
//!
//! async fn place() -> &'static str { "placed" }
//! async fn show() -> &'static str { "shown" }
//!
//! let routes: Routes = Routes::of("wallet")
//!     .on(post("/api/v1/holds", "hold.place").idempotent().class(Class::Critical), place)
//!     .on(get("/api/v1/holds/{id}", "hold.see"), show);
//! assert_eq!(routes.list().len(), 2);
//! ```

use core::fmt::Write as _;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter},
};

use crate::openapi::Operation;

/// Which requests go first when not all can be served; each class has its own room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Card decisions, captures, health: a late answer is a loss.
    Critical,
    /// A person or a company's service waits.
    Member,
    /// Files, exports, reports: can be repeated later.
    Bulk,
}

/// One line of the URL space: what is asked, who it belongs to and within which limits.
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) feature: &'static str,
    pub(crate) need: &'static str,
    pub(crate) idempotent: bool,
    pub(crate) class: Class,
    pub(crate) body_max: Option<u64>,
    pub(crate) deadline_ms: Option<u32>,
    pub(crate) operation: Option<Operation>,
}

/// Begins the line of a `GET` (and `HEAD`) route. `need` names what the caller must be allowed;
/// `public` is open to all.
pub const fn get(path: &'static str, need: &'static str) -> Route {
    Route::new(Method::GET, path, need)
}

/// Begins the line of a `POST` route.
pub const fn post(path: &'static str, need: &'static str) -> Route {
    Route::new(Method::POST, path, need)
}

/// Begins the line of a `PUT` route.
pub const fn put(path: &'static str, need: &'static str) -> Route {
    Route::new(Method::PUT, path, need)
}

/// Begins the line of a `PATCH` route.
pub const fn patch(path: &'static str, need: &'static str) -> Route {
    Route::new(Method::PATCH, path, need)
}

/// Begins the line of a `DELETE` route.
pub const fn delete(path: &'static str, need: &'static str) -> Route {
    Route::new(Method::DELETE, path, need)
}

impl Route {
    const fn new(method: Method, path: &'static str, need: &'static str) -> Self {
        Self {
            idempotent: matches!(method, Method::GET | Method::PUT | Method::DELETE),
            method,
            path,
            feature: "",
            need,
            class: Class::Member,
            body_max: None,
            deadline_ms: None,
            operation: None,
        }
    }

    /// Says that a repeat with the same key or id is answered alike and done once.
    /// `GET`, `PUT` and `DELETE` always are.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Puts the route into a class other than [`Class::Member`].
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Reads bodies of up to `bytes` instead of the server's default.
    pub fn body_max(mut self, bytes: u64) -> Self {
        self.body_max = Some(bytes);
        self
    }

    /// Answers within `milliseconds` instead of the server's default.
    pub fn deadline_ms(mut self, milliseconds: u32) -> Self {
        self.deadline_ms = Some(milliseconds);
        self
    }

    /// Describes the operation for the OpenAPI document; every route under `/api/v` needs it.
    pub fn describe(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Gives the method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Gives the path with its parameters in braces.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Gives the feature it belongs to.
    pub const fn feature(&self) -> &'static str {
        self.feature
    }

    /// Gives what the caller must be allowed.
    pub const fn need(&self) -> &'static str {
        self.need
    }
}

/// Routes with their handlers, which share a state `S`.
#[derive(Debug)]
pub struct Routes<S = ()> {
    feature: &'static str,
    lines: Vec<(Route, MethodRouter<S>)>,
}

/// A route table that contradicts itself; found at start, and in a test before that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The same method and path twice.
    #[error("the route {method} {path} is there twice")]
    Twice {
        /// The method.
        method: String,
        /// The path.
        path: &'static str,
    },
    /// Two paths that match the same requests, or a malformed one.
    #[error("the path {path} cannot stand in the table: {reason}")]
    Path {
        /// The path.
        path: &'static str,
        /// What the matcher says.
        reason: String,
    },
    /// A route under `/api/v` without a description.
    #[error("the route {method} {path} has no description for the API reference")]
    Undescribed {
        /// The method.
        method: String,
        /// The path.
        path: &'static str,
    },
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Begins the routes of a feature.
    pub const fn of(feature: &'static str) -> Self {
        Self { feature, lines: Vec::new() }
    }

    /// Adds a line and its handler. Handlers take the extractors of this crate and answer anything
    /// that turns into a response, most often `Result<_, Problem>`.
    pub fn on<H, T>(mut self, mut route: Route, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        route.feature = self.feature;
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        self.lines.push((route, MethodRouter::new().on(filter, handler)));
        self
    }

    /// Adds the routes of another list, which keep their feature.
    pub fn and(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    /// Gives all handlers their state.
    pub fn with_state<S2>(self, state: &S) -> Routes<S2> {
        let give =
            |(route, handler): (Route, MethodRouter<S>)| (route, handler.with_state(state.clone()));
        Routes { feature: self.feature, lines: self.lines.into_iter().map(give).collect() }
    }
}

impl<S> Routes<S> {
    /// Gives the lines in the order they were added.
    pub fn list(&self) -> Vec<&Route> {
        self.lines.iter().map(|(route, _)| route).collect()
    }

    /// Writes the golden file `routes.txt`: method, path, feature, need and whether it is
    /// idempotent, sorted by path.
    pub fn to_text(&self) -> String {
        let mut routes = self.list();
        routes.sort_by_key(|route| (route.path, route.method.as_str()));
        let width = routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
        let mut text = String::new();
        for route in routes {
            let (method, path) = (route.method.as_str(), route.path);
            let repeat = if route.idempotent { "idempotent" } else { "once" };
            let (feature, need) = (route.feature, route.need);
            let _infallible =
                writeln!(text, "{method:6} {path:width$} {feature:12} {need:28} {repeat}");
        }
        text
    }
}

/// The table taken apart: the matcher with each route's limits, and the router with the handlers.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) routes: Vec<Route>,
    paths: matchit::Router<Vec<(Method, usize)>>,
    pub(crate) handlers: Router,
}

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The place of its route in the list.
    Route(usize),
    /// The path is there with other methods.
    Methods(String),
    /// Nothing is there.
    Nothing,
}

impl Table {
    pub(crate) fn try_new(table: Routes) -> Result<Self, RouteError> {
        let mut known: Vec<(&'static str, Vec<(Method, usize)>)> = Vec::new();
        for (place, (route, _)) in table.lines.iter().enumerate() {
            let line = (route.method.clone(), place);
            match known.iter_mut().find(|(path, _)| *path == route.path) {
                Some((path, methods)) => {
                    if methods.iter().any(|(method, _)| *method == route.method) {
                        return Err(RouteError::Twice { method: route.method.to_string(), path });
                    }
                    methods.push(line);
                }
                None => known.push((route.path, vec![line])),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, methods) in known {
            let inserted = paths.insert(path, methods);
            inserted.map_err(|error| RouteError::Path { path, reason: error.to_string() })?;
        }
        let mut routes = Vec::with_capacity(table.lines.len());
        let mut handlers = Router::new();
        // Every path and method was accepted above, so the router cannot refuse (it would panic).
        for (route, handler) in table.lines {
            handlers = handlers.route(route.path, handler);
            routes.push(route);
        }
        Ok(Self { routes, paths, handlers })
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        // A handler of GET answers HEAD; hyper leaves the body out.
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        match found.value.iter().find(|(known, _)| known == asked) {
            Some(&(_, place)) => Found::Route(place),
            None => Found::Methods(allow(found.value)),
        }
    }
}

fn allow(methods: &[(Method, usize)]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    async fn answer() {}

    fn sample() -> Routes {
        Routes::of("wallet")
            .on(post("/api/v1/holds", "hold.place").idempotent(), answer)
            .on(get("/api/v1/holds", "hold.list"), answer)
            .and(Routes::of("desk").on(post("/desk/{member}/freeze", "member.freeze"), answer))
    }

    #[test]
    fn the_table_is_written_as_text() {
        expect![[r"
            GET    /api/v1/holds         wallet       hold.list                    idempotent
            POST   /api/v1/holds         wallet       hold.place                   idempotent
            POST   /desk/{member}/freeze desk         member.freeze                once
        "]]
        .assert_eq(&sample().to_text());
    }

    #[test]
    fn a_request_leads_to_its_route_or_to_the_reason() {
        let table = Table::try_new(sample()).unwrap();
        let cases = [
            (Method::POST, "/api/v1/holds", Found::Route(0)),
            (Method::GET, "/api/v1/holds", Found::Route(1)),
            (Method::HEAD, "/api/v1/holds", Found::Route(1)),
            (Method::POST, "/desk/mem_1/freeze", Found::Route(2)),
            (Method::GET, "/desk/mem_1/freeze", Found::Methods("OPTIONS, POST".to_owned())),
            (Method::GET, "/api/v1/holds/", Found::Nothing),
            (Method::GET, "/", Found::Nothing),
        ];
        for (method, path, found) in cases {
            assert_eq!(table.find(&method, path), found, "{method} {path}");
        }
    }

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        let twice = Routes::of("a").on(get("/a", "a"), answer).on(get("/a", "b"), answer);
        assert!(matches!(Table::try_new(twice), Err(RouteError::Twice { path: "/a", .. })));
        let clash = Routes::of("a").on(get("/{a}", "a"), answer).on(get("/{b}", "b"), answer);
        assert!(matches!(Table::try_new(clash), Err(RouteError::Path { path: "/{b}", .. })));
        let shape = Routes::of("a").on(get("/a/{", "a"), answer);
        assert!(matches!(Table::try_new(shape), Err(RouteError::Path { path: "/a/{", .. })));
    }
}
