//! A session's WebSocket: the handshake by itself, and the upgrade of a session that polls.

use super::refusal::Refusal;
use super::session::Opening;
use super::{Engine, Service, Session};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use session::pump::Then;
use session::websocket::{self as transport, Messages};
use session::{Link, Stream, Weight};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::tcp::OwnedReadHalf;
use types::CloseReason;
use wire::engineio::{self, Frame};
use wire::websocket::Limits;

impl<S: Service> Engine<S> {
    /// A session that begins on a WebSocket.
    pub(super) fn open_websocket(
        self: &Arc<Self>,
        request: &mut Request<Body>,
        opening: Opening<S::Client>,
    ) -> Result<Response<Body>, Refusal> {
        let (mut response, upgraded) = accept(request)?;
        self.set_cookie(&opening.id, &mut response);
        let engine = self.clone();
        self.tracker.spawn(async move {
            let Some((read, link, tail)) = engine.take_over(upgraded).await else { return };
            let session = Session::open(&engine, opening, Some(link.clone()));
            // A task of its own, no larger than a connection that waits needs: this one goes, with all of the handshake.
            engine.tracker.spawn(session.run_websocket(read, link, tail));
        });
        Ok(response)
    }

    /// The upgrade of a session that polls. Whatever goes wrong here leaves the polling session as it is.
    pub(super) fn upgrade(
        self: &Arc<Self>,
        request: &mut Request<Body>,
        session: Arc<Session<S>>,
    ) -> Result<Response<Body>, Refusal> {
        let (response, upgraded) = accept(request)?;
        let engine = self.clone();
        self.tracker.spawn(async move {
            let Some((read, link, tail)) = engine.take_over(upgraded).await else { return };
            link.release();
            if !session.add_candidate(&link) {
                let reason = CloseReason::ProtocolError;
                link.close(reason, transport::close_frame(reason));
            }
            engine.watch_probe(&session, &link);
            let _ended = EndIfOn(&session, &link);
            let mut probe = Probe { session: &session, link: &link, phase: Phase::Fresh };
            let limits = engine.frame_limits();
            let reason = transport::run(read, &link, limits, tail, None, &mut probe).await;
            match probe.phase {
                Phase::Live => session.close(reason),
                Phase::Probed => session.probe_failed(),
                Phase::Fresh => {}
            }
        });
        Ok(response)
    }

    /// Ends a WebSocket that does not complete its upgrade in time.
    fn watch_probe(self: &Arc<Self>, session: &Arc<Session<S>>, link: &Arc<Link>) {
        let limit = Duration::from_millis(self.config.upgrade_timeout_ms.into());
        let (session, link, stop) = (Arc::downgrade(session), Arc::downgrade(link), self.stopping.clone());
        self.tracker.spawn(async move {
            stop.run_until_cancelled(tokio::time::sleep(limit)).await;
            let Some(link) = Weak::upgrade(&link) else { return };
            if !session.upgrade().is_some_and(|session| session.is_on(&link)) {
                link.close(CloseReason::ConnectTimeout, transport::close_frame(CloseReason::ConnectTimeout));
            }
        });
    }

    /// Waits for hyper to hand the TCP stream over, with what it already read of it. The link holds the answer to the
    /// request.
    async fn take_over(&self, upgraded: OnUpgrade) -> Option<(OwnedReadHalf, Arc<Link>, Vec<u8>)> {
        let upgraded: Upgraded = upgraded.await.ok()?;
        let parts = upgraded.downcast::<TokioIo<Stream>>().ok()?;
        let tail = parts.read_buf.to_vec();
        let (stream, head) = parts.io.into_inner().into_parts();
        let (read, write) = stream.into_split();
        let link = Arc::new(Link::new(write, self.send_queue_bytes));
        if !head.is_empty() {
            link.hold(std::iter::once(head.into()));
        }
        Some((read, link, tail))
    }

    fn frame_limits(&self) -> Limits {
        Limits { max_message: self.config.max_payload_bytes }
    }
}

/// Ends the session that a WebSocket carries with the task of the WebSocket, even if a handler panics in it.
struct EndIfOn<'a, S: Service>(&'a Arc<Session<S>>, &'a Arc<Link>);

impl<S: Service> Drop for EndIfOn<'_, S> {
    fn drop(&mut self) {
        if self.0.is_on(self.1) {
            self.0.close(CloseReason::TransportClosed);
        }
    }
}

impl<S: Service> Session<S> {
    fn run_websocket(
        self: Arc<Self>,
        read: OwnedReadHalf,
        link: Arc<Link>,
        tail: Vec<u8>,
    ) -> impl Future<Output = ()> + Send {
        let session = self;
        async move {
            let _ended = EndIfOn(&session, &link);
            link.send(session.engine().open_frame(&session, &[]).websocket(session.revision()), Weight::Firm);
            let limits = session.engine().frame_limits();
            let first = match session.service().opened(&session) {
                Then::Wait(work) => Some(work),
                Then::Continue | Then::Close => None,
            };
            let reason = transport::run(read, &link, limits, tail, first, &mut Live { session: &session }).await;
            session.close(reason);
        }
    }
}

/// Messages of a WebSocket that carries its session.
struct Live<'a, S: Service> {
    session: &'a Arc<Session<S>>,
}

impl<S: Service> Messages for Live<'_, S> {
    fn text(&mut self, text: &str) -> Then {
        self.packet(engineio::decode_text(self.session.revision(), text))
    }

    fn binary(&mut self, data: &[u8]) -> Then {
        self.packet(engineio::decode_binary(self.session.revision(), data))
    }
}

impl<S: Service> Live<'_, S> {
    fn packet(&self, packet: Result<engineio::Packet<'_>, wire::Error>) -> Then {
        if let Ok(packet) = packet {
            return self.session.take_in(packet);
        }
        self.session.close(CloseReason::ProtocolError);
        Then::Close
    }
}

/// Messages of a WebSocket that wants to take a polling session over.
struct Probe<'a, S: Service> {
    session: &'a Arc<Session<S>>,
    link: &'a Arc<Link>,
    phase: Phase,
}

enum Phase {
    Fresh,
    Probed,
    Live,
}

impl<S: Service> Messages for Probe<'_, S> {
    fn text(&mut self, text: &str) -> Then {
        match (&self.phase, text) {
            (Phase::Fresh, "2probe") if self.session.probe(self.link) => {
                self.phase = Phase::Probed;
                Then::Continue
            }
            (Phase::Probed, "5") if self.session.switch_to(self.link) => {
                self.phase = Phase::Live;
                Then::Continue
            }
            (Phase::Live, _) => Live { session: self.session }.text(text),
            _ => self.give_up(),
        }
    }

    fn binary(&mut self, data: &[u8]) -> Then {
        match self.phase {
            Phase::Live => Live { session: self.session }.binary(data),
            _ => self.give_up(),
        }
    }
}

impl<S: Service> Probe<'_, S> {
    fn give_up(&self) -> Then {
        let reason = CloseReason::ProtocolError;
        self.link.close(reason, transport::close_frame(reason));
        Then::Close
    }
}

/// Checks an upgrade request (RFC 6455, section 4.2.1) and makes the answer to it.
fn accept(request: &mut Request<Body>) -> Result<(Response<Body>, OnUpgrade), Refusal> {
    let headers = request.headers();
    let offer = wire::websocket::Offer {
        method: request.method().as_str(),
        upgrade: text(headers, header::UPGRADE),
        connection: text(headers, header::CONNECTION),
        version: text(headers, header::SEC_WEBSOCKET_VERSION),
        key: text(headers, header::SEC_WEBSOCKET_KEY),
    };
    let key = offer.accept().map_err(|_| Refusal::bad_request())?;
    let key = HeaderValue::from_str(&key).map_err(|_| Refusal::bad_request())?;
    let upgraded = hyper::upgrade::on(request);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    Ok((response, upgraded))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a request asks to become a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    text(headers, header::UPGRADE).is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// The frame that opens a session.
pub(super) fn open_frame<S: Service>(engine: &Engine<S>, session: &Session<S>, upgrades: &[&str]) -> Frame {
    let config = &engine.config;
    engineio::open(
        session.id(),
        upgrades,
        config.ping_interval_ms.into(),
        config.ping_timeout_ms.into(),
        config.max_payload_bytes as u64,
    )
}
