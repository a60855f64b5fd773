//! One Redis node, as all of this process sees it: whether it serves, through which connection, and what of this
//! process is there.
//!
//! ```text
//!            opened, lease taken                 lost
//!  Seeking ────────────────────────► Up ────────────────────► Seeking ──patience──► Down ──► Up …
//! ```
//!
//! Calls wait while it is sought, and fail at once while it is down.

use super::link::{Link, Target};
use super::options::{Notice, Options, Process};
use super::presence::Users;
use super::publisher::Publisher;
use super::rooms::Rooms;
use super::subscriber::Subscriber;
use super::trouble::Trouble;
use crate::{Error, Holder, NodeHealth, NodeName, Sink};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Channel, ProcessId};

/// What the nodes of one bus share.
pub(super) struct Seat {
    pub(super) process: Process,
    pub(super) sink: Sink,
    pub(super) options: Options,
    /// Set when this process gives up its place.
    pub(super) leaving: CancellationToken,
    pub(super) tasks: TaskTracker,
}

pub(super) struct Node {
    pub(super) name: NodeName,
    pub(super) spec: shard::Node,
    pub(super) seat: Arc<Seat>,
    pub(super) state: watch::Sender<State>,
    pub(super) subscribers: Mutex<Vec<Arc<Subscriber>>>,
    pub(super) users: Users,
    pub(super) rooms: Rooms,
    /// Where the Sentinels said last that the master went.
    pub(super) moved: watch::Sender<Option<Target>>,
    /// The processes with a lease here, and their incarnations.
    pub(super) living: Mutex<HashMap<ProcessId, String>>,
    pub(super) taken_by: Mutex<Option<Holder>>,
    /// Something registered here may differ from what the node has.
    pub(super) unsure: Notify,
    pub(super) memory: Memory,
    outages: Mutex<Outages>,
    lag: Mutex<Option<Duration>>,
}

#[derive(Clone)]
pub(super) enum State {
    Seeking,
    Up(Arc<Serving>),
    Down,
}

/// A master that serves.
pub(super) struct Serving {
    pub(super) target: Target,
    pub(super) link: Arc<Link>,
    pub(super) publisher: Publisher,
}

/// What this process needs of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Commands,
    Lease,
    Subscriber(usize),
}

/// Whether the node still has what was registered. It is in doubt from the moment that it may have forgotten until
/// everything has been said again, however many connections that takes.
#[derive(Default)]
pub(super) struct Memory {
    doubts: AtomicU64,
    settled: AtomicU64,
}

impl Memory {
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }

    /// Everything has been said again since there were so many doubts.
    pub(super) fn trust(&self, doubts: u64) {
        self.settled.fetch_max(doubts, Ordering::AcqRel);
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.settled.load(Ordering::Acquire) < self.doubts()
    }
}

#[derive(Default)]
struct Outages {
    parts: BTreeMap<Part, Trouble>,
    emptied: bool,
}

impl Seat {
    pub(super) fn notify(&self, notice: Notice) {
        (self.options.notices)(notice);
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.leaving.is_cancelled() { Err(Error::Detached) } else { Ok(()) }
    }

    /// How long Redis keeps what nobody renews: a sweep renews it.
    pub(super) fn keep_secs(&self) -> u64 {
        (self.options.sweep.as_secs() * 10).max(60)
    }
}

impl Node {
    pub(super) fn new(spec: shard::Node, seat: Arc<Seat>) -> Self {
        Self {
            name: spec.to_string().into(),
            spec,
            seat,
            state: watch::Sender::new(State::Seeking),
            subscribers: Mutex::default(),
            users: Users::default(),
            rooms: Rooms::default(),
            moved: watch::Sender::new(None),
            living: Mutex::default(),
            taken_by: Mutex::default(),
            unsure: Notify::new(),
            memory: Memory::default(),
            outages: Mutex::default(),
            lag: Mutex::default(),
        }
    }

    pub(super) fn options(&self) -> &Options {
        &self.seat.options
    }

    pub(super) fn down(&self) -> Error {
        Error::Down(self.name.clone())
    }

    /// The connection for commands, if it is there within the patience of the options.
    pub(super) async fn link(&self) -> Result<Arc<Link>, Error> {
        self.serving().await.map(|serving| serving.link.clone())
    }

    /// The same for the connection that publishes.
    pub(super) async fn publisher(&self) -> Result<Publisher, Error> {
        self.serving().await.map(|serving| serving.publisher.clone())
    }

    async fn serving(&self) -> Result<Arc<Serving>, Error> {
        self.seat.check()?;
        if let Some(serving) = self.serving_now() {
            return Ok(serving);
        }
        let mut states = self.state.subscribe();
        let known = timeout(self.options().patience, states.wait_for(|state| !matches!(state, State::Seeking))).await;
        self.seat.check()?;
        match known {
            Ok(Ok(state)) => match &*state {
                State::Up(serving) => Ok(serving.clone()),
                _ => Err(self.down()),
            },
            _ => Err(self.down()),
        }
    }

    /// The connection for commands, if it is there now.
    pub(super) fn link_now(&self) -> Option<Arc<Link>> {
        self.serving_now().map(|serving| serving.link.clone())
    }

    /// The connection that publishes, if it is there now.
    pub(super) fn publisher_now(&self) -> Option<Publisher> {
        self.serving_now().map(|serving| serving.publisher.clone())
    }

    fn serving_now(&self) -> Option<Arc<Serving>> {
        match &*self.state.borrow() {
            State::Up(serving) => Some(serving.clone()),
            _ => None,
        }
    }

    /// Something has been missing for longer than the patience of the options.
    pub(super) fn part_is_down(&self, part: Part, trouble: &Trouble) {
        let was_up = {
            let mut outages = self.outages.lock();
            let was_up = outages.parts.is_empty();
            outages.parts.insert(part, trouble.clone());
            was_up
        };
        if part == Part::Commands {
            self.state.send_if_modified(|state| {
                let seeking = matches!(state, State::Seeking);
                if seeking {
                    *state = State::Down;
                }
                seeking
            });
        }
        if was_up {
            crate::metrics::up(&self.name, false);
            tracing::warn!(node = %self.name, ?part, %trouble, "a Redis node does not serve fully");
            self.seat.notify(Notice::Down { node: self.name.clone(), trouble: trouble.to_string().into() });
        }
    }

    /// A connection does what it is for, perhaps with a server that has forgotten everything: that is told also after a
    /// loss too short to be told.
    pub(super) fn part_is_up(&self, part: Part, emptied: bool) {
        let emptied = {
            let mut outages = self.outages.lock();
            outages.emptied |= emptied;
            let was_down = outages.parts.remove(&part).is_some();
            if !outages.parts.is_empty() || !(was_down || outages.emptied) {
                return;
            }
            std::mem::take(&mut outages.emptied)
        };
        crate::metrics::up(&self.name, true);
        tracing::info!(node = %self.name, emptied, "a Redis node serves again");
        self.seat.notify(Notice::Up { node: self.name.clone(), emptied });
    }

    /// Something may have been missed on these channels.
    pub(super) fn tell_gap(&self, channels: &[Channel], emptied: bool) {
        if channels.is_empty() {
            return;
        }
        crate::metrics::gap(&self.name, channels.len());
        for part in channels.chunks(self.options().chunk) {
            let (node, channels) = (self.name.clone(), part.to_vec());
            self.seat.notify(Notice::Gap { node, channels, emptied });
        }
    }

    pub(super) fn measured(&self, lag: Duration) {
        *self.lag.lock() = Some(lag);
        crate::metrics::lag(&self.name, lag);
    }

    pub(super) fn health(&self) -> NodeHealth {
        let trouble = self.outages.lock().parts.values().next().map(|trouble| trouble.to_string().into());
        let channels = self.subscribers.lock().iter().map(|subscriber| subscriber.count()).sum();
        NodeHealth { name: self.name.clone(), trouble, lag: *self.lag.lock(), channels }
    }
}

/// The time in which a connection does not do what it is for: also while it is opened again and again, and lost each
/// time.
pub(super) struct Absence {
    pub(super) since: Instant,
    pub(super) backoff: Backoff,
}

impl Absence {
    pub(super) fn begin() -> Self {
        Self { since: Instant::now(), backoff: Backoff(0) }
    }
}

/// A pause before each attempt but the first: longer each time, up to half a second, and never the same for two
/// processes, so that a node that comes back is not met by all at once.
pub(super) struct Backoff(u32);

impl Backoff {
    pub(super) async fn pause(&mut self) {
        use std::hash::{BuildHasher, RandomState};
        let attempts = self.0;
        self.0 += 1;
        if attempts == 0 {
            return;
        }
        let most = 25 << attempts.min(4);
        let random = RandomState::new().hash_one(attempts) % (most / 2 + 1);
        tokio::time::sleep(Duration::from_millis(most / 2 + random)).await;
    }
}
