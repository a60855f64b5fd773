//! The site IM's one shared place: the rules, the bus, the hub of windows, the limits. The start-up makes it; every
//! connection holds it.

use crate::config::Config;
use crate::engineio::Engine;
use crate::medium::{self, Name};
use crate::mend::Mending;
use crate::protocol;
use crate::repair::Repair;
use crate::socketio::{Socket, SocketIo};
use crate::store::Keeping;
use crate::targets::Targets;
use crate::window::{Follower, Window};
use anyhow::Context;
use bus::Bus;
use chat::{Chat, Policy, Recent, To};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use session::Hub;
use session::auth::Verifier;
use session::hub::Medium;
use session::limits::Limits;
use session::sweep::Sweep;
use session::{Clock, Millis};
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;
use types::{Channel, Event, EventError, Failure, Followed, Posted, SocketId, StoredMessage};

pub(crate) struct Site {
    config: Config,
    limits: Arc<Limits>,
    verifier: Arc<Verifier>,
    chat: Arc<Chat>,
    pictures: Option<pictures::Folder>,
    bus: Bus,
    hub: Hub<Follower>,
    targets: Targets,
    /// What back ends published, and entries that were pushed.
    recent: Mutex<Recent>,
    posted: Mutex<Recent>,
    /// Windows with receipts that may become late.
    receipts: Sweep<Window>,
    clock: Clock,
    mending: Arc<Mending>,
    repair: Arc<Repair>,
    engine: OnceLock<Weak<Engine<SocketIo>>>,
}

/// What outlives the process: messages and pictures, each if there is a place for them.
pub(crate) struct Kept {
    pub(crate) keeping: Option<Keeping>,
    pub(crate) pictures: Option<pictures::Folder>,
}

/// Ids of what back ends published that are remembered, and entries that were pushed: enough for the minute of which
/// something may be told again.
const RECENT: usize = 50_000;
const POSTED: usize = 600_000;

/// How late a receipt is found late.
const RECEIPTS_TICK: Millis = 250;

/// The bus, as the hub needs it.
struct Subscriptions<'a>(&'a Bus);

impl Medium for Subscriptions<'_> {
    fn subscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Followed, Failure>> {
        Box::pin(async move {
            match self.0.subscribe(channel).await {
                Ok(()) => Ok(Followed::Now),
                Err(bus::Error::Down(_)) => Ok(Followed::WhenBack),
                Err(error) => {
                    tracing::warn!(%error, "a subscription failed");
                    Err(Failure::unavailable("live events are not available just now").retry_after(1_000))
                }
            }
        })
    }

    fn unsubscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.unsubscribe(channel).await {
                tracing::warn!(%error, "an unsubscription failed");
            }
        })
    }
}

impl Site {
    /// Joins bus and hub: what the bus brings for a channel goes to the windows that follow it.
    pub(crate) async fn open(
        config: Config,
        verifier: Verifier,
        name: Name,
        exchange: &bus::local::Exchange,
        Kept { keeping, pictures }: Kept,
        mending: Arc<Mending>,
    ) -> anyhow::Result<Arc<Self>> {
        let here: Arc<OnceLock<Weak<Self>>> = Arc::default();
        let sink_site = here.clone();
        let sink: bus::Sink = Arc::new(move |channel, bytes| {
            if let Some(site) = sink_site.get().and_then(Weak::upgrade) {
                site.deliver(channel, bytes);
            }
        });
        let process = name.process.clone();
        let repair = Arc::new(Repair::default());
        let bus = medium::open(name, &config.redis, exchange, sink, &mending, &repair).await?;
        // In development nobody is who they say, so nobody is kept apart.
        let policy = match config.auth.is_dev() {
            true => Policy::Anyone,
            false => Policy::shops(&config.chat.shop_sources),
        };
        let mut chat = Chat::new(bus.clone(), config.chat.clone(), policy, Arc::new(unix_millis));
        if let Some(Keeping { store, hook }) = keeping {
            chat = chat.keeping(store, hook);
        }
        let site = Arc::new(Self {
            limits: Arc::new(Limits::new(config.limits.connections.clone())),
            verifier: Arc::new(verifier),
            hub: Hub::default(),
            targets: Targets::default(),
            recent: Mutex::new(Recent::of(RECENT)),
            posted: Mutex::new(Recent::of(POSTED)),
            receipts: Sweep::new(RECEIPTS_TICK),
            clock: Clock::new(),
            mending,
            repair,
            engine: OnceLock::new(),
            chat: Arc::new(chat),
            pictures,
            bus,
            config,
        });
        here.set(Arc::downgrade(&site)).ok().context("the bus was joined twice")?;
        match site.bus.subscribe(&Channel::Process(process)).await {
            // Its node is not there yet: subscribed with it, when it is.
            Ok(_) | Err(bus::Error::Down(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = site.put_rooms().await {
            // Its node is not there yet. When it is, it has forgotten everything, or kept the room.
            tracing::warn!(%error, "a room of the configuration could not be put");
            site.mending.put_rooms();
        }
        Ok(site)
    }

    /// Opens the rooms of the configuration.
    pub(crate) async fn put_rooms(&self) -> Result<(), chat::Error> {
        let mut outcome = Ok(());
        for room in &self.config.rooms {
            outcome = outcome.and(self.chat.put_room(&room.room, room.members.clone()).await);
        }
        outcome
    }

    /// Tells the site which engine serves it, once both exist.
    pub(crate) fn serve_with(&self, engine: &Arc<Engine<SocketIo>>) {
        self.engine.set(Arc::downgrade(engine)).ok();
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    pub(crate) fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn chat(&self) -> &Arc<Chat> {
        &self.chat
    }

    pub(crate) fn pictures(&self) -> Option<&pictures::Folder> {
        self.pictures.as_ref()
    }

    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }

    pub(crate) fn mending(&self) -> &Arc<Mending> {
        &self.mending
    }

    pub(crate) fn repair(&self) -> &Arc<Repair> {
        &self.repair
    }

    /// Looks after late receipts until `stop`.
    pub(crate) async fn sweep_receipts(&self, stop: CancellationToken) {
        self.receipts.run(self.clock, stop).await;
    }

    /// An entry was pushed to a window, which will acknowledge it if it is one that does.
    pub(crate) fn pushed(&self, window: &Arc<Window>, entry: &StoredMessage) {
        let now = self.clock.now();
        let due = chat::Window::receipts(&**window).lock().pushed(entry.conversation_id, entry.conv_seq, now);
        if let Some(due) = due {
            self.receipts.add(window, due);
        }
    }

    pub(crate) async fn follow(&self, channel: &Channel, follower: &Follower) -> Result<Followed, Failure> {
        self.hub.join(&Subscriptions(&self.bus), channel, follower).await
    }

    pub(crate) async fn unfollow(&self, channel: &Channel, follower: &Follower) {
        self.hub.leave(&Subscriptions(&self.bus), channel, follower).await;
        if let Channel::User(user) = channel
            && self.hub.count(channel) == 0
        {
            self.targets.forget(user);
        }
    }

    /// The windows here that follow a channel.
    pub(crate) fn followers(&self, channel: &Channel) -> SmallVec<[Follower; 4]> {
        self.hub.members(channel)
    }

    /// The channels that windows here follow, of those that `wanted` picks.
    pub(crate) fn followed(&self, wanted: impl Fn(&Channel) -> bool) -> Vec<Channel> {
        self.hub.followed(wanted)
    }

    /// A socket of this process, in any of the site's namespaces.
    fn socket(&self, id: &SocketId) -> Option<Socket> {
        let engine = self.engine.get().and_then(Weak::upgrade)?;
        let mut namespaces = self.config.namespaces.iter().filter_map(|name| engine.service().namespace(name));
        namespaces.find_map(|namespace| namespace.socket(id))
    }

    /// What the bus brought: decoded once for all windows of this process.
    fn deliver(self: &Arc<Self>, channel: &Channel, bytes: &[u8]) {
        let event = match Event::decode(bytes) {
            Ok(event) => event,
            // A process of the next release may know more types than this one.
            Err(EventError::UnknownType(kind)) => return tracing::debug!(%channel, kind, "unknown event"),
            Err(error) => return tracing::warn!(%channel, %error, "what came on the channel is no event"),
        };
        self.deliver_event(channel, event, bus::number_of(bytes));
    }

    /// Sends an event to the windows here. What they have already been sent is left out.
    pub(crate) fn deliver_event(self: &Arc<Self>, channel: &Channel, event: Event, v: Option<u64>) {
        if let (Channel::User(user), Event::SyncChangeUser(event)) = (channel, &event) {
            self.targets.told(user, event.change_user_data.clone());
        }
        let is_new = match &event {
            Event::Posted(Posted { entry, .. }) => {
                let id = (entry.conversation_id, entry.conv_seq);
                self.posted.lock().is_new(channel, id, self.now())
            }
            event => event.id().is_none_or(|id| self.recent.lock().is_new(channel, id, self.now())),
        };
        if !is_new {
            return tracing::debug!(%channel, "published again");
        }
        let Some(delivery) = chat::deliver(channel, event, v, self.now()) else {
            return tracing::debug!(%channel, "an event that has no business on this channel");
        };
        let followers = match (channel, &delivery.to) {
            (Channel::Process(_), To::Only(id)) => self.socket(id).map(Follower).into_iter().collect(),
            _ => self.followers(channel),
        };
        protocol::deliver(self, channel, &delivery, &followers);
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        unix_millis()
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
