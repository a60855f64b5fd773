//! How the site writes things down for one user.

use super::{Conversation, Member, Site, Stored};
use serde_json::{Value, json};

impl Site {
    /// An entry as the user sees it.
    pub(crate) fn entry(&self, user: &str, id: u64, conv_seq: u64) -> Value {
        let conversation = &self.conversations[&id];
        let is_deleted = conversation.members.get(user).is_some_and(|member| member.deleted.contains_key(&conv_seq));
        if is_deleted {
            return json!({ "conversation_id": id.to_string(), "conv_seq": conv_seq, "deleted": true });
        }
        conversation.entries[conv_seq as usize - 1].form(user, id, conv_seq)
    }

    /// All entries of a conversation, as the user sees them.
    pub(crate) fn entries(&self, user: &str, id: u64) -> Vec<Value> {
        (1..=self.conversations[&id].entries.len() as u64).map(|conv_seq| self.entry(user, id, conv_seq)).collect()
    }

    /// What the user is told of a conversation, with the marks since a position of the store.
    pub(crate) fn summary(&self, user: &str, id: u64, since: u64) -> Value {
        let conversation = &self.conversations[&id];
        let member = &conversation.members[user];
        let mut summary = member.values();
        summary["conversation_id"] = json!(id.to_string());
        summary["chat_type"] = json!("p2p");
        summary["user_id"] = json!(conversation.other(user));
        summary["head"] = json!(conversation.entries.len());
        summary["rev"] = json!(member.rev);
        let reads: Vec<&Value> = member.reads.iter().filter(|(at, _)| *at > since).map(|(_, read)| read).collect();
        if !reads.is_empty() {
            summary["read"] = json!(reads);
        }
        let deleted: Vec<u64> = member.deleted.iter().filter(|(_, at)| **at > since).map(|(seq, _)| *seq).collect();
        if !deleted.is_empty() {
            summary["deleted"] = json!(deleted);
        }
        summary
    }

    pub(super) fn unread(&self, user: &str, id: u64) -> (u64, u64) {
        let member = &self.conversations[&id].members[user];
        (member.unread, member.rev)
    }
}

impl Member {
    fn values(&self) -> Value {
        let mut values = json!({ "unread": self.unread, "pinned": self.pinned, "muted": self.muted });
        if !self.draft.is_empty() {
            values["draft"] = json!(self.draft);
        }
        values
    }
}

impl Stored {
    pub(super) fn form(&self, user: &str, id: u64, conv_seq: u64) -> Value {
        let mut form = json!({
            "message_id": self.message_id.to_string(),
            "conversation_id": id.to_string(),
            "conv_seq": conv_seq,
            "chat_type": "p2p",
            "type": self.kind,
            "from_user_id": self.from,
            "to_user_id": self.to,
            "send_time": self.send_time,
        });
        if let Some(temp) = self.temp_message_id.as_ref().filter(|_| self.from == user) {
            form["temp_message_id"] = json!(temp);
        }
        if self.recalled {
            form["recalled"] = json!(true);
        } else {
            form["message"] = self.message.clone();
        }
        if let Some(read_at) = self.read_at {
            form["read_at"] = json!(read_at);
        }
        form
    }
}

impl Conversation {
    pub(super) fn changed(&self, user: &str) -> u64 {
        self.members.get(user).map_or(0, |member| member.changed)
    }
}
