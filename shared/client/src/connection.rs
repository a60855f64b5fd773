//! One connection: an Engine.IO session and the main namespace of Socket.IO in it, from the first byte to the last. Heartbeats
//! end here.

use crate::lifeline::{End, Lost, Transport};
use crate::rules::Refusal;
use crate::transport::{Address, Carrier, Packet};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::future::poll_fn;
use std::task::{Context, Poll};
use wire::engineio::{self, Data, Kind, Revision};
use wire::socketio::{Args, Decoder, Limits, Packet as Spoken, Version};

/// A session that said `init`.
pub(crate) struct Connection {
    carrier: Carrier,
    decoder: Decoder,
}

/// What was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    Event {
        name: Box<str>,
        args: Args,
    },
    Answer {
        id: u64,
        args: Args,
    },
    /// A sign of life and no more.
    Pulse,
}

/// How an attempt failed.
#[derive(Debug)]
pub(crate) enum Failed {
    Lost(Lost),
    End(End),
}

/// A new connection.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    /// The payload of `init`.
    pub(crate) init: Box<RawValue>,
    /// Silence that is longer means that the connection is dead, in milliseconds.
    pub(crate) patience_ms: u64,
}

/// Engine.IO's first packet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handshake {
    ping_interval: u64,
    ping_timeout: u64,
}

/// Why Socket.IO does not let a client in.
#[derive(Deserialize)]
struct ConnectError {
    #[serde(default)]
    message: Box<str>,
    #[serde(default)]
    data: Option<Refusal>,
}

/// What the main namespace's refusal begins with.
const CONNECT_ERROR: &str = "44";

/// Codes of a refusal that would come again.
const FINAL: [&str; 2] = ["unauthorized", "forbidden"];

impl Connection {
    /// Opens a session, logs in with `auth` (a JSON object) and waits for `init`. The caller sets the limit in time.
    pub(crate) async fn open(address: &Address, transport: Transport, auth: &str) -> Result<Opened, Failed> {
        let carrier = Carrier::open(address, transport).await.map_err(Failed::Lost)?;
        let mut connection = Self { carrier, decoder: Decoder::new(Version::V5, limits()) };
        let Packet::Text(first) = connection.packet().await? else { return Err(Failed::Lost(Lost::Protocol)) };
        let handshake = first.strip_prefix('0').and_then(|json| serde_json::from_str(json).ok());
        let Handshake { ping_interval, ping_timeout } = handshake.ok_or(Failed::Lost(Lost::Protocol))?;
        connection.carrier.send(format!("40{auth}"));
        let init = connection.init().await?;
        Ok(Opened { connection, init, patience_ms: ping_interval.saturating_add(ping_timeout) })
    }

    /// Emits an event whose answer comes with this id.
    pub(crate) fn emit(&mut self, id: u64, event: &str, payload: &RawValue) {
        let encoded = wire::socketio::event_raw_json("/", Some(id), event, payload.get());
        for frame in encoded.frames() {
            // Written from texts just now.
            self.carrier.send(String::from_utf8_lossy(frame.payload()).into_owned());
        }
    }

    /// Writes what is queued, and gives what has come.
    pub(crate) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, Lost>> {
        match self.carrier.poll_packet(cx) {
            Poll::Ready(Ok(packet)) => Poll::Ready(self.take_in(&packet)),
            Poll::Ready(Err(lost)) => Poll::Ready(Err(lost)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Leaves the namespace and closes. The caller sets the limit in time.
    pub(crate) async fn close(mut self) {
        self.carrier.send("41".to_owned());
        self.carrier.close().await;
    }

    fn take_in(&mut self, packet: &Packet) -> Result<Heard, Lost> {
        let spoken = match packet {
            Packet::Binary(bytes) => self.decoder.binary(bytes.clone()),
            Packet::Text(text) => {
                let packet = engineio::decode_text(Revision::V4, text).map_err(|_| Lost::Protocol)?;
                match (packet.kind, packet.data) {
                    (Kind::Message, Data::Text(text)) => self.decoder.text(&text),
                    (Kind::Message, Data::Binary(bytes)) => self.decoder.binary(Bytes::from(bytes.into_owned())),
                    (Kind::Ping, Data::Text(data)) => {
                        self.carrier.send(format!("3{data}"));
                        Ok(None)
                    }
                    (Kind::Close, _) => return Err(Lost::PutOut),
                    _ => Ok(None),
                }
            }
        };
        match spoken.map_err(|_| Lost::Protocol)? {
            Some(Spoken::Event { name, args, .. }) => Ok(Heard::Event { name: (&*name).into(), args }),
            Some(Spoken::Ack { id, args, .. }) => Ok(Heard::Answer { id, args }),
            Some(Spoken::Disconnect { .. }) => Err(Lost::PutOut),
            Some(Spoken::Connect { .. }) | None => Ok(Heard::Pulse),
        }
    }

    async fn packet(&mut self) -> Result<Packet, Failed> {
        poll_fn(|cx| self.carrier.poll_packet(cx)).await.map_err(Failed::Lost)
    }

    /// The first event, or why there is none.
    async fn init(&mut self) -> Result<Box<RawValue>, Failed> {
        loop {
            let packet = self.packet().await?;
            if let Packet::Text(text) = &packet
                && let Some(error) = text.strip_prefix(CONNECT_ERROR)
            {
                return Err(refused(error));
            }
            let Heard::Event { name, args } = self.take_in(&packet).map_err(Failed::Lost)? else { continue };
            if &*name == "init" {
                return payload(&args).ok_or(Failed::Lost(Lost::Protocol));
            }
        }
    }
}

/// The one argument that events and answers have.
pub(crate) fn payload(args: &Args) -> Option<Box<RawValue>> {
    serde_json::from_str(args.raw(0)?).ok()
}

fn refused(error: &str) -> Failed {
    let ConnectError { message, data } = match serde_json::from_str(error) {
        Ok(error) => error,
        Err(_) => return Failed::Lost(Lost::Protocol),
    };
    match data {
        Some(Refusal { code, message, .. }) if FINAL.contains(&&*code) => Failed::End(End::Refused { code, message }),
        Some(Refusal { retry_after_ms, .. }) => Failed::Lost(Lost::Busy { retry_after_ms }),
        None => {
            tracing::debug!(%message, "not let in");
            Failed::Lost(Lost::Busy { retry_after_ms: None })
        }
    }
}

fn limits() -> Limits {
    Limits { max_attachments: 100, max_attachment_bytes: 16 << 20 }
}
