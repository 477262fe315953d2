//! The design system's parts: a value in Rust, its markup in `templates/components/`.
//!
//! A feature's template writes `{{ field }}` and gets markup; everything a part is given is escaped
//! by its own template. They are values and not template macros, so that each is compiled once,
//! takes typed arguments and is tested here; containers without logic (`.card`, `.grid`, `.row`,
//! `.narrow`) are plain classes of the stylesheet.

use core::fmt;

use askama::{FastWritable, Template, filters::HtmlSafe};

use crate::{page::NavItem, texts::Words};
use vocabulary::{Amount, Scale};

macro_rules! part {
    ($($name:ty),*) => {$(impl HtmlSafe for $name {})*};
}

part!(
    Button,
    LinkButton,
    TextField,
    Select,
    FormToken,
    ErrorSummary,
    Notice,
    DataList,
    Table,
    Figure,
    Badge,
    EmptyState,
    Pager,
    Story,
    Tabs,
    Progress,
    Html
);

/// Markup that is already safe: what a template rendered, never a text from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Renders a template.
    pub fn of(template: &impl Template) -> Self {
        Self(crate::page::rendered(template))
    }

    /// Escapes a text in which back-quotes mark code, as in doc comments.
    pub fn prose(text: &str) -> Self {
        let mut html = String::new();
        for (place, part) in text.split('`').enumerate() {
            let part = Self::of(&Escaped { text: part });
            let code = !place.is_multiple_of(2);
            html.push_str(if code { "<code>" } else { "" });
            html.push_str(&part.0);
            html.push_str(if code { "</code>" } else { "" });
        }
        Self(html)
    }

    /// Tells whether there is nothing to show.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FastWritable for Html {
    fn write_into(
        &self,
        dest: &mut dyn fmt::Write,
        _values: &dyn askama::Values,
    ) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// The one thing this page is for; at most one a page.
    #[default]
    Primary,
    /// Everything else.
    Quiet,
    /// What cannot be undone.
    Danger,
}

impl Weight {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "",
            Self::Quiet => " button-quiet",
            Self::Danger => " button-danger",
        }
    }
}

/// A button that sends its form.
#[derive(Clone, Debug, Template)]
#[template(path = "components/button.html")]
pub struct Button {
    label: String,
    weight: Weight,
    choice: Option<(String, String)>,
}

impl Button {
    /// Makes the page's main button.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), weight: Weight::Primary, choice: None }
    }

    /// Sets how much it stands out.
    pub fn weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Sends a name and value of its own, when a form has several buttons.
    pub fn choice(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.choice = Some((name.into(), value.into()));
        self
    }
}

/// A link that looks like a button, for going on; never for changing anything.
#[derive(Clone, Debug, Template)]
#[template(path = "components/link_button.html")]
pub struct LinkButton {
    label: String,
    href: String,
    weight: Weight,
}

impl LinkButton {
    /// Makes the page's main way on.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into(), weight: Weight::Primary }
    }

    /// Sets how much it stands out.
    pub fn weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }
}

/// What a text field holds; chooses the phone's keyboard and the browser's own help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldKind {
    /// One line.
    #[default]
    Text,
    /// A mail address.
    Email,
    /// A password; its value is never shown again.
    Password,
    /// A figure: digits, right-aligned.
    Figure,
    /// A telephone number.
    Telephone,
    /// Search words.
    Search,
    /// A day.
    Day,
    /// A day and a time of day, without a zone: `2026-11-20T12:04`.
    Moment,
    /// Several lines.
    Lines,
}

impl FieldKind {
    const fn input_type(self) -> &'static str {
        match self {
            // Not `number`: it takes `1e3`, loses leading zeros and changes when one scrolls.
            Self::Text | Self::Figure | Self::Lines => "text",
            Self::Email => "email",
            Self::Password => "password",
            Self::Telephone => "tel",
            Self::Search => "search",
            Self::Day => "date",
            Self::Moment => "datetime-local",
        }
    }

    const fn figure(self) -> bool {
        matches!(self, Self::Figure)
    }
}

/// A labelled text field with its hint and error, tied together for screen readers.
#[derive(Clone, Debug, Template)]
#[template(path = "components/text_field.html")]
pub struct TextField {
    name: String,
    label: String,
    mark: String,
    required: bool,
    value: String,
    kind: FieldKind,
    hint: String,
    error: String,
    suffix: String,
    autocomplete: String,
    characters_max: Option<u32>,
    focused: bool,
    fixed: bool,
}

impl TextField {
    /// Makes a required field; its id is `field-` and the name.
    pub fn new(words: Words<'_>, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            mark: words.get("field-required").into_owned(),
            required: true,
            value: String::new(),
            kind: FieldKind::Text,
            hint: String::new(),
            error: String::new(),
            suffix: String::new(),
            autocomplete: String::new(),
            characters_max: None,
            focused: false,
            fixed: false,
        }
    }

    /// Lets it be empty.
    pub fn optional(mut self, words: Words<'_>) -> Self {
        self.mark = words.get("field-optional").into_owned();
        self.required = false;
        self
    }

    /// Says what it holds.
    pub const fn kind(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    /// Fills it in, as it was sent.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// Explains what to enter, before anything goes wrong.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Says what is wrong and how to put it right; empty for nothing.
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }

    /// Shows a unit after the field.
    pub fn suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// Names the purpose for the browser (`email`, `current-password`, `one-time-code`, …).
    pub fn autocomplete(mut self, purpose: impl Into<String>) -> Self {
        self.autocomplete = purpose.into();
        self
    }

    /// Puts the cursor into it: for the one field of a page that is to be filled in first.
    pub const fn focused(mut self) -> Self {
        self.focused = true;
        self
    }

    /// Lets it only be read and copied.
    pub fn fixed(mut self) -> Self {
        self.mark = String::new();
        self.required = false;
        self.fixed = true;
        self
    }

    /// Bounds what can be typed.
    pub const fn characters_max(mut self, characters: u32) -> Self {
        self.characters_max = Some(characters);
        self
    }

    fn described_by(&self) -> String {
        described_by(&self.name, &self.hint, &self.error)
    }
}

fn described_by(name: &str, hint: &str, error: &str) -> String {
    let parts = [(hint, "hint"), (error, "error")];
    let ids = parts.iter().filter(|(text, _)| !text.is_empty());
    ids.map(|(_, part)| format!("field-{name}-{part}")).collect::<Vec<_>>().join(" ")
}

/// One of a list to choose from.
#[derive(Clone, Debug, Template)]
#[template(path = "components/select.html")]
pub struct Select {
    name: String,
    label: String,
    choices: Vec<(String, String)>,
    chosen: String,
    hint: String,
    error: String,
}

impl Select {
    /// Makes a list of values and what people read for them.
    pub fn new(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: Vec<(String, String)>,
    ) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            choices,
            chosen: String::new(),
            hint: String::new(),
            error: String::new(),
        }
    }

    /// Chooses a value.
    pub fn chosen(mut self, value: impl Into<String>) -> Self {
        self.chosen = value.into();
        self
    }

    /// Explains the choice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Says what is wrong; empty for nothing.
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }

    fn described_by(&self) -> String {
        described_by(&self.name, &self.hint, &self.error)
    }
}

/// The hidden field that proves where a form comes from; every form with an unsafe method has it.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"<input type="hidden" name="{{ crate::CSRF_FIELD }}" value="{{ token }}">"#,
    ext = "html"
)]
pub struct FormToken {
    token: String,
}

impl FormToken {
    /// Takes what [`crate::csrf::token`] made.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into() }
    }
}

/// What is wrong with a form, at its top, each with a link to its field.
#[derive(Clone, Debug, Template)]
#[template(path = "components/error_summary.html")]
pub struct ErrorSummary {
    title: String,
    errors: Vec<(String, String)>,
}

impl ErrorSummary {
    /// Takes field names and messages; without any it shows nothing.
    pub fn new(words: Words<'_>, errors: Vec<(String, String)>) -> Self {
        Self { title: words.get("error-summary-title").into_owned(), errors }
    }
}

/// How a notice or badge is meant; also told by words and sign, never by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// Done, decided, valid: 有効.
    Good,
    /// Waiting, or to be careful about: 判定中.
    Wait,
    /// Refused, failed, void: 無効.
    Bad,
}

impl Tone {
    const fn badge(self) -> &'static str {
        match self {
            Self::Plain => "badge",
            Self::Good => "badge badge-good",
            Self::Wait => "badge badge-wait",
            Self::Bad => "badge badge-bad",
        }
    }

    const fn notice(self) -> &'static str {
        match self {
            Self::Plain => "notice",
            Self::Good => "notice notice-good",
            Self::Wait => "notice notice-care",
            Self::Bad => "notice notice-bad",
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Plain | Self::Good | Self::Wait => "status",
            Self::Bad => "alert",
        }
    }
}

/// A message above the page's main part: what was done, or what to know.
#[derive(Clone, Debug, Template)]
#[template(path = "components/notice.html")]
pub struct Notice {
    tone: Tone,
    title: String,
    text: String,
}

impl Notice {
    /// Makes a message; the text may be empty.
    pub fn new(tone: Tone, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone, title: title.into(), text: text.into() }
    }
}

/// A state in a word: 判定中, 有効, 無効.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(source = r#"<span class="{{ tone.badge() }}">{{ label }}</span>"#, ext = "html")]
pub struct Badge {
    tone: Tone,
    label: String,
}

impl Badge {
    /// Makes a badge.
    pub fn new(tone: Tone, label: impl Into<String>) -> Self {
        Self { tone, label: label.into() }
    }
}

/// An amount as people read it: thousands apart, digits of one width, its unit.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/figure.html")]
pub struct Figure {
    text: String,
    sign: &'static str,
    class: &'static str,
    unit: String,
}

impl Figure {
    /// Shows an amount without a sign.
    pub fn amount(amount: Amount, scale: Scale, unit: impl Into<String>) -> Self {
        let text = scale.format(amount.minor_units());
        Self { text, sign: "", class: "", unit: unit.into() }
    }

    /// Shows a change: `+` or `−` (and colour, which is never alone); nothing before a zero.
    pub fn change(minor_units: i64, scale: Scale, unit: impl Into<String>) -> Self {
        let (sign, class) = match minor_units {
            1.. => ("+", " figure-plus"),
            0 => ("", ""),
            ..0 => ("−", " figure-minus"),
        };
        let text = scale.format(minor_units);
        let text = text.strip_prefix('-').unwrap_or(&text).to_owned();
        Self { text, sign, class, unit: unit.into() }
    }

    /// Shows it large and underlined twice, as the total of an account; one a page.
    pub const fn total(mut self) -> Self {
        self.class = " figure-total";
        self
    }
}

/// What stands in one place of a table or list: a text, a [`Figure`], a [`Badge`], a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell(Html);

impl Cell {
    /// Makes a link: what people read, where it leads.
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self(Html::of(&Link { label: label.into(), href: href.into() }))
    }
}

#[derive(Template)]
#[template(source = r#"<a href="{{ href }}">{{ label }}</a>"#, ext = "html")]
struct Link {
    label: String,
    href: String,
}

#[derive(Template)]
#[template(source = "{{ text }}", ext = "html")]
struct Escaped<'a> {
    text: &'a str,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self(Html::of(&Escaped { text }))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Figure> for Cell {
    fn from(figure: Figure) -> Self {
        Self(Html::of(&figure))
    }
}

impl From<Badge> for Cell {
    fn from(badge: Badge) -> Self {
        Self(Html::of(&badge))
    }
}

impl From<Html> for Cell {
    fn from(html: Html) -> Self {
        Self(html)
    }
}

/// Names and what they are, in pairs.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "components/data_list.html")]
pub struct DataList {
    pairs: Vec<(String, Cell)>,
}

impl DataList {
    /// Makes an empty list.
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Adds a pair.
    pub fn pair(mut self, name: impl Into<String>, cell: impl Into<Cell>) -> Self {
        self.pairs.push((name.into(), cell.into()));
        self
    }
}

/// A column's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    label: String,
    class: &'static str,
}

impl Column {
    /// A column of texts.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), class: "" }
    }

    /// A column of figures, right-aligned.
    pub fn figures(label: impl Into<String>) -> Self {
        Self { label: label.into(), class: " class=\"num\"" }
    }

    /// A column of days or moments, which are never broken.
    pub fn times(label: impl Into<String>) -> Self {
        Self { label: label.into(), class: " class=\"when\"" }
    }
}

/// A ruled table; below 600 px every row becomes a card. A row's first cell is its name.
#[derive(Clone, Debug, Template)]
#[template(path = "components/table.html")]
pub struct Table {
    caption: String,
    titled: bool,
    cards: bool,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Makes a table without rows; the caption is read aloud first.
    pub fn new(caption: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { caption: caption.into(), titled: true, cards: true, columns, rows: Vec::new() }
    }

    /// Shows no caption, where the page's own title says the same; it is read aloud still.
    pub const fn untitled(mut self) -> Self {
        self.titled = false;
        self
    }

    /// Keeps it a table on a phone: for two or three columns that are narrow.
    pub const fn compact(mut self) -> Self {
        self.cards = false;
        self
    }

    /// Adds a row; cells beyond the columns are left out.
    pub fn row(mut self, cells: Vec<Cell>) -> Self {
        self.rows.push(cells);
        self
    }

    /// Adds rows.
    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows.extend(rows);
        self
    }
}

/// What is shown where nothing is yet: why, and what to do.
#[derive(Clone, Debug, Template)]
#[template(path = "components/empty_state.html")]
pub struct EmptyState {
    title: String,
    text: String,
    action: Option<LinkButton>,
}

impl EmptyState {
    /// Says that nothing is here, and why.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), action: None }
    }

    /// Offers a way on.
    pub fn action(mut self, action: LinkButton) -> Self {
        self.action = Some(action);
        self
    }
}

/// Links to the next page of a list and back to the first; keyset paging knows no page numbers.
#[derive(Clone, Debug, Template)]
#[template(path = "components/pager.html")]
pub struct Pager {
    label: String,
    first: Option<LinkButton>,
    next: Option<LinkButton>,
}

impl Pager {
    /// Takes both addresses; without any it shows nothing.
    pub fn new(words: Words<'_>, first: Option<String>, next: Option<String>) -> Self {
        let link = |key: &str, href| LinkButton::new(words.get(key), href).weight(Weight::Quiet);
        Self {
            label: words.get("pager-label").into_owned(),
            first: first.map(|href| link("pager-first", href)),
            next: next.map(|href| link("pager-next", href)),
        }
    }
}

/// Where a step of a story stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It happened.
    Done,
    /// It is so now.
    Current,
    /// It is expected.
    Next,
}

impl StepState {
    const fn class(self) -> &'static str {
        match self {
            Self::Done => "step-done",
            Self::Current => "step-current",
            Self::Next => "step-next",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Done => "step-done",
            Self::Current => "step-current",
            Self::Next => "step-next",
        }
    }
}

/// The story of one point: what happened when, where it stands, what comes.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "components/story.html")]
pub struct Story {
    steps: Vec<StoryStep>,
}

#[derive(Clone, Debug)]
struct StoryStep {
    state: StepState,
    spoken: String,
    title: String,
    when: String,
    text: String,
}

impl Story {
    /// Makes a story without steps.
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Adds a step in the order of time; `when` is a day or 目安, `text` may be empty.
    pub fn step(
        mut self,
        words: Words<'_>,
        state: StepState,
        title: impl Into<String>,
        when: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        self.steps.push(StoryStep {
            state,
            spoken: words.get(state.key()).into_owned(),
            title: title.into(),
            when: when.into(),
            text: text.into(),
        });
        self
    }
}

/// Links that look like tabs: each is a page of its own.
#[derive(Clone, Debug, Template)]
#[template(path = "components/tabs.html")]
pub struct Tabs {
    label: String,
    items: Vec<NavItem>,
}

impl Tabs {
    /// Takes a label that is read aloud and the tabs.
    pub fn new(label: impl Into<String>, items: Vec<NavItem>) -> Self {
        Self { label: label.into(), items }
    }
}

/// How far something is: a budget, an import, the way to the next rank.
#[derive(Clone, Debug, Template)]
#[template(path = "components/progress.html")]
pub struct Progress {
    label: String,
    text: String,
    value: u64,
    max: u64,
}

impl Progress {
    /// Shows `value` of `max`, at most all; `text` says it in words.
    pub fn new(label: impl Into<String>, text: impl Into<String>, value: u64, max: u64) -> Self {
        let max = max.max(1);
        Self { label: label.into(), text: text.into(), value: value.min(max), max }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{Language, testing::frame};

    #[test]
    fn a_field_ties_its_hint_and_error_to_itself_and_escapes() {
        let frame = frame(&[]);
        let words = frame.texts().words(Language::English);
        let field = TextField::new(words, "amount", "Points")
            .kind(FieldKind::Figure)
            .hint("1 to 500")
            .error("not <so> \"many\"")
            .value("\"><script>")
            .suffix("pt");
        expect![[r#"
            <div class="field field-figure">
            <label for="field-amount">Points<span class="field-mark">required</span></label>
            <p class="field-hint" id="field-amount-hint">1 to 500</p>
            <p class="field-error" id="field-amount-error">not &#60;so&#62; &#34;many&#34;</p>
            <div class="field-with">
            <input id="field-amount" name="amount" type="text" inputmode="numeric" value="&#34;&#62;&#60;script&#62;" required aria-invalid="true" aria-describedby="field-amount-hint field-amount-error"><span>pt</span>
            </div>
            </div>"#]]
        .assert_eq(&field.to_string());
    }

    #[test]
    fn a_password_is_never_shown_again() {
        let frame = frame(&[]);
        let words = frame.texts().words(Language::English);
        let field = TextField::new(words, "password", "Password").kind(FieldKind::Password);
        assert!(!field.value("hunter2").to_string().contains("hunter2"), "it is in the page");
    }

    #[test]
    fn a_change_has_a_sign_as_well_as_a_colour() {
        let scale = Scale::try_new(2).unwrap();
        let table = [
            (1_234_567, "<span class=\"figure figure-plus\">+12,345.67</span>"),
            (-5, "<span class=\"figure figure-minus\">−0.05</span>"),
            (0, "<span class=\"figure\">0.00</span>"),
            (i64::MIN, "<span class=\"figure figure-minus\">−92,233,720,368,547,758.08</span>"),
        ];
        for (minor_units, expected) in table {
            assert_eq!(Figure::change(minor_units, scale, "").to_string(), expected);
        }
    }

    #[test]
    fn a_tables_cells_carry_their_columns_name_for_the_phone() {
        let table = Table::new("点", vec![Column::text("日"), Column::figures("増減")])
            .row(vec!["<b>".into(), Figure::change(1, Scale::default(), "pt").into()])
            .to_string();
        assert!(table.contains("<th scope=\"row\" data-label=\"日\">&#60;b&#62;</th>"), "{table}");
        assert!(table.contains("<td class=\"num\" data-label=\"増減\"><span"), "{table}");
    }

    #[test]
    fn code_in_prose_is_marked_and_all_is_escaped() {
        let html = Html::prose("see `a<b>` & `c`");
        assert_eq!(html.to_string(), "see <code>a&#60;b&#62;</code> &#38; <code>c</code>");
    }

    #[test]
    fn nothing_is_shown_where_nothing_is() {
        let frame = frame(&[]);
        let words = frame.texts().words(Language::English);
        assert_eq!(ErrorSummary::new(words, Vec::new()).to_string(), "");
        assert_eq!(Pager::new(words, None, None).to_string(), "");
        assert_eq!(Progress::new("a", "b", 9, 0).value, 1);
    }
}
