//! What is said of rooms and of who is in them.

use crate::Error;
use types::{SocketId, UserKey};

/// Who is in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// In the order they came.
    pub sockets: Vec<SocketId>,
    /// Rises with every coming and leaving, also when the room ends and is created again: of two lists, the one with
    /// the higher number holds.
    pub revision: u64,
}

/// A socket in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    pub socket: SocketId,
    pub user: UserKey,
}

/// Who had to go when a room changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expelled {
    pub occupants: Vec<Occupant>,
    pub remaining: Members,
}

/// Why a socket was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    #[error("there is no such room")]
    NotFound,
    #[error("this room is for others")]
    Forbidden,
    #[error(transparent)]
    Bus(#[from] Error),
}
