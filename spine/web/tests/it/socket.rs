use core::net::SocketAddr;
use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use web::{
    Class, Drained, InWorkMax, RawBody, Routes, ServerOptions, bind, get, post, serve,
    testing::door,
};

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Drained>,
    /// Told when a handler of `/wait` has begun.
    begun: Arc<Notify>,
    /// Lets a handler of `/wait` go on.
    go_on: Arc<Notify>,
}

async fn buggy() -> String {
    panic!("a bug")
}

async fn start(options: ServerOptions) -> Server {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move || async move {
            begun.notify_one();
            go_on.notified().await;
            "waited"
        }
    };
    let routes = Routes::of("test")
        .on(get("/wait", "public"), wait)
        .on(get("/never", "public").deadline_ms(1), core::future::pending::<()>)
        .on(get("/critical", "public").class(Class::Critical), || async { "let in" })
        .on(post("/echo", "public").body_max(10), |RawBody(bytes): RawBody| async move { bytes })
        .on(get("/panic", "public"), buggy);
    let options = ServerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..options };
    let listener = bind(&options).await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Arc::new(door(routes, options).unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(serve(listener, door, async {
        stopped.await.unwrap_or_default();
    }));
    Server { address, stop: Some(stop), ended, begun, go_on }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// Reads one answer: the head, and as much body as it announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let count = stream.read(&mut part).await.unwrap();
        if count == 0 {
            return text;
        }
        bytes.extend_from_slice(&part[..count]);
    }
}

async fn ask(server: &Server, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    read(&mut stream).await
}

fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

#[tokio::test]
async fn a_connection_outlives_problems_and_panics() {
    let server = start(ServerOptions::default()).await;
    let mut stream = connect(&server).await;
    for (path, status) in
        [("/critical", "200"), ("/panic", "500"), ("/nowhere", "404"), ("/critical", "200")]
    {
        stream.write_all(get_request(path).as_bytes()).await.unwrap();
        let answer = read(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("x-request-id: req_"), "{answer}");
    }
}

#[tokio::test]
async fn what_takes_too_long_is_answered_504() {
    let server = start(ServerOptions::default()).await;
    let answer = ask(&server, &get_request("/never")).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains("deadline_exceeded"), "{answer}");
}

#[tokio::test]
async fn too_much_is_answered_413_announced_or_not() {
    let server = start(ServerOptions::default()).await;
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\n";
    let announced = ask(&server, &format!("{head}content-length: 11\r\n\r\n01234567890")).await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    let chunks = "6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n";
    let chunked = ask(&server, &format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}")).await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    let fits = ask(&server, &format!("{head}content-length: 2\r\n\r\nok")).await;
    assert!(fits.ends_with("\r\n\r\nok"), "{fits}");
}

#[tokio::test]
async fn the_host_is_told_once() {
    let server = start(ServerOptions::default()).await;
    let host = "host: localhost\r\n";
    let table = [
        ("HTTP/1.1", String::new(), "400"),
        ("HTTP/1.1", host.to_owned(), "200"),
        ("HTTP/1.1", host.repeat(2), "400"),
        ("HTTP/1.0", String::new(), "200"),
        ("HTTP/1.0", host.repeat(2), "400"),
    ];
    for (version, hosts, status) in table {
        let answer = ask(&server, &format!("GET /critical {version}\r\n{hosts}\r\n")).await;
        let (_, rest) = answer.split_once(' ').unwrap();
        assert!(rest.starts_with(status), "{version} {hosts}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_answered_400_and_closed() {
    let server = start(ServerOptions::default()).await;
    for request in ["\u{16}\u{3}\u{1}hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "nonsense\r\n\r\n"] {
        let answer = ask(&server, request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{request}: {answer}");
    }
    assert!(ask(&server, &get_request("/critical")).await.ends_with("let in"), "still serving");
}

#[tokio::test]
async fn a_full_class_is_shed_and_the_others_are_let_in() {
    let in_work_max = InWorkMax { member: 1, ..InWorkMax::default() };
    let server = start(ServerOptions { in_work_max, ..ServerOptions::default() }).await;
    let mut first = connect(&server).await;
    first.write_all(get_request("/wait").as_bytes()).await.unwrap();
    server.begun.notified().await;
    let second = ask(&server, &get_request("/wait")).await;
    assert!(second.starts_with("HTTP/1.1 503"), "{second}");
    assert!(second.contains("retry-after: 1"), "{second}");
    assert!(ask(&server, &get_request("/critical")).await.ends_with("let in"), "another class");
    server.go_on.notify_one();
    assert!(read(&mut first).await.ends_with("waited"), "the first was not disturbed");
    server.go_on.notify_one();
    assert!(ask(&server, &get_request("/wait")).await.ends_with("waited"), "there is room again");
}

#[tokio::test]
async fn a_stop_lets_requests_in_work_finish_and_takes_no_more() {
    let mut server = start(ServerOptions::default()).await;
    let mut idle = connect(&server).await;
    let mut busy = connect(&server).await;
    busy.write_all(get_request("/wait").as_bytes()).await.unwrap();
    server.begun.notified().await;
    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(read(&mut idle).await, "", "an idle connection is closed");
    assert!(TcpStream::connect(server.address).await.is_err(), "no new connection");
    server.go_on.notify_one();
    assert!(read(&mut busy).await.ends_with("waited"), "the request in work is answered");
    assert_eq!(server.ended.await.unwrap(), Drained::All);
}

#[tokio::test]
async fn what_does_not_finish_in_the_drain_time_is_cut() {
    let mut server = start(ServerOptions { drain_ms: 1, ..ServerOptions::default() }).await;
    let mut busy = connect(&server).await;
    busy.write_all(get_request("/wait").as_bytes()).await.unwrap();
    server.begun.notified().await;
    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(server.ended.await.unwrap(), Drained::Cut(1));
    assert_eq!(read(&mut busy).await, "", "the connection is closed");
}
