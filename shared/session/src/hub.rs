//! Which connection of this process wants which channel.
//!
//! The first member of a channel makes the process subscribe, the last one gone makes it unsubscribe; both are ordered
//! with the membership, so that a channel with members is subscribed and one without is not, whatever the timing:
//!
//! ```text
//! join ─► in the list ─► gate ─► subscribed? ──no──► subscribe ─► confirmed ─► join returns
//! leave ► out of list ─► last? ─► gate ─► still empty? ─► unsubscribe
//! ```
//!
//! While the medium is out of order the member stays in, and the medium subscribes when it can: [`Followed::WhenBack`].
//!
//! The gate of a channel is passed by one at a time: a newcomer who meets a leaving in progress waits for its end and
//! subscribes anew.

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use types::{Channel, Failure, Followed};

/// The live medium, as the hub needs it.
pub trait Medium: Send + Sync {
    /// Returns when confirmed: what is published from then on reaches [`Hub::members`]; or when it is known that the
    /// medium will do it as soon as it can. Idempotent.
    fn subscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Followed, Failure>>;
    /// Idempotent.
    fn unsubscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()>;
}

/// A connection, as the hub keeps it: a cheap handle with an identity.
pub trait Member: Clone + Send + Sync + 'static {
    fn same(&self, other: &Self) -> bool;
}

const STRIPES: usize = 64;

/// The members of every channel on this process.
pub struct Hub<M> {
    stripes: Box<[Stripe<M>]>,
    hasher: RandomState,
}

type Stripe<M> = Mutex<HashMap<Channel, Topic<M>>>;

struct Topic<M> {
    members: SmallVec<[M; 1]>,
    gate: Arc<Gate>,
}

/// Holds whether the process is subscribed, or will be; locked while that changes.
type Gate = tokio::sync::Mutex<Option<Followed>>;

impl<M: Member> Default for Hub<M> {
    fn default() -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { stripes, hasher: RandomState::new() }
    }
}

impl<M: Member> Hub<M> {
    /// Adds a member; returns when the process is subscribed, or will be. Joining twice is joining once.
    ///
    /// # Errors
    /// The medium's, in which case the member is not in.
    pub async fn join(&self, medium: &impl Medium, channel: &Channel, member: &M) -> Result<Followed, Failure> {
        let gate = {
            let mut stripe = self.stripe(channel).lock();
            let topic = stripe.entry(channel.clone()).or_insert_with(Topic::new);
            if !topic.members.iter().any(|known| known.same(member)) {
                topic.members.push(member.clone());
            }
            topic.gate.clone()
        };
        let outcome = {
            let mut subscribed = gate.lock().await;
            if *subscribed == Some(Followed::Now) {
                return Ok(Followed::Now);
            }
            let outcome = medium.subscribe(channel).await;
            *subscribed = outcome.as_ref().ok().copied();
            outcome
        };
        if outcome.is_err() {
            self.leave(medium, channel, member).await;
        }
        outcome
    }

    /// Takes a member out; the last one out unsubscribes the process.
    pub async fn leave(&self, medium: &impl Medium, channel: &Channel, member: &M) {
        let gate = {
            let mut stripe = self.stripe(channel).lock();
            let Some(topic) = stripe.get_mut(channel) else { return };
            topic.members.retain(|known| !known.same(member));
            if !topic.members.is_empty() {
                return;
            }
            topic.gate.clone()
        };
        let mut subscribed = gate.lock().await;
        if !self.is_deserted(channel, &gate) {
            return;
        }
        if subscribed.take().is_some() {
            medium.unsubscribe(channel).await;
        }
        self.forget_if_deserted(channel, &gate);
    }

    /// The members of a channel, as they are now; shared handles, taken out so that no lock is held while sending.
    pub fn members(&self, channel: &Channel) -> SmallVec<[M; 4]> {
        let stripe = self.stripe(channel).lock();
        stripe.get(channel).map(|topic| topic.members.iter().cloned().collect()).unwrap_or_default()
    }

    /// How many members a channel has here.
    pub fn count(&self, channel: &Channel) -> usize {
        self.stripe(channel).lock().get(channel).map_or(0, |topic| topic.members.len())
    }

    /// How many channels have members here.
    pub fn channels(&self) -> usize {
        self.stripes.iter().map(|stripe| stripe.lock().len()).sum()
    }

    /// The channels that have members here, of those that `wanted` picks.
    pub fn followed(&self, wanted: impl Fn(&Channel) -> bool) -> Vec<Channel> {
        let stripes = self.stripes.iter();
        stripes
            .flat_map(|stripe| stripe.lock().keys().filter(|channel| wanted(channel)).cloned().collect::<Vec<_>>())
            .collect()
    }

    fn stripe(&self, channel: &Channel) -> &Stripe<M> {
        &self.stripes[self.hasher.hash_one(channel) as usize % STRIPES]
    }

    /// Whether the topic of this very gate has no members: one that was forgotten and made anew has another gate.
    fn is_deserted(&self, channel: &Channel, gate: &Arc<Gate>) -> bool {
        self.stripe(channel).lock().get(channel).is_some_and(|topic| topic.is_deserted(gate))
    }

    /// Removes the topic, unless someone came while the process unsubscribed: the newcomer waits at the same gate and
    /// subscribes anew.
    fn forget_if_deserted(&self, channel: &Channel, gate: &Arc<Gate>) {
        let mut stripe = self.stripe(channel).lock();
        if stripe.get(channel).is_some_and(|topic| topic.is_deserted(gate)) {
            stripe.remove(channel);
        }
    }
}

impl<M> Topic<M> {
    fn new() -> Self {
        Self { members: SmallVec::new(), gate: Arc::default() }
    }

    fn is_deserted(&self, gate: &Arc<Gate>) -> bool {
        self.members.is_empty() && Arc::ptr_eq(&self.gate, gate)
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
