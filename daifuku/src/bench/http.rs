use core::net::SocketAddr;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::oneshot;

use super::book::empty;
use super::load::Timing;
use super::report::{Line, Report};
use super::run::BenchOptions;
use crate::chance::SystemChance;
use crate::clock::{ShiftedClock, WallClock};
use crate::config::{Config, Sources};
use crate::demo;
use crate::house::{House, server_options};
use bank::{AskedOpening, OpenAccounts};
use ledger::{BalanceRule, NormalSide};
use store::{Database, DatabaseUrl, PoolOptions};
use vocabulary::{Id, IdSource as _, SeededIds, UnitCode, kind};

const ACCOUNTS: u64 = 10_000;
/// Transfers of one bulk request: what its path takes at most.
const BULK: u64 = 10_000;

/// A whole installation that serves on loopback, with the demo's group and shops.
pub(super) struct Served {
    pub(super) house: House,
    pub(super) clock: Arc<ShiftedClock>,
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<thread::JoinHandle<anyhow::Result<()>>>,
}

impl Served {
    pub(super) fn open(options: &BenchOptions) -> anyhow::Result<Self> {
        // What an earlier run left is not measured.
        drop(std::fs::remove_dir_all(&options.folder));
        std::fs::create_dir_all(&options.folder)?;
        let mut flags = vec![
            format!("folder={}", options.folder.display()),
            "server.listen=127.0.0.1:0".to_owned(),
            "passwords.memory_kib=8".to_owned(),
        ];
        flags.extend(options.database.iter().map(|url| format!("database.url={url}")));
        let config = Config::load(&Sources { file: None, variables: Vec::new(), flags })?;
        if let Some(url) = &options.database {
            empty(&Database::open(&DatabaseUrl::parse(url)?, PoolOptions::default())?)?;
        }
        let (house, clock) = demo::open(config, Arc::new(WallClock), true)?;
        demo::plant_all(&house, &clock)?;
        open_accounts(&house)?;
        let door = house.door()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, address) = mpsc::channel();
        let listen = server_options(&house.config);
        let server = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async move {
                let listener = web::bind(&listen).await?;
                told.send(listener.local_addr()?)?;
                // Whoever drops the other end wants it to stop as well.
                web::serve(listener, door, async { drop(stopped.await) }).await;
                Ok(())
            })
        });
        let address = address.recv().context("the server listens")?;
        Ok(Self { house, clock, address, stop: Some(stop), server: Some(server) })
    }

    pub(super) fn close(mut self) -> anyhow::Result<()> {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            server.join().map_err(|_panic| anyhow::anyhow!("the server panicked"))??;
        }
        self.house.store.close();
        Ok(())
    }
}

pub(super) fn account(number: u64) -> Id<kind::Account> {
    Id::from_bits(u128::from(number) + 1)
}

fn open_accounts(house: &House) -> anyhow::Result<()> {
    let unit = UnitCode::parse("HPT")?;
    let accounts = (0..ACCOUNTS)
        .map(|number| AskedOpening {
            id: account(number),
            unit,
            side: NormalSide::Credit,
            rule: BalanceRule::Unlimited,
            lots: false,
        })
        .collect();
    let Ok(opened) = house.store.run(OpenAccounts { company: demo::COMPANY, accounts })?;
    ensure!(opened.iter().all(Result::is_ok), "an account of the bench is another one");
    Ok(())
}

/// One connection of a client that keeps it.
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Wire {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Ok(Self { stream, line: String::new(), body: Vec::new() })
    }

    /// Sends a request, reads its answer whole, and gives the status.
    pub(super) fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.get_mut().write_all(request)?;
        let mut status = None;
        let mut length = 0;
        loop {
            self.line.clear();
            self.stream.read_line(&mut self.line)?;
            let line = self.line.trim_end();
            if status.is_none() {
                status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
                ensure!(status.is_some(), "an answer begins with {line:?}");
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        status.context("an answer has a status")
    }
}

/// Clients that each send a request and wait for its answer before the next, as fast as they can.
pub(super) fn load(
    address: SocketAddr,
    clients: u64,
    requests: u64,
    wanted: u16,
    make: impl Fn(u64, &mut SeededIds, &mut Vec<u8>) + Sync,
) -> anyhow::Result<Timing> {
    let next = AtomicU64::new(0);
    // No client sends the ids of another load again.
    let seed = u64::try_from(SystemChance.chance() >> 64).unwrap_or(0);
    let client = |number: u64| -> anyhow::Result<Vec<Duration>> {
        let mut wire = Wire::open(address)?;
        let mut chance = SeededIds::new(seed.wrapping_add(number));
        let (mut latencies, mut request) = (Vec::new(), Vec::new());
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= requests {
                return Ok(latencies);
            }
            request.clear();
            make(turn, &mut chance, &mut request);
            let begun = Instant::now();
            let status = wire.ask(&request)?;
            latencies.push(begun.elapsed());
            if status != wanted {
                bail!("answered with {status}: {}", String::from_utf8_lossy(&wire.body));
            }
        }
    };
    let mut timing = Timing::default();
    let started = Instant::now();
    thread::scope(|scope| -> anyhow::Result<()> {
        let threads: Vec<_> =
            (0..clients).map(|number| scope.spawn(move || client(number))).collect();
        for thread in threads {
            let latencies = thread.join().map_err(|_panic| anyhow::anyhow!("a client panicked"))?;
            timing.latencies.extend(latencies?);
        }
        Ok(())
    })?;
    timing.elapsed = started.elapsed();
    timing.done = timing.latencies.len() as u64;
    Ok(timing)
}

/// Writes a transfer between two accounts of chance as JSON.
pub(super) fn transfer(chance: &mut SeededIds, body: &mut Vec<u8>) {
    let id: Id<kind::Batch> = Id::from_bits(chance.chance());
    let debit = chance.next_u64() % ACCOUNTS;
    let credit = (debit + 1 + chance.next_u64() % (ACCOUNTS - 1)) % ACCOUNTS;
    let (debit, credit) = (account(debit), account(credit));
    let amount = chance.next_u64() % 10_000 + 1;
    let _infallible =
        write!(body, r#"{{"id":"{id}","debit":"{debit}","credit":"{credit}","amount":{amount}}}"#);
}

pub(super) fn post(request: &mut Vec<u8>, key: &str, body: &[u8]) {
    let _infallible = write!(
        request,
        "POST /api/v1/transfers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    request.extend_from_slice(body);
}

pub(super) fn get(request: &mut Vec<u8>, path: &str, cookie: &str) {
    let _infallible = write!(
        request,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: ja\r\nCookie: {cookie}\r\n\r\n"
    );
}

/// The API: many transfers a request, and one.
pub(super) fn api(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let key = demo::api_key_text().expose();
    let before = served.house.store.durable().get();
    let bulks = (options.transfers / BULK).max(1);
    let mut timing = load(served.address, 3, bulks, 200, |_, chance, request| {
        let mut body = Vec::with_capacity(1_400_000);
        body.extend_from_slice(br#"{"transfers":["#);
        for number in 0..BULK {
            if number > 0 {
                body.push(b',');
            }
            transfer(chance, &mut body);
        }
        body.extend_from_slice(b"]}");
        post(request, &key, &body);
    })?;
    timing.done *= BULK;
    report.line(&Line::single("HTTP, 10000 transfers a request, 3 clients".to_owned(), &timing));
    let mut sent = timing.done;
    for clients in [1, 32, 64] {
        let requests = (clients * 5_000).min(options.transfers);
        let timing = load(served.address, clients, requests, 201, |_, chance, request| {
            let mut body = Vec::with_capacity(256);
            transfer(chance, &mut body);
            post(request, &key, &body);
        })?;
        sent += timing.done;
        let name = format!("HTTP, one transfer a request, {clients} clients");
        report.line(&Line::single(name, &timing));
    }
    let posted = served.house.store.durable().get() - before;
    ensure!(posted == sent, "{posted} of {sent} transfers are in the journal");
    served.close()
}

/// The members' site: click-outs and pages.
pub(super) fn site(options: &BenchOptions, report: &mut Report<'_>) -> anyhow::Result<()> {
    let served = Served::open(options)?;
    let cookie = sign_in(served.address)?;
    let offers = demo::offers();
    let timing = load(served.address, 64, 100_000, 302, |_, chance, request| {
        let place = usize::try_from(chance.next_u64()).unwrap_or(0) % offers.len();
        if let Some(offer) = offers.get(place) {
            get(request, &format!("/go/{offer}"), &cookie);
        }
    })?;
    report.line(&Line::single("click-out, 64 clients".to_owned(), &timing));
    for (name, path) in [("shops", "/shops"), ("passbook", "/passbook"), ("clicks", "/clicks")] {
        let page = |_, _: &mut SeededIds, request: &mut Vec<u8>| get(request, path, &cookie);
        let timing = load(served.address, 8, 10_000, 200, page)?;
        report.line(&Line::single(format!("page {name}, 8 clients"), &timing));
    }
    served.close()
}

/// Signs a member of the demo in, and gives the cookie.
pub(super) fn sign_in(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let body = format!("mail=hana%40example.jp&password={}", demo::PASSWORD);
    write!(
        stream,
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let cookies = answer.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
    });
    let cookie = cookies.map(str::trim).collect::<Vec<_>>().join("; ");
    ensure!(!cookie.is_empty(), "signing in failed: {answer}");
    Ok(cookie)
}
