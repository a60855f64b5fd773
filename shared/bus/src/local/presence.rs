//! Who is connected, within one process.

use super::Port;
use super::striped::Striped;
use crate::{Connection, Error, Registered};
use serde_json::value::RawValue;
use types::{ProcessId, SocketId, Status, UserKey};

#[derive(Default)]
pub(super) struct Users(Striped<UserKey, User>);

/// A user with at least one connection.
#[derive(Default)]
struct User {
    connections: Vec<(ProcessId, Connection)>,
    status: Status,
    target: Option<Box<RawValue>>,
}

impl Users {
    pub(super) fn register(&self, port: &Port, user: &UserKey, connection: Connection) -> Result<Registered, Error> {
        let mut stripe = self.0.lock(user);
        port.check()?;
        let record = stripe.entry(user.clone()).or_default();
        let first = record.connections.is_empty();
        match record.connections.iter_mut().find(|(_, known)| known.socket == connection.socket) {
            Some(known) => *known = (port.process.clone(), connection),
            None => record.connections.push((port.process.clone(), connection)),
        }
        Ok(Registered {
            connections: record.connections.len(),
            first,
            announced: false,
            status: record.status,
            target: record.target.clone(),
            // Whoever keeps messages in this process remembers it too.
            known_in: None,
        })
    }

    pub(super) fn unregister(&self, port: &Port, user: &UserKey, socket: &SocketId) -> Result<bool, Error> {
        port.check()?;
        let mut stripe = self.0.lock(user);
        let Some(record) = stripe.get_mut(user) else { return Ok(false) };
        record.connections.retain(|(_, known)| known.socket != *socket);
        let was_last = record.connections.is_empty();
        if was_last {
            stripe.remove(user);
        }
        Ok(was_last)
    }

    pub(super) fn set_status(&self, port: &Port, user: &UserKey, status: Status) -> Result<Option<Status>, Error> {
        port.check()?;
        Ok(self.0.lock(user).get_mut(user).map(|record| std::mem::replace(&mut record.status, status)))
    }

    pub(super) fn presence(&self, port: &Port, users: &[UserKey]) -> Result<Vec<(UserKey, Status)>, Error> {
        port.check()?;
        let status = |user: &UserKey| self.0.lock(user).get(user).map_or(Status::Offline, |record| record.status);
        Ok(users.iter().map(|user| (user.clone(), status(user))).collect())
    }

    pub(super) fn set_target(&self, port: &Port, user: &UserKey, target: Box<RawValue>) -> Result<(), Error> {
        port.check()?;
        if let Some(record) = self.0.lock(user).get_mut(user) {
            record.target = Some(target);
        }
        Ok(())
    }

    pub(super) fn target(&self, port: &Port, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        port.check()?;
        Ok(self.0.lock(user).get(user).and_then(|record| record.target.clone()))
    }

    pub(super) fn forget_process(&self, process: &ProcessId) {
        self.0.retain(|_, record| {
            record.connections.retain(|(owner, _)| owner != process);
            !record.connections.is_empty()
        });
    }
}
