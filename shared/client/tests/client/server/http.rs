//! The bytes of the test's server: HTTP/1.1 as far as a client needs it, WebSocket frames, and connections that break off.

use super::Shared;
use super::session::Session;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::engineio::{Revision, encode_payload};
use wire::websocket::{Decoder, Item, Limits, Offer, Step, close_frame};

pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let cut = shared.cut();
        connections.spawn(serve(Peer { stream, buffer: Vec::new(), left: cut }, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that writes only so many bytes.
struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    left: Option<usize>,
}

struct Request {
    method: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Peer {
    /// False once the connection has broken off.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let count = self.left.map_or(bytes.len(), |left| left.min(bytes.len()));
        if let Some(left) = &mut self.left {
            *left -= count;
        }
        self.stream.write_all(&bytes[..count]).await.is_ok() && count == bytes.len()
    }

    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(count) if count > 0)
    }

    async fn request(&mut self) -> Option<Request> {
        let end = loop {
            match self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None if !self.fill().await => return None,
                None => {}
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
        while self.buffer.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        let body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query).to_owned();
        Some(Request { method, query, headers, body })
    }

    async fn answer(&mut self, status: &str, body: &[u8]) -> bool {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        self.write(&[head.as_bytes(), body].concat()).await
    }
}

async fn serve(mut peer: Peer, shared: Arc<Shared>) {
    while let Some(request) = peer.request().await {
        let faults = shared.faults.lock().clone();
        let sid = request.query.split('&').find_map(|pair| pair.strip_prefix("sid="));
        let is_upgrade = request.query.contains("transport=websocket");
        let goes_on = match (faults.busy, sid, is_upgrade) {
            (Some(seconds), None, _) => {
                let status = format!("503 Service Unavailable\r\nRetry-After: {seconds}");
                peer.answer(&status, br#"{"code":4,"message":"too many"}"#).await
            }
            (None, None, true) if faults.no_websocket => peer.answer("403 Forbidden", b"<html>a proxy</html>").await,
            (None, None, true) => return websocket(peer, &request, &shared).await,
            (None, None, false) => {
                let session = Session::begin(&shared, "polling");
                poll(&mut peer, &session, &shared).await
            }
            (_, Some(sid), _) => {
                let session = shared.sessions.lock().get(sid).cloned();
                match session {
                    Some(session) if request.method == "POST" => {
                        request.body.split('\u{1e}').for_each(|packet| session.hear(&shared, packet));
                        peer.answer("200 OK", b"ok").await
                    }
                    Some(session) => poll(&mut peer, &session, &shared).await,
                    None => peer.answer("400 Bad Request", br#"{"code":1,"message":"Session ID unknown"}"#).await,
                }
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// Answers a GET once there is something.
async fn poll(peer: &mut Peer, session: &Arc<Session>, shared: &Arc<Shared>) -> bool {
    loop {
        let frames = session.take(shared);
        let packets = if !frames.is_empty() {
            encode_payload(Revision::V4, &frames, false, false).1
        } else if session.closing().is_some() {
            session.end(shared);
            b"1".to_vec()
        } else {
            let interval = Duration::from_millis(shared.faults.lock().ping_interval_ms);
            tokio::select! {
                () = session.wake.notified() => {}
                () = tokio::time::sleep(interval) => session.send(&[wire::engineio::ping()]),
                // Nobody asks any more.
                goes_on = peer.fill() => if !goes_on {
                    session.end(shared);
                    return false;
                },
            }
            continue;
        };
        let goes_on = peer.answer("200 OK", &packets).await;
        if !goes_on {
            session.end(shared);
        }
        return goes_on;
    }
}

async fn websocket(mut peer: Peer, request: &Request, shared: &Arc<Shared>) {
    let header = |name: &str| request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let offer = Offer {
        method: &request.method,
        upgrade: header("upgrade"),
        connection: header("connection"),
        version: header("sec-websocket-version"),
        key: header("sec-websocket-key"),
    };
    let accept = offer.accept().unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if !peer.write(head.as_bytes()).await {
        return;
    }
    let session = Session::begin(shared, "websocket");
    converse(&mut peer, &session, shared).await;
    session.end(shared);
}

async fn converse(peer: &mut Peer, session: &Arc<Session>, shared: &Arc<Shared>) {
    let mut decoder = Decoder::new(Limits { max_message: 1_000_000 });
    loop {
        loop {
            let used = match decoder.decode(&mut peer.buffer).unwrap() {
                Step::NeedMore => break,
                Step::Frame { item: Some(Item::Close(_)), .. } => {
                    peer.write(&close_frame(1000, "")).await;
                    return;
                }
                Step::Frame { used, item } => {
                    if let Some(Item::Text(text)) = item {
                        session.hear(shared, text);
                    }
                    used
                }
            };
            peer.buffer.drain(..used);
        }
        let frames: Vec<Bytes> = session.take(shared).iter().map(|frame| frame.websocket(Revision::V4)).collect();
        if !frames.is_empty() && !peer.write(&frames.concat()).await {
            return;
        }
        if let Some(code) = session.closing() {
            peer.write(&close_frame(code, "")).await;
            return;
        }
        let interval = Duration::from_millis(shared.faults.lock().ping_interval_ms);
        tokio::select! {
            goes_on = peer.fill() => if !goes_on { return },
            () = session.wake.notified() => {}
            () = tokio::time::sleep(interval) => session.send(&[wire::engineio::ping()]),
        }
    }
}
