//! Agreement with tungstenite over random streams: the same messages, and an error with the same close code at the
//! same place.
//!
//! Where the two differ on purpose: ours refuses a frame from its header, tungstenite once it is complete; tungstenite
//! weighs a frame's size before its form; and it does not know close code 1014.

use super::testing::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as Theirs, Message, WebSocket, error::ProtocolError};

const MAX_MESSAGE: usize = 300;

/// What tungstenite makes of a stream: what was said, and the close code of its error, `None` where it would read on.
fn oracle(chunks: &[&[u8]]) -> (Vec<Said>, Option<u16>) {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let stream = Chunks(chunks.iter().map(|chunk| chunk.to_vec()).collect());
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut said = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => said.push(Said::Text(text.to_string())),
            Ok(Message::Binary(data)) => said.push(Said::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => said.push(Said::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => said.push(Said::Pong(data.to_vec())),
            Ok(Message::Close(None)) => {
                said.push(Said::Close(None));
                return (said, None);
            }
            Ok(Message::Close(Some(close))) => {
                // A code that may not be sent becomes a close with 1002 and these words.
                if u16::from(close.code) == 1002 && close.reason.as_str() == "Protocol violation" {
                    return (said, Some(1002));
                }
                said.push(Said::Close(Some((close.code.into(), close.reason.to_string()))));
                return (said, None);
            }
            Ok(Message::Frame(_)) => unreachable!("only written"),
            Err(Theirs::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return (said, None),
            Err(Theirs::Protocol(_)) => return (said, Some(1002)),
            Err(Theirs::Utf8(_)) => return (said, Some(1007)),
            Err(Theirs::Capacity(_)) => return (said, Some(1009)),
            Err(error) => panic!("the oracle failed: {error}"),
        }
    }
}

fn ours(chunks: &[&[u8]]) -> (Vec<Said>, Option<u16>) {
    let heard = hear_chunks(chunks.iter().copied(), MAX_MESSAGE);
    (heard.said, heard.end.err().map(|error| error.reason().code()))
}

/// A stream that gives one chunk a read and then ends.
struct Chunks(VecDeque<Vec<u8>>);

impl Read for Chunks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut chunk) = self.0.pop_front() else { return Ok(0) };
        let taken = chunk.len().min(buf.len());
        buf[..taken].copy_from_slice(&chunk[..taken]);
        if taken < chunk.len() {
            self.0.push_front(chunk.split_off(taken));
        }
        Ok(taken)
    }
}

impl Write for Chunks {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Frames in an order that makes sense: messages, some in fragments cut anywhere, control frames between; now and then
/// one that breaks a rule.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(exchange(), 0..8).prop_map(|exchanges| exchanges.concat())
}

fn exchange() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => message(),
        2 => control(),
        1 => (any::<u8>().prop_map(|first| first & 0x8f), any::<Vec<u8>>()).prop_map(|(first, data)| frame(first, &data)),
        1 => (any::<u16>(), any::<Vec<u8>>()).prop_map(|(code, reason)| close(not_1014(code), &reason)),
        1 => (999u16..1020, "\\PC{0,8}").prop_map(|(code, reason)| close(not_1014(code), reason.as_bytes())),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![8 => "\\PC{0,90}".prop_map(String::into_bytes), 1 => any::<Vec<u8>>()];
    let body =
        prop_oneof![(Just(TEXT), text), (Just(BINARY), prop::collection::vec(any::<u8>(), 0..MAX_MESSAGE + 20)),];
    (body, prop::collection::vec((any::<prop::sample::Index>(), prop::option::weighted(0.3, control())), 0..4))
        .prop_map(|((opcode, body), cuts)| {
            let mut places: Vec<_> =
                cuts.into_iter().map(|(cut, between)| (cut.index(body.len() + 1), between)).collect();
            places.sort_by_key(|(place, _)| *place);
            let (mut bytes, mut start, mut opcode) = (Vec::new(), 0, opcode);
            for (place, between) in places {
                bytes.extend(frame(opcode, &body[start..place]));
                bytes.extend(between.unwrap_or_default());
                (start, opcode) = (place, CONTINUATION);
            }
            bytes.extend(frame(FIN | opcode, &body[start..]));
            bytes
        })
}

fn control() -> impl Strategy<Value = Vec<u8>> {
    (prop_oneof![Just(PING), Just(PONG)], prop::collection::vec(any::<u8>(), 0..127))
        .prop_map(|(opcode, data)| frame(FIN | opcode, &data))
}

fn not_1014(code: u16) -> u16 {
    if code == 1014 { 1013 } else { code }
}

fn chunked<'a>(stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut chunks) = (stream, Vec::new());
    for size in sizes {
        let (chunk, behind) = rest.split_at((*size).min(rest.len()));
        chunks.push(chunk);
        rest = behind;
    }
    chunks.push(rest);
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn streams_of_frames_come_to_the_same(stream in stream(), sizes in prop::collection::vec(1usize..200, 0..12)) {
        let chunks = chunked(&stream, &sizes);
        let (said, code) = ours(&chunks);
        let (expected, their_code) = oracle(&chunks);
        prop_assert_eq!(said, expected);
        let earlier = (code, their_code) == (Some(1002), Some(1009));
        prop_assert!(code == their_code || earlier, "ours {:?}, theirs {:?}", code, their_code);
    }

    #[test]
    fn damaged_streams_come_to_the_same(
        stream in stream(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        sizes in prop::collection::vec(1usize..200, 0..12),
    ) {
        let mut stream = stream;
        for (place, byte) in damage {
            if !stream.is_empty() {
                let place = place.index(stream.len());
                stream[place] = byte;
            }
        }
        let chunks = chunked(&stream, &sizes);
        let (said, code) = ours(&chunks);
        // What completes the last frame, so that the oracle has the whole of what ours refuses from the header.
        let padding = [0; MAX_MESSAGE + 14];
        let mut padded = chunks.clone();
        if code.is_some() {
            padded.push(&padding);
        }
        let (expected, their_code) = oracle(&padded);
        prop_assume!(!said.iter().chain(&expected).any(|said| matches!(said, Said::Close(Some((1014, _))))));
        prop_assert_eq!(said, expected);
        let earlier = (code, their_code) == (Some(1002), Some(1009));
        prop_assert!(code == their_code || earlier, "ours {:?}, theirs {:?}", code, their_code);
    }
}
