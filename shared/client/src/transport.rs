//! What packets travel by: a WebSocket or long-polling, behind one seam. Knows Engine.IO's packets as texts, and nothing of
//! what they carry.

mod address;
mod http1;
mod polling;
mod websocket;

pub(crate) use address::Address;

use crate::lifeline::{Lost, Transport};
use bytes::Bytes;
use polling::Polling;
use serde::Deserialize;
use std::task::{Context, Poll};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use websocket::WebSocket;

/// The largest message or body that is taken in bytes. Pages have some 500 KB, but at least one conversation with its newest 20
/// entries, of 1 MB each at most.
const MAX_INCOMING: usize = 32 << 20;

/// The most that goes into one POST in bytes, unless a single packet is larger. Servers take 1 MB.
const MAX_POST: usize = 512 << 10;

/// An open way to the server.
pub(crate) enum Carrier {
    WebSocket(Box<WebSocket>),
    Polling(Box<Polling>),
}

/// An Engine.IO packet as it came.
#[derive(Debug)]
pub(crate) enum Packet {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// What an Engine.IO server answers instead of a session.
#[derive(Deserialize)]
struct Refused {
    code: u64,
}

impl Carrier {
    /// Opens a session as far as the server's first packet, which comes by [`poll_packet`](Self::poll_packet).
    pub(crate) async fn open(address: &Address, transport: Transport) -> Result<Self, Lost> {
        Ok(match transport {
            Transport::WebSocket => Self::WebSocket(Box::new(WebSocket::open(address).await?)),
            Transport::Polling => Self::Polling(Box::new(Polling::open(address).await?)),
        })
    }

    /// Queues a text packet. It leaves with the next [`poll_packet`](Self::poll_packet).
    pub(crate) fn send(&mut self, packet: String) {
        match self {
            Self::WebSocket(socket) => socket.send(packet),
            Self::Polling(session) => session.send(packet),
        }
    }

    /// Writes what is queued, and gives what has come. Nothing is lost if it is not polled to the end.
    pub(crate) fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<Packet, Lost>> {
        match self {
            Self::WebSocket(socket) => socket.poll_packet(cx),
            Self::Polling(session) => session.poll_packet(cx),
        }
    }

    /// Writes what is queued and says goodbye. May take long: the caller sets a limit.
    pub(crate) async fn close(self) {
        match self {
            Self::WebSocket(socket) => socket.close().await,
            Self::Polling(session) => session.close().await,
        }
    }
}

/// What became of a request that was not answered as asked.
fn refused(status: u16, retry_after: Option<&str>, body: &[u8], is_upgrade: bool) -> Lost {
    if matches!(status, 429 | 503) {
        let seconds: Option<u64> = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        return Lost::Busy { retry_after_ms: seconds.map(|seconds| seconds.saturating_mul(1_000)) };
    }
    match serde_json::from_slice(body) {
        // Transport unknown: this server has polling only.
        Ok(Refused { code: 0 }) if is_upgrade => Lost::NoWebSocket,
        // It is gone, or not for us: another one is needed.
        Ok(Refused { .. }) => Lost::PutOut,
        // Not the server's own words: something on the way.
        Err(_) if is_upgrade => Lost::NoWebSocket,
        Err(_) => Lost::Broken,
    }
}
