//! Names of processes, sockets, rooms and groups.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a string is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("a process id is 1 to 32 letters, digits, `-` or `_`")]
    Process,
    #[error(
        "a socket id is `process.random`, for sockets of a namespace of clients 1.x and 2.x `/namespace#process.random`"
    )]
    Socket,
    #[error("a room is 1 to 128 bytes without control characters")]
    Room,
    #[error("a group is 1 to 64 letters, digits, `-` or `_`")]
    Group,
}

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(id: String) -> Result<Self, IdError> {
                id.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

/// One process of the cluster: an imserver, pushserver or huaserver. Unique among live processes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessId(Arc<str>);
text_id!(ProcessId);

impl FromStr for ProcessId {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, IdError> {
        if id.is_empty() || id.len() > 32 || !id.bytes().all(is_plain) {
            return Err(IdError::Process);
        }
        Ok(Self(Arc::from(id)))
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// One socket: a window's or device's connection to one namespace. Public (other users see it in `exchange` and
/// `online`), and it names the process that holds it, so that anyone can reach it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocketId(Arc<str>);
text_id!(SocketId);

impl SocketId {
    /// The id of something of a process that is no socket but acts like one.
    pub fn of(process: &ProcessId, name: &str) -> Self {
        Self(Arc::from(format!("{process}.{name}")))
    }

    /// The process that holds the socket: what stands before the first `.`, after the namespace that clients
    /// 1.x and 2.x put in front (`/custom#process.random`).
    pub fn process(&self) -> ProcessId {
        ProcessId(Arc::from(process_part(&self.0).unwrap_or_default()))
    }
}

fn process_part(id: &str) -> Option<&str> {
    let own = id.rsplit('#').next()?;
    own.split_once('.').map(|(process, _)| process)
}

impl FromStr for SocketId {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, IdError> {
        let process = process_part(id).ok_or(IdError::Socket)?;
        process.parse::<ProcessId>().map_err(|_| IdError::Socket)?;
        if id.len() > 256 || id.chars().any(char::is_control) {
            return Err(IdError::Socket);
        }
        Ok(Self(Arc::from(id)))
    }
}

/// A chat room whose number the back end gives out.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomId(Arc<str>);
text_id!(RoomId);

impl FromStr for RoomId {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, IdError> {
        if id.is_empty() || id.len() > 128 || id.chars().any(char::is_control) {
            return Err(IdError::Room);
        }
        Ok(Self(Arc::from(id)))
    }
}

/// A group conversation; the wire calls it `block_id`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(Arc<str>);
text_id!(GroupId);

impl FromStr for GroupId {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, IdError> {
        if id.is_empty() || id.len() > 64 || !id.bytes().all(is_plain) {
            return Err(IdError::Group);
        }
        Ok(Self(Arc::from(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_names_its_process() {
        for id in ["im1.c2Vj", "/custom#im1.c2Vj", "im1.inc.random.mac"] {
            assert_eq!(id.parse::<SocketId>().unwrap().process().as_str(), "im1");
        }
        for id in ["", "im1", ".x", "a b.x", "/custom#x"] {
            assert_eq!(id.parse::<SocketId>(), Err(IdError::Socket), "{id}");
        }
    }

    #[test]
    fn a_group_is_plain_because_it_names_keys_and_rows() {
        assert!("g-2026_11".parse::<GroupId>().is_ok());
        for id in ["", "a b", "群", "a:b", &"x".repeat(65)] {
            assert_eq!(id.parse::<GroupId>(), Err(IdError::Group), "{id}");
        }
    }

    #[test]
    fn rooms_may_be_chinese_but_not_control_characters() {
        assert!("群聊".parse::<RoomId>().is_ok());
        assert!("a\nb".parse::<RoomId>().is_err());
        assert!("".parse::<RoomId>().is_err());
    }
}
