use vocabulary::Timestamp;

const HOUR: i64 = 3_600_000_000;
/// The hours of the four weeks in which a shop shows its rhythm.
const RHYTHM_HOURS: u32 = 28 * 24;
/// How many usual gaps have to pass before a shop counts as silent; by chance alone a gap lasts
/// three times the mean once in twenty.
const GAPS: u32 = 3;
/// A night is no silence, and who says nothing for a week is silent.
const HOURS_MIN: u32 = 12;
const HOURS_MAX: u32 = 7 * 24;
/// Fewer clicks than this without a purchase mean nothing.
const CLICKS_MIN: u32 = 20;

/// What was seen of a shop by one network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Clicks of the last day.
    pub clicks_day: u32,
    /// Clicks of the last seven days.
    pub clicks_week: u32,
    /// Conversions that occurred in the last day.
    pub conversions_day: u32,
    /// In the last seven days.
    pub conversions_week: u32,
    /// In the last four weeks.
    pub conversions_month: u32,
    /// When the last of them was told.
    pub told_at: Option<Timestamp>,
}

/// How a shop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Hardly anybody goes there.
    Idle,
    /// What is to be expected comes back.
    Alive,
    /// Members go there and nothing comes back.
    Silent {
        /// For how many hours; `None` when nothing came in four weeks.
        hours: Option<u32>,
    },
}

impl Pulse {
    /// After how many hours without a conversion a shop is silent: three of its usual gaps, at
    /// least half a day and at most a week.
    pub fn patience_hours(&self) -> u32 {
        let gap = RHYTHM_HOURS.checked_div(self.conversions_month).unwrap_or(HOURS_MAX);
        gap.saturating_mul(GAPS).clamp(HOURS_MIN, HOURS_MAX)
    }
}

/// Tells how a shop does.
pub fn standing(pulse: &Pulse, now: Timestamp) -> Standing {
    match pulse.told_at {
        None if pulse.clicks_week >= CLICKS_MIN => Standing::Silent { hours: None },
        None => Standing::Idle,
        Some(told_at) => {
            let hours = now.microseconds_since(told_at).max(0).div_euclid(HOUR);
            let hours = u32::try_from(hours).unwrap_or(u32::MAX);
            if pulse.clicks_day > 0 && hours > pulse.patience_hours() {
                Standing::Silent { hours: Some(hours) }
            } else if pulse.clicks_week == 0 && pulse.conversions_week == 0 {
                Standing::Idle
            } else {
                Standing::Alive
            }
        }
    }
}
