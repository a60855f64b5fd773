//! What is said of a user's connections when they are counted.

use bytes::Bytes;
use serde_json::value::RawValue;
use types::{Platform, SocketId, Status};

/// A connection, as presence knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub socket: SocketId,
    pub platform: Platform,
    pub device: Option<Box<str>>,
    /// What the user's presence channel is told where this is the first connection, if the bus can tell it in the same step:
    /// see [`Registered::announced`].
    pub announcement: Option<Bytes>,
}

/// What holds for the user once the connection is counted.
#[derive(Debug)]
pub struct Registered {
    /// The user's connections, on all processes, with this one.
    pub connections: usize,
    /// Whether the user had none before.
    pub first: bool,
    /// Whether the connection's announcement was published with it.
    pub announced: bool,
    /// As the user set it; [`Status::Online`] for the first connection.
    pub status: Status,
    /// The user's last `changeUser`, if there was one.
    pub target: Option<Box<RawValue>>,
    /// The store that is noted to know the user ([`crate::Bus::note_known`]), as far as it is remembered.
    pub known_in: Option<Box<str>>,
}
