//! A site in memory that keeps the contract of stored messages: conversations, duplicates by `temp_message_id`, versions,
//! pages of a sync. Pure: a request in, its answer and the pushes that it causes out.

mod change;
mod forms;
mod sync;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Users are plain keys here, conversations and messages plain numbers.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pub(crate) conversations: BTreeMap<u64, Conversation>,
    users: BTreeMap<String, User>,
    /// Counts every change of the store.
    position: u64,
    now: u64,
    /// Messages in one page of a sync; 0 is the default.
    pub(crate) page: usize,
    /// Conversations in one page of the first sync; 0 is the default.
    pub(crate) list_page: usize,
    /// What requests were asked, for tests to look at.
    pub(crate) asked: BTreeMap<String, usize>,
}

#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) sides: [String; 2],
    pub(crate) entries: Vec<Stored>,
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Clone)]
pub(crate) struct Stored {
    message_id: u64,
    pub(crate) temp_message_id: Option<String>,
    pub(crate) from: String,
    to: String,
    kind: String,
    pub(crate) message: Value,
    send_time: u64,
    read_at: Option<u64>,
    pub(crate) recalled: bool,
}

/// What a conversation is to one of its sides.
#[derive(Debug, Default)]
struct Member {
    unread: u64,
    pinned: bool,
    muted: bool,
    draft: String,
    rev: u64,
    /// Of the last change, of an entry or of this row.
    changed: u64,
    reads: Vec<(u64, Value)>,
    deleted: BTreeMap<u64, u64>,
    counted: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct User {
    v: u64,
    generation: u64,
    sent: BTreeMap<String, (Value, Value)>,
}

/// An event for the sockets of a user.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) user: String,
    /// The socket that gets an answer instead.
    pub(crate) except: Option<u64>,
    pub(crate) event: &'static str,
    pub(crate) payload: Value,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a str,
    pub(crate) socket: Option<u64>,
}

impl Site {
    pub(crate) fn ask(&mut self, asker: Asker<'_>, event: &str, payload: &Value) -> (Value, Vec<Push>) {
        *self.asked.entry(event.to_owned()).or_default() += 1;
        self.now += 1;
        let mut pushes = Vec::new();
        let outcome = match event {
            "sendMessage" => self.send(asker, payload, &mut pushes),
            "ackMessage" => Ok(json!({})),
            "sync" => Ok(self.sync(asker.user, payload)),
            "history" => self.history(asker.user, payload),
            "readMessage" => self.read(asker, payload, &mut pushes),
            "recallMessage" => self.recall(asker, payload, &mut pushes),
            "deleteMessage" => self.delete(asker, payload, &mut pushes),
            "pinConversation" | "muteConversation" | "saveDraft" | "clearUnread" => {
                self.state(asker, event, payload, &mut pushes)
            }
            "getPresence" => Ok(json!({ "users": [] })),
            _ => Err(("bad_request", "no such event")),
        };
        let answer = match outcome {
            Ok(mut answer) => {
                answer["ok"] = json!(true);
                answer
            }
            Err((code, message)) => json!({ "ok": false, "error": { "code": code, "message": message } }),
        };
        (answer, pushes)
    }

    /// Redis forgets how far it has counted.
    pub(crate) fn forget_versions(&mut self) {
        self.position += 1;
        for user in self.users.values_mut() {
            (user.v, user.generation) = (0, self.position);
        }
    }

    /// The conversation of two, if they have one.
    pub(crate) fn between(&self, a: &str, b: &str) -> Option<u64> {
        let pair = sides(a, b);
        self.conversations.iter().find(|(_, conversation)| conversation.sides == pair).map(|(id, _)| *id)
    }

    fn user(&mut self, user: &str) -> &mut User {
        self.users.entry(user.to_owned()).or_default()
    }

    /// The next version of what is sent to a user.
    fn raise(&mut self, user: &str) -> u64 {
        let user = self.user(user);
        user.v += 1;
        user.v
    }

    fn conversation_of(&self, user: &str, payload: &Value) -> Result<u64, Refused> {
        let id = number(&payload["conversation_id"]).ok_or(("bad_request", "conversation_id"))?;
        let conversation = self.conversations.get(&id).ok_or(("not_found", "no such conversation"))?;
        if conversation.sides.iter().any(|side| side == user) { Ok(id) } else { Err(("forbidden", "not yours")) }
    }

    /// The place of a message that the user may see.
    fn find(&self, user: &str, payload: &Value) -> Result<(u64, u64), Refused> {
        let message = number(&payload["message_id"]).ok_or(("bad_request", "message_id"))?;
        for (id, conversation) in self.conversations.iter().filter(|(_, one)| one.sides.iter().any(|side| side == user))
        {
            if let Some(index) = conversation.entries.iter().position(|entry| entry.message_id == message) {
                return Ok((*id, index as u64 + 1));
            }
        }
        Err(("not_found", "no such message"))
    }
}

type Refused = (&'static str, &'static str);

fn sides(a: &str, b: &str) -> [String; 2] {
    let mut pair = [a.to_owned(), b.to_owned()];
    pair.sort();
    pair
}

/// A number of 64 bits, which JSON has as a string.
fn number(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

impl Conversation {
    fn new(a: &str, b: &str) -> Self {
        let sides = sides(a, b);
        let members = sides.iter().map(|side| (side.clone(), Member::default())).collect();
        Self { sides, entries: Vec::new(), members }
    }

    pub(crate) fn other(&self, user: &str) -> &str {
        if self.sides[0] == user { &self.sides[1] } else { &self.sides[0] }
    }

    fn member(&mut self, user: &str) -> &mut Member {
        self.members.entry(user.to_owned()).or_default()
    }
}
