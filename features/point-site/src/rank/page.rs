use askama::Template;

use crate::exchange::{own_member, points_text};
use crate::figure::per_cent;
use crate::rank::command::window_sum;
use crate::rank::store::{
    find_member_ranks, find_months, list_member_ranks, list_sets, sum_of_members,
};
use crate::rank::{Approved, MONTHS_MAX, Marks, MemberRank, Month, Rank, RankSet, set_of};
use crate::site::Site;
use access::{Authenticated, Need};
use store::{Fault, Reader};
use vocabulary::{Amount, CompanyNumber, Id, kind};
use web::components::{Badge, Column, DataList, EmptyState, Progress, Table, Tone};
use web::{Caller, Language, Problem, Response, Routes, State, View, Words, get};

/// The months whose ranks a member sees.
const HISTORY: u32 = 12;

/// The member's own page.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/rank", Need::MemberSelf.code()), own_page)
}

#[derive(Template)]
#[template(path = "rank/page.html")]
struct RankMain<'a> {
    words: Words<'a>,
    now: Option<Now>,
    next: Option<Next>,
    tables: Vec<(Table, String)>,
    empty: EmptyState,
    history: Option<Table>,
}

struct Now {
    title: String,
    name: String,
    facts: DataList,
}

struct Next {
    title: String,
    lead: String,
    way: Option<String>,
    progress: Vec<Progress>,
    note: String,
}

/// What is known about a member's ranks.
struct Known {
    sets: Vec<RankSet>,
    now: Option<MemberRank>,
    /// What was approved so far of what decides the next month.
    next: Option<Approved>,
    history: Vec<(Month, MemberRank)>,
}

fn read(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    member: Id<kind::Member>,
    month: Month,
) -> Result<Known, Fault> {
    let sets = list_sets(reader, company)?;
    let window = (month.plus(-i32::from(MONTHS_MAX)), month.plus(1));
    let sums = sum_of_members(reader, company, window, &[member].into())?;
    let sum = |set: &RankSet, month| window_sum(&sums, set.terms.months, member, month);
    let next = month.plus(1);
    let next = set_of(&sets, next).map(|set| sum(set, next));
    let written = find_member_ranks(reader, (month, month), &[member].into())?;
    let done = find_months(reader, company, (month, month))?;
    let done = done.get(&month).is_some_and(|progress| progress.covers(member));
    let now = set_of(&sets, month).map(|set| {
        let approved = sum(set, month);
        let place = if done { 0 } else { set.terms.place_of(approved) };
        let computed = MemberRank { version: set.version, place, approved };
        written.get(&(member, month)).copied().unwrap_or(computed)
    });
    let oldest = month.plus(-12);
    let mut history = list_member_ranks(reader, member, HISTORY)?;
    history.retain(|(month, _)| *month >= oldest);
    Ok(Known { sets, now, next, history })
}

async fn own_page(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let (member, company) = (own_member(&site, &who)?, site.config().company);
    let month = Month::of(site.now());
    let known = site.read(move |reader| read(reader, company, member, month)).await?;
    let words = view.words();
    let (current, coming) = (set_of(&known.sets, month), set_of(&known.sets, month.plus(1)));
    let mut tables: Vec<_> =
        current.map(|set| rank_table(words, &site, set, None)).into_iter().collect();
    if let Some(set) = coming.filter(|set| current.is_none_or(|now| now.version != set.version)) {
        tables.push(rank_table(words, &site, set, Some(month.plus(1))));
    }
    let main = RankMain {
        words,
        now: known.now.and_then(|rank| now_of(words, &site, &known.sets, (month, rank))),
        next: coming
            .zip(known.next)
            .map(|(set, approved)| next_of(words, &site, set, (month.plus(1), approved))),
        tables,
        empty: EmptyState::new(words.get("rank-none"), words.get("rank-none-text")),
        history: history(words, &site, &known),
    };
    let nav = (site.config().member_nav)(&view);
    Ok(view.page(words.get("rank-title")).nav(nav).show(&main))
}

pub(crate) fn rank_name(words: Words<'_>, rank: &Rank) -> String {
    let name = match words.language() {
        Language::Japanese => &rank.name,
        Language::English => &rank.name_english,
    };
    name.as_str().to_owned()
}

pub(crate) fn month_text(words: Words<'_>, month: Month) -> String {
    let (year, month, _) = month.first_day().civil();
    let month = u32::try_from(month).unwrap_or(0);
    let args = [("year", year.to_string().into()), ("month", month.into())];
    words.with("rank-month", &args)
}

fn limit_text(words: Words<'_>, site: &Site, rank: &Rank) -> String {
    match rank.month_max {
        Some(max) => words.with("rank-limit", &[("points", points_text(words, site, max).into())]),
        None => words.get("rank-no-limit").into_owned(),
    }
}

fn bonus_text(words: Words<'_>, rank: &Rank) -> String {
    if rank.bonus == 0 {
        return words.get("rank-no-bonus").into_owned();
    }
    words.with("rank-bonus-rate", &[("rate", per_cent(rank.bonus).into())])
}

/// Says what a rank takes.
pub(crate) fn marks_text(words: Words<'_>, site: &Site, rank: &Rank) -> String {
    let purchases = || words.with("rank-purchases", &[("count", rank.purchases.into())]);
    let points = || points_text(words, site, rank.points);
    match (rank.purchases > 0, !rank.points.is_zero()) {
        (false, false) => words.get("rank-everybody").into_owned(),
        (true, false) => purchases(),
        (false, true) => points(),
        (true, true) => {
            let key = match rank.marks {
                Marks::All => "rank-marks-all",
                Marks::Any => "rank-marks-any",
            };
            words.with(key, &[("purchases", purchases().into()), ("points", points().into())])
        }
    }
}

/// Shows the ranks of a set and what they are decided by; `from` when they apply later.
fn rank_table(
    words: Words<'_>,
    site: &Site,
    set: &RankSet,
    from: Option<Month>,
) -> (Table, String) {
    let title = match from {
        Some(month) => words.with("rank-table-from", &[("month", month_text(words, month).into())]),
        None => words.get("rank-table").into_owned(),
    };
    let columns = vec![
        Column::text(words.get("rank-rank")),
        Column::text(words.get("rank-marks")),
        Column::text(words.get("rank-bonus")),
        Column::text(words.get("rank-bonus-limit")),
    ];
    let rows = set.terms.ranks.iter().map(|rank| {
        let limit = if rank.bonus == 0 { String::new() } else { limit_text(words, site, rank) };
        vec![
            rank_name(words, rank).into(),
            marks_text(words, site, rank).into(),
            bonus_text(words, rank).into(),
            limit.into(),
        ]
    });
    let note = words.with("rank-table-months", &[("months", set.terms.months.into())]);
    (Table::new(title, columns).rows(rows), note)
}

fn terms_of(sets: &[RankSet], rank: MemberRank) -> Option<&Rank> {
    sets.iter().find(|set| set.version == rank.version)?.terms.rank(rank.place)
}

fn now_of(
    words: Words<'_>,
    site: &Site,
    sets: &[RankSet],
    (month, rank): (Month, MemberRank),
) -> Option<Now> {
    let terms = terms_of(sets, rank)?;
    let mut facts = DataList::new().pair(words.get("rank-bonus"), bonus_text(words, terms));
    if terms.bonus > 0 {
        facts = facts.pair(words.get("rank-bonus-limit"), limit_text(words, site, terms));
    }
    Some(Now {
        title: words.with("rank-now", &[("month", month_text(words, month).into())]),
        name: rank_name(words, terms),
        facts,
    })
}

/// Tells what the next month will bring as things stand, and what the rank above takes.
fn next_of(
    words: Words<'_>,
    site: &Site,
    set: &RankSet,
    (month, approved): (Month, Approved),
) -> Next {
    let terms = &set.terms;
    let place = terms.place_of(approved);
    let name = terms.rank(place).map(|rank| rank_name(words, rank)).unwrap_or_default();
    let above = terms.rank(place.saturating_add(1));
    let mut progress = Vec::new();
    if let Some(rank) = above {
        if rank.purchases > 0 {
            let of = |count: u32| words.with("rank-purchases", &[("count", count.into())]);
            let text = format!("{} / {}", of(approved.purchases), of(rank.purchases));
            let (value, max) = (approved.purchases.into(), rank.purchases.into());
            progress.push(Progress::new(words.get("rank-progress-purchases"), text, value, max));
        }
        if !rank.points.is_zero() {
            let of = |amount| points_text(words, site, amount);
            let text = format!("{} / {}", of(approved.points), of(rank.points));
            let units = |amount: Amount| u64::try_from(amount.minor_units()).unwrap_or(0);
            let (value, max) = (units(approved.points), units(rank.points));
            progress.push(Progress::new(words.get("rank-progress-points"), text, value, max));
        }
    }
    let (first, last) = (month.plus(-i32::from(terms.months)), month.plus(-1));
    let window =
        [("first", month_text(words, first).into()), ("last", month_text(words, last).into())];
    Next {
        title: words.with("rank-next", &[("month", month_text(words, month).into())]),
        lead: words.with("rank-next-lead", &[("rank", name.into())]),
        way: above.map(|rank| {
            let marks = marks_text(words, site, rank);
            let args = [("rank", rank_name(words, rank).into()), ("marks", marks.into())];
            words.with("rank-next-way", &args)
        }),
        progress,
        note: words.with("rank-next-note", &window),
    }
}

fn history(words: Words<'_>, site: &Site, known: &Known) -> Option<Table> {
    if known.history.is_empty() {
        return None;
    }
    let columns = vec![
        Column::times(words.get("rank-history-month")),
        Column::text(words.get("rank-rank")),
        Column::figures(words.get("rank-progress-purchases")),
        Column::figures(words.get("rank-progress-points")),
    ];
    let rows = known.history.iter().filter_map(|(month, rank)| {
        let terms = terms_of(&known.sets, *rank)?;
        let tone = if rank.place > 0 { Tone::Good } else { Tone::Plain };
        let count = rank.approved.purchases;
        Some(vec![
            month_text(words, *month).into(),
            Badge::new(tone, rank_name(words, terms)).into(),
            words.with("rank-purchases", &[("count", count.into())]).into(),
            points_text(words, site, rank.approved.points).into(),
        ])
    });
    Some(Table::new(words.get("rank-history"), columns).rows(rows))
}
