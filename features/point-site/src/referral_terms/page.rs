use askama::Template;
use serde::Deserialize;

use crate::exchange::points_text;
use crate::figure::whole;
use crate::payout::permit;
use crate::person::person;
use crate::referral::store::list_terms;
use crate::referral::{
    ApproveReferralTerms, PlannedTerms, ProposeReferralTerms, ReferralRefusal, ReferralTerms,
    in_force,
};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::OrProblem as _;
use vocabulary::{Amount, Day, Timestamp, Zone};
use web::components::{
    Badge, Button, Column, DataList, EmptyState, ErrorSummary, FieldKind, LinkButton, Notice,
    Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Problem, Redirect, Response, Routes, State, StatusCode, View,
    Words, get, post, problems,
};

const READ: Need = Need::OfferRead;
/// Who plans terms.
const MANAGE: Need = Need::CampaignManage;
/// Who approves them: somebody else.
const APPROVE: Need = Need::ConversionApprove;
/// The days that a form begins with, to reach the mark and to take back.
const DAYS_USUAL: &str = "60";

/// The editor of terms.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/referrals/terms", READ.code()), list)
        .on(get("/staff/referrals/terms/new", MANAGE.code()), new)
        .on(post("/staff/referrals/terms", MANAGE.code()).idempotent(), propose)
        // Where a refused form is shown, the links to the other language lead here.
        .on(get("/staff/referrals/terms/approve", READ.code()), list)
        .on(post("/staff/referrals/terms/approve", APPROVE.code()).idempotent(), approve)
}

#[derive(Template)]
#[template(path = "referral_terms/page.html")]
struct TermsMain<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    new: Option<LinkButton>,
    proposed: Vec<Proposed>,
    table: Option<Table>,
    empty: EmptyState,
    back: LinkButton,
}

struct Proposed {
    title: String,
    facts: DataList,
    note: String,
    starts_at: i64,
    approve: Option<Button>,
}

#[derive(Template)]
#[template(path = "referral_terms/page_edit.html")]
struct EditMain<'a> {
    words: Words<'a>,
    errors: ErrorSummary,
    fields: Vec<TextField>,
    send: Button,
    back: LinkButton,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    terms_page(&site, &view, &who, None).await
}

async fn read_terms(site: &Site) -> Result<Vec<PlannedTerms>, Problem> {
    let company = site.config().company;
    site.read(move |reader| list_terms(reader, company)).await
}

async fn terms_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    refusal: Option<ReferralRefusal>,
) -> Result<Response, Problem> {
    let all = read_terms(site).await?;
    let (words, now) = (view.words(), site.now());
    let (approved, waiting): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|planned| planned.approved_by.is_some());
    let notice = refusal.map(|refusal| {
        let key = format!("referral-refused-{}", refusal.code());
        Notice::new(Tone::Bad, words.get(&key), words.get(&format!("{key}-next")))
    });
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = TermsMain {
        words,
        notice,
        new: who.needs().contains(MANAGE).then(|| {
            LinkButton::new(words.get("referral-terms-new"), "/staff/referrals/terms/new")
        }),
        proposed: waiting.iter().map(|planned| proposed_of(site, words, who, planned)).collect(),
        table: (!approved.is_empty()).then(|| table(site, words, &approved, now)),
        empty: EmptyState::new(
            words.get("referral-terms-none"),
            words.get("referral-terms-none-text"),
        ),
        back: back(words, who),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("referral-terms-title")).nav(nav).status(status).show(&main))
}

fn back(words: Words<'_>, who: &Authenticated) -> LinkButton {
    let (text, href) = if who.needs().contains(Need::ExchangeRead) {
        ("referral-title", "/staff/referrals")
    } else {
        ("staff-title", "/staff")
    };
    LinkButton::new(words.get(text), href).weight(Weight::Quiet)
}

fn proposed_of(
    site: &Site,
    words: Words<'_>,
    who: &Authenticated,
    planned: &PlannedTerms,
) -> Proposed {
    let own = planned.made_by == who.actor();
    let terms = &planned.terms;
    let points = |amount| points_text(words, site, amount);
    let days = |days: u16| words.with("referral-days", &[("days", days.into())]);
    let most = words.with("referral-friends-count", &[("count", terms.month_max.into())]);
    let from = Zone::JAPAN.day_of(planned.starts_at).to_string();
    let note = if own { "referral-terms-own" } else { "referral-terms-other" };
    Proposed {
        title: words.with("referral-terms-from", &[("day", from.into())]),
        facts: DataList::new()
            .pair(words.get("referral-inviter-points"), points(terms.inviter))
            .pair(words.get("referral-invited-points"), points(terms.invited))
            .pair(words.get("referral-mark"), mark_text(site, words, terms))
            .pair(words.get("referral-within"), days(terms.within_days))
            .pair(words.get("referral-month"), most)
            .pair(words.get("referral-recall"), days(terms.recall_days))
            .pair(words.get("held-proposed"), person(words, planned.made_by)),
        note: words.get(note).into_owned(),
        starts_at: planned.starts_at.as_microseconds(),
        approve: (who.needs().contains(APPROVE) && !own)
            .then(|| Button::new(words.get("referral-terms-approve"))),
    }
}

fn mark_text(site: &Site, words: Words<'_>, terms: &ReferralTerms) -> String {
    if terms.mark.is_zero() {
        words.get("referral-mark-first").into_owned()
    } else {
        points_text(words, site, terms.mark)
    }
}

fn table(site: &Site, words: Words<'_>, approved: &[PlannedTerms], now: Timestamp) -> Table {
    let columns = vec![
        Column::times(words.get("referral-terms-starts")),
        Column::text(words.get("referral-state")),
        Column::figures(words.get("referral-inviter-points")),
        Column::figures(words.get("referral-invited-points")),
        Column::figures(words.get("referral-mark")),
        Column::figures(words.get("referral-within")),
        Column::figures(words.get("referral-month")),
        Column::figures(words.get("referral-recall")),
    ];
    let begun = approved.iter().filter(|planned| planned.starts_at <= now);
    let current = begun.map(|planned| planned.starts_at).max();
    let badge = |planned: &PlannedTerms| {
        let (tone, key) = if Some(planned.starts_at) == current {
            (Tone::Good, "referral-terms-now")
        } else if planned.starts_at > now {
            (Tone::Wait, "referral-terms-later")
        } else {
            (Tone::Plain, "referral-terms-past")
        };
        Badge::new(tone, words.get(key))
    };
    let rows = approved.iter().map(|planned| {
        let terms = &planned.terms;
        vec![
            Zone::JAPAN.day_of(planned.starts_at).to_string().into(),
            badge(planned).into(),
            points_text(words, site, terms.inviter).into(),
            points_text(words, site, terms.invited).into(),
            mark_text(site, words, terms).into(),
            words.with("referral-days", &[("days", terms.within_days.into())]).into(),
            words.with("referral-friends-count", &[("count", terms.month_max.into())]).into(),
            words.with("referral-days", &[("days", terms.recall_days.into())]).into(),
        ]
    });
    Table::new(words.get("referral-terms-approved"), columns).rows(rows)
}

/// Terms as a form holds them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Filled {
    starts_on: String,
    inviter: String,
    invited: String,
    mark: String,
    within_days: String,
    month_max: String,
    recall_days: String,
}

type Errors = Vec<(&'static str, String)>;

impl Filled {
    fn of(terms: &ReferralTerms) -> Self {
        let plain = |amount: Amount| amount.minor_units().to_string();
        Self {
            starts_on: String::new(),
            inviter: plain(terms.inviter),
            invited: plain(terms.invited),
            mark: plain(terms.mark),
            within_days: terms.within_days.to_string(),
            month_max: terms.month_max.to_string(),
            recall_days: terms.recall_days.to_string(),
        }
    }

    fn figures(&self) -> [(&'static str, &str); 6] {
        [
            ("inviter", &self.inviter),
            ("invited", &self.invited),
            ("mark", &self.mark),
            ("within_days", &self.within_days),
            ("month_max", &self.month_max),
            ("recall_days", &self.recall_days),
        ]
    }

    /// Reads the form, or says what is wrong with which field.
    fn read(&self, words: Words<'_>) -> Result<(Timestamp, ReferralTerms), Errors> {
        let mut errors = Errors::new();
        let starts_on = Day::parse(&self.starts_on);
        if starts_on.is_err() {
            errors.push(("starts_on", words.get("referral-wrong-day").into_owned()));
        }
        let figures = self.figures().map(|(name, text)| (name, whole::<u32>(text)));
        for (name, figure) in figures {
            if figure.is_none() {
                errors.push((name, words.get("referral-wrong-figure").into_owned()));
            }
        }
        let [inviter, invited, mark, within_days, month_max, recall_days] =
            figures.map(|(_, figure)| figure.unwrap_or(0));
        let days = |days| u16::try_from(days).unwrap_or(u16::MAX);
        let terms = ReferralTerms {
            inviter: Amount::from(inviter),
            invited: Amount::from(invited),
            mark: Amount::from(mark),
            within_days: days(within_days),
            month_max,
            recall_days: days(recall_days),
        };
        match starts_on {
            Ok(day) if errors.is_empty() => Ok((Zone::JAPAN.start_of(day), terms)),
            Ok(_) | Err(_) => Err(errors),
        }
    }
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let now = site.now();
    // What holds now is what most changes begin with.
    let current = in_force(&read_terms(&site).await?, now);
    let empty = Filled {
        within_days: DAYS_USUAL.to_owned(),
        recall_days: DAYS_USUAL.to_owned(),
        ..Filled::default()
    };
    let filled = Filled {
        starts_on: Zone::JAPAN.day_of(now).plus_days(1).to_string(),
        ..current.as_ref().map_or(empty, Filled::of)
    };
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
        let found = errors.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let field = |name: &'static str, value: &str, unit: &str| {
        let key = format!("referral-field-{}", name.replace('_', "-"));
        let field = TextField::new(words, name, words.get(&key)).value(value).error(error(name));
        let field = field.hint(words.find(&format!("{key}-hint")).unwrap_or_default());
        if unit.is_empty() {
            field.kind(FieldKind::Day)
        } else {
            field.kind(FieldKind::Figure).suffix(words.get(unit)).characters_max(12)
        }
    };
    let units = ["points-unit", "points-unit", "points-unit", "referral-unit-days"];
    let units = units.into_iter().chain(["referral-unit-friends", "referral-unit-days"]);
    let figures = filled.figures().into_iter().zip(units);
    let figures = figures.map(|((name, value), unit)| field(name, value, unit));
    let listed = errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    let main = EditMain {
        words,
        errors: ErrorSummary::new(words, listed),
        fields: [field("starts_on", &filled.starts_on, "")].into_iter().chain(figures).collect(),
        send: Button::new(words.get("held-propose")),
        back: LinkButton::new(words.get("referral-terms-back"), "/staff/referrals/terms")
            .weight(Weight::Quiet),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(words.get("referral-terms-new")).nav(nav).status(status).show(&main)
}

async fn propose(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let (starts_at, terms) = match filled.read(words) {
        Ok(parsed) => parsed,
        Err(errors) => return Ok(edit_page(&site, &view, &who, &filled, &errors)),
    };
    let company = site.config().company;
    let command = ProposeReferralTerms { company, by: who, starts_at, terms };
    match site.run(command).await.or_problem()? {
        Ok(()) => Ok(Redirect::to("/staff/referrals/terms").into_response()),
        Err(refusal) => {
            let field = match refusal {
                ReferralRefusal::TermsInForce => "starts_on",
                ReferralRefusal::NotFound
                | ReferralRefusal::TermsUnfit
                | ReferralRefusal::StateUnfit
                | ReferralRefusal::SamePerson
                | ReferralRefusal::CodeTaken => "inviter",
            };
            let key = format!("referral-refused-{}-next", refusal.code());
            let errors = vec![(field, words.get(&key).into_owned())];
            Ok(edit_page(&site, &view, &who, &filled, &errors))
        }
    }
}

#[derive(Debug, Deserialize)]
struct Approved {
    starts_at: i64,
}

async fn approve(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(approved): Form<Approved>,
) -> Result<Response, Problem> {
    permit(&site, &who, APPROVE)?;
    let company = site.config().company;
    let starts_at = Timestamp::from_microseconds(approved.starts_at);
    let command = ApproveReferralTerms { company, by: who, starts_at };
    match site.run(command).await.or_problem()? {
        Ok(()) => Ok(Redirect::to("/staff/referrals/terms").into_response()),
        Err(ReferralRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => terms_page(&site, &view, &who, Some(refusal)).await,
    }
}
