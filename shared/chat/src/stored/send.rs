//! `sendMessage {temp_message_id, chat_type, to_user_id, type, message}`: a message that is kept.

use super::Hooked;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Change, Done, Send};
use types::{ChatType, Code, Failure, MessageType, UserKey, without_lone_surrogates};

/// The request.
#[derive(Debug)]
pub struct SendMessage {
    temp_message_id: Box<str>,
    to: UserKey,
    kind: MessageType,
    /// JSON.
    body: Box<str>,
}

const TAKES: &str = "{temp_message_id, chat_type: \"p2p\", to_user_id: \"<user key>\", type: \"text\", message: \"…\"}";

const MAX_NAME_BYTES: usize = 64;

/// What windows may send; the others are the system's.
const FROM_WINDOWS: [MessageType; 7] = [
    MessageType::Text,
    MessageType::Emoji,
    MessageType::Image,
    MessageType::Voice,
    MessageType::File,
    MessageType::Product,
    MessageType::Order,
];

/// Whether a client may call something so.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

impl SendMessage {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        // What is kept is proper Unicode: half a character of a broken client becomes a replacement sign.
        let repaired = without_lone_surrogates(payload);
        let payload = repaired.as_deref().unwrap_or(payload);
        let input: Input<'_> = read("sendMessage", TAKES, payload)?;
        let wrong = |why: &str| Failure::bad_request(format!("sendMessage takes {TAKES}: {why}"));
        let name = input.temp_message_id;
        if !is_name(&name) {
            return Err(wrong("temp_message_id is 1 to 64 plain letters, digits and signs"));
        }
        if input.chat_type != ChatType::P2p {
            return Err(wrong("chat_type is \"p2p\""));
        }
        if !FROM_WINDOWS.contains(&input.kind) {
            return Err(Failure::forbidden(format!("messages of type {} are not for you to send", input.kind.name())));
        }
        let body = input.message.get().trim();
        let fits = match input.kind.is_text() {
            true => body.starts_with('"') && body.len() > 2,
            false => body.starts_with('{'),
        };
        if !fits {
            let is = if input.kind.is_text() { "a text with something in it" } else { "an object" };
            return Err(wrong(&format!("of type {} message is {is}", input.kind.name())));
        }
        Ok(Self { temp_message_id: name.into(), to: input.to_user_id, kind: input.kind, body: body.into() })
    }
}

#[derive(Deserialize)]
struct Input<'a> {
    temp_message_id: String,
    chat_type: ChatType,
    to_user_id: UserKey,
    #[serde(rename = "type")]
    kind: MessageType,
    #[serde(borrow)]
    message: &'a RawValue,
}

impl Chat {
    pub(crate) async fn send_message(&self, window: &dyn Window, command: SendMessage) -> Result<Reply, Error> {
        let SendMessage { temp_message_id, to, kind, body } = command;
        let from = window.identity();
        let most = self.config.max_message_bytes;
        if body.len() > most {
            return Err(Failure::new(Code::TooLarge, format!("a message has at most {most} bytes")).into());
        }
        if to == from.user {
            return Err(Failure::bad_request("nobody writes to themselves").into());
        }
        // Whom the policy does not allow may still be a contact of the receiver's, which is looked up under the lock.
        let only_as_contact = !self.policy.allows(from, &to);
        let mut send =
            Send { to, temp_message_id: temp_message_id.clone(), kind, body, as_asked: None, only_as_contact };
        self.pass_hook(&from.user, &mut send)?;
        let replaced = send.as_asked.is_some().then(|| RawValue::from_string(send.body.to_string()).ok()).flatten();
        let (done, v) = self.change(window, Change::Send(send)).await?;
        let Done::Sent { message_id, conversation_id, conv_seq } = done else { return Err(unexpected()) };
        let send_time = message_id.time_ms();
        Ok(Reply::Sent { temp_message_id, message_id, conversation_id, conv_seq, send_time, message: replaced, v })
    }

    /// Lets the hook see the text before it is kept.
    fn pass_hook(&self, from: &UserKey, send: &mut Send) -> Result<(), Failure> {
        let Some(kept) = self.kept.as_ref().filter(|_| send.kind == MessageType::Text) else { return Ok(()) };
        let text: String =
            serde_json::from_str(&send.body).map_err(|error| Failure::bad_request(format!("message: {error}")))?;
        match kept.hook.check(from, &send.to, &text) {
            Hooked::Pass => {}
            Hooked::Replace(text) => {
                let replaced = serde_json::to_string(&text).unwrap_or_default().into();
                // The same sent again is the same, whatever the hook makes of it then.
                send.as_asked = Some(std::mem::replace(&mut send.body, replaced));
            }
            Hooked::Refuse(reason) => return Err(Failure::new(Code::Refused, reason)),
        }
        Ok(())
    }
}

/// The store answers a change with what it is; anything else is a fault of ours.
pub(super) fn unexpected() -> Error {
    Failure::new(Code::Internal, "the store answered something else").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, message: &str) -> Result<SendMessage, Failure> {
        let payload = format!(
            r#"{{"temp_message_id":"t-1","chat_type":"p2p","to_user_id":"m7","type":"{kind}","message":{message}}}"#
        );
        SendMessage::parse(&payload)
    }

    #[test]
    fn a_text_is_a_string_and_anything_else_an_object() {
        assert_eq!(&*parse("text", "\"你好\"").unwrap().body, "\"你好\"");
        assert!(parse("image", "{\"url\":\"/x\"}").is_ok());
        for (kind, message) in [("text", "{}"), ("text", "7"), ("text", "\"\""), ("image", "\"x\""), ("file", "[]")] {
            assert_eq!(parse(kind, message).unwrap_err().code, Code::BadRequest, "{kind} {message}");
        }
    }

    #[test]
    fn what_is_the_systems_is_not_sent_by_windows() {
        for kind in ["system", "card", "recall"] {
            assert_eq!(parse(kind, "{}").unwrap_err().code, Code::Forbidden, "{kind}");
        }
        assert_eq!(parse("hologram", "{}").unwrap_err().code, Code::BadRequest);
    }

    #[test]
    fn half_a_character_becomes_a_replacement_sign() {
        assert_eq!(&*parse("text", r#""a\ud83d""#).unwrap().body, r#""a\ufffd""#);
        assert_eq!(&*parse("text", r#""\ud83d\ude00""#).unwrap().body, r#""\ud83d\ude00""#);
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["", "a b", "名", &"x".repeat(65), "a\\nb"] {
            let payload = format!(
                r#"{{"temp_message_id":"{name}","chat_type":"p2p","to_user_id":"m7","type":"text","message":"x"}}"#
            );
            assert_eq!(SendMessage::parse(&payload).unwrap_err().code, Code::BadRequest, "{name}");
        }
    }
}
