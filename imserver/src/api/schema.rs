//! The shapes of requests and answers, for the document alone: what is read and written is the rules'. A test runs every
//! operation and holds its answers to these, with nothing left over.

#![allow(dead_code, reason = "nobody makes one: they are only described")]

mod answers;
mod requests;

pub(in crate::api) use answers::*;
pub(in crate::api) use requests::*;

use utoipa::ToSchema;

/// The answer when something is refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Failed {
    /// Always false.
    ok: bool,
    error: Refusal,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Refusal {
    code: Code,
    /// A sentence for whoever writes the client; the reason itself where a person should read it (`refused`).
    message: String,
    /// When to try again, in milliseconds.
    retry_after_ms: Option<u64>,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    Blocked,
    Refused,
    TooLarge,
    RateLimited,
    Conflict,
    Unavailable,
    Internal,
}

/// A user key, such as `8`, `m7` or `hua1024`.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z]*[0-9][A-Za-z0-9_-]*$")]
pub(in crate::api) struct UserKey(String);

/// In decimal, up to 2^63 - 1.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[1-9][0-9]{0,18}$")]
pub(in crate::api) struct Id(String);

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum ChatType {
    P2p,
}

/// A text for `text` and `emoji`, an object for the others.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum Body {
    Text(String),
    #[schema(value_type = Object)]
    Object(()),
}

/// What a user may send.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum Sendable {
    Text,
    Emoji,
    Image,
    Voice,
    File,
    Product,
    Order,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum Kind {
    Text,
    Emoji,
    Image,
    Voice,
    File,
    Card,
    Product,
    Order,
    System,
}

/// What stands in a conversation under one number.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum Entry {
    Message(Message),
    Recalled(RecalledMessage),
    Recall(Recall),
    Deleted(DeletedEntry),
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Message {
    message_id: Id,
    /// For its sender: what the sender's client called it.
    temp_message_id: Option<String>,
    conversation_id: Id,
    /// From 1 on, without a hole.
    #[schema(minimum = 1)]
    conv_seq: u64,
    chat_type: ChatType,
    r#type: Kind,
    from_user_id: UserKey,
    to_user_id: UserKey,
    message: Body,
    /// Milliseconds since 1970.
    send_time: u64,
    /// Milliseconds since 1970.
    read_at: Option<u64>,
}

/// A message that was taken back.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct RecalledMessage {
    message_id: Id,
    temp_message_id: Option<String>,
    conversation_id: Id,
    conv_seq: u64,
    chat_type: ChatType,
    r#type: Kind,
    from_user_id: UserKey,
    to_user_id: UserKey,
    send_time: u64,
    read_at: Option<u64>,
    /// Always true.
    recalled: bool,
}

/// Takes a message back.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Recall {
    message_id: Id,
    conversation_id: Id,
    conv_seq: u64,
    chat_type: ChatType,
    r#type: RecallKind,
    from_user_id: UserKey,
    to_user_id: UserKey,
    message: Which,
    send_time: u64,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum RecallKind {
    Recall,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    message_id: Id,
    conv_seq: u64,
}

/// An entry that the caller deleted.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct DeletedEntry {
    conversation_id: Id,
    conv_seq: u64,
    /// Always true.
    deleted: bool,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Conversation {
    conversation_id: Id,
    chat_type: ChatType,
    /// The other side.
    user_id: UserKey,
    /// The number of its newest entry.
    head: u64,
    last_message: Option<Entry>,
    unread: u64,
    pinned: bool,
    muted: bool,
    draft: Option<String>,
    /// Of two states, the one with the higher number holds.
    rev: u64,
    /// Marks that were set since the token of a `sync`.
    read: Option<Vec<ReadMark>>,
    /// Numbers of entries deleted since the token of a `sync`.
    deleted: Option<Vec<u64>>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ReadMark {
    message_ids: Vec<Id>,
    read_at: u64,
    by: UserKey,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Person {
    user_id: UserKey,
    nickname: String,
    avatar: String,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Contact {
    user_id: UserKey,
    nickname: String,
    avatar: String,
    remark: Option<String>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct BlockedUser {
    user_id: UserKey,
    /// Milliseconds since 1970.
    since: u64,
}

/// Something that the caller says often.
#[derive(ToSchema)]
pub(in crate::api) struct QuickReply {
    /// Of the client's making.
    #[schema(min_length = 1, max_length = 64)]
    id: String,
    #[schema(max_length = 32)]
    folder: Option<String>,
    #[schema(max_length = 32)]
    shortcut: Option<String>,
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}
