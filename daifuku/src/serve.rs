//! Serves until it is told to stop, and then ends what was begun.

use core::time::Duration;
use std::{io, sync::Arc};

use anyhow::Context as _;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{
    chance::SystemChance,
    clock::WallClock,
    config::{Config, Supervision},
    house::{Apply, House, VERSION, World, open_database, prepare_schema},
    jobs::{Job, Next, Supervisor},
    notify::Notifier,
    parts,
    secrets::Secrets,
    terminal::Progress,
};
use store::Database;
use vocabulary::{Clock, SharedIds};
use web::{Door, Drained, log::LogOptions};

impl World {
    /// The machine's time and chance.
    pub fn of_machine() -> Self {
        Self { clock: Arc::new(WallClock), chance: SharedIds::new(SystemChance) }
    }
}

/// Makes the log of this process, on the standard error.
///
/// # Errors
///
/// When the process has one already.
pub fn start_log(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<()> {
    let options = LogOptions {
        form: config.log_form,
        level: config.log_level,
        service: "daifuku",
        version: VERSION,
        clock: Arc::clone(clock),
        out: Box::new(io::stderr()),
    };
    web::log::start(options).context("start the log")
}

/// Serves with the machine's time and chance.
///
/// # Errors
///
/// When the installation does not start: the cause is told, and nothing was served.
pub fn serve(config: Config, apply: Apply, supervision: &Supervision) -> anyhow::Result<()> {
    let world = World::of_machine();
    start_log(&config, &world.clock)?;
    let secrets = Secrets::open(&config.secrets_file, &mut world.chance.clone())?;
    let database = open_database(&config)?;
    for version in prepare_schema(&database, &world, apply)? {
        tracing::info!(migration.version = version, "migration {version} was applied");
    }
    let house = open_house(config, world, secrets, &database)?;
    let door = house.door()?;
    run(&house, door, supervision)
}

/// Opens the books, telling how far it is.
///
/// # Errors
///
/// As [`House::open`].
pub fn open_house(
    config: Config,
    world: World,
    secrets: Secrets,
    database: &Database,
) -> anyhow::Result<House> {
    let mut progress = Progress::new("open the books");
    let house = House::open(config, world, secrets, database, |so_far| {
        progress.show(so_far.done, so_far.of);
    });
    progress.end();
    house
}

/// Starts the jobs, serves until SIGTERM or SIGINT, stops the jobs and closes the books.
///
/// # Errors
///
/// When the address cannot be listened on, or the system gives no threads.
pub fn run(house: &House, door: Arc<Door>, supervision: &Supervision) -> anyhow::Result<()> {
    let notifier = Arc::new(Notifier::open(supervision.socket.as_deref())?);
    let mut jobs = parts::jobs(house)?;
    jobs.extend(watchdog(house, &notifier, supervision));
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let supervisor = Supervisor::start(jobs, &house.world.clock, &house.board)?;
    let ended = runtime.block_on(listen(house, door, &notifier));
    supervisor.stop();
    house.store.close();
    ended
}

async fn listen(house: &House, door: Arc<Door>, notifier: &Notifier) -> anyhow::Result<()> {
    let address = door.options().listen;
    let listener =
        web::bind(door.options()).await.with_context(|| format!("listen on {address}"))?;
    let address = listener.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    notifier.ready();
    tracing::info!(server.address = %address, "serving on {address}");
    let notice = Duration::from_millis(u64::from(house.config.server_stop_notice_ms.get()));
    let stop = async {
        tokio::select! {
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
        house.health.drain();
        notifier.stopping();
        tracing::info!("stopping: /readyz says so, the door closes next");
        // Whoever asks twice does not want to wait for a load balancer.
        tokio::select! {
            () = tokio::time::sleep(notice) => {}
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
    };
    match web::serve(listener, door, stop).await {
        Drained::All => tracing::info!("every request in work was answered"),
        Drained::Cut(connections) => tracing::warn!(connections, "connections were cut"),
    }
    Ok(())
}

/// Shows systemd a sign of life as long as the probe and the writer live. A database that is away
/// is no reason to restart.
fn watchdog(house: &House, notifier: &Arc<Notifier>, supervision: &Supervision) -> Option<Job> {
    let within_seconds = supervision.watchdog_microseconds?.div_euclid(1_000_000);
    let every_seconds = u32::try_from(within_seconds.div_euclid(3)).unwrap_or(0).max(1);
    let (health, clock) = (Arc::clone(&house.health), Arc::clone(&house.world.clock));
    let notifier = Arc::clone(notifier);
    Some(Job::new("watchdog", every_seconds, move || {
        let readiness = health.readiness(clock.as_ref());
        let lives = |name| readiness.checks.iter().all(|check| check.name != name || check.ok);
        if lives("probe") && lives("writer") {
            notifier.alive();
        }
        Ok(Next::Rest)
    }))
}
