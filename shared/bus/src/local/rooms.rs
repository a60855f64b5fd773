//! Which rooms there are and who is in them, within one process.

use super::Port;
use super::striped::Striped;
use crate::{Error, Expelled, Members, Occupant, RoomError};
use std::sync::atomic::{AtomicU64, Ordering};
use types::{ProcessId, RoomId, SocketId, UserKey};

#[derive(Default)]
pub(super) struct Rooms {
    rooms: Striped<RoomId, Room>,
    /// One count for all rooms outlives each of them, so a room that comes back goes on rising.
    revision: AtomicU64,
}

#[derive(Default)]
struct Room {
    /// Empty: anyone.
    admits: Vec<UserKey>,
    inside: Vec<(ProcessId, Occupant)>,
    revision: u64,
}

impl Rooms {
    pub(super) fn put(&self, port: &Port, room: &RoomId, admits: Vec<UserKey>) -> Result<Expelled, Error> {
        port.check()?;
        let mut stripe = self.rooms.lock(room);
        let record = stripe.entry(room.clone()).or_default();
        record.admits = admits;
        let inside = std::mem::take(&mut record.inside);
        let (stay, go): (Vec<_>, Vec<_>) = inside.into_iter().partition(|(_, who)| record.admits(&who.user));
        record.inside = stay;
        if !go.is_empty() {
            record.revision = self.next_revision();
        }
        Ok(Expelled { occupants: occupants(go), remaining: record.members() })
    }

    pub(super) fn remove(&self, port: &Port, room: &RoomId) -> Result<Option<Expelled>, Error> {
        port.check()?;
        let mut stripe = self.rooms.lock(room);
        let Some(record) = stripe.remove(room) else { return Ok(None) };
        let remaining = Members { sockets: Vec::new(), revision: self.next_revision() };
        Ok(Some(Expelled { occupants: occupants(record.inside), remaining }))
    }

    pub(super) fn get(&self, port: &Port, room: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        port.check()?;
        Ok(self.rooms.lock(room).get(room).map(|record| record.admits.clone()))
    }

    pub(super) fn enter(
        &self,
        port: &Port,
        room: &RoomId,
        socket: &SocketId,
        user: &UserKey,
    ) -> Result<Members, RoomError> {
        let mut stripe = self.rooms.lock(room);
        port.check()?;
        let record = stripe.get_mut(room).ok_or(RoomError::NotFound)?;
        if !record.admits(user) {
            return Err(RoomError::Forbidden);
        }
        if !record.inside.iter().any(|(_, who)| who.socket == *socket) {
            record.inside.push((port.process.clone(), Occupant { socket: socket.clone(), user: user.clone() }));
            record.revision = self.next_revision();
        }
        Ok(record.members())
    }

    pub(super) fn leave(&self, port: &Port, room: &RoomId, socket: &SocketId) -> Result<Option<Members>, Error> {
        port.check()?;
        let mut stripe = self.rooms.lock(room);
        let Some(record) = stripe.get_mut(room) else { return Ok(None) };
        let before = record.inside.len();
        record.inside.retain(|(_, who)| who.socket != *socket);
        if record.inside.len() == before {
            return Ok(None);
        }
        record.revision = self.next_revision();
        Ok(Some(record.members()))
    }

    pub(super) fn forget_process(&self, process: &ProcessId) {
        self.rooms.retain(|_, record| {
            let before = record.inside.len();
            record.inside.retain(|(owner, _)| owner != process);
            if record.inside.len() < before {
                record.revision = self.next_revision();
            }
            true
        });
    }

    /// Drawn under the room's lock, so that a room's numbers rise in the order of its changes.
    fn next_revision(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Room {
    fn admits(&self, user: &UserKey) -> bool {
        self.admits.is_empty() || self.admits.contains(user)
    }

    fn members(&self) -> Members {
        Members { sockets: self.inside.iter().map(|(_, who)| who.socket.clone()).collect(), revision: self.revision }
    }
}

fn occupants(list: Vec<(ProcessId, Occupant)>) -> Vec<Occupant> {
    list.into_iter().map(|(_, who)| who).collect()
}
