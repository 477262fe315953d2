use std::collections::BTreeMap;

use super::state::{Payment, PaymentReceipt};
use super::store::{load, save};
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, CaptureRule, NormalSide, Refusal,
    Refused, Remaining, Step, UnitNumber, Wanted,
};
use store::{Command, Fault, Posting, Recall, Tx, natural_id};
use vocabulary::{AccountRole, Amount, CompanyNumber, Id, Label, kind};

/// Days after which the clock gives a reserved amount back; what card networks allow for most
/// shops.
const HOLD_DAYS: i64 = 7;

/// Reserves a member's points for a company's till.
///
/// The caller chooses the hold's id: the same again with the same contents answers alike and
/// reserves once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceHold {
    /// Who asks.
    pub actor: ActorNumber,
    /// The company of the till.
    pub company: CompanyNumber,
    /// The id.
    pub hold: Id<kind::Hold>,
    /// Who pays.
    pub member: Id<kind::Member>,
    /// In which unit.
    pub unit: UnitNumber,
    /// How much, minor units.
    pub amount: Amount,
    /// The shop as the passbook is to name it.
    pub shop: Label,
}

/// Posts what a hold reserved, in part or in full, and releases the rest. Once: a repeat with the
/// same amount answers alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureHold {
    /// Who asks.
    pub actor: ActorNumber,
    /// The company of the till.
    pub company: CompanyNumber,
    /// Which.
    pub hold: Id<kind::Hold>,
    /// How much; `None` for all.
    pub amount: Option<Amount>,
}

/// Gives a reserved amount back. A repeat answers alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoidHold {
    /// Who asks.
    pub actor: ActorNumber,
    /// The company of the till.
    pub company: CompanyNumber,
    /// Which.
    pub hold: Id<kind::Hold>,
}

/// Why a payment goes no further, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentRefusal {
    /// There is no such hold of this company.
    #[error("there is no such payment")]
    NotFound,
    /// The id of the hold was used with other contents.
    #[error("the id was used before")]
    IdReused,
    /// The member has no account in this unit at this company.
    #[error("there is no such member")]
    MemberNotFound,
    /// The company is not on the books, or its takings are another account.
    #[error("the company cannot take points")]
    TakingsMissing,
    /// The ledger says no.
    #[error("the ledger refuses: {0}")]
    Ledger(Refusal),
}

/// What the three commands decide on.
#[derive(Debug, Default)]
pub struct PaymentFacts {
    pub(super) payments: BTreeMap<Id<kind::Hold>, Payment>,
    pub(super) companies: BTreeMap<CompanyNumber, Id<kind::Company>>,
    pub(super) added: Vec<Payment>,
}

impl PaymentFacts {
    /// Finds a company's own payment; another's is as good as none.
    fn own(
        &self,
        company: CompanyNumber,
        hold: Id<kind::Hold>,
    ) -> Result<&Payment, PaymentRefusal> {
        let found = self.payments.get(&hold).filter(|payment| payment.company == company);
        found.ok_or(PaymentRefusal::NotFound)
    }
}

fn place_batch(hold: Id<kind::Hold>) -> Id<kind::Batch> {
    natural_id("wallet.payment.place", &[&hold.to_bytes()])
}

fn capture_batch(hold: Id<kind::Hold>) -> Id<kind::Batch> {
    natural_id("wallet.payment.capture", &[&hold.to_bytes()])
}

fn void_batch(hold: Id<kind::Hold>) -> Id<kind::Batch> {
    natural_id("wallet.payment.void", &[&hold.to_bytes()])
}

/// Posts one step about a hold and reads off where it stands then.
fn post(
    posting: &mut Posting<'_>,
    batch: &Batch,
    hold: Id<kind::Hold>,
) -> Result<PaymentReceipt, PaymentRefusal> {
    let refused = |refused: Refused| PaymentRefusal::Ledger(refused.refusal);
    let receipt = posting.post(batch).map_err(refused)?;
    let found = posting.book().hold(hold).ok_or(PaymentRefusal::NotFound)?;
    Ok(PaymentReceipt::of(hold, found, receipt.repeated))
}

impl PlaceHold {
    /// Gives the row of the first time, or the one that is to be.
    fn payment(
        &self,
        facts: &PaymentFacts,
        posting: &Posting<'_>,
    ) -> Result<Payment, PaymentRefusal> {
        let now = posting.now();
        let asked = Payment {
            hold: self.hold,
            company: self.company,
            member: self.member,
            unit: self.unit,
            amount: self.amount,
            shop: self.shop.clone(),
            placed_at: now,
            expires_at: now.plus_days(HOLD_DAYS),
        };
        let Some(known) = facts.payments.get(&self.hold) else { return Ok(asked) };
        let (placed_at, expires_at) = (known.placed_at, known.expires_at);
        let again = Payment { placed_at, expires_at, ..asked };
        if again == *known { Ok(again) } else { Err(PaymentRefusal::IdReused) }
    }

    fn payer(&self, posting: &Posting<'_>) -> Result<AccountNumber, PaymentRefusal> {
        let book = posting.book();
        let id = Id::of(self.member, self.unit.get(), AccountRole::Member);
        let number = book.find_account(id).ok_or(PaymentRefusal::MemberNotFound)?;
        let own = book.account(number).filter(|found| found.spec().company == self.company);
        own.map(|_| number).ok_or(PaymentRefusal::MemberNotFound)
    }

    fn takings(
        &self,
        facts: &PaymentFacts,
        posting: &mut Posting<'_>,
    ) -> Result<AccountNumber, PaymentRefusal> {
        let company = facts.companies.get(&self.company).ok_or(PaymentRefusal::TakingsMissing)?;
        let id = Id::of(*company, self.unit.get(), AccountRole::Takings);
        if let Some(number) = posting.book().find_account(id) {
            return Ok(number);
        }
        let spec = AccountSpec {
            id,
            unit: self.unit,
            company: self.company,
            side: NormalSide::Credit,
            rule: BalanceRule::Unlimited,
            lots: false,
        };
        posting.open_account(spec).map_err(|_differs| PaymentRefusal::TakingsMissing)
    }
}

impl Command for PlaceHold {
    type Facts = PaymentFacts;
    type Receipt = PaymentReceipt;
    type Refusal = PaymentRefusal;

    const NAME: &'static str = "place hold";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PaymentFacts, Fault> {
        load(slice.iter().map(|command| command.hold), tx)
    }

    fn recall(&self, _: &PaymentFacts, recall: &mut Recall) {
        recall.batch(self.actor.company(), place_batch(self.hold));
        recall.hold(self.hold);
    }

    fn decide(
        &self,
        facts: &mut PaymentFacts,
        posting: &mut Posting<'_>,
    ) -> Result<PaymentReceipt, PaymentRefusal> {
        let payment = self.payment(facts, posting)?;
        let debit = self.payer(posting)?;
        let credit = self.takings(facts, posting)?;
        let step = Step::Hold {
            id: self.hold,
            debit,
            credit,
            amount: Wanted::Exactly(self.amount),
            expires_at: payment.expires_at,
            code: 0,
        };
        let batch = Batch::single(place_batch(self.hold), self.actor, step);
        let receipt = post(posting, &batch, self.hold)?;
        if facts.payments.insert(self.hold, payment.clone()).is_none() {
            facts.added.push(payment);
        }
        Ok(receipt)
    }

    fn save(facts: PaymentFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save(&facts, tx)
    }
}

impl Command for CaptureHold {
    type Facts = PaymentFacts;
    type Receipt = PaymentReceipt;
    type Refusal = PaymentRefusal;

    const NAME: &'static str = "capture hold";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PaymentFacts, Fault> {
        load(slice.iter().map(|command| command.hold), tx)
    }

    fn recall(&self, _: &PaymentFacts, recall: &mut Recall) {
        recall.batch(self.actor.company(), capture_batch(self.hold));
        recall.hold(self.hold);
    }

    fn decide(
        &self,
        facts: &mut PaymentFacts,
        posting: &mut Posting<'_>,
    ) -> Result<PaymentReceipt, PaymentRefusal> {
        facts.own(self.company, self.hold)?;
        let step = Step::Capture {
            hold: self.hold,
            amount: self.amount,
            rule: CaptureRule::WithinHold,
            remaining: Remaining::Release,
            code: 0,
        };
        let batch = Batch::single(capture_batch(self.hold), self.actor, step);
        post(posting, &batch, self.hold)
    }

    fn save(_: PaymentFacts, _: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

impl Command for VoidHold {
    type Facts = PaymentFacts;
    type Receipt = PaymentReceipt;
    type Refusal = PaymentRefusal;

    const NAME: &'static str = "void hold";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PaymentFacts, Fault> {
        load(slice.iter().map(|command| command.hold), tx)
    }

    fn recall(&self, _: &PaymentFacts, recall: &mut Recall) {
        recall.batch(self.actor.company(), void_batch(self.hold));
        recall.hold(self.hold);
    }

    fn decide(
        &self,
        facts: &mut PaymentFacts,
        posting: &mut Posting<'_>,
    ) -> Result<PaymentReceipt, PaymentRefusal> {
        facts.own(self.company, self.hold)?;
        let step = Step::Void { hold: self.hold, amount: None };
        let batch = Batch::single(void_batch(self.hold), self.actor, step);
        post(posting, &batch, self.hold)
    }

    fn save(_: PaymentFacts, _: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
