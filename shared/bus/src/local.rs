//! The bus within one process: an exchange that several servers share, and so all tiers of a standalone process.
//!
//! There is no task and no queue. Publishing calls the sinks of the subscribed servers and returns when they have; no
//! lock is held meanwhile, so a sink may take its time-bounded own.

mod presence;
mod rooms;
mod striped;

use crate::{Connection, Error, Expelled, Holder, Members, Registered, RoomError, Sink, Version, version};
use bytes::Bytes;
use parking_lot::Mutex;
use presence::Users;
use rooms::Rooms;
use serde_json::value::RawValue;
use smallvec::SmallVec;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use striped::Striped;
use types::{Channel, ProcessId, RoomId, SocketId, Status, UserKey};

/// The medium that servers of one process share.
#[derive(Clone, Default)]
pub struct Exchange {
    medium: Arc<Medium>,
}

/// A server's place on an [`Exchange`].
#[derive(Clone)]
pub struct Bus {
    seat: Arc<Seat>,
}

struct Medium {
    /// Tells this medium from those before it.
    id: Box<str>,
    processes: Mutex<HashSet<ProcessId>>,
    channels: Striped<Channel, Ports>,
    versions: Striped<Channel, u64>,
    users: Users,
    rooms: Rooms,
}

impl Default for Medium {
    fn default() -> Self {
        Self {
            id: format!("{:016x}", RandomState::new().hash_one(std::process::id())).into(),
            processes: Mutex::default(),
            channels: Striped::default(),
            versions: Striped::default(),
            users: Users::default(),
            rooms: Rooms::default(),
        }
    }
}

/// Most channels belong to one user and are wanted by one server of the process, or by few.
type Ports = SmallVec<[Arc<Port>; 2]>;

/// Where a server's messages go in.
struct Port {
    process: ProcessId,
    sink: Sink,
    /// Cleared before the places in the maps are: whoever finds it set under a stripe's lock may add to that stripe,
    /// for the clearing has yet to come by.
    attached: AtomicBool,
}

struct Seat {
    medium: Arc<Medium>,
    port: Arc<Port>,
}

impl Exchange {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a place for a server.
    ///
    /// # Errors
    /// [`Error::ProcessTaken`] while another server of this id is attached.
    pub fn attach(&self, process: ProcessId, sink: Sink) -> Result<crate::Bus, Error> {
        if !self.medium.processes.lock().insert(process.clone()) {
            return Err(Error::ProcessTaken(process));
        }
        let port = Arc::new(Port { process, sink, attached: AtomicBool::new(true) });
        let seat = Arc::new(Seat { medium: self.medium.clone(), port });
        Ok(crate::Bus::Local(Bus { seat }))
    }
}

impl Bus {
    pub(crate) fn process(&self) -> &ProcessId {
        &self.seat.port.process
    }

    pub(crate) fn detach(&self) {
        self.seat.give_up();
    }

    /// A process of this same server: reached through the exchange, so it needs no address.
    pub(crate) fn holder(&self, process: &ProcessId) -> Result<Option<Holder>, Error> {
        self.seat.port.check()?;
        let attached = self.seat.medium.processes.lock().contains(process);
        let holder = || Holder { process: process.clone(), incarnation: Box::default(), address: Box::default() };
        Ok(attached.then(holder))
    }

    pub(crate) fn subscribe(&self, channel: &Channel) -> Result<(), Error> {
        let port = &self.seat.port;
        let mut stripe = self.seat.medium.channels.lock(channel);
        port.check()?;
        let ports = stripe.entry(channel.clone()).or_default();
        if !ports.iter().any(|known| Arc::ptr_eq(known, port)) {
            ports.push(port.clone());
        }
        Ok(())
    }

    pub(crate) fn unsubscribe(&self, channel: &Channel) -> Result<(), Error> {
        let port = &self.seat.port;
        port.check()?;
        let mut stripe = self.seat.medium.channels.lock(channel);
        if let Some(ports) = stripe.get_mut(channel) {
            ports.retain(|known| !Arc::ptr_eq(known, port));
            if ports.is_empty() {
                stripe.remove(channel);
            }
        }
        Ok(())
    }

    pub(crate) fn publish(&self, channel: &Channel, message: &Bytes) -> Result<usize, Error> {
        self.seat.port.check()?;
        let ports = self.seat.medium.channels.lock(channel).get(channel).cloned().unwrap_or_default();
        let mut received = 0;
        for port in ports.iter().filter(|port| port.is_attached()) {
            (port.sink)(channel, message);
            received += 1;
        }
        Ok(received)
    }

    pub(crate) fn raise(&self, channel: &Channel, message: &Bytes) -> Result<u64, Error> {
        self.seat.port.check()?;
        let rest = version::rest_of(channel, message)?;
        let number = {
            let mut stripe = self.seat.medium.versions.lock(channel);
            let number = stripe.entry(channel.clone()).or_default();
            *number += 1;
            *number
        };
        self.publish(channel, &version::numbered(number, &rest))?;
        Ok(number)
    }

    pub(crate) fn version(&self, channel: &Channel) -> Result<Version, Error> {
        self.seat.port.check()?;
        if !version::counts(channel) {
            return Err(Error::Unversioned);
        }
        let medium = &self.seat.medium;
        let number = medium.versions.lock(channel).get(channel).copied().unwrap_or_default();
        Ok(Version { number, generation: Box::default(), server: medium.id.clone() })
    }

    pub(crate) fn register(&self, user: &UserKey, connection: Connection) -> Result<Registered, Error> {
        self.seat.medium.users.register(&self.seat.port, user, connection)
    }

    pub(crate) fn unregister(&self, user: &UserKey, socket: &SocketId) -> Result<bool, Error> {
        self.seat.medium.users.unregister(&self.seat.port, user, socket)
    }

    pub(crate) fn set_status(&self, user: &UserKey, status: Status) -> Result<Option<Status>, Error> {
        self.seat.medium.users.set_status(&self.seat.port, user, status)
    }

    pub(crate) fn presence(&self, users: &[UserKey]) -> Result<Vec<(UserKey, Status)>, Error> {
        self.seat.medium.users.presence(&self.seat.port, users)
    }

    pub(crate) fn set_target(&self, user: &UserKey, target: Box<RawValue>) -> Result<(), Error> {
        self.seat.medium.users.set_target(&self.seat.port, user, target)
    }

    pub(crate) fn target(&self, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        self.seat.medium.users.target(&self.seat.port, user)
    }

    pub(crate) fn put_room(&self, room: &RoomId, members: Vec<UserKey>) -> Result<Expelled, Error> {
        self.seat.medium.rooms.put(&self.seat.port, room, members)
    }

    pub(crate) fn remove_room(&self, room: &RoomId) -> Result<Option<Expelled>, Error> {
        self.seat.medium.rooms.remove(&self.seat.port, room)
    }

    pub(crate) fn room(&self, room: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        self.seat.medium.rooms.get(&self.seat.port, room)
    }

    pub(crate) fn enter_room(&self, room: &RoomId, socket: &SocketId, user: &UserKey) -> Result<Members, RoomError> {
        self.seat.medium.rooms.enter(&self.seat.port, room, socket, user)
    }

    pub(crate) fn leave_room(&self, room: &RoomId, socket: &SocketId) -> Result<Option<Members>, Error> {
        self.seat.medium.rooms.leave(&self.seat.port, room, socket)
    }
}

impl Port {
    fn is_attached(&self) -> bool {
        self.attached.load(Ordering::Acquire)
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_attached() { Ok(()) } else { Err(Error::Detached) }
    }
}

impl Seat {
    fn give_up(&self) {
        if !self.port.attached.swap(false, Ordering::AcqRel) {
            return;
        }
        self.medium.channels.retain(|_, ports| {
            ports.retain(|port| !Arc::ptr_eq(port, &self.port));
            !ports.is_empty()
        });
        self.medium.users.forget_process(&self.port.process);
        self.medium.rooms.forget_process(&self.port.process);
        // Last, so that a successor of the same name is not taken for this one.
        self.medium.processes.lock().remove(&self.port.process);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_up();
    }
}
