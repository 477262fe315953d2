//! A mail server for the demo and for tests: takes letters over real SMTP (RFC 5321) and keeps the
//! last of them in memory. It sends nothing on.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::letter::{ReadLetter, read_letter};

/// How many letters are kept.
const KEPT: usize = 200;

/// The longest letter in bytes.
const LETTER_MAX: usize = 256 * 1024;

/// The longest line of a dialogue in bytes.
const LINE_MAX: u64 = 4_096;

/// How long a client may say nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// A mail server's letters. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    letters: Arc<Mutex<Vec<ReadLetter>>>,
}

impl Mailbox {
    /// Serves on a thread of its own for as long as the process lives; gives where.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let bound = listener.local_addr()?;
        let mailbox = self.clone();
        thread::Builder::new().name("sandbox-mail".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let mailbox = mailbox.clone();
                // A client that breaks off is no news.
                let talk = move || drop(mailbox.talk(stream));
                drop(thread::Builder::new().name("sandbox-mail".to_owned()).spawn(talk));
            }
        })?;
        Ok(bound)
    }

    /// Gives the letters, the newest first.
    pub fn letters(&self) -> Vec<ReadLetter> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().rev().cloned().collect()
    }

    /// Talks with one client. An address that begins with `nobody` is unknown here, and one that
    /// begins with `full` has no room, so that both can be tried.
    fn talk(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut says = stream.try_clone()?;
        let mut hears = BufReader::new(stream);
        let mut to = Vec::new();
        says.write_all(b"220 sandbox.invalid ESMTP\r\n")?;
        loop {
            let mut line = String::new();
            if hears.by_ref().take(LINE_MAX).read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250-sandbox.invalid\r\n250-8BITMIME\r\n250 SIZE 262144",
                "HELO" | "NOOP" => "250 ok",
                "MAIL" | "RSET" => {
                    to.clear();
                    "250 ok"
                }
                "RCPT" => match address(line) {
                    Some(nobody) if nobody.starts_with("nobody") => "550 5.1.1 no such person",
                    Some(full) if full.starts_with("full") => "452 4.2.2 no room",
                    Some(known) => {
                        to.push(known.to_owned());
                        "250 ok"
                    }
                    None => "501 an address in <>",
                },
                "DATA" if to.is_empty() => "503 to whom?",
                "DATA" => {
                    says.write_all(b"354 end with a dot\r\n")?;
                    self.take(&to, &read_data(&mut hears)?);
                    "250 taken"
                }
                "QUIT" => {
                    says.write_all(b"221 bye\r\n")?;
                    return Ok(());
                }
                _ => "502 what?",
            };
            says.write_all(answer.as_bytes())?;
            says.write_all(b"\r\n")?;
        }
    }

    fn take(&self, to: &[String], travelled: &[u8]) {
        let letter = read_letter(to.join(", "), travelled);
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.len() >= KEPT {
            letters.remove(0);
        }
        letters.push(letter);
    }
}

/// Reads the address of `RCPT TO:<…>`.
fn address(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address)
}

/// Reads a letter up to the line with a dot alone; a dot before a line that has one goes.
fn read_data(hears: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut letter = Vec::new();
    loop {
        let mut line = Vec::new();
        if hears.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(letter);
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        if letter.len() < LETTER_MAX {
            letter.extend_from_slice(line);
        }
    }
}
