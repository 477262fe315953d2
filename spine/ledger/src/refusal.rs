use core::fmt;

use vocabulary::Amount;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $field:ident: $type:ty })? = $code:literal;)*) => {
        /// Why the ledger says no. The order is the order of the checks; codes are stable for ever.
        ///
        /// A refused batch changes nothing and does not use up its id: the same id may be sent
        /// again and succeed then.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $name $({
                /// The figure that was decisive, in minor units.
                $field: $type
            })?,)*
        }

        impl Refusal {
            /// Every code, in order of the checks.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// Gives the stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name $({ $field: _ })? => $code,)* }
            }

            /// Gives the figure that was decisive, where there is one.
            pub fn figure(self) -> Option<Amount> {
                match self { $(Self::$name $({ $field })? => None$(.or(Some($field)))?,)* }
            }
        }
    };
}

refusals! {
    /// This id was used before, with other contents.
    IdReused = "id_reused";
    /// The amount is zero.
    AmountZero = "amount_zero";
    /// There is no account to debit of this id.
    DebitAccountNotFound = "debit_account_not_found";
    /// There is no account to credit of this id.
    CreditAccountNotFound = "credit_account_not_found";
    /// A transfer needs two accounts.
    AccountsSame = "accounts_same";
    /// The two accounts count different units.
    UnitsDiffer = "units_differ";
    /// An account is closed.
    AccountClosed = "account_closed";
    /// An account is frozen.
    AccountFrozen = "account_frozen";
    /// The account is not frozen.
    AccountNotFrozen = "account_not_frozen";
    /// Only an account without balance, holds and expectations can be closed.
    AccountNotEmpty = "account_not_empty";
    /// Value that enters an account with lots needs the terms of its lot.
    LotMissing = "lot_missing";
    /// Terms of a lot were given where value brings its own, or where no lots are kept.
    LotNotAllowed = "lot_not_allowed";
    /// The lot's last day is over.
    LotExpired = "lot_expired";
    /// The unit has no account for expired value, so nothing in it can expire.
    BreakageMissing = "breakage_missing";
    /// The unit does not pass from member to member.
    NotTransferable = "not_transferable";
    /// The id of a hold was used before.
    HoldIdReused = "hold_id_reused";
    /// There is no hold of this id.
    HoldNotFound = "hold_not_found";
    /// A hold must expire after now.
    HoldExpiryPast = "hold_expiry_past";
    /// The hold is captured in full.
    HoldCaptured = "hold_captured";
    /// The hold is voided.
    HoldVoided = "hold_voided";
    /// The hold is expired.
    HoldExpired = "hold_expired";
    /// The hold is not due yet.
    HoldNotDue = "hold_not_due";
    /// More was asked for than the hold still reserves.
    HoldExceeded { remaining: Amount } = "hold_exceeded";
    /// The id of an expectation was used before.
    ExpectationIdReused = "expectation_id_reused";
    /// There is no expectation of this id.
    ExpectationNotFound = "expectation_not_found";
    /// All of the expectation was granted or dropped.
    ExpectationEnded = "expectation_ended";
    /// More was asked for than is still announced.
    ExpectationExceeded { remaining: Amount } = "expectation_exceeded";
    /// The expectation already announces this amount.
    ExpectationUnchanged = "expectation_unchanged";
    /// There is no batch of this id to reverse.
    OriginalNotFound = "original_not_found";
    /// The batch is reversed already.
    AlreadyReversed = "already_reversed";
    /// The batch moved no value that could be moved back.
    NotReversible = "not_reversible";
    /// The account was active too lately.
    NotInactive = "not_inactive";
    /// Nothing is left to move.
    NothingToMove = "nothing_to_move";
    /// The account that pays has too little.
    BalanceInsufficient { available: Amount } = "balance_insufficient";
    /// A figure would not fit 63 bits.
    Overflow = "overflow";
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A batch that was refused, and at which of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The first step that could not be done, from 0.
    pub step: usize,
    /// Why.
    pub refusal: Refusal,
}
