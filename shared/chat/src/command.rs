//! What a window may ask, read from an event's name and its one argument.

use crate::{ChangeStatus, ChangeUser, Exchange, GetPresence, Join, Leave, Typing};
use bytes::Bytes;
use serde::Deserialize;
use types::Failure;

/// A request, checked as far as its own words go.
#[derive(Debug)]
pub enum Command {
    ChangeUser(ChangeUser),
    Exchange(Exchange),
    Join(Join),
    Leave(Leave),
    Typing(Typing),
    GetPresence(GetPresence),
    ChangeStatus(ChangeStatus),
    /// A request, by name, that needs the message store.
    Stored(&'static str),
}

/// Requests that need the message store. They are known, so that a client is told `unavailable` and not left waiting.
const STORED: [&str; 32] = [
    "sendMessage",
    "ackMessage",
    "sync",
    "readMessage",
    "recallMessage",
    "deleteMessage",
    "listConversations",
    "pinConversation",
    "muteConversation",
    "clearUnread",
    "saveDraft",
    "history",
    "searchUsers",
    "searchMessages",
    "createGroup",
    "renameGroup",
    "joinGroup",
    "leaveGroup",
    "addMembers",
    "removeMember",
    "dissolveGroup",
    "listMembers",
    "listContacts",
    "addContact",
    "removeContact",
    "getProfiles",
    "transfer",
    "block",
    "unblock",
    "listBlocked",
    "quickReplies",
    "rtc",
];

impl Command {
    /// Reads a request. `payload` is the event's first argument as JSON text, `attachments` what its placeholders stand
    /// for. Nothing: no event of ours.
    ///
    /// Text may contain lone halves of surrogate pairs (`"\ud83d"`): what is relayed keeps them, an id with one is
    /// refused.
    ///
    /// # Errors
    /// `bad_request` or `too_large`, with a sentence that says what the event takes.
    pub fn parse(name: &str, payload: Option<&str>, attachments: &[Bytes]) -> Option<Result<Self, Failure>> {
        if let Some(stored) = STORED.into_iter().find(|stored| *stored == name) {
            return Some(Ok(Self::Stored(stored)));
        }
        let payload = payload.unwrap_or("null");
        let command = match name {
            "exchange" => return Some(Exchange::parse(payload, attachments).map(Self::Exchange)),
            "changeUser" => ChangeUser::parse(payload).map(Self::ChangeUser),
            "join" => Join::parse(payload).map(Self::Join),
            "leave" => Leave::parse(payload).map(Self::Leave),
            "typing" => Typing::parse(payload).map(Self::Typing),
            "getPresence" => GetPresence::parse(payload).map(Self::GetPresence),
            "changeStatus" => ChangeStatus::parse(payload).map(Self::ChangeStatus),
            _ => return None,
        };
        if !attachments.is_empty() {
            return Some(Err(Failure::bad_request(format!("{name} takes no binary data"))));
        }
        Some(command)
    }
}

/// Reads a request's argument; the failure says what `name` takes.
pub(crate) fn read<'a, T: Deserialize<'a>>(name: &str, takes: &str, payload: &'a str) -> Result<T, Failure> {
    let refuse = |why: &str| Failure::bad_request(format!("{name} takes {takes}: {}", shorten(why)));
    // An array would do for a struct of serde's.
    if !payload.trim_start().starts_with('{') {
        return Err(refuse("not an object"));
    }
    serde_json::from_str(payload).map_err(|error| refuse(&error.to_string()))
}

/// An error may quote the client's own words, however long they are.
fn shorten(text: &str) -> String {
    const MOST: usize = 160;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Code;

    fn refused(name: &str, payload: Option<&str>) -> Failure {
        Command::parse(name, payload, &[]).expect("one of ours").expect_err("refused")
    }

    #[test]
    fn what_is_not_ours_is_nobodys() {
        for name in ["", "message", "changeuser", "init", "messagePush"] {
            assert!(Command::parse(name, Some("{}"), &[]).is_none(), "{name}");
        }
    }

    #[test]
    fn stored_commands_are_known_whatever_they_carry() {
        for payload in [None, Some("7"), Some("{}")] {
            let command = Command::parse("sendMessage", payload, &[Bytes::new()]);
            assert!(matches!(command, Some(Ok(Command::Stored("sendMessage")))));
        }
    }

    #[test]
    fn each_command_says_what_it_takes() {
        for name in ["changeUser", "exchange", "join", "leave", "typing", "getPresence", "changeStatus"] {
            for payload in [None, Some("null"), Some("[]"), Some("\"x\""), Some("7"), Some("{}"), Some("{\"x\":")] {
                let failure = refused(name, payload);
                assert_eq!(failure.code, Code::BadRequest, "{name} {payload:?}");
                assert!(failure.message.starts_with(&format!("{name} takes {{")), "{}", failure.message);
            }
        }
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(refused("join", Some(r#"["1001"]"#)).message.ends_with("not an object"));
    }

    #[test]
    fn binary_data_belongs_to_exchange_alone() {
        let attachments = [Bytes::from_static(b"x")];
        let joined = Command::parse("join", Some(r#"{"room":"1"}"#), &attachments).unwrap().unwrap_err();
        assert_eq!(joined.message, "join takes no binary data");
    }

    #[test]
    fn a_long_word_is_not_sent_back_whole() {
        let payload = format!(r#"{{"status":"{}"}}"#, "群".repeat(10_000));
        assert!(refused("changeStatus", Some(&payload)).message.len() < 1_000);
    }

    #[test]
    fn a_broken_surrogate_is_refused_in_an_id_and_ignored_beside_it() {
        assert_eq!(refused("join", Some(r#"{"room":"\ud83d"}"#)).code, Code::BadRequest);
        let joined = Command::parse("join", Some(r#"{"room":"1","note":"\ud83d"}"#), &[]);
        assert!(matches!(joined, Some(Ok(Command::Join(_)))));
    }
}
