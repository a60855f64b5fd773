//! One Engine.IO session: a state machine that polling requests, a WebSocket and an upgrade drive.
//!
//! ```text
//!             ┌───────────────── polling ─────────────────┐   2probe / 3probe, pending GET freed by a noop
//!  handshake ─┤                                           ├─► probing ──5──► websocket
//!             └───────────────── websocket ◄──────────────┘      └─ anything else: polling goes on untouched
//! ```
//!
//! What is sent waits for the next GET while polling, and goes straight to the link on a WebSocket. The switch happens
//! under the session's lock: what was queued leaves first, so order holds across it.

use super::{Engine, Ids, Service};
use crate::engineio::polling::Mailbox;
use bytes::Bytes;
use parking_lot::Mutex;
use session::heartbeat::{Beat, Heartbeat, Pinger};
use session::pump::Then;
use session::sweep::Timed;
use session::{Link, Millis, Sent, Weight, websocket};
use std::sync::{Arc, Weak};
use types::CloseReason;
use wire::engineio::{self, Data, Frame, Kind, Packet, Revision};

/// A session of the service `S`, which keeps its own state of it in `client`.
pub struct Session<S: Service> {
    id: Box<str>,
    revision: Revision,
    text_only: bool,
    query: Box<str>,
    client: S::Client,
    engine: Arc<Engine<S>>,
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

struct State {
    transport: Transport,
    heartbeat: Heartbeat,
    /// When the service must have accepted the session; `None` once that was looked at.
    connect_due: Option<Millis>,
    end: Option<CloseReason>,
    /// After the end: how long what is left waits for the client to fetch it.
    kept_until: Millis,
}

enum Transport {
    /// Boxed: most sessions are on a WebSocket, and need none.
    Polling(Box<Mailbox>),
    WebSocket(Arc<Link>),
}

/// What a handshake settles.
pub(super) struct Opening<C> {
    pub(super) id: Box<str>,
    pub(super) revision: Revision,
    /// The client asked with `b64=1` for binary as base64, on every transport.
    pub(super) text_only: bool,
    pub(super) query: Box<str>,
    pub(super) client: C,
}

impl<S: Service> Session<S> {
    /// A session that begins on polling (`link` absent) or on a WebSocket.
    pub(super) fn open(engine: &Arc<Engine<S>>, opening: Opening<S::Client>, link: Option<Arc<Link>>) -> Arc<Self> {
        let now = engine.clock.now();
        let pinger = match opening.revision {
            Revision::V3 => Pinger::Client,
            Revision::V4 => Pinger::Server,
        };
        let state = State {
            transport: link.map_or_else(|| Transport::Polling(Box::default()), Transport::WebSocket),
            heartbeat: Heartbeat::new(pinger, now, engine.periods),
            connect_due: engine.service.must_join().then_some(now + Millis::from(engine.config.connect_timeout_ms)),
            end: None,
            kept_until: 0,
        };
        let session = Arc::new(Self {
            id: opening.id,
            revision: opening.revision,
            text_only: opening.text_only,
            query: opening.query,
            client: opening.client,
            engine: engine.clone(),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
        });
        let due = session.state.lock().due();
        engine.sessions.insert(&session);
        engine.sweep.add(&session, due);
        engine.metrics.opened();
        session
    }

    /// The session id. Secret: who knows it can poll the session.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The raw query of the handshake.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What the service keeps of the session.
    pub fn client(&self) -> &S::Client {
        &self.client
    }

    pub fn service(&self) -> &S {
        &self.engine.service
    }

    pub fn engine(&self) -> &Arc<Engine<S>> {
        &self.engine
    }

    pub fn is_open(&self) -> bool {
        self.state.lock().end.is_none()
    }

    /// The transport in use now.
    pub fn transport(&self) -> super::config::Transport {
        match self.state.lock().transport {
            Transport::Polling(_) => super::config::Transport::Polling,
            Transport::WebSocket(_) => super::config::Transport::WebSocket,
        }
    }

    /// Held by whoever runs asynchronous work of this session (handlers, middleware, the clean-up at its end), so that
    /// one finishes before the next begins.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Sends packets that belong together. Never blocks. While polling, volatile ones are only taken by a waiting GET.
    pub fn send(self: &Arc<Self>, frames: &[Frame], weight: Weight) -> Sent {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return Sent::Closed;
        }
        self.engine.metrics.sent();
        let sent = match &mut state.transport {
            Transport::WebSocket(link) => link.send_all(frames.iter().map(|frame| self.on_websocket(frame)), weight),
            Transport::Polling(mailbox) => mailbox.put(frames, weight, self.engine.send_queue_bytes),
        };
        let overflowed = sent == Sent::Closed && matches!(state.transport, Transport::Polling(_));
        drop(state);
        if overflowed {
            self.close(CloseReason::Slow);
        }
        sent
    }

    /// Sends packets with what is sent next, where the transport can hold them back: [`Session::release`] sends them if
    /// nothing is.
    pub fn hold(self: &Arc<Self>, frames: &[Frame]) -> Sent {
        {
            let state = self.state.lock();
            if let (Transport::WebSocket(link), None) = (&state.transport, state.end) {
                self.engine.metrics.sent();
                return link.hold(frames.iter().map(|frame| self.on_websocket(frame)));
            }
        }
        self.send(frames, Weight::Firm)
    }

    /// Sends what is still held.
    pub fn release(&self) {
        if let Transport::WebSocket(link) = &self.state.lock().transport {
            link.release();
        }
    }

    /// Takes in one packet, from either transport.
    pub(super) fn take_in(self: &Arc<Self>, packet: Packet<'_>) -> Then {
        self.engine.metrics.received();
        match (packet.kind, self.revision) {
            (Kind::Message, revision) => {
                if revision == Revision::V3 {
                    self.alive();
                }
                return self.engine.service.message(self, packet.data);
            }
            (Kind::Ping, Revision::V3) => {
                self.alive();
                let data = if let Data::Text(text) = &packet.data { text } else { "" };
                self.send(&[engineio::pong(data)], Weight::Firm);
            }
            (Kind::Pong, Revision::V4) => self.alive(),
            (Kind::Close, _) => {
                self.close(CloseReason::ClientClosed);
                return Then::Close;
            }
            (Kind::Ping, Revision::V4) | (Kind::Pong, Revision::V3) => {
                self.close(CloseReason::ProtocolError);
                return Then::Close;
            }
            (Kind::Open | Kind::Upgrade | Kind::Noop, _) => {}
        }
        Then::Continue
    }

    /// Ends the session; the first reason given stands. Who polls learns it by the answer to the next GET, a WebSocket
    /// by its close code.
    pub fn close(self: &Arc<Self>, reason: CloseReason) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        state.end = Some(reason);
        let collected = match &mut state.transport {
            Transport::WebSocket(link) => {
                link.close(reason, websocket::close_frame(reason));
                true
            }
            Transport::Polling(mailbox) => {
                let collected = mailbox.close(reason);
                // A client in the middle of an upgrade polls no more: what is left reaches it when it has switched.
                if collected {
                    close_all(&mailbox.take_candidates(), reason);
                }
                collected
            }
        };
        // A message that nobody is waiting for stays until the next GET, or until the client must be taken for dead.
        let kept_until = self.engine.clock.now() + Millis::from(self.engine.periods.timeout);
        state.kept_until = kept_until;
        drop(state);
        if collected {
            self.engine.sessions.remove(&self.id);
        } else {
            self.engine.sweep.add(self, kept_until);
        }
        self.engine.metrics.closed(reason);
        tracing::debug!(session = Ids::shown(&self.id), reason = reason.name(), "session closed");
        let session = self.clone();
        self.engine.tracker.spawn(async move {
            let _turn = session.turn().await;
            session.engine.service.closed(&session, reason).await;
        });
    }

    /// Runs `act` on the mailbox. `None` when the session is on a WebSocket.
    pub(super) fn with_mailbox<T>(&self, act: impl FnOnce(&mut Mailbox, Option<CloseReason>) -> T) -> Option<T> {
        let mut state = self.state.lock();
        let end = state.end;
        match &mut state.transport {
            Transport::Polling(mailbox) => Some(act(mailbox, end)),
            Transport::WebSocket(_) => None,
        }
    }

    /// Looks at the heartbeat now rather than at the next sweep: a request for a session that is due to be dead finds
    /// it dead.
    pub(super) fn check_heartbeat(self: &Arc<Self>) {
        let due = self.state.lock().due();
        let now = self.engine.clock.now();
        if now >= due {
            self.tick(now);
        }
    }

    /// A WebSocket wants to take the session over; `false` when it cannot.
    pub(super) fn add_candidate(&self, link: &Arc<Link>) -> bool {
        self.with_mailbox(|mailbox, end| (end.is_none() || mailbox.owes_close()) && mailbox.add_candidate(link))
            .unwrap_or(false)
    }

    /// The WebSocket of an upgrade said `2probe`: answers, and frees the waiting GET so that the client can stop
    /// polling. `false` when there is nothing to upgrade.
    pub(super) fn probe(&self, link: &Link) -> bool {
        let mut state = self.state.lock();
        let ended = state.end.is_some();
        let Transport::Polling(mailbox) = &mut state.transport else { return false };
        if ended && !mailbox.owes_close() {
            return false;
        }
        link.send(engineio::pong("probe").websocket(self.revision), Weight::Firm);
        mailbox.probed();
        true
    }

    /// The WebSocket of an upgrade said `5`: it is the transport from here on. What waited is sent on it first. A
    /// session that was closed meanwhile says goodbye on it.
    pub(super) fn switch_to(&self, link: &Arc<Link>) -> bool {
        let mut state = self.state.lock();
        let end = state.end;
        let Transport::Polling(mailbox) = &mut state.transport else { return false };
        if end.is_some() && !mailbox.owes_close() {
            return false;
        }
        let queued = mailbox.hand_over();
        let mut others = mailbox.take_candidates();
        others.retain(|candidate| !std::ptr::eq(candidate.as_ptr(), Arc::as_ptr(link)));
        close_all(&others, CloseReason::Replaced);
        link.send_all(queued.iter().map(|frame| self.on_websocket(frame)), Weight::Firm);
        if let Some(reason) = end {
            link.close(reason, websocket::close_frame(reason));
        }
        state.transport = Transport::WebSocket(link.clone());
        drop(state);
        if end.is_some() {
            self.engine.sessions.remove(&self.id);
        }
        true
    }

    /// The WebSocket of an upgrade ended before it took over; polling goes on.
    pub(super) fn probe_failed(&self) {
        self.with_mailbox(|mailbox, _| mailbox.probe_failed());
    }

    /// Whether `link` carries the session now.
    pub(super) fn is_on(&self, link: &Arc<Link>) -> bool {
        matches!(&self.state.lock().transport, Transport::WebSocket(current) if Arc::ptr_eq(current, link))
    }

    /// A packet as this client's WebSocket takes it.
    pub(super) fn on_websocket(&self, frame: &Frame) -> Bytes {
        if self.text_only { frame.websocket_base64(self.revision) } else { frame.websocket(self.revision) }
    }

    fn alive(&self) {
        self.state.lock().heartbeat.alive(self.engine.clock.now(), self.engine.periods);
    }
}

impl<S: Service> Timed for Session<S> {
    fn tick(self: &Arc<Self>, now: Millis) -> Option<Millis> {
        let mut state = self.state.lock();
        if state.end.is_some() {
            if now < state.kept_until {
                return Some(state.kept_until);
            }
            drop(state);
            self.engine.sessions.remove(&self.id);
            return None;
        }
        if state.connect_due.is_some_and(|due| now >= due) {
            state.connect_due = None;
            if !self.engine.service.has_joined(&self.client) {
                drop(state);
                self.close(CloseReason::ConnectTimeout);
                return None;
            }
        }
        match state.heartbeat.beat(now, self.engine.periods) {
            Beat::Rest => Some(state.due()),
            Beat::Ping => {
                // Its answer brings the next ping forward, if the time-out is the longer of the two.
                let due = state.due().min(now + Millis::from(self.engine.periods.interval));
                drop(state);
                self.send(std::slice::from_ref(&self.engine.ping), Weight::Firm);
                Some(due)
            }
            Beat::Dead => {
                drop(state);
                self.close(CloseReason::PingTimeout);
                None
            }
        }
    }
}

/// Closes WebSockets whose upgrade came to nothing.
fn close_all(candidates: &[Weak<Link>], reason: CloseReason) {
    for link in candidates.iter().filter_map(Weak::upgrade) {
        link.close(reason, websocket::close_frame(reason));
    }
}

impl State {
    fn due(&self) -> Millis {
        self.connect_due.map_or(self.heartbeat.due(), |due| due.min(self.heartbeat.due()))
    }
}
