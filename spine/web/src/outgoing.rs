//! The one client for requests that leave the house: webhooks, adapters of outside systems.
//!
//! A URL that somebody else typed decides where such a request goes. So the name is looked up once,
//! every address that is not public is left out (unless told otherwise), and the connection is made
//! to an address that was checked: no second look-up, no redirects, no proxy. Time and the size of
//! the answer are bounded.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Which addresses may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, by `https` only.
    Public,
    /// These, and this machine, there by plain `http` too: for sandboxes, the demo and tests.
    PublicAndLoopback,
}

/// Within which limits requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingOptions {
    /// Which addresses may be reached.
    pub reach: Reach,
    /// How long looking up, connecting and the TLS handshake may take together.
    pub connect_timeout_ms: u32,
    /// How long the whole request may take.
    pub timeout_ms: u32,
    /// The most bytes of an answer's body; what is longer fails.
    pub body_max: usize,
}

impl Default for OutgoingOptions {
    fn default() -> Self {
        Self {
            reach: Reach::Public,
            connect_timeout_ms: 5_000,
            timeout_ms: 15_000,
            body_max: 64 * 1024,
        }
    }
}

/// An address of another system: `https`, or `http` on this machine where that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingUrl {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
}

/// A text that is no address a request may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No absolute URL of at most 1,000 visible ASCII characters, or one with a user or a fragment.
    #[error("must be an absolute URL of at most 1000 characters, without user name and fragment")]
    Shape,
    /// Neither `https`, nor `http` where that is allowed.
    #[error("must begin with https://")]
    Scheme,
    /// An address that is not public, written as a number.
    #[error("must not lead to an address that is not public")]
    Address,
}

impl OutgoingUrl {
    /// The most characters.
    pub const MAX: usize = 1_000;

    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`UrlError`] when it is none, or could never be reached; names are looked up only when a
    /// request is sent.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, UrlError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if text.len() > Self::MAX || !visible {
            return Err(UrlError::Shape);
        }
        let uri: Uri = text.parse().map_err(|_invalid| UrlError::Shape)?;
        let authority = uri.authority().ok_or(UrlError::Shape)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(UrlError::Shape);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = uri.scheme_str() == Some("https");
        let local = reach == Reach::PublicAndLoopback && names_this_machine(&host);
        let plain = local && uri.scheme_str() == Some("http");
        if !tls && !plain {
            return Err(UrlError::Scheme);
        }
        if host.parse::<IpAddr>().is_ok_and(|address| !reachable(address, reach)) {
            return Err(UrlError::Address);
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { uri, host, port, tls })
    }

    /// Gives the text.
    pub fn text(&self) -> String {
        self.uri.to_string()
    }
}

fn names_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A request to another system.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: OutgoingUrl,
    /// Headers beside `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What another system answered.
#[derive(Clone, Debug)]
pub struct OutgoingAnswer {
    /// The status; a redirect is not followed.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// Why there is no answer. Whether the other system did something, only [`OutgoingError::Refused`],
/// [`OutgoingError::Lookup`] and [`OutgoingError::Connect`] say: it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The name leads to no address that may be reached.
    #[error("the address is not public")]
    Refused,
    /// The name is not known.
    #[error("the name is not known")]
    Lookup,
    /// Nobody takes the connection.
    #[error("no connection")]
    Connect,
    /// The other side could not prove who it is, or speaks no TLS.
    #[error("no secured connection")]
    Tls,
    /// The answer is no HTTP, or the connection broke.
    #[error("no answer that can be read")]
    Protocol,
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The body is longer than allowed.
    #[error("the answer is too long")]
    TooLong,
}

impl OutgoingError {
    /// Gives the stable word, for rows and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Lookup => "lookup",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::TooLong => "too_long",
        }
    }
}

/// Sends requests to other systems; clone it freely.
#[derive(Clone)]
pub struct Outgoing {
    options: OutgoingOptions,
    tls: TlsConnector,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A certificate that cannot be trusted because it cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read a certificate to trust")]
pub struct RootError(#[source] rustls::Error);

impl Outgoing {
    /// Makes a client that trusts the public authorities and `roots`, certificates in DER.
    ///
    /// # Errors
    ///
    /// [`RootError`] when a certificate cannot be read.
    pub fn try_new(options: OutgoingOptions, roots: &[Vec<u8>]) -> Result<Self, RootError> {
        let mut trusted = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in roots {
            trusted.add(CertificateDer::from(root.as_slice())).map_err(RootError)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(RootError)?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { options, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Gives the limits it was made with.
    pub const fn options(&self) -> &OutgoingOptions {
        &self.options
    }

    /// Sends a request and reads the whole answer. One connection each: a peer that is asked seldom
    /// has closed it by the next time anyway.
    ///
    /// # Errors
    ///
    /// [`OutgoingError`] when there is no answer. An answer of any status is one.
    pub async fn send(&self, request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError> {
        let whole = Duration::from_millis(u64::from(self.options.timeout_ms));
        timeout(whole, self.exchange(request)).await.unwrap_or(Err(OutgoingError::Timeout))
    }

    async fn exchange(&self, request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError> {
        let connecting = Duration::from_millis(u64::from(self.options.connect_timeout_ms));
        let slow = |_elapsed| OutgoingError::Timeout;
        let stream = timeout(connecting, self.connect(&request.url)).await.map_err(slow)??;
        if !request.url.tls {
            return self.speak(stream, request).await;
        }
        let name = ServerName::try_from(request.url.host.clone());
        let name = name.map_err(|_invalid| OutgoingError::Tls)?;
        let shaken = timeout(connecting, self.tls.connect(name, stream)).await.map_err(slow)?;
        self.speak(shaken.map_err(|_refused| OutgoingError::Tls)?, request).await
    }

    /// Connects to the first address that may be reached and answers.
    async fn connect(&self, url: &OutgoingUrl) -> Result<TcpStream, OutgoingError> {
        let looked_up = tokio::net::lookup_host((url.host.as_str(), url.port)).await;
        let found: Vec<SocketAddr> = looked_up.map_err(|_unknown| OutgoingError::Lookup)?.collect();
        let allowed = |address: &&SocketAddr| {
            let ip = address.ip();
            reachable(ip, self.options.reach) && (url.tls || ip.to_canonical().is_loopback())
        };
        let mut failed = OutgoingError::Refused;
        for address in found.iter().filter(allowed) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(_error) => failed = OutgoingError::Connect,
            }
        }
        Err(failed)
    }

    async fn speak<S>(
        &self,
        stream: S,
        request: OutgoingRequest,
    ) -> Result<OutgoingAnswer, OutgoingError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |_error: hyper::Error| OutgoingError::Protocol;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answering = async {
            let answer = sender.send_request(to_hyper(request)?).await.map_err(broken)?;
            let (parts, body) = answer.into_parts();
            let read = Limited::new(body, self.options.body_max).collect().await;
            let body = read.map_err(|error| {
                let long = error.is::<LengthLimitError>();
                if long { OutgoingError::TooLong } else { OutgoingError::Protocol }
            })?;
            Ok(OutgoingAnswer {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        // The connection moves the bytes. When it ends first, the answer may have come all the
        // same: many peers close without the farewell that TLS asks for.
        tokio::pin!(answering);
        tokio::select! {
            biased;
            answer = &mut answering => answer,
            _ended = connection => answering.await,
        }
    }
}

fn to_hyper(request: OutgoingRequest) -> Result<hyper::Request<Full<Bytes>>, OutgoingError> {
    let OutgoingRequest { method, url, headers, body } = request;
    let path = url.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = url.uri.authority().map_or("", |authority| authority.as_str());
    let mut sent = hyper::Request::new(Full::new(body));
    *sent.method_mut() = method;
    *sent.uri_mut() = path.parse().map_err(|_invalid| OutgoingError::Protocol)?;
    *sent.headers_mut() = headers;
    let host = HeaderValue::from_str(host).map_err(|_invalid| OutgoingError::Protocol)?;
    sent.headers_mut().insert(header::HOST, host);
    Ok(sent)
}

/// Whether a request may go to an address.
fn reachable(address: IpAddr, reach: Reach) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return reach == Reach::PublicAndLoopback;
    }
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Leaves out what the registry of special addresses (RFC 6890) names as not global.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Takes global unicast alone, and of that not what leads to an IPv4 address by another way.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xE000 == 0x2000;
    let documentation = (a == 0x2001 && b == 0x0DB8) || a == 0x3FFF;
    let special = a == 0x2001 && b < 0x0200;
    let six_to_four = a == 0x2002;
    global && !documentation && !special && !six_to_four
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    // An authority of these tests, and the certificate with its key that it gave to `localhost`,
    // good from 2020 to 2120.
    const ROOT: &str = "\
        MIIBNDCB3KADAgECAgEBMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MCAXDTIwMDEwMTAw\
        MDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAZMRcwFQYDVQQDDA50ZXN0IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqG\
        SM49AwEHA0IABMqjskqhzB81i1FbxStKWcGWI1LJ5eGIaU1OwzaXgg3w1UVsCGKO5JIQvPpY2/rRDqMYwSPc99Fa\
        tdQUOXjmEJCjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgId0t/oeiQTV2tM3x5rgn0JO5\
        DoIE6QG9iYLv9vk84BUCIGUfv4oylRcaDy8u1eR/ZnCkIqUQ3pcaRpVNeV1pE69Y";
    const LEAF: &str = "\
        MIIBNDCB3KADAgECAgECMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MCAXDTIwMDEwMTAw\
        MDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAl0ZXN0IHBlZXIwWTATBgcqhkjOPQIBBggqhkjOPQMB\
        BwNCAATGliIcZGpd4KTc0UP+m/adzGMwSXVSetgVHbNv6F4OvgG3BFrP6uiKLiejPZkikohPloGA17bYD8JL9JJK\
        H6w8oxgwFjAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwIDRwAwRAIgA5JZHJmiFrnVvpF1AMrd6V/l\
        vIvLKqoNjNpmb4JQgwICIAPQFyTcBJg0+IveATjTN6HnzNcIscdxMy6NH30d5Tkv";
    const KEY: &str = "\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgs7KmFUZrVBR5y/JVfjq4mnyQJ2ELfCO5JU5nf4Gj\
        hJOhRANCAATGliIcZGpd4KTc0UP+m/adzGMwSXVSetgVHbNv6F4OvgG3BFrP6uiKLiejPZkikohPloGA17bYD8JL\
        9JJKH6w8";

    fn der(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn only_public_addresses_are_reachable() {
        let table = [
            ("93.184.215.14", true),
            ("2606:2800:21f:cb07::1", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("::1", false),
            ("::", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("2002:a00:1::", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("2001:db8::1", false),
        ];
        for (text, expected) in table {
            assert_eq!(reachable(text.parse().unwrap(), Reach::Public), expected, "{text}");
        }
        assert!(reachable("::ffff:127.0.0.1".parse().unwrap(), Reach::PublicAndLoopback));
    }

    #[test]
    fn a_url_is_secured_or_of_this_machine() {
        let all = Reach::PublicAndLoopback;
        let long = format!("https://example.jp/{}", "x".repeat(1_000));
        let table = [
            ("https://example.jp/hooks?a=1", Reach::Public, Ok(443)),
            ("https://example.jp:8443", Reach::Public, Ok(8443)),
            ("http://example.jp/", Reach::Public, Err(UrlError::Scheme)),
            ("http://example.jp/", all, Err(UrlError::Scheme)),
            ("http://127.0.0.1:9/", Reach::Public, Err(UrlError::Scheme)),
            ("http://127.0.0.1:9/", all, Ok(9)),
            ("http://localhost:9/", all, Ok(9)),
            ("http://[::1]:9/", all, Ok(9)),
            ("https://127.0.0.1/", Reach::Public, Err(UrlError::Address)),
            ("https://[::ffff:10.0.0.1]/", all, Err(UrlError::Address)),
            ("https://169.254.169.254/latest", all, Err(UrlError::Address)),
            ("https://user@example.jp/", all, Err(UrlError::Shape)),
            ("https://example.jp/#x", all, Err(UrlError::Shape)),
            ("ftp://example.jp/", all, Err(UrlError::Scheme)),
            ("/hooks", all, Err(UrlError::Shape)),
            ("https://例え.jp/", all, Err(UrlError::Shape)),
            (long.as_str(), all, Err(UrlError::Shape)),
        ];
        for (text, reach, expected) in table {
            let found = OutgoingUrl::parse(text, reach).map(|url| url.port);
            assert_eq!(found, expected, "{text}");
        }
    }

    fn client(reach: Reach) -> Outgoing {
        let options =
            OutgoingOptions { reach, timeout_ms: 2_000, body_max: 16, ..Default::default() };
        Outgoing::try_new(options, &[]).unwrap()
    }

    fn request(url: &str) -> OutgoingRequest {
        OutgoingRequest {
            method: Method::POST,
            url: OutgoingUrl::parse(url, Reach::PublicAndLoopback).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"hello"),
        }
    }

    /// Answers one connection with `answer` and gives what was sent.
    async fn peer(listener: TcpListener, answer: &'static str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        let mut part = [0; 1024];
        while !seen.ends_with(b"hello") {
            match stream.read(&mut part).await.unwrap() {
                0 => break,
                count => seen.extend_from_slice(&part[..count]),
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&seen).into_owned()
    }

    async fn exchange(answer: &'static str) -> (Result<OutgoingAnswer, OutgoingError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a?b=1", listener.local_addr().unwrap());
        let peer = tokio::spawn(peer(listener, answer));
        let found = client(Reach::PublicAndLoopback).send(request(&url)).await;
        (found, peer.await.unwrap())
    }

    #[tokio::test]
    async fn a_request_goes_out_and_the_answer_comes_back() {
        let (found, seen) = exchange("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok").await;
        let answer = found.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (202, &b"ok"[..]));
        assert!(seen.starts_with("POST /a?b=1 HTTP/1.1\r\n"), "{seen}");
        assert!(
            seen.contains("\r\ncontent-length: 5\r\n") && seen.contains("host: 127.0.0.1:"),
            "{seen}"
        );
        let (found, _) = exchange("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
        assert_eq!(&found.unwrap().body[..], b"until the end");
    }

    #[tokio::test]
    async fn answers_are_bounded_and_redirects_are_not_followed() {
        let (found, _) =
            exchange("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n12345678901234567").await;
        assert_eq!(found.unwrap_err(), OutgoingError::TooLong);
        let (found, _) = exchange(
            "HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        assert_eq!(found.unwrap().status.as_u16(), 302);
        let (found, _) = exchange("what?").await;
        assert_eq!(found.unwrap_err(), OutgoingError::Protocol);
    }

    #[tokio::test]
    async fn what_may_not_be_reached_is_refused_before_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = client(Reach::Public).send(request(&format!("http://localhost:{port}/"))).await;
        assert_eq!(found.unwrap_err(), OutgoingError::Refused);
        drop(listener);
        let url = format!("http://127.0.0.1:{port}/");
        let found = client(Reach::PublicAndLoopback).send(request(&url)).await;
        assert_eq!(found.unwrap_err(), OutgoingError::Connect);
    }

    #[tokio::test]
    async fn a_peer_that_speaks_no_tls_or_is_not_trusted_gets_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let peer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            hello
        });
        let found = client(Reach::PublicAndLoopback).send(request(&url)).await;
        assert_eq!(found.unwrap_err(), OutgoingError::Tls);
        assert_eq!(peer.await.unwrap()[0], 22, "a TLS handshake came");
    }

    /// Answers one secured connection, as `localhost` of the authority of these tests.
    async fn secured_peer(listener: TcpListener) -> Option<String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der(LEAF).into()], PrivatePkcs8KeyDer::from(der(KEY)).into());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.ok()?;
        let mut seen = vec![0; 1024];
        let count = stream.read(&mut seen).await.ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
        stream.flush().await.unwrap();
        Some(String::from_utf8_lossy(&seen[..count]).into_owned())
    }

    #[tokio::test]
    async fn a_secured_peer_is_asked_when_its_authority_and_its_name_are_right() {
        let options = OutgoingOptions { reach: Reach::PublicAndLoopback, ..Default::default() };
        let trusting = Outgoing::try_new(options, &[der(ROOT)]).unwrap();
        let strict = Outgoing::try_new(options, &[]).unwrap();
        let table = [
            (&trusting, "localhost", Ok(200)),
            (&trusting, "127.0.0.1", Err(OutgoingError::Tls)),
            (&strict, "localhost", Err(OutgoingError::Tls)),
        ];
        for (outgoing, host, expected) in table {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("https://{host}:{}/a", listener.local_addr().unwrap().port());
            let peer = tokio::spawn(secured_peer(listener));
            let found = outgoing.send(request(&url)).await.map(|answer| answer.status.as_u16());
            assert_eq!(found, expected, "{url}");
            let seen = peer.await.unwrap();
            let asked = seen.is_some_and(|seen| seen.starts_with("POST /a HTTP/1.1"));
            assert_eq!(asked, expected.is_ok(), "{url}");
        }
        assert!(Outgoing::try_new(options, &[vec![1, 2, 3]]).is_err(), "no certificate");
    }
}
