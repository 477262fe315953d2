use core::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;
const MICROSECONDS_AN_HOUR: i64 = 3_600_000_000;

/// A moment: microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is no moment or no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339 with an offset.
    #[error("a time is written like 2026-11-20T12:04:31Z or 2026-11-20T12:04:31+09:00")]
    NotTime,
    /// Not a civil date.
    #[error("a day is written like 2026-11-20")]
    NotDay,
}

impl Timestamp {
    /// Takes microseconds since 1970, UTC.
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Gives microseconds since 1970, UTC.
    pub const fn as_microseconds(self) -> i64 {
        self.0
    }

    /// Gives whole milliseconds since 1970, UTC, rounded down.
    pub const fn as_milliseconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Gives whole seconds since 1970, UTC, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads RFC 3339 with an offset; finer than a microsecond is cut.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotTime`] when the text has another shape.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_microsecond()))
            .map_err(|_ignored| TimeError::NotTime)
    }

    /// Goes on by `microseconds`, stopping at the ends of time.
    pub const fn plus_microseconds(self, microseconds: i64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }

    /// Goes on by `seconds`, stopping at the ends of time.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Goes on by `days` of 24 hours, stopping at the ends of time.
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(MICROSECONDS_A_DAY)))
    }

    /// Gives the microseconds from `earlier` to this, negative when it is not earlier.
    pub const fn microseconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_ignored) => write!(f, "{} microseconds", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A civil day: days since 1970-01-01 in whatever zone the context names; 1970 to 2149 fit a lot.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// Takes days since 1970-01-01.
    pub const fn from_number(days: i32) -> Self {
        Self(days)
    }

    /// Gives days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Takes a civil date; `None` when there is no such day.
    pub fn try_new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().and_then(Self::from_date)
    }

    /// Reads `2026-11-20`.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotDay`] when the text is no such date.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if text.len() != 10 {
            return Err(TimeError::NotDay);
        }
        text.parse::<Date>().ok().and_then(Self::from_date).ok_or(TimeError::NotDay)
    }

    fn from_date(date: Date) -> Option<Self> {
        let epoch = Date::constant(1970, 1, 1);
        epoch.until(date).ok().map(|span| Self(span.get_days()))
    }

    fn date(self) -> Date {
        Date::constant(1970, 1, 1)
            .saturating_add(jiff::Span::new().days(self.0.clamp(-700_000, 2_900_000)))
    }

    /// Goes on by `days`, stopping at the ends of time.
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Goes on by calendar months; the 31st becomes the last day of a shorter month.
    pub fn plus_months(self, months: i32) -> Self {
        let moved =
            self.date().saturating_add(jiff::Span::new().months(months.clamp(-24_000, 24_000)));
        Self::from_date(moved).unwrap_or(self)
    }

    /// Gives the last day of this month.
    pub fn month_end(self) -> Self {
        Self::from_date(self.date().last_of_month()).unwrap_or(self)
    }

    /// Gives year, month and day.
    pub fn civil(self) -> (i16, i8, i8) {
        let date = self.date();
        (date.year(), date.month(), date.day())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where days begin: an offset from UTC, with or without the summer time of the United States.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    offset_seconds: i32,
    summer: bool,
}

impl Zone {
    /// Japan, UTC+9, which has had no summer time since 1951.
    pub const JAPAN: Self = Self { offset_seconds: 32_400, summer: false };
    /// UTC.
    pub const UTC: Self = Self { offset_seconds: 0, summer: false };
    /// Los Angeles, UTC-8 and in summer UTC-7, by the rule in force since 2007; earlier summers are
    /// up to four weeks off.
    pub const PACIFIC: Self = Self { offset_seconds: -28_800, summer: true };

    /// Tells which day it is here at `moment`.
    pub fn day_of(self, moment: Timestamp) -> Day {
        let days = self.local(moment).div_euclid(MICROSECONDS_A_DAY);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// Gives the moment at which `day` begins here.
    pub fn start_of(self, day: Day) -> Timestamp {
        self.moment(day, 0)
    }

    /// Reads a local time written without an offset, `2026-11-20 12:04:31` or with `/` and `T`. A
    /// time that a night of changing clocks has twice is the first of the two; one that it skips
    /// is read as if the clocks had not changed.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotTime`] when the text is no such time.
    pub fn parse_local(self, text: &str) -> Result<Timestamp, TimeError> {
        let normal = text.trim().replace('/', "-");
        let civil =
            normal.parse::<jiff::civil::DateTime>().map_err(|_ignored| TimeError::NotTime)?;
        let day = Day::from_date(civil.date()).ok_or(TimeError::NotTime)?;
        let time = civil.time();
        let seconds = i64::from(time.hour())
            .saturating_mul(3_600)
            .saturating_add(i64::from(time.minute()).saturating_mul(60))
            .saturating_add(i64::from(time.second()));
        let within = seconds
            .saturating_mul(1_000_000)
            .saturating_add(i64::from(time.subsec_nanosecond()).div_euclid(1_000));
        Ok(self.moment(day, within))
    }

    /// Gives the moment so many microseconds of the local clock after midnight.
    fn moment(self, day: Day, within: i64) -> Timestamp {
        let local = i64::from(day.0).saturating_mul(MICROSECONDS_A_DAY).saturating_add(within);
        let winter = Timestamp(local.saturating_sub(self.offset_microseconds()));
        let summer = winter.plus_microseconds(-MICROSECONDS_AN_HOUR);
        // What is skipped in spring is no summer time yet; what is there twice in autumn still is.
        if self.in_summer(summer) { summer } else { winter }
    }

    /// Tells whether the clocks here are an hour ahead: from 2 o'clock on the second Sunday of
    /// March to 2 o'clock, by summer time, on the first Sunday of November.
    fn in_summer(self, moment: Timestamp) -> bool {
        if !self.summer {
            return false;
        }
        let standard = moment.0.saturating_add(self.offset_microseconds());
        let days = i32::try_from(standard.div_euclid(MICROSECONDS_A_DAY)).unwrap_or(0);
        let (year, _, _) = Day(days).civil();
        let change = |month, from, hour: i64| {
            let first = Day::try_new(year, month, from).unwrap_or_default();
            // Day 0, the first of 1970, was a Thursday.
            let sunday = first.plus_days((-4_i32).saturating_sub(first.0).rem_euclid(7));
            let midnight = i64::from(sunday.0).saturating_mul(MICROSECONDS_A_DAY);
            midnight.saturating_add(hour.saturating_mul(MICROSECONDS_AN_HOUR))
        };
        (change(3, 8, 2)..change(11, 1, 1)).contains(&standard)
    }

    /// Writes a moment as people here read it, to the minute: `2026-11-20 12:04`.
    pub fn format_minute(self, moment: Timestamp) -> String {
        let day = self.day_of(moment);
        let minutes = self.local(moment).rem_euclid(MICROSECONDS_A_DAY).div_euclid(60_000_000);
        format!("{day} {:02}:{:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
    }

    /// Writes a moment as people here read it, to the second: `2026-11-20 12:04:31`.
    pub fn format_second(self, moment: Timestamp) -> String {
        let seconds = self.local(moment).rem_euclid(60_000_000).div_euclid(1_000_000);
        format!("{}:{seconds:02}", self.format_minute(moment))
    }

    fn local(self, moment: Timestamp) -> i64 {
        let summer = if self.in_summer(moment) { MICROSECONDS_AN_HOUR } else { 0 };
        moment.0.saturating_add(self.offset_microseconds()).saturating_add(summer)
    }

    fn offset_microseconds(self) -> i64 {
        i64::from(self.offset_seconds).saturating_mul(1_000_000)
    }
}

/// Tells the time. Only `daifuku` makes one that reads the wall clock.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The moment it is now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is moved: for tests, simulations and the demo.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at a moment.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves to a moment, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Goes on by `seconds`.
    pub fn advance_seconds(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_japan() {
        let last = Timestamp::parse("2026-11-20T14:59:59.999999Z").unwrap();
        assert_eq!(Zone::JAPAN.day_of(last).to_string(), "2026-11-20");
        assert_eq!(Zone::JAPAN.day_of(last.plus_microseconds(1)).to_string(), "2026-11-21");
        let day = Day::parse("2026-11-21").unwrap();
        assert_eq!(Zone::JAPAN.start_of(day), last.plus_microseconds(1));
        assert_eq!(Zone::JAPAN.format_second(last), "2026-11-20 23:59:59");
    }

    #[test]
    fn local_times_of_reports_are_read() {
        let expected = Timestamp::parse("2026-10-03T12:04:31+09:00").unwrap();
        for text in ["2026/10/03 12:04:31", "2026-10-03T12:04:31", " 2026-10-03 12:04:31 "] {
            assert_eq!(Zone::JAPAN.parse_local(text), Ok(expected), "{text}");
        }
        for text in ["", "2026-13-01 00:00:00", "yesterday", "2026-02-30 00:00:00"] {
            assert_eq!(Zone::JAPAN.parse_local(text), Err(TimeError::NotTime), "{text}");
        }
    }

    #[test]
    fn clocks_in_los_angeles_change_twice_a_year() {
        let table = [
            ("2026-01-20 12:00:00", "2026-01-20T20:00:00Z"),
            ("2026-03-08 01:59:59", "2026-03-08T09:59:59Z"),
            ("2026-03-08 02:30:00", "2026-03-08T10:30:00Z"),
            ("2026-03-08 03:00:00", "2026-03-08T10:00:00Z"),
            ("2026-07-01 00:00:00", "2026-07-01T07:00:00Z"),
            ("2026-11-01 01:30:00", "2026-11-01T08:30:00Z"),
            ("2026-11-01 02:00:00", "2026-11-01T10:00:00Z"),
            ("2026-12-31 23:00:00", "2027-01-01T07:00:00Z"),
            ("2027-03-14 02:00:00", "2027-03-14T10:00:00Z"),
            ("2027-11-07 00:00:00", "2027-11-07T07:00:00Z"),
        ];
        for (local, moment) in table {
            let read = Zone::PACIFIC.parse_local(local).unwrap();
            assert_eq!(read, Timestamp::parse(moment).unwrap(), "{local}");
            if local != "2026-03-08 02:30:00" && local != "2027-03-14 02:00:00" {
                assert_eq!(Zone::PACIFIC.format_second(read), local);
            }
        }
        let day = Day::parse("2026-07-01").unwrap();
        assert_eq!(Zone::PACIFIC.start_of(day).to_string(), "2026-07-01T07:00:00Z");
    }

    #[test]
    fn months_end_where_they_end() {
        let day = Day::parse("2026-01-31").unwrap();
        assert_eq!(day.plus_months(1).to_string(), "2026-02-28");
        assert_eq!(Day::parse("2024-02-03").unwrap().month_end().to_string(), "2024-02-29");
        assert_eq!(Day::parse("2026-2-3"), Err(TimeError::NotDay));
        assert_eq!(Day::parse("1969-12-31").unwrap().number(), -1);
    }
}
