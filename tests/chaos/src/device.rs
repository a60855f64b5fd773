//! A device of a user: an SDK client that talks, answers, reads, and sometimes is closed and started again.

use crate::chance::Chance;
use crate::record::{Line, Record, State};
use crate::screen::{Screen, line};
use crate::world::World;
use anyhow::{Context, ensure};
use client::rules::{Change, SendState, Sending};
use client::{Client, Event, Events, Options};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use types::{ConversationId, MessageId, MessageType, UserKey};

/// Messages of one device that may be in flight.
const MOST_IN_FLIGHT: usize = 6;
/// Between two things that a device does.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 40..=260;
/// Of 200 entries: far more than any round has.
const MOST_PAGES: usize = 1_000;
/// Longer than any client takes to come in while nothing is broken.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Device {
    pub(crate) user: UserKey,
    pub(crate) name: String,
    options: Options,
    /// Closed and started again now and then.
    pub(crate) restless: bool,
    peers: Vec<UserKey>,
    chance: Chance,
    said: u64,
    world: Arc<World>,
    life: Life,
    /// Names of its own messages that are in flight, over all lives.
    own: Arc<Mutex<HashSet<String>>>,
}

/// From one start of the client to its end.
struct Life {
    client: Client,
    seen: Arc<Seen>,
    heard: mpsc::Receiver<Heard>,
    reading: JoinHandle<()>,
    /// Requests that nobody waits for.
    asides: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    screen: Mutex<Screen>,
    syncs: AtomicU64,
}

/// A message of somebody else that has come up on the screen.
struct Heard {
    conversation: ConversationId,
    line: Line,
}

impl Device {
    pub(crate) async fn start(
        name: &str,
        user: UserKey,
        options: Options,
        peers: Vec<UserKey>,
        chance: Chance,
        world: Arc<World>,
    ) -> anyhow::Result<Self> {
        let own = Arc::default();
        let life = Life::start(&options, &user, &world, &own).await?;
        let name = name.to_owned();
        Ok(Self { user, name, options, restless: false, peers, chance, said: 0, world, life, own })
    }

    /// Waits until it has what there is.
    ///
    /// # Errors
    /// It took too long.
    pub(crate) async fn synced(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.life.seen.syncs.load(Ordering::SeqCst) == 0 {
            ensure!(begun.elapsed() < PATIENCE, "{} of {} does not sync", self.name, self.user);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Lives until all are told to stop.
    pub(crate) async fn live(mut self) -> anyhow::Result<Self> {
        let stop = self.world.stop.clone();
        while !stop.is_cancelled() {
            let pause = Duration::from_millis(self.chance.within(PAUSE_MS));
            let next = tokio::time::Instant::now() + pause;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(self),
                    () = tokio::time::sleep_until(next) => break,
                    Some(heard) = self.life.heard.recv() => self.hears(heard).await?,
                }
            }
            self.acts().await?;
        }
        Ok(self)
    }

    /// Brings the beginnings of all conversations onto the screen.
    ///
    /// # Errors
    /// A request was refused, or had no answer.
    pub(crate) async fn goes_back(&self) -> anyhow::Result<()> {
        for summary in self.life.client.conversations().await? {
            let id = summary.conversation_id;
            for _ in 0..MOST_PAGES {
                let view = self.life.client.conversation(id).await?;
                let is_whole = view.is_none_or(|view| view.floor == Some(1));
                if is_whole || !self.life.client.load_older(id, 200).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// What stands on it.
    ///
    /// # Errors
    /// The client has ended.
    pub(crate) async fn shows(&self) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        let (user, device) = (self.user.to_string(), self.name.clone());
        for summary in self.life.client.conversations().await? {
            let view = self.life.client.conversation(summary.conversation_id).await?.context("a conversation")?;
            let state = State {
                head: view.head.unwrap_or_default(),
                unread: summary.unread,
                pinned: summary.pinned,
                muted: summary.muted,
                draft: summary.draft.into(),
            };
            let conversation = summary.conversation_id.to_string();
            records.push(Record::State { user: user.clone(), device: device.clone(), conversation, state });
        }
        let screen = self.life.seen.screen.lock().clone();
        for (conversation, lines) in screen.0 {
            let conversation = conversation.to_string();
            records.push(Record::Shown { user: user.clone(), device: device.clone(), conversation, lines });
        }
        Ok(records)
    }

    pub(crate) async fn close(self) {
        self.life.end().await;
    }

    async fn acts(&mut self) -> anyhow::Result<()> {
        if self.restless && self.chance.once_in(120) {
            return self.begins_anew().await;
        }
        if self.chance.once_in(25) {
            self.tidies();
        }
        let to = self.peers[self.chance.below(self.peers.len())].clone();
        self.says(to, None).await
    }

    async fn hears(&mut self, heard: Heard) -> anyhow::Result<()> {
        if self.chance.once_in(3) {
            self.life.client.read(heard.conversation, vec![MessageId(heard.line.id)]).await?;
        }
        if self.chance.once_in(8) {
            self.says(heard.line.from.parse()?, Some(heard.line.name)).await?;
        }
        Ok(())
    }

    async fn says(&mut self, to: UserKey, answers: Option<String>) -> anyhow::Result<()> {
        if self.own.lock().len() >= MOST_IN_FLIGHT {
            return Ok(());
        }
        self.said += 1;
        let name = format!("{}/{}/{}", self.user, self.name, self.said);
        let (from, device) = (self.user.to_string(), self.name.clone());
        self.world.note(Record::Said { name: name.clone(), from, device, to: to.to_string(), answers });
        self.own.lock().insert(name.clone());
        self.world.departs();
        self.life.client.send_as(&name, &to, MessageType::Text, &name).await?;
        Ok(())
    }

    /// Changes something about a conversation, and does not wait for it.
    fn tidies(&mut self) {
        let known: Vec<_> = self.life.seen.screen.lock().0.keys().copied().collect();
        let Some(id) = known.get(self.chance.below(known.len())) else { return };
        let (event, payload): (&str, Value) = match self.chance.below(3) {
            0 => ("pinConversation", json!({"conversation_id": id, "pinned": self.chance.once_in(2)})),
            1 => ("muteConversation", json!({"conversation_id": id, "muted": self.chance.once_in(2)})),
            _ => ("saveDraft", json!({"conversation_id": id, "text": format!("{} {}", self.name, self.said)})),
        };
        let client = self.life.client.clone();
        self.life.asides.spawn(async move {
            // Whether it was done or not, all devices must agree about it.
            client.request(event, &payload).await.ok();
        });
        while self.life.asides.try_join_next().is_some() {}
    }

    /// The application is closed, and started again later. What was queued is in its file.
    async fn begins_anew(&mut self) -> anyhow::Result<()> {
        let away = Duration::from_millis(self.chance.within(50..=4_000));
        self.life.close().await;
        tokio::time::sleep(away).await;
        self.life = Life::start(&self.options, &self.user, &self.world, &self.own).await?;
        Ok(())
    }
}

impl Life {
    async fn start(
        options: &Options,
        user: &UserKey,
        world: &Arc<World>,
        own: &Arc<Mutex<HashSet<String>>>,
    ) -> anyhow::Result<Self> {
        let (client, events) = Client::start(options.clone()).await?;
        let seen = Arc::<Seen>::default();
        let (tell, heard) = mpsc::channel(32);
        let reader = Reader { user: user.clone(), world: world.clone(), seen: seen.clone(), own: own.clone(), tell };
        let reading = tokio::spawn(reader.read(events));
        Ok(Self { client, seen, heard, reading, asides: JoinSet::new() })
    }

    async fn close(&mut self) {
        self.asides.abort_all();
        self.client.clone().close().await;
        // All that it had to say is read.
        (&mut self.reading).await.ok();
    }

    async fn end(mut self) {
        self.close().await;
    }
}

/// Reads the events of a client all the time.
struct Reader {
    user: UserKey,
    world: Arc<World>,
    seen: Arc<Seen>,
    own: Arc<Mutex<HashSet<String>>>,
    tell: mpsc::Sender<Heard>,
}

impl Reader {
    async fn read(self, mut events: Events) {
        while let Some(event) = events.next().await {
            let Event::Change(change) = event else { continue };
            self.seen.screen.lock().apply(&change);
            match &*change {
                Change::Added { entry, .. } => {
                    let is_foreign = |line: &Line| !line.from.is_empty() && line.from != self.user.as_str();
                    let (conversation, line) = (entry.conversation_id(), line(entry));
                    if is_foreign(&line) {
                        // Who is busy does not look at everything.
                        self.tell.try_send(Heard { conversation, line }).ok();
                    }
                }
                Change::Sending(sending) => self.fares(sending),
                Change::Synced { .. } => {
                    self.seen.syncs.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
        }
    }

    fn fares(&self, sending: &Sending) {
        let name = sending.message.temp_message_id.to_string();
        let record = match &sending.state {
            SendState::Pending | SendState::Discarded => return,
            SendState::Sent { message_id, conversation_id, conv_seq } => Record::Kept {
                name: name.clone(),
                conversation: conversation_id.to_string(),
                number: *conv_seq,
                id: message_id.0,
            },
            SendState::Failed { refusal } => Record::Failed { name: name.clone(), why: refusal.to_string() },
        };
        self.world.note(record);
        if self.own.lock().remove(&name) {
            self.world.lands();
        }
    }
}
