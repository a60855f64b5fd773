//! The nouns of the house: who a user is, what a connection is called, what travels between processes, why a
//! connection ends and how a request fails. No runtime, no clock, no IO; every other crate may use it.

mod channel;
mod close;
mod failure;
mod id;
mod identity;
mod user;

pub use channel::Channel;
pub use close::CloseReason;
pub use failure::{Code, Failure};
pub use id::{IdError, ProcessId, RoomId, SocketId};
pub use identity::{Identity, Platform, Role, Status};
pub use user::{UserKey, UserKeyError};
