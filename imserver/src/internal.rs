//! The back ends' door: `/internal/v1/…` on a listener of its own, with credentials of its own.
//!
//! | request | answer |
//! | --- | --- |
//! | `PUT /internal/v1/rooms/{room}` `{"members": ["m7", "8"]}` | 204; the room exists, and these may enter (none: anyone); others inside are put out |
//! | `GET /internal/v1/rooms/{room}` | `{"ok": true, "members": […]}` or 404 |
//! | `DELETE /internal/v1/rooms/{room}` | 204, or 404; everybody inside is put out |
//! | `POST /internal/v1/users/{user}/kick` `{"reason": "…"}` | 204; all windows of the user are told and closed |
//! | `GET /internal/v1/process` | `{"process", "incarnation"}`, without credentials: who answers here |
//! | `GET /internal/v1/presence?user_ids=m7,8` | `{"ok": true, "users": [{"user_id", "status", "online"}, …]}` |
//!
//! What is refused comes as `{"ok": false, "error": {"code", "message"}}` with the status that fits.

use crate::drain;
use crate::engineio::{Engine, LET_GO};
use crate::http::{self, failed};
use crate::site::Site;
use crate::socketio::SocketIo;
use ::http::{HeaderMap, StatusCode, header};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chat::Seen;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt;
use types::{Code, Failure, ProcessId, RoomId, Status, UserKey};

/// The door, open from the moment that the process can be asked who it is; the rest answers once the site is there.
#[derive(Clone)]
pub(crate) struct Door {
    identity: Arc<Identity>,
    rest: Arc<OnceLock<Router>>,
}

/// Who answers at a process's internal listener.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub(crate) process: ProcessId,
    pub(crate) incarnation: Box<str>,
}

impl Door {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity: Arc::new(identity), rest: Arc::default() }
    }

    pub(crate) fn open(&self, rest: Router) {
        self.rest.set(rest).ok();
    }

    pub(crate) fn router(&self) -> Router {
        let (identity, rest) = (serde_json::json!(*self.identity), self.rest.clone());
        let anything_else = move |request: Request| {
            let rest = rest.get().cloned();
            async move {
                match rest {
                    Some(rest) => rest.oneshot(request).await.into_response(),
                    None => failed(&Failure::unavailable("this process is starting").retry_after(1_000)),
                }
            }
        };
        let who = move || std::future::ready(Json(identity).into_response());
        Router::new().route("/internal/v1/process", get(who)).fallback(anything_else)
    }
}

/// The door's routes. Without a secret anyone who reaches the listener may enter; the start-up sees to it that only
/// development does without.
pub(crate) fn router(site: &Arc<Site>, engine: &Arc<Engine<SocketIo>>, secret: Option<SecretString>) -> Router {
    let secret: Arc<Option<SecretString>> = Arc::new(secret);
    Router::new()
        .route("/internal/v1/rooms/{room}", put(put_room).get(room).delete(remove_room))
        .route("/internal/v1/users/{user}/kick", post(kick))
        .route("/internal/v1/presence", get(presence))
        .fallback(|| async { failed(&Failure::not_found("there is no such path")) })
        .with_state(site.clone())
        .layer(from_fn_with_state(secret, check))
        .merge(http::passed_on(engine))
        .merge(Router::new().route(LET_GO, post(let_go)).with_state(engine.clone()))
}

#[derive(Deserialize)]
struct LetGo {
    sid: String,
    retry_after_ms: u64,
}

/// Another process, through which a client is connected, is going away.
async fn let_go(
    State(engine): State<Arc<Engine<SocketIo>>>,
    headers: HeaderMap,
    Query(query): Query<LetGo>,
) -> Result<StatusCode, Refused> {
    if engine.elsewhere().and_then(|elsewhere| elsewhere.client_of(&headers)).is_none() {
        return Err(Failure::new(Code::Unauthorized, "this is for the processes of the cluster").into());
    }
    let session = engine.session(&query.sid).ok_or_else(|| Failure::not_found("there is no such session"))?;
    drain::let_go(&session, query.retry_after_ms);
    Ok(StatusCode::NO_CONTENT)
}

async fn check(State(secret): State<Arc<Option<SecretString>>>, request: Request, next: Next) -> Response {
    let Some(secret) = secret.as_ref() else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    // Digests are compared, so that the time taken says nothing about the secret.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    if given.is_some_and(|given| digest(given) == digest(secret.expose_secret())) {
        return next.run(request).await;
    }
    failed(&Failure::new(Code::Unauthorized, "send the back ends' secret as `Authorization: Bearer …`"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    members: Vec<UserKey>,
}

async fn put_room(
    State(site): State<Arc<Site>>,
    Path(room): Path<String>,
    body: Result<Json<Members>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let members = parsed(body)?.members;
    site.chat().put_room(&parse::<RoomId>(&room)?, members).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn room(State(site): State<Arc<Site>>, Path(room): Path<String>) -> Result<Response, Refused> {
    let members = site.bus().room(&parse::<RoomId>(&room)?).await?;
    let members = members.ok_or_else(|| Failure::not_found("there is no such room"))?;
    Ok(Json(serde_json::json!({ "ok": true, "members": members })).into_response())
}

async fn remove_room(State(site): State<Arc<Site>>, Path(room): Path<String>) -> Result<StatusCode, Refused> {
    let existed = site.chat().remove_room(&parse::<RoomId>(&room)?).await?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::not_found("there is no such room").into()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn kick(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let reason = parsed(body)?.reason;
    site.chat().kick(&parse::<UserKey>(&user)?, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Users {
    user_ids: String,
}

async fn presence(State(site): State<Arc<Site>>, Query(query): Query<Users>) -> Result<Response, Refused> {
    let users = query.user_ids.split(',').map(parse::<UserKey>).collect::<Result<Vec<_>, _>>()?;
    let users = site.bus().presence(&users).await?;
    let users: Vec<_> = users
        .into_iter()
        .map(|(user_id, status)| Seen { user_id, status, online: status != Status::Offline })
        .collect();
    Ok(Json(serde_json::json!({ "ok": true, "users": users })).into_response())
}

/// What a request is refused with.
struct Refused(Failure);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<chat::Error> for Refused {
    fn from(error: chat::Error) -> Self {
        Self(error.failure())
    }
}

impl From<bus::Error> for Refused {
    fn from(error: bus::Error) -> Self {
        chat::Error::from(error).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        failed(&self.0)
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|error: T::Err| Failure::bad_request(error.to_string()).into())
}

fn parsed<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refused> {
    body.map(|Json(body)| body).map_err(|rejection| Failure::bad_request(rejection.body_text()).into())
}
