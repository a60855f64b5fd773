//! What operations answer. `ok` is always true; `v` is the version of the caller's channel with the change.

use super::{BlockedUser, Contact, Conversation, Entry, Id, Person, QuickReply, ReadMark, UserKey};
use utoipa::ToSchema;

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Sent {
    ok: bool,
    temp_message_id: String,
    message_id: Id,
    conversation_id: Id,
    conv_seq: u64,
    /// Milliseconds since 1970.
    send_time: u64,
    /// What is kept, if the site made something else of the text.
    message: Option<String>,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Synced {
    ok: bool,
    conversations: Vec<Conversation>,
    /// In the order of their conversations and numbers.
    messages: Vec<Entry>,
    more: bool,
    cursor: Option<String>,
    /// The token was of no use: this is the answer without one.
    reset: Option<bool>,
    /// On the last page.
    token: Option<String>,
    v: Option<u64>,
    lists_rev: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Entries {
    ok: bool,
    /// In the order of their numbers.
    messages: Vec<Entry>,
    /// Whether there are more in that direction.
    more: bool,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct MarkedRead {
    ok: bool,
    /// Those that are read now.
    saved: Vec<Id>,
    read_at: u64,
    /// Those of `saved` that were read at other times.
    read: Option<Vec<ReadMark>>,
    unread: u64,
    rev: u64,
    v: Option<u64>,
}

/// The entry that takes the message back.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Recalled {
    ok: bool,
    conversation_id: Id,
    conv_seq: u64,
    /// With `send_time`, unless it was taken back before.
    message_id: Option<Id>,
    send_time: Option<u64>,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Deleted {
    ok: bool,
    conversation_id: Id,
    conv_seq: u64,
    rev: u64,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Conversations {
    ok: bool,
    conversations: Vec<Conversation>,
    /// For the next page, if there is one.
    cursor: Option<String>,
}

/// The state of the conversation for the caller has this revision now.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Set {
    ok: bool,
    rev: u64,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Cleared {
    ok: bool,
    unread: u64,
    rev: u64,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct People {
    ok: bool,
    users: Vec<Person>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Found {
    ok: bool,
    messages: Vec<Entry>,
    /// For the next page, if there is one.
    cursor: Option<String>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Contacts {
    ok: bool,
    contacts: Vec<Contact>,
}

/// The caller's lists have this revision now.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Listed {
    ok: bool,
    lists_rev: u64,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ProfileSet {
    ok: bool,
    v: Option<u64>,
}

/// The newest first.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Blocked {
    ok: bool,
    users: Vec<BlockedUser>,
}

/// All of them; revision and version if that changed them.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Items {
    ok: bool,
    items: Vec<QuickReply>,
    lists_rev: Option<u64>,
    v: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Yes {
    ok: bool,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LoggedIn {
    ok: bool,
    me: Me,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Me {
    user: UserKey,
    role: String,
    shop: Option<String>,
    device: Option<String>,
    platform: String,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PictureKept {
    ok: bool,
    message: PictureMessage,
}

/// Both addresses are for the two members of the conversation alone.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PictureMessage {
    url: String,
    /// At most 480 pixels on a side, JPEG.
    small_url: String,
    width: u32,
    height: u32,
    bytes: u64,
}
