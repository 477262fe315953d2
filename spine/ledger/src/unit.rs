use crate::{AccountNumber, Few, IdleRule, LotLife};
use vocabulary::{CompanyNumber, Scale, UnitCode, Zone};

/// The dense number of a unit on the books, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitNumber(u16);

impl UnitNumber {
    /// Takes a dense number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Gives the dense number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// In which order a debit takes lots; ties go by expiry, then by bearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpendOrder {
    /// Free lots by earliest expiry, then paid lots by earliest expiry.
    #[default]
    FreeBeforePaid,
    /// Paid lots by earliest expiry, then free lots by earliest expiry.
    PaidBeforeFree,
    /// By earliest expiry whatever the kind; on one day free before paid.
    Earliest,
}

/// What may be done with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPolicy {
    /// In which order a debit takes lots.
    pub spend_order: SpendOrder,
    /// Whether one lot account may pay another (member to member).
    pub transferable: bool,
    /// Whether a payout may take paid lots; free lots may always be paid out.
    pub paid_may_be_paid_out: bool,
    /// How long lots live that are granted by the rules of the unit; without a rule for ever.
    pub lot_lives: Few<LotLife>,
    /// When all free lots expire because their owner does nothing.
    pub idle_rules: Few<IdleRule>,
    /// Where expired value goes; a unit without one has nothing that expires.
    pub breakage: Option<AccountNumber>,
    /// Where its days begin.
    pub zone: Zone,
}

impl Default for UnitPolicy {
    fn default() -> Self {
        Self {
            spend_order: SpendOrder::FreeBeforePaid,
            transferable: false,
            paid_may_be_paid_out: false,
            lot_lives: Few::NONE,
            idle_rules: Few::NONE,
            breakage: None,
            zone: Zone::JAPAN,
        }
    }
}

/// A kind of value: a company's points, prepaid yen, notes of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its dense number.
    pub number: UnitNumber,
    /// Its code.
    pub code: UnitCode,
    /// Its decimal places.
    pub scale: Scale,
    /// The company that issues it.
    pub issuer: CompanyNumber,
    /// What may be done with it.
    pub policy: UnitPolicy,
}
