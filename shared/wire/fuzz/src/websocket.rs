//! Any bytes as a client's side of a WebSocket, against tungstenite: the same is said, and an error comes at the same
//! place with the same close code.
//!
//! Where the two differ on purpose: ours refuses a frame from its header, tungstenite once it is complete; tungstenite
//! weighs a frame's size before its form; and it does not know close code 1014, which IANA has registered.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as Theirs, Message, WebSocket, error::ProtocolError};
use wire::websocket::{Decoder, Item, Limits, Step};

/// The first byte sets the size of the pieces in which the rest arrives (less one), the second the largest message (in
/// units of four bytes).
pub fn run(data: &[u8]) {
    let [piece, max, stream @ ..] = data else { return };
    let max_message = usize::from(*max) * 4;
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(*piece) + 1).collect();
    let ours = ours(&pieces, max_message);
    assert_eq!(ours, self::ours(&[stream], max_message), "depends on how the stream was cut");

    // What completes the last frame, so that tungstenite has the whole of what ours refuses from the header.
    let padding = vec![0; max_message.max(MAX_CONTROL) + 14];
    let mut pieces = pieces;
    if ours.code.is_some() {
        pieces.push(&padding);
    }
    let theirs = theirs(&pieces, max_message);
    if let Some(Said::Close(Some((1014, _)))) = ours.said.last() {
        assert_eq!(theirs.said, ours.said[..ours.said.len() - 1]);
        return;
    }
    assert_eq!(ours.said, theirs.said);
    let form_before_size = (ours.code, theirs.code) == (Some(1002), Some(1009));
    assert!(ours.code == theirs.code || form_before_size, "ours {:?}, theirs {:?}", ours.code, theirs.code);
}

/// The most a control frame carries.
const MAX_CONTROL: usize = 125;

/// What came of a stream: what was said, and the close code of the error, `None` where reading would go on.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    said: Vec<Said>,
    code: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

fn ours(pieces: &[&[u8]], max_message: usize) -> Heard {
    let mut decoder = Decoder::new(Limits { max_message });
    let (mut tail, mut said) = (Vec::new(), Vec::new());
    for piece in pieces {
        tail.extend_from_slice(piece);
        let mut start = 0;
        loop {
            let before = tail[start..].to_vec();
            let step = decoder.decode(&mut tail[start..]).map(|step| match step {
                Step::NeedMore => None,
                Step::Frame { used, item } => Some((used, item.map(own))),
            });
            match step {
                Err(error) => return Heard { said, code: Some(error.reason().code()) },
                Ok(None) => {
                    assert_eq!(before, tail[start..], "bytes of an incomplete frame were changed");
                    break;
                }
                Ok(Some((used, item))) => {
                    assert!((6..=before.len()).contains(&used));
                    start += used;
                    assert_eq!(before[used..], tail[start..], "bytes behind the frame were changed");
                    said.extend(item);
                    if let Some(Said::Close(_)) = said.last() {
                        return Heard { said, code: None };
                    }
                }
            }
        }
        tail.drain(..start);
        assert!(tail.len() < max_message.max(MAX_CONTROL) + 14, "waits for a frame that is too large");
    }
    Heard { said, code: None }
}

fn own(item: Item<'_>) -> Said {
    match item {
        Item::Text(text) => Said::Text(text.to_owned()),
        Item::Binary(data) => Said::Binary(data.to_vec()),
        Item::Ping(data) => Said::Ping(data.to_vec()),
        Item::Pong(data) => Said::Pong(data.to_vec()),
        Item::Close(body) => Said::Close(body.map(|(code, reason)| (code, reason.to_owned()))),
    }
}

fn theirs(pieces: &[&[u8]], max_message: usize) -> Heard {
    // Its frames include control frames, which our limit does not concern.
    let config = WebSocketConfig::default()
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message.max(MAX_CONTROL)));
    let stream = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect());
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut said = Vec::new();
    let code = loop {
        match socket.read() {
            Ok(Message::Text(text)) => said.push(Said::Text(text.to_string())),
            Ok(Message::Binary(data)) => said.push(Said::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => said.push(Said::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => said.push(Said::Pong(data.to_vec())),
            Ok(Message::Close(Some(close)))
                if u16::from(close.code) == 1002 && close.reason.as_str() == "Protocol violation" =>
            {
                // What it makes of a code that may not be sent.
                break Some(1002);
            }
            Ok(Message::Close(body)) => {
                said.push(Said::Close(body.map(|close| (close.code.into(), close.reason.to_string()))));
                break None;
            }
            Ok(Message::Frame(_)) => unreachable!("raw frames are only written"),
            Err(Theirs::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break None,
            Err(Theirs::Protocol(_)) => break Some(1002),
            Err(Theirs::Utf8(_)) => break Some(1007),
            Err(Theirs::Capacity(_)) => break Some(1009),
            Err(error) => panic!("tungstenite failed: {error}"),
        }
    };
    Heard { said, code }
}

/// A stream that gives one piece a read and then ends.
struct Pieces(VecDeque<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
        let taken = piece.len().min(buf.len());
        buf[..taken].copy_from_slice(&piece[..taken]);
        if taken < piece.len() {
            self.0.push_front(piece.split_off(taken));
        }
        Ok(taken)
    }
}

impl Write for Pieces {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
