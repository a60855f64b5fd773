//! Stored messages: their ids, their kinds, and the form in which clients get them.

use crate::{GroupId, UserKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;

/// Why a text is no number of 64 bits, as an id of a message or a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a decimal number, written as a string")]
pub struct NumberError;

macro_rules! number_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                // One spelling for each: no sign, no zeros in front.
                let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
                let number = text.parse().ok().filter(|number| plain && *number <= i64::MAX as u64);
                number.map(Self).ok_or(NumberError)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NumberError;

            fn try_from(text: String) -> Result<Self, NumberError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl $name {
            /// As the store keeps it: never negative.
            pub fn from_i64(number: i64) -> Self {
                Self(number.max(0) as u64)
            }

            pub fn as_i64(self) -> i64 {
                self.0 as i64
            }
        }
    };
}

/// A message: 63 bits, unique everywhere, rising within a conversation. In JSON a string, because JavaScript keeps 53.
///
/// ```text
/// 42 bits: milliseconds since 1970 │ 10 bits: the worker that gave it out │ 11 bits: a count within the millisecond
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(pub u64);
number_id!(MessageId);

/// A conversation of two people or of a group. In JSON a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationId(pub u64);
number_id!(ConversationId);

impl MessageId {
    /// Workers that give out ids at the same time.
    pub const WORKERS: u16 = 1 << 10;
    /// Ids of one worker in a millisecond.
    pub const PER_MS: u64 = 1 << 11;
    const TIME_SHIFT: u32 = 21;

    /// The first id of a worker in a millisecond.
    pub fn first(time_ms: u64, worker: u16) -> Self {
        Self(time_ms << Self::TIME_SHIFT | u64::from(worker) << 11)
    }

    /// When it was given out, in milliseconds since 1970.
    pub fn time_ms(self) -> u64 {
        self.0 >> Self::TIME_SHIFT
    }

    /// Which of the ids of its millisecond and worker it is.
    pub fn count(self) -> u64 {
        self.0 % Self::PER_MS
    }
}

/// Who talks in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatType {
    /// Two people.
    P2p,
    Group,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    Text,
    Emoji,
    Image,
    Voice,
    File,
    Card,
    Product,
    Order,
    System,
    /// Takes back an earlier message: its body names which.
    Recall,
}

impl MessageType {
    /// With the number by which the store keeps each: never reuse one.
    const TABLE: [(Self, u8, &'static str); 10] = [
        (Self::Text, 1, "text"),
        (Self::Emoji, 2, "emoji"),
        (Self::Image, 3, "image"),
        (Self::Voice, 4, "voice"),
        (Self::File, 5, "file"),
        (Self::Card, 6, "card"),
        (Self::Product, 7, "product"),
        (Self::Order, 8, "order"),
        (Self::System, 9, "system"),
        (Self::Recall, 10, "recall"),
    ];

    pub fn number(self) -> u8 {
        Self::TABLE[self as usize].1
    }

    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].2
    }

    pub fn from_number(number: u8) -> Option<Self> {
        Self::TABLE.into_iter().find(|(_, known, _)| *known == number).map(|(kind, ..)| kind)
    }

    /// Whether it counts as unread for who receives it.
    pub fn is_countable(self) -> bool {
        !matches!(self, Self::Recall | Self::System)
    }

    /// Whether its body is a text; of the others it is an object.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Emoji)
    }
}

/// A stored message as clients get it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    pub message_id: MessageId,
    /// What the sender's device called it; for the sender's devices only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_message_id: Option<Box<str>>,
    pub conversation_id: ConversationId,
    /// Counts the entries of the conversation from 1, without a gap.
    pub conv_seq: u64,
    pub chat_type: ChatType,
    #[serde(rename = "type")]
    pub kind: MessageType,
    pub from_user_id: UserKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_user_id: Option<UserKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_id: Option<GroupId>,
    /// A string for text, an object for other types; nothing of one that was recalled.
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

/// What stands at one number of a conversation, as one user sees it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Entry {
    Message(Message),
    /// The user deleted it for himself.
    Deleted {
        conversation_id: ConversationId,
        conv_seq: u64,
        /// Always true.
        deleted: bool,
    },
}

impl Entry {
    pub fn deleted(conversation_id: ConversationId, conv_seq: u64) -> Self {
        Self::Deleted { conversation_id, conv_seq, deleted: true }
    }

    pub fn conv_seq(&self) -> u64 {
        match self {
            Self::Message(message) => message.conv_seq,
            Self::Deleted { conv_seq, .. } => *conv_seq,
        }
    }

    pub fn conversation_id(&self) -> ConversationId {
        match self {
            Self::Message(message) => message.conversation_id,
            Self::Deleted { conversation_id, .. } => *conversation_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time_and_is_above_all_of_earlier_milliseconds() {
        let id = MessageId::first(1_790_000_000_123, 1023);
        assert_eq!((id.time_ms(), id.count()), (1_790_000_000_123, 0));
        assert!(MessageId::first(1_790_000_000_124, 0) > MessageId(id.0 + MessageId::PER_MS - 1));
        // The last millisecond that there is an id for is in the year 2109.
        assert!(MessageId::first((1 << 42) - 1, 1023).0 + MessageId::PER_MS <= 1 << 63);
    }

    #[test]
    fn an_id_is_a_string_with_one_spelling() {
        let id = MessageId(u64::MAX >> 1);
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"9223372036854775807\"");
        assert_eq!(serde_json::from_str::<MessageId>("\"9223372036854775807\"").unwrap(), id);
        for wrong in ["\"\"", "\"-1\"", "\"+1\"", "\"01\"", "\"0\"", "\"9223372036854775808\"", "\"1e3\"", "7", "null"]
        {
            assert!(serde_json::from_str::<MessageId>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_type_has_a_number_and_a_name_of_its_own() {
        for (row, (kind, number, name)) in MessageType::TABLE.into_iter().enumerate() {
            assert_eq!((kind as usize, kind.number(), kind.name()), (row, number, name));
            assert_eq!(MessageType::from_number(number), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
        }
        assert_eq!(MessageType::from_number(0), None);
    }

    #[test]
    fn a_message_reads_back_as_it_was_written() {
        let json = concat!(
            r#"{"message_id":"7","temp_message_id":"t1","conversation_id":"9","conv_seq":3,"chat_type":"p2p","#,
            r#""type":"text","from_user_id":"8","to_user_id":"m7","message":"\u4f60","send_time":5,"read_at":6}"#
        );
        let message: Message = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&Entry::Message(message)).unwrap(), json);
        let gone = Entry::deleted(ConversationId(9), 4);
        assert_eq!(serde_json::to_string(&gone).unwrap(), r#"{"conversation_id":"9","conv_seq":4,"deleted":true}"#);
    }
}
