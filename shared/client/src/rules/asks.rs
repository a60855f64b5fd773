//! What the application asks of the server, and what an answer changes here: the connection that caused a change is told
//! by the acknowledgement alone.

use super::Rules;
use super::conversation::Source;
use super::entry::{Entry, Message};
use super::output::{Done, Outcome, Output};
use super::requests::{Purpose, json, part};
use super::state::Values;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use types::{ChatType, ConversationId, MessageId, MessageType};

/// What follows from a good answer.
#[derive(Debug)]
pub(super) enum Effect {
    Nothing,
    /// These values, as of the revision in the answer.
    State(ConversationId, Values),
    Read(ConversationId),
    Delete,
    Recall(MessageId),
    Lists,
}

/// The words of requests that have effects.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    conversation_id: Option<ConversationId>,
    #[serde(default)]
    message_id: Option<MessageId>,
    #[serde(default)]
    pinned: Option<bool>,
    #[serde(default)]
    muted: Option<bool>,
    #[serde(default)]
    text: Option<Box<RawValue>>,
}

/// The words of their answers.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    conversation_id: Option<ConversationId>,
    #[serde(default)]
    conv_seq: Option<u64>,
    /// Of a recall's own entry, where the server tells.
    #[serde(default)]
    message_id: Option<MessageId>,
    #[serde(default)]
    send_time: Option<u64>,
    #[serde(default)]
    lists_rev: Option<u64>,
    #[serde(default)]
    v: Option<u64>,
}

/// The body of a recall.
#[derive(Serialize)]
struct Recalled {
    message_id: MessageId,
    conv_seq: u64,
}

impl Rules {
    /// Asks the server something, once: whoever gets [`Outcome::Lost`] decides whether to ask again. What the answer
    /// changes is told before [`Done`].
    pub fn ask(&mut self, ticket: u64, event: &str, payload: &RawValue, out: &mut Vec<Output>) {
        if !self.connected {
            return out.push(Output::Done(Done { ticket, outcome: Outcome::Lost(()) }));
        }
        let effect = effect(event, payload);
        self.requests.begin(Purpose::Ask { ticket, effect }, event, &payload, out);
    }

    pub(super) fn ask_answered(
        &mut self,
        now: u64,
        ticket: u64,
        effect: Effect,
        outcome: Outcome,
        out: &mut Vec<Output>,
    ) {
        if let Outcome::Ok(answer) = &outcome {
            self.apply(now, effect, answer, out);
        }
        out.push(Output::Done(Done { ticket, outcome }));
    }

    fn apply(&mut self, now: u64, effect: Effect, answer: &RawValue, out: &mut Vec<Output>) {
        let Some(answered) = part::<Answered>(answer) else { return };
        match effect {
            Effect::Nothing => {}
            Effect::State(id, asked) => {
                let told: Values = part(answer).unwrap_or_default();
                self.change_state(id, Values { rev: told.rev, unread: told.unread, ..asked }, out);
            }
            // It has its version counted there.
            Effect::Read(id) => return self.take_read_answer(now, id, answer, out),
            Effect::Delete => {
                if let (Some(id), Some(number)) = (answered.conversation_id, answered.conv_seq) {
                    self.conversation(id).mark_deleted(&[number], out);
                    self.forget_marks(id);
                }
            }
            Effect::Recall(message) => self.recalled(now, message, &answered, out),
            Effect::Lists => {
                // The application knows what it has changed; it is told only if something else was missed.
                let known = self.lists_rev;
                match answered.lists_rev {
                    Some(rev) if known.is_some_and(|known| rev == known + 1) => self.lists_rev = Some(rev),
                    Some(lists_rev) => self.note_lists(lists_rev, None, out),
                    None => {}
                }
            }
        }
        self.note_version(now, answered.v);
    }

    fn recalled(&mut self, now: u64, message: MessageId, answered: &Answered, out: &mut Vec<Output>) {
        let (Some(id), Some(conv_seq)) = (answered.conversation_id, answered.conv_seq) else { return };
        let user = self.user.clone();
        let conversation = self.conversation(id);
        // The recall is an entry too. What is not told of it is fetched like any other that is missing.
        conversation.tell(conv_seq);
        if let Some(number) = conversation.number_of(message) {
            conversation.mark_recalled(number, out);
            if let (Some(from_user_id), Some(message_id), Some(send_time)) =
                (user, answered.message_id, answered.send_time)
            {
                let entry = Message {
                    message_id,
                    temp_message_id: None,
                    conversation_id: id,
                    conv_seq,
                    chat_type: ChatType::P2p,
                    kind: MessageType::Recall.into(),
                    from_user_id,
                    to_user_id: conversation.peer.clone(),
                    message: Some(json(&Recalled { message_id: message, conv_seq: number })),
                    send_time,
                    read_at: None,
                    recalled: false,
                };
                conversation.take(Entry::Message(Arc::new(entry)), Source::Store, out);
            }
        }
        self.look_for_hole(now, id);
        self.look_at_receipt(now, id);
        self.forget_marks(id);
    }
}

fn effect(event: &str, payload: &RawValue) -> Effect {
    let Some(asked) = part::<Asked>(payload) else { return Effect::Nothing };
    let state = |values| asked.conversation_id.map_or(Effect::Nothing, |id| Effect::State(id, values));
    match event {
        "pinConversation" => state(Values { pinned: asked.pinned, ..Values::default() }),
        "muteConversation" => state(Values { muted: asked.muted, ..Values::default() }),
        "saveDraft" => state(Values { draft: asked.text, ..Values::default() }),
        "clearUnread" => state(Values::default()),
        "readMessage" => asked.conversation_id.map_or(Effect::Nothing, Effect::Read),
        "deleteMessage" => Effect::Delete,
        "recallMessage" => asked.message_id.map_or(Effect::Nothing, Effect::Recall),
        "addContact" | "removeContact" | "block" | "unblock" => Effect::Lists,
        _ => Effect::Nothing,
    }
}
