//! What the door knows about a request before its handler runs.

use core::{convert::Infallible, fmt, net::IpAddr};
use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};

use crate::{
    page::Frame,
    problem::{INTERNAL_FAULT, Problem},
    trace::TraceContext,
};
use vocabulary::Timestamp;

/// The id by which a request is found again in logs, answers and the audit trail.
///
/// The caller's own `x-request-id` when it is well formed, else one of ours (`req_…`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The most characters.
    pub const MAX: usize = 64;

    /// Reads 1 to 64 characters of `A-Z a-z 0-9 _ -`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let fits = (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(Arc::from(text)))
    }

    /// Takes an id of ours, which is always well formed.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The request's id, trace, times and limits; an extractor of every handler behind the door.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id, echoed as `x-request-id`.
    pub request_id: RequestId,
    /// The trace, echoed as `traceparent`.
    pub trace: TraceContext,
    /// When the request's head was read.
    pub received_at: Timestamp,
    /// When the caller is answered `deadline_exceeded`; work that starts later is wasted.
    pub deadline_at: Timestamp,
    /// The client's address, behind as many proxies as the options trust.
    pub client: IpAddr,
    /// The most bytes of body that this route reads.
    pub body_max: u64,
    pub(crate) frame: Option<Arc<Frame>>,
}

impl RequestContext {
    pub(crate) fn of(parts: &Parts) -> Result<&Self, Problem> {
        // Only a router that is called without its door has no context.
        parts.extensions.get::<Self>().ok_or(Problem::new(&INTERNAL_FAULT))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(parts).cloned()
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_short_and_plain() {
        let longest = "a".repeat(64);
        for text in ["req_01JD", "A-9_z", longest.as_str()] {
            assert_eq!(RequestId::parse(text).unwrap().as_str(), text);
        }
        let too_long = "a".repeat(65);
        for text in ["", "a b", "a\"b", "あ", "a/b", "a\r\nb", too_long.as_str()] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}
