//! What a command is answered.

use crate::Error;
use crate::stored::Item;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use store::{Profile, ReadMark, Summary};
use types::{ChatType, ConversationId, Entry, Failure, MessageId, Read, SocketId, Status, UserKey};

/// What success adds to `"ok": true`. `v` is the version of the user's channel with the change.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Done {},
    /// `join`, `leave`: who is in the room, in the order they came.
    Clients {
        clients: Vec<SocketId>,
    },
    /// `getPresence`: in the order asked.
    Users {
        users: Vec<Seen>,
    },
    /// `changeStatus`: as set.
    Status {
        status: Status,
    },
    /// `sendMessage`.
    Sent {
        temp_message_id: Box<str>,
        message_id: MessageId,
        conversation_id: ConversationId,
        conv_seq: u64,
        send_time: u64,
        /// What is kept, if the hook made something else of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `recallMessage`: the entry that takes the message back; its id and time unless that was done before.
    Recalled {
        conversation_id: ConversationId,
        conv_seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<MessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        send_time: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `deleteMessage`.
    Deleted {
        conversation_id: ConversationId,
        conv_seq: u64,
        rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `readMessage`.
    Read {
        saved: Vec<MessageId>,
        read_at: u64,
        /// Those of `saved` that were read at other times.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        read: Vec<Read>,
        unread: u64,
        rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `clearUnread`.
    Cleared {
        unread: u64,
        rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `pinConversation`, `muteConversation`, `saveDraft`.
    Set {
        rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `block`, `unblock`, `addContact`, `removeContact`.
    Listed {
        lists_rev: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `setProfile`.
    Profiled {
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `history`: in the order of their numbers.
    Entries {
        messages: Vec<Entry>,
        more: bool,
    },
    /// `searchMessages`: the newest first.
    Found {
        messages: Vec<Entry>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
    /// `listConversations`.
    Conversations {
        conversations: Vec<Conversation>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
    /// `sync`.
    Synced(Synced),
    /// `listContacts`.
    Contacts {
        contacts: Vec<Known>,
    },
    /// `getProfiles`, `searchUsers`.
    Profiles {
        users: Vec<Known>,
    },
    /// `quickReplies`: all of them; the revision and the version if that changed them.
    Items {
        items: Vec<Item>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lists_rev: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u64>,
    },
    /// `listBlocked`: the newest first.
    Blocked {
        users: Vec<Blocked>,
    },
}

/// A page of `sync`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Synced {
    pub conversations: Vec<Conversation>,
    /// In the order of their conversations and numbers.
    pub messages: Vec<Entry>,
    pub more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The client's token was of no use: it begins anew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// On the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists_rev: Option<u64>,
}

/// A conversation in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Conversation {
    pub conversation_id: ConversationId,
    pub chat_type: ChatType,
    /// The other side.
    pub user_id: UserKey,
    /// The number of its newest entry; 0 without any.
    pub head: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Entry>,
    pub unread: u64,
    pub pinned: bool,
    pub muted: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub draft: Box<str>,
    pub rev: u64,
    /// Marks that were set since the client's token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Read>,
    /// Numbers of entries that the user deleted since the client's token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<u64>,
}

impl From<Summary> for Conversation {
    fn from(row: Summary) -> Self {
        Self {
            conversation_id: row.conversation_id,
            chat_type: ChatType::P2p,
            user_id: row.peer,
            head: row.head,
            last_message: row.last,
            unread: row.unread,
            pinned: row.pinned,
            muted: row.muted,
            draft: row.draft,
            rev: row.rev,
            read: Vec::new(),
            deleted: Vec::new(),
        }
    }
}

/// Marks as clients get them: those of one moment and reader together.
pub(crate) fn marks<'a>(marks: impl Iterator<Item = &'a ReadMark>, user: &UserKey, peer: &UserKey) -> Vec<Read> {
    let mut read: Vec<Read> = Vec::new();
    for mark in marks {
        let by = if mark.from == *user { peer } else { user };
        match read.iter_mut().find(|known| known.read_at == mark.read_ms && known.by == *by) {
            Some(known) => known.message_ids.push(mark.message_id),
            None => read.push(Read { message_ids: vec![mark.message_id], read_at: mark.read_ms, by: by.clone() }),
        }
    }
    read
}

/// Who somebody is.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    pub user_id: UserKey,
    pub nickname: Box<str>,
    pub avatar: Box<str>,
    /// What the user calls a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<Box<str>>,
}

impl Known {
    pub(crate) fn new(profile: Profile, remark: Option<Box<str>>) -> Self {
        let Profile { user, nickname, avatar } = profile;
        Self { user_id: user, nickname, avatar, remark: remark.filter(|remark| !remark.is_empty()) }
    }
}

/// Whose messages are refused, and since when, in milliseconds since 1970.
#[derive(Debug, Clone, Serialize)]
pub struct Blocked {
    pub user_id: UserKey,
    pub since: u64,
}

/// What others see of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    pub user_id: UserKey,
    pub status: Status,
    /// Whether `status` is anything but offline.
    pub online: bool,
}

/// A command's outcome as the client reads it: `{"ok": true, …}` or `{"ok": false, "error": {…}}`.
pub struct Answer<'a>(pub &'a Result<Reply, Error>);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Ok(reply) => Succeeded { ok: true, reply }.serialize(serializer),
            Err(error) => Failed { ok: false, error: error.failure() }.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Succeeded<'a> {
    ok: bool,
    #[serde(flatten)]
    reply: &'a Reply,
}

#[derive(Serialize)]
struct Failed {
    ok: bool,
    error: Failure,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(outcome: &Result<Reply, Error>) -> String {
        serde_json::to_string(&Answer(outcome)).unwrap()
    }

    #[test]
    fn an_answer_says_ok_and_what_the_command_adds() {
        assert_eq!(json(&Ok(Reply::Done {})), r#"{"ok":true}"#);
        let clients = vec!["im1.a".parse().unwrap()];
        assert_eq!(json(&Ok(Reply::Clients { clients })), r#"{"ok":true,"clients":["im1.a"]}"#);
        assert_eq!(json(&Ok(Reply::Status { status: Status::Busy })), r#"{"ok":true,"status":"busy"}"#);
        let users = vec![Seen { user_id: "8".parse().unwrap(), status: Status::Offline, online: false }];
        let expected = r#"{"ok":true,"users":[{"user_id":"8","status":"offline","online":false}]}"#;
        assert_eq!(json(&Ok(Reply::Users { users })), expected);
    }

    #[test]
    fn a_refusal_carries_its_code_and_sentence() {
        let refused = Error::Refused(Failure::forbidden("no"));
        assert_eq!(json(&Err(refused)), r#"{"ok":false,"error":{"code":"forbidden","message":"no"}}"#);
        let failed = json(&Err(Error::Bus(bus::Error::Detached)));
        assert!(failed.contains(r#""code":"unavailable""#) && failed.contains(r#""retry_after_ms":1000"#), "{failed}");
        assert!(!failed.contains("bus"), "what runs inside is nobody's business: {failed}");
    }
}
