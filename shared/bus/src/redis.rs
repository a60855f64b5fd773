//! The bus over Redis: several nodes, each for its share of users and rooms, and each allowed to be missing.
//!
//! ```text
//!  Bus ──► Node ─┬► Link (commands) ── keeper: finds the master, holds the lease, compares what is registered
//!                ├► Publisher ── to the same master: PUBLISH, and the script that raises a version with it
//!                └► Subscriber ──► Receiver ── subscription: subscribes, passes on, tells what was missed
//! ```
//!
//! This file and those beside it are the only ones that name fred or speak RESP. Nothing here decides what an outage
//! means for a client: [`Notice`] says what has happened.

mod beat;
mod keeper;
mod lease;
mod link;
mod locate;
mod names;
mod node;
mod options;
mod outbox;
mod pipe;
mod presence;
mod publisher;
mod receiver;
mod resp;
mod rooms;
mod script;
mod subscriber;
mod subscription;
mod trouble;
mod versions;

use crate::{Connection, Error, Expelled, Health, Holder, Members, NodeName, Registered, RoomError, Sink, Version};
use bytes::Bytes;
use futures_util::future::{join_all, select_ok};
use link::Link;
use node::{Node, Seat, State};
pub use options::{Ask, Guards, Notice, Notices, Options, Process};
use serde_json::value::RawValue;
use shard::Rings;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Channel, ProcessId, RoomId, SocketId, Status, UserKey};

/// How much longer than for one node is waited for the first of all.
const START_PATIENCE: Duration = Duration::from_secs(4);

/// A server's place on the Redis nodes.
#[derive(Clone)]
pub struct Bus {
    place: Arc<Place>,
}

struct Place {
    rings: Rings,
    seat: Arc<Seat>,
    /// As [`Rings::nodes`] counts them.
    nodes: Vec<Arc<Node>>,
}

/// Takes a place on all nodes of all rings.
///
/// Nodes that do not answer are degraded and are taken up when they do; one that answers is needed. Takes a second or
/// two at most, and five if none answers.
///
/// # Errors
/// [`Error::ProcessTaken`] if a process of this id holds a lease and answers; [`Error::OtherStore`] if a process on one of
/// the nodes keeps messages elsewhere; [`Error::Down`] if no node answers;
/// [`Error::Misnamed`] if the process's own words cannot be kept.
pub async fn connect(rings: Rings, process: Process, sink: Sink, options: Options) -> Result<crate::Bus, Error> {
    if !process.is_well_named() {
        return Err(Error::Misnamed);
    }
    let seat = Arc::new(Seat { process, sink, options, leaving: CancellationToken::new(), tasks: TaskTracker::new() });
    let nodes = rings.nodes().iter().map(|node| Arc::new(Node::new(node.clone(), seat.clone()))).collect();
    let place = Place { rings, seat, nodes };
    let attempts = place.nodes.iter().map(|node| {
        let (first, outcome) = oneshot::channel();
        place.seat.tasks.spawn(keeper::keep(node.clone(), first));
        place.seat.tasks.spawn(locate::watch_switches(node.clone()));
        outcome
    });
    let outcomes: Vec<Result<(), Error>> =
        join_all(attempts).await.into_iter().map(|outcome| outcome.unwrap_or(Err(Error::Detached))).collect();
    let refuses = |outcome: &&Result<(), Error>| matches!(outcome, Err(Error::ProcessTaken(_) | Error::OtherStore(_)));
    let taken = outcomes.iter().find(refuses);
    let refusal = match taken {
        Some(taken) => taken.clone(),
        None if outcomes.iter().any(Result::is_ok) => Ok(()),
        // Everything may have been started together, on a machine that is busy with it.
        None if place.any_serves_within(START_PATIENCE).await => Ok(()),
        None => Err(Error::Down(place.nodes.iter().map(|node| &*node.name).collect::<Vec<_>>().join(", ").into())),
    };
    let bus = Bus { place: Arc::new(place) };
    if let Err(error) = refusal {
        bus.detach();
        bus.detached().await;
        return Err(error);
    }
    Ok(crate::Bus::Redis(bus))
}

impl Bus {
    pub(crate) fn process(&self) -> &ProcessId {
        &self.place.seat.process.id
    }

    pub(crate) fn detach(&self) {
        self.place.give_up();
    }

    pub(crate) async fn detached(&self) {
        self.place.seat.leaving.cancelled().await;
        self.place.seat.tasks.wait().await;
    }

    pub(crate) fn health(&self) -> Health {
        let nodes = &self.place.nodes;
        let taken_by = nodes.iter().find_map(|node| node.taken_by.lock().clone());
        Health { nodes: nodes.iter().map(|node| node.health()).collect(), taken_by }
    }

    /// A process's own channel is on all of them.
    pub(crate) fn name_of(&self, channel: &Channel) -> Option<&NodeName> {
        (!matches!(channel, Channel::Process(_))).then(|| &self.place.node_of(channel).name)
    }

    /// Any node knows; one that was emptied just now may not, so nobody is gone before all have been asked.
    pub(crate) async fn holder(&self, process: &ProcessId) -> Result<Option<Holder>, Error> {
        self.place.seat.check()?;
        let mut asked = Err(self.place.nodes[0].down());
        for node in self.place.in_order_for(process) {
            let Some(link) = node.link_now() else { continue };
            let lease = match link.command("GET", vec![format!("ImProc:{process}").into()]).await {
                Ok(lease) => lease.into_string(),
                Err(error) => {
                    asked = asked.or(Err(error));
                    continue;
                }
            };
            if let Some((incarnation, address)) = lease.as_deref().and_then(|lease| lease.split_once(' ')) {
                let address = address.split(' ').next().unwrap_or_default().into();
                let incarnation = incarnation.into();
                return Ok(Some(Holder { process: process.clone(), incarnation, address }));
            }
            asked = Ok(None);
        }
        asked
    }

    pub(crate) async fn subscribe(&self, channel: &Channel) -> Result<(), Error> {
        match channel {
            Channel::Process(_) => {
                anywhere(join_all(self.place.nodes.iter().map(|node| node.subscribe(channel))).await)
            }
            _ => self.place.node_of(channel).subscribe(channel).await,
        }
    }

    pub(crate) async fn unsubscribe(&self, channel: &Channel) -> Result<(), Error> {
        match channel {
            Channel::Process(_) => {
                anywhere(join_all(self.place.nodes.iter().map(|node| node.unsubscribe(channel))).await)
            }
            _ => self.place.node_of(channel).unsubscribe(channel).await,
        }
    }

    /// A process listens on every node, so that it is reached while any serves. All publishers try the nodes in the same
    /// order and stop at the first where it was heard.
    pub(crate) async fn publish(&self, channel: &Channel, message: &Bytes) -> Result<usize, Error> {
        let Channel::Process(process) = channel else {
            return self.place.node_of(channel).publisher().await?.publish(&channel.to_string(), message).await;
        };
        self.place.seat.check()?;
        let mut outcome = Err(self.place.nodes[0].down());
        for publisher in self.place.in_order_for(process).filter_map(|node| node.publisher_now()) {
            // An error may mean that it was heard, so nobody else is asked then.
            outcome = publisher.publish(&channel.to_string(), message).await;
            if outcome != Ok(0) {
                break;
            }
        }
        outcome
    }

    pub(crate) async fn raise(&self, channel: &Channel, message: &Bytes) -> Result<u64, Error> {
        self.place.node_of(channel).raise(channel, message).await
    }

    pub(crate) async fn version(&self, channel: &Channel) -> Result<Version, Error> {
        self.place.node_of(channel).version(channel).await
    }

    pub(crate) async fn note_known(&self, user: &UserKey, store: &str) -> Result<(), Error> {
        self.place.of_user(user).note_known(user, store).await
    }

    pub(crate) async fn register(&self, user: &UserKey, connection: Connection) -> Result<Registered, Error> {
        self.place.of_user(user).register(user, connection).await
    }

    pub(crate) async fn unregister(&self, user: &UserKey, socket: &SocketId) -> Result<bool, Error> {
        self.place.of_user(user).unregister(user, socket).await
    }

    pub(crate) async fn set_status(&self, user: &UserKey, status: Status) -> Result<Option<Status>, Error> {
        self.place.of_user(user).set_status(user, status).await
    }

    pub(crate) async fn presence(&self, users: &[UserKey]) -> Result<Vec<(UserKey, Status)>, Error> {
        self.place.seat.check()?;
        let mut by_node: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, user) in users.iter().enumerate() {
            by_node.entry(self.place.rings.node_of(user)).or_default().push(place);
        }
        let asking = by_node.into_iter().map(async |(node, places)| {
            let users: Vec<&UserKey> = places.iter().map(|place| &users[*place]).collect();
            let known = self.place.nodes[node].presence(&users).await?;
            Ok(places.into_iter().zip(known).collect::<Vec<_>>())
        });
        let answers = join_all(asking).await;
        if let Some(Err(error)) = answers.iter().find(|answer| answer.is_err())
            && answers.iter().all(Result::is_err)
        {
            return Err(Error::clone(error));
        }
        let known: BTreeMap<usize, Status> = answers.into_iter().filter_map(Result::ok).flatten().collect();
        Ok(known.into_iter().map(|(place, status)| (users[place].clone(), status)).collect())
    }

    pub(crate) async fn set_target(&self, user: &UserKey, target: Box<RawValue>) -> Result<(), Error> {
        self.place.of_user(user).set_target(user, target).await
    }

    pub(crate) async fn target(&self, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        self.place.of_user(user).target(user).await
    }

    pub(crate) async fn put_room(&self, room: &RoomId, members: Vec<UserKey>) -> Result<Expelled, Error> {
        self.place.of_room(room).put_room(room, members).await
    }

    pub(crate) async fn remove_room(&self, room: &RoomId) -> Result<Option<Expelled>, Error> {
        self.place.of_room(room).remove_room(room).await
    }

    pub(crate) async fn room(&self, room: &RoomId) -> Result<Option<Vec<UserKey>>, Error> {
        self.place.of_room(room).room(room).await
    }

    pub(crate) async fn enter_room(
        &self,
        room: &RoomId,
        socket: &SocketId,
        user: &UserKey,
    ) -> Result<Members, RoomError> {
        self.place.of_room(room).enter_room(room, socket, user).await
    }

    pub(crate) async fn leave_room(&self, room: &RoomId, socket: &SocketId) -> Result<Option<Members>, Error> {
        self.place.of_room(room).leave_room(room, socket).await
    }
}

impl Place {
    async fn any_serves_within(&self, limit: Duration) -> bool {
        let serving = self.nodes.iter().map(|node| {
            let mut state = node.state.subscribe();
            Box::pin(async move { state.wait_for(|state| matches!(state, State::Up(_))).await.map(drop) })
        });
        timeout(limit, select_ok(serving)).await.is_ok_and(|first| first.is_ok())
    }

    fn give_up(&self) {
        self.seat.leaving.cancel();
        self.seat.tasks.close();
    }

    fn of_user(&self, user: &UserKey) -> &Arc<Node> {
        &self.nodes[self.rings.node_of(user)]
    }

    fn of_room(&self, room: &RoomId) -> &Arc<Node> {
        &self.nodes[self.rings.node_of_room(room)]
    }

    fn node_of(&self, channel: &Channel) -> &Arc<Node> {
        match channel {
            Channel::User(user) | Channel::Presence(user) => self.of_user(user),
            Channel::Room(room) => self.of_room(room),
            Channel::Group(group) => &self.nodes[self.rings.node_of_group(group)],
            Channel::Process(_) => &self.nodes[0],
        }
    }

    /// All nodes, beginning with one that the process's name chooses, so that not all traffic is on the first.
    fn in_order_for(&self, process: &ProcessId) -> impl Iterator<Item = &Arc<Node>> {
        let first =
            usize::from(shard::slot(&Channel::Process(process.clone()).to_string()).number()) % self.nodes.len();
        self.nodes[first..].iter().chain(&self.nodes[..first])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// What was done on all nodes; one where it succeeded is enough.
fn anywhere(mut outcomes: Vec<Result<(), Error>>) -> Result<(), Error> {
    match outcomes.iter().any(Result::is_ok) {
        true => Ok(()),
        false => outcomes.swap_remove(0),
    }
}
