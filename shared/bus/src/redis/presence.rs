//! Who is connected: what this process has registered on a node, and how the node is asked.
//!
//! Every registration is noted here first. So when a node has forgotten it, or an answer was lost, the note is compared
//! with the node and the node is set right.

use super::link::Link;
use super::names;
use super::node::Node;
use super::script::{Answer, Call, PRESENCE, RECONCILE, REGISTER, SET, UNREGISTER};
use crate::{Connection, Error, Registered};
use fred::types::Value;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;
use std::collections::HashMap;
use types::{Channel, Platform, SocketId, Status, UserKey};

/// Users asked about in one script: well under a millisecond of Redis.
const ASKED_AT_ONCE: usize = 100;

#[derive(Default)]
pub(super) struct Users(Mutex<HashMap<UserKey, Box<Record>>>);

/// A user of whom this process has, or had just now, connections.
#[derive(Clone, Default)]
struct Record {
    connections: SmallVec<[Mine; 1]>,
    /// Few users have set one.
    status: Option<Box<Stated>>,
    target: Option<Box<Stated>>,
    /// Rises with every change of the connections, so that a comparison knows that it was overtaken.
    changes: u64,
    /// The node may have something else.
    unsure: bool,
}

#[derive(Clone)]
struct Mine {
    socket: SocketId,
    /// JSON without its end, to which the generation is added.
    entry: String,
    /// Given by the node; 0 while it is being registered, 1 if it is not known whether it was.
    generation: u64,
}

/// What was set when: the higher revision holds.
#[derive(Clone)]
struct Stated {
    text: String,
    revision: u64,
}

/// A connection as it stands on Redis, where the generation is added.
#[derive(Serialize)]
struct Entry<'a> {
    process: &'a str,
    incarnation: &'a str,
    tier: &'a str,
    platform: Platform,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
}

impl Node {
    pub(super) async fn register(&self, user: &UserKey, connection: Connection) -> Result<Registered, Error> {
        self.seat.check()?;
        let process = &self.seat.process;
        let entry = Entry {
            process: process.id.as_str(),
            incarnation: &process.incarnation,
            tier: process.tier,
            platform: connection.platform,
            device: connection.device.as_deref(),
        };
        let mut entry = serde_json::to_string(&entry).unwrap_or_default();
        entry.pop();
        let socket = connection.socket;
        self.users.note(user, Mine { socket: socket.clone(), entry: entry.clone(), generation: 0 });
        let mut args: Vec<Value> = vec![socket.as_str().into(), entry.into(), self.seat.keep_secs().to_string().into()];
        let announcement = connection.announcement;
        if let Some(announcement) = &announcement {
            args.extend([Channel::Presence(user.clone()).to_string().into(), announcement.clone().into()]);
        }
        let call = Call { script: &REGISTER, keys: names::registered(user).into(), args };
        let mut answer = match self.run_beside(&Channel::User(user.clone()), call).await {
            Ok(answer) => Answer::of(answer),
            Err(error) => {
                self.users.settle(user, &socket, None);
                self.unsure.notify_one();
                return Err(error);
            }
        };
        let (connections, first) = (answer.number() as usize, answer.flag());
        self.users.settle(user, &socket, Some(answer.number()));
        let (status, target) = (Stated::read(&mut answer), Stated::read(&mut answer));
        let registered = Registered {
            connections,
            first,
            announced: first && announcement.is_some(),
            status: status.as_ref().map_or(Status::Online, |status| names::read_status(&status.text)),
            target: target.as_ref().and_then(|target| RawValue::from_string(target.text.clone()).ok()),
            known_in: answer.text().map(Into::into),
        };
        self.users.learn(user, status, target);
        Ok(registered)
    }

    /// The node may have something else of this user than what is noted here.
    pub(super) fn doubt(&self, user: &UserKey) {
        self.users.0.lock().entry(user.clone()).or_default().unsure = true;
        self.unsure.notify_one();
    }

    pub(super) async fn unregister(&self, user: &UserKey, socket: &SocketId) -> Result<bool, Error> {
        self.seat.check()?;
        self.users.forget(user, socket);
        let outcome = match self.link().await {
            Ok(link) => link.run(&UNREGISTER, names::presence(user).into(), vec![socket.as_str().into()]).await,
            Err(error) => Err(error),
        };
        self.users.forgotten(user, outcome.is_ok());
        outcome.map(|answer| Answer::of(answer).flag())
    }

    pub(super) async fn set_status(&self, user: &UserKey, status: Status) -> Result<Option<Status>, Error> {
        let (revision, before) = match self.set(user, "status", names::status(status)).await? {
            Some(set) => set,
            None => return Ok(None),
        };
        self.users.learn(user, Some(Stated { text: names::status(status).to_owned(), revision }), None);
        Ok(Some(before.map_or(Status::Online, |before| names::read_status(&before))))
    }

    pub(super) async fn set_target(&self, user: &UserKey, target: Box<RawValue>) -> Result<(), Error> {
        let set = self.set(user, "target", target.get()).await?;
        if let Some((revision, _)) = set {
            self.users.learn(user, None, Some(Stated { text: target.get().to_owned(), revision }));
        }
        Ok(())
    }

    pub(super) async fn target(&self, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        self.seat.check()?;
        let [_, status] = names::presence(user);
        let target = self.link().await?.command("HGET", vec![status.into(), "target".into()]).await?;
        Ok(target.into_string().and_then(|target| RawValue::from_string(target).ok()))
    }

    /// The revision and what was set before, if the user has a connection.
    async fn set(&self, user: &UserKey, field: &str, text: &str) -> Result<Option<(u64, Option<String>)>, Error> {
        let args = vec![field.into(), text.into(), self.seat.keep_secs().to_string().into()];
        let answer = self.link().await?.run(&SET, names::presence(user).into(), args).await?;
        let mut answer = Answer::of(answer);
        Ok(answer.flag().then(|| (answer.number(), answer.text())))
    }

    pub(super) async fn presence(&self, users: &[&UserKey]) -> Result<Vec<Status>, Error> {
        let link = self.link().await?;
        let mut known = Vec::with_capacity(users.len());
        for part in users.chunks(ASKED_AT_ONCE) {
            let keys = part.iter().flat_map(|user| names::presence(user)).collect();
            let answer = link.run(&PRESENCE, keys, Vec::new()).await?;
            known.extend(Answer::of(answer).texts().map(|word| names::read_status(&word)));
        }
        known.resize(users.len(), Status::Offline);
        Ok(known)
    }

    /// Sets right what the node has of a user's connections on this process; whether it knew nothing of the user.
    pub(super) async fn reconcile_user(&self, link: &Link, user: &UserKey) -> Result<bool, Error> {
        let Some(mut record) = self.users.of(user) else { return Ok(false) };
        let mut unknown = false;
        loop {
            let answer = link.run(&RECONCILE, names::presence(user).into(), self.statement(&record)).await?;
            let mut answer = Answer::of(answer);
            unknown |= answer.flag();
            let (status, target) = (Stated::read(&mut answer), Stated::read(&mut answer));
            match self.users.compared(user, record.changes) {
                None => {
                    self.users.learn(user, status, target);
                    return Ok(unknown);
                }
                Some(changed) => record = changed,
            }
        }
    }

    fn statement(&self, record: &Record) -> Vec<Value> {
        let mut args: Vec<Value> = vec![self.seat.process.id.as_str().into(), self.seat.keep_secs().to_string().into()];
        for stated in [&record.status, &record.target] {
            args.push(stated.as_ref().map_or("", |stated| &*stated.text).into());
            args.push(stated.as_ref().map_or(0, |stated| stated.revision).to_string().into());
        }
        for Mine { socket, entry, generation } in &record.connections {
            args.push(socket.as_str().into());
            args.push(entry.as_str().into());
            args.push(generation.to_string().into());
        }
        args
    }
}

impl Users {
    pub(super) fn all(&self) -> Vec<UserKey> {
        self.0.lock().keys().cloned().collect()
    }

    pub(super) fn unsure(&self) -> Vec<UserKey> {
        self.0.lock().iter().filter(|(_, record)| record.unsure).map(|(user, _)| user.clone()).collect()
    }

    fn of(&self, user: &UserKey) -> Option<Record> {
        self.0.lock().get(user).map(|record| Record::clone(record))
    }

    fn note(&self, user: &UserKey, mine: Mine) {
        let mut records = self.0.lock();
        let record = records.entry(user.clone()).or_default();
        record.changes += 1;
        match record.connections.iter_mut().find(|known| known.socket == mine.socket) {
            Some(known) => *known = mine,
            None => record.connections.push(mine),
        }
    }

    /// The node has registered it with that generation, or may not have.
    fn settle(&self, user: &UserKey, socket: &SocketId, generation: Option<u64>) {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(user) else { return };
        record.changes += 1;
        record.unsure |= generation.is_none();
        if let Some(mine) = record.connections.iter_mut().find(|known| known.socket == *socket) {
            mine.generation = generation.unwrap_or(1);
        }
    }

    fn forget(&self, user: &UserKey, socket: &SocketId) {
        if let Some(record) = self.0.lock().get_mut(user) {
            record.changes += 1;
            record.connections.retain(|known| known.socket != *socket);
        }
    }

    /// The node has taken a connection out, or may not have.
    fn forgotten(&self, user: &UserKey, surely: bool) {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(user) else { return };
        record.unsure |= !surely;
        if record.connections.is_empty() && !record.unsure {
            records.remove(user);
        }
    }

    /// Notes that the node has what was noted at that number of changes; the record as it is now, if that is another.
    fn compared(&self, user: &UserKey, changes: u64) -> Option<Record> {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(user) else {
            // The last connection went meanwhile, but the comparison may have put it back.
            let unsure = Record { unsure: true, ..Record::default() };
            records.insert(user.clone(), Box::new(unsure.clone()));
            return Some(unsure);
        };
        if record.changes != changes {
            return Some(Record::clone(record));
        }
        record.unsure = false;
        if record.connections.is_empty() {
            records.remove(user);
        }
        None
    }

    fn learn(&self, user: &UserKey, status: Option<Stated>, target: Option<Stated>) {
        if let Some(record) = self.0.lock().get_mut(user) {
            Stated::update(&mut record.status, status);
            Stated::update(&mut record.target, target);
        }
    }
}

impl Stated {
    fn read(answer: &mut Answer) -> Option<Self> {
        let (text, revision) = (answer.text(), answer.number());
        Some(Self { text: text?, revision })
    }

    fn update(known: &mut Option<Box<Self>>, told: Option<Self>) {
        if let Some(told) = told
            && known.as_ref().is_none_or(|known| known.revision < told.revision)
        {
            *known = Some(Box::new(told));
        }
    }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
