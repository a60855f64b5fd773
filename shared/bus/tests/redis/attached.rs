//! Processes attached to real nodes, with ears for what they hear and for what the bus says unasked.

use bus::redis::{Notice, Options, Process, connect};
use bus::{Bus, Error, Sink};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use parts::redis::Redis as Server;
use shard::{Node, Rings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use types::{Channel, RoomId, UserKey};

/// Far longer than anything takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process, what it heard, and what it was told.
pub(crate) struct Attached {
    pub(crate) bus: Bus,
    heard: mpsc::Receiver<(Channel, Bytes)>,
    notices: mpsc::Receiver<Notice>,
}

pub(crate) fn rings(servers: &[Server]) -> Rings {
    Rings::new(servers.iter().map(|server| Node::direct("127.0.0.1", server.port)).collect()).unwrap()
}

/// Options for tests, and what the bus notices. A process of the same id that holds a lease does not answer.
pub(crate) fn options() -> (Options, mpsc::Receiver<Notice>) {
    let (ear, notices) = mpsc::channel(100_000);
    // Nobody listens any more when a test ends, nor in tests that do not care.
    let told = Arc::new(move |notice| {
        let outcome = ear.try_send(notice);
        assert!(!matches!(outcome, Err(TrySendError::Full(_))), "the ear takes more than any test says");
    });
    let mut options = Options::new(told, Arc::new(|_| Box::pin(async { false }) as BoxFuture<'static, bool>));
    options.probe = Duration::from_millis(500);
    (options, notices)
}

/// A new start of a process of that id.
pub(crate) fn process(id: &str) -> Process {
    static STARTS: AtomicU64 = AtomicU64::new(1);
    let incarnation = format!("start{}", STARTS.fetch_add(1, Ordering::Relaxed));
    Process {
        id: id.parse().unwrap(),
        incarnation,
        address: format!("{id}.internal:1"),
        tier: "imserver",
        store: String::new(),
    }
}

/// One that keeps messages in the store of that name.
pub(crate) fn keeping(id: &str, store: &str) -> Process {
    Process { store: store.to_owned(), ..process(id) }
}

pub(crate) async fn attach(rings: Rings, id: &str, sink: Sink, options: Options) -> Result<Bus, Error> {
    connect(rings, process(id), sink, options).await
}

impl Attached {
    pub(crate) async fn to(servers: &[Server], id: &str) -> Self {
        Self::with(rings(servers), id, |_| {}).await.unwrap()
    }

    pub(crate) async fn with(rings: Rings, id: &str, tune: impl FnOnce(&mut Options)) -> Result<Self, Error> {
        Self::of(process(id), rings, tune).await
    }

    pub(crate) async fn of(process: Process, rings: Rings, tune: impl FnOnce(&mut Options)) -> Result<Self, Error> {
        let (mut options, notices) = options();
        tune(&mut options);
        let (ear, heard) = mpsc::channel(100_000);
        let sink: Sink = Arc::new(move |channel: &Channel, message: &[u8]| {
            let outcome = ear.try_send((channel.clone(), Bytes::copy_from_slice(message)));
            assert!(!matches!(outcome, Err(TrySendError::Full(_))), "the ear takes more than any test says");
        });
        Ok(Self { bus: connect(rings, process, sink, options).await?, heard, notices })
    }

    pub(crate) async fn hear(&mut self) -> (Channel, Bytes) {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("nothing came").unwrap()
    }

    pub(crate) async fn expect(&mut self, channel: &Channel, message: &str) {
        let (on, heard) = self.hear().await;
        assert_eq!((&on, &*heard), (channel, message.as_bytes()));
    }

    /// Waits until it is told something of that kind; what else it is told meanwhile is passed over.
    pub(crate) async fn told<T>(&mut self, pick: impl FnMut(Notice) -> Option<T>) -> T {
        self.told_within(PATIENCE, pick).await.expect("it was not told")
    }

    pub(crate) async fn told_within<T>(
        &mut self,
        limit: Duration,
        mut pick: impl FnMut(Notice) -> Option<T>,
    ) -> Option<T> {
        let picking = async {
            loop {
                if let Some(picked) = pick(self.notices.recv().await?) {
                    return Some(picked);
                }
            }
        };
        tokio::time::timeout(limit, picking).await.ok().flatten()
    }

    /// Waits until something may have been missed on the channel; whether the node was emptied.
    pub(crate) async fn told_gap(&mut self, channel: &Channel) -> bool {
        self.told(|notice| match notice {
            Notice::Gap { channels, emptied, .. } if channels.contains(channel) => Some(emptied),
            _ => None,
        })
        .await
    }

    pub(crate) async fn told_down(&mut self) {
        self.told(|notice| matches!(notice, Notice::Down { .. }).then_some(())).await;
    }

    /// Waits until a node is back; whether it was emptied.
    pub(crate) async fn told_up(&mut self) -> bool {
        self.told(|notice| match notice {
            Notice::Up { emptied, .. } => Some(emptied),
            _ => None,
        })
        .await
    }

    /// What it has been told so far and nobody has asked for.
    pub(crate) fn untold(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }

    pub(crate) async fn publish(&self, channel: &Channel, message: &str) -> Result<usize, Error> {
        self.bus.publish(channel, Bytes::from(message.to_owned())).await
    }

    pub(crate) async fn leave(&self) {
        self.bus.detach();
        self.bus.detached().await;
    }
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, so: impl AsyncFnMut() -> bool) {
    assert!(is_so_within(PATIENCE, so).await, "it did not come about that {what}");
}

pub(crate) async fn is_so_within(limit: Duration, mut so: impl AsyncFnMut() -> bool) -> bool {
    let looking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(limit, looking).await.is_ok()
}

/// A user of the node of that number, other than those with a smaller `nth`.
pub(crate) fn user_of(servers: &[Server], node: usize, nth: usize) -> UserKey {
    let rings = rings(servers);
    let mut users = (0..).map(|uid| format!("m{uid}").parse().unwrap()).filter(|user| rings.node_of(user) == node);
    users.nth(nth).unwrap()
}

pub(crate) fn channel_of(servers: &[Server], node: usize, nth: usize) -> Channel {
    Channel::User(user_of(servers, node, nth))
}

pub(crate) fn room_of(servers: &[Server], node: usize) -> RoomId {
    let rings = rings(servers);
    (1000..).map(|room| room.to_string().parse().unwrap()).find(|room| rings.node_of_room(room) == node).unwrap()
}
