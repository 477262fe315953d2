//! Passwords, kept as Argon2id.

use core::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::{
    login::Realm,
    refusal::{PASSWORD_LONG, PASSWORD_PLAIN, PASSWORD_SHORT, RefusalKind},
    secret::{CROCKFORD, base32, draw_bytes, draw_salt, in_fours},
};
use vocabulary::{Email, IdSource};

/// A password as it was typed. Never shown by `Debug`.
#[derive(Clone)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a new password is not taken, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Too few characters.
    #[error("a password has at least {min} characters")]
    Short {
        /// The fewest.
        min: usize,
    },
    /// Too many bytes.
    #[error("a password has at most {max} bytes")]
    Long {
        /// The most.
        max: usize,
    },
    /// A few characters repeated, or the mail address in it.
    #[error("this password is too plain")]
    Plain,
}

impl PasswordRefusal {
    /// Gives the kind.
    pub const fn kind(self) -> &'static RefusalKind {
        match self {
            Self::Short { .. } => &PASSWORD_SHORT,
            Self::Long { .. } => &PASSWORD_LONG,
            Self::Plain => &PASSWORD_PLAIN,
        }
    }
}

impl Password {
    /// The most bytes, so that nobody makes us hash a book.
    pub const BYTES_MAX: usize = 200;

    /// Takes what was typed to sign in, as it is; longer than any password is cut, and then wrong.
    pub fn typed(text: &str) -> Self {
        // One character more than the most, so that a cut password is never one that was set.
        Self(text.chars().take(Self::BYTES_MAX.saturating_add(1)).collect())
    }

    /// Draws one of 120 bits, with the text to tell it by: `4j9k-2m7q-x0vb-8c3d-…`.
    pub fn draw(chance: &mut dyn IdSource) -> (Self, String) {
        let bytes = draw_bytes(chance);
        let (fifteen, _rest) = bytes.split_at(15);
        let text = in_fours(&base32(fifteen, CROCKFORD));
        (Self(text.clone()), text)
    }

    /// Takes a new password: no rules about kinds of characters, which make people write it down.
    ///
    /// # Errors
    ///
    /// The first [`PasswordRefusal`] that applies.
    pub fn choose(text: &str, realm: Realm, mail: &Email) -> Result<Self, PasswordRefusal> {
        let min = match realm {
            Realm::Member => 10,
            Realm::Staff => 14,
        };
        if text.chars().count() < min {
            return Err(PasswordRefusal::Short { min });
        }
        if text.len() > Self::BYTES_MAX {
            return Err(PasswordRefusal::Long { max: Self::BYTES_MAX });
        }
        let mut kinds: Vec<char> = text.chars().collect();
        kinds.sort_unstable();
        kinds.dedup();
        let name = mail.as_str().split('@').next().unwrap_or_default();
        let contains_name = name.len() >= 4 && text.to_lowercase().contains(name);
        if kinds.len() < 5 || contains_name {
            return Err(PasswordRefusal::Plain);
        }
        Ok(Self(text.to_owned()))
    }
}

/// How much work a guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordParameters {
    /// Memory in KiB; at least 8.
    pub memory_kib: u32,
    /// Passes over it; at least 1.
    pub passes: u32,
}

impl PasswordParameters {
    /// What OWASP's Password Storage Cheat Sheet asks for: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2 };
    /// As little as there is, for tests.
    pub const TESTS: Self = Self { memory_kib: 8, passes: 1 };

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, 1, Some(32)).ok()
    }
}

/// What is kept of a password. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    parameters: PasswordParameters,
    salt: [u8; 16],
    digest: [u8; 32],
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl PasswordHash {
    /// Hashes a password: tens of milliseconds of work and `memory_kib` of memory, so not on a
    /// thread that serves, and few at a time. Parameters that Argon2 does not take are raised to
    /// its least.
    pub fn make(
        password: &Password,
        parameters: PasswordParameters,
        chance: &mut dyn IdSource,
    ) -> Self {
        let parameters = PasswordParameters {
            memory_kib: parameters.memory_kib.clamp(8, 1 << 22),
            passes: parameters.passes.clamp(1, 1 << 10),
        };
        let salt = draw_salt(chance);
        Self { parameters, salt, digest: digest(password, parameters, salt) }
    }

    /// A hash of no password, so that a login that does not exist costs the same work.
    pub(crate) const fn decoy(parameters: PasswordParameters) -> Self {
        Self { parameters, salt: [0; 16], digest: [0; 32] }
    }

    /// Tells whether `password` is the one; as much work as [`PasswordHash::make`].
    pub fn matches(&self, password: &Password) -> bool {
        let found = digest(password, self.parameters, self.salt);
        bool::from(found.ct_eq(&self.digest))
    }

    /// Tells what a guess costs.
    pub const fn parameters(&self) -> PasswordParameters {
        self.parameters
    }

    /// Writes it in the usual form: `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`.
    pub fn to_text(&self) -> String {
        let PasswordParameters { memory_kib, passes } = self.parameters;
        let salt = STANDARD_NO_PAD.encode(self.salt);
        let digest = STANDARD_NO_PAD.encode(self.digest);
        format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}")
    }

    /// Reads that form, as we write it; `None` when it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (costs, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_once('$')?;
        let (memory_kib, passes) = costs.strip_suffix(",p=1")?.split_once(",t=")?;
        let parameters = PasswordParameters {
            memory_kib: memory_kib.parse().ok()?,
            passes: passes.parse().ok()?,
        };
        parameters.params()?;
        Some(Self {
            parameters,
            salt: STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            digest: STANDARD_NO_PAD.decode(digest).ok()?.try_into().ok()?,
        })
    }
}

fn digest(password: &Password, parameters: PasswordParameters, salt: [u8; 16]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "`make` clamps and `parse` checks the parameters")]
    let params = parameters.params().expect("the parameters are within Argon2's bounds");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut digest = [0; 32];
    #[expect(clippy::expect_used, reason = "200 characters, 16 bytes of salt, 32 of digest")]
    argon2
        .hash_password_into(password.0.as_bytes(), &salt, &mut digest)
        .expect("the lengths are within Argon2's bounds");
    digest
}

#[cfg(test)]
mod tests {
    use vocabulary::SeededIds;

    use super::*;

    fn mail() -> Email {
        Email::parse("hana@example.jp").unwrap()
    }

    #[test]
    fn a_new_password_keeps_the_rules() {
        let long = "ab cd ef ".repeat(30);
        let table = [
            ("rice cake!", Realm::Member, Ok(())),
            ("rice cake", Realm::Member, Err(PasswordRefusal::Short { min: 10 })),
            ("rice cake!", Realm::Staff, Err(PasswordRefusal::Short { min: 14 })),
            ("rice cake with beans", Realm::Staff, Ok(())),
            ("小豆を煮て餅に包んだ。", Realm::Member, Ok(())),
            (&long, Realm::Member, Err(PasswordRefusal::Long { max: 200 })),
            ("aaaaaaaaaaaa", Realm::Member, Err(PasswordRefusal::Plain)),
            ("my name is HANA", Realm::Member, Err(PasswordRefusal::Plain)),
        ];
        for (text, realm, expected) in table {
            assert_eq!(Password::choose(text, realm, &mail()).map(drop), expected, "{text}");
        }
    }

    #[test]
    fn a_hash_knows_its_password_and_comes_back_from_text() {
        let mut chance = SeededIds::new(1);
        let password = Password::choose("rice cake!", Realm::Member, &mail()).unwrap();
        let hash = PasswordHash::make(&password, PasswordParameters::TESTS, &mut chance);
        assert!(hash.matches(&Password::typed("rice cake!")), "the same");
        assert!(!hash.matches(&Password::typed("rice cake?")), "another");
        assert!(!hash.matches(&Password::typed("")), "none");
        assert_eq!(PasswordHash::parse(&hash.to_text()), Some(hash.clone()));
        let again = PasswordHash::make(&password, PasswordParameters::TESTS, &mut chance);
        assert_ne!(hash, again, "the salts differ");
        assert_eq!(format!("{password:?} {hash:?}"), "Password(…) PasswordHash(…)");
        let decoy = PasswordHash::decoy(PasswordParameters::TESTS);
        assert!(!decoy.matches(&password), "no password is that of a decoy");
    }

    #[test]
    fn argon2_is_the_one_others_compute() {
        // Computed by the reference implementation, through argon2-cffi 25.1.
        let text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$yrdGtGIZk/3JHsUHh5gLQUqQppLwvGjf4Z+cJbPLqew";
        let hash = PasswordHash::parse(text).unwrap();
        assert!(hash.matches(&Password::typed("password")), "the reference's digest");
    }

    #[test]
    fn other_texts_are_no_hashes() {
        let salt = STANDARD_NO_PAD.encode([1; 16]);
        let digest = STANDARD_NO_PAD.encode([2; 32]);
        let good = format!("$argon2id$v=19$m=8,t=1,p=1${salt}${digest}");
        assert!(PasswordHash::parse(&good).is_some(), "{good}");
        for bad in [
            String::new(),
            good.replace("argon2id", "argon2i"),
            good.replace("m=8", "m=7"),
            good.replace("t=1", "t=0"),
            good.replace("p=1", "p=2"),
            good.replace(&salt, "AAAA"),
            good.replace(&digest, "!"),
        ] {
            assert_eq!(PasswordHash::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn an_endless_password_is_cut() {
        assert_eq!(Password::typed(&"x".repeat(1 << 20)).0.len(), 201);
    }
}
