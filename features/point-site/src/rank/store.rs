//! The tables `site_rank_set`, `site_rank`, `site_rank_earning`, `site_member_rank`,
//! `site_rank_month` and `site_rank_bonus`.

use std::collections::{BTreeMap, BTreeSet};

use crate::rank::{Approved, Marks, MemberRank, Month, Rank, RankSet, RankSetState, RankTerms};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    LIST_SETS.listed(),
    LIST_ALL_SETS.listed(),
    LIST_RANKS.listed(),
    SAVE_SETS.listed(),
    ADD_RANKS.listed(),
    FIND_EARNINGS.listed(),
    SAVE_EARNINGS.listed(),
    SUM_OF_MEMBERS.listed(),
    SUM_IN_ORDER.listed(),
    FIND_MEMBER_RANKS.listed(),
    ADD_MEMBER_RANKS.listed(),
    LIST_MEMBER_RANKS.listed(),
    COUNT_PLACES.listed(),
    FIND_MONTHS.listed(),
    SAVE_MONTHS.listed(),
    FIND_BONUSES.listed(),
    SAVE_BONUSES.listed(),
    REMOVE_EARNINGS.listed(),
    REMOVE_MEMBER_RANKS.listed(),
    REMOVE_BONUSES.listed(),
];

macro_rules! sets_where {
    ($condition:literal) => {
        concat!(
            "SELECT company, version, starts_month, months, state, made_by, decided_by
     FROM site_rank_set
     WHERE company = ?",
            $condition,
            "
     ORDER BY version DESC
     LIMIT 100"
        )
    };
}

// By the primary key. Ranks change once a year or two; the newest decide. Whoever proposes and
// takes back again and again moves nothing that holds out of the list.
static LIST_SETS: Statement =
    Statement::new("list sets of ranks", sets_where!(" AND state <> 'declined'"));

// By the primary key.
static LIST_ALL_SETS: Statement =
    Statement::new("list sets of ranks, also declined", sets_where!(""));

// By the primary key.
static LIST_RANKS: Statement = Statement::new(
    "list ranks of sets",
    "SELECT version, place, name, name_english, purchases, points, marks, bonus, month_max
     FROM site_rank
     WHERE company = ? AND version IN (?*)",
);

static SAVE_SETS: Upsert = Upsert {
    name: "save sets of ranks",
    table: "site_rank_set",
    columns: &[
        "company",
        "version",
        "starts_month",
        "months",
        "state",
        "made_by",
        "decided_by",
        "changed_at",
    ],
    keys: &["company", "version"],
    updates: &["state", "decided_by", "changed_at"],
};

static ADD_RANKS: Upsert = Upsert {
    name: "add ranks of sets",
    table: "site_rank",
    columns: &[
        "company",
        "version",
        "place",
        "name",
        "name_english",
        "purchases",
        "points",
        "marks",
        "bonus",
        "month_max",
    ],
    keys: &["company", "version", "place"],
    updates: &[],
};

// By the primary key.
static FIND_EARNINGS: Statement = Statement::new(
    "find what purchases count for ranks",
    "SELECT conversion, month, purchases, points
     FROM site_rank_earning
     WHERE conversion IN (?*)",
);

static SAVE_EARNINGS: Upsert = Upsert {
    name: "save what purchases count for ranks",
    table: "site_rank_earning",
    columns: &["conversion", "company", "member", "month", "purchases", "points"],
    keys: &["conversion"],
    updates: &["month", "purchases", "points"],
};

// Index site_rank_earning_member.
static SUM_OF_MEMBERS: Statement = Statement::new(
    "sum what members earned by month",
    "SELECT member, month, SUM(purchases), SUM(points)
     FROM site_rank_earning
     WHERE company = ? AND month >= ? AND month < ? AND member IN (?*)
     GROUP BY member, month",
);

// Index site_rank_earning_member, in its order: nothing is sorted and no row is looked up.
static SUM_IN_ORDER: Statement = Statement::new(
    "sum what members earned, in order",
    "SELECT member, SUM(purchases), SUM(points)
     FROM site_rank_earning
     WHERE company = ? AND member > ? AND month >= ? AND month < ?
     GROUP BY member
     ORDER BY member
     LIMIT ?",
);

// By the primary key.
static FIND_MEMBER_RANKS: Statement = Statement::new(
    "find ranks of members",
    "SELECT member, month, version, place, purchases, points
     FROM site_member_rank
     WHERE month >= ? AND month <= ? AND member IN (?*)",
);

static ADD_MEMBER_RANKS: Upsert = Upsert {
    name: "add ranks of members",
    table: "site_member_rank",
    columns: &[
        "member",
        "month",
        "company",
        "version",
        "place",
        "purchases",
        "points",
        "written_at",
    ],
    keys: &["member", "month"],
    updates: &[],
};

// By the primary key.
static LIST_MEMBER_RANKS: Statement = Statement::new(
    "list ranks of a member",
    "SELECT member, month, version, place, purchases, points
     FROM site_member_rank
     WHERE member = ?
     ORDER BY month DESC
     LIMIT ?",
);

// Index site_member_rank_place.
static COUNT_PLACES: Statement = Statement::new(
    "count members by rank",
    "SELECT version, place, COUNT(*)
     FROM site_member_rank
     WHERE company = ? AND month = ?
     GROUP BY version, place",
);

static FIND_MONTHS: Statement = Statement::new(
    "find how far ranks are written",
    "SELECT month, version, after_member, done_at
     FROM site_rank_month
     WHERE company = ? AND month >= ? AND month <= ?
     ORDER BY month",
);

static SAVE_MONTHS: Upsert = Upsert {
    name: "save how far ranks are written",
    table: "site_rank_month",
    columns: &["company", "month", "version", "after_member", "done_at"],
    keys: &["company", "month"],
    updates: &["after_member", "done_at"],
};

// By the primary key.
static FIND_BONUSES: Statement = Statement::new(
    "find what ranks give members",
    "SELECT member, month, points
     FROM site_rank_bonus
     WHERE month >= ? AND month <= ? AND member IN (?*)",
);

static SAVE_BONUSES: Upsert = Upsert {
    name: "save what ranks give members",
    table: "site_rank_bonus",
    columns: &["member", "month", "points"],
    keys: &["member", "month"],
    updates: &["points"],
};

// Index site_rank_earning_member.
static REMOVE_EARNINGS: Statement = Statement::new(
    "remove what members earned for ranks",
    "DELETE FROM site_rank_earning
     WHERE company = ? AND member IN (?*)",
);

static REMOVE_MEMBER_RANKS: Statement =
    Statement::new("remove ranks of members", "DELETE FROM site_member_rank WHERE member IN (?*)");

static REMOVE_BONUSES: Statement =
    Statement::new("remove what ranks give", "DELETE FROM site_rank_bonus WHERE member IN (?*)");

/// What a purchase counts: in the month of its approval; nothing any more when it is zero.
pub(crate) type Earning = (Month, Approved);

/// By member and month.
pub(crate) type ByMonth<T> = BTreeMap<(Id<kind::Member>, Month), T>;

/// How far the ranks of a month are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) month: Month,
    /// The version that they follow.
    pub(crate) version: u32,
    /// The last member that was looked at.
    pub(crate) after: Id<kind::Member>,
    /// When the last one was.
    pub(crate) done_at: Option<Timestamp>,
}

impl Progress {
    /// Tells whether a member's rank is written, so that none is the lowest.
    pub(crate) fn covers(&self, member: Id<kind::Member>) -> bool {
        self.done_at.is_some() || member <= self.after
    }
}

fn ids<'a, K: 'a>(all: impl IntoIterator<Item = &'a Id<K>>) -> Vec<Value>
where
    Value: From<Id<K>>,
{
    all.into_iter().map(|id| (*id).into()).collect()
}

fn month(row: &Row<'_>, column: usize) -> Result<Month, Fault> {
    Month::starting(row.day(column)?).ok_or_else(|| row.corrupt("month"))
}

fn byte(row: &Row<'_>, column: usize) -> Result<u8, Fault> {
    u8::try_from(row.small(column)?).map_err(|_range| row.corrupt("a small number"))
}

fn approved(row: &Row<'_>, column: usize) -> Result<Approved, Fault> {
    let points = row.amount(column.saturating_add(1))?;
    Ok(Approved { purchases: row.small(column)?, points })
}

fn rank_of(row: &Row<'_>) -> Result<Rank, Fault> {
    let name = |column| row.parsed(column, |text| Label::parse(text).ok());
    let month_max = row.amount(8)?;
    Ok(Rank {
        name: name(2)?,
        name_english: name(3)?,
        purchases: row.small(4)?,
        points: row.amount(5)?,
        marks: row.parsed(6, Marks::parse)?,
        bonus: row.small(7)?,
        month_max: (!month_max.is_zero()).then_some(month_max),
    })
}

fn set_of_row(row: &Row<'_>, ranks: Vec<Rank>) -> Result<RankSet, Fault> {
    let decided_by = row.optional_unsigned(6)?.map(ActorNumber::from_number);
    let state = match (row.text(4)?, decided_by) {
        ("proposed", None) => RankSetState::Proposed,
        ("approved", Some(by)) => RankSetState::Approved { by },
        ("declined", Some(by)) => RankSetState::Declined { by },
        _ => return Err(row.corrupt("state of a set of ranks")),
    };
    Ok(RankSet {
        company: row.company(0)?,
        version: row.small(1)?,
        starts: month(row, 2)?,
        terms: RankTerms { months: byte(row, 3)?, ranks },
        state,
        made_by: ActorNumber::from_number(row.unsigned(5)?),
    })
}

/// Lists the sets of a site that may be in force, the newest first; with two statements.
pub(crate) fn list_sets(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<RankSet>, Fault> {
    sets_by(reader, &LIST_SETS, company)
}

/// Lists the latest sets of a site, also those that were declined, the newest first; with two
/// statements.
pub(crate) fn list_all_sets(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<RankSet>, Fault> {
    sets_by(reader, &LIST_ALL_SETS, company)
}

fn sets_by(
    reader: &mut Reader<'_>,
    statement: &'static Statement,
    company: CompanyNumber,
) -> Result<Vec<RankSet>, Fault> {
    let sets = reader.query(statement, &[company.into()])?;
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let versions = sets.iter().map(|row| Ok(row.small(1)?.into()));
    let versions: Vec<Value> = versions.collect::<Result<_, Fault>>()?;
    let mut ranks: BTreeMap<u32, BTreeMap<u32, Rank>> = BTreeMap::new();
    for row in &reader.query_list(&LIST_RANKS, &[company.into()], &versions)? {
        ranks.entry(row.small(0)?).or_default().insert(row.small(1)?, rank_of(row)?);
    }
    let of = |row: &Row<'_>| {
        let ranks = ranks.get(&row.small(1)?).cloned().unwrap_or_default();
        set_of_row(row, ranks.into_values().collect())
    };
    sets.iter().map(of).collect()
}

pub(crate) fn save_sets(tx: &mut Tx<'_>, sets: &[&RankSet], now: Timestamp) -> Result<(), Fault> {
    let row = |set: &&RankSet| {
        [
            set.company.into(),
            set.version.into(),
            set.starts.first_day().into(),
            set.terms.months.into(),
            set.state.code().into(),
            set.made_by.get().into(),
            set.state.decided_by().map(ActorNumber::get).into(),
            now.into(),
        ]
    };
    tx.upsert(&SAVE_SETS, &sets.iter().map(row).collect::<Vec<[Value; 8]>>())?;
    let ranks = sets.iter().flat_map(|set| {
        (0_u8..).zip(&set.terms.ranks).map(|(place, rank)| {
            [
                set.company.into(),
                set.version.into(),
                place.into(),
                (&rank.name).into(),
                (&rank.name_english).into(),
                rank.purchases.into(),
                rank.points.into(),
                rank.marks.code().into(),
                rank.bonus.into(),
                rank.month_max.unwrap_or(Amount::ZERO).into(),
            ]
        })
    });
    tx.upsert(&ADD_RANKS, &ranks.collect::<Vec<[Value; 10]>>())
}

pub(crate) fn find_earnings(
    reader: &mut Reader<'_>,
    conversions: &BTreeSet<Id<kind::Conversion>>,
) -> Result<BTreeMap<Id<kind::Conversion>, Earning>, Fault> {
    let rows = reader.query_list(&FIND_EARNINGS, &[], &ids(conversions))?;
    rows.iter().map(|row| Ok((row.id(0)?, (month(row, 1)?, approved(row, 2)?)))).collect()
}

pub(crate) fn save_earnings(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    earnings: &BTreeMap<Id<kind::Conversion>, (Id<kind::Member>, Earning)>,
) -> Result<(), Fault> {
    let row = |(conversion, (member, (month, approved))): (&Id<_>, &(Id<_>, Earning))| {
        [
            (*conversion).into(),
            company.into(),
            (*member).into(),
            month.first_day().into(),
            approved.purchases.into(),
            approved.points.into(),
        ]
    };
    tx.upsert(&SAVE_EARNINGS, &earnings.iter().map(row).collect::<Vec<[Value; 6]>>())
}

/// Sums what was approved for members in each month from one to before another.
pub(crate) fn sum_of_members(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (first, end): (Month, Month),
    members: &BTreeSet<Id<kind::Member>>,
) -> Result<ByMonth<Approved>, Fault> {
    let fixed = [company.into(), first.first_day().into(), end.first_day().into()];
    let rows = reader.query_list(&SUM_OF_MEMBERS, &fixed, &ids(members))?;
    rows.iter().map(|row| Ok(((row.id(0)?, month(row, 1)?), approved(row, 2)?))).collect()
}

/// Sums what was approved from one month to before another, for members after one, in order.
pub(crate) fn sum_in_order(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (first, end): (Month, Month),
    (after, limit): (Id<kind::Member>, u32),
) -> Result<Vec<(Id<kind::Member>, Approved)>, Fault> {
    let (first, end) = (first.first_day().into(), end.first_day().into());
    let values = [company.into(), after.into(), first, end, limit.into()];
    let rows = reader.query(&SUM_IN_ORDER, &values)?;
    rows.iter().map(|row| Ok((row.id(0)?, approved(row, 1)?))).collect()
}

fn member_rank(row: &Row<'_>) -> Result<((Id<kind::Member>, Month), MemberRank), Fault> {
    let rank =
        MemberRank { version: row.small(2)?, place: byte(row, 3)?, approved: approved(row, 4)? };
    Ok(((row.id(0)?, month(row, 1)?), rank))
}

/// Finds the ranks that were written for members in months, from one to another.
pub(crate) fn find_member_ranks(
    reader: &mut Reader<'_>,
    (first, last): (Month, Month),
    members: &BTreeSet<Id<kind::Member>>,
) -> Result<ByMonth<MemberRank>, Fault> {
    let fixed = [first.first_day().into(), last.first_day().into()];
    let rows = reader.query_list(&FIND_MEMBER_RANKS, &fixed, &ids(members))?;
    rows.iter().map(member_rank).collect()
}

/// Writes ranks of members; what is written already stays.
pub(crate) fn add_member_ranks(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    ranks: &ByMonth<MemberRank>,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = |((member, month), rank): (&(Id<kind::Member>, Month), &MemberRank)| {
        [
            (*member).into(),
            month.first_day().into(),
            company.into(),
            rank.version.into(),
            rank.place.into(),
            rank.approved.purchases.into(),
            rank.approved.points.into(),
            now.into(),
        ]
    };
    tx.upsert(&ADD_MEMBER_RANKS, &ranks.iter().map(row).collect::<Vec<[Value; 8]>>())
}

/// Lists the ranks that were written for a member, the latest month first.
pub(crate) fn list_member_ranks(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<(Month, MemberRank)>, Fault> {
    let rows = reader.query(&LIST_MEMBER_RANKS, &[member.into(), limit.into()])?;
    rows.iter().map(|row| member_rank(row).map(|((_, month), rank)| (month, rank))).collect()
}

/// Counts the members of each place in a month; who has no row is not counted.
pub(crate) fn count_places(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    month: Month,
) -> Result<BTreeMap<(u32, u8), u64>, Fault> {
    let rows = reader.query(&COUNT_PLACES, &[company.into(), month.first_day().into()])?;
    rows.iter().map(|row| Ok(((row.small(0)?, byte(row, 1)?), row.unsigned(2)?))).collect()
}

/// Finds how far the ranks of months are written, from one month to another.
pub(crate) fn find_months(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    (first, last): (Month, Month),
) -> Result<BTreeMap<Month, Progress>, Fault> {
    let values = [company.into(), first.first_day().into(), last.first_day().into()];
    let progress = |row: &Row<'_>| {
        let month = month(row, 0)?;
        let (version, done_at) = (row.small(1)?, row.optional_timestamp(3)?);
        Ok((month, Progress { month, version, after: row.id(2)?, done_at }))
    };
    reader.query(&FIND_MONTHS, &values)?.iter().map(progress).collect()
}

pub(crate) fn save_month(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    progress: &Progress,
) -> Result<(), Fault> {
    let row = [
        company.into(),
        progress.month.first_day().into(),
        progress.version.into(),
        progress.after.into(),
        progress.done_at.into(),
    ];
    tx.upsert(&SAVE_MONTHS, &[row])
}

/// Finds what ranks give members for the clicks of months, from one month to another.
pub(crate) fn find_bonuses(
    reader: &mut Reader<'_>,
    (first, last): (Month, Month),
    members: &BTreeSet<Id<kind::Member>>,
) -> Result<ByMonth<Amount>, Fault> {
    let fixed = [first.first_day().into(), last.first_day().into()];
    let rows = reader.query_list(&FIND_BONUSES, &fixed, &ids(members))?;
    rows.iter().map(|row| Ok(((row.id(0)?, month(row, 1)?), row.amount(2)?))).collect()
}

pub(crate) fn save_bonuses(tx: &mut Tx<'_>, bonuses: &ByMonth<Amount>) -> Result<(), Fault> {
    let row = |((member, month), points): (&(Id<kind::Member>, Month), &Amount)| {
        [(*member).into(), month.first_day().into(), (*points).into()]
    };
    tx.upsert(&SAVE_BONUSES, &bonuses.iter().map(row).collect::<Vec<[Value; 3]>>())
}

/// Forgets the ranks of members who left.
pub(crate) fn remove_ranks(
    tx: &mut Tx<'_>,
    company: CompanyNumber,
    members: &[Id<kind::Member>],
) -> Result<(), Fault> {
    tx.execute_list(&REMOVE_EARNINGS, &[company.into()], &ids(members))?;
    tx.execute_list(&REMOVE_MEMBER_RANKS, &[], &ids(members))?;
    tx.execute_list(&REMOVE_BONUSES, &[], &ids(members)).map(drop)
}
