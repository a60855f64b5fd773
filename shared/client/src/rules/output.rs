//! What the rules want done, and what they tell the application. Written as JSON, these are the outputs of the scripted
//! cases.

use super::entry::{Entry, Kind};
use super::refusal::Refusal;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use types::{ConversationId, MessageId, UserKey};

/// One thing that came of an input. The order is that in which things happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// To be emitted with an acknowledgement; its answer is to be handed in with the id, or that there was none.
    Request(Request),
    /// What came of something that the application asked.
    Done(Done),
    #[serde(untagged)]
    Change(Change),
}

/// A request to the server. Ids count from 1 and are never used again.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub id: u64,
    pub event: Box<str>,
    pub payload: Box<RawValue>,
}

/// The end of what the application asked under a ticket of its own.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    pub ticket: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The acknowledgement.
    Ok(Box<RawValue>),
    Refused(Refusal),
    /// There is no connection, or it ended first, or no answer came in time: it may have been done or not.
    Lost(#[serde(serialize_with = "always_true")] ()),
}

/// Something is different now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An entry has come; it stands before the entry of this number, or at the end.
    Added {
        entry: Entry,
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
    },
    /// An entry that is here was read, recalled or deleted.
    Updated { entry: Entry },
    /// Entries below this number are not kept any more; loading older ones brings them back.
    Forgotten { conversation_id: ConversationId, below: u64 },
    /// What is true of a conversation.
    Conversation(Summary),
    /// How a message of this device fares. Those that are pending stand behind all entries, in the order in which they
    /// were made.
    Sending(Sending),
    /// Everything up to now is here: nothing was missed.
    Synced {
        /// The server could not say what was missed, and gave the newest of everything instead.
        reset: bool,
    },
    /// Whether pushes come late for now, because a part of the server is down.
    Degraded(bool),
    /// The user's contacts or blocked users are others now. Without a change, all are to be loaded again.
    Lists {
        lists_rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<Box<RawValue>>,
    },
    /// What the rules have no part in, as it came.
    Event { event: Box<str>, payload: Box<RawValue> },
}

/// What is true of a conversation for the user.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub conversation_id: ConversationId,
    /// The other side, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserKey>,
    pub unread: u64,
    pub pinned: bool,
    pub muted: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub draft: Box<str>,
}

/// A message of this device on its way.
#[derive(Debug, Clone)]
pub struct Sending {
    pub message: Arc<Outgoing>,
    pub state: SendState,
}

/// A message as the application wrote it.
#[derive(Debug)]
pub struct Outgoing {
    /// 1 to 64 printable ASCII characters, never used for another message of the user.
    pub temp_message_id: Box<str>,
    pub to_user_id: UserKey,
    pub kind: Kind,
    /// A string for text, an object for other kinds.
    pub message: Box<RawValue>,
    /// Milliseconds since 1970.
    pub made_at: u64,
}

/// How far it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SendState {
    /// It is sent as soon as it can be, and again until it is answered.
    Pending,
    /// The server has it for good: from now on it is the entry of this number.
    Sent { message_id: MessageId, conversation_id: ConversationId, conv_seq: u64 },
    /// It is not sent any more, unless the application says so.
    Failed { refusal: Refusal },
    /// The application gave it up.
    Discarded,
}

impl Serialize for Sending {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            temp_message_id: &'a str,
            #[serde(flatten)]
            state: &'a SendState,
        }
        Form { temp_message_id: &self.message.temp_message_id, state: &self.state }.serialize(serializer)
    }
}

fn always_true<S: serde::Serializer>((): &(), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(true)
}

impl From<Change> for Output {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}
