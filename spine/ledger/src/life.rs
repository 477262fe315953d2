//! How long value lives: lots by the rule of the day they were granted on, and everything free by
//! what its owner last did. Rules change every year, so they are data with a first day each.

use core::fmt;

use vocabulary::Day;

/// How long something lasts from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// So many days.
    Days(u16),
    /// So many calendar months; from the 31st it is the last day of a shorter month.
    Months(u8),
}

impl Span {
    /// Gives the last day of a span that begins on `day`; with `month_end` the last of its month.
    fn last_day(self, day: Day, month_end: bool) -> Day {
        let last = match self {
            Self::Days(days) => day.plus_days(i32::from(days)),
            Self::Months(months) => day.plus_months(i32::from(months)),
        };
        if month_end { last.month_end() } else { last }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} days"),
            Self::Months(months) => write!(f, "{months} months"),
        }
    }
}

/// What an owner does that keeps value alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// Value comes in: a grant, a top-up, a transfer to the account.
    Earn,
    /// Value goes out: a redemption, a payout, an exchange, a capture, a transfer.
    Use,
    /// The owner was there: [`Step::Touch`](crate::Step::Touch), as a sign-in posts it.
    Visit,
}

impl ActivityKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Earn, Self::Use, Self::Visit];

    /// Gives the stable word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Use => "use",
            Self::Visit => "visit",
        }
    }

    /// Finds a kind by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Earn => 1,
            Self::Use => 2,
            Self::Visit => 4,
        }
    }
}

/// A set of kinds of activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ActivityKinds(u8);

impl ActivityKinds {
    /// Every kind.
    pub const ALL: Self = Self(7);

    /// Tells whether a kind is in it.
    pub const fn contains(self, kind: ActivityKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Tells whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gives the kinds, in order.
    pub fn iter(self) -> impl Iterator<Item = ActivityKind> {
        ActivityKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<ActivityKind> for ActivityKinds {
    fn from_iter<I: IntoIterator<Item = ActivityKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

/// The last day of each kind of activity of an account.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Activity {
    /// Days since 1970; 0 for never.
    days: [u16; 3],
}

impl Activity {
    /// Never active.
    pub const NONE: Self = Self { days: [0; 3] };

    /// Rebuilds it from what [`Activity::days`] gave.
    pub const fn restore(days: [u16; 3]) -> Self {
        Self { days }
    }

    /// Gives the days since 1970, in the order of [`ActivityKind::ALL`]; 0 for never.
    pub const fn days(self) -> [u16; 3] {
        self.days
    }

    /// Gives the last day of any of these kinds; the first day of 1970 for never.
    pub fn last(self, kinds: ActivityKinds) -> Day {
        let days = ActivityKind::ALL.into_iter().zip(self.days);
        let last = days.filter(|(kind, _)| kinds.contains(*kind)).map(|(_, day)| day).max();
        Day::from_number(i32::from(last.unwrap_or(0)))
    }

    pub(crate) fn note(&mut self, kind: ActivityKind, today: Day) {
        let today = u16::try_from(today.number()).unwrap_or(0);
        for (known, day) in ActivityKind::ALL.into_iter().zip(&mut self.days) {
            if known == kind {
                *day = today.max(*day);
            }
        }
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = ActivityKind::ALL.into_iter().zip(self.days);
        f.debug_map()
            .entries(days.map(|(kind, day)| (kind.code(), Day::from_number(i32::from(day)))))
            .finish()
    }
}

/// How long a lot lives that is granted from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LotLife {
    /// The first day of the rule; the one before ends.
    pub from: Day,
    /// How long.
    pub span: Span,
    /// Whether a lot lives on to the end of its last month.
    pub month_end: bool,
}

/// Free value expires when its owner does none of these for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdleRule {
    /// What keeps it alive.
    pub by: ActivityKinds,
    /// How long.
    pub span: Span,
    /// Whether it lives on to the end of the last month.
    pub month_end: bool,
    /// The first day of the rule. Nobody is late on it: the time of those who were last active
    /// before begins here.
    pub from: Day,
    /// The last day of the rule; `None` for no end.
    pub until: Option<Day>,
}

impl IdleRule {
    /// Gives the last day of free value; `None` when the rule ends before that.
    pub fn last_day(&self, activity: Activity) -> Option<Day> {
        let begins = activity.last(self.by).max(self.from);
        let last = self.span.last_day(begins, self.month_end);
        self.until.is_none_or(|until| last < until).then_some(last)
    }
}

/// Up to four rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Few<R>([Option<R>; 4]);

/// More rules than four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are at most 4 rules")]
pub struct TooManyRules;

impl<R: Copy> Few<R> {
    /// None.
    pub const NONE: Self = Self([None; 4]);

    /// The most.
    pub const MAX: usize = 4;

    /// One.
    pub const fn one(rule: R) -> Self {
        Self([Some(rule), None, None, None])
    }

    /// Takes rules, in their order.
    ///
    /// # Errors
    ///
    /// [`TooManyRules`].
    pub fn try_new(rules: impl IntoIterator<Item = R>) -> Result<Self, TooManyRules> {
        let mut few = Self::NONE;
        let mut rules = rules.into_iter();
        for place in &mut few.0 {
            *place = rules.next();
        }
        if rules.next().is_some() { Err(TooManyRules) } else { Ok(few) }
    }

    /// Gives them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = R> + '_ {
        self.0.iter().copied().flatten()
    }
}

impl<R: Copy> Default for Few<R> {
    fn default() -> Self {
        Self::NONE
    }
}

impl Few<LotLife> {
    /// Gives the last day of a lot that is granted on a day; `None` when no rule holds on it, and
    /// for a lot that never expires.
    pub fn last_day(&self, granted_on: Day) -> Option<Day> {
        let begun = self.iter().filter(|life| life.from <= granted_on);
        let life = begun.max_by_key(|life| life.from)?;
        Some(life.span.last_day(granted_on, life.month_end))
    }
}

impl Few<IdleRule> {
    /// Gives the last day of free value whose owner does nothing more: the earliest of all rules.
    pub fn last_day(&self, activity: Activity) -> Option<Day> {
        self.iter().filter_map(|rule| rule.last_day(activity)).min()
    }
}

impl<R: Copy + fmt::Display> Few<R> {
    /// Writes them, one a line: how they are stored.
    pub fn to_text(self) -> String {
        let lines: Vec<String> = self.iter().map(|rule| rule.to_string()).collect();
        lines.join("\n")
    }
}

/// Reads what [`Few::to_text`] wrote.
fn read_few<R: Copy>(text: &str, read: impl Fn(&[&str]) -> Option<R>) -> Option<Few<R>> {
    let words = |line: &str| read(&line.split(' ').collect::<Vec<_>>());
    let rules: Option<Vec<R>> = text.lines().map(words).collect();
    Few::try_new(rules?).ok()
}

impl Few<LotLife> {
    /// Reads what [`Few::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        read_few(text, |words| {
            let ["from", from, rest @ ..] = words else { return None };
            let (span, month_end, rest) = read_end(rest)?;
            let from = Day::parse(from).ok()?;
            rest.is_empty().then_some(LotLife { from, span, month_end })
        })
    }
}

impl Few<IdleRule> {
    /// Reads what [`Few::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        read_few(text, |words| {
            let (kinds, rest) = words.split_first()?;
            let by: Option<ActivityKinds> = kinds.split(',').map(ActivityKind::parse).collect();
            let (span, month_end, rest) = read_end(rest)?;
            let (from, until) = match rest {
                ["from", from] => (from, None),
                ["from", from, "until", until] => (from, Some(Day::parse(until).ok()?)),
                _ => return None,
            };
            Some(IdleRule { by: by?, span, month_end, from: Day::parse(from).ok()?, until })
        })
    }
}

/// Reads `6 months` or `180 days`, with or without `month-end`; gives the rest.
fn read_end<'a, 'b>(words: &'a [&'b str]) -> Option<(Span, bool, &'a [&'b str])> {
    let (span, rest) = match words {
        [count, "days", rest @ ..] => (Span::Days(count.parse().ok()?), rest),
        [count, "months", rest @ ..] => (Span::Months(count.parse().ok()?), rest),
        _ => return None,
    };
    match rest {
        ["month-end", rest @ ..] => Some((span, true, rest)),
        rest => Some((span, false, rest)),
    }
}

const fn end_word(month_end: bool) -> &'static str {
    if month_end { " month-end" } else { "" }
}

/// `from 2024-10-01 6 months month-end`.
impl fmt::Display for LotLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} {}{}", self.from, self.span, end_word(self.month_end))
    }
}

/// `earn,visit 12 months from 2021-09-01 until 2024-09-30`.
impl fmt::Display for IdleRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.by.iter().map(ActivityKind::code).collect();
        write!(f, "{} {}{}", kinds.join(","), self.span, end_word(self.month_end))?;
        write!(f, " from {}", self.from)?;
        self.until.map_or(Ok(()), |until| write!(f, " until {until}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_lot_lives_by_the_rule_of_the_day_it_was_granted_on() {
        let lives =
            Few::<LotLife>::parse("from 2020-01-01 12 months month-end\nfrom 2024-10-01 180 days")
                .unwrap();
        for (granted, last) in [
            ("2019-12-31", None),
            ("2024-02-29", Some("2025-02-28")),
            ("2024-09-30", Some("2025-09-30")),
            ("2024-10-01", Some("2025-03-30")),
        ] {
            assert_eq!(lives.last_day(day(granted)), last.map(day), "granted on {granted}");
        }
        assert_eq!(Few::<LotLife>::NONE.last_day(day("2024-10-01")), None);
    }

    #[test]
    fn idle_value_lives_by_the_earliest_rule_and_no_rule_reaches_back() {
        // As a point site had it: a year without a visit, later half a year without earning too.
        let rules = Few::<IdleRule>::parse(
            "visit 12 months from 2021-09-01\nearn 180 days from 2024-10-01",
        )
        .unwrap();
        for (earned, visited, last) in [
            // Both before the rules: each begins on its first day.
            ("2020-01-01", "2020-01-01", "2022-09-01"),
            ("2020-01-01", "2024-09-30", "2025-03-30"),
            ("2024-12-01", "2024-12-01", "2025-05-30"),
            ("2025-12-01", "2025-06-01", "2026-05-30"),
            ("2026-06-01", "2025-06-01", "2026-06-01"),
        ] {
            let mut activity = Activity::NONE;
            activity.note(ActivityKind::Earn, day(earned));
            activity.note(ActivityKind::Visit, day(visited));
            assert_eq!(rules.last_day(activity), Some(day(last)), "{earned} {visited}");
        }
    }

    #[test]
    fn a_rule_that_ends_in_time_ends_nothing() {
        let text = "earn,use,visit 12 months month-end from 2020-01-01 until 2024-09-30";
        let rule = Few::<IdleRule>::parse(text).unwrap().iter().next().unwrap();
        assert_eq!(rule.by, ActivityKinds::ALL);
        let mut activity = Activity::NONE;
        activity.note(ActivityKind::Use, day("2023-08-15"));
        assert_eq!(rule.last_day(activity), Some(day("2024-08-31")));
        activity.note(ActivityKind::Use, day("2023-09-01"));
        assert_eq!(rule.last_day(activity), None);
        // An earlier day changes nothing.
        activity.note(ActivityKind::Use, day("2023-01-01"));
        assert_eq!(rule.last_day(activity), None);
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        let lots = "from 2020-01-01 12 months month-end\nfrom 2024-10-01 180 days";
        assert_eq!(Few::<LotLife>::parse(lots).unwrap().to_text(), lots);
        let idle = "visit 12 months from 2021-09-01 until 2024-09-30\nearn,use 180 days month-end from 2024-10-01";
        assert_eq!(Few::<IdleRule>::parse(idle).unwrap().to_text(), idle);
        assert_eq!(Few::<LotLife>::parse(""), Some(Few::NONE));
        for wrong in
            ["from", "from 2020-01-01", "from 2020-13-01 1 days", "from 2020-01-01 1 years"]
        {
            assert_eq!(Few::<LotLife>::parse(wrong), None, "{wrong}");
        }
        for wrong in
            ["sleep 1 days from 2020-01-01", "earn 1 days", "earn 1 days from 2020-01-01 2"]
        {
            assert_eq!(Few::<IdleRule>::parse(wrong), None, "{wrong}");
        }
        let five = [lots, lots, "from 2025-01-01 1 days"].join("\n");
        assert_eq!(Few::<LotLife>::parse(&five), None);
    }
}
