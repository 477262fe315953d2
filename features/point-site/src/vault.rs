//! Seals what must not be read in the database or a backup of it: gift codes, bank accounts, files
//! of payouts. A seal belongs to one place, so that a row's seal opens in no other row.

use core::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Names a key, so that another one can take over while old seals still open; from 1.
pub type KeyNumber = u8;

const NONCE_BYTES: usize = 24;

/// Something sealed, as stored; `Debug` shows no byte of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key it was sealed with.
    pub key: KeyNumber,
    /// The nonce and what is sealed.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(key {}, {} bytes)", self.key, self.bytes.len())
    }
}

/// What a seal is for: a word for the kind of thing, and the id of its row.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The kind of thing, as `gift_code`.
    pub purpose: &'static str,
    /// The row it stands in.
    pub row: &'a [u8],
}

impl Place<'_> {
    fn text(self) -> Vec<u8> {
        let mut text = self.purpose.as_bytes().to_vec();
        text.push(0);
        text.extend_from_slice(self.row);
        text
    }
}

/// A seal that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It was sealed with a key that is not here.
    #[error("key {0} is not here")]
    KeyMissing(KeyNumber),
    /// It was changed, or belongs to another row.
    #[error("the seal is broken")]
    Broken,
}

/// The keys of the installation for what is sealed. `Debug` shows none.
#[derive(Clone)]
pub struct Vault {
    current: KeyNumber,
    keys: Arc<[(KeyNumber, [u8; 32])]>,
    names: [u8; 32],
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key {})", self.current)
    }
}

impl Vault {
    /// Takes the key that seals from now on, the older ones that only open, and the key of
    /// fingerprints, which never changes: what is told apart by them would be taken for new.
    pub fn new(
        (number, key): (KeyNumber, [u8; 32]),
        older: &[(KeyNumber, [u8; 32])],
        names: [u8; 32],
    ) -> Self {
        let keys = core::iter::once((number, key)).chain(older.iter().copied()).collect();
        Self { current: number, keys, names }
    }

    /// Seals for a place. The nonce follows from key, place and contents, so that sealing the same
    /// again gives the same and no chance is needed; two contents never share a nonce.
    pub fn seal(&self, place: Place<'_>, contents: &[u8]) -> Sealed {
        let aad = place.text();
        // The current key is the first of the list, always.
        let key = self.keys.first().map_or([0; 32], |(_, key)| *key);
        let hash = keyed(&key, &[b"nonce", &aad, contents]);
        let nonce: [u8; NONCE_BYTES] = core::array::from_fn(|i| hash.get(i).copied().unwrap_or(0));
        let cipher = XChaCha20Poly1305::new(&key.into());
        let payload = Payload { msg: contents, aad: &aad };
        // Fails for more than 256 GiB, which no column takes.
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        Sealed { key: self.current, bytes: [nonce.as_slice(), &sealed].concat() }
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    ///
    /// [`VaultError`] when the key is gone, or the seal is of another place or changed.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        let key = self.keys.iter().find(|(number, _)| *number == sealed.key);
        let (_, key) = key.ok_or(VaultError::KeyMissing(sealed.key))?;
        let (nonce, contents) =
            sealed.bytes.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::Broken)?;
        let aad = place.text();
        let payload = Payload { msg: contents, aad: &aad };
        let cipher = XChaCha20Poly1305::new(&(*key).into());
        cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_opaque| VaultError::Broken)
    }

    /// Names something secret by a keyed hash: the same is found again, and who has only the hash
    /// cannot try out what it may be.
    pub fn fingerprint(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let all: Vec<&[u8]> =
            core::iter::once(purpose.as_bytes()).chain(parts.iter().copied()).collect();
        keyed(&self.names, &all)
    }
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("32 bytes are a key");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Place<'static> = Place { purpose: "gift_code", row: b"row 1" };

    fn vault() -> Vault {
        Vault::new((1, [7; 32]), &[], [9; 32])
    }

    #[test]
    fn a_seal_opens_in_its_place_and_nowhere_else() {
        let sealed = vault().seal(ROW, b"ABCD-1234");
        assert_eq!(vault().open(ROW, &sealed).unwrap(), b"ABCD-1234");
        let other = Place { row: b"row 2", ..ROW };
        assert_eq!(vault().open(other, &sealed), Err(VaultError::Broken));
        let mut changed = sealed.clone();
        changed.bytes[30] ^= 1;
        assert_eq!(vault().open(ROW, &changed), Err(VaultError::Broken));
        let cut = Sealed { bytes: sealed.bytes[..10].to_vec(), ..sealed.clone() };
        assert_eq!(vault().open(ROW, &cut), Err(VaultError::Broken));
        let shown = format!("{sealed:?} {:?}", vault());
        assert_eq!(shown, "Sealed(key 1, 49 bytes) Vault(key 1)");
        assert!(!sealed.bytes.windows(4).any(|four| four == b"ABCD"), "it can be read");
    }

    #[test]
    fn old_seals_open_after_a_new_key_and_names_stay() {
        let old = vault();
        let new = Vault::new((2, [8; 32]), &[(1, [7; 32])], [9; 32]);
        let sealed = old.seal(ROW, b"x");
        assert_eq!(new.open(ROW, &sealed).unwrap(), b"x");
        assert_eq!(new.seal(ROW, b"x").key, 2);
        assert_eq!(old.open(ROW, &new.seal(ROW, b"x")), Err(VaultError::KeyMissing(2)));
        let name = |vault: &Vault| vault.fingerprint("code", &[b"x"]);
        assert_eq!(name(&old), name(&new));
        assert_ne!(name(&old), old.fingerprint("code", &[b"y"]));
    }
}
