//! Figures as people type them in forms: wide digits, thousands apart, a sign of yen or per cent.

use crate::sheet::narrow;
use vocabulary::{Amount, Scale};

/// What people write behind an amount.
const BEHIND: &[&str] = &["円", "ポイント", "pt"];

/// Reads a whole number of at most nine digits; `None` for anything else, and for what `T` does not
/// hold.
pub(crate) fn whole<T: TryFrom<i64>>(text: &str) -> Option<T> {
    decimal(bare(&narrow(text)), 0).filter(|figure| *figure < 1_000_000_000)?.try_into().ok()
}

/// As [`whole`]; nothing typed is zero.
pub(crate) fn whole_or_zero<T: TryFrom<i64>>(text: &str) -> Option<T> {
    whole(or_zero(text))
}

/// Reads an amount of at most twelve digits, in whole units.
pub(crate) fn amount(text: &str) -> Option<Amount> {
    Amount::try_new(decimal(bare(&narrow(text)), 0)?).ok()
}

/// As [`amount`]; nothing typed is zero.
pub(crate) fn amount_or_zero(text: &str) -> Option<Amount> {
    amount(or_zero(text))
}

/// Reads per cent with at most two decimals as hundredths, at most 99,999.99 %: `1.5` is 150.
pub(crate) fn basis_points(text: &str) -> Option<u32> {
    let text = narrow(text);
    let text = text.trim();
    decimal(text.strip_suffix('%').unwrap_or(text), 2)
        .filter(|rate| *rate < 10_000_000)?
        .try_into()
        .ok()
}

/// Reads a figure that is not below zero, with at most twelve digits and so many decimals, exactly:
/// with two decimals `1.5` is 150. `None` for anything else, also with a sign of what it counts.
pub(crate) fn decimal(text: &str, places: u8) -> Option<i64> {
    let digits: String =
        narrow(text).chars().filter(|character| !", ".contains(*character)).collect();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let places = usize::from(places);
    let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=12).contains(&whole.len()) && part.len() <= places;
    if !fits || !all(whole) || !all(part) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

/// Writes hundredths of a per cent: 150 is `1.5`, 100 is `1`.
pub(crate) fn per_cent(basis_points: u32) -> String {
    let places = Scale::try_new(2).unwrap_or_default();
    let text = places.format(i64::from(basis_points));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Takes away what people write around an amount.
fn bare(text: &str) -> &str {
    let text = text.trim().trim_start_matches('¥');
    BEHIND.iter().find_map(|sign| text.strip_suffix(sign)).unwrap_or(text)
}

/// What is read when nothing is typed.
pub(crate) fn or_zero(text: &str) -> &str {
    if text.trim().is_empty() { "0" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_people_type_them() {
        let cases = [
            ("1200", 1_200),
            ("1,200", 1_200),
            ("１，２００", 1_200),
            (" ￥1,200 ", 1_200),
            ("１２００円", 1_200),
            ("1 200 pt", 1_200),
            ("500ポイント", 500),
            ("0", 0),
            ("999,999,999,999", 999_999_999_999),
        ];
        for (text, figure) in cases {
            assert_eq!(amount(text), Amount::try_new(figure).ok(), "{text}");
        }
        for text in ["", " ", "円", "-1", "−5", "1.5", "5%", "1e3", "百", "1円2", "1234567890123"]
        {
            assert_eq!(amount(text), None, "{text}");
        }
        assert_eq!(amount_or_zero(" 　"), Some(Amount::ZERO));
        assert_eq!(whole_or_zero::<u32>(""), Some(0));
        assert_eq!(whole::<u8>("256"), None);
        assert_eq!(whole::<u32>("1,000,000,000"), None);
        assert_eq!(decimal("12.345", 3), Some(12_345));
        assert_eq!(decimal("3%", 2), None);
    }

    #[test]
    fn per_cents_are_read_as_they_are_written() {
        let cases =
            [("1.5", 150), ("100", 10_000), ("0.05", 5), ("12.30", 1_230), ("１．５％", 150)];
        for (text, rate) in cases {
            assert_eq!(basis_points(text), Some(rate), "{text}");
            assert_eq!(basis_points(&per_cent(rate)), Some(rate), "{text}");
        }
        for (rate, text) in [(150, "1.5"), (100, "1"), (1_000, "10"), (5, "0.05"), (0, "0")] {
            assert_eq!(per_cent(rate), text);
        }
        for text in ["", ".5", "1.234", "-1", "5円", "5%%", "1e3", "999999"] {
            assert_eq!(basis_points(text), None, "{text}");
        }
    }
}
