use core::fmt;

use vocabulary::{CompanyNumber, Day};

/// The day that a lot's expiry is counted from: 2020-01-01.
const EPOCH: i32 = 18_262;
const EXPIRY_BITS: u32 = 15;
const EXPIRY_MASK: u32 = 0x7FFF;
const PAID_BIT: u32 = 0x8000;

/// Whether value was given or bought; the law treats the two differently and one lot never mixes
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LotKind {
    /// Given free of charge (無償): points.
    Free,
    /// Issued for consideration (有償): a prepaid payment instrument under the Payment Services Act.
    Paid,
}

/// Value of one bearer company and one kind that expires together.
///
/// The number says all of it: bearer + 1 in the upper 16 bits, then one bit for paid, then the last
/// day of validity as days since 2020-01-01, 0 for value that never expires. So a journal row is
/// complete in itself, and needs no table of lots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lot(u32);

/// Terms that make no lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LotError {
    /// The expiry lies before 2020-01-02 or after 2109-09-18.
    #[error("a lot expires between 2020-01-02 and 2109-09-18, or never")]
    Expiry,
    /// Company numbers of bearers end at 65,534.
    #[error("the bearer's number is too large")]
    Bearer,
}

impl Lot {
    /// No lot: accounts without lots, and what is below zero.
    pub const NONE: Self = Self(0);

    /// Makes the lot of these terms.
    ///
    /// # Errors
    ///
    /// [`LotError`] when a term is out of range.
    pub fn try_new(
        bearer: CompanyNumber,
        kind: LotKind,
        expires_on: Option<Day>,
    ) -> Result<Self, LotError> {
        let bearer = bearer.get().checked_add(1).ok_or(LotError::Bearer)?;
        let expiry = match expires_on {
            None => 0,
            Some(day) => day
                .number()
                .checked_sub(EPOCH)
                .and_then(|days| u32::try_from(days).ok())
                .filter(|days| (1..=EXPIRY_MASK).contains(days))
                .ok_or(LotError::Expiry)?,
        };
        let paid = match kind {
            LotKind::Free => 0,
            LotKind::Paid => PAID_BIT,
        };
        Ok(Self((u32::from(bearer) << 16) | paid | expiry))
    }

    /// Takes the number of a stored row.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Gives the number as it is stored.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether this is a lot at all.
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// The company that pays for this value.
    pub fn bearer(self) -> CompanyNumber {
        let [high, low, ..] = self.0.to_be_bytes();
        CompanyNumber::new(u16::from_be_bytes([high, low]).saturating_sub(1))
    }

    /// Free or paid.
    pub const fn kind(self) -> LotKind {
        if self.0 & PAID_BIT == 0 { LotKind::Free } else { LotKind::Paid }
    }

    /// The last day it can be used on; `None` when it never expires.
    pub fn expires_on(self) -> Option<Day> {
        match self.0 & EXPIRY_MASK {
            0 => None,
            days => Some(Day::from_number(EPOCH.saturating_add_unsigned(days))),
        }
    }

    /// Whether its last day lies before `today`.
    pub fn is_due(self, today: Day) -> bool {
        self.expires_on().is_some_and(|last| last < today)
    }

    /// A key that sorts by expiry, the never-expiring last.
    pub(crate) const fn expiry_key(self) -> u32 {
        match self.0 & EXPIRY_MASK {
            0 => 1 << EXPIRY_BITS,
            days => days,
        }
    }
}

impl fmt::Debug for Lot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Lot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_some() {
            return f.write_str("none");
        }
        let kind = match self.kind() {
            LotKind::Free => "free",
            LotKind::Paid => "paid",
        };
        match self.expires_on() {
            Some(day) => write!(f, "{kind}:{}:{day}", self.bearer()),
            None => write!(f, "{kind}:{}:never", self.bearer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_says_all_of_it() {
        let day = Day::parse("2027-01-31").unwrap();
        for bearer in [0, 7, 65_534] {
            for kind in [LotKind::Free, LotKind::Paid] {
                for expires_on in [None, Some(day)] {
                    let lot = Lot::try_new(CompanyNumber::new(bearer), kind, expires_on).unwrap();
                    assert!(lot.is_some(), "{lot}");
                    assert_eq!(
                        (lot.bearer().get(), lot.kind(), lot.expires_on()),
                        (bearer, kind, expires_on)
                    );
                }
            }
        }
    }

    #[test]
    fn terms_out_of_range_make_no_lot() {
        let company = CompanyNumber::new(1);
        for day in ["2019-12-31", "2020-01-01", "2109-09-19"] {
            let day = Some(Day::parse(day).unwrap());
            assert_eq!(Lot::try_new(company, LotKind::Free, day), Err(LotError::Expiry));
        }
        let bearer = CompanyNumber::new(u16::MAX);
        assert_eq!(Lot::try_new(bearer, LotKind::Free, None), Err(LotError::Bearer));
    }

    #[test]
    fn a_lot_is_good_through_its_last_day() {
        let day = Day::parse("2027-01-31").unwrap();
        let lot = Lot::try_new(CompanyNumber::new(1), LotKind::Free, Some(day)).unwrap();
        assert!(!lot.is_due(day), "usable on the last day");
        assert!(lot.is_due(day.plus_days(1)), "due on the day after");
    }
}
