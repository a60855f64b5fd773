//! Pub/sub channels: everything that one process tells another travels on one of these.

use crate::{GroupId, ProcessId, RoomId, UserKey};
use std::fmt;

/// A channel of the bus. Its `Display` is its exact name on Redis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// All that a user's windows and devices must know: `ImMsgPub:<user>`. Subscribed by each process that holds
    /// the user. Back ends publish here too.
    User(UserKey),
    /// A user's presence, for those who watch it: `ImPresPub:<user>`. Subscribed by each process with a watcher,
    /// so that a watched user's messages do not travel to processes that do not hold the user.
    Presence(UserKey),
    /// What the members of a room say: `ImRoomPub:<room>`.
    Room(RoomId),
    /// What all members of a group must know: `ImGroupPub:<group>`. Subscribed by each process that holds a member.
    Group(GroupId),
    /// What is meant for one process, such as an event for one of its sockets: `ImProcPub:<process>`.
    Process(ProcessId),
}

/// From when on a channel is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    Now,
    /// The bus is out of order there: nothing comes until it is back, and what came meanwhile is missed.
    WhenBack,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "ImMsgPub:{user}"),
            Self::Presence(user) => write!(f, "ImPresPub:{user}"),
            Self::Room(room) => write!(f, "ImRoomPub:{room}"),
            Self::Group(group) => write!(f, "ImGroupPub:{group}"),
            Self::Process(process) => write!(f, "ImProcPub:{process}"),
        }
    }
}
