//! Engine.IO 3 and 4: packets as they travel in a WebSocket frame or a polling body. Knows how packets are framed,
//! nothing of sessions, heartbeats or of what a message carries.
//!
//! Text packets are a type digit and data. Binary is a message: raw in a WebSocket frame (revision 3 puts the type byte
//! before it) and base64 behind a `b` where only text can go. What a polling body looks like is in [`decode_payload`]
//! and [`decode_binary_payload`].

mod double_utf8;
mod frame;
pub mod jsonp;
mod octets;
mod payload;

#[cfg(test)]
mod frame_tests;
#[cfg(test)]
mod jsonp_tests;
#[cfg(test)]
mod packet_tests;
#[cfg(test)]
mod payload_tests;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use bytes::Bytes;

pub use double_utf8::undo_double_utf8;
pub use frame::{Frame, close, noop, open, ping, pong};
pub use octets::{BinaryPayload, decode_binary_payload};
pub use payload::{ContentKind, Payload, decode_payload, encode_payload};

use crate::Error;

/// The revision of Engine.IO a client asked for with `EIO=3` or `EIO=4`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Revision {
    /// Clients of Socket.IO 1.x and 2.x.
    V3,
    /// Clients of Socket.IO 3.x and 4.x.
    V4,
}

/// What a packet is for; the digit it starts with is its position here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// The server's handshake.
    Open,
    /// The sender leaves.
    Close,
    /// A heartbeat's question (asked by the client in revision 3, by the server in 4).
    Ping,
    /// A heartbeat's answer, with the question's data.
    Pong,
    /// Data for the layer above.
    Message,
    /// The client completes an upgrade.
    Upgrade,
    /// Nothing; it frees a waiting poll.
    Noop,
}

impl Kind {
    fn from_number(number: u8) -> Result<Kind, Error> {
        Ok(match number {
            0 => Kind::Open,
            1 => Kind::Close,
            2 => Kind::Ping,
            3 => Kind::Pong,
            4 => Kind::Message,
            5 => Kind::Upgrade,
            6 => Kind::Noop,
            _ => return Err(Error::UnknownType),
        })
    }
}

/// What a packet carries, borrowed from the input wherever the encoding allows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// UTF-8 text, possibly empty.
    Text(Cow<'a, str>),
    /// Bytes; owned when they came as base64.
    Binary(Cow<'a, [u8]>),
}

impl Data<'_> {
    /// The bytes, of text in UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Data::Text(text) => text.as_bytes(),
            Data::Binary(bytes) => bytes,
        }
    }

    /// The bytes to keep: copied when borrowed, handed over when owned.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Data::Text(text) => Bytes::from(text.into_owned()),
            Data::Binary(bytes) => Bytes::from(bytes.into_owned()),
        }
    }
}

/// Shows the size only: what users write does not belong in a log.
impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Data::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Data::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// One Engine.IO packet as received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Its type.
    pub kind: Kind,
    /// Its data; binary only with [`Kind::Message`] in revision 4, with any type in 3.
    pub data: Data<'a>,
}

/// Decodes a WebSocket text frame, or one packet of a text payload: a type digit and data, or base64 behind `b` (which
/// clients that cannot send binary use on any transport).
pub fn decode_text(rev: Revision, frame: &str) -> Result<Packet<'_>, Error> {
    let first = *frame.as_bytes().first().ok_or(Error::Empty)?;
    if first == b'b' {
        return decode_base64(rev, &frame[1..]);
    }
    let kind = Kind::from_number(first.wrapping_sub(b'0'))?;
    Ok(Packet { kind, data: Data::Text(Cow::Borrowed(&frame[1..])) })
}

/// Decodes a WebSocket binary frame. In revision 4 all of it is a message's data, also when empty; in revision 3 its
/// first byte is the packet's type (0 to 6, not a digit).
pub fn decode_binary(rev: Revision, frame: &[u8]) -> Result<Packet<'_>, Error> {
    let (kind, data) = match rev {
        Revision::V4 => (Kind::Message, frame),
        Revision::V3 => {
            let (&number, data) = frame.split_first().ok_or(Error::Empty)?;
            (Kind::from_number(number)?, data)
        }
    };
    Ok(Packet { kind, data: Data::Binary(Cow::Borrowed(data)) })
}

/// Standard alphabet. Encoders pad; decoding takes either, since clients' encoders differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What follows the `b`: in revision 3 the type digit, in both base64.
fn decode_base64(rev: Revision, encoded: &str) -> Result<Packet<'_>, Error> {
    let (kind, encoded) = match rev {
        Revision::V4 => (Kind::Message, encoded.as_bytes()),
        Revision::V3 => {
            let (&digit, encoded) = encoded.as_bytes().split_first().ok_or(Error::Empty)?;
            (Kind::from_number(digit.wrapping_sub(b'0'))?, encoded)
        }
    };
    let data = BASE64.decode(encoded).map_err(|_| Error::Base64)?;
    Ok(Packet { kind, data: Data::Binary(Cow::Owned(data)) })
}

/// Appends what goes where a binary message must travel as text: `b4…` in revision 3, `b…` in 4.
fn push_base64(rev: Revision, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(match rev {
        Revision::V3 => b"b4",
        Revision::V4 => b"b",
    });
    out.extend_from_slice(BASE64.encode(data).as_bytes());
}

/// Length of `bytes` bytes in padded base64.
const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}
