//! Processes and windows without sockets: what a server's hub and `protocol.rs` do, in a few lines.
//!
//! The in-process bus has delivered by the time that publishing returns, so what a window has heard after a command is
//! all it hears of it.

use bus::Bus;
use bus::local::Exchange;
use bytes::Bytes;
use chat::{Answer, Chat, Command, Config, Delivery, Hook, Place, Policy, Push, Receipts, Then, Window, deliver};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use store::Store;
use tokio_util::sync::CancellationToken;
use types::{Channel, Event, Failure, Followed, Identity, Platform, ProcessId, Role, RoomId, SocketId, UserKey};

/// What the tests' clock says.
pub(crate) const NOW: u64 = 1_700_000_000_123;

pub(crate) struct Process {
    pub(crate) chat: Arc<Chat>,
    pub(crate) bus: Bus,
    hub: Arc<Hub>,
}

#[derive(Default)]
struct Hub {
    follows: Mutex<Vec<(Channel, Arc<Inbox>)>>,
    windows: Mutex<Vec<Arc<Inbox>>>,
    put_out: Mutex<Vec<(SocketId, RoomId)>>,
}

struct Inbox {
    socket: SocketId,
    heard: Mutex<Vec<(&'static str, String)>>,
    attachments: Mutex<Vec<Bytes>>,
    closed: AtomicBool,
}

pub(crate) struct TestWindow {
    identity: Identity,
    place: Place,
    receipts: Mutex<Receipts>,
    inbox: Arc<Inbox>,
    hub: Arc<Hub>,
    bus: Bus,
    /// Whether following fails, as when only the process's subscriptions are in trouble.
    pub(crate) deaf: AtomicBool,
}

/// Two processes, `a` and `b`, where anyone may reach anyone.
pub(crate) async fn two_processes() -> (Process, Process) {
    with_policy(Policy::Anyone).await
}

pub(crate) async fn with_policy(policy: Policy) -> (Process, Process) {
    let exchange = Exchange::new();
    let a = Process::start(&exchange, "a", policy.clone(), Config::default()).await;
    (a, Process::start(&exchange, "b", policy, Config::default()).await)
}

/// Two processes that keep messages, in one store. The first publishes what is committed.
pub(crate) async fn two_that_keep(hook: Arc<dyn Hook>) -> (Process, Process, Store, Folder) {
    let folder = Folder(std::env::temp_dir().join(format!("im-chat-{}-{}", std::process::id(), number())));
    let process = store::Process { id: "a".into(), incarnation: "start".into() };
    let config = store::Config::default();
    let opened = store::open(&config, &folder.0, process, chat::judge, CancellationToken::new()).await;
    let (store, outgoing) = opened.unwrap();
    let (a, b) = two_processes().await;
    let (a, b) = (a.keeping(store.clone(), hook.clone()), b.keeping(store.clone(), hook));
    tokio::spawn(chat::publish(a.chat.clone(), outgoing));
    (a, b, store, folder)
}

fn number() -> u32 {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// A folder that goes with its handle.
pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn key<T: std::str::FromStr<Err: std::fmt::Debug>>(id: &str) -> T {
    id.parse().unwrap()
}

/// Lets what the windows heard so far be forgotten.
pub(crate) fn hush(windows: &[&TestWindow]) {
    for window in windows {
        window.heard_text();
    }
}

impl Process {
    pub(crate) async fn start(exchange: &Exchange, id: &str, policy: Policy, config: Config) -> Self {
        let hub = Arc::new(Hub::default());
        let ears = hub.clone();
        let sink = Arc::new(move |channel: &Channel, message: &[u8]| ears.hear(channel, message));
        let id: ProcessId = key(id);
        let bus = exchange.attach(id.clone(), sink).unwrap();
        bus.subscribe(&Channel::Process(id)).await.unwrap();
        let chat = Arc::new(Chat::new(bus.clone(), config, policy, Arc::new(|| NOW)));
        Self { chat, bus, hub }
    }

    /// The same, with a store.
    pub(crate) fn keeping(self, store: Store, hook: Arc<dyn Hook>) -> Self {
        let chat = Chat::new(self.bus.clone(), Config::default(), Policy::Anyone, Arc::new(|| NOW));
        Self { chat: Arc::new(chat.keeping(store, hook)), ..self }
    }

    /// A window that has not arrived yet.
    pub(crate) fn connect(&self, user: &str, socket: &str, role: Role) -> TestWindow {
        let inbox = Arc::new(Inbox {
            socket: key(socket),
            heard: Mutex::default(),
            attachments: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        self.hub.windows.lock().push(inbox.clone());
        TestWindow {
            identity: Identity { user: key(user), role, shop: None, device: None, platform: Platform::Pc },
            place: Place::default(),
            receipts: Mutex::default(),
            inbox,
            hub: self.hub.clone(),
            bus: self.bus.clone(),
            deaf: AtomicBool::new(false),
        }
    }

    /// A buyer's window that has arrived.
    pub(crate) async fn window(&self, user: &str, socket: &str) -> TestWindow {
        let window = self.connect(user, socket, Role::Buyer);
        self.chat.arrived(&window).await.unwrap();
        window
    }

    /// Sends an event with one argument, and returns the acknowledgement's.
    pub(crate) async fn ask(&self, window: &TestWindow, name: &str, payload: &str) -> Value {
        self.ask_with(window, name, payload, &[]).await
    }

    pub(crate) async fn ask_with(&self, window: &TestWindow, name: &str, payload: &str, parts: &[Bytes]) -> Value {
        let outcome = match Command::parse(name, Some(payload), parts).expect("one of ours") {
            Ok(command) => self.chat.handle(window, command).await,
            Err(failure) => Err(failure.into()),
        };
        if let Err(error) = &outcome
            && let Some(deny) = error.deny()
        {
            window.emit(&deny);
            window.inbox.closed.store(true, Ordering::SeqCst);
        }
        let answer = serde_json::to_value(Answer(&outcome)).unwrap();
        assert_eq!(answer["ok"], Value::Bool(outcome.is_ok()));
        answer
    }

    /// The code that a refused event is answered with.
    pub(crate) async fn refused(&self, window: &TestWindow, name: &str, payload: &str) -> String {
        let answer = self.ask(window, name, payload).await;
        assert_eq!(answer["ok"], false, "{name} {payload} was not refused: {answer}");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }

    /// Puts the windows out of the rooms that they were expelled from.
    pub(crate) async fn put_out(&self, windows: &[&TestWindow]) {
        let put_out = std::mem::take(&mut *self.hub.put_out.lock());
        for (socket, room) in put_out {
            for window in windows.iter().filter(|window| *window.socket() == socket) {
                self.chat.put_out(*window, &room).await;
            }
        }
    }

    pub(crate) fn followers(&self, channel: &Channel) -> usize {
        self.hub.follows.lock().iter().filter(|(known, _)| known == channel).count()
    }

    pub(crate) fn follows_nothing(&self) -> bool {
        self.hub.follows.lock().is_empty()
    }
}

impl TestWindow {
    /// What came since the last time.
    pub(crate) fn heard(&self) -> Vec<(&'static str, Value)> {
        let heard = self.heard_text().into_iter();
        heard.map(|(name, json)| (name, serde_json::from_str(&json).unwrap())).collect()
    }

    /// What came since the last time, letter by letter.
    pub(crate) fn heard_text(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.inbox.heard.lock())
    }

    /// The one thing that came since the last time.
    pub(crate) fn heard_one(&self, name: &str) -> Value {
        let mut heard = self.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let (event, value) = heard.remove(0);
        assert_eq!(event, name);
        value
    }

    pub(crate) fn attachments(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.inbox.attachments.lock())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inbox.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn user(&self) -> &UserKey {
        &self.identity.user
    }
}

impl Hub {
    fn hear(&self, channel: &Channel, message: &[u8]) {
        let event = Event::decode(message).unwrap();
        let Delivery { to, content, then } =
            deliver(channel, event, bus::number_of(message), 1_000).expect("an event of this channel");
        let windows: Vec<Arc<Inbox>> = match channel {
            Channel::Process(_) => self.windows.lock().clone(),
            _ => self.follows.lock().iter().filter(|(known, _)| known == channel).map(|(_, to)| to.clone()).collect(),
        };
        for inbox in windows.iter().filter(|inbox| to.includes(&inbox.socket)) {
            inbox.take(&content.for_window(&inbox.socket));
            if matches!(then, Then::Close(_)) {
                inbox.closed.store(true, Ordering::SeqCst);
            }
        }
        if let Then::PutOut { socket, room } = then {
            self.put_out.lock().push((socket, room));
        }
    }
}

impl Inbox {
    fn take(&self, push: &Push) {
        self.heard.lock().push((push.name(), serde_json::to_string(push).unwrap()));
        self.attachments.lock().extend_from_slice(push.attachments());
    }
}

impl Window for TestWindow {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn socket(&self) -> &SocketId {
        &self.inbox.socket
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn follow(&self, channel: Channel) -> BoxFuture<'_, Result<Followed, Failure>> {
        Box::pin(async move {
            if self.deaf.load(Ordering::SeqCst) {
                return Err(Failure::unavailable("deaf"));
            }
            let subscribed = self.bus.subscribe(&channel).await;
            subscribed.map_err(|error| Failure::unavailable(error.to_string()))?;
            if !self.follows(&channel) {
                self.hub.follows.lock().push((channel, self.inbox.clone()));
            }
            Ok(Followed::Now)
        })
    }

    fn unfollow<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()> {
        let mut follows = self.hub.follows.lock();
        follows.retain(|(known, inbox)| known != channel || !Arc::ptr_eq(inbox, &self.inbox));
        Box::pin(std::future::ready(()))
    }

    fn follows(&self, channel: &Channel) -> bool {
        self.hub.follows.lock().iter().any(|(known, inbox)| known == channel && Arc::ptr_eq(inbox, &self.inbox))
    }

    fn emit(&self, push: &Push) {
        self.inbox.take(push);
    }

    fn emit_later(&self, push: BoxFuture<'static, Option<Push>>) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            if let Some(push) = push.await {
                inbox.take(&push);
            }
        });
    }

    fn receipts(&self) -> &Mutex<Receipts> {
        &self.receipts
    }
}
