//! Who acts, for the tests of other crates. Compiled for our own tests and with the feature
//! `testing`, never into the product.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use sha2::{Digest as _, Sha256};

use crate::{
    RelyingParty,
    actor::Subject,
    authorized::Authenticated,
    policy::{Need, Role},
};
use ledger::ActorNumber;
use vocabulary::{CompanyNumber, Id, kind};

/// A person of a company's staff.
pub fn staff(number: u32, company: CompanyNumber, role: Role) -> Authenticated {
    let subject = Subject::Staff(Id::from_bits(u128::from(number)));
    Authenticated::person(ActorNumber::new(company, number), company, subject, role)
}

/// A member of a company.
pub fn member(number: u32, company: CompanyNumber, id: Id<kind::Member>) -> Authenticated {
    Authenticated::person(
        ActorNumber::new(company, number),
        company,
        Subject::Member(id),
        Role::Member,
    )
}

/// A company's API key.
pub fn api_key(number: u32, company: CompanyNumber, needs: &[Need]) -> Authenticated {
    let needs = needs.iter().copied().collect();
    let id = Id::from_bits(u128::from(number));
    Authenticated::key(ActorNumber::new(company, number), company, id, needs)
}

/// A device that makes passkeys and signs with them, as a phone does: for tests.
#[derive(Debug)]
pub struct SoftDevice {
    /// What it says of itself: touched, and sure of its owner.
    pub flags: u8,
    party: RelyingParty,
    pair: EcdsaKeyPair,
    credential: Vec<u8>,
    counter: u32,
}

/// What a device sends when it made a key.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// What the browser says.
    pub client_data: Vec<u8>,
    /// What the device says.
    pub attestation: Vec<u8>,
}

/// What a device sends to sign in.
#[derive(Clone, Debug)]
pub struct SignedChallenge {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// What the browser says.
    pub client_data: Vec<u8>,
    /// What the device says.
    pub authenticator_data: Vec<u8>,
    /// The signature over both.
    pub signature: Vec<u8>,
}

impl SoftDevice {
    /// Makes a device with a fresh key for one site.
    ///
    /// # Panics
    ///
    /// When the system gives no chance.
    #[expect(clippy::expect_used, reason = "a test must stop here")]
    pub fn new(party: RelyingParty) -> Self {
        let chance = SystemRandom::new();
        let form = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &chance);
        let form = form.expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, form.as_ref(), &chance);
        let pair = pair.expect("the same key");
        let credential = pair.public_key().as_ref().iter().skip(1).take(24).copied().collect();
        Self { flags: 0x05, party, pair, credential, counter: 0 }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let origin = &self.party.origin;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","x":1}}"#)
            .into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let hash: [u8; 32] = Sha256::digest(&self.party.id).into();
        [&hash[..], &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// Makes the key known: the device's part of adding a passkey.
    pub fn create(&mut self, challenge: &str) -> MadeKey {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (point.get(1..33).unwrap_or_default(), point.get(33..).unwrap_or_default());
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let key = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
            x,
            &[0x22, 0x58, 0x20],
            y,
        ]
        .concat();
        let said = [&self.data(self.flags | 0x40)[..], &[0; 16], &[0, 24], &self.credential, &key]
            .concat();
        let length = u8::try_from(said.len()).unwrap_or(u8::MAX);
        // {"fmt": "none", "attStmt": {}, "authData": said}
        let attestation =
            [b"\xa3cfmtdnonegattStmt\xa0hauthData\x58".as_slice(), &[length], &said].concat();
        MadeKey {
            credential: self.credential.clone(),
            client_data: self.client_data("webauthn.create", challenge),
            attestation,
        }
    }

    /// Signs a challenge: the device's part of signing in.
    ///
    /// # Panics
    ///
    /// When the system gives no chance.
    #[expect(clippy::expect_used, reason = "a test must stop here")]
    pub fn sign(&mut self, challenge: &str) -> SignedChallenge {
        self.counter = self.counter.saturating_add(1);
        let client_data = self.client_data("webauthn.get", challenge);
        let authenticator_data = self.data(self.flags);
        let hash: [u8; 32] = Sha256::digest(&client_data).into();
        let signed = [&authenticator_data[..], &hash].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).expect("a signature");
        let signature = signature.as_ref().to_vec();
        let credential = self.credential.clone();
        SignedChallenge { credential, client_data, authenticator_data, signature }
    }
}
