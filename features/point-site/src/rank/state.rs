use core::fmt;

use ledger::ActorNumber;
use vocabulary::{Amount, CompanyNumber, Day, Label, Rate, Rounding, TimeError, Timestamp, Zone};

/// The most ranks of a set, with the lowest.
pub(crate) const RANKS_MAX: usize = 6;
/// The most months that are looked back.
pub(crate) const MONTHS_MAX: u8 = 24;
/// The longest name of a rank, in characters: the passbook says 「…ボーナス」.
pub(crate) const NAME_MAX: usize = 40;
/// The largest bonus, in hundredths of a per cent of the points of a purchase.
const BONUS_MAX: u32 = 100_000;

/// A calendar month in Japan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Day);

impl Month {
    /// Gives the month of a moment.
    pub fn of(moment: Timestamp) -> Self {
        let day = Zone::JAPAN.day_of(moment);
        let (_, _, place) = day.civil();
        Self(day.plus_days(1_i32.saturating_sub(place.into())))
    }

    /// Takes the first day of a month; `None` for any other day.
    pub fn starting(day: Day) -> Option<Self> {
        (day.civil().2 == 1).then_some(Self(day))
    }

    /// Reads `2026-12`.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when the text is no such month.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        Day::parse(&format!("{text}-01")).map(Self)
    }

    /// Gives its first day.
    pub const fn first_day(self) -> Day {
        self.0
    }

    /// Gives the moment when it begins.
    pub fn starts_at(self) -> Timestamp {
        Zone::JAPAN.start_of(self.0)
    }

    /// Goes on, or back, by months.
    pub fn plus(self, months: i32) -> Self {
        Self(self.0.plus_months(months))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, _) = self.0.civil();
        write!(f, "{year:04}-{month:02}")
    }
}

/// How the two marks of a rank belong together. A mark of zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Each that is set must be reached.
    All,
    /// One that is set is enough.
    Any,
}

impl Marks {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::All, Self::Any].into_iter().find(|one| one.code() == code)
    }
}

/// What was approved for a member in some months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// How many purchases.
    pub purchases: u32,
    /// The points for them, without any bonus.
    pub points: Amount,
}

/// One rank: what it takes and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// What members read.
    pub name: Label,
    /// The same in English.
    pub name_english: Label,
    /// The purchases it takes; 0 for no such mark.
    pub purchases: u32,
    /// The points it takes; 0 for no such mark.
    pub points: Amount,
    /// How these belong together.
    pub marks: Marks,
    /// What a purchase gives more, in hundredths of a per cent of its own points, rounded down.
    pub bonus: u32,
    /// The most that the clicks of one month give more.
    pub month_max: Option<Amount>,
}

impl Rank {
    /// Tells whether this is enough for the rank.
    pub fn reached(&self, approved: Approved) -> bool {
        let purchases = approved.purchases >= self.purchases;
        let points = approved.points >= self.points;
        match (self.marks, self.purchases > 0, !self.points.is_zero()) {
            (Marks::Any, true, true) => purchases || points,
            (Marks::All | Marks::Any, ..) => purchases && points,
        }
    }

    /// Gives what a purchase of so many points gives more, when other purchases of the month give
    /// so much.
    pub fn bonus_of(&self, points: Amount, others: Amount) -> Amount {
        let bonus = Rate::basis_points(self.bonus).apply(points, Rounding::Down);
        let room = self.month_max.map_or(Amount::MAX, |max| max.saturating_sub(others));
        bonus.unwrap_or(Amount::ZERO).min(room)
    }
}

/// The ranks of a site and what they are decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankTerms {
    /// How many calendar months before a month decide the rank of it.
    pub months: u8,
    /// From the lowest, which everybody has.
    pub ranks: Vec<Rank>,
}

impl RankTerms {
    /// Checks that they can be promised.
    ///
    /// # Errors
    ///
    /// The first [`RankRefusal`] that applies.
    pub fn check(&self) -> Result<(), RankRefusal> {
        if !(1..=MONTHS_MAX).contains(&self.months) {
            return Err(RankRefusal::MonthsUnfit);
        }
        let Some((lowest, higher)) = self.ranks.split_first() else {
            return Err(RankRefusal::RanksUnfit);
        };
        let free = |rank: &Rank| rank.purchases == 0 && rank.points.is_zero();
        if higher.is_empty() || self.ranks.len() > RANKS_MAX || !free(lowest) {
            return Err(RankRefusal::RanksUnfit);
        }
        let long = |name: &Label| name.as_str().chars().count() > NAME_MAX;
        if self.ranks.iter().any(|rank| long(&rank.name) || long(&rank.name_english)) {
            return Err(RankRefusal::NameLong);
        }
        if self.ranks.iter().any(|rank| rank.bonus > BONUS_MAX) {
            return Err(RankRefusal::BonusUnfit);
        }
        // Nobody may miss a rank by reaching more than it takes.
        let harder = |low: &Rank, high: &Rank| {
            low.purchases <= high.purchases
                && low.points <= high.points
                && (low.purchases, low.points) != (high.purchases, high.points)
        };
        let pairs = self.ranks.iter().zip(higher);
        if higher.iter().any(free) || pairs.into_iter().any(|(low, high)| !harder(low, high)) {
            return Err(RankRefusal::MarksUnfit);
        }
        Ok(())
    }

    /// Gives the place of the highest rank that this is enough for.
    pub fn place_of(&self, approved: Approved) -> u8 {
        let reached = (0_u8..).zip(&self.ranks).filter(|(_, rank)| rank.reached(approved));
        reached.map(|(place, _)| place).max().unwrap_or(0)
    }

    /// Gives the rank of a place; `None` when there are fewer.
    pub fn rank(&self, place: u8) -> Option<&Rank> {
        self.ranks.get(usize::from(place))
    }
}

/// Where a set of ranks stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankSetState {
    /// It waits for a second person.
    Proposed,
    /// It is in force from its month on, until another one is.
    Approved {
        /// Who approved it.
        by: ActorNumber,
    },
    /// It will never be in force.
    Declined {
        /// Who declined it, or took it back.
        by: ActorNumber,
    },
}

impl RankSetState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Declined { .. } => "declined",
        }
    }

    /// Tells who decided.
    pub const fn decided_by(self) -> Option<ActorNumber> {
        match self {
            Self::Proposed => None,
            Self::Approved { by } | Self::Declined { by } => Some(by),
        }
    }
}

/// A version of the ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankSet {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Which; counted up.
    pub version: u32,
    /// From which month on.
    pub starts: Month,
    /// What it says.
    pub terms: RankTerms,
    /// Where it stands.
    pub state: RankSetState,
    /// Who wrote it.
    pub made_by: ActorNumber,
}

/// Finds the set in force in a month: the approved one that began last; of two that began together
/// the later version. A set is approved before its month begins, so that this never changes for a
/// month that has begun.
pub fn set_of(sets: &[RankSet], month: Month) -> Option<&RankSet> {
    let in_force = sets.iter().filter(|set| match set.state {
        RankSetState::Approved { .. } => set.starts <= month,
        RankSetState::Proposed | RankSetState::Declined { .. } => false,
    });
    in_force.max_by_key(|set| (set.starts, set.version))
}

/// A member's rank in a month, as it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRank {
    /// The version of the rules.
    pub version: u32,
    /// The place of the rank in it.
    pub place: u8,
    /// What it was decided by.
    pub approved: Approved,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Why a set of ranks is refused, in the order of the checks. Codes are keys of the texts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RankRefusal {
            $($(#[$doc])* $name,)*
        }

        impl RankRefusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

refusals! {
    /// It looks back no month, or more than 24.
    MonthsUnfit = "months_unfit";
    /// It has fewer than two ranks or more than six, or the lowest takes something.
    RanksUnfit = "ranks_unfit";
    /// A name has more than 40 characters.
    NameLong = "name_long";
    /// A bonus is more than ten times the points.
    BonusUnfit = "bonus_unfit";
    /// A rank does not take more than the one below it.
    MarksUnfit = "marks_unfit";
    /// Its month has begun, or is more than two years away.
    MonthBegun = "month_begun";
    /// Another one waits for its approval.
    Pending = "pending";
    /// There is no such version.
    NotFound = "not_found";
    /// It was decided otherwise.
    Decided = "decided";
    /// Who proposed it cannot approve it.
    SamePerson = "same_person";
}
