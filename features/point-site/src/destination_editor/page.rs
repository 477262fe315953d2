use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::destination::store::{
    list_of_code, list_proposed, parse_rounding, read_destinations, read_limit_groups,
    rounding_code,
};
use crate::destination::{
    DecideDestination, Destination, DestinationChange, DestinationEntry, DestinationKind,
    DestinationProposal, LimitGroup, Opening, ProposalRefusal, ProposalState, ProposalVerdict,
    ProposeDestination, QuoteRefusal, Standing, TermsError, entries_in_force, preview,
};
use crate::exchange::{name_of, points_text, value_text};
use crate::figure::whole;
use crate::payout::permit;
use crate::person::person_at;
use crate::site::Site;
use access::{Authenticated, Need};
use answers::OrProblem as _;
use vocabulary::{Amount, Day, Label, Rate, Rounding, Token, UnitCode, Zone};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Html, LinkButton,
    Notice, Select, Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const READ: Need = Need::ExchangeRead;
/// Who proposes changes.
const MANAGE: Need = Need::PayoutManage;
/// Who approves them: somebody else.
const APPROVE: Need = Need::PayoutApprove;
/// The points that a preview shows beside the fewest that can be offered.
const SAMPLES: [u32; 2] = [1_000, 10_000];
const ROUNDINGS: [Rounding; 4] =
    [Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::HalfEven];
const LIST: &str = "/staff/destinations";
const GROUPS: &str = "/staff/limit-groups";

/// The editor of destinations and limit groups.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get(LIST, READ.code()), list)
        .on(get("/staff/destinations/new", MANAGE.code()), new)
        .on(post(LIST, MANAGE.code()).idempotent(), add)
        .on(get("/staff/destinations/{code}", READ.code()), show)
        .on(post("/staff/destinations/{code}", MANAGE.code()).idempotent(), change)
        // Where a refused form is shown, the links to the other language lead here.
        .on(get("/staff/destinations/decide", READ.code()), list)
        .on(post("/staff/destinations/decide", APPROVE.code()).idempotent(), decide)
        .on(get(GROUPS, READ.code()), list)
        .on(get("/staff/limit-groups/new", MANAGE.code()), new_group)
        .on(post(GROUPS, MANAGE.code()).idempotent(), add_group)
        .on(get("/staff/limit-groups/{code}", READ.code()), show_group)
        .on(post("/staff/limit-groups/{code}", MANAGE.code()).idempotent(), change_group)
}

#[derive(Template)]
#[template(path = "destination_editor/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    add: Vec<LinkButton>,
    proposals: Vec<Html>,
    destinations: Option<Table>,
    empty: EmptyState,
    groups: Option<Table>,
}

#[derive(Template)]
#[template(path = "destination_editor/page_proposal.html")]
struct Card {
    title: String,
    changes: Option<Table>,
    facts: DataList,
    preview: Option<Table>,
    note: String,
    number: u32,
    approve: Option<Button>,
    decline: Option<Button>,
}

/// A destination or a group, or a form for a new one.
#[derive(Template)]
#[template(path = "destination_editor/page_edit.html")]
struct EditMain<'a> {
    words: Words<'a>,
    title: String,
    state: Option<Badge>,
    errors: ErrorSummary,
    facts: Option<DataList>,
    proposals: Vec<Html>,
    form: Option<FormPart>,
    tables: Vec<Table>,
    back: LinkButton,
}

struct FormPart {
    /// Where the page has other parts than the form.
    heading: Option<String>,
    lead: String,
    action: String,
    fields: Vec<Html>,
    preview: Option<Table>,
    buttons: Vec<Button>,
}

/// All that the pages show.
struct Desk {
    entries: Vec<DestinationEntry>,
    groups: BTreeMap<Token, LimitGroup>,
    waiting: Vec<DestinationProposal>,
    today: Day,
}

impl Desk {
    async fn read(site: &Site) -> Result<Self, Problem> {
        let company = site.config().company;
        let rows = site
            .read(move |reader| {
                let entries = read_destinations(reader, &[company])?;
                let groups = read_limit_groups(reader, &[company])?;
                Ok((entries, groups, list_proposed(reader, company)?))
            })
            .await?;
        let (mut entries, groups, waiting) = rows;
        Ok(Self {
            entries: entries.remove(&company).unwrap_or_default(),
            groups: groups.into_iter().map(|((_, code), group)| (code, group)).collect(),
            waiting,
            today: Zone::JAPAN.day_of(site.now()),
        })
    }

    /// The versions of a destination, the newest first.
    fn versions(&self, code: &Token) -> Vec<&DestinationEntry> {
        let mut all: Vec<_> = self.entries.iter().filter(|e| e.terms.code == *code).collect();
        all.sort_by_key(|entry| core::cmp::Reverse(entry.terms.effective_from));
        all
    }

    /// The version that holds on a day.
    fn on(&self, code: &Token, day: Day) -> Option<&DestinationEntry> {
        entries_in_force(&self.entries, day).into_iter().find(|entry| entry.terms.code == *code)
    }

    fn destinations(&self) -> BTreeMap<&Token, Vec<&DestinationEntry>> {
        let codes = self.entries.iter().map(|entry| &entry.terms.code);
        codes.map(|code| (code, self.versions(code))).collect()
    }
}

fn kind_text(words: Words<'_>, kind: DestinationKind) -> String {
    words.get(&format!("destination-kind-{}", kind.code())).into_owned()
}

fn rounding_text(words: Words<'_>, rounding: Rounding) -> String {
    words.get(&format!("destination-rounding-{}", rounding_code(rounding))).into_owned()
}

fn rate_text(words: Words<'_>, site: &Site, terms: &Destination) -> String {
    let side = |figure| Amount::try_new(figure).unwrap_or_default();
    let points = points_text(words, site, side(terms.rate.denominator()));
    let value = value_text(words, side(terms.rate.numerator()), terms.unit);
    format!("{points} → {value}")
}

fn days_text(words: Words<'_>, days: u16) -> String {
    words.with("destination-business-days", &[("days", days.into())])
}

fn limit_text(words: Words<'_>, site: &Site, limit: Option<Amount>) -> String {
    limit.map_or_else(
        || words.get("destination-no-limit").into_owned(),
        |limit| points_text(words, site, limit),
    )
}

fn opening_badge(words: Words<'_>, opening: Opening) -> Badge {
    let tone = match opening {
        Opening::Open => Tone::Good,
        Opening::Paused => Tone::Wait,
    };
    Badge::new(tone, words.get(&format!("destination-opening-{}", opening.code())))
}

/// What a version or a group says, item by item.
type Facts = Vec<(&'static str, String)>;

fn terms_facts(words: Words<'_>, site: &Site, entry: &DestinationEntry) -> Facts {
    let terms = &entry.terms;
    let points = |amount| points_text(words, site, amount);
    let minutes = words.with("destination-minutes", &[("minutes", terms.quote_minutes.into())]);
    let opening = words.get(&format!("destination-opening-{}", terms.opening.code()));
    vec![
        ("destination-opening", opening.into_owned()),
        ("destination-name", entry.name.to_string()),
        ("destination-name-english", entry.name_english.to_string()),
        ("destination-kind", kind_text(words, terms.kind)),
        ("destination-product", entry.product.to_string()),
        ("exchange-rate", rate_text(words, site, terms)),
        ("destination-rounding", rounding_text(words, terms.rounding)),
        ("exchange-minimum", points(terms.minimum)),
        ("exchange-step", points(terms.step)),
        ("exchange-fee", points(terms.fee)),
        ("destination-lead-days", days_text(words, terms.lead_days)),
        ("destination-quote-minutes", minutes),
        ("destination-limit-group", terms.limit_group.to_string()),
    ]
}

fn limits_facts(words: Words<'_>, site: &Site, group: &LimitGroup) -> Facts {
    vec![
        ("limit-group-daily", limit_text(words, site, group.daily)),
        ("limit-group-monthly", limit_text(words, site, group.monthly)),
    ]
}

fn list_of(words: Words<'_>, facts: Facts) -> DataList {
    facts.into_iter().fold(DataList::new(), |list, (key, text)| list.pair(words.get(key), text))
}

/// Shows what differs from what holds until then, so that whoever approves need not compare.
fn changes_table(words: Words<'_>, before: Facts, after: Facts) -> Table {
    let columns = vec![
        Column::text(words.get("destination-changes")),
        Column::text(words.get("destination-preview-before")),
        Column::text(words.get("destination-preview-after")),
    ];
    let pairs = before.into_iter().zip(after).filter(|(before, after)| before != after);
    let rows = pairs.map(|((key, before), (_, after))| {
        vec![words.get(key).into_owned().into(), before.into(), after.into()]
    });
    Table::new(words.get("destination-changes"), columns).rows(rows).untitled()
}

/// Shows what members would get under terms, beside what they get under those before.
fn preview_table(
    words: Words<'_>,
    site: &Site,
    before: Option<&Destination>,
    after: &Destination,
) -> Table {
    let columns = vec![
        Column::figures(words.get("destination-preview-points")),
        Column::figures(words.get("destination-preview-before")),
        Column::figures(words.get("destination-preview-after")),
        Column::figures(words.get("exchange-fee")),
        Column::figures(words.get("exchange-remainder")),
    ];
    let gives = |terms: &Destination, points: Amount| match preview(terms, points) {
        Ok(quote) => value_text(words, quote.value, quote.unit),
        Err(refusal) => refusal_text(words, site, refusal),
    };
    let mut samples: Vec<Amount> = SAMPLES.map(Amount::from).into();
    samples.extend(after.least());
    samples.sort_by_key(|points| points.minor_units());
    samples.dedup();
    let rows = samples.into_iter().map(|points| {
        let quote = preview(after, points).ok();
        let part = |part: Option<Amount>| {
            part.map_or_else(|| "–".to_owned(), |part| points_text(words, site, part)).into()
        };
        vec![
            points_text(words, site, points).into(),
            before.map_or_else(|| "–".to_owned(), |before| gives(before, points)).into(),
            gives(after, points).into(),
            part(quote.as_ref().map(|quote| quote.fee)),
            part(quote.as_ref().map(|quote| quote.remainder)),
        ]
    });
    Table::new(words.get("destination-preview"), columns).rows(rows)
}

fn refusal_text(words: Words<'_>, site: &Site, refusal: QuoteRefusal) -> String {
    match refusal {
        QuoteRefusal::BelowMinimum { minimum } => {
            let least = points_text(words, site, minimum);
            words.with("exchange-from", &[("points", least.into())])
        }
        QuoteRefusal::Worthless => words.get("destination-preview-nothing").into_owned(),
        QuoteRefusal::NotYet { .. } | QuoteRefusal::Paused | QuoteRefusal::OutOfRange => {
            "–".to_owned()
        }
    }
}

/// What a card tells about a change.
struct Told {
    title: String,
    changes: Option<Table>,
    facts: DataList,
    preview: Option<Table>,
    note: &'static str,
}

fn told(words: Words<'_>, site: &Site, desk: &Desk, change: &DestinationChange) -> Told {
    let (before, after, title, preview, note) = match change {
        DestinationChange::Version(entry) => {
            let terms = &entry.terms;
            let before = desk.on(&terms.code, terms.effective_from);
            let name = name_of(before.unwrap_or(entry), words);
            let day = terms.effective_from.to_string();
            let args = [("name", name.into()), ("day", day.into())];
            (
                before.map(|before| terms_facts(words, site, before)),
                terms_facts(words, site, entry),
                words.with("destination-proposed-version", &args),
                Some(preview_table(words, site, before.map(|before| &before.terms), terms)),
                "destination-approve-version",
            )
        }
        DestinationChange::Limits(group) => (
            desk.groups.get(&group.code).map(|before| limits_facts(words, site, before)),
            limits_facts(words, site, group),
            words.with("destination-proposed-limits", &[("code", group.code.as_str().into())]),
            None,
            "destination-approve-limits",
        ),
    };
    let (changes, facts) = match before {
        Some(before) => (Some(changes_table(words, before, after)), DataList::new()),
        None => (None, list_of(words, after)),
    };
    Told { title, changes, facts, preview, note }
}

fn card(
    words: Words<'_>,
    site: &Site,
    who: &Authenticated,
    desk: &Desk,
    proposal: &DestinationProposal,
) -> Html {
    let own = proposal.proposed_by == who.actor();
    let able = who.needs().contains(APPROVE);
    let Told { title, changes, facts, preview, note } = told(words, site, desk, &proposal.change);
    let by = person_at(words, (proposal.proposed_by, proposal.proposed_at));
    let note = words.get(if own { "destination-approve-own" } else { note });
    Html::of(&Card {
        title,
        changes,
        facts: facts.pair(words.get("held-proposed"), by),
        preview,
        note: note.into_owned(),
        number: proposal.number,
        approve: (able && !own)
            .then(|| Button::new(words.get("fraud-approve")).choice("verdict", "approve")),
        decline: able.then(|| {
            let key = if own { "fraud-take-back" } else { "fraud-decline" };
            Button::new(words.get(key)).weight(Weight::Quiet).choice("verdict", "decline")
        }),
    })
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    list_page(&site, &view, &who, None).await
}

async fn list_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    refused: Option<ProposalRefusal>,
) -> Result<Response, Problem> {
    let desk = Desk::read(site).await?;
    let words = view.words();
    let notice = refused.map(|refusal| {
        let text = words.get(&format!("destination-refused-{}", refusal.code()));
        Notice::new(Tone::Bad, words.get("destination-refused"), text)
    });
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let add = [
        LinkButton::new(words.get("destination-new"), "/staff/destinations/new"),
        LinkButton::new(words.get("limit-group-new"), "/staff/limit-groups/new")
            .weight(Weight::Quiet),
    ];
    let main = ListMain {
        words,
        notice,
        add: if who.needs().contains(MANAGE) { add.into() } else { Vec::new() },
        proposals: desk.waiting.iter().map(|one| card(words, site, who, &desk, one)).collect(),
        destinations: (!desk.entries.is_empty()).then(|| destinations_table(words, site, &desk)),
        empty: EmptyState::new(words.get("destination-none"), words.get("destination-none-text")),
        groups: (!desk.groups.is_empty()).then(|| groups_table(words, site, &desk)),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("destination-title")).nav(nav).status(status).show(&main))
}

fn destinations_table(words: Words<'_>, site: &Site, desk: &Desk) -> Table {
    let columns = vec![
        Column::text(words.get("exchange-to")),
        Column::text(words.get("exchange-state")),
        Column::figures(words.get("exchange-rate")),
        Column::figures(words.get("exchange-minimum")),
        Column::figures(words.get("exchange-step")),
        Column::figures(words.get("exchange-fee")),
        Column::figures(words.get("destination-lead-days")),
        Column::text(words.get("destination-limit-group")),
        Column::times(words.get("destination-planned")),
    ];
    let rows = desk.destinations().into_iter().filter_map(|(code, versions)| {
        let now = desk.on(code, desk.today);
        // One that is only planned is shown as it will be.
        let entry = now.or_else(|| versions.last().copied())?;
        let terms = &entry.terms;
        let planned: Vec<String> = versions
            .iter()
            .rev()
            .map(|version| version.terms.effective_from)
            .filter(|day| desk.today < *day)
            .map(|day| day.to_string())
            .collect();
        let state = match now {
            Some(now) => opening_badge(words, now.terms.opening),
            None => Badge::new(Tone::Wait, words.get("destination-not-yet")),
        };
        let planned = if planned.is_empty() { "–".to_owned() } else { planned.join(" ") };
        Some(vec![
            Cell::link(name_of(entry, words), format!("{LIST}/{code}")),
            state.into(),
            rate_text(words, site, terms).into(),
            points_text(words, site, terms.minimum).into(),
            points_text(words, site, terms.step).into(),
            points_text(words, site, terms.fee).into(),
            days_text(words, terms.lead_days).into(),
            Cell::link(terms.limit_group.as_str(), format!("{GROUPS}/{}", terms.limit_group)),
            planned.into(),
        ])
    });
    Table::new(words.get("destination-now"), columns).rows(rows)
}

fn groups_table(words: Words<'_>, site: &Site, desk: &Desk) -> Table {
    let columns = vec![
        Column::text(words.get("destination-limit-group")),
        Column::figures(words.get("limit-group-daily")),
        Column::figures(words.get("limit-group-monthly")),
        Column::text(words.get("limit-group-members")),
    ];
    let in_force = entries_in_force(&desk.entries, desk.today);
    let rows = desk.groups.values().map(|group| {
        let members = in_force.iter().filter(|entry| entry.terms.limit_group == group.code);
        let members: Vec<String> = members.map(|entry| name_of(entry, words)).collect();
        let members = if members.is_empty() {
            "–".to_owned()
        } else {
            members.join(words.get("destination-and").as_ref())
        };
        vec![
            Cell::link(group.code.as_str(), format!("{GROUPS}/{}", group.code)),
            limit_text(words, site, group.daily).into(),
            limit_text(words, site, group.monthly).into(),
            members.into(),
        ]
    });
    Table::new(words.get("limit-groups"), columns).rows(rows)
}

#[derive(Debug, Deserialize)]
struct Decided {
    #[serde(default)]
    verdict: String,
    number: u32,
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(decided): Form<Decided>,
) -> Result<Response, Problem> {
    permit(&site, &who, APPROVE)?;
    let verdict = match decided.verdict.as_str() {
        "approve" => ProposalVerdict::Approve,
        "decline" => ProposalVerdict::Decline,
        _ => return Err(Problem::new(&problems::NOT_FOUND)),
    };
    let (config, number, by) = (site.shared_config(), decided.number, who.actor());
    match site.run(DecideDestination { config, number, verdict, by }).await.or_problem()? {
        Ok(()) => Ok(Redirect::to(LIST).into_response()),
        Err(ProposalRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => list_page(&site, &view, &who, Some(refusal)).await,
    }
}

type Errors = Vec<(&'static str, String)>;

fn error_of<'e>(errors: &'e Errors, name: &str) -> &'e str {
    let found = errors.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, text)| text.as_str())
}

fn summary(words: Words<'_>, errors: &Errors) -> ErrorSummary {
    let listed = errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    ErrorSummary::new(words, listed)
}

fn status_of(errors: &Errors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// The field that a refusal is about.
const fn field_of(refusal: ProposalRefusal, standing: Standing) -> &'static str {
    match refusal {
        ProposalRefusal::Terms(error) => match error {
            TermsError::Unit => "unit",
            TermsError::Minimum | TermsError::Worthless => "minimum",
            TermsError::Step => "step",
            TermsError::Rate => "rate_value",
            TermsError::Fee => "fee",
            TermsError::LeadDays => "lead_days",
            TermsError::QuoteMinutes => "quote_minutes",
        },
        ProposalRefusal::PartnerUnknown => "product",
        ProposalRefusal::GroupUnknown => "limit_group",
        ProposalRefusal::NotFound
        | ProposalRefusal::Decided
        | ProposalRefusal::SamePerson
        | ProposalRefusal::CodeTaken
        | ProposalRefusal::KindFixed
        | ProposalRefusal::DayPassed
        | ProposalRefusal::Begun
        | ProposalRefusal::LimitsUnfit
        | ProposalRefusal::Unchanged
        | ProposalRefusal::Pending
        | ProposalRefusal::TooMany => match (refusal, standing) {
            (ProposalRefusal::CodeTaken | ProposalRefusal::TooMany, Standing::New) => "code",
            (_, Standing::New | Standing::Known) => "effective_from",
        },
    }
}

/// A version as a form holds it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Filled {
    r#do: String,
    code: String,
    kind: String,
    unit: String,
    effective_from: String,
    opening: String,
    name: String,
    name_english: String,
    product: String,
    rate_points: String,
    rate_value: String,
    rounding: String,
    minimum: String,
    step: String,
    fee: String,
    lead_days: String,
    quote_minutes: String,
    limit_group: String,
}

impl Filled {
    fn of(entry: &DestinationEntry, from: Day) -> Self {
        let terms = &entry.terms;
        let plain = |amount: Amount| amount.minor_units().to_string();
        Self {
            r#do: String::new(),
            code: terms.code.to_string(),
            kind: terms.kind.code().to_owned(),
            unit: terms.unit.as_str().to_owned(),
            effective_from: from.to_string(),
            opening: terms.opening.code().to_owned(),
            name: entry.name.to_string(),
            name_english: entry.name_english.to_string(),
            product: entry.product.to_string(),
            rate_points: terms.rate.denominator().to_string(),
            rate_value: terms.rate.numerator().to_string(),
            rounding: rounding_code(terms.rounding).to_owned(),
            minimum: plain(terms.minimum),
            step: plain(terms.step),
            fee: plain(terms.fee),
            lead_days: terms.lead_days.to_string(),
            quote_minutes: terms.quote_minutes.to_string(),
            limit_group: terms.limit_group.to_string(),
        }
    }

    /// What a form for a new one begins with.
    fn usual(from: Day) -> Self {
        Self {
            unit: "JPY".to_owned(),
            effective_from: from.to_string(),
            rate_points: "1".to_owned(),
            rate_value: "1".to_owned(),
            fee: "0".to_owned(),
            lead_days: "0".to_owned(),
            quote_minutes: "15".to_owned(),
            ..Self::default()
        }
    }

    /// Reads the form, or says what is wrong with which field.
    fn read(&self, words: Words<'_>) -> Result<DestinationEntry, Errors> {
        let mut taking = Taking { words, errors: Errors::new() };
        let terms = self.terms(&mut taking);
        let name = taking.take("name", Label::parse(&self.name).ok());
        let name_english = taking.take("name_english", Label::parse(&self.name_english).ok());
        let kind = DestinationKind::parse(&self.kind);
        // A bank account is delivered by nobody else.
        let product = match (self.product.trim(), kind) {
            ("", Some(DestinationKind::Bank)) => Token::parse(&self.code).ok(),
            (product, _) => taking.take("product", Token::parse(product).ok()),
        };
        let parsed = || {
            let (name, name_english) = (name?, name_english?);
            Some(DestinationEntry { terms: terms?, name, name_english, product: product? })
        };
        parsed().filter(|_| taking.errors.is_empty()).ok_or(taking.errors)
    }

    fn terms(&self, taking: &mut Taking<'_>) -> Option<Destination> {
        let code = taking.take("code", Token::parse(&self.code).ok());
        let kind = taking.take("kind", DestinationKind::parse(&self.kind));
        let unit = taking.take("unit", UnitCode::parse(self.unit.trim()).ok());
        let from = taking.take("effective_from", Day::parse(self.effective_from.trim()).ok());
        let opening = taking.take("opening", Opening::parse(&self.opening));
        let points = taking.figure("rate_points", &self.rate_points);
        let value = taking.figure("rate_value", &self.rate_value);
        let rounding = taking.take("rounding", parse_rounding(&self.rounding));
        let minimum = taking.figure("minimum", &self.minimum);
        let step = taking.figure("step", &self.step);
        let fee = taking.figure("fee", &self.fee);
        let lead_days = taking.figure("lead_days", &self.lead_days);
        let quote_minutes = taking.figure("quote_minutes", &self.quote_minutes);
        let limit_group = taking.take("limit_group", Token::parse(&self.limit_group).ok());
        let rate = match (value, points) {
            (Some(value), Some(points)) => {
                let rate = Rate::try_new(i64::from(value), i64::from(points)).ok();
                taking.take("rate_points", rate)
            }
            (Some(_) | None, Some(_) | None) => None,
        };
        let short = |figure| u16::try_from(figure).unwrap_or(u16::MAX);
        Some(Destination {
            code: code?,
            kind: kind?,
            unit: unit?,
            minimum: Amount::from(minimum?),
            step: Amount::from(step?),
            rate: rate?,
            rounding: rounding?,
            fee: Amount::from(fee?),
            lead_days: short(lead_days?),
            quote_minutes: short(quote_minutes?),
            limit_group: limit_group?,
            opening: opening?,
            effective_from: from?,
        })
    }
}

/// Takes fields, and keeps what is wrong with them.
struct Taking<'a> {
    words: Words<'a>,
    errors: Errors,
}

impl Taking<'_> {
    fn take<T>(&mut self, field: &'static str, parsed: Option<T>) -> Option<T> {
        if parsed.is_none() {
            let key = format!("destination-wrong-{}", field.replace('_', "-"));
            self.errors.push((field, self.words.get(&key).into_owned()));
        }
        parsed
    }

    fn figure(&mut self, field: &'static str, text: &str) -> Option<u32> {
        let figure = whole(text);
        if figure.is_none() {
            self.errors.push((field, self.words.get("destination-wrong-figure").into_owned()));
        }
        figure
    }
}

/// The fields of the form. Code, kind and unit are those of a new one only.
fn fields(
    words: Words<'_>,
    site: &Site,
    desk: &Desk,
    (filled, standing): (&Filled, Standing),
    errors: &Errors,
) -> Vec<Html> {
    let label = |name: &str| words.get(&format!("destination-field-{}", name.replace('_', "-")));
    let hint = |name: &str| {
        let key = format!("destination-field-{}-hint", name.replace('_', "-"));
        words.find(&key).unwrap_or_default()
    };
    let text = |name: &'static str, value: &str, kind: FieldKind| {
        let field = TextField::new(words, name, label(name)).value(value).kind(kind);
        field.hint(hint(name)).error(error_of(errors, name))
    };
    let figure = |name: &'static str, value: &str, unit: &str| {
        let suffix = words.get(unit);
        Html::of(&text(name, value, FieldKind::Figure).suffix(suffix).characters_max(12))
    };
    let choice = |name: &'static str, chosen: &str, choices: Vec<(String, String)>| {
        let field = Select::new(name, label(name), choices).chosen(chosen).hint(hint(name));
        Html::of(&field.error(error_of(errors, name)))
    };
    let line =
        |name, value: &str, max| Html::of(&text(name, value, FieldKind::Text).characters_max(max));
    let kinds = DestinationKind::ALL.iter().map(|k| (k.code().to_owned(), kind_text(words, *k)));
    let openings = Opening::ALL.iter().map(|opening| {
        let key = format!("destination-opening-{}", opening.code());
        (opening.code().to_owned(), words.get(&key).into_owned())
    });
    let roundings =
        ROUNDINGS.iter().map(|r| (rounding_code(*r).to_owned(), rounding_text(words, *r)));
    let groups = desk.groups.keys().map(|code| (code.to_string(), code.to_string()));
    let partners = site.config().exchange.partners.iter().map(|partner| partner.code.to_string());
    let partners = partners.collect::<Vec<_>>().join(words.get("destination-and").as_ref());
    let product = text("product", &filled.product, FieldKind::Text)
        .optional(words)
        .hint(words.with("destination-field-product-hint", &[("partners", partners.into())]))
        .characters_max(64);
    let mut all = Vec::new();
    if standing == Standing::New {
        all.push(line("code", &filled.code, 64));
        all.push(choice("kind", &filled.kind, kinds.collect()));
        all.push(line("unit", &filled.unit, 8));
    }
    all.extend([
        Html::of(&text("effective_from", &filled.effective_from, FieldKind::Day)),
        choice("opening", &filled.opening, openings.collect()),
        line("name", &filled.name, 120),
        line("name_english", &filled.name_english, 120),
        Html::of(&product),
        figure("rate_points", &filled.rate_points, "points-unit"),
        line("rate_value", &filled.rate_value, 12),
        choice("rounding", &filled.rounding, roundings.collect()),
        figure("minimum", &filled.minimum, "points-unit"),
        figure("step", &filled.step, "points-unit"),
        figure("fee", &filled.fee, "points-unit"),
        figure("lead_days", &filled.lead_days, "destination-unit-business-days"),
        figure("quote_minutes", &filled.quote_minutes, "destination-unit-minutes"),
        choice("limit_group", &filled.limit_group, groups.collect()),
    ]);
    all
}

/// A form of a version as it was sent, or as it begins.
#[derive(Default)]
struct Sent {
    filled: Filled,
    errors: Errors,
    preview: Option<DestinationEntry>,
}

impl Sent {
    fn begin(filled: Filled) -> Self {
        Self { filled, ..Self::default() }
    }
}

fn form_part(
    words: Words<'_>,
    site: &Site,
    desk: &Desk,
    sent: &Sent,
    standing: Standing,
) -> FormPart {
    let (heading, lead, action) = match standing {
        Standing::New => (None, "destination-new-lead", LIST.to_owned()),
        Standing::Known => {
            let action = format!("{LIST}/{}", sent.filled.code);
            (Some("destination-change"), "destination-change-lead", action)
        }
    };
    let button = |key: &str, code: &str| Button::new(words.get(key)).choice("do", code);
    FormPart {
        heading: heading.map(|key| words.get(key).into_owned()),
        lead: words.get(lead).into_owned(),
        action,
        fields: fields(words, site, desk, (&sent.filled, standing), &sent.errors),
        preview: sent.preview.as_ref().map(|entry| {
            let terms = &entry.terms;
            let before = desk.on(&terms.code, terms.effective_from).map(|before| &before.terms);
            preview_table(words, site, before, terms)
        }),
        buttons: vec![
            button("destination-propose", "propose"),
            button("destination-preview-show", "preview").weight(Weight::Quiet),
        ],
    }
}

fn back(words: Words<'_>) -> LinkButton {
    LinkButton::new(words.get("destination-back"), LIST).weight(Weight::Quiet)
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let desk = Desk::read(&site).await?;
    let sent = Sent::begin(Filled::usual(desk.today.plus_days(1)));
    Ok(new_page(&site, &view, &who, &desk, &sent))
}

fn new_page(site: &Site, view: &View, who: &Authenticated, desk: &Desk, sent: &Sent) -> Response {
    let words = view.words();
    let title = words.get("destination-new").into_owned();
    let main = EditMain {
        words,
        title,
        state: None,
        errors: summary(words, &sent.errors),
        facts: None,
        proposals: Vec::new(),
        form: Some(form_part(words, site, desk, sent, Standing::New)),
        tables: Vec::new(),
        back: back(words),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    let status = status_of(&sent.errors);
    view.page(words.get("destination-new")).nav(nav).status(status).show(&main)
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<Token>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let desk = Desk::read(&site).await?;
    let versions = desk.versions(&code);
    let newest = versions.first().ok_or(Problem::new(&problems::NOT_FOUND))?;
    let from = newest.terms.effective_from.max(desk.today).plus_days(1);
    let sent = Sent::begin(Filled::of(newest, from));
    one_page(&site, &view, &who, &desk, (&code, sent)).await
}

async fn one_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    desk: &Desk,
    (code, sent): (&Token, Sent),
) -> Result<Response, Problem> {
    let history = history_of(site, ("destination", code)).await?;
    let words = view.words();
    let versions = desk.versions(code);
    let current = desk.on(code, desk.today).or_else(|| versions.last().copied());
    let current = current.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let title = name_of(current, words);
    let may = who.needs().contains(MANAGE);
    let main = EditMain {
        words,
        title: title.clone(),
        state: Some(opening_badge(words, current.terms.opening)),
        errors: summary(words, &sent.errors),
        facts: Some(list_of(words, terms_facts(words, site, current)).pair(
            words.get("destination-effective-from"),
            current.terms.effective_from.to_string(),
        )),
        proposals: waiting_cards(words, site, who, desk, ("destination", code)),
        form: may.then(|| form_part(words, site, desk, &sent, Standing::Known)),
        tables: [
            Some(versions_table(words, site, desk, &versions)),
            history_table(words, &history),
        ]
        .into_iter()
        .flatten()
        .collect(),
        back: back(words),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(title).nav(nav).status(status_of(&sent.errors)).show(&main))
}

async fn history_of(
    site: &Site,
    (subject, code): (&'static str, &Token),
) -> Result<Vec<DestinationProposal>, Problem> {
    let (company, code) = (site.config().company, code.clone());
    site.read(move |reader| list_of_code(reader, company, (subject, &code))).await
}

fn waiting_cards(
    words: Words<'_>,
    site: &Site,
    who: &Authenticated,
    desk: &Desk,
    about: (&str, &Token),
) -> Vec<Html> {
    let waiting = desk.waiting.iter().filter(|p| (p.change.subject(), p.change.code()) == about);
    waiting.map(|proposal| card(words, site, who, desk, proposal)).collect()
}

fn versions_table(
    words: Words<'_>,
    site: &Site,
    desk: &Desk,
    versions: &[&DestinationEntry],
) -> Table {
    let columns = vec![
        Column::times(words.get("destination-effective-from")),
        Column::text(words.get("exchange-state")),
        Column::text(words.get("destination-opening")),
        Column::figures(words.get("exchange-rate")),
        Column::figures(words.get("exchange-minimum")),
        Column::figures(words.get("exchange-step")),
        Column::figures(words.get("exchange-fee")),
        Column::figures(words.get("destination-lead-days")),
        Column::text(words.get("destination-limit-group")),
    ];
    let current = versions.iter().map(|version| version.terms.effective_from);
    let current = current.filter(|day| *day <= desk.today).max();
    let rows = versions.iter().map(|version| {
        let terms = &version.terms;
        let (tone, key) = if Some(terms.effective_from) == current {
            (Tone::Good, "destination-version-now")
        } else if desk.today < terms.effective_from {
            (Tone::Wait, "destination-version-later")
        } else {
            (Tone::Plain, "destination-version-past")
        };
        vec![
            terms.effective_from.to_string().into(),
            Badge::new(tone, words.get(key)).into(),
            opening_badge(words, terms.opening).into(),
            rate_text(words, site, terms).into(),
            points_text(words, site, terms.minimum).into(),
            points_text(words, site, terms.step).into(),
            points_text(words, site, terms.fee).into(),
            days_text(words, terms.lead_days).into(),
            terms.limit_group.as_str().into(),
        ]
    });
    Table::new(words.get("destination-versions"), columns).rows(rows)
}

/// Shows who proposed what, and what became of it.
fn history_table(words: Words<'_>, history: &[DestinationProposal]) -> Option<Table> {
    let columns = vec![
        Column::figures(words.get("destination-proposal")),
        Column::times(words.get("destination-effective-from")),
        Column::text(words.get("exchange-state")),
        Column::text(words.get("held-proposed")),
        Column::text(words.get("held-decided")),
    ];
    let rows = history.iter().map(|proposal| {
        let from = match &proposal.change {
            DestinationChange::Version(entry) => entry.terms.effective_from.to_string(),
            DestinationChange::Limits(_) => "–".to_owned(),
        };
        let (tone, decided) = match proposal.state {
            ProposalState::Proposed => (Tone::Wait, None),
            ProposalState::Approved { by, at } => (Tone::Good, Some((by, at))),
            ProposalState::Declined { by, at } => (Tone::Plain, Some((by, at))),
        };
        let state = words.get(&format!("destination-proposal-{}", proposal.state.code()));
        vec![
            proposal.number.to_string().into(),
            from.into(),
            Badge::new(tone, state).into(),
            person_at(words, (proposal.proposed_by, proposal.proposed_at)).into(),
            decided.map_or_else(|| "–".to_owned(), |decided| person_at(words, decided)).into(),
        ]
    });
    let table = Table::new(words.get("destination-proposals"), columns).rows(rows);
    (!history.is_empty()).then_some(table)
}

async fn add(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    match propose(&site, &view, &who, (filled, Standing::New)).await? {
        None => Ok(Redirect::to(LIST).into_response()),
        Some(sent) => Ok(new_page(&site, &view, &who, &Desk::read(&site).await?, &sent)),
    }
}

async fn change(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<Token>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let desk = Desk::read(&site).await?;
    let versions = desk.versions(&code);
    let newest = versions.first().ok_or(Problem::new(&problems::NOT_FOUND))?;
    // What stays is not in the form.
    let filled = Filled {
        code: code.to_string(),
        kind: newest.terms.kind.code().to_owned(),
        unit: newest.terms.unit.as_str().to_owned(),
        ..filled
    };
    match propose(&site, &view, &who, (filled, Standing::Known)).await? {
        None => Ok(Redirect::to(&format!("{LIST}/{code}")).into_response()),
        Some(sent) => one_page(&site, &view, &who, &desk, (&code, sent)).await,
    }
}

/// Proposes what a form says; gives the form back when it is only to be tried, or is wrong.
async fn propose(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (filled, standing): (Filled, Standing),
) -> Result<Option<Sent>, Problem> {
    let words = view.words();
    let entry = match filled.read(words) {
        Ok(entry) => entry,
        Err(errors) => return Ok(Some(Sent { filled, errors, preview: None })),
    };
    if filled.r#do == "preview" {
        return Ok(Some(Sent { filled, errors: Errors::new(), preview: Some(entry) }));
    }
    let command = ProposeDestination {
        config: site.shared_config(),
        change: DestinationChange::Version(entry.clone()),
        standing,
        by: who.actor(),
    };
    match site.run(command).await.or_problem()? {
        Ok(_number) => Ok(None),
        Err(ProposalRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let text = words.get(&format!("destination-refused-{}", refusal.code()));
            let errors = vec![(field_of(refusal, standing), text.into_owned())];
            Ok(Some(Sent { filled, errors, preview: Some(entry) }))
        }
    }
}

/// Limits as a form holds them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FilledGroup {
    code: String,
    daily: String,
    monthly: String,
}

impl FilledGroup {
    fn of(group: &LimitGroup) -> Self {
        let plain = |limit: Option<Amount>| {
            limit.map_or_else(String::new, |limit| limit.minor_units().to_string())
        };
        Self {
            code: group.code.to_string(),
            daily: plain(group.daily),
            monthly: plain(group.monthly),
        }
    }

    fn read(&self, words: Words<'_>) -> Result<LimitGroup, Errors> {
        let mut taking = Taking { words, errors: Errors::new() };
        let code = taking.take("code", Token::parse(&self.code).ok());
        let mut limit = |field, text: &str| {
            let figure = (!text.trim().is_empty()).then(|| taking.figure(field, text));
            figure.flatten().map(Amount::from)
        };
        let (daily, monthly) = (limit("daily", &self.daily), limit("monthly", &self.monthly));
        let group = code.map(|code| LimitGroup { code, daily, monthly });
        group.filter(|_| taking.errors.is_empty()).ok_or(taking.errors)
    }
}

fn group_form(
    words: Words<'_>,
    (filled, standing): (&FilledGroup, Standing),
    errors: &Errors,
) -> FormPart {
    let limit = |name: &'static str, value: &str| {
        let field = TextField::new(words, name, words.get(&format!("limit-group-{name}")))
            .optional(words)
            .kind(FieldKind::Figure)
            .hint(words.get("limit-group-limit-hint"))
            .suffix(words.get("points-unit"))
            .characters_max(12)
            .value(value);
        Html::of(&field.error(error_of(errors, name)))
    };
    let code = TextField::new(words, "code", words.get("limit-group-code"))
        .hint(words.get("destination-field-code-hint"))
        .characters_max(64)
        .value(filled.code.as_str())
        .error(error_of(errors, "code"));
    let limits = [limit("daily", &filled.daily), limit("monthly", &filled.monthly)];
    let (heading, code, action) = match standing {
        Standing::New => (None, Some(Html::of(&code)), GROUPS.to_owned()),
        Standing::Known => (Some("limit-group-change"), None, format!("{GROUPS}/{}", filled.code)),
    };
    FormPart {
        heading: heading.map(|key| words.get(key).into_owned()),
        lead: words.get("limit-group-lead").into_owned(),
        action,
        fields: code.into_iter().chain(limits).collect(),
        preview: None,
        buttons: vec![Button::new(words.get("destination-propose"))],
    }
}

async fn new_group(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    Ok(new_group_page(&site, &view, &who, &FilledGroup::default(), &Errors::new()))
}

fn new_group_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    filled: &FilledGroup,
    errors: &Errors,
) -> Response {
    let words = view.words();
    let main = EditMain {
        words,
        title: words.get("limit-group-new").into_owned(),
        state: None,
        errors: summary(words, errors),
        facts: None,
        proposals: Vec::new(),
        form: Some(group_form(words, (filled, Standing::New), errors)),
        tables: Vec::new(),
        back: back(words),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(words.get("limit-group-new")).nav(nav).status(status_of(errors)).show(&main)
}

async fn show_group(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<Token>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let desk = Desk::read(&site).await?;
    let group = desk.groups.get(&code).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let filled = FilledGroup::of(group);
    group_page(&site, &view, &who, (&code, &filled), &Errors::new()).await
}

async fn group_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (code, filled): (&Token, &FilledGroup),
    errors: &Errors,
) -> Result<Response, Problem> {
    let desk = Desk::read(site).await?;
    let history = history_of(site, ("limit_group", code)).await?;
    let words = view.words();
    let group = desk.groups.get(code).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let title = words.with("limit-group-title", &[("code", code.as_str().into())]);
    let may = who.needs().contains(MANAGE);
    let main = EditMain {
        words,
        title: title.clone(),
        state: None,
        errors: summary(words, errors),
        facts: Some(list_of(words, limits_facts(words, site, group))),
        proposals: waiting_cards(words, site, who, &desk, ("limit_group", code)),
        form: may.then(|| group_form(words, (filled, Standing::Known), errors)),
        tables: history_table(words, &history).into_iter().collect(),
        back: back(words),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(title).nav(nav).status(status_of(errors)).show(&main))
}

async fn add_group(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<FilledGroup>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let errors = propose_group(&site, &view, &who, (&filled, Standing::New)).await?;
    if errors.is_empty() {
        return Ok(Redirect::to(LIST).into_response());
    }
    Ok(new_group_page(&site, &view, &who, &filled, &errors))
}

async fn change_group(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(code): Path<Token>,
    Form(filled): Form<FilledGroup>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let filled = FilledGroup { code: code.to_string(), ..filled };
    let errors = propose_group(&site, &view, &who, (&filled, Standing::Known)).await?;
    if errors.is_empty() {
        return Ok(Redirect::to(&format!("{GROUPS}/{code}")).into_response());
    }
    group_page(&site, &view, &who, (&code, &filled), &errors).await
}

/// Proposes limits; tells what is wrong with them.
async fn propose_group(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (filled, standing): (&FilledGroup, Standing),
) -> Result<Errors, Problem> {
    let words = view.words();
    let group = match filled.read(words) {
        Ok(group) => group,
        Err(errors) => return Ok(errors),
    };
    let command = ProposeDestination {
        config: site.shared_config(),
        change: DestinationChange::Limits(group),
        standing,
        by: who.actor(),
    };
    match site.run(command).await.or_problem()? {
        Ok(_number) => Ok(Errors::new()),
        Err(ProposalRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let text = words.get(&format!("destination-refused-{}", refusal.code()));
            let field = match field_of(refusal, standing) {
                "code" => "code",
                _of_a_version => "daily",
            };
            Ok(vec![(field, text.into_owned())])
        }
    }
}
