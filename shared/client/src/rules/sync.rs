//! The sync: what was missed while away, asked for after each `init` and whenever something may have been missed.
//!
//! ```text
//!   no token:  list ─► list(cursor) ─► … ─► done(token, v)
//!   token:     names(token, v) ─► done(token, v)                       nothing was missed
//!                              └► entries(token, heads) ─► … ─► done   heads of all that were named so far
//!              any answer with `reset` goes on as a list
//! ```
//!
//! A `cursor` that comes with a page goes back with the next request: by it a server remembers when it began, so that what
//! changes while pages are read is not taken for known.
//!
//! The old token stands until the last page. If the connection is lost in the middle, the whole begins again: what came
//! already is in the heads.

use super::Rules;
use super::conversation::Conversation;
use super::entry::Entry;
use super::output::{Change, Outcome, Output};
use super::refusal::Refusal;
use super::requests::{Purpose, part};
use super::state::Values;
use super::timers::Timer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use types::{ConversationId, MessageId, UserKey};

/// A hole in the versions that stays so long is not a push that is merely late.
const VERSION_PATIENCE_MS: u64 = 5_000;

/// Where the sync stands.
#[derive(Debug, Default)]
pub(super) struct Sync {
    token: Option<Box<RawValue>>,
    standing: Standing,
    step: Step,
    /// The server gives the newest of everything, because it does not know what was missed.
    resets: bool,
    /// Conversations that have changed, as far as the server has named them.
    named: BTreeSet<ConversationId>,
    /// Another one is due after this one.
    again: bool,
    /// In a row.
    failures: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There is no connection.
    #[default]
    Off,
    UnderWay,
    /// It failed and is tried again.
    Waits,
    Done,
}

#[derive(Debug, Default)]
enum Step {
    List {
        cursor: Option<Box<RawValue>>,
    },
    #[default]
    Names,
    Entries {
        /// From when on the server looks, where it says so.
        cursor: Option<Box<RawValue>>,
    },
}

#[derive(Serialize)]
struct Ask<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heads: Option<BTreeMap<ConversationId, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default, borrow)]
    conversations: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(default)]
    more: bool,
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    cursor: Option<Box<RawValue>>,
    #[serde(default)]
    token: Option<Box<RawValue>>,
    #[serde(default)]
    v: Option<u64>,
    #[serde(default)]
    lists_rev: Option<u64>,
}

/// A conversation as the server sums it up, beside its [`Values`].
#[derive(Deserialize)]
struct Named {
    conversation_id: ConversationId,
    #[serde(default)]
    user_id: Option<UserKey>,
    #[serde(default)]
    head: u64,
    #[serde(default)]
    read: Vec<ReadMark>,
    #[serde(default)]
    deleted: Vec<u64>,
}

/// Messages that were read at one moment.
#[derive(Deserialize)]
pub(super) struct ReadMark {
    pub(super) message_ids: Vec<MessageId>,
    pub(super) read_at: u64,
}

impl Sync {
    pub(super) fn is_done(&self) -> bool {
        self.standing == Standing::Done
    }

    pub(super) fn stop(&mut self) {
        self.standing = Standing::Off;
    }

    fn start_over(&mut self) {
        self.named.clear();
        self.resets = false;
        self.step = if self.token.is_some() { Step::Names } else { Step::List { cursor: None } };
    }
}

impl Rules {
    pub(super) fn begin_sync(&mut self, out: &mut Vec<Output>) {
        self.sync.start_over();
        (self.sync.again, self.sync.failures) = (false, 0);
        self.version.begin();
        self.ask_sync(out);
    }

    /// The server may have missed something.
    pub(super) fn sync_again(&mut self, out: &mut Vec<Output>) {
        if self.sync.is_done() {
            self.begin_sync(out);
        } else {
            self.sync.again = true;
        }
    }

    pub(super) fn retry_sync(&mut self, out: &mut Vec<Output>) {
        if self.sync.standing == Standing::Waits {
            self.ask_sync(out);
        }
    }

    pub(super) fn watch_version(&mut self, now: u64) {
        self.timers.set(now + VERSION_PATIENCE_MS, Timer::Version);
    }

    pub(super) fn look_at_version(&mut self, now: u64, out: &mut Vec<Output>) {
        let has_waited = self.version.hole_since().is_some_and(|since| since + VERSION_PATIENCE_MS <= now);
        if has_waited && self.sync.is_done() {
            self.begin_sync(out);
        }
    }

    pub(super) fn sync_answered(&mut self, now: u64, outcome: &Outcome, out: &mut Vec<Output>) {
        if self.sync.standing != Standing::UnderWay {
            return;
        }
        match outcome {
            Outcome::Ok(answer) => match part::<Page<'_>>(answer) {
                Some(page) => self.take_page(now, page, out),
                None => self.sync_failed(now, None),
            },
            Outcome::Refused(refusal) => {
                if refusal.is_final() {
                    // This step cannot be taken, so another way has to be found.
                    self.sync.start_over();
                }
                self.sync_failed(now, Some(refusal));
            }
            Outcome::Lost(()) => self.sync_failed(now, None),
        }
    }

    fn ask_sync(&mut self, out: &mut Vec<Output>) {
        let token = self.sync.token.as_deref();
        let ask = match &self.sync.step {
            Step::List { cursor } => Ask { token: None, v: None, heads: None, cursor: cursor.as_deref() },
            Step::Names => Ask { token, v: self.version.last(), heads: None, cursor: None },
            Step::Entries { cursor } => {
                let head = |id| self.conversations.get(id).and_then(Conversation::head).unwrap_or(0);
                let heads = self.sync.named.iter().map(|id| (*id, head(id))).collect();
                Ask { token, v: None, heads: Some(heads), cursor: cursor.as_deref() }
            }
        };
        self.requests.begin(Purpose::Sync, "sync", &ask, out);
        self.sync.standing = Standing::UnderWay;
    }

    fn sync_failed(&mut self, now: u64, refusal: Option<&Refusal>) {
        self.sync.failures += 1;
        self.sync.standing = Standing::Waits;
        let wait = self.pace.after(self.sync.failures, refusal);
        self.timers.set(now + wait, Timer::Sync);
    }

    fn take_page(&mut self, now: u64, page: Page<'_>, out: &mut Vec<Output>) {
        if page.reset {
            self.sync.token = None;
            self.sync.start_over();
            self.sync.resets = true;
        }
        let named = self.sync.named.len();
        for summary in &page.conversations {
            self.take_summary(summary, out);
        }
        let is_progress = self.take_messages(now, &page.messages, out) || self.sync.named.len() > named;
        match (&mut self.sync.step, page.more) {
            (_, false) => return self.end_sync(now, page, out),
            (Step::List { cursor }, true) if page.cursor.is_some() => *cursor = page.cursor,
            (Step::List { .. }, true) => self.sync.start_over(),
            (step, true) => *step = Step::Entries { cursor: page.cursor },
        }
        // A server that always has more and never gives any is not asked faster and faster.
        if is_progress {
            self.sync.failures = 0;
            self.ask_sync(out);
        } else {
            self.sync_failed(now, None);
        }
    }

    fn take_summary(&mut self, json: &RawValue, out: &mut Vec<Output>) {
        let (Some(named), Some(values)) = (part::<Named>(json), part::<Values>(json)) else { return };
        self.sync.named.insert(named.conversation_id);
        let id = named.conversation_id;
        let conversation = self.conversation(id);
        conversation.tell(named.head);
        if named.head == 0 {
            conversation.begin_empty();
        }
        let mut changed = conversation.state.replace(values);
        if named.user_id.is_some() && conversation.peer != named.user_id {
            (conversation.peer, changed) = (named.user_id, true);
        }
        self.announce(id, changed, out);
        let conversation = self.conversation(id);
        for mark in named.read {
            conversation.mark_read(&mark.message_ids, mark.read_at, out);
        }
        conversation.mark_deleted(&named.deleted, out);
    }

    /// Entries of several conversations, ascending within each. True if a head moved.
    fn take_messages(&mut self, now: u64, messages: &[&RawValue], out: &mut Vec<Output>) -> bool {
        let mut pages: BTreeMap<ConversationId, Vec<Entry>> = BTreeMap::new();
        for entry in messages.iter().filter_map(|json| Entry::read(json)) {
            pages.entry(entry.conversation_id()).or_default().push(entry);
        }
        let is_list = matches!(self.sync.step, Step::List { .. });
        let mut has_moved = false;
        for (id, page) in pages {
            self.settle_all(&page, out);
            page.iter().for_each(|entry| self.note_peer(entry));
            self.announce(id, false, out);
            let conversation = self.conversation(id);
            let head = conversation.head();
            if is_list {
                // A list has no marks for older entries than it brings.
                conversation.start_anew(page, out);
            } else {
                conversation.join(page, out);
            }
            has_moved |= conversation.head() != head;
            self.look_for_hole(now, id);
            self.look_at_receipt(now, id);
        }
        has_moved
    }

    fn end_sync(&mut self, now: u64, page: Page<'_>, out: &mut Vec<Output>) {
        let (Some(token), Some(v)) = (page.token, page.v) else {
            self.sync.start_over();
            return self.sync_failed(now, None);
        };
        self.sync.token = Some(token);
        self.sync.standing = Standing::Done;
        if self.version.end(v, now) {
            self.watch_version(now);
        }
        if page.lists_rev.is_some_and(|rev| self.lists_rev != Some(rev)) {
            self.lists_rev = page.lists_rev;
            let change = page.lists_rev.map(|lists_rev| Change::Lists { lists_rev, change: None });
            out.extend(change.map(Output::from));
        }
        if self.sync.again {
            return self.begin_sync(out);
        }
        self.conversations.values_mut().for_each(Conversation::forget_marks);
        out.push(Change::Synced { reset: self.sync.resets }.into());
        self.release_holes(now, out);
    }
}
