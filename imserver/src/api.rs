//! The API for pages: `POST /api/v1/<name>` does what the Socket.IO event of that name does, with the same payload and the
//! same answer, for whoever has no connection or wants none.
//!
//! `GET /api/v1/openapi.json` describes it. What needs a connection (live relaying, rooms, watching presence, receipts) is
//! not here.

mod caller;
mod document;
mod login;
mod pictures;
mod schema;

pub(crate) use caller::Caller;

use crate::door::unix_seconds;
use crate::engineio::{self, Origin};
use crate::http::failed;
use crate::site::Site;
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chat::{Answer, Command};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use session::listener::Peer;
use std::net::SocketAddr;
use std::sync::Arc;
use types::{Code, Failure, Identity};

/// The routes, by path below `/api/v1`.
pub(crate) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/openapi.json", get(document))
        .route("/me", get(me))
        .route("/people", get(people))
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/pictures", post(pictures::upload))
        .route("/{*operation}", post(operation))
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(site.clone(), by_origin))
        .with_state(site.clone())
}

/// Holds requests to the same rules about origins as the handshakes of connections.
async fn by_origin(State(site): State<Arc<Site>>, mut request: Request<Body>, next: Next) -> Response {
    let cors = &site.config().engine.cors;
    let origin = cors.judge(request.headers(), false);
    cors.withhold(&origin, false, request.headers_mut());
    let mut response = match origin {
        Origin::Foreign => failed(&Failure::forbidden("this origin may not use the API")),
        _ if request.method() == Method::OPTIONS => cors.preflight(request.headers()),
        _ => next.run(request).await,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    cors.dress(&origin, &mut response);
    response
}

async fn not_allowed() -> Response {
    let refused = Failure::bad_request("operations are POST, with a JSON object as the body");
    let mut response = failed(&refused);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document::text()).into_response()
}

/// Who the request comes from, established exactly as for a Socket.IO handshake.
async fn me(State(site): State<Arc<Site>>, Extension(Peer(peer)): Extension<Peer>, parts: Parts) -> Response {
    match identity(&site, &parts, peer) {
        Ok(identity) => Json(serde_json::json!({ "ok": true, "me": identity })).into_response(),
        Err(failure) => failed(&failure),
    }
}

/// Who one can be, for a first look.
async fn people(State(site): State<Arc<Site>>) -> Response {
    if !site.config().auth.is_dev() {
        return failed(&Failure::not_found("people are who they log in as"));
    }
    Json(serde_json::json!({ "ok": true, "people": site.config().people })).into_response()
}

async fn operation(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let command = match read(&site, &parts, peer, &name, body).await {
        Ok(command) => command,
        Err(failure) => return failed(&failure),
    };
    let (command, identity) = command;
    site.chat().meet(&identity.user, None).await;
    let caller = Caller::new(&site.config().server.process_id, identity);
    let outcome = site.chat().handle(&caller, command).await;
    let status = match &outcome {
        Ok(_) => StatusCode::OK,
        Err(error) => status_of(&error.failure()),
    };
    (status, Json(Answer(&outcome))).into_response()
}

/// Reads a request for an operation: what is asked, and by whom.
async fn read(
    site: &Site,
    parts: &Parts,
    peer: SocketAddr,
    name: &str,
    body: Body,
) -> Result<(Command, Identity), Failure> {
    if !document::OPERATIONS.iter().any(|operation| operation.name == name) {
        return Err(Failure::not_found("the API has no such operation: see /api/v1/openapi.json"));
    }
    // Before the body is read: who may not ask costs nothing.
    let identity = identity(site, parts, peer)?;
    site.limits().event(&identity.user)?;
    ready(parts)?;
    let most = site.config().engine.max_payload_bytes;
    let body = engineio::read_body(body, most).await.map_err(|status| match status {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(Code::TooLarge, format!("a request has at most {most} bytes")),
        _ => Failure::bad_request("the body did not come whole, or came too slowly"),
    })?;
    let body = str::from_utf8(&body).map_err(|_| Failure::bad_request("the body is not UTF-8"))?;
    let command = Command::parse(name, Some(body), &[]).unwrap_or_else(|| Err(Failure::not_found("no such event")))?;
    Ok((command, identity))
}

fn identity(site: &Site, parts: &Parts, peer: SocketAddr) -> Result<Identity, Failure> {
    site.verifier().verify(&site.verifier().credentials(parts, peer), unix_seconds())
}

/// Whether the body is what it must be. A form of another page cannot say so without asking first.
fn ready(parts: &Parts) -> Result<(), Failure> {
    if is_json(&parts.headers) {
        Ok(())
    } else {
        Err(Failure::bad_request("the body must be of type application/json"))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn status_of(failure: &Failure) -> StatusCode {
    StatusCode::from_u16(failure.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
