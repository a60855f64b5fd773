//! Entries: a message sent, one taken back, one deleted for oneself.

use super::{Earlier, NewMessage, Outcome, Planner, Stop, no_such_conversation, no_such_message, pair};
use crate::model::{Done, Request, Send, Standing};
use crate::outbox::Reference;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use types::{ChatType, Code, ConversationId, Event, Failure, MessageId, MessageType, Posted, State, UserKey};
use types::{StoredMessage, Unread};

impl Planner<'_> {
    pub(super) fn send(&mut self, request: &Request, send: &Send) -> Outcome {
        let digest = digest(send);
        let name = (request.by.clone(), send.temp_message_id.clone());
        if let Some(earlier) = self.loaded.earlier.get(&name) {
            if earlier.digest != digest {
                let sentence = "this temp_message_id was used for another message: give each its own";
                return Err(Failure::new(Code::Conflict, sentence).into());
            }
            let Earlier { message_id, conversation, conv_seq, .. } = *earlier;
            return Ok((Done::Sent { message_id, conversation_id: conversation, conv_seq }, Vec::new()));
        }
        if !self.loaded.known.contains(&send.to) {
            return Err(Failure::not_found(format!("there is no user {}", send.to)).into());
        }
        (self.judge)(send, &self.standing(&request.by, send))?;
        let pair = pair(&request.by, &send.to);
        let conversation = *self.loaded.pairs.get(&pair).ok_or_else(no_such_conversation)?;
        let (message_id, conv_seq) = self.append(conversation, &request.by, send.kind, send.body.clone())?;
        self.writes.duplicates.push((
            name.0.clone(),
            name.1.clone(),
            Earlier { message_id, conversation, conv_seq, digest },
        ));
        self.loaded.earlier.insert(name, Earlier { message_id, conversation, conv_seq, digest });
        if send.kind.is_countable() {
            self.change(conversation, &send.to)?.unread += 1;
        }
        self.change(conversation, &send.to)?.rev += 1;
        self.keep(conversation, &send.to);
        let entry = entry(conversation, conv_seq, message_id, &request.by, &send.to, send.kind, &send.body)?;
        let events = self.posted(request, entry, Some(send.temp_message_id.clone()), &send.to)?;
        Ok((Done::Sent { message_id, conversation_id: conversation, conv_seq }, events))
    }

    pub(super) fn recall(&mut self, request: &Request, message: MessageId, within_ms: u64) -> Outcome {
        let target = self.loaded.targets.get(&message).cloned().ok_or_else(no_such_message)?;
        let conversation = target.conversation;
        let to = self.member(conversation, &request.by).map_err(|_| no_such_message())?.peer.clone();
        if target.from != request.by {
            return Err(Failure::forbidden("only who sent a message takes it back").into());
        }
        if target.recalled > 0 {
            return Ok((
                Done::Recalled { conversation_id: conversation, conv_seq: target.recalled, message_id: None },
                Vec::new(),
            ));
        }
        if target.kind == MessageType::Recall {
            return Err(Failure::new(Code::Refused, "what took a message back is not taken back").into());
        }
        if self.now_ms.saturating_sub(message.time_ms()) > within_ms {
            let sentence = format!("a message can be taken back within {} s", within_ms / 1_000);
            return Err(Failure::new(Code::Refused, sentence).into());
        }
        let body: Box<str> = format!(r#"{{"message_id":"{message}","conv_seq":{}}}"#, target.conv_seq).into();
        let (message_id, conv_seq) = self.append(conversation, &request.by, MessageType::Recall, body.clone())?;
        self.writes.recalled.push((conversation, target.conv_seq, message, conv_seq));
        let receiver = self.change(conversation, &to)?;
        if target.read_ms == 0 && target.kind.is_countable() && target.conv_seq > receiver.cleared_seq {
            receiver.unread = receiver.unread.saturating_sub(1);
        }
        receiver.rev += 1;
        self.keep(conversation, &to);
        if let Some(target) = self.loaded.targets.get_mut(&message) {
            target.recalled = conv_seq;
        }
        let entry = entry(conversation, conv_seq, message_id, &request.by, &to, MessageType::Recall, &body)?;
        let events = self.posted(request, entry, None, &to)?;
        Ok((Done::Recalled { conversation_id: conversation, conv_seq, message_id: Some(message_id) }, events))
    }

    pub(super) fn delete(&mut self, request: &Request, message: MessageId) -> Outcome {
        let target = self.loaded.targets.get(&message).cloned().ok_or_else(no_such_message)?;
        let (conversation, conv_seq) = (target.conversation, target.conv_seq);
        let member = self.change(conversation, &request.by).map_err(|_| no_such_message())?;
        member.rev += 1;
        let rev = member.rev;
        self.keep(conversation, &request.by);
        self.writes.deletions.push((request.by.clone(), conversation, conv_seq));
        let state =
            State { deleted: vec![conv_seq], socketid: request.socket.clone(), ..State::new(conversation, rev) };
        self.writes.references.push(Reference::State(request.by.clone(), conversation));
        let events = vec![(request.by.clone(), Event::State(state))];
        Ok((Done::Deleted { conversation_id: conversation, conv_seq, rev }, events))
    }

    /// Adds an entry behind the last one.
    fn append(
        &mut self,
        conversation: ConversationId,
        from: &UserKey,
        kind: MessageType,
        body: Box<str>,
    ) -> Result<(MessageId, u64), Stop> {
        let row = self.loaded.conversations.get_mut(&conversation).ok_or_else(no_such_conversation)?;
        let message_id = self.ids.next(row.last_message_id, self.own_ms).ok_or(Stop::OutOfIds)?;
        let conv_seq = row.last_seq + 1;
        (row.last_message_id, row.last_seq) = (message_id, conv_seq);
        self.writes.conversations.insert(conversation, row.clone());
        let pair = row.pair.clone();
        let new = NewMessage { conversation, conv_seq, message_id, from: from.clone(), kind, body };
        self.writes.messages.push(new);
        for user in &pair {
            let peer = if *user == pair[0] { &pair[1] } else { &pair[0] };
            let key = (conversation, user.clone());
            let member = self.loaded.members.entry(key).or_insert_with(|| super::Member::new(peer));
            member.last_message_id = message_id;
            member.changed_ms = self.now_ms;
            self.keep(conversation, user);
        }
        Ok((message_id, conv_seq))
    }

    /// What the receiver and the sender's devices hear of a new entry.
    fn posted(
        &mut self,
        request: &Request,
        entry: StoredMessage,
        temp_message_id: Option<Box<str>>,
        to: &UserKey,
    ) -> Result<Vec<(UserKey, Event)>, Stop> {
        let receiver = self.member(entry.conversation_id, to)?;
        let unread = Some(Unread { unread: receiver.unread, rev: receiver.rev });
        for user in [to, &request.by] {
            self.writes.references.push(Reference::Entry(user.clone(), entry.conversation_id, entry.conv_seq));
        }
        let own = StoredMessage { temp_message_id, ..entry.clone() };
        Ok(vec![
            (to.clone(), Event::Posted(Posted { entry, socketid: None, unread })),
            (request.by.clone(), Event::Posted(Posted { entry: own, socketid: request.socket.clone(), unread: None })),
        ])
    }

    fn standing(&self, from: &UserKey, send: &Send) -> Standing {
        let (to, blocks) = (&send.to, &self.loaded.blocks);
        Standing {
            is_blocked: blocks.contains(&(to.clone(), from.clone())),
            has_blocked: blocks.contains(&(from.clone(), to.clone())),
            is_contact: self.loaded.contacts.contains_key(&(to.clone(), from.clone())),
        }
    }
}

impl super::Member {
    pub(super) fn new(peer: &UserKey) -> Self {
        Self {
            peer: peer.clone(),
            last_message_id: MessageId(0),
            unread: 0,
            cleared_seq: 0,
            pinned: false,
            muted: false,
            draft: "".into(),
            rev: 0,
            changed_ms: 0,
        }
    }
}

/// Of receiver, type and body: what makes two messages of one name the same.
fn digest(send: &Send) -> [u8; 16] {
    let mut hash = Sha256::new();
    let body = send.as_asked.as_ref().unwrap_or(&send.body);
    for part in [send.to.as_str().as_bytes(), send.kind.name().as_bytes(), body.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

fn entry(
    conversation_id: ConversationId,
    conv_seq: u64,
    message_id: MessageId,
    from: &UserKey,
    to: &UserKey,
    kind: MessageType,
    body: &str,
) -> Result<StoredMessage, Stop> {
    let body = RawValue::from_string(body.to_owned()).map_err(|_| Failure::bad_request("a message is JSON"))?;
    Ok(StoredMessage {
        message_id,
        temp_message_id: None,
        conversation_id,
        conv_seq,
        chat_type: ChatType::P2p,
        kind,
        from_user_id: from.clone(),
        to_user_id: Some(to.clone()),
        block_id: None,
        message: Some(body),
        send_time: message_id.time_ms(),
        read_at: None,
        recalled: false,
    })
}
