//! The passbook: the balance card, the lines, what is announced, what expires; and the home page.

use askama::Template;
use serde::Deserialize;

use super::state::{Balance, Ending, Line};
use super::store::{self as read, LINES_MAX, Mark, Opened, PendingSheet, Sheet, Told};
use crate::Wallet;
use crate::wallet::member_of;
use crate::wording::Wording;
use access::{Authenticated, Need};
use ledger::Standing;
use vocabulary::{Amount, Day, Timestamp, UnitCode};
use web::components::{
    Badge, EmptyState, Figure, Html, LinkButton, Notice, Pager, Tabs, Tone, Weight,
};
use web::{
    Caller, Cursor, NavItem, Problem, Query, Response, Routes, State, View, Words, get, problems,
};

/// Days before an expiry on which the page begins to warn.
const SOON_DAYS: i32 = 30;
/// Lines on the home page.
const LINES_HOME: usize = 5;

/// The routes of the passbook.
pub(crate) fn routes() -> Routes<Wallet> {
    Routes::of("wallet").on(get("/passbook", Need::MemberSelf.code()), passbook)
}

/// The home page of a signed-in member.
pub(crate) fn home_routes() -> Routes<Wallet> {
    Routes::of("wallet").on(get("/", Need::MemberSelf.code()), home)
}

/// The part of the passbook that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    #[default]
    All,
    Pending,
    Expiry,
}

impl Show {
    const ALL: [Self; 3] = [Self::All, Self::Pending, Self::Expiry];

    const fn key(self) -> &'static str {
        match self {
            Self::All => "wallet-tab-all",
            Self::Pending => "wallet-tab-pending",
            Self::Expiry => "wallet-tab-expiry",
        }
    }

    /// Its address, in one unit of several.
    fn href(self, unit: Option<UnitCode>, after: Option<&Cursor>) -> String {
        let show = match self {
            Self::All => None,
            Self::Pending => Some("show=pending".to_owned()),
            Self::Expiry => Some("show=expiry".to_owned()),
        };
        let unit = unit.map(|code| format!("unit={code}"));
        let after = after.map(|cursor| format!("after={cursor}"));
        let query: Vec<String> = [show, unit, after].into_iter().flatten().collect();
        if query.is_empty() {
            "/passbook".to_owned()
        } else {
            format!("/passbook?{}", query.join("&"))
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    show: Show,
    unit: Option<UnitCode>,
    after: Option<Cursor>,
}

/// What a page is made of, all read in one go.
struct Reading {
    opened: Opened,
    /// The units of the member's accounts.
    units: Vec<UnitCode>,
    now: Timestamp,
    contents: Contents,
}

enum Contents {
    Lines(Sheet, Vec<Told>),
    Pending(PendingSheet, Vec<Told>),
    Expiry,
}

impl Contents {
    const fn next(&self) -> Option<Mark> {
        match self {
            Self::Lines(sheet, _) => sheet.next,
            Self::Pending(sheet, _) => sheet.next,
            Self::Expiry => None,
        }
    }
}

async fn passbook(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
    view: View,
) -> Result<Response, Problem> {
    let (show, first) = (asked.show, asked.after.is_none());
    let reading = open(&wallet, &who, &view, asked, LINES_MAX).await?;
    let words = view.words();
    let page = view.page(words.get("wallet-passbook")).nav((wallet.navigation)(&view));
    let Some(reading) = reading else { return Ok(page.show(&closed(&wallet, &view))) };
    let sight = Sight::of(&reading, &view);
    Ok(page.show(&Passbook {
        style: view.asset(crate::STYLE.0),
        words,
        notices: if first { sight.notices() } else { Vec::new() },
        card: if first { Html::of(&sight.card()) } else { Html::default() },
        units: sight.units(show),
        tabs: sight.tabs(show),
        body: sight.body(&wallet, first),
        pager: sight.pager(show, first),
    }))
}

async fn home(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    view: View,
) -> Result<Response, Problem> {
    let reading = open(&wallet, &who, &view, Asked::default(), LINES_HOME).await?;
    let words = view.words();
    let page = view.page(words.get("wallet-home")).nav((wallet.navigation)(&view));
    let Some(reading) = reading else { return Ok(page.show(&closed(&wallet, &view))) };
    let sight = Sight::of(&reading, &view);
    let more = LinkButton::new(words.get("wallet-whole-passbook"), "/passbook");
    Ok(page.show(&Home {
        style: view.asset(crate::STYLE.0),
        words,
        notices: sight.notices(),
        card: Html::of(&sight.card()),
        use_up: sight.soon().and_then(|ending| sight.use_up(&wallet, &ending)),
        shops: wallet.shops.map(|href| LinkButton::new(words.get("wallet-find-shop"), href)),
        invite: wallet
            .invite
            .map(|href| LinkButton::new(words.get("wallet-invite"), href).weight(Weight::Quiet)),
        ranks: wallet
            .ranks
            .map(|href| LinkButton::new(words.get("wallet-ranks"), href).weight(Weight::Quiet)),
        body: sight.body(&wallet, false),
        more: more.weight(Weight::Quiet),
    }))
}

/// Reads a page; `None` when the member has no account in the unit.
async fn open(
    wallet: &Wallet,
    who: &Authenticated,
    view: &View,
    asked: Asked,
    lines_max: usize,
) -> Result<Option<Reading>, Problem> {
    let member = member_of(who)?;
    let (company, language, now) = (who.company(), view.language(), wallet.clock.now());
    let accounts =
        wallet.read(move |wallet| Ok(read::accounts(&wallet.store, company, member))).await?;
    let units: Vec<UnitCode> = accounts.iter().map(|opened| opened.unit.code).collect();
    let wanted = |opened: &Opened| asked.unit.is_none_or(|code| opened.unit.code == code);
    let Some(opened) = accounts.into_iter().find(wanted) else { return Ok(None) };
    let after = match asked.after {
        None => None,
        Some(cursor) => {
            let mark = Mark::of_cursor(&cursor, opened.account.spec().id);
            Some(mark.ok_or(Problem::new(&problems::NOT_FOUND))?)
        }
    };
    let reading = wallet
        .read(move |wallet| {
            let contents = match asked.show {
                Show::All => {
                    let sheet = read::sheet(&wallet.store, &opened, after, lines_max)?;
                    let told = read::tell(wallet, &sheet.lines, language)?;
                    Contents::Lines(sheet, told)
                }
                Show::Pending => {
                    let sheet = read::pending(&wallet.store, &opened, after)?;
                    let told = read::tell(wallet, &sheet.lines, language)?;
                    Contents::Pending(sheet, told)
                }
                Show::Expiry => Contents::Expiry,
            };
            Ok(Reading { opened, units, now, contents })
        })
        .await?;
    Ok(Some(reading))
}

fn closed(wallet: &Wallet, view: &View) -> Closed {
    let words = view.words();
    let empty = EmptyState::new(words.get("wallet-closed"), words.get("wallet-closed-text"));
    Closed {
        title: words.get("wallet-passbook").into_owned(),
        empty: with_shops(empty, wallet, words),
    }
}

fn with_shops(empty: EmptyState, wallet: &Wallet, words: Words<'_>) -> EmptyState {
    match wallet.shops {
        Some(href) => empty.action(LinkButton::new(words.get("wallet-find-shop"), href)),
        None => empty,
    }
}

/// A reading as one person sees it.
struct Sight<'a> {
    reading: &'a Reading,
    wording: Wording<'a>,
    balance: Balance,
    today: Day,
}

impl<'a> Sight<'a> {
    fn of(reading: &'a Reading, view: &'a View) -> Self {
        let wording = Wording { words: view.words(), unit: &reading.opened.unit };
        let balance = reading.opened.balance(reading.now);
        Self { reading, wording, balance, today: wording.day_of(reading.now) }
    }

    fn notices(&self) -> Vec<Notice> {
        let mut found = Vec::new();
        let say =
            |tone, title: &str, text: String| Notice::new(tone, self.wording.text(title), text);
        if self.reading.opened.account.state().standing() != Standing::Open {
            let text = self.wording.text("wallet-frozen-text");
            found.push(say(Tone::Bad, "wallet-frozen", text));
        }
        if self.balance.posted < 0 {
            let owed = self.wording.amount(Amount::magnitude(self.balance.posted));
            let text = self.wording.with("wallet-owing-text", &[("amount", &owed)]);
            found.push(say(Tone::Wait, "wallet-owing", text));
        }
        let soon = self.soon();
        if let Some((ending, day)) = soon.and_then(|ending| Some((ending, ending.on?))) {
            let (amount, day) = (self.wording.amount(ending.free), self.wording.day(day));
            let args = [("amount", amount.as_str()), ("day", day.as_str())];
            let idle = soon.is_some_and(|ending| ending.idle);
            let text = if idle { "wallet-soon-idle-text" } else { "wallet-soon-text" };
            found.push(say(Tone::Wait, "wallet-soon", self.wording.with(text, &args)));
        }
        found
    }

    /// What expires within days.
    fn soon(&self) -> Option<Ending> {
        self.balance.soon(self.today, SOON_DAYS)
    }

    /// Leads to what the points that end next can be turned into, with that amount.
    fn use_up(&self, wallet: &Wallet, ending: &Ending) -> Option<LinkButton> {
        let points = ending.free.minor_units();
        let href = wallet.exchange.filter(|_| points > 0)?;
        let href = format!("{href}?points={points}");
        Some(LinkButton::new(self.wording.text("wallet-use-now"), href))
    }

    fn card(&self) -> Card {
        let (wording, balance) = (&self.wording, &self.balance);
        let usable = Amount::try_new(balance.usable).unwrap_or_default();
        let printed = |amount: Amount| wording.balance(amount.minor_units());
        let mut rows = Vec::new();
        // Where something stands between the balance and what can be used, both are shown, and add
        // up.
        if balance.posted != balance.usable || balance.posted < 0 {
            rows.push(("wallet-posted", wording.balance(balance.posted)));
        }
        if !balance.reserved.is_zero() {
            rows.push(("wallet-reserved", format!("−{}", printed(balance.reserved))));
        }
        if !balance.overdue.is_zero() {
            rows.push(("wallet-overdue", format!("−{}", printed(balance.overdue))));
        }
        rows.push(("wallet-expected", printed(balance.expected)));
        let points = wording.unit() == wording.text("wallet-unit");
        let label = if points { "wallet-usable-points" } else { "wallet-usable" };
        let next = balance.next.and_then(|ending| Some((ending.on?, ending.free)));
        Card {
            label: wording.text(label),
            usable: wording.figure(usable).total(),
            rows: rows.into_iter().map(|(key, figure)| (wording.text(key), figure)).collect(),
            next_label: wording.text("wallet-next-expiry"),
            next: next.map(|(day, amount)| {
                (printed(amount), wording.with("wallet-until", &[("day", &wording.day(day))]))
            }),
            never: wording.text("wallet-no-expiry"),
        }
    }

    /// The unit of the addresses, which need none when there is but one.
    fn unit_code(&self) -> Option<UnitCode> {
        (self.reading.units.len() > 1).then_some(self.reading.opened.unit.code)
    }

    fn units(&self, show: Show) -> Option<Tabs> {
        let own = self.unit_code()?;
        let items = self.reading.units.iter().map(|&code| NavItem {
            label: code.to_string(),
            href: show.href(Some(code), None),
            current: code == own,
            apart: false,
        });
        Some(Tabs::new(self.wording.text("wallet-units"), items.collect()))
    }

    fn tabs(&self, show: Show) -> Tabs {
        let items = Show::ALL.map(|item| NavItem {
            label: self.wording.text(item.key()),
            href: item.href(self.unit_code(), None),
            current: item == show,
            apart: false,
        });
        Tabs::new(self.wording.text("wallet-passbook"), items.to_vec())
    }

    fn pager(&self, show: Show, first: bool) -> Pager {
        let account = self.reading.opened.account.spec().id;
        let next = self.reading.contents.next().map(|mark| mark.to_cursor(account));
        let href = |after: Option<&Cursor>| show.href(self.unit_code(), after);
        let back = (!first).then(|| href(None));
        Pager::new(self.wording.words, back, next.map(|cursor| href(Some(&cursor))))
    }

    fn body(&self, wallet: &Wallet, first: bool) -> Html {
        let empty = |title: &str, text: &str| {
            let empty = EmptyState::new(self.wording.text(title), self.wording.text(text));
            Html::of(&with_shops(empty, wallet, self.wording.words))
        };
        match &self.reading.contents {
            Contents::Lines(sheet, _) if sheet.lines.is_empty() && first => {
                empty("wallet-empty", "wallet-empty-text")
            }
            Contents::Lines(sheet, told) => Html::of(&self.lines(sheet, told)),
            Contents::Pending(sheet, _) if sheet.lines.is_empty() => {
                empty("wallet-pending-empty", "wallet-pending-empty-text")
            }
            Contents::Pending(sheet, told) => Html::of(&self.pending(sheet, told)),
            Contents::Expiry if self.balance.endings.is_empty() => {
                empty("wallet-expiry-empty", "wallet-expiry-empty-text")
            }
            Contents::Expiry => Html::of(&self.endings(wallet)),
        }
    }

    fn lines(&self, sheet: &Sheet, told: &[Told]) -> Lines<'_> {
        let rows = sheet.lines.iter().zip(told);
        let months = self.by_month(rows.map(|(line, told)| (line.at, self.row(line, told))));
        let carried = match sheet.next {
            Some(mark) => (self.wording.text("wallet-carried"), self.wording.balance(mark.carried)),
            None => (self.wording.text("wallet-beginning"), self.wording.balance(sheet.carried)),
        };
        let pencil = sheet.lines.iter().any(|line| line.change == 0);
        Lines { words: self.wording.words, months, carried, pencil }
    }

    /// Puts rows under the months that they are in.
    fn by_month(&self, rows: impl Iterator<Item = (Timestamp, Row)>) -> Vec<Month> {
        let mut months: Vec<Month> = Vec::new();
        for (at, row) in rows {
            let name = self.wording.month(self.wording.day_of(at));
            match months.last_mut().filter(|month| month.name == name) {
                Some(month) => month.rows.push(row),
                None => months.push(Month { name, rows: vec![row] }),
            }
        }
        months
    }

    fn row(&self, line: &Line, told: &Told) -> Row {
        let (wording, day) = (&self.wording, self.wording.day_of(line.at));
        let title = wording.title(line, told);
        let badge = wording.badge(line, told.fate);
        let kind = wording.kind(line);
        let note = told.explained.as_ref().map_or("", |told| told.note.as_str());
        // What the title or the badge says already is not said twice.
        let kind = if badge.is_some() || kind == title { "" } else { kind.as_str() };
        let parts = [kind, note].into_iter().filter(|part| !part.is_empty());
        let (_, _, date) = day.civil();
        Row {
            href: format!("/passbook/{}", line.seq),
            iso: day.to_string(),
            date: date.to_string(),
            weekday: wording.weekday(day),
            note: parts.collect::<Vec<_>>().join(" · "),
            moves: wording.moves(line, told.fate),
            balance: line.balance.filter(|_| line.change != 0).map(|it| wording.balance(it)),
            title,
            badge,
        }
    }

    fn pending(&self, sheet: &PendingSheet, told: &[Told]) -> Waiting<'_> {
        let rows = sheet.lines.iter().zip(&sheet.rest).zip(told).map(|((line, rest), told)| {
            let mut row = self.row(line, told);
            let due = match rest.due_at {
                None => self.wording.text("wallet-due-unknown"),
                Some(due_at) if due_at < self.reading.now => self.wording.text("wallet-due-over"),
                Some(due_at) => {
                    let day = self.wording.day(self.wording.day_of(due_at));
                    self.wording.with("wallet-due", &[("day", &day)])
                }
            };
            row.note = due;
            row.badge = None;
            row.moves = Html::of(&self.wording.figure(rest.amount));
            (line.at, row)
        });
        Waiting { words: self.wording.words, months: self.by_month(rows) }
    }

    fn endings(&self, wallet: &Wallet) -> Endings {
        let (wording, today) = (&self.wording, self.today);
        let row = |ending: &Ending| {
            let badge = match ending.on {
                Some(last) if last < today => Some((Tone::Plain, "wallet-badge-over")),
                Some(last) if last <= today.plus_days(SOON_DAYS) => {
                    Some((Tone::Wait, "wallet-badge-soon"))
                }
                Some(_) | None => None,
            };
            let held = (!ending.held.is_zero()).then(|| {
                let held = wording.amount(ending.held);
                wording.with("wallet-of-it-reserved", &[("amount", &held)])
            });
            EndingRow {
                day: match ending.on {
                    None => wording.text("wallet-never"),
                    Some(day) => wording.with("wallet-until", &[("day", &wording.day(day))]),
                },
                badge: badge.map(|(tone, key)| Badge::new(tone, wording.text(key))),
                note: match (held, ending.idle) {
                    (Some(held), _) => held,
                    (None, true) => wording.text("wallet-if-idle"),
                    (None, false) => String::new(),
                },
                amount: wording.figure(ending.free.checked_add(ending.held).unwrap_or(Amount::MAX)),
            }
        };
        Endings {
            text: wording.text("wallet-expiry-text"),
            rows: self.balance.endings.iter().map(row).collect(),
            use_up: self.balance.next.and_then(|ending| self.use_up(wallet, &ending)),
        }
    }
}

#[derive(Template)]
#[template(path = "passbook/page.html")]
struct Passbook<'a> {
    style: String,
    words: Words<'a>,
    notices: Vec<Notice>,
    card: Html,
    units: Option<Tabs>,
    tabs: Tabs,
    body: Html,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "passbook/page_home.html")]
struct Home<'a> {
    style: String,
    words: Words<'a>,
    notices: Vec<Notice>,
    use_up: Option<LinkButton>,
    card: Html,
    shops: Option<LinkButton>,
    invite: Option<LinkButton>,
    ranks: Option<LinkButton>,
    body: Html,
    more: LinkButton,
}

#[derive(Template)]
#[template(source = "<h1>{{ title }}</h1>\n{{ empty }}", ext = "html")]
struct Closed {
    title: String,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "passbook/page_card.html")]
struct Card {
    label: String,
    usable: Figure,
    rows: Vec<(String, String)>,
    next_label: String,
    next: Option<(String, String)>,
    never: String,
}

#[derive(Template)]
#[template(path = "passbook/page_lines.html")]
struct Lines<'a> {
    words: Words<'a>,
    months: Vec<Month>,
    carried: (String, String),
    /// Some figures are no changes of the balance.
    pencil: bool,
}

#[derive(Template)]
#[template(path = "passbook/page_pending.html")]
struct Waiting<'a> {
    words: Words<'a>,
    months: Vec<Month>,
}

#[derive(Template)]
#[template(path = "passbook/page_expiry.html")]
struct Endings {
    text: String,
    rows: Vec<EndingRow>,
    use_up: Option<LinkButton>,
}

/// What expires on one day.
struct EndingRow {
    day: String,
    badge: Option<Badge>,
    note: String,
    amount: Figure,
}

struct Month {
    name: String,
    rows: Vec<Row>,
}

/// One printed line.
struct Row {
    href: String,
    iso: String,
    date: String,
    weekday: String,
    title: String,
    badge: Option<Badge>,
    note: String,
    moves: Html,
    balance: Option<String>,
}
