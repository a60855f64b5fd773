//! A session of the test's server: what it is asked, and what waits to be sent.

use super::Shared;
use crate::site::Asker;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;
use wire::engineio::Frame;
use wire::socketio::{Decoder, Limits, Packet, Version};

pub(super) struct Session {
    pub(super) sid: String,
    pub(super) socket: u64,
    user: Mutex<Option<String>>,
    decoder: Mutex<Decoder>,
    out: Mutex<VecDeque<Frame>>,
    /// A push that the next one overtakes.
    held: Mutex<Vec<Frame>>,
    closing: Mutex<Option<u16>>,
    pub(super) wake: Notify,
}

impl Session {
    pub(super) fn begin(shared: &Arc<Shared>, transport: &str) -> Arc<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let socket = COUNT.fetch_add(1, Ordering::Relaxed);
        let session = Arc::new(Self {
            sid: format!("sid-{socket}"),
            socket,
            user: Mutex::default(),
            decoder: Mutex::new(Decoder::new(Version::V5, Limits::default())),
            out: Mutex::default(),
            held: Mutex::default(),
            closing: Mutex::default(),
            wake: Notify::new(),
        });
        let faults = shared.faults.lock().clone();
        let open = wire::engineio::open(&session.sid, &[], faults.ping_interval_ms, faults.ping_timeout_ms, 1_000_000);
        session.send(&[open]);
        shared.note(format!("open {transport} {}", session.socket));
        shared.sessions.lock().insert(session.sid.clone(), session.clone());
        session
    }

    pub(super) fn end(&self, shared: &Shared) {
        if shared.sessions.lock().remove(&self.sid).is_some() {
            shared.note(format!("gone {}", self.socket));
        }
    }

    pub(super) fn is_of(&self, user: &str) -> bool {
        self.user.lock().as_deref() == Some(user)
    }

    pub(super) fn close(&self, code: u16) {
        self.closing.lock().get_or_insert(code);
        self.wake.notify_one();
    }

    pub(super) fn closing(&self) -> Option<u16> {
        *self.closing.lock()
    }

    pub(super) fn send(&self, frames: &[Frame]) {
        self.out.lock().extend(frames.iter().cloned());
        self.wake.notify_one();
    }

    /// Sends a push, or holds it until the next one has gone.
    pub(super) fn push(&self, frames: &[Frame], reorders: bool) {
        let mut held = self.held.lock();
        if reorders && held.is_empty() {
            return held.extend(frames.iter().cloned());
        }
        self.send(frames);
        let late = std::mem::take(&mut *held);
        self.send(&late);
    }

    /// What waits, in order; nothing while the server is deaf.
    pub(super) fn take(&self, shared: &Shared) -> Vec<Frame> {
        if shared.faults.lock().deaf { Vec::new() } else { self.out.lock().drain(..).collect() }
    }

    /// An Engine.IO text packet has come.
    pub(super) fn hear(&self, shared: &Arc<Shared>, packet: &str) {
        match packet.as_bytes().first() {
            Some(b'4') => {}
            Some(b'1') => return self.close(1000),
            Some(b'3') => return shared.note(format!("pong {}", self.socket)),
            _ => return,
        }
        let spoken = self.decoder.lock().text(&packet[1..]).unwrap();
        match spoken {
            Some(Packet::Connect { auth, .. }) => self.log_in(shared, auth.as_deref().map_or("{}", |auth| auth.get())),
            Some(Packet::Event { id, name, args, .. }) => {
                let payload = serde_json::from_str(args.raw(0).unwrap_or("null")).unwrap();
                self.asked(shared, id, &name, &payload);
            }
            Some(Packet::Disconnect { .. }) => {
                shared.note(format!("goodbye {}", self.socket));
                self.close(1000);
            }
            _ => {}
        }
    }

    fn log_in(&self, shared: &Shared, auth: &str) {
        let auth: Value = serde_json::from_str(auth).unwrap();
        let refuse = shared.faults.lock().refuse;
        // A token is a user's name with a word before it.
        let token = auth["token"].as_str().and_then(|token| token.strip_prefix("valid-"));
        let (Some(user), None) = (auth["userId"].as_str().or(token), refuse) else {
            let code = refuse.unwrap_or("unauthorized");
            let data = json!({ "code": code, "message": "not you" });
            let data = serde_json::value::to_raw_value(&data).unwrap();
            let refused = wire::socketio::connect_error(Version::V5, "/", "not you", Some(&data));
            return self.send(refused.frames());
        };
        *self.user.lock() = Some(user.to_owned());
        self.send(wire::socketio::connect(Version::V5, "/", &self.sid).frames());
        let init = json!({ "user": user, "socketid": self.sid, "process": "im1", "server_time": 1 });
        self.send(wire::socketio::event("/", None, "init", &[init]).unwrap().frames());
    }

    fn asked(&self, shared: &Shared, id: Option<u64>, name: &str, payload: &Value) {
        shared.note(format!("heard {} {name}", self.socket));
        let Some(user) = self.user.lock().clone() else { return };
        let faults = shared.faults.lock().clone();
        if faults.ignore == Some(name) {
            return;
        }
        let asker = Asker { user: &user, socket: Some(self.socket) };
        let (answer, pushes) = shared.site.lock().ask(asker, name, payload);
        if let Some(id) = id.filter(|_| !shared.is_one_of(faults.lose_answers)) {
            self.send(wire::socketio::ack("/", id, &[answer]).unwrap().frames());
        }
        shared.publish(pushes);
    }
}
