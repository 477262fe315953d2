use std::collections::BTreeMap;

use ledger::ActorNumber;
use vocabulary::{
    Amount, BankCalendar, CalendarError, CompanyNumber, Day, Label, Rate, Rounding, Timestamp,
    Token, UnitCode,
};

/// The highest figure that is taken for points, or for a side of a rate: nine digits.
const FIGURE_MAX: i64 = 999_999_999;
/// The most business days until it is there: what is further off is no promise.
const LEAD_DAYS_MAX: u16 = 60;
/// The longest that a quote holds: a day.
const QUOTE_MINUTES_MAX: u16 = 1_440;

/// How value gets to the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DestinationKind {
    /// Yen to a bank account.
    Bank,
    /// A code that is worth an amount, which a partner makes when asked.
    GiftCode,
    /// A code that is worth an amount, out of a pool that was bought.
    PooledCode,
    /// Points of another company.
    PartnerPoints,
}

impl DestinationKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Bank, Self::GiftCode, Self::PooledCode, Self::PartnerPoints];

    /// Gives the stable code, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::GiftCode => "gift_code",
            Self::PooledCode => "pooled_code",
            Self::PartnerPoints => "partner_points",
        }
    }

    /// Finds a kind by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Tells whether the member has to say where to.
    pub const fn needs_target(self) -> bool {
        match self {
            Self::Bank => true,
            // Partners know members by the id of the request until they link accounts.
            Self::GiftCode | Self::PooledCode | Self::PartnerPoints => false,
        }
    }

    /// Tells whether a partner that we are connected with delivers it.
    pub const fn needs_partner(self) -> bool {
        match self {
            Self::GiftCode | Self::PartnerPoints => true,
            Self::Bank | Self::PooledCode => false,
        }
    }

    /// Tells whether it can only be yen: files of banks and lists of codes know nothing else.
    const fn only_yen(self) -> bool {
        match self {
            Self::Bank | Self::PooledCode => true,
            Self::GiftCode | Self::PartnerPoints => false,
        }
    }

    /// Tells whether the member gets a code to be shown.
    pub const fn gives_code(self) -> bool {
        match self {
            Self::GiftCode | Self::PooledCode => true,
            Self::Bank | Self::PartnerPoints => false,
        }
    }
}

/// Whether members can exchange now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// They can.
    Open,
    /// They cannot for a while; what was accepted before goes on.
    Paused,
}

impl Opening {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Paused];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
        }
    }

    /// Finds it by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|opening| opening.code() == code)
    }
}

/// A version of a destination as it is kept: with what members call it, and who delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationEntry {
    /// What it promises.
    pub terms: Destination,
    /// What members call it.
    pub name: Label,
    /// The same in English.
    pub name_english: Label,
    /// The pool or the partner that delivers; its own code for a bank.
    pub product: Token,
}

/// What makes terms of a destination none, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Banks and pools give yen and nothing else.
    #[error("this kind gives yen")]
    Unit,
    /// The minimum is not from 1 to 999,999,999.
    #[error("the minimum is 1 to 999,999,999 points")]
    Minimum,
    /// The step is not from 1 to 999,999,999.
    #[error("the step is 1 to 999,999,999 points")]
    Step,
    /// A side of the rate is not from 1 to 999,999,999.
    #[error("both sides of a rate are 1 to 999,999,999")]
    Rate,
    /// The fee is more than 999,999,999.
    #[error("a fee is at most 999,999,999 points")]
    Fee,
    /// It takes longer than can be promised.
    #[error("at most 60 business days can be promised")]
    LeadDays,
    /// A quote that is over at once, or holds longer than a day.
    #[error("a quote holds 1 to 1,440 minutes")]
    QuoteMinutes,
    /// The fewest points that can be offered would give nothing.
    #[error("the minimum gives nothing at this rate")]
    Worthless,
}

impl TermsError {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Minimum => "minimum",
            Self::Step => "step",
            Self::Rate => "rate",
            Self::Fee => "fee",
            Self::LeadDays => "lead_days",
            Self::QuoteMinutes => "quote_minutes",
            Self::Worthless => "worthless",
        }
    }
}

/// Finds the version of each destination that holds on a day, in the order of their codes.
pub fn entries_in_force(entries: &[DestinationEntry], today: Day) -> Vec<&DestinationEntry> {
    let begun = entries.iter().filter(|entry| entry.terms.effective_from <= today);
    let mut latest: BTreeMap<&Token, &DestinationEntry> = BTreeMap::new();
    for entry in begun {
        let kept = latest.entry(&entry.terms.code).or_insert(entry);
        if kept.terms.effective_from < entry.terms.effective_from {
            *kept = entry;
        }
    }
    latest.into_values().collect()
}

/// One version of a destination, in force from a day until the next version's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Names it for ever.
    pub code: Token,
    /// How value gets to the member.
    pub kind: DestinationKind,
    /// The unit of what the member gets.
    pub unit: UnitCode,
    /// The fewest points that can be turned, without the fee.
    pub minimum: Amount,
    /// Points are turned in multiples of this; zero counts as one.
    pub step: Amount,
    /// What one point gives.
    pub rate: Rate,
    /// How what it gives is made whole.
    pub rounding: Rounding,
    /// What an exchange costs beside, in points.
    pub fee: Amount,
    /// Business days until it is there.
    pub lead_days: u16,
    /// For how many minutes a quote holds.
    pub quote_minutes: u16,
    /// The group whose limits count it.
    pub limit_group: Token,
    /// Whether members can exchange now.
    pub opening: Opening,
    /// The first day of this version.
    pub effective_from: Day,
}

impl Destination {
    /// Gives the fewest points that can be offered, with the fee; `None` when they cannot be
    /// counted.
    pub fn least(&self) -> Option<Amount> {
        let steps = Steps::of(self);
        steps.points(steps.fewest()?)?.checked_add(self.fee)
    }

    /// Tells what is wrong with these terms.
    ///
    /// # Errors
    ///
    /// [`TermsError`], the first that applies.
    pub fn check(&self) -> Result<(), TermsError> {
        let counts = |figure: i64| (1..=FIGURE_MAX).contains(&figure);
        let checks = [
            (!self.kind.only_yen() || self.unit.as_str() == "JPY", TermsError::Unit),
            (counts(self.minimum.minor_units()), TermsError::Minimum),
            (counts(self.step.minor_units()), TermsError::Step),
            (counts(self.rate.numerator()) && counts(self.rate.denominator()), TermsError::Rate),
            (self.fee.minor_units() <= FIGURE_MAX, TermsError::Fee),
            (self.lead_days <= LEAD_DAYS_MAX, TermsError::LeadDays),
            ((1..=QUOTE_MINUTES_MAX).contains(&self.quote_minutes), TermsError::QuoteMinutes),
            (self.least().is_some_and(|least| preview(self, least).is_ok()), TermsError::Worthless),
        ];
        let wrong = checks.into_iter().find(|(right, _)| !right);
        wrong.map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// Says what so many points will give under terms that need not hold yet: as on their first day,
/// were it open.
///
/// # Errors
///
/// The [`QuoteRefusal`] about the points that applies.
pub fn preview(destination: &Destination, points: Amount) -> Result<Quote, QuoteRefusal> {
    let open = Destination { opening: Opening::Open, ..destination.clone() };
    quote(&open, points, destination.effective_from)
}

/// Finds the version of a destination that holds on a day: the latest that has begun.
pub fn in_force<'a>(
    versions: &'a [Destination],
    code: &Token,
    today: Day,
) -> Option<&'a Destination> {
    let begun = versions.iter().filter(|v| v.code == *code && v.effective_from <= today);
    begun.max_by_key(|version| version.effective_from)
}

/// What a member gets for points, to the last point: `points` = `fee` + `turned` + `remainder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Where to.
    pub destination: Token,
    /// The version it was made under.
    pub effective_from: Day,
    /// The points that the member offered.
    pub points: Amount,
    /// What it costs beside.
    pub fee: Amount,
    /// The points that are turned into value.
    pub turned: Amount,
    /// The points that give nothing; they are not taken.
    pub remainder: Amount,
    /// What the member gets.
    pub value: Amount,
    /// The unit of that.
    pub unit: UnitCode,
    /// The rate, which holds for this quote whatever becomes of the destination's.
    pub rate: Rate,
    /// How the value was made whole.
    pub rounding: Rounding,
    /// For how many minutes it holds.
    pub valid_minutes: u16,
    /// Business days until it is there.
    pub lead_days: u16,
}

impl Quote {
    /// Gives what is taken from the member: what is turned, and the fee.
    pub fn taken(&self) -> Amount {
        // The remainder is a part of the points, so that this is exact.
        self.points.saturating_sub(self.remainder)
    }

    /// Gives the moment from which a quote made at `quoted_at` holds no more.
    pub fn expires_at(&self, quoted_at: Timestamp) -> Timestamp {
        quoted_at.plus_seconds(i64::from(self.valid_minutes).saturating_mul(60))
    }

    /// Gives the day by which it is there, when it is taken in on `taken_in_on`.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the way leads to a year whose holidays are not known.
    pub fn due_on(&self, calendar: BankCalendar, taken_in_on: Day) -> Result<Day, CalendarError> {
        calendar.add_business_days(taken_in_on, self.lead_days)
    }
}

/// Why there is no quote, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefusal {
    /// This version does not hold yet.
    #[error("this can be chosen from {from} on")]
    NotYet {
        /// Its first day.
        from: Day,
    },
    /// The destination is paused.
    #[error("this cannot be chosen at the moment")]
    Paused,
    /// Fewer points than can be turned, or none that are worth anything.
    #[error("at least {minimum} points are needed")]
    BelowMinimum {
        /// The fewest points that can be offered, with the fee.
        minimum: Amount,
    },
    /// The points are not worth anything at this rate.
    #[error("these points give nothing at this rate")]
    Worthless,
    /// The figures do not fit.
    #[error("this is more than can be counted")]
    OutOfRange,
}

impl QuoteRefusal {
    /// Gives the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotYet { .. } => "destination_not_yet",
            Self::Paused => "destination_paused",
            Self::BelowMinimum { .. } => "below_minimum",
            Self::Worthless => "worthless",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// Says what so many points give. The value is that of the most steps that fit; of the points, only
/// the fewest steps that give the same value are turned, so that rounding takes nothing away.
///
/// # Errors
///
/// The first [`QuoteRefusal`] that applies.
pub fn quote(destination: &Destination, points: Amount, today: Day) -> Result<Quote, QuoteRefusal> {
    if today < destination.effective_from {
        return Err(QuoteRefusal::NotYet { from: destination.effective_from });
    }
    if destination.opening == Opening::Paused {
        return Err(QuoteRefusal::Paused);
    }
    let steps = Steps::of(destination);
    let fewest = steps.fewest().ok_or(QuoteRefusal::OutOfRange)?;
    let minimum = destination.least().ok_or(QuoteRefusal::OutOfRange)?;
    if points < minimum {
        return Err(QuoteRefusal::BelowMinimum { minimum });
    }
    let most = steps.within(points.saturating_sub(destination.fee));
    let value = steps.value(most).ok_or(QuoteRefusal::OutOfRange)?;
    if value.is_zero() {
        return Err(QuoteRefusal::Worthless);
    }
    let needed = steps.fewest_for(value, fewest, most);
    let turned = steps.points(needed).ok_or(QuoteRefusal::OutOfRange)?;
    Ok(Quote {
        destination: destination.code.clone(),
        effective_from: destination.effective_from,
        points,
        fee: destination.fee,
        turned,
        remainder: points.saturating_sub(destination.fee).saturating_sub(turned),
        value,
        unit: destination.unit,
        rate: destination.rate,
        rounding: destination.rounding,
        valid_minutes: destination.quote_minutes,
        lead_days: destination.lead_days,
    })
}

/// Points counted in steps of a destination.
struct Steps<'a> {
    destination: &'a Destination,
    size: i64,
}

impl<'a> Steps<'a> {
    fn of(destination: &'a Destination) -> Self {
        Self { destination, size: destination.step.minor_units().max(1) }
    }

    /// The fewest that reach the minimum, at least one.
    fn fewest(&self) -> Option<i64> {
        let minimum = self.destination.minimum.minor_units();
        let up = minimum.checked_add(self.size.saturating_sub(1))?;
        Some(up.div_euclid(self.size).max(1))
    }

    fn within(&self, points: Amount) -> i64 {
        points.minor_units().div_euclid(self.size)
    }

    fn points(&self, steps: i64) -> Option<Amount> {
        steps.checked_mul(self.size).and_then(|points| Amount::try_new(points).ok())
    }

    fn value(&self, steps: i64) -> Option<Amount> {
        self.destination.rate.apply(self.points(steps)?, self.destination.rounding)
    }

    /// The fewest from `low` to `high` that give as much as `high` does; value never falls as steps
    /// grow, so halving finds it.
    fn fewest_for(&self, value: Amount, mut low: i64, mut high: i64) -> i64 {
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low).div_euclid(2));
            if self.value(middle).is_some_and(|reached| reached >= value) {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        low
    }
}

/// How much a member may exchange in a group of destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitGroup {
    /// Names the group.
    pub code: Token,
    /// The most points a day; `None` for no limit.
    pub daily: Option<Amount>,
    /// The most points a calendar month; `None` for no limit.
    pub monthly: Option<Amount>,
}

/// What a member has exchanged in a group: all that was accepted and did not fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Today.
    pub today: Amount,
    /// This calendar month, with today.
    pub month: Amount,
}

/// The period of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitPeriod {
    /// A day in Japan.
    Day,
    /// A calendar month in Japan.
    Month,
}

/// A limit that an exchange would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{left} points of {limit} are left")]
pub struct LimitRefusal {
    /// Of which period.
    pub period: LimitPeriod,
    /// The limit.
    pub limit: Amount,
    /// What can still be taken.
    pub left: Amount,
}

impl LimitGroup {
    /// Checks that so many more points may be taken.
    ///
    /// # Errors
    ///
    /// [`LimitRefusal`] for the first limit that they would pass, the day's before the month's.
    pub fn check(&self, taken: Taken, points: Amount) -> Result<(), LimitRefusal> {
        let limits = [
            (LimitPeriod::Day, self.daily, taken.today),
            (LimitPeriod::Month, self.monthly, taken.month),
        ];
        for (period, limit, used) in limits {
            let Some(limit) = limit else { continue };
            let left = limit.saturating_sub(used);
            if points > left {
                return Err(LimitRefusal { period, limit, left });
            }
        }
        Ok(())
    }
}

/// What somebody proposes to change: it moves money, so that another person has to approve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationChange {
    /// A version of a destination, from its first day on.
    Version(DestinationEntry),
    /// The limits of a group, from the approval on.
    Limits(LimitGroup),
}

impl DestinationChange {
    /// Gives the stable code of what is changed, as stored and as word of the audit trail.
    pub const fn subject(&self) -> &'static str {
        match self {
            Self::Version(_) => "destination",
            Self::Limits(_) => "limit_group",
        }
    }

    /// Names the destination or the group.
    pub const fn code(&self) -> &Token {
        match self {
            Self::Version(entry) => &entry.terms.code,
            Self::Limits(group) => &group.code,
        }
    }

    /// Tells whether both are about the same destination, or the same group.
    pub fn concerns_same(&self, other: &Self) -> bool {
        (self.subject(), self.code()) == (other.subject(), other.code())
    }
}

/// How far a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// Somebody else has to approve it.
    Proposed,
    /// It was approved.
    Approved {
        /// By whom.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
    /// It was declined, by its maker or by somebody else.
    Declined {
        /// By whom.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl ProposalState {
    /// Gives the stable code, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Declined { .. } => "declined",
        }
    }
}

/// A change that somebody proposed. What it says never changes, so that what was read is what is
/// approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationProposal {
    /// Whose destinations.
    pub company: CompanyNumber,
    /// Counted from 1 in each company.
    pub number: u32,
    /// What it says.
    pub change: DestinationChange,
    /// Who proposed it.
    pub proposed_by: ActorNumber,
    /// When.
    pub proposed_at: Timestamp,
    /// How far it is.
    pub state: ProposalState,
}
