//! A client and its site, with a network between them that delays, repeats and loses; and what an application shows, made
//! of nothing but the changes that it is told.

use crate::model::Step;
use crate::site::{Asker, Push, Site};
use client::rules::{Bounds, Change, Init, Outgoing, Output, Pace, Rules, SendState};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use types::{ConversationId, MessageType};

pub(crate) const ME: &str = "8";
pub(crate) const PEERS: [&str; 3] = ["m1", "m2", "m3"];
/// A request without an answer counts as lost.
const PATIENCE_MS: u64 = 10_000;

/// What is on its way to the client.
#[derive(Debug)]
enum Travelling {
    Push(Push),
    Answer(u64, Value),
    Lost(u64),
}

pub(crate) struct World {
    site: Site,
    rules: Rules,
    now: u64,
    connected: bool,
    /// By when it arrives; the second number keeps those apart that arrive at once.
    travelling: BTreeMap<(u64, u64), Travelling>,
    count: u64,
    random: u64,
    /// Of a hundred, how many pushes, requests and answers are lost.
    loss: u64,
    /// What the application shows, made of nothing but changes.
    shown: BTreeMap<u64, Vec<(u64, Value)>>,
    summaries: BTreeMap<u64, Value>,
    sending: BTreeMap<String, SendState>,
    texts: u64,
    /// What had not gone before the last reconnect.
    stuck: Option<String>,
    /// All that happened, for whoever has to find out why.
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, loss: u64, page: usize, keep: usize) -> Self {
        let mut site = Site::default();
        (site.page, site.list_page) = (page, 2);
        let mut world = Self {
            site,
            rules: Rules::new(Bounds { entries: keep, sends: 1_000 }, Pace::new(seed)),
            now: 1,
            connected: false,
            travelling: BTreeMap::new(),
            count: 0,
            random: seed | 1,
            loss,
            shown: BTreeMap::new(),
            summaries: BTreeMap::new(),
            sending: BTreeMap::new(),
            texts: 0,
            stuck: None,
            log: Vec::new(),
        };
        world.connect();
        world
    }

    fn below(&mut self, bound: u64) -> u64 {
        // Xorshift; the strategy seeds it.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn is_lost(&mut self) -> bool {
        let loss = self.loss;
        self.below(100) < loss
    }

    fn travel(&mut self, after: u64, what: Travelling) {
        self.count += 1;
        self.travelling.insert((self.now + after, self.count), what);
    }

    fn connect(&mut self) {
        self.connected = true;
        let init = Init { user: ME.parse().unwrap(), degraded: false };
        self.put(|rules, now, out| rules.connected(now, init, out));
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.travelling.clear();
        self.put(|rules, now, out| rules.disconnected(now, out));
    }

    fn put(&mut self, input: impl FnOnce(&mut Rules, u64, &mut Vec<Output>)) {
        let mut out = Vec::new();
        input(&mut self.rules, self.now, &mut out);
        for output in out {
            self.log.push(format!("{}   -> {}", self.now, serde_json::to_string(&output).unwrap()));
            match output {
                Output::Request(request) => {
                    let payload = serde_json::from_str(request.payload.get()).unwrap();
                    self.ask(request.id, &request.event, &payload);
                }
                Output::Change(change) => self.show(change),
                Output::Done(_) => {}
            }
        }
    }

    /// A request of the client; it, or its answer, may be lost.
    fn ask(&mut self, id: u64, event: &str, payload: &Value) {
        assert!(self.connected, "{event} without a connection");
        if self.is_lost() {
            return self.travel(PATIENCE_MS, Travelling::Lost(id));
        }
        let (answer, pushes) = self.site.ask(Asker { user: ME, socket: Some(1) }, event, payload);
        let after = self.below(60);
        match self.is_lost() {
            true => self.travel(PATIENCE_MS, Travelling::Lost(id)),
            false => self.travel(after, Travelling::Answer(id, answer)),
        }
        self.publish(pushes);
    }

    fn elsewhere(&mut self, user: &str, event: &str, payload: &Value) {
        let (_, pushes) = self.site.ask(Asker { user, socket: None }, event, payload);
        self.publish(pushes);
    }

    fn publish(&mut self, pushes: Vec<Push>) {
        for push in pushes.into_iter().filter(|push| push.user == ME && push.except != Some(1)) {
            if !self.connected || self.is_lost() {
                continue;
            }
            let after = self.below(150);
            if self.below(10) == 0 {
                let again = self.below(5_000);
                self.travel(again, Travelling::Push(push.clone()));
            }
            self.travel(after, Travelling::Push(push));
        }
    }

    /// Lets time pass, with all that it brings.
    fn run(&mut self, until: u64) {
        loop {
            let arrival = self.travelling.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.rules.due()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, what) = self.travelling.pop_first().unwrap();
                self.arrive(what);
            } else {
                self.put(|rules, now, out| rules.tick(now, out));
            }
        }
        self.now = until;
    }

    fn arrive(&mut self, what: Travelling) {
        self.log.push(format!("{} <- {what:?}", self.now));
        match what {
            Travelling::Push(push) => {
                let payload = to_raw_value(&push.payload).unwrap();
                self.put(|rules, now, out| rules.pushed(now, push.event, &payload, out));
            }
            Travelling::Answer(id, answer) => {
                let answer = to_raw_value(&answer).unwrap();
                self.put(|rules, now, out| rules.answered(now, id, Some(&answer), out));
            }
            Travelling::Lost(id) => self.put(|rules, now, out| rules.answered(now, id, None, out)),
        }
    }

    fn show(&mut self, change: Change) {
        match change {
            Change::Added { entry, before } => {
                let list = self.shown.entry(entry.conversation_id().0).or_default();
                let place = before.map_or(list.len(), |before| {
                    list.iter().position(|(number, _)| *number == before).expect("it is there")
                });
                list.insert(place, (entry.conv_seq(), serde_json::to_value(&entry).unwrap()));
            }
            Change::Updated { entry } => {
                let list = self.shown.entry(entry.conversation_id().0).or_default();
                let shown = list.iter_mut().find(|(number, _)| *number == entry.conv_seq()).expect("it is there");
                shown.1 = serde_json::to_value(&entry).unwrap();
            }
            Change::Forgotten { conversation_id, below } => {
                self.shown.entry(conversation_id.0).or_default().retain(|(number, _)| *number >= below);
            }
            Change::Conversation(summary) => {
                self.summaries.insert(summary.conversation_id.0, serde_json::to_value(&summary).unwrap());
            }
            Change::Sending(sending) => {
                self.sending.insert(sending.message.temp_message_id.to_string(), sending.state);
            }
            _ => {}
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        self.log.push(format!("{} == {step:?}", self.now));
        match *step {
            Step::Hears(peer) => self.write(PEERS[peer], ME),
            Step::SaysElsewhere(peer) => self.write(ME, PEERS[peer]),
            Step::Says(peer) => {
                self.texts += 1;
                let message = Outgoing {
                    temp_message_id: format!("t{}", self.texts).into(),
                    to_user_id: PEERS[peer].parse().unwrap(),
                    kind: MessageType::Text.into(),
                    message: to_raw_value(&format!("text {}", self.texts)).unwrap(),
                    made_at: self.now,
                };
                self.put(|rules, _, out| rules.send(message, out).unwrap());
            }
            Step::Recalled(peer) => self.at_last(PEERS[peer], PEERS[peer], "recallMessage"),
            Step::DeletesElsewhere(peer) => self.at_last(PEERS[peer], ME, "deleteMessage"),
            Step::ReadBy(peer) => self.read_all(PEERS[peer], PEERS[peer]),
            Step::ReadsElsewhere(peer) => self.read_all(ME, PEERS[peer]),
            Step::PinsElsewhere(peer, pinned) => self.state("pinConversation", peer, json!({ "pinned": pinned }), true),
            Step::DraftsElsewhere(peer, text) => {
                self.state("saveDraft", peer, json!({ "text": format!("{}", text % 3) }), true);
            }
            Step::Pins(peer, pinned) => self.state("pinConversation", peer, json!({ "pinned": pinned }), false),
            Step::Reads(peer) => {
                let Some((id, list)) = self.shown_of(peer) else { return };
                let theirs = list.iter().filter(|(_, entry)| entry["from_user_id"] == PEERS[peer]);
                let ids: Vec<_> = theirs.filter_map(|(_, entry)| entry["message_id"].as_str()?.parse().ok()).collect();
                self.put(|rules, now, _| rules.read(now, ConversationId(id), &ids));
            }
            Step::Recalls(peer) => {
                let Some((_, list)) = self.shown_of(peer) else { return };
                let own = list.iter().rev().find(|(_, entry)| entry["from_user_id"] == ME);
                let Some(payload) = own.map(|(_, entry)| json!({ "message_id": entry["message_id"] })) else { return };
                self.put(|rules, _, out| rules.ask(0, "recallMessage", &to_raw_value(&payload).unwrap(), out));
            }
            Step::GoesBack(peer) => {
                let Some((id, _)) = self.shown_of(peer) else { return };
                self.put(|rules, now, out| rules.load_older(now, 0, ConversationId(id), 5, out));
            }
            Step::Waits(ms) => self.run(self.now + u64::from(ms)),
            Step::Reconnects(after) => {
                self.disconnect();
                self.run(self.now + u64::from(after));
                self.connect();
            }
            Step::RedisForgets => self.site.forget_versions(),
        }
    }

    fn write(&mut self, from: &str, to: &str) {
        self.texts += 1;
        let payload = json!({
            "temp_message_id": format!("e{}", self.texts), "to_user_id": to, "type": "text",
            "message": format!("text {}", self.texts),
        });
        self.elsewhere(from, "sendMessage", &payload);
    }

    /// The user does something to the last message of somebody.
    fn at_last(&mut self, of: &str, user: &str, event: &str) {
        let peer = if user == ME { of } else { user };
        let Some(id) = self.site.between(ME, peer) else { return };
        let entries = self.site.entries(of, id);
        let last = entries.iter().rev().find(|entry| entry["from_user_id"] == of && entry["type"] == "text");
        let Some(payload) = last.map(|entry| json!({ "message_id": entry["message_id"] })) else { return };
        self.elsewhere(user, event, &payload);
    }

    fn read_all(&mut self, user: &str, peer: &str) {
        let Some(id) = self.site.between(ME, peer) else { return };
        let entries = self.site.entries(user, id);
        let ids: Vec<&Value> = entries.iter().map(|entry| &entry["message_id"]).filter(|id| !id.is_null()).collect();
        let payload = json!({ "conversation_id": id.to_string(), "message_ids": ids });
        self.elsewhere(user, "readMessage", &payload);
    }

    fn state(&mut self, event: &str, peer: usize, mut payload: Value, elsewhere: bool) {
        let Some(id) = self.site.between(ME, PEERS[peer]) else { return };
        payload["conversation_id"] = json!(id.to_string());
        if elsewhere {
            return self.elsewhere(ME, event, &payload);
        }
        self.put(|rules, _, out| rules.ask(0, event, &to_raw_value(&payload).unwrap(), out));
    }

    fn shown_of(&self, peer: usize) -> Option<(u64, &Vec<(u64, Value)>)> {
        let id = self.site.between(ME, PEERS[peer])?;
        Some((id, self.shown.get(&id)?))
    }

    /// Nothing is lost any more, and all has come to rest.
    pub(crate) fn come_to_rest(&mut self) {
        self.loss = 0;
        self.run(self.now + 120_000);
        let waits = self.sending.values().filter(|state| matches!(state, SendState::Pending)).count();
        self.stuck = (waits > 0).then(|| format!("{waits} messages wait though nothing is in their way"));
        self.disconnect();
        self.connect();
        self.run(self.now + 60_000);
    }

    /// Whether the client has what the site has; what differs first, if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.stuck.clone().map_or(Ok(()), Err)?;
        same("all that travelled, and syncing", &(self.travelling.len(), !self.rules.is_synced()), &(0, false))?;
        same("what is due", &self.rules.due(), &None)?;
        for id in self.site.conversations.keys() {
            self.check_conversation(*id)?;
        }
        for (name, state) in &self.sending {
            let SendState::Sent { message_id, .. } = state else { return Err(format!("{name} is {state:?}")) };
            let stored = self.site.conversations.keys().flat_map(|id| self.site.entries(ME, *id));
            let found = stored.filter(|entry| entry["message_id"] == message_id.to_string()).count();
            same(name, &found, &1)?;
        }
        Ok(())
    }

    fn check_conversation(&self, id: u64) -> Result<(), String> {
        let stored = self.site.entries(ME, id);
        let view = self.rules.view(ConversationId(id)).ok_or(format!("{id} is not known"))?;
        let kept: Vec<Value> = view.entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect();
        let floor = view.floor.ok_or(format!("{id} has no floor"))?;
        same("head and waiting", &(view.head, view.waiting.len()), &(Some(stored.len() as u64), 0))?;
        same("entries that are kept", &(kept.len() as u64), &(stored.len() as u64 + 1 - floor))?;
        for (kept, stored) in kept.iter().zip(&stored[floor as usize - 1..]) {
            same("an entry", kept, stored)?;
        }
        let shown: Vec<&Value> = self.shown.get(&id).into_iter().flatten().map(|(_, entry)| entry).collect();
        same("what is shown", &shown, &kept.iter().collect())?;
        let (told, summary) = (&self.summaries[&id], self.site.summary(ME, id, u64::MAX));
        ["user_id", "unread", "pinned", "muted", "draft"]
            .iter()
            .try_for_each(|name| same(name, &told[name], &summary[name]))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, here: &T, there: &T) -> Result<(), String> {
    if here == there { Ok(()) } else { Err(format!("{what}\n  client: {here:?}\n  site:   {there:?}")) }
}
