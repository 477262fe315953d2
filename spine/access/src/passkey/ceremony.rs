//! What a device sends, checked: pure functions over bytes, in the order of the standard
//! (<https://www.w3.org/TR/webauthn-2/#sctn-rp-operations>).

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    cbor::Value,
    state::{Passkey, PasskeyRefusal},
};

/// The device was touched.
const PRESENT: u8 = 0x01;
/// The device knows who holds it.
const VERIFIED: u8 = 0x04;
/// A new key follows.
const HAS_KEY: u8 = 0x40;

/// COSE's numbers of the three algorithms that we ask for.
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The site for which keys are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// The host: `points.example.jp`.
    pub id: String,
    /// What browsers call the origin: `https://points.example.jp`.
    pub origin: String,
}

impl RelyingParty {
    /// Takes the address of the members' site.
    pub fn of(address: &str) -> Self {
        let host = address.split_once("://").map_or(address, |(_, host)| host);
        let id = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        Self { id: id.to_owned(), origin: address.to_owned() }
    }
}

/// What the browser says of a ceremony; more fields may follow.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

fn check_client(
    bytes: &[u8],
    kind: &str,
    party: &RelyingParty,
    challenge: &str,
) -> Result<(), PasskeyRefusal> {
    let said: ClientData =
        serde_json::from_slice(bytes).map_err(|_ignored| PasskeyRefusal::Wrong)?;
    let fits = said.kind == kind
        && said.challenge == challenge
        && said.origin == party.origin
        && !said.cross_origin;
    if fits { Ok(()) } else { Err(PasskeyRefusal::Wrong) }
}

/// What a device says of itself.
struct AuthenticatorData<'a> {
    flags: u8,
    counter: u32,
    rest: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    fn read(bytes: &'a [u8], party: &RelyingParty) -> Result<Self, PasskeyRefusal> {
        let read = || {
            let (hash, rest) = bytes.split_at_checked(32)?;
            let (&flags, rest) = rest.split_first()?;
            let (counter, rest) = rest.split_first_chunk::<4>()?;
            Some((hash, Self { flags, counter: u32::from_be_bytes(*counter), rest }))
        };
        let (hash, said) = read().ok_or(PasskeyRefusal::Wrong)?;
        let ours: [u8; 32] = Sha256::digest(&party.id).into();
        let known = PRESENT | VERIFIED;
        if hash != ours || said.flags & known != known {
            return Err(PasskeyRefusal::Wrong);
        }
        Ok(said)
    }
}

/// A key that a device just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    pub(super) credential: Vec<u8>,
    pub(super) algorithm: i64,
    pub(super) public_key: Vec<u8>,
    pub(super) counter: u32,
}

impl NewPasskey {
    /// Checks what a device sent to add a key, for a challenge as it was sent, in base64url.
    ///
    /// # Errors
    ///
    /// [`PasskeyRefusal::Wrong`] when anything does not fit.
    pub fn verify(
        party: &RelyingParty,
        challenge: &str,
        client_data: &[u8],
        attestation: &[u8],
    ) -> Result<Self, PasskeyRefusal> {
        check_client(client_data, "webauthn.create", party, challenge)?;
        let (object, _nothing) = Value::read(attestation).ok_or(PasskeyRefusal::Wrong)?;
        let said = object.get(&Value::Text("authData")).and_then(Value::bytes);
        let said = AuthenticatorData::read(said.ok_or(PasskeyRefusal::Wrong)?, party)?;
        if said.flags & HAS_KEY == 0 {
            return Err(PasskeyRefusal::Wrong);
        }
        let read = || {
            let (_maker, rest) = said.rest.split_at_checked(16)?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (credential, rest) = rest.split_at_checked(length)?;
            let (key, _extensions) = Value::read(rest)?;
            let (algorithm, public_key) = public_key(&key)?;
            (1..=1_023).contains(&length).then(|| Self {
                credential: credential.to_vec(),
                algorithm,
                public_key,
                counter: said.counter,
            })
        };
        read().ok_or(PasskeyRefusal::Wrong)
    }
}

/// Reads a COSE key (RFC 9053) into the form that the signature's check takes.
fn public_key(key: &Value<'_>) -> Option<(i64, Vec<u8>)> {
    let number = |label| key.get(&Value::Number(label)).and_then(Value::number);
    let bytes = |label| key.get(&Value::Number(label)).and_then(Value::bytes);
    let algorithm = number(3)?;
    let form = match (number(1)?, algorithm) {
        (2, ES256) if number(-1) == Some(1) => {
            let (x, y) = (bytes(-2)?, bytes(-3)?);
            (x.len() == 32 && y.len() == 32).then(|| [&[0x04], x, y].concat())?
        }
        (1, EDDSA) if number(-1) == Some(6) => {
            bytes(-2).filter(|x| x.len() == 32).map(<[u8]>::to_vec)?
        }
        (3, RS256) => {
            let (n, e) = (bytes(-1)?, bytes(-2)?);
            let length = u8::try_from(e.len()).ok().filter(|length| (1..=8).contains(length))?;
            ((256..=1_024).contains(&n.len())).then(|| [&[length], e, n].concat())?
        }
        _ => return None,
    };
    Some((algorithm, form))
}

impl Passkey {
    /// Checks what a device sent to sign in, and gives its counter.
    ///
    /// # Errors
    ///
    /// [`PasskeyRefusal::Wrong`] when anything does not fit.
    pub fn verify(
        &self,
        party: &RelyingParty,
        challenge: &str,
        client_data: &[u8],
        authenticator_data: &[u8],
        signature: &[u8],
    ) -> Result<u32, PasskeyRefusal> {
        check_client(client_data, "webauthn.get", party, challenge)?;
        let said = AuthenticatorData::read(authenticator_data, party)?;
        let hash: [u8; 32] = Sha256::digest(client_data).into();
        let signed = [authenticator_data, &hash].concat();
        let valid = match self.algorithm {
            ES256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.public_key)
                .verify(&signed, signature)
                .is_ok(),
            EDDSA => UnparsedPublicKey::new(&ED25519, &self.public_key)
                .verify(&signed, signature)
                .is_ok(),
            RS256 => rsa_valid(&self.public_key, &signed, signature).unwrap_or(false),
            _ => false,
        };
        if valid { Ok(said.counter) } else { Err(PasskeyRefusal::Wrong) }
    }
}

fn rsa_valid(key: &[u8], signed: &[u8], signature: &[u8]) -> Option<bool> {
    let (&length, rest) = key.split_first()?;
    let (e, n) = rest.split_at_checked(usize::from(length))?;
    let key = RsaPublicKeyComponents { n, e };
    Some(key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{NewPasskey, Passkey, PasskeyRefusal, RelyingParty};
    use crate::testing::SoftDevice;
    use vocabulary::{Label, Timestamp};

    const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn party() -> RelyingParty {
        RelyingParty::of("https://points.example.jp")
    }

    fn passkey(new: &NewPasskey) -> Passkey {
        let label = Label::parse("電話").unwrap();
        Passkey::new(new, crate::Subject::System, label, Timestamp::default())
    }

    #[test]
    fn the_party_is_the_host_of_the_site() {
        for (address, id) in [
            ("https://points.example.jp", "points.example.jp"),
            ("http://localhost:8080", "localhost"),
        ] {
            assert_eq!(RelyingParty::of(address).id, id);
        }
    }

    #[test]
    fn a_key_that_a_device_made_signs_in_and_nothing_else_does() {
        let mut device = SoftDevice::new(party());
        let made = device.create(CHALLENGE);
        let check = |party: &RelyingParty, challenge: &str| {
            NewPasskey::verify(party, challenge, &made.client_data, &made.attestation)
        };
        let new = check(&party(), CHALLENGE).unwrap();
        let wrong = Err(PasskeyRefusal::Wrong);
        assert_eq!(check(&party(), "another"), wrong);
        assert_eq!(check(&RelyingParty::of("https://evil.example.jp"), CHALLENGE), wrong);
        for cut in 0..made.attestation.len() {
            let part = &made.attestation[..cut];
            let found = NewPasskey::verify(&party(), CHALLENGE, &made.client_data, part);
            assert_eq!(found, wrong, "cut at {cut}");
        }

        let key = passkey(&new);
        let said = device.sign(CHALLENGE);
        let verify = |key: &Passkey, party: &RelyingParty, challenge: &str, data: &[u8]| {
            key.verify(party, challenge, &said.client_data, data, &said.signature)
        };
        assert_eq!(verify(&key, &party(), CHALLENGE, &said.authenticator_data), Ok(1));
        assert_eq!(
            verify(&key, &party(), "another", &said.authenticator_data),
            Err(PasskeyRefusal::Wrong)
        );
        for place in 0..said.authenticator_data.len() {
            let mut altered = said.authenticator_data.clone();
            altered[place] ^= 0x10;
            let found = verify(&key, &party(), CHALLENGE, &altered);
            assert_eq!(found, Err(PasskeyRefusal::Wrong), "byte {place}");
        }
        let mut other = SoftDevice::new(party());
        let made = other.create(CHALLENGE);
        let other =
            NewPasskey::verify(&party(), CHALLENGE, &made.client_data, &made.attestation).unwrap();
        assert_eq!(
            verify(&passkey(&other), &party(), CHALLENGE, &said.authenticator_data),
            Err(PasskeyRefusal::Wrong)
        );
    }

    #[test]
    fn a_device_that_does_not_know_its_owner_is_not_enough() {
        let mut device = SoftDevice::new(party());
        let made = device.create(CHALLENGE);
        let new =
            NewPasskey::verify(&party(), CHALLENGE, &made.client_data, &made.attestation).unwrap();
        device.flags = 0x01;
        let said = device.sign(CHALLENGE);
        let found = passkey(&new).verify(
            &party(),
            CHALLENGE,
            &said.client_data,
            &said.authenticator_data,
            &said.signature,
        );
        assert_eq!(found, Err(PasskeyRefusal::Wrong));
    }
}
