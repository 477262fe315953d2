//! The till's JSON API.

use serde::{Deserialize, Serialize};

use super::command::{CaptureHold, PaymentRefusal, PlaceHold, VoidHold};
use super::state::PaymentReceipt;
use crate::Wallet;
use crate::passbook::units;
use access::{Authenticated, Need, Resource, authorize};
use answers::OrProblem as _;
use ledger::Refusal;
use vocabulary::{AccountRole, Amount, Id, Label, Timestamp, UnitCode, kind};
use web::{
    Caller, Class, ErrorStatus, Json, Operation, Path, Problem, ProblemKind, Routes, State,
    ToSchema, post, problems, utoipa,
};

/// A reservation as a till asks for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHoldRequest {
    /// The hold's id, chosen by the caller; a repeat with the same contents reserves once.
    #[schema(value_type = String, example = "hold_01JD3T6Z8M3V5K1W9QXY2ABCDE")]
    pub id: Id<kind::Hold>,
    /// Who pays.
    #[schema(value_type = String, example = "mem_01JD3T6Z8M3V5K1W9QXY2ABCDE")]
    pub member: Id<kind::Member>,
    /// In which unit.
    #[schema(value_type = String, example = "HPT")]
    pub unit: UnitCode,
    /// How much, in whole minor units.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Amount,
    /// The shop as the member's passbook names it, at most 120 characters.
    #[schema(value_type = String, example = "ふくろう書店 渋谷店")]
    pub shop: Label,
}

/// How much of a hold is paid.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureHoldRequest {
    /// How much, at most what is reserved; all of it unless told otherwise. The rest is released.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub amount: Option<Amount>,
}

/// Where a payment stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HoldAnswer {
    /// The hold's id.
    #[schema(value_type = String)]
    pub id: Id<kind::Hold>,
    /// `reserved`, `captured`, `voided` or `expired`.
    pub state: String,
    /// What is still reserved.
    #[schema(value_type = i64)]
    pub reserved: Amount,
    /// What was paid.
    #[schema(value_type = i64)]
    pub captured: Amount,
    /// When the clock releases what is reserved.
    #[schema(value_type = String)]
    pub expires_at: Timestamp,
    /// Whether this was asked for before; nothing was done again then.
    pub repeated: bool,
}

impl From<PaymentReceipt> for HoldAnswer {
    fn from(receipt: PaymentReceipt) -> Self {
        Self {
            id: receipt.hold,
            state: receipt.state.code().to_owned(),
            reserved: receipt.reserved,
            captured: receipt.captured,
            expires_at: receipt.expires_at,
            repeated: receipt.repeated,
        }
    }
}

macro_rules! kinds {
    ($($name:ident $code:literal $status:ident $title:literal, $meaning:literal;)*) => {
        $(static $name: ProblemKind = ProblemKind {
            code: $code,
            status: ErrorStatus::$status,
            title: $title,
            meaning: $meaning,
        };)*
        /// The kinds of problems of payments.
        pub const PROBLEMS: &[&ProblemKind] = &[$(&$name),*];
    };
}

kinds! {
    PAYMENT_ID_REUSED "payment_id_reused" CONFLICT "This id was used before",
        "The id, or the capture of this hold, was used before with other contents. Nothing was done; take a new id.";
    PAYMENT_ENDED "payment_ended" CONFLICT "This payment has ended",
        "The hold is captured, voided or expired; the detail says which. Nothing was done.";
    PAYMENT_ABOVE_HOLD "payment_above_hold" UNPROCESSABLE "More than is reserved",
        "A capture takes at most what the hold reserves. Nothing was done; capture less, or place a new hold.";
    PAYMENT_POINTS_SHORT "payment_points_short" CONFLICT "Not enough points",
        "The member has fewer points than this. Nothing was reserved.";
    PAYMENT_ACCOUNT_FROZEN "payment_account_frozen" LOCKED "The account is frozen",
        "The member's account, or the company's, takes no payments for now. Nothing was reserved.";
    PAYMENT_NOT_POSSIBLE "payment_not_possible" CONFLICT "The books do not allow it",
        "The ledger refuses for a reason that a till cannot mend; the detail names it. Nothing was done.";
}

/// The routes of the till.
pub(crate) fn routes() -> Routes<Wallet> {
    let need = Need::HoldWrite.code();
    Routes::of("wallet")
        .on(
            post("/api/v1/wallet/holds", need).idempotent().class(Class::Critical).describe(
                Operation::new("Reserves a member's points at a till")
                    .description(
                        "For seven days. The id is the caller's: the same request again is answered \
                         alike, with `repeated`, and reserves once.",
                    )
                    .takes::<PlaceHoldRequest>()
                    .gives::<HoldAnswer>(200)
                    .refuses(&[
                        &problems::NOT_FOUND,
                        &PAYMENT_ID_REUSED,
                        &PAYMENT_POINTS_SHORT,
                        &PAYMENT_ACCOUNT_FROZEN,
                        &PAYMENT_NOT_POSSIBLE,
                    ]),
            ),
            place,
        )
        .on(
            post("/api/v1/wallet/holds/{id}/capture", need)
                .idempotent()
                .class(Class::Critical)
                .describe(
                    Operation::new("Takes reserved points, and releases the rest")
                        .description("Once a hold. A repeat with the same amount is answered alike.")
                        .takes::<CaptureHoldRequest>()
                        .gives::<HoldAnswer>(200)
                        .refuses(&[
                            &PAYMENT_ID_REUSED,
                            &PAYMENT_ENDED,
                            &PAYMENT_ABOVE_HOLD,
                            &PAYMENT_NOT_POSSIBLE,
                        ]),
                ),
            capture,
        )
        .on(
            post("/api/v1/wallet/holds/{id}/void", need)
                .idempotent()
                .class(Class::Critical)
                .describe(
                    Operation::new("Gives reserved points back")
                        .description("For good. A repeat is answered alike.")
                        .gives::<HoldAnswer>(200)
                        .refuses(&[&PAYMENT_ENDED, &PAYMENT_NOT_POSSIBLE]),
                ),
            void,
        )
}

async fn place(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    Json(asked): Json<PlaceHoldRequest>,
) -> Result<Json<HoldAnswer>, Problem> {
    let found = wallet.store.look(|book| {
        let unit = units(book).find(|unit| unit.code == asked.unit)?.number;
        let account = Id::of(asked.member, unit.get(), AccountRole::Member);
        let account = book.account(book.find_settled_account(account)?)?;
        Some((unit, account.spec().company))
    });
    // An unknown unit, an unknown member and another company's member are answered alike.
    let (unit, company) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let command = PlaceHold {
        actor: who.actor(),
        company: who.company(),
        hold: asked.id,
        member: asked.member,
        unit,
        amount: asked.amount,
        shop: asked.shop,
    };
    let resource = Resource::Member { company, member: asked.member };
    let allowed = authorize(&who, Need::HoldWrite, resource, command).or_problem()?;
    answer(wallet.ask(allowed.into_command()).await?)
}

async fn capture(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    Path(hold): Path<Id<kind::Hold>>,
    Json(asked): Json<CaptureHoldRequest>,
) -> Result<Json<HoldAnswer>, Problem> {
    let (actor, company) = (who.actor(), who.company());
    let command = CaptureHold { actor, company, hold, amount: asked.amount };
    // Whose hold it is the decision checks, which has its row.
    let allowed = authorize(&who, Need::HoldWrite, company, command).or_problem()?;
    answer(wallet.ask(allowed.into_command()).await?)
}

async fn void(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    Path(hold): Path<Id<kind::Hold>>,
) -> Result<Json<HoldAnswer>, Problem> {
    let (actor, company) = (who.actor(), who.company());
    let command = VoidHold { actor, company, hold };
    let allowed = authorize(&who, Need::HoldWrite, company, command).or_problem()?;
    answer(wallet.ask(allowed.into_command()).await?)
}

fn answer(decision: Result<PaymentReceipt, PaymentRefusal>) -> Result<Json<HoldAnswer>, Problem> {
    match decision {
        Ok(receipt) => Ok(Json(receipt.into())),
        Err(refusal) => Err(problem_of(refusal)),
    }
}

fn problem_of(refusal: PaymentRefusal) -> Problem {
    match refusal {
        PaymentRefusal::NotFound | PaymentRefusal::MemberNotFound => {
            Problem::new(&problems::NOT_FOUND)
        }
        PaymentRefusal::IdReused => Problem::new(&PAYMENT_ID_REUSED),
        PaymentRefusal::TakingsMissing => {
            Problem::new(&PAYMENT_NOT_POSSIBLE).detail("the company has no account for takings")
        }
        PaymentRefusal::Ledger(refusal) => problem_of_ledger(refusal),
    }
}

fn problem_of_ledger(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::AmountZero => {
            Problem::new(&problems::INVALID_FIELD).field("/amount", "must be more than 0")
        }
        Refusal::HoldNotFound => Problem::new(&problems::NOT_FOUND),
        Refusal::IdReused | Refusal::HoldIdReused => Problem::new(&PAYMENT_ID_REUSED),
        Refusal::HoldCaptured => Problem::new(&PAYMENT_ENDED).detail("the hold is captured"),
        Refusal::HoldVoided => Problem::new(&PAYMENT_ENDED).detail("the hold is voided"),
        Refusal::HoldExpired => Problem::new(&PAYMENT_ENDED).detail("the hold is expired"),
        Refusal::HoldExceeded { remaining } => {
            Problem::new(&PAYMENT_ABOVE_HOLD).detail(format!("{remaining} are reserved"))
        }
        Refusal::BalanceInsufficient { .. } => Problem::new(&PAYMENT_POINTS_SHORT),
        Refusal::AccountFrozen => Problem::new(&PAYMENT_ACCOUNT_FROZEN),
        Refusal::DebitAccountNotFound
        | Refusal::CreditAccountNotFound
        | Refusal::AccountsSame
        | Refusal::UnitsDiffer
        | Refusal::AccountClosed
        | Refusal::AccountNotFrozen
        | Refusal::AccountNotEmpty
        | Refusal::LotMissing
        | Refusal::LotNotAllowed
        | Refusal::LotExpired
        | Refusal::BreakageMissing
        | Refusal::NotTransferable
        | Refusal::HoldExpiryPast
        | Refusal::HoldNotDue
        | Refusal::ExpectationIdReused
        | Refusal::ExpectationNotFound
        | Refusal::ExpectationEnded
        | Refusal::ExpectationExceeded { .. }
        | Refusal::ExpectationUnchanged
        | Refusal::OriginalNotFound
        | Refusal::AlreadyReversed
        | Refusal::NotReversible
        | Refusal::NotInactive
        | Refusal::NothingToMove
        | Refusal::Overflow => Problem::new(&PAYMENT_NOT_POSSIBLE).detail(refusal.code()),
    }
}
