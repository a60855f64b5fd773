//! Entries that are missing: a hole that does not fill by itself is fetched, and older ones when the user goes back to them.
//!
//! One request at a time for each conversation. While a sync is under way nothing is fetched, because it may bring them.

use super::Rules;
use super::conversation::Conversation;
use super::entry::Entry;
use super::output::{Done, Outcome, Output};
use super::refusal::Refusal;
use super::requests::{Purpose, json, part};
use super::timers::Timer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use types::ConversationId;

/// Pushes that overtook each other are together again by then.
const PATIENCE_MS: u64 = 100;

/// Entries in one answer, the most there are.
const LIMIT: usize = 200;

/// Conversations that miss something, or are asked about.
#[derive(Debug, Default)]
pub(super) struct Holes(BTreeMap<ConversationId, Hole>);

#[derive(Debug, Default)]
struct Hole {
    /// The head before the hole, and since when it is there.
    seen: Option<(Option<u64>, u64)>,
    /// Not before this time, because it failed.
    not_before: u64,
    failures: u32,
    under_way: bool,
    /// The head when what is under way was asked for.
    asked: Option<u64>,
    /// What the application wants of older entries.
    older: VecDeque<Older>,
}

#[derive(Debug, Clone, Copy)]
struct Older {
    ticket: u64,
    limit: usize,
}

#[derive(Serialize)]
struct Ask {
    conversation_id: ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    limit: usize,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(default)]
    more: bool,
}

#[derive(Serialize)]
struct More {
    more: bool,
}

impl Rules {
    /// The application goes back to older entries; at most 200 come at a time. The outcome says whether there are `more`.
    pub fn load_older(
        &mut self,
        now: u64,
        ticket: u64,
        conversation: ConversationId,
        limit: usize,
        out: &mut Vec<Output>,
    ) {
        if !self.connected {
            return out.push(Output::Done(Done { ticket, outcome: Outcome::Lost(()) }));
        }
        let older = Older { ticket, limit: limit.clamp(1, LIMIT) };
        self.holes.0.entry(conversation).or_default().older.push_back(older);
        self.fetch_hole(now, conversation, out);
    }

    /// A conversation has changed: whether there is a hole in it now, and since when.
    pub(super) fn look_for_hole(&mut self, now: u64, id: ConversationId) {
        let Some(conversation) = self.conversations.get(&id) else { return };
        if !conversation.has_hole() {
            if let Some(hole) = self.holes.0.get_mut(&id) {
                hole.seen = None;
                self.drop_idle_hole(id);
            }
            return;
        }
        let head = conversation.head();
        let hole = self.holes.0.entry(id).or_default();
        if hole.seen.is_none_or(|(before, _)| before != head) {
            hole.seen = Some((head, now));
            self.timers.set(now + PATIENCE_MS, Timer::Hole(id));
        }
    }

    /// Fetches what is missing, if it is time: older entries first, since somebody waits for them.
    pub(super) fn fetch_hole(&mut self, now: u64, id: ConversationId, out: &mut Vec<Output>) {
        let Some(hole) = self.holes.0.get_mut(&id).filter(|hole| !hole.under_way && self.connected) else { return };
        let known = self.conversations.get(&id);
        while let Some(older) = hole.older.pop_front() {
            let floor = known.and_then(Conversation::floor);
            if floor.is_some_and(|floor| floor <= 1) {
                let outcome = Outcome::Ok(json(&More { more: false }));
                out.push(Output::Done(Done { ticket: older.ticket, outcome }));
                continue;
            }
            hole.under_way = true;
            let purpose = Purpose::Older { ticket: older.ticket, conversation: id };
            let ask = Ask { conversation_id: id, before: floor, after: None, limit: older.limit };
            return self.requests.begin(purpose, "history", &ask, out);
        }
        let Some((_, since)) = hole.seen else { return self.drop_idle_hole(id) };
        if !self.sync.is_done() || now < since + PATIENCE_MS || now < hole.not_before {
            return;
        }
        let Some(conversation) = known else { return };
        (hole.under_way, hole.asked) = (true, conversation.head());
        // Of a conversation whose beginning is not known, the newest entries below are enough.
        let (before, after) = match conversation.head() {
            Some(head) => (None, Some(head)),
            None => (conversation.first_waiting(), None),
        };
        let ask = Ask { conversation_id: id, before, after, limit: LIMIT };
        self.requests.begin(Purpose::Hole(id), "history", &ask, out);
    }

    pub(super) fn hole_answered(&mut self, now: u64, id: ConversationId, outcome: &Outcome, out: &mut Vec<Output>) {
        if let Some(hole) = self.holes.0.get_mut(&id) {
            hole.under_way = false;
        }
        if !self.connected {
            return self.older_lost(id, out);
        }
        let refusal = match outcome {
            Outcome::Ok(answer) => {
                if let Some(page) = part::<Page<'_>>(answer) {
                    self.take_history(now, id, &page, false, out);
                }
                None
            }
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Lost(()) => None,
        };
        self.look_at_progress(now, id, refusal);
        self.fetch_hole(now, id, out);
    }

    /// What is still missing after an answer is asked for at once, or later if the answer brought nothing.
    fn look_at_progress(&mut self, now: u64, id: ConversationId, refusal: Option<&Refusal>) {
        let head = self.conversations.get(&id).and_then(Conversation::head);
        let Some(hole) = self.holes.0.get_mut(&id) else { return };
        let Some((before, _)) = hole.seen else {
            (hole.failures, hole.not_before) = (0, 0);
            return;
        };
        if head != hole.asked {
            (hole.failures, hole.not_before) = (0, 0);
            hole.seen = Some((before, now.saturating_sub(PATIENCE_MS)));
            return;
        }
        hole.failures += 1;
        hole.not_before = now + self.pace.after(hole.failures, refusal);
        self.timers.set(hole.not_before, Timer::Hole(id));
    }

    pub(super) fn older_answered(
        &mut self,
        now: u64,
        ticket: u64,
        id: ConversationId,
        outcome: Outcome,
        out: &mut Vec<Output>,
    ) {
        if let Some(hole) = self.holes.0.get_mut(&id) {
            hole.under_way = false;
        }
        let outcome = match outcome {
            Outcome::Ok(answer) => match part::<Page<'_>>(&answer) {
                Some(page) => {
                    self.take_history(now, id, &page, true, out);
                    Outcome::Ok(json(&More { more: page.more }))
                }
                None => Outcome::Lost(()),
            },
            other => other,
        };
        out.push(Output::Done(Done { ticket, outcome }));
        if !self.connected {
            self.older_lost(id, out);
        }
        self.fetch_hole(now, id, out);
    }

    /// The sync is over: what it has not brought is fetched.
    pub(super) fn release_holes(&mut self, now: u64, out: &mut Vec<Output>) {
        let ids: Vec<ConversationId> = self.holes.0.keys().copied().collect();
        for id in ids {
            self.fetch_hole(now, id, out);
        }
    }

    fn take_history(&mut self, now: u64, id: ConversationId, page: &Page<'_>, is_older: bool, out: &mut Vec<Output>) {
        let entries = page.messages.iter().filter_map(|json| Entry::read(json));
        let entries: Vec<Entry> = entries.filter(|entry| entry.conversation_id() == id).collect();
        self.settle_all(&entries, out);
        entries.iter().for_each(|entry| self.note_peer(entry));
        self.announce(id, false, out);
        let conversation = self.conversation(id);
        if is_older {
            conversation.join_older(entries, out);
        } else if entries.is_empty() {
            conversation.begin_where_it_waits();
        } else {
            conversation.join(entries, out);
        }
        self.forget_marks(id);
        self.look_for_hole(now, id);
        self.look_at_receipt(now, id);
    }

    /// Who waits for older entries of this conversation waits in vain.
    fn older_lost(&mut self, id: ConversationId, out: &mut Vec<Output>) {
        let Some(hole) = self.holes.0.get_mut(&id) else { return };
        let lost = hole.older.drain(..).map(|older| Done { ticket: older.ticket, outcome: Outcome::Lost(()) });
        out.extend(lost.map(Output::Done));
    }

    fn drop_idle_hole(&mut self, id: ConversationId) {
        let is_idle = |hole: &Hole| hole.seen.is_none() && !hole.under_way && hole.older.is_empty();
        if self.holes.0.get(&id).is_some_and(is_idle) {
            self.holes.0.remove(&id);
        }
    }
}

impl Holes {
    /// Whether an answer is under way that could bring an old copy of an entry.
    pub(super) fn is_fetching(&self, id: ConversationId) -> bool {
        self.0.get(&id).is_some_and(|hole| hole.under_way)
    }
}
