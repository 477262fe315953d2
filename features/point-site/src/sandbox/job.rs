use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::sandbox::{Order, Sandbox};

/// How long a network waits for us.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are looked at.
const ANSWER_MAX: u64 = 64 * 1024;

/// Why a postback did not arrive.
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

impl Sandbox {
    /// Sends an order's postback as it stands, over HTTP. Blocks. A repeat is a resend.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it was not answered with 200; a network would try again after ten
    /// minutes.
    pub fn send(&self, order: &Order) -> Result<(), SendError> {
        let config = self.config();
        let mut stream = TcpStream::connect_timeout(&config.site, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let (host, target) = (config.site, order.postback(config));
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sandbox\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer);
        let status = text.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) == Some("200") {
            self.note_arrival(order.conversion);
            return Ok(());
        }
        Err(SendError::Status { status: status.to_owned() })
    }
}
