//! What is sent: a packet encoded once, in a buffer that any number of connections share.
//!
//! ```text
//!   buffer   [ WebSocket header | packet ]
//!                               └── what a polling body takes
//!            └── what a WebSocket takes, in one piece
//! ```

use bytes::{Buf as _, Bytes};

use super::{Revision, push_base64};

/// One outgoing packet. Cloning shares the buffer; it never copies.
///
/// The buffer starts with the header of an unmasked, final WebSocket frame (RFC 6455 section 5.2), so a WebSocket
/// writes it as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A text packet, type digit included, from what `write` appends. It must append UTF-8 and leave alone what the
    /// vector already holds: room for the header.
    pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Frame {
        let mut buffer = Frame::begin(128);
        write(&mut buffer);
        Frame::finish(buffer)
    }

    /// A message whose data is `text`.
    pub fn message(text: &str) -> Frame {
        let mut buffer = Frame::begin(1 + text.len());
        buffer.push(b'4');
        buffer.extend_from_slice(text.as_bytes());
        Frame::finish(buffer)
    }

    /// A message whose data is binary.
    pub fn binary(data: &[u8]) -> Frame {
        Frame(binary_frame(&[], data))
    }

    /// The complete WebSocket frame. Shared, except for binary of revision 3, which needs a type byte before the data
    /// and is built anew on each call.
    pub fn websocket(&self, rev: Revision) -> Bytes {
        if rev == Revision::V4 || !self.is_binary() {
            return self.0.clone();
        }
        binary_frame(&[BINARY_MESSAGE], self.payload())
    }

    /// The complete WebSocket frame for a client that asked with `b64=1` for text only: binary becomes base64.
    pub fn websocket_base64(&self, rev: Revision) -> Bytes {
        if !self.is_binary() {
            return self.0.clone();
        }
        let mut buffer = Frame::begin(2 + super::base64_len(self.payload().len()));
        push_base64(rev, self.payload(), &mut buffer);
        Frame::finish(buffer).0
    }

    /// A text packet with its type digit, or a binary message's data.
    pub fn payload(&self) -> &[u8] {
        let header = match self.0[1] {
            127 => 10,
            126 => 4,
            _ => 2,
        };
        &self.0[header..]
    }

    /// Whether this is a binary message.
    pub fn is_binary(&self) -> bool {
        self.0[0] == OPCODE_BINARY
    }

    /// Bytes to account for in a queue: the frame with its WebSocket header, never 0.
    #[expect(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A buffer with the header's room, for [`Frame::finish`]; `capacity` is the expected size of the packet.
    pub(crate) fn begin(capacity: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(HEADER_ROOM + capacity);
        buffer.resize(HEADER_ROOM, 0);
        buffer
    }

    /// Puts the header right before the text packet that follows the room.
    pub(crate) fn finish(mut buffer: Vec<u8>) -> Frame {
        debug_assert!(std::str::from_utf8(&buffer[HEADER_ROOM..]).is_ok(), "a text frame must be UTF-8");
        let (header, header_len) = header(OPCODE_TEXT, buffer.len() - HEADER_ROOM);
        let start = HEADER_ROOM - header_len;
        buffer[start..HEADER_ROOM].copy_from_slice(&header[..header_len]);
        let mut bytes = Bytes::from(buffer);
        bytes.advance(start);
        Frame(bytes)
    }
}

/// Shows the size only: what users write does not belong in a log.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("binary", &self.is_binary()).field("len", &self.len()).finish()
    }
}

/// The heartbeat's question, `2`.
pub const fn ping() -> Frame {
    Frame(Bytes::from_static(b"\x81\x012"))
}

/// The heartbeat's answer, `3` and the data of the ping (`probe` during an upgrade).
pub fn pong(data: &str) -> Frame {
    Frame::text(|out| {
        out.push(b'3');
        out.extend_from_slice(data.as_bytes());
    })
}

/// The packet that only frees a waiting poll, `6`.
pub const fn noop() -> Frame {
    Frame(Bytes::from_static(b"\x81\x016"))
}

/// The server leaves, `1`.
pub const fn close() -> Frame {
    Frame(Bytes::from_static(b"\x81\x011"))
}

/// The handshake, `0{…}`: the session's id, the transports it can be upgraded to, the heartbeat in milliseconds, and
/// the largest body or frame in bytes that the server takes (revision 3 clients ignore that one).
pub fn open(sid: &str, upgrades: &[&str], ping_interval_ms: u64, ping_timeout_ms: u64, max_payload: u64) -> Frame {
    let handshake =
        Handshake { sid, upgrades, ping_interval: ping_interval_ms, ping_timeout: ping_timeout_ms, max_payload };
    Frame::text(|out| {
        out.push(b'0');
        // Strings and integers into memory: nothing here can fail.
        let _ = serde_json::to_writer(out, &handshake);
    })
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Handshake<'a> {
    sid: &'a str,
    upgrades: &'a [&'a str],
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: u64,
}

/// The longest header a server writes: two bytes and a 64-bit length, no mask.
const HEADER_ROOM: usize = 10;
/// FIN and the opcode of text.
const OPCODE_TEXT: u8 = 0x81;
/// FIN and the opcode of binary.
const OPCODE_BINARY: u8 = 0x82;
/// What revision 3 puts before binary data: the type of a message, as a number.
pub(super) const BINARY_MESSAGE: u8 = 4;

/// A complete binary frame of `prefix` and `data`.
fn binary_frame(prefix: &[u8], data: &[u8]) -> Bytes {
    let (header, header_len) = header(OPCODE_BINARY, prefix.len() + data.len());
    Bytes::from([&header[..header_len], prefix, data].concat())
}

/// The header of a final, unmasked frame, and how many bytes of it are used.
fn header(opcode: u8, payload_len: usize) -> ([u8; HEADER_ROOM], usize) {
    let mut header = [0; HEADER_ROOM];
    header[0] = opcode;
    match payload_len {
        0..=125 => {
            header[1] = payload_len as u8;
            (header, 2)
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(payload_len as u64).to_be_bytes());
            (header, 10)
        }
    }
}
