//! Socket.IO protocols 4 (over Engine.IO 3) and 5 (over Engine.IO 4): packets inside Engine.IO messages. Knows how
//! packets are written and put together again, nothing of rooms, sockets or which namespaces exist.
//!
//! ```text
//!   <type>[<attachments>-][/<namespace>,][<acknowledgement id>][<JSON>]        then one binary message per attachment
//! ```
//!
//! In memory a packet's JSON stays text (see [`Args`]): what is only passed on is never parsed into values, and
//! arrives as it was sent.

mod args;
mod decode;
mod encode;
mod name;

#[cfg(test)]
mod args_tests;
#[cfg(test)]
mod decode_tests;
#[cfg(test)]
mod encode_tests;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use args::{Arg, Args};
pub use decode::{Decoder, Limits};
pub use encode::{Encoded, ack, ack_raw, connect, connect_error, disconnect, event, event_raw, event_raw_json};
pub use name::{Name, Namespace};

use crate::Error;

/// The protocol of Socket.IO; the revision of Engine.IO decides it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Version {
    /// Clients 1.x and 2.x, over Engine.IO 3: the main namespace is connected unasked, a namespace's CONNECT may carry a
    /// query, errors are bare data.
    V4,
    /// Clients 3.x and 4.x, over Engine.IO 4: every namespace is asked for, with an `auth` object.
    V5,
}

/// A packet from a client, complete with its attachments.
#[derive(Clone)]
pub enum Packet {
    /// The client wants into a namespace.
    Connect {
        /// Which one, without the query.
        namespace: Namespace,
        /// Protocol 4: what follows the `?` in `/custom?token=x`, not decoded.
        query: Option<String>,
        /// Protocol 5: the client's `auth`, a JSON object. [`parse_json`] reads it.
        auth: Option<Box<RawValue>>,
    },
    /// The client leaves a namespace.
    Disconnect {
        /// Which one.
        namespace: Namespace,
    },
    /// The client emitted.
    Event {
        /// Where.
        namespace: Namespace,
        /// Set if the client waits for an acknowledgement; 0 is as good an id as any.
        id: Option<u64>,
        /// The event's name. JavaScript may send a number; it is given as its text.
        name: Name,
        /// The rest of what was emitted.
        args: Args,
    },
    /// The client answers an event of the server's.
    Ack {
        /// Where.
        namespace: Namespace,
        /// The id that the event had.
        id: u64,
        /// The answer.
        args: Args,
    },
}

impl Packet {
    /// The namespace that the packet is for.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Packet::Connect { namespace, .. }
            | Packet::Disconnect { namespace }
            | Packet::Event { namespace, .. }
            | Packet::Ack { namespace, .. } => namespace,
        }
    }
}

/// Leaves out everything that users write and tokens: queries, `auth` and arguments.
impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Packet::Connect { namespace, .. } => write!(f, "Connect({namespace})"),
            Packet::Disconnect { namespace } => write!(f, "Disconnect({namespace})"),
            Packet::Event { namespace, id, name, args } => {
                write!(f, "Event({namespace}, {id:?}, {:?}, {args:?})", &**name)
            }
            Packet::Ack { namespace, id, args } => write!(f, "Ack({namespace}, {id}, {args:?})"),
        }
    }
}

/// Reads a value from JSON that a client wrote. Lone surrogates (`"\ud83d"`), which JavaScript sends and Rust's strings
/// cannot hold, become U+FFFD.
pub fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    Ok(crate::json::parse(text)?)
}

/// The types, by the digit they are written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Connect = 0,
    Disconnect = 1,
    Event = 2,
    Ack = 3,
    ConnectError = 4,
    BinaryEvent = 5,
    BinaryAck = 6,
}
