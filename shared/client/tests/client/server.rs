//! A server over TCP that speaks the server's side with `wire`, over WebSocket and polling, in front of a [`Site`]; and that
//! misbehaves when it is told to.

mod http;
mod session;

use crate::site::{Push, Site};
use parking_lot::Mutex;
use serde_json::Value;
use session::Session;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server. Dropping it closes its port and all connections.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

pub(crate) struct Shared {
    pub(crate) site: Mutex<Site>,
    pub(crate) faults: Mutex<Faults>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// What happened, in order: `open websocket 1`, `heard 1 sync`, `gone 1`.
    pub(crate) log: Mutex<Vec<String>>,
    count: AtomicU64,
}

/// What goes wrong, and how the server is set up.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pub(crate) ping_interval_ms: u64,
    pub(crate) ping_timeout_ms: u64,
    /// The upgrade is answered by something that is no Engine.IO server.
    pub(crate) no_websocket: bool,
    /// Handshakes are answered 503, to come back after so many seconds.
    pub(crate) busy: Option<u64>,
    /// Logins are refused with this code.
    pub(crate) refuse: Option<&'static str>,
    /// Nothing is said any more, no ping either.
    pub(crate) deaf: bool,
    /// Requests of this name are not answered.
    pub(crate) ignore: Option<&'static str>,
    /// Of so many answers one is lost; the same for pushes; 0 for none.
    pub(crate) lose_answers: u64,
    pub(crate) lose_pushes: u64,
    pub(crate) repeat_pushes: bool,
    /// Of two pushes the second goes first.
    pub(crate) reorder_pushes: bool,
    /// The next connection breaks off after so many bytes of the server's.
    pub(crate) cut_next: Option<usize>,
    /// Of so many connections each one breaks off, after some hundred bytes more each time; 0 for none.
    pub(crate) cut_every: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 10_000,
            no_websocket: false,
            busy: None,
            refuse: None,
            deaf: false,
            ignore: None,
            lose_answers: 0,
            lose_pushes: 0,
            repeat_pushes: false,
            reorder_pushes: false,
            cut_next: None,
            cut_every: 0,
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Site::default(), "127.0.0.1:0").await
    }

    /// A server at an address, in front of a site that there was before.
    pub(crate) async fn with(site: Site, address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            site: Mutex::new(site),
            faults: Mutex::default(),
            sessions: Mutex::default(),
            log: Mutex::default(),
            count: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(http::accept(listener, shared.clone()));
        Self { shared, address, accepting }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn fault(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.faults.lock());
    }

    /// Closes all connections, WebSockets with this code.
    pub(crate) fn close_all(&self, code: u16) {
        self.shared.sessions.lock().values().for_each(|session| session.close(code));
    }

    /// Sends an event to all connections of a user.
    pub(crate) fn emit(&self, user: &str, event: &str, payload: &Value) {
        self.emit_frames(user, wire::socketio::event("/", None, event, &[payload]).unwrap().frames());
    }

    pub(crate) fn emit_frames(&self, user: &str, frames: &[wire::engineio::Frame]) {
        let sessions = self.shared.sessions.lock();
        sessions.values().filter(|session| session.is_of(user)).for_each(|session| session.send(frames));
    }

    /// How many lines of the log contain this.
    pub(crate) fn seen(&self, what: &str) -> usize {
        self.shared.log.lock().iter().filter(|line| line.contains(what)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.sessions.lock().values().for_each(|session| session.close(1001));
    }
}

impl Shared {
    fn note(&self, line: String) {
        self.log.lock().push(line);
    }

    /// One of so many; 0 for never.
    fn is_one_of(&self, of: u64) -> bool {
        of > 0 && self.count.fetch_add(1, Ordering::Relaxed) % of == of - 1
    }

    /// After how many bytes a new connection breaks off.
    fn cut(&self) -> Option<usize> {
        let mut faults = self.faults.lock();
        let every = faults.cut_every;
        let next = faults.cut_next.take();
        drop(faults);
        let number = self.count.fetch_add(1, Ordering::Relaxed) as usize;
        next.or_else(|| self.is_one_of(every).then_some(300 + number * 37 % 4_000))
    }

    fn publish(&self, pushes: Vec<Push>) {
        let faults = self.faults.lock().clone();
        let sessions = self.sessions.lock();
        for push in pushes {
            let encoded = wire::socketio::event("/", None, push.event, &[&push.payload]).unwrap();
            let hears = |session: &&Arc<Session>| session.is_of(&push.user) && push.except != Some(session.socket);
            for session in sessions.values().filter(hears) {
                if self.is_one_of(faults.lose_pushes) {
                    continue;
                }
                session.push(encoded.frames(), faults.reorder_pushes);
                if faults.repeat_pushes {
                    session.push(encoded.frames(), faults.reorder_pushes);
                }
            }
        }
    }
}
