//! Secrets that a machine keeps: drawn from chance, given out once, remembered as a hash.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use vocabulary::IdSource;

/// 256 bits nobody can guess, as 43 characters of base64url. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws a new one.
    pub fn draw(chance: &mut dyn IdSource) -> Self {
        Self(URL_SAFE_NO_PAD.encode(draw_bytes(chance)))
    }

    /// Gives the text, to be sent to its owner and then forgotten.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Gives what may be kept.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret. A fast hash is right here: there is nothing to guess in 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes what somebody presents.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Takes 32 bytes as they are stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the 32 bytes as they are stored.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Compares in the same time whatever differs.
    pub fn matches(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Draws 32 bytes. A source promises 80 unguessable bits a draw; four draws make more than 256.
pub(crate) fn draw_bytes(chance: &mut dyn IdSource) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"daifuku secret\0");
    for _ in 0..4 {
        hash.update(chance.chance().to_be_bytes());
    }
    hash.finalize().into()
}

/// Draws 16 bytes that need only be unlike all others: a salt.
pub(crate) fn draw_salt(chance: &mut dyn IdSource) -> [u8; 16] {
    let [salt, _rest] = halves(draw_bytes(chance));
    salt
}

/// The digits of Douglas Crockford's base 32, which people do not mix up, in small letters.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes bytes whose count is a multiple of five in base 32, without padding.
pub(crate) fn base32(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let mut text = String::new();
    for five in bytes.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            let digit = usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0);
            text.push(alphabet.get(digit).copied().map_or('?', char::from));
        }
    }
    text
}

/// Puts a hyphen after every four characters, for whoever reads or types them.
pub(crate) fn in_fours(text: &str) -> String {
    let mut grouped = String::new();
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            grouped.push('-');
        }
        grouped.push(character);
    }
    grouped
}

/// Cuts a hash in two.
pub(crate) fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let bits = |half: &[u8]| half.iter().fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
    let (first, second) = bytes.split_at(16);
    [bits(first).to_be_bytes(), bits(second).to_be_bytes()]
}

#[cfg(test)]
mod tests {
    use vocabulary::SeededIds;

    use super::*;

    #[test]
    fn secrets_are_long_and_unlike_and_not_shown() {
        let mut chance = SeededIds::new(1);
        let one = Secret::draw(&mut chance);
        let other = Secret::draw(&mut chance);
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 43);
        assert!(one.hash().matches(&SecretHash::of(one.expose())), "the same secret");
        assert!(!one.hash().matches(&other.hash()), "another secret");
        assert_eq!(format!("{one:?} {:?}", one.hash()), "Secret(…) SecretHash(…)");
    }

    #[test]
    fn halves_keep_the_order() {
        let bytes: [u8; 32] = core::array::from_fn(|place| u8::try_from(place).unwrap());
        assert_eq!(halves(bytes).concat(), bytes);
    }
}
