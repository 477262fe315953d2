use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::exchange::points_text;
use crate::figure::{basis_points, or_zero, per_cent, whole_or_zero};
use crate::payout::permit;
use crate::person::person;
use crate::rank::store::{count_places, find_months, list_all_sets, list_sets};
use crate::rank::{
    DecideRankSet, MONTHS_MAX, Marks, Month, NAME_MAX, PreviewError, ProposeRankSet, RANKS_MAX,
    Rank, RankRefusal, RankSet, RankSetState, RankTerms, SetDecision, marks_text, month_text,
    preview_ranks, set_of,
};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Amount, Label, Scale};
use web::components::{
    Badge, Button, Column, DataList, EmptyState, ErrorSummary, FieldKind, LinkButton, Notice,
    Select, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Query, Redirect, Response, Routes, State,
    StatusCode, View, Words, get, post, problems,
};

const READ: Need = Need::OfferRead;
/// Who proposes ranks.
const MANAGE: Need = Need::CampaignManage;
/// Who approves them: somebody else.
const APPROVE: Need = Need::ConversionApprove;
/// The months to choose from for a start.
const STARTS: i32 = 12;
/// What a form begins with when there are no ranks yet: half a year, as point sites have it.
const MONTHS_USUAL: &str = "6";

/// The pages of ranks.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/ranks", READ.code()), list)
        .on(get("/staff/ranks/new", MANAGE.code()), new)
        .on(post("/staff/ranks", MANAGE.code()).idempotent(), propose)
        // Where a refused form is shown, the links to the other language lead here.
        .on(get("/staff/ranks/{version}", READ.code()), list)
        .on(post("/staff/ranks/{version}", READ.code()).idempotent(), decide)
}

#[derive(Template)]
#[template(path = "rank_desk/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    new: Option<LinkButton>,
    sets: Vec<ShownSet>,
    empty: EmptyState,
}

struct ShownSet {
    title: String,
    badge: Badge,
    facts: DataList,
    table: Table,
    preview: Option<LinkButton>,
    note: Option<String>,
    version: u32,
    buttons: Vec<Button>,
}

#[derive(Template)]
#[template(path = "rank_desk/page_edit.html")]
struct EditMain<'a> {
    words: Words<'a>,
    errors: ErrorSummary,
    starts: Select,
    months: TextField,
    ranks: Vec<RankFields>,
    send: Button,
    back: LinkButton,
}

struct RankFields {
    title: String,
    text: Option<String>,
    names: Vec<TextField>,
    marks: Vec<TextField>,
    together: Option<Select>,
    gives: Vec<TextField>,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// The proposal whose members are to be counted.
    preview: Option<u32>,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let preview = asked.preview.filter(|_| may_count(&who));
    list_page(&site, &view, &who, (preview, None)).await
}

/// Counting goes over all members with purchases: it is for those who propose or approve.
fn may_count(who: &Authenticated) -> bool {
    who.needs().contains(MANAGE) || who.needs().contains(APPROVE)
}

/// How many members have which rank, as far as that was counted.
enum Counts {
    Known(BTreeMap<u8, u64>),
    TooMany,
    Unknown,
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (asked, refusal): (Option<u32>, Option<RankRefusal>),
) -> Result<Response, Problem> {
    let (company, month) = (site.config().company, Month::of(site.now()));
    let (sets, counted, months) = site
        .read(move |reader| {
            let counted = count_places(reader, company, month)?;
            let months = find_months(reader, company, (month, month))?;
            Ok((list_all_sets(reader, company)?, counted, months))
        })
        .await?;
    // Until all are written, how many there are is not known.
    let written = months.get(&month).is_some_and(|progress| progress.done_at.is_some());
    let words = view.words();
    let current = set_of(&sets, month).map(|set| set.version);
    let mut shown = Vec::with_capacity(sets.len());
    for set in &sets {
        let waits = set.state == RankSetState::Proposed;
        let counts = if waits && asked == Some(set.version) && set.starts > month {
            preview(site, &set.terms).await?
        } else if written && current == Some(set.version) {
            let of = counted.iter().filter(|((version, _), _)| *version == set.version);
            Counts::Known(of.map(|((_, place), count)| (*place, *count)).collect())
        } else {
            Counts::Unknown
        };
        let holds = set_of(&sets, set.starts).is_some_and(|one| one.version == set.version);
        shown.push(shown_set(site, words, who, (set, current, month, holds), &counts));
    }
    let notice = refusal.map(|refusal| {
        let key = format!("ranks-refused-{}", refusal.code());
        Notice::new(Tone::Bad, words.get(&key), words.get(&format!("{key}-next")))
    });
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = ListMain {
        words,
        notice,
        new: (who.needs().contains(MANAGE))
            .then(|| LinkButton::new(words.get("ranks-new"), "/staff/ranks/new")),
        sets: shown,
        empty: EmptyState::new(words.get("ranks-none"), words.get("ranks-none-text")),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("ranks-title")).nav(nav).status(status).show(&main))
}

/// Counts who would have which rank now, by the sums that ranks are written by.
async fn preview(site: &Site, terms: &RankTerms) -> Result<Counts, Problem> {
    let (shared, terms) = (site.clone(), terms.clone());
    match off_thread(move || preview_ranks(&shared, &terms)).await {
        Ok(Ok(counts)) => Ok(Counts::Known(counts)),
        Ok(Err(PreviewError::TooMany)) => Ok(Counts::TooMany),
        Ok(Err(PreviewError::Database(fault))) | Err(fault) => Err(faulted(&fault)),
    }
}

fn shown_set(
    site: &Site,
    words: Words<'_>,
    who: &Authenticated,
    (set, current, month, holds): (&RankSet, Option<u32>, Month, bool),
    counts: &Counts,
) -> ShownSet {
    let own = set.made_by == who.actor();
    let waits = set.state == RankSetState::Proposed;
    let (tone, state) = match set.state {
        RankSetState::Proposed => (Tone::Wait, "ranks-state-proposed"),
        RankSetState::Declined { .. } => (Tone::Bad, "ranks-state-declined"),
        RankSetState::Approved { .. } if current == Some(set.version) => {
            (Tone::Good, "ranks-state-now")
        }
        RankSetState::Approved { .. } if !holds => (Tone::Plain, "ranks-state-replaced"),
        RankSetState::Approved { .. } if set.starts > month => (Tone::Wait, "ranks-state-later"),
        RankSetState::Approved { .. } => (Tone::Plain, "ranks-state-past"),
    };
    let mut facts = DataList::new()
        .pair(
            words.get("ranks-months"),
            words.with("ranks-months-count", &[("months", set.terms.months.into())]),
        )
        .pair(words.get("held-proposed"), person(words, set.made_by));
    if let Some(by) = set.state.decided_by() {
        facts = facts.pair(words.get("held-decided"), person(words, by));
    }
    let late = set.starts <= month;
    let note = waits.then(|| match (counts, late) {
        (_, true) => words.get("ranks-note-late"),
        (Counts::TooMany, false) => words.get("ranks-note-many"),
        (Counts::Known(_), false) => words.get("ranks-note-preview"),
        (Counts::Unknown, false) if own => words.get("ranks-note-own"),
        (Counts::Unknown, false) => words.get("ranks-note-other"),
    });
    let counts = match counts {
        Counts::Known(counts) => Some(counts),
        Counts::TooMany | Counts::Unknown => None,
    };
    let preview = (waits && !late && counts.is_none() && may_count(who)).then(|| {
        let href = format!("/staff/ranks?preview={}", set.version);
        LinkButton::new(words.get("ranks-preview"), href).weight(Weight::Quiet)
    });
    let mut buttons = Vec::new();
    if waits && who.needs().contains(APPROVE) && !own && !late {
        let approve = Button::new(words.get("ranks-approve"));
        buttons.push(approve.choice("decision", "approve"));
    }
    let may_decline = own || who.needs().contains(APPROVE);
    if waits && may_decline {
        let text = if own { "ranks-withdraw" } else { "ranks-decline" };
        let decline = Button::new(words.get(text)).weight(Weight::Quiet);
        buttons.push(decline.choice("decision", "decline"));
    }
    let from = month_text(words, set.starts);
    ShownSet {
        title: words.with("ranks-from", &[("month", from.into())]),
        badge: Badge::new(tone, words.get(state)),
        facts,
        table: table(site, words, set, counts),
        preview,
        note: note.map(std::borrow::Cow::into_owned),
        version: set.version,
        buttons,
    }
}

fn table(
    site: &Site,
    words: Words<'_>,
    set: &RankSet,
    counts: Option<&BTreeMap<u8, u64>>,
) -> Table {
    let mut columns = vec![
        Column::text(words.get("rank-rank")),
        Column::text(words.get("ranks-english")),
        Column::text(words.get("rank-marks")),
        Column::figures(words.get("rank-bonus")),
        Column::figures(words.get("rank-bonus-limit")),
    ];
    if counts.is_some() {
        columns.push(Column::figures(words.get("ranks-members")));
    }
    let rows = (0_u8..).zip(&set.terms.ranks).map(|(place, rank)| {
        let limit = match rank.month_max {
            _ if rank.bonus == 0 => String::new(),
            Some(max) => points_text(words, site, max),
            None => words.get("rank-no-limit").into_owned(),
        };
        let mut row = vec![
            rank.name.as_str().into(),
            rank.name_english.as_str().into(),
            marks_text(words, site, rank).into(),
            format!("{}%", per_cent(rank.bonus)).into(),
            limit.into(),
        ];
        if let Some(counts) = counts {
            let count = counts.get(&place).copied().unwrap_or(0);
            let count = Scale::default().format(i64::try_from(count).unwrap_or(i64::MAX));
            row.push(if place == 0 {
                words.get("ranks-others").as_ref().into()
            } else {
                count.into()
            });
        }
        row
    });
    Table::new(words.get("rank-table"), columns).untitled().rows(rows)
}

/// One rank as a form holds it.
#[derive(Clone, Debug, Default)]
struct FilledRank {
    name: String,
    name_english: String,
    purchases: String,
    points: String,
    marks: String,
    bonus: String,
    month_max: String,
}

/// A set as a form holds it.
#[derive(Clone, Debug, Default)]
struct Filled {
    starts: String,
    months: String,
    ranks: Vec<FilledRank>,
}

type Errors = Vec<(String, String)>;

impl FilledRank {
    fn of(rank: &Rank) -> Self {
        let figure = |figure: i64| if figure == 0 { String::new() } else { figure.to_string() };
        Self {
            name: rank.name.as_str().to_owned(),
            name_english: rank.name_english.as_str().to_owned(),
            purchases: figure(rank.purchases.into()),
            points: figure(rank.points.minor_units()),
            marks: rank.marks.code().to_owned(),
            bonus: per_cent(rank.bonus),
            month_max: figure(rank.month_max.map_or(0, Amount::minor_units)),
        }
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.name, &self.name_english, &self.purchases, &self.points];
        let gives = [&self.bonus, &self.month_max];
        texts.into_iter().chain(gives).all(|text| text.trim().is_empty())
    }

    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "name" => &mut self.name,
            "english" => &mut self.name_english,
            "purchases" => &mut self.purchases,
            "points" => &mut self.points,
            "marks" => &mut self.marks,
            "bonus" => &mut self.bonus,
            "max" => &mut self.month_max,
            _ => return None,
        })
    }

    fn read(&self, words: Words<'_>, place: usize, errors: &mut Errors) -> Option<Rank> {
        let mut wrong = |field: &str, key: &str| {
            errors.push((format!("{field}_{place}"), words.get(key).into_owned()));
        };
        let name = label(&self.name);
        if name.is_none() {
            wrong("name", "ranks-wrong-name");
        }
        let name_english = label(&self.name_english);
        if name_english.is_none() {
            wrong("english", "ranks-wrong-name");
        }
        let figures =
            [("purchases", &self.purchases), ("points", &self.points), ("max", &self.month_max)];
        let figures = figures.map(|(field, text)| {
            let figure = whole_or_zero::<u32>(text);
            if figure.is_none() {
                wrong(field, "ranks-wrong-figure");
            }
            figure
        });
        let bonus = basis_points(or_zero(&self.bonus));
        if bonus.is_none() {
            wrong("bonus", "ranks-wrong-bonus");
        }
        let [purchases, points, month_max] = figures;
        let month_max = month_max?;
        Some(Rank {
            name: name?,
            name_english: name_english?,
            purchases: purchases?,
            points: Amount::from(points?),
            marks: Marks::parse(&self.marks).unwrap_or(Marks::All),
            bonus: bonus?,
            month_max: (month_max > 0).then(|| Amount::from(month_max)),
        })
    }
}

fn label(text: &str) -> Option<Label> {
    let label = Label::parse(text.trim()).ok()?;
    (label.as_str().chars().count() <= NAME_MAX).then_some(label)
}

impl Filled {
    fn of(set: &RankSet) -> Self {
        Self {
            starts: String::new(),
            months: set.terms.months.to_string(),
            ranks: set.terms.ranks.iter().map(FilledRank::of).collect(),
        }
    }

    fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut filled = Self { ranks: vec![FilledRank::default(); RANKS_MAX], ..Self::default() };
        for (name, value) in pairs {
            match name.as_str() {
                "starts" => filled.starts = value,
                "months" => filled.months = value,
                other => {
                    let part = other.rsplit_once('_');
                    let place = part.and_then(|(_, place)| place.parse::<usize>().ok());
                    let rank = place.and_then(|place| filled.ranks.get_mut(place));
                    let field = rank.zip(part).and_then(|(rank, (name, _))| rank.field(name));
                    if let Some(field) = field {
                        *field = value;
                    }
                }
            }
        }
        filled
    }

    /// Reads the form, or says what is wrong with which field. What is left empty is no rank.
    fn read(&self, words: Words<'_>) -> Result<(Month, RankTerms), Errors> {
        let mut errors = Errors::new();
        let starts = Month::parse(&self.starts);
        if starts.is_err() {
            errors.push(("starts".to_owned(), words.get("ranks-wrong-month").into_owned()));
        }
        let months = whole_or_zero::<u8>(&self.months);
        let months = months.filter(|months| (1..=MONTHS_MAX).contains(months));
        if months.is_none() {
            errors.push(("months".to_owned(), words.get("ranks-wrong-months").into_owned()));
        }
        let filled = self.ranks.iter().enumerate().filter(|(_, rank)| !rank.is_empty());
        let ranks = filled.filter_map(|(place, rank)| rank.read(words, place, &mut errors));
        let ranks: Vec<Rank> = ranks.collect();
        match (starts, months) {
            (Ok(starts), Some(months)) if errors.is_empty() => {
                Ok((starts, RankTerms { months, ranks }))
            }
            (Ok(_) | Err(_), _) => Err(errors),
        }
    }
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let (company, month) = (site.config().company, Month::of(site.now()));
    let sets = site.read(move |reader| list_sets(reader, company)).await?;
    // What was approved last is what most changes begin with.
    let known = set_of(&sets, month.plus(STARTS)).map(Filled::of);
    let empty = Filled { months: MONTHS_USUAL.to_owned(), ..Filled::default() };
    let filled = Filled { starts: month.plus(1).to_string(), ..known.unwrap_or(empty) };
    Ok(edit_page(&site, &view, &who, &filled, &Errors::new()))
}

fn edit_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    filled: &Filled,
    errors: &Errors,
) -> Response {
    let words = view.words();
    let error = |name: &str| {
        let found = errors.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let month = Month::of(site.now());
    let starts = (1..=STARTS).map(|ahead| {
        let month = month.plus(ahead);
        (month.to_string(), month_text(words, month))
    });
    // One more than are filled in, so that another rank can be added.
    let used = filled.ranks.iter().rposition(|rank| !rank.is_empty()).map_or(0, |last| last + 1);
    let places = used.saturating_add(1).clamp(3, RANKS_MAX);
    let empty = FilledRank::default();
    let ranks = (0..places)
        .map(|place| rank_fields(words, place, filled.ranks.get(place).unwrap_or(&empty), &error));
    let months = TextField::new(words, "months", words.get("ranks-field-months"));
    let main = EditMain {
        words,
        errors: ErrorSummary::new(words, errors.clone()),
        starts: Select::new("starts", words.get("ranks-field-starts"), starts.collect())
            .chosen(&filled.starts)
            .hint(words.get("ranks-field-starts-hint"))
            .error(error("starts")),
        months: months
            .kind(FieldKind::Figure)
            .characters_max(2)
            .hint(words.get("ranks-field-months-hint"))
            .suffix(words.get("ranks-unit-months"))
            .value(&filled.months)
            .error(error("months")),
        ranks: ranks.collect(),
        send: Button::new(words.get("held-propose")),
        back: LinkButton::new(words.get("ranks-back"), "/staff/ranks").weight(Weight::Quiet),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(words.get("ranks-new")).nav(nav).status(status).show(&main)
}

fn rank_fields(
    words: Words<'_>,
    place: usize,
    filled: &FilledRank,
    error: &impl Fn(&str) -> String,
) -> RankFields {
    let lowest = place == 0;
    let field = |name: &str, value: &str| {
        let key = format!("ranks-field-{name}");
        let name = format!("{name}_{place}");
        let text = error(&name);
        let hint = words.find(&format!("{key}-hint")).unwrap_or_default();
        TextField::new(words, name, words.get(&key)).value(value).error(text).hint(hint)
    };
    let name = |name: &str, value: &str| {
        let max = u32::try_from(NAME_MAX).unwrap_or(u32::MAX);
        let field = field(name, value).characters_max(max);
        if place < 2 { field } else { field.optional(words) }
    };
    let figure = |name: &str, value: &str, unit: &str| {
        let field = field(name, value).kind(FieldKind::Figure).characters_max(12);
        field.suffix(words.get(unit)).optional(words)
    };
    let marks = ["all", "any"]
        .map(|code| (code.to_owned(), words.get(&format!("ranks-together-{code}")).into_owned()));
    let number = u32::try_from(place).unwrap_or(0).saturating_add(1);
    RankFields {
        title: words.with("ranks-rank-number", &[("number", number.into())]),
        text: match place {
            0 => Some(words.get("ranks-rank-lowest").into_owned()),
            1 => None,
            _ => Some(words.get("ranks-rank-optional").into_owned()),
        },
        names: vec![name("name", &filled.name), name("english", &filled.name_english)],
        marks: if lowest {
            Vec::new()
        } else {
            vec![
                figure("purchases", &filled.purchases, "ranks-unit-purchases"),
                figure("points", &filled.points, "points-unit"),
            ]
        },
        together: (!lowest).then(|| {
            let name = format!("marks_{place}");
            Select::new(name, words.get("ranks-field-together"), marks.to_vec())
                .chosen(&filled.marks)
        }),
        gives: vec![
            figure("bonus", &filled.bonus, "ranks-unit-percent"),
            figure("max", &filled.month_max, "points-unit"),
        ],
    }
}

async fn propose(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let filled = Filled::of_pairs(pairs);
    let words = view.words();
    let (starts, terms) = match filled.read(words) {
        Ok(read) => read,
        Err(errors) => return Ok(edit_page(&site, &view, &who, &filled, &errors)),
    };
    let company = site.config().company;
    let command = ProposeRankSet { company, by: who, starts, terms };
    match site.run(command).await.or_problem()? {
        Ok(_version) => Ok(Redirect::to("/staff/ranks").into_response()),
        Err(refusal) => {
            let field = match refusal {
                RankRefusal::MonthsUnfit => "months",
                RankRefusal::MonthBegun | RankRefusal::Pending => "starts",
                RankRefusal::MarksUnfit => "purchases_1",
                RankRefusal::BonusUnfit => "bonus_1",
                RankRefusal::RanksUnfit
                | RankRefusal::NameLong
                | RankRefusal::NotFound
                | RankRefusal::Decided
                | RankRefusal::SamePerson => "name_1",
            };
            let text = words.get(&format!("ranks-refused-{}-next", refusal.code()));
            let errors = vec![(field.to_owned(), text.into_owned())];
            Ok(edit_page(&site, &view, &who, &filled, &errors))
        }
    }
}

#[derive(Debug, Deserialize)]
struct Decided {
    decision: String,
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(version): Path<String>,
    Form(decided): Form<Decided>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let version = version.parse::<u32>().map_err(|_none| not_found())?;
    let decision = match decided.decision.as_str() {
        "approve" => SetDecision::Approve,
        "decline" => SetDecision::Decline,
        _ => return Err(not_found()),
    };
    let company = site.config().company;
    // Who proposed a set may take it back; all else is for who may approve.
    let sets = site.read(move |reader| list_all_sets(reader, company)).await?;
    let set = sets.iter().find(|set| set.version == version).ok_or_else(not_found)?;
    if decision == SetDecision::Approve || set.made_by != who.actor() {
        permit(&site, &who, APPROVE)?;
    }
    let command = DecideRankSet { company, by: who, version, decision };
    match site.run(command).await.or_problem()? {
        Ok(()) => Ok(Redirect::to("/staff/ranks").into_response()),
        Err(refusal) => list_page(&site, &view, &who, (None, Some(refusal))).await,
    }
}
