//! The sockets of a namespace on this process, and the rooms they are in.
//!
//! Every socket is in a room of its own id; that room needs no entry.

use super::Socket;
use parking_lot::Mutex;
use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use types::SocketId;

#[derive(Default)]
pub(super) struct Rooms {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sockets: HashSet<ById>,
    rooms: HashMap<Box<str>, Vec<Socket>>,
}

/// A socket that is found by its id, which is kept once.
struct ById(Socket);

impl Rooms {
    pub(super) fn add(&self, socket: &Socket) {
        self.inner.lock().sockets.replace(ById(socket.clone()));
    }

    pub(super) fn remove(&self, socket: &Socket, rooms: &[Arc<str>]) {
        let mut inner = self.inner.lock();
        inner.sockets.remove(socket.id());
        for room in rooms {
            inner.leave(socket, room);
        }
    }

    /// Puts a socket into a room; `false` when it is in already, or may not be in any.
    pub(super) fn join(&self, socket: &Socket, room: &str) -> bool {
        let mut inner = self.inner.lock();
        // A socket that has left the namespace must not stay behind in a room.
        if !inner.sockets.contains(socket.id()) || room == socket.id().as_str() {
            return false;
        }
        if let Some(members) = inner.rooms.get_mut(room) {
            if members.iter().any(|member| member.id() == socket.id()) {
                return false;
            }
            members.push(socket.clone());
            return true;
        }
        inner.rooms.insert(room.into(), vec![socket.clone()]);
        true
    }

    pub(super) fn leave(&self, socket: &Socket, room: &str) {
        self.inner.lock().leave(socket, room);
    }

    pub(super) fn socket(&self, id: &SocketId) -> Option<Socket> {
        self.inner.lock().sockets.get(id).map(|found| found.0.clone())
    }

    pub(super) fn sockets(&self) -> Vec<Socket> {
        self.inner.lock().sockets.iter().map(|found| found.0.clone()).collect()
    }

    pub(super) fn members(&self, room: &str) -> Vec<Socket> {
        let inner = self.inner.lock();
        if let Some(members) = inner.rooms.get(room) {
            return members.clone();
        }
        let own = room.parse().ok().and_then(|id: SocketId| inner.sockets.get(&id));
        own.map(|found| found.0.clone()).into_iter().collect()
    }
}

impl Inner {
    fn leave(&mut self, socket: &Socket, room: &str) {
        let Some(members) = self.rooms.get_mut(room) else { return };
        members.retain(|member| member.id() != socket.id());
        if members.is_empty() {
            self.rooms.remove(room);
        }
    }
}

impl Borrow<SocketId> for ById {
    fn borrow(&self) -> &SocketId {
        self.0.id()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}
