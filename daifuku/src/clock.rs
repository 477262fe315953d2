//! The one place that reads the wall clock.

use core::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use std::{
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use vocabulary::{Clock, Timestamp};

const HOUR_MICROSECONDS: i64 = 3_600_000_000;

/// Tells the time of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "everybody else is given this clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_microseconds(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Waits for about `time` of the machine, where there is nothing better to wait for.
pub(crate) fn pause(time: Duration) {
    thread::park_timeout(time);
}

/// A clock that goes on like another one and can be put forward, for the demo: what takes a month
/// there takes a button here. It never goes back, as the journal does not.
pub struct ShiftedClock {
    clock: Arc<dyn Clock>,
    ahead_microseconds: AtomicI64,
}

impl fmt::Debug for ShiftedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShiftedClock({})", self.now())
    }
}

impl ShiftedClock {
    /// Starts at the other clock's time.
    pub const fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ahead_microseconds: AtomicI64::new(0) }
    }

    /// Starts so many days before the other clock's time: for a past that is played before anything
    /// else happens.
    pub fn starting_back(clock: Arc<dyn Clock>, days: u16) -> Self {
        let back = i64::from(days).saturating_mul(-86_400_000_000);
        Self { clock, ahead_microseconds: AtomicI64::new(back) }
    }

    /// Puts it forward by so many hours.
    pub fn put_forward(&self, hours: u32) {
        self.move_by(i64::from(hours).saturating_mul(HOUR_MICROSECONDS));
    }

    /// Puts it forward to a moment, unless it is there already: an old journal may be ahead.
    pub fn catch_up(&self, moment: Timestamp) {
        self.move_by(moment.microseconds_since(self.now()).max(0));
    }

    /// Tells how far it is ahead of the other clock, in hours, rounded to the nearest: a past that
    /// was played ends a moment before the other clock's time. Zero while it is behind.
    pub fn hours_ahead(&self) -> u32 {
        let ahead = self.ahead_microseconds.load(Ordering::SeqCst);
        let half = HOUR_MICROSECONDS.div_euclid(2);
        let hours = ahead.saturating_add(half).div_euclid(HOUR_MICROSECONDS);
        u32::try_from(hours.max(0)).unwrap_or(u32::MAX)
    }

    fn move_by(&self, microseconds: i64) {
        self.ahead_microseconds.fetch_add(microseconds, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_microseconds.load(Ordering::SeqCst);
        self.clock.now().plus_microseconds(ahead)
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::ManualClock;

    use super::*;

    #[test]
    fn a_shifted_clock_goes_on_and_never_back() {
        let start = Timestamp::from_microseconds(1_795_143_600_000_000);
        let under = Arc::new(ManualClock::new(start));
        let clock = ShiftedClock::new(Arc::<ManualClock>::clone(&under));
        assert_eq!(clock.now(), start);
        clock.put_forward(48);
        assert_eq!((clock.now(), clock.hours_ahead()), (start.plus_days(2), 48));
        under.advance_seconds(5);
        assert_eq!(clock.now(), start.plus_days(2).plus_seconds(5));
        clock.catch_up(start);
        assert_eq!(clock.now(), start.plus_days(2).plus_seconds(5));
        clock.catch_up(start.plus_days(9));
        assert_eq!(clock.now(), start.plus_days(9));
    }

    #[test]
    fn a_clock_that_is_a_moment_behind_is_not_an_hour_behind() {
        let start = Timestamp::from_microseconds(1_795_143_600_000_000);
        let under = Arc::new(ManualClock::new(start));
        let clock = ShiftedClock::starting_back(under, 1);
        assert_eq!(clock.hours_ahead(), 0);
        clock.catch_up(start.plus_microseconds(-1));
        assert_eq!(clock.hours_ahead(), 0);
        clock.put_forward(24);
        assert_eq!(clock.hours_ahead(), 24);
    }

    #[test]
    fn the_wall_clock_goes() {
        assert!(WallClock.now() > Timestamp::from_microseconds(1_767_225_600_000_000), "2026");
    }
}
