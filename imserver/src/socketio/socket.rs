//! A socket: one client in one namespace.

use super::client::leave;
use super::{Acknowledgement, Args, Client, DisconnectReason, Encoded, Namespace, SocketIo};
use crate::engineio::Session;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use session::{Sent, Weight};
use smallvec::SmallVec;
use std::any::Any;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use types::{CloseReason, SocketId};

/// A handle of a socket; cloning it is cheap.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: SocketId,
    namespace: Arc<Namespace>,
    session: Arc<Session<SocketIo>>,
    connected: AtomicBool,
    /// The rest is empty, and small, for most sockets.
    more: Mutex<More>,
}

#[derive(Default)]
struct More {
    auth: Option<Box<RawValue>>,
    attached: SmallVec<[Arc<dyn Any + Send + Sync>; 1]>,
    rooms: Vec<Arc<str>>,
    acks: Option<Box<Acks>>,
}

#[derive(Default)]
struct Acks {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Args>>,
}

/// Why an emit brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("the client did not answer in time")]
    TimedOut,
    #[error("the client is gone")]
    Gone,
    #[error("the event cannot be written as JSON")]
    Unwritable,
}

/// About the client.
impl Socket {
    /// The public id: other users see it, and it names the process.
    pub fn id(&self) -> &SocketId {
        &self.0.id
    }

    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.0.namespace
    }

    pub fn session(&self) -> &Arc<Session<SocketIo>> {
        &self.0.session
    }

    pub fn client(&self) -> &Client {
        self.0.session.client()
    }

    /// The raw query of the handshake.
    pub fn query(&self) -> &str {
        self.0.session.query()
    }

    /// What the client sent along when it joined: `auth` of clients 3.x and 4.x, the namespace's query of 1.x and 2.x
    /// as an object of strings. Nothing once it was forgotten.
    pub fn auth(&self) -> Option<Box<RawValue>> {
        self.0.more.lock().auth.clone()
    }

    /// Lets go of what the client sent along: a credential that was checked is of no more use.
    pub fn forget_auth(&self) {
        self.0.more.lock().auth = None;
    }

    pub fn peer(&self) -> SocketAddr {
        self.client().peer()
    }

    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Acquire)
    }

    /// Keeps something of the application's with the socket; one of the same type is replaced.
    pub fn attach<T: Any + Send + Sync>(&self, value: Arc<T>) {
        let mut more = self.0.more.lock();
        more.attached.retain(|kept| !kept.is::<T>());
        more.attached.push(value);
    }

    /// What was attached, by type.
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.more.lock().attached.iter().find_map(|kept| kept.clone().downcast().ok())
    }
}

/// Sending.
impl Socket {
    /// Sends an event. `args` serialises as an array: a tuple, usually.
    pub fn emit<T: Serialize>(&self, event: &str, args: &T) -> Sent {
        self.encode_and_send(event, None, args, Weight::Firm)
    }

    /// Sends an event that is only worth something now: dropped if the client is behind, or not polling just now.
    pub fn emit_volatile<T: Serialize>(&self, event: &str, args: &T) -> Sent {
        self.encode_and_send(event, None, args, Weight::Volatile)
    }

    /// Sends an event and waits for the client's answer, which comes behind the event being handled: a handler must
    /// not wait for it itself, but in [`Socket::spawn`].
    ///
    /// # Errors
    /// [`NoAnswer`], after `limit` at the latest.
    pub async fn emit_with_ack<T: Serialize>(&self, event: &str, args: &T, limit: Duration) -> Result<Args, NoAnswer> {
        let (id, answer) = self.expect_ack();
        let encoded = wire::socketio::event(self.0.namespace.name(), Some(id), event, args);
        self.await_ack(id, answer, encoded.map_err(|_| NoAnswer::Unwritable), limit).await
    }

    /// Sends on what a client sent, attachments included, and waits for the answer.
    ///
    /// # Errors
    /// [`NoAnswer`], after `limit` at the latest.
    pub async fn emit_raw_with_ack(&self, event: &str, args: &Args, limit: Duration) -> Result<Args, NoAnswer> {
        let (id, answer) = self.expect_ack();
        let encoded = wire::socketio::event_raw(self.0.namespace.name(), Some(id), event, args);
        self.await_ack(id, answer, Ok(encoded), limit).await
    }

    /// Sends on what a client sent, attachments included.
    pub fn emit_raw(&self, event: &str, args: &Args) -> Sent {
        self.send(&wire::socketio::event_raw(self.0.namespace.name(), None, event, args), Weight::Firm)
    }

    /// Runs work beside the connection's handlers; it is waited for at the end of the process.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.session.engine().spawn(work);
    }

    /// Sends a packet that was encoded once for many. It must be of this namespace.
    pub fn send(&self, encoded: &Encoded, weight: Weight) -> Sent {
        if !self.is_connected() {
            return Sent::Closed;
        }
        self.0.session.send(encoded.frames(), weight)
    }

    fn encode_and_send<T: Serialize>(&self, event: &str, id: Option<u64>, args: &T, weight: Weight) -> Sent {
        match wire::socketio::event(self.0.namespace.name(), id, event, args) {
            Ok(encoded) => self.send(&encoded, weight),
            Err(error) => {
                tracing::error!(%error, event, "an event cannot be written as JSON");
                Sent::Dropped
            }
        }
    }

    fn expect_ack(&self) -> (u64, oneshot::Receiver<Args>) {
        let (answer, answered) = oneshot::channel();
        let mut more = self.0.more.lock();
        let acks = more.acks.get_or_insert_default();
        let id = acks.next;
        acks.next += 1;
        acks.waiting.insert(id, answer);
        (id, answered)
    }

    async fn await_ack(
        &self,
        id: u64,
        answer: oneshot::Receiver<Args>,
        encoded: Result<Encoded, NoAnswer>,
        limit: Duration,
    ) -> Result<Args, NoAnswer> {
        let _forget = ForgetAck { socket: self, id };
        if self.send(&encoded?, Weight::Firm) == Sent::Closed {
            return Err(NoAnswer::Gone);
        }
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(args)) => Ok(args),
            Ok(Err(_)) => Err(NoAnswer::Gone),
            Err(_) => Err(NoAnswer::TimedOut),
        }
    }
}

/// An answer that is waited for; forgotten when the waiting ends, however it ends.
struct ForgetAck<'a> {
    socket: &'a Socket,
    id: u64,
}

impl Drop for ForgetAck<'_> {
    fn drop(&mut self) {
        if let Some(acks) = &mut self.socket.0.more.lock().acks {
            acks.waiting.remove(&self.id);
        }
    }
}

/// Rooms and leaving.
impl Socket {
    /// Joins a room of this namespace on this process.
    pub fn join(&self, room: &str) {
        // Noted first, so that a leaving in the middle finds it; what is noted twice is left twice.
        self.0.more.lock().rooms.push(room.into());
        if !self.0.namespace.rooms().join(self, room) {
            let mut more = self.0.more.lock();
            if let Some(at) = more.rooms.iter().rposition(|known| &**known == room) {
                more.rooms.remove(at);
            }
        }
    }

    pub fn leave(&self, room: &str) {
        self.0.more.lock().rooms.retain(|known| &**known != room);
        self.0.namespace.rooms().leave(self, room);
    }

    /// The rooms the socket has joined, beside that of its own id.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.0.more.lock().rooms.clone()
    }

    /// Puts the client out of the namespace. It does not come back by itself.
    pub fn disconnect(&self) {
        self.say_goodbye();
        let socket = self.clone();
        self.0.session.engine().spawn(async move {
            let _turn = socket.0.session.turn().await;
            leave(&socket, DisconnectReason::ServerNamespace).await;
        });
    }

    /// Puts the client out of every namespace it is in and ends its connection. It does not come back by itself.
    pub fn disconnect_and_close(&self, reason: CloseReason) {
        for socket in self.client().sockets() {
            socket.say_goodbye();
        }
        self.0.session.close(reason);
    }

    fn say_goodbye(&self) {
        self.send(&wire::socketio::disconnect(self.0.namespace.name()), Weight::Firm);
    }
}

/// For the connection.
impl Socket {
    pub(super) fn new(
        id: SocketId,
        namespace: Arc<Namespace>,
        session: Arc<Session<SocketIo>>,
        auth: Option<Box<RawValue>>,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            namespace,
            session,
            connected: AtomicBool::new(false),
            more: Mutex::new(More { auth, ..More::default() }),
        }))
    }

    pub(super) fn set_connected(&self) {
        self.0.connected.store(true, Ordering::Release);
    }

    /// Marks the socket as gone; `false` when it was already.
    pub(super) fn set_disconnected(&self) -> bool {
        let was = self.0.connected.swap(false, Ordering::AcqRel);
        // Who waits for an answer learns that none will come.
        self.0.more.lock().acks = None;
        was
    }

    pub(super) fn answered(&self, id: u64, args: Args) {
        let waiting = self.0.more.lock().acks.as_mut().and_then(|acks| acks.waiting.remove(&id));
        if let Some(waiting) = waiting {
            // Whoever waited may have given up meanwhile.
            waiting.send(args).ok();
        }
    }

    pub(super) fn acknowledgement(&self, id: u64) -> Acknowledgement {
        Acknowledgement { socket: self.clone(), id }
    }

    pub(super) fn detach_all(&self) {
        *self.0.more.lock() = More::default();
    }
}
