use askama::Template;
use serde::Deserialize;

use crate::exchange::points_text;
use crate::figure::whole;
use crate::finding::store::{HITS_MAX, Hits, count_hits};
use crate::fraud_rule::job::TRIAL_DAYS;
use crate::fraud_rule::store::{find_versions, list_proposed, read_current};
use crate::fraud_rule::{
    Condition, Conditions, DecideRule, DecisionPoint, FraudRule, ProposeRule, RuleMode,
    RuleRefusal, RuleTerms, RuleVerdict, RuleVersion, Trial, VersionState, rules_in_force,
    try_rule,
};
use crate::payout::permit;
use crate::person::person_at;
use crate::site::Site;
use crate::step_up::{Decision, Particular};
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Amount, Day, Label, Scale, Timestamp, Token, Zone};
use web::components::{
    Badge, Button, Cell, Column, DataList, ErrorSummary, FieldKind, LinkButton, Notice, Select,
    Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const READ: Need = Need::FraudRead;
/// Who proposes a version, and who approves it: two persons.
const MANAGE: Need = Need::FraudManage;

/// The staff's pages of rules.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/fraud/rules", READ.code()), list)
        .on(get("/staff/fraud/rules/new", MANAGE.code()), new)
        .on(post("/staff/fraud/rules", MANAGE.code()).idempotent(), propose)
        .on(get("/staff/fraud/rules/{rule}", READ.code()), show)
        .on(get("/staff/fraud/rules/{rule}/edit", MANAGE.code()), edit)
        .on(post("/staff/fraud/rules/{rule}/decide", MANAGE.code()).idempotent(), decide)
}

#[derive(Template)]
#[template(path = "fraud_rule/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    new: Option<LinkButton>,
    proposed: Option<Table>,
    rules: Table,
    counted: String,
    back: LinkButton,
}

#[derive(Template)]
#[template(path = "fraud_rule/page_rule.html")]
struct RuleMain<'a> {
    words: Words<'a>,
    id: &'a str,
    note: String,
    mode: Badge,
    notice: Option<Notice>,
    facts: DataList,
    proposed: Option<Proposed>,
    versions: Table,
    edit: Option<LinkButton>,
    back: LinkButton,
}

struct Proposed {
    facts: DataList,
    trial: DataList,
    note: String,
    address: String,
    version: u32,
    approve: Option<Button>,
    decline: Option<Button>,
}

#[derive(Template)]
#[template(path = "fraud_rule/page_edit.html")]
struct EditMain<'a> {
    words: Words<'a>,
    errors: ErrorSummary,
    rule: Option<TextField>,
    id: &'a str,
    heading: &'a str,
    note: TextField,
    conditions: Vec<TextField>,
    switches: Vec<Switch>,
    choices: Vec<Select>,
    rest: Vec<TextField>,
    send: Button,
    back: LinkButton,
}

struct Switch {
    name: &'static str,
    label: String,
    on: bool,
}

/// Says in words when a rule applies.
fn condition_text(words: Words<'_>, site: &Site, condition: Condition) -> String {
    let key = format!("fraud-condition-{}", condition.code().replace('_', "-"));
    match condition {
        Condition::AmountOver(amount) => {
            words.with(&key, &[("points", points_text(words, site, amount).into())])
        }
        Condition::SumOver(amount, days) => {
            let points = points_text(words, site, amount);
            words.with(&key, &[("points", points.into()), ("days", days.into())])
        }
        Condition::CountOver(count, hours) => {
            words.with(&key, &[("count", count.into()), ("hours", hours.into())])
        }
        Condition::ChangedWithin(particular, days) => {
            let key = format!("{key}-{}", particular.code().replace('_', "-"));
            words.with(&key, &[("days", days.into())])
        }
        Condition::MemberYounger(days) => words.with(&key, &[("days", days.into())]),
        Condition::SharedPayee | Condition::FirstExchange | Condition::FirstUse => {
            words.get(&key).into_owned()
        }
    }
}

fn conditions_text(words: Words<'_>, site: &Site, conditions: &Conditions) -> String {
    let texts: Vec<String> = conditions
        .as_slice()
        .iter()
        .map(|condition| condition_text(words, site, *condition))
        .collect();
    texts.join(words.get("fraud-and").as_ref())
}

fn decision_text(words: Words<'_>, decision: Decision) -> String {
    words.get(&format!("fraud-decision-{}", decision.code().replace('_', "-"))).into_owned()
}

fn mode_badge(words: Words<'_>, mode: RuleMode) -> Badge {
    let tone = match mode {
        RuleMode::Off => Tone::Plain,
        RuleMode::Observe => Tone::Wait,
        RuleMode::Enforce => Tone::Good,
    };
    Badge::new(tone, words.get(&format!("fraud-mode-{}", mode.code())))
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let (company, now) = (site.config().company, site.now());
    let (month, week) = (now.plus_days(-30), now.plus_days(-7));
    let (current, proposed, hits) = site
        .read(move |reader| {
            let current = read_current(reader, company, now)?;
            let proposed = list_proposed(reader, company)?;
            Ok((current, proposed, count_hits(reader, company, (month, week))?))
        })
        .await?;
    let words = view.words();
    let given = &site.config().exchange.rules;
    let rules = rules_in_force(given, &current, now);
    let hits_max = Scale::default().format(i64::from(HITS_MAX));
    let main = ListMain {
        words,
        new: who
            .needs()
            .contains(MANAGE)
            .then(|| LinkButton::new(words.get("fraud-rule-new"), "/staff/fraud/rules/new")),
        proposed: (!proposed.is_empty()).then(|| proposed_table(words, &site, &proposed)),
        rules: rules_table(words, &site, &rules, &hits),
        counted: words.with("fraud-hits-counted", &[("count", hits_max.into())]),
        back: LinkButton::new(words.get("fraud-title"), "/staff/fraud").weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("fraud-rules-title")).nav(nav).show(&main))
}

fn rule_link(id: &Token, text: &str) -> Cell {
    Cell::link(text, format!("/staff/fraud/rules/{id}"))
}

fn proposed_table(words: Words<'_>, site: &Site, proposed: &[RuleVersion]) -> Table {
    let columns = vec![
        Column::text(words.get("fraud-rule")),
        Column::text(words.get("fraud-conditions")),
        Column::text(words.get("fraud-decision")),
        Column::text(words.get("fraud-mode")),
        Column::text(words.get("held-proposed")),
    ];
    let rows = proposed.iter().map(|version| {
        let terms = &version.rule.terms;
        vec![
            rule_link(&version.rule.id, terms.note.as_str()),
            conditions_text(words, site, &terms.conditions).into(),
            decision_text(words, terms.decision).into(),
            mode_badge(words, terms.mode).into(),
            person_at(words, (version.proposed_by, version.proposed_at)).into(),
        ]
    });
    Table::new(words.get("fraud-rules-proposed"), columns).rows(rows)
}

fn rules_table(words: Words<'_>, site: &Site, rules: &[&FraudRule], hits: &Hits) -> Table {
    let columns = vec![
        Column::text(words.get("fraud-rule")),
        Column::text(words.get("fraud-conditions")),
        Column::text(words.get("fraud-decision")),
        Column::text(words.get("fraud-mode")),
        Column::figures(words.get("fraud-hits-week")),
        Column::figures(words.get("fraud-hits-month")),
    ];
    let rows = rules.iter().map(|rule| {
        let (month, week) = hits.get(&rule.id).copied().unwrap_or_default();
        vec![
            rule_link(&rule.id, rule.terms.note.as_str()),
            conditions_text(words, site, &rule.terms.conditions).into(),
            decision_text(words, rule.terms.decision).into(),
            mode_badge(words, rule.terms.mode).into(),
            week.to_string().into(),
            month.to_string().into(),
        ]
    });
    Table::new(words.get("fraud-rules-asked"), columns).rows(rows)
}

async fn versions_of(site: &Site, rule: &Token) -> Result<Vec<RuleVersion>, Problem> {
    let (company, rule) = (site.config().company, rule.clone());
    site.read(move |reader| find_versions(reader, company, core::slice::from_ref(&rule))).await
}

fn given_of<'a>(site: &'a Site, rule: &Token) -> Option<&'a FraudRule> {
    site.config().exchange.rules.iter().find(|given| given.id == *rule)
}

/// Gives the terms that a page begins with: those in force, else the last ones that were proposed.
fn terms_of(site: &Site, rule: &Token, versions: &[RuleVersion]) -> Option<RuleTerms> {
    let given: Vec<FraudRule> = given_of(site, rule).cloned().into_iter().collect();
    let in_force = rules_in_force(&given, versions, site.now());
    let last = versions.last().map(|version| &version.rule);
    in_force.first().copied().or(last).map(|rule| rule.terms.clone())
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(rule): Path<Token>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    rule_page(&site, &view, &who, &rule, None).await
}

async fn rule_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    rule: &Token,
    refused: Option<RuleRefusal>,
) -> Result<Response, Problem> {
    let versions = versions_of(site, rule).await?;
    let terms = terms_of(site, rule, &versions).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let pending = versions.iter().find(|version| version.state == VersionState::Proposed);
    let proposed = match pending {
        None => None,
        Some(version) => {
            let (shared, terms) = (site.clone(), version.rule.terms.clone());
            let trial = off_thread(move || try_rule(&shared, &terms)).await;
            let trial = trial.and_then(|tried| tried).map_err(|fault| faulted(&fault))?;
            Some(proposed_of(words, site, who, version, &trial))
        }
    };
    let notice = refused.map(|refusal| {
        let key = format!("fraud-rule-refused-{}", refusal.code());
        Notice::new(Tone::Bad, words.get("fraud-rule-refused"), words.get(&key))
    });
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may_edit = who.needs().contains(MANAGE) && pending.is_none();
    let main = RuleMain {
        words,
        id: rule.as_str(),
        note: terms.note.as_str().to_owned(),
        mode: mode_badge(words, terms.mode),
        notice,
        facts: terms_list(words, site, &terms),
        proposed,
        versions: versions_table(words, site, given_of(site, rule), &versions),
        edit: may_edit.then(|| {
            let href = format!("/staff/fraud/rules/{rule}/edit");
            LinkButton::new(words.get("fraud-rule-edit"), href)
        }),
        back: LinkButton::new(words.get("fraud-rules-title"), "/staff/fraud/rules")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("fraud-rules-title")).nav(nav).status(status).show(&main))
}

fn terms_list(words: Words<'_>, site: &Site, terms: &RuleTerms) -> DataList {
    let point = words.get(&format!("fraud-point-{}", terms.point.code().replace('.', "-")));
    let list = DataList::new()
        .pair(words.get("fraud-point"), point.as_ref())
        .pair(words.get("fraud-conditions"), conditions_text(words, site, &terms.conditions))
        .pair(words.get("fraud-decision"), decision_text(words, terms.decision));
    match terms.decision {
        Decision::Hold => {
            let days = words.with("fraud-answer-in", &[("days", terms.answer_days.into())]);
            list.pair(words.get("fraud-answer-days"), days)
        }
        Decision::Allow | Decision::StepUp | Decision::Deny => list,
    }
}

fn proposed_of(
    words: Words<'_>,
    site: &Site,
    who: &Authenticated,
    version: &RuleVersion,
    trial: &Trial,
) -> Proposed {
    let terms = &version.rule.terms;
    let own = version.proposed_by == who.actor();
    let able = who.needs().contains(MANAGE);
    let count = |count: u32| words.with("fraud-count", &[("count", count.into())]);
    let starts = version
        .starts_on
        .map_or_else(|| words.get("fraud-starts-at-once").into_owned(), |day| day.to_string());
    let mut looked_at = count(trial.looked_at);
    if trial.cut {
        looked_at = words.with("fraud-trial-cut", &[("count", looked_at.into())]);
    }
    Proposed {
        facts: terms_list(words, site, terms)
            .pair(words.get("fraud-mode"), mode_badge(words, terms.mode))
            .pair(words.get("fraud-starts"), starts)
            .pair(words.get("fraud-note"), terms.note.as_str())
            .pair(
                words.get("held-proposed"),
                person_at(words, (version.proposed_by, version.proposed_at)),
            ),
        trial: DataList::new()
            .pair(words.with("fraud-trial-looked", &[("days", TRIAL_DAYS.into())]), looked_at)
            .pair(words.get("fraud-trial-matched"), count(trial.matched))
            .pair(words.get("fraud-trial-members"), trial.members.to_string())
            .pair(words.get("fraud-trial-allowed"), count(trial.allowed)),
        note: words.get(if own { "fraud-approve-own" } else { "fraud-approve-other" }).into_owned(),
        address: format!("/staff/fraud/rules/{}/decide", version.rule.id),
        version: version.rule.version,
        approve: (able && !own)
            .then(|| Button::new(words.get("fraud-approve")).choice("verdict", "approve")),
        decline: able.then(|| {
            let key = if own { "fraud-take-back" } else { "fraud-decline" };
            Button::new(words.get(key)).weight(Weight::Quiet).choice("verdict", "decline")
        }),
    }
}

fn versions_table(
    words: Words<'_>,
    site: &Site,
    given: Option<&FraudRule>,
    versions: &[RuleVersion],
) -> Table {
    let columns = vec![
        Column::figures(words.get("fraud-version")),
        Column::text(words.get("fraud-conditions")),
        Column::text(words.get("fraud-decision")),
        Column::text(words.get("fraud-mode")),
        Column::text(words.get("exchange-state")),
        Column::text(words.get("held-proposed")),
        Column::text(words.get("held-decided")),
    ];
    let dash = || Cell::from("–");
    let cells = |rule: &FraudRule, state: Badge, proposed: Cell, decided: Cell| {
        let terms = &rule.terms;
        vec![
            rule.version.to_string().into(),
            conditions_text(words, site, &terms.conditions).into(),
            decision_text(words, terms.decision).into(),
            mode_badge(words, terms.mode).into(),
            state.into(),
            proposed,
            decided,
        ]
    };
    let rows = versions.iter().rev().map(|version| {
        let decided = match version.state {
            VersionState::Proposed => dash(),
            VersionState::Approved { by, at, .. } | VersionState::Declined { by, at } => {
                person_at(words, (by, at)).into()
            }
        };
        let proposed = person_at(words, (version.proposed_by, version.proposed_at)).into();
        cells(&version.rule, version_badge(words, version.state, site.now()), proposed, decided)
    });
    let first = given.map(|rule| {
        let badge = Badge::new(Tone::Plain, words.get("fraud-version-given"));
        cells(rule, badge, dash(), dash())
    });
    Table::new(words.get("fraud-versions"), columns).rows(rows).rows(first)
}

fn version_badge(words: Words<'_>, state: VersionState, now: Timestamp) -> Badge {
    let day = |at: Timestamp| Zone::JAPAN.day_of(at).to_string();
    match state {
        VersionState::Proposed => Badge::new(Tone::Wait, words.get("fraud-version-proposed")),
        VersionState::Declined { .. } => {
            Badge::new(Tone::Plain, words.get("fraud-version-declined"))
        }
        VersionState::Approved { .. } if state.in_force(now) => {
            Badge::new(Tone::Good, words.get("fraud-version-in-force"))
        }
        VersionState::Approved { starts_at, ends_at, .. }
            if now < starts_at && ends_at.is_none_or(|end| starts_at < end) =>
        {
            let from = words.with("fraud-version-from", &[("day", day(starts_at).into())]);
            Badge::new(Tone::Wait, from)
        }
        VersionState::Approved { .. } => Badge::new(Tone::Plain, words.get("fraud-version-ended")),
    }
}

#[derive(Debug, Deserialize)]
struct Decided {
    #[serde(default)]
    verdict: String,
    version: u32,
}

async fn decide(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(rule): Path<Token>,
    Form(decided): Form<Decided>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let verdict = match decided.verdict.as_str() {
        "approve" => RuleVerdict::Approve,
        "decline" => RuleVerdict::Decline,
        _ => return Err(Problem::new(&problems::NOT_FOUND)),
    };
    let command = DecideRule {
        company: site.config().company,
        rule: rule.clone(),
        version: decided.version,
        verdict,
        by: who.actor(),
    };
    match site.run(command).await.or_problem()? {
        Ok(()) => Ok(Redirect::to(&format!("/staff/fraud/rules/{rule}")).into_response()),
        Err(RuleRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => rule_page(&site, &view, &who, &rule, Some(refusal)).await,
    }
}

/// A rule as somebody filled it in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filled {
    rule: String,
    note: String,
    decision: String,
    mode: String,
    answer_days: String,
    starts_on: String,
    amount_over: String,
    sum_over: String,
    sum_days: String,
    count_over: String,
    count_hours: String,
    phone_days: String,
    mail_days: String,
    bank_days: String,
    member_days: String,
    shared_payee: String,
    first_exchange: String,
    first_use: String,
}

type Errors = Vec<(&'static str, String)>;

impl Filled {
    fn of(rule: &Token, terms: &RuleTerms) -> Self {
        let mut filled = Self {
            rule: rule.as_str().to_owned(),
            note: terms.note.as_str().to_owned(),
            decision: terms.decision.code().to_owned(),
            mode: terms.mode.code().to_owned(),
            answer_days: terms.answer_days.to_string(),
            ..Self::default()
        };
        for condition in terms.conditions.as_slice() {
            filled.fill(*condition);
        }
        filled
    }

    fn fill(&mut self, condition: Condition) {
        let plain = |amount: Amount| amount.minor_units().to_string();
        let on = || "1".to_owned();
        match condition {
            Condition::AmountOver(amount) => self.amount_over = plain(amount),
            Condition::SumOver(amount, days) => {
                (self.sum_over, self.sum_days) = (plain(amount), days.to_string());
            }
            Condition::CountOver(count, hours) => {
                (self.count_over, self.count_hours) = (count.to_string(), hours.to_string());
            }
            Condition::ChangedWithin(particular, days) => {
                let days = days.to_string();
                match particular {
                    Particular::Phone => self.phone_days = days,
                    Particular::Mail => self.mail_days = days,
                    Particular::BankAccount => self.bank_days = days,
                }
            }
            Condition::MemberYounger(days) => self.member_days = days.to_string(),
            Condition::SharedPayee => self.shared_payee = on(),
            Condition::FirstExchange => self.first_exchange = on(),
            Condition::FirstUse => self.first_use = on(),
        }
    }

    /// Gives the conditions as they are written, each with the field it stands in.
    fn conditions(&self) -> Vec<(&'static str, String)> {
        let digits =
            |text: &str| -> String { text.chars().filter(|c| !", ，".contains(*c)).collect() };
        let two = |code: &str, one: &str, other: &str| {
            let (one, other) = (digits(one), digits(other));
            (!one.is_empty() || !other.is_empty()).then(|| format!("{code} {one} {other}"))
        };
        let one = |code: &str, value: &str| {
            let value = digits(value);
            (!value.is_empty()).then(|| format!("{code} {value}"))
        };
        let switch = |code: &str, value: &str| (!value.is_empty()).then(|| code.to_owned());
        let all = [
            ("amount_over", one("amount_over", &self.amount_over)),
            ("sum_over", two("sum_over", &self.sum_over, &self.sum_days)),
            ("count_over", two("count_over", &self.count_over, &self.count_hours)),
            ("phone_days", one("changed_within phone", &self.phone_days)),
            ("mail_days", one("changed_within mail", &self.mail_days)),
            ("bank_days", one("changed_within bank_account", &self.bank_days)),
            ("member_days", one("member_younger", &self.member_days)),
            ("shared_payee", switch("shared_payee", &self.shared_payee)),
            ("first_exchange", switch("first_exchange", &self.first_exchange)),
            ("first_use", switch("first_use", &self.first_use)),
        ];
        all.into_iter().filter_map(|(field, text)| Some((field, text?))).collect()
    }

    fn read(&self, words: Words<'_>) -> Result<(Token, RuleTerms, Option<Day>), Errors> {
        let mut errors = Errors::new();
        let mut wrong = |field, key: &str| errors.push((field, words.get(key).into_owned()));
        let rule = Token::parse(&self.rule);
        if rule.is_err() {
            wrong("rule", "fraud-wrong-name");
        }
        let note = Label::parse(&self.note);
        if note.is_err() {
            wrong("note", "fraud-wrong-note");
        }
        let mut conditions = Vec::new();
        let filled = self.conditions();
        for (field, text) in &filled {
            match Condition::parse(text) {
                Some(condition) => conditions.push(condition),
                None => wrong(field, &format!("fraud-wrong-{}", field.replace('_', "-"))),
            }
        }
        if filled.is_empty() {
            wrong("amount_over", "fraud-wrong-no-condition");
        }
        let answer_days = whole::<u16>(&self.answer_days);
        if answer_days.is_none() {
            wrong("answer_days", "fraud-rule-refused-answer_days");
        }
        let starts_on = match self.starts_on.trim() {
            "" => Ok(None),
            text => Day::parse(text).map(Some),
        };
        if starts_on.is_err() {
            wrong("starts_on", "fraud-wrong-day");
        }
        let decision = Decision::parse(&self.decision).unwrap_or(Decision::Hold);
        let mode = RuleMode::parse(&self.mode).unwrap_or(RuleMode::Observe);
        let parsed = (rule, note, answer_days, starts_on, Conditions::try_new(conditions));
        let (Ok(rule), Ok(note), Some(answer_days), Ok(starts_on), Some(conditions)) = parsed
        else {
            return Err(errors);
        };
        let point = DecisionPoint::ExchangeAccept;
        let terms = RuleTerms { point, conditions, decision, mode, answer_days, note };
        if errors.is_empty() { Ok((rule, terms, starts_on)) } else { Err(errors) }
    }
}

async fn new(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let filled = Filled {
        decision: Decision::Hold.code().to_owned(),
        // A new rule is looked at before it holds anybody up.
        mode: RuleMode::Observe.code().to_owned(),
        answer_days: "1".to_owned(),
        ..Filled::default()
    };
    Ok(edit_page(&site, &view, &who, (&filled, None), &Errors::new()))
}

async fn edit(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(rule): Path<Token>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let versions = versions_of(&site, &rule).await?;
    let terms = terms_of(&site, &rule, &versions).ok_or(Problem::new(&problems::NOT_FOUND))?;
    let filled = Filled::of(&rule, &terms);
    Ok(edit_page(&site, &view, &who, (&filled, Some(rule.as_str())), &Errors::new()))
}

fn edit_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (filled, known): (&Filled, Option<&str>),
    errors: &Errors,
) -> Response {
    let words = view.words();
    let error = |name: &str| {
        let found = errors.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let listed = errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    let id = known.unwrap_or_default();
    let heading = words.get(if known.is_some() { "fraud-rule-edit" } else { "fraud-rule-new" });
    let rule = TextField::new(words, "rule", words.get("fraud-field-rule"))
        .hint(words.get("fraud-field-rule-hint"))
        .value(filled.rule.as_str())
        .characters_max(24)
        .error(error("rule"));
    let (back, status) = (
        if known.is_some() {
            format!("/staff/fraud/rules/{id}")
        } else {
            "/staff/fraud/rules".into()
        },
        if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY },
    );
    let main = EditMain {
        words,
        errors: ErrorSummary::new(words, listed),
        rule: known.is_none().then_some(rule),
        id,
        heading: &heading,
        note: TextField::new(words, "note", words.get("fraud-note"))
            .hint(words.get("fraud-note-hint"))
            .value(filled.note.as_str())
            .characters_max(120)
            .error(error("note")),
        conditions: condition_fields(words, filled, &error),
        switches: switches(words, filled),
        choices: choices(words, filled),
        rest: vec![
            TextField::new(words, "answer_days", words.get("fraud-answer-days"))
                .kind(FieldKind::Figure)
                .hint(words.get("fraud-answer-days-hint"))
                .suffix(words.get("fraud-unit-business-days"))
                .value(filled.answer_days.as_str())
                .error(error("answer_days")),
            TextField::new(words, "starts_on", words.get("fraud-starts"))
                .kind(FieldKind::Day)
                .optional(words)
                .hint(words.get("fraud-starts-hint"))
                .value(filled.starts_on.as_str())
                .error(error("starts_on")),
        ],
        send: Button::new(words.get("fraud-propose")),
        back: LinkButton::new(words.get("fraud-back"), back).weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    view.page(&*heading).nav(nav).status(status).show(&main)
}

fn condition_fields<'e>(
    words: Words<'_>,
    filled: &Filled,
    error: &impl Fn(&str) -> &'e str,
) -> Vec<TextField> {
    let fields: [(&str, &str, &str); 9] = [
        ("amount_over", &filled.amount_over, "points-unit"),
        ("sum_over", &filled.sum_over, "points-unit"),
        ("sum_days", &filled.sum_days, "fraud-unit-days"),
        ("count_over", &filled.count_over, "fraud-unit-times"),
        ("count_hours", &filled.count_hours, "fraud-unit-hours"),
        ("phone_days", &filled.phone_days, "fraud-unit-days"),
        ("mail_days", &filled.mail_days, "fraud-unit-days"),
        ("bank_days", &filled.bank_days, "fraud-unit-days"),
        ("member_days", &filled.member_days, "fraud-unit-days"),
    ];
    fields
        .into_iter()
        .map(|(name, value, unit)| {
            let key = format!("fraud-field-{}", name.replace('_', "-"));
            TextField::new(words, name, words.get(&key))
                .kind(FieldKind::Figure)
                .optional(words)
                .suffix(words.get(unit))
                .value(value)
                .error(error(name))
        })
        .collect()
}

fn switches(words: Words<'_>, filled: &Filled) -> Vec<Switch> {
    let all = [
        ("shared_payee", &filled.shared_payee),
        ("first_exchange", &filled.first_exchange),
        ("first_use", &filled.first_use),
    ];
    all.into_iter()
        .map(|(name, value)| {
            let key = format!("fraud-condition-{}", name.replace('_', "-"));
            Switch { name, label: words.get(&key).into_owned(), on: !value.is_empty() }
        })
        .collect()
}

fn choices(words: Words<'_>, filled: &Filled) -> Vec<Select> {
    let decisions = [Decision::StepUp, Decision::Hold, Decision::Deny]
        .map(|decision| (decision.code().to_owned(), decision_text(words, decision)));
    let modes = [RuleMode::Observe, RuleMode::Enforce, RuleMode::Off].map(|mode| {
        let text = words.get(&format!("fraud-mode-{}", mode.code())).into_owned();
        (mode.code().to_owned(), text)
    });
    vec![
        Select::new("decision", words.get("fraud-decision"), decisions.into())
            .chosen(filled.decision.as_str()),
        Select::new("mode", words.get("fraud-mode"), modes.into())
            .hint(words.get("fraud-mode-hint"))
            .chosen(filled.mode.as_str()),
    ]
}

async fn propose(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    permit(&site, &who, MANAGE)?;
    let words = view.words();
    let (rule, terms, starts_on) = match filled.read(words) {
        Ok(parsed) => parsed,
        Err(errors) => return Ok(edit_page(&site, &view, &who, (&filled, None), &errors)),
    };
    let command = ProposeRule {
        config: site.shared_config(),
        rule: rule.clone(),
        terms,
        starts_on,
        asked_at: site.now(),
        by: who.actor(),
    };
    match site.run(command).await.or_problem()? {
        Ok(_version) => Ok(Redirect::to(&format!("/staff/fraud/rules/{rule}")).into_response()),
        Err(refusal) => {
            let field = match refusal {
                RuleRefusal::Terms(crate::fraud_rule::TermsError::AnswerDays) => "answer_days",
                RuleRefusal::Terms(crate::fraud_rule::TermsError::AllowsOnly) => "decision",
                RuleRefusal::DayPassed => "starts_on",
                RuleRefusal::NameLong
                | RuleRefusal::Pending
                | RuleRefusal::TooMany
                | RuleRefusal::NotFound
                | RuleRefusal::Decided
                | RuleRefusal::SamePerson => "rule",
            };
            let text = words.get(&format!("fraud-rule-refused-{}", refusal.code())).into_owned();
            Ok(edit_page(&site, &view, &who, (&filled, None), &vec![(field, text)]))
        }
    }
}
