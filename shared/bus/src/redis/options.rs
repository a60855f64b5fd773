//! What the start-up says to the bus, and what the bus says back unasked.

use crate::{Expelled, Holder, NodeName, Occupant};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use types::{Channel, ProcessId, RoomId, UserKey};

/// The process that attaches.
#[derive(Debug, Clone)]
pub struct Process {
    /// Unique among live processes.
    pub id: ProcessId,
    /// New with every start: 1 to 64 letters, digits, `-` or `_`.
    pub incarnation: String,
    /// The internal listener as other processes reach it, without spaces; empty if there is none. It must answer
    /// before the bus is connected: a second process of this id asks it.
    pub address: String,
    /// `imserver`, `pushserver` or `huaserver`.
    pub tier: &'static str,
    /// What the store is called where it keeps messages, without spaces; empty if it keeps none. Processes on the same
    /// nodes keep them in the same store, or a user would find some here and some there.
    pub store: String,
}

impl Process {
    /// A lease on Redis is the incarnation, the address and the store, with a space between.
    pub(super) fn is_well_named(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let incarnation = (1..=64).contains(&self.incarnation.len()) && self.incarnation.bytes().all(plain);
        let is_one_word = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        incarnation && is_one_word(&self.address) && is_one_word(&self.store)
    }
}

/// Called by the bus from its own tasks: it must not block and must not wait for the bus.
pub type Notices = Arc<dyn Fn(Notice) + Send + Sync>;

/// Asks a process whether it lives and is that incarnation. Its own time limit is a second or less.
pub type Ask = Arc<dyn Fn(Holder) -> BoxFuture<'static, bool> + Send + Sync>;

/// What a server must know to set things right with its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A node does not serve: its users are degraded until [`Notice::Up`].
    Down { node: NodeName, trouble: Box<str> },
    /// A node serves again: this process's lease, connections and places in rooms are back there. With `emptied`, what
    /// others had there comes back as they find out, within seconds, and rooms when the back end puts them again.
    Up { node: NodeName, emptied: bool },
    /// Messages on these channels may have been missed up to now; from now on they arrive. Comes in parts of at most
    /// [`Options::chunk`] channels, after the part is subscribed again. With `emptied`, presence that is read now may lack
    /// what comes back within seconds.
    Gap { node: NodeName, channels: Vec<Channel>, emptied: bool },
    /// A process is gone from a node: its connections and its places in rooms there do not count any more.
    Gone { node: NodeName, process: ProcessId },
    /// Sockets of a process that is gone were still in the room. They are out, and only this process is told.
    Left { room: RoomId, expelled: Expelled },
    /// Sockets of this process that somebody put out of the room, unheard.
    PutOut { room: RoomId, occupants: Vec<Occupant> },
    /// A node had forgotten that these users have connections; this process has said it again.
    Restored { users: Vec<UserKey> },
    /// Another process goes by this one's id: this one should not go on.
    Taken { holder: Holder },
}

/// How the bus behaves. [`Options::new`] has the values for production; the rest is for tests.
#[derive(Clone)]
pub struct Options {
    pub notices: Notices,
    pub ask: Ask,
    /// How long this process is believed to live after it was last heard of. Renewed every third of it.
    pub lease: Duration,
    /// The limit of one answer of a node: who waits longer is told that it is down. A connection that has said nothing at
    /// all for so long, though it owes an answer, is given up.
    pub patience: Duration,
    /// Connections for commands and for messages that are quiet are asked for a sign of life so often, all at once. The one
    /// that publishes is known by its answers, to the probes if to nothing else.
    pub pulse: Duration,
    /// On each node a probe is published and heard so often, or up to a pulse later.
    pub probe: Duration,
    /// All that this process has registered is compared with what the nodes have so often.
    pub sweep: Duration,
    /// Subscriber connections to one node: a new one is opened when all are full.
    pub subscribers: usize,
    /// Channels on one subscriber connection. Redis stalls for tens of milliseconds when a client with 50,000 goes.
    pub channels: usize,
    /// Channels in one command: 500 take Redis well under a millisecond.
    pub chunk: usize,
    #[doc(hidden)]
    pub guards: Guards,
}

/// What protects against the known traps. A test takes one away to see that it is needed.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Guards {
    /// Ask for signs of life, and give up a connection that gives none or owes answers.
    pub pulse: bool,
    /// Subscribed is what the server has confirmed.
    pub barrier: bool,
    /// Resubscribe in parts, instead of all channels in one command.
    pub chunks: bool,
    /// Listen to the Sentinels.
    pub switches: bool,
    /// A switch to the address that is in use already is none.
    pub same_address: bool,
    /// Serve only with a master.
    pub role: bool,
    /// Find subscriptions that are silently dead.
    pub probe: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { pulse: true, barrier: true, chunks: true, switches: true, same_address: true, role: true, probe: true }
    }
}

impl Options {
    pub fn new(notices: Notices, ask: Ask) -> Self {
        Self {
            notices,
            ask,
            lease: Duration::from_secs(15),
            patience: Duration::from_secs(1),
            pulse: Duration::from_millis(400),
            probe: Duration::from_secs(2),
            sweep: Duration::from_secs(30),
            subscribers: 16,
            channels: 50_000,
            chunk: 500,
            guards: Guards::default(),
        }
    }
}
