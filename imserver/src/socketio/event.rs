//! What handlers are given, and how they refuse.

use super::{Args, Encoded, Socket};
use serde::Serialize;
use serde_json::value::RawValue;
use session::Weight;
use std::fmt;
use types::CloseReason;
use wire::socketio::Name;

/// An event from a client.
pub struct Event {
    pub name: Name,
    /// The arguments as the client sent them, text kept as it came, with the attachments of a binary event.
    pub args: Args,
    /// Present when the client waits for an answer.
    pub ack: Option<Acknowledgement>,
}

impl Event {
    /// Answers the client, if it waits for an answer. `args` serialises as an array: a tuple, usually.
    pub fn acknowledge<T: Serialize>(self, args: &T) {
        if let Some(ack) = self.ack {
            ack.send(args);
        }
    }
}

/// The right to answer one event, once. May outlive the handler.
pub struct Acknowledgement {
    pub(super) socket: Socket,
    pub(super) id: u64,
}

impl Acknowledgement {
    /// Answers. `args` serialises as an array: a tuple, usually.
    pub fn send<T: Serialize>(self, args: &T) {
        match wire::socketio::ack(self.socket.namespace().name(), self.id, args) {
            Ok(encoded) => self.send_encoded(&encoded),
            Err(error) => tracing::error!(%error, "an acknowledgement cannot be written as JSON"),
        }
    }

    /// Answers with arguments as they came from a client, attachments included.
    pub fn send_raw(self, args: &Args) {
        let encoded = wire::socketio::ack_raw(self.socket.namespace().name(), self.id, args);
        self.send_encoded(&encoded);
    }

    fn send_encoded(self, encoded: &Encoded) {
        self.socket.send(encoded, Weight::Firm);
    }
}

/// A middleware's refusal: a sentence for people, data for the program.
#[derive(Debug, Clone)]
pub struct Rejection {
    pub message: String,
    pub data: Option<Box<RawValue>>,
}

impl Rejection {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data; what cannot be written as JSON is left out.
    #[must_use]
    pub fn with_data<T: Serialize>(mut self, data: &T) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rejection {}

/// Why a socket left its namespace. Displayed in the words that Socket.IO servers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespace,
    /// The server put it out of this namespace.
    ServerNamespace,
    /// The connection ended.
    Connection(CloseReason),
}

impl From<CloseReason> for DisconnectReason {
    fn from(reason: CloseReason) -> Self {
        Self::Connection(reason)
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientNamespace => "client namespace disconnect",
            Self::ServerNamespace => "server namespace disconnect",
            Self::Connection(CloseReason::ClientClosed | CloseReason::TransportClosed) => "transport close",
            Self::Connection(CloseReason::PingTimeout) => "ping timeout",
            Self::Connection(CloseReason::ProtocolError | CloseReason::InvalidText) => "parse error",
            Self::Connection(CloseReason::TooLarge | CloseReason::Slow) => "transport error",
            Self::Connection(CloseReason::Drain) => "server shutting down",
            Self::Connection(_) => "forced server close",
        })
    }
}
