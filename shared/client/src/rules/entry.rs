//! What stands at one number of a conversation, as this device has it.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::sync::Arc;
use types::{ChatType, ConversationId, MessageId, MessageType, UserKey};

/// One entry. Cloning shares the message.
#[derive(Debug, Clone)]
pub enum Entry {
    Message(Arc<Message>),
    /// Nothing to show, but its number is taken: the user deleted it for himself, or it has a form that this release
    /// cannot read.
    Blank {
        conversation_id: ConversationId,
        conv_seq: u64,
    },
}

/// A message, or the recall of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    pub message_id: MessageId,
    /// What its sender's device called it; on the sender's devices only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_message_id: Option<Box<str>>,
    pub conversation_id: ConversationId,
    /// Counts the entries of the conversation from 1, without a gap. The order of a conversation.
    pub conv_seq: u64,
    #[serde(default = "p2p")]
    pub chat_type: ChatType,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub from_user_id: UserKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_user_id: Option<UserKey>,
    /// A string for text, an object for other kinds; nothing of one that was recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<RawValue>>,
    /// Milliseconds since 1970.
    pub send_time: u64,
    /// When the other side had it on the screen, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recalled: bool,
}

/// What a message is. A newer server may have kinds that this release does not know; they keep their name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    Known(MessageType),
    Other(Box<str>),
}

impl From<MessageType> for Kind {
    fn from(kind: MessageType) -> Self {
        Self::Known(kind)
    }
}

fn p2p() -> ChatType {
    ChatType::P2p
}

/// The highest number of an entry: JavaScript counts no further exactly.
const MOST_ENTRIES: u64 = (1 << 53) - 1;

/// What every form of an entry has.
#[derive(Deserialize)]
struct Place {
    conversation_id: ConversationId,
    conv_seq: u64,
}

/// The body of a recall.
#[derive(Deserialize)]
struct Recalled {
    conv_seq: u64,
}

impl Entry {
    pub fn conversation_id(&self) -> ConversationId {
        match self {
            Self::Message(message) => message.conversation_id,
            Self::Blank { conversation_id, .. } => *conversation_id,
        }
    }

    pub fn conv_seq(&self) -> u64 {
        match self {
            Self::Message(message) => message.conv_seq,
            Self::Blank { conv_seq, .. } => *conv_seq,
        }
    }

    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Blank { .. } => None,
        }
    }

    /// Nothing where not even the place can be read.
    pub(super) fn read(json: &RawValue) -> Option<Self> {
        // Numbers count from 1, and are whole in every language: beyond, there is no place.
        let Place { conversation_id, conv_seq } = serde_json::from_str(json.get()).ok()?;
        if !(1..=MOST_ENTRIES).contains(&conv_seq) {
            return None;
        }
        Some(match serde_json::from_str(json.get()) {
            Ok(message) => Self::Message(Arc::new(message)),
            Err(_) => Self::Blank { conversation_id, conv_seq },
        })
    }

    pub(super) fn message_id(&self) -> Option<MessageId> {
        self.message().map(|message| message.message_id)
    }

    /// The number of the entry that this one takes back.
    pub(super) fn recalls(&self) -> Option<u64> {
        let message = self.message().filter(|message| message.kind == Kind::Known(MessageType::Recall))?;
        let body: Recalled = serde_json::from_str(message.message.as_ref()?.get()).ok()?;
        Some(body.conv_seq)
    }

    /// Notes when it was read. The earliest time stands, whenever it is heard of; true if that is news.
    pub(super) fn mark_read(&mut self, read_at: u64) -> bool {
        let is_news = |message: &Message| message.read_at.is_none_or(|known| read_at < known);
        self.change(is_news, |message| message.read_at = Some(read_at))
    }

    /// True if it was not recalled before.
    pub(super) fn mark_recalled(&mut self) -> bool {
        self.change(|message| !message.recalled, |message| (message.recalled, message.message) = (true, None))
    }

    /// True if it was not deleted before.
    pub(super) fn mark_deleted(&mut self) -> bool {
        let Self::Message(message) = self else { return false };
        *self = Self::Blank { conversation_id: message.conversation_id, conv_seq: message.conv_seq };
        true
    }

    /// Takes over what another copy of the same entry knows more: these things only ever add up, so that it does not
    /// matter which copy is the older one. True if that is news.
    pub(super) fn learn(&mut self, copy: &Self) -> bool {
        let Self::Message(copy) = copy else { return self.mark_deleted() };
        let mut news = copy.read_at.is_some_and(|read_at| self.mark_read(read_at));
        news |= copy.recalled && self.mark_recalled();
        news
    }

    fn change(&mut self, wanted: impl Fn(&Message) -> bool, apply: impl FnOnce(&mut Message)) -> bool {
        let Self::Message(message) = self else { return false };
        if !wanted(message) {
            return false;
        }
        apply(Arc::make_mut(message));
        true
    }
}

/// The forms of the contract: a message, or `{conversation_id, conv_seq, deleted: true}`.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Deleted {
            conversation_id: ConversationId,
            conv_seq: u64,
            deleted: bool,
        }
        match self {
            Self::Message(message) => message.serialize(serializer),
            Self::Blank { conversation_id, conv_seq } => {
                let (conversation_id, conv_seq) = (*conversation_id, *conv_seq);
                Deleted { conversation_id, conv_seq, deleted: true }.serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Option<Entry> {
        Entry::read(serde_json::from_str(json).unwrap())
    }

    const MESSAGE: &str = concat!(
        r#"{"message_id":"7","conversation_id":"9","conv_seq":3,"chat_type":"p2p","type":"hologram","#,
        r#""from_user_id":"8","to_user_id":"m7","message":"\ud83d","send_time":5}"#
    );

    #[test]
    fn what_cannot_be_read_keeps_its_place() {
        let unread = entry(r#"{"conversation_id":"9","conv_seq":3,"message_id":7}"#).unwrap();
        assert_eq!((unread.conv_seq(), unread.message().is_none()), (3, true));
        assert!(entry(r#"{"conversation_id":"9"}"#).is_none());
        // Before the first, and beyond what every language counts.
        assert!(entry(&MESSAGE.replace(r#""conv_seq":3"#, r#""conv_seq":0"#)).is_none());
        assert!(entry(&MESSAGE.replace(r#""conv_seq":3"#, r#""conv_seq":9007199254740992"#)).is_none());
    }

    #[test]
    fn a_kind_of_a_newer_server_and_half_a_character_are_handed_on() {
        let message = entry(MESSAGE).unwrap();
        assert_eq!(message.message().unwrap().kind, Kind::Other("hologram".into()));
        assert_eq!(serde_json::to_string(&message).unwrap(), MESSAGE);
    }

    #[test]
    fn marks_add_up_in_whatever_order_copies_come() {
        let mut known = entry(MESSAGE).unwrap();
        assert!(known.mark_read(12) && known.mark_read(11) && !known.mark_read(13));
        assert!(!known.learn(&entry(MESSAGE).unwrap()));
        let mut recalled = entry(MESSAGE).unwrap();
        recalled.mark_recalled();
        assert!(known.learn(&recalled) && !known.learn(&recalled));
        let message = known.message().unwrap();
        assert_eq!((message.read_at, message.message.is_none()), (Some(11), true));
        assert!(known.mark_deleted() && !known.learn(&recalled));
    }
}
