//! The access log. A process has one log, and what another thread logs first decides for all, so
//! that this test has a process of its own.
#![cfg(test)]

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::level_filters::LevelFilter;

use vocabulary::ManualClock;
use web::{
    Path, Routes, ServerOptions, get,
    log::{LogForm, LogOptions, start},
    testing::{Client, door},
};

async fn buggy() -> String {
    panic!("a bug")
}

#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_the_route_and_never_the_query() {
    let written = Written::default();
    let options = LogOptions {
        form: LogForm::Json,
        level: LevelFilter::DEBUG,
        service: "daifuku",
        version: "0.1.0",
        clock: Arc::new(ManualClock::default()),
        out: Box::new(written.clone()),
    };
    start(options).unwrap();
    let routes = Routes::of("test")
        .on(get("/hello/{name}", "public"), |_: Path<String>| async {})
        .on(get("/panic", "public"), buggy);
    let client = Client::new(Arc::new(door(routes, ServerOptions::default()).unwrap()));
    let client = client.header("authorization", "Bearer secret").header("x-request-id", "mine");
    client.get("/hello/a?token=secret").await;
    client.get("/panic").await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [hello, panicked, failed] = lines.as_slice() else { panic!("{text}") };
    for (name, value) in [
        ("severity_text", "DEBUG"),
        ("http.request.method", "GET"),
        ("http.route", "/hello/{name}"),
        ("url.path", "/hello/a"),
        ("request.id", "mine"),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(hello[name], value, "{name} in {text}");
    }
    assert_eq!(hello["http.response.status_code"], 200);
    assert_eq!(
        (&panicked["severity_text"], &panicked["request.id"]),
        (&"ERROR".into(), &"mine".into())
    );
    assert_eq!(
        (&failed["severity_text"], &failed["http.route"]),
        (&"INFO".into(), &"/panic".into())
    );
    assert!(!text.contains("secret"), "{text}");
}
