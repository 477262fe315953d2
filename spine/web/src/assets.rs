//! Static files from memory, under names that carry their contents' hash.

use core::fmt::Write as _;
use std::io::Write as _;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::problem::{NOT_FOUND, Problem};

const STYLE: &str = include_str!("../static/app.css");
const ICON: &str = include_str!("../static/icon.svg");

/// A year: the name changes when the contents do.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// All static files; built once at start.
#[derive(Clone, Debug)]
pub struct Assets {
    files: Vec<Asset>,
}

#[derive(Clone, Debug)]
struct Asset {
    /// The name that pages use: `app.css`.
    name: &'static str,
    /// The name in the address: `app.3f0c….css`.
    hashed: String,
    etag: HeaderValue,
    kind: HeaderValue,
    plain: Bytes,
    gzip: Bytes,
}

impl Default for Assets {
    fn default() -> Self {
        Self::new()
    }
}

impl Assets {
    /// Takes the stylesheet and icon of the page frame.
    pub fn new() -> Self {
        Self { files: Vec::new() }
            .with("app.css", "text/css; charset=utf-8", STYLE.as_bytes())
            .with("icon.svg", "image/svg+xml", ICON.as_bytes())
    }

    /// Adds a file, such as a company's brand (`brand-hapi.css`: one block of tokens).
    pub fn with(mut self, name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let mut hash = String::new();
        for byte in Sha256::digest(bytes).iter().take(8) {
            let _infallible = write!(hash, "{byte:02x}");
        }
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
        self.files.push(Asset {
            name,
            hashed: format!("{stem}.{hash}.{ending}"),
            etag: HeaderValue::try_from(format!("\"{hash}\""))
                .unwrap_or(HeaderValue::from_static("\"\"")),
            kind: HeaderValue::from_static(kind),
            plain: Bytes::from_static(bytes),
            gzip: Bytes::from(gzip(bytes)),
        });
        self
    }

    /// Gives the address of a file by its plain name; an unknown one leads to a 404.
    pub fn address(&self, name: &str) -> String {
        let hashed = self.files.iter().find(|file| file.name == name);
        format!("/static/{}", hashed.map_or(name, |file| file.hashed.as_str()))
    }

    /// Answers a request for a hashed name.
    pub(crate) fn answer(&self, hashed: &str, headers: &HeaderMap) -> Response {
        let Some(file) = self.files.iter().find(|file| file.hashed == hashed) else {
            return Problem::new(&NOT_FOUND).into_response();
        };
        let mut response = Response::new(Body::empty());
        let answer = response.headers_mut();
        answer.insert(header::ETAG, file.etag.clone());
        answer.insert(header::CACHE_CONTROL, FOREVER);
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if headers.get(header::IF_NONE_MATCH) == Some(&file.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        answer.insert(header::CONTENT_TYPE, file.kind.clone());
        let accepts_gzip = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|part| part.trim() == "gzip"));
        let body = if accepts_gzip && !file.gzip.is_empty() {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            file.gzip.clone()
        } else {
            file.plain.clone()
        };
        *response.body_mut() = Body::from(body);
        response
    }
}

/// Compresses; empty when that fails or gains nothing, which is then served plain.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    let written = writer.write_all(bytes).and_then(|()| writer.finish());
    written.ok().filter(|packed| packed.len() < bytes.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_under_its_hash_and_only_there() {
        let assets = Assets::new();
        let address = assets.address("app.css");
        let hashed = address.strip_prefix("/static/").unwrap();
        let plain = assets.answer(hashed, &HeaderMap::new());
        assert_eq!(plain.status(), 200);
        assert_eq!(plain.headers()["cache-control"], "public, max-age=31536000, immutable");
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        assert_eq!(assets.answer(hashed, &headers).headers()["content-encoding"], "gzip");
        headers.insert(header::IF_NONE_MATCH, plain.headers()["etag"].clone());
        assert_eq!(assets.answer(hashed, &headers).status(), 304);
        assert_eq!(assets.answer("app.css", &headers).status(), 404);
        assert_eq!(assets.answer("../Cargo.toml", &headers).status(), 404);
    }

    #[test]
    fn the_stylesheet_stays_small() {
        assert!(STYLE.len() <= 20_000, "{} bytes", STYLE.len());
    }
}
