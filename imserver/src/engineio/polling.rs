//! Long-polling: what waits for the next GET, and the GETs and POSTs themselves.

use super::refusal::Refusal;
use super::{Engine, Service, Session};
use session::pump::Then;
use session::{ENTRY_BYTES, Link, Sent, Weight};
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use types::CloseReason;
use wire::engineio::{self, Frame, Packet, Revision};

/// What waits for a session's next GET. Owns no memory while nothing waits.
#[derive(Default)]
pub(super) struct Mailbox {
    queue: Vec<Frame>,
    bytes: usize,
    /// A GET is being served; with a waker once it waits.
    getting: bool,
    waiting: Option<Waker>,
    posting: bool,
    /// How many of the candidates have probed.
    probing: usize,
    /// WebSockets that want to take the session over.
    candidates: Vec<Weak<Link>>,
    /// The server closed the session and the client has not heard it yet.
    owes_close: bool,
}

impl Mailbox {
    /// Queues packets. [`Sent::Closed`] when `limit` bytes would be exceeded: the client does not fetch.
    pub(super) fn put(&mut self, frames: &[Frame], weight: Weight, limit: usize) -> Sent {
        let nobody_waits = weight == Weight::Volatile && self.waiting.is_none();
        if nobody_waits || weight.is_dropped(self.bytes, limit, false) {
            return Sent::Dropped;
        }
        self.bytes += frames.iter().map(|frame| frame.len() + ENTRY_BYTES).sum::<usize>();
        if self.bytes > limit {
            return Sent::Closed;
        }
        self.queue.extend_from_slice(frames);
        self.wake();
        Sent::Accepted
    }

    /// Ends the session; answers whether nothing is left for the client to fetch.
    ///
    /// A close by the server comes in a response of its own, after all that was sent before: clients take the packets
    /// of one response in together, and would see the connection break before they see why.
    pub(super) fn close(&mut self, reason: CloseReason) -> bool {
        match reason {
            // The client's own goodbye, or a broken request: the waiting GET, if any, is merely let go.
            CloseReason::ClientClosed | CloseReason::TransportClosed => self.queue = vec![engineio::noop()],
            CloseReason::PingTimeout | CloseReason::ProtocolError | CloseReason::Slow | CloseReason::TooLarge => {
                self.queue = vec![engineio::close()];
            }
            _ => self.owes_close = true,
        }
        self.wake();
        !self.owes_close
    }

    /// Notes a WebSocket that wants to take over; `false` when too many want to already.
    pub(super) fn add_candidate(&mut self, link: &Arc<Link>) -> bool {
        self.candidates.retain(|candidate| candidate.strong_count() > 0);
        let has_room = self.candidates.len() < MAX_CANDIDATES;
        if has_room {
            self.candidates.push(Arc::downgrade(link));
        }
        has_room
    }

    /// Gives up the candidates, for the end of their waiting.
    pub(super) fn take_candidates(&mut self) -> Vec<Weak<Link>> {
        std::mem::take(&mut self.candidates)
    }

    /// Whether the client has yet to hear that the server closed the session.
    pub(super) fn owes_close(&self) -> bool {
        self.owes_close
    }

    /// A candidate has probed: the waiting GET is let go, so that the client can stop polling.
    pub(super) fn probed(&mut self) {
        self.probing += 1;
        self.wake();
    }

    /// A candidate that had probed is gone.
    pub(super) fn probe_failed(&mut self) {
        self.probing = self.probing.saturating_sub(1);
    }

    /// Gives up the queue to the WebSocket that takes over.
    pub(super) fn hand_over(&mut self) -> Vec<Frame> {
        self.wake();
        self.take()
    }

    fn take(&mut self) -> Vec<Frame> {
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }

    fn wake(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, end: Option<CloseReason>) -> Poll<Vec<Frame>> {
        if !self.queue.is_empty() {
            return Poll::Ready(self.take());
        }
        if self.probing > 0 {
            return Poll::Ready(vec![engineio::noop()]);
        }
        if end.is_some() {
            self.owes_close = false;
            return Poll::Ready(vec![engineio::close()]);
        }
        self.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A client opens one; more are somebody's mistake, or ill will.
const MAX_CANDIDATES: usize = 4;

/// Serves a GET: waits until there is something to hand out.
pub(super) async fn get<S: Service>(session: &Arc<Session<S>>) -> Result<Vec<Frame>, Refusal> {
    session.check_heartbeat();
    let begun = session.with_mailbox(|mailbox, end| match end {
        Some(_) if !mailbox.owes_close => Err(Refusal::unknown_session()),
        _ if std::mem::replace(&mut mailbox.getting, true) => Err(Refusal::bad_request()),
        _ => Ok(()),
    });
    match begun {
        None => return Err(Refusal::bad_request()),
        Some(Err(refusal)) => {
            // Two GETs at once: nobody could tell which of them gets what.
            if refusal == Refusal::bad_request() {
                session.close(CloseReason::ProtocolError);
            }
            return Err(refusal);
        }
        Some(Ok(())) => {}
    }
    let mut waiting = Get { session, done: false };
    let frames = poll_fn(|cx| {
        // On a WebSocket by now: an upgrade took over while this GET waited.
        session
            .with_mailbox(|mailbox, end| mailbox.poll(cx, end))
            .unwrap_or_else(|| Poll::Ready(vec![engineio::noop()]))
    })
    .await;
    waiting.done = true;
    drop(waiting);
    Ok(frames)
}

/// A GET in progress. Dropped before it is done means that the client gave the request up: what it might have been
/// handed can no longer be known, so the session ends.
struct Get<'a, S: Service> {
    session: &'a Arc<Session<S>>,
    done: bool,
}

impl<S: Service> Drop for Get<'_, S> {
    fn drop(&mut self) {
        let left = self.session.with_mailbox(|mailbox, end| {
            mailbox.getting = false;
            mailbox.waiting = None;
            (end.is_some(), mailbox.owes_close && self.done)
        });
        match left {
            Some((true, false)) => self.session.engine().sessions.remove(self.session.id()),
            Some((false, _)) if !self.done => self.session.close(CloseReason::TransportClosed),
            _ => {}
        }
    }
}

/// A POST's place: one at a time, and only while polling.
pub(super) struct Post<S: Service> {
    session: Arc<Session<S>>,
}

impl<S: Service> Post<S> {
    pub(super) fn begin(session: &Arc<Session<S>>) -> Result<Self, Refusal> {
        session.check_heartbeat();
        let begun = session.with_mailbox(|mailbox, end| match end {
            Some(_) => Err(Refusal::unknown_session()),
            None if std::mem::replace(&mut mailbox.posting, true) => Err(Refusal::bad_request()),
            None => Ok(()),
        });
        match begun {
            None => Err(Refusal::bad_request()),
            Some(Err(refusal)) => {
                if refusal == Refusal::bad_request() {
                    session.close(CloseReason::ProtocolError);
                }
                Err(refusal)
            }
            Some(Ok(())) => Ok(Self { session: session.clone() }),
        }
    }

    /// Takes in a text body, packet by packet, in order.
    pub(super) async fn text(self, body: &str) -> Result<(), Refusal> {
        let revision = self.session.revision();
        self.packets(engineio::decode_payload(revision, body, MAX_PACKETS)).await
    }

    /// Takes in a binary body, which only revision 3 has.
    pub(super) async fn octets(self, body: &[u8]) -> Result<(), Refusal> {
        if self.session.revision() != Revision::V3 {
            self.session.close(CloseReason::ProtocolError);
            return Err(Refusal::bad_request());
        }
        self.packets(engineio::decode_binary_payload(body, MAX_PACKETS)).await
    }

    async fn packets<'a>(self, packets: impl Iterator<Item = Result<Packet<'a>, wire::Error>>) -> Result<(), Refusal> {
        for packet in packets {
            // Another request may have ended the session meanwhile.
            if !self.session.is_open() {
                return Ok(());
            }
            let Ok(packet) = packet else {
                self.session.close(CloseReason::ProtocolError);
                return Err(Refusal::bad_request());
            };
            match self.session.take_in(packet) {
                Then::Continue => {}
                Then::Wait(work) => work.await,
                // The session said why; what follows the goodbye is nobody's.
                Then::Close => return Ok(()),
            }
        }
        Ok(())
    }
}

impl<S: Service> Drop for Post<S> {
    fn drop(&mut self) {
        self.session.with_mailbox(|mailbox, _| mailbox.posting = false);
    }
}

/// One POST carries at most this many packets; clients send what one tick of their event loop collected.
const MAX_PACKETS: usize = 10_000;

impl<S: Service> Engine<S> {
    /// Runs a POST to its end even if the client hangs up meanwhile: a handler must not be cut off in the middle.
    pub(super) async fn post(self: &Arc<Self>, post: Post<S>, body: super::body::Body) -> Result<(), Refusal> {
        let work = self.tracker.spawn(async move {
            match body {
                super::body::Body::Text(text) => post.text(&text).await,
                super::body::Body::Octets(bytes) => post.octets(&bytes).await,
            }
        });
        work.await.unwrap_or_else(|_| Err(Refusal::bad_request()))
    }
}

#[cfg(test)]
#[path = "polling_tests.rs"]
mod tests;
