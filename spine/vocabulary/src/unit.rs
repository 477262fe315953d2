use core::fmt;

use serde::{Deserialize, Serialize};

/// The code of a unit: 2 to 8 of `A-Z`, `0-9` and `-`, starting with a letter: `HPT`, `JPY`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitCode {
    bytes: [u8; 8],
    length: u8,
}

/// A text that is no unit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit code has 2 to 8 of A-Z, 0-9 and '-', and starts with a letter")]
pub struct UnitCodeError;

impl UnitCode {
    /// Reads a code.
    ///
    /// # Errors
    ///
    /// [`UnitCodeError`] when the text has another shape.
    pub fn parse(text: &str) -> Result<Self, UnitCodeError> {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        if !(2..=8).contains(&text.len()) || !starts_well || !text.bytes().all(allowed) {
            return Err(UnitCodeError);
        }
        let mut bytes = [0; 8];
        for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Ok(Self { bytes, length: u8::try_from(text.len()).unwrap_or(8) })
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.length)).unwrap_or(&[]);
        core::str::from_utf8(text).unwrap_or("")
    }
}

impl TryFrom<String> for UnitCode {
    type Error = UnitCodeError;
    fn try_from(text: String) -> Result<Self, UnitCodeError> {
        Self::parse(&text)
    }
}

impl From<UnitCode> for String {
    fn from(code: UnitCode) -> String {
        code.as_str().to_owned()
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many decimal places people see: amounts are whole minor units, and 2 means hundredths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub struct Scale(u8);

impl Scale {
    /// The most decimal places.
    pub const MAX: u8 = 8;

    /// Takes 0 to 8 decimal places; `None` beyond.
    pub const fn try_new(places: u8) -> Option<Self> {
        if places <= Self::MAX { Some(Self(places)) } else { None }
    }

    /// Gives the decimal places.
    pub const fn places(self) -> u8 {
        self.0
    }

    /// Writes minor units as people read them, with thousands apart: `-1234567` at 2 is
    /// `-12,345.67`.
    pub fn format(self, minor_units: i64) -> String {
        let digits = minor_units.unsigned_abs().to_string();
        let places = usize::from(self.0);
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, fraction) =
            padded.split_at_checked(padded.len().saturating_sub(places)).unwrap_or((&padded, ""));
        let mut grouped = String::with_capacity(padded.len().saturating_mul(2));
        if minor_units < 0 {
            grouped.push('-');
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && whole.len().saturating_sub(place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if places > 0 {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        grouped
    }
}

impl TryFrom<u8> for Scale {
    type Error = &'static str;
    fn try_from(places: u8) -> Result<Self, &'static str> {
        Self::try_new(places).ok_or("a scale has 0 to 8 decimal places")
    }
}

impl From<Scale> for u8 {
    fn from(scale: Scale) -> u8 {
        scale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_code_is_short_and_upper_case() {
        assert_eq!(UnitCode::parse("HPT").unwrap().as_str(), "HPT");
        for bad in ["", "P", "hpt", "1AB", "ABCDEFGHI", "H PT", "ポイント"] {
            assert_eq!(UnitCode::parse(bad), Err(UnitCodeError), "{bad}");
        }
    }

    #[test]
    fn figures_are_grouped() {
        let table = [
            (0, 0, "0"),
            (999, 0, "999"),
            (1_000, 0, "1,000"),
            (-1_234_567, 2, "-12,345.67"),
            (5, 2, "0.05"),
            (i64::MIN, 0, "-9,223,372,036,854,775,808"),
        ];
        for (minor_units, places, text) in table {
            assert_eq!(Scale::try_new(places).unwrap().format(minor_units), text);
        }
    }
}
