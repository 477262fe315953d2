//! Tells systemd how the service does: one datagram a message (`sd_notify(3)`).

use std::{
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::Path,
};

/// Where systemd listens; nowhere when it did not start us.
#[derive(Debug, Default)]
pub struct Notifier(Option<(UnixDatagram, SocketAddr)>);

impl Notifier {
    /// Takes what `NOTIFY_SOCKET` says: a path, or `@` and a name without a file.
    ///
    /// # Errors
    ///
    /// When the address is none, or the system gives no socket.
    pub fn open(address: Option<&Path>) -> io::Result<Self> {
        let Some(path) = address else { return Ok(Self(None)) };
        let address = match path.as_os_str().as_bytes().split_first() {
            Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
            Some(_) | None => SocketAddr::from_pathname(path)?,
        };
        Ok(Self(Some((UnixDatagram::unbound()?, address))))
    }

    /// Says that requests are served now.
    pub fn ready(&self) {
        self.send("READY=1\nSTATUS=serving");
    }

    /// Says that the service is ending itself.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=answering what is in work");
    }

    /// Says that the service is alive; systemd restarts one that stays silent.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, message: &str) {
        let Some((socket, address)) = &self.0 else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), address) {
            tracing::warn!(error = %error, "tell systemd how the service does");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_at_a_path_and_at_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("daifuku-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (socket, address) in [(by_path, path), (by_name, format!("@{name}").into())] {
            let notifier = Notifier::open(Some(&address)).unwrap();
            notifier.ready();
            notifier.alive();
            notifier.stopping();
            let mut buffer = [0; 100];
            let mut next = || {
                let length = socket.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            assert!(next().starts_with("READY=1\n"), "ready");
            assert_eq!(next(), "WATCHDOG=1");
            assert!(next().starts_with("STOPPING=1\n"), "stopping");
        }
    }

    #[test]
    fn without_systemd_nothing_is_said() {
        Notifier::open(None).unwrap().ready();
    }
}
