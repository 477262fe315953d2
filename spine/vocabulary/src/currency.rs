use core::fmt;

use crate::Scale;

/// Currencies whose minor unit is the unit itself (ISO 4217, list one of 2024).
const WHOLE: &[&[u8; 3]] = &[
    b"BIF", b"CLP", b"DJF", b"GNF", b"ISK", b"JPY", b"KMF", b"KRW", b"PYG", b"RWF", b"UGX", b"UYI",
    b"VND", b"VUV", b"XAF", b"XOF", b"XPF",
];
/// Currencies with thousandths.
const THOUSANDTHS: &[&[u8; 3]] = &[b"BHD", b"IQD", b"JOD", b"KWD", b"LYD", b"OMR", b"TND"];

/// The code of a currency as ISO 4217 writes it, `JPY`; yen unless told otherwise.
///
/// Any three capital letters are taken: a list of those in use would be out of date first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that is no currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency has three letters, like JPY")]
pub struct CurrencyError;

impl Currency {
    /// Yen, which have no smaller unit.
    pub const JPY: Self = Self(*b"JPY");
    /// Dollars of the United States.
    pub const USD: Self = Self(*b"USD");

    /// Reads a code in capital or small letters.
    ///
    /// # Errors
    ///
    /// [`CurrencyError`] when the text is not three letters.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let letters =
            <[u8; 3]>::try_from(text.trim().as_bytes()).map_err(|_other| CurrencyError)?;
        if !letters.iter().all(u8::is_ascii_alphabetic) {
            return Err(CurrencyError);
        }
        Ok(Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }

    /// Gives the code.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Gives the decimal places of its minor unit; two for a code that is not known.
    pub fn scale(self) -> Scale {
        let places = match &self.0 {
            code if WHOLE.contains(&code) => 0,
            code if THOUSANDTHS.contains(&code) => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        };
        Scale::try_new(places).unwrap_or_default()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::JPY
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_has_three_letters_and_its_decimal_places() {
        let table = [("JPY", 0), ("usd", 2), (" GBP ", 2), ("KWD", 3), ("CLF", 4), ("XTS", 2)];
        for (text, places) in table {
            let currency = Currency::parse(text).unwrap();
            assert_eq!(currency.scale().places(), places, "{text}");
            assert_eq!(currency.to_string(), text.trim().to_uppercase());
        }
        for bad in ["", "YE", "YENS", "¥", "1PY", "J Y"] {
            assert_eq!(Currency::parse(bad), Err(CurrencyError), "{bad}");
        }
        assert_eq!(Currency::default(), Currency::JPY);
    }
}
