use core::{fmt, marker::PhantomData, str::FromStr};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// What an id names. The prefix leads its text form.
pub trait Kind: Copy + 'static {
    /// Two to four lower-case letters.
    const PREFIX: &'static str;
}

/// The kinds of things that have ids.
pub mod kind {
    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name {}
            impl super::Kind for $name {
                const PREFIX: &'static str = $prefix;
            }
        )*};
    }

    kinds! {
        /// An account of a book.
        Account "acc";
        /// A batch of ledger steps, and the command that asked for it.
        Batch "bat";
        /// A hold.
        Hold "hold";
        /// An expectation.
        Expectation "exp";
        /// A company of the group.
        Company "com";
        /// A member.
        Member "mem";
        /// A staff person.
        Staff "stf";
        /// An API key.
        ApiKey "key";
        /// A signed-in session.
        Session "ses";
        /// A request through the door.
        Request "req";
        /// An entry of the audit trail.
        Audit "aud";
        /// A shop that a member can go out to.
        Shop "shop";
        /// An offer of an advertiser.
        Offer "off";
        /// A member following an offer.
        Click "clk";
        /// What a network reported.
        Conversion "cv";
        /// What a person decides about a conversion.
        Decision "dec";
        /// An exchange of points for something else.
        Exchange "exc";
        /// Where a member has exchanges go: a bank account, an account at a partner.
        Payee "pye";
        /// Exchanges that are paid together by one file.
        Payout "pyt";
        /// A raw message as it arrived.
        Message "msg";
        /// A file of decisions.
        Report "rep";
        /// Something that a partner and we do not agree on.
        Difference "dif";
        /// A letter to a person.
        Letter "let";
        /// A short message to a telephone.
        Sms "sms";
        /// A public event.
        Event "evt";
        /// A webhook endpoint.
        Endpoint "whe";
        /// A member's word that points are missing.
        Claim "clm";
        /// A campaign.
        Campaign "cmp";
        /// Points that are granted beside a conversion: by a claim, a campaign, a rank, a referral.
        Bonus "bon";
        /// What the rules of a decision point said of something.
        Finding "fnd";
    }
}

/// 128 bits that name one thing of kind `K`; sortable by the time they were made in.
///
/// Its text form is the kind's prefix, `_`, and 26 characters of Crockford's base 32
/// (`mem_01JD3T6Z8M3V5K1W9QXY2ABCDE`). A UUID is read as well, with or without hyphens.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// A text that is no id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix names another kind.
    #[error("this id starts with another prefix than {expected:?}")]
    Prefix {
        /// The prefix of the kind asked for.
        expected: &'static str,
    },
    /// Neither 26 characters of base 32 nor a UUID.
    #[error("an id is its prefix and 26 characters of base 32, or a UUID")]
    Shape,
    /// Zero and all ones are reserved.
    #[error("this id is reserved")]
    Reserved,
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl<K> Id<K> {
    /// Takes 128 bits as they are, from a row or another id.
    pub const fn from_bits(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// Gives the bits.
    pub const fn bits(self) -> u128 {
        self.bits
    }

    /// Gives the 16 bytes, most significant first, as they are stored.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.bits.to_be_bytes()
    }

    /// Takes 16 bytes as they are stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_bits(u128::from_be_bytes(bytes))
    }
}

/// What an account of an owner is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountRole {
    /// What a member has.
    Member,
    /// What points cost a company; where grants come from.
    Cost,
    /// Where expired value goes.
    Breakage,
    /// What a shop or company takes in when points are spent there.
    Takings,
    /// What members owe after a reversal.
    Receivable,
    /// The outside world: banks, gift codes, cash.
    Outside,
    /// What a campaign may still promise.
    Budget,
    /// What a campaign has promised and not granted yet.
    Reserve,
    /// What a company charges for a service.
    Fee,
}

impl Id<kind::Account> {
    /// Gives the id of an owner's account in a unit: it follows from owner, unit and role, so that
    /// nobody has to keep a table of who has which account. The same three always give the same id.
    pub const fn of<K: Copy>(owner: Id<K>, unit: u16, role: AccountRole) -> Self {
        let role: u128 = match role {
            AccountRole::Member => 1,
            AccountRole::Cost => 2,
            AccountRole::Breakage => 3,
            AccountRole::Takings => 4,
            AccountRole::Receivable => 5,
            AccountRole::Outside => 6,
            AccountRole::Budget => 7,
            AccountRole::Reserve => 8,
            AccountRole::Fee => 9,
        };
        let unit_bytes = unit.to_be_bytes();
        let unit = u128::from_be_bytes([
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            unit_bytes[0],
            unit_bytes[1],
        ]);
        // Owners' ids are chance in their lower 80 bits; turned, they meet no id made elsewhere.
        Self::from_bits(owner.bits.rotate_left(61) ^ (unit << 4) ^ role)
    }

    /// Gives whose account it is, of one made by [`Id::of`] for this unit and role; of another
    /// account it is an id of nobody.
    pub const fn owner<K: Copy>(self, unit: u16, role: AccountRole) -> Id<K> {
        let nobody = Id::<K>::from_bits(0);
        let mask = Self::of(nobody, unit, role);
        Id::from_bits((self.bits ^ mask.bits).rotate_right(61))
    }
}

impl<K: Kind> Id<K> {
    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`IdError`] when the prefix is of another kind, the text is neither base 32 nor a UUID, or
    /// the bits are all zeros or all ones.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bits = match text.split_once('_') {
            Some((prefix, rest)) if prefix == K::PREFIX => base32(rest),
            Some(_) => return Err(IdError::Prefix { expected: K::PREFIX }),
            None => uuid(text),
        };
        match bits {
            None => Err(IdError::Shape),
            Some(0 | u128::MAX) => Err(IdError::Reserved),
            Some(bits) => Ok(Self::from_bits(bits)),
        }
    }
}

fn base32(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    let mut bits: u128 = 0;
    for (place, character) in text.bytes().enumerate() {
        let upper = character.to_ascii_uppercase();
        let digit = ALPHABET.iter().position(|&known| known == upper)?;
        if place == 0 && digit > 7 {
            return None;
        }
        bits = (bits << 5) | u128::try_from(digit).ok()?;
    }
    Some(bits)
}

fn uuid(text: &str) -> Option<u128> {
    let shape_is_right = match text.len() {
        32 => text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        36 => text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        }),
        _ => false,
    };
    if !shape_is_right {
        return None;
    }
    text.bytes().filter(|&byte| byte != b'-').try_fold(0_u128, |bits, byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some((bits << 4) | u128::from(digit))
    })
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<K> core::hash::Hash for Id<K> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; 26];
        let mut rest = self.bits;
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        let text = core::str::from_utf8(&text).unwrap_or("");
        write!(f, "{}_{text}", K::PREFIX)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<K>(PhantomData<fn() -> K>);
        impl<K: Kind> de::Visitor<'_> for Text<K> {
            type Value = Id<K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id: {}_ and 26 characters of base 32, or a UUID", K::PREFIX)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<K>, E> {
                Id::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// Where new ids come from. Chance is a parameter: only `daifuku` makes a source of real chance.
pub trait IdSource: Send {
    /// Gives 80 bits nobody can guess, in the lower part.
    fn chance(&mut self) -> u128;

    /// Makes an id that sorts by `now` and is otherwise chance (the layout of a ULID).
    fn next_id<K>(&mut self, now: Timestamp) -> Id<K>
    where
        Self: Sized,
    {
        Id::from_bits(compose(now, self.chance()))
    }
}

fn compose(now: Timestamp, chance: u128) -> u128 {
    let milliseconds = u128::from(now.as_milliseconds().unsigned_abs());
    (milliseconds << 80) | (chance & ((1 << 80) - 1))
}

/// One source that many take from; clone it freely.
#[derive(Clone)]
pub struct SharedIds(Arc<Mutex<Box<dyn IdSource>>>);

impl SharedIds {
    /// Shares a source.
    pub fn new(source: impl IdSource + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(source))))
    }

    fn draw(&self) -> u128 {
        // A panic elsewhere cannot have left the source half changed in a way that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).chance()
    }

    /// Makes an id, as [`IdSource::next_id`].
    pub fn next<K>(&self, now: Timestamp) -> Id<K> {
        Id::from_bits(compose(now, self.draw()))
    }
}

impl fmt::Debug for SharedIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedIds(…)")
    }
}

impl IdSource for SharedIds {
    fn chance(&mut self) -> u128 {
        self.draw()
    }
}

/// A repeatable source for tests, simulations and the demo's seed: the same seed, the same ids.
#[derive(Clone, Debug)]
pub struct SeededIds {
    state: u64,
}

impl SeededIds {
    /// Starts from a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Gives the next 64 bits (`SplitMix64`).
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl IdSource for SeededIds {
    fn chance(&mut self) -> u128 {
        (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_text_form_comes_back(bits in 1..u128::MAX) {
            let id = Id::<kind::Member>::from_bits(bits);
            prop_assert_eq!(Id::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(Id::from_bytes(id.to_bytes()), id);
        }
    }

    #[test]
    fn a_uuid_is_read() {
        let id = Id::<kind::Hold>::parse("0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f").unwrap();
        assert_eq!(id, Id::parse("0192f3a07c1e7b3a9d550a1b2c3d4e5f").unwrap());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let table = [
            ("", IdError::Shape),
            ("acc_", IdError::Shape),
            ("acc_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", IdError::Shape),
            ("acc_0000000000000000000000000U", IdError::Shape),
            ("acc_00000000000000000000000000", IdError::Reserved),
            ("acc_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", IdError::Reserved),
            ("hold_01JD3T6Z8M3V5K1W9QXY2ABCDE", IdError::Prefix { expected: "acc" }),
            ("0192f3a0-7c1e-7b3a-9d550-a1b2c3d4e5f", IdError::Shape),
            ("口座", IdError::Shape),
        ];
        for (text, error) in table {
            assert_eq!(Id::<kind::Account>::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn accounts_of_an_owner_differ_by_unit_and_role() {
        let owner = Id::<kind::Member>::parse("mem_01JD3T6Z8M3V5K1W9QXY2ABCDE").unwrap();
        let roles = [AccountRole::Member, AccountRole::Cost, AccountRole::Outside];
        let mut all: Vec<Id<kind::Account>> =
            (1..300).flat_map(|unit| roles.map(|role| Id::of(owner, unit, role))).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 299 * 3);
    }

    #[test]
    fn ids_sort_by_time() {
        let mut ids = SeededIds::new(1);
        let early: Id<kind::Event> = ids.next_id(Timestamp::from_microseconds(1_000_000));
        let late: Id<kind::Event> = ids.next_id(Timestamp::from_microseconds(1_001_000));
        assert!(early < late, "an id made later sorts later");
    }
}
