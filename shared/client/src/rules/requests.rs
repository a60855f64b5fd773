//! Requests under way: which answer belongs to what.

use super::asks::Effect;
use super::output::{Outcome, Output, Request};
use super::refusal::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;
use types::{ConversationId, MessageId};

/// What a request is for.
#[derive(Debug)]
pub(super) enum Purpose {
    Sync,
    /// The entries after a head.
    Hole(ConversationId),
    /// Older entries, for the application.
    Older {
        ticket: u64,
        conversation: ConversationId,
    },
    Receipt {
        conversation: ConversationId,
        conv_seq: u64,
    },
    /// A message, by its place in the queue.
    Send(u64),
    Read {
        conversation: ConversationId,
        ids: Vec<MessageId>,
    },
    Ask {
        ticket: u64,
        effect: Effect,
    },
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    under_way: BTreeMap<u64, Purpose>,
}

impl Requests {
    pub(super) fn begin<T: Serialize>(&mut self, purpose: Purpose, event: &str, payload: &T, out: &mut Vec<Output>) {
        self.last += 1;
        self.under_way.insert(self.last, purpose);
        out.push(Output::Request(Request { id: self.last, event: event.into(), payload: json(payload) }));
    }

    pub(super) fn end(&mut self, id: u64) -> Option<Purpose> {
        self.under_way.remove(&id)
    }

    /// The connection has ended: none of them will be answered.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = Purpose> + use<> {
        std::mem::take(&mut self.under_way).into_values()
    }
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Box<RawValue> {
    // Maps with keys of text, texts and numbers: nothing here can fail.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Reads an acknowledgement, or that there was none. One that is not of the protocol's form says as little.
pub(super) fn outcome(answer: Option<&RawValue>) -> Outcome {
    #[derive(Deserialize)]
    struct Head {
        ok: bool,
        #[serde(default)]
        error: Option<Refusal>,
    }
    let Some(answer) = answer else { return Outcome::Lost(()) };
    match serde_json::from_str(answer.get()) {
        Ok(Head { ok: true, .. }) => Outcome::Ok(answer.to_owned()),
        Ok(Head { error: Some(refusal), .. }) => Outcome::Refused(refusal),
        _ => Outcome::Lost(()),
    }
}

/// The part of an acknowledgement that somebody needs. Nothing if it is not there.
pub(super) fn part<'a, T: Deserialize<'a>>(answer: &'a RawValue) -> Option<T> {
    serde_json::from_str(answer.get()).ok()
}
