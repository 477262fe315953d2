//! The headers that tell a browser what not to do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing from elsewhere, nothing inline, nobody frames us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     script-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 8] = [
    // Most answers are about somebody; what may be kept says so itself.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Two years, as browsers' preload lists ask for.
const STRICT_TRANSPORT: HeaderValue =
    HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Where TLS ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP up to the client: a developer's machine.
    #[default]
    Plain,
    /// A load balancer or Apache in front speaks TLS; browsers are told to insist on it.
    TlsInFront,
}

/// Sets every header that the handler has not set itself.
pub(crate) fn secure(headers: &mut HeaderMap, transport: Transport) {
    headers.reserve(12);
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    match transport {
        Transport::Plain => {}
        Transport::TlsInFront => {
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(STRICT_TRANSPORT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_may_be_stricter_and_tls_is_insisted_on_only_where_there_is_tls() {
        let mut headers = HeaderMap::new();
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        secure(&mut headers, Transport::Plain);
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(!headers.contains_key("strict-transport-security"), "not over plain HTTP");
        assert!(!headers["content-security-policy"].to_str().unwrap().contains("unsafe"));
        secure(&mut headers, Transport::TlsInFront);
        assert_eq!(headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
    }
}
