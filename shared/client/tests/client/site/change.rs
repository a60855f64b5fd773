//! Requests that change something, and what they push.

use super::{Asker, Conversation, Push, Refused, Site, Stored, number, sides};
use serde_json::{Value, json};

impl Site {
    pub(super) fn send(&mut self, asker: Asker<'_>, payload: &Value, pushes: &mut Vec<Push>) -> Result<Value, Refused> {
        let text = |key: &str| payload[key].as_str().map(str::to_owned).ok_or(("bad_request", "a field is missing"));
        let (temp, to, kind) = (text("temp_message_id")?, text("to_user_id")?, text("type")?);
        let digest = json!([to, kind, payload["message"]]);
        if let Some((known, answer)) = self.user(asker.user).sent.get(&temp) {
            return if *known == digest {
                Ok(answer.clone())
            } else {
                Err(("conflict", "another message of this name"))
            };
        }
        if payload["message"] == "forbidden words" {
            return Err(("refused", "not these words"));
        }
        let id = self.conversation_between(asker.user, &to);
        let stored = Stored {
            message_id: 0,
            temp_message_id: Some(temp.clone()),
            from: asker.user.to_owned(),
            to: to.clone(),
            kind,
            message: payload["message"].clone(),
            send_time: self.now,
            read_at: None,
            recalled: false,
        };
        let (conv_seq, v) = self.post(asker, id, stored, "messagePush", pushes);
        let message_id = self.conversations[&id].entries[conv_seq as usize - 1].message_id;
        let mut answer = json!({
            "temp_message_id": temp, "message_id": message_id.to_string(), "conversation_id": id.to_string(),
            "conv_seq": conv_seq, "send_time": self.now,
        });
        // The same answer again has no version: nothing was published for it.
        self.user(asker.user).sent.insert(temp, (digest, answer.clone()));
        answer["v"] = json!(v);
        Ok(answer)
    }

    pub(super) fn recall(
        &mut self,
        asker: Asker<'_>,
        payload: &Value,
        pushes: &mut Vec<Push>,
    ) -> Result<Value, Refused> {
        let (id, target) = self.find(asker.user, payload)?;
        let conversation = self.conversations.get_mut(&id).ok_or(("not_found", ""))?;
        let other = conversation.other(asker.user).to_owned();
        let entry = &mut conversation.entries[target as usize - 1];
        if entry.from != asker.user || entry.recalled || entry.kind == "recall" {
            return Err(("refused", "not to be recalled"));
        }
        entry.recalled = true;
        let recalled = json!({ "message_id": entry.message_id.to_string(), "conv_seq": target });
        let member = conversation.member(&other);
        if member.counted.remove(&target) {
            member.unread -= 1;
        }
        let stored = Stored {
            message_id: 0,
            temp_message_id: None,
            from: asker.user.to_owned(),
            to: other,
            kind: "recall".into(),
            message: recalled,
            send_time: self.now,
            read_at: None,
            recalled: false,
        };
        let (conv_seq, v) = self.post(asker, id, stored, "recallPush", pushes);
        Ok(json!({ "conversation_id": id.to_string(), "conv_seq": conv_seq, "v": v }))
    }

    pub(super) fn read(&mut self, asker: Asker<'_>, payload: &Value, pushes: &mut Vec<Push>) -> Result<Value, Refused> {
        let id = self.conversation_of(asker.user, payload)?;
        let ids: Vec<u64> = payload["message_ids"].as_array().into_iter().flatten().filter_map(number).collect();
        let read_at = self.now;
        let conversation = self.conversations.get_mut(&id).ok_or(("not_found", ""))?;
        let (mut saved, mut fresh) = (Vec::new(), Vec::new());
        let mut numbers = Vec::new();
        for (index, entry) in conversation.entries.iter_mut().enumerate() {
            if ids.contains(&entry.message_id) && entry.from != asker.user {
                saved.push(entry.message_id.to_string());
                // The first time stands.
                if entry.read_at.is_none() {
                    entry.read_at = Some(read_at);
                    fresh.push(entry.message_id.to_string());
                    numbers.push(index as u64 + 1);
                }
            }
        }
        let other = conversation.other(asker.user).to_owned();
        let member = conversation.member(asker.user);
        for number in numbers {
            if member.counted.remove(&number) {
                member.unread -= 1;
            }
        }
        let mark = json!({ "message_ids": fresh, "read_at": read_at, "by": asker.user });
        let v = self.change(asker, id, &[("read", mark.clone())], true, pushes);
        self.change(Asker { user: &other, socket: None }, id, &[("read", mark)], false, pushes);
        let (unread, rev) = self.unread(asker.user, id);
        Ok(json!({ "saved": saved, "read_at": read_at, "unread": unread, "rev": rev, "v": v }))
    }

    pub(super) fn delete(
        &mut self,
        asker: Asker<'_>,
        payload: &Value,
        pushes: &mut Vec<Push>,
    ) -> Result<Value, Refused> {
        let (id, conv_seq) = self.find(asker.user, payload)?;
        let v = self.change(asker, id, &[("deleted", json!([conv_seq]))], false, pushes);
        let (_, rev) = self.unread(asker.user, id);
        Ok(json!({ "conversation_id": id.to_string(), "conv_seq": conv_seq, "rev": rev, "v": v }))
    }

    pub(super) fn state(
        &mut self,
        asker: Asker<'_>,
        event: &str,
        payload: &Value,
        pushes: &mut Vec<Push>,
    ) -> Result<Value, Refused> {
        let id = self.conversation_of(asker.user, payload)?;
        let v = match event {
            "pinConversation" => self.change(asker, id, &[("pinned", payload["pinned"].clone())], false, pushes),
            "muteConversation" => self.change(asker, id, &[("muted", payload["muted"].clone())], false, pushes),
            "saveDraft" => self.change(asker, id, &[("draft", payload["text"].clone())], false, pushes),
            _ => {
                let up_to = payload["up_to"].as_u64().unwrap_or(0);
                if let Some(conversation) = self.conversations.get_mut(&id) {
                    let member = conversation.member(asker.user);
                    member.counted.retain(|number| *number > up_to);
                    member.unread = member.counted.len() as u64;
                }
                self.change(asker, id, &[], true, pushes)
            }
        };
        let (unread, rev) = self.unread(asker.user, id);
        let mut answer = json!({ "rev": rev, "v": v });
        if event == "clearUnread" {
            answer["unread"] = json!(unread);
        }
        Ok(answer)
    }

    fn conversation_between(&mut self, a: &str, b: &str) -> u64 {
        if let Some(id) = self.between(a, b) {
            return id;
        }
        let id = 100 * (self.conversations.len() as u64 + 1);
        self.conversations.insert(id, Conversation::new(a, b));
        debug_assert_eq!(self.conversations[&id].sides, sides(a, b));
        id
    }

    /// Puts an entry at the end; its number, and the version of who posted it.
    fn post(
        &mut self,
        asker: Asker<'_>,
        id: u64,
        mut stored: Stored,
        event: &'static str,
        pushes: &mut Vec<Push>,
    ) -> (u64, u64) {
        self.position += 1;
        stored.message_id = (self.now << 21) + self.position;
        let (position, is_countable) = (self.position, event == "messagePush");
        let conversation = self.conversations.get_mut(&id).expect("it was found");
        let other = stored.to.clone();
        conversation.entries.push(stored);
        let conv_seq = conversation.entries.len() as u64;
        conversation.member(asker.user).changed = position;
        let member = conversation.member(&other);
        member.changed = position;
        member.rev += 1;
        if is_countable {
            member.unread += 1;
            member.counted.insert(conv_seq);
        }
        for user in [asker.user, &other] {
            let v = self.raise(user);
            let conversation = &self.conversations[&id];
            let entry = &conversation.entries[conv_seq as usize - 1];
            let mut payload = entry.form(user, id, conv_seq);
            payload["v"] = json!(v);
            let mut except = asker.socket;
            if user == other {
                let (unread, rev) = self.unread(user, id);
                (payload["unread"], payload["rev"], except) = (json!(unread), json!(rev), None);
            }
            pushes.push(Push { user: user.to_owned(), except, event, payload });
        }
        (conv_seq, self.user(asker.user).v)
    }

    /// Changes what a conversation is to a user; the version of that.
    fn change(
        &mut self,
        asker: Asker<'_>,
        id: u64,
        values: &[(&str, Value)],
        with_unread: bool,
        pushes: &mut Vec<Push>,
    ) -> u64 {
        self.position += 1;
        let position = self.position;
        let member = self.conversations.get_mut(&id).expect("it was found").member(asker.user);
        member.rev += 1;
        member.changed = position;
        let mut payload = json!({ "conversation_id": id.to_string(), "rev": member.rev });
        for (name, value) in values {
            match *name {
                "pinned" => member.pinned = value == &json!(true),
                "muted" => member.muted = value == &json!(true),
                "draft" => member.draft = value.as_str().unwrap_or_default().to_owned(),
                "read" => member.reads.push((position, value.clone())),
                _ => {
                    let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_u64);
                    member.deleted.extend(numbers.map(|number| (number, position)));
                }
            }
            payload[*name] = value.clone();
        }
        if with_unread {
            payload["unread"] = json!(member.unread);
        }
        let v = self.raise(asker.user);
        payload["v"] = json!(v);
        pushes.push(Push { user: asker.user.to_owned(), except: asker.socket, event: "statePush", payload });
        v
    }
}
