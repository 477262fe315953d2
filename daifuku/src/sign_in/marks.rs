//! Who signed in from a browser before, as the browser itself keeps it.
//!
//! A cookie has a mark of each member, which only this installation can make and nobody can read;
//! nothing about browsers is kept here. Whoever removes cookies starts anew: so it is a sign that a
//! person looks at, and no proof.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::house::House;
use access::Subject;
use vocabulary::{Id, kind};
use web::{HeaderMap, Lifetime, Problem, Response, find_cookie, header, host_cookie, problems};

/// The cookie's name, without its prefix.
const COOKIE: &str = "daifuku-members";
/// How many members a browser keeps: a family.
const MARKS_MAX: usize = 8;
/// As long as browsers keep a cookie at most: 400 days.
const KEPT_SECONDS: u32 = 34_560_000;
/// Characters of a mark: 64 bits.
const MARK_CHARACTERS: usize = 16;

/// The marks of members that a browser sent, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BrowserMarks(Vec<String>);

impl BrowserMarks {
    /// Reads them; what is no mark is left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = find_cookie(headers, &format!("__Host-{COOKIE}")).unwrap_or_default();
        let mark = |text: &&str| {
            text.len() == MARK_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        Self(sent.split('.').filter(mark).take(MARKS_MAX).map(str::to_owned).collect())
    }

    /// Tells whether a member signed in there.
    pub(crate) fn have(&self, key: &[u8; 32], member: Id<kind::Member>) -> bool {
        self.0.contains(&mark_of(key, member))
    }

    /// Puts a member first; the oldest falls out.
    fn with(mut self, key: &[u8; 32], member: Id<kind::Member>) -> Self {
        let mark = mark_of(key, member);
        self.0.retain(|known| *known != mark);
        self.0.insert(0, mark);
        self.0.truncate(MARKS_MAX);
        self
    }
}

/// Gives the key that marks are made with.
pub(crate) fn marks_key(house: &House) -> [u8; 32] {
    house.secrets.key("browser marks")
}

/// Has a browser remember who signed in there; staff leave no mark.
pub(crate) fn leave_mark(
    house: &House,
    headers: &HeaderMap,
    subject: Subject,
    response: &mut Response,
) -> Result<(), Problem> {
    let Subject::Member(member) = subject else { return Ok(()) };
    let marks = BrowserMarks::of(headers).with(&marks_key(house), member);
    let cookie = host_cookie(COOKIE, &marks.0.join("."), Lifetime::Seconds(KEPT_SECONDS))
        .map_err(|_never| Problem::new(&problems::INTERNAL_FAULT))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

fn mark_of(key: &[u8; 32], member: Id<kind::Member>) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("32 bytes are a key");
    mac.update(&member.to_bytes());
    let bytes = mac.finalize().into_bytes();
    let digits = bytes.iter().take(MARK_CHARACTERS.div_euclid(2));
    digits.fold(String::with_capacity(MARK_CHARACTERS), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use web::HeaderValue;

    fn sent(value: &str) -> BrowserMarks {
        let mut headers = HeaderMap::new();
        let cookie = HeaderValue::from_str(&format!("__Host-{COOKIE}={value}")).unwrap();
        headers.insert(header::COOKIE, cookie);
        BrowserMarks::of(&headers)
    }

    #[test]
    fn a_browser_remembers_a_family_and_nobody_else_can_write_a_mark() {
        let (key, other) = ([7; 32], [8; 32]);
        let members: Vec<_> = (1..=9).map(Id::<kind::Member>::from_bits).collect();
        let marks =
            members.iter().fold(BrowserMarks::default(), |marks, member| marks.with(&key, *member));
        let back = sent(&marks.0.join("."));
        assert_eq!(back, marks);
        let known: Vec<_> = members.iter().map(|member| back.have(&key, *member)).collect();
        assert_eq!(known, [false, true, true, true, true, true, true, true, true]);
        assert!(!back.have(&other, members[5]), "made with another key");
        let again = back.clone().with(&key, members[4]);
        assert_eq!((again.0.len(), &again.0[0]), (8, &mark_of(&key, members[4])), "once each");
        for hostile in ["", ".", "x", &"a".repeat(4_000), &"0123456789abcdefg.".repeat(300)] {
            assert_eq!(sent(hostile), BrowserMarks::default(), "{hostile:.20}");
        }
        assert_eq!(sent(&"0123456789abcdef.".repeat(300)).0.len(), MARKS_MAX);
    }
}
