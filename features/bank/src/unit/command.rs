use crate::form::Repeated;
use ledger::{
    AccountSpec, BalanceRule, Few, IdleRule, LotLife, NormalSide, SpendOrder, Unit, UnitNumber,
    UnitPolicy,
};
use store::{Command, Fault, Posting, Tx, registry, registry::Company};
use vocabulary::{AccountRole, CompanyNumber, Id, Scale, UnitCode, kind};

/// Puts a unit on the books under the next number and opens the issuer's accounts in it. The same
/// unit again gives the first answer, also when its policy was changed meanwhile.
#[derive(Clone, Debug)]
pub struct OpenUnit {
    /// The company that issues it.
    pub issuer: CompanyNumber,
    /// Its code; unique.
    pub code: UnitCode,
    /// Its decimal places.
    pub scale: Scale,
    /// Its policy, as a change of the usual one.
    pub policy: PolicyChange,
}

/// Changes what may be done with a unit.
#[derive(Clone, Debug)]
pub struct ChangePolicy {
    /// The company that issues it.
    pub issuer: CompanyNumber,
    /// Its code.
    pub code: UnitCode,
    /// What changes.
    pub change: PolicyChange,
}

/// What changes of a policy; `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// In which order a debit takes lots.
    pub spend_order: Option<SpendOrder>,
    /// Whether one lot account may pay another.
    pub transferable: Option<bool>,
    /// Whether a payout may take paid lots.
    pub paid_may_be_paid_out: Option<bool>,
    /// How long lots live that are granted by the rules of the unit.
    pub lot_lives: Option<Few<LotLife>>,
    /// When all free lots expire because their owner does nothing.
    pub idle_rules: Option<Few<IdleRule>>,
}

/// Why a unit is not opened or changed, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitRefusal {
    /// The company is not on the books.
    IssuerUnknown,
    /// There is another unit of this code.
    CodeTaken,
    /// The company issues no unit of this code.
    NotFound,
    /// No number is left.
    Full,
    /// One of its accounts is there with other terms.
    AccountDiffers,
}

/// The companies and units there are, and the units that changed.
#[derive(Debug)]
pub struct UnitFacts {
    companies: Vec<Company>,
    units: Vec<Unit>,
    changed: Vec<UnitNumber>,
}

impl UnitFacts {
    fn load(tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let companies = registry::companies(tx)?;
        Ok(Self { companies, units: registry::units(tx)?, changed: Vec::new() })
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = |unit: &Unit| self.changed.contains(&unit.number);
        let rows: Vec<Unit> = self.units.iter().copied().filter(changed).collect();
        registry::save_units(tx, &rows)
    }

    fn note(&mut self, number: UnitNumber) {
        if !self.changed.contains(&number) {
            self.changed.push(number);
        }
    }
}

impl PolicyChange {
    fn apply(self, policy: UnitPolicy) -> UnitPolicy {
        UnitPolicy {
            spend_order: self.spend_order.unwrap_or(policy.spend_order),
            transferable: self.transferable.unwrap_or(policy.transferable),
            paid_may_be_paid_out: self.paid_may_be_paid_out.unwrap_or(policy.paid_may_be_paid_out),
            lot_lives: self.lot_lives.unwrap_or(policy.lot_lives),
            idle_rules: self.idle_rules.unwrap_or(policy.idle_rules),
            ..policy
        }
    }
}

/// The issuer's own accounts in a unit: what points cost it and the outside world, where value
/// comes from; breakage and takings, where it goes; and what members owe. None of them keeps lots
/// or has a limit.
pub fn system_accounts(
    owner: Id<kind::Company>,
    company: CompanyNumber,
    unit: UnitNumber,
) -> [(AccountRole, AccountSpec); 5] {
    let roles = [
        (AccountRole::Cost, NormalSide::Debit),
        (AccountRole::Breakage, NormalSide::Credit),
        (AccountRole::Takings, NormalSide::Credit),
        (AccountRole::Receivable, NormalSide::Debit),
        (AccountRole::Outside, NormalSide::Debit),
    ];
    roles.map(|(role, side)| {
        let id = Id::<kind::Account>::of(owner, unit.get(), role);
        let rule = BalanceRule::Unlimited;
        (role, AccountSpec { id, unit, company, side, rule, lots: false })
    })
}

impl Command for OpenUnit {
    type Facts = UnitFacts;
    type Receipt = (Unit, Id<kind::Company>, Repeated);
    type Refusal = UnitRefusal;

    const NAME: &'static str = "open unit";

    fn load(_slice: &[Self], tx: &mut Tx<'_>) -> Result<UnitFacts, Fault> {
        UnitFacts::load(tx)
    }

    fn decide(
        &self,
        facts: &mut UnitFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, UnitRefusal> {
        let owner = facts.companies.iter().find(|company| company.number == self.issuer);
        let owner = owner.ok_or(UnitRefusal::IssuerUnknown)?.id;
        if let Some(unit) = facts.units.iter().find(|unit| unit.code == self.code) {
            let alike = unit.issuer == self.issuer && unit.scale == self.scale;
            let found = (*unit, owner, Repeated::Yes);
            return if alike { Ok(found) } else { Err(UnitRefusal::CodeTaken) };
        }
        let last = facts.units.iter().map(|unit| unit.number.get()).max().unwrap_or(0);
        let number = UnitNumber::new(last.checked_add(1).ok_or(UnitRefusal::Full)?);
        let mut policy = self.policy.apply(UnitPolicy::default());
        for (role, spec) in system_accounts(owner, self.issuer, number) {
            let opened = posting.open_account(spec);
            let opened = opened.map_err(|_differs| UnitRefusal::AccountDiffers)?;
            if role == AccountRole::Breakage {
                policy.breakage = Some(opened);
            }
        }
        let unit = Unit { number, code: self.code, scale: self.scale, issuer: self.issuer, policy };
        posting.set_unit(unit);
        facts.units.push(unit);
        facts.note(number);
        Ok((unit, owner, Repeated::No))
    }

    fn save(facts: UnitFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl Command for ChangePolicy {
    type Facts = UnitFacts;
    type Receipt = (Unit, Id<kind::Company>);
    type Refusal = UnitRefusal;

    const NAME: &'static str = "change policy";

    fn load(_slice: &[Self], tx: &mut Tx<'_>) -> Result<UnitFacts, Fault> {
        UnitFacts::load(tx)
    }

    fn decide(
        &self,
        facts: &mut UnitFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, UnitRefusal> {
        let owner = facts.companies.iter().find(|company| company.number == self.issuer);
        let owner = owner.ok_or(UnitRefusal::IssuerUnknown)?.id;
        let own = |unit: &&mut Unit| unit.code == self.code && unit.issuer == self.issuer;
        let unit = facts.units.iter_mut().find(own).ok_or(UnitRefusal::NotFound)?;
        unit.policy = self.change.apply(unit.policy);
        let changed = *unit;
        posting.set_unit(changed);
        facts.note(changed.number);
        Ok((changed, owner))
    }

    fn save(facts: UnitFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
