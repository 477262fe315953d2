//! Where somebody goes on after signing in.

use core::fmt::Write as _;

use access::{Realm, Stage};

/// A path of this site; never another one's address, which a link in a mail could have put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnPath(String);

impl ReturnPath {
    const MAX: usize = 500;

    /// Takes a path with its query; anything else leads home.
    pub(crate) fn of(text: &str, realm: Realm) -> Self {
        // `//host` and `/\host` are other sites to a browser.
        let ours = text.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
        let plain = text.len() <= Self::MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        if ours && plain && !text.contains("/sign-") {
            return Self(text.to_owned());
        }
        Self(home(realm).to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a person begins.
pub(super) const fn home(realm: Realm) -> &'static str {
    match realm {
        Realm::Member => "/",
        Realm::Staff => "/staff",
    }
}

/// The path to sign in.
pub(super) const fn sign_in_path(realm: Realm) -> &'static str {
    match realm {
        Realm::Member => "/sign-in",
        Realm::Staff => "/staff/sign-in",
    }
}

/// Gives the address of the step to do next, which leads back to `back` in the end.
pub(crate) fn sign_in_address(realm: Realm, stage: Stage, back: &str) -> String {
    let step = match stage {
        Stage::Full => "",
        Stage::Code => "/code",
        Stage::Enrolment => "/enrolment",
    };
    let mut address = format!("{}{step}?return=", sign_in_path(realm));
    for byte in back.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _infallible = write!(address, "%{byte:02X}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        let long = format!("/{}", "x".repeat(ReturnPath::MAX));
        for (text, expected) in [
            ("/staff/keys?after=AQAB", "/staff/keys?after=AQAB"),
            ("/", "/"),
            ("", "/staff"),
            ("staff", "/staff"),
            ("//evil.example/", "/staff"),
            ("/\\evil.example/", "/staff"),
            ("https://evil.example/", "/staff"),
            ("javascript:alert(1)", "/staff"),
            ("/a b", "/staff"),
            ("/a\r\nSet-Cookie: x=y", "/staff"),
            ("/staff/sign-in/code", "/staff"),
            (&long, "/staff"),
        ] {
            assert_eq!(ReturnPath::of(text, Realm::Staff).as_str(), expected, "{text}");
        }
        assert_eq!(ReturnPath::of("x", Realm::Member).as_str(), "/");
    }

    #[test]
    fn the_way_back_is_one_parameter() {
        let address = sign_in_address(Realm::Staff, Stage::Code, "/staff/keys?a=1&b=あ");
        assert_eq!(address, "/staff/sign-in/code?return=/staff/keys%3Fa%3D1%26b%3D%E3%81%82");
        assert_eq!(sign_in_address(Realm::Member, Stage::Full, "/"), "/sign-in?return=/");
    }
}
