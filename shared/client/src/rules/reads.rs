//! Reporting what the user has seen: gathered for a moment, at most 200 at a time, again until the server has them.

use super::Rules;
use super::output::{Outcome, Output};
use super::requests::{Purpose, part};
use super::sync::ReadMark;
use super::timers::Timer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use types::{ConversationId, MessageId};

/// How long what comes into view is gathered for one report.
const GATHER_MS: u64 = 200;

/// Messages in one report.
const MOST_AT_ONCE: usize = 200;

/// Messages of one conversation that wait to be reported; more are not taken.
const MOST_WAITING: usize = 10_000;

/// Conversations with something to report.
#[derive(Debug, Default)]
pub(super) struct Reads(BTreeMap<ConversationId, Report>);

#[derive(Debug, Default)]
struct Report {
    ids: BTreeSet<MessageId>,
    due: Option<u64>,
    under_way: bool,
    failures: u32,
}

#[derive(Serialize)]
struct Ask<'a> {
    conversation_id: ConversationId,
    message_ids: &'a [MessageId],
}

#[derive(Deserialize)]
struct Saved {
    saved: Vec<MessageId>,
    read_at: u64,
    /// Those of `saved` that were read at other times.
    #[serde(default)]
    read: Vec<ReadMark>,
    #[serde(default)]
    v: Option<u64>,
}

impl Rules {
    /// The user has these messages of others on the screen. They are reported until the server has them, after a
    /// reconnect too; what waits at the end of the process is not kept.
    pub fn read(&mut self, now: u64, conversation: ConversationId, ids: &[MessageId]) {
        let report = self.reads.0.entry(conversation).or_default();
        let room = MOST_WAITING.saturating_sub(report.ids.len());
        report.ids.extend(ids.iter().take(room));
        if report.due.is_none() {
            report.due = Some(now + GATHER_MS);
            self.timers.set(now + GATHER_MS, Timer::Read(conversation));
        }
    }

    pub(super) fn send_read(&mut self, now: u64, id: ConversationId, out: &mut Vec<Output>) {
        let Some(report) = self.reads.0.get_mut(&id) else { return };
        if !self.connected || report.under_way || report.due.is_none_or(|due| due > now) {
            return;
        }
        let ids: Vec<MessageId> = report.ids.iter().take(MOST_AT_ONCE).copied().collect();
        if ids.is_empty() {
            self.reads.0.remove(&id);
            return;
        }
        report.ids.retain(|waits| !ids.contains(waits));
        report.under_way = true;
        let ask = Ask { conversation_id: id, message_ids: &ids };
        let json = super::requests::json(&ask);
        self.requests.begin(Purpose::Read { conversation: id, ids }, "readMessage", &json, out);
    }

    pub(super) fn read_answered(
        &mut self,
        now: u64,
        id: ConversationId,
        ids: Vec<MessageId>,
        outcome: &Outcome,
        out: &mut Vec<Output>,
    ) {
        if let Outcome::Ok(answer) = outcome {
            self.take_read_answer(now, id, answer, out);
        }
        let Some(report) = self.reads.0.get_mut(&id) else { return };
        report.under_way = false;
        let refusal = match outcome {
            Outcome::Refused(refusal) if !refusal.is_final() => Some(refusal),
            Outcome::Lost(()) => None,
            Outcome::Ok(_) | Outcome::Refused(_) => {
                (report.failures, report.due) = (0, Some(now));
                return self.send_read(now, id, out);
            }
        };
        report.ids.extend(ids);
        report.failures += 1;
        let due = now + self.pace.after(report.failures, refusal);
        report.due = Some(due);
        self.timers.set(due, Timer::Read(id));
    }

    /// There is a connection again.
    pub(super) fn resume_reads(&mut self, now: u64, out: &mut Vec<Output>) {
        let ids: Vec<ConversationId> = self.reads.0.keys().copied().collect();
        for id in ids {
            if let Some(report) = self.reads.0.get_mut(&id) {
                report.due = Some(now);
            }
            self.send_read(now, id, out);
        }
    }

    /// What the server says it has saved.
    pub(super) fn take_read_answer(&mut self, now: u64, id: ConversationId, answer: &RawValue, out: &mut Vec<Output>) {
        let Some(Saved { mut saved, read_at, read, v }) = part(answer) else { return };
        saved.retain(|id| !read.iter().any(|mark| mark.message_ids.contains(id)));
        let conversation = self.conversation(id);
        for mark in read {
            conversation.mark_read(&mark.message_ids, mark.read_at, out);
        }
        conversation.mark_read(&saved, read_at, out);
        self.change_state(id, part(answer).unwrap_or_default(), out);
        self.forget_marks(id);
        self.note_version(now, v);
    }
}
