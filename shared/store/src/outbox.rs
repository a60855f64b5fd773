//! What an outbox row remembers: who must hear of what, as references to rows. Whoever publishes it again reads those
//! rows as they are then: an entry does not change, and of a state the newest is what matters.

use serde::{Deserialize, Serialize};
use types::{ConversationId, UserKey};

/// Something that a user must hear of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// An entry of a conversation.
    #[serde(rename = "e")]
    Entry(UserKey, ConversationId, u64),
    /// The user's row of a conversation.
    #[serde(rename = "s")]
    State(UserKey, ConversationId),
    /// The user's contacts or blocked users.
    #[serde(rename = "l")]
    Lists(UserKey),
    /// The user's name and picture.
    #[serde(rename = "p")]
    Profile(UserKey),
}

impl Reference {
    pub fn user(&self) -> &UserKey {
        match self {
            Self::Entry(user, ..) | Self::State(user, _) | Self::Lists(user) | Self::Profile(user) => user,
        }
    }
}

pub(crate) fn encode(references: &[Reference]) -> Vec<u8> {
    serde_json::to_vec(references).unwrap_or_default()
}

/// What a neighbouring release wrote and this one does not know is left out.
pub(crate) fn decode(bytes: &[u8]) -> Vec<Reference> {
    let values: Vec<serde_json::Value> = serde_json::from_slice(bytes).unwrap_or_default();
    values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_back_and_those_of_another_release_are_left_out() {
        let user: UserKey = "m7".parse().unwrap();
        let all = [
            Reference::Entry(user.clone(), ConversationId(5), 3),
            Reference::State(user.clone(), ConversationId(5)),
            Reference::Lists(user.clone()),
            Reference::Profile(user),
        ];
        let bytes = encode(&all);
        assert_eq!(bytes, br#"[{"e":["m7","5",3]},{"s":["m7","5"]},{"l":"m7"},{"p":"m7"}]"#);
        assert_eq!(decode(&bytes), all);
        assert_eq!(decode(br#"[{"x":1},{"l":"m7"}]"#), all[2..3]);
        assert_eq!(decode(b"\xff"), []);
    }
}
