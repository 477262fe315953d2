//! Names as banks write them: one byte a character, JIS X 0201. Kana are half-width with their
//! marks as characters of their own, small kana large, letters capital, the forms of companies
//! abbreviated. Everything here is a pure function of the text.

use core::fmt;

/// The kana that banks take: all large ones but ヲ, full-width and half-width side by side.
const LARGE: [&str; 2] = [
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン",
    "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ",
];

/// Small kana, of either width, and the large ones that banks write for them.
const SMALL: [&str; 2] = ["ァィゥェォヵヶッャュョヮｧｨｩｪｫｯｬｭｮ", "ｱｲｳｴｵｶｹﾂﾔﾕﾖﾜｱｲｳｴｵﾂﾔﾕﾖ"];

/// Kana with a voiced mark, and the ones under it.
const VOICED: [&str; 2] = ["ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ", "ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎｳ"];

/// Kana with a half-voiced mark, and the ones under it.
const HALF_VOICED: [&str; 2] = ["パピプペポ", "ﾊﾋﾌﾍﾎ"];

/// The marks that every bank takes in a name, beside the blank.
const MARKS: &str = "().-/";

const VOICED_MARK: char = 'ﾞ';
const HALF_VOICED_MARK: char = 'ﾟ';

/// Forms of companies and offices, and what banks write for them; a longer one before a shorter
/// one that it contains. The second column is what a form becomes when its kana are narrowed.
const FORMS: &[(&str, &str)] = &[
    ("株式会社", "ｶ"),
    ("(株)", "ｶ"),
    ("㈱", "ｶ"),
    ("ｶﾌﾞｼｷｶﾞｲｼﾔ", "ｶ"),
    ("ｶﾌﾞｼｷｶｲｼﾔ", "ｶ"),
    ("有限会社", "ﾕ"),
    ("(有)", "ﾕ"),
    ("㈲", "ﾕ"),
    ("ﾕｳｹﾞﾝｶﾞｲｼﾔ", "ﾕ"),
    ("合名会社", "ﾒ"),
    ("ｺﾞｳﾒｲｶﾞｲｼﾔ", "ﾒ"),
    ("合資会社", "ｼ"),
    ("ｺﾞｳｼｶﾞｲｼﾔ", "ｼ"),
    ("合同会社", "ﾄﾞ"),
    ("ｺﾞｳﾄﾞｳｶﾞｲｼﾔ", "ﾄﾞ"),
    ("医療法人社団", "ｲ"),
    ("医療法人財団", "ｲ"),
    ("医療法人", "ｲ"),
    ("一般財団法人", "ｻﾞｲ"),
    ("公益財団法人", "ｻﾞｲ"),
    ("財団法人", "ｻﾞｲ"),
    ("一般社団法人", "ｼﾔ"),
    ("公益社団法人", "ｼﾔ"),
    ("社団法人", "ｼﾔ"),
    ("宗教法人", "ｼﾕｳ"),
    ("学校法人", "ｶﾞｸ"),
    ("社会福祉法人", "ﾌｸ"),
    ("特定非営利活動法人", "ﾄｸﾋ"),
    ("独立行政法人", "ﾄﾞｸ"),
    ("弁護士法人", "ﾍﾞﾝ"),
    ("税理士法人", "ｾﾞｲ"),
    ("営業所", "ｴｲ"),
    ("出張所", "ｼﾕﾂ"),
];

/// A text that no bank takes as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KanaError {
    /// Nothing but white space.
    #[error("this must not be empty")]
    Empty,
    /// A character that banks do not take, kanji among them.
    #[error("banks do not take {0:?} here: write the reading in kana, letters or digits")]
    Character(char),
    /// A voiced or half-voiced mark after a character that cannot bear it.
    #[error("a mark like {0:?} must follow a kana that can bear it")]
    Mark(char),
}

/// A text as banks write it, at most `MAX` bytes, of which each is a character.
///
/// No blank is at an end of it or beside another blank. The empty one is its default.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankText<const MAX: usize>(String);

impl<const MAX: usize> BankText<MAX> {
    /// Writes a text as banks do, and cuts it to `MAX` bytes, never between a kana and its mark.
    /// What is written so already stays as it is.
    ///
    /// # Errors
    ///
    /// [`KanaError`] when it is empty or has a character that cannot be written.
    pub fn parse(text: &str) -> Result<Self, KanaError> {
        let mut folded = String::with_capacity(text.len());
        for character in text.chars() {
            fold(character, &mut folded);
        }
        let abbreviated = abbreviate(&single_blanks(&folded));
        let plain = single_blanks(&abbreviated);
        if plain.is_empty() {
            return Err(KanaError::Empty);
        }
        check(&plain)?;
        Ok(Self(cut(&plain, MAX)))
    }

    /// Reads bytes of a file, padded with blanks: nothing is abbreviated and nothing cut.
    ///
    /// # Errors
    ///
    /// The place, from 0, of the first byte that is no character banks take.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, usize> {
        let mut text = String::with_capacity(bytes.len());
        for (place, byte) in bytes.iter().enumerate() {
            let character = character_of(*byte).ok_or(place)?;
            if let Some(_mark) = misplaced(text.chars().last(), character) {
                return Err(place);
            }
            text.push(character);
        }
        if text.chars().count() > MAX { Err(MAX) } else { Ok(Self(single_blanks(&text))) }
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the bytes as they are written.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.chars().filter_map(byte_of)
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> fmt::Display for BankText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for BankText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Finds what stands for a character in the second row of a table.
fn across(table: [&str; 2], character: char) -> Option<char> {
    let [from, to] = table;
    from.chars().zip(to.chars()).find(|(known, _)| *known == character).map(|(_, other)| other)
}

/// Narrows a character and takes its mark apart; what cannot be narrowed stays.
fn fold(character: char, folded: &mut String) {
    let kana = match character {
        // Hiragana stand in the order of katakana, 0x60 before them.
        'ぁ'..='ゖ' => {
            u32::from(character).checked_add(0x60).and_then(char::from_u32).unwrap_or(character)
        }
        other => other,
    };
    if let Some(large) = across(LARGE, kana).or_else(|| across(SMALL, kana)) {
        folded.push(large);
    } else if let Some(base) = across(VOICED, kana) {
        folded.extend([base, VOICED_MARK]);
    } else if let Some(base) = across(HALF_VOICED, kana) {
        folded.extend([base, HALF_VOICED_MARK]);
    } else {
        folded.push(narrowed(character));
    }
}

/// Narrows letters, digits, marks and blanks.
fn narrowed(character: char) -> char {
    match character {
        '！'..='～' => {
            let narrow = u32::from(character).checked_sub(0xFEE0).and_then(char::from_u32);
            narrow.unwrap_or(character).to_ascii_uppercase()
        }
        // Long marks, hyphens, dashes and the minus of several keyboards.
        'ー' | 'ｰ' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        '゛' | '\u{3099}' => VOICED_MARK,
        '゜' | '\u{309A}' => HALF_VOICED_MARK,
        blank if blank.is_whitespace() => ' ',
        other => other.to_ascii_uppercase(),
    }
}

/// Takes blanks off both ends, and makes one of several.
fn single_blanks(text: &str) -> String {
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Abbreviates each form by its place: `ｶ)…` in front, `…(ｶ` at the end, `…(ｶ)…` between.
fn abbreviate(text: &str) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, short, after)) = first_form(rest) {
        let (before, after) = (before.trim_end(), after.trim_start());
        done.push_str(before);
        if done.is_empty() {
            done.extend([short, ")"]);
        } else if after.is_empty() {
            done.extend(["(", short]);
        } else {
            done.extend(["(", short, ")"]);
        }
        rest = after;
    }
    done.push_str(rest);
    done
}

/// Finds the first form in a text: what is before it, its abbreviation, what is after it.
fn first_form(text: &str) -> Option<(&str, &'static str, &str)> {
    let found = FORMS.iter().filter_map(|(form, short)| {
        text.split_once(form).map(|(before, after)| (before, *short, after))
    });
    // Of several at one place the one that stands first in the table is taken.
    found.min_by_key(|(before, _, _)| before.len())
}

fn check(text: &str) -> Result<(), KanaError> {
    let mut before = None;
    for character in text.chars() {
        byte_of(character).ok_or(KanaError::Character(character))?;
        if let Some(mark) = misplaced(before, character) {
            return Err(KanaError::Mark(mark));
        }
        before = Some(character);
    }
    Ok(())
}

/// Gives the mark that stands after a character which cannot bear it.
fn misplaced(before: Option<char>, character: char) -> Option<char> {
    let bearers = match character {
        VOICED_MARK => VOICED[1],
        HALF_VOICED_MARK => HALF_VOICED[1],
        _plain => return None,
    };
    let borne = before.is_some_and(|before| bearers.contains(before));
    (!borne).then_some(character)
}

/// Cuts to so many characters; a kana that would lose its mark goes as well.
fn cut(text: &str, max: usize) -> String {
    let mut kept: String = text.chars().take(max).collect();
    let next = text.chars().nth(max);
    if matches!(next, Some(VOICED_MARK | HALF_VOICED_MARK)) {
        kept.pop();
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Gives the byte of a character that banks take.
fn byte_of(character: char) -> Option<u8> {
    match character {
        ' ' | '0'..='9' | 'A'..='Z' => u8::try_from(character).ok(),
        mark if MARKS.contains(mark) => u8::try_from(mark).ok(),
        VOICED_MARK | HALF_VOICED_MARK => kana_byte(character),
        kana if LARGE[1].contains(kana) => kana_byte(kana),
        _other => None,
    }
}

/// JIS X 0201 has its kana from 0xA1 on, in the order of the half-width ones.
fn kana_byte(kana: char) -> Option<u8> {
    u32::from(kana).checked_sub(0xFF61)?.checked_add(0xA1).and_then(|byte| u8::try_from(byte).ok())
}

/// Gives the character of a byte, when it is one that banks take.
fn character_of(byte: u8) -> Option<char> {
    let character = match byte {
        0xA1..=0xDF => u32::from(byte).checked_add(0xFEC0).and_then(char::from_u32)?,
        other => char::from(other),
    };
    byte_of(character).map(|_byte| character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn name(text: &str) -> String {
        match BankText::<30>::parse(text) {
            Ok(name) => name.to_string(),
            Err(KanaError::Empty) => "empty".to_owned(),
            Err(KanaError::Character(character)) => format!("refuses {character:?}"),
            Err(KanaError::Mark(mark)) => format!("alone {mark}"),
        }
    }

    #[test]
    fn names_are_written_as_banks_do() {
        let table = [
            ("ヤマダ　ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("  やまだ 　花子 ", "refuses '花'"),
            ("やまだ　　はなこ", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("キョウコ", "ｷﾖｳｺ"),
            ("キュウヨ", "ｷﾕｳﾖ"),
            ("ｷｮｳｺ", "ｷﾖｳｺ"),
            ("ショッピングセンター", "ｼﾖﾂﾋﾟﾝｸﾞｾﾝﾀ-"),
            ("ヴァイオリン", "ｳﾞｱｲｵﾘﾝ"),
            ("か\u{3099}く は\u{309A}", "ｶﾞｸ ﾊﾟ"),
            ("カ゛ク", "ｶﾞｸ"),
            ("abc－１２．３／（ｚ）", "ABC-12.3/(Z)"),
            ("ジョン・スミス", "refuses '・'"),
            ("スミス,ジョン", "refuses ','"),
            ("をの", "refuses 'を'"),
            ("ヲノ", "refuses 'ヲ'"),
            ("ヰタ", "refuses 'ヰ'"),
            ("「カド」", "refuses '「'"),
            ("ア゛", "alone ﾞ"),
            ("ﾞ", "alone ﾞ"),
            ("ガ゛", "alone ﾞ"),
            ("カﾟ", "alone ﾟ"),
            ("ア\u{7}", "refuses '\\u{7}'"),
            ("😀", "refuses '😀'"),
            ("", "empty"),
            ("\u{3000}\t", "empty"),
        ];
        for (text, expected) in table {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn forms_of_companies_are_abbreviated_by_place() {
        let table = [
            ("株式会社ＡＢＣ", "ｶ)ABC"),
            ("株式会社　やまだ", "ｶ)ﾔﾏﾀﾞ"),
            ("やまだ　株式会社", "ﾔﾏﾀﾞ(ｶ"),
            ("ヤマダ株式会社オオサカ", "ﾔﾏﾀﾞ(ｶ)ｵｵｻｶ"),
            ("ヤマダ株式会社営業所", "ﾔﾏﾀﾞ(ｶ)(ｴｲ"),
            ("カブシキガイシャ　ヤマダ", "ｶ)ﾔﾏﾀﾞ"),
            ("（株）ヤマダ", "ｶ)ﾔﾏﾀﾞ"),
            ("ヤマダ㈱", "ﾔﾏﾀﾞ(ｶ"),
            ("カ）ヤマダ", "ｶ)ﾔﾏﾀﾞ"),
            ("有限会社アオ", "ﾕ)ｱｵ"),
            ("アオ合同会社", "ｱｵ(ﾄﾞ"),
            ("一般社団法人アオ", "ｼﾔ)ｱｵ"),
            ("医療法人社団アオ", "ｲ)ｱｵ"),
            ("株式会社", "ｶ)"),
            ("株式", "refuses '株'"),
        ];
        for (text, expected) in table {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_kana_and_not_before_a_mark() {
        let ends_at = |count: usize, end: &str| format!("{}{end}", "ア".repeat(count));
        let table = [
            (ends_at(30, ""), ends_at(30, "").replace('ア', "ｱ")),
            (ends_at(31, ""), ends_at(30, "").replace('ア', "ｱ")),
            (ends_at(28, "ガ"), ends_at(28, "ｶﾞ").replace('ア', "ｱ")),
            (ends_at(29, "ガ"), ends_at(29, "").replace('ア', "ｱ")),
            (ends_at(28, "ガガ"), ends_at(28, "ｶﾞ").replace('ア', "ｱ")),
            (ends_at(29, " イ"), ends_at(29, "").replace('ア', "ｱ")),
        ];
        for (text, expected) in table {
            assert_eq!(name(&text), expected, "{text}");
        }
    }

    #[test]
    fn each_character_is_one_byte() {
        let name = BankText::<30>::parse("ヤマダ ハナコ").unwrap();
        let bytes: Vec<u8> = name.bytes().collect();
        assert_eq!(bytes, b"\xD4\xCF\xC0\xDE \xCA\xC5\xBA");
        assert_eq!(encoding_rs::SHIFT_JIS.decode(&bytes).0, name.as_str());
        assert_eq!(BankText::<30>::read(&bytes), Ok(name));
        assert_eq!(BankText::<30>::read(b"\xD4\xDE"), Err(1));
        assert_eq!(BankText::<30>::read(b"A,B"), Err(1));
        assert_eq!(BankText::<30>::read(b"  "), Ok(BankText::default()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_short_and_stays(
            text in "[ ぁ-ゖァ-ヶーａ-ｚ０-９ｦ-ﾟ株式会社()（）a-zA-Z0-9./-]{0,40}",
        ) {
            if let Ok(name) = BankText::<30>::parse(&text) {
                let bytes: Vec<u8> = name.bytes().collect();
                prop_assert!(bytes.len() <= 30, "{} bytes", bytes.len());
                prop_assert_eq!(bytes.len(), name.as_str().chars().count());
                prop_assert_eq!(BankText::<30>::read(&bytes), Ok(name.clone()));
                prop_assert_eq!(BankText::<30>::parse(name.as_str()), Ok(name));
            }
        }

        #[test]
        fn any_text_is_written_or_refused(text in "\\PC{0,60}") {
            if let Err(KanaError::Character(character)) = BankText::<30>::parse(&text) {
                prop_assert!(!character.is_ascii_uppercase(), "{character}");
            }
        }
    }
}
