//! Every way in which the API says no, beside those of the door.

use ledger::{Refusal, Refused};
use web::{ErrorStatus, Problem, ProblemKind, problems};

macro_rules! kinds {
    ($(#[$doc:meta])* $list:ident; $($name:ident $code:literal $status:ident $title:literal, $meaning:literal;)*) => {
        $(
            #[doc = $title]
            pub(crate) static $name: ProblemKind = ProblemKind {
                code: $code,
                status: ErrorStatus::$status,
                title: $title,
                meaning: $meaning,
            };
        )*
        $(#[$doc])*
        pub(crate) static $list: &[&ProblemKind] = &[$(&$name),*];
    };
}

kinds! {
    /// One kind for each code of [`Refusal`], in its order.
    LEDGER;
    ID_REUSED "id_reused" CONFLICT "The id was used with other contents",
        "This id was posted before with other contents. Send the same contents again to get the first answer, or take a new id.";
    AMOUNT_ZERO "amount_zero" UNPROCESSABLE "The amount is zero",
        "Nothing would move. Send an amount of at least 1 minor unit.";
    DEBIT_ACCOUNT_NOT_FOUND "debit_account_not_found" NOT_FOUND "No such account to debit",
        "There is no account of this id in your company. Check the id, or open the account first.";
    CREDIT_ACCOUNT_NOT_FOUND "credit_account_not_found" NOT_FOUND "No such account to credit",
        "There is no account of this id in your company. Check the id, or open the account first.";
    ACCOUNTS_SAME "accounts_same" UNPROCESSABLE "The two accounts are one",
        "A transfer needs two accounts. Name another one to debit or to credit.";
    UNITS_DIFFER "units_differ" UNPROCESSABLE "The accounts count different units",
        "Value does not pass from one unit to another in a transfer; an exchange is a batch through exchange accounts.";
    ACCOUNT_CLOSED "account_closed" CONFLICT "The account is closed",
        "A closed account takes nothing any more. Use another account.";
    ACCOUNT_FROZEN "account_frozen" CONFLICT "The account is frozen",
        "A frozen account refuses new transfers and holds. Thaw it first.";
    ACCOUNT_NOT_FROZEN "account_not_frozen" CONFLICT "The account is not frozen",
        "There is nothing to thaw.";
    ACCOUNT_NOT_EMPTY "account_not_empty" CONFLICT "The account is not empty",
        "Only an account without balance, holds and expectations can be closed. Move its value out first.";
    LOT_MISSING "lot_missing" UNPROCESSABLE "The terms of the lot are missing",
        "Value that enters an account with lots needs `lot`: free or paid, and its last day.";
    LOT_NOT_ALLOWED "lot_not_allowed" UNPROCESSABLE "No lot is to be given here",
        "Value that leaves an account with lots brings its own, and accounts without lots keep none. Leave `lot` out.";
    LOT_EXPIRED "lot_expired" UNPROCESSABLE "The lot's last day is over",
        "The last day given lies before today. Give a later one.";
    BREAKAGE_MISSING "breakage_missing" CONFLICT "The unit has no account for expired value",
        "Nothing can expire in a unit without a breakage account.";
    NOT_TRANSFERABLE "not_transferable" CONFLICT "The unit does not pass from member to member",
        "The unit's policy allows no transfer between accounts with lots.";
    HOLD_ID_REUSED "hold_id_reused" CONFLICT "The hold's id was used before",
        "There is or was a hold of this id. Take a new id.";
    HOLD_NOT_FOUND "hold_not_found" NOT_FOUND "No such hold",
        "There is no hold of this id in your company. Check the id.";
    HOLD_EXPIRY_PAST "hold_expiry_past" UNPROCESSABLE "The hold would have expired",
        "A hold must expire after now. Give a later time.";
    HOLD_CAPTURED "hold_captured" CONFLICT "The hold is captured",
        "The hold was captured in full, or its rest was released. Only a forced capture is possible now.";
    HOLD_VOIDED "hold_voided" CONFLICT "The hold is voided",
        "The hold was released on request, for good.";
    HOLD_EXPIRED "hold_expired" CONFLICT "The hold is expired",
        "The hold's time is over. Only a forced capture is possible now.";
    HOLD_NOT_DUE "hold_not_due" CONFLICT "The hold is not due yet",
        "A hold expires at its own time. Void it to release it earlier.";
    HOLD_EXCEEDED "hold_exceeded" CONFLICT "More than the hold reserves",
        "More was asked for than the hold still reserves; the detail says how much that is.";
    EXPECTATION_ID_REUSED "expectation_id_reused" CONFLICT "The expectation's id was used before",
        "There is or was an expectation of this id. Take a new id.";
    EXPECTATION_NOT_FOUND "expectation_not_found" NOT_FOUND "No such expectation",
        "There is no expectation of this id in your company. Check the id.";
    EXPECTATION_ENDED "expectation_ended" CONFLICT "The expectation has ended",
        "All of it was granted or dropped.";
    EXPECTATION_EXCEEDED "expectation_exceeded" CONFLICT "More than is announced",
        "More was asked for than is still announced; the detail says how much that is.";
    EXPECTATION_UNCHANGED "expectation_unchanged" CONFLICT "The amount is the same",
        "The expectation already announces this amount.";
    ORIGINAL_NOT_FOUND "original_not_found" NOT_FOUND "No such batch to reverse",
        "Your company posted no batch of this id. Check the id.";
    ALREADY_REVERSED "already_reversed" CONFLICT "The batch is reversed already",
        "A batch is reversed once at most.";
    NOT_REVERSIBLE "not_reversible" CONFLICT "The batch cannot be reversed",
        "The batch moved no value that could be moved back.";
    NOT_INACTIVE "not_inactive" CONFLICT "The account was active lately",
        "The days of inactivity that the unit's policy asks for are not over.";
    NOTHING_TO_MOVE "nothing_to_move" CONFLICT "Nothing is left to move",
        "There is nothing to move, or nothing that the balance rules let through.";
    BALANCE_INSUFFICIENT "balance_insufficient" CONFLICT "The balance is too low",
        "The account that pays has too little; the detail says how much it has.";
    OVERFLOW "overflow" UNPROCESSABLE "A figure is too large",
        "A balance would not fit 63 bits. Split the amount.";
}

kinds! {
    /// The refusals of this crate's own commands.
    OWN;
    COMPANY_CODE_TAKEN "company_code_taken" CONFLICT "The company code is taken",
        "Another company has this code. Take another.";
    COMPANY_ID_TAKEN "company_id_taken" CONFLICT "The company id is taken",
        "Another company has this id. Take another, or send the first contents again.";
    COMPANIES_FULL "companies_full" CONFLICT "No number is left for a company",
        "The books number 65,534 companies at most.";
    UNIT_CODE_TAKEN "unit_code_taken" CONFLICT "The unit code is taken",
        "There is a unit of this code already. Take another.";
    UNIT_NOT_FOUND "unit_not_found" NOT_FOUND "No such unit",
        "Your company issues no unit of this code. Check the code.";
    UNITS_FULL "units_full" CONFLICT "No number is left for a unit",
        "The books number 65,535 units at most.";
    ISSUER_UNKNOWN "issuer_unknown" CONFLICT "The company is not on the books",
        "A unit needs an issuer; open the company first.";
    ACCOUNT_DIFFERS "account_differs" CONFLICT "The account id is taken by another account",
        "There is an account of this id with other terms. Take a new id.";
    BEARER_FOREIGN "bearer_foreign" UNPROCESSABLE "Another company cannot be made to pay",
        "The bearer of a lot is your own company. What companies owe one another is agreed between them.";
    TOO_FAR_BACK "too_far_back" UNPROCESSABLE "That is too long ago for this account",
        "More movements lie between than are walked back here. Take the journal instead.";
    WEBHOOK_LIMIT "webhook_limit" CONFLICT "Too many webhook endpoints",
        "A company has 20 endpoints at most. Remove one first.";
    WEBHOOK_GENERATION "webhook_generation" CONFLICT "The secret is of another generation",
        "The endpoint's secret was replaced meanwhile. Look at its `generation` and decide again.";
    WEBHOOK_ID_TAKEN "webhook_id_taken" CONFLICT "The endpoint's id is taken",
        "There is an endpoint of this id with other contents. Take a new id.";
}

/// All kinds of this crate.
pub static PROBLEMS: &[&ProblemKind] = &{
    let mut all = [&ID_REUSED; LEDGER_COUNT + OWN_COUNT];
    let (ledger, own) = all.split_at_mut(LEDGER_COUNT);
    ledger.copy_from_slice(LEDGER);
    own.copy_from_slice(OWN);
    all
};

const LEDGER_COUNT: usize = Refusal::CODES.len();
const OWN_COUNT: usize = OWN.len();

/// Gives the kind of a refusal of the ledger.
pub(crate) fn kind_of(refusal: Refusal) -> &'static ProblemKind {
    let code = refusal.code();
    // A test holds the list to the ledger's own; a fault is what a caller would rather see than a
    // panic.
    LEDGER.iter().find(|kind| kind.code == code).copied().unwrap_or(&problems::INTERNAL_FAULT)
}

/// Names the fields that a refusal is about, where it is about what was asked for and not about the
/// books.
fn fields(refusal: Refusal) -> &'static [&'static str] {
    match refusal.code() {
        "amount_zero" | "overflow" => &["amount"],
        "accounts_same" | "units_differ" => &["debit", "credit"],
        "lot_missing" | "lot_not_allowed" => &["lot"],
        "lot_expired" => &["lot/expires_on"],
        "hold_expiry_past" => &["expires_at"],
        _ => &[],
    }
}

/// Makes the problem of a refused batch: which step, the fields of it, and the figure that was
/// decisive. `pointer` leads to the step in the body.
pub(crate) fn refused(refused: Refused, pointer: &str) -> Problem {
    let kind = kind_of(refused.refusal);
    let named = fields(refused.refusal).iter();
    let problem = named.fold(Problem::new(kind), |problem, field| {
        problem.field(format!("{pointer}/{field}"), kind.title)
    });
    let step = refused.step;
    match (refused.refusal.figure(), step) {
        (None, 0) => problem,
        (None, step) => problem.detail(format!("step {step}, counted from 0")),
        (Some(figure), 0) => problem.detail(format!("at most {figure}")),
        (Some(figure), step) => {
            problem.detail(format!("step {step}, counted from 0: at most {figure}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_ledger_has_its_kind_in_its_order() {
        let codes: Vec<&str> = LEDGER.iter().map(|kind| kind.code).collect();
        assert_eq!(codes, Refusal::CODES);
        assert_eq!(kind_of(Refusal::Overflow), &OVERFLOW);
    }

    #[test]
    fn codes_are_unique_also_beside_those_of_the_door() {
        let mut codes: Vec<&str> =
            PROBLEMS.iter().chain(web::PROBLEMS).map(|kind| kind.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for kind in PROBLEMS {
            assert!(!kind.title.ends_with('.') && kind.meaning.ends_with('.'), "{}", kind.code);
        }
    }
}
