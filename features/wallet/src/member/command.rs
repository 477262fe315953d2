use ledger::{AccountNumber, AccountSpec, BalanceRule, NegativeBy, NormalSide, UnitNumber};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{AccountRole, CompanyNumber, Id, kind};

/// Opens a member's account in a unit. A repeat gives the same account; nothing else is remembered
/// of the member here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenWallet {
    /// The member.
    pub member: Id<kind::Member>,
    /// The company it is a member of.
    pub company: CompanyNumber,
    /// What the account counts.
    pub unit: UnitNumber,
}

/// Why no account is opened, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenWalletRefusal {
    /// There is no such unit.
    #[error("there is no such unit")]
    UnitNotFound,
    /// The member's account is another company's.
    #[error("the member is another company's")]
    MemberElsewhere,
}

/// Tells what a member's account is: value in lots, below zero only by what cannot be refused any
/// more.
pub const fn member_account(
    member: Id<kind::Member>,
    company: CompanyNumber,
    unit: UnitNumber,
) -> AccountSpec {
    AccountSpec {
        id: Id::of(member, unit.get(), AccountRole::Member),
        unit,
        company,
        side: NormalSide::Credit,
        rule: BalanceRule::Negative(NegativeBy { capture: true, reversal: true }),
        lots: true,
    }
}

impl Command for OpenWallet {
    type Facts = ();
    type Receipt = AccountNumber;
    type Refusal = OpenWalletRefusal;

    const NAME: &'static str = "open wallet";

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn decide(
        &self,
        (): &mut (),
        posting: &mut Posting<'_>,
    ) -> Result<AccountNumber, OpenWalletRefusal> {
        posting.book().find_unit(self.unit).ok_or(OpenWalletRefusal::UnitNotFound)?;
        let spec = member_account(self.member, self.company, self.unit);
        // Another feature may have opened it by other rules; it is the member's account all the
        // same.
        if let Some(number) = posting.book().find_account(spec.id) {
            let account = posting.book().account(number);
            return match account.filter(|found| found.spec().company == self.company) {
                Some(_) => Ok(number),
                None => Err(OpenWalletRefusal::MemberElsewhere),
            };
        }
        posting.open_account(spec).map_err(|_taken| OpenWalletRefusal::MemberElsewhere)
    }

    fn save((): (), _: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
