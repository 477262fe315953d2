use core::fmt;

use subtle::ConstantTimeEq as _;

use crate::exchange::ExchangeEvent;
use crate::vault::{Place, Sealed, Vault};
use vocabulary::{Amount, CompanyNumber, Day, Id, Timestamp, Token, UnitCode, kind};

/// A gift code as a member uses it. Neither its debug form nor an error ever shows it; only what
/// seals it and what shows it to its member call [`GiftCode::reveal`].
#[derive(Clone)]
pub struct GiftCode(String);

/// A text that is no gift code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a gift code has 8 to 64 letters, digits and hyphens")]
pub struct GiftCodeError;

impl GiftCode {
    /// Reads a code: 8 to 64 ASCII letters, digits and hyphens.
    ///
    /// # Errors
    ///
    /// [`GiftCodeError`] when the text has another shape.
    pub fn parse(text: &str) -> Result<Self, GiftCodeError> {
        let text = text.trim();
        let shape = (8..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if shape { Ok(Self(text.to_owned())) } else { Err(GiftCodeError) }
    }

    /// Gives the code itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Gives what is shown of it in lists.
    pub fn last_four(&self) -> LastFour {
        let last = self.0.len().saturating_sub(4);
        LastFour(self.0.get(last..).unwrap_or("").to_owned())
    }
}

impl PartialEq for GiftCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for GiftCode {}

impl fmt::Debug for GiftCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GiftCode({})", self.last_four())
    }
}

/// The last four characters of a code; its display form has dots before them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LastFour(String);

impl LastFour {
    /// Reads four ASCII letters, digits and hyphens, as stored.
    ///
    /// # Errors
    ///
    /// [`GiftCodeError`] when the text has another shape.
    pub fn parse(text: &str) -> Result<Self, GiftCodeError> {
        let shape = text.len() == 4
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if shape { Ok(Self(text.to_owned())) } else { Err(GiftCodeError) }
    }

    /// Gives the four characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LastFour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "••••{}", self.0)
    }
}

/// The one code of an exchange, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Whose it is.
    pub exchange: Id<kind::Exchange>,
    /// The company whose site gave it.
    pub company: CompanyNumber,
    /// The code.
    pub sealed: Sealed,
    /// What is shown of it in lists.
    pub last_four: LastFour,
    /// The last day on which it can be used; `None` when it has no end.
    pub usable_until: Option<Day>,
    /// When it was given.
    pub issued_at: Timestamp,
}

/// The word for what a pool seals, and the row is the code's own id.
const POOLED: &str = "pooled_code";
/// The word for what an exchange has.
const ISSUED: &str = "gift_code";

impl Issue {
    /// Seals a code for an exchange.
    pub fn seal(
        (exchange, company): (Id<kind::Exchange>, CompanyNumber),
        code: &GiftCode,
        usable_until: Option<Day>,
        vault: &Vault,
        now: Timestamp,
    ) -> Self {
        let place = Place { purpose: ISSUED, row: &exchange.to_bytes() };
        Self {
            exchange,
            company,
            sealed: vault.seal(place, code.reveal().as_bytes()),
            last_four: code.last_four(),
            usable_until,
            issued_at: now,
        }
    }

    /// Opens the code, to be shown to its member; `None` when the seal does not open.
    pub fn open(&self, vault: &Vault) -> Option<GiftCode> {
        let place = Place { purpose: ISSUED, row: &self.exchange.to_bytes() };
        let bytes = vault.open(place, &self.sealed).ok()?;
        GiftCode::parse(core::str::from_utf8(&bytes).ok()?).ok()
    }
}

/// A code of a pool as it is kept: its id is a keyed hash of the code, so that one code is one row
/// whatever list it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockedCode {
    /// Its keyed hash.
    pub id: [u8; 16],
    /// The company that bought it.
    pub company: CompanyNumber,
    /// The pool it is in.
    pub pool: Token,
    /// The list it came in.
    pub import: Id<kind::Report>,
    /// The code.
    pub sealed: Sealed,
    /// What is known of it without the code.
    pub code: PoolCode,
}

impl StockedCode {
    /// Names a code.
    pub fn id_of(code: &GiftCode, vault: &Vault) -> [u8; 16] {
        let [bytes, _rest] = halves(vault.fingerprint(POOLED, &[code.reveal().as_bytes()]));
        bytes
    }

    /// Seals a code for its pool.
    pub fn seal(id: [u8; 16], code: &GiftCode, vault: &Vault) -> Sealed {
        vault.seal(Place { purpose: POOLED, row: &id }, code.reveal().as_bytes())
    }

    /// Opens the code, to be given to an exchange; `None` when the seal does not open.
    pub fn open(&self, vault: &Vault) -> Option<GiftCode> {
        let bytes = vault.open(Place { purpose: POOLED, row: &self.id }, &self.sealed).ok()?;
        GiftCode::parse(core::str::from_utf8(&bytes).ok()?).ok()
    }
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let half = |from: usize| {
        core::array::from_fn(|place| bytes.get(place.saturating_add(from)).copied().unwrap_or(0))
    };
    [half(0), half(16)]
}

/// Where a code of a pool stands. A code never becomes free again: who has seen it, nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    /// Nobody has it.
    Free,
    /// It is an exchange's, whose member has not seen it yet.
    Reserved {
        /// Whose.
        exchange: Id<kind::Exchange>,
    },
    /// The member has it.
    Given {
        /// By which exchange.
        exchange: Id<kind::Exchange>,
    },
    /// Nobody gets it: it ended, was wrong, or its exchange failed.
    Void,
}

impl PoolState {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Reserved { .. } => "reserved",
            Self::Given { .. } => "given",
            Self::Void => "void",
        }
    }

    /// The exchange that has it.
    pub const fn exchange(self) -> Option<Id<kind::Exchange>> {
        match self {
            Self::Free | Self::Void => None,
            Self::Reserved { exchange } | Self::Given { exchange } => Some(exchange),
        }
    }
}

/// A code of a pool, without the code itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolCode {
    /// Its place in the pool, in the order of import.
    pub number: u32,
    /// What it is worth.
    pub value: Amount,
    /// The last day on which it can be used; `None` when it has no end.
    pub usable_until: Option<Day>,
    /// What is shown of it.
    pub last_four: LastFour,
    /// Where it stands.
    pub state: PoolState,
}

/// What happens to a code of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolEvent {
    /// An exchange takes it.
    Reserve(Id<kind::Exchange>),
    /// The exchange's member gets it.
    Give(Id<kind::Exchange>),
    /// It is taken out of use.
    Void,
}

/// Why a code stays as it is, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiftRefusal {
    /// Another exchange has it.
    #[error("this code is another exchange's")]
    Taken,
    /// It was not reserved before.
    #[error("this code is not reserved")]
    NotReserved,
    /// A member has it already.
    #[error("this code is a member's already")]
    Given,
    /// It was taken out of use.
    #[error("this code is not in use any more")]
    Void,
}

impl GiftRefusal {
    /// Gives the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Taken => "code_taken",
            Self::NotReserved => "code_not_reserved",
            Self::Given => "code_given",
            Self::Void => "code_void",
        }
    }
}

/// Decides what an event means for a code: `None` when it is so already.
///
/// # Errors
///
/// The [`GiftRefusal`] that applies.
pub fn plan_code(state: PoolState, event: PoolEvent) -> Result<Option<PoolState>, GiftRefusal> {
    match (state, event) {
        (PoolState::Free, PoolEvent::Reserve(exchange)) => {
            Ok(Some(PoolState::Reserved { exchange }))
        }
        (PoolState::Free, PoolEvent::Give(_)) => Err(GiftRefusal::NotReserved),
        (PoolState::Free | PoolState::Reserved { .. }, PoolEvent::Void) => {
            Ok(Some(PoolState::Void))
        }
        (PoolState::Reserved { exchange }, PoolEvent::Give(to)) if exchange == to => {
            Ok(Some(PoolState::Given { exchange }))
        }
        (PoolState::Reserved { exchange }, PoolEvent::Reserve(by)) if exchange == by => Ok(None),
        (PoolState::Given { exchange }, PoolEvent::Reserve(to) | PoolEvent::Give(to))
            if exchange == to =>
        {
            Ok(None)
        }
        (
            PoolState::Reserved { .. } | PoolState::Given { .. },
            PoolEvent::Reserve(_) | PoolEvent::Give(_),
        ) => Err(GiftRefusal::Taken),
        (PoolState::Given { .. }, PoolEvent::Void) => Err(GiftRefusal::Given),
        (PoolState::Void, PoolEvent::Void) => Ok(None),
        (PoolState::Void, PoolEvent::Reserve(_) | PoolEvent::Give(_)) => Err(GiftRefusal::Void),
    }
}

/// Chooses the code that an exchange gets: the one it has already, else of the free ones of that
/// value that can be used on `usable_on` the one that ends first, and of those the oldest. `None`
/// when the pool has none.
pub fn take(
    pool: &[PoolCode],
    exchange: Id<kind::Exchange>,
    value: Amount,
    usable_on: Day,
) -> Option<&PoolCode> {
    let had = pool.iter().find(|code| code.state.exchange() == Some(exchange));
    let fits = |code: &&PoolCode| {
        code.state == PoolState::Free
            && code.value == value
            && code.usable_until.is_none_or(|last| usable_on <= last)
    };
    let ends = |code: &&PoolCode| (code.usable_until.is_none(), code.usable_until, code.number);
    had.or_else(|| pool.iter().filter(fits).min_by_key(ends))
}

/// The id of a request to a partner: the prefix that the partner gave us, and the exchange's id.
///
/// It follows from the exchange, so that asking again is the same request: there is no second one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// The most characters that partners take.
    pub const MAX: usize = 40;

    /// Gives the id of an exchange's request; `None` when the prefix is longer than 14 characters
    /// or has others than letters and digits.
    pub fn of(prefix: &str, exchange: Id<kind::Exchange>) -> Option<Self> {
        let exchange = exchange.to_string();
        let (_kind, bits) = exchange.split_once('_')?;
        let text = format!("{prefix}{bits}");
        let shape = text.len() <= Self::MAX && prefix.bytes().all(|b| b.is_ascii_alphanumeric());
        shape.then_some(Self(text))
    }

    /// Finds the exchange of an id; `None` when it has another prefix or is no such id.
    pub fn exchange(text: &str, prefix: &str) -> Option<Id<kind::Exchange>> {
        let id = Id::parse(&format!("exc_{}", text.strip_prefix(prefix)?)).ok()?;
        // One exchange has one id: another spelling of it is somebody else's.
        Self::of(prefix, id).filter(|own| own.as_str() == text).map(|_own| id)
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a partner is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftRequest {
    /// The one id of the request; the same id has the same contents.
    pub id: RequestId,
    /// The partner's product.
    pub product: Token,
    /// What the code is to be worth.
    pub value: Amount,
    /// In which unit.
    pub unit: UnitCode,
}

/// What a partner answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiftAnswer {
    /// Here is the code; the same one for the same id.
    Issued(GiftCode),
    /// There is none, and there will be none for this id.
    Refused,
    /// Ask again, with the same id.
    Again,
}

impl GiftAnswer {
    /// Says what an answer means for the exchange. No answer at all is [`GiftAnswer::Again`].
    pub const fn event(&self) -> ExchangeEvent {
        match self {
            Self::Issued(_) => ExchangeEvent::Arrive,
            Self::Refused => ExchangeEvent::Fail,
            Self::Again => ExchangeEvent::LoseSight,
        }
    }
}
