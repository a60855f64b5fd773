//! The site's HTTP routes: Engine.IO, the pages, their API, and pictures.

use crate::api;
use crate::engineio::{Engine, PassedOn, Service};
use crate::media;
use crate::site::Site;
use crate::web;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Json, Router};
use http::{Request, Response, StatusCode};
use session::listener::Peer;
use std::sync::Arc;
use types::{Code, Failure};

/// The routes of an engine: its path, with the last slash or without.
pub fn router<S: Service>(engine: &Arc<Engine<S>>) -> Router {
    let path = engine.config().path.clone();
    let bare = path.trim_end_matches('/');
    let mut router = Router::new().route(&path, any(handle::<S>));
    if !bare.is_empty() && bare != path {
        router = router.route(bare, any(handle::<S>));
    }
    router.with_state(engine.clone())
}

/// Where the other processes pass requests on to, for the internal listener: the engine's path, for who proves to be of
/// the cluster, as if the client had come here.
pub fn passed_on<S: Service>(engine: &Arc<Engine<S>>) -> Router {
    let path = engine.config().path.clone();
    let bare = path.trim_end_matches('/').to_owned();
    let mut router = Router::new().route(&path, any(take_over::<S>));
    if !bare.is_empty() {
        router = router.route(&bare, any(take_over::<S>));
    }
    router.with_state(engine.clone())
}

async fn take_over<S: Service>(State(engine): State<Arc<Engine<S>>>, mut request: Request<Body>) -> Response<Body> {
    let client = engine.elsewhere().and_then(|elsewhere| elsewhere.client_of(request.headers()));
    let Some(client) = client else {
        return failed(&Failure::new(Code::Unauthorized, "this is for the processes of the cluster"));
    };
    request.extensions_mut().insert(PassedOn);
    engine.handle(request, client).await
}

async fn handle<S: Service>(
    State(engine): State<Arc<Engine<S>>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request<Body>,
) -> Response<Body> {
    engine.handle(request, peer).await
}

/// The pages and the API.
pub(crate) fn site(site: &Arc<Site>) -> Router {
    Router::new().nest("/api/v1", api::router(site)).nest("/media", media::router(site)).merge(web::router(site))
}

/// A refusal as HTTP carries it: `{"ok": false, "error": {…}}`.
pub(crate) fn failed(failure: &Failure) -> Response<Body> {
    let status = StatusCode::from_u16(failure.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(serde_json::json!({ "ok": false, "error": failure }))).into_response()
}
