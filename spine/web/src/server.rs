//! Listens, speaks HTTP/1.1 and stops gracefully; what happens to a request is the [`Door`]'s part.

use core::{
    convert::Infallible,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    time::Duration,
};
use std::{io, sync::Arc};

use axum::body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    door::{AccessLog, Door, InWorkMax},
    security::Transport,
};

/// Where to listen and within which limits. `Default` suits one node of two cores.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections open at once; more wait in the kernel's queue.
    pub connections_max: u32,
    /// How long a client may take to send a request's head, and stay idle between requests.
    pub header_timeout_ms: u32,
    /// The most bytes of body, unless the route says otherwise.
    pub body_max: u64,
    /// How long a request may take, unless the route says otherwise.
    pub deadline_ms: u32,
    /// Requests in work at once, per class.
    pub in_work_max: InWorkMax,
    /// How long requests in work may still take once the server stops.
    pub drain_ms: u32,
    /// From how long on a request is logged as slow.
    pub slow_ms: u32,
    /// Which requests the log shows at `info`.
    pub access_log: AccessLog,
    /// How many proxies in front append to `X-Forwarded-For`; 0 believes none.
    pub trusted_proxies: u8,
    /// Where TLS ends.
    pub transport: Transport,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            connections_max: 10_000,
            header_timeout_ms: 30_000,
            body_max: 1 << 20,
            deadline_ms: 10_000,
            in_work_max: InWorkMax::default(),
            drain_ms: 20_000,
            slow_ms: 1_000,
            access_log: AccessLog::Notable,
            trusted_proxies: 0,
            transport: Transport::Plain,
        }
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request in work was answered.
    All,
    /// The drain time was over; so many connections were cut.
    Cut(usize),
}

/// Listens on the options' address.
///
/// # Errors
///
/// As the system gives it: the port is taken or not allowed.
pub async fn bind(options: &ServerOptions) -> io::Result<TcpListener> {
    TcpListener::bind(options.listen).await
}

/// Serves until `stop` is ready, then accepts no more, answers what is in work for at most
/// `drain_ms`, and returns. Runs on whichever runtime it is awaited.
pub async fn serve(
    listener: TcpListener,
    door: Arc<Door>,
    stop: impl Future<Output = ()>,
) -> Drained {
    let room = Arc::new(Semaphore::new(
        usize::try_from(door.options().connections_max).unwrap_or(usize::MAX >> 3),
    ));
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed, so that no permit means no waiting.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
            (accepted, permit) = accepted => match accepted {
                Ok((stream, peer)) => {
                    let (door, stopped) = (Arc::clone(&door), stopped.clone());
                    connections.spawn(async move {
                        connection(stream, peer, door, stopped).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Most often too many open files: accepting at once would fail again.
                    tracing::error!(error = %error, "accept connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    drop(stopped);
    stopping.send_replace(());
    let drain = Duration::from_millis(u64::from(door.options().drain_ms));
    let finished = async { while connections.join_next().await.is_some() {} };
    match tokio::time::timeout(drain, finished).await {
        Ok(()) => Drained::All,
        Err(_elapsed) => {
            let cut = connections.len();
            tracing::warn!(connections = cut, "drain time is over, connections were cut");
            connections.shutdown().await;
            Drained::Cut(cut)
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    door: Arc<Door>,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are small and written whole; waiting for more to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "set TCP_NODELAY");
    }
    let header_timeout = Duration::from_millis(u64::from(door.options().header_timeout_ms));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let door = Arc::clone(&door);
        async move {
            let response = door.answer(request.map(Body::new), peer.ip()).await;
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_headers(64);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _stop = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that went away, sent no HTTP or was too slow: its matter, not ours.
        tracing::debug!(error = %error, client.address = %peer.ip(), "connection ended");
    }
}
