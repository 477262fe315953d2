use serde::{Deserialize, Serialize};

use super::{
    ChangePolicy, IdleRules, LotLives, OpenUnit, PolicyChange, UnitRefusal, system_accounts,
};
use crate::{
    bank::{Bank, reaches},
    problems::{ACCOUNT_DIFFERS, ISSUER_UNKNOWN, UNIT_CODE_TAKEN, UNIT_NOT_FOUND, UNITS_FULL},
};
use access::{Authenticated, Need};
use ledger::{SpendOrder, Unit};
use store::registry;
use vocabulary::{CompanyNumber, Id, Scale, UnitCode, kind};
use web::{
    Caller, IntoResponse as _, Json, Operation, Path, Problem, Response, Routes, State, ToSchema,
    get, patch, post, utoipa,
};

/// In which order a debit takes lots.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OrderWord {
    /// Free lots by earliest expiry, then paid lots.
    FreeBeforePaid,
    /// Paid lots by earliest expiry, then free lots.
    PaidBeforeFree,
    /// By earliest expiry whatever the kind.
    Earliest,
}

impl From<OrderWord> for SpendOrder {
    fn from(word: OrderWord) -> Self {
        match word {
            OrderWord::FreeBeforePaid => Self::FreeBeforePaid,
            OrderWord::PaidBeforeFree => Self::PaidBeforeFree,
            OrderWord::Earliest => Self::Earliest,
        }
    }
}

impl From<SpendOrder> for OrderWord {
    fn from(order: SpendOrder) -> Self {
        match order {
            SpendOrder::FreeBeforePaid => Self::FreeBeforePaid,
            SpendOrder::PaidBeforeFree => Self::PaidBeforeFree,
            SpendOrder::Earliest => Self::Earliest,
        }
    }
}

/// What may be done with a unit; what is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PolicyForm {
    /// In which order a debit takes lots; `free_before_paid` at first.
    spend_order: Option<OrderWord>,
    /// Whether one member may pay another; `false` at first.
    transferable: Option<bool>,
    /// Whether a payout may take paid lots; `false` at first.
    paid_may_be_paid_out: Option<bool>,
    /// How long lots live that are granted from a day on, at most 4 rules; none at first: they
    /// never expire.
    lot_lives: Option<LotLives>,
    /// When all free lots expire because their owner does nothing, at most 4 rules, of which each
    /// holds; none at first.
    idle_rules: Option<IdleRules>,
}

impl From<PolicyForm> for PolicyChange {
    fn from(form: PolicyForm) -> Self {
        Self {
            spend_order: form.spend_order.map(SpendOrder::from),
            transferable: form.transferable,
            paid_may_be_paid_out: form.paid_may_be_paid_out,
            lot_lives: form.lot_lives.map(|rules| rules.0),
            idle_rules: form.idle_rules.map(|rules| rules.0),
        }
    }
}

/// A unit to issue.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnitForm {
    /// Its code: 2 to 8 of `A-Z`, `0-9` and `-`, starting with a letter.
    #[schema(value_type = String)]
    code: UnitCode,
    /// Its decimal places, 0 to 8; 0 unless told otherwise.
    #[serde(default)]
    #[schema(value_type = u8, maximum = 8)]
    scale: Scale,
    /// What may be done with it.
    #[serde(default)]
    policy: PolicyForm,
}

/// What may be done with a unit.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyView {
    spend_order: OrderWord,
    transferable: bool,
    paid_may_be_paid_out: bool,
    /// How long lots live that are granted from a day on.
    lot_lives: LotLives,
    /// When all free lots expire because their owner does nothing.
    idle_rules: IdleRules,
}

/// The issuer's own accounts in a unit.
#[derive(Debug, Serialize, ToSchema)]
struct SystemAccounts {
    /// What points cost: grants are debited here.
    #[schema(value_type = String)]
    cost: Id<kind::Account>,
    /// Where expired value goes.
    #[schema(value_type = String)]
    breakage: Id<kind::Account>,
    /// What is taken in when points are spent.
    #[schema(value_type = String)]
    takings: Id<kind::Account>,
    /// What members owe after a reversal.
    #[schema(value_type = String)]
    receivable: Id<kind::Account>,
    /// The outside world: banks, gift codes, cash.
    #[schema(value_type = String)]
    outside: Id<kind::Account>,
}

/// A unit of value.
#[derive(Debug, Serialize, ToSchema)]
struct UnitView {
    #[schema(value_type = String)]
    code: UnitCode,
    /// Its number on the books.
    number: u16,
    /// Its decimal places: amounts are whole minor units.
    #[schema(value_type = u8)]
    scale: Scale,
    /// The number of the company that issues it.
    #[schema(value_type = u16)]
    issuer: CompanyNumber,
    policy: PolicyView,
    accounts: SystemAccounts,
}

/// All units the caller sees.
#[derive(Debug, Serialize, ToSchema)]
struct UnitList {
    /// By number.
    items: Vec<UnitView>,
}

impl UnitView {
    fn of(unit: &Unit, owner: Id<kind::Company>) -> Self {
        let policy = &unit.policy;
        let [cost, breakage, takings, receivable, outside] =
            system_accounts(owner, unit.issuer, unit.number).map(|(_, spec)| spec.id);
        Self {
            code: unit.code,
            number: unit.number.get(),
            scale: unit.scale,
            issuer: unit.issuer,
            policy: PolicyView {
                spend_order: policy.spend_order.into(),
                transferable: policy.transferable,
                paid_may_be_paid_out: policy.paid_may_be_paid_out,
                lot_lives: LotLives(policy.lot_lives),
                idle_rules: IdleRules(policy.idle_rules),
            },
            accounts: SystemAccounts { cost, breakage, takings, receivable, outside },
        }
    }
}

/// The routes of units.
pub(crate) fn routes() -> Routes<Bank> {
    let read = Need::CompanyRead.code();
    let manage = Need::UnitManage.code();
    let listing = Operation::new("Lists units")
        .description("Those that your company issues; the operator sees all.")
        .gives::<UnitList>(200);
    let seeing = Operation::new("Shows a unit").gives::<UnitView>(200).refuses(&[&UNIT_NOT_FOUND]);
    let opening = Operation::new("Issues a unit")
        .description(
            "Your company is the issuer, and gets its own accounts in the unit at once. The same code and \
             scale again give the first answer.",
        )
        .takes::<UnitForm>()
        .gives::<UnitView>(201)
        .gives::<UnitView>(200)
        .refuses(&[&ISSUER_UNKNOWN, &UNIT_CODE_TAKEN, &UNITS_FULL, &ACCOUNT_DIFFERS]);
    let changing = Operation::new("Changes what may be done with a unit")
        .description("Holds from the next batch on; what was posted stays.")
        .takes::<PolicyForm>()
        .gives::<UnitView>(200)
        .refuses(&[&ISSUER_UNKNOWN, &UNIT_NOT_FOUND]);
    Routes::of("bank")
        .on(get("/api/v1/units", read).describe(listing), list)
        .on(get("/api/v1/units/{code}", read).describe(seeing), show)
        .on(post("/api/v1/units", manage).idempotent().describe(opening), open)
        .on(patch("/api/v1/units/{code}", manage).idempotent().describe(changing), change)
}

async fn visible(bank: &Bank, who: Authenticated) -> Result<Vec<UnitView>, Problem> {
    let read = |store: &store::Store| {
        store.database().read(|reader| Ok((registry::companies(reader)?, registry::units(reader)?)))
    };
    let (companies, units) = bank.blocking(read).await?;
    let sees = |unit: &&Unit| {
        let sees_all = who.company() == CompanyNumber::OPERATOR;
        sees_all || reaches(&who, Need::CompanyRead, unit.issuer)
    };
    let owner = |number| companies.iter().find(|company| company.number == number);
    let views = units.iter().filter(sees);
    Ok(views.filter_map(|unit| Some(UnitView::of(unit, owner(unit.issuer)?.id))).collect())
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
) -> Result<Json<UnitList>, Problem> {
    Ok(Json(UnitList { items: visible(&bank, who).await? }))
}

async fn show(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<UnitCode>,
) -> Result<Json<UnitView>, Problem> {
    let found = visible(&bank, who).await?.into_iter().find(|unit| unit.code == code);
    found.map(Json).ok_or(Problem::new(&UNIT_NOT_FOUND))
}

async fn open(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Json(form): Json<UnitForm>,
) -> Result<Response, Problem> {
    let UnitForm { code, scale, policy } = form;
    let command = OpenUnit { issuer: who.company(), code, scale, policy: policy.into() };
    let (unit, owner, repeated) = bank.run(command).await?.map_err(refused)?;
    Ok((repeated.status(), Json(UnitView::of(&unit, owner))).into_response())
}

async fn change(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<UnitCode>,
    Json(form): Json<PolicyForm>,
) -> Result<Json<UnitView>, Problem> {
    let command = ChangePolicy { issuer: who.company(), code, change: form.into() };
    let (unit, owner) = bank.run(command).await?.map_err(refused)?;
    Ok(Json(UnitView::of(&unit, owner)))
}

fn refused(refusal: UnitRefusal) -> Problem {
    Problem::new(match refusal {
        UnitRefusal::IssuerUnknown => &ISSUER_UNKNOWN,
        UnitRefusal::CodeTaken => &UNIT_CODE_TAKEN,
        UnitRefusal::NotFound => &UNIT_NOT_FOUND,
        UnitRefusal::Full => &UNITS_FULL,
        UnitRefusal::AccountDiffers => &ACCOUNT_DIFFERS,
    })
}

#[cfg(test)]
mod tests {
    use vocabulary::AccountRole;

    use super::*;

    #[test]
    fn system_accounts_are_shown_under_their_roles() {
        let roles =
            system_accounts(Id::from_bits(7), CompanyNumber::new(1), ledger::UnitNumber::new(1))
                .map(|(role, _)| role);
        assert_eq!(
            roles,
            [
                AccountRole::Cost,
                AccountRole::Breakage,
                AccountRole::Takings,
                AccountRole::Receivable,
                AccountRole::Outside
            ]
        );
    }
}
