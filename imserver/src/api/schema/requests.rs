//! What operations take. Fields that are not named here are not looked at.

use super::{ChatType, Id, Sendable, UserKey};
use std::collections::HashMap;
use utoipa::ToSchema;

#[derive(ToSchema)]
pub(in crate::api) struct Nothing {}

#[derive(ToSchema)]
pub(in crate::api) struct SendMessage {
    /// New with each message; the same again, with the same receiver, type and message, is the same message.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    temp_message_id: String,
    chat_type: ChatType,
    to_user_id: UserKey,
    r#type: Sendable,
    message: super::Body,
}

#[derive(ToSchema)]
pub(in crate::api) struct Sync {
    /// Of the last page of the sync before.
    token: Option<String>,
    /// The last number up to which the client has every push.
    v: Option<u64>,
    /// What the client has of the conversations that this sync has named: `conv_seq` by `conversation_id`.
    heads: Option<HashMap<String, u64>>,
    /// Of the page before, when there is no token yet.
    cursor: Option<String>,
    /// Entries of a page: 20 to 1,000, 200 unless told.
    limit: Option<u64>,
}

#[derive(ToSchema)]
pub(in crate::api) struct History {
    conversation_id: Id,
    /// The last entries below this number.
    before: Option<u64>,
    /// The first entries above this number.
    after: Option<u64>,
    /// Up to 200, 50 unless told.
    limit: Option<u64>,
}

#[derive(ToSchema)]
pub(in crate::api) struct ReadMessage {
    conversation_id: Id,
    #[schema(max_items = 200)]
    message_ids: Vec<Id>,
}

#[derive(ToSchema)]
pub(in crate::api) struct OneMessage {
    message_id: Id,
}

#[derive(ToSchema)]
pub(in crate::api) struct ListConversations {
    cursor: Option<String>,
    /// Up to 100, 50 unless told.
    limit: Option<u64>,
}

#[derive(ToSchema)]
pub(in crate::api) struct PinConversation {
    conversation_id: Id,
    pinned: bool,
}

#[derive(ToSchema)]
pub(in crate::api) struct MuteConversation {
    conversation_id: Id,
    muted: bool,
}

#[derive(ToSchema)]
pub(in crate::api) struct ClearUnread {
    conversation_id: Id,
    /// A `conv_seq`.
    up_to: u64,
}

#[derive(ToSchema)]
pub(in crate::api) struct SaveDraft {
    conversation_id: Id,
    /// Empty: none.
    #[schema(max_length = 4000)]
    text: String,
}

#[derive(ToSchema)]
pub(in crate::api) struct SearchUsers {
    #[schema(min_length = 1, max_length = 200)]
    q: String,
    /// Up to 50, 20 unless told.
    limit: Option<u64>,
}

#[derive(ToSchema)]
pub(in crate::api) struct SearchMessages {
    #[schema(min_length = 1, max_length = 200)]
    q: String,
    conversation_id: Option<Id>,
    cursor: Option<String>,
    /// Up to 50, 20 unless told.
    limit: Option<u64>,
}

#[derive(ToSchema)]
pub(in crate::api) struct AddContact {
    user_id: UserKey,
    /// What the caller calls the contact.
    #[schema(max_length = 64)]
    remark: Option<String>,
}

#[derive(ToSchema)]
pub(in crate::api) struct OneUser {
    user_id: UserKey,
}

#[derive(ToSchema)]
pub(in crate::api) struct GetProfiles {
    #[schema(max_items = 200)]
    user_ids: Vec<UserKey>,
}

#[derive(ToSchema)]
pub(in crate::api) struct SetProfile {
    #[schema(max_length = 32)]
    nickname: String,
    /// `http(s)://…` or `/…`; empty: none.
    #[schema(max_length = 512)]
    avatar: Option<String>,
}

#[derive(ToSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(in crate::api) enum QuickReplies {
    List {},
    Save(super::QuickReply),
    Remove { id: String },
}

#[derive(ToSchema)]
pub(in crate::api) struct Login {
    token: String,
}

/// JPEG, PNG, GIF or WebP.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(in crate::api) struct Picture(Vec<u8>);
