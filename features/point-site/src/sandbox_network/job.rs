use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::sandbox_network::{Push, SandboxNetwork};

/// How long a network waits for us.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are looked at.
const ANSWER_MAX: u64 = 64 * 1024;

/// Why what a network sent did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The site could not be reached.
    #[error("reach the site")]
    Unreachable(#[from] io::Error),
    /// The site answered something else than 200.
    #[error("the site answered {status:?}")]
    Status {
        /// The first line of the answer.
        status: String,
    },
}

impl SandboxNetwork {
    /// Sends what there is to send about an act, over HTTP; nothing at networks that only answer.
    /// Blocks. A repeat is a resend.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it was not answered with 200.
    pub fn send(&self, number: u32) -> Result<(), SendError> {
        match self.push(number) {
            Some(push) => self.send_push(&push),
            None => Ok(()),
        }
    }

    fn send_push(&self, push: &Push) -> Result<(), SendError> {
        let site = self.config().site;
        let mut stream = TcpStream::connect_timeout(&site, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let head = match &push.body {
            None => format!("GET {} HTTP/1.1\r\n", push.target),
            Some((media, body)) => format!(
                "POST {} HTTP/1.1\r\nContent-Type: {media}\r\nContent-Length: {}\r\n",
                push.target,
                body.len()
            ),
        };
        let body = push.body.as_ref().map_or("", |(_, body)| body.as_str());
        let rest = "User-Agent: sandbox\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{head}Host: {site}\r\n{rest}{body}").as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer);
        let status = text.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        Err(SendError::Status { status: status.to_owned() })
    }
}
