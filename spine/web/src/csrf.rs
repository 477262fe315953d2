//! Proof that a form was sent from our own page, by the session that the page was made for.

use axum::http::{HeaderMap, Method, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::problem::{CSRF_FAILED, Problem};

/// The name of the form field that carries the token.
pub const CSRF_FIELD: &str = "csrf";

/// The server's key for form tokens; all nodes have the same one. Never shown by `Debug`.
#[derive(Clone)]
pub struct CsrfKey([u8; 32]);

impl CsrfKey {
    /// Takes 32 bytes nobody can guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl core::fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CsrfKey(…)")
    }
}

/// Why a form is not taken, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrfRefusal {
    /// The browser says that another site sent it.
    #[error("the request was sent from another site")]
    CrossSite,
    /// Neither `Sec-Fetch-Site` nor `Origin` says where it comes from.
    #[error("the request does not say where it comes from")]
    OriginMissing,
    /// `Origin` is not this host.
    #[error("the origin is not this host")]
    OriginForeign,
    /// The form has no token, or one of another session or key.
    #[error("the form token is missing or of another session")]
    Token,
}

impl From<CsrfRefusal> for Problem {
    fn from(refusal: CsrfRefusal) -> Self {
        Self::new(&CSRF_FAILED).detail(refusal.to_string())
    }
}

/// Makes the token for a session's forms: HMAC-SHA256 over the session id, always the same.
pub fn token(key: &CsrfKey, session: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(key, session))
}

fn mac(key: &CsrfKey, session: &str) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("32 bytes are a key");
    // The purpose stands before the id, so that the key cannot be made to sign for another use.
    mac.update(b"form\0");
    mac.update(session.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Checks where a request comes from and, for a form, its token. Safe methods always pass.
///
/// # Errors
///
/// The first [`CsrfRefusal`] that applies.
pub fn check(
    method: &Method,
    headers: &HeaderMap,
    key: &CsrfKey,
    session: &str,
    form_token: Option<&str>,
) -> Result<(), CsrfRefusal> {
    if method.is_safe() {
        return Ok(());
    }
    check_origin(headers)?;
    let sent = form_token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok()).unwrap_or_default();
    if bool::from(sent.as_slice().ct_eq(&mac(key, session))) {
        Ok(())
    } else {
        Err(CsrfRefusal::Token)
    }
}

/// Checks only where a request with an unsafe method comes from: for a form before sign-in.
///
/// # Errors
///
/// [`CsrfRefusal`], but not for a token.
pub fn check_origin(headers: &HeaderMap) -> Result<(), CsrfRefusal> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        let ours = site == "same-origin" || site == "none";
        return if ours { Ok(()) } else { Err(CsrfRefusal::CrossSite) };
    }
    let origin = text(header::ORIGIN).ok_or(CsrfRefusal::OriginMissing)?;
    let host = text(header::HOST).ok_or(CsrfRefusal::OriginForeign)?;
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
        Ok(())
    } else {
        Err(CsrfRefusal::OriginForeign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CsrfKey = CsrfKey::new([7; 32]);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_is_taken_only_from_our_own_page() {
        let good = token(&KEY, "ses_1");
        let other = token(&KEY, "ses_2");
        let same = [("sec-fetch-site", "same-origin")];
        let origin = [("origin", "https://daifuku.example"), ("host", "daifuku.example")];
        let foreign = [("origin", "https://evil.example"), ("host", "daifuku.example")];
        let table: [(&[_], Option<&str>, Result<(), CsrfRefusal>); 9] = [
            (&same, Some(&good), Ok(())),
            (&[("sec-fetch-site", "none")], Some(&good), Ok(())),
            (&origin, Some(&good), Ok(())),
            (&same, Some(&other), Err(CsrfRefusal::Token)),
            (&same, Some("not base 64 !"), Err(CsrfRefusal::Token)),
            (&same, None, Err(CsrfRefusal::Token)),
            (&[("sec-fetch-site", "same-site")], Some(&good), Err(CsrfRefusal::CrossSite)),
            (&foreign, Some(&good), Err(CsrfRefusal::OriginForeign)),
            (&[], Some(&good), Err(CsrfRefusal::OriginMissing)),
        ];
        for (pairs, form_token, expected) in table {
            let found = check(&Method::POST, &headers(pairs), &KEY, "ses_1", form_token);
            assert_eq!(found, expected, "{pairs:?} {form_token:?}");
        }
        assert_eq!(check(&Method::GET, &HeaderMap::new(), &KEY, "ses_1", None), Ok(()));
    }

    #[test]
    fn another_key_makes_another_token() {
        assert_ne!(token(&KEY, "ses_1"), token(&CsrfKey::new([8; 32]), "ses_1"));
    }
}
