//! `pictures`: takes a picture for a conversation, before the message that shows it is sent.

use super::identity;
use crate::engineio;
use crate::http::failed;
use crate::site::Site;
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, StatusCode};
use pictures::{Error, Kept, Members};
use serde_json::json;
use session::listener::Peer;
use std::net::SocketAddr;
use std::sync::Arc;
use types::{Code, Failure, UserKey};

/// `?to_user_id=…`, the body being the picture: answers what a message of type `image` says of it.
pub(super) async fn upload(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    match keep(&site, &parts, peer, body).await {
        Ok(Kept { picture, small, width, height, bytes }) => {
            let [url, small_url] = [picture, small].map(|address| format!("/media/{address}"));
            let message =
                json!({ "url": url, "small_url": small_url, "width": width, "height": height, "bytes": bytes });
            Json(json!({ "ok": true, "message": message })).into_response()
        }
        Err(failure) => failed(&failure),
    }
}

async fn keep(site: &Site, parts: &Parts, peer: SocketAddr, body: Body) -> Result<Kept, Failure> {
    let user = identity(site, parts, peer)?.user;
    let members = Members::of(user.clone(), receiver(parts)?);
    let folder =
        site.pictures().ok_or_else(|| Failure::unavailable("pictures.dir is not set: no pictures are kept"))?;
    // A form of another page cannot send such a body without asking first.
    if !parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"image/")) {
        return Err(Failure::bad_request("the body must be a picture, and its type image/…"));
    }
    site.limits().picture(&user)?;
    let most = folder.config().max_bytes;
    let upload = engineio::read_body(body, most).await.map_err(|status| match status {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(Code::TooLarge, format!("a picture has at most {most} bytes")),
        _ => Failure::bad_request("the picture did not come whole, or came too slowly"),
    })?;
    drawn(folder.keep(members, upload).await)
}

fn drawn(outcome: Result<Kept, Error>) -> Result<Kept, Failure> {
    outcome.map_err(|error| match &error {
        Error::UnknownType | Error::Damaged => Failure::bad_request(error.to_string()),
        Error::TooManyPixels { .. } => Failure::new(Code::TooLarge, error.to_string()),
        Error::Folder(reason) => {
            tracing::warn!(%reason, "a picture was not kept");
            Failure::unavailable(error.to_string()).retry_after(5_000)
        }
    })
}

fn receiver(parts: &Parts) -> Result<UserKey, Failure> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let to = form_urlencoded::parse(query).find(|(name, _)| name == "to_user_id");
    let to = to.and_then(|(_, to)| to.parse().ok());
    to.ok_or_else(|| Failure::bad_request("?to_user_id=<user key> says whose conversation with you the picture is for"))
}
