//! Requests that read: history, and the sync with its pages.
//!
//! A token here is `generation.position`, a cursor `generation.v.position` of the first page, and in the list the place.
//! The last page gives what the first began with: what changes while pages are read is behind it.

use super::{Refused, Site};
use serde_json::{Value, json};

/// Entries of each conversation in the first sync.
const NEWEST: u64 = 20;

impl Site {
    pub(super) fn history(&mut self, user: &str, payload: &Value) -> Result<Value, Refused> {
        let id = self.conversation_of(user, payload)?;
        let last = self.conversations[&id].entries.len() as u64;
        let limit = payload["limit"].as_u64().unwrap_or(50).clamp(1, 200);
        let (from, to, more) = if let Some(after) = payload["after"].as_u64() {
            let to = last.min(after + limit);
            (after + 1, to, to < last)
        } else {
            let to = payload["before"].as_u64().map_or(last, |before| last.min(before.saturating_sub(1)));
            let from = to.saturating_sub(limit - 1).max(1);
            (from, to, from > 1)
        };
        let messages: Vec<Value> = (from..=to).map(|conv_seq| self.entry(user, id, conv_seq)).collect();
        Ok(json!({ "messages": messages, "more": more }))
    }

    pub(super) fn sync(&mut self, user: &str, payload: &Value) -> Value {
        let Some(token) = payload["token"].as_str() else {
            return self.list(user, payload["cursor"].as_str(), false);
        };
        let numbers: Vec<u64> = token.split('.').flat_map(str::parse).collect();
        let [of, since] = numbers[..] else { return self.list(user, None, true) };
        let begun = self.begun(user, payload["cursor"].as_str());
        let end = |messages: Vec<Value>| {
            let mut page = json!({ "conversations": [], "messages": messages, "more": false });
            begun.sign(&mut page);
            page
        };
        let changed: Vec<u64> = self.changed(user, since);
        let Some(heads) = payload["heads"].as_object() else {
            let nothing_missed = of == begun.generation && payload["v"].as_u64() == Some(begun.v);
            if nothing_missed || changed.is_empty() {
                return end(Vec::new());
            }
            let names: Vec<Value> = changed.iter().map(|id| self.summary(user, *id, since)).collect();
            return json!({ "conversations": names, "messages": [], "more": true, "cursor": begun.to_string() });
        };
        let mut room = if self.page == 0 { 200 } else { self.page };
        let mut messages = Vec::new();
        let mut all = true;
        for (id, head) in heads.iter().filter_map(|(id, head)| Some((id.parse::<u64>().ok()?, head.as_u64()?))) {
            let Some(last) = self.conversations.get(&id).map(|one| one.entries.len() as u64) else { continue };
            let from = if head == 0 { last.saturating_sub(NEWEST) } else { head };
            let to = last.min(from + room as u64);
            messages.extend((from + 1..=to).map(|conv_seq| self.entry(user, id, conv_seq)));
            room -= (to.saturating_sub(from)) as usize;
            all &= to == last;
        }
        let unnamed: Vec<u64> = changed.into_iter().filter(|id| !heads.contains_key(&id.to_string())).collect();
        if all && unnamed.is_empty() {
            return end(messages);
        }
        let names: Vec<Value> = unnamed.iter().map(|id| self.summary(user, *id, since)).collect();
        json!({ "conversations": names, "messages": messages, "more": true, "cursor": begun.to_string() })
    }

    fn changed(&self, user: &str, since: u64) -> Vec<u64> {
        let mine = self.conversations.iter().filter(|(_, one)| one.sides.iter().any(|side| side == user));
        mine.filter(|(_, one)| one.changed(user) > since).map(|(id, _)| *id).collect()
    }

    /// A page of the list, newest first.
    fn list(&mut self, user: &str, cursor: Option<&str>, reset: bool) -> Value {
        let begun = self.begun(user, cursor);
        let place = cursor.and_then(|cursor| cursor.split('.').nth(3)?.parse().ok()).unwrap_or(u64::MAX);
        let mut all: Vec<(u64, u64)> =
            self.changed(user, 0).into_iter().map(|id| (self.conversations[&id].changed(user), id)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let rest: Vec<(u64, u64)> = all.iter().copied().filter(|(changed, _)| *changed < place).collect();
        let size = if self.list_page == 0 { 50 } else { self.list_page };
        let mut ids: Vec<u64> = rest.iter().take(size).map(|(_, id)| *id).collect();
        let more = rest.len() > size;
        if !more && cursor.is_some() {
            // What has moved to the front since the first page was not in any page.
            ids.extend(
                all.iter()
                    .filter(|(changed, id)| *changed > begun.position && !ids.contains(id))
                    .map(|(_, id)| *id)
                    .collect::<Vec<_>>(),
            );
        }
        let mut messages = Vec::new();
        for id in &ids {
            let last = self.conversations[id].entries.len() as u64;
            messages.extend((last.saturating_sub(NEWEST) + 1..=last).map(|conv_seq| self.entry(user, *id, conv_seq)));
        }
        let names: Vec<Value> = ids.iter().map(|id| self.summary(user, *id, u64::MAX)).collect();
        let mut page = json!({ "conversations": names, "messages": messages, "more": more });
        if more {
            page["cursor"] = json!(format!("{begun}.{}", rest[size - 1].0));
        } else {
            begun.sign(&mut page);
        }
        if reset {
            page["reset"] = json!(true);
        }
        page
    }

    /// What the sync of this cursor began with; one without begins now.
    fn begun(&mut self, user: &str, cursor: Option<&str>) -> Begun {
        let numbers: Vec<u64> = cursor.into_iter().flat_map(|cursor| cursor.split('.')).flat_map(str::parse).collect();
        let position = self.position;
        let user = self.user(user);
        match numbers[..] {
            [generation, v, position, ..] => Begun { generation, v, position },
            _ => Begun { generation: user.generation, v: user.v, position },
        }
    }
}

/// How things were before a sync looked at the store.
struct Begun {
    generation: u64,
    v: u64,
    position: u64,
}

impl Begun {
    fn sign(&self, page: &mut Value) {
        page["token"] = json!(format!("{}.{}", self.generation, self.position));
        (page["v"], page["lists_rev"]) = (json!(self.v), json!(1));
    }
}

impl std::fmt::Display for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.generation, self.v, self.position)
    }
}
