//! What travels on channels: one JSON object with a `type`, published by our processes and by back ends alike.
//!
//! This is the one table of events:
//!
//! | `type` | channels | kind | says |
//! | --- | --- | --- | --- |
//! | `syncChangeUser` | user | live only | one window of the user talks to somebody else now |
//! | `exchange` | user, room, process | live only | something relayed as it came |
//! | `typing` | user | live only | somebody types to the user, or stopped |
//! | `presence` | presence | live only | what others see of the user's status |
//! | `online` | room | live only | a socket came into the room or left it |
//! | `kick` | user | live only | the user's connections end, or one of them |
//! | `card` | user | live only | a back end shows the user a card, such as an order |
//! | `system` | user | live only | a back end tells the user something |
//! | `message` | user | live only | a back end speaks to the user in somebody's name |
//! | `message` with a `message_id` | user | sequenced | a new entry of a conversation: a message, or a recall |
//! | `state` | user | state | what changed of a conversation for the user |
//! | `listed` | user | state | a contact or a blocked user, added or removed |
//! | `profile` | user, presence | state | somebody's name and picture |
//!
//! Unknown fields are ignored and unknown types are told apart from malformed objects, because processes of
//! neighbouring releases share the channels. Payloads stay raw JSON: what a client wrote arrives letter by letter,
//! halves of surrogate pairs included.

mod stored;

pub use stored::{List, ListChange, ListOp, Listed, Posted, Profile, Read, State, Unread};

use crate::{RoomId, SocketId, Status, UserKey};
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How surely an event arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A row of a conversation with its own number: stored, and delivered until acknowledged.
    Sequenced,
    /// An absolute value with a revision: stored, and the newest one wins.
    State,
    /// Reaches who is there now; nothing stores it and nothing repeats it.
    LiveOnly,
}

/// An event on a channel.
#[derive(Debug, Clone)]
pub enum Event {
    SyncChangeUser(SyncChangeUser),
    Exchange(Exchange),
    Typing(Typing),
    Presence(Presence),
    Online(Online),
    Kick(Kick),
    Card(Card),
    System(System),
    Message(Message),
    Posted(Posted),
    State(State),
    Listed(Listed),
    Profile(Profile),
}

/// Why bytes of a channel are no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Another release's event: not for this process, and no reason to worry.
    #[error("unknown event type `{0}`")]
    UnknownType(Box<str>),
    #[error("not an event: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("not an event: not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
}

/// A window of `uid` turned to another user; the user's other windows follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncChangeUser {
    pub uid: UserKey,
    /// The window that caused it and needs no telling; a back end that speaks for no window leaves it empty.
    #[serde(default)]
    pub socketid: Box<str>,
    /// What the window sent: an object with `toid` and whatever else the page put there.
    #[serde(rename = "changeUserData")]
    pub change_user_data: Box<RawValue>,
}

/// A relayed payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exchange {
    /// The socket that sent it.
    pub client: SocketId,
    /// Whom the sender named: a socket, a room, or `user:<user key>`.
    pub target: Box<str>,
    /// When the sender's process took it, in milliseconds since 1970.
    pub timestamp: u64,
    /// What was sent. Binary parts are placeholders `{"_placeholder": true, "num": n}` for `attachments[n]`.
    pub payload: Box<RawValue>,
    /// Base64 on the channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_list")]
    pub attachments: Vec<Bytes>,
}

/// Somebody types, or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    pub from_user_id: UserKey,
    pub to_user_id: UserKey,
    pub on: bool,
}

/// What others see of a user: never [`Status::Invisible`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub user_id: UserKey,
    pub status: Status,
}

/// Who is in a room after a socket came or left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online {
    /// All sockets in the room, in the order they came.
    pub clients: Vec<SocketId>,
    pub action: RoomAction,
    /// The room.
    pub target: RoomId,
    /// A sentence to show.
    pub message: Box<str>,
    /// The socket that came or left.
    pub client: SocketId,
    /// Its user.
    pub user: UserKey,
    /// Rises with every coming and leaving. Two that happen at once may arrive in either order; the higher one has
    /// the list that holds.
    pub revision: u64,
}

/// What a socket did to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomAction {
    Join,
    Leave,
}

/// The end of a user's connections, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kick {
    /// A sentence to show; may be empty.
    #[serde(default)]
    pub reason: Box<str>,
    /// Only this socket; all of the user's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socketid: Option<SocketId>,
}

/// A card from a back end. Nothing stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Card {
    /// The back end's own name for it: the same again is shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    /// In whose conversation it stands.
    pub from_user_id: UserKey,
    /// An object with `title`, `url` and whatever else the page shows.
    pub message: Box<RawValue>,
}

/// A notice from a back end. Nothing stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct System {
    /// As of a [`Card`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    /// An object with `text`.
    pub message: Box<RawValue>,
}

/// What a back end says in somebody's name. Nothing stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// As of a [`Card`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    pub from_user_id: UserKey,
    /// `text`, `image`, … ; `type` itself says that it is a message.
    #[serde(default = "text")]
    pub message_type: Box<str>,
    /// A string for text, an object for other types.
    pub message: Box<RawValue>,
}

fn text() -> Box<str> {
    "text".into()
}

impl Event {
    /// Every `type`, with its kind.
    pub const TABLE: [(&'static str, Kind); 13] = [
        ("syncChangeUser", Kind::LiveOnly),
        ("exchange", Kind::LiveOnly),
        ("typing", Kind::LiveOnly),
        ("presence", Kind::LiveOnly),
        ("online", Kind::LiveOnly),
        ("kick", Kind::LiveOnly),
        ("card", Kind::LiveOnly),
        ("system", Kind::LiveOnly),
        ("message", Kind::LiveOnly),
        ("message", Kind::Sequenced),
        ("state", Kind::State),
        ("listed", Kind::State),
        ("profile", Kind::State),
    ];

    /// The `type` on the channel.
    pub fn name(&self) -> &'static str {
        Self::TABLE[self.row()].0
    }

    pub fn kind(&self) -> Kind {
        Self::TABLE[self.row()].1
    }

    /// What a back end calls it, so that the same is shown once.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Card(event) => event.id.as_deref(),
            Self::System(event) => event.id.as_deref(),
            Self::Message(event) => event.id.as_deref(),
            _ => None,
        }
    }

    /// Reads what came from a channel.
    ///
    /// # Errors
    /// [`EventError::UnknownType`] for an object of a type that is not in the table; the others for what is no event.
    pub fn decode(json: &[u8]) -> Result<Self, EventError> {
        // Twice over the text, because a tagged enum would buffer the fields, and raw JSON cannot come from a buffer.
        let json = std::str::from_utf8(json)?;
        let Tag { name, message_id } = serde_json::from_str(json)?;
        Ok(match name.as_ref() {
            "syncChangeUser" => Self::SyncChangeUser(serde_json::from_str(json)?),
            "exchange" => Self::Exchange(serde_json::from_str(json)?),
            "typing" => Self::Typing(serde_json::from_str(json)?),
            "presence" => Self::Presence(serde_json::from_str(json)?),
            "online" => Self::Online(serde_json::from_str(json)?),
            "kick" => Self::Kick(serde_json::from_str(json)?),
            "card" => Self::Card(serde_json::from_str(json)?),
            "system" => Self::System(serde_json::from_str(json)?),
            "message" if message_id.is_some() => Self::Posted(serde_json::from_str(json)?),
            "message" => Self::Message(serde_json::from_str(json)?),
            "state" => Self::State(serde_json::from_str(json)?),
            "listed" => Self::Listed(serde_json::from_str(json)?),
            "profile" => Self::Profile(serde_json::from_str(json)?),
            unknown => return Err(EventError::UnknownType(unknown.into())),
        })
    }

    /// The event as it is published.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::SyncChangeUser(event) => self.tagged(event),
            Self::Exchange(event) => self.tagged(event),
            Self::Typing(event) => self.tagged(event),
            Self::Presence(event) => self.tagged(event),
            Self::Online(event) => self.tagged(event),
            Self::Kick(event) => self.tagged(event),
            Self::Card(event) => self.tagged(event),
            Self::System(event) => self.tagged(event),
            Self::Message(event) => self.tagged(event),
            Self::Posted(event) => self.tagged(event),
            Self::State(event) => self.tagged(event),
            Self::Listed(event) => self.tagged(event),
            Self::Profile(event) => self.tagged(event),
        }
    }

    fn row(&self) -> usize {
        match self {
            Self::SyncChangeUser(_) => 0,
            Self::Exchange(_) => 1,
            Self::Typing(_) => 2,
            Self::Presence(_) => 3,
            Self::Online(_) => 4,
            Self::Kick(_) => 5,
            Self::Card(_) => 6,
            Self::System(_) => 7,
            Self::Message(_) => 8,
            Self::Posted(_) => 9,
            Self::State(_) => 10,
            Self::Listed(_) => 11,
            Self::Profile(_) => 12,
        }
    }

    fn tagged<T: Serialize>(&self, event: &T) -> Vec<u8> {
        let tagged = Tagged { name: self.name(), event };
        serde_json::to_vec(&tagged).expect("strings, numbers and raw JSON have no way to fail")
    }
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    message_id: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct Tagged<'a, T> {
    #[serde(rename = "type")]
    name: &'static str,
    #[serde(flatten)]
    event: &'a T,
}

mod base64_list {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(list: &[Bytes], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| STANDARD.encode(bytes)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Bytes>, D::Error> {
        let list = Vec::<Cow<'de, str>>::deserialize(deserializer)?;
        let decode = |text: Cow<'_, str>| STANDARD.decode(text.as_bytes()).map(Bytes::from).map_err(D::Error::custom);
        list.into_iter().map(decode).collect()
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
