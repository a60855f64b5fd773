//! Joining a namespace.

use super::client::{JOINED, REFUSED, after_turn, end, version};
use super::{Rejection, Socket, SocketIo};
use crate::engineio::{Revision, Session};
use base64::Engine as _;
use serde_json::value::RawValue;
use session::Weight;
use session::pump::Then;
use std::collections::BTreeMap;
use std::sync::Arc;
use types::{CloseReason, SocketId};

/// Joins a namespace, if its middleware lets the client in.
pub(super) fn connect(session: &Arc<Session<SocketIo>>, namespace: &str, auth: Option<Box<RawValue>>) -> Then {
    if session.client().socket(namespace).is_some() {
        return already_in(session, namespace);
    }
    let Some(namespace) = session.service().namespace(namespace).cloned() else {
        refuse(session, namespace, &Rejection::new("Invalid namespace"));
        return Then::Continue;
    };
    let Some(id) = socket_id(session, namespace.name()) else {
        return end(session, CloseReason::ServerClosed);
    };
    let socket = Socket::new(id, namespace, session.clone(), auth);
    after_turn(session, async move { join(socket).await })
}

async fn join(socket: Socket) {
    let (session, namespace) = (socket.session().clone(), socket.namespace().clone());
    if let Err(rejection) = namespace.admit(&socket).await {
        tracing::debug!(namespace = namespace.name(), reason = %rejection, "refused");
        refuse(&session, namespace.name(), &rejection);
        return forget(&socket);
    }
    // The connection may have ended while the middleware thought.
    if !session.is_open() {
        return forget(&socket);
    }
    session.client().add(&socket);
    namespace.rooms().add(&socket);
    socket.set_connected();
    let version = version(session.revision());
    // It leaves with what the handler has to say at once.
    session.hold(wire::socketio::connect(version, namespace.name(), socket.id().as_str()).frames());
    count(&session, JOINED);
    namespace.connected(&socket).await;
    session.release();
}

/// A login that came to nothing. What the middleware attached may hold the socket, which would keep both for ever.
fn forget(socket: &Socket) {
    socket.detach_all();
}

fn count(session: &Arc<Session<SocketIo>>, cost: u8) {
    if session.client().count_connect(cost) {
        session.close(CloseReason::RateLimited);
    }
}

/// A second CONNECT to the same namespace: 1.x and 2.x clients may ask for the root they are in already, for others it
/// is a protocol error, as it is for the reference server.
fn already_in(session: &Arc<Session<SocketIo>>, namespace: &str) -> Then {
    match session.revision() {
        Revision::V3 if namespace == "/" => Then::Continue,
        _ => end(session, CloseReason::ProtocolError),
    }
}

fn refuse(session: &Arc<Session<SocketIo>>, namespace: &str, rejection: &Rejection) {
    let version = version(session.revision());
    let packet = wire::socketio::connect_error(version, namespace, &rejection.message, rejection.data.as_deref());
    session.send(packet.frames(), Weight::Firm);
    count(session, REFUSED);
}

/// The id that the client will know itself by. Clients 3.x and 4.x are told; 1.x and 2.x derive it from the session's.
fn socket_id(session: &Session<SocketIo>, namespace: &str) -> Option<SocketId> {
    let id = match session.revision() {
        Revision::V3 if namespace == "/" => session.id().to_owned(),
        Revision::V3 => format!("{namespace}#{}", session.id()),
        Revision::V4 => {
            let mut random = [0; 15];
            getrandom::fill(&mut random).ok()?;
            let random = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(random);
            format!("{}.{random}", session.service().process())
        }
    };
    id.parse().ok()
}

/// The namespace query of clients 1.x and 2.x (`/custom?token=x`) as the object that later clients send as `auth`.
pub(super) fn query_as_auth(query: Option<&str>) -> Option<Box<RawValue>> {
    let pairs: BTreeMap<_, _> = form_urlencoded::parse(query?.as_bytes()).collect();
    serde_json::value::to_raw_value(&pairs).ok()
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
