//! The real program, served, and a client that speaks to it over TCP as a company's service does.

use core::ops::Range;
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// An installation whose program is started and killed.
pub(crate) struct Installation {
    folder: PathBuf,
    database: String,
}

/// The program while it serves.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Installation {
    pub(crate) fn new(folder: &Path, database: &str) -> Self {
        Self { folder: folder.to_owned(), database: database.to_owned() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daifuku"));
        command.env_clear().current_dir(&self.folder);
        for setting in ["folder=files", "server.listen=127.0.0.1:0", "server.stop_notice_ms=0"] {
            command.args(["--set", setting]);
        }
        command.args(["--set", "passwords.memory_kib=8", "--set"]);
        command.arg(format!("database.url={}", self.database));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs a command that must do well, and gives what it said.
    pub(crate) fn must(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        let text = String::from_utf8(stdout).unwrap();
        assert!(status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&stderr));
        text.trim().to_owned()
    }

    /// Starts to serve; gives the program when it takes requests.
    pub(crate) fn serve(&self, settings: &[&str]) -> Served {
        let mut command = self.command();
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.arg("serve").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(Ok(line)) = log.next() else { panic!("it does not serve: {said:#?}") };
            if let Some((_, rest)) = line.split_once("serving on ") {
                let address = rest.split(|sign: char| !"0123456789.:".contains(sign)).next();
                break address.unwrap().parse().unwrap();
            }
            said.push(line);
        };
        // A pipe that nobody reads would stop it.
        thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Served { child, address }
    }
}

impl Served {
    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success(), "the signal was sent");
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An installation with a company that has a unit, four members' accounts and an API key.
pub(crate) struct Bank {
    pub(crate) installation: Installation,
    _folder: tempfile::TempDir,
    pub(crate) key: String,
    cost: String,
    pub(crate) wallets: Vec<String>,
}

impl Bank {
    pub(crate) fn set_up(database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installation = Installation::new(folder.path(), database);
        let create = ["key", "create", "--label", "setup", "--needs"];
        let setup = installation.must(&[&create[..], &["company.manage"]].concat());
        let served = installation.serve(&[]);
        let mut connection = Connection::open(served.address, &setup).unwrap();
        let company = json!({"code": "ours", "name": "Ours"});
        let (status, answer) = connection.ask("POST", "/api/v1/companies", Some(&company)).unwrap();
        assert_eq!(status, 201, "{answer}");
        assert!(served.stop().success(), "it ends well");
        let needs = "unit.manage,account.open,account.read,transfer.write";
        let key = installation.must(&[&create[..], &[needs, "--company", "ours"]].concat());
        let served = installation.serve(&[]);
        let mut connection = Connection::open(served.address, &key).unwrap();
        let mut ask = |path: &str, body: Value| {
            let (status, answer) = connection.ask("POST", path, Some(&body)).unwrap();
            assert!(matches!(status, 200 | 201), "{path}: {answer}");
            answer
        };
        let unit = ask("/api/v1/units", json!({"code": "PT", "scale": 0}));
        let cost = unit["accounts"]["cost"].as_str().unwrap().to_owned();
        let wallets = (1..=4).map(|number| {
            let id = format!("0192f3a0-7c1e-7b3a-9d55-{number:012}");
            let form = json!({"id": id, "unit": "PT", "side": "credit", "lots": true});
            ask("/api/v1/accounts", form)["id"].as_str().unwrap().to_owned()
        });
        let wallets = wallets.collect();
        assert!(served.stop().success(), "it ends well");
        Self { installation, _folder: folder, key, cost, wallets }
    }

    /// The transfer of an id: one point to one of the members, always the same.
    pub(crate) fn grant(&self, id: &str) -> Value {
        let place = id.bytes().map(usize::from).sum::<usize>() % self.wallets.len();
        let lot = json!({"kind": "free", "expires_on": "2029-12-31"});
        json!({
            "id": id, "debit": self.cost, "credit": self.wallets[place], "amount": 1,
            "kind": "grant", "lot": lot,
        })
    }

    /// Posts the transfers of some numbers in one request.
    pub(crate) fn grant_many(
        &self,
        connection: &mut Connection,
        numbers: Range<u64>,
    ) -> (u16, Value) {
        let transfers: Vec<Value> =
            numbers.map(|number| self.grant(&format!("k{number}"))).collect();
        let body = json!({ "transfers": transfers });
        connection.ask("POST", "/api/v1/transfers", Some(&body)).unwrap()
    }

    /// What all members have.
    pub(crate) fn posted(&self, connection: &mut Connection) -> u64 {
        let posted = |wallet: &String| {
            let path = format!("/api/v1/accounts/{wallet}");
            let (status, answer) = connection.ask("GET", &path, None).unwrap();
            assert_eq!(status, 200, "{answer}");
            answer["posted"].as_u64().unwrap()
        };
        self.wallets.iter().map(posted).sum()
    }
}

/// A connection of a client, with its API key.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    key: String,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr, key: &str) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(90)))?;
        Ok(Self { stream: BufReader::new(stream), key: key.to_owned() })
    }

    /// Sends a request and waits for its answer: the status and the body.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<(u16, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok((status, body))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let whole = line.strip_suffix("\r\n").map(str::to_owned);
        whole.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
