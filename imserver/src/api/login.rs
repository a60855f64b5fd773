//! `login` and `logout`: a page that was given a token once shows it in a cookie from then on, which no script can read.

use super::ready;
use crate::door::unix_seconds;
use crate::engineio;
use crate::http::failed;
use crate::site::Site;
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, header};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use session::listener::Peer;
use std::net::SocketAddr;
use std::sync::Arc;
use types::{Failure, Identity};

/// A token has far less.
const MOST_BYTES: usize = 32 * 1024;

#[derive(Deserialize)]
struct Login {
    token: String,
}

/// `{token}`: sets the cookie, and says who that is.
pub(super) async fn login(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    match logged_in(&site, &parts, peer, body).await {
        Ok((me, cookie)) => ([(header::SET_COOKIE, cookie)], Json(json!({ "ok": true, "me": me }))).into_response(),
        Err(failure) => failed(&failure),
    }
}

async fn logged_in(site: &Site, parts: &Parts, peer: SocketAddr, body: Body) -> Result<(Identity, String), Failure> {
    ready(parts)?;
    let body = engineio::read_body(body, MOST_BYTES).await.map_err(|_| shape())?;
    let said: Box<RawValue> = serde_json::from_slice(&body).map_err(|_| shape())?;
    let Login { token } = serde_json::from_str(said.get()).map_err(|_| shape())?;
    // As in a handshake: what the body says is laid over what the request carries.
    let credentials = site.verifier().credentials(parts, peer).with_auth(&said)?;
    let identity = site.verifier().verify(&credentials, unix_seconds())?;
    Ok((identity, site.verifier().cookie(&token)?))
}

fn shape() -> Failure {
    Failure::bad_request("login takes {token}")
}

/// Ends the cookie. Connections that are open stay: who they are was established when they came.
pub(super) async fn logout(State(site): State<Arc<Site>>) -> Response {
    match site.verifier().no_cookie() {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Json(json!({ "ok": true }))).into_response(),
        Err(failure) => failed(&failure),
    }
}
