//! What people read, in two languages, from Fluent files.
//!
//! Every feature gives its `ja.ftl` and `en.ftl` as one [`TextSource`]; [`Texts`] is built once
//! from all of them. [`differences`] is what a feature's test asserts to be empty.

use core::fmt;
use std::{borrow::Cow, collections::BTreeMap};

use axum::http::{HeaderMap, header};
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use fluent_syntax::ast;
use unic_langid::LanguageIdentifier;

use crate::cookie::find_cookie;

pub use fluent_bundle::FluentValue as TextValue;

/// The texts of the page frame, its components and the door's problems.
pub const TEXTS: TextSource = TextSource {
    name: "web",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

/// The cookie that keeps a person's choice.
pub const LANGUAGE_COOKIE: &str = "lang";

/// The languages everything is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// 日本語, unless something else is asked for.
    #[default]
    Japanese,
    /// English.
    English,
}

impl Language {
    /// Gives the code for `lang` attributes and cookies.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }

    /// Gives the other one, for the switch.
    pub const fn other(self) -> Self {
        match self {
            Self::Japanese => Self::English,
            Self::English => Self::Japanese,
        }
    }

    /// Gives its own name for itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Japanese => "日本語",
            Self::English => "English",
        }
    }

    /// Reads a code; `ja-JP` and `en-GB` count as `ja` and `en`.
    pub fn parse(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ja") {
            Some(Self::Japanese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// Chooses by `?lang=`, then the cookie, then `Accept-Language`, then Japanese.
    pub fn choose(query: Option<&str>, headers: &HeaderMap) -> Self {
        Self::in_query(query)
            .or_else(|| find_cookie(headers, LANGUAGE_COOKIE).and_then(Self::parse))
            .or_else(|| accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?))
            .unwrap_or_default()
    }

    pub(crate) fn in_query(query: Option<&str>) -> Option<Self> {
        form_urlencoded::parse(query?.as_bytes())
            .find(|(name, _)| name == "lang")
            .and_then(|(_, code)| Self::parse(&code))
    }
}

/// Takes the known language of the highest quality, the first of equals; quality 0 is a refusal.
fn accepted(header: &str) -> Option<Language> {
    let mut best: Option<(u32, Language)> = None;
    for part in header.split(',') {
        let (code, quality) = part.split_once(';').unwrap_or((part, "q=1"));
        let Some(language) = Language::parse(code.trim()) else { continue };
        let quality = thousandths(quality.trim().trim_start_matches("q="));
        if quality > 0 && best.is_none_or(|(found, _)| quality > found) {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Reads a quality (`0.8`) as thousandths, without floating point; nonsense is 0.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<3}");
    match (whole.parse::<u32>(), fraction.get(..3).and_then(|text| text.parse::<u32>().ok())) {
        (Ok(whole), Some(fraction)) => {
            whole.saturating_mul(1_000).saturating_add(fraction).min(1_000)
        }
        (Ok(_) | Err(_), _) => 0,
    }
}

/// One feature's texts: the contents of its `ja.ftl` and `en.ftl`.
#[derive(Clone, Copy, Debug)]
pub struct TextSource {
    /// The feature, for messages.
    pub name: &'static str,
    /// Fluent, in Japanese.
    pub japanese: &'static str,
    /// Fluent, in English.
    pub english: &'static str,
}

/// A Fluent file that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextsError {
    /// Not Fluent.
    #[error("the texts of {name} ({language}) cannot be read: {reason}")]
    Syntax {
        /// The source's name.
        name: &'static str,
        /// The language's code.
        language: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A key that another source has as well.
    #[error("the texts of {name} ({language}) repeat a key: {reason}")]
    Twice {
        /// The source's name.
        name: &'static str,
        /// The language's code.
        language: &'static str,
        /// Which key.
        reason: String,
    },
}

/// All texts in both languages.
pub struct Texts {
    japanese: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl Texts {
    /// Builds from every feature's source; [`TEXTS`] must be among them for the page frame.
    ///
    /// # Errors
    ///
    /// [`TextsError`] when a file is no Fluent or a key is there twice.
    pub fn try_new(sources: &[TextSource]) -> Result<Self, TextsError> {
        Ok(Self {
            japanese: bundle(Language::Japanese, sources)?,
            english: bundle(Language::English, sources)?,
        })
    }

    /// Gives a text, or the key in marks `⟦…⟧` that a page test looks for.
    pub fn get(&self, language: Language, key: &str) -> Cow<'_, str> {
        self.find(language, key, &[]).unwrap_or_else(|| missing(language, key))
    }

    /// Gives a text with its arguments filled in. Amounts are given as text: Fluent's numbers are
    /// floating point.
    pub fn with(&self, language: Language, key: &str, args: &[(&str, TextValue<'_>)]) -> String {
        self.find(language, key, args).unwrap_or_else(|| missing(language, key)).into_owned()
    }

    /// Finds a text; `None` when there is no such key.
    pub fn find(
        &self,
        language: Language,
        key: &str,
        args: &[(&str, TextValue<'_>)],
    ) -> Option<Cow<'_, str>> {
        let bundle = match language {
            Language::Japanese => &self.japanese,
            Language::English => &self.english,
        };
        let pattern = bundle.get_message(key)?.value()?;
        let args: FluentArgs<'_> =
            args.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(text.key = key, errors = ?errors, "text {key} lacks an argument");
        }
        Some(Cow::Owned(text))
    }

    /// Takes one language, for templates.
    pub const fn words(&self, language: Language) -> Words<'_> {
        Words { texts: self, language }
    }
}

fn missing(language: Language, key: &str) -> Cow<'static, str> {
    tracing::error!(text.key = key, text.language = language.code(), "text {key} is missing");
    Cow::Owned(format!("⟦{key}⟧"))
}

fn bundle(
    language: Language,
    sources: &[TextSource],
) -> Result<FluentBundle<FluentResource>, TextsError> {
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Marks of direction around arguments are for right-to-left texts; here they only disturb
    // copying.
    bundle.set_use_isolating(false);
    for source in sources {
        let (name, code) = (source.name, language.code());
        let text = match language {
            Language::Japanese => source.japanese,
            Language::English => source.english,
        };
        let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| {
            TextsError::Syntax { name, language: code, reason: format!("{errors:?}") }
        })?;
        bundle.add_resource(resource).map_err(|errors| TextsError::Twice {
            name,
            language: code,
            reason: format!("{errors:?}"),
        })?;
    }
    Ok(bundle)
}

/// The texts in one language: what a template holds.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    texts: &'a Texts,
    language: Language,
}

impl<'a> Words<'a> {
    /// Gives a text.
    pub fn get(&self, key: &str) -> Cow<'a, str> {
        self.texts.get(self.language, key)
    }

    /// Gives a text with arguments: `words.with("point-count", &[("count", 3.into())])`.
    pub fn with(&self, key: &str, args: &[(&str, TextValue<'_>)]) -> String {
        self.texts.with(self.language, key, args)
    }

    /// Finds a text; `None` when there is no such key.
    pub fn find(&self, key: &str) -> Option<Cow<'a, str>> {
        self.texts.find(self.language, key, &[])
    }

    /// Gives the language.
    pub const fn language(&self) -> Language {
        self.language
    }
}

/// Compares both languages of a source: every key that one lacks, and every key whose variables
/// differ. A feature's test asserts that there are none.
pub fn differences(source: &TextSource) -> Vec<String> {
    let (japanese, english) = (variables(source.japanese), variables(source.english));
    let mut found = Vec::new();
    for (key, names) in &japanese {
        match english.get(key) {
            None => found.push(format!("{key} is missing in English")),
            Some(other) if other != names => {
                found.push(format!("{key} has {names:?} in Japanese and {other:?} in English"));
            }
            Some(_) => {}
        }
    }
    found.extend(
        english
            .keys()
            .filter(|key| !japanese.contains_key(*key))
            .map(|key| format!("{key} is missing in Japanese")),
    );
    found
}

/// Lists each message with the variables that stand in it.
fn variables(text: &str) -> BTreeMap<String, Vec<String>> {
    let resource = match fluent_syntax::parser::parse(text) {
        Ok(resource) => resource,
        Err((resource, _errors)) => resource,
    };
    let mut keys = BTreeMap::new();
    for entry in resource.body {
        match entry {
            ast::Entry::Message(message) => {
                let mut names = Vec::new();
                if let Some(pattern) = &message.value {
                    collect(pattern, &mut names);
                }
                names.sort_unstable();
                names.dedup();
                keys.insert(message.id.name.to_owned(), names);
            }
            ast::Entry::Junk { content } => {
                keys.insert(format!("junk {content}"), Vec::new());
            }
            ast::Entry::Term(_)
            | ast::Entry::Comment(_)
            | ast::Entry::GroupComment(_)
            | ast::Entry::ResourceComment(_) => {}
        }
    }
    keys
}

fn collect(pattern: &ast::Pattern<&str>, names: &mut Vec<String>) {
    for element in &pattern.elements {
        match element {
            ast::PatternElement::TextElement { .. } => {}
            ast::PatternElement::Placeable { expression } => collect_expression(expression, names),
        }
    }
}

fn collect_expression(expression: &ast::Expression<&str>, names: &mut Vec<String>) {
    match expression {
        ast::Expression::Inline(inline) => collect_inline(inline, names),
        ast::Expression::Select { selector, variants } => {
            collect_inline(selector, names);
            for variant in variants {
                collect(&variant.value, names);
            }
        }
    }
}

fn collect_inline(inline: &ast::InlineExpression<&str>, names: &mut Vec<String>) {
    match inline {
        ast::InlineExpression::VariableReference { id } => names.push(id.name.to_owned()),
        ast::InlineExpression::FunctionReference { arguments, .. } => {
            for argument in &arguments.positional {
                collect_inline(argument, names);
            }
        }
        ast::InlineExpression::Placeable { expression } => collect_expression(expression, names),
        ast::InlineExpression::StringLiteral { .. }
        | ast::InlineExpression::NumberLiteral { .. }
        | ast::InlineExpression::MessageReference { .. }
        | ast::InlineExpression::TermReference { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn both_languages_have_the_same_keys_and_variables() {
        assert_eq!(differences(&TEXTS), Vec::<String>::new());
        let source = TextSource {
            name: "sample",
            japanese: "a = { $x }\nb = b\n",
            english: "a = { $y ->\n  [one] { $z }\n *[other] many\n }\nc = c\n",
        };
        assert_eq!(
            differences(&source),
            [
                "a has [\"x\"] in Japanese and [\"y\", \"z\"] in English",
                "b is missing in English",
                "c is missing in Japanese",
            ]
        );
    }

    #[test]
    fn the_language_is_chosen_by_link_then_cookie_then_browser() {
        let table = [
            (None, "", "", Language::Japanese),
            (None, "", "en-GB,en;q=0.9,ja;q=0.8", Language::English),
            (None, "", "fr, en;q=0.5, ja;q=0.9", Language::Japanese),
            (None, "", "en;q=0", Language::Japanese),
            (None, "", "de", Language::Japanese),
            (None, "lang=en", "ja", Language::English),
            (Some("lang=ja"), "lang=en", "en", Language::Japanese),
            (Some("lang=xx"), "lang=en", "ja", Language::English),
        ];
        for (query, cookie, accept, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
            let found = Language::choose(query, &headers);
            assert_eq!(found, expected, "{query:?} {cookie} {accept}");
        }
    }

    #[test]
    fn texts_are_filled_in_and_a_missing_one_is_marked() {
        let source = TextSource {
            name: "sample",
            japanese: "points = { $count } ポイント\n",
            english: "points = { $count ->\n  [one] { $count } point\n *[other] { $count } points\n }\n",
        };
        let texts = Texts::try_new(&[source]).unwrap();
        let count = |count: i64| [("count", TextValue::from(count))];
        assert_eq!(texts.with(Language::Japanese, "points", &count(3)), "3 ポイント");
        assert_eq!(texts.with(Language::English, "points", &count(1)), "1 point");
        assert_eq!(texts.with(Language::English, "points", &count(2)), "2 points");
        assert_eq!(texts.get(Language::English, "none"), "⟦none⟧");
        assert!(matches!(Texts::try_new(&[source, source]), Err(TextsError::Twice { .. })));
    }
}
