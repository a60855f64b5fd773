//! The task that keeps a node: finds its master, holds this process's lease there, and sees to it that what this process
//! has registered is there.

use super::lease::{Living, claim, take};
use super::link::{Driver, Link, Purpose, Target};
use super::locate::locate;
use super::names;
use super::node::{Absence, Backoff, Node, Part, Serving, State};
use super::options::Notice;
use super::pipe;
use super::publisher::Publisher;
use super::script::LEAVE;
use super::trouble::Trouble;
use crate::Error;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use types::UserKey;

/// Compared with the node at once: with 32 the worst PING of another client was 3 ms while 50,000 users came back, with 64
/// it was 6 ms.
const COMPARED_AT_ONCE: usize = 32;

/// What becomes of the first attempt on a node.
pub(super) type First = oneshot::Sender<Result<(), Error>>;

/// What is known of the server that served last.
struct Known {
    run_id: String,
    target: Target,
}

/// The connections to a master that serves; this process has the lease there.
struct Opened {
    driver: Driver,
    publishing: pipe::Driver<u64>,
    target: Target,
    /// The lease was not there before.
    anew: bool,
}

/// Carries on until this process leaves.
pub(super) async fn keep(node: Arc<Node>, first: First) {
    let mut first = Some(first);
    let mut known: Option<Known> = None;
    let mut absence = Absence::begin();
    loop {
        let last = known.as_ref().map(|known| &known.target);
        let Some(opened) = seek(&node, last, &mut absence, &mut first).await else { break };
        let Opened { mut driver, mut publishing, target, anew } = opened;
        let link = driver.link().clone();
        let run_id = link.run_id().to_owned();
        let before = known.replace(Known { run_id: run_id.clone(), target: target.clone() });
        let emptied = before.is_some_and(|before| before.run_id != run_id);
        if emptied || anew {
            node.memory.doubt();
        }
        let tenure = Tenure::new(&node, &link, emptied);
        let publisher = Publisher::on(&publishing);
        node.state.send_replace(State::Up(Arc::new(Serving { target: target.clone(), link: link.clone(), publisher })));
        if let Some(first) = first.take() {
            first.send(Ok(())).ok();
        }
        let trouble = tokio::select! {
            trouble = driver.ended() => trouble,
            trouble = publishing.ended() => trouble,
            trouble = Driver::silence(&link, node.options()) => trouble,
            trouble = tenure.renew() => trouble,
            trouble = tenure.compare() => trouble,
            trouble = switched(&node, &target) => trouble,
            () = node.seat.leaving.cancelled() => Trouble::Leaving,
        };
        node.state.send_replace(State::Seeking);
        if tenure.settled.load(Ordering::Relaxed) {
            absence = Absence::begin();
        }
        if trouble == Trouble::Leaving {
            Publisher::on(&publishing).drained().await;
            let process = &node.seat.process;
            let args = vec![process.id.as_str().into(), process.incarnation.as_str().into()];
            link.run(&LEAVE, names::lease(&process.id), args).await.ok();
            publishing.close().await;
            driver.close().await;
            break;
        }
        publishing.close().await;
        driver.close().await;
        tracing::info!(node = %node.name, %trouble, "the connections for commands ended");
    }
    node.state.send_replace(State::Down);
}

/// Finds a master that serves and takes the lease there. Nothing when this process leaves.
async fn seek(
    node: &Arc<Node>,
    last: Option<&Target>,
    absence: &mut Absence,
    first: &mut Option<First>,
) -> Option<Opened> {
    let trouble = Mutex::new(Trouble::New);
    let mut opening = std::pin::pin!(open(node, last, &mut absence.backoff, &trouble));
    let mut patience = std::pin::pin!(sleep_until(absence.since + node.options().patience));
    let mut is_down = false;
    loop {
        tokio::select! {
            () = node.seat.leaving.cancelled() => return None,
            opened = &mut opening => return Some(opened),
            () = &mut patience, if !is_down => {
                let trouble = trouble.lock().clone();
                if trouble == Trouble::Asking {
                    patience.as_mut().reset(Instant::now() + node.options().patience);
                    continue;
                }
                is_down = true;
                node.part_is_down(Part::Commands, &trouble);
                if let Some(first) = first.take() {
                    let taken = node.taken_by.lock().clone();
                    let error = match trouble {
                        Trouble::OtherStore(process) => Error::OtherStore(process),
                        _ => taken.map_or_else(|| node.down(), |holder| Error::ProcessTaken(holder.process)),
                    };
                    first.send(Err(error)).ok();
                }
            }
        }
    }
}

async fn open(node: &Node, last: Option<&Target>, backoff: &mut Backoff, trouble: &Mutex<Trouble>) -> Opened {
    let mut moved = node.moved.subscribe();
    // Where the master went is tried first, once: another Sentinel may not know it yet.
    let mut hint = moved.borrow_and_update().clone().filter(|hint| Some(hint) != last);
    loop {
        let attempting = async {
            backoff.pause().await;
            attempt(node, hint.take(), trouble).await
        };
        tokio::select! {
            opened = attempting => match opened {
                Ok(opened) => return opened,
                Err(found) => {
                    tracing::debug!(node = %node.name, trouble = %found, "a Redis node was not reached");
                    *trouble.lock() = found;
                }
            },
            Ok(()) = moved.changed() => hint = moved.borrow_and_update().clone(),
        }
    }
}

async fn attempt(node: &Node, hint: Option<Target>, trouble: &Mutex<Trouble>) -> Result<Opened, Trouble> {
    let target = match hint {
        Some(target) => target,
        None => locate(node).await?,
    };
    let password = node.spec.password.as_ref();
    let driver = Link::open(&node.name, &target, password, Purpose::Commands, node.options()).await?;
    let opening = async {
        let run_id = driver.link().run_id();
        let publishing = Publisher::open(&node.name, &target, password, run_id, node.options()).await?;
        match take(node, driver.link(), trouble).await {
            Ok(anew) => Ok((publishing, anew)),
            Err(trouble) => {
                publishing.close().await;
                Err(trouble)
            }
        }
    };
    match opening.await {
        Ok((publishing, anew)) => Ok(Opened { driver, publishing, target, anew }),
        Err(trouble) => {
            driver.close().await;
            Err(trouble)
        }
    }
}

/// Returns when the Sentinels say that the master is elsewhere.
async fn switched(node: &Node, target: &Target) -> Trouble {
    let mut moved = node.moved.subscribe();
    if !node.options().guards.same_address {
        // Every announcement counts, as it would without looking at the address.
        return moved.changed().await.map_or(Trouble::Leaving, |()| Trouble::Moved);
    }
    let elsewhere = moved.wait_for(|now| now.as_ref().is_some_and(|now| now != target)).await.is_ok();
    if elsewhere { Trouble::Moved } else { Trouble::Leaving }
}

/// One connection's time with the lease.
struct Tenure<'a> {
    node: &'a Node,
    link: &'a Link,
    emptied: bool,
    /// What is registered has been said.
    settled: AtomicBool,
    /// Until then a process whose lease is missing may only not have come back yet.
    grace: Instant,
}

impl<'a> Tenure<'a> {
    fn new(node: &'a Node, link: &'a Link, emptied: bool) -> Self {
        let grace = if emptied { node.options().lease } else { Duration::ZERO };
        let grace = Instant::now() + grace;
        Self { node, link, emptied, settled: AtomicBool::new(false), grace }
    }

    /// Keeps the lease, and notices whose lease has ended.
    async fn renew(&self) -> Trouble {
        loop {
            sleep(self.node.options().lease / 3).await;
            if let Err(trouble) = self.renew_once().await {
                return trouble;
            }
        }
    }

    async fn renew_once(&self) -> Result<(), Trouble> {
        match claim(self.node, self.link, "").await {
            Ok(Ok((anew, living))) => {
                self.node.part_is_up(Part::Lease, false);
                if anew {
                    self.node.memory.doubt();
                    self.node.unsure.notify_one();
                }
                if self.miss_processes(living) {
                    self.compare_rooms().await.map_err(|_| Trouble::Lost)?;
                }
                Ok(())
            }
            Ok(Err(other)) => Err(other.trouble()),
            // The connection ends by itself if that is why; otherwise the next time may do.
            Err(error) => {
                self.node.part_is_down(Part::Lease, &Trouble::Unfit(error.to_string().into()));
                Ok(())
            }
        }
    }

    /// Tells which processes are gone; whether there are any.
    fn miss_processes(&self, now: Living) -> bool {
        let mut gone = Vec::new();
        {
            let mut living = self.node.living.lock();
            let is_late = Instant::now() >= self.grace;
            for (process, lease) in living.iter() {
                if now.get(process) != Some(lease) && (is_late || now.contains_key(process)) {
                    gone.push(process.clone());
                }
            }
            if is_late {
                living.clear();
            }
            living.extend(now);
        }
        for process in &gone {
            tracing::info!(node = %self.node.name, %process, "a process is gone");
            self.node.seat.notify(Notice::Gone { node: self.node.name.clone(), process: process.clone() });
        }
        !gone.is_empty()
    }

    /// Compares what is registered with what the node has: all of it at the beginning and from time to time, and what is
    /// uncertain when it becomes so.
    async fn compare(&self) -> Trouble {
        let sweep = self.node.options().sweep;
        if let Err(trouble) = self.compare_all().await {
            return trouble;
        }
        self.settled.store(true, Ordering::Relaxed);
        self.node.part_is_up(Part::Commands, self.emptied);
        let mut next = Instant::now() + sweep;
        loop {
            let compared = tokio::select! {
                () = sleep_until(next) => {
                    next = Instant::now() + sweep;
                    self.compare_all().await
                }
                () = self.node.unsure.notified() => match self.node.memory.is_doubtful() {
                    true => self.compare_all().await,
                    false => self.compare_unsure().await,
                }
            };
            if let Err(trouble) = compared {
                return trouble;
            }
        }
    }

    async fn compare_all(&self) -> Result<(), Trouble> {
        // First, because without a lease others may have taken out what is ours.
        self.renew_once().await?;
        let doubts = self.node.memory.doubts();
        let compared = async {
            self.compare_rooms().await?;
            self.compare_users(self.node.users.all()).await?;
            self.node.compare_versions(self.link).await
        };
        compared.await.map_err(|_| Trouble::Lost)?;
        self.node.memory.trust(doubts);
        Ok(())
    }

    async fn compare_unsure(&self) -> Result<(), Trouble> {
        let compared = async {
            for room in self.node.rooms.unsure() {
                self.node.reconcile_room(self.link, &room).await?;
            }
            self.compare_users(self.node.users.unsure()).await
        };
        compared.await.map_err(|_: Error| Trouble::Lost)
    }

    async fn compare_rooms(&self) -> Result<(), Error> {
        for part in self.node.rooms.all().chunks(COMPARED_AT_ONCE) {
            let comparing = part.iter().map(|room| self.node.reconcile_room(self.link, room));
            tolerate(join_all(comparing).await)?;
        }
        Ok(())
    }

    async fn compare_users(&self, users: Vec<UserKey>) -> Result<(), Error> {
        for part in users.chunks(COMPARED_AT_ONCE) {
            let comparing = part.iter().map(async |user| {
                let unknown = self.node.reconcile_user(self.link, user).await?;
                Ok(unknown.then(|| user.clone()))
            });
            let restored: Vec<_> = tolerate(join_all(comparing).await)?.into_iter().flatten().collect();
            if !restored.is_empty() {
                self.node.seat.notify(Notice::Restored { users: restored });
            }
        }
        Ok(())
    }
}

/// One user or room that the node refuses to compare must not keep the others from it.
fn tolerate<T>(outcomes: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    let mut done = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => done.push(outcome),
            Err(error @ Error::Refused { .. }) => tracing::warn!(%error, "a registration was not compared"),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
