//! Extractors that refuse with a [`Problem`] which names the field.
//!
//! They read no more than the route's `body_max`, and parse into the caller's own type, so that a
//! wrong value gets no further than here.

use core::{fmt, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{
        FromRequest, FromRequestParts, Path as RawPath, Request, path::ErrorKind,
        rejection::PathRejection,
    },
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{
    Serialize,
    de::{self, DeserializeOwned},
};

use crate::{
    context::RequestContext,
    problem::{
        BODY_INCOMPLETE, BODY_SLOW, HEADER_TOO_LARGE, INTERNAL_FAULT, INVALID_FIELD,
        MALFORMED_JSON, NOT_FOUND, NOT_UTF8, PAYLOAD_TOO_LARGE, Problem, UNAUTHENTICATED,
        UNSUPPORTED_MEDIA_TYPE,
    },
    strict::Strict,
};

/// The most bytes read without a door, which knows the route's own limit.
const BODY_MAX_DEFAULT: u64 = 1 << 20;
/// Microseconds that a body may take without a door.
const BODY_WAIT_DEFAULT: i64 = 30_000_000;
/// How long a line may take to arrive.
const LINE_WAIT_MAX: Duration = Duration::from_secs(30);

/// A JSON body as `T`; as an answer, `T` as JSON.
///
/// Refuses another media type (415), too many bytes (413), bytes that are no UTF-8 (400), a syntax
/// error with its line and column or nesting deeper than 128 (400), and a wrong field with its
/// pointer (422). What happens with unknown fields is `T`'s choice (`deny_unknown_fields`).
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let RawJson(bytes) = RawJson::from_request(request, state).await?;
        parse_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => {
                let mut response = Response::new(Body::from(json));
                let value = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, value);
                response
            }
            Err(error) => {
                tracing::error!(error = %error, "answer cannot be written as JSON");
                Problem::new(&INTERNAL_FAULT).into_response()
            }
        }
    }
}

/// Reads JSON as the [`Json`] extractor does, for a line of a bulk body.
///
/// # Errors
///
/// `not_utf8`, `malformed_json` with line and column, or `invalid_field` with a pointer.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return Err(Problem::new(&NOT_UTF8));
    };
    // Following the path costs time, and only a refusal needs it: so refused bodies are read twice.
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = T::deserialize(Strict(&mut reader));
    let error = match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !error.is_data() {
        return Err(Problem::new(&MALFORMED_JSON).detail(error.to_string()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let (path, message) = match serde_path_to_error::deserialize::<_, T>(Strict(&mut reader)) {
        Err(error) => (pointer(error.path()), error.inner().to_string()),
        Ok(_) => (String::new(), error.to_string()),
    };
    let message = message.split(" at line ").next().unwrap_or_default();
    Err(field_problem(&path, message))
}

/// Stands around the pointer in an error from a value that was read ahead of its place.
const POINTER_MARK: char = '\u{1}';

/// Makes the error of a member that was read ahead of its place, so that its path is not lost.
pub(crate) fn misplaced<E: de::Error>(
    key: &str,
    path: &serde_path_to_error::Path,
    error: &impl fmt::Display,
) -> E {
    let path = pointer(path);
    E::custom(format_args!("{POINTER_MARK}/{}{path}{POINTER_MARK}{error}", escape(key)))
}

fn field_problem(path: &str, message: &str) -> Problem {
    let mut path = path.to_owned();
    let ahead = message.strip_prefix(POINTER_MARK).and_then(|rest| rest.split_once(POINTER_MARK));
    let message = ahead.map_or(message, |(pointer, message)| {
        path.push_str(pointer);
        message
    });
    // For these the reader still stands at the object, not at its field.
    let named = |before: &str| message.strip_prefix(before).and_then(|m| m.strip_suffix('`'));
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    let (field, detail) = match (named("missing field `"), named("duplicate field `"), unknown) {
        (Some(field), _, _) => (field, "is missing"),
        (None, Some(field), _) => (field, "is there twice"),
        (None, None, Some((field, _))) => (field, message),
        (None, None, None) => return Problem::new(&INVALID_FIELD).field(path, message),
    };
    let field = format!("/{}", escape(field));
    // A reader that went into the unknown field has it in its path already.
    if unknown.is_none() || !path.ends_with(&field) {
        path.push_str(&field);
    }
    Problem::new(&INVALID_FIELD).field(path, detail)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                text.push('/');
                text.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                text.push('/');
                text.push_str(&escape(key));
            }
            // The variant of an enum is no step of the document.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// Escapes a key for a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

fn json_like(media_type: &str) -> bool {
    let Some((kind, subtype)) = media_type.split_once('/') else { return false };
    let suffix = subtype.len().checked_sub(5).and_then(|at| subtype.get(at..));
    kind.eq_ignore_ascii_case("application")
        && (subtype.eq_ignore_ascii_case("json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json")))
}

/// The bytes of a JSON body, to parse where a large one does not hold others up.
///
/// Refuses another media type and too many bytes as [`Json`] does.
#[derive(Clone, Debug)]
pub struct RawJson(pub Bytes);

impl<S: Sync> FromRequest<S> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !media_type(&parts.headers).is_some_and(json_like) {
            let detail = "send application/json";
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
        read(&parts, body).await.map(Self)
    }
}

/// The body's bytes, at most the route's `body_max` of them, whatever its media type.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read(&parts, body).await.map(Self)
    }
}

async fn read(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let max = body_max(parts);
    let limit = usize::try_from(max).unwrap_or(usize::MAX);
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout(body_wait(parts), whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max)),
        Ok(Err(_cut)) => Err(Problem::new(&BODY_INCOMPLETE)),
        Err(_elapsed) => Err(Problem::new(&BODY_SLOW)),
    }
}

/// How long a body may take: four fifths of what the path has, so that it is the client who is told
/// to be slow, not the work.
fn body_wait(parts: &Parts) -> Duration {
    let whole = parts.extensions.get::<RequestContext>().map_or(BODY_WAIT_DEFAULT, |context| {
        context.deadline_at.microseconds_since(context.received_at)
    });
    Duration::from_micros(u64::try_from(whole.saturating_mul(4).div_euclid(5)).unwrap_or(0))
}

fn body_max(parts: &Parts) -> u64 {
    parts.extensions.get::<RequestContext>().map_or(BODY_MAX_DEFAULT, |context| context.body_max)
}

pub(crate) fn too_large(max: u64) -> Problem {
    Problem::new(&PAYLOAD_TOO_LARGE).detail(format!("at most {max} bytes are read here"))
}

/// A form body (`application/x-www-form-urlencoded`) as `T`. For repeated names take
/// `Form<Vec<(String, String)>>`.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let wanted = "application/x-www-form-urlencoded";
        if !media_type(&parts.headers).is_some_and(|found| found.eq_ignore_ascii_case(wanted)) {
            let detail = "send application/x-www-form-urlencoded";
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
        let bytes = read(&parts, body).await?;
        parse_pairs(&bytes, "/").map(Self)
    }
}

/// The query as `T`; a wrong parameter is named `query:name`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parse_pairs(parts.uri.query().unwrap_or_default().as_bytes(), "query:").map(Self)
    }
}

fn parse_pairs<T: DeserializeOwned>(bytes: &[u8], prefix: &str) -> Result<T, Problem> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = pointer(error.path());
        let message = error.into_inner().to_string();
        let named = |before: &str| message.strip_prefix(before).and_then(|m| m.strip_suffix('`'));
        let (name, detail) = match (named("missing field `"), named("duplicate field `")) {
            (Some(name), _) => (name, "is missing"),
            (None, Some(name)) => (name, "is there twice"),
            (None, None) => (path.trim_start_matches('/'), message.as_str()),
        };
        Problem::new(&INVALID_FIELD).field(format!("{prefix}{name}"), detail)
    })
}

/// The path's parameters as `T`: one value, a tuple in the path's order, or a struct by name.
///
/// A parameter that does not parse is `not_found` and named `path:name`: no such thing can exist.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RawPath(value) = RawPath::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| path_problem(&rejection))?;
        Ok(Self(value))
    }
}

fn path_problem(rejection: &PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::new(&INTERNAL_FAULT);
    };
    let problem = Problem::new(&NOT_FOUND);
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours and non-exhaustive")]
    match error.kind() {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            problem.field(format!("path:{key}"), format!("is no {expected_type}"))
        }
        ErrorKind::DeserializeError { key, message, .. } => {
            problem.field(format!("path:{key}"), message.as_str())
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            problem.field(format!("path:{key}"), "is not UTF-8")
        }
        ErrorKind::ParseErrorAtIndex { index, expected_type, .. } => {
            problem.field(format!("path:{index}"), format!("is no {expected_type}"))
        }
        ErrorKind::ParseError { expected_type, .. } => {
            problem.field("path:", format!("is no {expected_type}"))
        }
        ErrorKind::Message(message) => problem.field("path:", message.as_str()),
        // The handler asks for parameters that its path does not have.
        _ => Problem::new(&INTERNAL_FAULT),
    }
}

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters, `None` when it is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// The most characters.
    pub const MAX: usize = 255;
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        if parts.headers.get_all("idempotency-key").iter().nth(1).is_some() {
            let problem = Problem::new(&INVALID_FIELD);
            return Err(problem.field("header:idempotency-key", "is there twice"));
        }
        if value.len() > Self::MAX {
            let detail = format!("idempotency-key has at most {} characters", Self::MAX);
            return Err(Problem::new(&HEADER_TOO_LARGE).detail(detail));
        }
        let text = value.to_str().ok().filter(|text| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        });
        let wrong = || {
            Problem::new(&INVALID_FIELD)
                .field("header:idempotency-key", "has 1 to 255 visible ASCII characters")
        };
        text.map(|text| Self(Some(text.to_owned()))).ok_or_else(wrong)
    }
}

/// The token of `Authorization: Bearer …`; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

impl Bearer {
    /// Gives the secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads the header; `None` when there is none, more than one, or not of this scheme.
    pub fn find(headers: &HeaderMap) -> Option<Self> {
        if headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() {
            return None;
        }
        let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        let fits = scheme.eq_ignore_ascii_case("bearer") && (1..=512).contains(&token.len());
        fits.then(|| Self(token.to_owned()))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::find(&parts.headers).ok_or(Problem::new(&UNAUTHENTICATED))
    }
}

/// The lines of a body (NDJSON), read as they arrive and never held together.
///
/// The whole body may have `body_max` bytes, a line [`Lines::LINE_MAX`] unless told otherwise.
#[derive(Debug)]
pub struct Lines {
    body: Body,
    buffer: BytesMut,
    /// How much of the buffer is known to have no line end.
    scanned: usize,
    number: u64,
    left: u64,
    body_max: u64,
    line_max: usize,
    ended: bool,
}

/// One line of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1, empty lines included.
    pub number: u64,
    /// The bytes without the line end.
    pub bytes: Bytes,
}

impl Lines {
    /// The most bytes of a line unless told otherwise.
    pub const LINE_MAX: usize = 64 * 1024;

    /// Bounds a line to `bytes` instead of [`Lines::LINE_MAX`].
    pub const fn line_max(mut self, bytes: usize) -> Self {
        self.line_max = bytes;
        self
    }

    /// Waits for the next line that is not empty; `None` at the end of the body.
    ///
    /// # Errors
    ///
    /// `payload_too_large` when the line or the body is, `body_incomplete` when the client went
    /// away, `body_slow` when no whole line arrived for 30 seconds. Lines given before stay valid;
    /// asking again after an error gives `None`.
    pub async fn next(&mut self) -> Result<Option<Line>, Problem> {
        if let Ok(next) = tokio::time::timeout(LINE_WAIT_MAX, self.wait_for_line()).await {
            return next;
        }
        self.stop();
        Err(Problem::new(&BODY_SLOW))
    }

    async fn wait_for_line(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if let Some(line) = self.take_line()? {
                if line.bytes.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(self.take_rest());
            }
            self.fill().await?;
        }
    }

    fn take_line(&mut self) -> Result<Option<Line>, Problem> {
        let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
        let Some(place) = memchr::memchr(b'\n', fresh) else {
            self.scanned = self.buffer.len();
            if self.scanned > self.line_max {
                return Err(self.line_too_long());
            }
            return Ok(None);
        };
        let end = self.scanned.saturating_add(place);
        if end > self.line_max {
            return Err(self.line_too_long());
        }
        let mut bytes = self.buffer.split_to(end.saturating_add(1)).freeze();
        bytes.truncate(end);
        self.scanned = 0;
        Ok(Some(self.line(bytes)))
    }

    fn take_rest(&mut self) -> Option<Line> {
        let rest = self.buffer.split().freeze();
        self.scanned = 0;
        (!rest.is_empty()).then(|| self.line(rest)).filter(|line| !line.bytes.is_empty())
    }

    fn line(&mut self, mut bytes: Bytes) -> Line {
        if bytes.last() == Some(&b'\r') {
            bytes.truncate(bytes.len().saturating_sub(1));
        }
        self.number = self.number.saturating_add(1);
        Line { number: self.number, bytes }
    }

    fn line_too_long(&mut self) -> Problem {
        let number = self.number.saturating_add(1);
        let max = self.line_max;
        self.stop();
        Problem::new(&PAYLOAD_TOO_LARGE)
            .detail(format!("line {number} is longer than the {max} bytes read here"))
    }

    fn stop(&mut self) {
        self.ended = true;
        self.buffer.clear();
        self.scanned = 0;
    }

    async fn fill(&mut self) -> Result<(), Problem> {
        match self.body.frame().await {
            None => self.ended = true,
            Some(Err(_cut)) => {
                self.stop();
                return Err(Problem::new(&BODY_INCOMPLETE));
            }
            Some(Ok(frame)) => {
                let Some(bytes) = frame.data_ref() else { return Ok(()) };
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let Some(left) = self.left.checked_sub(length) else {
                    self.stop();
                    return Err(too_large(self.body_max));
                };
                self.left = left;
                self.buffer.extend_from_slice(bytes);
            }
        }
        Ok(())
    }
}

impl<S: Sync> FromRequest<S> for Lines {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let wanted = "application/x-ndjson";
        if !media_type(&parts.headers).is_some_and(|found| found.eq_ignore_ascii_case(wanted)) {
            let detail = "send application/x-ndjson";
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
        let max = body_max(&parts);
        Ok(Self {
            body,
            buffer: BytesMut::new(),
            scanned: 0,
            number: 0,
            left: max,
            body_max: max,
            line_max: Self::LINE_MAX,
            ended: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use core::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };
    use std::collections::VecDeque;

    use hyper::body::Frame;
    use proptest::prelude::*;

    use super::*;

    /// A body that arrives in pieces.
    struct Pieces(VecDeque<Bytes>);

    impl hyper::body::Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }
    }

    fn read_lines(pieces: &[Vec<u8>], line_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Problem> {
        let pieces = pieces.iter().map(|piece| Bytes::from(piece.clone())).collect();
        let mut request = Request::new(Body::new(Pieces(pieces)));
        let ndjson = HeaderValue::from_static("application/x-ndjson");
        request.headers_mut().insert(header::CONTENT_TYPE, ndjson);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut lines = Lines::from_request(request, &()).await?.line_max(line_max);
            let mut found = Vec::new();
            while let Some(line) = lines.next().await? {
                found.push((line.number, line.bytes.to_vec()));
            }
            Ok(found)
        })
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_body_arrives(
            pieces in proptest::collection::vec("[ab\r\n]{0,6}", 0..8),
        ) {
            let pieces: Vec<Vec<u8>> = pieces.into_iter().map(String::into_bytes).collect();
            let whole = pieces.concat();
            let mut expected = Vec::new();
            for (place, line) in (1_u64..).zip(whole.split(|&byte| byte == b'\n')) {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !line.is_empty() {
                    expected.push((place, line.to_vec()));
                }
            }
            prop_assert_eq!(read_lines(&pieces, 64), Ok(expected));
        }
    }

    #[test]
    fn a_line_has_a_bound_whether_or_not_it_ends() {
        let long = b"abc\nabcd\n".to_vec();
        assert_eq!(read_lines(std::slice::from_ref(&long), 4).unwrap().len(), 2);
        for pieces in [vec![long], vec![b"abc\nab".to_vec(), b"cd".to_vec()]] {
            let problem = read_lines(&pieces, 3).unwrap_err();
            let detail = "line 2 is longer than the 3 bytes read here";
            assert_eq!(
                (problem.kind().code, problem.detail_text()),
                ("payload_too_large", Some(detail))
            );
        }
    }

    #[test]
    fn a_json_media_type_is_recognized() {
        let table = [
            ("application/json", true),
            ("APPLICATION/JSON", true),
            ("application/merge-patch+json", true),
            ("text/json", false),
            ("application/jsonp", false),
            ("application/語+json", true),
            ("json", false),
        ];
        for (media_type, expected) in table {
            assert_eq!(json_like(media_type), expected, "{media_type}");
        }
    }
}
