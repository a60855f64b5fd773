//! What is true of a conversation for one of the two: read, unread, pinned, muted, a draft.

use super::{Outcome, Planner};
use crate::model::{Done, Request};
use crate::outbox::Reference;
use std::collections::BTreeMap;
use types::{ConversationId, Event, MessageId, Read, State, UserKey};

impl Planner<'_> {
    pub(super) fn read(&mut self, request: &Request, conversation: ConversationId, messages: &[MessageId]) -> Outcome {
        let member = self.member(conversation, &request.by)?;
        let (peer, cleared_seq) = (member.peer.clone(), member.cleared_seq);
        let (mut saved, mut new, mut counted) = (Vec::new(), Vec::new(), 0);
        let mut before = BTreeMap::<u64, Vec<MessageId>>::new();
        for id in messages {
            let Some(target) = self.loaded.targets.get_mut(id) else { continue };
            if target.conversation != conversation || target.from == request.by || saved.contains(id) {
                continue;
            }
            saved.push(*id);
            if target.read_ms > 0 {
                // Told as it was: whoever asks again may not have heard of it.
                before.entry(target.read_ms).or_default().push(*id);
            } else {
                target.read_ms = self.now_ms;
                new.push(*id);
                self.writes.reads.push((conversation, target.conv_seq));
                let is_unread = target.kind.is_countable() && target.recalled == 0 && target.conv_seq > cleared_seq;
                counted += u64::from(is_unread);
            }
        }
        if new.is_empty() {
            let (unread, rev) = self.member(conversation, &request.by).map(|member| (member.unread, member.rev))?;
            let last = before.pop_last();
            let read_at = last.map_or(self.now_ms, |(read_ms, _)| read_ms);
            let before = before.into_iter().collect();
            return Ok((Done::Read { saved, read_at, before, unread, rev }, Vec::new()));
        }
        let read = Read { message_ids: new, read_at: self.now_ms, by: request.by.clone() };
        let reader = self.change(conversation, &request.by)?;
        reader.unread = reader.unread.saturating_sub(counted);
        reader.rev += 1;
        let (unread, rev) = (reader.unread, reader.rev);
        let author = self.change(conversation, &peer)?;
        author.rev += 1;
        let seen = State { read: Some(read.clone()), ..State::new(conversation, author.rev) };
        let own = State {
            read: Some(read),
            unread: Some(unread),
            socketid: request.socket.clone(),
            ..State::new(conversation, rev)
        };
        for user in [&peer, &request.by] {
            self.keep(conversation, user);
            self.writes.references.push(Reference::State(user.clone(), conversation));
        }
        let events = vec![(peer, Event::State(seen)), (request.by.clone(), Event::State(own))];
        before.remove(&self.now_ms);
        let before = before.into_iter().collect();
        Ok((Done::Read { saved, read_at: self.now_ms, before, unread, rev }, events))
    }

    pub(super) fn clear_unread(&mut self, request: &Request, conversation: ConversationId, up_to: u64) -> Outcome {
        let last_seq = self.loaded.conversations.get(&conversation).map_or(0, |row| row.last_seq);
        let up_to = up_to.min(last_seq);
        let left = if up_to == last_seq {
            0
        } else {
            // Counted before this batch; what the batch itself added is above any number that was counted from.
            let known = (conversation, request.by.clone(), up_to);
            let counted = self.loaded.unread_above.get(&known).copied().unwrap_or_default();
            let new = |message: &&super::NewMessage| {
                message.conversation == conversation
                    && message.from != request.by
                    && message.conv_seq > up_to
                    && message.kind.is_countable()
            };
            counted + self.writes.messages.iter().filter(new).count() as u64
        };
        let member = self.change(conversation, &request.by)?;
        if up_to <= member.cleared_seq && left >= member.unread {
            let (unread, rev) = (member.unread, member.rev);
            return Ok((Done::Cleared { unread, rev }, Vec::new()));
        }
        member.cleared_seq = member.cleared_seq.max(up_to);
        member.unread = left.min(member.unread);
        member.rev += 1;
        let (unread, rev) = (member.unread, member.rev);
        let state = State { unread: Some(unread), ..State::new(conversation, rev) };
        Ok((Done::Cleared { unread, rev }, self.own_state(request, state)))
    }

    pub(super) fn pin(&mut self, request: &Request, conversation: ConversationId, pinned: bool) -> Outcome {
        let member = self.change(conversation, &request.by)?;
        member.pinned = pinned;
        member.rev += 1;
        let state = State { pinned: Some(pinned), ..State::new(conversation, member.rev) };
        Ok((Done::Set { rev: state.rev }, self.own_state(request, state)))
    }

    pub(super) fn mute(&mut self, request: &Request, conversation: ConversationId, muted: bool) -> Outcome {
        let member = self.change(conversation, &request.by)?;
        member.muted = muted;
        member.rev += 1;
        let state = State { muted: Some(muted), ..State::new(conversation, member.rev) };
        Ok((Done::Set { rev: state.rev }, self.own_state(request, state)))
    }

    pub(super) fn save_draft(&mut self, request: &Request, conversation: ConversationId, text: &str) -> Outcome {
        let member = self.change(conversation, &request.by)?;
        member.draft = text.into();
        member.rev += 1;
        let state = State { draft: Some(text.into()), ..State::new(conversation, member.rev) };
        Ok((Done::Set { rev: state.rev }, self.own_state(request, state)))
    }

    /// Tells the user's other windows of what one of them changed.
    fn own_state(&mut self, request: &Request, state: State) -> Vec<(UserKey, Event)> {
        let (user, conversation) = (request.by.clone(), state.conversation_id);
        self.keep(conversation, &user);
        self.writes.references.push(Reference::State(user.clone(), conversation));
        vec![(user, Event::State(State { socketid: request.socket.clone(), ..state }))]
    }
}
