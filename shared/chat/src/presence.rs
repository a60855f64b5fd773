//! The coming and going of connections, and `getPresence {user_ids}`: what others see of a user.

use crate::command::read;
use crate::{Chat, Error, Reply, Seen, Window};
use bus::{Connection, Registered};
use bytes::Bytes;
use futures_util::future::{join, join_all};
use serde::Deserialize;
use serde_json::value::RawValue;
use types::{Channel, Code, Event, Failure, Followed, Presence, Status, UserKey};

/// The request.
#[derive(Debug)]
pub struct GetPresence {
    /// Each once, in the order asked.
    users: Vec<UserKey>,
}

/// What a new window starts with.
#[derive(Debug)]
pub struct Arrival {
    /// What the user's last `changeUser` carried, if one was made since the user's first connection.
    pub target: Option<Box<RawValue>>,
    /// As the user set it.
    pub status: Status,
    /// The user's Redis node is down: nothing live reaches the window until it is back, and target and status are not
    /// known.
    pub degraded: bool,
}

const MAX_USERS: usize = 200;

const TAKES: &str = "{user_ids: [\"<user key>\", …]}";

/// Each further round answers a change that came during the one before. A user who keeps changing faster than that
/// has a change under way whose own announcement will say how it ended.
const ANNOUNCE_ROUNDS: usize = 8;

impl GetPresence {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let Input { user_ids } = read("getPresence", TAKES, payload)?;
        if user_ids.len() > MAX_USERS {
            return Err(Failure::new(Code::TooLarge, format!("getPresence takes at most {MAX_USERS} users")));
        }
        let mut users: Vec<UserKey> = Vec::with_capacity(user_ids.len());
        for user in user_ids {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok(Self { users })
    }
}

#[derive(Deserialize)]
struct Input {
    user_ids: Vec<UserKey>,
}

impl Chat {
    /// Lets a window in: it follows its user's channel, counts as a connection, and those who watch the user see it.
    /// With the user's Redis node down it is let in all the same, and the rest follows when the node is back.
    /// Whoever calls this calls [`Chat::left`] later, also when this failed or was dropped in the middle.
    ///
    /// # Errors
    /// `unavailable`: the window would miss what is sent to it, so the connection should not go on.
    pub async fn arrived(&self, window: &dyn Window) -> Result<Arrival, Error> {
        let identity = window.identity();
        let connection = Connection {
            socket: window.socket().clone(),
            platform: identity.platform,
            device: identity.device.clone(),
            announcement: Some(coming(&identity.user)),
        };
        // Together, so that a node that hangs costs its time limit once.
        let follow = window.follow(Channel::User(identity.user.clone()));
        let register = self.bus.register(&identity.user, connection);
        let (followed, registered) = join(follow, register).await;
        let is_degraded = followed? == Followed::WhenBack;
        let known_in = registered.as_ref().ok().and_then(|registered| registered.known_in.as_deref());
        self.meet(&identity.user, known_in).await;
        let Registered { first, announced, status, target, .. } = match registered {
            Ok(registered) => registered,
            Err(bus::Error::Down(_)) => return Ok(Arrival { target: None, status: Status::Online, degraded: true }),
            Err(error) => return Err(error.into()),
        };
        if first && !announced {
            let announced = self.announce_from(&identity.user, seen_by_others(status)).await;
            log(announced, &identity.user);
        }
        if let Some(target) = &target {
            self.start_at(window, target).await;
        }
        Ok(Arrival { target, status, degraded: is_degraded })
    }

    /// Takes a window out of everything that it was in, when its connection ends and no command of it is under way.
    /// What cannot be said because the bus is down is logged: a process that loses the bus loses its entries there too.
    pub async fn left(&self, window: &dyn Window) {
        let user = &window.identity().user;
        window.unfollow(&Channel::User(user.clone())).await;
        for room in &window.place().rooms() {
            if let Err(error) = self.step_out(window, room).await {
                tracing::warn!(%error, %room, "a room was not told that a socket left");
                self.put_out(window, room).await;
            }
        }
        let notes = window.place().clear();
        for watched in notes.watched.into_iter().chain(notes.target) {
            window.unfollow(&Channel::Presence(watched)).await;
        }
        match self.bus.unregister(user, window.socket()).await {
            Ok(true) => self.announce_presence_or_log(user).await,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a connection that ended is still counted"),
        }
    }

    pub(crate) async fn get_presence(&self, window: &dyn Window, command: GetPresence) -> Result<Reply, Error> {
        let GetPresence { users } = command;
        for user in &users {
            self.policy.check(window.identity(), user)?;
        }
        let most = self.config.max_watched_per_window;
        let Some(new) = window.place().watch(&users, most) else {
            return Err(Failure::new(Code::TooLarge, format!("a window may watch {most} users")).into());
        };
        // Followed before it is read: a change in between comes as a push, instead of not at all.
        follow_presence(window, new).await?;
        let users = self.bus.presence(&users).await?;
        Ok(Reply::Users { users: users.into_iter().map(|(user, status)| seen(user, status)).collect() })
    }

    /// Publishes what others see of a user.
    ///
    /// Two processes may do this at once, and the one that read first may publish last. So each looks again after it
    /// published, and publishes again if that was not true any more: what is published last is what holds.
    pub(crate) async fn announce_presence(&self, user: &UserKey) -> Result<(), bus::Error> {
        let status = self.status_of(user).await?;
        self.announce_from(user, status).await
    }

    /// The same from a status that was read just now.
    async fn announce_from(&self, user: &UserKey, mut status: Status) -> Result<(), bus::Error> {
        for _ in 0..ANNOUNCE_ROUNDS {
            let event = Event::Presence(Presence { user_id: user.clone(), status });
            let channel = Channel::Presence(user.clone());
            // Asked for one behind the other: a node answers in that order, and the two share a round trip.
            let (published, now) = join(self.publish(&channel, &event), self.status_of(user)).await;
            published?;
            let now = now?;
            if now == status {
                break;
            }
            status = now;
        }
        Ok(())
    }

    pub(crate) async fn announce_presence_or_log(&self, user: &UserKey) {
        log(self.announce_presence(user).await, user);
    }

    async fn status_of(&self, user: &UserKey) -> Result<Status, bus::Error> {
        let known = self.bus.presence(std::slice::from_ref(user)).await?;
        Ok(known.first().map_or(Status::Offline, |(_, status)| seen_by_others(*status)))
    }
}

/// What others see with a user's first connection, which has no status of its own yet.
fn coming(user: &UserKey) -> Bytes {
    Event::Presence(Presence { user_id: user.clone(), status: Status::Online }).encode().into()
}

fn log(announced: Result<(), bus::Error>, user: &UserKey) {
    if let Err(error) = announced {
        tracing::warn!(%error, %user, "a change of presence was not announced");
    }
}

/// Who is invisible looks offline.
pub(crate) fn seen_by_others(status: Status) -> Status {
    if status == Status::Invisible { Status::Offline } else { status }
}

pub(crate) fn is_online(status: Status) -> bool {
    status != Status::Offline
}

pub(crate) fn seen(user_id: UserKey, status: Status) -> Seen {
    let status = seen_by_others(status);
    Seen { user_id, status, online: is_online(status) }
}

/// Follows all at once; those that fail are not noted as watched, so that asking again tries again.
async fn follow_presence(window: &dyn Window, users: Vec<UserKey>) -> Result<(), Failure> {
    let following = users.into_iter().map(async |user| {
        let outcome = window.follow(Channel::Presence(user.clone())).await;
        outcome.map(drop).inspect_err(|_| window.place().unwatch(&user))
    });
    join_all(following).await.into_iter().collect()
}
