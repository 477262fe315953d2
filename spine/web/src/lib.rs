//! The only crate that speaks HTTP: routes, extractors, problems, the page frame and the server.
//!
//! Words: the **door** is what every request passes in and out ([`Door`]); a **route** is one line
//! of the URL space with its limits ([`Routes`]); a **problem** is a refusal or fault as RFC 9457
//! ([`Problem`]); a **view** is how one person sees pages ([`View`]).
//!
//! Start reading at `door.rs`, which is one request's way from head to log line; then `route.rs`,
//! the table, and `extract.rs`, what handlers take.
//!
//! Deliberately absent: who may do what (`access`), anything that is stored, any feature; TLS,
//! HTTP/2 and compression of pages, which end or happen in front.

mod assets;
pub mod components;
mod context;
mod cookie;
pub mod csrf;
mod door;
mod extract;
mod guard;
pub mod log;
mod meter;
pub mod openapi;
mod outgoing;
mod page;
mod paging;
mod problem;
mod route;
mod security;
mod server;
mod strict;
mod tagged;
pub mod testing;
mod texts;
mod trace;
mod upload;

pub use assets::Assets;
pub use context::{RequestContext, RequestId};
pub use cookie::{CookieError, Lifetime, choice_cookie, find_cookie, host_cookie};
pub use csrf::{CSRF_FIELD, CsrfKey, CsrfRefusal};
pub use door::{AccessLog, Door, DoorTools, InWorkMax};
pub use extract::{
    Bearer, Form, IdempotencyKey, Json, Line, Lines, Path, Query, RawBody, RawJson, parse_json,
};
pub use guard::{Admission, Caller, Guard, OpenToAll};
pub use meter::Meter;
pub use openapi::{ApiDocument, ApiTitle, Operation};
pub use outgoing::{
    Outgoing, OutgoingAnswer, OutgoingError, OutgoingOptions, OutgoingRequest, OutgoingUrl, Reach,
    RootError, UrlError,
};
pub use page::{FooterLink, Frame, NavItem, Page, View};
pub use paging::{Cursor, CursorError, PageLimit, PageRequest, Paged};
pub use problem::{
    ErrorStatus, FieldError, PROBLEM_JSON, PROBLEMS, Problem, ProblemKind, problem_list,
};
pub use route::{Class, Route, RouteError, Routes, delete, get, patch, post, put};
pub use security::Transport;
pub use server::{Drained, ServerOptions, bind, serve};
pub use tagged::{Tagged, deserialize_tagged};
pub use texts::{
    LANGUAGE_COOKIE, Language, TEXTS, TextSource, TextValue, Texts, TextsError, Words, differences,
};
pub use trace::TraceContext;
pub use upload::{Upload, UploadedFile};

/// The kinds of problems that the door itself answers, to build cases of in handlers.
pub mod problems {
    pub use crate::problem::{
        BODY_INCOMPLETE, BODY_SLOW, CSRF_FAILED, DEADLINE_EXCEEDED, FORBIDDEN, HEADER_TOO_LARGE,
        HOST_UNCLEAR, INTERNAL_FAULT, INVALID_FIELD, MALFORMED_JSON, METHOD_NOT_ALLOWED,
        NOT_ACCEPTABLE, NOT_FOUND, NOT_UTF8, OVERLOADED, PAYLOAD_TOO_LARGE, RATE_LIMITED,
        STORE_UNAVAILABLE, UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE,
    };
}

// What handlers and features need of the crates below, so that they need not name their versions.
pub use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
pub use utoipa::{self, IntoParams, ToSchema};
