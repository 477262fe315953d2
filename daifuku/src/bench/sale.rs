//! A sale day: all doors at once, at rates that are given, whatever the answers take.
//!
//! Requests are due at moments of chance (a Poisson process), not when the one before is answered,
//! and a wait is counted from when a request was due. So a server that stops for a second is
//! charged for all who would have come in it.

use core::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::http::{Served, Wire, account, get, post, sign_in, transfer};
use super::load::Timing;
use super::report::{Line, Report};
use super::run::BenchOptions;
use super::work::{Sales, Uploaded, site_of};
use crate::clock::pause;
use crate::demo;
use crate::features::path_secret;
use point_site::follow_up::follow_conversions;
use point_site::message::process_messages;
use point_site::report::apply_reports;
use vocabulary::SeededIds;

/// How long each part lasts at least.
const PART: Duration = Duration::from_secs(15);
/// How many parts were begun.
static PARTS: AtomicU64 = AtomicU64::new(0);
/// Purchases that are told of while the sale goes on, beside those of the report.
const LIVE_SALES: u64 = 40_000;

/// Requests of one kind.
struct Stream<'a> {
    name: &'static str,
    per_second: u32,
    connections: u32,
    wanted: u16,
    make: &'a (dyn Fn(&mut SeededIds, &mut Vec<u8>) + Sync),
}

/// What became of a stream.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    failed: u64,
}

impl Stream<'_> {
    /// One connection's share of the requests, until it is over.
    fn run(&self, address: SocketAddr, seed: u64, over: &AtomicBool) -> anyhow::Result<Seen> {
        let mut wire = Wire::open(address)?;
        let mut chance = SeededIds::new(seed);
        let mut seen = Seen::default();
        let mut request = Vec::new();
        let every = f64::from(self.connections) / f64::from(self.per_second);
        let mut due = Instant::now() + between(every, &mut chance);
        while !over.load(Ordering::Relaxed) {
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                pause(wait);
                continue;
            }
            request.clear();
            (self.make)(&mut chance, &mut request);
            match wire.ask(&request) {
                Ok(status) if status == self.wanted => seen.latencies.push(due.elapsed()),
                Ok(_other) => seen.failed += 1,
                Err(_gone) => {
                    seen.failed += 1;
                    wire = Wire::open(address)?;
                }
            }
            due += between(every, &mut chance);
        }
        Ok(seen)
    }
}

/// Draws the time to the next of events that come every `seconds` on average.
fn between(seconds: f64, chance: &mut SeededIds) -> Duration {
    let share = (chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    Duration::from_secs_f64(-(1.0 - share).ln() * seconds)
}

/// Runs all streams while `work` goes on, and at least for [`PART`].
fn play(
    served: &Served,
    streams: &[Stream<'_>],
    report: &mut Report<'_>,
    work: impl FnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Duration> {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    // No part draws the ids of another one.
    let part = PARTS.fetch_add(1, Ordering::Relaxed);
    let mut seen: Vec<Seen> = streams.iter().map(|_| Seen::default()).collect();
    let took = thread::scope(|scope| {
        let mut running = Vec::new();
        for (place, stream) in (0_u64..).zip(streams) {
            for number in 0..u64::from(stream.connections) {
                let (seed, over) = (number + 1_000 * place + 1_000_000 * part, &over);
                running.push((place, scope.spawn(move || stream.run(served.address, seed, over))));
            }
        }
        let worked = work().map(|()| begun.elapsed());
        while begun.elapsed() < PART {
            pause(PART.saturating_sub(begun.elapsed()));
        }
        over.store(true, Ordering::SeqCst);
        for (place, thread) in running {
            let one = thread.join().map_err(|_panic| anyhow::anyhow!("a client panicked"))??;
            let all = usize::try_from(place).ok().and_then(|place| seen.get_mut(place));
            let all = all.context("there is a place for each stream")?;
            all.latencies.extend(one.latencies);
            all.failed += one.failed;
        }
        worked
    })?;
    let elapsed = begun.elapsed();
    for (stream, seen) in streams.iter().zip(seen) {
        let name = stream.name;
        let done = seen.latencies.len() as u64;
        let timing = Timing { done, elapsed, latencies: seen.latencies };
        report.line(&Line::single(format!("  {name}"), &timing));
        ensure!(seen.failed == 0, "{} of {name} failed", seen.failed);
    }
    Ok(took)
}

/// All doors at the rates of a sale day, first alone, then while a report of 500,000 rows is
/// applied.
pub(super) fn sale(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let house = &served.house;
    let rows = options.transfers.min(500_000);
    let sales = Sales::make(&served, rows + LIVE_SALES)?;
    sales.announce(&served, rows)?;
    let cookie = sign_in(served.address)?;
    let (key, secret) =
        (demo::api_key_text().expose(), path_secret(house, &demo::account_of("accesstrade")?));
    let (offers, next) = (demo::offers(), AtomicU64::new(rows));
    let click = |chance: &mut SeededIds, request: &mut Vec<u8>| {
        let place = usize::try_from(chance.next_u64()).unwrap_or(0) % offers.len();
        if let Some(offer) = offers.get(place) {
            get(request, &format!("/go/{offer}"), &cookie);
        }
    };
    let postback = |_: &mut SeededIds, request: &mut Vec<u8>| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        get(request, &sales.postback(&secret, rows + (number - rows) % LIVE_SALES), "");
    };
    let bearer = format!("Authorization: Bearer {key}");
    let balance = |chance: &mut SeededIds, request: &mut Vec<u8>| {
        let account = account(chance.next_u64() % 10_000);
        let path = format!("/api/v1/accounts/{account}");
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n\r\n");
        request.extend_from_slice(text.as_bytes());
    };
    let page = |chance: &mut SeededIds, request: &mut Vec<u8>| {
        let pages = ["/shops", "/passbook", "/clicks", "/"];
        let place = usize::try_from(chance.next_u64() % 4).unwrap_or(0);
        get(request, pages.get(place).copied().unwrap_or("/"), &cookie);
    };
    let posting = |chance: &mut SeededIds, request: &mut Vec<u8>| {
        let mut body = Vec::with_capacity(256);
        transfer(chance, &mut body);
        post(request, &key, &body);
    };
    let stream = |name, per_second, connections, wanted, make| Stream {
        name,
        per_second,
        connections,
        wanted,
        make,
    };
    let streams: [Stream<'_>; 5] = [
        stream("click-outs, 1,000/s", 1_000, 64, 302, &click),
        stream("postbacks, 500/s", 500, 128, 200, &postback),
        stream("balances, 3,000/s", 3_000, 64, 200, &balance),
        stream("pages of a member, 100/s", 100, 32, 200, &page),
        stream("transfers one by one, 500/s", 500, 128, 201, &posting),
    ];
    both_parts(&served, &streams, sales.upload(&served, rows)?, report)?;
    served.close()
}

/// The streams alone, then beside the report; postbacks are read as they come and what follows from
/// conversions follows, as the jobs do.
fn both_parts(
    served: &Served,
    streams: &[Stream<'_>],
    uploaded: Uploaded,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let site = site_of(served)?;
    let rows = uploaded.rows;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                process_messages(site)?;
                if follow_conversions(site)? == 0 {
                    pause(Duration::from_secs(1));
                }
            }
            anyhow::Ok(())
        });
        let played = (|| {
            report.text("all doors together:");
            play(served, streams, report, || Ok(()))?;
            report.text("the same beside a report that is applied:");
            uploaded.start(served)?;
            let took = play(served, streams, report, || {
                while apply_reports(site)? > 0 {}
                Ok(())
            })?;
            report.line(&Line::whole("report applied beside it", rows, took));
            anyhow::Ok(())
        })();
        over.store(true, Ordering::SeqCst);
        let read = reading.join().map_err(|_panic| anyhow::anyhow!("reading panicked"))?;
        played.and(read)
    })
}
