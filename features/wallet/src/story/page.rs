use askama::Template;

use crate::Wallet;
use crate::passbook::{Fate, Line, LineKind, LotPart, Story, Told, accounts, story as find, tell};
use crate::wallet::member_of;
use crate::wording::Wording;
use access::{Authenticated, Need};
use ledger::{LotKind, Seq};
use vocabulary::{Amount, Timestamp};
use web::components::{Badge, DataList, Html, LinkButton, StepState, Story as Steps, Weight};
use web::{Caller, Path, Problem, Response, Routes, State, View, get, problems};

/// The route of the stories.
pub(crate) fn routes() -> Routes<Wallet> {
    Routes::of("wallet").on(get("/passbook/{seq}", Need::MemberSelf.code()), story)
}

async fn story(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    Path(seq): Path<u64>,
    view: View,
) -> Result<Response, Problem> {
    let member = member_of(&who)?;
    let (company, language, now) = (who.company(), view.language(), wallet.clock.now());
    let found = wallet
        .read(move |wallet| {
            let accounts = accounts(&wallet.store, company, member);
            let Some((opened, story)) = find(&wallet.store, accounts, Seq::new(seq))? else {
                return Ok(None);
            };
            let told = tell(wallet, core::slice::from_ref(&story.line), language)?.pop();
            Ok(told.map(|told| (opened, story, told)))
        })
        .await?;
    let (opened, story, told) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let wording = Wording { words: view.words(), unit: &opened.unit };
    let title = wording.title(&story.line, &told);
    let kind = wording.kind(&story.line);
    let shop = told.explained.as_ref().and_then(|told| told.href.clone());
    let page = view.page(title.as_str()).nav((wallet.navigation)(&view));
    Ok(page.show(&Main {
        style: view.asset(crate::STYLE.0),
        kind: if kind == title { String::new() } else { kind },
        badge: wording.badge(&story.line, told.fate),
        moves: wording.moves(&story.line, told.fate),
        unit: wording.unit(),
        heading: wording.text("wallet-story"),
        steps: steps(wording, &story, &told, now),
        details_heading: wording.text("wallet-details"),
        details: details(wording, &story.line),
        shop: shop.map(|href| {
            LinkButton::new(wording.text("wallet-to-shop"), href).weight(Weight::Quiet)
        }),
        back: wording.text("wallet-back"),
        title,
    }))
}

/// Tells the story in steps, in the order of time.
fn steps(wording: Wording<'_>, story: &Story, told: &Told, now: Timestamp) -> Steps {
    let mut telling =
        Telling { wording, told, steps: Steps::new(), announced: false, placed: false };
    if let Some(clicked_at) = told.explained.as_ref().and_then(|told| told.clicked_at) {
        telling.done("wallet-step-clicked", clicked_at, String::new());
    }
    for line in &story.lines {
        telling.line(line);
    }
    telling.outlook(now);
    telling.steps
}

struct Telling<'a> {
    wording: Wording<'a>,
    told: &'a Told,
    steps: Steps,
    announced: bool,
    placed: bool,
}

impl Telling<'_> {
    fn step(&mut self, state: StepState, key: &str, when: String, text: String) {
        let steps = core::mem::take(&mut self.steps);
        self.steps = steps.step(self.wording.words, state, self.wording.text(key), when, text);
    }

    fn done(&mut self, key: &str, at: Timestamp, text: String) {
        let when = self.wording.moment(at);
        self.step(StepState::Done, key, when, text);
    }

    fn line(&mut self, line: &Line) {
        let amount = |figure: i64| self.wording.amount(Amount::magnitude(figure));
        let (key, text) = match line.kind {
            LineKind::Expected if !core::mem::replace(&mut self.announced, true) => {
                let planned = amount(line.expected);
                (
                    "wallet-step-recorded",
                    self.wording.with("wallet-planned", &[("amount", &planned)]),
                )
            }
            LineKind::Expected => ("wallet-step-raised", amount(line.expected)),
            LineKind::Lowered if self.declined() => ("wallet-step-declined", self.reason()),
            LineKind::Lowered => ("wallet-step-lowered", amount(line.expected)),
            LineKind::Earned => ("wallet-step-valid", lots(self.wording, &line.lots)),
            LineKind::Reserved if !core::mem::replace(&mut self.placed, true) => {
                ("wallet-step-reserved", amount(line.reserved))
            }
            LineKind::Reserved => ("wallet-step-reserved-more", amount(line.reserved)),
            LineKind::Paid => ("wallet-step-paid", self.paid(line)),
            LineKind::Released if self.told.fate == Fate::HoldExpired => {
                ("wallet-step-lapsed", amount(line.reserved))
            }
            LineKind::Released => ("wallet-step-released", amount(line.reserved)),
            LineKind::Reversed => ("wallet-step-reversed", amount(line.change)),
            LineKind::Expired => ("wallet-step-expired", lots(self.wording, &line.lots)),
            LineKind::Transferred
            | LineKind::Used
            | LineKind::Exchanged
            | LineKind::PaidOut
            | LineKind::ToppedUp
            | LineKind::Adjusted
            | LineKind::Owed => ("wallet-step-posted", lots(self.wording, &line.lots)),
        };
        self.done(key, line.at, text);
    }

    fn declined(&self) -> bool {
        matches!(self.told.fate, Fate::Decided { granted } if granted.is_zero())
    }

    fn reason(&self) -> String {
        let reason = self.told.explained.as_ref().and_then(|told| told.reason.clone());
        reason.unwrap_or_else(|| self.wording.text("wallet-declined-text"))
    }

    fn paid(&self, line: &Line) -> String {
        let paid = self.wording.amount(Amount::magnitude(line.change));
        // The part of the reservation that was not needed.
        match line.change.saturating_sub(line.reserved) {
            1.. if line.reserved < 0 => {
                let rest = Amount::magnitude(line.change.saturating_sub(line.reserved));
                let rest = self.wording.amount(rest);
                self.wording.with("wallet-paid-rest", &[("amount", &paid), ("rest", &rest)])
            }
            _ => paid,
        }
    }

    /// What is so now, and what is to come.
    fn outlook(&mut self, now: Timestamp) {
        match self.told.fate {
            Fate::Waiting { due_at, .. } => {
                let (when, text) = match due_at {
                    None => (String::new(), "wallet-checking-text"),
                    Some(due_at) if due_at < now => {
                        (self.until(due_at), "wallet-checking-late-text")
                    }
                    Some(due_at) => (self.until(due_at), "wallet-checking-text"),
                };
                let text = self.wording.text(text);
                self.step(StepState::Current, "wallet-step-checking", when, text);
                self.step(StepState::Next, "wallet-step-to-be-valid", String::new(), String::new());
            }
            Fate::Reserved { expires_at, .. } => {
                let text = self.wording.text("wallet-held-text");
                let when = self.until(expires_at);
                self.step(StepState::Current, "wallet-step-held", when, text);
                self.step(StepState::Next, "wallet-step-to-be-paid", String::new(), String::new());
            }
            Fate::None
            | Fate::Decided { .. }
            | Fate::Captured
            | Fate::Voided
            | Fate::HoldExpired
            | Fate::Ended => {}
        }
    }

    fn until(&self, at: Timestamp) -> String {
        let day = self.wording.day(self.wording.day_of(at));
        self.wording.with("wallet-about", &[("day", &day)])
    }
}

/// Writes lots: how much, and until when it can be used.
fn lots(wording: Wording<'_>, parts: &[LotPart]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| lot(wording, part)).collect();
    parts.join(&wording.text("wallet-list-comma"))
}

fn lot(wording: Wording<'_>, part: &LotPart) -> String {
    let amount = wording.amount(part.amount);
    let bought = part.lot.is_some() && part.lot.kind() == LotKind::Paid;
    match (part.lot.is_some(), part.lot.expires_on()) {
        (false, _) => wording.with("wallet-lot-owed", &[("amount", &amount)]),
        (true, None) if bought => wording.with("wallet-lot-bought-never", &[("amount", &amount)]),
        (true, None) => wording.with("wallet-lot-never", &[("amount", &amount)]),
        (true, Some(day)) => {
            let key = if bought { "wallet-lot-bought" } else { "wallet-lot" };
            wording.with(key, &[("amount", &amount), ("day", &wording.day(day))])
        }
    }
}

fn details(wording: Wording<'_>, line: &Line) -> DataList {
    let mut list = DataList::new()
        .pair(wording.text("wallet-recorded-at"), wording.moment(line.at))
        .pair(wording.text("wallet-what"), wording.kind(line));
    for part in &line.lots {
        list = list.pair(wording.text("wallet-lots"), lot(wording, part));
    }
    if let Some(balance) = line.balance.filter(|_| line.change != 0) {
        let balance = wording.with_unit(&wording.balance(balance));
        list = list.pair(wording.text("wallet-balance-after"), balance);
    }
    list.pair(wording.text("wallet-number"), line.seq.to_string())
}

#[derive(Template)]
#[template(path = "story/page.html")]
struct Main {
    style: String,
    title: String,
    kind: String,
    badge: Option<Badge>,
    moves: Html,
    unit: String,
    heading: String,
    steps: Steps,
    details_heading: String,
    details: DataList,
    shop: Option<LinkButton>,
    back: String,
}
