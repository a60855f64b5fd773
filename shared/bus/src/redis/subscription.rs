//! The task of one subscriber connection: open it, subscribe what is wanted, pass on what comes, and begin again when it
//! is lost.
//!
//! Orders are carried out in parts: what has gathered goes out in one command, and one barrier confirms it. After a loss
//! the wanted channels are the backlog, taken up part by part between the orders; what a part may have missed is told
//! when it is confirmed, so that whatever is read upon that misses nothing either.

use super::beat::beat_from;
use super::names;
use super::node::{Absence, Backoff, Node, Part, State};
use super::pipe::Driver;
use super::receiver::Receiver;
use super::subscriber::{Errand, Kind, Order, Subscriber};
use super::trouble::Trouble;
use crate::{Error, version};
use fred::types::Value;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use types::Channel;

type Done = oneshot::Sender<Result<(), Error>>;

/// Carries on until this process leaves.
pub(super) async fn run(node: Arc<Node>, me: Arc<Subscriber>, mut orders: mpsc::Receiver<Order>) {
    let mut waiting = Waiting::default();
    let mut server: Option<Box<str>> = None;
    let mut absence = Absence::begin();
    loop {
        let sought = seek(&node, &me, &mut orders, &mut waiting, &mut absence, server.as_deref()).await;
        let Some((mut driver, life)) = sought else { break };
        server = Some(life.run_id.clone());
        let session = Session::new(&life, Receiver::on(&driver));
        // Each with a waker of its own, unlike the branches of a `select!`.
        let mut work: FuturesUnordered<BoxFuture<'_, Trouble>> = FuturesUnordered::new();
        work.push(Box::pin(driver.ended()));
        work.push(Box::pin(session.subscribe_all(&mut orders, &mut waiting)));
        work.push(Box::pin(session.probe()));
        work.push(Box::pin(moved_on(&node, &life.run_id)));
        work.push(Box::pin(node.seat.leaving.cancelled().map(|()| Trouble::Leaving)));
        let trouble = work.next().await.unwrap_or(Trouble::Lost);
        drop(work);
        if trouble == Trouble::Leaving {
            session.say_goodbye().await;
            driver.close().await;
            break;
        }
        driver.close().await;
        me.lose();
        waiting.crash(|| node.down());
        if session.settled.load(Ordering::Relaxed) {
            absence = Absence::begin();
        }
        tracing::info!(node = %node.name, subscriber = me.number, %trouble, "a subscriber connection ended");
    }
    orders.close();
}

/// Callers that wait.
#[derive(Default)]
struct Waiting {
    /// For the barrier that is under way.
    flying: Vec<(Kind, Done)>,
    /// For a connection, and the backlog on it.
    grounded: Vec<Done>,
}

impl Waiting {
    /// More than this many are told at once that the node is down.
    const MOST: usize = 4096;

    fn add(&mut self, done: Done, otherwise: impl FnOnce() -> Error) {
        if self.grounded.len() < Self::MOST {
            self.grounded.push(done);
        } else {
            done.send(Err(otherwise())).ok();
        }
    }

    fn tell(&mut self, outcome: &Result<(), Error>) {
        for done in self.grounded.drain(..) {
            done.send(outcome.clone()).ok();
        }
    }

    fn land(&mut self) {
        for (_, done) in self.flying.drain(..) {
            done.send(Ok(())).ok();
        }
    }

    /// The connection is lost: what was to be unsubscribed is, and what was to be subscribed will be on the next.
    fn crash(&mut self, otherwise: impl Fn() -> Error) {
        for (kind, done) in std::mem::take(&mut self.flying) {
            match kind {
                Kind::Subscribe => self.add(done, &otherwise),
                Kind::Unsubscribe => drop(done.send(Ok(()))),
            }
        }
    }
}

/// Finds the connection again. Orders are noted meanwhile; who gave them waits for a while, then learns that the node is
/// down. Nothing when this process leaves.
async fn seek(
    node: &Arc<Node>,
    me: &Arc<Subscriber>,
    orders: &mut mpsc::Receiver<Order>,
    waiting: &mut Waiting,
    absence: &mut Absence,
    before: Option<&str>,
) -> Option<(Driver<Value>, Arc<Life>)> {
    let trouble = parking_lot::Mutex::new(Trouble::Lost);
    let mut opening = std::pin::pin!(open(node, me, &mut absence.backoff, &trouble, before));
    let mut patience = std::pin::pin!(sleep_until(absence.since + node.options().patience));
    let mut is_down = false;
    loop {
        tokio::select! {
            () = node.seat.leaving.cancelled() => return None,
            opened = &mut opening => return Some(opened),
            () = &mut patience, if !is_down => {
                is_down = true;
                me.lose();
                waiting.tell(&Err(node.down()));
                let trouble = trouble.lock().clone();
                node.part_is_down(Part::Subscriber(me.number), &trouble);
            }
            order = orders.recv() => {
                // An errand has another way.
                let Order::Channel { kind, channel, done } = order? else { continue };
                me.note(kind, &channel);
                match kind {
                    Kind::Unsubscribe => { done.send(Ok(())).ok(); }
                    Kind::Subscribe if is_down => {
                        me.miss(&channel);
                        done.send(Err(node.down())).ok();
                    }
                    Kind::Subscribe => waiting.add(done, || node.down()),
                }
            }
        }
    }
}

/// Connects to the server that the node's command connection has found, and to no other. Before, it was to that one.
async fn open(
    node: &Arc<Node>,
    me: &Arc<Subscriber>,
    backoff: &mut Backoff,
    trouble: &parking_lot::Mutex<Trouble>,
    before: Option<&str>,
) -> (Driver<Value>, Arc<Life>) {
    let mut states = node.state.subscribe();
    loop {
        backoff.pause().await;
        let serving = match states.wait_for(|state| matches!(state, State::Up(_))).await.as_deref() {
            Ok(State::Up(serving)) => serving.clone(),
            _ => continue,
        };
        let run_id = serving.link.run_id();
        let life = Arc::new(Life::new(node, me, run_id, before.is_some_and(|before| before != run_id)));
        let hearing = life.clone();
        let hear = move |channel: &[u8], message: &[u8]| hearing.hear(channel, message);
        let password = node.spec.password.as_ref();
        match Receiver::open(&node.name, &serving.target, password, run_id, node.options(), hear).await {
            Ok(driver) => return (driver, life),
            Err(found) => *trouble.lock() = found,
        }
    }
}

/// Returns when the node's command connection is to another server than this one.
async fn moved_on(node: &Node, run_id: &str) -> Trouble {
    let mut states = node.state.subscribe();
    let elsewhere = |state: &State| matches!(state, State::Up(serving) if serving.link.run_id() != run_id);
    if states.wait_for(elsewhere).await.is_ok() { Trouble::Moved } else { Trouble::Leaving }
}

/// What is known of one life of the connection, also where its messages are heard.
struct Life {
    node: Arc<Node>,
    me: Arc<Subscriber>,
    /// The server that it is to.
    run_id: Box<str>,
    /// That server has forgotten everything since the life before.
    emptied: bool,
    probe_name: String,
    /// The last probe that came back.
    probed: watch::Sender<u64>,
}

impl Life {
    fn new(node: &Arc<Node>, me: &Arc<Subscriber>, run_id: &str, emptied: bool) -> Self {
        let process = &node.seat.process;
        Self {
            node: node.clone(),
            me: me.clone(),
            run_id: run_id.into(),
            emptied,
            probe_name: names::probe(&process.id, &process.incarnation, me.number),
            probed: watch::Sender::new(0),
        }
    }

    /// Passes on what comes.
    fn hear(&self, name: &[u8], message: &[u8]) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        if let Some(channel) = names::channel(name) {
            if let Some(number) = version::number_of(message)
                && !self.me.hear(&channel, number)
            {
                self.tell_gap(std::slice::from_ref(&channel));
            }
            (self.node.seat.sink)(&channel, message);
        } else if name == self.probe_name {
            let number = std::str::from_utf8(message).ok().and_then(|digits| digits.parse().ok());
            self.probed.send_replace(number.unwrap_or_default());
        }
    }

    fn tell_gap(&self, channels: &[Channel]) {
        self.node.tell_gap(channels, self.emptied);
    }
}

/// What is done with the connection while it lasts.
struct Session<'a> {
    life: &'a Life,
    node: &'a Node,
    me: &'a Subscriber,
    receiver: Receiver,
    /// Everything that was wanted at the beginning is subscribed.
    settled: AtomicBool,
}

impl<'a> Session<'a> {
    fn new(life: &'a Life, receiver: Receiver) -> Self {
        Self { life, node: &life.node, me: &life.me, receiver, settled: AtomicBool::new(false) }
    }

    /// Subscribes the backlog and carries out orders, as long as the connection lasts.
    async fn subscribe_all(&self, orders: &mut mpsc::Receiver<Order>, waiting: &mut Waiting) -> Trouble {
        if self.receiver.subscribe(std::slice::from_ref(&self.life.probe_name)).is_err() {
            return Trouble::Lost;
        }
        let mut backlog = self.me.unconfirmed();
        let chunk = if self.node.options().guards.chunks { self.node.options().chunk } else { usize::MAX };
        let mut batch = Vec::new();
        loop {
            if backlog.is_empty() && !self.settled.swap(true, Ordering::Relaxed) {
                waiting.tell(&Ok(()));
                self.node.part_is_up(Part::Subscriber(self.me.number), false);
            }
            if backlog.is_empty() {
                orders.recv_many(&mut batch, self.node.options().chunk).await;
            } else {
                std::iter::from_fn(|| orders.try_recv().ok())
                    .take(self.node.options().chunk)
                    .for_each(|order| batch.push(order));
            }
            if let Err(trouble) = self.carry_out(&mut batch, waiting).await {
                return trouble;
            }
            let part = backlog.split_off(backlog.len().saturating_sub(chunk));
            if let Err(trouble) = self.take_up(part).await {
                return trouble;
            }
        }
    }

    /// Carries out what has been ordered, the last order for a channel being the one that counts.
    async fn carry_out(&self, batch: &mut Vec<Order>, waiting: &mut Waiting) -> Result<(), Trouble> {
        let mut told = HashMap::new();
        let mut errands = Vec::new();
        for order in batch.drain(..) {
            match order {
                Order::Channel { kind, channel, done } => {
                    if self.me.note(kind, &channel) {
                        told.insert(channel, kind);
                    }
                    waiting.flying.push((kind, done));
                }
                Order::Errand(errand) if errand.done.is_closed() => {}
                Order::Errand(errand) => errands.push(errand),
            }
        }
        let pick = |wanted| told.iter().filter(move |(_, kind)| **kind == wanted).map(|(channel, _)| channel.clone());
        let (on, off): (Vec<_>, Vec<_>) = (pick(Kind::Subscribe).collect(), pick(Kind::Unsubscribe).collect());
        self.send(&on, &off, errands).await?;
        self.life.tell_gap(&self.me.confirm(&on));
        waiting.land();
        Ok(())
    }

    /// Subscribes a part of the backlog, and tells that something may have been missed on it.
    async fn take_up(&self, mut part: Vec<Channel>) -> Result<(), Trouble> {
        part.retain(|channel| self.me.is_unconfirmed(channel));
        self.send(&part, &[], Vec::new()).await?;
        self.life.tell_gap(&self.me.confirm(&part));
        Ok(())
    }

    /// Returns when the server has done it.
    async fn send(&self, on: &[Channel], off: &[Channel], errands: Vec<Errand>) -> Result<(), Trouble> {
        if on.is_empty() && off.is_empty() && errands.is_empty() {
            return Ok(());
        }
        let names = |channels: &[Channel]| channels.iter().map(Channel::to_string).collect::<Vec<_>>();
        let sending = async {
            // Carried out in this order: the server answers the last when all are done.
            self.receiver.unsubscribe(&names(off))?;
            self.receiver.subscribe(&names(on))?;
            self.confirmation(errands).await
        };
        sending.await.map_err(|error| match error {
            Error::Refused { reason, .. } => Trouble::Unfit(reason),
            _ => Trouble::Lost,
        })
    }

    /// Returns when the server has done all that was sent before: the answer to an errand shows it, or else a barrier.
    async fn confirmation(&self, errands: Vec<Errand>) -> Result<(), Error> {
        let (begun, patience) = (Instant::now(), self.node.options().patience);
        let answered = join_all(errands.into_iter().map(|errand| self.run_errand(errand))).await;
        if answered.contains(&true) || !self.node.options().guards.barrier {
            return Ok(());
        }
        if begun.elapsed() >= patience { Err(self.node.down()) } else { self.receiver.barrier().await }
    }

    /// Whether the server has answered.
    async fn run_errand(&self, Errand { channel, call, done }: Errand) -> bool {
        let outcome = self.receiver.call(&call).await;
        let answered = matches!(outcome, Ok(_) | Err(Error::Refused { .. }));
        // A server that is left behind keeps nothing.
        let serves = self.node.link_now().is_some_and(|link| link.run_id() == &*self.life.run_id);
        let told = done.send(if serves { outcome } else { Err(self.node.down()) });
        // Who asked has gone, and perhaps the connection that was to be registered.
        if told.is_err()
            && let Channel::User(user) = &channel
        {
            self.node.doubt(user);
        }
        answered
    }

    /// Publishes to itself and waits for it. Finds what no answer on this connection shows: subscriptions that the
    /// server does not have.
    async fn probe(&self) -> Trouble {
        let options = self.node.options();
        if !options.guards.probe {
            return std::future::pending().await;
        }
        for number in 1.. {
            sleep_until(beat_from(Instant::now() + options.probe, options.pulse)).await;
            let Some(publisher) = self.node.publisher_now() else { continue };
            let begun = Instant::now();
            match publisher.publish(&self.life.probe_name, number.to_string().as_bytes()).await {
                Ok(0) => return Trouble::Deaf,
                Err(_) => continue,
                Ok(_) => {}
            }
            let mut probed = self.life.probed.subscribe();
            match timeout(options.probe + options.patience, probed.wait_for(|last| *last >= number)).await {
                Ok(_) => self.node.measured(begun.elapsed()),
                Err(_) => return Trouble::Deaf,
            }
        }
        Trouble::Deaf
    }

    /// Unsubscribes in parts, because a client that goes with all its channels stalls the server.
    async fn say_goodbye(&self) {
        let all = self.me.confirmed();
        let saying = async {
            for part in all.chunks(self.node.options().chunk) {
                if self.send(&[], part, Vec::new()).await.is_err() {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(2), saying).await.ok();
    }
}
