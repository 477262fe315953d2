//! The long work of a month, beside live traffic: a report of decisions, and lots that expire.

use core::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::http::{Served, get, load, post, transfer};
use super::load::Timing;
use super::machine;
use super::report::{Line, Report};
use super::run::BenchOptions;
use crate::demo;
use crate::features::path_secret;
use crate::house::House;
use bank::{AskedOpening, OpenAccounts};
use ledger::{
    AccountNumber, ActorNumber, BalanceRule, Batch, Book, Lot, LotKind, NormalSide, Step, Transfer,
    TransferKind, Wanted,
};
use point_site::Site;
use point_site::click::{Click, RecordClick};
use point_site::defects::{Clicked, differences, sample};
use point_site::follow_up::follow_conversions;
use point_site::message::process_messages;
use point_site::offer::Reward;
use point_site::report::{StartReport, UploadedReport, apply_reports, list_rows, receive_report};
use store::{Outcome, natural_id};
use vocabulary::{
    AccountRole, Amount, Clock as _, Day, Id, IdSource as _, SeededIds, Timestamp, Token, UnitCode,
    Zone, kind,
};
use wallet::expiry::expire_due;
use wallet::member::OpenWallet;

const MEMBERS: u64 = 10_000;
/// Commands that are asked for at once while a workload is set up.
const AT_ONCE: usize = 5_000;

fn member(number: u64) -> Id<kind::Member> {
    natural_id("bench.member", &[&number.to_be_bytes()])
}

/// Purchases of members in the last 25 days, as the network tells of them.
pub(super) struct Sales {
    clicks: Vec<Click>,
}

impl Sales {
    /// Opens members' wallets and records a click for each purchase.
    pub(super) fn make(served: &Served, count: u64) -> anyhow::Result<Self> {
        let (house, company) = (&served.house, demo::COMPANY);
        let unit = house.config.site_unit;
        let wallets = (0..MEMBERS).map(|n| OpenWallet { member: member(n), company, unit });
        house.store.run_all(wallets.collect())?;
        let shop = demo::rate_shop();
        let mut ids = SeededIds::new(9);
        let first = house.world.clock.now().plus_days(-25);
        let seconds = 24 * 86_400 / i64::try_from(count.max(1))?;
        let at = |number: u64| first.plus_seconds(seconds * i64::try_from(number).unwrap_or(0));
        let click = |number: u64| Click {
            id: ids.next_id(at(number)),
            company,
            member: member(number % MEMBERS),
            shop: shop.id(),
            offer: shop.offer(),
            offer_version: 1,
            clicked_at: at(number),
            mark: None,
        };
        let clicks: Vec<Click> = (0..count).map(click).collect();
        for slice in clicks.chunks(AT_ONCE) {
            house.store.run_all(slice.iter().copied().map(RecordClick).collect())?;
        }
        Ok(Self { clicks })
    }

    /// The network's number of a purchase, what it was told of the click, and when it was.
    fn of(&self, number: u64) -> (u64, String, String) {
        let click = usize::try_from(number).ok().and_then(|place| self.clicks.get(place));
        let text = click.map_or_else(String::new, |click| click.id.to_string());
        let at = click.map_or_else(Timestamp::default, |click| click.clicked_at.plus_seconds(300));
        let at = Zone::JAPAN.format_second(at);
        (2_000_000_000 + number, text.trim_start_matches("clk_").to_owned(), at)
    }

    pub(super) fn postback(&self, secret: &str, number: u64) -> String {
        let (conversion, reference, at) = self.of(number);
        let at = at.replace(' ', "%20");
        format!(
            "/in/v1/accesstrade/{secret}/cv?pbid={reference}&conversion_id={conversion}\
             &order_id=R-{conversion}&item=1&price=4980&reward=298&status=0&occurred_at={at}"
        )
    }

    /// The file that approves the first `rows` of them, in CP932.
    fn file(&self, rows: u64) -> Result<Vec<u8>, fmt::Error> {
        let mut text = String::from(
            "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n",
        );
        for number in 0..rows {
            let (conversion, reference, at) = self.of(number);
            write!(text, "{conversion},{at},R-{conversion},{reference},4980,298,承認,\r\n")?;
        }
        Ok(encoding_rs::SHIFT_JIS.encode(&text).0.into_owned())
    }
}

impl Sales {
    /// Sends the first `rows` postbacks; gives how long they took.
    fn send(&self, served: &Served, rows: u64) -> anyhow::Result<Timing> {
        let secret = path_secret(&served.house, &demo::account_of("accesstrade")?);
        load(served.address, 64, rows, 200, |number, _, request| {
            get(request, &self.postback(&secret, number), "");
        })
    }

    /// Sends the first `rows` postbacks and reads them.
    pub(super) fn announce(&self, served: &Served, rows: u64) -> anyhow::Result<()> {
        self.send(served, rows)?;
        while process_messages(site_of(served)?)? > 0 {}
        Ok(())
    }

    /// Sends the file that approves the first `rows`, and tries it out.
    pub(super) fn upload(&self, served: &Served, rows: u64) -> anyhow::Result<Uploaded> {
        let by = ActorNumber::new(demo::COMPANY, 0);
        let upload = UploadedReport {
            network: Token::parse("accesstrade")?,
            account: Token::parse("main")?,
            file_name: "bench.csv".to_owned(),
            bytes: self.file(rows)?,
            by,
        };
        Ok(Uploaded { rows, report: receive_report(site_of(served)?, &upload)?.report, by })
    }
}

/// A report that was tried out.
pub(super) struct Uploaded {
    pub(super) rows: u64,
    report: Id<kind::Report>,
    by: ActorNumber,
}

impl Uploaded {
    /// Says that it is to be applied.
    pub(super) fn start(self, served: &Served) -> anyhow::Result<()> {
        let start = StartReport { report: self.report, company: demo::COMPANY, by: self.by };
        let started = served.house.store.run(start)?;
        started.map_err(|refusal| anyhow::anyhow!("{refusal:?}")).map(drop)
    }
}

pub(super) fn site_of(served: &Served) -> anyhow::Result<&Site> {
    served.house.features()?.site.as_ref().context("the demo has a members' site")
}

/// 500,000 conversions by postback, and the file that approves them.
pub(super) fn import(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let site = site_of(&served)?;
    let count = options.transfers.min(500_000);
    let sales = Sales::make(&served, count)?;
    let timing = sales.send(&served, count)?;
    report.line(&Line::single("postbacks, 64 clients".to_owned(), &timing));
    let begun = Instant::now();
    while process_messages(site)? > 0 {}
    report.line(&Line::whole("postbacks read and announced", count, begun.elapsed()));
    let begun = Instant::now();
    let uploaded = sales.upload(&served, count)?;
    report.line(&Line::whole("report read and tried out", count, begun.elapsed()));
    uploaded.start(&served)?;
    beside("report applied", count, &served, report, || {
        while apply_reports(site)? > 0 {}
        Ok(())
    })?;
    beside("what follows from it", count, &served, report, || {
        while follow_conversions(site)? > 0 {}
        Ok(())
    })?;
    served.close()
}

/// A file of 500,000 rows with every defect: what became of each row is compared with what has to.
pub(super) fn defects(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let house = &served.house;
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let count = options.transfers.min(470_000);
    let now = house.world.clock.now();
    // Before the cookie's days, so that purchases can be too late; one second apart.
    let first = now.plus_days(-45);
    let (shop, mut ids) = (demo::rate_shop(), SeededIds::new(13));
    let clicks: Vec<Clicked> = (0..count)
        .map(|number| {
            let at = first.plus_seconds(i64::try_from(number).unwrap_or(0));
            Clicked { click: ids.next_id(at), at }
        })
        .collect();
    for slice in clicks.chunks(AT_ONCE) {
        let record = |(place, clicked): (u64, &Clicked)| {
            RecordClick(Click {
                id: clicked.click,
                company: demo::COMPANY,
                member: member(place % MEMBERS),
                shop: shop.id(),
                offer: shop.offer(),
                offer_version: 1,
                clicked_at: clicked.at,
                mark: None,
            })
        };
        house.store.run_all((0..).zip(slice).map(record).collect())?;
    }
    let offer = site.offer(shop.offer()).context("the shop's offer")?;
    let terms = offer.versions.first().map(|version| version.terms.reward);
    let Some(Reward::Rate { member: part, .. }) = terms else { bail!("the offer pays a rate") };
    let sample = sample(&clicks, now, part);
    let by = ActorNumber::new(demo::COMPANY, 0);
    let mut apply = |name: &str, bytes: Vec<u8>| -> anyhow::Result<Id<kind::Report>> {
        let (network, account) = (Token::parse("accesstrade")?, Token::parse("main")?);
        let upload = UploadedReport { network, account, file_name: name.to_owned(), bytes, by };
        let begun = Instant::now();
        let received = receive_report(site, &upload)?.report;
        report.line(&Line::whole(&format!("{name}: read and tried out"), count, begun.elapsed()));
        let start = StartReport { report: received, company: demo::COMPANY, by };
        house.store.run(start)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        let begun = Instant::now();
        while apply_reports(site)? > 0 {}
        report.line(&Line::whole(&format!("{name}: applied"), count, begun.elapsed()));
        Ok(received)
    };
    apply("told before", sample.before)?;
    let id = apply("with defects", sample.file)?;
    let actual = list_rows(site, id)?;
    let differing = differences(&sample.expected, &actual);
    ensure!(differing.is_empty(), "rows became what they must not: {differing:#?}");
    let (rows, peak) = (actual.len(), machine::peak_memory_mib());
    report.text(&format!("  all {rows} outcomes are as they have to be; peak memory {peak} MiB"));
    served.close()
}

/// Does long work while clients post one by one, and tells how long both took.
fn beside(
    name: &str,
    count: u64,
    served: &Served,
    report: &mut Report<'_>,
    work: impl FnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<()> {
    let key = demo::api_key_text().expose();
    let live = |requests| {
        load(served.address, 8, requests, 201, |_, chance, request| {
            let mut body = Vec::with_capacity(256);
            transfer(chance, &mut body);
            post(request, &key, &body);
        })
    };
    let alone = live(20_000)?;
    let ended = AtomicBool::new(false);
    let (took, together) = thread::scope(|scope| -> anyhow::Result<(Duration, Timing)> {
        let working = scope.spawn(|| {
            let begun = Instant::now();
            let done = work();
            ended.store(true, Ordering::SeqCst);
            done.map(|()| begun.elapsed())
        });
        let mut together = Timing::default();
        while !ended.load(Ordering::SeqCst) {
            let timing = live(2_000)?;
            together.done += timing.done;
            together.elapsed += timing.elapsed;
            together.latencies.extend(timing.latencies);
        }
        let took = working.join().map_err(|_panic| anyhow::anyhow!("the work panicked"))??;
        Ok((took, together))
    })?;
    report.line(&Line::whole(name, count, took));
    report.line(&Line::single("  8 clients alone, one transfer a request".to_owned(), &alone));
    report.line(&Line::single(format!("  8 clients beside: {name}"), &together));
    let longest = together.latencies.iter().max().map_or(0.0, Duration::as_secs_f64);
    report.text(&format!("  the longest wait beside it: {:.0} ms", longest * 1e3));
    Ok(())
}

/// What members spend of lots in their last second, from several threads.
struct LastSecond<'a> {
    served: &'a Served,
    wallets: &'a [AccountNumber],
    shop: AccountNumber,
    over: AtomicBool,
}

impl LastSecond<'_> {
    /// Spends lots in whole or in part until it is over; gives how much was spent.
    fn spend(&self, seed: u64) -> anyhow::Result<i64> {
        let mut chance = SeededIds::new(seed);
        let mut spent = 0;
        while !self.over.load(Ordering::SeqCst) {
            let batches: Vec<Batch> = (0..200)
                .filter_map(|_| {
                    let place = chance.next_u64() % u64::try_from(self.wallets.len()).ok()?;
                    let wallet = *self.wallets.get(usize::try_from(place).ok()?)?;
                    let amount = if chance.next_u64().is_multiple_of(2) { 100 } else { 40 };
                    let step = move_points(wallet, self.shop, amount, None);
                    let actor = ActorNumber::new(demo::COMPANY, 0);
                    Some(Batch::single(Id::from_bits(chance.chance()), actor, step))
                })
                .collect();
            let outcomes = self.served.house.store.post(batches)?;
            let moved = outcomes.iter().map(|outcome| match outcome {
                Outcome::Posted(receipt) => receipt.moved.minor_units(),
                Outcome::Refused(_) => 0,
            });
            spent += moved.sum::<i64>();
        }
        Ok(spent)
    }

    /// Expires what is due until midnight is over and nothing is left; gives what was spent.
    fn pass(&self, midnight: Timestamp) -> anyhow::Result<i64> {
        thread::scope(|scope| {
            let spenders = [1, 2].map(|seed| scope.spawn(move || self.spend(seed)));
            let expired = loop {
                let began = self.served.clock.now();
                match expire_due(&self.served.house.store, began, 100_000) {
                    Ok(progress) if progress.finished && began > midnight => break Ok(()),
                    Ok(_) => {}
                    Err(fault) => break Err(fault),
                }
            };
            self.over.store(true, Ordering::SeqCst);
            let spent = spenders.map(|spender| {
                spender.join().map_err(|_panic| anyhow::anyhow!("a spender panicked"))?
            });
            expired?;
            let [one, two] = spent;
            Ok(one? + two?)
        })
    }
}

/// 1,000,000 lots that end on one date, and are spent until the last moment: each is spent or
/// expired, and never both.
pub(super) fn expiry(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let count = options.transfers.min(1_000_000);
    let served = Served::open(options)?;
    let house = &served.house;
    let unit = UnitCode::parse("HPT")?;
    let id = |number: u64| natural_id("bench.lots", &[&number.to_be_bytes()]);
    let numbers: Vec<u64> = (0..count).collect();
    for slice in numbers.chunks(AT_ONCE) {
        let opening = |&number: &u64| AskedOpening {
            id: id(number),
            unit,
            side: NormalSide::Credit,
            rule: BalanceRule::NonNegative,
            lots: true,
        };
        let accounts = slice.iter().map(opening).collect();
        let Ok(_opened) = house.store.run(OpenAccounts { company: demo::COMPANY, accounts })?;
    }
    let company = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let issuer = company.config().company_id;
    let cost = company_account(house, issuer, AccountRole::Cost)?;
    let last_day = Zone::JAPAN.day_of(house.world.clock.now()).plus_days(30);
    let lot = Lot::try_new(demo::COMPANY, LotKind::Free, Some(last_day))?;
    let mut chance = SeededIds::new(11);
    for slice in numbers.chunks(AT_ONCE) {
        let ids: Vec<_> = slice.iter().map(|&number| id(number)).collect();
        let found = house.store.find_accounts(&ids);
        let batches = found.into_iter().flatten().map(|wallet| {
            Batch::single(
                Id::from_bits(chance.chance()),
                ActorNumber::new(demo::COMPANY, 0),
                move_points(cost, wallet, 100, Some(lot)),
            )
        });
        let outcomes = house.store.post(batches.collect())?;
        let posted = outcomes.iter().filter(|one| matches!(one, Outcome::Posted(_))).count();
        ensure!(posted == slice.len(), "every grant is posted");
    }
    let ids: Vec<_> = numbers.iter().map(|&number| id(number)).collect();
    let wallets: Vec<_> = house.store.find_accounts(&ids).into_iter().flatten().collect();
    let shop = company_account(house, issuer, AccountRole::Takings)?;
    let breakage = company_account(house, issuer, AccountRole::Breakage)?;
    let balance = |account| house.store.account(account).map_or(0, |found| found.balance());
    let before = (balance(shop), balance(breakage));
    let due = house.store.look(|book| due_by(book, last_day));
    let midnight = Zone::JAPAN.start_of(last_day.plus_days(1));
    let last =
        LastSecond { served: &served, wallets: &wallets, shop, over: AtomicBool::new(false) };
    let mut spent = 0;
    beside("lots spent and expired around midnight", count, &served, report, || {
        served.clock.catch_up(midnight.plus_microseconds(-500_000));
        spent = last.pass(midnight)?;
        Ok(())
    })?;
    // Three figures that come from three places: what the spenders were told, and two balances.
    let (taken, expired) = (balance(shop) - before.0, balance(breakage) - before.1);
    let left: i64 = wallets.iter().map(|&wallet| balance(wallet)).sum();
    ensure!(left == 0, "{left} of what was granted is left");
    ensure!(taken == spent, "{spent} were spent, {taken} arrived");
    ensure!(spent + expired == due, "{due} were due, {spent} were spent and {expired} expired");
    report.text(&format!("  of {due} due, {spent} were spent and {expired} expired"));
    served.close()
}

fn company_account(
    house: &House,
    company: Id<kind::Company>,
    role: AccountRole,
) -> anyhow::Result<AccountNumber> {
    let id = Id::of(company, house.config.site_unit.get(), role);
    house.store.find_account(id).with_context(|| format!("the account of {role:?} is open"))
}

/// Adds up what may be spent until the end of a day and expires after it.
fn due_by(book: &Book, last_day: Day) -> i64 {
    let cells = book.accounts().iter().flat_map(|account| account.state().cells());
    let due = cells.filter(|cell| cell.lot.expires_on().is_some_and(|on| on <= last_day));
    due.map(|cell| cell.posted - cell.held).sum()
}

/// Moves points; into a lot, or out of whatever lots there are.
fn move_points(debit: AccountNumber, credit: AccountNumber, amount: u32, lot: Option<Lot>) -> Step {
    let kind = if lot.is_some() { TransferKind::Grant } else { TransferKind::Redemption };
    let amount = Wanted::Exactly(Amount::from(amount));
    Step::Transfer(Transfer { debit, credit, amount, kind, code: 1, lot })
}
