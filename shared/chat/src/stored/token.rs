//! Tokens and cursors: what a client hands back without reading it.
//!
//! Nothing in one gives a right. Whoever makes one up reads what he may read anyway, or misses what he could have had.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use types::UserKey;

/// Where a client stands: everything up to here it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    user: UserKey,
    /// The version of the user's channel, if it could be read: its number, who counted, and since when.
    version: Option<(u64, Box<str>, Box<str>)>,
    /// The store's time, in milliseconds since 1970.
    pub(super) time_ms: u64,
}

impl Token {
    pub(super) fn new(user: UserKey, version: Option<Version>, time_ms: u64) -> Self {
        let version = version.map(|version| (version.number, version.generation, version.server));
        Self { user, version, time_ms }
    }

    pub(super) fn is_of(&self, user: &UserKey) -> bool {
        self.user == *user
    }

    /// Whether nothing was missed: the counting goes on as it was, and the client has everything up to its last number.
    pub(super) fn is_at(&self, now: &Version, v: Option<u64>) -> bool {
        let Some((number, generation, server)) = &self.version else { return false };
        let has = v.unwrap_or(*number).max(*number);
        (has, &**generation, &**server) == (now.number, &*now.generation, &*now.server)
    }

    /// From where a client goes on counting.
    pub(super) fn number(&self) -> u64 {
        self.version.as_ref().map_or(0, |(number, ..)| *number)
    }
}

/// More is none of ours.
const MAX_BYTES: usize = 4_096;

pub(super) fn write(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > MAX_BYTES {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64, generation: &str, server: &str) -> Version {
        Version { number, generation: generation.into(), server: server.into() }
    }

    #[test]
    fn only_the_same_counting_at_the_same_number_means_that_nothing_was_missed() {
        let token = Token::new("8".parse().unwrap(), Some(version(5, "g", "s")), 1);
        assert!(token.is_at(&version(5, "g", "s"), None));
        assert!(token.is_at(&version(7, "g", "s"), Some(7)), "pushes have brought the client further");
        assert!(!token.is_at(&version(7, "g", "s"), None));
        assert!(!token.is_at(&version(7, "g", "s"), Some(6)));
        assert!(!token.is_at(&version(5, "h", "s"), None), "the counting began anew, and came as far");
        assert!(!token.is_at(&version(5, "g", "t"), None), "another server may not know the last numbers");
        let blind = Token::new("8".parse().unwrap(), None, 1);
        assert!(!blind.is_at(&version(0, "", ""), None));
    }

    #[test]
    fn a_token_comes_back_and_nonsense_is_none() {
        let token = Token::new("8".parse().unwrap(), Some(version(5, "g", "s")), 1);
        assert_eq!(read::<Token>(&write(&token)), Some(token));
        for nonsense in ["", "x", "%%%", &"A".repeat(5_000), &write(&7)] {
            assert_eq!(read::<Token>(nonsense), None);
        }
    }
}
