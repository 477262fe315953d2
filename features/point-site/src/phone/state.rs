use crate::step_up::{CODE_MINUTES, Challenge};
use crate::vault::{Place, Sealed, Vault};
use store::natural_id;
use vocabulary::{CompanyNumber, Id, Label, Timestamp, kind};

/// The word for what is sealed.
const PURPOSE: &str = "phone";
const SMS_PURPOSE: &str = "sms";

/// How many codes are sent for one member, and to one number, in a day.
pub const SENDS_A_DAY: u32 = 5;
/// How often a message is tried at most.
const TRIES_MAX: u32 = 6;

/// The number of a mobile telephone in Japan: what short messages reach. `Debug` shows no digit.
///
/// Begins with 060, 070, 080 or 090 and has eleven digits (電気通信番号計画, 令和元年総務省告示第6号).
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl core::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// Why a text is no number that a code can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// There are other characters than digits, or too few or too many of them.
    #[error("must be the eleven digits of a mobile telephone")]
    Shape,
    /// It is no mobile telephone's: no short message arrives there.
    #[error("must begin with 060, 070, 080 or 090")]
    NotMobile,
    /// It is one of another country.
    #[error("must be a number in Japan")]
    Foreign,
}

impl PhoneNumber {
    /// Reads what people type: digits of either width, with hyphens, brackets and blanks, as in the
    /// country or with +81.
    ///
    /// # Errors
    ///
    /// [`PhoneError`].
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let typed: String = text
            .chars()
            .filter(|mark| !mark.is_whitespace() && !"-－ー‐‑–—−()（）.".contains(*mark))
            .map(|character| match character {
                '＋' => '+',
                '０'..='９' => u32::from(character)
                    .checked_sub(u32::from('０'))
                    .and_then(|digit| char::from_digit(digit, 10))
                    .unwrap_or(character),
                other => other,
            })
            .collect();
        let digits = match (typed.strip_prefix("+81"), typed.starts_with('+')) {
            (Some(rest), _) if rest.starts_with('0') => rest.to_owned(),
            (Some(rest), _) => format!("0{rest}"),
            (None, true) => return Err(PhoneError::Foreign),
            (None, false) => typed,
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneError::Shape);
        }
        let mobile = ["060", "070", "080", "090"].iter().any(|start| digits.starts_with(start));
        match (mobile, digits.len()) {
            (true, 11) => Ok(Self(digits)),
            (true, _) => Err(PhoneError::Shape),
            (false, _) => Err(PhoneError::NotMobile),
        }
    }

    /// Gives it as telephone networks of all countries take it (E.164): `+819012345678`.
    pub fn e164(&self) -> String {
        format!("+81{}", self.0.get(1..).unwrap_or(""))
    }

    /// Gives what may be shown: the first three digits and the last four.
    pub fn masked(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or("");
        format!("{}-••••-{}", part(0..3), part(7..11))
    }
}

/// A number as it is kept: sealed, masked, and named so that the same is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNumber {
    /// The number itself.
    pub sealed: Sealed,
    /// What may be shown of it.
    pub shown: Label,
    /// The same number has the same, whoever names it.
    pub fingerprint: [u8; 32],
}

impl KeptNumber {
    /// Seals a number for a member; `None` when what is shown is no label, which cannot be.
    pub fn seal(number: &PhoneNumber, member: Id<kind::Member>, vault: &Vault) -> Option<Self> {
        let text = number.e164();
        Some(Self {
            sealed: vault.seal(place_of(&member.to_bytes()), text.as_bytes()),
            shown: Label::parse(&number.masked()).ok()?,
            fingerprint: vault.fingerprint(PURPOSE, &[text.as_bytes()]),
        })
    }

    /// Opens it for the same member; `None` when the seal does not open.
    pub fn open(&self, member: Id<kind::Member>, vault: &Vault) -> Option<PhoneNumber> {
        let bytes = vault.open(place_of(&member.to_bytes()), &self.sealed).ok()?;
        PhoneNumber::parse(core::str::from_utf8(&bytes).ok()?).ok()
    }
}

const fn place_of(row: &[u8]) -> Place<'_> {
    Place { purpose: PURPOSE, row }
}

/// The telephone number of a member, who has shown to hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Whose it is.
    pub member: Id<kind::Member>,
    /// The number.
    pub number: KeptNumber,
    /// When the member entered the code.
    pub proved_at: Timestamp,
}

/// A number that a member says is theirs, and the code that was sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneProof {
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Who is to enter the code.
    pub member: Id<kind::Member>,
    /// The number.
    pub number: KeptNumber,
    /// The code.
    pub challenge: Challenge,
}

/// Gives the keyed hash of a code that a member typed; blanks between digits do not matter.
pub fn code_hash(vault: &Vault, member: Id<kind::Member>, typed: &str) -> [u8; 32] {
    let digits: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
    vault.fingerprint("phone_code", &[&member.to_bytes(), digits.as_bytes()])
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsState {
    /// It is to be sent.
    Waiting,
    /// The provider took it.
    Sent,
    /// It was given up.
    Failed,
}

impl SmsState {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Failed].into_iter().find(|state| state.code() == code)
    }
}

/// A short message on its way. What it says is wiped once it went or was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sms {
    /// Which.
    pub id: Id<kind::Sms>,
    /// The company that sends it.
    pub company: CompanyNumber,
    /// The member who asked for it.
    pub member: Id<kind::Member>,
    /// Names the number.
    pub fingerprint: [u8; 32],
    /// The number and the text.
    pub sealed: Sealed,
    /// How it stands.
    pub state: SmsState,
    /// How often it was tried.
    pub tries: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// When the code in it is over, and with it the message.
    pub ends_at: Timestamp,
    /// The provider's code, when it was given up.
    pub note: Option<String>,
}

/// What became of one try to send a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsResult {
    /// The provider took it.
    Taken,
    /// The provider will never take it: its code for why.
    Refused(String),
    /// Nobody knows: it is tried again.
    Again,
}

impl Sms {
    /// Writes a message to a number that is good as long as a code is.
    pub fn write(
        (company, member): (CompanyNumber, Id<kind::Member>),
        number: &PhoneNumber,
        text: &str,
        vault: &Vault,
        now: Timestamp,
    ) -> Self {
        let moment = now.as_microseconds().to_be_bytes();
        let id = natural_id("site.sms", &[&member.to_bytes(), &moment]);
        let to = number.e164();
        let place = Place { purpose: SMS_PURPOSE, row: &id.to_bytes() };
        Self {
            id,
            company,
            member,
            fingerprint: vault.fingerprint(PURPOSE, &[to.as_bytes()]),
            sealed: vault.seal(place, format!("{to}\n{text}").as_bytes()),
            state: SmsState::Waiting,
            tries: 0,
            created_at: now,
            due_at: now,
            ends_at: now.plus_seconds(CODE_MINUTES.saturating_mul(60)),
            note: None,
        }
    }

    /// Gives the number and the text; `None` when they were wiped or the seal does not open.
    pub fn open(&self, vault: &Vault) -> Option<(String, String)> {
        let place = Place { purpose: SMS_PURPOSE, row: &self.id.to_bytes() };
        let bytes = vault.open(place, &self.sealed).ok()?;
        let (to, text) = core::str::from_utf8(&bytes).ok()?.split_once('\n')?;
        Some((to.to_owned(), text.to_owned()))
    }

    /// Takes in what became of a try. After six of them, or when the code is over before the next
    /// one, it is given up.
    #[must_use]
    pub fn tried(mut self, result: SmsResult, now: Timestamp) -> Self {
        if self.state != SmsState::Waiting {
            return self;
        }
        self.tries = self.tries.saturating_add(1);
        let rest = 5_i64.saturating_mul(3_i64.saturating_pow(self.tries.saturating_sub(1)));
        let next = now.plus_seconds(rest);
        (self.state, self.note) = match result {
            SmsResult::Taken => (SmsState::Sent, None),
            SmsResult::Refused(note) => (SmsState::Failed, Some(note)),
            SmsResult::Again if self.tries >= TRIES_MAX || next >= self.ends_at => {
                (SmsState::Failed, Some("no_answer".to_owned()))
            }
            SmsResult::Again => (SmsState::Waiting, None),
        };
        match self.state {
            SmsState::Waiting => self.due_at = next,
            SmsState::Sent | SmsState::Failed => self.sealed.bytes.clear(),
        }
        self
    }
}
