use crate::site::{Site, block_on};
use web::StatusCode;

#[test]
fn health_readiness_and_metrics_are_served() {
    let site = Site::new();
    block_on(async {
        let client = site.client();
        assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
        assert_eq!(client.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
        let probe = site.house.probe();
        tokio::task::spawn_blocking(move || probe.look()).await.unwrap();
        assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
        let metrics = client.get("/metrics").await;
        assert!(metrics.text.contains("daifuku_ready 1\n"), "{}", metrics.text);
        let label = "route=\"/readyz\",status=\"5xx\"";
        assert!(metrics.text.contains(label), "{}", metrics.text);
        site.house.health.drain();
        assert_eq!(client.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    });
}
