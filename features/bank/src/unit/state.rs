use serde::{Deserialize, Serialize};

use ledger::{ActivityKind, Few, IdleRule, LotLife, Span};
use vocabulary::Day;
use web::{ToSchema, utoipa};

/// The longest that value may live by a rule: ten years.
const DAYS_MAX: u16 = 3_660;
const MONTHS_MAX: u8 = 120;

/// How long: `{"days": 180}` or `{"months": 12}`, one of the two.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanAsSent {
    /// So many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 3660)]
    days: Option<Days>,
    /// So many calendar months.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 120)]
    months: Option<Months>,
}

/// 1 to [`DAYS_MAX`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
struct Days(u16);

impl TryFrom<u16> for Days {
    type Error = String;

    fn try_from(days: u16) -> Result<Self, String> {
        let fits = (1..=DAYS_MAX).contains(&days);
        fits.then_some(Self(days)).ok_or_else(|| format!("days are 1 to {DAYS_MAX}"))
    }
}

impl From<Days> for u16 {
    fn from(days: Days) -> Self {
        days.0
    }
}

/// 1 to [`MONTHS_MAX`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Months(u8);

impl TryFrom<u8> for Months {
    type Error = String;

    fn try_from(months: u8) -> Result<Self, String> {
        let fits = (1..=MONTHS_MAX).contains(&months);
        fits.then_some(Self(months)).ok_or_else(|| format!("months are 1 to {MONTHS_MAX}"))
    }
}

impl From<Months> for u8 {
    fn from(months: Months) -> Self {
        months.0
    }
}

/// A span whose length was checked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "SpanAsSent", into = "SpanAsSent")]
#[schema(value_type = SpanAsSent)]
pub(crate) struct SpanForm(Span);

impl TryFrom<SpanAsSent> for SpanForm {
    type Error = String;

    fn try_from(sent: SpanAsSent) -> Result<Self, String> {
        match (sent.days, sent.months) {
            (Some(days), None) => Ok(Self(Span::Days(days.0))),
            (None, Some(months)) => Ok(Self(Span::Months(months.0))),
            (None, None) | (Some(_), Some(_)) => Err("give either `days` or `months`".to_owned()),
        }
    }
}

impl From<SpanForm> for SpanAsSent {
    fn from(form: SpanForm) -> Self {
        match form.0 {
            Span::Days(days) => Self { days: Some(Days(days)), months: None },
            Span::Months(months) => Self { days: None, months: Some(Months(months)) },
        }
    }
}

/// How long lots live that are granted from a day on, by the services that follow the unit's rules;
/// a grant through this API names its lot itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LotLifeForm {
    /// The first day of the rule; the one before ends.
    #[schema(value_type = String, format = Date, example = "2024-10-01")]
    from: Day,
    /// How long a lot lives.
    span: SpanForm,
    /// Whether it lives on to the end of its last month.
    #[serde(default)]
    month_end: bool,
}

/// What keeps free value alive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActivityWord {
    /// Value comes in.
    Earn,
    /// Value goes out.
    Use,
    /// The owner was there: a step `touch`.
    Visit,
}

/// Free value expires when its owner does none of these for so long.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdleRuleForm {
    /// What keeps it alive, at least one.
    #[schema(min_items = 1)]
    by: Vec<ActivityWord>,
    /// How long.
    span: SpanForm,
    /// Whether it lives on to the end of the last month.
    #[serde(default)]
    month_end: bool,
    /// The first day of the rule; the time of those who were last active before begins on it.
    #[schema(value_type = String, format = Date, example = "2024-10-01")]
    from: Day,
    /// The last day of the rule; `null` for no end.
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Day>,
}

/// Reads up to four rules about lots.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<LotLifeForm>", into = "Vec<LotLifeForm>")]
#[schema(value_type = Vec<LotLifeForm>, max_items = 4)]
pub(crate) struct LotLives(pub(crate) Few<LotLife>);

/// Reads up to four rules about owners who do nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<IdleRuleForm>", into = "Vec<IdleRuleForm>")]
#[schema(value_type = Vec<IdleRuleForm>, max_items = 4)]
pub(crate) struct IdleRules(pub(crate) Few<IdleRule>);

impl TryFrom<Vec<LotLifeForm>> for LotLives {
    type Error = String;

    fn try_from(forms: Vec<LotLifeForm>) -> Result<Self, String> {
        let rules = forms.into_iter().map(|form| LotLife {
            from: form.from,
            span: form.span.0,
            month_end: form.month_end,
        });
        Few::try_new(rules).map(Self).map_err(|error| error.to_string())
    }
}

impl From<LotLives> for Vec<LotLifeForm> {
    fn from(rules: LotLives) -> Self {
        let form = |rule: LotLife| LotLifeForm {
            from: rule.from,
            span: SpanForm(rule.span),
            month_end: rule.month_end,
        };
        rules.0.iter().map(form).collect()
    }
}

impl TryFrom<Vec<IdleRuleForm>> for IdleRules {
    type Error = String;

    fn try_from(forms: Vec<IdleRuleForm>) -> Result<Self, String> {
        if forms.iter().any(|form| form.by.is_empty()) {
            return Err("a rule names at least one of `earn`, `use`, `visit`".to_owned());
        }
        if forms.iter().any(|form| form.until.is_some_and(|until| until < form.from)) {
            return Err("a rule ends after it begins".to_owned());
        }
        let rules = forms.into_iter().map(|form| IdleRule {
            by: form.by.into_iter().map(ActivityKind::from).collect(),
            span: form.span.0,
            month_end: form.month_end,
            from: form.from,
            until: form.until,
        });
        Few::try_new(rules).map(Self).map_err(|error| error.to_string())
    }
}

impl From<IdleRules> for Vec<IdleRuleForm> {
    fn from(rules: IdleRules) -> Self {
        let form = |rule: IdleRule| IdleRuleForm {
            by: rule.by.iter().map(ActivityWord::from).collect(),
            span: SpanForm(rule.span),
            month_end: rule.month_end,
            from: rule.from,
            until: rule.until,
        };
        rules.0.iter().map(form).collect()
    }
}

impl From<ActivityWord> for ActivityKind {
    fn from(word: ActivityWord) -> Self {
        match word {
            ActivityWord::Earn => Self::Earn,
            ActivityWord::Use => Self::Use,
            ActivityWord::Visit => Self::Visit,
        }
    }
}

impl From<ActivityKind> for ActivityWord {
    fn from(kind: ActivityKind) -> Self {
        match kind {
            ActivityKind::Earn => Self::Earn,
            ActivityKind::Use => Self::Use,
            ActivityKind::Visit => Self::Visit,
        }
    }
}
