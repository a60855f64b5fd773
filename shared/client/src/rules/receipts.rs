//! Telling the server what has come: up to which head this device has everything.
//!
//! Owed for what the server pushed on this connection, since it repeats a push until it is acknowledged. So a push that was
//! here already is acknowledged too; what came in answer to a request is not.

use super::Rules;
use super::conversation::Conversation;
use super::output::{Outcome, Output};
use super::requests::Purpose;
use super::timers::Timer;
use serde::Serialize;
use std::collections::BTreeMap;
use types::ConversationId;

/// How long pushes are gathered for one acknowledgement. The server waits 5 s.
const GATHER_MS: u64 = 200;

/// Conversations in which something is owed.
#[derive(Debug, Default)]
pub(super) struct Receipts(BTreeMap<ConversationId, Receipt>);

#[derive(Debug, Default)]
struct Receipt {
    /// The lowest pushed number that no acknowledgement covers.
    owed: Option<u64>,
    /// The highest pushed number.
    highest: u64,
    due: Option<u64>,
    under_way: bool,
    failures: u32,
}

#[derive(Serialize)]
struct Ack {
    conversation_id: ConversationId,
    conv_seq: u64,
}

impl Receipts {
    /// The connection has ended, and with it what was owed on it.
    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }
}

impl Receipt {
    fn owe(&mut self, number: u64) {
        self.owed = Some(self.owed.map_or(number, |owed| owed.min(number)));
        self.highest = self.highest.max(number);
    }
}

impl Rules {
    /// The server has pushed this entry.
    pub(super) fn owe_receipt(&mut self, now: u64, id: ConversationId, number: u64) {
        self.receipts.0.entry(id).or_default().owe(number);
        self.look_at_receipt(now, id);
    }

    /// A head may have reached what is owed.
    pub(super) fn look_at_receipt(&mut self, now: u64, id: ConversationId) {
        let head = self.head_of(id);
        let Some(receipt) = self.receipts.0.get_mut(&id) else { return };
        if receipt.owed.is_some_and(|owed| owed <= head) {
            let due = *receipt.due.get_or_insert(now + GATHER_MS);
            if !receipt.under_way {
                self.timers.set(due, Timer::Receipt(id));
            }
        }
    }

    pub(super) fn send_receipt(&mut self, now: u64, id: ConversationId, out: &mut Vec<Output>) {
        let head = self.head_of(id);
        let Some(receipt) = self.receipts.0.get_mut(&id) else { return };
        if receipt.under_way || receipt.due.is_none_or(|due| due > now) {
            return;
        }
        receipt.due = None;
        receipt.under_way = true;
        receipt.owed = (receipt.highest > head).then_some(head + 1);
        let purpose = Purpose::Receipt { conversation: id, conv_seq: head };
        self.requests.begin(purpose, "ackMessage", &Ack { conversation_id: id, conv_seq: head }, out);
    }

    pub(super) fn receipt_answered(&mut self, now: u64, id: ConversationId, conv_seq: u64, outcome: &Outcome) {
        let Some(receipt) = self.receipts.0.get_mut(&id) else { return };
        receipt.under_way = false;
        let refusal = match outcome {
            Outcome::Refused(refusal) if !refusal.is_final() => Some(refusal),
            Outcome::Lost(()) => None,
            Outcome::Ok(_) | Outcome::Refused(_) => {
                receipt.failures = 0;
                if receipt.owed.is_none() {
                    self.receipts.0.remove(&id);
                }
                return self.look_at_receipt(now, id);
            }
        };
        receipt.owe(conv_seq);
        receipt.failures += 1;
        receipt.due = Some(now + self.pace.after(receipt.failures, refusal));
        self.look_at_receipt(now, id);
    }

    fn head_of(&self, id: ConversationId) -> u64 {
        self.conversations.get(&id).and_then(Conversation::head).unwrap_or(0)
    }
}
