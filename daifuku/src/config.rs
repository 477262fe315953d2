//! Every setting there is, as one list; and the one place that reads the environment.
//!
//! A setting's text comes from the first of these that has it: `--set`, the environment, the file,
//! its default. A text becomes a value here or is refused with its key and where it was written.

use core::{
    fmt::{self, Write as _},
    net::{IpAddr, SocketAddr},
};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use tracing::level_filters::LevelFilter;

use ledger::UnitNumber;
use mail::Security;
use store::DatabaseUrl;
use vocabulary::{CompanyNumber, Email, Label};
use web::{AccessLog, log::LogForm};

/// The file that is read when no other is named and this one is there.
pub const USUAL_FILE: &str = "/etc/daifuku/daifuku.toml";

/// One line of the list of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key as in `--set`: `section.name`, or a name alone.
    pub key: &'static str,
    /// The text that is taken when nobody wrote one; `{folder}` stands for that setting.
    pub default: &'static str,
    /// What it is for, its unit and limits.
    pub meaning: &'static str,
}

impl Setting {
    /// Gives the name of the environment variable.
    pub fn variable(&self) -> String {
        format!("DAIFUKU_{}", self.key.replace('.', "_").to_uppercase())
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ty, $key:literal = $default:literal;)*) => {
        /// The settings of an installation, all of them checked.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $kind,)*
        }

        /// Every setting there is.
        pub const SETTINGS: &[Setting] = &[
            $(Setting { key: $key, default: $default, meaning: concat!($($doc),+) },)*
        ];

        impl Config {
            fn build(texts: &Texts) -> Result<Self, ConfigErrors> {
                let mut errors = Vec::new();
                $(let $field = texts.read::<$kind>($key, &mut errors);)*
                let config = (|| Some(Self { $($field: $field?,)* }))();
                match config {
                    Some(config) if errors.is_empty() => Ok(config),
                    Some(_) | None => Err(ConfigErrors(errors)),
                }
            }

            /// Lists every key with its value as text, without passwords.
            pub fn show(&self) -> Vec<(&'static str, String)> {
                vec![$(($key, self.$field.to_text()),)*]
            }
        }
    };
}

settings! {
    /// Where files go: the embedded database and the secrets, unless they say otherwise.
    folder: PathBuf, "folder" = ".daifuku";
    /// The database: `sqlite:PATH`, or `mysql://user:password@host:port/name`.
    database_url: DatabaseUrl, "database.url" = "sqlite:{folder}/daifuku.db";
    /// The most read connections open at once, 1 to 1000.
    database_readers_max: Bounded<1, 1_000>, "database.readers_max" = "16";
    /// How long a reader waits for a connection, in milliseconds, 1 to 60000.
    database_wait_ms: Bounded<1, 60_000>, "database.wait_ms" = "2000";
    /// How long a write is tried while the database is away before those who wait are told, in
    /// milliseconds, 0 to 60000.
    database_patience_ms: Bounded<0, 60_000>, "database.patience_ms" = "5000";
    /// How old an idle node's view of what other nodes appended may become, in milliseconds, 10 to
    /// 60000; 0 when there is one node. An embedded database has one node.
    database_tail_ms: Bounded<0, 60_000>, "database.tail_ms" = "100";
    /// Movements after which balances are written down, 1000 to 1000000000. More makes writing
    /// faster and starting slower.
    database_checkpoint_every: Bounded<1_000, 1_000_000_000>,
        "database.checkpoint_every" = "1000000";
    /// The file with the installation's secret key, made at the first start. All nodes have the
    /// same one.
    secrets_file: PathBuf, "secrets.file" = "{folder}/secrets";
    /// The address to listen on.
    server_listen: SocketAddr, "server.listen" = "127.0.0.1:8080";
    /// Whether TLS ends in front of us, so that browsers are told to insist on it.
    server_behind_tls: bool, "server.behind_tls" = "false";
    /// How many proxies in front append to `X-Forwarded-For`, 0 to 8; 0 believes none.
    server_trusted_proxies: Bounded<0, 8>, "server.trusted_proxies" = "0";
    /// Connections open at once, 1 to 1000000; more wait in the system's queue.
    server_connections_max: Bounded<1, 1_000_000>, "server.connections_max" = "10000";
    /// How long a request may take unless its route says otherwise, in milliseconds, 100 to 300000.
    server_deadline_ms: Bounded<100, 300_000>, "server.deadline_ms" = "10000";
    /// How long `/readyz` says no before a stopping process closes its door, in milliseconds, 0 to
    /// 60000: longer than the load balancer takes to look.
    server_stop_notice_ms: Bounded<0, 60_000>, "server.stop_notice_ms" = "3000";
    /// How long requests in work may still take after that, in milliseconds, 0 to 300000.
    server_drain_ms: Bounded<0, 300_000>, "server.drain_ms" = "20000";
    /// The addresses that may read `/metrics`, with blanks between them.
    server_metrics_from: Addresses, "server.metrics_from" = "127.0.0.1 ::1";
    /// How a line of the log looks: `json` or `text`.
    log_form: LogForm, "log.form" = "json";
    /// The most detailed level of the log: `error`, `warn`, `info`, `debug` or `trace`.
    log_level: LevelFilter, "log.level" = "info";
    /// Which requests the log shows: `notable` for slow and failed ones, or `every`.
    log_requests: AccessLog, "log.requests" = "notable";
    /// From how long on a request is slow, in milliseconds, 1 to 60000.
    log_slow_ms: Bounded<1, 60_000>, "log.slow_ms" = "1000";
    /// The name of the operator, as authenticator apps show it.
    operator_name: Label, "operator.name" = "Daifuku";
    /// The number of the company whose members' site this is, 1 to 65535.
    site_company: CompanyNumber, "site.company" = "1";
    /// The number of the unit that the members' site counts in, 1 to 65535.
    site_unit: UnitNumber, "site.unit" = "1";
    /// Where members find the site, for links in letters: `https://points.example.jp`; empty for
    /// `http://` and what `server.listen` says.
    site_address: SiteAddress, "site.address" = "";
    /// Where members read the terms that they agree to when they sign up:
    /// `https://www.example.jp/terms`, or a path of this site; empty when there are none, and none
    /// are asked for.
    site_terms: PageAddress, "site.terms" = "";
    /// Where members read the privacy policy, likewise.
    site_privacy: PageAddress, "site.privacy" = "";
    /// The mail server, as `mail.example.jp:587`; empty when letters are to wait in the tray.
    mail_server: MailServer, "mail.server" = "";
    /// How the connection to it is kept private: `starttls`, `tls`, or `none` for a server on this
    /// machine.
    mail_security: Security, "mail.security" = "starttls";
    /// The user at the mail server; empty when it asks for none.
    mail_user: String, "mail.user" = "";
    /// The file with that user's password, readable by its owner alone.
    mail_password_file: String, "mail.password_file" = "{folder}/mail-password";
    /// The address that letters are from; the operator's name stands beside it.
    mail_from: MailAddress, "mail.from" = "";
    /// The address of the provider that short messages are sent by, as
    /// `https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json`; empty when there is none,
    /// and members register no telephone numbers.
    sms_address: PageAddress, "sms.address" = "";
    /// Our account there.
    sms_user: String, "sms.user" = "";
    /// The file with its password, readable by its owner alone.
    sms_password_file: String, "sms.password_file" = "{folder}/sms-password";
    /// The number or name that short messages are from.
    sms_from: String, "sms.from" = "";
    /// How long a member stays signed in without a visit, in minutes, 5 to 129600.
    sessions_member_idle_minutes: Bounded<5, 129_600>, "sessions.member_idle_minutes" = "10080";
    /// How long a member stays signed in at all, in days, 1 to 400.
    sessions_member_days: Bounded<1, 400>, "sessions.member_days" = "30";
    /// How long staff stay signed in without a visit, in minutes, 5 to 1440.
    sessions_staff_idle_minutes: Bounded<5, 1_440>, "sessions.staff_idle_minutes" = "30";
    /// How long staff stay signed in at all, in hours, 1 to 72.
    sessions_staff_hours: Bounded<1, 72>, "sessions.staff_hours" = "12";
    /// Attempts to sign in to one account in five minutes, 3 to 1000.
    sign_in_account_attempts: Bounded<3, 1_000>, "sign_in.account_attempts" = "10";
    /// Attempts to sign in from one address in five minutes, 3 to 100000.
    sign_in_address_attempts: Bounded<3, 100_000>, "sign_in.address_attempts" = "30";
    /// Memory that hashing a password takes, in KiB, 8 to 1048576. Less than the default is for
    /// tests.
    passwords_memory_kib: Bounded<8, 1_048_576>, "passwords.memory_kib" = "19456";
    /// Passes over that memory, 1 to 100.
    passwords_passes: Bounded<1, 100>, "passwords.passes" = "2";
}

/// A whole number between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// Gives the number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The address of the members' site, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAddress(Option<String>);

impl SiteAddress {
    /// Gives it, or that of a listening socket.
    pub fn or_of(&self, listen: SocketAddr) -> String {
        self.0.clone().unwrap_or_else(|| format!("http://{listen}"))
    }
}

/// The address of a page, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAddress(Option<String>);

impl PageAddress {
    /// Gives the address, for a link.
    pub fn href(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A mail server, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer(Option<(String, u16)>);

impl MailServer {
    /// Gives its name and port.
    pub fn parts(&self) -> Option<(&str, u16)> {
        self.0.as_ref().map(|(host, port)| (host.as_str(), *port))
    }
}

/// A mail address, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress(Option<Email>);

impl MailAddress {
    /// Gives the address.
    pub const fn as_ref(&self) -> Option<&Email> {
        self.0.as_ref()
    }
}

/// Addresses of machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(Vec<IpAddr>);

impl Addresses {
    /// Tells whether a machine is among them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// A value that is written as a text.
trait FromText: Sized {
    /// Reads it, or says what the text should be.
    fn from_text(text: &str) -> Result<Self, String>;

    /// Writes it, without what is secret.
    fn to_text(&self) -> String;
}

impl<const MIN: u32, const MAX: u32> FromText for Bounded<MIN, MAX> {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.parse::<u32>() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            Ok(_) | Err(_) => Err(format!("give a whole number from {MIN} to {MAX}")),
        }
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_ignored| "give true or false".to_owned())
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("give a path".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn to_text(&self) -> String {
        self.display().to_string()
    }
}

impl FromText for DatabaseUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        // The text may hold a password, so it is not repeated.
        Self::parse(text).map_err(|fault| match std::error::Error::source(&fault) {
            Some(cause) => format!("{fault}: {cause}"),
            None => fault.to_string(),
        })
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for SocketAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        let example = "give an address and a port, as 127.0.0.1:8080 or [::1]:8080";
        text.parse().map_err(|_ignored| example.to_owned())
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for SiteAddress {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        match host {
            Some(host) if !host.is_empty() && host.bytes().all(part) => {
                Ok(Self(Some(text.to_owned())))
            }
            Some(_) | None => {
                Err("give https:// and a name, without a path: https://points.example.jp"
                    .to_owned())
            }
        }
    }

    fn to_text(&self) -> String {
        self.0.clone().unwrap_or_default()
    }
}

impl FromText for PageAddress {
    fn from_text(text: &str) -> Result<Self, String> {
        let own = text.starts_with('/') && !text.starts_with("//");
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let elsewhere = host.is_some_and(|host| host.starts_with(|first: char| first != '/'));
        // What RFC 3986 lets stand in an address.
        let part =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
        match text {
            "" => Ok(Self(None)),
            _ if (own || elsewhere) && text.bytes().all(part) => Ok(Self(Some(text.to_owned()))),
            _ => Err("give https:// and an address, or a path that begins with /: \
                      https://www.example.jp/terms"
                .to_owned()),
        }
    }

    fn to_text(&self) -> String {
        self.0.clone().unwrap_or_default()
    }
}

impl FromText for MailServer {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let host = |host: &str| {
            let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
            !host.is_empty() && host.bytes().all(part)
        };
        match parts.filter(|(name, port)| host(name) && *port > 0) {
            Some((name, port)) => Ok(Self(Some((name.to_owned(), port)))),
            None => Err("give a name and a port, as mail.example.jp:587".to_owned()),
        }
    }

    fn to_text(&self) -> String {
        self.parts().map(|(host, port)| format!("{host}:{port}")).unwrap_or_default()
    }
}

impl FromText for MailAddress {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let found = Email::parse(text);
        found.map(|mail| Self(Some(mail))).map_err(|_ignored| "give a mail address".to_owned())
    }

    fn to_text(&self) -> String {
        self.as_ref().map(|mail| mail.as_str().to_owned()).unwrap_or_default()
    }
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("give a text without line ends".to_owned());
        }
        Ok(text.to_owned())
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

impl FromText for Addresses {
    fn from_text(text: &str) -> Result<Self, String> {
        let all: Result<Vec<IpAddr>, _> = text.split_whitespace().map(str::parse).collect();
        all.map(Self).map_err(|_ignored| "give addresses with blanks between them".to_owned())
    }

    fn to_text(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl FromText for CompanyNumber {
    fn from_text(text: &str) -> Result<Self, String> {
        Bounded::<1, 65_535>::from_text(text)?;
        text.parse().map(Self::new).map_err(|_ignored| String::new())
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for UnitNumber {
    fn from_text(text: &str) -> Result<Self, String> {
        CompanyNumber::from_text(text).map(|number| Self::new(number.get()))
    }

    fn to_text(&self) -> String {
        self.get().to_string()
    }
}

impl FromText for Label {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }
}

/// Writes what is chosen by a word.
macro_rules! words {
    ($kind:ty { $($word:literal => $value:expr,)* }) => {
        impl FromText for $kind {
            fn from_text(text: &str) -> Result<Self, String> {
                let known: &[(&str, $kind)] = &[$(($word, $value)),*];
                let found = known.iter().find(|(word, _)| *word == text);
                found.map(|(_, value)| *value).ok_or_else(|| {
                    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                    format!("give one of {}", words.join(", "))
                })
            }

            fn to_text(&self) -> String {
                let known: &[(&str, $kind)] = &[$(($word, $value)),*];
                let found = known.iter().find(|(_, value)| value == self);
                found.map_or("", |(word, _)| word).to_owned()
            }
        }
    };
}

words!(LogForm { "json" => Self::Json, "text" => Self::Text, });
words!(AccessLog { "notable" => Self::Notable, "every" => Self::Every, });
words!(Security { "starttls" => Self::StartTls, "tls" => Self::Tls, "none" => Self::None, });
words!(LevelFilter {
    "error" => Self::ERROR,
    "warn" => Self::WARN,
    "info" => Self::INFO,
    "debug" => Self::DEBUG,
    "trace" => Self::TRACE,
});

/// Where a text was written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag => f.write_str("--set"),
        }
    }
}

/// Everything that is wrong with a configuration, each with its key and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    fn one(error: String) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// The texts of all settings, with where they were written.
#[derive(Debug, Default)]
struct Texts(BTreeMap<&'static str, (String, Origin)>);

impl Texts {
    fn put(&mut self, key: &str, text: String, origin: Origin) -> Result<(), String> {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => {
                self.0.insert(setting.key, (text, origin));
                Ok(())
            }
            None => Err(format!("{key} in {origin}: there is no such setting{}", hint(key))),
        }
    }

    fn read<T: FromText>(&self, key: &'static str, errors: &mut Vec<String>) -> Option<T> {
        let (text, origin) = self.0.get(key)?;
        let folder = self.0.get("folder").map_or("", |(folder, _)| folder.as_str());
        match T::from_text(&text.replace("{folder}", folder)) {
            Ok(value) => Some(value),
            Err(advice) => {
                errors.push(format!("{key} in {origin}: {advice}"));
                None
            }
        }
    }
}

/// Names the setting that was perhaps meant: the one that ends, or begins, alike.
fn hint(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let close = |setting: &&Setting| {
        let known = setting.key.rsplit('.').next().unwrap_or(setting.key);
        let shared = known.chars().zip(last.chars()).take_while(|(a, b)| a == b).count();
        known == last || shared >= 4
    };
    match SETTINGS.iter().find(close) {
        Some(setting) => format!("; there is {}", setting.key),
        None => "; `daifuku config list` shows all".to_owned(),
    }
}

/// Where settings come from beside their defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file that must be there.
    pub file: Option<PathBuf>,
    /// Variables whose name begins with `DAIFUKU_`.
    pub variables: Vec<(String, String)>,
    /// `KEY=VALUE` of the command line.
    pub flags: Vec<String>,
}

impl Sources {
    /// Reads the environment: variables, and the usual file when no other is named and it is there.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<String>) -> Self {
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let variables: Vec<_> = env::vars_os()
            .map(|(name, value)| (text(&name), text(&value)))
            .filter(|(name, _)| name.starts_with("DAIFUKU_") && !name.starts_with("DAIFUKU_TEST_"))
            .collect();
        let named = variables.iter().find(|(name, _)| name == "DAIFUKU_CONFIG");
        let named = file.or_else(|| named.map(|(_, path)| PathBuf::from(path)));
        let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|path| path.exists());
        Self { file: named.or_else(usual), variables, flags }
    }
}

impl Config {
    /// Reads and checks all settings.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] with everything that is wrong: a file that is not there or is no TOML, a
    /// key that is no setting, a text that is no value.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut texts = Texts::default();
        let mut errors = Vec::new();
        for setting in SETTINGS {
            let origin = Origin::Default;
            errors.extend(texts.put(setting.key, setting.default.to_owned(), origin).err());
        }
        if let Some(path) = &sources.file {
            for (key, value) in read_file(path)? {
                let origin = Origin::File(path.clone());
                errors.extend(match value {
                    Some(text) => texts.put(&key, text, origin).err(),
                    None => Some(format!("{key} in {origin}: give a text, a number or a boolean")),
                });
            }
        }
        for (name, value) in &sources.variables {
            let origin = Origin::Variable(name.clone());
            let setting = SETTINGS.iter().find(|setting| setting.variable() == *name);
            errors.extend(match setting {
                Some(setting) => texts.put(setting.key, value.clone(), origin).err(),
                None if name == "DAIFUKU_CONFIG" => None,
                None => Some(format!("{origin}: there is no such setting")),
            });
        }
        for flag in &sources.flags {
            errors.extend(match flag.split_once('=') {
                Some((key, value)) => texts.put(key.trim(), value.to_owned(), Origin::Flag).err(),
                None => Some(format!("{flag} in --set: write KEY=VALUE")),
            });
        }
        match Self::build(&texts) {
            Ok(config) if errors.is_empty() => Ok(config),
            Ok(_) => Err(ConfigErrors(errors)),
            Err(ConfigErrors(more)) => {
                errors.extend(more);
                Err(ConfigErrors(errors))
            }
        }
    }
}

/// Reads the keys of a file; `None` for a value that is no scalar.
fn read_file(path: &Path) -> Result<Vec<(String, Option<String>)>, ConfigErrors> {
    let wrong = |error: String| ConfigErrors::one(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let place = error.span().and_then(|span| text.get(..span.start));
        let line = place.map_or(1, |before| before.matches('\n').count().saturating_add(1));
        wrong(format!("line {line}: {}", error.message()))
    })?;
    let mut found = Vec::new();
    flatten("", &table, &mut found);
    Ok(found)
}

fn flatten(prefix: &str, table: &toml::Table, found: &mut Vec<(String, Option<String>)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(below) => flatten(&key, below, found),
            toml::Value::String(text) => found.push((key, Some(text.clone()))),
            toml::Value::Integer(number) => found.push((key, Some(number.to_string()))),
            toml::Value::Boolean(value) => found.push((key, Some(value.to_string()))),
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) => {
                found.push((key, None));
            }
        }
    }
}

/// Writes a file with every setting at its default, each with what it is for.
pub fn default_file() -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in SETTINGS {
        let (of, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            let _infallible = write!(text, "\n[{section}]\n");
        }
        let bare =
            setting.default.parse::<u32>().is_ok() || setting.default.parse::<bool>().is_ok();
        let quote = if bare { "" } else { "\"" };
        let (meaning, variable, default) = (setting.meaning, setting.variable(), setting.default);
        let _infallible =
            write!(text, "#{meaning}\n# {variable}\n{name} = {quote}{default}{quote}\n");
    }
    text
}

/// Writes `docs/generated/config.md`.
pub fn reference() -> String {
    format!(
        "# Settings\n\nThe whole file with every setting at its default; under each its environment \
         variable. A setting is taken\nfrom `--set KEY=VALUE`, else from the environment, else from the \
         file, else it is the default. `{{folder}}` stands\nfor that setting. What is no setting is \
         refused.\n\n```toml\n{}```\n",
        default_file().trim_start()
    )
}

/// What systemd tells a service that it started.
#[derive(Clone, Debug, Default)]
pub struct Supervision {
    /// Where to send messages.
    pub socket: Option<PathBuf>,
    /// Within how long to show a sign of life, in microseconds.
    pub watchdog_microseconds: Option<i64>,
}

impl Supervision {
    /// Reads the environment.
    pub fn of_process() -> Self {
        let watchdog = env::var_os("WATCHDOG_USEC");
        Self {
            socket: env::var_os("NOTIFY_SOCKET").map(PathBuf::from),
            watchdog_microseconds: watchdog.and_then(|text| text.to_str()?.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect, expect_file};

    use super::*;

    /// Loads a file's text, variables and flags.
    fn load(
        file: Option<&str>,
        variables: &[(&str, &str)],
        flags: &[&str],
    ) -> Result<Config, ConfigErrors> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daifuku.toml");
        if let Some(text) = file {
            fs::write(&path, text).unwrap();
        }
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let sources = Sources {
            file: file.map(|_| path.clone()),
            variables: variables.iter().map(pair).collect(),
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        };
        let place = folder.path().display().to_string();
        Config::load(&sources).map_err(|ConfigErrors(errors)| {
            ConfigErrors(errors.iter().map(|error| error.replace(&place, "…")).collect())
        })
    }

    fn refused(file: &str, variables: &[(&str, &str)], flags: &[&str], expected: &Expect) {
        expected.assert_eq(&load(Some(file), variables, flags).unwrap_err().to_string());
    }

    #[test]
    fn the_reference_is_fresh() {
        expect_file!["../../docs/generated/config.md"].assert_eq(&reference());
    }

    #[test]
    fn the_default_file_gives_the_defaults() {
        let from_file = load(Some(&default_file()), &[], &[]).unwrap();
        assert_eq!(from_file.show(), load(None, &[], &[]).unwrap().show());
    }

    /// For each key: a text that is none of its defaults, and one that is refused, if there is any.
    const SAMPLES: &[(&str, &str, &str)] = &[
        ("folder", "/srv/daifuku", ""),
        ("database.url", "sqlite:/srv/other.db", "postgres://x"),
        ("database.readers_max", "4", "0"),
        ("database.wait_ms", "1", "soon"),
        ("database.patience_ms", "0", "60001"),
        ("database.tail_ms", "50", "-1"),
        ("database.checkpoint_every", "5000", "999"),
        ("secrets.file", "/etc/daifuku/secrets", ""),
        ("server.listen", "[::1]:80", "localhost"),
        ("server.behind_tls", "true", "yes"),
        ("server.trusted_proxies", "1", "9"),
        ("server.connections_max", "50", "0"),
        ("server.deadline_ms", "100", "99"),
        ("server.stop_notice_ms", "0", "1.5"),
        ("server.drain_ms", "1", "300001"),
        ("server.metrics_from", "192.0.2.7", "monitoring.example"),
        ("log.form", "text", "xml"),
        ("log.level", "debug", "loud"),
        ("log.requests", "every", "all"),
        ("log.slow_ms", "5", "0"),
        ("operator.name", "福のや", ""),
        ("site.company", "7", "0"),
        ("site.unit", "65535", "65536"),
        ("site.address", "https://points.example.jp", "points.example.jp/"),
        ("site.terms", "https://www.example.jp/terms?v=3#top", "//www.example.jp/terms"),
        ("site.privacy", "/privacy", "javascript:alert(1)"),
        ("mail.server", "mail.example.jp:465", "mail.example.jp"),
        ("mail.security", "tls", "ssl"),
        ("mail.user", "daifuku", "a\nb"),
        ("mail.password_file", "/etc/daifuku/mail-password", "a\nb"),
        ("mail.from", "points@example.jp", "points"),
        ("sms.address", "https://sms.example.jp/messages", "sms.example.jp"),
        ("sms.user", "AC0123", "a\nb"),
        ("sms.password_file", "/etc/daifuku/sms-password", "a\nb"),
        ("sms.from", "DAIFUKU", "a\nb"),
        ("sessions.member_idle_minutes", "5", "4"),
        ("sessions.member_days", "1", "0"),
        ("sessions.staff_idle_minutes", "5", "4"),
        ("sessions.staff_hours", "1", "73"),
        ("sign_in.account_attempts", "3", "2"),
        ("sign_in.address_attempts", "3", "2"),
        ("passwords.memory_kib", "8", "7"),
        ("passwords.passes", "1", "0"),
    ];

    #[test]
    fn each_setting_is_taken_from_every_place_and_refused_by_name() {
        let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(SAMPLES.iter().map(|(key, ..)| *key).collect::<Vec<_>>(), keys);
        for (setting, &(key, good, bad)) in SETTINGS.iter().zip(SAMPLES) {
            let of = |config: &Config| {
                let shown = config.show();
                shown.into_iter().find(|(shown, _)| *shown == key).unwrap().1
            };
            let (flag, variable) = (format!("{key}={good}"), setting.variable());
            let file = format!("{key} = \"{good}\"");
            assert_ne!(
                of(&load(None, &[], &[]).unwrap()),
                good,
                "{key}: the sample is the default"
            );
            assert_eq!(of(&load(Some(&file), &[], &[]).unwrap()), good, "{key}");
            assert_eq!(of(&load(None, &[(&variable, good)], &[]).unwrap()), good, "{variable}");
            assert_eq!(of(&load(None, &[], &[&flag]).unwrap()), good, "{flag}");
            let error = load(None, &[], &[&format!("{key}={bad}")]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} in --set: ")), "{error}");
        }
    }

    #[test]
    fn the_nearer_place_wins() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\ndrain_ms = 1\nbehind_tls = true\n";
        let variables =
            [("DAIFUKU_SERVER_LISTEN", "127.0.0.1:2"), ("DAIFUKU_SERVER_DRAIN_MS", "2")];
        let config = load(Some(file), &variables, &["server.listen=127.0.0.1:3"]).unwrap();
        assert_eq!(config.server_listen.port(), 3);
        assert_eq!((config.server_drain_ms.get(), config.server_behind_tls), (2, true));
    }

    #[test]
    fn the_folder_stands_in_other_settings() {
        let config = load(None, &[], &["folder=/srv/x"]).unwrap();
        assert_eq!(config.database_url.to_string(), "sqlite:/srv/x/daifuku.db");
        assert_eq!(config.secrets_file, Path::new("/srv/x/secrets"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key_and_place() {
        refused(
            "[server]\nlistne = \"x\"\n",
            &[],
            &[],
            &expect![
                "server.listne in …/daifuku.toml: there is no such setting; there is server.listen"
            ],
        );
        refused(
            "listen = \"127.0.0.1:1\"\n",
            &[],
            &[],
            &expect!["listen in …/daifuku.toml: there is no such setting; there is server.listen"],
        );
        refused(
            "[server\n",
            &[],
            &[],
            &expect!["…/daifuku.toml: line 1: unclosed table, expected `]`"],
        );
        refused(
            "[log]\nlevel = [\"info\"]\n",
            &[],
            &[],
            &expect!["log.level in …/daifuku.toml: give a text, a number or a boolean"],
        );
        refused(
            "",
            &[("DAIFUKU_SERVER_LISTENING", "x")],
            &[],
            &expect!["the environment variable DAIFUKU_SERVER_LISTENING: there is no such setting"],
        );
        refused("", &[], &["colour"], &expect!["colour in --set: write KEY=VALUE"]);
        refused(
            "",
            &[],
            &["colour=red", "log.level=x", "site.unit=0"],
            &expect![[r"
            colour in --set: there is no such setting; `daifuku config list` shows all
            log.level in --set: give one of error, warn, info, debug, trace
            site.unit in --set: give a whole number from 1 to 65535"]],
        );
        refused(
            "[database]\nurl = \"mysql://u:secret@h\"\n",
            &[],
            &[],
            &expect![
                "database.url in …/daifuku.toml: read database address (there is no /name of a database): the database is not set up rightly"
            ],
        );
        let missing = Sources { file: Some(PathBuf::from("/nowhere.toml")), ..Sources::default() };
        let error = Config::load(&missing).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere.toml: "), "{error}");
    }

    #[test]
    fn passwords_are_not_shown() {
        let flag = "database.url=mysql://user:secret@localhost/daifuku";
        let config = load(None, &[], &[flag]).unwrap();
        let shown = format!("{:?}", config.show());
        assert!(shown.contains("mysql://") && !shown.contains("secret@"), "{shown}");
    }

    #[test]
    fn metrics_are_for_the_addresses_named() {
        let config = load(None, &[], &["server.metrics_from=192.0.2.7 ::1"]).unwrap();
        let addresses = config.server_metrics_from;
        for (address, expected) in
            [("192.0.2.7", true), ("::ffff:192.0.2.7", true), ("::1", true), ("192.0.2.8", false)]
        {
            assert_eq!(addresses.contain(address.parse().unwrap()), expected, "{address}");
        }
    }
}
