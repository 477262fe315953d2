use core::net::SocketAddr;
use std::sync::Arc;

use crate::click::reference;
use crate::conversion::Status;
use crate::message::process_messages;
use crate::report::{StartReport, UploadedReport, apply_reports, receive_report};
use crate::sandbox::{Pays, Sandbox, SandboxConfig, SandboxShop, SendError, routes};
use crate::tests::{OURS, SECRET, Stage, token, wait};
use crate::{TEXTS, Trust};
use vocabulary::Clock as _;
use web::testing::{Client, door_with, frame};
use web::{OpenToAll, ServerOptions};

/// Serves the site on loopback while `story` runs on another thread.
fn with_site(story: impl FnOnce(&Stage, SocketAddr) + Send) {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let door = stage.door(None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options =
        ServerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerOptions::default() };
    let listener = runtime.block_on(web::bind(&options)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let story = scope.spawn(|| {
            story(&stage, address);
            drop(stop);
        });
        let _drained = runtime.block_on(web::serve(listener, door, async {
            drop(stopped.await);
        }));
        story.join().unwrap();
    });
}

fn config(site: SocketAddr, secret: &str) -> SandboxConfig {
    let (slug, name) = ("books".to_owned(), "本の店".to_owned());
    let shops = vec![SandboxShop { slug, name, pays: Pays::Rate(300) }];
    SandboxConfig { site, secret: secret.to_owned(), shops }
}

#[test]
fn an_order_goes_all_the_way_to_points_over_real_http_and_a_real_file() {
    with_site(|stage, site| {
        let ours = config(site, &format!("{SECRET}main"));
        let sandbox = Sandbox::new(ours, stage.clock.clone());
        let click = stage.click(1, stage.books);
        let shop = sandbox.shop("books").unwrap();
        let orders = sandbox.order(shop, &reference(click), 4_000, 3);
        for order in &orders {
            sandbox.send(order).unwrap();
        }
        assert_eq!(process_messages(&stage.site).unwrap(), 3);
        assert_eq!(stage.purse(), "has 0 expects 180 owes 0");
        sandbox.decide(orders[0].conversion, Status::Approved).unwrap();
        sandbox.decide(orders[1].conversion, Status::Approved).unwrap();
        let rejected = sandbox.decide(orders[2].conversion, Status::Rejected).unwrap();
        sandbox.send(&rejected).unwrap();
        process_messages(&stage.site).unwrap();
        assert_eq!(stage.purse(), "has 0 expects 180 owes 0", "the report decides");
        let by = stage.site.config().actor;
        let upload = UploadedReport {
            network: token("accesstrade"),
            account: token("main"),
            file_name: "monthly.csv".to_owned(),
            bytes: sandbox.monthly_file(),
            by,
        };
        let report = receive_report(&stage.site, &upload).unwrap().report;
        stage.site.store().run(StartReport { report, company: OURS, by }).unwrap().unwrap();
        assert_eq!(apply_reports(&stage.site).unwrap(), 3);
        assert_eq!(stage.purse(), "has 120 expects 0 owes 0");
        let wrong = Sandbox::new(config(site, "guess"), stage.clock.clone());
        let refused = wrong.send(&orders[0]).unwrap_err();
        assert!(matches!(refused, SendError::Status { .. }), "{refused}");
    });
}

#[test]
fn the_pretend_pages_work_also_when_the_site_is_away() {
    let clock = Arc::new(vocabulary::ManualClock::new(crate::tests::at("2026-11-01 12:00")));
    // Nothing listens on port 1.
    let site = SocketAddr::from(([127, 0, 0, 1], 1));
    let sandbox = Sandbox::new(config(site, "x"), clock.clone());
    let frame = frame(&[TEXTS]);
    let table = routes(&sandbox).and(frame.routes());
    let door = door_with(table, ServerOptions::default(), frame, Arc::new(OpenToAll)).unwrap();
    let client = Client::new(Arc::new(door)).browser();
    wait(async {
        let page = client.get("/sandbox/shop/books?ref=%22%3E").await;
        assert_eq!(client.get("/sandbox/shop/other").await.status.as_u16(), 404);
        assert!(page.text.contains("お試しショップ") && !page.text.contains("value=\"\">\""));
        assert!(client.get("/sandbox/network").await.text.contains("まだ成果はありません"));
        let form = [("ref", "abc,\"d"), ("price", "3980"), ("items", "2")];
        let ordered = client.post_form("/sandbox/shop/books/buy", &form).await;
        assert_eq!(ordered.status.as_u16(), 303);
        let page = client.get(ordered.header("location")).await;
        assert!(page.text.contains("届きませんでした"), "{}", page.text);
        let unknown = client.get("/sandbox/shop/books/orders/R-1").await;
        assert_eq!(unknown.status.as_u16(), 404);
        let decided = client
            .post_form("/sandbox/network/1793502000/decide", &[("decision", "approved")])
            .await;
        assert_eq!(decided.status.as_u16(), 303);
        let unknown =
            client.post_form("/sandbox/network/1/decide", &[("decision", "resend")]).await;
        assert_eq!(unknown.status.as_u16(), 404);
        assert!(client.get("/sandbox/network").await.text.contains("R-1793502000 / 2"));
    });
    assert_eq!(sandbox.orders().len(), 2);
    assert_eq!(sandbox.find(1_793_502_000).unwrap().status, Status::Approved);
    let sheet = crate::sheet::read_sheet(&sandbox.monthly_file(), vocabulary::Zone::JAPAN).unwrap();
    assert_eq!((sheet.rows.len(), sheet.errors), (2, Vec::new()));
    assert!(clock.now() > vocabulary::Timestamp::default(), "the clock is the test's");
}
