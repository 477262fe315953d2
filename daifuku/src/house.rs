//! Everything that serves, made once and put together: the store, who is known, the door.

use core::time::Duration;
use std::{fs, sync::Arc};

use anyhow::Context as _;
use tokio::sync::Semaphore;

use crate::{
    clock::pause,
    config::Config,
    features::{Features, Later},
    guard::Guard,
    navigation, parts, routes,
    secrets::Secrets,
};
use access::{
    KeyRing, PasswordParameters, SessionLimits, Sessions, SignInThrottle, ThrottleLimit, TotpKey,
};
use ops::{Build, Health, JobBoard, Ops, Probe};
use store::{
    Database, DatabaseUrl, OpenProgress, PoolOptions, Store, StoreOptions,
    migrate::{self, Migration, Outcome, Phase},
};
use vocabulary::{Clock, SharedIds};
use web::{CsrfKey, Door, DoorTools, Frame, Meter, ServerOptions, Texts, Transport};

/// The version of the product.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Passwords that are hashed at once: each takes a core and its memory for tens of milliseconds.
const HASHED_AT_ONCE: usize = 4;

/// Time and chance, from the machine or from a test.
#[derive(Clone, Debug)]
pub struct World {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws.
    pub chance: SharedIds,
}

/// Everything that serves; cheap to clone.
#[derive(Clone, Debug)]
pub struct House {
    /// The settings.
    pub config: Arc<Config>,
    /// Time and chance.
    pub world: World,
    /// The books.
    pub store: Store,
    /// Every API key.
    pub keys: Arc<KeyRing>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// Who tried to sign in how often.
    pub throttle: Arc<SignInThrottle>,
    /// What other keys follow from.
    pub secrets: Secrets,
    /// What the probe saw.
    pub health: Arc<Health>,
    /// How the jobs fare.
    pub board: Arc<JobBoard>,
    /// What the door counted.
    pub meter: Arc<Meter>,
    /// What all pages share.
    pub frame: Arc<Frame>,
    /// Which program this is.
    pub build: Build,
    pub(crate) hashing: Arc<Semaphore>,
    later: Later,
}

/// Opens the database of the settings; the folder of an embedded one is made.
///
/// # Errors
///
/// When it cannot be reached or refuses us.
pub fn open_database(config: &Config) -> anyhow::Result<Database> {
    if let DatabaseUrl::Sqlite(path) = &config.database_url
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).with_context(|| format!("make folder {}", folder.display()))?;
    }
    let options = PoolOptions {
        readers_max: usize::try_from(config.database_readers_max.get()).unwrap_or(1),
        wait: Duration::from_millis(u64::from(config.database_wait_ms.get())),
    };
    let database = Database::open(&config.database_url, options);
    database.with_context(|| format!("open database {}", config.database_url))
}

/// Which steps of the schema are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// None: only look.
    Nothing,
    /// Those that only add; on an empty database all.
    Additions,
    /// All, also those that take away what an older version uses.
    Everything,
}

/// How often a migrator that is at work elsewhere is waited for, a second each.
const BUSY_TURNS: u32 = 600;

/// Brings the schema up to what this program needs, and gives the numbers of the steps applied now.
///
/// # Errors
///
/// When a newer version took away what this one uses, a step fails, or a step that this version
/// needs is not there.
pub fn prepare_schema(
    database: &Database,
    world: &World,
    apply: Apply,
) -> anyhow::Result<Vec<u32>> {
    let all = parts::migrations();
    let unknown = database.read(|reader| ops::find_unknown_steps(reader, &all))?;
    if let Some(step) = unknown.iter().find(|step| step.takes_away()) {
        let (version, name) = (step.version, &step.name);
        anyhow::bail!(
            "migration {version} ({name}) of a newer version took away what this one uses: run the \
             newer version"
        );
    }
    let needed = needed(&all);
    let is_empty = || -> anyhow::Result<bool> {
        let status = migrate::status(database, &all)?;
        Ok(status.iter().all(|line| line.progress == migrate::Progress::Pending))
    };
    let list = match apply {
        Apply::Nothing => Vec::new(),
        Apply::Additions if is_empty()? => all,
        Apply::Additions => needed.clone(),
        Apply::Everything => all,
    };
    let applied =
        if list.is_empty() { Vec::new() } else { run_migrations(database, world, &list)? };
    migrate::check(database, &needed).context("run `daifuku migrate`")?;
    Ok(applied)
}

fn run_migrations(
    database: &Database,
    world: &World,
    list: &[Migration],
) -> anyhow::Result<Vec<u32>> {
    for _turn in 0..BUSY_TURNS {
        let mut chance = world.chance.clone();
        match migrate::run(database, list, world.clock.as_ref(), &mut chance)? {
            Outcome::Done { applied } => return Ok(applied),
            Outcome::Busy { until } => {
                tracing::info!(busy_until = %until, "another migrator is at work");
                pause(Duration::from_secs(1));
            }
        }
    }
    anyhow::bail!("another migrator has been at work for {BUSY_TURNS} s")
}

/// Picks the steps without which this program does not run.
fn needed(all: &[Migration]) -> Vec<Migration> {
    all.iter().filter(|migration| migration.phase == Phase::Expand).copied().collect()
}

impl House {
    /// Opens the books and puts everything together.
    ///
    /// # Errors
    ///
    /// When the journal is damaged, the database fails, or the texts of features contradict one
    /// another.
    pub fn open(
        config: Config,
        world: World,
        secrets: Secrets,
        database: &Database,
        progress: impl FnMut(OpenProgress),
    ) -> anyhow::Result<Self> {
        let store = open_store(&config, &world, database, progress)?;
        let keys = KeyRing::load(database).context("read API keys")?;
        let texts = Texts::try_new(&parts::texts())?;
        let footer = parts::footer(&config);
        let frame = Frame::new(texts, parts::assets(), &parts::problems()).footer(footer);
        let started_at = world.clock.now();
        Ok(Self {
            sessions: Arc::new(sessions(&config)),
            throttle: Arc::new(throttle(&config)),
            config: Arc::new(config),
            world,
            store,
            keys: Arc::new(keys),
            secrets,
            health: Arc::new(Health::new()),
            board: Arc::new(JobBoard::new()),
            meter: Arc::new(Meter::new()),
            frame: Arc::new(frame),
            build: Build { version: VERSION, started_at },
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            later: Later::default(),
        })
    }

    /// Gives the features, which are opened when they are first asked for: after whatever plants a
    /// company.
    ///
    /// # Errors
    ///
    /// When one of them cannot be opened.
    pub fn features(&self) -> anyhow::Result<&Features> {
        if let Some(features) = self.later.get() {
            return Ok(features);
        }
        let opened = Features::open(self)?;
        Ok(self.later.get_or_init(|| opened))
    }

    /// Gives the key for one-time codes.
    pub fn totp_key(&self) -> TotpKey {
        TotpKey::new(self.secrets.key("totp"))
    }

    /// Gives the key for form tokens.
    pub fn csrf_key(&self) -> CsrfKey {
        CsrfKey::new(self.secrets.key("form"))
    }

    /// Gives what a password's hash costs.
    pub fn password_parameters(&self) -> PasswordParameters {
        password_parameters(&self.config)
    }

    /// Gives what the doors of `ops` show.
    pub fn ops(&self) -> Ops {
        Ops {
            store: self.store.clone(),
            clock: Arc::clone(&self.world.clock),
            health: Arc::clone(&self.health),
            board: Arc::clone(&self.board),
            meter: Arc::clone(&self.meter),
            build: self.build,
            nav: navigation::of_staff,
        }
    }

    /// Gives the look at writer, database and disk.
    pub fn probe(&self) -> Probe {
        Probe {
            store: self.store.clone(),
            migrations: needed(&parts::migrations()).into(),
            folder: self.config.folder.clone(),
            clock: Arc::clone(&self.world.clock),
            health: Arc::clone(&self.health),
        }
    }

    /// Builds the door with every route.
    ///
    /// # Errors
    ///
    /// When the routes contradict one another.
    pub fn door(&self) -> anyhow::Result<Arc<Door>> {
        self.door_to(routes::routes(self)?)
    }

    /// Builds the door for some routes.
    ///
    /// # Errors
    ///
    /// When the routes contradict one another.
    pub fn door_to(&self, routes: web::Routes) -> anyhow::Result<Arc<Door>> {
        let tools = DoorTools {
            clock: Arc::clone(&self.world.clock),
            ids: self.world.chance.clone(),
            meter: Arc::clone(&self.meter),
            frame: Arc::clone(&self.frame),
            guard: Arc::new(Guard::of(self)),
        };
        Ok(Arc::new(Door::try_new(routes, server_options(&self.config), tools)?))
    }
}

/// Opens the books.
///
/// # Errors
///
/// When the journal is damaged or the database fails.
pub fn open_store(
    config: &Config,
    world: &World,
    database: &Database,
    progress: impl FnMut(OpenProgress),
) -> anyhow::Result<Store> {
    let (options, clock) = (store_options(config), Arc::clone(&world.clock));
    Store::open(database, options, clock, world.chance.clone(), progress).context("open the books")
}

/// Gives what a password's hash costs.
pub(crate) const fn password_parameters(config: &Config) -> PasswordParameters {
    PasswordParameters {
        memory_kib: config.passwords_memory_kib.get(),
        passes: config.passwords_passes.get(),
    }
}

fn store_options(config: &Config) -> StoreOptions {
    let milliseconds = |number: u32| Duration::from_millis(u64::from(number));
    let tail_ms = config.database_tail_ms.get();
    let shared = matches!(config.database_url, DatabaseUrl::MySql(_));
    StoreOptions {
        checkpoint_every: u64::from(config.database_checkpoint_every.get()),
        tail_every: (tail_ms > 0 && shared).then(|| milliseconds(tail_ms.max(10))),
        patience: milliseconds(config.database_patience_ms.get()),
    }
}

fn sessions(config: &Config) -> Sessions {
    let limits = |idle_minutes: u32, absolute_hours: u32| SessionLimits {
        idle_seconds: idle_minutes.saturating_mul(60),
        absolute_seconds: absolute_hours.saturating_mul(3_600),
    };
    let member_hours = config.sessions_member_days.get().saturating_mul(24);
    let member = limits(config.sessions_member_idle_minutes.get(), member_hours);
    let staff = limits(config.sessions_staff_idle_minutes.get(), config.sessions_staff_hours.get());
    Sessions::new(member, staff)
}

fn throttle(config: &Config) -> SignInThrottle {
    let limit = |attempts| ThrottleLimit { attempts, window_seconds: 300 };
    SignInThrottle::new(
        limit(config.sign_in_account_attempts.get()),
        limit(config.sign_in_address_attempts.get()),
    )
}

/// Gives the door's limits.
pub fn server_options(config: &Config) -> ServerOptions {
    ServerOptions {
        listen: config.server_listen,
        connections_max: config.server_connections_max.get(),
        deadline_ms: config.server_deadline_ms.get(),
        drain_ms: config.server_drain_ms.get(),
        slow_ms: config.log_slow_ms.get(),
        access_log: config.log_requests,
        trusted_proxies: u8::try_from(config.server_trusted_proxies.get()).unwrap_or(0),
        transport: if config.server_behind_tls { Transport::TlsInFront } else { Transport::Plain },
        ..ServerOptions::default()
    }
}
