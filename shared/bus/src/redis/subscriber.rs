//! Subscribing: which connection a channel is on, and the orders that its task carries out.
//!
//! A channel stays on one subscriber connection as long as it is wanted. The first connection is filled before a second
//! one is opened, because each is asked for signs of life and probed.

use super::node::Node;
use super::script::Call;
use super::subscription;
use crate::{Error, version};
use fred::types::Value;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use types::Channel;

/// Orders that wait for the task of a connection. More means that it does not keep up: callers wait then.
const ORDERS: usize = 4096;

/// A subscriber connection, as callers see it.
pub(super) struct Subscriber {
    pub(super) number: usize,
    wanted: Mutex<HashMap<Channel, Wanted>>,
    orders: mpsc::Sender<Order>,
}

/// A wanted channel.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    standing: Standing,
    /// The last of the channel's numbers that was heard since it was confirmed; 0 if none was.
    heard: u64,
}

impl Wanted {
    const NEW: Self = Self { standing: Standing::Asked, heard: 0 };

    fn is_confirmed(self) -> bool {
        self.standing == Standing::Confirmed
    }

    /// From now on something may be missed.
    fn lose(&mut self) {
        *self = Self { standing: Standing::Lost, heard: 0 };
    }
}

/// How far a wanted channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its first caller waits.
    Asked,
    /// The connection that had it was lost, or its caller was told that the node is down.
    Lost,
    Confirmed,
}

pub(super) enum Order {
    Channel { kind: Kind, channel: Channel, done: oneshot::Sender<Result<(), Error>> },
    Errand(Errand),
}

/// A script that goes behind a subscription, on its connection: what is answered to it shows that both are done.
pub(super) struct Errand {
    pub(super) channel: Channel,
    pub(super) call: Arc<Call>,
    /// Dropped if there is no connection to run it on.
    pub(super) done: oneshot::Sender<Result<Value, Error>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

impl Node {
    pub(super) async fn subscribe(self: &Arc<Self>, channel: &Channel) -> Result<(), Error> {
        self.seat.check()?;
        let subscriber = self.subscriber_for(channel)?;
        subscriber.order(self, Kind::Subscribe, channel).await
    }

    pub(super) async fn unsubscribe(self: &Arc<Self>, channel: &Channel) -> Result<(), Error> {
        self.seat.check()?;
        let known = self.subscribers.lock().iter().find(|subscriber| subscriber.wants(channel)).cloned();
        match known {
            Some(subscriber) => subscriber.order(self, Kind::Unsubscribe, channel).await,
            None => Ok(()),
        }
    }

    /// Runs a script: with the subscription of `channel` if that is just under way, in one round trip, otherwise on the
    /// connection for commands.
    pub(super) async fn run_beside(&self, channel: &Channel, call: Call) -> Result<Value, Error> {
        let call = Arc::new(call);
        let Some(answer) = self.errand(channel, &call) else { return self.link().await?.call(&call).await };
        let running = async {
            match answer.await {
                // That connection is lost, or was not there.
                Err(_) | Ok(Err(Error::Down(_))) => self.link().await?.call(&call).await,
                Ok(outcome) => outcome,
            }
        };
        // A node that hangs costs its time limit once.
        timeout(self.options().patience, Box::pin(running)).await.unwrap_or_else(|_| Err(self.down()))
    }

    fn errand(&self, channel: &Channel, call: &Arc<Call>) -> Option<oneshot::Receiver<Result<Value, Error>>> {
        let (done, answer) = oneshot::channel();
        let subscribers = self.subscribers.lock();
        let subscriber = subscribers.iter().find(|subscriber| subscriber.is_asked(channel))?;
        let errand = Errand { channel: channel.clone(), call: call.clone(), done };
        subscriber.orders.try_send(Order::Errand(errand)).ok()?;
        Some(answer)
    }

    /// The connection that has the channel, or else the first that has room, with a place taken on it.
    fn subscriber_for(self: &Arc<Self>, channel: &Channel) -> Result<Arc<Subscriber>, Error> {
        let mut subscribers = self.subscribers.lock();
        if let Some(known) = subscribers.iter().find(|subscriber| subscriber.wants(channel)) {
            return Ok(known.clone());
        }
        if let Some(roomy) = subscribers.iter().find(|subscriber| subscriber.count() < self.options().channels) {
            roomy.take_place(channel);
            return Ok(roomy.clone());
        }
        if subscribers.len() == self.options().subscribers {
            return Err(Error::Full(self.name.clone()));
        }
        let (orders, taken) = mpsc::channel(ORDERS);
        let number = subscribers.len();
        let subscriber = Arc::new(Subscriber { number, wanted: Mutex::default(), orders });
        subscriber.take_place(channel);
        subscribers.push(subscriber.clone());
        self.seat.tasks.spawn(subscription::run(self.clone(), subscriber.clone(), taken));
        Ok(subscriber)
    }
}

impl Subscriber {
    pub(super) fn count(&self) -> usize {
        self.wanted.lock().len()
    }

    fn wants(&self, channel: &Channel) -> bool {
        self.wanted.lock().contains_key(channel)
    }

    fn is_asked(&self, channel: &Channel) -> bool {
        self.wanted.lock().get(channel).is_some_and(|wanted| wanted.standing == Standing::Asked)
    }

    fn take_place(&self, channel: &Channel) {
        self.wanted.lock().entry(channel.clone()).or_insert(Wanted::NEW);
    }

    async fn order(&self, node: &Node, kind: Kind, channel: &Channel) -> Result<(), Error> {
        let (done, outcome) = oneshot::channel();
        let order = Order::Channel { kind, channel: channel.clone(), done };
        let ordering = async {
            self.orders.send(order).await.map_err(|_| Error::Detached)?;
            outcome.await.map_err(|_| Error::Detached)?
        };
        // The task answers every order, unless it ends: then this process leaves.
        match timeout(node.options().patience, ordering).await {
            Ok(outcome) => outcome,
            Err(_) if kind == Kind::Subscribe && !self.gives_up(channel) && self.wants(channel) => Ok(()),
            Err(_) => Err(node.down()),
        }
    }

    /// Notes what an order wants; true if the server is to be told.
    pub(super) fn note(&self, kind: Kind, channel: &Channel) -> bool {
        let mut wanted = self.wanted.lock();
        match kind {
            Kind::Subscribe => !wanted.entry(channel.clone()).or_insert(Wanted::NEW).is_confirmed(),
            Kind::Unsubscribe => wanted.remove(channel).is_some(),
        }
    }

    /// Notes that the server has confirmed these; returns those on which something may have been missed.
    pub(super) fn confirm(&self, channels: &[Channel]) -> Vec<Channel> {
        let mut wanted = self.wanted.lock();
        let mut missed = Vec::new();
        for channel in channels {
            if let Some(wanted) = wanted.get_mut(channel)
                && std::mem::replace(&mut wanted.standing, Standing::Confirmed) == Standing::Lost
            {
                missed.push(channel.clone());
            }
        }
        missed
    }

    /// Everything that is wanted and not confirmed.
    pub(super) fn unconfirmed(&self) -> Vec<Channel> {
        self.all(|_, wanted| !wanted.is_confirmed())
    }

    pub(super) fn confirmed(&self) -> Vec<Channel> {
        self.all(|_, wanted| wanted.is_confirmed())
    }

    /// Every confirmed channel that has versions.
    pub(super) fn counted(&self) -> Vec<Channel> {
        self.all(|channel, wanted| wanted.is_confirmed() && version::counts(channel))
    }

    /// Notes a number that was heard; false if one before it was missed, or the counting began anew.
    pub(super) fn hear(&self, channel: &Channel, number: u64) -> bool {
        let mut wanted = self.wanted.lock();
        let Some(wanted) = wanted.get_mut(channel) else { return true };
        let before = std::mem::replace(&mut wanted.heard, number);
        before == 0 || number == before || number == before + 1
    }

    /// Whether the number is no news: it was heard, or the channel was quiet since it was confirmed and counts from here.
    pub(super) fn has_heard(&self, channel: &Channel, number: u64) -> bool {
        let mut wanted = self.wanted.lock();
        let Some(wanted) = wanted.get_mut(channel).filter(|wanted| wanted.is_confirmed()) else { return true };
        if wanted.heard == 0 {
            wanted.heard = number;
        }
        wanted.heard >= number
    }

    /// Gives up waiting for the number; false if it was heard meanwhile.
    pub(super) fn skip_to(&self, channel: &Channel, number: u64) -> bool {
        let mut wanted = self.wanted.lock();
        let Some(wanted) = wanted.get_mut(channel).filter(|wanted| wanted.heard < number) else { return false };
        wanted.heard = number;
        wanted.is_confirmed()
    }

    pub(super) fn is_unconfirmed(&self, channel: &Channel) -> bool {
        self.wanted.lock().get(channel).is_some_and(|wanted| !wanted.is_confirmed())
    }

    /// From now on something may be missed on all channels.
    pub(super) fn lose(&self) {
        self.wanted.lock().values_mut().for_each(Wanted::lose);
    }

    /// From now on something may be missed on this channel.
    pub(super) fn miss(&self, channel: &Channel) {
        if let Some(wanted) = self.wanted.lock().get_mut(channel) {
            wanted.lose();
        }
    }

    /// The caller of a subscription learns that the node is down, unless it was confirmed just now.
    fn gives_up(&self, channel: &Channel) -> bool {
        let mut wanted = self.wanted.lock();
        let Some(wanted) = wanted.get_mut(channel).filter(|wanted| !wanted.is_confirmed()) else {
            return false;
        };
        wanted.lose();
        true
    }

    fn all(&self, which: impl Fn(&Channel, Wanted) -> bool) -> Vec<Channel> {
        let wanted = self.wanted.lock();
        wanted.iter().filter(|(channel, wanted)| which(channel, **wanted)).map(|(channel, _)| channel.clone()).collect()
    }
}
