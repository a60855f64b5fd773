//! The site's HTTP routes.

use crate::engineio::{Engine, Service};
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::routing::any;
use http::{Request, Response};
use session::listener::Peer;
use std::sync::Arc;

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

async fn handle<S: Service>(
    State(engine): State<Arc<Engine<S>>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request<Body>,
) -> Response<Body> {
    engine.handle(request, peer).await
}
