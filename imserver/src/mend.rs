//! Sets things right after the bus had a gap, without the clients' doing: who is seen, who is in a room, whom a user talks
//! to.
//!
//! ```text
//! bus ── Notice ──► Mending::notice ── what is to be looked at ──► run ── reads it again ──► windows
//! ```
//!
//! Notices are noted, not queued: looking at something once answers all notices about it, so that what waits is never
//! more than what this process follows.

use crate::protocol;
use crate::site::Site;
use crate::socketio::Socket;
use crate::window::{Follower, Window};
use bus::redis::Notice;
use bus::{Expelled, Occupant};
use chat::Push;
use futures_util::future::join_all;
use node::{Health, Shutdown};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{Channel, Event, RoomId, Status, SyncChangeUser, UserKey};

/// Read at once from the bus.
const AT_ONCE: usize = 32;

/// Users whose presence is asked for in one go.
const PRESENCE_AT_ONCE: usize = 200;

/// Other processes find out that a node was emptied as this one does, and say again what is theirs, within this.
const OTHERS_ARE_BACK: Duration = Duration::from_secs(5);

/// What is to be looked at.
pub(crate) struct Mending {
    health: Health,
    shutdown: Shutdown,
    wanted: Mutex<Wanted>,
    bell: Notify,
}

#[derive(Default)]
struct Wanted {
    channels: HashSet<Channel>,
    /// The other processes may have been forgotten there: tell them, and look once more when they are back.
    emptied: HashSet<Channel>,
    /// A process is gone, and whoever was only there is offline now.
    gone: bool,
    put_rooms: bool,
    restored: HashSet<UserKey>,
    lost: Vec<(RoomId, Expelled)>,
    put_out: Vec<(RoomId, Occupant)>,
}

impl Mending {
    pub(crate) fn new(health: Health, shutdown: Shutdown) -> Self {
        Self { health, shutdown, wanted: Mutex::default(), bell: Notify::new() }
    }

    /// The rooms of the configuration are to be put when the bus is better.
    pub(crate) fn put_rooms(&self) {
        self.wanted.lock().put_rooms = true;
    }

    /// Takes in what the bus says. Never blocks.
    pub(crate) fn notice(&self, notice: Notice) {
        let mut wanted = self.wanted.lock();
        match notice {
            Notice::Down { node, .. } => self.health.degrade(&part(&node)),
            Notice::Up { node, emptied } => {
                self.health.restore(&part(&node));
                wanted.put_rooms |= emptied;
            }
            Notice::Gap { channels, emptied: true, .. } => wanted.emptied.extend(channels),
            Notice::Gap { channels, emptied: false, .. } => wanted.channels.extend(channels),
            Notice::Gone { .. } => wanted.gone = true,
            Notice::Left { room, expelled } => wanted.lost.push((room, expelled)),
            Notice::PutOut { room, occupants } => {
                wanted.put_out.extend(occupants.into_iter().map(|who| (room.clone(), who)));
            }
            Notice::Restored { users } => wanted.restored.extend(users),
            // Each node says so.
            Notice::Taken { .. } if self.shutdown.draining().is_cancelled() => {}
            Notice::Taken { holder } => {
                tracing::error!(
                    process = %holder.process, address = %holder.address,
                    "another process goes by this one's id: this one lets its clients go"
                );
                self.health.degrade("process_id");
                self.shutdown.begin();
            }
        }
        drop(wanted);
        self.bell.notify_one();
    }
}

/// As `/readyz` and the metrics call a node.
fn part(node: &str) -> String {
    format!("redis {node}")
}

/// Carries on until `stop`.
pub(crate) async fn run(site: Arc<Site>, stop: CancellationToken) {
    let mending = site.mending().clone();
    let mut again: Option<(Instant, HashSet<Channel>)> = None;
    loop {
        let due = async {
            match &again {
                Some((due, _)) => tokio::time::sleep_until(*due).await,
                None => std::future::pending().await,
            }
        };
        let is_due = tokio::select! {
            () = stop.cancelled() => return,
            () = mending.bell.notified() => false,
            () = due => true,
        };
        let mut wanted = std::mem::take(&mut *mending.wanted.lock());
        if is_due && let Some((_, channels)) = again.take() {
            wanted.channels.extend(channels);
        }
        if !wanted.emptied.is_empty() {
            let (due, channels) = again.get_or_insert_with(|| (Instant::now(), HashSet::new()));
            *due = Instant::now() + OTHERS_ARE_BACK;
            channels.extend(wanted.emptied.iter().cloned());
        }
        if stop.run_until_cancelled(mend(&site, wanted)).await.is_none() {
            return;
        }
    }
}

async fn mend(site: &Arc<Site>, wanted: Wanted) {
    let Wanted { channels, emptied, gone, put_rooms, restored, lost, put_out } = wanted;
    if put_rooms && let Err(error) = site.put_rooms().await {
        tracing::warn!(%error, "a room of the configuration was not put again");
    }
    for (room, expelled) in lost {
        if let Err(error) = site.chat().announce_lost(&room, expelled).await {
            tracing::warn!(%error, %room, "a room was not told who is gone");
        }
    }
    for (room, who) in put_out {
        let followers = site.followers(&Channel::Room(room.clone()));
        if let Some(Follower(socket)) = followers.into_iter().find(|Follower(socket)| *socket.id() == who.socket) {
            tell_put_out(site, socket, room);
        }
    }
    site.chat().announce_restored(&restored.into_iter().collect::<Vec<_>>()).await;
    for (channels, aloud) in [(emptied, true), (channels, false)] {
        look_again(site, channels, aloud).await;
    }
    if gone {
        let watched = site.followed(|channel| matches!(channel, Channel::Presence(_)));
        show_presence(site, watched.into_iter().filter_map(watched_user).collect(), true).await;
    }
}

async fn look_again(site: &Arc<Site>, channels: HashSet<Channel>, aloud: bool) {
    let (mut watched, mut users) = (Vec::new(), Vec::new());
    for channel in channels {
        match channel {
            Channel::Presence(user) => watched.push(user),
            Channel::User(user) => users.push(user),
            Channel::Room(room) => {
                for Follower(socket) in site.followers(&Channel::Room(room.clone())) {
                    return_to_room(site, socket, room.clone(), aloud);
                }
            }
            // What was relayed to single sockets meanwhile is live only, and missed.
            _ => {}
        }
    }
    show_presence(site, watched, false).await;
    for part in users.chunks(AT_ONCE) {
        join_all(part.iter().map(|user| show_target(site, user))).await;
    }
}

fn watched_user(channel: Channel) -> Option<UserKey> {
    match channel {
        Channel::Presence(user) => Some(user),
        _ => None,
    }
}

/// Shows the windows that watch these users what there is to see now; `only_gone`, if that is that they went.
async fn show_presence(site: &Arc<Site>, users: Vec<UserKey>, only_gone: bool) {
    for part in users.chunks(PRESENCE_AT_ONCE) {
        match site.chat().seen_now(part).await {
            Ok(seen) => {
                for (user, push) in seen {
                    if !only_gone || matches!(&push, Push::Presence(push) if push.status == Status::Offline) {
                        protocol::tell_all(site, &Channel::Presence(user), &push);
                    }
                }
            }
            // The node is gone again: another gap follows.
            Err(error) => tracing::debug!(%error, "presence could not be read again"),
        }
    }
}

/// Tells a user's windows of a `changeUser` that they missed.
async fn show_target(site: &Arc<Site>, user: &UserKey) {
    let before = site.targets().of(user);
    let Ok(Some(target)) = site.chat().target(user).await else { return };
    let told = |known: &Option<Box<_>>| known.as_deref().map(serde_json::value::RawValue::get).map(str::to_owned);
    // What came over the channel while this was read is newer.
    let overtaken = told(&site.targets().of(user)) != told(&before);
    if overtaken || told(&before).as_deref() == Some(target.get()) {
        return;
    }
    let missed = SyncChangeUser { uid: user.clone(), socketid: "".into(), change_user_data: target.clone() };
    let channel = Channel::User(user.clone());
    if let Some(delivery) = chat::deliver(&channel, Event::SyncChangeUser(missed), None, site.now()) {
        site.targets().told(user, target);
        protocol::deliver(site, &channel, &delivery, &site.followers(&channel));
    }
}

/// In the socket's turn, so that it does not cross its own leaving.
fn return_to_room(site: &Arc<Site>, socket: Socket, room: RoomId, aloud: bool) {
    let site = site.clone();
    socket.clone().spawn(async move {
        let _turn = socket.session().turn().await;
        let Some(window) = Window::of(&socket) else { return };
        if let Err(error) = site.chat().return_to_room(&*window, &room, aloud).await {
            tracing::debug!(%error, %room, "a room could not be looked at again");
        }
    });
}

fn tell_put_out(site: &Arc<Site>, socket: Socket, room: RoomId) {
    let site = site.clone();
    socket.clone().spawn(async move {
        let _turn = socket.session().turn().await;
        if let Some(window) = Window::of(&socket) {
            site.chat().put_out_unheard(&*window, &room).await;
        }
    });
}
