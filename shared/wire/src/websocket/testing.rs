//! The client's side for tests: masked frames, and a caller that reads in chunks as a connection does.

use super::{Decoder, Error, Item, Limits, Step};

/// An item that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// What came of a stream of bytes: what was said, then an error or bytes that are no whole frame yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) said: Vec<Said>,
    pub(super) end: Result<Vec<u8>, Error>,
}

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// Added to an opcode: the frame is the last of its message.
pub(super) const FIN: u8 = 0x80;

/// A client's frame with this first byte.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A close frame of a client.
pub(super) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// Everything in one chunk, messages up to 64 KiB.
pub(super) fn hear(stream: &[u8]) -> Heard {
    hear_chunks([stream], 65_536)
}

/// Reads chunk after chunk, keeping only what is left of each, until a close or an error.
pub(super) fn hear_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, max_message: usize) -> Heard {
    let mut decoder = Decoder::new(Limits { max_message });
    let (mut tail, mut said) = (Vec::new(), Vec::new());
    for chunk in chunks {
        tail.extend_from_slice(chunk);
        let mut start = 0;
        loop {
            match decoder.decode(&mut tail[start..]) {
                Err(error) => return Heard { said, end: Err(error) },
                Ok(Step::NeedMore) => break,
                Ok(Step::Frame { used, item }) => {
                    start += used;
                    said.extend(item.map(Said::from));
                    if let Some(Said::Close(_)) = said.last() {
                        return Heard { said, end: Ok(Vec::new()) };
                    }
                }
            }
        }
        tail.drain(..start);
    }
    Heard { said, end: Ok(tail) }
}

impl From<Item<'_>> for Said {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.to_owned()),
            Item::Binary(data) => Self::Binary(data.to_vec()),
            Item::Ping(data) => Self::Ping(data.to_vec()),
            Item::Pong(data) => Self::Pong(data.to_vec()),
            Item::Close(body) => Self::Close(body.map(|(code, reason)| (code, reason.to_owned()))),
        }
    }
}
