use serde::{Deserialize, Serialize};

use crate::Amount;

/// How a division that does not come out even is made whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards zero (切り捨て).
    Down,
    /// Away from zero (切り上げ).
    Up,
    /// To the nearest, a half away from zero (四捨五入).
    HalfUp,
    /// To the nearest, a half to the even neighbour.
    HalfEven,
}

/// An exact fraction: so many for so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(i64, i64)", into = "(i64, i64)")]
pub struct Rate {
    numerator: i64,
    denominator: i64,
}

/// A fraction that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a fraction of whole numbers, not negative, over a positive one")]
pub struct RateError;

impl Rate {
    /// One for one.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Takes `numerator` for `denominator`.
    ///
    /// # Errors
    ///
    /// [`RateError`] when the numerator is negative or the denominator not positive.
    pub const fn try_new(numerator: i64, denominator: i64) -> Result<Self, RateError> {
        if numerator < 0 || denominator <= 0 {
            return Err(RateError);
        }
        Ok(Self { numerator, denominator })
    }

    /// Takes hundredths of a per cent: 100 is 1 %.
    pub fn basis_points(points: u32) -> Self {
        Self { numerator: i64::from(points), denominator: 10_000 }
    }

    /// The upper number.
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// The lower number, positive.
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    /// Multiplies and rounds as named; `None` when the product does not fit an amount.
    pub fn apply(self, amount: Amount, rounding: Rounding) -> Option<Amount> {
        let product = i128::from(amount.minor_units()).checked_mul(i128::from(self.numerator))?;
        let denominator = i128::from(self.denominator);
        let whole = product.checked_div(denominator)?;
        let rest = product.checked_rem(denominator)?;
        let twice = rest.checked_mul(2)?;
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::HalfUp => twice >= denominator,
            Rounding::HalfEven => twice > denominator || (twice == denominator && whole & 1 == 1),
        };
        let rounded = if up { whole.checked_add(1)? } else { whole };
        i64::try_from(rounded).ok().and_then(|minor_units| Amount::try_new(minor_units).ok())
    }
}

impl TryFrom<(i64, i64)> for Rate {
    type Error = RateError;

    fn try_from((numerator, denominator): (i64, i64)) -> Result<Self, RateError> {
        Self::try_new(numerator, denominator)
    }
}

impl From<Rate> for (i64, i64) {
    fn from(rate: Rate) -> Self {
        (rate.numerator, rate.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_rounds_as_named() {
        // amount × numerator / denominator, then down, up, half up, half even.
        let table = [
            (10, 1, 4, [2, 3, 3, 2]),
            (14, 1, 4, [3, 4, 4, 4]),
            (3_980, 300, 10_000, [119, 120, 119, 119]),
            (130, 100, 130, [100, 100, 100, 100]),
            (0, 7, 9, [0, 0, 0, 0]),
        ];
        for (amount, numerator, denominator, expected) in table {
            let rate = Rate::try_new(numerator, denominator).unwrap();
            let got = [Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::HalfEven]
                .map(|rounding| rate.apply(Amount::from(amount), rounding).unwrap().minor_units());
            assert_eq!(got, expected, "{amount} × {numerator}/{denominator}");
        }
    }

    #[test]
    fn a_product_that_does_not_fit_is_none() {
        let rate = Rate::try_new(2, 1).unwrap();
        assert_eq!(rate.apply(Amount::MAX, Rounding::Down), None);
        assert_eq!(Rate::try_new(1, 0), Err(RateError));
        assert_eq!(Rate::try_new(-1, 2), Err(RateError));
    }
}
