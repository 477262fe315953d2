//! Finding shops by what members type: in kana of either kind, in kanji, in Latin letters as they
//! would be typed into a Japanese keyboard, in full or half width, and with a slip of the finger.
//! Reading is a pure function of the texts.

use std::collections::BTreeSet;

/// How well something was found; what is better is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// A word is almost what was typed.
    Similar,
    /// What was typed stands within a word.
    Within,
    /// A word begins with what was typed.
    Beginning,
    /// A word is what was typed.
    Whole,
}

/// The words under which something is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchWords(BTreeSet<String>);

impl SearchWords {
    /// Folds names and readings, which may have several words each.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = BTreeSet::new();
        for text in texts {
            for word in fold(text).split_whitespace() {
                words.extend(kana_of(word));
                words.extend(latin_of(word));
                words.insert(word.to_owned());
            }
        }
        Self(words)
    }

    /// Finds a query, every word of which has to be found; gives how well the worst of them was.
    /// An empty query is found everywhere.
    pub fn find(&self, query: &Query) -> Option<Match> {
        query.0.iter().map(|spellings| self.best(spellings)).min().unwrap_or(Some(Match::Whole))
    }

    fn best(&self, spellings: &[String]) -> Option<Match> {
        let pairs =
            || spellings.iter().flat_map(|typed| self.0.iter().map(move |word| (typed, word)));
        pairs().filter_map(|(typed, word)| compare(typed, word)).max()
    }
}

/// What was typed: each word in the spellings that it may stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<Vec<String>>);

/// More of a query is not looked at.
const WORDS_MAX: usize = 8;
/// More of a word is not looked at.
const LETTERS_MAX: usize = 64;

impl Query {
    /// Folds what was typed.
    pub fn new(text: &str) -> Self {
        let spellings = |word: &str| {
            let word: String = word.chars().take(LETTERS_MAX).collect();
            let kana = kana_of(&word);
            core::iter::once(word).chain(kana).collect()
        };
        Self(fold(text).split_whitespace().take(WORDS_MAX).map(spellings).collect())
    }

    /// Tells whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn compare(typed: &str, word: &str) -> Option<Match> {
    if word == typed {
        Some(Match::Whole)
    } else if word.starts_with(typed) {
        Some(Match::Beginning)
    } else if word.contains(typed) {
        Some(Match::Within)
    } else {
        is_similar(typed, word).then_some(Match::Similar)
    }
}

/// Folds what means the same to a member: width, case, the kind of kana, long vowels, marks.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        match widened(character) {
            // A half-width mark belongs to the kana before it.
            'ﾞ' | '\u{3099}' | '゛' => voice(&mut folded, voiced),
            'ﾟ' | '\u{309A}' | '゜' => voice(&mut folded, half_voiced),
            // Long vowels are written or not, as people please.
            'ー' | '-' | '‐' | '−' | '–' | '―' | '~' | '〜' | '\'' | '’' => {}
            other if other.is_alphanumeric() => folded.extend(hiragana(other).to_lowercase()),
            _ => folded.push(' '),
        }
    }
    shortened(&folded)
}

/// Leaves out the second half of long vowels, which nobody writes in Latin letters.
fn shortened(kana: &str) -> String {
    const ENDING_IN_O: &str = "おこそとのほもよろをごぞどぼぽょ";
    const ENDING_IN_U: &str = "うくすつぬふむゆるぐずづぶぷゅ";
    let mut short = String::with_capacity(kana.len());
    for character in kana.chars() {
        let before = short.chars().next_back();
        let after_o = before.is_some_and(|before| ENDING_IN_O.contains(before));
        let after_u = before.is_some_and(|before| ENDING_IN_U.contains(before));
        match character {
            'う' if after_o || after_u => {}
            'お' if after_o => {}
            other => short.push(other),
        }
    }
    short
}

fn voice(folded: &mut String, by: fn(char) -> Option<char>) {
    if let Some(kana) = folded.pop() {
        folded.push(by(kana).unwrap_or(kana));
    }
}

fn voiced(kana: char) -> Option<char> {
    let plain = "うかきくけこさしすせそたちつてとはひふへほ";
    let marked = "ゔがぎぐげござじずぜぞだぢづでどばびぶべぼ";
    plain.chars().zip(marked.chars()).find(|(one, _)| *one == kana).map(|(_, other)| other)
}

fn half_voiced(kana: char) -> Option<char> {
    let (plain, marked) = ("はひふへほ", "ぱぴぷぺぽ");
    plain.chars().zip(marked.chars()).find(|(one, _)| *one == kana).map(|(_, other)| other)
}

/// Makes half-width kana wide and full-width letters narrow.
fn widened(character: char) -> char {
    const KANA: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
    let code = u32::from(character);
    match character {
        '！'..='～' => code.checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(character),
        'ｦ'..='ﾝ' => {
            let place = code.saturating_sub(u32::from('ｦ'));
            let found = usize::try_from(place).ok().and_then(|place| KANA.chars().nth(place));
            found.unwrap_or(character)
        }
        other => other,
    }
}

fn hiragana(character: char) -> char {
    match character {
        'ァ'..='ヶ' => {
            u32::from(character).checked_sub(0x60).and_then(char::from_u32).unwrap_or(character)
        }
        other => other,
    }
}

/// Reads Latin letters as they are typed on a Japanese keyboard, in Hepburn or by the official
/// system; `None` when they are no syllables. Letters at the end that begin one are left out, so
/// that a word is found while it is typed; long vowels are taken as they are written in kana.
fn kana_of(word: &str) -> Option<String> {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut kana = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let syllable = (1..=4)
            .rev()
            .filter_map(|length| rest.split_at_checked(length))
            .find_map(|(head, tail)| syllable(head).map(|found| (found, tail)));
        let next = rest.get(1..).unwrap_or_default();
        match syllable {
            Some((found, tail)) => {
                kana.push_str(found);
                rest = tail;
            }
            // n before a consonant or at the end, where it may be doubled; m before b, m and p.
            None if first == 'n' => {
                kana.push('ん');
                let doubled = next.strip_prefix('n');
                let of_next = |after: &&str| after.starts_with(['a', 'i', 'u', 'e', 'o', 'y']);
                rest = doubled.filter(|after| !of_next(after)).unwrap_or(next);
            }
            None if first == 'm' && next.starts_with(['b', 'm', 'p']) => {
                kana.push('ん');
                rest = next;
            }
            None if next.starts_with(first) || (first == 't' && next.starts_with("ch")) => {
                kana.push('っ');
                rest = next;
            }
            None if SYLLABLES.iter().any(|(latin, _)| latin.starts_with(rest)) => break,
            None => return None,
        }
    }
    (!kana.is_empty()).then(|| shortened(&kana))
}

/// Writes kana in Latin letters, for slips of those who type such; `None` for other words.
fn latin_of(word: &str) -> Option<String> {
    let mut latin = String::new();
    let mut doubled = false;
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let after = |count: usize| rest.char_indices().nth(count).map_or(rest.len(), |(at, _)| at);
        let found = [2, 1].into_iter().find_map(|count| {
            let (head, tail) = rest.split_at_checked(after(count))?;
            SYLLABLES.iter().rev().find(|(_, kana)| *kana == head).map(|(latin, _)| (*latin, tail))
        });
        match (found, first) {
            (Some((syllable, tail)), _) => {
                latin.extend(syllable.chars().next().filter(|_| doubled));
                latin.push_str(syllable);
                (rest, doubled) = (tail, false);
            }
            (None, 'ん' | 'っ') => {
                latin.extend(Some('n').filter(|_| first == 'ん'));
                doubled = first == 'っ';
                rest = rest.split_at_checked(first.len_utf8()).map_or("", |(_, tail)| tail);
            }
            (None, _) => return None,
        }
    }
    Some(latin)
}

fn syllable(latin: &str) -> Option<&'static str> {
    SYLLABLES.iter().find(|(known, _)| *known == latin).map(|(_, kana)| *kana)
}

#[rustfmt::skip]
static SYLLABLES: &[(&str, &str)] = &[
    ("a", "あ"), ("i", "い"), ("u", "う"), ("e", "え"), ("o", "お"),
    ("ka", "か"), ("ki", "き"), ("ku", "く"), ("ke", "け"), ("ko", "こ"),
    ("sa", "さ"), ("si", "し"), ("shi", "し"), ("su", "す"), ("se", "せ"), ("so", "そ"),
    ("ta", "た"), ("ti", "ち"), ("chi", "ち"), ("tu", "つ"), ("tsu", "つ"), ("te", "て"), ("to", "と"),
    ("na", "な"), ("ni", "に"), ("nu", "ぬ"), ("ne", "ね"), ("no", "の"),
    ("ha", "は"), ("hi", "ひ"), ("hu", "ふ"), ("fu", "ふ"), ("he", "へ"), ("ho", "ほ"),
    ("ma", "ま"), ("mi", "み"), ("mu", "む"), ("me", "め"), ("mo", "も"),
    ("ya", "や"), ("yu", "ゆ"), ("yo", "よ"),
    ("ra", "ら"), ("ri", "り"), ("ru", "る"), ("re", "れ"), ("ro", "ろ"),
    ("wa", "わ"), ("wo", "を"), ("wi", "うぃ"), ("we", "うぇ"),
    ("ga", "が"), ("gi", "ぎ"), ("gu", "ぐ"), ("ge", "げ"), ("go", "ご"),
    ("za", "ざ"), ("zi", "じ"), ("ji", "じ"), ("zu", "ず"), ("ze", "ぜ"), ("zo", "ぞ"),
    ("da", "だ"), ("di", "ぢ"), ("du", "づ"), ("de", "で"), ("do", "ど"),
    ("ba", "ば"), ("bi", "び"), ("bu", "ぶ"), ("be", "べ"), ("bo", "ぼ"),
    ("pa", "ぱ"), ("pi", "ぴ"), ("pu", "ぷ"), ("pe", "ぺ"), ("po", "ぽ"),
    ("va", "ゔぁ"), ("vi", "ゔぃ"), ("vu", "ゔ"), ("ve", "ゔぇ"), ("vo", "ゔぉ"),
    ("fa", "ふぁ"), ("fi", "ふぃ"), ("fe", "ふぇ"), ("fo", "ふぉ"),
    ("kya", "きゃ"), ("kyu", "きゅ"), ("kyo", "きょ"),
    ("sya", "しゃ"), ("syu", "しゅ"), ("syo", "しょ"),
    ("sha", "しゃ"), ("shu", "しゅ"), ("sho", "しょ"), ("she", "しぇ"),
    ("tya", "ちゃ"), ("tyu", "ちゅ"), ("tyo", "ちょ"),
    ("cha", "ちゃ"), ("chu", "ちゅ"), ("cho", "ちょ"), ("che", "ちぇ"),
    ("nya", "にゃ"), ("nyu", "にゅ"), ("nyo", "にょ"),
    ("hya", "ひゃ"), ("hyu", "ひゅ"), ("hyo", "ひょ"),
    ("mya", "みゃ"), ("myu", "みゅ"), ("myo", "みょ"),
    ("rya", "りゃ"), ("ryu", "りゅ"), ("ryo", "りょ"),
    ("gya", "ぎゃ"), ("gyu", "ぎゅ"), ("gyo", "ぎょ"),
    ("zya", "じゃ"), ("zyu", "じゅ"), ("zyo", "じょ"),
    ("jya", "じゃ"), ("jyu", "じゅ"), ("jyo", "じょ"),
    ("ja", "じゃ"), ("ju", "じゅ"), ("jo", "じょ"), ("je", "じぇ"),
    ("bya", "びゃ"), ("byu", "びゅ"), ("byo", "びょ"),
    ("pya", "ぴゃ"), ("pyu", "ぴゅ"), ("pyo", "ぴょ"),
    ("thi", "てぃ"), ("dhi", "でぃ"), ("tsa", "つぁ"),
];

/// So many letters are needed before a slip is forgiven: shorter words are too much alike.
const SLIP_LETTERS_MIN: usize = 4;

/// Tells whether a word, or its beginning, is one slip away from what was typed: a letter wrong,
/// missing or too much, or two neighbours exchanged.
fn is_similar(typed: &str, word: &str) -> bool {
    let typed: Vec<char> = typed.chars().collect();
    if typed.len() < SLIP_LETTERS_MIN {
        return false;
    }
    let word: Vec<char> = word.chars().take(typed.len().saturating_add(1)).collect();
    let same = typed.iter().zip(&word).take_while(|(one, other)| one == other).count();
    // The first letter is rarely wrong, and without it too much is alike.
    if same == 0 {
        return false;
    }
    let (typed, word) =
        (typed.get(same..).unwrap_or_default(), word.get(same..).unwrap_or_default());
    let begins = |rest: &[char], of: &[char]| of.starts_with(rest);
    let (after_typed, after_word) = (typed.get(1..), word.get(1..));
    let wrong = after_typed.zip(after_word).is_some_and(|(typed, word)| begins(typed, word));
    let too_much = after_typed.is_some_and(|typed| begins(typed, word));
    let missing = after_word.is_some_and(|word| begins(typed, word));
    let exchanged = match (typed, word) {
        ([one, two, typed @ ..], [first, second, word @ ..]) => {
            one == second && two == first && begins(typed, word)
        }
        _ => false,
    };
    wrong || too_much || missing || exchanged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, reading: &str, typed: &str) -> Option<Match> {
        SearchWords::of([name, reading]).find(&Query::new(typed))
    }

    #[test]
    fn a_shop_is_found_however_it_is_typed() {
        let table = [
            ("きらめき", Some(Match::Whole)),
            ("きらめきひゃ", None),
            ("きらめき百", Some(Match::Beginning)),
            ("キラメキ", Some(Match::Whole)),
            ("ｷﾗﾒｷ", Some(Match::Whole)),
            ("百貨店", Some(Match::Within)),
            ("デパート", Some(Match::Whole)),
            ("ﾃﾞﾊﾟｰﾄ", Some(Match::Whole)),
            ("でぱと", Some(Match::Whole)),
            ("depato", Some(Match::Whole)),
            ("kirameki", Some(Match::Whole)),
            ("KIRAMEKI", Some(Match::Whole)),
            ("ｋｉｒａｍｅｋｉ", Some(Match::Whole)),
            ("kiramek", Some(Match::Beginning)),
            ("kir", Some(Match::Beginning)),
            ("kiramei", Some(Match::Similar)),
            ("kriameki", Some(Match::Similar)),
            ("きらめい", Some(Match::Similar)),
            ("きらねき", Some(Match::Similar)),
            ("きらめき デパート", Some(Match::Whole)),
            ("きらめき　食品", None),
            ("kurameki", Some(Match::Similar)),
            ("めき", Some(Match::Within)),
            ("", Some(Match::Whole)),
            ("・、。", Some(Match::Whole)),
            ("さくら", None),
            ("zzz", None),
        ];
        for (typed, expected) in table {
            assert_eq!(found("きらめき百貨店", "キラメキ デパート", typed), expected, "{typed}");
        }
    }

    #[test]
    fn latin_letters_are_read_as_they_are_typed() {
        let table = [
            ("sinbun", Some("しんぶん")),
            ("shimbun", Some("しんぶん")),
            ("kekkon", Some("けっこん")),
            ("matcha", Some("まっちゃ")),
            ("zyosei", Some("じょせい")),
            ("josei", Some("じょせい")),
            ("kannon", Some("かんのん")),
            ("sinnbun", Some("しんぶん")),
            ("tokyo", Some("ときょ")),
            ("toukyou", Some("ときょ")),
            ("rakute", Some("らくて")),
            ("raku", Some("らく")),
            ("rakut", Some("らく")),
            ("k", None),
            ("xyz", None),
            ("shop1", None),
        ];
        for (latin, kana) in table {
            assert_eq!(kana_of(latin).as_deref(), kana, "{latin}");
        }
    }

    #[test]
    fn kana_are_written_as_they_are_read() {
        let table = [
            ("きらめき", Some("kirameki")),
            ("まっちゃ", Some("maccha")),
            ("しんぶん", Some("shinbun")),
        ];
        for (kana, latin) in table {
            assert_eq!(latin_of(kana).as_deref(), latin, "{kana}");
        }
        assert_eq!(found("おおさか東京", "オオサカ トウキョウ", "osaka tokyo"), Some(Match::Whole));
    }

    #[test]
    fn much_or_strange_text_is_no_matter() {
        let long = "あ".repeat(10_000);
        assert_eq!(found(&long, "", &"あ".repeat(100)), Some(Match::Beginning));
        for typed in ["ﾞﾟ", "\u{3099}", "ー", "\0", "👩‍🚀", "(((", "%_"] {
            assert!(found("よむ書店", "ヨム yomu", typed) != Some(Match::Similar), "{typed}");
        }
    }
}
