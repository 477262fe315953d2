//! RFC 9457 problems: the one form in which a request is refused or fails.
//!
//! A [`ProblemKind`] is static data, so that every kind there is can be listed
//! (`docs/generated/problems.md`, `/problems/{code}`). A [`Problem`] is one case of it.

use core::{error::Error, fmt::Write as _};
use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// A status that says no: 400 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorStatus(u16);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident $code:literal;)*) => {
        impl ErrorStatus {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }
    };
}

statuses! {
    /// 400, the request cannot be read.
    BAD_REQUEST 400;
    /// 401, nobody is signed in.
    UNAUTHORIZED 401;
    /// 403, whoever it is may not.
    FORBIDDEN 403;
    /// 404, nothing is here.
    NOT_FOUND 404;
    /// 405, not with this method.
    METHOD_NOT_ALLOWED 405;
    /// 406, not in a form the client takes.
    NOT_ACCEPTABLE 406;
    /// 408, the request came too slowly.
    REQUEST_TIMEOUT 408;
    /// 409, it does not fit with what is there.
    CONFLICT 409;
    /// 410, it was here.
    GONE 410;
    /// 413, the body is too large.
    PAYLOAD_TOO_LARGE 413;
    /// 415, the body's media type is not read here.
    UNSUPPORTED_MEDIA_TYPE 415;
    /// 422, read, and a field is wrong.
    UNPROCESSABLE 422;
    /// 423, frozen.
    LOCKED 423;
    /// 428, a condition header is missing.
    PRECONDITION_REQUIRED 428;
    /// 429, too many requests of this client.
    TOO_MANY_REQUESTS 429;
    /// 431, the headers are too large.
    HEADERS_TOO_LARGE 431;
    /// 500, our fault.
    INTERNAL 500;
    /// 502, another system's fault.
    BAD_GATEWAY 502;
    /// 503, not now.
    UNAVAILABLE 503;
    /// 504, not in time.
    TIMEOUT 504;
}

impl ErrorStatus {
    /// Takes 400 to 599; `None` beyond.
    pub const fn try_new(code: u16) -> Option<Self> {
        if code >= 400 && code <= 599 { Some(Self(code)) } else { None }
    }

    /// Gives the number.
    pub const fn code(self) -> u16 {
        self.0
    }
}

impl From<ErrorStatus> for StatusCode {
    fn from(status: ErrorStatus) -> Self {
        Self::from_u16(status.0).unwrap_or(Self::INTERNAL_SERVER_ERROR)
    }
}

/// One kind of problem, the same for every case of it.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable code in snake case, the last part of its page `/problems/{code}`.
    pub code: &'static str,
    /// The status it is answered with.
    pub status: ErrorStatus,
    /// A short name, fixed per code.
    pub title: &'static str,
    /// What happened and what the caller can do, in a sentence or two.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($($name:ident $code:literal $status:ident $title:literal, $meaning:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: ProblemKind = ProblemKind {
                code: $code,
                status: ErrorStatus::$status,
                title: $title,
                meaning: $meaning,
            };
        )*
        /// The kinds of the door itself; every feature adds its own list.
        pub static PROBLEMS: &[&ProblemKind] = &[$(&$name),*];
    };
}

kinds! {
    MALFORMED_JSON "malformed_json" BAD_REQUEST "The body is not JSON",
        "The body cannot be read as JSON; the detail names line and column. Correct it and send it again.";
    NOT_UTF8 "not_utf8" BAD_REQUEST "The body is not UTF-8",
        "Text is read as UTF-8 only. Encode the body as UTF-8 and send it again.";
    HOST_UNCLEAR "host_unclear" BAD_REQUEST "It is unclear which host is asked",
        "HTTP/1.1 asks for exactly one header `Host` (RFC 9112, section 3.2). Send it once.";
    BODY_INCOMPLETE "body_incomplete" BAD_REQUEST "The body did not arrive whole",
        "The connection ended before the body did. Send the request again.";
    BODY_SLOW "body_slow" REQUEST_TIMEOUT "The body came too slowly",
        "The body did not arrive in the time that this path has for it. Nothing was done; send the request again.";
    INVALID_FIELD "invalid_field" UNPROCESSABLE "A field is wrong",
        "At least one field does not have the form asked for; `errors` names each with a pointer.";
    UNAUTHENTICATED "unauthenticated" UNAUTHORIZED "Nobody is signed in",
        "The request carries no valid session or API key. Sign in, or send `Authorization: Bearer …`.";
    FORBIDDEN "forbidden" FORBIDDEN "Not allowed",
        "Whoever is acting may not do this. Ask an administrator for the role that may.";
    CSRF_FAILED "csrf_failed" FORBIDDEN "The form is not from this site",
        "The form was sent from another site or is from an earlier session. Open the page again and send it from there.";
    NOT_FOUND "not_found" NOT_FOUND "Nothing is here",
        "There is no such page or thing, or it is not yours to see. Check the address.";
    METHOD_NOT_ALLOWED "method_not_allowed" METHOD_NOT_ALLOWED "Not with this method",
        "The path exists, but not with this method; the `Allow` header lists those that work.";
    NOT_ACCEPTABLE "not_acceptable" NOT_ACCEPTABLE "Not in that form",
        "What is here cannot be given in a media type that the `Accept` header allows.";
    PAYLOAD_TOO_LARGE "payload_too_large" PAYLOAD_TOO_LARGE "The body is too large",
        "The body has more bytes than this path reads; the detail names the limit. Send less at once.";
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body's type is not read here",
        "The `Content-Type` is not one that this path reads; the detail names those it does.";
    RATE_LIMITED "rate_limited" TOO_MANY_REQUESTS "Too many requests",
        "This client sent more requests than it may. Wait as long as `Retry-After` says and go on.";
    HEADER_TOO_LARGE "header_too_large" HEADERS_TOO_LARGE "A header is too large",
        "A header is longer than it may be; the detail names it.";
    INTERNAL_FAULT "internal_fault" INTERNAL "A fault of ours",
        "Something failed on our side and was logged under the request id. Repeating with the same idempotency key is safe.";
    OVERLOADED "overloaded" UNAVAILABLE "Too busy right now",
        "More requests are in work than can be served well. Nothing was done; repeat after `Retry-After`.";
    STORE_UNAVAILABLE "store_unavailable" UNAVAILABLE "The books do not answer right now",
        "The database is away or busy. It may have been done all the same: repeat after `Retry-After` with the same id or idempotency key, and it is done once.";
    DEADLINE_EXCEEDED "deadline_exceeded" TIMEOUT "Not done in time",
        "The work took longer than this path allows. It may still finish: repeat with the same idempotency key to learn.";
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer into the body (`/items/3/amount`), or `query:`, `path:`, `header:` and a
    /// name.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// One case of a [`ProblemKind`]; made by a handler, given its request id by the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: &'static ProblemKind,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// Starts a case without detail.
    pub const fn new(kind: &'static ProblemKind) -> Self {
        Self { kind, detail: None, errors: Vec::new(), retry_after_s: None }
    }

    /// Logs a failure of the store with its causes, here and nowhere else, and answers what the
    /// caller can do about it. `passes` says whether the same may succeed later; whether it was
    /// done nobody knows then, for a lost connection may have taken only the answer along.
    pub fn of_failure(error: &(dyn Error + 'static), passes: bool) -> Self {
        if passes {
            tracing::warn!(error, "the store does not answer for now");
            Self::new(&STORE_UNAVAILABLE).retry_after_s(1)
        } else {
            tracing::error!(error, "the store failed");
            Self::new(&INTERNAL_FAULT)
        }
    }

    /// Says what happened in this case; never secrets, SQL or another person's matters.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a wrong field.
    pub fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Sets `Retry-After` in seconds.
    pub const fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Gives the kind.
    pub const fn kind(&self) -> &'static ProblemKind {
        self.kind
    }

    /// Gives what was said of this case.
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Gives the wrong fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Writes the problem's JSON; `instance` is the request id.
    pub fn to_json(&self, instance: Option<&str>) -> Vec<u8> {
        let document = Document {
            type_: format!("/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status.code(),
            detail: self.detail.as_deref(),
            instance,
            code: self.kind.code,
            errors: &self.errors,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    type_: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl IntoResponse for Problem {
    /// Answers JSON without `instance`; the door writes it again with the request id, or as a page.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json(None)));
        *response.status_mut() = self.kind.status.into();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind.status == ErrorStatus::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes every kind as a table in Markdown, sorted by code: `docs/generated/problems.md`.
pub fn problem_list(kinds: &[&ProblemKind]) -> String {
    let mut sorted: Vec<_> = kinds.to_vec();
    sorted.sort_by_key(|kind| kind.code);
    let mut text = String::from("| code | status | title | meaning |\n|---|---|---|---|\n");
    for kind in sorted {
        let (code, status) = (kind.code, kind.status.code());
        let _infallible =
            writeln!(text, "| `{code}` | {status} | {} | {} |", kind.title, kind.meaning);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_where_and_which_request() {
        let problem = Problem::new(&INVALID_FIELD)
            .detail("two fields are wrong")
            .field("/amount", "must be a whole number")
            .field("/unit", "is no unit code");
        let expected = concat!(
            r#"{"type":"/problems/invalid_field","title":"A field is wrong","status":422,"#,
            r#""detail":"two fields are wrong","instance":"req_1","code":"invalid_field","#,
            r#""errors":[{"pointer":"/amount","detail":"must be a whole number"},"#,
            r#"{"pointer":"/unit","detail":"is no unit code"}]}"#
        );
        assert_eq!(String::from_utf8(problem.to_json(Some("req_1"))).unwrap(), expected);
    }

    #[test]
    fn a_status_is_an_error_or_none() {
        for (code, allowed) in [(200, false), (399, false), (400, true), (599, true), (600, false)]
        {
            assert_eq!(ErrorStatus::try_new(code).is_some(), allowed, "{code}");
        }
    }

    #[test]
    fn codes_are_unique_and_snake_case() {
        let mut codes: Vec<_> = PROBLEMS.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), PROBLEMS.len());
        for code in codes {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(code.chars().all(fits), "{code}");
        }
    }

    #[test]
    fn a_response_carries_status_type_and_retry() {
        let response = Problem::new(&OVERLOADED).retry_after_s(2).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
        assert_eq!(response.headers()["retry-after"], "2");
        let response = Problem::new(&UNAUTHENTICATED).into_response();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}
