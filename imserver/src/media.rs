//! `GET /media/<members>/<name>`: pictures, for the members of their conversation.

use crate::door::unix_seconds;
use crate::engineio::Origin;
use crate::http::failed;
use crate::site::Site;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderValue, header};
use pictures::Address;
use session::listener::Peer;
use std::net::SocketAddr;
use std::sync::Arc;
use types::Failure;

/// A picture never changes; only who may see it is nobody else's business.
const FOR_GOOD: &str = "private, max-age=31536000, immutable";

/// Whatever a browser takes it for, it runs nothing and is no document of ours.
const NOTHING_RUNS: &str = "default-src 'none'; sandbox";

pub(crate) fn router(site: &Arc<Site>) -> Router {
    Router::new().route("/{members}/{name}", get(serve)).with_state(site.clone())
}

async fn serve(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path((members, name)): Path<(String, String)>,
    mut parts: Parts,
) -> Response {
    match find(&site, &mut parts, peer, &members, &name).await {
        Ok(picture) => picture,
        Err(failure) => {
            let mut response = failed(&failure);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    }
}

async fn find(
    site: &Site,
    parts: &mut Parts,
    peer: SocketAddr,
    members: &str,
    name: &str,
) -> Result<Response, Failure> {
    let cors = &site.config().engine.cors;
    let origin = cors.judge(&parts.headers, false);
    if origin == Origin::Foreign {
        return Err(Failure::forbidden("this origin may not use pictures"));
    }
    cors.withhold(&origin, false, &mut parts.headers);
    let user = site.verifier().verify(&site.verifier().credentials(parts, peer), unix_seconds())?.user;
    let address = Address::parse(members, name).filter(|address| address.members.have(&user));
    // Whoever is no member learns nothing, not even whether there is one.
    let none = || Failure::not_found("you have no such picture");
    let address = address.ok_or_else(none)?;
    let folder = site.pictures().ok_or_else(none)?;
    let bytes = folder.read(&address).await.map_err(|error| {
        tracing::warn!(%error, "a picture could not be read");
        Failure::unavailable("pictures cannot be read just now").retry_after(5_000)
    })?;
    let mut response = Response::new(Body::from(bytes.ok_or_else(none)?));
    let headers = [
        (header::CONTENT_TYPE, address.kind.media_type()),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::CONTENT_SECURITY_POLICY, NOTHING_RUNS),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    cors.dress(&origin, &mut response);
    Ok(response)
}
