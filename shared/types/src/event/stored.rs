//! Events about what the store keeps: entries of conversations, and what is true of a user's lists.

use crate::{ChatType, ConversationId, GroupId, MessageId, MessageType, SocketId, StoredMessage, UserKey};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// A new entry of a conversation, for one of those in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Form")]
pub struct Posted {
    pub entry: StoredMessage,
    /// On the sender's own channel: the window that sent it and is answered instead.
    pub socketid: Option<SocketId>,
    /// For who receives it: how many are unread now, and the revision of that.
    pub unread: Option<Unread>,
}

/// A count of unread entries, as of a revision of the member's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    pub unread: u64,
    pub rev: u64,
}

/// What changed of a conversation for one of those in it: absolute values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub conversation_id: ConversationId,
    /// Of two, the one with the higher revision holds.
    pub rev: u64,
    /// The window that caused it and is answered instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socketid: Option<SocketId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Box<str>>,
    /// Numbers of entries that the user deleted for himself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<u64>,
}

/// Messages that turned read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    pub message_ids: Vec<MessageId>,
    /// Milliseconds since 1970.
    pub read_at: u64,
    pub by: UserKey,
}

/// The user's contacts or blocked users are others now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Rises with every change.
    pub lists_rev: u64,
    /// What changed; without it all of it must be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ListChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socketid: Option<SocketId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChange {
    pub list: List,
    pub op: ListOp,
    pub user_id: UserKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    Contacts,
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListOp {
    Add,
    Remove,
}

/// Somebody's name and picture, changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub user_id: UserKey,
    pub nickname: Box<str>,
    pub avatar: Box<str>,
}

impl State {
    /// Nothing changed yet.
    pub fn new(conversation_id: ConversationId, rev: u64) -> Self {
        Self {
            conversation_id,
            rev,
            socketid: None,
            read: None,
            unread: None,
            pinned: None,
            muted: None,
            draft: None,
            deleted: Vec::new(),
        }
    }
}

/// [`Posted`] as it comes from a channel, where `type` says what kind of event it is.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    socketid: Option<SocketId>,
    message_id: MessageId,
    #[serde(default)]
    temp_message_id: Option<Box<str>>,
    conversation_id: ConversationId,
    conv_seq: u64,
    chat_type: ChatType,
    message_type: MessageType,
    from_user_id: UserKey,
    #[serde(default)]
    to_user_id: Option<UserKey>,
    #[serde(default)]
    block_id: Option<GroupId>,
    #[serde(default)]
    message: Option<Box<RawValue>>,
    send_time: u64,
    #[serde(default)]
    recalled: bool,
    #[serde(default)]
    unread: Option<u64>,
    #[serde(default)]
    rev: Option<u64>,
}

impl From<Form> for Posted {
    fn from(form: Form) -> Self {
        let unread = form.unread.zip(form.rev).map(|(unread, rev)| Unread { unread, rev });
        let entry = StoredMessage {
            message_id: form.message_id,
            temp_message_id: form.temp_message_id,
            conversation_id: form.conversation_id,
            conv_seq: form.conv_seq,
            chat_type: form.chat_type,
            kind: form.message_type,
            from_user_id: form.from_user_id,
            to_user_id: form.to_user_id,
            block_id: form.block_id,
            message: form.message,
            send_time: form.send_time,
            read_at: None,
            recalled: form.recalled,
        };
        Self { entry, socketid: form.socketid, unread }
    }
}

impl Serialize for Posted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            socketid: &'a Option<SocketId>,
            message_id: MessageId,
            #[serde(skip_serializing_if = "Option::is_none")]
            temp_message_id: &'a Option<Box<str>>,
            conversation_id: ConversationId,
            conv_seq: u64,
            chat_type: ChatType,
            message_type: MessageType,
            from_user_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            to_user_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            block_id: &'a Option<GroupId>,
            #[serde(skip_serializing_if = "Option::is_none")]
            message: &'a Option<Box<RawValue>>,
            send_time: u64,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            recalled: bool,
            #[serde(flatten)]
            unread: &'a Option<Unread>,
        }
        let entry = &self.entry;
        let form = Borrowed {
            socketid: &self.socketid,
            message_id: entry.message_id,
            temp_message_id: &entry.temp_message_id,
            conversation_id: entry.conversation_id,
            conv_seq: entry.conv_seq,
            chat_type: entry.chat_type,
            message_type: entry.kind,
            from_user_id: entry.from_user_id.as_str(),
            to_user_id: entry.to_user_id.as_ref().map(UserKey::as_str),
            block_id: &entry.block_id,
            message: &entry.message,
            send_time: entry.send_time,
            recalled: entry.recalled,
            unread: &self.unread,
        };
        form.serialize(serializer)
    }
}
