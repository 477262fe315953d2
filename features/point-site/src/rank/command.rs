use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::bonus::{Bonus, BonusFacts, Cause, Standing, Target};
use crate::conversion::ConversionState;
use crate::follow_up::Seen;
use crate::leaving::LeavingState;
use crate::leaving::store::find_leavings;
use crate::rank::store::{
    ByMonth, Earning, Progress, add_member_ranks, find_bonuses, find_earnings, find_member_ranks,
    find_months, list_all_sets, list_sets, save_bonuses, save_earnings, save_month, save_sets,
    sum_in_order, sum_of_members,
};
use crate::rank::{
    Approved, MONTHS_MAX, MemberRank, Month, RankRefusal, RankSet, RankSetState, RankTerms, set_of,
};
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use store::{Command, Fault, Posting, Reader, Tx};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, kind};

/// How far ahead a set may begin.
const AHEAD_MONTHS: i32 = 24;
const THE_BEGINNING: Timestamp = Timestamp::from_microseconds(0);

/// Proposes a set of ranks from a month on. The same again, while it waits, changes nothing.
#[derive(Clone, Debug)]
pub struct ProposeRankSet {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who proposes.
    pub by: Authenticated,
    /// From which month on; not one that has begun.
    pub starts: Month,
    /// What it says.
    pub terms: RankTerms,
}

/// Decides about a set that waits. The same again by the same person changes nothing.
#[derive(Clone, Debug)]
pub struct DecideRankSet {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who decides; who proposed can only decline.
    pub by: Authenticated,
    /// Which.
    pub version: u32,
    /// What is decided.
    pub decision: SetDecision,
}

/// What is decided about a set of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetDecision {
    /// It will be in force.
    Approve,
    /// It will not.
    Decline,
}

/// The sets that a slice concerns.
#[derive(Debug, Default)]
pub struct RankSetFacts {
    known: BTreeMap<u32, RankSet>,
    changed: BTreeSet<u32>,
    entries: Vec<AuditEntry>,
    at: Timestamp,
}

impl RankSetFacts {
    fn load(company: Option<CompanyNumber>, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let Some(company) = company else { return Ok(Self::default()) };
        let known = list_all_sets(tx, company)?.into_iter().map(|set| (set.version, set)).collect();
        Ok(Self { known, ..Self::default() })
    }

    fn note(&mut self, set: RankSet, by: &Authenticated, action: &'static str) {
        self.entries.push(AuditEntry::done(self.at, by, action).of(set.company));
        self.changed.insert(set.version);
        self.known.insert(set.version, set);
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|version| self.known.get(version));
        save_sets(tx, &changed.collect::<Vec<_>>(), self.at)?;
        audit_trail::append(tx, self.entries).map(drop)
    }
}

/// A set begins after the month it is decided in, so that what members have stays.
fn check_start(starts: Month, now: Timestamp) -> Result<(), RankRefusal> {
    let month = Month::of(now);
    let fits = month < starts && starts <= month.plus(AHEAD_MONTHS);
    if fits { Ok(()) } else { Err(RankRefusal::MonthBegun) }
}

impl Command for ProposeRankSet {
    type Facts = RankSetFacts;
    /// The version.
    type Receipt = u32;
    type Refusal = RankRefusal;

    const NAME: &'static str = "propose set of ranks";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<RankSetFacts, Fault> {
        RankSetFacts::load(slice.first().map(|first| first.company), tx)
    }

    fn decide(
        &self,
        facts: &mut RankSetFacts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, RankRefusal> {
        facts.at = posting.now();
        self.terms.check()?;
        check_start(self.starts, facts.at)?;
        let by = self.by.actor();
        let waiting = facts.known.values().find(|set| set.state == RankSetState::Proposed);
        if let Some(set) = waiting {
            let same = set.made_by == by && set.starts == self.starts && set.terms == self.terms;
            return if same { Ok(set.version) } else { Err(RankRefusal::Pending) };
        }
        let last = facts.known.keys().next_back().copied().unwrap_or(0);
        let set = RankSet {
            company: self.company,
            version: last.saturating_add(1),
            starts: self.starts,
            terms: self.terms.clone(),
            state: RankSetState::Proposed,
            made_by: by,
        };
        let version = set.version;
        facts.note(set, &self.by, "rank_set.propose");
        Ok(version)
    }

    fn save(facts: RankSetFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl Command for DecideRankSet {
    type Facts = RankSetFacts;
    type Receipt = ();
    type Refusal = RankRefusal;

    const NAME: &'static str = "decide set of ranks";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<RankSetFacts, Fault> {
        RankSetFacts::load(slice.first().map(|first| first.company), tx)
    }

    fn decide(
        &self,
        facts: &mut RankSetFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), RankRefusal> {
        facts.at = posting.now();
        let by = self.by.actor();
        let mut set = facts.known.get(&self.version).cloned().ok_or(RankRefusal::NotFound)?;
        let (state, action) = match self.decision {
            SetDecision::Approve => (RankSetState::Approved { by }, "rank_set.approve"),
            SetDecision::Decline => (RankSetState::Declined { by }, "rank_set.decline"),
        };
        match set.state {
            RankSetState::Proposed => {}
            before if before == state => return Ok(()),
            RankSetState::Approved { .. } | RankSetState::Declined { .. } => {
                return Err(RankRefusal::Decided);
            }
        }
        if self.decision == SetDecision::Approve {
            if set.made_by == by {
                return Err(RankRefusal::SamePerson);
            }
            check_start(set.starts, facts.at)?;
        }
        set.state = state;
        facts.note(set, &self.by, action);
        Ok(())
    }

    fn save(facts: RankSetFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// What a slice of conversions means for ranks, and ranks for it.
#[derive(Debug)]
pub(crate) struct RankFacts {
    company: CompanyNumber,
    sets: Vec<RankSet>,
    earnings: BTreeMap<Id<kind::Conversion>, Earning>,
    /// What was approved for the members, by month.
    sums: ByMonth<Approved>,
    ranks: ByMonth<MemberRank>,
    months: BTreeMap<Month, Progress>,
    given: ByMonth<Amount>,
    earned: BTreeMap<Id<kind::Conversion>, (Id<kind::Member>, Earning)>,
    fixed: ByMonth<MemberRank>,
    given_changed: BTreeSet<(Id<kind::Member>, Month)>,
    /// Who left, and of whom nothing is kept any more.
    gone: BTreeSet<Id<kind::Member>>,
}

impl RankFacts {
    /// Reads what a slice needs, with a fixed number of statements.
    pub(crate) fn load(
        company: CompanyNumber,
        seen: &BTreeMap<Id<kind::Conversion>, Seen>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let sets = list_sets(reader, company)?;
        let conversions = seen.keys().copied().collect();
        let earnings = find_earnings(reader, &conversions)?;
        let clicks = seen.values().map(|one| Month::of(one.clicked_at));
        let mut facts = Self {
            company,
            sets,
            earnings,
            sums: ByMonth::new(),
            ranks: ByMonth::new(),
            months: BTreeMap::new(),
            given: ByMonth::new(),
            earned: BTreeMap::new(),
            fixed: ByMonth::new(),
            given_changed: BTreeSet::new(),
            gone: gone(seen, reader)?,
        };
        let Some((first, last)) = clicks.clone().min().zip(clicks.max()) else { return Ok(facts) };
        if set_of(&facts.sets, last).is_some() {
            let members = seen.values().map(|one| one.member).collect();
            let window = (first.plus(-i32::from(MONTHS_MAX)), last);
            facts.sums = sum_of_members(reader, company, window, &members)?;
            facts.ranks = find_member_ranks(reader, (first, last), &members)?;
            facts.months = find_months(reader, company, (first, last))?;
            facts.given = find_bonuses(reader, (first, last), &members)?;
        }
        Ok(facts)
    }

    /// Names the bonuses that ranks may give.
    pub(crate) fn bonuses(&self, seen: &Seen) -> Option<Id<kind::Bonus>> {
        set_of(&self.sets, Month::of(seen.clicked_at)).map(|_| Cause::Rank.bonus(seen.id))
    }

    /// Lets ranks follow how a conversion stands: counts it in the month of its approval, and
    /// settles what the rank in the month of its click gives.
    pub(crate) fn follow(
        &mut self,
        seen: &Seen,
        bonuses: &mut BonusFacts,
        posting: &mut Posting<'_>,
    ) {
        if self.gone.contains(&seen.member) {
            return follow_gone(seen, bonuses, posting);
        }
        self.count(seen);
        let month = Month::of(seen.clicked_at);
        let Some(set) = set_of(&self.sets, month).cloned() else { return };
        let rank = self.rank_of(&set, seen.member, month);
        let Some(terms) = self.terms(rank).cloned() else { return };
        let id = Cause::Rank.bonus(seen.id);
        let before = bonuses.standing(id).amount();
        let key = (seen.member, month);
        let given = self.given.get(&key).copied().unwrap_or(Amount::ZERO);
        let amount = terms.bonus_of(seen.points, given.saturating_sub(before));
        let target = match seen.state {
            ConversionState::Tracked { .. } => {
                Target::Announced { amount, due_at: seen.due_at, grant_at: None }
            }
            ConversionState::Approved { .. } => Target::Granted { amount },
            ConversionState::NeedsReview
            | ConversionState::Rejected { .. }
            | ConversionState::Reversed { .. } => Target::Nothing,
        };
        let Ok(title) = Label::parse(&format!("{}ボーナス", terms.name.as_str())) else {
            return;
        };
        let draft = Bonus {
            id,
            cause: Cause::Rank,
            member: seen.member,
            conversion: Some(seen.id),
            title,
            version: 0,
            standing: Standing::Nothing,
        };
        settle(draft, target.of(amount), bonuses, posting);
        let standing = bonuses.standing(id);
        if standing.granted() && !self.ranks.contains_key(&key) {
            // What was granted by a rank keeps it, also when the month is not written yet.
            self.ranks.insert(key, rank);
            self.fixed.insert(key, rank);
        }
        if standing.amount() != before {
            let others = given.saturating_sub(before);
            let after = others.checked_add(standing.amount()).unwrap_or(Amount::MAX);
            self.given.insert(key, after);
            self.given_changed.insert(key);
        }
    }

    /// Counts a purchase as it stands, also for those of this slice that come after it.
    fn count(&mut self, seen: &Seen) {
        let before = self.earnings.get(&seen.id).copied();
        let next = match (seen.state, before) {
            (ConversionState::Approved { decided_at }, _) => {
                (Month::of(decided_at), Approved { purchases: 1, points: seen.points })
            }
            (_, Some((month, _))) => (month, Approved::default()),
            (_, None) => return,
        };
        if before == Some(next) {
            return;
        }
        if let Some((month, approved)) = before {
            let sum = self.sums.entry((seen.member, month)).or_default();
            sum.purchases = sum.purchases.saturating_sub(approved.purchases);
            sum.points = sum.points.saturating_sub(approved.points);
        }
        let (month, approved) = next;
        let sum = self.sums.entry((seen.member, month)).or_default();
        *sum = add(*sum, approved);
        self.earnings.insert(seen.id, next);
        self.earned.insert(seen.id, (seen.member, next));
    }

    /// Gives a member's rank in a month: as it was written, or as it would be written now.
    fn rank_of(&self, set: &RankSet, member: Id<kind::Member>, month: Month) -> MemberRank {
        if let Some(rank) = self.ranks.get(&(member, month)) {
            return *rank;
        }
        let approved = window_sum(&self.sums, set.terms.months, member, month);
        let written = self.months.get(&month).is_some_and(|progress| progress.covers(member));
        let place = if written { 0 } else { set.terms.place_of(approved) };
        MemberRank { version: set.version, place, approved }
    }

    fn terms(&self, rank: MemberRank) -> Option<&crate::rank::Rank> {
        let set = self.sets.iter().find(|set| set.version == rank.version)?;
        set.terms.rank(rank.place)
    }

    /// Writes what changed, with a fixed number of statements.
    pub(crate) fn save(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
        save_earnings(tx, self.company, &self.earned)?;
        add_member_ranks(tx, self.company, &self.fixed, now)?;
        let given = |key: &(Id<kind::Member>, Month)| Some((*key, *self.given.get(key)?));
        save_bonuses(tx, &self.given_changed.iter().filter_map(given).collect())
    }
}

/// Lets what a rank announced or gave to a member who left go with its purchase, as it was: the
/// rank itself is forgotten.
fn follow_gone(seen: &Seen, bonuses: &mut BonusFacts, posting: &mut Posting<'_>) {
    let Some(bonus) = bonuses.find(Cause::Rank.bonus(seen.id)).cloned() else { return };
    let amount = bonus.standing.amount();
    let target = match seen.state {
        ConversionState::Tracked { .. } => return,
        ConversionState::Approved { .. } => Target::Granted { amount },
        ConversionState::NeedsReview
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => Target::Nothing,
    };
    settle(bonus, target.of(amount), bonuses, posting);
}

fn settle(bonus: Bonus, target: Target, bonuses: &mut BonusFacts, posting: &mut Posting<'_>) {
    let id = bonus.id;
    if bonuses.settle(bonus, target, posting).is_err() {
        tracing::info!(bonus.id = %id, "the bonus {id} of a rank is tried again later");
    }
}

/// Finds who of the members of a slice has left.
fn gone(
    seen: &BTreeMap<Id<kind::Conversion>, Seen>,
    reader: &mut Reader<'_>,
) -> Result<BTreeSet<Id<kind::Member>>, Fault> {
    let members: BTreeSet<_> = seen.values().map(|one| one.member).collect();
    let leavings = find_leavings(reader, &members.into_iter().collect::<Vec<_>>())?;
    let left = leavings.into_values().filter(|leaving| match leaving.state {
        LeavingState::Ending | LeavingState::Ended => true,
        LeavingState::Asked | LeavingState::TakenBack => false,
    });
    Ok(left.map(|leaving| leaving.member).collect())
}

fn add(one: Approved, other: Approved) -> Approved {
    Approved {
        purchases: one.purchases.saturating_add(other.purchases),
        points: one.points.checked_add(other.points).unwrap_or(Amount::MAX),
    }
}

/// Sums what was approved for a member in so many months before a month.
pub(crate) fn window_sum(
    sums: &ByMonth<Approved>,
    months: u8,
    member: Id<kind::Member>,
    before: Month,
) -> Approved {
    let first = before.plus(-i32::from(months));
    let window = sums.range((member, first)..(member, before));
    window.fold(Approved::default(), |sum, (_, approved)| add(sum, *approved))
}

/// Writes the ranks of a month for some members after those that were looked at last, and goes on
/// from there the next time. A month that is written changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct WriteRanks {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Which month.
    pub month: Month,
    /// How many members are looked at.
    pub limit: u32,
}

/// The members that a slice writes ranks for.
#[derive(Debug, Default)]
pub struct MonthFacts {
    found: Option<(CompanyNumber, RankSet, Progress)>,
    /// What is to be looked at; `None` once it was.
    sums: Option<Vec<(Id<kind::Member>, Approved)>>,
    ranks: ByMonth<MemberRank>,
    at: Timestamp,
}

impl Command for WriteRanks {
    type Facts = MonthFacts;
    /// Whether all members of the month were looked at.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "write ranks";
    const BACKGROUND: Option<usize> = Some(1);

    /// Looks at members for the first command of a slice; the others, of other nodes, are told how
    /// far that came.
    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<MonthFacts, Fault> {
        let Some(Self { company, month, limit }) = slice.first().copied() else {
            return Ok(MonthFacts::default());
        };
        let sets = list_sets(tx, company)?;
        let Some(set) = set_of(&sets, month).cloned() else { return Ok(MonthFacts::default()) };
        let known = find_months(tx, company, (month, month))?.remove(&month);
        let (version, after) = (set.version, Id::from_bits(0));
        let progress = known.unwrap_or(Progress { month, version, after, done_at: None });
        let mut facts = MonthFacts { at: THE_BEGINNING, ..MonthFacts::default() };
        if progress.done_at.is_none() {
            let window = (month.plus(-i32::from(set.terms.months)), month);
            facts.sums = Some(sum_in_order(tx, company, window, (progress.after, limit))?);
        }
        facts.found = Some((company, set, progress));
        Ok(facts)
    }

    fn decide(
        &self,
        facts: &mut MonthFacts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        facts.at = posting.now();
        let Some((_, set, progress)) = &mut facts.found else { return Ok(true) };
        let Some(sums) = facts.sums.take() else { return Ok(progress.done_at.is_some()) };
        let full = u32::try_from(sums.len()).is_ok_and(|count| count >= self.limit);
        for (member, approved) in sums {
            let place = set.terms.place_of(approved);
            if place > 0 {
                let rank = MemberRank { version: set.version, place, approved };
                facts.ranks.insert((member, progress.month), rank);
            }
            progress.after = member;
        }
        if !full {
            progress.done_at = Some(facts.at);
        }
        Ok(progress.done_at.is_some())
    }

    fn save(facts: MonthFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let Some((company, _, progress)) = &facts.found else { return Ok(()) };
        add_member_ranks(tx, *company, &facts.ranks, facts.at)?;
        save_month(tx, *company, progress)
    }
}
