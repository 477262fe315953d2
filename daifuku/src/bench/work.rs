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
use bank::{AskedOpening, OpenAccounts};
use ledger::{
    AccountNumber, ActorNumber, BalanceRule, Batch, Lot, LotKind, NormalSide, Step, Transfer,
    TransferKind, Wanted,
};
use point_site::click::{Click, RecordClick};
use point_site::defects::{Clicked, differences, sample};
use point_site::message::process_messages;
use point_site::offer::Reward;
use point_site::report::{StartReport, UploadedReport, apply_reports, list_rows, receive_report};
use store::{Outcome, natural_id};
use vocabulary::{
    AccountRole, Amount, Clock as _, Id, IdSource as _, SeededIds, Timestamp, Token, UnitCode,
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
struct Sales {
    clicks: Vec<Click>,
}

impl Sales {
    /// Opens members' wallets and records a click for each purchase.
    fn make(served: &Served, count: u64) -> anyhow::Result<Self> {
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
        };
        let clicks: Vec<Click> = (0..count).map(click).collect();
        for slice in clicks.chunks(AT_ONCE) {
            house.store.run_all(slice.iter().copied().map(RecordClick).collect())?;
        }
        Ok(Self { clicks })
    }

    fn count(&self) -> u64 {
        self.clicks.len() as u64
    }

    /// The network's number of a purchase, what it was told of the click, and when it was.
    fn of(&self, number: u64) -> (u64, String, String) {
        let click = usize::try_from(number).ok().and_then(|place| self.clicks.get(place));
        let text = click.map_or_else(String::new, |click| click.id.to_string());
        let at = click.map_or_else(Timestamp::default, |click| click.clicked_at.plus_seconds(300));
        let at = Zone::JAPAN.format_second(at);
        (2_000_000_000 + number, text.trim_start_matches("clk_").to_owned(), at)
    }

    fn postback(&self, secret: &str, number: u64) -> String {
        let (conversion, reference, at) = self.of(number);
        let at = at.replace(' ', "%20");
        format!(
            "/in/v1/accesstrade/{secret}/cv?pbid={reference}&conversion_id={conversion}\
             &order_id=R-{conversion}&item=1&price=4980&reward=298&status=0&occurred_at={at}"
        )
    }

    /// The file that approves all of them, in CP932.
    fn file(&self) -> Result<Vec<u8>, fmt::Error> {
        let mut text = String::from(
            "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n",
        );
        for number in 0..self.count() {
            let (conversion, reference, at) = self.of(number);
            write!(text, "{conversion},{at},R-{conversion},{reference},4980,298,承認,\r\n")?;
        }
        Ok(encoding_rs::SHIFT_JIS.encode(&text).0.into_owned())
    }
}

/// 500,000 conversions by postback, and the file that approves them.
pub(super) fn import(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let house = &served.house;
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let sales = Sales::make(&served, options.transfers.min(500_000))?;
    let (count, secret) = (sales.count(), path_secret(house, "accesstrade"));
    let timing = load(served.address, 64, count, 200, |number, _, request| {
        get(request, &sales.postback(&secret, number), "");
    })?;
    report.line(&Line::single("postbacks, 64 clients".to_owned(), &timing));
    let begun = Instant::now();
    while process_messages(site)? > 0 {}
    report.line(&Line::whole("postbacks read and announced", count, begun.elapsed()));
    let by = ActorNumber::new(demo::COMPANY, 0);
    let upload = UploadedReport {
        network: Token::parse("accesstrade")?,
        account: Token::parse("main")?,
        file_name: "bench.csv".to_owned(),
        bytes: sales.file()?,
        by,
    };
    let begun = Instant::now();
    let received = receive_report(site, &upload)?.report;
    report.line(&Line::whole("report read and tried out", count, begun.elapsed()));
    let start = StartReport { report: received, company: demo::COMPANY, by };
    house.store.run(start)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    beside("report applied", count, &served, report, || {
        while apply_reports(site)? > 0 {}
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

/// 1,000,000 lots that end on one date.
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
    let cost = Id::of(issuer, house.config.site_unit.get(), AccountRole::Cost);
    let cost = house.store.find_account(cost).context("the cost account is open")?;
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
                grant(cost, wallet, lot),
            )
        });
        let outcomes = house.store.post(batches.collect())?;
        let posted = outcomes.iter().filter(|one| matches!(one, Outcome::Posted(_))).count();
        ensure!(posted == slice.len(), "every grant is posted");
    }
    served.clock.put_forward(31 * 24);
    beside("lots expired on one date", count, &served, report, || {
        let mut expired = 0;
        loop {
            let progress = expire_due(&house.store, served.clock.now(), 100_000)?;
            expired += progress.posted;
            if progress.finished {
                break;
            }
        }
        // The demo's own members have some as well.
        ensure!(expired >= count, "{expired} lots expired");
        Ok(())
    })?;
    served.close()
}

fn grant(debit: AccountNumber, credit: AccountNumber, lot: Lot) -> Step {
    Step::Transfer(Transfer {
        debit,
        credit,
        amount: Wanted::Exactly(Amount::from(100)),
        kind: TransferKind::Grant,
        code: 1,
        lot: Some(lot),
    })
}
