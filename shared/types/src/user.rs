//! A user is `(sourceid, uid)`: `sourceid` empty or letters, `uid` starting with a digit. The user key is the two
//! joined, and can be taken apart again because the first digit is where the uid begins.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One user, as every JSON, Redis key and token spells it: `"m7"`, `"hua1024"`, `"1024"`.
///
/// Cloning is cheap: connections, hub and presence share one allocation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserKey(Arc<str>);

/// Why a string is not a user key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserKeyError {
    #[error("a user key is empty")]
    Empty,
    #[error("a user key is longer than {} bytes", UserKey::MAX)]
    TooLong,
    #[error("a user key is letters (the source, may be absent), then a digit, then letters, digits, `-` or `_`")]
    Malformed,
}

impl UserKey {
    /// Keys are part of Redis channel names and file names; longer ones are nobody's.
    pub const MAX: usize = 64;

    /// The system itself, as the sender of notices.
    pub fn system() -> Self {
        Self(Arc::from("0"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The source of the account: empty for the main site, `hua` for Huahua, `m` for merchants.
    pub fn sourceid(&self) -> &str {
        &self.0[..self.uid_start()]
    }

    /// The account within its source; starts with a digit.
    pub fn uid(&self) -> &str {
        &self.0[self.uid_start()..]
    }

    fn uid_start(&self) -> usize {
        self.0.bytes().position(|b| b.is_ascii_digit()).unwrap_or(self.0.len())
    }
}

impl FromStr for UserKey {
    type Err = UserKeyError;

    fn from_str(key: &str) -> Result<Self, UserKeyError> {
        if key.is_empty() {
            return Err(UserKeyError::Empty);
        }
        if key.len() > Self::MAX {
            return Err(UserKeyError::TooLong);
        }
        let uid = key.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let starts_with_digit = uid.starts_with(|c: char| c.is_ascii_digit());
        let plain = uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !starts_with_digit || !plain {
            return Err(UserKeyError::Malformed);
        }
        Ok(Self(Arc::from(key)))
    }
}

impl TryFrom<String> for UserKey {
    type Error = UserKeyError;

    fn try_from(key: String) -> Result<Self, UserKeyError> {
        key.parse()
    }
}

impl From<UserKey> for String {
    fn from(key: UserKey) -> Self {
        key.as_str().to_owned()
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKey({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_come_apart_where_the_first_digit_is() {
        for (key, source, uid) in
            [("hua1024", "hua", "1024"), ("1024", "", "1024"), ("m7", "m", "7"), ("m7a", "m", "7a")]
        {
            let user: UserKey = key.parse().unwrap();
            assert_eq!((user.sourceid(), user.uid()), (source, uid));
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused_with_its_reason() {
        assert_eq!("".parse::<UserKey>(), Err(UserKeyError::Empty));
        assert_eq!("m".parse::<UserKey>(), Err(UserKeyError::Malformed));
        assert_eq!("m 7".parse::<UserKey>(), Err(UserKeyError::Malformed));
        assert_eq!("7:8".parse::<UserKey>(), Err(UserKeyError::Malformed));
        assert_eq!("客7".parse::<UserKey>(), Err(UserKeyError::Malformed));
        assert_eq!("1".repeat(65).parse::<UserKey>(), Err(UserKeyError::TooLong));
    }

    proptest! {
        #[test]
        fn source_and_uid_joined_are_the_key(source in "[A-Za-z]{0,8}", uid in "[0-9][0-9A-Za-z_-]{0,20}") {
            let user: UserKey = format!("{source}{uid}").parse().unwrap();
            prop_assert_eq!(user.sourceid(), source);
            prop_assert_eq!(user.uid(), uid);
        }
    }
}
