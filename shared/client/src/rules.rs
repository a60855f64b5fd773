//! What a client keeps and does, as pure rules: no runtime, no clock, no socket. They are told what came and what time it
//! is, and say what to request and what is different now. The same rules are written for other languages by the
//! scripted cases in `tests/cases`.
//!
//! ```text
//!   connected, disconnected ─┐                       ┌─► Request: emit it, hand its answer in
//!   push, answer, tick ──────┼─► Rules (one client) ─┼─► Change: show it
//!   send, ask, load, read ───┘        │              └─► Done: what came of what was asked
//!                                    due: when to tick next
//! ```
//!
//! One file a topic: `conversation` holds the entries of one, `holes` fetches what is missing in it, `sync` what was
//! missed while away, `receipts` tells the server what has come, `sends` is the queue of what goes out.

mod asks;
mod conversation;
mod entry;
mod holes;
mod marks;
mod output;
mod pace;
mod pushes;
mod reads;
mod receipts;
mod refusal;
mod requests;
mod sends;
mod state;
mod sync;
mod timers;
mod version;

pub use entry::{Entry, Kind, Message};
pub use output::{Change, Done, Outcome, Outgoing, Output, Request, SendState, Sending, Summary};
pub use pace::Pace;
pub use refusal::Refusal;
pub use sends::{MAX_TEMP_ID, NotQueued};

use conversation::Conversation;
use holes::Holes;
use reads::Reads;
use receipts::Receipts;
use requests::{Purpose, Requests, outcome};
use sends::Sends;
use serde::Deserialize;
use serde_json::value::RawValue;
use state::Values;
use std::collections::HashMap;
use sync::Sync;
use timers::{Timer, Timers};
use types::{ConversationId, UserKey};
use version::Version;

/// How much one client keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries of one conversation, at least one; a quarter more is let in before the oldest are forgotten. What the user
    /// loads beyond by going back stays too.
    pub entries: usize,
    /// Messages that are queued, those that failed included.
    pub sends: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 2_000, sends: 1_000 }
    }
}

/// The rules of one client, with all that they keep.
///
/// Times are milliseconds since 1970 of one clock that does not go back. Outputs are added to the end of `out`, in the
/// order in which they are to be carried out.
#[derive(Debug)]
pub struct Rules {
    bounds: Bounds,
    pace: Pace,
    /// Who this is; nothing before the first `init`.
    user: Option<UserKey>,
    connected: bool,
    degraded: bool,
    lists_rev: Option<u64>,
    conversations: HashMap<ConversationId, Conversation>,
    holes: Holes,
    receipts: Receipts,
    reads: Reads,
    sends: Sends,
    sync: Sync,
    version: Version,
    requests: Requests,
    timers: Timers,
}

/// The first event on a connection.
#[derive(Debug, Clone, Deserialize)]
pub struct Init {
    pub user: UserKey,
    #[serde(default)]
    pub degraded: bool,
}

impl Rules {
    pub fn new(bounds: Bounds, pace: Pace) -> Self {
        let bounds = Bounds { entries: bounds.entries.max(1), ..bounds };
        Self {
            bounds,
            pace,
            user: None,
            connected: false,
            degraded: false,
            lists_rev: None,
            conversations: HashMap::new(),
            holes: Holes::default(),
            receipts: Receipts::default(),
            reads: Reads::default(),
            sends: Sends::default(),
            sync: Sync::default(),
            version: Version::default(),
            requests: Requests::default(),
            timers: Timers::default(),
        }
    }

    /// A connection said `init`. It must be of the user that the ones before were.
    pub fn connected(&mut self, now: u64, init: Init, out: &mut Vec<Output>) {
        self.user = Some(init.user);
        self.connected = true;
        if self.degraded != init.degraded {
            self.degraded = init.degraded;
            out.push(Change::Degraded(init.degraded).into());
        }
        self.begin_sync(out);
        self.resend(now, out);
        self.resume_reads(now, out);
    }

    /// The connection has ended. No request of it will be answered any more.
    pub fn disconnected(&mut self, now: u64, out: &mut Vec<Output>) {
        self.connected = false;
        self.sync.stop();
        self.receipts.forget_all();
        for purpose in self.requests.end_all() {
            self.end(now, purpose, Outcome::Lost(()), out);
        }
    }

    /// A request was answered, with the acknowledgement's argument; or it will not be: none came in time.
    pub fn answered(&mut self, now: u64, id: u64, answer: Option<&RawValue>, out: &mut Vec<Output>) {
        if let Some(purpose) = self.requests.end(id) {
            self.end(now, purpose, outcome(answer), out);
            // An answer of any kind may bring what settles a message, and with it moves those behind.
            self.advance_sends(out);
        }
    }

    /// Time has come to [`due`](Self::due).
    pub fn tick(&mut self, now: u64, out: &mut Vec<Output>) {
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Sync => self.retry_sync(out),
                Timer::Version => self.look_at_version(now, out),
                Timer::Hole(conversation) => self.fetch_hole(now, conversation, out),
                Timer::Receipt(conversation) => self.send_receipt(now, conversation, out),
                Timer::Read(conversation) => self.send_read(now, conversation, out),
                Timer::Send(number) => self.send_again(now, number, out),
                Timer::GiveUp(number) => self.give_up(now, number, out),
            }
        }
    }

    /// When to [`tick`](Self::tick) next.
    pub fn due(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Keeps so many of the newest entries of a conversation from now on, in place of the bound of all: few where nobody looks.
    pub fn keep(&mut self, conversation: ConversationId, entries: usize, out: &mut Vec<Output>) {
        if let Some(conversation) = self.conversations.get_mut(&conversation) {
            conversation.keep_newest(entries, out);
        }
    }

    /// Who this is, once a connection has said so.
    pub fn user(&self) -> Option<&UserKey> {
        self.user.as_ref()
    }

    /// Whether everything up to now is here.
    pub fn is_synced(&self) -> bool {
        self.connected && self.sync.is_done()
    }

    /// What is true of the conversations, in the order of their ids.
    pub fn conversations(&self) -> Vec<Summary> {
        let mut all: Vec<Summary> = self.conversations.values().map(Conversation::summary).collect();
        all.sort_by_key(|summary| summary.conversation_id);
        all
    }

    /// What is here of a conversation.
    pub fn view(&self, conversation: ConversationId) -> Option<View> {
        let conversation = self.conversations.get(&conversation)?;
        Some(View {
            floor: conversation.floor(),
            head: conversation.head(),
            waiting: conversation.waiting().collect(),
            entries: conversation.entries().cloned().collect(),
        })
    }

    /// The last version up to which nothing is missing.
    pub fn version(&self) -> Option<u64> {
        self.version.last()
    }

    fn end(&mut self, now: u64, purpose: Purpose, outcome: Outcome, out: &mut Vec<Output>) {
        match purpose {
            Purpose::Sync => self.sync_answered(now, &outcome, out),
            Purpose::Hole(conversation) => self.hole_answered(now, conversation, &outcome, out),
            Purpose::Older { ticket, conversation } => self.older_answered(now, ticket, conversation, outcome, out),
            Purpose::Receipt { conversation, conv_seq } => self.receipt_answered(now, conversation, conv_seq, &outcome),
            Purpose::Send(number) => self.send_answered(now, number, &outcome, out),
            Purpose::Read { conversation, ids } => self.read_answered(now, conversation, ids, &outcome, out),
            Purpose::Ask { ticket, effect } => self.ask_answered(now, ticket, effect, outcome, out),
        }
    }

    fn conversation(&mut self, id: ConversationId) -> &mut Conversation {
        let keep = self.bounds.entries;
        self.conversations.entry(id).or_insert_with(|| Conversation::new(id, keep))
    }

    /// Takes values of a conversation's state.
    fn change_state(&mut self, id: ConversationId, values: Values, out: &mut Vec<Output>) {
        let changed = self.conversation(id).state.change(values);
        self.announce(id, changed, out);
    }

    /// Tells what is true of a conversation, if something changed or it was never told.
    fn announce(&mut self, id: ConversationId, changed: bool, out: &mut Vec<Output>) {
        let conversation = self.conversation(id);
        if changed || !conversation.announced {
            conversation.announced = true;
            out.push(Change::Conversation(conversation.summary()).into());
        }
    }

    /// Marks wait only while something is under way that could bring an old copy of what they mark.
    fn forget_marks(&mut self, id: ConversationId) {
        if self.sync.is_done() && !self.holes.is_fetching(id) {
            self.conversation(id).forget_marks();
        }
    }

    fn note_version(&mut self, now: u64, v: Option<u64>) {
        if v.is_some_and(|v| self.version.take(v, now)) {
            self.watch_version(now);
        }
    }
}

/// What is here of a conversation.
#[derive(Debug, Clone)]
pub struct View {
    /// From here to the head nothing is missing; nothing while that is not known.
    pub floor: Option<u64>,
    pub head: Option<u64>,
    /// Numbers of the entries beyond a hole.
    pub waiting: Vec<u64>,
    /// All entries that are here, in order, those that wait included.
    pub entries: Vec<Entry>,
}
