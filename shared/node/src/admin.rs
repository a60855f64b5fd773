//! The admin listener: is the process alive, does it want clients, what are its figures.

use crate::{Metrics, metrics};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::RwLock;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a process says of itself; one shared handle. A new one is not ready.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<RwLock<Report>>);

/// The body of `/readyz`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the balancer may send clients here.
    pub ready: bool,
    /// Whether the process is letting its clients go.
    pub draining: bool,
    /// Parts that are out of order while the process serves on; they never make it not ready.
    pub degraded: BTreeSet<String>,
}

impl Health {
    /// The process serves (or no longer does).
    pub fn set_ready(&self, ready: bool) {
        self.0.write().ready = ready;
    }

    /// From now on not ready, for good.
    pub fn set_draining(&self) {
        self.0.write().draining = true;
    }

    /// A part is out of order. `part` is a metric's label: take it from the configuration, never from a client.
    pub fn degrade(&self, part: &str) {
        if self.0.write().degraded.insert(part.to_owned()) {
            metrics::degraded(part, true);
        }
    }

    /// The part works again.
    pub fn restore(&self, part: &str) {
        if self.0.write().degraded.remove(part) {
            metrics::degraded(part, false);
        }
    }

    /// What `/readyz` answers now.
    pub fn report(&self) -> Report {
        let mut report = self.0.read().clone();
        report.ready &= !report.draining;
        report
    }
}

/// `/healthz` (200 while the process runs), `/readyz` (200 or 503, with a [`Report`]) and `/metrics`.
pub fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(health)
        .merge(Router::new().route("/metrics", get(figures)).with_state(metrics))
}

/// Serves the router until `stop`, and keeps the histograms small meanwhile. Let it outlive the drain, so that
/// `/readyz` can tell of it.
///
/// # Errors
/// The listener failed.
pub async fn serve(listener: TcpListener, health: Health, metrics: Metrics, stop: CancellationToken) -> io::Result<()> {
    let app = router(health, metrics.clone());
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
    let mut server = std::pin::pin!(server);
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            ended = &mut server => return ended,
            _ = upkeep.tick() => metrics.upkeep(),
            () = stop.cancelled() => break,
        }
    }
    // A client that never finishes its request holds nobody up.
    tokio::time::timeout(LAST_REQUESTS, server).await.unwrap_or(Ok(()))
}

/// How often histograms are folded when nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long requests that are under way at the end may take.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

async fn readyz(State(health): State<Health>) -> Response {
    let report = health.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

async fn figures(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    async fn get(health: &Health, path: &str) -> (StatusCode, String) {
        let (_recorder, metrics) = Metrics::build("imserver", "1").unwrap();
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router(health.clone(), metrics).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ready(health: &Health) -> (u16, Value) {
        let (status, body) = get(health, "/readyz").await;
        (status.as_u16(), serde_json::from_str(&body).unwrap())
    }

    #[tokio::test]
    async fn ready_only_while_it_serves_and_does_not_drain() {
        let health = Health::default();
        assert_eq!(ready(&health).await, (503, json!({"ready": false, "draining": false, "degraded": []})));
        health.set_ready(true);
        assert_eq!(ready(&health).await, (200, json!({"ready": true, "draining": false, "degraded": []})));
        health.set_draining();
        health.set_ready(true);
        assert_eq!(ready(&health).await, (503, json!({"ready": false, "draining": true, "degraded": []})));
        assert_eq!(get(&health, "/healthz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_part_out_of_order_is_told_but_does_not_empty_the_balancer() {
        let health = Health::default();
        health.set_ready(true);
        health.degrade("store");
        health.degrade("redis-2");
        assert_eq!(
            ready(&health).await,
            (200, json!({"ready": true, "draining": false, "degraded": ["redis-2", "store"]}))
        );
        health.restore("store");
        assert_eq!(ready(&health).await.1["degraded"], json!(["redis-2"]));
    }

    #[test]
    fn a_degraded_part_is_a_metric_until_it_is_restored() {
        let (recorder, metrics) = Metrics::build("imserver", "1").unwrap();
        ::metrics::with_local_recorder(&recorder, || {
            let health = Health::default();
            health.degrade("store");
            assert!(metrics.render().contains("im_degraded{part=\"store\"} 1"));
            health.restore("store");
            assert!(metrics.render().contains("im_degraded{part=\"store\"} 0"));
        });
    }

    #[tokio::test]
    async fn metrics_are_served_as_text() {
        let (status, body) = get(&Health::default(), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("im_build_info"), "{body}");
    }

    #[tokio::test]
    async fn stopping_waits_for_no_half_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_recorder, metrics) = Metrics::build("imserver", "1").unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, Health::default(), metrics, stop.clone()));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"GET /healthz HT").await.unwrap();
        stop.cancel();
        served.await.unwrap().unwrap();
    }
}
