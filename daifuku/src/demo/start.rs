use core::net::{Ipv4Addr, SocketAddr};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::TcpListener,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;

use super::{
    earning::plant_earning,
    exchange::plant_exchanges,
    fraud::plant_fraud,
    history::{DAYS, plant_past},
    mailbox,
    networks::{open_networks, plant_networks, serve_networks},
    offers::plant_offers,
    page,
    ranks::plant_rank_proposal,
    reconciliation::plant_statements,
    referral::plant_referrals,
    seed::{PASSWORD, PEOPLE, api_key_text, plant},
    shops::{open_network, plant_shops},
    smtp::Mailbox,
};
use crate::{
    chance::SystemChance,
    clock::{ShiftedClock, WallClock},
    config::{Config, Sources, Supervision},
    exchange::partner_key,
    house::{Apply, House, World, open_database, prepare_schema},
    routes,
    secrets::Secrets,
    serve::{open_house, run as run_house, start_log},
    terminal::{say, table},
    upkeep::Ended,
};
use point_site::{
    partner_sandbox::{self, PartnerSandbox},
    sandbox::{self, Sandbox},
    sandbox_network::{self, SandboxNetworks},
    sms_sandbox::{self, SmsSandbox},
};
use vocabulary::{Clock, SharedIds};

/// Our account with the pretend provider of short messages.
const SMS_USER: &str = "demo";
const SMS_PASSWORD: &str = "demo-sms";

/// How the demo starts.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; without it 8080, or the next that is free.
    #[arg(long)]
    pub port: Option<u16>,
    /// Goes on with what the last demo left, instead of beginning anew.
    #[arg(long)]
    pub keep: bool,
    /// Puts the clock forward by so many days.
    #[arg(long, default_value_t = 0)]
    pub days: u16,
    /// The folder of its files.
    #[arg(long, value_name = "FOLDER", default_value = ".daifuku/demo")]
    pub folder: PathBuf,
}

/// Plants the sample group, says who can sign in, and serves until it is stopped.
///
/// # Errors
///
/// When the folder cannot be written or no port is free.
pub fn run(options: &Options, sources: &Sources) -> anyhow::Result<Ended> {
    if !options.keep {
        remove_files(&options.folder)?;
    }
    write_sms_password(&options.folder)?;
    let mailbox = Mailbox::default();
    let mail =
        mailbox.serve((Ipv4Addr::LOCALHOST, 0).into()).context("serve the sandbox's mail")?;
    let config = config(options, sources, mail)?;
    let (house, clock) = open(config, Arc::new(WallClock), !options.keep)?;
    start_log(&house.config, &house.world.clock)?;
    let (network, networks) = if options.keep {
        plant(&house)?;
        plant_shops(&house)?;
        plant_networks(&house, house.config.server_listen)?;
        (open_network(&house)?, open_networks(&house)?)
    } else {
        say("planting a hundred days of history …");
        plant_all(&house, &clock)?
    };
    clock.put_forward(u32::from(options.days).saturating_mul(24));
    let partner = PartnerSandbox::new(partner_key(&house), house.world.clock.clone());
    let sms = SmsSandbox::new((SMS_USER, SMS_PASSWORD), house.world.clock.clone());
    let demo = page::routes(&house, &clock)
        .and(sandbox::routes(&network))
        .and(sandbox_network::routes(&networks))
        .and(partner_sandbox::routes(&partner))
        .and(sms_sandbox::routes(&sms))
        .and(mailbox::routes(&mailbox));
    let routes = routes::routes(&house)?.and(demo);
    let door = house.door_to(routes)?;
    say(greeting(&house));
    run_house(&house, door, &Supervision::default())?;
    Ok(Ended::Well)
}

/// Writes the password of the pretend provider of short messages where an installation has it.
fn write_sms_password(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("sms-password");
    let write = || {
        fs::create_dir_all(folder)?;
        let mut options = OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(SMS_PASSWORD.as_bytes())
    };
    write().with_context(|| format!("write {}", path.display()))
}

/// Removes what a demo left; nothing else that is in the folder.
fn remove_files(folder: &Path) -> anyhow::Result<()> {
    for name in ["daifuku.db", "daifuku.db-wal", "daifuku.db-shm", "secrets", "sms-password"] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("remove {}", path.display())),
        }
    }
    // Clicks that the last demo could not write yet are not this one's.
    match fs::remove_dir_all(folder.join("spool")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context("remove the spool of the last demo")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The settings of the demo; those of the command line come last and win.
fn config(options: &Options, sources: &Sources, mail: SocketAddr) -> anyhow::Result<Config> {
    let asked = sources.flags.iter().rev().find_map(|flag| flag.strip_prefix("server.listen="));
    let address = match asked.and_then(|text| text.parse().ok()) {
        Some(address) => address,
        None => address(options.port)?,
    };
    let mut flags = vec![
        format!("folder={}", options.folder.display()),
        format!("server.listen={address}"),
        // Passkeys are for names, not for numbers.
        format!("site.address=http://localhost:{}", address.port()),
        "site.terms=/demo/terms".to_owned(),
        "site.privacy=/demo/privacy".to_owned(),
        format!("sms.address=http://localhost:{}/sandbox/sms/messages", address.port()),
        format!("sms.user={SMS_USER}"),
        "sms.from=DAIFUKU".to_owned(),
        format!("mail.server={mail}"),
        "mail.security=none".to_owned(),
        "mail.from=points@daifuku.example".to_owned(),
        "server.stop_notice_ms=0".to_owned(),
        "server.drain_ms=1000".to_owned(),
        "log.form=text".to_owned(),
        "log.level=warn".to_owned(),
    ];
    flags.extend(sources.flags.iter().cloned());
    // The settings of an installation on the same machine are not the demo's.
    Config::load(&Sources { file: None, variables: Vec::new(), flags }).map_err(Into::into)
}

/// Finds a free port of loopback, from 8080 on unless one is asked for.
fn address(port: Option<u16>) -> anyhow::Result<SocketAddr> {
    let free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => Ok(on(port)),
        None => (8_080..8_180).map(on).find(free).context("no port from 8080 to 8179 is free"),
    }
}

/// The outside systems of the demo: the network with the shops, and the others.
type Pretended = (Sandbox, SandboxNetworks);

/// Makes the sample group and its past in an empty installation.
///
/// # Errors
///
/// When a door of it refuses what it is to take.
pub(crate) fn plant_all(house: &House, clock: &ShiftedClock) -> anyhow::Result<Pretended> {
    plant(house)?;
    plant_shops(house)?;
    let network = open_network(house)?;
    let networks = open_networks(house)?;
    let partner_day = serve_networks(house, &networks, |address| {
        plant_networks(house, address)?;
        plant_past(house, clock, &network, &networks)
    })?;
    plant_networks(house, house.config.server_listen)?;
    plant_exchanges(house)?;
    clock.catch_up(WallClock.now());
    plant_fraud(house)?;
    plant_rank_proposal(house)?;
    plant_referrals(house)?;
    plant_statements(house, &partner_day)?;
    plant_offers(house)?;
    plant_earning(house)?;
    Ok((network, networks))
}

/// Opens an installation whose clock can be put forward; a fresh one's is back where its past
/// begins.
///
/// # Errors
///
/// When the database or the secrets cannot be opened.
pub(crate) fn open(
    config: Config,
    clock: Arc<dyn Clock>,
    fresh: bool,
) -> anyhow::Result<(House, Arc<ShiftedClock>)> {
    // Three days more than are played: every purchase takes an hour besides.
    let days_back = if fresh { DAYS + 3 } else { 0 };
    let shifted = Arc::new(ShiftedClock::starting_back(clock, days_back));
    let world =
        World { clock: Arc::<ShiftedClock>::clone(&shifted), chance: SharedIds::new(SystemChance) };
    let secrets = Secrets::open(&config.secrets_file, &mut world.chance.clone())?;
    let database = open_database(&config)?;
    prepare_schema(&database, &world, Apply::Everything)?;
    let house = open_house(config, world, secrets, &database)?;
    // A demo that was kept may have been put forward before.
    shifted.catch_up(house.store.look(ledger::Book::last_at));
    Ok((house, shifted))
}

fn greeting(house: &House) -> String {
    let port = house.config.server_listen.port();
    let cells = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
    let mut rows = vec![cells(["who", "mail", "role", "sign in at"])];
    for person in PEOPLE {
        let staff = person.role.second_factor_required();
        let place = if staff { "/staff" } else { "/sign-in" };
        rows.push(cells([person.name, person.mail, person.role.code(), place]));
    }
    format!(
        "\nDaifuku demo: http://localhost:{port}/demo\n\n{}\n\
         password of everybody   {PASSWORD}\n\
         mail that was sent      http://localhost:{port}/sandbox/mail\n\
         codes for staff         http://localhost:{port}/demo shows them\n\
         API key of hoshino      {}\n\
         API reference           http://localhost:{port}/api\n\nCtrl-C ends it.\n",
        table(&rows),
        api_key_text().expose(),
    )
}
