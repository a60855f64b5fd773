//! One connection's share of Socket.IO: taking its packets in, and the sockets it has in namespaces.

use super::{DisconnectReason, Event, Socket, SocketIo, connect};
use crate::engineio::{Refusal, Revision, Session, Transport};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use parking_lot::Mutex;
use session::pump::Then;
use smallvec::SmallVec;
use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use types::CloseReason;
use wire::engineio::{self, Data};
use wire::socketio::{Args, Decoder, Limits, Name, Namespace, Packet, Version};

/// Decides who may open a connection, from the HTTP request of the handshake.
pub trait Door: Send + Sync + 'static {
    /// What is established here is the same for every transport and namespace of the connection:
    /// [`Client::admitted`].
    ///
    /// # Errors
    /// The refusal that the client gets instead of a session.
    fn admit(&self, request: &Parts, peer: SocketAddr) -> Result<Admitted, Refusal>;

    /// Whether a later request of the connection comes from whom was admitted.
    fn recognises(&self, admitted: &Admitted, request: &Parts, peer: SocketAddr) -> bool;
}

/// What a [`Door`] established.
pub type Admitted = Arc<dyn Any + Send + Sync>;

/// Lets everyone in.
pub struct OpenDoor;

impl Door for OpenDoor {
    fn admit(&self, _: &Parts, _: SocketAddr) -> Result<Admitted, Refusal> {
        Ok(Arc::new(()))
    }

    fn recognises(&self, _: &Admitted, _: &Parts, _: SocketAddr) -> bool {
        true
    }
}

/// How often one connection may join namespaces in its life; a refusal costs as much as five.
const MAX_CONNECTS: u8 = 100;
pub(super) const REFUSED: u8 = 5;
pub(super) const JOINED: u8 = 1;

/// What Socket.IO keeps of a connection.
pub struct Client {
    peer: SocketAddr,
    admitted: Admitted,
    inner: Mutex<Inner>,
}

struct Inner {
    decoder: Decoder,
    sockets: SmallVec<[Socket; 1]>,
    has_joined: bool,
    /// What its CONNECTs have cost so far.
    connects: u8,
    /// A text has shown that this client does not encode UTF-8 twice.
    is_plain_utf8: bool,
}

impl Client {
    pub(super) fn new(revision: Revision, limits: Limits, peer: SocketAddr, admitted: Admitted) -> Self {
        let inner = Inner {
            decoder: Decoder::new(version(revision), limits),
            sockets: SmallVec::new(),
            has_joined: false,
            connects: 0,
            is_plain_utf8: revision == Revision::V4,
        };
        Self { peer, admitted, inner: Mutex::new(inner) }
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the [`Door`] established.
    pub fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// The sockets of this connection, one for each namespace it is in.
    pub fn sockets(&self) -> SmallVec<[Socket; 1]> {
        self.inner.lock().sockets.clone()
    }

    pub(super) fn has_joined(&self) -> bool {
        self.inner.lock().has_joined
    }

    /// Counts a CONNECT; `true` when there were more than any client has reason for: somebody tries keys, or comes and
    /// goes to be noticed.
    pub(super) fn count_connect(&self, cost: u8) -> bool {
        let mut inner = self.inner.lock();
        inner.connects = inner.connects.saturating_add(cost);
        inner.connects >= MAX_CONNECTS
    }

    pub(super) fn socket(&self, namespace: &str) -> Option<Socket> {
        self.inner.lock().sockets.iter().find(|socket| socket.namespace().name() == namespace).cloned()
    }

    pub(super) fn add(&self, socket: &Socket) {
        let mut inner = self.inner.lock();
        inner.has_joined = true;
        inner.sockets.push(socket.clone());
    }

    fn remove(&self, socket: &Socket) {
        self.inner.lock().sockets.retain(|known| known.id() != socket.id());
    }
}

pub(super) fn version(revision: Revision) -> Version {
    match revision {
        Revision::V3 => Version::V4,
        Revision::V4 => Version::V5,
    }
}

/// Takes in one message of a connection.
pub(super) fn message(session: &Arc<Session<SocketIo>>, data: Data<'_>) -> Then {
    let client = session.client();
    let decoded = {
        let mut inner = client.inner.lock();
        match data {
            Data::Binary(bytes) => inner.decoder.binary(Bytes::copy_from_slice(&bytes)),
            Data::Text(text) => match repair(&mut inner, &text, session) {
                Some(repaired) => inner.decoder.text(&repaired),
                None => inner.decoder.text(&text),
            },
        }
    };
    match decoded {
        Ok(None) => Then::Continue,
        Ok(Some(packet)) => dispatch(session, packet),
        Err(error) => {
            tracing::debug!(%error, peer = %client.peer, "malformed Socket.IO packet");
            end(session, CloseReason::ProtocolError)
        }
    }
}

/// Clients 1.x that poll encode UTF-8 twice, and nothing at the handshake tells them from 2.x. Texts do: see
/// [`engineio::undo_double_utf8`]. Once a text has shown that the client encodes once, no later one is touched.
fn repair(inner: &mut Inner, text: &str, session: &Session<SocketIo>) -> Option<String> {
    if inner.is_plain_utf8 || text.is_ascii() {
        return None;
    }
    if session.transport() == Transport::WebSocket {
        return None;
    }
    let repaired = engineio::undo_double_utf8(text);
    inner.is_plain_utf8 = repaired.is_none();
    repaired
}

fn dispatch(session: &Arc<Session<SocketIo>>, packet: Packet) -> Then {
    match packet {
        Packet::Connect { namespace, query, auth } => {
            connect::connect(session, &namespace, auth.or_else(|| connect::query_as_auth(query.as_deref())))
        }
        Packet::Disconnect { namespace } => match session.client().socket(&namespace) {
            Some(socket) => after_turn(session, async move {
                leave(&socket, DisconnectReason::ClientNamespace).await;
            }),
            None => Then::Continue,
        },
        Packet::Event { namespace, id, name, args } => match session.client().socket(&namespace) {
            Some(socket) => {
                let ack = id.map(|id| socket.acknowledgement(id));
                let event = Event { name, args, ack };
                after_turn(session, async move {
                    if socket.is_connected() {
                        socket.namespace().clone().handle(socket, event).await;
                    }
                })
            }
            // Its root namespace is joined unasked, and the joining may still be under way.
            None if session.revision() == Revision::V3 => late(session, namespace, id, name, args),
            None => stray(session),
        },
        Packet::Ack { namespace, id, args } => {
            if let Some(socket) = session.client().socket(&namespace) {
                socket.answered(id, args);
            }
            Then::Continue
        }
    }
}

/// An event of a client 1.x or 2.x for a namespace that it is not in yet: looked at again when it is its turn.
fn late(session: &Arc<Session<SocketIo>>, namespace: Namespace, id: Option<u64>, name: Name, args: Args) -> Then {
    let waiting = session.clone();
    after_turn(session, async move {
        match waiting.client().socket(&namespace) {
            Some(socket) => {
                let ack = id.map(|id| socket.acknowledgement(id));
                socket.namespace().clone().handle(socket, Event { name, args, ack }).await;
            }
            None => drop(stray(&waiting)),
        }
    })
}

/// An event for a namespace that the client is not in: nothing to do if it was put out a moment ago, an error if it
/// never joined one.
fn stray(session: &Arc<Session<SocketIo>>) -> Then {
    if session.client().has_joined() {
        return Then::Continue;
    }
    end(session, CloseReason::ProtocolError)
}

pub(super) fn end(session: &Arc<Session<SocketIo>>, reason: CloseReason) -> Then {
    session.close(reason);
    Then::Close
}

/// Work that has the connection's turn while it runs.
pub(super) fn after_turn(session: &Arc<Session<SocketIo>>, work: impl Future<Output = ()> + Send + 'static) -> Then {
    let session = session.clone();
    let work: BoxFuture<'static, ()> = Box::pin(async move {
        let _turn = session.turn().await;
        work.await;
    });
    Then::Wait(work)
}

/// The connection is over: every socket of it leaves.
pub(super) async fn closed(session: &Arc<Session<SocketIo>>, reason: DisconnectReason) {
    for socket in session.client().sockets() {
        leave(&socket, reason).await;
    }
}

/// A socket leaves its namespace: `disconnecting` while it is in its rooms, then `disconnect`.
pub(super) async fn leave(socket: &Socket, reason: DisconnectReason) {
    if !socket.set_disconnected() {
        return;
    }
    let namespace = socket.namespace();
    {
        let _out = Leaving(socket);
        namespace.disconnecting(socket, reason).await;
    }
    namespace.disconnected(socket, reason).await;
    socket.detach_all();
}

/// Takes a socket out of its namespace, even if a handler panics.
struct Leaving<'a>(&'a Socket);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.namespace().rooms().remove(self.0, &self.0.rooms());
        self.0.client().remove(self.0);
    }
}
