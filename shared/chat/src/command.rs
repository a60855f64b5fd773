//! What a window may ask, read from an event's name and its one argument.

use crate::stored::*;
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
    SendMessage(SendMessage),
    AckMessage(AckMessage),
    Sync(Sync),
    History(History),
    ReadMessage(ReadMessage),
    RecallMessage(RecallMessage),
    DeleteMessage(DeleteMessage),
    ListConversations(ListConversations),
    PinConversation(PinConversation),
    MuteConversation(MuteConversation),
    ClearUnread(ClearUnread),
    SaveDraft(SaveDraft),
    SearchUsers(SearchUsers),
    SearchMessages(SearchMessages),
    ListContacts(ListContacts),
    AddContact(AddContact),
    RemoveContact(RemoveContact),
    GetProfiles(GetProfiles),
    SetProfile(SetProfile),
    QuickReplies(QuickReplies),
    Block(Block),
    ListBlocked(ListBlocked),
    /// A request, by name, that no release serves yet.
    Later(&'static str),
}

/// Requests of the protocol that are not served yet. They are known, so that a client is told `unavailable` and not left
/// waiting.
const LATER: [&str; 10] = [
    "createGroup",
    "renameGroup",
    "joinGroup",
    "leaveGroup",
    "addMembers",
    "removeMember",
    "dissolveGroup",
    "listMembers",
    "transfer",
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
        if let Some(later) = LATER.into_iter().find(|later| *later == name) {
            return Some(Ok(Self::Later(later)));
        }
        // What takes nothing may come with nothing.
        let of_nothing = payload.filter(|payload| payload.trim() != "null").unwrap_or("{}");
        let payload = payload.unwrap_or("null");
        let command = match name {
            "exchange" => return Some(Exchange::parse(payload, attachments).map(Self::Exchange)),
            "changeUser" => ChangeUser::parse(payload).map(Self::ChangeUser),
            "join" => Join::parse(payload).map(Self::Join),
            "leave" => Leave::parse(payload).map(Self::Leave),
            "typing" => Typing::parse(payload).map(Self::Typing),
            "getPresence" => GetPresence::parse(payload).map(Self::GetPresence),
            "changeStatus" => ChangeStatus::parse(payload).map(Self::ChangeStatus),
            "sendMessage" => SendMessage::parse(payload).map(Self::SendMessage),
            "ackMessage" => AckMessage::parse(payload).map(Self::AckMessage),
            "sync" => Sync::parse(payload).map(Self::Sync),
            "history" => History::parse(payload).map(Self::History),
            "readMessage" => ReadMessage::parse(payload).map(Self::ReadMessage),
            "recallMessage" => RecallMessage::parse(payload).map(Self::RecallMessage),
            "deleteMessage" => DeleteMessage::parse(payload).map(Self::DeleteMessage),
            "listConversations" => ListConversations::parse(payload).map(Self::ListConversations),
            "pinConversation" => PinConversation::parse(payload).map(Self::PinConversation),
            "muteConversation" => MuteConversation::parse(payload).map(Self::MuteConversation),
            "clearUnread" => ClearUnread::parse(payload).map(Self::ClearUnread),
            "saveDraft" => SaveDraft::parse(payload).map(Self::SaveDraft),
            "searchUsers" => SearchUsers::parse(payload).map(Self::SearchUsers),
            "searchMessages" => SearchMessages::parse(payload).map(Self::SearchMessages),
            "listContacts" => ListContacts::parse(of_nothing).map(Self::ListContacts),
            "addContact" => AddContact::parse(payload).map(Self::AddContact),
            "removeContact" => RemoveContact::parse(payload).map(Self::RemoveContact),
            "getProfiles" => GetProfiles::parse(payload).map(Self::GetProfiles),
            "setProfile" => SetProfile::parse(payload).map(Self::SetProfile),
            "quickReplies" => QuickReplies::parse(payload).map(Self::QuickReplies),
            "block" => Block::parse(payload, true).map(Self::Block),
            "unblock" => Block::parse(payload, false).map(Self::Block),
            "listBlocked" => ListBlocked::parse(of_nothing).map(Self::ListBlocked),
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
    fn what_is_not_served_yet_is_known_whatever_it_carries() {
        for payload in [None, Some("7"), Some("{}")] {
            let command = Command::parse("createGroup", payload, &[Bytes::new()]);
            assert!(matches!(command, Some(Ok(Command::Later("createGroup")))));
        }
    }

    #[test]
    fn each_command_says_what_it_takes() {
        let live = ["changeUser", "exchange", "join", "leave", "typing", "getPresence", "changeStatus"];
        let stored = ["sendMessage", "ackMessage", "history", "readMessage", "recallMessage", "deleteMessage"];
        let of_lists =
            ["pinConversation", "muteConversation", "clearUnread", "saveDraft", "addContact", "block", "quickReplies"];
        for name in live.into_iter().chain(stored).chain(of_lists).chain([
            "searchUsers",
            "getProfiles",
            "setProfile",
            "unblock",
        ]) {
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
