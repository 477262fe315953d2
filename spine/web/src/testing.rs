//! A client inside the process, for tests: request, door, answer; no network.

use core::net::{IpAddr, Ipv4Addr};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};
use http_body_util::{BodyExt as _, Collected};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    assets::Assets,
    door::{Door, DoorTools},
    guard::{Guard, OpenToAll},
    meter::Meter,
    page::Frame,
    problem::PROBLEMS,
    route::{RouteError, Routes},
    server::ServerOptions,
    texts::{TEXTS, TextSource, Texts},
};
use vocabulary::{ManualClock, SeededIds, SharedIds, Timestamp};

/// Makes a door with a clock that stands at 2026-11-20 12:00 in Japan, seeded ids and web's texts.
///
/// # Errors
///
/// [`RouteError`] when the table contradicts itself.
pub fn door(routes: Routes, options: ServerOptions) -> Result<Door, RouteError> {
    door_with(routes, options, frame(&[]), Arc::new(OpenToAll))
}

/// As [`door`], with a frame and a guard of the test's own.
///
/// # Errors
///
/// [`RouteError`] when the table contradicts itself.
pub fn door_with(
    routes: Routes,
    options: ServerOptions,
    frame: Arc<Frame>,
    guard: Arc<dyn Guard>,
) -> Result<Door, RouteError> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_microseconds(1_795_143_600_000_000)));
    Door::try_new(
        routes,
        options,
        DoorTools {
            clock,
            ids: SharedIds::new(SeededIds::new(1)),
            meter: Arc::new(Meter::new()),
            frame,
            guard,
        },
    )
}

/// Makes a frame of web's texts and those of the features under test.
///
/// # Panics
///
/// When a source is no Fluent: that is what the test is there to find.
#[expect(clippy::expect_used, reason = "a test must stop here")]
pub fn frame(sources: &[TextSource]) -> Arc<Frame> {
    let all: Vec<TextSource> = core::iter::once(TEXTS).chain(sources.iter().copied()).collect();
    let texts = Texts::try_new(&all).expect("the texts are Fluent");
    Arc::new(Frame::new(texts, Assets::new(), &[PROBLEMS]))
}

/// A client with cookies and headers of its own.
#[derive(Debug)]
pub struct Client {
    door: Arc<Door>,
    headers: HeaderMap,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body as text; bytes that are no UTF-8 are replaced.
    pub text: String,
}

impl Answer {
    /// Reads the body as JSON.
    ///
    /// # Panics
    ///
    /// When it is none of that form, with the body in the message.
    #[expect(clippy::panic, reason = "a test must stop here")]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_str(&self.text) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {}: {}", self.status, self.text),
        }
    }

    /// Gives a header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Gives the problem's code, empty when the answer is none.
    pub fn problem_code(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.text).unwrap_or_default();
        json.get("code").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Client {
    /// Makes a client of a door.
    pub fn new(door: Arc<Door>) -> Self {
        Self { door, headers: HeaderMap::new(), cookies: Mutex::default() }
    }

    /// Sends a header with every request; the last one of a name stays. A malformed one is left
    /// out.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Asks as a browser does on its own site: wants pages, sends `Sec-Fetch-Site`.
    pub fn browser(self) -> Self {
        self.header("accept", "text/html,*/*;q=0.8").header("sec-fetch-site", "same-origin")
    }

    /// Keeps a cookie.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.jar().insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sends `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Vec::new()).await
    }

    /// Sends `POST` with JSON.
    pub async fn post_json(&self, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.send(Method::POST, path, "application/json", body).await
    }

    /// Sends `POST` with a form.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap_or_default();
        self.send(Method::POST, path, "application/x-www-form-urlencoded", body.into_bytes()).await
    }

    /// Sends anything; an empty media type sends none.
    ///
    /// # Panics
    ///
    /// When the path is none.
    #[expect(clippy::expect_used, reason = "a test must stop here")]
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).body(Body::from(body)).expect("a path");
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("daifuku.test"));
        headers.extend(self.headers.clone());
        if let Ok(value) = HeaderValue::from_str(media_type)
            && !media_type.is_empty()
        {
            headers.insert(header::CONTENT_TYPE, value);
        }
        let pairs: Vec<String> =
            self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(value) = HeaderValue::try_from(pairs.join("; "))
            && !pairs.is_empty()
        {
            headers.insert(header::COOKIE, value);
        }
        let response = self.door.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
        let (parts, body) = response.into_parts();
        self.remember(&parts.headers);
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn remember(&self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap_or_default();
            let pair = text.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                if text.contains("Max-Age=0") {
                    self.jar().remove(name);
                } else {
                    self.jar().insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
