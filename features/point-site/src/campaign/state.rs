use std::collections::{BTreeMap, BTreeSet};

use crate::bonus::{Standing, Target};
use crate::conversion::ConversionState;
use crate::follow_up::Seen;
use ledger::ActorNumber;
use vocabulary::{
    Amount, CompanyNumber, Day, Id, Label, Rate, Rounding, Timestamp, Token, Zone, kind,
};

/// The most characters of what a campaign says about itself.
pub(crate) const ABOUT_MAX: usize = 2_000;
/// The most shops that a rule names.
pub(crate) const SHOPS_MAX: usize = 100;

/// What a conversion wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignReward {
    /// So many points.
    Fixed(Amount),
    /// A part of the sale, in hundredths of a per cent, rounded down.
    OfSale(u32),
    /// A part of the conversion's own points, in hundredths of a per cent, rounded down: 10,000
    /// doubles them.
    OfPoints(u32),
}

impl CampaignReward {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            Self::OfSale(_) => "sale",
            Self::OfPoints(_) => "points",
        }
    }

    /// Gives what a conversion wins; nothing when that does not fit an amount.
    fn of(self, seen: &Seen) -> Amount {
        let part = |rate, of| Rate::basis_points(rate).apply(of, Rounding::Down);
        match self {
            Self::Fixed(amount) => amount,
            Self::OfSale(rate) => part(rate, seen.sale).unwrap_or(Amount::ZERO),
            Self::OfPoints(rate) => part(rate, seen.points).unwrap_or(Amount::ZERO),
        }
    }
}

/// Whom a campaign is for, what it gives and how much in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Clicks from then on count.
    pub starts_at: Timestamp,
    /// Clicks from then on do not count any more.
    pub ends_at: Timestamp,
    /// A member enters first; clicks before the entry do not count.
    pub entry: bool,
    /// Only a member's first conversion on this site counts.
    pub first_purchase: bool,
    /// The least sale that counts.
    pub sale_min: Amount,
    /// The shops that count; none means all.
    pub shops: BTreeSet<Id<kind::Shop>>,
    /// The categories that count; none means all. With shops as well, either is enough.
    pub categories: BTreeSet<Token>,
    /// What a conversion wins.
    pub reward: CampaignReward,
    /// The most that one member wins in all.
    pub member_max: Option<Amount>,
    /// How many conversions win, in the order in which they become known.
    pub winners_max: Option<u32>,
    /// Days after the approval until what was won is granted.
    pub delay_days: u16,
    /// The most that all win together.
    pub budget: Amount,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Why something about a campaign is refused, in the order of the checks. Codes are keys
        /// of the texts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CampaignRefusal {
            $($(#[$doc])* $name,)*
        }

        impl CampaignRefusal {
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
    /// There is no such campaign.
    NotFound = "not_found";
    /// It would end before it begins, or has ended already.
    PeriodUnfit = "period_unfit";
    /// A reward or a budget of nothing.
    RewardUnfit = "reward_unfit";
    /// The budget does not pay for one reward.
    BudgetUnfit = "budget_unfit";
    /// It is not at a point where this can be done.
    StateUnfit = "state_unfit";
    /// Who proposed it cannot approve it.
    SamePerson = "same_person";
    /// It does not run now.
    NotRunning = "not_running";
    /// It asks for no entry.
    NoEntry = "no_entry";
    /// The ledger refuses it now.
    Unpayable = "unpayable";
}

impl Rules {
    /// Checks that the rule makes sense.
    ///
    /// # Errors
    ///
    /// The first [`CampaignRefusal`] that applies.
    pub fn check(&self, now: Timestamp) -> Result<(), CampaignRefusal> {
        if self.ends_at <= self.starts_at || self.ends_at <= now {
            return Err(CampaignRefusal::PeriodUnfit);
        }
        let nothing = match self.reward {
            CampaignReward::Fixed(amount) => amount.is_zero(),
            CampaignReward::OfSale(rate) | CampaignReward::OfPoints(rate) => rate == 0,
        };
        if nothing {
            return Err(CampaignRefusal::RewardUnfit);
        }
        let least = match self.reward {
            CampaignReward::Fixed(amount) => amount,
            CampaignReward::OfSale(_) | CampaignReward::OfPoints(_) => Amount::from(1),
        };
        if self.budget < least {
            return Err(CampaignRefusal::BudgetUnfit);
        }
        Ok(())
    }

    /// Tells whether a click at that moment counts.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }

    fn takes(&self, seen: &Seen) -> bool {
        let any = self.shops.is_empty() && self.categories.is_empty();
        any || self.shops.contains(&seen.shop) || self.categories.contains(&seen.category)
    }

    /// Tells whether a conversion may win, by what never changes about it.
    pub(crate) fn concerns(&self, seen: &Seen) -> bool {
        self.covers(seen.clicked_at) && self.takes(seen)
    }
}

/// How a member takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Participation {
    /// When they entered; `None` when they did not.
    pub entered_at: Option<Timestamp>,
    /// How many of their conversions win.
    pub awards: u32,
    /// What these win in all.
    pub points: Amount,
}

/// What a conversion's award stands on, beside the rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) seen: &'a Seen,
    /// It is the member's first conversion on this site.
    pub(crate) first: bool,
    /// How the member takes part; this conversion's own award is in it.
    pub(crate) part: Participation,
    /// How many conversions win.
    pub(crate) winners: u32,
    /// What this conversion wins so far.
    pub(crate) before: Amount,
    /// Nothing new is won any more.
    pub(crate) stopped: bool,
}

/// Gives what a conversion wins by a rule, were the budget without end; zero for nothing. What is
/// won already counts towards no limit against itself, and never grows after a stop.
pub(crate) fn award(rules: &Rules, case: Case<'_>) -> Amount {
    let Case { seen, part, before, .. } = case;
    let new = before.is_zero();
    let late = |entered_at: Timestamp| seen.clicked_at < entered_at;
    let full = |max: u32| case.winners >= max;
    if !rules.concerns(seen)
        || (rules.entry && part.entered_at.is_none_or(late))
        || (rules.first_purchase && !case.first)
        || seen.sale < rules.sale_min
        || (new && (case.stopped || rules.winners_max.is_some_and(full)))
    {
        return Amount::ZERO;
    }
    let amount = rules.reward.of(seen);
    let others = part.points.saturating_sub(before);
    let room = rules.member_max.map_or(Amount::MAX, |max| max.saturating_sub(others));
    let amount = amount.min(room);
    if case.stopped { amount.min(before) } else { amount }
}

/// Gives what an award of that amount is to be, as the conversion stands. What is granted stays so
/// as long as the conversion is approved.
pub(crate) fn target(
    rules: &Rules,
    seen: &Seen,
    amount: Amount,
    standing: Standing,
    now: Timestamp,
) -> Target {
    let delay = i64::from(rules.delay_days);
    let target = match seen.state {
        ConversionState::Tracked { .. } => {
            let due_at = seen.due_at.map(|due_at| due_at.plus_days(delay));
            Target::Announced { amount, due_at, grant_at: None }
        }
        ConversionState::Approved { decided_at } => {
            let grant_at = decided_at.plus_days(delay);
            if grant_at <= now || standing.granted() {
                Target::Granted { amount }
            } else {
                Target::Announced { amount, due_at: Some(grant_at), grant_at: Some(grant_at) }
            }
        }
        ConversionState::NeedsReview
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => Target::Nothing,
    };
    target.of(amount.min(target.amount()))
}

/// Where a campaign stands; whether it runs follows from its period as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignState {
    /// Being written.
    Draft,
    /// The budget waits for a second person.
    Proposed {
        /// Who proposed.
        by: ActorNumber,
    },
    /// The budget is there.
    Approved,
    /// Nothing new is won; what was announced is kept.
    Stopped,
    /// What was left of the budget went back.
    Closed,
}

impl CampaignState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed { .. } => "proposed",
            Self::Approved => "approved",
            Self::Stopped => "stopped",
            Self::Closed => "closed",
        }
    }
}

/// A campaign as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Which; chosen by the caller.
    pub id: Id<kind::Campaign>,
    /// Whose.
    pub company: CompanyNumber,
    /// What members call it, also in their passbook.
    pub name: Label,
    /// What members read about it.
    pub about: String,
    /// The rule.
    pub rules: Rules,
    /// Grows with every change.
    pub version: u32,
    /// Where it stands.
    pub state: CampaignState,
    /// Who made it.
    pub made_by: ActorNumber,
    /// Who approved its budget.
    pub approved_by: Option<ActorNumber>,
    /// How many conversions win.
    pub winners: u32,
}

/// What somebody of the staff does about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignChange {
    /// Asks for its budget.
    Propose,
    /// Lets it be changed again.
    SendBack,
    /// Grants the budget.
    Approve,
    /// Ends it early: nothing new is won from the next posting on.
    Stop,
    /// Gives back what is left of the budget, after it ended.
    Close,
}

impl CampaignChange {
    /// Gives the word of the audit trail.
    pub const fn audit(self) -> &'static str {
        match self {
            Self::Propose => "campaign.propose",
            Self::SendBack => "campaign.send_back",
            Self::Approve => "campaign.approve",
            Self::Stop => "campaign.stop",
            Self::Close => "campaign.close",
        }
    }
}

impl Campaign {
    /// Tells whether members see it and can win.
    pub fn runs(&self, now: Timestamp) -> bool {
        self.state == CampaignState::Approved && self.rules.covers(now)
    }

    /// Tells whether nothing new is won any more.
    pub(crate) const fn stopped(&self) -> bool {
        match self.state {
            CampaignState::Approved => false,
            CampaignState::Draft
            | CampaignState::Proposed { .. }
            | CampaignState::Stopped
            | CampaignState::Closed => true,
        }
    }

    /// Decides what somebody does about it.
    ///
    /// # Errors
    ///
    /// The first [`CampaignRefusal`] that applies; nothing changes then.
    pub(crate) fn change(
        &self,
        change: CampaignChange,
        by: ActorNumber,
        now: Timestamp,
    ) -> Result<CampaignState, CampaignRefusal> {
        match (change, self.state) {
            (CampaignChange::Propose, CampaignState::Draft) => {
                self.rules.check(now)?;
                Ok(CampaignState::Proposed { by })
            }
            (CampaignChange::SendBack, CampaignState::Proposed { .. }) => Ok(CampaignState::Draft),
            (CampaignChange::Approve, CampaignState::Proposed { by: maker }) => {
                if maker == by {
                    return Err(CampaignRefusal::SamePerson);
                }
                self.rules.check(now)?;
                Ok(CampaignState::Approved)
            }
            (CampaignChange::Stop, CampaignState::Approved) => Ok(CampaignState::Stopped),
            (CampaignChange::Close, CampaignState::Stopped) => Ok(CampaignState::Closed),
            (CampaignChange::Close, CampaignState::Approved) if self.rules.ends_at <= now => {
                Ok(CampaignState::Closed)
            }
            (
                CampaignChange::Propose
                | CampaignChange::SendBack
                | CampaignChange::Approve
                | CampaignChange::Stop
                | CampaignChange::Close,
                CampaignState::Draft
                | CampaignState::Proposed { .. }
                | CampaignState::Approved
                | CampaignState::Stopped
                | CampaignState::Closed,
            ) => Err(CampaignRefusal::StateUnfit),
        }
    }
}

/// What would have been won on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// Conversions that win.
    pub winners: u32,
    /// What they win.
    pub points: Amount,
}

/// What a rule would have cost, had it been in force over past conversions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// By day of the click.
    pub days: BTreeMap<Day, DayCount>,
    /// How many conversions were looked at.
    pub seen: u32,
    /// The day on which the budget was too small for the first time.
    pub short_on: Option<Day>,
    parts: BTreeMap<Id<kind::Member>, Participation>,
    total: DayCount,
}

impl Simulation {
    /// Decides one past conversion as the live rule does; give them in order. Everybody is taken
    /// to have entered, and what was rejected to have won nothing.
    pub(crate) fn add(&mut self, rules: &Rules, seen: &Seen, first: bool) {
        self.seen = self.seen.saturating_add(1);
        let mut part = self.parts.get(&seen.member).copied().unwrap_or_default();
        part.entered_at = Some(rules.starts_at);
        let (winners, before) = (self.total.winners, Amount::ZERO);
        let amount = award(rules, Case { seen, first, part, winners, before, stopped: false });
        let stands = match seen.state {
            ConversionState::Tracked { .. } | ConversionState::Approved { .. } => true,
            ConversionState::NeedsReview
            | ConversionState::Rejected { .. }
            | ConversionState::Reversed { .. } => false,
        };
        if amount.is_zero() || !stands {
            return;
        }
        let day = Zone::JAPAN.day_of(seen.clicked_at);
        if self.total.points.checked_add(amount).is_none_or(|sum| sum > rules.budget) {
            self.short_on.get_or_insert(day);
            return;
        }
        part.awards = part.awards.saturating_add(1);
        part.points = part.points.checked_add(amount).unwrap_or(Amount::MAX);
        self.parts.insert(seen.member, part);
        let count = self.days.entry(day).or_default();
        for count in [count, &mut self.total] {
            count.winners = count.winners.saturating_add(1);
            count.points = count.points.checked_add(amount).unwrap_or(Amount::MAX);
        }
    }

    /// Gives winners and cost in all.
    pub const fn total(&self) -> DayCount {
        self.total
    }

    /// Gives how many members win.
    pub fn members(&self) -> usize {
        self.parts.len()
    }
}
