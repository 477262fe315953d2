use core::fmt;

use crate::{Day, Timestamp, Zone};

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weekday {
    /// 月曜日.
    Monday,
    /// 火曜日.
    Tuesday,
    /// 水曜日.
    Wednesday,
    /// 木曜日.
    Thursday,
    /// 金曜日.
    Friday,
    /// 土曜日.
    Saturday,
    /// 日曜日.
    Sunday,
}

impl Weekday {
    /// Tells which day of the week a day is.
    pub const fn of(day: Day) -> Self {
        // Day 0, 1970-01-01, was a Thursday.
        match day.number().rem_euclid(7) {
            0 => Self::Thursday,
            1 => Self::Friday,
            2 => Self::Saturday,
            3 => Self::Sunday,
            4 => Self::Monday,
            5 => Self::Tuesday,
            _ => Self::Wednesday,
        }
    }
}

/// Whether banks work on a day, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankDay {
    /// Banks work (営業日).
    Open,
    /// A Saturday that is no holiday.
    Saturday,
    /// A Sunday that is no holiday.
    Sunday,
    /// A national holiday (国民の祝日), by its Japanese name.
    Holiday(&'static str),
    /// The day off for a holiday that fell on a Sunday (振替休日).
    Substitute,
    /// A day between two holidays (国民の休日).
    Between,
    /// 31 December to 3 January, when banks rest by order.
    YearEnd,
}

/// A day outside the years whose holidays are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the holidays of {0}'s year are not known")]
pub struct CalendarError(pub Day);

/// On which day of its year a holiday falls.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The same day each year: month and day.
    Fixed(i8, i8),
    /// The n-th Monday of a month: month and n.
    Monday(i8, i8),
    /// A day that is announced for each year: year, month and day.
    Announced(&'static [(i16, i8, i8)]),
}

/// A holiday by the law, in the years from `first` to `last`.
#[derive(Clone, Copy, Debug)]
struct Holiday {
    name: &'static str,
    rule: Rule,
    first: i16,
    last: i16,
}

const fn always(name: &'static str, rule: Rule) -> Holiday {
    Holiday { name, rule, first: i16::MIN, last: i16::MAX }
}

/// The national holidays as they have been since 2022. A change of the law ends a row and adds one.
///
/// Equinoxes are announced each February for the next year; those of 2028 are the computed ones.
const HOLIDAYS: &[Holiday] = &[
    always("元日", Rule::Fixed(1, 1)),
    always("成人の日", Rule::Monday(1, 2)),
    always("建国記念の日", Rule::Fixed(2, 11)),
    always("天皇誕生日", Rule::Fixed(2, 23)),
    always(
        "春分の日",
        Rule::Announced(&[
            (2024, 3, 20),
            (2025, 3, 20),
            (2026, 3, 20),
            (2027, 3, 21),
            (2028, 3, 20),
        ]),
    ),
    always("昭和の日", Rule::Fixed(4, 29)),
    always("憲法記念日", Rule::Fixed(5, 3)),
    always("みどりの日", Rule::Fixed(5, 4)),
    always("こどもの日", Rule::Fixed(5, 5)),
    always("海の日", Rule::Monday(7, 3)),
    always("山の日", Rule::Fixed(8, 11)),
    always("敬老の日", Rule::Monday(9, 3)),
    always(
        "秋分の日",
        Rule::Announced(&[
            (2024, 9, 22),
            (2025, 9, 23),
            (2026, 9, 23),
            (2027, 9, 23),
            (2028, 9, 22),
        ]),
    ),
    always("スポーツの日", Rule::Monday(10, 2)),
    always("文化の日", Rule::Fixed(11, 3)),
    always("勤労感謝の日", Rule::Fixed(11, 23)),
];

/// The days on which banks of Japan work. It refuses days outside its years rather than guess.
#[derive(Clone, Copy)]
pub struct BankCalendar {
    holidays: &'static [Holiday],
    first_year: i16,
    last_year: i16,
}

impl BankCalendar {
    /// Japan, 2024 to 2028.
    pub const JAPAN: Self = Self { holidays: HOLIDAYS, first_year: 2024, last_year: 2028 };

    /// Tells whether banks work on a day, and why not.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the holidays of its year are not known.
    pub fn day(self, day: Day) -> Result<BankDay, CalendarError> {
        let (year, month, date) = day.civil();
        if !(self.first_year..=self.last_year).contains(&year) {
            return Err(CalendarError(day));
        }
        if let Some(name) = self.holiday(day) {
            return Ok(BankDay::Holiday(name));
        }
        if matches!((month, date), (12, 31) | (1, 1..=3)) {
            return Ok(BankDay::YearEnd);
        }
        if self.follows_a_sunday(day) {
            return Ok(BankDay::Substitute);
        }
        if self.holiday(day.plus_days(-1)).is_some() && self.holiday(day.plus_days(1)).is_some() {
            return Ok(BankDay::Between);
        }
        Ok(match Weekday::of(day) {
            Weekday::Saturday => BankDay::Saturday,
            Weekday::Sunday => BankDay::Sunday,
            Weekday::Monday
            | Weekday::Tuesday
            | Weekday::Wednesday
            | Weekday::Thursday
            | Weekday::Friday => BankDay::Open,
        })
    }

    /// Gives `day` when it is a business day, else the first one after it.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the way leads to a year whose holidays are not known.
    pub fn business_day_from(self, day: Day) -> Result<Day, CalendarError> {
        let mut found = day;
        while self.day(found)? != BankDay::Open {
            found = found.plus_days(1);
        }
        Ok(found)
    }

    /// Gives the first business day after `day`.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] as for [`Self::business_day_from`].
    pub fn next_business_day(self, day: Day) -> Result<Day, CalendarError> {
        self.business_day_from(day.plus_days(1))
    }

    /// Gives the n-th business day after `day`; for none, `day` itself or the first one after it.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] as for [`Self::business_day_from`].
    pub fn add_business_days(self, day: Day, count: u16) -> Result<Day, CalendarError> {
        if count == 0 {
            return self.business_day_from(day);
        }
        let mut found = day;
        for _step in 0..count {
            found = self.next_business_day(found)?;
        }
        Ok(found)
    }

    /// Gives the business day as of which something is taken in: today before the cut-off time of a
    /// business day, else the next one.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] as for [`Self::business_day_from`].
    pub fn taken_in_on(self, now: Timestamp, cut_off: CutOff) -> Result<Day, CalendarError> {
        let today = Zone::JAPAN.day_of(now);
        if now < cut_off.on(today) {
            self.business_day_from(today)
        } else {
            self.next_business_day(today)
        }
    }

    /// Finds the national holiday that falls on a day.
    fn holiday(self, day: Day) -> Option<&'static str> {
        let (year, month, date) = day.civil();
        let falls = |holiday: &&Holiday| {
            (holiday.first..=holiday.last).contains(&year)
                && match holiday.rule {
                    Rule::Fixed(in_month, on) => (month, date) == (in_month, on),
                    Rule::Monday(in_month, nth) => {
                        let week = date.saturating_add(6).div_euclid(7);
                        (month, week) == (in_month, nth) && Weekday::of(day) == Weekday::Monday
                    }
                    Rule::Announced(days) => days.contains(&(year, month, date)),
                }
        };
        self.holidays.iter().find(falls).map(|holiday| holiday.name)
    }

    /// Tells whether an unbroken run of holidays that has a Sunday ends the day before.
    fn follows_a_sunday(self, day: Day) -> bool {
        let mut before = day.plus_days(-1);
        while self.holiday(before).is_some() {
            if Weekday::of(before) == Weekday::Sunday {
                return true;
            }
            before = before.plus_days(-1);
        }
        false
    }
}

impl fmt::Debug for BankCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BankCalendar({} to {})", self.first_year, self.last_year)
    }
}

/// A time of day in Japan until which a day's work is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutOff {
    minutes: u16,
}

impl CutOff {
    /// Takes hour and minute, from 00:00 to 24:00; `None` beyond.
    pub const fn try_new(hour: u8, minute: u8) -> Option<Self> {
        if hour > 24 || minute > 59 || (hour == 24 && minute > 0) {
            return None;
        }
        // At most 1,440 after the check above.
        let minutes = u16::from_be_bytes([0, hour]).saturating_mul(60);
        Some(Self { minutes: minutes.saturating_add(u16::from_be_bytes([0, minute])) })
    }

    /// Gives the moment on a day.
    pub fn on(self, day: Day) -> Timestamp {
        Zone::JAPAN.start_of(day).plus_seconds(i64::from(self.minutes).saturating_mul(60))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const JAPAN: BankCalendar = BankCalendar::JAPAN;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn listed(year: i16) -> String {
        let mut found = Vec::new();
        let mut day = Day::try_new(year, 1, 1).unwrap();
        while day.civil().0 == year {
            match JAPAN.day(day).unwrap() {
                BankDay::Holiday(name) => found.push(format!("{day} {name}")),
                BankDay::Substitute => found.push(format!("{day} 振替")),
                BankDay::Between => found.push(format!("{day} 休日")),
                BankDay::Open | BankDay::Saturday | BankDay::Sunday | BankDay::YearEnd => {}
            }
            day = day.plus_days(1);
        }
        let year = format!("{year}-");
        found.join("、").replace(&year, "")
    }

    #[test]
    fn the_days_off_of_a_year_are_those_of_the_official_list() {
        let table = [
            (
                2024,
                "01-01 元日、01-08 成人の日、02-11 建国記念の日、02-12 振替、02-23 天皇誕生日、\
                 03-20 春分の日、04-29 昭和の日、05-03 憲法記念日、05-04 みどりの日、\
                 05-05 こどもの日、05-06 振替、07-15 海の日、08-11 山の日、08-12 振替、\
                 09-16 敬老の日、09-22 秋分の日、09-23 振替、10-14 スポーツの日、11-03 文化の日、\
                 11-04 振替、11-23 勤労感謝の日",
            ),
            (
                2025,
                "01-01 元日、01-13 成人の日、02-11 建国記念の日、02-23 天皇誕生日、02-24 振替、\
                 03-20 春分の日、04-29 昭和の日、05-03 憲法記念日、05-04 みどりの日、\
                 05-05 こどもの日、05-06 振替、07-21 海の日、08-11 山の日、09-15 敬老の日、\
                 09-23 秋分の日、10-13 スポーツの日、11-03 文化の日、11-23 勤労感謝の日、\
                 11-24 振替",
            ),
            (
                2026,
                "01-01 元日、01-12 成人の日、02-11 建国記念の日、02-23 天皇誕生日、\
                 03-20 春分の日、04-29 昭和の日、05-03 憲法記念日、05-04 みどりの日、\
                 05-05 こどもの日、05-06 振替、07-20 海の日、08-11 山の日、09-21 敬老の日、\
                 09-22 休日、09-23 秋分の日、10-12 スポーツの日、11-03 文化の日、\
                 11-23 勤労感謝の日",
            ),
            (
                2027,
                "01-01 元日、01-11 成人の日、02-11 建国記念の日、02-23 天皇誕生日、\
                 03-21 春分の日、03-22 振替、04-29 昭和の日、05-03 憲法記念日、05-04 みどりの日、\
                 05-05 こどもの日、07-19 海の日、08-11 山の日、09-20 敬老の日、09-23 秋分の日、\
                 10-11 スポーツの日、11-03 文化の日、11-23 勤労感謝の日",
            ),
        ];
        for (year, expected) in table {
            assert_eq!(listed(year), expected);
        }
    }

    #[test]
    fn business_days_are_counted_over_long_runs() {
        // From, how many, to.
        let table = [
            ("2025-05-02", 1, "2025-05-07"),
            ("2025-12-30", 1, "2026-01-05"),
            ("2026-05-01", 3, "2026-05-11"),
            ("2026-09-18", 1, "2026-09-24"),
            ("2026-09-18", 3, "2026-09-28"),
            ("2026-09-19", 0, "2026-09-24"),
            ("2026-09-24", 0, "2026-09-24"),
            ("2026-11-20", 1, "2026-11-24"),
            ("2026-12-30", 1, "2027-01-04"),
            ("2027-03-19", 1, "2027-03-23"),
            ("2027-12-30", 2, "2028-01-05"),
        ];
        for (from, count, to) in table {
            assert_eq!(JAPAN.add_business_days(day(from), count), Ok(day(to)), "{from} + {count}");
        }
        assert_eq!(JAPAN.day(day("2026-12-31")), Ok(BankDay::YearEnd));
        assert_eq!(JAPAN.day(day("2027-01-03")), Ok(BankDay::YearEnd));
        assert_eq!(JAPAN.day(day("2026-11-21")), Ok(BankDay::Saturday));
        assert_eq!(JAPAN.day(day("2026-11-22")), Ok(BankDay::Sunday));
    }

    #[test]
    fn years_that_are_not_known_are_refused() {
        let last = day("2028-12-29");
        assert_eq!(JAPAN.next_business_day(last), Err(CalendarError(day("2029-01-01"))));
        assert_eq!(JAPAN.add_business_days(last, u16::MAX), Err(CalendarError(day("2029-01-01"))));
        assert_eq!(JAPAN.day(day("2023-12-29")), Err(CalendarError(day("2023-12-29"))));
        let end = Day::from_number(i32::MAX);
        assert_eq!(JAPAN.business_day_from(end), Err(CalendarError(end)));
    }

    #[test]
    fn the_cut_off_is_a_time_of_day_in_japan() {
        let cut_off = CutOff::try_new(15, 0).unwrap();
        let table = [
            ("2026-11-24T14:59:59+09:00", "2026-11-24"),
            ("2026-11-24T15:00:00+09:00", "2026-11-25"),
            ("2026-11-23T10:00:00+09:00", "2026-11-24"),
            ("2026-11-20T15:00:00+09:00", "2026-11-24"),
            ("2026-11-24T00:00:00Z", "2026-11-24"),
            ("2026-11-24T23:00:00Z", "2026-11-25"),
        ];
        for (now, expected) in table {
            let now = Timestamp::parse(now).unwrap();
            assert_eq!(JAPAN.taken_in_on(now, cut_off), Ok(day(expected)), "{now}");
        }
        assert!(CutOff::try_new(24, 0).is_some(), "midnight at the end of the day is a time");
        assert_eq!([CutOff::try_new(24, 1), CutOff::try_new(9, 60)], [None, None]);
    }

    proptest! {
        #[test]
        fn counting_steps_is_the_same_as_stepping(from in 19_723_i32..21_000, count in 1_u16..200) {
            let from = Day::from_number(from);
            let mut stepped = from;
            for _step in 0..count {
                let next = JAPAN.next_business_day(stepped).unwrap();
                prop_assert!(stepped < next, "{next} is not after {stepped}");
                stepped = next;
            }
            prop_assert_eq!(JAPAN.add_business_days(from, count), Ok(stepped));
            prop_assert_eq!(JAPAN.day(stepped), Ok(BankDay::Open));
        }
    }
}
