use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Unexpected},
};

/// Whole minor units of one unit, from zero to `i64::MAX`.
///
/// There is no `+`: a sum that does not fit is a decision of the caller, never a wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "i64")]
pub struct Amount(i64);

/// An integer that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a whole number from 0 to 9223372036854775807, not {0}")]
pub struct AmountError(pub i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount, `i64::MAX`.
    pub const MAX: Self = Self(i64::MAX);

    /// Takes whole minor units.
    ///
    /// # Errors
    ///
    /// [`AmountError`] when the number is negative.
    pub const fn try_new(minor_units: i64) -> Result<Self, AmountError> {
        if minor_units < 0 { Err(AmountError(minor_units)) } else { Ok(Self(minor_units)) }
    }

    /// Takes the magnitude of a signed figure; `i64::MIN` gives [`Amount::MAX`].
    pub const fn magnitude(signed: i64) -> Self {
        Self(signed.saturating_abs())
    }

    /// Gives the whole minor units, never negative.
    pub const fn minor_units(self) -> i64 {
        self.0
    }

    /// Tells whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Adds; `None` when the sum does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Takes away; `None` when `other` is more.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        if other.0 > self.0 { None } else { Some(Self(self.0.wrapping_sub(other.0))) }
    }

    /// Takes away at most all.
    pub const fn saturating_sub(self, other: Self) -> Self {
        if other.0 > self.0 { Self::ZERO } else { Self(self.0.wrapping_sub(other.0)) }
    }
}

impl TryFrom<i64> for Amount {
    type Error = AmountError;

    fn try_from(minor_units: i64) -> Result<Self, AmountError> {
        Self::try_new(minor_units)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl de::Visitor<'_> for Whole {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from 0 to {}", i64::MAX)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
                Amount::try_new(number).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
                let unexpected = Unexpected::Unsigned(number);
                let fits = i64::try_from(number).map(Amount);
                fits.map_err(|_above| E::invalid_value(unexpected, &self))
            }
        }
        deserializer.deserialize_i64(Whole)
    }
}

impl From<u32> for Amount {
    fn from(minor_units: u32) -> Self {
        Self(i64::from(minor_units))
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_number_is_no_amount() {
        assert_eq!(Amount::try_new(-1), Err(AmountError(-1)));
        assert_eq!(Amount::try_new(0), Ok(Amount::ZERO));
    }

    #[test]
    fn sums_and_differences_never_wrap() {
        assert_eq!(Amount::MAX.checked_add(Amount::from(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::from(1)), None);
        assert_eq!(Amount::from(3).saturating_sub(Amount::from(5)), Amount::ZERO);
        assert_eq!(Amount::magnitude(i64::MIN), Amount::MAX);
    }
}
