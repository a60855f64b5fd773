//! What a window is sent, in the shapes of the wire contract. A server adds the frame and nothing else.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use types::{
    Code, ListChange, MessageType, Online, Profile, RoomAction, RoomId, SocketId, State, Status, StoredMessage,
};
use types::{Unread, UserKey};

/// An event for a window; serialises as the event's one argument.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Push {
    /// `changeUserPush`: what the window sent, as it was.
    ChangeUser(Box<RawValue>),
    SyncChangeUser(SyncChangeUserPush),
    Exchange(ExchangePush),
    Online(OnlinePush),
    Deny(DenyPush),
    Typing(TypingPush),
    Presence(PresencePush),
    Kick(KickPush),
    Message(MessagePush),
    System(SystemPush),
    Posted(PostedPush),
    State(StatePush),
    Lists(ListsPush),
    Profile(ProfilePush),
    /// `versionPush`: the version of the user's channel with a change that was answered without it.
    Version {
        v: u64,
    },
    /// `syncPush`: the server may have missed something that it cannot find out by itself.
    Sync {},
}

/// `syncChangeUserPush`: another window of the user talks to `toid` now.
#[derive(Debug, Clone, Serialize)]
pub struct SyncChangeUserPush {
    /// As the other window wrote it.
    pub toid: Box<RawValue>,
    /// The window that receives this.
    pub socketid: SocketId,
}

/// `exchange`.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangePush {
    pub meta: ExchangeMeta,
    pub data: ExchangeData,
    /// What the payload's placeholders stand for; sent as binary, not in the JSON.
    #[serde(skip)]
    pub attachments: Vec<Bytes>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ExchangeMeta {
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// The socket that sent it.
    pub client: SocketId,
    /// Whom the sender named.
    pub target: Box<str>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ExchangeData {
    /// Always `exchange`.
    pub action: &'static str,
    pub payload: Box<RawValue>,
}

/// `online`: a socket came into the room or left it.
#[derive(Debug, Clone, Serialize)]
pub struct OnlinePush {
    pub clients: Vec<SocketId>,
    pub action: RoomAction,
    pub target: RoomId,
    pub message: Box<str>,
    pub client: SocketId,
    pub user: UserKey,
    /// Of two, the one with the higher number has the list that holds.
    pub revision: u64,
}

impl From<Online> for OnlinePush {
    fn from(news: Online) -> Self {
        let Online { clients, action, target, message, client, user, revision } = news;
        Self { clients, action, target, message, client, user, revision }
    }
}

/// `deny`, before a disconnect.
#[derive(Debug, Clone, Serialize)]
pub struct DenyPush {
    /// Always `deny`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub message: Cow<'static, str>,
    pub code: Code,
}

/// `typingPush`.
#[derive(Debug, Clone, Serialize)]
pub struct TypingPush {
    pub from_user_id: UserKey,
    pub on: bool,
}

/// `presencePush`.
#[derive(Debug, Clone, Serialize)]
pub struct PresencePush {
    pub user_id: UserKey,
    pub status: Status,
    pub online: bool,
}

/// `kickPush`, before a disconnect.
#[derive(Debug, Clone, Serialize)]
pub struct KickPush {
    pub reason: Box<str>,
    /// Always true: do not come back by yourself.
    #[serde(rename = "final")]
    pub last: bool,
}

/// `messagePush`: a message or a card.
#[derive(Debug, Clone, Serialize)]
pub struct MessagePush {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    /// `p2p` or `group`.
    pub chat_type: &'static str,
    #[serde(rename = "type")]
    pub kind: Box<str>,
    pub from_user_id: UserKey,
    pub to_user_id: UserKey,
    pub message: Box<RawValue>,
    /// Milliseconds since 1970.
    pub send_time: u64,
}

/// `systemPush`.
#[derive(Debug, Clone, Serialize)]
pub struct SystemPush {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    pub message: Box<RawValue>,
    /// Milliseconds since 1970.
    pub send_time: u64,
}

/// `messagePush` of what is kept, and `recallPush`.
#[derive(Debug, Clone, Serialize)]
pub struct PostedPush {
    #[serde(flatten)]
    pub entry: StoredMessage,
    /// The version of the user's channel; nothing if the server repaired a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
    /// For who receives it.
    #[serde(flatten)]
    pub unread: Option<Unread>,
}

/// `statePush`: absolute values, as of a revision.
#[derive(Debug, Clone, Serialize)]
pub struct StatePush {
    #[serde(flatten)]
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
}

/// `listsPush`: contacts or blocked users are others now.
#[derive(Debug, Clone, Serialize)]
pub struct ListsPush {
    pub lists_rev: u64,
    /// Without it both lists are to be read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ListChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
}

/// `profilePush`.
#[derive(Debug, Clone, Serialize)]
pub struct ProfilePush {
    #[serde(flatten)]
    pub profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
}

impl Push {
    /// The event's name, the same on every wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ChangeUser(_) => "changeUserPush",
            Self::SyncChangeUser(_) => "syncChangeUserPush",
            Self::Exchange(_) => "exchange",
            Self::Online(_) => "online",
            Self::Deny(_) => "deny",
            Self::Typing(_) => "typingPush",
            Self::Presence(_) => "presencePush",
            Self::Kick(_) => "kickPush",
            Self::Message(_) => "messagePush",
            Self::System(_) => "systemPush",
            Self::Posted(push) if push.entry.kind == MessageType::Recall => "recallPush",
            Self::Posted(_) => "messagePush",
            Self::State(_) => "statePush",
            Self::Lists(_) => "listsPush",
            Self::Profile(_) => "profilePush",
            Self::Version { .. } => "versionPush",
            Self::Sync {} => "syncPush",
        }
    }

    /// The binary parts that placeholders in the JSON stand for.
    pub fn attachments(&self) -> &[Bytes] {
        match self {
            Self::Exchange(push) => &push.attachments,
            _ => &[],
        }
    }
}
