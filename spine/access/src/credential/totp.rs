//! The second step of signing in: one-time codes of an authenticator app, and recovery codes.

use core::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::{
    actor::Subject,
    secret::{CROCKFORD, SecretHash, base32, draw_bytes, draw_salt, in_fours},
};
use vocabulary::{Email, IdSource, Timestamp};

const STEP_SECONDS: i64 = 30;

/// The server's key for one-time codes; all nodes have the same one. Never shown by `Debug`.
///
/// A person's secret is computed from it and from a salt that is no secret, so that a stolen
/// database holds nothing to make codes with. Whoever loses the key has everybody set up their
/// authenticator again.
#[derive(Clone)]
pub struct TotpKey([u8; 32]);

impl TotpKey {
    /// Takes 32 bytes nobody can guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpKey(…)")
    }
}

/// What makes a person's secret another one each time an authenticator is set up. No secret: a form
/// may carry it from the page with the QR code to the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotpSalt([u8; 16]);

impl TotpSalt {
    /// Draws a new one.
    pub fn draw(chance: &mut dyn IdSource) -> Self {
        Self(draw_salt(chance))
    }

    /// Takes 16 bytes as they are stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Gives the 16 bytes as they are stored.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Writes 32 hexadecimal digits, for a form.
    pub fn to_text(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).ok()?;
        digits.then_some(Self(bits.to_be_bytes()))
    }
}

/// The secret that a person's authenticator holds (RFC 6238: SHA-1, 6 digits, 30 seconds). Never
/// shown by `Debug`.
pub struct TotpSecret([u8; 20]);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// Computes a person's secret.
    pub fn derive(key: &TotpKey, subject: Subject, salt: TotpSalt) -> Self {
        let mut mac = keyed::<Hmac<Sha256>>(&key.0);
        mac.update(b"daifuku totp\0");
        mac.update(&subject.to_bytes());
        mac.update(&salt.0);
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        let mut secret = [0; 20];
        secret.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Self(secret)
    }

    /// Finds the step that `code` is of: now, or one step earlier or later, as clocks go. The
    /// caller takes each step once at most.
    pub fn find_step(&self, code: u32, now: Timestamp) -> Option<u64> {
        let current = u64::try_from(now.as_seconds().div_euclid(STEP_SECONDS)).ok()?;
        let steps = [current, current.saturating_sub(1), current.saturating_add(1)];
        // All three are computed whichever fits.
        let fitting = steps.map(|step| bool::from(self.code_at(step).ct_eq(&code)));
        steps.into_iter().zip(fitting).find_map(|(step, fits)| fits.then_some(step))
    }

    pub(crate) fn code_at(&self, step: u64) -> u32 {
        let mut mac = keyed::<Hmac<Sha1>>(&self.0);
        mac.update(&step.to_be_bytes());
        let bytes: [u8; 20] = mac.finalize().into_bytes().into();
        // RFC 4226 §5.3: the last half byte says where the 31 bits start.
        let start = bytes.last().map_or(0, |last| usize::from(last & 15));
        let word = bytes.iter().skip(start).take(4);
        let word = word.fold(0, |word, byte| (word << 8) | u32::from(*byte));
        (word & 0x7fff_ffff) % 1_000_000
    }

    /// Writes the address that a QR code shows to the app.
    pub fn url(&self, issuer: &str, mail: &Email) -> String {
        let (issuer, mail) = (percent(issuer), percent(mail.as_str()));
        let secret = self.to_base32();
        format!(
            "otpauth://totp/{issuer}:{mail}?secret={secret}&issuer={issuer}\
             &algorithm=SHA1&digits=6&period=30"
        )
    }

    /// Writes the secret for somebody who types it into the app: 32 letters and digits.
    pub fn to_base32(&self) -> String {
        base32(&self.0, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    }
}

/// One of the codes that a person keeps on paper for the day the phone is lost. Never shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// How many a person gets.
    pub const COUNT: usize = 10;

    /// Draws a person's codes, 80 bits each.
    pub fn draw_all(chance: &mut dyn IdSource) -> Vec<Self> {
        let code = |_number| {
            let bytes = draw_bytes(chance);
            let (ten, _rest) = bytes.split_at(10);
            Self(base32(ten, CROCKFORD))
        };
        (0..Self::COUNT).map(code).collect()
    }

    /// Writes it to be read by a person: `4j9k-2m7q-x0vb-8c3d`.
    pub fn expose(&self) -> String {
        in_fours(&self.0)
    }

    /// Gives what may be kept.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

/// What somebody typed as the second step.
#[derive(Clone, PartialEq, Eq)]
pub enum TypedCode {
    /// Six digits of the app.
    Totp(u32),
    /// A recovery code.
    Recovery(SecretHash),
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Totp(_) => f.write_str("Totp(…)"),
            Self::Recovery(_) => f.write_str("Recovery(…)"),
        }
    }
}

impl TypedCode {
    /// Reads six digits, or a recovery code; blanks and hyphens do not count, nor do capitals.
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .take(100)
            .filter(|character| !character.is_whitespace() && *character != '-')
            .map(|character| character.to_ascii_lowercase())
            .collect();
        match code.len() {
            6 if code.bytes().all(|byte| byte.is_ascii_digit()) => {
                code.parse().ok().map(Self::Totp)
            }
            16 => Some(Self::Recovery(SecretHash::of(&code))),
            _ => None,
        }
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("bytes are a key")
}

fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _infallible = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use vocabulary::{Id, SeededIds};

    use super::*;

    const RFC: TotpSecret = TotpSecret(*b"12345678901234567890");

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B has eight digits; ours are the last six.
        let table = [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ];
        for (seconds, code) in table {
            let now = Timestamp::from_microseconds(seconds * 1_000_000);
            let step = u64::try_from(seconds).unwrap().div_euclid(30);
            assert_eq!(RFC.code_at(step), code, "at {seconds}");
            assert_eq!(RFC.find_step(code, now), Some(step), "at {seconds}");
        }
    }

    #[test]
    fn clocks_may_differ_by_one_step() {
        let now = Timestamp::from_microseconds(1_234_567_890_000_000);
        let step = 1_234_567_890_u64.div_euclid(30);
        for (of, expected) in [
            (step - 2, None),
            (step - 1, Some(step - 1)),
            (step, Some(step)),
            (step + 1, Some(step + 1)),
            (step + 2, None),
        ] {
            assert_eq!(RFC.find_step(RFC.code_at(of), now), expected, "{of}");
        }
    }

    #[test]
    fn a_secret_is_of_one_key_person_and_salt() {
        let (key, other) = (TotpKey::new([1; 32]), TotpKey::new([2; 32]));
        let salt = TotpSalt::from_bytes([3; 16]);
        let hana = Subject::Staff(Id::from_bits(1));
        let secret = |key, subject, salt| TotpSecret::derive(key, subject, salt).to_base32();
        let first = secret(&key, hana, salt);
        assert_eq!(first.len(), 32);
        assert_eq!(first, secret(&key, hana, salt));
        assert_ne!(first, secret(&other, hana, salt));
        assert_ne!(first, secret(&key, Subject::Staff(Id::from_bits(2)), salt));
        assert_ne!(first, secret(&key, hana, TotpSalt::from_bytes([4; 16])));
        assert_eq!(TotpSalt::parse(&salt.to_text()), Some(salt));
        assert_eq!(TotpSalt::parse("03"), None);
        assert_eq!(TotpSalt::parse(&"+".repeat(32)), None);
    }

    #[test]
    fn the_app_gets_an_address() {
        let mail = Email::parse("hana@example.jp").unwrap();
        let expected = "otpauth://totp/Daifuku%20Demo:hana%40example.jp\
                        ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Daifuku%20Demo\
                        &algorithm=SHA1&digits=6&period=30";
        assert_eq!(RFC.url("Daifuku Demo", &mail), expected);
    }

    #[test]
    fn what_is_typed_is_read() {
        let codes = RecoveryCode::draw_all(&mut SeededIds::new(1));
        assert_eq!(codes.len(), RecoveryCode::COUNT);
        let code = codes.first().unwrap();
        let shown = code.expose();
        assert_eq!((shown.len(), shown.matches('-').count()), (19, 3), "{shown}");
        let recovery = Some(TypedCode::Recovery(code.hash()));
        assert_eq!(TypedCode::parse(&shown), recovery);
        assert_eq!(TypedCode::parse(&format!(" {} ", shown.to_uppercase())), recovery);
        assert_eq!(TypedCode::parse("012 345"), Some(TypedCode::Totp(12_345)));
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert_eq!(TypedCode::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{code:?} {:?}", TypedCode::Totp(1)), "RecoveryCode(…) Totp(…)");
    }
}
