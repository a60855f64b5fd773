//! Who is here, and what is passed on to whom.

use crate::redis::Redis;
use crate::socket::{self, Socket};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Relay {
    users: Mutex<HashMap<String, Arc<Socket>>>,
    pub redis: Option<Redis>,
}

impl Relay {
    pub fn new(redis: Option<Redis>) -> Self {
        Self { users: Mutex::default(), redis }
    }

    pub fn enter(&self, user: &str, socket: &Arc<Socket>) {
        self.users().insert(user.to_owned(), socket.clone());
        if let Some(redis) = &self.redis {
            redis.subscribe(user);
        }
    }

    pub fn leave(&self, user: &str, socket: &Arc<Socket>) {
        let mut users = self.users();
        if users.get(user).is_some_and(|known| Arc::ptr_eq(known, socket)) {
            users.remove(user);
        }
    }

    /// Relays the argument of an event, and acknowledges it once it is on its way.
    pub fn relay(&self, from: &Arc<Socket>, id: u64, target: &str, argument: &str) {
        let Some(user) = target.strip_prefix("user:") else {
            // To everybody on this process, which is all when there is no Redis.
            let frame = socket::frame(&["42[\"", target, "\",", argument, "]"]);
            self.users().values().for_each(|socket| socket.write(&frame));
            return from.acknowledge(id);
        };
        if let Some(redis) = &self.redis {
            return redis.publish(user, argument, from, id);
        }
        self.deliver(user, argument);
        from.acknowledge(id);
    }

    pub fn deliver(&self, user: &str, argument: &str) {
        let socket = self.users().get(user).cloned();
        if let Some(socket) = socket {
            socket.write(&socket::frame(&["42[\"exchange\",", argument, "]"]));
        }
    }

    fn users(&self) -> MutexGuard<'_, HashMap<String, Arc<Socket>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
