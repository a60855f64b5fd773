//! The nouns of the house: who a user is, what a connection is called, what travels between processes, why a
//! connection ends and how a request fails. No runtime, no clock, no IO; every other crate may use it.

mod channel;
mod close;
mod event;
mod failure;
mod id;
mod identity;
mod message;
mod surrogates;
mod user;

pub use channel::{Channel, Followed};
pub use close::CloseReason;
pub use event::{
    Card, Event, EventError, Exchange, Kick, Kind, List, ListChange, ListOp, Listed, Message, Online, Posted, Presence,
    Profile, Read, RoomAction, State, SyncChangeUser, System, Typing, Unread,
};
pub use failure::{Code, Failure};
pub use id::{GroupId, IdError, ProcessId, RoomId, SocketId};
pub use identity::{Identity, Platform, Role, Status};
pub use message::{ChatType, ConversationId, Entry, Message as StoredMessage, MessageId, MessageType, NumberError};
pub use surrogates::without_lone_surrogates;
pub use user::{UserKey, UserKeyError};
