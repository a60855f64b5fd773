//! The client's one task: it owns the connection, the rules and the lifeline, hands to each what concerns it, and carries out
//! what they say.
//!
//! ```text
//!   commands ─┐                     ┌─► connection
//!   heard ────┼─► lifeline, rules ──┼─► events
//!   time ─────┘                     └─► journal
//! ```

mod command;
mod outputs;

pub(crate) use command::Command;

use crate::client::Sent;
use crate::connection::{Connection, Failed, Heard, Opened, payload};
use crate::error::Error;
use crate::event::Event;
use crate::journal::{Kept, Writer};
use crate::lifeline::{End, Lifeline, Lost, Order};
use crate::options::Options;
use crate::rules::{Init, Outcome, Output, Pace, Rules};
use crate::transport::Address;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Events that wait beyond the channel, before nothing more is read from the connection.
const MOST_BEYOND: usize = 1_000;

/// What is asked of a connection that is in doubt: as little as there is to ask.
const PROBE: (&str, &str) = ("getPresence", r#"{"user_ids":[]}"#);
/// Its number; the rules count from 1.
const PROBE_ID: u64 = 0;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// With nothing due: long enough to cost nothing.
const LONG: Duration = Duration::from_secs(3600);

type Outcomes<T> = HashMap<Box<str>, oneshot::Sender<Result<T, Error>>>;

pub(crate) struct Task {
    options: Options,
    addresses: Vec<Address>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    journal: Option<Writer>,
    link: Link,
    lifeline: Lifeline,
    rules: Rules,
    /// Requests under way, by when they count as lost. The numbers rise, and so do the times.
    deadlines: BTreeMap<u64, u64>,
    tickets: HashMap<u64, oneshot::Sender<Outcome>>,
    last_ticket: u64,
    sends: Outcomes<Sent>,
    /// Events for which the channel had no room.
    beyond: VecDeque<Event>,
    outputs: Vec<Output>,
    /// The server has said that this client may not be where it wants to be.
    denied: bool,
    /// It may go on after the end, when it is somebody again.
    ended: Option<End>,
    /// Since when, and what time it was: the clock of a client does not go back.
    begun: (Instant, u64),
}

/// What there is of a connection.
enum Link {
    None,
    Opening(Pin<Box<dyn Future<Output = Result<Opened, Failed>> + Send>>),
    Open(Box<Connection>),
}

/// What woke the task.
enum Wake {
    Command(Option<Command>),
    Step(Step),
    Time,
}

enum Step {
    Opened(Box<Result<Opened, Failed>>),
    Heard(Result<Heard, Lost>),
}

impl Link {
    /// What comes next. Nothing is lost if this is dropped.
    async fn next(&mut self) -> Step {
        match self {
            Self::None => pending().await,
            Self::Opening(opening) => Step::Opened(Box::new(opening.await)),
            Self::Open(connection) => Step::Heard(poll_fn(|cx| connection.poll_heard(cx)).await),
        }
    }
}

impl Task {
    pub(crate) fn new(
        options: Options,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
        journal: Option<Writer>,
    ) -> Result<Box<Self>, Error> {
        let addresses = options.addresses.iter().map(|text| Address::parse(text)).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() {
            return Err(Error::Address("there is no address".into()));
        }
        let seed = options.seed.unwrap_or_else(|| getrandom::u64().unwrap_or_default());
        let lifeline = Lifeline::new(options.timing.clone(), options.transports, addresses.len(), Pace::new(seed));
        let rules = Rules::new(options.bounds, Pace::new(!seed));
        Ok(Box::new(Self {
            addresses,
            commands,
            events,
            journal,
            link: Link::None,
            lifeline,
            rules,
            deadlines: BTreeMap::new(),
            tickets: HashMap::new(),
            last_ticket: 0,
            sends: HashMap::new(),
            beyond: VecDeque::new(),
            outputs: Vec::new(),
            denied: false,
            ended: None,
            begun: (Instant::now(), crate::client::now_ms()),
            options,
        }))
    }

    /// Runs until the client is closed, or its last handle is gone. `journal_over` tells when the queue's file is free.
    pub(crate) async fn run(mut self: Box<Self>, kept: Vec<Kept>, journal_over: Option<oneshot::Receiver<()>>) {
        for Kept { message, failed } in kept {
            self.rules.restore(message, failed, &mut self.outputs);
        }
        self.carry_out_outputs().await;
        let closed = self.live().await;
        self.lifeline.end();
        if let Link::Open(connection) = std::mem::replace(&mut self.link, Link::None) {
            Box::pin(timeout(GOODBYE, connection.close())).await.ok();
        }
        self.tell(Event::Ended(End::Closed));
        if let Some(journal) = &self.journal {
            // Other handles may hold it too.
            journal.end().await;
        }
        // What was waited for in vain is told so by what is dropped here.
        drop(self);
        if let Some(journal_over) = journal_over {
            journal_over.await.ok();
        }
        if let Some(closed) = closed {
            closed.send(()).ok();
        }
    }

    /// Until somebody closes it, who is to be told; or nobody is left.
    async fn live(&mut self) -> Option<oneshot::Sender<()>> {
        let mut sleep = Box::pin(sleep_until(self.begun.0));
        loop {
            self.tick().await;
            self.wake_at_next(&mut sleep);
            match self.wake(&mut sleep).await {
                Wake::Command(Some(Command::Close { done })) => return Some(done),
                // What is rare takes memory only while it runs.
                Wake::Command(Some(command)) => Box::pin(self.obey(command)).await,
                Wake::Command(None) => return None,
                Wake::Step(step) => self.take_in(step).await,
                Wake::Time => {}
            }
        }
    }

    /// Waits for whatever comes first.
    async fn wake(&mut self, sleep: &mut Pin<Box<Sleep>>) -> Wake {
        let Self { commands, link, events, beyond, .. } = self;
        loop {
            tokio::select! {
                command = commands.recv() => return Wake::Command(command),
                step = link.next(), if beyond.len() < MOST_BEYOND => return Wake::Step(step),
                room = events.reserve(), if !beyond.is_empty() => match (room, beyond.pop_front()) {
                    (Ok(room), Some(event)) => room.send(event),
                    // Nobody listens.
                    _ => beyond.clear(),
                },
                () = sleep.as_mut() => return Wake::Time,
            }
        }
    }

    /// Does what is due.
    async fn tick(&mut self) {
        let now = self.now();
        while let Some(order) = self.lifeline.tick(now) {
            Box::pin(self.follow(order)).await;
        }
        while let Some((id, _)) = self.deadlines.first_key_value().filter(|(_, deadline)| **deadline <= now) {
            let id = *id;
            self.deadlines.remove(&id);
            tracing::debug!(id, "a request was not answered");
            self.rules.answered(now, id, None, &mut self.outputs);
            Box::pin(self.suspect()).await;
        }
        if self.rules.due().is_some_and(|due| due <= now) {
            self.rules.tick(now, &mut self.outputs);
        }
        self.carry_out_outputs().await;
    }

    fn wake_at_next(&self, sleep: &mut Pin<Box<Sleep>>) {
        let deadline = self.deadlines.first_key_value().map(|(_, deadline)| *deadline);
        let due = [self.lifeline.due(), self.rules.due(), deadline].into_iter().flatten().min();
        let (begun, then) = self.begun;
        let at =
            due.map_or_else(|| Instant::now() + LONG, |due| begun + Duration::from_millis(due.saturating_sub(then)));
        // Setting a timer takes a lock, so it is left alone where it is right.
        if at < sleep.deadline() || sleep.is_elapsed() {
            sleep.as_mut().reset(at);
        }
    }

    fn now(&self) -> u64 {
        let (begun, then) = self.begun;
        then + begun.elapsed().as_millis() as u64
    }

    async fn follow(&mut self, order: Order) {
        match order {
            Order::Connect { address, transport } => {
                let (address, auth) = (self.addresses[address].clone(), self.options.auth.to_json());
                tracing::debug!(?transport, "connecting");
                self.link = Link::Opening(Box::pin(async move { Connection::open(&address, transport, &auth).await }));
            }
            Order::Probe => {
                if let (Link::Open(connection), Ok(payload)) = (&mut self.link, serde_json::from_str(PROBE.1)) {
                    connection.emit(PROBE_ID, PROBE.0, payload);
                }
            }
            Order::Drop(why) => self.is_lost(why).await,
        }
    }

    async fn suspect(&mut self) {
        let now = self.now();
        if let Some(order) = self.lifeline.suspect(now) {
            self.follow(order).await;
        }
    }

    async fn take_in(&mut self, step: Step) {
        let now = self.now();
        match step {
            Step::Opened(outcome) => match *outcome {
                Ok(opened) => Box::pin(self.opened(now, opened)).await,
                Err(Failed::End(end)) => Box::pin(self.end(end)).await,
                Err(Failed::Lost(why)) => {
                    self.lifeline.failed(now, why);
                    Box::pin(self.is_lost(why)).await;
                }
            },
            Step::Heard(Ok(heard)) => {
                self.lifeline.heard(now);
                self.hear(now, heard).await;
            }
            Step::Heard(Err(why)) => {
                self.lifeline.lost(now, why);
                Box::pin(self.is_lost(why)).await;
            }
        }
    }

    async fn opened(&mut self, now: u64, opened: Opened) {
        let Opened { connection, init, patience_ms } = opened;
        self.link = Link::Open(Box::new(connection));
        let Ok(init) = serde_json::from_str::<Init>(init.get()) else {
            self.lifeline.failed(now, Lost::Protocol);
            return self.is_lost(Lost::Protocol).await;
        };
        let is_same = self.rules.user().is_none_or(|user| *user == init.user);
        let owns_file = match &self.journal {
            Some(journal) => journal.belongs_to(init.user.clone()).await,
            None => true,
        };
        if !is_same || !owns_file {
            return self.end(End::OtherUser).await;
        }
        self.lifeline.opened(now, patience_ms);
        self.tell(Event::Connected { user: init.user.clone() });
        self.rules.connected(now, init, &mut self.outputs);
        self.carry_out_outputs().await;
    }

    async fn hear(&mut self, now: u64, heard: Heard) {
        match heard {
            Heard::Pulse => {}
            Heard::Answer { id, args } => {
                if self.deadlines.remove(&id).is_some() {
                    self.rules.answered(now, id, payload(&args).as_deref(), &mut self.outputs);
                }
            }
            Heard::Event { name, args } => {
                // Whatever has no argument, or one that cannot be read, is an event all the same.
                let body = payload(&args).unwrap_or_else(|| RawValue::NULL.to_owned());
                if !args.attachments().is_empty() {
                    let attachments = args.attachments().to_vec();
                    return self.tell(Event::Binary { event: name, payload: body, attachments });
                }
                self.rules.pushed(now, &name, &body, &mut self.outputs);
                self.carry_out_outputs().await;
                return self.hear_of_connection(now, &name, &body).await;
            }
        }
        self.carry_out_outputs().await;
    }

    /// What concerns the connection itself.
    async fn hear_of_connection(&mut self, now: u64, event: &str, payload: &RawValue) {
        #[derive(Deserialize)]
        struct About {
            #[serde(default)]
            reason: Box<str>,
            #[serde(default)]
            retry_after_ms: u64,
        }
        let Some(about) = serde_json::from_str::<About>(payload.get()).ok() else { return };
        match event {
            "drainPush" => self.lifeline.drain(now, about.retry_after_ms),
            "kickPush" => Box::pin(self.end(End::Kicked(about.reason))).await,
            // Who polls is not told the close code that follows.
            "deny" => self.denied = true,
            _ => {}
        }
    }

    /// The connection has ended, or the attempt has failed; the lifeline knows.
    async fn is_lost(&mut self, why: Lost) {
        match why {
            Lost::Closed(code) if code >= 4500 => return self.end(End::Final(code)).await,
            Lost::PutOut if self.denied => return self.end(End::Final(types::CloseReason::Forbidden.code())).await,
            _ => {}
        }
        tracing::debug!(?why, "not connected");
        self.link = Link::None;
        self.disconnected().await;
        self.tell(Event::Disconnected(why));
    }

    async fn end(&mut self, end: End) {
        self.lifeline.end();
        if let Link::Open(connection) = std::mem::replace(&mut self.link, Link::None) {
            timeout(GOODBYE, connection.close()).await.ok();
        }
        self.disconnected().await;
        self.tell(Event::Ended(end.clone()));
        self.ended = Some(end);
    }

    async fn disconnected(&mut self) {
        self.deadlines.clear();
        let now = self.now();
        self.rules.disconnected(now, &mut self.outputs);
        self.carry_out_outputs().await;
    }
}
