//! Who is at the other end of a connection, as authentication established it.

use crate::UserKey;
use serde::{Deserialize, Serialize};

/// What a handshake proved. The same for HTTP, polling and WebSocket, and for every namespace of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub user: UserKey,
    pub role: Role,
    /// The shop an agent works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<Box<str>>,
    /// Which of the user's devices this is, if the client says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<str>>,
    #[serde(default)]
    pub platform: Platform,
}

/// What a user may do; carried by the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    #[default]
    Buyer,
    Agent,
    Merchant,
    Admin,
}

/// The kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    #[default]
    Pc,
    Wap,
    Android,
    Iphone,
    Windows,
}

/// What others see of a user's presence. `Offline` is derived from having no connection, never set by a client;
/// `Invisible` is shown to others as `Offline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Online,
    Busy,
    Away,
    Invisible,
    Offline,
}
