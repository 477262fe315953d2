use crate::kana::BankText;
use crate::vault::{Place, Sealed, Vault};
use crate::zengin::{AccountType, BankAccount, Digits};
use vocabulary::{CompanyNumber, Id, Label, Timestamp, kind};

/// The word for what is sealed.
const PURPOSE: &str = "payee";

/// What a payee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayeeKind {
    /// A bank account.
    Bank,
    /// An account at a partner.
    Partner,
}

impl PayeeKind {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Partner => "partner",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Bank, Self::Partner].into_iter().find(|kind| kind.code() == code)
    }
}

/// Whether a payee can be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayeeState {
    /// It can.
    Active,
    /// The member named another one since.
    Replaced,
    /// A payout to it came back: the member has to name another one.
    Blocked,
}

impl PayeeState {
    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Replaced => "replaced",
            Self::Blocked => "blocked",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Active, Self::Replaced, Self::Blocked].into_iter().find(|state| state.code() == code)
    }
}

/// A bank account in clear: only while it is typed in, paid or checked.
#[derive(Clone, PartialEq, Eq)]
pub struct BankPayee {
    /// The account.
    pub account: BankAccount,
    /// Whose it is, in bank's kana.
    pub name: BankText<30>,
}

impl core::fmt::Debug for BankPayee {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BankPayee(…)")
    }
}

impl BankPayee {
    fn to_text(&self) -> String {
        let BankAccount { bank, branch, account_type, number } = self.account;
        let account_type = char::from(account_type.byte());
        format!("{bank}|{branch}|{account_type}|{number}|{}", self.name.as_str())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '|');
        let mut next = || parts.next();
        let account = BankAccount {
            bank: Digits::parse(next()?).ok()?,
            branch: Digits::parse(next()?).ok()?,
            account_type: AccountType::of(*next()?.as_bytes().first()?)?,
            number: Digits::parse(next()?).ok()?,
        };
        Some(Self { account, name: BankText::parse(next()?).ok()? })
    }

    /// Gives what may be shown: bank, branch, and the last three digits.
    pub fn masked(&self) -> String {
        let number = self.account.number.as_str();
        let last = number.get(4..).unwrap_or("");
        format!("{}-{} ••••{last}", self.account.bank, self.account.branch)
    }
}

/// Where a member has exchanges go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// Which.
    pub id: Id<kind::Payee>,
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Whose it is.
    pub member: Id<kind::Member>,
    /// What it is.
    pub kind: PayeeKind,
    /// What it is exactly.
    pub sealed: Sealed,
    /// What may be shown of it.
    pub shown: Label,
    /// The same account has the same, whoever names it.
    pub fingerprint: [u8; 32],
    /// Whether it can be paid.
    pub state: PayeeState,
    /// When the member named it.
    pub registered_at: Timestamp,
}

impl Payee {
    /// Makes a bank account that a member names; `None` when what is shown is no label, which
    /// cannot be.
    pub fn bank(
        id: Id<kind::Payee>,
        (company, member): (CompanyNumber, Id<kind::Member>),
        bank: &BankPayee,
        vault: &Vault,
        now: Timestamp,
    ) -> Option<Self> {
        let text = bank.to_text();
        let place = Place { purpose: PURPOSE, row: &id.to_bytes() };
        Some(Self {
            id,
            company,
            member,
            kind: PayeeKind::Bank,
            sealed: vault.seal(place, text.as_bytes()),
            shown: Label::parse(&bank.masked()).ok()?,
            fingerprint: vault.fingerprint(PURPOSE, &[text.as_bytes()]),
            state: PayeeState::Active,
            registered_at: now,
        })
    }

    /// Opens a bank account; `None` when the seal does not open or holds none.
    pub fn open_bank(&self, vault: &Vault) -> Option<BankPayee> {
        let place = Place { purpose: PURPOSE, row: &self.id.to_bytes() };
        let bytes = vault.open(place, &self.sealed).ok()?;
        BankPayee::parse(core::str::from_utf8(&bytes).ok()?)
    }
}
