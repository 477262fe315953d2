use core::fmt;
use std::path::PathBuf;

use crate::fault::{Fault, FaultKind};
use crate::statement::Dialect;

/// Where the database is: `sqlite:path/to/file.db` or
/// `mysql://user:password@host:port/name?socket=/run/mysqld.sock&tls=required&ca=/etc/ca.pem`.
///
/// Shown and logged without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made when it is missing; its folder must exist.
    Sqlite(PathBuf),
    /// A server.
    MySql(ServerUrl),
}

/// Where a MySQL-protocol server is and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) socket: Option<String>,
    pub(crate) tls: Tls,
}

/// Whether a connection to a server is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Plain: the default on a socket and on loopback only.
    Off,
    /// Encrypted, with the server's name checked against `ca` or the public roots.
    Required { ca: Option<PathBuf> },
}

const PORT: u16 = 3306;

impl DatabaseUrl {
    /// Reads an address. User and password may be percent-encoded.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Configuration`] when the text has another shape; the text itself is not
    /// repeated, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            if path.is_empty() {
                return Err(wrong("there is no path after sqlite:"));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        match text.strip_prefix("mysql://") {
            Some(rest) => ServerUrl::parse(rest).map(Self::MySql),
            None => Err(wrong("it starts with sqlite: or mysql://")),
        }
    }

    /// Tells which SQL is spoken there.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
        }
    }
}

impl ServerUrl {
    fn parse(text: &str) -> Result<Self, Fault> {
        let (address, options) = text.split_once('?').unwrap_or((text, ""));
        let (address, name) =
            address.split_once('/').ok_or_else(|| wrong("there is no /name of a database"))?;
        let (user, place) = address.rsplit_once('@').unwrap_or(("root", address));
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (host, port) = place_of(place)?;
        let plain = matches!(host, "localhost" | "127.0.0.1" | "::1" | "");
        let mut url = Self {
            user: decoded(user)?,
            password: decoded(password)?,
            host: if host.is_empty() { "localhost".to_owned() } else { host.to_owned() },
            port,
            name: decoded(name)?,
            socket: None,
            tls: if plain { Tls::Off } else { Tls::Required { ca: None } },
        };
        if url.name.is_empty() {
            return Err(wrong("the name of the database is empty"));
        }
        for option in options.split('&').filter(|option| !option.is_empty()) {
            url.take(option)?;
        }
        Ok(url)
    }

    fn take(&mut self, option: &str) -> Result<(), Fault> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let value = decoded(value)?;
        match (key, value.as_str()) {
            ("socket", path) if !path.is_empty() => {
                self.socket = Some(value);
                self.tls = Tls::Off;
            }
            ("tls", "off") => self.tls = Tls::Off,
            ("tls", "required") => self.tls = Tls::Required { ca: None },
            ("ca", path) if !path.is_empty() => {
                self.tls = Tls::Required { ca: Some(PathBuf::from(path)) };
            }
            _ => return Err(wrong("options are socket=PATH, tls=off, tls=required and ca=PATH")),
        }
        Ok(())
    }
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`.
fn place_of(place: &str) -> Result<(&str, u16), Fault> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        None => PORT,
        Some(port) => {
            port.parse::<u16>().map_err(|error| wrong("the port is no number").caused_by(error))?
        }
    };
    Ok((host, port))
}

fn decoded(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| {
            digit
                .and_then(|digit| char::from(digit).to_digit(16))
                .and_then(|d| u8::try_from(d).ok())
        });
        match digits {
            [Some(high), Some(low)] => bytes.push((high << 4) | low),
            [_, _] => return Err(wrong("a % is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes).map_err(|_ignored| wrong("a part of it is not UTF-8"))
}

fn wrong(how: &str) -> Fault {
    Fault::new(FaultKind::Configuration, format!("read database address ({how})"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::MySql(server) => fmt::Display::fmt(server, f),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://{}:***@{}:{}/{}", self.user, self.host, self.port, self.name)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> ServerUrl {
        match DatabaseUrl::parse(text).unwrap() {
            DatabaseUrl::MySql(server) => server,
            DatabaseUrl::Sqlite(path) => panic!("{} is a file", path.display()),
        }
    }

    #[test]
    fn addresses_are_read() {
        let file = DatabaseUrl::parse("sqlite:data/points.db").unwrap();
        assert_eq!(file, DatabaseUrl::Sqlite(PathBuf::from("data/points.db")));
        let url = server("mysql://app:p%40ss%3A@db.example:3307/points?ca=/etc/ca.pem");
        assert_eq!((url.user.as_str(), url.password.as_str()), ("app", "p@ss:"));
        assert_eq!(
            (url.host.as_str(), url.port, url.name.as_str()),
            ("db.example", 3307, "points")
        );
        assert_eq!(url.tls, Tls::Required { ca: Some(PathBuf::from("/etc/ca.pem")) });
        let url = server("mysql://root@localhost/points?socket=/run/my.sock");
        assert_eq!((url.port, url.socket.as_deref()), (3306, Some("/run/my.sock")));
        assert_eq!(server("mysql://a:b@[::1]:99/x").host, "::1");
    }

    #[test]
    fn a_server_elsewhere_is_reached_by_tls_unless_told_otherwise() {
        assert_eq!(server("mysql://a:b@127.0.0.1/x").tls, Tls::Off);
        assert_eq!(server("mysql://a:b@10.0.0.7/x").tls, Tls::Required { ca: None });
        assert_eq!(server("mysql://a:b@10.0.0.7/x?tls=off").tls, Tls::Off);
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::parse("mysql://app:secret@db/points").unwrap();
        assert_eq!(url.to_string(), "mysql://app:***@db:3306/points");
        assert!(!format!("{url:?}").contains("secret"), "debug output masks it too");
        for text in [
            "mysql://app:secret@db",
            "mysql://app:secret@db:x/y",
            "secret",
            "sqlite:",
            "mysql://app:secret@db/",
            "mysql://a:%zz@db/x",
            "mysql://app:secret@db/x?ssl=1",
        ] {
            let fault = DatabaseUrl::parse(text).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Configuration, "{text}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }
}
