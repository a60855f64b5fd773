//! Who is in which room: what this process has let in on a node, and how the node is asked.
//!
//! As with presence, this process notes who is in through it, and sets the node right from its notes. Only here others
//! may put our sockets out: what the node does not have any more while its memory is whole was put out.

use super::link::Link;
use super::names;
use super::node::Node;
use super::options::Notice;
use super::script::{Answer, ROOM_ENTER, ROOM_LEAVE, ROOM_PUT, ROOM_RECONCILE, ROOM_REMOVE, Script};
use crate::{Error, Expelled, Members, Occupant, RoomError};
use fred::types::Value;
use parking_lot::Mutex;
use std::collections::HashMap;
use types::{RoomId, SocketId, UserKey};

#[derive(Default)]
pub(super) struct Rooms(Mutex<HashMap<RoomId, Record>>);

/// A room in which sockets of this process are, or were just now.
#[derive(Clone, Default)]
struct Record {
    inside: Vec<Mine>,
    /// Rises with every change.
    changes: u64,
    /// The node may have something else.
    unsure: bool,
}

#[derive(Clone)]
struct Mine {
    who: Occupant,
    /// Its place among those who are in, given by the node; 0 while it is entering.
    order: u64,
}

/// What every script of rooms answers.
struct Told {
    code: u64,
    members: Members,
    /// For the fifth value, which differs.
    rest: Answer,
}

impl Node {
    pub(super) async fn put_room(&self, room: &RoomId, members: Vec<UserKey>) -> Result<Expelled, Error> {
        let list = serde_json::to_string(&members).unwrap_or_default();
        let told = self.tell_room(&ROOM_PUT, room, vec![list.into()]).await?;
        Ok(self.expelled(room, told))
    }

    pub(super) async fn remove_room(&self, room: &RoomId) -> Result<Option<Expelled>, Error> {
        let told = self.tell_room(&ROOM_REMOVE, room, Vec::new()).await?;
        let existed = told.code != 0;
        let expelled = self.expelled(room, told);
        Ok(existed.then_some(expelled))
    }

    pub(super) async fn room(&self, room: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        let key = format!("ImRoom:{room}");
        let list = self.link().await?.command("GET", vec![key.clone().into()]).await?;
        let Some(list) = list.into_string() else { return Ok(None) };
        let names = read_names(&list);
        let refused = || {
            let reason = format!("{key} is not a JSON list of user keys").into();
            Error::Refused { node: self.name.clone(), reason }
        };
        names.ok_or_else(refused).map(Some)
    }

    pub(super) async fn enter_room(
        &self,
        room: &RoomId,
        socket: &SocketId,
        user: &UserKey,
    ) -> Result<Members, RoomError> {
        self.seat.check()?;
        let process = &self.seat.process;
        let who = Occupant { socket: socket.clone(), user: user.clone() };
        let is_new = self.rooms.note(room, who);
        let args = vec![
            socket.as_str().into(),
            process.id.as_str().into(),
            process.incarnation.as_str().into(),
            user.as_str().into(),
            self.seat.keep_secs().to_string().into(),
        ];
        let outcome = self.tell_room(&ROOM_ENTER, room, args).await;
        let mut told = match outcome {
            Ok(told) => told,
            Err(error) => {
                if is_new {
                    self.rooms.forget(room, socket);
                }
                self.rooms.forgotten(room, false);
                self.unsure.notify_one();
                return Err(error.into());
            }
        };
        if told.code == 1 {
            self.rooms.settle(room, socket, told.rest.number());
            return Ok(told.members);
        }
        self.rooms.forget(room, socket);
        self.rooms.forgotten(room, true);
        Err(if told.code == 2 { RoomError::NotFound } else { RoomError::Forbidden })
    }

    pub(super) async fn leave_room(&self, room: &RoomId, socket: &SocketId) -> Result<Option<Members>, Error> {
        self.seat.check()?;
        self.rooms.forget(room, socket);
        let outcome = self.tell_room(&ROOM_LEAVE, room, vec![socket.as_str().into()]).await;
        self.rooms.forgotten(room, outcome.is_ok());
        outcome.map(|told| (told.code != 0).then_some(told.members))
    }

    /// Sets right what the node has of a room's sockets on this process. What is missing was put out, unless the node's
    /// memory is in doubt: then it is put back.
    pub(super) async fn reconcile_room(&self, link: &Link, room: &RoomId) -> Result<(), Error> {
        let Some(mut record) = self.rooms.of(room) else { return Ok(()) };
        loop {
            let args = self.room_statement(&record);
            let mut told = self.read_room(room, link.run(&ROOM_RECONCILE, names::room(room), args).await?);
            let put_out = occupants(told.rest.list());
            match self.rooms.compared(room, record.changes, &put_out) {
                Some(changed) => record = changed,
                None if put_out.is_empty() => return Ok(()),
                None => {
                    self.seat.notify(Notice::PutOut { room: room.clone(), occupants: put_out });
                    return Ok(());
                }
            }
        }
    }

    async fn tell_room(&self, script: &'static Script, room: &RoomId, args: Vec<Value>) -> Result<Told, Error> {
        let answer = self.link().await?.run(script, names::room(room), args).await?;
        Ok(self.read_room(room, answer))
    }

    /// Reads the answer, and tells if sockets of processes that are gone were met.
    fn read_room(&self, room: &RoomId, answer: Value) -> Told {
        let mut answer = Answer::of(answer);
        let (code, revision) = (answer.number(), answer.number());
        let sockets = answer.list().texts().filter_map(|socket| socket.parse().ok()).collect();
        let members = Members { sockets, revision };
        let gone = occupants(answer.list());
        if !gone.is_empty() {
            let expelled = Expelled { occupants: gone, remaining: members.clone() };
            self.seat.notify(Notice::Left { room: room.clone(), expelled });
        }
        Told { code, members, rest: answer }
    }

    fn expelled(&self, room: &RoomId, mut told: Told) -> Expelled {
        let expelled = Expelled { occupants: occupants(told.rest.list()), remaining: told.members };
        for who in &expelled.occupants {
            self.rooms.forget(room, &who.socket);
        }
        self.rooms.forgotten(room, true);
        expelled
    }

    fn room_statement(&self, record: &Record) -> Vec<Value> {
        let process = &self.seat.process;
        let mut args: Vec<Value> = vec![
            process.id.as_str().into(),
            process.incarnation.as_str().into(),
            self.seat.keep_secs().to_string().into(),
            u8::from(self.memory.is_doubtful()).to_string().into(),
        ];
        for Mine { who, order } in &record.inside {
            args.extend([who.socket.as_str().into(), order.to_string().into(), who.user.as_str().into()]);
        }
        args
    }
}

impl Rooms {
    pub(super) fn all(&self) -> Vec<RoomId> {
        self.0.lock().keys().cloned().collect()
    }

    pub(super) fn unsure(&self) -> Vec<RoomId> {
        self.0.lock().iter().filter(|(_, record)| record.unsure).map(|(room, _)| room.clone()).collect()
    }

    fn of(&self, room: &RoomId) -> Option<Record> {
        self.0.lock().get(room).cloned()
    }

    /// Notes that somebody enters; whether it was not in as far as is known.
    fn note(&self, room: &RoomId, who: Occupant) -> bool {
        let mut records = self.0.lock();
        let record = records.entry(room.clone()).or_default();
        record.changes += 1;
        let is_new = !record.inside.iter().any(|known| known.who.socket == who.socket);
        if is_new {
            record.inside.push(Mine { who, order: 0 });
        }
        is_new
    }

    fn settle(&self, room: &RoomId, socket: &SocketId, order: u64) {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(room) else { return };
        record.changes += 1;
        if let Some(mine) = record.inside.iter_mut().find(|known| known.who.socket == *socket) {
            mine.order = order;
        }
    }

    fn forget(&self, room: &RoomId, socket: &SocketId) {
        if let Some(record) = self.0.lock().get_mut(room) {
            record.changes += 1;
            record.inside.retain(|known| known.who.socket != *socket);
        }
    }

    /// The node has taken a socket out, or may not have.
    fn forgotten(&self, room: &RoomId, surely: bool) {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(room) else { return };
        record.unsure |= !surely;
        if record.inside.is_empty() && !record.unsure {
            records.remove(room);
        }
    }

    /// Notes that the node has what was noted at that number of changes, less who was put out; the record as it is now,
    /// if that is another.
    fn compared(&self, room: &RoomId, changes: u64, put_out: &[Occupant]) -> Option<Record> {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(room) else {
            // The last socket left meanwhile, but the comparison may have put it back.
            records.insert(room.clone(), Record { unsure: true, ..Record::default() });
            return records.get(room).cloned();
        };
        if record.changes != changes {
            return Some(record.clone());
        }
        record.unsure = false;
        record.inside.retain(|known| !put_out.contains(&known.who));
        if record.inside.is_empty() {
            records.remove(room);
        }
        None
    }
}

fn occupants(list: Answer) -> Vec<Occupant> {
    let mut texts = list.texts();
    let mut occupants = Vec::new();
    while let (Some(socket), Some(user)) = (texts.next(), texts.next()) {
        if let (Ok(socket), Ok(user)) = (socket.parse(), user.parse()) {
            occupants.push(Occupant { socket, user });
        }
    }
    occupants
}

/// A back end may have written the list; one that counts its users writes numbers.
fn read_names(list: &str) -> Option<Vec<UserKey>> {
    let values: Vec<serde_json::Value> = match serde_json::from_str(list).ok()? {
        serde_json::Value::Array(values) => values,
        serde_json::Value::Object(map) => map.into_iter().map(|(_, value)| value).collect(),
        _ => return None,
    };
    let name = |value: serde_json::Value| match value {
        serde_json::Value::String(name) => name.parse().ok(),
        serde_json::Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    };
    values.into_iter().map(name).collect()
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;
