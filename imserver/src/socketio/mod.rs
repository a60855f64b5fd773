//! Socket.IO over Engine.IO: namespaces with middleware and handlers, sockets, rooms, acknowledgements.
//!
//! An application builds a [`SocketIo`] from namespaces and hands it to an [`Engine`](crate::engineio::Engine):
//!
//! ```no_run
//! use imserver::socketio::{Namespace, SocketIo};
//!
//! let io = SocketIo::new("im1".parse().unwrap()).with(
//!     Namespace::new("/").on("hello", |socket, event| async move {
//!         socket.emit("welcome", &(event.args.get::<String>(0).unwrap_or_default(),));
//!         event.acknowledge(&("done",));
//!     }),
//! );
//! ```
//!
//! Events of one connection are handled one after another, in the order they came: a handler that must not hold up the
//! next event moves its acknowledgement into a task of its own.

mod client;
mod connect;
mod event;
mod namespace;
mod rooms;
mod socket;

pub use client::{Admitted, Client, Door, OpenDoor};
pub use event::{Acknowledgement, DisconnectReason, Event, Rejection};
pub use namespace::Namespace;
pub use socket::{NoAnswer, Socket};
pub use wire::socketio::{Args, Encoded};

use crate::engineio::{Refusal, Revision, Service, Session};
use ::session::pump::Then;
use futures_util::future::BoxFuture;
use http::request::Parts;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use types::{CloseReason, ProcessId};
use wire::engineio::Data;
use wire::socketio::Limits;

/// A Socket.IO server: its namespaces, and who is let in.
pub struct SocketIo {
    process: ProcessId,
    namespaces: HashMap<Box<str>, Arc<Namespace>>,
    door: Arc<dyn Door>,
    limits: Limits,
}

impl SocketIo {
    /// A server without namespaces that lets everyone in. Socket ids begin with the process's name.
    pub fn new(process: ProcessId) -> Self {
        Self { process, namespaces: HashMap::new(), door: Arc::new(OpenDoor), limits: Limits::default() }
    }

    /// Adds a namespace; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, namespace: Namespace) -> Self {
        self.namespaces.insert(namespace.name().into(), Arc::new(namespace));
        self
    }

    /// Decides who may open a connection at all, before any namespace is joined.
    #[must_use]
    pub fn guarded_by(mut self, door: impl Door) -> Self {
        self.door = Arc::new(door);
        self
    }

    /// How many attachments a packet may have, and of what size together.
    #[must_use]
    pub fn attachments(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name)
    }

    pub(crate) fn process(&self) -> &ProcessId {
        &self.process
    }
}

impl Service for SocketIo {
    type Client = Client;

    fn admit(&self, request: &Parts, peer: SocketAddr, revision: Revision) -> Result<Client, Refusal> {
        let admitted = self.door.admit(request, peer)?;
        Ok(Client::new(revision, self.limits, peer, admitted))
    }

    fn recognises(&self, client: &Client, request: &Parts, peer: SocketAddr) -> bool {
        self.door.recognises(client.admitted(), request, peer)
    }

    fn must_join(&self) -> bool {
        true
    }

    fn has_joined(&self, client: &Client) -> bool {
        client.has_joined()
    }

    fn opened(&self, session: &Arc<Session<Self>>) -> Then {
        match session.revision() {
            // Clients 1.x and 2.x are in the root namespace without asking.
            Revision::V3 => connect::connect(session, "/", None),
            Revision::V4 => Then::Continue,
        }
    }

    fn message(&self, session: &Arc<Session<Self>>, data: Data<'_>) -> Then {
        client::message(session, data)
    }

    fn closed<'a>(&'a self, session: &'a Arc<Session<Self>>, reason: CloseReason) -> BoxFuture<'a, ()> {
        Box::pin(client::closed(session, reason.into()))
    }
}
