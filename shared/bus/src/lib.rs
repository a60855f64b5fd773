//! Live traffic between processes: channels, who is connected, and who is in which room.
//!
//! Nothing here is durable. The bus carries events to where a user is connected and knows what holds only while
//! somebody is; whatever must not be lost is the store's. It does not know what an event says.
//!
//! One contract, on the methods of [`Bus`], and one suite of tests that every twin passes (`tests/suite`).

pub mod local;
pub mod redis;

mod config;
mod health;
mod metrics;
mod presence;
mod rooms;
mod version;

use bytes::Bytes;
pub use config::{Config, ConfigError};
pub use health::{Health, Holder, NodeHealth, NodeName};
pub use presence::{Connection, Registered};
pub use rooms::{Expelled, Members, Occupant, RoomError};
use serde_json::value::RawValue;
use std::sync::Arc;
use types::{Channel, ProcessId, RoomId, SocketId, Status, UserKey};
pub use version::{Version, number_of};

/// Called for each message of a subscribed channel, by whichever thread brought it.
///
/// Messages of one publisher on one channel come in the order they were published. It must not block and must not
/// wait for the bus: it hands the bytes on and returns. It must not own the [`Bus`] it belongs to, directly or
/// through others, or neither is ever dropped.
pub type Sink = Arc<dyn Fn(&Channel, &[u8]) + Send + Sync>;

/// Why the bus did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("another live process is called `{0}`: give each process an id of its own")]
    ProcessTaken(ProcessId),
    #[error(
        "the process `{0}` keeps messages in another store: all processes on the same Redis nodes share one database"
    )]
    OtherStore(ProcessId),
    #[error("an incarnation is 1 to 64 letters, digits, `-` or `_`, and an address has no spaces")]
    Misnamed,
    /// This process has left; nothing works any more on this handle.
    #[error("this process has left the bus")]
    Detached,
    /// The medium that it needs is not there. Known within a second, and at once when it is known already.
    #[error("the Redis node {0} does not answer")]
    Down(NodeName),
    /// The medium answered, and would not: no memory left, or a key that somebody else wrote in another form.
    #[error("the Redis node {node} refused: {reason}")]
    Refused { node: NodeName, reason: Box<str> },
    #[error("only users and groups have versions, and only JSON objects carry them")]
    Unversioned,
    /// The bound on channels of one process; nothing was subscribed.
    #[error("this process has subscribed as many channels on the Redis node {0} as it may")]
    Full(NodeName),
}

/// One process's place on the bus. Clones share the place; it is given up by [`Bus::detach`] or with the last clone.
#[derive(Clone)]
pub enum Bus {
    Local(local::Bus),
    Redis(redis::Bus),
}

/// Channels: at most once, to the processes that are subscribed at that moment.
impl Bus {
    /// The process that is attached.
    pub fn process(&self) -> &ProcessId {
        match self {
            Self::Local(bus) => bus.process(),
            Self::Redis(bus) => bus.process(),
        }
    }

    /// Begins to give up the place: from now on nothing works on any handle. Idempotent. Whoever must know that it is
    /// done awaits [`Bus::detached`].
    pub fn detach(&self) {
        match self {
            Self::Local(bus) => bus.detach(),
            Self::Redis(bus) => bus.detach(),
        }
    }

    /// Returns when the place is given up after [`Bus::detach`]: no message is passed to the sink any more, the
    /// process's subscriptions, connections and places in rooms are gone, its id is free, and no task of the bus is
    /// left. Takes a few seconds at most; what a node that is down keeps is gone when this process's lease ends.
    pub async fn detached(&self) {
        match self {
            Self::Local(_) => {}
            Self::Redis(bus) => bus.detached().await,
        }
    }

    /// What works and what does not, as known now. Asks nobody.
    pub fn health(&self) -> Health {
        match self {
            Self::Local(_) => Health::default(),
            Self::Redis(bus) => bus.health(),
        }
    }

    /// The node that a channel is on, if it is on one: none within one process.
    pub fn node_of(&self, channel: &Channel) -> Option<&NodeName> {
        match self {
            Self::Local(_) => None,
            Self::Redis(bus) => bus.name_of(channel),
        }
    }

    /// Who goes by that process id now and where to reach it; nothing if nobody does.
    ///
    /// # Errors
    /// None but those of the bus.
    pub async fn holder(&self, process: &ProcessId) -> Result<Option<Holder>, Error> {
        match self {
            Self::Local(bus) => bus.holder(process),
            Self::Redis(bus) => bus.holder(process).await,
        }
    }

    /// Subscribes this process. Returns when that is confirmed: what anyone publishes from then on arrives.
    /// Subscribing twice is subscribing once.
    ///
    /// # Errors
    /// With [`Error::Down`] the channel stays wanted: it is subscribed when the node is back, and told of as a gap.
    /// Whoever does not want that unsubscribes. With the others it is not subscribed.
    pub async fn subscribe(&self, channel: &Channel) -> Result<(), Error> {
        match self {
            Self::Local(bus) => bus.subscribe(channel),
            Self::Redis(bus) => bus.subscribe(channel).await,
        }
    }

    /// Ends the subscription. Messages that were on their way may still come. Unsubscribing what is not subscribed is
    /// no error.
    ///
    /// # Errors
    /// The channel is not wanted any more; messages may still come for a while.
    pub async fn unsubscribe(&self, channel: &Channel) -> Result<(), Error> {
        match self {
            Self::Local(bus) => bus.unsubscribe(channel),
            Self::Redis(bus) => bus.unsubscribe(channel).await,
        }
    }

    /// Publishes to every process that is subscribed, this one included; returns how many those are.
    ///
    /// At most once each: a process whose link is down misses it. Two publishes, the second begun when the first had
    /// returned, arrive everywhere in that order if they are on one channel; between channels, and between publishes
    /// that overlap, there is no order.
    ///
    /// # Errors
    /// Nobody, some or all of the processes may have received it.
    pub async fn publish(&self, channel: &Channel, message: Bytes) -> Result<usize, Error> {
        match self {
            Self::Local(bus) => bus.publish(channel, &message),
            Self::Redis(bus) => bus.publish(channel, &message).await,
        }
    }
}

/// Versions: how a process and its clients notice that they missed something on a user's or a group's channel. What they
/// missed, the store knows; a version is a hint, and is forgotten with the medium.
impl Bus {
    /// Raises the channel's version by one and publishes the message with it, in one step: the message, a JSON object
    /// with at least one member, gets `"v"` as its first. Returns the version.
    ///
    /// A process that is subscribed and misses a number is told of a gap, as soon as it hears the next one or within
    /// [`redis::Options::sweep`].
    ///
    /// # Errors
    /// [`Error::Unversioned`]: nothing was done. With the others the version may be raised, and nobody, some or all of
    /// the processes may have received it.
    pub async fn raise(&self, channel: &Channel, message: Bytes) -> Result<u64, Error> {
        match self {
            Self::Local(bus) => bus.raise(channel, &message),
            Self::Redis(bus) => bus.raise(channel, &message).await,
        }
    }

    /// The channel's version now. Of two that are equal, nothing was raised between.
    ///
    /// # Errors
    /// [`Error::Unversioned`], and those of the bus.
    pub async fn version(&self, channel: &Channel) -> Result<Version, Error> {
        match self {
            Self::Local(bus) => bus.version(channel),
            Self::Redis(bus) => bus.version(channel).await,
        }
    }
}

/// What processes tell each other about the store that they share.
impl Bus {
    /// Notes that the store of this name knows the user, for whoever registers the user later, as long as the medium
    /// remembers it. In one process nothing is noted.
    ///
    /// # Errors
    /// It may or may not be noted then.
    pub async fn note_known(&self, user: &UserKey, store: &str) -> Result<(), Error> {
        match self {
            Self::Local(_) => Ok(()),
            Self::Redis(bus) => bus.note_known(user, store).await,
        }
    }
}

/// Presence: what is known of a user while the user has a connection anywhere; all of it is gone with the last one.
/// A connection counts only while the process that registered it lives.
impl Bus {
    /// Counts a connection of a user. The same socket again replaces its entry.
    ///
    /// # Errors
    /// The connection may or may not be counted then; with [`Error::Down`] it is when the node is back, unless the
    /// caller unregisters it.
    pub async fn register(&self, user: &UserKey, connection: Connection) -> Result<Registered, Error> {
        match self {
            Self::Local(bus) => bus.register(user, connection),
            Self::Redis(bus) => bus.register(user, connection).await,
        }
    }

    /// Takes a connection out; true if it was there and was the user's last.
    ///
    /// # Errors
    /// The connection may still be counted then; with [`Error::Down`] until the node is back.
    pub async fn unregister(&self, user: &UserKey, socket: &SocketId) -> Result<bool, Error> {
        match self {
            Self::Local(bus) => bus.unregister(user, socket),
            Self::Redis(bus) => bus.unregister(user, socket).await,
        }
    }

    /// Sets what the user wants to be seen as, which is never [`Status::Offline`]; returns what it was before, or
    /// nothing if the user has no connection and so has no status.
    ///
    /// # Errors
    /// The status may or may not be set then.
    pub async fn set_status(&self, user: &UserKey, status: Status) -> Result<Option<Status>, Error> {
        match self {
            Self::Local(bus) => bus.set_status(user, status),
            Self::Redis(bus) => bus.set_status(user, status).await,
        }
    }

    /// The status of each user, in the order asked, as the user set it: [`Status::Invisible`] is not hidden here.
    /// [`Status::Offline`] without a connection. Users about whom nobody can be asked now are left out, so that one
    /// node that is down hides nothing of the others.
    ///
    /// # Errors
    /// Those of the bus, if nobody could be asked about any of them.
    pub async fn presence(&self, users: &[UserKey]) -> Result<Vec<(UserKey, Status)>, Error> {
        match self {
            Self::Local(bus) => bus.presence(users),
            Self::Redis(bus) => bus.presence(users).await,
        }
    }

    /// The user's last `changeUser`; nothing if there was none, or the user has no connection.
    ///
    /// # Errors
    /// None but those of the bus.
    pub async fn target(&self, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        match self {
            Self::Local(bus) => bus.target(user),
            Self::Redis(bus) => bus.target(user).await,
        }
    }

    /// Keeps the last `changeUser` of the user, so that a window opened later starts there. Without a connection there
    /// is nothing to keep it for.
    ///
    /// # Errors
    /// The target may or may not be kept then.
    pub async fn set_target(&self, user: &UserKey, target: Box<RawValue>) -> Result<(), Error> {
        match self {
            Self::Local(bus) => bus.set_target(user, target),
            Self::Redis(bus) => bus.set_target(user, target).await,
        }
    }
}

/// Rooms: a room exists while the back end says so, and names the users that may enter; an empty list admits anyone.
/// A socket is in a room only while the process that entered it lives.
impl Bus {
    /// Creates the room or changes who may enter; puts out whoever may not be there any longer.
    ///
    /// # Errors
    /// The room may or may not be changed then.
    pub async fn put_room(&self, room: &RoomId, members: Vec<UserKey>) -> Result<Expelled, Error> {
        match self {
            Self::Local(bus) => bus.put_room(room, members),
            Self::Redis(bus) => bus.put_room(room, members).await,
        }
    }

    /// Ends the room and puts everybody out. Nothing if there was no such room.
    ///
    /// # Errors
    /// The room may or may not exist then.
    pub async fn remove_room(&self, room: &RoomId) -> Result<Option<Expelled>, Error> {
        match self {
            Self::Local(bus) => bus.remove_room(room),
            Self::Redis(bus) => bus.remove_room(room).await,
        }
    }

    /// Who may enter the room. Nothing if there is no such room.
    ///
    /// # Errors
    /// None but those of the bus.
    pub async fn room(&self, room: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        match self {
            Self::Local(bus) => bus.room(room),
            Self::Redis(bus) => bus.room(room).await,
        }
    }

    /// Lets a socket in, behind those who came before; entering twice is entering once. Returns all who are in.
    ///
    /// # Errors
    /// [`RoomError`]; with its `Bus`, the socket may or may not be in.
    pub async fn enter_room(&self, room: &RoomId, socket: &SocketId, user: &UserKey) -> Result<Members, RoomError> {
        match self {
            Self::Local(bus) => bus.enter_room(room, socket, user),
            Self::Redis(bus) => bus.enter_room(room, socket, user).await,
        }
    }

    /// Takes a socket out; returns who remains, or nothing if it was not in.
    ///
    /// # Errors
    /// The socket may still be in then; with [`Error::Down`] until the node is back.
    pub async fn leave_room(&self, room: &RoomId, socket: &SocketId) -> Result<Option<Members>, Error> {
        match self {
            Self::Local(bus) => bus.leave_room(room, socket),
            Self::Redis(bus) => bus.leave_room(room, socket).await,
        }
    }
}
