//! A namespace: who may join, what is done with each event, and the sockets in it.

use super::rooms::Rooms;
use super::{Args, DisconnectReason, Encoded, Event, Rejection, Socket};
use futures_util::future::BoxFuture;
use serde::Serialize;
use session::Weight;
use std::collections::HashMap;
use std::sync::Arc;
use types::SocketId;

type Run<T> = BoxFuture<'static, T>;
type ConnectionMiddleware = Box<dyn Fn(Socket) -> Run<Result<(), Rejection>> + Send + Sync>;
type PacketMiddleware = Box<dyn Fn(Socket, Event) -> Run<Result<Event, Rejection>> + Send + Sync>;
type Handler = Box<dyn Fn(Socket, Event) -> Run<()> + Send + Sync>;
type OnConnect = Box<dyn Fn(Socket) -> Run<()> + Send + Sync>;
type OnDisconnect = Box<dyn Fn(Socket, DisconnectReason) -> Run<()> + Send + Sync>;
type OnError = Box<dyn Fn(Socket, Rejection) -> Run<()> + Send + Sync>;

/// A namespace and all that an application hangs into it.
pub struct Namespace {
    name: Box<str>,
    connection_middleware: Vec<ConnectionMiddleware>,
    packet_middleware: Vec<PacketMiddleware>,
    handlers: HashMap<Box<str>, Handler>,
    any: Option<Handler>,
    connect: Vec<OnConnect>,
    disconnecting: Vec<OnDisconnect>,
    disconnect: Vec<OnDisconnect>,
    error: Vec<OnError>,
    rooms: Rooms,
}

/// Building.
impl Namespace {
    /// A namespace that lets everyone in and does nothing. The name begins with `/`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            connection_middleware: Vec::new(),
            packet_middleware: Vec::new(),
            handlers: HashMap::new(),
            any: None,
            connect: Vec::new(),
            disconnecting: Vec::new(),
            disconnect: Vec::new(),
            error: Vec::new(),
            rooms: Rooms::default(),
        }
    }

    /// Is asked before a socket joins, in the order added; the first refusal keeps it out and reaches the client as
    /// `connect_error` (clients 1.x and 2.x: `error`).
    #[must_use]
    pub fn connection_middleware<F, R>(mut self, middleware: F) -> Self
    where
        F: Fn(Socket) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        self.connection_middleware.push(Box::new(move |socket| Box::pin(middleware(socket))));
        self
    }

    /// Sees every event before its handler, in the order added, and may change or refuse it. A refusal goes to the
    /// `error` handlers and ends the event there.
    #[must_use]
    pub fn packet_middleware<F, R>(mut self, middleware: F) -> Self
    where
        F: Fn(Socket, Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Event, Rejection>> + Send + 'static,
    {
        self.packet_middleware.push(Box::new(move |socket, event| Box::pin(middleware(socket, event))));
        self
    }

    /// Handles the events of a name; a second handler of the same name replaces the first.
    #[must_use]
    pub fn on<F, R>(mut self, name: &str, handler: F) -> Self
    where
        F: Fn(Socket, Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.handlers.insert(name.into(), Box::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// Handles the events that no other handler takes.
    #[must_use]
    pub fn on_any<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Socket, Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.any = Some(Box::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// Runs when a socket has joined, before its first event is handled.
    #[must_use]
    pub fn on_connect<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Socket) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.connect.push(Box::new(move |socket| Box::pin(handler(socket))));
        self
    }

    /// Runs when a socket is about to leave, while it is still in its rooms.
    #[must_use]
    pub fn on_disconnecting<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Socket, DisconnectReason) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.disconnecting.push(Box::new(move |socket, reason| Box::pin(handler(socket, reason))));
        self
    }

    /// Runs when a socket has left.
    #[must_use]
    pub fn on_disconnect<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Socket, DisconnectReason) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.disconnect.push(Box::new(move |socket, reason| Box::pin(handler(socket, reason))));
        self
    }

    /// Runs when a packet middleware refused an event.
    #[must_use]
    pub fn on_error<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Socket, Rejection) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.error.push(Box::new(move |socket, rejection| Box::pin(handler(socket, rejection))));
        self
    }
}

/// Sending.
impl Namespace {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends an event to every socket in the namespace; it is encoded once. `args` serialises as an array.
    pub fn emit<T: Serialize>(&self, event: &str, args: &T) {
        self.emit_encoded(event, wire::socketio::event(&self.name, None, event, args), &self.rooms.sockets());
    }

    /// Sends on what a client sent, attachments included, to every socket in the namespace.
    pub fn emit_raw(&self, event: &str, args: &Args) {
        let encoded = wire::socketio::event_raw(&self.name, None, event, args);
        self.emit_encoded(event, Ok(encoded), &self.rooms.sockets());
    }

    /// Sends an event to every socket of a room; each socket is in a room of its own id.
    pub fn emit_to<T: Serialize>(&self, room: &str, event: &str, args: &T) {
        self.emit_encoded(event, wire::socketio::event(&self.name, None, event, args), &self.rooms.members(room));
    }

    /// The socket of an id, if it is here.
    pub fn socket(&self, id: &SocketId) -> Option<Socket> {
        self.rooms.socket(id)
    }

    /// The sockets in the namespace.
    pub fn sockets(&self) -> Vec<Socket> {
        self.rooms.sockets()
    }

    /// The sockets in a room; each socket is in a room of its own id.
    pub fn members(&self, room: &str) -> Vec<Socket> {
        self.rooms.members(room)
    }

    fn emit_encoded(&self, event: &str, encoded: Result<Encoded, wire::Error>, to: &[Socket]) {
        match encoded {
            Ok(encoded) => to.iter().for_each(|socket| {
                socket.send(&encoded, Weight::Firm);
            }),
            Err(error) => tracing::error!(%error, event, "an event cannot be written as JSON"),
        }
    }
}

/// Running.
impl Namespace {
    pub(super) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    pub(super) async fn admit(&self, socket: &Socket) -> Result<(), Rejection> {
        for middleware in &self.connection_middleware {
            middleware(socket.clone()).await?;
        }
        Ok(())
    }

    pub(super) async fn connected(&self, socket: &Socket) {
        for handler in &self.connect {
            handler(socket.clone()).await;
        }
    }

    pub(super) async fn handle(self: Arc<Self>, socket: Socket, mut event: Event) {
        for middleware in &self.packet_middleware {
            match middleware(socket.clone(), event).await {
                Ok(passed) => event = passed,
                Err(rejection) => {
                    for handler in &self.error {
                        handler(socket.clone(), rejection.clone()).await;
                    }
                    return;
                }
            }
        }
        if let Some(handler) = self.handlers.get(&*event.name).or(self.any.as_ref()) {
            handler(socket, event).await;
        }
    }

    pub(super) async fn disconnecting(&self, socket: &Socket, reason: DisconnectReason) {
        for handler in &self.disconnecting {
            handler(socket.clone(), reason).await;
        }
    }

    pub(super) async fn disconnected(&self, socket: &Socket, reason: DisconnectReason) {
        for handler in &self.disconnect {
            handler(socket.clone(), reason).await;
        }
    }
}
