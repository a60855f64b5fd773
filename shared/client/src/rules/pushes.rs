//! What the server says by itself.

use super::Rules;
use super::conversation::Source;
use super::entry::Entry;
use super::output::{Change, Output};
use super::requests::part;
use super::state::Values;
use super::sync::ReadMark;
use serde::Deserialize;
use serde_json::value::RawValue;
use types::ConversationId;

/// What the push of an entry has beside it.
#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    v: Option<u64>,
}

#[derive(Deserialize)]
struct StatePush {
    conversation_id: ConversationId,
    #[serde(default)]
    v: Option<u64>,
    #[serde(default)]
    read: Option<ReadMark>,
    #[serde(default)]
    deleted: Vec<u64>,
}

#[derive(Deserialize)]
struct ListsPush {
    lists_rev: u64,
    #[serde(default)]
    v: Option<u64>,
    #[serde(default)]
    change: Option<Box<RawValue>>,
}

impl Rules {
    /// An event has come. What these rules have no part in is handed on; what they cannot read too, and its version does
    /// not count, so that it is missed and synced.
    pub fn pushed(&mut self, now: u64, event: &str, payload: &RawValue, out: &mut Vec<Output>) {
        let is_read = match event {
            "messagePush" | "recallPush" => self.entry_pushed(now, payload, out),
            "statePush" => self.state_pushed(now, payload, out),
            "listsPush" => self.lists_pushed(now, payload, out),
            "versionPush" => self.version_pushed(now, payload),
            "syncPush" => {
                self.sync_again(out);
                true
            }
            "profilePush" => {
                self.version_pushed(now, payload);
                false
            }
            _ => false,
        };
        if !is_read {
            out.push(Change::Event { event: event.into(), payload: payload.to_owned() }.into());
        }
        self.advance_sends(out);
    }

    /// False for what has no place in a conversation, such as a card that a back end only shows.
    fn entry_pushed(&mut self, now: u64, payload: &RawValue, out: &mut Vec<Output>) -> bool {
        let Some(entry) = Entry::read(payload) else { return false };
        let (id, number) = (entry.conversation_id(), entry.conv_seq());
        self.settle(&entry, out);
        self.note_peer(&entry);
        let mut values: Values = part(payload).unwrap_or_default();
        // A message may have fields of its own by these names; only the count of unread ones comes with a push.
        (values.pinned, values.muted, values.draft) = (None, None, None);
        self.change_state(id, values, out);
        self.conversation(id).take(entry, Source::Push, out);
        self.look_for_hole(now, id);
        self.owe_receipt(now, id, number);
        self.forget_marks(id);
        self.note_version(now, part(payload).and_then(|beside: Beside| beside.v));
        true
    }

    fn state_pushed(&mut self, now: u64, payload: &RawValue, out: &mut Vec<Output>) -> bool {
        let (Some(push), Some(values)) = (part::<StatePush>(payload), part::<Values>(payload)) else { return false };
        let id = push.conversation_id;
        self.change_state(id, values, out);
        let conversation = self.conversation(id);
        if let Some(read) = push.read {
            conversation.mark_read(&read.message_ids, read.read_at, out);
        }
        conversation.mark_deleted(&push.deleted, out);
        self.forget_marks(id);
        self.note_version(now, push.v);
        true
    }

    fn lists_pushed(&mut self, now: u64, payload: &RawValue, out: &mut Vec<Output>) -> bool {
        let Some(ListsPush { lists_rev, v, change }) = part(payload) else { return false };
        self.note_lists(lists_rev, change, out);
        self.note_version(now, v);
        true
    }

    /// The lists are as of this revision, by this change if it is the next one.
    pub(super) fn note_lists(&mut self, lists_rev: u64, change: Option<Box<RawValue>>, out: &mut Vec<Output>) {
        let known = self.lists_rev;
        if known.is_none_or(|known| lists_rev > known) {
            // A change that was missed may be in either list.
            let change = change.filter(|_| known.is_some_and(|known| lists_rev == known + 1));
            self.lists_rev = Some(lists_rev);
            out.push(Change::Lists { lists_rev, change }.into());
        }
    }

    fn version_pushed(&mut self, now: u64, payload: &RawValue) -> bool {
        let v = part(payload).and_then(|beside: Beside| beside.v);
        self.note_version(now, v);
        v.is_some()
    }

    /// Who the other side of a conversation is, as its messages tell.
    pub(super) fn note_peer(&mut self, entry: &Entry) {
        let Some(message) = entry.message() else { return };
        let is_own = self.user.as_ref() == Some(&message.from_user_id);
        let peer = if is_own { message.to_user_id.clone() } else { Some(message.from_user_id.clone()) };
        let conversation = self.conversation(message.conversation_id);
        if conversation.peer.is_none() {
            (conversation.peer, conversation.announced) = (peer, false);
        }
    }
}
