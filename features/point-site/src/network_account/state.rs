use core::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac as _};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::config::{Network, PathSecret, Trust};
use crate::network::Adapter;
use vocabulary::{CompanyNumber, Currency, Timestamp, Token, Zone};

/// What the secrets in the networks' addresses follow from, and what seals credentials; all nodes
/// have the same one. Never shown by `Debug`.
///
/// Whoever loses it gives every network another address and enters the credentials again.
#[derive(Clone)]
pub struct NetworkKey([u8; 32]);

impl NetworkKey {
    /// Takes 32 bytes nobody can guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the secret part of an account's address in some generation: always the same, and
    /// stored nowhere. 32 hexadecimal digits.
    pub fn path_secret(
        &self,
        company: CompanyNumber,
        account: &NetworkAccountKey,
        generation: u32,
    ) -> String {
        let mut mac = self.mac(b"daifuku network address\0", company, account);
        mac.update(&generation.to_be_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
    }

    /// Seals credentials for one account; those of another account do not open there.
    pub fn seal(
        &self,
        company: CompanyNumber,
        account: &NetworkAccountKey,
        credentials: &Credentials,
        chance: u128,
    ) -> Sealed {
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&chance.to_be_bytes()[16 - NONCE_LEN..]);
        let mut text = format!("{}\n{}", credentials.key, credentials.secret).into_bytes();
        let sealed = self.cipher(company, account).and_then(|cipher| {
            let unique = Nonce::assume_unique_for_key(nonce);
            cipher.seal_in_place_append_tag(unique, Aad::empty(), &mut text).ok()
        });
        debug_assert!(sealed.is_some(), "texts of a few bytes can be sealed");
        Sealed([nonce.as_slice(), &text].concat())
    }

    /// Opens credentials; `None` when they were sealed by another key or for another account.
    pub fn open(
        &self,
        company: CompanyNumber,
        account: &NetworkAccountKey,
        sealed: &Sealed,
    ) -> Option<Credentials> {
        let (nonce, rest) = sealed.0.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = rest.to_vec();
        let cipher = self.cipher(company, account)?;
        let text = cipher.open_in_place(nonce, Aad::empty(), &mut text).ok()?;
        let (key, secret) = core::str::from_utf8(text).ok()?.split_once('\n')?;
        Some(Credentials { key: key.to_owned(), secret: secret.to_owned() })
    }

    /// A cipher whose key is the account's own.
    fn cipher(&self, company: CompanyNumber, account: &NetworkAccountKey) -> Option<LessSafeKey> {
        let mac = self.mac(b"daifuku network credentials\0", company, account);
        let bytes = mac.finalize().into_bytes();
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?))
    }

    fn mac(
        &self,
        purpose: &[u8],
        company: CompanyNumber,
        account: &NetworkAccountKey,
    ) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        mac.update(purpose);
        mac.update(&company.get().to_be_bytes());
        for part in [account.network.as_str(), account.account.as_str()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(…)")
    }
}

/// What a network is asked with. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What names the key: a client id, an account; empty where a network has none.
    pub key: String,
    /// What proves that it is we: a token, a password.
    pub secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Credentials as they are stored: AES-256-GCM, the nonce before them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub(crate) Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// Names an account: the network as in addresses, and our account there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkAccountKey {
    /// The network, as in addresses: `awin`.
    pub network: Token,
    /// Our account there: `main`.
    pub account: Token,
}

impl fmt::Display for NetworkAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network.as_str(), self.account.as_str())
    }
}

/// What the staff decides about an account, and may change at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkTerms {
    /// What its postbacks are believed.
    pub trust: Trust,
    /// The zone of times that the network writes without an offset.
    pub zone: Zone,
    /// The currency of its programmes.
    pub currency: Currency,
    /// Whether it is asked for pages. What it sends is taken in any case.
    pub pulling: bool,
    /// Where it is asked, without the path that its adapter knows: `https://api.awin.com`.
    pub base: String,
    /// Our number there, as its addresses want it: a publisher, a company, a programme.
    pub identifier: String,
    /// How many days back are asked for again every day, 1 to 400: late changes are seen so.
    pub look_back_days: u16,
}

impl NetworkTerms {
    /// The longest that a look back reaches, in days.
    pub const LOOK_BACK_DAYS_MAX: u16 = 400;
    /// The most characters of `identifier`.
    pub const IDENTIFIER_MAX: usize = 120;

    /// Gives what fits most accounts of an adapter; nothing is asked for yet.
    pub fn usual(adapter: Adapter) -> Self {
        let (zone, currency, base, look_back_days) = match adapter {
            Adapter::AccessTrade | Adapter::Affilicode => (Zone::JAPAN, Currency::JPY, "", 35),
            Adapter::Tune | Adapter::Affise => (Zone::UTC, Currency::USD, "", 35),
            Adapter::Awin => (Zone::UTC, Currency::JPY, "https://api.awin.com", 100),
            Adapter::Impact => (Zone::UTC, Currency::USD, "https://api.impact.com", 100),
            Adapter::Cj => (Zone::PACIFIC, Currency::USD, "https://commissions.api.cj.com", 100),
            Adapter::Rakuten => (Zone::UTC, Currency::USD, "https://api.linksynergy.com", 14),
            Adapter::ValueCommerce => {
                (Zone::JAPAN, Currency::JPY, "https://api.valuecommerce.com", 35)
            }
            // The address is part of the contract.
            Adapter::A8 => (Zone::JAPAN, Currency::JPY, "", 91),
        };
        Self {
            trust: Trust::Reports,
            zone,
            currency,
            pulling: false,
            base: base.to_owned(),
            identifier: String::new(),
            look_back_days,
        }
    }
}

/// An account with a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAccount {
    /// Which.
    pub key: NetworkAccountKey,
    /// The company whose account it is.
    pub company: CompanyNumber,
    /// How its messages and pages are read; never changes.
    pub adapter: Adapter,
    /// What may change.
    pub terms: NetworkTerms,
    /// What it is asked with.
    pub credentials: Option<Sealed>,
    /// Grows with every rotation of the secret in its address.
    pub generation: u32,
    /// Until when the secret before is taken as well.
    pub former_until: Option<Timestamp>,
    /// Grows with every change.
    pub version: u32,
}

impl NetworkAccount {
    /// Gives the secret part of its address.
    pub fn path_secret(&self, key: &NetworkKey) -> String {
        key.path_secret(self.company, &self.key, self.generation)
    }

    /// Gives the path of its address.
    pub fn path(&self, key: &NetworkKey) -> String {
        format!("/in/v1/{}/{}/cv", self.key.network.as_str(), self.path_secret(key))
    }

    /// Makes what messages are read with.
    pub fn network(&self, key: &NetworkKey) -> Network {
        let mut secrets = vec![PathSecret::new(&self.path_secret(key), None)];
        if let (Some(until), Some(former)) = (self.former_until, self.generation.checked_sub(1)) {
            let secret = key.path_secret(self.company, &self.key, former);
            secrets.push(PathSecret::new(&secret, Some(until)));
        }
        Network {
            code: self.key.network.clone(),
            account: self.key.account.clone(),
            secrets,
            trust: self.terms.trust,
            zone: self.terms.zone,
            adapter: self.adapter,
            currency: self.terms.currency,
        }
    }
}

impl Trust {
    /// Both, in the order of the form.
    pub const ALL: [Self; 2] = [Self::Reports, Self::Postbacks];

    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Postbacks => "postbacks",
        }
    }

    /// Finds a trust by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trust| trust.code() == code)
    }
}

/// The zones that networks write in, with their stable words.
pub(crate) const ZONES: [(&str, Zone); 3] =
    [("japan", Zone::JAPAN), ("utc", Zone::UTC), ("pacific", Zone::PACIFIC)];

/// Gives a zone's stable word.
pub(crate) fn zone_code(zone: Zone) -> &'static str {
    ZONES.iter().find(|(_, known)| *known == zone).map_or("utc", |(code, _)| code)
}

/// Finds a zone by its word.
pub(crate) fn parse_zone(code: &str) -> Option<Zone> {
    ZONES.iter().find(|(known, _)| *known == code).map(|(_, zone)| *zone)
}
