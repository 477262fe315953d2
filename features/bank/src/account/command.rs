use crate::form::Repeated;
use ledger::{AccountNumber, AccountSpec, BalanceRule, NormalSide, Unit};
use store::{Command, Fault, Posting, Tx, registry};
use vocabulary::{CompanyNumber, Id, UnitCode, kind};

/// An account to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedOpening {
    /// Its id.
    pub id: Id<kind::Account>,
    /// The unit it counts.
    pub unit: UnitCode,
    /// The side on which its balance is positive.
    pub side: NormalSide,
    /// How far it may go.
    pub rule: BalanceRule,
    /// Whether its value is kept in lots.
    pub lots: bool,
}

/// Opens accounts of one company; each is opened or refused alone. One that is open already and
/// alike gives its number again.
#[derive(Clone, Debug)]
pub struct OpenAccounts {
    /// The company whose accounts they are.
    pub company: CompanyNumber,
    /// Which.
    pub accounts: Vec<AskedOpening>,
}

/// Why an account is not opened, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningRefusal {
    /// The company issues no such unit.
    UnitNotFound,
    /// The id is taken by another account.
    Differs,
}

/// The units there are.
#[derive(Debug)]
pub struct OpenAccountsFacts(Vec<Unit>);

impl Command for OpenAccounts {
    type Facts = OpenAccountsFacts;
    type Receipt = Vec<Result<(AccountNumber, Repeated), OpeningRefusal>>;
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "open accounts";

    fn load(_slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        registry::units(tx).map(OpenAccountsFacts)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, Self::Refusal> {
        Ok(self.accounts.iter().map(|asked| self.open(asked, facts, posting)).collect())
    }

    fn save(_facts: Self::Facts, _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

impl OpenAccounts {
    fn open(
        &self,
        asked: &AskedOpening,
        facts: &OpenAccountsFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(AccountNumber, Repeated), OpeningRefusal> {
        // Who could open an account without limits in another's unit could make its value.
        let own = |unit: &&Unit| unit.code == asked.unit && unit.issuer == self.company;
        let unit = facts.0.iter().find(own).ok_or(OpeningRefusal::UnitNotFound)?;
        let known = posting.book().find_account(asked.id);
        let opened = posting.open_account(AccountSpec {
            id: asked.id,
            unit: unit.number,
            company: self.company,
            side: asked.side,
            rule: asked.rule,
            lots: asked.lots,
        });
        let number = opened.map_err(|_differs| OpeningRefusal::Differs)?;
        Ok((number, if known.is_some() { Repeated::Yes } else { Repeated::No }))
    }
}
