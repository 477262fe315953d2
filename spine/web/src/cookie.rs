//! Cookies: reading the header and building `Set-Cookie` so that no value can break out of it.

use core::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, header};

/// A name that is no cookie name, or a value with a character outside the cookie octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cookie's name or value has a character that is not allowed there")]
pub struct CookieError;

/// Finds a cookie by name; the first one wins, as browsers send the most specific path first.
pub fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| {
            value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value)
        })
}

/// How long a cookie is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the browser is closed.
    Session,
    /// So many seconds.
    Seconds(u32),
    /// Gone at once.
    Removed,
}

/// Builds `Set-Cookie` for a secret: `__Host-` before the name, `Secure`, `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no `Domain`. Browsers take it over HTTPS and, for development, on
/// `localhost`.
///
/// # Errors
///
/// [`CookieError`] when the name is no token or the value has white space, `"`, `,`, `;` or `\`.
pub fn host_cookie(
    name: &str,
    value: &str,
    lifetime: Lifetime,
) -> Result<HeaderValue, CookieError> {
    build(&format!("__Host-{name}"), value, "; Secure; HttpOnly", lifetime)
}

/// Builds `Set-Cookie` for a choice that is no secret, such as the language.
///
/// # Errors
///
/// As [`host_cookie`].
pub fn choice_cookie(
    name: &str,
    value: &str,
    lifetime: Lifetime,
) -> Result<HeaderValue, CookieError> {
    build(name, value, "", lifetime)
}

fn build(
    name: &str,
    value: &str,
    flags: &str,
    lifetime: Lifetime,
) -> Result<HeaderValue, CookieError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) || !value.bytes().all(octet) {
        return Err(CookieError);
    }
    let mut text = format!("{name}={value}; Path=/{flags}; SameSite=Lax");
    let _infallible = match lifetime {
        Lifetime::Session => Ok(()),
        Lifetime::Seconds(seconds) => write!(text, "; Max-Age={seconds}"),
        Lifetime::Removed => write!(text, "; Max-Age=0"),
    };
    HeaderValue::try_from(text).map_err(|_ignored| CookieError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("xlang=fr; lang=ja;a=\"b=c\"; lang=en"),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-session=ses_1"));
        let table = [
            ("lang", Some("ja")),
            ("a", Some("b=c")),
            ("__Host-session", Some("ses_1")),
            ("session", None),
            ("", None),
        ];
        for (name, value) in table {
            assert_eq!(find_cookie(&headers, name), value, "{name}");
        }
    }

    #[test]
    fn a_secret_keeps_to_the_host_rules() {
        let cookie = host_cookie("session", "ses_1", Lifetime::Seconds(60)).unwrap();
        let expected = "__Host-session=ses_1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60";
        assert_eq!(cookie, expected);
        let gone = choice_cookie("lang", "", Lifetime::Removed).unwrap();
        assert_eq!(gone, "lang=; Path=/; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn no_value_breaks_out() {
        for value in ["a; Domain=evil.example", "a\r\nSet-Cookie: b=c", "a b", "\"a\"", "語"] {
            assert_eq!(host_cookie("s", value, Lifetime::Session), Err(CookieError), "{value}");
        }
        assert_eq!(host_cookie("s=1;", "a", Lifetime::Session), Err(CookieError));
    }
}
